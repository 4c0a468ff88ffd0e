//! On which line a place is, and where on it.

use std::collections::VecDeque;

/// Lines and columns of a file that is read from its beginning.
#[derive(Debug)]
pub struct Places {
    /// Ends of lines that have been read and not been passed.
    ends: VecDeque<usize>,
    read: usize,
    line: u64,
    line_start: usize,
}

impl Places {
    /// Nothing is read yet.
    pub fn new() -> Self {
        Self { ends: VecDeque::new(), read: 0, line: 1, line_start: 0 }
    }

    /// These bytes come next.
    pub fn read(&mut self, bytes: &[u8]) {
        self.ends.extend(memchr::memchr_iter(b'\n', bytes).map(|end| self.read.saturating_add(end)));
        self.read = self.read.saturating_add(bytes.len());
    }

    /// Passes all before a place: what is asked for lies behind it.
    pub fn pass(&mut self, to: usize) {
        while let Some(end) = self.ends.pop_front_if(|end| *end < to) {
            self.line = self.line.saturating_add(1);
            self.line_start = end.saturating_add(1);
        }
    }

    /// The line of a place, and its byte on that line, both from 1.
    pub fn of(&mut self, place: usize) -> (u64, usize) {
        self.pass(place);
        (self.line, place.saturating_sub(self.line_start).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_their_bytes_are_counted_from_one() {
        let mut places = Places::new();
        places.read(b"ab\n\nc");
        assert_eq!([places.of(0), places.of(2), places.of(3)], [(1, 1), (1, 3), (2, 1)]);
        places.read(b"d\ne");
        assert_eq!([places.of(4), places.of(5), places.of(7)], [(3, 1), (3, 2), (4, 1)]);
        places.read(b"\n\n\n");
        places.pass(11);
        assert!(places.ends.is_empty(), "what is passed takes no memory");
    }
}
