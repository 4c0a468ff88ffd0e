//! What Weir says of itself: numbers that agree with what was done and with the log, and whether callers should be sent to it.

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use testkit::http::get;
use testkit::prometheus::Scraped;
use testkit::wait_until;
use testkit::weir::{Builder, Weir};

use crate::house::{ALL, PASSWORD, SERVER, assert_sound, before, builder, database, noted, psql, records};
use crate::unwritable::Frozen;
use crate::wire::Session;

pub const API: &str = "api = \"127.0.0.1:0\"";

/// Nobody sees an email, and nobody deletes.
const POLICIES: &str = r#"
@id("all") permit (principal, action, resource);
@id("unseen") forbid (principal, action in [Action::"see", Action::"see_partial", Action::"see_token"], resource);
@id("kept") forbid (principal, action == Action::"delete", resource);
"#;

pub fn scrape(weir: &Weir) -> Scraped {
    let answer = get(weir.api(), "/metrics").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.head);
    Scraped::read(&answer.body).unwrap_or_else(|wrong| panic!("{wrong}\n{}", answer.body))
}

/// Whether it is ready, why not, and which targets are out of reach.
pub fn ready(weir: &Weir) -> (u16, Vec<String>, Vec<String>) {
    let answer = get(weir.api(), "/readyz").unwrap();
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(said["ready"], answer.status == 200);
    let texts = |list: &Value, text: fn(&Value) -> &Value| {
        list.as_array().unwrap().iter().map(|entry| text(entry).as_str().unwrap().to_owned()).collect()
    };
    let reasons = texts(&said["reasons"], |reason| &reason["reason"]);
    (answer.status, reasons, texts(&said["unreachable_targets"], |target| target))
}

fn is_ready(weir: &Weir) {
    wait_until(Duration::from_secs(5), "ready", || ready(weir).0 == 200).unwrap();
}

/// A target where nobody listens.
fn with_a_dead_target(weir: Builder) -> Builder {
    let port = testkit::free_port().unwrap();
    let lines = format!("address = \"127.0.0.1:{port}\"\ntls = \"off\"\n");
    weir.target_with("dead", "nothing", ("holder", PASSWORD), &lines, &[])
}

#[test]
fn the_numbers_are_those_of_what_was_done() {
    database(
        "numbered",
        "CREATE TABLE people (id int, email text); INSERT INTO people SELECT n, 'x' FROM generate_series(1, 3) n",
    );
    let numbered = builder().policies(POLICIES).listen(API).target(
        "numbered",
        &SERVER,
        "numbered",
        ("holder", PASSWORD),
        &[("public.people.email", "pii.email")],
    );
    let mut weir = with_a_dead_target(numbered).start();
    let of = |scraped: &Scraped, name: &str, target: &str| scraped.value(name, Some(("target", target)));
    let fresh = scrape(&weir);
    for target in ["numbered", "dead"] {
        for family in ["weir_sessions_open", "weir_sessions_admitted_total", "weir_operations_permitted_total"] {
            assert_eq!(of(&fresh, family, target), Some(0.0), "{family} {target}");
        }
        assert_eq!(of(&fresh, "weir_target_reachable", target), None, "{target} was not tried");
    }
    assert_eq!(ready(&weir), (200, vec![], vec![]));

    let token = weir.token("alice", &[]);
    let said = psql(
        &weir,
        "alice",
        &token,
        "numbered",
        "SELECT id, email FROM people ORDER BY id;\nSELECT 1;\nSELECT 1;\nINSERT INTO people VALUES (4, 'y');\n\
         DELETE FROM people;\nDELETE FROM people WHERE id = 1;\n",
    );
    assert!(said.stderr.contains("42501"), "{said:?}");
    let mut open = Session::log_in(&weir, "alice", "numbered", &token);
    assert_eq!(open.rows("SELECT count(*) FROM people"), [["4"]]);
    Session::refused(&weir, "alice", "dead", &token).says("FATAL", "08001", "cannot be reached");
    // Neither a token that is wrong nor a target that is made up makes a line.
    Session::refused(&weir, "alice", "numbered", "wrong").says("FATAL", "28P01", "");
    Session::refused(&weir, "alice", "made_up_by_a_caller", &token);

    let log = noted(&weir, |log| records(log, "closed").len() == 2 && records(log, "ended").len() == 5);
    let scraped = scrape(&weir);
    let is = |name: &str, expected: u32| {
        assert_eq!(of(&scraped, name, "numbered"), Some(f64::from(expected)), "{name}");
    };
    is("weir_sessions_open", 1);
    is("weir_sessions_admitted_total", 2);
    is("weir_sessions_rejected_total", 0);
    is("weir_operations_permitted_total", 5);
    is("weir_operations_refused_total", 2);
    is("weir_shown_rows_total", 6);
    is("weir_masked_cells_total", 3);
    is("weir_target_reachable", 1);
    let bytes: u64 = records(&log, "ended").iter().map(|ended| ended["bytes"].as_u64().unwrap()).sum();
    assert!(bytes > 0);
    assert_eq!(of(&scraped, "weir_shown_bytes_total", "numbered").map(|shown| shown as u64), Some(bytes));
    assert_eq!(of(&scraped, "weir_sessions_admitted_total", "dead"), Some(1.0));
    assert_eq!(of(&scraped, "weir_sessions_open", "dead"), Some(0.0));
    assert_eq!(of(&scraped, "weir_target_reachable", "dead"), Some(0.0));
    assert_eq!(scraped.value("weir_strangers_rejected_total", None), Some(2.0));
    assert_eq!(ready(&weir), (200, vec![], vec!["dead".to_owned()]), "a target alone makes nothing unready");
    // The log's own records come on top.
    assert!(scraped.value("weir_log_records_total", None).unwrap() > log.len() as f64);
    let folder = fs::read_dir(weir.state().join("log")).unwrap().map(|entry| entry.unwrap());
    let segments = folder.filter(|file| file.path().extension().is_some_and(|end| end == "log"));
    let in_folder: u64 = segments.map(|file| file.metadata().unwrap().len()).sum();
    wait_until(Duration::from_secs(10), "the log's bytes, all signed", || {
        let scraped = scrape(&weir);
        scraped.value("weir_log_unsigned_records", None) == Some(0.0)
            && scraped.value("weir_log_bytes_total", None).unwrap() >= in_folder as f64
    })
    .unwrap();
    // What nobody may put there.
    let text = get(weir.api(), "/metrics").unwrap().body;
    for secret in ["alice", "made_up", "people", "127.0.0.1", PASSWORD] {
        assert!(!text.contains(secret), "{secret} is in the metrics");
    }
    let families: Vec<String> = scraped.families.keys().cloned().collect();
    assert_eq!(families, fresh.families.keys().cloned().collect::<Vec<_>>());
    assert_sound(&mut weir);
}

#[test]
fn a_log_that_cannot_be_written_is_no_place_for_callers_and_comes_back_by_itself() {
    database("unready", "CREATE TABLE kept (id int)");
    let mut weir = before("unready").listen(API).start();
    let token = weir.token("alice", &[]);
    assert_eq!(ready(&weir), (200, vec![], vec![]));
    // A checkpoint that is due would be the first thing that is written again.
    let signed = || scrape(&weir).value("weir_log_unsigned_records", None) == Some(0.0);
    wait_until(Duration::from_secs(10), "all of it is signed", signed).unwrap();
    let frozen = Frozen::all_in(&weir.state().join("log"));
    Session::refused(&weir, "alice", "unready", &token).says("FATAL", "58030", "nobody may come in");
    assert_eq!(ready(&weir), (503, vec!["log_down".to_owned()], vec![]));
    let scraped = scrape(&weir);
    assert_eq!((scraped.value("weir_log_down", None), scraped.value("weir_ready", None)), (Some(1.0), Some(0.0)));
    let admitted = scraped.value("weir_sessions_admitted_total", Some(("target", "unready")));
    assert_eq!(admitted, Some(0.0), "what is not in the log is not counted");
    // It goes on trying, and it does not say that it can before it could.
    wait_until(Duration::from_secs(5), "more tries", || {
        assert_eq!(ready(&weir).0, 503);
        scrape(&weir).value("weir_log_append_errors_total", None).unwrap() > 3.0
    })
    .unwrap();
    assert_eq!(get(weir.api(), "/healthz").unwrap().status, 200);
    drop(frozen);
    // Nobody is sent here meanwhile.
    is_ready(&weir);
    let log = weir.log();
    let again = records(&log, "noticed").iter().filter(|record| record["what"] == "written_again").count();
    assert_eq!(again, 1, "{log:?}");
    Session::log_in(&weir, "alice", "unready", &token).rows("SELECT 1");
    assert_sound(&mut weir);
    weir.stop();
    weir.verify();
}

#[test]
fn policies_that_are_wrong_are_no_place_for_callers_until_they_are_right() {
    let weir = with_a_dead_target(builder().listen(API)).start();
    let hash = |weir: &Weir| scrape(weir).families["weir_policies_info"].samples.keys().next().unwrap()[0].1.clone();
    let first = hash(&weir);
    weir.replace_policies("permit (nobody");
    wait_until(Duration::from_secs(5), "not ready", || ready(&weir).1 == ["policies_refused"]).unwrap();
    assert_eq!(scrape(&weir).value("weir_policies_last_load_ok", None), Some(0.0));
    assert_eq!(hash(&weir), first);
    // The same as before, and then others.
    weir.replace_policies(ALL);
    is_ready(&weir);
    assert_eq!(hash(&weir), first);
    weir.replace_policies(&format!("{ALL}\nforbid (principal, action == Action::\"delete\", resource);"));
    wait_until(Duration::from_secs(5), "other policies", || hash(&weir) != first).unwrap();
    assert_eq!(scrape(&weir).value("weir_policies_last_load_ok", None), Some(1.0));
}

#[test]
fn who_stops_is_not_ready_and_answers_until_the_last_session_is_over() {
    database("draining", "CREATE TABLE t (id int)");
    let mut weir = before("draining").listen(API).start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "draining", &token);
    session.ask("SELECT pg_sleep(3)");
    let running = || scrape(&weir).value("weir_operations_permitted_total", Some(("target", "draining"))) == Some(1.0);
    wait_until(Duration::from_secs(5), "the statement", running).unwrap();
    weir.terminate();
    wait_until(Duration::from_secs(2), "not ready", || ready(&weir).1 == ["stopping"]).unwrap();
    let open = scrape(&weir).value("weir_sessions_open", Some(("target", "draining")));
    assert_eq!(open, Some(1.0));
    assert_eq!(get(weir.api(), "/healthz").unwrap().status, 200);
    assert_eq!(session.answer().0.unwrap().len(), 1, "what ran was let to its end");
    let api = weir.api();
    assert_eq!(weir.wait().and_then(|status| status.code()), Some(0));
    assert!(TcpStream::connect(api).is_err(), "and then it answers no more");
}

#[test]
fn an_address_that_is_taken_lets_nothing_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let weir = with_a_dead_target(builder().listen(&format!("api = \"{address}\""))).write();
    let (code, out, err) = crate::house::run(&weir, &["serve"]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains(&format!("cannot listen on {address} (`api` under [listen])")), "{err}");
    assert!(!weir.state().join("log").exists(), "nothing was begun");
}
