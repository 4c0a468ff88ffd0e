//! The thread that deletes recordings which were kept long enough, and that tells the log of holds. Nobody waits for it.

mod clock;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use evidence::hold::{HoldFile, Stamp};
use evidence::recording::{Sweeper, Swept};
use gate::Ledger;

use self::clock::{Clocks, Wall};
use super::ServeError;
use crate::config::Config;
use crate::wiring;

/// How often it is looked for recordings that are due: as often, or as often as the shortest retention passes.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// But not more often than this.
const SWEEP_EVERY_MIN: Duration = Duration::from_secs(1);
/// How often it is looked whether holds were placed or released.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long after a failure the log is told of holds again.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// What it has done since Weir started.
#[derive(Debug, Default)]
pub struct Kept {
    /// Recordings that it deleted.
    pub deleted: AtomicU64,
    /// Recordings that it found and never deletes.
    pub never: AtomicU64,
    /// Sweeps that stopped before they were through.
    pub failed: AtomicU64,
}

/// The thread, which is stopped when this is dropped.
pub struct Keeper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts it. The log is told by this ledger.
    pub fn start(config: &Config, ledger: Arc<dyn Ledger>, kept: Arc<Kept>) -> Result<Self, ServeError> {
        let stop = Arc::<AtomicBool>::default();
        let retention = wiring::retention(config);
        let every = retention.shortest().map_or(SWEEP_EVERY, |span| span.clamp(SWEEP_EVERY_MIN, SWEEP_EVERY));
        let sweeper = wiring::sweeper(config, retention, ledger, Arc::clone(&stop))?;
        let holds = wiring::holds(config);
        let told = Arc::clone(&stop);
        let run = move || Rounds::new(sweeper, holds, every, kept).run(&told);
        let thread = thread::Builder::new().name("weir-keeper".to_owned()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// What the thread knows.
struct Rounds {
    sweeper: Sweeper,
    holds: HoldFile,
    every: Duration,
    kept: Arc<Kept>,
    /// The file of holds as it was when it was last looked at.
    seen: Option<Stamp>,
    /// When the log is to be told again, where it could not be.
    tell_at: Option<Instant>,
    sweep_at: Instant,
    clocks: Clocks,
    /// Why the log could not be told the last time: said once.
    said: String,
}

impl Rounds {
    fn new(sweeper: Sweeper, holds: HoldFile, every: Duration, kept: Arc<Kept>) -> Self {
        let (sweep_at, said) = (Instant::now(), String::new());
        let clocks = Clocks::new(SystemTime::now(), sweep_at);
        Self { sweeper, holds, every, kept, seen: None, tell_at: None, sweep_at, clocks, said }
    }

    fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            self.look(SystemTime::now(), Instant::now());
            thread::park_timeout(LOOK_EVERY);
        }
    }

    /// Does what is to be done at this moment, by both clocks.
    fn look(&mut self, wall: SystemTime, at: Instant) {
        let stamp = Some(self.holds.stamp());
        let changed = stamp != self.seen;
        self.seen = stamp;
        if changed || self.tell_at.is_some_and(|tell_at| tell_at <= at) {
            self.tell();
        }
        let is_believed = self.is_believed(wall, at);
        // What a hold kept until now may go now.
        if changed || self.sweep_at <= at {
            match is_believed {
                true => self.sweep(wall, at),
                false => self.sweep_at = at,
            }
        }
    }

    /// Whether what is due may be told by the wall clock.
    fn is_believed(&mut self, wall: SystemTime, at: Instant) -> bool {
        match self.clocks.look(wall, at) {
            Wall::Sound => return true,
            Wall::Again => tracing::info!("recordings are deleted again by this machine's clock"),
            Wall::Jumped(by) => {
                tracing::error!(
                    "this machine's clock jumped ahead by {} minutes; no recording is deleted before it is back, or an hour has passed with it. \
                     If it is wrong, set it right, or place a hold (`weir hold place clock --all --reason …`)",
                    by.as_secs().checked_div(60).unwrap_or_default()
                );
                return false;
            }
            Wall::Doubted => return false,
        }
        true
    }

    fn tell(&mut self) {
        match self.sweeper.tell_holds() {
            Ok(records) => {
                if records > 0 {
                    tracing::info!("holds were placed or released: {records} in the log");
                }
                self.tell_at = None;
                self.said.clear();
            }
            Err(error) => {
                self.tell_at = Instant::now().checked_add(TELL_AGAIN);
                let error = error.to_string();
                if error != self.said {
                    tracing::error!("the log can't be told of holds: {error}");
                    self.said = error;
                }
            }
        }
    }

    fn sweep(&mut self, wall: SystemTime, at: Instant) {
        self.sweep_at = at.checked_add(self.every).unwrap_or(self.sweep_at);
        let swept = self.sweeper.sweep(wall.into(), &self.kept.deleted);
        self.kept.never.store(u64::try_from(self.sweeper.never_deleted()).unwrap_or(u64::MAX), Ordering::Relaxed);
        match swept {
            Ok(Swept { deleted: 0, .. }) => {}
            Ok(Swept { deleted, held }) => {
                tracing::info!("{deleted} recordings were kept long enough and are deleted; {held} are held");
            }
            Err(error) => {
                self.kept.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!("{error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use evidence::recording::{RecordingKeys, Retention};
    use evidence::{Durability, Log};

    use super::*;

    #[test]
    fn nothing_is_swept_by_a_clock_that_has_just_jumped() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(&dir.path().join("log"), 1, "test", Durability::Written).unwrap();
        // No folder: each sweep fails, and is counted.
        let folder = dir.path().join("recordings");
        std::fs::write(&folder, "").unwrap();
        let every = Duration::from_secs(10);
        let retention = Retention(BTreeMap::from([("orders".to_owned(), Some(every))]));
        let (keys, holds, kept) =
            (RecordingKeys::new(&[7; 32]).unwrap(), HoldFile::of(dir.path()), Arc::<Kept>::default());
        let sweeper =
            Sweeper::new(&folder, &dir.path().join("log"), keys, retention, holds.clone(), log.lane(0), Arc::default());
        let mut rounds = Rounds::new(sweeper, holds, every, Arc::clone(&kept));
        let (wall, at) = (SystemTime::now(), Instant::now());
        let mut swept = |real: u64, shown: u64| {
            rounds.look(wall + Duration::from_secs(shown), at + Duration::from_secs(real));
            kept.failed.load(Ordering::Relaxed)
        };
        assert_eq!((swept(1, 1), swept(2, 2), swept(12, 12)), (1, 1, 2));
        let year = 365 * 86_400;
        assert_eq!((swept(23, year), swept(34, year + 11), swept(3000, year + 3000)), (2, 2, 2));
        // As soon as it is back, or an hour has passed.
        assert_eq!((swept(3001, 3001), swept(3020, year), swept(6619, year + 3600)), (3, 3, 3));
        assert_eq!(swept(6620, year + 3601), 4);
    }
}
