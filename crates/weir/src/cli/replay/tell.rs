//! Moments in the form that was asked for. Whatever a recording holds, nothing of it acts on a terminal.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, stdout};

use evidence::printable;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::UnixMicros;
use protocol_postgres::Said;
use serde_json::{Map, Value};

use super::Form;
use super::story::{Column, Moment, What};
use crate::cli::{CliError, output};

/// Rows that are laid out together.
const ROWS_TOGETHER: usize = 100;
/// The widest that a column is shown.
const WIDTH_MAX: usize = 60;

/// Tells what happened.
pub struct Teller {
    form: Form,
    table: Table,
    op: u64,
    has_told: bool,
    /// Columns of the operation whose rows are wanted as CSV, until they are told.
    header: Option<Vec<String>>,
}

impl Teller {
    pub fn new(form: &Form) -> Self {
        Self { form: *form, table: Table::default(), op: 0, has_told: false, header: None }
    }

    /// Whether a result was told.
    pub fn has_told(&self) -> bool {
        self.has_told
    }

    /// Tells one.
    pub fn tell(&mut self, moment: &Moment) -> Result<(), CliError> {
        match self.form {
            Form::Text => self.text(moment),
            Form::Json => output::line(ascii(&moment.json().to_string())),
            Form::Sql => sql(moment),
            Form::Csv(op) if moment.op == op => self.csv(moment),
            Form::Csv(_) => Ok(()),
        }
    }

    /// One that is not told may still say what the next ones are.
    pub fn pass(&mut self, moment: &Moment) {
        if let What::Columns { columns } = &moment.what {
            self.table.begin(columns.clone());
        }
    }

    /// Tells what waits.
    pub fn flush(&mut self) -> Result<(), CliError> {
        self.table.lines().into_iter().try_for_each(output::line)
    }

    pub fn end(&mut self) -> Result<(), CliError> {
        self.flush()
    }

    fn text(&mut self, moment: &Moment) -> Result<(), CliError> {
        match &moment.what {
            What::Row { cells } => {
                self.table.push(cells);
                return if self.table.is_full() { self.flush() } else { Ok(()) };
            }
            What::Columns { columns } => {
                self.flush()?;
                self.table.begin(columns.clone());
                return Ok(());
            }
            _ => self.flush()?,
        }
        match &moment.what {
            What::Decided { record } => self.decided(moment.at, record),
            What::Record { record } => recorded(moment.at, record),
            What::Complete { tag } => output::line(format_args!("    {}", printable(tag))),
            What::Said { said, .. } => say(said),
            What::Copied { text } => {
                text.lines().try_for_each(|line| output::line(format_args!("    {}", printable(line))))
            }
            What::Notified { channel, payload } => {
                output::line(format_args!("    notification on {}: {}", printable(channel), printable(payload)))
            }
            What::Left { bytes, why } => {
                output::line(format_args!("    [{bytes} bytes were shown here that are {why}]"))
            }
            What::Row { .. } | What::Columns { .. } => Ok(()),
        }
    }

    fn decided(&mut self, at: UnixMicros, record: &Map<String, Value>) -> Result<(), CliError> {
        let text = |key: &str| record.get(key).and_then(Value::as_str).map(printable).unwrap_or_default();
        let op = record.get("op").and_then(Value::as_u64).unwrap_or(0);
        self.op = op;
        output::line(format_args!("\n{}  #{op}  {}", time(at), text("text")))?;
        if text("ruling") == "deny" {
            let rules = words(record, "rules");
            let rules = if rules.is_empty() { String::new() } else { format!(" [{rules}]") };
            output::line(format_args!("    REFUSED{rules}: {}", text("why")))?;
        }
        Ok(())
    }

    fn csv(&mut self, moment: &Moment) -> Result<(), CliError> {
        match &moment.what {
            What::Columns { columns } => self.header = Some(columns.iter().map(|column| column.name.clone()).collect()),
            What::Row { cells } => {
                // In a file it is what was shown; on a terminal it must not act.
                let is_seen = stdout().is_terminal();
                if let Some(header) = self.header.take() {
                    self.has_told = true;
                    let names: Vec<String> =
                        header.into_iter().map(|name| if is_seen { printable(&name) } else { name }).collect();
                    output::line(csv_line(names.iter().map(|name| Some(name.as_str()))))?;
                }
                let seen = cells
                    .iter()
                    .map(|cell| cell.as_ref().map(|text| if is_seen { printable(text) } else { text.clone() }));
                let seen: Vec<Option<String>> = seen.collect();
                output::line(csv_line(seen.iter().map(Option::as_deref)))?;
            }
            What::Left { bytes, why } => {
                output::note(format_args!("{bytes} bytes of what operation {} has shown are {why}", moment.op));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A statement that ran. Those that are only prepared run later, under a number of their own.
fn sql(moment: &Moment) -> Result<(), CliError> {
    let What::Decided { record } = &moment.what else { return Ok(()) };
    let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
    let runs = matches!(text("step"), "query" | "execute");
    if text("ruling") != "permit" || !runs {
        return Ok(());
    }
    // Line breaks are a statement's own; anything else that acts on a terminal is none of it.
    let lines: Vec<String> = text("text").lines().map(printable).collect();
    let statement = lines.join("\n");
    let end = if statement.trim_end().ends_with(';') { "" } else { ";" };
    output::line(format_args!("{statement}{end}"))
}

fn recorded(at: UnixMicros, record: &Map<String, Value>) -> Result<(), CliError> {
    let text = |key: &str| record.get(key).and_then(Value::as_str).map(printable).unwrap_or_default();
    let number = |key: &str| record.get(key).and_then(Value::as_u64).unwrap_or(0);
    match text("event").as_str() {
        "admitted" => output::line(format_args!(
            "{}  {} came to {} from {} by {}  [{}]",
            time(at),
            text("principal"),
            text("target"),
            text("peer"),
            text("application"),
            words(record, "rules"),
        )),
        "ended" => {
            let mut line = format!("    #{}: {} rows", number("op"), number("rows"));
            if number("masked") > 0 {
                let _ = write!(line, ", {} cells masked", number("masked"));
            }
            for (key, word) in [("classes", "classes"), ("found", "found")] {
                let words = words(record, key);
                if !words.is_empty() {
                    let _ = write!(line, ", {word} {words}");
                }
            }
            if let Some(failed) =
                record.get("outcome").and_then(|outcome| outcome.get("failed")).and_then(Value::as_str)
            {
                let _ = write!(line, ", failed with {}", printable(failed));
            }
            output::line(line)
        }
        "closed" => output::line(format_args!("\n{}  closed: {}", time(at), text("why"))),
        other => {
            let mut detail = text("detail");
            if detail.is_empty() {
                detail = printable(&Value::Object(record.clone()).to_string());
            }
            output::line(format_args!("    {other}: {detail}"))
        }
    }
}

fn say(said: &Said) -> Result<(), CliError> {
    let Said { severity, code, message, detail, hint } = said;
    output::line(format_args!("    {} {}: {}", printable(severity), printable(code), printable(message)))?;
    for (word, more) in [("DETAIL", detail), ("HINT", hint)] {
        if let Some(more) = more {
            output::line(format_args!("    {word}: {}", printable(more)))?;
        }
    }
    Ok(())
}

/// A list of words in a record, or one.
fn words(record: &Map<String, Value>, key: &str) -> String {
    match record.get(key) {
        Some(Value::Array(words)) => {
            let words: Vec<String> = words.iter().filter_map(Value::as_str).map(printable).collect();
            words.join(", ")
        }
        Some(Value::String(word)) => printable(word),
        _ => String::new(),
    }
}

fn time(at: UnixMicros) -> String {
    let at = i64::try_from(at.0).ok().and_then(|at| Timestamp::from_microsecond(at).ok());
    at.map_or_else(String::new, |at| at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

/// JSON with every character that is not plain ASCII as an escape.
fn ascii(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, ' '..='~') {
            line.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(line, "\\u{unit:04x}");
            });
        }
    }
    line
}

/// A line of CSV (RFC 4180). NULL is nothing between two commas, and an empty text is `""`.
fn csv_line<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> String {
    let cell = |cell: Option<&str>| match cell {
        None => String::new(),
        Some(text) if text.is_empty() || text.contains(['"', ',', '\n', '\r']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Some(text) => text.to_owned(),
    };
    cells.map(cell).collect::<Vec<_>>().join(",")
}

/// A result that is being laid out.
#[derive(Default)]
struct Table {
    columns: Vec<Column>,
    is_begun: bool,
    widths: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn begin(&mut self, columns: Vec<Column>) {
        *self = Self { columns, ..Self::default() };
    }

    fn push(&mut self, cells: &[Option<String>]) {
        let cell =
            |cell: &Option<String>| cell.as_deref().map_or_else(|| "NULL".to_owned(), |text| cut(&printable(text)));
        self.rows.push(cells.iter().map(cell).collect());
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= ROWS_TOGETHER
    }

    /// What waits, in lines; columns stay as wide as they were.
    fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.rows.is_empty() && (self.is_begun || self.columns.is_empty()) {
            return lines;
        }
        if !self.is_begun {
            self.is_begun = true;
            let names: Vec<String> = self.columns.iter().map(|column| cut(&printable(&column.name))).collect();
            let longest = |at: usize, name: &String| {
                let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
                cells.chain([name.chars().count()]).max().unwrap_or(0)
            };
            self.widths = names.iter().enumerate().map(|(at, name)| longest(at, name)).collect();
            lines.push(self.line(&names));
            for (column, mark) in self.columns.iter().filter_map(|column| Some((column, column.mark()?))) {
                lines.push(format!("    ({} is {})", cut(&printable(&column.name)), printable(&mark)));
            }
        }
        let rows = std::mem::take(&mut self.rows);
        lines.extend(rows.iter().map(|row| self.line(row)));
        lines
    }

    fn line(&self, cells: &[String]) -> String {
        let padded = cells.iter().enumerate().map(|(at, cell)| {
            let width = self.widths.get(at).copied().unwrap_or(0);
            format!("{cell:width$}")
        });
        format!("    {}", padded.collect::<Vec<_>>().join(" | ").trim_end())
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(WIDTH_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use evidence::recording::KeptField;
    use model::Sight;

    use super::*;

    #[test]
    fn a_table_keeps_its_widths_and_marks_its_columns() {
        let ssn = KeptField {
            name: "ssn".to_owned(),
            type_id: 25,
            binary: false,
            class: Some("pii.national_id".to_owned()),
            sight: Sight::Nothing,
            kept: Sight::Nothing,
        };
        let mut table = Table::default();
        let id = Column { name: "id".to_owned(), field: None };
        table.begin(vec![id, Column { name: "ssn".to_owned(), field: Some(ssn) }]);
        table.push(&[Some("1".to_owned()), None]);
        table.push(&[Some("12345".to_owned()), Some("\u{1b}[2Jx".to_owned())]);
        let lines = table.lines();
        assert_eq!(
            lines,
            ["    id    | ssn", "    (ssn is pii.national_id: nothing)", "    1     | NULL", "    12345 | \\u{1b}[2Jx"]
        );
        table.push(&[Some("2".to_owned()), Some("y".repeat(100))]);
        assert_eq!(table.lines(), [format!("    2     | {}…", "y".repeat(60))]);
        assert!(table.lines().is_empty());
    }

    #[test]
    fn csv_tells_nothing_from_an_empty_text() {
        let cells = [None, Some(""), Some("a,b"), Some("say \"x\""), Some("plain")];
        assert_eq!(csv_line(cells.into_iter()), ",\"\",\"a,b\",\"say \"\"x\"\"\",plain");
    }
}
