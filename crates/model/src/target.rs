//! The systems that are reached, and the sessions to them.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::class::Sight;

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
    /// What is kept of what its callers are shown.
    pub recording: RecordingRule,
}

/// What is kept of what the callers of a target are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingRule {
    /// How much of it.
    pub level: RecordingLevel,
    /// How much of a classified value is kept that a caller saw clear. What he saw of it otherwise is kept as he saw it.
    pub sight: Sight,
}

impl Default for RecordingRule {
    /// Nothing is kept; and where something is, it does not become the leak.
    fn default() -> Self {
        Self { level: RecordingLevel::Off, sight: Sight::Token }
    }
}

/// How much of a session is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordingLevel {
    /// Nothing: the decision log alone tells.
    #[default]
    Off,
    /// What was asked and decided, the shape and size of what was shown; no row of it.
    Metadata,
    /// All that was shown.
    Full,
}

impl RecordingLevel {
    /// The word in configuration, policies and recordings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Metadata => "metadata",
            Self::Full => "full",
        }
    }
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
