//! A file of JSON lines. It may be rotated away (renamed or removed) at any time: what follows goes to a new one of its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use crate::entry::Entry;
use crate::sink::Failure;

/// Every line begins so.
const BEGINNING: &[u8] = b"{\"lane\":";
/// How much is read at once when the beginning of a half line is looked for.
const STEP_BYTES: u64 = 64 * 1024;

/// Appends to a file.
pub(crate) struct FileSink {
    path: PathBuf,
    open: Option<File>,
}

impl FileSink {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    pub(crate) async fn deliver(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let mut lines = Vec::new();
        for entry in entries {
            lines.extend_from_slice(entry.json.as_bytes());
            lines.push(b'\n');
        }
        let written = self.append(&lines);
        written.map_err(|error| Failure(format!("{}: {error}", self.path.display())))
    }

    pub(crate) fn reset(&mut self) {
        self.open = None;
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut file = match self.open.take() {
            Some(file) if self.is_in_place(&file)? => file,
            _ => self.begin()?,
        };
        file.write_all(lines)?;
        file.sync_data()?;
        // One that was rotated away in this moment may have been compressed, or removed, before the lines were in it.
        if !self.is_in_place(&file)? {
            return Err(io::Error::other("was rotated away while it was written"));
        }
        self.open = Some(file);
        Ok(())
    }

    /// Whether this is the file that has the name now.
    fn is_in_place(&self, file: &File) -> io::Result<bool> {
        let open = file.metadata()?;
        match fs::metadata(&self.path) {
            Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn begin(&self) -> io::Result<File> {
        // Opening a pipe would wait for a reader.
        match fs::metadata(&self.path) {
            Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("is not a regular file")),
            _ => {}
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.path)?;
        mend(&mut file)?;
        // A new file's name must survive a power cut as what is in it does.
        if let Some(folder) = self.path.parent() {
            let folder = if folder.as_os_str().is_empty() { ".".as_ref() } else { folder };
            File::open(folder)?.sync_all()?;
        }
        Ok(file)
    }
}

/// Takes away a line that was only half written when the disk was full or Weir was killed: it is written once more, whole.
/// A last line that is not of Weir's making is left, and ended.
fn mend(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let (mut begins, mut tail) = (length, Vec::new());
    // Back to behind the last newline.
    while begins > 0 {
        let from = begins.saturating_sub(STEP_BYTES);
        file.seek(SeekFrom::Start(from))?;
        tail.clear();
        (&*file).take(begins.saturating_sub(from)).read_to_end(&mut tail)?;
        if let Some(newline) = tail.iter().rposition(|byte| *byte == b'\n') {
            let offset = u64::try_from(newline.saturating_add(1)).map_err(io::Error::other)?;
            begins = from.saturating_add(offset);
            break;
        }
        begins = from;
    }
    if begins == length {
        return Ok(());
    }
    file.seek(SeekFrom::Start(begins))?;
    tail.clear();
    (&*file).take(u64::try_from(BEGINNING.len()).map_err(io::Error::other)?).read_to_end(&mut tail)?;
    if BEGINNING.starts_with(&tail) { file.set_len(begins) } else { file.write_all(b"\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_lines_are_taken_away_and_those_of_others_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let long = format!("{{\"lane\":0,\"x\":\"{}", "y".repeat(200_000));
        for (before, after) in [
            ("", ""),
            ("{\"lane\":0}\n", "{\"lane\":0}\n"),
            ("{\"lane\":0}\n{\"la", "{\"lane\":0}\n"),
            ("{", ""),
            ("a remark", "a remark\n"),
            (long.as_str(), ""),
            (format!("one\n{long}").as_str(), "one\n"),
        ] {
            fs::write(&path, before).unwrap();
            drop(FileSink::new(path.clone()).begin().unwrap());
            assert_eq!(fs::read_to_string(&path).unwrap(), after, "{before:.40}");
        }
    }
}
