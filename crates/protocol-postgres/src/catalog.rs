//! Snapshots of a target's catalog: read with Weir's own connection, shared by the sessions of one database.

mod connection;

pub use connection::ROWS_MAX;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use gate::{Credentials, Search};
use parking_lot::Mutex;
use sql_postgres::{Catalog, CatalogRows, ClassRules, Temporary};
use tokio::time::{sleep, timeout};

use self::connection::Connection;
use crate::target::{TargetDown, TargetSettings};

/// A snapshot older than this is read again when a statement comes, while the statement goes on with the old one.
const AGE_STALE: Duration = Duration::from_secs(30);
/// A snapshot older than this is not used at all.
const AGE_MAX: Duration = Duration::from_secs(300);
/// The longest that reading a catalog may take.
const READ_TIME_MAX: Duration = Duration::from_secs(60);
/// Where nothing is classified, a snapshot serves that long after a change that this Weir knows of: what it says of names
/// then decides which tables and functions are asked for, and a name that it does not know is looked up at once.
const AGE_CHANGED: Duration = Duration::from_secs(1);
/// How long the connection on which a catalog was read is kept for the next reading: statements that change the catalog come
/// in crowds. Not longer, because a database that somebody is connected to can't be dropped.
const CONNECTION_KEPT: Duration = Duration::from_secs(2);

/// A catalog as it was at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// What it holds.
    pub catalog: Arc<Catalog>,
    /// Counts catalogs that differ, over all databases: what was read of one holds for all snapshots of its epoch.
    pub epoch: u64,
    /// Counts readings, over all databases.
    pub reading: u64,
    /// Whether anything is looked for in the values of this database.
    pub is_searched: bool,
    /// When reading it began.
    read: Instant,
    /// How often the catalog was known to have changed by then.
    changes: u64,
}

impl Snapshot {
    /// A catalog that was read. If it is as it was before, whatever was found by it still holds.
    fn new(catalog: Catalog, before: Option<&Self>, read: Instant, changes: u64, is_searched: bool) -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let (catalog, epoch) = match before.filter(|before| *before.catalog == catalog) {
            Some(before) => (Arc::clone(&before.catalog), before.epoch),
            None => (Arc::new(catalog), count),
        };
        Self { catalog, epoch, reading: count, is_searched, read, changes }
    }

    /// A snapshot of nothing.
    pub fn empty() -> Self {
        Self {
            catalog: Arc::new(Catalog::build(CatalogRows::default(), &ClassRules::default(), None)),
            epoch: 0,
            reading: 0,
            is_searched: false,
            read: Instant::now(),
            changes: 0,
        }
    }
}

/// How good a snapshot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Good.
    Fresh,
    /// Good enough for now.
    Ageing,
    /// Not to be used: too old, or the catalog is known to have changed.
    Stale,
}

/// The snapshots of one database.
#[derive(Debug)]
pub struct Catalogs {
    target: Arc<TargetSettings>,
    database: String,
    current: ArcSwapOption<Snapshot>,
    /// What is looked for in its values, if anything is.
    search: Option<Arc<Search>>,
    /// What PostgreSQL itself brings on this server.
    own_rows: ArcSwapOption<CatalogRows>,
    /// How often the catalog was known to change. A snapshot is good as long as that is what it was when reading it began: so no
    /// reading that is under way makes one good again that is older.
    changes: AtomicU64,
    ageing_refresh: AtomicBool,
    /// Held by the one that reads.
    reading: tokio::sync::Mutex<Option<Kept>>,
}

/// A connection that waits for the next reading.
#[derive(Debug)]
struct Kept {
    connection: Connection,
    used: Instant,
}

/// Epochs and readings count on from here.
static COUNT: AtomicU64 = AtomicU64::new(1);

impl Catalogs {
    fn new(target: Arc<TargetSettings>, database: String) -> Self {
        let search = target.content.as_ref().map(|content| {
            let nowhere = sql_postgres::result_part();
            Arc::new(Search::new(Arc::clone(content), nowhere))
        });
        Self {
            target,
            database,
            current: ArcSwapOption::empty(),
            search,
            own_rows: ArcSwapOption::empty(),
            changes: AtomicU64::new(0),
            ageing_refresh: AtomicBool::new(false),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// The snapshots of a target that is never asked: this catalog, always fresh.
    #[cfg(test)]
    pub fn fixed(target: TargetSettings, catalog: Catalog) -> Self {
        let catalogs = Self::new(Arc::new(target), "test".to_owned());
        catalogs.replace(catalog);
        catalogs
    }

    /// What PostgreSQL itself brings.
    #[cfg(test)]
    pub fn bring(&self, rows: CatalogRows) {
        self.own_rows.store(Some(Arc::new(rows)));
    }

    /// Such a catalog was read again.
    #[cfg(test)]
    pub fn replace(&self, catalog: Catalog) {
        let before = self.current();
        self.current.store(Some(Arc::new(Snapshot::new(
            catalog,
            before.as_deref(),
            Instant::now(),
            self.changes(),
            self.search.is_some(),
        ))));
    }

    /// What is looked for in the values of this database, if anything is.
    pub fn search(&self) -> Option<&Arc<Search>> {
        self.search.as_ref()
    }

    /// The snapshot, if there is one.
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    /// What PostgreSQL itself brings, as it was last read.
    pub fn own_rows(&self) -> Option<Arc<CatalogRows>> {
        self.own_rows.load_full()
    }

    /// A snapshot of the catalog as one session sees it, of rows that were read on its own connection; `last` is the last such.
    pub fn own_snapshot(
        &self,
        rows: CatalogRows,
        began: Instant,
        temporary: &Temporary,
        last: Option<&Snapshot>,
    ) -> Arc<Snapshot> {
        let shared = self.current();
        let before = shared.as_deref().map(|snapshot| &*snapshot.catalog);
        let catalog = Catalog::of_session(rows, &self.target.rules, before, temporary);
        Arc::new(Snapshot::new(catalog, last, began, self.changes(), self.search.is_some()))
    }

    /// Whether the configuration classifies anything in this target.
    pub fn classify_something(&self) -> bool {
        self.target.rules.classify_something()
    }

    /// How good it is.
    pub fn freshness(&self) -> Freshness {
        let changes = self.changes();
        let changed = |snapshot: &Snapshot| snapshot.changes != changes;
        match &*self.current.load() {
            // Whether anything is classified is the same in all snapshots.
            Some(snapshot) if changed(snapshot) && !snapshot.catalog.classifies() => match snapshot.read.elapsed() {
                age if age < AGE_CHANGED => Freshness::Fresh,
                age if age < AGE_MAX => Freshness::Ageing,
                _ => Freshness::Stale,
            },
            Some(snapshot) if changed(snapshot) => Freshness::Stale,
            Some(snapshot) if snapshot.read.elapsed() < AGE_STALE => Freshness::Fresh,
            Some(snapshot) if snapshot.read.elapsed() < AGE_MAX => Freshness::Ageing,
            _ => Freshness::Stale,
        }
    }

    /// The snapshot that tells what is classified in something that came at this moment, if it came earlier: one that is good, or
    /// was read since, though the catalog may have changed again; any, where nothing is classified.
    pub fn current_for(&self, came: Option<Instant>) -> Option<Arc<Snapshot>> {
        let fresh = self.freshness() != Freshness::Stale;
        let tells = |snapshot: &Arc<Snapshot>| {
            fresh || !snapshot.catalog.classifies() || came.is_some_and(|came| snapshot.read >= came)
        };
        self.current().filter(tells)
    }

    /// The catalog has changed: no statement is decided by this snapshot any more.
    pub fn mark_changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Whether the asker shall read an ageing snapshot again: one does.
    pub fn begin_ageing_refresh(&self) -> bool {
        !self.ageing_refresh.swap(true, Ordering::AcqRel)
    }

    /// That is over.
    pub fn end_ageing_refresh(&self) {
        self.ageing_refresh.store(false, Ordering::Release);
    }

    /// Reads the catalog again, unless somebody did since the reading `seen`. Many may ask; one reads.
    pub async fn refresh(
        self: &Arc<Self>,
        seen: Option<u64>,
        credentials: &dyn Credentials,
    ) -> Result<Arc<Snapshot>, TargetDown> {
        let mut kept = self.reading.lock().await;
        if let Some(current) = self.current()
            && Some(current.reading) != seen
            && self.freshness() != Freshness::Stale
        {
            return Ok(current);
        }
        // What changes from here on is not in what is read now.
        let changes = self.changes();
        let began = Instant::now();
        let read = timeout(READ_TIME_MAX, self.read(&mut kept, credentials)).await;
        let rows = match read.unwrap_or_else(|_| Err(TargetDown::TimedOut(self.target.address(), READ_TIME_MAX))) {
            Ok(rows) => rows,
            Err(down) => {
                self.mark_changed();
                return Err(down);
            }
        };
        let before = self.current();
        let catalog = Catalog::build(rows, &self.target.rules, before.as_deref().map(|snapshot| &*snapshot.catalog));
        for rule in catalog.unmatched_rules() {
            if before.is_none() {
                tracing::warn!(target_name = %self.target.target.id, database = %self.database, "class rule {rule} matches no column");
            }
        }
        let snapshot = Arc::new(Snapshot::new(catalog, before.as_deref(), began, changes, self.search.is_some()));
        self.current.store(Some(Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    /// Reads the catalog, on the connection that the last reading left if there still is one.
    async fn read(
        self: &Arc<Self>,
        kept: &mut Option<Kept>,
        credentials: &dyn Credentials,
    ) -> Result<CatalogRows, TargetDown> {
        if let Some(Kept { mut connection, .. }) = kept.take()
            && let Ok(rows) = connection.read().await
        {
            *kept = Some(Kept { connection, used: Instant::now() });
            return Ok(rows);
        }
        // There is none, or it is lost: the target may have ended it since.
        let mut connection = Connection::open(&self.target, &self.database, credentials).await?;
        let rows = connection.read().await?;
        self.own_rows.store(Some(Arc::new(connection.own().clone())));
        *kept = Some(Kept { connection, used: Instant::now() });
        self.close_when_idle();
        Ok(rows)
    }

    /// Sees to it that a connection that is not used goes.
    fn close_when_idle(self: &Arc<Self>) {
        let catalogs = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                sleep(CONNECTION_KEPT).await;
                let Some(catalogs) = catalogs.upgrade() else { return };
                let mut kept = catalogs.reading.lock().await;
                if kept.as_ref().is_some_and(|kept| kept.used.elapsed() < CONNECTION_KEPT) {
                    continue;
                }
                if let Some(Kept { connection, .. }) = kept.take() {
                    drop(kept);
                    connection.close().await;
                }
                return;
            }
        });
    }
}

/// The catalogs of all databases that have been reached.
#[derive(Debug, Default)]
pub struct AllCatalogs(Mutex<HashMap<(String, String), Arc<Catalogs>>>);

impl AllCatalogs {
    /// The catalogs of one database of a target.
    pub fn of(&self, target: &Arc<TargetSettings>, database: &str) -> Arc<Catalogs> {
        let key = (target.target.id.0.to_string(), database.to_owned());
        let mut all = self.0.lock();
        let catalogs = || Arc::new(Catalogs::new(Arc::clone(target), database.to_owned()));
        Arc::clone(all.entry(key).or_insert_with(catalogs))
    }
}

#[cfg(test)]
mod tests {
    use gate::CredentialDown;
    use model::{ClassId, Sensitive, TargetId};

    use super::*;

    struct NoPassword;
    impl Credentials for NoPassword {
        fn password(&self, _: &TargetId) -> Result<Sensitive<String>, CredentialDown> {
            Ok(Sensitive::new(String::new()))
        }
    }

    #[test]
    fn a_catalog_that_is_as_it_was_is_the_same_one_and_what_was_found_by_it_holds() {
        let rules = ClassRules::parse([("a.b.c", ClassId::parse("pii").unwrap())], false).unwrap();
        let catalog = |tables: &[&str]| {
            let mut rows = CatalogRows::default();
            for (oid, table) in (20_000..).zip(tables) {
                rows.add("relations", &[Some(&u32::to_string(&oid)), Some("a"), Some(table), Some("r")]).unwrap();
            }
            Catalog::build(rows, &rules, None)
        };
        let catalogs = Catalogs::fixed(TargetSettings::of_tests(1, rules.clone()), catalog(&["b"]));
        let first = catalogs.current().unwrap();
        catalogs.replace(catalog(&["b"]));
        let second = catalogs.current().unwrap();
        assert!(Arc::ptr_eq(&first.catalog, &second.catalog), "it is held twice");
        assert_eq!(first.epoch, second.epoch);
        assert_ne!(first.reading, second.reading);
        catalogs.replace(catalog(&["b", "d"]));
        assert_ne!(catalogs.current().unwrap().epoch, first.epoch);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn while_a_changed_catalog_is_read_the_one_before_is_not_used() {
        // It takes calls and never answers.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rules = ClassRules::parse([("a.b.c", ClassId::parse("pii").unwrap())], false).unwrap();
        let target = TargetSettings::of_tests(listener.local_addr().unwrap().port(), rules);
        let catalog = Catalog::build(CatalogRows::default(), &target.rules, None);
        let catalogs = Arc::new(Catalogs::fixed(target, catalog));
        assert_eq!(catalogs.freshness(), Freshness::Fresh);
        assert!(catalogs.current().is_some_and(|snapshot| snapshot.catalog.classifies()));
        catalogs.mark_changed();
        assert_eq!(catalogs.freshness(), Freshness::Stale);
        let reading = timeout(Duration::from_millis(200), catalogs.refresh(None, &NoPassword));
        let looking = async {
            listener.accept().await.unwrap();
            catalogs.freshness()
        };
        let (read, meanwhile) = tokio::join!(reading, looking);
        assert!(read.is_err(), "it is still being read");
        assert_eq!(meanwhile, Freshness::Stale);
    }
}
