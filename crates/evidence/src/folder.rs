//! Folders that one process writes and no one else reads, the log's and that of recordings; and files that are replaced whole.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
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

/// Puts this in the place of a file, on the disk: where the power fails meanwhile, the old content is there or the new. Who writes here holds a lock, or is
/// alone, so what is left of another try is nobody's.
pub(crate) fn replace(file: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut half = file.to_owned().into_os_string();
    half.push(".half");
    match fs::remove_file(&half) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(mode).open(&half)?;
    out.write_all(content)?;
    out.sync_all()?;
    fs::rename(&half, file)?;
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
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
