//! People and firms in Spain and Portugal.

use super::arithmetic::{digits, is_at, luhn_sum, missing, number, weighted};

/// The check letter of a number of eight digits.
fn is_es_check(number: u64, check: u8) -> bool {
    is_at(b"TRWAGMYFPDXBNJZSQVHLCKE", number % 23, check)
}

/// A Spaniard: eight digits, or K, L or M and seven, and a check letter.
pub fn es_nif(text: &[u8]) -> bool {
    match text {
        [b'K' | b'L' | b'M', own @ .., check] => digits::<7>(own).is_some_and(|d| is_es_check(number(&d), *check)),
        [own @ .., check] => digits::<8>(own).is_some_and(|d| is_es_check(number(&d), *check)),
        [] => false,
    }
}

/// A foreigner in Spain: X, Y or Z, which count 0, 1 and 2, seven digits and a check letter.
pub fn es_nie(text: &[u8]) -> bool {
    let (first, own, check) = match text {
        [b'X', own @ .., check] => (b'0', own, check),
        [b'Y', own @ .., check] => (b'1', own, check),
        [b'Z', own @ .., check] => (b'2', own, check),
        _ => return false,
    };
    let Ok(&[a, b, c, d, e, f, g]) = <&[u8; 7]>::try_from(own) else { return false };
    digits::<8>(&[first, a, b, c, d, e, f, g]).is_some_and(|d| is_es_check(number(&d), *check))
}

/// A Spanish firm: a letter of its kind, seven digits, and Luhn's check digit or the letter that stands for it.
pub fn es_cif(text: &[u8]) -> bool {
    let [kind, own @ .., check] = text else { return false };
    b"ABCDEFGHJNPQRSUVW".contains(kind)
        && digits::<7>(own).is_some_and(|d| {
            let [a, b, c, d, e, f, g] = d;
            let value = missing(luhn_sum(&[a, b, c, d, e, f, g, 0]), 10);
            is_at(b"0123456789", value, *check) || is_at(b"JABCDEFGHI", value, *check)
        })
}

/// A taxpayer in Portugal, also a firm: nine digits, remainder by eleven.
pub fn pt_nif(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| {
        let check = missing(weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]), 11) % 10;
        d[0] != 0 && check == u64::from(d[8])
    })
}
