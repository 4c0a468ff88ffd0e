//! The front: any credential in, a principal or a rejection out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Principal, UnixSeconds};

use crate::certificates::Certificates;
use crate::challenge::ScramUse;
use crate::config::ConfigProblem;
use crate::issuers::Issuers;
use crate::rejection::{Reason, Rejection};
use crate::token_file::TokenFile;
use crate::{LOCAL_ISSUER, jwt, names, token};

/// Everybody whom Weir can know: bearers of its own tokens and of configured issuers' tokens, and the groups that the
/// configuration puts them in. One serves all threads and runtimes of a process.
#[derive(Debug)]
pub struct Directory {
    tokens: TokenFile,
    issuers: Issuers,
    certificates: Certificates,
    /// The configured groups of each principal id.
    groups: HashMap<String, BTreeSet<String>>,
    scram: ScramUse,
}

impl Directory {
    /// Puts the sources together with the configured groups (name to principal ids), or says all that is wrong with those.
    pub fn new(
        tokens: TokenFile,
        issuers: Issuers,
        certificates: Certificates,
        groups: BTreeMap<String, Vec<String>>,
    ) -> Result<Self, Vec<ConfigProblem>> {
        let mut problems = Vec::new();
        let mut taken = BTreeSet::new();
        for name in issuers.names().chain(certificates.names()) {
            if !taken.insert(name.to_owned()) {
                let message = "there is an issuer of this name; ids would not tell them apart".to_owned();
                problems.push(ConfigProblem { table: format!("certificates.{name}"), key: String::new(), message });
            }
        }
        let mut by_member: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (group, members) in groups {
            let mut problem = |message| {
                problems.push(ConfigProblem { table: "groups".to_owned(), key: group.clone(), message });
            };
            if let Some(fault) = names::fault(&group, names::GROUP_BYTES_MAX) {
                problem(format!("the group's name {fault}"));
            }
            for member in members {
                let issuer = member.split_once(':').map(|(issuer, _)| issuer).unwrap_or_default();
                let known = |name: &str| issuers.names().chain(certificates.names()).any(|known| known == name);
                if let Some(fault) = names::id_fault(&member) {
                    problem(format!("{} {fault}", names::quote(&member)));
                } else if issuer != LOCAL_ISSUER && !known(issuer) {
                    problem(format!("{} is of an issuer that is not configured", names::quote(&member)));
                } else {
                    by_member.entry(member).or_default().insert(group.clone());
                }
            }
        }
        let scram = ScramUse::default();
        if problems.is_empty() {
            Ok(Self { tokens, issuers, certificates, groups: by_member, scram })
        } else {
            Err(problems)
        }
    }

    /// Asks these for a proof by SCRAM.
    #[must_use]
    pub fn with_scram(mut self, scram: ScramUse) -> Self {
        self.scram = scram;
        self
    }

    /// Who shows this credential. Must run inside a tokio runtime with time and network, because keys may be fetched.
    pub async fn verify(&self, secret: &str, now: UnixSeconds) -> Result<Principal, Rejection> {
        let principal = if secret.starts_with(token::PREFIX) {
            self.tokens.verify(secret, now)?
        } else if jwt::is_alike(secret) {
            self.issuers.verify(secret, now).await?
        } else {
            return Err(Rejection::new(Reason::Malformed, "neither a token of Weir's nor a signed token"));
        };
        Ok(self.in_groups(principal))
    }

    /// The principal with the groups that the configuration puts it in.
    pub(crate) fn in_groups(&self, mut principal: Principal) -> Principal {
        if let Some(groups) = self.groups.get(&principal.id()) {
            principal.groups.extend(groups.iter().cloned());
        }
        principal
    }

    pub(crate) fn scram_use(&self) -> ScramUse {
        self.scram
    }

    pub(crate) fn is_issuer(&self, name: &str) -> bool {
        self.issuers.names().any(|issuer| issuer == name)
    }

    /// Whom a certificate names that was proved in TLS.
    pub fn certificate(&self, chain: &[&[u8]], now: UnixSeconds) -> Result<Principal, Rejection> {
        self.certificates.verify(chain, now).map(|principal| self.in_groups(principal))
    }

    /// Whether a session of this principal may go on: its credential has not expired and was not revoked. A signed token
    /// can't be revoked here; it lives until it expires.
    pub fn is_live(&self, principal: &Principal, now: UnixSeconds) -> bool {
        let in_time = principal.expires.is_none_or(|expires| now < expires);
        let in_force = match self.certificates.is_live(principal) {
            Some(in_force) => in_force,
            None => principal.issuer != LOCAL_ISSUER || self.tokens.is_live(&principal.credential, now),
        };
        in_time && in_force
    }

    /// Weir's own tokens.
    pub fn tokens(&self) -> &TokenFile {
        &self.tokens
    }
}

#[cfg(test)]
mod tests;
