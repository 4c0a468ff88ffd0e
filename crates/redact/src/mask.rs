//! Masks that come back: a client that reads a row and writes it again sends what it was shown.

use crate::REDACTED;
use crate::token::{TOKEN_CHARS, TOKEN_LETTERS, TOKEN_PREFIX};

/// What stands in every mask of a text but a token's.
pub(crate) const HIDDEN: &str = "***";

/// Whether a text is, or holds, what stands in the place of one that may not be seen: redacted, in part, or as a token. Initials
/// can't be told from a text of somebody's own, nor a date's year, a network or a vendor's address, nor what other types than text
/// are shown as.
pub fn is_mask(text: &str) -> bool {
    let token = text.strip_prefix(TOKEN_PREFIX).is_some_and(|letters| {
        letters.len() == TOKEN_CHARS && letters.bytes().all(|letter| TOKEN_LETTERS.contains(&letter))
    });
    token || text == REDACTED || text.contains(HIDDEN)
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
        for own in
            ["", "*", "**", "redacted", "tok_", "tok_abc", "tok_0123456789abcdef", "a tok_aaaaaaaaaaaaaaaa", "N. N."]
        {
            assert!(!is_mask(own), "{own}");
        }
    }
}
