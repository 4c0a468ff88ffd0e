//! The binary form: a header, rows of counted and measured cells, a trailer.
//!
//! ```text
//! PGCOPY\n\377\r\n\0 │ flags int32 │ length int32, so many bytes │ { count int16, { length int32, bytes } … } … │ -1 int16
//! ```

use redact::{CELL_BYTES_MAX, Shown as Cell};

use super::Rows;
use crate::cells::Eyes;
use crate::wire::Malformed;
use crate::wire::pieces::Begun;

pub(super) const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Set in the header's flags if rows begin with an oid, as those of old servers did.
const HAS_OIDS: i32 = 1 << 16;

/// Reads the form.
#[derive(Debug, Default)]
pub(super) struct Binary {
    part: Part,
    /// The first bytes of a fixed part that has not come whole.
    begun: Begun,
    /// Bytes of the cell or extension that are to come.
    left: usize,
    scratch: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Header,
    Extension,
    Count,
    Length,
    Cell,
    Over,
}

impl Binary {
    pub(super) fn is_over(&self) -> bool {
        self.part == Part::Over
    }

    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        rows: &mut Rows,
        eyes: &mut Eyes<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        loop {
            bytes = match self.part {
                Part::Header => {
                    let Some(header) = self.begun.take::<19>(&mut bytes) else { break };
                    let (signature, sizes) = header.split_at(SIGNATURE.len());
                    let (flags, extension) = (int32(sizes, 0), int32(sizes, 4));
                    if signature != SIGNATURE || flags & HAS_OIDS != 0 {
                        return Err(Malformed::new("a binary copy whose header is not known"));
                    }
                    self.left = length(extension)?;
                    self.part = if self.left == 0 { Part::Count } else { Part::Extension };
                    rows.out.extend_from_slice(&header);
                    bytes
                }
                Part::Extension => {
                    let Some(rest) = self.pass(bytes, rows) else { break };
                    self.part = Part::Count;
                    rest
                }
                Part::Count => {
                    let Some(count) = self.begun.take::<2>(&mut bytes) else { break };
                    rows.out.extend_from_slice(&count);
                    match i16::from_be_bytes(count) {
                        -1 => {
                            self.part = Part::Over;
                            rows.flush(out);
                        }
                        count if usize::try_from(count) == Ok(rows.columns.len()) => self.part = Part::Length,
                        count => {
                            let columns = rows.columns.len();
                            return Err(Malformed(format!("a row of {count} cells in a copy of {columns} columns")));
                        }
                    }
                    bytes
                }
                Part::Length => {
                    let Some(head) = self.begun.take::<4>(&mut bytes) else { break };
                    if head == (-1_i32).to_be_bytes() && rows.column()?.field.hides_null() {
                        self.mask_cell(&[], rows, eyes)?;
                        self.end_cell(rows, out);
                    } else if head == (-1_i32).to_be_bytes() {
                        rows.out.extend_from_slice(&head);
                        self.end_cell(rows, out);
                    } else {
                        self.left = length(i32::from_be_bytes(head))?;
                        if self.left > CELL_BYTES_MAX {
                            rows.begin_passing(eyes);
                        }
                        if rows.passing.is_some() || rows.is_clear()? {
                            rows.out.extend_from_slice(&head);
                        }
                        self.part = Part::Cell;
                    }
                    bytes
                }
                Part::Cell if rows.is_clear()? => {
                    let Some(rest) = self.pass(bytes, rows) else { break };
                    self.end_cell(rows, out);
                    rest
                }
                Part::Cell => {
                    let (cell, rest) = bytes.split_at(self.left.min(bytes.len()));
                    if cell.len() < self.left {
                        self.left = self.left.saturating_sub(cell.len());
                        rows.keep(cell, eyes);
                        break;
                    }
                    self.mask_cell(cell, rows, eyes)?;
                    self.end_cell(rows, out);
                    rest
                }
                Part::Over if bytes.is_empty() => break,
                Part::Over => return Err(Malformed::new("a binary copy that goes on behind its end")),
            };
        }
        rows.flush_much(out);
        Ok(())
    }

    /// Shows what is left of something as it is. Returns what comes behind it, if it has come whole.
    fn pass<'a>(&mut self, bytes: &'a [u8], rows: &mut Rows) -> Option<&'a [u8]> {
        let (now, rest) = bytes.split_at(self.left.min(bytes.len()));
        self.left = self.left.saturating_sub(now.len());
        rows.out.extend_from_slice(now);
        (self.left == 0).then_some(rest)
    }

    fn mask_cell(&mut self, last: &[u8], rows: &mut Rows, eyes: &mut Eyes<'_>) -> Result<(), Malformed> {
        if rows.passing.is_some() {
            rows.pass(last, true, eyes);
            return Ok(());
        }
        let mut kept = Vec::new();
        let value = if rows.cell.is_empty() && !rows.dropped {
            last
        } else {
            rows.keep(last, eyes);
            kept = std::mem::take(&mut rows.cell);
            &kept
        };
        self.scratch.clear();
        let shown = match rows.mask(value, eyes, &mut self.scratch)? {
            Cell::Same => Some(value),
            Cell::Written => Some(self.scratch.as_slice()),
            Cell::Null => None,
        };
        let length = shown.map_or(-1, |shown| i32::try_from(shown.len()).unwrap_or(-1));
        rows.out.extend_from_slice(&length.to_be_bytes());
        rows.out.extend_from_slice(shown.unwrap_or_default());
        kept.clear();
        rows.cell = kept;
        Ok(())
    }

    fn end_cell(&mut self, rows: &mut Rows, out: &mut Vec<u8>) {
        rows.next();
        self.part = Part::Length;
        if rows.at >= rows.columns.len() {
            self.part = Part::Count;
            rows.end_row(out);
        }
    }
}

pub(super) fn int32(bytes: &[u8], at: usize) -> i32 {
    let bytes = bytes.get(at..).and_then(|bytes| bytes.first_chunk::<4>());
    bytes.map_or(-1, |bytes| i32::from_be_bytes(*bytes))
}

pub(super) fn length(length: i32) -> Result<usize, Malformed> {
    usize::try_from(length).map_err(|_| Malformed(format!("a binary copy says that a cell is {length} bytes long")))
}
