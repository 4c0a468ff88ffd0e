//! What a word of digits alone can be, by how many they are and by the byte behind them.
//!
//! Most words with a digit are small numbers, amounts, and parts of times: this says of them that they are nothing, before an automaton is
//! asked. It is read off the automaton, and says no only where that would.

use std::collections::{BTreeMap, BTreeSet};

use regex_automata::util::primitives::StateID;

use crate::blocks::{is_digit, is_word};
use crate::shapes::Shapes;

/// The most digits that it knows about.
pub const DIGITS_MAX: usize = 24;
/// The most states at once, of which it finds out what they go on to.
const STATES_MAX: usize = 4096;

/// A word of digits alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    pub digits: usize,
    /// What stands behind them; none at the end of the input.
    next: Option<u8>,
}

impl Number {
    /// The one that begins here, if one does.
    pub fn at(input: &[u8], start: usize) -> Option<Self> {
        let rest = input.get(start..).unwrap_or_default();
        let digits = rest.iter().position(|byte| !is_digit(*byte)).unwrap_or(rest.len());
        let next = rest.get(digits).copied();
        (digits > 0 && !next.is_some_and(is_word)).then_some(Self { digits, next })
    }
}

/// What words of digits alone can be.
#[derive(Debug)]
pub struct Numbers {
    /// By the number of digits: the first is of one.
    of: Vec<Of>,
}

#[derive(Debug, Default)]
struct Of {
    /// Whether a shape is all of them.
    ends: bool,
    /// A bit for each byte that a shape can have behind them.
    goes_on: [u64; 4],
}

impl Numbers {
    /// What they can be of these shapes.
    pub fn of(shapes: &Shapes) -> Self {
        let (mut of, mut states, mut lives) = (Vec::new(), BTreeSet::from([shapes.start()]), BTreeMap::new());
        while of.len() < DIGITS_MAX {
            let next =
                |state: &StateID| (b'0'..=b'9').filter_map(|digit| shapes.next(*state, digit)).collect::<Vec<_>>();
            states = states.iter().flat_map(next).collect();
            if states.len() > STATES_MAX {
                break;
            }
            let mut number = Of { ends: states.iter().any(|state| shapes.ends(*state)), ..Of::default() };
            for (state, byte) in states.iter().flat_map(|state| (0..=u8::MAX).map(move |byte| (*state, byte))) {
                if let Some(next) = (!is_word(byte)).then(|| shapes.next(state, byte)).flatten() {
                    number.ends |= shapes.is_match(next);
                    if *lives.entry(next).or_insert_with(|| shapes.goes_on(next)) {
                        number.may_have(byte);
                    }
                }
            }
            of.push(number);
        }
        Self { of }
    }

    /// Whether a shape may begin with this number, or be it.
    pub fn may_be(&self, number: Number) -> bool {
        let of = number.digits.checked_sub(1).and_then(|at| self.of.get(at));
        of.is_none_or(|of| of.ends || number.next.is_some_and(|byte| of.has(byte)))
    }
}

impl Of {
    fn has(&self, byte: u8) -> bool {
        let (at, bit) = bit(byte);
        self.goes_on.get(at).is_some_and(|bits| bits & bit != 0)
    }

    fn may_have(&mut self, byte: u8) {
        let (at, bit) = bit(byte);
        if let Some(bits) = self.goes_on.get_mut(at) {
            *bits |= bit;
        }
    }
}

/// Where the bit of a byte is.
fn bit(byte: u8) -> (usize, u64) {
    (usize::from(byte >> 6), 1 << (byte & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_word_of_digits_alone() {
        let at =
            |input: &str, start: usize| Number::at(input.as_bytes(), start).map(|number| (number.digits, number.next));
        assert_eq!(at("id 512,", 3), Some((3, Some(b','))));
        assert_eq!(at("512", 0), Some((3, None)));
        for none in ["512a", "512_", "a512", "-512", ""] {
            assert_eq!(at(none, 0), None, "{none}");
        }
        assert_eq!(at("5", 7), None);
    }

    #[test]
    fn what_it_dismisses_no_shape_begins_with() {
        let numbers = Numbers::of(&Shapes::new(&[r"\d{3}-\d{2}", r"[45]\d{3}|x\d{2}", r"9{2}\.\d"], 99).unwrap());
        let may_be = |input: &str| numbers.may_be(Number::at(input.as_bytes(), 0).unwrap());
        for may in ["512-", "4111", "4111,", "1234", "99.", "12.", &"1".repeat(DIGITS_MAX + 1)] {
            assert!(may_be(may), "{may}");
        }
        for none in ["1", "12", "12,", "123", "123 ", "123.", "12-", "12345"] {
            assert!(!may_be(none), "{none}");
        }
    }
}
