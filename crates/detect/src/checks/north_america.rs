//! People, employers and those who treat them in the United States and Canada.

use super::arithmetic::{digit, digits, is_luhn, luhn_sum, number, sum};

/// An American social security number. It has no check digit: what is refused is what was never given out (areas 000, 666
/// and 9xx, groups 00, serials 0000), what was printed in advertisements, and what people write when they have none.
pub fn us_ssn(text: &[u8]) -> bool {
    /// Of a wallet, of a brochure, of a firm that was sure of itself, and what everybody types.
    const KNOWN: [u64; 4] = [78_051_120, 219_099_999, 457_555_462, 123_456_789];
    digits::<9>(text).is_some_and(|d| {
        let (area, group, serial) = (number(&d[..3]), number(&d[3..5]), number(&d[5..]));
        let issued = !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0;
        issued && !KNOWN.contains(&number(&d)) && d.iter().any(|&digit| digit != d[0])
    })
}

/// An American taxpayer who has no social security number: a 9, and groups that the revenue service gives out.
pub fn us_itin(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| d[0] == 9 && matches!(number(&d[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99))
}

/// An American employer: the first two digits are of an office of the revenue service.
pub fn us_ein(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| {
        matches!(
            number(&d[..2]),
            1..=6 | 10..=16 | 20..=27 | 30..=48 | 50..=68 | 71..=77 | 80..=88 | 90..=95 | 98 | 99
        )
    })
}

/// An American provider of health care: ten digits, Luhn with 80840 before them.
pub fn us_npi(text: &[u8]) -> bool {
    // What 80840 adds to the sum.
    digits::<10>(text).is_some_and(|d| matches!(d[0], 1 | 2) && luhn_sum(&d).wrapping_add(24).is_multiple_of(10))
}

/// A beneficiary of Medicare: eleven places, each with its own letters or digits, and no check digit.
pub fn us_mbi(text: &[u8]) -> bool {
    let Ok(text) = <&[u8; 11]>::try_from(text) else { return false };
    text.iter().zip(b"CANNANNAANN").enumerate().all(|(place, (&byte, kind))| {
        let is_letter = byte.is_ascii_uppercase() && !b"SLOIBZ".contains(&byte);
        match (kind, place) {
            (b'C', _) => matches!(byte, b'1'..=b'9'),
            (b'A', _) => is_letter,
            (_, 2 | 5) => is_letter || byte.is_ascii_digit(),
            _ => byte.is_ascii_digit(),
        }
    })
}

/// Who may prescribe controlled drugs in the United States: two letters, or a letter and a 9, and seven digits.
pub fn dea(text: &[u8]) -> bool {
    let [kind, name, rest @ ..] = text else { return false };
    b"ABCDEFGHJKLMPRSTUX".contains(kind)
        && (name.is_ascii_uppercase() || *name == b'9')
        && digits::<7>(rest).is_some_and(|d| {
            let twice = sum(&[d[1], d[3], d[5]]).wrapping_mul(2);
            sum(&[d[0], d[2], d[4]]).wrapping_add(twice) % 10 == u64::from(d[6])
        })
}

/// A Canadian social insurance number: nine digits, Luhn. Those with 0 are made up, those with 8 are of firms.
pub fn ca_sin(text: &[u8]) -> bool {
    text.first().copied().and_then(digit).is_some_and(|first| !matches!(first, 0 | 8))
        && digits::<9>(text).is_some_and(|d| is_luhn(&d))
}
