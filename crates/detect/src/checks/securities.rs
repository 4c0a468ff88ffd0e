//! Numbers of banks, securities and those who trade them.

use super::arithmetic::{cross, digit36, digits, missing, mod97, weighted};

/// The routing number of an American bank: its Federal Reserve district, and weights 3, 7, 1.
pub fn us_aba(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| {
        let district = super::arithmetic::number(&d[..2]);
        matches!(district, 0..=12 | 21..=32 | 61..=72 | 80)
            && weighted(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
    })
}

/// A Mexican bank account: eighteen digits, each product of its own remainder by ten.
pub fn clabe(text: &[u8]) -> bool {
    digits::<18>(text).is_some_and(|d| {
        let weights = [3, 7, 1].into_iter().cycle();
        let products = d[..17].iter().zip(weights).map(|(&digit, weight)| u64::from(digit).wrapping_mul(weight) % 10);
        missing(products.fold(0, u64::wrapping_add), 10) == u64::from(d[17])
    })
}

/// Countries (ISO 3166, also those that are no more) and what numbering agencies use beside them.
const ISSUERS: &[u8] = b"AD AE AF AG AI AL AM AN AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV \
BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CS CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH \
KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ \
NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ \
SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF \
WS YE YT ZA ZM ZW EU QS QT XA XB XC XD XF XK XS";

/// An international securities identification number (ISO 6166): who issued it, and Luhn over its letters as two digits.
pub fn isin(text: &[u8]) -> bool {
    let [c1, c2, .., check] = text else { return false };
    if text.len() != 12 || !check.is_ascii_digit() || !ISSUERS.split(|&byte| byte == b' ').any(|of| of == [*c1, *c2]) {
        return false;
    }
    let mut sum: u64 = 0;
    let mut weight: u64 = 1;
    for &byte in text.iter().rev() {
        let Some(value) = digit36(byte).map(u64::from) else { return false };
        let places: &[u64] = if value < 10 { &[value] } else { &[value % 10, value / 10] };
        for place in places {
            sum = sum.wrapping_add(cross(place.wrapping_mul(weight)));
            weight ^= 3;
        }
    }
    sum.is_multiple_of(10)
}

/// A legal entity identifier (ISO 17442): eighteen digits or uppercase letters and two check digits, remainder by 97. As it
/// stands: lowercase letters are none.
pub fn lei(text: &[u8]) -> bool {
    let Some(check) = text.get(18..) else { return false };
    text.len() == 20 && check.iter().all(u8::is_ascii_digit) && mod97(text.iter().copied()) == Some(1)
}
