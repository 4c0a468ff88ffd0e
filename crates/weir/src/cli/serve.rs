//! `weir serve`.

use std::process::ExitCode;

use evidence::OpenError;

use super::{CliError, Global, output, refused};
use crate::config::Config;
use crate::serve::{ServeError, serve};

const EXAMPLES: &str = "\
Examples:
  weir serve
  weir serve --config /etc/weir/weir.toml --log-level debug

SIGTERM and SIGINT: no new connections; open sessions end when they are idle, after 30 seconds in any case.
SIGHUP: the policies are read again; they are also read whenever their folder changes.";

/// Serve the configured targets until told to stop.
///
/// Prints one line on standard output for each address, once it is listened on: `ready postgres 127.0.0.1:6432`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {}

/// Runs it.
pub fn run(_: Args, global: &Global) -> Result<ExitCode, CliError> {
    let (config, warnings) = Config::load_and_look(&global.config).map_err(|problems| refused(&problems))?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    serve(&config, |protocol, address| {
        // Who started Weir may not be listening, which is no reason to stop.
        let _ = output::line(format_args!("ready {protocol} {address}"));
    })
    .map(|()| ExitCode::SUCCESS)
    .map_err(failed)
}

fn failed(error: ServeError) -> CliError {
    let help = match &error {
        ServeError::Policies(problems) => {
            for problem in problems {
                output::note(problem);
            }
            "`weir check` says all that is wrong"
        }
        ServeError::Listen { .. } => "is another program listening there? Change `postgres` under [listen]",
        ServeError::Log(OpenError::NotAsSigned { .. }) => {
            "if you know why, `weir audit accept-loss --reason …` goes on without what is lost, and tells so for ever (with --key log.pub where a place \
             has a note by a later key); \
             docs/evidence.md says what it means"
        }
        ServeError::NothingToServe => "add a [targets.NAME] section and [listen] postgres = \"127.0.0.1:6432\"",
        _ => "",
    };
    CliError::failed(error.to_string(), help)
}
