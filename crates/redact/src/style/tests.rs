//! Tables: a class, a value, its part.

use proptest::prelude::*;

use super::*;

fn of(class: &str) -> Style {
    Style::of(&ClassId::parse(class).unwrap())
}

fn text(class: &str, text: &str) -> Option<String> {
    match of(class).apply(&Value::Text(text.into())) {
        Some(Value::Text(text)) => Some(text.into_owned()),
        None => None,
        Some(other) => panic!("a text became {other:?}"),
    }
}

fn number(class: &str, number: &str) -> Option<String> {
    match of(class).apply(&Value::Number(number.into())) {
        Some(Value::Number(number)) => Some(number.into_owned()),
        None => None,
        Some(other) => panic!("a number became {other:?}"),
    }
}

#[test]
fn each_style_shows_its_part_of_a_text_and_no_more() {
    for (class, value, want) in [
        ("pci.card", "4111-1111-1111-1234", Some("****-****-****-1234")),
        ("pci.card.debit", "4111111111111234", Some("************1234")),
        ("pci.card", "1234567", Some("*******")),
        ("pci.card", "12345678", Some("****5678")),
        ("pci.card", "", Some("")),
        ("pci.card", "no card at all", Some("** **** ** ***")),
        ("pci.card", "４１１１１１１１１１１１１２３４", Some("****************")),
        ("pci.card", "x\n4111111111111234\0", Some("**************1234*")),
        ("pii.national_id", "512-44-9821", Some("***-**-9821")),
        ("pii.phone", "+49 (30) 1234567", Some("+** (**) *****67")),
        ("pii.phone", "110", Some("***")),
        ("pii.phone", "06 12 34 56 78", Some("*********** 78")),
        ("pii.phone", "+33 6 12 34 56 78", Some("+************* 78")),
        ("pii.email", "jane.doe@example.com", Some("j***@e***.com")),
        ("pii.email", "émile@ünder.fr", Some("é***@ü***.fr")),
        ("pii.email", "a@b@c.de", Some("a***@c***.de")),
        ("pii.email", "jane@localhost", None),
        ("pii.email", "no mail", None),
        ("pii.email", "", None),
        ("pii.email", "@b.com", None),
        ("pii.email", "a@.com", None),
        ("pii.email", "a@b.c0m", None),
        ("pii.email", "a@b.thisisthesecretthatnobodymaysee", None),
        ("pii.name", "Ada King Lovelace", Some("A. K. L.")),
        ("pii.name", "李 小龙", Some("李. 小.")),
        ("pii.name", "a b c d e f g h i j", Some("a. b. c. d. e. f. g. h.")),
        ("pii.name", "  ", None),
        ("pii.name", "12 34", None),
        ("pii.birth_date", "1984-07-09", Some("1984-01-01")),
        ("pii.birth_date", "1984-13-09", None),
        ("pii.birth_date", "1984-00-09", None),
        ("pii.birth_date", "1984-07-32", None),
        ("pii.birth_date", "1984-+7-09", None),
        ("pii.birth_date", "09.07.1984", None),
        ("pii.birth_date", "1984-07-09 ", None),
        ("pii.birth_date", "", None),
        ("pii.address", "12 Main Street", Some("1***")),
        ("pii.address", "12 Ma", Some("1***")),
        ("pii.address", "12 M", None),
        ("pii.address", "12", None),
        ("pii.postcode", "SW1A 2AA", Some("SW***")),
        ("pii.postcode", "9021", Some("90***")),
        ("pii.postcode", "90  ", None),
        ("pii.postcode", "902", None),
        ("pci.iban", "DE89 3704 0044 0532 0130 00", Some("DE** **** **** **** **30 00")),
        ("pci.iban", "NO9386011117947", Some("NO*********7947")),
        ("pci.iban", "NO938601111794", Some("**********1794")),
        ("pci.iban", "", Some("")),
        ("pci.iban", "DÉ89 3704 0044 0532 0130 00", Some("**** **** **** **** **30 00")),
        ("pii.bank_account", "0532013000", Some("******3000")),
        ("pii.bank_account", "0532013", Some("*******")),
        ("pii.bank_account", "a", Some("***")),
        ("pii.ip", "203.0.113.7", Some("203.0.113.0/24")),
        ("net.ip", "2001:db8:1:2::3", Some("2001:db8:1::/48")),
        ("net.ip", "203.0.113.0/24", None),
        ("net.ip", "203.0.113.7/300", None),
        ("net.ip", "203.0.113.007", None),
        ("net.ip", "example.com", None),
        ("net.mac", "08:00:2b:01:02:03", Some("08:00:2b:00:00:00")),
        ("pii.mac", "08-00-2B-01-02-03-04-05", Some("08-00-2B-00-00-00-00-00")),
        ("net.mac", "08:00:2b:01:02", None),
        ("net.mac", "08:00-2b:01:02:03:04", None),
        ("net.mac", "0é:00:2b:01:02:03", None),
        ("net.mac", "", None),
        ("pii.salary", "52300", None),
        ("pii.location", "52.5, 13.4", None),
        ("pii.tax_id", "20-05536168-2", Some("**-*******8-2")),
        ("pii.tax_id", "RCCMNL83S18D969H", Some("*************69*")),
        ("pii.tax_id", "ABC", Some("***")),
        ("pii.passport", "AB1234567", Some("*******67")),
        ("pii.driver_licence", "D123-4567-8901", Some("****-****-**01")),
        ("pii.device_id", "49-015420-323751-8", Some("**-******-***751-8")),
        ("pii.vehicle_id", "1M8GDM9AXKP042788", Some("*************2788")),
        ("pii.bank_code", "DEUTDEFF500", Some("DEUT***")),
        ("pii.bank_code", "021000021", Some("0210***")),
        ("pii.bank_code", "DEUTDEF", None),
        ("pii.health", "943 476 5919", None),
        ("fin.wallet", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", Some("0x5aAe***")),
        ("fin.isin", "US0378331005", Some("US***")),
        ("fin.lei", "5493001KJTIIGC8Y1R12", Some("5493***")),
        ("pci.cvv", "1234", None),
        ("pci.track", ";4111111111111111=25121010000000000?", None),
        ("secret.key", "abcdef", None),
        ("secret", "correct horse battery staple", None),
        ("x.unknown", "abcdef", Some("a***")),
        ("x.unknown", "👋🏽abcd", Some("👋***")),
        ("x.unknown", "👋🏽ab", None),
        ("x.unknown", "a - -", None),
        ("x.unknown", "李小龙龙", Some("李***")),
        ("x.unknown", "abc", None),
        ("x.unknown", "", None),
    ] {
        assert_eq!(text(class, value).as_deref(), want, "{class} {value:?}");
    }
}

#[test]
fn each_style_shows_its_part_of_a_number_and_no_more() {
    for (class, value, want) in [
        ("pci.card", "4111111111111234", Some("1234")),
        ("pci.card", "4111111111111234.00", Some("1234")),
        ("pci.card", "4111111111110034", Some("34")),
        ("pci.card", "4111111111110000", Some("0")),
        ("pci.card", "1234567", None),
        ("pci.card", "0000000001234567", None),
        ("pci.card", "4111111111111234.5", None),
        ("pci.card", "-4111111111111234", None),
        ("pci.card", "", None),
        ("pci.cvv", "1234", None),
        ("pii.tax_id", "20055361682", Some("82")),
        ("pii.health", "4010232137", None),
        ("pci.card", "4１11111111111234", None),
        ("pii.national_id", "512449821", Some("9821")),
        ("pii.phone", "49301234567", Some("67")),
        ("pii.phone", "110", None),
        ("pii.bank_account", "532013000", Some("3000")),
        ("pii.salary", "52300", Some("50000")),
        ("pii.salary", "-52300.99", Some("-50000")),
        ("fin.amount", "99.99", Some("90")),
        ("fin.amount", "007", Some("7")),
        ("fin.amount", "0.00571", Some("0.005")),
        ("fin.amount", "-0.00", Some("0")),
        ("fin.amount", "0", Some("0")),
        ("fin.amount", "1e5", None),
        ("fin.amount", "NaN", None),
        ("pii.location", "52.5200066", Some("53")),
        ("pii.location", "-0.1276", Some("0")),
        ("pii.location", "-73.9", Some("-74")),
        ("pii.location", "361", None),
        ("pii.location", "NaN", None),
        ("pii.name", "123456", None),
        ("pii.postcode", "90210", None),
        ("secret.pin", "12345678", None),
        ("x.unknown", "123456", None),
    ] {
        assert_eq!(number(class, value).as_deref(), want, "{class} {value:?}");
    }
    let real = |class: &str, value: f64| match of(class).apply(&Value::Real(value)) {
        Some(Value::Real(part)) => Some(part),
        None => None,
        Some(other) => panic!("a number became {other:?}"),
    };
    for (class, value, want) in [
        ("pii.location", 13.405, Some(13.0)),
        ("pii.location", f64::NAN, None),
        ("pii.location", 1e300, None),
        ("fin.amount", 52_300.0, Some(50_000.0)),
        ("fin.amount", -0.000_57, Some(-0.0005)),
        ("fin.amount", 9.99e300, Some(9e300)),
        ("fin.amount", -0.0, Some(0.0)),
        ("fin.amount", f64::INFINITY, None),
        ("pci.card", 4_111_111_111_111_234.0, None),
        ("x.unknown", 1.0, None),
    ] {
        assert_eq!(real(class, value), want, "{class} {value}");
    }
    assert_eq!(real("fin.amount", -0.0).map(f64::to_bits), Some(0));
}

#[test]
fn dates_and_addresses_show_what_they_are_in() {
    let date = |year, month, day| Value::Date { year, month, day };
    assert_eq!(of("pii.birth_date").apply(&date(1984, 7, 9)), Some(date(1984, 1, 1)));
    let net = |addr: &str, prefix| Value::Net { addr: addr.parse().unwrap(), prefix };
    for (addr, prefix, want) in [
        ("10.1.2.3", 32, Some(net("10.1.2.0", 24))),
        ("10.1.2.3", 8, Some(net("10.1.2.0", 8))),
        ("10.1.2.0", 24, None),
        ("10.0.0.0", 8, None),
        ("2001:db8:1:2::3", 128, Some(net("2001:db8:1::", 48))),
        ("::ffff:10.1.2.3", 128, Some(net("::", 48))),
        ("2001:db8::", 32, None),
    ] {
        assert_eq!(of("pii.ip").apply(&net(addr, prefix)), want, "{addr}/{prefix}");
        assert_eq!(of("pii.email").apply(&net(addr, prefix)), None);
    }
    assert_eq!(of("net.mac").apply(&Value::Mac([8, 0, 43, 1, 2, 3])), Some(Value::Mac([8, 0, 43, 0, 0, 0])));
    let long = Value::Eui64([8, 0, 43, 1, 2, 3, 4, 5]);
    assert_eq!(of("net.mac").apply(&long), Some(Value::Eui64([8, 0, 43, 0, 0, 0, 0, 0])));
}

#[test]
fn a_kind_that_a_style_is_not_for_has_no_part() {
    let kinds = [
        Value::Null,
        Value::Bool(true),
        Value::Uuid([1; 16]),
        Value::Bytes(b"bytes"[..].into()),
        Value::Number("4111111111111234".into()),
        Value::Real(1.5),
        Value::Date { year: 1984, month: 7, day: 9 },
        Value::Net { addr: [10, 1, 2, 3].into(), prefix: 32 },
        Value::Mac([1; 6]),
    ];
    for class in ["secret.key", "x.unknown", "pii.email", "pii.name"] {
        for kind in &kinds {
            assert_eq!(of(class).apply(kind), None, "{class} {kind:?}");
        }
    }
}

proptest! {
    /// Half of a value's letters and digits, and more, stay hidden, whatever it is; and nothing panics.
    #[test]
    fn no_text_panics_or_is_shown_whole(value in "\\PC{0,40}|[A-Z]{2}[0-9]{0,30}|[0-9 .:/@-]{0,40}") {
        for (_, style) in STYLES {
            let shown = style.apply(&Value::Text(value.as_str().into()));
            let _ = style.apply(&Value::Number(value.as_str().into()));
            if let (Style::LastDigits(_) | Style::Account | Style::First(_), Some(Value::Text(shown))) = (style, shown) {
                let count = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
                prop_assert!(count(&shown) <= count(&value).div_ceil(2), "{style:?} shows {shown:?} of {value:?}");
            }
        }
    }
}
