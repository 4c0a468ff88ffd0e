//! What is kept free on a disk, so that what has begun can still be written to its end.
//!
//! ```text
//! Reserve's thread ──statvfs, twice a second──▶ Space (a flag) ◀──one load── Lane::append, Recordings::begin, poll_room
//! ```
//!
//! When less is free than the reserve nothing new begins; what follows something that has begun, and what the log writes for itself, is still
//! written. So the log ends with words and not in the middle of one, and whoever frees space finds it whole. It goes on by itself.
//!
//! What this is not: a quota. It says nothing of how much Weir may write, only of how much is left, whoever took it; and a quota of the file
//! system is not known to it. Between two looks more can be taken than is there: then the disk is full, which is told as such.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use gate::{Event, Record};
use rustix::fs::fstatvfs;

/// How often a disk is asked.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// It is low with less than so many reserves free.
const LOW_RESERVES: u64 = 2;
/// This part of the reserve must be free beyond a mark before it counts as passed upwards, so that a disk which stands at it is not told of
/// all the time.
const HYSTERESIS_PART: u64 = 8;

const UNKNOWN: u64 = u64::MAX;
const AMPLE: u8 = 0;
const LOW: u8 = 1;
const RESERVED: u8 = 2;

/// How it stands with a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// There is enough, or nothing is kept free.
    #[default]
    Ample,
    /// Less than twice the reserve is free: time to do something.
    Low,
    /// Less than the reserve is free: nothing new begins.
    Reserved,
}

/// What is known of a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceFigures {
    /// Bytes that Weir could still write there. None if that could not be found out.
    pub free: Option<u64>,
    /// Bytes of them that are kept. 0 if none are.
    pub reserve: u64,
    /// What follows from both.
    pub level: Level,
}

/// The disk of one folder. Nothing is kept free there until a [`Reserve`] has it.
#[derive(Debug)]
pub struct Space {
    /// What is kept there: `decision log`.
    what: &'static str,
    folder: PathBuf,
    level: AtomicU8,
    free: AtomicU64,
    reserve: AtomicU64,
    said_unknown: AtomicBool,
}

impl Space {
    pub(crate) fn new(what: &'static str, folder: &Path) -> Self {
        Self {
            what,
            folder: folder.to_owned(),
            level: AtomicU8::new(AMPLE),
            free: AtomicU64::new(UNKNOWN),
            reserve: AtomicU64::new(0),
            said_unknown: AtomicBool::new(false),
        }
    }

    /// What it says now.
    pub fn read(&self) -> SpaceFigures {
        let free = self.free.load(Ordering::Relaxed);
        SpaceFigures {
            free: (free != UNKNOWN).then_some(free),
            reserve: self.reserve.load(Ordering::Relaxed),
            level: self.level(),
        }
    }

    /// How it stands.
    pub fn level(&self) -> Level {
        match self.level.load(Ordering::Relaxed) {
            LOW => Level::Low,
            RESERVED => Level::Reserved,
            _ => Level::Ample,
        }
    }

    /// Why nothing new may begin, if nothing may.
    pub(crate) fn refusal(&self) -> Option<String> {
        if self.level.load(Ordering::Relaxed) != RESERVED {
            return None;
        }
        Some(self.in_words())
    }

    /// The same of these records: a record that follows something, or is the log's own, begins nothing.
    pub(crate) fn refusal_of(&self, records: &[Record]) -> Option<String> {
        if self.level.load(Ordering::Relaxed) != RESERVED || !records.iter().any(begins) {
            return None;
        }
        Some(self.in_words())
    }

    /// How much is free and what that means, for an operator.
    pub fn in_words(&self) -> String {
        let SpaceFigures { free, reserve, level } = self.read();
        let (what, reserve) = (self.what, size(reserve));
        let Some(free) = free.map(size) else {
            return format!("how much is free on the disk of the {what} is not known, so nothing is kept free there");
        };
        let than = match level {
            Level::Ample => return format!("{free} are free on the disk of the {what}, and {reserve} are its reserve"),
            Level::Low => format!("less than twice its reserve of {reserve}: below the reserve nothing new begins"),
            Level::Reserved => format!("less than its reserve of {reserve}"),
        };
        format!(
            "{free} are free on the disk of the {what}, which is {than}; free some space in {}, or lower `reserve` under [evidence]",
            self.folder.display()
        )
    }

    /// Takes what the file system says.
    fn take(&self, reserve: u64, found: io::Result<Option<u64>>) {
        self.reserve.store(reserve, Ordering::Relaxed);
        let free = match found {
            Ok(Some(free)) => free,
            // Nothing is kept free then: what begins may find the disk full, and is told so.
            Ok(None) | Err(_) => {
                self.free.store(UNKNOWN, Ordering::Relaxed);
                self.level.store(AMPLE, Ordering::Relaxed);
                if reserve > 0 && !self.said_unknown.swap(true, Ordering::Relaxed) {
                    let why = found
                        .err()
                        .map_or_else(|| "the file system does not say".to_owned(), |error| error.to_string());
                    let folder = self.folder.display();
                    tracing::warn!(
                        "how much is free on the disk of {folder} can't be told, so no reserve is kept there: {why}"
                    );
                }
                return;
            }
        };
        self.free.store(free, Ordering::Relaxed);
        self.said_unknown.store(false, Ordering::Relaxed);
        let before = self.level();
        let level = next(before, free, reserve);
        if level == before {
            return;
        }
        let level_byte = match level {
            Level::Ample => AMPLE,
            Level::Low => LOW,
            Level::Reserved => RESERVED,
        };
        self.level.store(level_byte, Ordering::Relaxed);
        let words = self.in_words();
        match (before, level) {
            (_, Level::Reserved) => tracing::error!("nothing new begins: {words}"),
            (Level::Reserved, _) => tracing::warn!("what is new can begin again: {words}"),
            (_, Level::Low) => tracing::warn!("{words}"),
            (_, Level::Ample) => tracing::info!("{words}"),
        }
    }
}

/// Whether something may happen once this is written. All else follows what has happened, or is the log's own.
fn begins(record: &Record) -> bool {
    matches!(record.event, Event::Admitted(_) | Event::Rejected(_) | Event::Decided(_))
}

/// What follows from how it stood and from what is free now.
fn next(before: Level, free: u64, reserve: u64) -> Level {
    if reserve == 0 {
        return Level::Ample;
    }
    let more = reserve.checked_div(HYSTERESIS_PART).unwrap_or_default();
    let is_below = |mark: u64, was_below: bool| {
        let mark = if was_below { mark.saturating_add(more) } else { mark };
        free < mark
    };
    if is_below(reserve, before == Level::Reserved) {
        Level::Reserved
    } else if is_below(reserve.saturating_mul(LOW_RESERVES), before != Level::Ample) {
        Level::Low
    } else {
        Level::Ample
    }
}

/// A folder's file system: of the folder that was there at the beginning, where the files are, whatever is put over its name later.
struct Mounted(File);

impl Mounted {
    fn of(folder: &Path) -> io::Result<Self> {
        File::open(folder).map(Self)
    }

    /// Bytes that this process can still write. None where the file system does not count.
    fn free(&self) -> io::Result<Option<u64>> {
        let found = fstatvfs(&self.0)?;
        // Some that are not on a disk say 0 of everything.
        Ok((found.f_blocks > 0).then(|| found.f_bavail.saturating_mul(found.f_frsize)))
    }
}

/// Keeps a reserve on disks, as long as it lives.
#[derive(Debug)]
pub struct Reserve {
    stopped: Arc<AtomicBool>,
    thread: Thread,
}

impl Reserve {
    /// Keeps so many bytes free on the disks of these; none with 0. What holds already holds when this returns.
    pub fn keep(bytes: u64, spaces: Vec<Arc<Space>>) -> io::Result<Self> {
        let watched = spaces.into_iter().map(|space| Mounted::of(&space.folder).map(|volume| (space, volume)));
        let watched = watched.collect::<io::Result<Vec<_>>>()?;
        let look = move || watched.iter().for_each(|(space, volume)| space.take(bytes, volume.free()));
        look();
        let stopped = Arc::<AtomicBool>::default();
        let seen = Arc::clone(&stopped);
        let thread = thread::Builder::new().name("weir-space".to_owned()).spawn(move || {
            loop {
                thread::park_timeout(LOOK_EVERY);
                if seen.load(Ordering::Acquire) {
                    return;
                }
                look();
            }
        })?;
        Ok(Self { stopped, thread: thread.thread().clone() })
    }
}

impl Drop for Reserve {
    /// The thread is not waited for: it may hang in a question to a disk that is far away, and holds nothing.
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Bytes as people say them: `256 MiB`, `1.5 GiB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let (mut whole, mut rest, mut unit) = (bytes, 0, 0_usize);
    while whole >= 1024 && unit.saturating_add(1) < UNITS.len() {
        rest = whole.checked_rem(1024).unwrap_or_default();
        whole = whole.checked_div(1024).unwrap_or_default();
        unit = unit.saturating_add(1);
    }
    let tenth = rest.saturating_mul(10).checked_div(1024).unwrap_or_default();
    let unit = UNITS.get(unit).copied().unwrap_or_default();
    if tenth == 0 || whole >= 100 { format!("{whole} {unit}") } else { format!("{whole}.{tenth} {unit}") }
}

#[cfg(test)]
mod tests;
