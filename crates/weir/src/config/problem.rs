//! One thing that is wrong in a file, and where.

use std::fmt;
use std::path::PathBuf;

use policy::Severity;

/// Something wrong (or, as a warning, doubtful) at a place in a file: what it is, and what would be right.
///
/// Secrets never get in here: nothing quotes the value of a key that may hold one, nor a line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether it stops Weir from starting.
    pub severity: Severity,
    /// The file, as the user named it.
    pub file: PathBuf,
    /// Line and column in characters, from 1. `None`: the file as a whole.
    pub place: Option<(usize, usize)>,
    /// The path of the key, written as TOML would: `targets.orders.address`. Empty where there is none.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What would be right. Empty where the first half says it all.
    pub help: String,
}

impl Problem {
    /// An error with a file as a whole.
    pub fn of_file(file: impl Into<PathBuf>, what: impl Into<String>, help: impl Into<String>) -> Self {
        let (file, what, help) = (file.into(), what.into(), help.into());
        Self { severity: Severity::Error, file, place: None, key: String::new(), what, help }
    }
}

/// `weir.toml:12:3: error: targets.orders.adress: unknown key`, and the help on a line of its own.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, " {severity}:")?;
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        write!(f, " {}", self.what)?;
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}
