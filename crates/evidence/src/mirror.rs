//! Two sinks: every segment in two folders, which should be on two disks. What one of them has is written; what only one has is made good in the other
//! as soon as it can be.
//!
//! A lane knows nothing of it: to it this is a [`Disk`] like another. A side that fails is *down*: it is left alone for a second, then what it lacks is copied
//! from the other, and it goes on. A side whose file somebody else has changed is not touched any more, since what is in it is evidence; the next start
//! finds that the two differ ([`reconcile`]) and does not begin.

mod reconcile;

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::disk::{Disk, Folder, SegmentFile, Stat};
use crate::folder::Lock;
use crate::format::NEW_SUFFIX;

pub use reconcile::Differ;
pub(crate) use reconcile::reconcile;

/// How long a side that failed is left alone.
const HEAL_AFTER: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 1000 });
/// Bytes that are copied at once.
const COPY_BYTES: usize = 256 * 1024;

/// Both folders.
pub(crate) struct Mirror {
    sides: [PathBuf; 2],
    down: Arc<Down>,
    /// The other folder's; the first one's is the log's.
    _lock: Lock,
}

/// How many files are down on each side, for whoever watches.
#[derive(Debug, Default)]
pub(crate) struct Down([AtomicUsize; 2]);

impl Down {
    /// Where there is no second place to write to.
    pub fn of_second() -> Arc<Self> {
        let down = Self::default();
        down.count(1, true);
        Arc::new(down)
    }

    /// Whether the first, and the second place lack something.
    pub fn read(&self) -> [bool; 2] {
        [0, 1].map(|side| self.0.get(side).is_some_and(|count| count.load(Ordering::Relaxed) > 0))
    }

    fn count(&self, side: usize, is_down: bool) {
        let Some(count) = self.0.get(side) else { return };
        if is_down {
            count.fetch_add(1, Ordering::Relaxed);
        } else {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Mirror {
    /// The two, which hold the same.
    pub fn new(first: &Path, second: &Path, lock: Lock) -> Self {
        Self { sides: [first.to_owned(), second.to_owned()], down: Arc::default(), _lock: lock }
    }

    /// Which side is down.
    pub fn down(&self) -> &Arc<Down> {
        &self.down
    }

    /// Does it in both folders: one of them is enough.
    fn in_both<T>(&self, mut act: impl FnMut(&Folder) -> io::Result<T>) -> io::Result<[Option<T>; 2]> {
        let [one, other] = self.sides.clone().map(|folder| act(&Folder(folder)));
        match (one, other) {
            (Err(error), Err(_)) => Err(error),
            (one, other) => Ok([one.ok(), other.ok()]),
        }
    }
}

impl Disk for Mirror {
    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let files = self.in_both(|folder| folder.create(name))?;
        let name = name.strip_suffix(NEW_SUFFIX).unwrap_or(name).to_owned();
        let mut file = Mirrored { name, length: 0, sides: Vec::new(), touched: None, down: Arc::clone(&self.down) };
        for (at, (folder, side)) in self.sides.iter().zip(files).enumerate() {
            let folder = folder.clone();
            file.sides.push(Side {
                folder,
                file: side,
                good: 0,
                synced: 0,
                tried: None,
                is_down: false,
                is_lost: false,
            });
            if file.sides.last().is_some_and(|side| side.file.is_none()) {
                file.fell(at, &Came::Failed(io::ErrorKind::NotFound.into()));
            }
        }
        Ok(Box::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.in_both(|folder| {
            let renamed = folder.rename(from, to);
            if renamed.is_err() {
                // What has no name is found out when it is next written, and made anew.
                let _ = folder.remove(from);
            }
            renamed
        })
        .map(drop)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.in_both(|folder| folder.remove(name)).map(drop)
    }

    fn sync(&self) -> io::Result<()> {
        self.in_both(|folder| folder.sync()).map(drop)
    }

    /// By a side that lacks nothing.
    fn sync_segment(&self, name: &str) -> io::Result<()> {
        let whole = self.sides.iter().zip(self.down.read()).filter(|(_, is_down)| !is_down);
        let mut failed = None;
        for (folder, _) in whole {
            match Folder(folder.clone()).sync_segment(name) {
                Ok(()) => return Ok(()),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| io::Error::other("each of the log's two places lacks something")))
    }
}

/// A segment in both folders.
struct Mirrored {
    name: String,
    /// Bytes of it, wherever they are.
    length: u64,
    sides: Vec<Side>,
    /// What is wrong with the files, if that is nobody's disk.
    touched: Option<Stat>,
    down: Arc<Down>,
}

struct Side {
    folder: PathBuf,
    file: Option<Box<dyn SegmentFile>>,
    /// Bytes that it surely has, while it is down.
    good: u64,
    /// Bytes that its disk has.
    synced: u64,
    /// When it was last tried to make it good.
    tried: Option<Instant>,
    is_down: bool,
    /// Whether somebody else has changed it.
    is_lost: bool,
}

impl Side {
    fn is_due(&self) -> bool {
        self.is_down && !self.is_lost && self.tried.is_none_or(|tried| tried.elapsed() >= HEAL_AFTER)
    }
}

/// What came of a write on one side.
enum Came {
    Written,
    Failed(io::Error),
    /// The file has no name any more.
    Deleted,
    /// It has more or less than was written.
    Changed,
}

impl Side {
    fn write(&mut self, bytes: &[u8], expected: u64) -> Came {
        let Some(file) = self.file.as_deref_mut() else { return Came::Deleted };
        if let Err(error) = file.write_all(bytes) {
            return Came::Failed(error);
        }
        match file.stat() {
            Err(error) => Came::Failed(error),
            Ok(found) if found.links == 0 => Came::Deleted,
            Ok(found) if found.bytes != expected => Came::Changed,
            Ok(_) => Came::Written,
        }
    }

    /// Brings the file to this length by what the other one has behind the bytes that are good, and makes it anew where it is gone.
    fn copy(&mut self, name: &str, from: &Path, length: u64) -> io::Result<()> {
        let is_there = self.file.as_deref().is_some_and(|file| file.stat().is_ok_and(|stat| stat.links > 0));
        if !is_there {
            // Nothing that somebody has put there is written over.
            let new = OpenOptions::new().append(true).create_new(true).mode(0o600).open(self.folder.join(name))?;
            self.file = Some(Box::new(new));
            self.good = 0;
        }
        let Some(file) = self.file.as_deref_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        file.set_len(self.good)?;
        append_from(from, self.good, length, file)?;
        match file.stat()?.bytes == length {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Mirrored {
    /// What did not come about puts this side down; what it had before is good.
    fn fell(&mut self, at: usize, came: &Came) {
        let why = match came {
            Came::Written => return,
            Came::Failed(error) => error.to_string(),
            Came::Deleted => "it was deleted".to_owned(),
            Came::Changed => "somebody else has changed it: it is not touched any more".to_owned(),
        };
        let (length, name) = (self.length, &self.name);
        let Some(side) = self.sides.get_mut(at).filter(|side| !side.is_down) else { return };
        (side.is_down, side.good, side.tried) = (true, length, Some(Instant::now()));
        side.is_lost = matches!(came, Came::Changed);
        let folder = side.folder.display();
        tracing::error!(%folder, segment = name, "one of the log's two places fails, and the other goes on alone: {why}");
        self.down.count(at, true);
    }

    /// Tries to make good what sides lack that have failed.
    fn heal(&mut self) {
        for at in 0..self.sides.len() {
            let from = self.sides.iter().find(|side| !side.is_down).map(|side| side.folder.join(&self.name));
            let (length, name) = (self.length, self.name.clone());
            let due = self.sides.get_mut(at).filter(|side| side.is_due());
            // What has not got its name yet is found the next time.
            let (Some(from), Some(side)) = (from.filter(|from| from.exists()), due) else { continue };
            side.tried = Some(Instant::now());
            let folder = side.folder.display().to_string();
            match side.copy(&name, &from, length) {
                Ok(()) => {
                    side.is_down = false;
                    tracing::info!(
                        folder,
                        segment = name,
                        "the log is written here again, and nothing of this segment is missing"
                    );
                    self.down.count(at, false);
                }
                Err(error) => tracing::debug!(folder, segment = name, %error, "the log cannot be written here yet"),
            }
        }
    }

    /// Does it on each side that is not down. One on which it fails is down then, unless it fails on all.
    fn on_each(&mut self, mut act: impl FnMut(&mut dyn SegmentFile) -> io::Result<()>) -> io::Result<()> {
        let came = self.sides.iter_mut().map(|side| {
            let file = side.file.as_deref_mut().filter(|_| !side.is_down);
            file.map(|file| act(file).map_or_else(Came::Failed, |()| Came::Written))
        });
        let came: Vec<Option<Came>> = came.collect();
        self.settle(came)
    }

    /// One side that has done it is enough.
    fn settle(&mut self, came: Vec<Option<Came>>) -> io::Result<()> {
        if came.iter().any(|came| matches!(came, Some(Came::Written))) {
            for (at, came) in came.iter().enumerate() {
                came.iter().for_each(|came| self.fell(at, came));
            }
            return Ok(());
        }
        // What somebody has changed is not cut to a length either.
        for (at, came) in came.iter().enumerate().filter(|(_, came)| matches!(came, Some(Came::Changed))) {
            came.iter().for_each(|came| self.fell(at, came));
        }
        let failed = came.into_iter().flatten().find_map(|came| match came {
            Came::Failed(error) => Some(error),
            _ => None,
        });
        Err(failed.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
    }
}

impl Write for Mirrored {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heal();
        let expected = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let came = self.sides.iter_mut().map(|side| (!side.is_down).then(|| side.write(bytes, expected)));
        let came: Vec<Option<Came>> = came.collect();
        let was_touched = |came: &Option<Came>| matches!(came, Some(Came::Deleted | Came::Changed));
        if came.iter().flatten().count() > 0 && came.iter().all(|came| came.is_none() || was_touched(came)) {
            // Nobody's disk has failed: what was touched is for the lane to find.
            let is_deleted = came.iter().any(|came| matches!(came, Some(Came::Deleted)));
            self.touched = Some(Stat { links: u64::from(!is_deleted), bytes: u64::MAX });
        } else {
            self.settle(came)?;
        }
        self.length = expected;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SegmentFile for Mirrored {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.on_each(|file| file.set_len(bytes))?;
        self.length = bytes;
        self.sides.iter_mut().for_each(|side| side.good = side.good.min(bytes));
        Ok(())
    }

    /// What was not on a disk that fails may not be in its file any more, whatever can be read there now.
    fn sync(&mut self) -> io::Result<()> {
        let length = self.length;
        let synced = self.on_each(|file| file.sync());
        for side in &mut self.sides {
            match side.is_down {
                true => side.good = side.good.min(side.synced),
                false if synced.is_ok() => side.synced = length,
                false => {}
            }
        }
        synced
    }

    /// Each side was looked at when it was written.
    fn stat(&self) -> io::Result<Stat> {
        Ok(self.touched.unwrap_or(Stat { links: 1, bytes: self.length }))
    }
}

impl Drop for Mirrored {
    /// What is still missing of a segment that is finished is brought to the other place by the next start.
    fn drop(&mut self) {
        self.sides.iter_mut().for_each(|side| side.tried = None);
        self.heal();
        // It goes on to count as down.
        for side in self.sides.iter().filter(|side| side.is_down) {
            let folder = side.folder.display();
            tracing::warn!(%folder, segment = self.name, "a part of this segment is missing here until Weir starts again");
        }
    }
}

/// Adds what a file has between two places to another.
fn append_from(from: &Path, at: u64, to: u64, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let mut from = File::open(from)?;
    from.seek(SeekFrom::Start(at))?;
    let mut from = from.take(to.saturating_sub(at));
    let mut part = vec![0; COPY_BYTES];
    loop {
        match from.read(&mut part)? {
            0 => return Ok(()),
            read => out.write_all(part.get(..read).unwrap_or_default())?,
        }
    }
}

#[cfg(test)]
mod tests;
