//! What was found in the tables of a target, for people and for programs.

use std::collections::BTreeMap;

use protocol_postgres::{SampledTable, Skipped};
use serde_json::json;

use super::verdict::Verdict;
use crate::cli::{CliError, counted, output};

/// What was found in the columns of a target, and what was not looked at.
#[derive(Default)]
pub struct Found {
    verdicts: Vec<(String, Verdict)>,
    /// Tables of which rows were read, and rows.
    tables: u64,
    rows: u64,
    /// Tables that have no rows.
    empty: Vec<String>,
    tables_skipped: Vec<(String, Skipped)>,
    columns_clean: u64,
    columns_empty: u64,
    columns_skipped: BTreeMap<Skipped, u64>,
}

/// `schema.table`.
pub fn name_of(table: &SampledTable) -> String {
    format!("{}.{}", table.schema, table.name)
}

impl Found {
    /// Rows of a table were read.
    pub fn table(&mut self, table: &SampledTable, rows: u64) {
        self.tables = self.tables.saturating_add(1);
        self.rows = self.rows.saturating_add(rows);
        if rows == 0 {
            self.empty.push(name_of(table));
        }
        for column in table.columns.iter().filter_map(|column| column.skipped.clone()) {
            add(self.columns_skipped.entry(column).or_default());
        }
    }

    /// None were.
    pub fn skip(&mut self, table: &SampledTable, why: Skipped) {
        self.tables_skipped.push((name_of(table), why));
        for column in table.columns.iter().filter_map(|column| column.skipped.clone()) {
            add(self.columns_skipped.entry(column).or_default());
        }
    }

    /// What a column of it holds.
    pub fn column(&mut self, table: &SampledTable, column: &str, looked_at: u64, verdict: Option<Verdict>) {
        match verdict {
            Some(verdict) => self.verdicts.push((format!("{}.{column}", name_of(table)), verdict)),
            None if looked_at == 0 => add(&mut self.columns_empty),
            None => add(&mut self.columns_clean),
        }
    }

    /// Writes lines for the configuration; `is_begun` says whether the target has classes there already.
    pub fn tell(&self, target: &str, is_begun: bool) -> Result<(), CliError> {
        let (proposed, partly): (Vec<_>, Vec<_>) = self.verdicts.iter().partition(|(_, verdict)| verdict.proposed);
        if !self.verdicts.is_empty() {
            match is_begun {
                true => output::line(format_args!("# Under [targets.{target}.classes], which is there already:"))?,
                false => output::line(format_args!("[targets.{target}.classes]"))?,
            }
        }
        lines(&proposed, "")?;
        if !partly.is_empty() {
            output::line("# Not all of these columns, but some of their cells, or parts of them:")?;
            lines(&partly, "# ")?;
        }
        self.tell_coverage(proposed.len(), partly.len());
        Ok(())
    }

    /// Says what was looked at and what was not.
    fn tell_coverage(&self, proposed: usize, partly: usize) {
        let not = counted(self.tables_skipped.len(), "table");
        output::note(format_args!(
            "looked at {} of {}; not at {not}",
            counted(self.rows, "row"),
            counted(self.tables, "table")
        ));
        output::note(format_args!(
            "columns: {proposed} proposed, {partly} with some findings, {} with none, {} without a value",
            self.columns_clean, self.columns_empty
        ));
        for (why, count) in &self.columns_skipped {
            output::note(format_args!("  {}: {why}", counted(*count, "column")));
        }
        let mut by_why: BTreeMap<&Skipped, Vec<&str>> = BTreeMap::new();
        self.tables_skipped.iter().for_each(|(table, why)| by_why.entry(why).or_default().push(table));
        for (why, tables) in by_why {
            output::note(format_args!("not looked at: {why}: {}", evidence::printable(&tables.join(", "))));
        }
        if !self.empty.is_empty() {
            output::note(format_args!("without rows: {}", evidence::printable(&self.empty.join(", "))));
        }
    }

    /// All of it as one object.
    pub fn json(&self, target: &str, database: &str) -> serde_json::Value {
        let column = |(column, verdict): &(String, Verdict)| {
            json!({
                "column": column,
                "class": verdict.class,
                "kind": verdict.kind,
                "proposed": verdict.proposed,
                "confidence": (verdict.confidence * 1000.0).round() / 1000.0,
                "cells": verdict.cells,
                "looked_at": verdict.looked_at,
                "masked": verdict.examples,
                "also": verdict.also.iter().map(|(kind, cells)| json!({"kind": kind, "cells": cells})).collect::<Vec<_>>(),
            })
        };
        let skipped = |(table, why): &(String, Skipped)| json!({"table": table, "why": why.to_string()});
        let why: serde_json::Map<_, _> =
            self.columns_skipped.iter().map(|(why, count)| (why.to_string(), json!(count))).collect();
        json!({
            "target": target,
            "database": database,
            "columns": self.verdicts.iter().map(column).collect::<Vec<_>>(),
            "coverage": {
                "tables_looked_at": self.tables,
                "rows_looked_at": self.rows,
                "tables_without_rows": self.empty,
                "tables_not_looked_at": self.tables_skipped.iter().map(skipped).collect::<Vec<_>>(),
                "columns_with_none": self.columns_clean,
                "columns_without_a_value": self.columns_empty,
                "columns_not_looked_at": why,
            },
        })
    }
}

fn add(count: &mut u64) {
    *count = count.saturating_add(1);
}

/// A line for each of these columns.
fn lines(verdicts: &[&(String, Verdict)], mark: &str) -> Result<(), CliError> {
    let line = |row: &&(String, Verdict)| (key(&row.0), format!("\"{}\"", row.1.class));
    let rows: Vec<(String, String)> = verdicts.iter().map(line).collect();
    let keys = rows.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    let classes = rows.iter().map(|(_, class)| class.len()).max().unwrap_or(0);
    for ((key, class), (_, verdict)) in rows.iter().zip(verdicts) {
        output::line(format_args!("{mark}{key:keys$} = {class:classes$}  # {}", words(verdict)))?;
    }
    Ok(())
}

/// A column as a key of the configuration, which takes no control characters, and `*` for any.
fn key(column: &str) -> String {
    let plain: String = column.chars().map(|c| if c.is_control() { '*' } else { c }).collect();
    // What is left is written as JSON writes it.
    json!(plain).to_string()
}

fn words(verdict: &Verdict) -> String {
    let confidence = crate::cli::masked::percent_of(verdict.confidence);
    let Verdict { kind, cells, looked_at, .. } = verdict;
    let also: String = verdict.also.iter().map(|(kind, cells)| format!("; also {kind} in {cells}")).collect();
    format!("{confidence} sure: {kind} in {cells} of {looked_at} cells{also}; {}", verdict.examples.join("  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_any_name_is_a_key() {
        for (column, read) in [
            ("public.customers.email", "public.customers.email"),
            ("a.b.say \"hi\"", "a.b.say \"hi\""),
            ("a.b.c\\d", "a.b.c\\d"),
            ("a.b.new\nline\u{7f}", "a.b.new*line*"),
            ("a.b.é'", "a.b.é'"),
        ] {
            let text = format!("{} = \"pii.x\"\n", key(column));
            let table: toml::Table = text.parse().unwrap();
            assert_eq!(table.keys().collect::<Vec<_>>(), [read], "{text}");
        }
    }
}
