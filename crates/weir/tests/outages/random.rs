//! Chance that can be had again: what one seed found is found again.

/// xorshift.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below this one.
    pub fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() >> 11).unwrap() % most
    }

    /// One of these.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Yes, in so many of ten.
    pub fn often(&mut self, of_ten: usize) -> bool {
        self.below(10) < of_ten
    }
}
