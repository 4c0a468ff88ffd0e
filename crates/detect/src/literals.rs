//! Where secrets begin: each of their shapes has literals, with one of which it begins.
//!
//! Most begin a word and go on without a blank, so it is enough to look at the first bytes of each long word. The name of a value (`password`) may be the end of a longer one,
//! but a `=` or a `:` comes soon behind it, so only what is before these is searched. What neither is true of is searched for everywhere.

use std::ops::Range;

use aho_corasick::{AhoCorasick, Input, MatchKind, packed};
use memchr::{memchr, memchr2, memchr2_iter};

use crate::blocks::{each_long_word, is_word};
use crate::signs::{COLON, EQUALS, Signs};

/// Most of the literals that are searched for by vectors.
const PACKED_MAX: usize = 64;
/// The bytes of a word that are looked at first.
const KEY_BYTES: usize = 3;
/// Without a blank at least so many bytes from the first word of a literal on: most words are shorter.
pub(crate) const HEAD_BYTES: usize = 8;
/// For a bit for each key, by its hash of fifteen bits.
const BITS_WORDS: usize = 1 << 9;
/// What ends the name of a value.
const GATES: [u8; 2] = [b'=', b':'];
/// The longest name of a value, from its literal to what ends it.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// A literal, and a shape that begins with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Literal<'a> {
    pub(crate) text: &'a str,
    /// The number of the shape.
    pub(crate) shape: usize,
    /// What ends the name, where the shape is a name and its value.
    pub(crate) behind: Option<&'a [u8]>,
    /// How long a text of the shape is at least.
    pub(crate) bytes_min: usize,
    /// Whether nothing of the shape that begins with it has a blank among so many bytes from its first word on ([`HEAD_BYTES`]).
    pub(crate) unbroken: bool,
}

/// How literals are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Heads,
    Names,
    Others,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Heads, Self::Names, Self::Others];

    fn number(self) -> usize {
        match self {
            Self::Heads => 0,
            Self::Names => 1,
            Self::Others => 2,
        }
    }
}

/// Finds literals.
pub(crate) struct Literals {
    /// All of them, in order.
    texts: Box<[Box<[u8]>]>,
    heads: Heads,
    /// Those that what ends a name comes behind.
    names: Option<Searcher>,
    others: Option<Searcher>,
    /// How long an input is at least in which something is found in each way.
    bytes_min: [usize; 3],
}

impl Literals {
    /// Finds these; why they can't be looked for.
    pub(crate) fn new(literals: &[Literal<'_>]) -> Result<Self, String> {
        let mut heads = Heads::default();
        let (mut names, mut others) = (Vec::new(), Vec::new());
        let mut bytes_min = [usize::MAX; 3];
        for literal in literals {
            let is_gated = |behind: &[u8]| behind.iter().all(|byte| GATES.contains(byte));
            let way = match literal.behind {
                Some(behind) if is_gated(behind) => Way::Names,
                None if literal.unbroken && heads.take(literal) => Way::Heads,
                _ => Way::Others,
            };
            match way {
                Way::Heads => {}
                Way::Names => names.push(*literal),
                Way::Others => others.push(*literal),
            }
            if let Some(shortest) = bytes_min.get_mut(way.number()) {
                *shortest = literal.bytes_min.min(*shortest);
            }
        }
        heads.literals.sort_by(|one, other| (one.key, &one.text).cmp(&(other.key, &other.text)));
        let mut texts: Box<[Box<[u8]>]> = literals.iter().map(|literal| literal.text.as_bytes().into()).collect();
        texts.sort_unstable();
        Ok(Self { texts, heads, names: Searcher::new(names)?, others: Searcher::new(others)?, bytes_min })
    }

    /// Whether something may be found in one way in an input of so many bytes that has these.
    #[inline]
    pub(crate) fn may_be(&self, way: Way, bytes: usize, signs: Signs) -> bool {
        let is_long = self.bytes_min.get(way.number()).is_some_and(|shortest| bytes >= *shortest);
        is_long && (way != Way::Names || signs.has(COLON | EQUALS))
    }

    /// Calls `found` with where each begins that is found in one way, and with a shape that begins with it.
    #[inline]
    pub(crate) fn each_of(&self, way: Way, input: &[u8], mut found: impl FnMut(usize, usize)) {
        match (way, &self.names, &self.others) {
            (Way::Heads, ..) => self.heads.each(input, &mut found),
            (Way::Names, Some(names), _) => each_gated(input, names.bytes_max, |range, searched| {
                names.each(input, range, |start, shape| {
                    if start < searched {
                        found(start, shape);
                    }
                });
            }),
            // What they have in common is quickly seen to be nowhere.
            (Way::Others, _, Some(others)) if others.common.is_none_or(|byte| memchr(byte, input).is_some()) => {
                others.each(input, 0..input.len(), found);
            }
            _ => {}
        }
    }

    /// From where on, not before `from`, there may be one of which it takes more bytes behind the input to tell.
    pub(crate) fn unfinished(&self, way: Way, input: &[u8], from: usize) -> usize {
        let end = input.len();
        let longest = self.texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let last = from.max(end.saturating_sub(longest.saturating_sub(1)));
        let is_begun = |start: &usize| {
            let tail = input.get(*start..).unwrap_or_default();
            let first = self.texts.partition_point(|text| **text <= *tail);
            self.texts.get(first).is_some_and(|text| text.starts_with(tail))
        };
        let begun = (last..end).find(is_begun).unwrap_or(end);
        let Some(names) = self.names.as_ref().filter(|_| way == Way::Names) else { return begun };
        // The end of a name may still come.
        let (mut unfinished, near) = (begun, from.max(end.saturating_sub(NAME_BYTES_MAX)));
        names.each(input, near..end, |start, _| {
            let rest = input.get(start..).unwrap_or_default();
            let [gate, other] = GATES;
            if start < unfinished && memchr2(gate, other, rest).is_none() {
                unfinished = start;
            }
        });
        unfinished
    }
}

/// Calls `search` with what is before the bytes that end names, and with where that ends, as literals that begin behind it are too far from the
/// next. What is not apart is searched as one.
#[inline]
fn each_gated(input: &[u8], literal_bytes_max: usize, mut search: impl FnMut(Range<usize>, usize)) {
    let [gate, other] = GATES;
    let mut open: Option<Range<usize>> = None;
    let whole = |begins: &Range<usize>| begins.start..begins.end.saturating_add(literal_bytes_max).min(input.len());
    for place in memchr2_iter(gate, other, input) {
        let from = place.saturating_sub(NAME_BYTES_MAX);
        // A literal may have the byte in it, and begin with it.
        let to = place.saturating_add(1);
        match &mut open {
            Some(open) if from <= open.end => open.end = to,
            _ => {
                if let Some(before) = open.replace(from..to) {
                    search(whole(&before), before.end);
                }
            }
        }
    }
    if let Some(last) = open {
        search(whole(&last), last.end);
    }
}

/// Literals that begin words, or in which a word begins.
struct Heads {
    /// A bit for each key that there is, by its hash: nearly all words are told by this to begin with none.
    bits: Box<[u64; BITS_WORDS]>,
    /// By their keys.
    literals: Vec<Head>,
}

struct Head {
    /// The first bytes of its first word.
    key: u32,
    text: Box<[u8]>,
    /// The bytes before that word.
    before: usize,
    shape: usize,
}

impl Default for Heads {
    fn default() -> Self {
        Self { bits: Box::new([0; BITS_WORDS]), literals: Vec::new() }
    }
}

impl Heads {
    /// Takes a literal, unless it can't be found like this.
    fn take(&mut self, literal: &Literal<'_>) -> bool {
        let text = literal.text.as_bytes();
        let Some(before) = text.iter().position(|byte| is_word(*byte)) else { return false };
        let Some(key) = key_at(text, before) else { return false };
        let (place, bit) = bit_of(key);
        if let Some(bits) = self.bits.get_mut(place) {
            *bits |= bit;
        }
        self.literals.push(Head { key, text: text.into(), before, shape: literal.shape });
        true
    }

    #[inline]
    fn each(&self, input: &[u8], found: &mut impl FnMut(usize, usize)) {
        if self.literals.is_empty() {
            return;
        }
        each_long_word(input, |word| {
            let Some(key) = key_at(input, word) else { return };
            let (place, bit) = bit_of(key);
            if self.bits.get(place).is_some_and(|bits| bits & bit != 0) {
                self.at(input, word, key, found);
            }
        });
    }

    /// The first that is here: of two that begin alike it is the shorter.
    fn at(&self, input: &[u8], word: usize, key: u32, found: &mut impl FnMut(usize, usize)) {
        let first = self.literals.partition_point(|head| head.key < key);
        let alike = self.literals.iter().skip(first).take_while(|head| head.key == key);
        let begin = |head: &Head| {
            let start = word.checked_sub(head.before)?;
            input.get(start..)?.starts_with(&head.text).then_some((start, head.shape))
        };
        let mut last = None;
        for (start, shape) in alike.filter_map(begin) {
            if last.replace(start) != Some(start) {
                found(start, shape);
            }
        }
    }
}

#[inline]
fn key_at(text: &[u8], at: usize) -> Option<u32> {
    let rest = text.get(at..)?;
    // One more is read where there is one, as that is one step.
    let bytes = match rest.first_chunk::<4>() {
        Some(bytes) => *bytes,
        None => {
            let [one, two, three] = *rest.first_chunk::<KEY_BYTES>()?;
            [one, two, three, 0]
        }
    };
    Some(u32::from_le_bytes(bytes) & 0x00FF_FFFF)
}

/// Where the bit of a key is.
#[inline]
fn bit_of(key: u32) -> (usize, u64) {
    let hash = key.wrapping_mul(0x9E37_79B1) >> 17;
    (usize::try_from(hash >> 6).unwrap_or(0) & (BITS_WORDS - 1), 1 << (hash & 63))
}

/// Finds literals wherever they begin.
struct Searcher {
    find: Find,
    /// The shape of each.
    shapes: Vec<usize>,
    /// The longest.
    bytes_max: usize,
    /// A byte that all have.
    common: Option<u8>,
}

enum Find {
    /// By vectors.
    Packed(packed::Searcher),
    /// Without: on machines that have none, and for many literals.
    Automaton(AhoCorasick),
}

impl Searcher {
    fn new(mut literals: Vec<Literal<'_>>) -> Result<Option<Self>, String> {
        // Of two that begin alike the shorter is enough.
        literals.sort_by_key(|literal| literal.text);
        literals.dedup_by(|longer, shorter| {
            let is_enough = longer.text.starts_with(shorter.text);
            // A name may begin where what has none may not.
            if is_enough && shorter.behind.is_none() && longer.behind.is_some() {
                *shorter = Literal { text: shorter.text, ..*longer };
            }
            is_enough
        });
        let Some(first) = literals.first() else { return Ok(None) };
        let has = |byte: &u8| literals.iter().all(|literal| literal.text.as_bytes().contains(byte));
        let common = first.text.bytes().filter(has).min();
        let bytes_max = literals.iter().map(|literal| literal.text.len()).max().unwrap_or(0);
        let shapes = literals.iter().map(|literal| literal.shape).collect();
        let texts = || literals.iter().map(|literal| literal.text);
        let packed = (literals.len() <= PACKED_MAX).then(|| packed::Config::new().builder().extend(texts()).build());
        let find = match packed.flatten() {
            Some(packed) => Find::Packed(packed),
            None => {
                let mut automaton = AhoCorasick::builder();
                let automaton = automaton.match_kind(MatchKind::LeftmostFirst).build(texts());
                Find::Automaton(automaton.map_err(|wrong| wrong.to_string())?)
            }
        };
        Ok(Some(Self { find, shapes, bytes_max, common }))
    }

    /// Calls `found` with each that is in this part of the input, also with those that begin inside another.
    #[inline]
    fn each(&self, input: &[u8], Range { mut start, end }: Range<usize>, mut found: impl FnMut(usize, usize)) {
        loop {
            let literal = match &self.find {
                Find::Packed(searcher) => searcher.find_in(input, (start..end).into()),
                Find::Automaton(automaton) => automaton.find(Input::new(input).range(start..end)),
            };
            let Some(literal) = literal else { return };
            found(literal.start(), self.shapes.get(literal.pattern().as_usize()).copied().unwrap_or(0));
            start = literal.start().saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::blocks::BLOCK;

    const LITERALS: [Literal<'static>; 8] = [
        Literal { text: "sk-", shape: 0, behind: None, bytes_min: 0, unbroken: true },
        Literal { text: "sk-a", shape: 1, behind: None, bytes_min: 0, unbroken: true },
        Literal { text: "--BEG", shape: 2, behind: None, bytes_min: 0, unbroken: true },
        Literal { text: "eyJ", shape: 3, behind: None, bytes_min: 0, unbroken: true },
        Literal { text: "---", shape: 4, behind: None, bytes_min: 0, unbroken: true },
        Literal { text: "pwd", shape: 5, behind: Some(b"="), bytes_min: 0, unbroken: true },
        Literal { text: "ey=", shape: 6, behind: Some(b"=:"), bytes_min: 0, unbroken: true },
        Literal { text: "er ", shape: 7, behind: Some(b" "), bytes_min: 0, unbroken: true },
    ];

    fn found(input: &[u8]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        let literals = Literals::new(&LITERALS).unwrap();
        Way::ALL.into_iter().for_each(|way| literals.each_of(way, input, |start, shape| all.push((start, shape))));
        all.sort_unstable();
        all
    }

    /// What has to be told: at each place, but where a word that is no name has begun before; and of a name only what its end is not far from.
    fn plainly(input: &[u8]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        for start in 0..input.len() {
            for literal in LITERALS.iter().filter(|literal| input[start..].starts_with(literal.text.as_bytes())) {
                let Literal { text, shape, behind, .. } = *literal;
                let is_named = behind.is_some();
                let begins_word = !is_word(input[start]) || start == 0 || !is_word(input[start - 1]);
                // Of one that begins a word: a blank so near that nothing is of its shape.
                let is_short = text.bytes().position(is_word).is_some_and(|before| {
                    let word = start + before;
                    input[word..(word + HEAD_BYTES).min((word / BLOCK + 1) * BLOCK).min(input.len())].contains(&b' ')
                });
                let has_end = !is_named
                    || behind == Some(b" ")
                    || input[start..].iter().take(NAME_BYTES_MAX + 1).any(|byte| GATES.contains(byte));
                if (is_named || begins_word && !is_short) && has_end && text != "sk-a" {
                    all.push((start, shape));
                }
            }
        }
        all
    }

    #[test]
    fn literals_are_found_where_they_can_begin() {
        assert_eq!(found(b"sk-abcde risk-abcde -sk-"), [(0, 0), (21, 0)]);
        assert_eq!(found(b"sk-abcd sk-a b"), [], "too short for any");
        assert_eq!(found(b"-----BEG"), [(0, 4), (1, 4), (2, 4), (3, 2)]);
        assert_eq!(found(b"bearer x, xpwd=a, ey=a"), [(4, 7), (11, 5), (18, 6)]);
        assert_eq!(found(b"pwd pwd"), []);
    }

    proptest! {
        #[test]
        fn none_is_missed(
            pieces in proptest::collection::vec(
                prop_oneof!["sk-a?", "sk-[a-z]{5,9}", "eyJ[a-z]{5}", "-{1,4}BEG", "-", "eyJ", "pwd", "ey=", "er ", "=", ":", "[a-z ]{1,80}", "_"], 0..12
            ),
        ) {
            let input = pieces.concat();
            prop_assert_eq!(found(input.as_bytes()), plainly(input.as_bytes()));
        }
    }

    #[test]
    fn many_literals_are_found_without_vectors() {
        let texts: Vec<_> = (0..100).map(|number| format!("name{number:02}x")).collect();
        let literals: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(shape, text)| Literal { text, shape, behind: Some(b"="), bytes_min: 0, unbroken: true })
            .collect();
        let mut all = Vec::new();
        let literals = Literals::new(&literals).unwrap();
        literals.each_of(Way::Names, b"name42x=1 name99x=1", |start, shape| all.push((start, shape)));
        assert_eq!(all, [(0, 42), (10, 99)]);
    }
}
