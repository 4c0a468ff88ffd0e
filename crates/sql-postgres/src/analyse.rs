//! From one text to what its statements do.
//!
//! Three passes over each statement's tree: [`kinds`] says what this kind of statement does to the objects it names,
//! [`walk`] finds every relation, function, operator and setting wherever it stands, and [`store`] follows classified columns
//! into what the statement keeps. [`outputs`] looks at the result's shape. A kind of statement that is not in the list of
//! [`kinds`] is opaque.

mod constants;
mod filters;
mod keeps;
mod kinds;
mod lowering;
mod made_of;
mod moves;
mod names;
mod objects;
mod outputs;
mod pg_settings;
mod store;
#[cfg(test)]
mod tests;
mod walk;
mod written;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use model::{ActionId, Ask, AttrValue, Certainty, Field, Holds, Object, Part};
use pg_query::protobuf::RawStmt;

use lowering::{Tokens, place_constants};

use crate::catalog::{Catalog, Entry, Silently};
use crate::copy::copy_statement;
use crate::read::{Unreadable, read};
use crate::resolve::{Traced, lineage, named_lineage};
use crate::statement::{Outputs, Statement, TransactionStep};
use crate::tree::{Node, Tree, name_parts, schema_and_name};
use crate::vocabulary::{OPAQUE, STORE};

/// What the statements of a text do.
///
/// Needs a stack of 2 MiB. A text without statements (empty, or comments only) gives none.
pub fn analyse(sql: &str, catalog: &Catalog) -> Result<Vec<Statement>, Unreadable> {
    analyse_with(sql, catalog, true)
}

/// The same; whether it is told what is put into columns that are not classified ([`Statement::puts`]), which takes time and seldom matters.
pub fn analyse_with(sql: &str, catalog: &Catalog, tells_puts: bool) -> Result<Vec<Statement>, Unreadable> {
    let (tokens, scope) = (Tokens::of(sql), Scope::new(catalog, tells_puts));
    read(sql)?.iter().map(|raw| statement(raw, sql, &tokens, &scope)).collect()
}

/// An output of a statement, and what it holds by the statement alone, before the server has described it.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreseen {
    /// Its name, if that can be told.
    pub name: Option<String>,
    /// Whether it stands for any number of columns.
    pub many: bool,
    /// What it holds.
    pub holds: Holds,
}

/// What the outputs of a text's statements hold, by the statements alone; `None` for one that can't be followed, whose outputs are
/// taken for made of all that it touches.
pub fn foresee(sql: &str, catalog: &Catalog) -> Result<Vec<Option<Vec<Foreseen>>>, Unreadable> {
    let foreseen = |raw: &RawStmt| {
        let tree = Tree::of(&raw.stmt).ok()?;
        let lineage = named_lineage(&tree, catalog)?;
        let outputs = lineage.outputs.as_ref()?.iter().map(|output| {
            let (origin, _) = output.parts();
            let (name, many) = match output {
                Traced::One { name, .. } => (name.as_deref().map(str::to_owned), false),
                Traced::Many { .. } => (None, true),
            };
            let document = lineage.document(origin, catalog).map(|document| Holds::Document(Arc::new(document.shape)));
            Foreseen { name, many, holds: document.unwrap_or_else(|| lineage.holds(origin)) }
        });
        Some(outputs.collect())
    };
    Ok(read(sql)?.iter().map(foreseen).collect())
}

fn statement(raw: &RawStmt, sql: &str, tokens: &Tokens<'_>, scope: &Scope<'_>) -> Result<Statement, Unreadable> {
    // The tree is made of nothing that it can't hold; if a new version brings some, the statement is refused.
    let tree = Tree::of(&raw.stmt).map_err(|error| Unreadable {
        message: format!("the statement's tree holds {error}, which Weir does not know"),
        position: None,
        beyond_limit: false,
    })?;
    let start = usize::try_from(raw.stmt_location).unwrap_or(0).min(sql.len());
    let length = usize::try_from(raw.stmt_len).unwrap_or(0);
    let end = if length == 0 { sql.len() } else { start.saturating_add(length).min(sql.len()) };
    let mut statement = of_tree(&tree, scope);
    // What is too much is not run, and where its data would go is not told.
    let copy = tree.as_kind("CopyStmt").filter(|node| scope.has_room_for_copy(node));
    statement.puts_too_much |= copy.is_none() && tree.as_kind("CopyStmt").is_some();
    statement.copy = copy.and_then(|node| copy_statement(node, sql, start, scope.catalog));
    if statement.copy.is_some() {
        // A COPY's options say how rows are written, and its query is described word for word.
        statement.inert_constants = None;
    }
    if !statement.lowered_constants.is_empty() {
        // What stands in their place depends on them.
        statement.inert_constants = None;
        place_constants(&mut statement, tokens);
    }
    statement.span = start..end;
    statement.names = names::names(&tree, sql.get(start..end).unwrap_or_default(), scope);
    Ok(statement)
}

/// What the statement of this tree does, but for the names that it gives and takes.
fn of_tree(tree: &Tree, scope: &Scope<'_>) -> Statement {
    let mut findings = Findings::new(scope.catalog, tree);
    match tree.node() {
        Some(node) => findings.statement(node),
        None => findings.opaque("the statement is empty"),
    }
    let (outputs, shape) = outputs::outputs(tree);
    let looked_at = findings.looks_at_constants;
    let mut statement = findings.finish(tree, scope);
    statement.outputs = outputs;
    statement.made_of = made_of::made_of(tree);
    statement.names_are_plain = shape.names_are_plain;
    statement.set_operation = shape.set_operation;
    if statement.is_tainted() {
        statement.has_conditions = has_conditions(tree);
        const UPDATES: [&str; 3] = ["UpdateStmt", "MergeStmt", "OnConflictClause"];
        statement.has_updates = tree.node().is_some_and(|node| node.contains(&UPDATES));
        statement.asks_probes();
    }
    let keys = statement.lineage.as_ref().map_or(&[][..], |lineage| lineage.constants.as_slice());
    statement.inert_constants =
        inert_constants(tree, looked_at).map(|inert| inert.into_iter().filter(|at| !keys.contains(at)).collect());
    statement
}

/// Kinds of statements that move values, and that run what may.
const MOVING: [&str; 8] =
    ["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt", "ExecuteStmt", "FetchStmt"];

/// Whether anything in a statement is filtered, compared, sorted or grouped, or may be by a function in FROM.
fn has_conditions(tree: &Tree) -> bool {
    const FIELDS: [&str; 17] = [
        "quals",
        "using_clause",
        "is_natural",
        "where_clause",
        "group_clause",
        "having_clause",
        "distinct_clause",
        "sort_clause",
        "limit_count",
        "limit_offset",
        "larg",
        "agg_filter",
        "agg_order",
        "agg_distinct",
        "over",
        "infer",
        "join_condition",
    ];
    const KINDS: [&str; 7] =
        ["CaseExpr", "RangeFunction", "RangeTableFunc", "JsonTable", "RangeTableSample", "SubLink", "FuncCall"];
    let mut found = false;
    tree.walk(&mut |node| {
        found |= KINDS.contains(&node.kind) || node.fields.iter().any(|(name, _)| FIELDS.contains(name));
        !found
    });
    found
}

pub use made_of::{MadeOf, Names};
pub use names::{kept_rows, unseen};
pub(crate) use walk::newer_syntax;
use written::Scope;
pub(crate) use written::copied_into;

/// What is found on the way through one statement.
struct Findings<'a> {
    catalog: &'a Catalog,
    asks: Vec<Ask>,
    /// The asks once more, to ask nothing twice.
    asked: HashSet<(&'static str, Option<Part>)>,
    opaque: Vec<String>,
    /// Every relation of the snapshot that is named, by oid.
    named: BTreeMap<u32, &'a Entry>,
    /// Those of them that are read, for `lock`.
    read: BTreeSet<u32>,
    unknown_names: BTreeSet<String>,
    /// Something that is read is not in the snapshot: what it holds can't be followed.
    unknown_relation: bool,
    /// A function or operator that is not PostgreSQL's own is called.
    unknown_call: bool,
    /// Names of functions in FROM, anywhere in the statement; `None` for one that may have any.
    functions: Vec<Option<&'a str>>,
    /// Names of common table expressions anywhere in the statement.
    ctes: HashSet<&'a str>,
    /// Some UPDATE or DELETE in it has no condition.
    lacks_where: bool,
    /// Some SELECT in it locks rows.
    locks_rows: bool,
    /// Classified columns that a definition takes away from the name under which the rules know them.
    moved: Vec<Field>,
    /// Functions whose arguments are kept: in a sequence, a setting, a notification, a lock.
    sinks: Vec<&'a Node>,
    /// The value of a constant has been looked at.
    looks_at_constants: bool,
    changes_catalog: bool,
    transaction: Option<TransactionStep>,
}

impl<'a> Findings<'a> {
    fn new(catalog: &'a Catalog, tree: &'a Tree) -> Self {
        let (mut ctes, mut functions) = (HashSet::new(), Vec::new());
        tree.walk(&mut |node| {
            match node.kind {
                "CommonTableExpr" => {
                    ctes.insert(node.text("ctename"));
                }
                "RangeFunction" => functions.push(function_name(node)),
                _ => {}
            }
            true
        });
        Self {
            catalog,
            asks: Vec::new(),
            asked: HashSet::new(),
            opaque: Vec::new(),
            named: BTreeMap::new(),
            read: BTreeSet::new(),
            unknown_names: BTreeSet::new(),
            unknown_relation: false,
            unknown_call: false,
            functions,
            ctes,
            lacks_where: false,
            locks_rows: false,
            moved: Vec::new(),
            sinks: Vec::new(),
            looks_at_constants: false,
            changes_catalog: false,
            transaction: None,
        }
    }

    /// An action on the target itself.
    fn main(&mut self, action: &'static str) {
        if self.asked.insert((action, None)) {
            self.asks.push(Ask::new(ActionId(action), Object::Target));
        }
    }

    /// An action on a part of it.
    fn part(&mut self, action: &'static str, part: Part) {
        if self.asked.insert((action, Some(part.clone()))) {
            self.asks.push(Ask::new(ActionId(action), Object::Part(part)));
        }
    }

    /// The asks so far don't say all that the statement does.
    fn opaque(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        if !self.opaque.contains(&reason) {
            self.opaque.push(reason);
        }
    }

    fn unknown(&mut self, schema: &str, name: &str) {
        let name = if schema.is_empty() { name.to_owned() } else { format!("{schema}.{name}") };
        self.unknown_names.insert(name);
    }

    /// A relation is named: everything classified that it is made of is touched.
    fn touch(&mut self, entry: &'a Entry) {
        if self.named.insert(entry.relation.oid, entry).is_none() {
            for foreign in entry.foreign.iter() {
                self.part("foreign", foreign.clone());
            }
        }
    }

    /// Whether a cast that nobody has written may run code that can't be followed.
    fn casts_silently(&self, tree: &Tree) -> bool {
        let of_users = |node: &Node| {
            let parts = name_parts(node.get("names").list());
            let (schema, name) = schema_and_name(&parts);
            self.catalog.may_be_users_type(schema, name)
        };
        match self.catalog.casts_silently() {
            Silently::Nowhere => false,
            Silently::Anywhere => true,
            Silently::WithUsersTypes => {
                let mut named = self.asks.iter().any(|ask| ask.action.0 == "call");
                named |= self.named.values().any(|entry| entry.relation.columns.iter().any(|column| column.of_users));
                tree.walk(&mut |node| {
                    named |= node.kind == "TypeName" && of_users(node);
                    !named
                });
                named
            }
        }
    }

    fn finish(mut self, tree: &'a Tree, scope: &Scope<'_>) -> Statement {
        if self.locks_rows {
            for oid in std::mem::take(&mut self.read) {
                if let Some(entry) = self.catalog.entry(oid) {
                    self.part("lock", entry.part.clone());
                }
            }
        }

        let mut touches: Vec<Field> = Vec::new();
        let mut seen = HashSet::new();
        for entry in self.named.values() {
            touches.extend(entry.touches.iter().filter(|field| seen.insert(*field)).cloned());
        }
        let classifies = self.catalog.classifies();
        let reads_calls = self.named.values().any(|entry| entry.calls);
        let touches_unknown = classifies && (self.unknown_relation || self.unknown_call || reads_calls);

        let runs_code = self.unknown_call || reads_calls;
        // Where nothing can matter nothing is followed, nor where code may run in any expression.
        let tainted = touches_unknown || !touches.is_empty();
        let casts = tainted && self.casts_silently(tree);
        let lineage = if tainted && !casts { lineage(tree, self.catalog) } else { None };
        let lost = lineage.is_none();
        let lineage = lineage.filter(|lineage| lineage.meets_code || !self.unknown_call);
        let unfollowed = match &lineage {
            Some(_) => None,
            None if casts => Some("a cast that nobody has written may run code"),
            None if lost => Some("it is of a kind that is not followed, or takes too many steps"),
            None => Some("it calls code"),
        };
        let stored = match lineage.as_ref().and_then(|lineage| Some((lineage, lineage.stores.as_ref()?))) {
            Some((lineage, stores)) => store::Stored {
                fields: match stores.anything {
                    true => touches.clone(),
                    false => stores.sources.iter().filter_map(|source| lineage.field(source)).cloned().collect(),
                },
                something: stores.anything,
                of_code: stores.code,
            },
            None => store::stored(tree, self.catalog, &self.named, &self.sinks, &touches),
        };
        if stored.something && classifies && self.unknown_relation {
            self.opaque("it stores what it reads from a relation that Weir does not know");
        }
        if stored.of_code && classifies {
            self.opaque("it stores what code returns that Weir can't follow");
        }
        // What goes into a temporary table of the session stays what it is, also for whom policy lets store it.
        let quiet = self.opaque.is_empty() && self.sinks.is_empty() && self.moved.is_empty();
        let exact = lineage.as_ref().filter(|lineage| lineage.stores.as_ref().is_some_and(|stores| !stores.anything));
        let keeps =
            exact.filter(|_| quiet).and_then(|lineage| keeps::keeps(tree, self.catalog, lineage, &stored.fields));
        let keeps = keeps.or_else(|| keeps::altered(tree, self.catalog, &stored.fields));
        let may_be_temporary = !stored.fields.is_empty() && keeps::may_be_temporary(tree, self.catalog);
        let mut kept: HashSet<Field> = HashSet::new();
        for field in stored.fields.into_iter().chain(std::mem::take(&mut self.moved)) {
            if kept.insert(field.clone()) {
                self.asks.push(Ask::new(STORE, Object::Field(field)));
            }
        }
        let writes = tainted || tree.node().is_some_and(|node| node.contains(&written::WRITING));
        let written = if writes { written::written(tree, scope) } else { written::Written::default() };
        let mut lowering = written.lowerings.fields;
        for lowering in lowering.iter_mut().filter(|lowering| kept.contains(&lowering.field)) {
            lowering.unfollowed =
                lowering.unfollowed.or(Some("something that is made of its values is stored as well"));
        }
        for field in written.fields {
            if kept.insert(field.clone()) {
                self.asks.push(Ask::new(STORE, Object::Field(field)));
            }
        }
        let touches_unknown = touches_unknown || (classifies && !self.opaque.is_empty());
        let certainty = if self.opaque.is_empty() {
            Certainty::Exact
        } else {
            self.asks.push(Ask::new(OPAQUE, Object::Target));
            self.changes_catalog = true;
            Certainty::Opaque(self.opaque.join("; "))
        };
        if certainty != Certainty::Exact {
            for lowering in &mut lowering {
                lowering.unfollowed = lowering.unfollowed.or(Some("Weir cannot tell all that the statement does"));
            }
        }
        let runs_code = runs_code || certainty != Certainty::Exact;
        let sets_encoding = tree.as_kind("DiscardStmt").is_some() || self.asks.iter().any(is_of_encoding);
        let has_where = AttrValue::Bool(!self.lacks_where);
        for ask in self.asks.iter_mut().filter(|ask| matches!(ask.action.0, "update" | "delete")) {
            ask.context = vec![("has_where", has_where.clone())];
        }
        Statement {
            asks: self.asks,
            certainty,
            touches,
            touches_unknown,
            unknown_names: self.unknown_names.into_iter().collect(),
            outputs: Outputs::None,
            changes_catalog: self.changes_catalog,
            transaction: self.transaction,
            copy: None,
            needs_own_catalog: keeps.is_none() && may_be_temporary,
            keeps,
            masks_returned: written.masks,
            arguments: written::arguments(tree),
            parameters_kept: written.parameters,
            puts: written.puts,
            lacks_puts: !scope.tells_puts && tree.node().is_some_and(|node| node.contains(&written::WRITING)),
            puts_too_much: written.too_much,
            lowering,
            lowered_parameters: written.lowerings.parameters,
            lowered_constants: written.lowerings.constants,
            names: None,
            runs_code,
            sets_encoding,
            moves_values: tree.node().is_some_and(|node| node.contains(&MOVING)),
            span: 0..0,
            names_are_plain: false,
            set_operation: false,
            made_of: MadeOf::default(),
            inert_constants: None,
            has_conditions: false,
            has_updates: false,
            lineage: lineage.map(Arc::new),
            unfollowed: unfollowed.filter(|_| tainted),
            unseen: false,
        }
    }
}

/// The name by which a function in FROM is known: its alias, or that of the first call.
fn function_name(node: &Node) -> Option<&str> {
    if let Some(alias) = node.get("alias").node() {
        return Some(alias.text("aliasname"));
    }
    let first = node.get("functions").list().first()?.list().first()?;
    Some(first.as_kind("FuncCall")?.get("funcname").list().last()?.text())
}

/// Where the constants of a statement stand that nothing in its analysis depends on; `None` if something may.
///
/// The value of a constant is read by [`Findings::constant`] and by the comparison of conditions alone, and both say so. A
/// constant that stands for itself in ORDER BY, GROUP BY or DISTINCT ON is the number of a column, and is not among them; nor is
/// one in a statement that is no plain reading or writing of rows.
fn inert_constants(tree: &Tree, looked_at: bool) -> Option<Vec<usize>> {
    const ROWS: [&str; 5] = ["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"];
    let node = tree.node().filter(|node| ROWS.contains(&node.kind) && !looked_at)?;
    let mut inert = Vec::new();
    let mut numbers_of_columns = HashSet::new();
    let mut column = |item: &Tree| {
        // Also in parentheses, which make a row of more than one.
        if let Some(row) = item.as_kind("RowExpr") {
            row.walk(&mut |node| {
                if node.kind == "AConst" {
                    numbers_of_columns.insert(node.int("location"));
                }
                true
            });
        }
        if let Some(constant) = item.as_kind("AConst") {
            numbers_of_columns.insert(constant.int("location"));
        }
    };
    node.walk(&mut |node| {
        match node.kind {
            "SelectStmt" => {
                node.get("group_clause").list().iter().for_each(&mut column);
                node.get("distinct_clause").list().iter().for_each(&mut column);
            }
            "GroupingSet" => node.get("content").list().iter().for_each(&mut column),
            "SortBy" => column(node.get("node")),
            "AConst" => inert.push(node.int("location")),
            _ => {}
        }
        true
    });
    inert.retain(|place| !numbers_of_columns.contains(place));
    Some(inert.into_iter().filter_map(|place| usize::try_from(place).ok()).collect())
}

/// Whether an ask is for setting the encoding of what the session sends, in so many words or among others.
fn is_of_encoding(ask: &Ask) -> bool {
    let Object::Part(part) = &ask.object else { return false };
    part.kind == "Setting"
        && matches!(ask.action.0, "set" | "reset" | "unsafe_setting")
        && matches!(&*part.name, "client_encoding" | "all" | "*")
}
