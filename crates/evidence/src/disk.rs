//! The few things that a lane asks of a file system, as a trait, so that tests can fail the n-th of them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::{AtFlags, StatxFlags, statx};

/// A folder of segments.
pub(crate) trait Disk: Send + Sync {
    /// A new, empty file to append to. One of that name that is left from before goes.
    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>>;
    /// Gives a file its final name, which no other has.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file that never got its final name.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Waits until the folder's names are on the disk.
    fn sync(&self) -> io::Result<()>;
    /// Waits until what was written to a segment is on the disk, by whomever; one that is not there is none of its business.
    fn sync_segment(&self, name: &str) -> io::Result<()>;
}

/// A file that is written at its end.
pub(crate) trait SegmentFile: Write + Send {
    fn set_len(&mut self, bytes: u64) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
    fn stat(&self) -> io::Result<Stat>;
}

/// What a file is found to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    /// Names that it has: 0 when it was deleted.
    pub links: u64,
    pub bytes: u64,
}

/// The real one.
pub(crate) struct Folder(pub PathBuf);

impl Disk for Folder {
    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let path = self.0.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // `create_new` follows no link that someone laid there.
        Ok(Box::new(OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let to = self.0.join(to);
        // Names only grow and the folder is locked, so this is never true unless someone else writes here.
        if fs::symlink_metadata(&to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(self.0.join(from), to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    fn sync_segment(&self, name: &str) -> io::Result<()> {
        match File::open(self.0.join(name)) {
            Ok(file) => file.sync_data(),
            // The lane says so itself.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl SegmentFile for File {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    /// Nothing but what is asked for. A kernel that was asked for the times of a file has to write its next change down at once (Linux 6.13
    /// and later), and this is asked after each append.
    fn stat(&self) -> io::Result<Stat> {
        let wanted = StatxFlags::NLINK | StatxFlags::SIZE;
        match statx(self, c"", AtFlags::EMPTY_PATH, wanted) {
            Ok(found) if StatxFlags::from_bits_retain(found.stx_mask).contains(wanted) => {
                Ok(Stat { links: found.stx_nlink.into(), bytes: found.stx_size })
            }
            // A system that can't tell, or does not let it be asked.
            Ok(_) | Err(_) => {
                let found = self.metadata()?;
                Ok(Stat { links: found.nlink(), bytes: found.size() })
            }
        }
    }
}
