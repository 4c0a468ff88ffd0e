//! Who runs PostgreSQL's programs: this process's own user, or `postgres` when this process is root, because
//! PostgreSQL refuses to run as root.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::SandboxError;

/// The user that Debian's packages make.
const POSTGRES: &str = "postgres";

/// The account that runs the programs and owns the data folder.
#[derive(Clone, Debug)]
pub(crate) enum Account {
    /// Our own.
    Own,
    /// Another: we are root.
    Other {
        /// Its name, for errors.
        name: &'static str,
        /// Its user id.
        uid: u32,
        /// Its main group's id.
        gid: u32,
    },
}

impl Account {
    /// The account to use for this process.
    pub(crate) fn choose() -> Result<Self, SandboxError> {
        if id(["-u"]) != Some(0) {
            return Ok(Self::Own);
        }
        match (id(["-u", POSTGRES]), id(["-g", POSTGRES])) {
            (Some(uid), Some(gid)) if uid != 0 => Ok(Self::Other { name: POSTGRES, uid, gid }),
            _ => Err(SandboxError::NoAccount),
        }
    }

    /// A command that runs as this account in `folder`, without input and without the caller's `PG*` variables, which
    /// would change what PostgreSQL's programs do.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null()).env("LC_ALL", "C").env("HOME", folder);
        without_pg_variables(&mut command);
        if let Self::Other { uid, gid, .. } = self {
            // Dropping root's user id this way also drops its supplementary groups.
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes this account the owner of a file or folder that we made.
    pub(crate) fn own(&self, path: &Path) -> Result<(), SandboxError> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid, .. } => {
                std::os::unix::fs::chown(path, Some(*uid), Some(*gid)).map_err(SandboxError::io("give away", path))
            }
        }
    }

    /// Whether this account can enter `folder`, by asking as that account: owners, groups, modes and mounts all count.
    pub(crate) fn can_enter(&self, folder: &Path) -> bool {
        let Self::Other { uid, gid, .. } = self else { return true };
        let test = Command::new("test").arg("-x").arg(folder).current_dir("/").uid(*uid).gid(*gid).status();
        test.is_ok_and(|status| status.success())
    }

    /// [`Self::can_enter`], or the error that says what to do.
    pub(crate) fn must_enter(&self, folder: &Path) -> Result<(), SandboxError> {
        match self {
            Self::Other { name, .. } if !self.can_enter(folder) => {
                Err(SandboxError::Unreachable { user: (*name).to_owned(), path: folder.to_path_buf() })
            }
            _ => Ok(()),
        }
    }
}

/// Takes every `PG*` variable of our own environment out of the command's.
pub(crate) fn without_pg_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
}

fn id<const N: usize>(arguments: [&str; N]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
