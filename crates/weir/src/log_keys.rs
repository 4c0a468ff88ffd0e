//! The keys of the decision log in the state folder: `log.key` signs it, and `log.pub` has the public half of every key that ever did.
//!
//! The one that is to follow is in `log.key.next` ([`rotate`]). The next start of `weir serve` signs a checkpoint with both, which says so, and then
//! puts it in the place of the one before, which is gone then ([`follow`]).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use evidence::{Apart, FileWitness, Keyring, Log, Signing, SigningKey, VerifyKey, Witness};

use crate::config::Evidence;
use crate::state::{FileError, lock_keys, sync_folder, write_whole};
use crate::url_witness;

const RESTORE: &str = "restore it from a backup of the state folder; to begin a new log, move `log`, `log.pub` and `checkpoint` of the state folder aside";

/// Signs the log.
const KEY_FILE: &str = "log.key";
/// Is to sign it from the next start on.
const NEXT_FILE: &str = "log.key.next";
/// What it is verified with, here and elsewhere.
const PUBLIC_FILE: &str = "log.pub";
/// The last checkpoint.
const CHECKPOINT_FILE: &str = "checkpoint";

/// With what the log is signed, and who is told. The keys are made at the first start.
pub fn signing(state: &Path, evidence: &Evidence) -> Result<Signing, FileError> {
    let key = signing_key(state)?;
    let next = next_key(state)?;
    if let Some(next) = &next {
        make_known(state, next.public())?;
    }
    let trusted = trusted(state)?;
    let log = key.public().name().to_owned();
    let near = FileWitness::near(checkpoint_file(state));
    let mut witnesses: Vec<Box<dyn Witness>> = vec![Box::new(near)];
    for folder in &evidence.checkpoints {
        let far = Apart::new(Box::new(FileWitness::far(folder, &log)));
        let failed = |error: io::Error| FileError::new(folder, format!("no thread can be had for it: {error}"), "");
        witnesses.push(Box::new(far.map_err(failed)?));
    }
    witnesses.extend(url_witness::all(&evidence.checkpoint_urls, &log)?);
    Ok(Signing { key, next, trusted, witnesses, new_epoch: None })
}

/// Signs a text, which is whole lines, by the log's key: for what is no checkpoint, and can't be taken for one.
pub fn sign(state: &Path, text: &str) -> Result<String, FileError> {
    Ok(signing_key(state)?.sign_text(text))
}

/// Makes the key that is to sign from the next start on.
pub fn rotate(state: &Path) -> Result<VerifyKey, FileError> {
    // There is a first before there is a second.
    let key = signing_key(state)?;
    let _lock = lock_keys(state)?;
    let file = state.join(NEXT_FILE);
    if file.exists() {
        let help = "it signs from the next start of `weir serve` on";
        return Err(FileError::new(&file, "is there already", help));
    }
    let made = SigningKey::generate(key.public().name());
    let next = made.map_err(|error| FileError::new(&file, format!("can't be made: {error}"), ""))?;
    // Known before it can sign anything.
    make_known(state, next.public())?;
    write_whole(&file, next.to_secret_line().as_bytes(), 0o600)?;
    Ok(next.public().clone())
}

/// The key that signs this state folder's log, and the one that is to follow, if there are.
pub fn told(state: &Path) -> Result<(Option<VerifyKey>, Option<VerifyKey>), FileError> {
    let public = |key: SigningKey| key.public().clone();
    Ok((secret_in(&state.join(KEY_FILE))?.map(public), next_key(state)?.map(public)))
}

/// The key that is to follow, if the log is signed by it now.
pub fn followed(state: &Path, log: &Log) -> Result<Option<VerifyKey>, FileError> {
    let next = next_key(state)?.map(|next| next.public().clone());
    Ok(next.filter(|next| log.signed_by() == Some(next)))
}

/// Puts it in the place of the one before.
pub fn follow(state: &Path) -> Result<(), FileError> {
    let (from, to) = (state.join(NEXT_FILE), state.join(KEY_FILE));
    let failed = |error: io::Error| FileError::new(&from, format!("can't be renamed to {}: {error}", to.display()), "");
    fs::rename(&from, &to).and_then(|()| sync_folder(state)).map_err(failed)
}

fn next_key(state: &Path) -> Result<Option<SigningKey>, FileError> {
    secret_in(&state.join(NEXT_FILE))
}

/// The key in a file, if there is one.
fn secret_in(file: &Path) -> Result<Option<SigningKey>, FileError> {
    match fs::read_to_string(file) {
        Ok(line) => {
            let key = SigningKey::from_secret_line(&line);
            key.map(Some).map_err(|error| FileError::new(file, error.to_string(), RESTORE))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new(file, format!("can't be read: {error}"), "")),
    }
}

/// Where the last checkpoint is kept.
pub fn checkpoint_file(state: &Path) -> PathBuf {
    state.join(CHECKPOINT_FILE)
}

/// Where the public keys are.
pub fn public_file(state: &Path) -> PathBuf {
    state.join(PUBLIC_FILE)
}

/// Adds public keys of this state folder's log that came after those in it.
pub fn trust_more(state: &Path, keys: &Keyring) -> Result<(), FileError> {
    let own = signing_key(state)?;
    keys.keys().iter().filter(|key| key.name() == own.public().name()).try_for_each(|key| make_known(state, key))
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
    let key = match secret_in(&file)? {
        Some(key) => key,
        None => {
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
    };
    make_known(state, key.public())?;
    Ok(key)
}

/// Adds a key to the public ones.
fn make_known(state: &Path, key: &VerifyKey) -> Result<(), FileError> {
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
    let line = key.to_string();
    if !known.lines().any(|known| known.trim() == line) {
        write_whole(&public, format!("{known}{line}\n").as_bytes(), 0o644)?;
    }
    Ok(())
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
        // And one that is to follow is known before it signs.
        let next = rotate(dir.path()).unwrap();
        assert_eq!(trusted(dir.path()).unwrap().keys().last(), Some(&next));
        assert_eq!(told(dir.path()).unwrap(), (Some(other.public().clone()), Some(next.clone())));
        assert!(rotate(dir.path()).is_err(), "one waits already");
        follow(dir.path()).unwrap();
        assert_eq!(told(dir.path()).unwrap(), (Some(next), None));
        fs::remove_file(dir.path().join(KEY_FILE)).unwrap();
        assert!(signing_key(dir.path()).unwrap_err().what.contains("is gone"));
        fs::write(dir.path().join(KEY_FILE), "nonsense").unwrap();
        assert!(signing_key(dir.path()).is_err());
        fs::write(public_file(dir.path()), "nonsense").unwrap();
        assert!(trusted(dir.path()).unwrap_err().to_string().contains("log.pub"));
    }
}
