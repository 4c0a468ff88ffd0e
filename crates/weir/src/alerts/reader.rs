//! Reads the log behind its writers, for what only shows over time: first uses and unusual volumes.
//!
//! What is found is appended to the log before the state is written that knows of it, and read again after a kill in between: there the log
//! itself says that it was said.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use alerts::{Finding, Key, Rules, Seen, Usage, What};
use evidence::{LoggedRecord, Records, records_after};
use gate::Alert;
use model::{SessionId, UnixMicros};
use serde_json::Value;

use super::now;
use super::said::{ONCE, Said};
use super::state_file::{State, StateFile};

/// How often the state is written at most: what a start reads again.
const SAVE_EVERY: Duration = Duration::from_secs(10);
/// How long the last look may take.
const LAST_MAX: Duration = Duration::from_secs(2);
/// The kinds of records that say something here.
const KINDS: [&str; 5] = ["started", "admitted", "ended", "closed", "alert"];
/// Records between two looks at the clock.
const STEP: usize = 1024;

/// The reader.
pub struct Reader {
    log: PathBuf,
    rules: Rules,
    file: StateFile,
    state: State,
    /// None before the first look, and after something could not be read.
    records: Option<Records>,
    saved: Option<Instant>,
    is_saved: bool,
    /// What was said last to be wrong, so that it is not said each second.
    trouble: Option<String>,
}

impl Reader {
    /// The one of a state folder, whose log is open. What the log has before the first time says nothing.
    pub fn new(folder: &Path, rules: Rules) -> Self {
        let file = StateFile::of(folder);
        let state = match file.read(rules) {
            Ok(state) => state,
            Err(wrong) => {
                tracing::warn!("{wrong}; what is usual is learned from the log anew");
                None
            }
        };
        let is_saved = state.is_some();
        let state = state.unwrap_or_else(|| fresh(rules));
        Self { log: folder.join("log"), rules, file, state, records: None, saved: None, is_saved, trouble: None }
    }

    /// Reads what is new, says what is found in it, and writes how far it is.
    pub fn round(&mut self, said: &Said, stopped: &AtomicBool) {
        let read = self.read_on(said, stopped);
        if read.is_err() {
            self.records = None;
        }
        let is_last = stopped.load(Ordering::Acquire);
        let done = read.and_then(|()| if is_last { self.save() } else { self.save_in_time() });
        match done {
            Ok(()) => self.trouble = None,
            Err(wrong) => {
                if self.trouble.as_ref() != Some(&wrong) {
                    tracing::warn!("alerts: {wrong}; it is tried again until it works");
                    self.trouble = Some(wrong);
                }
            }
        }
    }

    fn read_on(&mut self, said: &Said, stopped: &AtomicBool) -> Result<(), String> {
        if self.records.is_none() {
            // Written at once: from then on it is known since when something may be said, however long the first reading takes.
            return self.open();
        }
        let began = Instant::now();
        let mut count = 0_usize;
        while let Some(record) = self.next()? {
            self.take(&record);
            count = count.saturating_add(1);
            if count.checked_rem(STEP) == Some(0) {
                let is_late = stopped.load(Ordering::Acquire) && began.elapsed() > LAST_MAX;
                // So that a first reading of a long log which is cut off goes on where it was.
                let is_time = self.saved.is_none_or(|saved| saved.elapsed() >= SAVE_EVERY);
                if is_late || is_time && self.state.usage.pending().is_empty() {
                    return Ok(());
                }
            }
        }
        self.state.usage.pass(now());
        let found: Vec<_> = self.state.usage.pending().iter().map(alert).collect();
        if !found.is_empty() {
            // What is not in the log was not said. It stays, and the state with it.
            if let Err(down) = said.append(found) {
                tracing::debug!("alerts wait: {down}");
                return self.refresh();
            }
            self.is_saved = false;
        }
        self.state.usage.settle();
        self.refresh()
    }

    /// Goes to where the state is.
    fn open(&mut self) -> Result<(), String> {
        // What was taken in and not written is read again.
        if let Some(state) = self.file.read(self.rules).ok().flatten() {
            self.state = state;
        }
        let places: Vec<_> = self.state.places.values().copied().collect();
        let unreadable = |error: std::io::Error| format!("the log can't be read: {error}");
        let records = match records_after(&self.log, &places).map_err(unreadable)? {
            Some(records) => Some(records),
            None => {
                tracing::warn!("alerts: the log is another one than was read so far; what is usual is learned anew");
                self.state = fresh(self.rules);
                self.is_saved = false;
                records_after(&self.log, &[]).map_err(unreadable)?
            }
        };
        self.records = records.map(|records| records.only(&KINDS));
        Ok(())
    }

    fn next(&mut self) -> Result<Option<LoggedRecord>, String> {
        let Some(records) = &mut self.records else { return Ok(None) };
        loop {
            match records.next() {
                None => return Ok(None),
                Some(Ok(record)) => return Ok(Some(record)),
                // It may be readable another time.
                Some(Err(fault)) if records.has_gone_over() => return Err(fault.to_string()),
                Some(Err(fault)) => tracing::debug!("alerts: decision log: {fault}"),
            }
        }
    }

    fn refresh(&mut self) -> Result<(), String> {
        let refreshed = self.records.as_mut().map_or(Ok(()), Records::refresh);
        refreshed.map_err(|error| format!("the log can't be read: {error}"))
    }

    fn take(&mut self, record: &LoggedRecord) {
        if let Some(seen) = seen(record) {
            self.state.usage.take(seen);
        }
        if let Some(place) = record.place() {
            self.state.places.insert(record.lane, place);
        }
        self.is_saved = false;
    }

    fn save_in_time(&mut self) -> Result<(), String> {
        let is_time = self.saved.is_none_or(|saved| saved.elapsed() >= SAVE_EVERY);
        if is_time { self.save() } else { Ok(()) }
    }

    fn save(&mut self) -> Result<(), String> {
        if self.is_saved || !self.state.usage.pending().is_empty() {
            return Ok(());
        }
        self.file.write(&self.state)?;
        (self.is_saved, self.saved) = (true, Some(Instant::now()));
        Ok(())
    }
}

fn fresh(rules: Rules) -> State {
    State { usage: Usage::new(rules, now()), places: Default::default() }
}

/// What a record says of who uses what.
fn seen(record: &LoggedRecord) -> Option<Seen<'_>> {
    let at = record.at.0;
    let session = record.session.as_deref();
    Some(match record.kind() {
        "started" => Seen::Started,
        "admitted" => {
            let (principal, target) = (record.text("principal")?, record.text("target")?);
            Seen::Admitted { at, session: session?, principal, target }
        }
        "ended" => Seen::Ended { at, session: session?, rows: record.event.get("rows")?.as_u64()? },
        "closed" => Seen::Closed { session: session? },
        "alert" => {
            let what = What::of(record.text("what")?)?;
            let since = record.event.get("since").and_then(Value::as_u64)?;
            let is_ours = matches!(what, What::FirstUse | What::UnusualVolume);
            let (principal, target) = (record.text("principal"), record.text("target"));
            Seen::Said(Some(Key { what, principal, target, since }).filter(|_| is_ours)?)
        }
        _ => return None,
    })
}

fn alert(finding: &Finding) -> (Option<SessionId>, Alert) {
    let Finding { what, principal, target, session, since, detail } = finding.clone();
    let session = session.map(|session| SessionId(session.into()));
    let (what, since) = (what.as_str(), UnixMicros(since));
    (session, Alert { what, state: ONCE, detail, principal, target, of: None, since, until: None })
}
