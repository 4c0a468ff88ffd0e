//! Messages too long to be held, and function calls by the fast path.

use gate::{Event, Ruling};

use super::house::*;
use crate::wire::build;

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    build::frame(&mut bytes, kind, |out| out.extend_from_slice(body));
    bytes
}

/// A Bind with one parameter of so many bytes, that asks for binary.
fn long_bind(statement: &str, bytes: usize) -> Vec<u8> {
    let length = i32::try_from(bytes).unwrap().to_be_bytes();
    let head = [b"\0", statement.as_bytes(), b"\0\0\0\0\x01", &length].concat();
    frame(b'B', &[head, vec![b'x'; bytes], b"\0\x01\0\x01".to_vec()].concat())
}

fn in_pieces(house: &mut House, bytes: &[u8]) {
    bytes.chunks(65_536).for_each(|piece| house.conversation.take_from_caller(piece, NOW));
}

#[test]
fn a_long_bind_goes_on_as_it_comes_and_is_read_in_passing() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT email FROM customers WHERE city = $1"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    house.shown();
    let bind = long_bind("a", 3_000_000);
    in_pieces(&mut house, &[&bind[..], &execute(""), &sync()].concat());
    let sent = house.forwarded_bytes();
    assert!(sent.starts_with(&bind), "what was sent is not what came");
    assert_eq!(frames(&sent).iter().map(|(kind, _)| char::from(*kind)).collect::<String>(), "BDES");
    let records = house.ledger.records.lock();
    let bound = records.iter().rev().find_map(|record| match &record.event {
        Event::Decided(decided) => Some(decided.bound),
        _ => None,
    });
    assert!(bound.flatten().is_some(), "the log has nothing of the parameters");
}

#[test]
fn the_rest_of_a_long_bind_that_is_refused_goes_nowhere() {
    let mut house = House::new();
    in_pieces(&mut house, &[&long_bind("none", 3_000_000)[..], &execute(""), &sync(), &query("SELECT 1")].concat());
    assert_eq!(house.forwarded(), "!SQ");
    house.target(&[error("26000"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E26000 ZI");
    // Behind a refusal in its batch it is dropped like anything else.
    let mut house = House::new();
    let batch = [parse("", "DROP TABLE orders"), long_bind("", 3_000_000), execute(""), sync()].concat();
    in_pieces(&mut house, &batch);
    assert_eq!(house.forwarded(), "!S");
}

#[test]
fn a_long_bind_that_does_not_add_up_ends_the_session() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT status FROM orders WHERE note = $1"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    let mut bind = long_bind("a", 3_000_000);
    let last = bind.len() - 3;
    bind[last] = 7;
    in_pieces(&mut house, &bind);
    assert!(house.conversation.ended().is_some());
    assert_eq!(house.shown(), "1 ZI E08P01");
}

#[test]
fn a_text_that_is_too_long_is_an_error_and_the_session_goes_on() {
    let mut house = House::new();
    let long = vec![b'x'; 65 * 1024 * 1024];
    for (kind, body, expected) in [(b'Q', &long[..], "!"), (b'P', &[b"name\0", &long[..]].concat(), "!S")] {
        in_pieces(&mut house, &frame(kind, body));
        house.conversation.take_from_caller(&sync(), NOW);
        let forwarded = house.forwarded();
        assert!(forwarded.starts_with(expected), "{forwarded}");
        house.target(&[error("42601"), ready(b'I')].concat());
        assert!(house.shown().starts_with("E54000 ZI"));
        house.target(&if kind == b'Q' { ready(b'I') } else { Vec::new() });
        assert!(house.conversation.ended().is_none());
        house.shown();
    }
    assert!(house.rulings().iter().all(|(ruling, _)| *ruling == Ruling::Deny));
    assert_eq!(house.caller(&query("SELECT 1")), "Q");
}

#[test]
fn a_long_masked_row_is_masked_as_it_comes() {
    let mut house = House::new();
    house.caller(&query("SELECT ssn, city FROM customers"));
    house.target(&shape(&[("ssn", CUSTOMERS, 3, 25), ("city", CUSTOMERS, 4, 25)]));
    let long = "5".repeat(3_000_000);
    let rows = [row(&[&long, "Leeds"]), row(&["512-44-9821", &long]), complete(), ready(b'I')].concat();
    rows.chunks(65_536).for_each(|piece| house.conversation.take_from_target(piece, NOW));
    let shown = cells(&house.conversation.to_caller);
    assert_eq!(shown, [["[redacted]", "Leeds"], ["[redacted]", &long]]);
    assert_eq!(house.shown(), "T D D N01000 C ZI");
    // A clear cell that is long, before a masked one.
    house.caller(&query("SELECT city, ssn FROM customers"));
    house.target(&shape(&[("city", CUSTOMERS, 4, 25), ("ssn", CUSTOMERS, 3, 25)]));
    let longer = "5".repeat(20_000_000);
    row(&[&longer, "512-44-9821"]).chunks(65_536).for_each(|piece| house.conversation.take_from_target(piece, NOW));
    assert_eq!(house.shown(), "T E54000");
    assert!(house.conversation.ended().is_some());
}

fn call(function: u32) -> Vec<u8> {
    frame(b'F', &[&function.to_be_bytes()[..], b"\0\x01\0\x01\0\x01\0\0\0\x04\0\0\0\x07\0\x01"].concat())
}

#[test]
fn functions_of_large_objects_are_called_and_others_are_opaque() {
    let mut house = House::new();
    assert_eq!(house.caller(&call(952)), "F");
    house.target(&[frame(b'V', b"\0\0\0\x04\0\0\0\0"), ready(b'I')].concat());
    assert_eq!(house.shown(), "V ZI");
    assert_eq!(house.caller(&call(953)), "F");
    house.target(&[error("42704"), ready(b'E')].concat());
    assert_eq!(house.shown(), "E42704 ZE");
    for refused in [764, 2621, 1] {
        assert_eq!(house.caller(&call(refused)), "!", "{refused}");
        house.target(&[error("42601"), ready(b'I')].concat());
        assert_eq!(house.shown(), "E42501 ZI");
    }
    // A result that nobody asked for, and a second one.
    for (text, unasked) in [(query("SELECT 1"), 1), (call(952), 2)] {
        let mut house = House::new();
        house.caller(&text);
        house.target(&frame(b'V', b"\xff\xff\xff\xff").repeat(unasked));
        assert!(house.conversation.ended().is_some());
    }
    assert_eq!(House::new().caller(&frame(b'F', b"\0\0")), "");
}
