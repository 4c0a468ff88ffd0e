//! Payment cards: which numbers an issuer gives out (ISO/IEC 7812), and Luhn's check digit.

use super::arithmetic::{digit, is_luhn, number};

/// Numbers whose first six digits are in a range have that many digits.
struct Range {
    first: u64,
    last: u64,
    digits_min: usize,
    digits_max: usize,
}

const fn range(first: u64, last: u64, digits_min: usize, digits_max: usize) -> Range {
    Range { first, last, digits_min, digits_max }
}

const RANGES: &[Range] = &[
    // JCB of fifteen digits.
    range(180_000, 180_099, 15, 15),
    range(213_100, 213_199, 15, 15),
    // Mir, and Mastercard's second series.
    range(220_000, 220_499, 16, 19),
    range(222_100, 272_099, 16, 16),
    // Diners Club: fourteen digits, or from sixteen on.
    range(300_000, 305_999, 14, 14),
    range(300_000, 305_999, 16, 19),
    range(309_500, 309_599, 14, 14),
    range(309_500, 309_599, 16, 19),
    range(360_000, 369_999, 14, 14),
    range(360_000, 369_999, 16, 19),
    range(380_000, 399_999, 14, 14),
    range(380_000, 399_999, 16, 19),
    // American Express.
    range(340_000, 349_999, 15, 15),
    range(370_000, 379_999, 15, 15),
    // JCB.
    range(352_800, 358_999, 16, 19),
    // RuPay with JCB.
    range(353_000, 353_999, 16, 16),
    range(356_000, 356_999, 16, 16),
    // Visa: thirteen digits in the past, nineteen rarely.
    range(400_000, 499_999, 13, 13),
    range(400_000, 499_999, 16, 16),
    range(400_000, 499_999, 19, 19),
    // Maestro, with Verve, Elo, Dankort and RuPay's 508.
    range(500_000, 509_999, 12, 19),
    range(560_000, 589_999, 12, 19),
    // Mastercard.
    range(510_000, 559_999, 16, 16),
    // Discover and RuPay.
    range(600_000, 600_999, 16, 16),
    range(601_100, 601_199, 16, 19),
    range(606_000, 608_999, 16, 16),
    // UnionPay, with what Discover shares.
    range(620_000, 629_999, 16, 19),
    // Maestro in Britain and Ireland, InstaPayment, Hipercard, Elo.
    range(630_400, 630_499, 12, 19),
    range(636_200, 636_399, 16, 16),
    range(637_000, 639_999, 12, 19),
    range(644_000, 659_999, 16, 19),
    range(670_000, 679_999, 12, 19),
    // RuPay and UnionPay.
    range(810_000, 829_999, 16, 19),
    // Troy.
    range(979_200, 979_289, 16, 16),
];

/// For each first digit: the first of the ranges that begin with it, and the first behind them.
#[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "made by the compiler")]
const OF_DIGIT: [(usize, usize); 10] = {
    let (mut of, mut at) = ([(0, 0); 10], 0);
    while at < RANGES.len() {
        let digit = (RANGES[at].first / 100_000) as usize;
        assert!(RANGES[at].last / 100_000 == digit as u64, "a range has one first digit");
        let (first, end) = of[digit];
        assert!(end == 0 || end == at, "ranges of a first digit stand together");
        of[digit] = (if end == 0 { at } else { first }, at + 1);
        at += 1;
    }
    of
};

/// Twelve to nineteen digits of a card: an issuer's first digits, their length, and Luhn's check digit.
pub fn card(text: &[u8]) -> bool {
    let mut digits = [0; 19];
    let Some(digits) = digits.get_mut(..text.len()) else { return false };
    for (value, &byte) in digits.iter_mut().zip(text) {
        let Some(found) = digit(byte) else { return false };
        *value = found;
    }
    let Some(issuer) = digits.get(..6).map(number) else { return false };
    let length = digits.len();
    let of_digit = digits.first().and_then(|digit| OF_DIGIT.get(usize::from(*digit)));
    let ranges = of_digit.and_then(|(first, end)| RANGES.get(*first..*end)).unwrap_or_default();
    let issued = ranges.iter().any(|range| {
        (range.first..=range.last).contains(&issuer) && (range.digits_min..=range.digits_max).contains(&length)
    });
    issued && is_luhn(digits)
}

/// Any two digits or more, the last of which is Luhn's check digit.
pub fn luhn(text: &[u8]) -> bool {
    let sum = text.iter().rev().zip([1, 2].into_iter().cycle()).try_fold(0_u64, |sum, (&byte, weight)| {
        let product = u64::from(digit(byte)?).wrapping_mul(weight);
        Some(sum.wrapping_add(super::arithmetic::cross(product)))
    });
    text.len() >= 2 && sum.is_some_and(|sum| sum > 0 && sum % 10 == 0)
}
