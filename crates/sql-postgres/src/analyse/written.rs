//! What a statement puts into classified columns, by INSERT, UPDATE, MERGE and COPY FROM.
//!
//! Not of what it is made: that is [`super::store`]'s. A column that gets its default or NULL gets nothing of anybody's.

use std::collections::HashSet;

use model::{Field, Part};
use pg_query::protobuf::AlterTableType;
use redact::is_mask;

use super::as_given::{bare, each, each_in, is_star};
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

/// What is put into classified columns.
#[derive(Debug, Default)]
pub(super) struct Written {
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
    let constants = |argument: &Tree| {
        let mut constants = Vec::new();
        each(argument, &[], &mut |node| match plain(node) {
            Some(PlainGiven::Constant(value)) => constants.push(value),
            Some(PlainGiven::Parameter(_) | PlainGiven::TooMuch) | None => {}
        });
        constants
    };
    tree.walk(&mut |node| {
        if node.kind == "ExecuteStmt" {
            given.extend(node.get("params").list().iter().map(constants));
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
    Any(Vec<&'a Tree>),
}

/// A table that something is put into.
struct Target<'a> {
    relation: &'a Tree,
    /// The queries whose rows can be named in what is put there.
    sources: Vec<&'a Tree>,
    catalog: &'a Catalog,
}

/// What the statement of this tree puts into classified columns.
pub(super) fn written(tree: &Tree, catalog: &Catalog) -> Written {
    let mut written = Written::default();
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
                        values => written.rows(&target, clause.get("target_list"), |at| of_rows(&[values], at)),
                    }
                }
                written.sources(&target);
            }
            "AlterTableStmt" | "CreateStmt" => written.defaults(node, catalog),
            // A table that is made of a query.
            "CreateTableAsStmt" => {
                written
                    .unknown(node.get("into").node().map_or(&Tree::Nothing, |into| into.get("rel")), node.get("query"));
            }
            "SelectStmt" => {
                if let Some(into) = node.get("into_clause").node() {
                    written.unknown(into.get("rel"), node.get("target_list"));
                    written.unknown(into.get("rel"), node.get("from_clause"));
                }
            }
            "CopyStmt" if node.has("is_from") => {
                let target = Target { relation: node.get("relation"), sources: Vec::new(), catalog };
                written.rows(&target, node.get("attlist"), |_| Some(Given::Copied(node)));
            }
            _ => {}
        }
        true
    });
    written.lowerings.finish(tree);
    let mut seen = HashSet::new();
    written.parameters.retain(|kept| seen.insert((kept.number, kept.field.clone(), kept.type_oid)));
    let mut seen = HashSet::new();
    written.masks.retain(|field| seen.insert(field.clone()));
    let mut seen = HashSet::new();
    written.puts.retain(|put| {
        let key = (put.part.name.clone(), put.column.clone(), put.type_oid, put.given.clone());
        seen.insert(key)
    });
    written
}

/// The queries whose rows can be named in what is put into a table.
fn sources(node: &Node) -> Vec<&Tree> {
    ["select_stmt", "from_clause", "source_relation", "with_clause"].map(|field| node.get(field)).into()
}

/// What these rows of values give at a place. Behind a star nobody can count.
fn of_rows<'a>(rows: &[&'a [Tree]], at: usize) -> Option<Given<'a>> {
    if rows.iter().any(|row| row.iter().any(is_star)) {
        return Some(Given::Any(rows.iter().copied().flatten().collect()));
    }
    let values: Vec<&Tree> = rows.iter().filter_map(|row| row.get(at)).collect();
    (!values.is_empty()).then_some(Given::Values(values))
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
                let rows: Vec<&[Tree]> = source.get("values_lists").list().iter().map(Tree::list).collect();
                self.rows(&target, columns, |at| of_rows(&rows, at));
                self.sources(&Target { sources: vec![node.get("with_clause"), source.get("with_clause")], ..target });
            }
            Some(source) => {
                // A star gives any number of columns.
                let targets = source.get("target_list");
                let value = |target: &'_ Tree| target.node().is_some_and(|target| is_star(target.get("val")));
                let is_plain = !targets.is_nothing() && !targets.list().iter().any(value);
                let value = |at: usize| targets.list().get(at).and_then(Tree::node).map(|target| target.get("val"));
                self.rows(&target, columns, |at| match is_plain {
                    true => value(at).map(Given::Selected),
                    false => Some(Given::Any(Vec::new())),
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
        node.walk(&mut |defined| {
            if defined.kind == "Constraint" && defined.has("raw_expr") {
                self.unknown(node.get("relation"), defined.get("raw_expr"));
            }
            true
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

    /// Rows for these columns, or for all in their order if none is named. `given` says what the one at a place gets.
    fn rows<'a>(&mut self, target: &Target<'a>, columns: &Tree, given: impl Fn(usize) -> Option<Given<'a>>) {
        let single = entries(target.relation, target.catalog).count() == 1;
        let is_whole = |name: &Tree| !name.node().is_some_and(|name| name.has("indirection"));
        let named = !columns.list().is_empty() && columns.list().iter().all(is_whole);
        let place = Place { single, named, conflict: false };
        for entry in entries(target.relation, target.catalog) {
            let all = entry.relation.columns.iter();
            let named: Vec<Option<&Column>> = match columns.list() {
                [] => all.map(Some).collect(),
                list => list.iter().map(|name| column(entry, column_name(name))).collect(),
            };
            let known = named.len();
            for (at, column) in named.into_iter().enumerate() {
                let Some(given) = given(at) else { continue };
                match column {
                    Some(column) => self.put(target, entry, column, &given, place),
                    // It may be newer than the catalog.
                    None => {
                        let name = columns.list().get(at).map_or("", column_name);
                        self.put_plain(entry.part.clone(), (name, 0), &given);
                    }
                }
            }
            if columns.list().is_empty() {
                self.others(&entry.part, known, &given);
            }
        }
        if let Some(part) = unknown_part(target.relation, target.catalog) {
            for (at, name) in columns.list().iter().enumerate() {
                if let Some(given) = given(at) {
                    self.put_plain(part.clone(), (column_name(name), 0), &given);
                }
            }
            if columns.list().is_empty() {
                self.others(&part, 0, &given);
            }
        }
    }

    /// What is given to columns that nobody here knows of, from this place on.
    fn others<'a>(&mut self, part: &Part, from: usize, given: &impl Fn(usize) -> Option<Given<'a>>) {
        for at in from..COLUMNS_MAX {
            let Some(given) = given(at) else { return };
            self.put_plain(part.clone(), ("", 0), &given);
            // It is the same for all.
            if !matches!(given, Given::Values(_) | Given::Selected(_)) {
                return;
            }
        }
    }

    /// What goes into a table of which nothing is known but its name.
    fn unknown(&mut self, relation: &Tree, values: &Tree) {
        let Some(range) = relation.as_kind("RangeVar") else { return };
        let part = table_part(range.text("schemaname"), range.text("relname"));
        each(values, &[], &mut |node| self.put_somewhere(&part, node));
        self.all_of(&part, values);
    }

    /// What stands in a query may go into any column of a table that is filled by it. Once for all of them: which it is would have to be
    /// found out for each.
    fn sources(&mut self, target: &Target<'_>) {
        let known = entries(target.relation, target.catalog).map(|entry| entry.part.clone());
        let parts: Vec<Part> = known.chain(unknown_part(target.relation, target.catalog)).collect();
        for part in &parts {
            target.sources.iter().for_each(|source| self.all_of(part, source));
        }
    }

    fn all_of(&mut self, part: &Part, source: &Tree) {
        each_in(source, &mut |node| self.put_somewhere(part, node));
    }

    fn put_somewhere(&mut self, part: &Part, node: &Node) {
        let put = |given| PlainPut { part: part.clone(), column: String::new(), type_oid: 0, given };
        self.puts.extend(plain(node).map(put));
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
                    None => self.put_plain(entry.part.clone(), (name, 0), &given),
                }
            }
        }
        if let Some(part) = unknown_part(target.relation, target.catalog) {
            for assignment in assignments.list().iter().filter_map(Tree::node) {
                let given = Given::Values(vec![assignment.get("val")]);
                self.put_plain(part.clone(), (assignment.text("name"), 0), &given);
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
            self.put_plain(entry.part.clone(), (&column.name, column.type_oid), given);
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
    fn put_plain(&mut self, part: Part, (name, type_oid): (&str, u32), given: &Given<'_>) {
        each_given(given, &[], &mut |node: &Node, is_alone: bool| {
            // A number is none of its column's type.
            let is_number = node.get("val").node().is_some_and(|value| value.kind != "String");
            let type_oid = if is_alone && !is_number { type_oid } else { 0 };
            let put = |given| PlainPut { part: part.clone(), column: name.to_owned(), type_oid, given };
            self.puts.extend(plain(node).map(put));
        });
    }

    /// Looks at the constants and parameters that a classified field gets as they are.
    fn look(&mut self, given: &Given<'_>, sources: &[&Tree], field: &Field, type_oid: u32) {
        each_given(given, sources, &mut |node, is_alone| match node.kind {
            "ParamRef" => {
                let number = usize::try_from(node.int("number")).unwrap_or(0);
                let type_oid = if is_alone { type_oid } else { 0 };
                self.parameters.push(KeptParameter { number, field: field.clone(), type_oid });
            }
            _ if holds_mask(node) => self.masks.push(field.clone()),
            _ => {}
        });
    }
}

/// Calls `found` with each constant and parameter that a column can get, and whether it stands alone, without a cast.
fn each_given(given: &Given<'_>, sources: &[&Tree], found: &mut impl FnMut(&Node, bool)) {
    let mut one = |value: &Tree| {
        let alone = value.as_kind("ParamRef").or_else(|| value.as_kind("AConst")).is_some();
        each(value, sources, &mut |node| found(node, alone));
    };
    match given {
        Given::Values(values) => values.iter().for_each(|value| one(value)),
        Given::Selected(value) => one(value),
        Given::Copied(_) => {}
        Given::Any(values) => {
            values.iter().for_each(|value| one(value));
            sources.iter().for_each(|source| each_in(source, &mut |node| found(node, false)));
        }
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
