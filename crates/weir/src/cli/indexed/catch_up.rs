//! From the log into the index, from where the last one stopped.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, io};

use evidence::format::{HEAD_BYTES, SegmentName};
use evidence::{LoggedRecord, Place, Records, records_after};
use store::{Cursor, Entry, Index};

use super::super::progress::Progress;
use super::super::{CliError, output};
use crate::place::{place, to_bytes};

/// Records in one transaction. More make it faster and take more memory.
const BATCH: usize = 50_000;
/// What takes longer is said.
const SAID_AFTER: Duration = Duration::from_secs(1);

/// What came of it.
pub enum Fed {
    /// The index holds all that the log holds; so many records are new in it.
    All {
        /// How many.
        records: u64,
    },
    /// The log is not the one that the index was made of.
    AnotherLog,
}

/// Why the index is not up to date.
pub enum Failed {
    /// The index can't be written.
    Index(store::Error),
    /// The log can't be read.
    Log(CliError),
}

impl From<store::Error> for Failed {
    fn from(error: store::Error) -> Self {
        Self::Index(error)
    }
}

impl From<Failed> for CliError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Index(error) => super::unusable(error),
            Failed::Log(error) => error,
        }
    }
}

/// The log can't be read.
pub fn unreadable(log: &Path, error: &io::Error) -> CliError {
    CliError::failed(format!("{}: the log can't be read: {error}", log.display()), "has `weir serve` run yet?")
}

/// Takes in what the log holds and the index does not. Others may do the same: each goes on where the index is.
pub fn feed(index: &mut Index, log: &Path) -> Result<Fed, Failed> {
    let mut patience = Patience::new();
    let (mut reading, mut total) = (None::<(Vec<Cursor>, Records)>, 0_u64);
    loop {
        let mut writer = index.write()?;
        let cursors = writer.cursors()?;
        let (known, mut records) = match reading.take() {
            Some((known, records)) if known == cursors => (known, records),
            _ => {
                let Some(places) =
                    cursors.iter().map(|cursor| place(cursor.lane, &cursor.place)).collect::<Option<Vec<_>>>()
                else {
                    return Ok(Fed::AnotherLog);
                };
                let unread = |error: io::Error| Failed::Log(unreadable(log, &error));
                let Some(records) = records_after(log, &places).map_err(unread)? else { return Ok(Fed::AnotherLog) };
                patience.expect(bytes_behind(log, &places).map_err(unread)?);
                (cursors, records)
            }
        };
        let mut known: BTreeMap<u16, Cursor> = known.into_iter().map(|cursor| (cursor.lane, cursor)).collect();
        let mut taken = 0_usize;
        while taken < BATCH {
            let Some(record) = records.next() else { break };
            taken = taken.saturating_add(1);
            let record = match record {
                Ok(record) => record,
                // Gone over now it would be missing from the index for good.
                Err(fault) if records.has_gone_over() => {
                    return Err(Failed::Log(CliError::failed(
                        format!("the log can't be read: {fault}"),
                        "try it once more",
                    )));
                }
                Err(fault) => {
                    patience.aside(|| output::note(format_args!("warning: {fault}")));
                    continue;
                }
            };
            let LoggedRecord { lane, seq, ref json, .. } = record;
            match writer.add(Entry { lane, seq, json }) {
                Ok(()) => total = total.saturating_add(1),
                Err(error @ store::Error::Record { .. }) => {
                    patience.aside(|| output::note(format_args!("warning: {error}")));
                }
                Err(error) => return Err(error.into()),
            }
            patience.more(json.len().saturating_add(HEAD_BYTES));
            if let Some(place) = record.place() {
                known.insert(lane, Cursor { lane, seq, place: to_bytes(&place) });
            }
        }
        if taken == 0 {
            writer.settle()?;
            patience.end();
            return Ok(Fed::All { records: total });
        }
        let known: Vec<Cursor> = known.into_values().collect();
        writer.commit(&known)?;
        reading = Some((known, records));
    }
}

/// Bytes of the log behind these places.
fn bytes_behind(log: &Path, places: &[Place]) -> io::Result<u64> {
    let mut bytes = 0_u64;
    for entry in fs::read_dir(log)? {
        let entry = entry?;
        let Some(segment) = SegmentName::parse(&entry.file_name().to_string_lossy()) else { continue };
        let known = match places.iter().find(|place| place.segment.lane == segment.lane) {
            Some(place) if segment < place.segment => u64::MAX,
            Some(place) if segment == place.segment => place.offset,
            _ => 0,
        };
        bytes = bytes.saturating_add(entry.metadata()?.len().saturating_sub(known));
    }
    Ok(bytes)
}

/// Says once that it takes a while, and shows how far it is where somebody looks.
struct Patience {
    began: Instant,
    said: bool,
    progress: Progress,
}

impl Patience {
    fn new() -> Self {
        Self { began: Instant::now(), said: false, progress: Progress::of_bytes(None) }
    }

    fn expect(&mut self, bytes: u64) {
        std::mem::replace(&mut self.progress, Progress::of_bytes(Some(bytes))).end();
    }

    fn more(&mut self, bytes: usize) {
        if !self.said && self.began.elapsed() > SAID_AFTER {
            self.said = true;
            self.aside(|| output::note("bringing the index up to date with the log"));
        }
        self.progress.more(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    fn aside(&self, write: impl FnOnce()) {
        self.progress.aside(write);
    }

    fn end(self) {
        self.progress.end();
    }
}
