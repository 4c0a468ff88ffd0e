//! Fetching a small document from an issuer: one GET, no redirects, nothing kept between fetches.
//!
//! What comes back decides who may sign tokens, so the way there must be sure: `https` with certificates checked, or
//! `http` to this very machine.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, StatusCode, Uri, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

/// The largest document that is read. Real key sets are a few KiB.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// A client for the documents of one issuer.
pub(crate) struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Fetcher {
    /// A client that trusts these roots.
    pub(crate) fn new(roots: RootCertStore) -> Result<Self, String> {
        // The provider is named here, so that it does not depend on what else the process has installed.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        // An idle connection would belong to the runtime that opened it; fetches come from any, and are rare.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self { client })
    }

    /// The document at an address that [`location`] has accepted.
    pub(crate) async fn get(&self, location: &Uri) -> Result<Bytes, String> {
        let request = Request::get(location.clone())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, "weir")
            .body(Empty::new())
            .map_err(|error| format!("{location}: {error}"))?;
        let response = self.client.request(request).await.map_err(|error| format!("{location}: {}", chain(&error)))?;
        if response.status() != StatusCode::OK {
            return Err(format!("{location}: the server answers {}, and only 200 OK will do", response.status()));
        }
        let body = Limited::new(response.into_body(), DOCUMENT_BYTES_MAX).collect().await;
        body.map(|body| body.to_bytes()).map_err(|error| format!("{location}: {}", chain(&*error)))
    }
}

/// An address that may be fetched from, or why not.
pub(crate) fn location(text: &str) -> Result<Uri, String> {
    let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
    let this_machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if this_machine => {}
        "http" => {
            return Err(
                "keys over plain http could be anybody's; use https (http works to this machine only)".to_owned()
            );
        }
        other => return Err(format!("`{other}` is not a way to fetch keys; use https")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with a user name or password is not supported".to_owned());
    }
    if url.fragment().is_some() {
        return Err("a URL with `#` is not an address of a document".to_owned());
    }
    url.as_str().parse().map_err(|error| format!("not a URL: {error}"))
}

/// The certificate authorities that the system trusts.
pub(crate) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate authority of the system can't be read");
    }
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!("the system trusts no certificate authority: key sets by https need a `ca`");
    }
    roots
}

/// These roots and those in a PEM file.
pub(crate) fn with_ca(mut roots: RootCertStore, ca: &Path) -> Result<RootCertStore, String> {
    let unreadable = |error: &dyn std::fmt::Display| format!("{}: {error}", ca.display());
    let mut count = 0_usize;
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
        count = count.saturating_add(1);
    }
    if count == 0 { Err(unreadable(&"it holds no certificate in PEM")) } else { Ok(roots) }
}

/// An error and all that it came from.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sure_ways_are_taken() {
        for good in [
            "https://token.actions.githubusercontent.com/.well-known/jwks",
            "https://issuer.example.com:8443/keys?v=1",
            "http://127.0.0.1:8080/keys",
            "http://127.9.9.9/keys",
            "http://[::1]:8080/keys",
            "http://localhost/keys",
        ] {
            assert!(location(good).is_ok(), "{good} was refused");
        }
        for bad in [
            "",
            "keys.json",
            "http://issuer.example.com/keys",
            "http://localhost.example.com/keys",
            "http://127.0.0.1.example.com/keys",
            "http://169.254.169.254/keys",
            "http://[::ffff:127.0.0.1]/keys",
            "http://0.0.0.0/keys",
            "ftp://127.0.0.1/keys",
            "file:///etc/passwd",
            "https://user:pass@example.com/keys",
            "https://example.com/keys#x",
            "https://",
        ] {
            assert!(location(bad).is_err(), "{bad} was accepted");
        }
    }
}
