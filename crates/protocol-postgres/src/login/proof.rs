//! The caller's proof of who it is: a token shown inside TLS, or SCRAM.

use gate::{Challenge, Gate, ScramChallenge};
use model::{Principal, Sensitive};
use tokio::io::AsyncWriteExt;

use super::TurnedAway;
use crate::relay::now;
use crate::scram::{Exchange, SASL_BYTES_MAX, ScramError};
use crate::server::Postgres;
use crate::stream::{ReadError, Stream};
use crate::wire::build::{self, OwnReport};
use crate::wire::{Fields, Malformed};

/// The longest password message: tokens of issuers are long.
const PASSWORD_BYTES_MAX: usize = 32 * 1024;

/// Why there is no proof.
enum Wrong {
    /// The caller left.
    Gone,
    /// It broke the protocol.
    Malformed(Malformed),
    /// It broke the exchange.
    Scram(ScramError),
}

impl From<ReadError> for Wrong {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(_) => Self::Gone,
            ReadError::Malformed(wrong) => Self::Malformed(wrong),
        }
    }
}

impl From<std::io::Error> for Wrong {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}

impl From<Malformed> for Wrong {
    fn from(wrong: Malformed) -> Self {
        Self::Malformed(wrong)
    }
}

impl Postgres {
    /// Asks whoever calls itself `user` who it is. An error of `None` is a caller that left.
    pub(super) async fn prove(
        &self,
        stream: &mut Stream,
        user: &str,
        peer: std::net::SocketAddr,
    ) -> Result<Principal, Option<TurnedAway>> {
        let away = |report: OwnReport, detail: String| {
            Some(TurnedAway { report, rejected: Some(Gate::stranger(peer, None, detail)) })
        };
        let broken = |wrong: Wrong| match wrong {
            Wrong::Gone => None,
            Wrong::Malformed(wrong) => {
                let report = OwnReport::fatal("08P01", format!("protocol violation: {wrong}"));
                Some(TurnedAway::stranger(report, peer, None))
            }
            Wrong::Scram(wrong) => {
                let code = match wrong {
                    ScramError::Malformed(_) => "08P01",
                    ScramError::Downgraded | ScramError::OtherCertificate => "28000",
                    ScramError::ForAnother => "0A000",
                };
                Some(TurnedAway::stranger(OwnReport::fatal(code, wrong.to_string()), peer, None))
            }
        };
        let certificates = stream.peer_certificates();
        if !certificates.is_empty() {
            match self.identities().certificate(&certificates, now().seconds()) {
                Ok(principal) if user == principal.name || user == principal.id() => return Ok(principal),
                // It may protect the way alone: whoever this is proves it like anybody.
                Ok(principal) => tracing::debug!("a certificate of {} comes as another user", principal.id()),
                Err(rejection) => {
                    let report =
                        OwnReport::fatal("28000", format!("the client certificate is not taken: {}", rejection.public));
                    return Err(away(report, rejection.detail));
                }
            }
        }
        match self.identities().challenge(user, now().seconds()) {
            Challenge::Shown => {
                let secret = ask_password(stream).await.map_err(broken)?;
                self.identities().verify(secret.expose(), now().seconds()).await.map_err(|rejection| {
                    let report = OwnReport::fatal("28P01", rejection.public.clone())
                        .hint("The password is a token: weir token issue, or one of a configured issuer.");
                    away(report, rejection.detail)
                })
            }
            Challenge::Scram(challenge) => {
                let known = challenge.credentials.len();
                let proved = scram(stream, challenge, self.end_point()).await.map_err(broken)?;
                proved.ok_or_else(|| {
                    let user = user.escape_debug();
                    // The same words whether there is such a user or not.
                    let report =
                        OwnReport::fatal("28P01", format!("password authentication failed for user \"{user}\"")).hint(
                            "The password is one that weir token issue has printed for this user, and that holds.",
                        );
                    away(
                        report,
                        format!("SCRAM: the proof of user \"{user}\" fits none of {known} credentials in force"),
                    )
                })
            }
        }
    }
}

async fn ask_password(stream: &mut Stream) -> Result<Sensitive<String>, Wrong> {
    authentication(stream, 3, &[]).await?;
    let body = Sensitive::new(stream.read_frame_of(b'p', "a password", PASSWORD_BYTES_MAX).await?);
    let mut fields = Fields::of("Password", body.expose());
    let password = fields.cstr()?;
    fields.end()?;
    let password = std::str::from_utf8(password).map_err(|_| Malformed::new("the password is not UTF-8"))?;
    Ok(Sensitive::new(password.to_owned()))
}

/// The whole exchange, up to the proof of who Weir is. `None` if the caller's proof fits nothing.
async fn scram(
    stream: &mut Stream,
    challenge: ScramChallenge,
    end_point: Option<Vec<u8>>,
) -> Result<Option<Principal>, Wrong> {
    let nonce = nonce().ok_or(Wrong::Gone)?;
    let mut exchange = Exchange::new(challenge, end_point, nonce);
    let mechanisms: Vec<u8> = exchange.mechanisms().iter().flat_map(|name| name.bytes().chain([0])).collect();
    authentication(stream, 10, &[mechanisms.as_slice(), &[0]].concat()).await?;
    let body = stream.read_frame_of(b'p', "a SASL message", SASL_BYTES_MAX).await?;
    let mut fields = Fields::of("SASLInitialResponse", &body);
    let mechanism = std::str::from_utf8(fields.cstr()?).map_err(|_| Malformed::new("a SASL mechanism is not UTF-8"))?;
    let first = fields.value()?;
    fields.end()?;
    let first = match first {
        Some(first) => first.to_vec(),
        // The caller would rather be asked first.
        None => {
            authentication(stream, 11, &[]).await?;
            stream.read_frame_of(b'p', "a SASL message", SASL_BYTES_MAX).await?
        }
    };
    let answer = exchange.first(mechanism, &first).map_err(Wrong::Scram)?;
    authentication(stream, 11, &answer).await?;
    let last = stream.read_frame_of(b'p', "a SASL message", SASL_BYTES_MAX).await?;
    let Some((principal, answer)) = exchange.last(&last).map_err(Wrong::Scram)? else { return Ok(None) };
    authentication(stream, 12, &answer).await?;
    Ok(Some(principal))
}

/// 144 random bits, printable.
fn nonce() -> Option<String> {
    use base64::Engine as _;
    let mut bytes = [0_u8; 18];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(base64::engine::general_purpose::STANDARD.encode(bytes))
}

async fn authentication(stream: &mut Stream, kind: i32, rest: &[u8]) -> std::io::Result<()> {
    let mut message = Vec::new();
    build::frame(&mut message, b'R', |out| {
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(rest);
    });
    stream.write_all(&message).await?;
    stream.flush().await
}
