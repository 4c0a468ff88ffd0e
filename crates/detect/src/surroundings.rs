//! What stands around a place: the name that a value is given to, and whether what looks like a number is a part of something longer,
//! such as a dump of memory, a fingerprint or a version.
//!
//! It looks back by [`BACK_BYTES`] at most, and forward by two bytes.

use std::ops::Range;

/// How far back it looks.
const BACK_BYTES: usize = 64;
/// Groups of a dump that are looked at.
const GROUPS: usize = 3;
/// The shortest number of a table that is taken for one of it, and by how many digits the one before may differ.
const TABLE_DIGITS_MIN: usize = 13;
const TABLE_DIGITS_APART: usize = 2;
/// Names that say nothing of what the value is: what stands before them may.
const NAMELESS: &[&str] =
    &["", "_", "value", "val", "number", "num", "no", "nr", "text", "data", "content", "is", "here", "string", "#"];

/// The longest of them.
const NAMELESS_BYTES_MAX: usize = 7;
/// Whether a name before a value ends at a byte.
#[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "made by the compiler")]
const NAME_ENDS: [bool; 256] = {
    let (bytes, mut ends, mut at) = (b",;|&{}()[]\"'`<>?=\r\n\t", [false; 256], 0);
    while at < bytes.len() {
        ends[bytes[at] as usize] = true;
        at += 1;
    }
    ends
};

/// The name that the value at a place is given to: `ssn` in `ssn=536…`, `"ssn": "536…` and `<ssn>536…`. None where there is none, or
/// one that says nothing.
pub(crate) fn name_of(input: &[u8], place: usize) -> Option<Range<usize>> {
    let from = place.saturating_sub(BACK_BYTES);
    let before = input.get(from..place)?;
    let is_around = |byte: &u8| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b'(' | b'[' | b'`');
    // Mostly it can be told from the last byte that there is none.
    if !before.last().is_some_and(|last| matches!(last, b'>' | b':' | b'=') || is_around(last)) {
        return None;
    }
    let value = trimmed(before, is_around);
    let is_end = |byte: &u8| NAME_ENDS.get(usize::from(*byte)).is_none_or(|ends| *ends);
    let name = match value {
        [name @ .., b'>'] if !matches!(name.last(), Some(b'=' | b'-')) => {
            // A tag, without what is in it beside its name.
            let tag = name.iter().rposition(|byte| *byte == b'<')?;
            tag.saturating_add(1)..name.len()
        }
        [name @ .., b'=', b'>'] | [name @ .., b':' | b'='] => {
            let name = trimmed(name, |byte| is_around(byte) || *byte == b':');
            // Without blanks around it a name ends at one: `a b=1`.
            let is_tight = name.len().saturating_add(1) == value.len() && value.last() == Some(&b'=');
            let start = name.iter().rposition(|byte| is_end(byte) || (is_tight && *byte == b' '));
            start.map_or(0, |start| start.saturating_add(1))..name.len()
        }
        _ => return None,
    };
    let text = before.get(name.clone())?.trim_ascii();
    let is_nameless = |nameless: &&str| text.eq_ignore_ascii_case(nameless.as_bytes());
    let says_nothing = text.len() <= NAMELESS_BYTES_MAX && NAMELESS.iter().any(is_nameless);
    (!says_nothing).then_some(from.saturating_add(name.start)..from.saturating_add(name.end))
}

fn trimmed(text: &[u8], is_out: impl Fn(&u8) -> bool) -> &[u8] {
    let out = text.iter().rev().take_while(|byte| is_out(byte)).count();
    text.get(..text.len().saturating_sub(out)).unwrap_or_default()
}

/// Whether what looks like a number is a part of something longer.
pub(crate) fn is_part(input: &[u8], span: &Range<usize>) -> bool {
    is_part_of(input, span, holds(input.get(span.clone()).unwrap_or_default()))
}

/// The same of digits.
pub(crate) fn is_part_number(input: &[u8], span: &Range<usize>) -> bool {
    is_part_of(input, span, DIGIT)
}

/// The same of what has bytes of these kinds.
#[inline]
fn is_part_of(input: &[u8], span: &Range<usize>, holds: u8) -> bool {
    let text = input.get(span.clone()).unwrap_or_default();
    let before = input.get(span.start.saturating_sub(BACK_BYTES)..span.start).unwrap_or_default();
    let after = input.get(span.end..).unwrap_or_default();
    // Nothing but hexadecimal digits with colons between them.
    let is_joined = holds & COLON != 0 && holds & (BLANK | POINT | AT | OTHER) == 0;
    match (text, after) {
        // More of what colons join: a fingerprint.
        _ if is_joined && (matches!(after, [b':', next, ..] if next.is_ascii_hexdigit()) || ends_in_group(before)) => {
            true
        }
        // Eight bytes, each of two digits, are not written so in an address.
        _ if is_joined && text.len() == 23 && text.split(|byte| *byte == b':').all(|group| group.len() == 2) => true,
        // A call in a program: `d@D.get(`.
        _ if holds & AT != 0 && after.first() == Some(&b'(') => true,
        // The first part of a UUID.
        (&[_, _, _, _, _, _, _, _], [b'-', next, ..]) if next.is_ascii_hexdigit() => holds & !(DIGIT | HEX) == 0,
        // The address of a repository, and not of a person.
        ([b'g', b'i', b't', b'@', ..], [b':' | b'/', ..]) => true,
        _ => {
            holds & !DIGIT == 0 && is_behind_point(before)
                || holds & !(DIGIT | POINT) == 0 && is_version(before, text, after)
                || holds & !(DIGIT | HEX | BLANK) == 0 && is_dump(before, text)
        }
    }
}

/// Whether what is given to a name is a type, as in `const PASSWORD: WIN32_ERROR = 1`. Behind a `=` stands a value.
pub(crate) fn is_type(input: &[u8], span: &Range<usize>) -> bool {
    let before = input.get(span.start.saturating_sub(BACK_BYTES)..span.start).unwrap_or_default();
    let text = input.get(span.clone()).unwrap_or_default();
    let after = input.get(span.end..).unwrap_or_default();
    after.starts_with(b" =")
        && trimmed(before, |byte| *byte == b' ').ends_with(b":")
        && text.first().is_some_and(u8::is_ascii_uppercase)
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

/// Whether a number is one of a table in a program, which are drawn at random: the one before it is about as long, is parted from it as
/// they are written there, and is not what this one is (`is`).
pub(crate) fn is_in_table(input: &[u8], span: &Range<usize>, is: impl Fn(&[u8]) -> bool) -> bool {
    let text = input.get(span.clone()).unwrap_or_default();
    let before = input.get(span.start.saturating_sub(BACK_BYTES)..span.start).unwrap_or_default();
    // As numbers of a table are parted.
    let is_parted = before.last().is_some_and(u8::is_ascii_whitespace);
    if !is_parted || text.len() < TABLE_DIGITS_MIN || !text.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let Some(number) = trimmed(before, u8::is_ascii_whitespace).strip_suffix(b",") else { return false };
    let digits = number.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let Some((ahead, number)) = number.split_at_checked(number.len().saturating_sub(digits)) else { return false };
    let is_word = ahead.last().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    !is_word && digits.abs_diff(text.len()) <= TABLE_DIGITS_APART && !is(number)
}

/// Kinds of bytes, a bit for each.
const DIGIT: u8 = 1;
const HEX: u8 = 2;
const COLON: u8 = 4;
const POINT: u8 = 8;
const BLANK: u8 = 16;
const AT: u8 = 32;
const OTHER: u8 = 64;
#[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "made by the compiler")]
const KINDS: [u8; 256] = {
    let mut kinds = [OTHER; 256];
    let mut at = 0;
    while at < kinds.len() {
        kinds[at] = match at as u8 {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' | b'A'..=b'F' => HEX,
            b':' => COLON,
            b'.' => POINT,
            b' ' => BLANK,
            b'@' => AT,
            _ => OTHER,
        };
        at += 1;
    }
    kinds
};

/// The kinds of bytes that are in a text.
fn holds(text: &[u8]) -> u8 {
    text.iter().fold(0, |holds, byte| holds | KINDS.get(usize::from(*byte)).copied().unwrap_or(OTHER))
}

/// Whether a group of hexadecimal digits and a colon stand last.
fn ends_in_group(before: &[u8]) -> bool {
    let Some(group) = before.strip_suffix(b":") else { return false };
    let digits = group.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let is_word = group.iter().rev().nth(digits).is_some_and(u8::is_ascii_alphanumeric);
    (1..=8).contains(&digits) && !is_word
}

/// What comes is behind a point, as in `.4111`, but not in `...4111`.
fn is_behind_point(before: &[u8]) -> bool {
    matches!(before, [.., b'.']) && !matches!(before, [.., b'.', b'.'])
}

/// Whether numbers with points are the version of a product, `Chrome/120.0.0.0`, or in the name of a file, `lib-1.2.3.4.tar`.
fn is_version(before: &[u8], text: &[u8], after: &[u8]) -> bool {
    text.len() <= 15
        && match before {
            [.., letter, b'/'] if letter.is_ascii_alphanumeric() => text.ends_with(b".0.0"),
            [.., letter, b'-'] if letter.is_ascii_alphabetic() => {
                matches!(after, [b'.' | b'-', next, ..] if next.is_ascii_alphabetic())
            }
            _ => false,
        }
}

/// Whether groups of hexadecimal digits stand in a row of such groups: behind groups as long as its own that have digits and letters, or behind
/// the offset that a line of a dump begins with.
fn is_dump(before: &[u8], text: &[u8]) -> bool {
    // Before a group of a dump there is a blank.
    if !before.ends_with(b" ") {
        return false;
    }
    let length = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    if !matches!(length, 2 | 4 | 8 | 16) {
        return false;
    }
    let mut line = before.rsplit(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    for _ in 0..=GROUPS {
        if is_offset(line) {
            return true;
        }
        let Some(rest) = line.strip_suffix(b" ") else { return false };
        let start = rest.iter().rposition(|byte| *byte == b' ').map_or(0, |blank| blank.saturating_add(1));
        let Some((ahead, group)) = rest.split_at_checked(start) else { return false };
        let group = group.strip_prefix(b"0x").unwrap_or(group);
        if group.len() != length || !group.iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        if group.iter().any(u8::is_ascii_digit) && group.iter().any(u8::is_ascii_alphabetic) {
            return true;
        }
        line = ahead;
    }
    false
}

/// Whether it is what a line of a dump begins with, and no more: eight hexadecimal digits and a colon, or seven.
fn is_offset(line: &[u8]) -> bool {
    let digits = match line {
        [digits @ .., b':', b' '] if digits.len() == 8 => digits,
        [digits @ .., b' '] if digits.len() == 7 => digits,
        _ => return false,
    };
    matches!(digits, [b'0', .., b'0']) && digits.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<&str> {
        let place = text.find('#').unwrap();
        name_of(text.as_bytes(), place).map(|name| &text[name])
    }

    #[test]
    fn a_value_has_the_name_that_stands_before_it() {
        for (text, expected) in [
            ("ssn=#", "ssn"),
            ("a=1 ssn=#", "ssn"),
            ("\"my ssn\": \"#", "my ssn"),
            ("{\"a\":1,\"ssn\":#", "ssn"),
            ("{\\\"ssn\\\":\\\"#", "ssn"),
            ("x, social security: #", " social security"),
            ("ssn = #", "ssn "),
            ("'ssn' => '#", "ssn"),
            ("<ssn>#", "ssn"),
            ("?a=b&ssn=#", "ssn"),
            ("ssn := #", "ssn"),
        ] {
            assert_eq!(name(text).map(str::trim), Some(expected.trim()), "{text}");
        }
        for nameless in ["#", "ssn #", "value=#", "a->#", "x \"value\": #", "12 #"] {
            assert_eq!(name(nameless), None, "{nameless}");
        }
    }

    fn part(before: &str, text: &str, after: &str) -> bool {
        is_part(format!("{before}{text}{after}").as_bytes(), &(before.len()..before.len() + text.len()))
    }

    #[test]
    fn parts_of_something_longer_are_known() {
        for (before, text, after) in [
            ("", "AB:CD:EF:01:23:45", ":67:89"),
            ("AB:CD:EF:", "01:23:45:67:89:AB", ""),
            ("4f:\n  ", "0c:ef:bc:59:53:00:7d:b1", "\n"),
            ("", "d@D.setdefault", "(k)"),
            ("id ", "6433435a", "-e89b-42d3-a456-426614174000"),
            ("", "git@github.com", ":a/b"),
            ("ratio .", "4111111111111111", ""),
            ("Chrome/", "120.0.0.0", " Safari"),
            ("lib-", "1.2.3.4", ".tar.gz"),
            ("00000010: 1a2b ", "4111 1111 1111 1111", " 0000"),
            ("\n00000010: ", "4111 1111 1111 1111", " 0000"),
            ("\n00000010: 4111 ", "4111 1111 1111 1111", " 0000"),
            ("0x1234abcd 0x12345678 ", "12345678", ""),
        ] {
            assert!(part(before, text, after), "{before}[{text}]{after}");
        }
        for (before, text, after) in [
            ("", "fe80::1", ": 5 ms"),
            ("mac:", "00:1a:2b:3c:4d:5e", ""),
            ("x=", "postgresql://u:p@127.0.0.1", ":5432"),
            ("", "54362315K", "-a"),
            ("mail git@", "example.com", ""),
            ("ends in ...", "4111111111111111", ""),
            ("host/", "10.0.0.1", ":8080"),
            ("GET http://", "10.0.0.1", "/x"),
            ("db-", "10.0.0.1", " is up"),
            ("card beef ", "4111 1111 1111 1111", ""),
            ("12 ", "4111 1111 1111 1111", ""),
            ("12345678: ", "4111 1111 1111 1111", ""),
            ("1234567 ", "4111 1111 1111 1111", ""),
            ("a1b2c3 ", "4111111111111111", ""),
            ("dump=1a2b 3c4d cc=", "4111 1111 1111 1111", ""),
            ("1a2b 3c4d,", "4111 1111 1111 1111", ""),
        ] {
            assert!(!part(before, text, after), "{before}[{text}]{after}");
        }
    }
    #[test]
    fn a_type_is_no_value() {
        let is_given = |before: &str, text: &str, after: &str| {
            let (input, start) = (format!("{before}{text}{after}"), before.len());
            is_type(input.as_bytes(), &(start..start + text.len()))
        };
        assert!(!is_given("password=", "Hunter22", " = x") && !is_given("password := ", "Hunter22", " = x"));
        let is_type = |text: &str, after: &str| is_given("PASSWORD: ", text, after);
        assert!(is_type("WIN32_ERROR", " = 1u32;") && is_type("Foundation::UNICODE_STRING", " ="));
        for (text, after) in [("WIN32_ERROR", ""), ("WIN32_ERROR", " "), ("hunter22", " = 1"), ("Hunter-22", " = 1")] {
            assert!(!is_type(text, after), "{text}{after}");
        }
    }

    #[test]
    fn a_number_among_others_that_are_not_what_it_is_is_one_of_a_table() {
        let is_in_table = |before: &str, text: &str| {
            let (input, start) = (format!("{before}{text}, 1"), before.len());
            is_in_table(input.as_bytes(), &(start..start + text.len()), |text| text.starts_with(b"4"))
        };
        assert!(is_in_table("{1234567890123456, ", "4111111111111111"));
        assert!(is_in_table("12345678901234,\n                ", "4111111111111111"));
        for before in [
            "4222222222222222, ",
            "1234567890123456,",
            "1234567890123456 ",
            "1234567890123, ",
            "x1234567890123456, ",
            "1719999999, ",
            "number, ",
            "",
        ] {
            assert!(!is_in_table(before, "4111111111111111"), "{before}");
        }
        assert!(
            !is_in_table("1234567890123456, ", "4111-1111-1111-1111") && !is_in_table("123456789012, ", "411111111111")
        );
    }
}
