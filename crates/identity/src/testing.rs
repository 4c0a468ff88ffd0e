//! Keys, tokens and an issuer's server for the tests of this crate. Tokens are put together byte by byte and signed with
//! aws-lc-rs directly, so that a fault in the library that checks them can't hide behind the same fault here.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use model::UnixSeconds;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

pub(crate) fn later(seconds: u64) -> UnixSeconds {
    UnixSeconds(NOW.0 + seconds)
}

/// A key pair of an issuer.
pub(crate) enum SigningKey {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// One RSA key for all tests, because making one takes a while.
pub(crate) static RSA: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::Rsa(Box::new(RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap())));

impl SigningKey {
    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    /// The public half, as an issuer publishes it.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self {
            Self::Rsa(key) => {
                let RsaPublicKeyComponents::<Vec<u8>> { n, e } = key.public_key().into();
                json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(e)})
            }
            Self::P256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)})
            }
            Self::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key.public_key())})
            }
        };
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token with this header and payload, as they are written, signed as the header's algorithm wants.
    pub(crate) fn sign(&self, algorithm: &str, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let encoding: &'static dyn signature::RsaEncoding = match algorithm {
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                key.sign(encoding, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
            Self::P256(key) => key.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token as a decent issuer makes it.
    pub(crate) fn token(&self, kid: &str, claims: &Value) -> String {
        let algorithm = match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        };
        let header = json!({"typ": "JWT", "alg": algorithm, "kid": kid}).to_string();
        self.sign(algorithm, &header, &claims.to_string())
    }
}

pub(crate) fn jwks(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// An issuer's web server on a free port of this machine. It ends with the runtime that it was started in.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    pages: Arc<Mutex<HashMap<String, Page>>>,
    hits: Arc<AtomicUsize>,
}

/// What a path answers.
#[derive(Clone)]
pub(crate) enum Page {
    /// 200 with this body.
    Ok(String),
    /// This status, and where it points to.
    Status(u16, String),
    /// Nothing: the request is held until the gate is opened.
    Held(Arc<tokio::sync::Semaphore>, String),
}

impl Server {
    /// Over plain HTTP.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self::new("http", listener.local_addr().unwrap());
        let this = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(this.clone().serve(TokioIo::new(stream)));
            }
        });
        server
    }

    /// Over TLS with a certificate of a new authority, which is returned in PEM.
    pub(crate) async fn start_tls() -> (Self, String) {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned()];
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self::new("https", listener.local_addr().unwrap());
        let this = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (this, acceptor) = (this.clone(), acceptor.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        this.serve(TokioIo::new(stream)).await;
                    }
                });
            }
        });
        (server, authority.pem())
    }

    fn new(scheme: &str, address: SocketAddr) -> Self {
        Self { url: format!("{scheme}://{address}"), pages: Arc::default(), hits: Arc::default() }
    }

    async fn serve<S: hyper::rt::Read + hyper::rt::Write + Unpin>(self, stream: S) {
        let answer = |request: Request<hyper::body::Incoming>| {
            self.hits.fetch_add(1, Ordering::SeqCst);
            let page = self.pages.lock().get(request.uri().path()).cloned();
            async move {
                let (status, location, body) = match page {
                    None => (404, None, String::new()),
                    Some(Page::Ok(body)) => (200, None, body),
                    Some(Page::Status(status, location)) => (status, Some(location), String::new()),
                    Some(Page::Held(gate, body)) => {
                        gate.acquire().await.unwrap().forget();
                        (200, None, body)
                    }
                };
                let mut response = Response::builder().status(status);
                if let Some(location) = location {
                    response = response.header("location", location);
                }
                Ok::<_, Infallible>(response.body(Full::new(Bytes::from(body))).unwrap())
            }
        };
        // A caller that hangs up is not this server's fault.
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service_fn(answer)).await;
    }

    pub(crate) fn put(&self, path: &str, page: Page) {
        self.pages.lock().insert(path.to_owned(), page);
    }

    pub(crate) fn put_keys(&self, keys: &[Value]) {
        self.put("/keys", Page::Ok(jwks(keys)));
    }

    /// Number of requests so far.
    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}
