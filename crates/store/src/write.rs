//! The writer's side: records become rows, sets and words, a batch in one transaction.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use crate::error::Error;
use crate::open::Index;
use crate::record::Record;
use crate::terms;

mod batch;
mod sessions;
mod statements;

use batch::Batch;
pub(crate) use batch::facet_id;

/// A record of the log.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The lane it is in.
    pub lane: u16,
    /// Its number in the lane.
    pub seq: u64,
    /// Its payload.
    pub json: &'a str,
}

/// How far a lane is indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The lane.
    pub lane: u16,
    /// The last record that is in the index.
    pub seq: u64,
    /// How the feeder finds it again, and knows that it is the same one: its hash, and where it is.
    pub place: Vec<u8>,
}

/// Where a record is.
#[derive(Clone, Copy)]
struct Origin {
    at: i64,
    lane: u16,
    seq: i64,
}

/// One batch: all of it is in the index once it is [committed](Writer::commit), and nothing before. While it is there nobody else writes.
///
/// Records of a lane come in the lane's order. A batch is held in memory: some ten thousand records are a good size.
pub struct Writer<'i> {
    db: Transaction<'i>,
    path: &'i Path,
    batch: Batch,
}

impl Index {
    /// Begins a batch. Waits for whoever writes.
    pub fn write(&mut self) -> Result<Writer<'_>, Error> {
        let Self { db, path, .. } = self;
        let begun = db.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|db| {
            let batch = Batch::after(&db)?;
            Ok((db, batch))
        });
        let (db, batch) = begun.map_err(|error| Error::of(path, error))?;
        Ok(Writer { db, path, batch })
    }

    /// How far other feeders are that left a mark.
    pub fn mark(&self, source: &str) -> Result<Option<Vec<u8>>, Error> {
        let mark = self.db.query_row("SELECT mark FROM marks WHERE source = ?1", [source], |row| row.get(0));
        mark.optional().map_err(|error| Error::of(&self.path, error))
    }
}

impl Writer<'_> {
    /// How far each lane is. Asked within the batch, so nobody else gets further meanwhile.
    pub fn cursors(&self) -> Result<Vec<Cursor>, Error> {
        let read = || {
            let mut cursors = self.db.prepare_cached("SELECT lane, seq, place FROM cursors ORDER BY lane")?;
            let rows = cursors.query_map([], |row| {
                Ok(Cursor { lane: row.get(0)?, seq: row.get::<_, i64>(1)?.unsigned_abs(), place: row.get(2)? })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| Error::of(self.path, error))
    }

    /// Takes in a record. One that can't be read changes nothing; a batch goes on behind it.
    pub fn add(&mut self, entry: Entry<'_>) -> Result<(), Error> {
        let Entry { lane, seq, json } = entry;
        let none = |error: serde_json::Error| Error::Record { lane, seq, why: error.to_string() };
        let Record { at, session, event } = serde_json::from_str(json).map_err(none)?;
        let origin = Origin { at: number(at), lane, seq: number(seq) };
        let (db, batch) = (&*self.db, &mut self.batch);
        let session = session.as_deref();
        // Each reads the whole record before it changes anything.
        let taken = match &*event {
            "decided" => batch.decided(db, origin, session, &serde_json::from_str(json).map_err(none)?),
            "ended" => batch.ended(db, origin, session, &serde_json::from_str(json).map_err(none)?),
            "admitted" => batch.admitted(db, origin, session, &serde_json::from_str(json).map_err(none)?),
            "rejected" => batch.rejected(db, origin, serde_json::from_str(json).map_err(none)?),
            "found" => batch.found(db, origin, session, &serde_json::from_str(json).map_err(none)?),
            "noticed" => batch.noticed(db, origin, session, &serde_json::from_str(json).map_err(none)?),
            "closed" => batch.closed(db, origin, session, serde_json::from_str(json).map_err(none)?),
            "recording_deleted" => batch.recording_deleted(db, origin, session),
            "started" | "stopped" => started(db, origin.at),
            // Of policies, of recordings, of holds, or of a later version.
            _ => Ok(()),
        };
        taken.map_err(|error| Error::of(self.path, error))
    }

    /// Writes the batch, and how far the lanes are now.
    pub fn commit(self, cursors: &[Cursor]) -> Result<(), Error> {
        let Self { db, path, batch } = self;
        let write = || {
            for chunk in batch.write(&db)? {
                terms::write(&db, chunk)?;
            }
            let mut to = db.prepare_cached("INSERT OR REPLACE INTO cursors (lane, seq, place) VALUES (?1, ?2, ?3)")?;
            for Cursor { lane, seq, place } in cursors {
                to.execute(params![lane, number(*seq), place])?;
            }
            drop(to);
            db.commit()
        };
        write().map_err(|error| Error::of(path, error))
    }

    /// Ends a batch that nothing came into: there is no more for now. What was put off until then is done.
    pub fn settle(self) -> Result<(), Error> {
        let Self { db, path, .. } = self;
        let settle = || {
            for chunk in terms::wanting(&db)? {
                terms::write(&db, chunk)?;
            }
            db.commit()
        };
        settle().map_err(|error| Error::of(path, error))
    }
}

/// Weir started or stopped: what began before is over.
fn started(db: &Connection, at: i64) -> rusqlite::Result<()> {
    let known =
        "INSERT INTO starts (only, at) VALUES (0, ?1) ON CONFLICT (only) DO UPDATE SET at = max(at, excluded.at)";
    db.prepare_cached(known)?.execute([at]).map(drop)
}

/// SQLite's numbers have a sign.
pub(crate) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
