//! The same look in bytes that come in parts: how much of what is there can be told already.
//!
//! It goes the way that [`Scanner::scan`] goes, from place to place, and stops before the first one that the bytes to come could
//! change. It is told by the automata: one that is still running when the bytes end may go on in the next ones. So what is found in the
//! parts is what is found in the whole. It does not keep bytes; that is [`crate::lane`]'s.

use crate::detector::{Detector, Place};
use crate::scan::{
    LETTERS_MAX, LOCAL_BYTES_MAX, RUN_BYTES_MAX, Scanner, WORD_BYTES_MAX, is_inside, letters_start, local_start,
    next_place, run_start, word_end, word_start,
};

/// How many bytes before one that is not told must be kept, so that all is told as in the whole: the longest look back for where
/// something begins, and from there for the words before it and for what it may be inside of.
pub(crate) const CONTEXT_BYTES: usize = 512;
const _: () = assert!(WORD_BYTES_MAX + LETTERS_MAX + RUN_BYTES_MAX + 2 * LOCAL_BYTES_MAX <= CONTEXT_BYTES);

/// How far a look has come. Places are counted in the bytes that are kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reached {
    /// Behind the last word that was looked at. What comes begins no earlier, but for addresses.
    at: usize,
    /// Whether that word had no end yet.
    in_word: bool,
    /// No digit and no `@` before this is left to be looked at.
    words: usize,
    /// No literal before this is left.
    literals: usize,
    /// Whether it is told that all of it is not one thing.
    is_no_whole: bool,
}

impl Reached {
    /// So many bytes at the beginning are no longer kept.
    pub(crate) fn forget(&mut self, bytes: usize) {
        for place in [&mut self.at, &mut self.words, &mut self.literals] {
            *place = place.saturating_sub(bytes);
        }
    }
}

impl Scanner<'_> {
    /// Goes on in these bytes. `more` says whether others come behind them. What is found, in no order, is in `found`. Returns from where
    /// on it can't be told what begins there.
    pub(crate) fn part(&mut self, input: &[u8], within: Option<&Place>, reached: &mut Reached, more: bool) -> usize {
        self.clear(more);
        let whole = self.whole_part(input, within, reached);
        let words = self.words_part(input, within, reached);
        let literals = self.literals_part(input, within, reached);
        whole.min(words).min(literals)
    }

    fn whole_part(&mut self, input: &[u8], within: Option<&Place>, reached: &mut Reached) -> usize {
        if reached.is_no_whole || !within.is_some_and(|place| place.whole) {
            return input.len();
        }
        if !self.open.more {
            self.whole(input, within);
        } else if self.detector.wholes.shapes.goes_on(input, 0) {
            return 0;
        }
        reached.is_no_whole = true;
        input.len()
    }

    fn words_part(&mut self, input: &[u8], within: Option<&Place>, reached: &mut Reached) -> usize {
        if std::mem::take(&mut reached.in_word) {
            reached.at = word_end(input, reached.at);
        }
        reached.words = reached.words.max(reached.at);
        while let Some(place) = next_place(input, reached.words) {
            let next = match self.if_told(|scanner| scanner.place(input, within, reached.at, place)) {
                Ok(next) => next,
                Err(from) => {
                    reached.words = place;
                    // An address that is to come may begin before, too.
                    return from.min(local_start(input, place));
                }
            };
            (reached.at, reached.words) = (next, next);
        }
        let ends_in_word = reached.at == input.len() && input.last().is_some_and(u8::is_ascii_alphanumeric);
        reached.in_word = self.open.more && ends_in_word;
        reached.words = reached.words.max(input.len());
        match self.open.more {
            true => may_begin(self.detector, input, reached.at),
            false => input.len(),
        }
    }

    fn literals_part(&mut self, input: &[u8], within: Option<&Place>, reached: &mut Reached) -> usize {
        let detector = self.detector;
        let Some(literals) = &detector.literals else { return input.len() };
        loop {
            let unfinished = match self.open.more {
                true => may_be_literal(detector, input, reached.literals),
                false => input.len(),
            };
            let literal = literals.next(input, reached.literals).filter(|literal| literal.start < unfinished);
            let Some(literal) = literal else {
                reached.literals = reached.literals.max(unfinished);
                return unfinished;
            };
            let begin = |scanner: &mut Self| scanner.begin(&detector.secrets, input, within, literal.start);
            if let Err(from) = self.if_told(begin) {
                reached.literals = literal.start;
                return from;
            }
            reached.literals = literal.end;
        }
    }

    /// Does this where all that it looks at is there. Where it is not, nothing is done, and the error is where the first begins of what
    /// may begin there.
    fn if_told<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> Result<T, usize> {
        let (count, last) = (self.found.len(), self.found.last().copied());
        (self.open.is, self.open.from) = (false, usize::MAX);
        let done = look(self);
        if !self.open.is {
            return Ok(done);
        }
        self.found.truncate(count);
        if let (Some(kept), Some(last)) = (self.found.last_mut(), last) {
            *kept = last;
        }
        Err(self.open.from)
    }
}

/// From where on something may begin with a digit or an `@` that is to come.
fn may_begin(detector: &Detector, input: &[u8], at: usize) -> usize {
    let end = input.len();
    let address = match detector.addresses.of.is_empty() {
        true => end,
        false => local_start(input, end),
    };
    let before = |place: usize| place.checked_sub(1).and_then(|before| input.get(before).copied());
    let word = word_start(input, at, end);
    let (mark, run, letters) = match before(word) {
        Some(b'+' | b'(' | b'%') => (Some(word.saturating_sub(1)), None, None),
        Some(b' ') => (None, None, letters_start(input, at, word.saturating_sub(1))),
        Some(b':') => (None, run_start(input, at, word, b':'), None),
        Some(b'-') => (None, run_start(input, at, word, b'-'), letters_start(input, at, word.saturating_sub(1))),
        _ => (None, None, None),
    };
    // A word that is to come may have groups before it that begin here.
    let runs = [b':', b'-'].map(|sign| run_start(input, at, end, sign));
    let goes_on =
        |start: &usize| *start < end && !is_inside(input, *start) && detector.words.shapes.goes_on(input, *start);
    let begun = [Some(word), mark, run, letters].into_iter().chain(runs).flatten().filter(goes_on);
    begun.fold(address, usize::min)
}

/// From where on, not before `from`, a literal may begin whose end is to come.
fn may_be_literal(detector: &Detector, input: &[u8], from: usize) -> usize {
    let end = input.len();
    let longest = detector.beginnings.iter().map(|literal| literal.len()).max().unwrap_or(0);
    let from = from.max(end.saturating_sub(longest.saturating_sub(1)));
    let is_begun = |start: &usize| {
        let tail = input.get(*start..).unwrap_or_default();
        let first = detector.beginnings.partition_point(|literal| **literal < *tail);
        detector.beginnings.get(first).is_some_and(|literal| literal.len() > tail.len() && literal.starts_with(tail))
    };
    (from..end).find(is_begun).unwrap_or(end)
}
