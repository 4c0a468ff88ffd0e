//! Words around what is found: in the name of the column, key or header, and just before it.
//!
//! A word is of letters, digits and bytes above ASCII, and ends where a hump begins: `customerSSN` has two. Where words begin and end depends
//! on two bytes that stand beside each other and on nothing else, so that it does not matter where reading begins.

use std::ops::Range;

use crate::blocks::{self, BLOCK, is_digit};

/// For a bit for each hash of two bytes.
const BITS_BYTES: usize = 1 << 13;
/// How far back words are looked for, in bytes.
const BEHIND_BYTES: usize = 64;
/// The most hits that are kept, some of which are too far back.
const HITS_MAX: usize = 64;
/// What makes letters of ASCII small, and leaves digits as they are.
const SMALL: u64 = 0x2020_2020_2020_2020;

/// Words in their order, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<u64>);

impl Words {
    /// The words of a text.
    pub fn of(text: &str) -> Self {
        let (text, mut words, mut at) = (text.as_bytes(), Vec::new(), 0);
        while let Some(word) = next_word(text, at, text.len()) {
            at = word.end;
            words.push(hash(text, word));
        }
        Self(words)
    }

    /// The words, in order.
    pub fn words(&self) -> &[u64] {
        &self.0
    }
}

/// The words that stand before a place. From one place to a later one it goes on where it was.
#[derive(Clone, Debug, Default)]
pub struct Behind {
    /// The words between `low` and `end` with which a phrase begins.
    hits: Vec<Hit>,
    low: usize,
    end: usize,
    /// Where the word begins that has no end yet.
    open: Option<usize>,
}

/// A word with which a phrase begins.
#[derive(Clone, Debug)]
struct Hit {
    word: Range<usize>,
    /// The first phrase that begins with it.
    phrase: usize,
}

impl Behind {
    /// Begins with other bytes.
    pub fn clear(&mut self) {
        self.begin(0);
    }

    fn begin(&mut self, at: usize) {
        self.hits.clear();
        (self.low, self.end, self.open) = (at, at, None);
    }

    /// Calls `found` with whose phrase it is, for each that stands before a place. What is before it by more than [`BEHIND_BYTES`] is too far
    /// away, and what a word is behind the place is not looked at.
    pub fn each<T: Copy>(&mut self, vocabulary: &Vocabulary<T>, input: &[u8], place: usize, mut found: impl FnMut(T)) {
        let from = place.saturating_sub(BEHIND_BYTES);
        if from < self.low || from > self.end {
            self.begin(from & !(BLOCK - 1));
        }
        if self.hits.len() > HITS_MAX {
            self.hits.retain(|hit| hit.word.start >= from);
            self.low = from;
        }
        while self.end < place && self.read(vocabulary, input) {}
        let near = self.hits.iter().rev().take_while(|hit| hit.word.start >= from);
        for hit in near.filter(|hit| hit.word.end <= place) {
            vocabulary.follow(hit.phrase, input, &hit.word, place, &mut found);
        }
        if let Some(word) = cut(input, from, place)
            && let Some(phrase) = vocabulary.begins(hash(input, word.clone()))
        {
            vocabulary.follow(phrase, input, &word, place, &mut found);
        }
    }

    /// Reads the next block; false where there is none.
    fn read<T: Copy>(&mut self, vocabulary: &Vocabulary<T>, input: &[u8]) -> bool {
        let base = self.end;
        let Some(block) = blocks::block(input, base) else { return false };
        let before = base.checked_sub(1).and_then(|before| input.get(before)).copied().unwrap_or(b' ');
        let in_words = blocks::bits(&block, belongs);
        let behind_words = (in_words << 1) | u64::from(belongs(before));
        let humps = (blocks::bits(&block, is_low) << 1) | u64::from(is_low(before));
        let humps = humps & blocks::bits(&block, is_upper);
        let mut begins = in_words & (!behind_words | humps);
        let ends = behind_words & (!in_words | humps);
        if let Some(open) = self.open
            && ends != 0
        {
            self.open = None;
            self.word(vocabulary, input, open..base.saturating_add(blocks::lowest(ends)));
        }
        while begins != 0 {
            let begin = blocks::lowest(begins);
            begins = blocks::without_lowest(begins);
            let start = base.saturating_add(begin);
            match blocks::without(ends, begin.saturating_add(1)) {
                0 => self.open = Some(start),
                ends => self.word(vocabulary, input, start..base.saturating_add(blocks::lowest(ends))),
            }
        }
        self.end = base.saturating_add(BLOCK);
        // The last block may be full to its end, so that nothing behind it ends the word.
        if self.end >= input.len()
            && let Some(open) = self.open.take()
        {
            self.word(vocabulary, input, open..input.len());
        }
        true
    }

    fn word<T: Copy>(&mut self, vocabulary: &Vocabulary<T>, input: &[u8], word: Range<usize>) {
        if word.len() <= BEHIND_BYTES
            && let Some(phrase) = vocabulary.begins(hash(input, word.clone()))
        {
            self.hits.push(Hit { word, phrase });
        }
    }
}

/// Which words any phrase begins with, and whose phrases those are.
#[derive(Clone, Debug)]
pub struct Vocabulary<T> {
    /// A bit for each word that one begins with, by its hash: nearly all words are told by this to be none.
    bits: Box<[u64]>,
    /// The word that each begins with, in order, and apart from them, so that it is quickly looked for.
    firsts: Vec<u64>,
    phrases: Vec<(Words, T)>,
}

impl<T: Copy> Vocabulary<T> {
    /// One of these phrases. Those without a word are left out.
    pub fn new(phrases: impl IntoIterator<Item = (Words, T)>) -> Self {
        let mut phrases: Vec<_> = phrases.into_iter().filter(|(words, _)| !words.0.is_empty()).collect();
        phrases.sort_by(|(one, _), (other, _)| one.0.cmp(&other.0));
        let mut bits = vec![0_u64; BITS_BYTES / 8].into_boxed_slice();
        let firsts: Vec<u64> = phrases.iter().filter_map(|(words, _)| words.0.first().copied()).collect();
        for word in &firsts {
            let (place, bit) = bit_of(*word);
            if let Some(bits) = bits.get_mut(place) {
                *bits |= bit;
            }
        }
        Self { bits, firsts, phrases }
    }

    /// Calls `found` with whose phrase it is, for each that is among these words.
    pub fn each(&self, words: &[u64], mut found: impl FnMut(T)) {
        for (at, word) in words.iter().enumerate() {
            let here = words.get(at..).unwrap_or_default();
            let phrases = self.begins(*word).map(|first| self.beginning_with(*word, first));
            let among = phrases.into_iter().flatten().filter(|(phrase, _)| here.starts_with(&phrase.0));
            among.for_each(|(_, whose)| found(*whose));
        }
    }

    /// The first of the phrases that begin with this word.
    #[inline]
    fn begins(&self, word: u64) -> Option<usize> {
        let (place, bit) = bit_of(word);
        if self.bits.get(place).is_none_or(|bits| bits & bit == 0) {
            return None;
        }
        let first = self.firsts.partition_point(|first| *first < word);
        self.firsts.get(first).is_some_and(|first| *first == word).then_some(first)
    }

    fn beginning_with(&self, word: u64, first: usize) -> impl Iterator<Item = &(Words, T)> {
        self.phrases.iter().skip(first).take_while(move |(phrase, _)| phrase.0.first() == Some(&word))
    }

    /// Calls `found` for each phrase whose first word this is, and whose others follow it before the place.
    fn follow(&self, first: usize, input: &[u8], word: &Range<usize>, place: usize, found: &mut impl FnMut(T)) {
        let Some(begins) = self.firsts.get(first) else { return };
        for (phrase, whose) in self.beginning_with(*begins, first) {
            let mut at = word.end;
            let follows = phrase.0.iter().skip(1).all(|word| {
                next_word(input, at, place).is_some_and(|next| {
                    at = next.end;
                    hash(input, next) == *word
                })
            });
            if follows {
                found(*whose);
            }
        }
    }
}

/// Where the bit of a word is.
#[inline]
fn bit_of(word: u64) -> (usize, u64) {
    let hash = word >> 48;
    (usize::try_from(hash >> 6).unwrap_or(0), 1 << (hash & 63))
}

#[inline]
fn belongs(byte: u8) -> bool {
    is_digit(byte) | ((byte | 0x20).wrapping_sub(b'a') < 26) | (byte >= 0x80)
}

#[inline]
fn is_upper(byte: u8) -> bool {
    byte.wrapping_sub(b'A') < 26
}

/// Whether a capital behind this byte is a hump.
#[inline]
fn is_low(byte: u8) -> bool {
    is_digit(byte) | (byte.wrapping_sub(b'a') < 26)
}

/// The next word, of which what is behind `to` is not looked at. One may begin at `from`, whatever is before it.
fn next_word(input: &[u8], from: usize, to: usize) -> Option<Range<usize>> {
    let text = input.get(..to)?;
    let start = from.saturating_add(text.get(from..)?.iter().position(|byte| belongs(*byte))?);
    let mut before = b' ';
    let goes_on = |byte: &&u8| {
        let is_hump = is_low(before) && is_upper(**byte);
        before = **byte;
        belongs(**byte) && !is_hump
    };
    let bytes = text.get(start..)?.iter().take_while(goes_on).count();
    Some(start..start.saturating_add(bytes))
}

/// What is before a place of the word that goes on behind it, unless it begins before `from`.
fn cut(input: &[u8], from: usize, place: usize) -> Option<Range<usize>> {
    let byte = |at: usize| input.get(at).copied();
    let goes_on = |at: usize| {
        let (before, here) = (at.checked_sub(1).and_then(byte)?, byte(at)?);
        Some(belongs(before) && belongs(here) && !(is_low(before) && is_upper(here)))
    };
    if goes_on(place) != Some(true) {
        return None;
    }
    let start = (from..place).rev().find(|at| goes_on(*at) != Some(true))?;
    Some(start..place)
}

/// Words are short. That two are taken for one makes a finding surer or less sure than it is, no more.
#[inline]
fn hash(input: &[u8], word: Range<usize>) -> u64 {
    let (mut at, mut left) = (word.start, word.len());
    let mut hash = u64::try_from(left).unwrap_or(0);
    loop {
        hash = (hash ^ (eight(input, at, left) | SMALL)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        if left <= 8 {
            return hash;
        }
        hash ^= hash >> 32;
        (at, left) = (at.saturating_add(8), left.saturating_sub(8));
    }
}

/// Eight bytes from a place on, but no more than are left; for others it has zeros.
#[inline]
fn eight(input: &[u8], at: usize, left: usize) -> u64 {
    let rest = input.get(at..).unwrap_or_default();
    let bytes = match rest.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest.iter().rev().fold(0, |bytes, byte| (bytes << 8) | u64::from(*byte)),
    };
    if left < 8 { bytes & !(u64::MAX << (left << 3)) } else { bytes }
}

/// What [`Behind`] finds before a place, by reading all from the beginning.
#[cfg(test)]
pub fn plainly<T: Copy>(vocabulary: &Vocabulary<T>, text: &[u8], place: usize) -> Vec<T> {
    let (mut words, mut at, mut all) = (Vec::new(), 0, Vec::new());
    while let Some(word) = next_word(text, at, place) {
        at = word.end;
        if word.start + BEHIND_BYTES >= place {
            words.push(hash(text, word));
        }
    }
    vocabulary.each(&words, |whose| all.push(whose));
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_texts_are_taken_apart() {
        let has = |text: &str, words: &str| {
            let mut found = false;
            Vocabulary::new([(Words::of(words), ())]).each(Words::of(text).words(), |()| found = true);
            found
        };
        assert!(
            has("customerSSN", "ssn") && has("customer_ssn", "ssn") && has("SSN: ", "ssn") && has("ssn1Last", "last")
        );
        assert!(has("the Social-Security no. ", "social security"));
        assert!(!has("assno", "ssn") && !has("ssnx", "ssn") && !has("", "ssn") && !has("ssn", ""));
        assert!(!has("security social", "social security"));
        assert!(has("das RENTENVERSICHERUNG", "rentenversicherung"));
        assert!(!has("rentenversicherunk", "rentenversicherung") && !has("tentenversicherung", "rentenversicherung"));
    }

    /// Before a place, and the word that the place is in the middle of.
    #[test]
    fn phrases_behind_a_place_are_found() {
        let has = |text: &str, words: &str| {
            let (place, mut found) = (text.find('|').unwrap(), 0);
            let text = text.replace('|', "");
            let vocabulary = Vocabulary::new([(Words::of(words), ())]);
            Behind::default().each(&vocabulary, text.as_bytes(), place, |()| found += 1);
            found
        };
        for (text, words, count) in [
            ("ssn: |512", "ssn", 1),
            ("ssn, my SSN: |512", "ssn", 2),
            ("身份证|110101", "身份证", 1),
            ("ssn|512", "ssn", 1),
            ("ssn|Last", "ssn", 1),
            ("ss|n 512", "ssn", 0),
            ("|ssn", "ssn", 0),
            ("social security |512", "social security", 1),
            ("social secur|ity", "social security", 0),
            ("social security|1", "social security", 1),
            ("socialSecurity|", "social security", 1),
        ] {
            assert_eq!(has(text, words), count, "{text}");
        }
        let far = |blanks: usize| has(&format!("{}ssn{}|5", "x ".repeat(99), " ".repeat(blanks)), "ssn");
        assert_eq!((far(61), far(62)), (1, 0));
    }

    proptest! {
        /// What is behind a place does not depend on where it was looked before.
        #[test]
        fn the_words_behind_a_place_are_the_same_from_wherever_one_comes(
            text in "([abAB]{1,2}[ _1é]?){0,100}",
            places in proptest::collection::vec(0_usize..220, 1..6),
        ) {
            let phrases = ["a", "b", "ab", "a b", "aa é", "b a b", "bb1", "é"];
            let vocabulary = Vocabulary::new(phrases.iter().enumerate().map(|(at, phrase)| (Words::of(phrase), at)));
            let text = text.as_bytes();
            let mut going = Behind::default();
            for place in places {
                let (place, mut all) = (place.min(text.len()), Vec::new());
                going.each(&vocabulary, text, place, |phrase| all.push(phrase));
                all.sort_unstable();
                let mut plain = plainly(&vocabulary, text, place);
                plain.sort_unstable();
                prop_assert_eq!(all, plain);
            }
        }
    }
}
