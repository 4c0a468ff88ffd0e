//! Dialling a target and logging in there, with the credential that only Weir holds.

use std::io;
use std::sync::Arc;

use gate::Credentials;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use sql_postgres::startup_setting;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::binding::server_end_point;
use crate::stream::{ReadError, Stream};
use crate::target::{BindingUse, LoggedIn, TargetDown, TargetSettings, TargetTls, TlsNegotiation};
use crate::target_tls::TlsError;
use crate::wire::backend::{self, Report};
use crate::wire::startup::{ALPN, CancelKey, PROTOCOL_3_0, PROTOCOL_3_2};
use crate::wire::{Fields, Malformed, build};

/// Frames of a login are small; a target that sends more is not one.
const LOGIN_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Messages that a target may send before it is ready.
const LOGIN_FRAMES_MAX: usize = 512;
/// Messages that the proof of identity may take; it has four, and a notice or two.
const PROOF_FRAMES_MAX: usize = 16;
/// The longest message of a SASL exchange: PostgreSQL's own are below 200 bytes.
const SASL_BYTES_MAX: usize = 4 * 1024;
/// Rounds of PBKDF2 that a target may ask for. PostgreSQL's default is 4,096; each costs time here.
const SCRAM_ROUNDS_MAX: u32 = 100_000;

/// How far the proof of identity is.
enum Proof {
    /// Nothing was asked.
    Open,
    /// The password's owner has said hello.
    Begun(Scram),
    /// It has proved that it knows the password.
    Shown(Scram),
    /// And so has the target.
    Mutual {
        /// Both have seen the same certificate.
        bound: bool,
    },
}

struct Scram {
    exchange: Box<ScramSha256>,
    bound: bool,
}

/// How a first attempt ended.
enum Attempt {
    In(Box<LoggedIn>),
    /// The target does not know this version of the protocol, and cannot say so in the protocol's way.
    Older,
}

impl TargetSettings {
    /// Dials, without logging in.
    async fn dial(&self) -> Result<Stream, TargetDown> {
        let address = self.address();
        let dialled = timeout(self.connect_timeout, TcpStream::connect((self.host.as_str(), self.port)));
        let mut stream = dialled
            .await
            .map_err(|_| TargetDown::TimedOut(address.clone(), self.connect_timeout))?
            .map_err(|why| TargetDown::Unreachable { address, why })?;
        stream.set_nodelay(true).map_err(TargetDown::Lost)?;
        let Some(config) = self.tls.client_config(self.login.certificate.as_ref())? else {
            return Ok(Stream::Plain(stream));
        };
        if self.login.negotiation == TlsNegotiation::Postgres {
            let mut request = Vec::new();
            build::untyped(&mut request, |out| out.extend_from_slice(&80_877_103_i32.to_be_bytes()));
            stream.write_all(&request).await.map_err(TargetDown::Lost)?;
            // One byte is read. What a target, or somebody in between, sends behind it in clear goes to TLS and fails there.
            let mut answer = [0];
            stream.read_exact(&mut answer).await.map_err(TargetDown::Lost)?;
            if answer != [b'S'] {
                return Err(TargetDown::NoTls);
            }
        }
        self.encrypt(stream, config).await
    }

    async fn encrypt(&self, stream: TcpStream, config: Arc<ClientConfig>) -> Result<Stream, TargetDown> {
        let name = match &self.tls {
            TargetTls::Verify { server_name: Some(name), .. } => name,
            _ => &self.host,
        };
        let name = ServerName::try_from(name.clone()).map_err(|_| TlsError::Name(name.clone()))?;
        let stream = TlsConnector::from(config).connect(name, stream).await.map_err(TlsError::Handshake)?;
        if self.login.negotiation == TlsNegotiation::Direct && stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(TlsError::Alpn.into());
        }
        Ok(Stream::Tls(Box::new(stream.into())))
    }

    /// Dials and logs in. `settings` are startup parameters that the caller may set.
    pub async fn connect(
        &self,
        database: &str,
        settings: &[(String, String)],
        credentials: &dyn Credentials,
    ) -> Result<LoggedIn, TargetDown> {
        let log_in = async {
            if let Attempt::In(logged_in) = self.log_in(PROTOCOL_3_2, database, settings, credentials).await? {
                return Ok(*logged_in);
            }
            match self.log_in(PROTOCOL_3_0, database, settings, credentials).await? {
                Attempt::In(logged_in) => Ok(*logged_in),
                Attempt::Older => Err(Malformed::new("it does not speak protocol 3.0").into()),
            }
        };
        timeout(self.connect_timeout, log_in)
            .await
            .map_err(|_| TargetDown::TimedOut(self.address(), self.connect_timeout))?
    }

    async fn log_in(
        &self,
        version: i32,
        database: &str,
        settings: &[(String, String)],
        credentials: &dyn Credentials,
    ) -> Result<Attempt, TargetDown> {
        let mut stream = self.dial().await?;
        let mut startup = Vec::new();
        build::untyped(&mut startup, |out| {
            out.extend_from_slice(&version.to_be_bytes());
            let own = [("user", self.user.as_str()), ("database", database)];
            let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            for (name, value) in own.into_iter().chain(settings) {
                build::cstr(out, name.as_bytes());
                build::cstr(out, value.as_bytes());
            }
            out.push(0);
        });
        stream.write_all(&startup).await.map_err(TargetDown::Lost)?;
        stream.flush().await.map_err(TargetDown::Lost)?;
        let first = stream.read_frame(LOGIN_FRAME_BYTES_MAX).await;
        if version != PROTOCOL_3_0 && is_too_new(&first) {
            return Ok(Attempt::Older);
        }
        self.authenticate(&mut stream, first?, credentials).await?;
        let mut greeting = Vec::new();
        let mut key = None;
        for _ in 0..LOGIN_FRAMES_MAX {
            let (kind, body) = stream.read_frame(LOGIN_FRAME_BYTES_MAX).await?;
            match kind {
                b'Z' => {
                    backend::ready_for_query(&body)?;
                    return Ok(Attempt::In(Box::new(LoggedIn { stream, greeting, key })));
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

    /// Proves who Weir is, and lets the target prove that it knows the password too. `first` is the first message that came.
    async fn authenticate(
        &self,
        stream: &mut Stream,
        first: (u8, Vec<u8>),
        credentials: &dyn Credentials,
    ) -> Result<(), TargetDown> {
        let mut proof = Proof::Open;
        let mut negotiated = false;
        let mut came = first;
        for _ in 0..PROOF_FRAMES_MAX {
            let (kind, body) = &came;
            match kind {
                b'E' => return Err(TargetDown::Refused(Report::read(body)?)),
                b'N' => {}
                b'v' if !negotiated && matches!(proof, Proof::Open) => {
                    backend::negotiated_version(body, PROTOCOL_3_2)?;
                    negotiated = true;
                }
                b'R' => {
                    proof = match self.step(stream, proof, body, credentials).await? {
                        Some(proof) => proof,
                        None => return Ok(()),
                    };
                }
                other => return Err(unexpected(*other, "during login").into()),
            }
            came = stream.read_frame(LOGIN_FRAME_BYTES_MAX).await?;
        }
        Err(Malformed::new("the target's login never ends").into())
    }

    /// One Authentication message. `None` is the end of it.
    async fn step(
        &self,
        stream: &mut Stream,
        proof: Proof,
        body: &[u8],
        credentials: &dyn Credentials,
    ) -> Result<Option<Proof>, TargetDown> {
        let mut fields = Fields::of("Authentication", body);
        let kind = fields.int32()?;
        let sasl = fields.rest();
        if sasl.len() > SASL_BYTES_MAX {
            return Err(Malformed(format!("a SASL message of {} bytes", sasl.len())).into());
        }
        match (kind, proof) {
            (0, Proof::Mutual { bound }) if bound || self.login.channel_binding != BindingUse::Require => Ok(None),
            (0, Proof::Open) if self.login.channel_binding != BindingUse::Require => Ok(None),
            (0, Proof::Open | Proof::Mutual { .. }) => Err(TargetDown::Unbound),
            // Else a false target could take the proof and never show that it knows the password.
            (0, Proof::Begun(_) | Proof::Shown(_)) => {
                Err(Malformed::new("the target ends the login before it has proved itself").into())
            }
            (10, Proof::Open) => {
                let binding = self.binding(stream, sasl)?;
                let password = credentials.password(&self.target.id)?;
                let (bound, mechanism, binding) = match binding {
                    Some(hash) => (true, SCRAM_SHA_256_PLUS, ChannelBinding::tls_server_end_point(hash)),
                    // `y`: had the target offered it, it would have been used. Whoever took the offer away is found out.
                    None if matches!(stream, Stream::Tls(_)) && self.login.channel_binding == BindingUse::Prefer => {
                        let offered = offers(sasl, SCRAM_SHA_256_PLUS);
                        let binding =
                            if offered { ChannelBinding::unsupported() } else { ChannelBinding::unrequested() };
                        (false, SCRAM_SHA_256, binding)
                    }
                    None => (false, SCRAM_SHA_256, ChannelBinding::unsupported()),
                };
                let exchange = Box::new(ScramSha256::new(password.expose().as_bytes(), binding));
                send(stream, |out| {
                    build::cstr(out, mechanism.as_bytes());
                    let first = exchange.message();
                    out.extend_from_slice(&i32::try_from(first.len()).unwrap_or(-1).to_be_bytes());
                    out.extend_from_slice(first);
                })
                .await?;
                Ok(Some(Proof::Begun(Scram { exchange, bound })))
            }
            (11, Proof::Begun(Scram { mut exchange, bound })) => {
                bounded_rounds(sasl)?;
                let challenge = sasl.to_vec();
                // Thousands of rounds of HMAC: not on a thread that serves sessions.
                let counted = spawn_blocking(move || exchange.update(&challenge).map(|()| exchange));
                let exchange =
                    counted.await.map_err(|why| TargetDown::Lost(io::Error::other(why)))?.map_err(bad_scram)?;
                send(stream, |out| out.extend_from_slice(exchange.message())).await?;
                Ok(Some(Proof::Shown(Scram { exchange, bound })))
            }
            (12, Proof::Shown(Scram { mut exchange, bound })) => {
                exchange.finish(sasl).map_err(bad_scram)?;
                Ok(Some(Proof::Mutual { bound }))
            }
            (3, Proof::Open) => Err(TargetDown::Login("the password in clear".to_owned())),
            (5, Proof::Open) => Err(TargetDown::Login("an MD5 password".to_owned())),
            (other, _) => Err(TargetDown::Login(format!("authentication of kind {other}"))),
        }
    }

    /// What to bind the proof to, if it can be bound and the target takes it; an error if it has to be and can't.
    fn binding(&self, stream: &Stream, mechanisms: &[u8]) -> Result<Option<Vec<u8>>, TargetDown> {
        let (plain, plus) = (offers(mechanisms, SCRAM_SHA_256), offers(mechanisms, SCRAM_SHA_256_PLUS));
        if !plain && !plus {
            return Err(TargetDown::Login("another SASL mechanism".to_owned()));
        }
        let hash = match self.login.channel_binding {
            BindingUse::Off => None,
            BindingUse::Prefer | BindingUse::Require if plus => {
                stream.peer_certificates().first().and_then(|own| server_end_point(own))
            }
            BindingUse::Prefer | BindingUse::Require => None,
        };
        match (hash, self.login.channel_binding) {
            (None, BindingUse::Require) => Err(TargetDown::Unbound),
            (None, _) if !plain => Err(TargetDown::Login("channel binding, which is off or impossible".to_owned())),
            (hash, _) => Ok(hash),
        }
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

/// Sends a message of a login.
async fn send(stream: &mut Stream, body: impl FnOnce(&mut Vec<u8>)) -> Result<(), TargetDown> {
    let mut answer = Vec::new();
    build::frame(&mut answer, b'p', body);
    stream.write_all(&answer).await.map_err(TargetDown::Lost)?;
    stream.flush().await.map_err(TargetDown::Lost)
}

/// Whether this is how a target, or a pooler before it, says that it has never heard of a newer minor version.
fn is_too_new(first: &Result<(u8, Vec<u8>), ReadError>) -> bool {
    match first {
        Ok((b'E', body)) => Report::read(body).is_ok_and(|report| matches!(report.sqlstate(), "0A000" | "08P01")),
        Err(ReadError::Io(why)) => {
            matches!(why.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
        }
        _ => false,
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

fn offers(mechanisms: &[u8], mechanism: &str) -> bool {
    mechanisms.split(|byte| *byte == 0).any(|name| name == mechanism.as_bytes())
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
        assert!(offers(b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0", SCRAM_SHA_256));
        assert!(!offers(b"SCRAM-SHA-256-PLUS\0OAUTHBEARER\0\0", SCRAM_SHA_256));
    }
}
