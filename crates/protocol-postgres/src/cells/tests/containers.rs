//! Types that hold others.

use super::*;

#[test]
fn documents_keep_their_structure() {
    for (class, document, want) in [
        ("pii.email", r#"{"mail": "jane@example.com"}"#, r#"{"mail":"j***@e***.com"}"#),
        (
            "pii.email",
            r#"{"b": ["jane@example.com", "no mail", 1, true, null], "a": {}}"#,
            r#"{"b":["j***@e***.com","[redacted]",null,null,null],"a":{}}"#,
        ),
        ("pii.email", r#""jane@example.com""#, r#""j***@e***.com""#),
        ("pii.email", " [ ] ", "[]"),
        ("pii.email", "true", "null"),
        ("pci.card", r#"{"4111 1111 1111 1234": 4111111111111234}"#, r#"{"**** **** **** 1234":1234}"#),
        ("pci.card", r#"{"a_b-c": 41111111111112345678901234, "a_b-c": -1}"#, r#"{"a_b-c":1234,"a_b-c":null}"#),
        ("fin.amount", "[52300.5, 1e3, -7, 0.0, 1e99999, 12E-1]", "[50000,1000,-7,0,null,1]"),
        (
            "x.y",
            r#"["\"abcd", "\u00e9t\u00e9s", "\u0001abcd", "ab", ""]"#,
            r#"["\"***","é***","\u0001***","[redacted]","[redacted]"]"#,
        ),
        (
            "x.y",
            r#"{"é": 1, "": 1, "a b": 1, "_a": 1, "-a": 1, "a1": 1}"#,
            r#"{"[redacted]":null,"[redacted]":null,"[redacted]":null,"_a":null,"[redacted]":null,"[redacted]":null}"#,
        ),
    ] {
        for oid in [114, 3802] {
            assert_eq!(partial(class, oid, document).as_deref(), Some(want), "{class} {document}");
        }
        assert_eq!(partial_binary(class, 114, document.as_bytes()), Some(want.into()));
        let jsonb = |text: &str| [b"\x01", text.as_bytes()].concat();
        assert_eq!(partial_binary(class, 3802, &jsonb(document)), Some(jsonb(want)));
    }
    let long = "k".repeat(65);
    assert_eq!(partial("x.y", 114, &format!(r#"{{"{long}":1}}"#)).as_deref(), Some(r#"{"k***":null}"#));
}

#[test]
fn tokens_in_documents_are_those_of_columns() {
    let (text, number) = (token(25, "jane").unwrap(), token(20, "5000000000").unwrap());
    let document = token(3802, r#"{"a": "jane", "b": [5000000000, 5e9]}"#).unwrap();
    assert_eq!(document, format!(r#"{{"a":"{text}","b":[{number},{number}]}}"#));
}

#[test]
fn what_is_no_document_is_redacted_whole() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(partial("x.y", 114, &deep(64)), Some(deep(64)));
    for bad in [
        "",
        "{",
        "[1",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{1:2}",
        "{\"a\":1,}",
        "[1 2]",
        "tru",
        "nulls",
        "\"abc",
        "\"abc\\\"",
        "\"\n\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "1-2",
        "-",
        "1.",
        "[]]",
        "{\"a\":1}x",
        "'abcd'",
        "NaN",
        &deep(65),
        &"[".repeat(100_000),
    ] {
        assert_eq!(partial("x.y", 114, bad).as_deref(), Some("\"[redacted]\""), "{bad}");
    }
    for bad in [&b""[..], b"\x02{}", b"{}", b"\x01", b"\x01\xff"] {
        assert_eq!(partial_binary("x.y", 3802, bad), Some(b"\x01\"[redacted]\"".to_vec()), "{bad:?}");
    }
}

#[test]
fn arrays_keep_their_shape_in_text() {
    for (class, oid, array, want) in [
        ("pii.email", 1009, "{jane@example.com,NULL,\"no mail\"}", "{j***@e***.com,NULL,[redacted]}"),
        ("x.y", 1009, r#"{"a b cd","NULL","\"quo\\te",abcd,"ab,cd"}"#, r#"{a***,N***,"\"***",a***,a***}"#),
        ("x.y", 1015, "{{\"{abcd}\",abcd},{abcd,NULL}}", "{{\"{***\",a***},{a***,NULL}}"),
        ("x.y", 1009, r#"{" abcd","",abc}"#, r#"{" ***",[redacted],[redacted]}"#),
        ("pci.card", 1016, "{4111111111111234,1,NULL}", "{1234,NULL,NULL}"),
        ("pci.card", 1231, "[0:1]={4111111111111234,5}", "[0:1]={1234,NULL}"),
        ("pci.card", 1016, "[2:3][-1:0]={{4111111111111234,5},{6,7}}", "[2:3][-1:0]={{1234,NULL},{NULL,NULL}}"),
        ("pii.birth_date", 1115, "{\"1984-07-09 12:34:56\",infinity}", "{\"1984-01-01 00:00:00\",NULL}"),
        ("pii.ip", 1041, "{203.0.113.7,::1}", "{203.0.113.0/24,::/48}"),
        ("x.y", 3807, r#"{"{\"a\": \"abcd\"}"}"#, r#"{"{\"a\":\"a***\"}"}"#),
        ("fin.amount", 3905, "{\"[15,250)\",NULL}", "{\"[10,200)\",NULL}"),
        ("x.y", 1009, "{}", "{}"),
    ] {
        assert_eq!(partial(class, oid, array).as_deref(), Some(want), "{class} {array}");
    }
    for bad in [
        "",
        "{",
        "}",
        "{}x",
        "{a",
        "{a,}",
        "{,a}",
        "{a}}",
        "{{a},b}",
        "{a,{b}}",
        "{{a},{b,c}}",
        "{{a,b},{c}}",
        "{{}}",
        "{\"a}",
        "{\"a\\",
        "{a b}",
        "{a\\b}",
        "{a\"b}",
        "{\"a\"b}",
        "{ab{c}}",
        "[0:1]={a}",
        "[0:0][0:0]={a}",
        "[0:0]={{a}}",
        "[0]={a}",
        "[0:0]",
        "[0:0]={}",
        "[x:0]={a}",
        "[1:0]={a}",
        "[-2147483648:2147483647]={a}",
        "={a}",
        "[0:0]x={a}",
        "{{{{{{{a}}}}}}}",
    ] {
        assert_eq!(partial("x.y", 1009, bad), None, "{bad}");
    }
}

fn array(element: u32, dimensions: &[(i32, i32)], cells: &[Option<&[u8]>]) -> Vec<u8> {
    let mut out = i32::try_from(dimensions.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(&i32::from(cells.contains(&None)).to_be_bytes());
    out.extend_from_slice(&element.to_be_bytes());
    for (length, first) in dimensions {
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&first.to_be_bytes());
    }
    cells.iter().for_each(|cell| out.extend_from_slice(&counted(*cell)));
    out
}

#[test]
fn arrays_keep_their_shape_in_binary() {
    let one = array(25, &[(3, 1)], &[Some(b"jane@example.com"), None, Some(b"no mail")]);
    let want = array(25, &[(3, 1)], &[Some(b"j***@e***.com"), None, Some(b"[redacted]")]);
    assert_eq!(partial_binary("pii.email", 1009, &one), Some(want));
    let numbers = [4_111_111_111_111_234_i64, 5, 6, 7].map(i64::to_be_bytes);
    let cells: Vec<Option<&[u8]>> = numbers.iter().map(|number| Some(&number[..])).collect();
    let two = array(20, &[(2, 2), (2, -1)], &cells);
    let want = array(20, &[(2, 2), (2, -1)], &[Some(&1234_i64.to_be_bytes()), None, None, None]);
    assert_eq!(partial_binary("pci.card", 1016, &two), Some(want));
    let none = array(25, &[], &[]);
    assert_eq!(partial_binary("x.y", 1009, &none), Some(none));
    for bad in [
        array(23, &[(1, 1)], &[Some(b"abcd")]),
        array(25, &[(2, 1)], &[Some(b"abcd")]),
        array(25, &[(1, 1)], &[Some(b"abcd"), Some(b"abcd")]),
        array(25, &[(0, 1)], &[]),
        array(25, &[(-1, 1)], &[]),
        array(25, &[(i32::MAX, 1); 6], &[]),
        array(25, &[(1, 1); 7], &[Some(b"abcd")]),
        array(25, &[], &[Some(b"abcd")]),
        [array(25, &[(1, 1)], &[Some(b"abcd")]), vec![0]].concat(),
        array(25, &[(1, 1)], &[Some(b"abcd")])[..20].to_vec(),
        Vec::new(),
    ] {
        assert_eq!(partial_binary("x.y", 1009, &bad), None, "{bad:?}");
    }
    // A type that is not known.
    assert_eq!(partial_binary("x.y", 1000, &array(16, &[(1, 1)], &[Some(b"\x01")])), None);
}

#[test]
fn rows_of_no_named_type_say_in_binary_what_they_hold() {
    let field = |oid: u32, cell: Option<&[u8]>| [&oid.to_be_bytes()[..], &counted(cell)].concat();
    let row = |fields: &[Vec<u8>]| [&i32::try_from(fields.len()).unwrap().to_be_bytes()[..], &fields.concat()].concat();
    let cell = row(&[field(25, Some(b"jane@example.com")), field(23, None), field(16, Some(b"\x01"))]);
    let want = row(&[field(25, Some(b"j***@e***.com")), field(23, None), field(16, None)]);
    assert_eq!(partial_binary("pii.email", 2249, &cell), Some(want));
    assert_eq!(partial("pii.email", 2249, "(jane@example.com,)"), None);
    for bad in
        [&cell[..cell.len() - 1], &[&cell[..], b"x"].concat(), &(-1_i32).to_be_bytes(), &i32::MAX.to_be_bytes(), b""]
    {
        assert_eq!(partial_binary("pii.email", 2249, bad), None, "{bad:?}");
    }
}

#[test]
fn a_row_in_rows_is_shown_to_a_depth() {
    let deep = |levels: usize| {
        (0..levels).fold((25, b"abcd".to_vec()), |(oid, cell): (u32, Vec<u8>), _| {
            let head = [&1_i32.to_be_bytes()[..], &oid.to_be_bytes()].concat();
            (2249, [head, counted(Some(&cell))].concat())
        })
    };
    let shows = |levels: usize| {
        let (oid, cell) = deep(levels);
        partial_binary("x.y", oid, &cell).is_some_and(|cell| cell.windows(4).any(|part| part == b"a***"))
    };
    assert!(shows(1) && shows(16) && !shows(17) && !shows(10_000));
}

/// A range in binary, by its flags and bounds.
fn range(flags: u8, bounds: &[&[u8]]) -> Vec<u8> {
    std::iter::once(flags).chain(bounds.iter().flat_map(|bound| counted(Some(bound)))).collect()
}

#[test]
fn ranges_are_shown_by_their_bounds() {
    for (class, oid, bound, text, flags, bounds, want) in [
        (
            "pii.birth_date",
            3912,
            1082,
            "[1984-07-09,1990-02-01)",
            2,
            &["1984-07-09", "1990-02-01"][..],
            Some(("[1984-01-01,1990-01-01)", &["1984-01-01", "1990-01-01"][..])),
        ),
        (
            "pii.birth_date",
            3912,
            1082,
            "[1984-07-09,)",
            0x12,
            &["1984-07-09"],
            Some(("[1984-01-01,)", &["1984-01-01"])),
        ),
        ("pii.birth_date", 3912, 1082, "(,1984-07-09)", 8, &["1984-07-09"], Some(("(,1984-01-01)", &["1984-01-01"]))),
        ("pii.birth_date", 3912, 1082, "[1984-07-09,1984-08-01)", 2, &["1984-07-09", "1984-08-01"], None),
        (
            "pii.birth_date",
            3908,
            1114,
            "[\"1984-07-09 12:34:56\",\"1984-08-01 00:00:00\"]",
            6,
            &["1984-07-09 12:34:56", "1984-08-01 00:00:00"],
            Some((
                "[\"1984-01-01 00:00:00\",\"1984-01-01 00:00:00\"]",
                &["1984-01-01 00:00:00", "1984-01-01 00:00:00"],
            )),
        ),
        ("fin.amount", 3904, 23, "[15,250)", 2, &["15", "250"], Some(("[10,200)", &["10", "200"]))),
        ("fin.amount", 3906, 1700, "(-15.5,250.25]", 4, &["-15.5", "250.25"], Some(("(-10,200]", &["-10", "200"]))),
        // The last digits of a number are not in the order of the number.
        (
            "pci.card",
            3926,
            20,
            "[4111111111111234,4111111111121233)",
            2,
            &["4111111111111234", "4111111111121233"],
            None,
        ),
        (
            "pci.card",
            3926,
            20,
            "[4111111111111234,4111111111121235)",
            2,
            &["4111111111111234", "4111111111121235"],
            Some(("[1234,1235)", &["1234", "1235"])),
        ),
        ("pii.email", 3904, 23, "[15,250)", 2, &["15", "250"], None),
        ("fin.amount", 3904, 23, "(,)", 0x18, &[], None),
        ("fin.amount", 3904, 23, "empty", 1, &[], None),
    ] {
        assert_eq!(partial(class, oid, text).as_deref(), want.map(|(want, _)| want), "{class} {text}");
        let cell = |bounds: &[&str]| {
            let bounds: Vec<Vec<u8>> = bounds.iter().map(|text| binary_of(bound, text)).collect();
            range(flags, &bounds.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        let whole = cell(bounds);
        assert_eq!(partial_binary(class, oid, &whole), want.map(|(_, bounds)| cell(bounds)), "{class} {text}");
        assert_eq!((token(oid, text), token_binary(oid, &whole)), (None, None));
    }
    for bad in [
        "",
        "[",
        "[15",
        "[15,",
        "[15,250",
        "15,250)",
        "[15,250)x",
        "[15,250,300)",
        "[15)",
        "[\"15,250)",
        "[\"1\\5\",250)",
        "[\"\",250)",
        "[a,b)",
        "[[1,2),3)",
        "{[1,2)}",
    ] {
        assert_eq!(partial("fin.amount", 3904, bad), None, "{bad}");
    }
    let int = |number: i32| number.to_be_bytes();
    for bad in [
        range(0x82, &[&int(15), &int(250)]),
        range(0x22, &[&int(15), &int(250)]),
        range(3, &[&int(15), &int(250)]),
        range(2, &[&int(15)]),
        range(2, &[&int(15), &int(250), &int(300)]),
        range(2, &[&int(15), b"abc"]),
        vec![2, 0xff, 0xff, 0xff, 0xff],
        Vec::new(),
    ] {
        assert_eq!(partial_binary("fin.amount", 3904, &bad), None, "{bad:?}");
    }
}

#[test]
fn multiranges_are_shown_by_their_ranges() {
    let multirange = |ranges: &[Vec<u8>]| {
        let count = i32::try_from(ranges.len()).unwrap().to_be_bytes();
        [&count[..], &ranges.iter().flat_map(|range| counted(Some(range))).collect::<Vec<u8>>()].concat()
    };
    let ints = |lower: i32, upper: i32| range(2, &[&lower.to_be_bytes(), &upper.to_be_bytes()]);
    assert_eq!(partial("fin.amount", 4451, "{[15,250),[300,4567)}").as_deref(), Some("{[10,200),[300,4000)}"));
    let whole = multirange(&[ints(15, 250), ints(300, 4567)]);
    assert_eq!(partial_binary("fin.amount", 4451, &whole), Some(multirange(&[ints(10, 200), ints(300, 4000)])));
    assert_eq!(
        partial("pii.birth_date", 4533, "{[\"1984-07-09 12:34:56\",\"1985-07-09 12:34:56\")}").as_deref(),
        Some("{[\"1984-01-01 00:00:00\",\"1985-01-01 00:00:00\")}")
    );
    for bad in ["", "{", "{}", "{[15,250)", "{[15,250),}", "{[15,250)}x", "{[15,19)}", "{[15,250),[15,19)}", "{empty}"]
    {
        assert_eq!(partial("fin.amount", 4451, bad), None, "{bad}");
    }
    for bad in [
        multirange(&[]),
        multirange(&[ints(15, 250), ints(15, 19)]),
        [&whole[..], b"x"].concat(),
        whole[..whole.len() - 1].to_vec(),
        i32::MAX.to_be_bytes().to_vec(),
    ] {
        assert_eq!(partial_binary("fin.amount", 4451, &bad), None, "{bad:?}");
    }
    assert_eq!((token(4451, "{[15,250)}"), token_binary(4451, &whole)), (None, None));
}
