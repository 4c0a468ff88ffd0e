//! Rows of COPY … TO STDOUT, shown by their plan: text, csv and binary. Those of COPY … FROM STDIN: `arriving`.
//!
//! Pure: bytes in, frames out. Spec: the manual's page of COPY, section "File Formats". What the target sends is taken as
//! a stream: where one message ends and the next begins means nothing. What the caller is sent is one message for each
//! row, as the server does it (clients count on that), and a row that is very long in pieces.
//!
//! Nothing is held beyond the limits here: a cell that is masked or looked at, and is longer than what a mask is made of, is dropped while
//! it streams, and everything else goes on as it comes.

mod arriving;
mod binary;
mod delimited;
mod lines;
#[cfg(test)]
mod tests;

use gate::Shown;
use redact::{CELL_BYTES_MAX, FieldPlan, Shown as Cell};
use sql_postgres::CopyFormat;

use crate::cells::{CellType, Eyes, LongCell, Manner, Writing, is_overwritten};
use crate::wire::Malformed;
use crate::wire::build;
pub use arriving::{Arriving, Guarded, Into, Keeper, Stopped};
use binary::Binary;
use delimited::Delimited;

/// The longest message that a row is sent in.
const PIECE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Room kept between rows.
const ROW_BYTES_KEPT: usize = 64 * 1024;

/// A column of the rows.
#[derive(Debug)]
pub struct Column {
    /// How it is shown.
    pub field: FieldPlan,
    /// How its cells are written.
    pub wire: CellType,
    /// How they are looked at, if they are, and as which column of the result.
    pub manner: Option<(usize, Manner)>,
    /// Whether its values are always quoted.
    pub force_quote: bool,
}

/// Rows that are shown masked.
#[derive(Debug)]
pub struct Masked {
    form: Form,
    rows: Rows,
}

#[derive(Debug)]
enum Form {
    Delimited(Delimited),
    Binary(Binary),
}

impl Masked {
    /// Rows of this form with these columns. None if the form is not known.
    pub fn new(columns: Vec<Column>, format: &CopyFormat) -> Option<Self> {
        let form = match format {
            CopyFormat::Binary => Form::Binary(Binary::default()),
            CopyFormat::Unknown(_) => return None,
            delimited => Form::Delimited(Delimited::new(delimited)?),
        };
        Some(Self { form, rows: Rows::new(columns, writing(format)) })
    }

    /// Takes what the target sent, and appends what the caller is shown of it, as CopyData messages.
    pub fn feed(&mut self, bytes: &[u8], eyes: &mut Eyes<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        match &mut self.form {
            Form::Delimited(form) => form.feed(bytes, &mut self.rows, eyes, out),
            Form::Binary(form) => form.feed(bytes, &mut self.rows, eyes, out),
        }
    }

    /// The target says that this was all.
    pub fn end(&self) -> Result<(), Malformed> {
        let whole = match &self.form {
            Form::Delimited(form) => form.is_between_rows(),
            Form::Binary(form) => form.is_over(),
        };
        if whole && self.rows.out.is_empty() {
            return Ok(());
        }
        Err(Malformed::new("a copy that ends in the middle of a row"))
    }

    /// What was shown since this was last asked.
    pub fn take_shown(&mut self) -> Shown {
        std::mem::take(&mut self.rows.shown)
    }
}

/// How values are written in this form, if what is in a value can be seen as it is written: a character that ends or escapes others, and
/// stands in what is looked for, would hide it.
fn writing(format: &CopyFormat) -> Option<Writing> {
    match format {
        CopyFormat::Text { delimiter: b'\t', .. } => Some(Writing { hex: br"\\x", twice: true, ..Writing::ROW }),
        CopyFormat::Csv { delimiter, quote: b'"', escape: b'"', .. } => {
            let hidden = if *delimiter == b'*' { b'.' } else { b'*' };
            Some(Writing { quote: Some(b'"'), hidden, ..Writing::ROW })
        }
        CopyFormat::Text { .. } | CopyFormat::Csv { .. } | CopyFormat::Unknown(_) => None,
        CopyFormat::Binary => Some(Writing::ROW),
    }
}

/// The row that is being read, and what the caller is shown of it.
#[derive(Debug)]
struct Rows {
    columns: Vec<Column>,
    /// How cells that are too long to be held are looked at, if they can be.
    writing: Option<Writing>,
    /// The column that is being read.
    at: usize,
    /// What was read of a masked cell in earlier pieces.
    cell: Vec<u8>,
    /// Set when that was too long and was dropped.
    dropped: bool,
    /// A cell that is too long to be held, and is looked at while it passes.
    passing: Option<Box<LongCell>>,
    /// What is shown of the row.
    out: Vec<u8>,
    shown: Shown,
}

impl Rows {
    fn new(columns: Vec<Column>, writing: Option<Writing>) -> Self {
        Self {
            columns,
            writing,
            at: 0,
            cell: Vec::new(),
            dropped: false,
            passing: None,
            out: Vec::new(),
            shown: Shown::default(),
        }
    }

    /// The column that is being read.
    fn column(&self) -> Result<&Column, Malformed> {
        self.columns.get(self.at).ok_or_else(|| {
            Malformed(format!("a row of more than {} cells in a copy of {0} columns", self.columns.len()))
        })
    }

    /// Whether the cell that is being read is shown as it is.
    fn is_clear(&self) -> Result<bool, Malformed> {
        self.column().map(|column| column.manner.is_none() && column.field.sight == model::Sight::Clear)
    }

    /// Takes a part of a cell whose end has not come.
    fn keep(&mut self, part: &[u8], eyes: &mut Eyes<'_>) {
        if self.passing.is_none() && self.cell.len().saturating_add(part.len()) > CELL_BYTES_MAX && !self.dropped {
            self.begin_passing(eyes);
        }
        if self.passing.is_some() {
            self.pass(part, false, eyes);
        } else if self.dropped || self.cell.len().saturating_add(part.len()) > CELL_BYTES_MAX {
            self.dropped = true;
            self.cell = Vec::new();
        } else {
            self.cell.extend_from_slice(part);
        }
    }

    /// The cell that is read is too long to be held: from here on it is looked at while it passes, if it may be.
    fn begin_passing(&mut self, eyes: &mut Eyes<'_>) {
        let Ok(Column { field, wire, manner: Some((at, manner)), .. }) = self.column() else { return };
        let (Some(sought), Some(writing)) = (&eyes.sought, self.writing) else { return };
        let is_clear = field.sight == model::Sight::Clear && !sought.watch.is_dense(*at);
        if is_clear && is_overwritten(*wire, *manner) {
            self.passing = Some(Box::new(LongCell::new(*wire, *manner, writing, sought)));
            let begun = std::mem::take(&mut self.cell);
            self.pass(&begun, false, eyes);
        }
    }

    /// Shows more of a cell that passes.
    fn pass(&mut self, part: &[u8], last: bool, eyes: &mut Eyes<'_>) {
        let at = self.column().ok().and_then(|column| column.manner).map_or(0, |(at, _)| at);
        if let (Some(cell), Some(sought)) = (&mut self.passing, &mut eyes.sought) {
            cell.feed(at, part, last, sought, &mut self.out);
        }
        if last && let Some(cell) = self.passing.take() {
            self.shown.masked = self.shown.masked.saturating_add(cell.hides().into());
        }
    }

    /// Shows a cell in the place of its value. Nothing is appended for NULL, nor for one that is shown as it came.
    fn mask(&mut self, value: &[u8], eyes: &mut Eyes<'_>, into: &mut Vec<u8>) -> Result<Cell, Malformed> {
        let column = self.column()?;
        let redacted;
        let field = if self.dropped {
            redacted = FieldPlan::new(model::Sight::Nothing, column.field.class.clone());
            &redacted
        } else {
            &column.field
        };
        let manner = column.manner.filter(|_| !self.dropped);
        let (at, manner) = manner.unzip();
        let cell = eyes.show(at.unwrap_or(0), (column.wire, field, manner), value, into);
        self.cell.clear();
        self.dropped = false;
        match cell {
            Cell::Same if manner.is_none() => return Err(Malformed::new("a clear cell that was to be masked")),
            Cell::Same => {}
            Cell::Written | Cell::Null => self.shown.masked = self.shown.masked.saturating_add(1),
        }
        Ok(cell)
    }

    /// The next cell begins.
    fn next(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// The row is whole: it goes to the caller.
    fn end_row(&mut self, out: &mut Vec<u8>) {
        self.at = 0;
        self.shown.rows = self.shown.rows.saturating_add(1);
        self.flush(out);
    }

    /// Sends what there is of the row.
    fn flush(&mut self, out: &mut Vec<u8>) {
        let before = out.len();
        build::frame(out, b'd', |out| out.extend_from_slice(&self.out));
        let bytes = u64::try_from(out.len().saturating_sub(before)).unwrap_or(u64::MAX);
        self.shown.bytes = self.shown.bytes.saturating_add(bytes);
        self.out.clear();
        self.out.shrink_to(ROW_BYTES_KEPT);
    }

    /// Sends what there is of the row if that is much.
    fn flush_much(&mut self, out: &mut Vec<u8>) {
        if self.out.len() >= PIECE_BYTES_MAX {
            self.flush(out);
        }
    }
}
