//! What the session's recording gets: the bytes that the caller is shown, as they are put for it, and in the place of what is kept
//! otherwise, that.
//!
//! All that is shown passes through `to_caller`, so what is new there is kept when a read has been handled. Where something has to stand
//! at a certain place among it (which operation it is of, how its fields are shown, a row that is kept otherwise) what came before is kept first.

use std::sync::Arc;

use gate::{Frame, Met, Session, ShownField, Watch};
use model::{Sight, UnixMicros};
use redact::{FieldPlan, Plan};

use super::Conversation;
use super::expect::{Expect, Running};
use super::report::{neutral_parameter, neutral_report};
use crate::cells::Manner;
use crate::wire::Malformed;
use crate::wire::backend::{self, ColumnShape, Report};
use crate::wire::build;
use crate::wire::frame::{HEAD_BYTES, Head};

/// How what was shown of a result is kept, where that is not as it was shown.
#[derive(Debug)]
pub struct KeptBy {
    pub plan: Arc<Plan>,
    pub watch: Option<Arc<Watch>>,
    pub manners: Vec<Option<Manner>>,
}

/// The recording's side of a conversation.
#[derive(Debug)]
pub struct Keeping {
    /// Bytes of `to_caller` that are kept.
    kept: usize,
    /// The operation that what follows is of.
    about: u64,
    /// Whether what was put for the caller since is not to be kept.
    withheld: bool,
    /// A row, or copy data, as they are kept.
    pub instead: Vec<u8>,
    /// Set once something that is classified, or unknown, was touched in the transaction, also by who may see it: what the target says
    /// then may hold it.
    touched: bool,
    at: UnixMicros,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { kept: 0, about: 0, withheld: false, instead: Vec::new(), touched: false, at: UnixMicros(0) }
    }
}

impl<S> Conversation<S> {
    /// Whether the session is recorded.
    pub(super) fn is_recorded(&self) -> bool {
        self.session.recording().is_some()
    }

    /// Something is handled now.
    pub(super) fn keep_from(&mut self, now: UnixMicros) {
        self.keeping.at = now;
    }

    /// Keeps what the caller is shown and is not kept yet.
    pub(super) fn keep(&mut self) {
        let Some(recording) = self.session.recording() else { return };
        let new = self.to_caller.get(self.keeping.kept..).unwrap_or_default();
        if !new.is_empty() {
            let bytes = u64::try_from(new.len()).unwrap_or(u64::MAX);
            let frame = if self.keeping.withheld { Frame::Instead { bytes, kept: &[] } } else { Frame::Shown(new) };
            recording.add(self.keeping.at, frame);
        }
        self.keeping.kept = self.to_caller.len();
    }

    /// Keeps something in the place of what the caller is shown and is not kept yet.
    pub(super) fn keep_instead(&mut self) {
        let Some(recording) = self.session.recording() else { return };
        let new = self.to_caller.len().saturating_sub(self.keeping.kept);
        let bytes = u64::try_from(new).unwrap_or(u64::MAX);
        recording.add(self.keeping.at, Frame::Instead { bytes, kept: &self.keeping.instead });
        self.keeping.instead.clear();
        self.keeping.kept = self.to_caller.len();
    }

    /// So many bytes went to the caller, and are not in `to_caller` any more.
    pub fn forget(&mut self, bytes: usize) {
        self.to_caller.drain(..bytes.min(self.to_caller.len()));
        self.keeping.kept = self.keeping.kept.saturating_sub(bytes);
    }

    /// A frame of the target's is handled now, and these bytes before it are shown as they came. Says whether they were put for the
    /// caller, because something stands between them and it in the recording: it is of another operation, or is not kept.
    pub(super) fn keep_in_its_place(&mut self, kind: u8, is_whole: bool, before: &[u8]) -> bool {
        let front = self.expected.front();
        let other = front.and_then(Expect::op).filter(|op| *op != self.keeping.about);
        let withheld = match (kind, front) {
            // A row that is too long to be held is too long to be held once more for the recording.
            (b'D', Some(Expect::Execute { running, .. } | Expect::Query { running, .. })) => {
                !is_whole && running.kept.is_some()
            }
            (b'd', Some(Expect::Execute { running, .. } | Expect::Query { running, .. })) => running.copy_unkept,
            _ => false,
        };
        if other.is_none() && withheld == self.keeping.withheld && kind != b'T' {
            return false;
        }
        self.to_caller.extend_from_slice(before);
        self.keep();
        self.keeping.withheld = withheld;
        if let (Some(op), Some(recording)) = (other, self.session.recording()) {
            self.keeping.about = op;
            recording.add(self.keeping.at, Frame::About(op));
        }
        true
    }

    /// Something is forwarded: what it touches may be in what the target says from here on.
    pub(super) fn note_touched(&mut self, expect: &Expect) {
        self.keeping.touched |= expect.interpreted().is_some_and(|read| read.operation.is_tainted());
    }

    /// A transaction is over: nothing but what was sent since can be spoken of.
    pub(super) fn forget_touched(&mut self) {
        let touches = |expect: &Expect| expect.interpreted().is_some_and(|read| read.operation.is_tainted());
        self.keeping.touched = self.expected.iter().any(touches);
    }

    /// A setting as it is kept, if that is otherwise than it was shown.
    fn parameter_kept(&mut self, body: &[u8], may_hold: bool, now: UnixMicros) -> Result<Option<Vec<u8>>, Malformed> {
        let (name, value) = backend::parameter_status(body)?;
        if neutral_parameter(name, value) {
            return Ok(None);
        }
        let value = if may_hold { Some(Vec::new()) } else { self.said(value, true, &mut Met::default(), now) };
        Ok(value.map(|value| {
            let mut kept = Vec::new();
            build::frame(&mut kept, b'S', |out| {
                build::cstr(out, name);
                build::cstr(out, &value);
            });
            kept
        }))
    }

    /// What is put for the caller from here on is kept again.
    pub(super) fn keep_all(&mut self) {
        self.keep();
        self.keeping.withheld = false;
    }

    /// Puts reports, notifications, settings or what a function returned for the caller, and keeps them without what may be classified.
    pub(super) fn keep_words(&mut self, words: &[u8], now: UnixMicros) -> Result<(), Malformed> {
        self.keep();
        self.to_caller.extend_from_slice(words);
        let may_hold = self.keeping.touched || self.tainted;
        let (mut rest, mut kept) = (words, std::mem::take(&mut self.keeping.instead));
        while let Some(head) = Head::read(rest)? {
            let Some((frame, next)) = rest.split_at_checked(head.frame_bytes) else { break };
            let body = frame.get(HEAD_BYTES..).unwrap_or_default();
            match head.kind {
                b'E' | b'N' if may_hold => neutral_report(&Report::read(body)?, head.kind, None, &mut kept),
                b'A' if may_hold => {}
                // What a function returns has no columns that could be kept otherwise.
                b'V' => {}
                b'S' => match self.parameter_kept(body, may_hold, now)? {
                    Some(otherwise) => kept.extend_from_slice(&otherwise),
                    None => kept.extend_from_slice(frame),
                },
                b'E' | b'N' | b'A' => match self.words_otherwise(head.kind, body, now)? {
                    Some(otherwise) => kept.extend_from_slice(&otherwise),
                    None => kept.extend_from_slice(frame),
                },
                _ => kept.extend_from_slice(frame),
            }
            rest = next;
        }
        self.keeping.instead = kept;
        if self.keeping.instead == words {
            self.keeping.instead.clear();
            self.keep();
        } else {
            self.keep_instead();
        }
        Ok(())
    }
}

/// Tells the recording what the columns of a result are, and how they are shown.
pub fn keep_shape(session: &Session, running: &Running, columns: &[ColumnShape], now: UnixMicros) {
    let (Some(recording), Some(plan)) = (session.recording(), running.plan.as_deref()) else { return };
    let kept = running.kept.as_ref().map(|kept| kept.plan.as_ref());
    let kept = |at: usize| kept.and_then(|kept| kept.fields().get(at)).filter(|field| field.sight != Sight::Clear);
    let fields = columns.iter().zip(&running.types).zip(plan.fields()).enumerate();
    let fields = fields.map(|(at, ((column, wire), field))| ShownField {
        name: &column.name,
        type_id: wire.oid.into(),
        binary: wire.binary,
        class: field.class.as_ref().map(|class| class.as_str()),
        sight: field.sight,
        kept: kept(at).map_or(field.sight, |kept| kept.sight),
    });
    recording.add(now, Frame::Shape(&fields.collect::<Vec<_>>()));
}

impl KeptBy {
    /// Lays out how a result is kept. `None` if as it was shown.
    pub fn new(plan: Option<Arc<Plan>>, watch: Option<Arc<Watch>>, fields: usize, types: &[u32]) -> Option<Self> {
        let manners: Vec<Option<Manner>> = watch.iter().flat_map(|watch| manners_of(watch, types)).collect();
        let watch = watch.filter(|_| manners.iter().any(Option::is_some));
        if plan.is_none() && watch.is_none() {
            return None;
        }
        let plan = plan.unwrap_or_else(|| Arc::new(Plan::new(vec![FieldPlan::new(Sight::Clear, None); fields])));
        Some(Self { plan, watch, manners })
    }

    /// Of columns that nobody has described.
    pub fn of_anything(watch: Arc<Watch>) -> Self {
        Self { plan: super::looking::undescribed(), watch: Some(watch), manners: vec![Some(Manner::Raw)] }
    }

    /// What was found while this was looked at counts only if nobody has looked for the caller.
    pub fn met<'a>(is_second: bool, own: &'a mut Met, scratch: &'a mut Met) -> &'a mut Met {
        if is_second { scratch } else { own }
    }
}

/// In which manner the values of each column are looked at.
pub fn manners_of(watch: &Watch, types: &[u32]) -> Vec<Option<Manner>> {
    let manner = |(at, oid): (usize, &u32)| watch.looks_at(at).then(|| Manner::of(*oid, watch.is_telling(at)))?;
    types.iter().enumerate().map(manner).collect()
}
