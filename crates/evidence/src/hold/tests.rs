//! The file of holds: what is written stays, and what can't be read stops.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::*;
use crate::testing::Book;

fn hand(at: u64) -> Hand<'static> {
    Hand { reason: "case 17", by: "root", at: UnixMicros(at) }
}

fn orders() -> Held {
    Held { targets: vec!["orders".into()], ..Held::default() }
}

fn kinds(book: &Book) -> Vec<(&'static str, String)> {
    let records = book.records.lock();
    let kind = |record: &Record| match &record.event {
        Event::HoldPlaced(hold) => ("placed", hold.name.clone()),
        Event::HoldReleased(hold) => ("released", hold.name.clone()),
        _ => ("other", String::new()),
    };
    records.iter().map(kind).collect()
}

#[test]
fn a_hold_is_in_force_until_it_is_released_and_stays_as_history() {
    let dir = tempfile::tempdir().unwrap();
    let file = HoldFile::of(dir.path());
    assert_eq!(file.read().unwrap(), []);
    let whose = Whose { target: "orders".into(), ..Whose::default() };
    assert_eq!(file.lock().unwrap().keeping(&whose), None);
    let before = file.stamp();
    file.lock().unwrap().place("case-17", orders(), hand(5)).unwrap();
    assert_ne!(file.stamp(), before);
    assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(file.lock().unwrap().keeping(&whose).unwrap().name, "case-17");
    let twice = file.lock().unwrap().place("case-17", orders(), hand(6)).unwrap_err().to_string();
    assert!(twice.contains("in force already"), "{twice}");
    let unknown = file.lock().unwrap().release("case-18", hand(7)).unwrap_err().to_string();
    assert!(unknown.contains("no hold in force is named case-18"), "{unknown}");
    file.lock().unwrap().release("case-17", hand(8)).unwrap();
    assert_eq!(file.lock().unwrap().keeping(&whose), None);
    file.lock().unwrap().place("case-17", orders(), hand(9)).unwrap();
    let all = file.read().unwrap();
    assert_eq!(all.iter().map(|hold| (hold.placed, hold.is_in_force())).collect::<Vec<_>>(), [(5, false), (9, true)]);
}

/// Each of a name is another, and the newest is known by its time.
#[test]
fn each_placing_of_a_name_is_later_than_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let file = HoldFile::of(dir.path());
    for (at, placed) in [(5, 5), (3, 6), (6, 7), (9, 9)] {
        file.lock().unwrap().place("audit", orders(), hand(at)).unwrap();
        assert_eq!(file.lock().unwrap().newest(), BTreeMap::from([("audit", placed)]));
        file.lock().unwrap().release("audit", hand(at)).unwrap();
    }
    file.lock().unwrap().place("other", orders(), hand(3)).unwrap();
    assert_eq!(file.lock().unwrap().newest(), BTreeMap::from([("audit", 9), ("other", 3)]));
}

#[test]
fn the_log_is_told_once_of_each_and_later_if_it_must() {
    let dir = tempfile::tempdir().unwrap();
    let (file, book) = (HoldFile::of(dir.path()), Arc::new(Book::default()));
    file.lock().unwrap().place("one", orders(), hand(5)).unwrap();
    book.is_down.store(true, Ordering::Relaxed);
    assert!(matches!(file.lock().unwrap().tell(&*book, UnixMicros(6)), Err(HoldError::Ledger(_))));
    book.is_down.store(false, Ordering::Relaxed);
    assert_eq!(file.lock().unwrap().tell(&*book, UnixMicros(6)).unwrap(), 1);
    assert_eq!(file.lock().unwrap().tell(&*book, UnixMicros(6)).unwrap(), 0);
    // Both of one that came and went while nobody served.
    file.lock().unwrap().release("one", hand(7)).unwrap();
    file.lock().unwrap().place("two", orders(), hand(8)).unwrap();
    file.lock().unwrap().release("two", hand(9)).unwrap();
    assert_eq!(file.lock().unwrap().tell(&*book, UnixMicros(10)).unwrap(), 3);
    let said = |kind, name: &str| (kind, name.to_owned());
    let all = [said("placed", "one"), said("released", "one"), said("placed", "two"), said("released", "two")];
    assert_eq!(kinds(&book), all);
    let json = serde_json::to_value(&book.records.lock()[0].event).unwrap();
    let expected = serde_json::json!({
        "event": "hold_placed", "name": "one", "targets": ["orders"], "reason": "case 17", "by": "root", "placed": 5
    });
    assert_eq!(json, expected);
}

#[test]
fn one_at_a_time_has_the_holds() {
    let dir = tempfile::tempdir().unwrap();
    let file = HoldFile::of(dir.path());
    let held = file.lock().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| file.lock().unwrap().place("two", orders(), hand(2)));
        let mut held = held;
        held.place("one", orders(), hand(1)).unwrap();
        assert!(!waiting.is_finished());
        drop(held);
        waiting.join().unwrap().unwrap();
    });
    let names: Vec<_> = file.read().unwrap().into_iter().map(|hold| hold.name).collect();
    assert_eq!(names, ["one", "two"], "neither wrote over the other");
    let _held = file.lock().unwrap();
    assert!(matches!(file.lock(), Err(HoldError::Busy(_))));
}

#[test]
fn what_cannot_be_read_is_an_error_and_never_no_hold() {
    let dir = tempfile::tempdir().unwrap();
    let file = HoldFile::of(dir.path());
    file.lock().unwrap().place("one", orders(), hand(5)).unwrap();
    let sound = fs::read_to_string(file.path()).unwrap();
    for wrong in [
        sound[..sound.len() / 2].to_owned(),
        String::new(),
        sound.replace("\"format\": 1", "\"format\": 2"),
        sound.replace("\"targets\"", "\"tables\""),
        sound.replace("\"reason\"", "\"unless\": 1, \"reason\""),
    ] {
        fs::write(file.path(), &wrong).unwrap();
        let error = file.lock().unwrap_err().to_string();
        assert!(error.contains("restore it from a backup"), "{wrong}: {error}");
    }
    fs::write(file.path(), &sound).unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o620)).unwrap();
    assert!(matches!(file.read(), Err(HoldError::Exposed { mode: 0o620, .. })));
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(file.read().unwrap().len(), 1);
    // What makes no sense changes nothing.
    let mut locked = file.lock().unwrap();
    for (name, held, reason) in
        [("a b", orders(), "x"), ("", orders(), "x"), ("b", Held::default(), "x"), ("b", orders(), " ")]
    {
        let refused = locked.place(name, held, Hand { reason, ..hand(6) });
        assert!(matches!(refused, Err(HoldError::Refused(_))), "{name:?} {reason:?}");
    }
    drop(locked);
    assert_eq!(fs::read_to_string(file.path()).unwrap(), sound);
}
