//! PREPARE, EXECUTE, DECLARE, FETCH and what takes names away, in one with the names of the protocol.

use gate::Ruling;

use super::house::*;

const SSN: (&str, u32, i16, u32) = ("ssn", CUSTOMERS, 3, 25);
const CITY: (&str, u32, i16, u32) = ("city", CUSTOMERS, 4, 25);
const COMPUTED: (&str, u32, i16, u32) = ("md5", 0, 0, 25);

/// A text that goes and does well.
#[track_caller]
fn done(house: &mut House, text: &str) {
    assert_eq!(house.caller(&query(text)), "Q", "{text}");
    house.target(&[complete(), ready(b'T')].concat());
    house.shown();
}

/// A text that goes; what is shown of one row of these columns that comes back.
#[track_caller]
fn shown(house: &mut House, text: &str, columns: &[(&str, u32, i16, u32)], cells_sent: &[&str]) -> Vec<String> {
    assert_eq!(house.caller(&query(text)), "Q", "{text}");
    house.conversation.to_caller.clear();
    house.target(&[shape(columns), row(cells_sent), complete(), ready(b'T')].concat());
    let shown = cells(&house.conversation.to_caller).remove(0);
    house.shown();
    shown
}

/// A text that policy refuses.
#[track_caller]
fn refused(house: &mut House, text: &str) {
    house.shown();
    assert_eq!(house.caller(&query(text)), "!", "{text}");
    house.target(&[error("42601"), ready(b'T')].concat());
    assert_eq!(house.shown(), "E42501 ZT", "{text}");
}

#[test]
fn what_is_executed_is_shown_as_what_was_prepared() {
    let mut house = House::new();
    done(&mut house, "PREPARE p AS SELECT ssn, city, md5(ssn) FROM customers");
    let sent = ["512-44-9821", "Leeds", "abc"];
    assert_eq!(shown(&mut house, "EXECUTE p", &[SSN, CITY, COMPUTED], &sent), ["[redacted]", "Leeds", "[redacted]"]);
    done(&mut house, "PREPARE o AS SELECT status FROM orders");
    assert_eq!(shown(&mut house, "EXECUTE o", &[("status", ORDERS, 2, 25)], &["paid"]), ["paid"]);
    assert_eq!(shown(&mut house, "EXPLAIN ANALYZE EXECUTE p", &[("plan", 0, 0, 25)], &["x"]), ["[redacted]"]);
}

#[test]
fn names_are_those_of_the_protocol() {
    let mut house = House::new();
    house.caller(&[parse("p", "SELECT md5(ssn) FROM customers"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    assert_eq!(shown(&mut house, "EXECUTE p", &[COMPUTED], &["abc"]), ["[redacted]"]);
    done(&mut house, "DEALLOCATE p");
    refused(&mut house, "EXECUTE p");
    done(&mut house, "PREPARE q AS SELECT md5(ssn) FROM customers");
    assert_eq!(house.caller(&[bind("", "q"), execute(""), sync()].concat()), "BDES");
    house.target(&[plain(b'2'), shape(&[COMPUTED]), row(&["abc"]), complete(), ready(b'T')].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
    house.shown();
    done(&mut house, "DEALLOCATE ALL");
    assert_eq!(house.caller(&[bind("", "q"), execute(""), sync()].concat()), "!S");
}

#[test]
fn a_name_that_was_not_prepared_means_what_it_meant() {
    let mut house = House::new();
    done(&mut house, "PREPARE p AS SELECT md5(ssn) FROM customers");
    // It is there already.
    assert_eq!(house.caller(&query("PREPARE p AS SELECT status FROM orders")), "Q");
    house.target(&[error("42P05"), ready(b'T')].concat());
    assert_eq!(shown(&mut house, "EXECUTE p", &[COMPUTED], &["abc"]), ["[redacted]"]);
    // One that goes well before another fails is there.
    house.caller(&query("PREPARE a AS SELECT status FROM orders; DEALLOCATE p; SELECT wrong; PREPARE b AS SELECT 1"));
    house.target(&[complete(), complete(), error("42703"), ready(b'T')].concat());
    house.shown();
    assert_eq!(shown(&mut house, "EXECUTE a", &[("status", ORDERS, 2, 25)], &["paid"]), ["paid"]);
    refused(&mut house, "EXECUTE p");
    refused(&mut house, "EXECUTE b");
}

#[test]
fn what_is_sent_behind_a_prepare_waits_for_it() {
    let mut house = House::new();
    done(&mut house, "PREPARE p AS SELECT md5(ssn) FROM customers");
    let both = [query("DEALLOCATE p; PREPARE p AS SELECT status FROM orders"), query("EXECUTE p")].concat();
    assert_eq!(house.caller(&both), "Q");
    // The second half failed, so that p is gone.
    assert_eq!(house.target(&[complete(), error("42P01"), ready(b'I')].concat()), "!");
    let mut house = House::new();
    let both = [query("PREPARE p AS SELECT md5(ssn) FROM customers"), query("EXECUTE p")].concat();
    assert_eq!(house.caller(&both), "Q");
    assert_eq!(house.target(&[complete(), ready(b'I')].concat()), "Q");
    house.target(&[shape(&[COMPUTED]), row(&["abc"])].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
}

#[test]
fn a_text_may_use_what_it_has_named_itself() {
    let mut house = House::new();
    let text = "PREPARE p AS SELECT md5(ssn) FROM customers; EXECUTE p; DECLARE c CURSOR FOR SELECT ssn FROM customers; \
                FETCH 1 FROM c; CLOSE c; DECLARE c CURSOR FOR SELECT status FROM orders; FETCH c";
    assert_eq!(house.caller(&query(text)), "Q");
    house.target(&[complete(), shape(&[COMPUTED]), row(&["abc"]), complete(), complete()].concat());
    house.target(&[shape(&[SSN]), row(&["512-44-9821"]), complete(), complete(), complete()].concat());
    house.target(&[shape(&[("status", ORDERS, 2, 25)]), row(&["paid"]), complete(), ready(b'I')].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"], ["[redacted]"], ["paid"]]);
    // The statement is there, the cursor went with its transaction.
    house.shown();
    assert_eq!(shown(&mut house, "EXECUTE p", &[COMPUTED], &["abc"]), ["[redacted]"]);
    refused(&mut house, "FETCH c");
    for text in ["DEALLOCATE ALL; EXECUTE p", "DISCARD ALL; EXECUTE p", "DEALLOCATE p; EXECUTE p"] {
        refused(&mut house, text);
    }
}

#[test]
fn what_nobody_has_seen_is_opaque() {
    for text in ["EXECUTE x", "FETCH x", "MOVE 3 x", "FETCH \"<unnamed portal 1>\"", "CREATE TABLE t AS EXECUTE x"] {
        refused(&mut House::new(), text);
        let mut house = House::opaque(true);
        assert_eq!(house.caller(&query(text)), "Q", "{text}");
        house.target(&[shape(&[SSN, ("id", CUSTOMERS, 1, 23)]), row(&["512-44-9821", "1"])].concat());
        let hidden = cells(&house.conversation.to_caller);
        assert!(hidden.iter().all(|row| row == &["[redacted]", "NULL"]), "{text}: {hidden:?}");
        let mut house = House::opaque(false);
        assert_eq!(house.caller(&query(text)), "Q", "{text}");
        if text.starts_with("CREATE") {
            continue;
        }
        let result = [shape(&[("a", 0, 0, 25)]), row(&["x"]), complete(), ready(b'I')].concat();
        house.target(&result);
        assert_eq!(house.conversation.to_caller, result, "{text}");
    }
}

#[test]
fn what_is_executed_is_decided_as_what_was_prepared() {
    let mut house = House::new();
    done(&mut house, "PREPARE p AS SELECT ssn FROM customers");
    done(&mut house, "CREATE TABLE t AS EXECUTE p");
    let asks = |house: &House| {
        let records = house.ledger.records.lock();
        let decided = records.iter().rev().find_map(|record| match &record.event {
            gate::Event::Decided(decided) => Some(decided.asks.join("; ")),
            _ => None,
        });
        decided.unwrap()
    };
    let asked = asks(&house);
    assert!(asked.contains("store Field::\"shop/public.customers.ssn\""), "{asked}");
    assert!(asked.contains("select Table::\"shop/public.customers\"") && !asked.contains("email"), "{asked}");
    // Under one name, one text is another thing when another statement is behind the name.
    done(&mut house, "DEALLOCATE p");
    done(&mut house, "PREPARE p AS DELETE FROM orders");
    done(&mut house, "EXECUTE p");
    assert!(asks(&house).contains("delete Table::\"shop/public.orders\""), "{}", asks(&house));
    done(&mut house, "DECLARE c CURSOR FOR SELECT status FROM orders FOR UPDATE");
    done(&mut house, "MOVE FORWARD 2 c");
    assert!(asks(&house).contains("lock Table::\"shop/public.orders\""), "{}", asks(&house));
    assert!(house.rulings().iter().all(|(ruling, _)| *ruling == Ruling::Permit));
}

#[test]
fn a_parameter_that_code_makes_is_followed_nowhere() {
    let mut house = House::new();
    done(&mut house, "PREPARE p(text) AS SELECT $1");
    refused(&mut house, "EXECUTE p(some_code())");
    done(&mut house, "EXECUTE p(upper('x'))");
}

#[test]
fn what_is_fetched_is_shown_as_the_cursor_it_comes_from() {
    let mut house = House::new();
    for options in ["", "BINARY", "SCROLL", "NO SCROLL", "INSENSITIVE", "ASENSITIVE"] {
        done(&mut house, &format!("DECLARE c {options} CURSOR FOR SELECT ssn, city, md5(ssn) FROM customers"));
        for fetch in ["FETCH c", "FETCH ALL IN c", "FETCH BACKWARD 2 FROM c", "FETCH ABSOLUTE -1 c", "FETCH 0 c"] {
            let sent = ["512-44-9821", "Leeds", "abc"];
            let cells = shown(&mut house, fetch, &[SSN, CITY, COMPUTED], &sent);
            assert_eq!(cells, ["[redacted]", "Leeds", "[redacted]"], "{options} {fetch}");
        }
        done(&mut house, "CLOSE c");
        refused(&mut house, "FETCH c");
    }
}

#[test]
fn a_binary_cursor_gives_binary_cells() {
    let mut house = House::new();
    done(&mut house, "DECLARE c BINARY CURSOR FOR SELECT ssn FROM customers");
    house.caller(&query("FETCH c"));
    // A binary jsonb begins with its version.
    house.target(&[binary_shape(&[("ssn", CUSTOMERS, 3, 3802)]), row(&["\u{1}{}"]), complete(), ready(b'T')].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["\u{1}\"[redacted]\""]]);
}

#[test]
fn a_portal_is_a_cursor_and_a_cursor_is_a_portal() {
    let mut house = House::new();
    done(&mut house, "DECLARE c CURSOR FOR SELECT md5(ssn) FROM customers");
    assert_eq!(house.caller(&[execute("c"), sync()].concat()), "DES");
    house.target(&[shape(&[COMPUTED]), row(&["abc"]), complete(), ready(b'T')].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
    house.shown();
    house.caller(&[parse("", "SELECT md5(ssn) FROM customers"), bind("d", ""), sync()].concat());
    house.target(&[plain(b'1'), plain(b'2'), ready(b'T')].concat());
    house.shown();
    assert_eq!(shown(&mut house, "FETCH 1 FROM d", &[COMPUTED], &["abc"]), ["[redacted]"]);
}

#[test]
fn cursors_end_with_their_transaction_unless_they_are_held() {
    let mut house = House::new();
    done(&mut house, "DECLARE c CURSOR FOR SELECT status FROM orders");
    done(&mut house, "DECLARE h CURSOR WITH HOLD FOR SELECT status FROM orders");
    house.caller(&query("COMMIT"));
    house.target(&[tagged("COMMIT"), ready(b'I')].concat());
    refused(&mut house, "FETCH c");
    assert_eq!(shown(&mut house, "FETCH h", &[("status", ORDERS, 2, 25)], &["paid"]), ["paid"]);
    done(&mut house, "CLOSE ALL");
    refused(&mut house, "FETCH h");
}

#[test]
fn through_the_extended_protocol_it_is_the_same() {
    let mut house = House::new();
    // All in one batch: it is skipped together if something fails.
    let batch = [
        parse("", "PREPARE p AS SELECT md5(ssn) FROM customers"),
        bind("", ""),
        execute(""),
        parse("e", "EXECUTE p"),
        bind("", "e"),
        execute(""),
        sync(),
    ];
    assert_eq!(house.caller(&batch.concat()), "PBEPBDES");
    house.target(&[plain(b'1'), plain(b'2'), complete()].concat());
    house.target(&[plain(b'1'), plain(b'2'), shape(&[COMPUTED]), row(&["abc"]), complete(), ready(b'I')].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
    assert!(house.conversation.ended().is_none());
}

#[test]
fn a_portal_whose_name_means_another_statement_by_now_shows_nothing() {
    let mut house = House::new();
    done(&mut house, "PREPARE p AS SELECT status FROM orders");
    house.caller(&[parse("e", "EXECUTE p"), bind("x", "e"), sync()].concat());
    house.target(&[plain(b'1'), plain(b'2'), ready(b'T')].concat());
    done(&mut house, "DEALLOCATE p");
    done(&mut house, "PREPARE p AS SELECT t.status FROM (SELECT ssn AS status FROM customers) t");
    assert_eq!(house.caller(&[execute("x"), sync()].concat()), "DES");
    // Were this description taken for that of the statement which p means now, the cell would be a plain one.
    house.target(&[shape(&[("status", ORDERS, 2, 25)]), row(&["abc"]), complete(), ready(b'T')].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]]);
}

#[test]
fn what_works_with_names_itself_is_not_followed() {
    let mut house = House::new();
    // It would run itself for ever, or name something that nobody has seen.
    for text in ["EXECUTE f", "PREPARE g AS SELECT 1", "DEALLOCATE p", "FETCH c"] {
        let mut house = House::opaque(true);
        house.caller(&[parse("f", text), sync()].concat());
        house.target(&[plain(b'1'), ready(b'I')].concat());
        assert_eq!(house.caller(&query("EXECUTE f")), "Q", "{text}");
    }
    done(&mut house, "PREPARE p AS SELECT 1");
    house.caller(&[parse("f", "DEALLOCATE p"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'T')].concat());
    refused(&mut house, "EXECUTE f");
}

/// A function may open a cursor under any name that is free: what is there by then is not what was declared.
#[test]
fn a_cursor_is_not_taken_to_outlive_what_ends_it() {
    let ends: [&[&str]; 9] = [
        &["COMMIT; BEGIN"],
        &["COMMIT AND CHAIN"],
        &["ROLLBACK AND CHAIN"],
        &["ROLLBACK TO s"],
        &["SAVEPOINT t", "ROLLBACK TO s"],
        &["SAVEPOINT s", "RELEASE s", "ROLLBACK TO s"],
        &["ROLLBACK; BEGIN"],
        &["PREPARE TRANSACTION 'x'; BEGIN"],
        &["CLOSE c"],
    ];
    for end in ends {
        let mut house = House::new();
        done(&mut house, "BEGIN");
        done(&mut house, "SAVEPOINT s");
        done(&mut house, "DECLARE c CURSOR FOR SELECT status FROM orders");
        for text in end {
            house.caller(&query(text));
            let each: Vec<u8> = text.split(';').flat_map(|_| complete()).collect();
            house.target(&[each, ready(b'T')].concat());
        }
        refused(&mut house, "FETCH c");
        // And all at once, or in one text.
        let mut house = House::new();
        done(&mut house, "BEGIN");
        done(&mut house, "SAVEPOINT s");
        done(&mut house, "DECLARE c CURSOR FOR SELECT status FROM orders");
        let text = format!("{}; SELECT some_code(); FETCH c", end.join("; "));
        refused(&mut house, &text);
        let parts = end.iter().map(|text| query(text)).collect::<Vec<_>>().concat();
        let sent = house.caller(&[parts, query("SELECT some_code()"), query("FETCH c")].concat());
        assert!(sent.starts_with(&"Q".repeat(end.len())) && sent.len() <= end.len() + 1, "{end:?}: {sent}");
    }
    // What was there before a savepoint outlives the way back to it.
    let mut house = House::new();
    done(&mut house, "BEGIN");
    done(&mut house, "DECLARE c CURSOR FOR SELECT status FROM orders");
    for text in ["SAVEPOINT s", "SAVEPOINT t", "ROLLBACK TO t", "ROLLBACK TO s", "ROLLBACK TO s"] {
        done(&mut house, text);
    }
    assert_eq!(shown(&mut house, "FETCH c", &[("status", ORDERS, 2, 25)], &["paid"]), ["paid"]);
}

#[test]
fn a_held_cursor_goes_with_a_transaction_that_fails() {
    let declare = "DECLARE h CURSOR WITH HOLD FOR SELECT status FROM orders";
    let mut house = House::new();
    done(&mut house, "BEGIN");
    done(&mut house, declare);
    house.caller(&query("COMMIT"));
    house.target(&[tagged("ROLLBACK"), ready(b'I')].concat());
    refused(&mut house, "FETCH h");
    let mut house = House::new();
    house.caller(&query(&format!("{declare}; SELECT wrong")));
    house.target(&[complete(), error("42703"), ready(b'I')].concat());
    refused(&mut house, "FETCH h");
    // Once it has outlived its own, no other takes it along.
    let mut house = House::new();
    house.caller(&query(declare));
    house.target(&[complete(), ready(b'I')].concat());
    done(&mut house, "BEGIN");
    house.caller(&query("ROLLBACK"));
    house.target(&[tagged("ROLLBACK"), ready(b'I')].concat());
    house.shown();
    assert_eq!(shown(&mut house, "FETCH h", &[("status", ORDERS, 2, 25)], &["paid"]), ["paid"]);
}

/// Everything stands in one batch, where a COMMIT takes the portals away before the batch ends.
#[test]
fn a_portal_does_not_outlive_a_commit_in_its_batch() {
    let mut house = House::new();
    house.caller(
        &[parse("o", "SELECT status FROM orders"), parse("e", "COMMIT"), parse("f", "SELECT some_code()"), sync()]
            .concat(),
    );
    house.target(&[plain(b'1'), plain(b'1'), plain(b'1'), ready(b'I')].concat());
    let batch = [bind("c", "o"), bind("", "e"), execute(""), bind("", "f"), execute(""), execute("c"), sync()];
    assert_eq!(house.caller(&batch.concat()), "BBEBDE!S");
}

#[test]
fn what_is_declared_behind_a_savepoint_goes_with_it_also_if_both_are_sent_at_once() {
    let mut house = House::new();
    done(&mut house, "BEGIN");
    let both = [query("SAVEPOINT s"), query("DECLARE c CURSOR FOR SELECT status FROM orders")].concat();
    assert_eq!(house.caller(&both), "QQ");
    house.target(&[complete(), ready(b'T'), complete(), ready(b'T')].concat());
    done(&mut house, "ROLLBACK TO s");
    refused(&mut house, "FETCH c");
}

/// The target reads what a DECLARE or PREPARE names when that runs, not when it is bound.
#[test]
fn what_is_declared_is_read_by_the_catalog_of_the_moment() {
    for text in ["DECLARE c CURSOR FOR SELECT body FROM notes", "PREPARE c AS SELECT body FROM notes"] {
        let mut house = House::new();
        house.read_catalog_with_view_of(ORDERS);
        house.caller(&[parse("d", text), bind("x", "d"), sync()].concat());
        house.target(&[plain(b'1'), plain(b'2'), ready(b'T')].concat());
        house.read_catalog_with_view_of(CUSTOMERS);
        assert_eq!(house.caller(&[execute("x"), sync()].concat()), "ES", "{text}");
        house.target(&[complete(), ready(b'T')].concat());
        house.caller(&query(if text.starts_with('D') { "FETCH c" } else { "EXECUTE c" }));
        house.target(&[shape(&[("upper", 0, 0, 25)]), row(&["512-44-9821"])].concat());
        assert_eq!(cells(&house.conversation.to_caller), [["[redacted]"]], "{text}");
    }
}

#[test]
fn what_one_text_runs_by_names_is_bounded() {
    // A long text that is run again and again is there once, and no more often than is followed.
    let long = format!("SELECT 1 /* {} */", "x".repeat(100_000));
    for (times, forwarded) in [(20, "Q"), (600, "!")] {
        let mut house = House::new();
        house.caller(&[parse("p", &long), sync()].concat());
        house.target(&[plain(b'1'), ready(b'I')].concat());
        assert_eq!(house.caller(&query(&"EXECUTE p;".repeat(times))), forwarded, "{times}");
        if forwarded == "!" {
            house.target(&[error("42601"), ready(b'I')].concat());
            assert_eq!(house.shown(), "1 ZI E54001 ZI");
        }
        let mut house = House::new();
        let text = format!("PREPARE p AS {long}; {}", "CREATE TABLE a AS EXECUTE p; EXECUTE p;".repeat(times / 2));
        assert_eq!(house.caller(&query(&text)), forwarded, "{times}");
    }
    // So are the values that it puts into columns.
    let rows = (0..5_000).map(|number| format!("('n{number}')")).collect::<Vec<_>>().join(", ");
    for (times, forwarded) in [(2, "Q"), (80, "!")] {
        let mut house = House::forbidding();
        done(&mut house, &format!("PREPARE p AS INSERT INTO orders (note) VALUES {rows}"));
        assert_eq!(house.caller(&query(&"EXECUTE p;".repeat(times))), forwarded, "{times}");
    }
}

#[test]
fn transactions_that_end_do_not_look_at_held_cursors_again_and_again() {
    let declared: String = (0..2_000).map(|at| format!("DECLARE a{at} CURSOR WITH HOLD FOR SELECT 1;")).collect();
    let begun = std::time::Instant::now();
    let mut house = House::new();
    let text = format!("{declared}{}", "END;".repeat(20_000));
    assert_eq!(house.caller(&query(&text)), "Q");
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
    // Those that are not held go, also where the name was another's before, and those that are held stay.
    for (text, sent) in [
        ("DECLARE c CURSOR FOR SELECT 1; END; FETCH c", "!"),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 1; END; FETCH c", "Q"),
        ("DECLARE c CURSOR FOR SELECT 1; CLOSE c; DECLARE c CURSOR WITH HOLD FOR SELECT 1; END; END; FETCH c", "Q"),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 1; END; CLOSE c; DECLARE c CURSOR FOR SELECT 1; END; FETCH c", "!"),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 1; END; ROLLBACK; FETCH c", "!"),
    ] {
        assert_eq!(House::new().caller(&query(text)), sent, "{text}");
    }
}

/// The answers to so many statements with these tags, one after another.
fn answers(tags: &[&str], times: usize) -> Vec<u8> {
    let all: Vec<u8> = tags.iter().flat_map(|tag| tagged(tag)).collect();
    [all.repeat(times), ready(b'I').to_vec()].concat()
}

#[test]
fn the_end_of_a_transaction_looks_at_no_cursor_that_is_there_for_good() {
    const HELD: usize = 10_000;
    let declare = |name: String| format!("DECLARE {name} CURSOR WITH HOLD FOR SELECT 1;");
    let mut house = House::new();
    let held: String = (0..HELD).map(|at| declare(format!("a{at}"))).collect();
    assert_eq!(house.caller(&query(&held)), "Q");
    house.target(&answers(&["DECLARE CURSOR"], HELD));
    let begun = std::time::Instant::now();
    // Each END that is answered.
    assert_eq!(house.caller(&query(&"END;".repeat(10_000))), "Q");
    house.target(&answers(&["COMMIT"], 10_000));
    let answered = begun.elapsed();
    // Each DECLARE before an END.
    let text: String = (0..5_000).map(|at| format!("{}END;", declare(format!("b{at}")))).collect();
    assert_eq!(house.caller(&query(&text)), "Q");
    house.target(&answers(&["DECLARE CURSOR", "COMMIT"], 5_000));
    let declared = begun.elapsed();
    assert!(declared < std::time::Duration::from_secs(30), "{answered:?} {declared:?}");
    assert_eq!(house.caller(&query("FETCH b7")), "Q");
}
