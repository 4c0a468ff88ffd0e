//! Rows of COPY … FROM STDIN on their way into classified columns: text, csv and binary. Masks that come back are found, and
//! values that are stored as less than they are give way to their part or token.
//!
//! Pure, and in bounded memory: data come in pieces that are cut anywhere, and no cell is held but one that is replaced. What the
//! server would fail need not be told from what it takes, as long as it can't store a cell that was taken for another one's.

mod binary;

use binary::Binary;
use model::{Field, OnWrite};
use redact::{CELL_BYTES_MAX, FieldPlan, TokenKey, lower};
use sql_postgres::CopyFormat;

use super::lines::{Decoder, Lines, Next, Syntax, decoded, escape_text, write_csv};
use crate::cells::{CellType, MaskSearch, Masks, PostgresCells, holds_mask, is_of_encoding};
use crate::wire::Malformed;

/// Rows that are looked through.
#[derive(Debug)]
pub struct Arriving {
    form: Form,
    cells: Cells,
}

/// A column of the rows that goes into a classified one.
#[derive(Clone, Debug)]
pub struct Guarded {
    /// Where it goes.
    pub field: Field,
    /// How its values are written.
    pub wire: CellType,
    /// What is stored in their place, if not they themselves.
    pub lowered: Option<OnWrite>,
}

/// Why rows can't go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// What is to be stored in this field is what Weir shows in the place of a value.
    Mask(Field),
    /// What is to be stored in this field has no part or token.
    NotLowered(Field, OnWrite),
    /// They can't be read.
    Malformed(Malformed),
}

#[derive(Debug)]
enum Form {
    Lines(Box<Text>),
    Binary(Binary),
}

/// Text and csv.
#[derive(Debug)]
struct Text {
    lines: Lines,
    decoder: Decoder,
    null: Vec<u8>,
    /// The line that is read names the columns.
    in_header: bool,
    /// Something of the line has been read.
    in_line: bool,
    /// The last line ended with a carriage return: a newline may belong to that.
    after_return: bool,
}

impl Arriving {
    /// Rows of this form, whose columns go there. None if the form is not known.
    pub fn new(columns: Vec<Option<Guarded>>, format: &CopyFormat) -> Option<Self> {
        let form = match format {
            CopyFormat::Binary => Form::Binary(Binary::default()),
            CopyFormat::Unknown(_) => return None,
            CopyFormat::Text { null, header, .. } | CopyFormat::Csv { null, header, .. } => {
                let lines = Lines::new(format, true)?;
                let (decoder, null, in_header) = (Decoder::new(lines.syntax), null.as_bytes().to_vec(), *header);
                Form::Lines(Box::new(Text { lines, decoder, null, in_header, in_line: false, after_return: false }))
            }
        };
        let lowers = columns.iter().flatten().any(|column| column.lowered.is_some());
        let (value, held, out) = (Vec::new(), Vec::new(), Vec::new());
        Some(Self { form, cells: Cells { columns, at: 0, search: None, value, held, out, lowers, utf8: true } })
    }

    /// The same, of which the target makes other texts than Weir unless they are ASCII: no token of such a one is that of the text.
    pub fn in_another_encoding(mut self) -> Self {
        self.cells.utf8 = false;
        self
    }

    /// Takes more of the data, and appends what of it goes to the target.
    pub fn feed(&mut self, bytes: &[u8], key: &TokenKey, out: &mut Vec<u8>) -> Result<(), Stopped> {
        match &mut self.form {
            Form::Lines(text) => text.feed(&mut self.cells, bytes, key)?,
            Form::Binary(binary) => binary.feed(&mut self.cells, bytes, key)?,
        }
        match self.cells.lowers {
            true => out.append(&mut self.cells.out),
            false => out.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// The data are over: the last line need not be ended. Appends what of it is left to go.
    pub fn end(&mut self, key: &TokenKey, out: &mut Vec<u8>) -> Result<(), Stopped> {
        if let Form::Lines(text) = &mut self.form
            && text.in_line
        {
            // The server takes no value whose quotes are not closed. Written anew it would be one.
            if text.lines.ends_within_quotes() && self.cells.is_lowered() {
                return Err(Stopped::Malformed(Malformed::new("copy data that end within quotes")));
            }
            text.end_cell(&mut self.cells, true, key)?;
        }
        // What is cut off of the binary form the server does not take.
        out.append(&mut self.cells.out);
        Ok(())
    }
}

/// The cell that is being read, and where it goes.
#[derive(Debug)]
struct Cells {
    columns: Vec<Option<Guarded>>,
    at: usize,
    /// Looks through the cell, once some of it has come.
    search: Option<MaskSearch>,
    /// What the piece that was read last says.
    value: Vec<u8>,
    /// What has come of a cell that is replaced.
    held: Vec<u8>,
    /// What goes to the target, if any column is replaced.
    out: Vec<u8>,
    lowers: bool,
    /// Texts are UTF-8.
    utf8: bool,
}

impl Cells {
    /// The cell's column, if it is a classified one. What is behind the last column the server does not take.
    fn column(&self) -> Option<&Guarded> {
        self.columns.get(self.at)?.as_ref()
    }

    /// What is stored in the place of the cell, if not it itself.
    fn lowered(&self) -> Option<(Field, OnWrite, CellType)> {
        let Guarded { field, wire, lowered } = self.column()?;
        lowered.map(|to| (field.clone(), to, *wire))
    }

    /// Whether the cell is replaced.
    fn is_lowered(&self) -> bool {
        self.column().is_some_and(|column| column.lowered.is_some())
    }

    /// These bytes go to the target.
    fn pass(&mut self, bytes: &[u8]) {
        if self.lowers {
            self.out.extend_from_slice(bytes);
        }
    }

    /// Keeps more of a cell that is replaced.
    fn hold(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        if self.held.len().saturating_add(bytes.len()) > CELL_BYTES_MAX
            && let Some((field, to, _)) = self.lowered()
        {
            return Err(Stopped::NotLowered(field, to));
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    /// What is stored in the place of a value.
    fn lower(&self, value: &[u8], key: &TokenKey) -> Result<Vec<u8>, Stopped> {
        let Some((field, to, wire)) = self.lowered() else { return Ok(value.to_vec()) };
        if holds_mask(Masks::of(wire), value) {
            return Err(Stopped::Mask(field));
        }
        if !self.utf8 && !value.is_ascii() && is_of_encoding(wire) {
            return Err(Stopped::NotLowered(field, to));
        }
        let mut less = Vec::new();
        let plan = FieldPlan::new(to.sight(), Some(field.class.clone()));
        match lower(&PostgresCells, wire, value, &plan, key, &mut less) {
            true => Ok(less),
            false => Err(Stopped::NotLowered(field, to)),
        }
    }

    /// More of the cell's value, if it is not replaced.
    fn part(&mut self, value: &[u8]) -> Result<(), Stopped> {
        let Some(Some(column)) = self.columns.get(self.at) else { return Ok(()) };
        match self.search.get_or_insert_with(|| MaskSearch::new(Masks::of(column.wire))).feed(value) {
            true => Err(Stopped::Mask(column.field.clone())),
            false => Ok(()),
        }
    }

    /// The cell is over.
    fn end(&mut self) -> Result<(), Stopped> {
        match (self.search.take(), self.column()) {
            (Some(search), Some(column)) if search.end() => Err(Stopped::Mask(column.field.clone())),
            _ => Ok(()),
        }
    }

    fn decode(&mut self, decode: impl FnOnce(&mut Vec<u8>)) -> Result<(), Stopped> {
        if self.column().is_none() {
            return Ok(());
        }
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        decode(&mut value);
        let taken = self.part(&value);
        self.value = value;
        taken
    }
}

impl Text {
    /// Lines end at every newline and carriage return that is not a part of a value: the server settles on one of the ways to end a
    /// line, and fails the copy at another.
    fn feed(&mut self, cells: &mut Cells, bytes: &[u8], key: &TokenKey) -> Result<(), Stopped> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_return) && rest.first() == Some(&b'\n') {
                cells.pass(b"\n");
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            self.in_line = true;
            match self.lines.scan(rest) {
                Next::None => return self.part(cells, rest),
                Next::End { at, line } => {
                    let (cell, behind) = rest.split_at(at.min(rest.len()));
                    let (end, later) = behind.split_at(1.min(behind.len()));
                    self.part(cells, cell)?;
                    self.end_cell(cells, line, key)?;
                    cells.pass(end);
                    cells.at = cells.at.saturating_add(1);
                    if line {
                        cells.at = 0;
                        (self.in_line, self.in_header, self.after_return) = (false, false, end == b"\r");
                    }
                    rest = later;
                }
            }
        }
        Ok(())
    }

    /// More of a cell, as it is written.
    fn part(&mut self, cells: &mut Cells, raw: &[u8]) -> Result<(), Stopped> {
        if cells.is_lowered() && !self.in_header {
            return cells.hold(raw);
        }
        cells.pass(raw);
        cells.decode(|value| self.decoder.feed(raw, value))
    }

    fn end_cell(&mut self, cells: &mut Cells, line: bool, key: &TokenKey) -> Result<(), Stopped> {
        if !cells.is_lowered() || self.in_header {
            cells.decode(|value| self.decoder.end(value))?;
            return cells.end();
        }
        let raw = std::mem::take(&mut cells.held);
        // The end of the data, as old clients write it, is no value.
        let ends_data = cells.at == 0 && line && raw == b"\\.";
        if raw == self.null || ends_data {
            cells.pass(&raw);
            return Ok(());
        }
        let less = cells.lower(&decoded(&raw, self.lines.syntax), key)?;
        let mut written = Vec::new();
        match self.lines.syntax {
            Syntax::Text => escape_text(&less, self.lines.delimiter, &mut written),
            Syntax::Csv { quote, escape } => write_csv(&less, true, quote, escape, &mut written),
        }
        // A marker of NULL that looks like what is stored.
        if written == self.null
            && let Some((field, to, _)) = cells.lowered()
        {
            return Err(Stopped::NotLowered(field, to));
        }
        cells.pass(&written);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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

    /// What goes to the target of these pieces.
    fn fed(format: &CopyFormat, columns: Vec<Option<Guarded>>, pieces: &[&[u8]]) -> Result<Vec<u8>, Stopped> {
        let (mut arriving, mut out) = (Arriving::new(columns, format).unwrap(), Vec::new());
        pieces.iter().try_for_each(|piece| arriving.feed(piece, &key(), &mut out))?;
        arriving.end(&key(), &mut out)?;
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
            let mut arriving = Arriving::new(vec![Some(watched(&format))], &format).unwrap();
            let (piece, mut out) = (vec![b'4'; 65_536], Vec::new());
            for _ in 0..256 {
                arriving.feed(&piece, &key(), &mut out).unwrap();
                out.clear();
            }
            assert!(arriving.cells.value.capacity() <= 2 * piece.len() && arriving.cells.held.is_empty());
            assert!(arriving.feed(b"***", &key(), &mut out).is_err());
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
            fed(format, vec![None, Some(Guarded { field: field(), wire, lowered: Some(to) }), None], &[data])
                .unwrap_err()
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
                let mut arriving = Arriving::new(vec![lowered(wire)], &format).unwrap();
                if !utf8 {
                    arriving = arriving.in_another_encoding();
                }
                let fed = arriving.feed(&data, &key(), &mut Vec::new());
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
}
