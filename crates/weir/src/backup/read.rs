//! Putting a backup into an empty folder. Nothing of it is believed: names, lengths and sums are held against the list at its end, which its key has signed.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path};

use aws_lc_rs::digest::{Context, SHA256};
use evidence::Keyring;

use super::sums::{Sums, Voucher, hex, sum_of};
use super::{BackupError, DEPTH_MAX, NOTE_NAME, SUMS_NAME, is_left_out};
use crate::log_keys;

/// The longest list of files that is read, in bytes: a million recordings.
const SUMS_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The log of it.
    pub log: String,
    /// When the backup was begun, in microseconds since the Unix epoch.
    pub at: u64,
    /// Files.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Reads a backup into `folder`, which is made and must not be there. `trusted` are the log's public keys, where somebody has them from elsewhere; without them
/// those in the backup itself are asked, which tells damage and not who made it.
pub fn read(from: impl Read, folder: &Path, trusted: Option<&Keyring>) -> Result<Restored, BackupError> {
    let failed = |error| BackupError::Io { path: folder.to_owned(), error };
    DirBuilder::new().mode(0o700).create(folder).map_err(failed)?;
    let (found, list, note) = unpack(from, folder)?;
    let own;
    let keys = match trusted {
        Some(keys) => keys,
        None => {
            own = log_keys::read_public(&log_keys::public_file(folder))?;
            &own
        }
    };
    let unfit = |what: String| BackupError::Unfit(what);
    let signed =
        keys.text_of(&note).map_err(|error| unfit(format!("what it says of itself is not to be trusted: {error}")))?;
    let voucher = Voucher::parse(signed).ok_or_else(|| unfit("what it says of itself can't be read".to_owned()))?;
    let listed = Sums::parse(&list).filter(|_| sum_of(&list) == voucher.sums);
    let listed = listed.ok_or_else(|| unfit("the list of its files was changed".to_owned()))?;
    if let Some(differs) = listed.differs(&found) {
        return Err(unfit(differs));
    }
    let files = u64::try_from(listed.0.len()).unwrap_or(u64::MAX);
    Ok(Restored { log: voucher.log, at: voucher.at, files, bytes: listed.bytes() })
}

/// Unpacks its files, and gives what they are, the list of them and the note.
fn unpack(from: impl Read, folder: &Path) -> Result<(Sums, String, String), BackupError> {
    let archive = BackupError::Archive;
    let mut tar = tar::Archive::new(zstd::Decoder::new(from).map_err(archive)?);
    let (mut found, mut list, mut note) = (Sums::default(), None, None);
    for entry in tar.entries().map_err(archive)? {
        let mut entry = entry.map_err(archive)?;
        let path = entry.path().map_err(archive)?.into_owned();
        let unfit =
            |what: &str| BackupError::Unfit(format!("it is no backup of a state folder: {} {what}", path.display()));
        if !entry.header().entry_type().is_file() {
            return Err(unfit("is not a file"));
        }
        let of_its_own = match path.to_str() {
            Some(SUMS_NAME) if list.is_none() => Some(&mut list),
            Some(NOTE_NAME) if list.is_some() && note.is_none() => Some(&mut note),
            _ => None,
        };
        if let Some(own) = of_its_own {
            let mut text = String::new();
            entry.take(SUMS_BYTES_MAX).read_to_string(&mut text).map_err(archive)?;
            *own = Some(text);
            continue;
        }
        if list.is_some() {
            return Err(unfit("comes after the list of its files"));
        }
        let name = name_of(&path).ok_or_else(|| unfit("is not a name in a state folder"))?;
        let mode = entry.header().mode().unwrap_or_default() & 0o644 | 0o600;
        let put = put(&mut entry, &folder.join(&path), mode)?;
        found.0.insert(name, put);
    }
    // To its end: what is cut off behind the last entry is noticed by the frame's own sum.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(archive)?;
    match list.zip(note) {
        Some((list, note)) => Ok((found, list, note)),
        None => Err(BackupError::Unfit("it is cut off: the list of its files is not at its end".to_owned())),
    }
}

/// The name, if it is one that a file of a state folder can have: nothing leads out of the folder.
fn name_of(path: &Path) -> Option<String> {
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(name) if name.to_str().is_some_and(|name| !is_left_out(name)));
    let is_one = path.components().all(is_plain) && path.components().count() <= DEPTH_MAX.saturating_add(1);
    path.to_str().filter(|name| is_one && !name.contains('\n')).map(str::to_owned)
}

/// Writes a file where none is. Returns its length and its sum.
fn put(from: &mut impl Read, to: &Path, mode: u32) -> Result<(u64, String), BackupError> {
    let failed = |error| BackupError::Io { path: to.to_owned(), error };
    if let Some(folder) = to.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(to).map_err(failed)?;
    let (mut hash, mut bytes, mut part) = (Context::new(&SHA256), 0_u64, vec![0; 64 * 1024]);
    loop {
        let read = from.read(&mut part).map_err(BackupError::Archive)?;
        let read = part.get(..read).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        hash.update(read);
        file.write_all(read).map_err(failed)?;
        bytes = bytes.saturating_add(u64::try_from(read.len()).unwrap_or(u64::MAX));
    }
    file.sync_all().map_err(failed)?;
    Ok((bytes, hex(hash)))
}

/// Whether there is nothing in this place but what says that somebody had it locked.
pub fn is_free(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        // What was locked by one that is gone is nobody's.
        Ok(mut entries) => Ok(entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == "lock"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}
