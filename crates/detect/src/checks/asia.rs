//! People and firms in East, South-East and South Asia.

use super::arithmetic::{
    digit, digit36, digits, is_at, is_date, is_date_of_some_century, is_verhoeff, missing, number, position, weighted,
};

/// A resident of India: twelve digits, Verhoeff. The first is above 1; what reads the same backwards is not given out.
pub fn in_aadhaar(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|d| d[0] >= 2 && !d.iter().eq(d.iter().rev()) && is_verhoeff(&d))
}

/// A taxpayer in India: five letters, the fourth of which is a kind, four digits, and a letter by no published scheme: this
/// is form alone.
pub fn in_pan(text: &[u8]) -> bool {
    let Ok(text) = <&[u8; 10]>::try_from(text) else { return false };
    text[..5].iter().all(u8::is_ascii_uppercase)
        && b"ABCFGHJKLPT".contains(&text[3])
        && digits::<4>(&text[5..9]).is_some()
        && text[9].is_ascii_uppercase()
}

/// A place of a taxpayer in India: a state, the taxpayer, a number, Z, and Luhn's check character in base 36.
pub fn in_gstin(text: &[u8]) -> bool {
    let Ok(text) = <&[u8; 15]>::try_from(text) else { return false };
    let state = digits::<2>(&text[..2]).is_some_and(|d| matches!(number(&d), 1..=38 | 97));
    let sum = text.iter().rev().zip([1_u64, 2].into_iter().cycle()).try_fold(0_u64, |sum, (&byte, weight)| {
        let product = u64::from(digit36(byte)?).wrapping_mul(weight);
        Some(sum.wrapping_add(product / 36).wrapping_add(product % 36))
    });
    state && in_pan(&text[2..12]) && text[12] != b'0' && text[13] == b'Z' && sum.is_some_and(|sum| sum % 36 == 0)
}

/// A resident of Japan: twelve digits, the last by eleven.
pub fn jp_mynumber(text: &[u8]) -> bool {
    digits::<12>(text)
        .is_some_and(|d| missing(weighted(&d[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11) % 10 == u64::from(d[11]))
}

/// A resident of Korea: birth, sex and century, place, a check digit by eleven. Since October 2020 the last six are drawn by
/// lot: those who were born then, and until 2049, are taken without the check digit.
pub fn kr_rrn(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|d| {
        let century = match d[6] {
            1 | 2 | 5 | 6 => 1900,
            3 | 4 | 7 | 8 => 2000,
            _ => 1800,
        };
        let (year, month) = (number(&d[..2]).wrapping_add(century), number(&d[2..4]));
        let by_lot = (2021..2050).contains(&year) || year == 2020 && month >= 10;
        let check = 11_u64.wrapping_sub(weighted(&d[..12], &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10;
        is_date(year, month, number(&d[4..6])) && (by_lot || number(&d[7..9]) <= 96 && check == u64::from(d[12]))
    })
}

/// A resident of China (GB 11643): a place, of which the province is looked at, birth, serial, a check character by eleven.
pub fn cn_ric(text: &[u8]) -> bool {
    let Some((check, own)) = text.split_last() else { return false };
    digits::<17>(own).is_some_and(|d| {
        let province = matches!(
            number(&d[..2]),
            11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83
        );
        let rest = weighted(&d, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
        province
            && number(&d[6..8]) >= 18
            && is_date(number(&d[6..10]), number(&d[10..12]), number(&d[12..14]))
            && is_at(b"10X98765432", rest, *check)
    })
}

/// A resident of Taiwan: a letter of the place, sex, seven digits, a check digit by ten. Foreigners have 8 or 9, and formerly
/// a letter from A to D.
pub fn tw_id(text: &[u8]) -> bool {
    // In the order in which they count 10, 11 …
    const PLACES: &[u8] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let [place, kind, rest @ ..] = text else { return false };
    let (Some(place), Some(d)) = (position(PLACES, *place), digits::<8>(rest)) else { return false };
    let kind = match kind {
        b'1' | b'2' | b'8' | b'9' => digit(*kind).map(u64::from),
        b'A'..=b'D' => position(PLACES, *kind),
        _ => None,
    };
    kind.is_some_and(|kind| {
        let sum = (place / 10).wrapping_add(1).wrapping_add((place % 10).wrapping_mul(9));
        let sum = sum.wrapping_add(kind.wrapping_mul(8)).wrapping_add(weighted(&d, &[7, 6, 5, 4, 3, 2, 1, 1]));
        sum % 10 == 0
    })
}

/// A resident of Hong Kong: one letter or two, six digits, a check digit by eleven; ten is A.
pub fn hk_id(text: &[u8]) -> bool {
    let (first, second, rest) = match text {
        [first, second, rest @ ..] if text.len() == 9 => (digit36(*first), digit36(*second), rest),
        // What is not there counts as much as a letter behind Z.
        [second, rest @ ..] => (Some(36), digit36(*second), rest),
        [] => return false,
    };
    let Some((check, own)) = rest.split_last() else { return false };
    let (Some(first @ 10..), Some(second @ 10..), Some(d)) = (first, second, digits::<6>(own)) else { return false };
    let [a, b, c, e, f, g] = d;
    let sum = weighted(&[first, second, a, b, c, e, f, g], &[9, 8, 7, 6, 5, 4, 3, 2]);
    is_at(b"0123456789A", missing(sum, 11), *check)
}

/// A resident of Singapore: S, T (since 2000), F, G (foreigners) or M, seven digits, a check letter by eleven.
pub fn sg_nric(text: &[u8]) -> bool {
    let [kind, own @ .., check] = text else { return false };
    let (more, alphabet): (u64, &[u8]) = match kind {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    digits::<7>(own).is_some_and(|d| {
        let sum = weighted(&d, &[2, 7, 6, 5, 4, 3, 2]).wrapping_add(more);
        is_at(alphabet, sum % 11, *check)
    })
}

/// A resident of Thailand: thirteen digits, the first a kind, the last by eleven.
pub fn th_id(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|d| {
        let rest = weighted(&d[..12], &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
        (1..=8).contains(&d[0]) && 11_u64.wrapping_sub(rest) % 10 == u64::from(d[12])
    })
}

/// A resident of Malaysia: birth, a place of the list, serial. It has no check digit: this is form alone.
pub fn my_nric(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|d| {
        is_date_of_some_century(number(&d[..2]), number(&d[2..4]), number(&d[4..6]))
            && matches!(number(&d[6..8]), 1..=16 | 21..=68 | 71 | 72 | 74..=79 | 82..=93 | 98 | 99)
    })
}

/// A resident of Indonesia: province, town, district, birth (women have 40 added to the day), serial. It has no check digit:
/// this is form alone.
pub fn id_nik(text: &[u8]) -> bool {
    digits::<16>(text).is_some_and(|d| {
        let day = number(&d[6..8]);
        let day = if day > 40 { day.wrapping_sub(40) } else { day };
        matches!(number(&d[..2]), 11..=21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=97)
            && number(&d[2..4]) != 0
            && number(&d[4..6]) != 0
            && number(&d[12..]) != 0
            && is_date_of_some_century(number(&d[10..12]), number(&d[8..10]), day)
    })
}
