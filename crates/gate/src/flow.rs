//! What runs after a permit: how its results are shown, how much of them, and how it ended.

use std::sync::Arc;

use model::{Field, Holds, OnWrite, Operation, UnixMicros};
use redact::Plan;

use crate::judge::Judged;
use crate::kept_plan::KeptPlan;
use crate::ledger::{Ended, Event, Outcome};
use crate::search::Search;
use crate::session::Shared;
use crate::verdict::Permit;
use crate::watch::{KeptWatch, Met, Sought, Watches};
use crate::words::Words;

/// What is shown of one operation before it is counted, in bytes: what goes on for hours is seen while it does.
const COUNT_BYTES: u64 = 1024 * 1024;

/// A running operation. Dropped without [`Flow::finish`], its outcome is noted as unknown.
#[derive(Debug)]
pub struct Flow {
    op: u64,
    judged: Arc<Judged>,
    session: Arc<Shared>,
    shown: Shown,
    /// As much of that as the tally knows.
    counted: Shown,
    classes: Option<Words>,
    fields: Option<Words>,
    met: Met,
    is_part: bool,
    ended: bool,
}

/// How the rows of a result are shown.
#[derive(Clone, Debug)]
pub struct Plans {
    /// To the caller.
    pub shown: Arc<Plan>,
    /// What of that is hidden from the recording, if anything is: by this plan is kept what the other has shown.
    pub kept: Option<Arc<Plan>>,
}

/// What a caller was shown of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Rows, or whatever the protocol counts.
    pub rows: u64,
    /// Bytes, in the protocol's own framing.
    pub bytes: u64,
    /// Cells that were not shown clear.
    pub masked: u64,
}

impl Flow {
    pub(crate) fn begin<T>(permit: Permit<T>) -> (Self, T) {
        let Permit { op, judged, session, payload, is_part } = permit;
        // How the whole operation ended says how its parts did.
        let (shown, counted, met) = (Shown::default(), Shown::default(), Met::default());
        let flow =
            Self { op, judged, session, shown, counted, classes: None, fields: None, met, is_part, ended: is_part };
        (flow, payload)
    }

    /// The operation's number in its session.
    pub fn op(&self) -> u64 {
        self.op
    }

    /// Whether it is a part of an operation, the rest of which comes next: see [`crate::Verdict::join_next`]. How it ends is
    /// then for the whole to say.
    pub fn is_part(&self) -> bool {
        self.is_part
    }

    /// What was decided to run.
    pub fn operation(&self) -> &Operation {
        &self.judged.operation
    }

    /// What it stores as less than it is.
    pub fn lowers(&self) -> &[(Field, OnWrite)] {
        self.judged.lowers()
    }

    /// How a result of this shape is shown. A copy of a classified field is shown at that field's sight; something
    /// computed is shown clear only to those who may see all that it may be made of; the unknown is not seen.
    ///
    /// `kept` is what this has put there for the same shape before, and holds as long as the policies do.
    pub fn shape(&mut self, holds: &[Holds], kept: &mut Option<KeptPlan>, now: UnixMicros) -> Plans {
        let shown_by = self.session.kept_plan(holds, kept, now);
        let add = |met: &mut Option<Words>, more: &Option<Words>| {
            *met = match (met.take(), more) {
                (Some(met), Some(more)) => Some(met.with(more)),
                (met, more) => met.or_else(|| more.clone()),
            };
        };
        add(&mut self.classes, &shown_by.classes);
        add(&mut self.fields, &shown_by.fields);
        shown_by.plans
    }

    /// What of a result of this shape is looked at, and how what is found there is shown. `None` if nothing can be hidden from the caller, or
    /// if nothing of it is looked at: a field that is classified is shown as that says.
    ///
    /// `kept` is what this has put there for the same shape before. `fields` says of each field where its values stand, and `None` for one
    /// that is not to be looked at.
    pub fn watch(
        &self,
        search: &Arc<Search>,
        holds: &[Holds],
        kept: &mut Option<KeptWatch>,
        now: UnixMicros,
        fields: impl FnOnce() -> Vec<Option<Sought>>,
    ) -> Watches {
        self.session.kept_watch(search, holds, kept, now, fields)
    }

    /// What was found in its results, for [`crate::Looker::look`] to add to.
    pub fn met(&mut self) -> &mut Met {
        &mut self.met
    }

    /// Counts what the caller was shown.
    pub fn shown(&mut self, more: Shown) {
        self.shown.rows = self.shown.rows.saturating_add(more.rows);
        self.shown.bytes = self.shown.bytes.saturating_add(more.bytes);
        self.shown.masked = self.shown.masked.saturating_add(more.masked);
        if self.shown.bytes.saturating_sub(self.counted.bytes) >= COUNT_BYTES {
            self.count();
        }
    }

    fn count(&mut self) {
        let (now, before) = (self.shown, std::mem::replace(&mut self.counted, self.shown));
        self.session.counter.shown(Shown {
            rows: now.rows.saturating_sub(before.rows),
            bytes: now.bytes.saturating_sub(before.bytes),
            masked: now.masked.saturating_sub(before.masked),
        });
    }

    /// Notes how it ended.
    pub fn finish(mut self, outcome: Outcome, now: UnixMicros) {
        self.end(outcome, now);
    }

    fn end(&mut self, outcome: Outcome, now: UnixMicros) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.count();
        let Shown { rows, bytes, masked } = self.shown;
        let (classes, fields, found) = (self.classes.take(), self.fields.take(), self.met.words());
        self.session
            .note(now, Event::Ended(Ended { op: self.op, outcome, rows, bytes, masked, classes, fields, found }));
        self.met.take_dense().for_each(|event| self.session.note(now, event));
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.end(Outcome::Unknown, UnixMicros::from(std::time::SystemTime::now()));
    }
}
