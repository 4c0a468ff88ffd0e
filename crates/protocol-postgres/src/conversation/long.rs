//! Messages of the caller's that are too long to be held: a Bind goes on as it comes, a text is refused.

use std::rc::Rc;

use gate::{Declined, Step, Verdict};
use model::{LogText, UnixMicros, Wording};
use sql_postgres::KeptParameter;

use super::Conversation;
use super::bind::Parameters;
use super::caller::{BIND, Planned, declined_report};
use super::copy::Rest;
use super::expect::Expect;
use super::forward::{Frame, Kind, Slot, Work};
use super::long_bind::{LongBind, Spoilt, Watched};
use super::lowered::UNKNOWN;
use super::statements::{Lookup, Portal, Prepared};
use crate::interpret::{Interpreted, returned_mask};
use crate::wire::build::{OwnReport, Severity};
use crate::wire::frame::{DATA_BYTES_MAX, FRAME_BYTES_MAX, HEAD_BYTES, Head};
use crate::wire::frontend::Bind;
use crate::wire::{Fields, Malformed};

/// In so many bytes the names of a Bind must have ended.
const NAMES_BYTES_MAX: usize = 64 * 1024;

/// The rest of a Bind that goes to the target as it comes.
#[derive(Debug)]
pub struct Binding {
    left: usize,
    bind: LongBind,
    portal: Rc<Portal>,
    /// Set once a mask was found in it.
    spoilt: Option<Spoilt>,
}

impl<S> Conversation<S> {
    /// Plans a Bind that has not come whole, once its names have. Nothing if they have not.
    pub(super) fn plan_long_bind(
        &mut self,
        head: Head,
        at: usize,
        now: UnixMicros,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Option<Planned> {
        if self.is_too_long(head) {
            return Some(Planned::Broken);
        }
        let inbox = std::mem::take(&mut self.from_caller);
        let planned = self.plan_begun_bind(inbox.unread().get(at..).unwrap_or_default(), head, at, now, verdicts);
        self.from_caller = inbox;
        planned
    }

    fn plan_begun_bind(
        &mut self,
        begun: &[u8],
        head: Head,
        at: usize,
        now: UnixMicros,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Option<Planned> {
        let left = head.frame_bytes.saturating_sub(begun.len());
        if self.is_skipping() {
            self.rest = Some(Rest::Nowhere(left));
            return Some(Planned::Dropped);
        }
        let mut fields = Fields::of("Bind", begun.get(HEAD_BYTES..).unwrap_or_default());
        let (Ok(portal), Ok(statement)) = (fields.cstr(), fields.cstr()) else {
            if begun.len() < NAMES_BYTES_MAX {
                return None;
            }
            self.caller_broke(Malformed::new("Bind message has a text without its terminator"));
            return Some(Planned::Broken);
        };
        let bind = Bind { portal, statement, parameters: b"", parameter_count: 0, result_formats: b"" };
        let frame = at..at.saturating_add(begun.len());
        let prepared = self.statement(bind.statement);
        let planned = self.plan_bind(bind, Parameters::ToCome, frame, now, verdicts);
        let portal = match &planned {
            Planned::Slot(Slot { work: Work::Bind { portal, .. }, .. }) => Rc::clone(portal),
            Planned::Slot(_) | Planned::Dropped => {
                self.rest = Some(Rest::Nowhere(left));
                return Some(planned);
            }
            Planned::Stalled(_) | Planned::Broken => return Some(planned),
        };
        let watched = match &prepared {
            Lookup::Known(prepared) => watched(&portal.interpreted, prepared),
            Lookup::Unconfirmed | Lookup::Unknown => Watched::default(),
        };
        let mut bind = LongBind::new(self.session.gate().keys(), watched);
        match bind.feed(&mut fields.rest()) {
            Ok(None) => {}
            // Nothing of it has gone to the target.
            Ok(Some(number)) => {
                self.rest = Some(Rest::Nowhere(left));
                if let Planned::Slot(slot) = planned {
                    self.take_back(slot.work);
                }
                return Some(self.refuse_mask(&portal.interpreted, number, at..at, verdicts));
            }
            Err(wrong) => self.caller_broke(wrong),
        }
        self.rest = Some(Rest::Bind(Box::new(Binding { left, bind, portal, spoilt: None })));
        Some(planned)
    }

    /// Passes on more of a Bind. Returns what comes behind it.
    pub(super) fn feed_bind<'a>(&mut self, mut binding: Box<Binding>, bytes: &'a [u8], now: UnixMicros) -> &'a [u8] {
        let (here, later) = bytes.split_at(binding.left.min(bytes.len()));
        binding.left = binding.left.saturating_sub(here.len());
        if let Some(spoilt) = &mut binding.spoilt {
            self.upstream.control(Frame(&spoilt.take(here.len())));
        } else {
            let mut unread = here;
            match binding.bind.feed(&mut unread) {
                Ok(None) => self.upstream.control(Frame(here)),
                Ok(Some(number)) => {
                    let (sent, behind) = here.split_at(here.len().saturating_sub(unread.len()));
                    self.upstream.control(Frame(sent));
                    let mut spoilt = binding.bind.spoilt(behind.len().saturating_add(binding.left));
                    self.upstream.control(Frame(&spoilt.take(behind.len())));
                    binding.spoilt = Some(spoilt);
                    self.refuse_begun(&binding.portal, number, now);
                }
                Err(wrong) => {
                    self.caller_broke(wrong);
                    return later;
                }
            }
        }
        if binding.left > 0 {
            self.rest = Some(Rest::Bind(binding));
            return later;
        }
        let Binding { bind, portal, spoilt: None, .. } = *binding else { return later };
        match bind.end() {
            Ok((bound, formats)) => {
                portal.bound.set(bound);
                *portal.formats.borrow_mut() = formats;
            }
            Err(wrong) => self.caller_broke(wrong),
        }
        later
    }

    /// Refuses a Bind of which the target has a part already: the rest of it makes it fail, and the caller is told this.
    fn refuse_begun(&mut self, portal: &Rc<Portal>, number: usize, now: UnixMicros) {
        let Some(kept) = kept(&portal.interpreted).find(|kept| kept.number == number) else { return };
        let unfit = returned_mask(&kept.field);
        let report = declined_report("42501", &unfit, None);
        self.note_declined(BIND, portal.interpreted.wording.clone(), unfit, now);
        match self.expected.back_mut() {
            Some(Expect::Bind { portal: awaited, refused, .. }) if Rc::ptr_eq(awaited, portal) => {
                *refused = Some(report);
                self.skip_if(true);
            }
            // Something before it has failed: the target skips it.
            _ => {}
        }
    }

    /// Refuses a text that is too long to be held. Nothing if it is not, and is to be waited for.
    pub(super) fn plan_long_text(&mut self, head: Head, at: usize, verdicts: &mut Vec<Verdict<()>>) -> Option<Planned> {
        if head.frame_bytes <= FRAME_BYTES_MAX {
            return None;
        }
        if head.frame_bytes > DATA_BYTES_MAX {
            self.is_too_long(head);
            return Some(Planned::Broken);
        }
        let there = self.from_caller.unread().len().saturating_sub(at);
        let first = self
            .from_caller
            .get(at.saturating_add(HEAD_BYTES)..at.saturating_add(HEAD_BYTES).saturating_add(1))
            .first()
            .copied();
        let kind = match (head.kind, first) {
            (b'Q', _) => Kind::Simple,
            (_, None) => return None,
            (_, Some(0)) => Kind::Unnamed,
            _ => Kind::Batched,
        };
        self.rest = Some(Rest::Nowhere(head.frame_bytes.saturating_sub(there)));
        if self.is_skipping() {
            return Some(Planned::Dropped);
        }
        let declined = Declined {
            message: format!("a message of {} bytes is too long: Weir takes {FRAME_BYTES_MAX}", head.frame_bytes),
            detail: None,
            hint: Some("Send long values as parameters, or with COPY.".to_owned()),
        };
        let mut report = OwnReport::new(Severity::Error, "54000", declined.message.clone());
        report.hint.clone_from(&declined.hint);
        let text = LogText(format!("({} bytes, too long to be read)", head.frame_bytes).into());
        let digest = self.session.gate().digest([b"too long".as_slice()]);
        let step = if kind == Kind::Simple { Step("query") } else { Step("parse") };
        self.decline(step, Wording { digest, text, bound: None }, declined, verdicts);
        self.skip_if(kind.is_batched());
        let work = Work::Refuse { report, kind };
        Some(Planned::Slot(Slot { frame: at..at, work, decided: Some(kind) }))
    }
}

/// Parameters that go into classified columns as they are.
pub(super) fn kept(interpreted: &Interpreted) -> impl Iterator<Item = &KeptParameter> {
    interpreted.statements.iter().flat_map(|statement| &statement.parameters_kept)
}

/// Parameters in which masks are looked for, each with the types that it may be of: the one that the caller has declared, or else those
/// of its columns.
pub(super) fn watched(interpreted: &Interpreted, prepared: &Prepared) -> Watched {
    let mut watched = Watched::default();
    for kept in kept(interpreted) {
        let declared =
            prepared.types.get(kept.number.saturating_sub(1)).copied().filter(|oid| !matches!(*oid, 0 | UNKNOWN));
        let types = watched.entry(kept.number).or_default();
        let oid = declared.unwrap_or(kept.type_oid);
        if !types.contains(&oid) {
            types.push(oid);
        }
    }
    watched
}
