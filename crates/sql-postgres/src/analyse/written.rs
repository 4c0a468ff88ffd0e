//! What a statement puts into classified columns, by INSERT, UPDATE, MERGE and COPY FROM.
//!
//! Not of what it is made: that is [`super::store`]'s. A column that gets its default or NULL gets nothing of anybody's.

use std::collections::HashSet;
use std::rc::Rc;

use model::{Field, Part};
use pg_query::protobuf::AlterTableType;
use redact::is_mask;

use super::as_given::{Search, bare, is_star};
use super::lowering::{Lowerings, Place, Put};
use crate::catalog::{Catalog, Column, Entry, Made};
use crate::copy::PlainInto;
use crate::statement::{Given as PlainGiven, KeptParameter, PlainPut};
use crate::tree::{Node, Tree};
use crate::vocabulary::table_part;

/// The server has no tables with more (`MaxHeapAttributeNumber`).
const COLUMNS_MAX: usize = 1600;

/// Statements that put something anywhere.
pub(super) const WRITING: [&str; 7] =
    ["InsertStmt", "UpdateStmt", "MergeStmt", "CreateTableAsStmt", "IntoClause", "CreateStmt", "AlterTableStmt"];

/// How many nodes are looked at, for all columns of all tables that may be meant together: of a text of the longest length each several times.
const NODES_MAX: usize = 10_000_000;
/// The most values of which is kept where they go.
const VALUES_MAX: usize = 262_144;

/// What is put into classified columns.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Whether what goes into other columns is told.
    tells_puts: bool,
    /// Nodes that may still be looked at.
    left: usize,
    /// Whether there is more than that, or than can be kept.
    pub(super) too_much: bool,
    /// Each column that gets a value.
    pub(super) fields: Vec<Field>,
    /// Those that get what Weir has shown in the place of a value.
    pub(super) masks: Vec<Field>,
    /// Parameters that are put into one as they are.
    pub(super) parameters: Vec<KeptParameter>,
    /// Values that are put into columns that are not classified.
    pub(super) puts: Vec<PlainPut>,
    /// Those that may be given less than the values.
    pub(super) lowerings: Lowerings,
}

/// Of each argument of an EXECUTE the constants that it may be.
pub(super) fn arguments(tree: &Tree) -> Vec<Vec<String>> {
    let mut given = Vec::new();
    let holds = |node: &Node| matches!(node.kind, "ExecuteStmt" | "CreateTableAsStmt" | "ExplainStmt");
    if !tree.node().is_some_and(holds) {
        return given;
    }
    let mut left = NODES_MAX;
    let mut constants = |argument: &Tree| {
        let mut constants = Vec::new();
        let mut found = |node: &Node| match plain(node) {
            Some(PlainGiven::Constant(value)) => constants.push(value),
            Some(PlainGiven::Parameter(_) | PlainGiven::TooMuch) | None => {}
        };
        Search { found: &mut found, left: &mut left, reaches: false }.each(argument);
        constants
    };
    tree.walk(&mut |node| {
        if node.kind == "ExecuteStmt" {
            given.extend(node.get("params").list().iter().map(&mut constants));
        }
        true
    });
    given
}

/// What one column gets.
enum Given<'a> {
    /// One of these.
    Values(Vec<&'a Tree>),
    /// This, by way of a query.
    Selected(&'a Tree),
    /// A column of this COPY's data.
    Copied(&'a Node),
    /// One of what these hold, and nobody says which.
    Any(Rc<[&'a Tree]>),
}

/// A table that something is put into.
struct Target<'a> {
    relation: &'a Tree,
    /// The queries whose rows can be named in what is put there.
    sources: Vec<&'a Tree>,
    catalog: &'a Catalog,
}

/// What the statement of this tree puts into classified columns.
pub(super) fn written(tree: &Tree, catalog: &Catalog, tells_puts: bool) -> Written {
    let mut written = Written { tells_puts, left: NODES_MAX, ..Written::default() };
    let mut is_into = false;
    tree.walk(&mut |node| {
        match node.kind {
            "InsertStmt" => written.insert(node, catalog),
            "UpdateStmt" => {
                let set = Target { relation: node.get("relation"), sources: sources(node), catalog };
                written.set(&set, node.get("target_list"), false);
                written.sources(&set);
            }
            "MergeStmt" => {
                let target = Target { relation: node.get("relation"), sources: sources(node), catalog };
                for clause in node.get("merge_when_clauses").list().iter().filter_map(Tree::node) {
                    match clause.get("values").list() {
                        [] => written.set(&target, clause.get("target_list"), false),
                        values => {
                            let values = Values::new(vec![values]);
                            written.rows(&target, clause.get("target_list"), 1, |at| values.at(at));
                        }
                    }
                }
                written.sources(&target);
            }
            "AlterTableStmt" | "CreateStmt" => written.defaults(node, catalog),
            // A table that is made of a query.
            "CreateTableAsStmt" => {
                if let Some(part) = node.get("into").node().and_then(|into| part_of(into.get("rel"))) {
                    written.all_of(&part, |search| search.each_in(node.get("query")));
                }
            }
            "SelectStmt" if !is_into && tells_puts => {
                let into = into_of(node);
                is_into = into.is_some();
                if let Some(part) = into.and_then(part_of) {
                    written.all_of(&part, |search| search.each_in_node(node));
                }
            }
            "CopyStmt" if node.has("is_from") => {
                let target = Target { relation: node.get("relation"), sources: Vec::new(), catalog };
                written.rows(&target, node.get("attlist"), 1, |_| Some(Given::Copied(node)));
            }
            _ => {}
        }
        true
    });
    written.lowerings.finish(tree);
    let mut seen = HashSet::new();
    written.parameters.retain(|kept| seen.insert((kept.number, kept.field.clone(), kept.type_oid)));
    let mut seen = HashSet::new();
    written
        .puts
        .retain(|put| seen.insert((put.part.name.clone(), put.column.clone(), put.type_oid, put.given.clone())));
    written.too_much |= written.left == 0;
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

/// The queries whose rows can be named in what is put into a table.
fn sources(node: &Node) -> Vec<&Tree> {
    ["select_stmt", "from_clause", "source_relation", "with_clause"].map(|field| node.get(field)).into()
}

/// Rows of values.
struct Values<'a> {
    rows: Vec<&'a [Tree]>,
    /// All of them, if there is a star, behind which nobody can count.
    any: Option<Rc<[&'a Tree]>>,
}

impl<'a> Values<'a> {
    fn new(rows: Vec<&'a [Tree]>) -> Self {
        let has_star = rows.iter().any(|row| row.iter().any(is_star));
        let any = has_star.then(|| rows.iter().copied().flatten().collect());
        Self { rows, any }
    }

    /// What they give at a place.
    fn at(&self, at: usize) -> Option<Given<'a>> {
        if let Some(any) = &self.any {
            return Some(Given::Any(Rc::clone(any)));
        }
        let values: Vec<&Tree> = self.rows.iter().filter_map(|row| row.get(at)).collect();
        (!values.is_empty()).then_some(Given::Values(values))
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

impl Written {
    fn insert(&mut self, node: &Node, catalog: &Catalog) {
        let columns = node.get("cols");
        let target = Target { relation: node.get("relation"), sources: sources(node), catalog };
        match node.get("select_stmt").node() {
            // DEFAULT VALUES.
            None => {}
            Some(source) if source.has("values_lists") => {
                let rows = Values::new(source.get("values_lists").list().iter().map(Tree::list).collect());
                let target = Target { sources: vec![node.get("with_clause"), source.get("with_clause")], ..target };
                self.rows(&target, columns, rows.rows.len(), |at| rows.at(at));
                self.sources(&target);
            }
            Some(source) => {
                // A star gives any number of columns.
                let targets = source.get("target_list");
                let value = |target: &'_ Tree| target.node().is_some_and(|target| is_star(target.get("val")));
                let is_plain = !targets.is_nothing() && !targets.list().iter().any(value);
                let value = |at: usize| targets.list().get(at).and_then(Tree::node).map(|target| target.get("val"));
                self.rows(&target, columns, 1, |at| match is_plain {
                    true => value(at).map(Given::Selected),
                    false => Some(Given::Any(Rc::new([]))),
                });
                self.sources(&target);
            }
        }
        if let Some(conflict) = node.get("on_conflict_clause").node() {
            self.set(&target, conflict.get("target_list"), true);
        }
    }

    /// ALTER COLUMN … SET DEFAULT: what rows get that come without a value.
    fn defaults(&mut self, node: &Node, catalog: &Catalog) {
        // Of columns that are new.
        let part = part_of(node.get("relation")).filter(|_| self.tells_puts);
        node.walk(&mut |defined| {
            let expression = match defined.kind {
                "Constraint" => defined.get("raw_expr"),
                "AlterTableCmd" => defined.get("def"),
                _ => &Tree::Nothing,
            };
            if let Some(part) = &part {
                self.all_of(part, |search| search.each(expression));
            }
            self.left > 0
        });
        let set = i64::from(i32::from(AlterTableType::AtColumnDefault));
        let commands = node.get("cmds").list().iter().filter_map(Tree::node);
        for command in commands.filter(|command| command.int("subtype") == set && command.has("def")) {
            let place = Place { single: true, named: true, conflict: false };
            let target = Target { relation: node.get("relation"), sources: Vec::new(), catalog };
            for entry in entries(target.relation, catalog) {
                if let Some(column) = column(entry, command.text("name")) {
                    self.put(&target, entry, column, &Given::Values(vec![command.get("def")]), place);
                }
            }
        }
    }

    /// So many rows for these columns, or for all in their order if none is named. `given` says what the one at a place gets.
    fn rows<'a>(
        &mut self,
        target: &Target<'a>,
        columns: &Tree,
        rows: usize,
        given: impl Fn(usize) -> Option<Given<'a>>,
    ) {
        let single = entries(target.relation, target.catalog).count() == 1;
        let is_whole = |name: &Tree| !name.node().is_some_and(|name| name.has("indirection"));
        let named = !columns.list().is_empty() && columns.list().iter().all(is_whole);
        let place = Place { single, named, conflict: false };
        let names: Vec<&str> = columns.list().iter().take(COLUMNS_MAX).map(column_name).collect();
        for entry in entries(target.relation, target.catalog) {
            let all: Vec<Option<&Column>> = match names.as_slice() {
                [] => entry.relation.columns.iter().map(Some).collect(),
                names => names.iter().map(|name| column(entry, name)).collect(),
            };
            let known = all.len();
            for (at, column) in all.into_iter().enumerate() {
                let is_plain = |column| put_into(entry, column, target.catalog).is_empty();
                if !self.tells_puts && column.is_none_or(is_plain) {
                    continue;
                }
                let Some(given) = given(at).filter(|_| self.goes_on(rows)) else { continue };
                match column {
                    Some(column) => self.put(target, entry, column, &given, place),
                    // It may be newer than the catalog.
                    None => self.put_plain(&entry.part, (names.get(at).copied().unwrap_or(""), 0), &given),
                }
            }
            if names.is_empty() {
                self.others(&entry.part, known, rows, &given);
            }
        }
        if let Some(part) = unknown_part(target.relation, target.catalog) {
            for (at, name) in names.iter().enumerate() {
                let Some(given) = given(at).filter(|_| self.tells_puts && self.goes_on(rows)) else { continue };
                self.put_plain(&part, (name, 0), &given);
                // It is the same for all.
                if matches!(given, Given::Any(_)) {
                    break;
                }
            }
            if names.is_empty() {
                self.others(&part, 0, rows, &given);
            }
        }
    }

    /// Whether so many more values may be looked at.
    fn goes_on(&mut self, values: usize) -> bool {
        self.left = self.left.saturating_sub(values);
        self.left > 0
    }

    /// What is given to columns that nobody here knows of, from this place on.
    fn others<'a>(&mut self, part: &Part, from: usize, rows: usize, given: &impl Fn(usize) -> Option<Given<'a>>) {
        for at in from..COLUMNS_MAX {
            let Some(given) = given(at).filter(|_| self.tells_puts && self.goes_on(rows)) else { return };
            self.put_plain(part, ("", 0), &given);
            // It is the same for all.
            if !matches!(given, Given::Values(_) | Given::Selected(_)) {
                return;
            }
        }
    }

    /// What stands in a query may go into any column of a table that is filled by it. Once for all of them: which it is would have to be
    /// found out for each.
    fn sources(&mut self, target: &Target<'_>) {
        let known = entries(target.relation, target.catalog).map(|entry| entry.part.clone());
        let parts: Vec<Part> = known.chain(unknown_part(target.relation, target.catalog)).collect();
        for part in &parts {
            self.all_of(part, |search| target.sources.iter().for_each(|source| search.each_in(source)));
        }
    }

    /// What is found there may go into any column of a table.
    fn all_of<'a>(&mut self, part: &Part, look: impl FnOnce(&mut Search<'_, 'a>)) {
        if !self.tells_puts {
            return;
        }
        let (mut left, mut puts) = (self.left, std::mem::take(&mut self.puts));
        let mut found = |node: &'a Node| {
            let put = |given| PlainPut { part: part.clone(), column: String::new(), type_oid: 0, given };
            puts.extend(plain(node).map(put).filter(|_| puts.len() < VALUES_MAX));
        };
        look(&mut Search { found: &mut found, left: &mut left, reaches: false });
        (self.left, self.puts) = (left, puts);
        self.too_much |= self.puts.len() >= VALUES_MAX;
    }

    /// SET, also that of ON CONFLICT.
    fn set(&mut self, target: &Target<'_>, assignments: &Tree, conflict: bool) {
        let single = entries(target.relation, target.catalog).count() == 1;
        for entry in entries(target.relation, target.catalog) {
            for assignment in assignments.list().iter().filter_map(Tree::node) {
                let (name, given) = (assignment.text("name"), Given::Values(vec![assignment.get("val")]));
                match column(entry, name) {
                    Some(column) => {
                        let place = Place { single, named: !assignment.has("indirection"), conflict };
                        self.put(target, entry, column, &given, place);
                    }
                    None => self.put_plain(&entry.part, (name, 0), &given),
                }
            }
        }
        if let Some(part) = unknown_part(target.relation, target.catalog) {
            for assignment in assignments.list().iter().filter_map(Tree::node) {
                let given = Given::Values(vec![assignment.get("val")]);
                self.put_plain(&part, (assignment.text("name"), 0), &given);
            }
        }
    }

    fn put(&mut self, target: &Target<'_>, entry: &Entry, column: &Column, given: &Given<'_>, place: Place) {
        match given {
            Given::Values(values) if values.iter().all(|value| gives_nothing(value)) => return,
            Given::Selected(value) if gives_nothing(value) => return,
            _ => {}
        }
        let own = entry.field(column);
        if let Some((field, to)) = own.as_ref().zip(column.on_write) {
            let put = match given {
                Given::Values(values) => Put::Values(values),
                Given::Copied(copy) => Put::Copied(copy),
                Given::Selected(_) | Given::Any(_) => Put::Something,
            };
            self.lowerings.put((field, to), column.type_oid, &put, place);
        }
        let fields = put_into(entry, column, target.catalog);
        if fields.is_empty() {
            self.put_plain(&entry.part, (&column.name, column.type_oid), given);
        }
        for field in fields {
            if own.is_none() || column.on_write.is_none() {
                self.lowerings.otherwise(&field);
            }
            self.look(given, &target.sources, &field, column.type_oid);
            if !self.fields.contains(&field) {
                self.fields.push(field);
            }
        }
    }

    /// Constants and parameters that go into a column that is not classified.
    fn put_plain(&mut self, part: &Part, (name, type_oid): (&str, u32), given: &Given<'_>) {
        if !self.tells_puts {
            return;
        }
        let (mut left, mut puts) = (self.left, std::mem::take(&mut self.puts));
        each_given(given, &[], &mut left, &mut |node: &Node, is_alone: bool| {
            // A number is none of its column's type.
            let is_number = node.get("val").node().is_some_and(|value| value.kind != "String");
            let type_oid = if is_alone && !is_number { type_oid } else { 0 };
            let put = |given| PlainPut { part: part.clone(), column: name.to_owned(), type_oid, given };
            puts.extend(plain(node).map(put).filter(|_| puts.len() < VALUES_MAX));
        });
        (self.left, self.puts) = (left, puts);
        self.too_much |= self.puts.len() >= VALUES_MAX;
    }

    /// Looks at the constants and parameters that a classified field gets as they are.
    fn look(&mut self, given: &Given<'_>, sources: &[&Tree], field: &Field, type_oid: u32) {
        let (mut left, mut is_masked) = (self.left, false);
        let parameters = &mut self.parameters;
        each_given(given, sources, &mut left, &mut |node, is_alone| match node.kind {
            "ParamRef" => {
                let number = usize::try_from(node.int("number")).unwrap_or(0);
                let type_oid = if is_alone { type_oid } else { 0 };
                if parameters.len() < VALUES_MAX {
                    parameters.push(KeptParameter { number, field: field.clone(), type_oid });
                }
            }
            _ => is_masked |= holds_mask(node),
        });
        self.left = left;
        self.too_much |= self.parameters.len() >= VALUES_MAX;
        if is_masked && !self.masks.contains(field) {
            self.masks.push(field.clone());
        }
    }
}

/// Calls `found` with each constant and parameter that a column can get, and whether it stands alone, without a cast.
fn each_given(given: &Given<'_>, sources: &[&Tree], left: &mut usize, found: &mut impl FnMut(&Node, bool)) {
    let mut reaches = matches!(given, Given::Any(_));
    let mut one = |value: &Tree, left: &mut usize| {
        let alone = value.as_kind("ParamRef").or_else(|| value.as_kind("AConst")).is_some();
        let mut found = |node: &Node| found(node, alone);
        let mut search = Search { found: &mut found, left, reaches: false };
        search.each(value);
        reaches |= search.reaches;
    };
    match given {
        Given::Values(values) => values.iter().for_each(|value| one(value, left)),
        Given::Selected(value) => one(value, left),
        Given::Copied(_) => {}
        Given::Any(values) => values.iter().for_each(|value| one(value, left)),
    }
    if reaches {
        let mut found = |node: &Node| found(node, false);
        let mut search = Search { found: &mut found, left, reaches: true };
        sources.iter().for_each(|source| search.each_in(source));
    }
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

/// A constant, or a parameter.
fn plain(node: &Node) -> Option<PlainGiven> {
    if node.kind == "ParamRef" {
        return usize::try_from(node.int("number")).ok().map(PlainGiven::Parameter);
    }
    let value = node.get("val").node()?;
    Some(PlainGiven::Constant(match value.kind {
        "String" => value.text("sval").to_owned(),
        "Float" => value.text("fval").to_owned(),
        "Integer" => value.int("ival").to_string(),
        _ => return None,
    }))
}
