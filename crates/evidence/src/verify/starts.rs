//! Whether each opening of the log has all its lanes: one that was removed whole leaves no trace in itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Fault, Report};
use crate::format::SegmentName;
use crate::walk::list;

/// One opening of the log by a process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Start {
    pub instance: String,
    pub opened: u64,
}

/// All of them, as the headers in the lanes tell.
#[derive(Default)]
pub(super) struct Starts {
    /// The lanes that have a header of it.
    pub headers: BTreeMap<Start, BTreeSet<u16>>,
    /// How many lanes it had, by the header in lane 0, which is made last.
    pub lanes: BTreeMap<Start, u16>,
    /// Those that wrote records: they had got as far as lane 0.
    pub writers: BTreeSet<Start>,
}

impl Starts {
    /// Adds what another lane tells.
    pub fn add(&mut self, other: Self) {
        for (start, lanes) in other.headers {
            self.headers.entry(start).or_default().extend(lanes);
        }
        self.lanes.extend(other.lanes);
        self.writers.extend(other.writers);
    }

    pub fn check(&self, folder: &Path, listed: &BTreeMap<u16, Vec<SegmentName>>, report: &mut Report) {
        for (start, lanes) in &self.lanes {
            for lane in 1..*lanes {
                if self.headers.get(start).is_some_and(|there| there.contains(&lane)) || grew(folder, listed, lane) {
                    continue;
                }
                report.fault(missing(start, lane));
            }
        }
        for (start, there) in &self.headers {
            let Some(lanes) = self.lanes.get(start) else { continue };
            for lane in there.range(*lanes..) {
                let what = format!(
                    "{} opened {lanes} lanes, and this is none of them: its segments were put in",
                    start.instance
                );
                report.fault(Fault::of_lane(*lane, what));
            }
        }
        for start in &self.writers {
            if !self.lanes.contains_key(start) && !grew(folder, listed, 0) {
                report.fault(missing(start, 0));
            }
        }
    }
}

fn missing(start: &Start, lane: u16) -> Fault {
    let what = format!(
        "the segments that {} began when it opened the log at {} µs are missing or unreadable",
        start.instance, start.opened
    );
    Fault { lane: Some(lane), segment: None, offset: None, seq: None, what }
}

/// Whether a lane has segments that were not there when the folder was listed: then Weir is starting just now.
fn grew(folder: &Path, listed: &BTreeMap<u16, Vec<SegmentName>>, lane: u16) -> bool {
    let known = listed.get(&lane).map(Vec::len).unwrap_or_default();
    list(folder).is_ok_and(|now| now.lanes.get(&lane).map(Vec::len).unwrap_or_default() > known)
}
