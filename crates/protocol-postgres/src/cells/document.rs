//! Documents whose keys are known: what the layout hides is masked where it stands, and every other byte is what it was.
//!
//! The document is compared with its layout as it is read: each object has the keys of the layout, in its order and each once,
//! and nothing stands where something else was expected. A document that is not so is redacted whole. What is missing (`null`) may
//! stand for any object or array, and one with nothing in it for any other: there is nothing in them to be seen.
//!
//! A value is shown as a cell of its column would be: by the column's type, and not by what the document writes it as. What stands
//! in the place of a value that is not seen says nothing of it, and nor does anything else: blanks about it are not kept, since a
//! `json` is written with its own; how deep it is or how it is encoded decides nothing; and what can't be shown of it as its
//! column is hides it alone.

use std::ops::Range;

use model::Sight;
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
    let mut document = Document { reader: Reader::new(bytes), value, copied: 0, out, places: None };
    document.place(layout)?;
    document.reader.skip_space();
    document.copy(document.reader.at())?;
    document.reader.is_over().then_some(())
}

/// Where the values stand that this layout masks, in the text of a document that was shown by it, in order.
pub(super) fn masked(text: &[u8], layout: &Layout) -> Option<Vec<Range<usize>>> {
    let mut nobody = |_: CellType, _: &[u8], _: &FieldPlan, _: &mut Vec<u8>| Shown::Null;
    let (mut out, places) = (Vec::new(), Some(Vec::new()));
    let mut document = Document { reader: Reader::new(text), value: &mut nobody, copied: 0, out: &mut out, places };
    document.place(layout)?;
    document.places
}

struct Document<'a, 'v, 's> {
    reader: Reader<'a>,
    value: &'v mut Value<'s>,
    /// Up to where it has been appended.
    copied: usize,
    out: &'v mut Vec<u8>,
    /// Where the values are that are masked, if that is all that is asked.
    places: Option<Vec<Range<usize>>>,
}

impl Document<'_, '_, '_> {
    /// Appends what has been read up to there as it is.
    fn copy(&mut self, to: usize) -> Option<()> {
        let read = self.reader.since(self.copied)?;
        let length = to.checked_sub(self.copied)?;
        self.out.extend_from_slice(read.get(..length)?);
        self.copied = to;
        Some(())
    }

    fn place(&mut self, layout: &Layout) -> Option<()> {
        let before = self.reader.at();
        self.reader.skip_space();
        match layout {
            Layout::Clear => self.reader.skip(),
            Layout::Value(plan, kind) => self.masked(before, plan, kind.0),
            _ if self.reader.take("null") => Some(()),
            Layout::Object(named) => {
                self.reader.take("{").then_some(())?;
                if self.closes("}") {
                    return Some(());
                }
                for (at, (name, layout)) in named.iter().enumerate() {
                    self.next(at)?;
                    self.reader.skip_space();
                    (self.reader.string()? == **name).then_some(())?;
                    self.reader.skip_space();
                    self.reader.take(":").then_some(())?;
                    self.place(layout)?;
                }
                self.closes("}").then_some(())
            }
            Layout::Array(layout) => {
                self.reader.take("[").then_some(())?;
                if self.closes("]") {
                    return Some(());
                }
                loop {
                    self.place(layout)?;
                    if self.closes("]") {
                        return Some(());
                    }
                    self.next(1)?;
                }
            }
            Layout::Tuple(layouts) => {
                self.reader.take("[").then_some(())?;
                if self.closes("]") {
                    return Some(());
                }
                for (at, layout) in layouts.iter().enumerate() {
                    self.next(at)?;
                    self.place(layout)?;
                }
                self.closes("]").then_some(())
            }
        }
    }

    /// Takes the value that is next, with the blanks about it, those before it from there on, and appends what is shown of it.
    fn masked(&mut self, before: usize, plan: &FieldPlan, oid: u32) -> Option<()> {
        self.copy(before)?;
        let begin = self.reader.at();
        self.reader.skip()?;
        if let Some(places) = &mut self.places {
            places.push(begin..self.reader.at());
            return Some(());
        }
        let written = self.reader.since(begin)?;
        self.reader.skip_space();
        self.copied = self.reader.at();
        let mut leaf = Leaf { plan, value: self.value, shown: Vec::new() };
        leaf.show(oid, written, self.out)
    }

    /// Takes what stands before the member of this number, but for blanks, which may be the member's.
    fn next(&mut self, at: usize) -> Option<()> {
        if at == 0 {
            return Some(());
        }
        self.reader.skip_space();
        self.reader.take(",").then_some(())
    }

    /// Takes this, with the blanks before it, if it is next. Blanks before anything else are left.
    fn closes(&mut self, what: &str) -> bool {
        let mut ahead = self.reader;
        ahead.skip_space();
        let closes = ahead.take(what);
        if closes {
            self.reader = ahead;
        }
        closes
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
    fn show(&mut self, oid: u32, written: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let family = Family::of(oid);
        let is_nothing = self.plan.sight == Sight::Nothing;
        match family {
            // One with nothing in it is a value of the column, and not a missing one.
            Some(Family::Json | Family::Jsonb) if is_nothing => return json::write(REDACTED, out),
            _ if written == b"null" => {
                out.extend_from_slice(b"null");
                return Some(());
            }
            // The server writes these as strings, whatever they are: this is something else.
            Some(Family::Text | Family::Time(_)) if !written.starts_with(b"\"") => return None,
            _ => {}
        }
        let begin = out.len();
        if !is_nothing
            && let Ok(written) = std::str::from_utf8(written)
            && self.of_type(oid, written, LEVELS_MAX, out).is_some()
        {
            return Some(());
        }
        out.truncate(begin);
        match family {
            Some(Family::Json | Family::Jsonb | Family::Text) => json::write(REDACTED, out),
            _ => {
                out.extend_from_slice(b"null");
                Some(())
            }
        }
    }

    /// Appends what is shown of a value that may be seen in part, if it is one of this type.
    fn of_type(&mut self, oid: u32, written: &str, levels: usize, out: &mut Vec<u8>) -> Option<()> {
        match Family::of(oid)? {
            Family::Json | Family::Jsonb => match self.cell(JSON, written.as_bytes())? {
                true => {
                    out.extend_from_slice(&self.shown);
                    Some(())
                }
                false => json::write(REDACTED, out),
            },
            Family::Array(element) => self.elements(element, written, levels, out),
            Family::Number(_) if is_number(written) => {
                match self.cell(oid, decimal(written).as_deref().unwrap_or(written).as_bytes())? {
                    true => {
                        out.extend_from_slice(is_number(std::str::from_utf8(&self.shown).ok()?).then_some(&self.shown)?)
                    }
                    false => out.extend_from_slice(b"null"),
                }
                Some(())
            }
            Family::Time(kind) => self.string(oid, written, Some(kind), out),
            _ => self.string(oid, written, None, out),
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
        let mut reader = Reader::new(written.as_bytes());
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
    fn elements(&mut self, element: u32, written: &str, levels: usize, out: &mut Vec<u8>) -> Option<()> {
        let inner = levels.checked_sub(1)?;
        let mut reader = Reader::new(written.as_bytes());
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
            reader.skip()?;
            let value = std::str::from_utf8(reader.since(begin)?).ok()?;
            if value.starts_with('[') && !is_document {
                self.elements(element, value, inner, out)?;
            } else if value == "null" {
                out.extend_from_slice(b"null");
            } else {
                self.of_type(element, value, inner, out)?;
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
