//! The exports of a configuration, fed from the decision log.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use evidence::{LoggedRecord, Place, Records, json_line, records_after};
use export::{
    Cursors, Entry, Exporter, Running, Secret, Settings, Source, SourceError, Status, To, Unusable, WebhookTo,
};
use serde_json::Value;

use crate::config::{Config, Export, ExportTo};
use crate::log_keys;
use crate::place::{place, to_bytes};

/// How long exports may take for what is left when Weir stops.
const FINISH_MAX: Duration = Duration::from_secs(5);

/// The exports that run.
pub struct Exports(Vec<Running>);

/// How one of them is doing, whenever that is asked.
pub struct Watch {
    /// Its name.
    pub name: String,
    status: Box<dyn Fn() -> Status + Send + Sync>,
}

impl Watch {
    /// How it is doing now.
    pub fn status(&self) -> Status {
        (self.status)()
    }
}

/// An export that can't be started.
#[derive(Debug, thiserror::Error)]
#[error("export \"{name}\": {why}")]
pub struct ExportDown {
    name: String,
    why: Unusable,
}

impl Exports {
    /// Starts all of a configuration. The log must be open: who has it has the cursors too.
    pub fn start(config: &Config) -> Result<Self, ExportDown> {
        let start = |export: &Export| {
            let source = LogSource {
                log: config.state.join("log"),
                checkpoint: log_keys::checkpoint_file(&config.state),
                with_checkpoints: export.checkpoints,
                records: None,
                gone_over: None,
            };
            Exporter::new(settings(export), &config.state.join("export"), Box::new(source))
                .and_then(|exporter| Running::start(&export.name, exporter))
                .map_err(|why| ExportDown { name: export.name.clone(), why })
        };
        config.exports.iter().map(start).collect::<Result<_, _>>().map(Self)
    }

    /// A view of each.
    pub fn watch(&self) -> Vec<Watch> {
        let watch = |running: &Running| Watch { name: running.name().to_owned(), status: Box::new(running.watch()) };
        self.0.iter().map(watch).collect()
    }

    /// Lets each deliver what the log holds, and stops them.
    pub fn stop(self) {
        self.0.iter().for_each(Running::finish);
        let began = Instant::now();
        for running in self.0 {
            let name = running.name().to_owned();
            if let Err(why) = running.ended(FINISH_MAX.saturating_sub(began.elapsed())) {
                tracing::warn!("export {name}: not all was delivered ({why}); the next start goes on");
            }
        }
    }
}

fn settings(export: &Export) -> Settings {
    let to = match &export.to {
        ExportTo::File(path) => To::File(path.clone()),
        ExportTo::Syslog(to) => To::Syslog(to.clone()),
        ExportTo::Webhook { url, secret, body, ca } => {
            let source = secret.clone();
            let secret = Secret::new(move || source.fetch().map_err(|error| error.to_string()));
            To::Webhook(WebhookTo { url: url.clone(), secret, body: *body, ca: ca.clone() })
        }
    };
    Settings { name: export.name.clone(), to, events: export.events.clone(), pace: export::Pace::default() }
}

/// The decision log in a state folder.
struct LogSource {
    log: PathBuf,
    checkpoint: PathBuf,
    /// Whether checkpoints are read too.
    with_checkpoints: bool,
    records: Option<Records>,
    /// Why reading must begin again at what was delivered.
    gone_over: Option<String>,
}

impl Source for LogSource {
    fn open(&mut self, cursors: &Cursors) -> Result<(), SourceError> {
        let places = places(cursors)?;
        let records = records_after(&self.log, &places).map_err(|error| self.unreadable(&error))?;
        let records = records.ok_or(SourceError::Another)?;
        self.records = Some(if self.with_checkpoints { records.with_checkpoints() } else { records });
        self.gone_over = None;
        Ok(())
    }

    fn next(&mut self) -> Option<Entry> {
        while let Some(record) = self.records.as_mut()?.next() {
            let wrong = match record.map(entry) {
                Ok(Some(entry)) => return Some(entry),
                Ok(None) => "a record has no place".to_owned(),
                Err(fault) => fault.to_string(),
            };
            // What can't be read now can be later, and must not be gone over.
            if self.records.as_ref().is_some_and(Records::has_gone_over) {
                self.gone_over = Some(wrong);
                self.records = None;
                return None;
            }
            // What is wrong there can't be exported, and what follows must be.
            tracing::warn!("export: decision log: {wrong}");
        }
        None
    }

    fn refresh(&mut self) -> Result<(), SourceError> {
        if let Some(wrong) = &self.gone_over {
            return Err(SourceError::Unreadable(wrong.clone()));
        }
        match self.records.as_mut().map(Records::refresh) {
            Some(Err(error)) => Err(self.unreadable(&error)),
            _ => Ok(()),
        }
    }

    fn sync(&self, cursors: &Cursors) -> Result<(), SourceError> {
        // Weir itself syncs once a second, where it signs: mostly there is nothing left to do.
        let sync = |place: &Place| File::open(self.log.join(place.segment.to_string()))?.sync_data();
        places(cursors)?.iter().try_for_each(sync).map_err(|error| self.unreadable(&error))
    }

    fn behind(&self, cursors: &Cursors) -> Option<u64> {
        let note = std::fs::read_to_string(&self.checkpoint).ok()?;
        let known = |lane| cursors.get(&lane).map_or(0, |cursor| cursor.seq);
        Some(last_records(&note).fold(0, |sum, (lane, seq)| sum.saturating_add(seq.saturating_sub(known(lane)))))
    }
}

impl LogSource {
    fn unreadable(&self, error: &std::io::Error) -> SourceError {
        SourceError::Unreadable(format!("{}: {error}", self.log.display()))
    }
}

fn places(cursors: &Cursors) -> Result<Vec<Place>, SourceError> {
    let places = cursors.iter().map(|(lane, cursor)| place(*lane, &cursor.place));
    places.collect::<Option<_>>().ok_or(SourceError::Another)
}

/// What a checkpoint says of each lane: `lane 0 702 OW9aL0Kc…`.
fn last_records(note: &str) -> impl Iterator<Item = (u16, u64)> + '_ {
    note.lines().filter_map(|line| {
        let mut words = line.strip_prefix("lane ")?.split(' ');
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    })
}

/// A record as it is exported: as `weir log --json` shows it, and the lane before that.
fn entry(record: LoggedRecord) -> Option<Entry> {
    let place = to_bytes(&record.place()?);
    let line = json_line(&record);
    Some(Entry {
        lane: record.lane,
        seq: record.seq,
        at: record.at,
        event: record.kind().to_owned(),
        op: record.event.get("op").and_then(Value::as_u64),
        ruling: record.text("ruling").map(str::to_owned),
        json: format!("{{\"lane\":{},{}", record.lane, line.strip_prefix('{')?),
        session: record.session,
        place,
    })
}
