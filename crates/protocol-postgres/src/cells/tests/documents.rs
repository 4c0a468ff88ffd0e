//! Documents whose keys are known.

use model::TypeTag;
use proptest::prelude::*;
use redact::Layout;

use super::*;

const INT4: u32 = 23;
const TEXT: u32 = 25;
const JSON: u32 = 114;
const DATE: u32 = 1082;
const TIMESTAMPTZ: u32 = 1184;
const JSONB: u32 = 3802;

fn of(sight: Sight, class: &str, oid: u32) -> Layout {
    Layout::value(FieldPlan::new(sight, ClassId::parse(class)), TypeTag(oid))
}

fn email(sight: Sight) -> Layout {
    of(sight, "pii.email", TEXT)
}

fn computed() -> Layout {
    Layout::value(FieldPlan::new(Sight::Nothing, None), TypeTag::default())
}

fn hidden_json() -> Layout {
    of(Sight::Nothing, "x.y", JSON)
}

fn object<const N: usize>(named: [(&str, Layout); N]) -> Layout {
    Layout::Object(named.map(|(name, layout)| (name.into(), layout)).into())
}

fn array(layout: Layout) -> Layout {
    Layout::Array(Box::new(layout))
}

fn show_as(wire: CellType, layout: &Layout, cell: &[u8]) -> Option<Vec<u8>> {
    let mut out = b"before".to_vec();
    match show(&PostgresCells, wire, cell, &FieldPlan::document(layout.clone()), &TokenKey::new([7; 32]), &mut out) {
        Shown::Written => Some(out.strip_prefix(b"before").unwrap().to_vec()),
        Shown::Null => None,
        Shown::Same => Some(cell.to_vec()),
    }
}

/// What is shown of a document, the same in both types and both formats.
fn laid_out(layout: &Layout, document: &str) -> String {
    let shown = show_as(CellType::of(JSON, false), layout, document.as_bytes()).unwrap();
    for (oid, binary) in [(JSON, true), (JSONB, false)] {
        assert_eq!(show_as(CellType::of(oid, binary), layout, document.as_bytes()).as_ref(), Some(&shown));
    }
    let jsonb = |bytes: &[u8]| [b"\x01", bytes].concat();
    let binary = show_as(CellType::of(JSONB, true), layout, &jsonb(document.as_bytes())).unwrap();
    assert_eq!(binary, jsonb(&shown), "{document}");
    String::from_utf8(shown).unwrap()
}

const WHOLE: &str = "\"[redacted]\"";

#[test]
fn what_is_hidden_is_masked_where_it_stands_and_nothing_else_changes() {
    let row = || object([("id", Layout::Clear), ("email", email(Sight::Partial)), ("m", hidden_json())]);
    for (layout, document, want) in [
        (
            row(),
            r#"{"id":7,"email":"jane@example.com","m":1.5e3}"#,
            r#"{"id":7,"email":"j***@e***.com","m":"[redacted]"}"#,
        ),
        (
            array(row()),
            "[{\"id\" : { \"a\" : [1, \"\\u00e9]}\"] } ,\n \"email\" : null , \"m\" : null}, \n {\"id\":\"x\",\"email\":\"no mail\",\"m\":{}}]",
            "[{\"id\" : { \"a\" : [1, \"\\u00e9]}\"] } ,\n \"email\" :null, \"m\" :\"[redacted]\"}, \n {\"id\":\"x\",\"email\":\"[redacted]\",\"m\":\"[redacted]\"}]",
        ),
        (array(row()), " [ ] ", " [ ] "),
        (array(row()), "[null, {}]", "[null, {}]"),
        (row(), "null", "null"),
        (
            Layout::Tuple(vec![email(Sight::Partial), Layout::Clear]),
            r#"["jane@example.com", "jane@example.com"]"#,
            r#"["j***@e***.com", "jane@example.com"]"#,
        ),
        (email(Sight::Partial), r#" "jane@\u0065xample.com" "#, r#""j***@e***.com""#),
        (
            object([("e mail\"\\\u{e9}", email(Sight::Partial))]),
            r#"{"e mail\"\\é":"jane@example.com"}"#,
            r#"{"e mail\"\\é":"j***@e***.com"}"#,
        ),
        // The same key, written otherwise.
        (
            object([("email", email(Sight::Partial))]),
            r#"{"\u0065mail":"a@b.com"}"#,
            r#"{"\u0065mail":"a***@b***.com"}"#,
        ),
    ] {
        assert_eq!(laid_out(&layout, document), want, "{document}");
    }
}

#[test]
fn values_are_shown_as_cells_of_their_columns() {
    for (layout, value, want) in [
        (of(Sight::Partial, "pci.card", INT4), "41111234", "1234"),
        (of(Sight::Partial, "pci.card", 20), "4111111111111234", "1234"),
        (of(Sight::Partial, "fin.amount", 1700), "52300.50", "50000"),
        (of(Sight::Partial, "fin.amount", 1700), "\"NaN\"", "null"),
        (of(Sight::Partial, "pii.birth_date", DATE), "\"1984-07-09\"", "\"1984-01-01\""),
        (of(Sight::Partial, "pii.birth_date", 1114), "\"1984-07-09T10:11:12.5\"", "\"1984-01-01T00:00:00\""),
        (
            of(Sight::Partial, "pii.birth_date", TIMESTAMPTZ),
            "\"1984-07-09T10:11:12+02:00\"",
            "\"1984-01-01T00:00:00+00:00\"",
        ),
        (of(Sight::Partial, "pii.ip", 869), "\"203.0.113.9\"", "\"203.0.113.0/24\""),
        // A date has no last digits, whatever a text that is one would show.
        (of(Sight::Partial, "pii.phone", DATE), "\"1984-07-09\"", "null"),
        (
            of(Sight::Partial, "pii.email", 1009),
            "[\"a@b.com\", null, [\"c@d.com\"]]",
            "[\"a***@b***.com\",null,[\"c***@d***.com\"]]",
        ),
        (of(Sight::Partial, "pci.card", 1007), "[41111234, null]", "[1234,null]"),
        (of(Sight::Partial, "pii.email", JSONB), "{\"a\": [\"a@b.com\", true]}", "{\"a\":[\"a***@b***.com\",null]}"),
        (of(Sight::Partial, "pii.email", 199), "[[\"a@b.com\"], 1]", "[[\"a***@b***.com\"],null]"),
        // No type that is known.
        (of(Sight::Partial, "pii.email", 0), "\"a@b.com\"", "null"),
        (of(Sight::Token, "pii.email", 16), "true", "null"),
    ] {
        let document = format!("{{\"v\":{value}}}");
        assert_eq!(laid_out(&object([("v", layout)]), &document), format!("{{\"v\":{want}}}"), "{value}");
    }
    // Tokens are those of columns, so that both can be joined.
    let tokens = [(TEXT, "jane", "\"jane\""), (20, "5000000000", "5000000000"), (869, "192.0.2.1", "\"192.0.2.1\"")];
    for (oid, cell, value) in tokens {
        let shown = laid_out(&of(Sight::Token, "x.y", oid), value);
        assert_eq!(shown.trim_matches('"'), token(oid, cell).unwrap(), "{oid}");
    }
    assert!(!laid_out(&of(Sight::Token, "x.y", 2950), "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"").contains("eebc99"));
}

/// What stands in the place of a value that is not seen depends on the type of its column, and not on the value.
#[test]
fn what_is_not_seen_says_nothing_of_itself() {
    let values = ["1", "-1.5e9", "\"x\"", "\"\"", "true", "false", "[]", "{}", "[1]", "{\"a\":1}"];
    let shown = |layout: &Layout, value: &str| laid_out(layout, value);
    for value in values.into_iter().chain(["null"]) {
        assert_eq!(shown(&computed(), value), WHOLE, "{value}");
    }
    for (oid, fits) in [(JSON, &values[..]), (JSONB, &values), (TEXT, &values[2..4])] {
        for value in fits {
            assert_eq!(shown(&of(Sight::Nothing, "pii.email", oid), value), WHOLE, "{oid} {value}");
        }
    }
    let numbers = ["1", "-1.5e9", "\"NaN\"", "\"Infinity\""];
    let texts = ["\"x\"", "\"\""];
    for (oid, fits) in [
        (INT4, &numbers[..]),
        (701, &numbers),
        (1700, &numbers),
        (DATE, &texts),
        (TIMESTAMPTZ, &texts),
        (2950, &texts),
        (1009, &values),
        (16, &values),
        (0, &values),
    ] {
        for value in fits {
            assert_eq!(shown(&of(Sight::Nothing, "pii.email", oid), value), "null", "{oid} {value}");
        }
    }
    for oid in [TEXT, INT4, 0] {
        assert_eq!(shown(&of(Sight::Nothing, "pii.email", oid), "null"), "null");
    }
    // A value like any other, which a column shows as redacted.
    for oid in [JSON, JSONB] {
        assert_eq!(shown(&of(Sight::Nothing, "pii.email", oid), "null"), WHOLE);
    }
}

#[test]
fn a_document_that_is_not_laid_out_so_is_redacted_whole() {
    let row = object([
        ("id", Layout::Clear),
        ("ssn", of(Sight::Nothing, "pii.national_id", TEXT)),
        ("o", array(Layout::Tuple(vec![Layout::Clear]))),
    ]);
    assert_eq!(laid_out(&row, r#"{"id":1,"ssn":"9","o":[[1],[]]}"#), r#"{"id":1,"ssn":"[redacted]","o":[[1],[]]}"#);
    let deep = |levels: usize| format!(r#"{{"id":{}{},"ssn":"9","o":[]}}"#, "[".repeat(levels), "]".repeat(levels));
    for levels in [60, 64, 100_000] {
        assert!(laid_out(&row, &deep(levels)).contains("\"ssn\":\"[redacted]\""));
    }
    for bad in [
        "",
        " ",
        "1",
        "\"903\"",
        "true",
        "nul",
        "nullx",
        "null null",
        "[]",
        r#"{"id":1}"#,
        r#"{"id":1,"ssn":"9"}"#,
        r#"{"id":1,"ssn":"9","o":[]"#,
        r#"{"id":1,"ssn":"9","o":[]}}"#,
        r#"{"id":1,"ssn":"9","o":[]} 903"#,
        r#"{"id":1,"ssn":"9","o":[],}"#,
        r#"{"id":1,"ssn":"9","o":[],"new":"903"}"#,
        r#"{"id":1,"new":"903","ssn":"9","o":[]}"#,
        r#"{"ssn":"9","id":1,"o":[]}"#,
        r#"{"id":1,"id":2,"ssn":"9","o":[]}"#,
        r#"{"id":1,"ssn":"9","ssn":"9","o":[]}"#,
        r#"{"id":1,"SSN":"9","o":[]}"#,
        r#"{"id":1,"ss\u006e ":"9","o":[]}"#,
        r#"{"id":1,"ssn":9,"o":[]}"#,
        r#"{"id":1,"ssn":{"a":"9"},"o":[]}"#,
        r#"{"id":1,"ssn":"9" "x","o":[]}"#,
        r#"{"id":1 "ssn":"9","o":[]}"#,
        r#"{"id":1,"ssn""9","o":[]}"#,
        r#"{"id":,"ssn":"9","o":[]}"#,
        r#"{"id":[1,"ssn":"9","o":[]}"#,
        r#"{"id":[1},"ssn":"9","o":[]}"#,
        r#"{"id":"1,"ssn":"9","o":[]}"#,
        r#"{"id":"1\","ssn":"9","o":[]}"#,
        r#"{"id":01x,"ssn":"9","o":[]}"#,
        r#"{id:1,"ssn":"9","o":[]}"#,
        r#"{"id":1,"ssn":"9","o":{}}"#,
        r#"{"id":1,"ssn":"9","o":1}"#,
        r#"{"id":1,"ssn":"9","o":[1]}"#,
        r#"{"id":1,"ssn":"9","o":[[1,2]]}"#,
        r#"{"id":1,"ssn":"9","o":[[1],]}"#,
    ] {
        for (oid, binary) in [(JSON, false), (JSON, true), (JSONB, false)] {
            let shown = show_as(CellType::of(oid, binary), &row, bad.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(shown).unwrap(), WHOLE, "{bad}");
        }
    }
    assert_eq!(show_as(CellType::of(JSON, false), &row, b"{\"id\":\xff}").unwrap(), WHOLE.as_bytes());
    // No version, or another one.
    for bad in [&br#"{"id":1,"ssn":"9","o":[]}"#[..], b"\x02{}", b""] {
        assert_eq!(show_as(CellType::of(JSONB, true), &row, bad).unwrap(), [b"\x01", WHOLE.as_bytes()].concat());
    }
    for oid in [TEXT, 2249, 1009] {
        assert_ne!(
            show_as(CellType::of(oid, false), &row, br#"{"id":1,"ssn":"9","o":[]}"#),
            Some(br#"{"id":1,"ssn":"9","o":[]}"#.to_vec())
        );
    }
}

#[test]
fn each_document_of_an_array_is_laid_out_or_none_is() {
    let row = object([("id", Layout::Clear), ("email", email(Sight::Partial))]);
    let text = |cell: &str| {
        show_as(CellType::of(199, false), &row, cell.as_bytes()).map(|cell| String::from_utf8(cell).unwrap())
    };
    let one = r#""{\"id\":1,\"email\":\"jane@example.com\"}""#;
    let masked = r#""{\"id\":1,\"email\":\"j***@e***.com\"}""#;
    assert_eq!(text(&format!("{{{one},NULL,{one}}}")), Some(format!("{{{masked},NULL,{masked}}}")));
    assert_eq!(text("{}").as_deref(), Some("{}"));
    for bad in [r#"{"{\"id\":1}"}"#, r#"{"{\"id\":1,\"email\":\"a@b.com\"}","[]"}"#, "{1}", "{"] {
        assert_eq!(text(bad), None, "{bad}");
    }
    let binary = |oid: u32, documents: &[Option<&[u8]>]| {
        let mut cell = Vec::new();
        let count = i32::try_from(documents.len()).unwrap();
        for number in [1, i32::from(documents.contains(&None)), i32::try_from(oid).unwrap(), count, 1] {
            cell.extend_from_slice(&number.to_be_bytes());
        }
        documents.iter().for_each(|document| cell.extend(counted(*document)));
        cell
    };
    let (plain, hidden) = (br#"{"id":1,"email":"jane@example.com"}"#, br#"{"id":1,"email":"j***@e***.com"}"#);
    let shown = show_as(CellType::of(199, true), &row, &binary(JSON, &[Some(plain), None]));
    assert_eq!(shown, Some(binary(JSON, &[Some(hidden), None])));
    let version = |bytes: &[u8]| [b"\x01", bytes].concat();
    let shown = show_as(CellType::of(3807, true), &row, &binary(JSONB, &[Some(&version(plain))]));
    assert_eq!(shown, Some(binary(JSONB, &[Some(&version(hidden))])));
    assert_eq!(show_as(CellType::of(3807, true), &row, &binary(JSONB, &[Some(plain)])), None);
}

#[test]
fn what_can_not_be_shown_of_a_value_hides_it_alone() {
    let of_key = |layout: Layout| object([("id", Layout::Clear), ("v", layout)]);
    let deep = |levels: usize| [b"[".repeat(levels), b"1".to_vec(), b"]".repeat(levels)].concat();
    for (layout, value, want) in [
        // Another encoding than UTF-8.
        (email(Sight::Partial), b"\"j\xe4ne@example.com\"".to_vec(), WHOLE),
        (email(Sight::Token), b"\"j\xe4ne@example.com\"".to_vec(), WHOLE),
        (of(Sight::Partial, "pii.email", JSON), b"{\"\xe4\": \"jane@example.com\"}".to_vec(), WHOLE),
        (of(Sight::Partial, "pii.email", 1009), b"[\"j\xe4ne@example.com\"]".to_vec(), "null"),
        (of(Sight::Partial, "pii.email", 16), b"\"\xe4\"".to_vec(), "null"),
        (email(Sight::Nothing), b"\"\xe4\"".to_vec(), WHOLE),
        // No text is this.
        (email(Sight::Partial), b"\"\\ud800\"".to_vec(), WHOLE),
        (of(Sight::Partial, "pii.email", JSON), deep(100_000), WHOLE),
        (of(Sight::Partial, "pii.email", 199), [b"[".to_vec(), deep(100), b"]".to_vec()].concat(), "[\"[redacted]\"]"),
        (of(Sight::Partial, "pii.email", 1009), deep(100_000), "null"),
        (of(Sight::Partial, "pii.email", 1009), b"[1]".to_vec(), "null"),
        (hidden_json(), deep(100_000), WHOLE),
        (of(Sight::Nothing, "x.y", 0), deep(100_000), "null"),
    ] {
        let document = |value: &[u8]| [b"{\"id\" : \"M\xfcller\",\"v\":", value, b"} "].concat();
        let shown = show_as(CellType::of(JSON, false), &of_key(layout), &document(&value)).unwrap();
        assert_eq!(shown, document(want.as_bytes()), "{}", String::from_utf8_lossy(&value));
    }
    let key = |key: &[u8]| [b"{\"id\":1,\"".as_slice(), key, b"\":2}"].concat();
    let shown = show_as(CellType::of(JSON, false), &of_key(hidden_json()), &key(b"\xfc")).unwrap();
    assert_eq!(shown, WHOLE.as_bytes());
}

#[test]
fn a_document_with_something_computed_to_hide_is_redacted_whole() {
    let row = object([("id", Layout::Clear), ("email", email(Sight::Partial)), ("m", computed())]);
    assert_eq!(laid_out(&row, r#"{"id":1,"email":"jane@example.com","m":1}"#), WHOLE);
    assert_eq!(laid_out(&array(row), "[]"), WHOLE);
}

/// Any value as PostgreSQL takes it for `json`: written in any way, in any encoding.
fn raw() -> impl Strategy<Value = Vec<u8>> {
    let text = |pattern: &'static str| pattern.prop_map(String::into_bytes);
    let string = move || {
        let piece = prop_oneof![
            text("[ -!#-\\[\\]-~]{0,4}"),
            prop::collection::vec(0x80_u8..=0xff, 0..4),
            prop::sample::select(vec!["\\\"", "\\\\", "\\/", "\\n", "\\u0000", "\\ud800", "\\u00e9"])
                .prop_map(|piece| piece.into()),
        ];
        prop::collection::vec(piece, 0..4).prop_map(|pieces| [b"\"".to_vec(), pieces.concat(), b"\"".to_vec()].concat())
    };
    let leaf =
        prop_oneof![text("null|true|false|-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,9})?([eE][-+]?[0-9]{1,3})?"), string()];
    let blank = move || text("[ \t\n\r]{0,9}");
    let spaced =
        move |value: BoxedStrategy<Vec<u8>>| (blank(), value, blank()).prop_map(|(a, b, c)| [a, b, c].concat());
    let list = |open: &'static [u8], members: Vec<Vec<u8>>, close: &'static [u8]| {
        [open, &members.join(b",".as_slice()), close].concat()
    };
    let any = leaf.boxed().prop_recursive(3, 16, 4, move |inner| {
        let value = spaced(inner.boxed()).boxed();
        let member =
            (spaced(string().boxed()), value.clone()).prop_map(|(key, value)| [key, b":".to_vec(), value].concat());
        prop_oneof![
            prop::collection::vec(value, 0..4).prop_map(move |members| list(b"[", members, b"]")),
            prop::collection::vec(member, 0..4).prop_map(move |members| list(b"{", members, b"}")),
        ]
    });
    let deep =
        (any, 0_usize..200).prop_map(|(value, levels)| [b"[".repeat(levels), value, b"]".repeat(levels)].concat());
    spaced(deep.boxed())
}

/// Any value as JSON writes it.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[ -~é\\\\\"]{0,6}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec(("[a-c]{1,2}", inner), 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever a document holds, a canary under a hidden key is not shown, and what is under the others is.
    #[test]
    fn a_hidden_value_is_never_shown(before in json(), behind in json(), hidden in json(), pretty in any::<bool>()) {
        let layout = object([("a", Layout::Clear), ("s", of(Sight::Nothing, "x.y", JSON)), ("z", Layout::Clear)]);
        let document = serde_json::json!({"a": before, "s": [hidden, "CANARY"], "z": behind});
        let written = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
        let shown = laid_out(&layout, &written.unwrap());
        prop_assert!(!shown.contains("CANARY"));
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        prop_assert_eq!((&shown["a"], &shown["z"]), (&document["a"], &document["z"]));
        prop_assert_eq!(&shown["s"], "[redacted]");
    }

    /// Whatever a hidden value is and however it is written, what is shown is the same to the byte.
    #[test]
    fn a_hidden_value_decides_nothing(one in raw(), other in raw(), before in raw(), behind in raw()) {
        let layouts = [
            (hidden_json(), ["", ""]),
            (array(hidden_json()), ["[", "]"]),
            (array(hidden_json()), ["[1,", ", 2 ]"]),
            (Layout::Tuple(vec![Layout::Clear, hidden_json(), Layout::Clear]), ["[1, ", " ,2]"]),
            (object([("a", Layout::Clear), ("s", hidden_json()), ("z", Layout::Clear)]), ["{\"a\" : B , \"s\" : ", ", \"z\" : Z}"]),
            (object([("s", array(object([("s", of(Sight::Nothing, "x.y", JSONB))])))]), [" {\"s\" : [{\"s\" :", "} , {\"s\":1}] } "]),
            (object([("s", of(Sight::Nothing, "x.y", 0))]), ["{\"s\":[", "]}"]),
        ];
        let fill = |part: &str| -> Vec<u8> {
            let of = |byte: u8| match byte {
                b'B' => before.clone(),
                b'Z' => behind.clone(),
                byte => vec![byte],
            };
            part.bytes().flat_map(of).collect()
        };
        let quoted = |document: &[u8]| {
            let escape = |byte: &u8| if matches!(byte, b'"' | b'\\') { vec![b'\\', *byte] } else { vec![*byte] };
            [b"{\"".to_vec(), document.iter().flat_map(escape).collect(), b"\"}".to_vec()].concat()
        };
        for (layout, [left, right]) in layouts {
            let document = |hidden: &[u8]| [fill(left), hidden.to_vec(), fill(right)].concat();
            let shown = |oid: u32, cell: &[u8]| show_as(CellType::of(oid, false), &layout, cell);
            let [one, other] = [document(&one), document(&other)];
            let whole = shown(JSON, &one);
            prop_assert_eq!(&whole, &shown(JSON, &other), "{}", left);
            // It is not so because all of it is redacted.
            prop_assert!(left.is_empty() || whole.is_some_and(|whole| whole != WHOLE.as_bytes()), "{}", left);
            let listed = shown(199, &quoted(&one));
            prop_assert_eq!(&listed, &shown(199, &quoted(&other)), "{}", left);
            prop_assert!(listed.is_some(), "{}", left);
        }
    }

    /// Bytes that are changed anywhere show the canary in no way, and what is shown stays a document.
    #[test]
    fn broken_documents_show_nothing_more(
        cut in any::<prop::sample::Index>(),
        put in prop::sample::select(vec!["", "\"", "\\", "{", "}", "[", "]", ",", ":", "null", "1", " ", "\"s\":", "\"a\":1,"]),
        gone in 0_usize..4,
    ) {
        let layout = array(object([("a", Layout::Clear), ("s", email(Sight::Nothing))]));
        let whole = r#"[{"a":"x","s":"CANARY"},{"a":[1,{"b":2}],"s":"CANARY"}]"#;
        let at = cut.index(whole.len());
        let end = (at + gone).min(whole.len());
        let broken = format!("{}{put}{}", &whole[..at], &whole[end..]);
        let shown = laid_out(&layout, &broken);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok() || serde_json::from_str::<serde_json::Value>(&broken).is_err(), "{}", shown);
        if serde_json::from_str::<serde_json::Value>(&broken).is_ok_and(|_| !broken.contains("\"a\":1,")) {
            prop_assert!(!shown.contains("CANARY"), "{}\n{}", broken, shown);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), oid in prop::sample::select(vec![JSON, JSONB, 199, 3807, TEXT]), binary in any::<bool>()) {
        let layout = array(object([("a", Layout::Clear), ("s", email(Sight::Partial))]));
        let _ = show_as(CellType::of(oid, binary), &layout, &bytes);
    }
}
