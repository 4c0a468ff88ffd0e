//! What the tests of recordings share: disks that fail or wait when told to, and ways to read.

use std::fs;
use std::io::{self, Cursor, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use gate::{Frame, Opening, Recorder, Recording};
use model::{RecordingLevel, SessionId, UnixMicros};
use parking_lot::Mutex;

use super::chunk::LEVEL;
use super::disk::{Disk, Folder, Look, OpenFile};
use super::reader::{Fault, Kept, Next, Reader, Unreadable};
use super::{RecordingKeys, Recordings};
pub use crate::testing::Book;
use crate::testing::{Failure, full};

/// When the sessions of these tests begin.
pub const OPENED: u64 = 1_795_132_800_000_000;
/// The day of that.
pub const DAY: &str = "2026-11-20";

pub fn keys() -> RecordingKeys {
    RecordingKeys::new(&[7; 32]).unwrap()
}

/// Recordings whose writer does nothing by itself: it works when a page is full, at an end, and in `round`.
pub fn still(folder: &Path, book: &Arc<Book>) -> Recordings {
    on(folder, book, Box::new(Folder(folder.to_owned())))
}

pub fn on(folder: &Path, book: &Arc<Book>, disk: Box<dyn Disk>) -> Recordings {
    Recordings::open_on(folder, keys(), book.clone(), LEVEL, disk).unwrap()
}

impl Recordings {
    /// A session of this name, recorded in full.
    pub fn start(&self, session: &str) -> Box<dyn Recording> {
        self.start_at(session, RecordingLevel::Full)
    }

    /// The same at this level.
    pub fn start_at(&self, session: &str, level: RecordingLevel) -> Box<dyn Recording> {
        let session = SessionId(session.into());
        self.begin(&Opening { session: &session, at: UnixMicros(OPENED), protocol: "postgres", level }).unwrap()
    }

    /// Writes all that waits.
    pub fn flush(&self) {
        self.shared.round(true);
    }
}

/// Adds something that was shown.
pub fn show(recording: &dyn Recording, after: u64, bytes: &[u8]) {
    recording.add(UnixMicros(OPENED + after), Frame::Shown(bytes));
}

/// How a reading stopped.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    Unreadable(String),
    Fault(Fault),
    Unfinished { offset: u64, torn: u64 },
    Complete,
}

/// Reads these bytes to where they stop.
pub fn read(bytes: &[u8], keys: &RecordingKeys) -> (Vec<Kept>, Stop) {
    match Reader::of(Cursor::new(bytes), keys) {
        Ok(mut reader) => drain(&mut reader),
        Err(error) => (Vec::new(), Stop::Unreadable(Unreadable::to_string(&error))),
    }
}

pub fn drain<R: io::Read + io::Seek>(reader: &mut Reader<R>) -> (Vec<Kept>, Stop) {
    let mut found = Vec::new();
    loop {
        match reader.next() {
            Ok(Next::Frame(kept)) => found.push(kept),
            Ok(Next::Complete) => return (found, Stop::Complete),
            Ok(Next::Unfinished { offset, torn }) => return (found, Stop::Unfinished { offset, torn }),
            Err(fault) => return (found, Stop::Fault(fault)),
        }
    }
}

/// The bytes of a recording, which is complete.
pub fn shelved(folder: &Path, session: &str) -> Vec<u8> {
    fs::read(folder.join(DAY).join(format!("{session}.rec"))).unwrap()
}

/// The path of a recording that is open.
pub fn open_path(folder: &Path, session: &str) -> std::path::PathBuf {
    folder.join("open").join(format!("{session}.rec"))
}

/// Copies the open recordings as a killed process would leave them.
pub fn copy_open(from: &Path, to: &Path) {
    crate::testing::copy(&from.join("open"), &to.join("open"));
}

/// The real disk, full now and then.
pub struct FailingDisk {
    folder: Folder,
    failure: Arc<Mutex<Failure>>,
}

struct FailingFile {
    file: Box<dyn OpenFile>,
    failure: Arc<Mutex<Failure>>,
}

impl FailingDisk {
    pub fn on(folder: &Path, failure: Failure) -> (Box<dyn Disk>, Arc<Mutex<Failure>>) {
        let failure = Arc::new(Mutex::new(failure));
        (Box::new(Self { folder: Folder(folder.to_owned()), failure: failure.clone() }), failure)
    }

    fn file(&self, file: Box<dyn OpenFile>) -> Box<dyn OpenFile> {
        Box::new(FailingFile { file, failure: self.failure.clone() })
    }
}

/// Whether this operation fails, and if it is to be a short write.
fn strike(failure: &Mutex<Failure>, is_write: bool) -> Option<bool> {
    let mut failure = failure.lock();
    let n = failure.operations;
    failure.operations += 1;
    let is_in = n >= failure.from && n - failure.from < failure.count;
    is_in.then_some(failure.short && n == failure.from && is_write)
}

fn struck(failure: &Mutex<Failure>) -> io::Result<()> {
    strike(failure, false).map_or(Ok(()), |_| Err(full()))
}

impl Disk for FailingDisk {
    fn make_folder(&self, name: &str) -> io::Result<()> {
        struck(&self.failure).and_then(|()| self.folder.make_folder(name))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        struck(&self.failure)?;
        Ok(self.file(self.folder.create(name)?))
    }

    fn reopen(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        struck(&self.failure)?;
        Ok(self.file(self.folder.reopen(name)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        struck(&self.failure).and_then(|()| self.folder.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        struck(&self.failure).and_then(|()| self.folder.remove(name))
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        struck(&self.failure).and_then(|()| self.folder.sync_folder(name))
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        struck(&self.failure).and_then(|()| self.folder.remove_folder(name))
    }
}

impl Write for FailingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match strike(&self.failure, true) {
            // The next one must fail, or this is no failure: the writer goes on after a short write.
            Some(true) => {
                self.failure.lock().count += 1;
                self.file.write(&bytes[..bytes.len().div_ceil(2)])
            }
            Some(false) => Err(full()),
            None => self.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl OpenFile for FailingFile {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        struck(&self.failure).and_then(|()| self.file.set_len(bytes))
    }

    fn look(&self) -> io::Result<Look> {
        struck(&self.failure).and_then(|()| self.file.look())
    }
}

/// The real disk, which says of each write that it is done, and waits while the test holds it.
pub struct WatchedDisk {
    pub folder: Folder,
    pub held: Arc<Mutex<()>>,
    pub written: Sender<usize>,
}

struct WatchedFile {
    file: Box<dyn OpenFile>,
    held: Arc<Mutex<()>>,
    written: Sender<usize>,
}

impl Disk for WatchedDisk {
    fn make_folder(&self, name: &str) -> io::Result<()> {
        self.folder.make_folder(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        self.folder.create(name)
    }

    fn reopen(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        let file = self.folder.reopen(name)?;
        Ok(Box::new(WatchedFile { file, held: self.held.clone(), written: self.written.clone() }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.folder.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.remove(name)
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        self.folder.sync_folder(name)
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        self.folder.remove_folder(name)
    }
}

impl Write for WatchedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _held = self.held.lock();
        let written = self.file.write(bytes)?;
        let _ = self.written.send(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl OpenFile for WatchedFile {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn look(&self) -> io::Result<Look> {
        self.file.look()
    }
}
