//! What can begin with digits, by how many they are, by the byte behind them, and by numbers behind that.
//!
//! Most words with a digit are small numbers, amounts, dates and times: this says of them that they are nothing, before an automaton is
//! asked. It is read off the automaton, and says no only where that would.

use std::collections::{BTreeMap, BTreeSet};

use regex_automata::util::primitives::StateID;

use crate::blocks::{ahead, is_digit, is_word};
use crate::shapes::Shapes;

/// The most digits that it knows about.
pub const DIGITS_MAX: usize = 24;
/// The most digits that it knows about, of a number and of those behind it.
const EACH_DIGITS_MAX: [usize; 3] = [DIGITS_MAX, 4, 4];
/// The most digits of a number of which it knows what the numbers behind it can be.
const DIGITS_BEFORE_MAX: usize = 4;
/// The most states at once, of which it finds out what they go on to.
const STATES_MAX: usize = 4096;
/// What may stand between numbers that are one thing: a date, a time, an address.
const SIGNS: [u8; 5] = [b'-', b'.', b':', b'/', b' '];

/// The digits that a word begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    pub digits: usize,
    /// What stands behind them: none at the end of the input. It may be of the same word.
    next: Option<u8>,
}

impl Number {
    /// The one that begins here, if one does.
    pub fn at(input: &[u8], start: usize) -> Option<Self> {
        if !input.get(start).is_some_and(|byte| is_digit(*byte)) {
            return None;
        }
        let digits = ahead(input, start, is_digit);
        Some(Self { digits, next: input.get(start.saturating_add(digits)).copied() })
    }
}

/// What words of digits alone can be.
#[derive(Debug, Default)]
pub struct Numbers {
    /// By the number of digits: the first is of one.
    of: Vec<Of>,
    /// The bytes that may be there in place of a digit.
    others: Bytes,
}

/// A bit for each byte.
#[derive(Clone, Copy, Debug, Default)]
struct Bytes([u64; 4]);

#[derive(Debug, Default)]
struct Of {
    /// The shapes that are all of them, by number, and whether each is it whatever digits they are.
    shapes: Vec<(usize, bool)>,
    /// The bytes that a shape can have behind them.
    goes_on: Bytes,
    /// For each sign that one can have behind them: what the numbers behind it can be.
    behind: Vec<(u8, Numbers)>,
}

/// What a number may be.
pub enum MayBe<'n> {
    /// That is for the automaton to say.
    Beginning,
    /// All of one of these shapes; and whether it is surely that, or else it depends on its digits.
    All(&'n [(usize, bool)]),
}

impl Numbers {
    /// What they can be of these shapes.
    pub fn of(shapes: &Shapes) -> Self {
        let mut lives = BTreeMap::new();
        Self::behind(shapes, &BTreeSet::from([shapes.start()]), true, &EACH_DIGITS_MAX, &mut lives)
    }

    /// What they can be behind what has led to these states, and whether all of that kind does. `lives` keeps which states go on.
    fn behind(
        shapes: &Shapes,
        states: &BTreeSet<StateID>,
        mut is_every: bool,
        digits_max: &[usize],
        lives: &mut BTreeMap<StateID, bool>,
    ) -> Self {
        let Some((digits_max, digits_max_behind)) = digits_max.split_first() else { return Self::default() };
        let (mut of, mut others, mut states) = (Vec::new(), Bytes::default(), states.clone());
        let leads_on = |byte: &u8| states.iter().any(|state| shapes.next(*state, *byte).is_some());
        (0..=u8::MAX).filter(|byte| !is_digit(*byte)).filter(leads_on).for_each(|byte| others.add(byte));
        while of.len() < *digits_max {
            let next =
                |state: &StateID| (b'0'..=b'9').map(|digit| shapes.next(*state, digit)).collect::<Vec<Option<_>>>();
            let all: BTreeSet<_> = states.iter().flat_map(next).collect();
            // Some digits have led nowhere: what is true of all states is not true of all numbers.
            is_every &= !all.contains(&None);
            states = all.into_iter().flatten().collect();
            if states.len() > STATES_MAX {
                break;
            }
            let mut number = Of::default();
            let mut counts = BTreeMap::<usize, usize>::new();
            for shape in states.iter().flat_map(|state| shapes.ended(*state)) {
                let count = counts.entry(shape).or_default();
                *count = count.saturating_add(1);
            }
            number.shapes = counts.iter().map(|(shape, count)| (*shape, is_every && *count == states.len())).collect();
            for byte in (0..=u8::MAX).filter(|byte| !is_digit(*byte)) {
                let next = states.iter().filter_map(|state| shapes.next(*state, byte));
                let alive = next.filter(|next| *lives.entry(*next).or_insert_with(|| shapes.goes_on(*next)));
                let alive: BTreeSet<_> = alive.collect();
                if !alive.is_empty() {
                    number.goes_on.add(byte);
                    let is_known = of.len() < DIGITS_BEFORE_MAX && SIGNS.contains(&byte);
                    if is_known && !digits_max_behind.is_empty() {
                        let behind = Self::behind(shapes, &alive, false, digits_max_behind, lives);
                        number.behind.push((byte, behind));
                    }
                }
            }
            of.push(number);
        }
        Self { of, others }
    }

    /// What the number may be that begins here, behind which `more` bytes may come than there are.
    #[inline]
    pub fn may_be(&self, input: &[u8], start: usize, number: Number, more: bool) -> MayBe<'_> {
        match self.get(number) {
            Some(of) if !of.may_go_on(input, start, number, more) => MayBe::All(&of.shapes),
            _ => MayBe::Beginning,
        }
    }

    fn get(&self, number: Number) -> Option<&Of> {
        number.digits.checked_sub(1).and_then(|at| self.of.get(at))
    }
}

impl Of {
    /// Whether a shape may have more than this number, which begins here; with the `more` bytes that may come.
    fn may_go_on(&self, input: &[u8], start: usize, number: Number, more: bool) -> bool {
        let Some(next) = number.next.filter(|next| self.goes_on.has(*next)) else { return false };
        let Some((_, numbers)) = self.behind.iter().find(|(sign, _)| *sign == next) else { return true };
        let behind = start.saturating_add(number.digits).saturating_add(1);
        let Some(number) = Number::at(input, behind) else {
            return input.get(behind).is_none_or(|byte| numbers.others.has(*byte));
        };
        // What may not be all there is for the automaton.
        let Some(of) = numbers.get(number).filter(|_| number.next.is_some() || !more) else { return true };
        let may_end = !of.shapes.is_empty() && !number.next.is_some_and(is_word);
        may_end || of.may_go_on(input, behind, number, more)
    }
}

impl Bytes {
    fn has(&self, byte: u8) -> bool {
        let (at, bit) = bit(byte);
        self.0.get(at).is_some_and(|bits| bits & bit != 0)
    }

    fn add(&mut self, byte: u8) {
        let (at, bit) = bit(byte);
        if let Some(bits) = self.0.get_mut(at) {
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
    fn a_number_is_the_digits_that_something_begins_with() {
        let at =
            |input: &str, start: usize| Number::at(input.as_bytes(), start).map(|number| (number.digits, number.next));
        assert_eq!(at("id 512,", 3), Some((3, Some(b','))));
        assert_eq!(at("512", 0), Some((3, None)));
        assert_eq!(at("512a", 0), Some((3, Some(b'a'))));
        for none in ["a512", "-512", ""] {
            assert_eq!(at(none, 0), None, "{none}");
        }
        assert_eq!(at("5", 7), None);
    }

    #[test]
    fn what_a_number_may_be_is_what_the_automaton_says() {
        let patterns = [r"\d{3}-\d{2}", r"[45]\d{3}|x\d{2}", r"9{2}\.\d", r"\d{6,8}", r"1\d{6}"];
        let numbers = Numbers::of(&Shapes::new(&patterns, 99).unwrap());
        let with = |numbers: &Numbers, input: &str, more: bool| {
            let input = input.as_bytes();
            match numbers.may_be(input, 0, Number::at(input, 0).unwrap(), more) {
                MayBe::Beginning => None,
                MayBe::All(shapes) => Some(shapes.to_vec()),
            }
        };
        let of = |numbers: &Numbers, input: &str| with(numbers, input, true);
        let may_be = |input: &str| of(&numbers, input);
        assert_eq!(with(&numbers, "512-4", false), Some(vec![]), "no more comes");
        assert_eq!(with(&numbers, "512-44", false), None, "it ends there");
        for may in ["512-", "99.", "12.", &"1".repeat(DIGITS_MAX + 1)] {
            assert_eq!(may_be(may), None, "{may}");
        }
        for none in ["1", "12", "12,", "123", "123 ", "123.", "12-", "12345", "123456789"] {
            assert_eq!(may_be(none), Some(vec![]), "{none}");
        }
        assert_eq!(may_be("4111"), Some(vec![(1, false)]));
        assert_eq!(may_be("1234,"), Some(vec![(1, false)]));
        assert_eq!(may_be("123456"), Some(vec![(3, true)]));
        assert_eq!(may_be("12x"), Some(vec![]));
        assert_eq!(may_be("1234567."), Some(vec![(3, true), (4, false)]));
        // What stands behind a sign is looked at, too.
        assert_eq!(may_be("512-44,"), None);
        assert_eq!(may_be("512-445,"), Some(vec![]));
        assert_eq!(may_be("512-44"), None, "it may go on");
        assert_eq!(may_be("512-"), None, "it may go on");
        assert_eq!(may_be("512-x"), Some(vec![]));
        let times = Numbers::of(&Shapes::new(&[r"(\d{2}:){3}\d{2}"], 99).unwrap());
        assert_eq!(of(&times, "10:20:30:40,"), None);
        for none in ["10:20:30,", "10:20,", "10:20:3:40,", "10-20:30:40,", "10:20:30T", "10:20a:30:40 ", "10h", "10_"] {
            assert_eq!(of(&times, none), Some(vec![]), "{none}");
        }
        // Where some digits lead nowhere, no shape is every number.
        let some = Numbers::of(&Shapes::new(&[r"[45]\d{3}"], 99).unwrap());
        assert_eq!(of(&some, "4111"), Some(vec![(0, false)]));
    }
}
