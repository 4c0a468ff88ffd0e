use proptest::prelude::*;

use super::*;
use crate::builtin::{builtin, entities};
use crate::entity::{Entity, Example};
use crate::shapes::steps;

/// What stands for what is hidden, so that all that a sink is told shows.
fn stand_in(hidden: &Hidden<'_>, to: &mut Vec<u8>) {
    match hidden.text {
        Some(text) => {
            to.extend_from_slice(format!("<{}", text.len()).as_bytes());
            for finding in hidden.findings {
                to.extend_from_slice(
                    format!(" {}+{}={}", finding.start - hidden.start, finding.end - finding.start, finding.kind.0)
                        .as_bytes(),
                );
            }
            to.push(b'>');
        }
        None => to.extend_from_slice(b"<long>"),
    }
}

/// What the parts give: what was found, and what is written.
fn of_parts(
    mut stream: Stream<'_>,
    within: Option<&Place>,
    parts: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> (Vec<Finding>, Vec<u8>) {
    let (mut found, mut written) = (Vec::new(), Vec::new());
    struct Both<'a>(&'a mut Vec<Finding>, &'a mut Vec<u8>);
    impl Sink for Both<'_> {
        fn pass(&mut self, bytes: &[u8]) {
            self.1.extend_from_slice(bytes);
        }
        fn hide(&mut self, hidden: &Hidden<'_>) {
            self.0.extend_from_slice(hidden.findings);
            if !hidden.is_rest {
                stand_in(hidden, self.1);
            }
        }
    }
    let mut parts = parts.into_iter().peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        stream.feed(part.as_ref(), last, within, &mut Both(&mut found, &mut written));
        assert!(stream.held() <= HELD_BYTES_MAX);
    }
    (found, written)
}

/// What the whole gives, made without a stream.
fn of_whole(detector: &Detector, within: Option<&Place>, input: &[u8]) -> (Vec<Finding>, Vec<u8>) {
    let mut scanner = Scanner::new(detector);
    let found = scanner.scan(input, within).to_vec();
    let (mut written, mut at, mut rest) = (Vec::new(), 0, &found[..]);
    while let Some(first) = rest.first() {
        let (start, mut end, mut count) = (first.start, first.end, 0);
        while let Some(next) = rest.get(count).filter(|next| next.start < end) {
            (end, count) = (end.max(next.end), count + 1);
        }
        written.extend_from_slice(&input[at..start]);
        let text = (end - start <= HIDDEN_BYTES_MAX).then(|| &input[start..end]);
        stand_in(&Hidden { start, end, text, findings: &rest[..count], is_rest: false }, &mut written);
        (at, rest) = (end, &rest[count..]);
    }
    written.extend_from_slice(&input[at..]);
    (found, written)
}

fn examples(entities: &[Entity]) -> Vec<(Vec<u8>, String)> {
    let all = entities.iter().flat_map(|entity| entity.positive.iter().chain(&entity.negative));
    let marked = |example: &Example| {
        let (text, _, name) = example.marked();
        (text.into_bytes(), name.to_owned())
    };
    all.map(marked).collect()
}

/// At each place, in two, and byte by byte.
fn every_split_is_as_the_whole(detector: &Detector, input: &[u8], name: &str) {
    let place = (!name.is_empty()).then(|| detector.place(name));
    let whole = of_whole(detector, place.as_ref(), input);
    let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for at in 0..=input.len() {
        let parts = [&input[..at], &input[at..]];
        let streamed = of_parts(Stream::new(detector), place.as_ref(), parts);
        assert_eq!(show(&streamed.1), show(&whole.1), "{:?} in {name:?}, split at {at}", show(input));
        assert_eq!(streamed.0, whole.0, "{:?} in {name:?}, split at {at}", show(input));
    }
    let bytes = of_parts(Stream::new(detector), place.as_ref(), input.chunks(1));
    assert_eq!((show(&bytes.1), bytes.0), (show(&whole.1), whole.0), "{:?} in {name:?}, byte by byte", show(input));
}

/// All kinds, those that are off too: the more there are, the more can go on.
fn all_kinds() -> &'static Detector {
    static ALL: std::sync::LazyLock<Detector> =
        std::sync::LazyLock::new(|| Detector::new(entities().unwrap()).unwrap());
    &ALL
}

#[test]
fn every_example_gives_the_same_at_every_split() {
    for (text, name) in examples(&entities().unwrap()) {
        if !text.is_empty() {
            every_split_is_as_the_whole(builtin().unwrap(), &text, &name);
            every_split_is_as_the_whole(all_kinds(), &text, &name);
        }
    }
}

/// What has been told wrong at a split.
#[test]
fn what_begins_before_something_open_is_the_same_at_every_split() {
    // An address begins before the sign of what could be a number.
    for text in ["-+6.ada@example.com=5=4+ .8-+=:5.-", "x-5.5.ada@example.com", "a:b:c:1:ada+4@example.com"] {
        every_split_is_as_the_whole(builtin().unwrap(), text.as_bytes(), "card");
    }
}

/// Addresses without a digit, which have nothing that they are found by but their colons.
#[test]
fn addresses_of_letters_are_the_same_at_every_split() {
    for text in ["from aa:bb:cc:dd:ee:ff to", "abcd:abcd:abcd::abcd", "de::add a::b ::::", "x fe:fe:fe:fe:fe:fe"] {
        every_split_is_as_the_whole(all_kinds(), text.as_bytes(), "");
    }
}

/// So long that most of it is no longer kept when the rest comes: words before what is found, and what it may be inside of, are.
#[test]
fn what_is_no_longer_kept_does_not_matter() {
    let detector = builtin().unwrap();
    let examples = examples(&entities().unwrap());
    for around in [" ssn: ", ", card number ", "-", "\n"] {
        let texts: Vec<_> = examples.iter().map(|(text, _)| String::from_utf8_lossy(text)).collect();
        let text = texts.join(around).repeat(2);
        let whole = of_whole(detector, None, text.as_bytes());
        for size in [1, 100, 5000] {
            let parts = of_parts(Stream::new(detector), None, text.as_bytes().chunks(size));
            assert_eq!(String::from_utf8_lossy(&parts.1), String::from_utf8_lossy(&whole.1), "{around:?}, {size}");
            assert_eq!(parts.0, whole.0, "{around:?}, {size}");
        }
    }
}

/// As in a row, a log line and a document: each beside others.
#[test]
fn examples_among_others_give_the_same_at_every_split() {
    let detector = builtin().unwrap();
    let examples = examples(&entities().unwrap());
    for (around, of) in [(", ", 7), (" id=", 11), ("\",\"k\":\"", 5), ("\n", 13)] {
        for chunk in examples.chunks(of) {
            let texts: Vec<_> = chunk.iter().map(|(text, _)| String::from_utf8_lossy(text)).collect();
            let mut text = texts.join(around).into_bytes();
            text.truncate(600);
            every_split_is_as_the_whole(detector, &text, "");
        }
    }
}

#[test]
fn cases_of_others_give_the_same_at_every_split() {
    let Some(path) = std::env::var_os("DETECTION_CASES") else { return };
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = case["text"].as_str().unwrap();
        for name in ["", "name", "number"] {
            every_split_is_as_the_whole(builtin().unwrap(), text.as_bytes(), name);
        }
    }
}

/// Bytes of all kinds in any order, and where they are split.
fn mix() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    let examples: Vec<Vec<u8>> = examples(&entities().unwrap()).into_iter().map(|(text, _)| text).collect();
    let piece = prop_oneof![
        4 => prop::sample::select(examples),
        2 => "[0-9 .:@+=-]{0,20}".prop_map(String::into_bytes),
        1 => "[a-f0-9:-]{0,90}".prop_map(String::into_bytes),
        1 => "[A-Za-z_]{0,300}[0-9]".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::sample::select(vec!["password=", "secret: \"", "-----BEGIN ", "eyJ", "sk-proj-", "AKIA", "a@"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let text = prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat());
    text.prop_flat_map(|text| {
        let splits = prop::collection::vec(0..=text.len(), 0..12);
        (Just(text), splits)
    })
}

fn split<'a>(text: &'a [u8], splits: &[usize]) -> Vec<&'a [u8]> {
    let mut splits = splits.to_vec();
    splits.sort_unstable();
    let (mut parts, mut from) = (Vec::new(), 0);
    for at in splits {
        parts.push(&text[from..at]);
        from = at;
    }
    parts.push(&text[from..]);
    parts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_mix_gives_the_same_at_any_splits((text, splits) in mix(), name in "|name|card|[a-z_ ]{0,20}") {
        let detector = builtin().unwrap();
        let place = (!name.is_empty()).then(|| detector.place(&name));
        let whole = of_whole(detector, place.as_ref(), &text);
        let streamed = of_parts(Stream::new(detector), place.as_ref(), split(&text, &splits));
        prop_assert_eq!(String::from_utf8_lossy(&streamed.1), String::from_utf8_lossy(&whole.1));
        prop_assert_eq!(streamed.0, whole.0);
        let bytes = of_parts(Stream::new(detector), place.as_ref(), text.chunks(1));
        prop_assert_eq!(String::from_utf8_lossy(&bytes.1), String::from_utf8_lossy(&whole.1));
    }

    /// Also through views; what they find in the whole, [`crate::view_scanner`] shows.
    #[test]
    fn views_give_the_same_at_any_splits((text, splits) in mix(), escape in 0..6_usize) {
        let detector = builtin().unwrap();
        let text = escaped(&text, escape);
        let splits: Vec<_> = splits.into_iter().map(|at| at.min(text.len())).collect();
        let whole = of_parts(Stream::with_views(detector), None, [&text]);
        let streamed = of_parts(Stream::with_views(detector), None, split(&text, &splits));
        prop_assert_eq!(String::from_utf8_lossy(&streamed.1), String::from_utf8_lossy(&whole.1));
        prop_assert_eq!(streamed.0, whole.0);
    }
}

/// Some of the bytes written otherwise.
fn escaped(text: &[u8], how: usize) -> Vec<u8> {
    let mut to = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        let is_one = at % 3 == 0 || at % 64 > 40;
        match how {
            0 if is_one && byte.is_ascii() => to.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            1 if is_one => to.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            2 if byte.is_ascii_graphic() && is_one => {
                let wide = char::from_u32(u32::from(*byte) + 0xFEE0).unwrap();
                to.extend_from_slice(wide.encode_utf8(&mut [0; 4]).as_bytes());
            }
            3 => to.extend_from_slice(&[*byte, 0]),
            4 if is_one => to.extend_from_slice("\u{200B}".as_bytes()),
            _ => to.push(*byte),
        }
        if how == 4 && is_one {
            to.push(*byte);
        }
    }
    to
}

/// What is mostly read: nothing is held that is longer than a few words.
#[test]
fn little_is_held_of_ordinary_bytes() {
    let detector = builtin().unwrap();
    let row = "1001,ada.4512345@example.com,+14155552671,4111111111111111,12.50,2024-05-01 12:00:01,active,river\n";
    let log = "2024-05-01T10:01:02.003Z INFO [worker-3] com.example.server.RequestHandler - GET /api/orders finished \
               with status=200 in 35ms key=session:9f86d081884c7d65\n";
    let prose = "The river of a morning, and she walked slowly to town where nobody had seen snow for 12 years. ";
    let json =
        r#"{"id": 5, "name": "Ada Lovelace", "email": "ada@example.com", "iban": "DE89 3704 0044 0532 0130 00"}"#;
    for text in [row, log, prose, json] {
        let mut stream = Stream::new(detector);
        let (mut most, mut total, mut count) = (0, 0, 0);
        for chunk in text.repeat(20).as_bytes().chunks(1) {
            stream.feed(chunk, false, None, &mut Vec::new());
            (most, total, count) = (most.max(stream.held()), total + stream.held(), count + 1);
        }
        assert!(most <= 128, "{most} bytes of {text:?} were held");
        assert!(total / count <= 40, "{} bytes of {text:?} are held on average", total / count);
    }
    // Behind a blank nothing is open.
    let mut stream = Stream::new(detector);
    stream.feed(b"nothing that matters. ", false, None, &mut Vec::new());
    assert_eq!(stream.held(), 0);
}

/// Overlapping findings without an end are hidden as one, and not held.
#[test]
fn what_is_hidden_without_an_end_is_not_held() {
    let entity = Entity::read(
        "x.toml",
        "name = \"x\"\ntitle = \"X\"\nclass = \"pii.x\"\nsight = \"partial\"\npositive = []\nnegative = []\nsource = \"\"\n\
         [[shapes]]\npattern = '1( 1){40}'\nodds = 1.0\n",
    );
    let detector = Detector::new(vec![entity.unwrap()]).unwrap();
    for count in [100, HIDDEN_BYTES_MAX / 2 - 2, HIDDEN_BYTES_MAX / 2, HIDDEN_BYTES_MAX / 2 + 2, HIDDEN_BYTES_MAX * 4] {
        let text = format!("before {}behind", "1 ".repeat(count));
        let whole = of_whole(&detector, None, text.as_bytes());
        assert_eq!(whole.1.ends_with(b"<long> behind"), 2 * count - 1 > HIDDEN_BYTES_MAX, "{count}");
        for size in [1, 7, 1000, 70_000] {
            let parts = of_parts(Stream::new(&detector), None, text.as_bytes().chunks(size));
            assert_eq!(String::from_utf8_lossy(&parts.1), String::from_utf8_lossy(&whole.1));
            assert_eq!(parts.0, whole.0);
        }
    }
}

/// A secret of any length is hidden, and not held: from where it is longer than secrets are.
#[test]
fn a_long_secret_is_hidden_to_its_end() {
    let detector = builtin().unwrap();
    let line = format!("{}\n", "QUJDREVGRw+/".repeat(5));
    for lines in [1, 60, 66, 67, 68, 70, 140, 2000] {
        let body = line.repeat(lines);
        let texts = [
            format!("x -----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n| 4111111111111111 y"),
            format!("password=\"{}\" ada@example.com", "a4111111111111111 ".repeat(lines * 4)),
            format!("password=\"{} \n ada@example.com", "secret: x".repeat(lines * 6)),
            format!("{} ada@example.com", "eyJ".repeat(lines * 20)),
            format!("secret_key={}", "password=4111111111111111+".repeat(lines * 3)),
            format!("sk-ant-{}+ada@example.com", "a4b-".repeat(lines * 16)),
        ];
        for text in texts {
            let whole = of_whole(detector, None, text.as_bytes());
            for size in [1, 7, 1000, 70_000] {
                let parts = of_parts(Stream::new(detector), None, text.as_bytes().chunks(size));
                let what = format!("{} of {} bytes in parts of {size}", &text[..20], text.len());
                assert_eq!(String::from_utf8_lossy(&parts.1), String::from_utf8_lossy(&whole.1), "{what}");
                assert_eq!(parts.0, whole.0, "{what}");
            }
        }
    }
}

/// What has no end and is nothing is not held, and what is not one thing by its literal alone is not taken for it.
#[test]
fn what_has_no_end_is_not_held() {
    let detector = builtin().unwrap();
    let long = |byte: &str| byte.repeat(4 * HELD_BYTES_MAX);
    let texts = [
        long("4"),
        format!("card {}", long("4")),
        format!("a1-eyJ{}", long("A")),
        format!("x1.sk-ant-{} 4111111111111111", long("b")),
        format!("password= {}", long(" ")),
        format!("a{} ada@example.com", long(":")),
        format!("-----BEGIN PRIVATE KEY-----{}password=x1234567890 y", long("A")),
        format!("-----BEGIN PRIVATE KEY-----{}\npassword=x1234567890, password=y4111111111111111", "eyJ ".repeat(5000)),
    ];
    for text in texts {
        let whole = of_whole(detector, None, text.as_bytes());
        for size in [1, 100, 70_000] {
            let parts = of_parts(Stream::new(detector), None, text.as_bytes().chunks(size));
            assert_eq!(String::from_utf8_lossy(&parts.1), String::from_utf8_lossy(&whole.1), "in parts of {size}");
            assert_eq!(parts.0, whole.0, "{} in parts of {size}", &text[..20]);
        }
    }
}

/// What was fed before, or not to its end, is no part of what comes.
#[test]
fn the_next_bytes_begin_anew() {
    let detector = builtin().unwrap();
    let mut stream = Stream::with_views(detector);
    let mut found = Vec::new();
    stream.feed(b"4111 1111 ", true, None, &mut found);
    stream.feed(b"1111 1111", true, None, &mut found);
    assert_eq!(found, []);
    stream.feed(b"4111 1111 ", false, None, &mut found);
    stream.clear();
    stream.feed(b"1111 1111", true, None, &mut found);
    assert_eq!(found, []);
    stream.feed(b"4111 1111 ", false, None, &mut found);
    stream.feed(b"1111 1111", true, None, &mut found);
    assert_eq!(found.iter().map(|found| (found.start, found.end)).collect::<Vec<_>>(), [(0, 19)]);
}

/// However small the parts are, each byte is looked at a few times.
#[test]
fn tiny_parts_cost_a_few_steps_a_byte() {
    let detector = builtin().unwrap();
    let texts = [
        "1001,ada.4512345@example.com,+14155552671,4111111111111111,12.50,2024-05-01 12:00:01,active,river\n"
            .repeat(300),
        "password=".repeat(3000),
        "eyJhbGciOiJIUzI1NiJ9".repeat(1500),
        "a".repeat(30_000),
        "a@".repeat(15_000),
        "ab:".repeat(10_000),
        "1 ".repeat(15_000),
        "-".repeat(30_000),
        "4".repeat(30_000),
        "\u{ff14}".repeat(10_000),
        "\\u0034".repeat(5_000),
        "-----BEGIN PRIVATE KEY-----\n".to_owned() + &"ABCDEFGH\n".repeat(3000),
    ];
    for text in &texts {
        steps::take();
        let mut scanner = Scanner::new(detector);
        scanner.scan(text.as_bytes(), None);
        let whole = steps::take();
        let mut stream = Stream::new(detector);
        text.as_bytes().chunks(1).for_each(|chunk| stream.feed(chunk, false, None, &mut Vec::new()));
        stream.feed(b"", true, None, &mut Vec::new());
        let tiny = steps::take();
        let most = whole * 6 + text.len() * 200;
        let what: String = text.chars().take(20).collect();
        assert!(tiny <= most, "{what:?}: {whole} steps whole, {tiny} in tiny parts");
    }
}

/// What stands for what was found is not found again, and what was found is gone.
#[test]
fn what_is_redacted_stays_redacted() {
    let detector = builtin().unwrap();
    let redact = |text: &[u8]| {
        let mut redactor = Redactor::new(Stream::with_views(detector), |_: &Hidden<'_>, to: &mut Vec<u8>| {
            to.extend_from_slice(b"[hidden]");
        });
        let mut to = Vec::new();
        redactor.feed(text, true, None, &mut to);
        to
    };
    for (text, _) in examples(&entities().unwrap()) {
        let once = redact(&text);
        assert_eq!(redact(&once), once, "{}", String::from_utf8_lossy(&text));
    }
}
