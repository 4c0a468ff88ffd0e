use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gate::{Event, Ledger, Record};

use super::WAITING_RECORDS_MAX;
use crate::disk::Folder;
use crate::log::{Durability, Log, Settings};
use crate::note::{Keyring, SigningKey};
use crate::read::{LoggedRecord, records};
use crate::signer::Signing;
use crate::testing::{self, FailingDisk, Failure, all, decided, ended, last_segment, open_with, ops, small};
use crate::verify::{Trust, verify};

#[test]
fn appended_and_noted_records_are_read_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 2);
    let lane = log.lane(0);
    for op in 0..200 {
        lane.append(&[decided(op), decided(op + 1000)]).unwrap();
        lane.note(ended(op));
    }
    drop((lane, log));
    let records = all(dir.path());
    assert_eq!(ops(&records), (0..200).flat_map(|op| [op, op + 1000, op]).collect::<Vec<_>>());
    assert_eq!(records[0].session.as_deref(), Some("0198f0a2-session"));
    assert_eq!(records[0].kind(), "decided");
    assert_eq!(records[2].kind(), "ended");
    let report = verify(dir.path(), None).unwrap();
    assert!(report.is_whole() && report.warnings.is_empty(), "{report:?}");
    assert_eq!((report.records, report.lanes), (600, 2));
    assert!(report.segments > 10, "{} segments", report.segments);
}

#[test]
fn one_append_is_one_write() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, failure) = FailingDisk::on(dir.path(), Failure { writes_only: true, ..Failure::default() });
    let log = testing::open(dir.path(), 1, 1 << 30, disk).unwrap();
    let lane = log.lane(0);
    let before = failure.lock().operations;
    lane.note(ended(1));
    lane.append(&[decided(2), decided(3)]).unwrap();
    lane.append(&[]).unwrap();
    assert_eq!(failure.lock().operations - before, 1);
    assert_eq!(ops(&all(dir.path())), [1, 2, 3]);
}

#[test]
fn what_is_noted_is_written_within_a_tenth_of_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 2);
    for round in 0..5 {
        let start = Instant::now();
        log.lane(1).note(ended(round));
        while ops(&all(dir.path())).last() != Some(&round) {
            // Ten times what is promised, for machines that do much else at once.
            assert!(start.elapsed() < Duration::from_secs(1), "round {round}");
            std::thread::yield_now();
        }
    }
}

/// Fails every single operation on the disk in turn, once, for some time or for good, and looks whether the log then
/// holds exactly what was promised.
#[test]
fn whatever_fails_nothing_is_lost_doubled_or_invented() {
    let mut failed_appends = 0;
    for writes_only in [false, true] {
        for short in [false, true] {
            for count in [1, 2, 3, 7, usize::MAX] {
                for from in 0.. {
                    let failure = Failure { from, count, short, writes_only, operations: 0 };
                    let (failed, finished) = run_script(failure, None);
                    failed_appends += failed;
                    if finished {
                        break;
                    }
                }
            }
        }
    }
    assert!(failed_appends > 1000, "only {failed_appends} appends failed: the script tests nothing");
}

/// The same of a log that is signed after every other record, at the same time: it is whole by its public key.
#[test]
fn whatever_fails_what_is_signed_fits() {
    let key = SigningKey::generate("weir/test").unwrap();
    let mut failed_appends = 0;
    for short in [false, true] {
        for count in [1, 2, 5, usize::MAX] {
            for from in 0.. {
                let failure = Failure { from, count, short, writes_only: false, operations: 0 };
                let (failed, finished) = run_script(failure, Some(&key));
                failed_appends += failed;
                if finished {
                    break;
                }
            }
        }
    }
    assert!(failed_appends > 200, "only {failed_appends} appends failed: the script tests nothing");
}

fn signing(key: &SigningKey) -> Signing {
    Signing::by(SigningKey::from_secret_line(&key.to_secret_line()).unwrap())
}

/// What is in the file now. Where it is signed, the thread that does so may be in the middle of a write that fails.
fn so_far(folder: &Path, signed: bool) -> Vec<LoggedRecord> {
    if signed { records(folder).unwrap().map_while(Result::ok).collect() } else { all(folder) }
}

/// Says how many appends failed, and whether the script ended before the first failure.
fn run_script(failure: Failure, key: Option<&SigningKey>) -> (usize, bool) {
    let dir = tempfile::tempdir().unwrap();
    let (disk, state) = FailingDisk::on(dir.path(), failure);
    let mut expected = Vec::new();
    let mut failed = 0;
    let settings = Settings {
        lanes: 2,
        instance: "test",
        durability: Durability::Written,
        segment_bytes_max: 1500,
        signing: key.map(signing),
        sign_records: 4,
        mirror: None,
    };
    if let Ok(log) = Log::open_on(dir.path(), settings, disk) {
        let lane = log.lane(0);
        for op in 0..14 {
            if op % 2 == 0 {
                lane.note(ended(op));
                expected.push(op);
            }
            match lane.append(&[decided(op), decided(op + 100)]) {
                Ok(()) => {
                    expected.extend([op, op + 100]);
                    // What an append said is written is in the file now, not later.
                    assert_eq!(ops(&so_far(dir.path(), key.is_some())), expected, "{failure:?}, operation {op}");
                }
                Err(error) => {
                    assert!(error.to_string().contains("full"), "{error}");
                    failed += 1;
                }
            }
        }
        state.lock().count = 0;
        lane.append(&[decided(999)]).unwrap();
        expected.push(999);
    }
    let finished = state.lock().operations <= failure.from;
    // And a healthy start continues what is there.
    let log = open_with(dir.path(), 2, 4096, Box::new(Folder(dir.path().to_owned())), key.map(signing)).unwrap();
    log.lane(0).append(&[decided(1000)]).unwrap();
    expected.push(1000);
    drop(log);
    assert_eq!(ops(&all(dir.path())), expected, "{failure:?}");
    let trust = key.map(|key| Trust { keys: Keyring::of([key.public().clone()]), witnessed: Vec::new() });
    let report = verify(dir.path(), trust.as_ref()).unwrap();
    assert!(report.is_whole() && report.warnings.is_empty(), "{failure:?}: {report:?}");
    assert!(key.is_none() || report.unsigned == 3, "{failure:?}: {report:?}");
    (failed, finished)
}

#[test]
fn notes_wait_within_a_bound_and_the_log_says_how_many_were_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, failure) = FailingDisk::on(dir.path(), Failure { from: usize::MAX, ..Failure::default() });
    let log = testing::open(dir.path(), 1, 1 << 30, disk).unwrap();
    let lane = log.lane(0);
    let now = failure.lock().operations;
    *failure.lock() = Failure { from: 0, count: usize::MAX, operations: now, ..Failure::default() };
    let more = 10;
    for op in 0..WAITING_RECORDS_MAX + more {
        lane.note(ended(op as u64));
    }
    assert!(lane.append(&[decided(1)]).unwrap_err().to_string().contains("full"));
    failure.lock().count = 0;
    lane.append(&[decided(7)]).unwrap();
    let records = all(dir.path());
    // What waited, the loss, that it is written again, and what was appended.
    assert_eq!(records.len(), WAITING_RECORDS_MAX + 3);
    let lost = records.iter().find(|record| record.text("what") == Some("records_lost")).unwrap();
    assert!(lost.text("detail").unwrap().starts_with("10 noted"), "{lost:?}");
    lane.append(&[decided(8)]).unwrap();
    assert_eq!(all(dir.path()).len(), WAITING_RECORDS_MAX + 4, "the loss is said once");
}

#[test]
fn a_record_that_is_too_long_is_refused_and_what_is_noted_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 1);
    let lane = log.lane(0);
    let long =
        || Record { event: Event::Noticed { what: "cancel", detail: "x".repeat(17 * 1024 * 1024) }, ..decided(0) };
    assert!(lane.append(&[decided(1), long()]).unwrap_err().to_string().contains("16 MiB"));
    lane.note(long());
    lane.append(&[decided(2)]).unwrap();
    let records = all(dir.path());
    assert_eq!(ops(&records), [2]);
    assert_eq!(records[0].text("what"), Some("record_unfit"));
}

#[test]
fn a_deleted_folder_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("log");
    let log = small(&folder, 1);
    log.lane(0).append(&[decided(1)]).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    for _ in 0..3 {
        let error = log.lane(0).append(&[decided(2)]).unwrap_err().to_string();
        assert!(error.contains("was deleted while Weir was writing it; start Weir again"), "{error}");
    }
    drop(log);
    assert!(!folder.exists());
}

#[test]
fn a_file_that_someone_else_writes_to_is_noticed() {
    for shorten in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let log = small(dir.path(), 1);
        log.lane(0).append(&[decided(1)]).unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(last_segment(dir.path(), 0)).unwrap();
        if shorten {
            file.set_len(100).unwrap();
        } else {
            file.write_all(b"hello").unwrap();
        }
        for _ in 0..2 {
            let error = log.lane(0).append(&[decided(2)]).unwrap_err().to_string();
            assert!(error.contains("was changed by someone else"), "{error}");
        }
    }
}

#[test]
fn a_full_disk_is_named_and_is_survived() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, failure) = FailingDisk::on(dir.path(), Failure::default());
    let log = testing::open(dir.path(), 1, 4096, disk).unwrap();
    let operations = failure.lock().operations;
    *failure.lock() = Failure { from: operations, count: 1, ..Failure::default() };
    failure.lock().operations = operations;
    let error = log.lane(0).append(&[decided(1)]).unwrap_err().to_string();
    let folder = dir.path().display();
    assert_eq!(
        error,
        format!("the decision log cannot be written: the disk of {folder} is full; free some space on it")
    );
    log.lane(0).append(&[decided(2)]).unwrap();
    assert_eq!(ops(&all(dir.path())), [2]);
}

/// Whoever writes first: who appends, a note that waits, or the log itself.
#[test]
fn a_lane_that_was_down_says_so_once_in_any_case() {
    for first in ["append", "note", "nothing", "stands"] {
        let dir = tempfile::tempdir().unwrap();
        let (disk, failure) = FailingDisk::on(dir.path(), Failure { from: usize::MAX, ..Failure::default() });
        let log = testing::open(dir.path(), 1, 1 << 30, disk).unwrap();
        let lane = log.lane(0);
        lane.append(&[decided(1)]).unwrap();
        let now = failure.lock().operations;
        *failure.lock() = Failure { from: 0, count: usize::MAX, operations: now, ..Failure::default() };
        assert!(lane.append(&[decided(2)]).is_err());
        assert!(lane.stands().unwrap_err().to_string().contains("is full"));
        if first == "note" {
            lane.note(ended(1));
        }
        failure.lock().count = 0;
        match first {
            "append" => lane.append(&[decided(3)]).unwrap(),
            "stands" => lane.stands().unwrap(),
            _ => {}
        }
        let again = || all(dir.path()).iter().filter(|record| record.text("what") == Some("written_again")).count();
        let begun = Instant::now();
        while again() == 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "{first}: nobody said so");
            std::thread::yield_now();
        }
        lane.append(&[decided(4)]).unwrap();
        assert_eq!(lane.stands().map_err(|down| down.to_string()), Ok(()));
        drop((lane, log));
        assert_eq!(again(), 1, "{first}");
    }
}

#[test]
fn a_lane_outlives_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 1);
    let lane = log.lane(0);
    lane.note(ended(1));
    drop(log);
    assert_eq!(ops(&all(dir.path())), [1]);
    lane.note(ended(2));
    assert_eq!(ops(&all(dir.path())), [1, 2], "nobody else would write it");
    assert!(Log::open(dir.path(), 1, "second", Durability::Written).is_err(), "the folder is still taken");
    drop(lane);
    Log::open(dir.path(), 1, "second", Durability::Written).unwrap();
}

#[test]
fn many_threads_and_the_flusher_share_a_lane() {
    let dir = tempfile::tempdir().unwrap();
    for durability in [Durability::Written, Durability::Synced] {
        let folder = dir.path().join(format!("{durability:?}"));
        let settings = Settings {
            lanes: 2,
            instance: "test",
            durability,
            segment_bytes_max: 64 * 1024,
            signing: None,
            sign_records: 1000,
            mirror: None,
        };
        let log = Log::open_on(&folder, settings, Box::new(Folder(folder.clone()))).unwrap();
        let each = if durability == Durability::Written { 3000 } else { 100 };
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let lane: Arc<dyn Ledger> = log.lane(thread as usize % 2);
                scope.spawn(move || {
                    for n in 0..each {
                        let op = thread * 1_000_000 + n;
                        if n % 3 == 0 {
                            lane.append(&[decided(op)]).unwrap()
                        } else {
                            lane.note(ended(op))
                        }
                        if n % 1000 == 999 {
                            // Leaves the flusher room to come between.
                            std::thread::sleep(Duration::from_millis(60));
                        }
                    }
                });
            }
        });
        drop(log);
        let report = verify(&folder, None).unwrap();
        assert!(report.is_whole() && report.warnings.is_empty(), "{report:?}");
        assert_eq!(report.records, 4 * each);
        let mut ops = ops(&crate::testing::all(&folder));
        for thread in 0..4 {
            let own = ops.iter().copied().filter(|op| op / 1_000_000 == thread).collect::<Vec<_>>();
            assert!(own.is_sorted(), "thread {thread} is out of order");
        }
        ops.sort();
        ops.dedup();
        assert_eq!(ops.len() as u64, 4 * each);
    }
}
