//! One lane: whether each record follows from the one before, and each segment from the one before it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc::SyncSender;

use model::UnixMicros;
use serde::Deserialize;

use super::starts::{Start, Starts};
use super::{CHANGED, Fault, Report};
use crate::checkpoint::{CHECKPOINT_EVENT, Found};
use crate::format::{HEADER_EVENT, Header, NEW_SUFFIX, Place, SEAL_EVENT, SEAL_FULL, SEAL_STOPPED, SegmentName};
use crate::recover::rest;
use crate::walk::{Flaw, Opened, Step, open_segment};

/// Records that are handed on at once.
const BATCH: usize = 256;

/// A record that was passed, for who looks whether it was signed.
pub(super) struct Passed {
    pub place: Place,
    /// The checkpoint in it, and where it stands.
    pub checkpoint: Option<Box<Signed>>,
}

/// A checkpoint's record.
pub(super) struct Signed {
    pub found: Result<Found, String>,
    pub segment: SegmentName,
    pub offset: u64,
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

/// The check of a lane.
pub(super) struct LaneCheck<'a> {
    folder: &'a Path,
    lane: u16,
    /// Where the checkpoints end that are to be looked at.
    until: Option<(SegmentName, u64)>,
    /// Whether it is read from somewhere in its middle on.
    is_begun: bool,
    passed: Vec<Passed>,
    to: SyncSender<Vec<Passed>>,
    report: Report,
    starts: Starts,
}

impl<'a> LaneCheck<'a> {
    /// `to` is given each record, if anybody wants it.
    pub fn new(
        folder: &'a Path,
        lane: u16,
        until: Option<(SegmentName, u64)>,
        is_begun: bool,
        to: SyncSender<Vec<Passed>>,
    ) -> Self {
        Self {
            folder,
            lane,
            until,
            is_begun,
            passed: Vec::new(),
            to,
            report: Report::default(),
            starts: Starts::default(),
        }
    }

    /// Checks these segments, which are all of the lane's.
    pub fn run(mut self, segments: &[SegmentName]) -> (Report, Starts) {
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
        self.hand_on();
        (self.report, self.starts)
    }

    fn pass(&mut self, place: Place, checkpoint: Option<Box<Signed>>) {
        self.passed.push(Passed { place, checkpoint });
        if self.passed.len() >= BATCH {
            self.hand_on();
        }
    }

    /// Whether a checkpoint that stands here was there when the check began.
    fn is_looked_at(&self, name: SegmentName, offset: u64) -> bool {
        self.lane == 0 && self.until.is_none_or(|until| (name, offset) < until)
    }

    fn hand_on(&mut self) {
        // Who wants no more of them has its reasons.
        let _ = self.to.send(std::mem::take(&mut self.passed));
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
        self.pass(end, None);
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
            let checkpoint =
                Found::read(found.payload).filter(|_| wrong.is_empty() && self.is_looked_at(name, found.offset));
            if !wrong.is_empty() {
                sound.get_or_insert(end);
                self.fault(name, Some(offset), Some(expected), wrong.join("; "));
            }
            end = place;
            self.pass(end, checkpoint.map(|found| Box::new(Signed { found, segment: name, offset })));
            let Ok(payload) = payload else { continue };
            if payload.event == SEAL_EVENT {
                seal = payload.why;
            } else {
                if !self.starts.writers.contains(&start) {
                    self.starts.writers.insert(start.clone());
                }
                self.record(&payload);
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

    fn record(&mut self, payload: &Payload) {
        if payload.event == CHECKPOINT_EVENT {
            return;
        }
        let at = UnixMicros(payload.at);
        self.report.records = self.report.records.saturating_add(1);
        self.report.first = Some(self.report.first.map_or(at, |first| first.min(at)));
        self.report.last = self.report.last.max(Some(at));
    }

    /// A segment of which nothing is known.
    fn blind(&self, name: SegmentName, before: Option<&Walked>) -> Walked {
        let place = before.map_or(Place::START, |walked| walked.sound);
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
            if said != Place::START && !self.is_begun {
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
