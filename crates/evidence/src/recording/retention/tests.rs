//! What is deleted, what never is, and what the log knows of it, with a real log and real recordings.

mod holds;

use std::collections::BTreeSet;

use gate::{Arrived, Frame, Held, Opening, Recorder as _};
use model::{RecordingLevel, TargetId};

use super::*;
use crate::hold::Hand;
use crate::recording::Recordings;
use crate::recording::disk::OpenFile;
use crate::recording::format::OPEN_FOLDER as OPEN;
use crate::recording::testing::{Book, DAY, FailingDisk, OPENED, copy_open, keys};
use crate::testing::{Failure, all, small};
use crate::{Log, LoggedRecord, verify};

const DAY_MICROS: u64 = 86_400_000_000;
/// How long each of the sessions here takes.
const TAKES: u64 = 3_000_000;

struct House {
    recordings: Recordings,
    log: Log,
    dir: tempfile::TempDir,
}

/// `orders` keeps its recordings for two days, `brief` for one hour, `kept` for ever.
fn retention() -> Retention {
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    let targets = [("orders", days(2)), ("brief", Some(Duration::from_secs(3600))), ("kept", None)];
    Retention(targets.into_iter().map(|(name, span)| (name.to_owned(), span)).collect())
}

impl House {
    fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    /// As it starts when the other is killed, with a log of its own.
    fn after(other: &Self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy_open(&other.folder(), &dir.path().join("recordings"));
        Self::at(dir)
    }

    fn at(dir: tempfile::TempDir) -> Self {
        let log = small(&dir.path().join("log"), 2);
        let ledger: Arc<dyn Ledger> = log.lane(0);
        let recordings = Recordings::open(&dir.path().join("recordings"), keys(), ledger).unwrap();
        Self { recordings, log, dir }
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("recordings")
    }

    fn log_folder(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn holds(&self) -> HoldFile {
        HoldFile::of(self.dir.path())
    }

    fn begin(&self, session: &str, target: &str, at: u64) -> Box<dyn gate::Recording> {
        let session = SessionId(session.into());
        let (level, at) = (RecordingLevel::Full, UnixMicros(at));
        let opening = Opening { session: &session, at, protocol: "postgres", level };
        let recording = self.recordings.begin(&opening).unwrap();
        let arrived = Arrived {
            principal: "local:alice".into(),
            kind: "User",
            groups: Vec::new(),
            act: vec!["corp:bob".into()],
            owner: None,
            credential: "local:1".into(),
            target: TargetId(target.into()),
            place: None,
            peer: "127.0.0.1:4".into(),
            application: None,
            run: Some("acme/x#7".into()),
            policies: "p".into(),
            rules: Vec::new(),
        };
        recording.add(at, Frame::Record(&Record { at, session: Some(session), event: Event::Admitted(arrived) }));
        self.recordings.flush();
        recording
    }

    /// A session that is over, and its recording's file.
    fn session(&self, session: &str, target: &str, at: u64) -> PathBuf {
        let recording = self.begin(session, target, at);
        recording.add(UnixMicros(at + TAKES), Frame::Shown(b"what was shown"));
        drop(recording);
        self.recordings.flush();
        self.folder().join(super::super::file::day(UnixMicros(at))).join(format!("{session}.rec"))
    }

    fn sweeper(&self) -> Sweeper {
        self.sweeper_with(self.log.lane(0))
    }

    fn sweeper_with(&self, ledger: Arc<dyn Ledger>) -> Sweeper {
        let stop = Arc::default();
        Sweeper::new(&self.folder(), &self.log_folder(), keys(), retention(), self.holds(), ledger, stop)
    }

    fn records(&self, kind: &str) -> Vec<LoggedRecord> {
        all(&self.log_folder()).into_iter().filter(|record| record.kind() == kind).collect()
    }

    fn place(&self, name: &str, held: Held) {
        let hand = Hand { reason: "case", by: "root", at: UnixMicros(OPENED) };
        self.holds().lock().unwrap().place(name, held, hand).unwrap();
    }

    fn release(&self, name: &str) {
        let hand = Hand { reason: "closed", by: "root", at: UnixMicros(OPENED) };
        self.holds().lock().unwrap().release(name, hand).unwrap();
    }
}

/// This long after the sessions that begin at `OPENED` are over.
fn days_later(days: u64) -> UnixMicros {
    UnixMicros(OPENED + TAKES + days * DAY_MICROS)
}

fn sweep(sweeper: &mut Sweeper, now: UnixMicros) -> Result<Swept, SweepError> {
    sweeper.sweep(now, &AtomicU64::new(0))
}

fn swept(deleted: u64, held: u64) -> Swept {
    Swept { deleted, held }
}

#[test]
fn a_recording_goes_when_its_session_was_over_for_as_long_as_its_target_says() {
    let house = House::new();
    let one = house.session("one", "orders", OPENED);
    let kept = house.session("kept", "kept", OPENED);
    let later = house.session("later", "orders", OPENED + DAY_MICROS);
    let brief = house.session("brief", "brief", OPENED);
    let open = house.begin("open", "brief", OPENED);
    let bytes = fs::metadata(&one).unwrap().len();
    let mut sweeper = house.sweeper();
    assert_eq!(sweep(&mut sweeper, UnixMicros(OPENED + TAKES + 3_599_999_999)).unwrap(), swept(0, 0));
    assert_eq!(sweep(&mut sweeper, UnixMicros(OPENED + TAKES + 3_600_000_000)).unwrap(), swept(1, 0));
    assert!(!brief.exists() && one.exists());
    // Not a moment before, whatever the file's own time is.
    assert_eq!(sweep(&mut sweeper, UnixMicros(days_later(2).0 - 1)).unwrap(), swept(0, 0));
    assert_eq!(sweep(&mut sweeper, days_later(2)).unwrap(), swept(1, 0));
    assert!(!one.exists() && kept.exists() && later.exists());
    assert_eq!(sweep(&mut sweeper, days_later(3)).unwrap(), swept(1, 0));
    assert!(!later.exists() && !later.parent().unwrap().exists(), "a day with nothing in it goes too");
    assert_eq!(sweep(&mut sweeper, days_later(900)).unwrap(), swept(0, 0));
    assert!(kept.exists() && house.folder().join(OPEN).join("open.rec").exists());
    drop(open);

    let deleted = house.records("recording_deleted");
    let recorded = house.records("recorded");
    assert_eq!(
        deleted.iter().map(|record| record.session.as_deref().unwrap()).collect::<Vec<_>>(),
        ["brief", "one", "later"]
    );
    let (record, of) = (&deleted[1], recorded.iter().find(|of| of.session.as_deref() == Some("one")).unwrap());
    for key in ["file", "bytes", "digest"] {
        assert_eq!(record.event[key], of.event[key], "{key}");
    }
    let text = |key| record.text(key).unwrap();
    assert_eq!(
        (record.event["bytes"].as_u64(), text("target"), text("principal")),
        (Some(bytes), "orders", "local:alice")
    );
    assert_eq!((record.event["began"].as_u64(), record.event["over"].as_u64()), (Some(OPENED), Some(OPENED + TAKES)));
    assert_eq!(
        (text("why"), text("run"), &record.event["act"]),
        ("retention of 2d", "acme/x#7", &serde_json::json!(["corp:bob"]))
    );
    assert!(verify(&house.log_folder(), None).unwrap().is_whole());
}

#[test]
fn nothing_goes_of_which_the_log_was_not_told() {
    let house = House::new();
    let file = house.session("one", "orders", OPENED);
    let book = Arc::new(Book::default());
    book.is_down.store(true, Ordering::Relaxed);
    let mut sweeper = house.sweeper_with(book.clone());
    assert!(matches!(sweep(&mut sweeper, days_later(9)), Err(SweepError::Ledger(_))));
    assert!(file.exists() && book.records.lock().is_empty());
    book.is_down.store(false, Ordering::Relaxed);
    assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(1, 0));
    assert!(!file.exists() && book.records.lock().len() == 1);
}

/// Each thing that is asked of the disk fails once: what is gone is in the log, and the next sweep does what this one could not.
#[test]
fn what_the_disk_refuses_is_tried_again() {
    let mut operations = 0;
    for from in 0.. {
        let house = House::new();
        let files = [house.session("one", "orders", OPENED), house.session("two", "orders", OPENED)];
        let mut sweeper = house.sweeper();
        let (disk, failure) = FailingDisk::on(&house.folder(), Failure { from, count: 1, ..Failure::default() });
        sweeper.disk = disk;
        let first = sweep(&mut sweeper, days_later(9));
        let told: Vec<_> = house.records("recording_deleted").into_iter().filter_map(|record| record.session).collect();
        for (file, session) in files.iter().zip(["one", "two"]) {
            assert!(file.exists() || told.contains(&session.to_owned()), "{session} is gone without a record");
        }
        if failure.lock().operations <= from {
            assert_eq!(first.unwrap(), swept(2, 0));
            break;
        }
        operations += 1;
        sweep(&mut sweeper, days_later(9)).unwrap();
        assert!(files.iter().all(|file| !file.exists()));
        assert_eq!(house.records("recording_deleted").len(), 2, "told once each by one process");
    }
    assert!(operations >= 5, "{operations}");
}

/// The real disk, on which one file stays.
struct Sticky(Folder, &'static str);

impl Disk for Sticky {
    fn make_folder(&self, name: &str) -> io::Result<()> {
        self.0.make_folder(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        self.0.create(name)
    }

    fn reopen(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        self.0.reopen(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match name.contains(self.1) {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => self.0.remove(name),
        }
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        self.0.sync_folder(name)
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        self.0.remove_folder(name)
    }
}

#[test]
fn one_that_stays_keeps_no_other() {
    let house = House::new();
    let (one, two) = (house.session("one", "orders", OPENED), house.session("two", "orders", OPENED));
    let mut sweeper = house.sweeper();
    sweeper.disk = Box::new(Sticky(Folder(house.folder()), "one"));
    // The first time it might be all of them, of which the log need not be told.
    assert!(matches!(sweep(&mut sweeper, days_later(9)), Err(SweepError::Io { .. })));
    assert!(one.exists() && two.exists());
    let deleted = AtomicU64::new(0);
    assert!(matches!(sweeper.sweep(days_later(9), &deleted), Err(SweepError::Io { path, .. }) if path == one));
    assert!(one.exists() && !two.exists() && deleted.into_inner() == 1);
    assert!(matches!(sweep(&mut sweeper, days_later(9)), Err(SweepError::Io { .. })));
    assert_eq!(house.records("recording_deleted").len(), 2, "told once each");
}

#[test]
fn what_a_killed_sweep_left_is_done_and_told_again() {
    let house = House::new();
    let file = house.session("one", "orders", OPENED);
    let bytes = fs::read(&file).unwrap();
    sweep(&mut house.sweeper(), days_later(9)).unwrap();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, bytes).unwrap();
    assert_eq!(sweep(&mut house.sweeper(), days_later(9)).unwrap(), swept(1, 0));
    assert!(!file.exists());
    assert_eq!(house.records("recording_deleted").len(), 2);
}

#[test]
fn what_is_not_as_the_log_says_is_never_deleted() {
    type Touch = fn(&Path);
    let touches: [(&str, Touch); 6] = [
        ("a byte is another", |file| {
            let mut bytes = fs::read(file).unwrap();
            let at = bytes.len() - 9;
            bytes[at] ^= 1;
            fs::write(file, bytes).unwrap();
        }),
        // Each chunk of it is sound: only the log can tell.
        ("its end is cut off", |file| {
            let bytes = fs::read(file).unwrap();
            let header = 12 + usize::try_from(u32::from_le_bytes(bytes[8..12].try_into().unwrap())).unwrap();
            let first = header
                + 8
                + usize::try_from(u32::from_le_bytes(bytes[header..header + 4].try_into().unwrap())).unwrap();
            fs::write(file, &bytes[..first]).unwrap();
        }),
        ("something is behind its end", |file| {
            fs::write(file, [fs::read(file).unwrap(), b"x".to_vec()].concat()).unwrap();
        }),
        ("it has another's name", |file| fs::rename(file, file.with_file_name("other.rec")).unwrap()),
        ("it is in another day", |file| {
            let day = file.parent().unwrap().with_file_name("2026-11-01");
            fs::create_dir(&day).unwrap();
            fs::rename(file, day.join("one.rec")).unwrap();
        }),
        ("nothing is in it", |file| fs::write(file, b"").unwrap()),
    ];
    for (what, touch) in touches {
        let house = House::new();
        let file = house.session("one", "orders", OPENED);
        let two = house.session("two", "orders", OPENED);
        touch(&file);
        let mut sweeper = house.sweeper();
        assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(1, 0), "{what}");
        assert!(!two.exists(), "others go");
        let left = crate::recording::list(&house.folder()).unwrap();
        assert_eq!(left.len(), 1, "{what}");
        assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(0, 0), "{what}");
        assert_eq!((house.records("recording_deleted").len(), sweeper.never_deleted()), (1, 1), "{what}");
        let surveyed = survey(&house.folder(), &house.log_folder(), &keys(), &retention(), &[], days_later(9)).unwrap();
        assert!(matches!(&surveyed[..], [Surveyed { state: State::Never(_), .. }]), "{what}: {surveyed:?}");
    }
}

#[test]
fn what_nobody_can_tell_of_is_never_deleted() {
    let house = House::new();
    let gone = house.session("gone", "no-target-any-more", OPENED);
    let file = house.session("one", "orders", OPENED);
    let mut sweeper = house.sweeper();
    sweeper.keys = RecordingKeys::new(&[8; 32]).unwrap();
    assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(0, 0), "sealed by another key");
    // A log that is another one knows nothing of it.
    let mut sweeper = house.sweeper();
    let other = tempfile::tempdir().unwrap();
    let _other = small(other.path(), 1);
    sweeper.log = other.path().to_owned();
    assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(0, 0));
    // One that can't be read is asked again.
    let mut sweeper = house.sweeper();
    sweeper.log = house.dir.path().join("nowhere");
    assert!(matches!(sweep(&mut sweeper, days_later(9)), Err(SweepError::Io { .. })));
    sweeper.log = house.log_folder();
    assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(1, 0));
    assert!(gone.exists() && !file.exists());
}

/// It may have been idle after its last frame: that it was over is known when the next start tells the log.
#[test]
fn what_a_killed_process_left_goes_by_when_the_log_was_told() {
    let running = House::new();
    let _recording = running.begin("one", "orders", OPENED);
    let house = House::after(&running);
    let file = house.folder().join(DAY).join("one.rec");
    assert!(file.exists());
    let told = house.records("recorded")[0].at.0;
    assert!(told > OPENED + DAY_MICROS / 24, "the clock of this machine is set back");
    let survey = |holds: &[crate::hold::Hold], now| {
        let surveyed = survey(&house.folder(), &house.log_folder(), &keys(), &retention(), holds, now).unwrap();
        assert_eq!(surveyed.len(), 1);
        surveyed[0].state.clone()
    };
    let due = UnixMicros(told + 2 * DAY_MICROS);
    let before = UnixMicros(due.0 - 1);
    let mut sweeper = house.sweeper();
    assert_eq!(sweep(&mut sweeper, before).unwrap(), swept(0, 0));
    assert!(file.exists());
    assert!(matches!(survey(&[], before), State::NotBefore(at, _) if at == due));
    // So it was not over before this.
    house.place("case", Held { from: Some(told), ..Held::default() });
    assert_eq!(sweep(&mut sweeper, due).unwrap(), swept(0, 1));
    assert!(matches!(survey(&house.holds().read().unwrap(), due), State::Held(..)));
    house.release("case");
    assert_eq!(survey(&[], due), State::Due(Whose { over: Some(told), ..whose_of("one") }));
    assert_eq!(sweep(&mut sweeper, due).unwrap(), swept(1, 0));
    assert!(!file.exists());
    assert_eq!(house.records("recording_deleted")[0].event["over"].as_u64(), Some(told));
}

/// Of the sessions here.
fn whose_of(session: &str) -> Whose {
    Whose {
        session: session.to_owned(),
        target: "orders".to_owned(),
        principal: "local:alice".to_owned(),
        act: vec!["corp:bob".to_owned()],
        owner: None,
        run: Some("acme/x#7".to_owned()),
        began: OPENED,
        over: None,
    }
}

/// A recording of which reading fails from this byte on, as a disk does.
struct Failing(io::Cursor<Vec<u8>>, u64);

impl io::Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.position() + u64::try_from(buffer.len()).unwrap() > self.1 {
            true => Err(rustix::io::Errno::IO.into()),
            false => self.0.read(buffer),
        }
    }
}

impl io::Seek for Failing {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        match to {
            io::SeekFrom::End(_) if self.1 == u64::MAX - 1 => Err(rustix::io::Errno::IO.into()),
            to => self.0.seek(to),
        }
    }
}

#[test]
fn what_cannot_be_read_now_is_tried_again() {
    let house = House::new();
    let recording = house.begin("one", "orders", OPENED);
    recording.add(UnixMicros(OPENED + TAKES), Frame::Shown(b"what was shown"));
    drop(recording);
    house.recordings.flush();
    let file = house.folder().join(DAY).join("one.rec");
    let bytes = fs::read(&file).unwrap();
    let goes_on = AtomicBool::new(false);
    let chunk = |at: usize| 8 + usize::try_from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap();
    let header = 4 + chunk(8);
    let look = |fails_from: usize| {
        let input = Failing(io::Cursor::new(bytes.clone()), u64::try_from(fails_from).unwrap());
        let reader = super::super::reader::Reader::of(input, &keys()).unwrap();
        super::look::look_at(reader, "one", &retention(), &[], days_later(9), &goes_on)
    };
    // In the first chunk, in the last one, and where it is looked whether anything is behind the end.
    for fails_from in [header, header + chunk(header), usize::MAX - 1] {
        let found = look(fails_from);
        assert!(matches!(&found, Look::Unread(what) if what.contains("cannot be read")), "{fails_from}: {found:?}");
    }
    assert!(matches!(look(usize::MAX), Look::Due { is_cut: false, .. }));
    // Just before it goes: the memory of a process is a file of which the first page is none.
    let mut sweeper = house.sweeper();
    let (mut found, 0) = sweeper.look_into(DAY, Duration::ZERO, days_later(9)).unwrap() else { panic!("it is held") };
    found[0].listed.path = PathBuf::from("/proc/self/mem");
    let mut came_to = Swept::default();
    sweeper.delete(found, days_later(9), &mut came_to, &AtomicU64::new(0)).unwrap();
    let stuck = sweeper.stuck.take().unwrap().to_string();
    assert!(stuck.contains("can't be read, and is not deleted before it can"), "{stuck}");
    // Gone is gone.
    let (found, _) = sweeper.look_into(DAY, Duration::ZERO, days_later(9)).unwrap();
    fs::rename(&file, house.dir.path().join("away")).unwrap();
    sweeper.delete(found, days_later(9), &mut came_to, &AtomicU64::new(0)).unwrap();
    assert!(sweeper.stuck.is_none() && sweeper.never.is_empty() && came_to == swept(0, 0));
    fs::rename(house.dir.path().join("away"), &file).unwrap();
    assert_eq!(sweep(&mut sweeper, days_later(9)).unwrap(), swept(1, 0));
}

#[test]
fn a_day_is_looked_at_again_when_something_comes_or_is_due() {
    let house = House::new();
    let kept = house.session("kept", "kept", OPENED);
    let mut sweeper = house.sweeper();
    sweep(&mut sweeper, days_later(9)).unwrap();
    assert_eq!(sweeper.days[DAY].1, UnixMicros(u64::MAX), "nothing in it is ever due");
    let seen = sweeper.days.clone();
    sweep(&mut sweeper, days_later(9)).unwrap();
    assert_eq!(sweeper.days, seen);
    let one = house.session("one", "orders", OPENED);
    assert_eq!(sweep(&mut sweeper, days_later(1)).unwrap(), swept(0, 0));
    assert_eq!(sweeper.days[DAY].1, UnixMicros(OPENED + 2 * DAY_MICROS), "as long as it was not read to its end");
    assert_eq!(sweep(&mut sweeper, days_later(2)).unwrap(), swept(1, 0));
    assert!(kept.exists() && !one.exists());
}

#[test]
fn the_log_is_asked_as_far_as_it_takes() {
    let house = House::new();
    house.session("one", "orders", OPENED);
    for op in 0..200 {
        house.log.lane(1).append(&[crate::testing::decided(op)]).unwrap();
        house.log.lane(0).append(&[crate::testing::decided(op)]).unwrap();
    }
    house.session("two", "orders", OPENED);
    let name = |session: &str| format!("{DAY}/{session}.rec");
    let (goes_on, stops) = (AtomicBool::new(false), AtomicBool::new(true));
    let ask = |sessions: &[&str], over: u64| {
        let files = sessions.iter().map(|session| name(session)).collect();
        ask(&house.log_folder(), &files, UnixMicros(over), &goes_on).unwrap()
    };
    // In the part, in the whole because it was told before (the clock stepped back), and not at all.
    let part = ask(&["two"], u64::MAX);
    assert!(part.recorded.len() == 1 && part.holds.is_none());
    let whole = ask(&["one"], u64::MAX);
    assert!(whole.recorded.len() == 1 && whole.holds.is_some());
    assert_eq!(ask(&["one", "two", "none"], OPENED).recorded.len(), 2);
    let files = BTreeSet::from([name("one")]);
    assert!(matches!(ask_all(&house.log_folder(), &files, &stops), Err(Unheard::Stopped)));
    // A release is of the placing that it names, in whatever order they come.
    let say = |event| {
        house.log.lane(0).append(&[Record { at: UnixMicros(OPENED), session: None, event }]).unwrap();
    };
    let (reason, by, held) = (String::new(), String::new(), Held { all: true, ..Held::default() });
    for placed in [UnixMicros(1), UnixMicros(2)] {
        let (held, reason, by) = (held.clone(), reason.clone(), by.clone());
        say(Event::HoldPlaced(gate::HoldPlaced { name: "x".into(), held, reason, by, placed }));
    }
    let (placed, released) = (UnixMicros(1), UnixMicros(3));
    say(Event::HoldReleased(gate::HoldReleased { name: "x".into(), held, reason, by, placed, released }));
    let word = ask_all(&house.log_folder(), &files, &goes_on).unwrap();
    assert_eq!(word.holds, Some(BTreeSet::from([("x".to_owned(), 2)])));
    let (placed, released) = (UnixMicros(3), UnixMicros(4));
    let (held, reason, by) = (Held { all: true, ..Held::default() }, String::new(), String::new());
    say(Event::HoldReleased(gate::HoldReleased { name: "x".into(), held, reason, by, placed, released }));
    let word = ask_all(&house.log_folder(), &files, &goes_on).unwrap();
    assert_eq!(word.holds, Some(BTreeSet::new()), "lost, and placed again");
    house.place("x", Held { targets: vec!["kept".into()], ..Held::default() });
    // What is said twice and otherwise is what nobody knows.
    let again = |bytes| {
        let recorded = gate::Recorded { file: name("one"), bytes, digest: Digest([0; 32]), shown: 0, how: "killed" };
        house
            .log
            .lane(0)
            .append(&[Record { at: UnixMicros(OPENED), session: None, event: Event::Recorded(recorded) }])
            .unwrap();
    };
    again(7);
    let word = ask_all(&house.log_folder(), &files, &goes_on).unwrap();
    assert_eq!(word.recorded[&name("one")], Written::Otherwise);
    assert_eq!(sweep(&mut house.sweeper(), days_later(9)).unwrap(), swept(1, 0), "the other one");
}

#[test]
fn what_cannot_be_due_is_not_opened() {
    let house = House::new();
    let file = house.session("one", "orders", OPENED);
    // Nobody could read it, and nobody tries: its day says that it can't be due.
    fs::write(&file, b"no recording").unwrap();
    let mut sweeper = house.sweeper();
    sweep(&mut sweeper, UnixMicros(OPENED + 3_599_000_000)).unwrap();
    assert!(sweeper.never.is_empty() && sweeper.days.is_empty());
    sweep(&mut sweeper, days_later(1)).unwrap();
    assert_eq!(sweeper.never.len(), 1);
    let stopped = house.sweeper();
    stopped.stop.store(true, Ordering::Release);
    let mut stopped = stopped;
    house.session("two", "orders", OPENED);
    assert_eq!(sweep(&mut stopped, days_later(9)).unwrap(), swept(0, 0));
}

#[test]
fn a_span_is_said_as_it_is_written() {
    for (seconds, said) in [(7_776_000, "90d"), (7200, "2h"), (60, "1m"), (90, "90s"), (86_401, "86401s")] {
        assert_eq!(why(Duration::from_secs(seconds)), format!("retention of {said}"));
    }
    assert_eq!((day_start("2026-11-20"), day_start("x")), (OPENED, 0));
}
