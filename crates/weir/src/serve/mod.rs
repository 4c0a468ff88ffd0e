//! `weir serve`: everything wired together and running.
//!
//! One thread accepts, watches and waits for signals. Each worker thread has a runtime of its own, on which its sessions
//! stay, and a lane of the decision log of its own, so that workers share no lock on the way of a statement.

mod files;
mod keeper;
mod listen;
mod reload;
mod watched;
mod workers;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use evidence::{Log, Reserve};
use gate::{Event, Gate, Ledger, Record, Tally};
use model::UnixMicros;
use protocol_postgres::{CallerTls, Postgres, Signals};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::alerts::{self, Alerts};
use crate::config::{Config, Durability};
use crate::exports::{ExportDown, Exports};
use crate::secrets::Secrets;
use crate::state::{self, FileError};
use crate::{log_keys, policies, tls, wiring};

pub use watched::State;

/// How long running sessions may go on after Weir was asked to stop.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// How often policies and tokens are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Why Weir does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A file of the state folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// The policies are wrong; they were printed.
    #[error("the policies have errors")]
    Policies(Vec<policy::Problem>),
    /// Tokens or issuers can't be used.
    #[error("identity: {0}")]
    Identity(String),
    /// What is looked for in values can't be.
    #[error("detection: {0}")]
    Detection(String),
    /// The log can't be opened.
    #[error("{0}")]
    Log(#[from] evidence::OpenError),
    /// The log can't be written.
    #[error("{0}")]
    Ledger(#[from] gate::LedgerDown),
    /// Recordings can't be written.
    #[error("{0}")]
    Recordings(#[from] evidence::recording::StartError),
    /// An export can't be started.
    #[error(transparent)]
    Export(#[from] ExportDown),
    /// An address can't be listened on.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        why: std::io::Error,
    },
    /// Nor can the address for whoever watches.
    #[error("cannot listen on {address} (`api` under [listen]): {why}")]
    ListenApi {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        why: std::io::Error,
    },
    /// No threads or no runtime.
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
    /// Nothing to do.
    #[error("the configuration has no target, so there is nothing to serve")]
    NothingToServe,
}

/// Serves until SIGTERM or SIGINT. `ready` is told each address once it is listened on.
pub fn serve(config: &Config, ready: impl Fn(&str, std::net::SocketAddr)) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    state::prepare(&config.state)?;
    let started = SystemTime::now();
    let api_listener = watched::bind(config.listen.api)?;
    let tls = tls::server(config, started)?;
    let said = Arc::<watched::State>::default();
    // Before anything of it is read: what is changed meanwhile is seen at the first look.
    let mut watched = reload::Watched::new(config, Arc::clone(&said));
    let (policies, warnings) = policies::load(config).map_err(ServeError::Policies)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let durability = match config.durability {
        Durability::Written => evidence::Durability::Written,
        Durability::Synced => evidence::Durability::Synced,
    };
    let signing = log_keys::signing(&config.state, &config.evidence)?;
    let log = wiring::open_log(&config.state, &config.evidence, config.workers, durability, signing)?;
    for fault in log.recovered() {
        tracing::warn!("decision log: {fault}");
    }
    let first: Arc<dyn Ledger> = log.lane(0);
    first
        .append(&[record(Event::Started { version: crate::version::VERSION, policies: policies.hash().to_owned() })])?;
    let secrets = Secrets::read(&config.state)?;
    keys_follow(config, &log, &secrets, &*first)?;
    let names = config.targets.values().map(|target| target.target.id.clone());
    let mut gate = Gate::new(Arc::new(policies), secrets.keys()).with_tally(Tally::new(names, config.workers));
    let (mut recordings, mut disks) = (None, vec![("log", log.space())]);
    if let Some(recorder) = wiring::recorder(config, &secrets, Arc::clone(&first))? {
        recordings = Some(recorder.meter());
        disks.push(("recordings", recorder.space()));
        gate = gate.with_recorder(Arc::new(recorder));
    }
    let gate = Arc::new(gate);
    let spaces = disks.iter().map(|(_, space)| Arc::clone(space)).collect();
    let _reserve = Reserve::keep(config.evidence.reserve_bytes, spaces)?;
    let (tapes, watched_disks) = (recordings.clone(), disks.clone());
    let kept = Arc::<keeper::Kept>::default();
    let api = api_listener.map(|listener| {
        let (gate, state, kept) = (Arc::clone(&gate), Arc::clone(&said), Arc::clone(&kept));
        let parts = watched::Parts { gate, log: log.meter(), recordings, disks, kept, state, started };
        watched::serve(listener, parts)
    });
    let api = api.transpose()?;
    let directory = Arc::new(wiring::directory(config).map_err(ServeError::Identity)?);
    let (shutdown, shutting_down) = watch::channel(false);
    let (revoke, revocations) = watch::channel(0_u64);
    let signals = Signals {
        shutdown: shutting_down,
        revocations,
        identities: directory,
        credentials: Arc::new(wiring::Passwords::of(config)),
    };
    let content = wiring::content(config).map_err(ServeError::Detection)?;
    let targets = config.targets.values().map(|target| wiring::postgres_target(target, content.as_ref()));
    let logins = files::within(files::limit(), config.listen.logins);
    let face = CallerTls { config: tls.config, certificate: tls.certificate };
    let postgres = Arc::new(Postgres::new(Arc::clone(&gate), targets, face, logins, signals));
    let address = config.listen.postgres.ok_or(ServeError::NothingToServe)?;
    let workers = workers::Workers::start(config.workers, &postgres, |lane| -> Arc<dyn Ledger> { log.lane(lane) })?;
    let exports = Exports::start(config)?;
    let _ = said.exports.set(exports.watch());
    let alerted = Arc::new(alerts::Said::new(Arc::clone(&first)));
    let _ = said.alerts.set(Arc::clone(&alerted));
    let conditions = alerts::Conditions {
        gate: Arc::clone(&gate),
        log: log.meter(),
        recordings: tapes,
        disks: watched_disks,
        exports: exports.watch(),
        state: Arc::clone(&said),
        settings: config.alerts,
        episodes: Default::default(),
    };
    let alerts = Alerts::start(conditions, alerts::Reader::new(&config.state, config.alerts.rules), alerted)?;
    let keeper = keeper::Keeper::start(config, Arc::clone(&first), kept)?;
    runtime.block_on(async {
        let listener = listen::bind(address).await.map_err(|why| ServeError::Listen { address, why })?;
        let local = listener.local_addr()?;
        tracing::info!("listening for PostgreSQL on {local}");
        said.listens.store(true, Ordering::Release);
        ready("postgres", local);
        if let Some(api) = &api {
            tracing::info!("listening for health checks and metrics on {}", api.address());
            ready("api", api.address());
        }
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut hup = signal(SignalKind::hangup())?;
        let mut unheard = listen::Unheard::default();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = listen::hand_out(&listener, &postgres, &workers, &mut unheard) => {}
                _ = look.tick() => {
                    watched.look_at_policies(config, &gate, first.as_ref());
                    if watched.credentials_changed() {
                        revoke.send_modify(|count| *count = count.wrapping_add(1));
                    }
                }
                _ = hup.recv() => watched.reload_policies(config, &gate, first.as_ref()),
                _ = term.recv() => break,
                _ = int.recv() => break,
            }
        }
        // Said first: who sends callers here looks at it now and then.
        said.stopping.store(true, Ordering::Release);
        drop(listener);
        tracing::info!("stopping: {} sessions are open", workers.open());
        let _ = shutdown.send(true);
        workers.drained(DRAIN_MAX).await;
        Ok::<(), ServeError>(())
    })?;
    let left = workers.stop();
    if left > 0 {
        tracing::warn!("{left} sessions were cut off");
    }
    drop(api);
    drop(alerts);
    drop(keeper);
    let stopped = first.append(&[record(Event::Stopped {})]);
    exports.stop();
    stopped?;
    Ok(())
}

/// Writes down which keys are in force from this start on, and only then says so of them: killed in between, the next start does it again.
fn keys_follow(config: &Config, log: &Log, secrets: &Secrets, ledger: &dyn Ledger) -> Result<(), ServeError> {
    let mut rotated = Vec::new();
    for key in secrets.told()?.into_iter().filter(|key| !key.in_force) {
        rotated.push(record(Event::KeyRotated { what: key.purpose.as_str(), key: key.id }));
    }
    let signs = log_keys::followed(&config.state, log)?;
    rotated.extend(signs.iter().map(|key| record(Event::KeyRotated { what: "log", key: key.to_string() })));
    if rotated.is_empty() {
        return Ok(());
    }
    ledger.append(&rotated)?;
    secrets.are_in_force()?;
    if signs.is_some() {
        log_keys::follow(&config.state)?;
    }
    Ok(())
}

fn record(event: Event) -> Record {
    Record { at: UnixMicros::from(SystemTime::now()), session: None, event }
}
