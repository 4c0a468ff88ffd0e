//! The command line: what can be said, and how every command ends.
//!
//! A command is one file: `Args` with its help and examples, and `run`. Adding one is the file, its `mod` line, its line
//! in [`Command`] and its line in [`Command::run`].

mod audit;
mod backup;
mod check;
mod demo;
mod detect;
mod discover;
mod error;
mod hold;
mod indexed;
mod init;
mod keys;
mod log;
mod masked;
mod output;
mod policy;
mod progress;
mod replay;
mod restore;
mod search;
mod serve;
mod sessions;
mod token;

use std::fmt::Display;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

pub use error::CliError;

use crate::config::{Config, PostgresTarget, Problem, nearest};
use crate::{time_span, version};

const EXAMPLES: &str = "\
Examples:
  weir init --target orders --address 127.0.0.1:5432 --database shop --user weir_orders
  weir check
  weir serve
  weir token issue --user alice@example.com --group dba --for 8h
  weir detect app.log

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.";

/// Stands between callers and databases: knows the caller, decides every statement, masks what may not be seen, and
/// writes down every decision before it takes effect.
#[derive(Debug, Parser)]
#[command(name = "weir", version = version::VERSION, after_help = EXAMPLES, max_term_width = 120)]
struct Weir {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The configuration
    #[arg(short, long, global = true, env = "WEIR_CONFIG", default_value = "weir.toml", value_name = "FILE")]
    pub config: PathBuf,
    /// How much is logged to standard error: off, error, warn, info, debug or trace
    #[arg(
        long,
        global = true,
        env = "WEIR_LOG_LEVEL",
        default_value = "info",
        value_name = "LEVEL",
        hide_possible_values = true
    )]
    pub log_level: LogLevel,
}

// What each is for is said by its own `Args`.
#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Serve(serve::Args),
    Check(check::Args),
    Token(token::Args),
    Policy(policy::Args),
    Log(log::Args),
    Sessions(sessions::Args),
    Search(search::Args),
    Audit(audit::Args),
    Keys(keys::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Replay(replay::Args),
    Hold(hold::Args),
    Detect(detect::Args),
    Discover(discover::Args),
    Demo(demo::Args),
}

impl Command {
    fn run(self, global: &Global) -> Result<ExitCode, CliError> {
        match self {
            Self::Init(args) => init::run(args, global),
            Self::Serve(args) => serve::run(args, global),
            Self::Check(args) => check::run(args, global),
            Self::Policy(args) => policy::run(args, global),
            Self::Log(args) => log::run(args, global),
            Self::Sessions(args) => sessions::run(args, global),
            Self::Search(args) => search::run(args, global),
            Self::Audit(args) => audit::run(args, global),
            Self::Backup(args) => backup::run(args, global),
            Self::Restore(args) => restore::run(args, global),
            Self::Keys(args) => keys::run(args, global),
            Self::Replay(args) => replay::run(args, global),
            Self::Hold(args) => hold::run(args, global),
            Self::Detect(args) => detect::run(args, global),
            Self::Discover(args) => discover::run(args, global),
            Self::Demo(args) => demo::run(args, global),
            Self::Token(args) => token::run(args, global),
        }
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What went wrong.
    Error,
    /// What may go wrong.
    Warn,
    /// What happens.
    Info,
    /// What helps to find a fault.
    Debug,
    /// Everything.
    Trace,
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let weir = match Weir::try_parse() {
        Ok(weir) => weir,
        Err(error) => {
            // Nowhere to say that nothing could be said.
            let _ = error.print();
            return if error.use_stderr() { error::WRONG_USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    log_to_stderr(weir.global.log_level);
    #[cfg(feature = "conformance")]
    output::note(version::WARNING);
    weir.command.run(&weir.global).unwrap_or_else(|error| error.report())
}

fn log_to_stderr(level: LogLevel) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr);
    log.with_ansi(io::stderr().is_terminal()).with_target(false).init();
}

/// The configuration, for commands that can't go on without. What is wrong with it is said before this returns.
pub fn load_config(global: &Global) -> Result<Config, CliError> {
    Config::load(&global.config).map(|(config, _)| config).map_err(|problems| refused(&problems))
}

/// The target of this name.
fn target<'a>(config: &'a Config, name: &str) -> Result<&'a PostgresTarget, CliError> {
    config.targets.get(name).ok_or_else(|| {
        let help = match nearest(name, config.targets.keys().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "targets are the [targets.NAME] sections of the configuration".to_owned(),
        };
        CliError::usage(format!("there is no target \"{name}\""), help)
    })
}

/// Says the problems, and what to do about them.
fn refused(problems: &[Problem]) -> CliError {
    for problem in problems {
        output::note(problem);
    }
    let errors = problems.iter().filter(|problem| problem.severity == ::policy::Severity::Error).count();
    CliError::failed(format!("the configuration has {}", counted(errors, "error")), "")
}

/// `1 error`, `2 errors`.
fn counted<N: Display + PartialEq + From<u8>>(count: N, of: &str) -> String {
    let one = N::from(1);
    format!("{count} {of}{}", if count == one { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent_and_every_command_shows_examples() {
        let mut weir = super::Weir::command();
        weir.build();
        weir.clone().debug_assert();
        let mut left = vec![weir];
        while let Some(command) = left.pop() {
            if command.get_name() == "help" {
                continue;
            }
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n  weir "), "`{}` shows no examples", command.get_name());
            left.extend(command.get_subcommands().cloned());
        }
    }
}
