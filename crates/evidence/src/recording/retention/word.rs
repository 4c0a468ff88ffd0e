//! What the log says of recordings and holds: a recording is deleted only if it is what the log says was written.
//!
//! Asking costs a walk over the log, or a part of it: records of recordings are few among those of statements. From where a session was over its
//! `recorded` record is mostly a few records away.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::UnixMicros;
use serde_json::Value;

use crate::hold::{Which, ends};
use crate::read::{LoggedRecord, Records, records, records_since};

/// How far the clock may step back before a record is looked for in the whole log.
const CLOCK_STEP_MAX: Duration = Duration::from_secs(3600);

/// The kinds of records that say it.
const KINDS: [&str; 3] = ["recorded", "hold_placed", "hold_released"];

/// What the log says.
#[derive(Debug, Default)]
pub struct Word {
    /// Of files, what was written of them.
    pub recorded: BTreeMap<String, Written>,
    /// Holds that were placed and not released, by the whole log. None if only a part was read.
    pub holds: Option<BTreeSet<Which>>,
}

/// What was written of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// This.
    As {
        /// How many bytes.
        bytes: u64,
        /// With which digest.
        digest: String,
        /// When the log was told first.
        at: UnixMicros,
    },
    /// The log says different things of it.
    Otherwise,
}

/// Why the log gives no answer.
#[derive(Debug)]
pub enum Unheard {
    /// It can't be read now.
    Io(io::Error),
    /// Somebody wants to stop.
    Stopped,
}

impl From<io::Error> for Unheard {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Asks the whole log of these files, and which holds are in force.
pub fn ask_all(log: &Path, files: &BTreeSet<String>, stop: &AtomicBool) -> Result<Word, Unheard> {
    let mut word = Word { recorded: BTreeMap::new(), holds: Some(BTreeSet::new()) };
    word.read(records(log)?.only(&KINDS), files, stop)?;
    Ok(word)
}

/// Asks of these files, of which none was complete before this moment. Those that are not in the log from there on are looked for in all of it.
pub fn ask(log: &Path, files: &BTreeSet<String>, over: UnixMicros, stop: &AtomicBool) -> Result<Word, Unheard> {
    let step = u64::try_from(CLOCK_STEP_MAX.as_micros()).unwrap_or(u64::MAX);
    let mut word = Word::default();
    let part = records_since(log, UnixMicros(over.0.saturating_sub(step)))?.only(&KINDS);
    word.read(part, files, stop)?;
    match word.recorded.len() < files.len() {
        true => ask_all(log, files, stop),
        false => Ok(word),
    }
}

impl Word {
    fn read(&mut self, mut records: Records, files: &BTreeSet<String>, stop: &AtomicBool) -> Result<(), Unheard> {
        // Of a part, what is found is enough: a recording is told once, or twice in a row.
        let is_all = self.holds.is_some();
        while is_all || self.recorded.len() < files.len() {
            if stop.load(Ordering::Acquire) {
                return Err(Unheard::Stopped);
            }
            match records.next() {
                None => break,
                Some(Ok(record)) => self.take(&record, files),
                // Gone over, something would be missing that is there, or that was: a hold, or what a file was at first.
                Some(Err(fault)) => {
                    return Err(io::Error::other(format!("{fault}; `weir audit verify` says more")).into());
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, record: &LoggedRecord, files: &BTreeSet<String>) {
        match (record.kind(), &mut self.holds) {
            ("recorded", _) => {
                let Some(file) = record.text("file").filter(|file| files.contains(*file)) else { return };
                let bytes = record.event.get("bytes").and_then(Value::as_u64).unwrap_or(0);
                let digest = record.text("digest").unwrap_or_default();
                match self.recorded.get_mut(file) {
                    None => {
                        let written = Written::As { bytes, digest: digest.to_owned(), at: record.at };
                        self.recorded.insert(file.to_owned(), written);
                    }
                    Some(Written::As { bytes: first, digest: known, .. }) if *first == bytes && known == digest => {}
                    Some(known) => *known = Written::Otherwise,
                }
            }
            ("hold_placed", Some(holds)) => holds.extend(which(record)),
            ("hold_released", Some(holds)) => {
                if let Some(released) = which(record) {
                    holds.retain(|which| !ends(&released, which));
                }
            }
            _ => {}
        }
    }
}

/// Of which hold a record speaks.
fn which(record: &LoggedRecord) -> Option<Which> {
    let placed = record.event.get("placed").and_then(Value::as_u64).unwrap_or(0);
    Some((record.text("name")?.to_owned(), placed))
}
