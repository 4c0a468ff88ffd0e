//! Walks a whole log offline and says all that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use model::UnixMicros;
use serde::Deserialize;

use crate::format::{HEADER_EVENT, Hash, Header, NEW_SUFFIX, SEAL_EVENT, SEAL_FULL, SEAL_STOPPED, SegmentName};
use crate::recover::rest;
use crate::walk::{Flaw, Opened, Step, list, open_segment};

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
    /// Records, without the segments' own headers and seals.
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

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        } else {
            self.faults_unlisted = self.faults_unlisted.saturating_add(1);
        }
    }
}

/// Reads every segment of the log in `folder`. The error is that of a folder that cannot be read at all; what is wrong
/// inside is in the report.
pub fn verify(folder: &Path) -> io::Result<Report> {
    let listing = list(folder)?;
    let mut report = Report { lanes: listing.lanes.len(), ..Report::default() };
    let mut starts = Starts::default();
    for name in listing.strangers {
        let what = format!("the file {name} is none of the log's");
        report.warnings.push(Fault { lane: None, segment: None, offset: None, seq: None, what });
    }
    if listing.lanes.is_empty() {
        let what = "there is no segment here".to_owned();
        report.warnings.push(Fault { lane: None, segment: None, offset: None, seq: None, what });
    }
    for (lane, segments) in &listing.lanes {
        LaneCheck::new(folder, *lane, &mut report, &mut starts).run(segments);
    }
    starts.check(folder, &listing.lanes, &mut report);
    Ok(report)
}

/// A record's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    seq: u64,
    hash: Hash,
}

/// What of a payload concerns the chain.
#[derive(Deserialize)]
struct Payload {
    seq: u64,
    at: u64,
    event: String,
    #[serde(default)]
    why: Option<String>,
}

/// What is known about a segment once it has been walked.
struct Walked {
    name: SegmentName,
    /// The last record that is in order, as far as can be told.
    end: Place,
    /// The last record before the first fault: a Weir that started on a damaged log continues there.
    sound: Place,
    /// Set if the header could not be read, so that nothing is known of the end.
    blind: bool,
    /// Where and why no more could be read.
    flaw: Option<(u64, Flaw)>,
    /// Why it is sealed, if it is.
    seal: Option<String>,
    start: Option<Start>,
}

struct LaneCheck<'a> {
    folder: &'a Path,
    lane: u16,
    report: &'a mut Report,
    starts: &'a mut Starts,
}

impl<'a> LaneCheck<'a> {
    fn new(folder: &'a Path, lane: u16, report: &'a mut Report, starts: &'a mut Starts) -> Self {
        Self { folder, lane, report, starts }
    }

    fn run(&mut self, segments: &[SegmentName]) {
        let mut before: Option<Walked> = None;
        for name in segments {
            let walked = self.segment(*name, before.as_ref()).unwrap_or_else(|error| {
                self.fault(*name, None, None, format!("the segment cannot be read: {error}"));
                self.blind(*name, before.as_ref())
            });
            before = Some(walked);
        }
        if let Some(last) = before {
            self.end(&last);
        }
    }

    fn segment(&mut self, name: SegmentName, before: Option<&Walked>) -> io::Result<Walked> {
        self.report.segments = self.report.segments.saturating_add(1);
        let bytes = fs::metadata(self.folder.join(name.to_string()))?.len();
        self.report.bytes = self.report.bytes.saturating_add(bytes);
        let Opened { header, hash, mut walk } = match open_segment(self.folder, name)? {
            Ok(opened) => opened,
            Err(what) => {
                self.fault(name, Some(0), Some(name.first), what);
                return Ok(self.blind(name, before));
            }
        };
        self.link(name, &header, before)?;
        let start = Start { instance: header.instance, opened: header.opened };
        self.starts.headers.entry(start.clone()).or_default().insert(self.lane);
        if self.lane == 0 {
            self.starts.lanes.insert(start.clone(), header.lanes);
        }
        let mut end = Place { seq: header.seq, hash };
        let (mut sound, mut seal, mut flaw) = (None, None, None);
        loop {
            let found = match walk.step()? {
                Step::Record(found) => found,
                Step::End => break,
                Step::Flaw(found) => {
                    flaw = Some((walk.offset(), found));
                    break;
                }
            };
            let expected = end.seq.saturating_add(1);
            let payload = serde_json::from_slice::<Payload>(found.payload);
            let numbered = payload.as_ref().map_or(expected, |payload| payload.seq);
            let mut wrong = Vec::new();
            if !found.chained {
                wrong.push(CHANGED.to_owned());
            }
            match &payload {
                Err(error) => wrong.push(format!("the record cannot be read: {error}")),
                Ok(payload) if payload.seq != expected => wrong.push(format!(
                    "its number is {} where {expected} should be: records are missing or out of order",
                    payload.seq
                )),
                Ok(payload) if payload.event == HEADER_EVENT => {
                    wrong.push("it is a header in the middle of a segment".to_owned());
                }
                Ok(_) if seal.is_some() => wrong.push("it stands after the segment's seal".to_owned()),
                Ok(_) => {}
            }
            let (offset, place) = (found.offset, Place { seq: numbered, hash: found.hash });
            if !wrong.is_empty() {
                sound.get_or_insert(end);
                self.fault(name, Some(offset), Some(expected), wrong.join("; "));
            }
            end = place;
            let Ok(payload) = payload else { continue };
            if payload.event == SEAL_EVENT {
                seal = payload.why;
            } else {
                if !self.starts.writers.contains(&start) {
                    self.starts.writers.insert(start.clone());
                }
                self.record(payload.at);
            }
        }
        if let Some((offset, flaw)) = flaw
            && (!flaw.is_natural() || seal.is_some())
        {
            sound.get_or_insert(end);
            let what = match seal {
                Some(_) => format!("{flaw}, after the segment's seal: they were added"),
                None => flaw.to_string(),
            };
            self.fault(name, Some(offset), end.seq.checked_add(1), what);
        }
        Ok(Walked { name, end, sound: sound.unwrap_or(end), blind: false, flaw, seal, start: Some(start) })
    }

    fn record(&mut self, at: u64) {
        let at = UnixMicros(at);
        self.report.records = self.report.records.saturating_add(1);
        self.report.first = Some(self.report.first.map_or(at, |first| first.min(at)));
        self.report.last = self.report.last.max(Some(at));
    }

    /// A segment of which nothing is known.
    fn blind(&self, name: SegmentName, before: Option<&Walked>) -> Walked {
        let place = before.map_or(Place { seq: 0, hash: Hash::ZERO }, |walked| walked.sound);
        Walked { name, end: place, sound: place, blind: true, flaw: None, seal: None, start: None }
    }

    /// Whether a header continues the segment before.
    fn link(&mut self, name: SegmentName, header: &Header, before: Option<&Walked>) -> io::Result<()> {
        let said = Place { seq: header.previous_seq, hash: header.previous };
        let floor = before.map_or(0, |walked| walked.name.first);
        let is_numbered =
            header.seq == said.seq.max(floor).saturating_add(1) || header.seq == said.seq.saturating_add(1);
        if !is_numbered {
            let what = format!("the segment's number is {}, but it says it continues record {}", header.seq, said.seq);
            self.fault(name, Some(0), Some(header.seq), what);
        }
        let Some(before) = before else {
            if said != (Place { seq: 0, hash: Hash::ZERO }) {
                let what = format!("the segments before it are missing: it continues record {}", said.seq);
                self.fault(name, Some(0), Some(header.seq), what);
            }
            return Ok(());
        };
        if !before.blind && said != before.end && said != before.sound {
            let (next, last) = (before.end.seq.saturating_add(1), said.seq);
            let what = if last >= next {
                format!("it does not continue {}: records {next} to {last} are missing", before.name)
            } else {
                format!("it does not continue {}: it says it continues record {last}, with another hash", before.name)
            };
            self.fault(name, Some(0), Some(header.seq), what);
        }
        self.torn(name, header, before)
    }

    /// Whether what follows the records of the segment before is what the header says Weir found there.
    fn torn(&mut self, name: SegmentName, header: &Header, before: &Walked) -> io::Result<()> {
        let told = header.torn.iter().find(|torn| torn.segment == before.name.to_string());
        if let Some(torn) = told
            && rest(self.folder, before.name, torn.offset)? != (torn.bytes, torn.sha256)
        {
            let what = format!(
                "the {} bytes that were here when {name} was begun, and were no records, were changed or removed",
                torn.bytes
            );
            self.fault(before.name, Some(torn.offset), None, what);
        }
        if let Some((offset, flaw)) = before.flaw
            && flaw.is_natural()
            && before.seal.is_none()
        {
            let seq = before.end.seq.checked_add(1);
            if told.is_some_and(|torn| torn.offset == offset) {
                let what = format!("{flaw}; Weir found them when it started again, and left them");
                self.warn(before.name, Some(offset), seq, what);
            } else {
                let what = format!("{flaw}, which {name} does not account for");
                self.fault(before.name, Some(offset), seq, what);
            }
        }
        Ok(())
    }

    /// Whether a lane's last segment ends well.
    fn end(&mut self, last: &Walked) {
        let seq = last.end.seq.checked_add(1);
        let open = "Weir is running, or was killed, or the end was cut off";
        match (last.seal.as_deref(), last.flaw) {
            _ if last.blind => {}
            (Some(SEAL_FULL), _) => {
                let next = last.name.followed_by(last.end.seq);
                // It may have come while this one was read; and a process can be killed just before it gives the name.
                let (is_there, is_begun) =
                    (self.exists(&next.to_string()), self.exists(&format!("{next}{NEW_SUFFIX}")));
                if is_begun && !is_there {
                    let what =
                        format!("Weir was killed when it was about to begin {next}, or that segment was removed");
                    self.warn(last.name, None, seq, what);
                } else if !is_there {
                    let what = format!("the segment that follows it, {next}, is missing");
                    self.fault(last.name, None, seq, what);
                }
            }
            (Some(SEAL_STOPPED), _) => {}
            (Some(_), _) => self.warn(last.name, None, seq, "it is sealed for an unknown reason".to_owned()),
            (None, Some((offset, flaw))) if flaw.is_natural() => {
                self.warn(last.name, Some(offset), seq, format!("{flaw}: {open}"));
            }
            (None, Some(_)) => {}
            (None, None) => {
                if last.start.is_some() {
                    self.warn(last.name, None, seq, format!("the segment is not sealed: {open}"));
                }
            }
        }
    }

    fn exists(&self, name: &str) -> bool {
        fs::symlink_metadata(self.folder.join(name)).is_ok()
    }

    fn fault(&mut self, name: SegmentName, offset: Option<u64>, seq: Option<u64>, what: String) {
        self.report.fault(Fault { lane: Some(self.lane), segment: Some(name.to_string()), offset, seq, what });
    }

    fn warn(&mut self, name: SegmentName, offset: Option<u64>, seq: Option<u64>, what: String) {
        self.report.warnings.push(Fault { lane: Some(self.lane), segment: Some(name.to_string()), offset, seq, what });
    }
}

/// One opening of the log by a process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Start {
    instance: String,
    opened: u64,
}

/// Whether each opening has all its lanes: one that was removed whole leaves no trace in itself.
#[derive(Default)]
struct Starts {
    /// The lanes that have a header of it.
    headers: BTreeMap<Start, BTreeSet<u16>>,
    /// How many lanes it had, by the header in lane 0, which is made last.
    lanes: BTreeMap<Start, u16>,
    /// Those that wrote records: they had got as far as lane 0.
    writers: BTreeSet<Start>,
}

impl Starts {
    fn check(&self, folder: &Path, listed: &BTreeMap<u16, Vec<SegmentName>>, report: &mut Report) {
        for (start, lanes) in &self.lanes {
            for lane in 1..*lanes {
                if self.headers.get(start).is_some_and(|there| there.contains(&lane)) || grew(folder, listed, lane) {
                    continue;
                }
                report.fault(missing(start, lane));
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

#[cfg(test)]
mod tests;
