//! Classes of sensitive data, the fields that hold them, and how much of a value may be seen.

use std::fmt;
use std::sync::Arc;

use crate::operation::Part;

/// A kind of sensitive data, in a tree written with dots: `pii.email` is in `pii`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(Arc<str>);

impl ClassId {
    /// A class by its dotted name: lower-case letters, digits and `_` in one or more parts (`pii.national_id`).
    /// `None` for anything else.
    pub fn parse(name: &str) -> Option<Self> {
        let part_ok = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        (name.len() <= 128 && name.split('.').all(part_ok)).then(|| Self(name.into()))
    }

    /// The class of what nobody has classified, where that is hidden. Nothing is known of what is in it.
    pub const UNCLASSIFIED: &str = "unclassified";

    /// The dotted name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This class and everything it is in, nearest first: `pci.card`, `pci`.
    pub fn lineage(&self) -> impl Iterator<Item = &str> {
        let mut rest = Some(&*self.0);
        std::iter::from_fn(move || {
            let name = rest?;
            rest = name.rfind('.').and_then(|dot| name.get(..dot));
            Some(name)
        })
    }

    /// Whether this class is `other` or inside it.
    pub fn is_in(&self, other: &str) -> bool {
        self.lineage().any(|name| name == other)
    }
}

impl fmt::Display for ClassId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place that holds values of a class: a column, a JSON path, a header.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// The object that the field belongs to.
    pub part: Part,
    /// The field's own name inside the object.
    pub name: String,
    /// What it holds.
    pub class: ClassId,
    /// Set for fields that nobody may ever see, whatever a policy says (others' statements, password hashes).
    pub sealed: bool,
}

/// What may be stored in a field in the place of a value, where its configuration opts in to less than the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnWrite {
    /// A part of it, by the class's style.
    Partial,
    /// A keyed token.
    Token,
}

impl OnWrite {
    /// The word used in configuration, logs and notices.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Token => "token",
        }
    }

    /// The sight at which a value shows the same.
    pub fn sight(self) -> Sight {
        match self {
            Self::Partial => Sight::Partial,
            Self::Token => Sight::Token,
        }
    }
}

/// How much of a value a caller may see, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// Nothing: the value is redacted.
    Nothing,
    /// A keyed token in its place.
    Token,
    /// A part of it, by the class's style (the last four digits of a card).
    Partial,
    /// The value itself.
    Clear,
}

impl Sight {
    /// The word used in logs and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Token => "token",
            Self::Partial => "partial",
            Self::Clear => "clear",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_form_a_tree() {
        for bad in ["", ".", "pii.", ".pii", "PII", "pii email", "pii..x", "9a", &"a".repeat(129)] {
            assert!(ClassId::parse(bad).is_none(), "{bad:?} was accepted");
        }
        let class = ClassId::parse("secret.aws_key.v2").unwrap();
        assert_eq!(class.lineage().collect::<Vec<_>>(), ["secret.aws_key.v2", "secret.aws_key", "secret"]);
        assert!(class.is_in("secret") && !class.is_in("secret.aws"));
    }
}
