//! What nodes of the tree say of names: the arms of a query, what its outputs are called, and what stands in FROM.

use std::collections::{BTreeSet, HashSet};

use pg_query::protobuf::SubLinkType;

use super::OF_VALUES;
use crate::resolve::{figured, is_nullif};
use crate::tree::{Node, Tree};

/// The targets of each arm of a query, or what a statement returns; each row of VALUES is an arm.
pub(super) fn arms_of(query: &Tree) -> Vec<&[Tree]> {
    let mut arms = Vec::new();
    match query.node() {
        Some(node) if node.kind == "SelectStmt" => {
            each_arm(node, &mut |arm| match arm.get("values_lists").list() {
                [] => arms.push(arm.get("target_list").list()),
                rows => arms.extend(rows.iter().map(Tree::list)),
            });
        }
        Some(node) => arms.extend(node.get("returning_clause").node().map(|clause| clause.get("exprs").list())),
        None => {}
    }
    arms
}

/// Visits what a set operation is of, from the left.
pub(super) fn each_arm<'a>(query: &'a Node, visit: &mut impl FnMut(&'a Node)) {
    let sides = [query.get("larg").node(), query.get("rarg").node()];
    if sides.iter().all(Option::is_none) {
        visit(query);
    }
    sides.into_iter().flatten().for_each(|side| each_arm(side, visit));
}

/// Whether every arm is all of the same table, so that a name means the same in each.
pub(super) fn is_of_one_table(query: &Tree) -> bool {
    let table_of = |arm: &Node| {
        let [target] = arm.get("target_list").list() else { return None };
        let star = value_of(target).as_kind("ColumnRef").filter(|star| is_star(star))?;
        let table = match (last_name(star, "fields"), arm.get("from_clause").list()) {
            (Some(name), from) => from.iter().find_map(|from| table_in(from, name))?,
            (None, [table]) => table.as_kind("RangeVar")?,
            (None, _) => return None,
        };
        let is_renamed = table.get("alias").node().is_some_and(|alias| alias.has("colnames"));
        (!is_renamed).then(|| ["catalogname", "schemaname", "relname"].map(|part| table.text(part).to_owned()))
    };
    let Some(node) = query.node() else { return false };
    let mut tables = HashSet::new();
    each_arm(node, &mut |arm| _ = tables.insert(table_of(arm)));
    // An arm's own WITH may call something else so.
    tables.len() == 1 && !tables.contains(&None) && !has_inner_with(node)
}

/// The table of this name in an item of FROM.
pub(super) fn table_in<'a>(from: &'a Tree, name: &str) -> Option<&'a Node> {
    let node = from.node()?;
    match node.kind {
        "RangeVar" => (name_in_from(node) == name).then_some(node),
        "JoinExpr" if !node.has("alias") => ["larg", "rarg"].iter().find_map(|side| table_in(node.get(side), name)),
        _ => None,
    }
}

/// What a table is called in a statement.
pub(super) fn name_in_from(table: &Node) -> &str {
    table.get("alias").node().map_or(table.text("relname"), |alias| alias.text("aliasname"))
}

pub(super) fn has_inner_with(query: &Node) -> bool {
    let sides = [query.get("larg").node(), query.get("rarg").node()];
    sides.into_iter().flatten().any(|side| side.has("with_clause") || has_inner_with(side))
}

/// The name of a query's column by what the query's first arm has at its place. `None` if it can't be told.
pub(super) fn names_at(first: &[Tree], at: usize) -> Option<Vec<&str>> {
    match first.get(at)?.as_kind("ResTarget") {
        Some(target) => names_of_output(target),
        None => OF_VALUES.get(at).map(|name| vec![name.as_str()]),
    }
}

/// The columns of what is in FROM, as far as their names are written.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) names: HashSet<&'a str>,
    /// Whether it may have others.
    pub(super) has_more: bool,
}

impl<'a> Columns<'a> {
    pub(super) fn of(query: &'a Tree, aliases: &'a [Tree]) -> Self {
        let arms = arms_of(query);
        let first = arms.first().copied().unwrap_or_default();
        let mut columns = Self { names: aliases.iter().map(Tree::text).collect(), has_more: arms.is_empty() };
        for at in aliases.len()..first.len() {
            match names_at(first, at).as_deref() {
                Some([name]) if !first.get(at).is_some_and(is_star_target) => _ = columns.names.insert(name),
                _ => columns.has_more |= !first.get(at).is_some_and(|target| is_constant(value_of(target))),
            }
        }
        columns.has_more |= first.iter().any(is_star_target);
        columns
    }

    pub(super) fn untold() -> Self {
        Self { has_more: true, ..Self::default() }
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.names.extend(more.names);
        self.has_more |= more.has_more;
    }

    /// Adds those of these names that may be of one of them. How much had to be looked at.
    pub(super) fn of_them(&self, given: &BTreeSet<&'a str>, names: &mut BTreeSet<&'a str>) -> usize {
        let looked = if self.has_more { given.len() } else { self.names.len().min(given.len()) };
        if self.has_more {
            names.extend(given);
        } else if self.names.len() < given.len() {
            names.extend(self.names.iter().filter(|name| given.contains(*name)));
        } else {
            names.extend(given.iter().filter(|name| self.names.contains(*name)));
        }
        looked
    }
}

/// Whether this calls PostgreSQL's own function of this name.
pub(super) fn is_own(call: &Node, name: &str) -> bool {
    match call.get("funcname").list() {
        [own] => own.text() == name,
        [schema, own] => schema.text() == "pg_catalog" && own.text() == name,
        _ => false,
    }
}

/// Whether this operator gives what is under a key.
pub(super) fn takes_a_key(node: &Node) -> bool {
    matches!(node.get("name").list().last().map(Tree::text), Some("->" | "->>" | "#>" | "#>>"))
}

/// Operators of PostgreSQL's own that say whether, and not what.
const COMPARING: [&str; 24] = [
    "=", "<>", "!=", "<", ">", "<=", ">=", "~", "~*", "!~", "!~*", "~~", "~~*", "!~~", "!~~*", "~<~", "~<=~", "~>=~",
    "~>~", "*=", "*<>", "*<", "*>", "~=",
];

/// Whether this operator says whether, and not what.
pub(in crate::analyse) fn is_comparison(node: &Node) -> bool {
    let name = match node.get("name").list() {
        [name] => name.text(),
        [schema, name] if schema.text() == "pg_catalog" => name.text(),
        _ => return false,
    };
    // `~ 5` is a number.
    let compares = COMPARING.contains(&name) && node.has("lexpr");
    !is_nullif(node) && (name.ends_with("BETWEEN") || name.ends_with("SYMMETRIC") || compares)
}

/// Whether this gives what a query returns, and not whether something is in that.
pub(in crate::analyse) fn returns_rows(sublink: &Node) -> bool {
    use SubLinkType::{ArraySublink, ExprSublink, MultiexprSublink};
    matches!(kind_of(sublink), Some(ExprSublink | ArraySublink | MultiexprSublink))
}

pub(super) fn kind_of(sublink: &Node) -> Option<SubLinkType> {
    i32::try_from(sublink.int("sub_link_type")).ok().and_then(|kind| SubLinkType::try_from(kind).ok())
}

/// The names that an output may have for what stands around it. `None` if they can't be told.
pub(super) fn names_of_output(target: &Node) -> Option<Vec<&str>> {
    match target.text("name") {
        "" => names_of_value(target.get("val")),
        name => Some(vec![name]),
    }
}

pub(super) fn names_of_value(value: &Tree) -> Option<Vec<&str>> {
    let name = figured(value).map(|(name, _)| vec![name]);
    let Some(node) = value.node() else { return name };
    match node.kind {
        "FuncCall" if name.is_none() => Some(vec!["extract", "date_part"]),
        "SubLink" => match kind_of(node)? {
            SubLinkType::ExprSublink => {
                let arms = arms_of(node.get("subselect"));
                // It is the first arm that gives its name.
                names_at(arms.first()?, 0)
            }
            SubLinkType::ArraySublink => Some(vec!["array"]),
            SubLinkType::ExistsSublink => Some(vec!["exists"]),
            _ => Some(vec!["?column?"]),
        },
        _ => name,
    }
}

/// What an output's value is; in RETURNING and in VALUES it stands for itself.
pub(super) fn value_of(target: &Tree) -> &Tree {
    target.as_kind("ResTarget").map_or(target, |node| node.get("val"))
}

pub(super) fn last_name<'a>(node: &'a Node, list: &str) -> Option<&'a str> {
    node.get(list).list().iter().rev().map(Tree::text).find(|name| !name.is_empty())
}

/// Whether these are a row of VALUES.
pub(super) fn is_values(targets: &[Tree]) -> bool {
    targets.first().is_some_and(|target| target.as_kind("ResTarget").is_none())
}

/// Whether no name can be in this.
pub(super) fn is_constant(value: &Tree) -> bool {
    value.node().is_some_and(|node| matches!(node.kind, "AConst" | "ParamRef" | "SetToDefault"))
}

pub(super) fn has_star(arms: &[&[Tree]]) -> bool {
    arms.iter().any(|targets| targets.iter().any(is_star_target))
}

pub(super) fn is_star_target(target: &Tree) -> bool {
    value_of(target).node().is_some_and(is_star)
}

pub(in crate::analyse) fn is_star(value: &Node) -> bool {
    let last = |field: &str| value.get(field).list().last().is_some_and(|last| last.as_kind("AStar").is_some());
    match value.kind {
        "ColumnRef" => last("fields"),
        "AIndirection" => last("indirection"),
        _ => false,
    }
}

/// The calls in an item of FROM.
pub(super) fn functions_of(functions: &Node) -> impl Iterator<Item = &Node> {
    functions.get("functions").list().iter().flat_map(Tree::list).filter_map(Tree::node)
}

/// The names in a function's column definitions.
pub(super) fn defined(functions: &Node) -> impl Iterator<Item = &str> {
    let own = functions.get("coldeflist").list();
    let each = functions.get("functions").list().iter().flat_map(Tree::list).flat_map(Tree::list);
    own.iter().chain(each).filter_map(|column| column.as_kind("ColumnDef")).map(|column| column.text("colname"))
}
