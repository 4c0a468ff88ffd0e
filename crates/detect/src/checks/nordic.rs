//! People in Sweden, Finland, Denmark and Norway.

use super::arithmetic::{digits, is_at, is_date, is_date_of_some_century, is_luhn, missing, number, weighted};

/// A person in Sweden: birth with or without its century, serial, Luhn over the last ten. Days have 60 added for those who
/// are not registered.
pub fn se_pnr(text: &[u8]) -> bool {
    let day = |day: u64| if day > 60 { day.wrapping_sub(60) } else { day };
    if text.len() == 12 {
        return digits::<12>(text).is_some_and(|d| {
            matches!(number(&d[..2]), 18..=20)
                && is_date(number(&d[..4]), number(&d[4..6]), day(number(&d[6..8])))
                && is_luhn(&d[2..])
        });
    }
    digits::<10>(text).is_some_and(|d| {
        is_date_of_some_century(number(&d[..2]), number(&d[2..4]), day(number(&d[4..6]))) && is_luhn(&d)
    })
}

/// A person in Finland: birth, a sign for its century (also those of 2023), serial, a check character by 31. As it stands;
/// without a `-` or `+`, which may have been taken for a separator, it is read too. Serials of 900 and more are those of
/// people whose number is not known yet, and are seen.
pub fn fi_hetu(text: &[u8]) -> bool {
    let (birth, century, own) = match text {
        [birth @ .., century, _, _, _, _] if text.len() == 11 => (birth, century, text.get(7..)),
        [birth @ .., _, _, _, _] => (birth, &b'-', text.get(6..)),
        _ => return false,
    };
    let Some([s1, s2, s3, check]) = own else { return false };
    let centuries: &[u64] = match century {
        b'+' => &[1800],
        b'-' if text.len() == 10 => &[1800, 1900],
        b'-' | b'U'..=b'Y' => &[1900],
        b'A'..=b'F' => &[2000],
        _ => return false,
    };
    let Ok(&[d1, d2, m1, m2, y1, y2]) = <&[u8; 6]>::try_from(birth) else { return false };
    digits::<9>(&[d1, d2, m1, m2, y1, y2, *s1, *s2, *s3]).is_some_and(|d| {
        let (day, month, year) = (number(&d[..2]), number(&d[2..4]), number(&d[4..6]));
        centuries.iter().any(|century| is_date(century.wrapping_add(year), month, day))
            && number(&d[6..]) >= 2
            && is_at(b"0123456789ABCDEFHJKLMNPRSTUVWXY", number(&d) % 31, *check)
    })
}

/// A person in Denmark: birth, whose century the seventh digit tells, and serial. Those since 2007 need not have a check
/// digit, so it is not looked at: this is weak.
pub fn dk_cpr(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|d| {
        let year = number(&d[4..6]);
        let century = match (d[6], year) {
            (5..=8, 58..) => 1800,
            (0..=3, _) | (4 | 9, 37..) => 1900,
            _ => 2000,
        };
        is_date(year.wrapping_add(century), number(&d[2..4]), number(&d[..2]))
    })
}

/// A person in Norway: birth, serial, two check digits by eleven. Days have 40 added for those who are not registered,
/// months for those whom a hospital registers; numbers of 80 and more are of health services and hold no birth.
pub fn no_fnr(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        let right = weighted(&d[..10], &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
            && weighted(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11);
        right && (d[0] >= 8 || is_no_birth(&d))
    })
}

fn is_no_birth(d: &[u8; 11]) -> bool {
    let less_40 = |value: u64| if value > 40 { value.wrapping_sub(40) } else { value };
    let (day, month, year) = (less_40(number(&d[..2])), less_40(number(&d[2..4])), number(&d[4..6]));
    let century = match (number(&d[6..9]), year) {
        (..500, _) | (900.., 40..) => 1900,
        (500..750, 54..) => 1800,
        (500.., ..40) => 2000,
        _ => return false,
    };
    is_date(year.wrapping_add(century), month, day)
}

/// A Danish firm: eight digits, remainder by eleven.
pub fn dk_cvr(text: &[u8]) -> bool {
    digits::<8>(text).is_some_and(|d| d[0] != 0 && weighted(&d, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11))
}

/// A Finnish firm: eight digits, remainder by eleven.
pub fn fi_ytunnus(text: &[u8]) -> bool {
    digits::<8>(text).is_some_and(|d| {
        let check = missing(weighted(&d[..7], &[7, 9, 10, 5, 8, 4, 2]), 11);
        check == u64::from(d[7])
    })
}
