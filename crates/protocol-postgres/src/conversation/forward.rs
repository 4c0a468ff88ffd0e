//! What was planned goes: verdicts to the ledger, permitted frames to the target, poison in the place of refused ones.

use std::ops::Range;
use std::rc::Rc;

use gate::{ControlFrame, Outcome, Permit, Released, Unwritten, Verdict, Wire};
use model::UnixMicros;

use super::by_name::Change;
use super::caller::declined_report;
use super::copy::Held;
use super::expect::{Described, Expect, Running};
use super::lowered::{Lowered, Rewritten, by_constants, lowered_otherwise};
use super::statements::{Entry, Portal, Prepared};
use super::{Conversation, Ended};
use crate::interpret::Interpreted;
use crate::wire::build::{self, OwnReport, Severity};
use crate::wire::frame::HEAD_BYTES;

/// Something planned. Those that are decided wait for their verdict's release; the others go as they are.
#[derive(Debug)]
pub(super) struct Slot {
    pub frame: Range<usize>,
    pub work: Work,
    pub decided: Option<Kind>,
}

/// Where a frame stands: what a refusal of it has to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// On its own: ReadyForQuery follows its error.
    Simple,
    /// In a batch: the rest of the batch is skipped after its error.
    Batched,
    /// In a batch, in the place of a Parse of the unnamed statement: the one before it goes, whether the new one parses
    /// or not.
    Unnamed,
}

impl Kind {
    /// Whether the rest of its batch is skipped after its error.
    pub fn is_batched(self) -> bool {
        self != Self::Simple
    }
}

/// What a frame is to do.
#[derive(Debug)]
pub(super) enum Work {
    Query {
        interpreted: Rc<Interpreted>,
        changes: Vec<Change>,
        rewritten: Rewritten,
    },
    Parse {
        name: Vec<u8>,
        prepared: Rc<Prepared>,
        before: Option<Entry<Prepared>>,
        rewritten: Rewritten,
    },
    Bind {
        name: Vec<u8>,
        portal: Rc<Portal>,
        before: Option<Entry<Portal>>,
        /// What goes to the target in its place, where values are stored as less than they are.
        rewritten: Option<Vec<u8>>,
    },
    Describe {
        interpreted: Rc<Interpreted>,
        what: Described,
    },
    Execute {
        portal: Rc<Portal>,
        /// The portal's name, where what it returns must be asked first, on Weir's own account.
        describe: Option<Vec<u8>>,
        changes: Vec<Change>,
    },
    CloseStatement {
        name: Vec<u8>,
        before: Option<Entry<Prepared>>,
    },
    ClosePortal {
        name: Vec<u8>,
        before: Option<Entry<Portal>>,
    },
    Sync,
    Flush,
    /// Fails on the target; the caller is told this report.
    Refuse {
        report: OwnReport,
        kind: Kind,
    },
    Terminate,
}

/// Frames that touch no object: the ends of batches, what belongs to a statement that was permitted when it was parsed
/// (its parameters, a question about it, forgetting it), and poison.
pub(super) struct Frame<'a>(pub &'a [u8]);

impl<S> ControlFrame<Wire<S>> for Frame<'_> {
    fn write(self, wire: &mut Wire<S>) {
        wire.put(self.0);
    }
}

impl<S> Conversation<S> {
    /// Commits the verdicts, and forwards what may go: each frame, or poison in its place.
    pub(super) fn forward(&mut self, slots: Vec<Slot>, verdicts: Vec<Verdict<()>>, now: UnixMicros) {
        if slots.is_empty() {
            return;
        }
        let (mut released, down) = match verdicts.is_empty() {
            true => (Vec::new().into_iter(), None),
            false => match self.session.commit(now, verdicts) {
                Ok(released) => (released.into_iter(), None),
                Err(down) => {
                    tracing::error!(session = %self.session.id(), "{down}");
                    (Vec::new().into_iter(), Some(unwritten(&down)))
                }
            },
        };
        // Set where a verdict turned out otherwise than it was planned: the rest of its batch would be skipped.
        let mut skipping = false;
        for Slot { frame, work, decided } in slots {
            match (&work, decided.map(|kind| (kind, released.next()))) {
                (Work::Sync, _) => {
                    skipping = false;
                    self.send(frame, work);
                }
                _ if skipping => self.take_back(work),
                (_, None) => self.send(frame, work),
                // Policies have changed since it was planned.
                (planned, Some((kind, Some(Released::Forward(permit))))) if !planned.is_lowered_as(permit.lowers()) => {
                    self.upstream.begin(permit, |_, ()| ()).0.finish(Outcome::Failed("42501".to_owned()), now);
                    self.take_back(work);
                    self.send_poison(&declined_report("42501", &lowered_otherwise(), None), kind);
                    skipping = kind.is_batched();
                }
                (_, Some((_, Some(Released::Forward(permit))))) => self.begin(permit, frame, work, now),
                (Work::Refuse { .. }, Some((_, Some(Released::Refuse(..))))) => self.send(frame, work),
                (_, Some((kind, refusal))) => {
                    let report = match refusal {
                        Some(Released::Refuse(refusal, ())) => {
                            work.unread().unwrap_or_else(|| OwnReport::refusal(Severity::Error, "42501", &refusal))
                        }
                        _ => down.clone().unwrap_or_else(|| OwnReport::new(Severity::Error, "XX000", "not released")),
                    };
                    self.take_back(work);
                    self.send_poison(&report, kind);
                    skipping = kind.is_batched();
                }
            }
        }
        self.skipping |= skipping;
    }

    /// Forwards a permitted operation.
    fn begin(&mut self, permit: Permit<()>, frame: Range<usize>, work: Work, now: UnixMicros) {
        if let Work::Query { interpreted, .. } = &work {
            self.notices = interpreted.notices.unwrap_or(self.notices);
        } else if let Work::Execute { portal, .. } = &work {
            self.notices = portal.interpreted.notices.unwrap_or(self.notices);
        }
        let held = match &work {
            Work::Query { interpreted, .. } => Some(Held::Query(Rc::clone(interpreted))),
            Work::Execute { portal, .. } => Some(Held::Execute(Rc::clone(portal))),
            _ => None,
        };
        let described = |held: &Held| {
            let interpreted = held.interpreted();
            interpreted.copy_to_describe().is_some()
                && (interpreted.snapshot.catalog.classifies() || self.hides_content(now))
                && !self.is_seen_undescribed(interpreted, now)
        };
        if let Some(held) = held.filter(described) {
            let frame = self.from_caller.get(frame).to_vec();
            return self.begin_copy_shape(permit, frame, held);
        }
        if let Work::Execute { portal, describe: Some(name), .. } = &work {
            self.describe_hidden(name, Rc::clone(portal));
        }
        if let Work::Query { interpreted, .. } = &work
            && interpreted.is_replication()
        {
            let text = self.from_caller.get(frame.start.saturating_add(HEAD_BYTES)..frame.end).to_vec();
            self.begin_stream(&text, interpreted);
        }
        let rewritten = match &work {
            Work::Query { rewritten, .. } | Work::Parse { rewritten, .. } => rewritten.frame.as_deref(),
            _ => None,
        };
        let bytes = rewritten.unwrap_or(self.from_caller.get(frame));
        let (flow, ()) = self.upstream.begin(permit, |wire, ()| wire.put(bytes));
        let expect = match work {
            Work::Query { interpreted, changes, .. } => Expect::Query {
                running: Running::new(flow),
                interpreted,
                statement: 0,
                failed: None,
                changes: changes.into(),
            },
            Work::Parse { name, prepared, before, .. } => Expect::Parse { flow, name, prepared, before },
            Work::Execute { portal, changes, .. } => Expect::Execute { running: Running::new(flow), portal, changes },
            // Nothing else is decided.
            other => {
                flow.finish(gate::Outcome::Unknown, now);
                return self.take_back(other);
            }
        };
        self.tainted = self.tainted || self.is_withheld(&expect);
        self.note_touched(&expect);
        self.expected.push_back(expect);
    }

    /// Asks what a portal returns, on Weir's own account, in the same flight as the Execute behind it: the answer comes before the
    /// rows, and the caller is not shown it.
    fn describe_hidden(&mut self, name: &[u8], portal: Rc<Portal>) {
        let mut frame = Vec::new();
        build::frame(&mut frame, b'D', |out| {
            out.push(b'P');
            build::cstr(out, name);
        });
        self.upstream.control(Frame(&frame));
        portal.asked_shape.set(true);
        let interpreted = Rc::clone(&portal.interpreted);
        self.expected.push_back(Expect::Describe { interpreted, what: Described::Portal(portal), hidden: true });
    }

    /// Forwards what needs no permit.
    fn send(&mut self, frame: Range<usize>, work: Work) {
        let expect = match work {
            Work::Refuse { report, kind } => return self.send_poison(&report, kind),
            Work::Terminate => {
                self.upstream.control(Frame(self.from_caller.get(frame)));
                self.ended = Some(Ended::Goodbye);
                return;
            }
            Work::Flush => None,
            Work::Sync => Some(Expect::Sync),
            Work::Bind { name, portal, before, rewritten } => {
                let bytes = rewritten.as_deref().unwrap_or(self.from_caller.get(frame));
                self.upstream.control(Frame(bytes));
                self.expect(Expect::Bind { name, portal, before, refused: None });
                return;
            }
            Work::Describe { interpreted, what } => Some(Expect::Describe { interpreted, what, hidden: false }),
            Work::CloseStatement { name, before } => Some(Expect::CloseStatement { name, before }),
            Work::ClosePortal { name, before } => Some(Expect::ClosePortal { name, before }),
            // These need a permit.
            Work::Query { .. } | Work::Parse { .. } | Work::Execute { .. } => return,
        };
        self.upstream.control(Frame(self.from_caller.get(frame)));
        if let Some(expect) = expect {
            self.expect(expect);
        }
    }

    /// Awaits the answer. Planning a statement may run functions, and a setting that they change is spoken of at the end of the batch.
    fn expect(&mut self, expect: Expect) {
        self.tainted = self.tainted || self.is_withheld(&expect);
        self.note_touched(&expect);
        self.expected.push_back(expect);
    }

    /// Forwards something that fails on the target, in the place of what is refused.
    pub(super) fn send_poison(&mut self, report: &OwnReport, kind: Kind) {
        let mut frame = Vec::new();
        match kind {
            // A text that does not parse, in whatever state the transaction is.
            Kind::Simple => build::frame(&mut frame, b'Q', |out| build::cstr(out, b"refused by weir")),
            Kind::Unnamed => build::frame(&mut frame, b'P', |out| {
                build::cstr(out, b"");
                build::cstr(out, b"refused by weir");
                out.extend_from_slice(&[0; 2]);
            }),
            // A portal of a statement that does not exist.
            Kind::Batched => build::frame(&mut frame, b'B', |out| {
                build::cstr(out, b"");
                build::cstr(out, self.poison.as_bytes());
                out.extend_from_slice(&[0; 6]);
            }),
        }
        self.upstream.control(Frame(&frame));
        let simple = kind == Kind::Simple;
        self.expected.push_back(Expect::Poison { error: report.to_bytes(), simple, told: false });
    }

    /// A frame that was planned does not go after all: names mean what they meant before.
    pub(super) fn take_back(&mut self, work: Work) {
        match work {
            Work::Parse { name, prepared, before, .. } => self.names.undo_statement(&name, &prepared, before),
            Work::Bind { name, portal, before, .. } => self.names.undo_portal(&name, &portal, before),
            Work::CloseStatement { name, before: Some(before) } => self.names.restore_statement(&name, before),
            Work::ClosePortal { name, before: Some(before) } => self.names.restore_portal(&name, before),
            Work::Query { changes, .. } | Work::Execute { changes, .. } => self.take_changes_back(changes),
            Work::Describe { what: Described::Portal(portal), .. } => portal.asked_shape.set(false),
            _ => {}
        }
    }
}

impl Work {
    /// Whether it stores as less than it is what policy says now.
    fn is_lowered_as(&self, lowered: &[Lowered]) -> bool {
        match self {
            Self::Query { interpreted, rewritten, .. } => rewritten.lowered == by_constants(interpreted, lowered),
            Self::Parse { prepared, .. } => prepared.lowered == by_constants(&prepared.interpreted(), lowered),
            Self::Execute { portal, .. } => portal.is_lowered_as(lowered),
            _ => true,
        }
    }

    /// Whether its answer ends with ReadyForQuery.
    pub fn is_answered_by_ready(&self) -> bool {
        matches!(self, Self::Query { .. } | Self::Sync | Self::Refuse { kind: Kind::Simple, .. })
    }

    /// What a caller is told whose text could not be read, and who may not do what can't be told.
    fn unread(&self) -> Option<OwnReport> {
        let interpreted = match self {
            Self::Query { interpreted, .. } => Rc::clone(interpreted),
            Self::Parse { prepared, .. } => prepared.interpreted(),
            Self::Execute { portal, .. } => Rc::clone(&portal.interpreted),
            _ => return None,
        };
        let unread = interpreted.unread.as_ref()?;
        Some(declined_report(unread.code, &unread.declined, unread.position))
    }
}

fn unwritten(why: &Unwritten) -> OwnReport {
    let what = match why {
        Unwritten::Log(_) => "Weir cannot write its decision log, so nothing may run",
        Unwritten::Recording(_) => "Weir cannot record this session any more, so nothing may run in it",
    };
    let mut report = OwnReport::new(Severity::Error, "58030", what);
    report.detail = Some("The statement did not reach the target.".to_owned());
    report.hint =
        Some("An operator has to look at Weir's state folder: its disk may be full, or nearly so.".to_owned());
    report
}
