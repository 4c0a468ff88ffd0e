//! The policies folder, read and checked as a whole, for every command that decides something or says what is wrong.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use model::ClassId;
use policy::{Known, Policies, Problem, Severity, SourceFile};

use crate::config::{Config, LOCAL_ISSUER};
use crate::protocols::VOCABULARIES;

/// The most that one policy file may hold, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The most files: more than anyone reviews.
const FILES_MAX: usize = 1000;

/// Reads and checks the configured folder. Gives the warnings with the policies, or everything that is wrong.
pub fn load(config: &Config) -> Result<(Policies, Vec<Problem>), Vec<Problem>> {
    let files = read(&config.policies)?;
    let known = known(config);
    Policies::load(VOCABULARIES, &known, &files)
}

/// What policies may name.
pub fn known(config: &Config) -> Known {
    let targets = config.targets.values();
    let mut classes: BTreeSet<ClassId> = targets.clone().flat_map(|target| target.class_ids.iter().cloned()).collect();
    if targets.clone().any(|target| target.detects) {
        classes.extend(config.detection.classes().unwrap_or_default());
    }
    let authorities = config.certificates.iter().map(|authority| authority.name.clone());
    let issuers = config.issuers.iter().map(|issuer| issuer.name.clone()).chain(authorities);
    Known {
        targets: targets.map(|target| target.target.clone()).collect(),
        classes: classes.into_iter().collect(),
        groups: config.group_names().into_iter().map(str::to_owned).collect(),
        issuers: issuers.chain([LOCAL_ISSUER.to_owned()]).collect(),
    }
}

/// Every `*.cedar` file of the folder, in the order of their names. Folders in it are not entered; hidden files are what
/// editors and container platforms leave there.
fn read(folder: &Path) -> Result<Vec<SourceFile>, Vec<Problem>> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        let help = "make it, or name another as `policies` under [weir]";
        vec![fault(folder, format!("the policies folder can't be read: {error}"), help)]
    })?;
    let mut paths = BTreeSet::new();
    for entry in entries {
        let path = entry.map_err(|error| vec![fault(folder, format!("can't be read to its end: {error}"), "")])?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "cedar") && !path.is_dir() {
            paths.insert(path);
        }
    }
    if paths.len() > FILES_MAX {
        return Err(vec![fault(folder, format!("holds more than {FILES_MAX} policy files"), "merge some of them")]);
    }
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match text_of(&path) {
            Ok(text) => files.push(SourceFile { name: path.display().to_string(), text }),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}

fn text_of(path: &PathBuf) -> Result<String, Problem> {
    let unreadable = |error: std::io::Error| fault(path, format!("can't be read: {error}"), "");
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(fault(path, "is not a regular file", ""));
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(fault(path, "is larger than 1 MiB", "split it into several files"));
    }
    String::from_utf8(bytes).map_err(|_| fault(path, "is not UTF-8 text", ""))
}

fn fault(file: &Path, message: impl Into<String>, help: &str) -> Problem {
    let help = if help.is_empty() { None } else { Some(help.to_owned()) };
    let file = file.display().to_string();
    Problem { severity: Severity::Error, file, line: 0, column: 0, message: message.into(), help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_in_order_and_others_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in
            [("20-b.cedar", "b"), ("10-a.cedar", "a"), (".10-a.cedar.swp", "x"), (".c.cedar", "x"), ("note.md", "x")]
        {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        std::fs::create_dir(dir.path().join("old.cedar")).unwrap();
        let texts: Vec<_> = read(dir.path()).unwrap().into_iter().map(|file| file.text).collect();
        assert_eq!(texts, ["a", "b"]);
    }

    #[test]
    fn every_unreadable_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.cedar"), b"\xff").unwrap();
        std::fs::write(dir.path().join("b.cedar"), vec![b' '; 1024 * 1024 + 1]).unwrap();
        std::fs::write(dir.path().join("c.cedar"), vec![b' '; 1024 * 1024]).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("d.cedar")).unwrap();
        let problems = read(dir.path()).unwrap_err();
        let told: Vec<_> = problems.iter().map(|problem| problem.message.split(':').next().unwrap()).collect();
        assert_eq!(told, ["is not UTF-8 text", "is larger than 1 MiB", "can't be read"]);
        let missing = read(&dir.path().join("nowhere")).unwrap_err();
        assert!(missing[0].help.as_deref().is_some_and(|help| help.contains("[weir]")), "{missing:?}");
    }
}
