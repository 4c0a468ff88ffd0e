//! Legal holds: what they keep is deleted by nobody, whatever the retention of a target says.
//!
//! They stand in one file, [`HoldFile`], which the command line changes and a running Weir reads: it is replaced whole, under a lock of its own. Who is
//! about to delete something holds that lock, so a hold is in force from the moment in which it is written, also where nobody
//! has told the log of it yet. The log is told of each by whoever serves ([`Locked::tell`]); one that was released stays in the file, so that
//! this can be done later too.
//!
//! What this is not: it deletes nothing, and knows no recording but by what is said of it ([`Whose`]).

mod keeps;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use gate::{Event, Held, HoldPlaced, HoldReleased, Ledger, LedgerDown, Record};
use model::UnixMicros;
use serde::{Deserialize, Serialize};

use crate::folder::{Lock, replace};

pub use keeps::{ID_CHARS_MIN, Whose, fault, held_in, keeps};

/// The file in the state folder, and the one that is locked beside it.
const FILE_NAME: &str = "holds.json";
const LOCK_NAME: &str = ".holds.lock";
/// Far more than all holds ever take.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How long one waits for whoever has the holds: a command that was stopped with them must not stop Weir too.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether they are free: they are for a moment between two deletions.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Which hold: its name, and when it was placed. A name may be used again once its hold was released.
pub type Which = (String, u64);

/// Whether the end of one hold is that of another: its own, and that of those of its name that were placed before. Of one name there is one at a
/// time, so they were released before, or lost and placed again. The end of an earlier one is not that of a later.
pub fn ends(released: &Which, hold: &Which) -> bool {
    released.0 == hold.0 && hold.1 <= released.1
}

/// A hold, in force or released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Its name. Of those in force no two have the same.
    pub name: String,
    /// What it keeps.
    pub keeps: Held,
    /// Why.
    pub reason: String,
    /// The login that placed it.
    pub by: String,
    /// When, in microseconds since 1970; later than all others of its name, also where the clock stepped back.
    pub placed: u64,
    /// Whether the log has it.
    #[serde(default)]
    told: bool,
    /// That it was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Release>,
}

/// The end of a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Why it is not needed any more.
    pub reason: String,
    /// The login that released it.
    pub by: String,
    /// When, in microseconds since 1970.
    pub at: u64,
    /// Whether the log has it.
    #[serde(default)]
    told: bool,
}

/// Somebody who places or releases a hold.
#[derive(Clone, Copy, Debug)]
pub struct Hand<'a> {
    /// Why.
    pub reason: &'a str,
    /// The login.
    pub by: &'a str,
    /// When.
    pub at: UnixMicros,
}

/// Why holds can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// What the system says.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// It is not what was written.
    #[error("{}: {what}; restore it from a backup of the state folder", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Others could release holds.
    #[error("{path} is open to other users (mode {mode:04o}); run: chmod 600 {path}", path = .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody else has them.
    #[error("{} is locked by another process, which does not end; try again when it has", .0.display())]
    Busy(PathBuf),
    /// The wish makes no sense.
    #[error("{0}")]
    Refused(String),
    /// The log can't be told.
    #[error(transparent)]
    Ledger(#[from] LedgerDown),
}

/// Where the holds of a state folder are.
#[derive(Clone, Debug)]
pub struct HoldFile {
    path: PathBuf,
    lock: PathBuf,
}

/// What changes when the file does.
pub type Stamp = Option<(u64, u64, Option<SystemTime>)>;

/// The holds, which nobody else changes meanwhile.
#[derive(Debug)]
pub struct Locked {
    path: PathBuf,
    holds: Vec<Hold>,
    _lock: Lock,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: u32,
    holds: Vec<Hold>,
}

impl HoldFile {
    /// That of this state folder. It need not be there: then there are no holds.
    pub fn of(state: &Path) -> Self {
        Self { path: state.join(FILE_NAME), lock: state.join(LOCK_NAME) }
    }

    /// The file itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Another one when the file has changed since.
    pub fn stamp(&self) -> Stamp {
        let found = fs::metadata(&self.path).ok()?;
        Some((found.ino(), found.len(), found.modified().ok()))
    }

    /// All holds that there ever were, as of now.
    pub fn read(&self) -> Result<Vec<Hold>, HoldError> {
        read(&self.path)
    }

    /// The holds, and nobody changes them until this is dropped. Waits a while for whoever has them.
    pub fn lock(&self) -> Result<Locked, HoldError> {
        let until = Instant::now().checked_add(PATIENCE);
        loop {
            match Lock::take(&self.lock) {
                Ok(lock) => return Ok(Locked { path: self.path.clone(), holds: read(&self.path)?, _lock: lock }),
                Err(TryLockError::Error(error)) => return Err(HoldError::Io { path: self.lock.clone(), error }),
                Err(TryLockError::WouldBlock) if until.is_none_or(|until| Instant::now() >= until) => {
                    return Err(HoldError::Busy(self.lock.clone()));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(LOOK_EVERY),
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<Hold>, HoldError> {
    let failed = |error| HoldError::Io { path: path.to_owned(), error };
    let unreadable = |what: String| HoldError::Unreadable { path: path.to_owned(), what };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(unreadable("is not a regular file".to_owned()));
    }
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(HoldError::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|bytes| bytes > FILE_BYTES_MAX) {
        return Err(unreadable(format!("is longer than {FILE_BYTES_MAX} bytes")));
    }
    let content: Content = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    match content.format {
        1 => Ok(content.holds),
        other => Err(unreadable(format!("is of format {other}; this Weir reads format 1"))),
    }
}

impl Hold {
    /// Whether it keeps anything.
    pub fn is_in_force(&self) -> bool {
        self.released.is_none()
    }
}

impl Locked {
    /// All holds that there ever were.
    pub fn all(&self) -> &[Hold] {
        &self.holds
    }

    /// The first hold in force that keeps this.
    pub fn keeping(&self, whose: &Whose) -> Option<&Hold> {
        keeping(&self.holds, whose)
    }

    /// Places a hold, and waits until the disk has it.
    pub fn place(&mut self, name: &str, held: Held, hand: Hand<'_>) -> Result<(), HoldError> {
        let wrong = name_fault(name).or_else(|| fault(&held)).or_else(|| reason_fault(hand.reason));
        if let Some(wrong) = wrong {
            return Err(HoldError::Refused(wrong));
        }
        if let Some(hold) = self.holds.iter().find(|hold| hold.is_in_force() && hold.name == name) {
            let what = format!("a hold {name} is in force already, for: {}; choose another name", hold.reason);
            return Err(HoldError::Refused(what));
        }
        let placed = self.newest().get(name).map_or(hand.at.0, |before| hand.at.0.max(before.saturating_add(1)));
        let (name, reason, by) = (name.to_owned(), hand.reason.to_owned(), hand.by.to_owned());
        self.holds.push(Hold { name, keeps: held, reason, by, placed, told: false, released: None });
        self.write()
    }

    /// Releases a hold, and waits until the disk has that.
    pub fn release(&mut self, name: &str, hand: Hand<'_>) -> Result<(), HoldError> {
        if let Some(wrong) = reason_fault(hand.reason) {
            return Err(HoldError::Refused(wrong));
        }
        let Some(hold) = self.holds.iter_mut().find(|hold| hold.is_in_force() && hold.name == name) else {
            let what = format!("no hold in force is named {name}; `weir hold list` shows all");
            return Err(HoldError::Refused(what));
        };
        let (reason, by) = (hand.reason.to_owned(), hand.by.to_owned());
        hold.released = Some(Release { reason, by, at: hand.at.0, told: false });
        self.write()
    }

    /// Tells the log of all that it has not been told of. Says how many records that were.
    pub fn tell(&mut self, ledger: &dyn Ledger, now: UnixMicros) -> Result<usize, HoldError> {
        let mut records = Vec::new();
        for hold in &self.holds {
            let Hold { name, keeps, by, reason, .. } = hold;
            let (name, held, placed) = (name.clone(), keeps.clone(), UnixMicros(hold.placed));
            if !hold.told {
                let (reason, by) = (reason.clone(), by.clone());
                let event = HoldPlaced { name: name.clone(), held: held.clone(), reason, by, placed };
                records.push(Event::HoldPlaced(event));
            }
            if let Some(Release { reason, by, at, told: false }) = &hold.released {
                let (reason, by, released) = (reason.clone(), by.clone(), UnixMicros(*at));
                records.push(Event::HoldReleased(HoldReleased { name, held, reason, by, placed, released }));
            }
        }
        if records.is_empty() {
            return Ok(0);
        }
        let records: Vec<_> = records.into_iter().map(|event| Record { at: now, session: None, event }).collect();
        ledger.append(&records)?;
        // Killed before this is written, it tells them once more.
        for hold in &mut self.holds {
            hold.told = true;
            if let Some(release) = &mut hold.released {
                release.told = true;
            }
        }
        self.write()?;
        Ok(records.len())
    }

    /// When each name was placed last, whether that is in force or not.
    pub fn newest(&self) -> BTreeMap<&str, u64> {
        let mut newest = BTreeMap::new();
        for hold in &self.holds {
            let placed = newest.entry(hold.name.as_str()).or_insert(hold.placed);
            *placed = hold.placed.max(*placed);
        }
        newest
    }

    /// These are in force, as the whole log says, and no others: what is otherwise here the log is told of again by [`Locked::tell`]. So it is where
    /// the log lost its end, or was put back to what it was.
    pub fn log_has(&mut self, in_force: &BTreeSet<Which>) {
        for hold in &mut self.holds {
            let is_there = in_force.contains(&(hold.name.clone(), hold.placed));
            match &mut hold.released {
                None => hold.told &= is_there,
                Some(release) => release.told &= !is_there,
            }
        }
    }

    fn write(&self) -> Result<(), HoldError> {
        let failed = |error| HoldError::Io { path: self.path.clone(), error };
        let content = Content { format: 1, holds: self.holds.clone() };
        let mut bytes = serde_json::to_vec_pretty(&content).map_err(|error| failed(error.into()))?;
        bytes.push(b'\n');
        if u64::try_from(bytes.len()).is_ok_and(|bytes| bytes > FILE_BYTES_MAX) {
            return Err(HoldError::Refused(format!("{} would be longer than it may be", self.path.display())));
        }
        replace(&self.path, &bytes, 0o600).map_err(failed)
    }
}

/// The first of these holds that is in force and keeps this.
pub fn keeping<'h>(holds: &'h [Hold], whose: &Whose) -> Option<&'h Hold> {
    holds.iter().find(|hold| hold.is_in_force() && keeps(&hold.keeps, whose))
}

fn name_fault(name: &str) -> Option<String> {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let is_one = (1..=100).contains(&name.len()) && name.chars().all(ordinary);
    (!is_one).then(|| {
        "the name of a hold is made of letters, digits, `.`, `_`, `-` and `/`, at most 100, like \"case-17\"".to_owned()
    })
}

fn reason_fault(reason: &str) -> Option<String> {
    let is_one = !reason.trim().is_empty() && reason.len() <= 1000 && !reason.chars().any(char::is_control);
    (!is_one).then(|| "the reason is a text of one line, at most 1000 bytes".to_owned())
}

#[cfg(test)]
mod tests;
