//! Looks for all kinds in one pass over the bytes.
//!
//! Nearly all of what is sensitive has a digit or an `@` in it, and the rest begins with one of a few literals: so it goes from one such
//! place to the next, asks there what begins, and does nothing for all other bytes. It allocates nothing where nothing is found.

use std::cell::Cell;
use std::ops::Range;

use crate::checks::Check;
use crate::detector::{Detector, Group, KindId, Place, ShapeOf, WORD_ODDS, said};
use crate::words::Behind;

/// The longest part before the `@` of an address.
pub(crate) const LOCAL_BYTES_MAX: usize = 64;
/// The longest word of letters that may be the beginning of a number written in groups.
pub(crate) const LETTERS_MAX: usize = 2;
/// How far into a word its first digit may be.
pub(crate) const WORD_BYTES_MAX: usize = 256;
/// The longest run of hexadecimal groups before a word that may be the beginning of an address.
pub(crate) const RUN_BYTES_MAX: usize = 64;
/// Bytes looked at together.
const BLOCK: usize = 32;

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
    behind: Behind,
    /// Kinds for which, or against which, words speak; and before which place those stand.
    said: Vec<(KindId, bool)>,
    said_at: Option<usize>,
    significant: Vec<u8>,
    pub(crate) found: Vec<Finding>,
    /// How many were found before what begins at this place.
    before: usize,
    /// Of bytes that come in parts: what is not yet there.
    pub(crate) open: Open,
}

/// What can't be told of a place, because bytes behind those that are there would count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Open {
    /// Whether bytes come behind those that are there.
    pub(crate) more: bool,
    /// Whether what begins at the place depends on them.
    pub(crate) is: bool,
    /// Where the first begins of what may begin there.
    pub(crate) from: usize,
}

impl<'d> Scanner<'d> {
    /// One that looks for these.
    pub fn new(detector: &'d Detector) -> Self {
        Self {
            detector,
            behind: Behind::default(),
            said: Vec::new(),
            said_at: None,
            significant: Vec::new(),
            found: Vec::new(),
            before: 0,
            open: Open::default(),
        }
    }

    /// What is in these bytes, in order; `within` is where they are, if that has a name.
    pub fn scan(&mut self, input: &[u8], within: Option<&Place>) -> &[Finding] {
        self.clear(false);
        if within.is_some_and(|place| place.whole) {
            self.whole(input, within);
        }
        self.words(input, within);
        let detector = self.detector;
        if let Some(literals) = &detector.literals {
            literals.each(input, |start| self.begin(&detector.secrets, input, within, start));
        }
        resolve(&mut self.found);
        &self.found
    }

    /// Begins with other bytes; whether more of them come behind.
    pub(crate) fn clear(&mut self, more: bool) {
        self.found.clear();
        self.behind.clear();
        self.said_at = None;
        self.before = 0;
        self.open = Open { more, ..Open::default() };
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
        let mut at = 0;
        while let Some(place) = next_place(input, at) {
            at = self.place(input, within, at, place);
        }
    }

    /// What has this digit or `@` as the first; nothing of it begins before `at`, unless it is an address. Returns where to go on.
    pub(crate) fn place(&mut self, input: &[u8], within: Option<&Place>, at: usize, place: usize) -> usize {
        let detector = self.detector;
        if input.get(place) == Some(&b'@') {
            self.begin(&detector.addresses, input, within, local_start(input, place));
            return place.saturating_add(1);
        }
        let start = word_start(input, at, place);
        let before = |back: usize| start.checked_sub(back).and_then(|at| input.get(at));
        match before(1) {
            Some(b'+' | b'(' | b'%') => self.begin(&detector.words, input, within, start.saturating_sub(1)),
            Some(sign @ (b':' | b'-')) => {
                if let Some(run) = run_start(input, at, start, *sign) {
                    self.begin(&detector.words, input, within, run);
                }
            }
            _ => {}
        }
        // One letter or two may be the beginning of a number that is written in groups.
        if let Some(b' ' | b'-') = before(1)
            && let Some(letters) = letters_start(input, at, start.saturating_sub(1))
        {
            self.begin(&detector.words, input, within, letters);
        }
        self.begin(&detector.words, input, within, start);
        let next = word_end(input, place.saturating_add(1));
        // In what is surely something there is nothing else to be looked for.
        self.found.last().filter(|found| found.odds > WORD_ODDS).map_or(next, |sure| next.max(sure.end))
    }

    /// Takes what begins at this place.
    pub(crate) fn begin(&mut self, group: &Group, input: &[u8], within: Option<&Place>, start: usize) {
        let inside = is_inside(input, start);
        if inside && !group.has_names {
            return;
        }
        self.before = self.found.len();
        let is_cut = Cell::new(false);
        let more = self.open.more;
        let goes_on = group.shapes.at(
            input,
            start,
            |end| {
                is_cut.set(is_cut.get() || more && is_cut_off(input, end));
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
            self.open.is |= goes_on || is_cut.get();
            self.open.from = self.open.from.min(start);
        }
    }

    fn candidate(&mut self, input: &[u8], within: Option<&Place>, span: Range<usize>, shape: &ShapeOf) {
        let id = usize::from(shape.kind.0);
        let Some(kind) = self.detector.kinds.get(id) else { return };
        let place_odds = within.and_then(|place| place.odds.get(id)).copied().unwrap_or(0.0);
        let mut odds = shape.odds + place_odds;
        // Words are looked at only where they can change what is said, and checks only where they can matter.
        if odds.abs() <= WORD_ODDS {
            odds += self.words_say(input, span.start, shape.kind);
        }
        if odds <= 0.0 || span.is_empty() {
            return;
        }
        let text = input.get(span.clone()).unwrap_or_default();
        if kind.check.is_some_and(|check| !self.fulfils(text, check)) {
            return;
        }
        let Range { start, end } = span;
        let finding = Finding { start, end, kind: shape.kind, odds };
        match self.found.get_mut(self.before..).and_then(|found| found.last_mut()) {
            // The shorter is told first, and is no more than the beginning of this one.
            Some(last) if last.start == start && last.kind == shape.kind && last.end <= end => {
                *last = Finding { odds: odds.max(last.odds), ..finding };
            }
            _ => self.found.push(finding),
        }
    }

    /// What the words before a place add to the odds of a kind. They are read once for a place.
    fn words_say(&mut self, input: &[u8], start: usize, kind: KindId) -> f32 {
        if self.said_at != Some(start) {
            self.said_at = Some(start);
            self.said.clear();
            let said = &mut self.said;
            self.detector.vocabulary.each(self.behind.go(input, start).words(), |word| said.push(word));
        }
        let of_kind = self.said.iter().filter(|(of, _)| *of == kind);
        of_kind.fold(0.0, |so_far, (_, speaks_for)| said(so_far, *speaks_for))
    }

    /// Whether a text fulfils a check: as it stands, or else without separators and in upper case. A check knows one of the two, and
    /// refuses the other.
    fn fulfils(&mut self, text: &[u8], check: Check) -> bool {
        if check(text) {
            return true;
        }
        self.significant.clear();
        self.significant.extend(text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase));
        self.significant != text && check(&self.significant)
    }
}

/// The value of a name and its value: behind the first byte that ends the name, without blanks and quotes around it.
fn value_of(input: &[u8], Range { start, end }: Range<usize>, name_ends: &[u8]) -> Range<usize> {
    let around = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'=' | b'>' | b':');
    let text = input.get(start..end).unwrap_or_default();
    let name = text.iter().position(|byte| name_ends.contains(byte)).map_or(0, |name| name.saturating_add(1));
    let value = text.get(name..).unwrap_or_default();
    let before = value.iter().take_while(|byte| around(byte)).count();
    let after = value.iter().rev().take_while(|byte| matches!(byte, b'"' | b'\'')).count();
    let start = start.saturating_add(name).saturating_add(before);
    start..end.saturating_sub(after).max(start)
}

/// The next digit or `@`.
pub(crate) fn next_place(input: &[u8], from: usize) -> Option<usize> {
    let is_one = |byte: &u8| byte.is_ascii_digit() || *byte == b'@';
    let rest = input.get(from..)?;
    let mut at = from;
    for block in rest.chunks(BLOCK) {
        // Without a branch for each byte, so that it is done by vectors.
        if block.iter().fold(false, |any, byte| any | is_one(byte)) {
            return block.iter().position(is_one).map(|place| at.saturating_add(place));
        }
        at = at.saturating_add(block.len());
    }
    None
}

/// What may stand before the `@` of an address.
fn is_local(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte) || *byte >= 0x80
}

/// Where the run of such bytes before a place begins, not before `from`.
fn back(input: &[u8], from: usize, place: usize, belongs: impl Fn(&u8) -> bool) -> usize {
    let before = input.get(from..place).unwrap_or_default();
    place.saturating_sub(before.iter().rev().take_while(|byte| belongs(byte)).count())
}

/// Where what stands before an `@` begins.
pub(crate) fn local_start(input: &[u8], place: usize) -> usize {
    back(input, place.saturating_sub(LOCAL_BYTES_MAX), place, is_local)
}

/// Where the word begins that this place is in or behind, not before `at`.
pub(crate) fn word_start(input: &[u8], at: usize, place: usize) -> usize {
    let from = at.max(place.saturating_sub(WORD_BYTES_MAX));
    back(input, from, place, |byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Where the word ends that this place is in.
pub(crate) fn word_end(input: &[u8], place: usize) -> usize {
    let rest = input.get(place..).unwrap_or_default();
    let left = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
    place.saturating_add(left)
}

/// Where the hexadecimal groups before a word begin, with this sign between them; none if they are too many.
pub(crate) fn run_start(input: &[u8], at: usize, word: usize, sign: u8) -> Option<usize> {
    let from = at.max(word.saturating_sub(RUN_BYTES_MAX));
    let run = back(input, from, word, |byte| byte.is_ascii_hexdigit() || *byte == sign);
    (word.saturating_sub(run) < RUN_BYTES_MAX).then_some(run)
}

/// Where the letters before this place begin, if they are few.
pub(crate) fn letters_start(input: &[u8], at: usize, place: usize) -> Option<usize> {
    let from = at.max(place.saturating_sub(LETTERS_MAX).saturating_sub(1));
    let letters = back(input, from, place, u8::is_ascii_alphabetic);
    (1..=LETTERS_MAX).contains(&place.saturating_sub(letters)).then_some(letters)
}

/// Whether a place is in the middle of something longer: a number with a point, a date, an id in groups.
pub(crate) fn is_inside(input: &[u8], start: usize) -> bool {
    let byte = |back: usize| start.checked_sub(back).and_then(|at| input.get(at));
    match (byte(2), byte(1)) {
        (_, Some(before)) if before.is_ascii_alphanumeric() || *before == b'_' => true,
        (Some(before), Some(b'.' | b'-')) => {
            let group = back(input, start.saturating_sub(32), start.saturating_sub(1), u8::is_ascii_alphanumeric);
            before.is_ascii_alphanumeric() && input.get(group..start).unwrap_or_default().iter().any(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// Whether what ends here is not the beginning of something longer.
fn is_end(input: &[u8], end: usize) -> bool {
    match (input.get(end), input.get(end.saturating_add(1))) {
        (Some(next), _) if next.is_ascii_alphanumeric() || *next == b'_' => false,
        (Some(b'.' | b'-'), Some(next)) => !next.is_ascii_digit(),
        _ => true,
    }
}

/// Whether it takes more bytes than there are to tell if what ends here is the beginning of something longer.
fn is_cut_off(input: &[u8], end: usize) -> bool {
    match input.get(end) {
        None => true,
        Some(b'.' | b'-') => input.len() <= end.saturating_add(1),
        Some(_) => false,
    }
}

/// In order, each place once: the longer goes before what is in it, and of two that are the same the surer.
pub(crate) fn resolve(found: &mut Vec<Finding>) {
    found.sort_unstable_by(|a, b| {
        let order = (a.start, b.end).cmp(&(b.start, a.end));
        order.then(b.odds.total_cmp(&a.odds)).then(a.kind.cmp(&b.kind))
    });
    // What is kept last ends last.
    found.dedup_by(|finding, kept| finding.end <= kept.end);
}
