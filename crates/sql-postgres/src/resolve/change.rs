//! INSERT, UPDATE, DELETE and MERGE: what they give back.

use std::rc::Rc;

use lineage::{Item, Level, Output, Rows};

use super::{At, Resolver};
use crate::tree::{Node, Tree};

impl<'a> Resolver<'a> {
    /// The outputs of RETURNING. `at` is where the statement's WITH can be seen.
    pub(super) fn change(&mut self, node: &'a Node, at: &At<'a>) -> Vec<Output<'a>> {
        let target = self.target(node.get("relation"));
        // Only what INSERT inserts does not see the table.
        if let Some(source) = node.get("select_stmt").node() {
            self.query(source, at);
        }
        let mut items = vec![target.clone()];
        for field in ["from_clause", "using_clause", "source_relation"] {
            items = self.stands(node.get(field), items, at);
        }
        let inside = self.among(items.clone(), at);
        for field in ["target_list", "where_clause", "join_condition", "merge_when_clauses"] {
            self.value(node.get(field), &inside);
        }
        if let Some(conflict) = node.get("on_conflict_clause").node() {
            let excluded = Item { name: Some("excluded"), open: false, ..target.clone() };
            let inside = self.among(vec![target.clone(), excluded], at);
            self.below(conflict, &inside);
        }
        let Some(clause) = node.get("returning_clause").node() else { return Vec::new() };
        // The row as it was and as it is, from PostgreSQL 18.
        for name in ["old", "new"] {
            if !items.iter().any(|item| item.name == Some(name)) {
                items.push(Item { name: Some(name), open: false, ..target.clone() });
            }
        }
        for option in clause.get("options").list().iter().filter_map(Tree::node) {
            items.push(Item { name: Some(option.text("value")), open: false, ..target.clone() });
        }
        let inside = self.among(items, at);
        self.targets(clause.get("exprs"), &inside)
    }

    fn among(&self, items: Vec<Item<'a>>, at: &At<'a>) -> At<'a> {
        At { scope: at.scope.inside(Rc::new(Level::new(items))), named: at.named.clone(), windows: None }
    }

    /// The table that is changed. No query of a WITH can be meant.
    fn target(&mut self, range: &'a Tree) -> Item<'a> {
        let Some(range) = range.node() else {
            return Item { name: None, rows: Rc::new(Rows::unknown()), open: true };
        };
        let (schema, name) = (range.text("schemaname"), range.text("relname"));
        let mut rows = self.table(schema, name);
        // A rule gives back what it says in the place of each column.
        let catalog = self.catalog;
        for entry in catalog.named(schema, name).filter(|entry| entry.ruled) {
            let whole = self.origin(entry.whole(catalog.classifies()));
            for column in &mut rows.columns {
                column.origin.mix(whole.clone());
                column.bare = false;
            }
        }
        let alias = range.get("alias").node().map(|alias| alias.text("aliasname"));
        Item { name: alias.or(Some(range.text("relname"))), rows: Rc::new(rows), open: true }
    }
}
