//! `weir audit accept-loss`: going on although the log is not all that was signed.

use std::path::Path;
use std::process::ExitCode;

use evidence::{Durability, NewEpoch, NotAsSigned, Signing, look, make_same, put_aside};

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
    if let Some(mirror) = &config.evidence.mirror {
        // What the other place has is not lost.
        let brought = make_same(&log, mirror).map_err(|error| CliError::failed(error.to_string(), ""))?;
        brought.iter().try_for_each(output::line)?;
    }
    let lost = match look(&log, &signing(&config.state, &config)?) {
        Ok(()) => return Err(CliError::failed("nothing is lost: the log is as it was signed", "")),
        Err(lost) => lost,
    };
    output::line(format_args!("lost: {lost}"))?;
    let why = format!("{}: {lost}", args.reason.trim());
    match &lost {
        lost if lost.is_loss() => {}
        NotAsSigned::Lane { .. } | NotAsSigned::Checkpoint { .. } => {
            for place in [Some(&log), config.evidence.mirror.as_ref()].into_iter().flatten() {
                let aside = put_aside(place);
                let aside = aside.map_err(|error| CliError::failed(error.to_string(), "stop `weir serve` first"))?;
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
    let signing = Signing { new_epoch: Some(NewEpoch { by: login(), why }), ..signing(state, config)? };
    // Closing it brings the last checkpoint to all places.
    let opened = wiring::open_log(state, &config.evidence, 1, Durability::Synced, signing);
    opened.map(drop).map_err(|error| CliError::failed(error.to_string(), ""))
}

/// As a start would sign, but for a key that is to follow: that is the start's to do.
fn signing(state: &Path, config: &Config) -> Result<Signing, CliError> {
    Ok(Signing { next: None, ..log_keys::signing(state, &config.evidence)? })
}
