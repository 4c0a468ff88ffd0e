//! The port towards the decision log: what is written there, and when.
//!
//! A decision is *appended* before its effect: [`Ledger::append`] returns only after the operating system has taken
//! the records (they survive a killed process). What comes after an effect is *noted*: it may wait for the next append,
//! and a crash turns it into "outcome unknown", never into an effect without a record.
//!
//! The records are data for people and machines alike: they serialise to one flat JSON object each.

use std::sync::Arc;

use model::{Digest, LogText, SessionId, TargetId, UnixMicros};
use serde::{Deserialize, Serialize};

use crate::words::Words;

/// Where records go. One lane belongs to one worker, so that appending takes no lock that another worker holds.
pub trait Ledger: Send + Sync {
    /// Writes these records, and all noted before them, in order. On an error none of the operations may run.
    fn append(&self, records: &[Record]) -> Result<(), LedgerDown>;
    /// Whether something new may begin, as far as is known: asked before what an append that fails could not take back.
    fn stands(&self) -> Result<(), LedgerDown> {
        Ok(())
    }
    /// Takes a record that follows an effect. It is written with the next append, and soon in any case.
    fn note(&self, record: Record);
    /// A good moment for work that can wait: whoever is waited for has been answered.
    fn settle(&self) {}
}

/// The log cannot be written, so nothing may run.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the decision log cannot be written: {0}")]
pub struct LedgerDown(pub String);

/// One entry of the decision log.
#[derive(Clone, Debug)]
pub struct Record {
    /// When, by the wall clock.
    pub at: UnixMicros,
    /// The session, if it belongs to one.
    pub session: Option<SessionId>,
    /// What happened.
    pub event: Event,
}

/// What a record says. `event` names the kind.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A caller was admitted to a target.
    Admitted(Arrived),
    /// A caller was turned away: who it was is known only as far as it was proved.
    Rejected(Rejected),
    /// An operation was decided. If it was permitted it may have run from here on.
    Decided(Decided),
    /// An operation that ran has ended.
    Ended(Ended),
    /// Most values of a field were found to be of a class: it counts as a field of that class from here on.
    Found(Found),
    /// Something that an auditor should see, without being an operation: a disagreement of witnesses, a cancel.
    Noticed {
        /// What it is, in one word: `cancel`, `shape_mismatch`.
        what: &'static str,
        /// In words.
        detail: String,
    },
    /// A session is over.
    Closed {
        /// Why, in a few words.
        why: String,
        /// Operations permitted in it.
        permitted: u64,
        /// Operations refused in it.
        refused: u64,
    },
    /// Something that somebody should look at soon.
    Alert(Alert),
    /// A session's recording is complete: who takes it away, or another in its place, is seen by this.
    Recorded(Recorded),
    /// The log goes on although another place knows more of it: somebody has said so.
    EpochBegan(EpochBegan),
    /// One of the instance's keys is followed by another.
    KeyRotated {
        /// Which: `log`, `recordings`, `tokens`.
        what: &'static str,
        /// The new one's id.
        key: String,
    },
    /// A recording was kept for as long as its target says, and is deleted from here on.
    RecordingDeleted(RecordingDeleted),
    /// A legal hold was placed: what it keeps is not deleted, whatever a target says.
    HoldPlaced(HoldPlaced),
    /// A legal hold was released.
    HoldReleased(HoldReleased),
    /// Weir started.
    Started {
        /// Its version.
        version: &'static str,
        /// The policies it starts with.
        policies: String,
    },
    /// Other policies are in force from here on.
    PoliciesChanged {
        /// Their hash.
        policies: String,
    },
    /// Changed policies were found and refused: the old ones stay in force.
    PoliciesRefused {
        /// The first thing that is wrong with them.
        why: String,
    },
    /// Weir stopped in good order.
    Stopped {},
}

/// An admitted caller.
#[derive(Clone, Debug, Serialize)]
pub struct Arrived {
    /// The principal's id.
    pub principal: String,
    /// `User` or `Workload`.
    pub kind: &'static str,
    /// Groups it is in.
    pub groups: Vec<String>,
    /// On whose behalf, nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub act: Vec<String>,
    /// Whose workload it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Which credential it showed.
    pub credential: String,
    /// The target.
    pub target: TargetId,
    /// Where inside the target, in the protocol's words (a database).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The caller's address.
    pub peer: String,
    /// The program, as it names itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// The workflow run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Hash of the policies in force.
    pub policies: String,
    /// The rules that permitted it.
    pub rules: Vec<String>,
}

/// A caller that was turned away.
#[derive(Clone, Debug, Serialize)]
pub struct Rejected {
    /// The principal's id, if it was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The target that was asked for, if it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetId>,
    /// The caller's address.
    pub peer: String,
    /// Why.
    pub why: String,
}

/// Permit or deny, as the log spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// It may run.
    Permit,
    /// It may not.
    Deny,
}

/// A decision.
#[derive(Clone, Debug, Serialize)]
pub struct Decided {
    /// The operation's number in its session, from 1.
    pub op: u64,
    /// Permit or deny.
    pub ruling: Ruling,
    /// What the protocol is about to do with it: `parse`, `execute`, `query`.
    pub step: &'static str,
    /// What was asked, one `action object` each.
    #[serde(serialize_with = "Words::serialize_each")]
    pub asks: Words,
    /// The rules that decided.
    #[serde(serialize_with = "Words::serialize_each")]
    pub rules: Words,
    /// Why it was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Arc<str>>,
    /// Keyed digest of the text.
    pub digest: Digest,
    /// The text as it may be kept.
    pub text: LogText,
    /// Keyed digest of the bound parameters, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<Digest>,
}

/// Something that somebody should look at soon. It is said once when it begins, and once when it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// What it is, in one word: `target_unreachable`.
    pub what: &'static str,
    /// `begins`, `ends`, or `once` for what has no end.
    pub state: &'static str,
    /// In words.
    pub detail: String,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// And which target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Or which rule, disk, place or export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Since when it holds; of a volume the beginning of its hour.
    pub since: UnixMicros,
    /// When it was seen to hold for the last time, once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixMicros>,
}

/// A recording that is written to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Its name in the folder of recordings.
    pub file: String,
    /// Bytes of it.
    pub bytes: u64,
    /// SHA-256 of those bytes.
    pub digest: Digest,
    /// Bytes that the caller was shown, and that it stands for.
    pub shown: u64,
    /// `closed`, or `killed` if it was found without an end when Weir started again.
    pub how: &'static str,
}

/// A new epoch of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EpochBegan {
    /// Its number.
    pub epoch: u64,
    /// Records of earlier epochs that were known somewhere. Those of them that are not here are given up.
    pub given_up: u64,
    /// What each place knew.
    pub known: Vec<String>,
    /// Who has begun it.
    pub by: String,
    /// And why.
    pub why: String,
}

/// A recording that is deleted. The record is written before the file goes, so a file that is gone without one was taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordingDeleted {
    /// Its name in the folder of recordings.
    pub file: String,
    /// Bytes of it.
    pub bytes: u64,
    /// SHA-256 of those bytes: that of its `recorded` record.
    pub digest: Digest,
    /// The target.
    pub target: String,
    /// Whose session it was.
    pub principal: String,
    /// On whose behalf, nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub act: Vec<String>,
    /// Whose workload it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The workflow run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// When the session began.
    pub began: UnixMicros,
    /// When it was over.
    pub over: UnixMicros,
    /// Why it is deleted.
    pub why: String,
}

/// Which recordings a legal hold keeps: those that are of one of the sessions, if any are named, and of one of the principals, and so on; or all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Held {
    /// All, whatever else.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// Sessions by their ids, or their beginnings or ends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<String>,
    /// Principals, with or without their issuers; also those on whose behalf somebody acted, and owners of workloads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub principals: Vec<String>,
    /// Targets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Workflow runs, or workflows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<String>,
    /// Sessions that were not over before this (microseconds since 1970).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Sessions that had begun before this (likewise).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

/// A hold that was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HoldPlaced {
    /// Its name.
    pub name: String,
    /// What it keeps.
    #[serde(flatten)]
    pub held: Held,
    /// Why.
    pub reason: String,
    /// The login that placed it.
    pub by: String,
    /// When, which is before the record where Weir did not run.
    pub placed: UnixMicros,
}

/// A hold that was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HoldReleased {
    /// Its name.
    pub name: String,
    /// What it kept.
    #[serde(flatten)]
    pub held: Held,
    /// Why it is not needed any more.
    pub reason: String,
    /// The login that released it.
    pub by: String,
    /// When it was placed.
    pub placed: UnixMicros,
    /// When it was released.
    pub released: UnixMicros,
}

/// A field that is of a class by what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The field, with the object that it belongs to.
    pub field: String,
    /// The class.
    pub class: String,
    /// How many of its values were looked at.
    pub values: u32,
    /// How many of them are of the class.
    pub found: u32,
}

/// How an operation ended.
#[derive(Clone, Debug, Serialize)]
pub struct Ended {
    /// The operation's number in its session.
    pub op: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Rows shown to the caller.
    pub rows: u64,
    /// Bytes shown to the caller, in the protocol's own framing.
    pub bytes: u64,
    /// Cells that were not shown clear.
    pub masked: u64,
    /// Classes that were met, each with the sight it was shown at.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "Words::serialize_any")]
    pub classes: Option<Words>,
    /// Classified fields that results were made of, each with the sight that it was shown at: `public.people.ssn:nothing`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "Words::serialize_any")]
    pub fields: Option<Words>,
    /// Classes of what was found in values that nothing was known of, each with the sight it was shown at.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "Words::serialize_any")]
    pub found: Option<Words>,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The target says it is done.
    Done,
    /// The target says it failed, with this code.
    Failed(String),
    /// The target never ran it, because something before it failed.
    Skipped,
    /// It was suspended with more to come.
    Suspended,
    /// Nobody knows: the connection or the session ended first.
    Unknown,
}
