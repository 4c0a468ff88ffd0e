//! Policies that change while sessions run: all of them or none, from the next statement on.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::weir::Weir;

use crate::house::{ALL, SERVER, assert_sound, before, database, noted, records, run, verify_without_warnings};
use crate::wire::{Came, Report, Session, cstr};

/// How long a change of the folder may take until it is in force.
const IN_FORCE_MAX: Duration = Duration::from_secs(3);

fn with(rule: &str) -> String {
    format!("{ALL}\n{rule}\n")
}

const NO_INSERT: &str =
    r#"@id("no-insert") @message("Not today.") forbid (principal, action == Action::"insert", resource);"#;

fn policies_of(log: &[Value]) -> Vec<String> {
    let kinds = ["started", "policies_changed", "policies_refused"];
    let event = |record: &Value| record["event"].as_str().filter(|event| kinds.contains(event)).map(str::to_owned);
    log.iter().filter_map(event).collect()
}

/// Runs a prepared statement once more: Bind, Execute, Sync.
fn execute(session: &mut Session) -> Result<(), Report> {
    session.wire.send(b'B', b"\0ins\0\0\0\0\0\0\0");
    session.wire.send(b'E', &[0; 5]);
    session.wire.send(b'S', &[]);
    session.answer().0.map(drop)
}

#[test]
fn changed_policies_hold_from_the_next_statement_on() {
    database("reloading", "CREATE TABLE t (id int)");
    let mut weir = before("reloading").start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "reloading", &token);
    session.wire.send(b'P', b"ins\0INSERT INTO t VALUES (1)\0\0\0");
    session.wire.send(b'S', &[]);
    while !matches!(session.wire.next(), Came::Frame(b'Z', _)) {}
    execute(&mut session).unwrap();
    session.rows("INSERT INTO t VALUES (2)");

    weir.replace_policies(&with(NO_INSERT));
    let begun = Instant::now();
    let refused = || session.query("INSERT INTO t VALUES (3)").is_err();
    testkit::wait_until(IN_FORCE_MAX, "the new policies in force", refused).unwrap();
    println!("changed policies were in force after {:?}", begun.elapsed());
    let report = session.error("INSERT INTO t VALUES (4)");
    report.says("ERROR", "42501", "Not today.");
    execute(&mut session).unwrap_err().says("ERROR", "42501", "Not today.");
    session.rows("SELECT count(*) FROM t");
    // A second session and a new one stand under the same.
    let mut other = Session::log_in(&weir, "alice", "reloading", &token);
    other.error("INSERT INTO t VALUES (5)").says("ERROR", "42501", "Not today.");
    let count = |sql: &str| SERVER.psql("reloading", sql).unwrap().trim().parse::<usize>().unwrap();
    assert_eq!(count("SELECT count(*) FROM t WHERE id IN (4, 5)"), 0);

    // Taken back, by a signal and not by waiting.
    fs::write(weir.folder().join("policies/test.cedar"), ALL).unwrap();
    assert!(Command::new("kill").args(["-HUP", &weir.pid().unwrap().to_string()]).status().unwrap().success());
    testkit::wait_until(IN_FORCE_MAX, "the old policies in force", || execute(&mut session).is_ok()).unwrap();
    other.rows("INSERT INTO t VALUES (6)");
    let log = weir.log();
    assert_eq!(policies_of(&log), ["started", "policies_changed", "policies_changed"]);
    let changed = records(&log, "policies_changed");
    assert_ne!(changed[0]["policies"], changed[1]["policies"]);
    assert_eq!(changed[1]["policies"], records(&log, "started")[0]["policies"]);
    // Every decision's row is on the target or not, as its record says.
    for record in records(&log, "decided") {
        let Some(text) = record["text"].as_str().filter(|text| text.starts_with("INSERT INTO t VALUES (4")) else {
            continue;
        };
        assert_eq!((record["ruling"].as_str(), &record["rules"][0]), (Some("deny"), &"no-insert".into()), "{text}");
    }
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}

/// What is wrong, where, and what every broken state of the folder leaves in force.
#[test]
fn broken_policies_change_nothing_and_are_told() {
    database("refused_reload", "CREATE TABLE t (id int)");
    let mut weir = before("refused_reload").policies(&with(NO_INSERT)).start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "refused_reload", &token);
    let policies = weir.folder().join("policies");
    let refusals = |weir: &Weir, count: usize| {
        let log = noted(weir, |log| records(log, "policies_refused").len() >= count);
        let why = records(&log, "policies_refused")[count - 1]["why"].as_str().unwrap().to_owned();
        assert!(weir.stderr().contains("the policies have changed and are wrong: the old ones stay in force"));
        why
    };
    let mut stays = |what: &str| {
        session.error("INSERT INTO t VALUES (1)").says("ERROR", "42501", "Not today.");
        session.rows("SELECT count(*) FROM t");
        println!("the old policies stay in force: {what}");
    };
    stays("before");
    // A good change beside a broken file: none of the two.
    let syntax = "// A comment.\n\npermit (principal, action, resource)\nwhen { principal.nothing == };\n";
    fs::write(policies.join("20-broken.cedar"), syntax).unwrap();
    weir.replace_policies(ALL);
    let why = refusals(&weir, 1);
    assert!(why.contains("20-broken.cedar:4:"), "{why}");
    assert!(weir.stderr().contains("20-broken.cedar:4:"), "{}", weir.stderr());
    stays("a syntax error in another file");

    fs::write(policies.join("20-broken.cedar"), "permit (principal in Group::\"nobody\", action, resource);\n")
        .unwrap();
    let why = refusals(&weir, 2);
    assert!(why.contains("20-broken.cedar:1:"), "{why}");
    stays("a group that is not configured");

    fs::write(policies.join("20-broken.cedar"), b"\xff\xfe").unwrap();
    let why = refusals(&weir, 3);
    assert!(why.contains("20-broken.cedar") && why.contains("not UTF-8"), "{why}");
    stays("a file that is no text");
    // `weir policy check` and `weir check` say the same, and a Weir would not start on it.
    for command in [&["policy", "check"][..], &["check"], &["serve"]] {
        let (code, out, err) = run(&weir, command);
        assert_eq!((code, out.as_str()), (1, ""), "{command:?}");
        assert!(err.contains("20-broken.cedar"), "{command:?}: {err}");
    }

    // The folder is gone altogether.
    let aside = weir.folder().join("aside");
    fs::rename(&policies, &aside).unwrap();
    let why = refusals(&weir, 4);
    assert!(why.contains("can't be read"), "{why}");
    stays("no folder");
    fs::rename(&aside, &policies).unwrap();
    refusals(&weir, 5);
    // Mended: the good change comes into force after all.
    fs::remove_file(policies.join("20-broken.cedar")).unwrap();
    let permitted = || session.query("INSERT INTO t VALUES (2)").is_ok();
    testkit::wait_until(IN_FORCE_MAX, "the mended policies in force", permitted).unwrap();
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}

/// A policy that is emptied forbids everything: that is what it says. It is no mistake that is repaired.
#[test]
fn no_policy_permits_nothing() {
    database("emptied", "CREATE TABLE t (id int)");
    let weir = before("emptied").start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "emptied", &token);
    session.rows("SELECT count(*) FROM t");
    weir.replace_policies("");
    let refused = || session.query("SELECT count(*) FROM t").is_err();
    testkit::wait_until(IN_FORCE_MAX, "the empty policies in force", refused).unwrap();
    session.error("SELECT 1").says("ERROR", "42501", "");
    Session::refused(&weir, "alice", "emptied", &token).says("FATAL", "42501", "");
}

const NO_MAIL: &str =
    r#"@id("no-mail") forbid (principal, action == Action::"store", resource in Class::"pii.email");"#;

/// A Parse of this name, and a Bind of this portal with these parameters.
fn prepare(session: &mut Session, name: &str, sql: &str) {
    session.wire.send(b'P', &[&cstr(name)[..], &cstr(sql), &[0, 0]].concat());
}

fn bind(session: &mut Session, portal: &str, name: &str, parameters: &[&str]) {
    let count = i16::try_from(parameters.len()).unwrap().to_be_bytes();
    let mut body = [&cstr(portal)[..], &cstr(name), &[0, 0], &count].concat();
    for parameter in parameters {
        body.extend(i32::try_from(parameter.len()).unwrap().to_be_bytes());
        body.extend(parameter.as_bytes());
    }
    body.extend([0, 0]);
    session.wire.send(b'B', &body);
}

/// Executes a portal for so many rows.
fn run_portal(session: &mut Session, portal: &str, rows: i32) -> Result<(), Report> {
    session.wire.send(b'E', &[&cstr(portal)[..], &rows.to_be_bytes()].concat());
    session.wire.send(b'S', &[]);
    session.answer().0.map(drop)
}

#[test]
fn what_was_bound_before_is_not_stored_after() {
    const MAIL: &str = "ada.lovelace@example.com";
    database("kept", "CREATE TABLE t (id int, body text)");
    let mut weir = before("kept").start();
    let token = weir.token("alice", &[]);
    let [mut session, mut other] = [(), ()].map(|()| Session::log_in(&weir, "alice", "kept", &token));
    prepare(&mut session, "put", "INSERT INTO t VALUES (1, $1)");
    prepare(&mut session, "constant", &format!("INSERT INTO t VALUES (2, '{MAIL}')"));
    prepare(&mut session, "read", "SELECT body FROM t, generate_series(1, 9)");
    session.wire.send(b'S', &[]);
    session.answer().0.unwrap();
    session.rows(&format!("INSERT INTO t VALUES (0, '{MAIL}')"));
    session.rows("BEGIN");
    for (portal, name, parameters) in
        [("late", "put", &[MAIL][..]), ("constant", "constant", &[]), ("rows", "read", &[])]
    {
        bind(&mut session, portal, name, parameters);
    }
    run_portal(&mut session, "rows", 2).unwrap();
    session.rows("DECLARE more CURSOR FOR SELECT body FROM t");

    weir.replace_policies(&with(NO_MAIL));
    let refused = || other.query(&format!("INSERT INTO t VALUES (3, '{MAIL}')")).is_err();
    testkit::wait_until(IN_FORCE_MAX, "the new policies in force", refused).unwrap();
    // What is read goes on.
    run_portal(&mut session, "rows", 2).unwrap();
    session.rows("FETCH 1 FROM more");
    session.rows("SAVEPOINT s");
    for portal in ["late", "constant"] {
        run_portal(&mut session, portal, 0).unwrap_err().says(
            "ERROR",
            "42501",
            "bound before the policies were changed",
        );
        session.rows("ROLLBACK TO s");
    }
    bind(&mut session, "", "put", &[MAIL]);
    run_portal(&mut session, "", 0).unwrap_err().says("ERROR", "42501", "holds pii.email");
    session.rows("ROLLBACK TO s");
    bind(&mut session, "", "constant", &[]);
    run_portal(&mut session, "", 0).unwrap_err().says("ERROR", "42501", "holds pii.email");
    session.rows("ROLLBACK TO s");
    bind(&mut session, "", "put", &["nothing"]);
    run_portal(&mut session, "", 0).unwrap();
    session.rows("COMMIT");
    assert_eq!(
        SERVER.psql("kept", "SELECT count(*) FROM t WHERE id IN (1, 2) AND body LIKE '%@%'").unwrap().trim(),
        "0"
    );
    assert_sound(&mut weir);
}
