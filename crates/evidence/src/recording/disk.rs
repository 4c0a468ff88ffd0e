//! The few things that the writer of recordings asks of a file system, as a trait, so that tests can fail the n-th of them.
//!
//! Names are paths in the folder of recordings: `open/<session>.rec`, `2026-11-20/<session>.rec`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, OFlags, StatxFlags, statx};

use crate::folder::make_private;

/// The folder of recordings.
pub(super) trait Disk: Send + Sync {
    /// Makes a folder that only its owner can enter, if it is not there.
    fn make_folder(&self, name: &str) -> io::Result<()>;
    /// A new, empty file to append to, where none is.
    fn create(&self, name: &str) -> io::Result<Box<dyn OpenFile>>;
    /// A file to go on appending to.
    fn reopen(&self, name: &str) -> io::Result<Box<dyn OpenFile>>;
    /// Gives a file its final name, which no other has.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file: one that was never begun, or that was kept long enough.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes what was removed from a folder stay so if the power fails.
    fn sync_folder(&self, name: &str) -> io::Result<()>;
    /// Removes a folder with nothing in it.
    fn remove_folder(&self, name: &str) -> io::Result<()>;
}

/// A file that is written at its end.
pub(super) trait OpenFile: Write {
    fn set_len(&mut self, bytes: u64) -> io::Result<()>;
    fn look(&self) -> io::Result<Look>;
}

/// What a file is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub which: Which,
    /// Names that it has: 0 when it was deleted.
    pub links: u64,
    pub bytes: u64,
}

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Which {
    pub device: (u64, u64),
    pub inode: u64,
}

/// The real one.
pub(super) struct Folder(pub PathBuf);

/// Flags for opening what may have been put there by others: no link is followed, and no pipe is waited for.
fn careful() -> i32 {
    i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0)
}

/// Opens a file to read it, if it is one.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(careful()).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file")),
    }
}

impl Disk for Folder {
    fn make_folder(&self, name: &str) -> io::Result<()> {
        make_private(&self.0.join(name))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        Ok(Box::new(OpenOptions::new().append(true).create_new(true).mode(0o600).open(self.0.join(name))?))
    }

    fn reopen(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        Ok(Box::new(OpenOptions::new().append(true).custom_flags(careful()).open(self.0.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let to = self.0.join(to);
        // The folder is locked and sessions' ids are their own, so this is never true unless someone else writes here.
        if fs::symlink_metadata(&to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(self.0.join(from), to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        File::open(self.0.join(name))?.sync_all()
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        fs::remove_dir(self.0.join(name))
    }
}

impl OpenFile for File {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    /// Nothing but what is asked for: see the log's, which found what asking for times costs.
    fn look(&self) -> io::Result<Look> {
        let wanted = StatxFlags::NLINK | StatxFlags::SIZE | StatxFlags::INO;
        match statx(self, c"", AtFlags::EMPTY_PATH, wanted) {
            Ok(found) if StatxFlags::from_bits_retain(found.stx_mask).contains(wanted) => Ok(Look {
                which: Which { device: (found.stx_dev_major.into(), found.stx_dev_minor.into()), inode: found.stx_ino },
                links: found.stx_nlink.into(),
                bytes: found.stx_size,
            }),
            // A system that can't tell, or does not let it be asked. It is the same one each time.
            Ok(_) | Err(_) => {
                let found = self.metadata()?;
                let which = Which { device: (0, found.dev()), inode: found.ino() };
                Ok(Look { which, links: found.nlink(), bytes: found.size() })
            }
        }
    }
}
