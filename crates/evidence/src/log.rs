//! The writer's side: a folder taken for one process, its lanes, and the thread that writes what waits.

use std::collections::BTreeMap;
use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use gate::{Event, Ledger as _, LedgerDown, Record};
use model::UnixMicros;
use serde::Deserialize;

use crate::disk::{Disk, Folder};
use crate::folder::{Lock, make_private};
use crate::format::{LOCK_NAME, NEW_SUFFIX, SEGMENT_BYTES_MAX, SegmentName};
use crate::lane::{self, Lane, Shared, now};
use crate::meter::{Meter, Places, SignerGauge};
use crate::mirror::{Differ, Down, Mirror, reconcile};
use crate::note::VerifyKey;
use crate::recover::lane_end;
use crate::resume::{NotAsSigned, resume};
use crate::signer::{SIGN_RECORDS, SIGN_WAIT, Signer, Signing};
use crate::space::Space;
use crate::verify::Fault;
use crate::walk::list;

/// How long what is noted may wait for an append before it is written by itself. Half of what is promised (100 ms), so
/// that a slow disk has the other half.
const NOTE_WAIT: Duration = Duration::from_millis(50);

/// What an append waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The operating system has the records: they survive a killed process.
    #[default]
    Written,
    /// The disk has them: they survive a lost power.
    Synced,
}

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "the log folder {} is in use by another Weir; stop that one first, or give this one a state folder of its own",
        .0.display()
    )]
    InUse(PathBuf),
    /// It is not what was signed.
    #[error("the log in {} is not as it was signed: {what}", .folder.display())]
    NotAsSigned {
        /// Which.
        folder: PathBuf,
        /// What is wrong.
        what: NotAsSigned,
    },
    /// The record with which a new epoch begins can't be written.
    #[error("{0}")]
    Unwritten(LedgerDown),
    /// Its two places are not the same log.
    #[error(transparent)]
    Differ(#[from] Differ),
    /// There are more lanes than a log can have.
    #[error("a log has at most 65535 lanes, not {0}")]
    Lanes(usize),
    /// Something about the folder or a file in it.
    #[error("{}: {what}: {error}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        error: io::Error,
    },
}

/// A log that this process writes.
pub struct Log {
    lanes: Vec<Arc<Lane>>,
    first: Arc<Lane>,
    shared: Arc<Shared>,
    recovered: Vec<Fault>,
    flusher: Option<JoinHandle<()>>,
    signer: Option<JoinHandle<Signer>>,
    signer_gauge: Option<Arc<SignerGauge>>,
    signed_by: Option<VerifyKey>,
    places: Option<Places>,
}

/// What a log is opened with, beside its folder.
pub(crate) struct Settings<'a> {
    pub lanes: usize,
    pub instance: &'a str,
    pub durability: Durability,
    pub segment_bytes_max: u64,
    pub signing: Option<Signing>,
    /// Records after which a checkpoint is not waited for any longer.
    pub sign_records: usize,
    /// The other folder that it is written to as well.
    pub mirror: Option<PathBuf>,
}

impl<'a> Settings<'a> {
    fn new(lanes: usize, instance: &'a str, durability: Durability, signing: Option<Signing>) -> Self {
        let (segment_bytes_max, sign_records) = (SEGMENT_BYTES_MAX, SIGN_RECORDS);
        Self { lanes, instance, durability, segment_bytes_max, signing, sign_records, mirror: None }
    }
}

impl Log {
    /// Opens the log in `folder`, which is made if it is not there, with one lane for each of `lanes` workers.
    /// `instance` names this process in the segments that it writes.
    ///
    /// A folder has one writer: a second one is refused. The lock goes when the log and all its lanes are dropped, or
    /// the process ends.
    pub fn open(folder: &Path, lanes: usize, instance: &str, durability: Durability) -> Result<Self, OpenError> {
        let settings = Settings::new(lanes, instance, durability, None);
        Self::open_on(folder, settings, Box::new(Folder(folder.to_owned())))
    }

    /// Opens a log that is signed: a checkpoint of the whole is made soon after each record, and a log that is not what its checkpoints, or
    /// the witnesses, say is not opened. What was written before it was ever signed is in its first checkpoint.
    pub fn open_signed(
        folder: &Path,
        lanes: usize,
        instance: &str,
        durability: Durability,
        signing: Signing,
    ) -> Result<Self, OpenError> {
        let settings = Settings::new(lanes, instance, durability, Some(signing));
        Self::open_on(folder, settings, Box::new(Folder(folder.to_owned())))
    }

    /// The same, written to another folder as well, which should be on another disk: a record that one of them has is written. What one of them
    /// lacks is brought there first; where each has something that the other has not, nothing is opened.
    pub fn open_mirrored(
        folder: &Path,
        mirror: &Path,
        lanes: usize,
        instance: &str,
        durability: Durability,
        signing: Signing,
    ) -> Result<Self, OpenError> {
        let mut settings = Settings::new(lanes, instance, durability, Some(signing));
        settings.mirror = Some(mirror.to_owned());
        Self::open_on(folder, settings, Box::new(Folder(folder.to_owned())))
    }

    pub(crate) fn open_on(folder: &Path, settings: Settings<'_>, mut disk: Box<dyn Disk>) -> Result<Self, OpenError> {
        let fail = |path: &Path, what| {
            let path = path.to_owned();
            move |error| OpenError::Io { path, what, error }
        };
        let count = u16::try_from(settings.lanes.max(1)).map_err(|_| OpenError::Lanes(settings.lanes))?;
        make_private(folder).map_err(fail(folder, "the log folder cannot be made"))?;
        let lock = lock(folder)?;
        sweep(folder).map_err(fail(folder, "a segment that was never begun cannot be removed"))?;
        let (mut places, mut brought) = (None, Vec::new());
        if let Some(other) = &settings.mirror {
            let down = match both(folder, other) {
                Ok((mirror, mended)) => {
                    brought = mended;
                    let down = Arc::clone(mirror.down());
                    disk = Box::new(mirror);
                    down
                }
                Err(error) if error.is_of(other) => {
                    tracing::error!(
                        "the log is written to {} alone until Weir starts again: {error}",
                        folder.display()
                    );
                    Down::of_second()
                }
                Err(error) => return Err(error),
            };
            places = Some(Places::new([folder, other], &down));
        }
        let listing = list(folder).map_err(fail(folder, "the log folder cannot be read"))?;
        let standing = settings.signing.as_ref().map(|signing| resume(folder, &listing.lanes, signing)).transpose();
        let standing = standing.map_err(|what| OpenError::NotAsSigned { folder: folder.to_owned(), what })?;
        let hurry_at = settings.sign_records.checked_div(usize::from(count)).unwrap_or_default().max(1);
        let shared = Arc::new(Shared {
            disk,
            folder: folder.to_owned(),
            space: Arc::new(Space::new("decision log", folder)),
            instance: settings.instance.to_owned(),
            opened: now(),
            lanes: count,
            durability: settings.durability,
            segment_bytes_max: settings.segment_bytes_max,
            bell: Bell::default(),
            signing: standing.is_some().then(|| lane::Signing { bell: Bell::default(), hurry_at }),
            unattended: AtomicBool::new(false),
            _lock: lock,
        });
        let mut recovered = Vec::new();
        let mut begin = |number: u16| -> Result<Arc<Lane>, OpenError> {
            let segments = listing.lanes.get(&number).map(Vec::as_slice).unwrap_or_default();
            let end = lane_end(folder, segments).map_err(fail(folder, "the end of the log cannot be read"))?;
            for torn in &end.torn {
                if !end.natural {
                    tracing::error!(segment = torn.segment, offset = torn.offset, "the log is damaged: {}", torn.what);
                }
                recovered.push(Fault {
                    lane: Some(number),
                    segment: Some(torn.segment.clone()),
                    offset: Some(torn.offset),
                    seq: end.seq.checked_add(1),
                    what: torn.what.clone(),
                });
            }
            Lane::begin(shared.clone(), number, end.next, end.head, end.seq, &end.torn)
                .map(Arc::new)
                .map_err(fail(folder, "a segment cannot be begun"))
        };
        // From the last to the first: the first one's header then says that all the others are there.
        let mut lanes = (1..count).rev().map(&mut begin).collect::<Result<Vec<_>, _>>()?;
        let first = begin(0)?;
        lanes.push(first.clone());
        lanes.reverse();
        let flusher = thread::Builder::new()
            .name("weir-log".to_owned())
            .spawn({
                let (shared, lanes) = (shared.clone(), lanes.iter().map(Arc::downgrade).collect::<Vec<_>>());
                move || {
                    shared.bell.attend(NOTE_WAIT, || {
                        // Each of them, also after one that could not be written.
                        let left = lanes.iter().filter_map(Weak::upgrade).filter(|lane| !lane.flush()).count();
                        left == 0
                    });
                }
            })
            .map_err(fail(folder, "the thread that writes the log cannot be started"))?;
        shared.bell.belongs_to(flusher.thread().clone());
        let mut log = Self {
            lanes,
            first,
            shared,
            recovered,
            flusher: Some(flusher),
            signer: None,
            signer_gauge: None,
            signed_by: None,
            places,
        };
        for detail in brought {
            tracing::warn!("{detail}");
            let event = Event::Noticed { what: "log_place_mended", detail };
            log.first.note(Record { at: UnixMicros(now()), session: None, event });
        }
        if let Some((mut signing, standing)) = settings.signing.zip(standing) {
            let is_new = signing.new_epoch.is_some();
            if let Some(doubt) = &standing.doubt {
                let unheard = signing.witnesses.iter_mut().filter(|witness| doubt.places.contains(&witness.place()));
                unheard.for_each(|witness| witness.doubt(Arc::clone(&doubt.check)));
            }
            if let Some(new) = signing.new_epoch.take() {
                tracing::warn!(
                    epoch = standing.epoch.number,
                    given_up = standing.epoch.given_up,
                    "a new epoch of the log begins"
                );
                log.first.append(&[standing.begun(new)]).map_err(OpenError::Unwritten)?;
            }
            standing.taken().into_iter().for_each(|record| log.first.note(record));
            let last = listing.lanes.values().filter_map(|segments| segments.last().copied()).collect();
            let mut signer = Signer::new(signing, standing, last);
            log.signer_gauge = Some(Arc::clone(signer.gauge()));
            // Before anything else is written, so that no log is ever found without one.
            signer.sign(&log.lanes, false);
            if is_new && signer.is_behind() {
                let why = "the checkpoint with which the new epoch begins could not be written".to_owned();
                return Err(OpenError::Unwritten(LedgerDown(why)));
            }
            log.signed_by = Some(signer.key().clone());
            let signer = log.begin_signing(signer);
            log.signer = Some(signer.map_err(fail(folder, "the thread that signs the log cannot be started"))?);
        }
        Ok(log)
    }

    /// Starts the thread that signs.
    fn begin_signing(&self, mut signer: Signer) -> io::Result<JoinHandle<Signer>> {
        let (shared, lanes) = (self.shared.clone(), self.lanes.iter().map(Arc::downgrade).collect::<Vec<_>>());
        let thread = thread::Builder::new().name("weir-signer".to_owned()).spawn(move || {
            if let Some(lane::Signing { bell, .. }) = &shared.signing {
                bell.attend(SIGN_WAIT, || {
                    let lanes = lanes.iter().map(Weak::upgrade).collect::<Option<Vec<_>>>();
                    lanes.is_none_or(|lanes| signer.sign(&lanes, false))
                });
            }
            signer
        })?;
        if let Some(lane::Signing { bell, .. }) = &self.shared.signing {
            bell.belongs_to(thread.thread().clone());
        }
        Ok(thread)
    }

    /// A lane. There are as many as were opened; a number beyond begins again at the first.
    pub fn lane(&self, number: usize) -> Arc<Lane> {
        let number = number.checked_rem(self.lanes.len()).unwrap_or(0);
        self.lanes.get(number).unwrap_or(&self.first).clone()
    }

    /// The key that signs it since it was opened; none if it is not signed. Where another was to follow, that is this one as soon as the
    /// checkpoint is written that says so, and the one before is not needed any more.
    pub fn signed_by(&self) -> Option<&VerifyKey> {
        self.signed_by.as_ref()
    }

    /// How much it takes, and whether it can take more.
    pub fn meter(&self) -> Meter {
        Meter {
            lanes: self.lanes.iter().map(|lane| Arc::clone(lane.gauge())).collect(),
            signer: self.signer_gauge.clone(),
            places: self.places.clone(),
        }
    }

    /// How much is free on its disk. Nothing is kept free there until a [`Reserve`](crate::Reserve) has it.
    pub fn space(&self) -> Arc<Space> {
        Arc::clone(&self.shared.space)
    }

    /// What could not be read at the end of the segments that were there: usually a record that a killed process was
    /// writing. It stays where it is, and the new segments' headers say so.
    pub fn recovered(&self) -> &[Fault] {
        &self.recovered
    }
}

impl Drop for Log {
    /// Writes all that waits. A lane that someone still holds goes on, and writes each note at once.
    fn drop(&mut self) {
        self.shared.unattended.store(true, Ordering::Release);
        self.shared.bell.stop();
        if let Some(flusher) = self.flusher.take() {
            let _ = flusher.join();
        }
        for lane in &self.lanes {
            lane.flush();
        }
        if let Some(lane::Signing { bell, .. }) = &self.shared.signing {
            bell.stop();
        }
        // The last checkpoint covers all but the lanes' seals.
        if let Some(Ok(mut signer)) = self.signer.take().map(JoinHandle::join) {
            signer.sign(&self.lanes, true);
        }
    }
}

/// Wakes a thread of the log: the one that writes what is noted, or the one that signs.
#[derive(Default)]
pub(crate) struct Bell {
    /// Whether the thread knows already that something waits.
    rung: AtomicBool,
    /// And that it should not wait for more.
    hurried: AtomicBool,
    stopped: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Bell {
    fn belongs_to(&self, thread: Thread) {
        let _ = self.thread.set(thread);
        self.wake();
    }

    /// Says that something was noted: called after the lane's lock is free again.
    ///
    /// The thread lowers `rung` before it takes the lanes' locks. So whoever noted something after it looked at that
    /// lane has had the lock after it, and sees `rung` lowered: a plain load is enough for that.
    pub fn ring(&self) {
        if !self.rung.load(Ordering::Relaxed) && !self.rung.swap(true, Ordering::AcqRel) {
            self.wake();
        }
    }

    /// Says that so much has gathered that it should not wait for more.
    pub fn hurry(&self) {
        if !self.hurried.load(Ordering::Relaxed) && !self.hurried.swap(true, Ordering::AcqRel) {
            self.rung.store(true, Ordering::Release);
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wake();
    }

    /// Calls `work` this long after each ring, or at once when hurried, until stopped; and again while it says that something is left.
    fn attend(&self, wait: Duration, mut work: impl FnMut() -> bool) {
        while !self.stopped.load(Ordering::Acquire) {
            if !self.rung.load(Ordering::Acquire) {
                thread::park();
                continue;
            }
            let until = Instant::now().checked_add(wait);
            while let Some(left) = until.and_then(|until| until.checked_duration_since(Instant::now())) {
                let is_time = self.hurried.load(Ordering::Acquire) || self.stopped.load(Ordering::Acquire);
                if left.is_zero() || is_time {
                    break;
                }
                thread::park_timeout(left);
            }
            self.hurried.store(false, Ordering::Release);
            self.rung.store(false, Ordering::Release);
            if !work() {
                self.rung.store(true, Ordering::Release);
            }
        }
    }
}

impl OpenError {
    /// Whether it is a disk's, and this folder's.
    fn is_of(&self, folder: &Path) -> bool {
        match self {
            Self::Io { path, .. } | Self::Differ(Differ::Io { path, .. }) => path.starts_with(folder),
            _ => false,
        }
    }
}

/// The two places of a log made the same, and what was brought where for that.
fn both(folder: &Path, other: &Path) -> Result<(Mirror, Vec<String>), OpenError> {
    let fail = |what| move |error| OpenError::Io { path: other.to_owned(), what, error };
    make_private(other).map_err(fail("the log's second place cannot be made"))?;
    let lock = lock(other)?;
    sweep(other).map_err(fail("a segment that was never begun cannot be removed"))?;
    let brought = reconcile(folder, other)?;
    Ok((Mirror::new(folder, other, lock), brought))
}

fn lock(folder: &Path) -> Result<Lock, OpenError> {
    let path = folder.join(LOCK_NAME);
    Lock::take(&path).map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::InUse(folder.to_owned()),
        TryLockError::Error(error) => OpenError::Io { path, what: "the log cannot be locked", error },
    })
}

/// What a log is by itself and to its witnesses, without opening it to write: the error is the one that would keep it closed.
pub fn look(folder: &Path, signing: &Signing) -> Result<(), NotAsSigned> {
    let lanes = match list(folder) {
        // Taken away as a whole.
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        listed => listed?.lanes,
    };
    resume(folder, &lanes, signing).map(|_| ())
}

/// Brings what one of a log's two places lacks there from the other, as opening it does. Says what was brought.
pub fn make_same(folder: &Path, mirror: &Path) -> Result<Vec<String>, OpenError> {
    let take = |place: &Path| {
        let what = "a place of the log cannot be made";
        make_private(place).map_err(|error| OpenError::Io { path: place.to_owned(), what, error })?;
        lock(place)
    };
    let _locks = (take(folder)?, take(mirror)?);
    Ok(reconcile(folder, mirror)?)
}

/// Whether nobody writes this log: the error is that somebody does, or that it can't be told.
pub fn is_idle(folder: &Path) -> Result<(), OpenError> {
    if !folder.exists() {
        return Ok(());
    }
    lock(folder).map(drop)
}

/// Puts a log aside, as it is, so that a new one can begin in its place. Returns where it is then.
pub fn put_aside(folder: &Path) -> Result<PathBuf, OpenError> {
    let _lock = lock(folder)?;
    let named = |count: u64| {
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(format!(".aside-{count}"));
        folder.with_file_name(name)
    };
    let to = (1..=u64::MAX).map(named).find(|to| !to.exists()).unwrap_or_else(|| named(0));
    let fail = |error| OpenError::Io { path: folder.to_owned(), what: "the log cannot be put aside", error };
    fs::rename(folder, &to).map_err(fail)?;
    Ok(to)
}

/// Removes segments that never got their name: they have no records.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().strip_suffix(NEW_SUFFIX).and_then(SegmentName::parse).is_some() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
