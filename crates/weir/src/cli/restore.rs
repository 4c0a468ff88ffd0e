//! `weir restore`: a backup becomes the state folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::audit::begin_epoch;
use super::indexed::time;
use super::{CliError, Global, counted, load_config, output};
use crate::backup::{self, Restored, is_free};
use crate::config::Config;
use crate::log_keys;

const EXAMPLES: &str = "\
Examples:
  weir restore weir-2026-11-27.weirbackup --reason 'new disk'
  age -d weir.age | weir restore - --reason 'new disk' --key log.pub";

/// Put a backup in the place of the state folder, and begin a new epoch of its log
///
/// The state folder must be empty or not there: nothing is written over. What happened after the backup was made is not in it: the log tells so
/// from then on to everybody who verifies it, and a copy that still runs somewhere else is told to be the old one by all who know of the new epoch.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The backup, or - for standard input
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The log's public keys, from where you trust them: without, those in the backup are asked
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    let (state, from) = (&config.state, &args.from);
    if args.reason.trim().is_empty() {
        return Err(CliError::usage("no reason is given", "say why, like --reason 'new disk'"));
    }
    let trusted = args.key.as_deref().map(log_keys::read_public).transpose()?;
    let of_state = |error: io::Error| CliError::failed(format!("{}: {error}", state.display()), "");
    if !is_free(state).map_err(of_state)? {
        let help = "move it aside and keep it: what it holds may be all that is left of what came after the backup";
        return Err(CliError::failed(format!("{} holds something already", state.display()), help));
    }
    if let Some(mirror) = &config.evidence.mirror {
        let of_mirror = |error: io::Error| CliError::failed(format!("{}: {error}", mirror.display()), "");
        if !is_free(mirror).map_err(of_mirror)? {
            let what = format!("{}, the log's second place, holds something already", mirror.display());
            let help = "is it the log that was lost? Then copy it to a new state folder's `log` and start: nothing of it is lost. Else move it aside";
            return Err(CliError::failed(what, help));
        }
    }
    let reader: Box<dyn Read> = if from == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(from).map_err(|error| CliError::failed(format!("{}: {error}", from.display()), ""))?)
    };
    let beside = beside(state)?;
    let restored = backup::read(reader, &beside, trusted.as_ref())
        .map_err(|error| CliError::failed(format!("{}: {error}", from.display()), "nothing was put back"))
        .and_then(|restored| put(&config, &beside, &restored, args.reason.trim()).map(|()| restored));
    if restored.is_err() {
        // What was unpacked is in the backup still.
        let _ = fs::remove_dir_all(&beside);
    }
    let Restored { at, files, bytes, log } = restored?;
    let at = time(i64::try_from(at).unwrap_or(i64::MAX));
    output::line(format_args!(
        "{} of {at} is restored to {}: {} with {}. A new epoch of its log begins",
        log,
        state.display(),
        counted(files, "file"),
        counted(bytes, "byte")
    ))?;
    output::note(format_args!(
        "tokens are as they were then: revoke again what was revoked after {at} (`weir token list`)"
    ));
    output::note(format_args!(
        "so are legal holds: place again what was placed after {at}, before `weir serve` starts and deletes (`weir hold list`)"
    ));
    Ok(ExitCode::SUCCESS)
}

/// Begins the new epoch where it was unpacked, and only then makes it the state folder.
fn put(config: &Config, beside: &Path, restored: &Restored, reason: &str) -> Result<(), CliError> {
    let at = time(i64::try_from(restored.at).unwrap_or(i64::MAX));
    begin_epoch(beside, config, format!("{reason}: restored from the backup of {at}"))?;
    let state = &config.state;
    let failed = |error: io::Error| CliError::failed(format!("{}: {error}", state.display()), "");
    match fs::remove_dir(state) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    fs::rename(beside, state).map_err(failed)
}

/// A folder beside the state folder, on the same disk.
fn beside(state: &Path) -> Result<PathBuf, CliError> {
    let name = state.file_name().ok_or_else(|| {
        CliError::failed(
            format!("{} has no name that a folder could have beside it", state.display()),
            "name another folder as `state`",
        )
    })?;
    let mut name = name.to_owned();
    name.push(".restoring");
    let beside = state.with_file_name(name);
    if fs::symlink_metadata(&beside).is_ok() {
        let help = "another restore runs, or one was killed: remove it if none runs";
        return Err(CliError::failed(format!("{} is there already", beside.display()), help));
    }
    Ok(beside)
}
