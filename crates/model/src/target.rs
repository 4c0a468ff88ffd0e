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
