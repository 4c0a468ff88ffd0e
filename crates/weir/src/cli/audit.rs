//! `weir audit`: proving the record.

mod accept_loss;
mod recordings;
mod retention;

use std::fs;
use std::io::{Read as _, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use evidence::{
    PROOF_BYTES_MAX, Proved, RecordName, Trust, check_proof, printable, prove, prove_growth, verify, verify_since,
};
use model::UnixMicros;

pub use accept_loss::begin_epoch;

use accept_loss::AcceptLoss;

use super::indexed::Reindex;
use super::{CliError, Global, counted, load_config, output};
use crate::log_keys;

const EXAMPLES: &str = "\
Examples:
  weir audit verify
  weir audit verify --key log.pub --folder /backup/weir-state/log --checkpoint /mnt/witness/weir-5f2a90c1.checkpoint
  weir audit prove 0:1234 > proof
  weir audit check proof --key log.pub
  weir audit accept-loss --reason 'disk restored from the copy of last night'
  weir audit retention
  weir audit reindex";

/// Check the decision log, and prove what is in it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Verify(Verify),
    Prove(Prove),
    Check(Check),
    AcceptLoss(AcceptLoss),
    Retention(retention::Args),
    /// Make the index that `weir sessions` and `weir search` ask anew from the log
    Reindex(Reindex),
}

/// Walk every record of every lane, and hold all of them against the signed checkpoints: says whether anything was changed, removed or put in
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Verify {
    #[command(flatten)]
    of: Of,
    /// Read only what came after the last checkpoint that was signed before this moment
    #[arg(long, value_name = "TIME")]
    since: Option<jiff::Timestamp>,
    /// Hold every recording against what the log says of it, too
    #[arg(long)]
    recordings: bool,
}

/// Print a proof that a record is in the log, which others check with its public key alone
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Prove {
    /// The record: its lane and its number there, as `weir log --json` has them
    #[arg(value_name = "LANE:SEQ", required_unless_present = "since")]
    record: Option<RecordName>,
    /// Prove instead that the log of this older checkpoint is the beginning of what is there now
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    since: Option<PathBuf>,
    #[command(flatten)]
    of: Of,
}

/// Check a proof. Neither the log nor a configuration is needed
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Check {
    /// The proof, or - for standard input
    #[arg(value_name = "FILE")]
    proof: PathBuf,
    /// The log's public keys, from where you trust them
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// Which log, and who is believed about it.
#[derive(Debug, clap::Args)]
struct Of {
    /// The log's folder, if not that of the configured state folder
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// The log's public keys, from where you trust them, if not those beside it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere: the log must have it
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
}

impl Of {
    /// The folder, and whom to trust: the keys and the checkpoint of its state folder where nothing else is named.
    fn read(&self, global: &Global) -> Result<(PathBuf, Option<Trust>), CliError> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => load_config(global)?.state.join("log"),
        };
        let state = folder.parent().unwrap_or(Path::new("."));
        let beside = log_keys::public_file(state);
        let Some(file) = self.key.clone().or_else(|| beside.exists().then_some(beside)) else {
            if self.checkpoint.is_empty() {
                return Ok((folder, None));
            }
            let help = "name the log's public keys with --key: without them nobody can tell whose checkpoint it is";
            return Err(CliError::usage("--checkpoint without a key", help));
        };
        let keys = log_keys::read_public(&file).map_err(|error| CliError::failed(error.to_string(), error.help))?;
        let mut witnessed = Vec::new();
        let own = Some(log_keys::checkpoint_file(state)).filter(|file| file.exists());
        for file in self.checkpoint.iter().cloned().chain(own) {
            witnessed.push((file.display().to_string(), text_of(&file)?));
        }
        Ok((folder, Some(Trust { keys, witnessed })))
    }
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    match args.what {
        What::Verify(args) => run_verify(&args, global),
        What::Prove(args) => run_prove(&args, global),
        What::Check(args) => run_check(&args),
        What::AcceptLoss(args) => accept_loss::run(args, global),
        What::Retention(args) => retention::run(&args, global),
        What::Reindex(reindex) => reindex.run(&load_config(global)?.state),
    }
}

fn run_verify(args: &Verify, global: &Global) -> Result<ExitCode, CliError> {
    let (folder, trust) = args.of.read(global)?;
    let since = args.since.map(|at| UnixMicros(u64::try_from(at.as_microsecond()).unwrap_or(0)));
    let report = match (since, &trust) {
        (None, _) => verify(&folder, trust.as_ref()),
        (Some(since), Some(trust)) => verify_since(&folder, trust, since),
        (Some(_), None) => {
            let help = "name a copy of the state folder's log.pub";
            return Err(CliError::usage("--since needs the log's public keys: --key is missing", help));
        }
    };
    let report = report.map_err(|error| {
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
    for key in &report.introduced {
        output::line(format_args!("the log is signed by another key now, which one that you trust has named: {key}"))?;
    }
    match (&trust, &report.signed) {
        (Some(_), Some(last)) => output::line(format_args!(
            "signed by {}: {} up to {} ({} right), {} after it",
            printable(&last.origin),
            counted(last.size, "record"),
            time(last.at),
            counted(report.checkpoints, "checkpoint"),
            counted(report.unsigned, "record"),
        ))?,
        (None, _) => output::line(
            "warning: no public key is here, so nobody asked who signed the checkpoints; name it with --key",
        )?,
        (Some(_), None) => {}
    }
    let altered = if args.recordings { recordings::altered(&folder)? } else { 0 };
    let verdict = if report.is_whole() { "the log is whole" } else { "the log is NOT as it was written" };
    output::line(format_args!(
        "{verdict}: {} in {}, {}, {}",
        counted(report.records, "record"),
        counted(report.lanes, "lane"),
        counted(report.segments, "segment"),
        counted(report.bytes, "byte"),
    ))?;
    match report.is_whole() {
        true if altered == 0 => Ok(ExitCode::SUCCESS),
        true => Err(CliError::failed(
            format!("{} not as the log says", counted(altered, "recording")),
            "compare with a copy kept elsewhere",
        )),
        false => Err(CliError::failed("the log was changed, or is damaged", "compare it with a copy kept elsewhere")),
    }
}

fn run_prove(args: &Prove, global: &Global) -> Result<ExitCode, CliError> {
    let (folder, trust) = args.of.read(global)?;
    let help = "name a copy of the state folder's log.pub";
    let trust =
        trust.ok_or_else(|| CliError::usage("the log's public keys are not beside it: --key is missing", help))?;
    let proof = match (&args.record, &args.since) {
        (Some(record), _) => prove(&folder, &trust, *record),
        (None, Some(file)) => prove_growth(&folder, &trust, &text_of(file)?),
        (None, None) => return Err(CliError::usage("nothing is to be proved", "name a record, or --since")),
    };
    let proof = proof.map_err(|unproved| CliError::failed(unproved.to_string(), "look with `weir audit verify`"))?;
    output::line(proof.trim_end_matches('\n'))?;
    Ok(ExitCode::SUCCESS)
}

fn run_check(args: &Check) -> Result<ExitCode, CliError> {
    let keys = log_keys::read_public(&args.key).map_err(|error| CliError::failed(error.to_string(), error.help))?;
    let proof = text_of(&args.proof)?;
    let proved = check_proof(&proof, &keys).map_err(|unconvincing| {
        CliError::failed(format!("{}: {unconvincing}", args.proof.display()), "ask for another proof")
    })?;
    match proved {
        Proved::Record { payload, index, checkpoint } => {
            output::line(printable(&payload))?;
            output::line(format_args!(
                "proved: this is record {index} of {} in the log {}, signed at {}",
                checkpoint.size,
                printable(&checkpoint.origin),
                time(checkpoint.at),
            ))?;
        }
        Proved::Growth { from, to } => output::line(format_args!(
            "proved: the log {} over {} at {} is the beginning of the one over {} at {}",
            printable(&to.origin),
            counted(from.size, "record"),
            time(from.at),
            counted(to.size, "record"),
            time(to.at),
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn time(at: UnixMicros) -> String {
    let at = i64::try_from(at.0).ok().and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
    at.map_or_else(|| "an unknown time".to_owned(), |at| format!("{at:.3}"))
}

/// The text of a file that is no longer than a proof.
fn text_of(file: &Path) -> Result<String, CliError> {
    let limit = u64::try_from(PROOF_BYTES_MAX).unwrap_or(u64::MAX);
    let mut text = String::new();
    let read = if file == Path::new("-") {
        stdin().take(limit).read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|from| from.take(limit).read_to_string(&mut text))
    };
    read.map_err(|error| CliError::failed(format!("{}: can't be read: {error}", file.display()), ""))?;
    Ok(text)
}
