//! What the tests of this crate share: records, a disk that fails when told to, and ways to look at a folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use gate::{Decided, Ended, Event, Ledger, LedgerDown, Outcome, Record, Recorded, Ruling};
use model::{Digest, LogText, SessionId, UnixMicros};
use parking_lot::Mutex;

use crate::disk::{Disk, Folder, SegmentFile, Stat};
use crate::log::{Durability, Log, OpenError, Settings};
use crate::read::{LoggedRecord, records};
use crate::signer::Signing;

/// A clock that never stands still, so that the order of records is known.
pub fn tick() -> UnixMicros {
    static NOW: AtomicU64 = AtomicU64::new(1_795_000_000_000_000);
    UnixMicros(NOW.fetch_add(1, Ordering::Relaxed))
}

/// A decision with the number `op`.
pub fn decided(op: u64) -> Record {
    Record {
        at: tick(),
        session: Some(SessionId("0198f0a2-session".into())),
        event: Event::Decided(Decided {
            op,
            ruling: Ruling::Permit,
            step: "execute",
            asks: ["select shop.orders"].into_iter().collect(),
            rules: ["use"].into_iter().collect(),
            why: None,
            digest: Digest([9; 32]),
            text: LogText("SELECT * FROM orders WHERE note = 'ü'".into()),
            bound: None,
        }),
    }
}

/// The end of an operation with the number `op`.
pub fn ended(op: u64) -> Record {
    let ended =
        Ended { op, outcome: Outcome::Done, rows: 3, bytes: 99, masked: 0, classes: None, fields: None, found: None };
    Record { at: tick(), session: Some(SessionId("0198f0a2-session".into())), event: Event::Ended(ended) }
}

/// A log with small segments.
pub fn small(folder: &Path, lanes: usize) -> Log {
    open(folder, lanes, 4096, Box::new(Folder(folder.to_owned()))).unwrap()
}

pub fn open(folder: &Path, lanes: usize, segment_bytes_max: u64, disk: Box<dyn Disk>) -> Result<Log, OpenError> {
    open_with(folder, lanes, segment_bytes_max, disk, None)
}

pub fn open_with(
    folder: &Path,
    lanes: usize,
    segment_bytes_max: u64,
    disk: Box<dyn Disk>,
    signing: Option<Signing>,
) -> Result<Log, OpenError> {
    let durability = Durability::Written;
    let settings =
        Settings { lanes, instance: "test", durability, segment_bytes_max, signing, sign_records: 1000, mirror: None };
    Log::open_on(folder, settings, disk)
}

/// All records; nothing may be wrong with them.
pub fn all(folder: &Path) -> Vec<LoggedRecord> {
    records(folder).unwrap().map(Result::unwrap).collect()
}

/// The `op` of records that have one.
pub fn ops<'a>(records: impl IntoIterator<Item = &'a LoggedRecord>) -> Vec<u64> {
    records.into_iter().filter_map(|record| record.event.get("op")?.as_u64()).collect()
}

/// Copies a folder as a killed process would leave it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// The path of a lane's last segment.
pub fn last_segment(folder: &Path, lane: u16) -> std::path::PathBuf {
    let listing = crate::walk::list(folder).unwrap();
    folder.join(listing.lanes[&lane].last().unwrap().to_string())
}

/// When a [`FailingDisk`] fails: from one of its operations on, for some.
#[derive(Clone, Copy, Debug, Default)]
pub struct Failure {
    pub from: usize,
    pub count: usize,
    /// Whether a failing write takes half of the bytes before the next one fails.
    pub short: bool,
    /// Whether what fails is every kind of operation, or just writes.
    pub writes_only: bool,
    /// How many operations there were.
    pub operations: usize,
}

/// The real disk, full now and then.
pub struct FailingDisk {
    folder: Folder,
    failure: Arc<Mutex<Failure>>,
}

impl FailingDisk {
    pub fn on(folder: &Path, failure: Failure) -> (Box<dyn Disk>, Arc<Mutex<Failure>>) {
        let failure = Arc::new(Mutex::new(failure));
        (Box::new(Self { folder: Folder(folder.to_owned()), failure: failure.clone() }), failure)
    }
}

struct FailingFile {
    file: Box<dyn SegmentFile>,
    failure: Arc<Mutex<Failure>>,
}

/// Whether this operation fails, and if it is to be a short write.
fn strike(failure: &Mutex<Failure>, is_write: bool) -> Option<bool> {
    let mut failure = failure.lock();
    if failure.writes_only && !is_write {
        return None;
    }
    let n = failure.operations;
    failure.operations += 1;
    let is_in = n >= failure.from && n - failure.from < failure.count;
    is_in.then_some(failure.short && n == failure.from && is_write)
}

/// What Linux itself says of a full disk: `/dev/full` takes no byte.
pub fn full() -> io::Error {
    OpenOptions::new().write(true).open("/dev/full").unwrap().write_all(b"x").unwrap_err()
}

impl Disk for FailingDisk {
    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        match strike(&self.failure, false) {
            Some(_) => Err(full()),
            None => Ok(Box::new(FailingFile { file: self.folder.create(name)?, failure: self.failure.clone() })),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        strike(&self.failure, false).map_or_else(|| self.folder.rename(from, to), |_| Err(full()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        strike(&self.failure, false).map_or_else(|| self.folder.remove(name), |_| Err(full()))
    }

    fn sync(&self) -> io::Result<()> {
        strike(&self.failure, false).map_or_else(|| self.folder.sync(), |_| Err(full()))
    }

    fn sync_segment(&self, name: &str) -> io::Result<()> {
        self.folder.sync_segment(name)
    }
}

impl Write for FailingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match strike(&self.failure, true) {
            Some(true) => self.file.write(&bytes[..bytes.len().div_ceil(2)]),
            Some(false) => Err(full()),
            None => self.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl SegmentFile for FailingFile {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        strike(&self.failure, false).map_or_else(|| self.file.set_len(bytes), |_| Err(full()))
    }

    fn sync(&mut self) -> io::Result<()> {
        strike(&self.failure, false).map_or_else(|| self.file.sync(), |_| Err(full()))
    }

    fn stat(&self) -> io::Result<Stat> {
        self.file.stat()
    }
}

/// Makes a file hold this. Not by truncating: some file systems then wait for the disk.
pub fn put(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    File::create(path).unwrap().write_all(bytes).unwrap();
}

/// Numbers that look random and are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// A ledger in memory.
#[derive(Default)]
pub struct Book {
    pub records: Mutex<Vec<Record>>,
    /// Whether it takes notes alone.
    pub is_down: AtomicBool,
}

impl Ledger for Book {
    fn append(&self, records: &[Record]) -> Result<(), LedgerDown> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(LedgerDown("full".into()));
        }
        self.records.lock().extend_from_slice(records);
        Ok(())
    }

    fn note(&self, record: Record) {
        self.records.lock().push(record);
    }
}

impl Book {
    /// What it was told of recordings: the session and the rest.
    pub fn recorded(&self) -> Vec<(String, Recorded)> {
        let told = self.records.lock();
        let told = told.iter().filter_map(|record| match &record.event {
            Event::Recorded(recorded) => Some((record.session.as_ref()?.to_string(), recorded.clone())),
            _ => None,
        });
        told.collect()
    }
}
