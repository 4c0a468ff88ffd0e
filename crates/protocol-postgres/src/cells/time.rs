//! Dates and moments. Of both only the date is read, and what is written is the beginning of that day.
//!
//! In text only `DateStyle` ISO is read. Not read in either format: infinity, years before our era, and those after 9999.
//! A `timestamptz` is the date that it is in UTC then, whatever zone the session writes it in, as in binary.

use jiff::civil::Date;
use model::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeKind {
    Date,
    Timestamp,
    TimestampTz,
}

const DAY_SECONDS: i64 = 86_400;
/// Microseconds of a day: what timestamps count in, from [`EPOCH`] on.
const DAY_MICROS: i64 = DAY_SECONDS * 1_000_000;
/// The day from which dates are counted in binary.
const EPOCH: Date = Date::constant(2000, 1, 1);

pub(super) fn read(kind: TimeKind, binary: bool, bytes: &[u8]) -> Option<Value<'static>> {
    if binary {
        let days = match kind {
            TimeKind::Date => i64::from(i32::from_be_bytes(bytes.try_into().ok()?)),
            TimeKind::Timestamp | TimeKind::TimestampTz => {
                i64::from_be_bytes(bytes.try_into().ok()?).div_euclid(DAY_MICROS)
            }
        };
        return value(days_after(EPOCH, days)?);
    }
    let text = std::str::from_utf8(bytes).ok()?;
    if kind == TimeKind::Date {
        return value(iso_date(text)?);
    }
    let (day, time) = text.split_once(' ')?;
    let day = iso_date(day)?;
    if kind == TimeKind::Timestamp {
        iso_time(time)?;
        return value(day);
    }
    let zone_at = time.find(['+', '-'])?;
    let (time, zone) = time.split_at_checked(zone_at)?;
    let seconds = iso_time(time)?.checked_sub(iso_zone(zone)?)?;
    value(days_after(day, seconds.div_euclid(DAY_SECONDS))?)
}

pub(super) fn write(kind: TimeKind, binary: bool, (year, month, day): (i32, u8, u8), out: &mut Vec<u8>) -> Option<()> {
    let part = |part: u8| i8::try_from(part).ok();
    let date = Date::new(i16::try_from(year).ok()?, part(month)?, part(day)?).ok().filter(|date| date.year() > 0)?;
    if binary {
        let days = EPOCH.until(date).ok()?.get_days();
        match kind {
            TimeKind::Date => out.extend_from_slice(&days.to_be_bytes()),
            TimeKind::Timestamp | TimeKind::TimestampTz => {
                out.extend_from_slice(&i64::from(days).checked_mul(DAY_MICROS)?.to_be_bytes());
            }
        }
        return Some(());
    }
    let time = match kind {
        TimeKind::Date => "",
        TimeKind::Timestamp => " 00:00:00",
        TimeKind::TimestampTz => " 00:00:00+00",
    };
    out.extend_from_slice(format!("{year:04}-{month:02}-{day:02}{time}").as_bytes());
    Some(())
}

/// A moment that is so many microseconds after [`EPOCH`], as the server writes it. `None` of infinity.
pub(super) fn moment(micros: i64) -> Option<String> {
    let moment = EPOCH.at(0, 0, 0, 0).checked_add(jiff::Span::new().try_microseconds(micros).ok()?).ok()?;
    Some(moment.to_string().replace('T', " "))
}

fn value(date: Date) -> Option<Value<'static>> {
    let (month, day) = (u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?);
    (date.year() > 0).then_some(Value::Date { year: date.year().into(), month, day })
}

/// Month and day of a day that is counted from the first of its year.
pub(super) fn day_of_year(year: u32, day: u32) -> Option<(u32, u32)> {
    let first = Date::new(i16::try_from(year).ok()?, 1, 1).ok()?;
    let date = days_after(first, i64::from(day).checked_sub(1)?).filter(|date| date.year() == first.year())?;
    Some((u32::try_from(date.month()).ok()?, u32::try_from(date.day()).ok()?))
}

fn days_after(date: Date, days: i64) -> Option<Date> {
    date.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

/// So many digits, as a number.
fn digits(text: &str, count: usize) -> Option<i16> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn iso_date(text: &str) -> Option<Date> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let two = |text: &str| digits(text, 2).and_then(|number| i8::try_from(number).ok());
    Date::new(digits(year, 4)?, two(month)?, two(day)?).ok()
}

/// Seconds of `12:34:56` or `12:34:56.789`.
fn iso_time(text: &str) -> Option<i64> {
    let (time, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_fraction = (1..=6).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = clock(time).filter(|_| is_fraction && time.len() == 8)?;
    (seconds <= DAY_SECONDS).then_some(seconds)
}

/// Seconds of `+02`, `-03:30` or `+00:53:28`.
fn iso_zone(text: &str) -> Option<i64> {
    match text.split_at_checked(1)? {
        ("+", zone) => clock(zone),
        ("-", zone) => clock(zone)?.checked_neg(),
        _ => None,
    }
}

/// Hours, and maybe minutes and seconds, in seconds.
fn clock(text: &str) -> Option<i64> {
    let mut seconds = 0_i64;
    let mut units = [3600_i64, 60, 1].into_iter();
    for (at, part) in text.split(':').enumerate() {
        let number = i64::from(digits(part, 2)?);
        if number > if at == 0 { 24 } else { 59 } {
            return None;
        }
        seconds = seconds.checked_add(number.checked_mul(units.next()?)?)?;
    }
    Some(seconds)
}
