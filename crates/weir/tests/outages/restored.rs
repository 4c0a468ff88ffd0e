//! State folders that are lost, put back, rolled back or damaged, and keys that are followed by others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use testkit::Release;
use testkit::weir::Weir;

use crate::house::{CLIENTS, PASSWORD, SERVER, before, builder, database, noted, psql, records, run};
use crate::wire::Session;

/// A Weir whose checkpoints another place has too.
fn witnessed(name: &str) -> (Weir, PathBuf, tempfile::TempDir) {
    let there = tempfile::tempdir().unwrap();
    database(name, "CREATE TABLE written (id int, how text); INSERT INTO written VALUES (0, 'before')");
    let lines = format!("[evidence]\ncheckpoints = [\"{}\"]", there.path().display());
    let weir = before(name).setting("workers = 2").lines(&lines).start();
    let folder = there.path().to_owned();
    (weir, folder, there)
}

fn ask(weir: &Weir, name: &str, times: usize) {
    let token = weir.token("alice", &[]);
    let outcome = psql(weir, "alice", &token, name, &"SELECT count(*) FROM written;\n".repeat(times));
    assert!(outcome.success(), "{}{}", outcome.stdout, outcome.stderr);
}

/// What `weir serve` says when it does not start.
fn not_started(weir: &Weir) -> String {
    let serve = weir.command(&["serve"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let output = serve.unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn ok(weir: &Weir, args: &[&str]) -> String {
    let (code, out, err) = run(weir, args);
    assert_eq!(code, 0, "{args:?}: {out}{err}");
    out + &err
}

/// The one file in a folder.
fn only(folder: &Path) -> PathBuf {
    fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn a_backup_of_a_running_weir_is_put_back_and_everybody_is_told() {
    let (mut weir, there, _guard) = witnessed("put_back");
    let backup = weir.folder().join("night.weirbackup").display().to_string();
    // Written to while the backup is made, by sessions of both workers.
    let token = weir.token("loader", &[]);
    let stop = weir.folder().join("stop");
    let load = std::thread::spawn({
        let (stop, info) = (stop.clone(), weir.conninfo("loader", "put_back"));
        move || {
            let mut ran = 0;
            while !stop.exists() {
                let input = "INSERT INTO written VALUES (1, 'load');\n".repeat(50);
                let one = CLIENTS.psql(Release::V18).args(["-q", "-d"]).arg(&info).env("PGPASSWORD", &token);
                assert!(one.input(&input).finish().unwrap().success());
                ran += 1;
            }
            ran
        }
    });
    let mut backups = Vec::new();
    for n in 0..5 {
        let backup = format!("{backup}.{n}");
        ok(&weir, &["backup", &backup]);
        backups.push(backup);
    }
    fs::write(&stop, "").unwrap();
    assert!(load.join().unwrap() > 0);
    let (code, _, err) = run(&weir, &["backup", &backups[0]]);
    assert!(code == 1 && err.contains("is there already"), "{err}");
    // After the backup a token is revoked and things are asked; then the disk is lost.
    let late = weir.token("late", &[]);
    ask(&weir, "put_back", 20);
    let (code, _, err) = run(&weir, &["restore", &backups[0], "--reason", "new disk"]);
    assert!(code == 1 && err.contains("holds something already"), "{err}");
    weir.stop();
    let lost = weir.folder().join("lost");
    fs::rename(weir.state(), &lost).unwrap();
    for backup in &backups {
        // A new key must not be made in the place of the lost one, nor a damaged backup be taken.
        let whole = fs::read(backup).unwrap();
        fs::write(format!("{backup}.damaged"), &whole[..whole.len() / 2]).unwrap();
        let (code, _, err) = run(&weir, &["restore", &format!("{backup}.damaged"), "--reason", "new disk"]);
        assert!(code == 1 && err.contains("nothing was put back") && !weir.state().exists(), "{err}");
        let said = ok(
            &weir,
            &["restore", backup, "--reason", "new disk", "--key", &lost.join("log.pub").display().to_string()],
        );
        assert!(said.contains("A new epoch of its log begins") && said.contains("revoke again"), "{said}");
        assert!(said.contains("so are legal holds: place again what was placed after"), "{said}");
        weir.start();
        ask(&weir, "put_back", 3);
        let log = weir.log();
        let began = records(&log, "epoch_began").pop().unwrap();
        assert!(began["why"].as_str().unwrap().starts_with("new disk: restored from the backup of"), "{began}");
        assert!(began["known"][0].as_str().unwrap().contains("records of epoch"), "{began}");
        let told = ok(&weir, &["audit", "verify", "--recordings"]);
        assert!(told.contains("begins, because somebody said that the log is to go on"), "{told}");
        // Who came after the backup is not known any more.
        let refused = psql(&weir, "late", &late, "put_back", "SELECT 1");
        assert!(refused.stderr.contains("The token is not known here"), "{}", refused.stderr);
        weir.stop();
        fs::remove_dir_all(weir.state()).unwrap();
    }
    // The lost disk turns up: it is told to be the old one.
    fs::rename(&lost, weir.state()).unwrap();
    let said = not_started(&weir);
    assert!(said.contains("knows epoch") && said.contains("accept-loss"), "{said}");
    let (code, out, _) = run(&weir, &["audit", "verify", "--checkpoint", &only(&there).display().to_string()]);
    assert!(code == 1 && out.contains("it is an older copy"), "{out}");
}

#[test]
fn what_was_rolled_back_is_not_served_until_somebody_says_why() {
    let (mut weir, there, _guard) = witnessed("rolled");
    ask(&weir, "rolled", 5);
    let (code, _, err) = run(&weir, &["audit", "accept-loss", "--reason", "why not"]);
    assert!(code == 1 && err.contains("is in use by another Weir"), "{err}");
    weir.stop();
    let (code, _, err) = run(&weir, &["audit", "accept-loss", "--reason", "why not"]);
    assert!(code == 1 && err.contains("nothing is lost"), "{err}");
    let copy = weir.folder().join("copy");
    assert!(Command::new("cp").args(["-a"]).arg(weir.state()).arg(&copy).status().unwrap().success());
    weir.start();
    ask(&weir, "rolled", 20);
    weir.stop();
    let kept = fs::read(only(&there)).unwrap();
    fs::rename(weir.state(), weir.folder().join("newer")).unwrap();
    fs::rename(&copy, weir.state()).unwrap();
    assert!(not_started(&weir).contains("the log's end was cut off, or an older copy of it was put in its place"));
    let (code, _, err) = run(&weir, &["audit", "accept-loss", "--reason", "  "]);
    assert!(code == 2 && err.contains("no reason"), "{err}");
    let said = ok(&weir, &["audit", "accept-loss", "--reason", "snapshot of last night"]);
    assert!(said.contains("lost: ") && said.contains("a new epoch"), "{said}");
    weir.start();
    ask(&weir, "rolled", 3);
    let told = ok(&weir, &["audit", "verify"]);
    assert!(told.contains("epoch 2 begins") && told.contains("that had been signed are not here"), "{told}");
    // Who kept the checkpoint of what was given up is told that it is not there.
    let old = weir.folder().join("kept.checkpoint");
    fs::write(&old, kept).unwrap();
    let (code, out, _) = run(&weir, &["audit", "verify", "--checkpoint", &old.display().to_string()]);
    assert!(code == 1 && out.contains("it was lost before epoch 2 began"), "{out}");
}

#[test]
fn a_damaged_log_is_put_aside_whole_and_another_begins() {
    let (mut weir, _there, _guard) = witnessed("aside");
    ask(&weir, "aside", 5);
    weir.stop();
    let log = weir.state().join("log");
    let segment = fs::read_dir(&log)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|file| file.file_name().unwrap().to_string_lossy().starts_with("001-"));
    let segment = segment.unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    assert!(not_started(&weir).contains("is not what the last checkpoint says"));
    let said = ok(&weir, &["audit", "accept-loss", "--reason", "a bad disk"]);
    assert!(said.contains("is put aside, as it is"), "{said}");
    let aside = weir.state().join("log.aside-1");
    assert_eq!(fs::read(aside.join(segment.file_name().unwrap())).unwrap(), bytes);
    weir.start();
    ask(&weir, "aside", 2);
    assert!(ok(&weir, &["sessions"]).contains("alice"));
    let told = ok(&weir, &["audit", "verify"]);
    assert!(told.contains("epoch 2 begins"), "{told}");
    let (code, out, _) = run(&weir, &["audit", "verify", "--folder", &aside.display().to_string()]);
    assert!(code == 1 && out.contains("fault"), "{out}");
}

#[test]
fn keys_are_followed_by_others_and_nothing_that_was_made_with_them_is_lost() {
    let schema = "CREATE TABLE people (name text, email text); INSERT INTO people VALUES ('Ada', 'ada@example.com')";
    database("followed_by", schema);
    let more = format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\nrecording = \"full\"", SERVER.port());
    let classes = [("public.people.email", "pii.email")];
    let mut weir = builder().target_with("followed_by", "followed_by", ("holder", PASSWORD), &more, &classes).start();
    let key = |weir: &Weir| fs::read_to_string(weir.state().join("log.key")).unwrap();
    let shown = |weir: &Weir| {
        let token = weir.token("alice", &[]);
        let outcome = psql(weir, "alice", &token, "followed_by", "SELECT name, email FROM people");
        assert!(outcome.stdout.contains("Ada|ada@example.com"), "{}", outcome.stdout);
        noted(weir, |log| records(log, "recorded").len() == records(log, "closed").len());
        let log = weir.log();
        records(&log, "recorded").pop().unwrap()["session"].as_str().unwrap().to_owned()
    };
    let first = shown(&weir);
    let (old_public, old_key) = (weir.folder().join("old.pub"), key(&weir));
    fs::copy(weir.state().join("log.pub"), &old_public).unwrap();
    let said = ok(&weir, &["keys", "rotate", "log", "recordings", "tokens"]);
    assert_eq!(said.matches("follows when `weir serve` starts the next time").count(), 3, "{said}");
    let (code, _, err) = run(&weir, &["keys", "rotate", "tokens"]);
    assert!(code == 1 && err.contains("not in force yet"), "{err}");
    let (code, _, err) = run(&weir, &["keys", "rotate", "log"]);
    assert!(code == 1 && err.contains("is there already"), "{err}");
    let second = shown(&weir);
    weir.stop();
    weir.start();
    let third = shown(&weir);
    let log = weir.log();
    let what: Vec<&Value> = records(&log, "key_rotated").into_iter().map(|record| &record["what"]).collect();
    assert_eq!(what, ["recordings", "tokens", "log"]);
    assert!(key(&weir) != old_key && !weir.state().join("log.key.next").exists());
    // All three are told, found by the person's value, and verified, also by who has the first key alone.
    let texts: Vec<String> = [&first, &second, &third].iter().map(|id| ok(&weir, &["replay", id, "--text"])).collect();
    let token = |text: &str| text.split_whitespace().find(|word| word.starts_with("tok_")).unwrap().to_owned();
    assert_eq!(token(&texts[0]), token(&texts[1]), "the key was in force until the start");
    assert_ne!(token(&texts[1]), token(&texts[2]));
    let found = ok(&weir, &["sessions", "--value", "ada@example.com", "--json"]);
    for id in [&first, &second, &third] {
        assert!(found.contains(id.as_str()), "{id}: {found}");
    }
    let header = |id: &str| {
        let file =
            records(&log, "recorded").into_iter().find(|record| record["session"] == id).unwrap()["file"].clone();
        String::from_utf8_lossy(&fs::read(weir.state().join("recordings").join(file.as_str().unwrap())).unwrap())
            .split_once("\"key\":\"")
            .map(|(_, rest)| rest[..16].to_owned())
            .unwrap()
    };
    assert_eq!(header(&first), header(&second));
    assert_ne!(header(&second), header(&third));
    let told = ok(&weir, &["audit", "verify", "--recordings", "--key", &old_public.display().to_string()]);
    assert!(told.contains("signed by another key now, which one that you trust has named"), "{told}");
    let listed = ok(&weir, &["keys", "list"]);
    assert!(
        listed.contains("signs\n") && listed.contains("signed once") && listed.matches("in use").count() == 2,
        "{listed}"
    );
    weir.stop();
    weir.start();
    assert_eq!(records(&weir.log(), "key_rotated").len(), 3, "it is said once");
    weir.verify();
}

#[test]
fn two_that_run_with_copies_of_one_state_folder_are_told() {
    let (mut weir, there, _guard) = witnessed("twice");
    ask(&weir, "twice", 2);
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "twice", &token);
    testkit::wait_until(Duration::from_secs(5), "a checkpoint there", || fs::read_dir(&there).unwrap().count() == 1)
        .unwrap();
    // What the copy would write.
    let place = only(&there);
    fs::write(&place, "another's").unwrap();
    let mut is_told = || {
        session.rows("SELECT 1");
        weir.stderr().contains("another Weir has written its checkpoint here")
    };
    testkit::wait_until(Duration::from_secs(10), "a word of it", &mut is_told).unwrap();
    assert_eq!(fs::read_to_string(&place).unwrap(), "another's");
    fs::remove_file(&place).unwrap();
    drop(session);
    weir.stop();
}

#[test]
fn a_backup_from_before_a_key_was_followed_is_put_back_with_the_newer_public_key() {
    let (mut weir, there, _guard) = witnessed("key_after");
    let backup = weir.folder().join("night.weirbackup").display().to_string();
    ask(&weir, "key_after", 2);
    ok(&weir, &["backup", &backup]);
    ok(&weir, &["keys", "rotate", "log"]);
    weir.stop();
    weir.start();
    ask(&weir, "key_after", 5);
    weir.stop();
    let key = weir.folder().join("kept.pub");
    fs::copy(weir.state().join("log.pub"), &key).unwrap();
    fs::rename(weir.state(), weir.folder().join("lost")).unwrap();
    // The place has a note by a key that the backup does not know: it is not overruled by who can't read it.
    let (code, _, err) = run(&weir, &["restore", &backup, "--reason", "new disk"]);
    assert!(code == 1 && err.contains("is not to be trusted"), "{err}");
    let left = weir.folder().join("state.restoring");
    fs::remove_dir_all(left).unwrap();
    let key = key.display().to_string();
    ok(&weir, &["restore", &backup, "--reason", "new disk", "--key", &key]);
    weir.start();
    ask(&weir, "key_after", 2);
    let told = ok(&weir, &["audit", "verify", "--checkpoint", &only(&there).display().to_string()]);
    assert!(told.contains("epoch 2 begins"), "{told}");
}
