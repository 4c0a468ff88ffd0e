//! Base64 (RFC 4648, both alphabets, with padding or without), where the bytes begin with some.

use super::{Decoded, character};

/// As long as a number of nine digits is.
const BYTES_MIN: usize = 12;

/// Whether what begins so is base64 of a text. A word, a number or a hash is of the alphabet too, but stands for no text.
pub(super) fn is_begun(head: &[u8]) -> bool {
    if head.len() < BYTES_MIN {
        return false;
    }
    let digits = head.iter().take_while(|byte| value(**byte).is_some()).count();
    let padding = head.get(digits..).unwrap_or_default();
    let is_all = padding.len() <= 2 && padding.iter().all(|byte| *byte == b'=');
    if !is_all {
        return false;
    }
    let mut text = [0; 12];
    let quads = head.get(..digits).unwrap_or_default().chunks(4);
    let decoded = quads.zip(text.chunks_mut(3)).map(|(quad, to)| {
        let (bytes, count) = decoded(quad.iter().copied());
        to.iter_mut().zip(bytes).take(count).for_each(|(to, byte)| *to = byte);
        count.min(to.len())
    });
    let count: usize = decoded.sum();
    is_text(text.get(..count).unwrap_or_default())
}

/// Whether these begin a text.
fn is_text(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match character(bytes) {
            Ok(Some((found, length))) if !found.is_control() || found.is_ascii_whitespace() => {
                bytes = bytes.get(length..).unwrap_or_default();
            }
            Err(_) => return true,
            _ => return false,
        }
    }
    true
}

/// Returns how much it has decoded, and whether it has an end there.
pub(super) fn decode(input: &[u8], more: bool, to: &mut Decoded<'_>) -> (usize, bool) {
    let (mut quad, mut count) = ([0; 4], 0_usize);
    // Where the four begin that are not yet decoded.
    let mut from = 0;
    for (at, byte) in input.iter().enumerate() {
        let next = at.saturating_add(1);
        match byte {
            // Lines are folded.
            b'\r' | b'\n' if count == 0 => {
                to.unit(&[], 1);
                from = next;
            }
            byte if value(*byte).is_some() => {
                if let Some(place) = quad.get_mut(count) {
                    *place = *byte;
                }
                count = count.saturating_add(1);
                if count == quad.len() {
                    let (bytes, _) = decoded(quad.into_iter());
                    to.unit(&bytes, next.saturating_sub(from));
                    (from, count) = (next, 0);
                }
            }
            byte => {
                let padding = input.get(at..).unwrap_or_default().iter().take_while(|byte| **byte == b'=').count();
                let needed = if *byte == b'=' { (quad.len().saturating_sub(count)) % 4 } else { 0 };
                if more && needed > padding && at.saturating_add(padding) == input.len() {
                    return (from, false);
                }
                let end = at.saturating_add(padding.min(needed));
                finish(quad.get(..count).unwrap_or_default(), end.saturating_sub(from), to);
                return (end, true);
            }
        }
    }
    if more {
        return (from, false);
    }
    finish(quad.get(..count).unwrap_or_default(), input.len().saturating_sub(from), to);
    (input.len(), true)
}

/// Fewer than four at the end.
fn finish(digits: &[u8], of: usize, to: &mut Decoded<'_>) {
    if of > 0 {
        let (bytes, count) = decoded(digits.iter().copied());
        to.unit(bytes.get(..count).unwrap_or_default(), of);
    }
}

/// What up to four of them stand for, and how many bytes of it count.
fn decoded(digits: impl ExactSizeIterator<Item = u8>) -> ([u8; 3], usize) {
    let count = digits.len().saturating_sub(1);
    let padded = digits.filter_map(value).chain(std::iter::repeat(0)).take(4);
    let bits = padded.fold(0_u32, |bits, digit| bits << 6 | u32::from(digit));
    let [_, bytes @ ..] = bits.to_be_bytes();
    (bytes, count)
}

/// Which digit it is.
#[inline]
fn value(byte: u8) -> Option<u8> {
    VALUES.get(usize::from(byte)).copied().filter(|value| *value < 64)
}

#[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "made by the compiler")]
const VALUES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut at = 0;
    while at < values.len() {
        values[at] = match at as u8 {
            byte @ b'A'..=b'Z' => byte - b'A',
            byte @ b'a'..=b'z' => byte - b'a' + 26,
            byte @ b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => u8::MAX,
        };
        at += 1;
    }
    values
};
