//! When somebody should look: what holds for too long, who comes to a target for the first time, who is shown far more than ever.
//!
//! ```text
//! what holds now ───▶ Episodes ─┐
//!                               ├──▶ what is to be said, each once ──▶ (the decision log, and from there by the exports)
//! records of the log ─▶ Usage ──┘
//! ```
//!
//! Pure: moments and happenings come in as values, and what is to be said goes out; no file, no socket, no clock. All of it is bounded, whatever callers do: how
//! much is remembered, and how often something is said ([`FIRST_USES_AN_HOUR_MAX`], [`UNUSUAL_AN_HOUR_MAX`], [`Patience`]).
//!
//! What this is not: a judge. Nothing is refused because of an alert.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod episodes;
mod usage;
mod what;

pub use episodes::{Episodes, Patience, Turn};
pub use usage::{
    FIRST_USES_AN_HOUR_MAX, Finding, Key, PAIRS_MAX, Rules, SESSIONS_MAX, Seen, UNUSUAL_AN_HOUR_MAX, Unreadable, Usage,
};
pub use what::What;

/// A moment, in microseconds since 1970-01-01 UTC.
pub type Micros = u64;

/// A second of them.
pub const SECOND: Micros = 1_000_000;
