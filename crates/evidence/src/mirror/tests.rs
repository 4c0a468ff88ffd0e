use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread::sleep;

use gate::Ledger as _;

use super::*;
use crate::log::{Log, OpenError};
use crate::note::{Keyring, SigningKey};
use crate::signer::Signing;
use crate::testing::{all, decided, ended, ops};
use crate::verify::{Trust, verify};

struct Two {
    dir: tempfile::TempDir,
    key: SigningKey,
}

impl Two {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), key: SigningKey::generate("weir/test").unwrap() }
    }

    fn first(&self) -> PathBuf {
        self.dir.path().join("first")
    }

    fn second(&self) -> PathBuf {
        self.dir.path().join("second")
    }

    fn try_open(&self) -> Result<Log, OpenError> {
        let key = SigningKey::from_secret_line(&self.key.to_secret_line()).unwrap();
        let settings = crate::log::Settings {
            lanes: 2,
            instance: "test",
            durability: crate::log::Durability::Written,
            segment_bytes_max: 4096,
            signing: Some(Signing::by(key)),
            sign_records: 1000,
            mirror: Some(self.second()),
        };
        Log::open_on(&self.first(), settings, Box::new(Folder(self.first())))
    }

    fn open(&self) -> Log {
        self.try_open().unwrap()
    }

    /// Both hold the same, and it is whole. Gives the numbers of the operations in it.
    fn checked(&self) -> Vec<u64> {
        assert_eq!(files(&self.first()), files(&self.second()));
        let keys = Keyring::of([self.key.public().clone()]);
        for folder in [self.first(), self.second()] {
            let report = verify(&folder, Some(&Trust { keys: keys.clone(), witnessed: Vec::new() })).unwrap();
            assert!(report.is_whole(), "{:#?}", report.faults);
        }
        ops(&all(&self.second()))
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn fill(log: &Log, from: u64, count: u64) {
    for op in from..from + count {
        log.lane(0).note(ended(op));
        log.lane(1).append(&[decided(op)]).unwrap();
        log.lane(0).append(&[decided(op)]).unwrap();
    }
}

/// How much of a lane's last segment is in a folder.
fn segment(folder: &Path, lane: u16) -> PathBuf {
    crate::testing::last_segment(folder, lane)
}

#[test]
fn what_is_written_is_in_both_places() {
    let two = Two::new();
    for from in [0, 60] {
        fill(&two.open(), from, 60);
    }
    assert_eq!(two.checked().len(), 360);
    assert!(files(&two.first()).len() > 8, "there were several segments");
    // Another one that would write the second place for itself.
    let log = two.open();
    let other = Log::open(&two.second(), 1, "other", Default::default());
    assert!(matches!(other, Err(OpenError::InUse(_))));
    drop(log);
}

#[test]
fn while_one_place_is_gone_the_other_goes_on_and_it_is_made_good() {
    for is_second in [true, false] {
        let two = Two::new();
        let gone = if is_second { two.second() } else { two.first() };
        let log = two.open();
        fill(&log, 0, 5);
        fs::rename(&gone, two.dir.path().join("away")).unwrap();
        fs::remove_dir_all(two.dir.path().join("away")).unwrap();
        // Through the ends of segments too.
        fill(&log, 5, 60);
        assert_eq!(log.meter().places_down(), [gone.display().to_string()]);
        fs::create_dir(&gone).unwrap();
        sleep(HEAL_AFTER * 2);
        fill(&log, 65, 1);
        sleep(HEAL_AFTER * 2);
        fill(&log, 66, 60);
        for lane in [0, 1] {
            let (one, other) = (segment(&two.first(), lane), segment(&two.second(), lane));
            assert_eq!(one.file_name(), other.file_name());
        }
        drop(log);
        // What was finished meanwhile is brought there by the next start.
        let log = two.open();
        assert_eq!(log.meter().places_down(), [""; 0]);
        drop(log);
        assert_eq!(two.checked().len(), 126 * 3, "second: {is_second}");
        let told = all(&two.first()).into_iter().filter(|record| record.text("what") == Some("log_place_mended"));
        assert!(told.count() > 0);
    }
}

#[test]
fn when_both_are_gone_nothing_is_written() {
    let two = Two::new();
    let log = two.open();
    fill(&log, 0, 5);
    fs::remove_dir_all(two.first()).unwrap();
    fs::remove_dir_all(two.second()).unwrap();
    assert!(log.lane(0).append(&[decided(9)]).is_err());
    assert!(log.lane(0).append(&[decided(9)]).is_err());
}

#[test]
fn what_somebody_else_has_changed_is_left_as_it_is() {
    for is_second in [true, false] {
        let two = Two::new();
        let changed = if is_second { two.second() } else { two.first() };
        let log = two.open();
        fill(&log, 0, 5);
        let file = segment(&changed, 1);
        let mut bytes = fs::read(&file).unwrap();
        bytes.extend_from_slice(b"more");
        fs::write(&file, &bytes).unwrap();
        fill(&log, 5, 1);
        sleep(HEAL_AFTER * 2);
        fill(&log, 6, 1);
        assert_eq!(log.meter().places_down(), [changed.display().to_string()]);
        let now = fs::read(&file).unwrap();
        assert!(now.starts_with(&bytes), "what was put there is still there");
        drop(log);
        let differ = two.try_open().err().unwrap();
        assert!(matches!(&differ, OpenError::Differ(Differ::Both { .. })), "{differ}");
        assert!(differ.to_string().contains("hold different records"), "{differ}");
        // Who has looked moves the one away that is not the log.
        fs::rename(&changed, two.dir.path().join("evidence")).unwrap();
        drop(two.open());
        assert_eq!(two.checked().len(), 7 * 3);
    }
}

#[test]
fn whatever_one_place_lacks_is_brought_from_the_other_before_anything_is_written() {
    let two = Two::new();
    fill(&two.open(), 0, 60);
    let whole = two.checked().len();
    let cut = |folder: &Path, lane, bytes: u64| {
        let file = segment(folder, lane);
        let length = fs::metadata(&file).unwrap().len();
        fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length - bytes).unwrap();
    };
    // The end of one lane here, the end of the other there, and a whole segment.
    cut(&two.first(), 0, 70);
    cut(&two.second(), 1, 9);
    fs::remove_file(two.second().join("000-00000000000000000001.log")).unwrap();
    drop(two.open());
    assert_eq!(two.checked().len(), whole);
    // All of one: a new disk.
    fs::remove_dir_all(two.first()).unwrap();
    drop(two.open());
    assert_eq!(two.checked().len(), whole);
    // Each has gone on without the other.
    let (first, away) = (two.first(), two.dir.path().join("away"));
    crate::testing::copy(&first, &away);
    fill(&two.open(), 60, 5);
    fs::remove_dir_all(&first).unwrap();
    fs::rename(&away, &first).unwrap();
    let key = SigningKey::from_secret_line(&two.key.to_secret_line()).unwrap();
    fill(&Log::open_signed(&first, 2, "alone", Default::default(), Signing::by(key)).unwrap(), 70, 5);
    let before = (files(&first), files(&two.second()));
    assert!(matches!(two.try_open().err().unwrap(), OpenError::Differ(Differ::Both { .. })));
    assert_eq!((files(&first), files(&two.second())), before, "nothing was touched");
}

#[test]
fn a_second_place_that_can_not_be_had_is_told_and_the_first_goes_on() {
    let two = Two::new();
    fs::write(two.second(), "no folder").unwrap();
    let log = two.open();
    fill(&log, 0, 5);
    assert_eq!(log.meter().places_down(), [two.second().display().to_string()]);
    drop(log);
    fs::remove_file(two.second()).unwrap();
    drop(two.open());
    assert_eq!(two.checked().len(), 15);
    // The first one's own trouble is another matter.
    fs::remove_dir_all(two.first()).unwrap();
    fs::write(two.first(), "no folder").unwrap();
    assert!(two.try_open().is_err());
}

#[test]
fn one_byte_anywhere_in_what_the_log_goes_on_from_is_no_guess() {
    let two = Two::new();
    let log = two.open();
    // Far more than what is compared of what is finished.
    let key = SigningKey::from_secret_line(&two.key.to_secret_line()).unwrap();
    drop(log);
    let settings = crate::log::Settings {
        lanes: 2,
        instance: "test",
        durability: crate::log::Durability::Written,
        segment_bytes_max: 1 << 20,
        signing: Some(Signing::by(key)),
        sign_records: 1000,
        mirror: Some(two.second()),
    };
    fill(&Log::open_on(&two.first(), settings, Box::new(Folder(two.first()))).unwrap(), 0, 400);
    let file = segment(&two.first(), 0);
    let mut bytes = fs::read(&file).unwrap();
    assert!(bytes.len() > 100_000);
    bytes[900] ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert!(matches!(two.try_open().err().unwrap(), OpenError::Differ(Differ::Both { .. })));
}

/// A file that takes half of a write, and then is full for once.
struct Half {
    file: File,
    troubles: u8,
}

impl Write for Half {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::mem::take(&mut self.troubles) {
            2 => {
                self.troubles = 1;
                self.file.write(&bytes[..bytes.len() / 2])
            }
            1 => Err(io::ErrorKind::StorageFull.into()),
            _ => self.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SegmentFile for Half {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        SegmentFile::set_len(&mut self.file, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        SegmentFile::sync(&mut self.file)
    }

    fn stat(&self) -> io::Result<Stat> {
        self.file.stat()
    }
}

#[test]
fn half_of_a_write_is_taken_back_before_the_rest_comes() {
    let dir = tempfile::tempdir().unwrap();
    let folders = ["one", "other"].map(|name| dir.path().join(name));
    let side = |folder: &PathBuf| {
        fs::create_dir(folder).unwrap();
        let file = OpenOptions::new().append(true).create_new(true).open(folder.join("segment")).unwrap();
        let half = Half { file, troubles: 0 };
        Side {
            folder: folder.clone(),
            file: Some(Box::new(half)),
            good: 0,
            synced: 0,
            tried: None,
            is_down: false,
            is_lost: false,
        }
    };
    let sides = folders.iter().map(side).collect();
    let down = Arc::<Down>::default();
    let mut file = Mirrored { name: "segment".to_owned(), length: 0, sides, touched: None, down: Arc::clone(&down) };
    file.write_all(b"first ").unwrap();
    let file_now = OpenOptions::new().append(true).open(folders[1].join("segment")).unwrap();
    file.sides[1].file = Some(Box::new(Half { file: file_now, troubles: 2 }));
    file.write_all(b"second ").unwrap();
    assert_eq!(down.read(), [false, true]);
    let there = || folders.clone().map(|folder| fs::read_to_string(folder.join("segment")).unwrap());
    assert_ne!(there()[0], there()[1]);
    assert!(there()[1].len() > 6, "a part of it is there: {:?}", there());
    sleep(HEAL_AFTER * 2);
    file.write_all(b"third").unwrap();
    assert_eq!(there(), ["first second third"; 2]);
    assert_eq!(down.read(), [false, false]);
}
