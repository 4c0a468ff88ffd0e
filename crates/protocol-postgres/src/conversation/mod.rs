//! One session's conversation: what the caller sends becomes decided operations, what the target sends is shown.
//!
//! This is the state machine between two sockets, without the sockets: bytes in, bytes out. The relay feeds it and
//! writes what it produces. In one read from the caller ([`Conversation::from_caller`]):
//!
//! 1. *Plan*: each complete frame is read and, where it is an operation, decided. Planning stops early at a [`Stall`]:
//!    something must be learned from the target first.
//! 2. *Commit*: all verdicts of the read go to the ledger in one append.
//! 3. *Forward*: permitted frames go upstream verbatim; in the place of a refused one goes a poison, a frame that fails
//!    on the target, so that what follows it means what it would mean after an error.
//!
//! Every forwarded frame leaves an [`Expect`] in a queue: what the target will answer. Replies are matched with it in
//! order, so that a refusal is told in its place, and rows are shown by the plan of the statement that made them.

mod bind;
mod by_name;
mod call;
mod caller;
mod copy;
mod copy_in;
mod expect;
mod forward;
mod found_stored;
mod long;
mod long_bind;
mod long_row;
mod looking;
mod lowered;
mod notices;
mod own_catalog;
mod readings;
mod recorded;
mod replication;
mod report;
mod rows;
mod shapes;
mod statements;
mod target;
mod text_settings;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use gate::{Session, Upstream, Wire};
use model::UnixMicros;
use sql_postgres::{ReplicationOf, Temporary};

use crate::catalog::Catalogs;
use crate::interpret::Interpreted;
use crate::relay::IDLE_BYTES_KEPT;
use crate::stream::Stream;
use crate::wire::build::OwnReport;
use crate::wire::frame::{HEAD_BYTES, Head, Inbox};
use crate::wire::{Malformed, backend};
use copy::Rest;
use expect::Expect;
pub(crate) use found_stored::{Came, LOOKED_BYTES_MAX, Types, each_put, is_by_column};
use looking::Looking;
use own_catalog::OwnCatalog;
use readings::Readings;
use recorded::Keeping;
use replication::Streaming;
use rows::Passing;
use statements::Names;
pub use statements::Shape;
use text_settings::TextSettings;

/// Replies that may be awaited at once; past it the caller is not read until some have come.
const EXPECTED_MAX: usize = 4096;

/// A conversation, over the target connection that it owns.
#[derive(Debug)]
pub struct Conversation<S = Stream> {
    session: Session,
    upstream: Upstream<Wire<S>>,
    catalogs: Arc<Catalogs>,
    from_caller: Inbox,
    from_target: Inbox,
    /// What waits to be written to the caller.
    pub to_caller: Vec<u8>,
    /// What is written in the place of the frame that is being handled, or before it.
    instead: Vec<u8>,
    expected: VecDeque<Expect>,
    names: Names,
    readings: Readings,
    /// A name that no statement has: what a poison binds to.
    poison: String,
    /// Set between a refusal in a batch and its Sync: the target would skip what stands there.
    skipping: bool,
    /// Set between an error of the target's in a batch and its Sync.
    discarding: bool,
    stall: Option<Stall>,
    /// Set once the catalog was read again for the frame that is being planned: what is not known then is not known. By frame
    /// and not by text: what an EXECUTE runs is a second text of the same frame.
    asked_catalog: bool,
    /// How often it was, and had changed again by then.
    catalog_tries: u8,
    /// Set if that failed.
    catalog_failed: bool,
    /// How the target reads texts.
    settings: TextSettings,
    /// Frames that are planned and not forwarded, and those of them that will be answered by ReadyForQuery.
    planned: usize,
    planned_ready: usize,
    /// Whether the last ReadyForQuery told of a transaction block.
    in_block: bool,
    /// Whether it told that the transaction has failed, and waits to be rolled back.
    aborted: bool,
    /// Whether something has failed in the transaction.
    failed: bool,
    /// Set when something tainted ran in the transaction: what the target says may hold what it touched.
    tainted: bool,
    /// Set while the session has changed the catalog and not committed.
    uncommitted: bool,
    /// How often it has.
    changes: u64,
    /// The catalog as the session sees it, where it was asked for.
    own: Option<OwnCatalog>,
    /// What its temporary tables hold.
    temporary: Temporary,
    /// Set once something classified may have been put into a temporary table.
    keeps: bool,
    /// Whether something was planned since the last end of a batch.
    batch_open: bool,
    /// Counts batches: a Sync begins the next.
    batch: u64,
    /// The first batch with a Close in it, of those that are being planned and were not forwarded yet.
    closes_since: Option<u64>,
    /// What was parsed last, of what is being planned, with the number of its verdict.
    parsed: Option<(usize, Rc<Interpreted>)>,
    /// Set if it is a replication connection.
    replication: Option<ReplicationOf>,
    streaming: Option<Streaming>,
    passing: Option<Passing>,
    looking: Looking,
    keeping: Keeping,
    /// The rest of a message of the caller's that has not arrived whole.
    rest: Option<Rest>,
    notices: bool,
    /// Set once the caller has been told that something is masked.
    told_masked: bool,
    ended: Option<Ended>,
}

/// Why planning stopped before the end of what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stall {
    /// A name is used whose definition has not been confirmed yet.
    Replies,
    /// A name is not in the catalog's snapshot: it must be read again.
    Catalog,
    /// The session's own catalog is being read.
    OwnCatalog,
    /// A COPY was forwarded: the target's answer tells what the next frames mean.
    Copy,
}

/// Why a conversation is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The caller said goodbye.
    Goodbye,
    /// The caller broke the protocol. It was told.
    CallerBroke(String),
    /// The target broke the protocol.
    TargetBroke(String),
    /// A stream goes on no longer: it is not permitted any more, or nobody can tell. The caller was told.
    NoLongerPermitted,
    /// The target ended the session, in its own words, which were passed on.
    CutOff(String),
    /// What the target sent is beyond what Weir can mask. The caller was told.
    BeyondLimit(String),
}

impl Ended {
    /// In a few words, for the log.
    pub fn why(&self) -> String {
        match self {
            Self::Goodbye => "caller said goodbye".to_owned(),
            Self::CallerBroke(what) => format!("caller broke the protocol: {what}"),
            Self::TargetBroke(what) => format!("target broke the protocol: {what}"),
            Self::BeyondLimit(what) => format!("beyond a limit: {what}"),
            Self::NoLongerPermitted => "the stream is not permitted any more".to_owned(),
            Self::CutOff(code) => format!("target ended the session: {code}"),
        }
    }
}

impl<S> Conversation<S> {
    /// A conversation in this session, over this connection to the target. `poison` is a name that can't be guessed.
    pub fn new(session: Session, connection: S, catalogs: Arc<Catalogs>, poison: String) -> Self {
        let upstream = session.upstream(Wire::new(connection));
        Self {
            session,
            upstream,
            catalogs,
            from_caller: Inbox::default(),
            from_target: Inbox::default(),
            to_caller: Vec::new(),
            instead: Vec::new(),
            expected: VecDeque::new(),
            names: Names::default(),
            readings: Readings::default(),
            poison,
            skipping: false,
            discarding: false,
            stall: None,
            asked_catalog: false,
            catalog_tries: 0,
            catalog_failed: false,
            settings: TextSettings::default(),
            planned: 0,
            planned_ready: 0,
            in_block: false,
            aborted: false,
            failed: false,
            tainted: false,
            uncommitted: false,
            changes: 0,
            own: None,
            temporary: Temporary::default(),
            keeps: false,
            batch_open: false,
            batch: 0,
            closes_since: None,
            parsed: None,
            replication: None,
            streaming: None,
            passing: None,
            looking: Looking::default(),
            keeping: Keeping::default(),
            rest: None,
            notices: true,
            told_masked: false,
            ended: None,
        }
    }

    /// What the target has said while it was logged in to: its parameters.
    pub fn greeted(&mut self, mut greeting: &[u8]) {
        while let Ok(Some(head)) = Head::read(greeting) {
            let Some((frame, rest)) = greeting.split_at_checked(head.frame_bytes) else { return };
            if let (b'S', Some(Ok((name, value)))) = (head.kind, frame.get(HEAD_BYTES..).map(backend::parameter_status))
            {
                self.settings.told(name, value);
            }
            greeting = rest;
        }
    }

    /// Whether the caller wants to be told, once, that something is masked.
    pub fn set_notices(&mut self, notices: bool) {
        self.notices = notices;
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The target's side, to read from and to flush.
    pub fn upstream(&mut self) -> &mut Upstream<Wire<S>> {
        &mut self.upstream
    }

    /// Why planning stopped, if it did.
    #[cfg(test)]
    pub fn stall(&self) -> Option<&Stall> {
        self.stall.as_ref()
    }

    /// Whether it goes on only once the catalog has been read.
    pub fn awaits_catalog(&self) -> bool {
        self.stall == Some(Stall::Catalog) || !self.hears_target()
    }

    /// Whether the catalog could not be read, the last time.
    pub fn catalog_failed(&self) -> bool {
        self.catalog_failed
    }

    /// Whether more may be read from the caller now.
    pub fn takes_more(&self) -> bool {
        self.stall.is_none() && self.expected.len() < EXPECTED_MAX
    }

    /// Whether nothing is running and nothing is owed: a good moment to end.
    pub fn is_idle(&self) -> bool {
        self.expected.is_empty() && self.to_caller.is_empty()
    }

    /// Whether the target may be at work for this session.
    pub fn is_running(&self) -> bool {
        !self.expected.is_empty()
    }

    /// Gives back the room that a burst has taken: see [`IDLE_BYTES_KEPT`].
    pub fn drop_buffers(&mut self) {
        self.from_caller.shrink(IDLE_BYTES_KEPT);
        self.from_target.shrink(IDLE_BYTES_KEPT);
        self.upstream.shrink(IDLE_BYTES_KEPT);
        self.instead.shrink_to(IDLE_BYTES_KEPT);
        self.looking.shrink(IDLE_BYTES_KEPT);
    }

    /// Why it is over, once it is.
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// Tells the caller why it ends; but not in the middle of a row, where it would be taken for the rest of the row.
    pub fn end_with(&mut self, report: &OwnReport) {
        let in_row = match &self.passing {
            Some(Passing::Clear(_)) => true,
            Some(Passing::Row(row)) => row.has_begun(),
            _ => false,
        };
        if !in_row {
            self.keep_all();
            report.write(&mut self.to_caller);
            self.keep();
        }
    }

    /// Ends the session in the log.
    pub fn close(&self, now: UnixMicros, why: &str) {
        self.session.close(now, why);
    }

    /// Whether the target skips what comes now.
    fn is_skipping(&self) -> bool {
        self.skipping || self.discarding
    }

    fn skip_if(&mut self, skipped: bool) {
        self.skipping |= skipped;
    }

    fn caller_broke(&mut self, what: Malformed) {
        self.end_with(&OwnReport::fatal("08P01", format!("protocol violation: {what}")));
        self.ended = Some(Ended::CallerBroke(what.0));
    }

    fn target_broke(&mut self, what: Malformed) {
        let report = OwnReport::fatal("08P01", "the target broke the protocol, so Weir ends the session")
            .hint("The reason is in Weir's log.");
        self.end_with(&report);
        self.ended = Some(Ended::TargetBroke(what.0));
    }
}
