//! The PostgreSQL side of Weir: one connection from its first byte to its last.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gate::{Gate, Ledger};
use rustls::ServerConfig;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::binding::server_end_point;
use crate::cancel::{CancelKeys, Cancellable};
use crate::catalog::AllCatalogs;
use crate::conversation::Conversation;
use crate::lobby::{LINGER, Lobby, LoginLimits, Seat};
use crate::login::{Admitted, Incoming};
use crate::relay::{Relay, Signals, now};
use crate::stream::Stream;
use crate::target::{LoggedIn, TargetDown, TargetSettings};
use crate::wire::build::{self, OwnReport};
use crate::wire::startup::CancelKey;

/// How Weir shows callers who it is.
#[derive(Clone, Debug)]
pub struct CallerTls {
    /// For the handshake.
    pub config: Arc<ServerConfig>,
    /// The certificate that it shows, in DER, which logins can be bound to.
    pub certificate: Option<Vec<u8>>,
}

/// Everything that the sessions of one listener share.
pub struct Postgres {
    gate: Arc<Gate>,
    targets: BTreeMap<String, Arc<TargetSettings>>,
    tls: Arc<ServerConfig>,
    end_point: Option<Vec<u8>>,
    lobby: Arc<Lobby>,
    signals: Signals,
    catalogs: AllCatalogs,
    cancel_keys: Arc<CancelKeys>,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("targets", &self.targets.keys()).finish_non_exhaustive()
    }
}

impl Postgres {
    /// A server for these targets, by name.
    pub fn new(
        gate: Arc<Gate>,
        targets: impl IntoIterator<Item = TargetSettings>,
        tls: CallerTls,
        limits: LoginLimits,
        signals: Signals,
    ) -> Self {
        let targets = targets.into_iter().map(|target| (target.target.id.0.to_string(), Arc::new(target))).collect();
        Self {
            gate,
            targets,
            end_point: tls.certificate.as_deref().and_then(server_end_point),
            tls: tls.config,
            lobby: Arc::new(Lobby::new(limits)),
            signals,
            catalogs: AllCatalogs::default(),
            cancel_keys: Arc::default(),
        }
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    pub(crate) fn targets(&self) -> &BTreeMap<String, Arc<TargetSettings>> {
        &self.targets
    }

    pub(crate) fn identities(&self) -> &dyn gate::Identities {
        self.signals.identities.as_ref()
    }

    pub(crate) fn tls(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.tls)
    }

    /// What callers can bind their login to.
    pub(crate) fn end_point(&self) -> Option<Vec<u8>> {
        self.end_point.clone()
    }

    /// The room of those who have not logged in yet.
    pub(crate) fn lobby(&self) -> &Lobby {
        &self.lobby
    }

    /// A place for a connection that was accepted, before anything is read of it. None if it is to be closed at once,
    /// with [`Self::no_room`] if that can be said without waiting.
    pub fn enter(&self, peer: SocketAddr) -> Option<Seat> {
        self.lobby.enter(peer)
    }

    /// What a connection is told for which there is no place.
    pub fn no_room() -> OwnReport {
        OwnReport::fatal("53300", "too many connections are logging in")
            .hint("Try again in some seconds. Weir's configuration has the limits: logins_max, logins_per_address_max.")
    }

    /// Serves one connection to its end. Records go to this lane.
    ///
    /// The future stays on the thread it starts on.
    pub async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, seat: Seat, ledger: Arc<dyn Ledger>) {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let mut shutdown = self.signals.shutdown.clone();
        let incoming = async {
            match seat.is_standing() {
                false => self.take_in(stream, peer, &ledger).await,
                true => self.tell_no_room(stream).await,
            }
        };
        // Nobody comes in any more when Weir shuts down, and nobody holds it up at the door.
        let incoming = tokio::select! {
            incoming = incoming => incoming,
            _ = shutdown.wait_for(|down| *down) => return,
        };
        match incoming {
            Incoming::Caller(admitted) => {
                drop(seat);
                self.run(*admitted).await;
            }
            Incoming::Cancel(key, mut stream) => {
                let known = self.cancel(&key, peer, ledger.as_ref()).await;
                // A cancel request is not answered. That it is over is told by the end of its connection, and without
                // the end of TLS a client takes it for lost.
                let _ = timeout(Duration::from_secs(5), stream.shutdown()).await;
                drop(stream);
                if !known {
                    self.linger(seat).await;
                }
            }
            Incoming::Nobody if seat.is_standing() => {}
            Incoming::Nobody => self.linger(seat).await,
        }
    }

    /// Keeps the seat of a connection that came to nothing: whoever guesses, guesses slowly.
    async fn linger(&self, _seat: Seat) {
        let mut shutdown = self.signals.shutdown.clone();
        let _ = timeout(LINGER, shutdown.wait_for(|down| *down)).await;
    }

    async fn run(&self, admitted: Admitted) {
        let Admitted { mut stream, session, principal, target, database, settings, notices, secret_bytes, replication } =
            admitted;
        let logged_in = target.connect(&database, &settings, self.signals.credentials.as_ref()).await;
        session.reached(logged_in.as_ref().err().is_none_or(TargetDown::is_by_what_was_asked));
        let logged_in = match logged_in {
            Ok(logged_in) => logged_in,
            Err(down) => return self.target_down(stream, &session, &target, &down).await,
        };
        let LoggedIn { stream: upstream, greeting, key } = logged_in;
        let Some(poison) = unguessable() else { return };
        let issued = key.clone().map(|key| {
            let running = Cancellable { target: Arc::clone(&target), key, session: session.id().clone() };
            self.cancel_keys.issue(running, secret_bytes)
        });
        let issued = match issued.transpose() {
            Ok(issued) => issued,
            Err(_) => return,
        };
        let mut welcome = Vec::new();
        build::frame(&mut welcome, b'R', |out| out.extend_from_slice(&0_i32.to_be_bytes()));
        welcome.extend_from_slice(&greeting);
        if let Some(issued) = &issued {
            build::frame(&mut welcome, b'K', |out| {
                out.extend_from_slice(&issued.key().pid.to_be_bytes());
                out.extend_from_slice(&issued.key().secret);
            });
        }
        build::frame(&mut welcome, b'Z', |out| out.push(b'I'));
        if stream.write_all(&welcome).await.is_err() || stream.flush().await.is_err() {
            session.close(now(), "caller left during login");
            return;
        }
        let catalogs = self.catalogs.of(&target, &database);
        let mut conversation = Conversation::new(session, upstream, Arc::clone(&catalogs), poison);
        conversation.greeted(&greeting);
        conversation.set_notices(notices);
        conversation.set_replication(replication);
        let relay = Relay::new(stream, conversation, catalogs, principal, self.signals.clone());
        let running = relay.run().await;
        if let (true, Some(key)) = (running, key)
            && let Err(down) = target.cancel(&key).await
        {
            tracing::warn!(target_name = %target.target.id, "a statement that lost its session cannot be cancelled: {down}");
        }
    }

    async fn target_down(&self, stream: Stream, session: &gate::Session, target: &TargetSettings, down: &TargetDown) {
        tracing::warn!(session = %session.id(), target_name = %target.target.id, "{down}");
        session.close(now(), &format!("target cannot be reached: {down}"));
        let report =
            OwnReport::fatal("08001", format!("target \"{}\" cannot be reached: {}", target.target.id, down.public()))
                .hint("The reason is in Weir's log.");
        stream.turn_away(&report).await;
    }

    /// Passes a cancel request on, if its key is one of ours. Says whether it was.
    async fn cancel(&self, key: &CancelKey, peer: SocketAddr, ledger: &dyn Ledger) -> bool {
        let Some(running) = self.cancel_keys.find(key) else {
            // The session may just have ended. Many of these are somebody who guesses.
            let rejected = Gate::stranger(peer, None, "cancel: no session has this key");
            if let Err(down) = self.gate.reject(ledger, now(), rejected) {
                tracing::error!("{down}");
            }
            return false;
        };
        let record = gate::Record {
            at: now(),
            session: Some(running.session.clone()),
            event: gate::Event::Noticed { what: "cancel", detail: format!("asked for by {peer}") },
        };
        if ledger.append(&[record]).is_err() {
            return true;
        }
        if let Err(down) = running.target.cancel(&running.key).await {
            tracing::warn!(session = %running.session, "cancel: {down}");
        }
        true
    }
}

/// A name that nobody can guess.
fn unguessable() -> Option<String> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(bytes.iter().fold("weir_refused_".to_owned(), |name, byte| format!("{name}{byte:02x}")))
}
