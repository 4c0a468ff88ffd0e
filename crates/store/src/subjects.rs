//! Whose values were shown where. Recordings say so, and not the log: they are fed by their own feeder, and a value is
//! known here by its token alone.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use crate::error::Error;
use crate::facets::Space;
use crate::open::Index;
use crate::write::number;

/// A value that a statement showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The value's token.
    pub token: Vec<u8>,
    /// Its class.
    pub class: String,
    /// The session that it was shown in.
    pub session: String,
    /// The operation in the session.
    pub op: u64,
    /// The sight that it was shown at.
    pub sight: String,
}

impl Index {
    /// Takes in values that statements showed, and how far their feeder is, in one transaction. Says how many of them belong
    /// to statements that the index does not hold: those are left out, so the log is caught up with before.
    pub fn add_subjects(&mut self, source: &str, mark: &[u8], subjects: &[Subject]) -> Result<usize, Error> {
        let Self { db, path, .. } = self;
        let mut add = || {
            let db = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut unplaced = 0_usize;
            {
                // An operation may have been decided more than once; it is the last one that showed something.
                let mut statement = db.prepare_cached(
                    "SELECT statements.id FROM sessions JOIN statements ON statements.session = sessions.id \
                     WHERE sessions.session = ?1 AND op = ?2 ORDER BY statements.id DESC LIMIT 1",
                )?;
                let mut to = db.prepare_cached(
                    "INSERT OR IGNORE INTO subjects (token, statement, class, sight) VALUES (?1, ?2, ?3, ?4)",
                )?;
                for Subject { token, class, session, op, sight } in subjects {
                    let id = statement.query_row(params![session, number(*op)], |row| row.get::<_, i64>(0));
                    match id.optional()? {
                        Some(id) => drop(to.execute(params![token, id, class, sight])?),
                        None => unplaced = unplaced.saturating_add(1),
                    }
                }
                db.prepare_cached("INSERT OR REPLACE INTO marks (source, mark) VALUES (?1, ?2)")?
                    .execute(params![source, mark])?;
            }
            db.commit()?;
            Ok(unplaced)
        };
        add().map_err(|error| Error::of(path, error))
    }

    /// Whether any value was ever taken in.
    pub fn has_subjects(&self) -> Result<bool, Error> {
        let any = self.db.query_row("SELECT EXISTS (SELECT 1 FROM subjects)", [], |row| row.get(0));
        any.map_err(|error| Error::of(&self.path, error))
    }
}

/// How the feeder of recordings calls that of a session.
pub fn recording_source(session: &str) -> String {
    format!("recording {session}")
}

/// What a feeder leaves as its mark when it has taken in all that there will be.
pub const ALL_TAKEN: &[u8] = b"done";

/// The recording of this session is deleted: no value is known to have been shown in it any more, and it is not taken in again where the file is still
/// there.
pub(crate) fn forget(db: &Connection, session: i64, name: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM subjects WHERE statement IN (SELECT id FROM statements WHERE session = ?1)")?
        .execute([session])?;
    db.prepare_cached("INSERT OR REPLACE INTO marks (source, mark) VALUES (?1, ?2)")?
        .execute(params![recording_source(name), ALL_TAKEN])
        .map(drop)
}

/// Where a value was shown, in order.
pub(crate) fn shown(db: &Connection, space: Space, tokens: &[Vec<u8>]) -> rusqlite::Result<Vec<i64>> {
    let mut read = db.prepare_cached(match space {
        Space::Statements => "SELECT DISTINCT statement FROM subjects WHERE token = ?1 ORDER BY 1",
        Space::Sessions => {
            "SELECT DISTINCT statements.session FROM subjects JOIN statements ON statements.id = statement \
             WHERE token = ?1 ORDER BY 1"
        }
    })?;
    let mut shown = BTreeSet::new();
    for token in tokens {
        for id in read.query_map([token], |row| row.get(0))? {
            shown.insert(id?);
        }
    }
    Ok(shown.into_iter().collect())
}
