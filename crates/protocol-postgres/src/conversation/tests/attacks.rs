//! Orders of messages that were tried against Weir from outside.

use super::house::*;

/// Somebody swaps tables while the statement waits for a lock: the catalog said `orders`, and the target reads `customers`.
#[test]
fn what_touches_nothing_classified_is_shown_by_what_the_target_describes_when_it_runs() {
    let described = |column: i16| shape(&[("status", if column == 3 { CUSTOMERS } else { ORDERS }, column, 25)]);
    for (column, seen) in [(2, "paid"), (3, "[redacted]")] {
        // Never described by the caller.
        let mut house = House::new();
        let batch = [parse("", "SELECT status FROM orders"), bind("", ""), execute(""), sync()];
        assert_eq!(house.caller(&batch.concat()), "PBDES");
        house.target(&[plain(b'1'), plain(b'2'), described(column), row(&["paid"]), complete(), ready(b'I')].concat());
        assert_eq!(cells(&house.conversation.to_caller), [[seen]]);
        assert_eq!(house.shown(), if column == 3 { "1 2 D N01000 C ZI" } else { "1 2 D C ZI" });
        // Described when it was prepared, which says nothing of later.
        let mut house = House::new();
        let text = "SELECT status FROM orders";
        assert_eq!(house.caller(&[parse("a", text), describe_statement("a"), sync()].concat()), "PDS");
        house.target(&[plain(b'1'), plain(b't'), described(2), ready(b'I')].concat());
        assert_eq!(house.caller(&[bind("", "a"), execute(""), sync()].concat()), "BDES");
        house.target(&[plain(b'2'), described(column), row(&["paid"]), complete(), ready(b'I')].concat());
        assert_eq!(cells(&house.conversation.to_caller), [[seen]]);
    }
    // Rows without a description end the session.
    let mut house = House::new();
    house.caller(&[parse("", "SELECT status FROM orders"), bind("", ""), execute(""), sync()].concat());
    house.target(&[plain(b'1'), plain(b'2'), row(&["paid"])].concat());
    assert!(matches!(house.conversation.ended(), Some(crate::conversation::Ended::TargetBroke(_))));
    assert!(cells(&house.conversation.to_caller).is_empty());
}

#[test]
fn what_returns_nothing_is_not_asked_about() {
    let mut house = House::new();
    let batch = [parse("", "DELETE FROM orders"), bind("", ""), execute(""), parse("", "BEGIN"), bind("", "")];
    assert_eq!(house.caller(&[batch.concat(), execute(""), sync()].concat()), "PBEPBES");
}

#[test]
fn a_statement_described_and_bound_in_one_batch_shows_its_rows() {
    let mut house = House::new();
    let batch = [parse("", "SELECT status FROM orders"), describe_statement(""), bind("", ""), execute(""), sync()];
    assert_eq!(house.caller(&batch.concat()), "PDBDES");
    let shape = || shape(&[("status", ORDERS, 2, 25)]);
    house.target(&[plain(b'1'), plain(b't'), shape(), plain(b'2'), shape(), row(&["paid"])].concat());
    house.target(&[complete(), ready(b'I')].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["paid"]]);
    assert_eq!(house.shown(), "1 t T 2 D C ZI");
    assert!(house.conversation.ended().is_none());
}

#[test]
fn a_shape_that_was_learned_before_a_second_change_of_the_catalog_is_learned_again() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT city FROM customers"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    house.caller(&query("BEGIN"));
    house.target(&[complete(), ready(b'T')].concat());
    // Some change: from here on the session sees a catalog of its own.
    house.caller(&query("CREATE TEMP TABLE t (a int)"));
    house.target(&[complete(), ready(b'T')].concat());
    assert_eq!(house.caller(&[bind("", "a"), execute(""), sync()].concat()), "BDES");
    house.target(
        &[plain(b'2'), shape(&[("city", CUSTOMERS, 4, 25)]), row(&["Leeds"]), complete(), ready(b'T')].concat(),
    );
    // And another: now `city` is what `ssn` was.
    house.caller(&query("ALTER TABLE customers RENAME city TO x; ALTER TABLE customers RENAME ssn TO city"));
    house.target(&[complete(), complete(), ready(b'T')].concat());
    assert_eq!(house.caller(&[bind("", "a"), execute(""), sync()].concat()), "BDES");
    house.conversation.to_caller.clear();
    house.target(
        &[plain(b'2'), shape(&[("city", CUSTOMERS, 3, 25)]), row(&["512-44-9821"]), complete(), ready(b'T')].concat(),
    );
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
}

#[test]
fn a_commit_that_starts_the_next_transaction_tells_the_other_sessions_too() {
    let mut house = House::new();
    house.caller(&query("BEGIN"));
    house.target(&[complete(), ready(b'T')].concat());
    house.caller(&query("CREATE TABLE t (a int)"));
    house.target(&[complete(), ready(b'T')].concat());
    assert_eq!(house.freshness(), crate::catalog::Freshness::Fresh);
    house.caller(&query("COMMIT AND CHAIN"));
    house.target(&[complete(), ready(b'T')].concat());
    assert_eq!(house.freshness(), crate::catalog::Freshness::Stale);
}

#[test]
fn a_close_and_the_parse_behind_it_are_both_undone_when_they_are_skipped() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT 1"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    house.caller(&[parse("b", "SELECT wrong"), close("a"), parse("a", "SELECT 2"), sync()].concat());
    house.target(&[error("42703"), ready(b'I')].concat());
    assert_eq!(house.caller(&[bind("", "a"), execute(""), sync()].concat()), "BDES");
}

#[test]
fn a_long_name_is_not_kept_and_not_repeated() {
    let mut house = House::new();
    let long = "n".repeat(100_000);
    assert_eq!(house.caller(&[bind("", &long), sync()].concat()), "!S");
    house.target(&[error("26000"), ready(b'I')].concat());
    assert!(house.conversation.to_caller.len() < 2_000, "{}", house.conversation.to_caller.len());
    assert_eq!(house.shown(), "E26000 ZI");
    assert_eq!(house.caller(&[parse(&long, "SELECT 1"), sync()].concat()), "!S");
}

#[test]
fn what_a_session_prepares_is_bounded_in_bytes() {
    let mut house = House::new();
    let long = format!("SELECT 1 -- {}", "x".repeat(1_000_000));
    let prepared = (0..200).find(|at| {
        let sent = house.caller(&[parse(&format!("s{at}"), &long), sync()].concat());
        house.target(&[plain(b'1'), ready(b'I')].concat());
        sent != "PS"
    });
    assert!(prepared.is_some_and(|at| (8..=64).contains(&at)), "{prepared:?}");
}

#[test]
fn a_text_that_asks_for_too_many_things_is_refused_whole() {
    let mut house = House::new();
    let calls: Vec<String> = (0..5000).map(|at| format!("upper{at}(1)")).collect();
    assert_eq!(house.caller(&query(&format!("SELECT {}", calls.join(",")))), "!");
    house.target(&[error("42601"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E54001 ZI");
}

/// The target keeps 63 bytes of a name: what follows them tells nothing apart.
#[test]
fn names_that_begin_alike_are_one_name() {
    let mut house = House::new();
    let [one, two, three] = ["1", "2", "3"].map(|end| format!("{}{end}", "n".repeat(63)));
    house.caller(&[parse(&one, "SELECT status FROM orders"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    house.caller(&[close(&two), parse(&three, "SELECT md5(ssn) FROM customers"), sync()].concat());
    house.target(&[plain(b'3'), plain(b'1'), ready(b'I')].concat());
    assert_eq!(house.caller(&[bind("", &one), execute(""), sync()].concat()), "BDES");
    house.target(&[plain(b'2'), shape(&[("md5", 0, 0, 25)]), row(&["abc"])].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
}

/// The target's words may hold values: only who sees all that a statement touches is told them.
#[test]
fn who_sees_everything_is_told_in_the_targets_own_words() {
    let words = |house: &House| String::from_utf8_lossy(&house.conversation.to_caller).contains("512-44-9821");
    let sql = "SELECT ssn::int FROM customers";
    for (mut house, told) in [(House::seeing(), true), (House::new(), false)] {
        house.caller(&query(sql));
        house.target(&[shape(&[("ssn", 0, 0, 23)]), error("22P02"), ready(b'I')].concat());
        assert_eq!(words(&house), told, "simple");
        house.shown();
        house.caller(&[parse("", sql), bind("", ""), execute(""), sync()].concat());
        house.target(&[plain(b'1'), plain(b'2'), error("22P02"), ready(b'I')].concat());
        assert_eq!(words(&house), told, "extended");
    }
    // What calls code may hold anything.
    let mut house = House::seeing();
    house.caller(&query("SELECT some_code() FROM customers"));
    house.target(&[error("22P02"), ready(b'I')].concat());
    assert!(!words(&house));
}
