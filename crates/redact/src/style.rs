//! Partial styles: which part of a value of a class may be seen at the sight `partial`.
//!
//! A part has the kind of its value, and a value that has no such part shows none.

mod net;
mod number;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

use model::{ClassId, Value};

/// Which part of a value stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The last digits, as many as this, of a text or a whole number; separators of texts stay. Values with fewer than
    /// twice as many digits show none.
    LastDigits(usize),
    /// First letter of the mailbox and of the domain, and the top-level domain: `j***@e***.com`.
    Mailbox,
    /// First letter of each word: `A. L.`
    Initials,
    /// The year of a date, also of one that is written in a text: `1984-01-01`.
    Year,
    /// The first characters, as many as this, of texts of four letters and digits or more, and twice as many.
    First(usize),
    /// The country and the last four of an IBAN; of another account number the last four digits.
    Account,
    /// A number rounded to a whole one, if it can be an angle.
    Degrees,
    /// A number's first digit that is not zero, and how large it is: 52,300 becomes 50,000.
    Magnitude,
    /// The network of an address: its first 24 bits, or 48 of IPv6.
    Network,
    /// Who made the device: the first three bytes of a hardware address.
    Vendor,
    /// No part at all.
    None,
}

/// Styles by class; a class takes the style of the nearest class that it is in.
const STYLES: [(&str, Style); 30] = [
    ("pci.card", Style::LastDigits(4)),
    ("pci.iban", Style::Account),
    ("pci.cvv", Style::None),
    ("pci.track", Style::None),
    ("pii.bank_account", Style::Account),
    ("pii.national_id", Style::LastDigits(4)),
    ("pii.tax_id", Style::LastDigits(2)),
    ("pii.passport", Style::LastDigits(2)),
    ("pii.driver_licence", Style::LastDigits(2)),
    ("pii.device_id", Style::LastDigits(4)),
    ("pii.vehicle_id", Style::LastDigits(4)),
    ("pii.bank_code", Style::First(4)),
    ("pii.health", Style::None),
    ("pii.phone", Style::LastDigits(2)),
    ("pii.email", Style::Mailbox),
    ("pii.name", Style::Initials),
    ("pii.birth_date", Style::Year),
    ("pii.address", Style::First(1)),
    ("pii.postcode", Style::First(2)),
    ("pii.location", Style::Degrees),
    ("pii.salary", Style::Magnitude),
    ("fin.amount", Style::Magnitude),
    ("fin.wallet", Style::First(6)),
    ("fin.isin", Style::First(2)),
    ("fin.lei", Style::First(4)),
    ("pii.ip", Style::Network),
    ("net.ip", Style::Network),
    ("pii.mac", Style::Vendor),
    ("net.mac", Style::Vendor),
    ("secret", Style::None),
];

impl Style {
    /// The style of a class.
    pub fn of(class: &ClassId) -> Self {
        class
            .lineage()
            .find_map(|name| STYLES.iter().find(|(known, _)| *known == name))
            .map_or(Self::First(1), |(_, style)| *style)
    }

    /// The part of a value that stays, in the value's own kind; `None` if it has no such part.
    pub fn apply(self, value: &Value<'_>) -> Option<Value<'static>> {
        Some(match (self, value) {
            (style, Value::Text(text)) => Value::Text(Cow::Owned(style.of_text(text)?)),
            (Self::Year, Value::Date { year, .. }) => Value::Date { year: *year, month: 1, day: 1 },
            (Self::LastDigits(keep), Value::Number(number)) => decimal(number::last_digits(number, keep)?),
            (Self::Account, Value::Number(number)) => decimal(number::last_digits(number, 4)?),
            (Self::Degrees, Value::Number(number)) => decimal(number::degrees(number.parse().ok()?)?),
            (Self::Degrees, Value::Real(number)) => Value::Real(number::degrees(*number)?.parse().ok()?),
            (Self::Magnitude, Value::Number(number)) => decimal(number::magnitude(number)?),
            (Self::Magnitude, Value::Real(number)) => Value::Real(number::real_magnitude(*number)?),
            (Self::Network, Value::Net { addr, prefix }) => {
                let (addr, prefix) = net::network(*addr, *prefix)?;
                Value::Net { addr, prefix }
            }
            (Self::Vendor, Value::Mac([a, b, c, ..])) => Value::Mac([*a, *b, *c, 0, 0, 0]),
            (Self::Vendor, Value::Eui64([a, b, c, ..])) => Value::Eui64([*a, *b, *c, 0, 0, 0, 0, 0]),
            _ => return None,
        })
    }

    fn of_text(self, text: &str) -> Option<String> {
        match self {
            Self::LastDigits(keep) => Some(text::last_digits(text, keep)),
            Self::Mailbox => text::mailbox(text),
            Self::Initials => text::initials(text),
            Self::Year => text::year(text),
            Self::First(keep) => text::first(text, keep),
            Self::Account => Some(text::account(text)),
            Self::Network => net::network_of_text(text),
            Self::Vendor => net::vendor_of_text(text),
            Self::Degrees | Self::Magnitude | Self::None => None,
        }
    }
}

fn decimal(number: String) -> Value<'static> {
    Value::Number(Cow::Owned(number))
}
