//! Who writes: one thread for all recordings. It sleeps while nothing waits.
//!
//! A session rings when it has a full page, or when it lets go; and when it has anything at all, which then is written within
//! half a second. The locks of a session's buffer, of the queue and of the crowd are held for a moment each, and never two of them; the
//! worker's is held while it writes, and the others are taken under it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use gate::{Event, Ledger, Record, Recorded};
use model::{SessionId, UnixMicros};
use parking_lot::Mutex;

use super::chunk::Packer;
use super::disk::Disk;
use super::file::shelve;
use super::meter::Gauge;
use super::session::{Session, wait};
use crate::folder::Lock;
use crate::lane::now;
use crate::meter::count;
use crate::space::Space;

/// How long a frame may wait. Half of what is promised, so that a slow disk has the other half.
const FRAME_WAIT: Duration = Duration::from_millis(500);
/// What of all recordings may wait to be written before none of them has room.
pub(super) const ALL_WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Memory for chunks that one long writing made larger than this is given back.
const OUT_BYTES_KEPT: usize = 1024 * 1024;

/// How long after a recording could not be moved that is tried again.
const SHELVE_AGAIN: Duration = Duration::from_secs(1);
/// Recordings whose moving is tried again; what is beyond is moved by the next start.
const UNSHELVED_MAX: usize = 1000;

/// What all recordings of a folder share.
pub(super) struct Shared {
    pub disk: Box<dyn Disk>,
    /// Where it is, for messages.
    pub folder: PathBuf,
    /// Whether its disk has room for what begins or goes on.
    pub space: Arc<Space>,
    pub ledger: Arc<dyn Ledger>,
    pub gauge: Arc<Gauge>,
    queue: Mutex<Queue>,
    worker: Mutex<Worker>,
    /// Bytes of all recordings that wait.
    waiting: AtomicUsize,
    /// Who waits for less to wait.
    crowd: Mutex<Vec<Waker>>,
    /// Whether all that waits is to be written, because somebody is in the crowd.
    hurry: AtomicBool,
    /// Whether there is no thread: then whoever rings does its work.
    unattended: AtomicBool,
    stopped: AtomicBool,
    thread: OnceLock<Thread>,
    /// Held until the last recording is gone.
    _lock: Lock,
}

#[derive(Default)]
struct Queue {
    urgent: Vec<Arc<Session>>,
    timed: Vec<(Instant, Arc<Session>)>,
}

/// What the thread has for itself.
struct Worker {
    packer: Packer,
    /// Sessions of which something waits, in the order of when it is to be written.
    timed: VecDeque<(Instant, Arc<Session>)>,
    out: Vec<u8>,
    /// Recordings that are complete, and that the log and the folder don't know as that yet.
    complete: Vec<(SessionId, Recorded)>,
    /// Those that the log knows and that could not be moved to their day, and when that is tried again, with the next round.
    unshelved: Vec<(SessionId, Recorded)>,
    shelve_at: Option<Instant>,
}

impl Shared {
    pub fn new(disk: Box<dyn Disk>, folder: PathBuf, ledger: Arc<dyn Ledger>, packer: Packer, lock: Lock) -> Self {
        let (timed, out, complete, unshelved) = (VecDeque::new(), Vec::new(), Vec::new(), Vec::new());
        let worker = Worker { packer, timed, out, complete, unshelved, shelve_at: None };
        let space = Arc::new(Space::new("recordings", &folder));
        Self {
            disk,
            folder,
            space,
            ledger,
            gauge: Arc::default(),
            queue: Mutex::default(),
            worker: Mutex::new(worker),
            waiting: AtomicUsize::new(0),
            crowd: Mutex::default(),
            hurry: AtomicBool::new(false),
            unattended: AtomicBool::new(true),
            stopped: AtomicBool::new(false),
            thread: OnceLock::new(),
            _lock: lock,
        }
    }

    /// Something of this session waits.
    pub fn soon(&self, session: &Arc<Session>) {
        // A clock that can't be added to: at once then.
        let now = Instant::now();
        let until = now.checked_add(FRAME_WAIT).unwrap_or(now);
        let mut queue = self.queue.lock();
        queue.timed.push((until, session.clone()));
        self.ring(queue);
    }

    /// Something of this session must not wait.
    pub fn now(&self, session: &Arc<Session>) {
        let mut queue = self.queue.lock();
        queue.urgent.push(session.clone());
        self.ring(queue);
    }

    /// Whoever finds something in the queue knows that the one before has rung: the thread takes all of it.
    fn ring(&self, queue: parking_lot::MutexGuard<'_, Queue>) {
        let is_first = queue.urgent.len().saturating_add(queue.timed.len()) == 1;
        drop(queue);
        if is_first || self.unattended.load(Ordering::SeqCst) {
            self.call();
        }
    }

    /// Has a round done, by the thread if there is one. Called after the queue was left: see `stop`.
    fn call(&self) {
        if self.unattended.load(Ordering::SeqCst) {
            self.round(false);
        } else {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    pub fn more_waits(&self, bytes: usize) {
        self.waiting.fetch_add(bytes, Ordering::AcqRel);
    }

    pub fn less_waits(&self, bytes: usize) {
        self.waiting.fetch_sub(bytes, Ordering::AcqRel);
    }

    #[cfg(test)]
    pub fn waiting_bytes(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    fn is_crowded(&self) -> bool {
        self.waiting.load(Ordering::Acquire) >= ALL_WAITING_BYTES_MAX
    }

    /// Whether all recordings together leave room.
    pub fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        if !self.is_crowded() {
            return Poll::Ready(());
        }
        let mut crowd = self.crowd.lock();
        // Looked at again under the lock that the writer takes after it has made room: so it finds this one there.
        if !self.is_crowded() {
            return Poll::Ready(());
        }
        wait(&mut crowd, cx);
        drop(crowd);
        if !self.hurry.swap(true, Ordering::AcqRel) {
            self.call();
        }
        Poll::Pending
    }

    /// From here on there is a thread, which is this one, until it is stopped.
    pub fn attend(&self) {
        loop {
            let is_last = self.stopped.load(Ordering::Acquire);
            let until = self.round(is_last);
            if is_last {
                return;
            }
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => {}
                Some(left) => thread::park_timeout(left),
            }
        }
    }

    /// Says which thread attends.
    pub fn is_attended_by(&self, thread: Thread) {
        let _ = self.thread.set(thread);
        self.unattended.store(false, Ordering::SeqCst);
        self.wake();
    }

    /// Has the thread write all that waits, and end. Who rings from here on does its work: either it sees that, or
    /// what it put into the queue is found by a round after this.
    pub fn stop(&self) {
        self.unattended.store(true, Ordering::SeqCst);
        self.stopped.store(true, Ordering::Release);
        self.wake();
    }

    /// Writes what is to be written, or all that waits. Says when the next is to be.
    pub fn round(&self, all: bool) -> Option<Instant> {
        let mut woken = Vec::new();
        let mut worker = self.worker.lock();
        let is_asked = all;
        let all = all || self.hurry.swap(false, Ordering::AcqRel);
        let queue = std::mem::take(&mut *self.queue.lock());
        worker.timed.extend(queue.timed);
        for session in queue.urgent {
            worker.write(self, &session, false, &mut woken);
        }
        while let Some((until, session)) = worker.timed.pop_front() {
            if !all && until > Instant::now() {
                worker.timed.push_front((until, session));
                break;
            }
            worker.write(self, &session, true, &mut woken);
        }
        worker.finish(self, is_asked);
        worker.out.shrink_to(OUT_BYTES_KEPT);
        let until = worker.timed.front().map(|(until, _)| *until);
        drop(worker);
        // Woken with no lock held: what a waker does is not known here.
        woken.into_iter().for_each(Waker::wake);
        until
    }

    fn wake_crowd(&self, woken: &mut Vec<Waker>) {
        if !self.is_crowded() {
            woken.append(&mut self.crowd.lock());
        }
    }
}

impl Worker {
    fn write(&mut self, shared: &Shared, session: &Session, all: bool, woken: &mut Vec<Waker>) {
        let Some(taken) = session.take(all) else { return };
        let mut file = session.file.lock();
        let before = file.bytes();
        match file.append(&*shared.disk, &mut self.packer, &taken.pages, taken.is_end, &mut self.out) {
            Ok(()) => {
                shared.gauge.written(count(taken.bytes), file.bytes().saturating_sub(before));
                if taken.is_end {
                    self.complete.push((session.id.clone(), file.recorded(&session.id.0, taken.shown)));
                }
                woken.append(&mut session.written(taken.bytes, shared));
            }
            Err(trouble) => woken.append(&mut session.fail(&trouble, shared)),
        }
        shared.wake_crowd(woken);
    }

    /// Tells the log which recordings are complete, then moves them to their day. What could not be moved is tried again now and then, or at once.
    fn finish(&mut self, shared: &Shared, at_once: bool) {
        let is_time = || at_once || self.shelve_at.is_none_or(|at| at <= Instant::now());
        if !self.unshelved.is_empty() && is_time() {
            self.unshelved = shelve_all(&*shared.disk, std::mem::take(&mut self.unshelved), false);
            self.shelve_at = Instant::now().checked_add(SHELVE_AGAIN);
        }
        if !self.complete.is_empty() {
            let unshelved = tell_and_shelve(&*shared.ledger, &*shared.disk, std::mem::take(&mut self.complete));
            let room = UNSHELVED_MAX.saturating_sub(self.unshelved.len());
            if self.unshelved.is_empty() && !unshelved.is_empty() {
                self.shelve_at = Instant::now().checked_add(SHELVE_AGAIN);
            }
            self.unshelved.extend(unshelved.into_iter().take(room));
        }
    }
}

/// The log is told first: a recording that is on its day's shelf is in the log, whenever the process was killed. One that the log knows
/// and that is still among the open is told once more at the next start.
///
/// Gives those that could not be moved.
pub(super) fn tell_and_shelve(
    ledger: &dyn Ledger,
    disk: &dyn Disk,
    complete: Vec<(SessionId, Recorded)>,
) -> Vec<(SessionId, Recorded)> {
    let at = UnixMicros(now());
    let told = complete.iter().map(|(session, recorded)| {
        let event = Event::Recorded(recorded.clone());
        Record { at, session: Some(session.clone()), event }
    });
    let records: Vec<_> = told.collect();
    if let Err(error) = ledger.append(&records) {
        tracing::error!("recordings are complete, and the log takes that later: {error}");
        records.into_iter().for_each(|record| ledger.note(record));
    }
    shelve_all(disk, complete, true)
}

/// Moves recordings to their day. Gives those that could not be.
fn shelve_all(disk: &dyn Disk, mut complete: Vec<(SessionId, Recorded)>, is_first: bool) -> Vec<(SessionId, Recorded)> {
    complete.retain(|(session, recorded)| {
        let shelved = shelve(disk, &session.0, &recorded.file);
        if let Some(error) = shelved.as_ref().err().filter(|_| is_first) {
            tracing::error!(%session, file = recorded.file, %error, "a recording stays among the open ones for now");
        }
        shelved.is_err()
    });
    complete
}
