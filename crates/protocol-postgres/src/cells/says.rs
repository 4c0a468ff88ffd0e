//! What a value says on its way out: the bytes in which something is looked for; and what a value in binary is of which the type is not known.
//! Nothing is found or hidden here.

use model::Value;
use redact::{CellCodec, Shown};

use super::family::Family;
use super::number::NumberKind;
use super::search::Manner;
use super::{CellType, PostgresCells, array, bytes, number, record, time};

const BOOL: u32 = 16;
const FLOAT4: u32 = 700;
const FLOAT8: u32 = 701;
const TIMESTAMP: u32 = 1114;
const TIMESTAMPTZ: u32 = 1184;
const JSONB: u32 = 3802;
/// The least oid that a type has.
const TYPE_OID_MIN: u32 = 16;

/// What a value says: the bytes in which something is looked for.
pub(super) fn said<'a>(wire: CellType, value: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    scratch.clear();
    let read = match Manner::of(wire.oid, true) {
        Some(Manner::Bytes) if !wire.binary => bytes::read_into(value, scratch),
        Some(Manner::Written) if wire.binary => write_out(wire, value, scratch),
        _ => None,
    };
    if read.is_some() { scratch.as_slice() } else { value }
}

/// Appends a value as the server writes it in text. `None` if it can't be read.
pub(super) fn write_out(wire: CellType, cell: &[u8], out: &mut Vec<u8>) -> Option<()> {
    use std::io::Write as _;
    let value = match PostgresCells.read(wire, cell) {
        Some(value) => value,
        None => match Family::of(wire.oid) {
            // Infinity, and what is no number.
            Some(Family::Number(NumberKind::Numeric)) if number::is_special(wire.binary, cell) => return Some(()),
            // Infinity, and years that nobody alive was born in.
            Some(Family::Time(_)) => return Some(()),
            _ => return None,
        },
    };
    match value {
        Value::Number(number) | Value::Text(number) => out.extend_from_slice(number.as_bytes()),
        Value::Date { year, month, day } => write!(out, "{year:04}-{month:02}-{day:02}").ok()?,
        Value::Net { addr, .. } => write!(out, "{addr}").ok()?,
        Value::Mac(bytes) => write_pairs(&bytes, out),
        Value::Eui64(bytes) => write_pairs(&bytes, out),
        _ => return None,
    }
    Some(())
}

/// A value in binary as the server writes it in text. `None` if its type is not known here.
pub(crate) fn text_of(wire: CellType, cell: &[u8]) -> Option<String> {
    let text = |bytes: &[u8]| Some(String::from_utf8_lossy(bytes).into_owned());
    match (wire.oid, cell) {
        (BOOL, [byte]) => return Some(if *byte == 0 { "f" } else { "t" }.to_owned()),
        (FLOAT4, _) => return cell.try_into().ok().map(|bytes| f32::from_be_bytes(bytes).to_string()),
        (FLOAT8, _) => return cell.try_into().ok().map(|bytes| f64::from_be_bytes(bytes).to_string()),
        (TIMESTAMP | TIMESTAMPTZ, _) => {
            let micros = cell.try_into().ok().map(i64::from_be_bytes)?;
            let zone = if wire.oid == TIMESTAMPTZ { "+00" } else { "" };
            return time::moment(micros).map(|moment| format!("{moment}{zone}"));
        }
        (JSONB, [1, json @ ..]) => return text(json),
        _ => {}
    }
    match Family::of(wire.oid) {
        Some(Family::Text | Family::Json) => text(cell),
        Some(Family::Uuid) => match PostgresCells.read(wire, cell)? {
            Value::Uuid(id) => Some(uuid(&id)),
            _ => None,
        },
        _ => {
            let mut out = Vec::new();
            write_out(wire, cell, &mut out)?;
            String::from_utf8(out).ok().filter(|text| !text.is_empty())
        }
    }
}

fn uuid(id: &[u8; 16]) -> String {
    let mut text = Vec::new();
    for (at, byte) in id.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push(b'-');
        }
        bytes::push_hex(*byte, &mut text);
    }
    String::from_utf8(text).unwrap_or_default()
}

fn write_pairs(address: &[u8], out: &mut Vec<u8>) {
    for (at, byte) in address.iter().enumerate() {
        if at > 0 {
            out.push(b':');
        }
        bytes::push_hex(*byte, out);
    }
}

/// Whether this is a row in binary: fields of some types that end where it ends.
pub(super) fn is_row(wire: CellType, cell: &[u8]) -> bool {
    let mut are_types = true;
    let mut skip = |wire: CellType, _: &[u8], _: &mut Vec<u8>| {
        are_types &= wire.oid >= TYPE_OID_MIN;
        Shown::Null
    };
    let is_one = record::rewrite(wire, cell, &mut skip, &mut Vec::new()).is_some();
    is_one && are_types
}

/// The type of the elements, if this is an array in binary of some type.
pub(super) fn array_of(wire: CellType, cell: &[u8]) -> Option<u32> {
    let element = cell.get(8..12)?.try_into().ok().map(u32::from_be_bytes).filter(|oid| *oid >= TYPE_OID_MIN)?;
    array::rewrite(wire.holding(element), cell, &mut |_, _, _| Shown::Written, &mut Vec::new()).map(|()| element)
}
