//! Looks for all kinds in bytes that come in parts, and says as early as it can which bytes are safe to pass on.
//!
//! What is found, and what is passed on, does not depend on the parts: it is what [`crate::Scanner::scan`] finds in the whole. So bytes are
//! held back as long as something may begin in them that only the next ones decide: mostly a word, at most
//! [`HELD_BYTES_MAX`]. It never forgets that something was found, and takes memory for what it holds, not for what has come.

use crate::chain::Views;
use crate::detector::{Detector, Place};
use crate::lane::Lane;
use crate::scan::{Finding, Scanner, resolve};
use crate::shapes::SHAPE_BYTES_MAX;

/// What is hidden is given with its text up to this length. Findings are shorter, but those that overlap are hidden as one.
pub const HIDDEN_BYTES_MAX: usize = 2 * SHAPE_BYTES_MAX;
/// The most that is held back: what is hidden as one, and what may go on behind it.
pub const HELD_BYTES_MAX: usize = HIDDEN_BYTES_MAX + SHAPE_BYTES_MAX + SHAPE_BYTES_MAX / 2;
/// So much is looked at together.
const PIECE_BYTES: usize = 64 * 1024;

/// Takes what a [`Stream`] gives, in the order of the bytes.
pub trait Sink {
    /// Bytes in which nothing was found.
    fn pass(&mut self, bytes: &[u8]);

    /// Bytes in which something was.
    fn hide(&mut self, hidden: &Hidden<'_>);
}

/// Bytes in which something was found: one finding, or several that overlap.
#[derive(Clone, Copy, Debug)]
pub struct Hidden<'a> {
    /// Where they begin, counted from the first byte of all.
    pub start: usize,
    /// Where they end.
    pub end: usize,
    /// The bytes; none if they are more than [`HIDDEN_BYTES_MAX`].
    pub text: Option<&'a [u8]>,
    /// What was found in them, in order.
    pub findings: &'a [Finding],
    /// Whether they go on with what was hidden just before, and nothing has to stand for them. Only what is long comes so.
    pub is_rest: bool,
}

/// Who only wants to know what there is.
impl Sink for Vec<Finding> {
    fn pass(&mut self, _: &[u8]) {}

    fn hide(&mut self, hidden: &Hidden<'_>) {
        self.extend_from_slice(hidden.findings);
    }
}

/// Looks for what a detector knows in bytes that come in parts.
#[derive(Debug)]
pub struct Stream<'d> {
    scanner: Scanner<'d>,
    raw: Lane,
    views: Option<Box<Views>>,
    /// Up to here the bytes have been given out.
    out: usize,
    /// What is hidden and too long to be held: where it ends, as far as it is known.
    long: Option<usize>,
    /// What was found in what is held.
    found: Vec<Finding>,
}

impl<'d> Stream<'d> {
    /// One that looks at the bytes as they are.
    pub fn new(detector: &'d Detector) -> Self {
        let (raw, views) = (Lane::default(), None);
        Self { scanner: Scanner::new(detector), raw, views, out: 0, long: None, found: Vec::new() }
    }

    /// One that looks also at what the bytes stand for ([`crate::View`]).
    pub fn with_views(detector: &'d Detector) -> Self {
        let mut views = Views::new();
        views.clear();
        Self { views: Some(Box::new(views)), ..Self::new(detector) }
    }

    /// Takes the next bytes, and gives the sink all that can be told. With the `last` ones that is all there is, and the next ones begin
    /// anew. `within` is where they are, if that has a name: the same for all of them.
    pub fn feed(&mut self, mut bytes: &[u8], last: bool, within: Option<&Place>, sink: &mut impl Sink) {
        if let Some(views) = &mut self.views
            && let Some(head) = views.begin(&mut bytes, !last)
        {
            self.piece(&head, !last || !bytes.is_empty(), within, sink);
        }
        if self.views.as_ref().is_some_and(|views| !views.has_begun()) {
            return;
        }
        loop {
            let (piece, rest) = bytes.split_at_checked(PIECE_BYTES).unwrap_or((bytes, &[]));
            let more = !last || !rest.is_empty();
            if !piece.is_empty() || !more {
                self.piece(piece, more, within, sink);
            }
            bytes = rest;
            if bytes.is_empty() {
                break;
            }
        }
        if last {
            self.clear();
        }
    }

    /// How many bytes it holds back.
    pub fn held(&self) -> usize {
        self.raw.end().saturating_sub(self.out)
    }

    /// Forgets all that came, and begins anew.
    pub fn clear(&mut self) {
        self.raw.clear();
        if let Some(views) = &mut self.views {
            views.clear();
        }
        (self.out, self.long) = (0, None);
        self.found.clear();
    }

    fn piece(&mut self, piece: &[u8], more: bool, within: Option<&Place>, sink: &mut impl Sink) {
        if let Some(views) = &mut self.views {
            views.take(piece, more, &self.raw);
        }
        self.raw.add(piece);
        let found = &mut self.found;
        self.raw.look(&mut self.scanner, within, more, |finding| found.push(finding));
        let mut told = self.raw.told();
        if let Some(views) = &mut self.views {
            views.look(&mut self.scanner, within, |finding| found.push(finding));
            told = told.min(views.told());
        }
        resolve(&mut self.found);
        self.give(if more { told } else { self.raw.end() }, sink);
        self.raw.forget(self.out);
        if let Some(views) = &mut self.views {
            views.forget(self.out);
        }
    }

    /// Gives out all before this place, but for what is hidden and goes on behind it.
    fn give(&mut self, told: usize, sink: &mut impl Sink) {
        let mut given = 0;
        loop {
            let found = self.found.get(given..).unwrap_or_default();
            let first = found.first().map(|first| (first.start.max(self.out), first.end, false));
            let known = self.long.map(|end| (self.out, end, true)).or(first);
            let Some((start, end, is_rest)) = known.filter(|(start, _, is_rest)| *is_rest || *start < told) else {
                self.pass(told, sink);
                break;
            };
            let (count, end) = together(found, end);
            let is_long = is_rest || end.saturating_sub(start) > HIDDEN_BYTES_MAX;
            self.pass(start, sink);
            if told < end && !is_long {
                break;
            }
            // What is long is given as far as nothing that begins before can be missing.
            let until = end.min(told).max(start);
            let found = self.found.get(given..).unwrap_or_default();
            let count = found.iter().take(count).take_while(|finding| finding.start < until).count();
            let findings = found.get(..count).unwrap_or_default();
            let text = (!is_long).then(|| self.raw.bytes(start, until));
            if !is_rest || until > start {
                sink.hide(&Hidden { start, end: until, text, findings, is_rest });
            }
            self.out = until;
            given = given.saturating_add(count);
            self.long = (until < end).then_some(end);
            if self.long.is_some() {
                break;
            }
        }
        self.found.drain(..given);
    }

    fn pass(&mut self, to: usize, sink: &mut impl Sink) {
        if to > self.out {
            sink.pass(self.raw.bytes(self.out, to));
            self.out = to;
        }
    }
}

/// How many of the findings overlap with what ends there and with one another, and where the last of them ends.
fn together(found: &[Finding], mut end: usize) -> (usize, usize) {
    let mut count = 0_usize;
    for finding in found {
        if finding.start >= end {
            break;
        }
        end = end.max(finding.end);
        count = count.saturating_add(1);
    }
    (count, end)
}

/// Writes bytes on with something in place of what was found.
#[derive(Debug)]
pub struct Redactor<'d, F> {
    stream: Stream<'d>,
    replace: F,
}

impl<'d, F: FnMut(&Hidden<'_>, &mut Vec<u8>)> Redactor<'d, F> {
    /// One that writes what `replace` does in place of what is hidden. It is asked once for each, also where that is long.
    pub fn new(stream: Stream<'d>, replace: F) -> Self {
        Self { stream, replace }
    }

    /// Takes the next bytes and writes all that can be told; see [`Stream::feed`].
    pub fn feed(&mut self, bytes: &[u8], last: bool, within: Option<&Place>, to: &mut Vec<u8>) {
        self.stream.feed(bytes, last, within, &mut Replaced { to, replace: &mut self.replace });
    }

    /// How many bytes it holds back.
    pub fn held(&self) -> usize {
        self.stream.held()
    }
}

struct Replaced<'a, F> {
    to: &'a mut Vec<u8>,
    replace: &'a mut F,
}

impl<F: FnMut(&Hidden<'_>, &mut Vec<u8>)> Sink for Replaced<'_, F> {
    fn pass(&mut self, bytes: &[u8]) {
        self.to.extend_from_slice(bytes);
    }

    fn hide(&mut self, hidden: &Hidden<'_>) {
        if !hidden.is_rest {
            (self.replace)(hidden, self.to);
        }
    }
}

#[cfg(test)]
mod tests;
