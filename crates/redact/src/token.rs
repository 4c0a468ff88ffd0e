//! Keyed tokens: the same value of the same class gives the same token under the same key, and says nothing without it.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_lc_rs::hmac;
use model::{ClassId, Value};

/// The key of a token scope.
#[derive(Clone)]
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
/// Tokens of numbers that fit into 32 bits are 1 to this.
const SMALL_MAX: u128 = i32::MAX.unsigned_abs() as u128;
/// Those of all others have eighteen digits, from this on.
const LARGE_MIN: u128 = 10_u128.pow(17);

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

    /// The token of a value in the value's own kind; `None` of kinds that can't hold one.
    ///
    /// | kind | token |
    /// |---|---|
    /// | text, bytes | `tok_` and 80 bits in base32 |
    /// | number | a positive whole number: below 2³¹ if the value fits into 32 bits, else of 18 digits |
    /// | UUID | a version 8 UUID |
    /// | network address | a host in `10.0.0.0/8` or `fd00::/8` |
    /// | hardware address | one that is locally administered |
    ///
    /// A number's token depends on the number alone and not on the type that holds it or on how it is written, so that columns of
    /// different types can be joined. Among n different numbers below 2³² about n² / 2³² pairs have the same token.
    pub fn token(&self, class: &ClassId, value: &Value<'_>) -> Option<Value<'static>> {
        let class = class.as_str();
        Some(match value {
            Value::Text(text) => Value::Text(Cow::Owned(self.text(class, text.as_bytes()))),
            Value::Bytes(bytes) => Value::Bytes(Cow::Owned(self.text(class, bytes).into_bytes())),
            Value::Number(number) => Value::Number(Cow::Owned(self.number(class, number)?)),
            Value::Uuid(id) => {
                let mut token = first_bytes::<16>(&self.sign(class, id))?;
                token[6] = (token[6] & 0x0f) | 0x80;
                token[8] = (token[8] & 0x3f) | 0x80;
                Value::Uuid(token)
            }
            Value::Net { addr, prefix } => self.net(class, *addr, *prefix)?,
            Value::Mac(address) => {
                let [first, rest @ ..] = first_bytes::<6>(&self.sign(class, address))?;
                let [a, b, c, d, e] = rest;
                Value::Mac([locally_administered(first), a, b, c, d, e])
            }
            Value::Eui64(address) => {
                let [first, rest @ ..] = first_bytes::<8>(&self.sign(class, address))?;
                let [a, b, c, d, e, f, g] = rest;
                Value::Eui64([locally_administered(first), a, b, c, d, e, f, g])
            }
            Value::Null | Value::Real(_) | Value::Date { .. } | Value::Bool(_) => return None,
        })
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

    fn number(&self, class: &str, number: &str) -> Option<String> {
        let number = canonical(number)?;
        let small = number.parse().is_ok_and(|n: i64| (i32::MIN.into()..=u32::MAX.into()).contains(&n));
        let bits = u128::from_be_bytes(first_bytes(&self.sign(class, number.as_bytes()))?);
        let (least, most) =
            if small { (1, SMALL_MAX) } else { (LARGE_MIN, LARGE_MIN.saturating_mul(10).saturating_sub(1)) };
        let span = most.saturating_sub(least).saturating_add(1);
        Some(least.saturating_add(bits.checked_rem(span)?).to_string())
    }

    fn net(&self, class: &str, addr: IpAddr, prefix: u8) -> Option<Value<'static>> {
        let mut bytes = match addr {
            IpAddr::V4(addr) => addr.octets().to_vec(),
            IpAddr::V6(addr) => addr.octets().to_vec(),
        };
        bytes.push(prefix);
        let mut token = first_bytes::<16>(&self.sign(class, &bytes))?;
        Some(if addr.is_ipv4() {
            let [a, b, c, ..] = token;
            Value::Net { addr: Ipv4Addr::new(10, a, b, c).into(), prefix: 32 }
        } else {
            token[0] = 0xfd;
            Value::Net { addr: Ipv6Addr::from(token).into(), prefix: 128 }
        })
    }

    fn sign(&self, class: &str, bytes: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(class.as_bytes());
        context.update(&[0]);
        context.update(bytes);
        context.sign()
    }
}

fn first_bytes<const N: usize>(tag: &hmac::Tag) -> Option<[u8; N]> {
    tag.as_ref().first_chunk::<N>().copied()
}

/// The first byte of a hardware address that no vendor has given out, and that is of one device.
fn locally_administered(first: u8) -> u8 {
    (first & 0b1111_1100) | 0b10
}

/// A number without what is not of its value: zeros before it and behind its fraction, a sign of zero.
fn canonical(number: &str) -> Option<String> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if digits.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match (whole, fraction) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn class() -> ClassId {
        ClassId::parse("pii.email").unwrap()
    }

    fn of(value: Value<'_>) -> Option<Value<'static>> {
        TokenKey::new([1; 32]).token(&class(), &value)
    }

    fn number(text: &str) -> Option<u64> {
        match of(Value::Number(text.into())) {
            Some(Value::Number(token)) => Some(token.parse().unwrap()),
            None => None,
            Some(other) => panic!("a number became {other:?}"),
        }
    }

    #[test]
    fn tokens_depend_on_key_class_and_value_and_keep_the_kind() {
        let key = TokenKey::new([1; 32]);
        let email = class();
        let token = |key: &TokenKey, class: &ClassId, text: &'static str| key.token(class, &Value::Text(text.into()));
        let one = token(&key, &email, "a@b.com");
        assert_eq!(one, token(&key, &email, "a@b.com"));
        assert_ne!(one, token(&key, &email, "b@b.com"));
        assert_ne!(one, token(&key, &ClassId::parse("pii.name").unwrap(), "a@b.com"));
        assert_ne!(one, token(&key.derive("session-1"), &email, "a@b.com"));
        let Some(Value::Uuid(id)) = of(Value::Uuid([3; 16])) else { panic!("no uuid") };
        assert_eq!((id[6] >> 4, id[8] >> 6), (8, 2));
        let Some(Value::Bytes(bytes)) = of(Value::Bytes(b"a@b.com"[..].into())) else { panic!("no bytes") };
        assert_eq!(Value::Text(std::str::from_utf8(&bytes).unwrap().into()), one.unwrap());
        for none in [Value::Null, Value::Real(1.0), Value::Bool(true), Value::Date { year: 1984, month: 7, day: 9 }] {
            assert_eq!(of(none), None);
        }
    }

    #[test]
    fn the_text_form_is_base32_of_the_first_eighty_bits() {
        let key = TokenKey::new([1; 32]);
        let text = key.text("c", b"v");
        assert!(text.len() == 20 && text.bytes().skip(4).all(|b| TOKEN_LETTERS.contains(&b)), "{text}");
    }

    #[test]
    fn a_number_has_one_token_however_it_is_written() {
        for (one, others) in [
            ("5", &["5.0", "5.000", "005", "0005.00"][..]),
            ("0", &["0.0", "-0", "-0.000", ".0"]),
            ("-5", &["-5.0", "-05"]),
            ("0.5", &["00.50", ".5"]),
            ("12345678901234567890123", &["12345678901234567890123.0"]),
        ] {
            for other in others {
                assert!(number(one).is_some() && number(one) == number(other), "{one} {other}");
            }
        }
        let all = ["5", "-5", "0", "0.5", "50", "500", "5000000000"].map(number);
        assert!(all.iter().enumerate().all(|(at, one)| !all[..at].contains(one)), "{all:?}");
        for bad in ["", "-", "NaN", "1e5", "+5", "0x1", "１", "1.2.3", "--1"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn tokens_of_addresses_are_of_no_real_ones() {
        let net = |addr: &str, prefix| of(Value::Net { addr: addr.parse().unwrap(), prefix });
        let Some(Value::Net { addr: IpAddr::V4(v4), prefix: 32 }) = net("192.0.2.1", 32) else { panic!("no address") };
        assert_eq!(v4.octets()[0], 10);
        let Some(Value::Net { addr: IpAddr::V6(v6), prefix: 128 }) = net("2001:db8::1", 128) else {
            panic!("no address")
        };
        assert_eq!(v6.octets()[0], 0xfd);
        assert_ne!(net("192.0.2.1", 32), net("192.0.2.1", 24));
        for byte in 0..=255 {
            let Some(Value::Mac([first, ..])) = of(Value::Mac([byte; 6])) else { panic!("no address") };
            let Some(Value::Eui64([long, ..])) = of(Value::Eui64([byte; 8])) else { panic!("no address") };
            assert_eq!((first & 3, long & 3), (2, 2));
        }
    }

    proptest! {
        #[test]
        fn tokens_of_numbers_stay_in_their_range(value in any::<i64>(), small in any::<i32>()) {
            prop_assert!((1..=SMALL_MAX).contains(&u128::from(number(&small.to_string()).unwrap())));
            let token = number(&value.to_string()).unwrap();
            let is_small = (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&value);
            prop_assert_eq!(is_small, u128::from(token) <= SMALL_MAX);
            prop_assert!(is_small || token.to_string().len() == 18);
        }
    }
}
