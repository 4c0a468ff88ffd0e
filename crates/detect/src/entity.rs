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
    /// Whether it is looked for only by those who ask for it.
    #[serde(default)]
    pub off: bool,
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
    /// A regular expression of bytes, without anchors. It begins where a word begins that has a digit in it, and ends where one ends; or
    /// else where one of the keys below says. What begins with such a word or is an address is read no farther than 512 bytes.
    pub pattern: String,
    /// What every text of this shape begins with, where that is not a word with a digit.
    #[serde(default)]
    pub literals: Vec<String>,
    /// It is a name and its value, of which the value alone is found: what is behind the first of these bytes, and behind blanks and an
    /// opening quote. The name may be the end of a longer one. Where `=` or `:` ends it, that is no farther than 64 bytes from where its
    /// literal begins.
    pub behind: Option<String>,
    /// It begins with what stands before an `@`.
    #[serde(default)]
    pub address: bool,
    /// It is looked for only where the name of the place speaks for the kind, and is all that is there.
    #[serde(default)]
    pub whole: bool,
    /// It begins at any word, with a digit in it or not, or at what is no word. This costs a look at every byte: it is for kinds of
    /// one's own.
    #[serde(default)]
    pub anywhere: bool,
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

/// What is wrong with the file of a kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {key}: {why}")]
pub struct Misread {
    /// The file.
    pub file: String,
    /// The key that is wrong.
    pub key: String,
    /// What is wrong with it, and what would be right.
    pub why: String,
}

impl Entity {
    /// Reads what a file says. Keys that nobody knows are wrong.
    pub fn read(file: &str, text: &str) -> Result<Self, Misread> {
        let misread =
            |key: &str, why: &str| Misread { file: file.to_owned(), key: key.to_owned(), why: why.to_owned() };
        let entity: Self = toml::from_str(text).map_err(|wrong| {
            let key = wrong.span().and_then(|span| key_at(text, span.start)).unwrap_or("the file");
            misread(key, wrong.message())
        })?;
        let is_name = |name: &str, more: &[u8]| {
            name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || more.contains(&byte))
        };
        if !is_name(&entity.name, b"_") {
            return Err(misread("name", "lower-case letters, digits and _ make a name, a letter first"));
        }
        if !is_name(&entity.class, b"_.") {
            return Err(misread("class", "a class is written as in pii.national_id"));
        }
        if !matches!(&*entity.sight, "nothing" | "token" | "partial" | "clear") {
            return Err(misread("sight", "it is one of nothing, token, partial and clear"));
        }
        if entity.shapes.is_empty() {
            return Err(misread("shapes", "there is none, so that nothing would be found"));
        }
        for shape in &entity.shapes {
            if !shape.odds.is_finite() {
                return Err(misread("odds", "they are a number"));
            }
            if shape.behind.is_some() && shape.literals.is_empty() {
                return Err(misread("behind", "it goes with literals"));
            }
            let begins = [!shape.literals.is_empty(), shape.address, shape.whole, shape.anywhere];
            if begins.into_iter().filter(|is_said| *is_said).count() > 1 {
                return Err(misread(
                    "shapes",
                    "a shape begins in one way: with literals, as an address, as the whole, or anywhere",
                ));
            }
        }
        let lists = [("context", &entity.context), ("against", &entity.against)];
        for (key, words) in lists {
            if let Some(word) = words.iter().find(|word| word.is_empty() || **word != word.to_lowercase()) {
                return Err(misread(key, &format!("\"{word}\" is empty or not in lower case")));
            }
        }
        Ok(entity)
    }
}

/// The key of the line in which this place is, or of the nearest one before that has one.
fn key_at(text: &str, place: usize) -> Option<&str> {
    let to = text.get(place..).and_then(|rest| rest.find('\n')).map_or(text.len(), |line| place.saturating_add(line));
    let lines = text.get(..to)?.lines().rev();
    lines.filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.trim()).next()
}

impl Example {
    /// The text, and the name of where it is.
    pub fn parts(&self) -> (&str, &str) {
        match self {
            Self::Text(text) => (text, ""),
            Self::Named { text, name } => (text, name),
        }
    }

    /// The text without its marks, where in it the thing is, and the name of where the text is: `paid with [[4111…]].` marks it; a text
    /// without marks is all of it.
    pub fn marked(&self) -> (String, std::ops::Range<usize>, &str) {
        let (text, name) = self.parts();
        let parts = text.split_once("[[").and_then(|(before, rest)| Some((before, rest.rsplit_once("]]")?)));
        match parts {
            Some((before, (inside, after))) => {
                let end = before.len().saturating_add(inside.len());
                (format!("{before}{inside}{after}"), before.len()..end, name)
            }
            None => (text.to_owned(), 0..text.len(), name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "name = \"x\"\ntitle = \"X\"\nclass = \"pii.x\"\nsight = \"partial\"\npositive = []\nnegative = []\n\
        source = \"\"\n[[shapes]]\npattern = 'x1'\nodds = 1.0\n";

    #[test]
    fn what_is_wrong_is_said_with_its_file_and_key() {
        assert_eq!(Entity::read("x.toml", FILE).unwrap().name, "x");
        let wrong = |from: &str, to: &str| Entity::read("x.toml", &FILE.replace(from, to)).unwrap_err();
        assert_eq!(wrong("title", "titel").key, "titel");
        assert_eq!(wrong("odds = 1.0", "odds = \"1\"").key, "odds");
        assert_eq!(
            wrong("\"partial\"", "\"some\"").to_string(),
            "x.toml: sight: it is one of nothing, token, partial and clear"
        );
        assert_eq!(wrong("\"pii.x\"", "\"PII\"").key, "class");
        assert_eq!(wrong("\"x\"", "\"1 x\"").key, "name");
        assert_eq!(wrong("source", "context = [\"SSN\"]\nsource").key, "context");
        assert_eq!(wrong("odds", "whole = true\naddress = true\nodds").key, "shapes");
        assert_eq!(wrong("odds", "behind = \"=\"\nodds").key, "behind");
    }

    #[test]
    fn an_example_marks_what_is_found() {
        let marked = |text: &str| Example::Text(text.to_owned()).marked().1;
        assert_eq!(marked("a [[bc]] d"), 2..4);
        assert_eq!(marked("abc"), 0..3);
    }
}
