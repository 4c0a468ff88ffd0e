//! The file: whose it is, who may read it, what is in it, who else has it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use super::{empty, feed, statements};
use crate::{Cursor, Entry, Error, Index, Search, SessionState, Text};

fn decided(seq: u64, text: &str) -> (u16, u64, String) {
    let json = format!(
        r#"{{"seq":{seq},"at":{seq},"session":"s","event":"decided","op":{seq},"ruling":"permit","step":"query","asks":[],"rules":[],"digest":"","text":"{text}"}}"#
    );
    (0, seq, json)
}

#[test]
fn nobody_but_its_owner_reads_it() {
    let (folder, mut index) = empty();
    feed(&mut index, &[decided(1, "SELECT 1")], &[]);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
}

#[test]
fn nothing_is_in_it_that_is_not_in_the_record() {
    let (folder, mut index) = empty();
    feed(&mut index, &[decided(1, "SELECT 'tok_1' FROM somewhere")], &[]);
    let _ = statements(&index, &Search { text: Text::parse("hunter2"), ..Search::default() }, 5);
    index.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(index);
    let bytes = fs::read(folder.path().join("index.sqlite")).unwrap();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(holds(b"somewhere") && !holds(b"hunter2"));
}

#[test]
fn what_is_no_index_is_said_to_be_none_and_can_be_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.sqlite");
    let foreign = || {
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)").unwrap();
    };
    let garbage = || fs::write(&path, vec![7; 100_000]).unwrap();
    let torn = || {
        let mut index = Index::open(&path).unwrap();
        feed(&mut index, &(1..3000).map(|seq| decided(seq, "SELECT 1")).collect::<Vec<_>>(), &[]);
        drop(index);
        let mut bytes = fs::read(&path).unwrap();
        let (head, rest) = bytes.split_at_mut(16_384);
        assert!(!head.is_empty());
        rest.fill(0xa5);
        fs::write(&path, bytes).unwrap();
    };
    for (name, make) in [("foreign", &foreign as &dyn Fn()), ("garbage", &garbage), ("torn", &torn)] {
        make();
        let opened = Index::open(&path).map(drop);
        assert!(name == "torn" || matches!(opened, Err(Error::Damaged { .. })), "{name}: {opened:?}");
        let read = Index::open(&path).and_then(|index| index.statements(&Search::default(), None, 5));
        assert!(matches!(read, Err(Error::Damaged { .. })), "{name}: {read:?}");
        let mut index = Index::anew(&path).unwrap();
        feed(&mut index, &[decided(1, "SELECT 1")], &[]);
        assert_eq!(statements(&index, &Search::default(), 5).len(), 1, "{name}");
        drop(index);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn another_version_is_made_anew() {
    let (folder, mut index) = empty();
    feed(&mut index, &[decided(1, "SELECT 1")], &[]);
    index.db.pragma_update(None, "user_version", 999).unwrap();
    drop(index);
    let mut index = Index::open(&folder.path().join("index.sqlite")).unwrap();
    assert!(statements(&index, &Search::default(), 5).is_empty());
    assert_eq!(index.write().unwrap().cursors().unwrap(), []);
}

#[test]
fn many_write_and_read_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.sqlite");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let mut index = Index::open(&path).unwrap();
                    let mut writer = index.write().unwrap();
                    // As a feeder does: it goes on where whoever wrote last stopped.
                    let next = writer.cursors().unwrap().first().map_or(1, |cursor| cursor.seq + 1);
                    if next > 60 {
                        break;
                    }
                    let (lane, seq, json) = decided(next, "SELECT 1");
                    writer.add(Entry { lane, seq, json: &json }).unwrap();
                    writer.commit(&[Cursor { lane, seq, place: Vec::new() }]).unwrap();
                    let found = statements(&index, &Search::default(), 7);
                    assert!(found.len() as u64 >= next, "{} of {next}", found.len());
                }
            });
        }
    });
    let index = Index::open(&path).unwrap();
    let seqs: Vec<_> = statements(&index, &Search::default(), 1000).into_iter().map(|found| found.seq).collect();
    assert_eq!(seqs, (1..=60).rev().collect::<Vec<_>>());
}

#[test]
fn a_batch_that_is_not_committed_never_was() {
    let (_folder, mut index) = empty();
    let (lane, seq, json) = decided(1, "SELECT 1");
    let mut writer = index.write().unwrap();
    writer.add(Entry { lane, seq, json: &json }).unwrap();
    drop(writer);
    assert!(statements(&index, &Search::default(), 5).is_empty());
    // And what can't be read changes nothing.
    let mut writer = index.write().unwrap();
    for wrong in ["", "{}", r#"{"seq":2,"at":2,"session":"t","event":"decided"}"#, r#"{"at":-1,"event":"started"}"#] {
        let read = writer.add(Entry { lane, seq: 2, json: wrong });
        assert!(matches!(read, Err(Error::Record { lane: 0, seq: 2, .. })), "{wrong}");
    }
    writer.add(Entry { lane, seq: 3, json: r#"{"seq":3,"at":3,"event":"of a later version"}"# }).unwrap();
    writer.commit(&[]).unwrap();
    assert!(index.sessions(&Search::default(), None, 5).unwrap().found.is_empty());
}

#[test]
fn sessions_run_until_they_are_closed_or_weir_ends() {
    let (_folder, mut index) = empty();
    let record = |seq: u64, rest: &str| (0, seq, format!(r#"{{"seq":{seq},"at":{seq},{rest}}}"#));
    let admitted = |seq: u64, id: &str| {
        let who = r#""event":"admitted","principal":"p","kind":"User","groups":[],"target":"t""#;
        record(seq, &format!(r#""session":"{id}",{who}"#))
    };
    let notice = r#""session":"b","event":"noticed","what":"cancel","detail":"in words""#;
    let records = [
        record(1, r#""event":"started""#),
        admitted(2, "a"),
        admitted(3, "b"),
        record(4, r#""session":"a","event":"closed","why":"goodbye","permitted":7,"refused":1"#),
        record(5, notice),
        record(6, r#""event":"rejected","principal":"q","peer":"1.2.3.4:5","why":"no token""#),
        record(7, r#""event":"started""#),
        admitted(8, "c"),
    ];
    feed(&mut index, &records, &[6]);
    let found = index.sessions(&Search::default(), None, 10).unwrap().found;
    let states: Vec<_> = found.iter().map(|found| (found.session.as_deref(), found.state)).collect();
    let expected = [
        (Some("c"), SessionState::Running),
        (None, SessionState::Rejected),
        (Some("b"), SessionState::CutOff),
        (Some("a"), SessionState::Closed),
    ];
    assert_eq!(states, expected);
    assert_eq!((found[3].permitted, found[3].refused, found[3].ended, found[2].notices), (7, 1, Some(4), 1));
    assert_eq!(index.notices(Some("b")).unwrap()[0].what, "cancel");
    assert!(index.notices(None).unwrap().is_empty() && index.notices(Some("a")).unwrap().is_empty());
}
