mod epochs;

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread::sleep;
use std::time::{Duration, Instant};

use gate::Ledger;

use super::*;
use crate::disk::Folder;
use crate::log::{Log, OpenError};
use crate::resume::NotAsSigned;
use crate::testing::{all, copy, decided, ended, last_segment, open_with, ops};
use crate::verify::{Report, Trust, verify, verify_since};
use crate::witness::{Apart, FileWitness};

/// A key for each test, so that no other's note fits.
fn key() -> SigningKey {
    SigningKey::generate("weir/test").unwrap()
}

fn again(key: &SigningKey) -> SigningKey {
    SigningKey::from_secret_line(&key.to_secret_line()).unwrap()
}

fn signing(key: &SigningKey, witness: Option<&Path>) -> Signing {
    let mut signing = Signing::by(again(key));
    signing.witnesses.extend(witness.map(|file| Box::new(FileWitness::near(file.to_owned())) as Box<dyn Witness>));
    signing
}

fn open(folder: &Path, lanes: usize, signing: Signing) -> Result<Log, OpenError> {
    open_with(folder, lanes, 4096, Box::new(Folder(folder.to_owned())), Some(signing))
}

fn trust(key: &SigningKey) -> Trust {
    Trust { keys: Keyring::of([key.public().clone()]), witnessed: Vec::new() }
}

fn checked(folder: &Path, key: &SigningKey) -> Report {
    let report = verify(folder, Some(&trust(key))).unwrap();
    assert!(report.is_whole(), "{:#?}", report.faults);
    report
}

fn fill(log: &Log, lanes: usize, count: u64) {
    for op in 0..count {
        for lane in 0..lanes {
            log.lane(lane).note(ended(op));
            log.lane(lane).append(&[decided(op)]).unwrap();
        }
    }
}

fn refused(folder: &Path, signing: Signing) -> NotAsSigned {
    match open(folder, 2, signing).err().unwrap() {
        OpenError::NotAsSigned { what, .. } => what,
        other => panic!("{other}"),
    }
}

#[test]
fn all_but_the_seals_is_signed_whatever_starts_and_lanes_there_were() {
    let (dir, key) = (tempfile::tempdir().unwrap(), key());
    let witness = dir.path().join("checkpoint");
    let folder = dir.path().join("log");
    for lanes in [2, 3, 1, 2] {
        let log = open(&folder, lanes, signing(&key, Some(&witness))).unwrap();
        fill(&log, lanes, 40);
        drop(log);
        let report = checked(&folder, &key);
        assert_eq!(report.unsigned as usize, lanes + 1, "the seals, and the last checkpoint itself: {report:?}");
        let note = fs::read_to_string(&witness).unwrap();
        let known = crate::checkpoint::Checkpoint::open(&note, &trust(&key).keys).unwrap();
        assert_eq!(Some(&known), report.signed.as_ref());
        let trust = Trust { witnessed: vec![("witness".to_owned(), note)], ..trust(&key) };
        assert!(verify(&folder, Some(&trust)).unwrap().is_whole());
    }
    assert_eq!(all(&folder).len(), 2 * 40 * 8, "checkpoints are not among the records");
}

#[test]
fn a_log_that_was_never_signed_is_signed_from_its_beginning() {
    let (dir, key) = (tempfile::tempdir().unwrap(), key());
    let log = crate::testing::small(dir.path(), 3);
    fill(&log, 3, 20);
    drop(log);
    let report = verify(dir.path(), Some(&trust(&key))).unwrap();
    assert_eq!(report.faults.len(), 1, "{report:#?}");
    assert!(report.faults[0].what.contains("there is no checkpoint"));
    drop(open(dir.path(), 1, signing(&key, None)).unwrap());
    assert_eq!(checked(dir.path(), &key).unsigned, 2);
}

#[test]
fn a_checkpoint_comes_within_a_second_or_a_thousand_records() {
    let (dir, key) = (tempfile::tempdir().unwrap(), key());
    let log = open_with(dir.path(), 2, 1 << 20, Box::new(Folder(dir.path().to_owned())), Some(signing(&key, None)));
    let log = log.unwrap();
    let begun = Instant::now();
    log.lane(1).append(&[decided(1)]).unwrap();
    while checked(dir.path(), &key).unsigned > 1 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the record is not signed");
        sleep(Duration::from_millis(20));
    }
    // An idle log makes no more of them.
    sleep(SIGN_WAIT + Duration::from_millis(300));
    let idle = checked(dir.path(), &key).checkpoints;
    sleep(SIGN_WAIT + Duration::from_millis(300));
    assert_eq!(checked(dir.path(), &key).checkpoints, idle);
    let begun = Instant::now();
    fill(&log, 2, 1500);
    let lasted = begun.elapsed().as_secs();
    drop(log);
    let report = checked(dir.path(), &key);
    assert!(report.checkpoints > idle + lasted + 2, "{} checkpoints over 6000 records", report.checkpoints - idle);
}

#[test]
fn what_a_killed_process_left_is_signed_by_the_next() {
    let (dir, key) = (tempfile::tempdir().unwrap(), key());
    let (folder, killed, witness) = (dir.path().join("log"), dir.path().join("killed"), dir.path().join("checkpoint"));
    let log = open(&folder, 2, signing(&key, Some(&witness))).unwrap();
    fill(&log, 2, 30);
    copy(&folder, &killed);
    let torn = last_segment(&killed, 1);
    let length = fs::metadata(&torn).unwrap().len();
    fs::OpenOptions::new().write(true).open(&torn).unwrap().set_len(length - 9).unwrap();
    let count = all(&killed).len();
    drop(open(&killed, 2, signing(&key, None)).unwrap());
    let report = checked(&killed, &key);
    assert_eq!((report.unsigned, report.records as usize), (3, count + 1));
    // What was there unsigned is told, once; what was closed in good order leaves nothing to tell.
    let told = |folder: &Path| -> Vec<String> {
        let noticed = all(folder).into_iter().filter(|record| record.text("what") == Some("found_unsigned"));
        noticed.map(|record| record.text("detail").unwrap().to_owned()).collect()
    };
    drop(open(&killed, 2, signing(&key, None)).unwrap());
    let after = all(&killed);
    assert_eq!(
        told(&killed),
        [format!(
            "{count} records after the last checkpoint were not signed when Weir started: they are as they were found"
        )]
    );
    assert_eq!(after.len(), count + 1);
    drop(log);
    drop(open(&folder, 2, signing(&key, Some(&witness))).unwrap());
    assert_eq!(told(&folder), [""; 0]);
}

#[test]
fn a_log_whose_end_was_taken_is_not_opened() {
    let (dir, key) = (tempfile::tempdir().unwrap(), key());
    let (folder, old, witness) = (dir.path().join("log"), dir.path().join("old"), dir.path().join("checkpoint"));
    let log = open(&folder, 2, signing(&key, Some(&witness))).unwrap();
    fill(&log, 2, 30);
    drop(log);
    copy(&folder, &old);
    let before = fs::read_to_string(&witness).unwrap();
    let log = open(&folder, 2, signing(&key, Some(&witness))).unwrap();
    fill(&log, 2, 30);
    drop(log);
    let what = refused(&old, signing(&key, Some(&witness)));
    assert!(matches!(what, NotAsSigned::Shorter { known, here, .. } if known > here), "{what}");
    // The witness alone says so: by itself the old copy is whole.
    assert!(verify(&old, Some(&trust(&key))).unwrap().is_whole());
    let trust =
        Trust { witnessed: vec![("elsewhere".to_owned(), fs::read_to_string(&witness).unwrap())], ..trust(&key) };
    let report = verify(&old, Some(&trust)).unwrap();
    assert!(report.faults.iter().any(|fault| fault.what.contains("elsewhere knows")), "{report:#?}");
    drop(open(&folder, 2, signing(&key, Some(&witness))).unwrap());
    // A witness that is behind, as after a crash, is no hindrance.
    fs::write(&witness, before).unwrap();
    drop(open(&folder, 2, signing(&key, Some(&witness))).unwrap());
    // Nor is one that is far and cannot be reached; one that is near must be read.
    let gone = dir.path().join("gone");
    fs::create_dir(&gone).unwrap();
    let what = refused(&folder, signing(&key, Some(&gone)));
    assert!(matches!(what, NotAsSigned::Witness { .. }), "{what}");
    let mut far = signing(&key, None);
    fs::create_dir(gone.join("weir-test.checkpoint")).unwrap();
    far.witnesses.push(Box::new(FileWitness::far(&gone, "weir/test")));
    drop(open(&folder, 2, far).unwrap());
}

#[test]
fn a_log_that_was_changed_before_its_checkpoint_is_not_opened() {
    let (dir, key) = (tempfile::tempdir().unwrap(), key());
    let folder = dir.path().join("log");
    let log = open_with(&folder, 2, 1 << 20, Box::new(Folder(folder.clone())), Some(signing(&key, None))).unwrap();
    fill(&log, 2, 30);
    drop(log);
    let last = last_segment(&folder, 1);
    let bytes = fs::read(&last).unwrap();
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    fs::write(&last, &changed).unwrap();
    let what = refused(&folder, signing(&key, None));
    assert!(matches!(what, NotAsSigned::Lane { lane: 1, .. }), "{what}");
    fs::remove_file(&last).unwrap();
    let what = refused(&folder, signing(&key, None));
    assert!(matches!(what, NotAsSigned::Lane { lane: 1, .. }), "{what}");
    fs::write(&last, &bytes).unwrap();
    // Another key's log.
    let what = refused(&folder, Signing::by(SigningKey::generate("weir/test").unwrap()));
    assert!(matches!(what, NotAsSigned::Checkpoint { .. }), "{what}");
    // What is behind the checkpoint a killed process may have left.
    let mut behind = bytes.clone();
    behind.truncate(bytes.len() - 5);
    fs::write(&last, &behind).unwrap();
    drop(open(&folder, 2, signing(&key, None)).unwrap());
    checked(&folder, &key);
}

#[test]
fn a_witness_of_another_log_keeps_it_closed() {
    let (dir, key) = (tempfile::tempdir().unwrap(), key());
    let witness = dir.path().join("checkpoint");
    for folder in ["a", "b"] {
        let folder = dir.path().join(folder);
        let log = open(&folder, 2, signing(&key, None)).unwrap();
        fill(&log, 2, 30);
        drop(log);
    }
    drop(open(&dir.path().join("a"), 2, signing(&key, Some(&witness))).unwrap());
    let log = open(&dir.path().join("b"), 2, signing(&key, None)).unwrap();
    fill(&log, 2, 30);
    drop(log);
    let what = refused(&dir.path().join("b"), signing(&key, Some(&witness)));
    assert!(matches!(what, NotAsSigned::Other { .. }), "{what}");
    fs::write(&witness, "no note").unwrap();
    let what = refused(&dir.path().join("a"), signing(&key, Some(&witness)));
    assert!(matches!(what, NotAsSigned::Witness { .. }), "{what}");
}

/// Far away: fails slower than it is asked, and then keeps what it gets.
struct Distant(Arc<AtomicBool>, FileWitness);

impl Witness for Distant {
    fn doubt(&mut self, _: crate::witness::Check) {}
    fn place(&self) -> String {
        "a distant place".to_owned()
    }
    fn publish(&mut self, note: &str) -> Result<(), String> {
        sleep(Duration::from_millis(1500));
        if self.0.load(Ordering::Acquire) { self.1.publish(note) } else { Err("no answer".to_owned()) }
    }
    fn last(&self) -> Result<Option<String>, String> {
        self.1.last()
    }
}

#[test]
fn a_quiet_log_says_which_place_lacks_its_last_checkpoint_until_it_has_it() {
    let (dir, key) = (tempfile::tempdir().unwrap(), key());
    let (folder, near, far) = (dir.path().join("log"), dir.path().join("near"), dir.path().join("far"));
    let works = Arc::<AtomicBool>::default();
    let mut signing = signing(&key, Some(&near));
    let distant = Distant(Arc::clone(&works), FileWitness::near(far.clone()));
    signing.witnesses.push(Box::new(Apart::new(Box::new(distant)).unwrap()));
    let log = open(&folder, 1, signing).unwrap();
    let (meter, begun) = (log.meter(), Instant::now());
    let in_time = |what: &str| assert!(begun.elapsed() < Duration::from_secs(40), "{what}");
    while meter.unreachable_places().is_empty() {
        in_time("nobody was told that it failed");
        sleep(Duration::from_millis(20));
    }
    let is_made = fs::metadata(&near).unwrap().modified().unwrap();
    // Further tries are under way meanwhile.
    let told = Instant::now();
    while told.elapsed() < Duration::from_secs(8) {
        assert_eq!(meter.unreachable_places().into_keys().collect::<Vec<_>>(), ["a distant place"]);
        sleep(Duration::from_millis(20));
    }
    assert_eq!(fs::metadata(&near).unwrap().modified().unwrap(), is_made, "it has it, and is not told again");
    works.store(true, Ordering::Release);
    while !meter.unreachable_places().is_empty() {
        in_time("it is not told again");
        sleep(Duration::from_millis(20));
    }
    assert_eq!(fs::read_to_string(&far).unwrap(), fs::read_to_string(&near).unwrap());
}

#[test]
fn what_came_since_is_verified_by_itself() {
    let (dir, key) = (tempfile::tempdir().unwrap(), key());
    let mut at = Vec::new();
    for lanes in [2, 3, 2] {
        let log = open(dir.path(), lanes, signing(&key, None)).unwrap();
        fill(&log, lanes, 40);
        drop(log);
        at.push(checked(dir.path(), &key).signed.unwrap().at);
    }
    let (trust, whole) = (trust(&key), checked(dir.path(), &key));
    let from = |at: UnixMicros| verify_since(dir.path(), &trust, at).unwrap();
    for (since, count) in [(UnixMicros(0), 560), (at[0], 400), (at[1], 160), (at[2], 0)] {
        let report = from(since);
        assert!(report.is_whole(), "{:#?}", report.faults);
        assert!((count..count + 60).contains(&report.records), "{since:?}: {} records", report.records);
        assert_eq!((&report.signed, report.unsigned), (&whole.signed, whole.unsigned), "{since:?}");
    }
    // What is changed before is told by who reads it all; what is changed behind, and where the two meet, by both.
    let (early, late) = (all(dir.path()).swap_remove(5), all(dir.path()).pop().unwrap());
    for (record, found) in [(early, false), (late, true)] {
        let file = dir.path().join(&record.file);
        let bytes = fs::read(&file).unwrap();
        let mut changed = bytes.clone();
        changed[record.offset as usize + 60] ^= 1;
        fs::write(&file, changed).unwrap();
        assert!(!verify(dir.path(), Some(&trust)).unwrap().is_whole());
        assert_eq!(from(at[1]).is_whole(), !found);
        fs::write(&file, bytes).unwrap();
    }
}

#[test]
fn a_log_is_verified_while_it_is_written_and_signed() {
    let (dir, key) = (tempfile::tempdir().unwrap(), key());
    let log = open(dir.path(), 2, signing(&key, None)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| fill(&log, 2, 3000));
        let mut looked = 0;
        while !writer.is_finished() {
            checked(dir.path(), &key);
            looked += 1;
        }
        assert!(looked > 2, "{looked}");
    });
    drop(log);
    let report = checked(dir.path(), &key);
    assert_eq!((report.records, report.unsigned), (12_000, 3));
    assert_eq!(ops(&all(dir.path())).len(), 12_000);
}
