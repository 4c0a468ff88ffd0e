//! Files: rotated away, half written, of another log.

use std::fs;

use export::{Exporter, Order, Settings, To};

use crate::log::{Log, assert_whole, exporter, live, name_of, pace, run_until};

fn lines(text: &str) -> Vec<(u16, u64)> {
    assert!(text.is_empty() || text.ends_with('\n'), "a half line: {text:?}");
    text.lines().map(name_of).collect()
}

#[test]
fn a_file_that_is_rotated_away_is_followed_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("out.jsonl"), folder.path().join("out.jsonl.1"));
    let log = Log::of(20);
    let (mut step, to) = (0, To::File(path.clone()));
    run_until(exporter(&log, &to, &folder.path().join("export"), pace()), |status| {
        match (step, status.delivered) {
            (0, 20) => fs::rename(&path, &old).unwrap(),
            // One that is removed is gone, and so is what was in it.
            (1, 30) => fs::remove_file(&path).unwrap(),
            (2, 40) => return true,
            _ => return false,
        }
        step += 1;
        log.grow(10);
        false
    });
    assert_eq!(lines(&fs::read_to_string(&old).unwrap()).len(), 20);
    let last = lines(&fs::read_to_string(&path).unwrap());
    assert_eq!(last, log.entries()[30..].iter().map(|e| (e.lane, e.seq)).collect::<Vec<_>>());
}

#[test]
fn a_file_cut_anywhere_by_a_crash_is_whole_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let log = Log::of(4);
    let to = To::File(path.clone());
    let cursors = folder.path().join("export");
    assert!(live(exporter(&log, &to, &cursors, pace()), usize::MAX, Order::Finish));
    let (taken, cursor) = (fs::read(&path).unwrap(), fs::read(cursors.join("siem.cursor")).unwrap());
    log.grow(2);
    assert!(live(exporter(&log, &to, &cursors, pace()), usize::MAX, Order::Finish));
    let all = fs::read(&path).unwrap();
    // As if it had been killed in the middle of the last two lines.
    for cut in taken.len()..=all.len() {
        fs::write(&path, &all[..cut]).unwrap();
        fs::write(cursors.join("siem.cursor"), &cursor).unwrap();
        assert!(live(exporter(&log, &to, &cursors, pace()), usize::MAX, Order::Finish));
        assert_whole(&log, &lines(&fs::read_to_string(&path).unwrap()), &format!("cut at {cut}"));
    }
}

#[test]
fn another_log_is_said_and_not_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let (log, to) = (Log::of(9), To::File(path.clone()));
    assert!(live(exporter(&log, &to, folder.path(), pace()), usize::MAX, Order::Finish));
    let before = fs::read(&path).unwrap();
    let cursor = fs::read(folder.path().join("siem.cursor")).unwrap();
    for other in [Log::another(), Log::default()] {
        // A whole other one; the same one, cut off.
        other.grow(if other.name == 7 { 50 } else { 2 });
        let mut said = String::new();
        run_until(exporter(&other, &to, folder.path(), pace()), |status| {
            said = status.failing.clone().unwrap_or_default();
            status.failures > 3
        });
        assert!(said.contains("another one than was exported") && said.contains("siem.cursor away"), "{said}");
        assert_eq!(
            (fs::read(&path).unwrap(), fs::read(folder.path().join("siem.cursor")).unwrap()),
            (before.clone(), cursor.clone())
        );
    }
    // The log is put back, and goes on.
    log.grow(5);
    assert!(live(exporter(&log, &to, folder.path(), pace()), usize::MAX, Order::Finish));
    let arrived = lines(&fs::read_to_string(&path).unwrap());
    assert_eq!(arrived.len(), 14);
    assert_whole(&log, &arrived, "put back");
}

#[test]
fn what_is_not_named_is_passed_over_and_not_looked_at_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let log = Log::of(33);
    let settings = || Settings {
        name: "siem".into(),
        to: To::File(path.clone()),
        events: Some(["decided".to_owned()].into()),
        pace: pace(),
    };
    let new = || Exporter::new(settings(), folder.path(), log.source()).unwrap();
    assert!(live(new(), usize::MAX, Order::Finish));
    let wanted: Vec<_> = log.entries().iter().filter(|e| e.event == "decided").map(|e| (e.lane, e.seq)).collect();
    assert_eq!(lines(&fs::read_to_string(&path).unwrap()), wanted);
    let cursor = fs::read_to_string(folder.path().join("siem.cursor")).unwrap();
    assert!(cursor.contains("{\"lane\":2,\"seq\":11,"), "the end of each lane: {cursor}");
}

#[test]
fn a_file_that_cannot_be_written_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("mounted/later");
    let path = missing.join("out.jsonl");
    let log = Log::of(10);
    run_until(exporter(&log, &To::File(path.clone()), folder.path(), pace()), |status| {
        if let (3.., Some(why)) = (status.failures, &status.failing) {
            assert!(why.contains("out.jsonl: No such file"), "{why}");
            fs::create_dir_all(&missing).unwrap();
        }
        status.delivered == 10
    });
    assert_whole(&log, &lines(&fs::read_to_string(&path).unwrap()), "at last");
}
