//! Which classified columns a statement may keep somewhere, where its values are not followed: definitions, and what
//! [`crate::resolve`] gives up on. What is followed says so itself ([`crate::resolve::Stores`]).
//!
//! By names, and on the safe side. A column reference in a stored expression counts for every named relation that has such a
//! column; a row or a star counts for all columns of what is in scope; common table expressions count whole as soon as
//! anything but constants is stored; a name that means nothing known counts for everything. Conditions (WHERE, ON) don't
//! count here: what can be learnt from them is a matter of probing.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::Field;
use pg_query::protobuf::{AlterTableType, CoercionForm, ConstrType, ObjectType};

use super::outputs::given_names;
use crate::catalog::{Catalog, Column, Entry, Made};
use crate::tree::{Node, Tree, name_parts, schema_and_name};

/// What a statement stores.
pub(super) struct Stored {
    /// The classified fields that may be in it.
    pub(super) fields: Vec<Field>,
    /// Whether anything but constants is stored.
    pub(super) something: bool,
    /// Whether code that can't be followed makes some of it.
    pub(super) of_code: bool,
}

/// Kinds of nodes that may store something.
const STORING: &[&str] = &[
    "InsertStmt",
    "UpdateStmt",
    "MergeStmt",
    "CreateTableAsStmt",
    "ViewStmt",
    "IntoClause",
    "AlterTableCmd",
    "Constraint",
    "RuleStmt",
    "CreateFunctionStmt",
    "PartitionBoundSpec",
];

/// Columns that every table has.
const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"];

/// What the statement stores. `sinks` are calls of functions that keep their arguments, `touches` everything classified that
/// it touches.
pub(super) fn stored(
    tree: &Tree,
    catalog: &Catalog,
    named: &BTreeMap<u32, &Entry>,
    sinks: &[&Node],
    touches: &[Field],
) -> Stored {
    // Most statements store nothing, and are not looked at again.
    if sinks.is_empty() && !tree.node().is_some_and(|node| node.contains(STORING)) {
        return Stored { fields: Vec::new(), something: false, of_code: false };
    }
    let mut flow = Flow {
        catalog,
        named,
        touches,
        given: given_names(tree),
        ranges: ranges(tree, catalog),
        columns: columns(named),
        scopes: Vec::new(),
        conflict: false,
        fields: Vec::new(),
        seen: HashSet::new(),
        something: false,
        of_code: false,
    };
    tree.walk(&mut |node| {
        flow.storing(node);
        true
    });
    for sink in sinks {
        let everything: Vec<&Entry> = named.values().copied().collect();
        flow.in_scope(everything, |flow| flow.value(sink.get("args")));
    }
    // What was renamed on the way is in reach of the arguments as well.
    if flow.something && !sinks.is_empty() {
        tree.walk(&mut |node| {
            flow.source(node.get("from_clause"));
            flow.source(node.get("using_clause"));
            flow.source(node.get("source_relation"));
            true
        });
    }
    if flow.something {
        tree.walk(&mut |node| {
            if node.kind == "CommonTableExpr" {
                flow.query(node.get("ctequery"));
            }
            true
        });
    }
    Stored { fields: flow.fields, something: flow.something, of_code: flow.of_code }
}

/// What each name of a table in FROM may be, by its alias or its own name.
fn ranges<'a>(tree: &'a Tree, catalog: &'a Catalog) -> HashMap<&'a str, Vec<&'a Entry>> {
    let mut ranges: HashMap<&str, BTreeMap<u32, &Entry>> = HashMap::new();
    tree.walk(&mut |node| {
        if node.kind == "RangeVar" {
            let name = node.get("alias").node().map_or(node.text("relname"), |alias| alias.text("aliasname"));
            let entries = catalog.named(node.text("schemaname"), node.text("relname"));
            ranges.entry(name).or_default().extend(entries.map(|entry| (entry.relation.oid, entry)));
        }
        true
    });
    ranges.into_iter().map(|(name, entries)| (name, entries.into_values().collect())).collect()
}

fn columns<'a>(named: &BTreeMap<u32, &'a Entry>) -> HashMap<&'a str, Vec<(&'a Entry, &'a Column)>> {
    let mut columns: HashMap<&str, Vec<(&Entry, &Column)>> = HashMap::new();
    for entry in named.values() {
        for column in &entry.relation.columns {
            columns.entry(&*column.name).or_default().push((entry, column));
        }
    }
    columns
}

struct Flow<'a> {
    catalog: &'a Catalog,
    named: &'a BTreeMap<u32, &'a Entry>,
    touches: &'a [Field],
    given: HashSet<&'a str>,
    ranges: HashMap<&'a str, Vec<&'a Entry>>,
    /// Every column of a named relation, by its name.
    columns: HashMap<&'a str, Vec<(&'a Entry, &'a Column)>>,
    /// What stars and rows stand for: the relations of each FROM around, innermost last.
    scopes: Vec<Vec<&'a Entry>>,
    /// Inside ON CONFLICT, where `excluded` is the row that was to be inserted, and counted already.
    conflict: bool,
    fields: Vec<Field>,
    seen: HashSet<Field>,
    something: bool,
    of_code: bool,
}

impl<'a> Flow<'a> {
    /// What this kind of node stores, if it stores anything.
    fn storing(&mut self, node: &'a Node) {
        match node.kind {
            "InsertStmt" => {
                self.query(node.get("select_stmt"));
                if let Some(conflict) = node.get("on_conflict_clause").node() {
                    self.conflict = !self.ranges.contains_key("excluded");
                    let scope = self.relations(node.get("relation"));
                    self.in_scope(scope, |flow| flow.assignments(conflict.get("target_list")));
                    self.conflict = false;
                }
            }
            "UpdateStmt" => {
                let before = std::mem::take(&mut self.something);
                let mut scope = self.relations(node.get("relation"));
                scope.extend(self.relations(node.get("from_clause")));
                self.in_scope(scope, |flow| flow.assignments(node.get("target_list")));
                if self.something {
                    self.source(node.get("from_clause"));
                }
                self.something |= before;
            }
            "MergeStmt" => {
                let before = std::mem::take(&mut self.something);
                let mut scope = self.relations(node.get("relation"));
                scope.extend(self.relations(node.get("source_relation")));
                self.in_scope(scope, |flow| {
                    for clause in node.get("merge_when_clauses").list().iter().filter_map(Tree::node) {
                        flow.assignments(clause.get("target_list"));
                        flow.value(clause.get("values"));
                    }
                });
                if self.something {
                    self.source(node.get("source_relation"));
                }
                self.something |= before;
            }
            "CreateTableAsStmt" | "ViewStmt" => {
                let before = self.of_code;
                self.query(node.get("query"));
                // The catalog knows of a view's and a materialized view's own code, and follows it from there.
                let kept = node.kind == "CreateTableAsStmt"
                    && node.int("objtype") != i64::from(i32::from(ObjectType::ObjectMatview));
                self.of_code = before || (kept && self.of_code);
            }
            "SelectStmt" if node.has("into_clause") => self.query_node(node),
            // The first arm of a set operation holds INTO, the others are stored with it.
            "SelectStmt" if node.has("larg") && arms(node).any(|arm| arm.has("into_clause")) => self.query_node(node),
            "AlterTableCmd" => self.alter(node),
            "Constraint" => {
                let kind = node.int("contype");
                let keeps = [ConstrType::ConstrGenerated, ConstrType::ConstrDefault];
                if keeps.iter().any(|keep| i64::from(i32::from(*keep)) == kind) {
                    self.definition(node.get("raw_expr"));
                }
            }
            // What a rule or a body does later can't be told apart from what it names now.
            // The catalog keeps what the bounds of a partition come to, for everybody.
            "PartitionBoundSpec" => {
                for field in ["listdatums", "lowerdatums", "upperdatums"] {
                    self.definition(node.get(field));
                }
            }
            "RuleStmt" => self.everything(),
            "CreateFunctionStmt" if node.has("sql_body") => self.everything(),
            _ => {}
        }
    }

    /// ALTER … TYPE … USING, SET DEFAULT, SET EXPRESSION: the table is rewritten with the expression.
    fn alter(&mut self, command: &'a Node) {
        let subtype = i32::try_from(command.int("subtype")).ok().and_then(|kind| AlterTableType::try_from(kind).ok());
        match (subtype, command.get("def").node()) {
            (Some(AlterTableType::AtAlterColumnType | AlterTableType::AtAddColumn), Some(column)) => {
                self.definition(column.get("raw_default"));
            }
            // What was computed stays, and is followed no more.
            (Some(AlterTableType::AtDropExpression), _) => {
                self.something = true;
                for entry in self.named.values().copied().collect::<Vec<_>>() {
                    for column in entry.relation.columns.iter().filter(|column| *column.name == *command.text("name")) {
                        self.made(entry, column);
                    }
                }
            }
            (Some(AlterTableType::AtColumnDefault | AlterTableType::AtSetExpression), Some(_)) => {
                self.definition(command.get("def"));
            }
            _ => {}
        }
    }

    /// An expression over the columns of the table that is defined.
    fn definition(&mut self, expression: &'a Tree) {
        let everything: Vec<&Entry> = self.named.values().copied().collect();
        self.in_scope(everything, |flow| flow.value(expression));
    }

    fn in_scope(&mut self, scope: Vec<&'a Entry>, inside: impl FnOnce(&mut Self)) {
        self.scopes.push(scope);
        inside(self);
        self.scopes.pop();
    }

    /// The relations that stand in a FROM, not those in its subqueries.
    fn relations(&self, from: &'a Tree) -> Vec<&'a Entry> {
        let mut relations = BTreeMap::new();
        from.walk(&mut |node| match node.kind {
            "RangeVar" => {
                let entries = self.catalog.named(node.text("schemaname"), node.text("relname"));
                relations.extend(entries.map(|entry| (entry.relation.oid, entry)));
                false
            }
            "RangeSubselect" | "SubLink" => false,
            _ => true,
        });
        relations.into_values().collect()
    }

    fn assignments(&mut self, targets: &'a Tree) {
        for target in targets.list().iter().filter_map(Tree::node) {
            self.value(target.get("val"));
        }
    }

    // ---- queries whose rows are stored

    fn query(&mut self, tree: &'a Tree) {
        if let Some(node) = tree.node() {
            self.query_node(node);
        }
    }

    fn query_node(&mut self, node: &'a Node) {
        match node.kind {
            "SelectStmt" => {
                let scope = self.relations(node.get("from_clause"));
                self.in_scope(scope, |flow| {
                    flow.assignments(node.get("target_list"));
                    for field in ["values_lists", "window_clause", "sort_clause", "limit_count", "limit_offset"] {
                        flow.value(node.get(field));
                    }
                    flow.source(node.get("from_clause"));
                });
                self.query(node.get("larg"));
                self.query(node.get("rarg"));
            }
            // What a data-changing WITH gives back.
            "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => {
                let mut scope = self.relations(node.get("relation"));
                for field in ["from_clause", "using_clause", "source_relation"] {
                    scope.extend(self.relations(node.get(field)));
                }
                self.in_scope(scope, |flow| {
                    if let Some(returning) = node.get("returning_clause").node() {
                        flow.assignments(returning.get("exprs"));
                    }
                });
            }
            _ => self.value_of(node),
        }
    }

    /// What a FROM gives beside the columns of its relations: subqueries, functions of columns.
    fn source(&mut self, from: &'a Tree) {
        match from {
            Tree::List(items) => items.iter().for_each(|item| self.source(item)),
            Tree::Node(node) => match node.kind {
                // `customers AS c (a, b, e)` has columns of other names.
                "RangeVar" => {
                    if node.get("alias").node().is_some_and(|alias| alias.has("colnames")) {
                        self.rows_of(from);
                    }
                }
                "RangeSubselect" => self.query(node.get("subquery")),
                "JoinExpr" => {
                    // A join that has a name can be used as a row.
                    if node.has("alias") || node.has("join_using_alias") {
                        self.rows_of(from);
                    }
                    self.source(node.get("larg"));
                    self.source(node.get("rarg"));
                }
                "RangeTableSample" => {
                    self.source(node.get("relation"));
                    self.value(node.get("args"));
                }
                _ => self.value_of(node),
            },
            Tree::Nothing | Tree::Text(_) | Tree::Int(_) => {}
        }
    }

    fn rows_of(&mut self, from: &'a Tree) {
        for entry in self.relations(from) {
            self.row(entry);
        }
    }

    // ---- expressions whose values are stored

    fn value(&mut self, tree: &'a Tree) {
        match tree {
            Tree::List(items) => items.iter().for_each(|item| self.value(item)),
            Tree::Node(node) => self.value_of(node),
            Tree::Nothing | Tree::Text(_) | Tree::Int(_) => {}
        }
    }

    fn value_of(&mut self, node: &'a Node) {
        match node.kind {
            "ColumnRef" => {
                let parts = name_parts(node.get("fields").list());
                self.column(&parts);
            }
            "SubLink" => {
                self.something = true;
                self.of_code |= self.catalog.is_users_operator(node.get("oper_name"));
                self.value(node.get("testexpr"));
                self.query(node.get("subselect"));
            }
            "SelectStmt" => self.query_node(node),
            "FuncCall" => {
                let parts = name_parts(node.get("funcname").list());
                let (schema, name) = schema_and_name(&parts);
                // `ssn(c)` is c.ssn.
                let column = self.named_column(name);
                let own_syntax = node.int("funcformat") == i64::from(i32::from(CoercionForm::CoerceSqlSyntax));
                let users = self.catalog.user_functions(schema, name).any(|function| !function.computes);
                if users || !own_syntax && !column && !self.catalog.only_computes(schema, name) {
                    self.code();
                }
                // Before PostgreSQL 16 SYSTEM_USER is the name of a column.
                if own_syntax && name == "system_user" {
                    self.everything();
                }
                node.fields.iter().for_each(|(_, value)| self.value(value));
            }
            "AExpr" | "SortBy"
                if ["name", "use_op"].iter().any(|field| self.catalog.is_users_operator(node.get(field))) =>
            {
                self.code();
                node.fields.iter().for_each(|(_, value)| self.value(value));
            }
            "AIndirection" => {
                for name in node.get("indirection").list() {
                    self.attribute(name.text());
                }
                node.fields.iter().for_each(|(_, value)| self.value(value));
            }
            _ => node.fields.iter().for_each(|(_, value)| self.value(value)),
        }
    }

    fn column(&mut self, parts: &[&'a str]) {
        let (qualifier, name) = match parts {
            [.., qualifier, name] => (Some(*qualifier), *name),
            [name] => (None, *name),
            [] => return,
        };
        if self.conflict && qualifier == Some("excluded") {
            return;
        }
        self.something = true;
        if name == "*" {
            self.rows_in_scope();
            return;
        }
        let known = if qualifier.is_some() { self.attribute(name) } else { self.named_column(name) };
        let mut known = known || SYSTEM_COLUMNS.contains(&name);
        // `c.address.street` is of the column address.
        for part in parts.iter().rev().skip(1).take(parts.len().saturating_sub(2)) {
            self.named_column(part);
        }
        if let Some(entries) = qualifier.and_then(|qualifier| self.ranges.get(qualifier)).cloned() {
            // `c.to_jsonb` where c has no such column: a function of the whole row.
            let has = |entry: &&Entry| entry.relation.columns.iter().any(|column| *column.name == *name);
            if !entries.is_empty() && !entries.iter().any(has) && !SYSTEM_COLUMNS.contains(&name) {
                entries.iter().for_each(|entry| self.row(entry));
                known = true;
            }
        }
        // The name of a table in FROM is its whole row.
        if qualifier.is_none()
            && let Some(entries) = self.ranges.get(name).cloned()
        {
            entries.iter().for_each(|entry| self.row(entry));
            known = true;
        }
        if !known && (!self.given.contains(name) || self.catalog.is_system_function("", name)) {
            self.everything();
        }
    }

    /// A column of this name, or a call of a function of this name with a row.
    fn attribute(&mut self, name: &str) -> bool {
        if self.catalog.user_functions("", name).any(|function| function.takes_row && !function.computes) {
            self.code();
        }
        self.named_column(name)
    }

    /// What is stored is made by code that can't be followed.
    fn code(&mut self) {
        self.something = true;
        self.of_code = true;
    }

    /// A column of this name, of any relation that has one. Says whether there is one.
    fn named_column(&mut self, name: &str) -> bool {
        let Some(columns) = self.columns.get(name) else { return false };
        for (entry, column) in columns.clone() {
            self.of_code |= entry.calls;
            match entry.field(column) {
                Some(field) => self.add(&field),
                None if self.catalog.is_own_temporary(entry) => self.made(entry, column),
                None if entry.is_derived() => entry.derived.iter().for_each(|field| self.add(field)),
                None => {}
            }
        }
        true
    }

    /// What a column is made of that is not stored as it is.
    fn made(&mut self, entry: &Entry, column: &Column) {
        match entry.made(column, self.catalog.classifies()) {
            Made::Plain => {}
            Made::Copy(field) => self.add(&field),
            Made::Computed(fields) => fields.iter().for_each(|field| self.add(field)),
            Made::Unknown | Made::Everything => self.everything(),
        }
    }

    fn rows_in_scope(&mut self) {
        let scopes = std::mem::take(&mut self.scopes);
        scopes.iter().flatten().for_each(|entry| self.row(entry));
        self.scopes = scopes;
    }

    fn row(&mut self, entry: &Entry) {
        self.of_code |= entry.calls;
        entry.touches.iter().for_each(|field| self.add(field));
    }

    fn everything(&mut self) {
        self.something = true;
        let touches = self.touches;
        touches.iter().for_each(|field| self.add(field));
    }

    fn add(&mut self, field: &Field) {
        if self.seen.insert(field.clone()) {
            self.fields.push(field.clone());
        }
    }
}

/// The arms of a set operation.
fn arms(node: &Node) -> impl Iterator<Item = &Node> {
    let mut next = Some(node);
    std::iter::from_fn(move || {
        let at = next?;
        next = at.get("larg").node();
        Some(at)
    })
}
