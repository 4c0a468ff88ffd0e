//! Refusals inside batches, and names whose meaning depends on replies that have not come.

use std::sync::atomic::Ordering;

use gate::{Outcome, Ruling};

use super::house::*;

#[test]
fn a_refusal_in_a_batch_fails_on_the_target_and_the_rest_is_skipped() {
    let mut house = House::new();
    let batch = [
        parse("", "SELECT status FROM orders"),
        bind("", ""),
        execute(""),
        parse("", "DROP TABLE orders"),
        bind("", ""),
        execute(""),
        parse("", "SELECT 1"),
        sync(),
        query("SELECT 2"),
    ];
    assert_eq!(house.caller(&batch.concat()), "PBDE!SQ");
    let replies =
        [plain(b'1'), plain(b'2'), shape(&[("status", ORDERS, 2, 25)]), complete(), error("26000"), ready(b'I')];
    house.target(&replies.concat());
    assert_eq!(house.shown(), "1 2 C E42501 ZI");
    let steps = [(Ruling::Permit, "execute"), (Ruling::Deny, "parse"), (Ruling::Permit, "query")];
    assert_eq!(house.rulings(), steps);
    house.target(&[shape(&[("?column?", 0, 0, 23)]), row(&["2"]), complete(), ready(b'I')].concat());
    assert_eq!(house.shown(), "T D C ZI");
}

#[test]
fn a_refused_query_leaves_the_transaction_to_the_target() {
    let mut house = House::new();
    assert_eq!(house.caller(&query("BEGIN")), "Q");
    house.target(&[complete(), ready(b'T')].concat());
    assert_eq!(house.caller(&query("DROP TABLE orders")), "!");
    house.target(&[error("42601"), ready(b'E')].concat());
    assert_eq!(house.shown(), "C ZT E42501 ZE");
}

#[test]
fn several_statements_are_decided_whole() {
    let mut house = House::new();
    assert_eq!(house.caller(&query("SELECT 1; DROP TABLE orders; SELECT 2")), "!");
    house.target(&[error("42601"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E42501 ZI");
}

#[test]
fn a_name_from_an_earlier_batch_is_used_only_when_it_is_confirmed() {
    // The first Parse fails, so the target never gives "" its second meaning. Were the Bind forwarded at once, the first
    // text would run and be shown as if it were the second.
    let mut house = House::new();
    house.caller(&[parse("", "SELECT ssn FROM customers"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    assert_eq!(house.shown(), "1 ZI");
    let attack = [
        parse("z", "SELECT nothing FROM orders"),
        parse("", "SELECT status FROM orders"),
        sync(),
        bind("", ""),
        execute(""),
        sync(),
    ];
    assert_eq!(house.caller(&attack.concat()), "PPS", "the Bind waits");
    // The first Parse fails: the second is skipped. "" still means the classified text, and is shown as that.
    assert_eq!(house.target(&[error("42703"), ready(b'I')].concat()), "BDES");
    house.conversation.to_caller.clear();
    house.target(
        &[plain(b'2'), shape(&[("ssn", CUSTOMERS, 3, 25)]), row(&["512-44-9821"]), complete(), ready(b'I')].concat(),
    );
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
}

#[test]
fn a_name_that_was_never_confirmed_is_not_there() {
    let mut house = House::new();
    assert_eq!(house.caller(&[parse("a", "SELECT 1"), sync(), bind("", "a"), execute(""), sync()].concat()), "PS");
    assert_eq!(house.target(&[error("42601"), ready(b'I')].concat()), "!S");
    house.target(&[error("26000"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E42601 ZI E26000 ZI");
}

#[test]
fn a_name_that_is_parsed_again_and_fails_keeps_its_meaning() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT ssn FROM customers"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    let again = [parse("a", "SELECT status FROM orders"), sync(), bind("", "a"), execute(""), sync()];
    assert_eq!(house.caller(&again.concat()), "PS");
    assert_eq!(house.target(&[error("42P05"), ready(b'I')].concat()), "BDES");
    house.conversation.to_caller.clear();
    house.target(
        &[plain(b'2'), shape(&[("ssn", CUSTOMERS, 3, 25)]), row(&["512-44-9821"]), complete(), ready(b'I')].concat(),
    );
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
}

#[test]
fn a_close_that_is_skipped_closes_nothing() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT 1"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    house.caller(&[parse("b", "SELECT wrong"), close("a"), sync()].concat());
    house.target(&[error("42703"), ready(b'I')].concat());
    assert_eq!(house.caller(&[bind("", "a"), execute(""), sync()].concat()), "BDES");
}

#[test]
fn names_that_do_not_exist_are_not_asked_of_the_target() {
    let mut house = House::new();
    assert_eq!(house.caller(&[bind("", "nobody"), execute(""), sync()].concat()), "!S");
    house.target(&[error("26000"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E26000 ZI");
    assert_eq!(house.caller(&[execute("nothing"), sync()].concat()), "!S");
    house.target(&[error("26000"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E34000 ZI");
}

#[test]
fn with_the_ledger_down_poison_is_all_that_goes() {
    let mut house = House::new();
    house.ledger.down.store(true, Ordering::SeqCst);
    let batch = [parse("", "SELECT 1"), bind("", ""), execute(""), sync(), query("SELECT 2")].concat();
    assert_eq!(house.caller(&batch), "!S!");
    house.target(&[error("26000"), ready(b'I'), error("42601"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E58030 ZI E58030 ZI");
    house.ledger.down.store(false, Ordering::SeqCst);
    assert_eq!(house.caller(&query("SELECT 2")), "Q");
    assert_eq!(house.rulings().len(), 1);
}

#[test]
fn after_an_error_in_a_batch_what_comes_before_its_sync_is_dropped() {
    let mut house = House::new();
    assert_eq!(house.caller(&[parse("", "SELECT wrong"), bind("", "")].concat()), "PB");
    house.target(&error("42703"));
    assert_eq!(house.caller(&[execute(""), query("SELECT 1")].concat()), "");
    assert_eq!(house.caller(&sync()), "S");
    house.target(&ready(b'I'));
    assert_eq!(house.shown(), "E42703 ZI");
    assert_eq!(house.outcomes(), [Outcome::Failed("42703".into())]);
}

#[test]
fn what_this_version_does_not_carry_is_refused_in_its_place() {
    let mut house = House::new();
    assert_eq!(house.caller(&query("SELEC 1")), "!");
    house.target(&[error("42601"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E42601 ZI");
    assert!(house.rulings().iter().all(|(ruling, _)| *ruling == Ruling::Deny));
    assert_eq!(house.rulings().len(), 1);
}

#[test]
fn a_caller_that_breaks_the_protocol_is_told_and_ended() {
    for bytes in
        [b"Q\0\0\0\x03".as_slice(), b"Q\xff\xff\xff\xff", b"Q\x7f\xff\xff\xff", b"R\0\0\0\x04", b"p\0\0\0\x05\0"]
    {
        let mut house = House::new();
        assert_eq!(house.caller(bytes), "");
        assert!(house.conversation.ended().is_some(), "{bytes:?}");
        assert!(matches!(house.shown().as_str(), "E08P01" | "E54000"), "{bytes:?}");
    }
}

#[test]
fn late_copy_data_is_ignored_as_the_server_would() {
    let mut house = House::new();
    assert_eq!(house.caller(&[plain(b'd'), plain(b'c'), query("SELECT 1")].concat()), "Q");
}

#[test]
fn a_name_that_is_parsed_again_before_it_is_confirmed_is_confirmed_all_the_same() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT 1"), parse("a", "SELECT 2"), sync()].concat());
    house.target(&[plain(b'1'), error("42P05"), ready(b'I')].concat());
    assert_eq!(house.caller(&[bind("", "a"), sync()].concat()), "BS");
}

#[test]
fn names_that_fail_in_one_batch_after_the_other_mean_what_they_meant_before_all_of_them() {
    let mut house = House::new();
    house.caller(
        &[parse("a", "SELECT 1"), sync(), parse("a", "SELECT 2"), sync(), parse("a", "SELECT 3"), sync()].concat(),
    );
    house.target(&[plain(b'1'), ready(b'I'), error("42P05"), ready(b'I'), error("42P05"), ready(b'I')].concat());
    assert_eq!(house.caller(&[bind("", "a"), sync()].concat()), "BS");
}

#[test]
fn a_close_that_is_skipped_closes_nothing_for_the_batches_behind_it() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT ssn FROM customers"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    let skipped = [parse("z", "SELECT wrong"), close("a"), sync(), parse("a", "SELECT status FROM orders"), sync()];
    house.caller(&skipped.concat());
    house.target(&[error("42703"), ready(b'I'), error("42P05"), ready(b'I')].concat());
    assert_eq!(house.caller(&[bind("", "a"), execute(""), sync()].concat()), "BDES");
}

#[test]
fn a_name_that_an_earlier_batch_closes_is_gone_only_when_that_is_confirmed() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT 1"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    house.conversation.to_caller.clear();
    let behind = [parse("z", "SELECT wrong"), close("a"), sync(), bind("", "a"), execute(""), sync()];
    assert_eq!(house.caller(&behind.concat()), "PCS", "the Bind waits");
    assert_eq!(house.target(&[error("42703"), ready(b'I')].concat()), "BDES");
    assert_eq!(house.caller(&[close("a"), sync(), bind("", "a"), sync()].concat()), "CS");
    house.target(&[plain(b'2'), shape(&[("?column?", 0, 0, 23)]), complete(), ready(b'I')].concat());
    assert_eq!(house.target(&[plain(b'3'), ready(b'I')].concat()), "!S");
}

/// The Close has gone, and the Sync of its batch comes with what follows it.
#[test]
fn a_close_that_went_before_the_end_of_its_batch_is_awaited_all_the_same() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT 1"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    assert_eq!(house.caller(&[parse("z", "SELECT wrong"), close("a")].concat()), "PC");
    assert_eq!(house.caller(&[sync(), bind("", "a"), execute(""), sync()].concat()), "S", "the Bind waits");
    assert_eq!(house.target(&[error("42703"), ready(b'I')].concat()), "BDES");
}

#[test]
fn a_question_about_a_shape_that_was_skipped_is_asked_again() {
    let mut house = House::new();
    house.caller(&[parse("a", "SELECT ssn FROM customers"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    house.caller(&[query("BEGIN"), bind("p", "a"), sync()].concat());
    house.target(&[complete(), ready(b'T'), plain(b'2'), ready(b'T')].concat());
    for question in [describe_portal("p"), Vec::new()] {
        let batch = [parse("z", "SELECT wrong"), question, execute("p"), sync()];
        assert_eq!(house.caller(&batch.concat()), "PDES");
        house.target(&[error("42703"), ready(b'T')].concat());
    }
    assert_eq!(house.caller(&[execute("p"), sync()].concat()), "DES");
}

#[test]
fn the_unnamed_statement_goes_with_the_refusal_of_the_next() {
    let mut house = House::new();
    house.caller(&[parse("", "SELECT 1"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    house.conversation.to_caller.clear();
    house.conversation.take_from_caller(&parse("", "DROP TABLE orders"), NOW);
    // The target drops it before it reads the new text, so what stands for a refused Parse is a Parse.
    assert_eq!(frames(&house.forwarded_bytes()), [(b'P', b"\0refused by weir\0\0\0".to_vec())]);
}

#[test]
fn what_is_parsed_and_run_in_one_breath_is_one_operation() {
    let batch = |name: &str| [parse(name, "SELECT status FROM orders"), bind("", name), execute("")];
    let replies = [plain(b'1'), plain(b'2'), shape(&[("status", ORDERS, 2, 25)]), complete(), ready(b'I')].concat();
    let mut house = House::new();
    assert_eq!(house.caller(&[batch("").concat(), sync()].concat()), "PBDES");
    house.target(&replies);
    assert_eq!(house.rulings(), [(Ruling::Permit, "execute")]);
    assert_eq!(house.outcomes(), [Outcome::Done]);
    // In two reads it is two: nobody knew what would come.
    let mut house = House::new();
    let [parse_frame, bind_frame, execute_frame] = batch("a");
    assert_eq!(house.caller(&parse_frame), "P");
    assert_eq!(house.caller(&[bind_frame, execute_frame, sync()].concat()), "BDES");
    house.target(&replies);
    assert_eq!(house.rulings(), [(Ruling::Permit, "parse"), (Ruling::Permit, "execute")]);
    assert_eq!(house.outcomes(), [Outcome::Done, Outcome::Done]);
    // Another run of it is another operation, and so is another statement that was parsed in between.
    let mut house = House::new();
    let twice = [batch("a").concat(), execute(""), parse("b", "SELECT 1"), bind("", "a"), execute(""), sync()];
    assert_eq!(house.caller(&twice.concat()), "PBDEDEPBDES");
    let steps: Vec<_> = house.rulings().into_iter().map(|(_, step)| step).collect();
    assert_eq!(steps, ["execute", "execute", "parse", "execute"]);
    // So is the same text under another name, in another batch.
    let mut house = House::new();
    house.caller(&[batch("a").concat(), sync()].concat());
    house.target(&replies);
    let again = [parse("b", "SELECT status FROM orders"), sync(), bind("", "a"), execute(""), sync()];
    assert_eq!(house.caller(&again.concat()), "PSBDES");
    house.target(&[error("42601"), ready(b'I'), replies[5..].to_vec()].concat());
    let steps: Vec<_> = house.rulings().into_iter().map(|(_, step)| step).collect();
    assert_eq!(steps, ["execute", "parse", "execute"]);
    assert_eq!(house.outcomes(), [Outcome::Done, Outcome::Failed("42601".to_owned()), Outcome::Done]);
    // What is refused is refused where it stands.
    let mut house = House::new();
    let refused = [parse("", "DROP TABLE orders"), bind("", ""), execute(""), sync()];
    assert_eq!(house.caller(&refused.concat()), "!S");
    assert_eq!(house.rulings(), [(Ruling::Deny, "parse")]);
}

#[test]
fn an_operation_whose_parse_fails_has_failed() {
    let mut house = House::new();
    let batch = [parse("", "SELECT status FROM orders"), bind("", ""), execute(""), parse("b", "SELECT 1"), sync()];
    assert_eq!(house.caller(&batch.concat()), "PBDEPS");
    house.target(&[error("42P01"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E42P01 ZI");
    // What came last is noted first.
    assert_eq!(house.outcomes(), [Outcome::Skipped, Outcome::Failed("42P01".to_owned())]);
    // Whatever stands between.
    let mut house = House::new();
    let batch_with_close = [&batch[..2], &[close("c")], &batch[2..]].concat();
    assert_eq!(house.caller(&batch_with_close.concat()), "PBCDEPS");
    house.target(&[error("42P01"), ready(b'I')].concat());
    assert_eq!(house.outcomes(), [Outcome::Skipped, Outcome::Failed("42P01".to_owned())]);
    // So it is if Weir's own question fails.
    let mut house = House::new();
    house.caller(&batch.concat());
    house.target(&[plain(b'1'), plain(b'2'), error("0A000"), ready(b'I')].concat());
    assert_eq!(house.outcomes(), [Outcome::Skipped, Outcome::Failed("0A000".to_owned())]);
    // If it is the Bind that fails, what was parsed never ran.
    let mut house = House::new();
    house.caller(&batch.concat());
    house.target(&[plain(b'1'), error("22P02"), ready(b'I')].concat());
    assert_eq!(house.outcomes(), [Outcome::Skipped, Outcome::Skipped]);
}
