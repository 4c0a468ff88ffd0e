//! Values on their way into classified columns.

use gate::{Outcome, Ruling};
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
    let mut house = copying("COPY customers FROM STDIN BINARY", 4);
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
