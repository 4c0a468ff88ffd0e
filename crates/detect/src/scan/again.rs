//! How often the same bytes are read, of what begins with literals.
//!
//! Such a text may be of any length, and another may begin in the midst of it: `password=password=password=`. To read each to its end would take
//! time that grows with the square of the length. So it is counted how many bytes are read that have been read before.

/// How many bytes may be read again for each byte of a stretch that is read at all.
const AGAIN_TIMES: usize = 8;
/// How many besides.
const AGAIN_BYTES: usize = 4096;

/// How far bytes were read, and how many of them again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Again {
    /// Where the stretch begins in which one text reaches into the other, and where it ends.
    begin: usize,
    end: usize,
    again: usize,
    /// What is before this was taken.
    taken: usize,
    last: usize,
}

/// Whether something may be read that begins at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// It may.
    Begin,
    /// No more. What reaches from there to this place is to be taken for what it begins like.
    Take(usize),
    /// No more, and it is part of what was taken.
    Not,
}

impl Again {
    /// Whether what begins here may be read.
    pub fn may_begin(&mut self, start: usize) -> May {
        if start < self.last {
            // Others are looked for, from the beginning on.
            *self = Self::default();
        }
        self.last = start;
        if start >= self.end {
            (self.begin, self.again) = (start, 0);
            return May::Begin;
        }
        if start < self.taken {
            return May::Not;
        }
        let passed = start.saturating_sub(self.begin);
        if self.again <= passed.saturating_mul(AGAIN_TIMES).saturating_add(AGAIN_BYTES) {
            return May::Begin;
        }
        self.taken = self.end;
        May::Take(self.end)
    }

    /// It was taken to there, whatever else begins in it.
    pub fn has_taken(&mut self, end: usize) {
        (self.taken, self.end) = (self.taken.max(end), self.end.max(end));
    }

    /// It was read from here to there.
    pub fn has_read(&mut self, start: usize, end: usize) {
        self.again = self.again.saturating_add(self.end.min(end).saturating_sub(start));
        self.end = self.end.max(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_apart_is_always_read() {
        let mut again = Again::default();
        for start in (0..100_000).step_by(5000) {
            assert_eq!(again.may_begin(start), May::Begin);
            again.has_read(start, start + 5000);
        }
    }

    #[test]
    fn what_is_in_the_midst_is_read_until_that_has_cost_too_much() {
        let (mut again, mut read) = (Again::default(), 0);
        let mut may = May::Begin;
        for start in (0..1_000_000).step_by(10) {
            may = again.may_begin(start);
            if may != May::Begin {
                assert!(start > 10, "a single one in the midst is read");
                assert_eq!((may, again.may_begin(start + 10)), (May::Take(1_000_000), May::Not));
                break;
            }
            again.has_read(start, 1_000_000);
            read += 1_000_000 - start;
        }
        assert_ne!(may, May::Begin);
        assert!(read <= 3_000_000, "{read}");
        assert_eq!(again.may_begin(1_000_000), May::Begin);
        assert_eq!(again.may_begin(0), May::Begin, "from the beginning on");
    }
}
