//! Which recordings a folder has. What is said here nobody has checked: it is names, lengths and plain headers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use model::UnixMicros;

use super::disk::open_file;
use super::file::day;
use super::format::{OPEN_FOLDER, SUFFIX, is_id};
use super::reader::read_header;

/// A recording in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The session's id.
    pub session: String,
    /// The day on which it began, UTC: `2026-11-20`. None if it has no header yet.
    pub day: Option<String>,
    /// Whether it is among the open ones: written now, or left by a killed process that has not been followed by another.
    pub is_open: bool,
    /// Bytes of its file.
    pub bytes: u64,
    /// Its file.
    pub path: PathBuf,
}

/// Why there is no one recording of a session.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// What the system says.
    #[error("{}: {error}", .folder.display())]
    Io {
        /// The folder of recordings.
        folder: PathBuf,
        /// What is wrong with it.
        error: io::Error,
    },
    /// There is none.
    #[error("there is no recording of a session whose id begins with {0}")]
    None(String),
    /// There are several.
    #[error("several recordings are of sessions whose ids begin with {prefix}: {}", .sessions.join(", "))]
    Several {
        /// What was asked for.
        prefix: String,
        /// The first few of them.
        sessions: Vec<String>,
    },
}

/// All recordings of a folder, by day and session; those that are open last.
pub fn list(folder: &Path) -> io::Result<Vec<Listed>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let shelf = entry?;
        let name = shelf.file_name().to_string_lossy().into_owned();
        let is_open = name == OPEN_FOLDER;
        if (is_open || is_day(&name)) && shelf.file_type()?.is_dir() {
            list_shelf(&shelf.path(), &name, is_open, &mut found)?;
        }
    }
    found.sort_by(|one, other| (one.is_open, &one.day, &one.session).cmp(&(other.is_open, &other.day, &other.session)));
    Ok(found)
}

/// The days of which a folder has recordings that are not open, in order.
pub(super) fn list_days(folder: &Path) -> io::Result<Vec<String>> {
    let mut days = Vec::new();
    for entry in fs::read_dir(folder)? {
        let shelf = entry?;
        let name = shelf.file_name().to_string_lossy().into_owned();
        if is_day(&name) && shelf.file_type()?.is_dir() {
            days.push(name);
        }
    }
    days.sort();
    Ok(days)
}

/// The recordings of one day, by session.
pub(super) fn list_day(folder: &Path, day: &str) -> io::Result<Vec<Listed>> {
    let mut found = Vec::new();
    list_shelf(&folder.join(day), day, false, &mut found)?;
    found.sort_by(|one, other| one.session.cmp(&other.session));
    Ok(found)
}

fn list_shelf(shelf: &Path, name: &str, is_open: bool, found: &mut Vec<Listed>) -> io::Result<()> {
    for entry in fs::read_dir(shelf)? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let Some(session) = file.strip_suffix(SUFFIX).filter(|session| is_id(session)) else { continue };
        // One that is just being moved is found in its new place, or the next time.
        let bytes = match entry.metadata() {
            Ok(metadata) if metadata.is_file() => metadata.len(),
            Ok(_) => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let path = entry.path();
        let day = if is_open { opened_on(&path) } else { Some(name.to_owned()) };
        found.push(Listed { session: session.to_owned(), day, is_open, bytes, path });
    }
    Ok(())
}

/// The fewest characters of an id's end that stand for it: as many as are shown of it elsewhere.
const END_CHARS_MIN: usize = 8;

/// The recording of the one session whose id begins or ends so.
pub fn find(folder: &Path, prefix: &str) -> Result<PathBuf, FindError> {
    let listed = list(folder).map_err(|error| FindError::Io { folder: folder.to_owned(), error })?;
    let mut matching: Vec<_> = listed
        .into_iter()
        .filter(|listed| {
            let is_end = prefix.len() >= END_CHARS_MIN && listed.session.ends_with(prefix);
            listed.session.starts_with(prefix) || is_end
        })
        .collect();
    let exact = matching.iter().position(|listed| listed.session == prefix);
    match (exact, matching.as_slice()) {
        (_, []) => Err(FindError::None(prefix.to_owned())),
        (Some(_), [_, _, ..]) if matching.iter().filter(|listed| listed.session == prefix).count() > 1 => {
            let sessions = matching.iter().take(8).map(|listed| listed.path.display().to_string()).collect();
            Err(FindError::Several { prefix: prefix.to_owned(), sessions })
        }
        (Some(exact), _) => Ok(matching.swap_remove(exact).path),
        (None, [one]) => Ok(one.path.clone()),
        (None, several) => {
            let sessions = several.iter().take(8).map(|listed| listed.session.clone()).collect();
            Err(FindError::Several { prefix: prefix.to_owned(), sessions })
        }
    }
}

fn is_day(name: &str) -> bool {
    name.parse::<jiff::civil::Date>().is_ok_and(|date| date.to_string() == name)
}

fn opened_on(path: &Path) -> Option<String> {
    let (header, _) = read_header(&mut open_file(path).ok()?).ok()?;
    Some(day(UnixMicros(header.opened)))
}
