//! The same look in bytes that come in parts: how much of what is there can be told already.
//!
//! It goes the way that [`Scanner::scan`] goes, from place to place, and stops before the first one that the bytes to come could
//! change. It is told by the automata: one that is still running when the bytes end may go on in the next ones. So what is found in the
//! parts is what is found in the whole. It does not keep bytes; that is [`crate::lane`]'s.

use regex_automata::util::primitives::StateID;

use crate::blocks::{self, Places};
use crate::detector::Place;
use crate::edges::{
    LETTERS_MAX, LOCAL_BYTES_MAX, RUN_BYTES_MAX, WORD_BYTES_MAX, colon_run, is_of_run, is_place, letters_start,
    local_start, run_start, word_end, word_start,
};
use crate::literals::Way;
use crate::scan::again::Again;
use crate::scan::{Finding, Scanner};

/// How many bytes before one that is not told must be kept, so that all is told as in the whole: the longest look back for where
/// something begins, and from there for the words before it and for what it may be inside of.
pub(crate) const CONTEXT_BYTES: usize = 512;
const _: () = assert!(WORD_BYTES_MAX + LETTERS_MAX + RUN_BYTES_MAX + 2 * LOCAL_BYTES_MAX <= CONTEXT_BYTES);

/// How many bytes before a literal can matter for whether it is one.
const LITERAL_BYTES_BEFORE: usize = 64;

/// How far a look has come. Places are counted in the bytes that are kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reached {
    /// How many bytes are no longer kept.
    gone: usize,
    /// Behind the last word that was looked at. What comes begins no earlier, but for addresses.
    at: usize,
    /// Whether that word had no end yet.
    in_word: bool,
    /// No digit and no `@` before this is left to be looked at.
    words: usize,
    /// No colon is.
    colons: usize,
    /// Whether the run of the last one had no end yet, and is too long.
    in_run: bool,
    /// No literal is, of each way.
    secrets: [Secrets; Way::ALL.len()],
    /// Nothing that begins at any word before this is left.
    anywhere: usize,
    /// Whether it is told that all of it is not one thing.
    is_no_whole: bool,
}

/// How far a look for literals has come.
#[derive(Clone, Copy, Debug, Default)]
struct Secrets {
    at: usize,
    again: Again,
    long: Option<Long>,
}

/// A secret that is so long that it is taken for one; see [`crate::scan::SECRET_BYTES_MAX`]. It has no end yet.
#[derive(Clone, Copy, Debug)]
struct Long {
    /// Where it begins, and where that by which it is known; counted from the first byte that came.
    from: usize,
    start: usize,
    shape: usize,
    /// Where its automaton is.
    state: StateID,
}

/// What can't be told yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// What begins from here on.
    pub(crate) from: usize,
    /// Where what is surely something begins of which the end can't be told; counted from the first byte that came.
    pub(crate) long: Option<usize>,
    /// What was such, and has an end now; counted so, too.
    pub(crate) ended: [Option<Finding>; Way::ALL.len()],
}

impl Reached {
    /// So many bytes at the beginning are no longer kept.
    pub(crate) fn forget(&mut self, bytes: usize) {
        self.gone = self.gone.saturating_add(bytes);
        let [heads, names, others] = &mut self.secrets;
        let places = [&mut self.at, &mut self.words, &mut self.colons, &mut self.anywhere];
        for place in places.into_iter().chain([&mut heads.at, &mut names.at, &mut others.at]) {
            *place = place.saturating_sub(bytes);
        }
    }
}

impl Scanner<'_> {
    /// Goes on in these bytes. `more` says whether others come behind them. What is found, in no order, is in `found`.
    pub(crate) fn part(&mut self, input: &[u8], within: Option<&Place>, reached: &mut Reached, more: bool) -> Held {
        self.clear(more);
        self.open.gone = reached.gone;
        let whole = self.whole_part(input, within, reached);
        let words = self.words_part(input, within, reached);
        let colons = self.colons_part(input, within, reached);
        let anywhere = self.anywhere_part(input, within, reached);
        let mut from = whole.min(words).min(colons).min(anywhere);
        let mut ended = [None; Way::ALL.len()];
        for ((way, secrets), ended) in Way::ALL.into_iter().zip(&mut reached.secrets).zip(&mut ended) {
            *ended = self.long_part(input, secrets);
            from = from.min(self.secrets_part(input, within, way, secrets));
        }
        let long = reached.secrets.iter().filter_map(|secrets| secrets.long).map(|long| long.from).min();
        Held { from, long, ended }
    }

    fn whole_part(&mut self, input: &[u8], within: Option<&Place>, reached: &mut Reached) -> usize {
        if reached.is_no_whole || !within.is_some_and(|place| place.whole) {
            return input.len();
        }
        if !self.open.more {
            self.whole(input, within);
        } else if self.detector.wholes.shapes.may_go_on(input, 0) {
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
        let first = reached.words;
        let mut places = Places::new(input.get(first..).unwrap_or_default(), is_place);
        while let Some(place) = places.next_from(reached.words.saturating_sub(first)) {
            let place = first.saturating_add(place);
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
            true => self.may_begin(input, within, reached.at),
            false => input.len(),
        }
    }

    /// From where on something may begin with a digit or an `@` that is to come.
    fn may_begin(&mut self, input: &[u8], within: Option<&Place>, at: usize) -> usize {
        let end = input.len();
        let address = match self.detector.addresses.of.is_empty() {
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
        let begun = [Some(word), mark, run, letters].into_iter().chain(runs).flatten();
        begun.filter(|start| self.may_go_on(input, within, *start)).fold(address, usize::min)
    }

    fn colons_part(&mut self, input: &[u8], within: Option<&Place>, reached: &mut Reached) -> usize {
        let end = input.len();
        let run_end = |from: usize| from.saturating_add(blocks::ahead(input, from, is_of_run));
        if std::mem::take(&mut reached.in_run) {
            reached.colons = run_end(reached.colons);
        }
        loop {
            let rest = input.get(reached.colons..).unwrap_or_default();
            let colon = memchr::memchr(b':', rest).map(|place| reached.colons.saturating_add(place));
            // Where there is no colon yet, one may come.
            let run = colon_run(input, reached.colons, colon.unwrap_or(end));
            let is_open = self.open.more && run.end == end;
            if is_open && run.len() >= RUN_BYTES_MAX {
                (reached.colons, reached.in_run) = (end, true);
                return end;
            }
            if is_open {
                reached.colons = run.start;
                return if self.may_go_on(input, within, run.start) { run.start } else { end };
            }
            if colon.is_none() {
                reached.colons = end;
                return end;
            }
            if let Err(from) = self.if_told(|scanner| scanner.colon(input, within, run.clone())) {
                reached.colons = run.start;
                return from;
            }
            reached.colons = run.end;
        }
    }

    /// Goes on with what is long. Returns what it is, once it has an end.
    fn long_part(&mut self, input: &[u8], secrets: &mut Secrets) -> Option<Finding> {
        let (detector, gone) = (self.detector, self.open.gone);
        let long = secrets.long.as_mut()?;
        let rest = input.get(secrets.at..).unwrap_or_default();
        let length = match detector.secrets.shapes.run(long.state, rest) {
            Ok(state) if self.open.more => {
                long.state = state;
                secrets.at = input.len();
                return None;
            }
            Ok(_) => rest.len(),
            Err(length) => length,
        };
        secrets.at = secrets.at.saturating_add(length);
        let end = gone.saturating_add(secrets.at);
        let Long { from, start, shape, .. } = secrets.long.take()?;
        secrets.again.has_read(start, end);
        secrets.again.has_taken(end);
        self.taken(from, end, shape)
    }

    fn secrets_part(&mut self, input: &[u8], within: Option<&Place>, way: Way, secrets: &mut Secrets) -> usize {
        if secrets.long.is_some() {
            return input.len();
        }
        let (detector, gone) = (self.detector, self.open.gone);
        self.again = secrets.again;
        let unfinished = match self.open.more {
            true => detector.literals.unfinished(way, input, secrets.at),
            false => input.len(),
        };
        let from = secrets.at.saturating_sub(LITERAL_BYTES_BEFORE);
        let mut held: Option<(usize, usize, usize)> = None;
        detector.literals.each_of(way, input.get(from..).unwrap_or_default(), |start, shape| {
            let start = from.saturating_add(start);
            if start < secrets.at || start >= unfinished || held.is_some_and(|(held, ..)| held <= start) {
                return;
            }
            if let Err(from) = self.if_told(|scanner| scanner.secret(input, within, start, shape)) {
                held = Some((start, shape, from));
            }
        });
        secrets.at = secrets.at.max(held.map_or(unfinished, |(start, ..)| start));
        secrets.again = self.again;
        let Some((start, shape, begun)) = held else { return unfinished };
        let Some(from) = self.is_long(input, start, input.len(), shape) else { return begun };
        let bytes = input.get(start..).unwrap_or_default();
        let state = detector.secrets.shapes.run(detector.secrets.shapes.start(), bytes);
        secrets.long = state.ok().map(|state| Long {
            from: gone.saturating_add(from),
            start: gone.saturating_add(start),
            shape,
            state,
        });
        if secrets.long.is_none() {
            return begun;
        }
        secrets.again.may_begin(gone.saturating_add(start));
        secrets.at = input.len();
        input.len()
    }

    fn anywhere_part(&mut self, input: &[u8], within: Option<&Place>, reached: &mut Reached) -> usize {
        let detector = self.detector;
        let Some(anywhere) = &detector.anywhere else { return input.len() };
        while let Some(start) = anywhere.next(input, reached.anywhere) {
            if let Err(from) = self.if_told(|scanner| scanner.begin_anywhere(anywhere, input, within, start)) {
                reached.anywhere = start;
                return from;
            }
            reached.anywhere = start.saturating_add(1);
        }
        reached.anywhere = reached.anywhere.max(input.len());
        input.len()
    }

    /// Does this where all that it looks at is there. Where it is not, nothing is done, and the error is where the first begins of what
    /// may begin there.
    fn if_told<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> Result<T, usize> {
        let (count, sure_end, again) = (self.found.len(), self.sure_end, self.again);
        (self.open.is, self.open.from) = (false, usize::MAX);
        let done = look(self);
        if !self.open.is {
            return Ok(done);
        }
        self.found.truncate(count);
        (self.sure_end, self.again) = (sure_end, again);
        Err(self.open.from)
    }
}
