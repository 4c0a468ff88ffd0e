//! Secrets that carry a check sum or a form of their own. All as they stand: the case of letters is part of them.

use super::arithmetic::position;

/// A token of GitHub: `ghp_`, `gho_`, `ghu_`, `ghs_` or `ghr_`, thirty letters and digits, and their CRC-32 in six.
pub fn github_token(text: &[u8]) -> bool {
    matches!(text, [b'g', b'h', b'p' | b'o' | b'u' | b's' | b'r', b'_', own @ ..] if has_crc32(own))
}

/// A token of npm: `npm_`, thirty letters and digits, and their CRC-32 in six.
pub fn npm_token(text: &[u8]) -> bool {
    text.strip_prefix(b"npm_").is_some_and(has_crc32)
}

/// A token of a provider whose tokens have no check sum: its end is drawn at random, and so no words, nor what stands for a token in a text.
pub fn vendor_token(text: &[u8]) -> bool {
    let bare = text.iter().rposition(|byte| *byte != b'=').and_then(|last| text.get(..=last)).unwrap_or_default();
    let end = bare.get(bare.len().saturating_sub(DRAWN_BYTES)..).unwrap_or_default();
    let kinds = end.iter().fold([0_u64; 4], |mut kinds, byte| {
        if let Some(bits) = kinds.get_mut(usize::from(byte >> 6)) {
            *bits |= 1 << (byte & 63);
        }
        kinds
    });
    let different: u32 = kinds.iter().map(|bits| bits.count_ones()).sum();
    different >= DIFFERENT_MIN && end.iter().any(u8::is_ascii_digit) && end.iter().any(u8::is_ascii_alphabetic)
}

/// How much of its end is looked at, and how many different bytes there must be.
const DRAWN_BYTES: usize = 32;
const DIFFERENT_MIN: u32 = 7;

/// Whether the last six of thirty-six are the CRC-32 of the others in base 62.
fn has_crc32(text: &[u8]) -> bool {
    const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((own, check)) = text.split_last_chunk::<6>() else { return false };
    let value =
        check.iter().try_fold(0_u64, |value, &byte| Some(value.wrapping_mul(62).wrapping_add(position(BASE62, byte)?)));
    own.len() == 30 && own.iter().all(u8::is_ascii_alphanumeric) && value == Some(u64::from(crc32fast::hash(own)))
}

/// What stands behind `Basic` or `Bearer` in a header of HTTP: it has a digit, or is base64 of a name, a colon and a password; so it is no
/// word of a sentence.
pub fn credentials(text: &[u8]) -> bool {
    let bare = text.iter().rposition(|byte| *byte != b'=').and_then(|last| text.get(..=last)).unwrap_or_default();
    let in_alphabet = bare.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte));
    let is_pair = || in_alphabet && text.len().is_multiple_of(4) && decoded(bare).any(|byte| byte == b':');
    !bare.is_empty() && bare.iter().any(|byte| *byte != b'0') && (bare.iter().any(u8::is_ascii_digit) || is_pair())
}

/// A signed or encrypted JSON Web Token (RFC 7515, 7516): three or five parts in base64url, the first of which is an object
/// of JSON that names its algorithm. What the others hold is not looked at.
pub fn jwt(text: &[u8]) -> bool {
    let mut parts = text.split(|&byte| byte == b'.');
    let Some(header) = parts.next() else { return false };
    let in_alphabet = |part: &[u8]| part.iter().all(|&byte| base64url(byte).is_some());
    let rest = parts.clone().count();
    matches!(rest, 2 | 4)
        && parts.all(in_alphabet)
        && in_alphabet(header)
        && header.len() % 4 != 1
        && names_algorithm(header)
}

fn base64url(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(byte.wrapping_sub(71)),
        b'0'..=b'9' => Some(byte.wrapping_add(4)),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

/// The bytes that base64url stands for; bits that are left over are dropped.
fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    text.chunks(4).flat_map(|chunk| {
        let word = chunk
            .iter()
            .chain(std::iter::repeat(&b'A'))
            .take(4)
            .fold(0_u32, |word, &byte| (word << 6) | u32::from(base64url(byte).unwrap_or(0)));
        let [_, bytes @ ..] = word.to_be_bytes();
        bytes.into_iter().take(chunk.len().saturating_sub(1))
    })
}

/// Where the reader of a header is.
enum At {
    /// Before a key of the object itself, or not at one.
    Outside,
    /// In a text, so many bytes of which are like `alg`; none when they no longer are.
    Text { like: Option<usize> },
    /// Behind `"alg"`.
    Named,
    /// Behind `"alg":`.
    Valued,
}

/// Whether this is an object whose key `alg` has a text. Not a reader of JSON: of what is well formed it says the truth, and
/// of other things it says no unless they begin, end and name the algorithm like one.
fn names_algorithm(header: &[u8]) -> bool {
    const KEY: &[u8] = b"alg";
    let (mut at, mut depth, mut named, mut escaped, mut last) = (At::Outside, 0_u32, false, false, 0_u8);
    let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    for byte in decoded(header) {
        if let At::Text { like } = at {
            at = match byte {
                _ if escaped => {
                    escaped = false;
                    At::Text { like: None }
                }
                b'\\' => {
                    escaped = true;
                    At::Text { like: None }
                }
                b'"' if depth == 1 && like == Some(KEY.len()) => At::Named,
                b'"' => At::Outside,
                0..0x20 => return false,
                _ => At::Text {
                    like: like.filter(|&so_far| KEY.get(so_far) == Some(&byte)).and_then(|n| n.checked_add(1)),
                },
            };
            continue;
        }
        if blank(byte) {
            continue;
        }
        // Only an object, and nothing behind it.
        if depth == 0 && (byte != b'{' || last != 0) {
            return false;
        }
        let was = std::mem::replace(&mut at, At::Outside);
        match (was, byte) {
            (At::Named, b':') => at = At::Valued,
            (At::Valued, b'"') => {
                named = true;
                at = At::Text { like: None };
            }
            (_, b'"') => at = At::Text { like: Some(0) },
            (_, b'{' | b'[') => depth = depth.saturating_add(1),
            (_, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        last = byte;
    }
    named && depth == 0 && last == b'}' && matches!(at, At::Outside)
}
