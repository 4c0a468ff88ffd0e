use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::builtin::{builtin, entities};
use crate::shapes::steps;

/// With those that are off.
static ALL: LazyLock<Detector> = LazyLock::new(|| Detector::new(entities().unwrap()).unwrap());

/// The most steps for each byte of whatever input.
const STEPS_MAX: usize = 64;

fn examples() -> Vec<String> {
    let entities = entities().unwrap();
    let examples = entities.iter().flat_map(|entity| entity.positive.iter().chain(&entity.negative));
    examples.map(|example| example.marked().0).collect()
}

fn words() -> Vec<String> {
    entities().unwrap().into_iter().flat_map(|entity| entity.context.into_iter().chain(entity.against)).collect()
}

fn literals() -> Vec<String> {
    let entities = entities().unwrap();
    entities.into_iter().flat_map(|entity| entity.shapes).flat_map(|shape| shape.literals).collect()
}

fn same(detector: &Detector, input: &[u8], name: &str) {
    let place = (!name.is_empty()).then(|| detector.place(name));
    let found = Scanner::new(detector).scan(input, place.as_ref()).to_vec();
    assert_eq!(found, plain::scan(detector, input, place.as_ref()), "{:?} in {name:?}", String::from_utf8_lossy(input));
}

#[test]
fn what_is_found_in_the_examples_is_what_is_found_plainly() {
    for entity in entities().unwrap() {
        for example in entity.positive.iter().chain(&entity.negative) {
            let (text, _, name) = example.marked();
            for detector in [&*ALL, builtin().unwrap()] {
                same(detector, text.as_bytes(), name);
                same(detector, text.as_bytes(), "");
            }
        }
    }
}

/// As a table of customers has them, in which most is a number.
#[test]
fn what_is_found_in_rows_is_what_is_found_plainly() {
    let mut number = 7_u64;
    let mut below = |limit: u64| {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (number >> 33) % limit
    };
    for digits in 1..24 {
        let mut row = String::new();
        while row.len() < 300 {
            let signs = [",", " ", "-", ".", ":", "/", ", ssn: ", ",+", " (", "=", "_", "\"", "a", "T", "é"];
            for _ in 0..=below(digits) {
                row.push(char::from(b"0123456789"[below(10) as usize]));
            }
            row.push_str(signs[below(signs.len() as u64) as usize]);
        }
        same(&ALL, row.as_bytes(), "");
        same(&ALL, row.as_bytes(), "phone number");
    }
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => prop::sample::select(examples()).prop_map(String::into_bytes),
        2 => prop::sample::select(words()).prop_map(String::into_bytes),
        2 => prop::sample::select(literals()).prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..30),
        1 => "[0-9 .:@+=-]{0,20}".prop_map(String::into_bytes),
        1 => "[a-fA-F:]{0,20}".prop_map(String::into_bytes),
        1 => "[a-z_1-]?[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?)?Z?[:,. +\"a-]?".prop_map(String::into_bytes),
        4 => "[ ,:=;_.\"\n-]{1,2}".prop_map(String::into_bytes),
        1 => "[0-9]{1,20}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn what_is_found_is_what_is_found_plainly(input in pieces(), name in prop::sample::select(words()), named in any::<bool>()) {
        same(&ALL, &input, if named { &name } else { "" });
    }
}

/// How many steps each byte of the input takes.
fn steps_a_byte(input: &[u8]) -> usize {
    let detector = &*ALL;
    let place = detector.place("card number of the account");
    steps::take();
    Scanner::new(detector).scan(input, Some(&place));
    steps::take() / input.len()
}

fn repeated(text: &str, bytes: usize) -> Vec<u8> {
    text.bytes().cycle().take(bytes).collect()
}

/// Whatever the input is, the steps are no more than so many for each of its bytes.
#[test]
fn steps_are_bounded_by_the_length_of_the_input() {
    let made = [
        "a@",
        "a@a.",
        "x@a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a",
        "1 ",
        "1",
        "12",
        "0:",
        ":",
        "::",
        "a:",
        "1.",
        "1-",
        "1_",
        "+1 ",
        "+",
        "(0",
        "0 ",
        "%B1",
        "1=",
        "password=",
        "password: ",
        "password='",
        "secret=secret",
        "sk-",
        "sk-ant-",
        "eyJ",
        "eyJ-",
        "eyJ-.",
        "eyJa.a-",
        "glpat-",
        "-",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n",
        "http://a:",
        "Bearer a-",
        "postgres://a:",
        "US12 A ",
        "A1 ",
        "AB 1 ",
        "a1",
        "Z9-",
        "card 4111 1111 1111 1111 ",
        "card 4111111111111111",
        "\u{e9}",
        "\0",
        " ",
    ];
    let mut worst = (0, String::new());
    let of_kinds = examples().into_iter().chain(literals()).flat_map(|text| [(format!("{text} "), 4096), (text, 4096)]);
    for (text, bytes) in made.iter().map(|text| ((*text).to_owned(), 32_768)).chain(of_kinds) {
        let steps = steps_a_byte(&repeated(&text, bytes));
        if steps > worst.0 {
            worst = (steps, text);
        }
    }
    assert!(worst.0 <= STEPS_MAX, "{worst:?}");
}

/// A body of any length belongs to what it is the body of.
#[test]
fn a_long_secret_is_found_to_its_end() {
    let body = format!("{}\n", "QUJDREVGRw+/".repeat(5)).repeat(1000);
    let text = format!("x -----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n| y");
    let found = Scanner::new(&ALL).scan(text.as_bytes(), None).to_vec();
    assert_eq!(
        found.iter().map(|found| (found.start, found.end)).collect::<Vec<_>>(),
        [(2, text.len() - 3)],
        "{found:?}"
    );
}

/// What can't be read as often as it would have to be is taken for what it looks like.
#[test]
fn what_costs_too_much_is_hidden() {
    let text = format!("{} end", "eyJ-".repeat(4000));
    let found = Scanner::new(&ALL).scan(text.as_bytes(), None).to_vec();
    let last = found.last().unwrap();
    assert_eq!(last.end, 16_000, "{found:?}");
    assert!(last.start < 8192, "{found:?}");
    assert_eq!(ALL.entity(last.kind).unwrap().name, "jwt");
}

#[test]
fn addresses_without_a_digit_are_found() {
    let found = |text: &str| {
        let mut scanner = Scanner::new(&ALL);
        scanner
            .scan(text.as_bytes(), None)
            .iter()
            .map(|found| text[found.start..found.end].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("from aa:bb:cc:dd:ee:ff to"), ["aa:bb:cc:dd:ee:ff"]);
    assert_eq!(found("abcd:abcd:abcd::abcd"), ["abcd:abcd:abcd::abcd"]);
    for none in ["de::add", "a::b", "crate::a::b", "xaa:bb:cc:dd:ee:ff", "aa:bb:cc:dd:ee:ffx", "::::"] {
        assert_eq!(found(none), [""; 0], "{none}");
    }
}

/// Dates are gone over, unless a kind is one, or a part of one.
#[test]
fn what_is_found_in_dates_is_what_is_found_plainly() {
    let texts = [
        "on 2024-05-12 12:34:56,789 and 2024-05-12T12:34:56Z, 2024-05-12 12:34:56 pm",
        "2024-05-12T12:34:56:78:9a:bc:de 2024-05-12 12:34:56:78:9a:bc 2024-05-12 12:34:56.789",
        "2024-05-12T12:34:56 78 90 12 34 2024-05-12 12:34:56 06 12 34 56 78, 1-2024-05-12 12:34:56+02:00",
        "born 2024-05-12 12:34:56; 2024-05-12T12:34:56.123456-07:00",
    ];
    for pattern in [
        "[0-9]{2}:[0-9]{2}",
        "[0-9]{2},[0-9]{3}",
        "[0-9]{2}:[0-9]{2} [a-z]+",
        "[0-9]{2}[.][0-9]{3}",
        "[0-9]{2}Z",
        "([0-9a-f]{2}:){5}[0-9a-f]{2}",
        "[0-9]{2}( [0-9]{2}){4}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    ] {
        let file = format!(
            "name = \"x\"\ntitle = \"X\"\nclass = \"pii.x\"\nsight = \"partial\"\npositive = []\nnegative = []\n\
             source = \"\"\n[[shapes]]\npattern = '{pattern}'\nodds = 1.0\n"
        );
        let detector = Detector::new(vec![crate::entity::Entity::read("x.toml", &file).unwrap()]).unwrap();
        let found: usize = texts.iter().map(|text| Scanner::new(&detector).scan(text.as_bytes(), None).len()).sum();
        assert!(found > 0, "{pattern}");
        texts.iter().for_each(|text| same(&detector, text.as_bytes(), ""));
    }
    texts.iter().for_each(|text| same(&ALL, text.as_bytes(), "phone number"));
}

#[test]
fn what_makes_a_value_look_like_a_part_of_a_program_hides_nothing_of_a_column() {
    let detector = crate::builtin::builtin().unwrap();
    let nameless = detector.place("");
    let mut scanner = Scanner::new(detector);
    for text in ["1234567890123456, 4539148803436467", "const THE_PASSWORD: Hunter22 = 1"] {
        assert_eq!(scanner.scan(text.as_bytes(), None), [], "{text}");
        assert_eq!(scanner.scan(text.as_bytes(), Some(&nameless)).len(), 1, "{text}");
    }
}

#[test]
fn words_speak_against_nothing_where_somebody_puts_them_together() {
    let detector = crate::builtin::builtin().unwrap();
    let (stored, computed) = (detector.place("remark"), detector.place_of_doubt(["remark"]));
    let mut scanner = Scanner::new(detector);
    for text in ["order 4539148803436467", "{\"sku\": \"4539148803436467\"}"] {
        assert_eq!(scanner.scan(text.as_bytes(), Some(&stored)), [], "{text}");
        assert_eq!(scanner.scan(text.as_bytes(), Some(&computed)).len(), 1, "{text}");
    }
    let raised = scanner.scan(b"ssn 536904399", Some(&computed)).len();
    assert_eq!(raised, 1);
}
