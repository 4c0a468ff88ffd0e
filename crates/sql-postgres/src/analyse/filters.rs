//! What a statement looks at of the very rows that it is given to store: the WHERE of a COPY, and `excluded` in ON CONFLICT.
//!
//! Where values of a row are replaced on their way, such a look would meet what stands in their place.

use std::collections::HashSet;

use crate::tree::{Tree, name_parts};

/// Columns of rows to be stored that something in the statement looks at, by their names alone.
#[derive(Debug, Default)]
pub(super) struct Filters<'a> {
    columns: HashSet<&'a str>,
    /// It looks at a row as a whole.
    rows: bool,
}

impl<'a> Filters<'a> {
    pub(super) fn of(tree: &'a Tree) -> Self {
        let mut filters = Self::default();
        tree.walk(&mut |node| {
            match node.kind {
                "CopyStmt" if node.has("is_from") => {
                    let relation = node.get("relation").node().map_or("", |relation| relation.text("relname"));
                    filters.look(node.get("where_clause"), |names| names.last().copied(), relation);
                }
                "OnConflictClause" => {
                    filters.excluded(node.get("where_clause"));
                    for assignment in node.get("target_list").list().iter().filter_map(Tree::node) {
                        let (column, value) = (assignment.text("name"), assignment.get("val"));
                        let gives_on = value
                            .as_kind("ColumnRef")
                            .is_some_and(|value| name_parts(value.get("fields").list()) == ["excluded", column]);
                        if !gives_on {
                            filters.excluded(value);
                        }
                    }
                }
                _ => {}
            }
            true
        });
        filters
    }

    /// Whether it looks at this column.
    pub(super) fn look_at(&self, column: &str) -> bool {
        self.rows || self.columns.contains(column)
    }

    fn excluded(&mut self, condition: &'a Tree) {
        let column = |names: &[&'a str]| match names {
            ["excluded"] => Some("*"),
            ["excluded", column, ..] => Some(*column),
            _ => None,
        };
        self.look(condition, column, "");
    }

    /// Takes what a condition names: a column, or the row by its `relation` or by a star.
    fn look(&mut self, condition: &'a Tree, column: impl Fn(&[&'a str]) -> Option<&'a str>, relation: &str) {
        condition.walk(&mut |node| {
            if node.kind == "ColumnRef"
                && let Some(name) = column(&name_parts(node.get("fields").list()))
            {
                self.rows |= name == "*" || name == relation;
                self.columns.insert(name);
            }
            true
        });
    }
}
