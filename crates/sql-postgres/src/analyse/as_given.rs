//! Constants and parameters that go into a column as they are, whatever way they take: of a list, of a row that is assigned, of the
//! rows of a query. What is computed of them is not looked for.

use crate::resolve::is_nullif;
use crate::tree::{Node, Tree};

/// Looks for them.
pub(super) struct Search<'s, 'a> {
    /// Is called with each of them, without the casts around it.
    pub(super) found: &'s mut dyn FnMut(&'a Node),
    /// Nodes that may still be looked at.
    pub(super) left: &'s mut usize,
    /// Whether something was met that may be any value of the queries whose rows can be named beside it.
    pub(super) reaches: bool,
}

impl<'a> Search<'_, 'a> {
    /// Whether one more node may be looked at.
    fn goes_on(&mut self) -> bool {
        *self.left = self.left.saturating_sub(1);
        *self.left > 0
    }

    /// Those that this value can be.
    pub(super) fn each(&mut self, value: &'a Tree) {
        let Some(node) = value.node().filter(|_| self.goes_on()) else { return };
        match node.kind {
            "AConst" | "ParamRef" => (self.found)(node),
            "TypeCast" | "CollateClause" => self.each(node.get("arg")),
            "AArrayExpr" => node.get("elements").list().iter().for_each(|element| self.each(element)),
            "RowExpr" => node.get("args").list().iter().for_each(|field| self.each(field)),
            "AExpr" if is_nullif(node) => self.each(node.get("lexpr")),
            // A plus before a number.
            "AExpr" if !node.has("lexpr") && node.get("name").list().last().is_some_and(|name| name.text() == "+") => {
                self.each(node.get("rexpr"));
            }
            "MultiAssignRef" => {
                let at = usize::try_from(node.int("colno")).ok().and_then(|number| number.checked_sub(1));
                self.each_of_row(node.get("source"), at);
            }
            "SubLink" => {
                self.each_in(node.get("subselect"));
                self.reaches = true;
            }
            "CaseExpr" => {
                for when in node.get("args").list().iter().filter_map(Tree::node) {
                    self.each(when.get("result"));
                }
                self.each(node.get("defresult"));
            }
            "CoalesceExpr" | "MinMaxExpr" => node.get("args").list().iter().for_each(|arg| self.each(arg)),
            // Of which source it is, is not looked for.
            "ColumnRef" => self.reaches = true,
            _ => {}
        }
    }

    /// Those that a row can give at a place; all of it, if a star in it says nothing of places.
    fn each_of_row(&mut self, row: &'a Tree, at: Option<usize>) {
        match row.node() {
            Some(node) if node.kind == "RowExpr" => {
                let values = node.get("args").list();
                *self.left = self.left.saturating_sub(values.len());
                match at.and_then(|at| values.get(at)).filter(|_| !values.iter().any(is_star)) {
                    Some(value) => self.each(value),
                    None => values.iter().for_each(|value| self.each(value)),
                }
            }
            Some(_) => self.each(row),
            None => {}
        }
    }

    /// All that the rows of a query, or of what stands in FROM, can hold.
    pub(super) fn each_in(&mut self, source: &'a Tree) {
        match source {
            Tree::List(items) => items.iter().for_each(|item| self.each_in(item)),
            Tree::Node(node) => self.each_in_node(node),
            Tree::Nothing | Tree::Text(_) | Tree::Int(_) => {}
        }
    }

    /// The same.
    pub(super) fn each_in_node(&mut self, node: &'a Node) {
        if !self.goes_on() {
            return;
        }
        match node.kind {
            "SelectStmt" => {
                node.get("values_lists").list().iter().flat_map(Tree::list).for_each(|value| self.each(value));
                self.outputs(node.get("target_list"));
                for field in ["with_clause", "from_clause", "larg", "rarg"] {
                    self.each_in(node.get(field));
                }
            }
            "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => {
                if let Some(returning) = node.get("returning_clause").node() {
                    self.outputs(returning.get("exprs"));
                }
                for field in ["select_stmt", "with_clause", "from_clause", "using_clause", "source_relation"] {
                    self.each_in(node.get(field));
                }
                for field in ["target_list", "merge_when_clauses"] {
                    self.each_in(node.get(field));
                }
            }
            "MergeWhenClause" => {
                self.outputs(node.get("target_list"));
                node.get("values").list().iter().for_each(|value| self.each(value));
            }
            "ResTarget" => self.each(node.get("val")),
            "WithClause" => self.each_in(node.get("ctes")),
            "CommonTableExpr" => self.each_in(node.get("ctequery")),
            "RangeSubselect" => self.each_in(node.get("subquery")),
            "JoinExpr" => ["larg", "rarg"].iter().for_each(|field| self.each_in(node.get(field))),
            "RangeFunction" => self.of_functions(node),
            _ => {}
        }
    }

    fn outputs(&mut self, targets: &'a Tree) {
        targets.list().iter().filter_map(Tree::node).for_each(|target| self.each(target.get("val")));
    }

    /// `FROM unnest(ARRAY['…', $1])`, `FROM concat('…')`: what functions are given may be what their rows hold.
    fn of_functions(&mut self, node: &'a Node) {
        node.walk(&mut |node| {
            if matches!(node.kind, "AConst" | "ParamRef") {
                (self.found)(node);
            }
            self.goes_on()
        });
    }
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
