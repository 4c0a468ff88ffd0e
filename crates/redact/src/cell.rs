//! What is made of one cell, and of the cells in it.

use std::borrow::Cow;

use model::{Sight, Value};

use crate::plan::{FieldPlan, Layout};
use crate::token::TokenKey;
use crate::{CELL_BYTES_MAX, CELL_DEPTH_MAX, CELL_PARTS_MAX, REDACTED};

/// Shows one cell that another holds, by its wire type, and appends what is shown.
pub type ShowPart<'a, W> = dyn FnMut(W, &[u8], &mut Vec<u8>) -> Shown + 'a;

/// Shows one value that a document holds, by its wire type and its plan, and appends what is shown.
pub type ShowValue<'a, W> = dyn FnMut(W, &[u8], &FieldPlan, &mut Vec<u8>) -> Shown + 'a;

/// How a protocol's cells become values and back.
pub trait CellCodec {
    /// The wire type of a cell: what the protocol needs to know to read it.
    type Wire: Copy;

    /// The value in a cell that is not null; `None` if this type or these bytes can't be read, or hold other cells.
    fn read<'a>(&self, wire: Self::Wire, bytes: &'a [u8]) -> Option<Value<'a>>;

    /// Appends a value in this wire type; `false`, and nothing appended, if the type can't hold it.
    fn write(&self, wire: Self::Wire, value: &Value<'_>, out: &mut Vec<u8>) -> bool;

    /// Appends a cell that holds others (an array, a document, a range) with each of them as `part` shows it. `false`, and
    /// what was appended is thrown away, if this is no such type, or if its bytes can't be read to the last: then the cell is
    /// redacted whole. Nothing of what it holds may be appended but through `part`.
    fn rewrite(
        &self,
        _wire: Self::Wire,
        _bytes: &[u8],
        _sight: Sight,
        _part: &mut ShowPart<'_, Self::Wire>,
        _out: &mut Vec<u8>,
    ) -> bool {
        false
    }

    /// Appends a document, or a list of them, with each value that its layout does not show clear as `value` shows it or as one of
    /// which nothing is seen, and all else as it came. `false`, and what was appended is thrown away, if this is no such type, or if the document is not what
    /// the layout says, to its last key and byte: then the cell is redacted whole.
    fn lay_out(
        &self,
        _wire: Self::Wire,
        _bytes: &[u8],
        _layout: &Layout,
        _value: &mut ShowValue<'_, Self::Wire>,
        _out: &mut Vec<u8>,
    ) -> bool {
        false
    }
}

/// What was made of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It is shown as it came. Nothing was appended.
    Same,
    /// Other bytes were appended in its place.
    Written,
    /// It is shown as NULL. Nothing was appended.
    Null,
}

/// Shows one cell that is not null at its field's sight, appending what is shown if it differs.
pub fn show<C: CellCodec>(
    codec: &C,
    wire: C::Wire,
    bytes: &[u8],
    field: &FieldPlan,
    tokens: &TokenKey,
    out: &mut Vec<u8>,
) -> Shown {
    if field.sight == Sight::Clear {
        return Shown::Same;
    }
    let mut showing = Showing { codec, tokens, parts_left: CELL_PARTS_MAX, too_many: false };
    match &field.layout {
        Some(layout) => showing.document(layout, wire, bytes, out),
        None => showing.cell(field, wire, bytes, 0, out),
    }
}

/// Appends what is stored in the place of a cell that is not null, where a field is given less than its values: a part or a token in the
/// cell's own type. `false`, and nothing appended, if the value has none, or holds others: what can't be replaced is not stored.
pub fn lower<C: CellCodec>(
    codec: &C,
    wire: C::Wire,
    bytes: &[u8],
    field: &FieldPlan,
    tokens: &TokenKey,
    out: &mut Vec<u8>,
) -> bool {
    let begin = out.len();
    let value = if bytes.len() > CELL_BYTES_MAX { None } else { codec.read(wire, bytes) };
    let less = value.and_then(|value| less_of(&value, field, tokens));
    let lowered = less.is_some_and(|less| codec.write(wire, &less, out));
    if !lowered {
        out.truncate(begin);
    }
    lowered
}

/// Appends what is shown in the place of a part of a text, at a sight that is not clear: what a cell of text would show that is the part and
/// nothing else.
pub fn show_span(span: &[u8], field: &FieldPlan, tokens: &TokenKey, out: &mut Vec<u8>) {
    let text = std::str::from_utf8(span).ok().filter(|span| span.len() <= CELL_BYTES_MAX);
    match text.and_then(|text| less_of(&Value::Text(Cow::Borrowed(text)), field, tokens)) {
        Some(Value::Text(less)) => out.extend_from_slice(less.as_bytes()),
        _ => out.extend_from_slice(REDACTED.as_bytes()),
    }
}

/// What is shown of a value, or stored in its place.
fn less_of(value: &Value<'_>, field: &FieldPlan, tokens: &TokenKey) -> Option<Value<'static>> {
    match field.sight {
        Sight::Partial => field.style.apply(value),
        Sight::Token => tokens.token(field.class.as_ref()?, value),
        Sight::Clear | Sight::Nothing => None,
    }
}

/// A cell that is being shown.
struct Showing<'a, C> {
    codec: &'a C,
    tokens: &'a TokenKey,
    parts_left: usize,
    too_many: bool,
}

impl<C: CellCodec> Showing<'_, C> {
    /// Shows a document value by value, or redacted.
    fn document(&mut self, layout: &Layout, wire: C::Wire, bytes: &[u8], out: &mut Vec<u8>) -> Shown {
        let begin = out.len();
        let codec = self.codec;
        let laid_out = bytes.len() <= CELL_BYTES_MAX
            && codec.lay_out(
                wire,
                bytes,
                layout,
                &mut |wire, bytes, field, out| self.part(field, wire, bytes, 1, out),
                out,
            )
            && !self.too_many;
        if laid_out { Shown::Written } else { self.redacted(wire, begin, out) }
    }

    /// Shows a cell, at its sight or redacted.
    fn cell(&mut self, field: &FieldPlan, wire: C::Wire, bytes: &[u8], depth: usize, out: &mut Vec<u8>) -> Shown {
        let begin = out.len();
        if self.seen(field, wire, bytes, depth, out) {
            return Shown::Written;
        }
        self.redacted(wire, begin, out)
    }

    /// Shows nothing of a cell, in the place of what was appended from `begin` on.
    fn redacted(&self, wire: C::Wire, begin: usize, out: &mut Vec<u8>) -> Shown {
        out.truncate(begin);
        let redacted = Value::Text(Cow::Borrowed(REDACTED));
        if self.codec.write(wire, &redacted, out) { Shown::Written } else { Shown::Null }
    }

    /// Appends what may be seen of a cell; `false` if that is nothing.
    fn seen(&mut self, field: &FieldPlan, wire: C::Wire, bytes: &[u8], depth: usize, out: &mut Vec<u8>) -> bool {
        if field.sight == Sight::Nothing || bytes.len() > CELL_BYTES_MAX {
            return false;
        }
        let codec = self.codec;
        if let Some(value) = codec.read(wire, bytes) {
            return less_of(&value, field, self.tokens).is_some_and(|value| codec.write(wire, &value, out));
        }
        depth < CELL_DEPTH_MAX
            && codec.rewrite(
                wire,
                bytes,
                field.sight,
                &mut |wire, bytes, out| self.part(field, wire, bytes, depth.saturating_add(1), out),
                out,
            )
            && !self.too_many
    }

    fn part(&mut self, field: &FieldPlan, wire: C::Wire, bytes: &[u8], depth: usize, out: &mut Vec<u8>) -> Shown {
        // Of what is not seen nothing is read, so it takes no time worth counting.
        if field.sight != Sight::Nothing {
            match self.parts_left.checked_sub(1) {
                Some(left) => self.parts_left = left,
                None => self.too_many = true,
            }
        }
        if self.too_many { Shown::Null } else { self.cell(field, wire, bytes, depth, out) }
    }
}

#[cfg(test)]
mod tests;
