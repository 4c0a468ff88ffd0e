//! Who may vouch for a receiver.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// TLS towards a receiver that one of these vouches for: those in a PEM file, or those that the system trusts.
pub(crate) fn client_config(ca: Option<&Path>) -> Result<ClientConfig, String> {
    let roots = match ca {
        Some(ca) => roots_in(ca).map_err(|what| format!("{}: {what}", ca.display()))?,
        None => system_roots()?,
    };
    of(roots)
}

/// TLS towards nobody.
pub(crate) fn nobody() -> Result<ClientConfig, String> {
    of(RootCertStore::empty())
}

fn of(roots: RootCertStore) -> Result<ClientConfig, String> {
    // The provider is named here, so that it does not depend on what else the process has installed.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn roots_in(ca: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it holds no certificate in PEM".to_owned()) } else { Ok(roots) }
}

fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err("the system trusts no certificate authority; name one with `ca`".to_owned());
    }
    Ok(roots)
}
