//! Who acts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::time::UnixSeconds;

/// A person or a workload, as one verified credential named them. Fixed for the life of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// A person or a workload.
    pub kind: PrincipalKind,
    /// Who vouches for the name. The same name from another issuer is another principal.
    pub issuer: String,
    /// The name that the issuer gives.
    pub name: String,
    /// Groups, from configuration and from the credential.
    pub groups: BTreeSet<String>,
    /// What the issuer says beside: policies read them as entity tags.
    pub claims: BTreeMap<String, Claim>,
    /// The person a workload belongs to, as a principal id.
    pub owner: Option<String>,
    /// The chain of those on whose behalf this one acts, nearest first, as principal ids.
    pub act: Vec<String>,
    /// The workflow run that the credential names.
    pub run: Option<String>,
    /// The credential that was shown.
    pub credential: CredentialId,
    /// When the credential ends, and the session with it.
    pub expires: Option<UnixSeconds>,
}

impl Principal {
    /// `issuer:name`, the id in policies, groups and logs.
    pub fn id(&self) -> String {
        format!("{}:{}", self.issuer, self.name)
    }
}

/// A person or a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A job, a service, an agent.
    Workload,
}

impl PrincipalKind {
    /// The entity type in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Workload => "Workload",
        }
    }
}

/// One claim of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// One text (numbers and booleans as their JSON text).
    One(String),
    /// A list of texts.
    Many(Vec<String>),
}

/// Names a credential without revealing it: a token's id, or an issuer's `jti`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId(pub String);

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
