//! What bytes stand for, view upon view, while they come in parts.
//!
//! A view costs nothing before there is something that it would undo. Then it goes on from where the look into the bytes below it is, for up
//! to there both are the same; so what is found does not depend on the parts.

use crate::detector::Place;
use crate::lane::Lane;
use crate::scan::{Finding, Scanner};
use crate::views::{CHAIN, Decoded, Decoder, HEAD_BYTES, Map, View};

/// Views over bytes that come in parts: those of [`CHAIN`] over the bytes, and over what all of the bytes stand for.
#[derive(Debug)]
pub(crate) struct Views {
    /// The first bytes, before it is known whether all of them stand for others.
    head: Vec<u8>,
    is_begun: bool,
    levels: Vec<Level>,
}

/// Where in the levels that view is by which all of the bytes stand for others. The chain before it is over the bytes, the one behind it
/// over what it gives.
const WHOLE: usize = CHAIN.len();

/// One view.
#[derive(Debug)]
struct Level {
    decoder: Decoder,
    is_on: bool,
    /// Whether nothing more comes.
    has_ended: bool,
    lane: Lane,
    map: Map,
    /// What is below and could not be decoded yet.
    rest: Vec<u8>,
    /// What was decoded last.
    fresh: Vec<u8>,
}

impl Level {
    fn new(view: View) -> Self {
        Self {
            decoder: Decoder::new(view),
            is_on: false,
            has_ended: false,
            lane: Lane::default(),
            map: Map::default(),
            rest: Vec::new(),
            fresh: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.decoder = Decoder::new(self.decoder.view);
        (self.is_on, self.has_ended) = (false, false);
        self.lane.clear();
        self.map.begin(0);
        self.rest.clear();
        self.fresh.clear();
    }

    /// Decodes what came below. `lane` is the one below, as it was before.
    fn take(&mut self, bytes: &[u8], more: bool, lane: &Lane) {
        self.fresh.clear();
        if !self.is_on {
            if !self.decoder.is_wanted(bytes) {
                self.decoder.pass(bytes);
                return;
            }
            self.is_on = true;
            self.lane.follow(lane);
            self.map.begin(lane.end());
        }
        self.rest.extend_from_slice(bytes);
        let mut to = Decoded { bytes: &mut self.fresh, map: &mut self.map };
        let decoded = self.decoder.decode(&self.rest, more, &mut to);
        self.rest.drain(..decoded.min(self.rest.len()));
        self.has_ended = !more || self.decoder.is_done;
    }
}

impl Views {
    pub(crate) fn new() -> Self {
        let views = CHAIN.into_iter().chain([View::Base64]).chain(CHAIN);
        Self { head: Vec::new(), is_begun: false, levels: views.map(Level::new).collect() }
    }

    pub(crate) fn clear(&mut self) {
        self.head.clear();
        self.is_begun = false;
        self.levels.iter_mut().for_each(Level::clear);
    }

    /// Takes from what comes as much as it needs to know whether all of it stands for something else. Once it knows, it returns what it took,
    /// once.
    pub(crate) fn begin(&mut self, bytes: &mut &[u8], more: bool) -> Option<Vec<u8>> {
        if self.is_begun {
            return None;
        }
        let needed = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at_checked(needed)?;
        self.head.extend_from_slice(head);
        *bytes = rest;
        if self.head.len() < HEAD_BYTES && more {
            return None;
        }
        self.is_begun = true;
        if let Some(view) = View::of_whole(&self.head)
            && let Some(level) = self.levels.get_mut(WHOLE)
        {
            level.decoder = Decoder::new(view);
            level.is_on = true;
        }
        Some(std::mem::take(&mut self.head))
    }

    /// Whether it is known.
    pub(crate) fn has_begun(&self) -> bool {
        self.is_begun
    }

    /// Takes what comes next. `raw` is the look into the bytes themselves, before these.
    pub(crate) fn take(&mut self, bytes: &[u8], more: bool, raw: &Lane) {
        for at in 0..self.levels.len() {
            let below = self.below(at);
            let Some((before, [level, ..])) = self.levels.split_at_mut_checked(at) else { return };
            let is_possible = at != WHOLE || level.is_on;
            if level.has_ended || !is_possible {
                level.fresh.clear();
                continue;
            }
            match below {
                Below::Raw => level.take(bytes, more, raw),
                Below::Level(below) => {
                    if let Some(below) = before.get(below) {
                        level.take(&below.fresh, !below.has_ended, &below.lane);
                    }
                }
                Below::None => {}
            }
        }
        for level in self.levels.iter_mut().filter(|level| level.is_on) {
            level.lane.add(&level.fresh);
        }
    }

    /// Looks at what has come, and says what is found at the bytes that stand for it.
    pub(crate) fn look(&mut self, scanner: &mut Scanner<'_>, within: Option<&Place>, mut found: impl FnMut(Finding)) {
        for at in 0..self.levels.len() {
            let Some(level) = self.levels.get_mut(at).filter(|level| level.is_on) else { continue };
            let mut lane = std::mem::take(&mut level.lane);
            let more = !level.has_ended;
            lane.look(scanner, within, more, |finding| {
                let (start, end) = self.raw(at, finding.start, finding.end);
                found(Finding { start, end, ..finding });
            });
            if let Some(level) = self.levels.get_mut(at) {
                level.lane = lane;
            }
        }
    }

    /// Up to where all that begins is found by all views.
    pub(crate) fn told(&self) -> usize {
        let open = self.levels.iter().enumerate().filter(|(_, level)| level.is_on && !level.has_ended);
        open.map(|(at, level)| self.raw(at, level.lane.told(), level.lane.told()).0).min().unwrap_or(usize::MAX)
    }

    /// Gives back what nobody needs who asks for nothing before this place.
    pub(crate) fn forget(&mut self, before: usize) {
        let mut needed = [before; 2 * WHOLE + 1];
        for at in 0..self.levels.len() {
            let below = match self.below(at) {
                Below::Level(below) => needed.get(below).copied().unwrap_or(0),
                _ => before,
            };
            let Some(level) = self.levels.get_mut(at).filter(|level| level.is_on) else { continue };
            level.lane.forget(usize::MAX);
            if let Some(needed) = needed.get_mut(at) {
                *needed = level.map.forget(below);
            }
        }
    }

    /// What the bytes are that a view looks at.
    fn below(&self, at: usize) -> Below {
        let is_on = |at: &usize| self.levels.get(*at).is_some_and(|level| level.is_on);
        let (first, root) = match at > WHOLE {
            true if !is_on(&WHOLE) => return Below::None,
            true => (WHOLE.saturating_add(1), Below::Level(WHOLE)),
            false if at == WHOLE => (at, Below::Raw),
            false => (0, Below::Raw),
        };
        (first..at).rev().find(is_on).map_or(root, Below::Level)
    }

    /// Where in the bytes themselves a span is that a view has.
    fn raw(&self, mut at: usize, mut start: usize, mut end: usize) -> (usize, usize) {
        while let Some(level) = self.levels.get(at) {
            (start, end) = (level.map.start(start), level.map.end(end));
            match self.below(at) {
                Below::Level(below) => at = below,
                _ => break,
            }
        }
        (start, end)
    }
}

/// What is below a view.
enum Below {
    /// The bytes themselves.
    Raw,
    /// Another one.
    Level(usize),
    /// Nothing that it could look at.
    None,
}
