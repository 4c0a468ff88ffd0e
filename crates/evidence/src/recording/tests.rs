//! The tests of recordings as a whole. Those of its parts stand beside them.

mod failures;
mod folder;
mod mutations;
mod room;
mod round_trip;
