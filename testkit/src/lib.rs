//! What tests share: real clients (`psql` of two releases, Python drivers, JDBC), real servers to put behind Weir, and
//! waiting for a condition without guessing how long it takes.
//!
//! A tool that is missing is an error that names `scripts/setup`, never a test that passes without having run. Nothing here
//! is shipped. [`weir`] runs the program under test, [`http`] asks it what a test wants asked, [`prometheus`] reads what it counts.

mod clients;
pub mod http;
pub mod prometheus;
mod run;
mod wait;
#[allow(clippy::expect_used, clippy::panic, reason = "a Weir that cannot be run fails the test, there and then")]
pub mod weir;

pub use clients::{Clients, Release, python};
pub use run::{Outcome, Run, RunError};
pub use wait::{TimedOut, free_port, wait_until};

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// A folder for one test, closed to others, removed when dropped. Its name says what it is for.
pub fn temp_folder(purpose: &str) -> std::io::Result<tempfile::TempDir> {
    let closed = std::fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().prefix(&format!("weir-test-{purpose}-")).permissions(closed).tempdir()
}

/// The checkout that this test kit was built in.
pub fn checkout() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or(own.clone(), PathBuf::from)
}
