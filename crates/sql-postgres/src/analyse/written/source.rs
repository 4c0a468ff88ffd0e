//! What a statement puts into a column: values that are written there, or what a query gives.

use std::collections::{HashMap, HashSet};

use super::super::constants::{TEXTS, bare, bits_of, cast_of, each_made_of, given, is_star, of_type};
use super::{COLUMNS_MAX, as_put};
use crate::statement::{Argument, Given, ReadAs};
use crate::tree::{Node, Tree};

/// What one column gets.
pub(super) enum Source<'a> {
    /// One of these.
    Values(Vec<&'a Tree>),
    /// This, by way of a query.
    Selected(&'a Tree),
    /// One of these, by way of a query that names them and reads them so.
    Named(Vec<&'a Tree>, ReadAs),
    /// One of these, for a part of it.
    Parts(Vec<&'a Tree>),
    /// A column of this COPY's data.
    Copied(&'a Node),
    /// Nobody says what.
    Anything,
}

impl<'a> Source<'a> {
    pub(super) fn values(&self) -> &[&'a Tree] {
        match self {
            Self::Values(values) | Self::Named(values, _) | Self::Parts(values) => values,
            Self::Selected(value) => std::slice::from_ref(value),
            Self::Copied(_) | Self::Anything => &[],
        }
    }
}

/// Rows of values.
pub(super) struct Rows<'a> {
    pub(super) rows: Vec<&'a [Tree]>,
    /// Whether there is a star among them, behind which nobody can count.
    pub(super) has_star: bool,
}

impl<'a> Rows<'a> {
    pub(super) fn new(rows: Vec<&'a [Tree]>) -> Self {
        let has_star = rows.iter().any(|row| row.iter().any(is_star));
        Self { rows, has_star }
    }

    pub(super) fn width(&self) -> usize {
        self.rows.iter().map(|row| row.len()).max().unwrap_or(0)
    }

    /// What they give at a place.
    pub(super) fn at(&self, at: usize) -> Option<Source<'a>> {
        if self.has_star {
            return Some(Source::Anything);
        }
        let values: Vec<&Tree> = self.rows.iter().filter_map(|row| row.get(at)).collect();
        (!values.is_empty()).then_some(Source::Values(values))
    }
}

/// The rows of VALUES in FROM, where a query has nothing else there and its outputs are their columns, each of them at most once:
/// `SELECT a::text, b FROM (VALUES ($1, $2)) AS v (a, b)`.
pub(super) struct NamedRows<'a> {
    rows: Rows<'a>,
    alias: &'a str,
    /// The place of each.
    places: HashMap<&'a str, usize>,
}

impl<'a> NamedRows<'a> {
    /// Those of a query with these outputs.
    pub(super) fn of(query: &'a Node, outputs: &[&'a Tree]) -> Option<Self> {
        if outputs.len() > COLUMNS_MAX {
            return None;
        }
        let [from] = query.get("from_clause").list() else { return None };
        let from = from.as_kind("RangeSubselect").filter(|_| !query.has("with_clause"))?;
        let (values, alias) = (from.get("subquery").node()?, from.get("alias").node()?);
        let rows = Rows::new(values.get("values_lists").list().iter().map(Tree::list).collect());
        let names = alias.get("colnames").list();
        let is_plain = !rows.has_star && !values.has("with_clause") && names.len() == rows.width();
        let places: HashMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (name.text(), at)).collect();
        // Each has a name of its own.
        if !is_plain || places.len() != names.len() {
            return None;
        }
        let rows = Self { rows, alias: alias.text("aliasname"), places };
        let mut named = HashSet::new();
        let mut is_told = |output: &&Tree| match rows.place(output) {
            Some(place) => named.insert(place),
            None => !names_a_column(output),
        };
        outputs.iter().all(&mut is_told).then_some(rows)
    }

    /// Which of their columns this is, with whatever casts around it.
    fn place(&self, output: &Tree) -> Option<usize> {
        let fields: Vec<&str> = bare(output)?.get("fields").list().iter().map(Tree::text).collect();
        let name = match fields.as_slice() {
            [name] => *name,
            [alias, name] if *alias == self.alias => *name,
            _ => return None,
        };
        self.places.get(name).copied()
    }

    /// The values that an output has.
    pub(super) fn named(&self, output: &'a Tree) -> Option<Source<'a>> {
        let at = self.place(output)?;
        let values: Vec<&Tree> = self.rows.rows.iter().filter_map(|row| row.get(at)).collect();
        // One that has a type makes all the others of its own.
        let are_bare = || values.iter().all(|value| is_bare(value));
        let read_as = match output.node().and_then(cast_of) {
            None => ReadAs::ColumnPerhaps,
            Some((name, cast)) => match (of_type(name), cast.as_kind("ColumnRef").map(|_| bits_of(name))) {
                (_, Some(Some(bits))) => bits,
                (ReadAs::Type(text), Some(None)) if TEXTS.contains(&text) && are_bare() => ReadAs::Type(text),
                (own, _) => own.perhaps(),
            },
        };
        Some(Source::Named(values, read_as))
    }
}

/// A constant that is no number: of which type it is what stands around it says.
fn is_bare(value: &Tree) -> bool {
    let is_number = |constant: &Node| constant.get("val").node().is_some_and(|value| value.kind != "String");
    value.as_kind("AConst").is_some_and(|constant| !is_number(constant))
}

/// Whether a value may be one of a row, or of a query.
pub(super) fn names_a_column(value: &Tree) -> bool {
    let mut names = false;
    each_made_of(value, ReadAs::Anything, &mut |node, _| names |= node.kind == "ColumnRef");
    names
}

/// The table that a query's rows go into, if it has INTO, which stands in the first of its arms.
pub(super) fn into_of(node: &Node) -> Option<&Tree> {
    let mut node = node;
    loop {
        match node.get("larg").node() {
            Some(first) => node = first,
            None => return node.get("into_clause").node().map(|into| into.get("rel")),
        }
    }
}

/// Of each argument of an EXECUTE the constants that it may be made of.
pub(in crate::analyse) fn arguments(tree: &Tree) -> Vec<Vec<Argument>> {
    let mut arguments = Vec::new();
    let holds = |node: &Node| matches!(node.kind, "ExecuteStmt" | "CreateTableAsStmt" | "ExplainStmt");
    if !tree.node().is_some_and(holds) {
        return arguments;
    }
    let constants = |argument: &Tree| {
        let mut constants = Vec::new();
        each_made_of(argument, ReadAs::Column, &mut |node, read_as| match given(node) {
            Some(Given::Constant(value)) => constants.push(Argument { value, read_as: as_put(node, read_as) }),
            Some(Given::Parameter(_) | Given::TooMuch) | None => {}
        });
        constants
    };
    tree.walk(&mut |node| {
        if node.kind == "ExecuteStmt" {
            arguments.extend(node.get("params").list().iter().map(constants));
        }
        true
    });
    arguments
}
