//! Walks a whole log offline and says all that is wrong with it: each lane by itself, and all of them together against what was signed.

mod cover;
mod lane_check;
mod starts;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use model::UnixMicros;

use crate::checkpoint::Checkpoint;
use crate::format::{Place, SegmentName};
use crate::note::{Keyring, VerifyKey};
use crate::resume::{Last, last_checkpoint};
use crate::walk::{Listing, list};
use cover::Cover;
use lane_check::LaneCheck;
use starts::Starts;

/// Faults that are listed; the rest is counted.
const FAULTS_MAX: usize = 1000;
/// What is said of a record whose hash is not right.
pub(crate) const CHANGED: &str = "the record does not follow from the one before: it was changed, or what was before it was changed, moved or removed";

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// The lane, if it is one's.
    pub lane: Option<u16>,
    /// The segment's file name.
    pub segment: Option<String>,
    /// Where in the segment.
    pub offset: Option<u64>,
    /// The number of the record that should be there.
    pub seq: Option<u64>,
    /// In words.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.segment, self.lane) {
            (Some(segment), _) => f.write_str(segment)?,
            (None, Some(lane)) => write!(f, "lane {lane}")?,
            (None, None) => f.write_str("the log")?,
        }
        if let Some(offset) = self.offset {
            write!(f, ", byte {offset}")?;
        }
        if let Some(seq) = self.seq {
            write!(f, ", record {seq}")?;
        }
        write!(f, ": {}", crate::render::printable(&self.what))
    }
}

/// What a log was found to be.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Records, without the log's own: headers, seals, checkpoints.
    pub records: u64,
    /// Lanes.
    pub lanes: usize,
    /// Segments.
    pub segments: usize,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Time of the earliest record.
    pub first: Option<UnixMicros>,
    /// Time of the latest record.
    pub last: Option<UnixMicros>,
    /// Checkpoints that are right.
    pub checkpoints: u64,
    /// The last of them.
    pub signed: Option<Checkpoint>,
    /// Keys that sign it now, and that were not among those to trust: a checkpoint of theirs has named each.
    pub introduced: Vec<VerifyKey>,
    /// Records after it, the log's own too: nothing that is signed covers them.
    pub unsigned: u64,
    /// What must not be: the log was changed, or is damaged.
    pub faults: Vec<Fault>,
    /// Faults beyond those listed.
    pub faults_unlisted: u64,
    /// What a killed process, a lost power or a running Weir leaves too: an end that may be cut off.
    pub warnings: Vec<Fault>,
}

impl Report {
    /// Whether nothing is wrong. There may be warnings.
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }

    /// Adds what was found in a part of the log.
    fn add(&mut self, other: Self) {
        self.records = self.records.saturating_add(other.records);
        self.segments = self.segments.saturating_add(other.segments);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
        other.faults.into_iter().for_each(|fault| self.fault(fault));
        self.faults_unlisted = self.faults_unlisted.saturating_add(other.faults_unlisted);
        self.warnings.extend(other.warnings);
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        } else {
            self.faults_unlisted = self.faults_unlisted.saturating_add(1);
        }
    }
}

/// Who is believed about a log.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The keys that sign it.
    pub keys: Keyring,
    /// Checkpoints that were kept elsewhere, each with the place.
    pub witnessed: Vec<(String, String)>,
}

/// Batches of records that may wait for who looks whether they were signed.
const BATCHES_MAX: usize = 16;

/// Reads every segment of the log in `folder`. The error is that of a folder that cannot be read at all; what is wrong
/// inside is in the report.
///
/// Without anybody to trust, checkpoints are compared with what they are over, and nobody asks who signed them: whoever can write the
/// folder can make others.
pub fn verify(folder: &Path, trust: Option<&Trust>) -> io::Result<Report> {
    verify_from(folder, trust, None)
}

/// The same from the last checkpoint on that was signed before this moment: what was written before it is covered by that and not read. Where there is none,
/// all is read.
pub fn verify_since(folder: &Path, trust: &Trust, since: UnixMicros) -> io::Result<Report> {
    let listing = list(folder)?;
    let first = listing.lanes.get(&0).map(Vec::as_slice).unwrap_or_default();
    let is_before = |checkpoint: &Checkpoint| checkpoint.at <= since;
    // One that can't be trusted is told by who reads it all.
    let begin = last_checkpoint(folder, first, &trust.keys, is_before).ok().flatten();
    verify_from(folder, Some(trust), begin)
}

fn verify_from(folder: &Path, trust: Option<&Trust>, begin: Option<Last>) -> io::Result<Report> {
    // Of a log that grows meanwhile, no checkpoint is held against lanes that were read before it was made.
    let (mut listing, until) = segments(folder)?;
    let mut report = Report { lanes: listing.lanes.len(), ..Report::default() };
    for name in listing.strangers {
        report.warnings.push(Fault::of_all(format!("the file {name} is none of the log's")));
    }
    if listing.lanes.is_empty() {
        report.warnings.push(Fault::of_all("there is no segment here".to_owned()));
    }
    let mut starts = Starts::default();
    if let Some(begin) = &begin {
        for (lane, place) in &begin.checkpoint.lanes {
            let Some(segments) = listing.lanes.get_mut(lane) else { continue };
            let read = segments.iter().rposition(|name| name.first <= place.seq).unwrap_or(0);
            segments.drain(..read);
        }
    }
    let mut cover = Cover::new(trust, begin, |_, _, _| {});
    for (found, begun) in pass(folder, &listing.lanes, until, &mut cover) {
        report.add(found);
        starts.add(begun);
    }
    starts.check(folder, &listing.lanes, &mut report);
    cover.finish(&mut report);
    Ok(report)
}

/// Reads each lane in a thread of its own, and holds all of them together against what was signed.
fn pass<F: FnMut(u64, u16, Place)>(
    folder: &Path,
    lanes: &BTreeMap<u16, Vec<SegmentName>>,
    until: Option<(SegmentName, u64)>,
    cover: &mut Cover<'_, F>,
) -> Vec<(Report, Starts)> {
    thread::scope(|scope| {
        let mut checks = Vec::new();
        for (lane, segments) in lanes {
            let (to, from) = sync_channel(BATCHES_MAX);
            let is_begun = cover.add(*lane, from);
            let check = LaneCheck::new(folder, *lane, until, is_begun, to);
            checks.push(scope.spawn(move || check.run(segments)));
        }
        cover.run();
        let failed = || {
            let mut report = Report::default();
            report.fault(Fault::of_all("a lane could not be checked".to_owned()));
            (report, Starts::default())
        };
        checks.into_iter().map(|check| check.join().unwrap_or_else(|_| failed())).collect()
    })
}

/// The leaves of a signed log.
pub(crate) struct Leaves {
    /// The last checkpoint, with its note.
    pub signed: Option<(String, Checkpoint)>,
    /// The first thing that is wrong.
    pub fault: Option<Fault>,
}

impl Leaves {
    /// Passes them in the order of the tree: each with its index, its lane and its record.
    pub fn pass(folder: &Path, trust: &Trust, each: impl FnMut(u64, u16, Place)) -> io::Result<Self> {
        let (listing, until) = segments(folder)?;
        let mut cover = Cover::new(Some(trust), None, each);
        let checked = pass(folder, &listing.lanes, until, &mut cover);
        let (signed, fault) = cover.ended();
        let of_lanes = checked.into_iter().flat_map(|(report, _)| report.faults).next();
        Ok(Self { signed, fault: of_lanes.or(fault) })
    }
}

/// The segments of a log that may be growing, and where lane 0 ends.
///
/// A folder that is read while files come may lack one and have the one after it. What one reading has met was there before the next one began, so that
/// lacks none up to there. And what lane 0 said by the time of the first is of what all lanes had by then, which the second has met.
fn segments(folder: &Path) -> io::Result<(Listing, Option<(SegmentName, u64)>)> {
    let bytes = |name: SegmentName| fs::metadata(folder.join(name.to_string())).map_or(0, |metadata| metadata.len());
    let last = list(folder)?.lanes.get(&0).and_then(|segments| segments.last().copied());
    let end = last.map(|name| (name, bytes(name)));
    let (met, mut listing) = (list(folder)?, list(folder)?);
    for (lane, segments) in &mut listing.lanes {
        let last = met.lanes.get(lane).and_then(|segments| segments.last());
        segments.retain(|name| last.is_some_and(|last| name <= last));
    }
    listing.lanes.retain(|_, segments| !segments.is_empty());
    Ok((listing, end))
}

impl Fault {
    /// One of a lane.
    fn of_lane(lane: u16, what: String) -> Self {
        Self { lane: Some(lane), segment: None, offset: None, seq: None, what }
    }

    /// One that is no single lane's.
    fn of_all(what: String) -> Self {
        Self { lane: None, segment: None, offset: None, seq: None, what }
    }
}

#[cfg(test)]
mod tests;
