//! Bytes that come in parts, as far as they must be kept, and how far they have been looked at.

use crate::detector::Place;
use crate::part::{CONTEXT_BYTES, Reached};
use crate::scan::{Finding, Scanner};

/// So much must be no longer needed before it is given back: moving the rest costs, too.
const FORGET_BYTES_MIN: usize = 4096;
/// What is held is looked at again when so much of it has been added: one part in four. So tiny parts cost no more than five looks at
/// each byte.
const AGAIN_PART: usize = 4;

/// Bytes that come in parts. Places in them are counted from the first one that ever came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    bytes: Vec<u8>,
    /// How many are no longer kept.
    gone: usize,
    reached: Reached,
    /// From here on it can't be told yet what begins.
    held: usize,
    /// It is not worth to look again before there are as many.
    again: usize,
}

impl Lane {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Where the next bytes will be.
    pub(crate) fn end(&self) -> usize {
        self.gone.saturating_add(self.bytes.len())
    }

    /// Up to where all that begins is found.
    pub(crate) fn told(&self) -> usize {
        self.held
    }

    /// The bytes from a place on to another one; none if they are not kept.
    pub(crate) fn bytes(&self, from: usize, to: usize) -> &[u8] {
        self.bytes.get(from.saturating_sub(self.gone)..to.saturating_sub(self.gone)).unwrap_or_default()
    }

    /// Looks at what has come. `more` says whether more will.
    pub(crate) fn look(
        &mut self,
        scanner: &mut Scanner<'_>,
        within: Option<&Place>,
        more: bool,
        mut found: impl FnMut(Finding),
    ) {
        let end = self.end();
        if more && end < self.again {
            return;
        }
        let held = scanner.part(&self.bytes, within, &mut self.reached, more);
        for finding in &scanner.found {
            let [start, end] = [finding.start, finding.end].map(|place| place.saturating_add(self.gone));
            found(Finding { start, end, ..*finding });
        }
        self.held = self.gone.saturating_add(held);
        self.again = end.saturating_add((end.saturating_sub(self.held) / AGAIN_PART).max(1));
    }

    /// Gives back what is needed neither to look on nor by anybody who asks for bytes from this place on.
    pub(crate) fn forget(&mut self, needed: usize) {
        let from = self.held.saturating_sub(CONTEXT_BYTES).min(needed);
        let gone = from.saturating_sub(self.gone).min(self.bytes.len());
        if gone < FORGET_BYTES_MIN.max(self.bytes.len() / 2) {
            return;
        }
        self.bytes.drain(..gone);
        self.gone = self.gone.saturating_add(gone);
        self.reached.forget(gone);
    }

    /// Begins with other bytes, in the same memory.
    pub(crate) fn clear(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        *self = Self { bytes, ..Self::default() };
    }

    /// Goes on from where another one is, in the same memory.
    pub(crate) fn follow(&mut self, other: &Self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        bytes.extend_from_slice(&other.bytes);
        let Self { gone, reached, held, again, .. } = *other;
        *self = Self { bytes, gone, reached, held, again };
    }
}
