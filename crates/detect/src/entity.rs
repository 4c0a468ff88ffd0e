//! A kind of sensitive data, as a file describes it.

use serde::Deserialize;

/// A kind of sensitive data.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// Its name: `us_ssn`.
    pub name: String,
    /// What it is, for people.
    pub title: String,
    /// The class of what is found: `pii.national_id`.
    pub class: String,
    /// How much of it is seen where nothing else says so.
    pub sight: String,
    /// What it looks like, in one way or several.
    pub shapes: Vec<Shape>,
    /// What its characters must fulfil: the name of a check.
    pub check: Option<String>,
    /// Words that speak for it, in lower case, when they stand before it or in the name of where it is.
    #[serde(default)]
    pub context: Vec<String>,
    /// Words that speak against it there.
    #[serde(default)]
    pub against: Vec<String>,
    /// Texts in which it is found.
    pub positive: Vec<Example>,
    /// Texts in which it is not.
    pub negative: Vec<Example>,
    /// Where this is written down.
    pub source: String,
}

/// One way to write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// A regular expression, without anchors. It begins where a word begins that has a digit in it, and ends where one ends; or else it
    /// begins with one of `literals`.
    pub pattern: String,
    /// What every text of this shape begins with, where that is not a word with a digit.
    #[serde(default)]
    pub literals: Vec<String>,
    /// How sure it is that what has this shape and fulfils the check is of the kind, in log-odds: 0 is even, 3 is twenty to one.
    pub odds: f32,
}

/// A text, and what stands around it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Example {
    /// The text alone.
    Text(String),
    /// In a column, under a key, in a header of this name.
    Named {
        /// The text.
        text: String,
        /// The name.
        name: String,
    },
}

impl Example {
    /// The text, and the name of where it is.
    pub fn parts(&self) -> (&str, &str) {
        match self {
            Self::Text(text) => (text, ""),
            Self::Named { text, name } => (text, name),
        }
    }
}
