//! Weir's own certificate authority and the one certificate it issues.
//!
//! ```text
//! <state>/tls/ca.key       the authority's key, 0600
//! <state>/tls/ca.pem       its certificate: ten years, may issue no further authority
//! <state>/tls/server.key   the server's key, 0600, new with each certificate
//! <state>/tls/server.pem   its certificate: 397 days at most, renewed at start when 30 days are left or names changed
//! <state>/ca.pem           a copy of tls/ca.pem, the one place to take what callers verify with
//! ```
//!
//! The authority appears whole or not at all (a folder is filled, then renamed), and is never replaced by itself: callers
//! trust it by its file, and a silent change would look to them like an attack.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use model::Sensitive;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::extensions::GeneralName;

use super::{normal, pair, provider};
use crate::state::{self, FileError};

/// In the state folder: what callers verify with.
pub const CALLERS_CA_FILE: &str = "ca.pem";

const DAY: Duration = Duration::from_hours(24);
/// Clocks of callers may be behind.
const BACKDATED: Duration = Duration::from_hours(1);
const AUTHORITY_DAYS: u32 = 3650;
/// With the hour before, below the 397 days that clients accept.
const SERVER_DAYS: u32 = 396;
const RENEW_BELOW_DAYS: u32 = 30;

/// What had to be made to have a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// All was in order.
    Nothing,
    /// A new certificate, from the same authority.
    Certificate,
    /// The authority too: callers need the new `ca.pem`.
    Authority,
}

/// Weir's own certificate, in order.
pub struct Own {
    /// The chain and its key.
    pub certified: CertifiedKey,
    /// Where the authority's certificate is, for callers.
    pub callers_ca: PathBuf,
    /// What had to be made.
    pub made: Made,
}

/// Weir's own certificate for these names, made or renewed if it has to be.
pub fn own(state: &Path, names: &BTreeSet<String>, now: SystemTime) -> Result<Own, FileError> {
    state::prepare(state)?;
    // Two that start at once would otherwise each make an authority.
    let lock_file = state.join(".tls.lock");
    let failed = |error: std::io::Error| FileError::new(&lock_file, format!("can't be locked: {error}"), "");
    let lock = File::create(&lock_file).map_err(failed)?;
    lock.lock().map_err(failed)?;

    let folder = state.join("tls");
    let mut made = Made::Nothing;
    if !folder.exists() {
        make_authority(state, &folder, now)?;
        made = Made::Authority;
    }
    let ca_pem = folder.join("ca.pem");
    let ca = authority_certificate(&ca_pem, now)?;
    let callers_ca = state.join(CALLERS_CA_FILE);
    let for_callers = fs::read(&ca_pem).map_err(|e| FileError::new(&ca_pem, format!("can't be read: {e}"), ""))?;
    if fs::read(&callers_ca).ok().as_deref() != Some(&for_callers) {
        state::write_whole(&callers_ca, &for_callers, 0o644)?;
    }
    let (cert, key) = (folder.join("server.pem"), folder.join("server.key"));
    if let Ok(certified) = pair::load_pair(&cert, &key, now)
        && is_in_order(&certified, &ca, names, now)
    {
        return Ok(Own { certified, callers_ca, made });
    }
    issue(&folder, &ca, names, now)?;
    if made == Made::Nothing {
        made = Made::Certificate;
    }
    let certified = pair::load_pair(&cert, &key, now)?;
    Ok(Own { certified, callers_ca, made })
}

fn make_authority(state: &Path, folder: &Path, now: SystemTime) -> Result<(), FileError> {
    let half = state.join(".tls.half");
    let failed = |error: std::io::Error| FileError::new(folder, format!("can't be made: {error}"), "");
    match fs::remove_dir_all(&half) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    DirBuilder::new().mode(0o700).create(&half).map_err(failed)?;
    let mut id = [0; 6];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| FileError::new(folder, "the system gives no random numbers", ""))?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("Weir CA {id}"));
    params.distinguished_name.remove(DnType::OrganizationName);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let end = now.checked_add(DAY.saturating_mul(AUTHORITY_DAYS)).unwrap_or(now);
    params.not_before = now.checked_sub(BACKDATED).unwrap_or(now).into();
    params.not_after = end.into();
    let unmade = |error: rcgen::Error| FileError::new(folder, format!("no authority could be made: {error}"), "");
    let key = new_key().map_err(unmade)?;
    let certificate = params.self_signed(&key).map_err(unmade)?;
    let key_pem = Sensitive::new(key.serialize_pem());
    state::write_whole(&half.join("ca.key"), key_pem.expose().as_bytes(), 0o600)?;
    state::write_whole(&half.join("ca.pem"), certificate.pem().as_bytes(), 0o644)?;
    fs::rename(&half, folder).map_err(failed)?;
    state::sync_folder(state).map_err(failed)
}

fn authority_certificate(file: &Path, now: SystemTime) -> Result<CertificateDer<'static>, FileError> {
    let remake = "restore it from a backup; or remove the folder that it is in to make a new authority at the next start, \
                  and give its ca.pem to all callers";
    let ca = pair::chain(file)
        .map_err(|error| FileError::new(&error.file, error.what, remake))?
        .into_iter()
        .next()
        .ok_or_else(|| FileError::new(file, "holds no certificate", remake))?;
    match pair::not_after(&ca) {
        None => Err(FileError::new(file, "holds no X.509 certificate that can be read", remake)),
        Some(end) if end <= pair::seconds(now) => Err(FileError::new(file, "Weir's own authority has expired", remake)),
        Some(_) => Ok(ca),
    }
}

/// Whether callers who verify everything would accept it for every name, and for long enough.
fn is_in_order(certified: &CertifiedKey, ca: &CertificateDer<'_>, names: &BTreeSet<String>, now: SystemTime) -> bool {
    let Ok(leaf) = certified.end_entity_cert() else { return false };
    let margin = i64::from(RENEW_BELOW_DAYS).saturating_mul(24 * 3600);
    let stays = pair::not_after(leaf).is_some_and(|end| end.saturating_sub(margin) > pair::seconds(now));
    stays && alternative_names(leaf).as_ref() == Some(names) && is_accepted(leaf, ca, names, now)
}

fn is_accepted(leaf: &CertificateDer<'_>, ca: &CertificateDer<'_>, names: &BTreeSet<String>, now: SystemTime) -> bool {
    let mut roots = RootCertStore::empty();
    if roots.add(ca.clone().into_owned()).is_err() {
        return false;
    }
    let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build() else {
        return false;
    };
    let at = UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
    names.iter().all(|name| {
        ServerName::try_from(name.as_str())
            .is_ok_and(|name| verifier.verify_server_cert(leaf, &[], &name, &[], at).is_ok())
    })
}

fn alternative_names(leaf: &CertificateDer<'_>) -> Option<BTreeSet<String>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(leaf).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(normal(name)),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    };
    names.value.general_names.iter().map(name).collect()
}

fn issue(folder: &Path, ca: &CertificateDer<'_>, names: &BTreeSet<String>, now: SystemTime) -> Result<(), FileError> {
    let ca_key_file = folder.join("ca.key");
    let help = "restore it from a backup; or remove the folder that it is in to make a new authority at the next start";
    let ca_key = fs::read_to_string(&ca_key_file)
        .map_err(|error| FileError::new(&ca_key_file, format!("can't be read: {error}"), help))?;
    let ca_key = Sensitive::new(ca_key);
    let ca_key = KeyPair::from_pem(ca_key.expose())
        .map_err(|_| FileError::new(&ca_key_file, "holds no private key that can be used", help))?;
    let (_, parsed) = x509_parser::parse_x509_certificate(ca)
        .map_err(|_| FileError::new(&folder.join("ca.pem"), "holds no X.509 certificate that can be read", help))?;
    if parsed.public_key().subject_public_key.data.as_ref() != ca_key.public_key_raw() {
        return Err(FileError::new(&ca_key_file, "is not the key of the authority's certificate beside it", help));
    }

    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Weir");
    params.subject_alt_names = names.iter().filter_map(|name| alternative_name(name)).collect();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let ca_end = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or_default();
    let ca_end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(ca_end)).unwrap_or(now);
    let end = now.checked_add(DAY.saturating_mul(SERVER_DAYS)).unwrap_or(now).min(ca_end);
    params.not_before = now.checked_sub(BACKDATED).unwrap_or(now).into();
    params.not_after = end.into();
    let server_pem = folder.join("server.pem");
    let unmade =
        |error: rcgen::Error| FileError::new(&server_pem, format!("no certificate could be made: {error}"), "");
    let key = new_key().map_err(unmade)?;
    let issuer = Issuer::from_ca_cert_der(ca, ca_key).map_err(unmade)?;
    let certificate = params.signed_by(&key, &issuer).map_err(unmade)?;
    // A crash between the two leaves a pair that does not match, which the next start replaces.
    let key_pem = Sensitive::new(key.serialize_pem());
    state::write_whole(&folder.join("server.key"), key_pem.expose().as_bytes(), 0o600)?;
    state::write_whole(&server_pem, certificate.pem().as_bytes(), 0o644)
}

fn new_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}

fn alternative_name(name: &str) -> Option<SanType> {
    match name.parse::<IpAddr>() {
        Ok(ip) => Some(SanType::IpAddress(ip)),
        Err(_) => name.try_into().ok().map(SanType::DnsName),
    }
}
