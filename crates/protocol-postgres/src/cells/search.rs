//! What is found in cells: values that nothing is known of are looked at in the form in which they say most, and what the caller does not
//! see of them is replaced where it stands.
//!
//! A text keeps everything else; so does a document, which stays valid JSON, and an array. What can't hold a replaced part (a number, an
//! address, bytes, a value of a type that is not known) is shown whole as what was found in it is. What can't be read to its end is not shown.

use gate::{Hidden, Looker, Met, Watch};
use memchr::memchr;
use model::Sight;
use redact::{
    CELL_BYTES_MAX, CELL_DEPTH_MAX, CELL_PARTS_MAX, CellCodec, FieldPlan, Layout, REDACTED, Shown, TokenKey, show,
    show_span,
};

use super::family::{Family, NUMERIC, TEXT};
use super::json::{self, JSONB_VERSION, Token, tokens_of};
use super::number::{NumberKind, decimal};
use super::says::{array_of, is_row, said, write_out};
use super::{CellType, PostgresCells, array, bytes, document, record};

/// `xml`.
const XML: u32 = 142;
/// `int8`.
pub(super) const INT8: u32 = 20;
/// Types of which nothing is looked for: they hold no digits of anybody's, or names of what is in the database alone. `bool`, `"char"`,
/// `regproc`, `tid`, `cid`, `pg_node_tree`; geometry; `money`, `aclitem`, `time`, `interval`, `timetz`, bits; the other names of
/// objects, and places in the log of the server. And arrays of them.
const SILENT: [u32; 62] = [
    16, 18, 24, 27, 29, 194, 600, 601, 602, 603, 604, 628, 629, 718, 719, 790, 791, 1000, 1002, 1008, 1010, 1012, 1017,
    1018, 1019, 1020, 1027, 1033, 1034, 1083, 1183, 1186, 1187, 1266, 1270, 1560, 1561, 1562, 1563, 2202, 2203, 2204,
    2205, 2206, 2207, 2208, 2209, 2210, 2211, 2278, 3220, 3221, 3734, 3735, 3769, 3770, 4089, 4090, 4096, 4097, 4191,
    4192,
];

/// How values of a type are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As a text, in the parts of which something else can stand.
    Text,
    /// As a document, value by value.
    Document,
    /// As the bytes that it stands for.
    Bytes,
    /// As the server would write it.
    Written,
    /// Element by element.
    List,
    /// Field by field.
    Row,
    /// As it came.
    Raw,
}

impl Manner {
    /// How values of this type are looked at, if they are. Many types hold only one kind of thing, for which the name of their column
    /// has to speak.
    pub fn of(oid: u32, is_telling: bool) -> Option<Self> {
        if oid == XML {
            return Some(Self::Text);
        }
        Some(match Family::of(oid) {
            Some(Family::Text) => Self::Text,
            Some(Family::Json | Family::Jsonb) => Self::Document,
            Some(Family::Bytes) => Self::Bytes,
            Some(Family::Number(NumberKind::Int8 | NumberKind::Numeric)) => Self::Written,
            Some(Family::Number(NumberKind::Float4 | NumberKind::Float8) | Family::Uuid) => return None,
            Some(Family::Number(_) | Family::Time(_) | Family::Net(_)) => is_telling.then_some(Self::Written)?,
            Some(Family::Array(element)) => Self::of(element, is_telling).map(|_| Self::List)?,
            Some(Family::Record) => Self::Row,
            Some(Family::Range(_) | Family::Multirange(_)) => return None,
            None if SILENT.contains(&oid) => return None,
            None => Self::Raw,
        })
    }
}

/// What shows cells: what it takes to mask them, and to look at them.
pub struct Eyes<'a> {
    /// The key of tokens.
    pub tokens: &'a TokenKey,
    /// What is looked for, if anything is.
    pub sought: Option<Sought<'a>>,
}

/// What it takes to look at cells.
pub struct Sought<'a> {
    /// The watch over the result.
    pub watch: &'a Watch,
    /// Looks.
    pub looker: &'a mut Looker,
    /// What was found.
    pub met: &'a mut Met,
    /// Room for what a cell says.
    pub scratch: &'a mut Vec<u8>,
}

impl Eyes<'_> {
    /// Shows the cell of a column that is not null by its plan, and by what is found in it, appending what is shown if it differs.
    pub fn show(
        &mut self,
        at: usize,
        (wire, field, manner): (CellType, &FieldPlan, Option<Manner>),
        cell: &[u8],
        out: &mut Vec<u8>,
    ) -> Shown {
        let begin = out.len();
        let shown = show(&PostgresCells, wire, cell, field, self.tokens, out);
        let (Some(sought), Some(manner)) = (&mut self.sought, manner) else { return shown };
        let mut looking = Looking { at, sought, tokens: self.tokens, layout: None };
        match shown {
            Shown::Null => Shown::Null,
            Shown::Same => looking.whole(wire, manner, cell, out),
            // A document that is shown in part: the rest of it is not known.
            Shown::Written => {
                let written = out.split_off(begin);
                looking.layout = field.layout();
                match looking.whole(wire, manner, &written, out) {
                    Shown::Same => {
                        out.extend_from_slice(&written);
                        Shown::Written
                    }
                    other => other,
                }
            }
        }
    }
}

impl Eyes<'_> {
    /// Appends a text with what is found in it replaced; `false`, and nothing appended, if that is nothing.
    pub fn say(&mut self, text: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(sought) = &mut self.sought else { return false };
        let mut looking = Looking { at: 0, sought, tokens: self.tokens, layout: None };
        looking.cell(CellType::of(TEXT, false), Manner::Text, text, 1, out) != Shown::Same
    }
}

/// Shows nothing of a cell.
fn hide(wire: CellType, tokens: &TokenKey, out: &mut Vec<u8>) -> Shown {
    show(&PostgresCells, wire, b"", &FieldPlan::new(Sight::Nothing, None), tokens, out)
}

/// A cell that is looked at.
struct Looking<'a, 's> {
    at: usize,
    sought: &'a mut Sought<'s>,
    tokens: &'a TokenKey,
    /// How a document is shown of which only the rest is looked at: what is shown in the place of its values stays, whatever it looks like.
    layout: Option<&'a Layout>,
}

impl Looking<'_, '_> {
    fn whole(&mut self, wire: CellType, manner: Manner, cell: &[u8], out: &mut Vec<u8>) -> Shown {
        if cell.len() > CELL_BYTES_MAX {
            return hide(wire, self.tokens, out);
        }
        if self.sought.watch.is_dense(self.at) {
            return self.dense(wire, cell, out);
        }
        self.cell(wire, manner, cell, 0, out)
    }

    /// Shows a cell of a column that is dense: whole, and with less than that if something else is in it.
    fn dense(&mut self, wire: CellType, cell: &[u8], out: &mut Vec<u8>) -> Shown {
        let mut scratch = std::mem::take(self.sought.scratch);
        self.finds(said(wire, cell, &mut scratch), 0);
        *self.sought.scratch = scratch;
        let Sought { watch, looker, .. } = &*self.sought;
        show(&PostgresCells, wire, cell, watch.whole(self.at, looker.hidden()), self.tokens, out)
    }

    /// Whether something in these bytes is not to be shown as it is.
    fn finds(&mut self, bytes: &[u8], depth: usize) -> bool {
        let Sought { watch, looker, met, .. } = self.sought;
        looker.look(watch, self.at, bytes, depth == 0, met)
    }

    fn cell(&mut self, wire: CellType, manner: Manner, cell: &[u8], depth: usize, out: &mut Vec<u8>) -> Shown {
        let begin = out.len();
        let shown = match manner {
            Manner::Text => self.text(cell, depth, out),
            Manner::Document => self.document(wire, cell, out),
            Manner::Bytes => self.bytes(wire, cell, depth, out),
            Manner::Written => self.written(wire, cell, depth, out),
            Manner::List => self.list(wire, cell, depth, out),
            Manner::Row if wire.binary => self.row(wire, cell, depth, out),
            Manner::Raw if wire.binary => Some(self.raw(wire, cell, depth, out)),
            Manner::Row | Manner::Raw => match self.finds(cell, depth) {
                true => Some(self.show_all(wire, cell, out)),
                false => Some(Shown::Same),
            },
        };
        shown.unwrap_or_else(|| {
            out.truncate(begin);
            hide(wire, self.tokens, out)
        })
    }

    /// A cell in binary of a type that is not known: as a row or an array if it is one, which say what they hold; else as bytes, and as
    /// numbers, since a domain of them has a type of its own. What it is is known before anything in it is looked at, and it can't be both:
    /// else what looks like others within others would be looked at again and again.
    fn raw(&mut self, wire: CellType, cell: &[u8], depth: usize, out: &mut Vec<u8>) -> Shown {
        let begin = out.len();
        let shown = if is_row(wire, cell) {
            self.row(wire, cell, depth, out)
        } else {
            array_of(wire, cell).and_then(|element| self.elements(wire, element, cell, depth, out))
        };
        if let Some(shown) = shown {
            return shown;
        }
        out.truncate(begin);
        if self.finds(cell, depth) {
            return self.show_all(wire, cell, out);
        }
        for number in [INT8, NUMERIC] {
            let mut text = std::mem::take(self.sought.scratch);
            text.clear();
            let is_one = PostgresCells.read(CellType::of(number, true), cell).is_some();
            let found = is_one
                && write_out(CellType::of(number, true), cell, &mut text).is_some()
                && self.finds(&text, depth.saturating_add(1));
            *self.sought.scratch = text;
            if found {
                return self.show_all(wire, cell, out);
            }
        }
        Shown::Same
    }

    /// Shows a cell whole by what was found in it last.
    fn show_all(&mut self, wire: CellType, cell: &[u8], out: &mut Vec<u8>) -> Shown {
        match self.sought.watch.plan_of_all(self.sought.looker.hidden()) {
            Some(plan) => show(&PostgresCells, wire, cell, plan, self.tokens, out),
            None => hide(wire, self.tokens, out),
        }
    }

    fn text(&mut self, cell: &[u8], depth: usize, out: &mut Vec<u8>) -> Option<Shown> {
        if cell.starts_with(br"\x") && self.finds_in_digits(cell) {
            return None;
        }
        if !self.finds(cell, depth) {
            return Some(Shown::Same);
        }
        // In another encoding nobody knows where a character begins.
        let text = std::str::from_utf8(cell).ok()?;
        let hidden = self.sought.looker.take_hidden();
        let done = self.replaced(text, &hidden, 0, out);
        self.sought.looker.give_back(hidden);
        done.map(|()| Shown::Written)
    }

    /// Whether something is in the bytes that a text stands for which is written as the server writes a `bytea`.
    fn finds_in_digits(&mut self, text: &[u8]) -> bool {
        let mut value = std::mem::take(self.sought.scratch);
        value.clear();
        let found = bytes::read_into(text, &mut value).is_some() && self.finds(&value, 1);
        *self.sought.scratch = value;
        found
    }

    /// Appends a text with what is hidden of it replaced. It begins at `begins` of what was looked at.
    fn replaced(&self, text: &str, hidden: &[Hidden], begins: usize, out: &mut Vec<u8>) -> Option<()> {
        if hidden.len() > CELL_PARTS_MAX {
            return None;
        }
        let mut from = 0;
        for part in hidden {
            let inside = |place: usize| place.saturating_sub(begins).min(text.len());
            let (mut start, mut end) = (inside(part.start).max(from), inside(part.end).max(from));
            if start == end {
                continue;
            }
            while !text.is_char_boundary(start) {
                start = start.checked_sub(1)?;
            }
            while !text.is_char_boundary(end) {
                end = end.checked_add(1)?;
            }
            out.extend_from_slice(text.get(from..start.max(from))?.as_bytes());
            show_span(text.get(start.max(from)..end)?.as_bytes(), self.sought.watch.plan(part), self.tokens, out);
            from = end;
        }
        out.extend_from_slice(text.get(from..)?.as_bytes());
        Some(())
    }

    fn bytes(&mut self, wire: CellType, cell: &[u8], depth: usize, out: &mut Vec<u8>) -> Option<Shown> {
        if wire.binary {
            return Some(if self.finds(cell, depth) { self.show_all(wire, cell, out) } else { Shown::Same });
        }
        let mut value = std::mem::take(self.sought.scratch);
        value.clear();
        let found = bytes::read_into(cell, &mut value).map(|()| self.finds(&value, depth));
        *self.sought.scratch = value;
        Some(if found? { self.show_all(wire, cell, out) } else { Shown::Same })
    }

    /// A number, a date, an address.
    fn written(&mut self, wire: CellType, cell: &[u8], depth: usize, out: &mut Vec<u8>) -> Option<Shown> {
        let found = if wire.binary {
            let mut text = std::mem::take(self.sought.scratch);
            text.clear();
            let said = write_out(wire, cell, &mut text).map(|()| self.finds(&text, depth));
            *self.sought.scratch = text;
            said?
        } else {
            // A time that is not written as ISO 8601 says: nobody knows what it says.
            let is_time = matches!(Family::of(wire.oid), Some(Family::Time(_)));
            let is_odd = is_time
                && cell.iter().any(u8::is_ascii_digit)
                && !cell.ends_with(b" BC")
                && PostgresCells.read(wire, cell).is_none();
            if is_odd {
                return None;
            }
            self.finds(cell, depth)
        };
        Some(if found { self.show_all(wire, cell, out) } else { Shown::Same })
    }

    fn list(&mut self, wire: CellType, cell: &[u8], depth: usize, out: &mut Vec<u8>) -> Option<Shown> {
        let Some(Family::Array(element)) = Family::of(wire.oid) else { return None };
        self.elements(wire, element, cell, depth, out)
    }

    fn elements(
        &mut self,
        wire: CellType,
        element: u32,
        cell: &[u8],
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Option<Shown> {
        let (begin, mut hides) = (out.len(), false);
        let telling = self.sought.watch.is_telling(self.at);
        let mut part =
            |wire: CellType, cell: &[u8], out: &mut Vec<u8>| self.part(wire, cell, (depth, telling), &mut hides, out);
        array::rewrite(wire.holding(element), cell, &mut part, out)?;
        Some(unless_same(hides, begin, out))
    }

    fn row(&mut self, wire: CellType, cell: &[u8], depth: usize, out: &mut Vec<u8>) -> Option<Shown> {
        let (begin, mut hides) = (out.len(), false);
        // Nobody knows what a field is called.
        let mut part =
            |wire: CellType, cell: &[u8], out: &mut Vec<u8>| self.part(wire, cell, (depth, true), &mut hides, out);
        record::rewrite(wire, cell, &mut part, out)?;
        Some(unless_same(hides, begin, out))
    }

    /// A cell in another, under a name that may tell something of it. What is shown as it is is written as well.
    fn part(
        &mut self,
        wire: CellType,
        cell: &[u8],
        (depth, telling): (usize, bool),
        hides: &mut bool,
        out: &mut Vec<u8>,
    ) -> Shown {
        let depth = depth.saturating_add(1);
        let shown = match Manner::of(wire.oid, telling) {
            Some(_) if depth >= CELL_DEPTH_MAX => hide(wire, self.tokens, out),
            Some(manner) => self.cell(wire, manner, cell, depth, out),
            None => Shown::Same,
        };
        match shown {
            Shown::Same => {
                out.extend_from_slice(cell);
                Shown::Written
            }
            other => {
                *hides = true;
                other
            }
        }
    }

    fn document(&mut self, wire: CellType, cell: &[u8], out: &mut Vec<u8>) -> Option<Shown> {
        let is_binary = wire.binary && Family::of(wire.oid) == Some(Family::Jsonb);
        let text = if is_binary { cell.strip_prefix(&[JSONB_VERSION])? } else { cell };
        // Most documents say what they say as it is written.
        let escapes = memchr(b'\\', text).is_some();
        // Strings that stand for bytes in which something is: where they begin.
        let mut digits = Vec::new();
        let found = if escapes {
            let mut view = std::mem::take(self.sought.scratch);
            view.clear();
            let viewed = tokens_of(text, |token| {
                let says = token.view()?;
                if let Some(inner) = json::inner(&says).filter(|inner| inner.starts_with(br"\x"))
                    && self.finds_in_digits(inner)
                {
                    digits.push(view.len());
                }
                view.extend_from_slice(&says);
                Some(())
            });
            let found = viewed.map(|()| self.finds(&view, 1));
            *self.sought.scratch = view;
            found?
        } else {
            self.finds(text, 1)
        };
        if !found && digits.is_empty() {
            return Some(Shown::Same);
        }
        if is_binary {
            out.push(JSONB_VERSION);
        }
        let hidden = self.sought.looker.take_hidden();
        let done = self.replaced_document(text, &hidden, &digits, out);
        self.sought.looker.give_back(hidden);
        done.map(|()| Shown::Written)
    }

    /// Appends a document with what is hidden of its values and names replaced.
    fn replaced_document(&self, text: &[u8], hidden: &[Hidden], digits: &[usize], out: &mut Vec<u8>) -> Option<()> {
        if hidden.len() > CELL_PARTS_MAX {
            return None;
        }
        let (mut at, mut rest) = (0_usize, hidden);
        let masked = self.layout.and_then(|layout| document::masked(text, layout)).unwrap_or_default();
        let (mut written, mut masked) = (0_usize, masked.as_slice());
        tokens_of(text, |token| {
            let (begins, begun) = (at, written);
            at = at.checked_add(token.view()?.len())?;
            written = written.checked_add(token.written().len())?;
            while let [first, later @ ..] = masked
                && first.end <= begun
            {
                masked = later;
            }
            let is_own = masked.first().is_some_and(|first| first.start <= begun);
            while let [first, later @ ..] = rest
                && first.end <= begins
            {
                rest = later;
            }
            let here = rest.iter().take_while(|hidden| hidden.start < at).count();
            let here = rest.get(..here)?;
            match token {
                _ if is_own => out.extend_from_slice(token.written()),
                Token::String(_) if digits.binary_search(&begins).is_ok() => json::write(REDACTED, out)?,
                _ if here.is_empty() => out.extend_from_slice(token.written()),
                Token::Other(written) => out.extend_from_slice(written),
                Token::Number(number) => self.number(number, here, out)?,
                Token::String(_) => {
                    let view = token.view()?;
                    let inner = json::inner(&view)?;
                    let mut shown = Vec::new();
                    self.replaced(std::str::from_utf8(inner).ok()?, here, begins.checked_add(1)?, &mut shown)?;
                    json::write(std::str::from_utf8(&shown).ok()?, out)?;
                }
            }
            Some(())
        })
    }

    /// A number in a document.
    fn number(&self, number: &str, hidden: &[Hidden], out: &mut Vec<u8>) -> Option<()> {
        let plan = self.sought.watch.plan_of_all(hidden)?;
        let mut shown = Vec::new();
        match show(&PostgresCells, CellType::of(NUMERIC, false), number.as_bytes(), plan, self.tokens, &mut shown) {
            Shown::Written => out.extend_from_slice(decimal(std::str::from_utf8(&shown).ok()?)?.as_bytes()),
            Shown::Null | Shown::Same => out.extend_from_slice(b"null"),
        }
        Some(())
    }
}

fn unless_same(hides: bool, begin: usize, out: &mut Vec<u8>) -> Shown {
    if hides {
        return Shown::Written;
    }
    out.truncate(begin);
    Shown::Same
}
