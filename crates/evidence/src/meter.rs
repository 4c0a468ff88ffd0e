//! How much the log has taken, and whether it can take more, for whoever watches from outside.
//!
//! A lane writes its numbers under its own lock, so these are plain stores; who reads takes no lock and may see the numbers of two moments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use model::UnixMicros;
use parking_lot::Mutex;

use crate::mirror::Down;

/// Reads what a log has counted since it was opened. It holds nothing of the log open.
#[derive(Clone, Debug)]
pub struct Meter {
    pub(crate) lanes: Vec<Arc<LaneGauge>>,
    /// None if the log is not signed.
    pub(crate) signer: Option<Arc<SignerGauge>>,
    /// None if it is written to one place alone.
    pub(crate) places: Option<Places>,
}

/// The two places that a log is written to.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    folders: [PathBuf; 2],
    down: Arc<Down>,
}

impl Places {
    pub fn new(folders: [&Path; 2], down: &Arc<Down>) -> Self {
        Self { folders: folders.map(Path::to_owned), down: Arc::clone(down) }
    }
}

/// What a log has counted since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogFigures {
    /// Records that are written, those of the log's own too: beginnings of segments, checkpoints.
    pub records: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Appends that failed, tries to write what waits included.
    pub errors: u64,
    /// Whether the last write of any lane failed.
    pub is_down: bool,
    /// Records that no checkpoint covers, but for the last checkpoint itself. None if the log is not signed.
    pub unsigned: Option<u64>,
    /// When the last checkpoint was made.
    pub checkpoint_at: Option<UnixMicros>,
}

/// What one lane says of itself.
#[derive(Debug, Default)]
pub(crate) struct LaneGauge {
    pub records: AtomicU64,
    pub bytes: AtomicU64,
    pub errors: AtomicU64,
    pub is_down: AtomicBool,
    /// Records whose hashes wait for a checkpoint.
    pub leaves: AtomicU64,
}

/// What the signer says of itself.
#[derive(Debug, Default)]
pub(crate) struct SignerGauge {
    /// Microseconds; 0 before the first.
    pub checkpoint_at: AtomicU64,
    /// Records that it has taken and not signed.
    pub taken: AtomicU64,
    /// Checkpoints among the hashes that wait in lane 0.
    pub own: AtomicU64,
    /// Places that could not be told of the last checkpoint, each with why. Their number is the configuration's.
    pub deaf: Mutex<BTreeMap<String, String>>,
}

impl Meter {
    /// Places that could not be told of a checkpoint when that was last tried, each with why.
    pub fn unreachable_places(&self) -> BTreeMap<String, String> {
        self.signer.as_deref().map(|signer| signer.deaf.lock().clone()).unwrap_or_default()
    }

    /// Those of its two places that lack something.
    pub fn places_down(&self) -> Vec<String> {
        let Some(Places { folders, down }) = &self.places else { return Vec::new() };
        let lacking = folders.iter().zip(down.read()).filter(|(_, is_down)| *is_down);
        lacking.map(|(folder, _)| folder.display().to_string()).collect()
    }

    /// What it says now.
    pub fn read(&self) -> LogFigures {
        let sum = |one: fn(&LaneGauge) -> &AtomicU64| {
            self.lanes.iter().map(|lane| one(lane).load(Ordering::Relaxed)).fold(0_u64, u64::saturating_add)
        };
        let leaves = sum(|lane| &lane.leaves);
        let signer = self.signer.as_deref();
        let checkpoint_at = signer.map_or(0, |signer| signer.checkpoint_at.load(Ordering::Relaxed));
        LogFigures {
            records: sum(|lane| &lane.records),
            bytes: sum(|lane| &lane.bytes),
            errors: sum(|lane| &lane.errors),
            is_down: self.lanes.iter().any(|lane| lane.is_down.load(Ordering::Relaxed)),
            unsigned: signer.map(|signer| {
                let (taken, own) = (signer.taken.load(Ordering::Relaxed), signer.own.load(Ordering::Relaxed));
                leaves.saturating_add(taken).saturating_sub(own)
            }),
            checkpoint_at: (checkpoint_at > 0).then_some(UnixMicros(checkpoint_at)),
        }
    }
}

/// A length as it is counted.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
