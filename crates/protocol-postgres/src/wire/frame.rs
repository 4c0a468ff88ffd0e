//! Frames: a type byte, a length that counts itself, a body.
//!
//! ```text
//!  ┌──────┬────────────────┬───────────────┐
//!  │ type │ length (int32) │ body          │   length = 4 + body
//!  └──────┴────────────────┴───────────────┘
//! ```

use std::ops::Range;

use super::Malformed;

/// Bytes of a frame before its body.
pub const HEAD_BYTES: usize = 5;

/// The longest frame that is taken whole into memory: a query text, bound parameters, a row with masked cells.
pub const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The longest message that a server takes or makes (`PQ_LARGE_MESSAGE_LIMIT`), for those that are not held.
pub const DATA_BYTES_MAX: usize = 0x3fff_ffff;

/// The type and length of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The type byte.
    pub kind: u8,
    /// The whole frame with type and length, in bytes.
    pub frame_bytes: usize,
}

impl Head {
    /// The head of the frame that `bytes` begin with; `None` if it is not complete yet.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let Some(([kind], rest)) = bytes.split_first_chunk::<1>() else { return Ok(None) };
        let Some(length) = rest.first_chunk::<4>() else { return Ok(None) };
        let length = i32::from_be_bytes(*length);
        let frame_bytes = usize::try_from(length)
            .ok()
            .filter(|length| *length >= 4)
            .and_then(|length| length.checked_add(1))
            .ok_or_else(|| {
                let kind = char::from(*kind).escape_default();
                Malformed(format!("a message of type '{kind}' says that it is {length} bytes long"))
            })?;
        Ok(Some(Self { kind: *kind, frame_bytes }))
    }
}

/// A receive buffer with two cursors: what was consumed, and what was received.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    start: usize,
}

/// Room kept between bursts.
const INBOX_BYTES_KEPT: usize = 64 * 1024;

impl Inbox {
    /// Everything received and not consumed.
    pub fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// A range of [`Self::unread`].
    pub fn get(&self, range: Range<usize>) -> &[u8] {
        self.unread().get(range).unwrap_or_default()
    }

    /// Consumes the first `count` bytes of [`Self::unread`].
    pub fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.bytes.len());
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(INBOX_BYTES_KEPT);
            self.start = 0;
        }
    }

    /// Gives back the room beyond this, and beyond what it holds.
    pub fn shrink(&mut self, bytes_kept: usize) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.shrink_to(bytes_kept);
    }

    /// Takes received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > INBOX_BYTES_KEPT && self.start.saturating_mul(2) > self.bytes.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }
}
