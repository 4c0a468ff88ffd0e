//! Outages, errors and evidence through the whole program: Weir killed at any moment, a log that cannot be written, callers
//! that may not come in, targets that can't be reached or turn hostile, bytes that are no protocol, sessions that must end, and the record
//! of all of it. Real servers, real clients, and a client of our own where bytes and moments matter.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints the figures that it measured"
)]

mod alerting;
mod between;
mod catalogs;
mod certificates;
mod discovering;
mod endings;
mod explaining;
mod floods;
mod following;
mod hostile;
mod house;
mod interference;
mod issuers;
mod kills;
mod luck;
mod malformed;
mod mirrored;
mod nth;
mod orders;
mod random;
mod recorded;
mod reloading;
mod reserve;
mod restored;
mod retained;
mod rogues;
mod scram;
mod strangers;
mod target_tls;
mod unwritable;
mod versions;
mod watched;
mod wire;
mod witnesses;
