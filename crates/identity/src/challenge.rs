//! How somebody is asked for a proof, by the name that it gives: to show a token, or to prove by SCRAM that it has one.

use gate::{Challenge, ScramChallenge, ScramCredential};
use model::{Sensitive, UnixSeconds};

use crate::LOCAL_ISSUER;
use crate::directory::Directory;
use crate::scram::ROUNDS;

/// Who is asked to prove and not to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScramUse {
    /// Names for which a credential was issued that must never be shown. So it can be seen which names those are.
    #[default]
    Minted,
    /// Everybody whose name does not begin with that of a configured issuer, known or not.
    Always,
    /// Nobody.
    Never,
}

impl Directory {
    /// How whoever calls itself this is asked for a proof.
    pub fn challenge(&self, user: &str, now: UnixSeconds) -> Challenge {
        if self.scram_use() == ScramUse::Never {
            return Challenge::Shown;
        }
        let name = match user.split_once(':') {
            Some((LOCAL_ISSUER, name)) => name,
            Some((issuer, _)) if self.is_issuer(issuer) => return Challenge::Shown,
            _ => user,
        };
        let proofs = self.tokens().proofs(name, now).unwrap_or_else(|error| {
            tracing::error!(%error, "tokens can't be checked");
            crate::token_file::Proofs::default()
        });
        if self.scram_use() == ScramUse::Minted && !proofs.demanded {
            return Challenge::Shown;
        }
        let first = proofs.keys.first().map(|(verifier, _)| (verifier.salt.clone(), verifier.rounds));
        let (salt, rounds) = first.unwrap_or_else(|| (self.tokens().salts().salt(name), ROUNDS));
        let credentials = proofs.keys.into_iter().filter(|(of, _)| of.salt == salt && of.rounds == rounds);
        let credentials = credentials.map(|(verifier, principal)| ScramCredential {
            stored_key: verifier.stored_key,
            server_key: Sensitive::new(verifier.server_key),
            principal: self.in_groups(principal),
        });
        Challenge::Scram(ScramChallenge { credentials: credentials.collect(), salt, rounds })
    }
}
