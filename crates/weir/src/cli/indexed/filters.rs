//! What can be searched by, as arguments.

use std::time::{SystemTime, UNIX_EPOCH};

use store::{Index, Position, Ruling, Search};

use super::super::{CliError, time_span};
use super::subjects;
use crate::config::Config;

/// Filters of sessions and statements. All that are given must hold.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Filters, of which all must hold")]
pub struct Filters {
    /// Who: a principal's id, with or without its issuer; also one on whose behalf somebody acted
    #[arg(long, value_name = "[ISSUER:]NAME", value_parser = name)]
    person: Option<String>,
    /// Whose workload it was
    #[arg(long, value_name = "[ISSUER:]NAME", value_parser = name)]
    owner: Option<String>,
    /// A group of the caller's
    #[arg(long, value_name = "GROUP", value_parser = name)]
    group: Option<String>,
    /// The target
    #[arg(long, value_name = "NAME", value_parser = name)]
    target: Option<String>,
    /// The workflow run, or the workflow before its #
    #[arg(long, value_name = "RUN", value_parser = name)]
    run: Option<String>,
    /// A table that was asked for, with or without its schema
    #[arg(long, value_name = "[SCHEMA.]TABLE", value_parser = name)]
    table: Option<String>,
    /// A column with a class that results were made of, or that was asked for by itself (probe, store, overwrite); with or without its table, and
    /// with the sight that it was shown at: ssn, people.ssn, ssn:clear
    #[arg(long, value_name = "[TABLE.]COLUMN", value_parser = name)]
    column: Option<String>,
    /// A class that was met, or one above it; with :clear, :partial, :token or :nothing as it was shown
    #[arg(long, value_name = "CLASS[:SIGHT]", value_parser = name)]
    class: Option<String>,
    /// A rule that decided
    #[arg(long, value_name = "ID", value_parser = name)]
    rule: Option<String>,
    /// How it was decided: permit or deny
    #[arg(long, value_parser = ["permit", "deny"])]
    decision: Option<String>,
    /// At least so many rows were shown
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    min_rows: Option<u64>,
    /// Not before: a moment, or how long ago
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<u64>,
    /// Before: a moment, or how long ago
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<u64>,
    /// Where this value of a class was shown clear, by the tokens that recordings keep in its place
    #[arg(long, value_name = "VALUE", value_parser = name)]
    value: Option<String>,
}

/// Which part of what is found is shown, and how.
#[derive(Debug, clap::Args)]
pub struct PageArgs {
    /// At most so many
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Go on behind this: what the page before ended with
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<Position>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

impl PageArgs {
    /// At most so many.
    pub fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }
}

impl Filters {
    /// As the index takes them.
    pub fn search(self, index: &mut Index, config: &Config) -> Result<Search, CliError> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            return Err(CliError::usage("--since is not before --until, so nothing can be between them", ""));
        }
        let subject = match &self.value {
            None => None,
            Some(value) => {
                subjects::feed(index, config)?;
                if !index.has_subjects().map_err(super::unusable)? {
                    return Err(CliError::failed(
                        "no value of a class is in any recording, so nobody can say to whom this one was shown",
                        "values are looked up by the tokens that recordings keep of what was seen clear; the log holds no values, and what a deleted recording showed is forgotten",
                    ));
                }
                Some(subjects::tokens_of(value, config)?)
            }
        };
        let ruling = self.decision.map(|word| if word == "deny" { Ruling::Deny } else { Ruling::Permit });
        let Self { person, owner, group, target, run, table, column, class, rule, since, until, .. } = self;
        let rows_min = self.min_rows;
        let names = Search { person, owner, group, target, run, table, column, class, rule, ..Search::default() };
        Ok(Search { ruling, since, until, rows_min, subject, ..names })
    }
}

/// A name that something can have.
fn name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("write what to look for, or leave the filter out".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// A moment in microseconds since 1970: `2026-11-21T09:00:00Z`, or how long ago: `2h`.
fn moment(text: &str) -> Result<u64, String> {
    let right = "write a moment like 2026-11-21T09:00:00Z, or how long ago: 90s, 30m, 2h, 3d";
    let micros = if let Ok(span) = time_span::parse(text) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| "this machine's clock is before 1970")?;
        now.saturating_sub(span).as_micros().try_into().ok()
    } else {
        let at: Option<jiff::Timestamp> = text.parse().ok();
        at.and_then(|at| u64::try_from(at.as_microsecond()).ok())
    };
    micros.ok_or_else(|| right.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_times_or_spans() {
        assert_eq!(moment("2026-11-21T09:00:00Z"), Ok(1_795_251_600_000_000));
        assert_eq!(moment("2026-11-21T10:00:00.5+01:00"), Ok(1_795_251_600_500_000));
        let (long, short) = (moment("3d").unwrap(), moment("2h").unwrap());
        assert_eq!((short - long) / 3_600_000_000, 70);
        for wrong in ["", "yesterday", "2h ago", "-2h", "2026-11-21", "1960-01-01T00:00:00Z", "12:00"] {
            assert!(moment(wrong).is_err(), "{wrong:?}");
        }
    }
}
