//! Secrets of targets: from the environment or a file, fetched at each use and held only while used.
//!
//! A configuration names where a secret is, never the secret. Because nothing is kept here, a rotated secret works from
//! the next connection on. What it is not: a vault, a cache or a lease; those come behind the same `fetch`.
//!
//! No error of this crate holds a secret, or any part of what was read.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use model::Sensitive;

/// The longest secret that a file may hold, in bytes. The largest real ones are private keys in PEM.
pub const SECRET_BYTES_MAX: usize = 64 * 1024;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CredentialSource {
    /// In this environment variable of the Weir process.
    Env(String),
    /// In this file, which only its owner may read. One newline at its end is not part of the secret.
    File(PathBuf),
}

impl CredentialSource {
    /// The secret as it is now.
    pub fn fetch(&self) -> Result<Sensitive<String>, CredentialError> {
        match self {
            Self::Env(name) => from_env(name),
            Self::File(path) => from_file(path),
        }
    }
}

impl fmt::Display for CredentialSource {
    /// Names the place, which is no secret: `the environment variable ORDERS_PASSWORD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

/// Why a secret could not be had. All of them are for the operator to mend; none is a caller's fault.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The variable does not exist.
    #[error("the environment variable {0} is not set; set it for the Weir process, or use {{ file = \"…\" }}")]
    Unset(String),
    /// Nothing in it.
    #[error("{0} is empty; a target's secret must not be")]
    Empty(CredentialSource),
    /// Not text.
    #[error("{0} is not UTF-8 text")]
    NotText(CredentialSource),
    /// The file can't be read.
    #[error("the file {path} can't be read: {error}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A directory, a pipe, a device.
    #[error("{path} is not a regular file", path = .0.display())]
    NotAFile(PathBuf),
    /// Other users can read or change it.
    #[error("the file {path} is open to other users (mode {mode:04o}); run: chmod 600 {path}", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// More than any secret.
    #[error("the file {path} is longer than {SECRET_BYTES_MAX} bytes, so it is no secret of a target", path = .0.display())]
    TooLong(PathBuf),
}

fn from_env(name: &str) -> Result<Sensitive<String>, CredentialError> {
    let source = || CredentialSource::Env(name.to_owned());
    // `env::var_os` panics on no name it is given, but a name with `=` or NUL can never be set: it is just unset.
    let value = std::env::var_os(name).ok_or_else(|| CredentialError::Unset(name.to_owned()))?;
    let text = value.into_string().map(Sensitive::new).map_err(|_| CredentialError::NotText(source()))?;
    if text.expose().is_empty() { Err(CredentialError::Empty(source())) } else { Ok(text) }
}

fn from_file(path: &Path) -> Result<Sensitive<String>, CredentialError> {
    let unreadable = |error| CredentialError::Unreadable { path: path.to_owned(), error };
    let source = || CredentialSource::File(path.to_owned());

    // Looked at before it is opened, because opening a pipe would wait for a writer; looked at again once open, because
    // the name may mean another file by then.
    check(path, &fs::metadata(path).map_err(unreadable)?)?;
    let file = File::open(path).map_err(unreadable)?;
    check(path, &file.metadata().map_err(unreadable)?)?;

    // Taken at its full size, so that the bytes are not left behind by a growing buffer, and wiped with `Sensitive`.
    let one_more = SECRET_BYTES_MAX.saturating_add(1);
    let mut bytes = Vec::with_capacity(one_more);
    let outcome = file.take(u64::try_from(one_more).unwrap_or(u64::MAX)).read_to_end(&mut bytes);
    let bytes = Sensitive::new(bytes);
    outcome.map_err(unreadable)?;
    if bytes.expose().len() > SECRET_BYTES_MAX {
        return Err(CredentialError::TooLong(path.to_owned()));
    }
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| CredentialError::NotText(source()))?;
    let secret = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if secret.is_empty() { Err(CredentialError::Empty(source())) } else { Ok(Sensitive::new(secret.to_owned())) }
}

/// A regular file that nobody else can read. A file of root's may be readable by its group: that is how container
/// platforms hand a secret to a service that is not root, and then only root could have opened it to the group.
fn check(path: &Path, file: &Metadata) -> Result<(), CredentialError> {
    if !file.is_file() {
        return Err(CredentialError::NotAFile(path.to_owned()));
    }
    let mode = file.permissions().mode() & 0o7777;
    let refused = if file.uid() == 0 { 0o037 } else { 0o077 };
    if mode & refused == 0 { Ok(()) } else { Err(CredentialError::Exposed { path: path.to_owned(), mode }) }
}

#[cfg(test)]
mod tests;
