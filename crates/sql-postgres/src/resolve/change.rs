//! INSERT, UPDATE, DELETE and MERGE: what they give back.

use std::rc::Rc;

use lineage::{Item, Level, Origin, Output, Rows};
use pg_query::protobuf::CmdType;

use super::{At, Probe, Resolver};
use crate::tree::{Node, Tree};

impl<'a> Resolver<'a> {
    /// The outputs of RETURNING. `at` is where the statement's WITH can be seen.
    pub(super) fn change(&mut self, node: &'a Node, at: &At<'a>) -> Vec<Output<'a>> {
        let target = self.target(node.get("relation"));
        // Only what INSERT inserts does not see the table.
        let inserted = node.get("select_stmt").node().map(|source| self.query(source, at)).unwrap_or_default();
        inserted.iter().for_each(|output| self.store(output.origin()));
        if node.kind == "InsertStmt" {
            self.keeps(&inserted);
        }
        let mut items = vec![target.clone()];
        for field in ["from_clause", "using_clause", "source_relation"] {
            items = self.stands(node.get(field), items, at);
        }
        let inside = self.among(items.clone(), at);
        if node.kind == "UpdateStmt" {
            self.overwritten(node, node.get("target_list"), &target);
        }
        self.assigned(node.get("target_list"), &inside);
        self.condition(node.get("where_clause"), &inside);
        self.condition(node.get("join_condition"), &inside);
        for clause in node.get("merge_when_clauses").list().iter().filter_map(Tree::node) {
            self.condition(clause.get("condition"), &inside);
            if clause.int("command_type") == i64::from(i32::from(CmdType::CmdUpdate)) {
                self.overwritten(node, clause.get("target_list"), &target);
            }
            self.assigned(clause.get("target_list"), &inside);
            self.assigned(clause.get("values"), &inside);
        }
        if let Some(conflict) = node.get("on_conflict_clause").node() {
            let excluded = excluded(node, &target, &inserted);
            let inside = self.among(vec![target.clone(), excluded], at);
            // Whether there is such a row already.
            if let Some(infer) = conflict.get("infer").node() {
                for element in infer.get("index_elems").list().iter().filter_map(Tree::node) {
                    let origin = match element.text("name") {
                        "" => self.value(element.get("expr"), &inside),
                        name => self.column(&[name], &inside).origin,
                    };
                    self.probe(&origin, Probe::Equality);
                }
                self.condition(infer.get("where_clause"), &inside);
            }
            self.overwritten(node, conflict.get("target_list"), &target);
            self.assigned(conflict.get("target_list"), &inside);
            self.condition(conflict.get("where_clause"), &inside);
        }
        let Some(clause) = node.get("returning_clause").node() else { return Vec::new() };
        // The catalog does not know yet what the rows hold that come back.
        if self.is_own(node)
            && let Some(target) = items.first_mut()
        {
            let kept = match (self.stores.anything, self.stores.sources.is_empty()) {
                (true, _) => Origin::Unknown,
                (false, true) => Origin::Free,
                (false, false) => Origin::Made(self.stores.sources.clone()),
            };
            for column in &mut Rc::make_mut(&mut target.rows).columns {
                column.origin.mix(kept.clone());
                column.bare = false;
            }
        }
        let target = items.first().cloned().unwrap_or(target);
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

    /// Whether a statement writes to a temporary table of the session.
    fn is_own(&self, node: &Node) -> bool {
        let range = node.get("relation").node();
        let mut named =
            range.map(|range| self.catalog.named(range.text("schemaname"), range.text("relname")).peekable());
        let known = named.as_mut().is_some_and(|named| named.peek().is_some());
        known && named.is_some_and(|mut named| named.all(|entry| self.catalog.is_own_temporary(entry)))
    }

    /// The columns that SET names get other values.
    fn overwritten(&mut self, node: &'a Node, list: &'a Tree, target: &Item<'a>) {
        // What is in a temporary table of the session is no row of anybody else's.
        let own = self.is_own(node);
        for assignment in list.list().iter().filter_map(Tree::node) {
            if let Some(column) = target.rows.column(assignment.text("name")).filter(|_| !own) {
                self.overwrites.add(&column.origin.sources());
            }
        }
    }

    /// Values that are kept, one by one.
    fn assigned(&mut self, values: &'a Tree, at: &At<'a>) {
        for value in values.list() {
            let origin = self.value(value, at);
            self.store(&origin);
        }
    }

    fn among(&self, items: Vec<Item<'a>>, at: &At<'a>) -> At<'a> {
        At { scope: at.scope.inside(Rc::new(Level::new(items))), named: at.named.clone(), windows: None }
    }

    /// The table that is changed. No query of a WITH can be meant.
    fn target(&mut self, range: &'a Tree) -> Item<'a> {
        let Some(range) = range.node() else {
            return Item { name: None, rows: Rc::new(Rows::unknown()), open: true, joined: false };
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
        Item { name: alias.or(Some(range.text("relname"))), rows: Rc::new(rows), open: true, joined: false }
    }
}

/// The row that was to be inserted, as ON CONFLICT sees it: made of what was to be.
fn excluded<'a>(node: &'a Node, target: &Item<'a>, inserted: &[Output<'a>]) -> Item<'a> {
    let mut rows = Rows::clone(&target.rows);
    let listed: Vec<&str> =
        node.get("cols").list().iter().filter_map(Tree::node).map(|column| column.text("name")).collect();
    let in_order = rows.is_closed() && inserted.iter().all(|output| matches!(output, Output::One(_)));
    let all: Origin = inserted.iter().map(|output| output.origin().clone()).collect();
    for (at, column) in rows.columns.iter_mut().enumerate() {
        let place = match listed.is_empty() {
            true => Some(at),
            false => listed.iter().position(|name| Some(*name) == column.name),
        };
        column.bare = false;
        column.origin = match place {
            _ if !in_order => all.clone(),
            Some(place) => inserted.get(place).map_or(Origin::Free, |output| output.origin().clone()),
            None => Origin::Free,
        };
    }
    rows.more = rows.more.map(|more| more.with(all));
    Item { name: Some("excluded"), rows: Rc::new(rows), open: false, joined: false }
}
