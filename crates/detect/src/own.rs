//! Patterns of the user's own: whether one can be looked for in any bytes at any time, at a cost that is known before.
//!
//! An automaton takes one step a byte, whatever the bytes are, so no pattern is slow by the text that it meets. What is left is
//! how large it is, how far it reads from each place where it may begin, and at how many places it may.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind, nfa::thompson};

/// The longest pattern.
const PATTERN_BYTES_MAX: usize = 1024;
/// The longest text that one may be found as.
const FOUND_BYTES_MAX: usize = 512;
/// The largest automaton of one.
const AUTOMATON_BYTES_MAX: usize = 256 * 1024;
/// The most steps for each byte of [`ORDINARY`].
const STEPS_MAX: usize = 3;

/// Text as it often is: prose, a log, a document, a table, hexadecimal.
const ORDINARY: &str = "\
The quick brown fox jumps over the lazy dog, while Ada Lovelace writes to Charles Babbage about the engine of 1842.
2026-03-01T12:00:01.123Z INFO  api request_id=7f3a9c21 method=GET path=/v1/orders/10023?page=2 status=200 took=13ms
2026-03-01 12:00:02,456 [worker-7] WARN com.example.shop.Cart - retrying in 1500 ms, 3 of 5, user jane.doe@example.com
{\"id\": 1042, \"name\": \"Grace Hopper\", \"tags\": [\"navy\", \"cobol\"], \"total\": 129.50, \"paid\": true, \"note\": null}
10023;Miller;Hamburg;+49 40 1234567;2026-02-28;19.90;EUR;open
fn main() { let total: u64 = items.iter().map(|item| item.price).sum(); println!(\"{total}\"); }
4f1c9be2a07d35e88c6b14f09d2e7a535c0de94b 00000010: 7f45 4c46 0201 0100 0000 0000 0000 0000  .ELF............
lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua ut enim \
ad minim veniam quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat
";

/// Why a pattern can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {help}")]
pub struct UnfitPattern {
    /// What is wrong with it.
    pub what: String,
    /// What would be right.
    pub help: &'static str,
}

/// Whether a pattern can be used for a kind of one's own.
pub fn fit(pattern: &str) -> Result<(), UnfitPattern> {
    let unfit = |what: String, help: &'static str| Err(UnfitPattern { what, help });
    if pattern.len() > PATTERN_BYTES_MAX {
        let what = format!("is longer than {PATTERN_BYTES_MAX} bytes");
        return unfit(what, "write several shorter ones: a kind may have a list of them");
    }
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let parsed = match syntax::parse_with(pattern, &syntax) {
        Ok(parsed) => parsed,
        Err(wrong) => {
            let wrong = wrong.to_string();
            let last = wrong.lines().last().unwrap_or_default();
            let what = format!("is no regular expression: {}", last.trim_start_matches("error: "));
            return unfit(what, "write it as in `EMP-\\d{6}`, of bytes and without looking around");
        }
    };
    let properties = parsed.properties();
    if !properties.look_set().is_empty() {
        return unfit("has an anchor in it".to_owned(), "leave out ^, $ and \\b: what is found is whole words anyhow");
    }
    match (properties.minimum_len(), properties.maximum_len()) {
        (None, _) => return unfit("fits nothing".to_owned(), "write what it shall find"),
        (Some(0), _) => return unfit("fits the empty text".to_owned(), "write what is always there"),
        (_, None) => {
            return unfit(
                "has no end".to_owned(),
                "write how often at most: {1,20} in place of +, {0,20} in place of *",
            );
        }
        (_, Some(longest)) if longest > FOUND_BYTES_MAX => {
            let what = format!("may be {longest} bytes long; at most {FOUND_BYTES_MAX} are looked at");
            return unfit(what, "write smaller numbers in braces");
        }
        _ => {}
    }
    let built = dense::Builder::new()
        .syntax(syntax)
        .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(AUTOMATON_BYTES_MAX)))
        .configure(
            dense::Config::new()
                .start_kind(StartKind::Anchored)
                .match_kind(MatchKind::All)
                .dfa_size_limit(Some(AUTOMATON_BYTES_MAX))
                .determinize_size_limit(Some(AUTOMATON_BYTES_MAX)),
        )
        .build(pattern);
    let Ok(automaton) = built else {
        let what = format!("is too big: its automaton has more than {} KiB", AUTOMATON_BYTES_MAX / 1024);
        return unfit(what, "write smaller numbers in braces, and fewer of them inside of each other");
    };
    let steps = steps(&automaton, ORDINARY.as_bytes());
    if steps > STEPS_MAX.saturating_mul(ORDINARY.len()) {
        let each = steps.checked_div(ORDINARY.len()).unwrap_or(steps);
        let what =
            format!("is too slow: it looks at each byte of ordinary text {each} times, and {STEPS_MAX} is the most");
        return unfit(what, "begin it with something rarer, and repeat less");
    }
    Ok(())
}

/// How many steps are taken from all the places where words begin.
fn steps(automaton: &dense::DFA<Vec<u32>>, text: &[u8]) -> usize {
    let Ok(first) = automaton.start_state(&start::Config::new().anchored(Anchored::Yes)) else { return usize::MAX };
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let (mut steps, mut before) = (0_usize, b' ');
    for (at, byte) in text.iter().enumerate() {
        let begins = !(is_word(before) && is_word(*byte));
        before = *byte;
        if !begins {
            continue;
        }
        let mut state = first;
        for byte in text.get(at..).unwrap_or_default() {
            state = automaton.next_state(state, *byte);
            steps = steps.saturating_add(1);
            if automaton.is_dead_state(state) {
                break;
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_people_write_are_fit() {
        for pattern in [
            r"EMP-\d{6}",
            r"[A-Z]{3}-\d{4,8}",
            r"(?i)project [a-z]{2,30}",
            r"\d{3}[ -]?\d{3}[ -]?\d{4}",
            r"[a-z]{1,20}",
            r"KD[0-9A-F]{8}(-[0-9]{1,3})?",
            r"ÄÖ-\d{3}",
            r"[0-9a-f]{40}",
        ] {
            assert_eq!(fit(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_said() {
        let long = "a".repeat(1025);
        for (pattern, said) in [
            ("(", "is no regular expression: unclosed group"),
            (r"(a)\1", "is no regular expression: backreferences are not supported"),
            (r"\p{Greek}", "is no regular expression: Unicode not allowed here"),
            (r"^\d{6}$", "has an anchor in it"),
            (r"\bEMP\b", "has an anchor in it"),
            (r"(EMP)?", "fits the empty text"),
            (r"[a&&b]", "fits nothing"),
            (r"EMP-\d+", "has no end"),
            (r"(\d{1,900}[a-z]{1,900}){1,900}", "may be 1620000 bytes long; at most 512 are looked at"),
            (r"(a|b|ab|ba){1,20}[^x]{0,1}.{0,12}(a|aa|aaa|b){1,60}.a.{12}", "is too big"),
            (r"[a-z0-9 ]{1,400}!", "is too slow"),
            (&long, "is longer than 1024 bytes"),
        ] {
            let wrong = fit(pattern).unwrap_err();
            assert!(wrong.what.starts_with(said), "{pattern}: {wrong}");
            assert!(!wrong.help.is_empty() && !wrong.to_string().contains('\n'), "{wrong}");
        }
    }
}
