//! International bank account numbers (ISO 13616): the form that each country registered, and the remainder by 97.
//!
//! The check digits that some countries have inside of their numbers are not looked at.

use super::arithmetic::mod97;

/// What follows the check digits, by country: how many digits (n), uppercase letters (a), or either (c).
const FORMS: &[(&[u8; 2], &str)] = &[
    (b"AD", "8n12c"),
    (b"AE", "19n"),
    (b"AL", "8n16c"),
    (b"AT", "16n"),
    (b"AZ", "4a20c"),
    (b"BA", "16n"),
    (b"BE", "12n"),
    (b"BG", "4a6n8c"),
    (b"BH", "4a14c"),
    (b"BI", "23n"),
    (b"BR", "23n1a1c"),
    (b"BY", "4c4n16c"),
    (b"CH", "5n12c"),
    (b"CR", "18n"),
    (b"CY", "8n16c"),
    (b"CZ", "20n"),
    (b"DE", "18n"),
    (b"DJ", "23n"),
    (b"DK", "14n"),
    (b"DO", "4c20n"),
    (b"EE", "16n"),
    (b"EG", "25n"),
    (b"ES", "20n"),
    (b"FI", "14n"),
    (b"FK", "2a12n"),
    (b"FO", "14n"),
    (b"FR", "10n11c2n"),
    (b"GB", "4a14n"),
    (b"GE", "2a16n"),
    (b"GI", "4a15c"),
    (b"GL", "14n"),
    (b"GR", "7n16c"),
    (b"GT", "24c"),
    (b"HN", "4a20n"),
    (b"HR", "17n"),
    (b"HU", "24n"),
    (b"IE", "4a14n"),
    (b"IL", "19n"),
    (b"IQ", "4a15n"),
    (b"IS", "22n"),
    (b"IT", "1a10n12c"),
    (b"JO", "4a4n18c"),
    (b"KW", "4a22c"),
    (b"KZ", "3n13c"),
    (b"LB", "4n20c"),
    (b"LC", "4a24c"),
    (b"LI", "5n12c"),
    (b"LT", "16n"),
    (b"LU", "3n13c"),
    (b"LV", "4a13c"),
    (b"LY", "21n"),
    (b"MC", "10n11c2n"),
    (b"MD", "20c"),
    (b"ME", "18n"),
    (b"MK", "3n10c2n"),
    (b"MN", "16n"),
    (b"MR", "23n"),
    (b"MT", "4a5n18c"),
    (b"MU", "4a19n3a"),
    (b"NI", "4a20n"),
    (b"NL", "4a10n"),
    (b"NO", "11n"),
    (b"OM", "3n16c"),
    (b"PK", "4a16c"),
    (b"PL", "24n"),
    (b"PS", "4a21c"),
    (b"PT", "21n"),
    (b"QA", "4a21c"),
    (b"RO", "4a16c"),
    (b"RS", "18n"),
    (b"RU", "14n15c"),
    (b"SA", "2n18c"),
    (b"SC", "4a20n3a"),
    (b"SD", "14n"),
    (b"SE", "20n"),
    (b"SI", "15n"),
    (b"SK", "20n"),
    (b"SM", "1a10n12c"),
    (b"SO", "19n"),
    (b"ST", "21n"),
    (b"SV", "4a20n"),
    (b"TL", "19n"),
    (b"TN", "20n"),
    (b"TR", "6n16c"),
    (b"UA", "6n19c"),
    (b"VA", "18n"),
    (b"VG", "4a16n"),
    (b"XK", "16n"),
    (b"YE", "4a4n18c"),
];

/// Two letters of the country, two check digits, and what the country puts behind them.
pub fn iban(text: &[u8]) -> bool {
    let [c1, c2, k1, k2, own @ ..] = text else { return false };
    if !k1.is_ascii_digit() || !k2.is_ascii_digit() {
        return false;
    }
    let Some((_, form)) = FORMS.iter().find(|(country, _)| *country == &[*c1, *c2]) else { return false };
    has_form(own, form) && mod97(own.iter().chain([c1, c2, k1, k2]).copied()) == Some(1)
}

/// Whether a text is exactly what a form asks for.
fn has_form(mut text: &[u8], form: &str) -> bool {
    for part in form.split_inclusive(['n', 'a', 'c']) {
        let Some((count, kind)) = part.split_at_checked(part.len().saturating_sub(1)) else { return false };
        let Some((these, rest)) = count.parse().ok().and_then(|count: usize| text.split_at_checked(count)) else {
            return false;
        };
        let all = match kind {
            "n" => these.iter().all(u8::is_ascii_digit),
            "a" => these.iter().all(u8::is_ascii_uppercase),
            _ => these.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()),
        };
        if !all {
            return false;
        }
        text = rest;
    }
    text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_more_than_one_kind() {
        assert!(has_form(b"WEST12345698765432", "4a14n"));
        assert!(!has_form(b"WEST123456987654321", "4a14n"));
        assert!(!has_form(b"WES112345698765432", "4a14n"));
        assert!(has_form(b"0AZ9", "1n3c") && !has_form(b"0Az9", "1n3c"));
    }
}
