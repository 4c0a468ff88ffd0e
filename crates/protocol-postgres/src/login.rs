//! A caller's way in: TLS, startup packet, token, target, `connect`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gate::{Arrival, Gate, Rejected, Released, Session, ShapeKey, Step};
use model::{Ask, Certainty, LogText, Object, Operation, Part, Principal, SessionId, TargetId};
use sql_postgres::startup_setting;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use crate::relay::now;
use crate::server::Postgres;
use crate::stream::{ReadError, Stream};
use crate::target::TargetSettings;
use crate::wire::build::{self, OwnReport, Severity};
use crate::wire::startup::{CancelKey, FirstPacket, Startup, options};
use crate::wire::{Fields, Malformed};

/// The longest that TLS, startup packet and password may take together.
const LOGIN_TIME_MAX: Duration = Duration::from_secs(30);
/// The longest password message: tokens of issuers are long.
const PASSWORD_BYTES_MAX: usize = 32 * 1024;
/// The longest text about a program that names itself.
const APPLICATION_CHARS_MAX: usize = 128;

/// Settings that a caller may start with without asking: how values are written, not what they mean.
const PRESENTATION: [&str; 7] = [
    "application_name",
    "client_encoding",
    "client_min_messages",
    "datestyle",
    "extra_float_digits",
    "intervalstyle",
    "timezone",
];

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
        match timeout(LOGIN_TIME_MAX, self.first_packets(stream)).await {
            Ok(Ok(First::Startup(stream, startup))) => {
                let left = LOGIN_TIME_MAX.saturating_sub(begun.elapsed());
                self.log_in(stream, startup, left, peer, ledger).await
            }
            Ok(Ok(First::Cancel(key, stream))) => Incoming::Cancel(key, stream),
            Ok(Ok(First::Gone)) => Incoming::Nobody,
            Ok(Err((stream, wrong))) => {
                turn_away(stream, &OwnReport::fatal("08P01", format!("protocol violation: {wrong}"))).await;
                Incoming::Nobody
            }
            Err(_) => Incoming::Nobody,
        }
    }

    /// Everything up to a startup packet over TLS.
    async fn first_packets(&self, stream: TcpStream) -> Result<First, (Stream, Malformed)> {
        let mut stream = Stream::Plain(stream);
        let (mut asked_ssl, mut asked_gss) = (false, false);
        loop {
            let packet = match first_packet(&mut stream).await {
                Ok(packet) => packet,
                Err(ReadError::Io(_)) => return Ok(First::Gone),
                Err(ReadError::Malformed(wrong)) => return Err((stream, wrong)),
            };
            match packet {
                FirstPacket::GssEnc if !asked_gss => {
                    asked_gss = true;
                    if stream.write_all(b"N").await.is_err() {
                        return Ok(First::Gone);
                    }
                }
                FirstPacket::Ssl if !asked_ssl => {
                    asked_ssl = true;
                    let Stream::Plain(mut plain) = stream else { return Ok(First::Gone) };
                    if plain.write_all(b"S").await.is_err() {
                        return Ok(First::Gone);
                    }
                    // Exactly the request was read. Whatever was sent behind it in clear goes to TLS, and fails there.
                    match TlsAcceptor::from(self.tls()).accept(plain).await {
                        Ok(tls) => stream = Stream::Tls(Box::new(tls.into())),
                        Err(why) => {
                            tracing::debug!("TLS with a caller: {why}");
                            return Ok(First::Gone);
                        }
                    }
                }
                FirstPacket::Ssl | FirstPacket::GssEnc => {
                    return Err((stream, Malformed::new("encryption was asked for twice")));
                }
                FirstPacket::Cancel(key) => return Ok(First::Cancel(key, stream)),
                FirstPacket::Startup(startup) => return Ok(First::Startup(stream, startup)),
            }
        }
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
                let Known { session, principal, target, database, settings, notices } = known;
                let admitted = Admitted { stream, session, principal, target, database, settings, notices };
                Incoming::Caller(Box::new(admitted))
            }
            Ok(Err(None)) | Err(_) => Incoming::Nobody,
            Ok(Err(Some(turned))) => {
                if let Some(rejected) = turned.rejected
                    && let Err(down) = self.gate().reject(ledger.as_ref(), now(), rejected)
                {
                    tracing::error!("{down}");
                }
                turn_away(stream, &turned.report).await;
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
        if is_on(startup.parameter("replication")) {
            let report = OwnReport::fatal("0A000", "replication connections are not carried by this version of Weir");
            return Err(stranger(report));
        }
        let settings = settings(&startup).map_err(|report| stranger(*report))?;
        let secret = ask_password(stream).await.map_err(|error| match error {
            ReadError::Io(_) => None,
            ReadError::Malformed(wrong) => stranger(OwnReport::fatal("08P01", format!("protocol violation: {wrong}"))),
        })?;
        let principal = self.identities().verify(secret.expose(), now().seconds()).await.map_err(|rejection| {
            let report = OwnReport::fatal("28P01", rejection.public.clone())
                .hint("The password is a token: weir token issue, or one of a configured issuer.");
            Some(TurnedAway { report, rejected: Some(Gate::stranger(peer, None, rejection.detail)) })
        })?;
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
        let asked = startup.parameter("database").unwrap_or(user).to_owned();
        let (target, database) = self.find(&asked).map_err(|report| refused(*report, None))?;
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
            .decide(&session, self.gate())
            .map_err(|report| Some(TurnedAway { report: *report, rejected: None }))?;
        let Settings { pairs, notices } = settings;
        Ok(Known { session, principal, target, database, settings: pairs, notices })
    }

    /// The target and database that a name stands for: `target`, or `target/database`.
    fn find(&self, asked: &str) -> Result<(Arc<TargetSettings>, String), Box<OwnReport>> {
        let (name, database) = asked.split_once('/').map_or((asked, None), |(name, database)| (name, Some(database)));
        let Some(target) = self.targets().get(name) else {
            let report = OwnReport::fatal("3D000", format!("there is no target named \"{name}\""))
                .hint("The database name is the name of a target in Weir's configuration, or target/database.");
            return Err(Box::new(report));
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

enum First {
    Startup(Stream, Startup),
    Cancel(CancelKey, Stream),
    Gone,
}

struct Known {
    session: Session,
    principal: Arc<Principal>,
    target: Arc<TargetSettings>,
    database: String,
    settings: Vec<(String, String)>,
    notices: bool,
}

async fn first_packet(stream: &mut Stream) -> Result<FirstPacket, ReadError> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let length = FirstPacket::length(head)?;
    let mut body = vec![0; length.saturating_sub(head.len())];
    stream.read_exact(&mut body).await?;
    Ok(FirstPacket::read(&body)?)
}

/// A caller that asks for a newer minor version, or for protocol options, is told what there is.
async fn negotiate(stream: &mut Stream, startup: &Startup) -> std::io::Result<()> {
    let unknown: Vec<&str> = startup.protocol_options().collect();
    if startup.minor == 0 && unknown.is_empty() {
        return Ok(());
    }
    let mut answer = Vec::new();
    build::frame(&mut answer, b'v', |out| {
        out.extend_from_slice(&0_i32.to_be_bytes());
        out.extend_from_slice(&i32::try_from(unknown.len()).unwrap_or(i32::MAX).to_be_bytes());
        unknown.iter().for_each(|name| build::cstr(out, name.as_bytes()));
    });
    stream.write_all(&answer).await
}

async fn ask_password(stream: &mut Stream) -> Result<model::Sensitive<String>, ReadError> {
    let mut ask = Vec::new();
    build::frame(&mut ask, b'R', |out| out.extend_from_slice(&3_i32.to_be_bytes()));
    stream.write_all(&ask).await?;
    stream.flush().await?;
    let body = model::Sensitive::new(stream.read_frame_of(b'p', "a password", PASSWORD_BYTES_MAX).await?);
    let mut fields = Fields::of("Password", body.expose());
    let password = fields.cstr()?;
    fields.end()?;
    let password = std::str::from_utf8(password).map_err(|_| Malformed::new("the password is not UTF-8"))?;
    Ok(model::Sensitive::new(password.to_owned()))
}

async fn turn_away(mut stream: Stream, report: &OwnReport) {
    let goodbye = async {
        stream.write_all(&report.to_bytes()).await?;
        stream.flush().await?;
        stream.shutdown().await
    };
    let _ = timeout(Duration::from_secs(5), goodbye).await;
}

fn is_on(value: Option<&str>) -> bool {
    value.is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "" | "false" | "off" | "no" | "0"))
}

/// The settings that a caller starts with.
#[derive(Debug)]
struct Settings {
    pairs: Vec<(String, String)>,
    notices: bool,
}

/// Reads startup parameters and `options`. What would change the meaning of texts is refused.
fn settings(startup: &Startup) -> Result<Settings, Box<OwnReport>> {
    let own = |name: &str| matches!(name, "user" | "database" | "replication" | "options") || name.starts_with("_pq_.");
    let mut pairs: Vec<(String, String)> = startup.parameters.iter().filter(|(name, _)| !own(name)).cloned().collect();
    if let Some(text) = startup.parameter("options") {
        let wrong = |wrong: Malformed| Box::new(OwnReport::fatal("42601", format!("startup options: {wrong}")));
        pairs.extend(options(text).map_err(wrong)?);
    }
    let mut notices = true;
    pairs.retain(|(name, value)| {
        let weirs = name.eq_ignore_ascii_case("weir.notices");
        notices &= !weirs || is_on(Some(value));
        !weirs
    });
    for (name, value) in &pairs {
        startup_setting(name, value).map_err(|why| Box::new(OwnReport::fatal("22023", why)))?;
    }
    Ok(Settings { pairs, notices })
}

impl Settings {
    /// How the program names itself, as far as it can be printed.
    fn application(&self) -> Option<String> {
        let name = self.pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case("application_name"));
        name.map(|(_, value)| value.chars().filter(|c| !c.is_control()).take(APPLICATION_CHARS_MAX).collect())
    }

    /// Settings beyond presentation are asked for, as SET would ask.
    fn decide(&self, session: &Session, gate: &Gate) -> Result<(), Box<OwnReport>> {
        let asked: Vec<&(String, String)> =
            self.pairs.iter().filter(|(name, _)| !PRESENTATION.contains(&name.to_ascii_lowercase().as_str())).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let set = model::ActionId("set");
        let text: String = asked.iter().map(|(name, value)| format!("{name}={value} ")).collect();
        let mut asks = vec![Ask::new(set, Object::Target)];
        asks.extend(asked.iter().map(|(name, _)| {
            let name = name.to_ascii_lowercase().into();
            Ask::new(set, Object::Part(Part { kind: "Setting", name, attrs: Vec::new() }))
        }));
        let operation = Operation {
            asks,
            certainty: Certainty::Exact,
            touches: Vec::new(),
            touches_unknown: false,
            digest: gate.digest([text.as_bytes()]),
            log: LogText(text.trim_end().chars().take(1024).collect::<String>().into()),
        };
        let key = ShapeKey::of([b"startup".as_slice(), text.as_bytes()]);
        let verdict = session.decide(Step("startup"), key, None, now(), (), || operation);
        let released = session.commit(now(), vec![verdict]).map_err(|down| {
            tracing::error!("{down}");
            Box::new(unwritten())
        })?;
        for release in released {
            if let Released::Refuse(refusal, ()) = release {
                return Err(Box::new(OwnReport::refusal(Severity::Fatal, "42501", &refusal)));
            }
        }
        Ok(())
    }
}

fn unwritten() -> OwnReport {
    OwnReport::fatal("58030", "Weir cannot write its decision log, so nobody may come in")
        .hint("An operator has to look at Weir's state folder: its disk may be full.")
}
