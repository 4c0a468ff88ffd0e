//! What stands beside each other, so that the server makes all of it of one type.

use super::{ANY, NAME, NAMES, OWN_WAYS, cast_of, parameter_type};
use crate::tree::Tree;

/// Results of CASE, arguments of COALESCE, elements of an array and their like.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::analyse) struct Beside {
    /// How many of them may be of type `name`: then all others become names.
    names: usize,
    /// The type that one of them is cast to, if it is one of [`OWN_WAYS`].
    own_way: Option<u32>,
}

impl Beside {
    pub(in crate::analyse) fn of<'a>(all: impl IntoIterator<Item = &'a Tree>) -> Self {
        let mut beside = Self::default();
        for one in all {
            beside.names = beside.names.saturating_add(usize::from(may_be_name(one)));
            let cast = one.node().and_then(cast_of).map(|(name, _)| parameter_type(name));
            beside.own_way = beside.own_way.or(cast.filter(|oid| OWN_WAYS.contains(oid)));
        }
        beside
    }

    /// Whether one of the others than this may be a name.
    pub(super) fn may_name(&self, own: &Tree) -> bool {
        self.names > usize::from(may_be_name(own))
    }

    /// The type that any of them may be of, if that is one of [`OWN_WAYS`].
    pub(super) fn own_way(&self) -> Option<u32> {
        self.own_way
    }
}

/// Whether this is neither a constant nor cast to another type that is known here, nor an array of such.
fn may_be_name(value: &Tree) -> bool {
    let is_array = value.as_kind("AArrayExpr");
    is_array.map_or_else(|| is_open(value), |array| array.get("elements").list().iter().any(is_open))
}

fn is_open(value: &Tree) -> bool {
    let Some(node) = value.node() else { return false };
    match node.kind {
        "AConst" => false,
        "CollateClause" => is_open(node.get("arg")),
        _ => cast_of(node).is_none_or(|(name, _)| [NAME, NAMES, ANY].contains(&parameter_type(name))),
    }
}
