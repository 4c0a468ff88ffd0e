//! Words around what is found: in the name of the column, key or header, and just before it.
//!
//! A word is of letters, digits and bytes above ASCII, and ends where a hump begins: `customerSSN` has two. Where words begin and end depends
//! on two bytes that stand beside each other and on nothing else, so that it does not matter where reading begins.

use std::ops::Range;

use crate::blocks::{self, BLOCK, is_alphanumeric, is_digit};
use crate::kinds::{KindId, Kinds};

/// For a bit for each hash of fifteen bits.
const BITS_BYTES: usize = 1 << 12;
/// How far back words are looked for, in bytes.
const BEHIND_BYTES: usize = 64;
/// What is so near the beginning is heard without a block of it being made ready.
const NEAR_BYTES: usize = 16;
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

/// The words that stand before a place, and what they say. From one place to a later one it goes on where it was.
#[derive(Clone, Debug, Default)]
pub struct Behind {
    /// The words between `low` and `end` with which a phrase begins.
    hits: Vec<Hit>,
    low: usize,
    end: usize,
    /// The first of them that is not too far back.
    near: usize,
    /// Where the word begins that has no end yet.
    open: Option<usize>,
    said: Said,
    /// Of which of them that is all that is said, wherever behind them the place is.
    heard: Option<Range<usize>>,
}

/// A word with which a phrase begins.
#[derive(Clone, Debug)]
struct Hit {
    word: Range<usize>,
    /// What begins with it.
    first: usize,
}

/// For which kinds words speak, and against which. A kind is in both if the last word that speaks of it is against it, and one before was
/// for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub speaks_for: Kinds,
    pub against: Kinds,
}

impl Said {
    /// Nothing, of so many kinds.
    pub fn of(kinds: usize) -> Self {
        Self { speaks_for: Kinds::of(kinds), against: Kinds::of(kinds) }
    }

    pub fn clear(&mut self) {
        self.speaks_for.clear();
        self.against.clear();
    }

    /// A word says this, behind all that were before.
    fn add(&mut self, kind: KindId, speaks_for: bool) {
        match speaks_for {
            true => {
                self.speaks_for.add(kind);
                self.against.remove(kind);
            }
            false => self.against.add(kind),
        }
    }

    /// A word says all of this, behind all that were before.
    fn join(&mut self, other: &Self) {
        self.speaks_for.join(&other.speaks_for);
        self.against.leave(&other.speaks_for);
        self.against.join(&other.against);
    }
}

impl Behind {
    /// For so many kinds.
    pub fn of(kinds: usize) -> Self {
        Self { said: Said::of(kinds), ..Self::default() }
    }

    /// Begins with other bytes.
    pub fn clear(&mut self) {
        self.begin(0);
    }

    fn begin(&mut self, at: usize) {
        self.hits.clear();
        (self.low, self.end, self.near, self.open, self.heard) = (at, at, 0, None, None);
    }

    /// What was heard last.
    pub fn said(&self) -> &Said {
        &self.said
    }

    /// Hears what the phrases in a name say.
    pub fn hear_name(&mut self, vocabulary: &Vocabulary, input: &[u8], name: Range<usize>) {
        self.heard = None;
        self.said.clear();
        vocabulary.hear(input, name, &mut self.said);
    }

    /// Hears what the phrases say that stand before a place. What is before it by more than [`BEHIND_BYTES`] is too far away, and what of a
    /// word is behind the place is not looked at.
    pub fn hear(&mut self, vocabulary: &Vocabulary, input: &[u8], place: usize) {
        if place <= NEAR_BYTES {
            self.hear_name(vocabulary, input, 0..place);
            return;
        }
        let from = place.saturating_sub(BEHIND_BYTES);
        if from < self.low || from > self.end {
            self.begin(from);
        }
        if self.hits.len() > HITS_MAX {
            self.hits.retain(|hit| hit.word.start >= from);
            (self.low, self.near, self.heard) = (from, 0, None);
        }
        // A word that ends at the place has its end in the block behind it, where that is the next one.
        while self.end <= place && self.read(vocabulary, input) {}
        let near = self.near(from, place);
        let cut = cut(input, from, place);
        if cut.is_none() && self.heard.as_ref() == Some(&near) {
            return;
        }
        self.said.clear();
        let hits = self.hits.get(near.clone()).unwrap_or_default();
        let mut is_all = cut.is_none();
        for hit in hits {
            is_all &= vocabulary.follow(hit.first, input, &hit.word, place, &mut self.said);
        }
        if let Some(word) = cut
            && let Some(first) = vocabulary.begins(hash(input, word.clone()))
        {
            vocabulary.follow(first, input, &word, place, &mut self.said);
        }
        self.heard = is_all.then_some(near);
    }

    /// Which of the hits are between two places.
    #[inline]
    fn near(&mut self, from: usize, place: usize) -> Range<usize> {
        let hit = |at: usize| self.hits.get(at).map(|hit| &hit.word);
        let mut near = self.near;
        while let Some(before) = near.checked_sub(1)
            && hit(before).is_some_and(|word| word.start >= from)
        {
            near = before;
        }
        while hit(near).is_some_and(|word| word.start < from) {
            near = near.saturating_add(1);
        }
        let mut end = near;
        while hit(end).is_some_and(|word| word.end <= place) {
            end = end.saturating_add(1);
        }
        self.near = near;
        // Of none it does not matter which.
        if near == end { 0..0 } else { near..end }
    }

    /// Reads the next block; false where there is none.
    fn read(&mut self, vocabulary: &Vocabulary, input: &[u8]) -> bool {
        let base = self.end;
        let Some(block) = blocks::block(input, base) else { return false };
        let before = base.checked_sub(1).and_then(|before| input.get(before)).copied().unwrap_or(b' ');
        let in_words = blocks::bits(&block, belongs);
        let behind_words = (in_words << 1) | u64::from(belongs(before));
        let capitals = blocks::bits(&block, is_upper);
        let humps = match capitals {
            0 => 0,
            _ => capitals & ((blocks::bits(&block, is_low) << 1) | u64::from(is_low(before))),
        };
        // Most that begin with a digit are numbers, with which no phrase begins.
        let skipped = if vocabulary.has_numbers { 0 } else { blocks::bits(&block, is_digit) };
        let mut begins = in_words & (!behind_words | humps) & !skipped;
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
            // It is at least one byte long.
            match ends & ((u64::MAX << 1) << begin) {
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

    #[inline]
    fn word(&mut self, vocabulary: &Vocabulary, input: &[u8], word: Range<usize>) {
        let hash = hash(input, word.clone());
        if vocabulary.may_begin(hash) {
            self.hit(vocabulary, word, hash);
        }
    }

    /// Few words come here.
    #[inline(never)]
    fn hit(&mut self, vocabulary: &Vocabulary, word: Range<usize>, hash: u64) {
        if word.len() <= BEHIND_BYTES
            && let Some(first) = vocabulary.begins(hash)
        {
            self.hits.push(Hit { word, first });
        }
    }
}

/// Phrases, and the kinds that they speak for or against.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    kinds: usize,
    /// A bit for each word that a phrase begins with, by its hash: nearly all words are told by this to be none.
    bits: Box<[u64]>,
    /// Where in `firsts` a word is, by its hash, or else in one of the next; one more than that, as 0 is nowhere.
    slots: Box<[u32]>,
    /// The words that phrases begin with.
    firsts: Vec<First>,
    /// Whether one of them begins with a digit.
    has_numbers: bool,
}

/// A word that phrases begin with.
#[derive(Clone, Debug)]
struct First {
    word: u64,
    /// What it says alone.
    said: Said,
    /// What follows it in phrases of more words, and what those say.
    longer: Vec<(Box<[u64]>, KindId, bool)>,
}

impl Vocabulary {
    /// One of these phrases of so many kinds, each with whether it speaks for the kind. Those without a word are left out.
    pub fn new<'t>(kinds: usize, phrases: impl IntoIterator<Item = (&'t str, KindId, bool)>) -> Self {
        let mut all = Self {
            kinds,
            bits: vec![0; BITS_BYTES / 8].into_boxed_slice(),
            slots: Box::default(),
            firsts: Vec::new(),
            has_numbers: false,
        };
        let mut read: Vec<_> = phrases
            .into_iter()
            .filter_map(|(phrase, kind, speaks_for)| {
                let words = Words::of(phrase);
                let (first, others) = words.0.split_first()?;
                let begin = phrase.bytes().find(|byte| belongs(*byte));
                all.has_numbers |= begin.is_some_and(|byte| byte.is_ascii_digit());
                Some((*first, Box::<[u64]>::from(others), kind, speaks_for))
            })
            .collect();
        read.sort();
        for (word, others, kind, speaks_for) in read {
            if all.firsts.last().is_none_or(|last| last.word != word) {
                all.firsts.push(First { word, said: Said::of(kinds), longer: Vec::new() });
            }
            if let Some(first) = all.firsts.last_mut() {
                match others.is_empty() {
                    true => first.said.add(kind, speaks_for),
                    false => first.longer.push((others, kind, speaks_for)),
                }
            }
        }
        all.slots = vec![0; all.firsts.len().saturating_mul(2).next_power_of_two()].into_boxed_slice();
        for (first, number) in all.firsts.iter().zip(1..) {
            let (place, bit) = bit_of(first.word);
            if let Some(bits) = all.bits.get_mut(place) {
                *bits |= bit;
            }
            let mut slot = all.slot_of(first.word);
            while all.slots.get(slot).is_some_and(|taken| *taken != 0) {
                slot = all.slot_behind(slot);
            }
            if let Some(slot) = all.slots.get_mut(slot) {
                *slot = number;
            }
        }
        all
    }

    /// Adds what the phrases say that are in a part of the bytes.
    pub fn hear(&self, input: &[u8], part: Range<usize>, said: &mut Said) {
        let mut at = part.start;
        while let Some(word) = next_word(input, at, part.end) {
            at = word.end;
            if let Some(first) = self.begins(hash(input, word.clone())) {
                self.follow(first, input, &word, part.end, said);
            }
        }
    }

    /// What these words say.
    pub fn say(&self, words: &[u64]) -> Said {
        let mut said = Said::of(self.kinds);
        for (at, word) in words.iter().enumerate() {
            let Some(first) = self.begins(*word).and_then(|first| self.firsts.get(first)) else { continue };
            said.join(&first.said);
            let behind = words.get(at.saturating_add(1)..).unwrap_or_default();
            let longer = first.longer.iter().filter(|(others, _, _)| behind.starts_with(others));
            longer.for_each(|(_, kind, speaks_for)| said.add(*kind, *speaks_for));
        }
        said
    }

    /// Whether it may be a word that phrases begin with.
    #[inline]
    fn may_begin(&self, word: u64) -> bool {
        let (place, bit) = bit_of(word);
        self.bits.get(place).is_some_and(|bits| bits & bit != 0)
    }

    /// Which of the words it is that phrases begin with.
    #[inline]
    fn begins(&self, word: u64) -> Option<usize> {
        if !self.may_begin(word) {
            return None;
        }
        let mut slot = self.slot_of(word);
        loop {
            let first = usize::try_from(*self.slots.get(slot)?).ok()?.checked_sub(1)?;
            if self.firsts.get(first)?.word == word {
                return Some(first);
            }
            slot = self.slot_behind(slot);
        }
    }

    /// There are twice as many slots as words, or more, so that a free one is soon found.
    fn slot_of(&self, word: u64) -> usize {
        usize::try_from(word >> 32).unwrap_or(0) & self.slots.len().saturating_sub(1)
    }

    fn slot_behind(&self, slot: usize) -> usize {
        slot.saturating_add(1) & self.slots.len().saturating_sub(1)
    }

    /// Adds what the phrases say whose first word this is, and whose others follow it before the place. Whether it is the same for each place
    /// behind the word.
    fn follow(&self, first: usize, input: &[u8], word: &Range<usize>, place: usize, said: &mut Said) -> bool {
        let Some(first) = self.firsts.get(first) else { return true };
        said.join(&first.said);
        for (others, kind, speaks_for) in &first.longer {
            let mut at = word.end;
            let follows = others.iter().all(|word| {
                next_word(input, at, place).is_some_and(|next| {
                    at = next.end;
                    hash(input, next) == *word
                })
            });
            if follows {
                said.add(*kind, *speaks_for);
            }
        }
        first.longer.is_empty()
    }
}

/// Where the bit of a word is.
#[inline]
fn bit_of(word: u64) -> (usize, u64) {
    let hash = word >> 49;
    (usize::try_from(hash >> 6).unwrap_or(0), 1 << (hash & 63))
}

#[inline]
fn belongs(byte: u8) -> bool {
    is_alphanumeric(byte) | (byte >= 0x80)
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
    let length = word.len();
    let eight = input.get(word.start..).and_then(|rest| rest.first_chunk::<8>());
    match eight {
        // Most have no more letters.
        Some(eight) if matches!(length, 1..=8) => {
            let bytes = u64::from_le_bytes(*eight) & (u64::MAX >> (8_usize.saturating_sub(length) << 3));
            (u64::try_from(length).unwrap_or(0) ^ (bytes | SMALL)).wrapping_mul(HASH)
        }
        _ => hash_of_many(input, word),
    }
}

const HASH: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline(never)]
fn hash_of_many(input: &[u8], word: Range<usize>) -> u64 {
    let (mut at, mut left) = (word.start, word.len());
    let mut hash = u64::try_from(left).unwrap_or(0);
    loop {
        hash = (hash ^ (eight(input, at, left) | SMALL)).wrapping_mul(HASH);
        if left <= 8 {
            return hash;
        }
        hash ^= hash >> 32;
        (at, left) = (at.saturating_add(8), left.saturating_sub(8));
    }
}

/// Eight bytes from a place on, but no more than are left; for others it has zeros.
fn eight(input: &[u8], at: usize, left: usize) -> u64 {
    let rest = input.get(at..).unwrap_or_default();
    let bytes = match rest.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest.iter().rev().fold(0, |bytes, byte| (bytes << 8) | u64::from(*byte)),
    };
    if left < 8 { bytes & !(u64::MAX << (left << 3)) } else { bytes }
}

/// What [`Behind`] hears before a place, by reading all from the beginning.
#[cfg(test)]
pub fn plainly(vocabulary: &Vocabulary, text: &[u8], place: usize) -> Said {
    let (mut words, mut at) = (Vec::new(), 0);
    while let Some(word) = next_word(text, at, place) {
        at = word.end;
        if word.start + BEHIND_BYTES >= place {
            words.push(hash(text, word));
        }
    }
    vocabulary.say(&words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KIND: KindId = KindId(70);

    fn of(phrase: &str) -> Vocabulary {
        Vocabulary::new(99, [(phrase, KIND, true)])
    }

    #[test]
    fn names_and_texts_are_taken_apart() {
        let has = |text: &str, words: &str| of(words).say(Words::of(text).words()).speaks_for.has(KIND);
        assert!(
            has("customerSSN", "ssn") && has("customer_ssn", "ssn") && has("SSN: ", "ssn") && has("ssn1Last", "last")
        );
        assert!(has("the Social-Security no. ", "social security"));
        assert!(!has("assno", "ssn") && !has("ssnx", "ssn") && !has("", "ssn") && !has("ssn", ""));
        assert!(!has("security social", "social security"));
        assert!(has("das RENTENVERSICHERUNG", "rentenversicherung"));
        assert!(!has("rentenversicherunk", "rentenversicherung") && !has("tentenversicherung", "rentenversicherung"));
    }

    #[test]
    fn each_word_of_many_is_known_for_what_it_says() {
        let words: Vec<_> = (0_u16..900).map(|number| format!("w{number}")).collect();
        let phrases = words.iter().zip(0..).map(|(word, kind)| (&**word, KindId(kind), kind % 3 > 0));
        let vocabulary = Vocabulary::new(900, phrases);
        for (word, kind) in words.iter().zip(0..) {
            let mut said = Said::of(900);
            said.add(KindId(kind), kind % 3 > 0);
            assert_eq!(vocabulary.say(Words::of(word).words()), said, "{word}");
        }
        assert_eq!(vocabulary.say(Words::of("w900 v1 w").words()), Said::of(900));
        assert_eq!(Vocabulary::new(9, []).say(Words::of("a").words()), Said::of(9));
    }

    #[test]
    fn a_word_has_one_hash_wherever_it_stands() {
        for word in ["a", "Ab", "abcdefg", "abcdefgh", "abcdefghi", "abcdefghijklmnopq"] {
            let alone = hash(word.as_bytes(), 0..word.len());
            for (before, behind) in [("", "zz"), ("x ", " and more"), ("é", "ÿÿÿÿÿÿÿÿ")] {
                let text = format!("{before}{word}{behind}");
                assert_eq!(hash(text.as_bytes(), before.len()..before.len() + word.len()), alone, "{text}");
            }
        }
        assert_ne!(hash(b"abc", 0..2), hash(b"abc", 0..3));
    }

    /// Before a place, and the word that the place is in the middle of.
    #[test]
    fn phrases_behind_a_place_are_heard() {
        let has = |text: &str, words: &str| {
            let (place, mut behind) = (text.find('|').unwrap(), Behind::of(99));
            let text = text.replace('|', "");
            behind.hear(&of(words), text.as_bytes(), place);
            behind.said().speaks_for.has(KIND)
        };
        for (text, words) in [
            ("ssn: |512", "ssn"),
            ("身份证|110101", "身份证"),
            ("ssn|512", "ssn"),
            ("ssn|Last", "ssn"),
            ("social security |512", "social security"),
            ("social security|1", "social security"),
            ("socialSecurity|", "social security"),
            ("11 a: |5", "11 a"),
        ] {
            assert!(has(text, words), "{text}");
        }
        for (text, words) in [("ss|n 512", "ssn"), ("|ssn", "ssn"), ("social secur|ity", "social security")] {
            assert!(!has(text, words), "{text}");
        }
        let far = |blanks: usize| has(&format!("{}ssn{}|5", "x ".repeat(99), " ".repeat(blanks)), "ssn");
        assert!(far(61) && !far(62));
        // Wherever the blocks end.
        assert!((0..2 * BLOCK).all(|blanks| has(&format!("{}ssn|(5", " ".repeat(blanks)), "ssn")));
    }

    proptest! {
        /// What is behind a place does not depend on where it was looked before.
        #[test]
        fn the_words_behind_a_place_are_the_same_from_wherever_one_comes(
            text in "([abAB]{1,2}[ _1é]?){0,100}",
            places in proptest::collection::vec(0_usize..220, 1..6),
            with_numbers in any::<bool>(),
        ) {
            let phrases = ["a", "b", "ab", "a b", "aa é", "b a b", "bb1", "é", "1a"];
            let phrases = phrases.iter().take(if with_numbers { 9 } else { 8 });
            let vocabulary = Vocabulary::new(9, phrases.zip(0..).map(|(phrase, kind)| (*phrase, KindId(kind), kind > 3)));
            let text = text.as_bytes();
            let mut going = Behind::of(9);
            // Here and there, and then one by one.
            for place in places.into_iter().chain(0..=text.len()) {
                let place = place.min(text.len());
                going.hear(&vocabulary, text, place);
                prop_assert_eq!(going.said(), &plainly(&vocabulary, text, place));
            }
        }
    }
}
