//! The file that says how far an exporter is: whole or as it was before, whatever happens while it is written.
//!
//! ```json
//! {"version":1,"lanes":[{"lane":0,"seq":1234,"place":"0100…"}]}
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::entry::{Cursor, Cursors};

/// The form that is written here.
const VERSION: u32 = 1;

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", file.display())]
pub struct CursorError {
    /// Which one.
    pub file: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    lanes: Vec<Lane>,
}

#[derive(Serialize, Deserialize)]
struct Lane {
    lane: u16,
    seq: u64,
    place: String,
}

/// One exporter's file.
pub(crate) struct CursorFile {
    folder: PathBuf,
    file: PathBuf,
}

impl CursorFile {
    /// That of the exporter of this name; the folder is made if it is not there.
    pub(crate) fn new(folder: &Path, name: &str) -> Result<Self, CursorError> {
        let file = folder.join(format!("{name}.cursor"));
        match DirBuilder::new().recursive(true).mode(0o700).create(folder) {
            Ok(()) => Ok(Self { folder: folder.to_owned(), file }),
            Err(error) => Err(CursorError { file, what: format!("its folder can't be made: {error}") }),
        }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.file
    }

    /// What it says; nothing where it is not there yet.
    pub(crate) fn read(&self) -> Result<Cursors, CursorError> {
        let bytes = match fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Cursors::new()),
            Err(error) => return Err(self.wrong(format!("can't be read: {error}"))),
        };
        let not_one = |what: &str| {
            self.wrong(format!("is no cursor ({what}); move it away, and the whole log is exported once more"))
        };
        let read: Written = serde_json::from_slice(&bytes).map_err(|error| not_one(&error.to_string()))?;
        if read.version != VERSION {
            return Err(not_one("it is of another version of Weir"));
        }
        let cursor = |Lane { lane, seq, place }| Some((lane, Cursor { seq, place: from_hex(&place)? }));
        read.lanes.into_iter().map(cursor).collect::<Option<_>>().ok_or_else(|| not_one("a place is not hexadecimal"))
    }

    /// Replaces it; when this returns the disk has it.
    pub(crate) fn write(&self, cursors: &Cursors) -> Result<(), CursorError> {
        let lane = |(lane, cursor): (&u16, &Cursor)| Lane { lane: *lane, seq: cursor.seq, place: hex(&cursor.place) };
        let written = Written { version: VERSION, lanes: cursors.iter().map(lane).collect() };
        self.replace(&written).map_err(|error| self.wrong(format!("can't be written: {error}")))
    }

    fn replace(&self, written: &Written) -> io::Result<()> {
        let half = self.file.with_extension("cursor.half");
        let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
        serde_json::to_writer(&mut out, written)?;
        out.write_all(b"\n")?;
        out.sync_all()?;
        fs::rename(&half, &self.file)?;
        File::open(&self.folder)?.sync_all()
    }

    fn wrong(&self, what: String) -> CursorError {
        CursorError { file: self.file.clone(), what }
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(high)?.checked_mul(16)?.saturating_add(digit(low)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_none_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = CursorFile::new(&folder.path().join("export"), "siem").unwrap();
        assert_eq!(file.read().unwrap(), Cursors::new());
        let cursors: Cursors =
            [(0, Cursor { seq: 7, place: vec![0, 255, 16] }), (9, Cursor { seq: u64::MAX, place: vec![] })].into();
        file.write(&Cursors::new()).unwrap();
        fs::write(file.path().with_extension("cursor.half"), "left by a crash").unwrap();
        file.write(&cursors).unwrap();
        assert_eq!(file.read().unwrap(), cursors);
        for wrong in [
            "",
            "{}",
            "{\"version\":2,\"lanes\":[]}",
            "{\"version\":1,\"lanes\":[{\"lane\":0,\"seq\":1,\"place\":\"0\"}]}",
            "{\"version\":1,\"lanes\":[{\"lane\":0,\"seq\":1,\"place\":\"+f\"}]}",
        ] {
            fs::write(file.path(), wrong).unwrap();
            let said = file.read().unwrap_err().to_string();
            assert!(said.contains("siem.cursor: is no cursor") && said.contains("move it away"), "{said}");
        }
    }
}
