//! People and firms in Italy.

use super::arithmetic::{digits, is_date_of_some_century, is_luhn, letter, number, position};

/// Letters that stand for digits where two people would have had the same code.
const OMOCODIA: &[u8] = b"LMNPQRSTUV";

/// What digits and letters at odd places count.
#[rustfmt::skip]
const ODD: [u8; 26] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/// An Italian tax code: six letters of the names, birth, sex and place, a check letter; digits may be letters (omocodia).
pub fn it_cf(text: &[u8]) -> bool {
    let Ok(text) = <&[u8; 16]>::try_from(text) else { return false };
    let read = |byte: u8| match byte {
        b'0'..=b'9' => position(b"0123456789", byte),
        _ => position(OMOCODIA, byte),
    };
    let two = |tens: u8, ones: u8| Some(read(tens)?.wrapping_mul(10).wrapping_add(read(ones)?));
    let letters = text[..6].iter().all(u8::is_ascii_uppercase) && text[11].is_ascii_uppercase();
    let place = text[12..15].iter().all(|&byte| read(byte).is_some());
    let Some(month) = position(b"ABCDEHLMPRST", text[8]) else { return false };
    let (Some(year), Some(day)) = (two(text[6], text[7]), two(text[9], text[10])) else { return false };
    // Women have 40 added.
    let day = if day > 40 { day.wrapping_sub(40) } else { day };
    letters
        && place
        && is_date_of_some_century(year, month.wrapping_add(1), day)
        && check(&text[..15]).is_some_and(|sum| letter(text[15]).map(u64::from) == Some(sum % 26))
}

fn check(text: &[u8]) -> Option<u64> {
    text.iter().enumerate().try_fold(0_u64, |sum, (place, &byte)| {
        let value = if byte.is_ascii_digit() { byte.wrapping_sub(b'0') } else { letter(byte)? };
        // Places count from one.
        let value = if place % 2 == 0 { *ODD.get(usize::from(value))? } else { value };
        Some(sum.wrapping_add(u64::from(value)))
    })
}

/// An Italian firm: seven digits, three of the office, Luhn.
pub fn it_piva(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        number(&d[..7]) != 0 && matches!(number(&d[7..10]), 1..=100 | 120 | 121 | 888 | 999) && is_luhn(&d)
    })
}
