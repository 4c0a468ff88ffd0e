//! What this build calls itself: by `--version`, and in the record of every start.

/// The version.
#[cfg(not(feature = "conformance"))]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version, and what is wrong with this build.
#[cfg(feature = "conformance")]
pub const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (CONFORMANCE BUILD, protects nothing: for scripts/conformance alone)");

/// Said at every start, whatever the log level.
#[cfg(feature = "conformance")]
pub const WARNING: &str =
    "weir: CONFORMANCE BUILD: policies can permit what must never be permitted. For scripts/conformance alone.";

/// Features are united over a build: one that lifts what is never permitted is one that says so.
const _: () = assert!(policy::NEVER_IS_LIFTED == cfg!(feature = "conformance"));
const _: () = assert!(sql_postgres::NOTHING_IS_SEALED == cfg!(feature = "conformance"));
