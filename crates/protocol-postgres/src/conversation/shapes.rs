//! What results look like: the target's descriptions of them, what their columns hold, and how they are laid out to be shown.

use std::rc::Rc;

use gate::{KeptPlan, KeptWatch, Plans, Session};
use model::{Holds, UnixMicros};
use sql_postgres::{Catalog, CopyStatement, Described, holds};

use super::expect::{Described as Subject, Running};
use super::looking::Looked;
use super::recorded::{KeptBy, keep_shape};
use super::statements::Shape;
use crate::cells::CellType;
use crate::interpret::{Interpreted, Learned};
use crate::wire::Malformed;
use crate::wire::backend::{self, ColumnShape};

/// The target has described something.
pub(super) fn described(interpreted: &Rc<Interpreted>, what: &Subject, shape: Rc<Shape>) {
    match what {
        Subject::Statement(prepared) => prepared.describe(interpreted, &shape),
        Subject::Portal(portal) => {
            // A cursor says only now whether it is BINARY.
            let formats = || shape.columns.iter().map(|column| column.format);
            if (0..).zip(formats()).any(|(at, format)| portal.is_binary(at) != (format == 1)) {
                *portal.formats.borrow_mut() = formats().collect();
            }
            *portal.shape.borrow_mut() = Some(if portal.otherwise { shape.otherwise() } else { shape });
        }
    }
}

/// The result of a statement, as this RowDescription says it. What it says seldom changes from one run to the next.
pub(super) fn shape_of(
    interpreted: &Interpreted,
    statement: usize,
    description: &[u8],
) -> Result<Rc<Shape>, Malformed> {
    if let Some(learned) = &*interpreted.learned.borrow()
        && learned.statement == statement
        && *learned.description == *description
    {
        return Ok(Rc::clone(&learned.shape));
    }
    let mut columns = backend::row_description(description)?;
    let holds = held(interpreted, statement, &columns);
    if let Some((_, snapshot)) = interpreted.shown_by(statement) {
        as_written(&mut columns, &snapshot.catalog);
    }
    let shape = Rc::new(Shape::of_rows(columns, holds));
    let learned = Learned { statement, description: description.into(), shape: Rc::clone(&shape) };
    *interpreted.learned.borrow_mut() = Some(learned);
    Ok(shape)
}

/// Gives columns the types as which their values are written.
pub(super) fn as_written(columns: &mut [ColumnShape], catalog: &Catalog) {
    columns.iter_mut().for_each(|column| column.type_oid = catalog.written_as(column.type_oid));
}

/// Whether a statement of a text takes data of the caller's.
pub(super) fn copies_in(interpreted: &Interpreted, statement: usize) -> bool {
    let statement = interpreted.statements.get(statement);
    statement.is_some_and(|statement| matches!(statement.copy, Some(CopyStatement::In(_))))
}

/// What the columns of a result hold, by the statement and by the target's description.
pub(super) fn held(interpreted: &Interpreted, statement: usize, columns: &[ColumnShape]) -> Result<Vec<Holds>, String> {
    let described: Vec<Described<'_>> = columns
        .iter()
        .map(|column| Described {
            name: &column.name,
            table_oid: column.table_oid,
            attribute: column.attribute,
            type_oid: column.type_oid,
        })
        .collect();
    if interpreted.is_replication() {
        return Ok(vec![Holds::Plain; columns.len()]);
    }
    let shown_by = interpreted.shown_by(statement);
    let (statement, snapshot) = shown_by.ok_or("the target describes a result that no statement asked for")?;
    holds(statement, &snapshot.catalog, &described).map_err(|wrong| wrong.to_string())
}

/// Lays out how the rows of a result are shown.
pub(super) fn lay_out(
    running: &mut Running,
    holds: &[Holds],
    columns: &[ColumnShape],
    (kept_plan, kept_watch): (&mut Option<KeptPlan>, &mut Option<KeptWatch>),
    is_binary: impl Fn(usize) -> bool,
    looked: Option<&Looked<'_>>,
    (session, now): (&Session, UnixMicros),
) {
    let Plans { shown, kept } = running.flow.shape(holds, kept_plan, now);
    running.plan = Some(shown);
    let watch_kept = looked.and_then(|looked| looked.watch(running, holds, columns, kept_watch, now));
    if kept.is_some() || watch_kept.is_some() {
        let types: Vec<u32> = columns.iter().map(|column| column.type_oid).collect();
        running.kept = KeptBy::new(kept, watch_kept, columns.len(), &types);
    }
    running.types = columns
        .iter()
        .enumerate()
        .map(|(at, column)| CellType { oid: column.type_oid, modifier: column.type_modifier, binary: is_binary(at) })
        .collect();
    keep_shape(session, running, columns, now);
}
