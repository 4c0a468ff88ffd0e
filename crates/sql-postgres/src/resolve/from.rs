//! What stands in FROM: relations, subqueries, functions, joins.

use std::rc::Rc;
use std::sync::Arc;

use lineage::{Column, Item, Level, Origin, Rows};
use pg_query::protobuf::JoinType;

use super::{At, Probe, Resolver, names};
use crate::catalog::RelationKind;
use crate::tree::{Node, Tree};

/// What a part of FROM gives.
struct Part<'a> {
    /// What can be named in it.
    items: Vec<Item<'a>>,
    /// Its columns, as a join or a star sees them.
    rows: Rc<Rows<'a>>,
}

impl<'a> Part<'a> {
    fn of(name: Option<&'a str>, rows: Rc<Rows<'a>>) -> Self {
        Self { items: vec![Item { name, rows: Rc::clone(&rows), open: true, joined: false }], rows }
    }
}

impl<'a> Resolver<'a> {
    /// All that stands in a FROM, beside what stands there already: the target of UPDATE.
    pub(super) fn stands(&mut self, from: &'a Tree, mut items: Vec<Item<'a>>, at: &At<'a>) -> Vec<Item<'a>> {
        let parts = match from {
            Tree::List(parts) => parts.as_slice(),
            Tree::Nothing => &[],
            one => std::slice::from_ref(one),
        };
        for part in parts.iter().filter_map(Tree::node) {
            let part = self.part(part, &items, at);
            items.extend(part.items);
        }
        items
    }

    /// A part of FROM; `before` is what stands to its left, which LATERAL sees.
    fn part(&mut self, node: &'a Node, before: &[Item<'a>], at: &At<'a>) -> Part<'a> {
        if !self.step() {
            return Part::of(None, Rc::new(Rows::unknown()));
        }
        match node.kind {
            "RangeVar" => {
                let rows = self.relation(node, at);
                self.aliased(node, Some(node.text("relname")), rows)
            }
            "RangeSubselect" => {
                let at = if node.has("lateral") { self.beside(before, at) } else { at.clone() };
                let outputs = node.get("subquery").node().map(|query| self.query(query, &at)).unwrap_or_default();
                self.aliased(node, None, Rc::new(Rows::of(outputs)))
            }
            "RangeFunction" => {
                let at = self.beside(before, at);
                self.functions(node, &at)
            }
            "RangeTableFunc" | "JsonTable" => {
                let at = self.beside(before, at);
                self.table_of_document(node, &at)
            }
            "RangeTableSample" => {
                let beside = self.beside(before, at);
                let origin = self.value(node.get("args"), &beside).with(self.value(node.get("repeatable"), &beside));
                self.probe(&origin, Probe::Range);
                match node.get("relation").node() {
                    Some(relation) => self.part(relation, before, at),
                    None => Part::of(None, Rc::new(Rows::unknown())),
                }
            }
            "JoinExpr" => self.join(node, before, at),
            _ => Part::of(None, Rc::new(Rows::unknown())),
        }
    }

    /// Where something stands that sees what is to its left.
    fn beside(&mut self, before: &[Item<'a>], at: &At<'a>) -> At<'a> {
        self.steps(before.len());
        let before = if self.steps > 0 { before } else { &[] };
        let scope = at.scope.inside(Rc::new(Level::new(before.to_vec())));
        At { scope, named: at.named.clone(), windows: None }
    }

    /// A relation, or a query of a WITH.
    fn relation(&mut self, range: &'a Node, at: &At<'a>) -> Rc<Rows<'a>> {
        let (schema, name) = (range.text("schemaname"), range.text("relname"));
        if schema.is_empty()
            && let Some(query) = self.named(name, at)
        {
            return self.rows_of_named(query);
        }
        let mut rows = self.table(schema, name);
        // Whole rows of a table have the names of its own columns, and in some releases those of the alias.
        rows.named &= !range.get("alias").node().is_some_and(|alias| alias.has("colnames"));
        Rc::new(rows)
    }

    /// The rows of every relation that a name may mean.
    pub(super) fn table(&mut self, schema: &str, name: &str) -> Rows<'a> {
        let catalog = self.catalog;
        let mut rows: Option<Rows<'a>> = None;
        for entry in catalog.named(schema, name) {
            if matches!(entry.relation.kind, RelationKind::Index | RelationKind::Composite) {
                continue;
            }
            let these = self.rows_of(entry);
            rows = Some(match rows {
                Some(others) => others.either(these),
                None => these,
            });
        }
        rows.unwrap_or_else(Rows::unknown)
    }

    /// Under its alias, if it has one, or else under its own name.
    fn aliased(&mut self, node: &'a Node, own_name: Option<&'a str>, rows: Rc<Rows<'a>>) -> Part<'a> {
        let Some(alias) = node.get("alias").node() else { return Part::of(own_name, rows) };
        let names = alias.get("colnames").list();
        let rows = if names.is_empty() {
            rows
        } else {
            self.steps(rows.columns.len());
            Rc::new(Rc::unwrap_or_clone(rows).renamed(names.iter().map(Tree::text)))
        };
        Part::of(Some(alias.text("aliasname")), rows)
    }

    // ---- functions

    fn functions(&mut self, node: &'a Node, at: &At<'a>) -> Part<'a> {
        let functions = node.get("functions").list();
        let alone = functions.len() == 1 && !node.has("ordinality");
        let mut rows = Rows::default();
        // It has the name of the first of them.
        let first = functions.first().and_then(|function| function.list().first());
        let name = first.and_then(|call| names::figured(call)).map(|(name, _)| name);
        if name.is_none() && !node.has("alias") {
            // It may have any name, and nobody would know what the names behind it mean.
            self.steps = 0;
        }
        for function in functions {
            // Each is a list of the call and the columns that AS gives it.
            let [call, columns @ ..] = function.list() else { return Part::of(None, Rc::new(Rows::unknown())) };
            let origin = self.value(call, at).computed();
            let listed = columns.first().filter(|columns| !columns.list().is_empty());
            let called = call.node().and_then(|call| call.get("funcname").list().last()).map(Tree::text);
            let signature = called.filter(|_| origin != Origin::Unknown).and_then(|name| self.signature(name));
            match listed.unwrap_or_else(|| node.get("coldeflist")).list() {
                [] if signature.is_some() && rows.more.is_none() => {
                    let names = signature.unwrap_or_default();
                    let mut names: Vec<Option<&'a str>> = names.iter().map(|name| Some(&**name)).collect();
                    if names.is_empty() {
                        // One value, which has the name of the alias if there is one.
                        let alias = node.get("alias").node().map(|alias| alias.text("aliasname"));
                        names.push(alias.filter(|_| functions.len() == 1).or(called));
                    }
                    rows.columns.extend(names.into_iter().map(|name| Column::computed(name, origin.clone())));
                }
                [] => {
                    let row = rows.row().with(origin.clone());
                    rows.more = Some(rows.more.map_or(origin.clone(), |more| more.with(row.clone())));
                }
                columns => rows.columns.extend(columns.iter().filter_map(Tree::node).map(|column| {
                    let name = Some(column.text("colname"));
                    Column { certain: alone, ..Column::computed(name, origin.clone()) }
                })),
            }
        }
        if node.has("ordinality") {
            match &rows.more {
                Some(_) => {
                    rows.columns.push(Column { certain: false, ..Column::computed(Some("ordinality"), rows.row()) })
                }
                None => rows.columns.push(Column::computed(Some("ordinality"), Origin::Free)),
            }
        }
        // An alias of a function that returns one value is the name of its column as well.
        self.aliased(node, name, Rc::new(rows))
    }

    /// The columns that a call of this name gives, if every function that it may mean gives the same.
    fn signature(&self, name: &str) -> Option<&'a [Arc<str>]> {
        let catalog = self.catalog;
        if catalog.user_functions("", name).next().is_some() {
            return None;
        }
        catalog.system_function(name)?.columns.as_deref()
    }

    /// XMLTABLE and JSON_TABLE: every column is made of the document.
    fn table_of_document(&mut self, node: &'a Node, at: &At<'a>) -> Part<'a> {
        let origin = self.below(node, at).computed();
        self.probe(&origin, Probe::Range);
        let mut rows = Rows::default();
        node.walk(&mut |below| {
            match below.kind {
                "RangeTableFuncCol" => rows.columns.push(Column::computed(Some(below.text("colname")), origin.clone())),
                "JsonTableColumn" if below.has("name") => {
                    rows.columns.push(Column::computed(Some(below.text("name")), origin.clone()));
                }
                "SelectStmt" => return false,
                _ => {}
            }
            true
        });
        let own_name = if node.kind == "JsonTable" { "json_table" } else { "xmltable" };
        self.aliased(node, Some(own_name), Rc::new(rows))
    }

    // ---- joins

    fn side(&mut self, node: &'a Node, field: &str, before: &[Item<'a>], at: &At<'a>) -> Part<'a> {
        match node.get(field).node() {
            Some(part) => self.part(part, before, at),
            None => Part::of(None, Rc::new(Rows::unknown())),
        }
    }

    fn join(&mut self, node: &'a Node, before: &[Item<'a>], at: &At<'a>) -> Part<'a> {
        let left = self.side(node, "larg", before, at);
        self.steps(left.rows.columns.len().saturating_add(before.len()).saturating_add(left.items.len()));
        if self.steps == 0 {
            return Part::of(None, Rc::new(Rows::unknown()));
        }
        let seen: Vec<Item<'a>> = before.iter().chain(&left.items).cloned().collect();
        let right = self.side(node, "rarg", &seen, at);
        self.steps(right.rows.columns.len());

        let closed = left.rows.is_closed() && right.rows.is_closed();
        let mut using: Vec<&'a str> = node.get("using_clause").list().iter().map(Tree::text).collect();
        if node.has("is_natural") {
            let names = left.rows.columns.iter().filter_map(|column| column.name);
            using = names.filter(|name| right.rows.columns.iter().any(|two| two.name == Some(*name))).collect();
        }
        let named_all = |rows: &Rows<'a>| rows.columns.iter().all(|column| column.name.is_some());
        let sure = using.is_empty() && !node.has("is_natural") || named_all(&left.rows) && named_all(&right.rows);
        let rows = if sure && (closed || !node.has("is_natural")) {
            merged(node, &using, &left.rows, &right.rows)
        } else {
            // It is not known which columns are the same.
            let columns = left.rows.columns.iter().chain(&right.rows.columns).cloned();
            let columns: Vec<_> = columns.map(|column| Column { certain: false, bare: false, ..column }).collect();
            let more = left.rows.row().with(right.rows.row());
            Rows { columns, more: Some(more), ..Rows::default() }
        };
        let rows = Rc::new(rows);

        // What is joined can still be named, and its columns with it; without it they are found in the join.
        let mut items: Vec<Item<'a>> = left.items.iter().chain(&right.items).cloned().collect();
        items.iter_mut().for_each(|item| item.joined = true);
        if !using.is_empty() || !sure {
            items.iter_mut().for_each(|item| item.open = false);
            items.push(Item { name: None, rows: Rc::clone(&rows), open: true, joined: true });
        }
        if node.has("is_natural") && !(closed && sure) {
            // Which columns are compared is not known.
            [&left.rows, &right.rows].into_iter().for_each(|rows| self.probe(&rows.row(), Probe::Join));
        }
        for name in &using {
            for side in [&left.rows, &right.rows] {
                if let Some(column) = side.column(name) {
                    self.probe(&column.origin, Probe::Join);
                }
            }
        }
        let condition = node.get("quals");
        if !condition.is_nothing() {
            let scope = at.scope.inside(Rc::new(Level::new(items.clone())));
            let inside = At { scope, named: at.named.clone(), windows: None };
            self.condition(condition, &inside);
        }
        if let Some(alias) = node.get("join_using_alias").node() {
            let columns = rows.columns.iter().filter(|column| column.name.is_none_or(|name| using.contains(&name)));
            let merged = Rows { columns: columns.cloned().collect(), more: rows.more.clone(), ..Rows::default() };
            items.push(Item { name: Some(alias.text("aliasname")), rows: Rc::new(merged), open: false, joined: true });
        }
        if node.has("alias") {
            return self.aliased(node, None, rows);
        }
        Part { items, rows }
    }
}

/// The columns of a join: those it is made by first, each once.
fn merged<'a>(node: &Node, using: &[&'a str], left: &Rows<'a>, right: &Rows<'a>) -> Rows<'a> {
    let kind = i32::try_from(node.int("jointype")).ok().and_then(|kind| JoinType::try_from(kind).ok());
    let mut columns = Vec::new();
    for name in using {
        let of = |rows: &Rows<'a>| rows.column(name);
        let column = match (of(left), of(right), kind) {
            (Some(one), Some(_), Some(JoinType::JoinInner | JoinType::JoinLeft)) => one,
            (Some(_), Some(two), Some(JoinType::JoinRight)) => two,
            (Some(one), Some(two), _) => Column::computed(Some(name), one.origin.or(two.origin)),
            (Some(one), None, _) | (None, Some(one), _) => one,
            (None, None, _) => Column::computed(Some(name), Origin::Unknown),
        };
        columns.push(Column { name: Some(name), ..column });
    }
    let rest = left.columns.iter().chain(&right.columns);
    columns.extend(rest.filter(|column| column.name.is_none_or(|name| !using.contains(&name))).cloned());
    let more = match (&left.more, &right.more) {
        (Some(one), Some(two)) => Some(one.clone().with(two.clone())),
        (one, two) => one.clone().or(two.clone()),
    };
    // A join has neither's system columns.
    Rows { columns, unordered: left.unordered || right.unordered, more, ..Rows::default() }
}
