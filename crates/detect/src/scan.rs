//! Looks for all kinds in a few passes over the bytes.
//!
//! Nearly all of what is sensitive has a digit or an `@` in it, and the rest begins with one of a few literals: so it goes from one such
//! place to the next, asks there what begins, and does nothing for all other bytes. It allocates nothing where nothing is found.
//!
//! What costs more is asked later: of a number its length, then the automata, then the check, then the words before it.
//!
//! The steps that are taken are bounded by the length of the input, whatever is in it: what begins with a digit or an `@` is read no farther
//! than a shape of these may be long, and what begins with a literal is not read again and again (see [`Again`]).

pub(crate) mod again;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::ops::Range;

use memchr::memchr_iter;

use crate::anywhere::Anywhere;
use crate::blocks::{Places, is_digit};
use crate::checks::Check;
use crate::detector::{Detector, Group, Place, ShapeOf, WORD_ODDS, WordShapes, said};
use crate::edges::{
    RUN_BYTES_MAX, colon_run, is_cut_off, is_end, is_inside, is_place, letters_start, local_start, run_start, value_of,
    word_end, word_start,
};
use crate::kinds::KindId;
use crate::literals::{NAME_BYTES_MAX, Way};
use crate::numbers::{DIGITS_MAX, MayBe, Number};
use crate::signs::{COLON, PLACE, Signs};
use crate::surroundings::{is_in_table, is_part, is_part_number, is_type, name_of};
use crate::times::Times;
use crate::words::Behind;
use again::{Again, May};

/// What begins like a secret and is longer than this is taken for one, to where nothing goes on that does: it is not read to its end to
/// find out.
pub(crate) const SECRET_BYTES_MAX: usize = 4096;
/// What a date begins with.
const YEAR_BYTES: usize = 4;
/// The fewest `:` in an address that has no digit. With less it is a name in a program: `de::add`.
const COLONS_MIN: usize = 4;
/// The longest text of which separators are left out for a check.
const SEPARATED_BYTES_MAX: usize = 512;

/// Something that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What it is.
    pub kind: KindId,
    /// How sure that is, in log-odds; more than 0.
    pub odds: f32,
}

/// Looks for what a detector knows. Has room that is used again for the next bytes.
#[derive(Debug)]
pub struct Scanner<'d> {
    pub(crate) detector: &'d Detector,
    /// What words say, and before which place those stand.
    behind: Behind,
    said_at: Option<usize>,
    significant: Vec<u8>,
    pub(crate) found: Vec<Finding>,
    /// Where what was surely found ends.
    pub(crate) sure_end: usize,
    pub(crate) again: Again,
    /// Of bytes that come in parts: what is not yet there.
    pub(crate) open: Open,
}

/// What is known of the bytes of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bytes {
    /// They are digits.
    Digits,
    Any,
}

/// What can't be told of a place, because bytes behind those that are there would count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Open {
    /// Whether bytes come behind those that are there.
    pub(crate) more: bool,
    /// How many came before them that are no longer there.
    pub(crate) gone: usize,
    /// Whether what begins at the place depends on them.
    pub(crate) is: bool,
    /// Where the first begins of what may begin there.
    pub(crate) from: usize,
}

impl Open {
    /// What begins here depends on what comes, if this is so.
    fn begin(&mut self, start: usize, is: bool) {
        self.is |= is;
        self.from = self.from.min(start);
    }
}

impl<'d> Scanner<'d> {
    /// One that looks for these.
    pub fn new(detector: &'d Detector) -> Self {
        Self {
            detector,
            behind: Behind::of(detector.kinds.len()),
            said_at: None,
            significant: Vec::new(),
            found: Vec::new(),
            sure_end: 0,
            again: Again::default(),
            open: Open::default(),
        }
    }

    /// What is in these bytes, in order; `within` is where they are, if that has a name.
    pub fn scan(&mut self, input: &[u8], within: Option<&Place>) -> &[Finding] {
        self.scan_with(input, within, Signs::of(input))
    }

    /// The same of bytes of which it is known what they have.
    #[inline]
    pub(crate) fn scan_with(&mut self, input: &[u8], within: Option<&Place>, signs: Signs) -> &[Finding] {
        self.clear(false);
        if within.is_some_and(|place| place.whole) {
            self.whole(input, within);
        }
        if signs.has(PLACE) {
            self.words(input, within);
        }
        if signs.has(COLON) {
            self.colons(input, within);
        }
        let detector = self.detector;
        for way in Way::ALL {
            if detector.literals.may_be(way, input.len(), signs) {
                self.again = Again::default();
                detector.literals.each_of(way, input, |start, shape| self.secret(input, within, start, shape));
            }
        }
        self.anywhere(input, within);
        resolve(&mut self.found);
        &self.found
    }

    /// Begins with other bytes; whether more of them come behind.
    pub(crate) fn clear(&mut self, more: bool) {
        self.found.clear();
        self.behind.clear();
        self.again = Again::default();
        (self.said_at, self.sure_end) = (None, 0);
        self.open = Open { more, ..Open::default() };
    }

    /// What begins at any word.
    fn anywhere(&mut self, input: &[u8], within: Option<&Place>) {
        let detector = self.detector;
        let Some(anywhere) = &detector.anywhere else { return };
        let mut at = 0;
        while let Some(start) = anywhere.next(input, at) {
            self.begin_anywhere(anywhere, input, within, start);
            at = start.saturating_add(1);
        }
    }

    /// Takes what of that begins at this place.
    pub(crate) fn begin_anywhere(&mut self, anywhere: &Anywhere, input: &[u8], within: Option<&Place>, start: usize) {
        let is_cut = Cell::new(false);
        let more = self.open.more;
        let end = anywhere.group.shapes.at(
            input,
            start,
            |end| {
                is_cut.set(is_cut.get() || more && is_cut_off(input, end));
                Anywhere::can_end(input, end)
            },
            |shape, end| {
                if let Some(shape) = anywhere.group.of.get(shape) {
                    self.candidate(input, within, start..end, shape);
                }
            },
        );
        if more {
            self.open.begin(start, is_cut.get() || end >= input.len());
        }
    }

    /// What is all that is there.
    pub(crate) fn whole(&mut self, input: &[u8], within: Option<&Place>) {
        let detector = self.detector;
        let is_all = |end| end == input.len();
        detector.wholes.shapes.at(input, 0, is_all, |shape, end| {
            if let Some(shape) = detector.wholes.of.get(shape) {
                self.candidate(input, within, 0..end, shape);
            }
        });
    }

    /// What begins with a word that has a digit in it, or has an `@`.
    fn words(&mut self, input: &[u8], within: Option<&Place>) {
        let mut places = Places::new(input, is_place);
        let mut at = 0;
        while let Some(place) = places.next_from(at) {
            if let Some(end) = self.date(input, within, place) {
                at = end;
                continue;
            }
            at = self.place(input, within, at, place);
            if at == place.saturating_add(YEAR_BYTES)
                && let Some(end) = Times::end(self.detector.times.as_ref(), input, place)
            {
                at = end;
            }
        }
    }

    /// Where a date ends, or a date and a time, that begins here and is nothing that is looked for.
    #[inline]
    fn date(&mut self, input: &[u8], within: Option<&Place>, place: usize) -> Option<usize> {
        let before = place.checked_sub(1).and_then(|before| input.get(before));
        let dates = self.detector.dates.as_ref()?;
        if !before.is_none_or(|before| b"\n,;|\t\"'[".contains(before)) || within.is_some_and(Place::speaks) {
            return None;
        }
        let end = Times::end(self.detector.times.as_ref(), input, place)?;
        self.hear(input, place);
        (!self.behind.said().speaks_for.meets(dates)).then_some(end)
    }

    /// What has this digit or `@` as the first; nothing of it begins before `at`, unless it is an address. Returns where to go on.
    pub(crate) fn place(&mut self, input: &[u8], within: Option<&Place>, at: usize, place: usize) -> usize {
        let detector = self.detector;
        if input.get(place) == Some(&b'@') {
            self.begin(&detector.addresses, input, within, local_start(input, place)..place);
            return place.saturating_add(1);
        }
        let start = word_start(input, at, place);
        let before = |back: usize| start.checked_sub(back).and_then(|at| input.get(at));
        match before(1) {
            Some(b'+' | b'(' | b'%') => self.word(input, within, start.saturating_sub(1)),
            Some(sign @ (b':' | b'-')) => {
                if let Some(run) = run_start(input, at, start, *sign) {
                    self.word(input, within, run);
                }
            }
            _ => {}
        }
        // One letter or two may be the beginning of a number that is written in groups.
        if let Some(b' ' | b'-') = before(1)
            && let Some(letters) = letters_start(input, at, start.saturating_sub(1))
        {
            self.word(input, within, letters);
        }
        self.word(input, within, start);
        // In what is surely something there is nothing else to be looked for.
        word_end(input, place.saturating_add(1)).max(self.sure_end)
    }

    /// What has colons, and letters but no digit between them.
    fn colons(&mut self, input: &[u8], within: Option<&Place>) {
        let mut at = 0;
        for colon in memchr_iter(b':', input) {
            // Most are of times.
            let is_by_digit = |place: Option<usize>| place.and_then(|at| input.get(at)).is_some_and(u8::is_ascii_digit);
            if colon < at || is_by_digit(colon.checked_sub(1)) || is_by_digit(colon.checked_add(1)) {
                continue;
            }
            let run = colon_run(input, at, colon);
            at = run.end;
            self.colon(input, within, run);
        }
    }

    /// What such a run is.
    pub(crate) fn colon(&mut self, input: &[u8], within: Option<&Place>, run: Range<usize>) {
        let start = run.start;
        let run = input.get(run).unwrap_or_default();
        let is_without = run.len() < RUN_BYTES_MAX && !run.iter().any(u8::is_ascii_digit);
        if is_without && run.iter().filter(|byte| **byte == b':').count() >= COLONS_MIN {
            self.word(input, within, start);
        }
    }

    /// Takes what begins with this word.
    fn word(&mut self, input: &[u8], within: Option<&Place>, start: usize) {
        if is_inside(input, start) {
            return;
        }
        let detector = self.detector;
        let Some(number) = Number::at(input, start) else {
            self.walk(&detector.likely.group, input, within, start..start, false);
            self.walk(&detector.unlikely.group, input, within, start..start, false);
            return;
        };
        // Of more digits it does not matter what is behind them.
        if self.open.more && number.digits <= DIGITS_MAX && is_cut_off(input, start.saturating_add(number.digits)) {
            self.open.begin(start, true);
            return;
        }
        self.number(&detector.likely, input, within, start, number);
        self.number(&detector.unlikely, input, within, start, number);
    }

    /// Takes what begins with this number.
    fn number(&mut self, of: &WordShapes, input: &[u8], within: Option<&Place>, start: usize, number: Number) {
        let may_be = of.numbers.may_be(input, start, number, self.open.more);
        let end = start.saturating_add(number.digits);
        // In what is surely something there is nothing else to be looked for.
        let may_end = |shapes: &[_]| !shapes.is_empty() && end > self.sure_end && is_end(input, end);
        if matches!(may_be, MayBe::All(shapes) if !may_end(shapes)) {
            return;
        }
        // Nearly always nothing speaks for any of them.
        if of.needs_words && !within.is_some_and(Place::speaks) && !self.speaks(input, start) {
            return;
        }
        let MayBe::All(shapes) = may_be else {
            self.walk(&of.group, input, within, start..start, false);
            return;
        };
        for (number, is_surely) in shapes {
            let Some(shape) = of.group.of.get(*number) else { continue };
            let Some(finding) = self.judge(input, within, start..end, shape, Bytes::Digits) else { continue };
            if *is_surely || of.group.shapes.is(*number, input.get(start..end).unwrap_or_default()) {
                self.push(finding);
            }
        }
    }

    /// Whether something may begin with a word here, of which more bytes are to come.
    pub(crate) fn may_go_on(&mut self, input: &[u8], within: Option<&Place>, start: usize) -> bool {
        let detector = self.detector;
        if start >= input.len() || is_inside(input, start) {
            return false;
        }
        detector.likely.group.shapes.may_go_on(input, start)
            || detector.unlikely.group.shapes.may_go_on(input, start)
                && (within.is_some_and(Place::speaks) || self.speaks(input, start))
    }

    /// Takes what begins with a literal, with which this shape begins.
    pub(crate) fn secret(&mut self, input: &[u8], within: Option<&Place>, start: usize, shape: usize) {
        let detector = self.detector;
        let has_name = detector.secrets.of.get(shape).is_some_and(|shape| shape.behind.is_some());
        if !has_name && is_inside(input, start) {
            return;
        }
        let gone = self.open.gone;
        match self.again.may_begin(gone.saturating_add(start)) {
            May::Begin => {
                let count = self.found.len();
                let mut end = self.begin(&detector.secrets, input, within, start..start);
                let long = self.is_long(input, start, end, shape);
                if long.is_some() {
                    let shapes = &detector.secrets.shapes;
                    let rest = input.get(start..).unwrap_or_default();
                    end = start.saturating_add(shapes.run(shapes.start(), rest).err().unwrap_or(rest.len()));
                }
                self.again.has_read(gone.saturating_add(start), gone.saturating_add(end));
                if let Some(from) = long {
                    self.found.truncate(count);
                    self.take(from, end, shape);
                }
            }
            // It has cost too much to find out what it is, so it is taken for what it begins like.
            May::Take(end) => self.take(start, end.saturating_sub(gone), shape),
            May::Not => {}
        }
    }

    /// Where that begins which is taken for a secret because it is so long; none if it is not.
    pub(crate) fn is_long(&self, input: &[u8], start: usize, end: usize, shape: usize) -> Option<usize> {
        if end.saturating_sub(start) <= SECRET_BYTES_MAX {
            return None;
        }
        let from = match &self.detector.secrets.of.get(shape)?.behind {
            // However many blanks are before the value.
            Some(name_ends) => {
                value_of(input, start..end, name_ends).start.min(start.saturating_add(NAME_BYTES_MAX * 2))
            }
            None => start,
        };
        (end.saturating_sub(from) > SECRET_BYTES_MAX).then_some(from)
    }

    /// Takes this for the kind that a shape is of.
    pub(crate) fn take(&mut self, start: usize, end: usize, shape: usize) {
        let taken = self.taken(start, end, shape);
        self.found.extend(taken);
        self.again.has_taken(self.open.gone.saturating_add(end));
    }

    /// What is found where this is taken for the kind that a shape is of.
    pub(crate) fn taken(&self, start: usize, end: usize, shape: usize) -> Option<Finding> {
        let shape = self.detector.secrets.of.get(shape)?;
        Some(Finding { start, end, kind: shape.kind, odds: shape.odds.max(WORD_ODDS) })
    }

    /// Takes what begins where these bytes do, of which it is known that they may be the first. Returns how far it has read.
    fn begin(&mut self, group: &Group, input: &[u8], within: Option<&Place>, begin: Range<usize>) -> usize {
        let inside = is_inside(input, begin.start);
        if inside && !group.has_names {
            return begin.start;
        }
        self.walk(group, input, within, begin, inside)
    }

    fn walk(
        &mut self,
        group: &Group,
        input: &[u8],
        within: Option<&Place>,
        begin: Range<usize>,
        inside: bool,
    ) -> usize {
        let start = begin.start;
        let more = self.open.more;
        let is_cut = Cell::new(false);
        // What is given to a name may be a type.
        let may_be_type = |end| group.has_names && input.get(end..) == Some(b" ");
        let end = group.shapes.at_begun(
            input,
            begin,
            |end| {
                is_cut.set(is_cut.get() || more && (is_cut_off(input, end) || may_be_type(end)));
                is_end(input, end)
            },
            |shape, end| {
                let Some(shape) = group.of.get(shape) else { return };
                let span = match &shape.behind {
                    Some(name_ends) => value_of(input, start..end, name_ends),
                    None if inside => return,
                    None => start..end,
                };
                self.candidate(input, within, span, shape);
            },
        );
        if more {
            self.open.begin(start, is_cut.get() || end >= input.len());
        }
        end
    }

    fn candidate(&mut self, input: &[u8], within: Option<&Place>, span: Range<usize>, shape: &ShapeOf) {
        if let Some(finding) = self.judge(input, within, span, shape, Bytes::Any) {
            self.push(finding);
        }
    }

    fn push(&mut self, finding: Finding) {
        if finding.odds > WORD_ODDS {
            self.sure_end = self.sure_end.max(finding.end);
        }
        self.found.push(finding);
    }

    /// What a text of this shape is, if it is something.
    fn judge(
        &mut self,
        input: &[u8],
        within: Option<&Place>,
        Range { start, end }: Range<usize>,
        shape: &ShapeOf,
        bytes: Bytes,
    ) -> Option<Finding> {
        let kind = shape.kind;
        let place_odds = within.and_then(|place| place.odds.get(usize::from(kind.0))).copied().unwrap_or(0.0);
        let mut odds = shape.odds + place_odds;
        // Words are looked at only where they can change what is said. Where they have to speak for it they come first, as they seldom do;
        // and else the check.
        let (may_raise, may_lower) = (odds <= 0.0, odds > 0.0 && odds <= WORD_ODDS);
        let is_made_up = within.is_some_and(|place| place.is_made_up);
        if may_raise {
            if odds + WORD_ODDS <= 0.0 {
                return None;
            }
            let words = self.words_say(input, start, kind);
            odds += if is_made_up { words.max(0.0) } else { words };
            if odds <= 0.0 {
                return None;
            }
        }
        let text = input.get(start..end).unwrap_or_default();
        // What is given to a name is looked at as it stands.
        let is_plain = bytes == Bytes::Digits || shape.behind.is_some();
        let fulfils = |check: Check| if is_plain { check(text) } else { self.fulfils(text, check) };
        let is_part = || match bytes {
            Bytes::Digits => is_part_number(input, &(start..end)),
            Bytes::Any => is_part(input, &(start..end)),
        };
        if !shape.check.is_none_or(fulfils)
            || is_part()
            || within.is_none() && self.is_of_program(input, &(start..end), shape)
        {
            return None;
        }
        if may_lower && !is_made_up {
            odds += self.words_say(input, start, kind);
        }
        (odds > 0.0).then_some(Finding { start, end, kind, odds })
    }

    /// Whether what looks like this is a part of a program. Only of a text that stands nowhere is it asked: around a value of a column anybody
    /// could write what makes it look like one.
    fn is_of_program(&mut self, input: &[u8], span: &Range<usize>, shape: &ShapeOf) -> bool {
        let is_type = shape.behind.is_some() && is_type(input, span);
        let is_one_of_many = shape.check.is_some_and(|check| is_in_table(input, span, check));
        is_type || is_one_of_many && self.words_say(input, span.start, shape.kind) <= 0.0
    }

    /// What the words before a place add to the odds of a kind.
    #[inline]
    fn words_say(&mut self, input: &[u8], start: usize, kind: KindId) -> f32 {
        self.hear(input, start);
        said(self.behind.said(), kind)
    }

    /// Whether the words before a place speak for a kind that is looked for only where they do.
    #[inline]
    fn speaks(&mut self, input: &[u8], start: usize) -> bool {
        if start == 0 {
            return false;
        }
        self.hear(input, start);
        self.behind.said().speaks_for.meets(&self.detector.unlikely.kinds)
    }

    /// Reads the words before a place, once for it.
    #[inline]
    fn hear(&mut self, input: &[u8], start: usize) {
        if self.said_at != Some(start) {
            self.said_at = Some(start);
            match name_of(input, start) {
                Some(name) => self.behind.hear_name(&self.detector.vocabulary, input, name),
                None => self.behind.hear(&self.detector.vocabulary, input, start),
            }
        }
    }

    /// Whether a text fulfils a check: as it stands, or else without separators and in upper case. A check knows one of the two, and
    /// refuses the other.
    fn fulfils(&mut self, text: &[u8], check: Check) -> bool {
        #[cfg(test)]
        crate::shapes::steps::add(text.len());
        if check(text) {
            return true;
        }
        let is_plain = |byte: &u8| is_digit(*byte) || byte.is_ascii_uppercase();
        if text.len() > SEPARATED_BYTES_MAX || text.iter().all(is_plain) {
            return false;
        }
        self.significant.clear();
        self.significant.extend(text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase));
        check(&self.significant)
    }
}

/// In order, each place once: the longer goes before what is in it, and of two that are the same the surer. What is the beginning of
/// something of the same kind makes that no less sure.
pub(crate) fn resolve(found: &mut Vec<Finding>) {
    found.sort_unstable_by(|a, b| {
        let by_place = (a.start, b.end).cmp(&(b.start, a.end));
        by_place.then(b.odds.total_cmp(&a.odds)).then(a.kind.cmp(&b.kind))
    });
    found.dedup_by(|next, before| {
        let is_covered = next.end <= before.end;
        if is_covered && next.start == before.start && next.kind == before.kind {
            before.odds = before.odds.max(next.odds);
        }
        is_covered
    });
}
