//! Recordings: what a session's caller was shown, kept sealed, one file a session.
//!
//! ```text
//! session ──add──▶ Pages ──thread: zstd, AES-256-GCM──▶ open/<session>.rec ──closed──▶ <day>/<session>.rec ──▶ Reader, check
//!                                                                              └──▶ Recorded, in the decision log
//! ```
//!
//! [`Recordings`] is the gate's [`Recorder`]: beginning a recording writes its header at once, adding to it takes memory alone, and one
//! thread writes for all. A frame is in the operating system's hands within a second; that much a killed process loses, and never more than a
//! session may have waiting. A recording that can't be written any more stays down: its session learns of it where it asks for room.
//!
//! [`open()`] reads one back, chunk by chunk, and says where and why it stops: at its end, where a killed or running process
//! stopped writing, or at something that was changed. The byte format is in [`mod@format`]; `docs/recordings.md` explains it to strangers.
//!
//! A [`Sweeper`] deletes those that were kept long enough.
//!
//! What this is not: it knows no protocol's bytes, and masks nothing.

mod check;
mod chunk;
mod disk;
mod file;
pub mod format;
mod frame;
mod keys;
mod list;
mod meter;
mod pages;
mod reader;
mod recover;
mod retention;
mod session;
mod worker;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use gate::{Ledger, Opening, Recorder, RecorderDown, Recording};
use model::RecordingLevel;

use crate::folder::{Lock, make_private};
use crate::space::Space;

use chunk::Packer;
use disk::{Disk, Folder};
use file::{SessionFile, Trouble};
use session::{Handle, Session};
use worker::Shared;

pub use check::{Ending, Report, check};
pub use keys::{RecordingKeys, Refused};
pub use list::{FindError, Listed, find, list};
pub use meter::{Figures, Meter};
pub use reader::{Fault, Kept, KeptField, KeptFrame, Next, OpenError, Reader, Unreadable, open};
pub use recover::digest_of;
pub use retention::{KeptNow, Retention, State, Surveyed, SweepError, Sweeper, Swept, kept_now, survey};

/// The file that the writer of recordings holds locked.
const LOCK_NAME: &str = "lock";

/// The recordings that this process writes.
pub struct Recordings {
    shared: Arc<Shared>,
    keys: RecordingKeys,
    thread: Option<JoinHandle<()>>,
}

/// Why recordings cannot be written to a folder.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process has it.
    #[error("the folder of recordings {} is in use by another Weir; stop that one first", .0.display())]
    InUse(PathBuf),
    /// Something about the folder, or the thread.
    #[error("{}: {what}: {error}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        error: io::Error,
    },
}

impl Recordings {
    /// Opens the folder of recordings, which is made if it is not there. What a killed process left open is told to the `ledger` and put to
    /// its day, as it is.
    ///
    /// A folder has one writer: a second one is refused.
    pub fn open(folder: &Path, keys: RecordingKeys, ledger: Arc<dyn Ledger>) -> Result<Self, StartError> {
        Self::open_at_level(folder, keys, ledger, chunk::LEVEL)
    }

    /// The same with another level of zstd, to measure what it costs.
    #[doc(hidden)]
    pub fn open_at_level(
        folder: &Path,
        keys: RecordingKeys,
        ledger: Arc<dyn Ledger>,
        level: i32,
    ) -> Result<Self, StartError> {
        let mut recordings = Self::open_on(folder, keys, ledger, level, Box::new(Folder(folder.to_owned())))?;
        recordings.attend()?;
        Ok(recordings)
    }

    /// Opens it without the thread: whoever adds then does its work.
    fn open_on(
        folder: &Path,
        keys: RecordingKeys,
        ledger: Arc<dyn Ledger>,
        level: i32,
        disk: Box<dyn Disk>,
    ) -> Result<Self, StartError> {
        let fail = |what| move |error| StartError::Io { path: folder.to_owned(), what, error };
        make_private(folder).map_err(fail("the folder of recordings cannot be made"))?;
        let lock = lock(folder)?;
        disk.make_folder(format::OPEN_FOLDER).map_err(fail("the folder of open recordings cannot be made"))?;
        let packer = Packer::new(level).map_err(fail("nothing can be compressed"))?;
        recover::recover(folder, &*disk, &keys, &*ledger).map_err(fail("the open recordings cannot be listed"))?;
        let shared = Arc::new(Shared::new(disk, folder.to_owned(), ledger, packer, lock));
        Ok(Self { shared, keys, thread: None })
    }

    /// How much they take.
    pub fn meter(&self) -> Meter {
        Meter(Arc::clone(&self.shared.gauge))
    }

    /// How much is free on their disk. Nothing is kept free there until a [`Reserve`](crate::Reserve) has it.
    pub fn space(&self) -> Arc<Space> {
        Arc::clone(&self.shared.space)
    }

    fn attend(&mut self) -> Result<(), StartError> {
        let shared = self.shared.clone();
        let spawned = thread::Builder::new().name("weir-recordings".to_owned()).spawn(move || shared.attend());
        let path = &self.shared.folder;
        let what = "the thread that writes recordings cannot be started";
        let thread = spawned.map_err(|error| StartError::Io { path: path.clone(), what, error })?;
        self.shared.is_attended_by(thread.thread().clone());
        self.thread = Some(thread);
        Ok(())
    }
}

impl fmt::Debug for Recordings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recordings({})", self.shared.folder.display())
    }
}

impl Recorder for Recordings {
    fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Recording>, RecorderDown> {
        if opening.level == RecordingLevel::Off {
            return Err(RecorderDown("its level is off".to_owned()));
        }
        if let Some(why) = self.shared.space.refusal() {
            return Err(RecorderDown(why));
        }
        let down = |trouble: Trouble| {
            self.shared.gauge.failed();
            trouble.down(&self.shared.folder, &opening.session.0)
        };
        let file = SessionFile::begin(&*self.shared.disk, &self.keys, opening).map_err(down)?;
        self.shared.gauge.begun(file.bytes());
        let session = Arc::new(Session::new(opening, file));
        Ok(Box::new(Handle { session, shared: self.shared.clone() }))
    }
}

impl Drop for Recordings {
    /// Writes all that waits, and completes what was let go. A recording that a session still holds goes on; whoever adds to it then
    /// writes full pages itself, and whoever lets it go completes it.
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.shared.round(true);
    }
}

fn lock(folder: &Path) -> Result<Lock, StartError> {
    let path = folder.join(LOCK_NAME);
    Lock::take(&path).map_err(|error| match error {
        TryLockError::WouldBlock => StartError::InUse(folder.to_owned()),
        TryLockError::Error(error) => StartError::Io { path, what: "the recordings cannot be locked", error },
    })
}
