//! What a statement puts into classified columns, by INSERT, UPDATE, MERGE and COPY FROM.
//!
//! Not of what it is made: that is [`super::store`]'s. A column that gets its default or NULL gets nothing of anybody's.

use model::Field;
use pg_query::protobuf::AlterTableType;
use redact::is_mask;

use super::lowering::{Lowerings, Place, Put};
use crate::catalog::{Catalog, Column, Entry, Made};
use crate::statement::{Given as PlainGiven, KeptParameter, PlainPut};
use crate::tree::{Node, Tree};

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

/// Which arguments of an EXECUTE are what Weir has shown in the place of a value, from 1.
pub(super) fn masks_given(tree: &Tree) -> Vec<usize> {
    let mut given = Vec::new();
    let holds = |node: &Node| matches!(node.kind, "ExecuteStmt" | "CreateTableAsStmt" | "ExplainStmt");
    if !tree.node().is_some_and(holds) {
        return given;
    }
    tree.walk(&mut |node| {
        if node.kind == "ExecuteStmt" {
            let masks = (1..).zip(node.get("params").list()).filter(|(_, argument)| holds_mask(argument));
            given.extend(masks.map(|(number, _)| number));
        }
        true
    });
    given
}

/// What one column gets.
enum Given<'a> {
    /// One of these.
    Values(Vec<&'a Tree>),
    /// One of these, by way of a query.
    Selected(Vec<&'a Tree>),
    /// A column of this COPY's data.
    Copied(&'a Node),
    /// Something that is not looked at.
    Something,
}

/// What the statement of this tree puts into classified columns.
pub(super) fn written(tree: &Tree, catalog: &Catalog) -> Written {
    let mut written = Written::default();
    tree.walk(&mut |node| {
        match node.kind {
            "InsertStmt" => written.insert(node, catalog),
            "UpdateStmt" => written.set(node.get("relation"), node.get("target_list"), false, catalog),
            "MergeStmt" => {
                for clause in node.get("merge_when_clauses").list().iter().filter_map(Tree::node) {
                    match clause.get("values").list() {
                        [] => written.set(node.get("relation"), clause.get("target_list"), false, catalog),
                        values => {
                            let values: Vec<&Tree> = values.iter().collect();
                            written.rows(node.get("relation"), clause.get("target_list"), catalog, |at| {
                                values.get(at).map(|value| Given::Values(vec![value]))
                            });
                        }
                    }
                }
            }
            "AlterTableStmt" => written.defaults(node, catalog),
            "CopyStmt" if node.has("is_from") => {
                written.rows(node.get("relation"), node.get("attlist"), catalog, |_| Some(Given::Copied(node)));
            }
            _ => {}
        }
        true
    });
    written.lowerings.finish(tree);
    written
}

/// The classified column that each column of a COPY's data goes into, in order. Where the name may mean several tables, a column
/// is classified if it is in any of them; and a column that the catalog does not know, if anything of its table is.
/// With each stands the oid of its type; 0 if it is not known.
pub(crate) fn copied_into(node: &Node, catalog: &Catalog) -> Vec<Option<(Field, u32)>> {
    let mut fields: Vec<Option<(Field, u32)>> = Vec::new();
    for entry in entries(node.get("relation"), catalog) {
        let unknown = || entry.touches.first().map(|field| (field.clone(), 0));
        let into = |column: &Column| Some((put_into(entry, column, catalog).into_iter().next()?, column.type_oid));
        let all = entry.relation.columns.iter().filter(|column| !column.generated);
        let of_entry: Vec<Option<(Field, u32)>> = match node.get("attlist").list() {
            [] => all.map(into).collect(),
            list => list.iter().map(|name| column(entry, column_name(name)).map_or_else(unknown, into)).collect(),
        };
        fields.resize(fields.len().max(of_entry.len()), None);
        for (field, more) in fields.iter_mut().zip(of_entry) {
            *field = match (field.take(), more) {
                (Some((field, one)), Some((_, other))) if one != other => Some((field, 0)),
                (field, more) => field.or(more),
            };
        }
    }
    fields
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
        let (relation, columns) = (node.get("relation"), node.get("cols"));
        match node.get("select_stmt").node() {
            // DEFAULT VALUES.
            None => {}
            Some(source) if source.has("values_lists") => {
                let rows: Vec<&[Tree]> = source.get("values_lists").list().iter().map(Tree::list).collect();
                self.rows(relation, columns, catalog, |at| {
                    let values: Vec<&Tree> = rows.iter().filter_map(|row| row.get(at)).collect();
                    (!values.is_empty()).then_some(Given::Values(values))
                });
            }
            Some(source) => {
                // A star gives any number of columns.
                let targets = source.get("target_list");
                let is_plain = !targets.is_nothing() && targets.list().iter().all(|target| !is_star(target));
                let value = |at: usize| targets.list().get(at).and_then(Tree::node).map(|target| target.get("val"));
                self.rows(relation, columns, catalog, |at| match is_plain {
                    true => value(at).map(|value| Given::Selected(vec![value])),
                    false => Some(Given::Something),
                });
            }
        }
        if let Some(conflict) = node.get("on_conflict_clause").node() {
            self.set(relation, conflict.get("target_list"), true, catalog);
        }
    }

    /// ALTER COLUMN … SET DEFAULT: what rows get that come without a value.
    fn defaults(&mut self, node: &Node, catalog: &Catalog) {
        let set = i64::from(i32::from(AlterTableType::AtColumnDefault));
        let commands = node.get("cmds").list().iter().filter_map(Tree::node);
        for command in commands.filter(|command| command.int("subtype") == set && command.has("def")) {
            let place = Place { single: true, named: true, conflict: false };
            for entry in entries(node.get("relation"), catalog) {
                if let Some(column) = column(entry, command.text("name")) {
                    self.put(entry, column, &Given::Values(vec![command.get("def")]), place, catalog);
                }
            }
        }
    }

    /// Rows for these columns, or for all in their order if none is named. `given` says what the one at a place gets.
    fn rows<'a>(
        &mut self,
        relation: &Tree,
        columns: &Tree,
        catalog: &Catalog,
        given: impl Fn(usize) -> Option<Given<'a>>,
    ) {
        let single = entries(relation, catalog).count() == 1;
        let is_whole = |name: &Tree| !name.node().is_some_and(|name| name.has("indirection"));
        let named = !columns.list().is_empty() && columns.list().iter().all(is_whole);
        let place = Place { single, named, conflict: false };
        for entry in entries(relation, catalog) {
            let all = entry.relation.columns.iter();
            let named: Vec<Option<&Column>> = match columns.list() {
                [] => all.map(Some).collect(),
                list => list.iter().map(|name| column(entry, column_name(name))).collect(),
            };
            for (at, column) in named.into_iter().enumerate() {
                if let Some((column, given)) = column.zip(given(at)) {
                    self.put(entry, column, &given, place, catalog);
                }
            }
        }
    }

    /// SET, also that of ON CONFLICT.
    fn set(&mut self, relation: &Tree, assignments: &Tree, conflict: bool, catalog: &Catalog) {
        let single = entries(relation, catalog).count() == 1;
        for entry in entries(relation, catalog) {
            for assignment in assignments.list().iter().filter_map(Tree::node) {
                if let Some(column) = column(entry, assignment.text("name")) {
                    let place = Place { single, named: !assignment.has("indirection"), conflict };
                    self.put(entry, column, &Given::Values(vec![assignment.get("val")]), place, catalog);
                }
            }
        }
    }

    fn put(&mut self, entry: &Entry, column: &Column, given: &Given<'_>, place: Place, catalog: &Catalog) {
        let values = match given {
            Given::Values(values) | Given::Selected(values) if values.iter().all(|value| gives_nothing(value)) => {
                return;
            }
            Given::Values(values) | Given::Selected(values) => values.as_slice(),
            Given::Copied(_) | Given::Something => &[],
        };
        let own = entry.field(column);
        if let Some((field, to)) = own.as_ref().zip(column.on_write) {
            let put = match given {
                Given::Values(values) => Put::Values(values),
                Given::Copied(copy) => Put::Copied(copy),
                Given::Selected(_) | Given::Something => Put::Something,
            };
            self.lowerings.put((field, to), column.type_oid, &put, place);
        }
        let fields = put_into(entry, column, catalog);
        if fields.is_empty() {
            let given = values.iter().filter_map(|value| Some((value, plain(value)?)));
            self.puts.extend(given.map(|(value, given)| PlainPut {
                part: entry.part.clone(),
                column: column.name.to_string(),
                type_oid: if value.as_kind("TypeCast").is_none() { column.type_oid } else { 0 },
                given,
            }));
        }
        for field in fields {
            if own.is_none() || column.on_write.is_none() {
                self.lowerings.otherwise(&field);
            }
            for value in values {
                match bare(value) {
                    Some(("AConst", _)) if holds_mask(value) => self.masks.push(field.clone()),
                    Some(("ParamRef", parameter)) => {
                        let number = usize::try_from(parameter.int("number")).unwrap_or(0);
                        let type_oid = if value.as_kind("ParamRef").is_some() { column.type_oid } else { 0 };
                        self.parameters.push(KeptParameter { number, field: field.clone(), type_oid });
                    }
                    _ => {}
                }
            }
            if !self.fields.contains(&field) {
                self.fields.push(field);
            }
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
        Some(("SetToDefault", _)) => true,
        Some(("AConst", constant)) => constant.has("isnull"),
        _ => false,
    }
}

/// A constant that is a mask.
fn holds_mask(value: &Tree) -> bool {
    let constant = bare(value).filter(|(kind, _)| *kind == "AConst");
    constant
        .and_then(|(_, constant)| constant.get("val").node())
        .is_some_and(|text| is_mask(text.text("sval").as_bytes()))
}

/// A constant, or a parameter, whatever it is cast to.
fn plain(value: &Tree) -> Option<PlainGiven> {
    match bare(value)? {
        ("ParamRef", parameter) => usize::try_from(parameter.int("number")).ok().map(PlainGiven::Parameter),
        ("AConst", constant) => {
            let value = constant.get("val").node()?;
            Some(PlainGiven::Constant(match value.kind {
                "String" => value.text("sval").to_owned(),
                "Float" => value.text("fval").to_owned(),
                "Integer" => value.int("ival").to_string(),
                _ => return None,
            }))
        }
        _ => None,
    }
}

/// A value without the casts around it.
fn bare(value: &Tree) -> Option<(&'static str, &Node)> {
    let node = value.node()?;
    match node.kind {
        "TypeCast" => bare(node.get("arg")),
        kind => Some((kind, node)),
    }
}

fn is_star(target: &Tree) -> bool {
    let value = target.node().and_then(|target| target.get("val").node());
    let holds = |node: &Node| {
        let mut found = false;
        node.walk(&mut |node| {
            found |= node.kind == "AStar";
            !found
        });
        found
    };
    value.is_some_and(|value| matches!(value.kind, "ColumnRef" | "AIndirection") && holds(value))
}
