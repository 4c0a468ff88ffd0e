//! The keys of the decision log in the state folder: `log.key` signs it, and `log.pub` has the public half of every key that ever did.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use evidence::{Apart, FileWitness, Keyring, Signing, SigningKey, Witness};

use crate::config::Config;
use crate::state::{FileError, write_whole};
use crate::url_witness;

const RESTORE: &str = "restore it from a backup of the state folder; to begin a new log, move `log`, `log.pub` and `checkpoint` of the state folder aside";

/// Signs the log.
const KEY_FILE: &str = "log.key";
/// What it is verified with, here and elsewhere.
const PUBLIC_FILE: &str = "log.pub";
/// The last checkpoint.
const CHECKPOINT_FILE: &str = "checkpoint";

/// With what the log is signed, and who is told. The keys are made at the first start.
pub fn signing(config: &Config) -> Result<Signing, FileError> {
    let key = signing_key(&config.state)?;
    let trusted = trusted(&config.state)?;
    let log = key.public().name().to_owned();
    let near = FileWitness::near(checkpoint_file(&config.state));
    let mut witnesses: Vec<Box<dyn Witness>> = vec![Box::new(near)];
    for folder in &config.evidence.checkpoints {
        let far = Apart::new(Box::new(FileWitness::far(folder, &log)));
        let failed = |error: io::Error| FileError::new(folder, format!("no thread can be had for it: {error}"), "");
        witnesses.push(Box::new(far.map_err(failed)?));
    }
    witnesses.extend(url_witness::all(&config.evidence.checkpoint_urls, &log)?);
    Ok(Signing { keys: vec![key], trusted, witnesses })
}

/// Where the last checkpoint is kept.
pub fn checkpoint_file(state: &Path) -> PathBuf {
    state.join(CHECKPOINT_FILE)
}

/// Where the public keys are.
pub fn public_file(state: &Path) -> PathBuf {
    state.join(PUBLIC_FILE)
}

/// The public keys in a file.
pub fn read_public(file: &Path) -> Result<Keyring, FileError> {
    let text = fs::read_to_string(file).map_err(|error| FileError::new(file, format!("can't be read: {error}"), ""))?;
    text.parse().map_err(|error| {
        FileError::new(file, format!("{error}"), "name a copy of the `log.pub` of the state folder that the log is of")
    })
}

fn trusted(state: &Path) -> Result<Keyring, FileError> {
    read_public(&public_file(state))
}

fn signing_key(state: &Path) -> Result<SigningKey, FileError> {
    let file = state.join(KEY_FILE);
    let wrong = |error: evidence::NoteError| FileError::new(&file, error.to_string(), RESTORE);
    let key = match fs::read_to_string(&file) {
        Ok(line) => SigningKey::from_secret_line(&line).map_err(wrong)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A new one would begin a new log, of which nobody elsewhere knows.
            for known in [public_file(state), checkpoint_file(state)] {
                if known.exists() {
                    let what = format!("is gone, and {} says that the log is signed", known.display());
                    return Err(FileError::new(&file, what, RESTORE));
                }
            }
            let key = new_key().map_err(|error| FileError::new(&file, format!("can't be made: {error}"), ""))?;
            write_whole(&file, key.to_secret_line().as_bytes(), 0o600)?;
            key
        }
        Err(error) => return Err(FileError::new(&file, format!("can't be read: {error}"), "")),
    };
    let public = public_file(state);
    let known = match fs::read_to_string(&public) {
        Ok(known) => known,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            "# The public keys of this state folder's decision log. Keep a copy where this machine cannot write:\n\
             # weir audit verify --key log.pub\n"
                .to_owned()
        }
        Err(error) => return Err(FileError::new(&public, format!("can't be read: {error}"), "")),
    };
    let line = key.public().to_string();
    if !known.lines().any(|known| known.trim() == line) {
        write_whole(&public, format!("{known}{line}\n").as_bytes(), 0o644)?;
    }
    Ok(key)
}

/// One with a name of its own, so that no two logs are taken for one another.
fn new_key() -> Result<SigningKey, evidence::NoteError> {
    let mut id = [0; 4];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| evidence::NoteError::Randomness)?;
    SigningKey::generate(&format!("weir/{:08x}", u32::from_be_bytes(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_the_public_one_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let key = signing_key(dir.path()).unwrap();
        assert_eq!(signing_key(dir.path()).unwrap().public(), key.public());
        assert_eq!(trusted(dir.path()).unwrap().keys(), [key.public().clone()]);
        // Another one signs from here on; what the first has signed is still known.
        let other = new_key().unwrap();
        write_whole(&dir.path().join(KEY_FILE), other.to_secret_line().as_bytes(), 0o600).unwrap();
        signing_key(dir.path()).unwrap();
        assert_eq!(trusted(dir.path()).unwrap().keys(), [key.public().clone(), other.public().clone()]);
        fs::remove_file(dir.path().join(KEY_FILE)).unwrap();
        assert!(signing_key(dir.path()).unwrap_err().what.contains("is gone"));
        fs::write(dir.path().join(KEY_FILE), "nonsense").unwrap();
        assert!(signing_key(dir.path()).is_err());
        fs::write(public_file(dir.path()), "nonsense").unwrap();
        assert!(trusted(dir.path()).unwrap_err().to_string().contains("log.pub"));
    }
}
