//! The two places of a log before it is opened: what one of them lacks is brought there from the other. Where each has something that the other has not,
//! nothing is done: somebody has to say which of them is true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::append_from;
use crate::format::{NEW_SUFFIX, SegmentName};
use crate::walk::list;

/// Bytes by which two files that are finished are compared.
const COMPARED_BYTES: u64 = 64 * 1024;

/// Why two places can't be made the same.
#[derive(Debug, thiserror::Error)]
pub enum Differ {
    /// Each has something that the other has not.
    #[error(
        "{} and {} hold different records in {segment}: nobody can tell which of them is the log. Verify both, and move the other one away",
        .first.display(), .second.display()
    )]
    Both {
        /// The one place.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// The segment.
        segment: String,
    },
    /// Something can't be read or written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// Makes both folders hold the same segments. Says what was brought where, if anything was.
pub(crate) fn reconcile(first: &Path, second: &Path) -> Result<Vec<String>, Differ> {
    let names = |folder: &Path| -> Result<BTreeSet<SegmentName>, Differ> {
        let listed = list(folder).map_err(|error| Differ::Io { path: folder.to_owned(), error })?;
        Ok(listed.lanes.into_values().flatten().collect())
    };
    let (mut brought, all) = (Vec::new(), names(first)?.into_iter().chain(names(second)?).collect::<BTreeSet<_>>());
    // All are looked at before any is touched.
    let mut lacks = Vec::new();
    let newest: BTreeMap<u16, SegmentName> = all.iter().map(|name| (name.lane, *name)).collect();
    for name in all {
        // What the log goes on from is compared whole.
        let compared = if newest.get(&name.lane) == Some(&name) { u64::MAX } else { COMPARED_BYTES };
        let [one, other] = [first, second].map(|folder| folder.join(name.to_string()));
        let (short, long) = match (length(&one)?, length(&other)?) {
            (here, there) if here < there => (one, other),
            _ => (other, one),
        };
        let (has, wanted) = (length(&short)?, length(&long)?);
        if !begins_alike(&short, &long, has.unwrap_or(0), compared)? {
            let (first, second) = (first.to_owned(), second.to_owned());
            return Err(Differ::Both { first, second, segment: name.to_string() });
        }
        if has != wanted {
            lacks.push((short, long, has, wanted.unwrap_or(0)));
        }
    }
    for (short, long, has, wanted) in lacks {
        bring(&short, &long, has, wanted).map_err(|error| Differ::Io { path: short.clone(), error })?;
        let more = wanted.saturating_sub(has.unwrap_or(0));
        brought.push(format!("{more} bytes that were missing in {} were brought there", short.display()));
    }
    Ok(brought)
}

/// None if there is no such file.
fn length(path: &Path) -> Result<Option<u64>, Differ> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found.len())),
        Ok(_) => Err(Differ::Io { path: path.to_owned(), error: io::Error::other("it is no file") }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Differ::Io { path: path.to_owned(), error }),
    }
}

/// Whether what stands before this many bytes is the same in two files. What is before that is told by it, since each record has the hash of all before
/// it; whether one of them was changed there says who verifies it.
fn begins_alike(one: &Path, other: &Path, bytes: u64, compared: u64) -> Result<bool, Differ> {
    let read = |path: &Path| {
        let mut end = Vec::new();
        let compared = bytes.min(compared);
        let read = File::open(path).and_then(|mut file| {
            file.seek(SeekFrom::Start(bytes.saturating_sub(compared)))?;
            file.take(compared).read_to_end(&mut end)
        });
        read.map(|_| end).map_err(|error| Differ::Io { path: path.to_owned(), error })
    };
    Ok(bytes == 0 || read(one)? == read(other)?)
}

/// Brings what is missing. A segment that is not there at all gets its name when it is whole.
fn bring(short: &Path, long: &Path, has: Option<u64>, wanted: u64) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).mode(0o600);
    let Some(has) = has else {
        let mut new = short.as_os_str().to_owned();
        new.push(NEW_SUFFIX);
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = options.create_new(true).open(&new)?;
        append_from(long, 0, wanted, &mut file)?;
        file.sync_all()?;
        return fs::rename(&new, short);
    };
    let mut file = options.open(short)?;
    append_from(long, has, wanted, &mut file)?;
    file.sync_all()
}
