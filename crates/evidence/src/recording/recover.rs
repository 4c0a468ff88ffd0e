//! What a killed process left open: told to the log as it is, and put to its day. Nothing of it is cut off.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use gate::{Ledger, Recorded};
use model::{Digest, SessionId, UnixMicros};

use super::disk::{Disk, open_file};
use super::file::{day, digest, shelved};
use super::format::{OPEN_FOLDER, SUFFIX, is_id};
use super::keys::RecordingKeys;
use super::reader::{Kept, KeptFrame, Next, Reader, Unreadable};
use super::worker::tell_and_shelve;
use crate::lane::now;

/// Tells the ledger of all recordings in the folder of open ones, and puts them to their days. One that can't be read as a file stays there, and
/// the process's own log says so.
pub(super) fn recover(folder: &Path, disk: &dyn Disk, keys: &RecordingKeys, ledger: &dyn Ledger) -> io::Result<()> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.join(OPEN_FOLDER))? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Some(session) = name.strip_suffix(SUFFIX).filter(|session| is_id(session)) else {
            tracing::warn!(name, "this is no recording, and stays among the open ones");
            continue;
        };
        match look_at(&path, session, keys) {
            Ok(recorded) => found.push((SessionId(session.into()), recorded)),
            Err(error) => tracing::error!(session, %error, "a recording cannot be read, and stays among the open ones"),
        }
    }
    // In the order of their sessions, which is that of time.
    found.sort_by(|(one, _), (other, _)| one.0.cmp(&other.0));
    if !found.is_empty() {
        // What can't be moved is found again by the next start.
        let _ = tell_and_shelve(ledger, disk, found);
    }
    Ok(())
}

/// What the log keeps of a recording that is found open.
fn look_at(path: &Path, session: &str, keys: &RecordingKeys) -> io::Result<Recorded> {
    let (bytes, digest) = digest_of(path)?;
    let read = Reader::of(open_file(path)?, keys).and_then(|reader| match reader.header().session == session {
        true => Ok(reader),
        false => {
            Err(Unreadable::Header(format!("it is of the session {}, under another's name", reader.header().session)))
        }
    });
    let (opened, shown, is_complete) = match read {
        Ok(mut reader) => {
            let opened = UnixMicros(reader.header().opened);
            let (shown, is_complete) = shown_in(&mut reader);
            (opened, shown, is_complete)
        }
        Err(Unreadable::Io(error)) => return Err(error),
        // Killed while it wrote the header, or it is not what it was. It is of the day on which it is found.
        Err(error) => {
            tracing::warn!(session, "a recording was found of which nothing can be read: {error}");
            (UnixMicros(now()), 0, false)
        }
    };
    let how = if is_complete { "closed" } else { "killed" };
    Ok(Recorded { file: shelved(&day(opened), session), bytes, digest, shown, how })
}

/// How many bytes the caller was shown, as far as can be read, and whether that is to its end.
fn shown_in(reader: &mut Reader) -> (u64, bool) {
    let mut shown = 0_u64;
    loop {
        match reader.next() {
            Ok(Next::Frame(Kept { frame, .. })) => shown = shown.saturating_add(frame.shown_bytes()),
            Ok(Next::Complete) => return (shown, true),
            Ok(Next::Unfinished { .. }) => return (shown, false),
            Err(fault) => {
                tracing::error!(session = reader.header().session, "a recording is damaged: {fault}");
                return (shown, false);
            }
        }
    }
}

impl KeptFrame {
    /// How many bytes the caller was shown that this stands for.
    pub fn shown_bytes(&self) -> u64 {
        match self {
            Self::Shown(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Instead { bytes, .. } => *bytes,
            Self::Record(_) | Self::About(_) | Self::Shape(_) | Self::Other { .. } => 0,
        }
    }
}

/// Length and SHA-256 of a file.
pub fn digest_of(path: &Path) -> io::Result<(u64, Digest)> {
    let mut file = open_file(path)?;
    let (mut hash, mut bytes, mut buffer) = (Context::new(&SHA256), 0_u64, vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((bytes, digest(hash))),
            Ok(read) => {
                hash.update(buffer.get(..read).unwrap_or_default());
                bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
