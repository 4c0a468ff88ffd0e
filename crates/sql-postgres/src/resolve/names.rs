//! How PostgreSQL names an output that has no name (`FigureColname` of its parser).

use crate::tree::{Node, Tree};

/// The name of an output; `None` if it can't be told here.
pub(super) fn name(target: &Node) -> Option<&str> {
    match target.text("name") {
        "" => figured(target.get("val")).map(|(name, _)| name),
        name => Some(name),
    }
}

/// The name of an expression, and whether it is a good one: a cast takes the name of its type before a poor one.
pub(crate) fn figured(tree: &Tree) -> Option<(&str, bool)> {
    let Some(node) = tree.node() else { return Some(("?column?", false)) };
    let good = |name| Some((name, true));
    match node.kind {
        "ColumnRef" => last_name(node.get("fields")).map(|name| (name, true)),
        "AIndirection" => match last_name(node.get("indirection")) {
            Some(name) => good(name),
            None => figured(node.get("arg")),
        },
        // It was date_part before PostgreSQL 14.
        "FuncCall" if node.get("funcname").list().last()?.text() == "extract" => None,
        "FuncCall" => good(node.get("funcname").list().last()?.text()),
        // Before PostgreSQL 15 the letters behind a number (0xa, 1_0) were its name.
        "AConst" if ["Integer", "Float"].iter().any(|kind| node.get("val").as_kind(kind).is_some()) => None,
        "AExpr" if is_nullif(node) => good("nullif"),
        "AExpr" | "AConst" | "ParamRef" | "BoolExpr" | "NullTest" | "BooleanTest" | "SetToDefault" => {
            Some(("?column?", false))
        }
        "TypeCast" => match figured(node.get("arg"))? {
            (name, true) => good(name),
            _ => {
                let names = node.get("type_name").node()?.get("names");
                Some((names.list().last()?.text(), false))
            }
        },
        "CollateClause" => figured(node.get("arg")),
        "CaseExpr" => match figured(node.get("defresult"))? {
            (name, true) => good(name),
            _ => Some(("case", false)),
        },
        "CoalesceExpr" => good("coalesce"),
        "AArrayExpr" => good("array"),
        "RowExpr" => good("row"),
        // The rest have names that depend on what they are, and some on the server's version.
        _ => None,
    }
}

fn last_name(list: &Tree) -> Option<&str> {
    list.list().iter().rev().map(Tree::text).find(|name| !name.is_empty())
}

pub(crate) fn is_nullif(node: &Node) -> bool {
    use pg_query::protobuf::AExprKind;
    node.int("kind") == i64::from(i32::from(AExprKind::AexprNullif))
}
