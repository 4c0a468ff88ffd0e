//! How a command fails: one sentence, what would help, and the exit code.

use std::process::ExitCode;

use super::output;
use crate::state::FileError;

/// Exit code of what was refused or failed.
const FAILED: u8 = 1;
/// Exit code of wrong usage.
pub const WRONG_USAGE: u8 = 2;

/// Why a command did not do what it was told.
#[derive(Debug)]
pub enum CliError {
    /// It was told something that makes no sense.
    Usage {
        /// What.
        what: String,
        /// What would.
        help: String,
    },
    /// It was refused, or something failed.
    Failed {
        /// What happened.
        what: String,
        /// What would help; may be empty.
        help: String,
    },
    /// Whoever read the output went away (`weir log | head`): nothing more to say, and nobody to say it to.
    ReaderGone,
}

impl CliError {
    /// Wrong usage.
    pub fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), help: help.into() }
    }

    /// Refused or failed.
    pub fn failed(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Failed { what: what.into(), help: help.into() }
    }

    /// Says it on standard error.
    pub fn report(&self) -> ExitCode {
        self.report_as(FAILED)
    }

    /// The same where what failed has another exit code, because 1 is an answer.
    pub fn report_as(&self, failed: u8) -> ExitCode {
        let (what, help, code) = match self {
            Self::Usage { what, help } => (what, help, WRONG_USAGE),
            Self::Failed { what, help } => (what, help, failed),
            Self::ReaderGone => return ExitCode::SUCCESS,
        };
        output::note(format_args!("error: {what}"));
        if !help.is_empty() {
            output::note(format_args!("  help: {help}"));
        }
        code.into()
    }
}

impl From<FileError> for CliError {
    fn from(error: FileError) -> Self {
        Self::failed(error.to_string(), error.help)
    }
}
