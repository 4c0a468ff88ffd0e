//! What is kept of a password so that it can be proved without being shown: SCRAM-SHA-256, RFC 5802 §3 and RFC 7677.
//!
//! Passwords are Weir's own tokens: 256 random bits in ASCII, which SASLprep leaves as they are. So the rounds are the
//! fewest that the RFC allows, and a salt need not be a new one each time. It is the same for all credentials of one
//! name, so that a caller that is told the salt may come with any of them, an old one or the one that replaces it; and as
//! it is made of the name and a secret, a name that nobody has gets one that looks as good, always the same.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Sensitive;
use serde::{Deserialize, Serialize};

/// How often the password is hashed with its salt.
pub(crate) const ROUNDS: u32 = 4096;
const SALT_BYTES: usize = 16;

/// Makes salts of names. Whoever has it can tell salts of nobody's names from others.
pub struct SaltKey(hmac::Key);

impl fmt::Debug for SaltKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SaltKey(…)")
    }
}

impl SaltKey {
    /// One that comes from the secret of an installation.
    pub fn of(secret: &[u8; 32]) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let own = hmac::sign(&secret, b"weir scram salts");
        Self(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
    }

    /// The salt of a name, whether somebody has it or not.
    pub(crate) fn salt(&self, name: &str) -> Vec<u8> {
        let mut salt = hmac::sign(&self.0, name.as_bytes()).as_ref().to_vec();
        salt.truncate(SALT_BYTES);
        salt
    }
}

/// What a proof is checked with. Who has it can check proofs and pass for Weir, but not for the caller.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Verifier {
    pub salt: Vec<u8>,
    pub rounds: u32,
    pub stored_key: [u8; 32],
    pub server_key: [u8; 32],
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

/// The same in a line of the token file: bytes as base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifierLine {
    salt: String,
    rounds: u32,
    stored_key: String,
    server_key: String,
}

impl Verifier {
    /// That of a password.
    pub fn of(password: &str, salt: Vec<u8>) -> Self {
        let mut salted = Sensitive::new([0_u8; 32]);
        let rounds = NonZeroU32::new(ROUNDS).unwrap_or(NonZeroU32::MIN);
        salted.change(|out| pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.as_bytes(), out));
        let key = hmac::Key::new(hmac::HMAC_SHA256, salted.expose());
        let stored_key = bytes_32(digest::digest(&digest::SHA256, hmac::sign(&key, b"Client Key").as_ref()).as_ref());
        let server_key = bytes_32(hmac::sign(&key, b"Server Key").as_ref());
        Self { salt, rounds: rounds.get(), stored_key, server_key }
    }

    pub fn line(&self) -> VerifierLine {
        VerifierLine {
            salt: STANDARD.encode(&self.salt),
            rounds: self.rounds,
            stored_key: STANDARD.encode(self.stored_key),
            server_key: STANDARD.encode(self.server_key),
        }
    }

    /// The verifier in a line; `None` if it is none.
    pub fn read(line: &VerifierLine) -> Option<Self> {
        let bytes = |text: &str| STANDARD.decode(text).ok();
        let key = |text: &str| bytes(text)?.try_into().ok();
        let salt = bytes(&line.salt).filter(|salt| (8..=64).contains(&salt.len()))?;
        let rounds = Some(line.rounds).filter(|rounds| (ROUNDS..=1_000_000).contains(rounds))?;
        Some(Self { salt, rounds, stored_key: key(&line.stored_key)?, server_key: key(&line.server_key)? })
    }
}

fn bytes_32(bytes: &[u8]) -> [u8; 32] {
    // Every hash here has that many.
    bytes.try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_the_one_that_postgresql_makes() {
        // SCRAM-SHA-256$4096:<salt>$<stored key>:<server key>, as PostgreSQL 15 has it for the password `pencil`; the
        // salt is that of RFC 7677's example.
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let line = Verifier::of("pencil", salt).line();
        assert_eq!(line.stored_key, "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=");
        assert_eq!(line.server_key, "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
        assert!(Verifier::read(&line).is_some());
    }

    #[test]
    fn salts_are_those_of_the_name_and_the_installation() {
        let (one, other) = (SaltKey::of(&[1; 32]), SaltKey::of(&[2; 32]));
        assert_eq!(one.salt("alice"), SaltKey::of(&[1; 32]).salt("alice"));
        assert_eq!(one.salt("alice").len(), 16);
        assert!(one.salt("alice") != one.salt("alicf") && one.salt("alice") != other.salt("alice"));
    }

    #[test]
    fn lines_that_would_weaken_a_proof_are_none() {
        let good = || Verifier::of("x", vec![7; 16]).line();
        let read = |change: &dyn Fn(&mut VerifierLine)| {
            let mut line = good();
            change(&mut line);
            Verifier::read(&line).is_some()
        };
        assert!(read(&|_| {}));
        assert!(!read(&|line| line.rounds = 1));
        assert!(!read(&|line| line.salt = String::new()));
        assert!(!read(&|line| line.stored_key.truncate(8)));
        assert!(!read(&|line| line.server_key = "!".to_owned()));
    }
}
