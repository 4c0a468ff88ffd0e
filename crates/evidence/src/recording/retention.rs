//! Deleting recordings that were kept for as long as their target says.
//!
//! ```text
//! days ──name──▶ headers ──opened──▶ whole recordings ──due──▶ the log's `recorded` ──same digest──▶ holds ──none──▶ log ──told──▶ unlink
//! ```
//!
//! Each step only ever leaves a recording alone; what is deleted has passed all of them. Whose it is and when it was over says the sealed recording
//! itself. That it is the one that was written says the log. Then, while nobody can place a hold, the log is told that it is deleted, and has that on its
//! disk, before the file goes: so a file that is gone without a record was taken away by somebody else. Killed in between, the next sweep
//! does it again, and the log may say it twice.
//!
//! What this is not: it never looks at recordings that are open, and never deletes what it can't read, what is damaged, what the log does not know
//! as it is, or what is of a target that nobody has configured. It says so of each once.

mod kept;
mod look;
mod survey;
mod word;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use gate::{Event, Ledger, LedgerDown, Record, RecordingDeleted};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{Digest, SessionId, UnixMicros};

use super::RecordingKeys;
use super::disk::{Disk, Folder};
use super::format::SUFFIX;
use super::list::{Listed, list_day, list_days};
use super::recover::digest_of;
use crate::hold::{HoldError, HoldFile, Whose};
use crate::lane::now as clock;
use crate::walk::list as list_segments;
use look::{Look, after, look, opened};
use word::{Unheard, Word, Written, ask, ask_all};

pub use kept::{KeptNow, kept_now};
pub use survey::{State, Surveyed, survey};

/// Recordings that are looked for in the log together.
const TOGETHER_MAX: usize = 1000;
/// The lane that the log is told by of recordings and holds.
const LANE: u16 = 0;
/// Between two deletions, so that somebody else gets the holds, which are held for nearly all the rest of the time.
const PAUSE: Duration = Duration::from_millis(3);
/// Segments of that lane that may hold what was appended a moment ago: one may have been followed by another meanwhile.
const SEGMENTS_SYNCED: usize = 2;

/// How long recordings are kept, by target. A target that is not in it is one that nobody has configured; None is for ever.
#[derive(Clone, Debug, Default)]
pub struct Retention(pub BTreeMap<String, Option<Duration>>);

impl Retention {
    fn of(&self, target: &str) -> Option<Option<Duration>> {
        self.0.get(target).copied()
    }

    /// The shortest of them. None if all is kept.
    pub fn shortest(&self) -> Option<Duration> {
        self.0.values().flatten().min().copied()
    }
}

/// Deletes recordings that are due, and remembers between its sweeps what it need not look at again.
pub struct Sweeper {
    folder: PathBuf,
    log: PathBuf,
    keys: RecordingKeys,
    retention: Retention,
    holds: HoldFile,
    ledger: Arc<dyn Ledger>,
    disk: Box<dyn Disk>,
    stop: Arc<AtomicBool>,
    /// Of each day, when its folder was last changed, and when the first of what is in it may be due.
    days: HashMap<String, (Option<SystemTime>, UnixMicros)>,
    /// What is never deleted, and was said to be.
    never: HashSet<PathBuf>,
    /// Files of which this process has told the log that they are deleted.
    told: HashSet<String>,
    /// Names of holds that the file must have, and since when: those that it ever had while this process looked, and those that the log says are in
    /// force. An earlier one of the same name is not the one that is known.
    known_holds: BTreeMap<String, u64>,
    /// Whether the log was asked for those.
    knows_holds: bool,
    /// Recordings without an end that are not due before this, by when the log was told of them.
    later: HashMap<PathBuf, UnixMicros>,
    /// Why one could not be read, or could not be deleted again, of which the log was told before. Others go all the same.
    stuck: Option<SweepError>,
}

/// What a sweep came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Recordings that were deleted.
    pub deleted: u64,
    /// Those that are due, and that a hold keeps.
    pub held: u64,
}

/// Why a sweep stopped. What it had not come to is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A folder or a file.
    #[error("{}: {what}: {error}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// A recording that can't be read now.
    #[error("{}: can't be read, and is not deleted before it can: {what}", .path.display())]
    Unread {
        /// Which.
        path: PathBuf,
        /// What the system says.
        what: String,
    },
    /// Nobody can tell what is held.
    #[error("no recording is deleted while nobody can tell which are held: {0}")]
    Holds(#[from] HoldError),
    /// A hold is not in the file where it was, or where the log says that it must be.
    #[error(
        "no recording is deleted: there was a hold {0}, which {file} does not know any more; restore that file, \
         or place the hold again, and release it if it is not needed", file = .1.display()
    )]
    HoldLost(String, PathBuf),
    /// The log can't be told.
    #[error("no recording is deleted while the log can't be told of it: {0}")]
    Ledger(#[from] LedgerDown),
}

/// A recording that may go, as far as it says itself.
struct Candidate {
    listed: Listed,
    /// Its name as the log has it.
    file: String,
    whose: Whose,
    span: Duration,
    is_cut: bool,
}

/// What came of a candidate.
enum Outcome {
    Deleted,
    Held,
    /// It has no end, and was over later than its last frame.
    NotBefore(UnixMicros),
    Never(String),
    /// Somebody else was faster.
    Gone,
    /// It could not be read, or not be removed the last time either.
    Stuck(SweepError),
}

impl Sweeper {
    /// Sweeps the `folder` of recordings of this log, once told to. The `ledger` is the log's first lane. It stops early when `stop` is set.
    pub fn new(
        folder: &Path,
        log: &Path,
        keys: RecordingKeys,
        retention: Retention,
        holds: HoldFile,
        ledger: Arc<dyn Ledger>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            disk: Box::new(Folder(folder.to_owned())),
            folder: folder.to_owned(),
            log: log.to_owned(),
            keys,
            retention,
            holds,
            ledger,
            stop,
            days: HashMap::new(),
            never: HashSet::new(),
            told: HashSet::new(),
            known_holds: BTreeMap::new(),
            knows_holds: false,
            later: HashMap::new(),
            stuck: None,
        }
    }

    /// How many recordings it has found that are never deleted, because nobody can tell whether they may be.
    pub fn never_deleted(&self) -> usize {
        self.never.len()
    }

    /// Tells the log of all holds that it does not know of.
    pub fn tell_holds(&mut self) -> Result<usize, HoldError> {
        let mut holds = self.holds.lock()?;
        for (name, placed) in holds.newest() {
            know(&mut self.known_holds, name, placed);
        }
        holds.tell(&*self.ledger, UnixMicros(clock()))
    }

    /// Deletes what is due at this moment; what the log is told of bears the time of the clock. Each that is deleted is counted in `deleted`
    /// as it goes, also where the sweep then stops.
    pub fn sweep(&mut self, now: UnixMicros, deleted: &AtomicU64) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        self.stuck = None;
        let Some(shortest) = self.retention.shortest() else { return Ok(swept) };
        let mut candidates = Vec::new();
        for day in self.listed(list_days(&self.folder), "can't be read")? {
            if self.stop.load(Ordering::Acquire) {
                break;
            }
            if after(day_start(&day), shortest) > now {
                continue;
            }
            let (found, held) = self.look_into(&day, shortest, now)?;
            candidates.extend(found);
            swept.held = swept.held.saturating_add(held);
            while candidates.len() >= TOGETHER_MAX {
                let rest = candidates.split_off(TOGETHER_MAX);
                self.delete(std::mem::replace(&mut candidates, rest), now, &mut swept, deleted)?;
            }
        }
        self.delete(candidates, now, &mut swept, deleted)?;
        self.stuck.take().map_or(Ok(swept), Err)
    }

    /// What of a day may go, and how many of it are due and held.
    fn look_into(
        &mut self,
        day: &str,
        shortest: Duration,
        now: UnixMicros,
    ) -> Result<(Vec<Candidate>, u64), SweepError> {
        // Asked before it is listed: what comes meanwhile changes it again.
        let changed = fs::metadata(self.folder.join(day)).and_then(|found| found.modified()).ok();
        if self.days.get(day).is_some_and(|(seen, due)| changed.is_some() && *seen == changed && *due > now) {
            return Ok((Vec::new(), 0));
        }
        let holds = self.holds.read()?;
        let (mut candidates, mut held, mut first_due) = (Vec::new(), 0_u64, UnixMicros(u64::MAX));
        for listed in self.listed(list_day(&self.folder, day), "can't be read")? {
            if self.stop.load(Ordering::Acquire) {
                // It has not been seen whole.
                return Ok((Vec::new(), 0));
            }
            if self.never.contains(&listed.path) {
                continue;
            }
            if let Some(due) = self.later.get(&listed.path).filter(|due| **due > now) {
                first_due = first_due.min(*due);
                continue;
            }
            if let Ok(Some(began)) = opened(&listed.path) {
                let earliest = after(began.0, shortest);
                if earliest > now {
                    first_due = first_due.min(earliest);
                    continue;
                }
            }
            match look(&listed.path, &listed.session, &self.keys, &self.retention, &holds, now, &self.stop) {
                Look::Due { whose, span, is_cut } => {
                    first_due = now;
                    let file = format!("{day}/{}{SUFFIX}", listed.session);
                    candidates.push(Candidate { listed, file, whose, span, is_cut });
                }
                Look::Held(..) => {
                    held = held.saturating_add(1);
                    first_due = now;
                }
                Look::Unread(what) => {
                    first_due = now;
                    self.stuck = Some(SweepError::Unread { path: listed.path, what });
                }
                Look::Stopped => first_due = now,
                Look::NotBefore(due, _) => first_due = first_due.min(due),
                Look::Kept(_) | Look::Gone => {}
                Look::Never(why) => self.say_never(listed.path, &why),
            }
        }
        self.days.insert(day.to_owned(), (changed, first_due));
        Ok((candidates, held))
    }

    /// Deletes those of these that are as the log says and that no hold keeps.
    fn delete(
        &mut self,
        candidates: Vec<Candidate>,
        now: UnixMicros,
        swept: &mut Swept,
        deleted: &AtomicU64,
    ) -> Result<(), SweepError> {
        let Some(over) = candidates.iter().map(|candidate| candidate.whose.over()).min() else { return Ok(()) };
        let files = candidates.iter().map(|candidate| candidate.file.clone()).collect();
        let asked = match self.knows_holds {
            true => ask(&self.log, &files, over, &self.stop),
            false => ask_all(&self.log, &files, &self.stop),
        };
        let word = match asked {
            Ok(word) => word,
            Err(Unheard::Stopped) => return Ok(()),
            Err(Unheard::Io(error)) => return Err(failed(&self.log, "can't be read")(error)),
        };
        if let Some(in_force) = &word.holds {
            for (name, placed) in in_force {
                know(&mut self.known_holds, name, *placed);
            }
            let mut holds = self.holds.lock()?;
            holds.log_has(in_force);
            holds.tell(&*self.ledger, UnixMicros(clock()))?;
            self.knows_holds = true;
        }
        for mut candidate in candidates {
            if self.stop.load(Ordering::Acquire) {
                break;
            }
            match self.delete_one(&mut candidate, &word, now)? {
                Outcome::Deleted => {
                    swept.deleted = swept.deleted.saturating_add(1);
                    deleted.fetch_add(1, Ordering::Relaxed);
                    self.later.remove(&candidate.listed.path);
                    // Who waits for the holds looks whether they are free each millisecond.
                    thread::sleep(PAUSE);
                }
                Outcome::NotBefore(due) => drop(self.later.insert(candidate.listed.path, due)),
                Outcome::Gone => {}
                Outcome::Held => swept.held = swept.held.saturating_add(1),
                Outcome::Stuck(error) => self.stuck = Some(error),
                Outcome::Never(why) => self.say_never(candidate.listed.path, &why),
            }
        }
        Ok(())
    }

    fn delete_one(&mut self, candidate: &mut Candidate, word: &Word, now: UnixMicros) -> Result<Outcome, SweepError> {
        let (listed, written) = (&candidate.listed, word.recorded.get(&candidate.file));
        // Read again just before it goes: what is deleted is what the log says, whatever it was when it was looked at.
        let (bytes, digest) = match digest_of(&listed.path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Outcome::Gone),
            Err(error) => {
                return Ok(Outcome::Stuck(failed(&listed.path, "can't be read, and is not deleted before it can")(
                    error,
                )));
            }
        };
        if let Some(why) = unlike(written, bytes, digest) {
            return Ok(Outcome::Never(why));
        }
        if let Some(over) = over_by(&candidate.whose, candidate.is_cut, written) {
            candidate.whose.over = Some(over.0);
            let due = after(over.0, candidate.span);
            if due > now {
                return Ok(Outcome::NotBefore(due));
            }
        }
        let Candidate { listed, file, whose, span, .. } = &*candidate;
        // From here on nobody places a hold.
        let mut holds = self.holds.lock()?;
        holds.tell(&*self.ledger, UnixMicros(clock()))?;
        // None is ever taken out of the file, released or not.
        let here = holds.newest();
        let is_lost = |(name, placed): &(&String, &u64)| here.get(name.as_str()).is_none_or(|newest| newest < *placed);
        if let Some((lost, _)) = self.known_holds.iter().find(is_lost) {
            return Err(SweepError::HoldLost(lost.clone(), self.holds.path().to_owned()));
        }
        for (name, placed) in here {
            know(&mut self.known_holds, name, placed);
        }
        if holds.keeping(whose).is_some() {
            return Ok(Outcome::Held);
        }
        let is_new = !self.told.contains(file);
        if is_new {
            let event = Event::RecordingDeleted(record(candidate, bytes, digest, *span));
            let session = Some(SessionId(whose.session.as_str().into()));
            self.ledger.append(&[Record { at: UnixMicros(clock()), session, event }])?;
            self.told.insert(file.clone());
        }
        sync_log(&self.log).map_err(failed(&self.log, "can't be brought to the disk"))?;
        match self.disk.remove(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let error = failed(&listed.path, "can't be deleted, and is in the log as deleted")(error);
                // The log is not told of many where none can be removed; and one alone does not keep all others.
                return if is_new { Err(error) } else { Ok(Outcome::Stuck(error)) };
            }
            _ => {}
        }
        self.told.remove(file);
        if let Some((day, _)) = file.split_once('/') {
            self.disk.sync_folder(day).map_err(failed(&listed.path, "is deleted, and the disk may not know it"))?;
            // There may be others in it.
            if self.disk.remove_folder(day).is_ok() {
                self.days.remove(day);
            }
        }
        tracing::debug!(session = whose.session, file, "a recording was deleted: {}", why(*span));
        Ok(Outcome::Deleted)
    }

    fn say_never(&mut self, path: PathBuf, why: &str) {
        tracing::warn!(file = %path.display(), "a recording is never deleted: {why}");
        self.never.insert(path);
    }

    fn listed<T>(&self, listed: io::Result<Vec<T>>, what: &'static str) -> Result<Vec<T>, SweepError> {
        match listed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.map_err(failed(&self.folder, what)),
        }
    }
}

/// The newest of each name.
fn know(known: &mut BTreeMap<String, u64>, name: &str, placed: u64) {
    match known.get_mut(name) {
        Some(before) => *before = placed.max(*before),
        None => drop(known.insert(name.to_owned(), placed)),
    }
}

fn failed(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> SweepError {
    let path = path.to_owned();
    move |error| SweepError::Io { path, what, error }
}

/// Why a file is not what the log says was written.
fn unlike(written: Option<&Written>, bytes: u64, digest: Digest) -> Option<String> {
    let why = match written {
        None => "the log does not know it under this name",
        Some(Written::Otherwise) => "the log says different things of it",
        Some(Written::As { bytes: known, .. }) if *known != bytes => "it is not as long as the log says",
        Some(Written::As { digest: known, .. }) if *known != digest.to_string() => {
            "it was changed: the log has another digest"
        }
        Some(Written::As { .. }) => return None,
    };
    Some(format!("{why}; `weir audit verify --recordings` says more"))
}

/// When the session of a recording without an end was over, at the latest: when the log was told of it, by the start after the one that was
/// killed. Its last frame says when something was shown last, and it may have been idle since. None if its own last frame says it.
fn over_by(whose: &Whose, is_cut: bool, written: Option<&Written>) -> Option<UnixMicros> {
    match written {
        Some(Written::As { at, .. }) if is_cut && *at > whose.over() => Some(*at),
        _ => None,
    }
}

fn record(candidate: &Candidate, bytes: u64, digest: Digest, span: Duration) -> RecordingDeleted {
    let Whose { target, principal, act, owner, run, began, .. } = candidate.whose.clone();
    let (file, began, over, why) = (candidate.file.clone(), UnixMicros(began), candidate.whose.over(), why(span));
    RecordingDeleted { file, bytes, digest, target, principal, act, owner, run, began, over, why }
}

/// `retention of 90d`.
fn why(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(unit, _)| seconds.checked_rem(*unit) == Some(0));
    let (unit, letter) = unit.unwrap_or((1, "s"));
    format!("retention of {}{letter}", seconds.checked_div(unit).unwrap_or(seconds))
}

/// The first moment of a day; that of all days, if it is none.
fn day_start(day: &str) -> u64 {
    let date = day.parse::<Date>().ok();
    let start = date.and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    start.and_then(|start| u64::try_from(start.timestamp().as_microsecond()).ok()).unwrap_or(0)
}

/// Waits until the disk has what was appended to the log a moment ago: that a file is gone must not survive a power failure in which its record does not.
fn sync_log(log: &Path) -> io::Result<()> {
    let lanes = list_segments(log)?.lanes;
    for name in lanes.get(&LANE).into_iter().flatten().rev().take(SEGMENTS_SYNCED) {
        File::open(log.join(name.to_string()))?.sync_data()?;
    }
    File::open(log)?.sync_all()
}

#[cfg(test)]
mod tests;
