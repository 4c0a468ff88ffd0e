//! What somebody should look at: in the log once, for who waits for it, and over again when it is over.

use std::fs;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use testkit::wait_until;
use testkit::weir::Weir;

use crate::house::{ALL, PASSWORD, SERVER, assert_sound, before, builder, database, noted, records};
use crate::unwritable::Frozen;
use crate::watched::{API, scrape};
use crate::wire::Session;

#[expect(dead_code, reason = "it can more than is needed here")]
#[path = "../../../export/tests/delivery/http.rs"]
mod http;

const LIMIT: Duration = Duration::from_secs(15);

/// Alerts of this kind: each with its state and the principal or what else it is of.
fn alerts(log: &[Value], what: &str) -> Vec<(String, String)> {
    let of_kind = records(log, "alert").into_iter().filter(|alert| alert["what"] == what);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    of_kind
        .map(|alert| {
            let of = ["principal", "target", "of"].into_iter().find_map(|key| text(&alert[key]));
            (text(&alert["state"]).unwrap(), of.unwrap_or_default())
        })
        .collect()
}

fn pair(state: &str, of: &str) -> (String, String) {
    (state.to_owned(), of.to_owned())
}

/// The log, once it has so many alerts of this kind.
fn alerted(weir: &Weir, what: &str, count: usize) -> Vec<Value> {
    let mut log = Vec::new();
    let has = || {
        log = weir.log();
        alerts(&log, what).len() >= count
    };
    wait_until(LIMIT, what, has).unwrap_or_else(|error| panic!("{error}\n{}", weir.stderr()));
    log
}

fn counted(weir: &Weir, what: &str) -> Option<f64> {
    scrape(weir).value("weir_alerts_total", Some(("what", what)))
}

/// Something that the reader of the log says after all that was there before: once it is there, nothing else comes.
fn marked(weir: &Weir, name: &str, target: &str) -> Vec<Value> {
    let token = weir.token(name, &[]);
    drop(Session::log_in(weir, name, target, &token));
    let (principal, mut log) = (format!("local:{name}"), Vec::new());
    let has = || {
        log = weir.log();
        alerts(&log, "first_use").iter().any(|(_, of)| *of == principal)
    };
    wait_until(LIMIT, "the mark", has).unwrap_or_else(|error| panic!("{error}\n{}", weir.stderr()));
    log
}

#[test]
fn a_first_use_is_said_once_whatever_ends_weir() {
    database("first_used", "CREATE TABLE t (id int)");
    let mut weir = before("first_used").listen(API).start();
    let token = weir.token("alice", &[]);
    drop(Session::log_in(&weir, "alice", "first_used", &token));
    let log = alerted(&weir, "first_use", 1);
    let alert = records(&log, "alert")[0].clone();
    let admitted = records(&log, "admitted")[0];
    assert_eq!((&alert["principal"], &alert["target"]), (&admitted["principal"], &admitted["target"]));
    assert_eq!((&alert["session"], &alert["since"]), (&admitted["session"], &admitted["at"]));
    assert_eq!(alert["detail"], "local:alice was let in to first_used for the first time");
    assert_eq!((counted(&weir, "first_use"), counted(&weir, "log_down")), (Some(1.0), Some(0.0)));
    assert!(!weir.stderr().contains("alice"), "who uses what is for the log: {}", weir.stderr());
    // Killed at once, killed later, stopped: the log says once what it has.
    for round in 0..4 {
        match round {
            0..2 => weir.kill9(),
            2 => drop(weir.stop()),
            _ => {
                // Without its state it learns from the log, and says nothing of what is there already.
                weir.stop();
                fs::remove_file(weir.state().join("alerts.json")).unwrap();
            }
        }
        weir.start();
        drop(Session::log_in(&weir, "alice", "first_used", &token));
        if round == 3 {
            // Whoever comes while it learns is not told of: it has begun when the file is there.
            wait_until(LIMIT, "it has begun", || weir.state().join("alerts.json").exists()).unwrap();
        }
        let log = marked(&weir, &format!("mark{round}"), "first_used");
        let of_alice = alerts(&log, "first_use").into_iter().filter(|(_, of)| of == "local:alice").count();
        assert_eq!(of_alice, 1, "round {round}: {log:?}");
        assert_eq!(alerts(&log, "first_use").len(), round + 2);
    }
    assert_sound(&mut weir);
    weir.stop();
    weir.verify();
}

#[test]
fn a_first_use_that_was_not_said_before_a_kill_is_said_after_it() {
    database("unsaid", "CREATE TABLE t (id int)");
    let mut weir = before("unsaid").start();
    wait_until(LIMIT, "it has begun", || weir.state().join("alerts.json").exists()).unwrap();
    let names: Vec<String> = (0..8).map(|number| format!("user{number}")).collect();
    for name in &names {
        let token = weir.token(name, &[]);
        drop(Session::log_in(&weir, name, "unsaid", &token));
        weir.kill9();
        weir.start();
    }
    let log = alerted(&weir, "first_use", names.len());
    let mut of: Vec<String> = alerts(&log, "first_use").into_iter().map(|(_, of)| of).collect();
    of.sort();
    assert_eq!(of, names.iter().map(|name| format!("local:{name}")).collect::<Vec<_>>());
}

#[test]
fn a_log_that_was_there_before_is_learned_from() {
    database("learned", "CREATE TABLE t (id int)");
    let lines = "[alerts]\nfirst_use = \"off\"\nunusual_volume = \"off\"\nunusual_rows_min = 100\n";
    let mut weir = before("learned").lines(lines).start();
    let tokens: Vec<String> = (0..5).map(|number| weir.token(&format!("user{number}"), &[])).collect();
    for (number, token) in tokens.iter().enumerate() {
        let mut session = Session::log_in(&weir, &format!("user{number}"), "learned", token);
        session.rows("SELECT generate_series(1, 1000)");
    }
    noted(&weir, |log| records(log, "closed").len() == tokens.len());
    weir.stop();
    assert!(records(&weir.log(), "alert").is_empty());
    fs::remove_file(weir.state().join("alerts.json")).unwrap();
    let file = weir.folder().join("weir.toml");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("\"off\"\nunusual", "\"on\"\nunusual")).unwrap();
    weir.start();
    drop(Session::log_in(&weir, "user3", "learned", &tokens[3]));
    let log = marked(&weir, "somebody", "learned");
    let alerts: Vec<&Value> = records(&log, "alert");
    assert_eq!(alerts.len(), 1, "{alerts:?}");
}

#[test]
fn an_unusual_volume_is_said_once_an_hour() {
    database("voluminous", "CREATE TABLE t (id int)");
    let mut weir = before("voluminous").lines("[alerts]\nunusual_rows_min = 100\nfirst_use = \"off\"\n").start();
    let token = weir.token("alice", &[]);
    // A target that is new has nobody to be measured by.
    Session::log_in(&weir, "alice", "voluminous", &token).rows("SELECT generate_series(1, 5000)");
    noted(&weir, |log| records(log, "closed").len() == 1);
    weir.stop();
    assert!(records(&weir.log(), "alert").is_empty());
    // As if that had been two days ago, and without what was shown.
    let file = weir.state().join("alerts.json");
    let mut known: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let first = known["usage"]["targets"]["voluminous"]["first"].as_u64().unwrap() - 48 * 3_600_000_000;
    known["usage"]["targets"]["voluminous"]["first"] = first.into();
    known["usage"]["targets"]["voluminous"]["peaks"] = Value::Array(Vec::new());
    known["usage"]["pairs"] = Value::Array(Vec::new());
    fs::write(&file, known.to_string()).unwrap();
    weir.start();
    let mut session = Session::log_in(&weir, "alice", "voluminous", &token);
    session.rows("SELECT generate_series(1, 99)");
    session.rows("SELECT 1");
    let log = alerted(&weir, "unusual_volume", 1);
    let alert = records(&log, "alert")[0].clone();
    let hour = 3_600_000_000;
    let since = alert["since"].as_u64().unwrap();
    assert!(since.is_multiple_of(hour) && alert["at"].as_u64().unwrap() - since < 2 * hour, "{alert}");
    let detail =
        "local:alice has been shown 100 rows of voluminous in this hour, and none in any hour of the seven days before";
    assert_eq!((&alert["detail"], &alert["state"]), (&Value::from(detail), &Value::from("once")));
    session.rows("SELECT generate_series(1, 5000)");
    drop(session);
    weir.stop();
    weir.start();
    let mut session = Session::log_in(&weir, "alice", "voluminous", &token);
    session.rows("SELECT generate_series(1, 5000)");
    drop(session);
    weir.stop();
    let log = weir.log();
    let hours: std::collections::BTreeSet<u64> =
        records(&log, "alert").iter().map(|alert| alert["since"].as_u64().unwrap()).collect();
    assert_eq!(records(&log, "alert").len(), hours.len(), "once an hour: {log:?}");
}

/// Passes bytes on to a server, until this process ends.
fn forward(port: u16, server: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (from, to) = (stream.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
            for (mut from, mut to) in [(from.try_clone().unwrap(), to.try_clone().unwrap()), (to, from)] {
                thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
}

#[test]
fn a_target_that_is_out_of_reach_is_said_when_it_begins_and_when_it_is_over() {
    database("reached_late", "CREATE TABLE t (id int)");
    let port = testkit::free_port().unwrap();
    let lines = format!("address = \"127.0.0.1:{port}\"\ntls = \"off\"\n");
    let mut weir = builder()
        .target_with("late", "reached_late", ("holder", PASSWORD), &lines, &[])
        .listen(API)
        .lines("[alerts]\ntarget_unreachable_seconds = 1\n")
        .start();
    let token = weir.token("alice", &[]);
    Session::refused(&weir, "alice", "late", &token).says("FATAL", "08001", "cannot be reached");
    let log = alerted(&weir, "target_unreachable", 1);
    let begun = records(&log, "alert").into_iter().find(|alert| alert["what"] == "target_unreachable").unwrap();
    assert_eq!((&begun["target"], &begun["state"]), (&Value::from("late"), &Value::from("begins")));
    assert!(begun["at"].as_u64().unwrap() - begun["since"].as_u64().unwrap() >= 1_000_000, "{begun}");
    forward(port, SERVER.port());
    Session::log_in(&weir, "alice", "late", &token).rows("SELECT 1");
    let log = alerted(&weir, "target_unreachable", 2);
    assert_eq!(alerts(&log, "target_unreachable"), [pair("begins", "late"), pair("ends", "late")]);
    let ended = records(&log, "alert").into_iter().find(|alert| alert["state"] == "ends").unwrap();
    assert!(ended["until"].as_u64() > ended["since"].as_u64(), "{ended}");
    assert_eq!(counted(&weir, "target_unreachable"), Some(1.0), "beginnings are counted");
    assert_sound(&mut weir);
}

#[test]
fn policies_that_err_or_are_refused_are_said() {
    database("erring", "CREATE TABLE t (id int, email text); INSERT INTO t VALUES (1, 'x')");
    // Right by its types, and it overflows.
    let policies = format!(
        "{ALL}\n@id(\"sum\") forbid (principal, action == Action::\"delete\", resource) when {{ context.now + 9223372036854775807 > 0 }};\n\
         @id(\"sight\") forbid (principal, action == Action::\"see\", resource) when {{ context.now + 9223372036854775807 > 0 }};"
    );
    let (hook, requests) = http::serve(Vec::new());
    let classes = [("public.t.email", "pii.email")];
    let mut weir = builder()
        .policies(&policies)
        .target("erring", &SERVER, "erring", ("holder", PASSWORD), &classes)
        .target("hook", &SERVER, "erring", ("holder", "whsec"), &[])
        .listen(API)
        .lines(&format!(
            "[export.oncall]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{hook}/hook?from=weir\"\n\
             secret = {{ file = \"hook.password\" }}\nevents = [\"alert\"]\n"
        ))
        .start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "erring", &token);
    for _ in 0..3 {
        session.error("DELETE FROM t WHERE id = 1").says("ERROR", "42501", "could not be evaluated");
        session.rows("SELECT email FROM t");
    }
    let log = alerted(&weir, "policy_error", 2);
    let mut of: Vec<&str> = Vec::new();
    for alert in records(&log, "alert").into_iter().filter(|alert| alert["what"] == "policy_error") {
        of.push(alert["of"].as_str().unwrap());
        assert_eq!((&alert["principal"], &alert["state"]), (&Value::from("local:alice"), &Value::from("begins")));
        assert!(alert["detail"].as_str().unwrap().contains("integer overflow"), "{alert}");
    }
    of.sort_unstable();
    assert_eq!(of, ["sight", "sum"]);
    let scraped = scrape(&weir);
    assert!(scraped.value("weir_policy_errors_total", None).unwrap() >= 2.0);
    assert_eq!(counted(&weir, "policy_error"), Some(2.0));

    weir.replace_policies("permit (nobody");
    let log = alerted(&weir, "policies_refused", 1);
    assert_eq!(alerts(&log, "policies_refused"), [pair("begins", "")]);
    weir.replace_policies(ALL);
    let log = alerted(&weir, "policy_error", 4);
    assert_eq!(alerts(&log, "policy_error").iter().filter(|(state, _)| state == "ends").count(), 2);
    session.rows("DELETE FROM t WHERE id = 1");
    let log = alerted(&weir, "policies_refused", 2);
    assert_eq!(alerts(&log, "policies_refused")[1], pair("ends", ""));

    // All of it is brought to who waits for it, and nothing else.
    let posted = || {
        let requests = requests.lock().unwrap();
        let lines = requests.iter().flat_map(|request| request.body.lines().map(str::to_owned).collect::<Vec<_>>());
        lines.map(|line| serde_json::from_str(&line).unwrap()).collect::<Vec<Value>>()
    };
    let count = records(&weir.log(), "alert").len();
    wait_until(LIMIT, "all alerts", || posted().len() >= count).unwrap();
    assert!(posted().iter().all(|record| record["event"] == "alert"), "{:?}", posted());
    // It is counted when the receiver's answer is there.
    let is_counted =
        || scrape(&weir).value("weir_export_delivered_total", Some(("export", "oncall"))).unwrap() >= count as f64;
    wait_until(LIMIT, "all alerts to be counted", is_counted).unwrap();
    let scraped = scrape(&weir);
    let of = |name: &str| scraped.value(name, Some(("export", "oncall")));
    assert_eq!((of("weir_export_failing"), of("weir_export_failures_total")), (Some(0.0), Some(0.0)));
    let started = scraped.value("process_start_time_seconds", None).unwrap();
    assert!(of("weir_export_last_delivered_timestamp_seconds").unwrap() > started);
    assert_sound(&mut weir);
}

#[test]
fn a_log_that_could_not_be_written_says_so_when_it_can_be() {
    database("unsaid_down", "CREATE TABLE t (id int)");
    let weir = before("unsaid_down").listen(API).start();
    let token = weir.token("alice", &[]);
    drop(Session::log_in(&weir, "alice", "unsaid_down", &token));
    let frozen = Frozen::all_in(&weir.state().join("log"));
    Session::refused(&weir, "alice", "unsaid_down", &token).says("FATAL", "58030", "nobody may come in");
    wait_until(LIMIT, "it is counted", || counted(&weir, "log_down") == Some(1.0)).unwrap();
    drop(frozen);
    let log = alerted(&weir, "log_down", 1);
    assert_eq!(alerts(&log, "log_down"), [pair("begins", "")]);
}

#[test]
fn a_place_of_checkpoints_that_is_gone_is_said() {
    database("unwitnessed", "CREATE TABLE t (id int)");
    let place = tempfile::tempdir().unwrap();
    let lines = format!(
        "[evidence]\ncheckpoints = [\"{}\"]\n[alerts]\ncheckpoints_unreachable_seconds = 1\n",
        place.path().display()
    );
    let weir = before("unwitnessed").lines(&lines).start();
    let token = weir.token("alice", &[]);
    let away = place.path().with_extension("away");
    fs::rename(place.path(), &away).unwrap();
    let mut session = Session::log_in(&weir, "alice", "unwitnessed", &token);
    let log = alerted(&weir, "checkpoints_unreachable", 1);
    let of = place.path().display().to_string();
    assert!(alerts(&log, "checkpoints_unreachable")[0].1.starts_with(&of), "{log:?}");
    fs::rename(&away, place.path()).unwrap();
    session.rows("SELECT 1");
    noted(&weir, |log| records(log, "ended").len() == 1);
}
