//! A disk that is nearly full: nothing new begins, what has begun is written to its end, and all goes on when there is space again.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::time::Duration;

use testkit::wait_until;
use testkit::weir::Weir;

use crate::house::{PASSWORD, SERVER, assert_sound, before, builder, database, noted, records, run};
use crate::unwritable::{Mounted, small_log};
use crate::watched::{API, ready, scrape};
use crate::wire::Session;

const MIB: usize = 1024 * 1024;
const LIMIT: Duration = Duration::from_secs(10);

/// Takes so much of a disk.
fn fill(folder: PathBuf, bytes: usize) -> PathBuf {
    let file = folder.join("filler");
    File::create(&file).unwrap().write_all(&vec![1; bytes]).unwrap();
    file
}

fn of(weir: &Weir, name: &str, disk: &str) -> Option<f64> {
    scrape(weir).value(name, Some(("of", disk)))
}

#[test]
fn below_its_reserve_a_log_takes_what_has_begun_and_nothing_new() {
    database("reserved", "CREATE TABLE kept (id int PRIMARY KEY)");
    let mut weir = before("reserved").listen(API).lines("[evidence]\nreserve = \"2MiB\"\n").write();
    let _mounted = small_log(&weir, "size=8m,mode=0700");
    weir.start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "reserved", &token);
    session.rows("INSERT INTO kept VALUES (1)");
    assert_eq!((ready(&weir).0, of(&weir, "weir_disk_low", "log")), (200, Some(0.0)));
    assert_eq!(of(&weir, "weir_disk_reserve_bytes", "log"), Some((2 * MIB) as f64));

    // Early warning: all goes on.
    let filler = fill(weir.state().join("log"), 5 * MIB);
    wait_until(LIMIT, "the disk is low", || of(&weir, "weir_disk_low", "log") == Some(1.0)).unwrap();
    assert!(of(&weir, "weir_disk_free_bytes", "log").unwrap() < (4 * MIB) as f64);
    assert_eq!((ready(&weir).0, of(&weir, "weir_disk_reserved", "log")), (200, Some(0.0)));
    session.rows("INSERT INTO kept VALUES (2)");
    let said = weir.stderr();
    assert!(said.contains("less than twice its reserve of 2 MiB") && said.contains("free some space in"), "{said}");

    // A statement that runs while the reserve is reached.
    let mut running = Session::log_in(&weir, "alice", "reserved", &token);
    running.ask("SELECT pg_sleep(3), 'ran to its end'");
    noted(&weir, |log| records(log, "decided").iter().any(|record| record["text"].to_string().contains("pg_sleep")));
    let mut file = File::options().append(true).open(&filler).unwrap();
    file.write_all(&vec![1; MIB * 3 / 2]).unwrap();
    wait_until(LIMIT, "it is not ready", || ready(&weir).1 == ["disk_reserve"]).unwrap();
    assert_eq!(scrape(&weir).value("weir_log_down", None), Some(0.0), "it can be written");
    for id in 10..30 {
        session.error(&format!("INSERT INTO kept VALUES ({id})")).says("ERROR", "58030", "decision log");
    }
    Session::refused(&weir, "alice", "reserved", &token).says("FATAL", "58030", "nobody may come in");
    assert_eq!(SERVER.psql("reserved", "SELECT count(*) FROM kept").unwrap().trim(), "2");
    let said = weir.stderr();
    assert!(said.contains("nothing new begins: ") && said.contains("less than its reserve of 2 MiB"), "{said}");
    // What ran has its end in the log, signed.
    assert_eq!(running.answer().0.unwrap().len(), 1);
    noted(&weir, |log| records(log, "ended").len() == 3);
    let signed = || scrape(&weir).value("weir_log_unsigned_records", None) == Some(0.0);
    wait_until(LIMIT, "all of it is signed", signed).unwrap();
    drop((session, running));
    noted(&weir, |log| records(log, "closed").len() == 2);
    assert_sound(&mut weir);
    assert_eq!(weir.stop().and_then(|status| status.code()), Some(0));
    weir.verify();

    // It starts on such a disk, serves nobody, and goes on by itself.
    weir.start();
    assert_eq!(ready(&weir).1, ["disk_reserve"]);
    Session::refused(&weir, "alice", "reserved", &token).says("FATAL", "58030", "nobody may come in");
    fs::remove_file(&filler).unwrap();
    drop(file);
    wait_until(LIMIT, "it is ready", || ready(&weir).0 == 200).unwrap();
    Session::log_in(&weir, "alice", "reserved", &token).rows("INSERT INTO kept VALUES (3)");
    let log = weir.log();
    let told = |what: &str| records(&log, "alert").iter().filter(|alert| alert["what"] == what).count();
    assert_eq!((told("disk_low"), told("disk_reserve")), (2, 2), "once in each life: {log:?}");
    assert_eq!((records(&log, "admitted").len(), records(&log, "rejected").len()), (3, 0), "{log:?}");
    assert_sound(&mut weir);
    weir.stop();
    weir.verify();
}

#[test]
fn below_their_reserve_recorded_sessions_end_whole_and_others_go_on() {
    database("reserved_tapes", "CREATE TABLE kept (id int PRIMARY KEY)");
    let lines = format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\nrecording = \"full\"\n", SERVER.port());
    let mut weir = builder()
        .target("unrecorded", &SERVER, "reserved_tapes", ("holder", PASSWORD), &[])
        .target_with("recorded", "reserved_tapes", ("holder", PASSWORD), &lines, &[])
        .listen(API)
        .lines("[evidence]\nreserve = \"2MiB\"\n")
        .write();
    let folder = weir.state().join("recordings");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).unwrap();
    let _mounted = Mounted::over(&folder, "size=8m,mode=0700");
    weir.start();
    let token = weir.token("alice", &[]);
    let mut recorded = Session::log_in(&weir, "alice", "recorded", &token);
    recorded.rows("SELECT 'before'");
    let filler = fill(folder, 7 * MIB);
    wait_until(LIMIT, "it is not ready", || ready(&weir).1 == ["disk_reserve"]).unwrap();
    assert_eq!(of(&weir, "weir_disk_reserved", "log"), Some(0.0));
    recorded.ask("SELECT 'after'");
    recorded.answer().0.unwrap_err().says("FATAL", "58030", "cannot be recorded any more");
    let refused = Session::refused(&weir, "alice", "recorded", &token);
    assert!(refused.code == "58030" || refused.message.contains("cannot be recorded"), "{refused:?}");
    Session::log_in(&weir, "alice", "unrecorded", &token).rows("INSERT INTO kept VALUES (1)");
    assert!(weir.stderr().contains("on the disk of the recordings, which is less than its reserve of 2 MiB"));
    // Its recording has its end.
    let log = noted(&weir, |log| records(log, "recorded").len() == 1);
    assert_eq!(records(&log, "recorded")[0]["how"], "closed");
    fs::remove_file(&filler).unwrap();
    wait_until(LIMIT, "it is ready", || ready(&weir).0 == 200).unwrap();
    Session::log_in(&weir, "alice", "recorded", &token).rows("SELECT 'again'");
    noted(&weir, |log| records(log, "recorded").len() == 2);
    assert_sound(&mut weir);
    weir.stop();
    let (code, out, err) = run(&weir, &["audit", "verify", "--recordings"]);
    assert!(code == 0 && out.contains("2 recordings held against the log, 0 of them"), "{out}{err}");
}

#[test]
fn whom_the_log_does_not_let_in_is_not_recorded() {
    database("reserved_untaped", "CREATE TABLE kept (id int PRIMARY KEY)");
    let lines = format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\nrecording = \"full\"\n", SERVER.port());
    let mut weir = builder()
        .target_with("untaped", "reserved_untaped", ("holder", PASSWORD), &lines, &[])
        .listen(API)
        .lines("[evidence]\nreserve = \"2MiB\"\n")
        .write();
    let _mounted = small_log(&weir, "size=8m,mode=0700");
    weir.start();
    let token = weir.token("alice", &[]);
    let filler = fill(weir.state().join("log"), 7 * MIB);
    wait_until(LIMIT, "it is not ready", || ready(&weir).1.contains(&"disk_reserve".to_owned())).unwrap();
    for _ in 0..5 {
        Session::refused(&weir, "alice", "untaped", &token).says("FATAL", "58030", "nobody may come in");
    }
    fs::remove_file(&filler).unwrap();
    wait_until(LIMIT, "it is ready", || ready(&weir).0 == 200).unwrap();
    Session::log_in(&weir, "alice", "untaped", &token).rows("SELECT 1");
    let log = noted(&weir, |log| records(log, "recorded").len() == 1);
    let session = |what: &str| records(&log, what)[0]["session"].clone();
    assert_eq!(session("recorded"), session("admitted"));
    assert_sound(&mut weir);
    weir.stop();
    assert_eq!(records(&weir.log(), "recorded").len(), 1, "of nobody else");
    weir.verify();
}
