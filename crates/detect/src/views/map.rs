//! Where decoded bytes were before.

use std::collections::VecDeque;

/// So many times the same: `len` decoded bytes stand for `of` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// Where the decoded bytes are.
    at: usize,
    /// Where the others are.
    from: usize,
    len: usize,
    of: usize,
    count: usize,
}

/// For decoded bytes, in order, the bytes that they stand for. What stands for several bytes is never split.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    runs: VecDeque<Run>,
    /// Where the next decoded byte will be.
    at: usize,
    /// Where the next one is that it stands for.
    from: usize,
}

impl Map {
    /// Up to this place all is as it was.
    pub(crate) fn begin(&mut self, at: usize) {
        self.runs.clear();
        (self.at, self.from) = (0, 0);
        self.push(1, 1, at);
    }

    /// `count` times, `len` decoded bytes stand for `of` bytes.
    pub(crate) fn push(&mut self, len: usize, of: usize, count: usize) {
        if count == 0 {
            return;
        }
        let run = Run { at: self.at, from: self.from, len, of, count };
        match self.runs.back_mut() {
            Some(last) if (last.len, last.of) == (len, of) => last.count = last.count.saturating_add(count),
            _ => self.runs.push_back(run),
        }
        self.at = run.ends().0;
        self.from = run.ends().1;
    }

    /// Where the byte was that is now at this place; behind all of them, how far they have been decoded.
    pub(crate) fn start(&self, place: usize) -> usize {
        match self.run(place) {
            Some(run) => run.from.saturating_add(run.index(place).saturating_mul(run.of)),
            None => self.from,
        }
    }

    /// Where the bytes ended that now end before this place.
    pub(crate) fn end(&self, place: usize) -> usize {
        let Some(last) = place.checked_sub(1) else { return self.start(0) };
        match self.run(last) {
            Some(run) => {
                run.from.saturating_add(run.index(last).saturating_add(1).saturating_mul(run.of)).min(run.ends().1)
            }
            None => self.from,
        }
    }

    /// The run that a decoded byte is in.
    fn run(&self, place: usize) -> Option<&Run> {
        let next = self.runs.partition_point(|run| run.ends().0 <= place);
        self.runs.get(next)
    }

    /// Nobody will ask for what was before this place. Returns where what is kept begins, of the decoded.
    pub(crate) fn forget(&mut self, before: usize) -> usize {
        while self.runs.len() > 1 && self.runs.front().is_some_and(|run| run.ends().1 < before) {
            self.runs.pop_front();
        }
        self.runs.front().map_or(self.at, |run| {
            let units = before.saturating_sub(run.from).checked_div(run.of).unwrap_or(0);
            run.at.saturating_add(units.min(run.count).saturating_mul(run.len))
        })
    }
}

impl Run {
    /// Where it ends: of the decoded, and of what they stand for.
    fn ends(&self) -> (usize, usize) {
        let end = |from: usize, each: usize| from.saturating_add(each.saturating_mul(self.count));
        (end(self.at, self.len), end(self.from, self.of))
    }

    /// Which of the same a decoded byte is in.
    fn index(&self, place: usize) -> usize {
        place.saturating_sub(self.at).checked_div(self.len).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_covers_all_that_it_stands_for() {
        let mut map = Map::default();
        map.begin(2);
        map.push(1, 6, 1); // an escape of six bytes
        map.push(0, 3, 1); // three that are not seen
        map.push(3, 4, 2); // base64
        map.push(1, 1, 4);
        let spans = [(0, 2, 0..2), (2, 3, 2..8), (1, 4, 1..15), (3, 4, 11..15), (5, 7, 11..19), (9, 13, 19..23)];
        for (start, end, raw) in spans {
            assert_eq!(map.start(start)..map.end(end), raw, "{start}..{end}");
        }
        assert_eq!((map.start(13), map.start(99)), (23, 23));
        assert_eq!(map.forget(12), 3);
        assert_eq!(map.start(3)..map.end(13), 11..23);
    }
}
