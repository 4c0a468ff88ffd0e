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

    /// Whether a principal that was verified before may go on: its credential is not revoked, and not expired.
    fn is_live(&self, principal: &Principal, now: UnixSeconds) -> bool;
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
