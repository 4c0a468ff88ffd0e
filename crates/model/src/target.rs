//! The systems that are reached, and the sessions to them.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// The name of a target in the configuration, which is also its id in policies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TargetId(pub Arc<str>);

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An upstream system, as policy sees it. Addresses and credentials are the protocol's own matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub id: TargetId,
    /// The protocol that reaches it: `postgres`.
    pub protocol: &'static str,
    /// The environment that it is in: `prod`.
    pub env: Option<Arc<str>>,
    /// Labels that policies read as tags.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
    /// Where the same value is shown as the same token.
    pub token_scope: TokenScope,
}

/// Where the same value of the same class is shown as the same token. The wider it is, the more can be joined by tokens, and the
/// longer somebody has to find out what stands behind one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenScope {
    /// In one session.
    #[default]
    Session,
    /// In all sessions of a workflow run, to whatever target; in one session where there is no run.
    Run,
    /// In all sessions to the target, whoever's they are.
    Target,
}

/// One caller's connection to one target, from admission to close. Unique for ever, and sorted by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SessionId(pub Arc<str>);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
