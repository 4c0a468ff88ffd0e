use std::time::Duration;

use gate::Ledger as _;

use crate::note::SigningKey;
use crate::signer::Signing;
use crate::testing::{self, FailingDisk, Failure, all, decided, ended, open_with, small};

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not happen");
}

fn bytes_in(folder: &std::path::Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let segments = files.filter(|file| file.file_name().to_string_lossy().ends_with(".log"));
    segments.map(|file| file.metadata().unwrap().len()).sum()
}

#[test]
fn it_agrees_with_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 2);
    let meter = log.meter();
    // The first record of each lane is its segment's header.
    assert_eq!((meter.read().records, meter.read().bytes), (2, bytes_in(dir.path())));
    for op in 0..200 {
        log.lane(0).append(&[decided(op), decided(op + 1000)]).unwrap();
        log.lane(1).note(ended(op));
    }
    wait_until("the last note", || all(dir.path()).len() == 600);
    let figures = meter.read();
    assert_eq!(figures.bytes, bytes_in(dir.path()));
    // Each segment that followed another one has a header, and the one before it a seal.
    let segments = std::fs::read_dir(dir.path()).unwrap().count() as u64 - 1;
    assert!(segments > 10, "{segments} segments");
    assert_eq!(figures.records, 600 + segments + (segments - 2));
    assert_eq!((figures.errors, figures.is_down, figures.unsigned, figures.checkpoint_at), (0, false, None, None));
}

#[test]
fn what_failed_is_tried_again_until_it_can_be_written_though_nobody_appends() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, failure) = FailingDisk::on(dir.path(), Failure { from: usize::MAX, ..Failure::default() });
    let log = testing::open(dir.path(), 2, 1 << 30, disk).unwrap();
    let meter = log.meter();
    let records = meter.read().records;
    let operations = failure.lock().operations;
    *failure.lock() = Failure { from: 0, count: usize::MAX, operations, ..Failure::default() };
    assert!(log.lane(1).append(&[decided(1)]).is_err());
    assert!(meter.read().is_down && meter.read().errors == 1);
    wait_until("another try", || meter.read().errors > 2);
    assert!(meter.read().is_down, "nothing was written, so nothing is known");
    assert_eq!(meter.read().records, records);
    failure.lock().count = 0;
    wait_until("the log is written again", || !meter.read().is_down);
    let found = all(dir.path());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text("what"), Some("written_again"));
    assert_eq!(meter.read().records, records + 1);
}

#[test]
fn a_record_that_is_unfit_is_an_error_and_the_log_is_not_down() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 1);
    let detail = "x".repeat(17 * 1024 * 1024);
    let long = gate::Record { event: gate::Event::Noticed { what: "cancel", detail }, ..decided(0) };
    assert!(log.lane(0).append(&[long]).is_err());
    let figures = log.meter().read();
    assert_eq!((figures.errors, figures.is_down), (1, false));
}

#[test]
fn what_is_unsigned_goes_down_to_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let signing = Signing::by(SigningKey::generate("weir/test").unwrap());
    let disk = Box::new(crate::disk::Folder(dir.path().to_owned()));
    let log = open_with(dir.path(), 2, 1 << 20, disk, Some(signing)).unwrap();
    let meter = log.meter();
    let first = meter.read();
    assert_eq!(first.unsigned, Some(0), "the first checkpoint covers what is there");
    for op in 0..5 {
        log.lane(1).append(&[decided(op)]).unwrap();
    }
    assert_eq!(meter.read().unsigned, Some(5));
    wait_until("a checkpoint", || meter.read().unsigned == Some(0));
    assert!(meter.read().checkpoint_at > first.checkpoint_at);
}
