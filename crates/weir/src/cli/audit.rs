//! `weir audit`: proving the record.

use std::path::PathBuf;
use std::process::ExitCode;

use evidence::verify;

use super::indexed::Reindex;
use super::{CliError, Global, counted, load_config, output};

const EXAMPLES: &str = "\
Examples:
  weir audit verify
  weir audit verify --folder /backup/weir-state/log
  weir audit reindex";

/// Check the decision log.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Walk the whole log and say whether anything in it was changed, removed or put in
    Verify(Verify),
    /// Make the index that `weir sessions` and `weir search` ask anew from the log
    Reindex(Reindex),
}

/// Walk every record of every lane: each carries the hash of the one before it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Verify {
    /// The log's folder, if not that of the configured state folder
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let Verify { folder } = match args.what {
        What::Verify(verify) => verify,
        What::Reindex(reindex) => return reindex.run(&load_config(global)?.state),
    };
    let folder = match folder {
        Some(folder) => folder,
        None => load_config(global)?.state.join("log"),
    };
    let report = verify(&folder).map_err(|error| {
        CliError::failed(format!("{}: the log can't be read: {error}", folder.display()), "has `weir serve` run yet?")
    })?;
    for fault in &report.faults {
        output::line(format_args!("fault: {fault}"))?;
    }
    if report.faults_unlisted > 0 {
        output::line(format_args!("and {} more faults", report.faults_unlisted))?;
    }
    for warning in &report.warnings {
        output::line(format_args!("warning: {warning}"))?;
    }
    let verdict = if report.is_whole() { "the log is whole" } else { "the log is NOT as it was written" };
    output::line(format_args!(
        "{verdict}: {} in {}, {}, {}",
        counted(report.records, "record"),
        counted(report.lanes, "lane"),
        counted(report.segments, "segment"),
        counted(report.bytes, "byte"),
    ))?;
    match report.is_whole() {
        true => Ok(ExitCode::SUCCESS),
        false => Err(CliError::failed("the log was changed, or is damaged", "compare it with a copy kept elsewhere")),
    }
}
