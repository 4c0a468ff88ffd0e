//! Why the index gives no answer.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// What can go wrong with an index. None of it touches the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something about the file.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file is damaged, or is none of Weir's. Making it anew from the log is the way out.
    #[error("{}: this is no index that can be read: {why}", .path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Another process has held the index for too long.
    #[error("{}: the index is in use by another process", .0.display())]
    Busy(PathBuf),
    /// SQLite says so: a full disk, a folder that can't be written.
    #[error("{}: {error}", .path.display())]
    Sql {
        /// Which.
        path: PathBuf,
        /// What it says.
        error: rusqlite::Error,
    },
    /// A record that is not what the log of any version holds.
    #[error("record {seq} of lane {lane} is none that can be indexed: {why}")]
    Record {
        /// Its lane.
        lane: u16,
        /// Its number.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
}

impl Error {
    /// What SQLite says of this file, in the terms of who has to do something about it.
    pub(crate) fn of(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, why: error.to_string() }
            }
            // A table that is missing, a blob that is none of ours.
            Some(ErrorCode::Unknown | ErrorCode::TypeMismatch) => Self::Damaged { path, why: error.to_string() },
            None if !matches!(error, rusqlite::Error::InvalidPath(_)) => Self::Damaged { path, why: error.to_string() },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(path),
            _ => Self::Sql { path, error },
        }
    }
}
