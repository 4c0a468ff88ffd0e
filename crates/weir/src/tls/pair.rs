//! A certificate chain and its private key, from PEM files, checked against each other before anyone connects.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use model::Sensitive;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::provider;
use crate::state::FileError;

/// The largest file that is read as certificate or key, in bytes.
const PEM_BYTES_MAX: u64 = 1024 * 1024;

/// Loads a chain and its key. Every error names the file that is at fault.
pub fn load_pair(cert: &Path, key: &Path, now: SystemTime) -> Result<CertifiedKey, FileError> {
    let chain = chain(cert)?;
    let key_der = private_key(key)?;
    let leaf = chain.first().ok_or_else(|| FileError::new(cert, "holds no certificate", ""))?;
    let end = not_after(leaf).ok_or_else(|| FileError::new(cert, "holds no X.509 certificate that can be read", ""))?;
    if end <= seconds(now) {
        return Err(FileError::new(cert, "the certificate has expired", "get a new one from whoever issued it"));
    }
    let signer = provider().key_provider.load_private_key(key_der).map_err(|_| {
        FileError::new(key, "the key is of a kind that can't be used", "use an ECDSA P-256, P-384, Ed25519 or RSA key")
    })?;
    let certified = CertifiedKey::new(chain, signer);
    certified.keys_match().map_err(|_| {
        let what = format!("is not the key of the first certificate in {}", cert.display());
        FileError::new(key, what, "give the pair that belongs together, the server's own certificate first in its file")
    })?;
    Ok(certified)
}

/// The certificates of a file, one at least.
pub fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let bytes = read(file)?;
    let help = "it must hold certificates as PEM, \"-----BEGIN CERTIFICATE-----\"";
    let chain = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(FileError::new(file, "holds no certificate", help)),
        Err(_) => Err(FileError::new(file, "holds damaged PEM", help)),
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    let metadata = std::fs::metadata(file).map_err(|error| unreadable(file, &error))?;
    if metadata.permissions().mode() & 0o007 != 0 {
        let help = format!("run: chmod 600 {}", file.display());
        return Err(FileError::new(file, "the private key can be read by everyone on this machine", help));
    }
    let bytes = Sensitive::new(read(file)?);
    let bytes = bytes.expose();
    PrivateKeyDer::from_pem_slice(bytes).map_err(|error| match error {
        pem::Error::NoItemsFound if bytes.windows(9).any(|window| window == b"ENCRYPTED") => {
            let help = "Weir starts without anyone at hand: give it the key unencrypted, readable by its user alone";
            FileError::new(file, "the private key is encrypted", help)
        }
        pem::Error::NoItemsFound => {
            FileError::new(file, "holds no private key", "it must hold one as PEM, \"-----BEGIN PRIVATE KEY-----\"")
        }
        _ => FileError::new(file, "holds damaged PEM", "it must hold one private key as PEM"),
    })
}

fn read(file: &Path) -> Result<Vec<u8>, FileError> {
    let length = std::fs::metadata(file).map_err(|error| unreadable(file, &error))?.len();
    if length > PEM_BYTES_MAX {
        return Err(FileError::new(file, "is larger than 1 MiB, which no certificate or key is", ""));
    }
    std::fs::read(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> FileError {
    FileError::new(file, format!("can't be read: {error}"), "")
}

/// When a certificate ends, in seconds since the epoch.
pub fn not_after(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

/// A moment in seconds since the epoch; before it, 0.
pub fn seconds(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
