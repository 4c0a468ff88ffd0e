//! One recording's file, as its writer knows it: how long it is, what it holds as a hash, and which file it is.
//!
//! It is opened for each writing and closed again, so that a session that waits for its caller holds no file open.

use std::io::{self, Write as _};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use gate::{Opening, Recorded, RecorderDown};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{Digest, UnixMicros};

use super::chunk::Packer;
use super::disk::{Disk, Which};
use super::format::{Header, OPEN_FOLDER, SUFFIX, is_id};
use super::keys::{ChunkKey, Place, RecordingKeys};
use crate::format::Hash;

/// A recording's file while it is written.
pub(super) struct SessionFile {
    /// Its name while it is open.
    name: String,
    day: String,
    which: Which,
    /// Bytes of it that are whole chunks, and the header.
    bytes: u64,
    hash: Context,
    /// The number of the next chunk.
    index: u64,
    key: ChunkKey,
}

/// Why a recording can't be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Unfit(String),
    #[error("was deleted")]
    Deleted,
    #[error("was changed by someone else")]
    Changed,
}

impl Trouble {
    /// In words, with what would help.
    pub fn down(&self, folder: &Path, session: &str) -> RecorderDown {
        let folder = folder.display();
        let file = format!("{folder}/{OPEN_FOLDER}/{session}{SUFFIX}");
        RecorderDown(match self {
            Self::Io(error) => match error.kind() {
                io::ErrorKind::StorageFull => format!("the disk of {folder} is full; free some space on it"),
                io::ErrorKind::QuotaExceeded => {
                    format!("the quota for {folder} is used up; raise it or free some space")
                }
                io::ErrorKind::ReadOnlyFilesystem => {
                    format!("the file system of {folder} is read-only; make it writable again")
                }
                io::ErrorKind::NotFound => format!("the folder {folder}/{OPEN_FOLDER} is gone; start Weir again"),
                _ => format!("{file}: {error}"),
            },
            Self::Unfit(what) => what.clone(),
            Self::Deleted | Self::Changed => format!("{file} {self} while Weir was writing it"),
        })
    }
}

impl SessionFile {
    /// Makes the file, with its header. After an error there is none.
    pub fn begin(disk: &dyn Disk, keys: &RecordingKeys, opening: &Opening<'_>) -> Result<Self, Trouble> {
        let session = &*opening.session.0;
        if !is_id(session) {
            return Err(Trouble::Unfit("the session's id cannot be the name of a file".to_owned()));
        }
        let header = Header {
            format: 1,
            session: session.to_owned(),
            opened: opening.at.0,
            protocol: opening.protocol.to_owned(),
            level: opening.level.as_str().to_owned(),
            key: keys.id().to_owned(),
        };
        let unfit = |error: &dyn std::fmt::Display| Trouble::Unfit(error.to_string());
        let bound = header.bound().map_err(|error| unfit(&error))?;
        let (own, wrapped) = keys.newest().wrap_new(&bound).map_err(|error| unfit(&error))?;
        let bytes = Header::bytes(&bound, &wrapped).ok_or_else(|| unfit(&"its header would be too long"))?;
        let name = format!("{OPEN_FOLDER}/{session}{SUFFIX}");
        let mut file = disk.create(&name)?;
        let written = file.write_all(&bytes).and_then(|()| file.look());
        let which = match written {
            Ok(look) => look.which,
            Err(error) => {
                // If this fails too, what is left says of itself that it was never begun.
                let _ = disk.remove(&name);
                return Err(error.into());
            }
        };
        let mut hash = Context::new(&SHA256);
        hash.update(&bytes);
        let key = ChunkKey { own, header: Hash::of(&bytes) };
        let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(Self { name, day: day(opening.at), which, bytes, hash, index: 0, key })
    }

    /// Bytes of it that are whole.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes these pages as chunks, all in one go; `is_end` says that nothing follows. `out` is memory for them. After an error nothing can
    /// follow, and if possible the file ends with its last whole chunk.
    pub fn append(
        &mut self,
        disk: &dyn Disk,
        packer: &mut Packer,
        pages: &[Vec<u8>],
        is_end: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Trouble> {
        out.clear();
        let last = pages.len().saturating_sub(1);
        for (n, page) in pages.iter().enumerate() {
            let place = Place { index: self.index, is_last: is_end && n == last };
            packer.pack(&self.key, place, page, out)?;
            self.index = self.index.saturating_add(1);
        }
        let mut file = disk.reopen(&self.name).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Trouble::Deleted,
            _ => Trouble::Io(error),
        })?;
        let look = file.look()?;
        if look.which != self.which {
            return Err(Trouble::Deleted);
        }
        if look.bytes != self.bytes {
            return Err(Trouble::Changed);
        }
        if let Err(error) = file.write_all(out) {
            let _ = file.set_len(self.bytes);
            return Err(error.into());
        }
        let expected = self.bytes.saturating_add(u64::try_from(out.len()).unwrap_or(u64::MAX));
        // Looked at again: a deleted file takes every write and keeps nothing.
        let look = file.look()?;
        if look.links == 0 {
            return Err(Trouble::Deleted);
        }
        if look.bytes != expected {
            return Err(Trouble::Changed);
        }
        self.hash.update(out);
        self.bytes = expected;
        Ok(())
    }

    /// What the log keeps of it, when it is complete.
    pub fn recorded(&self, session: &str, shown: u64) -> Recorded {
        let digest = digest(self.hash.clone());
        Recorded { file: shelved(&self.day, session), bytes: self.bytes, digest, shown, how: "closed" }
    }
}

/// The digest of what a hash has taken.
pub(super) fn digest(hash: Context) -> Digest {
    let mut digest = [0; 32];
    digest.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
    Digest(digest)
}

/// The name of a recording that is no longer written.
pub(super) fn shelved(day: &str, session: &str) -> String {
    format!("{day}/{session}{SUFFIX}")
}

/// Moves a recording to its day.
pub(super) fn shelve(disk: &dyn Disk, session: &str, to: &str) -> io::Result<()> {
    let from = format!("{OPEN_FOLDER}/{session}{SUFFIX}");
    let Some((day, _)) = to.split_once('/') else { return disk.rename(&from, to) };
    disk.make_folder(day)?;
    match disk.rename(&from, to) {
        // The day's last recording may have been deleted just now, and its folder with it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            disk.make_folder(day)?;
            disk.rename(&from, to)
        }
        done => done,
    }
}

/// The day of a moment, UTC: `2026-11-20`. A moment that no calendar has is of the first day.
pub(super) fn day(at: UnixMicros) -> String {
    let moment = i64::try_from(at.0).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
    moment.unwrap_or_default().to_zoned(TimeZone::UTC).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_utc() {
        assert_eq!(day(UnixMicros(1_795_132_799_999_999)), "2026-11-19");
        assert_eq!(day(UnixMicros(1_795_132_800_000_000)), "2026-11-20");
        assert_eq!(day(UnixMicros(u64::MAX)), "1970-01-01");
    }

    #[test]
    fn trouble_says_what_helps() {
        let down = |trouble: Trouble| trouble.down(Path::new("/var/rec"), "id").0;
        let io = |errno| Trouble::Io(io::Error::from_raw_os_error(errno));
        assert_eq!(down(io(28)), "the disk of /var/rec is full; free some space on it");
        assert_eq!(down(io(122)), "the quota for /var/rec is used up; raise it or free some space");
        assert_eq!(down(io(30)), "the file system of /var/rec is read-only; make it writable again");
        assert_eq!(down(io(2)), "the folder /var/rec/open is gone; start Weir again");
        assert_eq!(down(io(5)), "/var/rec/open/id.rec: Input/output error (os error 5)");
        assert_eq!(down(Trouble::Deleted), "/var/rec/open/id.rec was deleted while Weir was writing it");
        assert_eq!(
            down(Trouble::Changed),
            "/var/rec/open/id.rec was changed by someone else while Weir was writing it"
        );
    }
}
