//! The instance's own keys, and the key of a cached decision.

use std::fmt;

use aws_lc_rs::{digest, hmac};
use model::{Digest, Principal, SessionId, Target, TokenScope};
use redact::TokenKey;

/// Secrets of one installation: the digests of its log and the tokens of its sessions are made with them.
pub struct Keys {
    digests: hmac::Key,
    literals: TokenKey,
    tokens: TokenKey,
    stored: TokenKey,
    kept: TokenKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// All keys, derived from one secret.
    pub fn new(secret: [u8; 32]) -> Self {
        let root = TokenKey::new(secret);
        let seed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), b"weir log digests");
        Self {
            digests: hmac::Key::new(hmac::HMAC_SHA256, seed.as_ref()),
            literals: root.derive("weir log literals"),
            tokens: root.derive("weir session tokens"),
            stored: root.derive("weir stored tokens"),
            kept: root.derive("weir recorded tokens"),
        }
    }

    /// The same, with digests and tokens of another secret. Those that targets have stored stay what they are: others would not be equal to them.
    pub fn with_tokens_of(self, secret: [u8; 32]) -> Self {
        Self { stored: self.stored, ..Self::new(secret) }
    }

    /// The keyed digest of some parts, kept apart by their lengths.
    pub fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut context = hmac::Context::with_key(&self.digests);
        for part in parts {
            context.update(&length_of(part));
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        Digest(digest)
    }

    /// The keyed digest of something that is never there as a whole.
    pub fn digest_in_pieces(&self) -> DigestInPieces {
        DigestInPieces { context: hmac::Context::with_key(&self.digests), bytes: 0 }
    }

    /// What stands in the log for a literal that could be classified.
    pub fn literal(&self, bytes: &[u8]) -> String {
        self.literals.text("literal", bytes)
    }

    /// The key of the tokens that a session of this principal to this target is shown.
    pub fn tokens(&self, session: &SessionId, principal: &Principal, target: &Target) -> TokenKey {
        match (target.token_scope, &principal.run) {
            (TokenScope::Target, _) => self.tokens.derive(&format!("target {}", target.id)),
            (TokenScope::Run, Some(run)) => self.tokens.derive(&format!("run {} {run}", principal.issuer)),
            (TokenScope::Session | TokenScope::Run, _) => self.tokens.derive(&format!("session {}", session.0)),
        }
    }
}

impl Keys {
    /// The key of the tokens that are stored in a target in the place of values. It is none that anybody is shown tokens by:
    /// what a caller stores and reads again tells nothing of values that were stored as they are, and are shown as tokens. Of those that
    /// were stored as tokens it does: who may store them in a column and sees it at all, also as tokens, can compare guesses.
    pub fn stored_tokens(&self, target: &Target) -> TokenKey {
        self.stored.derive(&format!("target {}", target.id))
    }
}

impl Keys {
    /// The key of the tokens that stand in recordings in the place of values. The same value has the same one in all of them, so that it can be
    /// found which sessions were shown it. It is none that anybody is shown tokens by.
    pub fn kept_tokens(&self) -> TokenKey {
        self.kept.clone()
    }
}

/// Room for the parts of most keys.
const KEY_BYTES_USUAL: usize = 512;

/// A keyed digest that is made while its bytes pass. It is another than [`Keys::digest`] makes of the same bytes, which
/// begins with their number.
pub struct DigestInPieces {
    context: hmac::Context,
    bytes: u64,
}

impl fmt::Debug for DigestInPieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestInPieces({} bytes)", self.bytes)
    }
}

impl DigestInPieces {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    /// The digest of all that came.
    pub fn finish(mut self) -> Digest {
        self.context.update(&self.bytes.to_be_bytes());
        let mut digest = [0; 32];
        digest.iter_mut().zip(self.context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        Digest(digest)
    }
}

/// What a cached decision is found by: everything that the operation's meaning depends on, as a cryptographic hash.
/// Never a fingerprint with the literals taken out: literals change meaning.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShapeKey([u8; 32]);

impl std::hash::Hash for ShapeKey {
    /// A part of a cryptographic hash is as good as all of it to find a place in a table.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl ShapeKey {
    /// The key of these parts, kept apart by their lengths: the exact text, parameter types, settings that change what
    /// text means, the epoch of the catalog it was read with.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        // In one piece: what a context costs beside hashing is more than the copy of a text that people write.
        let mut whole = Vec::with_capacity(KEY_BYTES_USUAL);
        for part in parts {
            whole.extend_from_slice(&length_of(part));
            whole.extend_from_slice(part);
        }
        let mut key = [0; 32];
        key.iter_mut().zip(digest::digest(&digest::SHA256, &whole).as_ref()).for_each(|(to, from)| *to = *from);
        Self(key)
    }
}

impl ShapeKey {
    /// Its bytes, for the key of something that this is a part of.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ShapeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShapeKey(…)")
    }
}

fn length_of(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use model::{CredentialId, PrincipalKind, TargetId};

    use super::*;

    #[test]
    fn parts_are_kept_apart_and_digests_are_keyed() {
        assert_ne!(ShapeKey::of([b"ab".as_slice(), b"c"]), ShapeKey::of([b"a".as_slice(), b"bc"]));
        assert_eq!(ShapeKey::of([b"ab".as_slice()]), ShapeKey::of([b"ab".as_slice()]));
        let (one, two) = (Keys::new([1; 32]), Keys::new([2; 32]));
        assert_ne!(one.digest([b"select 1".as_slice()]), two.digest([b"select 1".as_slice()]));
        assert_ne!(one.literal(b"4111"), two.literal(b"4111"));
        assert_eq!(one.literal(b"4111"), one.literal(b"4111"));
        let rotated = Keys::new([1; 32]).with_tokens_of([2; 32]);
        assert_eq!(rotated.literal(b"4111"), two.literal(b"4111"));
        assert_eq!(rotated.digest([b"select 1".as_slice()]), two.digest([b"select 1".as_slice()]));
        assert_eq!(rotated.stored.text("a", b"b"), one.stored.text("a", b"b"));
    }

    #[test]
    fn a_token_is_the_same_within_its_scope() {
        let keys = Keys::new([1; 32]);
        let principal = |issuer: &str, run: Option<&str>| Principal {
            kind: PrincipalKind::Workload,
            issuer: issuer.into(),
            name: "job".into(),
            groups: Default::default(),
            claims: Default::default(),
            owner: None,
            act: Vec::new(),
            run: run.map(str::to_owned),
            credential: CredentialId("c".into()),
            expires: None,
        };
        let token = |scope, session: &str, principal: &Principal, target: &str| {
            let id = TargetId(target.into());
            let target = Target {
                id,
                protocol: "test",
                env: None,
                labels: Vec::new(),
                token_scope: scope,
                recording: Default::default(),
            };
            keys.tokens(&SessionId(session.into()), principal, &target).text("pii.email", b"ada@example.com")
        };
        let (none, one, two) = (principal("ci", None), principal("ci", Some("1")), principal("other", Some("1")));
        use TokenScope::{Run, Session, Target as OfTarget};
        assert_ne!(token(Session, "a", &one, "shop"), token(Session, "b", &one, "shop"));
        assert_eq!(token(Run, "a", &one, "shop"), token(Run, "b", &one, "crm"));
        assert_ne!(token(Run, "a", &one, "shop"), token(Run, "a", &two, "shop"));
        assert_ne!(token(Run, "a", &none, "shop"), token(Run, "b", &none, "shop"));
        assert_eq!(token(OfTarget, "a", &one, "shop"), token(OfTarget, "b", &none, "shop"));
        assert_ne!(token(OfTarget, "a", &one, "shop"), token(OfTarget, "a", &one, "crm"));
        // What is stored is no token that anybody is shown.
        let of = |name: &str| Target {
            id: TargetId(name.into()),
            protocol: "test",
            env: None,
            labels: Vec::new(),
            token_scope: OfTarget,
            recording: Default::default(),
        };
        let stored = |name: &str| keys.stored_tokens(&of(name)).text("pii.email", b"ada@example.com");
        assert_eq!(stored("shop"), stored("shop"));
        assert_ne!(stored("shop"), stored("crm"));
        for scope in [Session, Run, OfTarget] {
            assert_ne!(stored("shop"), token(scope, "a", &one, "shop"));
        }
        // No name of one scope is that of another.
        assert_ne!(token(Session, "target shop", &none, "shop"), token(OfTarget, "a", &none, "shop"));
    }
}
