//! Recordings that were kept long enough are deleted, what is held is not, and the log can tell it from what somebody took away.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use testkit::prometheus::Scraped;
use testkit::wait_until;
use testkit::weir::{Builder, Weir};

use crate::house::{PASSWORD, SERVER, assert_sound, builder, database, noted, psql, records, run};

const SCHEMA: &str = "CREATE TABLE people (id int, ssn text); INSERT INTO people VALUES (1, '536-90-4399')";
const POLICIES: &str = r#"@id("all") permit (principal, action, resource);"#;
/// Long enough for a sweep.
const SOON: Duration = Duration::from_secs(20);

/// A Weir that records what callers of this database are shown, with these further lines of its target.
fn recorded(name: &str, lines: &str) -> Builder {
    database(name, SCHEMA);
    let address = format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\nrecording = \"full\"\n{lines}", SERVER.port());
    let classes = [("public.people.ssn", "pii.national_id")];
    builder().policies(POLICIES).target_with(name, name, ("holder", PASSWORD), &address, &classes)
}

/// Another retention, which is in force after the next start.
fn retain(weir: &Weir, retention: &str) {
    let file = weir.folder().join("weir.toml");
    let config = fs::read_to_string(&file).unwrap();
    let lines = config.lines().filter(|line| !line.starts_with("retention"));
    let lines = lines.map(|line| match line.starts_with("recording = ") {
        true => format!("{line}\nretention = \"{retention}\"\n"),
        false => format!("{line}\n"),
    });
    fs::write(&file, lines.collect::<String>()).unwrap();
}

/// A session of this user that is over, and its recording, which is complete.
fn session(weir: &Weir, user: &str, target: &str) -> (String, PathBuf) {
    let token = weir.token(user, &[]);
    psql(weir, user, &token, target, "SELECT * FROM people;\n");
    let log = weir.log();
    let principal = format!("local:{user}");
    let of = records(&log, "admitted").into_iter().rfind(|record| record["principal"] == principal.as_str());
    let session = of.expect("a session")["session"].as_str().unwrap().to_owned();
    let is_it = |record: &&Value| record["session"] == session.as_str();
    let log = noted(weir, |log| records(log, "recorded").iter().any(is_it));
    let file = records(&log, "recorded").into_iter().find(is_it).unwrap()["file"].as_str().unwrap().to_owned();
    (session, weir.state().join("recordings").join(file))
}

fn gone(file: &Path) {
    wait_until(SOON, "the recording is deleted", || !file.exists()).unwrap();
}

fn ok(weir: &Weir, args: &[&str]) -> String {
    let (code, out, err) = run(weir, args);
    assert_eq!(code, 0, "{args:?}: {out}{err}");
    out
}

#[test]
fn a_recording_is_deleted_and_the_log_tells_what_it_was() {
    let mut weir = recorded("retained", "").listen("api = \"127.0.0.1:0\"").start();
    let (id, file) = session(&weir, "alice", "retained");
    assert!(ok(&weir, &["sessions", "--value", "536-90-4399"]).contains("alice"));
    assert!(ok(&weir, &["replay", &id, "--text"]).contains("people"));
    let bytes = fs::read(&file).unwrap();
    // Without a retention it stays, and a long one does nothing to it.
    assert!(ok(&weir, &["audit", "retention"]).contains("1 recording: 0 due, 0 later, 0 held, 1 kept for ever"));
    weir.stop();
    retain(&weir, "1d");
    weir.start();
    let told = ok(&weir, &["audit", "retention", "--json"]);
    let told: Value = serde_json::from_str(told.trim()).unwrap();
    assert_eq!(
        (&told["state"], &told["session"], &told["principal"]),
        (&"later".into(), &id.as_str().into(), &"local:alice".into())
    );
    assert_eq!(fs::read(&file).unwrap(), bytes);
    // A shorter one is for what is there already.
    weir.stop();
    retain(&weir, "1s");
    let due = || ok(&weir, &["audit", "retention"]).contains("1 recording: 1 due");
    wait_until(SOON, "it is due", due).unwrap();
    weir.start();
    gone(&file);
    wait_until(SOON, "its day goes too", || !file.parent().unwrap().exists()).unwrap();

    let log = noted(&weir, |log| !records(log, "recording_deleted").is_empty());
    let (deleted, recorded) = (records(&log, "recording_deleted")[0], records(&log, "recorded")[0]);
    for key in ["session", "file", "bytes", "digest"] {
        assert_eq!(deleted[key], recorded[key], "{key}");
    }
    assert_eq!((&deleted["target"], &deleted["principal"]), (&"retained".into(), &"local:alice".into()));
    assert_eq!(deleted["why"], "retention of 1s");
    // All that is proved of it still is.
    let out = ok(&weir, &["audit", "verify", "--recordings"]);
    assert!(
        out.contains("1 recording deleted, as the log says\n0 recordings held against the log, 0 of them"),
        "{out}"
    );
    let place = format!("{}:{}", recorded.get("lane").unwrap_or(&Value::from(0)), recorded["seq"]);
    let mut proof = String::new();
    wait_until(SOON, "a checkpoint covers the record", || {
        let (code, out, _) = run(&weir, &["audit", "prove", &place]);
        proof = out;
        code == 0
    })
    .unwrap();
    let proof_file = weir.folder().join("proof");
    fs::write(&proof_file, proof).unwrap();
    let key = weir.state().join("log.pub");
    let checked = ok(&weir, &["audit", "check", proof_file.to_str().unwrap(), "--key", key.to_str().unwrap()]);
    assert!(checked.contains("proved:") && checked.contains(deleted["digest"].as_str().unwrap()), "{checked}");

    let end = &id[id.len() - 8..];
    for named in [id.as_str(), &id[..13], end] {
        let (code, _, err) = run(&weir, &["replay", named]);
        assert!(code == 1 && err.contains(&format!("the recording of session {id} was deleted at ")), "{err}");
        assert!(err.contains("retention of 1s") && err.contains(&format!("weir search --session {end}")), "{err}");
    }
    assert!(ok(&weir, &["sessions"]).contains("recording deleted"));
    let (code, out, err) = run(&weir, &["sessions", "--value", "536-90-4399"]);
    assert!(code == 1 && out.is_empty() && err.contains("what a deleted recording showed is forgotten"), "{out}{err}");
    ok(&weir, &["audit", "reindex"]);
    assert!(ok(&weir, &["search", "--session", end]).contains("SELECT * FROM people"));
    assert!(ok(&weir, &["log"]).contains("recording deleted, retention of 1s: "));
    let scraped = testkit::http::get(weir.api(), "/metrics").unwrap();
    let scraped = Scraped::read(&scraped.body).unwrap();
    assert_eq!(scraped.value("weir_recordings_deleted_total", None), Some(1.0));
    assert_eq!(scraped.value("weir_retention_failed_total", None), Some(0.0));
    // It was put back, as the log has it: it goes again. Taken away by hand it is missing, unless the log says that it was deleted.
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, &bytes).unwrap();
    gone(&file);
    weir.verify();
    assert_sound(&mut weir);
}

#[test]
fn what_is_held_stays_until_it_is_released() {
    let mut weir = recorded("retained_held", "").start();
    let (kept, kept_file) = session(&weir, "alice", "retained_held");
    let (_, file) = session(&weir, "bob", "retained_held");
    weir.stop();
    // Nobody serves: it is in force all the same, and in the log with the next start.
    let (code, _, err) = run(&weir, &["hold", "place", "nothing", "--reason", "none"]);
    assert!(code == 2 && err.contains("names nothing") && err.contains("--all"), "{err}");
    let (code, _, err) = run(&weir, &["hold", "place", "typo", "--target", "retained_hold", "--reason", "none"]);
    assert!(code == 2 && err.contains("did you mean \"retained_held\"?"), "{err}");
    let place =
        ["hold", "place", "case-17", "--principal", "alice", "--from", "2026-01-01T00:00:00Z", "--reason", "by legal"];
    let said = ok(&weir, &place);
    assert!(said.contains("it keeps 1 of the 2 recordings that are there now"), "{said}");
    // Blanks and upper case are nobody's, and one that keeps nothing is seldom what was meant.
    let upper = format!(" {} ", kept.to_uppercase());
    let said = ok(&weir, &["hold", "place", " upper ", "--session", &upper, "--reason", "x"]);
    assert!(said.contains("placed upper:") && said.contains("it keeps 1 of the 2 recordings"), "{said}");
    ok(&weir, &["hold", "release", " upper", "--reason", "x"]);
    let said = ok(&weir, &["hold", "place", "typo", "--principal", "alise", "--reason", "x"]);
    assert!(said.contains("warning: it keeps none of the 2 recordings that are there now"), "{said}");
    ok(&weir, &["hold", "release", "typo", "--reason", "x"]);
    let (code, _, err) = run(&weir, &place);
    assert!(code == 1 && err.contains("in force already"), "{err}");
    retain(&weir, "1s");
    weir.start();
    gone(&file);
    assert!(kept_file.exists());
    let log = noted(&weir, |log| !records(log, "recording_deleted").is_empty());
    let placed = records(&log, "hold_placed")[0];
    assert_eq!(records(&log, "hold_placed").len(), 3);
    assert_eq!(
        (&placed["name"], &placed["principals"], &placed["reason"]),
        (&"case-17".into(), &serde_json::json!(["alice"]), &"by legal".into())
    );
    assert!(!placed["by"].as_str().unwrap().is_empty());
    assert_eq!(records(&log, "recording_deleted")[0]["principal"], "local:bob");
    let told = ok(&weir, &["audit", "retention"]);
    assert!(told.contains("by case-17") && told.contains("1 recording: 0 due, 0 later, 1 held"), "{told}");
    assert!(ok(&weir, &["replay", &kept, "--text"]).contains("people"));
    let listed = ok(&weir, &["hold", "list"]);
    assert!(listed.contains("case-17  in force") && listed.contains("principal alice, from 2026-01-01T"), "{listed}");
    // A second one that comes while Weir serves, which the log is told of too.
    ok(&weir, &["hold", "place", "all", "--all", "--reason", "audit"]);
    noted(&weir, |log| records(log, "hold_placed").len() == 4);
    ok(&weir, &["hold", "release", "case-17", "--reason", "closed"]);
    let log = noted(&weir, |log| records(log, "hold_released").len() == 3);
    assert!(kept_file.exists() && records(&log, "recording_deleted").len() == 1, "the second one keeps it");
    ok(&weir, &["hold", "release", "all", "--reason", "audited"]);
    gone(&kept_file);
    let listed = ok(&weir, &["hold", "list", "--json"]);
    let states: Vec<Value> =
        listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["state"].clone()).collect();
    assert_eq!(states, ["released"; 4]);
    let (code, _, err) = run(&weir, &["hold", "release", "all", "--reason", "again"]);
    assert!(code == 1 && err.contains("no hold in force is named all"), "{err}");
    let out = ok(&weir, &["audit", "verify", "--recordings"]);
    assert!(out.contains("2 recordings deleted, as the log says"), "{out}");
    assert_sound(&mut weir);
}

#[test]
fn what_somebody_changed_or_took_away_is_told_from_what_was_deleted() {
    let mut weir = recorded("retained_touched", "").listen("api = \"127.0.0.1:0\"").start();
    let (changed, changed_file) = session(&weir, "alice", "retained_touched");
    let (_, taken) = session(&weir, "bob", "retained_touched");
    let (_, file) = session(&weir, "carol", "retained_touched");
    let (_, lost) = session(&weir, "dave", "retained_touched");
    weir.stop();
    let mut bytes = fs::read(&changed_file).unwrap();
    let at = bytes.len() - 30;
    bytes[at] ^= 1;
    fs::write(&changed_file, &bytes).unwrap();
    fs::remove_file(&taken).unwrap();
    // Cut off at a whole chunk, which only the log can tell; nothing of it is damaged.
    fs::write(&lost, fs::read(&file).unwrap()).unwrap();
    retain(&weir, "1s");
    weir.start();
    gone(&file);
    let said = |weir: &Weir| weir.stderr().matches("a recording is never deleted").count();
    wait_until(SOON, "it says what it leaves", || said(&weir) == 2).unwrap();
    assert_eq!(fs::read(&changed_file).unwrap(), bytes);
    assert!(lost.exists());
    let undeletable = || {
        let scraped = testkit::http::get(weir.api(), "/metrics").unwrap();
        Scraped::read(&scraped.body).unwrap().value("weir_recordings_undeletable", None)
    };
    wait_until(SOON, "it counts what it leaves", || undeletable() == Some(2.0)).unwrap();
    let (code, out, _) = run(&weir, &["audit", "verify", "--recordings"]);
    assert!(code == 1 && out.contains("1 recording deleted, as the log says"), "{out}");
    for (file, wrong) in [(&changed_file, "it was changed"), (&taken, "it is missing"), (&lost, "")] {
        let name = file.file_name().unwrap().to_string_lossy();
        assert!(
            out.lines()
                .any(|line| line.starts_with("fault: recording") && line.contains(&*name) && line.contains(wrong)),
            "{out}"
        );
    }
    assert!(out.contains("3 recordings held against the log, 3 of them not as it says"), "{out}");
    let told = ok(&weir, &["audit", "retention"]);
    assert!(told.contains("2 never deleted because nobody can tell"), "{told}");
    assert!(told.contains(&changed[changed.len() - 8..]), "{told}");
    // A file of holds that can't be read stops all of it, loudly; and one that is gone, which the log knows of.
    let (_, last) = session(&weir, "erin", "retained_touched");
    gone(&last);
    ok(&weir, &["hold", "place", "case", "--principal", "nobody", "--reason", "x"]);
    noted(&weir, |log| records(log, "hold_placed").len() == 1);
    weir.stop();
    fs::write(weir.state().join("holds.json"), "{").unwrap();
    weir.start();
    let (_, kept) = session(&weir, "frank", "retained_touched");
    let stopped = || weir.stderr().contains("no recording is deleted while nobody can tell which are held");
    wait_until(SOON, "it says that it stops", stopped).unwrap();
    fs::remove_file(weir.state().join("holds.json")).unwrap();
    wait_until(SOON, "it misses the hold", || weir.stderr().contains("there was a hold case, which")).unwrap();
    assert!(kept.exists());
    assert_sound(&mut weir);
}

/// Where the last chunk of a recording begins.
fn last_chunk(bytes: &[u8]) -> usize {
    let length = |at: usize| usize::try_from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap();
    let (mut last, mut next) = (0, 12 + length(8));
    while next < bytes.len() {
        (last, next) = (next, next + 8 + length(next));
    }
    last
}

#[test]
fn what_was_told_first_is_what_was_written() {
    let mut weir = recorded("retained_twice", "").start();
    let (id, file) = session(&weir, "alice", "retained_twice");
    weir.stop();
    let verify = |weir: &Weir| run(weir, &["audit", "verify", "--recordings"]);
    let open = weir.state().join("recordings/open").join(file.file_name().unwrap());
    // It could not be moved to its day: it is there all the same, and whole.
    fs::rename(&file, &open).unwrap();
    let (code, out, err) = verify(&weir);
    assert!(code == 0 && out.contains("1 recording held against the log, 0 of them not as it says"), "{out}{err}");
    // Cut off where it may end, it is one that a killed Weir left, which the next start tells as it is.
    let bytes = fs::read(&open).unwrap();
    fs::write(&open, &bytes[..last_chunk(&bytes)]).unwrap();
    let (code, out, _) = verify(&weir);
    assert!(code == 1 && out.contains("it is missing"), "{out}");
    weir.start();
    let log = noted(&weir, |log| records(log, "recorded").len() == 2);
    assert_eq!(records(&log, "recorded")[1]["how"], "killed");
    assert!(file.exists() && !open.exists());
    let (code, out, _) = verify(&weir);
    assert!(code == 1 && out.contains("the log says two different things of it: it was changed in between"), "{out}");
    // One that nobody recorded.
    let other = file.with_file_name(format!("{}.rec", id.replace(&id[..8], "019aa0f2")));
    fs::write(&other, &bytes).unwrap();
    let (_, out, _) = verify(&weir);
    let warned = out.lines().filter(|line| line.starts_with("warning: recording ")).collect::<Vec<_>>();
    let name = other.file_name().unwrap().to_string_lossy();
    assert!(warned.len() == 1 && warned[0].contains(&*name) && warned[0].contains("does not know it"), "{out}");
    assert_sound(&mut weir);
}
