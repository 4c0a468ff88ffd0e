//! Rows, reports and parameters on their way to the caller.

use gate::Event;
use proptest::prelude::*;

use super::house::*;

const ALL: [(&str, u32, i16, u32); 4] =
    [("id", CUSTOMERS, 1, 23), ("email", CUSTOMERS, 2, 25), ("ssn", CUSTOMERS, 3, 1043), ("city", CUSTOMERS, 4, 25)];

fn answer() -> Vec<u8> {
    [
        shape(&ALL),
        row(&["7", "ada@example.com", "512-44-9821", "Leeds"]),
        row(&["8", "bob@example.com", "512-44-9822", "York"]),
        complete(),
        ready(b'I'),
    ]
    .concat()
}

#[test]
fn classified_cells_are_shown_at_their_sight_and_others_as_they_are() {
    let mut house = House::new();
    house.caller(&query("SELECT * FROM customers"));
    house.target(&answer());
    let shown = cells(&house.conversation.to_caller);
    assert_eq!(shown[0], ["7", "a***@e***.com", "[redacted]", "Leeds"]);
    assert_eq!(house.shown(), "T D D N01000 C ZI");
    house.caller(&query("SELECT * FROM customers"));
    house.target(&answer());
    assert_eq!(house.shown(), "T D D C ZI", "the notice is said once");
}

#[test]
fn the_notice_can_be_turned_off() {
    let mut house = House::new();
    house.caller(&query("SET weir.notices = off"));
    house.target(&[complete(), ready(b'I')].concat());
    house.caller(&query("SELECT * FROM customers"));
    house.target(&answer());
    assert_eq!(house.shown(), "C ZI T D D C ZI");
}

proptest! {
    #[test]
    fn any_cut_of_what_the_target_sends_is_shown_the_same(at in any::<prop::sample::Index>(), second in any::<prop::sample::Index>()) {
        let mut whole = House::new();
        whole.caller(&query("SELECT * FROM customers"));
        whole.target(&answer());
        let bytes = answer();
        let (mut a, mut b) = (at.index(bytes.len()), second.index(bytes.len()));
        if a > b { std::mem::swap(&mut a, &mut b); }
        let mut cut = House::new();
        cut.caller(&query("SELECT * FROM customers"));
        for piece in [&bytes[..a], &bytes[a..b], &bytes[b..]] {
            cut.target(piece);
        }
        prop_assert_eq!(&cut.conversation.to_caller, &whole.conversation.to_caller);
    }

    #[test]
    fn any_cut_of_clear_rows_passes_byte_for_byte(at in any::<prop::sample::Index>()) {
        let columns = [("id", ORDERS, 1, 23), ("status", ORDERS, 2, 25)];
        let bytes = [shape(&columns), row(&["1", &"x".repeat(500)]), row(&["2", "paid"]), complete(), ready(b'I')].concat();
        let mut house = House::new();
        house.caller(&query("SELECT id, status FROM orders"));
        let at = at.index(bytes.len());
        house.target(&bytes[..at]);
        house.target(&bytes[at..]);
        prop_assert_eq!(&house.conversation.to_caller, &bytes);
        let records = house.ledger.records.lock();
        let Some(Event::Ended(ended)) = records.last().map(|record| &record.event) else { panic!("no outcome") };
        prop_assert_eq!((ended.rows, ended.masked), (2, 0));
    }

    #[test]
    fn no_bytes_of_a_targets_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in any::<prop::sample::Index>()) {
        let mut house = House::new();
        house.caller(&query("SELECT * FROM customers"));
        let mut bytes = [shape(&ALL), bytes].concat();
        let at = cut.index(bytes.len());
        bytes[at] = bytes[at].wrapping_add(1);
        house.target(&bytes);
    }

    #[test]
    fn no_bytes_of_a_callers_make_it_panic_or_go_unread(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut house = House::new();
        let forwarded = house.caller(&bytes);
        prop_assert_eq!(forwarded.trim_matches(['S', 'H', 'C', 'X', '!']), "");
    }
}

#[test]
fn what_is_computed_from_a_classified_table_is_not_shown() {
    let mut house = House::new();
    house.caller(&query("SELECT md5(ssn), city FROM customers"));
    house.target(&[shape(&[("md5", 0, 0, 25), ("city", CUSTOMERS, 4, 25)]), row(&["abc", "Leeds"])].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]", "Leeds"]]);
}

#[test]
fn a_result_of_another_width_shows_nothing() {
    let mut house = House::new();
    house.caller(&query("SELECT id, city FROM customers"));
    house.target(&[shape(&ALL), row(&["7", "ada@example.com", "512-44-9821", "Leeds"])].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["NULL", "[redacted]", "[redacted]", "[redacted]"]]);
    let noticed = house
        .ledger
        .records
        .lock()
        .iter()
        .any(|record| matches!(&record.event, Event::Noticed { what: "shape_mismatch", .. }));
    assert!(noticed);
}

#[test]
fn a_classified_column_that_the_text_did_not_show_is_masked_all_the_same() {
    let mut house = House::new();
    house.caller(&query("SELECT status FROM orders"));
    house.target(&[shape(&[("status", CUSTOMERS, 3, 25)]), row(&["512-44-9821"])].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
    let noticed = house
        .ledger
        .records
        .lock()
        .iter()
        .any(|record| matches!(&record.event, Event::Noticed { what: "witness_disagreement", .. }));
    assert!(noticed);
}

#[test]
fn in_a_batch_the_shape_is_told_before_the_rows() {
    // By the caller's own question, or by one of Weir's in the same flight, whose answer is not shown.
    for (asked, went, told) in [(true, "PBDES", "1 2 T D N01000 C ZI"), (false, "PBDES", "1 2 D N01000 C ZI")] {
        let mut house = House::new();
        let question = if asked { describe_portal("") } else { Vec::new() };
        let batch = [parse("", "SELECT * FROM customers"), bind("", ""), question, execute(""), sync()].concat();
        assert_eq!(house.caller(&batch), went);
        house.target(&[plain(b'1'), plain(b'2'), shape(&ALL), row(&["7", "ada@example.com", "1", "Leeds"])].concat());
        assert_eq!(cells(&house.conversation.to_caller)[0], ["7", "a***@e***.com", "[redacted]", "Leeds"]);
        house.target(&[complete(), ready(b'I')].concat());
        assert_eq!(house.shown(), told);
    }
    // Rows that nobody described end the session.
    let mut house = House::new();
    house.caller(&[parse("", "SELECT * FROM customers"), bind("", ""), execute(""), sync()].concat());
    house.target(&[plain(b'1'), plain(b'2'), row(&["7", "ada@example.com", "1", "Leeds"])].concat());
    assert!(matches!(house.conversation.ended(), Some(crate::conversation::Ended::TargetBroke(_))));
    assert!(!String::from_utf8_lossy(&house.conversation.to_caller).contains("ada@"));
}

#[test]
fn rows_of_what_has_none_end_the_session() {
    for described in [true, false] {
        let mut house = House::new();
        let question = if described { describe_portal("") } else { Vec::new() };
        let batch = [parse("", "DELETE FROM customers"), bind("", ""), question, execute(""), sync()].concat();
        let (went, none) = if described { ("PBDES", plain(b'n')) } else { ("PBES", Vec::new()) };
        assert_eq!(house.caller(&batch), went);
        house.target(&[plain(b'1'), plain(b'2'), none, row(&["512-44-9821"])].concat());
        assert!(matches!(house.conversation.ended(), Some(crate::conversation::Ended::TargetBroke(_))));
        assert!(!String::from_utf8_lossy(&house.conversation.to_caller).contains("512-44-9821"));
    }
}

#[test]
fn in_a_batch_a_shape_that_is_a_surprise_hides_everything() {
    let mut house = House::new();
    let batch = [parse("", "SELECT id, city FROM customers"), bind("", ""), execute(""), sync()].concat();
    assert_eq!(house.caller(&batch), "PBDES");
    house.target(&[plain(b'1'), plain(b'2'), shape(&ALL), row(&["7", "ada@example.com", "1", "Leeds"])].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["NULL", "[redacted]", "[redacted]", "[redacted]"]]);
}

#[test]
fn a_masked_column_in_binary_is_a_mask_in_its_type_or_null() {
    for (oid, wanted) in [(1043, "[redacted]"), (23, "NULL"), (1082, "NULL"), (1009, "NULL"), (99_999, "NULL")] {
        let mut house = House::new();
        house.caller(&[parse("a", "SELECT ssn FROM customers"), sync()].concat());
        house.target(&[plain(b'1'), ready(b'I')].concat());
        assert_eq!(house.caller(&[bind_binary("", "a"), execute(""), sync()].concat()), "BDES");
        house.target(
            &[plain(b'2'), shape(&[("ssn", CUSTOMERS, 3, oid)]), row(&["512-44-9821"]), complete(), ready(b'I')]
                .concat(),
        );
        assert_eq!(cells(&house.conversation.to_caller), [[wanted]], "{oid}");
    }
}

#[test]
fn reports_about_classified_data_lose_their_texts_until_the_transaction_ends() {
    let mut house = House::new();
    let said =
        |house: &mut House| String::from_utf8_lossy(&std::mem::take(&mut house.conversation.to_caller)).into_owned();
    house.caller(&query("BEGIN"));
    house.target(&[complete(), ready(b'T')].concat());
    house.caller(&query("SELECT ssn::int FROM customers"));
    house.target(&[error("22P02"), ready(b'E')].concat());
    let text = said(&mut house);
    assert!(text.contains("22P02") && !text.contains("512-44-9821"), "{text}");
    // A deferred constraint speaks at COMMIT about what was touched before.
    house.caller(&query("COMMIT"));
    house.target(&[error("23505"), ready(b'I')].concat());
    let text = said(&mut house);
    assert!(text.contains("23505") && !text.contains("512-44-9821"), "{text}");
    house.caller(&query("SELECT wrong FROM orders"));
    house.target(&[error("42703"), ready(b'I')].concat());
    assert!(said(&mut house).contains("512-44-9821"), "what touches nothing classified passes as it is");
}

#[test]
fn parameters_that_could_hold_a_value_lose_it() {
    let status = |name: &str, value: &str| {
        let mut bytes = Vec::new();
        crate::wire::build::frame(&mut bytes, b'S', |out| {
            crate::wire::build::cstr(out, name.as_bytes());
            crate::wire::build::cstr(out, value.as_bytes());
        });
        bytes
    };
    let mut house = House::new();
    house.caller(&query("SELECT ssn FROM customers"));
    house.target(&[status("application_name", "512-44-9821"), status("client_encoding", "UTF8")].concat());
    let text = String::from_utf8_lossy(&house.conversation.to_caller).into_owned();
    assert!(!text.contains("512-44-9821") && text.contains("UTF8"), "{text}");
}

/// Planning may run functions that are said to be immutable; what they set is told at the end of the batch.
#[test]
fn what_was_bound_and_not_run_may_be_spoken_of_too() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT ssn FROM customers"), describe_statement("a"), sync()].concat());
    house.target(&[plain(b'1'), plain(b't'), shape(&[("ssn", CUSTOMERS, 3, 25)]), ready(b'I')].concat());
    house.caller(&[bind("", "a"), sync()].concat());
    house.target(&[plain(b'2'), named(b'S', &["application_name", "512-44-9821"], b""), ready(b'I')].concat());
    let text = String::from_utf8_lossy(&house.conversation.to_caller).into_owned();
    assert!(!text.contains("512-44-9821"), "{text}");
}

#[test]
fn a_target_that_breaks_the_protocol_ends_the_session() {
    for bytes in [
        row(&["1", "2", "3", "4"]),
        [shape(&ALL), shape(&ALL)].concat(),
        [shape(&ALL), row(&["1"])].concat(),
        [shape(&ALL), row(&["1", "2", "3", "4", "5"])].concat(),
        [shape(&ALL), b"D\0\0\0\x0a\0\x04\0\0\0\xff".to_vec()].concat(),
        [complete(), plain(b'1')].concat(),
        plain(b'2'),
        plain(b'G'),
        plain(b'd'),
        plain(b'?'),
        b"D\xff\xff\xff\xff".to_vec(),
        [complete(), ready(b'Q')].concat(),
        [complete(), ready(b'I'), ready(b'I')].concat(),
        [shape(&ALL), b"D\x7f\xff\xff\xff\0\x04".to_vec()].concat(),
    ] {
        let mut house = House::new();
        house.caller(&query("SELECT * FROM customers"));
        house.target(&bytes);
        assert!(house.conversation.ended().is_some(), "{bytes:?}");
        let shown = String::from_utf8_lossy(&house.conversation.to_caller).into_owned();
        assert!(shown.contains("08P01") && shown.contains("the target broke the protocol"), "{shown}");
    }
}

/// Whatever ends a session while half a row is with the caller: Weir's words would be the rest of that row.
#[test]
fn nothing_is_said_in_the_middle_of_a_row() {
    let columns = [("status", ORDERS, 2, 25)];
    let long = row(&[&"x".repeat(300)]);
    for caller in [plain(b'!'), b"Q\0\0\0\x03".to_vec(), b"Q\x7f\xff\xff\xff".to_vec(), Vec::new()] {
        let mut house = House::new();
        house.caller(&query("SELECT status FROM orders"));
        house.target(&[shape(&columns), long[..100].to_vec()].concat());
        let shown = house.conversation.to_caller.clone();
        house.caller(&caller);
        house.conversation.end_with(&crate::wire::build::OwnReport::fatal("08006", "the target is gone"));
        assert_eq!(house.conversation.to_caller, shown, "{caller:?}");
    }
}

#[test]
fn a_fatal_error_is_passed_on_and_ends_the_session() {
    let mut house = House::new();
    house.caller(&query("SELECT 1"));
    let fatal = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0";
    let mut bytes = Vec::new();
    crate::wire::build::frame(&mut bytes, b'E', |out| out.extend_from_slice(fatal));
    house.target(&bytes);
    assert_eq!(house.shown(), "E57P01");
    assert!(house.conversation.ended().is_some());
}

// A caller who may define could swap tables by renaming them, and have the names of one decided for the other.

const SWAP: &str = "ALTER TABLE orders RENAME TO o; ALTER TABLE customers RENAME TO orders";

#[test]
fn behind_a_change_of_the_catalog_in_the_same_text_nothing_computed_is_shown() {
    let mut house = House::new();
    assert_eq!(house.caller(&query(&format!("{SWAP}; SELECT md5(note), status FROM orders"))), "Q");
    let columns = [("md5", 0, 0, 25), ("status", ORDERS, 2, 25)];
    house.target(&[complete(), complete(), shape(&columns), row(&["abc", "paid"])].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]", "paid"]]);
}

#[test]
fn behind_a_change_of_the_catalog_that_has_not_come_back_nothing_computed_is_shown() {
    // One after the other in one batch: nobody can be asked between them.
    let mut house = House::new();
    let swap = |n: &str| [parse("", n), bind("", ""), execute("")].concat();
    let batch = [swap("ALTER TABLE orders RENAME note TO id2"), swap("SELECT md5(id2) FROM orders"), sync()].concat();
    assert_eq!(house.caller(&batch), "PBEPBDES");
    house.target(&[plain(b'1'), plain(b'2'), complete(), plain(b'1'), plain(b'2')].concat());
    house.target(&[shape(&[("md5", 0, 0, 25)]), row(&["abc"])].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
    // As two texts: what comes after waits for what it does, and for the catalog that it makes.
    let mut house = House::new();
    assert_eq!(house.caller(&[query(SWAP), query("SELECT md5(note) FROM orders")].concat()), "Q");
    house.target(&[complete(), complete(), ready(b'I')].concat());
    assert_eq!(house.conversation.stall(), Some(&crate::conversation::Stall::Catalog));
}

#[test]
fn in_a_transaction_that_changed_the_catalog_nothing_computed_is_shown() {
    let mut house = House::new();
    house.caller(&query("BEGIN"));
    house.target(&[complete(), ready(b'T')].concat());
    house.caller(&query(SWAP));
    house.target(&[complete(), complete(), ready(b'T')].concat());
    house.caller(&query("SELECT md5(note) FROM orders"));
    house.target(&[shape(&[("md5", 0, 0, 25)]), row(&["abc"]), complete(), ready(b'T')].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
}

#[test]
fn a_prepared_statement_is_read_again_after_the_catalog_has_changed() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT md5(note) FROM orders"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    // In the same transaction: what it returns is not known any more, so its shape is learned first.
    house.caller(&query("BEGIN"));
    house.target(&[complete(), ready(b'T')].concat());
    house.caller(&query(SWAP));
    house.target(&[complete(), complete(), ready(b'T')].concat());
    assert_eq!(house.caller(&[bind("", "a"), execute(""), sync()].concat()), "BDES");
    house.conversation.to_caller.clear();
    house.target(&[plain(b'2'), shape(&[("md5", 0, 0, 25)]), row(&["abc"]), complete(), ready(b'T')].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
    // After the commit: the catalog is read again before anything is decided.
    house.caller(&query("COMMIT"));
    house.target(&[complete(), ready(b'I')].concat());
    assert_eq!(house.caller(&[bind("", "a"), execute(""), sync()].concat()), "");
    assert_eq!(house.conversation.stall(), Some(&crate::conversation::Stall::Catalog));
}
