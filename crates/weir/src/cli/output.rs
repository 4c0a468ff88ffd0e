//! What is printed: results on standard output, words for people on standard error.

use std::fmt::Display;
use std::io::{self, Write as _};

use super::CliError;

/// One line of a result.
pub fn line(text: impl Display) -> Result<(), CliError> {
    writeln!(io::stdout().lock(), "{text}").map_err(unwritten)
}

/// Why a result could not be written.
pub fn unwritten(error: io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::ReaderGone,
        _ => CliError::failed(format!("standard output can't be written: {error}"), ""),
    }
}

/// One line for people. If nobody can be told, the exit code still says how it ended.
pub fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
