//! Where an issuer's keys come from, and how long they are believed.
//!
//! A file is looked at for every token. An address is asked again after an hour, and when a token names a key that is not
//! known, but never more than once in ten seconds, whatever callers send. A key that its issuer removed is refused from
//! the next successful fetch on; when fetching fails, the last keys serve for a limited time more, then nobody gets in.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::Uri;
use model::UnixSeconds;
use parking_lot::Mutex;
use tokio::sync;

use crate::fetch::{self, DOCUMENT_BYTES_MAX, Fetcher};
use crate::json;
use crate::key_set::KeySet;
use crate::names::quote;
use crate::rejection::{Reason, Rejection};

/// How long fetched keys are used without asking again.
pub(crate) const FRESH_SECONDS: u64 = 3600;
/// The shortest time between two fetches.
pub(crate) const BETWEEN_FETCHES_SECONDS: u64 = 10;
/// How long one fetch may take, both its requests together.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// A file that changed this recently may change again without its time of change showing it.
const UNSETTLED: Duration = Duration::from_secs(2);

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) enum KeyRing {
    /// From a file.
    File(FileKeys),
    /// From an address.
    Remote(Arc<RemoteKeys>),
}

impl KeyRing {
    /// The keys to check a token with that names this one. Whether the key is among them is the set's to say.
    pub(crate) async fn keys(&self, kid: Option<&str>, now: UnixSeconds) -> Result<Arc<KeySet>, Rejection> {
        match self {
            Self::File(file) => file.keys().map_err(|fault| Rejection::new(Reason::Unavailable, fault)),
            Self::Remote(remote) => remote.keys(kid, now).await,
        }
    }
}

/// Keys in a file.
#[derive(Debug)]
pub(crate) struct FileKeys {
    path: PathBuf,
    last: Mutex<Option<(Stamp, Outcome)>>,
}

/// What a file held, or what was wrong with it.
type Outcome = Result<Arc<KeySet>, String>;

/// What changes when a file does.
type Stamp = (u64, u64, u64, Option<SystemTime>);

impl FileKeys {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), last: Mutex::new(None) }
    }

    /// The keys that the file holds now. A file that can't be read any more opens no door: the operator may just have
    /// taken a key out of it.
    pub(crate) fn keys(&self) -> Outcome {
        let fault = |error: &dyn std::fmt::Display| format!("the key set {}: {error}", self.path.display());
        let found = fs::metadata(&self.path).map_err(|error| fault(&error))?;
        let mut last = self.last.lock();
        if let Some((_, outcome)) = last.as_ref().filter(|(stamp, _)| *stamp == stamp_of(&found)) {
            return outcome.clone();
        }
        let (stamp, outcome) = self.read().map_err(|error| fault(&error))?;
        let outcome = outcome.map(Arc::new).map_err(|error| fault(&error));
        match &outcome {
            Ok(keys) => tracing::info!(path = %self.path.display(), keys = keys.len(), "read a key set"),
            Err(fault) => tracing::warn!(%fault, "no token of this issuer is accepted"),
        }
        let age = stamp.3.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        *last = age.is_some_and(|age| age > UNSETTLED).then(|| (stamp, outcome.clone()));
        outcome
    }

    fn read(&self) -> std::io::Result<(Stamp, Result<KeySet, String>)> {
        let found = fs::metadata(&self.path)?;
        if !found.is_file() {
            return Ok((stamp_of(&found), Err("not a regular file".to_owned())));
        }
        let file = File::open(&self.path)?;
        let found = file.metadata()?;
        let mut bytes = Vec::new();
        let one_more = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        file.take(one_more).read_to_end(&mut bytes)?;
        let keys = if found.permissions().mode() & 0o002 != 0 {
            Err(format!("every user can write to it; run: chmod o-w {}", self.path.display()))
        } else if bytes.len() > DOCUMENT_BYTES_MAX {
            Err(format!("longer than {DOCUMENT_BYTES_MAX} bytes"))
        } else {
            KeySet::parse(&bytes)
        };
        Ok((stamp_of(&found), keys))
    }
}

fn stamp_of(found: &fs::Metadata) -> Stamp {
    (found.dev(), found.ino(), found.len(), found.modified().ok())
}

/// Keys at an address.
pub(crate) struct RemoteKeys {
    issuer: String,
    place: Place,
    fetcher: Fetcher,
    stale_seconds_max: u64,
    held: Mutex<Held>,
    /// Held by whoever fetches. Callers that need what is being fetched wait here.
    turn: Arc<sync::Mutex<()>>,
}

/// Where to ask.
#[derive(Debug)]
pub(crate) enum Place {
    /// For the keys themselves.
    Keys(Uri),
    /// For a document that says where the keys are, and that must be this issuer's.
    Discovery { document: Uri, issuer: String },
}

#[derive(Default)]
struct Held {
    keys: Option<Arc<KeySet>>,
    /// When they were fetched.
    fetched: Moment,
    /// When somebody last tried to.
    tried: Moment,
    /// Why the last try failed, if it did.
    failure: Option<String>,
}

/// When something happened, if it did. The distance to it counts both ways: a clock that was set back makes nothing
/// younger.
#[derive(Clone, Copy, Default)]
struct Moment(Option<UnixSeconds>);

impl Moment {
    fn is_within(self, seconds: u64, now: UnixSeconds) -> bool {
        self.0.is_some_and(|at| at.0.abs_diff(now.0) < seconds)
    }
}

impl std::fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteKeys").field("issuer", &self.issuer).field("place", &self.place).finish_non_exhaustive()
    }
}

impl RemoteKeys {
    pub(crate) fn new(issuer: &str, place: Place, fetcher: Fetcher, stale_seconds_max: u64) -> Self {
        let (held, turn) = (Mutex::default(), Arc::default());
        Self { issuer: issuer.to_owned(), place, fetcher, stale_seconds_max, held, turn }
    }

    async fn keys(self: &Arc<Self>, kid: Option<&str>, now: UnixSeconds) -> Result<Arc<KeySet>, Rejection> {
        if let Some(keys) = self.fresh(kid, now) {
            return Ok(keys);
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // Not if somebody else did while this caller waited.
        if self.begin(now) {
            // A task of its own, so that a caller who hangs up does not end a fetch that others need: one that is
            // counted as done and never ends would keep new keys out for as long as somebody repeats it.
            let this = Arc::clone(self);
            let fetch = tokio::spawn(async move {
                this.fetch(now).await;
                drop(turn);
            });
            if fetch.await.is_err() {
                tracing::warn!(issuer = %self.issuer, "fetching keys was cut off");
            }
        }
        let held = self.held.lock();
        let failed = || held.failure.as_deref().unwrap_or("fetched keys are too old");
        let usable = FRESH_SECONDS.saturating_add(self.stale_seconds_max);
        match &held.keys {
            Some(keys) if held.fetched.is_within(usable, now) => {
                if keys.lacks(kid)
                    && let Some(failure) = &held.failure
                {
                    // It may well be a new key that could not be fetched.
                    return Err(Rejection::new(Reason::Unavailable, format!("a key that is not known, and {failure}")));
                }
                Ok(Arc::clone(keys))
            }
            _ => Err(Rejection::new(Reason::Unavailable, format!("no keys of issuer {}: {}", self.issuer, failed()))),
        }
    }

    /// The keys, if there is no reason to ask for newer ones.
    fn fresh(&self, kid: Option<&str>, now: UnixSeconds) -> Option<Arc<KeySet>> {
        let held = self.held.lock();
        let fresh = held.fetched.is_within(FRESH_SECONDS, now);
        held.keys.as_ref().filter(|keys| fresh && !keys.lacks(kid)).map(Arc::clone)
    }

    /// Whether it is time to ask. If so, that counts as done.
    fn begin(&self, now: UnixSeconds) -> bool {
        let mut held = self.held.lock();
        let begins = !held.tried.is_within(BETWEEN_FETCHES_SECONDS, now);
        if begins {
            held.tried = Moment(Some(now));
        }
        begins
    }

    async fn fetch(&self, now: UnixSeconds) {
        let outcome = match tokio::time::timeout(FETCH_TIMEOUT, self.ask()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("the issuer's server takes longer than {} seconds", FETCH_TIMEOUT.as_secs())),
        };
        let mut held = self.held.lock();
        match outcome {
            Ok(keys) => {
                tracing::info!(issuer = %self.issuer, keys = keys.len(), "fetched a key set");
                held.keys = Some(Arc::new(keys));
                held.fetched = Moment(Some(now));
                held.failure = None;
            }
            Err(failure) => {
                tracing::warn!(issuer = %self.issuer, %failure, "an issuer's keys can't be fetched");
                held.failure = Some(failure);
            }
        }
    }

    async fn ask(&self) -> Result<KeySet, String> {
        let found;
        let location = match &self.place {
            Place::Keys(location) => location,
            Place::Discovery { document, issuer } => {
                let bytes = self.fetcher.get(document).await?;
                found = discovered(&bytes, issuer).map_err(|fault| format!("{document}: {fault}"))?;
                &found
            }
        };
        let bytes = self.fetcher.get(location).await?;
        KeySet::parse(&bytes).map_err(|fault| format!("{location}: {fault}"))
    }
}

/// The place of the keys in a discovery document, if it is this issuer's own.
fn discovered(document: &[u8], issuer: &str) -> Result<Uri, String> {
    let document = json::object(document)?;
    let text = |name: &str| document.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    if text("issuer") != issuer {
        return Err(format!("it is the document of {}, not of {issuer}", quote(text("issuer"))));
    }
    fetch::location(text("jwks_uri")).map_err(|fault| format!("its `jwks_uri`: {fault}"))
}
