//! The shape of a statement's result, as it is written.

use std::collections::HashSet;
use std::sync::Arc;

use super::made_of::OUTPUTS_MAX;
use crate::statement::{OutputShape, Outputs};
use crate::tree::{Node, Tree};

/// What is known of the outputs as a whole.
#[derive(Default)]
pub(super) struct Shape {
    /// See [`crate::statement::Statement::names_are_plain`].
    pub(super) names_are_plain: bool,
    /// See [`crate::statement::Statement::set_operation`].
    pub(super) set_operation: bool,
}

/// The outputs of a statement.
pub(super) fn outputs(tree: &Tree) -> (Outputs, Shape) {
    let none = || (Outputs::None, Shape::default());
    let Some(node) = tree.node() else { return none() };
    let computed = |count: usize| {
        (Outputs::Columns(std::iter::repeat_n(OutputShape::Computed, count).collect()), Shape::default())
    };
    match node.kind {
        "SelectStmt" => select(node),
        "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => match node.get("returning_clause").node() {
            Some(clause) if clause.has("exprs") => {
                let from = ["from_clause", "using_clause", "source_relation"];
                let plain = !node.has("with_clause") && from.iter().all(|field| is_plain(node.get(field)));
                let shape = Shape { names_are_plain: plain, set_operation: false };
                (Outputs::Columns(shapes(clause.get("exprs"))), shape)
            }
            _ => none(),
        },
        "ExplainStmt" => computed(1),
        "VariableShowStmt" => computed(if node.text("name") == "all" { 3 } else { 1 }),
        "CopyStmt" if !node.has("is_from") => copied(node),
        // Only the server knows.
        "CallStmt" | "ExecuteStmt" | "FetchStmt" => (Outputs::Columns(Arc::new([OutputShape::Star])), Shape::default()),
        _ => none(),
    }
}

/// What COPY … TO writes: columns of a table, or what a query returns.
fn copied(node: &Node) -> (Outputs, Shape) {
    if node.has("query") {
        return outputs(node.get("query"));
    }
    let named = node.get("attlist").list().iter().take(OUTPUTS_MAX);
    let columns: Arc<[OutputShape]> = named.map(|name| OutputShape::Column(name.text().to_owned())).collect();
    let columns = if columns.is_empty() { Arc::new([OutputShape::Star]) } else { columns };
    (Outputs::Columns(columns), Shape { names_are_plain: true, set_operation: false })
}

fn select(node: &Node) -> (Outputs, Shape) {
    // Names and width are those of the first arm.
    let (mut first, mut set_operation) = (node, false);
    while let Some(left) = first.get("larg").node() {
        (first, set_operation) = (left, true);
    }
    if first.has("into_clause") {
        return (Outputs::None, Shape::default());
    }
    let columns = match first.get("values_lists").list().first() {
        Some(row) => row.list().iter().take(OUTPUTS_MAX).map(of_values).collect(),
        None => shapes(first.get("target_list")),
    };
    let names_are_plain = !set_operation && !node.has("with_clause") && is_plain(first.get("from_clause"));
    (Outputs::Columns(columns), Shape { names_are_plain, set_operation })
}

/// The server takes no statement that has more outputs.
fn shapes(targets: &Tree) -> Arc<[OutputShape]> {
    let targets = targets.list().iter().take(OUTPUTS_MAX);
    targets.map(|target| shape(target.node().map_or(target, |target| target.get("val")))).collect()
}

fn shape(value: &Tree) -> OutputShape {
    let Some(node) = value.node() else { return OutputShape::Computed };
    match node.kind {
        "ColumnRef" => match node.get("fields").list().last() {
            Some(last) if last.as_kind("AStar").is_some() => OutputShape::Star,
            Some(last) => OutputShape::Column(last.text().to_owned()),
            None => OutputShape::Computed,
        },
        // (row).* : as many columns as the row has.
        "AIndirection" if node.get("indirection").list().last().is_some_and(|last| last.as_kind("AStar").is_some()) => {
            OutputShape::Star
        }
        _ => OutputShape::Computed,
    }
}

/// A value of VALUES: none has a name, and a star stands for several.
fn of_values(value: &Tree) -> OutputShape {
    match shape(value) {
        OutputShape::Star => OutputShape::Star,
        OutputShape::Column(_) | OutputShape::Computed => OutputShape::Computed,
    }
}

/// Whether nothing in this FROM gives columns other names: only relations, and joins of them, without column aliases.
fn is_plain(from: &Tree) -> bool {
    match from {
        Tree::Nothing => true,
        Tree::List(items) => items.iter().all(is_plain),
        Tree::Node(node) => match node.kind {
            "RangeVar" => !renames(node),
            "JoinExpr" => !renames(node) && is_plain(node.get("larg")) && is_plain(node.get("rarg")),
            "RangeTableSample" => is_plain(node.get("relation")),
            _ => false,
        },
        Tree::Text(_) | Tree::Int(_) => false,
    }
}

fn renames(node: &Node) -> bool {
    node.get("alias").node().is_some_and(|alias| alias.has("colnames"))
}

/// Every name that the statement gives to a column or a table expression: aliases of outputs, columns, tables and common
/// table expressions.
pub(super) fn given_names(tree: &Tree) -> HashSet<&str> {
    let mut names = HashSet::new();
    tree.walk(&mut |node| {
        match node.kind {
            "ResTarget" => {
                names.insert(node.text("name"));
            }
            "Alias" => {
                names.insert(node.text("aliasname"));
                names.extend(node.get("colnames").list().iter().map(Tree::text));
            }
            "CommonTableExpr" => {
                names.insert(node.text("ctename"));
                names.extend(node.get("aliascolnames").list().iter().map(Tree::text));
            }
            "ColumnDef" | "RangeTableFuncCol" => {
                names.insert(node.text("colname"));
            }
            "JsonTableColumn" => {
                names.insert(node.text("name"));
            }
            "FuncCall" => {
                names.extend(node.get("funcname").list().last().map(Tree::text));
            }
            _ => {}
        }
        true
    });
    names.remove("");
    names
}
