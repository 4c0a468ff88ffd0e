//! How much recordings take, for whoever watches from outside. Counted by who writes them, not by who adds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Reads what recordings have counted since they were opened. It holds nothing of them open.
#[derive(Clone, Debug)]
pub struct Meter(pub(super) Arc<Gauge>);

/// What recordings have counted since they were opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Recordings of sessions that are open.
    pub open: u64,
    /// Bytes of frames that are written.
    pub raw_bytes: u64,
    /// Bytes of files that they became, compressed and sealed.
    pub written_bytes: u64,
    /// Recordings that could not be begun, or not be gone on with.
    pub failed: u64,
    /// Whether that is so of the last that was tried.
    pub is_down: bool,
}

#[derive(Debug, Default)]
pub(super) struct Gauge {
    begun: AtomicU64,
    let_go: AtomicU64,
    raw_bytes: AtomicU64,
    written_bytes: AtomicU64,
    failed: AtomicU64,
    is_down: AtomicBool,
}

impl Meter {
    /// What it says now.
    pub fn read(&self) -> Figures {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let gauge = &self.0;
        let let_go = read(&gauge.let_go);
        Figures {
            open: read(&gauge.begun).saturating_sub(let_go),
            raw_bytes: read(&gauge.raw_bytes),
            written_bytes: read(&gauge.written_bytes),
            failed: read(&gauge.failed),
            is_down: gauge.is_down.load(Ordering::Relaxed),
        }
    }
}

impl Gauge {
    pub fn begun(&self, header_bytes: u64) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.written(0, header_bytes);
    }

    pub fn let_go(&self) {
        self.let_go.fetch_add(1, Ordering::Relaxed);
    }

    pub fn written(&self, raw_bytes: u64, written_bytes: u64) {
        self.raw_bytes.fetch_add(raw_bytes, Ordering::Relaxed);
        self.written_bytes.fetch_add(written_bytes, Ordering::Relaxed);
        self.is_down.store(false, Ordering::Relaxed);
    }

    pub fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.is_down.store(true, Ordering::Relaxed);
    }
}
