//! A cell that is too long to be held, and is looked at while it passes: what is hidden of it is overwritten, so that it is as long as it
//! was and its length can go before it.

use gate::{LongLook, Passed};

use super::bytes::push_hex;
use super::family::Family;
use super::net::NetKind;
use super::number::NumberKind;
use super::search::{Manner, Sought};
use super::{CellType, bytes};
use crate::wire::Fields;

/// What stands in the place of a digit in a number.
const OVERWRITTEN_DIGIT: u8 = b'9';

/// How a cell is written among others.
#[derive(Clone, Copy, Debug)]
pub struct Writing {
    /// What a `bytea` in hexadecimal digits begins with.
    pub hex: &'static [u8],
    /// What it ends with, if it is in quotes.
    pub quote: Option<u8>,
    /// What stands in the place of each byte that is hidden: none that means something here.
    pub hidden: u8,
    /// Whether two backslashes stand for one.
    pub twice: bool,
}

impl Writing {
    /// In a row.
    pub const ROW: Self = Self { hex: br"\x", quote: None, hidden: b'*', twice: false };
}

/// Such a cell.
#[derive(Debug)]
pub struct LongCell {
    look: LongLook,
    form: Form,
    writing: Writing,
    /// So many backslashes are the last bytes that were shown.
    backslashes: usize,
    hides: bool,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    /// As it is written.
    Plain,
    /// A document, or a list of numbers: numbers stay numbers, and nothing in a string begins an escape.
    Document,
    /// A `bytea` in text. So many have come of the bytes that say that it is written in digits.
    Head(usize),
    /// In pairs of digits, of one of which half has come.
    Hex(Option<u8>),
    /// In pairs of digits, behind which the quote has come that ends it.
    Closed,
    /// Something that is not as it should be: nothing more of it is shown.
    Lost,
}

impl LongCell {
    /// A cell of this type, looked at by this.
    pub fn new(wire: CellType, manner: Manner, writing: Writing, sought: &Sought<'_>) -> Self {
        let is_number = |oid: u32| matches!(Family::of(oid), Some(Family::Number(_)));
        let form = match manner {
            Manner::Bytes if !wire.binary => Form::Head(0),
            Manner::Document | Manner::Written => Form::Document,
            Manner::List if matches!(Family::of(wire.oid), Some(Family::Array(element)) if is_number(element)) => {
                Form::Document
            }
            _ => Form::Plain,
        };
        Self { look: sought.watch.long_look(), form, writing, backslashes: 0, hides: false }
    }

    /// Whether anything of it was hidden.
    pub fn hides(&self) -> bool {
        self.hides
    }

    /// Takes the next bytes of a cell of this column, and appends all that can be shown.
    pub fn feed(&mut self, at: usize, mut cell: &[u8], last: bool, sought: &mut Sought<'_>, out: &mut Vec<u8>) {
        while let (Form::Head(known), Some((byte, rest))) = (self.form, cell.split_first()) {
            let quoted = self.writing.quote.is_some_and(|quote| known == 0 && *byte == quote);
            let known = if self.writing.hex.get(known) == Some(byte) { known.saturating_add(1) } else { usize::MAX };
            self.form = match known {
                _ if quoted => Form::Head(0),
                usize::MAX => Form::Plain,
                known if known == self.writing.hex.len() => Form::Hex(None),
                known => Form::Head(known),
            };
            if matches!(self.form, Form::Plain) {
                break;
            }
            out.push(*byte);
            cell = rest;
        }
        let mut decoded = std::mem::take(sought.scratch);
        decoded.clear();
        let mut behind: &[u8] = &[];
        let bytes = match self.form {
            Form::Hex(mut half) => {
                behind = pairs(cell, &mut half, &mut decoded);
                self.form = Form::Hex(half);
                decoded.as_slice()
            }
            Form::Closed | Form::Lost => {
                behind = cell;
                &[]
            }
            _ => cell,
        };
        // What ends the digits ends what is looked at.
        let last_of_it = last || !behind.is_empty();
        let (form, writing, backslashes, hides) = (self.form, self.writing, &mut self.backslashes, &mut self.hides);
        if !matches!(form, Form::Closed | Form::Lost) {
            self.look.feed(sought.watch, at, (bytes, last_of_it), sought.met, &mut |passed| {
                *hides |= matches!(passed, Passed::Hidden(..));
                append(form, writing, backslashes, passed, out);
            });
        }
        *sought.scratch = decoded;
        for byte in behind {
            if matches!(self.form, Form::Hex(Some(_))) {
                // Half of a pair, that was held back.
                out.push(self.writing.hidden);
            }
            self.form = match self.form {
                Form::Hex(None) if self.writing.quote == Some(*byte) => Form::Closed,
                _ => Form::Lost,
            };
            out.push(if matches!(self.form, Form::Closed) { *byte } else { self.writing.hidden });
            self.hides |= matches!(self.form, Form::Lost);
        }
        // Half of a pair, behind which nothing comes.
        if last && matches!(self.form, Form::Hex(Some(_))) {
            (self.form, self.hides) = (Form::Lost, true);
            out.push(self.writing.hidden);
        }
    }
}

/// Whether a cell of this type is looked at in this way. What is not has to be taken apart, and is held for that.
pub fn is_overwritten(wire: CellType, manner: Manner) -> bool {
    !wire.binary || matches!(manner, Manner::Text | Manner::Document | Manner::Bytes)
}

/// Appends what stands in the place of a held cell in binary of which something is not shown, as long as it was: nothing of what it holds,
/// in a value of its type.
pub fn overwritten(wire: CellType, cell: &[u8], out: &mut Vec<u8>) {
    let begin = out.len();
    if parts_overwritten(wire, cell, out).is_none() {
        out.truncate(begin);
        // How a number is written, and the family of an address, stay.
        let (head, byte) = match Family::of(wire.oid) {
            Some(Family::Number(NumberKind::Numeric)) => (8, 0),
            Some(Family::Net(NetKind::Inet | NetKind::Cidr)) => (4, 0),
            Some(Family::Number(_) | Family::Time(_) | Family::Net(_) | Family::Uuid) => (0, 0),
            _ => (0, Writing::ROW.hidden),
        };
        let head = cell.get(..head).unwrap_or_default();
        out.extend_from_slice(head);
        out.resize(begin.saturating_add(cell.len()), byte);
    }
}

/// The same of what holds others: a row, or an array.
fn parts_overwritten(wire: CellType, cell: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if matches!(Family::of(wire.oid), None | Some(Family::Record)) {
        let begin = out.len();
        if row_overwritten(cell, out).is_some() {
            return Some(());
        }
        out.truncate(begin);
    }
    let mut fields = Fields::of("array", cell);
    if !matches!(Family::of(wire.oid), None | Some(Family::Array(_))) {
        return None;
    }
    let dimensions = usize::try_from(fields.int32().ok()?).ok().filter(|count| *count <= 6)?;
    fields.int32().ok()?;
    let element = CellType::of(fields.oid().ok()?, true);
    fields.bytes(dimensions.checked_mul(8)?).ok()?;
    let head = dimensions.checked_mul(8)?.checked_add(12)?;
    out.extend_from_slice(cell.get(..head)?);
    while fields.end().is_err() {
        value_overwritten(&mut fields, element, out)?;
    }
    Some(())
}

fn row_overwritten(cell: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut fields = Fields::of("record", cell);
    let count = fields.int32().ok()?;
    out.extend_from_slice(&count.to_be_bytes());
    for _ in 0..usize::try_from(count).ok()? {
        let oid = fields.oid().ok()?;
        out.extend_from_slice(&oid.to_be_bytes());
        value_overwritten(&mut fields, CellType::of(oid, true), out)?;
    }
    fields.end().ok()
}

fn value_overwritten(fields: &mut Fields<'_>, wire: CellType, out: &mut Vec<u8>) -> Option<()> {
    match fields.value().ok()? {
        Some(value) => {
            out.extend_from_slice(&i32::try_from(value.len()).ok()?.to_be_bytes());
            overwritten(wire, value, out);
        }
        None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
    Some(())
}

/// Decodes pairs of digits. Returns what stands behind them, from the first byte on that is none.
fn pairs<'a>(digits: &'a [u8], half: &mut Option<u8>, out: &mut Vec<u8>) -> &'a [u8] {
    for (at, byte) in digits.iter().enumerate() {
        match (bytes::digit(*byte), half.take()) {
            (Some(low), Some(high)) => out.push((high << 4) | low),
            (Some(high), None) => *half = Some(high),
            (None, known) => {
                *half = known;
                return digits.get(at..).unwrap_or_default();
            }
        }
    }
    &[]
}

fn append(form: Form, writing: Writing, backslashes: &mut usize, passed: Passed<'_>, out: &mut Vec<u8>) {
    match (form, passed) {
        (Form::Hex(_), Passed::Shown(bytes)) => bytes.iter().for_each(|byte| push_hex(*byte, out)),
        (Form::Hex(_), Passed::Hidden(count, _)) => (0..count).for_each(|_| push_hex(writing.hidden, out)),
        (_, Passed::Shown(bytes)) => {
            let last = bytes.iter().rev().take_while(|byte| **byte == b'\\').count();
            *backslashes = if last == bytes.len() { backslashes.saturating_add(last) } else { last };
            out.extend_from_slice(bytes);
        }
        (_, Passed::Hidden(count, text)) => {
            let begin = out.len();
            match text {
                Some(text) if matches!(form, Form::Document) => overwrite(text, writing, out),
                _ => out.resize(out.len().saturating_add(count), writing.hidden),
            }
            // A backslash has to stand before something.
            let before = std::mem::take(backslashes);
            let escapes = if writing.twice { before.wrapping_div(2) } else { before } % 2 == 1;
            if let (true, Some(first)) = (escapes && matches!(form, Form::Document), out.get_mut(begin)) {
                *first = b'/';
            }
        }
    }
}

/// Overwrites a part of a document, which stays one.
fn overwrite(text: &[u8], writing: Writing, out: &mut Vec<u8>) {
    let is_number = text.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
    let mut escaped = false;
    out.extend(text.iter().map(|byte| match byte {
        byte if is_number && !byte.is_ascii_digit() => *byte,
        _ if is_number => OVERWRITTEN_DIGIT,
        b'"' if !escaped => b'"',
        byte => {
            escaped = !escaped && *byte == b'\\';
            writing.hidden
        }
    }));
}
