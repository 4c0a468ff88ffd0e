//! Who is calling: Weir's own tokens, signed tokens (JWT) of configured issuers, certificates of configured authorities.
//!
//! One text comes in, one [`Principal`](model::Principal) or one [`Rejection`] goes out, through [`Directory::verify`].
//! The principal is fixed from then on; [`Directory::is_live`] says whether its credential still holds.
//!
//! What it is not: policy (what a principal may do is decided elsewhere), nor a login page. `docs/identity.md` tells the
//! same from a caller's side. Specs: RFC 7519 (JWT), RFC 7515 (JWS), RFC 7517 (JWK), RFC 8725 (best practice),
//! RFC 8693 §4.1 (`act`), RFC 5802 and RFC 7677 (SCRAM-SHA-256), OpenID Connect Discovery 1.0 §4.
//!
//! Time is a parameter everywhere: nothing in here reads a clock to judge a credential.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

// The front.
mod challenge;
mod directory;
mod port;
mod rejection;
// Weir's own tokens.
mod scram;
mod token;
mod token_file;
// Tokens of others: from the configuration, through keys and signature, to a principal.
mod condition;
mod config;
mod fetch;
mod issuers;
mod jwt;
mod key_ring;
mod key_set;
mod template;
// Certificates shown in TLS.
mod certificates;
// What all of them stand on.
mod claims;
mod json;
mod names;

#[cfg(test)]
mod testing;

pub use certificates::{CertificateConfig, Certificates};
pub use challenge::ScramUse;
pub use condition::Condition;
pub use config::{ConfigProblem, IssuerConfig, KeySource, SignatureAlgorithm};
pub use directory::Directory;
pub use issuers::Issuers;
pub use names::SyntaxError;
pub use rejection::{Reason, Rejection};
pub use scram::SaltKey;
pub use template::Template;
pub use token_file::{NewToken, TokenEntry, TokenFile, TokenFileError, TokenState};

/// Who vouches for the names in Weir's own tokens: `local:alice@example.com`. No configured issuer may have this name.
pub const LOCAL_ISSUER: &str = "local";
