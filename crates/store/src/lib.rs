//! The index of the decision log: one SQLite file that answers who asked for what, when, and what came of it.
//!
//! ```text
//! log ──records──▶ Writer::add ──▶ rows, sets, words ──▶ Index::sessions ────▶ weir sessions
//!                                                  └──▶ Index::statements ──▶ weir search
//! ```
//!
//! It is a projection: whatever is in it can be made again from the log, so a file of another version, or of a log that
//! is another one, is deleted and never mended. How far it is stands beside what is in it, in the same transaction: for
//! each lane the last record, and where that one is.
//!
//! # How it is found
//!
//! Statements are numbered as they come, and so are sessions; 65,536 of either are a *chunk*. For everything that
//! they are searched by (a person, a table, a rule: a [*facet*](facets)) each chunk has the [set](bits) of those that have it. A
//! search goes from the newest chunk to the oldest, and takes the intersection of a few sets in each: that is as quick
//! for conditions that nearly all fulfil as for those that none does, and for any number of them together. An ordinary
//! index for each column was tried in thought only: of two conditions it serves one, and walks all that fulfil this one.
//!
//! Words of texts are in FTS5. Words that are frequent in a chunk have sets there as well, and so have pairs of them
//! that follow each other: FTS5 is asked for the rare ones, of which it knows quickly ([`terms`]).
//!
//! What this crate is not: it reads no log and knows no record but as JSON; it holds nothing that is not in the log, but tokens of values that it is given; no
//! decision depends on it.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod bits;
mod error;
mod facets;
mod find;
mod open;
mod record;
mod rows;
mod search;
mod subjects;
mod terms;
mod words;
mod write;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use open::Index;
pub use rows::{Notice, Session, SessionState, Statement};
pub use search::{Page, Position, Ruling, Search};
pub use subjects::{ALL_TAKEN, Subject, recording_source};
pub use words::Text;
pub use write::{Cursor, Entry, Writer};
