//! Dates and times of day as machines write them: `2024-05-12`, `2024-05-12T12:34:56Z`, `2024-05-12 12:34:56.789`.
//!
//! They are most of the numbers in logs and tables. Something may begin with the year, and nothing with what stands behind it in the same
//! date: that is inside of something longer. So it is gone over at once.

use std::collections::BTreeSet;

use regex_automata::util::primitives::StateID;

use crate::blocks::{is_digit, is_word};
use crate::shapes::Shapes;

/// Words that a time of day has, each with what stands behind it: of none of them anything may begin.
const WORDS: [&[u8]; 3] = [b"00:00:00", b"00:00", b"00"];
const DATE: &[u8] = b"0000-00-00";
/// Parts of a second, as many as are written.
const PARTS: [&[u8]; PARTS_MAX] =
    [b"0", b"00", b"000", b"0000", b"00000", b"000000", b"0000000", b"00000000", b"000000000"];
const PARTS_MAX: usize = 9;
/// Bytes of a time of day.
const CLOCK_BYTES: usize = 8;

/// What may stand behind a time of day so that nothing begins in it.
#[derive(Clone, Debug)]
pub struct Times {
    /// For each byte: whether it may be the next one.
    next: Box<[bool]>,
    /// The same of the one behind a blank, and behind a `Z`.
    behind_blank: Box<[bool]>,
    behind_zone: Box<[bool]>,
    /// For so many digits of parts of a second, less one: whether nothing goes on that has those and a `Z` behind them.
    parts: [bool; PARTS_MAX],
}

impl Times {
    /// Read off the shapes that begin with a word. `None` if one of them is a time of day, or a part of one.
    pub fn of(all: &[&Shapes]) -> Option<Self> {
        let any = || Box::from([true; 256]);
        let mut times = Self { next: any(), behind_blank: any(), behind_zone: any(), parts: [true; PARTS_MAX] };
        for shapes in all {
            for word in WORDS {
                for (parts, may_be) in PARTS.iter().zip(times.parts.iter_mut()) {
                    // That something has ended before is said one byte later, and a letter behind says that it has not.
                    let zoned = states(shapes, &[word, b".", parts, b"Z"].concat());
                    *may_be &= !ends(shapes, &zoned) && !zoned.iter().any(|state| shapes.goes_on(*state));
                }
                let states = behind(shapes, word)?;
                let (blank, zone) = (next(shapes, &states, b' '), next(shapes, &states, b'Z'));
                let Self { next: first, behind_blank, behind_zone, .. } = &mut times;
                for (may_be, states) in [(first, &states), (behind_blank, &blank), (behind_zone, &zone)] {
                    let ends = ends(shapes, states);
                    for (byte, may_be) in (0..=u8::MAX).zip(may_be.iter_mut()) {
                        *may_be &= !ends && next(shapes, states, byte).is_empty();
                    }
                }
            }
        }
        Some(times)
    }

    /// Where a date ends, or a date and a time, of which the year is the word that begins here.
    #[inline]
    pub fn end(times: Option<&Self>, input: &[u8], year: usize) -> Option<usize> {
        let rest = input.get(year..)?;
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, behind @ ..] = rest else { return None };
        if ![y1, y2, y3, y4, m1, m2, d1, d2].into_iter().all(|byte| is_digit(*byte)) {
            return None;
        }
        let date = year.saturating_add(10);
        let with_time = |times: &Self, time| Some(date.saturating_add(1).saturating_add(times.clock(time)?));
        match behind {
            [b'T', time @ ..] => with_time(times?, time),
            [next, ..] if is_word(*next) => None,
            [b' ', time @ ..] => Some(times.and_then(|times| with_time(times, time)).unwrap_or(date)),
            _ => Some(date),
        }
    }

    /// How long a time of day is, with parts of a second and a `Z`, if nothing begins in it.
    #[inline]
    fn clock(&self, time: &[u8]) -> Option<usize> {
        let [h1, h2, b':', m1, m2, b':', s1, s2, ..] = time else { return None };
        if ![h1, h2, m1, m2, s1, s2].into_iter().all(|byte| is_digit(*byte)) {
            return None;
        }
        let mut end = CLOCK_BYTES;
        if let Some([b'.', parts @ ..]) = time.get(end..)
            && let digits = parts.iter().take_while(|byte| is_digit(**byte)).count()
            && let Some([b'Z', behind @ ..]) = parts.get(digits..)
            && digits.checked_sub(1).is_some_and(|at| may_be(&self.parts, at))
            && !behind.first().is_some_and(|next| is_word(*next))
        {
            return Some(end.saturating_add(digits).saturating_add(2));
        }
        if let Some([b'.', parts @ ..]) = time.get(end..)
            && may_be(&self.next, usize::from(b'.'))
        {
            let digits = parts.iter().take_while(|byte| is_digit(**byte)).count();
            end = end.saturating_add(digits).saturating_add(1);
        }
        match time.get(end..).unwrap_or_default() {
            [] => Some(end),
            [b'Z', next, ..] if !is_word(*next) && may_be(&self.behind_zone, usize::from(*next)) => {
                Some(end.saturating_add(1))
            }
            [next, ..] if is_word(*next) => None,
            [next, ..] if may_be(&self.next, usize::from(*next)) => Some(end),
            [b' ', next, ..] if may_be(&self.behind_blank, usize::from(*next)) => Some(end),
            _ => None,
        }
    }
}

/// The shapes that are a date, or begin with one. What ends before a `-` is not one of them: a digit behind that says that it goes on.
pub fn dates(shapes: &Shapes) -> BTreeSet<usize> {
    let behind = states(shapes, DATE);
    let (mut met, mut left) = (behind.clone(), Vec::from_iter(behind));
    let mut dates = BTreeSet::new();
    while let Some(state) = left.pop() {
        dates.extend(shapes.ended(state));
        left.extend((0..=u8::MAX).filter_map(|byte| shapes.next(state, byte)).filter(|next| met.insert(*next)));
    }
    dates
}

fn may_be(all: &[bool], at: usize) -> bool {
    all.get(at).is_some_and(|may_be| *may_be)
}

fn ends(shapes: &Shapes, states: &BTreeSet<StateID>) -> bool {
    states.iter().any(|state| !shapes.ended(*state).is_empty())
}

/// The states behind such a word, whatever its digits are. `None` if a shape ends in it.
fn behind(shapes: &Shapes, word: &[u8]) -> Option<BTreeSet<StateID>> {
    let mut states = BTreeSet::from([shapes.start()]);
    for byte in word {
        states = match is_digit(*byte) {
            true => (b'0'..=b'9').flat_map(|digit| next(shapes, &states, digit)).collect(),
            false if ends(shapes, &states) => return None,
            false => next(shapes, &states, *byte),
        };
    }
    (!ends(shapes, &states)).then_some(states)
}

/// The states behind such a word, whatever its digits are.
fn states(shapes: &Shapes, word: &[u8]) -> BTreeSet<StateID> {
    word.iter().fold(BTreeSet::from([shapes.start()]), |states, byte| match is_digit(*byte) {
        true => (b'0'..=b'9').flat_map(|digit| next(shapes, &states, digit)).collect(),
        false => next(shapes, &states, *byte),
    })
}

fn next(shapes: &Shapes, states: &BTreeSet<StateID>, byte: u8) -> BTreeSet<StateID> {
    states.iter().filter_map(|state| shapes.next(*state, byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::builtin;

    #[test]
    fn a_date_is_gone_over_to_where_it_ends() {
        let times = builtin().unwrap().times.as_ref();
        for (text, expected) in [
            ("2024-05-12", 10),
            ("2024-05-12,7", 10),
            ("2024-05-12 12:34:56", 19),
            ("2024-05-12 12:34:56 INFO", 19),
            ("2024-05-12 12:34:56]", 19),
            ("2024-05-12T12:34:56Z ", 20),
            ("2024-05-12T12:34:56.789Z INFO", 24),
            ("2024-05-12 12:34:56.789123Z", 27),
            ("2024-05-12T12:34:56\"", 19),
            ("2024-05-12-33", 10),
            // What may be the beginning of something else, or is no time.
            ("2024-05-12 12:34:56:78:9a:bc", 10),
            ("2024-05-12 12:34:56 78 90 12", 10),
            ("2024-05-12 12:34:56-07", 10),
            ("2024-05-12 12:34", 10),
        ] {
            assert_eq!(Times::end(times, text.as_bytes(), 0), Some(expected), "{text}");
        }
        assert_eq!(Times::end(None, b"2024-05-12 12:34:56", 0), Some(10));
        assert_eq!(Times::end(None, b"2024-05-12T12:34:56", 0), None);
        for none in
            ["2024-05-1", "2024-05-123", "2024-05-12a", "2024/05/12", "2024-05-12T12:34", "2024-05-12T12:34:567"]
        {
            assert_eq!(Times::end(times, none.as_bytes(), 0), None, "{none}");
        }
        for none in
            ["2024-05-12T12:34:56.789 ", "2024-05-12T12:34:56.789Zx", "2024-05-12T12:34:56.Z", "2024-05-12T12:34:56.7Z"]
        {
            assert_eq!(Times::end(times, none.as_bytes(), 0), None, "{none}");
        }
        assert_eq!(Times::end(times, b"2024-05-12T12:34:56:78:9a:bc:de", 0), None);
    }

    #[test]
    fn dates_are_what_a_shape_has_or_begins_with() {
        let is_date = |pattern: &str| !dates(&Shapes::new(&[pattern], 99).unwrap()).is_empty();
        for none in ["[0-9]{4}-[0-9]{3}", "[0-9]{9}", "[0-9]{4}", "[a-z]+", "[0-9]{4}(-[0-9]{2})?"] {
            assert!(!is_date(none), "{none}");
        }
        for date in ["[0-9]{4}-[0-9]{2}-[0-9]{2}", "[0-9-]{8,12}", "[0-9-]{10}x", "[0-9]{4}-0[0-9]-[0-9]{2}"] {
            assert!(is_date(date), "{date}");
        }
        let all = Shapes::new(&["[0-9-]{10} [a-z]{2,9}", "[0-9]{4}", "[0-9-]{10,}"], 99).unwrap();
        assert_eq!(dates(&all), BTreeSet::from([0, 2]));
    }

    #[test]
    fn times_are_something_where_a_shape_is_one() {
        let of = |pattern: &str| Times::of(&[&Shapes::new(&[pattern], 99).unwrap()]);
        for nothing in ["[0-9]{4}", "([0-9a-f]{2}:){5}[0-9a-f]{2}", "[0-9]{2}-[0-9]{2}", "x"] {
            assert!(of(nothing).is_some(), "{nothing}");
        }
        for something in ["[0-9]{2}", "[0-9:]{8}", "[0-9]{2}:[0-9]{2}"] {
            assert!(of(something).is_none(), "{something}");
        }
        for (pattern, none) in [
            ("[0-9]{2}[.][0-9]{3}Z [a-z]+", "2024-05-12 12:34:56.789Z pm"),
            ("[0-9]{2}:30:00 [a-z]+", "2024-05-12 12:30:00 pm"),
            ("[0-9]{2}:[0-9]{2} [a-z]+", "2024-05-12 12:34:56 pm"),
            ("[0-9]{2},[0-9]{3}", "2024-05-12 12:34:56,789"),
            ("[0-9]{2}[.][0-9]{3}", "2024-05-12 12:34:56.789"),
        ] {
            let end = |pattern: &str| Times::end(of(pattern).as_ref(), none.as_bytes(), 0);
            assert_eq!((end(pattern), end("x") > Some(10)), (Some(10), true), "{pattern}");
        }
    }
}
