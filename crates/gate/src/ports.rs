//! The ports beside the ledger: who is calling, and with whose keys the target is reached.

use std::future::Future;
use std::pin::Pin;

use model::{Principal, Sensitive, TargetId, UnixSeconds};

/// Tells from a credential who is calling.
pub trait Identities: Send + Sync {
    /// Verifies what the caller showed. The future may fetch keys, and is bounded in time.
    fn verify<'a>(
        &'a self,
        secret: &'a str,
        now: UnixSeconds,
    ) -> Pin<Box<dyn Future<Output = Result<Principal, Rejection>> + Send + 'a>>;

    /// Whom a certificate names whose key the caller has proved to have. `chain` is in DER, the caller's own first.
    fn certificate(&self, chain: &[&[u8]], now: UnixSeconds) -> Result<Principal, Rejection>;

    /// How whoever calls itself this is asked to prove who it is. The answer must not tell whether there is such a name,
    /// as far as the configuration allows.
    fn challenge(&self, name: &str, now: UnixSeconds) -> Challenge;

    /// Whether a principal that was verified before may go on: its credential is not revoked, and not expired.
    fn is_live(&self, principal: &Principal, now: UnixSeconds) -> bool;
}

/// How a caller is asked to prove who it is.
#[derive(Debug)]
pub enum Challenge {
    /// It shows its credential, to be given to [`Identities::verify`].
    Shown,
    /// It proves that it knows its credential.
    Scram(ScramChallenge),
}

/// What is needed to ask for, and to check, a proof by SCRAM-SHA-256 (RFC 5802, RFC 7677).
#[derive(Debug)]
pub struct ScramChallenge {
    /// The salt that the caller is told.
    pub salt: Vec<u8>,
    /// And how often to hash.
    pub rounds: u32,
    /// The credentials in force under that name and salt. None if nobody has the name, or nothing that holds: the caller
    /// is asked all the same.
    pub credentials: Vec<ScramCredential>,
}

/// One credential that a proof may be of.
#[derive(Debug)]
pub struct ScramCredential {
    /// What the proof is checked with.
    pub stored_key: [u8; 32],
    /// What the caller recognises Weir by.
    pub server_key: Sensitive<[u8; 32]>,
    /// Who it is that proves it.
    pub principal: Principal,
}

/// Why a credential was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Rejection {
    /// What the caller is told.
    pub public: String,
    /// What the log keeps.
    pub detail: String,
}

/// Hands out the credential of a target, at the moment that it is used.
pub trait Credentials: Send + Sync {
    /// The target's password. It may be read from a file or the environment each time, so that it can be rotated.
    fn password(&self, target: &TargetId) -> Result<Sensitive<String>, CredentialDown>;
}

/// The credential of a target can't be had. The text names the place where it should be, never its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CredentialDown(pub String);
