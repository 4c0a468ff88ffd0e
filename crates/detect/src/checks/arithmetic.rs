//! The arithmetic that check digits share: digits, weighted sums and their remainders, Luhn, Verhoeff, ISO 7064.
//!
//! Sums wrap, which none of them comes near to: the longest has some hundred terms below 2⁸·2⁸.

/// The values of exactly `N` decimal digits. None for anything else, and for zeros alone: those identify nobody, and are
/// right by most schemes.
pub fn digits<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut values = [0; N];
    fill(text, &mut values)?;
    values.iter().any(|&value| value != 0).then_some(values)
}

fn fill(text: &[u8], values: &mut [u8]) -> Option<()> {
    if text.len() != values.len() {
        return None;
    }
    for (value, &byte) in values.iter_mut().zip(text) {
        *value = digit(byte)?;
    }
    Some(())
}

/// The value of one decimal digit.
pub fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))
}

/// The value of a digit or an uppercase letter in base 36: A is 10.
pub fn digit36(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'A'..=b'Z' => Some(byte.wrapping_sub(55)),
        _ => None,
    }
}

/// The value of a letter: A is 0.
pub fn letter(byte: u8) -> Option<u8> {
    byte.is_ascii_uppercase().then(|| byte.wrapping_sub(b'A'))
}

/// Where a byte stands in an alphabet.
pub fn position(alphabet: &[u8], byte: u8) -> Option<u64> {
    alphabet.iter().position(|&of| of == byte).and_then(|at| u64::try_from(at).ok())
}

/// Whether the alphabet has this byte at that place.
pub fn is_at(alphabet: &[u8], at: u64, byte: u8) -> bool {
    usize::try_from(at).ok().and_then(|at| alphabet.get(at)).is_some_and(|&there| there == byte)
}

/// The number that these digits write: up to nineteen of them.
pub fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |sum: u64, &digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit)))
}

/// Σ digit·weight.
pub fn weighted(digits: &[u8], weights: &[u8]) -> u64 {
    digits
        .iter()
        .zip(weights)
        .map(|(&digit, &weight)| u64::from(digit).wrapping_mul(u64::from(weight)))
        .fold(0, u64::wrapping_add)
}

/// The sum of the values.
pub fn sum(values: &[u8]) -> u64 {
    values.iter().fold(0, |sum, &value| sum.wrapping_add(u64::from(value)))
}

/// What is missing to the next multiple: `-sum mod modulus`.
pub fn missing(sum: u64, modulus: u64) -> u64 {
    let rest = sum.checked_rem(modulus).unwrap_or(0);
    if rest == 0 { 0 } else { modulus.wrapping_sub(rest) }
}

/// The sum of the digits of a number below a hundred.
pub fn cross(number: u64) -> u64 {
    (number / 10).wrapping_add(number % 10)
}

/// Σ cross sum of digit·weight, as Luhn and its relatives take it.
pub fn weighted_cross(digits: &[u8], weights: &[u8]) -> u64 {
    digits
        .iter()
        .zip(weights)
        .map(|(&digit, &weight)| cross(u64::from(digit).wrapping_mul(u64::from(weight))))
        .fold(0, u64::wrapping_add)
}

/// Luhn's sum of digits, the last of which is the check digit: right when it is a multiple of ten.
pub fn luhn_sum(digits: &[u8]) -> u64 {
    digits.rchunks(2).fold(0, |sum, pair| {
        let (doubled, single) = match pair {
            [doubled, single] => (*doubled, *single),
            [single] => (0, *single),
            _ => (0, 0),
        };
        let cross = DOUBLED.get(usize::from(doubled)).copied().unwrap_or(0);
        sum.wrapping_add(u64::from(single)).wrapping_add(u64::from(cross))
    })
}

/// The sum of the digits of twice a digit.
const DOUBLED: [u8; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];

/// Whether Luhn's check digit is right.
pub fn is_luhn(digits: &[u8]) -> bool {
    luhn_sum(digits).is_multiple_of(10)
}

/// The remainder by 97 (ISO 7064) of digits and uppercase letters, which count as two digits.
pub fn mod97(text: impl Iterator<Item = u8>) -> Option<u64> {
    let mut rest: u64 = 0;
    for byte in text {
        let value = u64::from(digit36(byte)?);
        let shift: u64 = if value < 10 { 10 } else { 100 };
        rest = rest.wrapping_mul(shift).wrapping_add(value) % 97;
    }
    Some(rest)
}

/// Whether the last digit is the check digit by ISO 7064 MOD 11,10.
pub fn is_mod11_10(digits: &[u8]) -> bool {
    let Some((&check, digits)) = digits.split_last() else { return false };
    let product = digits.iter().fold(10, |product: u64, &digit| {
        let sum = product.wrapping_add(u64::from(digit)) % 10;
        let sum = if sum == 0 { 10 } else { sum };
        sum.wrapping_mul(2) % 11
    });
    product.wrapping_add(u64::from(check)) % 10 == 1
}

/// Whether the last digit is the check digit by Verhoeff: multiplication in the dihedral group of the pentagon.
pub fn is_verhoeff(digits: &[u8]) -> bool {
    /// One step of the permutation that each place applies once more than the one to its right.
    const STEP: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let mut product: u8 = 0;
    for (place, &digit) in digits.iter().rev().enumerate() {
        let turned = (0..place % 8).fold(digit, |digit, _| STEP.get(usize::from(digit)).copied().unwrap_or(digit));
        product = dihedral(product, turned);
    }
    product == 0
}

/// 0 to 4 turn the pentagon, 5 to 9 also turn it over.
fn dihedral(first: u8, second: u8) -> u8 {
    let (turn, over) = (first % 5, first >= 5);
    let other = second % 5;
    let turned = if over { turn.wrapping_add(5).wrapping_sub(other) } else { turn.wrapping_add(other) } % 5;
    if over == (second >= 5) { turned } else { turned.wrapping_add(5) }
}

/// Whether there is such a day.
pub fn is_date(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Whether there is such a day in one of the centuries: 2000 was a leap year, so it is the one that has most.
pub fn is_date_of_some_century(year: u64, month: u64, day: u64) -> bool {
    is_date((year % 100).wrapping_add(2000), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_as_many_as_asked_for_and_not_all_zero() {
        assert_eq!(digits::<3>(b"102"), Some([1, 0, 2]));
        assert_eq!(digits::<3>(b"1022"), None);
        assert_eq!(digits::<3>(b"1:2"), None);
        assert_eq!(digits::<3>(b"000"), None);
    }

    #[test]
    fn sums() {
        assert_eq!(number(&[1, 2, 3]), 123);
        assert_eq!(weighted(&[1, 2, 3], &[3, 2, 1]), 10);
        assert_eq!(weighted_cross(&[9, 5], &[2, 2]), 9 + 1);
        assert_eq!((missing(22, 11), missing(23, 11)), (0, 10));
    }

    #[test]
    fn published_check_digits() {
        assert!(is_luhn(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3]));
        assert!(is_verhoeff(&[2, 3, 6, 3]));
        assert!(is_verhoeff(&[1, 2, 3, 4, 5, 1]));
        assert!(is_mod11_10(&[0, 7, 9, 4, 5]));
        assert_eq!(mod97(b"3214282912345698765432161182".iter().copied()), Some(1));
    }

    #[test]
    fn days() {
        assert!(is_date(2000, 2, 29) && is_date(2024, 2, 29) && is_date(1999, 12, 31));
        assert!(!is_date(1900, 2, 29) && !is_date(2023, 2, 29) && !is_date(2023, 4, 31) && !is_date(2023, 13, 1));
        assert!(!is_date(2023, 0, 1) && !is_date(2023, 1, 0));
        assert!(is_date_of_some_century(0, 2, 29) && !is_date_of_some_century(1, 2, 29));
    }
}
