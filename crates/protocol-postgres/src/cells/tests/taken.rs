//! What values say as the server takes them.

use super::super::{CellType, Said, each_said};

const CARD: &str = "4539148803436467";

/// All that a value says.
fn says(oid: u32, binary: bool, value: &[u8]) -> Vec<String> {
    let mut says = Vec::new();
    let mut ask = |said: Said<'_>| {
        says.push(match said {
            Said::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Said::Unread => "?".to_owned(),
        });
        None::<()>
    };
    each_said(CellType::of(oid, binary), value, &mut ask);
    says
}

#[track_caller]
fn says_card(oid: u32, binary: bool, value: &[u8]) {
    let says = says(oid, binary, value);
    // It stands alone, so that it is what it looks like.
    let is_there = |said: &String| {
        said.match_indices(CARD).any(|(at, _)| {
            let (before, behind) = (said[..at].chars().next_back(), &said[at + CARD.len()..]);
            let goes_on = behind.starts_with(|next: char| next.is_alphanumeric() || next == '_')
                || behind.starts_with('.') && behind[1..].starts_with(|next: char| next.is_ascii_digit());
            !goes_on && !before.is_some_and(|before| before.is_alphanumeric() || before == '.')
        })
    };
    assert!(says.iter().any(is_there), "{oid} {:?} {says:?}", String::from_utf8_lossy(value));
}

#[test]
fn whatever_the_spelling() {
    let hex = CARD.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    for (oid, value) in [
        (3802, r#"{"a":"\u0034539148803436467"}"#.to_owned()),
        (114, r#"["4539\u0031488034364\u0036\u0037"]"#.to_owned()),
        (114, format!(r#""\\x{}""#, hex.concat())),
        (1700, "4.539148803436467e15".to_owned()),
        (1700, "+4539148803436.467E+3".to_owned()),
        (20, "4_539_148_803_436_467".to_owned()),
        (20, format!("{:#x}", CARD.parse::<u64>().unwrap())),
        (0, format!(" 0B{:b} ", CARD.parse::<u64>().unwrap())),
        (1700, format!("{}{CARD}", "0".repeat(300))),
        (20, format!("-0_0{CARD}")),
        (1700, ".4539148803436467e16".to_owned()),
        (1700, format!("{CARD}.0")),
        (1700, format!("{CARD}0e-1")),
        (1700, "4539148803436466.9".to_owned()),
        (701, "4.539148803436467e15".to_owned()),
        (3802, r#"{"n": 4.539148803436467e15}"#.to_owned()),
        (114, format!("[1, {CARD}.0]")),
        (1231, "{1,4.539148803436467e15}".to_owned()),
        (1016, "{4_539_148_803_436_467}".to_owned()),
        (99_999, "(a,4.539148803436467e15)".to_owned()),
        (0, r"\064539148803436467".to_owned()),
        (99_999, r"\064539148803436467".to_owned()),
        (1001, r#"{"\\064539148803436467"}"#.to_owned()),
        (114, r#"["\ud83d", "\u0034539148803436467"]"#.to_owned()),
        (17, format!(r"\x{}", hex.join(" "))),
        (17, r"\064539148803436467".to_owned()),
        (25, format!(r"\x{}", hex.concat())),
        (1009, r"{a,4539\148803436467}".to_owned()),
        (1009, r#"{ "a b" , "4\539148803436467" }"#.to_owned()),
        (1001, format!(r#"{{"\\x{}"}}"#, hex.concat())),
        (99_999, r#"(a,"4539\1488""03436467")"#.replace(r#""""#, "")),
        (99_999, r#"(a,45"39"148803436467)"#.to_owned()),
        (0, r#"{"(a,\"45391488\\\\03436467\")"}"#.to_owned()),
        (0, r#"{"a":"\u0034539148803436467"}"#.to_owned()),
    ] {
        says_card(oid, false, value.as_bytes());
    }
}

#[test]
fn what_is_no_number_is_not_read_as_one() {
    for (oid, value) in [(25, "0x1020a5e2b1f0b3"), (25, "4_539"), (1043, "1e12"), (25, r"C:\4539")] {
        assert_eq!(says(oid, false, value.as_bytes()), [value]);
    }
    assert_eq!(says(1082, false, b" 19800102").last().unwrap(), "1980-01-02");
    // Dates and addresses that are written as nobody here reads them.
    for (oid, value) in [(1082, "1980.002"), (1082, "J2444241"), (829, "08002b010203"), (869, "0xcb00714d")] {
        assert_eq!(says(oid, false, value.as_bytes()).last().unwrap(), "?", "{value}");
    }
    for (oid, value) in [
        (1082, "1980-01-02"),
        (1082, "infinity"),
        (1082, "now"),
        (1082, "May 12, 2024"),
        (869, "10.0.0.1"),
        (869, "::1/64"),
    ] {
        assert_eq!(says(oid, false, value.as_bytes()), [value]);
    }
}

#[test]
fn what_is_spelled_as_the_server_spells_it_is_given_once() {
    for (oid, value) in [(25, "a text"), (20, "12"), (1700, "-150"), (1009, "{a,b}"), (3802, "{}"), (17, "abc")] {
        assert_eq!(says(oid, false, value.as_bytes()), [value]);
    }
}

fn numeric(weight: i16, scale: u16, groups: &[u16]) -> Vec<u8> {
    let head = [u16::try_from(groups.len()).unwrap(), weight.cast_unsigned(), 0, scale];
    head.iter().chain(groups).flat_map(|part| part.to_be_bytes()).collect()
}

#[test]
fn a_number_is_cut_off_where_the_server_cuts_it() {
    let card = [4539, 1488, 343, 6467];
    for bytes in [
        numeric(3, 0, &card),
        numeric(3, 0, &[4539, 1488, 343, 6467, 1]),
        numeric(3, 16_000, &card),
        numeric(3, 2, &[4539, 1488, 343, 6467, 1234]),
    ] {
        says_card(1700, true, &bytes);
        // A domain of it has a type of its own.
        says_card(99_999, true, &bytes);
    }
    assert_eq!(says(1700, true, b"\0\x01\0\0\0\0\0\0\xff\xff"), ["?"]);
    assert_eq!(says(1700, true, &numeric(0, 0, &[])), ["0"]);
    says_card(701, true, &4_539_148_803_436_467_f64.to_be_bytes());
}

#[test]
fn what_holds_others_is_looked_at_one_by_one() {
    let numbers = |numbers: &[i64]| {
        let count = u32::try_from(numbers.len()).unwrap().to_be_bytes();
        let mut list =
            [&1_u32.to_be_bytes()[..], &[0; 4], &20_u32.to_be_bytes(), &count, &1_u32.to_be_bytes()].concat();
        numbers.iter().for_each(|number| {
            list.extend(8_u32.to_be_bytes());
            list.extend(number.to_be_bytes());
        });
        list
    };
    let list = numbers(&[7, 4_539_148_803_436_467]);
    for type_oid in [1016, 99_999] {
        let says = says(type_oid, true, &list);
        assert_eq!(&says[..2], ["7", CARD], "{type_oid}");
    }
    says_card(99_999, true, &4_539_148_803_436_467_i64.to_be_bytes());
    assert_eq!(says(25, true, b"text"), ["text"]);
    says_card(3802, true, b"\x01\"\\u0034539148803436467\"");
    says_card(114, true, b"\"\\u0034539148803436467\"");
    assert_eq!(says(3802, true, b"\x02\"\"").last().unwrap(), "?");
    assert_eq!(says(1016, true, b"\0").last().unwrap(), "?");
}

#[test]
fn rows_within_rows_are_not_read_without_end() {
    let mut row = numeric(3, 0, &[4539, 1488, 343, 6467]);
    let mut oid = 1700_u32;
    for _ in 0..40 {
        let length = u32::try_from(row.len()).unwrap().to_be_bytes();
        row = [&1_u32.to_be_bytes()[..], &oid.to_be_bytes(), &length, &row].concat();
        oid = 2249;
    }
    assert!(says(2249, true, &row).contains(&"?".to_owned()));
}
