//! Where alerts are put: the decision log, and a count for `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alerts::What;
use gate::{Alert, Event, Ledger, LedgerDown, Record};
use model::{SessionId, UnixMicros};

use super::now;

/// Puts alerts into the log.
pub struct Said {
    ledger: Arc<dyn Ledger>,
    counts: [(What, AtomicU64); What::ALL.len()],
}

impl Said {
    /// Into this lane.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, counts: What::ALL.map(|what| (what, AtomicU64::new(0))) }
    }

    /// How many of each kind there were since the start: beginnings alone, of what has an end.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        self.counts.iter().map(|(what, count)| (what.as_str(), count.load(Ordering::Relaxed))).collect()
    }

    /// Says this, as soon as the log can be written.
    pub fn note(&self, alert: Alert) {
        self.tell(&alert);
        self.ledger.note(record(None, alert));
    }

    /// Says these, each with its session if it is of one. All are in the log, or none.
    pub fn append(&self, alerts: Vec<(Option<SessionId>, Alert)>) -> Result<(), LedgerDown> {
        let records: Vec<Record> = alerts.into_iter().map(|(session, alert)| record(session, alert)).collect();
        self.ledger.append(&records)?;
        for record in &records {
            if let Event::Alert(alert) = &record.event {
                self.tell(alert);
            }
        }
        Ok(())
    }

    fn tell(&self, alert: &Alert) {
        let Alert { what, state, detail, .. } = alert;
        if *state == ENDS {
            return tracing::info!("alert {what} is over: {detail}");
        }
        // Who uses what is for the log alone.
        match *state {
            ONCE => tracing::warn!("alert {what}: `weir log --event alert` says more"),
            _ => tracing::warn!("alert {what}: {detail}"),
        }
        let count = self.counts.iter().find(|(known, _)| known.as_str() == *what);
        if let Some((_, count)) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// How the log says that something begins, is over, or only happens.
pub const BEGINS: &str = "begins";
pub const ENDS: &str = "ends";
pub const ONCE: &str = "once";

fn record(session: Option<SessionId>, alert: Alert) -> Record {
    Record { at: UnixMicros(now()), session, event: Event::Alert(alert) }
}
