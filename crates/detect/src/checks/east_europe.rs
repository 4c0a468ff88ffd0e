//! People and firms in Poland, Czechia, Slovakia, Hungary, Romania, Bulgaria, Greece, Croatia, Slovenia and the Baltics.

use super::arithmetic::{digits, is_date, is_date_of_some_century, is_luhn, is_mod11_10, missing, number, weighted};

/// A person in Poland: birth, whose month tells the century, serial and sex, a check digit by ten.
pub fn pl_pesel(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        let month = number(&d[2..4]);
        let century = match month {
            ..20 => 1900,
            20..40 => 2000,
            40..60 => 2100,
            60..80 => 2200,
            _ => 1800,
        };
        is_date(number(&d[..2]).wrapping_add(century), month % 20, number(&d[4..6]))
            && weighted(&d, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
    })
}

/// A taxpayer in Poland: ten digits, remainder by eleven.
pub fn pl_nip(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|d| weighted(&d[..9], &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == u64::from(d[9]))
}

/// A Polish firm, and fourteen digits with its place: remainder by eleven.
pub fn pl_regon(text: &[u8]) -> bool {
    let firm = |d: &[u8; 9]| weighted(&d[..8], &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == u64::from(d[8]);
    match text.len() {
        9 => digits::<9>(text).is_some_and(|d| firm(&d)),
        _ => digits::<14>(text).is_some_and(|d| {
            let [own @ .., _, _, _, _, _] = d;
            let check = weighted(&d[..13], &[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]) % 11 % 10;
            firm(&own) && check == u64::from(d[13])
        }),
    }
}

/// A person in Czechia or Slovakia: birth, whose month has 50 added for women and 20 when serials ran out, serial; since 1954
/// ten digits with a check digit by eleven.
pub fn cz_rc(text: &[u8]) -> bool {
    let month = |month: u64| {
        let month = if month > 50 { month.wrapping_sub(50) } else { month };
        if month > 20 { month.wrapping_sub(20) } else { month }
    };
    if text.len() == 9 {
        return digits::<9>(text).is_some_and(|d| {
            let century = match number(&d[..2]) {
                ..54 => 1900,
                80.. => 1800,
                _ => return false,
            };
            is_date(number(&d[..2]).wrapping_add(century), month(number(&d[2..4])), number(&d[4..6]))
        });
    }
    digits::<10>(text).is_some_and(|d| {
        let year = number(&d[..2]);
        let century = if year < 54 { 2000 } else { 1900 };
        is_date(year.wrapping_add(century), month(number(&d[2..4])), number(&d[4..6]))
            && number(&d[..9]) % 11 % 10 == u64::from(d[9])
    })
}

/// A Hungarian taxpayer: eight digits, a check digit by ten.
pub fn hu_anum(text: &[u8]) -> bool {
    digits::<8>(text).is_some_and(|d| weighted(&d, &[9, 7, 3, 1, 9, 7, 3, 1]).is_multiple_of(10))
}

/// A person in Romania: sex and century, birth, county, serial, remainder by eleven.
pub fn ro_cnp(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|d| {
        let century = match d[0] {
            0 => return false,
            3 | 4 => 1800,
            5 | 6 => 2000,
            _ => 1900,
        };
        let check = match weighted(&d[..12], &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 {
            10 => 1,
            rest => rest,
        };
        is_date(number(&d[1..3]).wrapping_add(century), number(&d[3..5]), number(&d[5..7]))
            && matches!(number(&d[7..9]), 1..=48 | 51 | 52 | 70 | 80..=83)
            && check == u64::from(d[12])
    })
}

/// A person in Bulgaria: birth, whose month has 20 or 40 added by century, serial, remainder by eleven.
pub fn bg_egn(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|d| {
        let month = number(&d[2..4]);
        let (century, month) = match month {
            41.. => (2000, month.wrapping_sub(40)),
            21..=40 => (1800, month.wrapping_sub(20)),
            _ => (1900, month),
        };
        is_date(number(&d[..2]).wrapping_add(century), month, number(&d[4..6]))
            && weighted(&d[..9], &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == u64::from(d[9])
    })
}

/// A foreigner in Bulgaria: ten digits, a check digit by ten.
pub fn bg_pnf(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|d| weighted(&d[..9], &[21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10 == u64::from(d[9]))
}

/// A Greek insured: birth, serial, Luhn.
pub fn gr_amka(text: &[u8]) -> bool {
    digits::<11>(text)
        .is_some_and(|d| is_date_of_some_century(number(&d[4..6]), number(&d[2..4]), number(&d[..2])) && is_luhn(&d))
}

/// A Greek taxpayer: nine digits that weigh powers of two, remainder by eleven.
pub fn gr_afm(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| {
        let sum = d[..8].iter().fold(0_u64, |sum, &digit| sum.wrapping_mul(2).wrapping_add(u64::from(digit)));
        sum.wrapping_mul(2) % 11 % 10 == u64::from(d[8])
    })
}

/// A person or a firm in Croatia: eleven digits, ISO 7064 MOD 11,10.
pub fn hr_oib(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| is_mod11_10(&d))
}

/// The check digit of Estonia and Lithuania: weights from one on, and from three on when ten remains.
pub fn is_baltic(digits: &[u8]) -> bool {
    const FIRST: [u8; 11] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2];
    const SECOND: [u8; 11] = [3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4];
    let Some((&check, own)) = digits.split_last() else { return false };
    let rest = match weighted(own, &FIRST) % 11 {
        10 => weighted(own, &SECOND) % 11 % 10,
        rest => rest,
    };
    rest == u64::from(check)
}

/// Sex and century, then year, month and day.
fn is_baltic_birth(d: &[u8; 11]) -> bool {
    let century = match d[0] {
        1 | 2 => 1800,
        3 | 4 => 1900,
        5 | 6 => 2000,
        7 | 8 => 2100,
        _ => return false,
    };
    is_date(number(&d[1..3]).wrapping_add(century), number(&d[3..5]), number(&d[5..7]))
}

/// A person in Estonia: sex and century, birth, serial, remainder by eleven.
pub fn ee_ik(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| is_baltic_birth(&d) && is_baltic(&d))
}

/// A person in Lithuania: as in Estonia; with a 9 it holds no birth.
pub fn lt_asmens(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| (d[0] == 9 || is_baltic_birth(&d)) && is_baltic(&d))
}

/// A person in Latvia: birth, century, serial; 32 and no birth since 2017; a check digit by eleven.
pub fn lv_pk(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        let year = u64::from(d[6]).wrapping_mul(100).wrapping_add(1800).wrapping_add(number(&d[4..6]));
        let check = weighted(&d[..10], &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]).wrapping_add(1) % 11 % 10;
        (d.starts_with(&[3, 2]) || is_date(year, number(&d[2..4]), number(&d[..2]))) && check == u64::from(d[10])
    })
}

/// A person in Slovenia, and by the same scheme in what was Yugoslavia: birth, place, serial and sex, remainder by eleven.
pub fn si_emso(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|d| {
        let year = number(&d[4..7]);
        let millennium = if year < 800 { 2000 } else { 1000 };
        let check = missing(weighted(&d[..12], &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11) % 10;
        is_date(year.wrapping_add(millennium), number(&d[2..4]), number(&d[..2])) && check == u64::from(d[12])
    })
}

/// A taxpayer in Slovenia: eight digits, remainder by eleven.
pub fn si_ddv(text: &[u8]) -> bool {
    digits::<8>(text).is_some_and(|d| {
        let rest = weighted(&d[..7], &[8, 7, 6, 5, 4, 3, 2]) % 11;
        let check = 11_u64.wrapping_sub(rest);
        d[0] != 0 && u64::from(d[7]) == if check == 10 { 0 } else { check }
    })
}
