//! Documents whose keys are known: what the layout hides is masked where it stands, and every other byte is what it was.
//!
//! The document is compared with its layout as it is read: each object has the keys of the layout, in its order and each once,
//! and nothing stands where something else was expected. A document that is not so is redacted whole. What is missing (`null`) may
//! stand for any object or array, and one with nothing in it for any other: there is nothing in them to be seen.
//!
//! A value is shown as a cell of its column would be: by the column's type, and not by what the document writes it as. So what
//! stands in the place of a value that is not seen says nothing of it.

use redact::{FieldPlan, Layout, REDACTED, ShowValue, Shown};

use super::array;
use super::family::Family;
use super::json::{self, LEVELS_MAX, Reader, is_number};
use super::number::decimal;
use super::time::TimeKind;
use super::{CellType, Part};

/// Shows one value of a document.
type Value<'a> = ShowValue<'a, CellType>;

/// `json`.
const JSON: u32 = 114;

/// Appends a document, or an array of documents, with its values as its layout says.
pub(super) fn rewrite(
    wire: CellType,
    bytes: &[u8],
    layout: &Layout,
    value: &mut Value<'_>,
    out: &mut Vec<u8>,
) -> Option<()> {
    match Family::of(wire.oid)? {
        Family::Json => document(bytes, layout, value, out),
        Family::Jsonb if wire.binary => {
            out.push(json::JSONB_VERSION);
            document(bytes.strip_prefix(&[json::JSONB_VERSION])?, layout, value, out)
        }
        Family::Jsonb => document(bytes, layout, value, out),
        Family::Array(element) if matches!(Family::of(element), Some(Family::Json | Family::Jsonb)) => {
            let mut whole = true;
            let each: &mut Part<'_> = &mut |wire, bytes, out| match rewrite(wire, bytes, layout, value, out) {
                Some(()) => Shown::Written,
                None => {
                    whole = false;
                    Shown::Null
                }
            };
            array::rewrite(wire.holding(element), bytes, each, out)?;
            whole.then_some(())
        }
        _ => None,
    }
}

fn document(bytes: &[u8], layout: &Layout, value: &mut Value<'_>, out: &mut Vec<u8>) -> Option<()> {
    let mut document = Document { reader: Reader::new(std::str::from_utf8(bytes).ok()?), value, copied: 0, out };
    document.place(layout, LEVELS_MAX)?;
    document.reader.skip_space();
    document.copy(document.reader.at())?;
    document.reader.is_over().then_some(())
}

struct Document<'a, 'v, 's> {
    reader: Reader<'a>,
    value: &'v mut Value<'s>,
    /// Up to where it has been appended.
    copied: usize,
    out: &'v mut Vec<u8>,
}

impl Document<'_, '_, '_> {
    /// Appends what has been read up to there as it is.
    fn copy(&mut self, to: usize) -> Option<()> {
        let read = self.reader.since(self.copied)?;
        let length = to.checked_sub(self.copied)?;
        self.out.extend_from_slice(read.as_bytes().get(..length)?);
        self.copied = to;
        Some(())
    }

    fn place(&mut self, layout: &Layout, levels: usize) -> Option<()> {
        self.reader.skip_space();
        let inner = levels.checked_sub(1)?;
        match layout {
            Layout::Clear => self.reader.skip(levels),
            Layout::Value(plan, kind) => {
                let begin = self.reader.at();
                self.copy(begin)?;
                self.reader.skip(levels)?;
                let written = self.reader.since(begin)?;
                self.copied = self.reader.at();
                let mut leaf = Leaf { plan, value: self.value, shown: Vec::new() };
                leaf.show(kind.0, written, self.out)
            }
            _ if self.reader.take("null") => Some(()),
            Layout::Object(named) => {
                self.opens("{")?;
                if self.reader.take("}") {
                    return Some(());
                }
                for (at, (name, layout)) in named.iter().enumerate() {
                    self.next(at)?;
                    (self.reader.string()? == **name).then_some(())?;
                    self.reader.skip_space();
                    self.reader.take(":").then_some(())?;
                    self.place(layout, inner)?;
                }
                self.closes("}")
            }
            Layout::Array(layout) => {
                self.opens("[")?;
                if self.reader.take("]") {
                    return Some(());
                }
                loop {
                    self.place(layout, inner)?;
                    self.reader.skip_space();
                    if self.reader.take("]") {
                        return Some(());
                    }
                    self.reader.take(",").then_some(())?;
                }
            }
            Layout::Tuple(layouts) => {
                self.opens("[")?;
                if self.reader.take("]") {
                    return Some(());
                }
                for (at, layout) in layouts.iter().enumerate() {
                    self.next(at)?;
                    self.place(layout, inner)?;
                }
                self.closes("]")
            }
        }
    }

    fn opens(&mut self, what: &str) -> Option<()> {
        self.reader.take(what).then_some(())?;
        self.reader.skip_space();
        Some(())
    }

    /// Takes what stands before the member of this number.
    fn next(&mut self, at: usize) -> Option<()> {
        self.reader.skip_space();
        (at == 0 || self.reader.take(",")).then_some(())?;
        self.reader.skip_space();
        Some(())
    }

    fn closes(&mut self, what: &str) -> Option<()> {
        self.reader.skip_space();
        self.reader.take(what).then_some(())
    }
}

/// A value that is masked.
struct Leaf<'v, 's> {
    plan: &'v FieldPlan,
    value: &'v mut Value<'s>,
    shown: Vec<u8>,
}

impl Leaf<'_, '_> {
    /// Appends what is shown of what is written there, which is of a column of this type.
    fn show(&mut self, oid: u32, written: &str, out: &mut Vec<u8>) -> Option<()> {
        if self.plan.hides_null() {
            return json::write(REDACTED, out);
        }
        if written == "null" {
            out.extend_from_slice(b"null");
            return Some(());
        }
        self.of_type(oid, written, out)
    }

    fn of_type(&mut self, oid: u32, written: &str, out: &mut Vec<u8>) -> Option<()> {
        match Family::of(oid) {
            // No value of such a type is read, so nothing of it is seen.
            None => {
                out.extend_from_slice(b"null");
                Some(())
            }
            Some(Family::Json | Family::Jsonb) => match self.cell(JSON, written.as_bytes())? {
                true => {
                    out.extend_from_slice(&self.shown);
                    Some(())
                }
                false => json::write(REDACTED, out),
            },
            Some(Family::Array(element)) if self.plan.sight != model::Sight::Nothing => {
                self.elements(element, written, out)
            }
            Some(Family::Number(_)) if is_number(written) => {
                match self.cell(oid, decimal(written).as_deref().unwrap_or(written).as_bytes())? {
                    true => {
                        out.extend_from_slice(is_number(std::str::from_utf8(&self.shown).ok()?).then_some(&self.shown)?)
                    }
                    false => out.extend_from_slice(b"null"),
                }
                Some(())
            }
            Some(Family::Text) => self.string(oid, written, None, out),
            Some(Family::Time(kind)) => self.string(oid, written, Some(kind), out),
            Some(_) if written.starts_with('"') => self.string(oid, written, None, out),
            Some(_) => {
                out.extend_from_slice(b"null");
                Some(())
            }
        }
    }

    /// What is shown of a cell of this type, if anything can be in it.
    fn cell(&mut self, oid: u32, cell: &[u8]) -> Option<bool> {
        self.shown.clear();
        match (self.value)(CellType::of(oid, false), cell, self.plan, &mut self.shown) {
            Shown::Written => Some(true),
            Shown::Null => Some(false),
            Shown::Same => None,
        }
    }

    /// A value that is written as a string.
    fn string(&mut self, oid: u32, written: &str, time: Option<TimeKind>, out: &mut Vec<u8>) -> Option<()> {
        let mut reader = Reader::new(written);
        let text = reader.string()?;
        reader.is_over().then_some(())?;
        // Documents write moments by ISO 8601.
        let moment = matches!(time, Some(TimeKind::Timestamp | TimeKind::TimestampTz));
        let text = if moment { text.replacen('T', " ", 1).into() } else { text };
        if !self.cell(oid, text.as_bytes())? {
            out.extend_from_slice(b"null");
            return Some(());
        }
        let shown = std::str::from_utf8(&self.shown).ok()?;
        match (moment, shown.strip_suffix("+00")) {
            (false, _) => json::write(shown, out),
            (true, Some(utc)) => json::write(&(utc.replacen(' ', "T", 1) + "+00:00"), out),
            (true, None) => json::write(&shown.replacen(' ', "T", 1), out),
        }
    }

    /// The elements of an array, each of this type.
    fn elements(&mut self, element: u32, written: &str, out: &mut Vec<u8>) -> Option<()> {
        let mut reader = Reader::new(written);
        reader.take("[").then_some(())?;
        reader.skip_space();
        out.push(b'[');
        if reader.take("]") {
            out.push(b']');
            return Some(());
        }
        let is_document = matches!(Family::of(element), Some(Family::Json | Family::Jsonb));
        loop {
            reader.skip_space();
            let begin = reader.at();
            reader.skip(LEVELS_MAX)?;
            let value = reader.since(begin)?;
            if value.starts_with('[') && !is_document {
                self.elements(element, value, out)?;
            } else if value == "null" {
                out.extend_from_slice(b"null");
            } else {
                self.of_type(element, value, out)?;
            }
            reader.skip_space();
            if reader.take("]") {
                out.push(b']');
                return Some(());
            }
            reader.take(",").then_some(())?;
            out.push(b',');
        }
    }
}
