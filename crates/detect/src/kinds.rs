//! Kinds by number, and sets of them.

/// A kind of what is found, by its number in its [`Detector`](crate::Detector).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(pub u16);

/// A set of kinds: a bit for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds(Box<[u64]>);

impl Kinds {
    /// None of so many.
    pub fn of(kinds: usize) -> Self {
        Self(vec![0; kinds.div_ceil(64)].into_boxed_slice())
    }

    #[inline]
    pub fn has(&self, kind: KindId) -> bool {
        let (place, bit) = bit_of(kind);
        self.0.get(place).is_some_and(|bits| bits & bit != 0)
    }

    pub fn add(&mut self, kind: KindId) {
        let (place, bit) = bit_of(kind);
        if let Some(bits) = self.0.get_mut(place) {
            *bits |= bit;
        }
    }

    pub fn remove(&mut self, kind: KindId) {
        let (place, bit) = bit_of(kind);
        if let Some(bits) = self.0.get_mut(place) {
            *bits &= !bit;
        }
    }

    pub fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Adds those of another set.
    pub fn join(&mut self, other: &Self) {
        for (bits, others) in self.0.iter_mut().zip(&other.0) {
            *bits |= others;
        }
    }

    /// Takes away those of another set.
    pub fn leave(&mut self, other: &Self) {
        for (bits, others) in self.0.iter_mut().zip(&other.0) {
            *bits &= !others;
        }
    }

    /// Whether one is in both.
    pub fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(bits, others)| bits & others != 0)
    }
}

/// Where the bit of a kind is.
#[inline]
fn bit_of(KindId(kind): KindId) -> (usize, u64) {
    (usize::from(kind >> 6), 1 << (kind & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_added() {
        let (mut one, mut other) = (Kinds::of(130), Kinds::of(130));
        one.add(KindId(3));
        one.add(KindId(129));
        other.add(KindId(64));
        assert!(one.has(KindId(3)) && one.has(KindId(129)) && !one.has(KindId(64)) && !one.has(KindId(999)));
        assert!(!one.has(KindId(35)) && !one.has(KindId(67)));
        assert!(!one.meets(&other));
        other.join(&one);
        assert!(other.meets(&one) && other.has(KindId(64)) && other.has(KindId(129)));
        other.leave(&one);
        assert!(!other.has(KindId(3)) && other.has(KindId(64)));
        other.remove(KindId(64));
        assert_eq!(other, Kinds::of(130));
        other.clear();
        assert_eq!(other, Kinds::of(130));
    }
}
