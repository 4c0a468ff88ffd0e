//! Places outside of the log that know its last checkpoint. What is taken from the end of the log is missed by them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A place where the last checkpoint is kept. It is called by a thread of the log's own, which can wait a little.
pub trait Witness: Send {
    /// Where it is, for messages.
    fn place(&self) -> String;
    /// Keeps this note in the place of the one before.
    fn publish(&mut self, note: &str) -> Result<(), String>;
    /// The note that it has. The error is that it can't be told whether there is one.
    fn last(&self) -> Result<Option<String>, String>;
    /// Whether Weir may start without having heard of this place: one that is far away may be out of reach.
    fn is_far(&self) -> bool {
        false
    }
}

/// A file, which is replaced whole.
#[derive(Clone, Debug)]
pub struct FileWitness {
    file: PathBuf,
    is_far: bool,
}

impl FileWitness {
    /// A file beside the log.
    pub fn near(file: PathBuf) -> Self {
        Self { file, is_far: false }
    }

    /// A file in a folder of another machine or disk, named after the log. It must be writable by Weir, and should not let it take back
    /// what it wrote.
    pub fn far(folder: &Path, log: &str) -> Self {
        Self { file: folder.join(format!("{}.checkpoint", log.replace('/', "-"))), is_far: true }
    }

    fn write(&self, note: &str) -> io::Result<()> {
        let mut half = self.file.clone().into_os_string();
        half.push(".half");
        match fs::remove_file(&half) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&half)?;
        out.write_all(note.as_bytes())?;
        // Where the power fails between the two, the old note or the new one is there.
        out.sync_data()?;
        fs::rename(&half, &self.file)?;
        let folder = self.file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

impl Witness for FileWitness {
    fn place(&self) -> String {
        self.file.display().to_string()
    }

    fn publish(&mut self, note: &str) -> Result<(), String> {
        self.write(note).map_err(|error| error.to_string())
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
