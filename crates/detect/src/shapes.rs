//! All shapes of all kinds as one automaton, which says what begins at a place.
//!
//! It is anchored: it never looks for a beginning, so that many shapes stay small together. Where to begin is [`crate::scan`]'s.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind, nfa::thompson};

/// The longest text that one shape may have.
pub const SHAPE_BYTES_MAX: usize = 4096;
/// What the automaton may take in memory.
const AUTOMATON_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Shapes, by number.
pub struct Shapes {
    dfa: dense::DFA<Vec<u32>>,
    start: StateID,
}

impl std::fmt::Debug for Shapes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shapes({} bytes)", self.dfa.memory_usage())
    }
}

impl Shapes {
    /// An automaton of these patterns; why there can be none.
    pub fn new(patterns: &[&str]) -> Result<Self, String> {
        let dfa = dense::Builder::new()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(AUTOMATON_BYTES_MAX)))
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .match_kind(MatchKind::All)
                    .dfa_size_limit(Some(AUTOMATON_BYTES_MAX))
                    .determinize_size_limit(Some(AUTOMATON_BYTES_MAX)),
            )
            .build_many(patterns)
            .map_err(|wrong| wrong.to_string())?;
        let start =
            dfa.start_state(&start::Config::new().anchored(Anchored::Yes)).map_err(|wrong| wrong.to_string())?;
        Ok(Self { dfa, start })
    }

    /// Calls `found` with the number of each shape that the input has from `at` on, and with where it ends: the shorter first. Only where
    /// `can_end` says that one can. Returns whether more bytes behind the input could be part of one.
    pub fn at(
        &self,
        input: &[u8],
        at: usize,
        can_end: impl Fn(usize) -> bool,
        mut found: impl FnMut(usize, usize),
    ) -> bool {
        let bytes = input.get(at..).unwrap_or_default();
        let mut state = self.start;
        for (length, byte) in bytes.iter().take(SHAPE_BYTES_MAX).enumerate() {
            step();
            state = self.dfa.next_state(state, *byte);
            if self.dfa.is_special_state(state) {
                if self.dfa.is_match_state(state) {
                    let end = at.saturating_add(length);
                    if can_end(end) {
                        self.tell(state, end, &mut found);
                    }
                } else if self.dfa.is_dead_state(state) {
                    return false;
                }
            }
        }
        if bytes.len() <= SHAPE_BYTES_MAX {
            let state = self.dfa.next_eoi_state(state);
            if self.dfa.is_match_state(state) && can_end(input.len()) {
                self.tell(state, input.len(), &mut found);
            }
        }
        bytes.len() <= SHAPE_BYTES_MAX
    }

    /// Whether more bytes behind the input could be part of what begins at `at`.
    pub fn goes_on(&self, input: &[u8], at: usize) -> bool {
        let bytes = input.get(at..).unwrap_or_default();
        let mut state = self.start;
        for byte in bytes.iter().take(SHAPE_BYTES_MAX) {
            step();
            state = self.dfa.next_state(state, *byte);
            if self.dfa.is_dead_state(state) {
                return false;
            }
        }
        bytes.len() <= SHAPE_BYTES_MAX
    }

    fn tell(&self, state: StateID, end: usize, found: &mut impl FnMut(usize, usize)) {
        for index in 0..self.dfa.match_len(state) {
            found(self.dfa.match_pattern(state, index).as_usize(), end);
        }
    }
}

/// Counts a step of an automaton, in tests.
#[inline]
fn step() {
    #[cfg(test)]
    STEPS.set(STEPS.get() + 1);
}

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How many steps automata have made in this thread.
#[cfg(test)]
pub fn steps() -> usize {
    STEPS.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(patterns: &[&str], input: &str, at: usize) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        Shapes::new(patterns).unwrap().at(input.as_bytes(), at, |_| true, |shape, end| all.push((shape, end)));
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
    fn a_pattern_that_is_none_or_too_large_is_refused() {
        assert!(Shapes::new(&["("]).is_err());
        assert!(Shapes::new(&[r"(\d{1,900}[a-z]{1,900}){1,900}"]).is_err());
    }
}
