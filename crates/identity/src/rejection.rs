//! Why a credential was not taken: a reason for the record, a sentence for the caller, details for the log.

use std::fmt;

/// A credential that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The kind of fault, for the record and for counting.
    pub reason: Reason,
    /// What exactly was wrong, for the operator's log. It never holds a token, and quotes a claim only in part.
    pub detail: String,
}

impl Rejection {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// What the caller is told. It says what they can do about it, and nothing about how Weir is configured.
    pub fn public(&self) -> &'static str {
        self.reason.public()
    }
}

impl fmt::Display for Rejection {
    /// The public sentence only, so that a rejection printed by accident gives nothing away.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.public())
    }
}

impl std::error::Error for Rejection {}

/// The kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Not a token at all, or one that breaks its own format.
    Malformed,
    /// No configured issuer has this `iss`.
    UnknownIssuer,
    /// Made for somebody else.
    WrongAudience,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Signed with a key that its issuer does not publish (any more).
    UnknownKey,
    /// The signature does not fit.
    BadSignature,
    /// Signed in a way that this issuer is not configured for, or not signed.
    AlgorithmNotAllowed,
    /// A claim that is needed is not there.
    MissingClaim,
    /// A claim is there and can't be used: a wrong type, or a value that could be taken for something else.
    InvalidClaim,
    /// A token of Weir's that was taken back.
    Revoked,
    /// One of Weir's that is to be proved by SCRAM, and was shown.
    NotToBeShown,
    /// In the form of Weir's tokens, and none that was issued here.
    UnknownToken,
    /// It can't be checked now: the token file or the issuer's keys are out of reach.
    Unavailable,
}

impl Reason {
    /// The word used in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownIssuer => "unknown_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::MissingClaim => "missing_claim",
            Self::InvalidClaim => "invalid_claim",
            Self::Revoked => "revoked",
            Self::NotToBeShown => "not_to_be_shown",
            Self::UnknownToken => "unknown_token",
            Self::Unavailable => "unavailable",
        }
    }

    fn public(self) -> &'static str {
        match self {
            Self::Malformed => "The credential is not a complete token. Check that it was copied whole.",
            Self::UnknownIssuer => "Tokens of this issuer are not accepted here.",
            Self::WrongAudience => "The token was made for another audience. Request one for this Weir.",
            Self::Expired => "The token has expired. Get a new one.",
            Self::NotYetValid => "The token is not valid yet. Check the clock of the machine that made it.",
            Self::UnknownKey => "The token is signed with a key that its issuer does not publish. Get a new one.",
            Self::BadSignature => "The token's signature is wrong.",
            Self::AlgorithmNotAllowed => "The token is not signed in a way that is accepted here.",
            Self::MissingClaim => "The token lacks a claim that is needed here.",
            Self::InvalidClaim => "The token has a claim that can't be used here.",
            Self::Revoked => "The token was revoked. Get a new one.",
            Self::NotToBeShown => {
                "The credential is for SCRAM alone, under its own user name. It was shown, so replace it."
            }
            Self::UnknownToken => "The token is not known here.",
            Self::Unavailable => "The token can't be checked at the moment. Try again soon.",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
