//! `weir check`: everything that is wrong, at once.

use std::process::ExitCode;

use policy::Severity;

use super::{CliError, Global, counted, output};
use crate::config::Config;
use crate::policies;

const EXAMPLES: &str = "\
Examples:
  weir check
  weir check -c /etc/weir/weir.toml
  weir check --strict      # in CI: warnings fail as well

Exit codes: 0 nothing is wrong, 1 something is.";

/// Say everything that is wrong with configuration and policies
///
/// Reads the configuration, the certificates and other files that it names, and every policy, and says all that is
/// wrong with file, line and what would be right. Nothing is changed and no target is contacted. Passwords of targets
/// that can't be had here are only warnings: the check may run on another machine than `weir serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
}

/// Runs the command.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let mut told = Told::default();
    let config = match Config::load_and_look(&global.config) {
        Ok((config, warnings)) => {
            warnings.iter().for_each(|problem| told.tell(problem.severity, problem));
            Some(config)
        }
        Err(problems) => {
            problems.iter().for_each(|problem| told.tell(problem.severity, problem));
            None
        }
    };
    let Some(config) = config else {
        output::note("the policies were not checked: what they may name is said by the configuration");
        return Err(CliError::failed(told.count(), ""));
    };
    let (Ok((_, problems)) | Err(problems)) = policies::load(&config);
    problems.iter().for_each(|problem| told.tell(problem.severity, problem));
    if told.errors > 0 || (args.strict && told.warnings > 0) {
        return Err(CliError::failed(told.count(), ""));
    }
    let targets = counted(config.targets.len(), "target");
    let sound = format!("{} and {} are sound: {targets}", config.file.display(), config.policies.display());
    match told.warnings {
        0 => output::line(sound)?,
        warnings => output::line(format_args!("{sound}, {}", counted(warnings, "warning")))?,
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Default)]
struct Told {
    errors: usize,
    warnings: usize,
}

impl Told {
    fn tell(&mut self, severity: Severity, problem: impl std::fmt::Display) {
        output::note(problem);
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count = count.saturating_add(1);
    }

    fn count(&self) -> String {
        format!("{} and {}", counted(self.errors, "error"), counted(self.warnings, "warning"))
    }
}
