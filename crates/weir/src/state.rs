//! The state folder: Weir's alone, and files in it that are either whole or not there.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What is wrong with a file or folder, and what would be right.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", file.display())]
pub struct FileError {
    /// Which one.
    pub file: PathBuf,
    /// What is wrong.
    pub what: String,
    /// What would be right; may be empty.
    pub help: String,
}

impl FileError {
    /// An error with a file.
    pub fn new(file: &Path, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { file: file.to_path_buf(), what: what.into(), help: help.into() }
    }
}

/// Makes the folder, or closes it to others if it is not. A folder that holds somebody else's files is left alone.
pub fn prepare(state: &Path) -> Result<(), FileError> {
    let failed = |what: &str, error: io::Error| FileError::new(state, format!("{what}: {error}"), "");
    match fs::metadata(state) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(state).map_err(|e| failed("can't be made", e))
        }
        Err(error) => Err(failed("can't be read", error)),
        Ok(metadata) if !metadata.is_dir() => Err(FileError::new(state, "is not a folder", "name a folder as `state`")),
        Ok(metadata) if metadata.permissions().mode() & 0o077 == 0 => Ok(()),
        Ok(metadata) => {
            let mut entries = fs::read_dir(state).map_err(|e| failed("can't be read", e))?;
            if entries.next().is_some() && !state.join("tls").is_dir() {
                // Another first start may have closed it, and begun to fill it, since it was looked at.
                let now = fs::metadata(state).map_err(|e| failed("can't be read", e))?;
                if now.permissions().mode() & 0o077 == 0 {
                    return Ok(());
                }
                let what =
                    format!("is open to others (mode {:o}) and holds files", metadata.permissions().mode() & 0o777);
                let help = format!("name an empty or new folder as `state`, or run: chmod 700 {}", state.display());
                return Err(FileError::new(state, what, help));
            }
            fs::set_permissions(state, fs::Permissions::from_mode(0o700))
                .map_err(|e| failed("can't be closed to others", e))
        }
    }
}

/// Writes a file so that a reader, or a crash, finds the old content or the new and nothing between.
pub fn write_whole(file: &Path, content: &[u8], mode: u32) -> Result<(), FileError> {
    let failed = |error: io::Error| FileError::new(file, format!("can't be written: {error}"), "");
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(FileError::new(file, "is not the name of a file", ""));
    };
    // The parent of `weir.toml` is "", which can't be opened.
    let folder = if folder == Path::new("") { Path::new(".") } else { folder };
    let half = folder.join(format!(".{}.half", name.to_string_lossy()));
    // One left behind by a crash: whoever writes here holds the folder's lock, so it is nobody's.
    match fs::remove_file(&half) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut out = options.write(true).create_new(true).mode(mode).open(&half).map_err(failed)?;
    out.write_all(content).and_then(|()| out.sync_all()).map_err(failed)?;
    fs::rename(&half, file).map_err(failed)?;
    sync_folder(folder).map_err(failed)
}

/// Makes what was renamed in a folder survive a power cut.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Held by whoever makes a secret of this state folder, until it is dropped.
pub fn lock_keys(state: &Path) -> Result<File, FileError> {
    let lock_file = state.join(".instance.lock");
    let failed = |error: io::Error| FileError::new(&lock_file, format!("can't be locked: {error}"), "");
    let lock = File::create(&lock_file).map_err(failed)?;
    lock.lock().map_err(failed)?;
    Ok(lock)
}

/// The secret that log digests, tokens and salts are made with. Made on first use; losing it makes old digests
/// unmatchable, so it is never made anew over an unreadable one.
pub fn instance_key(state: &Path) -> Result<[u8; 32], FileError> {
    let file = state.join("instance.key");
    // Two that come first at once would otherwise each go on with a key of its own.
    let _lock = lock_keys(state)?;
    match fs::read(&file) {
        Ok(bytes) => bytes.try_into().map_err(|_| {
            FileError::new(&file, "is not a key of 32 bytes", "restore it from a backup of the state folder")
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            aws_lc_rs::rand::fill(&mut key)
                .map_err(|_| FileError::new(&file, "can't be made: the system gives no randomness", ""))?;
            write_whole(&file, &key, 0o600)?;
            Ok(key)
        }
        Err(error) => Err(FileError::new(&file, format!("can't be read: {error}"), "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_folder_is_closed_but_never_a_foreign_one() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("a/state");
        prepare(&state).unwrap();
        assert_eq!(mode(&state), 0o700);

        fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
        prepare(&state).unwrap();
        assert_eq!(mode(&state), 0o700, "an empty folder is closed");

        fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(state.join("holiday.jpg"), "x").unwrap();
        let error = prepare(&state).unwrap_err();
        assert!(error.what.contains("mode 755"), "{error}");
        assert_eq!(mode(&state), 0o755, "a foreign folder is left as it was");

        let error = prepare(&state.join("holiday.jpg")).unwrap_err();
        assert!(error.what.contains("not a folder"), "{error}");
    }

    #[test]
    fn a_file_is_replaced_whole_with_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        fs::write(dir.path().join(".key.half"), "left by a crash").unwrap();
        write_whole(&file, b"one", 0o600).unwrap();
        write_whole(&file, b"two", 0o600).unwrap();
        assert_eq!((fs::read(&file).unwrap().as_slice(), mode(&file)), (b"two".as_slice(), 0o600));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
