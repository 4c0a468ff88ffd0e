//! The configured issuers of signed tokens: from a token to the principal it speaks of.
//!
//! The order is: form, issuer, algorithm, key, signature, audience, time, names. What a token says about itself before its
//! signature was checked only chooses which issuer's keys to check it with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lc_rs::digest;
use model::{CredentialId, Principal, UnixSeconds};
use rustls::RootCertStore;
use serde_json::Value;

use crate::claims::Claims;
use crate::config::{ConfigProblem, IssuerConfig, KeySource, SignatureAlgorithm};
use crate::fetch::{self, Fetcher};
use crate::key_ring::{FileKeys, KeyRing, Place, RemoteKeys};
use crate::rejection::{Reason, Rejection};
use crate::{jwt, names, token};

/// The longest label of a run, in bytes.
const RUN_BYTES_MAX: usize = 512;
/// The longest chain of those who act for each other. Real ones have one or two links.
const ACT_MAX: usize = 8;

/// The issuers of signed tokens, by their `iss`.
#[derive(Debug, Default)]
pub struct Issuers(BTreeMap<String, Issuer>);

#[derive(Debug)]
struct Issuer {
    config: IssuerConfig,
    keys: KeyRing,
}

impl Issuers {
    /// The issuers of a configuration, or all that is wrong with it. Nothing is fetched yet; key files are read once, to
    /// say now what would be wrong with them later.
    pub fn new(configs: Vec<IssuerConfig>) -> Result<Self, Vec<ConfigProblem>> {
        let mut problems: Vec<ConfigProblem> = configs.iter().flat_map(IssuerConfig::problems).collect();
        let mut names = BTreeSet::new();
        let mut issuers: BTreeMap<String, Issuer> = BTreeMap::new();
        let mut roots = None;
        for config in configs {
            let mut problem = |key, message| problems.push(ConfigProblem::of_issuer(&config.name, key, message));
            if !names.insert(config.name.clone()) {
                problem("", "another issuer has the same name".to_owned());
            }
            if let Some(other) = issuers.get(&config.url) {
                problem(
                    "url",
                    format!("issuer `{}` has the same; tokens could be taken for either's", other.config.name),
                );
                continue;
            }
            match key_ring(&config, &mut roots) {
                Ok(keys) => drop(issuers.insert(config.url.clone(), Issuer { config, keys })),
                Err((key, message)) => problem(key, message),
            }
        }
        // A fault of an address is already among the issuer's own problems.
        let mut said = BTreeSet::new();
        problems.retain(|problem| said.insert(problem.to_string()));
        if problems.is_empty() { Ok(Self(issuers)) } else { Err(problems) }
    }

    /// The names of the issuers, as principal ids begin with them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(|issuer| issuer.config.name.as_str())
    }

    /// Whom a signed token speaks of. May fetch keys, and must run inside a tokio runtime for that.
    pub async fn verify(&self, token: &str, now: UnixSeconds) -> Result<Principal, Rejection> {
        let unchecked = jwt::read(token)?;
        let Some(url) = unchecked.claims.text("iss")? else {
            return Err(Rejection::new(Reason::MissingClaim, "`iss` is missing"));
        };
        let issuer = self.0.get(url).ok_or_else(|| {
            Rejection::new(Reason::UnknownIssuer, format!("no issuer is configured for {}", names::quote(url)))
        })?;
        let config = &issuer.config;
        let of_issuer = |rejection: Rejection| Rejection {
            detail: format!("issuer {}: {}", config.name, rejection.detail),
            ..rejection
        };

        let algorithm = SignatureAlgorithm::parse(&unchecked.algorithm)
            .ok()
            .filter(|algorithm| config.algorithms.contains(algorithm))
            .ok_or_else(|| {
                let detail = format!("`alg` {} is not configured", names::quote(&unchecked.algorithm));
                of_issuer(Rejection::new(Reason::AlgorithmNotAllowed, detail))
            })?;
        let kid = unchecked.kid.as_deref();
        let keys = issuer.keys.keys(kid, now).await.map_err(of_issuer)?;
        keys.check(kid, algorithm, unchecked.message, unchecked.signature).map_err(of_issuer)?;

        jwt::check_audience(&unchecked.claims, &config.audience).map_err(of_issuer)?;
        let expires = jwt::check_time(&unchecked.claims, config.leeway_seconds, now).map_err(of_issuer)?;
        self.principal(config, &unchecked.claims, token, expires).map_err(of_issuer)
    }

    /// The principal that a checked token speaks of.
    fn principal(
        &self,
        config: &IssuerConfig,
        claims: &Claims,
        token: &str,
        expires: UnixSeconds,
    ) -> Result<Principal, Rejection> {
        let invalid = |what: &str, fault: String| Rejection::new(Reason::InvalidClaim, format!("{what} {fault}"));
        claims.text("sub")?;
        let name = config.principal.name(claims)?;
        if let Some(fault) = names::fault(&name, names::NAME_BYTES_MAX) {
            return Err(invalid("the principal's name", fault));
        }
        let owner = config.owner.as_ref().map(|owner| owner.name(claims)).transpose()?;
        if let Some(fault) = owner.as_deref().and_then(names::id_fault) {
            return Err(invalid("the owner's id", fault));
        }
        let run = config.run.as_ref().map(|run| run.label(claims)).transpose()?;
        if run.as_ref().is_some_and(|run| run.len() > RUN_BYTES_MAX) {
            return Err(invalid("the run", format!("is longer than {RUN_BYTES_MAX} bytes")));
        }
        let joined = config.groups.iter().filter(|(_, condition)| condition.holds(claims));
        Ok(Principal {
            kind: config.kind,
            issuer: config.name.clone(),
            name,
            groups: joined.map(|(group, _)| group.clone()).collect(),
            claims: claims.for_policies(),
            owner,
            act: self.act(config, claims)?,
            run,
            credential: credential(config, claims, token)?,
            expires: Some(expires),
        })
    }

    /// The chain of those who act, nearest first. A link that can't be named is a rejection: rules that keep an actor
    /// from agreeing with themselves need the whole chain.
    fn act(&self, config: &IssuerConfig, claims: &Claims) -> Result<Vec<String>, Rejection> {
        let invalid = |fault: String| Rejection::new(Reason::InvalidClaim, format!("`act` {fault}"));
        let mut chain = Vec::new();
        let mut next = claims.get("act");
        while let Some(link) = next {
            let Value::Object(members) = link else { return Err(invalid("is not an object".to_owned())) };
            let issuer = match members.get("iss") {
                None => config.name.as_str(),
                Some(Value::String(url)) => match self.0.get(url) {
                    Some(issuer) => issuer.config.name.as_str(),
                    None => {
                        return Err(invalid(format!("names an issuer that is not configured, {}", names::quote(url))));
                    }
                },
                Some(_) => return Err(invalid("has an `iss` that is not a text".to_owned())),
            };
            let Some(Value::String(name)) = members.get("sub") else {
                return Err(invalid("has no `sub`".to_owned()));
            };
            if let Some(fault) = names::fault(name, names::NAME_BYTES_MAX) {
                return Err(invalid(format!("has a `sub` that {fault}")));
            }
            chain.push(format!("{issuer}:{name}"));
            if chain.len() > ACT_MAX {
                return Err(invalid(format!("is a chain of more than {ACT_MAX}")));
            }
            next = members.get("act").filter(|inner| !inner.is_null());
        }
        Ok(chain)
    }
}

/// A name for the token that does not let anybody in: its `jti`, or the start of its hash.
fn credential(config: &IssuerConfig, claims: &Claims, token: &str) -> Result<CredentialId, Rejection> {
    let hash = || {
        let digest = digest::digest(&digest::SHA256, token.as_bytes());
        format!("sha256-{}", token::hex(digest.as_ref().get(..16).unwrap_or_default()))
    };
    let usable = claims.text("jti")?.filter(|jti| names::fault(jti, names::NAME_BYTES_MAX).is_none());
    Ok(CredentialId(format!("{}:{}", config.name, usable.map_or_else(hash, str::to_owned))))
}

/// Where the keys of an issuer come from, or the key of the configuration that is wrong about it and how.
fn key_ring(config: &IssuerConfig, roots: &mut Option<RootCertStore>) -> Result<KeyRing, (&'static str, String)> {
    let place = match &config.jwks {
        KeySource::File(path) => {
            let file = FileKeys::new(path);
            return file.keys().map(|_| KeyRing::File(file)).map_err(|fault| ("jwks", fault));
        }
        KeySource::Url(url) => Place::Keys(fetch::location(url).map_err(|fault| ("jwks", fault))?),
        KeySource::Discover => {
            fetch::location(&config.url).map_err(|fault| ("url", fault))?;
            let document = format!("{}/.well-known/openid-configuration", config.url.trim_end_matches('/'));
            let document = fetch::location(&document).map_err(|fault| ("url", fault))?;
            Place::Discovery { document, issuer: config.url.clone() }
        }
    };
    // Reading what the system trusts takes some milliseconds, and is the same for all.
    let mut roots = roots.get_or_insert_with(fetch::system_roots).clone();
    if let Some(ca) = &config.ca {
        roots = fetch::with_ca(roots, ca).map_err(|fault| ("ca", fault))?;
    }
    let fetcher = Fetcher::new(roots).map_err(|fault| ("ca", fault))?;
    Ok(KeyRing::Remote(Arc::new(RemoteKeys::new(&config.name, place, fetcher, config.stale_seconds_max))))
}

#[cfg(test)]
mod tests;
