//! Words around what is found: in the name of the column, key or header, and just before it.

/// For a bit for each hash of two bytes.
const BITS_BYTES: usize = 1 << 13;
/// How far back words are looked for, in bytes.
const BEHIND_BYTES: usize = 64;

/// Words in their order, in lower case, taken apart where a hump or a sign is: `customerSSN` has two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<u64>);

impl Words {
    /// The words of a text.
    pub fn of(text: &str) -> Self {
        let mut behind = Behind::default();
        behind.read(text.as_bytes(), 0, text.len());
        Self(behind.words.iter().map(|(_, word)| *word).chain(behind.unfinished()).collect())
    }
}

/// The words that stand before a place. From one place to a later one it goes on where it was.
#[derive(Clone, Debug, Default)]
pub struct Behind {
    /// Where each begins, and what it is. The last one may have no end yet.
    words: Vec<(usize, u64)>,
    /// The words that are asked about.
    asked: Vec<u64>,
    /// The place that they stand before.
    is_at: Option<usize>,
    /// How far it has read.
    end: usize,
    /// The word that has no end yet: where it begins, and what it is so far.
    open: Option<(usize, u64)>,
    before: u8,
}

impl Behind {
    /// Begins with other bytes.
    pub fn clear(&mut self) {
        self.words.clear();
        (self.is_at, self.end, self.open, self.before) = (None, 0, None, b' ');
    }

    /// Moves to a place in the same bytes. What is before it by more than [`BEHIND_BYTES`] is too far away.
    pub fn go(&mut self, input: &[u8], place: usize) -> &mut Self {
        let from = place.saturating_sub(BEHIND_BYTES);
        if place < self.end || from > self.end {
            self.clear();
            self.before = from.checked_sub(1).and_then(|at| input.get(at)).copied().unwrap_or(b' ');
            // What has begun before is not a word of what is behind.
            self.open = belongs(self.before).then_some((from.saturating_sub(1), START));
            self.end = from;
        }
        if self.is_at == Some(place) {
            return self;
        }
        self.is_at = Some(place);
        self.read(input, self.end, place);
        let far = self.words.iter().rev().position(|(begins, _)| *begins < from);
        let near = far.map_or(0, |far| self.words.len().saturating_sub(far));
        self.words.drain(..near);
        self.asked.clear();
        self.asked.extend(self.words.iter().map(|(_, word)| *word));
        self.asked.extend(self.open.filter(|(begins, _)| *begins >= from).map(|(_, word)| word));
        self
    }

    /// The words, in order.
    pub fn words(&self) -> &[u64] {
        &self.asked
    }

    /// The words of a part of the bytes, in order.
    pub fn of_part(&mut self, input: &[u8], part: std::ops::Range<usize>) -> &[u64] {
        self.clear();
        self.before = b' ';
        self.read(input, part.start, part.end);
        self.asked.clear();
        self.asked.extend(self.words.iter().map(|(_, word)| *word).chain(self.open.map(|(_, word)| word)));
        &self.asked
    }

    fn unfinished(&self) -> Option<u64> {
        self.open.map(|(_, word)| word)
    }

    fn read(&mut self, input: &[u8], from: usize, to: usize) {
        for (at, byte) in (from..).zip(input.get(from..to).unwrap_or_default()) {
            let hump = byte.is_ascii_uppercase() && (self.before.is_ascii_lowercase() || self.before.is_ascii_digit());
            if let Some(word) = self.open.take_if(|_| hump || !belongs(*byte)) {
                self.words.push(word);
            }
            if belongs(*byte) {
                let (begins, word) = self.open.unwrap_or((at, START));
                self.open = Some((begins, with(word, byte.to_ascii_lowercase())));
            }
            self.before = *byte;
        }
        self.end = to;
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
            let (place, bit) = bit_of(*word);
            if self.bits.get(place).is_none_or(|bits| bits & bit == 0) {
                continue;
            }
            let first = self.firsts.partition_point(|first| first < word);
            let here = words.get(at..).unwrap_or_default();
            let alike = self.phrases.iter().skip(first).take_while(|(phrase, _)| phrase.0.first() == Some(word));
            alike.filter(|(phrase, _)| here.starts_with(&phrase.0)).for_each(|(_, whose)| found(*whose));
        }
    }
}

/// Where the bit of a word is.
fn bit_of(word: u64) -> (usize, u64) {
    let hash = word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    (usize::try_from(hash >> 6).unwrap_or(0), 1 << (hash & 63))
}

impl Words {
    /// The words, in order.
    pub fn words(&self) -> &[u64] {
        &self.0
    }
}

fn belongs(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

const START: u64 = 0;

/// Words are short. That two are taken for one makes a finding surer or less sure than it is, no more.
fn with(word: u64, byte: u8) -> u64 {
    word.wrapping_mul(257).wrapping_add(u64::from(byte)).wrapping_add(1)
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
    }

    proptest! {
        /// What is behind a place does not depend on where it was looked before.
        #[test]
        fn the_words_behind_a_place_are_the_same_from_wherever_one_comes(
            text in "[a-zA-Z0-9 _é]{0,200}",
            mut places in proptest::collection::vec(0_usize..220, 1..6),
        ) {
            let text = text.as_bytes();
            places.iter_mut().for_each(|place| *place = (*place).min(text.len()));
            let mut going = Behind::default();
            for place in places {
                let asked = going.go(text, place).asked.clone();
                let mut fresh = Behind::default();
                prop_assert_eq!(&asked, &fresh.go(text, place).asked);
            }
        }
    }
}
