//! Telephone numbers, with their country code (ITU-T E.164) and as they are written at home.
//!
//! What a country does with its digits changes yearly; how many it has does not, so this is all that is looked at.

use super::arithmetic::{digit, is_date, number};

/// Digits of a number in all, with its country code: St Helena has the fewest.
const DIGITS_MIN: usize = 7;
const DIGITS_MAX: usize = 15;

/// Country code, and how many digits follow it at least and at most.
const COUNTRIES: &[(u64, usize, usize)] = &[
    (1, 10, 10),
    (7, 10, 14),
    (20, 8, 10),
    (27, 5, 10),
    (30, 10, 12),
    (31, 5, 11),
    (32, 8, 9),
    (33, 9, 9),
    (34, 9, 9),
    (36, 8, 9),
    (39, 6, 12),
    (40, 6, 9),
    (41, 9, 12),
    (43, 4, 13),
    (44, 7, 10),
    (45, 8, 8),
    (46, 6, 12),
    (47, 5, 8),
    (48, 6, 10),
    (49, 4, 15),
    (51, 8, 9),
    (52, 10, 10),
    (53, 6, 10),
    (54, 10, 11),
    (55, 8, 11),
    (56, 9, 11),
    (57, 8, 11),
    (58, 10, 10),
    (60, 8, 10),
    (61, 5, 12),
    (62, 7, 17),
    (63, 6, 13),
    (64, 5, 10),
    (65, 8, 11),
    (66, 8, 13),
    (81, 8, 17),
    (82, 5, 14),
    (84, 7, 10),
    (86, 7, 12),
    (90, 7, 13),
    (91, 8, 13),
    (92, 8, 12),
    (93, 9, 9),
    (94, 9, 9),
    (95, 6, 10),
    (98, 4, 10),
    (211, 9, 9),
    (212, 9, 9),
    (213, 8, 9),
    (216, 8, 8),
    (218, 9, 9),
    (220, 7, 9),
    (221, 9, 9),
    (222, 8, 8),
    (223, 8, 8),
    (224, 8, 9),
    (225, 10, 10),
    (226, 8, 8),
    (227, 8, 8),
    (228, 8, 8),
    (229, 10, 10),
    (230, 7, 10),
    (231, 7, 9),
    (232, 8, 8),
    (233, 8, 9),
    (234, 10, 14),
    (235, 8, 8),
    (236, 8, 8),
    (237, 8, 9),
    (238, 7, 7),
    (239, 7, 7),
    (240, 9, 9),
    (241, 7, 8),
    (242, 9, 9),
    (243, 7, 10),
    (244, 9, 9),
    (245, 7, 9),
    (246, 7, 7),
    (247, 5, 6),
    (248, 7, 7),
    (249, 9, 9),
    (250, 8, 9),
    (251, 9, 9),
    (252, 6, 9),
    (253, 8, 8),
    (254, 7, 10),
    (255, 9, 9),
    (256, 9, 9),
    (257, 8, 8),
    (258, 8, 9),
    (260, 9, 9),
    (261, 9, 9),
    (262, 9, 9),
    (263, 7, 10),
    (264, 8, 9),
    (265, 7, 9),
    (266, 8, 8),
    (267, 7, 10),
    (268, 8, 9),
    (269, 7, 7),
    (290, 4, 5),
    (291, 7, 7),
    (297, 7, 7),
    (298, 6, 6),
    (299, 6, 6),
    (350, 8, 8),
    (351, 9, 9),
    (352, 4, 11),
    (353, 7, 10),
    (354, 7, 9),
    (355, 6, 9),
    (356, 8, 8),
    (357, 8, 8),
    (358, 5, 12),
    (359, 6, 12),
    (370, 8, 8),
    (371, 8, 8),
    (372, 7, 10),
    (373, 8, 8),
    (374, 8, 8),
    (375, 6, 11),
    (376, 6, 9),
    (377, 8, 9),
    (378, 8, 10),
    (380, 9, 10),
    (381, 6, 12),
    (382, 8, 9),
    (383, 8, 12),
    (385, 7, 9),
    (386, 5, 8),
    (387, 8, 9),
    (389, 8, 8),
    (420, 9, 12),
    (421, 6, 9),
    (423, 7, 9),
    (500, 5, 5),
    (501, 7, 11),
    (502, 8, 11),
    (503, 7, 11),
    (504, 8, 11),
    (505, 8, 8),
    (506, 8, 10),
    (507, 7, 11),
    (508, 6, 9),
    (509, 8, 8),
    (590, 9, 9),
    (591, 8, 9),
    (592, 7, 7),
    (593, 8, 11),
    (594, 9, 9),
    (595, 6, 11),
    (596, 9, 9),
    (597, 6, 7),
    (598, 4, 13),
    (599, 7, 8),
    (670, 7, 8),
    (672, 6, 6),
    (673, 7, 7),
    (674, 7, 7),
    (675, 7, 8),
    (676, 5, 7),
    (677, 5, 7),
    (678, 5, 7),
    (679, 7, 11),
    (680, 7, 7),
    (681, 6, 9),
    (682, 5, 5),
    (683, 4, 7),
    (685, 5, 10),
    (686, 5, 8),
    (687, 6, 6),
    (688, 5, 7),
    (689, 6, 9),
    (690, 4, 7),
    (691, 7, 7),
    (692, 7, 7),
    (800, 8, 8),
    (808, 8, 8),
    (850, 8, 10),
    (852, 5, 11),
    (853, 7, 8),
    (855, 8, 10),
    (856, 8, 10),
    (870, 9, 12),
    (878, 12, 12),
    (880, 6, 10),
    (881, 9, 10),
    (882, 7, 12),
    (883, 8, 12),
    (886, 7, 11),
    (888, 11, 11),
    (960, 7, 10),
    (961, 7, 8),
    (962, 8, 9),
    (963, 8, 9),
    (964, 8, 10),
    (965, 7, 8),
    (966, 9, 10),
    (967, 7, 9),
    (968, 7, 9),
    (970, 8, 10),
    (971, 5, 12),
    (972, 7, 12),
    (973, 8, 8),
    (974, 7, 11),
    (975, 7, 8),
    (976, 8, 10),
    (977, 8, 11),
    (979, 9, 9),
    (992, 9, 9),
    (993, 8, 8),
    (994, 9, 9),
    (995, 9, 9),
    (996, 9, 10),
    (998, 9, 9),
];

const CODE_DIGITS_MAX: usize = 3;
/// For each country code: how many digits follow it at least and at most. Where there is no country the least is more than the most.
#[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "made by the compiler, of numbers below a hundred")]
const OWN_DIGITS: [(u8, u8); 1000] = {
    let (mut own, mut at) = ([(1, 0); 1000], 0);
    while at < COUNTRIES.len() {
        let (code, min, max) = COUNTRIES[at];
        own[code as usize] = (min as u8, max as u8);
        at += 1;
    }
    own
};

/// Digits from the country code on, with or without `+` before them and signs between them; a zero in brackets, which is for those at
/// home, is left out. A number of North America has an area and an exchange that do not begin with 0 or 1.
pub fn phone_e164(text: &[u8]) -> bool {
    let mut text = text.strip_prefix(b"+").unwrap_or(text);
    let mut digits = [0; DIGITS_MAX];
    let mut count: usize = 0;
    while let [byte, rest @ ..] = text {
        text = rest;
        match byte {
            b'0'..=b'9' => {
                let Some(place) = digits.get_mut(count) else { return false };
                *place = byte.wrapping_sub(b'0');
                count = count.saturating_add(1);
            }
            b'(' => text = rest.strip_prefix(b"0)").unwrap_or(rest),
            b' ' | b'.' | b'-' | b')' | b'/' => {}
            _ => return false,
        }
    }
    let digits = digits.get(..count).unwrap_or_default();
    count >= DIGITS_MIN
        && (1..=CODE_DIGITS_MAX).any(|length| {
            let Some((code, own)) = digits.split_at_checked(length) else { return false };
            let code = number(code);
            let (min, max) =
                usize::try_from(code).ok().and_then(|code| OWN_DIGITS.get(code)).copied().unwrap_or((1, 0));
            (usize::from(min)..=usize::from(max)).contains(&own.len())
                && !own.iter().all(|&digit| digit == 0)
                && (code != 1 || matches!(own, [2..=9, _, _, 2..=9, ..]))
        })
}

/// A number as it is written in its country, with what is put between its digits, and an extension behind an `x`: from seven to
/// fifteen digits, and not a date of eight.
pub fn phone(text: &[u8]) -> bool {
    let mut digits = [0; DIGITS_MAX];
    let mut count: usize = 0;
    for &byte in text.iter().take_while(|byte| !byte.is_ascii_alphabetic()) {
        let Some(found) = digit(byte) else { continue };
        let Some(place) = digits.get_mut(count) else { return false };
        *place = found;
        count = count.saturating_add(1);
    }
    let digits = digits.get(..count).unwrap_or_default();
    let is_day = |year: &[u8], month: &[u8], day: &[u8]| {
        matches!(number(year), 1900..2100) && is_date(number(year), number(month), number(day))
    };
    let is_day = match digits {
        [year @ .., a, b, c, d] if year.len() == 4 && is_day(year, &[*a, *b], &[*c, *d]) => true,
        [a, b, c, d, year @ ..] if year.len() == 4 => {
            is_day(year, &[*a, *b], &[*c, *d]) || is_day(year, &[*c, *d], &[*a, *b])
        }
        _ => false,
    };
    count >= DIGITS_MIN && !is_day && digits.iter().any(|digit| *digit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn national_numbers_are_no_dates() {
        for number in ["0171 5550123", "912 345 678", "581-896-0013x3890", "12 34 56 78", "(02) 9374 4000"] {
            assert!(phone(number.as_bytes()), "{number}");
        }
        for none in
            ["2024-01-15", "15.01.2024", "01/15/2024", "20240115", "123456", "000-0000", "1234 5678 9012 3456", ""]
        {
            assert!(!phone(none.as_bytes()), "{none}");
        }
    }

    #[test]
    fn countries_are_in_order() {
        assert!(COUNTRIES.is_sorted_by(|one, next| one.0 < next.0));
    }
}
