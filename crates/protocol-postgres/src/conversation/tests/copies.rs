//! COPY: what is held until its columns are known, what is shown of it, and what the caller's frames mean meanwhile.

use gate::{Event, Outcome};
use proptest::prelude::*;

use super::house::*;
use crate::wire::build;

const COLUMNS: [(&str, u32, i16, u32); 4] =
    [("id", CUSTOMERS, 1, 23), ("email", CUSTOMERS, 2, 25), ("ssn", CUSTOMERS, 3, 1043), ("city", CUSTOMERS, 4, 25)];

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    build::frame(&mut bytes, kind, |out| out.extend_from_slice(body));
    bytes
}

fn data(bytes: &[u8]) -> Vec<u8> {
    frame(b'd', bytes)
}

fn response(kind: u8, binary: bool, columns: u16) -> Vec<u8> {
    let mut body = vec![u8::from(binary)];
    body.extend_from_slice(&columns.to_be_bytes());
    (0..columns).for_each(|_| body.extend_from_slice(&u16::from(binary).to_be_bytes()));
    frame(kind, &body)
}

fn described() -> Vec<u8> {
    [plain(b'1'), plain(b't'), shape(&COLUMNS), plain(b'3')].concat()
}

fn copied(tag: &str) -> Vec<u8> {
    frame(b'C', format!("{tag}\0").as_bytes())
}

/// Copy data in a transcript, in one piece.
fn shown_data(bytes: &[u8]) -> String {
    let data = frames(bytes).into_iter().filter(|(kind, _)| *kind == b'd').flat_map(|(_, body)| body).collect();
    String::from_utf8(data).unwrap()
}

fn last_ended(house: &House) -> (Outcome, u64, u64) {
    let records = house.ledger.records.lock();
    let ended = records.iter().rev().find_map(|record| match &record.event {
        Event::Ended(ended) => Some((ended.outcome.clone(), ended.rows, ended.masked)),
        _ => None,
    });
    ended.unwrap()
}

fn answer() -> Vec<u8> {
    [
        response(b'H', false, 4),
        data(b"7\tada@example.com\t512-44-9821\tLeeds\n"),
        data(b"8\t\\N\t512-44-"),
        data(b"9822\tYork\\\\\n"),
        plain(b'c'),
        copied("COPY 2"),
        ready(b'I'),
    ]
    .concat()
}

#[test]
fn a_copy_of_a_table_waits_for_its_columns_and_is_masked() {
    let mut house = House::new();
    assert_eq!(house.caller(&[query("COPY customers TO STDOUT"), query("SELECT 1")].concat()), "PDCH");
    assert_eq!(house.target(&described()), "QQ");
    assert_eq!(house.shown(), "", "the description is Weir's own affair");
    house.target(&answer());
    let shown = shown_data(&house.conversation.to_caller);
    assert_eq!(shown, "7\ta***@e***.com\t[redacted]\tLeeds\n8\t\\N\t[redacted]\tYork\\\\\n");
    assert_eq!(house.shown(), "H d d c N01000 C ZI");
    assert_eq!(last_ended(&house), (Outcome::Done, 2, 3));
}

#[test]
fn copies_that_differ_in_a_constant_are_not_taken_for_each_other() {
    let mut house = House::new();
    for delimiter in ["|", "-", ";"] {
        house.caller(&query(&format!("COPY customers (city, ssn) TO STDOUT (DELIMITER '{delimiter}')")));
        house.target(&described());
        let row = format!("Leeds{delimiter}512449821\n");
        let rows = [response(b'H', false, 2), data(row.as_bytes()), plain(b'c'), copied("COPY 1"), ready(b'I')];
        house.target(&rows.concat());
        assert_eq!(shown_data(&house.conversation.to_caller), format!("Leeds{delimiter}[redacted]\n"));
        house.conversation.to_caller.clear();
    }
}

#[test]
fn a_copy_in_a_batch_is_held_at_its_execute() {
    let mut house = House::new();
    let batch = [parse("", "COPY customers (ssn, city) TO STDOUT"), bind("", ""), execute(""), sync()].concat();
    assert_eq!(house.caller(&batch), "PBPDCH");
    assert_eq!(house.target(&[plain(b'1'), plain(b'2'), described()].concat()), "ES");
    let rows = [response(b'H', false, 2), data(b"512-44-9821\tLeeds\n"), plain(b'c'), copied("COPY 1"), ready(b'I')];
    house.target(&rows.concat());
    assert_eq!(shown_data(&house.conversation.to_caller), "[redacted]\tLeeds\n");
    assert_eq!(house.shown(), "1 2 H d c N01000 C ZI");
}

#[test]
fn a_description_that_fails_is_the_copys_own_error() {
    let mut house = House::new();
    assert_eq!(house.caller(&query("COPY customers TO STDOUT")), "PDCH");
    assert_eq!(house.target(&error("42501")), "S", "the target skips everything up to a Sync");
    assert_eq!(house.target(&ready(b'E')), "");
    assert!(!String::from_utf8_lossy(&house.conversation.to_caller).contains("512-44-9821"));
    assert_eq!(house.shown(), "E42501 ZE");
    assert_eq!(last_ended(&house).0, Outcome::Failed("42501".to_owned()));
    let batch = [parse("", "COPY customers TO STDOUT"), bind("", ""), execute(""), execute(""), sync()].concat();
    assert_eq!(house.caller(&batch), "PBPDCH");
    assert_eq!(house.target(&[plain(b'1'), plain(b'2'), error("42501")].concat()), "S");
    house.target(&ready(b'I'));
    assert_eq!(house.shown(), "1 2 E42501 ZI");
}

#[test]
fn a_copy_that_is_not_what_was_described_shows_nothing() {
    for columns in [3_u16, 5] {
        let mut house = House::new();
        house.caller(&query("COPY customers TO STDOUT"));
        house.target(&described());
        let row = vec!["512-44-9821"; usize::from(columns)].join("\t") + "\n";
        house.target(&[response(b'H', false, columns), data(row.as_bytes()), plain(b'c')].concat());
        let nulls = vec!["\\N"; usize::from(columns)].join("\t") + "\n";
        assert_eq!(shown_data(&house.conversation.to_caller), nulls);
    }
    // A row of another width than was announced.
    let mut house = House::new();
    house.caller(&query("COPY customers TO STDOUT"));
    house.target(&described());
    house.target(&[response(b'H', false, 4), data(b"7\t512-44-9821\tx\n")].concat());
    assert_eq!(house.shown(), "H E08P01");
    assert!(house.conversation.ended().is_some());
}

#[test]
fn a_copy_among_other_statements_does_not_run() {
    for copied in ["customers", "orders", "(SELECT 2)"] {
        let mut house = House::new();
        assert_eq!(house.caller(&query(&format!("SELECT 1; COPY {copied} TO STDOUT"))), "!");
        house.target(&[error("42601"), ready(b'I')].concat());
        assert_eq!(house.shown(), "E0A000 ZI");
    }
    // Where nothing is classified, nothing has to be described.
    let mut house = House::opaque(false);
    assert_eq!(house.caller(&query("SELECT 1; COPY (SELECT 2) TO STDOUT")), "Q");
    house.target(&[shape(&[("a", 0, 0, 23)]), row(&["1"]), complete()].concat());
    house.target(&[response(b'H', false, 1), data(b"2\n"), plain(b'c'), self::copied("COPY 1")].concat());
    assert_eq!(shown_data(&house.conversation.to_caller), "2\n");
}

#[test]
fn a_copy_in_a_form_that_can_not_be_masked_does_not_run() {
    let mut house = House::new();
    assert_eq!(house.caller(&query("COPY customers TO STDOUT (ENCODING 'SJIS')")), "PDCH");
    assert_eq!(house.target(&described()), "!");
    house.target(&[error("42601"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E0A000 ZI");
    assert_eq!(house.caller(&query("SELECT 1; COPY customers TO STDOUT (ENCODING 'SJIS')")), "!");
}

#[test]
fn a_refused_copy_is_not_described() {
    let mut house = House::new();
    for text in ["COPY vault TO STDOUT", "COPY (SELECT * FROM vault) TO STDOUT", "COPY vault FROM STDIN"] {
        assert_eq!(house.caller(&query(text)), "!", "{text}");
        house.target(&[error("42601"), ready(b'I')].concat());
        assert_eq!(house.shown(), "E42501 ZI");
    }
}

#[test]
fn what_the_caller_copies_goes_to_the_target_as_it_comes() {
    let mut house = House::new();
    let more = [data(b"1\tpaid\n"), data(&[b'x'; 3000]), plain(b'c'), query("SELECT 1")].concat();
    let all = [query("COPY orders FROM STDIN"), more].concat();
    // Nothing but the statement before the target has said what the rest is.
    assert_eq!(house.caller(&all), "Q");
    assert_eq!(house.target(&response(b'G', false, 4)), "ddc");
    assert_eq!(house.target(&[copied("COPY 1"), ready(b'I')].concat()), "Q");
    assert_eq!(house.shown(), "G C ZI");
    assert_eq!(last_ended(&house), (Outcome::Done, 1, 0));
}

#[test]
fn sync_and_flush_mean_nothing_while_the_target_copies() {
    let mut house = House::new();
    let batch = [parse("", "COPY orders FROM STDIN"), bind("", ""), execute(""), sync()].concat();
    assert_eq!(house.caller(&batch), "PBE");
    assert_eq!(house.target(&[plain(b'1'), plain(b'2'), response(b'G', false, 4)].concat()), "");
    // The target sends the end of the copy when it is asked to: the Sync behind it waits for that.
    assert_eq!(house.caller(&[data(b"1\tpaid\n"), plain(b'H'), plain(b'c'), sync()].concat()), "dcH");
    assert_eq!(house.target(&copied("COPY 1")), "S");
    house.target(&ready(b'I'));
    assert_eq!(house.shown(), "1 2 G C ZI");
}

#[test]
fn late_copy_data_is_dropped() {
    let mut house = House::new();
    house.caller(&query("COPY orders FROM STDIN"));
    house.target(&response(b'G', false, 4));
    // The first data message is long, and half of it has been sent when the copy fails.
    let long = data(&[b'x'; 1000]);
    house.conversation.take_from_caller(&long[..500], NOW);
    house.conversation.take_from_target(&[error("22P04"), ready(b'I')].concat(), NOW);
    let late = [&long[500..], &data(b"2\n"), &plain(b'c'), &query("SELECT 1")].concat();
    assert_eq!(house.caller(&late), "dQ", "the message is ended, and what comes behind it is not sent");
    assert_eq!(house.shown(), "G E22P04 ZI");

    let batch = [parse("", "COPY orders FROM STDIN"), bind("", ""), execute("")].concat();
    let mut house = House::new();
    house.caller(&batch);
    house.target(&[plain(b'1'), plain(b'2'), response(b'G', false, 4), error("22P04")].concat());
    assert_eq!(house.caller(&[data(b"2\n"), plain(b'c'), execute(""), sync()].concat()), "S");
    house.target(&ready(b'I'));
    assert_eq!(house.shown(), "1 2 G E22P04 ZI");
}

#[test]
fn a_copy_that_fails_before_it_begins_leaves_the_sync_its_meaning() {
    let mut house = House::new();
    let batch =
        [parse("", "COPY orders FROM STDIN"), bind("", ""), execute(""), sync(), data(b"x\n"), plain(b'c'), sync()];
    assert_eq!(house.caller(&batch.concat()), "PBE");
    assert_eq!(house.target(&[plain(b'1'), plain(b'2'), error("42501")].concat()), "SS");
    house.target(&[ready(b'I'), ready(b'I')].concat());
    assert_eq!(house.shown(), "1 2 E42501 ZI ZI");
}

#[test]
fn anything_else_than_data_ends_the_copy_and_is_not_sent() {
    let mut house = House::new();
    house.caller(&query("COPY orders FROM STDIN"));
    house.target(&response(b'G', false, 4));
    assert_eq!(house.caller(&[query("DROP TABLE orders"), plain(b'c'), query("SELECT 1")].concat()), "f");
    assert_eq!(house.target(&[error("57014"), ready(b'I')].concat()), "Q");
    assert_eq!(house.shown(), "G E08P01 ZI");
    assert_eq!(house.caller(&frame(b'!', b"")), "");
    assert!(house.conversation.ended().is_some());
}

#[test]
fn several_copies_in_one_text() {
    let mut house = House::new();
    let text = "COPY orders FROM STDIN; SELECT 1; COPY orders FROM STDIN";
    let data = [data(b"1\n"), plain(b'c'), data(b"2\n"), frame(b'f', b"no more\0"), sync()].concat();
    assert_eq!(house.caller(&[query(text), data].concat()), "Q");
    assert_eq!(house.target(&response(b'G', false, 4)), "dc");
    assert_eq!(house.target(&[copied("COPY 1"), shape(&[("a", 0, 0, 23)]), row(&["1"]), complete()].concat()), "");
    assert_eq!(house.target(&response(b'G', false, 4)), "df");
    assert_eq!(house.target(&[error("57014"), ready(b'I')].concat()), "S");
    assert_eq!(house.shown(), "G C T D C G E57014 ZI");
}

#[test]
fn copies_that_nobody_asked_for_end_the_session() {
    for (text, unasked) in [
        ("SELECT 1", response(b'G', false, 1)),
        ("SELECT 1", response(b'H', false, 1)),
        ("SELECT 1", data(b"512-44-9821\n")),
        ("COPY orders FROM STDIN", response(b'H', false, 1)),
        ("COPY orders FROM STDIN", [response(b'G', false, 1), response(b'G', false, 1)].concat()),
        ("SELECT 1; COPY orders TO STDOUT", response(b'G', false, 1)),
        ("SELECT 1; COPY orders TO STDOUT", [complete(), data(b"x\n")].concat()),
        ("SELECT 1; COPY orders TO STDOUT", [complete(), response(b'H', false, 1), complete()].concat()),
        ("COPY orders FROM STDIN", response(b'W', false, 1)),
    ] {
        let mut house = House::new();
        house.caller(&query(text));
        house.target(&unasked);
        assert!(house.shown().ends_with("E08P01"), "{text}");
        assert!(house.conversation.ended().is_some());
    }
}

/// Pieces of some bytes.
fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn any_cut_of_a_copy_out_is_shown_the_same(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let run = |bytes: &[&[u8]]| {
            let mut house = House::new();
            house.caller(&query("COPY customers TO STDOUT"));
            bytes.iter().for_each(|piece| { house.target(piece); });
            house.conversation.to_caller.clone()
        };
        let all = [described(), answer()].concat();
        prop_assert_eq!(run(&pieces(&all, &cuts)), run(&[&all]));
    }

    #[test]
    fn any_cut_of_a_copy_in_is_forwarded_the_same(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6), early in any::<bool>()) {
        let data = [data(b"1\tpaid\n"), plain(b'H'), data(b""), plain(b'c'), sync()].concat();
        let mut house = House::new();
        let mut forwarded = Vec::new();
        house.caller(&[parse("", "COPY orders FROM STDIN"), bind("", ""), execute(""), sync()].concat());
        let begun = [plain(b'1'), plain(b'2'), response(b'G', false, 4)].concat();
        let pieces = pieces(&data, &cuts);
        if early {
            // All of it before the target has answered.
            pieces.iter().for_each(|piece| house.conversation.take_from_caller(piece, NOW));
            house.conversation.take_from_target(&begun, NOW);
        } else {
            house.conversation.take_from_target(&begun, NOW);
            pieces.iter().for_each(|piece| house.conversation.take_from_caller(piece, NOW));
        }
        forwarded.push(house.forwarded());
        forwarded.push(house.target(&copied("COPY 1")));
        forwarded.push(house.target(&ready(b'I')));
        prop_assert_eq!(forwarded, ["ddcH", "S", ""]);
        prop_assert_eq!(house.shown(), "1 2 G C ZI");
    }
}
