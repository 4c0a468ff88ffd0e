use super::*;
use crate::SECOND;

const RULES: Rules = Rules { first_use: true, unusual_volume: true, factor: 5, rows_min: 1000 };
const HOUR: Micros = 3600 * SECOND;
/// Midnight.
const START: Micros = 20_000 * 24 * HOUR;

fn enters(usage: &mut Usage, at: Micros, principal: &str, target: &str) -> String {
    let session = format!("{principal}@{target}#{at}");
    usage.take(Seen::Admitted { at, session: &session, principal, target });
    session
}

/// What is said now, and that it was.
fn said(usage: &mut Usage) -> Vec<(What, Option<String>, String)> {
    let said = usage.pending().iter().map(|f| (f.what, f.principal.clone(), f.detail.clone())).collect();
    usage.settle();
    said
}

/// Somebody has used this target for long.
fn is_old(usage: &mut Usage, target: &str) {
    enters(usage, START - 100 * HOUR, "local:old", target);
    assert_eq!(usage.pending(), [], "that is learned from");
}

fn count(usage: &mut Usage) -> usize {
    said(usage).len()
}

#[test]
fn a_first_use_is_said_once_for_each_principal_and_target() {
    let mut usage = Usage::new(RULES, START);
    enters(&mut usage, START + 1, "local:alice", "orders");
    enters(&mut usage, START + 2, "local:alice", "orders");
    enters(&mut usage, START + 3, "local:alice", "billing");
    enters(&mut usage, START + 4, "local:bob", "orders");
    let found = said(&mut usage);
    let details: Vec<&str> = found.iter().map(|(_, _, detail)| detail.as_str()).collect();
    assert_eq!(
        details,
        [
            "local:alice was let in to orders for the first time",
            "local:alice was let in to billing for the first time",
            "local:bob was let in to orders for the first time",
        ]
    );
    enters(&mut usage, START + 400 * HOUR, "local:alice", "orders");
    assert_eq!(count(&mut usage), 0);
}

#[test]
fn what_was_there_before_is_learned_from() {
    let mut usage = Usage::new(RULES, START);
    let session = enters(&mut usage, START - HOUR, "local:alice", "orders");
    usage.take(Seen::Ended { at: START - HOUR, session: &session, rows: 50_000 });
    enters(&mut usage, START, "local:alice", "orders");
    usage.take(Seen::Ended { at: START, session: &session, rows: 60_000 });
    assert_eq!(said(&mut usage), []);
    enters(&mut usage, START, "local:bob", "orders");
    assert_eq!(count(&mut usage), 1);
}

#[test]
fn what_is_off_is_not_said() {
    let mut usage = Usage::new(Rules { first_use: false, unusual_volume: false, ..RULES }, START);
    let session = enters(&mut usage, START, "local:alice", "orders");
    usage.take(Seen::Ended { at: START, session: &session, rows: 1_000_000 });
    assert_eq!(said(&mut usage), []);
}

#[test]
fn a_volume_is_unusual_by_factor_and_by_number() {
    let mut usage = Usage::new(Rules { first_use: false, ..RULES }, START);
    is_old(&mut usage, "orders");
    let session = enters(&mut usage, START, "local:alice", "orders");
    let show = |usage: &mut Usage, hour: u64, rows| {
        usage.take(Seen::Ended { at: START + hour * HOUR + 7, session: &session, rows });
        said(usage).into_iter().map(|(_, _, detail)| detail).collect::<Vec<_>>()
    };
    // Nobody was shown anything before: the number alone decides.
    assert_eq!(show(&mut usage, 0, 999), [""; 0]);
    let first =
        "local:alice has been shown 1000 rows of orders in this hour, and none in any hour of the seven days before";
    assert_eq!(show(&mut usage, 0, 1), [first]);
    assert_eq!(show(&mut usage, 0, 1_000_000), [""; 0], "once an hour");
    // What is usual now is what was most.
    assert_eq!(show(&mut usage, 1, 5_004_999), [""; 0]);
    assert_eq!(show(&mut usage, 24 * 9, 900), [""; 0], "a week is forgotten");
    assert_eq!(show(&mut usage, 24 * 9 + 1, 4500), [""; 0]);
    let more = "local:alice has been shown 4501 rows of orders in this hour, and at most 900 in any hour of the seven days before";
    assert_eq!(show(&mut usage, 24 * 9 + 1, 1), [more]);
    assert_eq!(show(&mut usage, 24 * 9 + 2, 22_505), [""; 0], "five times as much is not more than that");
}

#[test]
fn a_flood_of_principals_says_little_and_is_counted() {
    let mut usage = Usage::new(RULES, START);
    is_old(&mut usage, "orders");
    for number in 0..500 {
        let session = enters(&mut usage, START + number, &format!("ci:{number}"), "orders");
        usage.take(Seen::Ended { at: START + number, session: &session, rows: 5000 });
    }
    assert_eq!(count(&mut usage), 40);
    usage.pass(START + HOUR - 1);
    assert_eq!(count(&mut usage), 0, "the hour is not over");
    usage.pass(START + HOUR);
    let found = said(&mut usage);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].2.starts_with("480 more principals used a target for the first time"), "{found:?}");
    assert!(found[1].2.starts_with("480 more unusual volumes"), "{found:?}");
    usage.pass(START + 2 * HOUR);
    assert_eq!(count(&mut usage), 0);
    enters(&mut usage, START + 3 * HOUR, "ci:new", "orders");
    assert_eq!(count(&mut usage), 1);
}

#[test]
fn what_is_remembered_is_bounded_and_the_oldest_is_forgotten() {
    let mut usage = Usage::new(RULES, START + HOUR);
    let number = u64::try_from(PAIRS_MAX).unwrap();
    for number in 0..number {
        let session = enters(&mut usage, START + number, &format!("ci:{number}"), "orders");
        usage.take(Seen::Closed { session: &session });
    }
    assert_eq!(usage.count, PAIRS_MAX);
    enters(&mut usage, START + number, "ci:0", "orders");
    enters(&mut usage, START + HOUR, "ci:new", "orders");
    assert_eq!((usage.count, count(&mut usage)), (PAIRS_MAX, 1));
    enters(&mut usage, START + HOUR, "ci:0", "orders");
    assert_eq!(count(&mut usage), 0, "it was used lately");
    enters(&mut usage, START + HOUR, "ci:1", "orders");
    assert_eq!(count(&mut usage), 1, "it was forgotten");
    assert_eq!((usage.pairs["orders"].len(), usage.sessions.len()), (PAIRS_MAX, 4));
}

/// Records are read again from where the state was written, however far that is back: nothing is said twice, and nothing left out.
#[test]
fn whatever_is_read_again_is_said_once() {
    let records: Vec<(Micros, String, u64)> = (0..300)
        .map(|number| (START + number * 100 * SECOND, format!("ci:{}", number * 7 % 90), number * number % 7000))
        .collect();
    let run = |usage: &mut Usage, from: usize, to: usize| {
        for (at, principal, rows) in &records[from..to] {
            let session = enters(usage, *at, principal, "orders");
            usage.take(Seen::Ended { at: *at, session: &session, rows: *rows });
        }
    };
    let fresh = || {
        let mut usage = Usage::new(RULES, START);
        is_old(&mut usage, "orders");
        usage
    };
    let mut whole = fresh();
    run(&mut whole, 0, records.len());
    let expected = whole.pending().to_vec();
    assert!(expected.len() > 60, "{}", expected.len());

    for written in [0, 1, 17, 150, 299, 300] {
        for killed in [written, (written + 40).min(300), 300] {
            let mut usage = fresh();
            run(&mut usage, 0, written);
            let mut log = usage.pending().to_vec();
            usage.settle();
            let state = usage.to_json().unwrap();
            run(&mut usage, written, killed);
            log.extend(usage.pending().iter().cloned());
            // Killed when all of that is in the log, and none of it in the state.
            let mut usage = Usage::read(RULES, &state, START).unwrap();
            assert_eq!(usage.to_json().unwrap().len(), state.len());
            run(&mut usage, written, killed);
            log.iter().for_each(|finding| usage.take(Seen::Said(finding.key())));
            assert_eq!(usage.pending(), [], "written at {written}, killed at {killed}");
            run(&mut usage, killed, records.len());
            log.extend(usage.pending().iter().cloned());
            assert_eq!(log, expected, "written at {written}, killed at {killed}");
        }
    }
}

#[test]
fn what_was_said_counts_also_where_it_is_read_first() {
    let mut usage = Usage::new(RULES, START);
    let said = Key { what: What::FirstUse, principal: Some("local:alice"), target: Some("orders"), since: START + 5 };
    usage.take(Seen::Said(said));
    enters(&mut usage, START + 5, "local:alice", "orders");
    assert_eq!(usage.pending(), []);
    usage.settle();
    assert!(usage.said.is_empty());
}

#[test]
fn sessions_of_a_process_that_ended_are_over() {
    let mut usage = Usage::new(Rules { first_use: false, ..RULES }, START);
    let session = enters(&mut usage, START, "local:alice", "orders");
    usage.take(Seen::Started);
    usage.take(Seen::Ended { at: START, session: &session, rows: 1_000_000 });
    assert_eq!((usage.pending().len(), usage.sessions.len()), (0, 0));
}

#[test]
fn what_cannot_be_read_is_said() {
    assert!(Usage::read(RULES, "{}", START).is_err());
    assert!(Usage::read(RULES, "", START).is_err());
}

/// A look or a record with a clock that is 70 years ahead, and then one that is right.
#[test]
fn a_clock_that_was_far_ahead_keeps_nothing_silent() {
    const AHEAD: Micros = 70 * 365 * 24 * HOUR;
    let now = START + 100 * HOUR;
    let is_told = |mut usage: Usage, how: &str| {
        usage.settle();
        let session = enters(&mut usage, now, "local:new", "orders");
        usage.take(Seen::Ended { at: now, session: &session, rows: 5000 });
        enters(&mut usage, now, "local:alice", "orders");
        let session = enters(&mut usage, now + 1, "local:alice", "orders");
        usage.take(Seen::Ended { at: now + 1, session: &session, rows: 5000 });
        assert_eq!(usage.pending().len(), 3, "{how}: {:?}", usage.pending());
    };
    let before = || {
        let mut usage = Usage::new(RULES, START);
        enters(&mut usage, START, "local:alice", "orders");
        usage
    };
    let again = |usage: &Usage| Usage::read(RULES, &usage.to_json().unwrap(), now).unwrap();
    let mut looked = before();
    looked.pass(now + AHEAD);
    is_told(again(&looked), "a look, and a start");
    is_told(looked, "a look");

    let mut seen = before();
    let at = now + AHEAD;
    for number in 0..30 {
        let session = enters(&mut seen, at, &format!("ci:{number}"), "orders");
        seen.take(Seen::Ended { at, session: &session, rows: 5000 });
    }
    let session = enters(&mut seen, at, "local:alice", "orders");
    seen.take(Seen::Ended { at, session: &session, rows: 1_000_000 });
    seen.settle();
    let mut read = again(&seen);
    read.pass(now);
    assert_eq!(read.pending().len(), 2, "how many were held back: {:?}", read.pending());
    is_told(read, "records, and a start");
    seen.pass(now);
    is_told(seen, "records");

    // It began then.
    let begun = || {
        let mut usage = Usage::new(RULES, now + AHEAD);
        enters(&mut usage, START, "local:alice", "orders");
        usage
    };
    is_told(again(&begun()), "a beginning, and a start");
    let mut begun = begun();
    begun.pass(now);
    is_told(begun, "a beginning");
}

#[test]
fn a_clock_that_steps_back_a_little_says_nothing_twice() {
    let mut usage = Usage::new(RULES, START);
    is_old(&mut usage, "orders");
    let session = enters(&mut usage, START + HOUR, "local:alice", "orders");
    usage.take(Seen::Ended { at: START + HOUR, session: &session, rows: 5000 });
    assert_eq!(count(&mut usage), 2);
    usage.take(Seen::Ended { at: START + HOUR - 1, session: &session, rows: 5000 });
    assert_eq!(count(&mut usage), 0);
}

#[test]
fn who_is_new_is_measured_by_others_and_a_target_that_is_new_by_nobody() {
    let mut usage = Usage::new(Rules { first_use: false, ..RULES }, START);
    let show = |usage: &mut Usage, at: Micros, session: &str, rows: u64| {
        usage.take(Seen::Ended { at, session, rows });
        said(usage).into_iter().map(|(_, _, detail)| detail).collect::<Vec<_>>()
    };
    // All of it is new.
    let alice = enters(&mut usage, START, "local:alice", "orders");
    assert_eq!(show(&mut usage, START + 1, &alice, 2000), [""; 0]);
    let bob = enters(&mut usage, START + 23 * HOUR, "local:bob", "orders");
    assert_eq!(show(&mut usage, START + 24 * HOUR - 1, &bob, 1_000_000), [""; 0]);
    // And a day later who was there has something to be measured by.
    let hour = START + 24 * HOUR;
    assert_eq!(show(&mut usage, hour, &alice, 10_000), [""; 0]);
    assert_eq!(show(&mut usage, hour, &alice, 1).len(), 1);

    let mut usage = Usage::new(Rules { first_use: false, ..RULES }, START);
    let alice = enters(&mut usage, START, "local:alice", "orders");
    show(&mut usage, START, &alice, 2000);
    // Who comes later, by what was shown before that day.
    let at = START + 40 * HOUR;
    show(&mut usage, at, &alice, 9000);
    let eve = enters(&mut usage, at, "local:eve", "orders");
    assert_eq!(show(&mut usage, at, &eve, 10_000), [""; 0]);
    let told = "local:eve has been shown 10001 rows of orders in this hour, and is new there; nobody was shown more than 2000 in an hour of the seven days before";
    assert_eq!(show(&mut usage, at, &eve, 1), [told]);
    // Another target begins anew, and all of it is known after a start.
    usage.take(Seen::Admitted { at, session: "s", principal: "local:alice", target: "billing" });
    said(&mut usage);
    let mut usage = Usage::read(RULES, &usage.to_json().unwrap(), at).unwrap();
    let frank = enters(&mut usage, at, "local:frank", "orders");
    said(&mut usage);
    assert_eq!(show(&mut usage, at, &frank, 10_000), [""; 0]);
    assert_eq!(show(&mut usage, at + 23 * HOUR, "s", 1_000_000), [""; 0]);
    assert_eq!(show(&mut usage, at + 25 * HOUR, "s", 5_000_001).len(), 1);
}
