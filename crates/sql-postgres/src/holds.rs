//! What each column of a result holds: the statement and the server's own description, joined.
//!
//! Two witnesses. The server says which relation's column a result column is, if it is a bare one: that is worked out by
//! PostgreSQL itself, after names were resolved, and can be trusted where it says "this column". The statement says what is
//! written there: by its lineage, if it was followed, or else by its shape, where whatever is no bare column is made of all
//! that the statement touches. The most sensitive answer wins.

use std::borrow::Cow;
use std::sync::Arc;

use lineage::Origin;
use model::{Field, Holds};

use crate::catalog::{Catalog, Column, Made};
use crate::resolve::{Document, Lineage, Traced};
use crate::statement::{OutputShape, Outputs, Statement};

/// A column as the server describes it (RowDescription).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described<'a> {
    /// The column's name in the result.
    pub name: &'a str,
    /// The relation it is a plain column of; 0 if it is none.
    pub table_oid: u32,
    /// Its number in that relation; 0 for none or for the whole row.
    pub attribute: i16,
    /// Its type.
    pub type_oid: u32,
}

/// The server describes another number of columns than the statement has. Fail closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the statement has {} {expected} result columns, the target describes {described}", if *.at_least { "at least" } else { "exactly" })]
pub struct WidthMismatch {
    /// What the statement has.
    pub expected: usize,
    /// Whether it may have more (there is a star in it).
    pub at_least: bool,
    /// What the server describes.
    pub described: usize,
}

/// What each described column holds.
///
/// Where nothing is classified another width is no reason to hide anything: a rule (`ON UPDATE DO INSTEAD SELECT`) answers with
/// rows that the statement does not show. What such a column is then, the server's own description says alone.
pub fn holds(
    statement: &Statement,
    catalog: &Catalog,
    described: &[Described<'_>],
) -> Result<Vec<Holds>, WidthMismatch> {
    if statement.unseen {
        return Ok(vec![Holds::Unknown; described.len()]);
    }
    if let Some(lineage) = &statement.lineage
        && let Some(outputs) = &lineage.outputs
    {
        return by_lineage(statement, lineage, outputs, catalog, described);
    }
    let shapes = match &statement.outputs {
        Outputs::None => &[][..],
        Outputs::Columns(shapes) => shapes,
    };
    let written = match Written::new(shapes, described.len()) {
        Err(mismatch) if catalog.classifies() || statement.is_tainted() => return Err(mismatch),
        Err(_) => Written::new(&[OutputShape::Star], described.len())?,
        Ok(written) => written,
    };
    let columns = described.iter().enumerate();
    Ok(columns.map(|(at, column)| one(statement, catalog, written.shape(at), column)).collect())
}

/// The same of a statement that was followed.
fn by_lineage(
    statement: &Statement,
    lineage: &Lineage,
    outputs: &[Traced],
    catalog: &Catalog,
    described: &[Described<'_>],
) -> Result<Vec<Holds>, WidthMismatch> {
    let written = Written::new(outputs, described.len())?;
    let named = match &statement.outputs {
        Outputs::Columns(shapes) if statement.names_are_plain => Written::new(shapes, described.len()).ok(),
        _ => None,
    };
    // The snapshot is older than what the server knows by this name.
    let other = |at, name: &str| matches!(named.as_ref().map(|named| named.shape(at)), Some(At::Column(written)) if written != name);
    let traced = |(at, column): (usize, &Described<'_>)| {
        let (origin, bare) = match written.at(at).map(Traced::parts) {
            Some((origin, bare)) => (origin.clone(), bare),
            // Between two of which nobody knows how many columns they are.
            None => {
                let parts = || outputs.iter().map(Traced::parts);
                (parts().map(|(origin, _)| origin.clone()).collect(), parts().all(|(_, bare)| bare))
            }
        };
        let made_of = |more: &[Field]| match &origin {
            Origin::Unknown | Origin::Code(_) => computed(statement, more),
            origin => {
                let sources = origin.sources();
                let followed = sources.iter().filter_map(|source| lineage.field(source)).cloned();
                let mut fields: Vec<Field> = followed.collect();
                fields.extend(
                    more.iter().filter(|field| !sources.iter().any(|s| lineage.field(s) == Some(field))).cloned(),
                );
                if fields.is_empty() { Holds::Plain } else { Holds::Computed(fields) }
            }
        };
        match (wire(catalog, column, true), &origin) {
            // PostgreSQL itself says which of several tables is meant.
            (Wire::Classified(field), _) if bare => Holds::Copy(field),
            (Wire::Classified(field), _) => made_of(&[field]),
            (Wire::MadeOf(fields), _) => made_of(&fields),
            (Wire::Unknown, _) => Holds::Unknown,
            (Wire::Unclassified(name), _) if other(at, name) => computed(statement, &[]),
            (Wire::Unclassified(_), Origin::Unknown | Origin::Code(_) | Origin::Made(_)) if bare => Holds::Plain,
            (Wire::Expression, Origin::Copy(source)) => {
                lineage.field(*source).cloned().map_or(Holds::Unknown, Holds::Copy)
            }
            (Wire::Expression, Origin::Shaped(_)) => {
                let document = lineage.document(&origin, catalog).filter(|document| document.fits(column.type_oid));
                document.map_or_else(|| made_of(&[]), |document| Holds::Document(Arc::new(document.shape)))
            }
            (Wire::Expression | Wire::Unclassified(_), _) => made_of(&[]),
        }
    };
    Ok(described.iter().enumerate().map(traced).collect())
}

impl Document {
    /// Whether the server describes it as what it is: `json`, `jsonb`, or an array of them.
    fn fits(&self, type_oid: u32) -> bool {
        type_oid
            == match (self.sorted, self.in_list) {
                (false, false) => 114,
                (true, false) => 3802,
                (false, true) => 199,
                (true, true) => 3807,
            }
    }
}

/// What can stand for any number of columns.
trait Widths {
    fn is_many(&self) -> bool;
}

impl Widths for OutputShape {
    fn is_many(&self) -> bool {
        *self == Self::Star
    }
}

impl Widths for Traced {
    fn is_many(&self) -> bool {
        matches!(self, Self::Many { .. })
    }
}

/// What is written at each position of the result.
struct Written<'a, T> {
    shapes: &'a [T],
    /// Positions before the first star, and after the last: in between only the server knows which is which.
    before: usize,
    after: usize,
    one_star: bool,
    described: usize,
}

/// What is written at one position.
#[derive(Clone, Copy)]
enum At<'a> {
    Column(&'a str),
    Computed,
    /// Made by a star, or not known: between two stars.
    Star,
}

impl<'a, T: Widths> Written<'a, T> {
    fn new(shapes: &'a [T], described: usize) -> Result<Self, WidthMismatch> {
        let stars = shapes.iter().filter(|shape| shape.is_many()).count();
        let expected = shapes.len().saturating_sub(stars);
        let fits = if stars == 0 { described == expected } else { described >= expected };
        if !fits {
            return Err(WidthMismatch { expected, at_least: stars != 0, described });
        }
        let before = shapes.iter().take_while(|shape| !shape.is_many()).count();
        let after = shapes.iter().rev().take_while(|shape| !shape.is_many()).count();
        Ok(Self { shapes, before, after, one_star: stars == 1, described })
    }

    /// What is written there; `None` if it may be one of several.
    fn at(&self, at: usize) -> Option<&'a T> {
        let from_end = self.described.saturating_sub(at);
        if at < self.before {
            self.shapes.get(at)
        } else if from_end <= self.after {
            self.shapes.len().checked_sub(from_end).and_then(|at| self.shapes.get(at))
        } else if self.one_star {
            self.shapes.iter().find(|shape| shape.is_many())
        } else {
            None
        }
    }
}

impl<'a> Written<'a, OutputShape> {
    fn shape(&self, at: usize) -> At<'a> {
        match self.at(at) {
            Some(OutputShape::Column(name)) => At::Column(name),
            Some(OutputShape::Computed) => At::Computed,
            Some(OutputShape::Star) | None => At::Star,
        }
    }
}

fn one(statement: &Statement, catalog: &Catalog, written: At<'_>, described: &Described<'_>) -> Holds {
    let tainted = statement.is_tainted();
    let bare = !statement.set_operation && !matches!(written, At::Computed);
    match wire(catalog, described, false) {
        // A cast that PostgreSQL leaves out: the server still says which column it is.
        Wire::Classified(field) if bare => Holds::Copy(field),
        Wire::Classified(field) => computed(statement, &[field]),
        Wire::MadeOf(fields) => computed(statement, &fields),
        Wire::Unknown => Holds::Unknown,
        Wire::Expression if tainted => computed(statement, &[]),
        Wire::Expression => Holds::Plain,
        Wire::Unclassified(column) => match written {
            _ if !tainted => Holds::Plain,
            _ if !bare => computed(statement, &[]),
            At::Column(name) if statement.names_are_plain && *column != *name => computed(statement, &[]),
            _ => Holds::Plain,
        },
    }
}

/// What the server's description says of a column.
enum Wire<'a> {
    /// It is an expression, or comes from one.
    Expression,
    /// It is this classified column.
    Classified(Field),
    /// It is a whole row, or a column of a view or a TOAST table, made of these.
    MadeOf(Cow<'a, [Field]>),
    /// It is this column, which is not classified.
    Unclassified(&'a str),
    /// It is a column of something that the snapshot doesn't know.
    Unknown,
}

fn wire<'a>(catalog: &'a Catalog, described: &Described<'_>, followed: bool) -> Wire<'a> {
    if described.table_oid == 0 {
        return Wire::Expression;
    }
    let unknown = || if catalog.classifies() { Wire::Unknown } else { Wire::Expression };
    let Some(entry) = catalog.entry(described.table_oid) else { return unknown() };
    if described.attribute == 0 {
        return if entry.touches.is_empty() { Wire::Expression } else { Wire::MadeOf(Cow::Borrowed(&entry.touches)) };
    }
    if described.attribute < 0 {
        return Wire::Unclassified(system_column(described.attribute));
    }
    let Some(column) = catalog.column(described.table_oid, described.attribute) else { return unknown() };
    let classifies = catalog.classifies();
    let made = if followed { entry.made(column, classifies) } else { entry.made_anyhow(column, classifies) };
    match made {
        Made::Copy(field) => Wire::Classified(field),
        Made::Computed(fields) => Wire::MadeOf(Cow::Owned(fields.to_vec())),
        Made::Unknown | Made::Everything => Wire::Unknown,
        Made::Plain => Wire::Unclassified(name_of(column)),
    }
}

fn name_of(column: &Column) -> &str {
    &column.name
}

/// The system columns, which every table has and which hold nothing of its own (`src/include/access/sysattr.h`).
fn system_column(attribute: i16) -> &'static str {
    match attribute {
        -1 => "ctid",
        -2 => "xmin",
        -3 => "cmin",
        -4 => "xmax",
        -5 => "cmax",
        -6 => "tableoid",
        _ => "",
    }
}

/// A column that is made of anything the statement touches, and of these.
fn computed(statement: &Statement, more: &[Field]) -> Holds {
    if statement.touches_unknown {
        return Holds::Unknown;
    }
    let mut fields = statement.touches.clone();
    fields.extend(more.iter().filter(|field| !statement.touches.contains(field)).cloned());
    if fields.is_empty() { Holds::Plain } else { Holds::Computed(fields) }
}

#[cfg(test)]
mod tests;
