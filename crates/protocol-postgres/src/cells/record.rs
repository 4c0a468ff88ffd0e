//! Rows of no named type, whose binary form says what their fields are. Their text form does not.

use redact::Shown;

use super::{CellType, Part, write_part};
use crate::wire::Fields;

/// How many fields; of each its type, length and bytes.
pub(super) fn rewrite(wire: CellType, bytes: &[u8], part: &mut Part<'_>, out: &mut Vec<u8>) -> Option<()> {
    if !wire.binary {
        return None;
    }
    let mut fields = Fields::of("record", bytes);
    let count = fields.int32().ok()?;
    out.extend_from_slice(&count.to_be_bytes());
    let mut shown = Vec::new();
    // Each takes eight bytes and more, so a count that is not true ends with the bytes.
    for _ in 0..usize::try_from(count).ok()? {
        let oid = fields.oid().ok()?;
        shown.clear();
        let what = match fields.value().ok()? {
            Some(cell) => part(CellType::of(oid, true), cell, &mut shown),
            None => Shown::Null,
        };
        out.extend_from_slice(&oid.to_be_bytes());
        write_part(what, &shown, out)?;
    }
    fields.end().ok()
}
