//! Percent-encoding (RFC 3986, section 2.1), and the `+` of forms.

use super::Decoded;

/// What is no escape stays as it is.
pub(super) fn decode(input: &[u8], more: bool, to: &mut Decoded<'_>) -> usize {
    let mut at = 0;
    loop {
        let rest = input.get(at..).unwrap_or_default();
        let plain = memchr::memchr(b'%', rest).unwrap_or(rest.len());
        to.same(rest.get(..plain).unwrap_or_default());
        at = at.saturating_add(plain);
        let rest = rest.get(plain..).unwrap_or_default();
        let digits = rest.get(1..3).unwrap_or(rest.get(1..).unwrap_or_default());
        let are_digits = digits.iter().all(u8::is_ascii_hexdigit);
        if rest.is_empty() || more && are_digits && digits.len() < 2 {
            return at;
        }
        let digits = std::str::from_utf8(digits).ok().filter(|digits| are_digits && digits.len() == 2);
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => to.unit(&[byte], 3),
            None => to.same(b"%"),
        }
        at = at.saturating_add(if byte.is_some() { 3 } else { 1 });
    }
}

/// `+` is a blank behind the first `=`, between letters and digits. Elsewhere it is a sign.
pub(super) fn decode_plus(
    input: &[u8],
    more: bool,
    to: &mut Decoded<'_>,
    is_form: &mut bool,
    before: &mut u8,
) -> usize {
    let mut at = 0;
    loop {
        let rest = input.get(at..).unwrap_or_default();
        let wanted = if *is_form { b'+' } else { b'=' };
        let plain = memchr::memchr(wanted, rest).unwrap_or(rest.len());
        let (same, rest) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
        to.same(same);
        *before = same.last().copied().unwrap_or(*before);
        at = at.saturating_add(plain);
        let Some(byte) = rest.first() else { return at };
        if *byte == b'+' && *is_form {
            let next = rest.get(1);
            if next.is_none() && more {
                return at;
            }
            let is_blank = before.is_ascii_alphanumeric() && next.is_some_and(u8::is_ascii_alphanumeric);
            to.unit(if is_blank { b" " } else { b"+" }, 1);
        } else {
            *is_form = true;
            to.same(&[*byte]);
        }
        *before = *byte;
        at = at.saturating_add(1);
    }
}
