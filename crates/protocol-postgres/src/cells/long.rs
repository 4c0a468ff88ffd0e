//! A cell that is too long to be held, and is looked at while it passes: what is hidden of it is overwritten, so that it is as long as it
//! was and its length can go before it.

use gate::{LongLook, Passed};

use super::bytes::push_hex;
use super::family::Family;
use super::search::{Manner, Sought};
use super::{CellType, bytes};

/// What stands in the place of each byte.
const OVERWRITTEN: u8 = b'*';
/// The same of a digit in a number.
const OVERWRITTEN_DIGIT: u8 = b'9';
/// Most bytes before the `x` of a `bytea` in text.
const HEAD_BYTES_MAX: usize = 3;

/// Such a cell.
#[derive(Debug)]
pub struct LongCell {
    look: LongLook,
    form: Form,
    /// What stands behind the digits.
    tail: Vec<u8>,
    hides: bool,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    /// As it is written.
    Plain,
    /// A document: numbers stay numbers, and nothing in a string begins an escape.
    Document,
    /// A `bytea` in text. Its first bytes say how it is written: so many of them have come.
    Head(usize),
    /// In pairs of digits, of one of which half has come.
    Hex(Option<u8>),
}

impl LongCell {
    /// A cell of this type, looked at by this.
    pub fn new(wire: CellType, manner: Manner, sought: &Sought<'_>) -> Self {
        let form = match manner {
            Manner::Bytes if !wire.binary => Form::Head(0),
            Manner::Document => Form::Document,
            Manner::Written => Form::Document,
            _ => Form::Plain,
        };
        Self { look: sought.watch.long_look(), form, tail: Vec::new(), hides: false }
    }

    /// Whether anything of it was hidden.
    pub fn hides(&self) -> bool {
        self.hides
    }

    /// Takes the next bytes of a cell of this column, and appends all that can be shown.
    pub fn feed(&mut self, at: usize, mut cell: &[u8], last: bool, sought: &mut Sought<'_>, out: &mut Vec<u8>) {
        while let (Form::Head(known), Some((byte, rest))) = (self.form, cell.split_first()) {
            // COPY writes a backslash as two, or all in quotes.
            self.form = match byte {
                b'"' | b'\'' | b'\\' if known < HEAD_BYTES_MAX => Form::Head(known.saturating_add(1)),
                b'x' if known > 0 => Form::Hex(None),
                _ => Form::Plain,
            };
            if !matches!(self.form, Form::Plain) {
                out.push(*byte);
                cell = rest;
            }
        }
        let mut decoded = std::mem::take(sought.scratch);
        decoded.clear();
        let bytes = match &mut self.form {
            Form::Hex(half) => {
                pairs(cell, half, &mut decoded, &mut self.tail);
                decoded.as_slice()
            }
            _ => cell,
        };
        let (form, hides) = (self.form, &mut self.hides);
        self.look.feed(sought.watch, at, (bytes, last), sought.met, &mut |passed| {
            *hides |= matches!(passed, Passed::Hidden(..));
            append(form, passed, out);
        });
        *sought.scratch = decoded;
        if last {
            out.append(&mut self.tail);
        }
    }
}

/// Whether a cell of this type is looked at in this way. What is not, is held, and is short.
pub fn is_overwritten(wire: CellType, manner: Manner) -> bool {
    manner != Manner::Written || !wire.binary
}

/// What stands in the place of a short cell in binary of which something is not shown, as long as it was: zero, of its type.
pub fn zeroed(wire: CellType, cell: &[u8], out: &mut Vec<u8>) {
    // How a number is written, and the family of an address, stay.
    let head = match Family::of(wire.oid) {
        Some(Family::Number(super::number::NumberKind::Numeric)) => 8,
        Some(Family::Net(super::net::NetKind::Inet | super::net::NetKind::Cidr)) => 4,
        _ => 0,
    };
    let head = head.min(cell.len());
    out.extend_from_slice(cell.get(..head).unwrap_or_default());
    out.resize(out.len().saturating_add(cell.len().saturating_sub(head)), 0);
}

/// The bytes that pairs of digits stand for. What is no digit stands behind them.
fn pairs(digits: &[u8], half: &mut Option<u8>, out: &mut Vec<u8>, tail: &mut Vec<u8>) {
    for byte in digits {
        match (bytes::digit(*byte), half.take()) {
            (Some(low), Some(high)) => out.push((high << 4) | low),
            (Some(high), None) => *half = Some(high),
            (None, known) => {
                *half = known;
                tail.push(*byte);
            }
        }
    }
}

fn append(form: Form, passed: Passed<'_>, out: &mut Vec<u8>) {
    match (form, passed) {
        (Form::Hex(_), Passed::Shown(bytes)) => bytes.iter().for_each(|byte| push_hex(*byte, out)),
        (Form::Hex(_), Passed::Hidden(count, _)) => (0..count).for_each(|_| push_hex(OVERWRITTEN, out)),
        (_, Passed::Shown(bytes)) => out.extend_from_slice(bytes),
        (Form::Document, Passed::Hidden(_, Some(text))) => overwrite(text, out),
        (_, Passed::Hidden(count, _)) => out.resize(out.len().saturating_add(count), OVERWRITTEN),
    }
}

/// Overwrites a part of a document, which stays one.
fn overwrite(text: &[u8], out: &mut Vec<u8>) {
    let is_number = text.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
    let mut escaped = false;
    out.extend(text.iter().map(|byte| match byte {
        byte if is_number && !byte.is_ascii_digit() => *byte,
        _ if is_number => OVERWRITTEN_DIGIT,
        b'"' if !escaped => b'"',
        byte => {
            escaped = !escaped && *byte == b'\\';
            OVERWRITTEN
        }
    }));
}
