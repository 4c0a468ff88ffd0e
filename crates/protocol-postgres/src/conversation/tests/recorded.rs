//! What the recording of a session gets: what its caller was shown, and of what it saw clear no more than is to be kept.

use std::sync::atomic::Ordering;

use model::Sight;

use super::house::*;
use crate::wire::build;

const CUSTOMER: [(&str, u32, i16, u32); 4] =
    [("id", CUSTOMERS, 1, 23), ("email", CUSTOMERS, 2, 25), ("ssn", CUSTOMERS, 3, 1043), ("city", CUSTOMERS, 4, 25)];

fn answer() -> Vec<u8> {
    let ada = row(&["1", "ada@example.com", "536-90-4399", "Bath"]);
    let bob = row(&["2", "bob@example.com", "512-44-9821", "York"]);
    [shape(&CUSTOMER), ada, bob, complete(), ready(b'I')].concat()
}

const ALL: &str = "SELECT id, email, ssn, city FROM customers";

fn texts(tape: &Tape) -> Vec<String> {
    let word = |piece: &Piece| match piece {
        Piece::Record(text) => text.split([' ', '(', '{']).next().unwrap().to_owned(),
        Piece::About(op) => format!("#{op}"),
        Piece::Shape(fields) => fields.join(","),
        Piece::Shown(bytes) => frames(bytes).iter().map(|(kind, _)| char::from(*kind)).collect(),
        Piece::Instead(_, kept) => {
            format!("[{}]", frames(kept).iter().map(|(kind, _)| char::from(*kind)).collect::<String>())
        }
    };
    tape.pieces.lock().iter().map(word).collect()
}

#[test]
fn what_is_shown_is_kept_between_what_was_decided_and_how_it_ended() {
    let (mut house, tape) = House::recorded(false, false, Sight::Token);
    house.caller(&query(ALL));
    house.target(&answer());
    assert_eq!(tape.kept(), house.conversation.to_caller, "masked as it was shown");
    assert!(cells(&tape.kept())[0].contains(&"a***@e***.com".to_owned()));
    house.caller(&query("SELECT * FROM vault"));
    house.target(&[error("42601"), ready(b'I')].concat());
    assert_eq!(tape.kept(), house.conversation.to_caller);
    let shape = "id::clear:clear,email:pii.email:partial:partial,ssn:pii.national_id:nothing:nothing,city::clear:clear";
    let expected = ["Admitted", "Decided", "#1", shape, "TDDN", "Ended", "CZ", "Decided", "#0", "EZ"];
    let mut found = texts(&tape);
    // How the rest is put together is the reads' matter.
    found.retain(|word| !matches!(word.as_str(), "T" | "D" | "C" | "Z" | "N"));
    for word in ["Admitted", "Decided", "#1", shape, "Ended", "#0"] {
        assert!(found.iter().any(|found| found == word), "{word} of {expected:?} in {found:?}");
    }
}

#[test]
fn what_is_seen_clear_of_a_class_is_kept_as_a_token_that_is_the_same_everywhere() {
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let (mut house, tape) = House::recorded(true, false, Sight::Token);
        house.caller(&query(ALL));
        house.target(&answer());
        assert_eq!(house.conversation.to_caller, answer(), "the caller sees all");
        let (shown, kept) = (answer(), cells(&tape.kept()));
        assert_eq!(tape.bytes(), shown.len());
        assert_eq!((kept[0][0].as_str(), kept[0][3].as_str(), kept.len()), ("1", "Bath", 2));
        assert!(kept[0][1].starts_with("tok_") && kept[0][2].starts_with("tok_"), "{kept:?}");
        let key = house.conversation.session().kept_tokens();
        assert_eq!(kept[1][2], key.text("pii.national_id", b"512-44-9821"));
        assert_ne!(kept[1][2], house.conversation.session().tokens().text("pii.national_id", b"512-44-9821"));
        tokens.push(kept);
    }
    assert_eq!(tokens[0], tokens[1]);
    for (sight, ssn) in [(Sight::Nothing, "[redacted]"), (Sight::Clear, "536-90-4399")] {
        let (mut house, tape) = House::recorded(true, false, sight);
        house.caller(&query(ALL));
        house.target(&answer());
        assert_eq!(cells(&tape.kept())[0][2], ssn);
    }
}

#[test]
fn what_is_computed_of_it_is_not_kept_and_what_is_found_is_kept_as_a_token() {
    let (mut house, tape) = House::recorded(true, true, Sight::Token);
    house.caller(&query("SELECT upper(ssn) AS note, city FROM customers"));
    let rows = [row(&["536-90-4399", "Bath, ada@example.com"]), row(&["512-44-9821", "card 4539148803436467"])];
    let columns = [("note", 0, 0, 25), ("city", CUSTOMERS, 4, 25)];
    let bytes = [shape(&columns), rows.concat(), complete(), ready(b'I')].concat();
    house.target(&bytes);
    assert_eq!(house.conversation.to_caller, bytes);
    let kept = cells(&tape.kept());
    assert_eq!(kept[0][0], "[redacted]");
    assert!(kept[0][1].starts_with("Bath, tok_") && kept[1][1].starts_with("card "), "{kept:?}");
    assert!(!kept[1][1].contains("4539148803436467"), "{kept:?}");
    // And the log says what the caller saw.
    let records = format!("{:?}", house.ledger.records.lock());
    assert!(records.contains("pii.email:clear") && records.contains("pci.card:clear"), "{records}");
}

#[test]
fn what_the_target_says_in_words_is_kept_without_what_it_may_hold() {
    let said = |text: &str| {
        let mut bytes = Vec::new();
        build::frame(&mut bytes, b'E', |out| {
            for (field, text) in [(b'S', "ERROR"), (b'C', "23505"), (b'M', "duplicate"), (b'D', text)] {
                out.push(field);
                build::cstr(out, text.as_bytes());
            }
            out.push(0);
        });
        bytes
    };
    for (looks, sql, detail, kept) in [
        (false, "UPDATE customers SET ssn = ssn", "Key (ssn)=(536-90-4399) exists.", false),
        (false, "SELECT 1", "Key (id)=(7) exists.", true),
        (true, "SELECT 1", "Key (id)=(ada@example.com) exists.", false),
        (true, "SELECT 1", "Key (id)=(7) exists.", true),
    ] {
        let (mut house, tape) = House::recorded(true, looks, Sight::Token);
        house.caller(&query(sql));
        house.target(&[said(detail), ready(b'I')].concat());
        let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(detail);
        assert!(words(&house.conversation.to_caller), "{sql}");
        assert_eq!(words(&tape.kept()), kept, "{sql}: {:?}", String::from_utf8_lossy(&tape.kept()));
        assert!(String::from_utf8_lossy(&tape.kept()).contains("23505"));
        assert_eq!(tape.bytes(), house.conversation.to_caller.len());
    }
}

/// An error of the target's that names a value.
fn duplicate() -> Vec<u8> {
    let mut bytes = Vec::new();
    build::frame(&mut bytes, b'E', |out| {
        for (field, text) in
            [(b'S', "ERROR"), (b'C', "23505"), (b'M', "duplicate"), (b'D', "Key (ssn)=(536-90-4399) exists.")]
        {
            out.push(field);
            build::cstr(out, text.as_bytes());
        }
        out.push(0);
    });
    bytes
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn an_error_of_a_batch_or_of_a_commit_is_kept_without_what_it_may_hold() {
    let update = "UPDATE customers SET ssn = $1";
    let batch = [parse("", update), bind("", ""), execute(""), sync()].concat();
    let (mut house, tape) = House::recorded(true, false, Sight::Token);
    house.caller(&batch);
    house.target(&[plain(b'1'), plain(b'2'), duplicate(), ready(b'I')].concat());
    assert!(holds(&house.conversation.to_caller, "536-90-4399") && !holds(&tape.kept(), "536-90-4399"));
    // A deferred constraint speaks when the transaction commits.
    let (mut house, tape) = House::recorded(true, false, Sight::Token);
    house.caller(&query("BEGIN"));
    house.target(&[tagged("BEGIN"), ready(b'T')].concat());
    house.caller(&query("UPDATE customers SET ssn = ssn"));
    house.target(&[tagged("UPDATE 2"), ready(b'T')].concat());
    house.caller(&query("COMMIT"));
    house.target(&[duplicate(), ready(b'I')].concat());
    assert!(holds(&house.conversation.to_caller, "536-90-4399") && !holds(&tape.kept(), "536-90-4399"));
    // What comes behind it is another transaction.
    house.caller(&query("SELECT 1"));
    house.target(&[duplicate(), ready(b'I')].concat());
    assert!(holds(&tape.kept(), "536-90-4399"));
}

#[test]
fn a_setting_is_kept_without_what_it_may_hold() {
    let (mut house, tape) = House::recorded(true, false, Sight::Token);
    house.caller(&query("SELECT ssn FROM customers"));
    let answer = [shape(&CUSTOMER[2..3]), row(&["536-90-4399"]), parameter("application_name", "536-90-4399")];
    house.target(&[answer.concat(), complete(), ready(b'I')].concat());
    let shown = String::from_utf8_lossy(&house.conversation.to_caller).into_owned();
    assert_eq!(shown.matches("536-90-4399").count(), 2, "{shown}");
    assert!(!holds(&tape.kept(), "536-90-4399") && holds(&tape.kept(), "application_name"));
    assert_eq!(tape.bytes(), house.conversation.to_caller.len());
    let (mut house, tape) = House::recorded(true, true, Sight::Token);
    house.caller(&query("SET application_name = 'ada@example.com'"));
    house.target(&[parameter("application_name", "ada@example.com"), tagged("SET"), ready(b'I')].concat());
    assert!(holds(&house.conversation.to_caller, "ada@") && !holds(&tape.kept(), "ada@"));
}

#[test]
fn a_long_row_is_not_kept_where_less_of_it_would_be() {
    let long = "536-90-4399 ".repeat(60_000);
    let bytes = [plain(b'1'), plain(b'2'), shape(&CUSTOMER[2..3]), row(&[&long]), complete(), ready(b'I')].concat();
    let (mut house, tape) = House::recorded(true, false, Sight::Token);
    house.caller(&[parse("", "SELECT ssn FROM customers"), bind("", ""), execute(""), sync()].concat());
    for part in bytes.chunks(50_000) {
        house.target(part);
    }
    assert_eq!(cells(&house.conversation.to_caller), [[long]]);
    assert!(!holds(&tape.kept(), "536-90-4399"));
    assert_eq!(tape.bytes(), house.conversation.to_caller.len());
    assert_eq!(frames(&tape.kept()).last().map(|(kind, _)| *kind), Some(b'Z'), "what comes behind it is kept");
}

#[test]
fn what_nobody_has_described_is_kept_too() {
    let (mut house, tape) = House::recorded_unclassified();
    house.caller(&[parse("s", "SELECT note FROM orders"), bind("", "s"), execute(""), sync()].concat());
    let bytes = [plain(b'1'), plain(b'2'), row(&["ada@example.com", "7"]), complete(), ready(b'I')].concat();
    house.target(&bytes);
    assert!(house.conversation.ended().is_none(), "{:?}", house.conversation.ended());
    assert_eq!(house.conversation.to_caller, bytes);
    let kept = cells(&tape.kept());
    // Nobody knows the type of what would stand in its place.
    assert_eq!(kept, [["NULL", "7"]]);
}

#[test]
fn a_copy_is_kept_as_its_rows_would_be() {
    let (mut house, tape) = House::recorded(true, false, Sight::Token);
    assert_eq!(house.caller(&query("COPY customers TO STDOUT")), "PDCH");
    house.target(&[plain(b'1'), plain(b't'), shape(&CUSTOMER), plain(b'3')].concat());
    let mut response = vec![0];
    response.extend_from_slice(&4_u16.to_be_bytes());
    response.extend_from_slice(&[0; 8]);
    let message = |kind: u8, body: &[u8]| {
        let mut bytes = Vec::new();
        build::frame(&mut bytes, kind, |out| out.extend_from_slice(body));
        bytes
    };
    let line = b"1\tada@example.com\t536-90-4399\tBath\n";
    let bytes = [
        message(b'H', &response),
        message(b'd', line),
        message(b'd', line),
        plain(b'c'),
        tagged("COPY 2"),
        ready(b'I'),
    ]
    .concat();
    let (first, second) = bytes.split_at(40);
    house.target(first);
    house.target(second);
    let shown = String::from_utf8_lossy(&house.conversation.to_caller).into_owned();
    assert_eq!(shown.matches("536-90-4399").count(), 2);
    let kept = String::from_utf8_lossy(&tape.kept()).into_owned();
    assert!(!kept.contains("536-90-4399") && !kept.contains("ada@"), "{kept}");
    assert_eq!((kept.matches("tok_").count(), kept.matches("Bath").count()), (4, 2), "{kept}");
    assert_eq!(tape.bytes(), house.conversation.to_caller.len());
}

#[test]
fn nothing_runs_that_cannot_be_recorded() {
    let (mut house, tape) = House::recorded(false, false, Sight::Token);
    tape.down.store(true, Ordering::SeqCst);
    assert_eq!(house.caller(&query("SELECT 1")), "!");
    house.target(&[error("42601"), ready(b'I')].concat());
    assert!(house.shown().starts_with("E58030"), "{}", house.shown());
}
