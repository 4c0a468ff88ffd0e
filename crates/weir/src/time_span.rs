//! `8h`, `30m`, `7d`: how long something holds.

use std::time::Duration;

/// Reads a whole number and its unit. The error says what would be right.
pub fn parse(text: &str) -> Result<Duration, String> {
    let right = "write a whole number and its unit: 90s, 30m, 8h, 7d";
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or(right)?;
    let (number, unit) = text.split_at_checked(unit_at).ok_or(right)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return Err(right.into()),
    };
    let number: u64 = number.parse().map_err(|_| right)?;
    match number.checked_mul(seconds) {
        Some(0) => Err("write more than nothing, like 8h".into()),
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err("that is longer than anything lasts".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_only() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("8h", 28800), ("7d", 604_800)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)));
        }
        for bad in ["", "8", "h", "8 h", "8H", "1.5h", "-8h", "8hours", "0h", "99999999999999999d", "é"] {
            assert!(parse(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
