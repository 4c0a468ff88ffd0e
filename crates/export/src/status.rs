//! How an exporter is doing, for whoever watches it.

use std::sync::Arc;

use model::UnixMicros;
use parking_lot::Mutex;

/// How an exporter is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Records of the log that it has not delivered: 0 when it is at the end. Otherwise as good as the log's last checkpoint
    /// tells, which is a second old and counts Weir's own records too.
    pub behind: u64,
    /// When the oldest of them was written.
    pub since: Option<UnixMicros>,
    /// Why it can't deliver, if it can't.
    pub failing: Option<String>,
    /// How often it failed since it was started.
    pub failures: u64,
    /// Records that it has delivered since it was started, those that it delivered twice too.
    pub delivered: u64,
    /// When it did so last.
    pub delivered_at: Option<UnixMicros>,
}

/// The same, as it changes.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Status>>);

impl Shared {
    pub(crate) fn now(&self) -> Status {
        self.0.lock().clone()
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut Status) -> R) -> R {
        change(&mut self.0.lock())
    }
}
