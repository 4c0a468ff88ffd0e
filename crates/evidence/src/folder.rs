//! A folder that one process writes and no one else reads: the log's, and that of recordings.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes a folder that only its owner can enter, or takes the others' rights from one that is there.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let found = fs::metadata(folder)?.permissions();
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// A folder that is taken.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Locks this file, which is made if it is not there. It would block where another process, or another [`Lock`], has it.
    pub fn take(path: &Path) -> Result<Self, TryLockError> {
        let tried = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = tried.map_err(TryLockError::Error)?;
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    /// Said, not left to the closing of the file: a process that is just being started may have a copy of it.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}
