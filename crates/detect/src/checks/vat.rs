//! Value added tax numbers of the European Union, by the country before them.

use super::arithmetic::{
    digit, digits, is_at, is_luhn, is_mod11_10, luhn_sum, missing, mod97, number, position, weighted,
};
use super::{britain, east_europe, france_benelux, iberia, italy, nordic};

/// Two letters of a member state (`EL` or `GR` for Greece, `XI` for Northern Ireland) and its number, with its check digits.
/// Letters uppercase, and `+` and `*` of old Irish numbers as they stand.
pub fn eu_vat(text: &[u8]) -> bool {
    let Some((country, own)) = text.split_at_checked(2) else { return false };
    match country {
        b"AT" => austria(own),
        b"BE" => france_benelux::be_enterprise(own),
        b"BG" => bulgaria(own),
        b"CY" => cyprus(own),
        b"CZ" => czechia(own),
        b"DE" => digits::<9>(own).is_some_and(|d| d[0] != 0 && is_mod11_10(&d)),
        b"DK" => nordic::dk_cvr(own),
        b"EE" => digits::<9>(own).is_some_and(|d| weighted(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)),
        b"EL" | b"GR" => east_europe::gr_afm(own),
        b"ES" => iberia::es_nif(own) || iberia::es_nie(own) || iberia::es_cif(own),
        b"FI" => nordic::fi_ytunnus(own),
        b"FR" => france(own),
        b"HR" => east_europe::hr_oib(own),
        b"HU" => east_europe::hu_anum(own),
        b"IE" => ireland(own),
        b"IT" => italy::it_piva(own),
        b"LT" => lithuania(own),
        b"LU" => digits::<8>(own).is_some_and(|d| number(&d[..6]) % 89 == number(&d[6..])),
        b"LV" => latvia(own),
        b"MT" => {
            digits::<8>(own).is_some_and(|d| d[0] != 0 && weighted(&d, &[3, 4, 6, 7, 8, 9, 10, 1]).is_multiple_of(37))
        }
        b"NL" => netherlands(text, own),
        b"PL" => east_europe::pl_nip(own),
        b"PT" => iberia::pt_nif(own),
        b"RO" => romania(own),
        b"SE" => own.strip_suffix(b"01").and_then(digits::<10>).is_some_and(|d| is_luhn(&d)),
        b"SI" => east_europe::si_ddv(own),
        b"SK" => slovakia(own),
        b"XI" => britain::gb_vat(own),
        _ => false,
    }
}

fn austria(own: &[u8]) -> bool {
    // Luhn's sum without a place for the check digit, to which four is added.
    own.strip_prefix(b"U")
        .and_then(digits::<8>)
        .is_some_and(|d| missing(luhn_sum(&d[..7]).wrapping_add(4), 10) == u64::from(d[7]))
}

fn bulgaria(own: &[u8]) -> bool {
    let legal = |d: [u8; 9]| {
        let rest = match weighted(&d[..8], &[1, 2, 3, 4, 5, 6, 7, 8]) % 11 {
            10 => weighted(&d[..8], &[3, 4, 5, 6, 7, 8, 9, 10]) % 11 % 10,
            rest => rest,
        };
        rest == u64::from(d[8])
    };
    let other = |d: [u8; 10]| missing(weighted(&d[..9], &[4, 3, 2, 7, 6, 5, 4, 3, 2]), 11) == u64::from(d[9]);
    digits::<9>(own).is_some_and(legal)
        || east_europe::bg_egn(own)
        || east_europe::bg_pnf(own)
        || digits::<10>(own).is_some_and(other)
}

fn cyprus(own: &[u8]) -> bool {
    const ODD: [u8; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let Some((check, own)) = own.split_last() else { return false };
    digits::<8>(own).is_some_and(|d| {
        let value = |(place, &digit): (usize, &u8)| {
            u64::from(if place % 2 == 0 { ODD.get(usize::from(digit)).copied().unwrap_or(0) } else { digit })
        };
        let sum = d.iter().enumerate().map(value).fold(0, u64::wrapping_add);
        number(&d[..2]) != 12 && is_at(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", sum % 26, *check)
    })
}

/// Firms of eight digits, people by their birth numbers, and others of nine digits with a 6.
fn czechia(own: &[u8]) -> bool {
    const WEIGHTS: [u8; 7] = [8, 7, 6, 5, 4, 3, 2];
    let legal = |d: [u8; 8]| {
        let check = match missing(weighted(&d[..7], &WEIGHTS), 11) {
            0 => 1,
            check => check % 10,
        };
        d[0] != 9 && check == u64::from(d[7])
    };
    let special = |d: [u8; 9]| {
        let sum = weighted(&d[1..8], &WEIGHTS) % 11;
        // Eight less the complement to ten, by ten.
        let complement = 21_u64.wrapping_sub(sum) % 11;
        18_u64.wrapping_sub(complement) % 10 == u64::from(d[8])
    };
    match own {
        [_, _, _, _, _, _, _, _] => digits::<8>(own).is_some_and(legal),
        [b'6', ..] if own.len() == 9 => digits::<9>(own).is_some_and(special),
        _ => east_europe::cz_rc(own),
    }
}

/// Two digits or letters by the number of the firm, and that.
fn france(own: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let [k1, k2, firm @ ..] = own else { return false };
    let (Some(v1), Some(v2)) = (position(ALPHABET, *k1), position(ALPHABET, *k2)) else { return false };
    // Firms of Monaco have no number that Luhn made.
    let Some(d) = digits::<9>(firm).filter(|d| d.starts_with(&[0, 0, 0]) || is_luhn(d)) else { return false };
    let number = number(&d);
    if v1 < 10 && v2 < 10 {
        return v1.wrapping_mul(10).wrapping_add(v2) == number.wrapping_mul(100).wrapping_add(12) % 97;
    }
    let (scale, less): (u64, u64) = if v1 < 10 { (24, 10) } else { (34, 100) };
    let Some(check) = v1.wrapping_mul(scale).wrapping_add(v2).checked_sub(less) else { return false };
    number.wrapping_add(1).wrapping_add(check / 11) % 11 == check % 11
}

/// Seven digits and a check letter; a second letter counts. Old ones have a letter or a sign in the second place.
fn ireland(own: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"WABCDEFGHIJKLMNOPQRSTUV";
    let (Some((body, letters)), 8 | 9) = (own.split_at_checked(7), own.len()) else { return false };
    let Some(check) = letters.first() else { return false };
    if let [d1, b'A'..=b'Z' | b'+' | b'*', d2, d3, d4, d5, d6] = body {
        return letters.iter().all(|&byte| position(ALPHABET, byte).is_some())
            && digits::<7>(&[b'0', *d2, *d3, *d4, *d5, *d6, *d1]).is_some_and(|d| britain::is_ie_check(&d, 0, *check));
    }
    let Some(extra) = letters.get(1).map_or(Some(0), |&byte| position(ALPHABET, byte)) else { return false };
    digits::<7>(body).is_some_and(|d| britain::is_ie_check(&d, extra, *check))
}

fn lithuania(own: &[u8]) -> bool {
    let long = |d: [u8; 12]| {
        let rest = match weighted(&d[..11], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2]) % 11 {
            10 => weighted(&d[..11], &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4]) % 11 % 10,
            rest => rest,
        };
        d[10] == 1 && rest == u64::from(d[11])
    };
    digits::<9>(own).is_some_and(|d| d[7] == 1 && east_europe::is_baltic(&d)) || digits::<12>(own).is_some_and(long)
}

fn latvia(own: &[u8]) -> bool {
    match own.first().copied().and_then(digit) {
        Some(4..) => digits::<11>(own).is_some_and(|d| weighted(&d, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3),
        _ => east_europe::lv_pk(own),
    }
}

/// Nine digits, `B`, two digits: those of a citizen, or since 2020 others with a remainder by 97.
fn netherlands(text: &[u8], own: &[u8]) -> bool {
    let Some((person, [b'B', s1, s2])) = own.split_at_checked(9) else { return false };
    digits::<9>(person).is_some()
        && digits::<2>(&[*s1, *s2]).is_some()
        && (france_benelux::nl_bsn(person) || mod97(text.iter().copied()) == Some(1))
}

/// Two to ten digits of a firm, or those of a person.
fn romania(own: &[u8]) -> bool {
    if own.len() == 13 {
        return east_europe::ro_cnp(own);
    }
    let mut padded = [b'0'; 10];
    let Some(place) = 10_usize.checked_sub(own.len()).and_then(|before| padded.get_mut(before..)) else { return false };
    place.copy_from_slice(own);
    own.len() >= 2
        && own.first() != Some(&b'0')
        && digits::<10>(&padded).is_some_and(|d| {
            weighted(&d[..9], &[7, 5, 3, 2, 1, 7, 5, 3, 2]).wrapping_mul(10) % 11 % 10 == u64::from(d[9])
        })
}

fn slovakia(own: &[u8]) -> bool {
    let firm = |d: [u8; 10]| d[0] != 0 && matches!(d[2], 2..=4 | 7..=9) && number(&d).is_multiple_of(11);
    digits::<10>(own).is_some_and(firm) || (own.len() == 10 && east_europe::cz_rc(own))
}
