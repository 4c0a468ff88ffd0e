//! Of what a value is made.

use std::sync::Arc;

use crate::shape::Shaped;

/// A place whose values matter, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(pub u32);

/// A set of sources. Empty, it takes no memory beside itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(Vec<u64>);

/// Of what a value is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Of nothing that matters.
    #[default]
    Free,
    /// It is a value of this source, unaltered.
    Copy(Source),
    /// It holds values of which each is where it is known to be. Never of nothing that matters.
    Shaped(Arc<Shaped>),
    /// Of some of these, in some way. Never of none.
    Made(Sources),
    /// Of what code makes of these that can't be followed, and of whatever it reads itself.
    Code(Sources),
    /// Nobody can tell: of anything that the statement touches.
    Unknown,
}

impl Sources {
    /// The set of this one.
    pub fn one(source: Source) -> Self {
        let mut sources = Self::default();
        sources.insert(source);
        sources
    }

    /// Puts one in.
    pub fn insert(&mut self, source: Source) {
        let (word, bit) = place(source);
        if self.0.len() <= word {
            self.0.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    /// Puts all of them in.
    pub fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(word, more)| *word |= more);
    }

    /// Whether it is in.
    pub fn contains(&self, source: Source) -> bool {
        let (word, bit) = place(source);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Whether there is none. No set that something was put in becomes empty again.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Source> {
        (0_u32..).zip(&self.0).flat_map(|(word, bits)| {
            (0..u64::BITS)
                .filter(move |bit| bits & (1 << bit) != 0)
                .map(move |bit| Source(word.wrapping_mul(u64::BITS).wrapping_add(bit)))
        })
    }
}

fn place(source: Source) -> (usize, u64) {
    let word = usize::try_from(source.0 / u64::BITS).unwrap_or(usize::MAX);
    (word, 1 << (source.0 % u64::BITS))
}

impl Origin {
    /// Whether it is made of nothing that matters.
    pub fn is_free(&self) -> bool {
        *self == Self::Free
    }

    /// Of what something is that is computed of it.
    pub fn computed(self) -> Self {
        match self {
            Self::Copy(source) => Self::Made(Sources::one(source)),
            Self::Shaped(shaped) => Self::Made(shaped.sources().clone()),
            other => other,
        }
    }

    /// Of what something is that is computed of both.
    pub fn with(self, other: Self) -> Self {
        match (self.computed(), other.computed()) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Free, other) | (other, Self::Free) => other,
            (Self::Made(mut sources), Self::Made(more)) => {
                sources.add(&more);
                Self::Made(sources)
            }
            (Self::Code(mut sources), Self::Code(more) | Self::Made(more))
            | (Self::Made(mut sources), Self::Code(more)) => {
                sources.add(&more);
                Self::Code(sources)
            }
            // Nothing that is computed is a copy or has a shape.
            (Self::Copy(_) | Self::Shaped(_), _) | (_, Self::Copy(_) | Self::Shaped(_)) => Self::Unknown,
        }
    }

    /// Of what something is that is the one or the other. What is the same either way stays what it is; what may be a copy and
    /// may be something else is as good as computed, or the caller's own values would be shown as if they were the source's.
    pub fn or(self, other: Self) -> Self {
        if self == other { self } else { self.with(other) }
    }

    /// Adds what something is computed of.
    pub fn mix(&mut self, other: Self) {
        *self = std::mem::take(self).with(other);
    }

    /// The sources.
    pub fn sources(&self) -> Sources {
        match self {
            Self::Free | Self::Unknown => Sources::default(),
            Self::Copy(source) => Sources::one(*source),
            Self::Shaped(shaped) => shaped.sources().clone(),
            Self::Made(sources) | Self::Code(sources) => sources.clone(),
        }
    }
}

/// Of what something is that is computed of all of them.
impl FromIterator<Origin> for Origin {
    fn from_iter<T: IntoIterator<Item = Origin>>(parts: T) -> Self {
        parts.into_iter().fold(Self::Free, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(numbers: &[u32]) -> Origin {
        let mut sources = Sources::default();
        numbers.iter().for_each(|number| sources.insert(Source(*number)));
        Origin::Made(sources)
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let mut sources = Sources::one(Source(3));
        sources.add(&Sources::one(Source(200)));
        sources.insert(Source(64));
        assert_eq!(sources.iter().map(|source| source.0).collect::<Vec<_>>(), [3, 64, 200]);
        assert!(sources.contains(Source(200)) && !sources.contains(Source(201)) && !sources.contains(Source(9999)));
        assert!(Sources::default().is_empty() && !sources.is_empty());
        // Whatever came first.
        let mut other = Sources::one(Source(200));
        other.add(&Sources::one(Source(3)));
        other.insert(Source(64));
        assert_eq!(other, sources);
    }

    #[test]
    fn what_is_computed_is_no_copy_and_what_is_unknown_stays_so() {
        let copy = || Origin::Copy(Source(1));
        assert_eq!(Origin::Free.with(Origin::Free), Origin::Free);
        assert_eq!(copy().with(Origin::Free), made(&[1]));
        assert_eq!(copy().with(Origin::Copy(Source(2))), made(&[1, 2]));
        assert_eq!(Origin::Unknown.with(copy()), Origin::Unknown);
        let code = || Origin::Code(Sources::one(Source(9)));
        assert_eq!(Origin::Free.with(code()), code());
        assert_eq!(code().with(copy()).sources(), {
            let mut both = Sources::one(Source(9));
            both.insert(Source(1));
            both
        });
        assert!(matches!(copy().with(code()), Origin::Code(_)) && matches!(code().with(code()), Origin::Code(_)));
        assert_eq!(code().with(Origin::Unknown), Origin::Unknown);
        assert_eq!(Origin::Free.with(Origin::Unknown), Origin::Unknown);
        assert_eq!([copy(), Origin::Free, made(&[70])].into_iter().collect::<Origin>(), made(&[1, 70]));
    }

    #[test]
    fn one_of_two_is_a_copy_only_if_both_are_the_same() {
        let copy = || Origin::Copy(Source(1));
        assert_eq!(copy().or(copy()), copy());
        assert_eq!(copy().or(Origin::Free), made(&[1]));
        assert_eq!(Origin::Free.or(Origin::Free), Origin::Free);
        assert_eq!(copy().or(Origin::Unknown), Origin::Unknown);
    }
}
