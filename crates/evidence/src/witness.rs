//! Places outside of the log that know its last checkpoint. What is taken from the end of the log is missed by them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::folder::replace;

/// A place where the last checkpoint is kept. It is called by a thread of the log's own, which can wait a little.
pub trait Witness: Send {
    /// Where it is, for messages.
    fn place(&self) -> String;
    /// Keeps this note in the place of the one before. The same note again asks how it went.
    fn publish(&mut self, note: &str) -> Result<(), String>;
    /// Whether what was published without an error is there: one that does it later is to be asked again until it is.
    fn is_settled(&self) -> bool {
        true
    }
    /// The note that it has. The error is that it can't be told whether there is one.
    fn last(&self) -> Result<Option<String>, String>;
    /// What it has is held against the log before it is first written over: for one that could not be asked when the log was opened.
    fn doubt(&mut self, check: Check);
    /// Whether Weir may start without having heard of this place: one that is far away may be out of reach.
    fn is_far(&self) -> bool {
        false
    }
}

/// Whether a note that is found in a place is of the log that is open, as it was when it was opened.
pub type Check = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// What a place says that has another note than it was told.
pub const ANOTHER_WRITES: &str = "another Weir has written its checkpoint here: two run with copies of one state folder, and what each of them does is not in the other's log; stop one, and start this one again";

/// A file, which is replaced whole.
#[derive(Clone)]
pub struct FileWitness {
    file: PathBuf,
    is_far: bool,
    /// What was last written there.
    told: Option<String>,
    /// Set while nobody has looked what is there.
    doubt: Option<Check>,
}

impl FileWitness {
    /// A file beside the log.
    pub fn near(file: PathBuf) -> Self {
        Self { file, is_far: false, told: None, doubt: None }
    }

    /// A file in a folder of another machine or disk, named after the log. It must be writable by Weir, and should not let it take back
    /// what it wrote.
    pub fn far(folder: &Path, log: &str) -> Self {
        Self {
            file: folder.join(format!("{}.checkpoint", log.replace('/', "-"))),
            is_far: true,
            told: None,
            doubt: None,
        }
    }
}

impl Witness for FileWitness {
    fn place(&self) -> String {
        self.file.display().to_string()
    }

    fn publish(&mut self, note: &str) -> Result<(), String> {
        // Two that write one place are two copies of one log: one of them must not be there. Who has it would see now the one, now the other.
        let found = self.last()?;
        if let Some((doubt, found)) = self.doubt.as_ref().zip(found.as_ref()) {
            doubt(found)?;
        }
        self.doubt = None;
        if let (Some(told), Some(found)) = (&self.told, found)
            && found != *told
        {
            return Err(ANOTHER_WRITES.to_owned());
        }
        let written = replace(&self.file, note.as_bytes(), 0o644);
        // Also where it is not sure that it stays: it is ours.
        if self.last().is_ok_and(|found| found.as_deref() == Some(note)) {
            self.told = Some(note.to_owned());
        }
        written.map_err(|error| error.to_string())
    }

    fn doubt(&mut self, check: Check) {
        self.doubt = Some(check);
    }

    fn last(&self) -> Result<Option<String>, String> {
        match fs::read_to_string(&self.file) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn is_far(&self) -> bool {
        self.is_far
    }
}

/// How long a place that is far away may take, to say what it has or to take a note.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// How long after a failure it is tried again, if there is no newer checkpoint meanwhile.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// And how long it is waited for when Weir ends.
const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// A place that may hang, with a thread of its own: who signs is never held up by it. It is told of the newest checkpoint alone.
pub struct Apart {
    place: String,
    answer_max: Duration,
    witness: Arc<Mutex<Box<dyn Witness>>>,
    slot: Arc<Slot>,
}

/// What is to be published, and how the last time went.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    doubt: Option<Check>,
    /// What waits for the thread.
    note: Option<String>,
    /// What was handed on last.
    handed: Option<String>,
    /// Why the last try failed, until one succeeds: also while the next is under way, which may take long and fail as well.
    failed: Option<String>,
    /// Since when the thread is at it, if it is.
    busy: Option<Instant>,
    is_over: bool,
}

impl Apart {
    /// This place, in a thread of its own. The error is that there is no thread to be had.
    pub fn new(witness: Box<dyn Witness>) -> io::Result<Self> {
        Self::with(witness, ANSWER_MAX, RETRY_AFTER)
    }

    fn with(witness: Box<dyn Witness>, answer_max: Duration, retry_after: Duration) -> io::Result<Self> {
        let (place, slot) = (witness.place(), Arc::new(Slot::default()));
        let witness = Arc::new(Mutex::new(witness));
        let (given, to) = (Arc::clone(&slot), Arc::clone(&witness));
        thread::Builder::new().name("weir-witness".to_owned()).spawn(move || {
            let mut state = given.state.lock();
            loop {
                let Some(note) = state.note.take() else {
                    if state.is_over {
                        return;
                    }
                    given.changed.wait(&mut state);
                    continue;
                };
                state.busy = Some(Instant::now());
                let doubt = state.doubt.take();
                drop(state);
                let mut witness = to.lock();
                doubt.into_iter().for_each(|check| witness.doubt(check));
                let failed = witness.publish(&note).err();
                drop(witness);
                state = given.state.lock();
                (state.failed, state.busy) = (failed, None);
                given.changed.notify_all();
                // Who handed it on is told of the failure with the next one, which may not come for long.
                if state.failed.is_some() && state.note.is_none() && !state.is_over {
                    given.changed.wait_for(&mut state, retry_after);
                    if state.note.is_none() && !state.is_over {
                        state.note = Some(note);
                    }
                }
            }
        })?;
        Ok(Self { place, answer_max, witness, slot })
    }
}

fn no_answer(within: Duration) -> String {
    format!("it has not answered for {} s", within.as_secs())
}

impl Witness for Apart {
    fn place(&self) -> String {
        self.place.clone()
    }

    /// Hands it on, once. What is said of it is how the last try went, or that this one takes too long.
    fn publish(&mut self, note: &str) -> Result<(), String> {
        let mut state = self.slot.state.lock();
        if state.handed.as_deref() != Some(note) {
            (state.note, state.handed) = (Some(note.to_owned()), Some(note.to_owned()));
            self.slot.changed.notify_all();
        }
        match state.busy {
            Some(since) if since.elapsed() >= self.answer_max => Err(no_answer(self.answer_max)),
            _ => state.failed.clone().map_or(Ok(()), Err),
        }
    }

    fn is_settled(&self) -> bool {
        let state = self.slot.state.lock();
        state.note.is_none() && state.busy.is_none() && state.failed.is_none()
    }

    fn last(&self) -> Result<Option<String>, String> {
        let (to, from) = channel();
        let witness = Arc::clone(&self.witness);
        let asked = thread::Builder::new().name("weir-witness".to_owned()).spawn(move || {
            let last = witness.lock().last();
            // Who has stopped waiting does not need it.
            let _ = to.send(last);
        });
        asked.map_err(|error| error.to_string())?;
        from.recv_timeout(self.answer_max).unwrap_or_else(|_| Err(no_answer(self.answer_max)))
    }

    /// By its thread, before the next note: the place may be hanging now.
    fn doubt(&mut self, check: Check) {
        self.slot.state.lock().doubt = Some(check);
    }

    fn is_far(&self) -> bool {
        true
    }
}

impl Drop for Apart {
    /// What was handed on is still published, if that does not take long.
    fn drop(&mut self) {
        let until = Instant::now().checked_add(GOODBYE_MAX);
        let mut state = self.slot.state.lock();
        state.is_over = true;
        self.slot.changed.notify_all();
        while state.note.is_some() || state.busy.is_some() {
            let Some(until) = until.filter(|until| *until > Instant::now()) else { return };
            self.slot.changed.wait_until(&mut state, until);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Hangs until it is let go.
    struct Hanging(Arc<Mutex<()>>);

    impl Witness for Hanging {
        fn place(&self) -> String {
            "a mount that hangs".to_owned()
        }
        fn publish(&mut self, _: &str) -> Result<(), String> {
            drop(self.0.lock());
            Err("no space".to_owned())
        }
        fn last(&self) -> Result<Option<String>, String> {
            Ok(Some("note".to_owned()))
        }
        fn doubt(&mut self, _: Check) {}
    }

    #[test]
    fn a_place_that_hangs_holds_nobody_up() {
        let hanging = Arc::new(Mutex::new(()));
        let mut apart = Apart::new(Box::new(Hanging(Arc::clone(&hanging)))).unwrap();
        assert_eq!(apart.last(), Ok(Some("note".to_owned())));
        let held = hanging.lock();
        let begun = Instant::now();
        for _ in 0..100 {
            assert_eq!(apart.publish("a checkpoint"), Ok(()));
        }
        assert!(begun.elapsed() < Duration::from_secs(2));
        drop(held);
        while apart.publish("another").is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody was told that it failed");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_place_that_hangs_is_told_of() {
        let hanging = Arc::new(Mutex::new(()));
        let held = hanging.lock();
        let mut apart =
            Apart::with(Box::new(Hanging(Arc::clone(&hanging))), Duration::from_millis(20), RETRY_AFTER).unwrap();
        let begun = Instant::now();
        loop {
            match apart.publish("a checkpoint") {
                Err(why) => break assert!(why.contains("has not answered"), "{why}"),
                Ok(()) => assert!(begun.elapsed() < Duration::from_secs(20), "nobody was told that it hangs"),
            }
            thread::sleep(Duration::from_millis(1));
        }
        drop(held);
    }

    /// Fails so many times, and then keeps what it gets.
    struct Failing(usize, Arc<Mutex<Vec<String>>>);

    impl Witness for Failing {
        fn doubt(&mut self, _: Check) {}
        fn place(&self) -> String {
            "a place".to_owned()
        }
        fn publish(&mut self, note: &str) -> Result<(), String> {
            match self.0.checked_sub(1) {
                Some(left) => {
                    self.0 = left;
                    Err("not now".to_owned())
                }
                None => {
                    self.1.lock().push(note.to_owned());
                    Ok(())
                }
            }
        }
        fn last(&self) -> Result<Option<String>, String> {
            Ok(self.1.lock().last().cloned())
        }
    }

    #[test]
    fn what_failed_is_tried_again_also_where_nothing_new_comes() {
        let kept = Arc::<Mutex<Vec<String>>>::default();
        let failing = Failing(3, Arc::clone(&kept));
        let mut apart = Apart::with(Box::new(failing), ANSWER_MAX, Duration::from_millis(5)).unwrap();
        assert_eq!(apart.publish("the last one"), Ok(()));
        let begun = Instant::now();
        while kept.lock().is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it was not tried again");
            thread::sleep(Duration::from_millis(1));
        }
        drop(apart);
        assert_eq!(*kept.lock(), ["the last one"], "and not once it was taken");
    }

    /// Takes its time to fail, until it may keep what it gets.
    struct Slow(Arc<AtomicBool>);

    impl Witness for Slow {
        fn doubt(&mut self, _: Check) {}
        fn place(&self) -> String {
            "a slow place".to_owned()
        }
        fn publish(&mut self, _: &str) -> Result<(), String> {
            thread::sleep(Duration::from_millis(20));
            if self.0.load(Ordering::Acquire) { Ok(()) } else { Err("no answer within 8 s".to_owned()) }
        }
        fn last(&self) -> Result<Option<String>, String> {
            Ok(None)
        }
    }

    #[test]
    fn a_failure_stays_until_one_succeeds() {
        let works = Arc::<AtomicBool>::default();
        let mut apart = Apart::with(Box::new(Slow(Arc::clone(&works))), ANSWER_MAX, Duration::from_millis(1)).unwrap();
        let begun = Instant::now();
        let in_time = || assert!(begun.elapsed() < Duration::from_secs(20), "it did not come");
        while apart.publish("one").is_ok() {
            assert!(!apart.is_settled(), "it is under way, and nobody knows how it goes");
            in_time();
            thread::sleep(Duration::from_millis(1));
        }
        // The same one, and newer ones: tries are under way nearly all of the time.
        let told = Instant::now();
        while told.elapsed() < Duration::from_millis(200) {
            assert!(apart.publish("one").is_err() && !apart.is_settled());
            assert!(apart.publish(&format!("{:?}", told.elapsed())).is_err());
            thread::sleep(Duration::from_millis(1));
        }
        works.store(true, Ordering::Release);
        while apart.publish("last").is_err() || !apart.is_settled() {
            in_time();
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut witness = FileWitness::far(dir.path(), "weir/1");
        assert_eq!(witness.last(), Ok(None));
        for note in ["one", "two"] {
            witness.publish(note).unwrap();
            assert_eq!(witness.last(), Ok(Some(note.to_owned())));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        // A copy that runs elsewhere.
        FileWitness::far(dir.path(), "weir/1").publish("other").unwrap();
        assert!(witness.publish("three").unwrap_err().contains("another Weir"));
        assert_eq!(witness.last(), Ok(Some("other".to_owned())));
        fs::remove_file(dir.path().join("weir-1.checkpoint")).unwrap();
        witness.publish("three").unwrap();
        assert!(FileWitness::far(&dir.path().join("none"), "weir/1").publish("one").is_err());
    }
}
