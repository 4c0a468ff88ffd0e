//! Cells as the server writes them in both formats, and what is shown of them.

mod containers;
mod documents;
mod hostile;
mod taken;
mod values;

use model::ClassId;
use redact::{FieldPlan, TokenKey, show};

use super::*;

/// What is shown of a cell; `None` is NULL.
fn shown(sight: Sight, class: &str, wire: CellType, cell: &[u8]) -> Option<Vec<u8>> {
    let field = FieldPlan::new(sight, ClassId::parse(class));
    let mut out = b"before".to_vec();
    match show(&PostgresCells, wire, cell, &field, &TokenKey::new([7; 32]), &mut out) {
        Shown::Written => Some(out.strip_prefix(b"before").unwrap().to_vec()),
        Shown::Null => {
            assert_eq!(out, b"before");
            None
        }
        Shown::Same => panic!("a masked cell is shown as it came"),
    }
}

fn shown_text(sight: Sight, class: &str, oid: u32, cell: &str) -> Option<String> {
    shown(sight, class, CellType::of(oid, false), cell.as_bytes()).map(|cell| String::from_utf8(cell).unwrap())
}

fn partial(class: &str, oid: u32, cell: &str) -> Option<String> {
    shown_text(Sight::Partial, class, oid, cell)
}

fn partial_binary(class: &str, oid: u32, cell: &[u8]) -> Option<Vec<u8>> {
    shown(Sight::Partial, class, CellType::of(oid, true), cell)
}

fn token(oid: u32, cell: &str) -> Option<String> {
    shown_text(Sight::Token, "x.y", oid, cell)
}

fn token_binary(oid: u32, cell: &[u8]) -> Option<Vec<u8>> {
    shown(Sight::Token, "x.y", CellType::of(oid, true), cell)
}

/// The binary form of a value that has one in text.
fn binary_of(oid: u32, text: &str) -> Vec<u8> {
    let value = PostgresCells.read(CellType::of(oid, false), text.as_bytes()).unwrap();
    let mut out = Vec::new();
    assert!(PostgresCells.write(CellType::of(oid, true), &value, &mut out), "{oid} {text}");
    out
}

/// A length and so many bytes; −1 for NULL.
fn counted(cell: Option<&[u8]>) -> Vec<u8> {
    let length = cell.map_or(-1, |cell| i32::try_from(cell.len()).unwrap());
    [&length.to_be_bytes()[..], cell.unwrap_or_default()].concat()
}
