use serde_json::json;

use super::{Zone, json_line, printable, render};
use crate::format::Hash;
use crate::read::LoggedRecord;
use model::UnixMicros;

fn record(event: serde_json::Value) -> LoggedRecord {
    let serde_json::Value::Object(event) = event else { panic!("not an object") };
    let json = serde_json::to_string(&event).unwrap();
    LoggedRecord {
        lane: 0,
        seq: 1,
        at: UnixMicros(1_795_232_000_123_456),
        session: Some("0198f0a2-77b1-7000-8000-00c0ffee1234".to_owned()),
        event,
        caller: None,
        json,
        hash: Hash::ZERO,
        file: String::new(),
        offset: 0,
    }
}

fn check(event: serde_json::Value, expected: &str) {
    let line = render(&record(event), Zone::Utc);
    assert_eq!(line, format!("2026-11-21T03:33:20.123456Z  ffee1234  {expected}"));
}

#[test]
fn every_kind_has_its_line() {
    check(
        json!({"event": "admitted", "principal": "corp:alice", "kind": "User", "groups": [], "credential": "t1",
            "target": "orders", "place": "shop", "peer": "127.0.0.1:5", "application": "psql", "policies": "x",
            "rules": ["use"]}),
        "corp:alice  admitted to orders/shop from 127.0.0.1:5 as User with t1 by psql  [use]",
    );
    check(
        json!({"event": "rejected", "target": "orders", "peer": "127.0.0.1:5", "why": "no token"}),
        "REJECTED from 127.0.0.1:5 to orders: no token",
    );
    check(
        json!({"event": "decided", "op": 7, "ruling": "deny", "step": "query", "asks": ["drop x"],
            "rules": ["destroy"], "why": "Not here.", "digest": "ab", "text": "DROP TABLE \"x\""}),
        "#7  DENY  query  DROP TABLE \"x\"  [destroy]  Not here.",
    );
    check(
        json!({"event": "ended", "op": 7, "outcome": "done", "rows": 3, "bytes": 120, "masked": 0}),
        "#7  done  rows 3  bytes 120",
    );
    check(
        json!({"event": "ended", "op": 7, "outcome": {"failed": "42601"}, "rows": 0, "bytes": 0, "masked": 2,
            "classes": ["pii.email=token"]}),
        "#7  failed 42601  rows 0  bytes 0  masked 2  [pii.email=token]",
    );
    check(
        json!({"event": "recorded", "file": "2026-11-21/a.rec", "bytes": 9, "digest": "ab", "shown": 40, "how": "closed"}),
        "recorded, closed: 2026-11-21/a.rec  bytes 9",
    );
    check(
        json!({"event": "recording_deleted", "file": "2026-11-21/a.rec", "bytes": 9, "digest": "ab", "target": "orders",
            "principal": "corp:alice", "began": 1, "over": 2, "why": "retention of 90d"}),
        "corp:alice  recording deleted, retention of 90d: 2026-11-21/a.rec",
    );
    check(
        json!({"event": "hold_placed", "name": "case-17", "targets": ["orders"], "reason": "by legal", "by": "root", "placed": 1}),
        "hold placed: case-17 by root for by legal  targets [orders]",
    );
    check(
        json!({"event": "hold_released", "name": "case-17", "all": true, "reason": "closed", "by": "root", "placed": 1}),
        "hold released: case-17 by root for closed  all true",
    );
    check(json!({"event": "noticed", "what": "cancel", "detail": "by hand"}), "cancel: by hand");
    check(
        json!({"event": "closed", "why": "the caller left", "permitted": 4, "refused": 1}),
        "closed: the caller left  permitted 4  refused 1",
    );
    check(
        json!({"event": "started", "version": "0.0.0", "policies": "ab"}),
        "Weir started, version 0.0.0, policies ab",
    );
    check(json!({"event": "policies_changed", "policies": "cd"}), "policies changed: cd");
    check(json!({"event": "policies_refused", "why": "x"}), "changed policies refused, the old ones stay: x");
    check(json!({"event": "stopped"}), "Weir stopped");
    check(json!({"event": "of_tomorrow", "a": [1, {"b": null}], "c": "d"}), "of_tomorrow  a=[1, b null]  c=d");
    check(json!({}), "");
}

#[test]
fn a_hostile_text_stays_a_text() {
    let hostile = "a\u{1b}[2J\u{9b}31m\r\n\t\0\u{7f}\u{85}\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{a0}\u{ad}\u{e0041}\
        \u{3164}\u{115f}\u{1160}\u{ffa0}\u{2800}e\u{301}\u{61c}z";
    let shown = printable(hostile);
    assert!(shown.starts_with("a\\u{1b}[2J\\u{9b}31m\\r\\n\\t\\0\\u{7f}"), "{shown}");
    assert!(shown.is_ascii(), "{shown}");
    assert_eq!(printable("Grüße, 日本 'x' \"y\" \\ €"), "Grüße, 日本 'x' \"y\" \\ €");

    // In every place of every kind, also as a key.
    for kind in
        ["admitted", "rejected", "decided", "ended", "noticed", "closed", "started", "policies_refused", hostile]
    {
        let mut event = serde_json::Map::new();
        for key in
            ["principal", "target", "place", "peer", "why", "step", "text", "ruling", "what", "detail", "outcome"]
        {
            event.insert(key.to_owned(), json!(hostile));
        }
        event.insert("rules".to_owned(), json!([hostile, {hostile: hostile}]));
        event.insert(hostile.to_owned(), json!(hostile));
        event.insert("event".to_owned(), json!(kind));
        let mut record = record(event.into());
        record.session = Some(hostile.to_owned());
        for line in [render(&record, Zone::Utc), json_line(&record)] {
            let bad = line.chars().find(|c| !c.is_ascii_graphic() && *c != ' ' && *c != '…');
            assert_eq!(bad, None, "{kind:?}: {line}");
        }
        let back = serde_json::from_str::<serde_json::Value>(&json_line(&record)).unwrap();
        assert_eq!(back, serde_json::from_str::<serde_json::Value>(&record.json).unwrap(), "escapes change nothing");
    }
}

#[test]
fn long_things_are_cut() {
    let long = "é".repeat(100_000);
    let line = render(
        &record(json!({"event": "decided", "text": long, "why": long, "rules": vec![long.clone(); 99]})),
        Zone::Utc,
    );
    assert!(line.chars().count() < 1200, "{}", line.chars().count());
    assert!(line.contains('…'));
}

#[test]
fn the_local_time_has_its_offset() {
    let line = render(&record(json!({"event": "stopped"})), Zone::Local);
    let time = line.split("  ").next().unwrap();
    let at: jiff::Timestamp = time.parse().unwrap();
    assert_eq!(at.as_microsecond(), 1_795_232_000_123_456);
}
