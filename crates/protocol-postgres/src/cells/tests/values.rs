//! Types that hold one value.

use super::*;

const DAY_MICROS: i64 = 86_400_000_000;

fn read(oid: u32, binary: bool, bytes: &[u8]) -> Option<Value<'_>> {
    PostgresCells.read(CellType::of(oid, binary), bytes)
}

#[test]
fn what_nothing_shows_is_a_text_or_null() {
    let nothing = |oid: u32, binary: bool, cell: &[u8]| {
        shown(Sight::Nothing, "x.y", CellType::of(oid, binary), cell).map(|cell| String::from_utf8(cell).unwrap())
    };
    for binary in [false, true] {
        for oid in [19, 25, 705, 1042, 1043] {
            assert_eq!(nothing(oid, binary, b"x").as_deref(), Some("[redacted]"), "{oid}");
        }
        assert_eq!(nothing(114, binary, b"{}").as_deref(), Some("\"[redacted]\""));
        for oid in
            [16, 17, 18, 20, 21, 23, 26, 142, 600, 700, 701, 774, 790, 829, 869, 1009, 1082, 1186, 1700, 2249, 2950]
        {
            assert_eq!(nothing(oid, binary, b"1"), None, "{oid}");
        }
        for oid in [1560, 1562, 3614, 3904, 4451, 16_385, 0] {
            assert_eq!(nothing(oid, binary, b"1"), None, "{oid}");
        }
    }
    assert_eq!(nothing(3802, false, b"{}").as_deref(), Some("\"[redacted]\""));
    assert_eq!(nothing(3802, true, b"\x01{}").as_deref(), Some("\x01\"[redacted]\""));
}

#[test]
fn whole_numbers_in_both_formats() {
    for (oid, text, want) in [
        (20, "4111111111111234", Some("1234")),
        (23, "512449821", Some("9821")),
        (26, "4294967295", Some("7295")),
        (1700, "4111111111111234", Some("1234")),
        (21, "12345", None),
        (20, "-4111111111111234", None),
    ] {
        assert_eq!(partial("pci.card", oid, text).as_deref(), want, "{oid} {text}");
        let binary = partial_binary("pci.card", oid, &binary_of(oid, text));
        assert_eq!(binary, want.map(|want| binary_of(oid, want)), "{oid} {text}");
    }
    assert_eq!(binary_of(21, "-2"), [0xff, 0xfe]);
    assert_eq!(binary_of(26, "4294967295"), [0xff; 4]);
    for (oid, bad) in [(21, "32768"), (23, "2147483648"), (26, "-1")] {
        let value = Value::Number(bad.into());
        for binary in [false, true] {
            assert!(!PostgresCells.write(CellType::of(oid, binary), &value, &mut Vec::new()), "{oid} {bad}");
        }
    }
    assert_eq!(read(23, true, &[0; 5]), None);
    assert_eq!(read(23, false, b"1.5"), None);
}

#[test]
fn a_number_has_the_same_token_in_every_type_and_format() {
    let four = token(23, "5").unwrap();
    assert!((1..=i64::from(i32::MAX)).contains(&four.parse().unwrap()), "{four}");
    for (oid, text) in [(20, "5"), (26, "5"), (1700, "5"), (1700, "5.000")] {
        assert_eq!(token(oid, text), Some(four.clone()), "{oid} {text}");
        assert_eq!(token_binary(oid, &binary_of(oid, text)), Some(binary_of(oid, &four)), "{oid} {text}");
    }
    // Too few bits.
    assert_eq!((token(21, "5"), token_binary(21, &[0, 5])), (None, None));
    let large = token(20, "5000000000").unwrap();
    assert_eq!(large.len(), 18);
    assert_eq!(token(1700, "5000000000.0"), Some(large.clone()));
    assert_eq!(token_binary(20, &5_000_000_000_i64.to_be_bytes()), Some(binary_of(20, &large)));
    assert_eq!(token(1700, "19.99").unwrap().len(), 18);
    assert_eq!((token(700, "1.5"), token(701, "1.5"), token_binary(701, &1.5_f64.to_be_bytes())), (None, None, None));
}

#[test]
fn the_precision_of_a_number_is_kept() {
    let numeric = |precision: i32, scale: i32| CellType {
        modifier: (precision << 16 | (scale & 0x7ff)) + 4,
        ..CellType::of(1700, false)
    };
    let write =
        |wire, number: &str| PostgresCells.write(wire, &Value::Number(number.to_owned().into()), &mut Vec::new());
    for (precision, scale, number, fits) in [
        (10, 2, "12345678.12", true),
        (10, 2, "-12345678.12", true),
        (10, 2, "123456789", false),
        (10, 2, "1.123", false),
        (10, 2, "1.120", true),
        (18, 0, "123456789012345678", true),
        (2, -3, "12000", true),
        (2, -3, "12300", false),
        (2, -3, "123000", false),
        (3, 5, "0.00123", true),
        (3, 5, "0.01", false),
        (3, 5, "0", true),
    ] {
        assert_eq!(write(numeric(precision, scale), number), fits, "numeric({precision}, {scale}) {number}");
    }
    let price = numeric(10, 2);
    assert_eq!(shown(Sight::Token, "x.y", price, b"19.99"), None);
    assert_eq!(shown(Sight::Partial, "fin.amount", price, b"19.99"), Some(b"10".to_vec()));
}

#[test]
fn numeric_in_binary_is_what_it_is_in_text() {
    let groups = |weight: i16, sign: u16, scale: i16, groups: &[i16]| {
        let mut out = i16::try_from(groups.len()).unwrap().to_be_bytes().to_vec();
        out.extend_from_slice(&weight.to_be_bytes());
        out.extend_from_slice(&sign.to_be_bytes());
        out.extend_from_slice(&scale.to_be_bytes());
        groups.iter().for_each(|group| out.extend_from_slice(&group.to_be_bytes()));
        out
    };
    for (bytes, text) in [
        (groups(0, 0, 0, &[]), "0"),
        (groups(0, 0, 2, &[]), "0.00"),
        (groups(0, 0, 0, &[5]), "5"),
        (groups(0, 0x4000, 2, &[19, 9900]), "-19.99"),
        (groups(1, 0, 0, &[1]), "10000"),
        (groups(2, 0, 0, &[1]), "100000000"),
        (groups(1, 0, 4, &[1, 0, 5]), "10000.0005"),
        (groups(-1, 0, 4, &[5]), "0.0005"),
        (groups(-2, 0, 6, &[100]), "0.000001"),
        (groups(4, 0, 10, &[1234, 5678, 9012, 3456, 7890, 123, 4567, 8900]), "12345678901234567890.0123456789"),
    ] {
        assert_eq!(read(1700, true, &bytes), Some(Value::Number(text.into())), "{text}");
        assert_eq!(binary_of(1700, text), bytes, "{text}");
    }
    let bad = [
        groups(0, 0xC000, 0, &[]), // NaN
        groups(0, 0xD000, 0, &[]), // infinity
        groups(0, 0xF000, 0, &[]),
        groups(0, 0, 0, &[10_000]),
        groups(0, 0, 0, &[-1]),
        groups(i16::MAX, 0, 0, &[1]),
        groups(0, 0, i16::MAX, &[1]),
        groups(0, 0, 0, &[1, 5000]), // more than it says
        groups(0, 0, 0, &[1])[..9].to_vec(),
        [groups(0, 0, 0, &[1]), vec![0]].concat(),
        Vec::new(),
    ];
    for bytes in bad {
        assert_eq!(read(1700, true, &bytes), None, "{bytes:?}");
    }
    for bad in ["NaN", "Infinity", "-Infinity", "", "-", ".5", "5.", "1_000", "0x10", "+1", &"9".repeat(1001)] {
        assert_eq!(read(1700, false, bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn numbers_with_exponents_are_written_out() {
    for (text, want) in [
        ("1e5", Some("100000")),
        ("1.5e5", Some("150000")),
        ("1.5E+1", Some("15")),
        ("1.25e1", Some("12.5")),
        ("-1.5e-3", Some("-0.0015")),
        ("150e-1", Some("15.0")),
        ("1e-1", Some("0.1")),
        ("1e1000", None),
        ("1e-1000", None),
        ("1e99999", None),
        ("1e", None),
        ("e5", None),
    ] {
        assert_eq!(number::decimal(text).as_deref(), want, "{text}");
    }
}

#[test]
fn floating_point_in_both_formats() {
    for (class, oid, text, want) in [
        ("pii.location", 701, "52.5200066", Some("53")),
        ("pii.location", 700, "-0.1", Some("0")),
        ("fin.amount", 701, "52300.5", Some("50000")),
        ("fin.amount", 700, "0.7", Some("0.7")),
        ("fin.amount", 701, "1.5e+300", Some("1e300")),
        ("fin.amount", 701, "1.5e-300", Some("1e-300")),
        ("fin.amount", 701, "NaN", None),
        ("fin.amount", 701, "-Infinity", None),
        ("pci.card", 701, "4111111111111234", None),
    ] {
        assert_eq!(partial(class, oid, text).as_deref(), want, "{class} {text}");
        let bytes = |text: &str| match oid {
            700 => text.parse::<f32>().unwrap().to_be_bytes().to_vec(),
            _ => text.parse::<f64>().unwrap().to_be_bytes().to_vec(),
        };
        assert_eq!(partial_binary(class, oid, &bytes(text)), want.map(bytes), "{class} {text}");
    }
    assert!(!PostgresCells.write(CellType::of(700, true), &Value::Real(1e300), &mut Vec::new()));
}

#[test]
fn dates_and_moments_keep_their_year() {
    for (oid, text, want) in [
        (1082, "1984-07-09", Some("1984-01-01")),
        (1082, "0001-12-31", Some("0001-01-01")),
        (1114, "1984-07-09 12:34:56", Some("1984-01-01 00:00:00")),
        (1114, "1984-07-09 12:34:56.789", Some("1984-01-01 00:00:00")),
        (1184, "1984-07-09 12:34:56.789+02", Some("1984-01-01 00:00:00+00")),
        (1184, "1984-01-01 00:30:00+01", Some("1983-01-01 00:00:00+00")),
        (1184, "1983-12-31 23:30:00-03:30", Some("1984-01-01 00:00:00+00")),
        (1184, "1893-04-01 00:00:00+00:53:28", Some("1893-01-01 00:00:00+00")),
        (1082, "07/09/1984", None),
        (1082, "09.07.1984", None),
        (1082, "infinity", None),
        (1082, "0044-03-15 BC", None),
        (1082, "1984-13-01", None),
        (1082, "1984-02-30", None),
        (1082, "1984-07", None),
        (1082, "-984-07-09", None),
        (1082, "10000-01-01", None),
        (1114, "0044-03-15 12:00:00 BC", None),
        (1114, "Mon Jul 09 12:34:56 1984", None),
        (1114, "1984-07-09 25:34:56", None),
        (1114, "1984-07-09", None),
        (1184, "1984-07-09 12:34:56", None),
        (1184, "1984-07-09 12:34:56 CEST", None),
        (1184, "-infinity", None),
        (1083, "12:34:56", None),
        (1186, "1 year", None),
    ] {
        assert_eq!(partial("pii.birth_date", oid, text).as_deref(), want, "{oid} {text}");
        assert_eq!(token(oid, text), None);
    }
    assert_eq!(partial("pii.email", 1082, "1984-07-09"), None);
}

#[test]
fn dates_go_both_ways_in_binary() {
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
        assert_eq!(read(1082, true, &days.to_be_bytes()), wanted, "{days}");
        let micros = i64::from(days).saturating_mul(DAY_MICROS);
        for moment in [micros, micros.saturating_add(DAY_MICROS - 1)] {
            assert_eq!(read(1184, true, &moment.to_be_bytes()), wanted);
        }
        let Some(value) = wanted else { continue };
        for (oid, written) in [(1082, days.to_be_bytes().to_vec()), (1114, micros.to_be_bytes().to_vec())] {
            let mut out = Vec::new();
            assert!(PostgresCells.write(CellType::of(oid, true), &value, &mut out));
            assert_eq!(out, written, "{days}");
        }
    }
    for moment in [i64::MAX, i64::MIN] {
        assert_eq!(read(1114, true, &moment.to_be_bytes()), None);
    }
    assert_eq!(read(1082, true, b"1984-07-09"), None);
}

#[test]
fn uuids_go_both_ways_in_both_formats() {
    let text = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let id = binary_of(2950, text);
    let token = token(2950, text).unwrap();
    assert_eq!((token.len(), &token[14..15]), (36, "8"));
    assert_eq!(token_binary(2950, &id), Some(binary_of(2950, &token)));
    assert_eq!(partial("pci.card", 2950, text), None);
    for bad in ["", "0f8fad5b", "zf8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950ef"] {
        assert_eq!(read(2950, false, bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn bytes_in_both_formats_and_both_writings() {
    for (text, bytes) in [
        (r"\xdeadbeef00", &[0xde, 0xad, 0xbe, 0xef, 0][..]),
        (r"\x", &[]),
        ("", &[]),
        (r"abc", b"abc"),
        (r"\\x41\000\377", b"\\x41\0\xff"),
    ] {
        assert_eq!(read(17, false, text.as_bytes()), Some(Value::Bytes(bytes.into())), "{text}");
        let token = token(17, text).unwrap();
        assert!(token.starts_with(r"\x746f6b5f") && token.len() == 42, "{token}");
        assert_eq!(token_binary(17, bytes), Some(binary_of(17, &token)));
        assert_eq!(partial("pci.card", 17, text), None);
    }
    for bad in [r"\xabc", r"\xzz", r"\", r"\40", r"\400"] {
        assert_eq!(read(17, false, bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn addresses_in_both_formats() {
    for (class, oid, text, want) in [
        ("pii.ip", 869, "203.0.113.7", Some("203.0.113.0/24")),
        ("pii.ip", 869, "10.1.2.3/8", Some("10.1.2.0/8")),
        ("pii.ip", 650, "203.0.113.7/32", Some("203.0.113.0/24")),
        ("pii.ip", 650, "10.0.0.0/8", None),
        ("net.ip", 869, "2001:db8:1:2::3", Some("2001:db8:1::/48")),
        ("net.ip", 869, "::1", Some("::/48")),
        ("net.ip", 869, "::ffff:1.2.3.4", Some("::/48")),
        ("pii.email", 869, "203.0.113.7", None),
        ("net.mac", 829, "08:00:2b:01:02:03", Some("08:00:2b:00:00:00")),
        ("net.mac", 774, "08:00:2b:01:02:03:04:05", Some("08:00:2b:00:00:00:00:00")),
    ] {
        assert_eq!(partial(class, oid, text).as_deref(), want, "{class} {text}");
        let binary = partial_binary(class, oid, &binary_of(oid, text));
        assert_eq!(binary, want.map(|want| binary_of(oid, want)), "{class} {text}");
        let token = token(oid, text).unwrap();
        assert_eq!(token_binary(oid, &binary_of(oid, text)), Some(binary_of(oid, &token)));
    }
    assert_eq!(binary_of(869, "10.1.2.3/8"), [2, 8, 0, 4, 10, 1, 2, 3]);
    assert_eq!(binary_of(650, "10.0.0.0/8"), [2, 8, 1, 4, 10, 0, 0, 0]);
    assert_eq!(token(869, "192.0.2.1").unwrap().split('.').next(), Some("10"));
    assert!(token(650, "192.0.2.0/24").unwrap().ends_with("/32"));
    for bad in ["", "10.1.2", "10.1.2.3/33", "10.1.2.3/-1", "::/129", "10.1.2.3/", "x"] {
        assert_eq!(read(869, false, bad.as_bytes()), None, "{bad}");
    }
    for bad in [
        &[2, 33, 0, 4, 10, 1, 2, 3][..],
        &[2, 8, 1, 4, 10, 1, 2, 3],
        &[2, 8, 0, 4, 10, 1, 2],
        &[3, 8, 0, 4, 10, 1, 2, 3],
        &[4, 8, 0, 4, 10, 1, 2, 3],
        &[2, 8],
        &[],
    ] {
        assert_eq!(read(869, true, bad), None, "{bad:?}");
    }
    for bad in ["08002b010203", "08:00:2b:01:02", "08:00:2b:01:02:0", "8:00:2b:01:02:03:0", ":::::::::::::::::"] {
        assert_eq!((read(829, false, bad.as_bytes()), read(774, false, bad.as_bytes())), (None, None), "{bad}");
    }
}
