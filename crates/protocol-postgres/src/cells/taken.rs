//! What a value says on its way in: as the server takes it for its type, and not only as it is spelled.
//!
//! What the server writes has one spelling; what it takes has many, all of which it keeps as the same value: `\u0034` in a document, `0x1F` for a
//! number, blanks in a `bytea`, backslashes in an array. Nothing is found here, and nothing refused.

use memchr::memchr2;
use memchr::memmem::find_iter;
use redact::{CELL_DEPTH_MAX, CellCodec, Shown};

use super::family::Family;
use super::json::{JSONB_VERSION, inner, tokens_of};
use super::number::NumberKind;
use super::says::{array_of, is_row, write_out};
use super::search::{INT8, Manner};
use super::{CellType, PostgresCells, array, bytes, number, record};

/// How often backslashes are taken away: each array or row that is within another one doubles them.
const LEVELS_MAX: usize = 16;

/// Something that a value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// What nobody here can read.
    Unread,
}

/// Gives each of the things that a value says, those of what it holds one by one, until there is an answer.
pub fn each_said<T>(wire: CellType, value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    match wire.binary {
        true => in_binary(wire, value, 0, ask),
        false => in_text(wire.oid, value, ask),
    }
}

/// In text. Where the type is not known it may be any.
fn in_text<T>(oid: u32, value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    if let Some(answer) = ask(Said::Bytes(value)) {
        return Some(answer);
    }
    let number = number::taken(value).filter(|number| number.as_bytes() != value);
    if let Some(answer) = number.and_then(|number| ask(Said::Bytes(number.as_bytes()))) {
        return Some(answer);
    }
    if memchr2(b'\\', b'"', value).is_none() {
        return None;
    }
    match Manner::of(oid, true) {
        Some(Manner::Bytes) => {
            let mut says = Vec::new();
            let read = bytes::taken_into(value, &mut says);
            ask(read.map_or(Said::Unread, |()| Said::Bytes(&says)))
        }
        Some(Manner::Document) => in_document(value, ask).unwrap_or_else(|| ask(Said::Unread)),
        Some(Manner::Text) => {
            let mut says = Vec::new();
            let read = value.starts_with(br"\x").then(|| bytes::taken_into(value, &mut says)).flatten();
            read.and_then(|()| ask(Said::Bytes(&says)))
        }
        Some(Manner::Written) => None,
        Some(Manner::List | Manner::Row | Manner::Raw) | None => {
            in_document(value, ask).flatten().or_else(|| in_literal(value, ask))
        }
    }
}

/// In a document, whose strings may be written with escapes. `None` if it is none.
fn in_document<T>(value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<Option<T>> {
    let (mut view, mut digits) = (Vec::new(), Vec::new());
    let viewed = tokens_of(value, |token| {
        let says = token.view()?;
        digits.extend(inner(&says).filter(|inner| inner.starts_with(br"\x")).map(<[u8]>::to_vec));
        view.extend_from_slice(&says);
        Some(())
    });
    viewed?;
    let found = ask(Said::Bytes(&view));
    Some(found.or_else(|| digits.iter().find_map(|digits| in_digits(digits, ask))))
}

/// In an array or a row as it is written: whatever stands behind a backslash is meant, and quotes may stand anywhere. An element that is itself an
/// array or a row is written so once more.
fn in_literal<T>(value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    let mut value = value.to_vec();
    for _ in 0..LEVELS_MAX {
        if let Some(answer) = in_digits(&value, ask) {
            return Some(answer);
        }
        let bare: Vec<u8> = value.iter().copied().filter(|byte| !matches!(byte, b'"' | b'\\')).collect();
        if let Some(answer) = ask(Said::Bytes(&bare)) {
            return Some(answer);
        }
        let plain = without_escapes(&value);
        if plain.len() == value.len() {
            return None;
        }
        value = plain;
        if let Some(answer) = ask(Said::Bytes(&value)) {
            return Some(answer);
        }
    }
    ask(Said::Unread)
}

/// What is meant where a backslash stands before what is meant, and a quote before a quote.
fn without_escapes(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    loop {
        rest = match rest {
            [] => return plain,
            [b'\\', meant, rest @ ..] | [b'"', meant @ b'"', rest @ ..] => {
                plain.push(*meant);
                rest
            }
            [byte, rest @ ..] => {
                plain.push(*byte);
                rest
            }
        };
    }
}

/// In each `bytea` that stands in something, as hexadecimal digits.
fn in_digits<T>(value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    let (mut says, mut behind) = (Vec::new(), 0);
    for at in find_iter(value, br"\x") {
        if at < behind {
            continue;
        }
        let digits = value.get(at.saturating_add(2)..).unwrap_or_default();
        let length = digits.iter().take_while(|byte| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace()).count();
        behind = at.saturating_add(2).saturating_add(length);
        says.clear();
        let read = value.get(at..behind).and_then(|value| bytes::taken_into(value, &mut says));
        if let Some(answer) = read.and_then(|()| ask(Said::Bytes(&says))) {
            return Some(answer);
        }
    }
    None
}

fn in_binary<T>(wire: CellType, value: &[u8], depth: usize, ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    let (manner, family) = (Manner::of(wire.oid, true), Family::of(wire.oid));
    let is_row = matches!(manner, Some(Manner::Row | Manner::Raw)) && is_row(wire, value);
    let element = match (manner, family) {
        (Some(Manner::List), Some(Family::Array(element))) => Some(element),
        (Some(Manner::Raw), _) if !is_row => array_of(wire, value),
        _ => None,
    };
    if element.is_some() || is_row {
        if depth >= CELL_DEPTH_MAX {
            return ask(Said::Unread);
        }
        let mut answer = None;
        let mut part = |wire: CellType, cell: &[u8], _: &mut Vec<u8>| {
            if answer.is_none() {
                answer = in_binary(wire, cell, depth.saturating_add(1), ask);
            }
            Shown::Written
        };
        let read = match element {
            Some(element) => array::rewrite(wire.holding(element), value, &mut part, &mut Vec::new()),
            None => record::rewrite(wire, value, &mut part, &mut Vec::new()),
        };
        if answer.is_some() {
            return answer;
        }
        if read.is_none() {
            return ask(Said::Unread);
        }
    }
    match manner {
        Some(Manner::Text) => in_text(wire.oid, value, ask),
        Some(Manner::Document) => {
            let text = if family == Some(Family::Jsonb) { value.strip_prefix(&[JSONB_VERSION]) } else { Some(value) };
            match text {
                Some(text) => in_text(wire.oid, text, ask),
                None => ask(Said::Unread),
            }
        }
        Some(Manner::Written) => {
            let mut says = Vec::new();
            let read = match family {
                // Neither infinity nor what is no number has groups.
                Some(Family::Number(NumberKind::Numeric)) if value.len() > 8 => {
                    number::taken_numeric(value).map(|number| says.extend_from_slice(number.as_bytes()))
                }
                _ => write_out(wire, value, &mut says),
            };
            ask(read.map_or(Said::Unread, |()| Said::Bytes(&says)))
        }
        // A domain of a text or a number, or of bytes, has a type of its own.
        Some(Manner::Raw) if !is_row && element.is_none() => in_text(0, value, ask).or_else(|| {
            let whole = PostgresCells.read(CellType::of(INT8, true), value).map(|_| CellType::of(INT8, true));
            let mut says = Vec::new();
            let whole = whole.and_then(|wire| write_out(wire, value, &mut says));
            let number = number::taken_numeric(value);
            let whole = whole.and_then(|()| ask(Said::Bytes(&says)));
            whole.or_else(|| ask(Said::Bytes(number?.as_bytes())))
        }),
        Some(Manner::Bytes | Manner::List | Manner::Row | Manner::Raw) | None => ask(Said::Bytes(value)),
    }
}
