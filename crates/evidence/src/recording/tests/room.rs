//! How much may wait, who is woken, and the thread.

use std::fs::{self, File};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use gate::{Frame, Recording};
use model::UnixMicros;
use parking_lot::Mutex;

use crate::recording::disk::Folder;
use crate::recording::reader::Reader;
use crate::recording::session::{HELD_BYTES_MAX, WAITING_BYTES_MAX};
use crate::recording::testing::{
    Book, OPENED, Stop, WatchedDisk, drain, keys, on, open_path, read, shelved, show, still,
};
use crate::recording::worker::ALL_WAITING_BYTES_MAX;
use crate::recording::{Next, Recordings};

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// Says that it was woken.
struct Bell(Sender<()>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

fn bell() -> (Waker, Receiver<()>) {
    let (sender, receiver) = channel();
    (Arc::new(Bell(sender)).into(), receiver)
}

fn is_room(recording: &dyn Recording, waker: &Waker) -> bool {
    match recording.poll_room(&mut Context::from_waker(waker)) {
        Poll::Ready(room) => {
            room.unwrap();
            true
        }
        Poll::Pending => false,
    }
}

struct Watched {
    recordings: Recordings,
    dir: tempfile::TempDir,
    held: Arc<Mutex<()>>,
    written: Receiver<usize>,
    book: Arc<Book>,
}

/// Recordings with their thread, on a disk that can be held.
fn watched() -> Watched {
    let dir = tempfile::tempdir().unwrap();
    let (held, book) = (Arc::<Mutex<()>>::default(), Arc::new(Book::default()));
    let (sender, written) = channel();
    let disk = WatchedDisk { folder: Folder(dir.path().to_owned()), held: held.clone(), written: sender };
    let mut recordings = on(dir.path(), &book, Box::new(disk));
    recordings.attend().unwrap();
    Watched { recordings, dir, held, written, book }
}

#[test]
fn what_is_added_is_soon_in_the_file() {
    let watched = watched();
    let recording = watched.recordings.start("one");
    let mut reader = Reader::of(File::open(open_path(watched.dir.path(), "one")).unwrap(), &keys()).unwrap();
    for n in 0..3_u64 {
        assert!(matches!(drain(&mut reader), (none, Stop::Unfinished { torn: 0, .. }) if none.is_empty()));
        show(&*recording, n, b"a few bytes");
        watched.written.recv_timeout(LONG).unwrap();
        let (found, _) = drain(&mut reader);
        assert_eq!(found.len(), 1, "whoever follows is told");
        assert_eq!(found[0].at, UnixMicros(OPENED + n));
    }
    drop(recording);
    watched.written.recv_timeout(LONG).unwrap();
    drop(watched.recordings);
    // The file that it follows has another name now.
    assert_eq!(reader.next(), Ok(Next::Complete));
    assert_eq!(watched.book.recorded().len(), 1);
}

/// What is left when full pages are written has nobody else who tells of it.
#[test]
fn the_rest_of_a_long_piece_is_soon_in_the_file_too() {
    let watched = watched();
    let recording = watched.recordings.start("one");
    let mut reader = Reader::of(File::open(open_path(watched.dir.path(), "one")).unwrap(), &keys()).unwrap();
    show(&*recording, 1, &[1; 100_000]);
    let mut shown = 0;
    while shown < 100_000 {
        watched.written.recv_timeout(LONG / 6).unwrap();
        shown += drain(&mut reader).0.iter().map(|kept| kept.frame.shown_bytes()).sum::<u64>();
    }
}

#[test]
fn a_session_has_its_room() {
    let watched = watched();
    let held = watched.held.lock();
    let recording = watched.recordings.start("one");
    let ((one, one_woken), (two, two_woken)) = (bell(), bell());
    let mut added = 0;
    while is_room(&*recording, &one) {
        added += 10_000;
        assert!(added <= WAITING_BYTES_MAX + 10_000);
        show(&*recording, added as u64, &[1; 10_000]);
    }
    assert!(added >= WAITING_BYTES_MAX - 10_000);
    assert!(!is_room(&*recording, &two) && !is_room(&*recording, &two));
    let other = watched.recordings.start("two");
    assert!(is_room(&*other, &one), "others have theirs");
    assert!(one_woken.try_recv().is_err());
    drop(held);
    one_woken.recv_timeout(LONG).unwrap();
    two_woken.recv_timeout(LONG).unwrap();
    assert!(is_room(&*recording, &one));
    drop(recording);
    drop(watched.recordings);
    let (found, stop) = read(&shelved(watched.dir.path(), "one"), &keys());
    assert_eq!(stop, Stop::Complete);
    assert_eq!(found.iter().map(|kept| kept.frame.shown_bytes()).sum::<u64>(), added as u64);
}

#[test]
fn all_together_have_theirs() {
    let watched = watched();
    let held = watched.held.lock();
    let each = WAITING_BYTES_MAX - 1024;
    let (waker, woken) = bell();
    let mut recordings = vec![watched.recordings.start("0")];
    while is_room(&*recordings[0], &waker) {
        let recording = watched.recordings.start(&recordings.len().to_string());
        show(&*recording, 1, &vec![1; each]);
        recordings.push(recording);
        assert!(recordings.len() * each < ALL_WAITING_BYTES_MAX + 3 * each);
    }
    assert!(watched.recordings.shared.waiting_bytes() >= ALL_WAITING_BYTES_MAX);
    assert!(woken.try_recv().is_err());
    drop(held);
    woken.recv_timeout(LONG).unwrap();
    assert!(is_room(&*recordings[0], &waker));
    let count = recordings.len();
    drop(recordings);
    drop(watched.recordings);
    assert_eq!(watched.book.recorded().len(), count);
}

#[test]
fn who_waits_is_woken_when_it_can_never_be_written() {
    let watched = watched();
    let held = watched.held.lock();
    let recording = watched.recordings.start("one");
    let (waker, woken) = bell();
    fs::remove_file(open_path(watched.dir.path(), "one")).unwrap();
    let other = watched.recordings.start("other");
    show(&*other, 1, &[1; 70_000]);
    while is_room_or_down(&*recording, &waker) {
        show(&*recording, 1, &[1; 10_000]);
    }
    drop(held);
    if recording.stands().is_ok() {
        woken.recv_timeout(LONG).unwrap();
    }
    let Poll::Ready(Err(down)) = recording.poll_room(&mut Context::from_waker(&waker)) else { panic!("it stands") };
    assert!(down.0.ends_with("was deleted while Weir was writing it"), "{down}");
}

fn is_room_or_down(recording: &dyn Recording, waker: &Waker) -> bool {
    matches!(recording.poll_room(&mut Context::from_waker(waker)), Poll::Ready(Ok(())))
}

#[test]
fn who_never_asks_for_room_is_stopped() {
    let watched = watched();
    let held = watched.held.lock();
    let recording = watched.recordings.start("one");
    for _ in 0..=HELD_BYTES_MAX / 1_000_000 + 1 {
        show(&*recording, 1, &vec![1; 1_000_000]);
    }
    assert_eq!(recording.stands().unwrap_err().0, "more than 32 MiB of it wait to be written");
    drop(held);
    drop((recording, watched.recordings));
    assert_eq!(watched.book.recorded(), []);
}

#[test]
fn a_session_may_let_go_after_all_others_have() {
    let dir = tempfile::tempdir().unwrap();
    let book = Arc::new(Book::default());
    let mut recordings = still(dir.path(), &book);
    recordings.attend().unwrap();
    let (early, late) = (recordings.start("early"), recordings.start("late"));
    show(&*early, 1, b"early");
    show(&*late, 1, b"late");
    drop(early);
    drop(recordings);
    assert_eq!(book.recorded().len(), 1);
    let open = fs::read(open_path(dir.path(), "late")).unwrap();
    assert_eq!(read(&open, &keys()).0.len(), 1, "what it had is written");
    show(&*late, 2, &[1; 300_000]);
    let (waker, _woken) = bell();
    assert!(is_room(&*late, &waker));
    drop(late);
    assert_eq!(read(&shelved(dir.path(), "late"), &keys()).1, Stop::Complete);
    assert_eq!(book.recorded().len(), 2);
    drop(still(dir.path(), &book));
}

/// Many threads, many sessions, some shared: nothing is lost and nothing is left.
#[test]
fn parts_of_a_session_add_at_the_same_time() {
    let watched = watched();
    let recordings = &watched.recordings;
    thread::scope(|scope| {
        for session in 0..4_u8 {
            scope.spawn(move || {
                let recording: Arc<dyn Recording> = recordings.start(&session.to_string()).into();
                thread::scope(|parts| {
                    for part in 0..3_u8 {
                        let recording = recording.clone();
                        parts.spawn(move || {
                            let (waker, woken) = bell();
                            for n in 0..500_u64 {
                                while !is_room(&*recording, &waker) {
                                    woken.recv_timeout(LONG).unwrap();
                                }
                                recording.add(UnixMicros(OPENED + n), Frame::About(n));
                                show(&*recording, n, &[part; 999]);
                            }
                        });
                    }
                });
            });
        }
    });
    let shared = watched.recordings.shared.clone();
    drop(watched.recordings);
    assert_eq!(shared.waiting_bytes(), 0);
    for session in 0..4_u8 {
        let (found, stop) = read(&shelved(watched.dir.path(), &session.to_string()), &keys());
        assert_eq!(stop, Stop::Complete);
        assert_eq!(found.iter().map(|kept| kept.frame.shown_bytes()).sum::<u64>(), 3 * 500 * 999);
    }
    assert_eq!(watched.book.recorded().len(), 4);
}
