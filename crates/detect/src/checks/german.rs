//! People in Germany, Austria and Switzerland.

use super::arithmetic::{
    cross, digit36, digits, is_date_of_some_century, is_mod11_10, letter, missing, number, weighted, weighted_cross,
};

/// A German taxpayer: eleven digits, of the first ten exactly one twice or thrice, ISO 7064 MOD 11,10.
pub fn de_steuerid(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        let times = |value: u8| d[..10].iter().filter(|&&digit| digit == value).count();
        let repeated = (0..10).map(times).filter(|&times| times > 1);
        let sizes = repeated.fold((0_u8, true), |(kinds, few), times| (kinds.saturating_add(1), few && times <= 3));
        d[0] != 0 && sizes == (1, true) && is_mod11_10(&d)
    })
}

/// A German identity card or passport: nine digits and letters without vowels, and a check digit with weights 7, 3, 1. Old
/// cards have digits only. The number that is printed large is that without its check digit: of it, this says no more than that it begins
/// with a letter and has the right ones, and digits.
pub fn de_perso(text: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(byte);
    if let Ok(own) = <&[u8; 9]>::try_from(text) {
        let digits = own.iter().filter(|byte| byte.is_ascii_digit()).count();
        return own.iter().all(is_allowed) && own[0].is_ascii_alphabetic() && digits >= 2;
    }
    let Ok(text) = <&[u8; 10]>::try_from(text) else { return false };
    let (own, check) = (&text[..9], text[9]);
    let allowed = own.iter().all(is_allowed);
    let sum = own
        .iter()
        .zip([7_u64, 3, 1].into_iter().cycle())
        .try_fold(0_u64, |sum, (&byte, weight)| Some(sum.wrapping_add(u64::from(digit36(byte)?).wrapping_mul(weight))));
    allowed
        && own.iter().any(|&byte| byte != b'0')
        && check.is_ascii_digit()
        && sum.map(|sum| sum % 10) == digit36(check).map(u64::from)
}

/// A German pension insurance number: area, birth, the first letter of a name, a serial number and a check digit.
pub fn de_svnr(text: &[u8]) -> bool {
    let Ok(&[a1, a2, d1, d2, m1, m2, y1, y2, name, s1, s2, check]) = <&[u8; 12]>::try_from(text) else { return false };
    let Some(place) = letter(name).map(|place| place.wrapping_add(1)) else { return false };
    let Some(d) = digits::<11>(&[a1, a2, d1, d2, m1, m2, y1, y2, s1, s2, check]) else { return false };
    let sum = weighted_cross(&d[..8], &[2, 1, 2, 5, 7, 1, 2, 1])
        .wrapping_add(cross(u64::from(place / 10).wrapping_mul(2)))
        .wrapping_add(u64::from(place % 10))
        .wrapping_add(weighted_cross(&d[8..10], &[2, 1]));
    number(&d[..2]) > 1
        && is_date_of_some_century(number(&d[6..8]), number(&d[4..6]), number(&d[2..4]))
        && sum % 10 == u64::from(d[10])
}

/// An Austrian social insurance number: serial, check digit and birth, whose month is 13 to 15 when a day had too many.
pub fn at_svnr(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|d| {
        let (day, month) = (number(&d[4..6]), number(&d[6..8]));
        d[0] != 0
            && (1..=31).contains(&day)
            && (1..=15).contains(&month)
            && weighted(&d, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == u64::from(d[3])
    })
}

/// An Austrian taxpayer: two digits of the office, six, and Luhn's check digit.
pub fn at_tin(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| {
        let sum = weighted_cross(&d[..8], &[1, 2, 1, 2, 1, 2, 1, 2]);
        missing(sum, 10) == u64::from(d[8])
    })
}

/// A Swiss insured: 756 and the check digit of an article number.
pub fn ch_ahv(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|d| {
        d.starts_with(&[7, 5, 6]) && weighted(&d, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
    })
}

/// A Swiss enterprise: `CHE` and nine digits, remainder by eleven.
pub fn ch_uid(text: &[u8]) -> bool {
    text.strip_prefix(b"CHE")
        .and_then(digits::<9>)
        .is_some_and(|d| weighted(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 1]).is_multiple_of(11))
}
