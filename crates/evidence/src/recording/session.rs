//! What a session holds of its recording: adding and asking for room. Never I/O, never compression.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use gate::{Frame, Opening, RecorderDown, Recording};
use model::{SessionId, UnixMicros};
use parking_lot::Mutex;

use super::file::{SessionFile, Trouble};
use super::frame::kind;
use super::pages::{Pages, shape};
use super::worker::Shared;
use crate::lane::now;

/// What of one recording may wait to be written before there is no room.
pub(super) const WAITING_BYTES_MAX: usize = 256 * 1024;
/// What of one recording waits at the very most. Who adds asks for room, so it is more than the longest record, which may come on top.
pub(super) const HELD_BYTES_MAX: usize = 32 * 1024 * 1024;

/// One session's recording: between who adds and who writes.
pub(super) struct Session {
    pub id: SessionId,
    buffer: Mutex<Buffer>,
    /// The writer's alone.
    pub file: Mutex<SessionFile>,
}

struct Buffer {
    pages: Pages,
    /// Bytes of frames that are not written: those of `pages`, and those that the writer has just taken.
    waiting: usize,
    /// Who waits for room.
    wakers: Vec<Waker>,
    down: Option<RecorderDown>,
    /// Whether the writer knows that something waits, and whether it knows that it can't wait.
    is_timed: bool,
    is_urgent: bool,
    /// When the session let go.
    closed: Option<u64>,
}

/// What the writer takes.
pub(super) struct Taken {
    pub pages: Vec<Vec<u8>>,
    pub bytes: usize,
    /// Whether these are the last.
    pub is_end: bool,
    pub shown: u64,
}

/// What the writer has to be told about something that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Call {
    /// It is to be written in a while.
    soon: bool,
    /// A page of it is to be written.
    now: bool,
}

impl Session {
    pub fn new(opening: &Opening<'_>, file: SessionFile) -> Self {
        let buffer = Buffer {
            pages: Pages::new(opening.level, opening.at.0),
            waiting: 0,
            wakers: Vec::new(),
            down: None,
            is_timed: false,
            is_urgent: false,
            closed: None,
        };
        Self { id: opening.session.clone(), buffer: Mutex::new(buffer), file: Mutex::new(file) }
    }

    /// Gives the writer the full pages, or all of them.
    pub fn take(&self, all: bool) -> Option<Taken> {
        let mut buffer = self.buffer.lock();
        if buffer.down.is_some() {
            return None;
        }
        let mut is_end = false;
        if let Some(at) = buffer.closed.take() {
            buffer.pages.end(at);
            is_end = true;
        }
        buffer.is_urgent = false;
        let all = all || is_end;
        if all {
            buffer.is_timed = false;
        }
        let pages = if all { buffer.pages.take_all() } else { buffer.pages.take_full() };
        let bytes = pages.iter().map(Vec::len).fold(0, usize::saturating_add);
        (!pages.is_empty()).then(|| Taken { pages, bytes, is_end, shown: buffer.pages.shown_bytes() })
    }

    /// The writer has written what it took: who waits for room is to be woken.
    pub fn written(&self, bytes: usize, shared: &Shared) -> Vec<Waker> {
        let mut buffer = self.buffer.lock();
        let bytes = bytes.min(buffer.waiting);
        buffer.waiting = buffer.waiting.saturating_sub(bytes);
        shared.less_waits(bytes);
        if buffer.waiting < WAITING_BYTES_MAX { std::mem::take(&mut buffer.wakers) } else { Vec::new() }
    }

    /// Nothing can be written here any more: who waits for room is to be woken.
    pub fn fail(&self, trouble: &Trouble, shared: &Shared) -> Vec<Waker> {
        let down = trouble.down(&shared.folder, &self.id.0);
        tracing::error!(session = %self.id, "{down}");
        self.buffer.lock().fail(down, shared)
    }
}

impl Buffer {
    fn fail(&mut self, down: RecorderDown, shared: &Shared) -> Vec<Waker> {
        // The first reason is the one that stays.
        if self.down.is_none() {
            shared.gauge.failed();
            self.down = Some(down);
        }
        let _ = self.pages.take_all();
        shared.less_waits(std::mem::take(&mut self.waiting));
        std::mem::take(&mut self.wakers)
    }

    /// What the writer has to be told after these bytes were added. What is left of a page when full ones are written has its time as well.
    fn added(&mut self, bytes: usize, shared: &Shared) -> Call {
        self.waiting = self.waiting.saturating_add(bytes);
        shared.more_waits(bytes);
        let soon = !self.pages.is_empty() && !std::mem::replace(&mut self.is_timed, true);
        let now = self.pages.has_full() && !std::mem::replace(&mut self.is_urgent, true);
        Call { soon, now }
    }
}

/// What a session has.
pub(super) struct Handle {
    pub session: Arc<Session>,
    pub shared: Arc<Shared>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording({})", self.session.id)
    }
}

impl Handle {
    fn push(&self, at: u64, frame: &Ready<'_>) {
        let mut buffer = self.session.buffer.lock();
        if buffer.down.is_some() {
            return;
        }
        let before = buffer.pages.bytes();
        match *frame {
            Ready::Whole(kind, ref payload) => buffer.pages.whole(at, kind, payload),
            Ready::About(op) => buffer.pages.about(at, op),
            Ready::Shown(bytes) => buffer.pages.shown(at, bytes),
            Ready::Instead { bytes, kept } => buffer.pages.instead(at, bytes, kept),
        }
        let added = buffer.pages.bytes().saturating_sub(before);
        let call = buffer.added(added, &self.shared);
        let is_too_much = buffer.waiting > HELD_BYTES_MAX;
        drop(buffer);
        if is_too_much {
            let what = format!("more than {} MiB of it wait to be written", HELD_BYTES_MAX / (1024 * 1024));
            self.session.fail(&Trouble::Unfit(what), &self.shared).into_iter().for_each(Waker::wake);
        }
        if call.soon {
            self.shared.soon(&self.session);
        }
        if call.now {
            self.shared.now(&self.session);
        }
    }
}

/// A frame of which what takes long is done.
enum Ready<'a> {
    Whole(u8, Vec<u8>),
    About(u64),
    Shown(&'a [u8]),
    Instead { bytes: u64, kept: &'a [u8] },
}

impl Recording for Handle {
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), RecorderDown>> {
        let mut buffer = self.session.buffer.lock();
        if let Some(down) = &buffer.down {
            return Poll::Ready(Err(down.clone()));
        }
        // What was added is still written, and its end: so the session ends, and its recording is whole.
        if let Some(why) = self.shared.space.refusal() {
            return Poll::Ready(Err(RecorderDown(why)));
        }
        if buffer.waiting >= WAITING_BYTES_MAX {
            wait(&mut buffer.wakers, cx);
            return Poll::Pending;
        }
        drop(buffer);
        self.shared.poll_room(cx).map(Ok)
    }

    fn stands(&self) -> Result<(), RecorderDown> {
        self.session.buffer.lock().down.clone().map_or(Ok(()), Err)
    }

    fn add(&self, at: UnixMicros, frame: Frame<'_>) {
        let ready = match frame {
            Frame::Record(record) => serde_json::to_vec(record).map(|json| Ready::Whole(kind::RECORD, json)),
            Frame::Shape(fields) => shape(fields).map(|json| Ready::Whole(kind::SHAPE, json)),
            Frame::About(op) => Ok(Ready::About(op)),
            Frame::Shown(bytes) => Ok(Ready::Shown(bytes)),
            Frame::Instead { bytes, kept } => Ok(Ready::Instead { bytes, kept }),
        };
        match ready {
            Ok(ready) => self.push(at.0, &ready),
            Err(error) => {
                let trouble = Trouble::Unfit(format!("a frame cannot be written as JSON: {error}"));
                self.session.fail(&trouble, &self.shared).into_iter().for_each(Waker::wake);
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.session.buffer.lock().closed = Some(now());
        self.shared.gauge.let_go();
        self.shared.now(&self.session);
    }
}

/// Has this one woken too. The parts of a session that wait are few, and most ask again before they are woken.
pub(super) fn wait(wakers: &mut Vec<Waker>, cx: &Context<'_>) {
    if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
        wakers.push(cx.waker().clone());
    }
}
