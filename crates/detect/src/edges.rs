//! Where words, numbers and what else may be something begin and end, and whether they are a part of something longer.
//!
//! Of the bytes around a place alone: what it is, an automaton or a check says.

use std::ops::Range;

use crate::blocks::{self, is_alphanumeric, is_digit, is_letter, is_word, is_word_byte};

/// The longest part before the `@` of an address.
pub(crate) const LOCAL_BYTES_MAX: usize = 64;
/// The longest word of letters that may be the beginning of a number written in groups.
pub(crate) const LETTERS_MAX: usize = 2;
/// How far into a word its first digit may be.
pub(crate) const WORD_BYTES_MAX: usize = 256;
/// The longest run of hexadecimal groups before a word that may be the beginning of an address.
pub(crate) const RUN_BYTES_MAX: usize = 64;
/// How far back the group of letters and digits is looked at that a place may be behind.
const INSIDE_BYTES_MAX: usize = 32;

/// The value of a name and its value: behind the first byte that ends the name, without blanks and quotes around it.
pub(crate) fn value_of(input: &[u8], Range { start, end }: Range<usize>, name_ends: &[u8]) -> Range<usize> {
    let around = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'=' | b'>' | b':');
    let text = input.get(start..end).unwrap_or_default();
    let name = text.iter().position(|byte| name_ends.contains(byte)).map_or(0, |name| name.saturating_add(1));
    let value = text.get(name..).unwrap_or_default();
    let before = value.iter().take_while(|byte| around(byte)).count();
    let after = value.iter().rev().take_while(|byte| matches!(byte, b'"' | b'\'')).count();
    let start = start.saturating_add(name).saturating_add(before);
    start..end.saturating_sub(after).max(start)
}

/// What may stand before the `@` of an address.
pub(crate) fn is_local(byte: u8) -> bool {
    let is_sign = (byte == b'.') | (byte == b'_') | (byte == b'%') | (byte == b'+') | (byte == b'-') | (byte == b'\'');
    is_alphanumeric(byte) | is_sign | (byte >= 0x80)
}

fn is_hex(byte: u8) -> bool {
    is_digit(byte) | ((byte | 0x20).wrapping_sub(b'a') < 6)
}

/// Where the run of bytes of a sort before a place begins, not before `from`.
#[inline]
fn back(input: &[u8], from: usize, place: usize, belongs: impl Fn(u8) -> bool) -> usize {
    // Mostly none is there.
    let before = place.checked_sub(1).and_then(|before| input.get(before));
    if !before.is_some_and(|before| belongs(*before)) {
        return place;
    }
    place.saturating_sub(blocks::back(input, from, place, belongs))
}

/// What may be the first of something: a digit, or the `@` of an address.
pub(crate) fn is_place(byte: u8) -> bool {
    is_digit(byte) | (byte == b'@')
}

/// Where what stands before an `@` begins.
pub(crate) fn local_start(input: &[u8], place: usize) -> usize {
    back(input, place.saturating_sub(LOCAL_BYTES_MAX), place, is_local)
}

/// Where the word begins that this place is in or behind, not before `at`.
pub(crate) fn word_start(input: &[u8], at: usize, place: usize) -> usize {
    let from = at.max(place.saturating_sub(WORD_BYTES_MAX));
    back(input, from, place, is_word)
}

/// Where the word ends that this place is in.
pub(crate) fn word_end(input: &[u8], place: usize) -> usize {
    place.saturating_add(blocks::ahead(input, place, is_alphanumeric))
}

/// Where the hexadecimal groups before a word begin, with this sign between them; none if they are too many.
pub(crate) fn run_start(input: &[u8], at: usize, word: usize, sign: u8) -> Option<usize> {
    let from = at.max(word.saturating_sub(RUN_BYTES_MAX));
    let run = back(input, from, word, |byte| is_hex(byte) | (byte == sign));
    (word.saturating_sub(run) < RUN_BYTES_MAX).then_some(run)
}

/// The hexadecimal digits and colons that this one is among, not before `at`.
pub(crate) fn colon_run(input: &[u8], at: usize, colon: usize) -> Range<usize> {
    let start = back(input, at.max(colon.saturating_sub(RUN_BYTES_MAX)), colon, is_of_run);
    start..colon.saturating_add(blocks::ahead(input, colon, is_of_run))
}

/// What may be in hexadecimal groups with colons between them.
pub(crate) fn is_of_run(byte: u8) -> bool {
    is_hex(byte) | (byte == b':')
}

/// Where the letters before this place begin, if they are few.
pub(crate) fn letters_start(input: &[u8], at: usize, place: usize) -> Option<usize> {
    let from = at.max(place.saturating_sub(LETTERS_MAX).saturating_sub(1));
    let letters = back(input, from, place, is_letter);
    (1..=LETTERS_MAX).contains(&place.saturating_sub(letters)).then_some(letters)
}

/// Whether a place is in the middle of something longer: a number with a point, a date, an id in groups.
pub(crate) fn is_inside(input: &[u8], start: usize) -> bool {
    let byte = |back: usize| start.checked_sub(back).and_then(|at| input.get(at));
    match (byte(2), byte(1)) {
        (_, Some(before)) if is_word_byte(*before) => true,
        (Some(before), Some(b'.' | b'-')) if is_alphanumeric(*before) => {
            let group = input.get(start.saturating_sub(INSIDE_BYTES_MAX)..start.saturating_sub(1)).unwrap_or_default();
            let mut bytes = group.iter().rev();
            bytes.find(|byte| is_digit(**byte) || !is_letter(**byte)).is_some_and(|byte| is_digit(*byte))
        }
        _ => false,
    }
}

/// Whether what ends here is not the beginning of something longer.
pub(crate) fn is_end(input: &[u8], end: usize) -> bool {
    match (input.get(end), input.get(end.saturating_add(1))) {
        (Some(next), _) if is_word_byte(*next) => false,
        (Some(b'.' | b'-'), Some(next)) => !next.is_ascii_digit(),
        _ => true,
    }
}

/// Whether it takes more bytes than there are to tell if what ends here is the beginning of something longer.
pub(crate) fn is_cut_off(input: &[u8], end: usize) -> bool {
    match input.get(end) {
        None => true,
        Some(b'.' | b'-' | b':') => input.len() <= end.saturating_add(1),
        Some(_) => false,
    }
}
