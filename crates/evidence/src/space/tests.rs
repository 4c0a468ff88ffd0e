use std::io;
use std::path::Path;
use std::task::{Context, Poll, Waker};

use gate::{Event, Ledger as _, LedgerDown, Opening, Record, Recorder as _};
use model::{RecordingLevel, SessionId, UnixMicros};

use super::{Level, Mounted, Reserve, Space, next, size};
use crate::log::{Durability, Log};
use crate::note::SigningKey;
use crate::recording::{RecordingKeys, Recordings};
use crate::signer::Signing;
use crate::testing::{all, decided, ended, ops, small, tick};
use crate::verify::{Trust, verify};

const MIB: u64 = 1024 * 1024;
const RESERVE: u64 = 256 * MIB;

fn says(space: &Space, free: u64) {
    space.take(RESERVE, Ok(Some(free)));
}

#[test]
fn levels_begin_at_the_reserve_and_twice_of_it_and_end_a_little_above() {
    let steps = [
        (2 * RESERVE, Level::Ample),
        (2 * RESERVE - 1, Level::Low),
        (2 * RESERVE + 31 * MIB, Level::Low),
        (2 * RESERVE + 32 * MIB, Level::Ample),
        (RESERVE, Level::Low),
        (RESERVE - 1, Level::Reserved),
        (RESERVE + 32 * MIB - 1, Level::Reserved),
        (RESERVE + 32 * MIB, Level::Low),
        (0, Level::Reserved),
        (u64::MAX, Level::Ample),
    ];
    let mut level = Level::Ample;
    for (free, then) in steps {
        level = next(level, free, RESERVE);
        assert_eq!(level, then, "with {free} free");
    }
    assert_eq!(next(Level::Reserved, 0, 0), Level::Ample, "none is kept");
    assert_eq!(next(Level::Ample, 0, 1), Level::Reserved);
}

#[test]
fn below_its_reserve_nothing_begins_and_what_has_begun_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::generate("weir/test").unwrap();
    let trusted = key.public().clone();
    let log = Log::open_signed(dir.path(), 2, "test", Durability::Written, Signing::by(key)).unwrap();
    let lane = log.lane(1);
    lane.append(&[decided(1)]).unwrap();
    let space = log.space();
    says(&space, 2 * RESERVE - 1);
    lane.append(&[decided(2)]).unwrap();
    says(&space, 3 * MIB + MIB / 2);
    let LedgerDown(why) = lane.append(&[decided(3)]).unwrap_err();
    for part in ["3.5 MiB are free on the disk of the decision log", "its reserve of 256 MiB", "free some space in"] {
        assert!(why.contains(part), "{why}");
    }
    lane.append(&[ended(1), decided(4)]).unwrap_err();
    assert_eq!(lane.stands().unwrap_err().0, why);
    // What follows, the log's own, checkpoints and seals.
    lane.note(ended(1));
    lane.append(&[ended(2)]).unwrap();
    let stopped = Record { at: tick(), session: None, event: Event::Stopped {} };
    lane.append(&[stopped]).unwrap();
    assert!(!log.meter().read().is_down, "it can be written");
    says(&space, RESERVE + 32 * MIB);
    lane.stands().unwrap();
    lane.append(&[decided(5)]).unwrap();
    says(&space, 0);
    drop((lane, log));
    assert_eq!(ops(&all(dir.path())), [1, 2, 1, 2, 5]);
    let trust = Trust { keys: crate::Keyring::of([trusted]), witnessed: Vec::new() };
    let report = verify(dir.path(), Some(&trust)).unwrap();
    assert!(report.is_whole() && report.warnings.is_empty(), "{report:?}");
}

#[test]
fn below_its_reserve_no_recording_begins_and_those_that_are_open_end_whole() {
    let (dir, log) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = small(log.path(), 1);
    let keys = RecordingKeys::new(&[7; 32]).unwrap();
    let recordings = Recordings::open(dir.path(), keys, log.lane(0)).unwrap();
    let begin = |session: &str| {
        let (session, at) = (SessionId(session.into()), UnixMicros(1_795_132_800_000_000));
        recordings.begin(&Opening { session: &session, at, protocol: "postgres", level: RecordingLevel::Full })
    };
    let open = begin("0198f0a2-one").unwrap();
    let room = || open.poll_room(&mut Context::from_waker(Waker::noop()));
    assert_eq!(room(), Poll::Ready(Ok(())));
    let space = recordings.space();
    says(&space, MIB);
    let why = begin("0198f0a2-two").unwrap_err().0;
    assert!(why.contains("1 MiB are free on the disk of the recordings"), "{why}");
    assert!(matches!(room(), Poll::Ready(Err(down)) if down.0 == why));
    assert_eq!(open.stands(), Ok(()));
    says(&space, RESERVE * 2);
    assert_eq!(room(), Poll::Ready(Ok(())), "it goes on");
    says(&space, MIB);
    drop(open);
    drop(recordings);
    assert!(dir.path().join("2026-11-20/0198f0a2-one.rec").is_file(), "its end is written");
}

#[test]
fn where_it_cannot_be_told_nothing_is_kept_free() {
    let space = Space::new("decision log", Path::new("/var/log"));
    space.take(RESERVE, Ok(None));
    assert_eq!((space.level(), space.read().free), (Level::Ample, None));
    says(&space, 1);
    space.take(RESERVE, Err(io::ErrorKind::NotFound.into()));
    assert_eq!((space.level(), space.read().free), (Level::Ample, None));
    assert_eq!(space.refusal(), None, "nobody could ever say that it is enough again");
    assert!(space.in_words().contains("is not known"), "{}", space.in_words());
    says(&space, 1);
    assert_eq!(space.level(), Level::Reserved);
}

#[test]
fn a_reserve_is_kept_from_the_beginning_and_as_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let free = Mounted::of(dir.path()).unwrap().free().unwrap().expect("a file system that counts");
    assert!(Mounted::of(&dir.path().join("none")).is_err());
    let log = small(dir.path(), 1);
    let reserve = Reserve::keep(free * 2, vec![log.space()]).unwrap();
    assert_eq!(log.space().level(), Level::Reserved);
    assert!(log.lane(0).append(&[decided(1)]).is_err());
    drop(reserve);
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 1);
    let _none = Reserve::keep(0, vec![log.space()]).unwrap();
    log.lane(0).append(&[decided(2)]).unwrap();
    assert!(log.space().read().free.is_some(), "it is told all the same");
}

#[test]
fn sizes_are_said_as_people_say_them() {
    let said = [0, 1023, 1024, 1536, 100 * MIB + MIB / 2, 256 * MIB, 3 << 30, 5 << 40, u64::MAX].map(size);
    let expected =
        ["0 bytes", "1023 bytes", "1 KiB", "1.5 KiB", "100 MiB", "256 MiB", "3 GiB", "5 TiB", "16777215 TiB"];
    assert_eq!(said, expected);
}
