//! What a value says on its way in: as the server takes it for its type, and not only as it is spelled.
//!
//! What the server writes has one spelling; what it takes has many, all of which it keeps as the same value: `\u0034` in a document, `0x1F` for a
//! number, blanks in a `bytea`, backslashes in an array. Nothing is found here, and nothing refused.

use memchr::memchr2;
use memchr::memmem::find_iter;
use model::Value;
use redact::{CELL_DEPTH_MAX, CellCodec, Shown};

use super::family::Family;
use super::json::{JSONB_VERSION, Token, inner, taken, tokens_of};
use super::number::NumberKind;
use super::says::{array_of, is_row, write_out};
use super::search::{INT8, Manner};
use super::{CellType, PostgresCells, array, bytes, number, record};

/// How often backslashes are taken away: each array or row that is within another one doubles them.
const LEVELS_MAX: usize = 16;

/// `date`.
const DATE: u32 = 1082;

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
    let has_escapes = || memchr2(b'\\', b'"', value).is_some();
    match Manner::of(oid, true) {
        Some(Manner::Text) => {
            let mut says = Vec::new();
            let read = value.starts_with(br"\x").then(|| bytes::taken_into(value, &mut says)).flatten();
            read.and_then(|()| ask(Said::Bytes(&says)))
        }
        Some(Manner::Bytes) if has_escapes() => in_bytes(value, ask).unwrap_or_else(|| ask(Said::Unread)),
        Some(Manner::Bytes) => None,
        Some(Manner::Document) => in_document(value, ask).unwrap_or_else(|| ask(Said::Unread)),
        // A date or an address that is not written as the server writes it will be written so by the server.
        Some(Manner::Written) if oid == DATE => match *value.trim_ascii() {
            [y1, y2, y3, y4, m1, m2, d1, d2] if value.trim_ascii().iter().all(u8::is_ascii_digit) => {
                ask(Said::Bytes(&[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]))
            }
            [b'J' | b'j', ..] | [_, _, _, _, b'.', _, _, _] => ask(Said::Unread),
            _ => None,
        },
        Some(Manner::Written) if is_odd_address(oid, value) => ask(Said::Unread),
        Some(Manner::Written) => in_number(value, ask),
        Some(Manner::List | Manner::Row | Manner::Raw) | None => in_number(value, ask)
            .or_else(|| in_parts(value, ask))
            .or_else(|| if has_escapes() { in_bytes(value, ask).flatten() } else { None })
            .or_else(|| if has_escapes() { in_document(value, ask).flatten() } else { None })
            .or_else(|| if has_escapes() { in_literal(value, ask) } else { None }),
    }
}

/// Whether the server reads this as an address that Weir can't read.
fn is_odd_address(oid: u32, value: &[u8]) -> bool {
    let is_address = matches!(Family::of(oid), Some(Family::Net(_)));
    is_address && PostgresCells.read(CellType::of(oid, false), value.trim_ascii()).is_none()
}

/// In a number, however it is written.
fn in_number<T>(value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    // Nearly all are written as they will be read.
    if value.iter().all(u8::is_ascii_digit) && value.first() != Some(&b'0') {
        return None;
    }
    number::stored(number::taken(value)?)
        .filter(|number| number.as_bytes() != value)
        .find_map(|number| ask(Said::Bytes(number.as_bytes())))
}

/// In the numbers of an array or a row.
fn in_parts<T>(value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    let is_sign = |byte: &u8| b"{}(),\"".contains(byte);
    value.iter().any(is_sign).then(|| value.split(is_sign).find_map(|part| in_number(part, ask))).flatten()
}

/// In a `bytea`. `None` if it is none.
fn in_bytes<T>(value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<Option<T>> {
    let mut says = Vec::new();
    bytes::taken_into(value, &mut says)?;
    Some(ask(Said::Bytes(&says)))
}

/// In a document, whose strings may be written with escapes, and whose numbers in any way. `None` if it is none.
fn in_document<T>(value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<Option<T>> {
    let (mut view, mut digits, mut answer) = (Vec::new(), Vec::new(), None);
    tokens_of(value, |token| {
        match token {
            Token::String(written) => {
                let says = taken(written);
                if inner(&says).is_some_and(|inner| inner.starts_with(br"\x")) {
                    digits.extend_from_slice(&says);
                }
                view.extend_from_slice(&says);
            }
            Token::Number(number) => {
                view.extend_from_slice(number.as_bytes());
                if answer.is_none() {
                    answer = in_number(number.as_bytes(), ask);
                }
            }
            Token::Other(written) => view.extend_from_slice(written),
        }
        Some(())
    })?;
    let is_same = view == value;
    Some(answer.or_else(|| if is_same { None } else { ask(Said::Bytes(&view)) }).or_else(|| in_digits(&digits, ask)))
}

/// In an array or a row as it is written: whatever stands behind a backslash is meant, and quotes may stand anywhere. An element that is itself an
/// array or a row is written so once more.
fn in_literal<T>(value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    let mut value = value.to_vec();
    for _ in 0..LEVELS_MAX {
        if let Some(answer) = in_digits(&value, ask).or_else(|| in_octal(&value, ask)) {
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
        if let Some(answer) = ask(Said::Bytes(&value)).or_else(|| in_parts(&value, ask)) {
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

/// In all that stands in something as hexadecimal digits of a `bytea`.
fn in_digits<T>(value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    let (mut says, mut behind) = (Vec::new(), 0);
    for at in find_iter(value, br"\x") {
        if at < behind {
            continue;
        }
        let digits = value.get(at.saturating_add(2)..).unwrap_or_default();
        let length = digits.iter().take_while(|byte| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace()).count();
        behind = at.saturating_add(2).saturating_add(length);
        // Each stands alone.
        says.push(b'\n');
        let _ = value.get(at..behind).and_then(|value| bytes::taken_into(value, &mut says));
    }
    if says.is_empty() { None } else { ask(Said::Bytes(&says)) }
}

/// In what stands in something as bytes in octal digits: `\064`.
fn in_octal<T>(value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    let (mut says, mut rest, mut has_some) = (Vec::with_capacity(value.len()), value, false);
    loop {
        rest = match rest {
            [] => break,
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                says.push(((a & 3) << 6) | ((b & 7) << 3) | (c & 7));
                has_some = true;
                rest
            }
            [byte, rest @ ..] => {
                says.push(*byte);
                rest
            }
        };
    }
    if has_some { ask(Said::Bytes(&says)) } else { None }
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
            match read.and_then(|()| String::from_utf8(says).ok()) {
                Some(says) => number::stored(says).find_map(|says| ask(Said::Bytes(says.as_bytes()))),
                None => ask(Said::Unread),
            }
        }
        // A domain of a text or a number, or of bytes, has a type of its own.
        Some(Manner::Raw) if !is_row && element.is_none() => in_text(0, value, ask).or_else(|| {
            let whole = PostgresCells.read(CellType::of(INT8, true), value).map(|_| CellType::of(INT8, true));
            let mut says = Vec::new();
            let whole = whole.and_then(|wire| write_out(wire, value, &mut says));
            let number = number::taken_numeric(value);
            let whole = whole.and_then(|()| ask(Said::Bytes(&says)));
            whole.or_else(|| number::stored(number?).find_map(|number| ask(Said::Bytes(number.as_bytes()))))
        }),
        // A column of another type may take it.
        None if matches!(family, Some(Family::Number(NumberKind::Float4 | NumberKind::Float8))) => {
            match PostgresCells.read(wire, value) {
                Some(Value::Real(number)) => {
                    number::stored(number.to_string()).find_map(|number| ask(Said::Bytes(number.as_bytes())))
                }
                _ => None,
            }
        }
        Some(Manner::Bytes | Manner::List | Manner::Row | Manner::Raw) | None => ask(Said::Bytes(value)),
    }
}
