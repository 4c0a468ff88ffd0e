//! People and firms in France, Belgium and the Netherlands.

use super::arithmetic::{digits, is_luhn, missing, number, sum, weighted};

/// A French social security number: sex, birth, department (2A and 2B are Corsica), commune, serial, key by 97.
pub fn fr_nir(text: &[u8]) -> bool {
    let Ok(mut text) = <[u8; 15]>::try_from(text) else { return false };
    // What the letters of Corsica count as.
    match [text[5], text[6]] {
        [b'2', b'A'] => [text[5], text[6]] = *b"19",
        [b'2', b'B'] => [text[5], text[6]] = *b"18",
        _ => {}
    }
    digits::<15>(&text).is_some_and(|d| {
        let key = 97_u64.wrapping_sub(number(&d[..13]) % 97);
        matches!(d[0], 1..=4 | 7 | 8)
            && matches!(number(&d[3..5]), 1..=12 | 20..=42 | 50..=99)
            && key == number(&d[13..])
    })
}

/// A French firm: nine digits, Luhn.
pub fn fr_siren(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| is_luhn(&d))
}

/// A place of a French firm: the firm and five digits, Luhn over all. The post has more places than that gives: the sum of
/// its digits is a multiple of five, but for its seat.
pub fn fr_siret(text: &[u8]) -> bool {
    const POST: [u8; 9] = [3, 5, 6, 0, 0, 0, 0, 0, 0];
    const SEAT: [u8; 5] = [0, 0, 0, 4, 8];
    digits::<14>(text).is_some_and(|d| {
        if d.starts_with(&POST) && !d.ends_with(&SEAT) {
            return sum(&d).is_multiple_of(5);
        }
        is_luhn(&d[..9]) && number(&d[..9]) != 0 && is_luhn(&d)
    })
}

/// A person in Belgium: birth, serial, and two digits by 97, with a 2 before them for births since 2000. Months have 20 or 40
/// added for those who are not registered, and zeros where a birth is not known.
pub fn be_nrn(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        let (own, check) = (number(&d[..9]), number(&d[9..]));
        let key = |number: u64| 97_u64.wrapping_sub(number % 97);
        let right = check == key(own) || check == key(own.wrapping_add(2_000_000_000));
        let month = number(&d[2..4]);
        right && month <= 52 && month % 20 <= 12 && number(&d[4..6]) <= 31
    })
}

/// A Belgian enterprise: ten digits, remainder by 97.
pub fn be_enterprise(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|d| d[0] <= 1 && missing(number(&d[..8]), 97) == number(&d[8..]) % 97)
}

/// A citizen of the Netherlands: nine digits, the last of which weighs -1, remainder by eleven.
pub fn nl_bsn(text: &[u8]) -> bool {
    // -1 is 10.
    digits::<9>(text).is_some_and(|d| weighted(&d, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11))
}
