//! Bytes that no server sends: random ones, and cells that were altered. Nothing panics, what is shown can be read again as what
//! it says it is, and a value that has been hidden is in none of it.

use proptest::prelude::*;

use super::*;

/// All types that are known, and some that are not.
fn types() -> Vec<u32> {
    let known = (0..10_000).filter(|oid| Family::of(*oid).is_some());
    known.chain([0, 16, 18, 142, 600, 790, 1186, 1560, 16_385]).collect()
}

const CLASSES: [&str; 9] =
    ["pci.card", "pii.email", "pii.birth_date", "fin.amount", "pii.location", "pii.ip", "net.mac", "secret.key", "x.y"];

/// Cells of all kinds, as the server writes them.
fn cells() -> Vec<(u32, bool, Vec<u8>)> {
    let texts = [
        (20, "4111111111111234"),
        (1700, "12345678901234567890.0123456789"),
        (701, "1.5e+300"),
        (1184, "1984-07-09 12:34:56.789+02"),
        (17, r"\xdeadbeef"),
        (869, "2001:db8:1:2::3/64"),
        (829, "08:00:2b:01:02:03"),
        (2950, "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ];
    let both = texts
        .iter()
        .flat_map(|(oid, text)| [(*oid, false, text.as_bytes().to_vec()), (*oid, true, binary_of(*oid, text))]);
    let int = |number: i32| counted(Some(&number.to_be_bytes()));
    let range = [vec![2], int(15), int(250)].concat();
    both.chain([
        (114, false, br#"{"a": ["jane@example.com", 4111111111111234, {"b c": "x\ny"}]}"#.to_vec()),
        (3802, true, b"\x01{\"a\": [\"jane@example.com\", -1.5e3]}".to_vec()),
        (1009, false, br#"{{"a b","c\"d"},{NULL,jane@example.com}}"#.to_vec()),
        (1016, false, b"[0:1]={4111111111111234,5}".to_vec()),
        (
            1007,
            true,
            [[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1].to_vec(), int(41_111_234)].concat(),
        ),
        (2249, true, [[0, 0, 0, 1, 0, 0, 0, 23].to_vec(), int(41_111_234)].concat()),
        (3904, false, b"[15,250)".to_vec()),
        (3904, true, range.clone()),
        (4533, false, br#"{["1984-07-09 12:34:56","1990-07-09 12:34:56")}"#.to_vec()),
        (4451, true, [vec![0, 0, 0, 1], counted(Some(&range))].concat()),
    ])
    .collect()
}

/// What is shown is a cell of its type: it is read, or its parts are.
fn is_valid(wire: CellType, cell: &[u8]) -> bool {
    match Family::of(wire.oid) {
        Some(Family::Json | Family::Jsonb) => {
            let text = if wire.oid == 3802 && wire.binary { &cell[1..] } else { cell };
            serde_json::from_slice::<serde_json::Value>(text).is_ok()
        }
        Some(Family::Array(_) | Family::Record | Family::Range(_) | Family::Multirange(_)) => {
            // Each part is shown as some value of its type: the structure is what is looked at.
            let mut part = |wire: CellType, cell: &[u8], out: &mut Vec<u8>| {
                if !is_valid(wire, cell) {
                    return Shown::Null;
                }
                out.extend_from_slice(cell);
                Shown::Written
            };
            let mut out = Vec::new();
            PostgresCells.rewrite(wire, cell, Sight::Partial, &mut part, &mut out) && out == cell
        }
        Some(_) => PostgresCells.read(wire, cell).is_some(),
        None => false,
    }
}

fn check(wire: CellType, cell: &[u8]) -> Result<(), TestCaseError> {
    for class in CLASSES {
        for sight in [Sight::Partial, Sight::Token, Sight::Nothing] {
            if let Some(shown) = shown(sight, class, wire, cell) {
                prop_assert!(is_valid(wire, &shown), "{wire:?} {class} {sight:?} {cell:?} is shown as {shown:?}");
                prop_assert!(shown.len() <= cell.len() * 32 + 64, "{} bytes of {}", shown.len(), cell.len());
            }
        }
    }
    Ok(())
}

#[test]
fn cells_of_all_kinds_are_valid_as_they_are_shown() {
    for (oid, binary, cell) in cells() {
        assert!(is_valid(CellType::of(oid, binary), &cell), "{oid} {cell:?}");
        check(CellType::of(oid, binary), &cell).unwrap();
    }
}

proptest! {
    #[test]
    fn random_bytes(cell in prop::collection::vec(any::<u8>(), 0..80), oid in prop::sample::select(types()), binary in any::<bool>()) {
        check(CellType::of(oid, binary), &cell)?;
    }

    #[test]
    fn random_texts_of_what_has_a_meaning(cell in r#"[\[\](){},:"\\ =a1eN.+/-]{0,30}"#, oid in prop::sample::select(types())) {
        check(CellType::of(oid, false), cell.as_bytes())?;
    }

    #[test]
    fn altered_cells(
        cell in prop::sample::select(cells()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
        other in prop::option::weighted(0.2, prop::sample::select(types())),
    ) {
        let (oid, binary, mut cell) = cell;
        for (at, byte, how) in changes {
            match how {
                0 if !cell.is_empty() => { let at = at.index(cell.len()); cell[at] = byte; }
                1 if !cell.is_empty() => { cell.remove(at.index(cell.len())); }
                _ => cell.insert(at.index(cell.len() + 1), byte),
            }
        }
        check(CellType::of(other.unwrap_or(oid), binary), &cell)?;
    }

    /// A secret in a document or an array of any shape is in nothing that is shown of it.
    #[test]
    fn what_is_hidden_is_nowhere(shape in document(), class in prop::sample::select(vec!["pii.email", "secret.key", "x.y"])) {
        let text = shape.to_string();
        for sight in [Sight::Partial, Sight::Token] {
            let shown = shown_text(sight, class, 3802, &text).unwrap();
            prop_assert!(!shown.contains("CANARY") && !shown.contains("9037741"), "{text} is shown as {shown}");
        }
        let cells: Vec<String> = text.split(',').map(|cell| format!("\"{}\"", cell.replace('\\', "\\\\").replace('"', "\\\""))).collect();
        let array = format!("{{{}}}", cells.join(","));
        let shown = shown_text(Sight::Token, class, 1009, &array).unwrap();
        prop_assert!(!shown.contains("CANARY") && !shown.contains("9037741"), "{array} is shown as {shown}");
        prop_assert_eq!(shown.matches("tok_").count(), cells.len());
    }
}

/// Documents whose every string and number is a secret.
fn document() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        (9_037_741..9_037_742_u64).prop_map(serde_json::Value::from),
        "(a \"|\\\\|é|\n|)CANARY(\"|,|)".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::vec(("[a-z_]{1,5}|CANARY[0-9 ]", inner), 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}
