//! Rows of text and csv that go to the caller.

use redact::{CELL_BYTES_MAX, Shown as Cell};
use sql_postgres::CopyFormat;

use super::Rows;
use super::lines::{Lines, Next, Syntax, decoded, escape_text, write_csv};
use crate::cells::Eyes;
use crate::wire::Malformed;

/// Reads lines.
#[derive(Debug)]
pub(super) struct Delimited {
    lines: Lines,
    null: Vec<u8>,
    /// The line that is read names the columns: it is no row.
    in_header: bool,
    /// Something of the line has been read.
    in_line: bool,
    /// What a mask is written to before it is escaped.
    scratch: Vec<u8>,
}

impl Delimited {
    pub(super) fn new(format: &CopyFormat) -> Option<Self> {
        let (null, header) = match format {
            CopyFormat::Text { null, header, .. } | CopyFormat::Csv { null, header, .. } => (null, *header),
            CopyFormat::Binary | CopyFormat::Unknown(_) => return None,
        };
        let (lines, null) = (Lines::new(format, false)?, null.as_bytes().to_vec());
        Some(Self { lines, null, in_header: header, in_line: false, scratch: Vec::new() })
    }

    pub(super) fn is_between_rows(&self) -> bool {
        !self.in_line
    }

    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        rows: &mut Rows,
        eyes: &mut Eyes<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        // What is shown as it is goes in one piece: from `shown` to where a masked cell begins.
        let (mut shown, mut at) = (0, 0);
        while at < bytes.len() {
            self.in_line = true;
            let masked = !self.in_header && !rows.is_clear()?;
            let rest = bytes.get(at..).unwrap_or_default();
            match self.lines.scan(rest) {
                Next::None => {
                    if masked {
                        rows.out.extend_from_slice(bytes.get(shown..at).unwrap_or_default());
                        rows.keep(rest, eyes);
                        shown = bytes.len();
                    }
                    break;
                }
                Next::End { at: length, line } => {
                    let end = at.saturating_add(length);
                    if masked {
                        rows.out.extend_from_slice(bytes.get(shown..at).unwrap_or_default());
                        let last = rest.get(..length).unwrap_or_default();
                        self.mask_cell(last, rows, eyes)?;
                        shown = end;
                    }
                    rows.column()?;
                    rows.next();
                    at = end.saturating_add(1);
                    if line {
                        if rows.at != rows.columns.len() {
                            let (cells, columns) = (rows.at, rows.columns.len());
                            return Err(Malformed(format!("a row of {cells} cells in a copy of {columns} columns")));
                        }
                        rows.out.extend_from_slice(bytes.get(shown..at).unwrap_or_default());
                        shown = at;
                        rows.end_row(out);
                        if std::mem::take(&mut self.in_header) {
                            rows.shown.rows = rows.shown.rows.saturating_sub(1);
                        }
                        self.in_line = false;
                    }
                }
            }
        }
        rows.out.extend_from_slice(bytes.get(shown..).unwrap_or_default());
        rows.flush_much(out);
        Ok(())
    }

    /// Writes a masked cell in the place of one whose last part this is.
    fn mask_cell(&mut self, last: &[u8], rows: &mut Rows, eyes: &mut Eyes<'_>) -> Result<(), Malformed> {
        if rows.passing.is_none() && rows.cell.len().saturating_add(last.len()) > CELL_BYTES_MAX && !rows.dropped {
            rows.begin_passing(eyes);
        }
        if rows.passing.is_some() {
            rows.pass(last, true, eyes);
            return Ok(());
        }
        let mut kept = Vec::new();
        let raw = if rows.cell.is_empty() && !rows.dropped {
            last
        } else {
            rows.keep(last, eyes);
            kept = std::mem::take(&mut rows.cell);
            &kept
        };
        if !rows.dropped && raw == self.null && self.null_is_sure() && !rows.column()?.field.hides_null() {
            rows.out.extend_from_slice(raw);
        } else {
            let value = decoded(raw, self.lines.syntax);
            let mut scratch = std::mem::take(&mut self.scratch);
            scratch.clear();
            match rows.mask(&value, eyes, &mut scratch)? {
                Cell::Same => rows.out.extend_from_slice(raw),
                Cell::Null => rows.out.extend_from_slice(&self.null),
                Cell::Written => {
                    let force = rows.column()?.force_quote;
                    let alone = rows.columns.len() == 1;
                    match self.lines.syntax {
                        Syntax::Text => escape_text(&scratch, self.lines.delimiter, &mut rows.out),
                        Syntax::Csv { quote, escape } => {
                            let quotes = force || self.needs_quotes(&scratch, quote, alone);
                            write_csv(&scratch, quotes, quote, escape, &mut rows.out);
                        }
                    }
                }
            }
            self.scratch = scratch;
        }
        kept.clear();
        rows.cell = kept;
        Ok(())
    }

    /// Whether what reads like NULL is NULL. In text a value can read so too, unless the marker has a backslash in it; to
    /// show such a cell as NULL would tell a caller who chose the marker that it has guessed the value.
    fn null_is_sure(&self) -> bool {
        self.lines.syntax != Syntax::Text || self.null.is_empty() || self.null.contains(&b'\\')
    }

    /// Whether a value has to be quoted in csv. By the mask alone: what was quoted says something of the value.
    fn needs_quotes(&self, value: &[u8], quote: u8, alone: bool) -> bool {
        value == self.null
            || (alone && value == b"\\.")
            || value.iter().any(|byte| [self.lines.delimiter, quote, b'\n', b'\r'].contains(byte))
    }
}
