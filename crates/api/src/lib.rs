//! What an instance says of itself to whoever watches it, over HTTP: whether it lives, whether callers should be sent to it, and its numbers.
//!
//! ```text
//! GET /healthz ─▶ 200 while the process answers
//! GET /readyz  ─▶ Figures ─▶ Readiness ─▶ 200 or 503, and why, as JSON
//! GET /metrics ─▶ Figures ─▶ METRICS ──▶ Prometheus' text format
//! ```
//!
//! [`Server`] listens on a thread of its own, so that a busy or stuck instance still says what is wrong with it. It is given a function that
//! reads the instance's [`Figures`]; all that follows from them is pure. Everything about a connection is bounded: how many there are,
//! how long a head may be, how long it may take.
//!
//! What this is not: nobody is asked who they are here, so nothing here may name a person, a statement or a value, and nothing may be changed. It
//! imports no other crate of the house: who wires an instance fills the figures in.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod answer;
mod figures;
mod metrics;
mod readiness;
mod server;
mod text;

pub use figures::{Disk, Export, Figures, Log, Policies, Recordings, Retention, Target, Timestamp};
pub use metrics::{METRICS, Metric, exposition};
pub use readiness::{Readiness, Reason, readiness};
pub use server::{CONNECTIONS_MAX, Server};
pub use text::Kind;
