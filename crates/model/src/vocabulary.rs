//! The words a protocol brings: its actions, the groups they are in, and the objects they act on.
//!
//! Policy makes its schema from these lists and nothing else, so a new protocol adds no line outside its own crate.

use std::fmt;

/// A verb of a protocol (`select`, `truncate`, `get`), always one of a [`Vocabulary`] or of policy's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub &'static str);

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The small set of groups that every action is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionGroup {
    /// What only concerns the session: begin, commit, settings, prepare.
    Session,
    /// Looks at data.
    Read,
    /// Changes data.
    Write,
    /// Changes what data there can be.
    Define,
    /// Runs something of the target's.
    Execute,
    /// Moves files or bulk data.
    Transfer,
    /// Opens a way to somewhere else.
    Tunnel,
    /// Governs the target itself.
    Administer,
    /// In no group: must be named to be permitted (`export`).
    Alone,
}

impl ActionGroup {
    /// The action group's name in policies; `None` for actions that are in no group.
    pub fn as_str(self) -> Option<&'static str> {
        Some(match self {
            Self::Session => "session",
            Self::Read => "read",
            Self::Write => "write",
            Self::Define => "define",
            Self::Execute => "execute",
            Self::Transfer => "transfer",
            Self::Tunnel => "tunnel",
            Self::Administer => "administer",
            Self::Alone => return None,
        })
    }

    /// Every group that has a name.
    pub const NAMED: [Self; 8] = [
        Self::Session,
        Self::Read,
        Self::Write,
        Self::Define,
        Self::Execute,
        Self::Transfer,
        Self::Tunnel,
        Self::Administer,
    ];
}

/// One action of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct ActionDef {
    /// Its name in policies.
    pub id: ActionId,
    /// The group it is in.
    pub group: ActionGroup,
    /// The kinds of parts it acts on, beside the target itself, on which every action can be asked.
    pub on: &'static [&'static str],
    /// What its context always holds, beside what every context holds.
    pub context: &'static [AttrDef],
    /// If set, the action is denied whatever a policy says, for this reason.
    pub never: Option<&'static str>,
    /// One line for the reference.
    pub doc: &'static str,
}

/// A kind of object inside a target.
#[derive(Clone, Copy, Debug)]
pub struct PartKind {
    /// The entity type in policies: `Table`.
    pub name: &'static str,
    /// Its attributes, all texts, all always present.
    pub attrs: &'static [&'static str],
    /// One line for the reference.
    pub doc: &'static str,
}

/// A name and type in a context.
#[derive(Clone, Copy, Debug)]
pub struct AttrDef {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub ty: AttrType,
}

/// The types that a context can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttrType {
    /// True or false.
    Bool,
    /// A whole number.
    Long,
    /// A text.
    Text,
}

/// All the words of one protocol.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary {
    /// The protocol's name, which is also the `kind` of its targets.
    pub protocol: &'static str,
    /// Its actions.
    pub actions: &'static [ActionDef],
    /// Its kinds of objects.
    pub parts: &'static [PartKind],
}
