//! What values say as the server takes them.

use super::super::{CellType, RETURNED, Said, each_said};

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
    // Dates and addresses that are written as nobody here reads them.
    for (oid, value) in [(1082, "J2444241"), (829, "08002b01020"), (869, "0xcb00714d")] {
        assert_eq!(says(oid, false, value.as_bytes()).last().unwrap(), "?", "{value}");
    }
    for (oid, value) in [(1082, "1980-01-02"), (1082, "infinity"), (1082, "now"), (869, "10.0.0.1"), (869, "::1/64")] {
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

#[test]
fn a_long_number_is_read() {
    let (zeros, whole) = ("0".repeat(300), CARD.parse::<u64>().unwrap());
    for (oid, value) in [
        (20, format!("{CARD}.{zeros}")),
        (1700, format!("{CARD}.{zeros}1")),
        (1700, format!("{CARD}{zeros}e-300")),
        (1700, format!("0.{zeros}{CARD}e316")),
        (0, format!("+{CARD}.{zeros}")),
        (0, format!("{CARD}{zeros}.0e-00300")),
        (1231, format!("{{1,{CARD}.{zeros}}}")),
        (3802, format!("[{CARD}{zeros}.0E-300]")),
        (20, format!("\x0b-{CARD}.0\x0b")),
        (20, format!("0x{zeros}{whole:x}")),
        (701, format!("0x{whole:x}p0")),
        (701, format!("0X{whole:X}0.0P-4")),
        (701, format!("0x.{:014x}p56", whole)),
        (1022, format!("{{0x{whole:x}p0}}")),
    ] {
        says_card(oid, false, value.as_bytes());
    }
    let long = |digits: usize| "4".repeat(digits);
    for (oid, value) in [(20, "4539x".to_owned()), (701, "4539e".to_owned()), (1231, "{1,4539x}".to_owned())] {
        assert_eq!(says(oid, false, value.as_bytes()).last().unwrap(), "?", "{value}");
    }
    for (oid, value) in [
        (25, long(5000)),
        (1043, format!("{}.0", long(5000))),
        (0, format!("0x{}", "a".repeat(64))),
        (1700, long(5000)),
        (1700, "1e99999999999999999999".to_owned()),
        (1700, format!("0x{}", "f".repeat(400))),
        (1700, "NaN".to_owned()),
        (1700, " -Infinity ".to_owned()),
        (701, "inf".to_owned()),
        (701, "nan(4539)".to_owned()),
        (0, "12 rue du Bac".to_owned()),
        (0, "1.2.3".to_owned()),
        (1231, "{1,NULL,NaN}".to_owned()),
    ] {
        assert!(!says(oid, false, value.as_bytes()).contains(&"?".to_owned()), "{oid} {value}");
    }
}

#[test]
fn two_halves_of_a_letter_are_one() {
    for (value, says_it) in [
        (r#""\ud835\udfd2""#, "\"\u{1d7d2}\""),
        (r#""\uD835\uDFD25""#, "\"\u{1d7d2}5\""),
        (r#""\ud835\u0034""#, "\"\u{fffd}4\""),
        (r#""\udfd2\ud835""#, "\"\u{fffd}\u{fffd}\""),
        (r#""\ud835""#, "\"\u{fffd}\""),
    ] {
        assert_eq!(says(3802, false, value.as_bytes()).last().unwrap(), says_it, "{value}");
    }
}

/// Each digit as an escape of a document.
fn escaped() -> String {
    CARD.bytes().map(|byte| format!("\\u{byte:04x}")).collect()
}

/// In quotes, with a backslash before each quote and backslash.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', r"\\").replace('"', r#"\""#))
}

#[test]
fn documents_within_others_are_read_as_documents() {
    let document = format!(r#"{{"c":"{}"}}"#, escaped());
    let hex: String = CARD.bytes().map(|byte| format!("{byte:02x}")).collect();
    for (oid, value) in [
        (3807, format!("{{{}}}", quoted(&document))),
        (199, format!("{{null,{}}}", quoted(&document))),
        (3807, format!("[0:0]={{ {} }}", quoted(&document))),
        (3807, format!("{{{{{}}}}}", quoted(&format!("\"{}\"", escaped())))),
        (3807, format!("{{{}}}", quoted("[4.539148803436467e15]"))),
        (3807, "{4.539148803436467e15}".to_owned()),
        (99_999, format!("({})", quoted(&document))),
        (99_999, format!("(a,\"{}\")", document.replace('\\', r"\\").replace('"', "\"\""))),
        (99_999, format!("({})", document.replace('\\', r"\\").replace('"', "\\\""))),
        (0, format!("{{{}}}", quoted(&format!("({})", quoted(&document))))),
        (2287, format!("{{{}}}", quoted(&format!("(1,{})", quoted(&format!("{{{}}}", quoted(&document))))))),
        (0, format!("{{{}}}", quoted(&format!(r#"{{"a":"\\x{hex}"}}"#)))),
        (99_999, format!("(0x\"{:X}\")", CARD.parse::<u64>().unwrap())),
        (99_999, r#"(a,"4_539""_148_803_436_467")"#.replace("\"\"", "")),
        (2249, r#"(4.539"148803436467"e15)"#.to_owned()),
    ] {
        says_card(oid, false, value.as_bytes());
    }
    for (oid, value) in [(3807, r#"{"{\"a"}"#), (199, r#"{"1-2"}"#)] {
        assert_eq!(says(oid, false, value.as_bytes()).last().unwrap(), "?", "{value}");
    }
    // What has nothing behind its escapes is not refused.
    for (oid, value) in [(3807, r#"{"{\"a\": 1}",NULL}"#), (1009, r#"{"C:\\Users","{\"a"}"#), (3807, "{}")] {
        assert!(!says(oid, false, value.as_bytes()).contains(&"?".to_owned()), "{oid} {value}");
    }
}

#[track_caller]
fn says_date(oid: u32, binary: bool, value: &[u8]) {
    let says = says(oid, binary, value);
    let is_there = says.iter().any(|said| said.lines().any(|line| line.trim().starts_with("1984-03-02")));
    assert!(is_there, "{oid} {:?} {says:?}", String::from_utf8_lossy(value));
}

#[test]
fn a_date_is_asked_as_the_server_writes_it() {
    // The server takes each of them, some by other settings than its own.
    for value in [
        "840302",
        " 19840302",
        "\x0b19840302",
        "00019840302",
        "1984-Mar-02",
        "1984-mar22",
        "19840302T000000",
        "19840302 102030",
        "19840302T102030Z",
        "1984.062",
        "1984-062",
        "1984.3.2",
        "01984-03-02",
        "#1984#03#02#",
        "(1984)(03)(02)",
        "1984--03--02",
        "1984_03_02",
        "1984mar02",
        "mar2 1984",
        ",,Mar;2;1984",
        "2march84",
        "Mar.2.1984",
        "sat Mar 2 10:20:30 CET 1984",
        "10:20:30.5 2 Mar 1984 America/New_York",
        "03  02  1984",
        "02 03 84",
        "March  2,  1984",
        "Fri, 02 Mar 1984 10:20:30 GMT",
        "03 02 dst/24 1984",
    ] {
        for oid in [1082, 1114, 1184] {
            says_date(oid, false, value.as_bytes());
        }
        says_date(1182, false, format!("{{NULL,{}}}", quoted(value)).as_bytes());
        says_date(3912, false, format!("[{},)", quoted(value)).as_bytes());
        says_date(4535, false, format!("{{[{},)}}", quoted(value)).as_bytes());
    }
    for (oid, value) in [(1182, "{19840302}"), (1115, "[1:1]={19840302T1020}"), (0, "840302"), (99_999, "1984.062")] {
        says_date(oid, false, value.as_bytes());
    }
    for (oid, value) in [
        (1082, "J2445762"),
        (1114, "jd 2445762"),
        (1184, "Julian 2445762"),
        (1082, "y1984m03d02"),
        (1114, "18000101 h 1613000"),
        (1082, "d2 m3 y1984"),
        (1082, "1984/99/99"),
        (1082, "1984"),
        (1182, "{J2445762}"),
        (3912, "[J2445762,)"),
    ] {
        assert_eq!(says(oid, false, value.as_bytes()).last().unwrap(), "?", "{value}");
    }
}

#[test]
fn dates_that_programs_send_are_not_refused() {
    for value in [
        "2024-01-15",
        "2024-01-15 10:20:30",
        "2024-01-15 10:20:30.123456+00",
        "2024-01-15T10:20:30.123Z",
        "2024-01-15T10:20:30.123456+02:00",
        "2024-01-15 10:20:30 Europe/Berlin",
        "2024-01-15 24:00:00",
        "0044-03-15 BC",
        "infinity",
        "-infinity",
        "now",
        "today",
        "tomorrow",
        "yesterday",
        "epoch",
    ] {
        for oid in [1082, 1114, 1184] {
            assert_eq!(says(oid, false, value.as_bytes()), [value], "{oid}");
        }
    }
    for value in [
        "Jan 15, 2024",
        "June 5 2024",
        "jul-4-2024",
        "January 8, 99 BC",
        "Mon Jan 15 10:20:30 2024 UTC",
        "Mon Jan 15 10:20:30 CET 2024",
        "Mon, 15 Jan 2024 10:20:30 GMT",
        "1/15/2024 10:20:30 PM",
        "15.01.2024 10:20",
        "15-Jan-24",
        "20240115T102030Z",
        "2024-1-5",
        "2024-01-15 10:20:30 PST8PDT",
        "today 04:05",
        "tomorrow 10:00:00+02",
        "10000-01-01",
        "12024-01-15",
    ] {
        for oid in [1082, 1114, 1184] {
            assert!(!says(oid, false, value.as_bytes()).contains(&"?".to_owned()), "{oid} {value}");
        }
    }
    for (oid, value) in
        [(1182, "{2024-01-15,NULL,\"Jan 15, 2024\"}"), (3912, "[2024-01-15,2024-02-15)"), (3912, "empty")]
    {
        assert!(!says(oid, false, value.as_bytes()).contains(&"?".to_owned()), "{oid} {value}");
    }
}

#[test]
fn many_are_asked_together() {
    let numbers = |number: &str, count: usize| vec![number; count].join(",");
    for (oid, value) in [
        (3802, format!("[{}]", numbers("1.0", 100_000))),
        (1231, format!("{{{}}}", numbers("1.0", 100_000))),
        (1016, format!("{{{}}}", numbers("+1", 100_000))),
        (0, format!("({})", numbers("1e1", 100_000))),
        (3807, format!("{{{}}}", numbers(r#""[1.0]""#, 100_000))),
        (1182, format!("{{{}}}", numbers("19840302", 100_000))),
        (99_999, format!("({})", numbers("19840302", 100_000))),
    ] {
        let says = says(oid, false, value.as_bytes());
        assert!(says.len() < 60, "{oid} {}", says.len());
        assert!(says.iter().map(String::len).sum::<usize>() < value.len() * 20, "{oid}");
    }
    // However long they are once they are written out.
    let says = says(3802, false, format!("[{}]", numbers("1e60", 100_000)).as_bytes());
    assert!(says.len() < 400 && says.iter().all(|said| said.len() < 1 << 20), "{}", says.len());
}

#[test]
fn a_value_in_binary_is_whatever_its_length_allows() {
    let asked = |value: &[u8], expected: &str| {
        for oid in [0, 99_999] {
            let says = says(oid, true, value);
            assert!(says.iter().any(|said| said.lines().any(|line| line == expected)), "{expected} {says:?}");
        }
    };
    asked(&4539_i16.to_be_bytes(), "4539");
    asked(&536_221_234_i32.to_be_bytes(), "536221234");
    asked(&4_155_552_671_u32.to_be_bytes(), "4155552671");
    asked(&5555_f32.to_be_bytes(), "5555");
    asked(&(-5783_i32).to_be_bytes(), "1984-03-02");
    asked(&(-5783_i64 * 86_400_000_000).to_be_bytes(), "1984-03-02");
    asked(&4_539_148_803_436_467_f64.to_be_bytes(), CARD);
    asked(&4_539_148_803_436_467_i64.to_be_bytes(), CARD);
    asked(&[2, 32, 0, 4, 192, 0, 2, 17], "192.0.2.17");
    asked(&[2, 24, 1, 4, 192, 0, 2, 0], "192.0.2.0");
    asked(&[0x08, 0x00, 0x2b, 0x01, 0x02, 0x03], "08:00:2b:01:02:03");
}

#[test]
fn money_is_the_number_that_it_says() {
    for (oid, value) in [
        (790, "$4,539,148,803,436,467.00"),
        (790, "-$4,539,148,803,436,467.00"),
        (790, "($4,5,39148803436467)"),
        (790, "4.539.148.803.436.467,00 \u{20ac}"),
        (791, r#"{"$4,539,148,803,436,467.00"}"#),
    ] {
        says_card(oid, false, value.as_bytes());
    }
    says_card(790, true, &453_914_880_343_646_700_i64.to_be_bytes());
    says_card(790, true, &(-453_914_880_343_646_700_i64).to_be_bytes());
    assert!(!says(790, false, b"$12.50").contains(&"?".to_owned()));
}

#[test]
fn what_other_types_hold_is_looked_at() {
    let bounds = |flags: u8| [&[flags][..], &8_u32.to_be_bytes(), &4_539_148_803_436_467_i64.to_be_bytes()].concat();
    // Bits that the server does not heed.
    for flags in [0x12, 0xd2] {
        says_card(3926, true, &bounds(flags));
    }
    let length = u32::try_from(bounds(0x12).len()).unwrap().to_be_bytes();
    says_card(4536, true, &[&1_u32.to_be_bytes()[..], &length, &bounds(0x12)].concat());
    says_card(600, true, &[4_539_148_803_436_467_f64.to_be_bytes(), [0; 8]].concat());
    for (oid, value) in [
        (600, "(4.539148803436467e15,1)".to_owned()),
        (718, "<(1,2),4539148803436467.0>".to_owned()),
        (3926, "[4_539_148_803_436_467,)".to_owned()),
        (3906, r"(,4539148803436467\.0]".to_owned()),
        (5069, format!("0{:o}", CARD.parse::<u64>().unwrap())),
        (5069, format!("-{}", CARD.parse::<u64>().unwrap().wrapping_neg())),
        (5069, format!("{CARD}abc")),
    ] {
        says_card(oid, false, value.as_bytes());
    }
    assert!(says(26, false, b"-139414625").contains(&"4155552671".to_owned()));
    assert!(says(869, false, b"::ffff:c0a8:101").contains(&"::ffff:192.168.1.1".to_owned()));
    assert_eq!(says(3926, true, &[1]), [""; 0]);
    assert_eq!(says(3926, true, &[2, 0]).last().unwrap(), "?");
    // An array of no elements as some programs send it.
    let empty = [1_u32, 0, 20, 0, 1].map(u32::to_be_bytes).concat();
    assert_eq!(says(1016, true, &empty), [""; 0]);
}

#[test]
fn an_address_is_read_however_it_is_written() {
    for (oid, value, expected) in [
        (829, "08-00-2b-01-02-03", "08:00:2b:01:02:03"),
        (829, "0800.2b01.0203", "08:00:2b:01:02:03"),
        (829, "08002b010203", "08:00:2b:01:02:03"),
        (774, "08002b:0102030405", "08:00:2b:01:02:03:04:05"),
        (774, "08:00:2b:01:02:03", "08:00:2b:01:02:03"),
        (650, "192.168.1", "192.168.1.0"),
        (650, "10/8", "10.0.0.0"),
        (869, "192.168.001.010", "192.168.1.10"),
    ] {
        let says = says(oid, false, value.as_bytes());
        assert!(says.iter().any(|said| said == expected) || value == expected, "{value} {says:?}");
        assert!(!says.contains(&"?".to_owned()), "{value} {says:?}");
    }
    assert_eq!(says(869, false, b"192.168.1").last().unwrap(), "?");
    // Eight bytes are no infinity, unless they say so.
    assert_eq!(says(1700, true, &4_539_148_803_436_467_i64.to_be_bytes()), ["?"]);
    assert!(!says(1700, true, b"\0\0\0\0\xc0\0\0\0").contains(&"?".to_owned()));
}

/// Numbers and pages of large objects, of which nobody says what they are.
#[test]
fn what_a_function_returned_is_not_guessed_at() {
    assert!(says(RETURNED, true, &7_i32.to_be_bytes()).is_empty());
    assert_eq!(says(RETURNED, true, &7_i64.to_be_bytes()).first().unwrap(), "7");
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
    for (at, page) in bytes.chunks(16 * 1024).enumerate() {
        assert!(says(RETURNED, true, page).is_empty(), "{at}");
    }
}

#[test]
fn a_number_that_begins_with_a_zero_may_be_octal() {
    let octal = format!("0{:o}", CARD.parse::<u64>().unwrap());
    for (oid, value) in [
        (5069, octal.clone()),
        (28, format!(" +{octal}")),
        (0, octal.clone()),
        (99_999, octal.clone()),
        (271, format!("{{1,{octal}}}")),
    ] {
        says_card(oid, false, value.as_bytes());
    }
    for oid in [26, 0] {
        assert!(says(oid, false, b"04000101317").contains(&"536904399".to_owned()), "{oid}");
    }
    for (oid, value) in [(25, &octal[..]), (20, "0123"), (0, "0"), (0, "0128")] {
        assert!(!says(oid, false, value.as_bytes()).contains(&CARD.to_owned()), "{oid} {value}");
    }
}

#[test]
fn a_name_is_what_is_kept_of_it() {
    let long = format!("{} {CARD}zzzz", "a".repeat(46));
    says_card(19, false, long.as_bytes());
    says_card(19, true, long.as_bytes());
    says_card(1003, false, format!("{{\"{long}\"}}").as_bytes());
    assert_eq!(says(25, false, long.as_bytes()), [long.as_str()]);
    assert_eq!(says(19, false, b"short"), ["short"]);
}

#[test]
fn strings_of_a_document_may_become_numbers_and_dates() {
    for (oid, value) in [
        (3802, r#"[{"n": "4.539148803436467e15"}]"#.to_owned()),
        (114, format!(r#"{{"n": "{:#x}"}}"#, CARD.parse::<u64>().unwrap())),
        (3802, r#"{"n": " +4_539_148_803_436_467"}"#.to_owned()),
        (0, r#"[{"n": "4.539148803436467e15"}]"#.to_owned()),
    ] {
        says_card(oid, false, value.as_bytes());
    }
    says_date(3802, false, br#"{"born": "19840302"}"#);
    for value in [r#"{"a": "J2445762", "b": "12 rue du Bac", "c": "1.x", "d": "-"}"#, r#"["a4539e1", ""]"#] {
        assert_eq!(says(3802, false, value.as_bytes()), [value]);
    }
}

#[test]
fn texts_within_what_is_of_no_known_type_may_become_anything() {
    let element = b"4.539148803436467e15";
    let length = u32::try_from(element.len()).unwrap();
    let head = [1_u32, 0, 25, 1, 1, length].map(u32::to_be_bytes).concat();
    let list = [&head[..], element].concat();
    says_card(0, true, &list);
    assert_eq!(says(1009, true, &list)[0], "4.539148803436467e15");
    assert!(!says(1009, true, &list).contains(&CARD.to_owned()));
}

#[test]
fn bits_are_the_number_that_they_become() {
    let number = CARD.parse::<u64>().unwrap();
    for value in
        [format!("x{number:016X}"), format!("X{number:016x}"), format!("b{number:b}"), format!("{number:064b}")]
    {
        for oid in [0, 99_999, 1560, 1562] {
            says_card(oid, false, value.as_bytes());
        }
    }
    let binary = [64_u32.to_be_bytes().as_slice(), &number.to_be_bytes()].concat();
    let filled = [60_u32.to_be_bytes().as_slice(), &(number << 4).to_be_bytes()].concat();
    for (oid, value) in [(1560, &binary), (1562, &binary), (1562, &filled)] {
        says_card(oid, true, value);
    }
    let negative = format!("{{-{}}}", number.wrapping_neg());
    for oid in [271, 1011] {
        says_card(oid, false, negative.as_bytes());
    }
}

#[test]
fn blanks_and_zeros_before_a_number_do_not_hide_it() {
    let (blanks, zeros) = (" ".repeat(100), "0".repeat(100));
    for written in [format!("{blanks}4.539148803436467e15"), format!("-{zeros}4539148803436467.0")] {
        let document = format!("{{\"n\":\"{written}\"}}");
        says_card(114, false, document.as_bytes());
    }
    let octal = format!("{zeros}{:o}", CARD.parse::<u64>().unwrap());
    says_card(0, false, octal.as_bytes());
}

#[test]
fn of_many_bits_the_first_are_a_number() {
    let number = CARD.parse::<u64>().unwrap();
    for value in [format!("x{number:016x}ffff"), format!("{number:064b}11"), format!("0x{number:016x}ffff")] {
        says_card(0, false, value.as_bytes());
    }
    let sent = [80_u32.to_be_bytes().as_slice(), &number.to_be_bytes(), &[255, 255]].concat();
    says_card(1560, true, &sent);
    says_card(0, true, &sent);
    assert!(says(0, false, b"xca8234e").contains(&"212345678".to_owned()));
}

#[test]
fn what_may_be_of_any_type_is_no_counter_and_no_money() {
    let negative = format!("-{}", CARD.parse::<u64>().unwrap().wrapping_neg());
    for (oid, value) in [(5069, negative.as_str()), (5069, "4539148803436467zzz"), (790, "45,39,14,88,03,43,64,67")] {
        says_card(oid, false, value.as_bytes());
        for any in [0, 99_999] {
            assert!(!says(any, false, value.as_bytes()).contains(&CARD.to_owned()), "{value}");
        }
    }
    // What is cut to 32 bits.
    for value in ["-139414625", "18446744073570136991"] {
        assert!(says(28, false, value.as_bytes()).contains(&"4155552671".to_owned()), "{value}");
    }
    for value in ["-1", "-07", "-05:00", "12345", "+12345", "kg 1,5", "a1,2", "4539148803436467_front.jpg"] {
        for said in says(0, false, value.as_bytes()) {
            assert!(value.contains(&said) || said.len() < 6, "{value} {said}");
        }
    }
    for (value, unread) in [
        ("192.168.100.200", "192168100200"),
        ("45.39148803436467", CARD),
        ("4539,1488,0343,6467", CARD),
        ("(3001,1488),(1190,2055)", "3001148811902055"),
    ] {
        assert!(!says(0, false, value.as_bytes()).contains(&unread.to_owned()), "{value}");
    }
}
