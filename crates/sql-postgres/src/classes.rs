//! Which columns hold which class, by configured patterns.

use model::{ClassId, OnWrite};

/// The longest pattern that is read, in bytes: three names of 63 bytes, quoted dots and stars aside.
const PATTERN_BYTES_MAX: usize = 512;

/// Rules of the form `schema.table.column` = class, where `*` stands for any characters within a name or across them.
#[derive(Clone, Debug, Default)]
pub struct ClassRules {
    rules: Vec<Rule>,
    unclassified_hidden: bool,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    class: ClassId,
    on_write: Option<OnWrite>,
}

/// A pattern that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{pattern}\": {reason}")]
pub struct PatternError {
    /// As it was written.
    pub pattern: String,
    /// What is wrong and what would be right.
    pub reason: &'static str,
}

impl ClassRules {
    /// Reads patterns and their classes. With `unclassified_hidden`, every column of the users' own relations that no rule
    /// names is of the class `unclassified`.
    pub fn parse<P: AsRef<str>>(
        lines: impl IntoIterator<Item = (P, ClassId)>,
        unclassified_hidden: bool,
    ) -> Result<Self, Vec<PatternError>> {
        let (mut rules, mut errors) = (Vec::<Rule>::new(), Vec::new());
        for (pattern, class) in lines {
            let pattern = pattern.as_ref();
            let same = rules.iter().find(|rule| rule.pattern == pattern);
            let reason = if same.is_some_and(|rule| rule.class != class) {
                Some("it is written twice with different classes; keep one")
            } else {
                fault(pattern)
            };
            match reason {
                Some(reason) => errors.push(PatternError { pattern: pattern.to_owned(), reason }),
                None => rules.push(Rule { pattern: pattern.to_owned(), class, on_write: None }),
            }
        }
        // Where several match, the one with the most letters of its own decides, whatever order a file gives them in.
        rules.sort_by_key(|rule| {
            (std::cmp::Reverse(rule.pattern.bytes().filter(|byte| *byte != b'*').count()), rule.pattern.clone())
        });
        if errors.is_empty() { Ok(Self { rules, unclassified_hidden }) } else { Err(errors) }
    }

    /// The same rules, where the columns of this pattern may be given less than the values that are put into them.
    pub fn on_write(mut self, pattern: &str, on_write: OnWrite) -> Self {
        for rule in self.rules.iter_mut().filter(|rule| rule.pattern == pattern) {
            rule.on_write = Some(on_write);
        }
        self
    }

    /// Whether anything at all is classified by these rules.
    pub fn classify_something(&self) -> bool {
        self.unclassified_hidden || !self.rules.is_empty()
    }

    /// Whether columns that no rule names are classified too.
    pub(crate) fn unclassified_hidden(&self) -> bool {
        self.unclassified_hidden
    }

    /// The class of `schema.table.column`, and what it may be given in the place of values. Every rule that matches is noted in `matched`.
    pub(crate) fn class_of(&self, column: &str, matched: &mut [bool]) -> Option<(&ClassId, Option<OnWrite>)> {
        let mut found = None;
        for (rule, matched) in self.rules.iter().zip(matched) {
            if glob(rule.pattern.as_bytes(), column.as_bytes()) {
                *matched = true;
                found = found.or(Some((&rule.class, rule.on_write)));
            }
        }
        found
    }

    /// How many rules there are.
    pub(crate) fn len(&self) -> usize {
        self.rules.len()
    }

    /// The patterns whose place in `matched` is not set.
    pub(crate) fn unmatched<'a>(&'a self, matched: &'a [bool]) -> impl Iterator<Item = &'a str> {
        self.rules.iter().zip(matched).filter(|(_, matched)| !**matched).map(|(rule, _)| &*rule.pattern)
    }
}

/// What is wrong with a pattern.
fn fault(pattern: &str) -> Option<&'static str> {
    let parts = pattern.split('.');
    if pattern.len() > PATTERN_BYTES_MAX {
        Some("it is longer than 512 bytes")
    } else if pattern.chars().any(char::is_control) {
        Some("it has control characters in it")
    } else if parts.clone().any(str::is_empty) {
        Some("a part of it is empty; write schema.table.column, with * for any")
    } else if parts.count() < 3 {
        Some("it has fewer than three parts; write schema.table.column, as in *.*.email")
    } else {
        None
    }
}

/// Whether a name is of the form `pattern`, where `*` stands for any characters.
pub fn fits(pattern: &str, name: &str) -> bool {
    glob(pattern.as_bytes(), name.as_bytes())
}

/// Whether `text` is of the form `pattern`, where `*` stands for any number of bytes. Linear in memory, quadratic in time.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where to go on when what follows the last star did not fit: the star takes one byte more.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), text.split_first()) {
            (Some((b'*', rest)), _) => {
                retry = Some((rest, text));
                pattern = rest;
            }
            (Some((wanted, pattern_rest)), Some((byte, text_rest))) if wanted == byte => {
                (pattern, text) = (pattern_rest, text_rest);
            }
            (None, None) => return true,
            _ => match retry {
                Some((after_star, from)) => {
                    let Some((_, shorter)) = from.split_first() else { return false };
                    retry = Some((after_star, shorter));
                    (pattern, text) = (after_star, shorter);
                }
                None => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str) -> ClassId {
        ClassId::parse(name).unwrap()
    }

    #[test]
    fn stars_stand_for_anything_within_and_across_names() {
        for (pattern, text, fits) in [
            ("public.customers.ssn", "public.customers.ssn", true),
            ("public.customers.ssn", "public.customers.ssn2", false),
            ("*.*.email", "public.customers.email", true),
            ("*.*.email", "public.customers.email_ok", false),
            ("*.*.*mail*", "a.b.e_mail_2", true),
            ("public.*.*", "public.a.b", true),
            ("public.*.*", "publicx.a.b", false),
            ("p*.c*.s*n", "public.customers.ssn", true),
            ("p*.c*.s*n", "public.customers.ssm", false),
            ("*.*.a*a*b", "x.y.aaaaaaab", true),
            ("*.*.", "x.y.z", false),
        ] {
            assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_that_mean_nothing_are_told_all_at_once() {
        let lines = ["", "ssn", "customers.ssn", "a..b", "*.*.ok", "a.b.\n"].map(|pattern| (pattern, class("pii")));
        let errors = ClassRules::parse(lines, false).unwrap_err();
        assert_eq!(errors.len(), 5);
        assert!(errors[1].to_string().contains("write schema.table.column"), "{}", errors[1]);
        let twice = [("a.b.c", class("pii")), ("a.b.c", class("pci"))];
        assert!(ClassRules::parse(twice, false).unwrap_err()[0].reason.contains("twice"));
    }

    #[test]
    fn the_most_particular_rule_decides_and_all_that_match_are_noted() {
        let lines =
            [("*.*.email", class("pii.email")), ("public.news.email", class("public")), ("*.*.nix", class("pii"))];
        let rules = ClassRules::parse(lines, false).unwrap().on_write("*.*.email", OnWrite::Token);
        let mut matched = vec![false; rules.len()];
        let mut of = |column: &str| rules.class_of(column, &mut matched).map(|(class, less)| (class.as_str(), less));
        assert_eq!(of("public.news.email"), Some(("public", None)));
        assert_eq!(of("public.customers.email"), Some(("pii.email", Some(OnWrite::Token))));
        assert_eq!(rules.unmatched(&matched).collect::<Vec<_>>(), ["*.*.nix"]);
    }
}
