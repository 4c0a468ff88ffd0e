//! What a name may look like, so that two callers can't have ids that are, or seem, the same.
//!
//! An id is `issuer:name`. Issuers have no `:`, so the first one in an id always ends the issuer, whatever the name holds.

use std::fmt;

/// The longest name of a principal, in bytes. Ids appear in every log record and in error texts.
pub(crate) const NAME_BYTES_MAX: usize = 200;
/// The longest name of a group, in bytes.
pub(crate) const GROUP_BYTES_MAX: usize = 100;
/// The longest part of a foreign text that is quoted in a log, in characters.
const QUOTE_CHARS_MAX: usize = 80;

/// A template or a condition that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct SyntaxError {
    /// Where, as a count of characters from 1.
    pub column: usize,
    /// What is wrong there, and what would be right.
    pub message: String,
}

impl SyntaxError {
    /// `before` is the number of characters in front of the fault.
    pub(crate) fn after(before: usize, message: impl Into<String>) -> Self {
        Self { column: before.saturating_add(1), message: message.into() }
    }
}

/// What is wrong with a name of this many bytes at most, to be read after "it".
pub(crate) fn fault(name: &str, bytes_max: usize) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    if name.len() > bytes_max {
        return Some(format!("is longer than {bytes_max} bytes"));
    }
    if let Some(bad) = name.chars().find(|c| is_hidden(*c)) {
        return Some(format!("holds a control or invisible character (U+{:04X})", u32::from(bad)));
    }
    (name.starts_with(' ') || name.ends_with(' ')).then(|| "begins or ends with a space".to_owned())
}

/// Characters that a reader of a log or of a policy would not see, or that would move what they see.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether this can be the name of an issuer: lower-case letters, digits, `-` and `_`, a letter first.
pub(crate) fn is_issuer(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

/// What is wrong with a principal id, to be read after "it".
pub(crate) fn id_fault(id: &str) -> Option<String> {
    match id.split_once(':') {
        Some((issuer, name)) if is_issuer(issuer) => fault(name, NAME_BYTES_MAX),
        _ => Some("does not begin with an issuer: write `issuer:name`, `local:alice@example.com`".to_owned()),
    }
}

/// A foreign text, safe to show in a log: escaped and cut.
pub(crate) fn quote(text: &str) -> impl fmt::Display {
    let cut: String = text.chars().take(QUOTE_CHARS_MAX).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", cut.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_hide_something_are_refused() {
        for good in ["alice@example.com", "system:serviceaccount:ns:sa", "Alice Smith", "müller", &"a".repeat(200)] {
            assert_eq!(fault(good, NAME_BYTES_MAX), None, "{good:?} was refused");
        }
        let long = "a".repeat(201);
        for bad in ["", " a", "a ", "a\nb", "a\u{202e}b", "a\u{200b}", "a\0", "a\tb", "\u{feff}a", "a\u{a0}b", &long] {
            assert!(fault(bad, NAME_BYTES_MAX).is_some(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn an_id_names_its_issuer() {
        assert_eq!(id_fault("local:alice@example.com"), None);
        assert_eq!(id_fault("k8s:system:serviceaccount:a:b"), None);
        for bad in ["alice", ":alice", "local:", "Local:alice", "a b:c", "local:a\u{7}"] {
            assert!(id_fault(bad).is_some(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn quotes_are_cut_and_escaped() {
        assert_eq!(quote("a\nb").to_string(), "`a\\nb`");
        assert_eq!(quote(&"x".repeat(81)).to_string(), format!("`{}…`", "x".repeat(80)));
    }
}
