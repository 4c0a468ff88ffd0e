//! Masks that come back: a client that reads a row and writes it again sends what it was shown.

use crate::REDACTED;
use crate::token::{TOKEN_CHARS, TOKEN_LETTERS, TOKEN_PREFIX};

/// What stands in every mask of a text but a token's.
pub(crate) const HIDDEN: &str = "***";

/// Whether a text is, or holds, what stands in the place of one that may not be seen: redacted, in part, or as a token. Initials
/// can't be told from a text of somebody's own, nor a date's year, a network or a vendor's address, nor what other types than text
/// are shown as.
pub fn is_mask(text: &str) -> bool {
    let is_token = |at: usize| {
        let letters = text.as_bytes().get(at.saturating_add(TOKEN_PREFIX.len())..).unwrap_or_default();
        let ends = letters.get(TOKEN_CHARS).is_none_or(|next| !next.is_ascii_alphanumeric());
        let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        let begins = before.is_none_or(|before| !before.is_ascii_alphanumeric());
        let whole = letters.get(..TOKEN_CHARS).is_some_and(|letters| letters.iter().all(|l| TOKEN_LETTERS.contains(l)));
        begins && whole && ends
    };
    let holds = |what: &str| memchr::memmem::find(text.as_bytes(), what.as_bytes()).is_some();
    holds(REDACTED)
        || holds(HIDDEN)
        || memchr::memmem::find_iter(text.as_bytes(), TOKEN_PREFIX.as_bytes()).any(is_token)
}

/// Whether there may be one in a longer text, as it is written.
pub fn may_hold_mask(text: &[u8]) -> bool {
    [REDACTED, TOKEN_PREFIX, HIDDEN].iter().any(|mask| memchr::memmem::find(text, mask.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Style, TokenKey};
    use model::{ClassId, Value};

    #[test]
    fn what_is_shown_is_known_again() {
        let key = TokenKey::new([1; 32]);
        assert!(is_mask(REDACTED) && is_mask(&key.text("pii.email", b"a@example.com")));
        for (class, text) in [
            ("pci.card", "4111-1111-1111-1234"),
            ("pii.national_id", "512-44-9821"),
            ("pii.phone", "+49 (30) 1234567"),
            ("pii.email", "jane.doe@example.com"),
            ("pii.other", "abcdef"),
            ("pii.postcode", "SW1A 2AA"),
            ("pci.iban", "DE89 3704 0044 0532 0130 00"),
            ("pii.bank_account", "0532013000"),
        ] {
            let part = Style::of(&ClassId::parse(class).unwrap()).apply(&Value::Text(text.into()));
            let Some(Value::Text(part)) = part else { panic!("{class}") };
            assert!(is_mask(&part) && !is_mask(text), "{part}");
            assert!(may_hold_mask(format!("UPDATE t SET a = '{part}'").as_bytes()));
        }
        for held in ["{\"a\": \"[redacted]\"}", "{x,tok_abcdefghijklmnop}", "[\"j***@e***.com\"]"] {
            assert!(is_mask(held), "{held}");
        }
        for own in [
            "",
            "*",
            "**",
            "redacted",
            "tok_",
            "tok_abc",
            "tok_0123456789abcdef",
            "a tok_aaaaaaaaaaaaaaa",
            "tok_aaaaaaaaaaaaaaaaa",
            "stok_aaaaaaaaaaaaaaaa",
            "N. N.",
        ] {
            assert!(!is_mask(own), "{own}");
        }
    }
}
