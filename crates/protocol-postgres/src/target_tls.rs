//! TLS towards targets.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use model::Sensitive;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::target::{ClientPair, TargetTls};
use crate::wire::startup::ALPN;

/// Why there is no TLS with a target.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The CA file can't be used.
    #[error("CA file {}: {why}", .path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system has no CAs.
    #[error("the system's CA certificates cannot be read: {0}")]
    System(String),
    /// The name is neither a host name nor an address.
    #[error("\"{0}\" is neither a host name nor an address")]
    Name(String),
    /// The configuration is impossible.
    #[error("{0}")]
    Config(#[from] rustls::Error),
    /// Weir's own certificate for the target can't be used.
    #[error("client certificate, {}: {why}", .path.display())]
    Pair {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// What answers at once does not say that it speaks PostgreSQL.
    #[error("direct TLS, and the target does not agree on ALPN \"postgresql\"")]
    Alpn,
    /// The handshake failed.
    #[error("handshake: {0}")]
    Handshake(io::Error),
}

impl TargetTls {
    /// The TLS configuration; `None` for no TLS. Files are read each time, so that they can be replaced.
    pub(crate) fn client_config(&self, pair: Option<&ClientPair>) -> Result<Option<Arc<ClientConfig>>, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = match self {
            Self::Off => return Ok(None),
            Self::Require => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider))),
            Self::Verify { ca, .. } => builder.with_root_certificates(roots(ca.as_ref())?),
        };
        let mut config = match pair {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let wrong = |why: rustls::Error| TlsError::Pair { path: pair.cert.clone(), why: why.to_string() };
                let (chain, key) = own_pair(pair)?;
                builder.with_client_auth_cert(chain, key).map_err(wrong)?
            }
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Some(Arc::new(config)))
    }
}

fn own_pair(
    ClientPair { cert, key }: &ClientPair,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let wrong = |path: &PathBuf, why: String| TlsError::Pair { path: path.clone(), why };
    let pem = std::fs::read(cert).map_err(|why| wrong(cert, why.to_string()))?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|why| wrong(cert, why.to_string()))?;
    let mode = std::fs::metadata(key).map_err(|why| wrong(key, why.to_string()))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(wrong(key, "it can be read by everyone on this machine".to_owned()));
    }
    let pem = Sensitive::new(std::fs::read(key).map_err(|why| wrong(key, why.to_string()))?);
    let key_der = PrivateKeyDer::from_pem_slice(pem.expose()).map_err(|_| wrong(key, "it holds no key".to_owned()))?;
    Ok((chain, key_der))
}

fn roots(ca: Option<&PathBuf>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let wrong = |why: String| TlsError::Ca { path: path.clone(), why };
            let pem = std::fs::read(path).map_err(|why| wrong(why.to_string()))?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|why| wrong(why.to_string()))?;
                roots.add(certificate).map_err(|why| wrong(why.to_string()))?;
            }
            if roots.is_empty() {
                return Err(wrong("there is no certificate in it".to_owned()));
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let why = found.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string);
                return Err(TlsError::System(why));
            }
        }
    }
    Ok(roots)
}

/// Takes any certificate: for `tls = "require"`, which protects against listeners but not against impostors.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
