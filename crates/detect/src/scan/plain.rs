//! Finds what [`Scanner`](super::Scanner) finds, without any table, gate or block: each place is asked, and all before it is read anew. For
//! tests, which say that both find the same.

use std::ops::Range;

use super::{COLONS_MIN, Finding, resolve};
use crate::checks::Check;
use crate::detector::{Detector, Group, Place, ShapeOf, WORD_ODDS, said};
use crate::edges::{
    LETTERS_MAX, LOCAL_BYTES_MAX, RUN_BYTES_MAX, WORD_BYTES_MAX, is_end, is_inside, is_local, value_of,
};
use crate::surroundings::{is_in_table, is_part, is_type, name_of};
use crate::words::{Words, plainly};

pub fn scan(detector: &Detector, input: &[u8], within: Option<&Place>) -> Vec<Finding> {
    let mut plain = Plain { detector, input, within, found: Vec::new(), sure_end: 0 };
    if within.is_some_and(|place| place.whole) {
        plain.walk(&detector.wholes, 0, |end| end == input.len());
    }
    plain.words();
    plain.colons();
    plain.secrets();
    resolve(&mut plain.found);
    plain.found
}

struct Plain<'a> {
    detector: &'a Detector,
    input: &'a [u8],
    within: Option<&'a Place>,
    found: Vec<Finding>,
    sure_end: usize,
}

impl Plain<'_> {
    fn words(&mut self) {
        let (input, detector) = (self.input, self.detector);
        let is_place = |byte: &u8| byte.is_ascii_digit() || *byte == b'@';
        let mut at = 0;
        while let Some(place) = input.get(at..).and_then(|rest| rest.iter().position(is_place)).map(|next| at + next) {
            if input[place] == b'@' {
                let local = back(input, place.saturating_sub(LOCAL_BYTES_MAX), place, |byte| is_local(*byte));
                self.begin(&detector.addresses, local);
                at = place + 1;
                continue;
            }
            let from = at.max(place.saturating_sub(WORD_BYTES_MAX));
            let start = back(input, from, place, |byte| byte.is_ascii_alphanumeric() || *byte == b'_');
            let before = start.checked_sub(1).map(|before| input[before]);
            if let Some(b'+' | b'(' | b'%') = before {
                self.word(start - 1);
            }
            if let Some(sign @ (b':' | b'-')) = before {
                let run = back(input, at, start, |byte| byte.is_ascii_hexdigit() || *byte == sign);
                if start - run < RUN_BYTES_MAX {
                    self.word(run);
                }
            }
            if let Some(b' ' | b'-') = before {
                let letters = back(input, at, start - 1, u8::is_ascii_alphabetic);
                if (1..=LETTERS_MAX).contains(&(start - 1 - letters)) {
                    self.word(letters);
                }
            }
            self.word(start);
            let ends = |byte: &u8| !byte.is_ascii_alphanumeric();
            at =
                input[place..].iter().position(ends).map_or(input.len(), |left| place + left.max(1)).max(self.sure_end);
        }
    }

    /// Runs of hexadecimal letters and colons.
    fn colons(&mut self) {
        let belongs = |at: &usize| self.input.get(*at).is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b':');
        let begins: Vec<_> = (0..self.input.len())
            .filter(|start| belongs(start) && !start.checked_sub(1).is_some_and(|before| belongs(&before)))
            .filter(|start| {
                let run: Vec<_> = (*start..).take_while(belongs).map(|at| self.input[at]).collect();
                let colons = run.iter().filter(|byte| **byte == b':').count();
                colons >= COLONS_MIN && run.len() < RUN_BYTES_MAX && !run.iter().any(u8::is_ascii_digit)
            })
            .collect();
        begins.into_iter().for_each(|start| self.word(start));
    }

    fn secrets(&mut self) {
        let detector = self.detector;
        let shapes = || detector.entities().flat_map(|entity| &entity.shapes);
        let literals: Vec<_> = shapes().flat_map(|shape| &shape.literals).collect();
        for start in 0..self.input.len() {
            if literals.iter().any(|literal| self.input[start..].starts_with(literal.as_bytes())) {
                self.begin(&detector.secrets, start);
            }
        }
    }

    fn word(&mut self, start: usize) {
        let detector = self.detector;
        self.begin(&detector.likely.group, start);
        self.begin(&detector.unlikely.group, start);
    }

    fn begin(&mut self, group: &Group, start: usize) {
        let input = self.input;
        self.walk(group, start, |end| is_end(input, end));
    }

    fn walk(&mut self, group: &Group, start: usize, can_end: impl Fn(usize) -> bool) {
        let input = self.input;
        let inside = is_inside(input, start);
        group.shapes.at(input, start, can_end, |shape, end| {
            let shape = &group.of[shape];
            match &shape.behind {
                Some(name_ends) => self.candidate(value_of(input, start..end, name_ends), shape),
                None if inside => {}
                None => self.candidate(start..end, shape),
            }
        });
    }

    fn candidate(&mut self, Range { start, end }: Range<usize>, shape: &ShapeOf) {
        let id = usize::from(shape.kind.0);
        let mut odds = shape.odds + self.within.map_or(0.0, |place| place.odds[id]);
        let vocabulary = &self.detector.vocabulary;
        let heard = match name_of(self.input, start) {
            Some(name) => vocabulary.say(Words::of(&String::from_utf8_lossy(&self.input[name])).words()),
            None => plainly(vocabulary, self.input, start),
        };
        let words = said(&heard, shape.kind);
        let words = if self.within.is_some_and(|place| place.is_made_up) { words.max(0.0) } else { words };
        if odds.abs() <= WORD_ODDS {
            odds += words;
        }
        let text = &self.input[start..end];
        let significant: Vec<u8> =
            text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
        let fulfils = shape.check.is_none_or(|check| check(text) || (shape.behind.is_none() && check(&significant)));
        let is_table = |check: Check| is_in_table(self.input, &(start..end), check);
        let is_of_program = self.within.is_none()
            && (words <= 0.0 && shape.check.is_some_and(is_table)
                || shape.behind.is_some() && is_type(self.input, &(start..end)));
        if odds > 0.0 && fulfils && !is_part(self.input, &(start..end)) && !is_of_program {
            if odds > WORD_ODDS {
                self.sure_end = self.sure_end.max(end);
            }
            self.found.push(Finding { start, end, kind: shape.kind, odds });
        }
    }
}

/// Where the run of such bytes before a place begins, not before `from`.
fn back(input: &[u8], from: usize, place: usize, belongs: impl Fn(&u8) -> bool) -> usize {
    place - input.get(from..place).unwrap_or_default().iter().rev().take_while(|byte| belongs(byte)).count()
}
