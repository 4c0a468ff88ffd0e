//! A log in memory, and what must hold of what arrived.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use export::{Cursors, Entry, Exporter, Order, Pace, Settings, Source, SourceError, Status, To};
use model::UnixMicros;
use tokio::sync::watch;

/// Lanes of the log.
pub const LANES: u16 = 3;

/// A log that grows.
#[derive(Clone, Default)]
pub struct Log {
    entries: Arc<Mutex<Vec<Entry>>>,
    /// Tells it from others.
    pub name: u8,
}

impl Log {
    /// One with so many records.
    pub fn of(count: u64) -> Self {
        let log = Self::default();
        log.grow(count);
        log
    }

    /// Another one, with nothing in it.
    pub fn another() -> Self {
        Self { name: 7, ..Self::default() }
    }

    /// Adds records, to each lane in turn.
    pub fn grow(&self, count: u64) {
        let mut entries = self.entries.lock().unwrap();
        for _ in 0..count {
            let number = u64::try_from(entries.len()).unwrap();
            let lane = u16::try_from(number % u64::from(LANES)).unwrap();
            let seq = number / u64::from(LANES) + 1;
            let event = if number % 5 == 0 { "decided" } else { "ended" };
            // Some are large, so that now bytes bound a batch and now its count.
            let length = if number % 7 == 3 { 400 } else { 40 };
            let json = format!(
                "{{\"lane\":{lane},\"seq\":{seq},\"event\":\"{event}\",\"text\":\"ä ] \\\" {}\"}}",
                "x".repeat(length)
            );
            entries.push(Entry {
                lane,
                seq,
                at: UnixMicros(1_795_251_600_000_000 + number),
                event: event.to_owned(),
                session: Some(format!("0198-{lane}")),
                op: Some(seq),
                ruling: (event == "decided").then(|| "deny".to_owned()),
                json,
                place: vec![self.name, u8::try_from(seq % 251).unwrap()],
            });
        }
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().clone()
    }

    pub fn source(&self) -> Box<dyn Source> {
        Box::new(Reader { log: self.clone(), cursors: Cursors::new(), at: 0, until: 0 })
    }
}

struct Reader {
    log: Log,
    cursors: Cursors,
    at: usize,
    until: usize,
}

impl Source for Reader {
    fn open(&mut self, cursors: &Cursors) -> Result<(), SourceError> {
        let entries = self.log.entries();
        let holds = |lane: &u16, cursor: &export::Cursor| {
            entries.iter().any(|e| e.lane == *lane && e.seq == cursor.seq && e.place == cursor.place)
        };
        if !cursors.iter().all(|(lane, cursor)| holds(lane, cursor)) {
            return Err(SourceError::Another);
        }
        (self.cursors, self.at, self.until) = (cursors.clone(), 0, entries.len());
        Ok(())
    }

    fn next(&mut self) -> Option<Entry> {
        let entries = self.log.entries.lock().unwrap();
        while self.at < self.until {
            let entry = &entries[self.at];
            self.at += 1;
            if self.cursors.get(&entry.lane).is_none_or(|cursor| entry.seq > cursor.seq) {
                return Some(entry.clone());
            }
        }
        None
    }

    fn refresh(&mut self) -> Result<(), SourceError> {
        self.until = self.log.entries.lock().unwrap().len();
        Ok(())
    }

    fn sync(&self, _: &Cursors) -> Result<(), SourceError> {
        Ok(())
    }

    fn behind(&self, cursors: &Cursors) -> Option<u64> {
        let seq = |entry: &Entry| cursors.get(&entry.lane).map_or(0, |cursor| cursor.seq);
        Some(u64::try_from(self.log.entries().iter().filter(|entry| entry.seq > seq(entry)).count()).unwrap())
    }
}

/// Quick enough for tests; `settle` is more than `timeout`, as it must be.
pub fn pace() -> Pace {
    Pace {
        poll: Duration::from_millis(5),
        retry_first: Duration::from_millis(5),
        retry_max: Duration::from_millis(40),
        timeout: Duration::from_millis(400),
        settle: Duration::from_millis(600),
        save_every: Duration::ZERO,
        batch_records_max: 4,
        batch_bytes_max: 600,
    }
}

pub fn exporter(log: &Log, to: &To, folder: &Path, pace: Pace) -> Exporter {
    let settings = Settings { name: "siem".into(), to: to.clone(), events: None, pace };
    Exporter::new(settings, folder, log.source()).unwrap()
}

/// Runs what needs a runtime, as an exporter's thread does.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let output = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await });
    runtime.shutdown_background();
    output.unwrap_or_else(|_| panic!("this takes too long"))
}

/// Lets an exporter live for so many polls; whether it ended by itself.
pub fn live(exporter: Exporter, polls: usize, order: Order) -> bool {
    let (_orders, ordered) = watch::channel(order);
    block_on(async {
        let mut running = pin!(exporter.run(ordered));
        let mut left = polls;
        std::future::poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(false);
            }
            left -= 1;
            running.as_mut().poll(context).map(|()| true)
        })
        .await
    })
}

/// Lets it run until this holds.
pub fn run_until(exporter: Exporter, mut holds: impl FnMut(&Status) -> bool) {
    let (_orders, ordered) = watch::channel(Order::Run);
    let status = exporter.watch();
    block_on(async {
        tokio::select! {
            () = exporter.run(ordered) => panic!("it ended"),
            () = async {
                while !holds(&status()) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            } => {}
        }
    });
}

/// What arrived, by lane and number.
pub type Arrived = Arc<Mutex<Vec<(u16, u64)>>>;

/// Lane and number as a record says them.
pub fn name_of(json: &str) -> (u16, u64) {
    let record: serde_json::Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    (u16::try_from(record["lane"].as_u64().unwrap()).unwrap(), record["seq"].as_u64().unwrap())
}

/// Whether all of the log arrived.
pub fn is_whole(log: &Log, arrived: &Arrived) -> bool {
    let arrived = arrived.lock().unwrap();
    log.entries().iter().all(|entry| arrived.contains(&(entry.lane, entry.seq)))
}

/// All of the log arrived, in each lane in order: nothing that is new comes before what stands before it.
#[track_caller]
pub fn assert_whole(log: &Log, arrived: &[(u16, u64)], case: &str) {
    let mut last: BTreeMap<u16, u64> = BTreeMap::new();
    for (lane, seq) in arrived {
        let last = last.entry(*lane).or_default();
        assert!(*seq <= *last + 1, "{case}: in lane {lane} {seq} comes after {last}: {arrived:?}");
        *last = (*last).max(*seq);
    }
    let mut whole: BTreeMap<u16, u64> = BTreeMap::new();
    whole.extend(log.entries().iter().map(|entry| (entry.lane, entry.seq)));
    assert_eq!(last, whole, "{case}");
}
