//! What a statement puts into columns, by INSERT, UPDATE, MERGE, COPY FROM and what makes tables: masks and parameters into those that are
//! classified, and constants and parameters into all others.
//!
//! Not of what it is made that is read from columns: that is [`super::store`]'s. A column that gets its default or NULL gets nothing of
//! anybody's. Where a value names a column or holds a query, it may be any constant of the statement that has no column of its own: which
//! it is would have to be found out by following it.

use std::collections::{HashMap, HashSet};
use std::ptr;
use std::sync::Arc;

use model::{Field, Part};
use pg_query::protobuf::AlterTableType;
use redact::is_mask;

use super::constants::{AsGiven, bare, each_made_of, given, is_star};
use super::lowering::{Lowerings, Place, Put};
use crate::catalog::{Catalog, Column, Entry, Made};
use crate::copy::PlainInto;
use crate::statement::{Given, KeptParameter, PlainPut, ReadAs};
use crate::tree::{Node, Tree, name_parts, schema_and_name};
use crate::vocabulary::table_part;

/// The server has no tables with more (`MaxHeapAttributeNumber`).
const COLUMNS_MAX: usize = 1600;

/// Statements that put something anywhere.
pub(super) const WRITING: [&str; 9] = [
    "InsertStmt",
    "UpdateStmt",
    "MergeStmt",
    "CreateTableAsStmt",
    "IntoClause",
    "CreateStmt",
    "AlterTableStmt",
    "CreateDomainStmt",
    "AlterDomainStmt",
];

/// The most values of which is kept where they go.
const VALUES_MAX: usize = 262_144;

/// What is put into columns.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Whether there is more than can be kept.
    pub(super) too_much: bool,
    /// Each classified column that gets a value.
    pub(super) fields: Vec<Field>,
    /// Those that get what Weir has shown in the place of a value.
    pub(super) masks: Vec<Field>,
    /// Parameters that are put into one as they are.
    pub(super) parameters: Vec<KeptParameter>,
    /// Values that are put into columns that are not classified.
    pub(super) puts: Vec<PlainPut>,
    /// Columns that may be given less than the values.
    pub(super) lowerings: Lowerings,
}

/// Of each argument of an EXECUTE the constants that it may be made of.
pub(super) fn arguments(tree: &Tree) -> Vec<Vec<Arc<str>>> {
    let mut arguments = Vec::new();
    let holds = |node: &Node| matches!(node.kind, "ExecuteStmt" | "CreateTableAsStmt" | "ExplainStmt");
    if !tree.node().is_some_and(holds) {
        return arguments;
    }
    let constants = |argument: &Tree| {
        let mut constants = Vec::new();
        each_made_of(argument, ReadAs::Anything, &mut |node, _| match given(node) {
            Some(Given::Constant(value)) => constants.push(value),
            Some(Given::Parameter(_) | Given::TooMuch) | None => {}
        });
        constants
    };
    tree.walk(&mut |node| {
        if node.kind == "ExecuteStmt" {
            arguments.extend(node.get("params").list().iter().map(constants));
        }
        true
    });
    arguments
}

/// What one column gets.
enum Source<'a> {
    /// One of these.
    Values(Vec<&'a Tree>),
    /// This, by way of a query.
    Selected(&'a Tree),
    /// One of these, by way of a query that names them.
    Named(Vec<&'a Tree>),
    /// This, for a part of it.
    Part(&'a Tree),
    /// A column of this COPY's data.
    Copied(&'a Node),
    /// Nobody says what.
    Anything,
}

impl<'a> Source<'a> {
    fn values(&self) -> &[&'a Tree] {
        match self {
            Self::Values(values) | Self::Named(values) => values,
            Self::Selected(value) | Self::Part(value) => std::slice::from_ref(value),
            Self::Copied(_) | Self::Anything => &[],
        }
    }
}

/// A table that something is put into: all that may be meant by its name.
struct Target<'a> {
    known: Vec<(&'a Entry, HashMap<&'a str, &'a Column>)>,
    /// If the catalog knows none.
    unknown: Option<Part>,
    /// Whether the rows that are written can be named elsewhere in the statement.
    returns: bool,
}

impl<'a> Target<'a> {
    fn new(node: &'a Node, catalog: &'a Catalog) -> Self {
        let relation = node.get("relation");
        let by_name = |entry: &'a Entry| entry.relation.columns.iter().map(|column| (&*column.name, column)).collect();
        let known: Vec<_> = entries(relation, catalog).map(|entry| (entry, by_name(entry))).collect();
        let unknown = if known.is_empty() { unknown_part(relation, catalog) } else { None };
        Self { known, unknown, returns: node.has("returning_clause") }
    }

    fn is_single(&self) -> bool {
        self.known.len() == 1
    }

    /// How many columns it has at most.
    fn width(&self) -> usize {
        self.known.iter().map(|(entry, _)| entry.relation.columns.len()).max().unwrap_or(0)
    }
}

/// Where a value goes: a column of each table that may be meant.
struct Goal<'a> {
    known: Vec<(&'a Entry, &'a Column)>,
    /// Those that are not classified, also those that nobody knows. Empty if that is not asked.
    plain: Arc<[PlainInto]>,
}

/// What is gathered from a statement.
struct Gathering<'a> {
    catalog: &'a Catalog,
    /// Whether what goes into columns is told that are not classified.
    tells_puts: bool,
    written: Written,
    /// How many of its parts put something anywhere.
    writes: usize,
    /// Values whose column is known, and whether they can be named elsewhere.
    placed: Vec<(&'a Tree, bool)>,
    /// Whether what is to be inserted into one column may go into another.
    crosses: bool,
    /// Where that may go which has no column of its own.
    reached: Vec<(Field, u32)>,
    reached_plain: Vec<PlainInto>,
}

/// What the statement of this tree puts into columns.
pub(super) fn written(tree: &Tree, catalog: &Catalog, tells_puts: bool) -> Written {
    let mut gathering = Gathering {
        catalog,
        tells_puts,
        written: Written::default(),
        writes: 0,
        placed: Vec::new(),
        crosses: false,
        reached: Vec::new(),
        reached_plain: Vec::new(),
    };
    let mut is_into = false;
    tree.walk(&mut |node| {
        match node.kind {
            "InsertStmt" => gathering.insert(node),
            "UpdateStmt" => {
                let target = Target::new(node, catalog);
                gathering.set(&target, node.get("target_list"), false);
            }
            "MergeStmt" => gathering.merge(node),
            "AlterTableStmt" | "CreateStmt" => gathering.defaults(node),
            "CreateDomainStmt" => gathering.domain(node, part_named(node.get("domainname"))),
            "AlterDomainStmt" => gathering.domain(node, part_named(node.get("type_name"))),
            // A table that is made of a query.
            "CreateTableAsStmt" => gathering.made(node.get("into").node().and_then(|into| part_of(into.get("rel")))),
            "SelectStmt" if !is_into && tells_puts => {
                let into = into_of(node);
                is_into = into.is_some();
                gathering.made(into.and_then(part_of));
            }
            "CopyStmt" if node.has("is_from") => {
                let target = Target::new(node, catalog);
                gathering.rows(&target, node.get("attlist"), 0, |_| Some(Source::Copied(node)));
            }
            _ => {}
        }
        gathering.writes = gathering.writes.saturating_add(usize::from(WRITING.contains(&node.kind)));
        true
    });
    gathering.loose(tree);
    let mut written = gathering.written;
    written.lowerings.finish(tree);
    let mut seen = HashSet::new();
    written.parameters.retain(|kept| seen.insert((kept.number, kept.field.clone(), kept.type_oid)));
    written.too_much |= written.puts.len() >= VALUES_MAX || written.parameters.len() >= VALUES_MAX;
    let mut seen = HashSet::new();
    written.puts.retain(|put| seen.insert((put.given.clone(), put.read_as, Arc::as_ptr(&put.into))));
    written
}

/// The table that a query's rows go into, if it has INTO, which stands in the first of its arms.
fn into_of(node: &Node) -> Option<&Tree> {
    let mut node = node;
    loop {
        match node.get("larg").node() {
            Some(first) => node = first,
            None => return node.get("into_clause").node().map(|into| into.get("rel")),
        }
    }
}

/// Rows of values.
struct Rows<'a> {
    rows: Vec<&'a [Tree]>,
    /// Whether there is a star among them, behind which nobody can count.
    has_star: bool,
}

impl<'a> Rows<'a> {
    fn new(rows: Vec<&'a [Tree]>) -> Self {
        let has_star = rows.iter().any(|row| row.iter().any(is_star));
        Self { rows, has_star }
    }

    fn width(&self) -> usize {
        self.rows.iter().map(|row| row.len()).max().unwrap_or(0)
    }

    /// What they give at a place.
    fn at(&self, at: usize) -> Option<Source<'a>> {
        if self.has_star {
            return Some(Source::Anything);
        }
        let values: Vec<&Tree> = self.rows.iter().filter_map(|row| row.get(at)).collect();
        (!values.is_empty()).then_some(Source::Values(values))
    }
}

/// The rows of VALUES in FROM, where a query has nothing else there: `SELECT a, b FROM (VALUES ($1, $2)) AS v (a, b)`.
struct NamedRows<'a> {
    rows: Rows<'a>,
    alias: &'a str,
    names: Vec<&'a str>,
}

impl<'a> NamedRows<'a> {
    fn of(query: &'a Node) -> Option<Self> {
        let [from] = query.get("from_clause").list() else { return None };
        let from = from.as_kind("RangeSubselect").filter(|_| !query.has("with_clause"))?;
        let (values, alias) = (from.get("subquery").node()?, from.get("alias").node()?);
        let rows = Rows::new(values.get("values_lists").list().iter().map(Tree::list).collect());
        let names: Vec<&str> = alias.get("colnames").list().iter().map(Tree::text).collect();
        let is_plain = !rows.has_star && !values.has("with_clause") && names.len() == rows.width();
        (is_plain && names.iter().collect::<HashSet<_>>().len() == names.len()).then(|| Self {
            rows,
            alias: alias.text("aliasname"),
            names,
        })
    }

    /// The values that a column of theirs has, with whatever casts around it.
    fn named(&self, value: &Tree) -> Option<Vec<&'a Tree>> {
        let fields: Vec<&str> = bare(value)?.get("fields").list().iter().map(Tree::text).collect();
        let name = match fields.as_slice() {
            [name] => *name,
            [alias, name] if *alias == self.alias => *name,
            _ => return None,
        };
        let at = self.names.iter().position(|known| *known == name)?;
        Some(self.rows.rows.iter().filter_map(|row| row.get(at)).collect())
    }
}

/// Where the columns of a COPY's data go: `fields` and `plain` of a `CopyIn`.
pub(crate) type CopiedInto = (Vec<Option<(Field, u32)>>, Vec<(usize, PlainInto)>);

/// The classified column that each column of a COPY's data goes into, in order. Where the name may mean several tables, a column
/// is classified if it is in any of them; and a column that the catalog does not know, if anything of its table is.
/// With each stands the oid of its type; 0 if it is not known. And the columns that are not classified.
pub(crate) fn copied_into(node: &Node, catalog: &Catalog) -> CopiedInto {
    let mut fields: Vec<Option<(Field, u32)>> = Vec::new();
    let mut plain = Vec::new();
    for entry in entries(node.get("relation"), catalog) {
        let columns: Vec<Option<&Column>> = match node.get("attlist").list() {
            [] => entry.relation.columns.iter().filter(|column| !column.generated).map(Some).collect(),
            list => list.iter().map(|name| column(entry, column_name(name))).collect(),
        };
        let unknown = || entry.touches.first().map(|field| (field.clone(), 0));
        let into = |column: &Column| Some((put_into(entry, column, catalog).into_iter().next()?, column.type_oid));
        let of_entry: Vec<_> = columns.iter().map(|column| column.map_or_else(unknown, into)).collect();
        let names = node.get("attlist").list();
        plain.extend(columns.iter().zip(&of_entry).enumerate().filter(|(_, (_, field))| field.is_none()).map(
            |(at, (column, _))| {
                // One that the catalog does not know may be newer than it.
                let written = || names.get(at).map_or("", column_name);
                let (name, type_oid) = column.map_or_else(|| (written(), 0), |column| (&*column.name, column.type_oid));
                (at, PlainInto { part: entry.part.clone(), column: name.to_owned(), type_oid })
            },
        ));
        fields.resize(fields.len().max(of_entry.len()), None);
        for (field, more) in fields.iter_mut().zip(of_entry) {
            *field = match (field.take(), more) {
                (Some((field, one)), Some((_, other))) if one != other => Some((field, 0)),
                (field, more) => field.or(more),
            };
        }
    }
    (fields, plain)
}

/// The classified fields that get what is put into a column.
fn put_into(entry: &Entry, column: &Column, catalog: &Catalog) -> Vec<Field> {
    match entry.made(column, catalog.classifies()) {
        Made::Plain => Vec::new(),
        Made::Copy(field) => vec![field],
        Made::Computed(fields) => fields.to_vec(),
        Made::Unknown | Made::Everything => entry.touches.to_vec(),
    }
}

impl<'a> Gathering<'a> {
    fn insert(&mut self, node: &'a Node) {
        let columns = node.get("cols");
        let target = Target::new(node, self.catalog);
        match node.get("select_stmt").node() {
            // DEFAULT VALUES.
            None => {}
            Some(source) if source.has("values_lists") => {
                let rows = Rows::new(source.get("values_lists").list().iter().map(Tree::list).collect());
                self.rows(&target, columns, rows.width(), |at| rows.at(at));
            }
            Some(source) => {
                // A star gives any number of columns.
                let targets = source.get("target_list").list();
                let value = |target: &'a Tree| target.node().map_or(target, |target| target.get("val"));
                let is_plain = !targets.is_empty() && !targets.iter().any(|target| is_star(value(target)));
                let named = NamedRows::of(source);
                self.rows(&target, columns, targets.len(), |at| match is_plain {
                    true => targets.get(at).map(|target| {
                        let values = named.as_ref().and_then(|rows| rows.named(value(target)));
                        values.map_or_else(|| Source::Selected(value(target)), Source::Named)
                    }),
                    false => Some(Source::Anything),
                });
            }
        }
        if let Some(conflict) = node.get("on_conflict_clause").node() {
            self.set(&target, conflict.get("target_list"), true);
        }
    }

    fn merge(&mut self, node: &'a Node) {
        let target = Target::new(node, self.catalog);
        for clause in node.get("merge_when_clauses").list().iter().filter_map(Tree::node) {
            match clause.get("values").list() {
                [] => self.set(&target, clause.get("target_list"), false),
                values => {
                    let rows = Rows::new(vec![values]);
                    self.rows(&target, clause.get("target_list"), rows.width(), |at| rows.at(at));
                }
            }
        }
    }

    /// What rows of a table get that come without a value, and what is put into those that there are.
    fn defaults(&mut self, node: &'a Node) {
        if self.tells_puts {
            let target = Target::new(node, self.catalog);
            for (_, defined) in &node.fields {
                let whole = std::slice::from_ref(defined);
                for defined in if defined.list().is_empty() { whole } else { defined.list() } {
                    let own =
                        defined.node().map_or("", |node| node.text(if node.has("name") { "name" } else { "colname" }));
                    let new = defined.node().and_then(|command| command.get("def").as_kind("ColumnDef"));
                    let name = if own.is_empty() { new.map_or("", |column| column.text("colname")) } else { own };
                    let goal = self.goal(&target, COLUMNS_MAX, name);
                    self.put_plain(defined, ReadAs::Anything, &goal.plain);
                }
            }
        }
        let set = i64::from(i32::from(AlterTableType::AtColumnDefault));
        let commands = node.get("cmds").list().iter().filter_map(Tree::node);
        for command in commands.filter(|command| command.int("subtype") == set && command.has("def")) {
            let place = Place { single: true, named: true, conflict: false };
            let (source, catalog) = (Source::Values(vec![command.get("def")]), self.catalog);
            for entry in entries(node.get("relation"), catalog) {
                if let Some(column) = column(entry, command.text("name")) {
                    self.put(entry, column, &source, place);
                }
            }
        }
    }

    /// What a column of a type gets that comes without a value.
    fn domain(&mut self, node: &'a Node, part: Option<Part>) {
        if let Some(part) = part.filter(|_| self.tells_puts) {
            let into: Arc<[PlainInto]> = Arc::new([PlainInto { part, column: String::new(), type_oid: 0 }]);
            node.fields.iter().for_each(|(_, defined)| self.put_plain(defined, ReadAs::Anything, &into));
        }
    }

    /// A table is made of a query.
    fn made(&mut self, part: Option<Part>) {
        let into = part.filter(|_| self.tells_puts);
        self.reached_plain.extend(into.map(|part| PlainInto { part, column: String::new(), type_oid: 0 }));
    }

    /// So many values for these columns, or for all in their order if none is named. `source` says what the one at a place gets.
    fn rows(
        &mut self,
        target: &Target<'a>,
        columns: &'a Tree,
        width: usize,
        source: impl Fn(usize) -> Option<Source<'a>>,
    ) {
        let is_whole = |name: &Tree| !name.node().is_some_and(|name| name.has("indirection"));
        let named = !columns.list().is_empty() && columns.list().iter().all(is_whole);
        let place = Place { single: target.is_single(), named, conflict: false };
        let names: Vec<&str> = columns.list().iter().take(COLUMNS_MAX).map(column_name).collect();
        let count = if names.is_empty() { target.width().max(width).min(COLUMNS_MAX) } else { names.len() };
        for at in 0..count {
            let is_part = columns.list().get(at).is_some_and(|name| !is_whole(name));
            let source = match source(at) {
                Some(Source::Values(values)) if is_part => Source::Named(values),
                Some(source) => source,
                None => continue,
            };
            let goal = self.goal(target, at, names.get(at).copied().unwrap_or(""));
            self.give(target, &goal, &source, place);
        }
        // Columns that are newer than the catalog.
        if names.is_empty() && matches!(source(0), Some(Source::Anything)) {
            let goal = self.goal(target, COLUMNS_MAX, "");
            self.give(target, &goal, &Source::Anything, place);
        }
    }

    /// SET, also that of ON CONFLICT.
    fn set(&mut self, target: &Target<'a>, assignments: &'a Tree, conflict: bool) {
        for assignment in assignments.list().iter().filter_map(Tree::node) {
            let place = Place { single: target.is_single(), named: !assignment.has("indirection"), conflict };
            let (name, value) = (assignment.text("name"), assignment.get("val"));
            let goal = self.goal(target, COLUMNS_MAX, name);
            // What goes into a part of a column is not of the column's type.
            let source = if place.named { Source::Values(vec![value]) } else { Source::Part(value) };
            self.give(target, &goal, &source, place);
            // Keys of documents.
            self.put_plain(assignment.get("indirection"), ReadAs::Anything, &goal.plain);
            self.crosses |= conflict && takes_of_another(value, name);
        }
    }

    /// The columns of this name, or without one those at this place.
    fn goal(&self, target: &Target<'a>, at: usize, name: &str) -> Goal<'a> {
        let (mut known, mut plain) = (Vec::new(), Vec::new());
        let unknown = |part: &Part| PlainInto { part: part.clone(), column: name.to_owned(), type_oid: 0 };
        for (entry, by_name) in &target.known {
            let column = if name.is_empty() { entry.relation.columns.get(at) } else { by_name.get(name).copied() };
            match column {
                Some(column) => {
                    known.push((*entry, column));
                    if self.tells_puts && put_into(entry, column, self.catalog).is_empty() {
                        let (column, type_oid) = ((*column.name).to_owned(), column.type_oid);
                        plain.push(PlainInto { part: entry.part.clone(), column, type_oid });
                    }
                }
                // It may be newer than the catalog.
                None => plain.extend(self.tells_puts.then(|| unknown(&entry.part))),
            }
        }
        plain.extend(target.unknown.iter().filter(|_| self.tells_puts).map(unknown));
        sort(&mut plain);
        Goal { known, plain: plain.into() }
    }

    /// A value goes there.
    fn give(&mut self, target: &Target<'a>, goal: &Goal<'a>, source: &Source<'a>, place: Place) {
        for (entry, column) in &goal.known {
            self.put(entry, column, source, place);
        }
        let is_anything = matches!(source, Source::Anything);
        let alone = match source {
            Source::Named(_) | Source::Part(_) => ReadAs::Anything,
            _ => ReadAs::Column,
        };
        for value in source.values() {
            self.put_plain(value, alone, &goal.plain);
            self.placed.push((value, target.returns));
        }
        if is_anything || !goal.plain.is_empty() && source.values().iter().any(|value| names_a_column(value)) {
            self.reached_plain.extend(goal.plain.iter().cloned());
        }
    }

    /// A column gets a value, if it is classified.
    fn put(&mut self, entry: &Entry, column: &Column, source: &Source<'a>, place: Place) {
        match source.values() {
            [] => {}
            values if values.iter().all(|value| gives_nothing(value)) => return,
            _ => {}
        }
        let own = entry.field(column);
        if let Some((field, to)) = own.as_ref().zip(column.on_write) {
            let put = match source {
                Source::Values(values) => Put::Values(values),
                Source::Part(value) => Put::Values(std::slice::from_ref(value)),
                Source::Copied(copy) => Put::Copied(copy),
                Source::Selected(_) | Source::Named(_) | Source::Anything => Put::Something,
            };
            self.written.lowerings.put((field, to), column.type_oid, &put, place);
        }
        for field in put_into(entry, column, self.catalog) {
            if own.is_none() || column.on_write.is_none() {
                self.written.lowerings.otherwise(&field);
            }
            self.look(source, &field, column.type_oid);
            if !self.written.fields.contains(&field) {
                self.written.fields.push(field);
            }
        }
    }

    /// Constants and parameters that go into columns that are not classified.
    fn put_plain(&mut self, value: &'a Tree, alone: ReadAs, into: &Arc<[PlainInto]>) {
        if !into.is_empty() {
            each_made_of(value, alone, &mut |node, read_as| self.written.put_one(node, read_as, into));
        }
    }

    /// Looks at the constants and parameters that a classified field gets as they are.
    fn look(&mut self, source: &Source<'a>, field: &Field, type_oid: u32) {
        let mut reaches = matches!(source, Source::Anything);
        for value in source.values() {
            let alone = value.as_kind("ParamRef").or_else(|| value.as_kind("AConst")).is_some();
            let is_whole = !matches!(source, Source::Named(_) | Source::Part(_));
            let type_oid = if alone && is_whole { type_oid } else { 0 };
            let mut found = |node: &Node| self.written.keep_one(node, field, type_oid);
            let mut search = AsGiven { found: &mut found, reaches: false };
            search.look(value);
            reaches |= search.reaches;
        }
        if reaches {
            self.reached.push((field.clone(), type_oid));
        }
    }

    /// What has no column of its own may go wherever something is named that may be it.
    fn loose(&mut self, tree: &'a Tree) {
        if self.reached.is_empty() && self.reached_plain.is_empty() {
            return;
        }
        let mut placed: HashSet<*const Node> = HashSet::new();
        let own = |(_, returns): &&(&Tree, bool)| !self.crosses && (!returns || self.writes == 1);
        for (value, _) in self.placed.iter().filter(own) {
            each_made_of(value, ReadAs::Anything, &mut |node, _| _ = placed.insert(ptr::from_ref(node)));
        }
        let mut loose: Vec<(&Node, ReadAs)> = Vec::new();
        let mut found = |node: &'a Node, read_as| {
            loose.extend((!placed.contains(&ptr::from_ref(node))).then_some((node, read_as)));
        };
        // What the caller gets is put nowhere: the server takes no statement that writes deeper within.
        match tree.node() {
            Some(query) if query.kind == "SelectStmt" && into_of(query).is_none() => {
                each_made_of(query.get("with_clause"), ReadAs::Anything, &mut found);
            }
            Some(node) => {
                let fields = node.fields.iter().filter(|(name, _)| *name != "returning_clause");
                fields.for_each(|(_, value)| each_made_of(value, ReadAs::Anything, &mut found));
            }
            None => {}
        }
        sort(&mut self.reached_plain);
        let into: Arc<[PlainInto]> = std::mem::take(&mut self.reached_plain).into();
        for (node, read_as) in loose.iter().filter(|_| !into.is_empty()) {
            self.written.put_one(node, *read_as, &into);
        }
        // All constants say the same of each field.
        let is_telling = |(node, _): &&(&Node, ReadAs)| node.kind == "ParamRef" || holds_mask(node);
        let telling: Vec<&Node> = loose.iter().filter(is_telling).map(|(node, _)| *node).collect();
        let mut seen = HashSet::new();
        for (field, _) in self.reached.iter().filter(|(field, _)| seen.insert(field.clone())) {
            telling.iter().for_each(|node| self.written.keep_one(node, field, 0));
        }
    }
}

impl Written {
    /// A constant or parameter goes into one of these columns.
    fn put_one(&mut self, node: &Node, alone: ReadAs, into: &Arc<[PlainInto]>) {
        if self.puts.len() < VALUES_MAX {
            // A number is none of its column's type.
            let is_number = node.get("val").node().is_some_and(|value| value.kind != "String");
            let read_as = if is_number && alone == ReadAs::Column { ReadAs::Anything } else { alone };
            self.puts.extend(given(node).map(|given| PlainPut { given, read_as, into: Arc::clone(into) }));
        }
    }

    /// A constant or parameter goes into a classified field as it is.
    fn keep_one(&mut self, node: &Node, field: &Field, type_oid: u32) {
        if node.kind != "ParamRef" {
            if holds_mask(node) && !self.masks.contains(field) {
                self.masks.push(field.clone());
            }
        } else if self.parameters.len() < VALUES_MAX {
            let number = usize::try_from(node.int("number")).unwrap_or(0);
            self.parameters.push(KeptParameter { number, field: field.clone(), type_oid });
        }
    }
}

/// Puts those of one name and one type beside each other, each once.
fn sort(into: &mut Vec<PlainInto>) {
    let key = |into: &PlainInto| (into.column.clone(), into.type_oid, Arc::clone(&into.part.name));
    into.sort_by_cached_key(key);
    into.dedup();
}

/// Whether a value may be one of a row, or of a query.
fn names_a_column(value: &Tree) -> bool {
    let mut names = false;
    each_made_of(value, ReadAs::Anything, &mut |node, _| names |= node.kind == "ColumnRef");
    names
}

/// Whether what is set where a row is there already may be what was to be inserted into another column than this one.
fn takes_of_another(value: &Tree, name: &str) -> bool {
    let mut takes = false;
    each_made_of(value, ReadAs::Anything, &mut |node, _| {
        let fields: Vec<&str> = node.get("fields").list().iter().map(Tree::text).collect();
        takes |= fields.first() == Some(&"excluded") && fields != ["excluded", name];
    });
    takes
}

/// The relations that may be meant. What is in a temporary table of the session is known without being asked for.
fn entries<'a>(relation: &Tree, catalog: &'a Catalog) -> impl Iterator<Item = &'a Entry> {
    let range = relation.as_kind("RangeVar");
    let named = range.map(|range| (range.text("schemaname").to_owned(), range.text("relname").to_owned()));
    named.into_iter().flat_map(|(schema, name)| {
        let named = catalog.named(&schema, &name).filter(|entry| !catalog.is_own_temporary(entry));
        named.collect::<Vec<_>>()
    })
}

/// A table that the catalog does not know, by its name.
fn unknown_part(relation: &Tree, catalog: &Catalog) -> Option<Part> {
    let range = relation.as_kind("RangeVar")?;
    let (schema, name) = (range.text("schemaname"), range.text("relname"));
    catalog.named(schema, name).next().is_none().then(|| table_part(schema, name))
}

/// A table by the name that it has here.
fn part_of(relation: &Tree) -> Option<Part> {
    relation.as_kind("RangeVar").map(|range| table_part(range.text("schemaname"), range.text("relname")))
}

/// What has this name, which is written in parts.
fn part_named(name: &Tree) -> Option<Part> {
    let parts = name_parts(name.list());
    let (schema, name) = schema_and_name(&parts);
    (!name.is_empty()).then(|| table_part(schema, name))
}

/// A column in a list of them: with what stands behind it, or its name alone.
fn column_name(tree: &Tree) -> &str {
    match tree.node() {
        Some(node) if node.kind == "String" => node.text("sval"),
        Some(node) => node.text("name"),
        None => tree.text(),
    }
}

fn column<'a>(entry: &'a Entry, name: &str) -> Option<&'a Column> {
    entry.relation.columns.iter().find(|column| *column.name == *name)
}

/// DEFAULT, or NULL.
pub(super) fn gives_nothing(value: &Tree) -> bool {
    match bare(value) {
        Some(node) if node.kind == "SetToDefault" => true,
        Some(node) if node.kind == "AConst" => node.has("isnull"),
        _ => false,
    }
}

/// A constant that is a mask.
fn holds_mask(value: &Node) -> bool {
    value.kind == "AConst" && value.get("val").node().is_some_and(|text| is_mask(text.text("sval").as_bytes()))
}

#[cfg(test)]
mod tests;
