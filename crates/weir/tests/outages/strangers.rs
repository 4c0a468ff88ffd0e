//! Callers that may not come in, and targets that cannot be reached: each is told exactly what is wrong, each leaves a
//! record, and a session beside them never waits.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::weir::Weir;

use crate::house::{
    ALL, Bystander, PASSWORD, SERVER, assert_sound, before, builder, database, noted, records, run, token_id,
    verify_without_warnings,
};
use crate::wire::Session;

/// Why the last caller was turned away, by the log.
fn last_rejection(weir: &Weir) -> Value {
    let log = weir.log();
    (*records(&log, "rejected").last().expect("a rejection")).clone()
}

#[test]
fn credentials_that_do_not_fit_are_told_apart() {
    database("guarded", "CREATE TABLE t (id int)");
    let policies = format!(
        "{ALL}\n@id(\"no-eve\") @message(\"Eve has left.\") forbid (principal == User::\"local:eve\", action == Action::\"connect\", resource);"
    );
    let mut weir = before("guarded").policies(&policies).start();
    let bystander = Bystander::begin(&weir, "guarded");
    let token = weir.token("alice", &[]);
    let brief = {
        let (code, out, err) = run(&weir, &["token", "issue", "--user", "brief", "--for", "1s"]);
        assert_eq!(code, 0, "{err}");
        out.trim().to_owned()
    };
    let revoked = weir.token("mallory", &[]);
    let (code, _, err) = run(&weir, &["token", "revoke", &token_id(&weir, "mallory")]);
    assert_eq!(code, 0, "{err}");
    thread::sleep(Duration::from_millis(2100));

    let (mut cut, mut other_secret) = (token.clone(), token.clone());
    cut.truncate(token.len() - 3);
    // Well-formed but for its check: one letter of the secret is another.
    let letter = if token.as_bytes()[30] == b'A' { "B" } else { "A" };
    other_secret.replace_range(30..31, letter);
    let of_elsewhere = before("guarded").start().token("alice", &[]);
    let long = "x".repeat(20_000);
    let cases: [(&str, &str, &str, &str, &str, &str); 13] = [
        ("alice", "", "28P01", "not a complete token", "", ""),
        ("alice", "hunter2", "28P01", "not a complete token", "", ""),
        ("alice", &long, "28P01", "not a complete token", "", ""),
        ("alice", "'; DROP TABLE t; --", "28P01", "not a complete token", "", ""),
        ("alice", "ey.ey.ey", "28P01", "not a complete token", "", ""),
        ("alice", &cut, "28P01", "not a complete token", "", ""),
        ("alice", &other_secret, "28P01", "not a complete token", "", ""),
        ("alice", &of_elsewhere, "28P01", "not known here", "", ""),
        ("brief", &brief, "28P01", "expired", "", ""),
        ("mallory", &revoked, "28P01", "revoked", "", ""),
        ("bob", &token, "28000", "not that of user \"bob\"", "local:alice", ""),
        ("ALICE", &token, "28000", "not that of user \"ALICE\"", "local:alice", ""),
        ("eve", &weir.token("eve", &[]), "42501", "Eve has left.", "local:eve", "guarded"),
    ];
    let before_all = records(&weir.log(), "rejected").len();
    for (user, token, code, words, principal, target) in &cases {
        let report = Session::refused(&weir, user, "guarded", token);
        report.says("FATAL", code, words);
        let record = last_rejection(&weir);
        assert_eq!(record["principal"].as_str().unwrap_or_default(), *principal, "{record}");
        assert_eq!(record["target"].as_str().unwrap_or_default(), *target, "{record}");
        assert!(record["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{record}");
        assert!(!record["why"].as_str().unwrap().is_empty(), "{record}");
        assert!(token.len() < 20 || !record.to_string().contains(*token), "a credential is in the log");
        bystander.still_answers();
    }
    let alice = Session::refused(&weir, "bob", "guarded", &token);
    assert!(alice.hint.contains("user=alice"), "{alice:?}");
    for (target, words) in [
        ("nowhere", "there is no target named \"nowhere\""),
        ("guarded/postgres", "has no database \"postgres\" for callers"),
        ("guarded/", "has no database \"\" for callers"),
        ("guarded/guarded/guarded", "has no database"),
        ("", "there is no target named \"\""),
        ("GUARDED", "there is no target named \"GUARDED\""),
    ] {
        Session::refused(&weir, "alice", target, &token).says("FATAL", "3D000", words);
        let record = last_rejection(&weir);
        assert!(record["principal"] == "local:alice" && record["why"].as_str().unwrap().contains(words), "{record}");
    }
    // The issuer's name may be said; the database by its own name is the target's.
    Session::log_in(&weir, "local:alice", "guarded/guarded", &token).rows("SELECT 1");
    assert_eq!(records(&weir.log(), "rejected").len(), before_all + cases.len() + 1 + 6);
    bystander.end();
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}

/// A server that answers whoever comes with these bytes, and then does nothing more.
fn answering(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut first = [0; 8];
            let _ = stream.read(&mut first);
            let _ = stream.write_all(answer);
            open.push(stream);
        }
    });
    port
}

/// Why the session of this target was closed, if one was.
fn ended_as(log: &[Value], target: &str) -> Option<String> {
    let session = &records(log, "admitted").into_iter().find(|record| record["target"] == target)?["session"];
    let closed = records(log, "closed").into_iter().find(|record| record["session"] == *session)?;
    closed["why"].as_str().map(str::to_owned)
}

/// Lets these roles log in with another method than SCRAM.
fn weak_logins() {
    SERVER
        .psql(
            "postgres",
            &format!(
                "SET password_encryption = 'md5'; CREATE ROLE md5_holder LOGIN PASSWORD '{PASSWORD}';
                 SET password_encryption = 'scram-sha-256'; CREATE ROLE clear_holder LOGIN PASSWORD '{PASSWORD}';
                 CREATE ROLE barred LOGIN PASSWORD '{PASSWORD}'"
            ),
        )
        .unwrap();
    let hba = SERVER.folder().join("data/pg_hba.conf");
    let lines = "host all md5_holder 127.0.0.1/32 md5\nhost all clear_holder 127.0.0.1/32 password\n\
                 host all barred 127.0.0.1/32 reject\n";
    fs::write(&hba, lines.to_owned() + &fs::read_to_string(&hba).unwrap()).unwrap();
    let loaded = SERVER.psql("postgres", "SELECT pg_reload_conf()").unwrap();
    assert_eq!(loaded.trim(), "t");
    // The postmaster takes it up at its leisure.
    let rules = || SERVER.psql("postgres", "SELECT count(*) FROM pg_hba_file_rules WHERE 'barred' = ANY(user_name)");
    assert_eq!(rules().unwrap().trim(), "1");
}

#[test]
fn targets_that_cannot_be_reached_are_told_apart() {
    database("reachable", "CREATE TABLE t (id int)");
    weak_logins();
    let closed = testkit::free_port().unwrap();
    // Never accepted: the kernel takes the connection, and nobody answers.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = SERVER.port();
    let at = |port: u16| format!("address = \"127.0.0.1:{port}\"\ntls = \"off\"\nconnect_timeout_seconds = 1\n");
    let tls_at =
        |port: u16| format!("address = \"127.0.0.1:{port}\"\ntls = \"require\"\nconnect_timeout_seconds = 1\n");
    let good = ("holder", PASSWORD);
    let silent_port = silent.local_addr().unwrap().port();
    let http = answering(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    let endless = answering(b"R\x7f\xff\xff\xff");
    let trusting_scram = answering(b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-1\0\0\0\0\0\0");
    let name = "nowhere.invalid:5432";
    let unresolved = format!("address = \"{name}\"\ntls = \"off\"\nconnect_timeout_seconds = 5\n");
    let mut weir = builder()
        .target("reachable", &SERVER, "reachable", good, &[])
        .target_with("closed", "x", good, &at(closed), &[])
        .target_with("silent", "x", good, &at(silent_port), &[])
        .target_with("silent_tls", "x", good, &tls_at(silent_port), &[])
        .target_with("http", "x", good, &at(http), &[])
        .target_with("http_tls", "x", good, &tls_at(http), &[])
        .target_with("endless", "x", good, &at(endless), &[])
        .target_with("other_sasl", "x", good, &at(trusting_scram), &[])
        .target_with("unresolved", "x", good, &unresolved, &[])
        .target_with("no_tls", "reachable", good, &tls_at(port), &[])
        .target_with("wrong_password", "reachable", ("holder", "wrong-password-of-the-target"), &at(port), &[])
        .target_with("no_role", "reachable", ("nobody_there", PASSWORD), &at(port), &[])
        .target_with("barred", "reachable", ("barred", PASSWORD), &at(port), &[])
        .target_with("no_database", "not_there", good, &at(port), &[])
        .target_with("md5", "reachable", ("md5_holder", PASSWORD), &at(port), &[])
        .target_with("clear", "reachable", ("clear_holder", PASSWORD), &at(port), &[])
        .target_with("no_secret", "reachable", good, &at(port), &[])
        .start();
    fs::remove_file(weir.folder().join("no_secret.password")).unwrap();
    let bystander = Bystander::begin(&weir, "reachable");
    let token = weir.token("alice", &[]);
    let mut said = String::new();
    for (target, public, inside) in [
        ("closed", "it cannot be connected to", "cannot connect to 127.0.0.1:"),
        ("unresolved", "it cannot be connected to", "cannot connect to nowhere.invalid:5432"),
        ("silent", "it does not answer", "no answer from 127.0.0.1:"),
        ("silent_tls", "it does not answer", "no answer from 127.0.0.1:"),
        ("http", "it does not speak PostgreSQL's protocol", "breaks the protocol"),
        ("http_tls", "no trusted TLS connection can be made to it", "does not offer TLS"),
        ("endless", "it does not speak PostgreSQL's protocol", "breaks the protocol"),
        ("other_sasl", "it asks for a kind of login that Weir does not do", "another SASL mechanism"),
        ("no_tls", "no trusted TLS connection can be made to it", "does not offer TLS"),
        ("wrong_password", "it refuses Weir's own login", "28P01 password authentication failed"),
        ("no_role", "it refuses Weir's own login", "28P01 password authentication failed"),
        ("barred", "it refuses Weir's own login", "28000 pg_hba.conf rejects"),
        ("no_database", "it does not have that database", "3D000 database \"not_there\" does not exist"),
        ("md5", "it asks for a kind of login that Weir does not do", "an MD5 password"),
        ("clear", "it asks for a kind of login that Weir does not do", "the password in clear"),
        ("no_secret", "Weir does not have its credential at hand", "no_secret.password"),
    ] {
        let begun = Instant::now();
        let report = Session::refused(&weir, "alice", target, &token);
        report.says("FATAL", "08001", &format!("target \"{target}\" cannot be reached: {public}"));
        assert!(begun.elapsed() < Duration::from_secs(7), "{target}: {:?}", begun.elapsed());
        // What an operator needs is not told to callers: where the target is, and what it said.
        for inner in ["127.0.0.1", "holder", "pg_hba", name] {
            assert!(!format!("{report:?}").contains(inner), "{report:?}");
        }
        let log = noted(&weir, |log| ended_as(log, target).is_some());
        let why = ended_as(&log, target).unwrap();
        assert!(why.starts_with("target cannot be reached: ") && why.contains(inside), "{target}: {why}");
        said.push_str(&format!("{report:?}{log:?}"));
        bystander.still_answers();
    }
    // Weir's own side of the story goes to standard error. The credential goes nowhere.
    said.push_str(&weir.stderr());
    assert!(said.contains("28P01 password authentication failed"));
    for secret in [PASSWORD, "wrong-password-of-the-target"] {
        assert!(!said.contains(secret), "a target's credential was shown");
    }
    bystander.end();
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}

#[test]
fn a_target_that_dies_ends_its_sessions_and_can_be_reached_again() {
    let mut server = crate::house::CLIENTS.server(testkit::Release::Distribution).start().unwrap();
    server.psql("postgres", &format!("CREATE ROLE holder SUPERUSER LOGIN PASSWORD '{PASSWORD}'")).unwrap();
    server.psql("postgres", "CREATE TABLE t AS SELECT generate_series(1, 10) AS id").unwrap();
    database("beside", "CREATE TABLE t (id int)");
    let mut weir = before("beside").target("dying", &server, "postgres", ("holder", PASSWORD), &[]).start();
    let bystander = Bystander::begin(&weir, "beside");
    let token = weir.token("alice", &[]);
    let log_in = || Session::log_in(&weir, "alice", "dying", &token);
    let (mut idle, mut busy, mut other) = (log_in(), log_in(), log_in());
    for session in [&mut idle, &mut busy, &mut other] {
        assert_eq!(session.rows("SELECT count(*) FROM t"), [["10"]]);
    }
    busy.ask("SELECT pg_sleep(60)");
    thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    server.kill9().unwrap();
    for session in [&mut idle, &mut busy, &mut other] {
        let (answer, state) = session.answer();
        assert_eq!(state, None);
        // The server's own last words where it had time for them, Weir's where it had not.
        let report = answer.unwrap_err();
        assert!(matches!(report.code.as_str(), "57P01" | "08006") && report.severity == "FATAL", "{report:?}");
    }
    println!("a killed target: told after {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(10));
    Session::refused(&weir, "alice", "dying", &token).says("FATAL", "08001", "it cannot be connected to");
    let outcome = |log: &[Value]| {
        let text = "SELECT pg_sleep(60)";
        let decided = records(log, "decided").into_iter().find(|record| record["text"] == text)?;
        let is_its = |ended: &&Value| ended["session"] == decided["session"] && ended["op"] == decided["op"];
        records(log, "ended").into_iter().find(is_its).map(|ended| ended["outcome"].clone())
    };
    assert_eq!(outcome(&noted(&weir, |log| outcome(log).is_some())).unwrap(), "unknown");
    server.restart().unwrap();
    assert_eq!(Session::log_in(&weir, "alice", "dying", &token).rows("SELECT count(*) FROM t"), [["10"]]);

    // A server that stops answering does not take others with it; its callers may still leave.
    let mut hung = Session::log_in(&weir, "alice", "dying", &token);
    let workers = server.psql("postgres", "SELECT pid FROM pg_stat_activity WHERE usename = 'holder'").unwrap();
    let signal = |word: &str| {
        for pid in workers.lines() {
            let _ = Command::new("kill").args([word, pid]).status();
        }
    };
    signal("-STOP");
    hung.ask("SELECT count(*) FROM t");
    bystander.still_answers();
    signal("-CONT");
    assert_eq!(hung.answer().0.unwrap(), [["10"]]);
    bystander.end();
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}
