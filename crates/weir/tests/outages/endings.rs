//! Sessions that must end: a credential taken back, a credential whose time is over, a Weir that is told to stop.

use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use testkit::weir::Weir;

use crate::house::{
    Bystander, SERVER, assert_sound, before, database, noted, records, run, token_id, verify_without_warnings,
};
use crate::wire::{Report, Session, cstr};

/// The longest that a revocation may take to reach every session.
const REVOKED_MAX: Duration = Duration::from_secs(5);

/// Sessions of Weir's on the target that are in this state.
fn on_target(database: &str, state: &str) -> usize {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND usename = 'holder' AND state = '{state}'"
    );
    SERVER.psql("postgres", &sql).unwrap().trim().parse().unwrap()
}

/// When this session is told its end, and how.
fn end_of(mut session: Session) -> mpsc::Receiver<(Instant, Option<Report>)> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let (answer, state) = session.answer();
        assert_eq!(state, None, "the session goes on: {answer:?}");
        tell.send((Instant::now(), answer.err()))
    });
    told
}

/// How sessions were closed.
fn closed(weir: &Weir, why: &str, count: usize) {
    let closed =
        |log: &[serde_json::Value]| records(log, "closed").iter().filter(|closed| closed["why"] == why).count();
    noted(weir, |log| closed(log) == count);
}

#[test]
fn a_revoked_token_ends_its_sessions_and_what_they_run() {
    database("revoking", "CREATE TABLE t (id int)");
    let mut weir = before("revoking").start();
    let bystander = Bystander::begin(&weir, "revoking");
    let token = weir.token("mallory", &[]);
    let log_in = || Session::log_in(&weir, "mallory", "revoking", &token);
    let (idle, mut in_transaction, mut running, mut in_batch) = (log_in(), log_in(), log_in(), log_in());
    in_transaction.rows("BEGIN");
    in_transaction.rows("INSERT INTO t VALUES (1)");
    running.ask("SELECT pg_sleep(100)");
    in_batch.wire.send(b'P', b"\0INSERT INTO t SELECT 2 FROM pg_sleep(100)\0\0\0");
    in_batch.wire.send(b'B', &[0; 8]);
    in_batch.wire.send(b'E', &[0; 5]);
    in_batch.wire.send(b'S', &[]);
    // The bystander may be seen at work too.
    let sleeping = || on_target("revoking", "active") >= 2 && on_target("revoking", "idle in transaction") == 1;
    testkit::wait_until(Duration::from_secs(5), "all at work", sleeping).unwrap();

    let begun = Instant::now();
    let (code, _, err) = run(&weir, &["token", "revoke", &token_id(&weir, "mallory")]);
    assert_eq!(code, 0, "{err}");
    let revoked = Instant::now();
    for (name, told) in [
        ("idle", end_of(idle)),
        ("in a transaction", end_of(in_transaction)),
        ("running", end_of(running)),
        ("in a batch", end_of(in_batch)),
    ] {
        let (at, report) = told.recv_timeout(Duration::from_secs(30)).unwrap();
        report.expect("a reason").says("FATAL", "28000", "has been revoked");
        println!("revoked while {name}: ended {:?} after the command", at.saturating_duration_since(revoked));
        assert!(at.duration_since(begun) < REVOKED_MAX, "{name}: {:?}", at.duration_since(begun));
    }
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'revoking' AND query LIKE '%pg_sleep(100)%'";
    let none = || SERVER.psql("postgres", asleep).unwrap().trim() == "0";
    testkit::wait_until(REVOKED_MAX, "the target's own sessions ended", none).unwrap();
    println!("revoked: nothing of it is left on the target {:?} after the command", revoked.elapsed());
    assert!(begun.elapsed() < REVOKED_MAX, "{:?}", begun.elapsed());
    Session::refused(&weir, "mallory", "revoking", &token).says("FATAL", "28P01", "revoked");
    assert_eq!(SERVER.psql("revoking", "SELECT count(*) FROM t").unwrap().trim(), "0");
    closed(&weir, "credential revoked", 4);
    bystander.end();
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}

#[test]
fn an_expiring_token_ends_its_sessions_when_it_does() {
    database("expiring", "CREATE TABLE t (id int)");
    let mut weir = before("expiring").start();
    let bystander = Bystander::begin(&weir, "expiring");
    let (code, out, err) = run(&weir, &["token", "issue", "--user", "brief", "--for", "4s"]);
    assert_eq!(code, 0, "{err}");
    // The moment lies between these two, and Weir counts whole seconds.
    let issued = Instant::now();
    let token = out.trim();
    let (idle, mut running) =
        (Session::log_in(&weir, "brief", "expiring", token), Session::log_in(&weir, "brief", "expiring", token));
    running.ask("SELECT pg_sleep(100)");
    for (name, told) in [("idle", end_of(idle)), ("running", end_of(running))] {
        let (at, report) = told.recv_timeout(Duration::from_secs(30)).unwrap();
        report.expect("a reason").says("FATAL", "28000", "has expired");
        let after = at.saturating_duration_since(issued);
        println!("a token of 4 s, while {name}: ended {after:?} after it was issued");
        assert!((Duration::from_secs(2)..Duration::from_millis(5500)).contains(&after), "{name}: {after:?}");
    }
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'expiring' AND query LIKE '%pg_sleep(100)%'";
    let none = || SERVER.psql("postgres", asleep).unwrap().trim() == "0";
    testkit::wait_until(REVOKED_MAX, "the target's own sessions ended", none).unwrap();
    Session::refused(&weir, "brief", "expiring", token).says("FATAL", "28P01", "expired");
    closed(&weir, "credential expired", 2);
    bystander.end();
    assert_sound(&mut weir);
}

#[test]
fn sigterm_lets_statements_finish_and_nobody_in() {
    database("stopping", "CREATE TABLE t (id int)");
    let mut weir = before("stopping").start();
    let token = weir.token("alice", &[]);
    let log_in = || Session::log_in(&weir, "alice", "stopping", &token);
    let (idle, mut in_transaction, mut running, mut in_batch) = (log_in(), log_in(), log_in(), log_in());
    in_transaction.rows("BEGIN");
    in_transaction.rows("INSERT INTO t VALUES (1)");
    running.ask("INSERT INTO t SELECT 2 FROM pg_sleep(3)");
    in_batch.wire.send(b'P', b"\0INSERT INTO t SELECT 3 FROM pg_sleep(3)\0\0\0");
    in_batch.wire.send(b'B', &[0; 8]);
    in_batch.wire.send(b'E', &[0; 5]);
    in_batch.wire.send(b'S', &[]);
    testkit::wait_until(Duration::from_secs(5), "all at work", || on_target("stopping", "active") == 2).unwrap();
    let begun = Instant::now();
    weir.terminate();
    for session in [idle, in_transaction] {
        let (at, report) = end_of(session).recv_timeout(Duration::from_secs(10)).unwrap();
        report.expect("a reason").says("FATAL", "57P01", "Weir is shutting down");
        assert!(at.duration_since(begun) < Duration::from_secs(2), "{:?}", at.duration_since(begun));
    }
    assert!(TcpStream::connect(("127.0.0.1", weir.port())).is_err(), "a Weir that stops takes nobody in");
    // What runs is finished and answered; then its session ends as the others did.
    for mut session in [running, in_batch] {
        assert_eq!(session.answer(), (Ok(Vec::new()), Some(b'I')));
        let (answer, state) = session.answer();
        assert_eq!(state, None);
        answer.unwrap_err().says("FATAL", "57P01", "Weir is shutting down");
    }
    let took = begun.elapsed();
    assert_eq!(weir.wait().and_then(|status| status.code()), Some(0), "{}", weir.stderr());
    println!("stopped after {took:?}, with two statements of 3 s");
    assert_eq!(
        SERVER.psql("stopping", "SELECT id FROM t ORDER BY id").unwrap(),
        "2\n3\n",
        "committed, and rolled back"
    );
    let log = weir.log();
    let last = log.iter().max_by_key(|record| record["at"].as_u64()).unwrap();
    assert!(
        records(&log, "stopped").len() == 1 && matches!(last["event"].as_str(), Some("stopped" | "sealed")),
        "{last}"
    );
    let shut = records(&log, "closed").into_iter().filter(|closed| closed["why"] == "shutdown").count();
    assert_eq!(shut, 4);
    let done = records(&log, "ended").into_iter().filter(|ended| ended["outcome"] == "done").count();
    assert!(done >= 4, "{done}");
    assert!(!weir.stderr().contains("cut off") && !weir.stderr().contains("panic"), "{}", weir.stderr());
    verify_without_warnings(&weir);
}

/// A stop waits for what was sent, also where the answer is long and the caller slow to read it.
#[test]
fn sigterm_waits_for_an_answer_on_its_way() {
    database("on_its_way", "CREATE TABLE t (id int)");
    let mut weir = before("on_its_way").start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "on_its_way", &token);
    session.wire.send(b'Q', &cstr("SELECT repeat('x', 1000) FROM generate_series(1, 30000)"));
    let first = session.wire.byte();
    assert_eq!(first, Some(b'T'));
    weir.terminate();
    thread::sleep(Duration::from_millis(500));
    assert!(weir.is_running());
    // The rest of that message, then all the rows.
    let mut left = [0; 4];
    left.iter_mut().for_each(|byte| *byte = session.wire.byte().unwrap());
    (4..u32::from_be_bytes(left)).for_each(|_| assert!(session.wire.byte().is_some()));
    let (rows, state) = session.answer();
    assert_eq!((rows.unwrap().len(), state), (30_000, Some(b'I')));
    assert_eq!(weir.wait().and_then(|status| status.code()), Some(0));
    verify_without_warnings(&weir);
}
