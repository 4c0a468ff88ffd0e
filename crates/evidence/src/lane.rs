//! One lane: where a worker's records are chained, buffered and written.
//!
//! The buffer holds what was noted and not yet written, already numbered and chained. An append adds its own records
//! behind, and writes the buffer with one `write(2)`. If that fails, the append's records are taken back from the buffer
//! and the file is cut back to what it was; what was noted stays, and is written with the next success. So a record is
//! in the file if and only if its append succeeded.
//!
//! A full segment is followed by a new one when the buffer is empty. If that fails the old one simply goes on.
//!
//! What can't be written is tried again until it can, also when nothing waits: a lane of which nothing is asked would otherwise be taken for
//! broken for ever. Once it can, the lane writes a record which says so, before whatever is appended next.
//!
//! Where the log is signed a lane keeps the hashes of what it has written until they are taken for the next checkpoint. That are
//! few; should nobody take them, the log can't be written any more: what is not going to be signed is not evidence.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use gate::{Event, Ledger, LedgerDown, Record};
use model::UnixMicros;
use parking_lot::Mutex;

use crate::disk::{Disk, SegmentFile};
use crate::folder::Lock;
use crate::format::{
    HEADER_EVENT, Hash, Header, MAGIC, NEW_SUFFIX, Place, SEAL_EVENT, SEAL_FULL, SEAL_STOPPED, Seal, SegmentName, Torn,
    Unfit, encode,
};
use crate::log::{Bell, Durability};
use crate::meter::{LaneGauge, count};
use crate::space::Space;

/// Noted records that may wait while nothing can be written. No operation starts in that time, so only those that
/// are running, and callers being turned away, add to them. Beyond, they are counted, and the log says how many.
pub(crate) const WAITING_RECORDS_MAX: usize = 65_536;
/// Bytes of them.
pub(crate) const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Noted records that wait to be put into the buffer.
const NOTED_MAX: usize = 64;
/// A buffer that one long record made larger than this is given back.
const BUFFER_BYTES_KEPT: usize = 1024 * 1024;
/// Hashes that may wait for a checkpoint, which comes after a thousand records or a second.
pub(crate) const UNSIGNED_MAX: usize = 262_144;
/// What is said of more.
const UNSIGNED: &str = "no checkpoint of the log has been signed for too long";
/// How much a full segment grows before the next try to follow it, when the first failed.
const ROTATION_RETRY_BYTES: u64 = 1024 * 1024;

/// What all lanes of a log share.
pub(crate) struct Shared {
    pub disk: Box<dyn Disk>,
    /// Where it is, for messages.
    pub folder: PathBuf,
    /// Whether its disk has room for what begins.
    pub space: Arc<Space>,
    pub instance: String,
    pub opened: u64,
    pub lanes: u16,
    pub durability: Durability,
    pub segment_bytes_max: u64,
    pub bell: Bell,
    /// Wakes who makes checkpoints. None if the log is not signed.
    pub signing: Option<Signing>,
    /// Set when nobody writes what is noted any more but the lane itself.
    pub unattended: AtomicBool,
    /// Held until the last lane is gone.
    pub _lock: Lock,
}

/// What a lane knows of who signs.
#[derive(Default)]
pub(crate) struct Signing {
    pub bell: Bell,
    /// Records of one lane after which it is not waited any longer.
    pub hurry_at: usize,
}

impl Shared {
    fn is_synced(&self) -> bool {
        self.durability == Durability::Synced
    }

    /// Makes a segment with its header, still under its temporary name.
    fn create(&self, name: SegmentName, previous: Hash, previous_seq: u64, torn: &[Torn]) -> io::Result<Segment> {
        let header = Header {
            seq: name.first,
            at: now(),
            event: HEADER_EVENT.to_owned(),
            format: 1,
            lane: name.lane,
            lanes: self.lanes,
            instance: self.instance.clone(),
            opened: self.opened,
            previous_seq,
            previous,
            torn: torn.to_vec(),
        };
        let mut bytes = MAGIC.to_vec();
        let hash = encode(&mut bytes, &previous, name.first, &header).map_err(io::Error::other)?;
        let mut file = self.disk.create(&temporary(name))?;
        file.write_all(&bytes)?;
        if self.is_synced() {
            file.sync()?;
        }
        let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(Segment { name, file, bytes, hash, rotate_at: self.segment_bytes_max })
    }

    fn publish(&self, name: SegmentName) -> io::Result<()> {
        self.disk.rename(&temporary(name), &name.to_string())
    }

    fn down(&self, name: SegmentName, error: &io::Error) -> LedgerDown {
        let folder = self.folder.display();
        LedgerDown(match error.kind() {
            io::ErrorKind::StorageFull => format!("the disk of {folder} is full; free some space on it"),
            io::ErrorKind::QuotaExceeded => format!("the quota for {folder} is used up; raise it or free some space"),
            io::ErrorKind::ReadOnlyFilesystem => {
                format!("the file system of {folder} is read-only; make it writable again")
            }
            io::ErrorKind::NotFound => format!("the folder {folder} is gone; restore it and start Weir again"),
            _ => format!("{folder}/{name}: {error}"),
        })
    }
}

/// The file that a lane writes to.
struct Segment {
    name: SegmentName,
    file: Box<dyn SegmentFile>,
    /// Bytes of it that are whole records.
    bytes: u64,
    /// Hash of its header, until something follows.
    hash: Hash,
    /// The size at which the next one is tried.
    rotate_at: u64,
}

/// One worker's part of the decision log.
pub struct Lane {
    shared: Arc<Shared>,
    gauge: Arc<LaneGauge>,
    state: Mutex<State>,
}

struct State {
    segment: Segment,
    signed: bool,
    /// Whether the file may hold more than its whole records: the rest of a write that failed.
    dirty: bool,
    /// Whether the folder does not yet surely know the segment's name (only with [`Durability::Synced`]).
    unnamed: bool,
    /// Number and hash of the last record in the buffer, or in the file when the buffer is empty.
    seq: u64,
    head: Hash,
    /// What is to be written.
    buffer: Vec<u8>,
    /// Noted records that are not in the buffer yet: they get there when somebody has time, or with the next append.
    noted: Vec<Record>,
    /// Noted records in the buffer, and in `noted`.
    waiting: usize,
    /// Noted records that found no place.
    lost: u64,
    /// Hashes of the records since the last that were taken for a checkpoint, those in the buffer too; none if the log is not signed.
    leaves: Vec<Hash>,
    /// How many of them are written, and the last record that is.
    written: usize,
    last: Place,
    /// Segments that were finished since they were last asked for: they may not be on the disk yet.
    finished: Vec<SegmentName>,
    /// Why nothing can ever be written here again by this process.
    gone: Option<LedgerDown>,
    /// Whether the last write failed.
    down: bool,
    /// Whether the log does not say yet that a write had failed.
    untold: bool,
    /// Bytes of segments before this one, and the number before this lane's first record: for the gauge.
    bytes_before: u64,
    seq_before: u64,
    gauge: Arc<LaneGauge>,
}

/// Why something is not appended.
enum Refused {
    /// It is no record.
    Unfit(Unfit),
    /// Nothing can be written.
    Down(LedgerDown),
}

impl From<Unfit> for Refused {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

impl From<LedgerDown> for Refused {
    fn from(down: LedgerDown) -> Self {
        Self::Down(down)
    }
}

/// How far back a failed append goes.
#[derive(Clone, Copy)]
struct Mark {
    bytes: usize,
    seq: u64,
    head: Hash,
    leaves: usize,
}

/// What a lane has written since it was asked before, or some of it.
pub(crate) struct Fresh {
    /// The last record of it.
    pub last: Place,
    /// The segments that it may be in.
    pub segments: Vec<SegmentName>,
    /// How much more was written.
    pub rest: usize,
}

impl Lane {
    /// Begins a lane's next segment.
    pub(crate) fn begin(
        shared: Arc<Shared>,
        number: u16,
        next: u64,
        head: Hash,
        seq: u64,
        torn: &[Torn],
    ) -> io::Result<Self> {
        let name = SegmentName { lane: number, first: next };
        let segment = shared.create(name, head, seq, torn)?;
        shared.publish(name)?;
        if shared.is_synced() {
            shared.disk.sync()?;
        }
        let is_signed = shared.signing.is_some();
        let leaves: Vec<Hash> = is_signed.then_some(segment.hash).into_iter().collect();
        let gauge = Arc::<LaneGauge>::default();
        let mut state = State {
            dirty: false,
            unnamed: false,
            seq: next,
            head: segment.hash,
            written: leaves.len(),
            last: Place { seq: next, hash: segment.hash },
            leaves,
            signed: is_signed,
            finished: Vec::new(),
            segment,
            buffer: Vec::with_capacity(16 * 1024),
            noted: Vec::new(),
            waiting: 0,
            lost: 0,
            gone: None,
            down: false,
            untold: false,
            bytes_before: 0,
            seq_before: next.saturating_sub(1),
            gauge: Arc::clone(&gauge),
        };
        state.show();
        Ok(Self { shared, gauge, state: Mutex::new(state) })
    }

    /// What it says of itself.
    pub(crate) fn gauge(&self) -> &Arc<LaneGauge> {
        &self.gauge
    }

    /// Adds the hashes of what was written since this was called before to `leaves`, in order, but not more than so many.
    pub(crate) fn take_leaves(&self, leaves: &mut Vec<Hash>, most: usize) -> Fresh {
        let mut state = self.state.lock();
        let taken = state.written.min(most);
        let rest = state.written.saturating_sub(taken);
        // This process has numbered them one after the other.
        let last = match taken.checked_sub(1).and_then(|at| state.leaves.get(at)).filter(|_| rest > 0) {
            Some(hash) => {
                let seq = state.last.seq.saturating_sub(u64::try_from(rest).unwrap_or(u64::MAX));
                Place { seq, hash: *hash }
            }
            None => state.last,
        };
        leaves.extend(state.leaves.drain(..taken));
        state.written = rest;
        let mut segments = std::mem::take(&mut state.finished);
        segments.push(state.segment.name);
        state.show();
        Fresh { last, segments, rest }
    }

    /// Appends a record of the log's own.
    pub(crate) fn append_own(&self, record: &impl serde::Serialize) -> Result<(), LedgerDown> {
        let appended = self.state.lock().appending(&self.shared, |state| Ok(state.push(record)?));
        self.retry_after(appended)
    }

    /// Brings segments of any lane to the disk, and the folder's names.
    pub(crate) fn sync_segments(&self, names: &BTreeSet<SegmentName>) -> io::Result<()> {
        names.iter().try_for_each(|name| self.shared.disk.sync_segment(&name.to_string()))?;
        self.shared.disk.sync()
    }

    /// Writes what was noted, and tries again what could not be. Says whether nothing is left of that.
    pub(crate) fn flush(&self) -> bool {
        let mut state = self.state.lock();
        let _ = state.append(&self.shared, &[]);
        let has_told = !state.down && !state.untold;
        state.waiting == 0 && state.lost == 0 && (has_told || state.gone.is_some())
    }

    /// Has what failed tried again: nobody may ever append here again.
    fn retry_after(&self, appended: Result<(), LedgerDown>) -> Result<(), LedgerDown> {
        if appended.is_err() {
            self.shared.bell.ring();
        }
        appended
    }
}

impl Ledger for Lane {
    fn append(&self, records: &[Record]) -> Result<(), LedgerDown> {
        if let Some(why) = self.shared.space.refusal_of(records) {
            return Err(LedgerDown(why));
        }
        let appended = self.state.lock().append(&self.shared, records);
        self.retry_after(appended)
    }

    /// A lane that is down is tried: it says what is wrong now, or goes on.
    fn stands(&self) -> Result<(), LedgerDown> {
        if let Some(why) = self.shared.space.refusal() {
            return Err(LedgerDown(why));
        }
        let mut state = self.state.lock();
        if state.leaves.len() >= UNSIGNED_MAX {
            return Err(LedgerDown(UNSIGNED.to_owned()));
        }
        if state.down { state.append(&self.shared, &[]) } else { Ok(()) }
    }

    fn note(&self, record: Record) {
        let mut state = self.state.lock();
        state.note(&self.shared, record);
        if self.shared.unattended.load(Ordering::Acquire) {
            let _ = state.append(&self.shared, &[]);
            return;
        }
        drop(state);
        self.shared.bell.ring();
    }

    fn settle(&self) {
        self.state.lock().take_notes();
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        if let Err(error) = state.append(&self.shared, &[]).and_then(|()| state.seal(&self.shared)) {
            tracing::error!(%error, records = state.waiting, lost = state.lost, "the log could not be closed");
        }
    }
}

impl State {
    fn mark(&self) -> Mark {
        Mark { bytes: self.buffer.len(), seq: self.seq, head: self.head, leaves: self.leaves.len() }
    }

    fn back_to(&mut self, mark: Mark) {
        self.buffer.truncate(mark.bytes);
        (self.seq, self.head) = (mark.seq, mark.head);
        self.leaves.truncate(mark.leaves);
        self.written = self.written.min(mark.leaves);
    }

    fn push(&mut self, record: &impl serde::Serialize) -> Result<(), Unfit> {
        let seq = self.seq.saturating_add(1);
        self.head = encode(&mut self.buffer, &self.head, seq, record)?;
        self.seq = seq;
        if self.signed {
            self.leaves.push(self.head);
        }
        Ok(())
    }

    fn append(&mut self, shared: &Shared, records: &[Record]) -> Result<(), LedgerDown> {
        let mut tells = false;
        self.appending(shared, |state| {
            // The checkpoint itself is none of them.
            let is_signed = state.leaves.len() < UNSIGNED_MAX;
            if !is_signed && !records.is_empty() {
                return Err(LedgerDown(UNSIGNED.to_owned()).into());
            }
            tells = state.untold && is_signed;
            if tells {
                state.push(&written_again())?;
            }
            records.iter().try_for_each(|record| Ok(state.push(record)?))
        })?;
        self.untold &= !tells;
        Ok(())
    }

    /// Writes what was noted, and then what `push` adds to the buffer; or nothing of that.
    fn appending(
        &mut self,
        shared: &Shared,
        push: impl FnOnce(&mut Self) -> Result<(), Refused>,
    ) -> Result<(), LedgerDown> {
        self.take_notes();
        let (mark, before) = (self.mark(), self.last.seq);
        let appended = match self.try_append(shared, push) {
            Ok(()) => {
                // Where there was nothing to write nothing is known.
                if self.down && self.last.seq != before {
                    self.down = false;
                    tracing::info!(segment = %self.segment.name, "the decision log can be written again");
                }
                Ok(())
            }
            Err(refused) => {
                self.back_to(mark);
                add(&self.gauge.errors, 1);
                Err(match refused {
                    // What is wrong is the record: others can be written.
                    Refused::Unfit(unfit) => {
                        tracing::error!(segment = %self.segment.name, "{unfit}");
                        LedgerDown(unfit.to_string())
                    }
                    Refused::Down(error) => {
                        self.untold = true;
                        if !std::mem::replace(&mut self.down, true) {
                            tracing::error!(segment = %self.segment.name, waiting = self.waiting, "{error}");
                        }
                        error
                    }
                })
            }
        };
        self.show();
        appended
    }

    /// Puts its numbers where they are read from outside. Nobody else writes them.
    fn show(&mut self) {
        let put = |to: &AtomicU64, number: u64| to.store(number, Ordering::Relaxed);
        put(&self.gauge.records, self.last.seq.saturating_sub(self.seq_before));
        put(&self.gauge.bytes, self.bytes_before.saturating_add(self.segment.bytes));
        put(&self.gauge.leaves, count(self.leaves.len()));
        self.gauge.is_down.store(self.down, Ordering::Relaxed);
    }

    fn try_append(
        &mut self,
        shared: &Shared,
        push: impl FnOnce(&mut Self) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        if let Some(gone) = &self.gone {
            return Err(gone.clone().into());
        }
        if self.lost > 0 {
            self.push(&lost(self.lost))?;
        }
        push(self)?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.write(shared)?;
        (self.waiting, self.lost) = (0, 0);
        if let Some(Signing { bell, hurry_at }) = &shared.signing {
            if self.leaves.len() >= *hurry_at { bell.hurry() } else { bell.ring() }
        }
        if self.segment.bytes >= self.segment.rotate_at {
            self.rotate(shared);
        }
        Ok(())
    }

    fn note(&mut self, shared: &Shared, record: Record) {
        if self.waiting >= WAITING_RECORDS_MAX || self.buffer.len() >= WAITING_BYTES_MAX {
            let _ = self.append(shared, &[]);
        }
        if self.waiting >= WAITING_RECORDS_MAX || self.buffer.len() >= WAITING_BYTES_MAX {
            self.lost = self.lost.saturating_add(1);
            return;
        }
        self.waiting = self.waiting.saturating_add(1);
        self.noted.push(record);
        if self.noted.len() >= NOTED_MAX {
            self.take_notes();
        }
    }

    /// Puts what was noted into the buffer, in order.
    fn take_notes(&mut self) {
        let mut noted = std::mem::take(&mut self.noted);
        for record in noted.drain(..) {
            self.take_note(&record);
        }
        self.noted = noted;
    }

    fn take_note(&mut self, record: &Record) {
        let noted = self.push(record).or_else(|unfit| {
            // It cannot be refused any more. What is known of it goes in its place.
            let detail = format!("something that followed an effect could not be kept: {unfit}");
            let event = Event::Noticed { what: "record_unfit", detail };
            self.push(&Record { at: record.at, session: record.session.clone(), event })
        });
        if noted.is_err() {
            self.waiting = self.waiting.saturating_sub(1);
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// Writes the buffer. After an error the file has nothing of it, or is known to be `dirty`.
    fn write(&mut self, shared: &Shared) -> Result<(), LedgerDown> {
        let written = self.put(shared);
        if let Err(error) = written {
            // Best done now, so that a reader sees nothing that did not happen; else before the next write.
            self.dirty = self.segment.file.set_len(self.segment.bytes).is_err();
            return Err(shared.down(self.segment.name, &error));
        }
        let expected = self.segment.bytes.saturating_add(u64::try_from(self.buffer.len()).unwrap_or(u64::MAX));
        // A deleted file takes every write, and keeps nothing. A file that someone else changed is no evidence.
        let wrong = match self.segment.file.stat() {
            Ok(found) if found.links == 0 => Some("was deleted"),
            Ok(found) if found.bytes != expected => Some("was changed by someone else"),
            Ok(_) => None,
            Err(_) => Some("cannot be looked at"),
        };
        if let Some(wrong) = wrong {
            let (folder, name) = (shared.folder.display(), self.segment.name);
            let gone = LedgerDown(format!("{folder}/{name} {wrong} while Weir was writing it; start Weir again"));
            self.gone = Some(gone.clone());
            return Err(gone);
        }
        self.segment.bytes = expected;
        (self.written, self.last) = (self.leaves.len(), Place { seq: self.seq, hash: self.head });
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        Ok(())
    }

    fn put(&mut self, shared: &Shared) -> io::Result<()> {
        if self.dirty {
            self.segment.file.set_len(self.segment.bytes)?;
            self.dirty = false;
        }
        self.segment.file.write_all(&self.buffer)?;
        if shared.is_synced() {
            self.segment.file.sync()?;
            if self.unnamed {
                shared.disk.sync()?;
                self.unnamed = false;
            }
        }
        Ok(())
    }

    /// Seals the segment and goes on in a new one. The buffer is empty. Where this fails the old one goes on.
    fn rotate(&mut self, shared: &Shared) {
        let mark = self.mark();
        if let Err(error) = self.try_rotate(shared) {
            let _ = shared.disk.remove(&temporary(self.segment.name.followed_by(self.seq)));
            self.back_to(mark);
            self.last = Place { seq: mark.seq, hash: mark.head };
            self.segment.rotate_at = self.segment.bytes.saturating_add(ROTATION_RETRY_BYTES);
            tracing::warn!(segment = %self.segment.name, %error, "no new segment could be begun; the full one goes on");
        }
    }

    fn try_rotate(&mut self, shared: &Shared) -> Result<(), LedgerDown> {
        self.push(&Seal { at: now(), event: SEAL_EVENT, why: SEAL_FULL })
            .map_err(|unfit| LedgerDown(unfit.to_string()))?;
        let name = self.segment.name.followed_by(self.seq);
        // The new one is all made before the old one is sealed, so that what may fail leaves no trace in the old.
        let next = shared.create(name, self.head, self.seq, &[]).map_err(|error| shared.down(name, &error))?;
        let unsealed = self.segment.bytes;
        self.write(shared)?;
        if let Err(error) = shared.publish(name) {
            self.segment.bytes = unsealed;
            self.dirty = self.segment.file.set_len(unsealed).is_err();
            return Err(shared.down(name, &error));
        }
        self.unnamed = shared.is_synced();
        self.bytes_before = self.bytes_before.saturating_add(self.segment.bytes);
        (self.seq, self.head) = (name.first, next.hash);
        self.last = Place { seq: name.first, hash: next.hash };
        if self.signed {
            self.leaves.push(next.hash);
            self.written = self.leaves.len();
            self.finished.push(self.segment.name);
        }
        self.segment = next;
        Ok(())
    }

    /// The last word, when the process ends in good order.
    fn seal(&mut self, shared: &Shared) -> Result<(), LedgerDown> {
        let mark = self.mark();
        let sealed = self
            .push(&Seal { at: now(), event: SEAL_EVENT, why: SEAL_STOPPED })
            .map_err(|unfit| LedgerDown(unfit.to_string()))
            .and_then(|()| self.write(shared));
        if sealed.is_err() {
            self.back_to(mark);
        }
        sealed
    }
}

fn lost(records: u64) -> Record {
    let detail = format!("{records} noted records found no place while the log could not be written");
    let event = Event::Noticed { what: "records_lost", detail };
    Record { at: UnixMicros(now()), session: None, event }
}

fn written_again() -> Record {
    let detail =
        "the log could not be written here for a while, and nothing that was asked in that time has run".to_owned();
    let event = Event::Noticed { what: "written_again", detail };
    Record { at: UnixMicros(now()), session: None, event }
}

/// Where one thread at a time adds, which its lock sees to.
fn add(to: &AtomicU64, more: u64) {
    to.store(to.load(Ordering::Relaxed).saturating_add(more), Ordering::Relaxed);
}

fn temporary(name: SegmentName) -> String {
    format!("{name}{NEW_SUFFIX}")
}

pub(crate) fn now() -> u64 {
    UnixMicros::from(SystemTime::now()).0
}

#[cfg(test)]
mod tests;
