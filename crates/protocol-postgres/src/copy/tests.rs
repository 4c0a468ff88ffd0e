//! Rows of any content, in any form, cut anywhere: masked cells are masked, the others are what they were, and the caller
//! gets one message for each row.

use model::{ClassId, Sight};
use proptest::prelude::*;
use redact::{REDACTED, TokenKey};
use sql_postgres::ForceQuote;

use super::*;
use crate::wire::frame::{HEAD_BYTES, Head};

const TEXT: CellType = CellType::of(25, false);
const INT4: CellType = CellType::of(23, false);

type Row = Vec<Option<Vec<u8>>>;

fn column(sight: Sight, wire: CellType, format: &CopyFormat) -> Column {
    let force_quote = matches!(format, CopyFormat::Csv { force_quote, .. } if force_quote.covers("x"));
    let wire = CellType { binary: *format == CopyFormat::Binary, ..wire };
    Column { field: FieldPlan::new(sight, ClassId::parse("pii.national_id")), wire, manner: None, force_quote }
}

fn text(delimiter: u8, null: &str) -> CopyFormat {
    CopyFormat::Text { delimiter, null: null.to_owned(), header: false }
}

fn csv(null: &str, quote: u8, escape: u8, force_quote: ForceQuote) -> CopyFormat {
    CopyFormat::Csv { delimiter: b',', null: null.to_owned(), header: false, quote, escape, force_quote }
}

/// Feeds the pieces; the messages that came of it.
fn fed(columns: Vec<Column>, format: &CopyFormat, pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut masked = Masked::new(columns, format).unwrap();
    let mut out = Vec::new();
    for piece in pieces {
        masked.feed(piece, &mut Eyes { tokens: &TokenKey::new([7; 32]), sought: None }, &mut out)?;
    }
    masked.end()?;
    let (mut messages, mut rest) = (Vec::new(), out.as_slice());
    while let Some(head) = Head::read(rest).unwrap() {
        assert_eq!(head.kind, b'd');
        messages.push(rest[HEAD_BYTES..head.frame_bytes].to_vec());
        rest = &rest[head.frame_bytes..];
    }
    Ok(messages)
}

/// A row as the server writes it (`CopyOneRowTo`).
fn written(row: &Row, format: &CopyFormat) -> Vec<u8> {
    let mut out = Vec::new();
    if *format == CopyFormat::Binary {
        out.extend_from_slice(&i16::try_from(row.len()).unwrap().to_be_bytes());
    }
    for (at, cell) in row.iter().enumerate() {
        match (format, cell) {
            (CopyFormat::Binary, None) => out.extend_from_slice(&(-1_i32).to_be_bytes()),
            (CopyFormat::Binary, Some(cell)) => {
                out.extend_from_slice(&i32::try_from(cell.len()).unwrap().to_be_bytes());
                out.extend_from_slice(cell);
            }
            (CopyFormat::Text { delimiter, null, .. }, cell) => {
                if at > 0 {
                    out.push(*delimiter);
                }
                match cell {
                    None => out.extend_from_slice(null.as_bytes()),
                    Some(cell) => {
                        for byte in cell {
                            match byte {
                                b'\n' => out.extend_from_slice(b"\\n"),
                                b'\\' => out.extend_from_slice(b"\\\\"),
                                byte if byte == delimiter => out.extend_from_slice(&[b'\\', *byte]),
                                byte => out.push(*byte),
                            }
                        }
                    }
                }
            }
            (CopyFormat::Csv { delimiter, null, quote, escape, force_quote, .. }, cell) => {
                if at > 0 {
                    out.push(*delimiter);
                }
                match cell {
                    None => out.extend_from_slice(null.as_bytes()),
                    Some(cell) => {
                        let special = |byte: &u8| [*delimiter, *quote, b'\n', b'\r'].contains(byte);
                        if force_quote.covers("x") || cell == null.as_bytes() || cell.iter().any(special) {
                            out.push(*quote);
                            for byte in cell {
                                if byte == quote || byte == escape {
                                    out.push(*escape);
                                }
                                out.push(*byte);
                            }
                            out.push(*quote);
                        } else {
                            out.extend_from_slice(cell);
                        }
                    }
                }
            }
            (CopyFormat::Unknown(_), _) => {}
        }
    }
    if *format != CopyFormat::Binary {
        out.push(b'\n');
    }
    out
}

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

fn forms() -> Vec<CopyFormat> {
    vec![
        text(b'\t', "\\N"),
        text(b'|', ""),
        csv("", b'"', b'"', ForceQuote::Columns(Vec::new())),
        csv("NULL", b'\'', b'\\', ForceQuote::Columns(Vec::new())),
        csv("\\N", b'"', b'"', ForceQuote::All),
        CopyFormat::Binary,
    ]
}

/// Bytes that mean something somewhere, and others.
fn cells() -> impl Strategy<Value = Option<Vec<u8>>> {
    let bytes = prop::sample::select(b"\t|,\"'\\\nNUL.x9\xc3".to_vec());
    prop::option::of(prop::collection::vec(bytes, 0..8))
}

proptest! {
    #[test]
    fn any_rows_in_any_form_cut_anywhere(
        rows in prop::collection::vec(prop::collection::vec(cells(), 3), 0..5),
        masks in prop::collection::vec(any::<bool>(), 3),
        form in 0..6_usize,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let form = &forms()[form];
        let mut sent: Vec<Vec<u8>> = rows.iter().map(|row| written(row, form)).collect();
        // What is not NULL and not masked stays; what is masked is one and the same.
        let masked = |row: &Row| -> Row {
            let cells = row.iter().zip(&masks);
            cells.map(|(cell, masked)| cell.clone().map(|cell| if *masked { REDACTED.into() } else { cell })).collect()
        };
        // A text that reads like NULL is NULL: the server's text form does not tell them apart.
        let ambiguous = |row: &Row| match form {
            CopyFormat::Text { null, .. } => row.iter().flatten().any(|cell| cell == null.as_bytes()),
            _ => false,
        };
        prop_assume!(!rows.iter().any(ambiguous));
        let mut expected: Vec<Vec<u8>> = rows.iter().map(|row| written(&masked(row), form)).collect();
        if *form == CopyFormat::Binary {
            for messages in [&mut sent, &mut expected] {
                messages.push((-1_i16).to_be_bytes().to_vec());
                messages[0].splice(..0, HEADER.iter().copied());
            }
        }
        let bytes = sent.concat();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let sight = |masked: &bool| if *masked { Sight::Nothing } else { Sight::Clear };
        let columns = masks.iter().map(|masked| column(sight(masked), TEXT, form)).collect();
        prop_assert_eq!(fed(columns, form, &pieces).unwrap(), expected);
    }

    #[test]
    fn no_bytes_at_all_panic_or_show_a_masked_cell(bytes in prop::collection::vec(any::<u8>(), 0..200), form in 0..6_usize) {
        let form = &forms()[form];
        let columns = vec![column(Sight::Nothing, TEXT, form), column(Sight::Nothing, INT4, form)];
        let _ = fed(columns, form, &[&bytes]);
    }
}

#[test]
fn a_cell_without_a_mask_in_its_type_is_null_in_every_form() {
    let row: Row = vec![Some(b"7".to_vec()), Some(b"8".to_vec())];
    for form in forms() {
        let mut sent = written(&row, &form);
        let mut expected = written(&vec![None, Some(b"8".to_vec())], &form);
        if form == CopyFormat::Binary {
            for bytes in [&mut sent, &mut expected] {
                bytes.splice(..0, HEADER.iter().copied());
            }
            sent.extend_from_slice(b"\xff\xff");
        }
        let columns = vec![column(Sight::Nothing, INT4, &form), column(Sight::Clear, INT4, &form)];
        assert_eq!(fed(columns, &form, &[&sent]).unwrap()[0], expected, "{form:?}");
    }
}

#[test]
fn partial_values_are_read_without_their_escapes() {
    let part = |form: CopyFormat, row: &[u8]| {
        fed(vec![column(Sight::Partial, TEXT, &form), column(Sight::Clear, TEXT, &form)], &form, &[row])
            .unwrap()
            .concat()
    };
    assert_eq!(part(text(b'-', "\\N"), b"512\\-44\\-9821-x\n"), b"***\\-**\\-9821-x\n");
    let form = csv("", b'"', b'"', ForceQuote::Columns(Vec::new()));
    assert_eq!(part(form, b"\"512\"\"44,9821\",x\n"), b"*******9821,x\n");
}

#[test]
fn a_marker_of_null_that_is_a_value_does_not_tell_it() {
    let form = text(b'\t', "512-44-9821");
    let shown = fed(vec![column(Sight::Nothing, TEXT, &form)], &form, &[b"512-44-9821\n512-44-9822\n"]).unwrap();
    assert_eq!(shown.concat(), b"[redacted]\n[redacted]\n");
}

#[test]
fn a_header_is_shown_and_is_no_row() {
    let form = CopyFormat::Text { delimiter: b'\t', null: "\\N".to_owned(), header: true };
    let mut masked = Masked::new(vec![column(Sight::Nothing, TEXT, &form)], &form).unwrap();
    let mut out = Vec::new();
    masked.feed(b"ssn\n512-44-9821\n", &mut Eyes { tokens: &TokenKey::new([7; 32]), sought: None }, &mut out).unwrap();
    assert_eq!(out, b"d\0\0\0\x08ssn\nd\0\0\0\x0f[redacted]\n");
    let shown = masked.take_shown();
    assert_eq!((shown.rows, shown.masked), (1, 1));
}

#[test]
fn rows_of_another_width_and_forms_that_are_not_what_they_should_be_end_it() {
    let two = |form: &CopyFormat| vec![column(Sight::Nothing, TEXT, form), column(Sight::Clear, TEXT, form)];
    let form = text(b'\t', "\\N");
    for bad in [&b"a\n"[..], b"a\tb\tc\n", b"a\tb", b"a\tb\\\n"] {
        assert!(fed(two(&form), &form, &[bad]).is_err(), "{bad:?}");
    }
    let form = CopyFormat::Binary;
    let row = |count: i16| [HEADER, &count.to_be_bytes(), &[0; 8]].concat();
    for bad in [
        row(1),
        row(3),
        row(-2),
        row(2),
        HEADER.to_vec(),
        [&row(2)[..], b"\xff\xffx"].concat(),
        [b"PGCOPY\n\xff\r\n\0\0\x01\0\0\0\0\0\0", &row(2)[19..], b"\xff\xff"].concat(),
        [HEADER, b"\0\x02\xff\xff\xff\xfe"].concat(),
    ] {
        assert!(fed(two(&form), &form, &[&bad]).is_err(), "{bad:?}");
    }
    assert_eq!(fed(two(&form), &form, &[&[&row(2)[..], b"\xff\xff"].concat()]).unwrap().len(), 2);
}

#[test]
fn long_cells_take_no_memory_and_are_dropped_or_passed_on() {
    for form in [text(b'\t', "\\N"), csv("", b'"', b'"', ForceQuote::Columns(Vec::new())), CopyFormat::Binary] {
        let columns = vec![column(Sight::Partial, TEXT, &form), column(Sight::Clear, TEXT, &form)];
        let mut masked = Masked::new(columns, &form).unwrap();
        let key = TokenKey::new([7; 32]);
        let (mut out, mut shown) = (Vec::new(), 0);
        let mut feed = |masked: &mut Masked, bytes: &[u8]| {
            masked.feed(bytes, &mut Eyes { tokens: &key, sought: None }, &mut out).unwrap();
            shown += out.len();
            assert!(
                masked.rows.out.len() <= PIECE_BYTES_MAX + 65_536 && masked.rows.cell.capacity() <= 2 * CELL_BYTES_MAX
            );
            out.clear();
        };
        let (long, binary) = (16 * 1024 * 1024_usize, form == CopyFormat::Binary);
        let length = i32::try_from(long).unwrap().to_be_bytes();
        if binary {
            feed(&mut masked, &[HEADER, b"\0\x02", &length].concat());
        }
        let piece = vec![b'4'; 65_536];
        (0..long / piece.len()).for_each(|_| feed(&mut masked, &piece));
        match &form {
            CopyFormat::Binary => feed(&mut masked, &length),
            CopyFormat::Csv { .. } => feed(&mut masked, b","),
            _ => feed(&mut masked, b"\t"),
        }
        (0..long / piece.len()).for_each(|_| feed(&mut masked, &piece));
        feed(&mut masked, if binary { b"\xff\xff" } else { b"\n" });
        masked.end().unwrap();
        assert!((long..long + 200).contains(&shown), "{shown}");
    }
}

#[test]
fn that_something_computed_is_missing_is_hidden() {
    let row: Row = vec![None, None];
    for (format, shown) in [
        (text(b'\t', "\\N"), b"[redacted]\t\\N\n".to_vec()),
        (csv("", b'"', b'"', ForceQuote::Columns(Vec::new())), b"[redacted],\n".to_vec()),
    ] {
        let mut columns = vec![column(Sight::Nothing, TEXT, &format), column(Sight::Nothing, TEXT, &format)];
        columns[0].field = FieldPlan::new(Sight::Nothing, None);
        assert_eq!(fed(columns, &format, &[&written(&row, &format)]).unwrap(), [shown], "{format:?}");
    }
    let format = CopyFormat::Binary;
    let mut columns = vec![column(Sight::Nothing, TEXT, &format), column(Sight::Nothing, TEXT, &format)];
    columns[0].field = FieldPlan::new(Sight::Nothing, None);
    let bytes = [HEADER, &written(&row, &format), &(-1_i16).to_be_bytes()].concat();
    let shown = fed(columns, &format, &[&bytes]).unwrap().concat();
    let redacted: Row = vec![Some(b"[redacted]".to_vec()), None];
    assert_eq!(shown, [HEADER, &written(&redacted, &format), &(-1_i16).to_be_bytes()].concat());
}
