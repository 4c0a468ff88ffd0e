//! Weir's own tokens, in a file that only grows.
//!
//! One JSON object a line, either an issue or a revocation. Tokens are stored as hashes and SCRAM
//! verifiers, so the file lets nobody in; but
//! who can write to it can, so it belongs to its owner alone (0600). Several processes use it at once: writers take turns
//! with an advisory lock, and a reader looks at the file's stamp at each question and reads what was added since. A line
//! that can't be read is skipped with a warning; a last line without its newline is not there yet.
//!
//! What was read is not read again while the file only grows. To edit it by hand, write a new file and rename it over.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use model::{CredentialId, Principal, PrincipalKind, Sensitive, UnixSeconds};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::rejection::{Reason, Rejection};
use crate::scram::{SaltKey, Verifier, VerifierLine};
use crate::{LOCAL_ISSUER, names, token};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// About 100,000 tokens. Weir stops issuing before it would stop reading.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Far more than the longest line that is ever written.
const LINE_BYTES_MAX: usize = 32 * 1024;
const GROUPS_MAX: usize = 100;

/// The file of Weir's own tokens. Cheap to ask: one `stat`, unless something changed.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    salts: SaltKey,
    known: Mutex<Known>,
}

/// What a token is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// A person or a workload.
    pub kind: PrincipalKind,
    /// The name after `local:`, such as `alice@example.com`.
    pub name: String,
    /// Groups that the token puts its bearer in.
    pub groups: BTreeSet<String>,
    /// How long it is valid.
    pub ttl_seconds: u64,
    /// The person a workload belongs to, as a principal id (`corp:alice@example.com`).
    pub owner: Option<String>,
    /// Whether it is only ever proved, by SCRAM, and never shown.
    pub scram_only: bool,
}

impl NewToken {
    /// How long a token is valid when nothing else is said: a working day.
    pub const TTL_SECONDS_DEFAULT: u64 = 8 * HOUR;

    /// The longest time a token of this kind may be valid: 90 days for a person, 366 for a workload.
    pub fn ttl_seconds_max(kind: PrincipalKind) -> u64 {
        match kind {
            PrincipalKind::User => 90 * DAY,
            PrincipalKind::Workload => 366 * DAY,
        }
    }
}

/// A token as it is known: everything but its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEntry {
    /// Its id, which is no secret.
    pub id: String,
    /// A person or a workload.
    pub kind: PrincipalKind,
    /// The name after `local:`.
    pub name: String,
    /// Groups that the token puts its bearer in.
    pub groups: BTreeSet<String>,
    /// The person a workload belongs to.
    pub owner: Option<String>,
    /// When it was made.
    pub issued: UnixSeconds,
    /// The first moment at which it is no longer valid.
    pub expires: UnixSeconds,
    /// When it was taken back, if it was.
    pub revoked: Option<UnixSeconds>,
    /// Whether it is only ever proved, by SCRAM, and never shown.
    pub scram_only: bool,
    hash: String,
    /// Tokens of older versions have none.
    verifier: Option<Verifier>,
}

/// Whether a token holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It does.
    Live,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

impl TokenEntry {
    /// Whether it holds at this moment.
    pub fn state(&self, now: UnixSeconds) -> TokenState {
        match self.revoked {
            Some(_) => TokenState::Revoked,
            None if now >= self.expires => TokenState::Expired,
            None => TokenState::Live,
        }
    }

    /// The name of this credential in sessions and in the record: `local:<id>`.
    pub fn credential(&self) -> CredentialId {
        CredentialId(format!("{LOCAL_ISSUER}:{}", self.id))
    }

    fn principal(&self) -> Principal {
        Principal {
            kind: self.kind,
            issuer: LOCAL_ISSUER.to_owned(),
            name: self.name.clone(),
            groups: self.groups.clone(),
            claims: BTreeMap::new(),
            owner: self.owner.clone(),
            act: Vec::new(),
            run: None,
            credential: self.credential(),
            expires: Some(self.expires),
        }
    }
}

/// Why the file could not be used, or a token not made.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// The system says no.
    #[error("the token file {path}: {error}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others could make tokens of their own.
    #[error("the token file {path} is open to other users (mode {mode:04o}); run: chmod 600 {path}", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not something that can be appended to and read again.
    #[error("the token file {path} is not a regular file", path = .0.display())]
    NotAFile(PathBuf),
    /// Too many tokens.
    #[error("the token file {path} has grown to its limit of {FILE_BYTES_MAX} bytes; \
             write a new one without the lines of expired tokens and rename it over this one", path = .0.display())]
    Full(PathBuf),
    /// The request makes no sense.
    #[error("{0}")]
    Refused(String),
    /// Nothing to revoke.
    #[error("no token has the id {0}; `weir token list` shows those that exist")]
    NoSuchToken(String),
    /// The operating system gives no random bytes.
    #[error("the system has no randomness to make a token from")]
    NoRandomness,
}

/// One line of the file. A member that is not known could be a restriction, so it makes the line unreadable.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Issue(IssueLine),
    Revoke(RevokeLine),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IssueLine {
    id: String,
    sha256: String,
    kind: Kind,
    name: String,
    groups: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    issued: u64,
    expires: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scram: Option<VerifierLine>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    scram_only: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeLine {
    id: String,
    at: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    User,
    Workload,
}

/// What was read so far.
#[derive(Debug, Default)]
struct Known {
    /// The file as it was when it was read: device, inode, length, time of change.
    stamp: Option<Stamp>,
    /// How many bytes of it are read: up to the end of the last whole line.
    offset: u64,
    /// How many lines that is.
    lines: u64,
    entries: HashMap<String, TokenEntry>,
    /// The ids of a name's tokens that can be proved.
    provable: HashMap<String, Vec<String>>,
    /// Revoked ids, also those whose issue was never seen: a revocation holds whatever comes later.
    revoked: HashMap<String, UnixSeconds>,
}

/// How a name can be proved.
#[derive(Debug, Default)]
pub(crate) struct Proofs {
    /// Whether one of the credentials may not be shown.
    pub demanded: bool,
    /// The credentials in force, the newest first.
    pub keys: Vec<(Verifier, Principal)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    place: (u64, u64),
    length: u64,
    changed: Option<SystemTime>,
}

impl TokenFile {
    /// Opens the file, making an empty one if there is none, and reads it. `salts` must be the same each time.
    pub fn open(path: impl Into<PathBuf>, salts: SaltKey) -> Result<Self, TokenFileError> {
        let file = Self { path: path.into(), salts, known: Mutex::new(Known::default()) };
        let made = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&file.path);
        match made {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(file.io(error)),
            Ok(_) | Err(_) => {}
        }
        file.refresh(&mut file.known.lock())?;
        Ok(file)
    }

    /// Makes a token. Its text is returned here and never again; what is kept is a hash.
    pub fn issue(&self, new: &NewToken, now: UnixSeconds) -> Result<(Sensitive<String>, TokenEntry), TokenFileError> {
        if let Some(fault) = fault(new) {
            return Err(TokenFileError::Refused(fault));
        }
        let (id, text) = token::generate().ok_or(TokenFileError::NoRandomness)?;
        let line = IssueLine {
            sha256: token::hash(text.expose()),
            kind: match new.kind {
                PrincipalKind::User => Kind::User,
                PrincipalKind::Workload => Kind::Workload,
            },
            name: new.name.clone(),
            groups: new.groups.clone(),
            owner: new.owner.clone(),
            issued: now.0,
            expires: now.0.saturating_add(new.ttl_seconds),
            scram: Some(Verifier::of(text.expose(), self.salts.salt(&new.name)).line()),
            scram_only: new.scram_only,
            id,
        };
        let entry = entry(&line).map_err(TokenFileError::Refused)?;
        self.append(&Line::Issue(line))?;
        Ok((text, entry))
    }

    /// All tokens ever issued, oldest first.
    pub fn list(&self) -> Result<Vec<TokenEntry>, TokenFileError> {
        let mut known = self.known.lock();
        self.refresh(&mut known)?;
        let mut all: Vec<TokenEntry> = known.entries.values().cloned().collect();
        all.sort_by(|a, b| (a.issued, &a.id).cmp(&(b.issued, &b.id)));
        Ok(all)
    }

    /// Takes a token back, for every process that uses this file. Returns what it was; twice is not an error.
    pub fn revoke(&self, id: &str, now: UnixSeconds) -> Result<TokenEntry, TokenFileError> {
        let find = |known: &mut Known| {
            self.refresh(known)?;
            known.entries.get(id).cloned().ok_or_else(|| TokenFileError::NoSuchToken(names::quote(id).to_string()))
        };
        let entry = find(&mut self.known.lock())?;
        if entry.revoked.is_some() {
            return Ok(entry);
        }
        self.append(&Line::Revoke(RevokeLine { id: entry.id, at: now.0 }))?;
        find(&mut self.known.lock())
    }

    /// Who bears this token.
    pub fn verify(&self, text: &str, now: UnixSeconds) -> Result<Principal, Rejection> {
        let id = token::id_of(text).map_err(|fault| Rejection::new(Reason::Malformed, fault))?;
        let mut known = self.known.lock();
        self.refresh(&mut known).map_err(|error| Rejection::new(Reason::Unavailable, error.to_string()))?;
        let unknown = |what: &str| Rejection::new(Reason::UnknownToken, format!("token {id} {what}"));
        let entry = known.entries.get(id).ok_or_else(|| unknown("was not issued here"))?;
        // Nothing is said about a token to somebody who has only its id.
        if !token::matches(text, &entry.hash) {
            return Err(unknown("exists, with another secret"));
        }
        let over = |reason| Rejection::new(reason, format!("token {id} of {LOCAL_ISSUER}:{}", entry.name));
        if entry.scram_only {
            return Err(over(Reason::NotToBeShown));
        }
        match entry.state(now) {
            TokenState::Live => Ok(entry.principal()),
            TokenState::Expired => Err(over(Reason::Expired)),
            TokenState::Revoked => Err(over(Reason::Revoked)),
        }
    }

    /// The credentials in force by which this name can be proved. None for a name that nobody has.
    pub(crate) fn proofs(&self, name: &str, now: UnixSeconds) -> Result<Proofs, TokenFileError> {
        let mut known = self.known.lock();
        self.refresh(&mut known)?;
        let ids = known.provable.get(name).into_iter().flatten();
        let mut live: Vec<&TokenEntry> =
            ids.filter_map(|id| known.entries.get(id)).filter(|entry| entry.state(now) == TokenState::Live).collect();
        live.sort_by(|a, b| (b.issued, &b.id).cmp(&(a.issued, &a.id)));
        let demanded = live.iter().any(|entry| entry.scram_only);
        let keys = live.iter().filter_map(|entry| Some((entry.verifier.clone()?, entry.principal()))).collect();
        Ok(Proofs { demanded, keys })
    }

    pub(crate) fn salts(&self) -> &SaltKey {
        &self.salts
    }

    /// Whether a session that began with this credential may go on. No, if that can't be told.
    pub fn is_live(&self, credential: &CredentialId, now: UnixSeconds) -> bool {
        let Some((LOCAL_ISSUER, id)) = credential.0.split_once(':') else { return false };
        let mut known = self.known.lock();
        if let Err(error) = self.refresh(&mut known) {
            tracing::error!(%error, "tokens can't be checked; sessions that began with one end");
            return false;
        }
        known.entries.get(id).is_some_and(|entry| entry.state(now) == TokenState::Live)
    }

    fn io(&self, error: io::Error) -> TokenFileError {
        TokenFileError::Io { path: self.path.clone(), error }
    }

    /// Adds one line, whole or not at all as far as readers can see, and waits until it is on the disk.
    fn append(&self, line: &Line) -> Result<(), TokenFileError> {
        let mut bytes = serde_json::to_vec(line).map_err(|error| TokenFileError::Refused(error.to_string()))?;
        bytes.push(b'\n');
        let mut file = OpenOptions::new().read(true).append(true).open(&self.path).map_err(|error| self.io(error))?;
        file.lock().map_err(|error| self.io(error))?;
        let length = self.stamp(&file)?.length;
        // A writer that died left half a line: it stays alone, and does not take this one with it.
        let mut last = [b'\n'];
        if let Some(at) = length.checked_sub(1) {
            file.read_exact_at(&mut last, at).map_err(|error| self.io(error))?;
        }
        if last != *b"\n" {
            bytes.insert(0, b'\n');
        }
        let added = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length.saturating_add(added) > FILE_BYTES_MAX {
            return Err(TokenFileError::Full(self.path.clone()));
        }
        // The lock goes with the handle.
        file.write_all(&bytes).and_then(|()| file.sync_data()).map_err(|error| self.io(error))
    }

    /// Reads what was added since the last time.
    fn refresh(&self, known: &mut Known) -> Result<(), TokenFileError> {
        // By name, so that another file under this name is seen.
        let found = fs::metadata(&self.path).map_err(|error| self.io(error))?;
        if known.stamp == Some(check(&self.path, &found)?) {
            return Ok(());
        }
        let mut file = File::open(&self.path).map_err(|error| self.io(error))?;
        let stamp = self.stamp(&file)?;
        let grown = known.stamp.is_some_and(|old| old.place == stamp.place && old.length < stamp.length);
        if !grown {
            if known.stamp.is_some() {
                tracing::warn!(path = %self.path.display(), "the token file was replaced or rewritten; reading all of it");
            }
            *known = Known::default();
        }
        if stamp.length > FILE_BYTES_MAX {
            return Err(TokenFileError::Full(self.path.clone()));
        }
        let mut added = Vec::new();
        file.seek(SeekFrom::Start(known.offset)).map_err(|error| self.io(error))?;
        let rest = stamp.length.saturating_sub(known.offset);
        file.take(rest).read_to_end(&mut added).map_err(|error| self.io(error))?;
        for line in added.split_inclusive(|byte| *byte == b'\n') {
            let Some(line) = line.strip_suffix(b"\n") else { break };
            known.lines = known.lines.saturating_add(1);
            known.offset = known.offset.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX)).saturating_add(1);
            if let Err(fault) = known.take_in(line) {
                tracing::warn!(path = %self.path.display(), line = known.lines, %fault, "a line of the token file is skipped");
            }
        }
        known.stamp = Some(stamp);
        Ok(())
    }

    fn stamp(&self, file: &File) -> Result<Stamp, TokenFileError> {
        check(&self.path, &file.metadata().map_err(|error| self.io(error))?)
    }
}

fn check(path: &Path, found: &fs::Metadata) -> Result<Stamp, TokenFileError> {
    if !found.is_file() {
        return Err(TokenFileError::NotAFile(path.to_owned()));
    }
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(TokenFileError::Exposed { path: path.to_owned(), mode });
    }
    Ok(Stamp { place: (found.dev(), found.ino()), length: found.len(), changed: found.modified().ok() })
}

impl Known {
    fn take_in(&mut self, line: &[u8]) -> Result<(), String> {
        if line.len() > LINE_BYTES_MAX {
            return Err(format!("it is longer than {LINE_BYTES_MAX} bytes"));
        }
        // The error of the JSON reader could quote a hash: only its place is told.
        let line: Line =
            serde_json::from_slice(line).map_err(|error| format!("not an entry, at column {}", error.column()))?;
        match line {
            Line::Revoke(RevokeLine { id, at }) => {
                if !token::is_id(&id) {
                    return Err("the id is not one of a token".to_owned());
                }
                let at = *self.revoked.entry(id.clone()).or_insert(UnixSeconds(at));
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.revoked = Some(at);
                }
            }
            Line::Issue(line) => {
                let mut entry = entry(&line)?;
                if self.entries.contains_key(&entry.id) {
                    return Err(format!("token {} was issued before", entry.id));
                }
                entry.revoked = self.revoked.get(&entry.id).copied();
                if entry.verifier.is_some() {
                    self.provable.entry(entry.name.clone()).or_default().push(entry.id.clone());
                }
                self.entries.insert(entry.id.clone(), entry);
            }
        }
        Ok(())
    }
}

/// The entry that a line tells of, or what is wrong with the line.
fn entry(line: &IssueLine) -> Result<TokenEntry, String> {
    let kind = match line.kind {
        Kind::User => PrincipalKind::User,
        Kind::Workload => PrincipalKind::Workload,
    };
    if !token::is_id(&line.id) {
        return Err("the id is not one of a token".to_owned());
    }
    if line.sha256.len() != 64 || !line.sha256.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("`sha256` is not a hash".to_owned());
    }
    let ttl_seconds = line.expires.saturating_sub(line.issued);
    let (name, groups, owner) = (line.name.clone(), line.groups.clone(), line.owner.clone());
    let scram_only = line.scram_only;
    if let Some(fault) = fault(&NewToken { kind, name, groups, ttl_seconds, owner, scram_only }) {
        return Err(fault);
    }
    let verifier = line.scram.as_ref().map(|line| Verifier::read(line).ok_or("`scram` is no verifier")).transpose()?;
    if scram_only && verifier.is_none() {
        return Err("it is only to be proved, and can't be".to_owned());
    }
    Ok(TokenEntry {
        id: line.id.clone(),
        kind,
        name: line.name.clone(),
        groups: line.groups.clone(),
        owner: line.owner.clone(),
        issued: UnixSeconds(line.issued),
        expires: UnixSeconds(line.expires),
        revoked: None,
        scram_only,
        hash: line.sha256.clone(),
        verifier,
    })
}

/// What is wrong with a token that somebody wants made.
fn fault(new: &NewToken) -> Option<String> {
    let NewToken { kind, name, groups, ttl_seconds, owner, scram_only: _ } = new;
    if let Some(fault) = names::fault(name, names::NAME_BYTES_MAX) {
        return Some(format!("the name {} {fault}", names::quote(name)));
    }
    if name.contains(':') {
        let plain = name.rsplit(':').next().unwrap_or_default();
        return Some(format!(
            "the name {} holds a `:`; the issuer of Weir's own tokens is always `{LOCAL_ISSUER}`, so write only {}",
            names::quote(name),
            names::quote(plain)
        ));
    }
    if groups.len() > GROUPS_MAX {
        return Some(format!("more than {GROUPS_MAX} groups"));
    }
    let bad_group = groups.iter().find_map(|group| Some((group, names::fault(group, names::GROUP_BYTES_MAX)?)));
    if let Some((group, fault)) = bad_group {
        return Some(format!("the group {} {fault}", names::quote(group)));
    }
    if let Some((owner, fault)) = owner.as_ref().and_then(|owner| Some((owner, names::id_fault(owner)?))) {
        return Some(format!("the owner {} {fault}", names::quote(owner)));
    }
    let max = NewToken::ttl_seconds_max(*kind);
    if *ttl_seconds == 0 {
        return Some("a token must be valid for at least a second".to_owned());
    }
    let who = match kind {
        PrincipalKind::User => "a person",
        PrincipalKind::Workload => "a workload",
    };
    (*ttl_seconds > max)
        .then(|| format!("a token of {who} is valid for {} days at most; ask for less and renew it", max / DAY))
}

#[cfg(test)]
mod tests;
