//! Numbers of things: telephones, vehicles, network interfaces and addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::arithmetic::{digit, digits, is_luhn, position};

/// A mobile telephone: fifteen digits, Luhn. The form with a software version has no check digit and is not seen.
pub fn imei(text: &[u8]) -> bool {
    digits::<15>(text).is_some_and(|d| is_luhn(&d))
}

/// A vehicle (ISO 3779): seventeen digits and letters without I, O and Q, with the check digit of North America and China.
/// European makers need not have one: their numbers are not seen by this.
pub fn vin(text: &[u8]) -> bool {
    const WEIGHTS: [u64; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let Ok(text) = <&[u8; 17]>::try_from(text) else { return false };
    let mut sum: u64 = 0;
    for (&byte, weight) in text.iter().zip(WEIGHTS) {
        let value = match byte {
            b'A' | b'J' => 1,
            b'B' | b'K' | b'S' => 2,
            b'C' | b'L' | b'T' => 3,
            b'D' | b'M' | b'U' => 4,
            b'E' | b'N' | b'V' => 5,
            b'F' | b'W' => 6,
            b'G' | b'P' | b'X' => 7,
            b'H' | b'Y' => 8,
            b'R' | b'Z' => 9,
            _ => match digit(byte) {
                Some(value) => u64::from(value),
                None => return false,
            },
        };
        sum = sum.wrapping_add(value.wrapping_mul(weight));
    }
    // Ten is written X; no model year has the letters U and Z or a zero.
    position(b"0123456789X", text[8]) == Some(sum % 11) && !matches!(text[9], b'0' | b'U' | b'Z') && sum > 0
}

/// Six bytes in hexadecimal digits of any case, with `:` or `-` between all of them, or three times four with dots. As it
/// stands.
pub fn mac(text: &[u8]) -> bool {
    let (group, between) = match text {
        [_, _, between @ (b':' | b'-'), ..] if text.len() == 17 => (2, *between),
        [_, _, _, _, b'.', ..] if text.len() == 14 => (4, b'.'),
        _ => return false,
    };
    text.split(|&byte| byte == between).all(|bytes| bytes.len() == group && bytes.iter().all(u8::is_ascii_hexdigit))
}

/// Four numbers below 256 without zeros before them. As it stands. The last is not zero: that is a network, or what is left of an address of
/// which the host is not told.
pub fn ipv4(text: &[u8]) -> bool {
    std::str::from_utf8(text)
        .is_ok_and(|text| text.parse::<Ipv4Addr>().is_ok_and(|address| !matches!(address.octets(), [.., 0])))
}

/// An address of RFC 4291 in any of its forms, without a zone. As it stands. Few letters and two colons are one already
/// (`1::2`, `a::b`): what asks should want more of it. One that ends with zeros is a network, as above.
pub fn ipv6(text: &[u8]) -> bool {
    std::str::from_utf8(text)
        .is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok_and(|address| !matches!(address.segments(), [.., 0])))
}
