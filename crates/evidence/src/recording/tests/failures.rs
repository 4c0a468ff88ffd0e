//! The n-th operation of the disk fails, for each n; and files that others touch.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gate::{Frame, Opening, Recorder};
use model::{RecordingLevel, SessionId, UnixMicros};

use crate::recording::format::OPEN_FOLDER;
use crate::recording::reader::Kept;
use crate::recording::recover::digest_of;
use crate::recording::testing::{
    Book, DAY, FailingDisk, OPENED, Stop, keys, on, open_path, read, shelved, show, still,
};
use crate::recording::{Recordings, chunk::LEVEL};
use crate::testing::Failure;

const SESSIONS: [&str; 2] = ["one", "two"];

/// What a run came to: whether each session was begun, and stood to its end.
struct Outcome {
    begun: Vec<bool>,
    stood: Vec<bool>,
    words: Vec<String>,
}

/// Two sessions, several writings each, and their ends.
fn run(recordings: &Recordings) -> Outcome {
    let mut outcome = Outcome { begun: Vec::new(), stood: Vec::new(), words: Vec::new() };
    let mut begun = Vec::new();
    for session in SESSIONS {
        let session = SessionId(session.into());
        let level = RecordingLevel::Full;
        let tried =
            recordings.begin(&Opening { session: &session, at: UnixMicros(OPENED), protocol: "postgres", level });
        outcome.begun.push(tried.is_ok());
        begun.push(tried.map_err(|down| outcome.words.push(down.0)).ok());
    }
    for n in 0..3_u64 {
        for recording in begun.iter().flatten() {
            recording.add(UnixMicros(OPENED + n), Frame::About(n));
            // Long enough that some pages are written by themselves.
            show(&**recording, n, &vec![n as u8; 70_000]);
        }
        recordings.flush();
    }
    for recording in begun {
        let stands = recording.as_ref().is_some_and(|recording| match recording.stands() {
            Ok(()) => true,
            Err(down) => {
                outcome.words.push(down.0);
                false
            }
        });
        outcome.stood.push(stands);
        drop(recording);
    }
    outcome
}

fn frames(bytes: &[u8]) -> (Vec<Kept>, Stop) {
    read(bytes, &keys())
}

/// What is in the folder of a session, wherever it is.
fn find(folder: &Path, session: &str) -> Option<Vec<u8>> {
    let places = [open_path(folder, session), folder.join(DAY).join(format!("{session}.rec"))];
    let mut found = places.iter().filter_map(|path| fs::read(path).ok());
    let bytes = found.next();
    assert!(found.next().is_none(), "{session} is in two places");
    bytes
}

#[test]
fn whichever_operation_fails_what_is_there_is_sound() {
    let truth = {
        let dir = tempfile::tempdir().unwrap();
        run(&still(dir.path(), &Arc::new(Book::default())));
        frames(&shelved(dir.path(), "one"))
    };
    assert_eq!((truth.0.len(), &truth.1), (9, &Stop::Complete));
    let mut runs = 0;
    for (count, short) in [(1, false), (1, true), (usize::MAX - 1, false)] {
        for from in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let book = Arc::new(Book::default());
            let (disk, failure) = FailingDisk::on(dir.path(), Failure { from, count, short, ..Failure::default() });
            let opened = Recordings::open_on(dir.path(), keys(), book.clone(), LEVEL, disk);
            let Ok(recordings) = opened else {
                assert_eq!(from, 0, "only the folder is made when it is opened");
                continue;
            };
            let outcome = run(&recordings);
            drop(recordings);
            if failure.lock().operations <= from {
                break;
            }
            runs += 1;
            let told = book.recorded();
            let mut whole = 0;
            for (n, session) in SESSIONS.into_iter().enumerate() {
                let Some(bytes) = find(dir.path(), session) else {
                    assert!(!outcome.begun[n], "{session} is gone");
                    continue;
                };
                let (found, stop) = frames(&bytes);
                assert!(truth.0.starts_with(&found), "{session}, {from}");
                let is_told = told.iter().any(|(of, recorded)| of == session && recorded.how == "closed");
                // One that could not be looked at after its end was written is told at the next start.
                let is_shelved = !open_path(dir.path(), session).exists();
                assert!(is_told || !is_shelved, "{session}, {from}");
                assert!(stop == Stop::Complete || !is_told, "{session}, {from}: {stop:?}");
                match stop {
                    Stop::Complete => whole += 1,
                    Stop::Unfinished { .. } => {}
                    Stop::Unreadable(_) => assert!(!outcome.begun[n]),
                    Stop::Fault(fault) => panic!("{session}, {from}: {fault}"),
                }
            }
            let down = outcome.stood.iter().filter(|stood| !**stood).count();
            assert_eq!(outcome.words.len(), down);
            for words in &outcome.words {
                assert!(words.ends_with("is full; free some space on it"), "{words}");
            }
            if count == 1 {
                assert!(down <= 1 && whole >= 1, "one failure is one recording's");
            }
            settle(dir.path(), &outcome);
        }
    }
    assert!(runs > 60, "{runs} runs");
}

/// After a start on a disk that works, nothing is open and each file is in the log as it is.
fn settle(folder: &Path, outcome: &Outcome) {
    let book = Arc::new(Book::default());
    drop(still(folder, &book));
    assert_eq!(fs::read_dir(folder.join(OPEN_FOLDER)).unwrap().count(), 0);
    for (_, recorded) in book.recorded() {
        let (bytes, digest) = digest_of(&folder.join(&recorded.file)).unwrap();
        assert_eq!((bytes, digest), (recorded.bytes, recorded.digest));
    }
    assert!(book.recorded().len() <= outcome.begun.len());
}

#[test]
fn a_write_that_failed_is_cut_back_and_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, failure) = FailingDisk::on(dir.path(), Failure::default());
    let recordings = on(dir.path(), &Arc::new(Book::default()), disk);
    let (one, two) = (recordings.start("one"), recordings.start("two"));
    show(&*one, 1, b"first");
    recordings.flush();
    let before = fs::read(open_path(dir.path(), "one")).unwrap();
    show(&*one, 2, b"second");
    // To reopen and to look pass; half of the write does.
    let operations = failure.lock().operations;
    *failure.lock() = Failure { from: operations + 2, count: 1, short: true, operations, ..Failure::default() };
    recordings.flush();
    assert_eq!(fs::read(open_path(dir.path(), "one")).unwrap(), before);
    let down = one.stands().unwrap_err();
    let folder = dir.path().display();
    assert_eq!(down.0, format!("the disk of {folder} is full; free some space on it"));
    show(&*one, 3, b"third");
    assert_eq!(recordings.shared.waiting_bytes(), 0, "what can't be written is not kept");
    show(&*two, 3, b"third");
    drop((one, two));
    assert_eq!(fs::read(open_path(dir.path(), "one")).unwrap(), before, "it is down for good");
    assert_eq!(frames(&shelved(dir.path(), "two")).1, Stop::Complete);
}

#[test]
fn a_file_that_others_touch_is_no_recording() {
    type Touch = fn(&Path);
    let touches: [(Touch, &str); 5] = [
        (|path| fs::remove_file(path).unwrap(), "was deleted"),
        (|path| fs::rename(path, path.with_extension("away")).unwrap(), "was deleted"),
        (
            |path| {
                let bytes = fs::read(path).unwrap();
                fs::rename(path, path.with_extension("away")).unwrap();
                fs::write(path, bytes).unwrap();
            },
            "was deleted",
        ),
        (|path| fs::write(path, b"").unwrap(), "was changed by someone else"),
        (
            |path| {
                let bytes = fs::read(path).unwrap();
                fs::write(path, [bytes.as_slice(), b"x"].concat()).unwrap();
            },
            "was changed by someone else",
        ),
    ];
    for (touch, words) in touches {
        for is_end in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let book = Arc::new(Book::default());
            let recordings = still(dir.path(), &book);
            let recording = recordings.start("one");
            show(&*recording, 1, b"first");
            recordings.flush();
            let path = open_path(dir.path(), "one");
            touch(&path);
            let touched = fs::read(&path).ok();
            show(&*recording, 2, b"second");
            if is_end {
                drop(recording);
            } else {
                recordings.flush();
                let down = recording.stands().unwrap_err().0;
                assert_eq!(down, format!("{} {words} while Weir was writing it", path.display()));
            }
            assert_eq!(book.recorded(), [], "{words}");
            assert_eq!(fs::read(&path).ok(), touched, "nothing is written into what is not ours");
        }
    }
}

#[test]
fn what_cannot_be_put_to_its_day_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let book = Arc::new(Book::default());
    let (disk, failure) = FailingDisk::on(dir.path(), Failure::default());
    let recordings = on(dir.path(), &book, disk);
    // Something is in the way of the day's folder.
    let day = dir.path().join(crate::recording::file::day(UnixMicros(OPENED)));
    fs::write(&day, "").unwrap();
    let recording = recordings.start("one");
    show(&*recording, 1, b"first");
    drop(recording);
    recordings.flush();
    assert!(open_path(dir.path(), "one").exists());
    assert_eq!(book.recorded().len(), 1, "the log knows it");
    // Not with each round of many in a second, of which this takes a moment.
    let (began, before) = (Instant::now(), failure.lock().operations);
    for _ in 0..1000 {
        recordings.shared.round(false);
    }
    let tried = u64::try_from(failure.lock().operations - before).unwrap();
    assert!(tried <= 2 * (began.elapsed().as_secs() + 1), "{tried} in {:?}", began.elapsed());
    fs::remove_file(&day).unwrap();
    recordings.flush();
    assert_eq!(frames(&shelved(dir.path(), "one")).1, Stop::Complete);
    assert_eq!(book.recorded().len(), 1, "and is told once");
}

#[test]
fn what_cannot_be_begun_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let recordings = still(dir.path(), &Arc::new(Book::default()));
    let begin = |session: &str, level| {
        let session = SessionId(session.into());
        let opening = Opening { session: &session, at: UnixMicros(OPENED), protocol: "postgres", level };
        recordings.begin(&opening).map(drop).unwrap_err().0
    };
    assert_eq!(begin("../x", RecordingLevel::Full), "the session's id cannot be the name of a file");
    assert_eq!(begin("x", RecordingLevel::Off), "its level is off");
    let one = recordings.start("one");
    assert!(begin("one", RecordingLevel::Full).contains("File exists"));
    drop(one);
    assert_eq!(frames(&shelved(dir.path(), "one")).1, Stop::Complete);
    fs::remove_dir(dir.path().join(OPEN_FOLDER)).unwrap();
    let folder = dir.path().display();
    assert_eq!(begin("two", RecordingLevel::Full), format!("the folder {folder}/open is gone; start Weir again"));
}
