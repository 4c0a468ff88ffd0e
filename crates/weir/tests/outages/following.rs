//! The record as people meet it: `weir log` with its filters, followed as it grows, and checked after someone changed it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::weir::Weir;

use crate::house::{ALL, assert_sound, before, database, noted, records, run, verify_without_warnings};
use crate::wire::Session;

const POLICIES: &str = r#"@id("kept") forbid (principal, action == Action::"truncate", resource);"#;

fn json_lines(weir: &Weir, args: &[&str]) -> Vec<Value> {
    let (code, out, err) = run(weir, &[&["log", "--json"], args].concat());
    assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_log_is_filtered_and_followed() {
    database("followed", "CREATE TABLE t (id int)");
    let mut weir =
        before("followed").lines("[alerts]\nfirst_use = \"off\"").policies(&format!("{ALL}\n{POLICIES}")).start();
    let log_in = |user: &str| Session::log_in(&weir, user, "followed", &weir.token(user, &[]));
    let (mut alice, mut bob) = (log_in("alice"), log_in("bob"));
    alice.rows("INSERT INTO t VALUES (1)");
    alice.error("TRUNCATE t").says("ERROR", "42501", "");
    bob.rows("SELECT 'bob'");
    Session::refused(&weir, "carol", "followed", "wrong");
    drop(bob);
    noted(&weir, |log| records(log, "closed").len() == 1);

    let all = json_lines(&weir, &[]);
    let of = |principal: &str| {
        let admitted = all.iter().find(|record| record["event"] == "admitted" && record["principal"] == principal);
        admitted.unwrap()["session"].as_str().unwrap().to_owned()
    };
    let alice_session = of("local:alice");
    let is = |key: &'static str, value: &str| {
        let value = value.to_owned();
        move |record: &&Value| record[key] == value.as_str()
    };
    let count = |filter: &dyn Fn(&&Value) -> bool| all.iter().filter(filter).count();
    let events = json_lines(&weir, &["--event", "decided"]);
    assert!(events.len() == count(&is("event", "decided")) && events.iter().all(|record| record["event"] == "decided"));
    let denied = json_lines(&weir, &["--ruling", "deny"]);
    let told: Vec<_> = denied.iter().map(|record| record["event"].as_str().unwrap()).collect();
    assert_eq!(told, ["decided", "rejected"]);
    assert_eq!((&denied[0]["rules"], &denied[0]["text"]), (&serde_json::json!(["kept"]), &"TRUNCATE t".into()));
    let permitted = json_lines(&weir, &["--ruling", "permit", "--event", "decided"]);
    assert!(!permitted.is_empty() && permitted.iter().all(|record| record["ruling"] == "permit"));
    for session in [alice_session.as_str(), &alice_session[alice_session.len() - 8..]] {
        let found = json_lines(&weir, &["--session", session]);
        assert_eq!(found.len(), count(&is("session", &alice_session)), "{session}");
    }
    let by_name = json_lines(&weir, &["--principal", "local:alice"]);
    assert!(
        by_name.len() > 2 && by_name.iter().all(|record| record["session"] == alice_session.as_str()),
        "{by_name:?}"
    );
    assert_eq!(json_lines(&weir, &["--principal", "local:nobody"]).len(), 0);
    let last = json_lines(&weir, &["--last", "2"]);
    assert_eq!(last, all[all.len() - 2..]);
    let micros = last[0]["at"].as_u64().unwrap();
    let since = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let (_, stamp, _) = run_date(&since);
    let newer = json_lines(&weir, &["--since", &stamp]);
    assert!(newer.iter().all(|record| record["at"].as_u64() >= Some(micros)) && newer.len() >= 2, "{newer:?}");
    let (code, _, err) = run(&weir, &["log", "--ruling", "maybe"]);
    assert!(code == 2 && err.contains("permit"), "{err}");
    let (code, text, _) = run(&weir, &["log"]);
    assert!(code == 0 && text.lines().count() == all.len(), "{text}");
    let line = text.lines().find(|line| line.contains("TRUNCATE t")).unwrap();
    assert!(
        line.contains("DENY") && line.contains("kept") && line.contains(&alice_session[alice_session.len() - 8..]),
        "{line}"
    );

    // Followed: what happens is seen within a second, with the same filters.
    let follow = |args: &[&str]| {
        let mut child = weir.command(&[&["log", "--follow"], args].concat()).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, told) = mpsc::channel();
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        (child, told)
    };
    let (mut everything, all_lines) = follow(&["--last", "1"]);
    let (mut denials, denied_lines) = follow(&["--json", "--ruling", "deny", "--last", "0"]);
    all_lines.recv_timeout(Duration::from_secs(10)).unwrap();
    thread::sleep(Duration::from_millis(500));
    for id in [10, 11, 12] {
        let begun = Instant::now();
        alice.rows(&format!("INSERT INTO t VALUES ({id})"));
        let wanted = format!("INSERT INTO t VALUES ({id})");
        while !all_lines.recv_timeout(Duration::from_secs(1)).expect("a line within a second").contains(&wanted) {}
        println!("followed: seen {:?} after it was asked", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
    alice.error("TRUNCATE t;");
    let line = denied_lines.recv_timeout(Duration::from_secs(1)).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["text"], "TRUNCATE t;");
    assert!(denied_lines.try_recv().is_err(), "nothing but what was asked for is followed");
    for child in [&mut everything, &mut denials] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_sound(&mut weir);
}

/// Seconds since the epoch as the time that `--since` takes.
fn run_date(seconds: &str) -> (i32, String, String) {
    let output = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%S.%6NZ"])
        .output();
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A statement cannot write into the log of somebody who reads it.
#[test]
fn texts_cannot_act_on_a_terminal() {
    database("terminal", "CREATE TABLE t (id int)");
    let weir = before("terminal").start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "terminal", &token);
    session.rows("SELECT 'x' /* \u{1b}[2J\u{1b}]0;owned\u{7} \u{202e}\u{200b}\r\n2026-01-01 local:root permit */");
    Session::refused(&weir, "\u{1b}[31mmallory\u{202e}", "terminal", &token);
    Session::refused(&weir, "alice", "no\u{1b}[2Jsuch", &token);
    for args in [&["log"][..], &["log", "--json"]] {
        let (_, out, _) = run(&weir, args);
        let bad = out.chars().find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202e}' | '\u{200b}'));
        assert_eq!(bad, None, "{args:?}");
        assert!(!out.lines().any(|line| line.starts_with("2026-01-01 local:root")), "{out}");
    }
    let said = weir.stderr();
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
}

/// A record's place in its segment.
struct Placed {
    offset: usize,
    length: usize,
    seq: u64,
}

/// The records of a segment, by the format that is written down: eight bytes, then length, hash and payload each.
fn placed(bytes: &[u8]) -> Vec<Placed> {
    let (mut offset, mut found) = (8, Vec::new());
    while let Some(head) = bytes.get(offset..offset + 36) {
        let length = 36 + u32::from_le_bytes(head[..4].try_into().unwrap()) as usize;
        let payload: Value = serde_json::from_slice(&bytes[offset + 36..offset + length]).unwrap();
        found.push(Placed { offset, length, seq: payload["seq"].as_u64().unwrap() });
        offset += length;
    }
    found
}

fn copy(from: &Path, to: &Path) -> Vec<PathBuf> {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    let mut segments: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        segments.extend(entry.path().extension().is_some_and(|end| end == "log").then(|| to.join(entry.file_name())));
    }
    segments.sort();
    segments
}

#[test]
fn one_changed_byte_is_found_where_it_is() {
    database("tampered", "CREATE TABLE t (id int)");
    let mut weir = before("tampered").setting("workers = 1").start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "tampered", &token);
    (0..20).for_each(|id| drop(session.rows(&format!("INSERT INTO t VALUES ({id})"))));
    drop(session);
    assert_eq!(weir.stop().and_then(|status| status.code()), Some(0));
    verify_without_warnings(&weir);
    let (log, changed) = (weir.state().join("log"), weir.folder().join("changed"));
    let verify = || run(&weir, &["audit", "verify", "--folder", changed.to_str().unwrap()]);

    let segment = copy(&log, &changed).into_iter().max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap();
    let whole = fs::read(&segment).unwrap();
    let records = placed(&whole);
    assert!(records.len() > 30, "{} records", records.len());
    let mut flips = 0;
    for record in records.iter().step_by(5).chain(records.last()) {
        // In the hash, in the payload's first and last byte, and in its middle.
        for at in [4, 36, 36 + (record.length - 36) / 2, record.length - 1] {
            let mut bytes = whole.clone();
            bytes[record.offset + at] ^= 0x01;
            fs::write(&segment, &bytes).unwrap();
            let (code, out, err) = verify();
            // A header stands for its whole segment.
            let offset = if record.seq == 1 { 0 } else { record.offset };
            let place = format!("{name}, byte {offset}, record {}:", record.seq);
            assert_eq!(code, 1, "byte {at} of record {}: {out}", record.seq);
            assert!(out.contains(&place), "\"{place}\" in\n{out}");
            assert!(out.contains("NOT as it was written") && err.contains("the log was changed"), "{out}{err}");
            flips += 1;
        }
    }
    // In the length, in the first bytes of all, at the end cut off, removed and put in.
    let one = &records[10];
    let next = one.offset + one.length;
    let mut versions = vec![
        ("a length", [&whole[..one.offset], &[whole[one.offset] ^ 1], &whole[one.offset + 1..]].concat()),
        ("the first byte", [b"w", &whole[1..]].concat()),
        ("a record taken out", [&whole[..one.offset], &whole[next..]].concat()),
        ("a record put in twice", [&whole[..next], &whole[one.offset..next], &whole[next..]].concat()),
        ("cut between records and something else", [&whole[..next], &[7; 40]].concat()),
    ];
    let other = &records[11];
    versions.push((
        "two records changed over",
        [
            &whole[..one.offset],
            &whole[other.offset..other.offset + other.length],
            &whole[one.offset..next],
            &whole[other.offset + other.length..],
        ]
        .concat(),
    ));
    for (what, bytes) in &versions {
        fs::write(&segment, bytes).unwrap();
        let (code, out, _) = verify();
        assert!(code == 1 && out.contains(name), "{what}: {out}");
        flips += 1;
    }
    // Whole again, and without a segment.
    fs::write(&segment, &whole).unwrap();
    assert_eq!(verify().0, 0);
    // What can be read is still shown, with a word about what can't.
    let mut bytes = whole.clone();
    bytes[one.offset + 40] ^= 1;
    fs::write(log.join(name), bytes).unwrap();
    let (code, out, err) = run(&weir, &["log", "--json"]);
    assert!(
        code == 0 && err.contains("warning") && err.contains(&format!("{name}, byte {}:", one.offset)),
        "{out}{err}"
    );
    let (code, out, _) = run(&weir, &["audit", "verify"]);
    assert!(code == 1 && out.contains(&format!("byte {}, record {}", one.offset, one.seq)), "{out}");
    println!("{flips} changed logs, all of them found");
}
