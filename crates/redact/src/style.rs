//! Partial styles: which part of a value of a class may be seen at the sight `partial`.

use std::borrow::Cow;

use model::{ClassId, Value};

use crate::mask::HIDDEN;

/// Which part of a value stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The last digits, as many as this; separators stay. Values with fewer than twice as many digits show none.
    LastDigits(usize),
    /// First letter of the mailbox and of the domain, and the top-level domain: `j***@e***.com`.
    Mailbox,
    /// First letter of each word: `A. L.`
    Initials,
    /// The year of a date.
    Year,
    /// The first character, of values of four or more.
    First,
}

/// Styles by class; a class takes the style of the nearest class that it is in.
const STYLES: [(&str, Style); 6] = [
    ("pci.card", Style::LastDigits(4)),
    ("pii.national_id", Style::LastDigits(4)),
    ("pii.phone", Style::LastDigits(2)),
    ("pii.email", Style::Mailbox),
    ("pii.name", Style::Initials),
    ("pii.birth_date", Style::Year),
];

impl Style {
    /// The style of a class.
    pub fn of(class: &ClassId) -> Self {
        class
            .lineage()
            .find_map(|name| STYLES.iter().find(|(known, _)| *known == name))
            .map_or(Self::First, |(_, style)| *style)
    }

    /// The part of a value that stays, in the value's own kind; `None` if it has no such part.
    pub fn apply(self, value: &Value<'_>) -> Option<Value<'static>> {
        match (self, value) {
            (Self::Year, Value::Date { year, .. }) => Some(Value::Date { year: *year, month: 1, day: 1 }),
            (Self::LastDigits(keep), Value::Text(text)) => Some(owned(last_digits(text, keep))),
            (Self::Mailbox, Value::Text(text)) => mailbox(text).map(owned),
            (Self::Initials, Value::Text(text)) => initials(text).map(owned),
            (Self::First, Value::Text(text)) => first(text).map(owned),
            _ => None,
        }
    }
}

fn owned(text: String) -> Value<'static> {
    Value::Text(Cow::Owned(text))
}

fn last_digits(text: &str, keep: usize) -> String {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let hide = if digits < keep.saturating_mul(2) { digits } else { digits.saturating_sub(keep) };
    let mut seen = 0_usize;
    text.chars()
        .map(|c| match c {
            ' ' | '-' | '+' | '(' | ')' | '/' | '.' => c,
            c if c.is_ascii_digit() => {
                seen = seen.saturating_add(1);
                if seen > hide { c } else { '*' }
            }
            _ => '*',
        })
        .collect()
}

fn mailbox(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let (host, top) = domain.rsplit_once('.')?;
    if top.is_empty() || !top.chars().all(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    Some(format!("{}{HIDDEN}@{}{HIDDEN}.{top}", local.chars().next()?, host.chars().next()?))
}

fn initials(text: &str) -> Option<String> {
    let letters: Vec<String> = text
        .split_whitespace()
        .filter_map(|word| word.chars().find(|c| c.is_alphabetic()))
        .take(8)
        .map(|letter| format!("{letter}."))
        .collect();
    (!letters.is_empty()).then(|| letters.join(" "))
}

fn first(text: &str) -> Option<String> {
    let mut chars = text.chars();
    let first = chars.next()?;
    (chars.count() >= 3).then(|| format!("{first}{HIDDEN}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(class: &str, text: &str) -> Option<String> {
        match Style::of(&ClassId::parse(class).unwrap()).apply(&Value::Text(text.into())) {
            Some(Value::Text(text)) => Some(text.into_owned()),
            None => None,
            Some(other) => panic!("a text became {other:?}"),
        }
    }

    #[test]
    fn each_style_shows_its_part_and_no_more() {
        for (class, text, want) in [
            ("pci.card", "4111-1111-1111-1234", Some("****-****-****-1234")),
            ("pci.card.debit", "4111111111111234", Some("************1234")),
            ("pci.card", "1234567", Some("*******")),
            ("pci.card", "no card at all", Some("** **** ** ***")),
            ("pii.national_id", "512-44-9821", Some("***-**-9821")),
            ("pii.phone", "+49 (30) 1234567", Some("+** (**) *****67")),
            ("pii.email", "jane.doe@example.com", Some("j***@e***.com")),
            ("pii.email", "jane@localhost", None),
            ("pii.email", "no mail", None),
            ("pii.email", "a@b.c0m", None),
            ("pii.name", "Ada King Lovelace", Some("A. K. L.")),
            ("pii.name", "  ", None),
            ("secret.key", "abcdef", Some("a***")),
            ("secret.key", "abc", None),
        ] {
            assert_eq!(part(class, text).as_deref(), want, "{class} {text:?}");
        }
    }

    #[test]
    fn a_date_keeps_its_year_and_other_kinds_have_no_part() {
        let year = Style::of(&ClassId::parse("pii.birth_date").unwrap());
        let date = Value::Date { year: 1984, month: 7, day: 9 };
        assert_eq!(year.apply(&date), Some(Value::Date { year: 1984, month: 1, day: 1 }));
        assert_eq!(year.apply(&Value::Text("1984-07-09".into())), None);
        assert_eq!(Style::First.apply(&Value::Number("123456".into())), None);
        assert_eq!(Style::LastDigits(4).apply(&Value::Uuid([1; 16])), None);
    }
}
