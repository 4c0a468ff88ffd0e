//! The bytes of a recording.
//!
//! # File
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `WEIRREC1` |
//! | 4 | length of the header in bytes, little-endian, 1 to 64 KiB |
//! | length | the header: one JSON object in UTF-8, not sealed |
//! | … | chunks, one after the other; the last one says that it is the last |
//!
//! # Header
//!
//! | key | what |
//! |---|---|
//! | `format` | 1 |
//! | `session` | the session's id |
//! | `opened` | when it began (microseconds since the Unix epoch) |
//! | `protocol` | whose framing the shown bytes have: `postgres` |
//! | `level` | `full`, or `metadata`: then no shown byte is in it |
//! | `key` | which recording key wraps this recording's own key: the first 8 bytes of its SHA-256, in hex |
//! | `wrapped` | the recording's own key, 120 hex digits: nonce (12 bytes) ‖ sealed key (32) ‖ tag (16) |
//!
//! The recording's own key is 32 random bytes. It is sealed with AES-256-GCM under the recording key; what is
//! authenticated beside it are all bytes of the header before `,"wrapped":`, which is its last key. So each byte of the
//! header is what it was, or the recording can't be opened.
//!
//! # Chunk
//!
//! | bytes | what |
//! |---|---|
//! | 4 | *n*, length of the sealed bytes, little-endian, at most 1 MiB + 64 KiB |
//! | 4 | length of the frames in it, little-endian, 1 to 1 MiB |
//! | *n* | sealed bytes: one zstd frame of its own, sealed with AES-256-GCM under the recording's own key, with the tag (16 bytes) behind |
//!
//! The nonce is the chunk's number from 0 (8 bytes, little-endian), three zero bytes, and a byte that is 1 in the last
//! chunk and 0 in all others. What is authenticated beside are 32 bytes, the SHA-256 of all bytes before the first chunk,
//! and the 4 bytes of the frames' length. So a chunk opens in its own place of its own recording and nowhere else, and
//! nothing but the last chunk is an end (this is the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
//!
//! # Frames
//!
//! What a chunk holds are whole frames:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | kind |
//! | varint | microseconds since the frame before it, also one of another chunk; since `opened` for the first |
//! | varint | length of the payload in bytes |
//! | length | payload |
//!
//! A varint has seven bits a byte, the lowest first; the top bit says that another byte follows. It may be longer than it has
//! to be, up to ten bytes.
//!
//! | kind | name | payload |
//! |---|---|---|
//! | 1 | record | JSON, the log's record without its `seq` |
//! | 2 | about | varint: the operation that what follows was shown for; 0 for none |
//! | 3 | shape | JSON, a list of `{"class", "sight", "kept"}`, one a field; a field without a class has no `class` |
//! | 4 | shown | bytes as the caller was shown them |
//! | 5 | instead | varint: how many bytes the caller was shown; then what is kept in their place |
//! | 6 | part | the beginning of the payload of the next frame that is not a part |
//! | 7 | end | nothing; the last frame of the last chunk, and of no other |
//!
//! Shown bytes may be cut and joined anywhere, and so may what is kept instead: only the row of all of them means something.
//!
//! A reader passes over a frame of a kind that it does not know, with the parts before it: so requests of HTTP and events of a terminal
//! (asciicast v3) can become kinds of their own, from 16 on, without a new format.

use serde::{Deserialize, Serialize};

/// The first bytes of a recording.
pub const MAGIC: [u8; 8] = *b"WEIRREC1";
/// The longest header.
pub const HEADER_BYTES_MAX: u32 = 64 * 1024;
/// The most that a chunk holds: a reader takes no more memory than this, whatever a file says.
pub const RAW_BYTES_MAX: u32 = 1024 * 1024;
/// The most that this becomes: what can't be made smaller grows a little, and gets a tag.
pub const SEALED_BYTES_MAX: u32 = RAW_BYTES_MAX + 64 * 1024;
/// Bytes of a chunk before what is sealed.
pub const CHUNK_HEAD_BYTES: usize = 8;
/// Bytes of AES-GCM's tag.
pub const TAG_BYTES: usize = 16;
/// Bytes of a wrapped key: nonce, key and tag.
pub const WRAPPED_BYTES: usize = 60;
/// The longest payload that parts make up: the longest record that the log takes.
pub const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Where the recordings are that are not complete.
pub const OPEN_FOLDER: &str = "open";
/// What a recording's name ends with.
pub const SUFFIX: &str = ".rec";

/// Where the wrapped key begins in the header, and how the header ends after it.
const WRAPPED_START: &[u8] = b",\"wrapped\":\"";
const WRAPPED_END: &[u8] = b"\"}";

/// What a recording says of itself to everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// 1.
    pub format: u32,
    /// The session's id.
    pub session: String,
    /// When it began, in microseconds since the Unix epoch.
    pub opened: u64,
    /// The protocol whose framing the shown bytes have.
    pub protocol: String,
    /// `full` or `metadata`.
    pub level: String,
    /// The id of the recording key.
    pub key: String,
}

impl Header {
    /// The header's JSON as far as it is authenticated: all but the wrapped key.
    pub(crate) fn bound(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = serde_json::to_vec(self)?;
        json.pop();
        Ok(json)
    }

    /// All bytes before the first chunk.
    pub(crate) fn bytes(bound: &[u8], wrapped: &[u8; WRAPPED_BYTES]) -> Option<Vec<u8>> {
        let json = [bound, WRAPPED_START, hex(wrapped).as_bytes(), WRAPPED_END].concat();
        let length = u32::try_from(json.len()).ok().filter(|length| *length <= HEADER_BYTES_MAX)?;
        Some([&MAGIC, length.to_le_bytes().as_slice(), &json].concat())
    }

    /// Takes a header's JSON apart: what it says, the bytes that are authenticated with the wrapped key, and that key.
    pub(crate) fn parse(json: &[u8]) -> Result<(Self, &[u8], [u8; WRAPPED_BYTES]), String> {
        let said: Self = serde_json::from_slice(json).map_err(|error| format!("its header cannot be read: {error}"))?;
        if said.format != 1 {
            return Err(format!("it has format {}; this Weir reads format 1", said.format));
        }
        let wrapped = || {
            let rest = json.strip_suffix(WRAPPED_END)?;
            let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(WRAPPED_BYTES.checked_mul(2)?)?)?;
            Some((rest.strip_suffix(WRAPPED_START)?, unhex(digits)?))
        };
        let (bound, wrapped) = wrapped().ok_or("its header does not end with a wrapped key")?;
        Ok((said, bound, wrapped))
    }
}

/// Whether this may be the name of a file here: an id has no letter that means something in a path.
pub(crate) fn is_id(text: &str) -> bool {
    let ordinary = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=128).contains(&text.len()) && text.bytes().all(ordinary)
}

/// Bytes in lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Bytes from as many pairs of lower-case digits.
pub(crate) fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a')?.checked_add(10),
        _ => None,
    };
    let mut bytes = [0; N];
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    if pairs.len() != N {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = value(*high)?.checked_mul(16)?.checked_add(value(*low)?)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            format: 1,
            session: "0198f0a2".into(),
            opened: 1_795_000_000_000_000,
            protocol: "postgres".into(),
            level: "full".into(),
            key: "00".repeat(8),
        }
    }

    #[test]
    fn a_header_is_taken_apart_as_it_was_put_together() {
        let bound = header().bound().unwrap();
        let wrapped = std::array::from_fn(|n| n as u8 * 4);
        let bytes = Header::bytes(&bound, &wrapped).unwrap();
        assert_eq!(&bytes[..8], b"WEIRREC1");
        assert_eq!(bytes.len() - 12, u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize);
        assert_eq!(Header::parse(&bytes[12..]), Ok((header(), bound.as_slice(), wrapped)));
    }

    #[test]
    fn the_wrapped_key_has_one_spelling_and_one_place() {
        let bound = String::from_utf8(header().bound().unwrap()).unwrap();
        let digits = "ab".repeat(WRAPPED_BYTES);
        let parse = |json: String| Header::parse(json.as_bytes()).map(drop);
        assert_eq!(parse(format!("{bound},\"wrapped\":\"{digits}\"}}")), Ok(()));
        for other in [
            format!("{bound},\"wrapped\":\"{}\"}}", digits.to_uppercase()),
            format!("{bound},\"wrapped\":\"{digits}ab\"}}"),
            format!("{bound},\"wrapped\":\"{}\"}}", &digits[2..]),
            format!("{bound},\"wrapped\":\"{digits}\"}} "),
            format!("{bound},\"wrapped\": \"{digits}\"}}"),
            format!("{bound}}}"),
            format!("{bound},\"wrapped\":\"{digits}\"}}").replace("\"format\":1", "\"format\":2"),
        ] {
            assert!(parse(other.clone()).is_err(), "{other}");
        }
    }

    #[test]
    fn an_id_means_nothing_in_a_path() {
        assert!(is_id("019aa0f2-77b1-7000-8000-00c0ffee1234"));
        for other in ["", ".", "..", "a/b", "a.b", "ü", "a\0", "a b", &"a".repeat(129)] {
            assert!(!is_id(other), "{other:?}");
        }
    }
}
