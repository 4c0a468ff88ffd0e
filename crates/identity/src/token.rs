//! The text of Weir's own tokens.
//!
//! ```text
//! weir_ k3vq7mzt5c2a _ Zk…43 characters…0 3fQb1x
//!       id             secret             check
//! ```
//!
//! The id names the token in logs and on the command line. The secret is 256 random bits, so its plain SHA-256 can be
//! stored without being guessed. The check is the start of the SHA-256 of what precedes it: it tells a text that was cut
//! while copying from one that was never issued, and lets a scanner for leaked secrets know a token when it sees one.

use std::fmt::Write;

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Sensitive;

/// What every token of Weir's begins with.
pub(crate) const PREFIX: &str = "weir_";
const ID_CHARS: usize = 12;
const SECRET_BYTES: usize = 32;
const SECRET_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;
const TOKEN_CHARS: usize = PREFIX.len() + ID_CHARS + 1 + SECRET_CHARS + CHECK_CHARS;
/// 32 letters and digits, none of which is taken for another. A random byte is one of them without bias.
const ID_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A fresh token: its id and its text. `None` when the system has no randomness to give.
pub(crate) fn generate() -> Option<(String, Sensitive<String>)> {
    let mut id_bytes = [0_u8; ID_CHARS];
    let mut secret_bytes = [0_u8; SECRET_BYTES];
    rand::fill(&mut id_bytes).ok()?;
    rand::fill(&mut secret_bytes).ok()?;
    let secret_bytes = Sensitive::new(secret_bytes);

    let letter = |byte: &u8| ID_ALPHABET.get(usize::from(byte % 32)).copied().map(char::from);
    let id = id_bytes.iter().map(letter).collect::<Option<String>>()?;
    // At its full size from the start, so that no half of it is left in memory by growing.
    let mut text = String::with_capacity(TOKEN_CHARS);
    text.push_str(PREFIX);
    text.push_str(&id);
    text.push('_');
    URL_SAFE_NO_PAD.encode_string(secret_bytes.expose(), &mut text);
    let check = check(&text);
    text.push_str(&check);
    Some((id, Sensitive::new(text)))
}

/// The id in a text that has the form of a token, or what is wrong with the form.
pub(crate) fn id_of(text: &str) -> Result<&str, &'static str> {
    if text.len() != TOKEN_CHARS {
        return Err("a token of Weir's with characters missing or too many");
    }
    let of_token = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    let (Some((body, given)), Some(rest)) =
        (text.split_at_checked(TOKEN_CHARS - CHECK_CHARS), text.strip_prefix(PREFIX))
    else {
        return Err("not a token of Weir's");
    };
    match rest.split_at_checked(ID_CHARS) {
        Some((id, rest)) if id.bytes().all(|c| ID_ALPHABET.contains(&c)) && rest.starts_with('_') => {
            if !text.bytes().all(of_token) || check(body) != given {
                return Err("a token of Weir's with a wrong check: a character was changed");
            }
            Ok(id)
        }
        _ => Err("a token of Weir's without an id"),
    }
}

/// Whether this can be the id of a token.
pub(crate) fn is_id(id: &str) -> bool {
    id.len() == ID_CHARS && id.bytes().all(|c| ID_ALPHABET.contains(&c))
}

fn check(body: &str) -> String {
    let mut check = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, body.as_bytes()));
    check.truncate(CHECK_CHARS);
    check
}

/// What is stored of a token: SHA-256, in hexadecimal.
pub(crate) fn hash(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// Whether a token has this hash, in a time that does not depend on where they differ.
pub(crate) fn matches(text: &str, stored: &str) -> bool {
    constant_time::verify_slices_are_equal(hash(text).as_bytes(), stored.as_bytes()).is_ok()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_its_id_and_fits_its_hash() {
        let (id, text) = generate().unwrap();
        let text = text.expose();
        assert_eq!(text.len(), TOKEN_CHARS);
        assert!(is_id(&id) && id_of(text) == Ok(&id));
        assert!(matches(text, &hash(text)));
        let (other_id, other) = generate().unwrap();
        assert!(id != other_id && !matches(other.expose(), &hash(text)));
    }

    #[test]
    fn a_damaged_token_is_told_from_an_unknown_one() {
        let (_, token) = generate().unwrap();
        let text = token.expose();
        for cut in 0..text.len() {
            assert!(id_of(&text[..cut]).is_err());
        }
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
            assert!(id_of(std::str::from_utf8(&changed).unwrap()).is_err(), "a change at {at} went unseen");
        }
        for bad in
            ["", "weir_", &format!("{text}x"), &format!(" {text}"), &"ä".repeat(TOKEN_CHARS / 2), &text.to_uppercase()]
        {
            assert!(id_of(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn the_alphabet_has_no_letter_twice() {
        let letters: std::collections::BTreeSet<_> = ID_ALPHABET.iter().collect();
        assert_eq!(letters.len(), 32);
    }
}
