//! People and firms in Australia, New Zealand, South Africa, Turkey and Israel.

use super::arithmetic::{digits, is_date_of_some_century, is_luhn, missing, number, sum, weighted};

/// A taxpayer in Australia: nine digits, or eight as of old, remainder by eleven.
pub fn au_tfn(text: &[u8]) -> bool {
    const WEIGHTS: [u8; 9] = [1, 4, 3, 7, 5, 8, 6, 9, 10];
    digits::<9>(text).is_some_and(|d| weighted(&d, &WEIGHTS).is_multiple_of(11))
        || digits::<8>(text).is_some_and(|d| weighted(&d, &WEIGHTS).is_multiple_of(11))
}

/// A card of Australia's health insurance: eight digits, a check digit by ten, the issue, and perhaps the person on it.
pub fn au_medicare(text: &[u8]) -> bool {
    let (card, person) = text.split_at_checked(10).unwrap_or((text, b""));
    matches!(person, [] | [b'1'..=b'9'])
        && digits::<10>(card).is_some_and(|d| {
            (2..=6).contains(&d[0]) && d[9] != 0 && weighted(&d[..8], &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == u64::from(d[8])
        })
}

/// A business in Australia: eleven digits, the first less one, remainder by 89. The first two are 11 to 99, which is once each
/// remainder.
pub fn au_abn(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        number(&d[..2]) >= 11
            && weighted(&d, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]).wrapping_sub(10).is_multiple_of(89)
    })
}

/// A company in Australia: nine digits, the last by ten.
pub fn au_acn(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| missing(weighted(&d[..8], &[8, 7, 6, 5, 4, 3, 2, 1]), 10) == u64::from(d[8]))
}

/// A taxpayer in New Zealand: eight or nine digits, the last by eleven, with other weights when ten remains.
pub fn nz_ird(text: &[u8]) -> bool {
    let mut padded = *b"000000000";
    match text.len() {
        8 => padded[1..].copy_from_slice(text),
        9 => padded.copy_from_slice(text),
        _ => return false,
    }
    digits::<9>(&padded).is_some_and(|d| {
        let check = match missing(weighted(&d[..8], &[3, 2, 7, 6, 5, 4, 3, 2]), 11) {
            10 => missing(weighted(&d[..8], &[7, 4, 3, 2, 5, 2, 7, 6]), 11),
            check => check,
        };
        (10_000_001..150_000_000).contains(&number(&d)) && check == u64::from(d[8])
    })
}

/// A person in South Africa: birth, sex, whether a citizen (0), a resident (1) or a refugee (2), Luhn.
pub fn za_id(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|d| {
        is_date_of_some_century(number(&d[..2]), number(&d[2..4]), number(&d[4..6])) && d[10] <= 2 && is_luhn(&d)
    })
}

/// A person in Turkey: eleven digits, the last two by ten.
pub fn tr_tckn(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        let odd = sum(&[d[0], d[2], d[4], d[6], d[8]]).wrapping_mul(7);
        let even = sum(&[d[1], d[3], d[5], d[7]]);
        // -1 is 9.
        let tenth = odd.wrapping_add(even.wrapping_mul(9)) % 10;
        d[0] != 0 && tenth == u64::from(d[9]) && sum(&d[..10]) % 10 == u64::from(d[10])
    })
}

/// A person in Israel: nine digits with zeros before them, Luhn.
pub fn il_id(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| is_luhn(&d))
}
