//! How an issuer of signed tokens is configured, and what can be wrong with that.

use std::fmt;
use std::path::PathBuf;

use model::PrincipalKind;

use crate::condition::Condition;
use crate::names;
use crate::template::Template;
use crate::{LOCAL_ISSUER, fetch};

/// An issuer of signed tokens. Build it with [`IssuerConfig::new`] and change what the configuration says.
#[derive(Clone, Debug)]
pub struct IssuerConfig {
    /// The name in principal ids: `github` in `github:acme/nightly`.
    pub name: String,
    /// The exact `iss` of its tokens, and the place that discovery starts from.
    pub url: String,
    /// Where its public keys are.
    pub jwks: KeySource,
    /// A certificate authority (PEM) that may vouch for its servers, beside those that the system trusts.
    pub ca: Option<PathBuf>,
    /// The `aud` that its tokens must have.
    pub audience: String,
    /// Whether its tokens are of people or of workloads.
    pub kind: PrincipalKind,
    /// The name of the principal: `{repository}`.
    pub principal: Template,
    /// The id of the person a workload belongs to: `corp:{actor}@example.com`.
    pub owner: Option<Template>,
    /// Groups, each with the condition for being in it. A group may be there several times.
    pub groups: Vec<(String, Condition)>,
    /// The workflow run: `{repository}/{workflow}#{run_id}`.
    pub run: Option<Template>,
    /// The algorithms that its tokens may be signed with.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// How far its clock and ours may be apart, 60 at most.
    pub leeway_seconds: u64,
    /// How long its keys may be used when they are due to be fetched again and can't be, 24 hours at most.
    pub stale_seconds_max: u64,
}

impl IssuerConfig {
    /// How far clocks may be apart when nothing else is said.
    pub const LEEWAY_SECONDS_DEFAULT: u64 = 30;
    /// The largest distance of clocks that can be configured.
    pub const LEEWAY_SECONDS_MAX: u64 = 60;
    /// How long keys that can't be fetched again are used when nothing else is said.
    pub const STALE_SECONDS_DEFAULT: u64 = 3600;
    /// The longest such time that can be configured.
    pub const STALE_SECONDS_MAX: u64 = 24 * 3600;

    /// An issuer with keys by discovery, and everything that has a default at its default.
    pub fn new(name: &str, url: &str, audience: &str, kind: PrincipalKind, principal: Template) -> Self {
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            jwks: KeySource::Discover,
            ca: None,
            audience: audience.to_owned(),
            kind,
            principal,
            owner: None,
            groups: Vec::new(),
            run: None,
            algorithms: SignatureAlgorithm::DEFAULT.to_vec(),
            leeway_seconds: Self::LEEWAY_SECONDS_DEFAULT,
            stale_seconds_max: Self::STALE_SECONDS_DEFAULT,
        }
    }

    /// All that is wrong with it, as far as that shows without asking anybody.
    pub fn problems(&self) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        let mut problem = |key, message: String| problems.push(ConfigProblem::of_issuer(&self.name, key, message));
        if !names::is_issuer(&self.name) {
            problem(
                "",
                "an issuer's name is made of lower-case letters, digits, `-` and `_`, a letter first".to_owned(),
            );
        }
        if self.name == LOCAL_ISSUER {
            problem("", format!("`{LOCAL_ISSUER}` is the issuer of Weir's own tokens; choose another name"));
        }
        if self.url.is_empty() {
            problem("url", "it is empty; it must be the exact `iss` of the issuer's tokens".to_owned());
        }
        let location = match &self.jwks {
            KeySource::File(_) => Ok(()),
            KeySource::Url(url) => fetch::location(url).map(drop),
            KeySource::Discover => fetch::location(&self.url).map(drop),
        };
        if let Err(fault) = location {
            problem(if self.jwks == KeySource::Discover { "url" } else { "jwks" }, fault);
        }
        if self.audience.is_empty() {
            problem(
                "audience",
                "it is empty; give a text that no other service uses, such as weir-acme-prod".to_owned(),
            );
        }
        if self.principal.is_constant() {
            let message = "it names no claim, so all tokens would be the same principal; write {sub} or another claim";
            problem("principal", message.to_owned());
        }
        if let Some(owner) = &self.owner {
            let issuer = owner.head().split_once(':').map(|(issuer, _)| issuer);
            if !issuer.is_some_and(names::is_issuer) {
                let message =
                    "it must begin with the owner's issuer, so that no claim can choose it: corp:{actor}@example.com";
                problem("owner", message.to_owned());
            }
        }
        for (group, _) in &self.groups {
            if let Some(fault) = names::fault(group, names::GROUP_BYTES_MAX) {
                problem("groups", format!("the group {} {fault}", names::quote(group)));
            }
        }
        if self.algorithms.is_empty() {
            problem(
                "algorithms",
                format!("it is empty; leave it out for {}", SignatureAlgorithm::list(&SignatureAlgorithm::DEFAULT)),
            );
        }
        if self.leeway_seconds > Self::LEEWAY_SECONDS_MAX {
            problem(
                "leeway_seconds",
                format!("it is {}, and {} at most is possible", self.leeway_seconds, Self::LEEWAY_SECONDS_MAX),
            );
        }
        if self.stale_seconds_max > Self::STALE_SECONDS_MAX {
            problem(
                "stale_seconds_max",
                format!("it is {}, and {} at most is possible", self.stale_seconds_max, Self::STALE_SECONDS_MAX),
            );
        }
        problems
    }
}

/// Where an issuer's public keys (JWKS) are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// In this file, read again whenever it changes.
    File(PathBuf),
    /// At this address: `https`, or `http` to this machine.
    Url(String),
    /// Where `<url>/.well-known/openid-configuration` says.
    Discover,
}

/// An algorithm that a token may be signed with. There is none without a key pair: whoever can check could sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureAlgorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// RSA, PKCS #1 v1.5, SHA-384.
    Rs384,
    /// RSA, PKCS #1 v1.5, SHA-512.
    Rs512,
    /// RSA, PSS, SHA-256.
    Ps256,
    /// RSA, PSS, SHA-384.
    Ps384,
    /// RSA, PSS, SHA-512.
    Ps512,
    /// ECDSA, P-256, SHA-256.
    Es256,
    /// ECDSA, P-384, SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl SignatureAlgorithm {
    /// What an issuer may use when nothing else is configured.
    pub const DEFAULT: [Self; 4] = [Self::Rs256, Self::Es256, Self::EdDsa, Self::Ps256];

    const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// By its name in tokens (`RS256`), or what names there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name);
        found.ok_or_else(|| format!("{} is none of {}", names::quote(name), Self::list(&Self::ALL)))
    }

    /// Its name in tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    fn list(algorithms: &[Self]) -> String {
        algorithms.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Something in the configuration that can't be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The table it is in: `issuers.github`, `groups`.
    pub table: String,
    /// The key in that table, empty for the table itself.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl ConfigProblem {
    pub(crate) fn of_issuer(name: &str, key: &str, message: String) -> Self {
        Self { table: format!("issuers.{name}"), key: key.to_owned(), message }
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.key.is_empty() { "" } else { "." };
        write!(f, "{}{dot}{}: {}", self.table, self.key, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(change: impl FnOnce(&mut IssuerConfig)) -> Vec<String> {
        let url = "https://token.actions.githubusercontent.com";
        let principal = Template::parse("{repository}").unwrap();
        let mut config = IssuerConfig::new("github", url, "weir-acme-prod", PrincipalKind::Workload, principal);
        change(&mut config);
        config.problems().iter().map(ConfigProblem::to_string).collect()
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        assert_eq!(problems(|_| ()), Vec::<String>::new());
        assert_eq!(problems(|config| config.owner = Some(Template::parse("corp:{actor}@x").unwrap())).len(), 0);
        assert_eq!(problems(|config| config.owner = Some(Template::parse("Corp Inc:{actor}").unwrap())).len(), 1);
        let said = problems(|config| {
            config.url = "http://issuer.example.com".to_owned();
            config.audience.clear();
            config.principal = Template::parse("ci").unwrap();
            config.owner = Some(Template::parse("{org}:{actor}").unwrap());
            config.groups = vec![("a\n".to_owned(), Condition::parse("a == 'b'").unwrap())];
            config.algorithms.clear();
            config.leeway_seconds = 61;
            config.stale_seconds_max = 86_401;
        });
        let keys =
            ["url", "audience", "principal", "owner", "groups", "algorithms", "leeway_seconds", "stale_seconds_max"];
        assert_eq!(said.len(), keys.len(), "{said:#?}");
        for (said, key) in said.iter().zip(keys) {
            assert!(said.starts_with(&format!("issuers.github.{key}: ")), "{said}");
        }
    }

    #[test]
    fn local_is_nobody_elses_name() {
        assert!(problems(|config| config.name = "local".to_owned())[0].contains("Weir's own"));
        assert!(problems(|config| config.name = "Git:Hub".to_owned())[0].contains("lower-case"));
    }

    #[test]
    fn no_algorithm_without_a_key_pair_has_a_name() {
        for name in ["none", "None", "HS256", "HS384", "HS512", "rs256", ""] {
            assert!(SignatureAlgorithm::parse(name).is_err(), "{name} was accepted");
        }
        for algorithm in SignatureAlgorithm::ALL {
            assert_eq!(SignatureAlgorithm::parse(algorithm.as_str()), Ok(algorithm));
        }
    }
}
