//! The nouns of Weir: who calls, what they ask for, what it touches, what class it is of and how much of it may be seen.
//!
//! Pure data. This crate knows no protocol, no policy language, no socket, no file and no clock; everything else in the
//! house speaks in its types. The words are those of the glossary in `ARCHITECTURE.md`.

mod class;
mod operation;
mod principal;
mod sensitive;
mod target;
mod time;
mod value;
mod vocabulary;

pub use class::{ClassId, Field, OnWrite, Sight};
pub use operation::{
    Ask, AttrValue, Attrs, Certainty, Digest, Holds, LogText, Lowering, Object, Operation, Part, Shape, TypeTag,
    Wording,
};
pub use principal::{Claim, CredentialId, Principal, PrincipalKind};
pub use sensitive::Sensitive;
pub use target::{RecordingLevel, RecordingRule, SessionId, Target, TargetId, TokenScope};
pub use time::{UnixMicros, UnixSeconds};
pub use value::Value;
pub use vocabulary::{ActionDef, ActionGroup, ActionId, AttrDef, AttrType, PartKind, Vocabulary};
