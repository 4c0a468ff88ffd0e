//! `weir audit accept-loss`: going on although the log is not all that was signed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use evidence::{Durability, NewEpoch, NotAsSigned, OpenError, Signing, is_idle, look, make_same, put_aside};

use super::super::{CliError, Global, load_config, output};
use super::EXAMPLES;
use crate::config::Config;
use crate::login::login;
use crate::{log_keys, wiring};

/// Go on with a log that another place knows more of, or begin another in the place of a damaged one
///
/// `weir serve` does not start on a log that is shorter or other than what was signed. Where you know why (a disk that was restored, a power failure),
/// this begins a new epoch of the log: everybody who verifies it is told that, and what was given up. A log that is damaged itself is put aside, as it is, and a
/// new one begins. Nothing is deleted. While `weir serve` runs there is nothing to accept.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct AcceptLoss {
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Public keys of the log that came after those in the state folder, if a place of checkpoints has notes by them
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: AcceptLoss, global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    let log = config.state.join("log");
    if args.reason.trim().is_empty() {
        return Err(CliError::usage(
            "no reason is given",
            "say why, like --reason \"disk restored from the night's copy\"",
        ));
    }
    if let Some(keys) = &args.key {
        log_keys::trust_more(&config.state, &log_keys::read_public(keys)?)?;
    }
    let in_use = |error: OpenError| CliError::failed(error.to_string(), "");
    is_idle(&log).map_err(in_use)?;
    let signing = log_keys::signing(&config.state, &config.evidence)?;
    if let Some(mirror) = &config.evidence.mirror {
        // What the other place has is not lost.
        if look(&log, &signing).is_err() && look(mirror, &signing).is_ok() {
            let what = format!("nothing is lost: {} is the log as it was signed", mirror.display());
            let help = format!("move {} aside and start: it is brought back from there", log.display());
            return Err(CliError::failed(what, help));
        }
        make_same(&log, mirror).map_err(in_use)?.iter().try_for_each(output::line)?;
    }
    let lost = match look(&log, &signing) {
        Ok(()) => return Err(CliError::failed("nothing is lost: the log is as it was signed", "")),
        Err(lost) => lost,
    };
    output::line(format_args!("lost: {lost}"))?;
    let why = format!("{}: {lost}", args.reason.trim());
    match &lost {
        lost if lost.is_loss() => {}
        NotAsSigned::Lane { .. } | NotAsSigned::Checkpoint { .. } => {
            // Whether a new one can begin is known before the old one goes.
            if let Err(other) = look(&config.state.join("log.none"), &signing)
                && !other.is_loss()
            {
                return Err(CliError::failed(other.to_string(), "put that right first: it is no loss"));
            }
            // The second place first: it may be one that can't be moved, and then nothing has happened.
            for place in [config.evidence.mirror.as_ref(), Some(&log)].into_iter().flatten() {
                let aside = put_aside(place);
                let aside = aside.map_err(|error| {
                    CliError::failed(error.to_string(), "move it away yourself, or stop who uses it")
                })?;
                output::line(format_args!("the damaged log is put aside, as it is: {}", aside.display()))?;
            }
        }
        other => return Err(CliError::failed(other.to_string(), "put that right first: it is no loss")),
    }
    begin_epoch(&config.state, &config, why)?;
    output::line(
        "a new epoch of the log begins; `weir serve` starts now, and `weir audit verify` tells what was given up",
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Begins a new epoch of the log in this state folder, which nobody writes; what the configuration names is told.
pub fn begin_epoch(state: &Path, config: &Config, why: String) -> Result<(), CliError> {
    let signing =
        Signing { new_epoch: Some(NewEpoch { by: login(), why }), ..log_keys::signing(state, &config.evidence)? };
    // Closing it brings the last checkpoint to all places.
    let opened = wiring::open_log(state, &config.evidence, 1, Durability::Synced, signing);
    opened.map(drop).map_err(|error| CliError::failed(error.to_string(), ""))
}
