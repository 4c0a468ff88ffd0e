//! The reader's side: records of all lanes in the order of time, of a log at rest or one that grows.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fs;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::UnixMicros;
use serde_json::{Map, Value};

use crate::checkpoint::CHECKPOINT_EVENT;
use crate::filter::Filter;
use crate::format::{HEADER_EVENT, Hash, SEAL_EVENT, SegmentName};
use crate::verify::{CHANGED, Fault};
use crate::walk::{Opened, Step, Walk, list, open_segment};

/// A record as it is in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedRecord {
    /// The lane it is in.
    pub lane: u16,
    /// Its number in the lane.
    pub seq: u64,
    /// When.
    pub at: UnixMicros,
    /// The session, if it belongs to one.
    pub session: Option<String>,
    /// All else that it says; `event` is its kind.
    pub event: Map<String, Value>,
    /// Whose session it is, if the reader met its beginning.
    pub caller: Option<Arc<Caller>>,
    /// The payload, byte for byte.
    pub json: String,
    /// Its hash in the chain.
    pub hash: Hash,
    /// The segment's name.
    pub file: String,
    /// Where in the segment it begins.
    pub offset: u64,
}

/// Who a session belongs to, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The principal's id.
    pub principal: String,
    /// The target.
    pub target: String,
}

impl LoggedRecord {
    /// Its kind: `decided`.
    pub fn kind(&self) -> &str {
        self.text("event").unwrap_or_default()
    }

    /// A text that it holds.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.event.get(key).and_then(Value::as_str)
    }

    /// Who did it, as far as the record or its session tells.
    pub fn principal(&self) -> Option<&str> {
        self.text("principal").or(self.caller.as_deref().map(|caller| caller.principal.as_str()))
    }

    fn read(segment: SegmentName, offset: u64, hash: Hash, payload: &[u8]) -> Result<Self, String> {
        let json = std::str::from_utf8(payload).map_err(|error| error.to_string())?;
        let mut event = serde_json::from_str::<Map<String, Value>>(json).map_err(|error| error.to_string())?;
        let mut number = |key: &str| event.remove(key).and_then(|value| value.as_u64());
        let seq = number("seq").ok_or("it has no number")?;
        let at = UnixMicros(number("at").ok_or("it has no time")?);
        let session = match event.remove("session") {
            None => None,
            Some(Value::String(session)) => Some(session),
            Some(_) => return Err("its session is no text".to_owned()),
        };
        let (lane, file, json) = (segment.lane, segment.to_string(), json.to_owned());
        Ok(Self { lane, seq, at, session, event, caller: None, json, hash, file, offset })
    }
}

/// Records of all lanes, merged by time; headers and seals are left out. What is wrong with the log comes in between,
/// and reading goes on behind it; a record that is only half there is not wrong, as the log may be growing.
///
/// Exhausted, it can be [refreshed](Records::refresh) to see what was added.
pub struct Records {
    folder: PathBuf,
    lanes: BTreeMap<u16, LaneReader>,
    /// The next record of each lane.
    heads: BTreeMap<u16, LoggedRecord>,
    callers: HashMap<String, Arc<Caller>>,
    shown: Shown,
}

/// Which records are given.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    /// Those of these kinds alone.
    only: Option<&'static [&'static str]>,
    /// Checkpoints too.
    checkpoints: bool,
}

/// All records of the log in `folder`.
pub fn records(folder: &Path) -> io::Result<Records> {
    Records::of_newest(folder, usize::MAX)
}

/// Records of the log in `folder` from about this moment on: each lane from its last segment that had begun by then. As long as the clock
/// does not step back, all that were written after that are among them.
pub fn records_since(folder: &Path, at: UnixMicros) -> io::Result<Records> {
    let mut lanes = BTreeMap::new();
    for (number, segments) in list(folder)?.lanes {
        let mut from = segments.len();
        while let Some(before) = from.checked_sub(1) {
            from = before;
            let Some(name) = segments.get(from) else { break };
            // One whose beginning can't be read is read: that says what is wrong with it.
            let begins = open_segment(folder, *name)?.map_or(0, |opened| opened.header.at);
            if begins <= at.0 {
                break;
            }
        }
        let queue = segments.into_iter().skip(from).collect();
        lanes.insert(number, LaneReader::new(folder.to_owned(), queue, from > 0));
    }
    Ok(Records::of(folder, lanes))
}

impl Records {
    /// Those in the newest segments of each lane, `depth` of them.
    fn of_newest(folder: &Path, depth: usize) -> io::Result<Self> {
        let mut lanes = BTreeMap::new();
        for (number, segments) in list(folder)?.lanes {
            let skipped = segments.len().saturating_sub(depth);
            let queue = segments.into_iter().skip(skipped).collect();
            lanes.insert(number, LaneReader::new(folder.to_owned(), queue, skipped > 0));
        }
        Ok(Self::of(folder, lanes))
    }

    fn of(folder: &Path, lanes: BTreeMap<u16, LaneReader>) -> Self {
        let (heads, callers, shown) = (BTreeMap::new(), HashMap::new(), Shown::default());
        Self { folder: folder.to_owned(), lanes, heads, callers, shown }
    }

    /// Only those of these kinds. The others are passed over, which costs a tenth.
    #[must_use]
    pub fn only(mut self, kinds: &'static [&'static str]) -> Self {
        self.shown.only = Some(kinds);
        self
    }

    /// Checkpoints too, which are left out otherwise.
    #[must_use]
    pub fn with_checkpoints(mut self) -> Self {
        self.shown.checkpoints = true;
        self
    }

    /// Looks for new segments, and lets the iterator go on with what was added.
    pub fn refresh(&mut self) -> io::Result<()> {
        for (number, segments) in list(&self.folder)?.lanes {
            self.lanes
                .entry(number)
                .or_insert_with(|| LaneReader::new(self.folder.clone(), VecDeque::new(), false))
                .queue_new(&segments);
        }
        Ok(())
    }

    /// Whether something could not be read, and was gone over, that may be read another time: who keeps count of what it has
    /// seen begins again.
    pub fn has_gone_over(&self) -> bool {
        self.lanes.values().any(|lane| lane.unread)
    }

    /// Before this, records may be missing: they are in segments that are not read.
    fn complete_from(&self) -> UnixMicros {
        self.lanes.values().filter(|lane| lane.partial).filter_map(|lane| lane.begins).max().unwrap_or(UnixMicros(0))
    }

    /// Remembers who a session belongs to, and says it of the records that do not.
    fn name(&mut self, record: &mut LoggedRecord) {
        let Some(session) = &record.session else { return };
        if record.kind() == "admitted" {
            let text = |key| record.text(key).unwrap_or_default().to_owned();
            let caller = Caller { principal: text("principal"), target: text("target") };
            self.callers.insert(session.clone(), Arc::new(caller));
        }
        record.caller = self.callers.get(session).cloned();
        if record.kind() == "closed" {
            self.callers.remove(session);
        }
    }
}

impl Iterator for Records {
    type Item = Result<LoggedRecord, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        for (number, lane) in &mut self.lanes {
            if self.heads.contains_key(number) {
                continue;
            }
            match lane.next(self.shown) {
                Some(Ok(record)) => drop(self.heads.insert(*number, record)),
                Some(Err(fault)) => return Some(Err(fault)),
                None => {}
            }
        }
        let (_, first) = self.heads.iter().map(|(number, record)| (record.at, *number)).min()?;
        let mut record = self.heads.remove(&first)?;
        self.name(&mut record);
        Some(Ok(record))
    }
}

/// Follows a log as it grows.
pub struct Follower {
    records: Records,
}

impl Follower {
    /// Starts with the last `count` records that `filter` lets through, and what was found wrong on the way to them.
    /// With 0 it starts at the end.
    pub fn after_last(
        folder: &Path,
        count: usize,
        filter: &Filter,
    ) -> io::Result<(Self, Vec<Result<LoggedRecord, Fault>>)> {
        // Who a record belongs to is said where its session began, which may be anywhere before.
        let mut depth = if filter.principal.is_some() { usize::MAX } else { 1 };
        loop {
            let mut records = Records::of_newest(folder, depth)?;
            let mut last = VecDeque::new();
            let mut wanted = 0_usize;
            for record in records.by_ref() {
                match &record {
                    Ok(record) if !filter.matches(record) => continue,
                    Ok(_) => wanted = wanted.saturating_add(1),
                    Err(_) => {}
                }
                last.push_back(record);
                while wanted > count {
                    if last.pop_front().is_none_or(|gone| gone.is_ok()) {
                        wanted = wanted.saturating_sub(1);
                    }
                }
            }
            let from = records.complete_from();
            let in_reach = last.iter().flatten().filter(|record| record.at >= from).count();
            let is_all = from == UnixMicros(0) || filter.since.is_some_and(|since| since >= from);
            if is_all || in_reach >= count {
                return Ok((Self { records }, last.into()));
            }
            depth = depth.saturating_mul(4);
        }
    }

    /// What was added since, in the order of time as far as it was there together. Unfiltered.
    pub fn poll(&mut self) -> io::Result<Vec<Result<LoggedRecord, Fault>>> {
        self.records.refresh()?;
        Ok(self.records.by_ref().collect())
    }
}

/// How many of the last records' hashes are kept to know them again.
const RECENT_MAX: usize = 256;

/// Reads one lane, segment by segment, and rests at its end.
struct LaneReader {
    folder: PathBuf,
    /// Segments still to be read.
    queue: VecDeque<SegmentName>,
    current: Option<(SegmentName, Walk<BufReader<fs::File>>)>,
    /// The newest segment ever queued.
    newest: Option<SegmentName>,
    /// Whether older segments were left out, and when the first that is read begins.
    partial: bool,
    begins: Option<UnixMicros>,
    /// Whether the current segment has been read to its end before: then a writer that failed may since have cut it
    /// back, and written other records over what was read.
    rested: bool,
    /// Set when what follows in the current segment cannot be read.
    stuck: bool,
    /// Set when that was the system's word, and not what is in the segment: another time it may be read.
    unread: bool,
    recent: VecDeque<Hash>,
    /// When the current segment is read again: what of it is known already.
    known: Option<(u64, HashSet<Hash>)>,
    /// The number of the record that the oldest of `recent` belongs to.
    recent_from: u64,
}

impl LaneReader {
    fn new(folder: PathBuf, queue: VecDeque<SegmentName>, partial: bool) -> Self {
        Self {
            folder,
            newest: queue.back().copied(),
            queue,
            current: None,
            partial,
            begins: None,
            rested: false,
            stuck: false,
            unread: false,
            recent: VecDeque::new(),
            known: None,
            recent_from: 0,
        }
    }

    fn queue_new(&mut self, segments: &[SegmentName]) {
        for name in segments {
            if self.newest.is_none_or(|newest| *name > newest) {
                self.newest = Some(*name);
                self.queue.push_back(*name);
            }
        }
    }

    fn next(&mut self, shown: Shown) -> Option<Result<LoggedRecord, Fault>> {
        loop {
            let Some((name, _)) = &self.current else {
                let name = self.queue.pop_front()?;
                if let Err(fault) = self.enter(name) {
                    return Some(Err(fault));
                }
                continue;
            };
            let name = *name;
            match self.step(name, shown) {
                Ok(Next::Record(record)) => return Some(Ok(record)),
                Ok(Next::Known) => {}
                Ok(Next::Rest) => {
                    if self.queue.is_empty() {
                        self.rested = true;
                        return None;
                    }
                    self.current = None;
                }
                Ok(Next::Again) => {
                    let from = self.recent_from;
                    let known = self.recent.drain(..).collect();
                    if let Err(fault) = self.enter(name) {
                        return Some(Err(fault));
                    }
                    self.known = Some((from, known));
                }
                Ok(Next::Fault(fault)) => return Some(Err(fault)),
                Err(error) => {
                    (self.stuck, self.unread) = (true, true);
                    return Some(Err(fault(name, None, error.to_string())));
                }
            }
        }
    }

    fn enter(&mut self, name: SegmentName) -> Result<(), Fault> {
        (self.rested, self.stuck, self.known) = (false, false, None);
        self.current = None;
        let opened = open_segment(&self.folder, name);
        self.unread |= opened.is_err();
        let Opened { header, walk, .. } = opened
            .map_err(|error| error.to_string())
            .and_then(|opened| opened)
            .map_err(|what| fault(name, None, what))?;
        if self.begins.is_none() {
            self.begins = Some(UnixMicros(header.at));
        }
        self.current = Some((name, walk));
        Ok(())
    }

    fn step(&mut self, name: SegmentName, shown: Shown) -> io::Result<Next> {
        let Some((_, walk)) = self.current.as_mut().filter(|_| !self.stuck) else { return Ok(Next::Rest) };
        let before = walk.offset();
        if self.rested {
            if fs::metadata(self.folder.join(name.to_string()))?.len() < before {
                return Ok(Next::Again);
            }
            walk.again()?;
        }
        let (offset, hash, read) = match walk.step()? {
            Step::Record(found) if found.chained => match shown.passes_over(found.payload) {
                Some(seq) => {
                    let hash = found.hash;
                    self.rested = false;
                    self.remember(seq, hash);
                    return Ok(Next::Known);
                }
                None => (found.offset, found.hash, LoggedRecord::read(name, found.offset, found.hash, found.payload)),
            },
            Step::End => return Ok(Next::Rest),
            Step::Flaw(flaw) if flaw.is_natural() => return Ok(Next::Rest),
            _ if self.rested => return Ok(Next::Again),
            Step::Record(found) => return Ok(Next::Fault(fault(name, Some(found.offset), CHANGED.to_owned()))),
            Step::Flaw(flaw) => {
                self.stuck = true;
                return Ok(Next::Fault(fault(name, Some(before), flaw.to_string())));
            }
        };
        self.rested = false;
        let record = match read {
            Ok(record) => record,
            Err(what) => return Ok(Next::Fault(fault(name, Some(offset), format!("the record is none: {what}")))),
        };
        let is_known = self.known.as_ref().is_some_and(|(from, known)| record.seq < *from || known.contains(&hash));
        self.remember(record.seq, hash);
        let is_left_out = match record.kind() {
            HEADER_EVENT | SEAL_EVENT => true,
            CHECKPOINT_EVENT => !shown.checkpoints,
            kind => shown.only.is_some_and(|kinds| !kinds.contains(&kind)),
        };
        Ok(if is_known || is_left_out { Next::Known } else { Next::Record(record) })
    }

    fn remember(&mut self, seq: u64, hash: Hash) {
        if self.recent.is_empty() {
            self.recent_from = seq;
        }
        self.recent.push_back(hash);
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
            self.recent_from = self.recent_from.saturating_add(1);
        }
    }
}

impl Shown {
    /// The number of a record that nobody wants, if its kind is told by its first bytes.
    fn passes_over(self, payload: &[u8]) -> Option<u64> {
        let kinds = self.only?;
        let (seq, kind) = peek(payload)?;
        (!kinds.contains(&kind)).then_some(seq)
    }
}

fn fault(name: SegmentName, offset: Option<u64>, what: String) -> Fault {
    Fault { lane: Some(name.lane), segment: Some(name.to_string()), offset, seq: None, what }
}

/// What reading a lane came to.
enum Next {
    Record(LoggedRecord),
    /// Nothing to show: a header, a seal, or a record that was shown before.
    Known,
    /// The segment's end, for now.
    Rest,
    /// The segment was cut back since it was read: once more from its beginning.
    Again,
    Fault(Fault),
}

mod peek;
mod resume;
#[cfg(test)]
mod tests;

pub(crate) use peek::peek;
pub use resume::{Place, records_after};
