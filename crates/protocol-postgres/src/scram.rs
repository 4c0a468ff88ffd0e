//! The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, as a state machine over messages. Specs: RFC 5802, RFC 7677,
//! RFC 5929 for the binding; PostgreSQL's manual, "SASL Authentication", for what it leaves out: the name in the first
//! message does not count (the startup packet's does), and there is no authorization identity.
//!
//! ```text
//! caller                                                        Weir
//!   n,,n=,r=C                     or p=tls-server-end-point,,…  ─▶   first()
//!   ◀─ r=CS,s=salt,i=rounds
//!   c=base64(header ‖ binding),r=CS,p=proof                     ─▶   last()
//!   ◀─ v=signature
//! ```
//!
//! Not a socket, not a clock, not a source of randomness: the nonce comes from outside.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gate::ScramChallenge;
use model::Principal;

/// The longest message that is taken in the exchange, in bytes: PostgreSQL's own bound.
pub const SASL_BYTES_MAX: usize = 1024;

/// The mechanism without channel binding.
pub const SCRAM: &str = "SCRAM-SHA-256";
/// The mechanism with it.
pub const SCRAM_PLUS: &str = "SCRAM-SHA-256-PLUS";

const BINDING_NAME: &str = "tls-server-end-point";

/// Why an exchange can't go on. Not that a proof is wrong: that is no error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    /// Not what the specification has there.
    #[error("malformed SCRAM message: {0}")]
    Malformed(&'static str),
    /// The caller thinks that channel binding was not offered: somebody in between has taken the offer away.
    #[error("SCRAM channel binding negotiation error: the client supports it, but thinks the server does not")]
    Downgraded,
    /// The caller has seen another certificate than Weir's.
    #[error("SCRAM channel binding check failed: the client has seen another certificate")]
    OtherCertificate,
    /// Somebody wants to act for somebody else.
    #[error("the client uses an authorization identity, which is not supported")]
    ForAnother,
}

/// An exchange.
#[derive(Debug)]
pub struct Exchange {
    challenge: ScramChallenge,
    /// The hash of Weir's own certificate, if binding to it is offered.
    end_point: Option<Vec<u8>>,
    /// Random, printable.
    nonce: String,
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    /// What `c=` must be, before base64.
    bound_to: Vec<u8>,
    /// Whether the caller binds.
    plus: bool,
    /// Both nonces.
    nonce: String,
    /// The first message of each side: `client-first-message-bare,server-first-message`.
    said: String,
}

impl Exchange {
    /// An exchange by this challenge, with channel binding offered if there is something to bind to.
    pub fn new(challenge: ScramChallenge, end_point: Option<Vec<u8>>, nonce: String) -> Self {
        Self { challenge, end_point, nonce, begun: None }
    }

    /// The mechanisms on offer, the better one first.
    pub fn mechanisms(&self) -> &'static [&'static str] {
        if self.end_point.is_some() { &[SCRAM_PLUS, SCRAM] } else { &[SCRAM] }
    }

    /// Takes the caller's first message, and gives the answer to it.
    pub fn first(&mut self, mechanism: &str, message: &[u8]) -> Result<Vec<u8>, ScramError> {
        let plus = match mechanism {
            SCRAM => false,
            SCRAM_PLUS if self.end_point.is_some() => true,
            _ => return Err(ScramError::Malformed("the mechanism was not offered")),
        };
        let text = text(message)?;
        let (flag, rest) = text.split_once(',').ok_or(ScramError::Malformed("no header"))?;
        let (identity, bare) = rest.split_once(',').ok_or(ScramError::Malformed("no header"))?;
        match (flag, plus) {
            ("n", false) => {}
            ("y", false) if self.end_point.is_none() => {}
            ("y", false) => return Err(ScramError::Downgraded),
            ("n" | "y", true) => return Err(ScramError::Malformed("channel binding was chosen, and there is none")),
            (flag, plus) => match (flag.strip_prefix("p="), plus) {
                (Some(BINDING_NAME), true) => {}
                (Some(_), true) => return Err(ScramError::Malformed("unknown type of channel binding")),
                (Some(_), false) => return Err(ScramError::Malformed("channel binding was not chosen")),
                (None, _) => return Err(ScramError::Malformed("unknown channel binding flag")),
            },
        }
        if !identity.is_empty() {
            let for_another = identity.starts_with("a=");
            return Err(if for_another { ScramError::ForAnother } else { ScramError::Malformed("no header") });
        }
        let mut parts = bare.split(',');
        match parts.next() {
            Some(name) if name.starts_with("n=") => {}
            Some(name) if name.starts_with("m=") => return Err(ScramError::Malformed("a mandatory extension")),
            _ => return Err(ScramError::Malformed("no user name")),
        }
        let own = parts.next().and_then(|part| part.strip_prefix("r=")).filter(|nonce| is_nonce(nonce));
        let own = own.ok_or(ScramError::Malformed("no nonce of printable characters"))?;
        let nonce = format!("{own}{}", self.nonce);
        let answer = format!("r={nonce},s={},i={}", STANDARD.encode(&self.challenge.salt), self.challenge.rounds);
        let mut bound_to = format!("{flag},{identity},").into_bytes();
        if plus {
            bound_to.extend_from_slice(self.end_point.as_deref().unwrap_or_default());
        }
        self.begun = Some(Begun { bound_to, plus, nonce, said: format!("{bare},{answer}") });
        Ok(answer.into_bytes())
    }

    /// Takes the caller's last message. Gives who it is and the answer to it, or nothing if the proof fits no credential.
    pub fn last(self, message: &[u8]) -> Result<Option<(Principal, Vec<u8>)>, ScramError> {
        let Some(begun) = self.begun else { return Err(ScramError::Malformed("nothing came before it")) };
        let text = text(message)?;
        let (unproved, proof) = text.rsplit_once(",p=").ok_or(ScramError::Malformed("no proof"))?;
        let mut parts = unproved.split(',');
        let bound_to = parts.next().and_then(|part| part.strip_prefix("c="));
        let bound_to =
            bound_to.and_then(|text| STANDARD.decode(text).ok()).ok_or(ScramError::Malformed("no binding"))?;
        if constant_time::verify_slices_are_equal(&bound_to, &begun.bound_to).is_err() {
            let other =
                if begun.plus { ScramError::OtherCertificate } else { ScramError::Malformed("another binding") };
            return Err(other);
        }
        let nonce = parts.next().and_then(|part| part.strip_prefix("r=")).ok_or(ScramError::Malformed("no nonce"))?;
        if constant_time::verify_slices_are_equal(nonce.as_bytes(), begun.nonce.as_bytes()).is_err() {
            return Err(ScramError::Malformed("another nonce"));
        }
        let proof: [u8; 32] = STANDARD
            .decode(proof)
            .ok()
            .and_then(|proof| proof.try_into().ok())
            .ok_or(ScramError::Malformed("no proof of 32 bytes"))?;
        let said = format!("{},{unproved}", begun.said);
        // Nobody's name takes as long as somebody's.
        if self.challenge.credentials.is_empty() {
            let _ = fits(&[0; 32], &proof, &said);
            return Ok(None);
        }
        // All are tried: how long it takes does not tell which one it was.
        let mut found = None;
        for credential in self.challenge.credentials {
            if fits(&credential.stored_key, &proof, &said) {
                let key = hmac::Key::new(hmac::HMAC_SHA256, credential.server_key.expose());
                let signature = hmac::sign(&key, said.as_bytes());
                let answer = format!("v={}", STANDARD.encode(signature.as_ref())).into_bytes();
                found = Some((credential.principal, answer));
            }
        }
        Ok(found)
    }
}

/// Whether a proof is one of knowing the key that this was stored of.
fn fits(stored_key: &[u8; 32], proof: &[u8; 32], said: &str) -> bool {
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, stored_key), said.as_bytes());
    let client_key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
    let hashed = digest::digest(&digest::SHA256, &client_key);
    constant_time::verify_slices_are_equal(hashed.as_ref(), stored_key).is_ok()
}

fn text(message: &[u8]) -> Result<&str, ScramError> {
    if message.len() > SASL_BYTES_MAX || message.contains(&0) {
        return Err(ScramError::Malformed("too long, or no text"));
    }
    std::str::from_utf8(message).map_err(|_| ScramError::Malformed("no UTF-8"))
}

fn is_nonce(nonce: &str) -> bool {
    !nonce.is_empty() && nonce.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

#[cfg(test)]
mod tests;
