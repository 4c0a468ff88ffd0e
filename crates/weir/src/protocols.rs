//! The protocols that this Weir speaks. A new one is its crate, a dependency line, and its line here.

use model::Vocabulary;

/// The words of every protocol: policies can speak of these and no others.
pub const VOCABULARIES: &[&Vocabulary] = &[&protocol_postgres::VOCABULARY];
