//! `weir backup`: the state folder in one file, while Weir runs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::progress::Progress;
use super::{CliError, Global, counted, load_config, output};
use crate::backup::{self, Written};
use crate::state::sync_folder;

const EXAMPLES: &str = "\
Examples:
  weir backup weir-$(date +%F).weirbackup
  weir backup - | age -r age1… > weir.age
  weir restore weir-2026-11-27.weirbackup --reason 'new disk'";

/// Write the state folder into one file: keys, tokens, the log, recordings. It can be done while `weir serve` runs
///
/// Its list of files is signed by the log's key, so that a damaged or changed one is told. It is not encrypted: it is as secret as the state folder.
/// The configuration and the policies are not in it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The file, which must not be there yet, or - for standard output
    #[arg(value_name = "FILE")]
    to: PathBuf,
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    let written = if args.to == Path::new("-") {
        let out = io::stdout();
        if out.is_terminal() {
            return Err(CliError::usage(
                "a backup is no text for a terminal",
                "name a file, or lead it into another program",
            ));
        }
        write(&config.state, out.lock())?
    } else {
        to_file(&config.state, &args.to)?
    };
    let Written { files, bytes } = written;
    output::note(format_args!(
        "{} with {} are kept; keys are among them: it is as secret as the state folder",
        counted(files, "file"),
        counted(bytes, "byte")
    ));
    Ok(ExitCode::SUCCESS)
}

/// Under a name of its own until it is whole.
fn to_file(state: &Path, to: &Path) -> Result<Written, CliError> {
    let failed = |error: io::Error| CliError::failed(format!("{}: can't be written: {error}", to.display()), "");
    if fs::symlink_metadata(to).is_ok() {
        return Err(CliError::failed(
            format!("{} is there already", to.display()),
            "name another file: nothing is written over",
        ));
    }
    let mut half = to.to_owned().into_os_string();
    half.push(".half");
    let half = PathBuf::from(half);
    match fs::remove_file(&half) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half).map_err(failed)?;
    let written = write(state, &mut file).and_then(|written| {
        let folder = to.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let kept = file.sync_all().and_then(|()| fs::rename(&half, to)).and_then(|()| sync_folder(folder));
        kept.map_err(failed)?;
        Ok(written)
    });
    if written.is_err() {
        // What is left of it is no backup.
        let _ = fs::remove_file(&half);
    }
    written
}

fn write(state: &Path, out: impl Write) -> Result<Written, CliError> {
    let mut progress = Progress::of_bytes(None);
    let written = backup::write(state, out, |file, bytes| {
        progress.at(file);
        progress.more(bytes);
    });
    progress.end();
    written.map_err(|error| CliError::failed(format!("the backup can't be made: {error}"), ""))
}
