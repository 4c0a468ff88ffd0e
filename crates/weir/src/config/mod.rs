//! `weir.toml` as plain data, and everything that is wrong with it at once.
//!
//! A configuration that loads is complete and consistent: nothing reads it again, asks for defaults or finds a bad value
//! later. It holds no secret, only where each is kept. What a key does is described in `docs/configuration.md`; a key
//! that nothing enforces is not accepted.

mod address;
mod alerts;
mod certificate;
mod detection;
mod evidence;
mod export;
mod issuer;
mod postgres;
mod problem;
mod read;
mod reader;
mod secret;
mod suggest;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use address::Address;
pub use alerts::Alerts;
pub use detection::{Detection, Kind};
pub use evidence::Evidence;
pub use export::{Export, ExportTo};
pub use identity::{LOCAL_ISSUER, ScramUse};
pub use postgres::PostgresTarget;
pub use problem::Problem;
use protocol_postgres::LoginLimits;
pub use suggest::nearest;

/// The largest configuration that is read, in bytes: far more than anyone writes by hand.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A whole `weir.toml`.
#[derive(Debug)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// The folder of keys, tokens and evidence.
    pub state: PathBuf,
    /// The folder of `*.cedar` files.
    pub policies: PathBuf,
    /// How sure a record is before its statement goes on.
    pub durability: Durability,
    /// How many threads serve sessions.
    pub workers: usize,
    /// Where callers come in.
    pub listen: Listen,
    /// How Weir shows who it is.
    pub tls: Tls,
    /// The targets, by name.
    pub targets: BTreeMap<String, PostgresTarget>,
    /// Who may vouch for callers, beside Weir itself.
    pub issuers: Vec<identity::IssuerConfig>,
    /// Who may vouch for callers' certificates.
    pub certificates: Vec<identity::CertificateConfig>,
    /// Groups and the ids (`issuer:name`) of their members.
    pub groups: BTreeMap<String, BTreeSet<String>>,
    /// Which kinds of sensitive data are looked for.
    pub detection: Detection,
    /// What is kept of what happened.
    pub evidence: Evidence,
    /// When somebody should look.
    pub alerts: Alerts,
    /// Where the log goes as it grows.
    pub exports: Vec<Export>,
}

/// How sure a record is before its statement goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Handed to the operating system: survives a killed process.
    Written,
    /// On the disk: survives a power cut.
    Synced,
}

/// Where callers come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// For PostgreSQL targets; set if there is one.
    pub postgres: Option<SocketAddr>,
    /// For whoever watches: health and metrics.
    pub api: Option<SocketAddr>,
    /// How many may be logging in, and how long.
    pub logins: LoginLimits,
    /// Who is asked for a proof by SCRAM.
    pub scram: ScramUse,
}

/// How Weir shows who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// A certificate and key of the user's; without one Weir makes its own.
    pub pair: Option<TlsPair>,
    /// More DNS names and addresses for the certificate that Weir makes.
    pub names: Vec<String>,
}

/// A certificate chain and its key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsPair {
    /// The chain, the server's own certificate first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Config {
    /// Reads a configuration for commands that serve nobody: the files it names are not looked at.
    /// Gives the warnings with it, or all errors and warnings.
    pub fn load(file: &Path) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        Self::read(file, false)
    }

    /// Reads a configuration to serve with, or to check: the files and environment variables it names are looked at too.
    pub fn load_and_look(file: &Path) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        Self::read(file, true)
    }

    /// Reads a configuration that is not written yet.
    pub fn parse(file: &Path, text: &str) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        read::config(file, text, false)
    }

    fn read(file: &Path, look: bool) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let text = text_of(file)?;
        read::config(file, &text, look)
    }

    /// Every group that a policy or a token can name: those of `[groups]`, and those that issuers give.
    pub fn group_names(&self) -> BTreeSet<&str> {
        let of_certificates = self.certificates.iter().flat_map(|authority| &authority.groups);
        let given = self.issuers.iter().flat_map(|issuer| &issuer.groups).chain(of_certificates);
        let given = given.map(|(name, _)| name.as_str());
        self.groups.keys().map(String::as_str).chain(given).collect()
    }
}

fn text_of(file: &Path) -> Result<String, Vec<Problem>> {
    let fault = |what: &str, help: &str| vec![Problem::of_file(file, what, help)];
    let metadata = std::fs::metadata(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            fault("there is no such file", "name another with --config, or make one with `weir init`")
        }
        _ => fault(&format!("can't be read: {error}"), ""),
    })?;
    if !metadata.is_file() {
        return Err(fault("is not a file", "name a weir.toml with --config"));
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(fault("is larger than 1 MiB, which no configuration is", ""));
    }
    let bytes = std::fs::read(file).map_err(|error| fault(&format!("can't be read: {error}"), ""))?;
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count();
        fault(&format!("is not UTF-8 text, from line {} on", line.saturating_add(1)), "")
    })
}
