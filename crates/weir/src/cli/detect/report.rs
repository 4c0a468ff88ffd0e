//! What was found, as it is found: a line for each finding, or the bytes without it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use detect::{Detector, Entity, Finding, Hidden, Sink};
use redact::REDACTED;
use serde_json::json;

use super::places::Places;
use crate::cli::masked::{masked, percent, sureness};
use crate::cli::{counted, output};

/// What was found so far, by kind: its class, and how often.
#[derive(Default)]
pub struct Summary {
    kinds: BTreeMap<String, (String, u64)>,
    /// How much was found.
    pub found: u64,
    /// How many files were read.
    pub files: usize,
    /// How many bytes were.
    pub bytes: u64,
}

impl Summary {
    /// One more was found.
    fn count(&mut self, entity: &Entity) {
        self.found = self.found.saturating_add(1);
        match self.kinds.get_mut(&entity.name) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => drop(self.kinds.insert(entity.name.clone(), (entity.class.clone(), 1))),
        }
    }

    /// Says it to people.
    pub fn tell(&self) {
        let (files, bytes) = (counted(self.files, "file"), indicatif::BinaryBytes(self.bytes));
        if self.found == 0 {
            output::note(format_args!("nothing found in {files}, {bytes}"));
            return;
        }
        output::note(format_args!("{} in {files}, {bytes}", counted(self.found, "finding")));
        let names = self.kinds.keys().map(String::len).max().unwrap_or(0);
        let classes = self.kinds.values().map(|(class, _)| class.len()).max().unwrap_or(0);
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, (_, count))| std::cmp::Reverse(*count));
        for (name, (class, count)) in kinds {
            output::note(format_args!("  {name:names$}  {class:classes$}  {count}"));
        }
    }
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A line for each finding.
    Lines,
    /// A JSON object for each.
    Json,
    /// The bytes, with something in the place of each.
    Redacted,
}

/// Writes what is found in one file.
pub struct Report<'a, W> {
    /// The file's name, as it was given.
    pub file: &'a str,
    /// What is written.
    pub how: How,
    /// What is less sure is left out.
    pub odds_min: f32,
    /// What is looked for.
    pub detector: &'a Detector,
    /// What was found in all files.
    pub summary: &'a mut Summary,
    /// Where it is written.
    pub out: W,
    /// Where in the file.
    pub places: Places,
    /// Why nothing more is.
    pub failed: Option<io::Error>,
}

impl<W: Write> Sink for Report<'_, W> {
    fn pass(&mut self, bytes: &[u8]) {
        if self.how == How::Redacted {
            self.write(|out| out.write_all(bytes));
        }
    }

    fn hide(&mut self, hidden: &Hidden<'_>) {
        let (mut is_sure, odds_min) = (false, self.odds_min);
        for finding in hidden.findings.iter().filter(|finding| finding.odds >= odds_min) {
            is_sure = true;
            let Some(entity) = self.detector.entity(finding.kind) else { continue };
            self.summary.count(entity);
            if self.how != How::Redacted {
                self.line(entity, finding, hidden);
            }
        }
        self.places.pass(hidden.end);
        if self.how == How::Redacted && !hidden.is_rest {
            match hidden.text.filter(|_| !is_sure) {
                Some(text) => self.write(|out| out.write_all(text)),
                None => self.write(|out| out.write_all(REDACTED.as_bytes())),
            }
        }
    }
}

impl<W: Write> Report<'_, W> {
    fn write(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) {
        if self.failed.is_none() {
            self.failed = write(&mut self.out).err();
        }
    }

    fn line(&mut self, entity: &Entity, finding: &Finding, hidden: &Hidden<'_>) {
        let (start, end) = (finding.start, finding.end);
        let (line, column) = self.places.of(start);
        let of = start.saturating_sub(hidden.start)..end.saturating_sub(hidden.start);
        let masked = match hidden.text.and_then(|text| text.get(of)) {
            Some(text) => masked(entity, text),
            None => REDACTED.to_owned(),
        };
        let (file, how, sure) = (self.file, self.how, sureness(finding.odds));
        let Entity { name, class, .. } = entity;
        self.write(|out| match how {
            How::Json => {
                let object = json!({
                    "file": file,
                    "line": line,
                    "column": column,
                    "offset": start,
                    "bytes": end.saturating_sub(start),
                    "kind": name,
                    "class": class,
                    "odds": rounded(finding.odds, 100.0),
                    "sureness": rounded(sure, 10_000.0),
                    "masked": masked,
                });
                writeln!(out, "{object}")
            }
            _ => {
                let (file, sure) = (evidence::printable(file), percent(sure));
                writeln!(out, "{file}:{line}:{column}  {name}  {class}  {sure}  {masked}")
            }
        });
    }
}

/// So that nobody reads more into a number than there is.
fn rounded(number: f32, parts: f64) -> f64 {
    (f64::from(number) * parts).round() / parts
}

#[cfg(test)]
mod tests {
    use detect::Stream;

    use super::*;

    fn written(how: How, odds_min: f32, parts: &[&[u8]]) -> String {
        let detector = detect::builtin().unwrap();
        let mut summary = Summary::default();
        let (file, places, out) = ("f", Places::new(), Vec::new());
        let mut report = Report { file, how, odds_min, detector, summary: &mut summary, out, places, failed: None };
        let mut stream = Stream::with_views(detector);
        for part in parts {
            report.places.read(part);
            stream.feed(part, false, None, &mut report);
        }
        stream.feed(&[], true, None, &mut report);
        String::from_utf8(report.out).unwrap()
    }

    #[test]
    fn it_does_not_matter_in_which_parts_the_bytes_come() {
        let text =
            "a\nssn: 536-90-4399 and\n\njane.doe@example.com, {\"a\": \"jane\\u0040example.com\"}\n4111 1111 1111 1111";
        for how in [How::Lines, How::Json, How::Redacted] {
            let whole = written(how, 0.0, &[text.as_bytes()]);
            for cut in 0..text.len() {
                let (one, two) = text.as_bytes().split_at(cut);
                assert_eq!(written(how, 0.0, &[one, two]), whole, "{cut}");
            }
        }
        assert_eq!(
            written(How::Redacted, 0.0, &[text.as_bytes()]),
            "a\nssn: [redacted] and\n\n[redacted], {\"a\": \"[redacted]\"}\n[redacted]"
        );
        let lines = written(How::Lines, 0.0, &[text.as_bytes()]);
        let places: Vec<_> = lines.lines().map(|line| line.split("  ").next().unwrap()).collect();
        assert_eq!(places, ["f:2:6", "f:4:1", "f:4:30", "f:5:1"]);
    }

    #[test]
    fn what_is_not_sure_enough_stays() {
        assert_eq!(written(How::Redacted, 1000.0, &[b"ssn: 536-90-4399!"]), "ssn: 536-90-4399!");
    }
}
