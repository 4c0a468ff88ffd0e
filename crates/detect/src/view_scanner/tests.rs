use proptest::prelude::*;

use super::*;
use crate::builtin::{builtin, entities};

/// The texts in which something is found as it is, ASCII, with what is found.
fn plain() -> Vec<(Vec<u8>, Vec<Finding>)> {
    let mut scanner = Scanner::new(builtin().unwrap());
    let all = entities().unwrap();
    let texts = all.iter().flat_map(|entity| &entity.positive).map(|example| example.marked().0.into_bytes());
    let found = texts.map(|text| {
        let found = scanner.scan(&text, None).to_vec();
        (text, found)
    });
    found.filter(|(text, found)| text.is_ascii() && !found.is_empty()).collect()
}

type Way = fn(u8) -> Vec<u8>;

/// Each byte in its own way, so that its place is known.
fn each(text: &[u8], as_what: impl Fn(u8) -> Vec<u8>) -> Vec<u8> {
    text.iter().flat_map(|byte| as_what(*byte)).collect()
}

fn base64(text: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut to = Vec::new();
    for bytes in text.chunks(3) {
        let bits = bytes.iter().chain(&[0, 0]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let digits = [18, 12, 6, 0].map(|shift| DIGITS[bits >> shift & 63]);
        to.extend_from_slice(&digits[..=bytes.len()]);
    }
    to.resize(to.len().next_multiple_of(4), b'=');
    to
}

fn json(byte: u8) -> Vec<u8> {
    format!("\\u{byte:04X}").into_bytes()
}

fn percent(byte: u8) -> Vec<u8> {
    format!("%{byte:02x}").into_bytes()
}

/// Whether all of the span is found.
fn covers(found: &[Finding], start: usize, end: usize) -> bool {
    let reach = found.iter().fold(start, |reach, found| match found.start <= reach {
        true => reach.max(found.end),
        false => reach,
    });
    reach >= end
}

#[test]
fn what_is_found_in_a_text_is_found_in_what_stands_for_it() {
    let mut scanner = ViewScanner::new(builtin().unwrap());
    let ways: [(&str, usize, Way); 8] = [
        ("json", 6, json),
        ("percent", 3, percent),
        ("json in percent", 18, |byte| each(&json(byte), percent)),
        ("percent in json", 18, |byte| each(&percent(byte), json)),
        ("json in json", 7, |byte| [b"\\".to_vec(), json(byte)].concat()),
        ("percent twice", 5, |byte| [b"%25".to_vec(), percent(byte)[1..].to_vec()].concat()),
        ("UTF-16", 2, |byte| vec![byte, 0]),
        ("UTF-16 of json", 12, |byte| each(&json(byte), |byte| vec![0, byte])),
    ];
    for (text, found) in plain() {
        for (way, length, as_what) in &ways {
            let encoded = each(&text, as_what);
            let seen = scanner.scan(&encoded, None);
            for Finding { start, end, .. } in &found {
                let [start, end] = [start * length, end * length];
                let text = String::from_utf8_lossy(&text);
                assert!(covers(seen, start, end), "{text:?} by {way}: {start}..{end} is not in {seen:?}");
            }
            assert!(*way != "UTF-16" || seen.len() == found.len(), "{text:?}: {seen:?}");
        }
    }
}

/// Digits and signs as full-width ones, and signs between them that nobody sees. Only what has no letter in it: letters with others before
/// them are another word.
#[test]
fn what_looks_like_it_is_found() {
    let mut scanner = ViewScanner::new(builtin().unwrap());
    let wide = |byte: u8| match byte.is_ascii_graphic() {
        true => char::from_u32(u32::from(byte) + 0xFEE0).unwrap().to_string().into_bytes(),
        false => "\u{3000}".as_bytes().to_vec(),
    };
    let unseen = |byte: u8| [&[byte], "\u{200B}".as_bytes()].concat();
    for (text, found) in plain() {
        if text.contains(&b'\n') || text.contains(&b'\t') {
            continue;
        }
        for (length, encoded, unseen) in [(3, each(&text, wide), 0), (4, each(&text, unseen), 3)] {
            let seen = scanner.scan(&encoded, None);
            for Finding { start, end, .. } in &found {
                let [start, end] = [start * length, end * length - unseen];
                let text = String::from_utf8_lossy(&text);
                assert!(covers(seen, start, end), "{text:?} by {length}: {start}..{end} is not in {seen:?}");
            }
        }
    }
}

#[test]
fn base64_of_a_text_is_looked_into() {
    let mut scanner = ViewScanner::new(builtin().unwrap());
    for (text, found) in plain() {
        if text.len() < 9 {
            continue;
        }
        for encoded in [base64(&text), base64(&each(&text, json))] {
            let length = encoded.len() / text.len();
            let seen = scanner.scan(&encoded, None);
            let text = String::from_utf8_lossy(&text);
            if length < 6 {
                for Finding { start, end, .. } in &found {
                    let [start, end] = [start / 3 * 4, end.div_ceil(3) * 4];
                    assert!(covers(seen, start, end), "{text:?}: {start}..{end} is not in {seen:?}");
                }
            }
            assert!(!seen.is_empty(), "{text:?}");
        }
    }
}

#[test]
fn a_span_never_ends_within_an_escape() {
    let mut scanner = ViewScanner::new(builtin().unwrap());
    let mut spans = |text: &str| -> Vec<(usize, usize)> {
        scanner.scan(text.as_bytes(), None).iter().map(|found| (found.start, found.end)).collect()
    };
    assert_eq!(spans(r#"{"a":"x\n4111\u0031111 11111111\t"}"#), []);
    assert_eq!(spans(r#"{"a":"x\n4111\u003111111111111\t"}"#), [(9, 30)]);
    assert_eq!(spans("q=ada%40example.com&r=1"), [(2, 19)]);
    assert_eq!(spans("card=4111+1111+1111+1111"), [(5, 24)]);
    assert_eq!(spans("no=\u{ff14}111 1111 1111 1111\u{200B} "), [(3, 24)]);
    assert_eq!(spans("4111 1111 1111 1111"), [(0, 19)]);
}

proptest! {
    /// What is found in any bytes is in order, inside, and in them.
    #[test]
    fn findings_of_any_bytes_are_in_order_and_inside(
        input in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            r"([\\u0-9a-f%+= @.x]|\\u00[34][0-9]|%[34][0-9]|[\u{ff10}-\u{ff19}\u{200b}]){0,100}".prop_map(String::into_bytes),
            "[A-Za-z0-9+/=_-]{0,100}".prop_map(String::into_bytes),
        ],
    ) {
        let mut scanner = ViewScanner::new(builtin().unwrap());
        let (mut start, mut end) = (0, 0);
        for found in scanner.scan(&input, None) {
            prop_assert!(found.start < found.end && found.end <= input.len() && found.odds > 0.0);
            prop_assert!(found.start >= start && found.end > end, "{found:?} is not behind {start}..{end}");
            (start, end) = (found.start, found.end);
        }
    }

    /// What is found as it is, is found with views too.
    #[test]
    fn views_take_nothing_away(input in "[0-9a-zA-Z@. \\\\%+=\u{ff11}-]{0,100}") {
        let detector = builtin().unwrap();
        let mut scanner = Scanner::new(detector);
        let mut viewer = ViewScanner::new(detector);
        let seen = viewer.scan(input.as_bytes(), None);
        for found in scanner.scan(input.as_bytes(), None) {
            prop_assert!(covers(seen, found.start, found.end), "{found:?} is not in {seen:?}");
        }
    }
}
