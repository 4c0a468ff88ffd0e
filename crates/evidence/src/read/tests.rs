use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;

use gate::{Arrived, Event, Ledger, Record, Ruling};
use model::{SessionId, TargetId, UnixMicros};

use super::{Follower, LoggedRecord};
use crate::format::{Hash, MAGIC, SegmentName, encode};
use crate::testing::{all, decided, ended, last_segment, ops, small, tick};
use crate::walk::open_segment;
use crate::{Fault, Filter, records, records_since};

fn admitted(session: &str, principal: &str) -> Record {
    let event = Event::Admitted(Arrived {
        principal: principal.to_owned(),
        kind: "User",
        groups: Vec::new(),
        act: Vec::new(),
        owner: None,
        credential: "t1".to_owned(),
        target: TargetId("orders".into()),
        place: None,
        peer: "127.0.0.1:9".to_owned(),
        application: None,
        run: None,
        policies: "p".to_owned(),
        rules: Vec::new(),
    });
    Record { at: tick(), session: Some(SessionId(session.into())), event }
}

fn of(session: &str, record: Record) -> Record {
    Record { session: Some(SessionId(session.into())), ..record }
}

fn good(polled: Vec<Result<LoggedRecord, Fault>>) -> Vec<LoggedRecord> {
    polled.into_iter().map(Result::unwrap).collect()
}

#[test]
fn lanes_are_merged_by_time() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 3);
    for op in 0..300 {
        log.lane(op as usize % 3).append(&[decided(op)]).unwrap();
    }
    assert_eq!(ops(&all(dir.path())), (0..300).collect::<Vec<_>>());
}

#[test]
fn reading_begins_where_a_moment_can_be() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 2);
    for op in 0..300 {
        log.lane(op as usize % 2).append(&[decided(op)]).unwrap();
    }
    let whole = all(dir.path());
    let segments: BTreeSet<_> = whole.iter().map(|record| record.file.clone()).collect();
    assert!(segments.len() > 8, "{segments:?}");
    // Segments begin by the clock, records of these tests by one of their own: what begins when is asked of the segments.
    let begins = |file: &str| {
        let name = SegmentName::parse(file).unwrap();
        open_segment(dir.path(), name).unwrap().unwrap().header.at
    };
    for file in &segments {
        let at = begins(file);
        let found: Vec<_> = records_since(dir.path(), UnixMicros(at)).unwrap().map(Result::unwrap).collect();
        let has = |record: &LoggedRecord| found.contains(record);
        assert!(whole.iter().filter(|record| begins(&record.file) >= at).all(has), "{file}");
        // Of each lane at most the one segment that had begun before.
        let before: BTreeSet<_> =
            found.iter().filter(|record| begins(&record.file) < at).map(|record| record.file.clone()).collect();
        assert!(before.len() <= 1, "{file}: {before:?}");
    }
    assert_eq!(records_since(dir.path(), UnixMicros(0)).unwrap().count(), whole.len());
}

#[test]
fn records_know_their_caller_and_are_found_by_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 2);
    log.lane(0).append(&[admitted("s-a", "corp:alice@example.com")]).unwrap();
    log.lane(1).append(&[admitted("s-b", "corp:bob@example.com")]).unwrap();
    for op in 0..60 {
        log.lane(0).append(&[of("s-a", decided(op))]).unwrap();
        log.lane(1).append(&[of("s-b", decided(op + 100))]).unwrap();
    }
    let mut denied = of("s-b", decided(500));
    if let Event::Decided(decided) = &mut denied.event {
        decided.ruling = Ruling::Deny;
    }
    log.lane(1).append(&[denied]).unwrap();
    let find = |filter: &Filter| {
        let found = all(dir.path()).into_iter().filter(|record| filter.matches(record)).collect::<Vec<_>>();
        let tail = good(Follower::after_last(dir.path(), usize::MAX, filter).unwrap().1);
        assert_eq!(found, tail);
        ops(&found)
    };
    let alice = (0..60).collect::<Vec<_>>();
    for name in ["corp:alice@example.com", "alice@example.com"] {
        assert_eq!(find(&Filter { principal: Some(name.to_owned()), ..Filter::default() }), alice);
    }
    assert_eq!(find(&Filter { session: Some("s-a".to_owned()), ..Filter::default() }), alice);
    assert_eq!(find(&Filter { principal: Some("alice".to_owned()), ..Filter::default() }), [0_u64; 0]);
    assert_eq!(find(&Filter { ruling: Some(Ruling::Deny), ..Filter::default() }), [500]);
    assert_eq!(find(&Filter { event: Some("ended".to_owned()), ..Filter::default() }), [0_u64; 0]);
    let since = all(dir.path()).iter().find(|record| ops([*record]) == [58]).unwrap().at;
    assert_eq!(find(&Filter { since: Some(since), ..Filter::default() }), [58, 158, 59, 159, 500]);
}

#[test]
fn the_last_records_are_the_last_of_all_lanes() {
    let dir = tempfile::tempdir().unwrap();
    // Lane 1 is busy; lane 0 wrote long ago, and its newest segments hold nothing.
    let log = small(dir.path(), 2);
    for op in 0..20 {
        log.lane(0).append(&[decided(op)]).unwrap();
    }
    drop(log);
    for round in 0..5 {
        let log = small(dir.path(), 2);
        for op in 0..30 {
            log.lane(1).append(&[decided(100 + round * 30 + op)]).unwrap();
        }
    }
    let every = ops(&all(dir.path()));
    assert_eq!(every.len(), 170);
    for count in [0, 1, 2, 29, 30, 31, 120, 149, 150, 151, 169, 170, 171, 1000] {
        let (_, last) = Follower::after_last(dir.path(), count, &Filter::default()).unwrap();
        let from = every.len().saturating_sub(count);
        assert_eq!(ops(&good(last)), every[from..], "{count}");
    }
}

#[test]
fn a_follower_misses_nothing_and_says_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 2);
    log.lane(0).append(&[decided(0)]).unwrap();
    let (mut follower, last) = Follower::after_last(dir.path(), 10, &Filter::default()).unwrap();
    assert_eq!(ops(&good(last)), [0]);
    let (mut at_end, none) = Follower::after_last(dir.path(), 0, &Filter::default()).unwrap();
    assert_eq!(none, []);
    let mut followed = Vec::new();
    let mut op = 1;
    let mut write = |log: &crate::Log, count: u64| {
        for _ in 0..count {
            log.lane(op as usize % 2).append(&[decided(op)]).unwrap();
            op += 1;
        }
    };
    for count in [1, 0, 3, 50, 2, 0, 100] {
        write(&log, count);
        followed.extend(ops(&good(follower.poll().unwrap())));
    }
    drop(log);
    let log = small(dir.path(), 3);
    write(&log, 20);
    followed.extend(ops(&good(follower.poll().unwrap())));
    log.lane(2).append(&[decided(op)]).unwrap();
    followed.extend(ops(&good(follower.poll().unwrap())));
    assert_eq!(followed, (1..=op).collect::<Vec<_>>());
    assert_eq!(ops(&good(at_end.poll().unwrap())), followed);
}

#[test]
fn a_follower_keeps_up_with_a_writer() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 1);
    let (mut follower, _) = Follower::after_last(dir.path(), 0, &Filter::default()).unwrap();
    let lane = log.lane(0);
    let writer = std::thread::spawn(move || {
        for op in 0..2000 {
            lane.append(&[decided(op)]).unwrap();
            lane.note(ended(op));
        }
    });
    let mut followed = Vec::new();
    while !writer.is_finished() {
        followed.extend(ops(&good(follower.poll().unwrap())));
    }
    writer.join().unwrap();
    drop(log);
    followed.extend(ops(&good(follower.poll().unwrap())));
    assert_eq!(followed, (0..2000).flat_map(|op| [op, op]).collect::<Vec<_>>());
}

/// A torn record is waited for, byte by byte.
#[test]
fn a_follower_waits_for_the_rest_of_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 1);
    log.lane(0).append(&[decided(1)]).unwrap();
    drop(log);
    let segment = last_segment(dir.path(), 0);
    let bytes = fs::read(&segment).unwrap();
    let (mut follower, _) = Follower::after_last(dir.path(), 0, &Filter::default()).unwrap();
    let mut file = OpenOptions::new().append(true).open(&segment).unwrap();
    let last = encoded(&bytes, &[decided(2)]);
    for byte in &last[..last.len() - 1] {
        file.write_all(&[*byte]).unwrap();
        assert_eq!(follower.poll().unwrap(), []);
    }
    file.write_all(&last[last.len() - 1..]).unwrap();
    assert_eq!(ops(&good(follower.poll().unwrap())), [2]);
}

/// Records that continue a segment's bytes.
fn encoded(segment: &[u8], records: &[Record]) -> Vec<u8> {
    let (mut at, mut head, mut seq) = (MAGIC.len(), Hash::ZERO, 0);
    while at < segment.len() {
        let length = u32::from_le_bytes(segment[at..at + 4].try_into().unwrap()) as usize;
        head = Hash(segment[at + 4..at + 36].try_into().unwrap());
        at += 36 + length;
        seq += 1;
    }
    let mut bytes = Vec::new();
    for record in records {
        seq += 1;
        head = encode(&mut bytes, &head, seq, record).unwrap();
    }
    bytes
}

/// A writer whose disk is full may leave whole records of an append that failed, take them back, and write others.
#[test]
fn a_follower_survives_a_writer_that_takes_records_back() {
    for (taken_back, instead) in [(1, 1), (3, 1), (1, 3), (2, 40), (0, 2)] {
        let dir = tempfile::tempdir().unwrap();
        let log = small(dir.path(), 1);
        log.lane(0).append(&[decided(1), decided(2)]).unwrap();
        let segment = last_segment(dir.path(), 0);
        let before = fs::read(&segment).unwrap();
        let (mut follower, _) = Follower::after_last(dir.path(), 0, &Filter::default()).unwrap();
        let mut file = OpenOptions::new().append(true).open(&segment).unwrap();
        let phantom = (0..taken_back).map(|n| decided(1_000_000 + n)).collect::<Vec<_>>();
        file.write_all(&encoded(&before, &phantom)).unwrap();
        assert_eq!(good(follower.poll().unwrap()).len(), phantom.len());
        file.set_len(before.len() as u64).unwrap();
        assert_eq!(follower.poll().unwrap(), []);
        let real = (0..instead).map(|n| decided(3 + n)).collect::<Vec<_>>();
        file.write_all(&encoded(&before, &real)).unwrap();
        assert_eq!(ops(&good(follower.poll().unwrap())), (3..3 + instead).collect::<Vec<_>>());
        // And without a look in between.
        file.set_len(before.len() as u64).unwrap();
        let other = (0..instead).map(|n| ended(100 + n)).collect::<Vec<_>>();
        file.write_all(&encoded(&before, &other)).unwrap();
        file.write_all(&encoded(&fs::read(&segment).unwrap(), &[decided(7), decided(8), decided(9)])).unwrap();
        let found = ops(&good(follower.poll().unwrap()));
        assert!(found.ends_with(&[7, 8, 9]), "{found:?}");
    }
}

#[test]
fn what_is_wrong_is_said_and_reading_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 1);
    for op in 0..20 {
        log.lane(0).append(&[decided(op)]).unwrap();
    }
    drop(log);
    let first = dir.path().join(SegmentName { lane: 0, first: 1 }.to_string());
    let mut bytes = fs::read(&first).unwrap();
    let at = bytes.windows(7).position(|window| window == b"\"op\":3,").unwrap();
    bytes[at + 5] = b'7';
    fs::write(&first, &bytes).unwrap();
    let (good, bad): (Vec<_>, Vec<_>) = records(dir.path()).unwrap().partition(Result::is_ok);
    let good = good.into_iter().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(ops(&good), (0..20).filter(|op| *op != 3).collect::<Vec<_>>());
    assert_eq!(bad.len(), 1);
    assert!(bad[0].as_ref().unwrap_err().to_string().contains("it was changed"), "{bad:?}");
    fs::remove_file(first).unwrap();
    assert!(records(dir.path()).unwrap().all(|record| record.is_ok()), "a reader needs no whole log");
}
