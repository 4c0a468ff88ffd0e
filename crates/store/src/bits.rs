//! Sets of numbers below 65,536: which entries of a chunk have something in common.
//!
//! Two forms, of which the smaller one is kept: up to 4,095 numbers in order, two bytes each (little-endian), and
//! 8,192 bytes with a bit for each. Their length tells them apart.

/// Entries of a chunk.
pub(crate) const CHUNK: usize = 65_536;
/// Bytes of the form with a bit for each.
const BITS_BYTES: usize = CHUNK / 8;
/// From so many numbers on there is a bit for each.
const MANY: usize = BITS_BYTES / 2;
/// The bits, in words.
const WORDS: usize = CHUNK / 64;

/// The word that a number's bit is in, and the bit.
fn place(number: u16) -> (usize, u64) {
    (usize::from(number >> 6), 1 << (number & 63))
}

/// A set that grows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Set {
    /// In order.
    Few(Vec<u16>),
    /// A bit each.
    Many(Box<[u64]>),
}

impl Default for Set {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Set {
    /// Reads either form.
    pub fn read(blob: &[u8]) -> Self {
        match blob.len() {
            BITS_BYTES => Self::Many(words(blob).collect()),
            _ => Self::Few(numbers(blob).collect()),
        }
    }

    /// Takes a number in. Says whether it is new.
    pub fn insert(&mut self, number: u16) -> bool {
        match self {
            Self::Few(list) => {
                // Mostly they come in order.
                let at = match list.last() {
                    Some(last) if *last < number => list.len(),
                    Some(last) if *last == number => return false,
                    _ => match list.binary_search(&number) {
                        Ok(_) => return false,
                        Err(at) => at,
                    },
                };
                list.insert(at, number);
                if list.len() >= MANY {
                    let mut bits = vec![0; WORDS];
                    list.iter().for_each(|number| set(&mut bits, *number));
                    *self = Self::Many(bits.into());
                }
                true
            }
            Self::Many(bits) => {
                let (word, bit) = place(number);
                bits.get_mut(word).is_some_and(|word| {
                    let is_new = *word & bit == 0;
                    *word |= bit;
                    is_new
                })
            }
        }
    }

    /// Takes a number out.
    pub fn remove(&mut self, number: u16) {
        match self {
            Self::Few(list) => {
                if let Ok(at) = list.binary_search(&number) {
                    list.remove(at);
                }
            }
            Self::Many(bits) => {
                let (word, bit) = place(number);
                bits.iter_mut().skip(word).take(1).for_each(|word| *word &= !bit);
            }
        }
    }

    /// The form that is kept.
    pub fn write(&self) -> Vec<u8> {
        match self {
            Self::Few(list) => list.iter().flat_map(|number| number.to_le_bytes()).collect(),
            Self::Many(bits) => bits.iter().flat_map(|word| word.to_le_bytes()).collect(),
        }
    }
}

fn set(bits: &mut [u64], number: u16) {
    let (word, bit) = place(number);
    bits.iter_mut().skip(word).take(1).for_each(|word| *word |= bit);
}

fn words(blob: &[u8]) -> impl Iterator<Item = u64> {
    blob.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
}

fn numbers(blob: &[u8]) -> impl Iterator<Item = u16> {
    blob.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes))
}

/// A set in the making of an answer: always a bit each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bits(Box<[u64]>);

impl Bits {
    /// None.
    pub fn none() -> Self {
        Self(vec![0; WORDS].into())
    }

    /// All below `end`.
    pub fn below(end: usize) -> Self {
        let mut left = end;
        let mut bits = Self::none();
        for word in &mut bits.0 {
            *word = if left >= 64 { u64::MAX } else { (1_u64 << left).wrapping_sub(1) };
            left = left.saturating_sub(64);
        }
        bits
    }

    /// What is in a kept set.
    pub fn read(blob: &[u8]) -> Self {
        let mut bits = Self::none();
        bits.add(blob);
        bits
    }

    /// Takes in what is in a kept set.
    pub fn add(&mut self, blob: &[u8]) {
        match blob.len() {
            BITS_BYTES => self.0.iter_mut().zip(words(blob)).for_each(|(word, other)| *word |= other),
            _ => numbers(blob).for_each(|number| set(&mut self.0, number)),
        }
    }

    /// Takes in a number.
    pub fn insert(&mut self, number: u16) {
        set(&mut self.0, number);
    }

    /// Keeps what is in both.
    pub fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    /// Keeps what is not in the other.
    pub fn drop(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= !other);
    }

    /// Takes in what is in the other.
    pub fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        (0..=u16::MAX).step_by(64).zip(&self.0).flat_map(|(base, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = u16::try_from(left.trailing_zeros()).ok().filter(|bit| *bit < 64)?;
                left &= left.wrapping_sub(1);
                Some(base | bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 2000, ..ProptestConfig::default() })]
        #[test]
        fn a_set_is_a_set(
            steps in proptest::collection::vec((any::<u16>(), any::<bool>()), 0..6000),
            others in proptest::collection::vec(any::<u16>(), 0..6000),
            end in 0..=CHUNK,
        ) {
            let (mut set, mut plain) = (Set::default(), BTreeSet::new());
            for (number, is_in) in steps {
                if is_in || number % 4 > 0 {
                    prop_assert_eq!(set.insert(number), plain.insert(number));
                } else {
                    set.remove(number);
                    plain.remove(&number);
                }
            }
            let kept = set.write();
            prop_assert_eq!(Set::read(&kept), set);
            let bits = Bits::read(&kept);
            prop_assert_eq!(bits.iter().collect::<Vec<_>>(), plain.iter().copied().collect::<Vec<_>>());
            let mut other = Set::default();
            others.iter().for_each(|number| { other.insert(*number); });
            let (others, other): (BTreeSet<_>, _) = (others.into_iter().collect(), Bits::read(&other.write()));
            let check = |of: fn(&mut Bits, &Bits), expected: Vec<u16>| {
                let mut made = bits.clone();
                of(&mut made, &other);
                prop_assert_eq!(made.is_empty(), expected.is_empty());
                prop_assert_eq!(made.iter().collect::<Vec<_>>(), expected);
                Ok(())
            };
            check(Bits::keep, plain.intersection(&others).copied().collect())?;
            check(Bits::drop, plain.difference(&others).copied().collect())?;
            check(Bits::join, plain.union(&others).copied().collect())?;
            prop_assert_eq!(Bits::below(end).iter().count(), end);
        }
    }
}
