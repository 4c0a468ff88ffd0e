//! What can go wrong around a private server, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a private server could not be started, used or stopped.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No folder with `initdb` and `postgres` was found.
    #[error(
        "no PostgreSQL server programs in {}: install them (Debian, Ubuntu: apt-get install postgresql) or set \
         WEIR_PG_BIN to the folder that holds initdb and postgres",
        list(.looked_in)
    )]
    NotInstalled {
        /// The places that were looked at, in order.
        looked_in: Vec<PathBuf>,
    },

    /// A program that PostgreSQL brings is not where it should be.
    #[error("{program} is missing from {}: install it (Debian, Ubuntu: apt-get install {package})", .folder.display())]
    NoProgram {
        /// The program's name.
        program: &'static str,
        /// Where it was expected.
        folder: PathBuf,
        /// The Debian package that brings it.
        package: &'static str,
    },

    /// PostgreSQL refuses to run as root, and there is nobody else to run it as.
    #[error(
        "PostgreSQL does not run as root and this machine has no user `postgres` to run it as: apt-get install \
         postgresql makes one; or start this program as another user"
    )]
    NoAccount,

    /// The account that runs PostgreSQL cannot enter a folder that it needs.
    #[error(
        "user `{user}`, who runs PostgreSQL when this program is root, cannot enter {}: choose a folder whose parents \
         all users may enter (chmod o+x), such as one in /tmp or /var/tmp",
        .path.display()
    )]
    Unreachable {
        /// The account.
        user: String,
        /// The folder.
        path: PathBuf,
    },

    /// An existing data folder was given without the password of its superuser.
    #[error("{} already holds a database: give the superuser's password to open it", .path.display())]
    PasswordNeeded {
        /// The folder.
        path: PathBuf,
    },

    /// A setting's name is not one.
    #[error("`{name}` is not the name of a PostgreSQL setting: letters, digits, `_` and `.` only")]
    BadSetting {
        /// What was given.
        name: String,
    },

    /// A program of PostgreSQL's ran and failed.
    #[error("{program} failed ({status}): {output}")]
    Failed {
        /// The program's name.
        program: String,
        /// How it ended.
        status: String,
        /// What it printed last.
        output: String,
    },

    /// The server ended, or did not become ready in time.
    #[error("PostgreSQL did not start: {reason}. The end of its log:\n{log}")]
    NotReady {
        /// What was seen.
        reason: String,
        /// The last lines of its log.
        log: String,
    },

    /// The server is not running.
    #[error("this PostgreSQL server is stopped")]
    Stopped,

    /// The operating system said no.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file, folder or program.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SandboxError {
    /// Wraps what the system said, for `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_path_buf(), source }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
