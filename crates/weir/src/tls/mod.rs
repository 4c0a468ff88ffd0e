//! What callers see of Weir when they come in over TLS: a given certificate, or one from Weir's own authority.
//!
//! Not the way to targets: their protocols own that.

mod authority;
mod pair;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::ServerName;

pub use authority::{CALLERS_CA_FILE, Made, own};
pub use pair::load_pair;

use crate::config::Config;
use crate::state::FileError;

/// The protocol's name in ALPN. A client that asks for another one talks to the wrong port, and is refused.
const ALPN_POSTGRESQL: &[u8] = b"postgresql";

/// Ready to accept callers.
pub struct ServerTls {
    /// For the acceptor.
    pub config: Arc<ServerConfig>,
    /// The certificate that callers see, in DER.
    pub certificate: Option<Vec<u8>>,
    /// The authority's certificate that callers verify with (`sslrootcert`); `None` for a given pair, whose owner knows.
    pub callers_ca: Option<PathBuf>,
    /// What had to be made on the way.
    pub made: Made,
}

/// The longest TLS record that callers are sent, without its head. libpq makes room for this much before it reads, and takes
/// what is left of a longer record only with the next one: programs that wait for the socket themselves (psycopg, pg,
/// pg_basebackup) then wait for ever. PostgreSQL's own records are no longer.
const RECORD_BYTES_MAX: usize = 8192;
/// What rustls counts to a record's size beside its text.
const RECORD_HEAD_BYTES: usize = 5;

/// Loads the configured pair, or keeps Weir's own certificate in order, making the authority on first start.
pub fn server(config: &Config, now: SystemTime) -> Result<ServerTls, FileError> {
    let (certified, callers_ca, made) = match &config.tls.pair {
        Some(pair) => (load_pair(&pair.cert, &pair.key, now)?, None, Made::Nothing),
        None => {
            let own = own(&config.state, &own_names(config), now)?;
            (own.certified, Some(own.callers_ca), own.made)
        }
    };
    let certificate = certified.cert.first().map(|certificate| certificate.to_vec());
    let mut tls = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| FileError::new(&config.file, format!("TLS can't be set up: {error}"), ""))?
        .with_client_cert_verifier(callers(config)?)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    tls.alpn_protocols = vec![ALPN_POSTGRESQL.to_vec()];
    // No client of PostgreSQL resumes a session, and PostgreSQL lets none: tickets would be work and memory for nobody.
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    tls.max_fragment_size = Some(RECORD_BYTES_MAX + RECORD_HEAD_BYTES);
    Ok(ServerTls { config: Arc::new(tls), certificate, callers_ca, made })
}

/// Who may vouch for callers' certificates. A caller without one is as welcome; one with a strange one is not.
fn callers(config: &Config) -> Result<Arc<dyn ClientCertVerifier>, FileError> {
    let mut roots = RootCertStore::empty();
    for authority in &config.certificates {
        for certificate in pair::chain(&authority.ca)? {
            roots.add(certificate).map_err(|error| FileError::new(&authority.ca, error.to_string(), ""))?;
        }
    }
    if roots.is_empty() {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()
        .map_err(|error| FileError::new(&config.file, format!("client certificates can't be checked: {error}"), ""))
}

/// The one provider of cryptography. It is always named: a process-wide default would depend on who came first.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The names of the certificate that Weir makes: this machine's, the listener's, and the configured ones.
pub fn own_names(config: &Config) -> BTreeSet<String> {
    let listener = config.listen.postgres.map(|address| address.ip());
    names(listener, host_name().as_deref(), &config.tls.names)
}

fn names(listener: Option<IpAddr>, host: Option<&str>, more: &[String]) -> BTreeSet<String> {
    let listener = listener.filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string());
    let fixed = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let all = fixed.into_iter().chain(listener).chain(host.map(str::to_owned)).chain(more.iter().cloned());
    // What is no name in a certificate (a host called `my_host!`) is left out; configured names were checked already.
    all.map(|name| normal(&name)).filter(|name| ServerName::try_from(name.as_str()).is_ok()).collect()
}

/// A name as it is compared: addresses in their shortest form, DNS names in lower case without the final dot.
fn normal(name: &str) -> String {
    match name.parse::<IpAddr>() {
        Ok(ip) => ip.to_string(),
        Err(_) => name.trim_end_matches('.').to_ascii_lowercase(),
    }
}

/// The machine's name, as far as files tell it.
fn host_name() -> Option<String> {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|file| std::fs::read_to_string(file).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
}
