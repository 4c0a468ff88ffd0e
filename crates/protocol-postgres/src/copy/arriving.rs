//! Rows of COPY … FROM STDIN that are looked through on their way: text, csv and binary. In those of classified columns masks that come back
//! are found, and values that are stored as less than they are give way to their part or token. Those of others are looked at for what may
//! not be stored there.
//!
//! Pure, and in bounded memory: data come in pieces that are cut anywhere, and no cell is held but one that is replaced or looked at. What
//! the server would fail need not be told from what it takes, as long as it can't store a cell that was taken for another one's.

mod binary;

use binary::Binary;
use gate::Declined;
use model::{Field, OnWrite};
use redact::{CELL_BYTES_MAX, FieldPlan, TokenKey, lower};
use sql_postgres::{CopyFormat, PlainInto};

use super::lines::{Decoder, Lines, Next, Syntax, decoded, escape_text, write_csv};
use crate::cells::{CellType, MaskSearch, Masks, PostgresCells, Said, each_kept, holds_mask, is_of_encoding};
use crate::wire::Malformed;

/// Rows that are looked through.
#[derive(Debug)]
pub struct Arriving {
    form: Form,
    cells: Cells,
}

/// A column of the rows that is looked through.
#[derive(Clone, Debug)]
pub enum Into {
    /// It goes into a classified one.
    Guarded(Guarded),
    /// It goes into one that is not, in which not everything may be stored. It may be one of several tables', each with how its values are
    /// written.
    Looked(Vec<(PlainInto, CellType)>),
}

impl Into {
    fn guarded(&self) -> Option<&Guarded> {
        match self {
            Self::Guarded(guarded) => Some(guarded),
            Self::Looked(_) => None,
        }
    }
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

/// Who says what becomes of values.
pub struct Keeper<'a> {
    /// The key of tokens that are stored.
    pub key: &'a TokenKey,
    /// Why a value may not be stored in a column that is not classified.
    pub refuses: &'a dyn Fn(&PlainInto, Said<'_>) -> Option<Declined>,
}

/// Why rows can't go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Something may not be stored where it goes.
    Refused(Declined),
    /// What is to be stored in this column is too long to be looked at.
    Long(PlainInto),
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
    pub fn new(columns: Vec<Option<Into>>, format: &CopyFormat) -> Option<Self> {
        let form = match format {
            CopyFormat::Binary => Form::Binary(Binary::default()),
            CopyFormat::Unknown(_) => return None,
            CopyFormat::Text { null, header, .. } | CopyFormat::Csv { null, header, .. } => {
                let lines = Lines::new(format, true)?;
                let (decoder, null, in_header) = (Decoder::new(lines.syntax), null.as_bytes().to_vec(), *header);
                Form::Lines(Box::new(Text { lines, decoder, null, in_header, in_line: false, after_return: false }))
            }
        };
        let mut guarded = columns.iter().flatten().filter_map(Into::guarded);
        let lowers = guarded.any(|column| column.lowered.is_some());
        let (looked, value, held, out) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let cells = Cells { columns, at: 0, search: None, looked, value, held, out, lowers, utf8: true };
        Some(Self { form, cells })
    }

    /// The same, of which the target makes other texts than Weir unless they are ASCII: no token of such a one is that of the text.
    pub fn in_another_encoding(mut self) -> Self {
        self.cells.utf8 = false;
        self
    }

    /// Takes more of the data, and appends what of it goes to the target.
    pub fn feed(&mut self, bytes: &[u8], keeper: &Keeper<'_>, out: &mut Vec<u8>) -> Result<(), Stopped> {
        match &mut self.form {
            Form::Lines(text) => text.feed(&mut self.cells, bytes, keeper)?,
            Form::Binary(binary) => binary.feed(&mut self.cells, bytes, keeper)?,
        }
        match self.cells.lowers {
            true => out.append(&mut self.cells.out),
            false => out.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// The data are over: the last line need not be ended. Appends what of it is left to go.
    pub fn end(&mut self, keeper: &Keeper<'_>, out: &mut Vec<u8>) -> Result<(), Stopped> {
        if let Form::Lines(text) = &mut self.form
            && text.in_line
        {
            // The server takes no value whose quotes are not closed. Written anew it would be one.
            if text.lines.ends_within_quotes() && self.cells.is_lowered() {
                return Err(Stopped::Malformed(Malformed::new("copy data that end within quotes")));
            }
            text.end_cell(&mut self.cells, true, keeper)?;
        }
        // What is cut off of the binary form the server does not take.
        out.append(&mut self.cells.out);
        Ok(())
    }
}

/// The cell that is being read, and where it goes.
#[derive(Debug)]
struct Cells {
    columns: Vec<Option<Into>>,
    at: usize,
    /// Looks through the cell, once some of it has come.
    search: Option<MaskSearch>,
    /// What has come of a cell that is looked at.
    looked: Vec<u8>,
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
    /// The cell's column, if it is looked through. What is behind the last column the server does not take.
    fn column(&self) -> Option<&Into> {
        self.columns.get(self.at)?.as_ref()
    }

    /// The same, if it is a classified one.
    fn guarded(&self) -> Option<&Guarded> {
        self.column()?.guarded()
    }

    /// What is stored in the place of the cell, if not it itself.
    fn lowered(&self) -> Option<(Field, OnWrite, CellType)> {
        let Guarded { field, wire, lowered } = self.guarded()?;
        lowered.map(|to| (field.clone(), to, *wire))
    }

    /// Whether the cell is replaced.
    fn is_lowered(&self) -> bool {
        self.guarded().is_some_and(|column| column.lowered.is_some())
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
        match self.columns.get(self.at) {
            Some(Some(Into::Guarded(column))) => {
                match self.search.get_or_insert_with(|| MaskSearch::new(Masks::of(column.wire))).feed(value) {
                    true => Err(Stopped::Mask(column.field.clone())),
                    false => Ok(()),
                }
            }
            Some(Some(Into::Looked(columns))) => {
                if self.looked.len().saturating_add(value.len()) > CELL_BYTES_MAX
                    && let Some((column, _)) = columns.first()
                {
                    return Err(Stopped::Long(column.clone()));
                }
                self.looked.extend_from_slice(value);
                Ok(())
            }
            Some(None) | None => Ok(()),
        }
    }

    /// The cell is over.
    fn end(&mut self, keeper: &Keeper<'_>) -> Result<(), Stopped> {
        match (self.search.take(), self.columns.get(self.at)) {
            (Some(search), Some(Some(Into::Guarded(column)))) if search.end() => {
                Err(Stopped::Mask(column.field.clone()))
            }
            (_, Some(Some(Into::Looked(columns)))) => {
                let mut looked = std::mem::take(&mut self.looked);
                let refused = columns
                    .iter()
                    .filter(|_| !looked.is_empty())
                    .find_map(|(column, wire)| each_kept(*wire, &looked, &mut |said| (keeper.refuses)(column, said)));
                looked.clear();
                self.looked = looked;
                refused.map_or(Ok(()), |why| Err(Stopped::Refused(why)))
            }
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
    fn feed(&mut self, cells: &mut Cells, bytes: &[u8], keeper: &Keeper<'_>) -> Result<(), Stopped> {
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
                    self.end_cell(cells, line, keeper)?;
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

    /// The end of the data within a line: servers before 18 keep what stands before it as a row, in which a value is another one than it is here.
    fn ends_data(&self, cells: &Cells) -> Result<(), Stopped> {
        match self.decoder.ends_data() && !(cells.at == 0 && self.decoder.is_alone()) {
            true => Err(Stopped::Malformed(Malformed::new(
                "an end of the data (\\.) that does not stand alone on its line",
            ))),
            false => Ok(()),
        }
    }

    /// More of a cell, as it is written.
    fn part(&mut self, cells: &mut Cells, raw: &[u8]) -> Result<(), Stopped> {
        if cells.is_lowered() && !self.in_header {
            return cells.hold(raw);
        }
        cells.pass(raw);
        cells.decode(|value| self.decoder.feed(raw, value))
    }

    fn end_cell(&mut self, cells: &mut Cells, line: bool, keeper: &Keeper<'_>) -> Result<(), Stopped> {
        if !cells.is_lowered() || self.in_header {
            if line {
                self.ends_data(cells)?;
            }
            cells.decode(|value| self.decoder.end(value))?;
            return cells.end(keeper);
        }
        let raw = std::mem::take(&mut cells.held);
        if line {
            self.decoder.feed(&raw, &mut Vec::new());
            self.ends_data(cells)?;
            self.decoder.end(&mut Vec::new());
        }
        // The end of the data, as old clients write it, is no value.
        let ends_data = cells.at == 0 && line && raw == b"\\.";
        if raw == self.null || ends_data {
            cells.pass(&raw);
            return Ok(());
        }
        let less = cells.lower(&decoded(&raw, self.lines.syntax), keeper.key)?;
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
mod tests;
