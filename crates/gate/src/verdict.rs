//! From a verdict to a permit: the values that prove the order was kept.

use std::sync::Arc;

use model::{Field, OnWrite, Wording};

use crate::judge::Judged;
use crate::refusal::Refusal;
use crate::session::{Shared, Step};

/// The answer to one operation, not yet written down. `T` is what the protocol wants to do with it.
#[must_use = "a verdict has no effect until it is committed"]
#[derive(Debug)]
pub struct Verdict<T>(pub(crate) Answer<T>);

impl<T> Verdict<T> {
    /// Whether it is a refusal, as policies stand now. They may change before it is committed.
    pub fn refuses(&self) -> bool {
        match &self.0 {
            Answer::Judged(pending) => pending.judged.refusal.is_some(),
            Answer::Declined { .. } => true,
        }
    }

    /// What is stored as less than it is, as policies stand now: nothing, if it is a refusal.
    pub fn lowers(&self) -> &[(Field, OnWrite)] {
        match &self.0 {
            Answer::Judged(pending) => pending.judged.lowers(),
            Answer::Declined { .. } => &[],
        }
    }

    /// Makes it a part of the operation that the next verdict of its batch is about: where a protocol prepares something and
    /// runs it in one breath, one record says both. That holds if both have the same answer, from one decision, and it
    /// permits; else each has its own record all the same.
    pub fn join_next(&mut self) {
        if let Answer::Judged(pending) = &mut self.0 {
            pending.joins_next = true;
        }
    }

    /// Whether it is a part of what `next` is about.
    pub(crate) fn is_part_of(&self, next: &Self) -> bool {
        match (&self.0, &next.0) {
            (Answer::Judged(part), Answer::Judged(whole)) => {
                part.joins_next && Arc::ptr_eq(&part.judged, &whole.judged) && part.judged.refusal.is_none()
            }
            _ => false,
        }
    }
}

#[derive(Debug)]
pub(crate) enum Answer<T> {
    Judged(Pending<T>),
    Declined { step: Step, wording: Wording, refusal: Refusal, payload: T },
}

/// An operation that policy has answered.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    pub step: Step,
    pub judged: Arc<Judged>,
    pub wording: Wording,
    pub payload: T,
    /// See [`Verdict::join_next`].
    pub joins_next: bool,
}

/// An operation after its record was written.
#[must_use = "a released operation is to be forwarded or refused"]
#[derive(Debug)]
pub enum Released<T> {
    /// It may go.
    Forward(Permit<T>),
    /// It may not; the caller is to be told.
    Refuse(Refusal, T),
}

/// The right to forward one operation, whose record has been written. Only [`crate::Session::commit`] mints one, only
/// [`crate::Upstream::begin`] takes it, and it can't be copied.
#[must_use = "a permit is to be used, or its operation never runs"]
#[derive(Debug)]
pub struct Permit<T> {
    pub(crate) op: u64,
    pub(crate) judged: Arc<Judged>,
    pub(crate) session: Arc<Shared>,
    pub(crate) payload: T,
    /// Whether it is for a part of an operation: its number and its record are those of the whole.
    pub(crate) is_part: bool,
}

impl<T> Permit<T> {
    /// The operation's number in its session.
    pub fn op(&self) -> u64 {
        self.op
    }

    /// What it stores as less than it is: it is not to be forwarded otherwise.
    pub fn lowers(&self) -> &[(Field, OnWrite)] {
        self.judged.lowers()
    }

    /// What will be forwarded.
    pub fn payload(&self) -> &T {
        &self.payload
    }
}
