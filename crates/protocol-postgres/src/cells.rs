//! PostgreSQL's cells as values, and back, in text and binary format: the types whose sights this version knows.
//! Everything else can't be read, so nothing of it is seen.

use std::borrow::Cow;

use model::Value;
use redact::CellCodec;

/// The wire type of a column: what `RowDescription` and `Bind` say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellType {
    /// `pg_type.oid`.
    pub oid: u32,
    /// Whether the column is sent in binary format.
    pub binary: bool,
}

/// Reads and writes cells.
#[derive(Clone, Copy, Debug, Default)]
pub struct PostgresCells;

/// What is known of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// Text whose binary form is the same bytes.
    Text,
    Json,
    Jsonb,
    Number,
    Date,
    Timestamp,
    TimestampTz,
    Uuid,
    Bool,
}

impl Family {
    /// Built-in types by their fixed oids (`pg_type.dat`).
    fn of(oid: u32) -> Option<Self> {
        Some(match oid {
            19 | 25 | 705 | 1042 | 1043 => Self::Text, // name, text, unknown, bpchar, varchar
            114 => Self::Json,
            3802 => Self::Jsonb,
            20 | 21 | 23 | 26 | 700 | 701 | 1700 => Self::Number, // int8, int2, int4, oid, float4, float8, numeric
            1082 => Self::Date,
            1114 => Self::Timestamp,
            1184 => Self::TimestampTz,
            2950 => Self::Uuid,
            16 => Self::Bool,
            _ => return None,
        })
    }
}

impl CellCodec for PostgresCells {
    type Wire = CellType;

    fn read<'a>(&self, wire: CellType, bytes: &'a [u8]) -> Option<Value<'a>> {
        let family = Family::of(wire.oid)?;
        if wire.binary {
            return match family {
                Family::Text => std::str::from_utf8(bytes).ok().map(|text| Value::Text(text.into())),
                Family::Uuid => bytes.try_into().ok().map(Value::Uuid),
                Family::Date => bytes.try_into().ok().and_then(|days| date_of(i64::from(i32::from_be_bytes(days)))),
                Family::Timestamp | Family::TimestampTz => {
                    let micros = bytes.try_into().ok().map(i64::from_be_bytes);
                    micros.and_then(|micros| date_of(micros.div_euclid(DAY_MICROS)))
                }
                Family::Json | Family::Jsonb | Family::Number | Family::Bool => None,
            };
        }
        let text = std::str::from_utf8(bytes).ok()?;
        match family {
            Family::Text => Some(Value::Text(text.into())),
            Family::Number => Some(Value::Number(text.into())),
            Family::Date => iso_date(text),
            Family::Timestamp | Family::TimestampTz => iso_date(text.split_once(' ')?.0),
            Family::Uuid => read_uuid(text).map(Value::Uuid),
            Family::Bool | Family::Json | Family::Jsonb => None,
        }
    }

    fn write(&self, wire: CellType, value: &Value<'_>, out: &mut Vec<u8>) -> bool {
        let Some(family) = Family::of(wire.oid) else { return false };
        let text: Cow<'_, str> = match (family, value) {
            (Family::Text, Value::Text(text)) => Cow::Borrowed(text),
            (Family::Json, Value::Text(text)) => quoted(text).into(),
            (Family::Jsonb, Value::Text(text)) => {
                if wire.binary {
                    out.push(1); // jsonb's version
                }
                quoted(text).into()
            }
            (Family::Uuid, Value::Uuid(id)) if wire.binary => {
                out.extend_from_slice(id);
                return true;
            }
            (_, Value::Date { year, month, day }) if wire.binary => {
                let Some(days) = days_to(*year, *month, *day) else { return false };
                match family {
                    Family::Date => out.extend_from_slice(&days.to_be_bytes()),
                    Family::Timestamp | Family::TimestampTz => {
                        out.extend_from_slice(&i64::from(days).saturating_mul(DAY_MICROS).to_be_bytes());
                    }
                    _ => return false,
                }
                return true;
            }
            _ if wire.binary => return false,
            (Family::Uuid, Value::Uuid(id)) => write_uuid(id).into(),
            (Family::Number, Value::Number(text)) => Cow::Borrowed(text),
            (Family::Date, Value::Date { year, month, day }) => match date(*year, *month, *day) {
                Some(text) => text.into(),
                None => return false,
            },
            (Family::Timestamp | Family::TimestampTz, Value::Date { year, month, day }) => {
                let zone = if family == Family::TimestampTz { "+00" } else { "" };
                match date(*year, *month, *day) {
                    Some(text) => format!("{text} 00:00:00{zone}").into(),
                    None => return false,
                }
            }
            _ => return false,
        };
        out.extend_from_slice(text.as_bytes());
        true
    }
}

/// A date as `DateStyle` ISO writes it; other styles, dates before our era and infinity are not read.
fn iso_date(text: &str) -> Option<Value<'static>> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let digits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        (lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok()).flatten()
    };
    let (year, month, day) = (digits(year, 4..=7)?, digits(month, 2..=2)?, digits(day, 2..=2)?);
    Some(Value::Date {
        year,
        month: u8::try_from(month).ok().filter(|month| (1..=12).contains(month))?,
        day: u8::try_from(day).ok().filter(|day| (1..=31).contains(day))?,
    })
}

/// Microseconds of a day: what timestamps count in, from [`epoch`] on.
const DAY_MICROS: i64 = 86_400_000_000;

/// The day from which dates are counted in binary.
fn epoch() -> jiff::civil::Date {
    jiff::civil::Date::constant(2000, 1, 1)
}

/// The date so many days from the epoch; not those before our era, as in text, and not infinity.
fn date_of(days: i64) -> Option<Value<'static>> {
    let date = epoch().checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    let year = i32::from(date.year());
    let (month, day) = (u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?);
    (year > 0).then_some(Value::Date { year, month, day })
}

/// How many days from the epoch a date is.
fn days_to(year: i32, month: u8, day: u8) -> Option<i32> {
    let part = |part: u8| i8::try_from(part).ok();
    let date = jiff::civil::Date::new(i16::try_from(year).ok()?, part(month)?, part(day)?).ok()?;
    Some(epoch().until(date).ok()?.get_days())
}

fn date(year: i32, month: u8, day: u8) -> Option<String> {
    (year > 0).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn read_uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u32> = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let mut id = [0_u8; 16];
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    if pairs.len() != id.len() {
        return None;
    }
    for (byte, [high, low]) in id.iter_mut().zip(pairs) {
        *byte = u8::try_from((high << 4) | low).ok()?;
    }
    Some(id)
}

fn write_uuid(id: &[u8; 16]) -> String {
    id.iter().enumerate().fold(String::with_capacity(36), |mut text, (at, byte)| {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
        text
    })
}

/// A JSON string. What is written here is Weir's own: masks and tokens without anything to escape, or a masked part.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: CellType = CellType { oid: 25, binary: false };
    const DATE: CellType = CellType { oid: 1082, binary: false };
    const UUID: CellType = CellType { oid: 2950, binary: false };

    fn write(wire: CellType, value: &Value<'_>) -> Option<String> {
        let mut out = Vec::new();
        PostgresCells.write(wire, value, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn dates_are_read_in_iso_style_only() {
        assert_eq!(PostgresCells.read(DATE, b"1984-07-09"), Some(Value::Date { year: 1984, month: 7, day: 9 }));
        for other in ["07/09/1984", "09.07.1984", "infinity", "0044-03-15 BC", "1984-13-01", "1984-07", "-984-07-09"] {
            assert_eq!(PostgresCells.read(DATE, other.as_bytes()), None, "{other}");
        }
        let year = Value::Date { year: 1984, month: 1, day: 1 };
        assert_eq!(write(DATE, &year).as_deref(), Some("1984-01-01"));
        assert_eq!(write(CellType { oid: 1184, binary: false }, &year).as_deref(), Some("1984-01-01 00:00:00+00"));
    }

    #[test]
    fn uuids_go_both_ways_in_both_formats() {
        let text = "0f8fad5b-d9cb-469f-a165-70867728950e";
        let Some(Value::Uuid(id)) = PostgresCells.read(UUID, text.as_bytes()) else { panic!("not read") };
        assert_eq!(write(UUID, &Value::Uuid(id)).as_deref(), Some(text));
        assert_eq!(PostgresCells.read(CellType { oid: 2950, binary: true }, &id), Some(Value::Uuid(id)));
        for bad in ["", "0f8fad5b", "zf8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950ef"] {
            assert_eq!(PostgresCells.read(UUID, bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_type_without_a_rule_takes_nothing() {
        for oid in [17, 142, 600, 1009, 3904, 99_999] {
            for binary in [false, true] {
                assert_eq!(write(CellType { oid, binary }, &Value::Text("[redacted]".into())), None);
            }
        }
        assert_eq!(write(CellType { oid: 23, binary: false }, &Value::Text("[redacted]".into())), None);
        assert_eq!(
            write(CellType { oid: 114, binary: false }, &Value::Text("a\"b".into())).as_deref(),
            Some("\"a\\\"b\"")
        );
        assert_eq!(write(TEXT, &Value::Text("x".into())).as_deref(), Some("x"));
    }

    #[test]
    fn dates_go_both_ways_in_binary() {
        let read = |oid: u32, bytes: &[u8]| match PostgresCells.read(CellType { oid, binary: true }, bytes) {
            Some(Value::Date { year, month, day }) => Some(Value::Date { year, month, day }),
            _ => None,
        };
        let day = |days: i32| read(1082, &days.to_be_bytes());
        let moment = |micros: i64| read(1184, &micros.to_be_bytes());
        let date = |year, month, day| Some(Value::Date { year, month, day });
        for (days, wanted) in [
            (0, date(2000, 1, 1)),
            (-1, date(1999, 12, 31)),
            (59, date(2000, 2, 29)),
            (-5655, date(1984, 7, 8)),
            (-730_119, date(1, 1, 1)),
            (-730_120, None),
            (i32::MAX, None),
            (i32::MIN, None),
        ] {
            assert_eq!(day(days), wanted, "{days}");
            let micros = i64::from(days).saturating_mul(DAY_MICROS);
            assert_eq!(
                (moment(micros), moment(micros.saturating_add(DAY_MICROS - 1))),
                (wanted.clone(), wanted.clone())
            );
            let Some(value) = wanted else { continue };
            for (oid, written) in [(1082, days.to_be_bytes().to_vec()), (1114, micros.to_be_bytes().to_vec())] {
                let mut out = Vec::new();
                assert!(PostgresCells.write(CellType { oid, binary: true }, &value, &mut out));
                assert_eq!(out, written, "{days}");
            }
        }
        assert_eq!((moment(i64::MAX), moment(i64::MIN)), (None, None));
        assert_eq!(PostgresCells.read(CellType { oid: 1082, binary: true }, b"1984-07-09"), None);
    }

    #[test]
    fn jsonb_in_binary_keeps_its_version() {
        let mut out = Vec::new();
        assert!(PostgresCells.write(CellType { oid: 3802, binary: true }, &Value::Text("m".into()), &mut out));
        assert_eq!(out, b"\x01\"m\"");
    }
}
