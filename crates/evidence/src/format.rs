//! The bytes of the log.
//!
//! # Folder
//!
//! A log is a folder (mode 0700) of segments (mode 0600), and a file `lock` that its one writer holds locked.
//! A segment is named `<lane>-<seq>.log`: the lane in three decimal digits or more, and in twenty the number of the
//! segment's first record. It first appears as `<name>.new` and is renamed once its header is in it.
//!
//! # Segment
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `WEIRLOG1` |
//! | … | records, the first of which is the header |
//!
//! # Record
//!
//! | bytes | what |
//! |---|---|
//! | 4 | length of the payload in bytes, little-endian, 1 to 16 MiB |
//! | 32 | SHA-256 of (hash of the record before, 32 bytes ‖ length, the 4 bytes above ‖ payload) |
//! | length | payload: one JSON object in UTF-8, beginning with `{"seq":` |
//!
//! The hash before a lane's first record is 32 zero bytes. The chain runs on from segment to segment. `seq` counts a
//! lane's records from 1, headers and seals too, and never restarts. Beside it a payload holds `at` (microseconds since
//! the Unix epoch), `event` (its kind), `session` if it belongs to one, and what else the kind brings.
//!
//! # Header
//!
//! The first record of a segment, `"event":"segment"`:
//!
//! | key | what |
//! |---|---|
//! | `format` | 1 |
//! | `lane`, `lanes` | this lane; how many the process opened |
//! | `instance`, `opened` | which process, and when it opened the log (microseconds) |
//! | `previous_seq`, `previous` | number and hash (hex) of the record before this one; 0 and zeros for the first |
//! | `torn` | what could not be read at the end of the segments before: for each `segment`, `offset`, `bytes`, the `sha256` of those bytes, and `what` in words |
//!
//! Torn bytes stay where they are; nothing is ever cut off but what the living process itself failed to write.
//! A process opens its lanes from the last to the first, so a header in lane 0 proves that there is one in each other.
//!
//! # Seal
//!
//! The last record of a segment, `"event":"sealed"`, with `why`: `full` (the next segment follows) or `stopped` (the
//! process ended in good order). A lane that ends without one belongs to a running process, or to a killed one, or its
//! end was cut off.

use std::fmt;
use std::io::Write;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

/// The first bytes of a segment.
pub const MAGIC: [u8; 8] = *b"WEIRLOG1";
/// Bytes of a record before its payload: length and hash.
pub const HEAD_BYTES: usize = 36;
/// The longest payload.
pub const RECORD_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// A segment that has grown to this is followed by a new one.
pub const SEGMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The file that the writer of a log holds locked.
pub const LOCK_NAME: &str = "lock";
/// What a segment's name ends with while it has no header yet.
pub(crate) const NEW_SUFFIX: &str = ".new";
/// How a payload begins.
pub(crate) const PAYLOAD_START: &[u8] = b"{\"seq\":";

/// A record's place in the chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What stands before a lane's first record.
    pub const ZERO: Self = Self([0; 32]);

    /// SHA-256 of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()) {
            *to = *from;
        }
        Self(hash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a hash is 64 lower-case hexadecimal digits");
        let mut hash = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(wrong());
        }
        for (byte, at) in hash.iter_mut().zip((0..).step_by(2)) {
            let pair = text.get(at..).and_then(|rest| rest.get(..2)).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(hash))
    }
}

/// A record's number in its lane, and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub seq: u64,
    pub hash: Hash,
}

impl Place {
    /// Before a lane's first record.
    pub const START: Self = Self { seq: 0, hash: Hash::ZERO };
}

/// The name of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// The lane it belongs to.
    pub lane: u16,
    /// The number of its first record, which is its header.
    pub first: u64,
}

impl SegmentName {
    /// The name that a file has, if it is one of a segment.
    pub fn parse(name: &str) -> Option<Self> {
        let (lane, first) = name.strip_suffix(".log")?.split_once('-')?;
        let parsed = Self { lane: lane.parse().ok()?, first: first.parse().ok()? };
        (parsed.to_string() == name).then_some(parsed)
    }

    /// The name of the segment that follows this one, when its last record has the number `last`.
    pub(crate) fn followed_by(self, last: u64) -> Self {
        Self { lane: self.lane, first: last.saturating_add(1) }
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}-{:020}.log", self.lane, self.first)
    }
}

/// The header of a segment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Its number: written by [`encode`], like that of every record.
    #[serde(skip_serializing)]
    pub seq: u64,
    pub at: u64,
    pub event: String,
    pub format: u32,
    pub lane: u16,
    pub lanes: u16,
    pub instance: String,
    pub opened: u64,
    pub previous_seq: u64,
    pub previous: Hash,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub torn: Vec<Torn>,
}

/// Bytes at the end of a segment that were not records when the log was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Torn {
    pub segment: String,
    pub offset: u64,
    pub bytes: u64,
    pub sha256: Hash,
    pub what: String,
}

/// The last record of a segment.
#[derive(Debug, Serialize)]
pub(crate) struct Seal {
    pub at: u64,
    pub event: &'static str,
    pub why: &'static str,
}

/// The kind of a header.
pub(crate) const HEADER_EVENT: &str = "segment";
/// The kind of a seal.
pub(crate) const SEAL_EVENT: &str = "sealed";
/// A seal that the next segment follows.
pub(crate) const SEAL_FULL: &str = "full";
/// A seal that nothing of the same process follows.
pub(crate) const SEAL_STOPPED: &str = "stopped";

/// A record that the log cannot take.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("a record of {0} bytes is longer than the log takes (16 MiB)")]
    Long(usize),
    #[error("a record cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a record is not a JSON object with a time")]
    Shape,
}

/// Adds a record to a buffer and says its hash. On an error the buffer is as before.
///
/// `record` must serialise to an object with at least one key and none named `seq`.
pub(crate) fn encode(buffer: &mut Vec<u8>, previous: &Hash, seq: u64, record: &impl Serialize) -> Result<Hash, Unfit> {
    let start = buffer.len();
    let encoded = encode_at(buffer, start, previous, seq, record);
    if encoded.is_err() {
        buffer.truncate(start);
    }
    encoded
}

fn encode_at(
    buffer: &mut Vec<u8>,
    start: usize,
    previous: &Hash,
    seq: u64,
    record: &impl Serialize,
) -> Result<Hash, Unfit> {
    buffer.extend_from_slice(&[0; HEAD_BYTES]);
    let body = buffer.len();
    buffer.extend_from_slice(PAYLOAD_START);
    // Writing to a Vec cannot fail.
    let _ = write!(buffer, "{seq}");
    let join = buffer.len();
    serde_json::to_writer(&mut *buffer, record)?;
    match buffer.get_mut(join..) {
        Some([brace @ b'{', _key, _value, ..]) => *brace = b',',
        _ => return Err(Unfit::Shape),
    }
    let long = buffer.len().saturating_sub(body);
    let length = u32::try_from(long).ok().filter(|n| *n <= RECORD_BYTES_MAX).ok_or(Unfit::Long(long))?;
    let frame = buffer.get_mut(start..).ok_or(Unfit::Shape)?;
    let hash = chain(previous, length, frame).ok_or(Unfit::Shape)?;
    Ok(hash)
}

/// The hash of a frame whose payload is in place. Its first 36 bytes are used for the input of the hash (the hash
/// before and the length), then get the frame's own length and hash: so nothing is copied and one call does it.
pub(crate) fn chain(previous: &Hash, length: u32, frame: &mut [u8]) -> Option<Hash> {
    let length = length.to_le_bytes();
    frame.get_mut(..32)?.copy_from_slice(&previous.0);
    frame.get_mut(32..HEAD_BYTES)?.copy_from_slice(&length);
    let hash = Hash::of(frame);
    frame.get_mut(..4)?.copy_from_slice(&length);
    frame.get_mut(4..HEAD_BYTES)?.copy_from_slice(&hash.0);
    Some(hash)
}

/// The hash of a record by itself.
pub(crate) fn chain_of(previous: &Hash, payload: &[u8]) -> Option<Hash> {
    let length = u32::try_from(payload.len()).ok().filter(|length| *length <= RECORD_BYTES_MAX)?;
    let mut frame = vec![0; HEAD_BYTES];
    frame.extend_from_slice(payload);
    chain(previous, length, &mut frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_length_hash_and_payload() {
        #[derive(Serialize)]
        struct Small {
            at: u64,
        }
        let mut buffer = b"before".to_vec();
        let hash = encode(&mut buffer, &Hash([7; 32]), 12, &Small { at: 3 }).unwrap();
        let payload = br#"{"seq":12,"at":3}"#;
        let mut hashed = vec![7; 32];
        hashed.extend_from_slice(&[payload.len() as u8, 0, 0, 0]);
        hashed.extend_from_slice(payload);
        assert_eq!(hash, Hash::of(&hashed));
        let mut expected = b"before".to_vec();
        expected.extend_from_slice(&[payload.len() as u8, 0, 0, 0]);
        expected.extend_from_slice(&hash.0);
        expected.extend_from_slice(payload);
        assert_eq!(buffer, expected);
    }

    #[test]
    fn what_does_not_fit_leaves_the_buffer_alone() {
        let mut buffer = b"x".to_vec();
        assert!(matches!(encode(&mut buffer, &Hash::ZERO, 1, &"text"), Err(Unfit::Shape)));
        assert!(matches!(
            encode(&mut buffer, &Hash::ZERO, 1, &serde_json::json!({"a": "b".repeat(RECORD_BYTES_MAX as usize)})),
            Err(Unfit::Long(_))
        ));
        assert!(matches!(encode(&mut buffer, &Hash::ZERO, 1, &serde_json::json!({})), Err(Unfit::Shape)));
        assert_eq!(buffer, b"x");
    }

    #[test]
    fn names_have_one_spelling() {
        let name = SegmentName { lane: 7, first: 12 };
        assert_eq!(name.to_string(), "007-00000000000000000012.log");
        assert_eq!(SegmentName::parse(&name.to_string()), Some(name));
        for other in ["7-12.log", "007-00000000000000000012.log.new", "lock", "007-0000000000000000001x.log", "-.log"] {
            assert_eq!(SegmentName::parse(other), None, "{other}");
        }
    }

    #[test]
    fn hashes_are_read_back_strictly() {
        let hash = Hash::of(b"x");
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<Hash>(&text).unwrap(), hash);
        assert!(serde_json::from_str::<Hash>(&text.to_uppercase()).is_err());
        assert!(serde_json::from_str::<Hash>("\"ab\"").is_err());
    }
}
