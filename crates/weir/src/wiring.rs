//! Configuration becomes the adapters that the protocols use through `gate`'s ports. The only place that knows both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use credentials::CredentialSource;
use evidence::hold::HoldFile;
use evidence::recording::{Recordings, Retention, Sweeper};
use evidence::{Durability, Log, OpenError, Signing};
use gate::{Content, CredentialDown, Credentials, Ledger};
use identity::{Certificates, Directory, Issuers, SaltKey, TokenFile, TokenFileError};
use model::{RecordingLevel, Sensitive, TargetId};
use protocol_postgres::TargetSettings;

use crate::config::{Config, Evidence, PostgresTarget};
use crate::secrets::Secrets;
use crate::serve::ServeError;
use crate::state::{self, FileError};

/// In the state folder: Weir's own tokens. `weir serve` and `weir token` use the same.
const TOKENS_FILE: &str = "tokens.jsonl";

/// Who can be known: bearers of tokens in the state folder, and of configured issuers' tokens.
pub fn directory(config: &Config) -> Result<Directory, String> {
    let said = |problems: Vec<identity::ConfigProblem>| {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let tokens = token_file(config).map_err(|error| error.to_string())?;
    let issuers = Issuers::new(config.issuers.clone()).map_err(said)?;
    let certificates = Certificates::new(config.certificates.clone()).map_err(said)?;
    let groups = config.groups.iter().map(|(group, members)| (group.clone(), members.iter().cloned().collect()));
    Ok(Directory::new(tokens, issuers, certificates, groups.collect()).map_err(said)?.with_scram(config.listen.scram))
}

/// The file of Weir's own tokens, made when there is none.
pub fn token_file(config: &Config) -> Result<TokenFile, TokensDown> {
    let key = state::instance_key(&config.state)?;
    Ok(TokenFile::open(config.state.join(TOKENS_FILE), SaltKey::of(&key))?)
}

/// Why the tokens can't be had.
#[derive(Debug, thiserror::Error)]
pub enum TokensDown {
    /// A file of the state folder.
    #[error(transparent)]
    State(#[from] FileError),
    /// Their own file.
    #[error(transparent)]
    Tokens(#[from] TokenFileError),
}

/// The decision log of a state folder, opened to write it, in both its places if there are two.
pub fn open_log(
    state: &Path,
    evidence: &Evidence,
    lanes: usize,
    durability: Durability,
    signing: Signing,
) -> Result<Log, OpenError> {
    let folder = state.join("log");
    match &evidence.mirror {
        Some(mirror) => Log::open_mirrored(&folder, mirror, lanes, "weir", durability, signing),
        None => Log::open_signed(&folder, lanes, "weir", durability, signing),
    }
}

/// Where the sessions of recorded targets are recorded; none where no target is.
pub fn recorder(config: &Config, secrets: &Secrets, ledger: Arc<dyn Ledger>) -> Result<Option<Recordings>, ServeError> {
    let is_recorded = |target: &PostgresTarget| target.target.recording.level != RecordingLevel::Off;
    if !config.targets.values().any(is_recorded) {
        return Ok(None);
    }
    Ok(Some(Recordings::open(&recordings_folder(config), secrets.recording_keys()?, ledger)?))
}

/// How long recordings are kept, of each target that is configured.
pub fn retention(config: &Config) -> Retention {
    let kept = |target: &PostgresTarget| (target.target.id.to_string(), target.retention);
    Retention(config.targets.values().map(kept).collect())
}

/// Who deletes recordings that were kept long enough.
pub fn sweeper(
    config: &Config,
    retention: Retention,
    ledger: Arc<dyn Ledger>,
    stop: Arc<AtomicBool>,
) -> Result<Sweeper, FileError> {
    let keys = Secrets::read(&config.state)?.recording_keys()?;
    let (folder, log) = (recordings_folder(config), config.state.join("log"));
    Ok(Sweeper::new(&folder, &log, keys, retention, holds(config), ledger, stop))
}

/// Where legal holds are.
pub fn holds(config: &Config) -> HoldFile {
    HoldFile::of(&config.state)
}

/// Where recordings are.
pub fn recordings_folder(config: &Config) -> PathBuf {
    config.state.join("recordings")
}

/// What is looked for in values, made once for all targets; none where no target wants it.
pub fn content(config: &Config) -> Result<Option<Arc<Content>>, String> {
    if !config.targets.values().any(|target| target.detects) {
        return Ok(None);
    }
    let detector = config.detection.detector().map_err(|fault| fault.to_string())?;
    Ok(Some(Arc::new(Content::new(detector)?)))
}

/// A target as its protocol wants it. `content` is what is looked for in its values, if it wants that.
pub fn postgres_target(target: &PostgresTarget, content: Option<&Arc<Content>>) -> TargetSettings {
    TargetSettings {
        target: Arc::new(target.target.clone()),
        host: target.address.host.clone(),
        port: target.address.port,
        database: target.database.clone(),
        databases: target.databases.clone(),
        user: target.user.clone(),
        tls: target.tls.clone(),
        login: target.login.clone(),
        rules: target.class_rules.clone(),
        content: content.filter(|_| target.detects).map(Arc::clone),
        connect_timeout: target.connect_timeout,
    }
}

/// The passwords of all targets, read when they are used.
#[derive(Debug)]
pub struct Passwords(BTreeMap<TargetId, CredentialSource>);

impl Passwords {
    /// Those that a configuration names.
    pub fn of(config: &Config) -> Self {
        let sources = config.targets.values().map(|target| (target.target.id.clone(), target.password.clone()));
        Self(sources.collect())
    }
}

impl Credentials for Passwords {
    fn password(&self, target: &TargetId) -> Result<Sensitive<String>, CredentialDown> {
        let source =
            self.0.get(target).ok_or_else(|| CredentialDown(format!("target \"{target}\" has no password")))?;
        source.fetch().map_err(|error| CredentialDown(error.to_string()))
    }
}
