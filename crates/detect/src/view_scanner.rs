//! Looks for all kinds in bytes and in what they stand for.

use crate::detector::{Detector, Place};
use crate::scan::{Finding, Scanner};
use crate::signs::Signs;
use crate::stream::Stream;
use crate::views::View;

/// Looks for what a detector knows in bytes, and in what they stand for ([`View`]). Where they stand for nothing else it is a
/// [`Scanner`], and costs as much.
///
/// What is found is where the bytes are that stand for it, and never ends within an escape. The views are undone one upon the other,
/// in one order: all of it from UTF-16 or base64, then JSON, percent, and once more both, then `+` and characters. So it looks at
/// each byte a fixed number of times.
#[derive(Debug)]
pub struct ViewScanner<'d> {
    scanner: Scanner<'d>,
    stream: Stream<'d>,
    found: Vec<Finding>,
}

impl<'d> ViewScanner<'d> {
    /// One that looks for these.
    pub fn new(detector: &'d Detector) -> Self {
        Self { scanner: Scanner::new(detector), stream: Stream::with_views(detector), found: Vec::new() }
    }

    /// What is in these bytes, in order; `within` is where they are, if that has a name.
    pub fn scan(&mut self, input: &[u8], within: Option<&Place>) -> &[Finding] {
        let signs = Signs::of(input);
        if !View::is_thinkable(input, signs) {
            return self.scanner.scan_with(input, within, signs);
        }
        self.found.clear();
        self.stream.feed(input, true, within, &mut self.found);
        &self.found
    }
}

#[cfg(test)]
mod tests;
