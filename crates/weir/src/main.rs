//! Weir: one program between callers and the systems they reach.
//!
//! This crate is the wiring: the command line, the configuration, and which protocols and adapters there are. Rules live
//! in the crates below it; the map is in `ARCHITECTURE.md`.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod alerts;
mod backup;
mod cli;
mod config;
mod exports;
mod log_keys;
mod login;
mod place;
mod policies;
mod protocols;
mod secrets;
mod serve;
mod state;
mod time_span;
mod tls;
mod url_witness;
mod version;
mod wiring;

use std::process::ExitCode;

/// Sessions allocate many short-lived buffers of similar size, on many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
