//! A log that cannot be written: nothing runs, nobody comes in, and when it can be written again all goes on.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::weir::Weir;

use crate::house::{SERVER, assert_sound, before, database, records, run, verify_without_warnings};
use crate::wire::Session;

/// A small file system over a folder, gone when this is.
pub struct Mounted(PathBuf);

impl Mounted {
    pub fn over(folder: &Path, options: &str) -> Self {
        privileged(&["mount", "-t", "tmpfs", "-o", options, "tmpfs"], folder);
        Self(folder.to_path_buf())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        privileged(&["umount", "-l"], &self.0);
    }
}

/// Runs a command that needs root, as root or through sudo.
fn privileged(command: &[&str], folder: &Path) {
    let attempt = |prefix: &[&str]| {
        let words: Vec<&str> = prefix.iter().chain(command).copied().collect();
        Command::new(words[0]).args(&words[1..]).arg(folder).output().is_ok_and(|output| output.status.success())
    };
    assert!(
        attempt(&[]) || attempt(&["sudo", "-n"]),
        "this test mounts a small tmpfs or makes files immutable: run it as root, with CAP_SYS_ADMIN, or with a sudo that asks for no password \
         (`{} {}` failed)",
        command.join(" "),
        folder.display()
    );
}

/// A state folder with a small file system where the log will be.
pub fn small_log(weir: &Weir, options: &str) -> Mounted {
    use std::os::unix::fs::DirBuilderExt as _;
    let log = weir.state().join("log");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&log).unwrap();
    Mounted::over(&log, options)
}

fn count(database: &str) -> usize {
    SERVER.psql(database, "SELECT count(*) FROM kept").unwrap().trim().parse().unwrap()
}

/// Rows on the target, and permits in the log for inserting them.
fn ids_of(database: &str, weir: &Weir) -> (Vec<String>, Vec<String>) {
    let rows = SERVER.psql(database, "SELECT id FROM kept ORDER BY id").unwrap();
    let rows = rows.lines().map(str::to_owned).collect();
    let log = weir.log();
    let permits = records(&log, "decided").into_iter().filter(|record| record["ruling"] == "permit");
    let id = |text: &str| Some(text.strip_prefix("INSERT INTO kept VALUES (")?.strip_suffix(')')?.to_owned());
    (rows, permits.filter_map(|record| id(record["text"].as_str()?)).collect())
}

#[test]
fn a_full_disk_stops_everything_until_there_is_space_again() {
    database("disk_full", "CREATE TABLE kept (id int PRIMARY KEY)");
    let mut weir = before("disk_full").setting("workers = 1").lines("[evidence]\nreserve = \"0\"\n").write();
    let _mounted = small_log(&weir, "size=256k,mode=0700");
    weir.start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "disk_full", &token);
    session.rows("INSERT INTO kept VALUES (1000)");

    // All of it is taken, up to what is left of the log's own last page: records fit there until one does not.
    let filler = weir.state().join("log/filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
    let mut taken = vec!["1000".to_owned()];
    let mut refused = 0;
    for id in 1001.. {
        match session.query(&format!("INSERT INTO kept VALUES ({id})")) {
            Ok(_) if refused == 0 => taken.push(id.to_string()),
            Ok(_) => panic!("row {id} was inserted after {refused} refusals"),
            Err(report) => {
                report.says("ERROR", "58030", "decision log");
                refused += 1;
            }
        }
        if refused == 20 {
            break;
        }
        assert!(id < 1100, "the disk is full, and nothing is refused");
    }
    // In a batch, in a transaction, and a new caller.
    session.error("BEGIN").says("ERROR", "58030", "decision log");
    session.wire.send(b'P', b"\0INSERT INTO kept VALUES (2000)\0\0\0");
    session.wire.send(b'B', &[0; 8]);
    session.wire.send(b'E', &[0; 5]);
    session.wire.send(b'S', &[]);
    session.answer().0.unwrap_err().says("ERROR", "58030", "decision log");
    for _ in 0..3 {
        let report = Session::refused(&weir, "alice", "disk_full", &token);
        report.says("FATAL", "58030", "nobody may come in");
        assert!(report.hint.contains("disk may be full"), "{report:?}");
        Session::refused(&weir, "alice", "disk_full", "wrong").says("FATAL", "28P01", "");
    }
    assert!(weir.stderr().contains("free some space"), "{}", weir.stderr());
    assert_eq!(count("disk_full"), taken.len());
    assert_sound(&mut weir);

    // Space again: the same session, the same process.
    drop(file);
    fs::remove_file(&filler).unwrap();
    session.rows("INSERT INTO kept VALUES (3000)");
    taken.push("3000".to_owned());
    Session::log_in(&weir, "alice", "disk_full", &token).rows("SELECT 1");
    let (rows, permits) = ids_of("disk_full", &weir);
    assert_eq!((&rows, &permits), (&taken, &taken), "rows on the target, and permits in the log");
    println!("full disk: {} rows, {} permits, {refused} statements refused", rows.len(), permits.len());
    drop(session);
    assert_eq!(weir.stop().and_then(|status| status.code()), Some(0));
    verify_without_warnings(&weir);
}

#[test]
fn a_log_folder_that_is_removed_stops_everything() {
    database("removed", "CREATE TABLE kept (id int PRIMARY KEY)");
    let mut weir = before("removed").start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "removed", &token);
    session.rows("INSERT INTO kept VALUES (1)");
    fs::remove_dir_all(weir.state().join("log")).unwrap();
    for id in 2..12 {
        session.error(&format!("INSERT INTO kept VALUES ({id})")).says("ERROR", "58030", "decision log");
    }
    for _ in 0..4 {
        Session::refused(&weir, "alice", "removed", &token).says("FATAL", "58030", "nobody may come in");
    }
    assert_eq!(count("removed"), 1);
    assert!(weir.stderr().contains("was deleted while Weir was writing it; start Weir again"), "{}", weir.stderr());
    assert_sound(&mut weir);
    // What was deleted can't be continued, and nobody goes on as if it had never been there: the last checkpoint knows better.
    weir.stop();
    let (code, _, err) = run(&weir, &["serve"]);
    assert!(code == 1 && err.contains("state/checkpoint knows a checkpoint over"), "{code} {err}");
    // Who knows why says so, and goes on.
    let (code, out, err) = run(&weir, &["audit", "accept-loss", "--reason", "somebody has removed it"]);
    assert_eq!(code, 0, "{out}{err}");
    weir.start();
    Session::log_in(&weir, "alice", "removed", &token).rows("INSERT INTO kept VALUES (20)");
    assert_eq!(count("removed"), 2);
    weir.verify();
}

#[test]
fn a_read_only_log_folder_lets_nothing_start() {
    database("read_only", "CREATE TABLE kept (id int PRIMARY KEY)");
    let weir = before("read_only").write();
    let _mounted = small_log(&weir, "ro,size=256k,mode=0700");
    let (code, out, err) = run(&weir, &["serve"]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("state/log") && err.to_lowercase().contains("read-only"), "{err}");
}

/// Files that can't be written any more, by anybody, until this is dropped.
pub struct Frozen(Vec<PathBuf>);

impl Frozen {
    pub fn all_in(folder: &Path) -> Self {
        let files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.iter().for_each(|file| privileged(&["chattr", "+i"], file));
        Self(files)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.0.iter().for_each(|file| privileged(&["chattr", "-i"], file));
    }
}

#[test]
fn a_log_that_becomes_read_only_stops_everything_until_it_can_be_written_again() {
    database("frozen", "CREATE TABLE kept (id int PRIMARY KEY)");
    let mut weir = before("frozen").start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "frozen", &token);
    session.rows("INSERT INTO kept VALUES (1)");
    let frozen = Frozen::all_in(&weir.state().join("log"));
    for id in 2..6 {
        session.error(&format!("INSERT INTO kept VALUES ({id})")).says("ERROR", "58030", "decision log");
    }
    Session::refused(&weir, "alice", "frozen", &token).says("FATAL", "58030", "nobody may come in");
    assert_eq!(count("frozen"), 1);
    drop(frozen);
    session.rows("INSERT INTO kept VALUES (20)");
    let (rows, permits) = ids_of("frozen", &weir);
    assert_eq!((rows.as_slice(), permits.as_slice()), (["1", "20"].map(str::to_owned).as_slice(), rows.as_slice()));
    drop(session);
    assert_sound(&mut weir);
    weir.stop();
    weir.verify();
}

/// A folder that is put aside keeps its log: Weir holds the file, not the name. What it decides is in that file, wherever
/// somebody has put it, and a read-only folder in its place makes no decision unwritten.
#[test]
fn a_log_folder_that_is_put_aside_for_a_read_only_one_loses_no_record() {
    database("put_aside", "CREATE TABLE kept (id int PRIMARY KEY)");
    let mut weir = before("put_aside").start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "put_aside", &token);
    session.rows("INSERT INTO kept VALUES (1)");
    let (log, aside) = (weir.state().join("log"), weir.state().join("log.aside"));
    fs::rename(&log, &aside).unwrap();
    fs::create_dir(&log).unwrap();
    let mounted = Mounted::over(&log, "ro,size=256k,mode=0700");
    let taken: Vec<u32> =
        (2..12).filter(|id| session.query(&format!("INSERT INTO kept VALUES ({id})")).is_ok()).collect();
    assert_eq!(count("put_aside"), taken.len() + 1);
    drop(session);
    weir.stop();
    drop(mounted);
    fs::remove_dir(&log).unwrap();
    fs::rename(&aside, &log).unwrap();
    let (rows, permits) = ids_of("put_aside", &weir);
    assert_eq!(rows.len(), permits.len());
    verify_without_warnings(&weir);
}
