//! The catalog as the session itself sees it.
//!
//! What a session has changed and not committed, nobody else can see, Weir's own connection neither. So where a statement moves
//! values after such a change, Weir asks on the session's own connection, between two of the caller's batches: in a savepoint
//! which is rolled back, so that settings are what they were and an error does not end the caller's transaction; or in a
//! transaction of its own where the caller has none. Its statements and its portal have a name that nobody else uses; the unnamed
//! ones are the caller's. A session with temporary tables that hold something classified is asked after they are committed as well:
//! what they hold is known to the session alone ([`Temporary`](sql_postgres::Temporary)).
//!
//! It is not asked in the middle of a batch, where a Sync of Weir's would end it, and what is read in another isolation than READ
//! COMMITTED is not used: there a query sees the catalog as it was when the transaction began, and the server's own reading of a
//! statement as it is. What is moved then is not followed, and not seen.

use std::sync::Arc;
use std::time::Instant;

use model::UnixMicros;
use sql_postgres::{CATALOG_QUERIES, CatalogRows};

use super::Conversation;
use super::expect::Expect;
use super::forward::Frame;
use super::target::Pass;
use crate::catalog::{ROWS_MAX, Snapshot};
use crate::interpret::Reading;
use crate::wire::backend::{self, Report};
use crate::wire::{Malformed, build};

/// Nothing that a caller has set may change what the answers are or how they are written, and no lock is waited for for long.
const SETTINGS: &str = "SELECT pg_catalog.current_setting('transaction_isolation'), \
    (SELECT n.nspname FROM pg_catalog.pg_namespace AS n WHERE n.oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()), \
    pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), pg_catalog.set_config('client_encoding', 'UTF8', true), \
    pg_catalog.set_config('lock_timeout', '2000', true), pg_catalog.set_config('quote_all_identifiers', 'off', true), \
    pg_catalog.set_config('statement_timeout', '60000', true), pg_catalog.set_config('jit', 'off', true)";

/// How many statements stand before the queries.
const BEFORE: usize = 2;

/// At which state of things a catalog was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// How often the session had changed it.
    changes: u64,
    /// The reading of the one that all sessions share.
    shared: u64,
    /// What was put into its temporary tables.
    temporary: u64,
}

/// A catalog that was read on the session's own connection; none if it could not be.
#[derive(Debug)]
pub(super) struct OwnCatalog {
    version: Version,
    snapshot: Option<Arc<Snapshot>>,
}

/// A catalog that is being read.
#[derive(Debug)]
pub(super) struct ReadingOwn {
    version: Version,
    began: Instant,
    rows: CatalogRows,
    /// Rows that may still come.
    left: usize,
    /// Which of the statements answers now.
    statement: usize,
    /// Why what comes is of no use, if it is not.
    useless: Option<String>,
    /// Set once an error is being undone.
    undoing: bool,
    /// The caller is in a transaction.
    in_block: bool,
    /// The schema of the session's temporary tables, if it has made any.
    temporary: Option<String>,
}

/// The statements, in order.
fn statements(savepoint: &str, in_block: bool) -> impl Iterator<Item = String> {
    let begin = match in_block {
        true => format!("SAVEPOINT \"{savepoint}\""),
        false => "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY".to_owned(),
    };
    let before: [String; BEFORE] = [begin, SETTINGS.to_owned()];
    let queries = CATALOG_QUERIES.iter().map(|(_, sql)| (*sql).to_owned());
    before.into_iter().chain(queries).chain(undoing(savepoint, in_block))
}

fn undoing(savepoint: &str, in_block: bool) -> Vec<String> {
    match in_block {
        true => vec![format!("ROLLBACK TO SAVEPOINT \"{savepoint}\""), format!("RELEASE SAVEPOINT \"{savepoint}\"")],
        false => vec!["ROLLBACK".to_owned()],
    }
}

impl<S> Conversation<S> {
    /// The session's own catalog, if one is needed and was read.
    pub(super) fn own_snapshot(&self) -> Option<&Arc<Snapshot>> {
        let own = self.own.as_ref().filter(|own| self.sees_more() && Some(own.version) == self.own_version())?;
        own.snapshot.as_ref()
    }

    /// Whether the session sees, or knows of, what is not in the catalog that all share.
    pub(super) fn sees_more(&self) -> bool {
        self.uncommitted || self.keeps || !self.temporary.is_empty()
    }

    /// Whether what this reading does can't be told without it.
    pub(super) fn needs_own_snapshot(&self, reading: &Reading) -> bool {
        let blind = reading.uncommitted != 0 && !self.temporary.is_empty();
        let may_store = reading.moves_by_another_catalog() && self.may_forbid_store();
        blind || reading.moves_unfollowed() || reading.needs_own_catalog() || may_store
    }

    /// Whether it should be read for a statement that moves values: the session sees another catalog than Weir does, and it was
    /// not asked for since.
    pub(super) fn lacks_own_snapshot(&self) -> bool {
        let asked = self.own.as_ref().is_some_and(|own| Some(own.version) == self.own_version());
        let matters = self.catalogs.classify_something() || self.may_forbid_store();
        self.sees_more() && !self.batch_open && matters && !asked
    }

    /// Asks for it, if this is the moment: between two batches, in no transaction that has failed. Whether it does.
    pub(super) fn asks_own_catalog(&mut self) -> bool {
        let Some(version) = self.own_version().filter(|_| !self.aborted) else { return false };
        let Some(own) = self.catalogs.own_rows() else { return false };
        self.ask_all(statements(&self.own_name(), self.in_block));
        self.expected.push_back(Expect::OwnCatalog(Box::new(ReadingOwn {
            version,
            began: Instant::now(),
            rows: CatalogRows::clone(&own),
            left: ROWS_MAX,
            statement: 0,
            useless: None,
            undoing: false,
            in_block: self.in_block,
            temporary: None,
        })));
        true
    }

    /// The session's own catalog is of no use any more: what it has changed is there for all, or for nobody.
    pub(super) fn forget_own_catalog(&mut self) {
        self.own = None;
    }

    fn own_version(&self) -> Option<Version> {
        let (changes, temporary) = (self.changes, self.temporary.version());
        Some(Version { changes, shared: self.catalogs.current()?.reading, temporary })
    }

    /// The name of Weir's savepoint, statements and portals in the session.
    fn own_name(&self) -> String {
        format!("{}_catalog", self.poison)
    }

    fn ask_all(&mut self, statements: impl Iterator<Item = String>) {
        let name = self.own_name();
        let mut frames = Vec::new();
        for sql in statements {
            // One of them may be left of what failed.
            close(&mut frames, &name);
            build::frame(&mut frames, b'P', |out| {
                build::cstr(out, name.as_bytes());
                build::cstr(out, sql.as_bytes());
                out.extend_from_slice(&[0; 2]);
            });
            build::frame(&mut frames, b'B', |out| {
                build::cstr(out, name.as_bytes());
                build::cstr(out, name.as_bytes());
                out.extend_from_slice(&[0; 6]);
            });
            build::frame(&mut frames, b'E', |out| {
                build::cstr(out, name.as_bytes());
                out.extend_from_slice(&[0; 4]);
            });
        }
        close(&mut frames, &name);
        build::frame(&mut frames, b'S', |_| ());
        self.upstream.control(Frame(&frames));
    }

    /// Whether what the target sends now is for Weir alone.
    pub(super) fn reads_own_catalog(&self) -> bool {
        matches!(self.expected.front(), Some(Expect::OwnCatalog(_)))
    }

    /// Takes one frame of the answer.
    pub(super) fn take_own_catalog(&mut self, kind: u8, body: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        let Some(Expect::OwnCatalog(reading)) = self.expected.front_mut() else {
            return Err(self.out_of_place("a catalog"));
        };
        match kind {
            b'1' | b'2' | b'3' | b'N' => {}
            // What Weir itself sets for the while is its own; anything else is the session's.
            b'S' => match backend::parameter_status(body)?.0 {
                b"search_path" | b"client_encoding" => {}
                _ => return self.take_parameter(body, now),
            },
            // Somebody else's notification, which has nothing to do with this.
            b'A' => return self.take_notification(body, now),
            b'D' if reading.useless.is_none() => {
                if let Err(why) = reading.take_row(body) {
                    reading.useless = Some(why);
                }
            }
            b'D' => {}
            b'C' => reading.statement = reading.statement.saturating_add(1),
            b'E' => {
                let report = Report::read(body)?;
                reading.useless = Some(report.sqlstate().to_owned());
                if report.is_fatal() {
                    return self.take_error(body, now);
                }
            }
            b'Z' => return self.own_catalog_ends(backend::ready_for_query(body)?),
            other => {
                let kind = char::from(other).escape_default();
                return Err(Malformed(format!(
                    "a message of type '{kind}' in the answer to a question about the catalog"
                )));
            }
        }
        Ok(Pass::Done)
    }

    fn own_catalog_ends(&mut self, status: u8) -> Result<Pass, Malformed> {
        let Some(Expect::OwnCatalog(mut reading)) = self.expected.pop_front() else {
            return Err(self.out_of_place("readiness"));
        };
        match status {
            b'T' if reading.in_block => {}
            b'I' if !reading.in_block => {}
            b'E' if !reading.undoing => {
                reading.undoing = true;
                self.ask_all(undoing(&self.own_name(), reading.in_block).into_iter());
                self.expected.push_front(Expect::OwnCatalog(reading));
                return Ok(Pass::Done);
            }
            _ => return Err(Malformed::new("the transaction in which the catalog was read is lost")),
        }
        if let Some(why) = &reading.useless {
            tracing::debug!(session = %self.session.id(), "the catalog as the session sees it can't be used: {why}");
        }
        let ReadingOwn { version, began, mut rows, useless, temporary, in_block, .. } = *reading;
        let snapshot = useless.is_none().then(|| {
            rows.leave_temporary_of(temporary.as_deref());
            self.temporary.settle(&rows, version.changes, in_block);
            let last = self.own.as_ref().and_then(|own| own.snapshot.as_deref());
            self.catalogs.own_snapshot(rows, began, &self.temporary, last)
        });
        let version = Version { temporary: self.temporary.version(), ..version };
        self.own = Some(OwnCatalog { version, snapshot });
        Ok(Pass::Done)
    }
}

fn close(frames: &mut Vec<u8>, name: &str) {
    for what in [b'P', b'S'] {
        build::frame(frames, b'C', |out| {
            out.push(what);
            build::cstr(out, name.as_bytes());
        });
    }
}

impl ReadingOwn {
    /// A row of one of the queries; why it is of no use, if it is not.
    fn take_row(&mut self, body: &[u8]) -> Result<(), String> {
        self.left = self.left.checked_sub(1).ok_or("it has too many rows")?;
        let row = backend::text_row(body).map_err(|wrong| wrong.0)?;
        match self.statement.checked_sub(BEFORE).map(|at| CATALOG_QUERIES.get(at)) {
            None => match row.as_slice() {
                [Some("read committed"), temporary, ..] => {
                    self.temporary = temporary.map(str::to_owned);
                    Ok(())
                }
                _ => Err("the transaction is not in READ COMMITTED".to_owned()),
            },
            Some(Some((name, _))) => self.rows.add(name, &row).map_err(|why| format!("query {name}: {why}")),
            Some(None) => Err("rows of no query".to_owned()),
        }
    }
}
