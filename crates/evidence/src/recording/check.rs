//! Checking a recording from its first byte to its last, and keeping nothing of it.

use std::path::Path;

use model::{Digest, UnixMicros};

use super::format::Header;
use super::keys::RecordingKeys;
use super::reader::{Fault, Kept, KeptFrame, Next, OpenError, open};
use super::recover::digest_of;

/// What a recording was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it says of itself; it is what its writer wrote.
    pub header: Header,
    /// Bytes of its file, and their SHA-256: the log's `recorded` must have the same.
    pub bytes: u64,
    /// See `bytes`.
    pub digest: Digest,
    /// Chunks that are as they were written.
    pub chunks: u64,
    /// Frames in them.
    pub frames: u64,
    /// Records among those.
    pub records: u64,
    /// Bytes that the caller was shown.
    pub shown: u64,
    /// Bytes that are kept of them, or in their place.
    pub kept: u64,
    /// When the last frame was; when the session began if there is none.
    pub last: UnixMicros,
    /// How it stops.
    pub ending: Ending,
}

/// How a recording stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With its end.
    Complete,
    /// Without: it is still written, or its writer was killed, or its end was cut off. Only the log can tell.
    Unfinished {
        /// Where the first chunk would begin that is not there.
        offset: u64,
        /// How many bytes of it are there.
        torn: u64,
    },
    /// It was changed.
    Changed(Fault),
}

/// Reads a whole recording and says what it is.
pub fn check(path: &Path, keys: &RecordingKeys) -> Result<Report, OpenError> {
    let mut reader = open(path, keys)?;
    // Of a recording that is being written, these are the bytes of now; what is counted below may be more.
    let (bytes, digest) = digest_of(path).map_err(|error| OpenError { path: path.to_owned(), why: error.into() })?;
    let header = reader.header().clone();
    let last = UnixMicros(header.opened);
    let ending = Ending::Complete;
    let mut report =
        Report { header, bytes, digest, chunks: 0, frames: 0, records: 0, shown: 0, kept: 0, last, ending };
    report.ending = loop {
        match reader.next() {
            Ok(Next::Frame(kept)) => report.count(&kept),
            Ok(Next::Complete) => break Ending::Complete,
            Ok(Next::Unfinished { offset, torn }) => break Ending::Unfinished { offset, torn },
            Err(fault) => break Ending::Changed(fault),
        }
    };
    report.chunks = reader.chunks();
    Ok(report)
}

impl Report {
    fn count(&mut self, Kept { at, frame }: &Kept) {
        self.frames = self.frames.saturating_add(1);
        self.last = *at;
        self.shown = self.shown.saturating_add(frame.shown_bytes());
        match frame {
            KeptFrame::Record(_) => self.records = self.records.saturating_add(1),
            KeptFrame::Shown(kept) | KeptFrame::Instead { kept, .. } => {
                self.kept = self.kept.saturating_add(u64::try_from(kept.len()).unwrap_or(u64::MAX));
            }
            KeptFrame::About(_) | KeptFrame::Shape(_) | KeptFrame::Other { .. } => {}
        }
    }
}
