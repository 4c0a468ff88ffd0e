//! What is shown of something that was found to whoever looks for it: never all of it.

use detect::Entity;
use model::{ClassId, Value};
use redact::{REDACTED, Style};

/// The longest value of which a part is shown, in bytes.
const VALUE_BYTES_MAX: usize = 512;

/// The part of a value that its class leaves, if the kind lets any be seen.
pub fn masked(entity: &Entity, value: &[u8]) -> String {
    let part = || {
        let value = std::str::from_utf8(value).ok().filter(|value| value.len() <= VALUE_BYTES_MAX)?;
        let style = Style::of(&ClassId::parse(&entity.class)?);
        match style.apply(&Value::Text(value.into()))? {
            // Some have no more to them than their part: the first of January.
            Value::Text(part) if !part.contains(value) => Some(evidence::printable(&part)),
            _ => None,
        }
    };
    let shows = matches!(&*entity.sight, "partial" | "clear");
    shows.then(part).flatten().unwrap_or_else(|| REDACTED.to_owned())
}

/// How sure it is, of 1, that something found with these odds is what it looks like.
pub fn sureness(odds: f32) -> f32 {
    1.0 / (1.0 + (-odds).exp())
}

/// The same for people. Nothing is sure.
pub fn percent(sureness: f32) -> String {
    percent_of(f64::from(sureness))
}

/// The same of a number with more digits.
pub fn percent_of(sureness: f64) -> String {
    format!("{:.1}%", (sureness * 100.0).min(99.9))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(class: &str, sight: &str) -> Entity {
        let mut entity = ::detect::entities().unwrap().swap_remove(0);
        (entity.class, entity.sight) = (class.to_owned(), sight.to_owned());
        entity
    }

    #[test]
    fn a_value_is_never_shown_whole() {
        for (class, sight, value, shown) in [
            ("pii.email", "partial", "jane.doe@example.com", "j***@e***.com"),
            ("pii.national_id", "partial", "536-90-4399", "***-**-4399"),
            ("pii.national_id", "nothing", "536-90-4399", "[redacted]"),
            ("pii.national_id", "token", "536-90-4399", "[redacted]"),
            ("pii.birth_date", "partial", "1984-01-01", "[redacted]"),
            ("pii.birth_date", "clear", "1984-05-06", "1984-01-01"),
            ("net.ip", "partial", "10.1.2.0", "[redacted]"),
            ("secret.password", "partial", "hunter2", "[redacted]"),
            ("no class", "partial", "hunter2", "[redacted]"),
        ] {
            assert_eq!(masked(&entity(class, sight), value.as_bytes()), shown, "{class} {value}");
        }
        assert_eq!(masked(&entity("pii.email", "partial"), b"a\xff@example.com"), "[redacted]");
        assert_eq!(masked(&entity("pii.other", "partial"), &[b'a'; 513]), "[redacted]");
    }

    #[test]
    fn log_odds_are_said_of_a_hundred() {
        assert_eq!(percent(sureness(0.0)), "50.0%");
        assert_eq!(percent(sureness(3.0)), "95.3%");
        assert_eq!(percent(sureness(50.0)), "99.9%");
    }
}
