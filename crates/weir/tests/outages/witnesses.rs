//! A URL as a place of checkpoints: it is told of each, it knows when the log was put back, and it holds nobody up.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use testkit::wait_until;
use testkit::weir::Weir;

use crate::house::{assert_sound, before, database, noted, records, run};
use crate::wire::Session;

const LIMIT: Duration = Duration::from_secs(15);

/// What the keeper does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Keeps,
    /// Something in between answers.
    Says(&'static str, &'static str),
    /// Takes it, and says nothing.
    Hangs,
    /// Keeps it, and says that it does not.
    KeepsAndFails,
}

/// A server that keeps texts.
struct Keeper {
    port: u16,
    kept: Arc<Mutex<BTreeMap<String, String>>>,
    mood: Arc<Mutex<Mood>>,
}

impl Keeper {
    fn at(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let keeper = Self { port, kept: Arc::default(), mood: Arc::new(Mutex::new(Mood::Keeps)) };
        let (kept, mood) = (Arc::clone(&keeper.kept), Arc::clone(&keeper.mood));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (kept, mood) = (Arc::clone(&kept), Arc::clone(&mood));
                thread::spawn(move || serve(stream.unwrap(), &kept, &mood));
            }
        });
        keeper
    }

    fn notes(&self) -> Vec<String> {
        self.kept.lock().unwrap().values().cloned().collect()
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<BTreeMap<String, String>>, mood: &Mutex<Mood>) -> Option<()> {
    let mut input = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        input.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let (method, rest) = line.split_once(' ').unwrap();
        let path = rest.split_once(' ').unwrap().0.to_owned();
        loop {
            let mut line = String::new();
            input.read_line(&mut line).ok().filter(|count| *count > 0)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        input.read_exact(&mut body).ok()?;
        let found = kept.lock().unwrap().get(&path).cloned();
        let mood = *mood.lock().unwrap();
        let (status, answer) = match (mood, method) {
            (Mood::Hangs, _) => {
                let _ = input.read(&mut [0]);
                return None;
            }
            (Mood::Says(status, answer), _) => (status, answer.to_owned()),
            (Mood::Keeps | Mood::KeepsAndFails, "PUT") => {
                kept.lock().unwrap().insert(path, String::from_utf8(body).unwrap());
                if mood == Mood::Keeps { ("204 No Content", String::new()) } else { ("502 Bad Gateway", String::new()) }
            }
            (Mood::Keeps | Mood::KeepsAndFails, "GET") => {
                found.map_or(("404 Not Found", String::new()), |found| ("200 OK", found))
            }
            (Mood::Keeps | Mood::KeepsAndFails, other) => panic!("{other}"),
        };
        let length =
            if status.starts_with("204") { String::new() } else { format!("content-length: {}\r\n", answer.len()) };
        stream.write_all(format!("HTTP/1.1 {status}\r\n{length}\r\n{answer}").as_bytes()).ok()?;
    }
}

fn lines(port: u16) -> String {
    format!(
        "[evidence]\ncheckpoints = [\"http://127.0.0.1:{port}/notes/\"]\n[alerts]\ncheckpoints_unreachable_seconds = 1\n"
    )
}

fn last(weir: &Weir) -> String {
    fs::read_to_string(weir.state().join("checkpoint")).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_url_knows_when_a_log_was_put_back() {
    database("witnessed", "CREATE TABLE t (id int)");
    let keeper = Keeper::at(0);
    let mut weir = before("witnessed").lines(&lines(keeper.port)).start();
    let token = weir.token("alice", &[]);
    drop(Session::log_in(&weir, "alice", "witnessed", &token));
    noted(&weir, |log| records(log, "closed").len() == 1);
    weir.stop();
    assert_eq!(keeper.notes(), [last(&weir)], "the last one is told before Weir ends");
    let name = keeper.kept.lock().unwrap().keys().next().unwrap().clone();
    assert!(name.starts_with("/notes/weir-") && name.ends_with(".checkpoint"), "{name}");

    let (log, checkpoint) = (weir.state().join("log"), weir.state().join("checkpoint"));
    let (old, older) = (weir.folder().join("old"), weir.folder().join("old.checkpoint"));
    copy(&log, &old);
    fs::copy(&checkpoint, &older).unwrap();
    weir.start();
    Session::log_in(&weir, "alice", "witnessed", &token).rows("SELECT 1");
    weir.stop();
    let note = weir.folder().join("note");
    fs::write(&note, keeper.notes().remove(0)).unwrap();
    let (code, out, err) = run(&weir, &["audit", "verify", "--checkpoint", note.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}{err}");

    // All of it is put back, and only the other place knows better.
    let (new, newer) = (weir.folder().join("new"), weir.folder().join("new.checkpoint"));
    fs::rename(&log, &new).unwrap();
    fs::rename(&checkpoint, &newer).unwrap();
    fs::rename(&old, &log).unwrap();
    fs::rename(&older, &checkpoint).unwrap();
    let (code, _, err) = run(&weir, &["serve"]);
    assert!(
        code == 1 && err.contains(&format!("http://127.0.0.1:{}{name} knows a checkpoint over", keeper.port)),
        "{err}"
    );
    fs::remove_dir_all(&log).unwrap();
    fs::rename(&new, &log).unwrap();
    fs::rename(&newer, &checkpoint).unwrap();
    weir.start();
    assert_sound(&mut weir);
}

#[test]
fn a_url_that_cannot_be_reached_holds_nobody_up_and_is_told_later() {
    database("unreached", "CREATE TABLE t (id int)");
    let port = testkit::free_port().unwrap();
    let mut weir = before("unreached").lines(&lines(port)).start();
    assert!(weir.stderr().contains("cannot be read, so the log is opened without it"), "{}", weir.stderr());
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "unreached", &token);
    session.rows("SELECT 1");
    let is_alert = |record: &&serde_json::Value| record["what"] == "checkpoints_unreachable";
    let log = noted(&weir, |log| records(log, "alert").iter().any(is_alert));
    let alert = records(&log, "alert").into_iter().find(is_alert).unwrap();
    assert!(alert["of"].as_str().unwrap().starts_with(&format!("http://127.0.0.1:{port}/notes/weir-")), "{alert}");
    assert!(alert["detail"].as_str().unwrap().contains("Connection refused"), "{alert}");
    // It is there: what it did not get comes by itself, and nobody asks for anything.
    let keeper = Keeper::at(port);
    wait_until(LIMIT, "the last checkpoint", || keeper.notes() == [last(&weir)]).unwrap();

    // What is in between says something else than it, or nothing.
    drop(session);
    for mood in [Mood::Says("200 OK", "<h1>Please log in</h1>"), Mood::Says("503 Busy", ""), Mood::Hangs] {
        weir.stop();
        *keeper.mood.lock().unwrap() = mood;
        weir.start();
        Session::log_in(&weir, "alice", "unreached", &token).rows("SELECT 1");
        assert!(
            weir.stderr().contains("cannot be read, so the log is opened without it"),
            "{mood:?}: {}",
            weir.stderr()
        );
        let log = weir.log();
        assert_ne!(keeper.notes(), [last(&weir)], "{mood:?}");
        assert!(!records(&log, "admitted").is_empty());
        *keeper.mood.lock().unwrap() = Mood::Keeps;
        wait_until(LIMIT, "the last checkpoint", || keeper.notes() == [last(&weir)]).unwrap();
    }
    assert_sound(&mut weir);
    weir.stop();
    weir.verify();
}

#[test]
fn a_note_that_is_not_this_logs_keeps_it_closed() {
    database("foreign_note", "CREATE TABLE t (id int)");
    let keeper = Keeper::at(0);
    let mut weir = before("foreign_note").lines(&lines(keeper.port)).start();
    wait_until(LIMIT, "the last checkpoint", || keeper.notes() == [last(&weir)]).unwrap();
    weir.stop();
    for note in keeper.kept.lock().unwrap().values_mut() {
        *note = note.replacen("weir/", "weir/f", 1);
    }
    let (code, _, err) = run(&weir, &["serve"]);
    assert!(code == 1 && err.contains("is not to be trusted"), "{err}");
}

#[test]
fn a_url_that_another_weir_writes_is_told_and_left_as_it_is() {
    database("copied_state", "CREATE TABLE t (id int)");
    let keeper = Keeper::at(0);
    let mut weir = before("copied_state").lines(&lines(keeper.port)).start();
    let token = weir.token("alice", &[]);
    wait_until(LIMIT, "the last checkpoint", || keeper.notes() == [last(&weir)]).unwrap();
    // An answer that was lost is not another Weir.
    *keeper.mood.lock().unwrap() = Mood::KeepsAndFails;
    let mut session = Session::log_in(&weir, "alice", "copied_state", &token);
    session.rows("SELECT 1");
    let says = |words: &str| wait_until(LIMIT, words, || weir.stderr().contains(words)).unwrap();
    says("could not be kept here");
    says("502 Bad Gateway");
    *keeper.mood.lock().unwrap() = Mood::Keeps;
    says("are kept here again");
    wait_until(LIMIT, "the last checkpoint", || keeper.notes() == [last(&weir)]).unwrap();

    let other = keeper.notes()[0].replacen('A', "B", 1);
    // Again until it is seen: what is under way is still written over it.
    let is_told = || {
        keeper.kept.lock().unwrap().values_mut().for_each(|note| note.clone_from(&other));
        session.rows("SELECT 1");
        weir.stderr().contains("another Weir has written its checkpoint here")
    };
    wait_until(LIMIT, "a word of another Weir", is_told).unwrap();
    assert_eq!(keeper.notes(), [other], "it is left there");
    drop(session);
    assert_sound(&mut weir);
    weir.stop();
    weir.verify();
}
