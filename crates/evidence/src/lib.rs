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
//! in a place that [`verify()`] names. Two things it cannot see, because nothing in the folder is signed: that someone
//! able to write the whole folder made a whole new chain, and that the end of a lane's last segment was cut off (a
//! killed process leaves the same). The byte format is in [`mod@format`].
//!
//! What this crate is not: it decides nothing, keeps no recording of what was shown, and never deletes a segment.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod disk;
mod filter;
pub mod format;
mod lane;
mod log;
mod read;
mod recover;
mod render;
mod verify;
mod walk;

#[cfg(test)]
mod testing;

pub use filter::Filter;
pub use lane::Lane;
pub use log::{Durability, Log, OpenError};
pub use read::{Caller, Follower, LoggedRecord, Place, Records, records, records_after};
pub use render::{Zone, json_line, printable, render};
pub use verify::{Fault, Report, verify};
