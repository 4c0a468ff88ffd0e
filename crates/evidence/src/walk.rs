//! Reading the records of one segment, and saying exactly where and how it stops being one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::format::{
    HEAD_BYTES, HEADER_EVENT, Hash, Header, LOCK_NAME, MAGIC, NEW_SUFFIX, PAYLOAD_START, RECORD_BYTES_MAX, SegmentName,
    chain,
};

/// Goes from record to record.
pub(crate) struct Walk<R> {
    input: R,
    /// Where the next record begins.
    offset: u64,
    previous: Hash,
    /// After a record that did not match: the hash it should have had. What follows may have been chained to either.
    otherwise: Option<Hash>,
    frame: Vec<u8>,
}

/// What a [`Walk`] found.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    Record(Found<'a>),
    /// The segment ends here.
    End,
    /// No record begins here; nothing after it can be read.
    Flaw(Flaw),
}

/// A record as it is in the file.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub offset: u64,
    pub hash: Hash,
    /// Whether the hash is that of the record before and this one.
    pub chained: bool,
    pub payload: &'a [u8],
}

/// Why no record can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    #[error("{bytes} bytes of a record that was not written to its end")]
    Cut { bytes: u64 },
    #[error("{bytes} zero bytes, as a power failure leaves them")]
    Zeros { bytes: u64 },
    #[error("a record's length cannot be right ({length}), so the {bytes} bytes from here on cannot be read")]
    Length { length: u32, bytes: u64 },
}

impl Flaw {
    /// Whether a killed process or a lost power leaves this; it is no sign of a changed file.
    pub fn is_natural(self) -> bool {
        !matches!(self, Self::Length { .. })
    }
}

impl<R: Read> Walk<R> {
    /// Reads from `input`, which stands at `offset` of the segment, after a record with the hash `previous`.
    pub fn new(input: R, offset: u64, previous: Hash) -> Self {
        Self { input, offset, previous, otherwise: None, frame: Vec::new() }
    }

    /// Where the next record begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record.
    pub fn step(&mut self) -> io::Result<Step<'_>> {
        self.frame.clear();
        let head = self.read(HEAD_BYTES)?;
        if head == 0 {
            return Ok(Step::End);
        }
        let (Some(length), Some(stored)) = (array(&self.frame, 0), array(&self.frame, 4)) else {
            let bytes = widen(head);
            return Ok(Step::Flaw(if self.zeros() { Flaw::Zeros { bytes } } else { Flaw::Cut { bytes } }));
        };
        let (length, stored) = (u32::from_le_bytes(length), Hash(stored));
        if length == 0 || length > RECORD_BYTES_MAX {
            return self.unreadable(length, head).map(Step::Flaw);
        }
        let read = self.read(usize::try_from(length).unwrap_or(usize::MAX))?;
        if widen(read) < u64::from(length) {
            let bytes = widen(self.frame.len());
            let natural = self.frame.get(HEAD_BYTES..).is_some_and(is_payload_cut);
            return Ok(Step::Flaw(if natural { Flaw::Cut { bytes } } else { Flaw::Length { length, bytes } }));
        }
        let computed = chain(&self.previous, length, &mut self.frame).unwrap_or(Hash::ZERO);
        let chained = computed == stored
            || self.otherwise.is_some_and(|other| chain(&other, length, &mut self.frame) == Some(stored));
        self.previous = stored;
        self.otherwise = (!chained).then_some(computed);
        let offset = self.offset;
        self.offset = offset.saturating_add(widen(self.frame.len()));
        let payload = self.frame.get(HEAD_BYTES..).unwrap_or_default();
        Ok(Step::Record(Found { offset, hash: stored, chained, payload }))
    }

    /// Takes in up to `bytes` more. Memory grows with what is there, not with what a length claims.
    fn read(&mut self, bytes: usize) -> io::Result<usize> {
        self.input.by_ref().take(widen(bytes)).read_to_end(&mut self.frame)
    }

    fn zeros(&self) -> bool {
        self.frame.iter().all(|byte| *byte == 0)
    }

    /// Counts the rest.
    fn unreadable(&mut self, length: u32, head: usize) -> io::Result<Flaw> {
        let (mut bytes, mut zeros) = (widen(head), self.zeros());
        loop {
            self.frame.clear();
            match self.read(64 * 1024)? {
                0 => break,
                more => {
                    bytes = bytes.saturating_add(widen(more));
                    zeros &= self.zeros();
                }
            }
        }
        Ok(if zeros { Flaw::Zeros { bytes } } else { Flaw::Length { length, bytes } })
    }
}

impl<R: Read + Seek> Walk<R> {
    /// Stands at a record before, which follows one with the hash `previous`.
    pub fn back_to(&mut self, offset: u64, previous: Hash) -> io::Result<()> {
        (self.offset, self.previous, self.otherwise) = (offset, previous, None);
        self.again()
    }

    /// Stands at the next record again, after a flaw that may have become a record since.
    pub fn again(&mut self) -> io::Result<()> {
        self.input.seek(SeekFrom::Start(self.offset)).map(drop)
    }
}

/// Whether these bytes can be the beginning of a payload, and are not all of one. A record that a killed process left
/// is such a beginning; a record whose length was changed is followed by others, which hold bytes that no JSON has.
fn is_payload_cut(bytes: &[u8]) -> bool {
    let start = PAYLOAD_START.len().min(bytes.len());
    bytes.get(..start) == PAYLOAD_START.get(..start)
        && bytes.iter().all(|byte| *byte >= 0x20)
        && std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
        && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_err()
}

fn array<const N: usize>(bytes: &[u8], from: usize) -> Option<[u8; N]> {
    bytes.get(from..)?.get(..N)?.try_into().ok()
}

fn widen(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// A segment whose header was read and is right; the walk stands after it.
pub(crate) struct Opened {
    pub header: Header,
    pub hash: Hash,
    pub walk: Walk<BufReader<File>>,
}

/// Opens a segment. The inner error says in words what is wrong with its beginning.
pub(crate) fn open_segment(folder: &Path, name: SegmentName) -> io::Result<Result<Opened, String>> {
    let mut input = BufReader::with_capacity(256 * 1024, File::open(folder.join(name.to_string()))?);
    let mut magic = Vec::new();
    input.by_ref().take(widen(MAGIC.len())).read_to_end(&mut magic)?;
    if magic != MAGIC {
        return Ok(Err(match magic.len() {
            0 => "the segment is empty: its header is missing".to_owned(),
            _ => "the segment does not begin with WEIRLOG1: its header is missing or was changed".to_owned(),
        }));
    }
    // The header itself says what stood before it. So it is read once for that, and once more to be checked.
    let start = widen(MAGIC.len());
    let header = match Walk::new(&mut input, start, Hash::ZERO).step()? {
        Step::Record(found) => serde_json::from_slice::<Header>(found.payload).map_err(|error| error.to_string()),
        Step::End => Err("nothing follows".to_owned()),
        Step::Flaw(flaw) => Err(flaw.to_string()),
    };
    let header = match header {
        Ok(header) if header.event == HEADER_EVENT => header,
        Ok(_) => return Ok(Err("the segment's first record is not a header".to_owned())),
        Err(error) => return Ok(Err(format!("the segment's header cannot be read: {error}"))),
    };
    input.seek(SeekFrom::Start(start))?;
    let mut walk = Walk::new(input, start, header.previous);
    let hash = match walk.step()? {
        Step::Record(found) if found.chained => found.hash,
        _ => return Ok(Err("the segment's header does not match its hash: it was changed".to_owned())),
    };
    if header.format != 1 {
        return Ok(Err(format!("the segment is of format {}, which this version cannot read", header.format)));
    }
    let said = SegmentName { lane: header.lane, first: header.seq };
    if said != name {
        return Ok(Err(format!("the file's name is not that of the segment in it, which is {said}")));
    }
    Ok(Ok(Opened { header, hash, walk }))
}

/// What a log's folder holds.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Segments of each lane, oldest first.
    pub lanes: BTreeMap<u16, Vec<SegmentName>>,
    /// Names that are none of the log's.
    pub strangers: Vec<String>,
}

pub(crate) fn list(folder: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if let Some(segment) = SegmentName::parse(&name) {
            listing.lanes.entry(segment.lane).or_default().push(segment);
        } else if name != LOCK_NAME && name.strip_suffix(NEW_SUFFIX).and_then(SegmentName::parse).is_none() {
            listing.strangers.push(name.into_owned());
        }
    }
    listing.lanes.values_mut().for_each(|segments| segments.sort());
    listing.strangers.sort();
    Ok(listing)
}
