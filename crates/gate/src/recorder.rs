//! The port towards recordings: what a caller was shown, kept as it is shown.
//!
//! A recording is a row of frames: the session's own records as the decision log has them, and between them the bytes
//! that its caller was shown, in the protocol's own framing and after masking. Nothing that was masked is in it, and what was
//! shown clear of a classified field is in it at the target's `record_sight`.
//!
//! Adding takes memory and never waits. So who adds asks for room first ([`Recording::poll_room`]) before it reads more of
//! what it will show, and learns there that the recording can't be written any more: a session that must be recorded then
//! ends.

use std::fmt;
use std::task::{Context, Poll};

use model::{RecordingLevel, SessionId, Sight, UnixMicros};

use crate::ledger::Record;

/// Where recordings are kept.
pub trait Recorder: Send + Sync + fmt::Debug {
    /// Begins the recording of a session. It returns when the operating system has the recording's beginning, so a disk that is full
    /// shows before anything runs.
    fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Recording>, RecorderDown>;
}

/// What is known of a session when its recording begins. Who it is of is said by the first frame, which is its `admitted` record.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The session.
    pub session: &'a SessionId,
    /// When it began.
    pub at: UnixMicros,
    /// The protocol whose framing [`Frame::Shown`] has: `postgres`.
    pub protocol: &'static str,
    /// Whether what is shown is kept, or only what is known of it.
    pub level: RecordingLevel,
}

/// One session's recording. The parts of a session that run at the same time share it. Dropped, it is closed.
pub trait Recording: Send + Sync + fmt::Debug {
    /// Whether more may be added. Pending while what was added is not written yet, and is as much as may wait; the error is final.
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), RecorderDown>>;
    /// Whether it can still be written, as far as is known.
    fn stands(&self) -> Result<(), RecorderDown>;
    /// Adds a frame. What is added after it can't be written any more is dropped.
    fn add(&self, at: UnixMicros, frame: Frame<'_>);
}

/// A piece of a recording.
#[derive(Clone, Copy, Debug)]
pub enum Frame<'a> {
    /// A record of the session's, as the log has it.
    Record(&'a Record),
    /// What follows was shown for this operation; 0 for what belongs to none.
    About(u64),
    /// What the fields of the result that follows are, and how they are shown.
    Shape(&'a [ShownField<'a>]),
    /// Bytes as the caller was shown them. They may be cut anywhere.
    Shown(&'a [u8]),
    /// Bytes that the caller was shown otherwise: what stands here is what is kept in their place.
    Instead {
        /// How many the caller was shown.
        bytes: u64,
        /// What is kept, in the same framing. Empty if nothing is.
        kept: &'a [u8],
    },
}

/// How a field of a result is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownField<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type, by the number that the target gives it.
    pub type_id: u64,
    /// Whether its values are in the protocol's binary form.
    pub binary: bool,
    /// Its class, if it is a copy of a classified field.
    pub class: Option<&'a str>,
    /// What the caller sees.
    pub sight: Sight,
    /// What the recording holds.
    pub kept: Sight,
}

/// A recording can't be written. The text says why, and what would help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the recording cannot be written: {0}")]
pub struct RecorderDown(pub String);
