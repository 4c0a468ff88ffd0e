//! Reaching a target: dial, TLS, login with the credential that only Weir holds.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gate::Credentials;
use model::Target;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use sql_postgres::{ClassRules, startup_setting};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::stream::{ReadError, Stream};
use crate::target_tls::TlsError;
use crate::wire::backend::{self, Report};
use crate::wire::startup::{CancelKey, PROTOCOL_3_0};
use crate::wire::{Fields, Malformed, build};

/// Frames of a login are small; a target that sends more is not one.
const LOGIN_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Messages that a target may send before it is ready.
const LOGIN_FRAMES_MAX: usize = 512;
/// Rounds of PBKDF2 that a target may ask for. PostgreSQL's default is 4,096; each costs time here.
const SCRAM_ROUNDS_MAX: u32 = 500_000;

/// A target as configured.
#[derive(Debug)]
pub struct TargetSettings {
    /// As policy sees it.
    pub target: Arc<Target>,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The database that the target's own name stands for.
    pub database: String,
    /// Other databases, reached as `target/database`.
    pub databases: Vec<String>,
    /// The login that Weir uses.
    pub user: String,
    /// How the connection is protected.
    pub tls: TargetTls,
    /// Which columns are classified.
    pub rules: ClassRules,
    /// The longest that dialling and login may take, each.
    pub connect_timeout: Duration,
}

/// How the connection to a target is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetTls {
    /// Not at all.
    Off,
    /// TLS, whoever answers.
    Require,
    /// TLS, and the certificate must be the target's.
    Verify {
        /// The CA that vouches for it, in PEM; the system's own if there is none.
        ca: Option<PathBuf>,
        /// The name in the certificate, if it is not the host.
        server_name: Option<String>,
    },
}

/// Why a target can't be reached. The text is for the log; [`TargetDown::public`] is for the caller.
#[derive(Debug, thiserror::Error)]
pub enum TargetDown {
    /// No connection.
    #[error("cannot connect to {address}: {why}")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        why: io::Error,
    },
    /// No answer in time.
    #[error("no answer from {0} within {1:?}")]
    TimedOut(String, Duration),
    /// TLS is wanted and can't be had.
    #[error("TLS with the target: {0}")]
    Tls(#[from] TlsError),
    /// The target does not offer TLS.
    #[error("the target does not offer TLS, and its configuration wants it")]
    NoTls,
    /// The credential can't be had.
    #[error("{0}")]
    Credential(#[from] gate::CredentialDown),
    /// The target wants a login that Weir does not do.
    #[error("the target asks for {0}; Weir logs in with SCRAM-SHA-256 only")]
    Login(String),
    /// The target refuses the login.
    #[error("the target refuses the login: {} {}", .0.sqlstate(), .0.field(b'M').unwrap_or_default())]
    Refused(Report),
    /// The target does not speak the protocol.
    #[error("the target breaks the protocol: {0}")]
    Protocol(#[from] Malformed),
    /// The session's texts would mean something else than Weir reads in them.
    #[error("{0}: Weir could not read the session's statements as the target does")]
    Unreadable(String),
    /// The connection was lost.
    #[error("the connection to the target was lost: {0}")]
    Lost(io::Error),
}

impl From<ReadError> for TargetDown {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(why) => Self::Lost(why),
            ReadError::Malformed(what) => Self::Protocol(what),
        }
    }
}

impl TargetDown {
    /// What a caller may know: whose fault it is, not where the target lives nor what it said.
    pub fn public(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "it cannot be connected to",
            Self::TimedOut(..) => "it does not answer",
            Self::Tls(_) | Self::NoTls => "no trusted TLS connection can be made to it",
            Self::Credential(_) => "Weir does not have its credential at hand",
            Self::Login(_) => "it asks for a kind of login that Weir does not do",
            Self::Refused(report) if report.sqlstate() == "3D000" => "it does not have that database",
            Self::Refused(report) if report.sqlstate().starts_with("53") => "it takes no more connections now",
            Self::Refused(report) if report.sqlstate().starts_with("57") => "it is starting up or shutting down",
            Self::Refused(report) if report.sqlstate().starts_with("22") => "it refuses a startup parameter",
            Self::Refused(_) => "it refuses Weir's own login",
            Self::Unreadable(_) => "its role has a default setting that changes what statements mean",
            Self::Protocol(_) => "it does not speak PostgreSQL's protocol",
            Self::Lost(_) => "the connection was lost while logging in",
        }
    }
}

/// A connection that is logged in and ready.
#[derive(Debug)]
pub struct LoggedIn {
    /// The connection.
    pub stream: Stream,
    /// ParameterStatus and notices of the login, as frames to pass on.
    pub greeting: Vec<u8>,
    /// What cancels its statements.
    pub key: Option<CancelKey>,
}

impl TargetSettings {
    /// `host:port`, for logs.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Dials, without logging in.
    async fn dial(&self) -> Result<Stream, TargetDown> {
        let address = self.address();
        let dialled = timeout(self.connect_timeout, TcpStream::connect((self.host.as_str(), self.port)));
        let mut stream = dialled
            .await
            .map_err(|_| TargetDown::TimedOut(address.clone(), self.connect_timeout))?
            .map_err(|why| TargetDown::Unreachable { address, why })?;
        stream.set_nodelay(true).map_err(TargetDown::Lost)?;
        let Some(config) = self.tls.client_config()? else { return Ok(Stream::Plain(stream)) };
        let mut request = Vec::new();
        build::untyped(&mut request, |out| out.extend_from_slice(&80_877_103_i32.to_be_bytes()));
        stream.write_all(&request).await.map_err(TargetDown::Lost)?;
        let mut answer = [0];
        stream.read_exact(&mut answer).await.map_err(TargetDown::Lost)?;
        match answer {
            [b'S'] => self.encrypt(stream, config).await,
            _ => Err(TargetDown::NoTls),
        }
    }

    async fn encrypt(&self, stream: TcpStream, config: Arc<ClientConfig>) -> Result<Stream, TargetDown> {
        let name = match &self.tls {
            TargetTls::Verify { server_name: Some(name), .. } => name,
            _ => &self.host,
        };
        let name = ServerName::try_from(name.clone()).map_err(|_| TlsError::Name(name.clone()))?;
        let stream = TlsConnector::from(config).connect(name, stream).await.map_err(TlsError::Handshake)?;
        Ok(Stream::Tls(Box::new(stream.into())))
    }

    /// Dials and logs in. `settings` are startup parameters that the caller may set.
    pub async fn connect(
        &self,
        database: &str,
        settings: &[(String, String)],
        credentials: &dyn Credentials,
    ) -> Result<LoggedIn, TargetDown> {
        timeout(self.connect_timeout, self.log_in(database, settings, credentials))
            .await
            .map_err(|_| TargetDown::TimedOut(self.address(), self.connect_timeout))?
    }

    async fn log_in(
        &self,
        database: &str,
        settings: &[(String, String)],
        credentials: &dyn Credentials,
    ) -> Result<LoggedIn, TargetDown> {
        let mut stream = self.dial().await?;
        let mut startup = Vec::new();
        build::untyped(&mut startup, |out| {
            out.extend_from_slice(&PROTOCOL_3_0.to_be_bytes());
            let own = [("user", self.user.as_str()), ("database", database)];
            let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            for (name, value) in own.into_iter().chain(settings) {
                build::cstr(out, name.as_bytes());
                build::cstr(out, value.as_bytes());
            }
            out.push(0);
        });
        stream.write_all(&startup).await.map_err(TargetDown::Lost)?;
        self.authenticate(&mut stream, credentials).await?;
        let mut greeting = Vec::new();
        let mut key = None;
        for _ in 0..LOGIN_FRAMES_MAX {
            let (kind, body) = stream.read_frame(LOGIN_FRAME_BYTES_MAX).await?;
            match kind {
                b'Z' => {
                    backend::ready_for_query(&body)?;
                    return Ok(LoggedIn { stream, greeting, key });
                }
                b'K' => {
                    let (pid, secret) = backend::backend_key(&body)?;
                    key = Some(CancelKey { pid, secret: secret.to_vec() });
                }
                b'S' => {
                    let (name, value) = backend::parameter_status(&body)?;
                    fit_for_reading(name, value)?;
                    build::frame(&mut greeting, kind, |out| out.extend_from_slice(&body));
                }
                b'N' => build::frame(&mut greeting, kind, |out| out.extend_from_slice(&body)),
                b'E' => return Err(TargetDown::Refused(Report::read(&body)?)),
                other => return Err(unexpected(other, "after login").into()),
            }
        }
        Err(Malformed::new("the target sends messages without end before it is ready").into())
    }

    async fn authenticate(&self, stream: &mut Stream, credentials: &dyn Credentials) -> Result<(), TargetDown> {
        let mut scram: Option<ScramSha256> = None;
        // The exchange has four messages at most.
        for _ in 0..8 {
            let (kind, body) = stream.read_frame(LOGIN_FRAME_BYTES_MAX).await?;
            match kind {
                b'E' => return Err(TargetDown::Refused(Report::read(&body)?)),
                b'v' | b'N' => continue, // a newer server talks about protocol versions, or warns
                b'R' => {}
                other => return Err(unexpected(other, "during login").into()),
            }
            let mut fields = Fields::of("Authentication", &body);
            match (fields.int32()?, scram.as_mut()) {
                (0, _) => return Ok(()),
                (10, None) => {
                    if !offers_scram(fields.rest()) {
                        return Err(TargetDown::Login("another SASL mechanism".to_owned()));
                    }
                    let password = credentials.password(&self.target.id)?;
                    let exchange = ScramSha256::new(password.expose().as_bytes(), ChannelBinding::unsupported());
                    let mut answer = Vec::new();
                    build::frame(&mut answer, b'p', |out| {
                        build::cstr(out, SCRAM_SHA_256.as_bytes());
                        let first = exchange.message();
                        out.extend_from_slice(&i32::try_from(first.len()).unwrap_or(-1).to_be_bytes());
                        out.extend_from_slice(first);
                    });
                    scram = Some(exchange);
                    stream.write_all(&answer).await.map_err(TargetDown::Lost)?;
                }
                (11, Some(exchange)) => {
                    let challenge = fields.rest();
                    bounded_rounds(challenge)?;
                    exchange.update(challenge).map_err(bad_scram)?;
                    let mut answer = Vec::new();
                    build::frame(&mut answer, b'p', |out| out.extend_from_slice(exchange.message()));
                    stream.write_all(&answer).await.map_err(TargetDown::Lost)?;
                }
                (12, Some(exchange)) => exchange.finish(fields.rest()).map_err(bad_scram)?,
                (3, None) => return Err(TargetDown::Login("the password in clear".to_owned())),
                (5, None) => return Err(TargetDown::Login("an MD5 password".to_owned())),
                (other, _) => return Err(TargetDown::Login(format!("authentication of kind {other}"))),
            }
        }
        Err(Malformed::new("the target's login never ends").into())
    }

    /// Asks the target to stop what a connection runs. There is no answer to it.
    pub async fn cancel(&self, key: &CancelKey) -> Result<(), TargetDown> {
        let sent = async {
            let mut stream = self.dial().await?;
            let mut request = Vec::new();
            build::untyped(&mut request, |out| {
                out.extend_from_slice(&80_877_102_i32.to_be_bytes());
                out.extend_from_slice(&key.pid.to_be_bytes());
                out.extend_from_slice(&key.secret);
            });
            stream.write_all(&request).await.map_err(TargetDown::Lost)?;
            stream.flush().await.map_err(TargetDown::Lost)?;
            // The server closes when it has passed the signal on; only then has it arrived.
            let mut end = [0];
            let _ = stream.read(&mut end).await;
            Ok(())
        };
        timeout(self.connect_timeout, sent)
            .await
            .map_err(|_| TargetDown::TimedOut(self.address(), self.connect_timeout))?
    }
}

fn unexpected(kind: u8, when: &str) -> Malformed {
    Malformed(format!("a message of type '{}' {when}", char::from(kind).escape_default()))
}

fn bad_scram(why: io::Error) -> TargetDown {
    TargetDown::Protocol(Malformed(format!("SCRAM: {why}")))
}

/// Defaults of the target's role or database may change what a text means; RESET would bring them back at any time.
fn fit_for_reading(name: &[u8], value: &[u8]) -> Result<(), TargetDown> {
    let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
    match &*name {
        "standard_conforming_strings" | "client_encoding" => {
            startup_setting(&name, &value).map_err(TargetDown::Unreadable)
        }
        _ => Ok(()),
    }
}

fn offers_scram(mechanisms: &[u8]) -> bool {
    mechanisms.split(|byte| *byte == 0).any(|name| name == SCRAM_SHA_256.as_bytes())
}

/// A hostile target could ask for rounds without end: the count is read before any is done.
fn bounded_rounds(challenge: &[u8]) -> Result<(), Malformed> {
    let rounds = std::str::from_utf8(challenge)
        .ok()
        .and_then(|text| text.split(',').find_map(|part| part.strip_prefix("i=")))
        .and_then(|rounds| rounds.parse::<u32>().ok());
    match rounds {
        Some(1..=SCRAM_ROUNDS_MAX) => Ok(()),
        Some(rounds) => Err(Malformed(format!("SCRAM: the target asks for {rounds} rounds"))),
        None => Err(Malformed::new("SCRAM: the target's challenge has no count of rounds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scram_rounds_are_bounded_before_they_are_done() {
        assert!(bounded_rounds(b"r=abc,s=QSXCR+Q6sek8bf92,i=4096").is_ok());
        for bad in ["r=abc,s=x", "r=abc,s=x,i=0", "r=abc,s=x,i=1000000000", "r=abc,i=99999999999999", "r=a,i=-1"] {
            assert!(bounded_rounds(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn defaults_that_change_what_texts_mean_are_noticed() {
        assert!(fit_for_reading(b"standard_conforming_strings", b"on").is_ok());
        assert!(fit_for_reading(b"standard_conforming_strings", b"off").is_err());
        assert!(fit_for_reading(b"client_encoding", b"UTF8").is_ok());
        assert!(fit_for_reading(b"client_encoding", b"SJIS").is_err());
        assert!(fit_for_reading(b"TimeZone", b"Europe/Berlin").is_ok());
    }

    #[test]
    fn scram_is_found_among_the_mechanisms() {
        assert!(offers_scram(b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"));
        assert!(!offers_scram(b"SCRAM-SHA-256-PLUS\0OAUTHBEARER\0\0"));
    }
}
