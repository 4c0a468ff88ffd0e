//! What the caller sends: read frame by frame, and planned.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use gate::{Declined, Step, Verdict};
use model::{Digest, UnixMicros, Wording};

use super::bind::Parameters;
use super::copy::Rest;
use super::expect::{Described, Expect};
use super::forward::{Kind, Slot, Work};
use super::long_bind::LONG_BIND_BYTES;
use super::lowered::{Message, lowered_otherwise};
use super::statements::{Lookup, NAME_BYTES_MAX, Portal, Prepared, kept};
use super::{Conversation, Ended, Stall};
use crate::catalog::{Freshness, Snapshot};
use crate::interpret::{Circumstance, Interpreted};
use crate::wire::build::{OwnReport, Severity};
use crate::wire::frame::{DATA_BYTES_MAX, FRAME_BYTES_MAX, HEAD_BYTES, Head};
use crate::wire::frontend::{Execute, Frontend, Named, Parse, What};

/// How often the catalog is read again for one message, where it has changed each time before it was read. Then the statement is
/// decided by what was read last, and nothing in it is followed.
const CATALOG_TRIES_MAX: u8 = 5;
/// Bytes of an unknown name that an error repeats.
const SHOWN_NAME_BYTES_MAX: usize = 64;

pub(super) const QUERY: Step = Step("query");
const PARSE: Step = Step("parse");
pub(super) const BIND: Step = Step("bind");
const EXECUTE: Step = Step("execute");

impl<S> Conversation<S> {
    /// Takes bytes of the caller's.
    pub fn take_from_caller(&mut self, bytes: &[u8], now: UnixMicros) {
        let bytes = self.take_rest(bytes, now);
        self.from_caller.push(bytes);
        self.proceed(now);
    }

    /// The catalog was read again, or could not be.
    pub fn catalog_read(&mut self, read: bool, now: UnixMicros) {
        self.catalog_failed = !read;
        if self.stall == Some(Stall::Catalog) {
            self.proceed(now);
        }
        if !self.hears_target() {
            self.take_from_target(&[], now);
        }
    }

    /// Goes on with what the caller has sent, as far as that can be planned.
    pub(super) fn proceed(&mut self, now: UnixMicros) {
        while self.ended.is_none() {
            self.stall = None;
            if self.is_copying_in() {
                self.send_copy(now);
                if self.is_copying_in() || self.ended.is_some() {
                    break;
                }
            }
            let mut slots = Vec::new();
            let mut verdicts = Vec::new();
            let planned = self.plan(now, &mut slots, &mut verdicts);
            (self.planned, self.planned_ready) = (0, 0);
            let nothing = planned == 0 && slots.is_empty();
            self.forward(slots, verdicts, now);
            self.from_caller.consume(planned);
            match self.stall {
                Some(Stall::Replies) if self.expected.is_empty() => {
                    // Nothing more will be confirmed: what is not there by now is not there.
                    self.names.settle();
                }
                Some(_) => break,
                None if nothing => break,
                None => {}
            }
        }
    }

    /// Plans complete frames from the front of what was received. Returns how many bytes they took.
    fn plan(&mut self, now: UnixMicros, slots: &mut Vec<Slot>, verdicts: &mut Vec<Verdict<()>>) -> usize {
        let mut at = 0;
        self.closes_since = None;
        self.parsed = None;
        while self.ended.is_none() && self.expected.len().saturating_add(slots.len()) < super::EXPECTED_MAX {
            // Until that is answered, nothing goes: an error in it is undone behind it.
            if self.reads_own_catalog() {
                self.stall = Some(Stall::OwnCatalog);
                break;
            }
            let held_back = match slots.last() {
                Some(slot) => slot.work.holds_back(),
                None => self.expected.back().is_some_and(Expect::holds_back),
            };
            if held_back {
                self.stall = Some(Stall::Copy);
                break;
            }
            let unread = self.from_caller.unread().get(at..).unwrap_or_default();
            let head = match Head::read(unread) {
                Ok(Some(head)) => head,
                Ok(None) => break,
                Err(wrong) => {
                    self.caller_broke(wrong);
                    break;
                }
            };
            let there = unread.len();
            if there < head.frame_bytes && head.frame_bytes > LONG_BIND_BYTES && matches!(head.kind, b'B' | b'Q' | b'P')
            {
                // What stands before it goes first: then it is known whether this goes at all.
                if !slots.is_empty() {
                    break;
                }
                let planned = match head.kind {
                    b'B' => self.plan_long_bind(head, at, now, verdicts),
                    _ => self.plan_long_text(head, at, verdicts),
                };
                match planned {
                    Some(Planned::Slot(slot)) => slots.push(slot),
                    Some(Planned::Dropped) => {}
                    Some(Planned::Stalled(stall)) => {
                        self.stall = Some(stall);
                        break;
                    }
                    Some(Planned::Broken) | None => break,
                }
                at = at.saturating_add(there);
                break;
            }
            if self.is_too_long(head) {
                break;
            }
            if head.kind == b'd' && there < head.frame_bytes {
                // Copy data outside of a copy, which need not be held to be ignored.
                self.rest = Some(Rest::Nowhere(head.frame_bytes.saturating_sub(there)));
                at = at.saturating_add(there);
                break;
            }
            if there < head.frame_bytes {
                // What can never be read is not waited for.
                if let Err(wrong) = Frontend::known(head.kind) {
                    self.caller_broke(wrong);
                }
                break;
            }
            let frame = at..at.saturating_add(head.frame_bytes);
            self.planned = slots.len();
            let planned = self.plan_frame(head.kind, frame.clone(), now, verdicts);
            if matches!(planned, Planned::Slot(_)) {
                self.batch_open = !matches!(head.kind, b'S' | b'Q' | b'F');
            }
            if !matches!(planned, Planned::Stalled(_)) {
                (self.asked_catalog, self.catalog_tries) = (false, 0);
            }
            match planned {
                Planned::Slot(slot) => {
                    self.planned_ready = self.planned_ready.saturating_add(slot.work.is_answered_by_ready().into());
                    slots.push(slot);
                }
                Planned::Dropped => {}
                Planned::Stalled(stall) => {
                    self.stall = Some(stall);
                    break;
                }
                Planned::Broken => break,
            }
            at = frame.end;
        }
        at
    }

    /// Whether a message is longer than Weir takes it. The caller is told, and the session is over.
    pub(super) fn is_too_long(&mut self, head: Head) -> bool {
        let most = if matches!(head.kind, b'd' | b'B') { DATA_BYTES_MAX } else { FRAME_BYTES_MAX };
        if head.frame_bytes <= most {
            return false;
        }
        let message = format!("a message of {} bytes is too long: Weir takes {most}", head.frame_bytes);
        self.end_with(&OwnReport::fatal("54000", message.clone()));
        self.ended = Some(Ended::CallerBroke(message));
        true
    }

    fn plan_frame(
        &mut self,
        kind: u8,
        frame: Range<usize>,
        now: UnixMicros,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Planned {
        let inbox = std::mem::take(&mut self.from_caller);
        let body = inbox.get(frame.start.saturating_add(HEAD_BYTES)..frame.end);
        let planned = match Frontend::read(kind, body) {
            Ok(message) => self.plan_message(message, frame, now, verdicts),
            Err(wrong) => {
                self.caller_broke(wrong);
                Planned::Broken
            }
        };
        self.from_caller = inbox;
        planned
    }

    fn plan_message(
        &mut self,
        message: Frontend<'_>,
        frame: Range<usize>,
        now: UnixMicros,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Planned {
        let slot = |work| Planned::Slot(Slot { frame: frame.clone(), work, decided: None });
        match message {
            Frontend::Terminate => return slot(Work::Terminate),
            Frontend::Sync => {
                self.skipping = false;
                self.discarding = false;
                self.parsed = None;
                self.batch = self.batch.saturating_add(1);
                self.batch_open = false;
                return slot(Work::Sync);
            }
            // The server ignores copy data outside of a copy, and skips all but Sync after an error in a batch.
            Frontend::Copy => return Planned::Dropped,
            _ if self.skipping || self.discarding => return Planned::Dropped,
            _ => {}
        }
        match message {
            Frontend::Query(text) => match self.command(text).unwrap_or_else(|| self.meant(text)) {
                Ok(interpreted) if self.cannot_mask(&interpreted, now) => {
                    self.refuse_copy(&interpreted, frame, verdicts)
                }
                Ok(interpreted) => {
                    if let Some(unfit) = self.refuses_constants(&interpreted, now) {
                        return self.refuse_text(&interpreted, (QUERY, Kind::Simple), unfit, frame, verdicts);
                    }
                    let rewritten = match self.rewritten(Message::Query, text, &interpreted, now) {
                        Ok(rewritten) => rewritten,
                        Err(unfit) => {
                            return self.refuse_text(&interpreted, (QUERY, Kind::Simple), unfit, frame, verdicts);
                        }
                    };
                    let work = Work::Query { interpreted: Rc::clone(&interpreted), changes: Vec::new(), rewritten };
                    let planned =
                        self.decide(&interpreted, QUERY, Kind::Simple, None, Slotted { frame, work }, now, verdicts);
                    // What follows is not skipped if it fails, so what it does to names must be confirmed first.
                    self.batch = self.batch.saturating_add(1);
                    planned
                }
                Err(stall) => Planned::Stalled(stall),
            },
            Frontend::Parse(parse) => self.plan_parse(parse, frame, now, verdicts),
            Frontend::Bind(bind) => self.plan_bind(bind, Parameters::Here, frame, now, verdicts),
            Frontend::Describe(Named { what: What::Statement, name }) => match self.statement(name) {
                Lookup::Known(prepared) => {
                    let interpreted = prepared.interpreted();
                    slot(Work::Describe { interpreted, what: Described::Statement(prepared) })
                }
                Lookup::Unconfirmed => Planned::Stalled(Stall::Replies),
                Lookup::Unknown => self.refuse(no_statement(name), frame),
            },
            Frontend::Describe(Named { what: What::Portal, name }) => match self.portal(name) {
                Lookup::Known(portal) => {
                    let interpreted = Rc::clone(&portal.interpreted);
                    portal.asked_shape.set(true);
                    slot(Work::Describe { interpreted, what: Described::Portal(portal) })
                }
                Lookup::Unconfirmed => Planned::Stalled(Stall::Replies),
                Lookup::Unknown => self.refuse(no_portal(name), frame),
            },
            Frontend::Execute(execute) => self.plan_execute(execute, frame, now, verdicts),
            Frontend::Close(Named { what: What::Statement, name }) => {
                self.closes_since.get_or_insert(self.batch);
                slot(Work::CloseStatement { name: name.to_vec(), before: self.names.forget_statement(name) })
            }
            Frontend::Close(Named { what: What::Portal, name }) => {
                self.closes_since.get_or_insert(self.batch);
                slot(Work::ClosePortal { name: name.to_vec(), before: self.names.forget_portal(name) })
            }
            Frontend::Flush => slot(Work::Flush),
            Frontend::FunctionCall(call) => self.plan_call(call, frame, now, verdicts),
            Frontend::Terminate | Frontend::Sync | Frontend::Copy => Planned::Dropped,
        }
    }

    fn plan_parse(
        &mut self,
        Parse { name, text, types }: Parse<'_>,
        frame: Range<usize>,
        now: UnixMicros,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Planned {
        if let Some(report) = self.no_room(name) {
            return self.refuse(report, frame);
        }
        let interpreted = match self.meant(text) {
            Ok(interpreted) => interpreted,
            Err(stall) => return Planned::Stalled(stall),
        };
        let kind = if name.is_empty() { Kind::Unnamed } else { Kind::Batched };
        if let Some(unfit) = self.refuses_constants(&interpreted, now) {
            return self.refuse_text(&interpreted, (PARSE, kind), unfit, frame, verdicts);
        }
        let rewritten = match self.rewritten(Message::Parse(name, types), text, &interpreted, now) {
            Ok(rewritten) => rewritten,
            Err(unfit) => return self.refuse_text(&interpreted, (PARSE, kind), unfit, frame, verdicts),
        };
        let prepared = Prepared::new(text, Rc::clone(&interpreted), &self.names.held);
        let prepared = Rc::new(prepared.parsed_with(types, rewritten.lowered.clone()));
        let work = Work::Parse { name: name.to_vec(), prepared, before: None, rewritten };
        self.decide(&interpreted, PARSE, kind, None, Slotted { frame, work }, now, verdicts)
    }

    /// What a statement's name means in this batch.
    pub(super) fn statement(&self, name: &[u8]) -> Lookup<Prepared> {
        let closes = |expect: &Expect| expect.closes_statement(kept(name));
        match self.names.statement(name, self.batch) {
            Lookup::Unknown if self.awaits_close(closes) => Lookup::Unconfirmed,
            known => known,
        }
    }

    /// What a portal's name means in this batch.
    pub(super) fn portal(&self, name: &[u8]) -> Lookup<Portal> {
        let closes = |expect: &Expect| expect.closes_portal(kept(name));
        match self.names.portal(name, self.batch) {
            Lookup::Unknown if self.awaits_close(closes) => Lookup::Unconfirmed,
            Lookup::Known(_) if !self.names.is_of_batch(name, self.batch) && self.awaits_ready() => Lookup::Unconfirmed,
            known => known,
        }
    }

    /// Whether an earlier batch closes something and has not been answered: if it fails before, nothing is closed.
    fn awaits_close(&self, closes: impl Fn(&Expect) -> bool) -> bool {
        // If the end of a batch is planned already, all that went before is of an earlier one.
        let ended = self.planned_ready > 0;
        let earlier = self.expected.iter().rev().skip_while(|expect| !ended && !expect.is_answered_by_ready());
        self.closes_since.is_some_and(|batch| batch < self.batch) || earlier.into_iter().any(closes)
    }

    /// Why no more can be kept under this name, if so.
    pub(super) fn no_room(&self, name: &[u8]) -> Option<OwnReport> {
        if name.len() > NAME_BYTES_MAX {
            let message = format!("a name of {} bytes is too long: Weir takes {NAME_BYTES_MAX}", name.len());
            return Some(OwnReport::new(Severity::Error, "42622", message));
        }
        if !self.settings.tells_apart(name) {
            let message = "a name that is not ASCII, where the encodings of client and server are not both UTF8";
            return Some(OwnReport::new(Severity::Error, "42602", message));
        }
        self.names.is_full().then(full)
    }

    fn plan_execute(
        &mut self,
        execute: Execute<'_>,
        frame: Range<usize>,
        now: UnixMicros,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Planned {
        let portal = match self.portal(execute.portal) {
            Lookup::Known(portal) => portal,
            Lookup::Unconfirmed => return Planned::Stalled(Stall::Replies),
            Lookup::Unknown => return self.refuse(no_portal(execute.portal), frame),
        };
        let portal = match self.by_names_now(&portal) {
            Ok(portal) => portal,
            Err(stall) => return Planned::Stalled(stall),
        };
        let interpreted = Rc::clone(&portal.interpreted);
        let refused = self.refuses_bound(&portal).or_else(|| self.refuses_constants(&interpreted, now));
        if let Some(unfit) = refused {
            let report = declined_report("42501", &unfit, None);
            self.decline(EXECUTE, interpreted.wording.clone(), unfit, verdicts);
            return self.refuse_decided(report, frame);
        }
        let looked_at = self.hides_content(now);
        let describe = portal.must_be_described(looked_at).then(|| execute.portal.to_vec());
        let bound = portal.bound.get();
        let work = Work::Execute { portal, describe, changes: Vec::new() };
        self.decide(&interpreted, EXECUTE, Kind::Batched, bound, Slotted { frame, work }, now, verdicts)
    }

    /// Decides an operation, and plans what comes of it.
    #[expect(clippy::too_many_arguments, reason = "the parts of one decision, used once")]
    pub(super) fn decide(
        &mut self,
        interpreted: &Rc<Interpreted>,
        step: Step,
        kind: Kind,
        bound: Option<Digest>,
        Slotted { frame, mut work }: Slotted,
        now: UnixMicros,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Planned {
        let operation = &interpreted.operation;
        if interpreted.names_more() && self.names.is_full() {
            return self.refuse_kind(full(), frame, kind);
        }
        if let Some(unfit) = &interpreted.unfit {
            let report = declined_report(unfit.code, &unfit.declined, unfit.position);
            self.decline(step, interpreted.wording.clone(), unfit.declined.clone(), verdicts);
            self.skipping = kind.is_batched();
            return Planned::Slot(Slot { frame, work: Work::Refuse { report, kind }, decided: Some(kind) });
        }
        let wording = Wording { bound, ..interpreted.wording.clone() };
        let verdict = self.session.decide(step, interpreted.key, wording, now, (), || operation.clone());
        // What is parsed and run in one breath is one operation.
        if let (Work::Execute { .. }, Some((at, parsed))) = (&work, self.parsed.take())
            && at.saturating_add(1) == verdicts.len()
            && Rc::ptr_eq(&parsed, interpreted)
            && let Some(parse) = verdicts.last_mut()
        {
            parse.join_next();
        }
        if matches!(work, Work::Parse { .. }) {
            self.parsed = Some((verdicts.len(), Rc::clone(interpreted)));
        }
        if let Work::Execute { portal, .. } = &work
            && !verdict.refuses()
            && !portal.is_lowered_as(verdict.lowers())
        {
            let unfit = lowered_otherwise();
            let report = declined_report("42501", &unfit, None);
            self.decline(step, interpreted.wording.clone(), unfit, verdicts);
            return self.refuse_decided(report, frame);
        }
        if verdict.refuses() {
            self.skipping = kind.is_batched();
        } else if let Work::Parse { name, prepared, before, .. } = &mut work {
            *before = self.names.define_statement(name, prepared, self.batch);
        } else {
            self.settings.runs(interpreted, self.batch);
            if let Work::Query { changes, .. } | Work::Execute { changes, .. } = &mut work {
                *changes = self.change_names(interpreted);
            }
            for kept in interpreted.statements.iter().filter_map(|statement| statement.keeps.as_ref()) {
                self.temporary.keep(kept, self.changes);
            }
            // From here on the session may see another catalog than Weir does.
            self.uncommitted |= interpreted.changes_catalog;
            let changes = interpreted.changes_to_catalog(self.sees_more());
            self.changes = self.changes.saturating_add(changes);
        }
        verdicts.push(verdict);
        Planned::Slot(Slot { frame, work, decided: Some(kind) })
    }

    /// Refuses a text that can't be carried as it would have to be.
    fn refuse_text(
        &mut self,
        interpreted: &Interpreted,
        (step, kind): (Step, Kind),
        unfit: Declined,
        frame: Range<usize>,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Planned {
        let report = declined_report("42501", &unfit, None);
        self.decline(step, interpreted.wording.clone(), unfit, verdicts);
        self.skip_if(kind.is_batched());
        let work = Work::Refuse { report, kind };
        Planned::Slot(Slot { frame, work, decided: Some(kind) })
    }

    /// Refuses something that needs no verdict because it could not run anyway: the target would fail it too.
    pub(super) fn refuse(&mut self, report: OwnReport, frame: Range<usize>) -> Planned {
        self.refuse_kind(report, frame, Kind::Batched)
    }

    /// Refuses a part of a batch whose refusal is among the verdicts.
    pub(super) fn refuse_decided(&mut self, report: OwnReport, frame: Range<usize>) -> Planned {
        self.skipping = true;
        let work = Work::Refuse { report, kind: Kind::Batched };
        Planned::Slot(Slot { frame, work, decided: Some(Kind::Batched) })
    }

    fn refuse_kind(&mut self, report: OwnReport, frame: Range<usize>, kind: Kind) -> Planned {
        self.skipping |= kind.is_batched();
        Planned::Slot(Slot { frame, work: Work::Refuse { report, kind }, decided: None })
    }

    pub(super) fn decline(&self, step: Step, wording: Wording, declined: Declined, verdicts: &mut Vec<Verdict<()>>) {
        verdicts.push(self.session.decline(step, wording, declined, ()));
    }

    /// What a prepared statement does, by the catalog as it is now: after a change of the catalog the target reads its
    /// text again, and so does Weir.
    pub(super) fn read_again(&mut self, prepared: &Prepared) -> Result<Rc<Interpreted>, Stall> {
        let known = prepared.interpreted();
        let same = self.snapshot().is_some_and(|(snapshot, uncommitted)| {
            snapshot.epoch == known.snapshot.epoch && known.uncommitted == uncommitted
        });
        let same = same && !(self.needs_own_snapshot(&known) && self.lacks_own_snapshot());
        // What may be stored is another question now than when its constants were looked at.
        let same = same && !(known.lacks_puts() && self.may_forbid_store());
        // What could not be read can't be read now either: the target keeps what it has made of the text.
        if known.unread.is_some() || same && !known.runs_names() {
            return Ok(known);
        }
        let read = self.interpreted(&prepared.text)?;
        let interpreted = self.with_names(self.as_prepared(read, prepared.in_sql), &prepared.text)?;
        if same && interpreted.key == known.key {
            return Ok(known);
        }
        prepared.renew(Rc::clone(&interpreted));
        Ok(interpreted)
    }

    /// The catalog as it is now, if that is known, with which of its own changes the session sees beyond it; 0 if none.
    fn snapshot(&self) -> Option<(Arc<Snapshot>, u64)> {
        let shared = self.catalogs.current().filter(|_| self.catalogs.freshness() != Freshness::Stale)?;
        Some(match self.own_snapshot() {
            Some(own) => (Arc::clone(own), 0),
            None if self.sees_more() => (shared, self.changes.saturating_add(self.temporary.version()).max(1)),
            None => (shared, 0),
        })
    }

    /// What a text does, by the catalog as it is now.
    pub(super) fn interpreted(&mut self, text: &[u8]) -> Result<Rc<Interpreted>, Stall> {
        let (asked, may_forbid_store) = (self.asked_catalog, self.may_forbid_store());
        let Some((snapshot, uncommitted)) = self.snapshot() else {
            if asked && self.catalog_failed {
                return Ok(Rc::new(Interpreted::without_catalog(
                    text,
                    self.catalogs.classify_something(),
                    self.session.gate(),
                )));
            }
            if self.catalog_tries >= CATALOG_TRIES_MAX
                && let Some(snapshot) = self.catalogs.current()
            {
                let (blind, search) = (!self.temporary.is_empty(), self.catalogs.search());
                let uncommitted = u64::MAX;
                let circumstance = Circumstance { snapshot: &snapshot, uncommitted, blind, search, may_forbid_store };
                return Ok(self.readings.of(text, circumstance, self.session.gate()));
            }
            self.asked_catalog = true;
            self.catalog_tries = self.catalog_tries.saturating_add(1);
            return Err(Stall::Catalog);
        };
        let blind = !self.temporary.is_empty() && self.own_snapshot().is_none();
        let search = self.catalogs.search();
        let circumstance = Circumstance { snapshot: &snapshot, uncommitted, blind, search, may_forbid_store };
        let interpreted = self.readings.of(text, circumstance, self.session.gate());
        // A name that is not in the snapshot may be newer than it.
        let newer = interpreted.names_unknown && !asked;
        if newer && self.own_snapshot().is_some() {
            self.asked_catalog = true;
            self.forget_own_catalog();
        }
        self.keeps |= interpreted.needs_own_catalog();
        if (newer || self.needs_own_snapshot(&interpreted)) && self.lacks_own_snapshot() {
            // Until all that went before is answered nobody knows what the session sees.
            if !self.expected.is_empty() || self.planned > 0 {
                return Err(Stall::Replies);
            }
            if self.catalog_tries < CATALOG_TRIES_MAX && self.asks_own_catalog() {
                self.catalog_tries = self.catalog_tries.saturating_add(1);
                return Err(Stall::OwnCatalog);
            }
        }
        if newer && !self.sees_more() {
            self.asked_catalog = true;
            return Err(Stall::Catalog);
        }
        Ok(interpreted)
    }
}

/// What came of planning one frame.
pub(super) enum Planned {
    Slot(Slot),
    /// It is not forwarded, and nobody misses it.
    Dropped,
    Stalled(Stall),
    Broken,
}

/// A frame with its work.
pub(super) struct Slotted {
    pub frame: Range<usize>,
    pub work: Work,
}

pub(super) fn declined_report(code: &'static str, declined: &Declined, position: Option<usize>) -> OwnReport {
    let Declined { message, detail, hint } = declined.clone();
    OwnReport { severity: Severity::Error, code, message, detail, hint, position }
}

fn full() -> OwnReport {
    let full = "this session holds too many prepared statements and portals, or too much text in them";
    OwnReport::new(Severity::Error, "53400", full).hint("Close those that are not used any more.")
}

pub(super) fn no_statement(name: &[u8]) -> OwnReport {
    let name = shown_name(name);
    let message = match &*name {
        "" => "unnamed prepared statement does not exist".to_owned(),
        name => format!("prepared statement \"{name}\" does not exist"),
    };
    OwnReport::new(Severity::Error, "26000", message)
}

fn no_portal(name: &[u8]) -> OwnReport {
    OwnReport::new(Severity::Error, "34000", format!("portal \"{}\" does not exist", shown_name(name)))
}

/// A name as an error repeats it: the start of a long one.
fn shown_name(name: &[u8]) -> String {
    String::from_utf8_lossy(name.get(..SHOWN_NAME_BYTES_MAX).unwrap_or(name)).into_owned()
}
