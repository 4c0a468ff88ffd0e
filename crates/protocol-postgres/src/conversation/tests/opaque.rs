//! Texts that can't be read, and settings under which they can't: passed on whole to those who may do what can't be told.

use super::house::*;

/// Texts that Weir can't read, and what a caller is told who may not send them.
fn unreadable() -> Vec<(Vec<u8>, &'static str)> {
    let deep = format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000));
    let long = format!("SELECT '{}'", "x".repeat(2 * 1024 * 1024));
    vec![
        (query("SELECT FUTURE SYNTAX ((("), "E42601 ZI"),
        (query(&deep), "E54000 ZI"),
        (query(&long), "E54000 ZI"),
        ([b"Q\0\0\0\x0eSELECT '\xe9".as_slice(), b"\0"].concat(), "E22021 ZI"),
    ]
}

#[test]
fn who_may_not_send_what_cannot_be_read_is_told_what_is_wrong() {
    for (text, told) in unreadable() {
        let mut house = House::new();
        assert_eq!(house.caller(&text), "!", "{told}");
        house.target(&[error("42601"), ready(b'I')].concat());
        assert_eq!(house.shown(), told);
    }
}

#[test]
fn where_nothing_is_classified_what_cannot_be_read_passes_and_so_does_what_comes_back() {
    for (text, told) in unreadable() {
        let mut house = House::opaque(false);
        assert_eq!(house.caller(&text), "Q", "{told}");
        // Several results, and the target's own error.
        let results = [shape(&[("a", 0, 0, 25)]), row(&["x"]), complete()].concat();
        let all = [results.clone(), results, error("42601"), ready(b'I')].concat();
        house.target(&all);
        assert_eq!(house.conversation.to_caller, all);
    }
}

#[test]
fn where_something_is_classified_nothing_of_it_is_shown() {
    for (text, told) in unreadable() {
        let mut house = House::opaque(true);
        assert_eq!(house.caller(&text), "Q", "{told}");
        let results = [shape(&[("city", CUSTOMERS, 4, 25)]), row(&["512-44-9821"]), complete()].concat();
        house.target(&[results.clone(), results, error("22P02"), ready(b'I')].concat());
        let shown = String::from_utf8_lossy(&house.conversation.to_caller).into_owned();
        assert!(!shown.contains("512-44-9821"), "{shown}");
        assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"], ["[redacted]"]]);
    }
}

#[test]
fn prepared_it_is_the_same() {
    let mut house = House::opaque(true);
    assert_eq!(
        house.caller(&[parse("", "SELECT FUTURE SYNTAX ((("), bind("", ""), execute(""), sync()].concat()),
        "PBDES"
    );
    house.target(
        &[plain(b'1'), plain(b'2'), shape(&[("a", 0, 0, 25)]), row(&["512-44-9821"]), complete(), ready(b'I')].concat(),
    );
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
    let mut house = House::new();
    assert_eq!(house.caller(&[parse("", "SELECT FUTURE SYNTAX ((("), sync()].concat()), "!S");
    house.target(&[error("26000"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E42601 ZI");
}

/// Code did what nobody may do through Weir in so many words.
#[test]
fn while_texts_are_read_otherwise_only_plain_ones_are_read() {
    for (name, value, text) in [
        ("standard_conforming_strings", "off", "SELECT '\\', md5(ssn) FROM customers --'"),
        ("client_encoding", "SJIS", "SELECT 'é', md5(ssn) FROM customers --'"),
    ] {
        let mut house = House::new();
        house.target(&parameter(name, value));
        house.shown();
        assert_eq!(house.caller(&query(text)), "!", "{name}");
        house.target(&[error("42601"), ready(b'I')].concat());
        assert_eq!(house.shown(), "E0A000 ZI", "{name}");
        assert_eq!(house.caller(&query("SELECT 'it''s' FROM orders")), "Q", "{name}");
        house.target(&[complete(), parameter(name, if value == "off" { "on" } else { "UTF8" }), ready(b'I')].concat());
        assert_eq!(house.caller(&query(text)), "Q", "{name}");
        // Who may send it all the same sees nothing of it.
        let mut house = House::opaque(true);
        house.target(&parameter(name, value));
        house.caller(&query(text));
        house.target(&[shape(&[("md5", 0, 0, 25)]), row(&["512-44-9821"])].concat());
        assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]], "{name}");
    }
}

#[test]
fn behind_code_a_text_waits_until_it_is_told_how_it_is_read() {
    let code = "SELECT some_code()";
    let text = "SELECT '\\' FROM orders --'";
    let mut house = House::new();
    assert_eq!(house.caller(&[query(code), query("SELECT status FROM orders"), query(text)].concat()), "QQ");
    assert_eq!(house.target(&[complete(), ready(b'I')].concat()), "Q");
    // It was told, and is another text by that.
    let mut house = House::new();
    assert_eq!(house.caller(&[query(code), query(text)].concat()), "Q");
    let off = parameter("standard_conforming_strings", "off");
    assert_eq!(house.target(&[complete(), off, ready(b'I')].concat()), "!");
    // In one batch nothing is told in between.
    let mut house = House::new();
    house.caller(&[parse("f", code), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    assert_eq!(house.caller(&[bind("", "f"), execute(""), parse("", text), sync()].concat()), "BDE!S");
}
