use model::{ClassId, Part as Table, Sight, Value};
use proptest::prelude::*;
use sql_postgres::ForceQuote;

use super::super::binary::SIGNATURE;
use super::*;

fn field() -> Field {
    let part = Table { kind: "Table", name: "public.customers".into(), attrs: Vec::new() };
    Field { part, name: "ssn".into(), class: ClassId::parse("pii").unwrap(), sealed: false }
}

fn text() -> CopyFormat {
    CopyFormat::Text { delimiter: b'\t', null: "\\N".into(), header: false }
}

fn csv(delimiter: u8, quote: u8, escape: u8) -> CopyFormat {
    let force_quote = ForceQuote::Columns(Vec::new());
    CopyFormat::Csv { delimiter, null: String::new(), header: false, quote, escape, force_quote }
}

/// Of three columns the second is classified. Whether a mask is found in these pieces.
fn found(format: &CopyFormat, pieces: &[&[u8]]) -> bool {
    match fed(format, vec![None, Some(watched(format)), None], pieces) {
        Ok(sent) => {
            assert_eq!(sent, pieces.concat());
            false
        }
        Err(Stopped::Mask(of)) => of == field(),
        Err(other) => panic!("{other:?}"),
    }
}

fn watched(format: &CopyFormat) -> Guarded {
    Guarded { field: field(), wire: CellType::of(25, *format == CopyFormat::Binary), lowered: None }
}

fn key() -> TokenKey {
    TokenKey::new([5; 32])
}

/// No column is looked at.
fn none(key: &TokenKey) -> Keeper<'_> {
    Keeper { key, refuses: &|_, _| panic!("no column is looked at") }
}

/// What goes to the target of these pieces.
fn fed(format: &CopyFormat, columns: Vec<Option<Guarded>>, pieces: &[&[u8]]) -> Result<Vec<u8>, Stopped> {
    let columns = columns.into_iter().map(|column| column.map(Into::Guarded)).collect();
    fed_to(format, columns, pieces, &none(&key()))
}

fn fed_to(
    format: &CopyFormat,
    columns: Vec<Option<Into>>,
    pieces: &[&[u8]],
    keeper: &Keeper<'_>,
) -> Result<Vec<u8>, Stopped> {
    let (mut arriving, mut out) = (Arriving::new(columns, format).unwrap(), Vec::new());
    pieces.iter().try_for_each(|piece| arriving.feed(piece, keeper, &mut out))?;
    arriving.end(keeper, &mut out)?;
    Ok(out)
}

fn binary(rows: &[[Option<&[u8]>; 3]]) -> Vec<u8> {
    let mut out = [SIGNATURE, &[0; 8]].concat();
    for row in rows {
        out.extend(3_i16.to_be_bytes());
        for cell in row {
            out.extend(cell.map_or(-1, |cell| i32::try_from(cell.len()).unwrap()).to_be_bytes());
            out.extend(cell.unwrap_or_default());
        }
    }
    out.extend((-1_i16).to_be_bytes());
    out
}

/// Data, and whether there is a mask in the second column.
fn cases() -> Vec<(CopyFormat, Vec<u8>, bool)> {
    let other = csv(b';', b'\'', b'\\');
    let lines: [(CopyFormat, &[u8], bool); 24] = [
        (text(), b"1\t512-44-9821\t[redacted]\n", false),
        (text(), b"1\t[redacted]\tx\n", true),
        (text(), b"[redacted]\t1\tx\n2\ttok_abcdefghijklmnop\tx\n", true),
        (text(), b"1\ttok_abcdefghijklmnopq\tx\n", false),
        (text(), b"1\ttok_abcdefghijklmnop", true),
        (text(), b"1\t\\x5bred\\141cted\\]\tx\n", true),
        (text(), b"1\t\\52\\x2a*\tx\n", true),
        (text(), b"\\\t\t[redacted]\tx\n", true),
        (text(), b"\\\n[redacted]\tx\ty\n", false),
        (text(), b"\\\n\t\\\n[redacted]\ty\n", true),
        (text(), b"1\tx\t\r2\t[redacted]\ty\r", true),
        (text(), b"1\tx\t\r\n2\t[redacted]\r\n", true),
        (text(), b"1\tx\t[redacted]\r\n[redacted]\tx\t[redacted]\r\n", false),
        (text(), b"\\.\n1\t***\n", true),
        (csv(b',', b'"', b'"'), b"1,\"[red\"acted\"]\",x\n", true),
        (csv(b',', b'"', b'"'), b"1,[\"red\"acted],x\n", true),
        (csv(b',', b'"', b'"'), b"\"1,\n[redacted],\",a,\"[redacted]\"\n", false),
        (csv(b',', b'"', b'"'), b"\"1\"\",\",[redacted],x\n", true),
        (csv(b',', b'"', b'"'), b"1,\"x\ry\",z\r2,\"*\"*\"*\",z\r", true),
        (csv(b',', b'"', b'"'), b"1,\"*\"\"**\",x\n", false),
        (other.clone(), b"1;'\\'[redacted]';x\n", true),
        (other.clone(), b"'1;\\';';[redacted];x\n", true),
        (other.clone(), b"1;'*\\**\\'';[redacted]\n", false),
        (other, b"1;'*\\\\';'[redacted]'\n", false),
    ];
    let mut cases: Vec<_> = lines.into_iter().map(|(form, data, is)| (form, data.to_vec(), is)).collect();
    for (row, is) in [
        ([Some(&b"[redacted]"[..]), Some(b"1"), Some(b"[redacted]")], false),
        ([None, Some(b"[redacted]"), None], true),
        ([Some(b""), Some(b"\x01{\"a\": \"j***@e***.com\"}"), None], true),
        ([Some(b"x"), Some(b"tok_abcdefghijklmnop"), None], true),
        ([Some(b"tok_"), Some(b"abcdefghijklmnop"), Some(b"***")], false),
    ] {
        cases.push((CopyFormat::Binary, binary(&[[Some(b"a"), None, Some(b"***")], row]), is));
    }
    cases
}

#[test]
fn masks_are_found_in_their_column_however_they_are_written_and_cut() {
    for (format, data, is) in cases() {
        let shown = String::from_utf8_lossy(&data).into_owned();
        assert_eq!(found(&format, &[&data]), is, "{shown}");
        for at in 0..=data.len() {
            assert_eq!(found(&format, &[&data[..at], &data[at..]]), is, "{shown} cut at {at}");
        }
        let bytes: Vec<&[u8]> = data.chunks(1).collect();
        assert_eq!(found(&format, &bytes), is, "{shown} byte by byte");
    }
}

#[test]
fn bytes_of_other_types_are_no_masks_in_binary() {
    for (oid, value, is) in [
        (23, &b"****"[..], false),
        (2950, b"ab***defghijklmn", false),
        (17, b"\xff***", false),
        (17, b"[redacted]", true),
        (0, b"\xff***", false),
        (0, b"a ***", true),
    ] {
        let data = binary(&[[None, Some(value), None]]);
        let column = Some(Guarded { wire: CellType::of(oid, true), ..watched(&CopyFormat::Binary) });
        for pieces in [vec![data.as_slice()], data.chunks(1).collect()] {
            let fed = fed(&CopyFormat::Binary, vec![None, column.clone(), None], &pieces);
            assert_eq!(fed.is_err(), is, "{oid} {value:?}");
        }
    }
}

#[test]
fn no_cell_is_held_that_goes_as_it_is() {
    for format in [text(), csv(b',', b'"', b'"')] {
        let mut arriving = Arriving::new(vec![Some(Into::Guarded(watched(&format)))], &format).unwrap();
        let (piece, mut out) = (vec![b'4'; 65_536], Vec::new());
        for _ in 0..256 {
            arriving.feed(&piece, &none(&key()), &mut out).unwrap();
            out.clear();
        }
        assert!(arriving.cells.value.capacity() <= 2 * piece.len() && arriving.cells.held.is_empty());
        assert!(arriving.feed(b"***", &none(&key()), &mut out).is_err());
    }
}

#[test]
fn a_binary_copy_with_another_header_is_not_read() {
    for header in [b"PGCOPY\n\xff\r\n\x01\0\0\0\0\0\0\0\0", b"PGCOPY\n\xff\r\n\0\0\x01\0\0\0\0\0\0"] {
        let fed = fed(&CopyFormat::Binary, vec![Some(watched(&CopyFormat::Binary))], &[header]);
        assert!(matches!(fed, Err(Stopped::Malformed(_))));
    }
}

/// The token of a text.
fn token(text: &str) -> String {
    match key().token(&field().class, &Value::Text(text.into())) {
        Some(Value::Text(token)) => token.into_owned(),
        other => panic!("{other:?}"),
    }
}

fn lowers(to: OnWrite, binary: bool) -> Vec<Option<Guarded>> {
    vec![None, Some(Guarded { field: field(), wire: CellType::of(25, binary), lowered: Some(to) }), None]
}

#[test]
fn values_give_way_to_what_is_stored_in_their_place() {
    let (one, two) = (token("512-44-9821"), token("5\t1\"2"));
    let header = CopyFormat::Text { delimiter: b'|', null: "none".into(), header: true };
    for (format, data, stored) in [
        (text(), "1\t512-44-9821\tx\n2\t\\N\ty\n".to_owned(), format!("1\t{one}\tx\n2\t\\N\ty\n")),
        (text(), "1\t5\\t1\\x222\tx\n".to_owned(), format!("1\t{two}\tx\n")),
        (text(), "1\t512-44-9821\tx\r\n2\t\\N\ty\r\n".to_owned(), format!("1\t{one}\tx\r\n2\t\\N\ty\r\n")),
        (text(), "1\t512-44-9821\tx\r2\t512-44-9821\tx".to_owned(), format!("1\t{one}\tx\r2\t{one}\tx")),
        (text(), "1\t512-44-9821".to_owned(), format!("1\t{one}")),
        (text(), "1\t512-44-9821\tx\n\\.\n".to_owned(), format!("1\t{one}\tx\n\\.\n")),
        (header, "a|b|c\n1|512-44-9821|x\n2|none|x\n".to_owned(), format!("a|b|c\n1|{one}|x\n2|none|x\n")),
        (
            csv(b',', b'"', b'"'),
            "\"a,\n\",512-44-9821,x\n2,,y\n3,\"5\t1\"\"2\",z\n".to_owned(),
            format!("\"a,\n\",\"{one}\",x\n2,,y\n3,\"{two}\",z\n"),
        ),
    ] {
        for at in 0..=data.len() {
            let (first, second) = data.as_bytes().split_at(at);
            let sent = fed(&format, lowers(OnWrite::Token, false), &[first, second]).unwrap();
            assert_eq!(String::from_utf8(sent).unwrap(), stored, "{data} cut at {at}");
        }
    }
    let data = binary(&[[Some(b"1"), Some(b"512-44-9821"), None], [None, None, Some(b"x")]]);
    let stored = binary(&[[Some(b"1"), Some(one.as_bytes()), None], [None, None, Some(b"x")]]);
    let bytes: Vec<&[u8]> = data.chunks(1).collect();
    for pieces in [bytes.as_slice(), &[&data]] {
        assert_eq!(fed(&CopyFormat::Binary, lowers(OnWrite::Token, true), pieces).unwrap(), stored);
    }
}

#[test]
fn quotes_that_are_not_closed_are_not_closed_here() {
    let other = csv(b',', b'"', b'\\');
    for (form, data, fails) in [
        (csv(b',', b'"', b'"'), "1,\"512-44-98", true),
        (csv(b',', b'"', b'"'), "1,\"512-44-98\"", false),
        (csv(b',', b'"', b'"'), "1,\"512-44-98\"\"", true),
        (csv(b',', b'"', b'"'), "1,512,\"44-98", false),
        (other.clone(), "1,\"512\\\"", true),
        (other, "1,\"512\"", false),
    ] {
        let pieces: Vec<&[u8]> = data.as_bytes().chunks(1).collect();
        for pieces in [pieces.as_slice(), &[data.as_bytes()]] {
            let sent = fed(&form, lowers(OnWrite::Token, false), pieces);
            assert_eq!(matches!(sent, Err(Stopped::Malformed(_))), fails, "{data}");
        }
    }
}

#[test]
fn the_first_of_columns_is_replaced_in_lines_that_are_values_alone() {
    let column = Some(Guarded { lowered: Some(OnWrite::Token), ..watched(&text()) });
    let (one, none) = (token("1"), token(""));
    for (data, stored) in [
        ("1\r\n1\r\n", format!("{one}\r\n{one}\r\n")),
        ("1\n\n", format!("{one}\n{none}\n")),
        ("1\n\\.\n", format!("{one}\n\\.\n")),
        ("1\n\\.x\n", format!("{one}\n{}\n", token(".x"))),
    ] {
        let bytes: Vec<&[u8]> = data.as_bytes().chunks(1).collect();
        let sent = fed(&text(), vec![column.clone()], &bytes).unwrap();
        assert_eq!(String::from_utf8(sent).unwrap(), stored, "{data:?}");
    }
}

#[test]
fn what_can_not_be_replaced_is_not_sent() {
    let stopped = |to, type_oid, format: &CopyFormat, data: &[u8]| {
        let wire = CellType::of(type_oid, *format == CopyFormat::Binary);
        fed(format, vec![None, Some(Guarded { field: field(), wire, lowered: Some(to) }), None], &[data]).unwrap_err()
    };
    let long = [b"1\t".to_vec(), vec![b'x'; CELL_BYTES_MAX + 1]].concat();
    let none = Stopped::NotLowered(field(), OnWrite::Partial);
    assert_eq!(stopped(OnWrite::Partial, 25, &text(), b"1\tabc\tx\n"), none, "too short for a part");
    assert_eq!(stopped(OnWrite::Partial, 23, &text(), b"1\t512\tx\n"), none, "a number has no part of this class");
    assert_eq!(stopped(OnWrite::Partial, 3802, &text(), b"1\t\"abcdef\"\tx\n"), none, "a document");
    assert_eq!(stopped(OnWrite::Partial, 16_500, &text(), b"1\tabcdef\tx\n"), none, "a type of users'");
    assert_eq!(stopped(OnWrite::Partial, 0, &text(), b"1\tabcdef\tx\n"), none, "no type");
    assert_eq!(stopped(OnWrite::Partial, 25, &text(), &long), none, "too long");
    let of_token = Stopped::NotLowered(field(), OnWrite::Token);
    assert_eq!(stopped(OnWrite::Token, 16, &text(), b"1\tt\tx\n"), of_token, "true or false");
    assert_eq!(stopped(OnWrite::Token, 25, &text(), b"1\t\xff\tx\n"), of_token, "no text");
    assert_eq!(stopped(OnWrite::Token, 25, &text(), b"1\t\\x5bredacted]\tx\n"), Stopped::Mask(field()));
    let data = binary(&[[None, Some(b"tok_abcdefghijklmnop"), None]]);
    assert_eq!(stopped(OnWrite::Token, 25, &CopyFormat::Binary, &data), Stopped::Mask(field()));
    assert_eq!(FieldPlan::new(OnWrite::Partial.sight(), Some(field().class)).sight, Sight::Partial);
}

#[test]
fn a_text_in_another_encoding_has_no_token_unless_it_is_ascii() {
    let lowered = |wire| Some(Guarded { field: field(), wire, lowered: Some(OnWrite::Token) });
    for (format, oid, data, is) in [
        (text(), 25, b"512-44-9821\n".to_vec(), true),
        (text(), 25, "\u{e9}512\n".as_bytes().to_vec(), false),
        (text(), 25, b"\\xc3\\xa9\n".to_vec(), false),
        (CopyFormat::Binary, 2950, [SIGNATURE, &[0; 8], b"\0\x01\0\0\0\x10", &[0xc3; 16]].concat(), true),
    ] {
        let wire = CellType::of(oid, format == CopyFormat::Binary);
        for utf8 in [true, false] {
            let mut arriving = Arriving::new(vec![lowered(wire).map(Into::Guarded)], &format).unwrap();
            if !utf8 {
                arriving = arriving.in_another_encoding();
            }
            let fed = arriving.feed(&data, &none(&key()), &mut Vec::new());
            assert_eq!(fed.is_ok(), utf8 || is, "{data:?}");
        }
    }
}

proptest! {
    /// Every cut says the same, and every value that is written as the server writes it says what it is.
    #[test]
    fn any_value_cut_anywhere(
        value in "([a-z\\\\[\\\\]*\t\n\r\\\\\\\\,\"';.]|\\\\[redacted\\\\]|\\\\*\\\\*\\\\*|tok_[a-z]{16}){0,8}",
        form in 0..4_usize,
        cut in any::<prop::sample::Index>(),
    ) {
        let mut data = Vec::new();
        let format = match form {
            0 => {
                super::super::lines::escape_text(value.as_bytes(), b'\t', &mut data);
                data = [b"1\t", data.as_slice(), b"\t***\n"].concat();
                text()
            }
            1 => {
                super::super::lines::write_csv(value.as_bytes(), true, b'"', b'"', &mut data);
                data = [b"1,", data.as_slice(), b",***\n"].concat();
                csv(b',', b'"', b'"')
            }
            2 => {
                super::super::lines::write_csv(value.as_bytes(), true, b'\'', b'\\', &mut data);
                data = [b"1;", data.as_slice(), b";***\n"].concat();
                csv(b';', b'\'', b'\\')
            }
            _ => {
                data = binary(&[[Some(b"***"), Some(value.as_bytes()), Some(b"***")]]);
                CopyFormat::Binary
            }
        };
        let (one, two) = data.split_at(cut.index(data.len() + 1));
        prop_assert_eq!(found(&format, &[one, two]), redact::is_mask(value.as_bytes()), "{}", value);
    }

    #[test]
    fn no_bytes_at_all_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), form in 0..3_usize) {
        let format = vec![text(), csv(b',', b'"', b'"'), CopyFormat::Binary].swap_remove(form);
        for lowered in [None, Some(OnWrite::Token)] {
            let _ = fed(&format, vec![Some(Guarded { lowered, ..watched(&format) }), None], &[&bytes]);
        }
    }
}

/// Of three columns the last two are looked at. What was found in them, with the place of the column.
fn looked_at(format: &CopyFormat, pieces: &[&[u8]]) -> (Vec<String>, Result<Vec<u8>, Stopped>) {
    let binary = *format == CopyFormat::Binary;
    let into = |column: &str, type_oid| {
        let part = Table { kind: "Table", name: "public.notes".into(), attrs: Vec::new() };
        let plain = PlainInto { part, column: column.to_owned(), type_oid };
        Some(Into::Looked(vec![(plain, CellType::of(type_oid, binary))]))
    };
    let seen = std::cell::RefCell::new(Vec::new());
    let refuses = |into: &PlainInto, said: Said<'_>| {
        let Said::Bytes(value) = said else {
            return Some(Declined { message: "unread".into(), detail: None, hint: None });
        };
        seen.borrow_mut().push(format!("{}={}", into.column, String::from_utf8_lossy(value)));
        let message = format!("not in {}", into.column);
        value.starts_with(b"no").then_some(Declined { message, detail: None, hint: None })
    };
    let columns = vec![None, into("body", 25), into("amount", 1700)];
    let fed = fed_to(format, columns, pieces, &Keeper { key: &key(), refuses: &refuses });
    (seen.into_inner(), fed)
}

#[test]
fn what_may_not_be_stored_is_looked_for_in_what_a_cell_says() {
    let quoted = csv(b',', b'"', b'"');
    let numeric = [0, 1, 0, 0, 0, 0, 0, 0, 0, 7];
    let rows = binary(&[[Some(b"1"), Some(br"a\b"), Some(&numeric)]]);
    for (format, data, expected) in [
        (text(), b"1\ta\\\\b\\x21\t7\n2\tx\t8".to_vec(), ["body=a\\b!", "amount=7", "body=x", "amount=8"].as_slice()),
        (quoted, b"1,\"a,\"\"\n\",7\n".to_vec(), &["body=a,\"\n", "amount=7"]),
        (CopyFormat::Binary, rows, &["body=a\\b", "amount=7"]),
    ] {
        for cut in 0..data.len() {
            let (first, second) = data.split_at(cut);
            let (seen, sent) = looked_at(&format, &[first, second]);
            assert_eq!(
                (seen.as_slice(), sent.unwrap()),
                (&expected.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..], data.clone()),
                "{cut}"
            );
        }
    }
    let (_, refused) = looked_at(&text(), &[b"1\tyes\t7\n2\tno", b"body\t8\n"]);
    assert!(matches!(&refused, Err(Stopped::Refused(why)) if why.message == "not in body"), "{refused:?}");
}

#[test]
fn what_is_too_long_to_be_looked_at_does_not_go() {
    let long = [b"1\t".as_slice(), &vec![b'x'; CELL_BYTES_MAX], b"\t7\n"].concat();
    assert!(looked_at(&text(), &[&long]).1.is_ok());
    let longer = [b"1\t".as_slice(), &vec![b'x'; CELL_BYTES_MAX + 1], b"\t7\n"].concat();
    let stopped = looked_at(&text(), &[&longer]).1;
    assert!(matches!(&stopped, Err(Stopped::Long(into)) if into.column == "body"), "{stopped:?}");
}

#[test]
fn one_column_of_several_tables_is_read_as_that_of_each() {
    let part = Table { kind: "Table", name: "public.notes".into(), attrs: Vec::new() };
    let into = |type_oid| {
        let plain = PlainInto { part: part.clone(), column: "b".to_owned(), type_oid };
        (plain, CellType::of(type_oid, false))
    };
    let seen = std::cell::RefCell::new(Vec::new());
    let refuses = |into: &PlainInto, said: Said<'_>| {
        seen.borrow_mut().push((into.type_oid, format!("{said:?}")));
        None
    };
    let columns = vec![Some(Into::Looked(vec![into(25), into(17)]))];
    fed_to(&text(), columns, &[br"\\x4142"], &Keeper { key: &key(), refuses: &refuses }).unwrap();
    assert!(seen.into_inner().contains(&(17, format!("{:?}", Said::Bytes(b"AB")))));
}

#[test]
fn an_end_of_the_data_within_a_line_is_no_row() {
    for data in [&b"1\tx\t7\\.\n"[..], b"1\t\\.\n", b"1\tx\t7\\.", b"1\tx\t7\\.\r\n"] {
        for cut in 0..data.len() {
            let (first, second) = data.split_at(cut);
            let stopped = looked_at(&text(), &[first, second]).1;
            assert!(matches!(&stopped, Err(Stopped::Malformed(_))), "{data:?} {cut} {stopped:?}");
        }
    }
    // Of its own it ends them; and what only looks like it is a value.
    for data in [&b"1\tx\t7\n\\.\n"[..], b"1\tx\\\\.\t7\n", b"1\tx\\.y\t7\n", b"1\tx.\t7\n", b"1\tx\\.\t7\n"] {
        assert!(looked_at(&text(), &[data]).1.is_ok(), "{data:?}");
    }
}

#[test]
fn lines_that_end_everywhere_take_no_more_time() {
    // Were each of them looked for to the end, this would not end today.
    let data = b"\r".repeat(16 * 1024 * 1024);
    assert!(looked_at(&text(), &[&data]).1.is_ok());
}
