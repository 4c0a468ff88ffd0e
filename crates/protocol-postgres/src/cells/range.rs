//! Ranges and multiranges, shown by their bounds.
//!
//! A range whose bounds are not both shown, or are not in order any more, is not shown at all; nor is one without bounds, which
//! is all that there is to know of it. An endless side stays endless.

use std::borrow::Cow;

use model::Value;
use redact::{CellCodec, Shown};

use super::{CellType, Part, PostgresCells, write_part};
use crate::wire::Fields;

const EMPTY: u8 = 0x01;
const LOWER_INCLUSIVE: u8 = 0x02;
const UPPER_INCLUSIVE: u8 = 0x04;
const LOWER_ENDLESS: u8 = 0x08;
const UPPER_ENDLESS: u8 = 0x10;

/// A range that is not empty; a side without a bound is endless.
struct Range<'a> {
    lower: Option<Cow<'a, [u8]>>,
    upper: Option<Cow<'a, [u8]>>,
    with_lower: bool,
    with_upper: bool,
}

/// Appends a range with its bounds, which are of this type, shown.
pub(super) fn rewrite(bound: CellType, bytes: &[u8], part: &mut Part<'_>, out: &mut Vec<u8>) -> Option<()> {
    if bound.binary {
        return read_binary(bytes)?.show(bound, part)?.write_binary(out);
    }
    let (range, rest) = read_text(std::str::from_utf8(bytes).ok()?)?;
    rest.is_empty().then_some(())?;
    range.show(bound, part)?.write_text(out);
    Some(())
}

/// Appends a multirange with the bounds of each of its ranges shown.
pub(super) fn rewrite_all(bound: CellType, bytes: &[u8], part: &mut Part<'_>, out: &mut Vec<u8>) -> Option<()> {
    if bound.binary {
        let mut fields = Fields::of("multirange", bytes);
        let count = fields.int32().ok().filter(|count| *count > 0)?;
        out.extend_from_slice(&count.to_be_bytes());
        for _ in 0..count {
            let mut range = Vec::new();
            rewrite(bound, fields.value().ok()??, part, &mut range)?;
            write_part(Shown::Written, &range, out)?;
        }
        return fields.end().ok();
    }
    let mut rest = std::str::from_utf8(bytes).ok()?.strip_prefix('{')?;
    let mut between = b'{';
    loop {
        out.push(between);
        between = b',';
        let (range, after) = read_text(rest)?;
        range.show(bound, part)?.write_text(out);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => {
                out.push(b'}');
                return (after == "}").then_some(());
            }
        }
    }
}

impl Range<'_> {
    /// The same with its bounds shown.
    fn show(&self, bound: CellType, part: &mut Part<'_>) -> Option<Range<'static>> {
        let mut shown = |side: &Option<Cow<'_, [u8]>>| -> Option<Option<Cow<'static, [u8]>>> {
            let Some(cell) = side else { return Some(None) };
            let mut out = Vec::new();
            (part(bound, cell, &mut out) == Shown::Written).then_some(Some(Cow::Owned(out)))
        };
        let (lower, upper) = (shown(&self.lower)?, shown(&self.upper)?);
        match (&lower, &upper) {
            (None, None) => return None,
            (Some(lower), Some(upper)) => {
                let (one, other) = (PostgresCells.read(bound, lower)?, PostgresCells.read(bound, upper)?);
                let is_point = one == other && self.with_lower && self.with_upper;
                (is_point || is_before(&one, &other)).then_some(())?;
            }
            _ => {}
        }
        Some(Range { lower, upper, with_lower: self.with_lower, with_upper: self.with_upper })
    }

    fn write_binary(&self, out: &mut Vec<u8>) -> Option<()> {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        out.push(
            flag(self.with_lower, LOWER_INCLUSIVE)
                | flag(self.with_upper, UPPER_INCLUSIVE)
                | flag(self.lower.is_none(), LOWER_ENDLESS)
                | flag(self.upper.is_none(), UPPER_ENDLESS),
        );
        for bound in [&self.lower, &self.upper].into_iter().flatten() {
            write_part(Shown::Written, bound, out)?;
        }
        Some(())
    }

    fn write_text(&self, out: &mut Vec<u8>) {
        out.push(if self.with_lower { b'[' } else { b'(' });
        write_bound(self.lower.as_deref(), out);
        out.push(b',');
        write_bound(self.upper.as_deref(), out);
        out.push(if self.with_upper { b']' } else { b')' });
    }
}

/// Whether one bound is surely before another.
fn is_before(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.parse::<f64>(), other.parse::<f64>()) {
            (Ok(one), Ok(other)) => one < other,
            _ => false,
        },
        (Value::Date { year, month, day }, Value::Date { year: other_year, month: other_month, day: other_day }) => {
            (year, month, day) < (other_year, other_month, other_day)
        }
        _ => false,
    }
}

/// Gives the bounds of a range in binary as the server takes it, which heeds no other flags.
pub(super) fn each_bound(bytes: &[u8], bound: &mut dyn FnMut(&[u8])) -> Option<()> {
    let mut fields = Fields::of("range", bytes);
    let flags = fields.byte().ok()?;
    for endless in [LOWER_ENDLESS, UPPER_ENDLESS] {
        if flags & (EMPTY | endless) == 0 {
            bound(fields.value().ok()??);
        }
    }
    fields.end().ok()
}

/// The same of each range of a multirange.
pub(super) fn each_bound_of_all(bytes: &[u8], bound: &mut dyn FnMut(&[u8])) -> Option<()> {
    let mut fields = Fields::of("multirange", bytes);
    for _ in 0..fields.int32().ok().filter(|count| *count >= 0)? {
        each_bound(fields.value().ok()??, bound)?;
    }
    fields.end().ok()
}

/// A byte of flags, then the bounds that there are. An empty range has a flag of its own, which is not known here.
fn read_binary(bytes: &[u8]) -> Option<Range<'_>> {
    let mut fields = Fields::of("range", bytes);
    let flags = fields.byte().ok()?;
    let has = |flag: u8| flags & flag != 0;
    if flags & !(LOWER_INCLUSIVE | UPPER_INCLUSIVE | LOWER_ENDLESS | UPPER_ENDLESS) != 0 {
        return None;
    }
    let mut side = |endless: bool| -> Option<Option<Cow<'_, [u8]>>> {
        if endless { Some(None) } else { Some(Some(Cow::Borrowed(fields.value().ok()??))) }
    };
    let (lower, upper) = (side(has(LOWER_ENDLESS))?, side(has(UPPER_ENDLESS))?);
    fields.end().ok()?;
    Some(Range { lower, upper, with_lower: has(LOWER_INCLUSIVE), with_upper: has(UPPER_INCLUSIVE) })
}

/// The range that a text begins with, and what follows it: `[1,10)`, `("2020-01-01 00:00:00",)`.
fn read_text(text: &str) -> Option<(Range<'_>, &str)> {
    let with_lower = text.starts_with('[');
    let rest = text.strip_prefix(['[', '('])?;
    let (lower, rest) = read_bound(rest)?;
    let (upper, rest) = read_bound(rest.strip_prefix(',')?)?;
    let with_upper = rest.starts_with(']');
    Some((Range { lower, upper, with_lower, with_upper }, rest.strip_prefix([']', ')'])?))
}

/// A bound, in quotes or not; none if there is nothing. What would need an escape is no bound of a type that is known here.
fn read_bound(text: &str) -> Option<(Option<Cow<'_, [u8]>>, &str)> {
    let (bound, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => text.split_at_checked(text.find([',', ']', ')'])?)?,
    };
    let is_plain = !bound.contains(['"', '\\', '(', '[', '{']) && !text.starts_with("\"\"");
    let bound = (!bound.is_empty()).then_some(Cow::Borrowed(bound.as_bytes()));
    is_plain.then_some((bound, rest))
}

/// Moments have a space in them, and so are in quotes.
fn write_bound(bound: Option<&[u8]>, out: &mut Vec<u8>) {
    let bound = bound.unwrap_or_default();
    let quote: &[u8] = if bound.contains(&b' ') { b"\"" } else { b"" };
    out.extend_from_slice(quote);
    out.extend_from_slice(bound);
    out.extend_from_slice(quote);
}
