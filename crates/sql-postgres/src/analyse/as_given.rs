//! Constants and parameters that go into a column as they are, whatever way they take: of a list, of a row that is assigned, of the
//! rows of a query. What is computed of them is not looked for.

use crate::resolve::is_nullif;
use crate::tree::{Node, Tree};

/// Calls `found` with each constant and parameter that this value can be, without the casts around it. `sources` are the queries whose
/// rows can be named beside it.
pub(super) fn each<'a>(value: &'a Tree, sources: &[&'a Tree], found: &mut impl FnMut(&'a Node)) {
    let Some(node) = value.node() else { return };
    match node.kind {
        "AConst" | "ParamRef" => found(node),
        "TypeCast" | "CollateClause" => each(node.get("arg"), sources, found),
        "AArrayExpr" => node.get("elements").list().iter().for_each(|element| each(element, sources, found)),
        "RowExpr" => node.get("args").list().iter().for_each(|field| each(field, sources, found)),
        "AExpr" if is_nullif(node) => each(node.get("lexpr"), sources, found),
        // A plus before a number.
        "AExpr" if !node.has("lexpr") && node.get("name").list().last().is_some_and(|name| name.text() == "+") => {
            each(node.get("rexpr"), sources, found);
        }
        "MultiAssignRef" => {
            let at = usize::try_from(node.int("colno")).ok().and_then(|number| number.checked_sub(1));
            each_of_row(node.get("source"), at, sources, found);
        }
        "SubLink" => {
            each_in(node.get("subselect"), found);
            sources.iter().for_each(|source| each_in(source, found));
        }
        "CaseExpr" => {
            for when in node.get("args").list().iter().filter_map(Tree::node) {
                each(when.get("result"), sources, found);
            }
            each(node.get("defresult"), sources, found);
        }
        "CoalesceExpr" | "MinMaxExpr" => {
            node.get("args").list().iter().for_each(|arg| each(arg, sources, found));
        }
        // Of which source it is, is not looked for.
        "ColumnRef" => sources.iter().for_each(|source| each_in(source, found)),
        _ => {}
    }
}

/// The same of what a row gives at a place; of all of it, if a star in it says nothing of places.
fn each_of_row<'a>(row: &'a Tree, at: Option<usize>, sources: &[&'a Tree], found: &mut impl FnMut(&'a Node)) {
    match row.node() {
        Some(node) if node.kind == "RowExpr" => {
            let values = node.get("args").list();
            match at.and_then(|at| values.get(at)).filter(|_| !values.iter().any(is_star)) {
                Some(value) => each(value, sources, found),
                None => values.iter().for_each(|value| each(value, sources, found)),
            }
        }
        Some(_) => each(row, sources, found),
        None => {}
    }
}

/// The same of all that the rows of a query, or of what stands in FROM, can hold.
pub(super) fn each_in<'a>(source: &'a Tree, found: &mut impl FnMut(&'a Node)) {
    match source {
        Tree::List(items) => items.iter().for_each(|item| each_in(item, found)),
        Tree::Node(node) => match node.kind {
            "SelectStmt" => {
                let values = node.get("values_lists").list().iter().flat_map(Tree::list);
                values.for_each(|value| each(value, &[], found));
                outputs(node.get("target_list"), found);
                for field in ["with_clause", "from_clause", "larg", "rarg"] {
                    each_in(node.get(field), found);
                }
            }
            "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => {
                if let Some(returning) = node.get("returning_clause").node() {
                    outputs(returning.get("exprs"), found);
                }
                for field in ["select_stmt", "with_clause", "from_clause", "using_clause", "source_relation"] {
                    each_in(node.get(field), found);
                }
                for field in ["target_list", "merge_when_clauses"] {
                    each_in(node.get(field), found);
                }
            }
            "MergeWhenClause" => {
                outputs(node.get("target_list"), found);
                node.get("values").list().iter().for_each(|value| each(value, &[], found));
            }
            "ResTarget" => each(node.get("val"), &[], found),
            "WithClause" => each_in(node.get("ctes"), found),
            "CommonTableExpr" => each_in(node.get("ctequery"), found),
            "RangeSubselect" => each_in(node.get("subquery"), found),
            "JoinExpr" => ["larg", "rarg"].iter().for_each(|field| each_in(node.get(field), found)),
            "RangeFunction" => of_functions(node, found),
            _ => {}
        },
        Tree::Nothing | Tree::Text(_) | Tree::Int(_) => {}
    }
}

fn outputs<'a>(targets: &'a Tree, found: &mut impl FnMut(&'a Node)) {
    targets.list().iter().filter_map(Tree::node).for_each(|target| each(target.get("val"), &[], found));
}

/// `FROM unnest(ARRAY['…', $1])`, `FROM concat('…')`: what functions are given may be what their rows hold.
fn of_functions<'a>(node: &'a Node, found: &mut impl FnMut(&'a Node)) {
    node.walk(&mut |node| {
        if matches!(node.kind, "AConst" | "ParamRef") {
            found(node);
        }
        true
    });
}

/// A value without the casts around it.
pub(super) fn bare(value: &Tree) -> Option<&Node> {
    let node = value.node()?;
    match node.kind {
        "TypeCast" => bare(node.get("arg")),
        _ => Some(node),
    }
}

/// Whether this is `t.*` or `(value).*`: any number of values.
pub(super) fn is_star(value: &Tree) -> bool {
    let steps = match value.node() {
        Some(node) if node.kind == "ColumnRef" => node.get("fields"),
        Some(node) if node.kind == "AIndirection" => node.get("indirection"),
        _ => return false,
    };
    steps.list().last().is_some_and(|last| last.as_kind("AStar").is_some())
}
