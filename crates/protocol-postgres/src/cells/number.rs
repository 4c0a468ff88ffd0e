//! Whole numbers, `numeric` and floating point.

use std::borrow::Cow;

use model::Value;

use super::CellType;
use super::taken::Taken;
use crate::wire::Fields;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKind {
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
}

/// Numbers with more digits than this are not read.
const DIGITS_MAX: usize = 1000;
/// What is looked for in values that somebody writes has fewer digits before the point than this, and fewer behind it.
const TAKEN_DIGITS_MAX: usize = 64;

pub(super) fn read(kind: NumberKind, binary: bool, bytes: &[u8]) -> Option<Value<'_>> {
    match kind {
        NumberKind::Float4 | NumberKind::Float8 => read_real(kind, binary, bytes).map(Value::Real),
        NumberKind::Numeric if binary => read_numeric(bytes).map(|number| Value::Number(number.into())),
        NumberKind::Numeric => decimal(std::str::from_utf8(bytes).ok()?).map(Value::Number),
        _ => read_whole(kind, binary, bytes).map(|number| Value::Number(number.to_string().into())),
    }
}

pub(super) fn write(kind: NumberKind, wire: CellType, value: &Value<'_>, out: &mut Vec<u8>) -> Option<()> {
    match (kind, value) {
        (NumberKind::Float4 | NumberKind::Float8, Value::Real(number)) => write_real(kind, wire.binary, *number, out),
        (NumberKind::Numeric, Value::Number(number)) => {
            let number = decimal(number)?;
            fits(&number, wire.modifier).then_some(())?;
            if wire.binary {
                return write_numeric(&number, out);
            }
            out.extend_from_slice(number.as_bytes());
            Some(())
        }
        (_, Value::Number(number)) => write_whole(kind, wire.binary, number.parse().ok()?, out),
        _ => None,
    }
}

fn read_whole(kind: NumberKind, binary: bool, bytes: &[u8]) -> Option<i64> {
    if binary {
        return match kind {
            NumberKind::Int2 => bytes.try_into().ok().map(|bytes| i16::from_be_bytes(bytes).into()),
            NumberKind::Int4 => bytes.try_into().ok().map(|bytes| i32::from_be_bytes(bytes).into()),
            NumberKind::Oid => bytes.try_into().ok().map(|bytes| u32::from_be_bytes(bytes).into()),
            NumberKind::Int8 => bytes.try_into().ok().map(i64::from_be_bytes),
            NumberKind::Float4 | NumberKind::Float8 | NumberKind::Numeric => None,
        };
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// What is beyond the type's range is not written.
fn write_whole(kind: NumberKind, binary: bool, number: i64, out: &mut Vec<u8>) -> Option<()> {
    let (two, four, unsigned) = (i16::try_from(number), i32::try_from(number), u32::try_from(number));
    match kind {
        NumberKind::Int2 if binary => out.extend_from_slice(&two.ok()?.to_be_bytes()),
        NumberKind::Int4 if binary => out.extend_from_slice(&four.ok()?.to_be_bytes()),
        NumberKind::Oid if binary => out.extend_from_slice(&unsigned.ok()?.to_be_bytes()),
        NumberKind::Int8 if binary => out.extend_from_slice(&number.to_be_bytes()),
        NumberKind::Float4 | NumberKind::Float8 | NumberKind::Numeric => return None,
        NumberKind::Int2 if two.is_err() => return None,
        NumberKind::Int4 if four.is_err() => return None,
        NumberKind::Oid if unsigned.is_err() => return None,
        _ => out.extend_from_slice(number.to_string().as_bytes()),
    }
    Some(())
}

/// Not infinity, and not what is no number. A `float4` is read by its shortest writing, as in text.
fn read_real(kind: NumberKind, binary: bool, bytes: &[u8]) -> Option<f64> {
    let number: f64 = match (kind, binary) {
        (NumberKind::Float4, true) => f32::from_be_bytes(bytes.try_into().ok()?).to_string().parse().ok()?,
        (_, true) => f64::from_be_bytes(bytes.try_into().ok()?),
        (_, false) => std::str::from_utf8(bytes).ok()?.parse().ok()?,
    };
    number.is_finite().then_some(number)
}

fn write_real(kind: NumberKind, binary: bool, number: f64, out: &mut Vec<u8>) -> Option<()> {
    let written = format!("{number:e}");
    let short: f32 = written.parse().ok()?;
    if !number.is_finite() || (kind == NumberKind::Float4 && !short.is_finite()) {
        return None;
    }
    match (kind, binary) {
        (NumberKind::Float4, true) => out.extend_from_slice(&short.to_be_bytes()),
        (_, true) => out.extend_from_slice(&number.to_be_bytes()),
        (_, false) if (1e-5..1e15).contains(&number.abs()) || number == 0.0 => {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        (_, false) => out.extend_from_slice(written.as_bytes()),
    }
    Some(())
}

/// The decimal writing of a number that may have an exponent, as in JSON; not of NaN and infinity.
pub(super) fn decimal(text: &str) -> Option<Cow<'_, str>> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i16>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || digits.ends_with('.')
        || digits.len() > DIGITS_MAX
        || !are_digits(whole)
        || !are_digits(fraction)
    {
        return None;
    }
    let shift = usize::from(exponent.unsigned_abs());
    if shift == 0 {
        return Some(Cow::Borrowed(number));
    }
    if shift.saturating_add(digits.len()) > DIGITS_MAX {
        return None;
    }
    // The point moves by so many digits; where there are none, zeros are.
    let (from, to) = if exponent > 0 { (fraction, whole) } else { (whole, fraction) };
    let zeros = "0".repeat(shift.saturating_sub(from.len()));
    Some(Cow::Owned(if exponent > 0 {
        let moved = from.get(..shift).unwrap_or(from);
        let rest = from.get(shift..).filter(|rest| !rest.is_empty()).map_or(String::new(), |rest| format!(".{rest}"));
        format!("{sign}{to}{moved}{zeros}{rest}")
    } else {
        let at = from.len().saturating_sub(shift);
        let (rest, moved) = (from.get(..at)?, from.get(at..)?);
        format!("{sign}{}.{zeros}{moved}{to}", if rest.is_empty() { "0" } else { rest })
    }))
}

/// A number as the server takes it from who writes it, in the writing in which it gives it back: `0x1F`, `1_000`, `+.5e3`. What has more digits
/// than are looked for says nothing, nor does what is no number to the server either (`NaN`).
pub(super) fn taken(text: &[u8]) -> Taken<String> {
    let (sign, text) = match trimmed(text) {
        [b'-', digits @ ..] => ("-", digits),
        [b'+', digits @ ..] => ("", digits),
        digits => ("", digits),
    };
    let is_nan = || text.get(..3).is_some_and(|name| name.eq_ignore_ascii_case(b"nan"));
    if !text.iter().any(u8::is_ascii_digit) || is_nan() {
        return Taken::Nothing;
    }
    let read = match text {
        [b'0', b'x' | b'X', digits @ ..] => taken_in(16, digits).or_else(|| taken_binary(digits)),
        [b'0', b'o' | b'O', digits @ ..] => taken_in(8, digits),
        [b'0', b'b' | b'B', digits @ ..] => taken_in(2, digits),
        digits => taken_decimal(digits),
    };
    match read {
        Some(number) if number.is_empty() => Taken::Nothing,
        Some(number) => Taken::Is(format!("{sign}{number}")),
        None => Taken::Unread,
    }
}

/// Without what is a blank to the server.
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    let is_said = |byte: &u8| !matches!(byte, b' ' | 9..=13);
    let begin = text.iter().position(is_said).unwrap_or(text.len());
    let end = text.iter().rposition(is_said).map_or(begin, |at| at.saturating_add(1));
    text.get(begin..end).unwrap_or_default()
}

/// Digits, with `_` between them.
fn digits_of(text: &[u8]) -> Option<Vec<u8>> {
    let are_digits = text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_');
    are_digits.then(|| text.iter().copied().filter(|byte| *byte != b'_').collect())
}

/// A whole number without a sign.
fn taken_in(radix: u32, digits: &[u8]) -> Option<String> {
    let digits: String = digits.iter().copied().filter(|byte| *byte != b'_').map(char::from).collect();
    u128::from_str_radix(&digits, radix).ok().filter(|_| !digits.starts_with('+')).map(|number| number.to_string())
}

/// A decimal number without a sign; empty if it has more digits before the point than are looked for.
fn taken_decimal(text: &[u8]) -> Option<String> {
    let exponent_at = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let (number, exponent) = text.split_at_checked(exponent_at)?;
    let point_at = number.iter().position(|byte| *byte == b'.').unwrap_or(number.len());
    let (whole, fraction) = number.split_at_checked(point_at)?;
    let (whole, fraction) = (digits_of(whole)?, digits_of(fraction.get(1..).unwrap_or_default())?);
    let shift = if exponent.is_empty() { 0 } else { exponent_of(exponent.get(1..)?)? };
    // So many digits stand before the point.
    let places = i64::try_from(whole.len()).ok()?.saturating_add(shift);
    let digits = [whole, fraction].concat();
    if digits.is_empty() {
        return None;
    }
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let digits = digits.get(zeros..)?;
    let places = places.saturating_sub(i64::try_from(zeros).ok()?);
    let before = usize::try_from(places).unwrap_or(0);
    if !digits.is_empty() && before > TAKEN_DIGITS_MAX {
        return Some(String::new());
    }
    let zeros_behind = usize::try_from(places.saturating_neg()).unwrap_or(0);
    let (whole, fraction) = digits.split_at(before.min(digits.len()));
    let all_zeros = |count: usize| std::iter::repeat_n('0', count.min(TAKEN_DIGITS_MAX));
    let mut written: String = whole.iter().copied().map(char::from).collect();
    if !digits.is_empty() {
        written.extend(all_zeros(before.saturating_sub(whole.len())));
    }
    if written.is_empty() {
        written.push('0');
    }
    let fraction: String =
        all_zeros(zeros_behind).chain(fraction.iter().copied().map(char::from)).take(TAKEN_DIGITS_MAX).collect();
    if !fraction.is_empty() && !digits.is_empty() {
        written.push('.');
        written.push_str(&fraction);
    }
    Some(written)
}

/// What stands behind the `e`. What is beyond all numbers is as far beyond as can be said.
fn exponent_of(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digits = digits_of(digits).filter(|digits| !digits.is_empty())?;
    let number = digits
        .iter()
        .fold(0_i64, |number, digit| number.saturating_mul(10).saturating_add(i64::from(digit.saturating_sub(b'0'))));
    Some(if is_negative { number.saturating_neg() } else { number })
}

/// A floating point number as C writes it without loss: `0x1.8p3`, here without the `0x`.
fn taken_binary(text: &[u8]) -> Option<String> {
    let power_at = text.iter().position(|byte| matches!(byte, b'p' | b'P')).unwrap_or(text.len());
    let (number, power) = text.split_at_checked(power_at)?;
    let power = if power.is_empty() { 0 } else { exponent_of(power.get(1..)?)? };
    let point_at = number.iter().position(|byte| *byte == b'.').unwrap_or(number.len());
    let (whole, fraction) = number.split_at_checked(point_at)?;
    let fraction = fraction.get(1..).unwrap_or_default();
    let digits: String = whole.iter().chain(fraction).copied().map(char::from).collect();
    let digits = Some(digits.trim_start_matches('0')).filter(|_| !digits.is_empty())?;
    // More digits than these are beyond what such a number keeps.
    let (kept, cut) = digits.split_at_checked(digits.len().min(32))?;
    if !cut.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let kept = if kept.is_empty() { 0 } else { u128::from_str_radix(kept, 16).ok()? };
    let places = i64::try_from(cut.len()).ok()?.saturating_sub(i64::try_from(fraction.len()).ok()?);
    let power = places.saturating_mul(4).saturating_add(power).clamp(-2000, 2000);
    let number = kept.to_string().parse::<f64>().ok()? * 2_f64.powi(i32::try_from(power).ok()?);
    if number.is_finite() { taken_decimal(number.to_string().as_bytes()) } else { Some(String::new()) }
}

/// What a number may be once it is stored: it itself, and as a whole number where it is none.
pub(super) fn stored(number: String) -> impl Iterator<Item = String> {
    let whole = number.split_once('.').map(|(whole, fraction)| {
        let rounded = whole.parse::<i128>().ok().filter(|_| fraction.starts_with(['5', '6', '7', '8', '9']));
        let away = rounded.map(|whole| whole.saturating_add(if number.starts_with('-') { -1 } else { 1 }).to_string());
        [Some(whole.to_owned()), away]
    });
    let whole: Vec<String> = whole.into_iter().flatten().flatten().collect();
    std::iter::once(number).chain(whole)
}

/// What else the number of a type may be once it is stored: the nearest that there is, and what a negative number is that has no sign.
pub(super) fn kept(kind: NumberKind, number: &str) -> Option<String> {
    match kind {
        NumberKind::Float4 => number.parse::<f32>().ok().filter(|near| near.is_finite()).map(|near| near.to_string()),
        NumberKind::Float8 => number.parse::<f64>().ok().filter(|near| near.is_finite()).map(|near| near.to_string()),
        NumberKind::Oid => {
            number.parse::<i32>().ok().filter(|number| *number < 0).map(|number| number.cast_unsigned().to_string())
        }
        NumberKind::Int2 | NumberKind::Int4 | NumberKind::Int8 | NumberKind::Numeric => None,
    }
}

/// Whether a number fits into a `numeric(precision, scale)` without being rounded.
fn fits(number: &str, modifier: i32) -> bool {
    let Some(packed) = modifier.checked_sub(4).filter(|packed| *packed >= 0) else { return true };
    // The scale is a number of eleven bits with a sign.
    let (precision, scale) = (packed >> 16, ((packed & 0x7ff) ^ 1024).saturating_sub(1024));
    let digits = number.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let length = |part: &str| i32::try_from(part.len()).unwrap_or(i32::MAX);
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let zeros = length(whole).saturating_sub(length(whole.trim_end_matches('0')));
    let last = if fraction.is_empty() { zeros.saturating_neg() } else { length(fraction) };
    // Where the first digit stands that is not zero: so many places before the point, or behind it.
    let first = match length(whole) {
        0 => length(fraction.trim_start_matches('0')).saturating_sub(length(fraction)),
        places => places,
    };
    let is_zero = whole.is_empty() && fraction.is_empty();
    is_zero || (first <= precision.saturating_sub(scale) && last <= scale)
}

const NEGATIVE: i16 = 0x4000;

/// Whether a `numeric` is infinity or no number: it has no digits.
pub(super) fn is_special(binary: bool, cell: &[u8]) -> bool {
    match cell {
        [_, _, _, _, 0xc0 | 0xd0 | 0xf0, 0, _, _] if binary => true,
        _ => !binary && cell.len() <= "-Infinity".len() && !cell.iter().any(u8::is_ascii_digit),
    }
}

/// A `numeric` in binary: how many groups of four digits, how many of them (less one) stand before the point, sign, how many
/// digits are shown behind the point, the groups. NaN and infinity are signs of their own.
struct Groups {
    weight: i16,
    negative: bool,
    scale: usize,
    groups: Vec<i16>,
}

impl Groups {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::of("numeric", bytes);
        let count = fields.count().ok()?;
        let (weight, sign, scale) = (fields.int16().ok()?, fields.int16().ok()?, fields.count().ok()?);
        if sign != 0 && sign != NEGATIVE {
            return None;
        }
        let mut groups = Vec::with_capacity(count.min(DIGITS_MAX));
        for _ in 0..count {
            groups.push(fields.int16().ok().filter(|group| (0..10_000).contains(group))?);
        }
        fields.end().ok()?;
        Some(Self { weight, negative: sign == NEGATIVE, scale, groups })
    }

    /// It is written with so many digits behind the point; `None` if it is too long, and what stands behind those.
    fn write(&self, scale: usize) -> Option<(String, String)> {
        let groups_before = usize::try_from(i32::from(self.weight).saturating_add(1)).unwrap_or(0);
        let zero_groups = usize::try_from(i32::from(self.weight).saturating_add(1).saturating_neg()).unwrap_or(0);
        if groups_before.saturating_mul(4).saturating_add(scale) > DIGITS_MAX {
            return None;
        }
        let written = |groups: &[i16]| groups.iter().map(|group| format!("{group:04}")).collect::<String>();
        let (before, behind) = self.groups.split_at(groups_before.min(self.groups.len()));
        let missing = groups_before.saturating_sub(before.len());
        let whole = written(before) + &"0000".repeat(missing);
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        let mut fraction = "0000".repeat(zero_groups.min(DIGITS_MAX)) + &written(behind);
        let rest = fraction.split_off(scale.min(fraction.len()));
        fraction.push_str(&"0".repeat(scale.saturating_sub(fraction.len())));
        let sign = if self.negative { "-" } else { "" };
        let number = if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
        Some((number, rest))
    }
}

fn read_numeric(bytes: &[u8]) -> Option<String> {
    let groups = Groups::read(bytes)?;
    let (number, rest) = groups.write(groups.scale)?;
    // Digits that are there and not shown are none that the server writes.
    rest.bytes().all(|digit| digit == b'0').then_some(number)
}

/// A `numeric` in binary as the server takes it, which cuts off what is not shown; with no more digits behind the point than can matter.
pub(super) fn taken_numeric(bytes: &[u8]) -> Option<String> {
    let groups = Groups::read(bytes)?;
    groups.write(groups.scale.min(TAKEN_DIGITS_MAX)).map(|(number, _)| number)
}

fn write_numeric(number: &str, out: &mut Vec<u8>) -> Option<()> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => (NEGATIVE, digits),
        None => (0, number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let before = whole.len().div_ceil(4);
    let zeros = |count: usize| std::iter::repeat_n(b'0', count);
    let padded: Vec<u8> = zeros(before.saturating_mul(4).saturating_sub(whole.len()))
        .chain(whole.bytes())
        .chain(fraction.bytes())
        .chain(zeros(fraction.len().next_multiple_of(4).saturating_sub(fraction.len())))
        .collect();
    let (chunks, []) = padded.as_chunks::<4>() else { return None };
    let all: Vec<u16> =
        chunks.iter().map(|four| std::str::from_utf8(four).ok()?.parse().ok()).collect::<Option<_>>()?;
    // Groups of zeros before and behind are not sent.
    let first = all.iter().position(|group| *group != 0).unwrap_or(all.len());
    let end = all.iter().rposition(|group| *group != 0).map_or(first, |at| at.saturating_add(1));
    let groups = all.get(first..end)?;
    let weight = i16::try_from(before).ok()?.checked_sub(i16::try_from(first).ok()?)?.checked_sub(1)?;
    let (weight, sign) = if groups.is_empty() { (0, 0) } else { (weight, sign) };
    for head in [i16::try_from(groups.len()).ok()?, weight, sign, i16::try_from(fraction.len()).ok()?] {
        out.extend_from_slice(&head.to_be_bytes());
    }
    groups.iter().for_each(|group| out.extend_from_slice(&group.to_be_bytes()));
    Some(())
}
