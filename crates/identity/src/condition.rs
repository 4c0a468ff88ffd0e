//! Conditions on claims, by which a token joins a group:
//! `repository_id == '7281' && (ref == 'refs/heads/main' || 'release' in labels)`.
//!
//! ```text
//! any        = all *( "||" all )
//! all        = one *( "&&" one )
//! one        = "(" any ")" | claim ("==" | "!=") text | text "in" claim
//! text       = "'" characters "'"      ( '' is one quote )
//! ```
//!
//! A comparison with a claim that is missing is false, with `!=` as well: nobody joins a group by leaving something out.
//! There is no `not`, so the more a token lacks, the fewer groups it is in.

use serde_json::Value;

use crate::claims::{Claims, Found, path_length, scalar_text};
use crate::names::SyntaxError;

/// The longest condition, in bytes; and how deep parentheses may go.
const CONDITION_BYTES_MAX: usize = 4096;
const DEPTH_MAX: usize = 16;

/// A question about the claims of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition(Expression);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    /// A single value, compared as text.
    Is {
        claim: String,
        text: String,
        expected: bool,
    },
    /// A list with this text in it, or the single value itself.
    Has {
        text: String,
        claim: String,
    },
}

impl Condition {
    /// Reads a condition.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        if text.len() > CONDITION_BYTES_MAX {
            return Err(SyntaxError::after(0, format!("it is longer than {CONDITION_BYTES_MAX} bytes")));
        }
        let mut reader = Reader { rest: text, before: 0, depth: 0 };
        let expression = reader.any()?;
        reader.skip_spaces();
        if reader.rest.is_empty() { Ok(Self(expression)) } else { Err(reader.expected("`&&`, `||` or the end")) }
    }

    /// Whether these claims fulfil it.
    pub(crate) fn holds(&self, claims: &Claims) -> bool {
        self.0.holds(claims)
    }
}

impl Expression {
    fn holds(&self, claims: &Claims) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(claims)),
            Self::All(parts) => parts.iter().all(|part| part.holds(claims)),
            Self::Is { claim, text, expected } => match claims.find(claim) {
                Found::One(value) => scalar_text(value).is_some_and(|found| (found == *text) == *expected),
                Found::Nothing | Found::Several => false,
            },
            Self::Has { text, claim } => match claims.find(claim) {
                Found::One(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(text)),
                Found::One(value) => scalar_text(value).is_some_and(|found| found == *text),
                Found::Nothing | Found::Several => false,
            },
        }
    }
}

/// What is left to read, and how much was read.
struct Reader<'a> {
    rest: &'a str,
    before: usize,
    depth: usize,
}

impl Reader<'_> {
    fn any(&mut self) -> Result<Expression, SyntaxError> {
        let mut parts = vec![self.all()?];
        while self.take("||") {
            parts.push(self.all()?);
        }
        Ok(only_or(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, SyntaxError> {
        let mut parts = vec![self.one()?];
        while self.take("&&") {
            parts.push(self.one()?);
        }
        Ok(only_or(parts, Expression::All))
    }

    fn one(&mut self) -> Result<Expression, SyntaxError> {
        if self.take("(") {
            self.depth = self.depth.saturating_add(1);
            if self.depth > DEPTH_MAX {
                return Err(SyntaxError::after(
                    self.before,
                    format!("more than {DEPTH_MAX} parentheses inside each other"),
                ));
            }
            let inside = self.any()?;
            self.depth = self.depth.saturating_sub(1);
            return if self.take(")") { Ok(inside) } else { Err(self.expected("`)`, `&&` or `||`")) };
        }
        if self.next_is('\'') {
            let text = self.text()?;
            self.skip_spaces();
            let (before, word) = (self.before, self.path());
            if word != "in" {
                return Err(SyntaxError::after(before, "expected `in` and a claim, as in 'admin' in roles"));
            }
            return Ok(Expression::Has { text, claim: self.claim()? });
        }
        let claim = self.claim()?;
        let expected = if self.take("==") {
            true
        } else if self.take("!=") {
            false
        } else {
            return Err(self.expected("`==` or `!=` after a claim"));
        };
        Ok(Expression::Is { claim, text: self.text()?, expected })
    }

    fn claim(&mut self) -> Result<String, SyntaxError> {
        self.skip_spaces();
        let before = self.before;
        match self.path() {
            path if path.is_empty() => Err(self.expected("a claim, as in ref == 'refs/heads/main'")),
            path if path == "in" => Err(SyntaxError::after(before, "`in` stands after a text, as in 'admin' in roles")),
            path => Ok(path),
        }
    }

    /// The characters of a path that come next, or none.
    fn path(&mut self) -> String {
        let length = path_length(self.rest);
        (0..length).filter_map(|_| self.bump()).collect()
    }

    fn text(&mut self) -> Result<String, SyntaxError> {
        self.skip_spaces();
        let opened = self.before;
        if !self.take("'") {
            return Err(self.expected("a text in single quotes, as in 'refs/heads/main'"));
        }
        let mut text = String::new();
        while let Some(c) = self.bump() {
            if c != '\'' {
                text.push(c);
            } else if self.rest.starts_with('\'') {
                self.bump();
                text.push('\'');
            } else {
                return Ok(text);
            }
        }
        Err(SyntaxError::after(opened, "this quote is not closed"))
    }

    fn next_is(&mut self, c: char) -> bool {
        self.skip_spaces();
        self.rest.starts_with(c)
    }

    fn take(&mut self, sign: &str) -> bool {
        self.skip_spaces();
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        self.rest = rest;
        self.before = self.before.saturating_add(sign.len());
        true
    }

    fn skip_spaces(&mut self) {
        while self.rest.starts_with(char::is_whitespace) {
            self.bump();
        }
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..)?;
        self.before = self.before.saturating_add(1);
        Some(c)
    }

    fn expected(&self, what: &str) -> SyntaxError {
        let found = self.rest.chars().next().map_or("the end".to_owned(), |c| format!("`{}`", c.escape_debug()));
        SyntaxError::after(self.before, format!("expected {what}, found {found}"))
    }
}

fn only_or(mut parts: Vec<Expression>, join: impl Fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIMS: &str = r#"{"ref": "refs/heads/main", "repository_id": 7281, "protected": true, "who": "o'neil",
        "labels": ["nightly", "release"], "realm_access": {"roles": ["admin"]}, "mixed": ["a", 1]}"#;

    fn holds(condition: &str) -> bool {
        let claims = Claims::new(crate::json::object(CLAIMS.as_bytes()).unwrap());
        Condition::parse(condition).unwrap_or_else(|error| panic!("{condition}: {error}")).holds(&claims)
    }

    #[test]
    fn conditions_that_hold_and_that_do_not() {
        for (condition, expected) in [
            ("ref == 'refs/heads/main'", true),
            ("ref=='refs/heads/main'&&repository_id=='7281'", true),
            ("ref != 'refs/heads/main'", false),
            ("protected == 'true'", true),
            ("who == 'o''neil'", true),
            ("'release' in labels", true),
            ("'rel' in labels", false),
            ("'main' in ref", false), // no search inside a text
            ("'refs/heads/main' in ref", true),
            ("'admin' in realm_access.roles", true),
            ("'1' in mixed", false),
            ("labels == 'nightly'", false),
            ("labels != 'nightly'", false),
            // Missing claims help nobody.
            ("gone == ''", false),
            ("gone != 'x'", false),
            ("'x' in gone", false),
            ("gone != 'x' || protected == 'true'", true),
            // `&&` binds more tightly than `||`.
            ("protected == 'true' || gone == 'x' && gone == 'y'", true),
            ("(protected == 'true' || gone == 'x') && gone == 'y'", false),
            (" ( ( 'nightly' in labels ) ) ", true),
        ] {
            assert_eq!(holds(condition), expected, "{condition}");
        }
    }

    #[test]
    fn faults_are_shown_with_their_column() {
        let deep = format!("{}a == 'b'{}", "(".repeat(17), ")".repeat(17));
        let long = format!("a == '{}'", "x".repeat(CONDITION_BYTES_MAX));
        for (text, column, said) in [
            ("", 1, "expected a claim"),
            ("a", 2, "`==` or `!=`"),
            ("a = 'b'", 3, "`==` or `!=`"),
            ("a == b", 6, "single quotes"),
            ("a == \"b\"", 6, "single quotes"),
            ("a == 'b", 6, "not closed"),
            ("ä == 'ö' & b == 'c'", 10, "`&&`, `||` or the end"),
            ("a == 'b' &&", 12, "expected a claim"),
            ("a == 'b' || && c == 'd'", 13, "expected a claim"),
            ("(a == 'b'", 10, "`)`"),
            ("a == 'b')", 9, "the end"),
            ("'a' of b", 5, "expected `in`"),
            ("'a' in", 7, "expected a claim"),
            ("'a' in 'b'", 8, "expected a claim"),
            ("in == 'a'", 1, "after a text"),
            ("!a == 'b'", 1, "expected a claim"),
            (&deep, 18, "parentheses"),
            (&long, 1, "longer"),
        ] {
            let error = Condition::parse(text).unwrap_err();
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.message.contains(said), "{text}: {error}");
        }
    }
}
