//! Escapes of JSON strings (RFC 8259, section 7), wherever they are: in a document, in a log line, in a string alone.

use super::Decoded;

/// `\uD83D\uDE00`
const PAIR_BYTES: usize = 12;
/// `\u0034`
const UNIT_BYTES: usize = 6;

/// What is no escape stays as it is.
pub(super) fn decode(input: &[u8], more: bool, to: &mut Decoded<'_>) -> usize {
    let mut at = 0;
    loop {
        let rest = input.get(at..).unwrap_or_default();
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        to.same(rest.get(..plain).unwrap_or_default());
        at = at.saturating_add(plain);
        let rest = rest.get(plain..).unwrap_or_default();
        let simple = match rest.get(1) {
            None if rest.is_empty() || more => return at,
            Some(b'u') => {
                let Some(done) = unicode(rest, more, to) else { return at };
                at = at.saturating_add(done);
                continue;
            }
            Some(byte @ (b'"' | b'\\' | b'/')) => Some(*byte),
            Some(b'b') => Some(8),
            Some(b'f') => Some(12),
            Some(b'n') => Some(b'\n'),
            Some(b'r') => Some(b'\r'),
            Some(b't') => Some(b'\t'),
            _ => None,
        };
        match simple {
            Some(byte) => to.unit(&[byte], 2),
            None => to.same(b"\\"),
        }
        at = at.saturating_add(if simple.is_some() { 2 } else { 1 });
    }
}

/// `\u` and what follows. Returns how many bytes that was; none if more of them are needed.
fn unicode(input: &[u8], more: bool, to: &mut Decoded<'_>) -> Option<usize> {
    let first = match unit(input) {
        Unit::Is(first) => first,
        Unit::Unfinished if more => return None,
        _ => {
            to.same(b"\\");
            return Some(1);
        }
    };
    let second = if (0xD800..0xDC00).contains(&first) {
        match unit(input.get(UNIT_BYTES..).unwrap_or_default()) {
            Unit::Is(second) => Some(second),
            Unit::Unfinished if more => return None,
            _ => None,
        }
    } else {
        None
    };
    let pair = [Some(first), second];
    let mut units = char::decode_utf16(pair.into_iter().flatten());
    let length = match units.next() {
        Some(Ok(character)) if u32::from(character) > 0xFFFF => {
            to.character(character, PAIR_BYTES);
            return Some(PAIR_BYTES);
        }
        Some(Ok(character)) => {
            to.character(character, UNIT_BYTES);
            UNIT_BYTES
        }
        // Half of a pair stands for nothing.
        _ => {
            to.same(input.get(..UNIT_BYTES).unwrap_or_default());
            UNIT_BYTES
        }
    };
    Some(length)
}

enum Unit {
    Is(u16),
    Unfinished,
    None,
}

/// `\u` and four digits.
fn unit(input: &[u8]) -> Unit {
    let head = input.get(..UNIT_BYTES).unwrap_or(input);
    let begins = b"\\u".starts_with(head.get(..2).unwrap_or(head));
    let digits = head.get(2..).unwrap_or_default();
    if !begins || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Unit::None;
    }
    if head.len() < UNIT_BYTES {
        return Unit::Unfinished;
    }
    let unit = std::str::from_utf8(digits).ok().and_then(|digits| u16::from_str_radix(digits, 16).ok());
    unit.map_or(Unit::None, Unit::Is)
}
