//! The folder: what a killed process leaves, what is listed, found and checked.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gate::Frame;
use model::{RecordingLevel, UnixMicros};

use crate::recording::disk::{Disk, Folder, OpenFile};
use crate::recording::recover::digest_of;
use crate::recording::testing::{Book, DAY, OPENED, Stop, copy_open, keys, on, open_path, read, shelved, show, still};
use crate::recording::{Ending, FindError, Recordings, StartError, check, find, list, open};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_a_killed_process_leaves_is_told_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let recordings = still(dir.path(), &Arc::new(Book::default()));
    let (one, two, three) = (recordings.start("one"), recordings.start("two"), recordings.start("three"));
    for recording in [&one, &two, &three] {
        show(&**recording, 1, &[7; 100_000]);
        recording.add(UnixMicros(OPENED + 2), Frame::Instead { bytes: 11, kept: b"kept" });
    }
    recordings.flush();
    for recording in [&one, &two, &three] {
        show(&**recording, 3, b"lost");
    }
    drop(three);
    let killed = tempfile::tempdir().unwrap();
    copy_open(dir.path(), killed.path());
    // One was written in the middle of a chunk, one in the middle of its header, and one had its end already.
    let mut torn = fs::read(open_path(killed.path(), "two")).unwrap();
    torn.extend_from_slice(&[9, 1, 0, 0, 50, 1, 0, 0, 1, 2, 3]);
    fs::write(open_path(killed.path(), "two"), &torn).unwrap();
    fs::write(open_path(killed.path(), "begun"), &torn[..40]).unwrap();
    fs::write(open_path(killed.path(), "three"), shelved(dir.path(), "three")).unwrap();
    // These are none of ours.
    fs::write(killed.path().join("open/what.txt"), b"x").unwrap();
    symlink("/etc/passwd", open_path(killed.path(), "link")).unwrap();

    let book = Arc::new(Book::default());
    drop(still(killed.path(), &book));
    let told = book.recorded();
    let of = |session: &str| &told.iter().find(|(of, _)| of == session).unwrap().1;
    assert_eq!(told.len(), 4);
    for (session, how, shown) in [("one", "killed", 100_011), ("two", "killed", 100_011), ("three", "closed", 100_015)]
    {
        let recorded = of(session);
        assert_eq!(recorded.file, format!("{DAY}/{session}.rec"));
        assert_eq!((recorded.how, recorded.shown), (how, shown), "{session}");
        assert_eq!(digest_of(&killed.path().join(&recorded.file)).unwrap(), (recorded.bytes, recorded.digest));
    }
    assert_eq!((of("begun").how, of("begun").shown, of("begun").bytes), ("killed", 0, 40));
    assert_eq!(shelved(killed.path(), "two"), torn, "nothing is cut off");
    assert!(matches!(read(&torn, &keys()).1, Stop::Unfinished { torn: 11, .. }));
    let mut left: Vec<_> =
        fs::read_dir(killed.path().join("open")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["link.rec", "what.txt"]);
    // Told once.
    drop(still(killed.path(), &book));
    assert_eq!(book.recorded().len(), 4);
}

#[test]
fn a_recording_is_in_the_log_before_it_is_on_its_shelf() {
    let dir = tempfile::tempdir().unwrap();
    let book = Arc::new(Book::default());
    let recordings = still(dir.path(), &book);
    // Its shelf can't be made: a file is in the place of it.
    fs::write(dir.path().join(DAY), b"").unwrap();
    drop(recordings.start("one"));
    assert_eq!(book.recorded().len(), 1);
    assert!(open_path(dir.path(), "one").exists());
    // A log that is down takes it as a note.
    book.is_down.store(true, Ordering::Relaxed);
    drop(recordings.start("two"));
    let told = book.recorded();
    assert_eq!(told[1].0, "two");
    drop(recordings);
    fs::remove_file(dir.path().join(DAY)).unwrap();
    drop(still(dir.path(), &book));
    assert_eq!(book.recorded()[2..], told, "told again, the same");
}

#[test]
fn names_that_are_taken_stay_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let recordings = still(dir.path(), &Arc::new(Book::default()));
    let one = recordings.start("one");
    fs::create_dir(dir.path().join(DAY)).unwrap();
    fs::write(dir.path().join(DAY).join("one.rec"), b"another").unwrap();
    drop(one);
    assert_eq!(shelved(dir.path(), "one"), b"another");
    assert!(open_path(dir.path(), "one").exists());
}

#[test]
fn only_the_owner_may_look() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("recordings");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let recordings = still(&folder, &Arc::new(Book::default()));
    let one = recordings.start("one");
    assert_eq!(mode(&open_path(&folder, "one")), 0o600);
    drop(one);
    assert_eq!([mode(&folder), mode(&folder.join("open")), mode(&folder.join(DAY))], [0o700; 3]);
    assert_eq!(mode(&folder.join(DAY).join("one.rec")), 0o600);
    let second = Recordings::open(&folder, keys(), Arc::new(Book::default()));
    assert!(matches!(second, Err(StartError::InUse(at)) if at == folder));
}

#[test]
fn recordings_are_listed_and_found() {
    let dir = tempfile::tempdir().unwrap();
    let recordings = still(dir.path(), &Arc::new(Book::default()));
    let _open = recordings.start("abd");
    for session in ["abc", "ab", "xyz"] {
        drop(recordings.start(session));
    }
    fs::write(dir.path().join(DAY).join("notes.txt"), b"x").unwrap();
    fs::create_dir(dir.path().join("other")).unwrap();
    let listed = list(dir.path()).unwrap();
    let told: Vec<_> = listed.iter().map(|one| (one.session.as_str(), one.day.as_deref(), one.is_open)).collect();
    let day = Some(DAY);
    assert_eq!(told, [("ab", day, false), ("abc", day, false), ("xyz", day, false), ("abd", day, true)]);
    assert!(listed.iter().all(|one| one.bytes == fs::metadata(&one.path).unwrap().len()));
    assert_eq!(find(dir.path(), "x").unwrap(), listed[2].path);
    assert_eq!(find(dir.path(), "ab").unwrap(), listed[0].path);
    assert!(matches!(find(dir.path(), "q"), Err(FindError::None(_))));
    let several = find(dir.path(), "a").unwrap_err().to_string();
    assert_eq!(several, "several recordings are of sessions whose ids begin with a: ab, abc, abd");
}

#[test]
fn a_check_counts_and_says_how_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let book = Arc::new(Book::default());
    let recordings = still(dir.path(), &book);
    let recording = recordings.start_at("one", RecordingLevel::Full);
    show(&*recording, 1, &[7; 100_000]);
    recording.add(UnixMicros(OPENED + 2), Frame::Instead { bytes: 11, kept: b"kept" });
    recording.add(UnixMicros(OPENED + 3), Frame::Record(&crate::testing::decided(1)));
    recordings.flush();
    let report = check(&open_path(dir.path(), "one"), &keys()).unwrap();
    assert!(matches!(report.ending, Ending::Unfinished { torn: 0, .. }));
    drop(recording);
    let path = find(dir.path(), "one").unwrap();
    let report = check(&path, &keys()).unwrap();
    assert_eq!(report.ending, Ending::Complete);
    assert_eq!((report.records, report.shown, report.kept), (1, 100_011, 100_004));
    assert_eq!((report.chunks, report.frames), (3, 4));
    assert_eq!(report.header.session, "one");
    let (_, recorded) = &book.recorded()[0];
    assert_eq!((report.bytes, report.digest, report.shown), (recorded.bytes, recorded.digest, recorded.shown));
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 1;
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let Ending::Changed(fault) = check(&path, &keys()).unwrap().ending else { panic!("it is as it was") };
    assert_eq!(fault.chunk, 2);
    assert_eq!(
        fault.to_string(),
        format!(
            "chunk 2, at byte {}: it was changed, or it belongs to another place or another recording",
            fault.offset
        )
    );
    let missing = open(Path::new("/nowhere/x.rec"), &keys()).map(drop).unwrap_err().to_string();
    assert_eq!(missing, "/nowhere/x.rec: No such file or directory (os error 2)");
}

/// The real disk, on which the folder of a day goes just before something is put into it: its last recording was deleted.
struct Emptied(Folder, AtomicBool);

impl Disk for Emptied {
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
        if !self.1.swap(true, Ordering::Relaxed) {
            fs::remove_dir(self.0.0.join(DAY))?;
        }
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        self.0.sync_folder(name)
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        self.0.remove_folder(name)
    }
}

#[test]
fn a_day_that_was_just_emptied_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Box::new(Emptied(Folder(dir.path().to_owned()), AtomicBool::new(false)));
    let recordings = on(dir.path(), &Arc::new(Book::default()), disk);
    drop(recordings.start("one"));
    assert_eq!(read(&shelved(dir.path(), "one"), &keys()).1, Stop::Complete);
}
