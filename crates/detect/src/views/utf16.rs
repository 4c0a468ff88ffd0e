//! UTF-16, where all of the bytes are some.

use super::{Decoded, View};

/// Without a mark, so many bytes at least say that they are UTF-16.
const BYTES_MIN: usize = 8;

/// Which one it is that begins so: by its byte order mark, or because every second byte is 0 and no other one is.
pub(super) fn of_whole(head: &[u8]) -> Option<View> {
    match head {
        [0xFE, 0xFF, ..] => return Some(View::Utf16Be),
        [0xFF, 0xFE, ..] => return Some(View::Utf16Le),
        _ => {}
    }
    let is_zero_at = |odd: usize| head.iter().enumerate().all(|(at, byte)| (*byte == 0) == (at % 2 == odd));
    match head {
        [0, ..] if head.len() >= BYTES_MIN && is_zero_at(0) => Some(View::Utf16Be),
        [_, 0, ..] if head.len() >= BYTES_MIN && is_zero_at(1) => Some(View::Utf16Le),
        _ => None,
    }
}

pub(super) fn decode(input: &[u8], more: bool, to: &mut Decoded<'_>, unit: fn([u8; 2]) -> u16) -> usize {
    let mut at = 0;
    loop {
        let unit_at = |at: usize| {
            let bytes = input.get(at..)?.first_chunk::<2>()?;
            Some(unit(*bytes))
        };
        let Some(first) = unit_at(at) else { break };
        let second = unit_at(at.saturating_add(2));
        let is_half = (0xD800..0xDC00).contains(&first);
        if is_half && second.is_none() && more {
            return at;
        }
        let pair = [Some(first), second.filter(|_| is_half)];
        let character = char::decode_utf16(pair.into_iter().flatten()).next().and_then(Result::ok);
        let length = if character.is_some_and(|character| u32::from(character) > 0xFFFF) { 4 } else { 2 };
        match character {
            Some('\u{FEFF}') => to.unit(&[], length),
            character => to.character(character.unwrap_or(char::REPLACEMENT_CHARACTER), length),
        }
        at = at.saturating_add(length);
    }
    if more {
        return at;
    }
    to.same(input.get(at..).unwrap_or_default());
    input.len()
}
