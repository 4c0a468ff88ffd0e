//! Where a statement puts values: the tables and columns that may be meant.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use model::{Field, Part};

use super::{GOALS_MAX, USES_MAX, VALUES_MAX};
use crate::catalog::{Catalog, Column, Entry, Made};
use crate::copy::PlainInto;
use crate::tree::{Node, Tree, name_parts, schema_and_name};
use crate::vocabulary::table_part;

/// What the statements of one text share: the tables that they put something into, each looked up once, and how much may be put anywhere.
pub(in crate::analyse) struct Scope<'c> {
    pub(in crate::analyse) catalog: &'c Catalog,
    /// Whether what goes into columns is told that are not classified.
    pub(in crate::analyse) tells_puts: bool,
    tables: RefCell<HashMap<(String, String), Rc<Tables<'c>>>>,
    /// Values of which may still be kept where they go, and columns that they may go into.
    values_left: Cell<usize>,
    goals_left: Cell<usize>,
    /// How often something may still be put into one that is classified.
    uses_left: Cell<usize>,
}

impl<'c> Scope<'c> {
    pub(in crate::analyse) fn new(catalog: &'c Catalog, tells_puts: bool) -> Self {
        Self::bounded(catalog, tells_puts, (VALUES_MAX, GOALS_MAX, USES_MAX))
    }

    /// One of no more values, columns, and uses of classified columns than these.
    pub(super) fn bounded(
        catalog: &'c Catalog,
        tells_puts: bool,
        (values, goals, uses): (usize, usize, usize),
    ) -> Self {
        let (values_left, goals_left, uses_left) = (Cell::new(values), Cell::new(goals), Cell::new(uses));
        Self { catalog, tells_puts, tables: RefCell::default(), values_left, goals_left, uses_left }
    }

    /// Whether one more value may be put somewhere.
    pub(super) fn takes_value(&self) -> bool {
        spend(&self.values_left, 1)
    }

    /// Whether something may be put into so many more columns.
    pub(super) fn takes_goals(&self, count: usize) -> bool {
        spend(&self.goals_left, count)
    }

    /// Whether something may be put into so many classified columns once more.
    pub(super) fn takes_uses(&self, count: usize) -> bool {
        spend(&self.uses_left, count)
    }

    /// Whether it may be told where the data of a COPY go.
    pub(in crate::analyse) fn has_room_for_copy(&self, copy: &Node) -> bool {
        let columns = || entries(copy.get("relation"), self.catalog).map(|entry| entry.relation.columns.len());
        !copy.has("is_from") || self.takes_goals(columns().fold(1, usize::saturating_add))
    }

    fn tables(&self, relation: &Tree) -> Rc<Tables<'c>> {
        let range = relation.as_kind("RangeVar");
        let name = range.map(|range| (range.text("schemaname").to_owned(), range.text("relname").to_owned()));
        let mut tables = self.tables.borrow_mut();
        let named = tables.entry(name.unwrap_or_default());
        Rc::clone(named.or_insert_with(|| Rc::new(Tables::of(relation, self.catalog))))
    }
}

/// Takes so many away, if there are as many.
fn spend(left: &Cell<usize>, count: usize) -> bool {
    left.get().checked_sub(count).is_some_and(|fewer| {
        left.set(fewer);
        true
    })
}

/// All tables that may be meant by a name.
struct Tables<'c> {
    known: Vec<(&'c Entry, HashMap<&'c str, &'c Column>)>,
    /// If the catalog knows none.
    unknown: Option<Part>,
    /// The columns of them that were asked for, by place and name.
    goals: RefCell<HashMap<(usize, String), Rc<Goal<'c>>>>,
}

impl<'c> Tables<'c> {
    fn of(relation: &Tree, catalog: &'c Catalog) -> Self {
        let by_name = |entry: &'c Entry| entry.relation.columns.iter().map(|column| (&*column.name, column)).collect();
        let known: Vec<_> = entries(relation, catalog).map(|entry| (entry, by_name(entry))).collect();
        let unknown = if known.is_empty() { unknown_part(relation, catalog) } else { None };
        Self { known, unknown, goals: RefCell::default() }
    }

    /// The columns of this name, or without one those at this place.
    fn goal(&self, at: usize, name: &str, catalog: &Catalog, with_plain: bool) -> Goal<'c> {
        let (mut classified, mut plain, mut types) = (Vec::new(), Vec::new(), HashSet::new());
        let unknown = |part: &Part| PlainInto { part: part.clone(), column: name.to_owned(), type_oid: 0 };
        for (entry, by_name) in &self.known {
            let column = if name.is_empty() { entry.relation.columns.get(at) } else { by_name.get(name).copied() };
            let Some(column) = column else {
                // It may be newer than the catalog.
                types.insert(0);
                plain.extend(with_plain.then(|| unknown(&entry.part)));
                continue;
            };
            types.insert(column.type_oid);
            let fields = put_into(entry, column, catalog);
            if fields.is_empty() && with_plain {
                let (column, type_oid) = ((*column.name).to_owned(), column.type_oid);
                plain.push(PlainInto { part: entry.part.clone(), column, type_oid });
            }
            if !fields.is_empty() || entry.field(column).is_some() {
                classified.push(Classified { entry, column, fields });
            }
        }
        plain.extend(self.unknown.iter().filter(|_| with_plain).map(unknown));
        sort(&mut plain);
        let type_oid = types.iter().next().copied().filter(|oid| types.len() == 1 && *oid != 0);
        Goal { classified, plain: plain.into(), type_oid }
    }
}

/// A table that something is put into: all that may be meant by its name.
pub(super) struct Target<'c> {
    tables: Rc<Tables<'c>>,
    /// Whether the rows that are written can be named elsewhere in the statement.
    pub(super) returns: bool,
}

impl<'c> Target<'c> {
    pub(super) fn new(node: &Node, scope: &Scope<'c>) -> Self {
        Self { tables: scope.tables(node.get("relation")), returns: node.has("returning_clause") }
    }

    pub(super) fn is_single(&self) -> bool {
        self.tables.known.len() == 1
    }

    /// How many columns it has at most.
    pub(super) fn width(&self) -> usize {
        self.tables.known.iter().map(|(entry, _)| entry.relation.columns.len()).max().unwrap_or(0)
    }

    /// The columns of this name, or without one those at this place. `None` if there are more than may be told.
    pub(super) fn goal(&self, at: usize, name: &str, scope: &Scope<'c>) -> Option<Rc<Goal<'c>>> {
        // One that has a name has no place.
        let key = (if name.is_empty() { at } else { 0 }, name.to_owned());
        if let Some(known) = self.tables.goals.borrow().get(&key) {
            return Some(Rc::clone(known));
        }
        if !scope.takes_goals(self.tables.known.len().max(1)) {
            return None;
        }
        let goal = Rc::new(self.tables.goal(at, name, scope.catalog, scope.tells_puts));
        self.tables.goals.borrow_mut().insert(key, Rc::clone(&goal));
        Some(goal)
    }
}

/// Where a value goes: a column of each table that may be meant.
pub(super) struct Goal<'c> {
    /// Those that are classified, or made of what is.
    pub(super) classified: Vec<Classified<'c>>,
    /// Those that are not, also those that nobody knows. Empty if that is not asked.
    pub(super) plain: Arc<[PlainInto]>,
    /// Their type, if it is known and the same for all.
    pub(super) type_oid: Option<u32>,
}

/// A column, and the classified fields that get what is put into it.
pub(super) struct Classified<'c> {
    pub(super) entry: &'c Entry,
    pub(super) column: &'c Column,
    pub(super) fields: Vec<Field>,
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
pub(super) fn put_into(entry: &Entry, column: &Column, catalog: &Catalog) -> Vec<Field> {
    match entry.made(column, catalog.classifies()) {
        Made::Plain => Vec::new(),
        Made::Copy(field) => vec![field],
        Made::Computed(fields) => fields.to_vec(),
        Made::Unknown | Made::Everything => entry.touches.to_vec(),
    }
}

/// Puts those of one name and one type beside each other, each once.
pub(super) fn sort(into: &mut Vec<PlainInto>) {
    let key = |into: &PlainInto| (into.column.clone(), into.type_oid, Arc::clone(&into.part.name));
    into.sort_by_cached_key(key);
    into.dedup();
}

/// The relations that may be meant. What is in a temporary table of the session is known without being asked for.
pub(super) fn entries<'a>(relation: &Tree, catalog: &'a Catalog) -> impl Iterator<Item = &'a Entry> {
    let range = relation.as_kind("RangeVar");
    let named = range.map(|range| (range.text("schemaname").to_owned(), range.text("relname").to_owned()));
    named.into_iter().flat_map(|(schema, name)| {
        let named = catalog.named(&schema, &name).filter(|entry| !catalog.is_own_temporary(entry));
        named.collect::<Vec<_>>()
    })
}

/// A table that the catalog does not know, by its name.
pub(super) fn unknown_part(relation: &Tree, catalog: &Catalog) -> Option<Part> {
    let range = relation.as_kind("RangeVar")?;
    let (schema, name) = (range.text("schemaname"), range.text("relname"));
    catalog.named(schema, name).next().is_none().then(|| table_part(schema, name))
}

/// A table by the name that it has here.
pub(super) fn part_of(relation: &Tree) -> Option<Part> {
    relation.as_kind("RangeVar").map(|range| table_part(range.text("schemaname"), range.text("relname")))
}

/// What has this name, which is written in parts.
pub(super) fn part_named(name: &Tree) -> Option<Part> {
    let parts = name_parts(name.list());
    let (schema, name) = schema_and_name(&parts);
    (!name.is_empty()).then(|| table_part(schema, name))
}

/// A column in a list of them: with what stands behind it, or its name alone.
pub(super) fn column_name(tree: &Tree) -> &str {
    match tree.node() {
        Some(node) if node.kind == "String" => node.text("sval"),
        Some(node) => node.text("name"),
        None => tree.text(),
    }
}

pub(super) fn column<'a>(entry: &'a Entry, name: &str) -> Option<&'a Column> {
    entry.relation.columns.iter().find(|column| *column.name == *name)
}
