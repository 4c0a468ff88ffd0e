//! What was found, as aligned lines for people and as JSON for programs.

use std::fmt::Write as _;

use evidence::printable;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use store::Position;

use super::super::{CliError, output};

/// A head and rows, in columns as wide as what is in them. The last column is as long as it is.
pub fn show_table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), CliError> {
    let rows: Vec<_> = [head.map(str::to_owned)]
        .into_iter()
        .chain(rows.into_iter().map(|row| row.map(|cell| printable(&cell))))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in &rows {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        output::line(cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// What was found and where it stands, as one JSON object; characters that can't be seen are written as escapes.
pub fn show_json(found: &impl Serialize, position: Position) -> Result<(), CliError> {
    #[derive(Serialize)]
    struct Line<'a, T> {
        #[serde(flatten)]
        found: &'a T,
        cursor: String,
    }
    let json = serde_json::to_string(&Line { found, cursor: position.to_string() })
        .map_err(|error| CliError::failed(format!("this can't be written as JSON: {error}"), ""))?;
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        let mut bytes = [0; 4];
        if c.is_ascii() || printable(c.encode_utf8(&mut bytes)).starts_with(c) {
            line.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(line, "\\u{unit:04x}");
            });
        }
    }
    output::line(line)
}

/// Says that there is more, and how to see it.
pub fn show_more(next: Option<Position>) {
    if let Some(next) = next {
        output::note(format_args!("there is more: the same with --after {next}"));
    }
}

/// At most this many characters.
pub fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The end of a session's id: its beginning is the time, which neighbours share.
pub fn short_id(session: Option<&str>) -> String {
    let Some(session) = session else { return "--------".to_owned() };
    session.char_indices().rev().nth(7).and_then(|(at, _)| session.get(at..)).unwrap_or(session).to_owned()
}

/// Microseconds since 1970, as this machine's clock shows them.
pub fn time(at: i64) -> String {
    match Timestamp::from_microsecond(at) {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        Err(_) => format!("{at} µs"),
    }
}
