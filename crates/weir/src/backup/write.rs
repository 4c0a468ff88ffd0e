//! Making a backup of a state folder that may be in use.
//!
//! The order is what makes it fit together. What the log is known by elsewhere (`checkpoint`, the exports' cursors) is taken before the log, so the log
//! has all that they know. Of the log, lane 0 comes first: its checkpoints tell only of what the other lanes had by then. Recordings are taken
//! before the log and those that are new after it, so each that the log tells of is there, or the log tells too that it was deleted.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{Context, SHA256};

use super::sums::{Sums, Voucher, hex, sum_of};
use super::{BackupError, DEPTH_MAX, NOTE_NAME, SUMS_NAME, is_left_out};
use crate::log_keys;

/// How hard it is compressed: recordings are compressed already, and the log is as small as it gets at this.
const LEVEL: i32 = 3;
/// Folders whose files have an order of their own.
const LOG: &str = "log";
const RECORDINGS: &str = "recordings";

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Writes a backup of this state folder. `progress` is told how many bytes more were read of which file.
pub fn write(state: &Path, out: impl Write, progress: impl FnMut(&str, u64)) -> Result<Written, BackupError> {
    let log = log_keys::told(state)?.0.ok_or_else(|| {
        let what = format!(
            "{} has no `log.key`: nothing has ever been served from it, so there is nothing to keep",
            state.display()
        );
        BackupError::Unfit(what)
    })?;
    let packed = zstd::Encoder::new(out, LEVEL).and_then(|mut packed| {
        packed.include_checksum(true)?;
        Ok(packed)
    });
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    let mut archive = Archive {
        state,
        tar: tar::Builder::new(packed.map_err(BackupError::Archive)?),
        sums: Sums::default(),
        voucher: Voucher { log: log.name().to_owned(), at: u64::try_from(at).unwrap_or(u64::MAX), sums: String::new() },
        progress,
    };
    archive.take_all()?;
    archive.finish()
}

struct Archive<'a, W: Write, P> {
    state: &'a Path,
    tar: tar::Builder<zstd::Encoder<'static, W>>,
    sums: Sums,
    voucher: Voucher,
    progress: P,
}

impl<W: Write, P: FnMut(&str, u64)> Archive<'_, W, P> {
    fn take_all(&mut self) -> Result<(), BackupError> {
        let all = self.files(Path::new(""))?;
        let is_in = |file: &Path, folder: &str| file.starts_with(folder);
        // The last checkpoint first: what it is over is in the log already.
        let (first, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|file| file == Path::new("checkpoint"));
        first.iter().try_for_each(|file| self.take(file))?;
        // A hold that the log knows must be in the file: the file comes after it.
        let holds = |file: &Path| file == Path::new("holds.json");
        for file in rest.iter().filter(|file| !is_in(file, LOG) && !is_in(file, RECORDINGS) && !holds(file)) {
            self.take(file)?;
        }
        self.take_recordings(false)?;
        self.take_log()?;
        for file in self.files(Path::new(""))?.iter().filter(|file| holds(file)) {
            self.take(file)?;
        }
        self.take_recordings(true)
    }

    /// Lane 0 first; what the others have is asked after it was read.
    fn take_log(&mut self) -> Result<(), BackupError> {
        let is_of_first = |file: &Path| {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.split_once('-').is_some_and(|(lane, _)| lane.parse() == Ok(0_u32))
        };
        for file in self.files(Path::new(LOG))?.iter().filter(|file| is_of_first(file)) {
            self.take(file)?;
        }
        for file in self.files(Path::new(LOG))?.iter().filter(|file| !is_of_first(file)) {
            self.take(file)?;
        }
        Ok(())
    }

    /// Those that are not taken yet: first those that are complete, at last all. One that is put to its day meanwhile is there when it is looked again.
    fn take_recordings(&mut self, is_last: bool) -> Result<(), BackupError> {
        loop {
            let (mut moved, open) = (false, Path::new(RECORDINGS).join("open"));
            // The open ones are listed first: one that is put to its day after that is among those of days.
            let listed = self.files(&open)?.into_iter().chain(self.files(Path::new(RECORDINGS))?);
            for file in listed.collect::<Vec<_>>() {
                let is_taken = self.has(&file) || file.file_name().is_some_and(|name| self.has(&open.join(name)));
                if (file.starts_with(&open) && !is_last) || is_taken {
                    continue;
                }
                match self.take(&file) {
                    Err(BackupError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => moved = true,
                    taken => taken?,
                }
            }
            if !moved {
                return Ok(());
            }
        }
    }

    fn has(&self, file: &Path) -> bool {
        self.sums.0.contains_key(&*file.to_string_lossy())
    }

    /// The files below a folder, by their names in the state folder, in order.
    fn files(&self, folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
        let mut found = Vec::new();
        self.find(folder, 0, &mut found)?;
        found.sort();
        Ok(found)
    }

    fn find(&self, folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), BackupError> {
        let path = self.state.join(folder);
        let failed = |error| BackupError::Io { path: path.clone(), error };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            // A folder that there need not be, or is gone by now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder != Path::new("") => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name.to_str().is_some_and(is_left_out) {
                continue;
            }
            let file = folder.join(&name);
            // Links are followed: a state folder may have its log on another disk.
            match fs::metadata(entry.path()) {
                Ok(found_here) if found_here.is_dir() && depth < DEPTH_MAX => {
                    self.find(&file, depth.saturating_add(1), found)?
                }
                Ok(found_here) if found_here.is_file() => match file.to_str() {
                    Some(text) if !text.contains('\n') => found.push(file),
                    _ => {
                        return Err(BackupError::Unfit(format!(
                            "{}: a name that can't be kept",
                            entry.path().display()
                        )));
                    }
                },
                Ok(_) => {
                    return Err(BackupError::Unfit(format!(
                        "{} is neither a file nor a folder that can be kept",
                        entry.path().display()
                    )));
                }
                // Gone meanwhile; but a link that leads nowhere is no file that need not be kept.
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(entry.path()).is_err() => {}
                Err(error) => return Err(BackupError::Io { path: entry.path(), error }),
            }
        }
        Ok(())
    }

    /// Takes a file as long as it is now, whatever is added to it meanwhile.
    fn take(&mut self, file: &Path) -> Result<(), BackupError> {
        let path = self.state.join(file);
        let failed = |error| BackupError::Io { path: path.clone(), error };
        let opened = File::open(&path).map_err(failed)?;
        let found = opened.metadata().map_err(failed)?;
        let name = file.to_string_lossy().into_owned();
        let mut header = tar::Header::new_gnu();
        header.set_metadata_in_mode(&found, tar::HeaderMode::Complete);
        header.set_size(found.len());
        let mut reading = Reading {
            from: opened.take(found.len()),
            hash: Context::new(&SHA256),
            bytes: 0,
            progress: &mut self.progress,
            name: &name,
        };
        let appended = self.tar.append_data(&mut header, file, &mut reading);
        let (bytes, hash) = (reading.bytes, reading.hash);
        appended.map_err(BackupError::Archive)?;
        if bytes != found.len() {
            return Err(BackupError::Unfit(format!("{} became shorter while it was read", path.display())));
        }
        self.sums.0.insert(name, (bytes, hex(hash)));
        Ok(())
    }

    /// Keys that came into force meanwhile would be missing, and what was made with them be unreadable.
    fn has_all_keys(&self) -> Result<(), BackupError> {
        for name in ["instance.key", "rotated.keys", "log.key", "log.key.next", "log.pub"] {
            let path = self.state.join(name);
            let now = match fs::read(&path) {
                Ok(bytes) => {
                    let mut hash = Context::new(&SHA256);
                    hash.update(&bytes);
                    Some(hex(hash))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(BackupError::Io { path, error }),
            };
            if now.as_ref() != self.sums.0.get(name).map(|(_, sum)| sum) {
                let what = format!("{} was changed while the backup was made: make it once more", path.display());
                return Err(BackupError::Unfit(what));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Written, BackupError> {
        self.has_all_keys()?;
        let list = self.sums.text();
        self.voucher.sums = sum_of(&list);
        let note = log_keys::sign(self.state, &self.voucher.text())?;
        for (name, text) in [(SUMS_NAME, list), (NOTE_NAME, note)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(u64::try_from(text.len()).unwrap_or(u64::MAX));
            header.set_mode(0o600);
            self.tar.append_data(&mut header, name, text.as_bytes()).map_err(BackupError::Archive)?;
        }
        let packed = self.tar.into_inner().and_then(zstd::Encoder::finish);
        packed.and_then(|mut out| out.flush()).map_err(BackupError::Archive)?;
        Ok(Written { files: u64::try_from(self.sums.0.len()).unwrap_or(u64::MAX), bytes: self.sums.bytes() })
    }
}

/// A file that is read into the archive.
struct Reading<'a, R, P> {
    from: R,
    hash: Context,
    bytes: u64,
    progress: &'a mut P,
    name: &'a str,
}

impl<R: Read, P: FnMut(&str, u64)> Read for Reading<'_, R, P> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(to)?;
        self.hash.update(to.get(..read).unwrap_or_default());
        let more = u64::try_from(read).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(more);
        (self.progress)(self.name, more);
        Ok(read)
    }
}
