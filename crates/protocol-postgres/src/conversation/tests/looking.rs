//! What is found in values of columns that nobody has classified.

use std::sync::Arc;

use gate::{Event, Found};
use proptest::prelude::*;

use super::house::*;

const NOTES: [(&str, u32, i16, u32); 3] = [("id", ORDERS, 1, 23), ("note", ORDERS, 4, 25), ("sum", 0, 0, 20)];
const NOTE: &str = "call ada@example.com about 536-90-4399";

fn answer() -> Vec<u8> {
    [
        shape(&NOTES),
        row(&["1", NOTE, "7"]),
        row(&["2", "nothing", "8"]),
        row(&["3", "é", "4539148803436467"]),
        complete(),
        ready(b'I'),
    ]
    .concat()
}

fn found(house: &House) -> Vec<Vec<String>> {
    let records = house.ledger.records.lock();
    let ended = records.iter().filter_map(|record| match &record.event {
        Event::Ended(ended) => ended.found.as_ref(),
        _ => None,
    });
    ended.map(|found| found.iter().map(|word| word.to_string()).collect()).collect()
}

#[test]
fn what_is_found_is_replaced_where_it_stands_and_recorded() {
    for classified in [true, false] {
        let mut house = House::looking(false, classified);
        house.caller(&query("SELECT id, note, count(*) AS sum FROM orders GROUP BY id"));
        house.target(&answer());
        let shown = cells(&house.conversation.to_caller);
        assert_eq!(shown[0], ["1", "call a***@e***.com about [redacted]", "7"]);
        assert_eq!(shown[1], ["2", "nothing", "8"]);
        assert_eq!(shown[2], ["3", "é", "NULL"]);
        assert_eq!(house.shown(), "T D D D N01000 C ZI");
        assert_eq!(found(&house), [["pci.card:nothing", "pii.email:partial", "pii.national_id:nothing"]]);
        let records = house.ledger.records.lock();
        let mut masked = records.iter().filter_map(|record| match &record.event {
            Event::Ended(ended) => Some(ended.masked),
            _ => None,
        });
        assert_eq!(masked.next_back(), Some(2));
    }
}

#[test]
fn who_sees_all_is_shown_what_comes_as_it_comes() {
    let mut house = House::looking(true, false);
    house.caller(&query("SELECT id, note, count(*) AS sum FROM orders GROUP BY id"));
    let bytes = answer();
    house.target(&bytes[..bytes.len() - 30]);
    house.target(&bytes[bytes.len() - 30..]);
    assert_eq!(house.conversation.to_caller, bytes);
    assert!(found(&house).is_empty(), "nothing was looked at");
}

#[test]
fn what_is_not_described_by_the_caller_is_by_weir() {
    let run = || [parse("s", "SELECT note FROM orders"), bind("", "s"), execute(""), sync()].concat();
    let answer = |description: &[u8]| {
        let row = row(&["ada@example.com"]);
        [&plain(b'1')[..], &plain(b'2'), description, &row, &complete(), &ready(b'I')].concat()
    };
    let mut house = House::looking(false, false);
    assert_eq!(house.caller(&run()), "PBDES");
    house.target(&answer(&shape(&[("note", ORDERS, 4, 25)])));
    assert_eq!(cells(&house.conversation.to_caller), [["a***@e***.com"]]);
    let mut house = House::looking(true, false);
    assert_eq!(house.caller(&run()), "PBES");
    house.target(&answer(b""));
    assert_eq!(cells(&house.conversation.to_caller), [["ada@example.com"]]);
}

#[test]
fn a_column_is_dense_for_all_and_that_is_an_event_once() {
    let mut house = House::looking(false, false);
    let columns = [("note", ORDERS, 4, 25)];
    let mut ask = |cell: &str, count: usize| {
        house.conversation.to_caller.clear();
        house.caller(&query("SELECT note FROM orders"));
        house.target(&[shape(&columns), row(&[cell]).repeat(count), complete(), ready(b'I')].concat());
        cells(&house.conversation.to_caller).pop().unwrap().pop().unwrap()
    };
    assert_eq!(ask("ada at example dot com", 3), "ada at example dot com");
    assert_eq!(ask("ada@example.com", 11), "a***@e***.com");
    assert_eq!(ask("ada at example dot com", 1), "ada at example dot com", "fifteen are too few");
    assert_eq!(ask("ada@example.com", 30), "a***@e***.com");
    assert_eq!(ask("ada at example dot com", 1), "[redacted]");
    let records = house.ledger.records.lock();
    let found: Vec<&Found> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Found(found) => Some(found),
            _ => None,
        })
        .collect();
    let (field, class) = ("public.orders.note".to_owned(), "pii.email".to_owned());
    assert_eq!(found, [&Found { field, class, values: found[0].values, found: found[0].found }]);
    assert!(found[0].values >= 16 && found[0].found * 10 >= found[0].values * 8, "{found:?}");
}

#[test]
fn what_is_said_in_words_is_looked_at() {
    let mut house = House::looking(false, false);
    house.caller(&query("SELECT note FROM orders"));
    house.target(&[notice("seen: ada@example.com"), error("22012"), ready(b'I')].concat());
    let text = String::from_utf8_lossy(&house.conversation.to_caller).into_owned();
    assert!(text.contains("seen: a***@e***.com") && !text.contains("ada@"), "{text}");
    assert!(text.contains("the value [redacted] is wrong"), "{text}");
    assert_eq!(house.shown(), "N01000 E22012 ZI");
}

#[test]
fn the_log_keeps_no_literal_in_which_something_is_found() {
    let mut house = House::looking(true, false);
    for text in
        ["SELECT id FROM orders WHERE note = 'ada@example.com'", "SELECT id FROM orders WHERE note = 'bob@example.com'"]
    {
        house.caller(&query(text));
        house.target(&[shape(&[("id", ORDERS, 1, 23)]), complete(), ready(b'I')].concat());
    }
    house.caller(&query("SELECT id FROM orders WHERE note = 'nobody'"));
    let records = house.ledger.records.lock();
    let texts: Vec<Arc<str>> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Decided(decided) => Some(Arc::clone(&decided.text.0)),
            _ => None,
        })
        .collect();
    assert!(texts[..2].iter().all(|text| text.contains("note = tok_")), "{texts:?}");
    assert_eq!(&*texts[2], "SELECT id FROM orders WHERE note = 'nobody'");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_cut_of_what_the_target_sends_is_shown_the_same(at in any::<prop::sample::Index>(), second in any::<prop::sample::Index>()) {
        let mut whole = House::looking(false, false);
        whole.caller(&query("SELECT id, note, count(*) AS sum FROM orders GROUP BY id"));
        whole.target(&answer());
        let bytes = answer();
        let (mut a, mut b) = (at.index(bytes.len()), second.index(bytes.len()));
        if a > b { std::mem::swap(&mut a, &mut b); }
        let mut cut = House::looking(false, false);
        cut.caller(&query("SELECT id, note, count(*) AS sum FROM orders GROUP BY id"));
        for piece in [&bytes[..a], &bytes[a..b], &bytes[b..]] {
            cut.target(piece);
        }
        prop_assert_eq!(&cut.conversation.to_caller, &whole.conversation.to_caller);
    }
}

#[test]
fn what_is_shown_is_a_value_of_its_type() {
    let columns = [
        ("doc", ORDERS, 3, 3802),
        ("tags", 0, 0, 1009),
        ("blob", 0, 0, 17),
        ("page", 0, 0, 142),
        ("other", 0, 0, 99_999),
        ("relname", 1259, 2, 19),
    ];
    let shown = |cells_of: [&str; 6]| {
        let mut house = House::looking(false, false);
        house.caller(&query("SELECT * FROM orders"));
        house.target(&[shape(&columns), row(&cells_of)].concat());
        cells(&house.conversation.to_caller).pop().unwrap()
    };
    let hex: String = b"to ada@example.com".iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        shown([
            r#"{"a": "to ada@example.com", "n": 4539148803436467, "ada@example.com": ["536-90-4399", 7, {"b": "\"\u0061da@example.com\n"}]}"#,
            r#"{ok,"call ada@example.com, now",NULL,"\""}"#,
            &format!("\\x{hex}"),
            r#"<p to="ada@example.com"/>"#,
            "ada@example.com",
            "ada@example.com",
        ]),
        [
            r#"{"a": "to a***@e***.com", "n": null, "a***@e***.com": ["[redacted]", 7, {"b": "\"a***@e***.com\u000a"}]}"#,
            r#"{ok,"call a***@e***.com, now",NULL,"\""}"#,
            "NULL",
            r#"<p to="a***@e***.com"/>"#,
            "NULL",
            "ada@example.com",
        ]
    );
    // What is nothing is what it was, to the blank; what is no document can't be told.
    let harmless = [r#"{ "a" :"b\u0041\n", "n":1.50e3}"#, r#"[0:1]={a,"b\\"}"#, "\\xff00", "<a/>", "x", "y"];
    assert_eq!(shown(harmless), harmless);
    assert_eq!(shown([r#"{"a": "\ud800"}"#, "{a", "\\x0", "", "", ""])[..3], ["\"[redacted]\"", "NULL", "NULL"]);
}

#[test]
fn numbers_in_binary_are_looked_at_as_they_are_written() {
    let mut house = House::looking(false, false);
    house.caller(&query("SELECT total FROM orders"));
    let row_of = |number: i64| {
        let mut bytes = row(&["12345678"]);
        let at = bytes.len() - 8;
        bytes[at..].copy_from_slice(&number.to_be_bytes());
        bytes
    };
    let rows = [row_of(7), row_of(4_539_148_803_436_467)];
    house.target(&[binary_shape(&[("total", ORDERS, 3, 20)]), rows.concat(), complete(), ready(b'I')].concat());
    let shown = frames(&house.conversation.to_caller);
    assert_eq!(shown[1].1, rows[0][5..]);
    assert_eq!(cells(&house.conversation.to_caller)[1], ["NULL"]);
}

/// A text of which a part is something, longer than a cell that is held.
fn long(text: &str) -> String {
    format!("{text} {}", "lorem ipsum ".repeat(100_000))
}

#[test]
fn what_is_too_long_to_be_taken_apart_keeps_its_length_in_a_row_that_has_begun() {
    let mut house = House::looking(false, false);
    house.caller(&query("SELECT note, tags, id FROM orders"));
    // A list in binary of one text, the length of which is no letter beyond ASCII.
    let element = "ada@example.com, ".repeat(80_000)[..0x12_7f_7f].to_owned();
    let head = "\0\0\0\u{1}\0\0\0\0\0\0\0\u{19}\0\0\0\u{1}\0\0\0\u{1}\0\u{12}\u{7f}\u{7f}";
    let (note, tags) = (long("call ada@example.com"), format!("{head}{element}"));
    let columns = [("note", ORDERS, 4, 25), ("tags", 0, 0, 1009), ("id", ORDERS, 1, 25)];
    let answer = [binary_shape(&columns), row(&[&note, &tags, "last"]), complete(), ready(b'I')].concat();
    for piece in answer.chunks(100_000) {
        house.target(piece);
    }
    let shown = cells(&house.conversation.to_caller).pop().unwrap();
    assert_eq!(shown[0], note.replacen("ada@example.com", "***************", 1));
    assert_eq!(shown[1], "*".repeat(tags.len()));
    assert_eq!(shown[2], "last");
    assert_eq!(house.shown(), "T D N01000 C ZI", "what follows is where it should be");
}

#[test]
fn a_long_text_with_nothing_in_it_is_shown_whatever_stands_behind_it() {
    let mut house = House::looking(false, false);
    house.caller(&query("SELECT note, mail FROM orders"));
    let columns = [("note", ORDERS, 4, 25), ("mail", ORDERS, 5, 25)];
    let note = long("nothing");
    let dense = row(&["x", "ada@example.com"]).repeat(20);
    let answer = [shape(&columns), dense, row(&[&note, "ada at example dot com"]), complete(), ready(b'I')].concat();
    for piece in answer.chunks(100_000) {
        house.target(piece);
    }
    let shown = cells(&house.conversation.to_caller).pop().unwrap();
    assert!(shown[0] == note, "{} bytes of it", shown[0].len());
    assert_eq!(shown[1], "[redacted]");
}

#[test]
fn what_looks_like_others_within_others_is_looked_at_once() {
    // Words that say to be a row of one field and a list of one element at once, in each of which is another such.
    let mut cell = b"ada@example.com".to_vec();
    for _ in 0..180 {
        let length = u32::try_from(cell.len()).unwrap().to_be_bytes();
        cell = [&1_u32.to_be_bytes()[..], &1_u32.to_be_bytes(), &length, &cell].concat();
    }
    let mut house = House::looking(false, false);
    house.caller(&query("SELECT note FROM orders"));
    house.target(&binary_shape(&[("note", ORDERS, 4, 99_999)]));
    // A row of as many letters, with these bytes in their place.
    let mut bytes = row(&[&"x".repeat(cell.len())]);
    let at = bytes.len() - cell.len();
    bytes[at..].copy_from_slice(&cell);
    for _ in 0..50 {
        house.target(&bytes);
    }
    assert!(cells(&house.conversation.to_caller).iter().all(|row| row == &["NULL"]));
}

#[test]
fn the_names_of_what_a_column_is_made_of_speak_for_what_is_in_it() {
    let shown = |sql: &str| {
        let mut house = House::looking(false, false);
        house.caller(&query(sql));
        house.target(&[shape(&[("x", 0, 0, 25)]), row(&["536904399"])].concat());
        let mut rows = cells(&house.conversation.to_caller);
        rows.pop().unwrap_or_else(|| panic!("{sql}: {}", house.shown())).pop().unwrap()
    };
    for sql in [
        "SELECT ssn AS x FROM orders UNION ALL SELECT NULL",
        "SELECT coalesce(ssn, '') AS x FROM orders",
        "WITH t AS (SELECT coalesce(ssn, '') AS y FROM orders) SELECT coalesce(y, '') AS x FROM t",
        "SELECT *, coalesce(ssn, '') FROM orders",
    ] {
        assert_eq!(shown(sql), "[redacted]", "{sql}");
    }
    for sql in ["SELECT coalesce(note, '') AS x FROM orders", "SELECT count(*) AS x FROM orders WHERE ssn = ''"] {
        assert_eq!(shown(sql), "536904399", "{sql}");
    }
}

#[test]
fn times_that_are_written_otherwise_are_not_shown_where_their_name_tells() {
    let shown = |oid: u32, value: &str| {
        let mut house = House::looking(false, false);
        house.caller(&query("SELECT coalesce(birth_date) AS birth_date FROM orders"));
        house.target(&[shape(&[("birth_date", 0, 0, oid)]), row(&[value])].concat());
        cells(&house.conversation.to_caller).pop().unwrap().pop().unwrap()
    };
    assert_eq!(shown(1114, "Fri Mar 02 00:00:00 1984"), "NULL");
    assert_eq!(shown(1082, "03/02/1984"), "NULL");
    assert_eq!(shown(1082, "infinity"), "infinity");
    assert_eq!(shown(1082, "1984-03-02"), "NULL");
}
