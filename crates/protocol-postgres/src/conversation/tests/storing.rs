//! Values on their way into classified columns.

use gate::{Outcome, Ruling};
use model::Part;
use proptest::prelude::*;

use super::house::*;
use crate::conversation::long_bind::LONG_BIND_BYTES;
use crate::wire::frontend::Frontend;

const UPDATE: &str = "UPDATE customers SET ssn = $1, city = $2 WHERE id = 7";

/// A Bind of the unnamed statement with these parameters, in text.
fn bind_with(parameters: &[Option<&str>]) -> Vec<u8> {
    let mut rest = vec![0, 0];
    rest.extend(u16::try_from(parameters.len()).unwrap().to_be_bytes());
    for parameter in parameters {
        match parameter {
            Some(text) => {
                rest.extend(i32::try_from(text.len()).unwrap().to_be_bytes());
                rest.extend(text.as_bytes());
            }
            None => rest.extend((-1_i32).to_be_bytes()),
        }
    }
    rest.extend([0, 0]);
    named(b'B', &["", ""], &rest)
}

#[test]
fn a_mask_that_comes_back_as_a_parameter_is_refused() {
    for (parameters, forwarded) in [
        ([Some("512-44-9821"), Some("Leeds")], "PBES"),
        ([None, Some("[redacted]")], "PBES"),
        ([Some("[redacted]"), Some("Leeds")], "P!S"),
        ([Some("***-**-9821"), None], "P!S"),
        ([Some("tok_abcdefghijklmnop"), Some("Leeds")], "P!S"),
    ] {
        let mut house = House::new();
        let batch = [parse("", UPDATE), bind_with(&parameters), execute(""), sync()].concat();
        let bind_is_poison = house.caller(&batch);
        assert_eq!(bind_is_poison, forwarded, "{parameters:?}");
        if forwarded == "P!S" {
            house.target(&[plain(b'1'), error("26000"), ready(b'I')].concat());
            assert_eq!(house.shown(), "1 E42501 ZI");
            assert!(house.rulings().contains(&(Ruling::Deny, "bind")), "{:?}", house.rulings());
        }
    }
}

#[test]
fn what_is_a_mask_by_chance_in_binary_is_none() {
    let number = "UPDATE customers SET ssn = $1 WHERE id = 7";
    for (declared, value, forwarded) in [
        (23_u32, &b"****"[..], "PBES"),
        (2950, b"ab***defghijklmn", "PBES"),
        (17, b"\xff***", "PBES"),
        (16_500, b"\xff***", "PBES"),
        (16_500, b"a ***", "P!S"),
        (17, b"[redacted]", "P!S"),
        (25, b"\xff***", "P!S"),
        (0, b"\xff***", "P!S"),
    ] {
        let parse = named(b'P', &["", number], &[b"\0\x01".as_slice(), &declared.to_be_bytes()].concat());
        for long in [false, true] {
            let filler = if long { vec![b'x'; LONG_BIND_BYTES + 1000] } else { Vec::new() };
            // A whole mask has nothing before it.
            if long && matches!(declared, 17 | 23 | 2950) {
                continue;
            }
            let value = [&filler, value].concat();
            let length = u32::try_from(value.len()).unwrap().to_be_bytes();
            let rest = [b"\0\x01\0\x01\0\x01".as_slice(), &length, &value, b"\0\0"].concat();
            let bind = named(b'B', &["", ""], &rest);
            let mut house = House::new();
            let batch = [parse.clone(), bind, execute(""), sync()].concat();
            batch.chunks(5000).for_each(|piece| house.conversation.take_from_caller(piece, NOW));
            let forwarded = if long { forwarded.replace("P!S", "PBS") } else { forwarded.to_owned() };
            assert_eq!(house.forwarded(), forwarded, "{declared} {long}");
        }
    }
}

#[test]
fn a_mask_that_comes_back_as_a_constant_is_refused_whatever_was_read_before() {
    let mut house = House::new();
    let text =
        |ssn: &str, city: &str| query(&format!("UPDATE customers SET ssn = '{ssn}', city = '{city}' WHERE id = 7"));
    for (ssn, city, forwarded) in [
        ("512-44-9821", "Leeds", "Q"),
        ("512-44-9822", "York", "Q"),
        ("[redacted]", "York", "!"),
        ("***-**-9821", "York", "!"),
        ("512-44-9823", "***", "Q"),
        ("512-44-9824", "York", "Q"),
    ] {
        assert_eq!(house.caller(&text(ssn, city)), forwarded, "{ssn} {city}");
        match forwarded {
            "Q" => house.target(&[tagged("UPDATE 1"), ready(b'I')].concat()),
            _ => house.target(&[error("42601"), ready(b'I')].concat()),
        };
        assert_eq!(house.shown(), if forwarded == "Q" { "C ZI" } else { "E42501 ZI" });
    }
    assert_eq!(house.caller(&query("PREPARE p AS UPDATE customers SET email = 'a***@e***.com' WHERE id = 7")), "!");
    house.target(&[error("42601"), ready(b'I')].concat());
    assert_eq!(house.caller(&query("PREPARE q AS UPDATE customers SET city = $1, ssn = $2 WHERE id = 7")), "Q");
    house.target(&[tagged("PREPARE"), ready(b'I')].concat());
    assert_eq!(house.caller(&query("EXECUTE q('[redacted]', 'x')")), "Q");
    house.target(&[tagged("UPDATE 1"), ready(b'I')].concat());
    assert_eq!(house.caller(&query("EXECUTE q('x', '[redacted]')")), "!");
    house.target(&[error("42601"), ready(b'I')].concat());
    assert_eq!(house.caller(&query("INSERT INTO orders (id, note) VALUES (1, '[redacted]')")), "Q");
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    crate::wire::build::frame(&mut bytes, kind, |out| out.extend_from_slice(body));
    bytes
}

fn data(bytes: &[u8]) -> Vec<u8> {
    frame(b'd', bytes)
}

/// CopyInResponse for so many columns of text.
fn copies(columns: u16) -> Vec<u8> {
    let formats = vec![0; usize::from(columns) * 2];
    frame(b'G', &[&[0], columns.to_be_bytes().as_slice(), &formats].concat())
}

/// A house in which this COPY has begun.
fn copying(text: &str, columns: u16) -> House {
    let mut house = House::new();
    assert_eq!(house.caller(&query(text)), "Q", "{text}");
    assert_eq!(house.target(&copies(columns)), "");
    assert_eq!(house.shown(), "G");
    house
}

#[test]
fn a_mask_in_copy_data_fails_the_copy() {
    for (text, columns, lines, is_mask) in [
        ("COPY customers FROM STDIN", 4, "1\ta@b.com\t512-44-9821\t[redacted]\n", false),
        ("COPY customers FROM STDIN", 4, "1\ta***@b***.com\t512-44-9821\tx\n", true),
        ("COPY customers (ssn, id) FROM STDIN", 2, "[redacted]\t1\n", true),
        ("COPY customers (city, ssn) FROM STDIN", 2, "[redacted]\t1\n", false),
        ("COPY customers (city, ssn) FROM STDIN CSV QUOTE ''''", 2, "'[redacted],',1\n2,'***'", true),
        (
            "COPY customers (city, ssn) FROM STDIN (DELIMITER '|', HEADER match)",
            2,
            "city|ssn\n1|\\x5bredacted\\135\n",
            true,
        ),
        ("COPY customers (city, no_such) FROM STDIN", 2, "1\t[redacted]\n", true),
    ] {
        let mut house = copying(text, columns);
        let sent = house.caller(&[data(lines.as_bytes()), plain(b'c')].concat());
        assert_eq!(sent, if is_mask { "f" } else { "dc" }, "{text}");
        let answer = if is_mask { error("57014") } else { tagged("COPY 1") };
        house.target(&[answer, ready(b'I')].concat());
        assert_eq!(house.shown(), if is_mask { "E42501 ZI" } else { "C ZI" }, "{text}");
        assert_eq!(house.rulings().contains(&(Ruling::Deny, "copy")), is_mask);
        assert_eq!(house.caller(&query("SELECT 1")), "Q");
    }
}

#[test]
fn what_comes_behind_a_mask_does_not_go_to_the_target() {
    let mut house = copying("COPY customers (ssn) FROM STDIN", 1);
    let long = data(b"1\n[redacted]\n2\n3\n");
    // What has been looked at goes in messages of its own, so nothing is left of the one that is cut.
    assert_eq!(house.caller(&long[..11]), "d");
    assert_eq!(house.caller(&long[11..20]), "f");
    assert_eq!(house.caller(&[&long[20..], &data(b"4\n"), &plain(b'c'), &query("SELECT 1")].concat()), "");
    assert_eq!(house.target(&[error("57014"), ready(b'I')].concat()), "Q");
    assert_eq!(house.shown(), "E42501 ZI");
    assert_eq!(house.outcomes()[0], Outcome::Failed("57014".to_owned()));

    let batch = [parse("", "COPY customers (ssn) FROM STDIN"), bind("", ""), execute(""), sync()].concat();
    let mut house = House::new();
    assert_eq!(house.caller(&batch), "PBE");
    assert_eq!(house.target(&[plain(b'1'), plain(b'2'), copies(1)].concat()), "");
    assert_eq!(house.caller(&[data(b"tok_abcdefghijklmnop"), plain(b'c'), execute(""), sync()].concat()), "dfH");
    assert_eq!(house.target(&error("57014")), "S");
    house.target(&ready(b'I'));
    assert_eq!(house.shown(), "1 2 G E42501 ZI");
}

#[test]
fn a_table_of_another_width_is_looked_through_whole() {
    let mut house = copying("COPY customers FROM STDIN", 3);
    assert_eq!(house.caller(&data(b"[redacted]\tx\ty\n")), "f");
}

#[test]
fn copy_data_that_can_not_be_read_do_not_go_into_classified_columns() {
    for text in [
        "COPY customers FROM STDIN (ENCODING 'SJIS')",
        "COPY customers FROM STDIN (HEADER 2)",
        "SELECT 1; COPY customers FROM STDIN (FORMAT 'else')",
    ] {
        let mut house = House::new();
        assert_eq!(house.caller(&query(text)), "!", "{text}");
        house.target(&[error("42601"), ready(b'I')].concat());
        assert_eq!(house.shown(), "E0A000 ZI");
    }
    let mut house = House::new();
    assert_eq!(house.caller(&query("COPY orders FROM STDIN (ENCODING 'SJIS')")), "Q");
    let mut house = House::new();
    house.target(&parameter("client_encoding", "SJIS"));
    assert_eq!(house.caller(&query("COPY customers FROM STDIN")), "Q");
    assert_eq!(house.target(&copies(4)), "f");
    house.target(&[error("57014"), ready(b'I')].concat());
    assert_eq!(house.shown(), "S E0A000 ZI");
    let mut house = House::new();
    assert_eq!(house.caller(&query("COPY customers FROM STDIN BINARY")), "Q");
    house.target(&frame(b'G', b"\x01\0\x04\0\x01\0\x01\0\x01\0\x01"));
    house.shown();
    assert_eq!(house.caller(&data(b"1\ta@example.com\t512-44-9821\tx\n")), "f");
    house.target(&[error("57014"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E22P04 ZI");
}

#[test]
fn a_mask_in_a_long_bind_is_refused_before_or_after_it_has_begun() {
    let swapped = "UPDATE customers SET city = $1, ssn = $2 WHERE id = 7";
    let long = "x".repeat(LONG_BIND_BYTES + 1000);
    for (text, first, end, cut, forwarded) in [
        (UPDATE, "512-44-9821", "[redacted]", 100, "PBES"),
        (UPDATE, "[redacted]", "York", 100, "P!S"),
        (swapped, "[redacted]", "York", 100, "PBES"),
        (swapped, "x", "[redacted]", 100, "PBS"),
        (swapped, "x", " tok_abcdefghijklmnop", 9000, "PBS"),
    ] {
        let mut house = House::new();
        let bind = bind_with(&[Some(first), Some(&format!("{long}{end}"))]);
        let batch = [parse("", text), bind.clone(), execute(""), sync()].concat();
        let rest = execute("").len() + sync().len();
        let (one, two) = batch.split_at(batch.len() - rest - bind.len() + cut);
        house.conversation.take_from_caller(one, NOW);
        two.chunks(7000).for_each(|piece| house.conversation.take_from_caller(piece, NOW));
        let bytes = house.forwarded_bytes();
        let holds_poison = |body: &[u8]| body.windows(POISON.len()).any(|part| part == POISON.as_bytes());
        let went: String = frames(&bytes)
            .iter()
            .map(|(kind, body)| if holds_poison(body) { '!' } else { char::from(*kind) })
            .collect();
        assert_eq!(went, forwarded, "{text} {first} {end}");
        let reads = frames(&bytes).iter().all(|(kind, body)| Frontend::read(*kind, body).is_ok());
        assert_eq!(reads, forwarded != "PBS", "what is spoilt can't be read");
        if forwarded != "PBES" {
            assert!(house.rulings().contains(&(Ruling::Deny, "bind")), "{:?}", house.rulings());
            house.target(&[plain(b'1'), error("08P01"), ready(b'I')].concat());
            assert_eq!(house.shown(), "1 E42501 ZI");
        }
    }
}

/// The token that is stored in the place of a number.
fn stored_token(house: &House, value: &str) -> String {
    house.conversation.session().stored_tokens().text("pii.national_id", value.as_bytes())
}

const INSERT: &str = "INSERT INTO customers (id, email, ssn) VALUES ($1, $2, $3)";

#[test]
fn parameters_are_stored_as_policy_lets_them() {
    let mut house = House::lowering();
    let token = stored_token(&house, "512-44-9821");
    assert_ne!(token, house.conversation.session().tokens().text("pii.national_id", b"512-44-9821"));
    let bind = bind_with(&[Some("7"), Some("ada@example.com"), Some("512-44-9821")]);
    house.conversation.take_from_caller(&[parse("", INSERT), bind, execute(""), sync()].concat(), NOW);
    let sent = house.forwarded_bytes();
    assert!(!String::from_utf8_lossy(&sent).contains("9821") && !String::from_utf8_lossy(&sent).contains("ada@"));
    let stored = bind_with(&[Some("7"), Some("a***@e***.com"), Some(&token)]);
    assert_eq!(frames(&sent)[1], (b'B', stored[5..].to_vec()));
    house.target(&[plain(b'1'), plain(b'2'), tagged("INSERT 0 1"), ready(b'I')].concat());
    let told = String::from_utf8_lossy(&house.conversation.to_caller).into_owned();
    assert!(told.contains("public.customers.email: partial, public.customers.ssn: token"), "{told}");
    assert_eq!(house.shown(), "1 2 N01000 C ZI");
    let records = house.ledger.records.lock();
    let asked = |words: &str| {
        records.iter().any(|record| match &record.event {
            gate::Event::Decided(decided) => decided.asks.iter().any(|ask| ask.starts_with(words)),
            _ => false,
        })
    };
    assert!(asked("store_token Field::") && asked("store_partial Field::") && !asked("store Field::"));
}

#[test]
fn parameters_in_binary_and_missing_ones_are_stored_so_too() {
    let mut house = House::lowering();
    let token = stored_token(&house, "512-44-9821");
    let bind = |ssn: &str| {
        let mut rest = [b"\0\x03\0\0\0\0\0\x01".as_slice(), b"\0\x03\0\0\0\x017\xff\xff\xff\xff"].concat();
        rest.extend(u32::try_from(ssn.len()).unwrap().to_be_bytes());
        rest.extend(ssn.as_bytes());
        rest.extend(b"\0\x01\0\x01");
        named(b'B', &["p", "s"], &rest)
    };
    house.conversation.take_from_caller(&[parse("s", INSERT), bind("512-44-9821"), execute("p"), sync()].concat(), NOW);
    assert_eq!(frames(&house.forwarded_bytes())[1], (b'B', bind(&token)[5..].to_vec()));
}

#[test]
fn what_has_no_part_or_token_is_not_stored() {
    for (email, ssn) in [("nobody", "x"), ("ada@example.com", "[redacted]"), ("ada@localhost", "512-44-9821")] {
        let mut house = House::lowering();
        let batch = [parse("", INSERT), bind_with(&[None, Some(email), Some(ssn)]), execute(""), sync()].concat();
        assert_eq!(house.caller(&batch), "P!S", "{email} {ssn}");
        house.target(&[plain(b'1'), error("26000"), ready(b'I')].concat());
        assert_eq!(house.shown(), "1 E42501 ZI");
    }
    // Types that the caller declares, and that are written otherwise.
    for (declared, forwarded) in
        [(0_u32, "PBES"), (25, "PBES"), (1043, "PBES"), (705, "PBES"), (23, "P!S"), (3802, "P!S")]
    {
        let types = [b"\0\x03\0\0\0\0\0\0\0\0".as_slice(), &declared.to_be_bytes()].concat();
        let parse = named(b'P', &["", INSERT], &types);
        let mut house = House::lowering();
        let bind = bind_with(&[None, None, Some("512449821")]);
        assert_eq!(house.caller(&[parse, bind, execute(""), sync()].concat()), forwarded, "{declared}");
    }
}

#[test]
fn constants_are_stored_as_policy_lets_them() {
    let text =
        |ssn: &str, email: &str| format!("UPDATE customers SET city = 'x', ssn = {ssn}, email = {email} WHERE id = 7");
    let own = text("E'512-44\\x2d9821'", "$q$o'neil@example.com$q$");
    let mut house = House::lowering();
    let token = stored_token(&house, "512-44-9821");
    let stored = text(&format!("'{token}'"), "'o***@e***.com'");
    house.conversation.take_from_caller(&query(&own), NOW);
    assert_eq!(house.forwarded_bytes(), query(&stored));
    house.target(&[tagged("UPDATE 1"), ready(b'I')].concat());
    assert_eq!(house.shown(), "N01000 C ZI");
    // Each text has its own, whatever was read before.
    for value in ["512-44-9822", "512-44-9823"] {
        let token = stored_token(&house, value);
        house.conversation.take_from_caller(&query(&text(&format!("'{value}'"), "NULL")), NOW);
        assert_eq!(house.forwarded_bytes(), query(&text(&format!("'{token}'"), "NULL")));
        house.target(&[tagged("UPDATE 1"), ready(b'I')].concat());
    }
    // A text that is prepared is prepared so, and stays so.
    let mut house = House::lowering();
    let parsed = named(b'P', &["s", &own], b"\0\x01\0\0\0\x17");
    house.conversation.take_from_caller(&[parsed, sync()].concat(), NOW);
    assert_eq!(house.forwarded_bytes(), [named(b'P', &["s", &stored], b"\0\x01\0\0\0\x17"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    assert_eq!(house.caller(&[bind("", "s"), execute(""), sync()].concat()), "BES");
    house.target(&[plain(b'2'), tagged("UPDATE 1"), ready(b'I')].concat());
    assert_eq!(house.shown(), "1 ZI 2 N01000 C ZI");
    house.let_store();
    assert_eq!(house.caller(&[bind("", "s"), execute(""), sync()].concat()), "B!S");
    house.target(&[plain(b'2'), error("26000"), ready(b'I')].concat());
    assert_eq!(house.shown(), "2 E42501 ZI");
    // And what was prepared as it is does not run once that is not permitted.
    let mut house = House::new();
    house.conversation.take_from_caller(&[parse("s", &own), sync()].concat(), NOW);
    assert_eq!(house.forwarded_bytes(), [parse("s", &own), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    house.lower();
    assert_eq!(house.caller(&[bind("", "s"), execute(""), sync()].concat()), "B!S");
}

#[test]
fn a_constant_without_a_part_or_token_is_not_stored() {
    for constants in ["ssn = '[redacted]'", "email = 'nobody'", "ssn = 512449821", "email = E'\\\\\\\\abc@example.com'"]
    {
        let mut house = House::lowering();
        assert_eq!(house.caller(&query(&format!("UPDATE customers SET {constants} WHERE id = 1"))), "!", "{constants}");
        house.target(&[error("42601"), ready(b'I')].concat());
        assert_eq!(house.shown(), "E42501 ZI");
    }
}

#[test]
fn places_in_errors_about_another_text_are_not_told() {
    let mut house = House::lowering();
    house.caller(&query("UPDATE customers SET ssn = 'x', no_such = 1"));
    let wrong = named(b'E', &["SERROR", "VERROR", "C42703", "Mcolumn \"no_such\" does not exist", "P33"], b"\0");
    house.target(&[wrong, ready(b'I')].concat());
    let told = String::from_utf8_lossy(&house.conversation.to_caller).into_owned();
    assert!(told.contains("C42703") && told.contains("no_such") && !told.contains("\0P"), "{told:?}");
    // What is wrong with a value is said of one that is not the caller's.
    let mut house = House::lowering();
    house.caller(&query("UPDATE customers SET ssn = 'x', city = 'y'"));
    let wrong = named(b'E', &["SERROR", "VERROR", "C22P02", "Minvalid input: \"tok_secret\"", "P33"], b"\0");
    house.target(&[wrong, ready(b'I')].concat());
    let told = String::from_utf8_lossy(&house.conversation.to_caller).into_owned();
    assert!(told.contains("C22P02") && !told.contains("tok_secret") && !told.contains("\0P"), "{told:?}");
}

#[test]
fn what_was_prepared_under_other_policies_does_not_run_by_its_name_in_sql() {
    let own = "UPDATE customers SET ssn = '512-44-9821' WHERE id = 7";
    let mut house = House::lowering();
    house.caller(&[parse("s", own), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    house.let_store();
    assert_eq!(house.caller(&query("EXECUTE s")), "!");
    house.target(&[error("26000"), ready(b'I')].concat());
    assert_eq!(house.shown(), "1 ZI E42501 ZI");
    // One that goes as it is runs.
    house.caller(&[parse("t", own), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    assert_eq!(house.caller(&query("EXECUTE t")), "Q");
}

#[test]
fn a_value_beyond_ascii_is_replaced_in_utf8_alone() {
    for (encoding, ssn, forwarded) in [("UTF8", "é", "PBES"), ("LATIN1", "512-44-9821", "PBES"), ("LATIN1", "é", "P!S")]
    {
        let mut house = House::lowering();
        house.target(&parameter("client_encoding", encoding));
        let batch = [parse("", INSERT), bind_with(&[Some("é"), None, Some(ssn)]), execute(""), sync()].concat();
        assert_eq!(house.caller(&batch), forwarded, "{encoding} {ssn}");
    }
    for (encoding, said, stored) in [
        ("UTF8", "", true),
        ("LATIN1", "", false),
        ("LATIN1", " (ENCODING 'UTF8')", true),
        ("UTF8", " (ENCODING 'latin1')", false),
    ] {
        let mut house = House::lowering();
        house.target(&parameter("client_encoding", encoding));
        assert_eq!(house.caller(&query(&format!("COPY customers (id, ssn) FROM STDIN{said}"))), "Q");
        house.target(&copies(2));
        assert_eq!(house.caller(&data("1\té\n".as_bytes())), if stored { "d" } else { "f" }, "{encoding}{said}");
    }
}

#[test]
fn a_copy_beside_code_or_a_set_goes_to_who_sees_all_or_says_its_encoding() {
    let copy = "COPY customers (id, ssn) FROM STDIN";
    for (text, seeing, lowering, begun) in [
        (format!("{copy} WHERE some_code() = id"), true, false, true),
        (format!("SELECT some_code(); {copy}"), true, false, true),
        (format!("SELECT some_code(); {copy}"), false, false, false),
        (format!("{copy} WHERE some_code() = id"), false, true, false),
        (format!("{copy} (ENCODING 'UTF8') WHERE some_code() = id"), false, true, true),
        (format!("SELECT some_code(); {copy} (ENCODING 'UTF8')"), false, false, true),
        (format!("SET client_encoding = 'LATIN1'; {copy}"), false, true, false),
        (format!("SET client_encoding = 'LATIN1'; {copy} (ENCODING 'UTF8')"), false, true, true),
    ] {
        let mut house = match (seeing, lowering) {
            (true, _) => House::seeing(),
            (_, true) => House::lowering(),
            _ => House::new(),
        };
        assert_eq!(house.caller(&query(&text)), "Q", "{text}");
        if text.starts_with("SELECT") {
            house.target(&[shape(&[("some_code", 0, 0, 25)]), row(&["x"]), complete()].concat());
        }
        if text.starts_with("SET") {
            house.target(&complete());
        }
        assert_eq!(house.target(&copies(2)), if begun { "" } else { "f" }, "{text}");
        if begun {
            assert_eq!(house.caller(&data(b"1\t512-44-9821\n")), "d");
        }
    }
}

#[test]
fn what_can_not_be_replaced_is_refused_and_says_why() {
    for text in [
        "INSERT INTO customers (id, ssn) VALUES ($1, '512-44-9821'::text)",
        "INSERT INTO customers (id, ssn) VALUES ($1, $2::text)",
        "INSERT INTO customers (id, ssn, city) VALUES (1, $1, $1)",
        "UPDATE customers SET ssn = upper('x') WHERE id = 2",
    ] {
        let mut house = House::lowering();
        assert_eq!(house.caller(&[parse("", text), sync()].concat()), "!S", "{text}");
        house.target(&[error("42601"), ready(b'I')].concat());
        let told = String::from_utf8_lossy(&house.conversation.to_caller).into_owned();
        assert!(told.contains("could be stored as a token, but it can't be replaced"), "{text} {told}");
        assert_eq!(house.shown(), "E42501 ZI");
    }
    // One statement of a text stores what another would replace.
    let mut house = House::lowering();
    assert_eq!(house.caller(&query("COPY customers (ssn) FROM STDIN; UPDATE customers SET city = ssn")), "!");
    // Behind a name, of SQL's own.
    let mut house = House::lowering();
    assert_eq!(house.caller(&query("PREPARE p AS INSERT INTO customers (id, ssn) VALUES ($1, $2)")), "!");
    // What is not held can't be replaced.
    let mut house = House::lowering();
    let long = "x".repeat(LONG_BIND_BYTES + 1000);
    let bind = bind_with(&[Some("1"), None, Some(&long)]);
    house.conversation.take_from_caller(&[parse("", INSERT), bind[..5000].to_vec()].concat(), NOW);
    assert_eq!(house.caller(&[&bind[5000..], &execute(""), &sync()].concat()), "P!S");
}

#[test]
fn what_was_bound_under_other_policies_does_not_run() {
    let bind = bind_with(&[Some("1"), Some("ada@example.com"), None]);
    let mut house = House::lowering();
    assert_eq!(house.caller(&[parse("", INSERT), bind.clone(), plain(b'H')].concat()), "PBH");
    house.target(&[plain(b'1'), plain(b'2')].concat());
    house.let_store();
    assert_eq!(house.caller(&[execute(""), sync()].concat()), "!S");
    house.target(&[error("26000"), ready(b'I')].concat());
    assert_eq!(house.shown(), "1 2 E42501 ZI");
    // And what was bound to be stored as it is, the other way round.
    let mut house = House::new();
    house.caller(&[parse("", INSERT), bind, plain(b'H')].concat());
    house.target(&[plain(b'1'), plain(b'2')].concat());
    house.lower();
    assert_eq!(house.caller(&[execute(""), sync()].concat()), "!S");
}

#[test]
fn copy_data_are_stored_as_policy_lets_them() {
    let mut house = House::lowering();
    let token = stored_token(&house, "512-44-9821");
    assert_eq!(house.caller(&query("COPY customers (id, ssn, email) FROM STDIN")), "Q");
    house.target(&copies(3));
    let lines = b"1\t512-44-9821\tada@example.com\n2\t\\N\t\\N\n3\t512-44-9821\tx@y.org";
    house.conversation.take_from_caller(&[data(&lines[..9]), data(&lines[9..]), plain(b'c')].concat(), NOW);
    let sent: Vec<u8> = frames(&house.forwarded_bytes()).into_iter().flat_map(|(_, body)| body).collect();
    assert_eq!(
        String::from_utf8(sent).unwrap(),
        format!("1\t{token}\ta***@e***.com\n2\t\\N\t\\N\n3\t{token}\tx***@y***.org")
    );
    house.target(&[tagged("COPY 3"), ready(b'I')].concat());
    assert_eq!(house.shown(), "G N01000 C ZI");
    for (text, columns, lines) in [
        ("COPY customers (id, email) FROM STDIN", 2, "1\tnobody\n"),
        ("COPY customers (id, ssn) FROM STDIN", 2, "1\ttok_abcdefghijklmnop\n"),
        ("COPY customers (id, ssn) FROM STDIN", 3, "1\tx\t2\n"),
    ] {
        let mut house = House::lowering();
        assert_eq!(house.caller(&query(text)), "Q");
        house.target(&copies(columns));
        house.caller(&data(lines.as_bytes()));
        house.target(&[error("57014"), ready(b'I')].concat());
        let shown = house.shown();
        assert!(shown == "G E42501 ZI" || shown == "E0A000 ZI", "{text} {shown}");
    }
    let mut house = House::lowering();
    assert_eq!(house.caller(&query("COPY customers FROM STDIN")), "!");
}

proptest! {
    #[test]
    fn any_cut_of_copy_data_fails_the_same(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let all = [data(b"1\tx\n2\t\\x5bre"), data(b"dact"), data(b""), data(b"ed]\n"), plain(b'c')].concat();
        let mut house = copying("COPY customers (city, ssn) FROM STDIN", 2);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(all.len() + 1)).collect();
        at.extend([0, all.len()]);
        at.sort_unstable();
        at.windows(2).for_each(|pair| house.conversation.take_from_caller(&all[pair[0]..pair[1]], NOW));
        let sent = frames(&house.forwarded_bytes());
        prop_assert_eq!(sent.last().map(|(kind, _)| *kind), Some(b'f'));
        let stored: Vec<u8> = sent.iter().filter(|(kind, _)| *kind == b'd').flat_map(|(_, body)| body.clone()).collect();
        prop_assert!(b"1\tx\n2\t\\x5bredacted".starts_with(&stored));
        house.target(&[error("57014"), ready(b'I')].concat());
        prop_assert_eq!(house.shown(), "E42501 ZI");
    }
}

const CARD: i64 = 4_539_148_803_436_467;

/// A Bind of the unnamed statement with these parameters, in binary or not.
pub(super) fn bind_values(binary: bool, values: &[&[u8]]) -> Vec<u8> {
    let mut rest = [0, 1, 0, u8::from(binary)].to_vec();
    rest.extend(u16::try_from(values.len()).unwrap().to_be_bytes());
    for value in values {
        rest.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
        rest.extend(*value);
    }
    rest.extend([0, 0]);
    named(b'B', &["", ""], &rest)
}

#[track_caller]
pub(super) fn bound(text: &str, binary: bool, value: &[u8], goes: bool) {
    let mut house = House::forbidding();
    let went = house.caller(&[parse("", text), bind_values(binary, &[value]), execute(""), sync()].concat());
    assert_eq!(went, if goes { "PBES" } else { "P!S" }, "{text} {:?}", String::from_utf8_lossy(value));
}

#[test]
fn a_parameter_is_looked_at_as_whatever_the_target_may_take_it_for() {
    let (hex, number) = (format!("{CARD:#x}"), "4.539148803436467e15");
    for text in [
        "UPDATE typed SET body = $1 WHERE $1::int8 > 0",
        "INSERT INTO typed (body) SELECT $1 FROM (SELECT $1::int8) q",
        "INSERT INTO typed (small, body) VALUES (($1::int8 > 0)::int, $1)",
    ] {
        bound(text, true, &CARD.to_be_bytes(), false);
        bound(text, false, hex.as_bytes(), false);
        bound(text, true, &7_i64.to_be_bytes(), true);
        bound(text, false, b"7", true);
    }
    bound("UPDATE typed SET body = $1 WHERE $1::numeric > 0", false, number.as_bytes(), false);
    // What is cast again, and what is cut off.
    for (text, value) in [
        ("INSERT INTO typed (big) VALUES ($1::text::int8)", hex.as_str()),
        ("INSERT INTO typed (total) VALUES ($1::text::numeric)", number),
        ("INSERT INTO typed (doc) VALUES ($1::text::jsonb)", r#"{"c": 4.539148803436467e15}"#),
        ("INSERT INTO typed (tags) VALUES ($1::text::text[])", r"{4539\148803436467}"),
        ("INSERT INTO typed (total) SELECT unnest($1::text[])::numeric", "{4.539148803436467e15}"),
        ("INSERT INTO typed (body) VALUES ($1::varchar(16))", "4539148803436467zzzz"),
        ("INSERT INTO typed (label) VALUES ($1)", &format!("{} 4539148803436467zzzz", "a".repeat(46))),
    ] {
        bound(text, false, value.as_bytes(), false);
        // A text comes in binary as it does in text.
        if !text.contains("unnest") {
            bound(text, true, value.as_bytes(), false);
        }
    }
    // What is of one type for certain is that.
    bound("INSERT INTO typed (body) VALUES ($1)", false, hex.as_bytes(), true);
    bound("UPDATE typed SET body = $1, label = $1::text", false, hex.as_bytes(), true);
}

#[test]
fn one_parameter_for_columns_of_two_types_goes() {
    for text in ["UPDATE typed SET big = $1 WHERE small = $1", "INSERT INTO typed (small, total) VALUES ($1, $1)"] {
        bound(text, true, &7_i32.to_be_bytes(), true);
        bound(text, true, &CARD.to_be_bytes(), false);
    }
}

#[test]
fn parameters_of_a_prepare_are_of_its_types() {
    for (types, goes) in [("(text)", true), ("(int8)", false), ("(odd)", false), ("", true)] {
        let mut house = House::forbidding();
        house.caller(&query(&format!("PREPARE p{types} AS INSERT INTO typed (body) VALUES ($1)")));
        house.target(&[tagged("PREPARE"), ready(b'I')].concat());
        let mut bind = bind_values(true, &[&CARD.to_be_bytes()]);
        bind = named(b'B', &["", "p"], &bind[7..]);
        let went = house.caller(&[bind, execute(""), sync()].concat());
        assert_eq!(went, if goes { "BES" } else { "!S" }, "{types}");
    }
}

#[test]
fn a_constant_is_looked_at_as_whatever_the_target_may_take_it_for() {
    let name = format!("{} 4539148803436467zzzz", "a".repeat(46));
    for (text, goes) in [
        (
            "INSERT INTO typed (body) SELECT a::text FROM (VALUES ('4.539148803436467e15'), (1.0)) v(a) WHERE a <> 1",
            false,
        ),
        ("INSERT INTO typed (body) SELECT a::text FROM (VALUES ('0x102054f002efb3'), (1::int8)) v(a)", false),
        (
            r#"INSERT INTO typed (body) SELECT a::text FROM (VALUES ('{"c":4.539148803436467e15}'), ('{}'::jsonb)) v(a)"#,
            false,
        ),
        ("INSERT INTO typed (body) SELECT a::text FROM (VALUES ('0x102054f002efb3'), ('x')) v(a)", true),
        ("INSERT INTO typed (body) VALUES ('4539148803436467zzzz'::varchar(16))", false),
        ("INSERT INTO typed (body) VALUES ('4539148803436467zzzz'::char(16))", false),
        ("INSERT INTO typed (body) VALUES ('4539148803436467zzzz')", true),
        (&format!("INSERT INTO typed (body) VALUES ('{name}'::name)"), false),
        (&format!("INSERT INTO typed (label) VALUES ('{name}')"), false),
        ("INSERT INTO typed (body) VALUES ('0201005236000567663'::xid8::text)", false),
        (
            "INSERT INTO typed SELECT * FROM jsonb_populate_recordset(NULL::typed, '[{\"total\":\"4.539148803436467e15\"}]')",
            false,
        ),
        ("CREATE VIEW v AS SELECT '4539148803436467'::text AS c", false),
        ("CREATE TYPE e AS ENUM ('4539148803436467')", false),
        ("CREATE SEQUENCE q START WITH 4539148803436467", false),
        ("CREATE TABLE n (a int8 GENERATED ALWAYS AS IDENTITY (START WITH 4539148803436467))", false),
        // What is of no type that is known here, and then a number.
        ("UPDATE typed SET small = 'public.orders'::regclass::int", true),
        ("UPDATE typed SET small = 'x1F'::bit(8)::int", true),
        ("UPDATE typed SET doc = 'k=>-'::hstore::jsonb", true),
        ("UPDATE typed SET small = '-1x'::int", false),
    ] {
        let mut house = House::forbidding();
        assert_eq!(house.caller(&query(text)), if goes { "Q" } else { "!" }, "{text}");
    }
}

#[test]
fn what_is_computed_may_be_given_to_what_runs_by_its_name() {
    let mut house = House::forbidding();
    house.caller(&query("PREPARE p(date, int) AS INSERT INTO typed (day, small) VALUES ($1, $2)"));
    house.target(&[tagged("PREPARE"), ready(b'I')].concat());
    for (arguments, goes) in [
        ("current_date + 1, 5", true),
        ("(now() - interval '1 day')::date, 5", true),
        ("'2024-01-02', length('a1')", true),
        (r#"'2024-01-02', ('{"b1":3}'::jsonb->>'b1')::int"#, true),
        ("'2024-01-02', '4539148803436467'::text::int", false),
        ("'2024-01-02', '0x102054f002efb3'", false),
    ] {
        assert_eq!(
            house.caller(&query(&format!("EXECUTE p({arguments})"))),
            if goes { "Q" } else { "!" },
            "{arguments}"
        );
        house.target(&[if goes { tagged("INSERT 0 1") } else { error("42601") }, ready(b'I')].concat());
    }
}

#[test]
fn each_question_counts_about_what_can_not_be_read() {
    let house = House::forbidding_numbers();
    let search = house.conversation.catalogs.search().unwrap();
    let part = Part { kind: "Table", name: "public.typed".into(), attrs: vec![("schema", "public".into())] };
    for (left, says) in [(2048, "more into columns than Weir looks through"), (usize::MAX, "can't be looked through")] {
        let mut storing = house.conversation.session().storing(search, NOW, left);
        let refused = storing.refuses_unread([(&part, "body")].into_iter(), "a value").unwrap();
        assert!(refused.message.contains(says), "{left} {}", refused.message);
    }
}
