//! Sensitive data in bytes: what a value is, by its form and its check digits.
//!
//! Pure: bytes in, verdicts out. It knows no policy, no protocol and no column, and allocates nothing.
//! [`check`] finds a [`Check`] by the name of what it is of.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod checks;

pub use checks::{Check, check, names};
