//! What a decision is made from beside the question, and what comes out of it.

use std::net::IpAddr;
use std::sync::Arc;

use model::{RecordingLevel, Sight, UnixSeconds};

/// What the context of every decision holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// How many people agreed to this very question.
    pub approvals: u32,
    /// Seconds since the caller last showed a second factor; `None` if never in this session.
    pub mfa_age_seconds: Option<u32>,
    /// The time of the decision.
    pub now: UnixSeconds,
    /// Where the caller's connection comes from.
    pub address: IpAddr,
    /// What the caller's client says it is. Not verified.
    pub application: Option<String>,
    /// The workflow run of the session.
    pub run: Option<String>,
    /// How much of the session is recorded.
    pub recording: RecordingLevel,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes, by these rules.
    Permit {
        /// The permits that applied, in the order of the files.
        rules: Vec<Arc<str>>,
    },
    /// No.
    Deny(Denial),
}

impl Decision {
    /// Whether the answer is yes.
    pub fn is_permit(&self) -> bool {
        matches!(self, Self::Permit { .. })
    }
}

/// A no, with all that can be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The forbids that applied, or the rules that failed, in the order of the files. Empty if nothing permitted it.
    pub rules: Vec<Arc<str>>,
    /// What the deciding forbids say in `@message`.
    pub message: Option<String>,
    /// The kind of no.
    pub reason: Reason,
    /// What would turn it into a yes, if approvals and a fresh second factor can.
    pub needs: Option<Needs>,
}

/// The kind of no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A forbid applies.
    Forbidden,
    /// No permit applies.
    NotPermitted,
    /// No policy can permit it, for this reason.
    Never(&'static str),
    /// A rule could not be evaluated, or the question was malformed. The text is for the log.
    Erred(String),
    /// The action is unknown, or is not asked on such an object. The text is for the log.
    UnknownAction(String),
}

/// The least that turns a no into a yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// How many approvals in all, those already given included.
    pub approvals: u32,
    /// Whether a fresh second factor must be shown as well.
    pub second_factor: bool,
}

/// How much of one field may be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// How much.
    pub sight: Sight,
    /// The permits that gave this sight, or, when nothing may be seen, the forbids that took `see` away.
    pub rules: Vec<Arc<str>>,
    /// Why it is not all: the `@message` of the forbid on `see`, or what failed.
    pub why: Option<String>,
    /// The rules on `see` that could not be evaluated, if that is why it is not all; `why` says what failed.
    pub erred: Option<Vec<Arc<str>>>,
}
