//! What a value says on its way in: as the server takes it for its type, and not only as it is spelled.
//!
//! What the server writes has one spelling; what it takes has many, all of which it keeps as the same value: `\u0034` in a document, `0x1F` for a
//! number, blanks in a `bytea`, backslashes in an array, `840302` for a date. Nothing is found here, and nothing refused.
//!
//! To look at something takes time however short it is: what there may be many of is looked at together, one a line.

use memchr::memchr2;
use memchr::memmem::find_iter;
use model::Value;
use redact::{CELL_DEPTH_MAX, CellCodec, Shown};

use super::elements::{each_element, without_bounds};
use super::family::Family;
use super::json::{JSONB_VERSION, Token, inner, taken, tokens_of};
use super::number::NumberKind;
use super::says::{array_of, is_row, write_out};
use super::search::Manner;
use super::{CellType, PostgresCells, array, bytes, day, net, number, range, record};

/// How often backslashes are taken away: each array or row that is within another one doubles them.
const LEVELS_MAX: usize = 16;
/// So many elements are looked at by themselves: what is all that there is may be more than what is not.
const ALONE_MAX: usize = 16;
/// What is looked at together is about as long as this.
const LINES_BYTES: usize = 64 * 1024;
/// Numbers in a document that are longer than this are not looked at under their names.
const NAMED_DIGITS_MAX: usize = 24;
/// A number of 64 bits has fewer digits in octal, but for zeros before it.
const OCTAL_DIGITS_MAX: usize = 64;
/// A string in a document that is longer than this is none that becomes a number or a date.
const STRING_BYTES_MAX: usize = 64;
/// What is longer than this is no date.
const DATE_BYTES_MAX: usize = 64;

/// `money`, and arrays of it.
const MONEY: u32 = 790;
const MONEY_ARRAY: u32 = 791;
/// `xid`, `cid` and `xid8`: numbers as C writes them. And arrays of them.
const XID: u32 = 28;
const CID: u32 = 29;
const XID8: u32 = 5069;
const COUNTERS: [u32; 3] = [XID, CID, XID8];
const XID_ARRAY: u32 = 1011;
const CID_ARRAY: u32 = 1012;
const XID8_ARRAY: u32 = 271;
/// `bit` and `varbit`, which become numbers.
pub const BITS: [u32; 2] = [1560, 1562];
/// So many bits become a number, and no more: of more the first do, once they are cut off.
const BITS_MAX: u32 = 64;
/// Of fewer bits nothing is made that would be found: a number of nine digits has 27, one of eight 24.
const BITS_MIN: u32 = 24;
/// `name`, of which the server keeps no more than so many bytes (`NAMEDATALEN` less one).
pub const NAME: u32 = 19;
pub const NAME_KEPT: usize = 63;
/// Types that hold nothing but a few floating point numbers: `point`, `lseg`, `path`, `box`, `polygon`, `line`, `circle`.
const SHAPES: [u32; 7] = [600, 601, 602, 603, 604, 628, 718];
/// Stands for the type of what a function returned by the fast path, which nobody knows.
pub const RETURNED: u32 = u32::MAX;
/// Types of which a value in binary has so many bytes, and no others.
const INT2: u32 = 21;
const INT4: u32 = 23;
const OID: u32 = 26;
const CIDR: u32 = 650;
const FLOAT4: u32 = 700;
const FLOAT8: u32 = 701;
const MACADDR8: u32 = 774;
const MACADDR: u32 = 829;
const INET: u32 = 869;
const DATE: u32 = 1082;
const TIMESTAMP: u32 = 1114;

/// Something that a value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// What nobody here can read.
    Unread,
}

/// What the server takes a text for.
pub(super) enum Taken<V> {
    /// It is this.
    Is(V),
    /// It says nothing beyond how it is written.
    Nothing,
    /// Nobody here knows.
    Unread,
}

/// Looks at what something says.
type Ask<'a, T> = dyn FnMut(Said<'_>) -> Option<T> + 'a;

/// Gives each of the things that a value says, those of what it holds one by one or a few together, until there is an answer.
pub fn each_said<T>(wire: CellType, value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    match wire.binary {
        true => in_binary(wire, value, 0, ask),
        false => in_text(wire.oid, value, ask),
    }
}

/// The same of a value that stays what it is: bits become no number.
pub fn each_kept<T>(wire: CellType, value: &[u8], ask: &mut dyn FnMut(Said<'_>) -> Option<T>) -> Option<T> {
    if BITS.contains(&wire.oid) { ask(Said::Bytes(value)) } else { each_said(wire, value, ask) }
}

/// Gives the number that is left of bits, in binary or not, of which so many are kept: those that are missing are filled up with zeros.
pub fn each_of_cut_bits<T>(
    binary: bool,
    count: usize,
    value: &[u8],
    ask: &mut dyn FnMut(Said<'_>) -> Option<T>,
) -> Option<T> {
    let bits = if binary { Bits::sent(value) } else { Bits::written(value) }?;
    let number = bits.first(u32::try_from(count).unwrap_or(BITS_MAX));
    ask(Said::Bytes(number.to_string().as_bytes()))
}

/// Asks about much together: the first by themselves, all others one a line. What can't be read is told once, at the end.
fn together<T>(alone: usize, ask: &mut Ask<'_, T>, look: impl FnOnce(&mut Ask<'_, ()>)) -> Option<T> {
    let (mut lines, mut count, mut is_unread, mut answer) = (Vec::new(), 0_usize, false, None);
    look(&mut |said| {
        if answer.is_some() {
            return Some(());
        }
        match said {
            Said::Unread => is_unread = true,
            Said::Bytes(_) if count < alone => {
                count = count.saturating_add(1);
                answer = ask(said);
            }
            Said::Bytes(line) => {
                if !lines.is_empty() {
                    lines.push(b'\n');
                }
                lines.extend_from_slice(line);
                if lines.len() >= LINES_BYTES {
                    answer = ask(Said::Bytes(&lines));
                    lines.clear();
                }
            }
        }
        answer.is_some().then_some(())
    });
    answer
        .or_else(|| if lines.is_empty() { None } else { ask(Said::Bytes(&lines)) })
        .or_else(|| if is_unread { ask(Said::Unread) } else { None })
}

/// In text. Where the type is not known it may be any.
fn in_text<T>(oid: u32, value: &[u8], ask: &mut Ask<'_, T>) -> Option<T> {
    ask(Said::Bytes(value)).or_else(|| beyond(oid, value, 0, ask))
}

/// What a text says beyond how it is written.
fn beyond<T>(oid: u32, value: &[u8], level: usize, ask: &mut Ask<'_, T>) -> Option<T> {
    let has_escapes = || memchr2(b'\\', b'"', value).is_some();
    match (Manner::of(oid, true), Family::of(oid)) {
        (Some(Manner::Text), _) => {
            let mut says = Vec::new();
            let read = value.starts_with(br"\x").then(|| bytes::taken_into(value, &mut says)).flatten();
            let kept = value.get(..NAME_KEPT).filter(|kept| oid == NAME && kept.len() < value.len());
            read.and_then(|()| ask(Said::Bytes(&says))).or_else(|| kept.and_then(|kept| ask(Said::Bytes(kept))))
        }
        (Some(Manner::Bytes), _) if has_escapes() => in_bytes(value, ask).unwrap_or_else(|| ask(Said::Unread)),
        (Some(Manner::Bytes), _) => None,
        (Some(Manner::Document), _) => in_document(value, ask).unwrap_or_else(|| ask(Said::Unread)),
        (_, Some(Family::Time(_))) => in_date(value, ask).unwrap_or_else(|| ask(Said::Unread)),
        (_, Some(Family::Net(_))) => in_address(oid, value, ask).unwrap_or_else(|| ask(Said::Unread)),
        (_, Some(Family::Number(NumberKind::Oid))) => in_number(Some(NumberKind::Oid), value, ask)
            .unwrap_or_else(|| ask(Said::Unread))
            .or_else(|| in_octal_number(value, ask)),
        (_, Some(Family::Number(kind))) => in_number(Some(kind), value, ask).unwrap_or_else(|| ask(Said::Unread)),
        (_, Some(Family::Array(element))) => in_elements(element, without_bounds(value), level, ask),
        (_, Some(Family::Range(bound))) => in_elements(bound, value, level, ask),
        (_, Some(Family::Multirange(of))) => match Family::of(of) {
            Some(Family::Range(bound)) => in_elements(bound, value, level, ask),
            _ => ask(Said::Unread),
        },
        _ if oid == MONEY => in_money(value, ask),
        _ if oid == MONEY_ARRAY => in_elements(MONEY, without_bounds(value), level, ask),
        _ if COUNTERS.contains(&oid) => in_counter(oid, value, ask),
        _ if [XID_ARRAY, CID_ARRAY].contains(&oid) => in_elements(XID, without_bounds(value), level, ask),
        _ if oid == XID8_ARRAY => in_elements(XID8, without_bounds(value), level, ask),
        _ => in_number(None, value, ask)
            .flatten()
            .or_else(|| if value.contains(&b'-') { None } else { in_octal_number(value, ask) })
            .or_else(|| in_bits(value, ask))
            .or_else(|| if value.len() <= DATE_BYTES_MAX { in_date(value, ask).flatten() } else { None })
            .or_else(|| if has_escapes() { in_bytes(value, ask).flatten() } else { None })
            .or_else(|| if has_escapes() { in_document(value, ask).flatten() } else { None })
            .or_else(|| if level == 0 && has_escapes() { in_literal(value, ask) } else { None })
            .or_else(|| if holds_elements(value) { in_elements(0, value, level, ask) } else { None }),
    }
}

/// In an address. `None` if the server may read it as one that Weir can't read.
fn in_address<T>(oid: u32, value: &[u8], ask: &mut Ask<'_, T>) -> Option<Option<T>> {
    let (value, mut says) = (number::trimmed(value), Vec::new());
    if write_out(CellType::of(oid, false), value, &mut says).is_none() {
        let Some(Family::Net(kind)) = Family::of(oid) else { return None };
        says = net::plainly(kind, value)?;
    }
    let host = value.split(|byte| *byte == b'/').next();
    Some(if host == Some(&says) { None } else { ask(Said::Bytes(&says)) })
}

/// In a number, however it is written. `None` if it is none.
fn in_number<T>(kind: Option<NumberKind>, value: &[u8], ask: &mut Ask<'_, T>) -> Option<Option<T>> {
    // Nearly all are written as they will be read.
    let is_plain = value.iter().all(u8::is_ascii_digit) && value.first() != Some(&b'0');
    let is_near = matches!(kind, Some(NumberKind::Float4 | NumberKind::Float8));
    if is_plain && !is_near {
        return Some(None);
    }
    match number::taken(value) {
        Taken::Is(number) => {
            let kept = kind.and_then(|kind| number::kept(kind, &number)).filter(|kept| *kept != number);
            let mut all = number::stored(number).chain(kept).filter(|number| number.as_bytes() != value);
            Some(all.find_map(|number| ask(Said::Bytes(number.as_bytes()))))
        }
        Taken::Nothing => Some(None),
        Taken::Unread => None,
    }
}

/// In a number that begins as C writes it: octal behind a zero, and a negative one without its sign.
fn in_counter<T>(oid: u32, value: &[u8], ask: &mut Ask<'_, T>) -> Option<T> {
    let number = counter(value)?;
    let half = (number & u64::from(u32::MAX)).to_string();
    let answer = ask(Said::Bytes(number.to_string().as_bytes()));
    // Of an `xid` and a `cid` no more than 32 bits are kept.
    answer.or_else(|| {
        if [XID, CID].contains(&oid) && number > u64::from(u32::MAX) { ask(Said::Bytes(half.as_bytes())) } else { None }
    })
}

/// What a number begins as that C reads.
fn counter(value: &[u8]) -> Option<u64> {
    let (is_negative, digits) = match number::trimmed(value) {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let (radix, digits) = match digits {
        [b'0', b'x' | b'X', digits @ ..] => (16, digits),
        [b'0', ..] => (8, digits),
        _ => (10, digits),
    };
    let number = digits
        .iter()
        .map_while(|digit| char::from(*digit).to_digit(radix))
        .try_fold(0_u64, |number, digit| number.checked_mul(radix.into())?.checked_add(digit.into()))?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}

/// In a number that is octal where it begins with a zero, as an `oid` may be.
fn in_octal_number<T>(value: &[u8], ask: &mut Ask<'_, T>) -> Option<T> {
    let digits = number::trimmed(value);
    let digits = digits.strip_prefix(b"-").or_else(|| digits.strip_prefix(b"+")).unwrap_or(digits);
    let is_short = without_zeros(digits).len() <= OCTAL_DIGITS_MAX;
    if digits.len() > 1 && is_short && digits.starts_with(b"0") && digits.iter().all(is_octal) {
        in_counter(OID, value, ask)
    } else {
        None
    }
}

/// In bits: they become the number that they are.
fn in_bits<T>(value: &[u8], ask: &mut Ask<'_, T>) -> Option<T> {
    let bits = Bits::written(value).filter(|bits| bits.count >= BITS_MIN)?;
    ask(Said::Bytes(bits.first(bits.count).to_string().as_bytes()))
}

/// The first bits of a value that become a number.
#[derive(Clone, Copy, Debug)]
struct Bits {
    /// They themselves, and zeros behind them.
    bits: u64,
    /// How many there are, but for those that are too many.
    count: u32,
}

impl Bits {
    /// As they are written, `x` before those in hexadecimal. A constant of bits may have `0` before that here.
    fn written(value: &[u8]) -> Option<Self> {
        let (width, digits) = match value.strip_prefix(b"0").filter(|rest| rest.starts_with(b"x")).unwrap_or(value) {
            [b'x' | b'X', digits @ ..] => (4, digits),
            [b'b' | b'B', digits @ ..] | [b'0', b'b', digits @ ..] | digits => (1, digits),
        };
        let is_bits = |digit: &u8| if width == 4 { digit.is_ascii_hexdigit() } else { matches!(digit, b'0' | b'1') };
        if digits.is_empty() || !digits.iter().all(is_bits) {
            return None;
        }
        let kept = digits.get(..digits.len().min(usize::try_from(BITS_MAX.checked_div(width)?).ok()?))?;
        let number = u64::from_str_radix(std::str::from_utf8(kept).ok()?, 1 << width).ok()?;
        let count = u32::try_from(kept.len()).ok()?.checked_mul(width)?;
        Some(Self { bits: number.checked_shl(BITS_MAX.checked_sub(count)?)?, count })
    }

    /// As they come in binary: how many they are stands before them, and the last byte is filled up.
    fn sent(value: &[u8]) -> Option<Self> {
        let (count, bytes) = value.split_first_chunk().map(|(count, bytes)| (u32::from_be_bytes(*count), bytes))?;
        if count == 0 || usize::try_from(count.div_ceil(8)) != Ok(bytes.len()) {
            return None;
        }
        let mut whole = [0; 8];
        whole.iter_mut().zip(bytes).for_each(|(room, byte)| *room = *byte);
        let count = count.min(BITS_MAX);
        let all = Self { bits: u64::from_be_bytes(whole), count };
        Some(Self { bits: all.first(count).checked_shl(BITS_MAX.checked_sub(count)?)?, count })
    }

    /// The number that the first of them are.
    fn first(self, count: u32) -> u64 {
        self.bits.checked_shr(BITS_MAX.saturating_sub(count)).unwrap_or(0)
    }
}

fn is_octal(digit: &u8) -> bool {
    matches!(digit, b'0'..=b'7')
}

/// In a date, however it is written. `None` if it is none.
fn in_date<T>(value: &[u8], ask: &mut Ask<'_, T>) -> Option<Option<T>> {
    match day::taken(value) {
        Taken::Is(days) => Some(ask(Said::Bytes(days.join("\n").as_bytes()))),
        Taken::Nothing => Some(None),
        Taken::Unread => None,
    }
}

/// In an amount of money: the number that it is without signs. Which of them the point is depends on the place.
fn in_money<T>(value: &[u8], ask: &mut Ask<'_, T>) -> Option<T> {
    in_money_with(b'.', value, ask).or_else(|| in_money_with(b',', value, ask))
}

fn in_money_with<T>(point: u8, value: &[u8], ask: &mut Ask<'_, T>) -> Option<T> {
    let kept = value.iter().copied().filter(|byte| byte.is_ascii_digit() || *byte == point);
    let number: Vec<u8> = kept.map(|byte| if byte == point { b'.' } else { byte }).collect();
    match number::taken(&number) {
        Taken::Is(number) => number::stored(number).find_map(|number| ask(Said::Bytes(number.as_bytes()))),
        Taken::Nothing | Taken::Unread => None,
    }
}

/// In a `bytea`. `None` if it is none.
fn in_bytes<T>(value: &[u8], ask: &mut Ask<'_, T>) -> Option<Option<T>> {
    let mut says = Vec::new();
    bytes::taken_into(value, &mut says)?;
    Some(ask(Said::Bytes(&says)))
}

/// In a document, whose strings may be written with escapes, and whose numbers in any way. `None` if it is none.
fn in_document<T>(value: &[u8], ask: &mut Ask<'_, T>) -> Option<Option<T>> {
    let (mut view, mut digits, mut read) = (Vec::new(), Vec::new(), None);
    let answer = together(0, ask, |ask| {
        read = tokens_of(value, |token| {
            match token {
                Token::String(written) => {
                    let says = taken(written);
                    if inner(&says).is_some_and(|inner| inner.starts_with(br"\x")) {
                        digits.extend_from_slice(&says);
                    }
                    view.extend_from_slice(&says);
                    // A column of another type may take it.
                    if let Some(number) = inner(&says).filter(|says| may_be_number(says)) {
                        let _ = in_number(None, number, ask);
                        let _ = in_date(number, ask);
                    }
                }
                Token::Number(number) => {
                    view.extend_from_slice(under_name(number).as_bytes());
                    let _ = in_number(None, number.as_bytes(), ask);
                }
                Token::Other(written) => view.extend_from_slice(written),
            }
            Some(())
        });
    });
    read?;
    let is_same = view == value;
    Some(answer.or_else(|| if is_same { None } else { ask(Said::Bytes(&view)) }).or_else(|| in_digits(&digits, ask)))
}

/// Whether a string begins like a number or a date.
fn may_be_number(says: &[u8]) -> bool {
    let begins = |first: &u8| first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.');
    let says = number::trimmed(says);
    says.first().is_some_and(begins) && without_zeros(says).len() <= STRING_BYTES_MAX
}

/// Without the sign of a number and the zeros that it begins with.
fn without_zeros(number: &[u8]) -> &[u8] {
    let is_said = |byte: &u8| !matches!(byte, b'+' | b'-' | b'0' | b'_');
    number.iter().position(is_said).and_then(|at| number.get(at..)).unwrap_or_default()
}

/// A number of a document as it is looked at where it stands: without a fraction that is none.
fn under_name(number: &str) -> std::borrow::Cow<'_, str> {
    if number.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.into();
    }
    let Taken::Is(taken) = number::taken(number.as_bytes()) else { return number.into() };
    let whole = taken.split_once('.').filter(|(_, fraction)| fraction.bytes().all(|digit| digit == b'0'));
    let says = whole.map_or(taken.as_str(), |(whole, _)| whole);
    if says.len() > NAMED_DIGITS_MAX { number.into() } else { says.to_owned().into() }
}

/// Whether something may be a list of others.
fn holds_elements(value: &[u8]) -> bool {
    value.iter().any(|byte| b"{}()[]<>,;\"\\".contains(byte))
}

/// In the elements of an array, a row or a range, all of this type or of any. What one holds is written so once more.
fn in_elements<T>(oid: u32, value: &[u8], level: usize, ask: &mut Ask<'_, T>) -> Option<T> {
    if level >= LEVELS_MAX {
        return ask(Said::Unread);
    }
    together(ALONE_MAX, ask, |ask| {
        each_element(value, |element, is_other| {
            if !is_other && number::trimmed(element).eq_ignore_ascii_case(b"null") {
                return true;
            }
            let answer = if is_other { ask(Said::Bytes(element)) } else { None };
            answer.or_else(|| beyond(oid, element, level.saturating_add(1), ask)).is_none()
        });
    })
}

/// In an array or a row as it is written: whatever stands behind a backslash is meant, and quotes may stand anywhere. An element that is itself an
/// array or a row is written so once more.
fn in_literal<T>(value: &[u8], ask: &mut Ask<'_, T>) -> Option<T> {
    let mut value = value.to_vec();
    for _ in 0..LEVELS_MAX {
        if let Some(answer) = in_digits(&value, ask).or_else(|| in_octal(&value, ask)) {
            return Some(answer);
        }
        let bare: Vec<u8> = value.iter().copied().filter(|byte| !matches!(byte, b'"' | b'\\')).collect();
        if let Some(answer) = ask(Said::Bytes(&bare)) {
            return Some(answer);
        }
        let plain = without_escapes(&value);
        if plain.len() == value.len() {
            return None;
        }
        value = plain;
        if let Some(answer) = ask(Said::Bytes(&value)) {
            return Some(answer);
        }
    }
    ask(Said::Unread)
}

/// What is meant where a backslash stands before what is meant, and a quote before a quote.
fn without_escapes(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    loop {
        rest = match rest {
            [] => return plain,
            [b'\\', meant, rest @ ..] | [b'"', meant @ b'"', rest @ ..] => {
                plain.push(*meant);
                rest
            }
            [byte, rest @ ..] => {
                plain.push(*byte);
                rest
            }
        };
    }
}

/// In all that stands in something as hexadecimal digits of a `bytea`.
fn in_digits<T>(value: &[u8], ask: &mut Ask<'_, T>) -> Option<T> {
    let (mut says, mut behind) = (Vec::new(), 0);
    for at in find_iter(value, br"\x") {
        if at < behind {
            continue;
        }
        let digits = value.get(at.saturating_add(2)..).unwrap_or_default();
        let length = digits.iter().take_while(|byte| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace()).count();
        behind = at.saturating_add(2).saturating_add(length);
        // Each stands alone.
        says.push(b'\n');
        let _ = value.get(at..behind).and_then(|value| bytes::taken_into(value, &mut says));
    }
    if says.is_empty() { None } else { ask(Said::Bytes(&says)) }
}

/// In what stands in something as bytes in octal digits: `\064`.
fn in_octal<T>(value: &[u8], ask: &mut Ask<'_, T>) -> Option<T> {
    let (mut says, mut rest, mut has_some) = (Vec::with_capacity(value.len()), value, false);
    loop {
        rest = match rest {
            [] => break,
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                says.push(((a & 3) << 6) | ((b & 7) << 3) | (c & 7));
                has_some = true;
                rest
            }
            [byte, rest @ ..] => {
                says.push(*byte);
                rest
            }
        };
    }
    if has_some { ask(Said::Bytes(&says)) } else { None }
}

fn in_binary<T>(wire: CellType, value: &[u8], depth: usize, ask: &mut Ask<'_, T>) -> Option<T> {
    let (manner, family) = (Manner::of(wire.oid, true), Family::of(wire.oid));
    let is_row = matches!(manner, Some(Manner::Row | Manner::Raw)) && is_row(wire, value);
    let element = match (manner, family) {
        (_, Some(Family::Array(element))) => Some(element),
        _ if wire.oid == MONEY_ARRAY => Some(MONEY),
        (Some(Manner::Raw), _) if !is_row => array_of(wire, value),
        _ => None,
    };
    let bound = match family {
        Some(Family::Range(bound)) => Some(bound),
        Some(Family::Multirange(of)) => match Family::of(of) {
            Some(Family::Range(bound)) => Some(bound),
            _ => None,
        },
        _ => None,
    };
    if element.is_some() && is_empty_array(value) {
        return None;
    }
    if element.is_some() || is_row || bound.is_some() {
        if depth >= CELL_DEPTH_MAX {
            return ask(Said::Unread);
        }
        let depth = depth.saturating_add(1);
        let (mut is_read, is_open) = (false, wire.oid == 0);
        let answer = together(ALONE_MAX, ask, |ask| {
            let mut is_over = false;
            let mut one = |wire: CellType, cell: &[u8]| {
                // Of a text within what is of no known type anything may be made.
                let answer = match is_open && Manner::of(wire.oid, true) == Some(Manner::Text) {
                    true => in_text(0, cell, ask),
                    false => in_binary(wire, cell, depth, ask),
                };
                is_over = is_over || answer.is_some();
            };
            let mut part = |wire: CellType, cell: &[u8], _: &mut Vec<u8>| {
                one(wire, cell);
                Shown::Written
            };
            let read = match (element, bound) {
                (Some(element), _) => array::rewrite(wire.holding(element), value, &mut part, &mut Vec::new()),
                (None, Some(bound)) => {
                    let mut bound = |cell: &[u8]| one(wire.holding(bound), cell);
                    match family {
                        Some(Family::Multirange(_)) => range::each_bound_of_all(value, &mut bound),
                        _ => range::each_bound(value, &mut bound),
                    }
                }
                (None, None) => record::rewrite(wire, value, &mut part, &mut Vec::new()),
            };
            is_read = read.is_some();
            if !is_read {
                ask(Said::Unread);
            }
        });
        if answer.is_some() || bound.is_some() || !is_read {
            return answer;
        }
    }
    match manner {
        Some(Manner::Text) => in_text(wire.oid, value, ask),
        Some(Manner::Document) => {
            let text = if family == Some(Family::Jsonb) { value.strip_prefix(&[JSONB_VERSION]) } else { Some(value) };
            match text {
                Some(text) => in_text(wire.oid, text, ask),
                None => ask(Said::Unread),
            }
        }
        Some(Manner::Written) => {
            let mut says = Vec::new();
            let read = match family {
                // Neither infinity nor what is no number has groups.
                Some(Family::Number(NumberKind::Numeric)) if value.len() > 8 => {
                    number::taken_numeric(value).map(|number| says.extend_from_slice(number.as_bytes()))
                }
                _ => write_out(wire, value, &mut says),
            };
            match read.and_then(|()| String::from_utf8(says).ok()) {
                Some(says) => number::stored(says).find_map(|says| ask(Said::Bytes(says.as_bytes()))),
                None => ask(Said::Unread),
            }
        }
        // A domain of a text or a number, or of bytes, has a type of its own.
        Some(Manner::Raw) if wire.oid == RETURNED && !is_row && element.is_none() => in_returned(value, ask),
        Some(Manner::Raw) if !is_row && element.is_none() => in_any(value, depth, ask),
        // A column of another type may take it.
        None if matches!(family, Some(Family::Number(NumberKind::Float4 | NumberKind::Float8))) => {
            match PostgresCells.read(wire, value) {
                Some(Value::Real(number)) => {
                    number::stored(number.to_string()).find_map(|number| ask(Said::Bytes(number.as_bytes())))
                }
                _ => None,
            }
        }
        None if wire.oid == MONEY => {
            let cents = <[u8; 8]>::try_from(value).map(i64::from_be_bytes).ok()?;
            let [whole, all] = [cents.unsigned_abs() / 100, cents.unsigned_abs()].map(|number| number.to_string());
            ask(Said::Bytes(whole.as_bytes())).or_else(|| ask(Said::Bytes(all.as_bytes())))
        }
        None if BITS.contains(&wire.oid) => in_sent_bits(value, ask).or_else(|| ask(Said::Bytes(value))),
        None if family == Some(Family::Uuid) => {
            let (mut says, id) = (Vec::new(), <[u8; 16]>::try_from(value).ok()?);
            bytes::write_uuid(false, &id, &mut says).and_then(|()| ask(Said::Bytes(&says)))
        }
        None if SHAPES.contains(&wire.oid) => together(ALONE_MAX, ask, |ask| {
            // What stands before them tells how many there are.
            let (_, numbers) = value.as_rchunks::<8>();
            let _ = numbers.iter().find_map(|number| in_binary(CellType::of(FLOAT8, true), number, depth, ask));
        }),
        Some(Manner::Bytes | Manner::List | Manner::Row | Manner::Raw) | None => ask(Said::Bytes(value)),
    }
}

/// In bits that come in binary.
fn in_sent_bits<T>(value: &[u8], ask: &mut Ask<'_, T>) -> Option<T> {
    let bits = Bits::sent(value).filter(|bits| bits.count >= BITS_MIN)?;
    ask(Said::Bytes(bits.first(bits.count).to_string().as_bytes()))
}

/// What a function returned may be a whole number, or one with digits behind the point, beside a text.
fn in_returned<T>(value: &[u8], ask: &mut Ask<'_, T>) -> Option<T> {
    let whole = <[u8; 8]>::try_from(value).ok().map(|bytes| i64::from_be_bytes(bytes).to_string());
    let whole = whole.and_then(|number| ask(Said::Bytes(number.as_bytes())));
    whole.or_else(|| {
        number::stored(number::taken_numeric(value)?).find_map(|number| ask(Said::Bytes(number.as_bytes())))
    })
}

/// What is of a type that nobody knows may be a text, or whatever else is of so many bytes.
fn in_any<T>(value: &[u8], depth: usize, ask: &mut Ask<'_, T>) -> Option<T> {
    let others: &[u32] = match value.len() {
        2 => &[INT2],
        4 => &[INT4, OID, DATE, FLOAT4],
        6 => &[MACADDR],
        8 => &[TIMESTAMP, FLOAT8, MONEY, MACADDR8, INET, CIDR],
        20 => &[INET, CIDR],
        _ => &[],
    };
    // What is none of a type is another.
    let as_one = |oid: u32, ask: &mut Ask<'_, ()>| {
        in_binary(CellType::of(oid, true), value, depth, &mut |said| {
            if said == Said::Unread { None } else { ask(said) }
        })
    };
    let whole = <[u8; 8]>::try_from(value).ok().map(|bytes| i64::from_be_bytes(bytes).to_string());
    in_text(0, value, ask)
        .or_else(|| ask(Said::Bytes(whole?.as_bytes())))
        .or_else(|| {
            number::stored(number::taken_numeric(value)?).find_map(|number| ask(Said::Bytes(number.as_bytes())))
        })
        .or_else(|| in_sent_bits(value, ask))
        .or_else(|| {
            together(0, ask, |ask| {
                let _ = others.iter().find_map(|oid| as_one(*oid, ask));
            })
        })
}

/// Whether an array in binary has a dimension of no elements, as some programs send it.
fn is_empty_array(value: &[u8]) -> bool {
    let Some((head, dimensions)) = value.split_at_checked(12) else { return false };
    let (dimensions, []) = dimensions.as_chunks::<8>() else { return false };
    let count = head.first_chunk().map(|count| u32::from_be_bytes(*count));
    count == u32::try_from(dimensions.len()).ok() && dimensions.iter().any(|dimension| dimension.starts_with(&[0; 4]))
}
