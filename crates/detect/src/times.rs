//! Dates and times of day as machines write them: `2024-05-12`, `2024-05-12T12:34:56Z`, `2024-05-12 12:34:56.789`.
//!
//! They are most of the numbers in logs and tables. Something may begin with the year, and nothing with what stands behind it in the same
//! date: that is inside of something longer. So it is gone over at once.

use std::collections::BTreeSet;

use regex_automata::util::primitives::StateID;

use crate::blocks::{is_digit, is_word};
use crate::shapes::Shapes;

/// What may stand behind a time of day that is gone over.
const BEHIND: &[u8] = b" ,;|\t\r\n\"')]}>";
/// Behind a blank a time of day is a word of its own: so it is written.
const TIME: &[u8] = b"00:00:00";

/// The most digits behind the point of its seconds.
const PARTS_MAX: usize = 9;

/// Whether no shape has such a time of day as its beginning, or as all of it.
pub fn are_nothing(shapes: &Shapes) -> bool {
    let mut states = BTreeSet::from([shapes.start()]);
    let next = |states: &BTreeSet<StateID>, byte: u8| -> BTreeSet<StateID> {
        states.iter().filter_map(|state| shapes.next(*state, byte)).collect()
    };
    let ends = |states: &BTreeSet<StateID>| states.iter().any(|state| !shapes.ended(*state).is_empty());
    for byte in TIME {
        if !is_digit(*byte) && ends(&states) {
            return false;
        }
        states = match is_digit(*byte) {
            true => (b'0'..=b'9').flat_map(|digit| next(&states, digit)).collect(),
            false => next(&states, *byte),
        };
    }
    let is_over =
        |states: &BTreeSet<StateID>| !ends(states) && BEHIND.iter().all(|byte| next(states, *byte).is_empty());
    let mut is_nothing = is_over(&states);
    // Parts of a second.
    states = next(&states, b'.');
    for _ in 0..PARTS_MAX {
        states = (b'0'..=b'9').flat_map(|digit| next(&states, digit)).collect();
        is_nothing &= is_over(&states);
    }
    is_nothing
}

/// Where a date ends, or a date and a time, of which the year is the word that begins here. `with_time` is whether one behind a blank counts.
#[inline]
pub fn end(input: &[u8], year: usize, with_time: bool) -> Option<usize> {
    let rest = input.get(year..)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, behind @ ..] = rest else { return None };
    if ![y1, y2, y3, y4, m1, m2, d1, d2].into_iter().all(|byte| is_digit(*byte)) {
        return None;
    }
    let date = year.saturating_add(10);
    match behind {
        [b'T', time @ ..] => {
            let length = clock(time)?;
            let is_utc = time.get(length) == Some(&b'Z');
            let end = length.saturating_add(usize::from(is_utc));
            let goes_on = time.get(end).is_some_and(|byte| is_word(*byte));
            (!goes_on).then_some(date.saturating_add(1).saturating_add(end))
        }
        [next, ..] if is_word(*next) => None,
        [b' ', time @ ..] if with_time => {
            let length = clock(time).filter(|length| time.get(*length).is_none_or(|byte| BEHIND.contains(byte)));
            Some(length.map_or(date, |length| date.saturating_add(1).saturating_add(length)))
        }
        _ => Some(date),
    }
}

/// How long a time of day is, with parts of a second.
#[inline]
fn clock(time: &[u8]) -> Option<usize> {
    let [h1, h2, b':', m1, m2, b':', s1, s2, parts @ ..] = time else { return None };
    if ![h1, h2, m1, m2, s1, s2].into_iter().all(|byte| is_digit(*byte)) {
        return None;
    }
    let digits = match parts {
        [b'.', parts @ ..] => parts.iter().take_while(|byte| is_digit(**byte)).count(),
        _ => 0,
    };
    (digits <= PARTS_MAX).then(|| TIME.len().saturating_add(if digits > 0 { digits.saturating_add(1) } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_gone_over_to_where_it_ends() {
        for (text, expected) in [
            ("2024-05-12", 10),
            ("2024-05-12,7", 10),
            ("2024-05-12 12:34:56", 19),
            ("2024-05-12 12:34:56.789,", 23),
            ("2024-05-12 12:34:56.789,", 23),
            ("2024-05-12T12:34:56Z ", 20),
            ("2024-05-12T12:34:56.1+02:00", 21),
            ("2024-05-12-33", 10),
            // What may be the beginning of something else, or is no time.
            ("2024-05-12 12:34:56:78:9a:bc", 10),
            ("2024-05-12 12:34:56-07", 10),
            ("2024-05-12 12:34", 10),
        ] {
            assert_eq!(end(text.as_bytes(), 0, true), Some(expected), "{text}");
        }
        assert_eq!(end(b"2024-05-12 12:34:56", 0, false), Some(10));
        for none in
            ["2024-05-1", "2024-05-123", "2024-05-12a", "2024/05/12", "2024-05-12T12:34", "2024-05-12T12:34:567"]
        {
            assert_eq!(end(none.as_bytes(), 0, true), None, "{none}");
        }
    }

    #[test]
    fn times_are_something_where_a_shape_is_one() {
        assert!(crate::builtin::builtin().unwrap().times_are_nothing);
        let are_nothing = |pattern: &str| are_nothing(&Shapes::new(&[pattern], 99).unwrap());
        for nothing in ["[0-9]{4}", "([0-9a-f]{2}:){5}[0-9a-f]{2}", "[0-9]{2}-[0-9]{2}", "x"] {
            assert!(are_nothing(nothing), "{nothing}");
        }
        for something in [
            "[0-9]{2}",
            "[0-9:]{8}",
            "[0-9]{2}:[0-9]{2}",
            "[0-9]{2}:30:00 [a-z]+",
            "[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}",
        ] {
            assert!(!are_nothing(something), "{something}");
        }
    }
}
