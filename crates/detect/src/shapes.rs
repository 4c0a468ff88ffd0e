//! All shapes of all kinds as one automaton, which says what begins at a place.
//!
//! It is anchored: it never looks for a beginning, so that many shapes stay small together. Where to begin is [`crate::scan`]'s.

use std::collections::BTreeSet;
use std::ops::Range;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind, nfa::thompson};

/// The longest text that is all there is in a place.
pub const SHAPE_BYTES_MAX: usize = 4096;
/// What the automaton may take in memory.
const AUTOMATON_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The most states in which what begins with a literal may be after some bytes more.
const STATES_MAX: usize = 4096;
/// The most ends of what begins at a place that are told as they come. Of more only the farthest is told, so that a text with many ends
/// is not checked from its beginning for each of them.
const TOLD_MAX: usize = 64;

/// Shapes, by number.
pub struct Shapes {
    dfa: dense::DFA<Vec<u32>>,
    start: StateID,
    bytes_max: usize,
    /// Where it is behind any number of bytes that may begin a shape and change nothing, if it is known of some.
    begun: Option<StateID>,
}

impl std::fmt::Debug for Shapes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shapes({} bytes)", self.dfa.memory_usage())
    }
}

impl Shapes {
    /// An automaton of these patterns, which reads that many bytes at most; why there can be none.
    pub fn new(patterns: &[&str], bytes_max: usize) -> Result<Self, String> {
        let dfa = dense::Builder::new()
            .syntax(syntax())
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(AUTOMATON_BYTES_MAX)))
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .match_kind(MatchKind::All)
                    // One reason less for a state to be special.
                    .accelerate(false)
                    .dfa_size_limit(Some(AUTOMATON_BYTES_MAX))
                    .determinize_size_limit(Some(AUTOMATON_BYTES_MAX)),
            )
            .build_many(patterns)
            .map_err(|wrong| wrong.to_string())?;
        let start =
            dfa.start_state(&start::Config::new().anchored(Anchored::Yes)).map_err(|wrong| wrong.to_string())?;
        Ok(Self { dfa, start, bytes_max, begun: None })
    }

    /// Finds out whether all shapes may begin with any number of these bytes, and nothing more is known behind them than that they were there.
    pub fn begun_by(mut self, is: impl Fn(u8) -> bool) -> Self {
        let mut bytes = (0..=u8::MAX).filter(|byte| is(*byte));
        let begun = bytes.clone().next().and_then(|byte| self.next(self.start, byte));
        let leads = |state, byte| self.next(state, byte) == begun;
        self.begun = begun.filter(|begun| {
            let is_quiet = !self.dfa.is_special_state(*begun);
            is_quiet && bytes.all(|byte| leads(self.start, byte) && leads(*begun, byte))
        });
        self
    }

    /// Calls `found` with the number of each shape that the input has from `at` on, and with where it ends: the shorter first. Only where
    /// `can_end` says that one can. Returns how far it has read.
    #[inline]
    pub fn at(
        &self,
        input: &[u8],
        at: usize,
        can_end: impl Fn(usize) -> bool,
        found: impl FnMut(usize, usize),
    ) -> usize {
        self.at_begun(input, at..at, can_end, found)
    }

    /// The same where what begins there is known to begin with bytes of those that it was asked for ([`Shapes::begun_by`]).
    #[inline]
    pub fn at_begun(
        &self,
        input: &[u8],
        begin: Range<usize>,
        can_end: impl Fn(usize) -> bool,
        mut found: impl FnMut(usize, usize),
    ) -> usize {
        let at = begin.start;
        let (state, begin) = match self.begun {
            Some(begun) if !begin.is_empty() && begin.len() <= self.bytes_max => (begun, begin),
            _ => (self.start, at..at),
        };
        let bytes = input.get(begin.end..).unwrap_or_default();
        let bytes = bytes.get(..self.bytes_max.saturating_sub(begin.len())).unwrap_or(bytes);
        let (mut state, mut end, mut told) = (state, begin.end, Told::default());
        let mut is_dead = false;
        for byte in bytes {
            state = self.dfa.next_state(state, *byte);
            if self.dfa.is_special_state(state) {
                if self.dfa.is_match_state(state) {
                    if can_end(end) && told.now(state, end) {
                        self.tell(state, end, &mut found);
                    }
                } else if self.dfa.is_dead_state(state) {
                    is_dead = true;
                    break;
                }
            }
            end = end.saturating_add(1);
        }
        if !is_dead && end >= input.len() {
            let state = self.dfa.next_eoi_state(state);
            if self.dfa.is_match_state(state) && can_end(end) && told.now(state, end) {
                self.tell(state, end, &mut found);
            }
        }
        if let Some((state, end)) = told.later {
            self.tell(state, end, &mut found);
        }
        #[cfg(test)]
        steps::add(end.saturating_sub(at).saturating_add(1));
        end
    }

    /// Whether more bytes behind the input could be part of what begins at `at`.
    pub fn may_go_on(&self, input: &[u8], at: usize) -> bool {
        let bytes = input.get(at..).unwrap_or_default();
        bytes.len() <= self.bytes_max && self.run(self.start, bytes).is_ok()
    }

    /// Goes on from a state. The error is how many of the bytes were part of a shape, if none goes on behind them.
    pub fn run(&self, mut state: StateID, bytes: &[u8]) -> Result<StateID, usize> {
        for (count, byte) in bytes.iter().enumerate() {
            #[cfg(test)]
            steps::add(1);
            let next = self.dfa.next_state(state, *byte);
            if self.dfa.is_dead_state(next) {
                return Err(if self.is_over(state) { count.saturating_sub(1) } else { count });
            }
            state = next;
        }
        if self.is_over(state) { Err(bytes.len().saturating_sub(1)) } else { Ok(state) }
    }

    /// Whether the byte that led here was behind all shapes: that they have ended is told one byte late.
    fn is_over(&self, state: StateID) -> bool {
        let is_end = |state: StateID| self.dfa.is_match_state(state);
        is_end(state) && !is_end(self.dfa.next_eoi_state(state)) && !self.goes_on(state)
    }

    /// Whether a shape is all of a text.
    pub fn is(&self, shape: usize, text: &[u8]) -> bool {
        let mut is = false;
        self.at(text, 0, |end| end == text.len(), |found, _| is |= found == shape);
        is
    }

    /// For each byte: whether a shape begins with it.
    pub fn firsts(&self) -> Box<[bool]> {
        (0..=u8::MAX).map(|byte| !self.dfa.is_dead_state(self.dfa.next_state(self.start, byte))).collect()
    }

    fn tell(&self, state: StateID, end: usize, found: &mut impl FnMut(usize, usize)) {
        for index in 0..self.dfa.match_len(state) {
            found(self.dfa.match_pattern(state, index).as_usize(), end);
        }
    }

    /// Whether none of what begins like this has a blank among those bytes, or ends before them.
    pub fn is_unbroken(&self, begin: &[u8], bytes: Range<usize>) -> bool {
        let is_blank = |byte: &u8| (1..=b' ').contains(byte);
        let own = begin.get(bytes.start..).unwrap_or_default();
        let Ok(state) = self.run(self.start, begin) else { return false };
        let mut states = BTreeSet::from([state]);
        for _ in begin.len()..bytes.end {
            let has_blank = |state: &StateID| (1..=b' ').any(|blank| self.next(*state, blank).is_some());
            if states.len() > STATES_MAX
                || states.iter().any(|state| !self.ended(*state).is_empty() || has_blank(state))
            {
                return false;
            }
            let rest = |state: &StateID| {
                (0..=u8::MAX)
                    .filter(|byte| !is_blank(byte))
                    .filter_map(|byte| self.next(*state, byte))
                    .collect::<Vec<_>>()
            };
            states = states.iter().flat_map(rest).collect();
        }
        !own.iter().take(bytes.len()).any(is_blank)
    }

    /// Where it is before the first byte.
    pub fn start(&self) -> StateID {
        self.start
    }

    /// Where a byte leads to; none where no shape goes on with it, or has ended before it.
    pub fn next(&self, state: StateID, byte: u8) -> Option<StateID> {
        Some(self.dfa.next_state(state, byte)).filter(|next| !self.dfa.is_dead_state(*next))
    }

    /// The shapes that end here if the input does.
    pub fn ended(&self, state: StateID) -> Vec<usize> {
        let end = self.dfa.next_eoi_state(state);
        if !self.dfa.is_match_state(end) {
            return Vec::new();
        }
        (0..self.dfa.match_len(end)).map(|index| self.dfa.match_pattern(end, index).as_usize()).collect()
    }

    /// Whether there is a byte that leads on from here.
    pub fn goes_on(&self, state: StateID) -> bool {
        (0..=u8::MAX).any(|byte| self.next(state, byte).is_some())
    }
}

/// The ends that were told, and one that is told last.
#[derive(Default)]
struct Told {
    count: usize,
    later: Option<(StateID, usize)>,
}

impl Told {
    /// Whether this one is told now.
    #[inline]
    fn now(&mut self, state: StateID, end: usize) -> bool {
        let is_now = self.count < TOLD_MAX;
        self.count = self.count.saturating_add(1);
        self.later = (!is_now).then_some((state, end));
        is_now
    }
}

fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

/// The fewest bytes that a pattern has; 0 where that is not known.
pub fn bytes_min(pattern: &str) -> usize {
    syntax::parse_with(pattern, &syntax()).ok().and_then(|pattern| pattern.properties().minimum_len()).unwrap_or(0)
}

/// How many steps were taken, for tests that bound them.
#[cfg(test)]
pub mod steps {
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    pub fn add(steps: usize) {
        STEPS.set(STEPS.get() + steps);
    }

    /// Those of this thread since it was asked last.
    pub fn take() -> usize {
        STEPS.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(patterns: &[&str], input: &str, at: usize) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        Shapes::new(patterns, SHAPE_BYTES_MAX).unwrap().at(
            input.as_bytes(),
            at,
            |_| true,
            |shape, end| all.push((shape, end)),
        );
        all
    }

    #[test]
    fn it_says_what_begins_at_a_place_and_where_it_ends() {
        let patterns = [r"\d{3}-\d{2}-\d{4}", r"\d{3}", r"\d{3}-\d{2}"];
        assert_eq!(at(&patterns, "x 512-44-9821", 2), [(1, 5), (2, 8), (0, 13)]);
        assert_eq!(at(&patterns, "x 512-44-9821", 3), []);
        assert_eq!(at(&patterns, "512", 0), [(1, 3)]);
        assert_eq!(at(&patterns, "", 0), []);
    }

    #[test]
    fn what_all_begins_alike_is_not_read_again() {
        let is = |byte: u8| byte.is_ascii_lowercase();
        let all = |shapes: &Shapes, input: &str, begin: Range<usize>| {
            let mut all = Vec::new();
            let end = shapes.at_begun(input.as_bytes(), begin, |_| true, |shape, end| all.push((shape, end)));
            (all, end)
        };
        for pattern in ["[a-z.]+@[a-z]+", "[a-z]+@[a-z]{2}x?"] {
            let plain = Shapes::new(&[pattern], 9).unwrap();
            let begun = Shapes::new(&[pattern], 9).unwrap().begun_by(is);
            assert!(begun.begun.is_some(), "{pattern}");
            for input in ["-ab@cdx", "-ab@", "-ab", "-abcdefgh@ab", "-abcdefghijklmn@a", "-ab.c@d"] {
                let end = 1 + input.bytes().skip(1).take_while(|byte| is(*byte)).count();
                assert_eq!(all(&begun, input, 1..end), all(&plain, input, 1..1), "{input}");
            }
        }
        for pattern in ["[a-y]+@", "[a-z]{2,}@", "[a-z]+", "[a-z]*", "ab@|[a-z]+@", "[a-z]{1,64}@"] {
            assert!(Shapes::new(&[pattern], 9).unwrap().begun_by(is).begun.is_none(), "{pattern}");
        }
    }

    #[test]
    fn what_has_no_blank_soon_is_unbroken() {
        let shapes = Shapes::new(&["sk-[a-z]{5}( x)?", "key-[a-z]{2,}", "--BEGIN [A-Z]{9}", "of [a-z]+"], 99).unwrap();
        let is = |begin: &str, bytes: Range<usize>| shapes.is_unbroken(begin.as_bytes(), bytes);
        assert!(is("sk-", 0..8) && is("key-", 0..6) && is("--BEGIN", 0..7));
        assert!(!is("sk-", 0..9), "it may end before, or have a blank");
        assert!(!is("key-", 0..8), "it may end before");
        assert!(!is("--BEGIN", 2..10) && !is("--BEGIN ", 2..8) && !is("of", 0..8));
        assert!(!is("none", 0..8));
    }

    #[test]
    fn of_many_ends_the_farthest_is_told_last() {
        let input = "a ".repeat(TOLD_MAX + 9);
        let ends: Vec<_> = at(&["[a ]+"], &input, 0).into_iter().map(|(_, end)| end).collect();
        assert_eq!(ends, (1..=TOLD_MAX).chain([input.len()]).collect::<Vec<_>>());
        let shapes = Shapes::new(&["a+"], 3).unwrap();
        let mut ends = Vec::new();
        assert_eq!(shapes.at(b"aaaaa", 0, |_| true, |_, end| ends.push(end)), 3);
        assert_eq!(ends, [1, 2]);
        assert_eq!(shapes.at(b"aab", 0, |end| end == 2, |_, end| ends.push(end)), 3);
        assert_eq!(ends, [1, 2, 2]);
    }

    #[test]
    fn a_pattern_that_is_none_or_too_large_is_refused() {
        assert!(Shapes::new(&["("], 9).is_err());
        assert!(Shapes::new(&[r"(\d{1,900}[a-z]{1,900}){1,900}"], 9).is_err());
    }
}
