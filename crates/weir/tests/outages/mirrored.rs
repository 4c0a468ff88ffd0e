//! A log in two places: one of them fails, fills up or is lost, and the other goes on.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use testkit::weir::Weir;

use crate::house::{assert_sound, before, database, noted, records, run};
use crate::unwritable::small_log;
use crate::watched::scrape;
use crate::wire::Session;

fn mirrored(name: &str, api: bool) -> (Weir, PathBuf, tempfile::TempDir) {
    database(name, "CREATE TABLE kept (id int PRIMARY KEY)");
    let other = tempfile::tempdir().unwrap();
    let lines = format!("[evidence]\nmirror = \"{}\"\nreserve = \"0\"", other.path().display());
    let builder = before(name).setting("workers = 2").lines(&lines);
    let builder = if api { builder.listen("api = \"127.0.0.1:0\"") } else { builder };
    let folder = other.path().to_owned();
    (builder.write(), folder, other)
}

/// Both hold the same segments, and they are whole.
fn assert_same(weir: &Weir, other: &Path) {
    let log = weir.state().join("log");
    let differ = Command::new("diff").args(["-rq", "-x", "lock"]).arg(&log).arg(other).output().unwrap();
    assert!(differ.status.success(), "{}", String::from_utf8_lossy(&differ.stdout));
    weir.verify();
    let key = weir.state().join("log.pub");
    let args = ["audit", "verify", "--folder", &other.display().to_string(), "--key", &key.display().to_string()];
    let (code, out, err) = run(weir, &args);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn a_full_disk_stops_nothing_while_the_other_place_goes_on() {
    let (mut weir, other, _guard) = mirrored("place_full", true);
    let mounted = small_log(&weir, "size=256k,mode=0700");
    weir.start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "place_full", &token);
    session.rows("INSERT INTO kept VALUES (1)");
    let filler = weir.state().join("log/filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
    // More than fits into what is left of the last page.
    for id in 2..200 {
        session.rows(&format!("INSERT INTO kept VALUES ({id})"));
    }
    Session::log_in(&weir, "alice", "place_full", &token).rows("SELECT 1");
    let down = || scrape(&weir).value("weir_log_places_down", None);
    assert_eq!(down(), Some(1.0));
    assert!(weir.stderr().contains("one of the log's two places fails"), "{}", weir.stderr());
    // Space again: it is made good with what is written next.
    drop(file);
    fs::remove_file(&filler).unwrap();
    let healed = || {
        session.rows("SELECT 1");
        Session::log_in(&weir, "alice", "place_full", &token).rows("SELECT 1");
        down() == Some(0.0)
    };
    testkit::wait_until(Duration::from_secs(20), "both places to be good", healed).unwrap();
    let told = |log: &[serde_json::Value]| records(log, "alert").iter().any(|alert| alert["what"] == "log_place_down");
    noted(&weir, told);
    drop(session);
    assert_sound(&mut weir);
    assert_eq!(weir.stop().and_then(|status| status.code()), Some(0));
    assert_same(&weir, &other);
    drop(mounted);
}

#[test]
fn a_place_that_is_lost_is_brought_back_from_the_other() {
    let (mut weir, other, _guard) = mirrored("place_lost", false);
    weir.start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "place_lost", &token);
    session.rows("INSERT INTO kept VALUES (1)");
    // While it runs, and killed on top of that.
    fs::remove_dir_all(&other).unwrap();
    session.rows("INSERT INTO kept VALUES (2)");
    fs::create_dir(&other).unwrap();
    sleep(Duration::from_millis(1100));
    session.rows("INSERT INTO kept VALUES (3)");
    weir.kill9();
    weir.start();
    let permits = |weir: &Weir| {
        let log = weir.log();
        let inserts =
            records(&log, "decided").into_iter().filter(|record| record["text"].as_str().unwrap().contains("INSERT"));
        inserts.count()
    };
    assert_eq!(permits(&weir), 3);
    weir.stop();
    assert_same(&weir, &other);
    // The disk of the state folder's log is new: nothing of it is lost, and nobody has to say why.
    fs::remove_dir_all(weir.state().join("log")).unwrap();
    weir.start();
    assert_eq!(permits(&weir), 3);
    assert!(records(&weir.log(), "noticed").iter().any(|record| record["what"] == "log_place_mended"));
    weir.stop();
    assert_same(&weir, &other);
    // A backup, and what came after it, and the disk of the whole state folder is lost: the log is all there.
    weir.start();
    let backup = weir.folder().join("night.weirbackup").display().to_string();
    let (code, _, err) = run(&weir, &["backup", &backup]);
    assert_eq!(code, 0, "{err}");
    Session::log_in(&weir, "alice", "place_lost", &token).rows("INSERT INTO kept VALUES (4)");
    weir.stop();
    fs::rename(weir.state(), weir.folder().join("lost")).unwrap();
    let (code, out, err) = run(&weir, &["restore", &backup, "--reason", "new disk"]);
    assert!(code == 0 && out.contains("nothing of it is lost"), "{out}{err}");
    weir.start();
    assert_eq!((permits(&weir), records(&weir.log(), "epoch_began").len()), (4, 0));
    weir.stop();
    assert_same(&weir, &other);
    // Two that are not the same log are left as they are, and the one that is as it was signed is not given up.
    let log = weir.state().join("log");
    let segment = fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.filter(|path| path.extension().is_some_and(|end| end == "log")).min().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.len() - 3;
    bytes[at] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let newest = fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path());
    let newest = newest.filter(|path| path.to_string_lossy().contains("/000-")).max().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    bytes[400] ^= 1;
    fs::write(&newest, &bytes).unwrap();
    let (code, _, err) = run(&weir, &["serve"]);
    assert!(code == 1 && err.contains("hold different records in"), "{err}");
    assert_eq!(fs::read(&newest).unwrap(), bytes);
    let (code, _, err) = run(&weir, &["audit", "accept-loss", "--reason", "who knows"]);
    assert!(code == 1 && err.contains("nothing is lost") && err.contains("aside and start"), "{err}");
    fs::rename(&log, weir.folder().join("damaged")).unwrap();
    weir.start();
    assert_eq!(permits(&weir), 4);
}
