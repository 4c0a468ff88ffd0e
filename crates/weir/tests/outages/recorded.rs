//! What a session's caller was shown is kept, can be told again, and says no more than it may.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use testkit::weir::Weir;

use crate::house::{CLIENTS, PASSWORD, SERVER, assert_sound, builder, database, noted, psql, records, run};
use crate::wire::Session;

const SCHEMA: &str = "
CREATE TABLE people (id int PRIMARY KEY, name text, ssn text, born date, salary numeric);
INSERT INTO people VALUES (1, 'Ada', '536-90-4399', '1980-01-02', 81726354), (2, 'Bob', '512-44-9821', '1990-03-04', 6000);
CREATE TABLE secrets (id int)";
const CLASSES: [(&str, &str); 3] = [
    ("public.people.ssn", "pii.national_id"),
    ("public.people.born", "pii.birth_date"),
    ("public.people.salary", "fin.amount"),
];
/// Alice sees parts of dates alone; the privacy office sees all.
const POLICIES: &str = r#"
@id("use") permit (principal, action in [Action::"connect", Action::"session", Action::"read", Action::"write", Action::"copy_out", Action::"probe"], resource);
@id("year") permit (principal, action == Action::"see_partial", resource in Class::"pii.birth_date");
@id("office") permit (principal in Group::"privacy", action == Action::"see", resource);
@id("closed") @message("Nobody reads secrets.") forbid (principal, action in Action::"read", resource is Table) when { resource.name == "public.secrets" };
"#;

fn weir(name: &str, recording: &str) -> Weir {
    database(name, SCHEMA);
    builder()
        .policies(POLICIES)
        .group("privacy")
        .target_with(
            name,
            name,
            ("holder", PASSWORD),
            &format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\n{recording}", SERVER.port()),
            &CLASSES,
        )
        .start()
}

/// The one recorded session of this user, complete or as it is.
fn session_of(weir: &Weir, user: &str) -> String {
    let log = weir.log();
    let principal = format!("local:{user}");
    let found = records(&log, "admitted").into_iter().rfind(|record| record["principal"] == principal.as_str());
    found.expect("a session")["session"].as_str().unwrap().to_owned()
}

fn completed(weir: &Weir, user: &str) -> String {
    let session = session_of(weir, user);
    let is_it = |record: &&Value| record["session"] == session.as_str();
    noted(weir, |log| records(log, "recorded").iter().any(is_it));
    session
}

fn replay(weir: &Weir, session: &str, form: &[&str]) -> String {
    let (code, out, err) = run(weir, &[&["replay", session], form].concat());
    assert_eq!(code, 0, "{out}{err}");
    out
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_session_is_told_again_as_it_was_shown() {
    let mut weir = weir("recorded", "recording = \"full\"");
    let token = weir.token("alice", &[]);
    let input = "SELECT id, name, ssn, born FROM people ORDER BY id;\nSELECT * FROM secrets;\nSELECT nonsense;\n\
                 COPY (SELECT name, ssn FROM people ORDER BY id) TO STDOUT;\n";
    let outcome = psql(&weir, "alice", &token, "recorded", input);
    assert!(outcome.stdout.contains("1|Ada|[redacted]|1980-01-01"), "{}", outcome.stdout);
    let session = completed(&weir, "alice");

    let text = replay(&weir, &session, &["--text"]);
    for said in [
        "local:alice came to recorded",
        "SELECT id, name, ssn, born FROM people ORDER BY id",
        "(ssn is pii.national_id: nothing)",
        "(born is pii.birth_date: partial)",
        "1  | Ada",
        "SELECT 2\n    #1: 2 rows, 4 cells masked",
        "REFUSED [closed]: select Table::\"recorded/public.secrets\"",
        "ERROR 42501: Nobody reads secrets.",
        "ERROR 42703",
        "Ada\\t[redacted]",
        "COPY 2",
        "closed: caller said goodbye",
    ] {
        assert!(text.contains(said), "{said:?} is missing:\n{text}");
    }
    assert!(!text.contains("536-90-4399"));
    // All rows that psql printed, and in their order.
    let sql = replay(&weir, &session, &["--sql"]);
    assert!(sql.contains("SELECT id, name, ssn, born FROM people ORDER BY id;\nSELECT nonsense;\n"), "{sql}");
    assert!(!sql.contains("secrets"), "what was refused did not run:\n{sql}");
    let json = replay(&weir, &session, &["--json"]);
    let events: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows = events.iter().filter(|event| event["event"] == "row");
    let rows: Vec<String> = rows.map(|row| row["cells"].to_string()).collect();
    assert_eq!(rows, [r#"["1","Ada","[redacted]","1980-01-01"]"#, r#"["2","Bob","[redacted]","1990-01-01"]"#]);
    let op = events.iter().find(|event| event["event"] == "row").unwrap()["op"].to_string();
    let csv = replay(&weir, &session, &["--csv", &op]);
    assert_eq!(csv, "id,name,ssn,born\n1,Ada,[redacted],1980-01-01\n2,Bob,[redacted],1990-01-01\n");
    let (code, _, err) = run(&weir, &["replay", &session, "--csv", "99"]);
    assert!(code == 1 && err.contains("operation 99 has shown no rows"), "{err}");
    let from = replay(&weir, &session, &["--text", "--search", "nonsense"]);
    assert!(!from.contains("Ada |") && from.contains("ERROR 42703"), "{from}");
    let (code, out, err) = run(&weir, &["replay", &session, "--text", "--seek", "1h"]);
    assert!(code == 1 && out.is_empty() && err.contains("ends before that"), "{out}{err}");
    let (code, _, err) = run(&weir, &["replay", "0000"]);
    assert!(code == 1 && err.contains("no recording"), "{err}");
    // Which statements were made of a column, and how it was shown.
    for (column, found) in [("people.ssn:nothing", 2), ("ssn", 2), ("born:partial", 1), ("ssn:clear", 0), ("name", 0)] {
        let (code, out, err) = run(&weir, &["search", "--column", column, "--json"]);
        assert_eq!((code, out.lines().count()), (0, found), "{column}: {out}{err}");
    }
    // The log knows it: one that is changed, taken away or put under another name is found.
    let (code, out, err) = run(&weir, &["audit", "verify", "--recordings"]);
    assert!(code == 0 && out.contains("1 recording held against the log, 0 of them"), "{out}{err}");
    let all = files(&weir.state().join("recordings"));
    let file = all.into_iter().find(|file| file.extension().is_some_and(|extension| extension == "rec")).unwrap();
    let bytes = fs::read(&file).unwrap();
    let mut changed = bytes.clone();
    let at = bytes.len() - 30;
    changed[at] ^= 1;
    fs::write(&file, changed).unwrap();
    let (code, out, _) = run(&weir, &["audit", "verify", "--recordings"]);
    assert!(code == 1 && out.contains("it was changed"), "{out}");
    let (code, _, err) = run(&weir, &["replay", &session, "--text"]);
    assert!(code == 1 && err.contains("not as it was written"), "{err}");
    fs::write(&file, &bytes).unwrap();
    let other = file.with_file_name("00000000-0000-7000-8000-000000000000.rec");
    fs::rename(&file, &other).unwrap();
    let (code, out, _) = run(&weir, &["audit", "verify", "--recordings"]);
    assert!(code == 1 && out.contains("it is missing"), "{out}");
    let (code, _, err) = run(&weir, &["replay", "00000000", "--text"]);
    assert!(code == 1 && err.contains("under another's name"), "{err}");
    fs::rename(&other, &file).unwrap();
    // Sealed: no text of it is in the files.
    for file in files(&weir.state().join("recordings")) {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(8).any(|part| part == b"redacted" || part == b"nonsense"), "{}", file.display());
    }
    weir.verify();
    assert_sound(&mut weir);
}

#[test]
fn who_sees_all_is_recorded_by_tokens_and_found_by_a_value() {
    let mut weir = weir("recorded_clear", "recording = \"full\"");
    let office = weir.token("olga", &["privacy"]);
    let outcome = psql(
        &weir,
        "olga",
        &office,
        "recorded_clear",
        "SELECT * FROM people ORDER BY id;\nSELECT 'mail ada@example.com' AS note;\nSELECT upper(ssn) FROM people;\n\
         COPY people TO STDOUT;\n\\bind 1 \\g\n",
    );
    assert!(outcome.stdout.contains("1|Ada|536-90-4399|1980-01-02|81726354"), "{}", outcome.stdout);
    let alice = weir.token("alice", &[]);
    psql(&weir, "alice", &alice, "recorded_clear", "SELECT * FROM people;\n");
    completed(&weir, "alice");
    let session = completed(&weir, "olga");
    let text = replay(&weir, &session, &["--text"]);
    for hidden in ["536-90-4399", "512-44-9821", "1980-01-02", "81726354", "ada@example.com"] {
        assert!(!text.contains(hidden), "{hidden} is kept:\n{text}");
    }
    assert!(text.contains("pii.national_id: clear, kept as token") && text.contains("mail tok_"), "{text}");

    // Whose value it was: her session, and not the one that was shown nothing of it.
    for value in ["536-90-4399", "81726354"] {
        let (code, out, err) = run(&weir, &["sessions", "--value", value, "--json"]);
        assert_eq!(code, 0, "{err}");
        let found: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let sessions: Vec<&str> = found.iter().map(|found| found["session"].as_str().unwrap()).collect();
        assert_eq!(sessions, [session.as_str()], "{value}: {out}");
    }
    let (_, out, _) = run(&weir, &["search", "--value", "ada@example.com", "--json"]);
    assert!(out.lines().count() == 1 && out.contains("note"), "{out}");
    let (code, out, _) = run(&weir, &["search", "--value", "999-99-9999", "--json"]);
    assert!(code == 0 && out.is_empty(), "{out}");
    assert_sound(&mut weir);
}

#[test]
fn drivers_with_values_in_binary_are_told_again_as_text() {
    let weir = weir("recorded_binary", "recording = \"full\"");
    let token = weir.token("alice", &[]);
    let script = "
import sys, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    cursor = connection.cursor(binary=True)
    for id in (1, 2):
        cursor.execute('SELECT id, name, born, salary, now() > %s AS later FROM people WHERE id = %s', ('2000-01-01', id), prepare=True)
        print(cursor.fetchone())
";
    let outcome = CLIENTS
        .python()
        .args(["-c", script])
        .arg(weir.conninfo("alice", "recorded_binary"))
        .env("PGPASSWORD", &token)
        .finish()
        .unwrap();
    assert!(outcome.success(), "{outcome:?}");
    let session = completed(&weir, "alice");
    let json = replay(&weir, &session, &["--json"]);
    let rows =
        json.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(|event| event["event"] == "row");
    let rows: Vec<String> = rows.map(|row| row["cells"].to_string()).collect();
    assert!(rows.contains(&r#"["1","Ada","1980-01-01",null,"t"]"#.to_owned()), "{rows:?}");
    assert!(rows.contains(&r#"["2","Bob","1990-01-01",null,"t"]"#.to_owned()), "{rows:?}");
}

#[test]
fn a_recording_follows_its_session_and_survives_a_kill() {
    let mut weir = weir("recorded_killed", "recording = \"full\"");
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "recorded_killed", &token);
    session.rows("SELECT name FROM people ORDER BY id");
    let id = session_of(&weir, "alice");
    let shown = || run(&weir, &["replay", &id, "--text"]).1.contains("Bob");
    testkit::wait_until(Duration::from_secs(3), "what was shown is in the recording", shown).unwrap();
    weir.kill9();
    let (code, out, err) = run(&weir, &["replay", &id, "--text"]);
    assert!(code == 0 && out.contains("Bob") && err.contains("without an end"), "{code} {out}{err}");
    weir.start();
    let log = noted(&weir, |log| !records(log, "recorded").is_empty());
    let recorded = records(&log, "recorded")[0];
    assert_eq!((&recorded["how"], &recorded["session"]), (&Value::from("killed"), &Value::from(id.as_str())));
    assert!(run(&weir, &["replay", &id, "--text"]).1.contains("Bob"));
    weir.verify();
}

#[test]
fn metadata_keeps_no_row_and_a_policy_can_demand_more() {
    let weir = weir("recorded_less", "recording = \"metadata\"");
    let token = weir.token("alice", &[]);
    psql(&weir, "alice", &token, "recorded_less", "SELECT name FROM people;\n");
    let session = completed(&weir, "alice");
    let text = replay(&weir, &session, &["--text"]);
    assert!(text.contains("SELECT name FROM people") && text.contains("2 rows") && !text.contains("Bob"), "{text}");
    let (code, out, err) = run(&weir, &["replay", &session, "--csv", "1"]);
    assert!(code == 1 && out.is_empty() && err.contains("has no rows"), "{out}{err}");
    weir.replace_policies(&format!(
        "{POLICIES} @id(\"seen\") @message(\"Only while it is recorded.\") \
         forbid (principal, action in Action::\"read\", resource) unless {{ context.recording == \"full\" }};"
    ));
    let refused =
        || psql(&weir, "alice", &token, "recorded_less", "SELECT name FROM people;\n").stderr.contains("Only while");
    testkit::wait_until(Duration::from_secs(5), "the policy is in force", refused).unwrap();
}
