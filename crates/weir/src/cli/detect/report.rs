//! Where things were found, line by line, for people and for programs.

use std::collections::BTreeMap;
use std::io::Write;

use detect::{Detector, Entity, Finding};
use serde_json::json;

use super::windows::{Settled, place};
use crate::cli::masked::{masked, percent, sureness};
use crate::cli::{CliError, output};

/// What was found so far, by kind: its class, and how often.
#[derive(Default)]
pub struct Summary {
    kinds: BTreeMap<String, (String, u64)>,
    /// How many were found.
    pub found: u64,
    /// How many files were read, and how many bytes.
    pub files: usize,
    /// How many bytes were read.
    pub bytes: u64,
}

impl Summary {
    /// One more was found.
    pub fn count(&mut self, entity: &Entity) {
        self.found = self.found.saturating_add(1);
        match self.kinds.get_mut(&entity.name) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => drop(self.kinds.insert(entity.name.clone(), (entity.class.clone(), 1))),
        }
    }

    /// Says it to people.
    pub fn tell(&self) {
        let (files, bytes) = (crate::cli::counted(self.files, "file"), indicatif::BinaryBytes(self.bytes));
        if self.found == 0 {
            output::note(format_args!("nothing found in {files}, {bytes}"));
            return;
        }
        output::note(format_args!("{} in {files}, {bytes}", crate::cli::counted(self.found, "finding")));
        let widest = |texts: &mut dyn Iterator<Item = &String>| texts.map(String::len).max().unwrap_or(0);
        let (name_width, class_width) =
            (widest(&mut self.kinds.keys()), widest(&mut self.kinds.values().map(|(class, _)| class)));
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, (_, count))| std::cmp::Reverse(*count));
        for (name, (class, count)) in kinds {
            output::note(format_args!("  {name:name_width$}  {class:class_width$}  {count}"));
        }
    }
}

/// Writes a line for each finding of one file.
pub struct Lines<'a> {
    /// The file's name, as it was given.
    pub file: &'a str,
    /// One JSON object a line.
    pub json: bool,
    /// The line that `at` is on, from 1, and where it begins.
    line: u64,
    line_start: u64,
    at: u64,
}

impl<'a> Lines<'a> {
    /// Of the beginning of this file.
    pub fn new(file: &'a str, json: bool) -> Self {
        Self { file, json, line: 1, line_start: 0, at: 0 }
    }

    /// Writes what begins in this part.
    pub fn part(
        &mut self,
        detector: &Detector,
        settled: &Settled<'_>,
        summary: &mut Summary,
        out: &mut impl Write,
    ) -> Result<(), CliError> {
        for found in settled.found {
            self.go(settled, found.start);
            if let Some(entity) = detector.entity(found.kind) {
                summary.count(entity);
                let value = settled.bytes.get(found.start..found.end).unwrap_or_default();
                self.line(entity, found, value, out).map_err(output::unwritten)?;
            }
        }
        self.go(settled, settled.part.end);
        Ok(())
    }

    /// Counts lines up to a place.
    fn go(&mut self, settled: &Settled<'_>, to: usize) {
        let from = usize::try_from(self.at.saturating_sub(settled.offset)).unwrap_or(usize::MAX);
        let passed = settled.bytes.get(from..to).unwrap_or_default();
        for end in memchr::memchr_iter(b'\n', passed) {
            self.line = self.line.saturating_add(1);
            self.line_start = place(self.at, end).saturating_add(1);
        }
        self.at = place(settled.offset, to);
    }

    fn line(&self, entity: &Entity, found: &Finding, value: &[u8], out: &mut impl Write) -> std::io::Result<()> {
        let Self { file, line, at, .. } = self;
        let column = at.saturating_sub(self.line_start).saturating_add(1);
        let Entity { name, class, .. } = entity;
        let (sure, masked) = (sureness(found.odds), masked(entity, value));
        match self.json {
            false => {
                let (file, sure) = (evidence::printable(file), percent(sure));
                writeln!(out, "{file}:{line}:{column}  {name}  {class}  {sure}  {masked}")
            }
            true => {
                let object = json!({
                    "file": file,
                    "line": line,
                    "column": column,
                    "offset": at,
                    "bytes": value.len(),
                    "kind": name,
                    "class": class,
                    "odds": rounded(found.odds, 100.0),
                    "sureness": rounded(sure, 10_000.0),
                    "masked": masked,
                });
                writeln!(out, "{object}")
            }
        }
    }
}

/// So that nobody reads more into a number than there is.
fn rounded(number: f32, parts: f64) -> f64 {
    (f64::from(number) * parts).round() / parts
}
