//! What is wrong with policies, and where.

use std::fmt;

/// Whether policies with this problem may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// They may not.
    Error,
    /// They may, but likely don't do what was meant.
    Warning,
}

/// One thing wrong with one place of a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether it stops the policies from loading.
    pub severity: Severity,
    /// The file's name as the caller gave it, or whose words are wrong (`configuration`, `protocol "http"`).
    pub file: String,
    /// The line, from 1; 0 if the problem has no place in a file.
    pub line: usize,
    /// The column in characters, from 1; 0 if the problem has no place in a file.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Problem {
    /// An error that no file is to blame for.
    pub(crate) fn elsewhere(whose: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, file: whose.into(), line: 0, column: 0, message: message.into(), help: None }
    }

    /// The same with advice.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, ": {word}: {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// Line and column, both from 1, of a byte offset. An offset past the end is the end.
pub(crate) fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.char_indices().take_while(|&(at, _)| at < offset);
    before.fold((1, 1), |(line, column), (_, c)| match c {
        '\n' => (line.saturating_add(1), 1),
        _ => (line, column.saturating_add(1)),
    })
}

/// The known name nearest to a wrong one, if any is near enough to be meant.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = wrong.chars().count().div_ceil(3).clamp(1, 4);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|&(distance, _)| distance <= near)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_from_one() {
        let text = "añb\n\ncd";
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, text.find('b').unwrap()), (1, 3));
        assert_eq!(place(text, text.find('d').unwrap()), (3, 2));
        assert_eq!(place(text, 999), (3, 3));
    }

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(nearest("ordrs", ["orders", "billing"]), Some("orders"));
        assert_eq!(nearest("warehouse", ["orders", "billing"]), None);
    }
}
