//! Reading a recording: frame by frame, with no more memory than a chunk takes, and saying where and why it stops.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use model::{Sight, UnixMicros};
use serde::Deserialize;

use super::chunk::{Head, Unpacker};
use super::disk::open_file;
use super::format::{CHUNK_HEAD_BYTES, HEADER_BYTES_MAX, Header, MAGIC, PAYLOAD_BYTES_MAX};
use super::frame::{RawFrame, kind, take, take_varint};
use super::keys::{ChunkKey, RecordingKeys};
use crate::format::Hash;

/// Reads a recording, which may still be written.
pub struct Reader<R = File> {
    input: R,
    header: Header,
    key: ChunkKey,
    unpacker: Unpacker,
    sealed: Vec<u8>,
    /// Where the next chunk begins, and its number.
    offset: u64,
    index: u64,
    /// The frames of the chunk before, which began at `began`, and how many bytes of them are read.
    began: u64,
    raw: Vec<u8>,
    read: usize,
    /// Whether that chunk is the last.
    is_last: bool,
    is_complete: bool,
    /// When the last frame was.
    at: u64,
    /// The beginning of a payload that goes on.
    part: Vec<u8>,
    fault: Option<Fault>,
}

/// What a reader comes to next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A frame.
    Frame(Kept),
    /// The recording's end: nothing of it is missing.
    Complete,
    /// It stops here without an end, because it is still written, or its writer was killed. Asked again, the reader looks if there is more.
    Unfinished {
        /// Where the first chunk would begin that is not there.
        offset: u64,
        /// How many bytes of it are there.
        torn: u64,
    },
}

/// A frame and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// When, by the wall clock of the machine that recorded. It never steps back.
    pub at: UnixMicros,
    /// What.
    pub frame: KeptFrame,
}

/// A frame as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptFrame {
    /// A record of the session's: a JSON object as the log has it, without `seq`.
    Record(String),
    /// What follows was shown for this operation; 0 for none.
    About(u64),
    /// How the fields of the result that follows are shown.
    Shape(Vec<KeptField>),
    /// Bytes as the caller was shown them. They may be cut anywhere.
    Shown(Vec<u8>),
    /// What is kept in the place of bytes that the caller was shown. It may be cut anywhere.
    Instead {
        /// How many the caller was shown.
        bytes: u64,
        /// What is kept.
        kept: Vec<u8>,
    },
    /// A frame of a kind that this Weir does not know.
    Other {
        /// Its kind.
        kind: u8,
        /// Its payload.
        payload: Vec<u8>,
    },
}

/// How a field was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptField {
    /// Its name.
    pub name: String,
    /// Its type, by the number that the target gives it.
    pub type_id: u64,
    /// Whether its values are in the protocol's binary form.
    pub binary: bool,
    /// Its class, if it is a copy of a classified field.
    pub class: Option<String>,
    /// What the caller saw.
    pub sight: Sight,
    /// What the recording holds.
    pub kept: Sight,
}

/// Something in a recording is not as it was written. Nothing after it can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("chunk {chunk}, at byte {offset}: {what}")]
pub struct Fault {
    /// The chunk's number, from 0.
    pub chunk: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// In words.
    pub what: String,
    /// Whether that is the system's word, and not what is in the file: another time it may be read.
    pub is_passing: bool,
}

/// Why nothing of a recording can be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// What the system says.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Its header is not one.
    #[error("{0}")]
    Header(String),
    /// It was made with a key that is not there.
    #[error("it is sealed under the recording key {key}, which is not among the keys here ({here})")]
    UnknownKey {
        /// The key that it needs.
        key: String,
        /// The newest that is there.
        here: String,
    },
}

/// A recording that can't be opened.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", .path.display())]
pub struct OpenError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: Unreadable,
}

/// Opens the recording in this file. [`find`](super::find()) says which file has a session's.
pub fn open(path: &Path, keys: &RecordingKeys) -> Result<Reader, OpenError> {
    let fail = |why| OpenError { path: path.to_owned(), why };
    let file = open_file(path).map_err(|error| fail(error.into()))?;
    Reader::of(file, keys).map_err(fail)
}

/// Reads what a recording says of itself to everybody. Without the key nobody can tell whether it is true.
pub fn read_header(input: &mut impl Read) -> Result<(Header, Vec<u8>), Unreadable> {
    let cut = || Unreadable::Header("it ends before its header does: it was never begun, or it was cut off".to_owned());
    let mut bytes = Vec::new();
    input.by_ref().take(12).read_to_end(&mut bytes)?;
    let Some((magic, length)) = bytes.split_first_chunk::<8>() else { return Err(cut()) };
    if *magic != MAGIC {
        return Err(Unreadable::Header("it does not begin as a recording does".to_owned()));
    }
    let length = u32::from_le_bytes(length.try_into().map_err(|_| cut())?);
    if !(1..=HEADER_BYTES_MAX).contains(&length) {
        return Err(Unreadable::Header(format!("its header cannot be {length} bytes long")));
    }
    let whole = u64::from(length).saturating_add(12);
    input.by_ref().take(length.into()).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|bytes| bytes < whole) {
        return Err(cut());
    }
    let (header, ..) = Header::parse(bytes.get(12..).unwrap_or_default()).map_err(Unreadable::Header)?;
    Ok((header, bytes))
}

impl<R: Read + Seek> Reader<R> {
    /// Reads a recording from anything that holds one.
    pub fn of(mut input: R, keys: &RecordingKeys) -> Result<Self, Unreadable> {
        let bytes = read_header(&mut input)?.1;
        let (header, bound, wrapped) =
            Header::parse(bytes.get(12..).unwrap_or_default()).map_err(Unreadable::Header)?;
        let unknown = || Unreadable::UnknownKey { key: header.key.clone(), here: keys.id().to_owned() };
        let own = keys.get(&header.key).ok_or_else(unknown)?.unwrap(bound, &wrapped);
        let own = own.ok_or_else(|| Unreadable::Header("its header was changed".to_owned()))?;
        let at = header.opened;
        Ok(Self {
            input,
            key: ChunkKey { own, header: Hash::of(&bytes) },
            header,
            unpacker: Unpacker::new()?,
            sealed: Vec::new(),
            offset: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            index: 0,
            began: 0,
            raw: Vec::new(),
            read: 0,
            is_last: false,
            is_complete: false,
            at,
            part: Vec::new(),
            fault: None,
        })
    }

    /// What it says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How many chunks were read.
    pub fn chunks(&self) -> u64 {
        self.index
    }

    /// The next frame, or the end. After a fault it is that fault again.
    #[expect(clippy::should_implement_trait, reason = "after `Unfinished` it may go on, which no iterator's end does")]
    pub fn next(&mut self) -> Result<Next, Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let next = self.step();
        if let Err(fault) = &next {
            self.fault = Some(fault.clone());
        }
        next
    }

    fn step(&mut self) -> Result<Next, Fault> {
        loop {
            let mut rest = self.raw.get(self.read..).unwrap_or_default();
            if rest.is_empty() {
                if self.is_complete {
                    return Ok(Next::Complete);
                }
                match self.next_chunk()? {
                    None => continue,
                    Some(torn) => return Ok(Next::Unfinished { offset: self.offset, torn }),
                }
            }
            let RawFrame { kind, after, payload } =
                take(&mut rest).ok_or_else(|| self.within("its frames are none"))?;
            let is_rest = rest.is_empty();
            self.read = self.raw.len().saturating_sub(rest.len());
            self.at = self.at.saturating_add(after);
            if kind == kind::END {
                self.is_complete = true;
                if !self.is_last || !is_rest || !payload.is_empty() || !self.part.is_empty() {
                    return Err(self.within("it has an end where none can be"));
                }
                self.is_nothing_behind()?;
                return Ok(Next::Complete);
            }
            if self.is_last && is_rest {
                return Err(self.within("it is the last one and has no end"));
            }
            if self.part.len().saturating_add(payload.len()) > PAYLOAD_BYTES_MAX {
                return Err(self.within("its frames make up more than one can be"));
            }
            if kind == kind::PART {
                self.part.extend_from_slice(payload);
                continue;
            }
            let frame = if self.part.is_empty() {
                KeptFrame::parse(kind, payload)
            } else {
                let mut whole = std::mem::take(&mut self.part);
                whole.extend_from_slice(payload);
                KeptFrame::parse(kind, &whole)
            };
            let frame = frame.ok_or_else(|| self.within("a frame in it is not of its kind"))?;
            return Ok(Next::Frame(Kept { at: UnixMicros(self.at), frame }));
        }
    }

    /// Reads the next chunk. If it is not all there, says how many bytes of it are.
    fn next_chunk(&mut self) -> Result<Option<u64>, Fault> {
        let (chunk, offset) = (self.index, self.offset);
        let fault = |what: String| Fault { chunk, offset, what, is_passing: false };
        let unread =
            |error: io::Error| Fault { chunk, offset, what: format!("it cannot be read: {error}"), is_passing: true };
        self.input.seek(SeekFrom::Start(offset)).map_err(unread)?;
        let mut head = Vec::new();
        self.input.by_ref().take(8).read_to_end(&mut head).map_err(unread)?;
        let torn = |bytes: usize| Ok(Some(u64::try_from(bytes).unwrap_or(u64::MAX)));
        let Some(lengths) = head.first_chunk::<CHUNK_HEAD_BYTES>() else { return torn(head.len()) };
        let head = Head::parse(*lengths).map_err(|head| {
            fault(format!("its lengths cannot be right ({} bytes of {})", head.sealed_bytes, head.raw_bytes))
        })?;
        self.sealed.clear();
        self.input.by_ref().take(head.sealed_bytes.into()).read_to_end(&mut self.sealed).map_err(unread)?;
        if u32::try_from(self.sealed.len()).is_ok_and(|bytes| bytes < head.sealed_bytes) {
            return torn(self.sealed.len().saturating_add(CHUNK_HEAD_BYTES));
        }
        self.read = 0;
        let opened = self.unpacker.unpack(&self.key, chunk, head, &self.sealed, &mut self.raw);
        self.is_last = opened.map_err(|spoiled| {
            self.raw.clear();
            fault(spoiled.to_string())
        })?;
        self.index = self.index.saturating_add(1);
        self.began = offset;
        self.offset = offset.saturating_add(u64::from(head.sealed_bytes)).saturating_add(8);
        Ok(None)
    }

    /// A fault in the chunk whose frames are read.
    fn within(&self, what: &str) -> Fault {
        Fault { chunk: self.index.saturating_sub(1), offset: self.began, what: what.to_owned(), is_passing: false }
    }

    /// Nothing may follow the last chunk.
    fn is_nothing_behind(&mut self) -> Result<(), Fault> {
        let fault = |what: String| Fault { chunk: self.index, offset: self.offset, what, is_passing: false };
        let unread = |error: io::Error| Fault { is_passing: true, ..fault(format!("it cannot be read: {error}")) };
        let end = self.input.seek(SeekFrom::End(0)).map_err(unread)?;
        match end.checked_sub(self.offset) {
            Some(0) => Ok(()),
            Some(bytes) => Err(fault(format!("{bytes} bytes stand behind the recording's end"))),
            None => Err(fault("the recording was cut off while it was read".to_owned())),
        }
    }
}

impl KeptFrame {
    fn parse(kind: u8, mut payload: &[u8]) -> Option<Self> {
        Some(match kind {
            kind::RECORD => Self::Record(std::str::from_utf8(payload).ok()?.to_owned()),
            kind::ABOUT => Self::About(take_varint(&mut payload).filter(|_| payload.is_empty())?),
            kind::SHAPE => Self::Shape(fields(payload)?),
            kind::SHOWN => Self::Shown(payload.to_vec()),
            kind::INSTEAD => {
                let bytes = take_varint(&mut payload)?;
                Self::Instead { bytes, kept: payload.to_vec() }
            }
            kind => Self::Other { kind, payload: payload.to_vec() },
        })
    }
}

fn fields(json: &[u8]) -> Option<Vec<KeptField>> {
    #[derive(Deserialize)]
    struct Field {
        name: String,
        #[serde(rename = "type")]
        type_id: u64,
        #[serde(default)]
        binary: bool,
        class: Option<String>,
        sight: String,
        kept: String,
    }
    let sight = |word: &str| {
        let all = [Sight::Nothing, Sight::Token, Sight::Partial, Sight::Clear];
        all.into_iter().find(|sight| sight.as_str() == word)
    };
    let fields: Vec<Field> = serde_json::from_slice(json).ok()?;
    let kept = fields.into_iter().map(|Field { name, type_id, binary, class, sight: seen, kept }| {
        Some(KeptField { name, type_id, binary, class, sight: sight(&seen)?, kept: sight(&kept)? })
    });
    kept.collect()
}
