//! Whether all that a statement keeps goes into one temporary table of the session alone, and what that is.

use std::collections::BTreeMap;

use model::Field;
use pg_query::protobuf::ObjectType;

use crate::catalog::{Catalog, Column, Entry, Made};
use crate::resolve::{Lineage, Traced};
use crate::temporary::{Held, Kept, Place};
use crate::tree::{Node, Tree};

/// Kinds of nodes that keep something. A CREATE TABLE AS has an INTO of its own.
const KEEPING: &[&str] = &[
    "InsertStmt",
    "UpdateStmt",
    "DeleteStmt",
    "MergeStmt",
    "CopyStmt",
    "IntoClause",
    "ViewStmt",
    "RuleStmt",
    "CreateFunctionStmt",
    "AlterTableCmd",
    "Constraint",
];

/// What the statement of this tree keeps, of all these fields, if that goes into one temporary table of the session.
pub(super) fn keeps(tree: &Tree, catalog: &Catalog, lineage: &Lineage, fields: &[Field]) -> Option<Kept> {
    let node = tree.node()?;
    let mut keeping = 0_usize;
    node.walk(&mut |node| {
        keeping = keeping.saturating_add(KEEPING.contains(&node.kind).into());
        true
    });
    if keeping != 1 {
        return None;
    }
    let any = || Held::any_of(fields);
    let (place, holds) = match node.kind {
        "CreateTableAsStmt" if node.int("objtype") == i64::from(i32::from(ObjectType::ObjectTable)) => {
            (Place::New(new_table(node.get("into").node()?)?), in_order(lineage, lineage.kept.as_deref(), fields))
        }
        "SelectStmt" => (Place::New(new_table(into(node)?)?), in_order(lineage, lineage.outputs.as_deref(), fields)),
        "InsertStmt" => {
            let entry = own_table(node.get("relation"), catalog)?;
            let holds = match node.has("on_conflict_clause") {
                true => any(),
                false => inserted(node, entry, lineage, fields),
            };
            (Place::Of(entry.relation.oid), holds)
        }
        "UpdateStmt" | "MergeStmt" => (Place::Of(own_table(node.get("relation"), catalog)?.relation.oid), any()),
        "CopyStmt" if node.has("is_from") => (Place::Of(own_table(node.get("relation"), catalog)?.relation.oid), any()),
        _ => return None,
    };
    Some(Kept { place, holds })
}

/// The same of an ALTER TABLE, which moves values from one column to another.
pub(super) fn altered(tree: &Tree, catalog: &Catalog, fields: &[Field]) -> Option<Kept> {
    let node = tree.as_kind("AlterTableStmt").filter(|_| !fields.is_empty())?;
    let entry = own_table(node.get("relation"), catalog)?;
    Some(Kept { place: Place::Of(entry.relation.oid), holds: Held::any_of(fields) })
}

/// Whether rows go into what may be a temporary table of the session, in a catalog that does not tell whose it is.
pub(super) fn may_be_temporary(tree: &Tree, catalog: &Catalog) -> bool {
    let mut found = false;
    tree.walk(&mut |node| {
        if matches!(node.kind, "InsertStmt" | "UpdateStmt" | "MergeStmt" | "CopyStmt")
            && let Some(range) = node.get("relation").as_kind("RangeVar")
        {
            let mut named = catalog.named(range.text("schemaname"), range.text("relname"));
            found |= named.any(|entry| *entry.relation.schema == *"pg_temp");
        }
        !found
    });
    found && !catalog.is_of_session()
}

/// The INTO of a query; the first arm of a set operation holds it.
fn into(node: &Node) -> Option<&Node> {
    match node.get("larg").node() {
        Some(arm) => into(arm),
        None => node.get("into_clause").node(),
    }
}

/// The name of a new table, if it is a temporary one.
fn new_table(into: &Node) -> Option<Box<str>> {
    let range = into.get("rel").as_kind("RangeVar")?;
    let temporary = match range.text("schemaname") {
        "" => range.text("relpersistence") == "t",
        schema => schema == "pg_temp",
    };
    temporary.then(|| range.text("relname").into())
}

/// The temporary table of the session that is meant, if it can be no other and nothing happens when it is written to.
fn own_table<'a>(range: &Tree, catalog: &'a Catalog) -> Option<&'a Entry> {
    let range = range.as_kind("RangeVar")?;
    let mut named = catalog.named(range.text("schemaname"), range.text("relname"));
    let entry = named.next().filter(|entry| catalog.is_own_temporary(entry) && entry.is_quiet())?;
    named.next().is_none().then_some(entry)
}

/// The columns of a new table are the outputs of its query.
fn in_order(lineage: &Lineage, outputs: Option<&[Traced]>, fields: &[Field]) -> Held {
    let one = |(number, output): (i16, &Traced)| match output {
        Traced::One { origin, .. } => Some((number, lineage.made(origin)?)),
        Traced::Many { .. } => None,
    };
    let columns: Option<BTreeMap<i16, Made>> = outputs.and_then(|outputs| (1..).zip(outputs).map(one).collect());
    columns.map_or_else(|| Held::any_of(fields), |columns| Held { columns, rest: Made::Plain })
}

fn inserted(node: &Node, entry: &Entry, lineage: &Lineage, fields: &[Field]) -> Held {
    let listed: Option<Vec<&Column>> = match node.get("cols").list() {
        [] => Some(entry.relation.columns.iter().collect()),
        list => {
            let column = |name: &str| entry.relation.columns.iter().find(|column| *column.name == *name);
            list.iter().map(|item| column(item.node()?.text("name"))).collect()
        }
    };
    let held = in_order(lineage, lineage.kept.as_deref(), fields);
    match listed {
        Some(listed) if held.rest == Made::Plain => {
            let made = (1..)
                .zip(listed)
                .filter_map(|(place, column)| Some((column.number, held.columns.get(&place)?.clone())));
            Held { columns: made.collect(), rest: Made::Plain }
        }
        _ => Held::any_of(fields),
    }
}
