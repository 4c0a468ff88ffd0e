//! What a caller asks of a target, as policy and evidence see it.

use std::sync::Arc;

use serde::Serialize;

use crate::class::{Field, OnWrite};
use crate::vocabulary::ActionId;

/// One thing asked of a target: a statement, a request, a command. All its asks must be permitted.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The questions: one on the target itself, then one for each action and object.
    pub asks: Vec<Ask>,
    /// Whether the asks say all that the operation does.
    pub certainty: Certainty,
    /// Classified fields of every object the operation touches. Empty: nothing classified can come out of it, and
    /// texts that the target says about it may be passed on.
    pub touches: Vec<Field>,
    /// Set when the operation may touch something classified that could not be resolved: unknown is not seen. Of an opaque
    /// operation it is set wherever anything is classified.
    pub touches_unknown: bool,
    /// Fields that may be given less than the values that are put into them, where policy lets nobody store those.
    pub lowering: Vec<Lowering>,
}

/// A field whose configuration opts in to be given less than the values that are put into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowering {
    /// The field.
    pub field: Field,
    /// What it may be given.
    pub to: OnWrite,
    /// Why the protocol can't replace each of the values, if it can't.
    pub unfollowed: Option<&'static str>,
}

/// How an operation was said. Evidence keeps it; no decision depends on it, so that operations which mean the same and
/// are worded differently share what was found out about one of them.
#[derive(Clone, Debug)]
pub struct Wording {
    /// Keyed digest of the exact text.
    pub digest: Digest,
    /// The text as it may be kept in the log.
    pub text: LogText,
    /// Keyed digest of what is bound to it beside its text, if anything is.
    pub bound: Option<Digest>,
}

impl Operation {
    /// One that these asks say all of, and that touches nothing classified.
    pub fn exactly(asks: Vec<Ask>) -> Self {
        let (certainty, touches, lowering) = (Certainty::Exact, Vec::new(), Vec::new());
        Self { asks, certainty, touches, touches_unknown: false, lowering }
    }

    /// Whether anything classified, or unknown, can come out of this operation by any road.
    pub fn is_tainted(&self) -> bool {
        self.touches_unknown || !self.touches.is_empty()
    }
}

/// Whether an operation's asks say all that it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// They do.
    Exact,
    /// They may not, because of this. The action `opaque` is asked as well.
    Opaque(String),
}

/// One question to policy: may this principal do this action on this object?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// The verb.
    pub action: ActionId,
    /// What it acts on.
    pub object: Object,
    /// What the protocol knows beside: `has_where`.
    pub context: Attrs,
}

impl Ask {
    /// An ask without context of its own.
    pub fn new(action: ActionId, object: Object) -> Self {
        Self { action, object, context: Vec::new() }
    }
}

/// What an action touches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    /// The session's target itself.
    Target,
    /// A part of the target, in its protocol's words.
    Part(Part),
    /// A field of a part.
    Field(Field),
}

/// An object inside a target: a table, a route, a command. Its policy id is `<target>/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// The entity type in policies, from the protocol's vocabulary: `Table`.
    pub kind: &'static str,
    /// The name inside the target: `public.customers`.
    pub name: Arc<str>,
    /// Attributes that policies may read, as the vocabulary declares them for this kind (`schema`).
    pub attrs: Vec<(&'static str, Arc<str>)>,
}

/// Names and values that policies may read in `context`.
pub type Attrs = Vec<(&'static str, AttrValue)>;

/// One value in a context.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AttrValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Long(i64),
    /// A text.
    Text(String),
}

/// What a field of a result holds, as far as its protocol can tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Holds {
    /// Nothing classified.
    Plain,
    /// The values of one classified field, unaltered.
    Copy(Field),
    /// Something made of these fields, or of some of them.
    Computed(Vec<Field>),
    /// A document, or a list of documents, of which it is known what is under each key.
    Document(Arc<Shape>),
    /// Nobody can tell. Never seen.
    Unknown,
}

/// What a document holds at one place.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Nothing classified, whatever it is.
    Plain,
    /// A value of one classified field, unaltered but for how a document writes it.
    Copy(Field, TypeTag),
    /// Something made of these fields, or of some of them.
    Computed(Vec<Field>),
    /// An object with these keys, in this order, and no others.
    Object(Vec<(Arc<str>, Shape)>),
    /// An array of any number of these.
    Array(Box<Shape>),
    /// An array of these, in this order, and no others.
    Tuple(Vec<Shape>),
}

/// The type of a field's values, by a number that its protocol alone knows the meaning of; 0 where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeTag(pub u32);

impl Shape {
    /// Visits every place that holds something classified, with the way to it: `orders[].email`.
    pub fn places<'a>(&'a self, visit: &mut impl FnMut(&str, &'a Shape)) {
        self.visit(&mut String::new(), visit);
    }

    fn visit<'a>(&'a self, way: &mut String, visit: &mut impl FnMut(&str, &'a Shape)) {
        let length = way.len();
        match self {
            Self::Plain => {}
            Self::Copy(..) | Self::Computed(_) => visit(way, self),
            Self::Object(named) => named.iter().for_each(|(name, shape)| {
                if length > 0 {
                    way.push('.');
                }
                way.push_str(name);
                shape.visit(way, visit);
                way.truncate(length);
            }),
            Self::Array(shape) => {
                way.push_str("[]");
                shape.visit(way, visit);
                way.truncate(length);
            }
            Self::Tuple(shapes) => (0_usize..).zip(shapes).for_each(|(at, shape)| {
                way.push_str(&format!("[{at}]"));
                shape.visit(way, visit);
                way.truncate(length);
            }),
        }
    }
}

/// A keyed digest (HMAC-SHA-256): short texts can't be guessed from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    /// Every record has one or two, so without the formatting machinery.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = [0_u8; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 0x0f)]);
        }
        serializer.serialize_str(std::str::from_utf8(&digits).map_err(serde::ser::Error::custom)?)
    }
}

const fn hex_digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0'.wrapping_add(value),
        _ => b'a'.wrapping_add(value).wrapping_sub(10),
    }
}

/// An operation's text as the log may keep it: literals that could be classified are tokens, and long texts are cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct LogText(pub Arc<str>);
