//! The order that every protocol walks, written once: admit, decide, evidence, forward, show.
//!
//! ```text
//! caller ─▶ Gate::admit ─▶ Session::decide ─▶ Session::commit ─▶ Upstream::begin ─▶ target
//!              connect          policy           the ledger        eats a Permit
//! caller ◀───────────────── redact::show ◀─ Flow::shape ◀─ Flow ◀──────────────── target
//!                                            sights          finish: the outcome is noted
//! ```
//!
//! 1. [`Gate::admit`] asks `connect` and writes who came. It gives a [`Session`].
//! 2. [`Session::decide`] answers one operation from the cache, or has the protocol interpret it and asks policy. It
//!    does no I/O. The answer is a [`Verdict`].
//! 3. [`Session::commit`] writes the verdicts of one read, permits and refusals alike, in one append. Only then does it
//!    mint a [`Permit`] for each operation that may run. Where a protocol prepares something and runs it in one breath, one
//!    decision and one record stand for both ([`Verdict::join_next`]).
//! 4. [`Upstream`] owns the only way to write to the target, and moves only for a permit, for more of a flow that a
//!    permit began, or for one of the protocol's control frames, which touch no object.
//! 5. The [`Flow`] says how each result shape is shown ([`Flow::shape`]) and what of it is looked at ([`Flow::watch`], [`Looker`]), counts
//!    what is shown, and notes the outcome when it ends. Dropped early, it notes that the outcome is unknown.
//!
//! Forwarding without a permit does not compile:
//!
//! ```compile_fail
//! fn forge<T>(payload: T) -> gate::Permit<T> {
//!     gate::Permit { payload }
//! }
//! ```
//!
//! and a permit is good for one operation:
//!
//! ```compile_fail
//! fn twice<W, T>(upstream: &mut gate::Upstream<W>, permit: gate::Permit<T>) {
//!     upstream.begin(permit, |_, _| ());
//!     upstream.begin(permit, |_, _| ());
//! }
//! ```
//!
//! What this crate is not: it knows no wire format and opens no socket or file. It is told the time; it reads the clock
//! itself only to note a session or flow that was dropped in the middle. Its ports ([`Ledger`], [`Identities`],
//! [`Credentials`]) are traits that adapters implement.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod admit;
mod content;
mod erred;
mod flat;
mod flow;
mod judge;
mod kept_plan;
mod keys;
mod ledger;
mod long_look;
mod ports;
mod recorder;
mod refusal;
mod scenes;
mod search;
mod session;
mod storing;
mod tally;
mod upstream;
mod verdict;
mod watch;
mod words;

pub use admit::{Arrival, Gate};
pub use content::Content;
pub use erred::{Erred, ErredRule};
pub use flow::{Flow, Plans, Shown};
pub use judge::rung;
pub use kept_plan::KeptPlan;
pub use keys::{DigestInPieces, Keys, ShapeKey};
pub use ledger::{
    Alert, Arrived, Decided, Ended, EpochBegan, Event, Found, Held, HoldPlaced, HoldReleased, Ledger, LedgerDown,
    Outcome, Record, Recorded, RecordingDeleted, Rejected, Ruling,
};
pub use long_look::{LongLook, Passed};
pub use ports::{Challenge, CredentialDown, Credentials, Identities, Rejection, ScramChallenge, ScramCredential};
pub use recorder::{Frame, Opening, Recorder, RecorderDown, Recording, ShownField};
pub use refusal::{Declined, Refusal};
pub use search::{PlaceKey, Search};
pub use session::{Session, Step, Unwritten};
pub use storing::Storing;
pub use tally::{Counted, Tally};
pub use upstream::{ControlFrame, Upstream, Wire};
pub use verdict::{Permit, Released, Verdict};
pub use watch::{Hidden, KeptWatch, Looker, Met, Sought, Watch, Watches};
pub use words::Words;
