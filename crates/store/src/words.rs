//! Words of texts: what a text is searched by.
//!
//! A word is a run of letters, digits and underscores, in lower case: `public.orders` is two of them. Whoever searches
//! writes words and nothing else; no sign has a meaning but the quotes around a phrase.

use std::collections::BTreeSet;

/// A text as its words, each with one blank before and after it.
pub(crate) fn plain(text: &str, to: &mut String) {
    to.clear();
    to.push(' ');
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            to.push(c.to_ascii_lowercase());
        } else if !c.is_ascii() && c.is_alphanumeric() {
            to.extend(c.to_lowercase());
        } else if !to.ends_with(' ') {
            to.push(' ');
        }
    }
    if !to.ends_with(' ') {
        to.push(' ');
    }
}

/// What a text must hold to be found: words, and words that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Each as its words with blanks about them: ` from orders `.
    phrases: Vec<String>,
}

impl Text {
    /// Reads what somebody searches for: words that must all occur, in quotes those that follow each other. Words that
    /// are written together (`public.orders`) follow each other too. `None` if there is no word in it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut phrases = BTreeSet::new();
        for (part, is_quoted) in text.split('"').zip([false, true].into_iter().cycle()) {
            let pieces: Vec<&str> = if is_quoted { vec![part] } else { part.split_whitespace().collect() };
            for piece in pieces {
                let mut phrase = String::new();
                plain(piece, &mut phrase);
                if phrase.len() > 1 {
                    phrases.insert(phrase);
                }
            }
        }
        (!phrases.is_empty()).then(|| Self { phrases: phrases.into_iter().collect() })
    }

    /// Whether all of it is in a text that was made [`plain`].
    pub(crate) fn is_in(&self, plain: &str) -> bool {
        self.phrases.iter().all(|phrase| plain.contains(phrase.as_str()))
    }

    /// All its words, each once.
    pub(crate) fn words(&self) -> BTreeSet<&str> {
        self.phrases.iter().flat_map(|phrase| phrase.split_ascii_whitespace()).collect()
    }

    /// Two words each that must follow each other.
    pub(crate) fn pairs(&self) -> BTreeSet<(&str, &str)> {
        let pairs = |phrase| {
            let words = str::split_ascii_whitespace(phrase);
            words.clone().zip(words.skip(1))
        };
        self.phrases.iter().flat_map(|phrase| pairs(phrase)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_words() {
        let mut words = String::new();
        for (text, expected) in [
            ("", " "),
            (" \n;", " "),
            ("SELECT *\n FROM public.orders_2 WHERE note='Ünï'", " select from public orders_2 where note ünï "),
            ("a\0b\u{202e}c", " a b c "),
        ] {
            plain(text, &mut words);
            assert_eq!(words, expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_searched_for_has_no_syntax_but_quotes() {
        let found = |search: &str, text: &str| {
            let mut words = String::new();
            plain(text, &mut words);
            Text::parse(search).map(|search| search.is_in(&words))
        };
        let text = "SELECT id FROM public.orders WHERE note = 'NOT OR AND'";
        for search in
            ["orders select", "\"from public\"", "public.orders", "\"from public", "NOT", "or AND", "id*", "(id"]
        {
            assert_eq!(found(search, text), Some(true), "{search}");
        }
        for search in ["\"public from\"", "orders.public", "order", "\"select from\"", "select missing"] {
            assert_eq!(found(search, text), Some(false), "{search}");
        }
        for search in ["", " ", "\"\"", "* ( )", "'\"-\"'"] {
            assert_eq!(found(search, text), None, "{search}");
        }
    }
}
