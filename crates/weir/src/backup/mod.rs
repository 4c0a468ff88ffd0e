//! Backups of a state folder: one file, made while Weir runs, and put back.
//!
//! A backup is a tar archive in a zstd frame: the files of the state folder by their names, a list of them with their lengths and sums
//! (`weir-backup.sums`), and last of all a note that the log's key has signed (`weir-backup.note`), with the list's sum. So one that is cut off, or that was changed by who has not that key, is told from a whole one.
//!
//! What is in it fits together although it was not copied at one moment, by the order in which it is taken ([`write()`]). What the folder
//! can make anew (the index) and what says that something is in use (locks) is left out. Nothing is encrypted, keys are in it: it is as secret as the folder.

mod read;
mod sums;
mod write;

pub use read::{Restored, is_free, read};
pub use write::{Written, write};

/// The list of files, behind them.
const SUMS_NAME: &str = "weir-backup.sums";
/// The last entry.
const NOTE_NAME: &str = "weir-backup.note";
/// The most levels of folders below the state folder.
const DEPTH_MAX: usize = 6;

/// Why a backup can't be made, or be put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder of the state folder.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Which.
        path: std::path::PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The backup itself can't be written, or read.
    #[error("{0}")]
    Archive(std::io::Error),
    /// A key or another file of the state folder.
    #[error(transparent)]
    File(#[from] crate::state::FileError),
    /// It is no whole backup.
    #[error("{0}")]
    Unfit(String),
}

/// Whether a file of the state folder is left out of backups: what is made anew, what is not finished, and what says that something is in use.
fn is_left_out(name: &str) -> bool {
    name.starts_with('.')
        || name == "lock"
        || name.starts_with("index.sqlite")
        || name.ends_with(".half")
        || name.ends_with(".log.new")
        || [SUMS_NAME, NOTE_NAME].contains(&name)
}

#[cfg(test)]
mod tests;
