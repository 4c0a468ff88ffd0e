//! A value that is too long to be held is looked at while it passes.

use detect::{Hidden, Sink, Stream};
use model::Sight;

use crate::watch::{Met, Watch};

/// Looks at one.
pub struct LongLook {
    stream: Stream<'static>,
    /// Whether what was told of last is hidden: more of it may come.
    hides: bool,
}

impl std::fmt::Debug for LongLook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LongLook({} bytes held)", self.stream.held())
    }
}

/// The next bytes of such a value.
#[derive(Clone, Copy, Debug)]
pub enum Passed<'a> {
    /// They are shown as they are.
    Shown(&'a [u8]),
    /// So many are not, and something of the same length has to stand in their place. The bytes, if they are not too many.
    Hidden(usize, Option<&'a [u8]>),
}

impl LongLook {
    pub(crate) fn new(stream: Stream<'static>) -> Self {
        Self { stream, hides: false }
    }

    /// Takes the next bytes of a value of this field, and tells of all that can be told, in order.
    pub fn feed(
        &mut self,
        watch: &Watch,
        at: usize,
        (bytes, last): (&[u8], bool),
        met: &mut Met,
        each: &mut dyn FnMut(Passed<'_>),
    ) {
        let Self { stream, hides } = self;
        let place = watch.place(at);
        stream.feed(bytes, last, place, &mut Telling { watch, at, met, hides, each });
    }
}

struct Telling<'a> {
    watch: &'a Watch,
    at: usize,
    met: &'a mut Met,
    hides: &'a mut bool,
    each: &'a mut dyn FnMut(Passed<'_>),
}

impl Sink for Telling<'_> {
    fn pass(&mut self, bytes: &[u8]) {
        *self.hides = false;
        (self.each)(Passed::Shown(bytes));
    }

    fn hide(&mut self, hidden: &Hidden<'_>) {
        let mut hides = hidden.is_rest && *self.hides;
        for finding in hidden.findings {
            hides |= self.watch.sight_of(self.at, finding.kind, self.met) != Sight::Clear;
        }
        // What is not there can't be shown.
        *self.hides = hides || hidden.text.is_none();
        (self.each)(match hidden.text {
            Some(text) if !*self.hides => Passed::Shown(text),
            text => Passed::Hidden(hidden.end.saturating_sub(hidden.start), text),
        });
    }
}
