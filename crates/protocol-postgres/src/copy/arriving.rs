//! Rows of COPY … FROM STDIN on their way into classified columns: text, csv and binary, looked through for masks that come
//! back.
//!
//! Pure, and in bounded memory: data come in pieces that are cut anywhere, and no cell is held. What the server would fail
//! need not be told from what it takes, as long as it can't store a cell that was taken for another one's.

use model::Field;
use redact::MaskFinder;
use sql_postgres::CopyFormat;

use super::binary::{SIGNATURE, int32, length};
use super::lines::{Decoder, Lines, Next};
use crate::wire::Malformed;

/// Rows that are looked through.
#[derive(Debug)]
pub struct Arriving {
    form: Form,
    cells: Cells,
}

/// Why rows can't go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// What is to be stored in this field is what Weir shows in the place of a value.
    Mask(Field),
    /// They can't be read.
    Malformed(Malformed),
}

#[derive(Debug)]
enum Form {
    Lines { lines: Lines, decoder: Decoder },
    Binary(Binary),
}

impl Arriving {
    /// Rows of this form, whose columns go into these fields. None if the form is not known.
    pub fn new(fields: Vec<Option<Field>>, format: &CopyFormat) -> Option<Self> {
        let form = match format {
            CopyFormat::Binary => Form::Binary(Binary::default()),
            CopyFormat::Unknown(_) => return None,
            lines => {
                let lines = Lines::new(lines, true)?;
                let decoder = Decoder::new(lines.syntax);
                Form::Lines { lines, decoder }
            }
        };
        Some(Self { form, cells: Cells { fields, at: 0, finder: MaskFinder::default(), value: Vec::new() } })
    }

    /// Takes more of the data.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        match &mut self.form {
            Form::Lines { lines, decoder } => feed_lines(lines, decoder, &mut self.cells, bytes),
            Form::Binary(binary) => binary.feed(&mut self.cells, bytes),
        }
    }

    /// The data are over: the last line need not be ended.
    pub fn end(&mut self) -> Result<(), Stopped> {
        match &mut self.form {
            Form::Lines { decoder, .. } => self.cells.end_decoded(decoder),
            // What is cut off the server does not take.
            Form::Binary(_) => Ok(()),
        }
    }
}

/// The cell that is being read, and where it goes.
#[derive(Debug)]
struct Cells {
    fields: Vec<Option<Field>>,
    at: usize,
    finder: MaskFinder,
    /// What the piece that was read last says.
    value: Vec<u8>,
}

impl Cells {
    /// Whether the cell goes into a classified column. What is behind the last column the server does not take.
    fn is_watched(&self) -> bool {
        self.fields.get(self.at).is_some_and(Option::is_some)
    }

    /// More of the cell's value.
    fn part(&mut self, value: &[u8]) -> Result<(), Stopped> {
        match self.fields.get(self.at) {
            Some(Some(field)) if self.finder.feed(value) => Err(Stopped::Mask(field.clone())),
            _ => Ok(()),
        }
    }

    /// The cell is over.
    fn end(&mut self) -> Result<(), Stopped> {
        match (std::mem::take(&mut self.finder), self.fields.get(self.at)) {
            (finder, Some(Some(field))) if finder.end() => Err(Stopped::Mask(field.clone())),
            _ => Ok(()),
        }
    }

    fn decode(&mut self, decode: impl FnOnce(&mut Vec<u8>)) -> Result<(), Stopped> {
        if !self.is_watched() {
            return Ok(());
        }
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        decode(&mut value);
        let taken = self.part(&value);
        self.value = value;
        taken
    }

    fn end_decoded(&mut self, decoder: &mut Decoder) -> Result<(), Stopped> {
        self.decode(|value| decoder.end(value))?;
        self.end()
    }
}

/// Lines end at every newline and carriage return that is not a part of a value: the server settles on one of the ways to end a
/// line, and fails the copy at another.
fn feed_lines(lines: &mut Lines, decoder: &mut Decoder, cells: &mut Cells, bytes: &[u8]) -> Result<(), Stopped> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match lines.scan(rest) {
            Next::None => return cells.decode(|value| decoder.feed(rest, value)),
            Next::End { at, line } => {
                let (cell, behind) = rest.split_at(at.min(rest.len()));
                cells.decode(|value| decoder.feed(cell, value))?;
                cells.end_decoded(decoder)?;
                cells.at = if line { 0 } else { cells.at.saturating_add(1) };
                rest = behind.get(1..).unwrap_or_default();
            }
        }
    }
    Ok(())
}

/// Flags of a binary copy's header that change how its rows are read.
const FLAGS_THAT_MATTER: i32 = -0x1_0000;

/// The binary form: see [`super::binary`].
#[derive(Debug, Default)]
struct Binary {
    part: Part,
    /// The first bytes of a fixed part that has not come whole.
    begun: Vec<u8>,
    /// Bytes of the cell or extension that are to come.
    left: usize,
    /// Cells of the row that are to come.
    cells: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Header,
    Extension,
    Count,
    Length,
    Cell,
    /// Behind the last row, where the server takes nothing more.
    Over,
}

impl Binary {
    fn feed(&mut self, cells: &mut Cells, mut bytes: &[u8]) -> Result<(), Stopped> {
        loop {
            self.part = match self.part {
                Part::Header => {
                    let Some(header) = self.fixed::<19>(&mut bytes) else { return Ok(()) };
                    let (signature, sizes) = header.split_at(SIGNATURE.len());
                    // The server knows of none of the flags that matter, and fails on them.
                    if signature != SIGNATURE || int32(sizes, 0) & FLAGS_THAT_MATTER != 0 {
                        return Err(Stopped::Malformed(Malformed::new("a binary copy whose header is not known")));
                    }
                    self.left = length(int32(sizes, 4)).map_err(Stopped::Malformed)?;
                    Part::Extension
                }
                Part::Extension => match self.pass(&mut bytes) {
                    (_, true) => Part::Count,
                    (_, false) => return Ok(()),
                },
                Part::Count => {
                    let Some(count) = self.fixed::<2>(&mut bytes) else { return Ok(()) };
                    cells.at = 0;
                    match usize::try_from(i16::from_be_bytes(count)) {
                        Ok(0) => Part::Count,
                        Ok(count) => {
                            self.cells = count;
                            Part::Length
                        }
                        Err(_) => Part::Over,
                    }
                }
                Part::Length => {
                    let Some(head) = self.fixed::<4>(&mut bytes) else { return Ok(()) };
                    match i32::from_be_bytes(head) {
                        -1 => self.next(cells)?,
                        bytes => {
                            self.left = length(bytes).map_err(Stopped::Malformed)?;
                            Part::Cell
                        }
                    }
                }
                Part::Cell => {
                    let (value, whole) = self.pass(&mut bytes);
                    cells.part(value)?;
                    if !whole {
                        return Ok(());
                    }
                    self.next(cells)?
                }
                Part::Over => return Ok(()),
            };
        }
    }

    fn next(&mut self, cells: &mut Cells) -> Result<Part, Stopped> {
        cells.end()?;
        cells.at = cells.at.saturating_add(1);
        self.cells = self.cells.saturating_sub(1);
        Ok(if self.cells == 0 { Part::Count } else { Part::Length })
    }

    /// The next bytes of a fixed number; nothing if they have not all come.
    fn fixed<const N: usize>(&mut self, bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (now, later) = bytes.split_at(N.saturating_sub(self.begun.len()).min(bytes.len()));
        *bytes = later;
        self.begun.extend_from_slice(now);
        let fixed = <[u8; N]>::try_from(self.begun.as_slice()).ok()?;
        self.begun.clear();
        Some(fixed)
    }

    /// What there is of what is left of something, and whether that is all.
    fn pass<'a>(&mut self, bytes: &mut &'a [u8]) -> (&'a [u8], bool) {
        let (now, later) = bytes.split_at(self.left.min(bytes.len()));
        *bytes = later;
        self.left = self.left.saturating_sub(now.len());
        (now, self.left == 0)
    }
}

#[cfg(test)]
mod tests {
    use model::{ClassId, Part as Table};
    use proptest::prelude::*;
    use sql_postgres::ForceQuote;

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
        let mut arriving = Arriving::new(vec![None, Some(field()), None], format).unwrap();
        let fed = pieces.iter().try_for_each(|piece| arriving.feed(piece)).and_then(|()| arriving.end());
        match fed {
            Ok(()) => false,
            Err(Stopped::Mask(of)) => of == field(),
            Err(Stopped::Malformed(wrong)) => panic!("{wrong}"),
        }
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
    fn no_cell_is_held() {
        for format in [text(), csv(b',', b'"', b'"')] {
            let mut arriving = Arriving::new(vec![Some(field())], &format).unwrap();
            let piece = vec![b'4'; 65_536];
            (0..256).for_each(|_| arriving.feed(&piece).unwrap());
            assert!(arriving.cells.value.capacity() <= 2 * piece.len());
            assert!(arriving.feed(b"***").is_err());
        }
    }

    #[test]
    fn a_binary_copy_with_another_header_is_not_read() {
        for header in [b"PGCOPY\n\xff\r\n\x01\0\0\0\0\0\0\0\0", b"PGCOPY\n\xff\r\n\0\0\x01\0\0\0\0\0\0"] {
            let mut arriving = Arriving::new(vec![Some(field())], &CopyFormat::Binary).unwrap();
            assert!(matches!(arriving.feed(header), Err(Stopped::Malformed(_))));
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
            let mut arriving = Arriving::new(vec![Some(field()), None], &format).unwrap();
            let _ = arriving.feed(&bytes).and_then(|()| arriving.end());
        }
    }
}
