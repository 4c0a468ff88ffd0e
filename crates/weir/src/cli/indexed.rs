//! What `weir sessions` and `weir search` share: the index of the log, caught up with it, and the filters.

mod catch_up;
mod filters;
mod subjects;
mod table;

use std::path::Path;
use std::time::Instant;

use store::Index;

use super::{CliError, output};

pub use filters::{Filters, PageArgs};
pub use table::{short_id, shortened, show_json, show_more, show_table, time};

use catch_up::{Fed, feed};

/// The index of this state folder, with all that the log holds by now.
pub fn up_to_date(state: &Path) -> Result<Index, CliError> {
    let (path, log) = (state.join(INDEX), state.join("log"));
    let mut index = Index::open(&path).map_err(unusable)?;
    let fed = feed(&mut index, &log);
    match fed {
        Ok(Fed::All { .. }) => Ok(index),
        Ok(Fed::AnotherLog) => {
            output::note("the log is not the one that the index was made of: making it anew");
            drop(index);
            anew(state).map(|(index, _)| index)
        }
        // Whoever holds it is doing the same.
        Err(catch_up::Failed::Index(store::Error::Busy(_))) => {
            output::note("another `weir` is bringing the index up to date: this is what it holds so far");
            Ok(index)
        }
        Err(failed) => Err(failed.into()),
    }
}

/// Makes the index of this state folder anew. Says how many records are in it.
pub fn anew(state: &Path) -> Result<(Index, u64), CliError> {
    let log = state.join("log");
    // Nothing is deleted for a log that isn't there.
    std::fs::read_dir(&log).map_err(|error| catch_up::unreadable(&log, &error))?;
    let mut index = Index::anew(&state.join(INDEX)).map_err(unusable)?;
    match feed(&mut index, &log)? {
        Fed::All { records } => Ok((index, records)),
        Fed::AnotherLog => Err(CliError::failed("the log was exchanged while it was read", "do it once more")),
    }
}

/// The index, in the state folder.
const INDEX: &str = "index.sqlite";

/// What to do about an index that gives no answer.
pub fn unusable(error: store::Error) -> CliError {
    let help = match &error {
        store::Error::Damaged { .. } => "`weir audit reindex` makes it anew from the log, which is untouched",
        store::Error::Busy(_) => "try again when it is done",
        _ => "",
    };
    CliError::failed(error.to_string(), help)
}

/// `weir audit reindex`: makes the index anew from the log.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  weir audit reindex\n  weir -c /etc/weir/weir.toml audit reindex")]
pub struct Reindex {}

impl Reindex {
    /// Runs it.
    pub fn run(&self, state: &Path) -> Result<std::process::ExitCode, CliError> {
        let began = Instant::now();
        let (_, records) = anew(state)?;
        let took = began.elapsed().as_secs_f64();
        output::line(format_args!("the index is made anew: {} in {took:.1} s", super::counted(records, "record")))?;
        Ok(std::process::ExitCode::SUCCESS)
    }
}
