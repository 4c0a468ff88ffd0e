//! Finds sensitive data in bytes.
//!
//! Kinds of it are files: what it looks like, what its digits must fulfil, and words that speak for it or against it
//! ([`Entity`]). A [`Detector`] is a set of kinds made ready; a [`Scanner`] looks for them, in one pass and without allocating
//! where nothing is found. How sure a finding is, is said in log-odds.
//!
//! What this crate is not: it reads no file, knows no protocol, and hides nothing. What is done about a finding is its caller's.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod anywhere;
mod blocks;
mod builtin;
mod chain;
mod checks;
mod detector;
mod edges;
mod entity;
mod kinds;
mod lane;
mod literals;
mod numbers;
mod own;
mod part;
mod scan;
mod shapes;
mod signs;
mod stream;
mod surroundings;
mod times;
mod view_scanner;
mod views;
mod words;

pub use builtin::{Faulty, builtin, entities};
pub use checks::{Check, check, names};
pub use detector::{Detector, Place, Unfit};
pub use entity::{Entity, Example, Misread, Shape};
pub use kinds::KindId;
pub use own::{UnfitPattern, fit};
pub use scan::{Finding, Scanner};
pub use stream::{HELD_BYTES_MAX, HIDDEN_BYTES_MAX, Hidden, Redactor, Sink, Stream};
pub use view_scanner::ViewScanner;
pub use views::View;
