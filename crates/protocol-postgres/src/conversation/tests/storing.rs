//! Values on their way into classified columns.

use gate::Ruling;

use super::house::*;

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
