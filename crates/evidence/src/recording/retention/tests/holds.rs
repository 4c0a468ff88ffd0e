//! What is held stays, and nothing goes while nobody can tell what is.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn a_hold_keeps_and_its_release_lets_go() {
    let house = House::new();
    let (one, two) = (house.session("one-11111111", "orders", OPENED), house.session("two-22222222", "orders", OPENED));
    house.place("case", Held { sessions: vec!["11111111".into()], ..Held::default() });
    // This one asks when the session was over, which is known when all of it was read.
    house.place("times", Held { from: Some(OPENED + TAKES - 1), to: Some(OPENED + TAKES), ..Held::default() });
    let mut sweeper = house.sweeper();
    assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(0, 2));
    house.release("times");
    assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(1, 1));
    assert!(one.exists() && !two.exists());
    let surveyed = survey(
        &house.folder(),
        &house.log_folder(),
        &keys(),
        &retention(),
        &house.holds().read().unwrap(),
        days_later(9),
    );
    assert!(matches!(&surveyed.unwrap()[..], [Surveyed { state: State::Held(name, _), .. }] if name == "case"));
    house.release("case");
    assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(1, 0));
    assert!(!one.exists());
    // Whoever deletes has told of what was placed and released before.
    let kinds: Vec<_> = all(&house.log_folder()).iter().map(|record| record.kind().to_owned()).collect();
    let kinds: Vec<_> = kinds.iter().map(String::as_str).filter(|kind| !kind.starts_with("recorded")).collect();
    assert_eq!(
        kinds,
        ["hold_placed", "hold_placed", "hold_released", "recording_deleted", "hold_released", "recording_deleted"]
    );
}

#[test]
fn it_is_told_what_of_what_is_there_a_hold_keeps() {
    let house = House::new();
    house.session("one-11111111", "orders", OPENED);
    house.session("two-22222222", "brief", OPENED + DAY_MICROS);
    let _open = house.begin("six-66666666", "orders", OPENED + DAY_MICROS);
    let broken = house.session("bad-99999999", "orders", OPENED + DAY_MICROS);
    let header = fs::read(&broken).unwrap();
    fs::write(broken, &header[..header.len() / 2]).unwrap();
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let nothing = Held::default();
    for (held, kept, unread) in [
        (Held { all: true, ..nothing.clone() }, 3, 1),
        (Held { sessions: of(&["ONE-1111", "22222222"]), ..nothing.clone() }, 2, 0),
        (Held { targets: of(&["orders"]), ..nothing.clone() }, 2, 1),
        (Held { principals: of(&["bob"]), targets: of(&["brief"]), ..nothing.clone() }, 1, 1),
        (Held { principals: of(&["eve"]), ..nothing.clone() }, 0, 1),
        // Of those that were not over before, one still goes on.
        (Held { from: Some(OPENED + TAKES), ..nothing.clone() }, 3, 1),
        (Held { from: Some(OPENED + TAKES + 1), ..nothing.clone() }, 2, 1),
        (Held { from: Some(OPENED + DAY_MICROS + TAKES + 1), ..nothing.clone() }, 1, 1),
        (Held { to: Some(OPENED + 1), ..nothing.clone() }, 1, 0),
    ] {
        let now = kept_now(&house.folder(), &keys(), &held, Duration::from_secs(60)).unwrap();
        assert_eq!(now, KeptNow { all: 4, looked_at: 4, kept, unread }, "{held:?}");
    }
    let none = kept_now(&house.folder(), &keys(), &nothing, Duration::ZERO).unwrap();
    assert_eq!(none, KeptNow { all: 4, ..KeptNow::default() });
    assert_eq!(kept_now(Path::new("/nowhere"), &keys(), &nothing, Duration::ZERO).unwrap(), KeptNow::default());
}

#[test]
fn nothing_goes_while_nobody_can_tell_what_is_held() {
    let house = House::new();
    let file = house.session("one", "orders", OPENED);
    house.place("case", Held { targets: vec!["kept".into()], ..Held::default() });
    let path = house.holds().path().to_owned();
    let mut sweeper = house.sweeper();
    sweeper.tell_holds().unwrap();
    let sound = fs::read(&path).unwrap();
    fs::write(&path, &sound[..sound.len() - 5]).unwrap();
    assert!(matches!(sweep(&mut sweeper, days_later(9)), Err(SweepError::Holds(HoldError::Unreadable { .. }))));
    fs::write(&path, &sound).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(sweep(&mut sweeper, days_later(9)), Err(SweepError::Holds(HoldError::Exposed { .. }))));
    // It is gone, and the log knows that there was one.
    fs::remove_file(&path).unwrap();
    assert!(matches!(sweep(&mut sweeper, days_later(9)), Err(SweepError::HoldLost(name, _)) if name == "case"));
    assert!(file.exists());
    house.place("case", Held { targets: vec!["kept".into()], ..Held::default() });
    house.release("case");
    assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(1, 0));
    assert!(!file.exists());
    // Also while it looks, and one that the log was not told of.
    let file = house.session("two", "orders", OPENED);
    house.place("later", Held { targets: vec!["kept".into()], ..Held::default() });
    let without = fs::read(&path).unwrap();
    house.place("last", Held { targets: vec!["kept".into()], ..Held::default() });
    let mut sweeper = house.sweeper_with(Arc::new(Book::default()));
    sweeper.tell_holds().unwrap();
    fs::write(&path, without).unwrap();
    assert!(matches!(sweep(&mut sweeper, days_later(9)), Err(SweepError::HoldLost(name, _)) if name == "last"));
    assert!(file.exists());
}

/// A name that was used before is not the hold that is known.
#[test]
fn a_hold_is_missed_though_an_earlier_one_had_its_name() {
    let kept = || Held { targets: vec!["kept".into()], ..Held::default() };
    for is_told in [true, false] {
        let house = House::new();
        let file = house.session("one", "orders", OPENED);
        house.place("audit", kept());
        house.release("audit");
        let path = house.holds().path().to_owned();
        let mut sweeper = house.sweeper();
        sweeper.tell_holds().unwrap();
        let between = fs::read(&path).unwrap();
        house.place("audit", kept());
        // By the log, or by what this one saw.
        sweeper.tell_holds().unwrap();
        if is_told {
            sweeper = house.sweeper();
        }
        fs::write(&path, &between).unwrap();
        sweeper.tell_holds().unwrap();
        assert!(matches!(sweep(&mut sweeper, days_later(9)), Err(SweepError::HoldLost(name, _)) if name == "audit"));
        assert!(file.exists());
    }
}

/// The log was put back to before it was told of a hold, or of a release.
#[test]
fn the_log_is_told_again_of_what_it_lost() {
    let house = House::new();
    house.place("kept", Held { all: true, ..Held::default() });
    house.place("gone", Held { all: true, ..Held::default() });
    house.holds().lock().unwrap().tell(&*house.log.lane(0), UnixMicros(OPENED)).unwrap();
    house.release("gone");
    house.holds().lock().unwrap().tell(&Book::default(), UnixMicros(OPENED)).unwrap();
    house.place("lost", Held { targets: vec!["kept".into()], ..Held::default() });
    house.holds().lock().unwrap().tell(&Book::default(), UnixMicros(OPENED)).unwrap();
    house.release("kept");
    let file = house.session("one", "orders", OPENED);
    let mut sweeper = house.sweeper();
    assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(1, 0));
    assert!(!file.exists());
    let told: Vec<_> = all(&house.log_folder())
        .iter()
        .filter(|record| record.kind().starts_with("hold") || record.kind() == "recording_deleted")
        .map(|record| (record.kind().to_owned(), record.text("name").unwrap_or_default().to_owned()))
        .collect();
    let told: Vec<_> = told.iter().map(|(kind, name)| (kind.as_str(), name.as_str())).collect();
    let first = [("hold_placed", "kept"), ("hold_placed", "gone")];
    let again = [("hold_released", "kept"), ("hold_released", "gone"), ("hold_placed", "lost")];
    assert_eq!(told, [&first[..], &again, &[("recording_deleted", "")]].concat());
    house.session("two", "orders", OPENED);
    assert_eq!(sweep(&mut house.sweeper(), days_later(9)).unwrap(), swept(1, 0));
    assert_eq!(house.records("hold_placed").len() + house.records("hold_released").len(), 5, "and then no more");
}

/// Of a log that was changed nobody knows what it said.
#[test]
fn nothing_goes_while_the_log_is_not_as_it_was_written() {
    let house = House::new();
    let file = house.session("one", "orders", OPENED);
    house.place("case", Held { targets: vec!["kept".into()], ..Held::default() });
    house.holds().lock().unwrap().tell(&*house.log.lane(0), UnixMicros(OPENED)).unwrap();
    // The record of the hold is another, and the file of holds is gone.
    let segment = fs::read_dir(house.log_folder()).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.filter(|path| fs::read(path).is_ok_and(|bytes| find(&bytes, b"hold_placed").is_some()));
    let segment = segment.collect::<Vec<_>>();
    assert_eq!(segment.len(), 1);
    let sound = fs::read(&segment[0]).unwrap();
    let mut changed = sound.clone();
    let at = find(&changed, b"hold_placed").unwrap();
    changed[at] = b'H';
    fs::write(&segment[0], changed).unwrap();
    fs::remove_file(house.holds().path()).unwrap();
    let stopped = sweep(&mut house.sweeper(), days_later(9)).unwrap_err().to_string();
    assert!(stopped.contains("`weir audit verify` says more"), "{stopped}");
    assert!(file.exists());
    fs::write(&segment[0], sound).unwrap();
    assert!(matches!(sweep(&mut house.sweeper(), days_later(9)), Err(SweepError::HoldLost(..))));
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// It is read for a while, and what is placed meanwhile is in force.
#[test]
fn a_hold_keeps_what_was_found_before_it_was_placed() {
    let house = House::new();
    let file = house.session("one", "orders", OPENED);
    let mut sweeper = house.sweeper();
    let (found, 0) = sweeper.look_into(DAY, Duration::ZERO, days_later(9)).unwrap() else { panic!("it is held") };
    assert_eq!(found.len(), 1);
    house.place("case", Held { all: true, ..Held::default() });
    let mut came_to = Swept::default();
    sweeper.delete(found, days_later(9), &mut came_to, &AtomicU64::new(0)).unwrap();
    assert_eq!(came_to, swept(0, 1));
    assert!(file.exists() && house.records("recording_deleted").is_empty() && house.records("hold_placed").len() == 1);
    // And what was changed since it was found.
    house.release("case");
    let (found, _) = sweeper.look_into(DAY, Duration::ZERO, days_later(9)).unwrap();
    fs::write(&file, [fs::read(&file).unwrap(), b"x".to_vec()].concat()).unwrap();
    sweeper.delete(found, days_later(9), &mut came_to, &AtomicU64::new(0)).unwrap();
    assert_eq!(came_to, swept(0, 1));
    assert!(file.exists() && house.records("recording_deleted").is_empty());
}
