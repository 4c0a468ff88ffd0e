//! An issuer's public keys, as it publishes them (RFC 7517), reduced to those that may check a signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use crate::config::SignatureAlgorithm;
use crate::json;
use crate::names::quote;
use crate::rejection::{Reason, Rejection};

/// Real sets have fewer than ten keys.
const KEYS_MAX: usize = 100;
/// The longest name of a key, in bytes.
pub(crate) const KID_BYTES_MAX: usize = 256;
/// RSA with less is not safe any more, in bytes (2048 bits), and with more it costs too much to check (8192 bits).
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// The keys of one issuer at one time.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<Key>);

#[derive(Debug)]
struct Key {
    kid: Option<String>,
    kind: KeyKind,
    /// The one algorithm it is for, where the issuer says so.
    only: Option<SignatureAlgorithm>,
    key: DecodingKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl KeySet {
    /// Reads a key set. Keys for other purposes and of unknown kinds are left out, as the RFC wants; a set in which two
    /// keys share a name, or which breaks its format, is refused whole.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document = json::object(bytes)?;
        let Some(Value::Array(listed)) = document.get("keys") else {
            return Err("a key set needs a list `keys`".to_owned());
        };
        if listed.len() > KEYS_MAX {
            return Err(format!("more than {KEYS_MAX} keys"));
        }
        let mut keys: Vec<Key> = Vec::new();
        for value in listed {
            let Value::Object(members) = value else { return Err("a key that is not an object".to_owned()) };
            let kid = text(members, "kid")?;
            if kid.is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
                return Err(format!("a `kid` longer than {KID_BYTES_MAX} bytes"));
            }
            if !is_for_signatures(members)? {
                continue;
            }
            let (kind, only, key) = match read(members) {
                Ok(read) => read,
                Err(fault) => {
                    tracing::warn!(kid, fault, "a key of an issuer is left out");
                    continue;
                }
            };
            if keys.iter().any(|other| other.kid.as_deref() == kid) {
                return Err(kid.map_or("two keys without a `kid`".to_owned(), |kid| {
                    format!("two keys have the `kid` {}", quote(kid))
                }));
            }
            keys.push(Key { kid: kid.map(str::to_owned), kind, only, key });
        }
        if keys.is_empty() { Err("no key that can check signatures".to_owned()) } else { Ok(Self(keys)) }
    }

    /// The number of keys.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it would help to look for a newer set: there is no key of this name.
    pub(crate) fn lacks(&self, kid: Option<&str>) -> bool {
        kid.is_some_and(|kid| !self.0.iter().any(|key| key.kid.as_deref() == Some(kid)))
    }

    /// Checks a signature with the key of this name. Without a name there must be one key only.
    pub(crate) fn check(
        &self,
        kid: Option<&str>,
        algorithm: SignatureAlgorithm,
        message: &str,
        signature: &str,
    ) -> Result<(), Rejection> {
        let key = match (kid, self.0.as_slice()) {
            (None, [only]) => only,
            (None, _) => {
                return Err(Rejection::new(Reason::UnknownKey, "no `kid`, and the issuer has several keys"));
            }
            (Some(kid), keys) => keys
                .iter()
                .find(|key| key.kid.as_deref() == Some(kid))
                .ok_or_else(|| Rejection::new(Reason::UnknownKey, format!("the issuer has no key {}", quote(kid))))?,
        };
        let (kind, algorithm_used) = of(algorithm);
        if kind != key.kind || key.only.is_some_and(|only| only != algorithm) {
            let detail = format!("{} with a key that is for something else", algorithm.as_str());
            return Err(Rejection::new(Reason::AlgorithmNotAllowed, detail));
        }
        match jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.key, algorithm_used) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Rejection::new(Reason::BadSignature, "the signature does not fit")),
            Err(error) => Err(Rejection::new(Reason::BadSignature, format!("the signature can't be checked: {error}"))),
        }
    }
}

fn of(algorithm: SignatureAlgorithm) -> (KeyKind, Algorithm) {
    match algorithm {
        SignatureAlgorithm::Rs256 => (KeyKind::Rsa, Algorithm::RS256),
        SignatureAlgorithm::Rs384 => (KeyKind::Rsa, Algorithm::RS384),
        SignatureAlgorithm::Rs512 => (KeyKind::Rsa, Algorithm::RS512),
        SignatureAlgorithm::Ps256 => (KeyKind::Rsa, Algorithm::PS256),
        SignatureAlgorithm::Ps384 => (KeyKind::Rsa, Algorithm::PS384),
        SignatureAlgorithm::Ps512 => (KeyKind::Rsa, Algorithm::PS512),
        SignatureAlgorithm::Es256 => (KeyKind::P256, Algorithm::ES256),
        SignatureAlgorithm::Es384 => (KeyKind::P384, Algorithm::ES384),
        SignatureAlgorithm::EdDsa => (KeyKind::Ed25519, Algorithm::EdDSA),
    }
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("a key whose `{name}` is not a text")),
    }
}

/// What `use` and `key_ops` say, where they are there.
fn is_for_signatures(members: &Map<String, Value>) -> Result<bool, String> {
    let by_use = text(members, "use")?.is_none_or(|purpose| purpose == "sig");
    let by_operations = match members.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => return Err("a key whose `key_ops` is not a list".to_owned()),
    };
    Ok(by_use && by_operations)
}

/// The key itself, or why it can't be used.
fn read(members: &Map<String, Value>) -> Result<(KeyKind, Option<SignatureAlgorithm>, DecodingKey), String> {
    // Published together with its private half, a key proves nothing.
    if members.contains_key("d") {
        return Err("it is a private key: everybody who can read this set can sign with it".to_owned());
    }
    let only = text(members, "alg")?.map(SignatureAlgorithm::parse).transpose()?;
    let bytes = |name: &str| -> Result<Vec<u8>, String> {
        let text = text(members, name)?.ok_or_else(|| format!("`{name}` is missing"))?;
        URL_SAFE_NO_PAD.decode(text).map_err(|_| format!("`{name}` is not base64url"))
    };
    let of_size = |name: &str, size: usize| -> Result<Vec<u8>, String> {
        let bytes = bytes(name)?;
        if bytes.len() == size { Ok(bytes) } else { Err(format!("`{name}` is {} bytes, not {size}", bytes.len())) }
    };
    let point = |size: usize| -> Result<DecodingKey, String> {
        Ok(DecodingKey::from_ec_der(&[&[4][..], &of_size("x", size)?, &of_size("y", size)?].concat()))
    };
    let (kind, key) = match (text(members, "kty")?, text(members, "crv")?) {
        (Some("RSA"), _) => {
            let (n, e) = (bytes("n")?, bytes("e")?);
            // Some issuers write the modulus as a signed number, with a zero in front.
            let n = n.strip_prefix(&[0]).unwrap_or(&n);
            if !RSA_BYTES.contains(&n.len()) {
                return Err(format!("an RSA key of {} bits; 2048 to 8192 will do", n.len().saturating_mul(8)));
            }
            (KeyKind::Rsa, DecodingKey::from_rsa_raw_components(n, &e))
        }
        (Some("EC"), Some("P-256")) => (KeyKind::P256, point(32)?),
        (Some("EC"), Some("P-384")) => (KeyKind::P384, point(48)?),
        (Some("OKP"), Some("Ed25519")) => (KeyKind::Ed25519, DecodingKey::from_ed_der(&of_size("x", 32)?)),
        (kind, _) => return Err(format!("its kind {} is not supported", quote(kind.unwrap_or("(none)")))),
    };
    if only.is_some_and(|only| of(only).0 != kind) {
        return Err("its `alg` does not go with its `kty`".to_owned());
    }
    Ok((kind, only, key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ed(more: Value) -> Value {
        let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([7; 32])});
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    fn parse(keys: &[Value]) -> Result<usize, String> {
        KeySet::parse(json!({"keys": keys, "more": 1}).to_string().as_bytes()).map(|set| set.len())
    }

    #[test]
    fn only_keys_for_signatures_are_taken() {
        let good = ed(json!({"kid": "good", "use": "sig", "alg": "EdDSA", "key_ops": ["verify"]}));
        assert_eq!(parse(std::slice::from_ref(&good)), Ok(1));
        for other in [
            ed(json!({"kid": "x", "use": "enc"})),
            ed(json!({"kid": "x", "key_ops": ["sign"]})),
            ed(json!({"kid": "x", "alg": "ES256"})),
            ed(json!({"kid": "x", "alg": "HS256"})),
            ed(json!({"kid": "x", "d": "AAAA"})),
            ed(json!({"kid": "x", "x": "AAAA"})),
            ed(json!({"kid": "x", "x": "%"})),
            ed(json!({"kid": "x", "crv": "X25519"})),
            ed(json!({"kid": "good", "use": "enc"})), // shares a name, but not a purpose
            json!({"kid": "x", "kty": "oct", "k": "AAAA"}),
            json!({"kid": "x", "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}),
            json!({"kid": "x", "kty": "RSA", "n": URL_SAFE_NO_PAD.encode([255; 128]), "e": "AQAB"}),
            json!({"kid": "x"}),
        ] {
            assert_eq!(parse(&[good.clone(), other.clone()]), Ok(1), "{other} was taken");
            assert!(parse(&[other]).unwrap_err().contains("no key"));
        }
    }

    #[test]
    fn a_set_that_breaks_its_format_is_refused_whole() {
        for (keys, said) in [
            (vec![ed(json!({"kid": "a"})), ed(json!({"kid": "a"}))], "`a`"),
            (vec![ed(json!({})), ed(json!({}))], "without a `kid`"),
            (vec![ed(json!({"kid": 1}))], "`kid` is not a text"),
            (vec![ed(json!({"kid": "a", "use": 1}))], "`use` is not a text"),
            (vec![ed(json!({"kid": "a", "key_ops": "verify"}))], "not a list"),
            (vec![json!("key")], "not an object"),
            (vec![ed(json!({"kid": "a".repeat(257)}))], "longer than 256"),
            ((0..101).map(|n| ed(json!({"kid": n.to_string()}))).collect(), "more than 100"),
            (vec![], "no key"),
        ] {
            let error = parse(&keys).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        for text in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": [], "keys": []}"#, "<html>"] {
            assert!(KeySet::parse(text.as_bytes()).is_err(), "{text} was taken");
        }
    }
}
