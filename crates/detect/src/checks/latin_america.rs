//! People and firms in Latin America.

use super::arithmetic::{
    digit, digits, is_at, is_date, is_date_of_some_century, missing, number, position, weighted, weighted_cross,
};

/// What is missing to the next multiple of eleven; ten is zero.
fn by_eleven(sum: u64) -> u64 {
    missing(sum, 11) % 10
}

/// A person in Brazil: eleven digits, the last two by eleven. Those of one digit alone were never given out.
pub fn br_cpf(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        by_eleven(weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2])) == u64::from(d[9])
            && by_eleven(weighted(&d[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])) == u64::from(d[10])
            && d.iter().any(|&digit| digit != d[0])
    })
}

/// A firm in Brazil: twelve digits, since 2026 also letters, and two check digits by eleven.
pub fn br_cnpj(text: &[u8]) -> bool {
    let Ok(text) = <&[u8; 14]>::try_from(text) else { return false };
    let valid = text[..12].iter().all(|&byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && text[12..].iter().all(u8::is_ascii_digit)
        && text[..12].iter().any(|&byte| byte != b'0');
    // A letter counts what it is in ASCII, less a zero.
    let d = text.map(|byte| byte.wrapping_sub(b'0'));
    valid
        && by_eleven(weighted(&d[..12], &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == u64::from(d[12])
        && by_eleven(weighted(&d[..13], &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == u64::from(d[13])
}

/// A driver in Brazil: eleven digits, the last two by eleven; the first of them being ten takes two from the second.
pub fn br_cnh(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        let first = weighted(&d[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
        let second = weighted(&d[..9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
        let (first, second) = if first == 10 { (0, second.wrapping_add(9) % 11) } else { (first, second) };
        let second = if second == 10 { 0 } else { second };
        first == u64::from(d[9]) && second == u64::from(d[10]) && d.iter().any(|&digit| digit != d[0])
    })
}

/// A worker in Brazil: eleven digits, the last by eleven.
pub fn br_pis(text: &[u8]) -> bool {
    digits::<11>(text)
        .is_some_and(|d| by_eleven(weighted(&d[..10], &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == u64::from(d[10]))
}

/// A patient in Brazil: fifteen digits, remainder by eleven; final ones (1, 2) are a worker's number with 000 or 001.
pub fn br_cns(text: &[u8]) -> bool {
    digits::<15>(text).is_some_and(|d| {
        let kind = match d[0] {
            1 | 2 => number(&d[11..14]) <= 1,
            7..=9 => true,
            _ => false,
        };
        kind && weighted(&d, &[15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    })
}

const MX_STATES: &[u8] =
    b"AS BC BS CC CH CL CM CS DF DG GR GT HG JC MC MN MS NE NL NT OC PL QR QT SL SP SR TC TL TS VZ YN ZS";

/// A person in Mexico: letters of the names, birth, sex, state, a character for the century, a check digit by ten.
pub fn mx_curp(text: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ";
    let Ok(text) = <&[u8; 18]>::try_from(text) else { return false };
    let letters = text[..4].iter().chain(&text[10..16]).all(u8::is_ascii_uppercase);
    let sum = text[..17].iter().zip((2_u64..=18).rev()).try_fold(0_u64, |sum, (&byte, weight)| {
        let value = position(ALPHABET, byte).filter(|_| byte != b'&')?;
        Some(sum.wrapping_add(value.wrapping_mul(weight)))
    });
    let state = [text[11], text[12]];
    let century = if text[16].is_ascii_digit() { 1900 } else { 2000 };
    let Some(birth) = six_digits(&text[4..10]) else { return false };
    letters
        && matches!(text[10], b'H' | b'M' | b'X')
        && MX_STATES.split(|&byte| byte == b' ').any(|of| of == state)
        && is_date(number(&birth[..2]).wrapping_add(century), number(&birth[2..4]), number(&birth[4..]))
        && text[17].is_ascii_digit()
        && sum.map(|sum| missing(sum, 10)) == digit(text[17]).map(u64::from)
}

/// A taxpayer in Mexico: four letters of a person or three of a firm, a date, and three characters. The last of them is a
/// check digit that many old ones have wrong, so it is not looked at.
pub fn mx_rfc(text: &[u8]) -> bool {
    let names = match text.len() {
        12 => 3,
        13 => 4,
        _ => return false,
    };
    let Some((name, rest)) = text.split_at_checked(names) else { return false };
    let Some((date, key)) = rest.split_at_checked(6) else { return false };
    name.iter().all(|&byte| byte.is_ascii_uppercase() || byte == b'&')
        && six_digits(date).is_some_and(|d| is_date_of_some_century(number(&d[..2]), number(&d[2..4]), number(&d[4..])))
        && key.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// Six digits of a date.
fn six_digits(text: &[u8]) -> Option<[u8; 6]> {
    digits::<6>(text)
}

/// A person or a firm in Argentina: a kind, eight digits, a check digit by eleven; ten is nine.
pub fn ar_cuit(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        let check = match missing(weighted(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11) {
            10 => 9,
            check => check,
        };
        matches!(number(&d[..2]), 20 | 23..=27 | 30 | 33 | 34 | 50 | 51 | 55) && check == u64::from(d[10])
    })
}

/// A person or a firm in Chile: seven or eight digits and a check digit by eleven; ten is K.
pub fn cl_rut(text: &[u8]) -> bool {
    let Some((check, own)) = text.split_last() else { return false };
    if !matches!(own.len(), 7 | 8) || own.iter().all(|&byte| byte == b'0') {
        return false;
    }
    let weights = [2_u64, 3, 4, 5, 6, 7].into_iter().cycle();
    let sum =
        own.iter().rev().zip(weights).try_fold(0_u64, |sum, (&byte, weight)| {
            Some(sum.wrapping_add(u64::from(digit(byte)?).wrapping_mul(weight)))
        });
    sum.is_some_and(|sum| is_at(b"0123456789K", missing(sum, 11), *check))
}

/// A person or a firm in Colombia: eight to sixteen digits, the last by eleven.
pub fn co_nit(text: &[u8]) -> bool {
    const WEIGHTS: [u64; 15] = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71];
    let Some((check, own)) = text.split_last() else { return false };
    if !(8..=16).contains(&text.len()) || own.iter().all(|&byte| byte == b'0') {
        return false;
    }
    let sum =
        own.iter().rev().zip(WEIGHTS).try_fold(0_u64, |sum, (&byte, weight)| {
            Some(sum.wrapping_add(u64::from(digit(byte)?).wrapping_mul(weight)))
        });
    sum.is_some_and(|sum| is_at(b"01987654321", sum % 11, *check))
}

/// A taxpayer in Peru: a kind, eight digits, a check digit by eleven.
pub fn pe_ruc(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        let rest = weighted(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
        let check = 11_u64.wrapping_sub(rest) % 10;
        matches!(number(&d[..2]), 10 | 15 | 17 | 20) && check == u64::from(d[10])
    })
}

/// A person in Ecuador: a province, seven digits, Luhn's check digit.
pub fn ec_ci(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|d| {
        matches!(number(&d[..2]), 1..=24 | 30 | 50)
            && d[2] <= 6
            && weighted_cross(&d, &[2, 1, 2, 1, 2, 1, 2, 1, 2, 1]).is_multiple_of(10)
    })
}

/// A taxpayer in Uruguay: an office, six digits, 001, a check digit by eleven.
pub fn uy_rut(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|d| {
        (1..=22).contains(&number(&d[..2]))
            && number(&d[2..8]) != 0
            && number(&d[8..11]) == 1
            && missing(weighted(&d[..11], &[4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]), 11) == u64::from(d[11])
    })
}
