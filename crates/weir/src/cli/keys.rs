//! `weir keys`: which keys there are, and what follows them.

use std::process::ExitCode;

use clap::ValueEnum;
use model::UnixMicros;

use super::indexed::time;
use super::{CliError, Global, load_config, output};
use crate::secrets::{self, Purpose, Secrets};
use crate::{log_keys, state};

const EXAMPLES: &str = "\
Examples:
  weir keys list
  weir keys rotate log
  weir keys rotate recordings tokens";

/// Which keys this instance has, and rotate them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Keys,
}

#[derive(Debug, clap::Subcommand)]
enum Keys {
    /// List the keys of the log, of recordings and of tokens; no secret is shown
    #[command(after_help = EXAMPLES)]
    List,
    Rotate(Rotate),
}

/// Make a key that follows the one in use, from the next start of `weir serve` on
///
/// log: the key that signs checkpoints. One checkpoint is signed by both, and names the new one, so that who trusts the old one learns it;
/// the old one is deleted then. recordings: new ones are sealed with the new key; older ones are still opened. tokens: what is shown, recorded
/// and logged in the place of values is another from then on, and so are the log's digests; `weir search --value` finds both. Tokens that targets
/// have stored (`on_write`) stay what they are.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Rotate {
    /// Which
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<Which>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Which {
    Log,
    Recordings,
    Tokens,
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    state::prepare(&config.state)?;
    match args.command {
        Keys::List => list(&config.state),
        Keys::Rotate(Rotate { mut keys }) => {
            keys.sort_unstable();
            keys.dedup();
            for which in keys {
                let (what, id) = match which {
                    Which::Log => ("log", log_keys::rotate(&config.state)?.to_string()),
                    Which::Recordings => ("recordings", secrets::rotate(&config.state, Purpose::Recordings)?.id),
                    Which::Tokens => ("tokens", secrets::rotate(&config.state, Purpose::Tokens)?.id),
                };
                output::line(format_args!("{what}: {id} follows when `weir serve` starts the next time"))?;
                if which == Which::Log {
                    let file = log_keys::public_file(&config.state);
                    output::note(format_args!("keep a copy of {} where this machine cannot write", file.display()));
                }
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(state: &std::path::Path) -> Result<ExitCode, CliError> {
    let (signs, follows) = log_keys::told(state)?;
    if let Some(key) = &signs {
        output::line(format_args!("log         {key}  signs"))?;
    }
    if let Some(key) = &follows {
        output::line(format_args!("log         {key}  from the next start on"))?;
    }
    let known = log_keys::public_file(state);
    if known.exists() {
        let before = |key: &&evidence::VerifyKey| Some(*key) != signs.as_ref() && Some(*key) != follows.as_ref();
        for key in log_keys::read_public(&known)?.keys().iter().filter(before) {
            output::line(format_args!("log         {key}  signed once"))?;
        }
    }
    let told = Secrets::read(state)?.told()?;
    for key in &told {
        let newest = told.iter().rfind(|other| other.purpose == key.purpose && other.in_force);
        let how = match key.in_force {
            false => "from the next start on",
            true if newest == Some(key) => "in use",
            true => "opens and finds what was made with it",
        };
        let made = key
            .made
            .map(|UnixMicros(at)| format!(", made {}", time(i64::try_from(at).unwrap_or(i64::MAX))))
            .unwrap_or_default();
        output::line(format_args!("{:<11} {}  {how}{made}", key.purpose.as_str(), key.id))?;
    }
    Ok(ExitCode::SUCCESS)
}
