//! Text and csv: lines of cells with a delimiter between them.
//!
//! In text a backslash stands before whatever could be misread, so a bare newline always ends a row. In csv a newline,
//! delimiter or quote inside of quotes is part of the value. The encodings that get here have no byte of a longer
//! character that could be taken for one of these.

use std::borrow::Cow;

use memchr::{memchr2, memchr3};
use redact::TokenKey;
use sql_postgres::CopyFormat;

use super::Rows;
use crate::wire::Malformed;

/// Reads lines.
#[derive(Debug)]
pub(super) struct Delimited {
    delimiter: u8,
    null: Vec<u8>,
    syntax: Syntax,
    /// The line that is read names the columns: it is no row.
    in_header: bool,
    /// Inside of quotes.
    quoted: bool,
    /// The last byte was one that says what the next means.
    pending: bool,
    /// Something of the line has been read.
    in_line: bool,
    /// What a mask is written to before it is escaped.
    scratch: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    Text,
    Csv { quote: u8, escape: u8 },
}

/// What comes next in some bytes.
enum Next {
    /// The cell goes on past them.
    None,
    /// The cell ends at this byte, with a newline or with a delimiter.
    End { at: usize, line: bool },
}

impl Delimited {
    pub(super) fn new(format: &CopyFormat) -> Option<Self> {
        let (delimiter, null, header, syntax) = match format {
            CopyFormat::Text { delimiter, null, header } => (*delimiter, null, *header, Syntax::Text),
            CopyFormat::Csv { delimiter, null, header, quote, escape, .. } => {
                (*delimiter, null, *header, Syntax::Csv { quote: *quote, escape: *escape })
            }
            CopyFormat::Binary | CopyFormat::Unknown(_) => return None,
        };
        let null = null.as_bytes().to_vec();
        Some(Self {
            delimiter,
            null,
            syntax,
            in_header: header,
            quoted: false,
            pending: false,
            in_line: false,
            scratch: Vec::new(),
        })
    }

    pub(super) fn is_between_rows(&self) -> bool {
        !self.in_line
    }

    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        rows: &mut Rows,
        tokens: &TokenKey,
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        // What is shown as it is goes in one piece: from `shown` to where a masked cell begins.
        let (mut shown, mut at) = (0, 0);
        while at < bytes.len() {
            self.in_line = true;
            let masked = !self.in_header && !rows.is_clear()?;
            let rest = bytes.get(at..).unwrap_or_default();
            match self.scan(rest) {
                Next::None => {
                    if masked {
                        rows.out.extend_from_slice(bytes.get(shown..at).unwrap_or_default());
                        rows.keep(rest);
                        shown = bytes.len();
                    }
                    break;
                }
                Next::End { at: length, line } => {
                    let end = at.saturating_add(length);
                    if masked {
                        rows.out.extend_from_slice(bytes.get(shown..at).unwrap_or_default());
                        let last = rest.get(..length).unwrap_or_default();
                        self.mask_cell(last, rows, tokens)?;
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

    /// Finds where the cell ends.
    fn scan(&mut self, bytes: &[u8]) -> Next {
        match self.syntax {
            Syntax::Text => self.scan_text(bytes),
            Syntax::Csv { quote, escape } => self.scan_csv(bytes, quote, escape),
        }
    }

    fn scan_text(&mut self, bytes: &[u8]) -> Next {
        // A byte behind a backslash belongs to the value, whatever it is.
        let mut at = usize::from(std::mem::take(&mut self.pending));
        while let Some(rest) = bytes.get(at..) {
            let Some(found) = memchr3(self.delimiter, b'\n', b'\\', rest) else { return Next::None };
            match rest.get(found) {
                Some(b'\\') => at = at.saturating_add(found).saturating_add(2),
                byte => return Next::End { at: at.saturating_add(found), line: byte == Some(&b'\n') },
            }
        }
        // The backslash was the last byte.
        self.pending = true;
        Next::None
    }

    fn scan_csv(&mut self, bytes: &[u8], quote: u8, escape: u8) -> Next {
        let mut at = 0_usize;
        if self.quoted && std::mem::take(&mut self.pending) {
            at = self.behind_escape(bytes.first().copied(), quote, escape);
        }
        loop {
            let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else { return Next::None };
            if !self.quoted {
                let Some(found) = memchr3(self.delimiter, b'\n', quote, rest) else { return Next::None };
                let byte = rest.get(found).copied();
                at = at.saturating_add(found);
                if byte != Some(quote) {
                    return Next::End { at, line: byte == Some(b'\n') };
                }
                self.quoted = true;
                at = at.saturating_add(1);
                continue;
            }
            let Some(found) = memchr2(quote, escape, rest) else { return Next::None };
            let byte = rest.get(found).copied();
            at = at.saturating_add(found).saturating_add(1);
            if byte == Some(escape) {
                match bytes.get(at) {
                    None => {
                        self.pending = true;
                        return Next::None;
                    }
                    next => at = at.saturating_add(self.behind_escape(next.copied(), quote, escape)),
                }
            } else {
                self.quoted = false;
            }
        }
    }

    /// What an escape inside of quotes means, by the byte behind it. Returns how many bytes belong to it.
    fn behind_escape(&mut self, next: Option<u8>, quote: u8, escape: u8) -> usize {
        if next == Some(quote) || next == Some(escape) {
            return 1;
        }
        // It is nothing special, unless it is also the quote.
        self.quoted = escape != quote;
        0
    }

    /// Writes a masked cell in the place of one whose last part this is.
    fn mask_cell(&mut self, last: &[u8], rows: &mut Rows, tokens: &TokenKey) -> Result<(), Malformed> {
        let mut kept = Vec::new();
        let raw = if rows.cell.is_empty() && !rows.dropped {
            last
        } else {
            rows.keep(last);
            kept = std::mem::take(&mut rows.cell);
            &kept
        };
        if !rows.dropped && raw == self.null && self.null_is_sure() && !rows.column()?.field.hides_null() {
            rows.out.extend_from_slice(raw);
        } else {
            let value = match self.syntax {
                Syntax::Text => unescaped(raw),
                Syntax::Csv { quote, escape } => unquoted(raw, quote, escape),
            };
            let mut scratch = std::mem::take(&mut self.scratch);
            scratch.clear();
            if rows.mask(&value, tokens, &mut scratch)? {
                let force = rows.column()?.force_quote;
                let alone = rows.columns.len() == 1;
                match self.syntax {
                    Syntax::Text => escape_text(&scratch, self.delimiter, &mut rows.out),
                    Syntax::Csv { quote, escape } => {
                        let quotes = force || self.needs_quotes(&scratch, quote, alone);
                        write_csv(&scratch, quotes, quote, escape, &mut rows.out);
                    }
                }
            } else {
                rows.out.extend_from_slice(&self.null);
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
        self.syntax != Syntax::Text || self.null.is_empty() || self.null.contains(&b'\\')
    }

    /// Whether a value has to be quoted in csv. By the mask alone: what was quoted says something of the value.
    fn needs_quotes(&self, value: &[u8], quote: u8, alone: bool) -> bool {
        value == self.null
            || (alone && value == b"\\.")
            || value.iter().any(|byte| [self.delimiter, quote, b'\n', b'\r'].contains(byte))
    }
}

/// A value in text format without its backslashes.
fn unescaped(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    let mut value = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied();
    while let Some(byte) = bytes.next() {
        value.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 11,
                Some(other) => other,
                None => break,
            },
            byte => byte,
        });
    }
    Cow::Owned(value)
}

fn escape_text(value: &[u8], delimiter: u8, out: &mut Vec<u8>) {
    for byte in value {
        match byte {
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            11 => out.extend_from_slice(b"\\v"),
            byte if *byte == delimiter || *byte == b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            byte => out.push(*byte),
        }
    }
}

/// A value in csv without its quotes.
fn unquoted(raw: &[u8], quote: u8, escape: u8) -> Cow<'_, [u8]> {
    if !raw.contains(&quote) {
        return Cow::Borrowed(raw);
    }
    let mut value = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied().peekable();
    let mut inside = false;
    while let Some(byte) = bytes.next() {
        let next = bytes.peek().copied();
        if inside && byte == escape && (next == Some(escape) || next == Some(quote)) {
            value.extend(bytes.next());
        } else if byte == quote {
            inside = !inside;
        } else {
            value.push(byte);
        }
    }
    Cow::Owned(value)
}

fn write_csv(value: &[u8], quotes: bool, quote: u8, escape: u8, out: &mut Vec<u8>) {
    if !quotes {
        return out.extend_from_slice(value);
    }
    out.push(quote);
    for byte in value {
        if *byte == quote || *byte == escape {
            out.push(escape);
        }
        out.push(*byte);
    }
    out.push(quote);
}
