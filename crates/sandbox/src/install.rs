//! Where PostgreSQL's programs are.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::SandboxError;

/// Debian and Ubuntu keep each major version in a folder of its own here, and off the `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A folder of PostgreSQL programs, with at least `initdb` and `postgres` in it.
#[derive(Clone, Debug)]
pub struct Installation {
    bin: PathBuf,
}

impl Installation {
    /// The installation to use when nobody says which: `WEIR_PG_BIN`, else the newest of Debian's, else what
    /// `pg_config` names.
    pub fn find() -> Result<Self, SandboxError> {
        // A folder that the environment names is used or refused, never passed over in silence.
        if let Some(named) = std::env::var_os("WEIR_PG_BIN") {
            return Self::at(Path::new(&named));
        }
        let candidates = debian_newest_first().into_iter().chain(pg_config_bindir());
        let mut looked_in = Vec::new();
        for bin in candidates {
            match Self::at(&bin) {
                Ok(found) => return Ok(found),
                Err(_) => looked_in.push(bin),
            }
        }
        if looked_in.is_empty() {
            looked_in.push(PathBuf::from(DEBIAN));
        }
        Err(SandboxError::NotInstalled { looked_in })
    }

    /// The installation whose programs are in the folder `bin`.
    pub fn at(bin: &Path) -> Result<Self, SandboxError> {
        let complete = ["initdb", "postgres"].iter().all(|program| is_program(&bin.join(program)));
        if !complete {
            return Err(SandboxError::NotInstalled { looked_in: vec![bin.to_path_buf()] });
        }
        let bin = bin.canonicalize().map_err(SandboxError::io("open", bin))?;
        Ok(Self { bin })
    }

    /// The folder of its programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The path of one of its programs (not every installation has all of them).
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Its `psql`; some builds of the server bring none, then any other on this machine will do.
    pub fn psql(&self) -> Result<PathBuf, SandboxError> {
        let own = self.bin.clone();
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::iter::once(own)
            .chain(debian_newest_first())
            .chain(std::env::split_paths(&path))
            .map(|folder| folder.join("psql"))
            .find(|psql| is_program(psql))
            .ok_or_else(|| SandboxError::NoProgram {
                program: "psql",
                folder: self.bin.clone(),
                package: "postgresql-client",
            })
    }

    /// The same programs copied to `to`, for accounts that cannot enter the folder where they were installed. PostgreSQL
    /// finds its libraries and shared files relative to the program, so the whole prefix is copied.
    pub(crate) fn copy(&self, to: &Path) -> Result<Self, SandboxError> {
        let prefix = self.bin.parent().unwrap_or(&self.bin);
        for part in ["bin", "lib", "share"] {
            copy_tree(&prefix.join(part), &to.join(part))?;
        }
        Self::at(&to.join("bin"))
    }
}

/// Debian's folders, highest version first.
fn debian_newest_first() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(DEBIAN) else { return Vec::new() };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, bin)| bin).collect()
}

fn pg_config_bindir() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let bindir = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !bindir.trim().is_empty()).then(|| PathBuf::from(bindir.trim()))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), SandboxError> {
    fs::create_dir_all(to).map_err(SandboxError::io("make", to))?;
    for entry in fs::read_dir(from).map_err(SandboxError::io("read", from))? {
        let entry = entry.map_err(SandboxError::io("read", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(SandboxError::io("read", &source))?;
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_symlink() {
            let link = fs::read_link(&source).map_err(SandboxError::io("read", &source))?;
            std::os::unix::fs::symlink(link, &target).map_err(SandboxError::io("make", &target))?;
        } else if source.extension() != Some(OsStr::new("a")) {
            // Static libraries are only for building against; they are a third of the size.
            fs::copy(&source, &target).map_err(SandboxError::io("copy to", &target))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_the_programs_is_named_in_the_error() {
        let empty = tempfile::tempdir().unwrap();
        let error = Installation::at(empty.path()).unwrap_err().to_string();
        assert!(error.contains(&empty.path().display().to_string()), "{error}");
        assert!(error.contains("apt-get install postgresql"), "{error}");
    }

    #[test]
    fn a_copy_keeps_layout_and_mode_and_leaves_static_libraries() {
        let from = tempfile::tempdir().unwrap();
        for (path, mode) in [("bin/initdb", 0o755), ("bin/postgres", 0o755), ("lib/x.so", 0o644), ("lib/x.a", 0o644)] {
            let path = from.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::create_dir_all(from.path().join("share/deep/er")).unwrap();
        std::os::unix::fs::symlink("x.so", from.path().join("lib/x.so.1")).unwrap();
        let to = tempfile::tempdir().unwrap();
        let copy = Installation::at(&from.path().join("bin")).unwrap().copy(to.path()).unwrap();
        assert!(is_program(&copy.program("postgres")));
        assert!(to.path().join("share/deep/er").is_dir());
        assert_eq!(fs::read_link(to.path().join("lib/x.so.1")).unwrap(), Path::new("x.so"));
        assert!(!to.path().join("lib/x.a").exists());
    }
}
