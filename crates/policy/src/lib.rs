//! Cedar policies: the schema made from the protocols' words, the checks at load, decisions and what would turn them.
//!
//! Pure: texts and values come in, decisions go out; no file, no socket, no clock. It knows no protocol: what actions
//! there are and what they act on comes from [`model::Vocabulary`] lists. It holds no state between decisions and
//! caches none; that is the gate's matter, and [`Policies::hash`], [`Policies::reads_now`] are there for its keys.
//!
//! The language is Cedar's own: <https://docs.cedarpolicy.com>. What Weir adds to it (entities, actions, context,
//! checks) is told in `docs/policies.md`.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

/// Whether what can never be permitted is a matter of policy all the same: only in a build for `scripts/conformance`, which
/// sends other people's suites through Weir. They change roles and read files of the server everywhere.
pub const NEVER_IS_LIFTED: bool = cfg!(feature = "conformance");

pub mod actions;
mod decision;
mod facts;
#[cfg(test)]
mod fixtures;
mod load;
mod problem;
mod scene;
mod words;

pub use decision::{Circumstances, Decision, Denial, Needs, Reason, Sighting};
pub use load::{Known, Policies, SourceFile};
pub use problem::{Problem, Severity};
pub use scene::Scene;
