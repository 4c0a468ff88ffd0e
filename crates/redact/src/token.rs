//! Keyed tokens: the same value of the same class gives the same token under the same key, and says nothing without it.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::hmac;
use model::{ClassId, Value};

/// The key of a token scope.
pub struct TokenKey(hmac::Key);

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// RFC 4648 base32, lower case.
pub(crate) const TOKEN_LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// What every token of a text begins with.
pub(crate) const TOKEN_PREFIX: &str = "tok_";
/// Characters behind it: 80 bits.
pub(crate) const TOKEN_CHARS: usize = 16;

impl TokenKey {
    /// A scope's key.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret))
    }

    /// The key of a narrower scope, such as one session's.
    pub fn derive(&self, scope: &str) -> Self {
        let tag = hmac::sign(&self.0, scope.as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref()))
    }

    /// The token of a value in the value's own kind: `tok_` and 80 bits for a text, a version 8 UUID for a UUID; other
    /// kinds can't hold one.
    pub fn token(&self, class: &ClassId, value: &Value<'_>) -> Option<Value<'static>> {
        match value {
            Value::Text(text) => Some(Value::Text(Cow::Owned(self.text(class.as_str(), text.as_bytes())))),
            Value::Uuid(id) => {
                let tag = self.sign(class.as_str(), id);
                let mut token = [0; 16];
                token.copy_from_slice(tag.as_ref().get(..16)?);
                token[6] = (token[6] & 0x0f) | 0x80;
                token[8] = (token[8] & 0x3f) | 0x80;
                Some(Value::Uuid(token))
            }
            Value::Null | Value::Number(_) | Value::Date { .. } | Value::Bool(_) => None,
        }
    }

    /// The token of some bytes, as text.
    pub fn text(&self, class: &str, bytes: &[u8]) -> String {
        let tag = self.sign(class, bytes);
        let bits = tag.as_ref().iter().take(10).fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        let letters = (0..16_u32).rev().map(|at| {
            let five = usize::try_from((bits >> at.wrapping_mul(5)) & 31).unwrap_or_default();
            TOKEN_LETTERS.get(five).copied().map_or('a', char::from)
        });
        TOKEN_PREFIX.chars().chain(letters).collect()
    }

    fn sign(&self, class: &str, bytes: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(class.as_bytes());
        context.update(&[0]);
        context.update(bytes);
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_depend_on_key_class_and_value_and_keep_the_kind() {
        let key = TokenKey::new([1; 32]);
        let email = ClassId::parse("pii.email").unwrap();
        let token = |key: &TokenKey, class: &ClassId, text: &'static str| key.token(class, &Value::Text(text.into()));
        let one = token(&key, &email, "a@b.com");
        assert_eq!(one, token(&key, &email, "a@b.com"));
        assert_ne!(one, token(&key, &email, "b@b.com"));
        assert_ne!(one, token(&key, &ClassId::parse("pii.name").unwrap(), "a@b.com"));
        assert_ne!(one, token(&key.derive("session-1"), &email, "a@b.com"));
        let Some(Value::Uuid(id)) = key.token(&email, &Value::Uuid([3; 16])) else { panic!("no uuid") };
        assert_eq!((id[6] >> 4, id[8] >> 6), (8, 2));
        assert_eq!(key.token(&email, &Value::Number("5".into())), None);
    }

    #[test]
    fn the_text_form_is_base32_of_the_first_eighty_bits() {
        let key = TokenKey::new([1; 32]);
        let text = key.text("c", b"v");
        assert!(text.len() == 20 && text.bytes().skip(4).all(|b| TOKEN_LETTERS.contains(&b)), "{text}");
    }
}
