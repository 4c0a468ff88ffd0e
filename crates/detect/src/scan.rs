//! Looks for all kinds in one pass over the bytes.
//!
//! Nearly all of what is sensitive has a digit or an `@` in it, and the rest begins with one of a few literals: so it goes from one such
//! place to the next, asks there what begins, and does nothing for all other bytes. It allocates nothing where nothing is found.

use crate::detector::{Detector, KindId, Place, WORD_ODDS};
use crate::words::Behind;

/// The longest part before the `@` of an address.
const LOCAL_BYTES_MAX: usize = 64;
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
    detector: &'d Detector,
    behind: Behind,
    significant: Vec<u8>,
    found: Vec<Finding>,
}

impl<'d> Scanner<'d> {
    /// One that looks for these.
    pub fn new(detector: &'d Detector) -> Self {
        Self { detector, behind: Behind::default(), significant: Vec::new(), found: Vec::new() }
    }

    /// What is in these bytes, in order; `within` is where they are, if that has a name.
    pub fn scan(&mut self, input: &[u8], within: Option<&Place>) -> &[Finding] {
        self.found.clear();
        self.behind.clear();
        self.digits(input, within);
        self.literals(input, within);
        resolve(&mut self.found);
        &self.found
    }

    /// What begins with a word that has a digit in it, or has an `@`.
    fn digits(&mut self, input: &[u8], within: Option<&Place>) {
        let mut at = 0;
        while let Some(place) = next_place(input, at) {
            let start = back(input, at, place, |byte| byte.is_ascii_alphanumeric() || *byte == b'_');
            if input.get(place) == Some(&b'@') {
                let from = place.saturating_sub(LOCAL_BYTES_MAX);
                let local = back(input, from, place, |byte| byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte));
                self.begin(input, within, local);
                at = place.saturating_add(1);
                continue;
            }
            let signed = start.checked_sub(1).filter(|before| matches!(input.get(*before), Some(b'+' | b'(')));
            if let Some(signed) = signed {
                self.begin(input, within, signed);
            }
            if start.checked_sub(1).and_then(|before| input.get(before)) == Some(&b':') {
                let hexadecimal = back(input, at, start, |byte| byte.is_ascii_hexdigit() || *byte == b':');
                self.begin(input, within, hexadecimal);
            }
            self.begin(input, within, start);
            let word = input.get(place..).unwrap_or_default();
            let left = word.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(word.len());
            at = place.saturating_add(left.max(1));
        }
    }

    fn literals(&mut self, input: &[u8], within: Option<&Place>) {
        let detector = self.detector;
        for literal in detector.literals.iter().flat_map(|literals| literals.find_iter(input)) {
            self.begin(input, within, literal.start());
        }
    }

    /// Takes what begins at this place.
    fn begin(&mut self, input: &[u8], within: Option<&Place>, start: usize) {
        if is_inside(input, start) {
            return;
        }
        let detector = self.detector;
        detector.shapes.at(input, start, |shape, end| {
            if let Some((kind, odds)) = detector.of.get(shape)
                && is_end(input, end)
            {
                self.candidate(input, within, start, end, *kind, *odds);
            }
        });
    }

    fn candidate(&mut self, input: &[u8], within: Option<&Place>, start: usize, end: usize, id: KindId, odds: f32) {
        let Some(kind) = self.detector.kinds.get(usize::from(id.0)) else { return };
        let text = input.get(start..end).unwrap_or_default();
        if let Some(check) = kind.check {
            self.significant.clear();
            self.significant
                .extend(text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase));
            if !check(&self.significant) {
                return;
            }
        }
        let mut odds = odds + within.and_then(|place| place.odds.get(usize::from(id.0))).copied().unwrap_or(0.0);
        // Words are looked at only where they can change what is said.
        if odds.abs() <= WORD_ODDS {
            let behind = self.behind.go(input, start);
            odds += kind.odds_by(|words| behind.have(words));
        }
        if odds > 0.0 {
            self.found.push(Finding { start, end, kind: id, odds });
        }
    }
}

/// The next digit or `@`.
fn next_place(input: &[u8], from: usize) -> Option<usize> {
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

/// Where the run of such bytes before a place begins, not before `from`.
fn back(input: &[u8], from: usize, place: usize, belongs: impl Fn(&u8) -> bool) -> usize {
    let before = input.get(from..place).unwrap_or_default();
    place.saturating_sub(before.iter().rev().take_while(|byte| belongs(byte)).count())
}

/// Whether a place is in the middle of something longer: a number with a point, a date, an id in groups.
fn is_inside(input: &[u8], start: usize) -> bool {
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

/// In order, each place once: the longer goes before what is in it, and of two that are the same the surer.
fn resolve(found: &mut Vec<Finding>) {
    found.sort_unstable_by(|a, b| (a.start, b.end).cmp(&(b.start, a.end)).then(b.odds.total_cmp(&a.odds)));
    let mut covered = 0;
    found.retain(|finding| {
        let new = finding.end > covered;
        covered = covered.max(finding.end);
        new
    });
}
