//! A caller's way in: TLS, startup packet, proof of who it is, target, `connect`.

mod first;
mod proof;
mod settings;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gate::{Arrival, Gate, Rejected, Session};
use model::{Principal, SessionId, TargetId};
use sql_postgres::ReplicationOf;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use self::first::First;
use self::settings::{Settings, settings, startup_value};
use crate::lobby::STANDING_TIME_MAX;
use crate::relay::now;
use crate::server::Postgres;
use crate::stream::Stream;
use crate::target::TargetSettings;
use crate::wire::build::{self, OwnReport, Severity};
use crate::wire::startup::{CancelKey, Startup};

/// What a connection turned out to be.
pub enum Incoming {
    /// Somebody who may come in.
    Caller(Box<Admitted>),
    /// Somebody who wants another connection's statement stopped, and waits for this one to be closed.
    Cancel(CancelKey, Stream),
    /// Nobody: it was turned away and told why, or it left.
    Nobody,
}

/// A caller that may come in, not yet told so.
pub struct Admitted {
    /// Its connection.
    pub stream: Stream,
    /// Its session.
    pub session: Session,
    /// Who it is.
    pub principal: Arc<Principal>,
    /// Where it goes.
    pub target: Arc<TargetSettings>,
    /// The database there.
    pub database: String,
    /// Startup settings to pass on.
    pub settings: Vec<(String, String)>,
    /// Whether it wants to be told that something is masked.
    pub notices: bool,
    /// How long the secret of its cancel key is, in bytes.
    pub secret_bytes: usize,
    /// What it is for, if it is a replication connection.
    pub replication: Option<ReplicationOf>,
}

/// Why a caller is turned away: what it is told, and what the log keeps.
struct TurnedAway {
    report: OwnReport,
    rejected: Option<Rejected>,
}

impl TurnedAway {
    fn stranger(report: OwnReport, peer: SocketAddr, target: Option<TargetId>) -> Self {
        let why = report.message.clone();
        Self { report, rejected: Some(Gate::stranger(peer, target, why)) }
    }
}

impl Postgres {
    /// Takes a new connection in.
    pub(crate) async fn take_in(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        ledger: &Arc<dyn gate::Ledger>,
    ) -> Incoming {
        let begun = Instant::now();
        let time_max = self.lobby().limits().time_max;
        match timeout(time_max, self.first_packets(stream)).await {
            Ok(Ok(First::Startup(stream, startup))) => {
                let left = time_max.saturating_sub(begun.elapsed());
                self.log_in(stream, startup, left, peer, ledger).await
            }
            Ok(Ok(First::Cancel(key, stream))) => Incoming::Cancel(key, stream),
            Ok(Ok(First::Gone)) => Incoming::Nobody,
            Ok(Err((stream, wrong))) => {
                stream.turn_away(&OwnReport::fatal("08P01", format!("protocol violation: {wrong}"))).await;
                Incoming::Nobody
            }
            Err(_) => Incoming::Nobody,
        }
    }

    /// Tells a connection that there is no seat for it, in a way that its client understands. It may still cancel.
    pub(crate) async fn tell_no_room(&self, stream: TcpStream) -> Incoming {
        match timeout(STANDING_TIME_MAX, self.first_packets(stream)).await {
            Ok(Ok(First::Startup(stream, _))) => stream.turn_away(&Self::no_room()).await,
            Ok(Ok(First::Cancel(key, stream))) => return Incoming::Cancel(key, stream),
            Ok(Ok(First::Gone) | Err(_)) | Err(_) => {}
        }
        Incoming::Nobody
    }

    async fn log_in(
        &self,
        mut stream: Stream,
        startup: Startup,
        left: Duration,
        peer: SocketAddr,
        ledger: &Arc<dyn gate::Ledger>,
    ) -> Incoming {
        match timeout(left, self.identify(&mut stream, startup, peer, ledger)).await {
            Ok(Ok(known)) => {
                let Known { session, principal, target, database, settings, secret_bytes, replication } = known;
                let Settings { pairs: mut settings, notices, .. } = settings;
                settings.extend(replication.map(|of| ("replication".to_owned(), startup_value(of).to_owned())));
                Incoming::Caller(Box::new(Admitted {
                    stream,
                    session,
                    principal,
                    target,
                    database,
                    settings,
                    notices,
                    secret_bytes,
                    replication,
                }))
            }
            Ok(Err(None)) | Err(_) => Incoming::Nobody,
            Ok(Err(Some(turned))) => {
                if let Some(rejected) = turned.rejected
                    && let Err(down) = self.gate().reject(ledger.as_ref(), now(), rejected)
                {
                    tracing::error!("{down}");
                }
                stream.turn_away(&turned.report).await;
                Incoming::Nobody
            }
        }
    }

    /// Who it is, and whether it may come in. An error of `None` is a caller that left.
    async fn identify(
        &self,
        stream: &mut Stream,
        startup: Startup,
        peer: SocketAddr,
        ledger: &Arc<dyn gate::Ledger>,
    ) -> Result<Known, Option<TurnedAway>> {
        let stranger = |report| Some(TurnedAway::stranger(report, peer, None));
        if matches!(stream, Stream::Plain(_)) {
            let report = OwnReport::fatal("28000", "Weir takes connections over TLS only")
                .hint("Use sslmode=verify-full with sslrootcert set to Weir's ca.pem.");
            return Err(stranger(report));
        }
        negotiate(stream, &startup).await.map_err(|_| None)?;
        let user = startup.parameter("user").unwrap_or_default();
        if user.is_empty() {
            return Err(stranger(OwnReport::fatal("28000", "no user name is given")));
        }
        let replication =
            startup.replication().map_err(|wrong| stranger(OwnReport::fatal("22023", wrong.to_string())))?;
        let settings = settings(&startup).map_err(|report| stranger(*report))?;
        let principal = self.prove(stream, user, peer).await?;
        let refused = |report: OwnReport, target: Option<TargetId>| {
            let why = report.message.clone();
            let rejected = Rejected { principal: Some(principal.id()), target, peer: peer.to_string(), why };
            Some(TurnedAway { report, rejected: Some(rejected) })
        };
        if user != principal.name && user != principal.id() {
            let report = OwnReport::fatal("28000", format!("the token is not that of user \"{user}\""))
                .hint(format!("Connect as user={}.", principal.name));
            return Err(refused(report, None));
        }
        let asked = settings.target.as_deref().or(startup.parameter("database")).unwrap_or(user);
        let (target, database) = self.find(asked).map_err(|report| refused(*report, None))?;
        let principal = Arc::new(principal);
        let arrival = Arrival {
            session: SessionId(uuid::Uuid::now_v7().to_string().into()),
            principal: Arc::clone(&principal),
            target: Arc::clone(&target.target),
            place: Some(database.clone()),
            peer,
            application: settings.application(),
            at: now(),
        };
        let admitted = self.gate().admit(arrival, Arc::clone(ledger)).map_err(|down| {
            tracing::error!("{down}");
            Some(TurnedAway { report: unwritten(), rejected: None })
        })?;
        // The gate has written a refusal down itself.
        let session = admitted.map_err(|refusal| {
            Some(TurnedAway { report: OwnReport::refusal(Severity::Fatal, "42501", &refusal), rejected: None })
        })?;
        settings
            .decide(&session, self.gate(), replication)
            .map_err(|report| Some(TurnedAway { report: *report, rejected: None }))?;
        let secret_bytes = startup.secret_bytes();
        Ok(Known { session, principal, target, database, settings, secret_bytes, replication })
    }

    /// The target and database that a name stands for: `target`, or `target/database`.
    fn find(&self, asked: &str) -> Result<(Arc<TargetSettings>, String), Box<OwnReport>> {
        let (name, database) = asked.split_once('/').map_or((asked, None), |(name, database)| (name, Some(database)));
        let Some(target) = self.targets().get(name) else {
            let hint = match name {
                "replication" => {
                    "pg_basebackup and pg_receivewal name no database: PGOPTIONS='-c weir.target=NAME' names the target."
                }
                _ => "The database name is the name of a target in Weir's configuration, or target/database.",
            };
            let report = OwnReport::fatal("3D000", format!("there is no target named \"{name}\""));
            return Err(Box::new(report.hint(hint)));
        };
        let database = match database {
            None => target.database.clone(),
            Some(known) if known == target.database || target.databases.iter().any(|one| one == known) => {
                known.to_owned()
            }
            Some(other) => {
                let report =
                    OwnReport::fatal("3D000", format!("target \"{name}\" has no database \"{other}\" for callers"))
                        .hint("Weir's configuration lists a target's databases.");
                return Err(Box::new(report));
            }
        };
        Ok((Arc::clone(target), database))
    }
}

struct Known {
    session: Session,
    principal: Arc<Principal>,
    target: Arc<TargetSettings>,
    database: String,
    settings: Settings,
    secret_bytes: usize,
    replication: Option<ReplicationOf>,
}

/// A caller that asks for a newer minor version, or for protocol options, is told what there is.
async fn negotiate(stream: &mut Stream, startup: &Startup) -> std::io::Result<()> {
    let Some((version, unknown)) = startup.negotiation() else { return Ok(()) };
    let mut answer = Vec::new();
    build::frame(&mut answer, b'v', |out| {
        out.extend_from_slice(&version.to_be_bytes());
        out.extend_from_slice(&i32::try_from(unknown.len()).unwrap_or(i32::MAX).to_be_bytes());
        unknown.iter().for_each(|name| build::cstr(out, name.as_bytes()));
    });
    stream.write_all(&answer).await
}

fn unwritten() -> OwnReport {
    OwnReport::fatal("58030", "Weir cannot write its decision log, so nobody may come in")
        .hint("An operator has to look at Weir's state folder: its disk may be full, or nearly so.")
}
