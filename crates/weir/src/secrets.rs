//! The secrets that keys are derived from: the instance's first one, and those that have followed it (`weir keys rotate`).
//!
//! `<state>/instance.key` is the first, and stays: salts of tokens' verifiers and the tokens that targets have stored are made with it for ever, since
//! nobody could make those anew. `<state>/rotated.keys` has what has followed it, a JSON object a line, oldest first; each is for one purpose. The newest of a purpose
//! is used, and all are kept: a recording is opened with the one that it was sealed with.
//!
//! A new one is in force from the next start of `weir serve` on, which writes that down.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence::recording::{RecordingKeys, Refused};
use gate::Keys;
use model::UnixMicros;
use redact::TokenKey;
use serde::{Deserialize, Serialize};

use crate::state::{FileError, instance_key, lock_keys, write_whole};

const ROTATED_FILE: &str = "rotated.keys";
const RESTORE: &str = "restore it from a backup of the state folder";

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Recordings' own keys are wrapped with it.
    Recordings,
    /// Tokens that callers are shown and that stand in recordings and in the log, and the log's digests.
    Tokens,
}

impl Purpose {
    /// As it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recordings => "recordings",
            Self::Tokens => "tokens",
        }
    }
}

/// One that has followed another.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotated {
    #[serde(rename = "for")]
    purpose: Purpose,
    /// Microseconds since the Unix epoch.
    made: u64,
    secret: String,
    /// Whether a start has written down that it is in force.
    in_force: bool,
}

impl Rotated {
    fn secret(&self, file: &Path) -> Result<[u8; 32], FileError> {
        let bytes = STANDARD.decode(&self.secret).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| FileError::new(file, "has a secret that is not of 32 bytes", RESTORE))
    }
}

/// All secrets of an instance.
pub struct Secrets {
    state: PathBuf,
    first: [u8; 32],
    recordings: Vec<[u8; 32]>,
    tokens: Vec<[u8; 32]>,
    lines: Vec<Rotated>,
}

/// One of them, as it can be told to everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it is for.
    pub purpose: Purpose,
    /// What it is called.
    pub id: String,
    /// When it was made; the first one does not say.
    pub made: Option<UnixMicros>,
    /// Whether a start of `weir serve` has taken it.
    pub in_force: bool,
}

impl Secrets {
    /// Those of this state folder. The first is made where there is none.
    pub fn read(state: &Path) -> Result<Self, FileError> {
        let first = instance_key(state)?;
        let (file, lines) = (state.join(ROTATED_FILE), lines(state)?);
        let mut secrets =
            Self { state: state.to_owned(), first, recordings: Vec::new(), tokens: Vec::new(), lines: Vec::new() };
        for line in &lines {
            let secret = line.secret(&file)?;
            match line.purpose {
                Purpose::Recordings => secrets.recordings.push(secret),
                Purpose::Tokens => secrets.tokens.push(secret),
            }
        }
        secrets.lines = lines;
        Ok(secrets)
    }

    /// What digests and tokens are made with.
    pub fn keys(&self) -> Keys {
        let keys = Keys::new(self.first);
        match self.tokens.last() {
            Some(newest) => keys.with_tokens_of(*newest),
            None => keys,
        }
    }

    /// What recordings are sealed and opened with.
    pub fn recording_keys(&self) -> Result<RecordingKeys, FileError> {
        let refused = |error: Refused| FileError::new(&self.state, error.to_string(), "");
        let mut newest_first = self.recordings.iter().rev().chain([&self.first]);
        let newest = newest_first.next().unwrap_or(&self.first);
        let keys = RecordingKeys::new(newest).map_err(refused)?;
        newest_first.try_fold(keys, RecordingKeys::and_older).map_err(refused)
    }

    /// The keys of the tokens that recordings have, newest first: of each time when another was in force.
    pub fn kept_tokens(&self) -> Vec<TokenKey> {
        let rotated = self.tokens.iter().rev().map(|secret| Keys::new(self.first).with_tokens_of(*secret));
        rotated.chain([Keys::new(self.first)]).map(|keys| keys.kept_tokens()).collect()
    }

    /// All of them, oldest first by purpose.
    pub fn told(&self) -> Result<Vec<Told>, FileError> {
        let file = self.state.join(ROTATED_FILE);
        let mut told = Vec::new();
        for purpose in [Purpose::Recordings, Purpose::Tokens] {
            told.push(Told { purpose, id: id(purpose, &self.first)?, made: None, in_force: true });
            for line in self.lines.iter().filter(|line| line.purpose == purpose) {
                let id = id(purpose, &line.secret(&file)?)?;
                told.push(Told { purpose, id, made: Some(UnixMicros(line.made)), in_force: line.in_force });
            }
        }
        Ok(told)
    }

    /// Notes that those which were read are in force, once that is in the log. One that came meanwhile waits for the next start.
    pub fn are_in_force(&self) -> Result<(), FileError> {
        if self.lines.iter().all(|line| line.in_force) {
            return Ok(());
        }
        let _lock = lock_keys(&self.state)?;
        let mut now = lines(&self.state)?;
        let read = self.lines.len();
        now.iter_mut().take(read).for_each(|line| line.in_force = true);
        write(&self.state, &now)
    }
}

/// Makes the next secret of a purpose.
pub fn rotate(state: &Path, purpose: Purpose) -> Result<Told, FileError> {
    // There is a first before there is a second.
    instance_key(state)?;
    let _lock = lock_keys(state)?;
    let (file, mut all) = (state.join(ROTATED_FILE), lines(state)?);
    if all.iter().any(|line| line.purpose == purpose && !line.in_force) {
        let what = format!("has a key for {} already that is not in force yet", purpose.as_str());
        return Err(FileError::new(&file, what, "it is in force from the next start of `weir serve` on"));
    }
    let mut secret = [0; 32];
    aws_lc_rs::rand::fill(&mut secret)
        .map_err(|_| FileError::new(&file, "can't be extended: the system gives no randomness", ""))?;
    let made = UnixMicros::from(SystemTime::now());
    all.push(Rotated { purpose, made: made.0, secret: STANDARD.encode(secret), in_force: false });
    write(state, &all)?;
    Ok(Told { purpose, id: id(purpose, &secret)?, made: Some(made), in_force: false })
}

fn lines(state: &Path) -> Result<Vec<Rotated>, FileError> {
    let file = state.join(ROTATED_FILE);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::new(&file, format!("can't be read: {error}"), "")),
    };
    let line = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|_| {
            // What the parser says might repeat what it has read.
            FileError::new(&file, format!("line {} is not that of a key", number.saturating_add(1)), RESTORE)
        })
    };
    text.lines().enumerate().map(line).collect()
}

fn write(state: &Path, lines: &[Rotated]) -> Result<(), FileError> {
    let file = state.join(ROTATED_FILE);
    let mut text = String::new();
    for line in lines {
        let line = serde_json::to_string(line).map_err(|error| FileError::new(&file, error.to_string(), ""))?;
        text.push_str(&line);
        text.push('\n');
    }
    write_whole(&file, text.as_bytes(), 0o600)
}

/// What a secret is called. It tells nothing of it; a recording's header has the same for the key that it was sealed with.
fn id(purpose: Purpose, secret: &[u8; 32]) -> Result<String, FileError> {
    match purpose {
        Purpose::Recordings => {
            let keys = RecordingKeys::new(secret);
            keys.map(|keys| keys.id().to_owned()).map_err(|error| FileError::new(Path::new(""), error.to_string(), ""))
        }
        Purpose::Tokens => {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"weir tokens id");
            Ok(tag.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_used_and_what_was_before_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let read = || Secrets::read(dir.path()).unwrap();
        let first = read();
        let (sealed, literal) = (first.recording_keys().unwrap().id().to_owned(), first.keys().literal(b"4111"));
        let told = rotate(dir.path(), Purpose::Recordings).unwrap();
        rotate(dir.path(), Purpose::Tokens).unwrap();
        assert!(rotate(dir.path(), Purpose::Tokens).is_err(), "one waits already");
        let second = read();
        assert_eq!(second.recording_keys().unwrap().id(), told.id);
        assert_eq!(format!("{:?}", second.recording_keys().unwrap()), format!("RecordingKeys({}, 1 older)", told.id));
        assert_ne!(told.id, sealed);
        assert_ne!(second.keys().literal(b"4111"), literal);
        let kept = |secrets: &Secrets| -> Vec<String> {
            secrets.kept_tokens().iter().map(|key| key.text("pii.email", b"ada@example.com")).collect()
        };
        let (one, two) = (kept(&first), kept(&second));
        assert_eq!((one.len(), two.len(), &two[1]), (1, 2, &one[0]));
        assert_ne!(two[0], two[1]);
        // Those that were read are in force, and not the one that came after.
        second.are_in_force().unwrap();
        rotate(dir.path(), Purpose::Tokens).unwrap();
        second.are_in_force().unwrap();
        let told = read().told().unwrap();
        let shown: Vec<(&str, bool)> = told.iter().map(|told| (told.purpose.as_str(), told.in_force)).collect();
        let expected =
            [("recordings", true), ("recordings", true), ("tokens", true), ("tokens", true), ("tokens", false)];
        assert_eq!(shown, expected);
        assert!(told.iter().enumerate().all(|(n, one)| told.iter().skip(n + 1).all(|other| one.id != other.id)));
    }

    #[test]
    fn a_damaged_file_is_an_error_that_tells_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        rotate(dir.path(), Purpose::Tokens).unwrap();
        let file = dir.path().join(ROTATED_FILE);
        let whole = fs::read_to_string(&file).unwrap();
        for damaged in [&whole[..whole.len() - 9], &whole.replace("tokens", "nothing"), &whole.replace('=', "")] {
            fs::write(&file, damaged).unwrap();
            let error = Secrets::read(dir.path()).err().unwrap().to_string();
            let secret = whole.split('"').nth(9).unwrap();
            assert!(error.contains(ROTATED_FILE) && !error.contains(&secret[..20]), "{error}");
        }
    }
}
