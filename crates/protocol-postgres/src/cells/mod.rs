//! PostgreSQL's cells as values, and back, in text and binary format.
//!
//! Which types are known is in `family`; what is not there can't be read, so nothing of it is seen. The other modules each
//! know the two writings of some types. Text is read in the one form that the server writes it in by default (`DateStyle`
//! ISO, any `bytea_output`), and what is written is valid for the type in both formats; limits of a column (`varchar(8)`) are
//! not kept, but for the precision of a number.
//!
//! Pure: no bytes panic, and none take more time or memory than a small multiple of their number.

mod array;
mod bytes;
mod day;
mod document;
mod elements;
mod family;
mod json;
mod long;
mod masks;
mod net;
mod number;
mod range;
mod record;
mod says;
mod search;
mod taken;
#[cfg(test)]
mod tests;
mod time;

use model::{Sight, Value};
use redact::{CellCodec, Layout, ShowPart, ShowValue, Shown};

use family::Family;
pub use long::{LongCell, Writing, is_overwritten, overwritten};
pub use masks::{MaskSearch, Masks, holds_mask, is_of_encoding};
pub(crate) use says::text_of;
pub use search::{Eyes, Manner, Sought};
pub use taken::{BITS, NAME, NAME_KEPT, RETURNED, Said, each_kept, each_of_cut_bits, each_said};

/// The wire type of a column: what `RowDescription` and `Bind` say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellType {
    /// `pg_type.oid`.
    pub oid: u32,
    /// `pg_attribute.atttypmod`: what limits the type; -1 for nothing.
    pub modifier: i32,
    /// Whether the column is sent in binary format.
    pub binary: bool,
}

impl CellType {
    /// A type without limits.
    pub const fn of(oid: u32, binary: bool) -> Self {
        Self { oid, modifier: -1, binary }
    }

    /// What is in a cell of this type, in the same format.
    const fn holding(self, oid: u32) -> Self {
        Self { oid, ..self }
    }
}

/// Reads and writes cells.
#[derive(Clone, Copy, Debug, Default)]
pub struct PostgresCells;

/// Shows one cell that another holds.
type Part<'a> = ShowPart<'a, CellType>;

impl CellCodec for PostgresCells {
    type Wire = CellType;

    fn read<'a>(&self, wire: CellType, bytes: &'a [u8]) -> Option<Value<'a>> {
        match Family::of(wire.oid)? {
            Family::Text => std::str::from_utf8(bytes).ok().map(|text| Value::Text(text.into())),
            Family::Bytes => bytes::read(wire.binary, bytes),
            Family::Uuid => bytes::read_uuid(wire.binary, bytes),
            Family::Number(kind) => number::read(kind, wire.binary, bytes),
            Family::Time(kind) => time::read(kind, wire.binary, bytes),
            Family::Net(kind) => net::read(kind, wire.binary, bytes),
            Family::Json | Family::Jsonb | Family::Array(_) | Family::Record => None,
            Family::Range(_) | Family::Multirange(_) => None,
        }
    }

    fn write(&self, wire: CellType, value: &Value<'_>, out: &mut Vec<u8>) -> bool {
        let written = match (Family::of(wire.oid), value) {
            (Some(Family::Text), Value::Text(text)) => {
                out.extend_from_slice(text.as_bytes());
                Some(())
            }
            (Some(Family::Json), Value::Text(text)) => json::write(text, out),
            (Some(Family::Jsonb), Value::Text(text)) => {
                if wire.binary {
                    out.push(json::JSONB_VERSION);
                }
                json::write(text, out)
            }
            (Some(Family::Bytes), Value::Bytes(value)) => bytes::write(wire.binary, value, out),
            (Some(Family::Uuid), Value::Uuid(id)) => bytes::write_uuid(wire.binary, id, out),
            (Some(Family::Number(kind)), value) => number::write(kind, wire, value, out),
            (Some(Family::Time(kind)), Value::Date { year, month, day }) => {
                time::write(kind, wire.binary, (*year, *month, *day), out)
            }
            (Some(Family::Net(kind)), value) => net::write(kind, wire.binary, value, out),
            _ => None,
        };
        written.is_some()
    }

    fn rewrite(
        &self,
        wire: CellType,
        bytes: &[u8],
        sight: Sight,
        part: &mut ShowPart<'_, CellType>,
        out: &mut Vec<u8>,
    ) -> bool {
        let written = match Family::of(wire.oid) {
            Some(Family::Json) => json::rewrite(bytes, part, out),
            Some(Family::Jsonb) => json::rewrite_jsonb(wire.binary, bytes, part, out),
            Some(Family::Array(element)) => array::rewrite(wire.holding(element), bytes, part, out),
            Some(Family::Record) => record::rewrite(wire, bytes, part, out),
            // A token says nothing of where its value lies, so two of them are no bounds.
            Some(Family::Range(bound)) if sight == Sight::Partial => {
                range::rewrite(wire.holding(bound), bytes, part, out)
            }
            Some(Family::Multirange(range)) if sight == Sight::Partial => match Family::of(range) {
                Some(Family::Range(bound)) => range::rewrite_all(wire.holding(bound), bytes, part, out),
                _ => None,
            },
            _ => None,
        };
        written.is_some()
    }

    fn lay_out(
        &self,
        wire: CellType,
        bytes: &[u8],
        layout: &Layout,
        value: &mut ShowValue<'_, CellType>,
        out: &mut Vec<u8>,
    ) -> bool {
        document::rewrite(wire, bytes, layout, value, out).is_some()
    }
}

/// Appends a part as binary format has it: its length, −1 for NULL, and its bytes. `None` if it would be shown as it came,
/// which no part of a masked cell is.
fn write_part(shown: Shown, cell: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (length, cell) = match shown {
        Shown::Written => (i32::try_from(cell.len()).ok()?, cell),
        Shown::Null => (-1, &[][..]),
        Shown::Same => return None,
    };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(cell);
    Some(())
}
