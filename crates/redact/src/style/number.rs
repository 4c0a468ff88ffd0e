//! Parts of numbers: in decimal writing, without rounding what is exact, and of floating point.

/// The last digits of a whole number that has at least twice as many.
pub(super) fn last_digits(number: &str, keep: usize) -> Option<String> {
    let whole = match number.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        Some(_) => return None,
        None => number,
    };
    let digits = whole.trim_start_matches('0');
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) || digits.len() < keep.saturating_mul(2) {
        return None;
    }
    let last = digits.get(digits.len().saturating_sub(keep)..)?.trim_start_matches('0');
    Some(if last.is_empty() { "0".to_owned() } else { last.to_owned() })
}

/// A latitude or longitude in whole degrees.
pub(super) fn degrees(number: f64) -> Option<String> {
    let rounded = number.round();
    // `-0` is written as zero.
    (number.abs() <= 360.0).then(|| if rounded == 0.0 { "0".to_owned() } else { format!("{rounded:.0}") })
}

/// The first digit that is not zero, at its place; towards zero.
pub(super) fn magnitude(number: &str) -> Option<String> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    if let Some(first) = whole.chars().next() {
        return Some(format!("{sign}{first}{}", "0".repeat(whole.len().saturating_sub(1))));
    }
    let zeros = fraction.len().saturating_sub(fraction.trim_start_matches('0').len());
    Some(match fraction.chars().nth(zeros) {
        Some(first) => format!("{sign}0.{}{first}", "0".repeat(zeros)),
        None => "0".to_owned(),
    })
}

/// The same of a floating point number.
pub(super) fn real_magnitude(number: f64) -> Option<f64> {
    if !number.is_finite() {
        return None;
    }
    let written = format!("{number:e}");
    let (digits, exponent) = written.split_once('e')?;
    let first = digits.split_once('.').map_or(digits, |(first, _)| first);
    let part: f64 = format!("{first}e{exponent}").parse().ok()?;
    Some(if part == 0.0 { 0.0 } else { part })
}
