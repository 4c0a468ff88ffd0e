//! What the tests of the whole program share.

/// The program under test.
pub const WEIR: &str = env!("CARGO_BIN_EXE_weir");
