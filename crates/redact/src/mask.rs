//! Masks that come back: a client that reads a row and writes it again sends what it was shown.

use crate::REDACTED;
use crate::token::{TOKEN_CHARS, TOKEN_LETTERS, TOKEN_PREFIX};

/// What stands in every mask of a text but a token's.
pub(crate) const HIDDEN: &str = "***";

/// Whether a value is, or holds, what stands in the place of one that may not be seen: redacted, in part, or as a token. Initials
/// can't be told from a text of somebody's own, nor a date's year, a network or a vendor's address, nor what other types than text
/// are shown as.
pub fn is_mask(value: &[u8]) -> bool {
    let mut finder = MaskFinder::default();
    finder.feed(value) || finder.end()
}

/// The longest mask that can be a value's every byte.
pub const WHOLE_MASK_BYTES_MAX: usize = TOKEN_BYTES;

/// Whether a value is the mark of one that may not be seen, or a token, from its first byte to its last.
pub fn is_whole_mask(value: &[u8]) -> bool {
    let mut finder = MaskFinder::default();
    value == REDACTED.as_bytes() || (!finder.feed(value) && finder.end() && value.len() == TOKEN_BYTES)
}

/// Looks for the same in a value that comes in pieces.
#[derive(Clone, Debug, Default)]
pub struct MaskFinder {
    /// How much of each has just been read.
    stars: usize,
    redacted: usize,
    token: usize,
    /// How much of a token that began behind the prefix of another: `tok_tok_`.
    inner: usize,
    /// Whether the last byte was a letter or digit.
    in_word: bool,
}

/// Bytes of a token.
const TOKEN_BYTES: usize = TOKEN_PREFIX.len().saturating_add(TOKEN_CHARS);

impl MaskFinder {
    /// Takes more of the value. Says whether there is a mask in what has come so far; then the value need not be looked at any further.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| self.byte(*byte))
    }

    /// Whether there is one that only the end of the value shows to be one.
    pub fn end(&self) -> bool {
        self.token == TOKEN_BYTES
    }

    fn byte(&mut self, byte: u8) -> bool {
        let is = |word: &str, at: usize| word.as_bytes().get(at) == Some(&byte);
        self.stars = if is(HIDDEN, self.stars) { self.stars.saturating_add(1) } else { 0 };
        self.redacted = match self.redacted {
            at if is(REDACTED, at) => at.saturating_add(1),
            _ => usize::from(is(REDACTED, 0)),
        };
        let is_word = byte.is_ascii_alphanumeric();
        let ends = self.token == TOKEN_BYTES && !is_word;
        let behind_prefix = self.token.checked_sub(TOKEN_PREFIX.len());
        self.inner = match behind_prefix {
            Some(at) if at == self.inner && is(TOKEN_PREFIX, at) => at.saturating_add(1),
            _ => 0,
        };
        let goes_on = match behind_prefix {
            None => self.token > 0 && is(TOKEN_PREFIX, self.token),
            Some(at) => at < TOKEN_CHARS && TOKEN_LETTERS.contains(&byte),
        };
        self.token = match (goes_on, self.inner) {
            (true, _) => self.token.saturating_add(1),
            (false, inner) if inner == TOKEN_PREFIX.len() => std::mem::take(&mut self.inner),
            _ => usize::from(!self.in_word && is(TOKEN_PREFIX, 0)),
        };
        self.in_word = is_word;
        ends || self.stars == HIDDEN.len() || self.redacted == REDACTED.len()
    }
}

/// Whether there may be one in a longer text, as it is written.
pub fn may_hold_mask(text: &[u8]) -> bool {
    [REDACTED, TOKEN_PREFIX, HIDDEN].iter().any(|mask| memchr::memmem::find(text, mask.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Style, TokenKey};
    use model::{ClassId, Value};

    #[test]
    fn what_is_shown_is_known_again() {
        let key = TokenKey::new([1; 32]);
        assert!(is_mask(REDACTED.as_bytes()) && is_mask(key.text("pii.email", b"a@example.com").as_bytes()));
        for (class, text) in [
            ("pci.card", "4111-1111-1111-1234"),
            ("pii.national_id", "512-44-9821"),
            ("pii.phone", "+49 (30) 1234567"),
            ("pii.phone", "06 12 34 56 78"),
            ("pii.phone", "+33 6 12 34 56 78"),
            ("pii.phone", "12"),
            ("pci.iban", "D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0"),
            ("pii.email", "jane.doe@example.com"),
            ("pii.other", "abcdef"),
            ("pii.postcode", "SW1A 2AA"),
            ("pci.iban", "DE89 3704 0044 0532 0130 00"),
            ("pii.bank_account", "0532013000"),
            ("pii.passport", "AB1234567"),
            ("fin.wallet", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
        ] {
            let part = Style::of(&ClassId::parse(class).unwrap()).apply(&Value::Text(text.into()));
            let Some(Value::Text(part)) = part else { panic!("{class}") };
            assert!(is_mask(part.as_bytes()) && !is_mask(text.as_bytes()), "{part}");
            assert!(may_hold_mask(format!("UPDATE t SET a = '{part}'").as_bytes()));
        }
        for held in [
            "{\"a\": \"[redacted]\"}",
            "{x,tok_abcdefghijklmnop}",
            "[\"j***@e***.com\"]",
            "tok_tok_abcdefghijklmnop",
            "tok_tok_tok_abcdefghijklmnop.",
            "[red[redacted]",
            "toktok_ tok_abcdefghijklmnop",
            "\u{e9}***",
        ] {
            assert!(is_mask(held.as_bytes()), "{held}");
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
            "[redacted",
            "**-*",
            "tok_abcdefghijklmno.p",
            "xtok_tok_abcdefghijklmnopq",
        ] {
            assert!(!is_mask(own.as_bytes()), "{own}");
        }
    }

    /// The same by searching, in one piece.
    fn holds_mask(value: &[u8]) -> bool {
        let holds = |what: &str| value.windows(what.len()).any(|part| part == what.as_bytes());
        let is_token = |at: usize| {
            let before = at.checked_sub(1).map(|at| value[at]);
            let letters = value.get(at + 4..at + 20);
            value[at..].starts_with(b"tok_")
                && !before.is_some_and(|byte| byte.is_ascii_alphanumeric())
                && letters.is_some_and(|letters| letters.iter().all(|letter| TOKEN_LETTERS.contains(letter)))
                && !value.get(at + 20).is_some_and(u8::is_ascii_alphanumeric)
        };
        holds(REDACTED) || holds(HIDDEN) || (0..value.len()).any(is_token)
    }

    proptest! {
        /// Whatever is shown of digits is known again, if it is not the value itself.
        #[test]
        fn what_is_shown_of_digits_is_known_again(text in "[ 0-9A-Z()+/.-]{0,24}") {
            for class in ["pci.card", "pii.phone", "pci.iban", "pii.national_id"] {
                let part = Style::of(&ClassId::parse(class).unwrap()).apply(&Value::Text(text.clone().into()));
                let Some(Value::Text(part)) = part else { continue };
                prop_assert!(is_mask(part.as_bytes()) || part == text, "{}: {}", class, part);
            }
        }

        #[test]
        fn a_mask_is_found_wherever_the_value_is_cut(
            parts in prop::collection::vec("tok_|[a-z2-7]{12,16}|\\[red|acted\\]|\\*{1,3}|[ 0a_.]|tok_[a-z]{16}", 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let value = parts.concat().into_bytes();
            let (one, two) = value.split_at(cut.index(value.len() + 1));
            let mut finder = MaskFinder::default();
            let found = finder.feed(one) || finder.feed(two) || finder.end();
            prop_assert_eq!(found, holds_mask(&value), "{}", String::from_utf8_lossy(&value));
        }
    }
}
