//! The decision log: what was asked, decided and shown, in append-only lanes of hash-chained records.
//!
//! ```text
//! gate ──append, note──▶ Lane ──write(2)──▶ log/<lane>-<first seq>.log ──▶ records, Follower ──▶ weir log
//!                                                                    └──▶ verify ─────────────▶ weir audit verify
//! ```
//!
//! [`Log::open`] takes a folder for itself, looks how each lane ended, and begins a new segment in each. A [`Lane`] is
//! the gate's [`Ledger`](gate::Ledger): an append returns when the operating system has the records, so they survive a
//! killed process; with [`Durability::Synced`] it returns when the disk has them.
//!
//! Each record's hash covers the record before it, so whoever changes, removes, moves or inserts one breaks the chain
//! in a place that [`verify()`] names. What chains alone cannot show, that someone able to write the whole folder made
//! a whole new one or cut off the end of a lane, [`checkpoint`]s do: every second all lanes are signed together, and
//! the signed note goes to places of its own. What is left open is the end that is not signed yet. The byte format is in
//! [`mod@format`].
//!
//! Beside the log stand recordings of what callers were shown, in [`recording`].
//!
//! What this crate is not: it decides nothing, and never deletes a segment. A recording it deletes when its target's retention says so, no
//! [`hold`] keeps it, and the log has been told ([`recording::Sweeper`]).

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

pub mod checkpoint;
mod disk;
mod epoch;
mod filter;
mod folder;
pub mod format;
pub mod hold;
mod lane;
mod log;
mod meter;
mod mirror;
mod note;
mod prove;
mod read;
pub mod recording;
mod recover;
mod render;
mod resume;
mod signer;
mod space;
mod tree;
mod verify;
mod walk;
mod witness;

#[cfg(test)]
mod testing;

pub use epoch::{Epoch, NewEpoch};
pub use filter::Filter;
pub use lane::Lane;
pub use log::{Durability, Log, OpenError, is_idle, look, make_same, put_aside};
pub use meter::{LogFigures, Meter};
pub use mirror::Differ;
pub use note::{Keyring, NoteError, SigningKey, VerifyKey};
pub use prove::{PROOF_BYTES_MAX, Proved, RecordName, Unconvincing, Unproved, check_proof, prove, prove_growth};
pub use read::{Caller, Follower, LoggedRecord, Place, Records, records, records_after, records_since};
pub use render::{Zone, json_line, printable, render};
pub use resume::NotAsSigned;
pub use signer::Signing;
pub use space::{Level, Reserve, Space, SpaceFigures};
pub use verify::{Fault, Report, Trust, verify, verify_since};
pub use witness::{ANOTHER_WRITES, Apart, Check, FileWitness, Witness};
