//! The names of the columns that each output is made of, as they are written.
//!
//! What a name says of the values under it is lost where the server gives an output no column: behind UNION, an aggregate, a cast. Here it
//! is kept, by names alone: nothing is resolved, and a name that means several things means all of them. Of what a star stands for, or a
//! whole row, nothing is known. A document has the names of what is in it; of those only the ones count that a query has given.

mod expressions;
mod gathering;
mod nodes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use gathering::Gathering;
use nodes::{arms_of, has_star, is_of_one_table};
pub(super) use nodes::{is_comparison, is_star, returns_rows};

use crate::tree::Tree;

/// Names that one output may be made of; with more it may be made of anything.
const NAMES_MAX: usize = 32;
/// The same of all outputs of a statement together.
const NAMES_OF_ALL_MAX: usize = 1024;
/// Outputs that are told apart: the server has no more columns (`MaxTupleAttributeNumber`).
pub(super) const OUTPUTS_MAX: usize = 1664;
/// Nodes of the tree that are looked at.
const NODES_MAX: usize = 100_000;
/// Bytes of a name and what it takes to keep one: no more than so many bytes of a name count (`NAMEDATALEN`).
const NAME_BYTES: usize = 80;

/// Nodes that give names to columns.
const NAMING: [&str; 12] = [
    "ResTarget",
    "RangeSubselect",
    "CommonTableExpr",
    "RangeFunction",
    "RangeTableFunc",
    "JsonTable",
    "RangeVar",
    "JoinExpr",
    "InsertStmt",
    "UpdateStmt",
    "DeleteStmt",
    "MergeStmt",
];

/// What VALUES calls its columns.
static OF_VALUES: LazyLock<Vec<String>> =
    LazyLock::new(|| (1..=OUTPUTS_MAX).map(|place| format!("column{place}")).collect());

/// Stands for a row as one value: nobody knows of which columns. It is no name.
const ROW: &str = "";

/// Names of columns. Outputs that are made of the same share them.
pub type Names = Arc<[Box<str>]>;

/// Of each output, the names of the columns that it is made of; `None` if they are too many to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MadeOf {
    /// Each by its place.
    Each(Vec<Option<Names>>),
    /// A star stands among them, so that their places are not known: those that have one of these names, and any others.
    Named(HashMap<Box<str>, Option<Names>>, Option<Names>),
    /// Nothing is known of any.
    Anything,
}

impl Default for MadeOf {
    fn default() -> Self {
        Self::Each(Vec::new())
    }
}

impl MadeOf {
    /// No outputs are made of anything.
    pub const NOTHING: Self = Self::Each(Vec::new());

    /// The names of the columns that the result's column at this place, of this name, is made of. `None` if it may be any.
    pub fn names(&self, at: usize, name: &str) -> Option<Names> {
        match self {
            Self::Each(outputs) => outputs.get(at).map_or_else(|| Some(Names::default()), Option::clone),
            Self::Named(named, others) => named.get(name).unwrap_or(others).clone(),
            Self::Anything => None,
        }
    }

    /// About how many bytes it takes to keep.
    pub fn bytes(&self) -> usize {
        let (count, names): (usize, Vec<&Names>) = match self {
            Self::Each(outputs) => (outputs.len(), outputs.iter().flatten().collect()),
            Self::Named(named, others) => (named.len(), named.values().chain([others]).flatten().collect()),
            Self::Anything => (0, Vec::new()),
        };
        let mut seen = BTreeSet::new();
        let distinct = names.into_iter().filter(|names| seen.insert(names.as_ptr())).map(|names| names.len());
        count.saturating_add(distinct.sum()).saturating_mul(NAME_BYTES)
    }
}

/// What the outputs of a statement are made of.
pub(super) fn made_of(tree: &Tree) -> MadeOf {
    let Some(node) = tree.node() else { return MadeOf::default() };
    let arms = match node.kind {
        "SelectStmt" | "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => arms_of(tree),
        "CopyStmt" if node.has("query") => return made_of(node.get("query")),
        _ => Vec::new(),
    };
    let width = arms.iter().map(|targets| targets.len()).max().unwrap_or(0);
    if width == 0 {
        return MadeOf::default();
    }
    // It is the first arm's star that names the columns, and what others hold there may have any name.
    if arms.len() > 1 && has_star(&arms) && !is_of_one_table(tree) {
        return MadeOf::Anything;
    }
    let gathered = (width <= OUTPUTS_MAX).then(|| Gathering::of(tree, &arms)).flatten();
    gathered.and_then(|gathering| gathering.outputs(&arms, width)).unwrap_or(MadeOf::Anything)
}
