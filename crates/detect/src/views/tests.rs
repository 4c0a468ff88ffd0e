use super::*;

/// What a view makes of these bytes, split at every place: it must be the same.
fn decoded(view: View, input: &[u8]) -> (Vec<u8>, Map) {
    let at_once = in_parts(view, &[input]);
    for at in 0..=input.len() {
        let (head, tail) = input.split_at(at);
        let split = in_parts(view, &[head, tail]);
        assert_eq!(split.0, at_once.0, "{input:?} split at {at}");
        for place in 0..=split.0.len() {
            assert_eq!(split.1.start(place), at_once.1.start(place), "{input:?} split at {at}");
            assert_eq!(split.1.end(place), at_once.1.end(place), "{input:?} split at {at}");
        }
    }
    at_once
}

fn in_parts(view: View, parts: &[&[u8]]) -> (Vec<u8>, Map) {
    let mut decoder = Decoder::new(view);
    let (mut bytes, mut map, mut rest) = (Vec::new(), Map::default(), Vec::new());
    map.begin(0);
    for (count, part) in parts.iter().enumerate() {
        rest.extend_from_slice(part);
        let more = count + 1 < parts.len();
        if decoder.is_done {
            break;
        }
        let done = decoder.decode(&rest, more, &mut Decoded { bytes: &mut bytes, map: &mut map });
        assert!(done == rest.len() || more || decoder.is_done, "{rest:?}");
        rest.drain(..done);
    }
    (bytes, map)
}

fn text(view: View, input: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(&decoded(view, input.as_ref()).0).into_owned()
}

#[test]
fn json_escapes_are_undone() {
    let cases = [
        (r"a\u0034\u002F\/\n\t\b\f\r\\\qz", "a4//\n\t\u{8}\u{c}\r\\\\qz"),
        (r"\ud83d\ude00\uD83D\u0034\uD83Dx\uDE00", "\u{1F600}\\uD83D4\\uD83Dx\\uDE00"),
        (r"\u00e9\uFF14", "\u{e9}\u{ff14}"),
        (r"\\u0034", "\\u0034"),
        (r"\u00 \u12", "\\u00 \\u12"),
        (r"\u", "\\u"),
        (r"\", "\\"),
    ];
    for (input, output) in cases {
        assert_eq!(text(View::Json, input), output);
    }
    let (_, map) = decoded(View::Json, br"a\u0034b");
    assert_eq!((map.start(1), map.end(2), map.start(2), map.end(3)), (1, 7, 7, 8));
}

#[test]
fn percent_encoding_is_undone() {
    let cases = [("a%40b%2eC%", "a@b.C%"), ("%4%40%zz%", "%4@%zz%"), ("100%", "100%"), ("%%40", "%@")];
    for (input, output) in cases {
        assert_eq!(text(View::Percent, input), output);
    }
    let cases = [("4+1", "4+1"), ("a=4+1+1&b=+1+", "a=4 1 1&b=+1+"), ("1+1=1+1", "1+1=1 1")];
    for (input, output) in cases {
        assert_eq!(text(View::Plus, input), output);
    }
}

#[test]
fn characters_are_read_as_ascii() {
    let cases = [
        ("\u{ff14}\u{ff11}\u{ff20}\u{ff41}", "41@a"),
        ("\u{0664}\u{096A}\u{1D7D2}\u{1FBF4}\u{11BF9}", "44449"),
        ("4\u{200B}1\u{AD}1\u{FEFF}1\u{2060}", "4111"),
        ("4\u{A0}1\u{3000}1\u{2013}1", "4 1 1-1"),
        ("caf\u{e9} \u{4f60}\u{597d}", "caf\u{e9} \u{4f60}\u{597d}"),
    ];
    for (input, output) in cases {
        assert_eq!(text(View::Fold, input), output);
    }
    let broken = [b'4', 0xEF, 0xBC, b'4', 0xFF, 0xEF, 0xBC, 0x94, 0xE2, 0x80];
    let (bytes, _) = decoded(View::Fold, &broken);
    assert_eq!(bytes, [b'4', 0xEF, 0xBC, b'4', 0xFF, b'4', 0xE2, 0x80]);
}

#[test]
fn zeros_of_scripts_are_in_order() {
    let digits = ["\u{0660}", "\u{06F9}", "\u{A620}", "\u{1E959}"].map(|digit| text(View::Fold, digit));
    assert_eq!(digits, ["0", "9", "0", "9"]);
}

#[test]
fn utf16_is_undone() {
    let wide = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(unit).collect() };
    let example = "id: 4\u{e9}\u{1F600}";
    for (view, unit) in [(View::Utf16Be, u16::to_be_bytes as fn(u16) -> [u8; 2]), (View::Utf16Le, u16::to_le_bytes)] {
        assert_eq!(text(view, wide(example, unit)), example);
        assert_eq!(text(view, wide(&format!("\u{FEFF}{example}"), unit)), example);
        assert_eq!(View::of_whole(&wide("\u{FEFF}\u{4f60}", unit)), Some(view));
        assert_eq!(View::of_whole(&wide("abcd", unit)), Some(view));
        assert_eq!(View::of_whole(&wide("abc", unit)), None);
    }
    assert_eq!(text(View::Utf16Le, [b'a', 0, 0x3D, 0xD8, b'b', 0, b'c']), "a\u{FFFD}bc");
}

#[test]
fn base64_is_undone() {
    let cases = [
        ("NTEyLTQ0LTk4MjE=", "512-44-9821"),
        ("NTEyLTQ0LTk4MjE", "512-44-9821"),
        ("NTEy\r\nLTQ0\nLTk4MjE=\n", "512-44-9821"),
        ("NTEyLTQ0LTk4MQ==", "512-44-981"),
        ("NTEyLTQ0LTk4MjE=NTEy", "512-44-9821"),
        ("NTEyLTQ0 ", "512-44"),
        ("Pz8_Pj4-", "???>>>"),
        ("Pz8/Pj4+", "???>>>"),
    ];
    for (input, output) in cases {
        assert_eq!(text(View::Base64, input), output);
    }
    let (_, map) = decoded(View::Base64, b"NTEyLTQ0LTk4MjE=");
    assert_eq!((map.start(4), map.end(5), map.end(11)), (4, 8, 16));
    assert_eq!(View::of_whole(b"NTEyLTQ0LTk4MjE="), Some(View::Base64));
    for none in
        ["4111111111111111", "d41d8cd98f00b204", "internationalize", "short", "NTEyLTQ0=", "512-44-9821 and more"]
    {
        assert_eq!(View::of_whole(&none.as_bytes()[..none.len().min(HEAD_BYTES)]), None, "{none}");
    }
}
