//! Reads the log, delivers it, and remembers how far it is.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, SystemTime};

use model::UnixMicros;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::backoff::{self, Backoff};
use crate::cursor_file::{CursorError, CursorFile};
use crate::entry::{Cursor, Cursors, Entry, Source, SourceError};
use crate::settings::{Pace, Settings};
use crate::sink::{Failure, Sink};
use crate::status::{Shared, Status};

/// Records that are passed over at once, because nobody wants their kind, before something else is looked at.
const PASSED_OVER_MAX: usize = 10_000;
/// How often it is counted how far behind it is.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// Deliveries that wait to settle are told apart by this much time, so that their number is bounded.
const SETTLE_STEP: Duration = Duration::from_millis(250);

/// What an exporter is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Go on.
    Run,
    /// Deliver what the log holds, and end; end at once if that fails.
    Finish,
    /// End at once.
    Stop,
}

/// Why there is no such exporter.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Its settings name something that can't be used.
    #[error("{0}")]
    Settings(String),
    /// Its cursor's file can't be used.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// No thread for it.
    #[error("no thread can be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Delivers a log to one place. It can be dropped in any moment: one that is made anew goes on where it was for sure.
pub struct Exporter {
    settings: Settings,
    source: Box<dyn Source>,
    sink: Sink,
    file: CursorFile,
    /// What is taken for sure.
    taken: Cursors,
    /// Delivered, and not taken for sure.
    unsettled: VecDeque<Unsettled>,
    /// When the file was written, and whether it says what is taken.
    saved: Option<Instant>,
    is_saved: bool,
    /// Read, and too large for the batch before.
    next: Option<Entry>,
    counted: Option<Instant>,
    pub(crate) status: Shared,
}

struct Unsettled {
    first: Instant,
    last: Instant,
    cursors: Cursors,
}

impl Exporter {
    /// One whose cursor is in this folder.
    pub fn new(settings: Settings, folder: &Path, source: Box<dyn Source>) -> Result<Self, Unusable> {
        let sink = Sink::new(settings.to.clone(), &settings.pace).map_err(Unusable::Settings)?;
        let file = CursorFile::new(folder, &settings.name)?;
        let taken = file.read()?;
        Ok(Self {
            settings,
            source,
            sink,
            file,
            taken,
            unsettled: VecDeque::new(),
            saved: None,
            is_saved: true,
            next: None,
            counted: None,
            status: Shared::default(),
        })
    }

    /// How it is doing, whenever that is asked.
    pub fn watch(&self) -> impl Fn() -> Status + Send + use<> {
        let status = self.status.clone();
        move || status.now()
    }

    /// Delivers until it is told to end.
    pub async fn run(mut self, mut orders: watch::Receiver<Order>) {
        let mut stop = orders.clone();
        tokio::select! {
            biased;
            _ = stop.wait_for(|order| *order == Order::Stop) => {}
            () = self.work(&mut orders) => {}
        }
        self.settle();
        if let Err(Failure(why)) = self.save() {
            self.failed(why);
        }
    }

    async fn work(&mut self, orders: &mut watch::Receiver<Order>) {
        let Pace { retry_first, retry_max, .. } = self.settings.pace;
        let mut backoff = Backoff::new(retry_first, retry_max);
        while let Err(Failure(why)) = self.deliver_all(orders, &mut backoff).await {
            self.failed(why);
            self.sink.reset();
            self.unsettled.clear();
            let until = Instant::now().checked_add(backoff.wait(backoff::random()));
            if self.wait(until.unwrap_or_else(Instant::now), orders).await {
                return;
            }
        }
    }

    /// Waits, and counts meanwhile what comes. Whether it is to end.
    async fn wait(&mut self, until: Instant, orders: &mut watch::Receiver<Order>) -> bool {
        loop {
            self.count(&self.taken.clone());
            let step = Instant::now().checked_add(COUNT_EVERY).map_or(until, |step| step.min(until));
            tokio::select! {
                biased;
                _ = orders.wait_for(|order| *order != Order::Run) => return true,
                () = sleep_until(step) => {}
            }
            if step >= until {
                return false;
            }
        }
    }

    /// Ends when it is told to and all is delivered.
    async fn deliver_all(&mut self, orders: &mut watch::Receiver<Order>, backoff: &mut Backoff) -> Result<(), Failure> {
        self.next = None;
        let mut place = self.taken.clone();
        self.source.open(&place).map_err(|error| self.unread(&error))?;
        loop {
            match self.sink.check().await {
                // Nothing is lost by it: a receiver may close what is not used.
                Err(_) if self.unsettled.is_empty() => self.sink.reset(),
                checked => checked?,
            }
            self.settle();
            self.save_in_time()?;
            let before = place.clone();
            let batch = self.gather(&mut place);
            if batch.is_empty() && place == before {
                self.caught_up();
                // Asked before the log is looked at again, so that what came before the order is delivered.
                let is_last = *orders.borrow_and_update() != Order::Run;
                if !is_last {
                    tokio::select! {
                        () = sleep(self.settings.pace.poll) => {}
                        _ = orders.changed() => {}
                    }
                }
                self.source.refresh().map_err(|error| self.unread(&error))?;
                if is_last && !self.has_more() {
                    return self.finish().await;
                }
                continue;
            }
            if let Some(first) = batch.first() {
                self.begins(first.at, &before);
                self.sink.deliver(&batch).await?;
                self.delivered(batch.len());
                backoff.reset();
            }
            self.unsettled(&place);
            // A place to end at, also where nothing had to be waited for.
            tokio::task::yield_now().await;
        }
    }

    fn has_more(&mut self) -> bool {
        if self.next.is_none() {
            self.next = self.source.next();
        }
        self.next.is_some()
    }

    /// The next batch, bounded, and how far it leads.
    fn gather(&mut self, place: &mut Cursors) -> Vec<Entry> {
        let Pace { batch_records_max, batch_bytes_max, .. } = self.settings.pace;
        let (mut batch, mut bytes, mut passed_over) = (Vec::new(), 0_usize, 0_usize);
        while batch.len() < batch_records_max && passed_over < PASSED_OVER_MAX {
            let Some(entry) = self.next.take().or_else(|| self.source.next()) else { break };
            let is_wanted = self.settings.events.as_ref().is_none_or(|events| events.contains(&entry.event));
            if is_wanted {
                let more = bytes.saturating_add(entry.json.len());
                if more > batch_bytes_max && !batch.is_empty() {
                    self.next = Some(entry);
                    break;
                }
                bytes = more;
            } else {
                passed_over = passed_over.saturating_add(1);
            }
            place.insert(entry.lane, Cursor { seq: entry.seq, place: entry.place.clone() });
            if is_wanted {
                batch.push(entry);
            }
        }
        batch
    }

    /// Up to here it is delivered.
    fn unsettled(&mut self, place: &Cursors) {
        let now = Instant::now();
        match self.unsettled.back_mut() {
            Some(last) if now.duration_since(last.first) < SETTLE_STEP => {
                last.last = now;
                last.cursors.clone_from(place);
            }
            _ => self.unsettled.push_back(Unsettled { first: now, last: now, cursors: place.clone() }),
        }
    }

    /// What was delivered long enough ago is taken.
    fn settle(&mut self) {
        let after = self.sink.settles_after(&self.settings.pace);
        while let Some(settled) = self.unsettled.pop_front_if(|unsettled| unsettled.last.elapsed() >= after) {
            self.taken = settled.cursors;
            self.is_saved = false;
        }
    }

    /// Ends in good order: all that was delivered is taken.
    async fn finish(&mut self) -> Result<(), Failure> {
        match self.sink.finish().await {
            Ok(()) => {
                if let Some(last) = self.unsettled.pop_back() {
                    self.taken = last.cursors;
                    self.is_saved = false;
                }
            }
            // It is delivered, and may not have been taken: the next start delivers it again. Not worth a warning: there are
            // receivers that end every connection so.
            Err(Failure(why)) => tracing::info!("export {}: {why}; its last records are sent again later", self.name()),
        }
        self.unsettled.clear();
        Ok(())
    }

    fn save_in_time(&mut self) -> Result<(), Failure> {
        let is_time = self.saved.is_none_or(|saved| saved.elapsed() >= self.settings.pace.save_every);
        if is_time { self.save() } else { Ok(()) }
    }

    fn save(&mut self) -> Result<(), Failure> {
        if !self.is_saved {
            self.source.sync(&self.taken).map_err(|error| self.unread(&error))?;
            self.file.write(&self.taken).map_err(|error| Failure(error.to_string()))?;
            self.is_saved = true;
            self.saved = Some(Instant::now());
        }
        Ok(())
    }

    fn unread(&self, error: &SourceError) -> Failure {
        Failure(match error {
            SourceError::Another => format!(
                "{error}; put the log back, or move {} away, and the whole log is exported from its beginning",
                self.file.path().display()
            ),
            SourceError::Unreadable(_) => error.to_string(),
        })
    }

    fn begins(&mut self, since: UnixMicros, place: &Cursors) {
        self.status.change(|status| status.since = Some(since));
        self.count(place);
    }

    fn count(&mut self, place: &Cursors) {
        if self.counted.is_some_and(|counted| counted.elapsed() < COUNT_EVERY) {
            return;
        }
        self.counted = Some(Instant::now());
        if let Some(behind) = self.source.behind(place) {
            self.status.change(|status| status.behind = behind.max(u64::from(status.since.is_some())));
        }
    }

    fn delivered(&self, records: usize) {
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        let was_failing = self.status.change(|status| {
            status.delivered = status.delivered.saturating_add(records);
            status.behind = status.behind.saturating_sub(records);
            status.delivered_at = Some(UnixMicros::from(SystemTime::now()));
            status.failing.take().is_some()
        });
        if was_failing {
            tracing::info!("export {}: goes on", self.name());
        }
    }

    fn caught_up(&self) {
        self.status.change(|status| {
            (status.behind, status.since) = (0, None);
            // Nothing is left that could show whether it works again; what was written last has been told to be wrong.
            status.failing = None;
        });
    }

    fn failed(&self, why: String) {
        let is_news = self.status.change(|status| {
            status.failures = status.failures.saturating_add(1);
            let is_news = status.failing.is_none();
            status.failing = Some(why.clone());
            is_news
        });
        // Once, until it goes on: the log of a night should not be full of it.
        if is_news {
            tracing::warn!("export {}: {why}; it is tried again until it works", self.name());
        } else {
            tracing::debug!("export {}: {why}", self.name());
        }
    }

    fn name(&self) -> &str {
        &self.settings.name
    }
}
