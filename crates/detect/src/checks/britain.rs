//! People in Britain and Ireland.

use super::arithmetic::{digit, digits, is_at, is_date_of_some_century, number, weighted};

/// A British national insurance number: two letters that were given out, six digits, and A to D, which may be missing.
pub fn uk_nino(text: &[u8]) -> bool {
    let (body, suffix) = text.split_at_checked(8).unwrap_or((text, b""));
    let [first, second, own @ ..] = body else { return false };
    let letters = first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && !b"DFIQUV".contains(first)
        && !b"DFIOQUV".contains(second)
        && !matches!(&[*first, *second], b"BG" | b"GB" | b"NK" | b"KN" | b"TN" | b"NT" | b"ZZ");
    letters && own.len() == 6 && own.iter().all(u8::is_ascii_digit) && matches!(suffix, [] | [b'A'..=b'D'])
}

/// A patient of the health services of England, Wales and the Isle of Man: ten digits, remainder by eleven.
pub fn uk_nhs(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|d| weighted(&d, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11))
}

/// A British taxpayer: ten digits, the first of which is the check digit.
pub fn uk_utr(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|d| {
        let rest = weighted(&d[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
        b"21987654321".get(usize::try_from(rest).unwrap_or(usize::MAX)) == text.first()
    })
}

/// A driver in Great Britain: sixteen places made from name, birth and sex, and two digits for the licence, which may be
/// missing. Its check letters follow no published scheme: this looks at the form and the date.
pub fn uk_dl(text: &[u8]) -> bool {
    let (text, issue) = text.split_at_checked(16).unwrap_or((text, b""));
    let [n1, n2, n3, n4, n5, birth @ .., i1, i2, tie, c1, c2] = text else { return false };
    let name = [*n1, *n2, *n3, *n4, *n5];
    let letters = name.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let is_name = letters > 0 && name.iter().skip(letters).all(|&byte| byte == b'9');
    let is_initial = |byte: u8| byte.is_ascii_uppercase() || byte == b'9';
    let initials = is_initial(*i1) && is_initial(*i2) && (*i1 != b'9' || *i2 == b'9');
    let born = digits::<6>(birth).is_some_and(|d| {
        let month = number(&d[1..3]);
        let month = if month > 50 { month.wrapping_sub(50) } else { month };
        is_date_of_some_century(number(&[d[0], d[5]]), month, number(&d[3..5]))
    });
    is_name
        && born
        && initials
        && tie.is_ascii_alphanumeric()
        && !tie.is_ascii_lowercase()
        && c1.is_ascii_uppercase()
        && c2.is_ascii_uppercase()
        && (issue.is_empty() || issue.len() == 2 && issue.iter().all(u8::is_ascii_digit))
}

/// An Irish personal public service number: seven digits, a check letter, and since 2013 a second letter that counts.
pub fn ie_ppsn(text: &[u8]) -> bool {
    let (own, letters) = text.split_at_checked(7).unwrap_or((b"", b""));
    let extra = match letters {
        [_] | [_, b'W' | b'T' | b'X'] => 0,
        [_, b'A'] => 1,
        [_, b'B'] => 2,
        [_, b'H'] => 8,
        _ => return false,
    };
    let Some(check) = letters.first() else { return false };
    digits::<7>(own).is_some_and(|d| is_ie_check(&d, extra, *check))
}

/// Whether an Irish check letter is right; `extra` is the place of a second letter in the alphabet.
pub fn is_ie_check(digits: &[u8; 7], extra: u64, check: u8) -> bool {
    let sum = weighted(digits, &[8, 7, 6, 5, 4, 3, 2]).wrapping_add(extra.wrapping_mul(9));
    is_at(b"WABCDEFGHIJKLMNOPQRSTUV", sum % 23, check)
}

/// Nine digits of a British value added tax number, remainder by 97; twelve with a branch. Offices of government have
/// `GD` or `HA` and three digits.
pub fn gb_vat(text: &[u8]) -> bool {
    if let [office @ .., _, _, _] = text
        && let b"GD" | b"HA" = office
    {
        let own: Option<u64> = text
            .iter()
            .skip(2)
            .try_fold(0_u64, |number, &byte| Some(number.wrapping_mul(10).wrapping_add(u64::from(digit(byte)?))));
        return own.is_some_and(|own| (own < 500) == (office == b"GD"));
    }
    let (text, branch) = text.split_at_checked(9).unwrap_or((text, b""));
    (branch.is_empty() || branch.len() == 3 && branch.iter().all(u8::is_ascii_digit))
        && digits::<9>(text).is_some_and(|d| {
            match weighted(&d, &[8, 7, 6, 5, 4, 3, 2, 10, 1]) % 97 {
                0 => true,
                // Those since 2010 have 55 or 42 added.
                42 | 55 => d[0] != 0,
                _ => false,
            }
        })
}
