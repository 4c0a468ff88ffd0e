//! Parts of texts.

use crate::mask::HIDDEN;

/// The longest top-level domain that is shown.
const TOP_DOMAIN_BYTES_MAX: usize = 24;
/// The shortest IBAN.
const IBAN_CHARS_MIN: usize = 15;

/// The last digits, and what separates digits; everything else is hidden.
pub(super) fn last_digits(text: &str, keep: usize) -> String {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let hide = if digits < keep.saturating_mul(2) { digits } else { digits.saturating_sub(keep) };
    let mut seen = 0_usize;
    let shown = text.chars().map(|c| match c {
        ' ' | '-' | '+' | '(' | ')' | '/' | '.' => c,
        c if c.is_ascii_digit() => {
            seen = seen.saturating_add(1);
            if seen > hide { c } else { '*' }
        }
        _ => '*',
    });
    marked(shown.collect())
}

/// The same with [`HIDDEN`] in it, if anything of it is hidden, so that it is known again: digits that stand alone or in pairs are not
/// told apart.
fn marked(shown: String) -> String {
    let (Some(first), Some(last)) = (shown.find('*'), shown.rfind('*')) else { return shown };
    if shown.contains(HIDDEN) {
        return shown;
    }
    let (before, rest) = shown.split_at(first);
    let (hidden, after) = rest.split_at(last.saturating_sub(first).saturating_add(1));
    let stars = hidden.chars().count().max(HIDDEN.len());
    [before, &"*".repeat(stars), after].concat()
}

/// Country and last four of an IBAN. What does not look like one is a number of some kind.
pub(super) fn account(text: &str) -> String {
    let letters = text.chars().filter(char::is_ascii_alphanumeric).count();
    let head: Vec<char> = text.chars().take(4).collect();
    let [a, b, c, d] = head.as_slice() else { return last_digits(text, 4) };
    let is_iban = letters >= IBAN_CHARS_MIN
        && a.is_ascii_alphabetic()
        && b.is_ascii_alphabetic()
        && c.is_ascii_digit()
        && d.is_ascii_digit();
    if !is_iban {
        return last_digits(text, 4);
    }
    let shown_from = letters.saturating_sub(4);
    let mut seen = 0_usize;
    let shown = text.chars().map(|c| match c {
        ' ' | '-' => c,
        c if c.is_ascii_alphanumeric() => {
            seen = seen.saturating_add(1);
            if seen <= 2 || seen > shown_from { c } else { '*' }
        }
        _ => '*',
    });
    marked(shown.collect())
}

pub(super) fn mailbox(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let (host, top) = domain.rsplit_once('.')?;
    if top.is_empty() || top.len() > TOP_DOMAIN_BYTES_MAX || !top.chars().all(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    Some(format!("{}{HIDDEN}@{}{HIDDEN}.{top}", local.chars().next()?, host.chars().next()?))
}

pub(super) fn initials(text: &str) -> Option<String> {
    let letters: Vec<String> = text
        .split_whitespace()
        .filter_map(|word| word.chars().find(|c| c.is_alphabetic()))
        .take(8)
        .map(|letter| format!("{letter}."))
        .collect();
    (!letters.is_empty()).then(|| letters.join(" "))
}

/// The first characters of a text that has four letters and digits and twice as many as are shown: spaces hide nothing.
pub(super) fn first(text: &str, keep: usize) -> Option<String> {
    let least = keep.saturating_mul(2).max(4);
    if text.chars().filter(|c| c.is_alphanumeric()).take(least).count() < least {
        return None;
    }
    Some(text.chars().take(keep).chain(HIDDEN.chars()).collect())
}

/// The first of January of a date as ISO 8601 writes it, and of nothing else: another order of day and month can't be told.
pub(super) fn year(text: &str) -> Option<String> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let number = |digits: &[u8]| {
        digits.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(digits).ok()?.parse::<u8>().ok()).flatten()
    };
    let is_date = [y1, y2, y3, y4].iter().all(|byte| byte.is_ascii_digit())
        && (1..=12).contains(&number(&[*m1, *m2])?)
        && (1..=31).contains(&number(&[*d1, *d2])?);
    is_date.then(|| text.chars().take(4).chain("-01-01".chars()).collect())
}
