//! Reads a TOML table key by key and collects everything that is wrong with it, each with its place.
//!
//! It knows TOML and nothing of what the keys mean. serde is not used: it stops at the first problem, and names a place
//! only for some of them.

use std::ops::RangeInclusive;
use std::path::Path;

use policy::Severity;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;
use super::suggest;

/// A key's path and its place in the text, for whatever has to be said about it.
#[derive(Clone, Debug)]
pub struct At {
    /// The path, written as TOML would.
    pub key: String,
    /// Bytes from the start of the text.
    pub offset: usize,
}

/// The text that is read, and what was found wrong with it so far.
pub struct Findings<'s> {
    file: &'s Path,
    text: &'s str,
    /// The text is no TOML: what looks missing may only not have been understood.
    pub broken: bool,
    problems: Vec<(usize, Problem)>,
}

impl<'s> Findings<'s> {
    /// Nothing is wrong with this text yet.
    pub fn new(file: &'s Path, text: &'s str) -> Self {
        Self { file, text, broken: false, problems: Vec::new() }
    }

    /// Notes an error.
    pub fn error(&mut self, at: &At, what: impl Into<String>, help: impl Into<String>) {
        self.note(Severity::Error, at, what.into(), help.into());
    }

    /// Notes a warning.
    pub fn warn(&mut self, at: &At, what: impl Into<String>, help: impl Into<String>) {
        self.note(Severity::Warning, at, what.into(), help.into());
    }

    /// Notes that a key is not there.
    pub fn missing(&mut self, at: &At, name: &str, help: impl Into<String>) {
        if !self.broken {
            self.error(at, format!("`{name}` is missing"), help);
        }
    }

    /// All of it, in the order of the text.
    pub fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|(offset, _)| *offset);
        self.problems.into_iter().map(|(_, problem)| problem).collect()
    }

    fn note(&mut self, severity: Severity, at: &At, what: String, help: String) {
        let before = self.text.get(..at.offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end.saturating_add(1));
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.get(line_start..).unwrap_or("").chars().count().saturating_add(1);
        let (file, place, key) = (self.file.to_path_buf(), Some((line, column)), at.key.clone());
        self.problems.push((at.offset, Problem { severity, file, place, key, what, help }));
    }
}

/// One table whose keys are known by name. Every name that is asked for is remembered; what is left is unknown.
pub struct Section<'t> {
    /// Where the section is.
    pub at: At,
    table: &'t DeTable<'t>,
    asked: Vec<&'static str>,
}

impl<'t> Section<'t> {
    /// The whole document.
    pub fn root(table: &'t DeTable<'t>) -> Self {
        Self { at: At { key: String::new(), offset: 0 }, table, asked: Vec::new() }
    }

    /// The entry of this name, if there is one.
    pub fn entry(&mut self, name: &'static str) -> Option<Entry<'t>> {
        self.asked.push(name);
        self.entries().find(|(key, _)| *key == name).map(|(_, entry)| entry)
    }

    /// The entry of this name, which must be there. `example` is how it could look.
    pub fn required(&mut self, name: &'static str, example: &str, found: &mut Findings<'_>) -> Option<Entry<'t>> {
        let entry = self.entry(name);
        if entry.is_none() {
            found.missing(&self.at, name, format!("add `{example}`"));
        }
        entry
    }

    /// All entries, for tables whose keys are names of the user's.
    pub fn entries(&self) -> impl Iterator<Item = (&'t str, Entry<'t>)> + use<'t> {
        let (table, path) = (self.table, self.at.key.clone());
        table.iter().map(move |(key, value)| (&**key.get_ref(), Entry::new(&path, key, value)))
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self, found: &mut Findings<'_>) {
        for (key, entry) in self.entries().filter(|(key, _)| !self.asked.contains(key)) {
            let known = self.asked.iter().copied();
            let help = match suggest::nearest(key, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", self.asked.join(", ")),
            };
            found.error(&entry.name_at, "unknown key", help);
        }
    }
}

/// One key with its value.
pub struct Entry<'t> {
    /// Where the value is.
    pub at: At,
    /// Where the key's name is.
    pub name_at: At,
    value: &'t DeValue<'t>,
}

impl<'t> Entry<'t> {
    fn new(path: &str, key: &Spanned<std::borrow::Cow<'t, str>>, value: &'t Spanned<DeValue<'t>>) -> Self {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let name = key.get_ref();
        let shown = if !name.is_empty() && name.chars().all(bare) { name.to_string() } else { format!("{name:?}") };
        let key_path = if path.is_empty() { shown } else { format!("{path}.{shown}") };
        let name_at = At { key: key_path.clone(), offset: key.span().start };
        // The span of a table is that of its header, which may be far above for dotted keys: its name is the better place.
        let offset = if value.get_ref().is_table() { name_at.offset } else { value.span().start };
        Self { at: At { key: key_path, offset }, name_at, value: value.get_ref() }
    }

    /// A text without control characters, not empty.
    pub fn text(&self, found: &mut Findings<'_>) -> Option<&'t str> {
        let DeValue::String(text) = self.value else {
            return self.wrong_type("a text in quotes", found);
        };
        if text.is_empty() {
            found.error(&self.at, "is empty", "write a value, or leave the key out");
            return None;
        }
        if text.chars().any(char::is_control) {
            found.error(&self.at, "holds a control character", "write printable characters only, on one line");
            return None;
        }
        Some(text)
    }

    /// One of a few words.
    pub fn one_of<T: Copy>(&self, words: &[(&str, T)], found: &mut Findings<'_>) -> Option<T> {
        let text = self.text(found)?;
        let word = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if word.is_none() {
            let list = words.iter().map(|(word, _)| format!("{word:?}")).collect::<Vec<_>>().join(" or ");
            found.error(&self.at, format!("{} is not known here", suggest::quoted(text)), format!("write {list}"));
        }
        word
    }

    /// A whole number in a range.
    pub fn whole_number(&self, range: RangeInclusive<u32>, found: &mut Findings<'_>) -> Option<u32> {
        let DeValue::Integer(number) = self.value else {
            return self.wrong_type("a whole number, without quotes", found);
        };
        let number = u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|n| range.contains(n));
        if number.is_none() {
            let help = format!("write a whole number from {} to {}", range.start(), range.end());
            found.error(&self.at, "is out of range", help);
        }
        number
    }

    /// A number in a range, whole or with a point.
    pub fn number(&self, range: RangeInclusive<f32>, found: &mut Findings<'_>) -> Option<f32> {
        let number = match self.value {
            DeValue::Float(number) => number.as_str().parse::<f32>().ok(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse::<f32>().ok(),
            DeValue::Integer(_) => None,
            _ => return self.wrong_type("a number, without quotes", found),
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let help = format!("write a number from {} to {}", range.start(), range.end());
            found.error(&self.at, "is out of range", help);
        }
        number
    }

    /// A number of bytes, like "256MiB"; "0" is none.
    pub fn size(&self, max: u64, found: &mut Findings<'_>) -> Option<u64> {
        const HELP: &str = "write a whole number with a unit, like \"256MiB\" or \"2GiB\"; \"0\" for none";
        if matches!(self.value, DeValue::Integer(_)) {
            return self.wrong_type("it in quotes, with its unit, like \"256MiB\"", found);
        }
        let text = self.text(found)?;
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let shift = match unit.trim_start() {
            "B" => Some(0),
            "KiB" => Some(10),
            "MiB" => Some(20),
            "GiB" => Some(30),
            "TiB" => Some(40),
            "" if digits.bytes().all(|digit| digit == b'0') => Some(0),
            _ => None,
        };
        let bytes = digits.parse::<u64>().ok().zip(shift).and_then(|(number, shift)| number.checked_mul(1 << shift));
        let Some(bytes) = bytes else {
            found.error(&self.at, format!("{} is no size", suggest::quoted(text)), HELP);
            return None;
        };
        if bytes > max {
            found.error(&self.at, "is out of range", format!("write at most \"{}TiB\"", max >> 40));
            return None;
        }
        Some(bytes)
    }

    /// A list of texts, each with its place; a text that is there twice is an error.
    pub fn texts(&self, found: &mut Findings<'_>) -> Vec<(At, &'t str)> {
        let mut texts: Vec<(At, &'t str)> = Vec::new();
        for item in self.items("a list of texts, [\"…\", \"…\"]", found) {
            let Some(text) = item.text(found) else { continue };
            if texts.iter().any(|(_, earlier)| *earlier == text) {
                found.error(&item.at, format!("{} is in the list twice", suggest::quoted(text)), "keep one of them");
                continue;
            }
            texts.push((item.at, text));
        }
        texts
    }

    /// What is in a list; `right` is how the list could look.
    pub fn items(&self, right: &str, found: &mut Findings<'_>) -> Vec<Self> {
        let DeValue::Array(items) = self.value else {
            self.wrong_type::<()>(right, found);
            return Vec::new();
        };
        let item = |item: &'t Spanned<DeValue<'t>>| {
            let at = At { key: self.at.key.clone(), offset: item.span().start };
            Entry { at: at.clone(), name_at: at, value: item.get_ref() }
        };
        items.iter().map(item).collect()
    }

    /// A table.
    pub fn section(&self, found: &mut Findings<'_>) -> Option<Section<'t>> {
        match self.value {
            DeValue::Table(table) => Some(Section { at: self.at.clone(), table, asked: Vec::new() }),
            _ => self.wrong_type(&format!("a section, [{}]", self.at.key), found),
        }
    }

    /// Whether the value is a text, for keys where a text needs an answer of its own.
    pub fn is_text(&self) -> bool {
        self.value.is_str()
    }

    /// Whether it is a text of which this holds.
    pub fn is_text_with(&self, holds: impl Fn(&str) -> bool) -> bool {
        self.value.as_str().is_some_and(holds)
    }

    /// Whether the value is a table, likewise.
    pub fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// Whether the value is a list with nothing in it.
    pub fn is_empty_list(&self) -> bool {
        self.value.as_array().is_some_and(|items| items.is_empty())
    }

    fn wrong_type<T>(&self, right: &str, found: &mut Findings<'_>) -> Option<T> {
        let is = match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        found.error(&self.at, format!("is {is}"), format!("write {right}"));
        None
    }
}
