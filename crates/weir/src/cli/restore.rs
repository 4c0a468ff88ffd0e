//! `weir restore`: a backup becomes the state folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use evidence::{look, make_same, printable};

use super::audit::begin_epoch;
use super::indexed::time;
use super::{CliError, Global, counted, load_config, output};
use crate::backup::{self, Restored, is_free};
use crate::config::Config;
use crate::log_keys;
use crate::state::sync_folder;

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
    is_restorable(state)?;
    let reader: Box<dyn Read> = if from == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(from).map_err(|error| CliError::failed(format!("{}: {error}", from.display()), ""))?)
    };
    let beside = beside(state)?;
    let unpacked = backup::read(reader, &beside, trusted.as_ref())
        .map_err(|error| {
            CliError::failed(format!("{}: {}", from.display(), printable(&error.to_string())), "nothing was put back")
        })
        .and_then(|restored| {
            if let Some(keys) = &trusted {
                log_keys::trust_more(&beside, keys)?;
            }
            let log = its_log(&config, &beside)?;
            Ok((restored, log))
        });
    if unpacked.is_err() {
        // What was unpacked is in the backup still.
        let _ = fs::remove_dir_all(&beside);
    }
    let (Restored { at, files, bytes, log }, its_log) = unpacked?;
    let at = time(i64::try_from(at).unwrap_or(i64::MAX));
    if its_log == ItsLog::OfBackup {
        begin_epoch(&beside, &config, format!("{}: restored from the backup of {at}", args.reason.trim())).map_err(
            // Its places may have been told: what is there is not thrown away.
            |error| with_help(error, &format!("what was unpacked is in {}", beside.display())),
        )?;
    }
    put(state, &beside)?;
    output::line(format_args!(
        "{} of {at} is restored to {}: {} with {}. {}",
        printable(&log),
        state.display(),
        counted(files, "file"),
        counted(bytes, "byte"),
        match its_log {
            ItsLog::OfBackup => "A new epoch of its log begins",
            ItsLog::OfMirror => "Its log is that of its second place: nothing of it is lost",
        }
    ))?;
    output::note(format_args!(
        "tokens are as they were then: revoke again what was revoked after {at} (`weir token list`); keys too: rotate again what was rotated after it"
    ));
    output::note(format_args!(
        "so are legal holds: place again what was placed after {at}, before `weir serve` starts and deletes (`weir hold list`)"
    ));
    Ok(ExitCode::SUCCESS)
}

/// Whether the state folder is one that a backup can become: nothing is there, or an empty folder that can be put aside.
fn is_restorable(state: &Path) -> Result<(), CliError> {
    let failed = |error: io::Error| CliError::failed(format!("{}: {error}", state.display()), "");
    let found = match fs::symlink_metadata(state) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let above = state.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    if !found.is_dir() || fs::metadata(above).map_err(failed)?.dev() != found.dev() {
        let what =
            format!("{} is a link, a file or a disk of its own: a folder can't be put in its place", state.display());
        return Err(CliError::failed(
            what,
            "name a folder below it as `state`, or restore beside it and move what is in it",
        ));
    }
    if fs::read_dir(state).map_err(failed)?.next().is_some() {
        let help = "move it aside and keep it: what it holds may be all that is left of what came after the backup";
        return Err(CliError::failed(format!("{} holds something already", state.display()), help));
    }
    Ok(())
}

/// Whose log a restored state folder has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ItsLog {
    OfBackup,
    /// The second place's, which has all that was signed.
    OfMirror,
}

/// Takes the log from its second place, if there is one and it has it: then nothing of the log is lost.
fn its_log(config: &Config, beside: &Path) -> Result<ItsLog, CliError> {
    let Some(mirror) = &config.evidence.mirror else { return Ok(ItsLog::OfBackup) };
    let failed = |error: io::Error| CliError::failed(format!("{}: {error}", mirror.display()), "");
    if is_free(mirror).map_err(failed)? {
        return Ok(ItsLog::OfBackup);
    }
    let log = beside.join("log");
    match fs::remove_dir_all(&log) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    make_same(&log, mirror).map_err(|error| CliError::failed(error.to_string(), ""))?;
    let signing = log_keys::signing(beside, &config.evidence)?;
    look(&log, &signing).map(|()| ItsLog::OfMirror).map_err(|what| {
        let what = format!("{}, the log's second place, is not the log that was signed: {what}", mirror.display());
        CliError::failed(what, "move what it holds aside to restore the backup's own log")
    })
}

/// Makes what was unpacked the state folder.
fn put(state: &Path, beside: &Path) -> Result<(), CliError> {
    let help = format!("what was restored is in {}: put it there yourself", beside.display());
    let failed = |error: io::Error| CliError::failed(format!("{}: {error}", state.display()), help.clone());
    match fs::remove_dir(state) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    fs::rename(beside, state).map_err(failed)?;
    let above = state.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    sync_folder(above).map_err(failed)
}

fn with_help(error: CliError, more: &str) -> CliError {
    match error {
        CliError::Failed { what, help } => CliError::failed(what, format!("{help} {more}").trim().to_owned()),
        other => other,
    }
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
