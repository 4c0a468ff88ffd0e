//! What a running Weir says of itself to whoever watches it: its parts' numbers, put together.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use api::{Figures, Server, Timestamp};
use evidence::{Level, LogFigures, Meter, Space, SpaceFigures, recording};
use export::Status;
use gate::{Gate, Shown};
use model::UnixMicros;

use super::ServeError;
use super::keeper::Kept;
use crate::alerts::Said;
use crate::exports::Watch;
use crate::version::VERSION;

/// The parts of a running Weir that say something of themselves.
pub struct Parts {
    pub gate: Arc<Gate>,
    pub log: Meter,
    pub recordings: Option<recording::Meter>,
    pub disks: Vec<(&'static str, Arc<Space>)>,
    pub kept: Arc<Kept>,
    pub state: Arc<State>,
    pub started: SystemTime,
}

/// What only the serving itself knows.
#[derive(Default)]
pub struct State {
    /// Callers can connect.
    pub listens: AtomicBool,
    /// It was told to stop.
    pub stopping: AtomicBool,
    /// The policies in the folder have changed, and are not in force.
    pub policies_refused: AtomicBool,
    /// The exports, once they run.
    pub exports: OnceLock<Vec<Watch>>,
    /// The alerts, once they are looked for.
    pub alerts: OnceLock<Arc<Said>>,
}

/// Listens, before anything else is begun: an address that is taken is found then.
pub fn bind(address: Option<SocketAddr>) -> Result<Option<TcpListener>, ServeError> {
    let bound = address.map(|address| TcpListener::bind(address).map_err(|why| ServeError::ListenApi { address, why }));
    bound.transpose()
}

/// Answers whoever asks on this listener.
pub fn serve(listener: TcpListener, parts: Parts) -> Result<Server, ServeError> {
    Ok(Server::start(listener, move || parts.figures())?)
}

impl Parts {
    fn figures(&self) -> Figures {
        let is = |flag: &AtomicBool| flag.load(Ordering::Acquire);
        let tally = self.gate.tally();
        Figures {
            version: VERSION.to_owned(),
            started: timestamp(self.started),
            now: timestamp(SystemTime::now()),
            listens: is(&self.state.listens),
            stopping: is(&self.state.stopping),
            policies: api::Policies {
                hash: self.gate.policies().hash().to_owned(),
                refused: is(&self.state.policies_refused),
                errors: self.gate.erred().times(),
            },
            log: log(self.log.read(), self.log.places_down().len()),
            retention: retention(&self.kept),
            recordings: self.recordings.as_ref().map(|meter| recordings(meter.read())),
            disks: self.disks.iter().map(|(of, space)| disk(of, space.read())).collect(),
            targets: tally.each().map(|(name, counted)| target(name.to_string(), counted)).collect(),
            exports: self.state.exports.get().into_iter().flatten().map(export).collect(),
            alerts: self.state.alerts.get().map(|said| said.counts()).unwrap_or_default(),
            strangers_rejected: tally.elsewhere().rejected,
        }
    }
}

fn log(figures: LogFigures, places_down: usize) -> api::Log {
    let LogFigures { records, bytes, errors, is_down, unsigned, checkpoint_at } = figures;
    let checkpoint_at = checkpoint_at.map(|UnixMicros(at)| Timestamp(at));
    let places_down = u64::try_from(places_down).unwrap_or(u64::MAX);
    api::Log { records, bytes, errors, is_down, places_down, unsigned, checkpoint_at }
}

fn recordings(figures: recording::Figures) -> api::Recordings {
    let recording::Figures { open, raw_bytes, written_bytes, failed, is_down } = figures;
    api::Recordings { open, raw_bytes, written_bytes, failed, is_down }
}

fn disk(of: &'static str, figures: SpaceFigures) -> api::Disk {
    let SpaceFigures { free, reserve, level } = figures;
    api::Disk { of, free, reserve, is_low: level >= Level::Low, is_reserved: level == Level::Reserved }
}

fn export(watch: &Watch) -> api::Export {
    let Status { behind, since: _, failing, failures, delivered, delivered_at } = watch.status();
    let delivered_at = delivered_at.map(|UnixMicros(at)| Timestamp(at));
    api::Export { name: watch.name.clone(), delivered, delivered_at, behind, is_failing: failing.is_some(), failures }
}

fn retention(kept: &Kept) -> api::Retention {
    let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
    api::Retention { deleted: read(&kept.deleted), never: read(&kept.never), failed: read(&kept.failed) }
}

fn target(name: String, counted: gate::Counted) -> api::Target {
    let gate::Counted { open, admitted, rejected, permitted, refused, shown, reached } = counted;
    let Shown { rows, bytes, masked } = shown;
    api::Target { name, reached, open, admitted, rejected, permitted, refused, rows, bytes, masked }
}

fn timestamp(at: SystemTime) -> Timestamp {
    Timestamp(UnixMicros::from(at).0)
}
