//! A record as a message of RFC 5424, section 6, in the frame of RFC 6587, section 3.4.1:
//!
//! ```text
//! 312 <108>1 2026-11-21T09:00:04.000000Z host weir 4711 decided [weir@32473 session="0198…" op="2" ruling="deny" seq="0:5"] {"lane":0,…}
//! ```

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::entry::Entry;

/// Log audit (section 6.2.1).
const FACILITY: u8 = 13;
const WARNING: u8 = 4;
const INFORMATIONAL: u8 = 6;
/// The number that RFC 5612 sets aside for examples: Weir has no enterprise number of its own.
const STRUCTURED_DATA_ID: &str = "weir@32473";
const HOSTNAME_CHARS_MAX: usize = 255;
const MSGID_CHARS_MAX: usize = 32;

/// Who says it.
pub(super) struct Origin {
    hostname: String,
    process: u32,
}

impl Origin {
    /// This process on this machine.
    pub(super) fn this() -> Self {
        let system = rustix::system::uname();
        let hostname = system.nodename().to_string_lossy();
        Self { hostname: header_word(&hostname, HOSTNAME_CHARS_MAX), process: std::process::id() }
    }
}

/// Appends a record's frame.
pub(super) fn push(frames: &mut Vec<u8>, origin: &Origin, entry: &Entry) {
    let message = message(origin, entry);
    frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
    frames.extend_from_slice(message.as_bytes());
}

fn message(origin: &Origin, entry: &Entry) -> String {
    let is_refusal = entry.event == "rejected" || entry.ruling.as_deref() == Some("deny");
    let severity = if is_refusal { WARNING } else { INFORMATIONAL };
    let priority = FACILITY.saturating_mul(8).saturating_add(severity);
    let Origin { hostname, process } = origin;
    let (time, event) = (timestamp(entry.at.0), header_word(&entry.event, MSGID_CHARS_MAX));
    let mut message = format!("<{priority}>1 {time} {hostname} weir {process} {event} [{STRUCTURED_DATA_ID}");
    let mut parameter = |name: &str, value: Option<&str>| {
        let Some(value) = value else { return };
        let _ = write!(message, " {name}=\"");
        for c in value.chars() {
            if matches!(c, '"' | '\\' | ']') {
                message.push('\\');
            }
            message.push(c);
        }
        message.push('"');
    };
    parameter("session", entry.session.as_deref());
    parameter("op", entry.op.map(|op| op.to_string()).as_deref());
    parameter("ruling", entry.ruling.as_deref());
    parameter("seq", Some(&entry.name()));
    // No byte-order mark: the record is JSON, which must not begin with one, and receivers that read it would stumble.
    message.push_str("] ");
    message.push_str(&entry.json);
    message
}

/// RFC 3339 with as many digits as section 6.2.3 permits; `-` where it can't be said.
fn timestamp(micros: u64) -> String {
    let at = i64::try_from(micros).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
    // A year of more than four digits is none that RFC 3339 knows.
    let at = at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()).filter(|text| text.len() == 27);
    at.unwrap_or_else(|| "-".to_owned())
}

/// The characters that a word of the header may have (PRINTUSASCII); `-` if none is left.
fn header_word(text: &str, chars_max: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(chars_max).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use model::UnixMicros;

    use super::*;

    fn entry() -> Entry {
        Entry {
            lane: 0,
            seq: 5,
            at: UnixMicros(1_795_251_604_000_001),
            event: "decided".into(),
            session: Some("0198f0a2-aa".into()),
            op: Some(2),
            ruling: Some("deny".into()),
            json: "{\"lane\":0,\"text\":\"é]\"}".into(),
            place: Vec::new(),
        }
    }

    fn framed(entry: &Entry) -> String {
        let mut frames = Vec::new();
        push(&mut frames, &Origin { hostname: "host".into(), process: 47 }, entry);
        String::from_utf8(frames).unwrap()
    }

    #[test]
    fn a_record_is_a_message() {
        assert_eq!(
            framed(&entry()),
            "145 <108>1 2026-11-21T09:00:04.000001Z host weir 47 decided [weir@32473 session=\"0198f0a2-aa\" op=\"2\" \
             ruling=\"deny\" seq=\"0:5\"] {\"lane\":0,\"text\":\"é]\"}"
        );
        let ended = Entry { event: "ended".into(), ruling: None, op: None, session: None, ..entry() };
        assert!(framed(&ended).contains(" <110>1 "), "info");
        assert!(framed(&ended).contains(" ended [weir@32473 seq=\"0:5\"] {"));
        assert!(framed(&Entry { event: "rejected".into(), ..ended.clone() }).contains(" <108>1 "), "warning");
    }

    #[test]
    fn what_has_a_meaning_is_escaped_and_headers_hold_no_other_characters() {
        let odd = Entry {
            session: Some("a\"b\\c]d é".into()),
            event: "über fall\n".into(),
            at: UnixMicros(u64::MAX),
            ..entry()
        };
        let framed = framed(&odd);
        assert!(framed.contains("session=\"a\\\"b\\\\c\\]d é\""), "{framed}");
        assert!(framed.contains("<108>1 - host weir 47 berfall ["), "{framed}");
        assert_eq!(header_word("\n \u{7f}é", 9), "-");
        assert_eq!(header_word(&"x".repeat(300), HOSTNAME_CHARS_MAX).len(), 255);
    }
}
