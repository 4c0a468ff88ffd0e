//! What a recording holds of PostgreSQL's protocol, told again: columns, rows, reports, copies. The bytes are those of the server's messages,
//! cut anywhere.
//!
//! Rows may be in binary, which the messages do not say where a caller has asked once for what it runs often: so the recording says of each
//! result what its columns are ([`Player::shape`]). Values in binary are told as the server writes them in text, as far as their type is
//! known here; others are told in hexadecimal.

use std::fmt::Write as _;

use crate::cells::{CellType, text_of};
use crate::wire::backend::{self, Report};
use crate::wire::frame::{HEAD_BYTES, Head, Inbox};
use crate::wire::{Fields, Malformed};

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayedColumn {
    /// Its name.
    pub name: String,
    /// Its type's number.
    pub type_oid: u32,
    /// Whether its values are in binary.
    pub binary: bool,
}

/// What a caller was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Played {
    /// A result begins, with these columns.
    Columns(Vec<String>),
    /// A row. NULL is none.
    Row(Vec<Option<String>>),
    /// A command is complete: its tag.
    Complete(String),
    /// An error.
    Error(Said),
    /// A notice.
    Notice(Said),
    /// Copy data, in the form that was asked for.
    Copied(Vec<u8>),
    /// A notification: its channel and its payload.
    Notified(String, String),
    /// What a function call returned, in the form that it came in.
    Returned(Option<Vec<u8>>),
    /// A row that is not in the recording, or is not there whole.
    Unreadable(String),
}

/// A report in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// `ERROR`, `NOTICE`.
    pub severity: String,
    /// The SQLSTATE.
    pub code: String,
    /// What is said.
    pub message: String,
    /// More of it.
    pub detail: Option<String>,
    /// What would help.
    pub hint: Option<String>,
}

/// Plays what was shown.
#[derive(Debug, Default)]
pub struct Player {
    inbox: Inbox,
    columns: Vec<PlayedColumn>,
    /// Whether the columns were told since the last result ended.
    is_told: bool,
}

impl Player {
    /// What follows is a result of these columns.
    pub fn shape(&mut self, columns: Vec<PlayedColumn>) {
        (self.columns, self.is_told) = (columns, false);
    }

    /// What was shown next. The error is that these are not the bytes of a server; what was told before it is told.
    pub fn feed(&mut self, bytes: &[u8], told: &mut Vec<Played>) -> Result<(), Malformed> {
        self.inbox.push(bytes);
        while let Some(head) = Head::read(self.inbox.unread())? {
            if self.inbox.unread().len() < head.frame_bytes {
                break;
            }
            let body = self.inbox.get(HEAD_BYTES..head.frame_bytes).to_vec();
            self.inbox.consume(head.frame_bytes);
            self.take(head.kind, &body, told)?;
        }
        Ok(())
    }

    /// Something was shown here that is not in the recording.
    pub fn gap(&mut self) {
        self.inbox = Inbox::default();
    }

    fn take(&mut self, kind: u8, body: &[u8], told: &mut Vec<Played>) -> Result<(), Malformed> {
        match kind {
            b'T' => {
                let columns = backend::row_description(body)?;
                let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                // The recording has said more of them, if it has said anything.
                let is_known = names.iter().copied().eq(self.columns.iter().map(|column| column.name.as_str()));
                if !is_known {
                    let played = |column: &backend::ColumnShape| PlayedColumn {
                        name: column.name.clone(),
                        type_oid: column.type_oid,
                        binary: column.format == 1,
                    };
                    self.columns = columns.iter().map(played).collect();
                }
                self.tell_columns(told);
            }
            b'D' => {
                if !self.is_told {
                    self.tell_columns(told);
                }
                told.push(Played::Row(self.row(body)?));
            }
            b'C' => {
                self.is_told = false;
                let tag = Fields::of("CommandComplete", body).cstr()?;
                told.push(Played::Complete(lossy(tag)));
            }
            b's' | b'I' => self.is_told = false,
            b'E' => {
                self.is_told = false;
                told.push(Played::Error(said(body)?));
            }
            b'N' => told.push(Played::Notice(said(body)?)),
            b'd' => told.push(Played::Copied(body.to_vec())),
            b'A' => {
                let mut fields = Fields::of("NotificationResponse", body);
                fields.bytes(4)?;
                told.push(Played::Notified(lossy(fields.cstr()?), lossy(fields.cstr()?)));
            }
            b'V' => told.push(Played::Returned(Fields::of("FunctionCallResponse", body).value()?.map(<[u8]>::to_vec))),
            _ => {}
        }
        Ok(())
    }

    fn tell_columns(&mut self, told: &mut Vec<Played>) {
        self.is_told = true;
        told.push(Played::Columns(self.columns.iter().map(|column| column.name.clone()).collect()));
    }

    fn row(&self, body: &[u8]) -> Result<Vec<Option<String>>, Malformed> {
        let mut cells = backend::data_row(body)?;
        let mut row = Vec::new();
        for at in 0..cells.left() {
            let column = self.columns.get(at);
            let wire = column.map_or(CellType::of(0, false), |column| CellType::of(column.type_oid, column.binary));
            row.push(cells.next_cell()?.map(|cell| text(wire, cell)));
        }
        Ok(row)
    }
}

fn text(wire: CellType, cell: &[u8]) -> String {
    if !wire.binary {
        return lossy(cell);
    }
    text_of(wire, cell).unwrap_or_else(|| {
        cell.iter().fold("\\x".to_owned(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    })
}

fn said(body: &[u8]) -> Result<Said, Malformed> {
    let report = Report::read(body)?;
    let field = |kind: u8| report.field(kind).map(str::to_owned);
    Ok(Said {
        severity: report.severity().to_owned(),
        code: report.sqlstate().to_owned(),
        message: field(b'M').unwrap_or_default(),
        detail: field(b'D'),
        hint: field(b'H'),
    })
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::build;

    fn frame(kind: u8, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        build::frame(&mut bytes, kind, write);
        bytes
    }

    fn row(cells: &[Option<&[u8]>]) -> Vec<u8> {
        frame(b'D', |out| {
            out.extend_from_slice(&(cells.len() as u16).to_be_bytes());
            for cell in cells {
                let length = cell.map_or(-1, |cell| cell.len() as i32);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(cell.unwrap_or_default());
            }
        })
    }

    fn column(name: &str, type_oid: u32, binary: bool) -> PlayedColumn {
        PlayedColumn { name: name.to_owned(), type_oid, binary }
    }

    #[test]
    fn rows_in_binary_are_told_as_text_however_they_are_cut() {
        let columns = vec![
            column("id", 23, true),
            column("name", 25, true),
            column("at", 1184, true),
            column("is", 16, true),
            column("real", 701, true),
            column("what", 99_999, true),
            column("none", 25, true),
            column("data", 3802, true),
        ];
        // 2026-11-27 08:20:30.5 UTC, in microseconds since 2000.
        let at = 849_082_830_500_000_i64.to_be_bytes();
        let bytes = [
            row(&[
                Some(&7_i32.to_be_bytes()),
                Some(b"Ada"),
                Some(&at),
                Some(&[1]),
                Some(&0.5_f64.to_be_bytes()),
                Some(&[1, 0xab]),
                None,
                Some(b"\x01{\"a\": 1}"),
            ]),
            frame(b'C', |out| out.extend_from_slice(b"SELECT 1\0")),
        ]
        .concat();
        for cut in 0..bytes.len() {
            let (mut player, mut told) = (Player::default(), Vec::new());
            player.shape(columns.clone());
            player.feed(&bytes[..cut], &mut told).unwrap();
            player.feed(&bytes[cut..], &mut told).unwrap();
            let names = columns.iter().map(|column| column.name.clone()).collect();
            let cells = ["7", "Ada", "2026-11-27 08:20:30.5+00", "t", "0.5", "\\x01ab"];
            let cells = cells.iter().map(|cell| Some((*cell).to_owned()));
            let cells = cells.chain([None, Some("{\"a\": 1}".to_owned())]).collect();
            assert_eq!(
                told,
                [Played::Columns(names), Played::Row(cells), Played::Complete("SELECT 1".to_owned())],
                "{cut}"
            );
        }
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let mut told = Vec::new();
        assert!(Player::default().feed(&[b'D', 0, 0, 0, 1], &mut told).is_err());
        assert!(Player::default().feed(&frame(b'D', |out| out.push(9)), &mut told).is_err());
        assert!(told.is_empty() || matches!(told.as_slice(), [Played::Columns(_), ..]));
    }
}
