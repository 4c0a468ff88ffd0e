//! A record as one line for a person. Whatever a record holds, the line has no character that moves a cursor, changes
//! the order of others, or cannot be seen.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::UnixMicros;
use serde_json::Value;

use crate::read::LoggedRecord;

/// Characters of a text that are shown.
const TEXT_CHARS_MAX: usize = 160;
/// Characters of any other single thing that are shown.
const WORD_CHARS_MAX: usize = 80;
/// Elements of a list that are shown.
const LIST_MAX: usize = 8;

/// Whose time is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// UTC.
    #[default]
    Utc,
    /// That of the machine.
    Local,
}

/// A record in one line: time, the session's short id, who, and what happened.
pub fn render(record: &LoggedRecord, zone: Zone) -> String {
    let mut line = time(record.at, zone);
    line.push_str("  ");
    match &record.session {
        Some(session) => line.push_str(&shortened(short_id(session), 8)),
        None => line.push_str("--------"),
    }
    line.push_str("  ");
    if let Some(principal) = record.principal() {
        line.push_str(&shortened(principal, WORD_CHARS_MAX));
        line.push_str("  ");
    }
    let mut words = Words { record, line };
    words.event();
    words.line
}

/// A record's exact JSON in one line, with every character that cannot be seen written as `\u` escapes.
pub fn json_line(record: &LoggedRecord) -> String {
    let mut line = String::with_capacity(record.json.len());
    for c in record.json.chars() {
        if is_plain(c) {
            line.push(c);
        } else {
            // Outside its strings a record's JSON has none of these, so an escape is right wherever one stands.
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(line, "\\u{unit:04x}");
            });
        }
    }
    line
}

/// A text with every character that cannot be seen, or that acts on others, written as an escape.
pub fn printable(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    text.chars().for_each(|c| push_printable(&mut plain, c));
    plain
}

fn push_printable(to: &mut String, c: char) {
    match c {
        _ if is_plain(c) => to.push(c),
        '\n' | '\r' | '\t' | '\0' => to.extend(c.escape_debug()),
        _ => to.extend(c.escape_unicode()),
    }
}

/// Whether a character is seen as itself. The standard library's table leaves out controls, formats (bidirectional
/// and zero-width ones among them), combining marks, private and unassigned ones and all spaces but the plain one; the
/// few below are letters by name and blank by looks.
fn is_plain(c: char) -> bool {
    match c {
        '"' | '\'' | '\\' => true,
        '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' => false,
        _ => c.escape_debug().eq([c]),
    }
}

/// At most this many characters, each of them printable.
fn shortened(text: &str, chars_max: usize) -> String {
    let mut short = String::new();
    let mut chars = text.chars();
    chars.by_ref().take(chars_max).for_each(|c| push_printable(&mut short, c));
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// The end of a session's id: its beginning is the time, which neighbours share.
fn short_id(session: &str) -> &str {
    session.char_indices().rev().nth(7).and_then(|(at, _)| session.get(at..)).unwrap_or(session)
}

fn time(at: UnixMicros, zone: Zone) -> String {
    let Some(at) = i64::try_from(at.0).ok().and_then(|at| Timestamp::from_microsecond(at).ok()) else {
        return format!("{} µs", at.0);
    };
    match zone {
        Zone::Utc => format!("{at:.6}"),
        Zone::Local => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string(),
    }
}

/// A line in the making.
struct Words<'a> {
    record: &'a LoggedRecord,
    line: String,
}

impl Words<'_> {
    fn event(&mut self) {
        match self.record.kind() {
            "admitted" => {
                self.say("admitted to ");
                self.value("target");
                self.after("/", "place");
                self.after(" from ", "peer");
                self.after(" as ", "kind");
                self.after(" with ", "credential");
                self.after(" by ", "application");
                self.after(" for ", "act");
                self.after(" owner ", "owner");
                self.after(" run ", "run");
                self.after("  ", "rules");
            }
            "rejected" => {
                self.say("REJECTED");
                self.after(" from ", "peer");
                self.after(" to ", "target");
                self.after(": ", "why");
            }
            "decided" => {
                self.after("#", "op");
                let ruling = self.record.text("ruling").unwrap_or_default();
                let ruling = if ruling == "deny" { "DENY".to_owned() } else { shortened(ruling, WORD_CHARS_MAX) };
                self.say("  ");
                self.say(&ruling);
                self.after("  ", "step");
                if let Some(text) = self.record.text("text") {
                    self.say("  ");
                    self.say(&shortened(text, TEXT_CHARS_MAX));
                }
                self.after("  ", "rules");
                self.after("  ", "why");
            }
            "ended" => {
                self.after("#", "op");
                self.after("  ", "outcome");
                self.after("  rows ", "rows");
                self.after("  bytes ", "bytes");
                if self.record.event.get("masked").and_then(Value::as_u64).is_some_and(|masked| masked > 0) {
                    self.after("  masked ", "masked");
                }
                self.after("  ", "classes");
            }
            "noticed" => {
                self.value("what");
                self.after(": ", "detail");
            }
            "closed" => {
                self.say("closed");
                self.after(": ", "why");
                self.after("  permitted ", "permitted");
                self.after("  refused ", "refused");
            }
            "alert" => {
                self.say("ALERT");
                self.after(" ", "what");
                self.after(" ", "state");
                self.after(": ", "detail");
            }
            "recorded" => {
                self.say("recorded");
                self.after(", ", "how");
                self.after(": ", "file");
                self.after("  bytes ", "bytes");
            }
            "recording_deleted" => {
                self.say("recording deleted");
                self.after(", ", "why");
                self.after(": ", "file");
            }
            kind @ ("hold_placed" | "hold_released") => {
                self.say(if kind == "hold_placed" { "hold placed: " } else { "hold released: " });
                self.value("name");
                self.after(" by ", "by");
                self.after(" for ", "reason");
                for key in ["sessions", "principals", "targets", "runs"] {
                    self.after(&format!("  {key} "), key);
                }
                self.after("  all ", "all");
            }
            "started" => {
                self.say("Weir started");
                self.after(", version ", "version");
                self.after(", policies ", "policies");
            }
            "policies_changed" => {
                self.say("policies changed");
                self.after(": ", "policies");
            }
            "policies_refused" => {
                self.say("changed policies refused, the old ones stay");
                self.after(": ", "why");
            }
            "stopped" => self.say("Weir stopped"),
            // From another version, perhaps: all that it says.
            kind => {
                let kind = shortened(kind, WORD_CHARS_MAX);
                self.say(&kind);
                for (key, value) in self.record.event.iter().filter(|(key, _)| *key != "event").take(LIST_MAX) {
                    let pair = format!("  {}={}", shortened(key, WORD_CHARS_MAX), words(value));
                    self.say(&pair);
                }
            }
        }
    }

    fn say(&mut self, text: &str) {
        self.line.push_str(text);
    }

    fn value(&mut self, key: &str) {
        if let Some(value) = self.record.event.get(key) {
            self.line.push_str(&words(value));
        }
    }

    /// What the record holds under a key, after some words; nothing if it holds nothing.
    fn after(&mut self, before: &str, key: &str) {
        let is_empty = match self.record.event.get(key) {
            None | Some(Value::Null) => true,
            Some(Value::Array(list)) => list.is_empty(),
            Some(_) => false,
        };
        if !is_empty {
            self.say(before);
            self.value(key);
        }
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => shortened(text, WORD_CHARS_MAX),
        Value::Array(list) => {
            let mut shown = list.iter().take(LIST_MAX).map(words).collect::<Vec<_>>();
            if list.len() > LIST_MAX {
                shown.push("…".to_owned());
            }
            format!("[{}]", shown.join(", "))
        }
        // `{"failed":"42601"}`
        Value::Object(map) => {
            let pairs = map.iter().take(LIST_MAX);
            pairs
                .map(|(key, value)| format!("{} {}", shortened(key, WORD_CHARS_MAX), words(value)))
                .collect::<Vec<_>>()
                .join(", ")
        }
        other => shortened(&other.to_string(), WORD_CHARS_MAX),
    }
}

#[cfg(test)]
mod tests;
