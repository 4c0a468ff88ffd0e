//! Follows the values of a statement from the columns they come from to the outputs.
//!
//! Walks the parse tree with the rules of [`lineage`] in hand: names are resolved as PostgreSQL resolves them, but that a name
//! without a schema means every relation that has it, whatever the search path. What is found here is only used where it is
//! more than is known without: a statement that can't be followed has no lineage, and each of its outputs is then taken for
//! made of all that the statement touches.
//!
//! [`query`]: SELECT and its clauses. [`from`]: what stands in FROM. [`expression`]: values. [`function`]: calls. [`document`]: rows
//! and documents whose keys are known. [`probe`]: conditions, orders, groups. [`change`]: INSERT, UPDATE, DELETE and MERGE. [`names`]: how PostgreSQL names an output that has
//! no name.

mod change;
mod document;
mod expression;
mod from;
mod function;
mod names;
mod probe;
mod query;

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use lineage::{Form, Origin, Output, Parts, Rows, Scope, Shaped, Source, Sources};
use model::{Field, Holds, Shape};
use pg_query::protobuf::ObjectType;

pub(crate) use self::names::{figured, is_nullif};
pub(crate) use self::probe::Probe;
use crate::catalog::{Catalog, Entry, Made, RelationKind};
use crate::temporary::computed;
use crate::tree::{Node, Tree, name_parts, schema_and_name};

/// What is known of the values of a statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lineage {
    /// The fields that sources are numbers of.
    pub(crate) fields: Vec<Field>,
    /// The outputs, in order; `None` if it returns no rows that could be followed.
    pub(crate) outputs: Option<Vec<Traced>>,
    /// Columns of which it learns something, and how.
    pub(crate) probes: Vec<(Source, Probe)>,
    /// Whether it learns something of what can't be told.
    pub(crate) probes_anything: bool,
    /// Columns whose values it replaces.
    pub(crate) overwrites: Sources,
    /// What it inserts, or makes a table of, in the order of the columns.
    pub(crate) kept: Option<Vec<Traced>>,
    /// What it keeps, if that was followed.
    pub(crate) stores: Option<Stores>,
    /// Whether code was met that can't be followed.
    pub(crate) meets_code: bool,
    /// Where the constants stand in the text that are keys of documents: another constant there would be another statement.
    pub(crate) constants: Vec<usize>,
}

/// Of what all is made that a statement keeps somewhere: in a table, a view, a sequence, a setting, a notification.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stores {
    pub(crate) sources: Sources,
    /// Some of it is made by code.
    pub(crate) code: bool,
    /// Some of it can't be told.
    pub(crate) anything: bool,
}

impl Lineage {
    /// What a value holds that is made of this.
    pub(crate) fn holds(&self, origin: &Origin) -> Holds {
        match origin {
            Origin::Free => Holds::Plain,
            Origin::Unknown | Origin::Code(_) => Holds::Unknown,
            Origin::Copy(source) => self.field(*source).cloned().map_or(Holds::Unknown, Holds::Copy),
            Origin::Shaped(shaped) => Holds::Computed(self.fields_of(shaped.sources())),
            Origin::Made(sources) => Holds::Computed(self.fields_of(sources)),
        }
    }

    fn fields_of(&self, sources: &Sources) -> Vec<Field> {
        sources.iter().filter_map(|source| self.field(source)).cloned().collect()
    }

    /// The shape of what an output shows, if it is a document, or a list of them, whose keys are known.
    pub(crate) fn document(&self, origin: &Origin, catalog: &Catalog) -> Option<Document> {
        let Origin::Shaped(shaped) = origin else { return None };
        let (shaped, in_list) = match (shaped.form(), shaped.parts()) {
            (Form::List, Parts::Each(Origin::Shaped(inner))) => (inner, true),
            _ => (shaped, false),
        };
        let sorted = match shaped.form() {
            Form::Document => false,
            Form::Sorted => true,
            Form::Row | Form::List => return None,
        };
        Some(Document { shape: self.shape(shaped, catalog)?, sorted, in_list })
    }

    fn shape(&self, shaped: &Shaped, catalog: &Catalog) -> Option<Shape> {
        let part = |origin: &Origin| match origin {
            Origin::Free => Some(Shape::Plain),
            Origin::Copy(source) => {
                let field = self.field(*source)?;
                Some(Shape::Copy(field.clone(), catalog.type_of(field)))
            }
            Origin::Shaped(inner) => self.shape(inner, catalog),
            Origin::Made(sources) => Some(Shape::Computed(self.fields_of(sources))),
            Origin::Code(_) | Origin::Unknown => None,
        };
        Some(match shaped.parts() {
            Parts::Itself(origin) => part(origin)?,
            Parts::Each(origin) => Shape::Array(Box::new(part(origin)?)),
            Parts::Listed(origins) => Shape::Tuple(origins.iter().map(part).collect::<Option<_>>()?),
            Parts::Named(named) => {
                let named = named.iter().map(|(name, origin)| Some((Arc::clone(name), part(origin)?)));
                Shape::Object(named.collect::<Option<_>>()?)
            }
        })
    }

    /// Of what a column is made that is made of this; `None` if nobody can tell.
    pub(crate) fn made(&self, origin: &Origin) -> Option<Made> {
        Some(match self.holds(origin) {
            Holds::Plain => Made::Plain,
            Holds::Copy(field) => Made::Copy(field),
            Holds::Computed(fields) => computed(&fields),
            Holds::Unknown | Holds::Document(_) => return None,
        })
    }

    /// The field of this number.
    pub(crate) fn field(&self, source: Source) -> Option<&Field> {
        self.fields.get(usize::try_from(source.0).ok()?)
    }
}

/// A document whose keys are known, as an output shows it.
pub(crate) struct Document {
    pub(crate) shape: Shape,
    /// Whether it is a `jsonb`.
    pub(crate) sorted: bool,
    /// Whether there is an array of them.
    pub(crate) in_list: bool,
}

/// Of what one output, or any number of them, is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Traced {
    One {
        /// By which name, where that can be told and is asked for.
        name: Option<Box<str>>,
        origin: Origin,
        /// It is the column of a table, through whatever queries and names.
        bare: bool,
    },
    Many {
        origin: Origin,
        /// Each is the column of a table.
        bare: bool,
    },
}

impl Traced {
    /// Of what it is made, and whether it is the column of a table.
    pub(crate) fn parts(&self) -> (&Origin, bool) {
        match self {
            Self::One { origin, bare, .. } | Self::Many { origin, bare } => (origin, *bare),
        }
    }
}

/// Steps that a statement may take for each of its nodes, and some beside: a name can mean many columns, and a query that
/// refers to itself is followed more than once. What takes more is not followed.
const STEPS_EACH: usize = 64;
const STEPS_FREE: usize = 100_000;

/// The lineage of a statement; `None` if it can't be followed.
pub(crate) fn lineage(tree: &Tree, catalog: &Catalog) -> Option<Lineage> {
    followed(tree, catalog, false)
}

/// The same, with the names of the outputs.
pub(crate) fn named_lineage(tree: &Tree, catalog: &Catalog) -> Option<Lineage> {
    followed(tree, catalog, true)
}

fn followed(tree: &Tree, catalog: &Catalog, with_names: bool) -> Option<Lineage> {
    let node = tree.node()?;
    let mut nodes = 0_usize;
    node.walk(&mut |_| {
        nodes = nodes.saturating_add(1);
        true
    });
    let mut resolver = Resolver {
        catalog,
        fields: Vec::new(),
        queries: Vec::new(),
        probes: Vec::new(),
        probes_anything: false,
        overwrites: Sources::default(),
        kept: None,
        stores: Stores::default(),
        seen: HashSet::new(),
        has_effects: has_effects(node, catalog),
        meets_code: false,
        constants: Vec::new(),
        steps: nodes.saturating_mul(STEPS_EACH).saturating_add(STEPS_FREE),
    };
    let outputs = resolver.statement(node)?;
    // What defines something keeps expressions in other places than are looked at here.
    let keeps = outputs.is_some() || KEEPING.contains(&node.kind);
    if resolver.steps == 0 {
        return None;
    }
    Some(Lineage {
        outputs: outputs.map(|outputs| outputs.into_iter().map(|output| traced(output, with_names)).collect()),
        probes: resolver.probes,
        probes_anything: resolver.probes_anything,
        overwrites: resolver.overwrites,
        kept: resolver.kept,
        stores: keeps.then_some(resolver.stores),
        fields: resolver.fields,
        meets_code: resolver.meets_code,
        constants: resolver.constants.into_iter().filter_map(|place| usize::try_from(place).ok()).collect(),
    })
}

fn traced(output: Output<'_>, with_name: bool) -> Traced {
    match output {
        Output::One(column) => {
            let name = column.name.filter(|_| with_name).map(Into::into);
            Traced::One { name, origin: column.origin, bare: column.bare }
        }
        Output::Many { origin, bare } => Traced::Many { origin, bare },
    }
}

/// Statements that give no rows but keep some, or run what does.
const KEEPING: [&str; 6] =
    ["CopyStmt", "DeclareCursorStmt", "PrepareStmt", "ExplainStmt", "CreateTableAsStmt", "ViewStmt"];

struct Resolver<'a> {
    catalog: &'a Catalog,
    fields: Vec<Field>,
    /// All queries of WITH clauses that were met.
    queries: Vec<Named<'a>>,
    probes: Vec<(Source, Probe)>,
    probes_anything: bool,
    overwrites: Sources,
    kept: Option<Vec<Traced>>,
    stores: Stores,
    seen: HashSet<(Source, Probe)>,
    /// Something in the statement has an effect that can be seen elsewhere.
    has_effects: bool,
    meets_code: bool,
    /// Where the constants stand whose values were looked at.
    constants: Vec<i64>,
    /// How many steps are left.
    steps: usize,
}

/// Where in a statement something stands.
#[derive(Clone, Default)]
struct At<'a> {
    scope: Scope<'a>,
    named: Option<Rc<NamedList<'a>>>,
    windows: Option<Rc<Vec<(&'a str, Origin)>>>,
}

/// The queries of WITH clauses that can be seen, the nearest first.
struct NamedList<'a> {
    name: &'a str,
    query: usize,
    next: Option<Rc<NamedList<'a>>>,
}

/// A query of a WITH clause.
struct Named<'a> {
    node: &'a Node,
    recursive: bool,
    at: At<'a>,
    state: State<'a>,
}

enum State<'a> {
    /// Nobody has asked for it.
    Waiting,
    /// It is being followed. What is known of its rows, if anything is, and whether it has asked for itself.
    Going {
        rows: Option<Rc<Rows<'a>>>,
        asked: bool,
    },
    Done(Rc<Rows<'a>>),
}

impl<'a> Resolver<'a> {
    /// Follows a statement, if it can be. Gives its outputs, if it has some that are known.
    fn statement(&mut self, node: &'a Node) -> Option<Option<Vec<Output<'a>>>> {
        const ROWS: [&str; 5] = ["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"];
        let at = At::default();
        match node.kind {
            kind if ROWS.contains(&kind) => Some(Some(self.query(node, &at))),
            "CopyStmt" if node.has("query") => Some(node.get("query").node().map(|query| self.query(query, &at))),
            // What it returns, if anything, is not what its query gives.
            "DeclareCursorStmt" | "PrepareStmt" | "ExplainStmt" => {
                self.statement(node.get("query").node()?)?;
                Some(None)
            }
            "CreateTableAsStmt" | "ViewStmt" => {
                let outputs = self.statement(node.get("query").node()?)?;
                self.keeps(outputs.as_deref().unwrap_or_default());
                // The catalog knows of the code of a view and of a materialized view, and follows it from there.
                let matview = i64::from(i32::from(ObjectType::ObjectMatview));
                let is_view = node.kind == "ViewStmt" || node.int("objtype") == matview;
                for output in outputs.iter().flatten() {
                    match output.origin() {
                        Origin::Code(sources) if is_view => self.store(&Origin::Made(sources.clone())),
                        origin => self.store(origin),
                    }
                }
                Some(None)
            }
            _ if node.contains(&ROWS) => None,
            _ => Some(None),
        }
    }

    /// Takes a step, if one is left. Who has none left has found nothing.
    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps > 0
    }

    /// Takes as many steps as something is long.
    fn steps(&mut self, count: usize) {
        self.steps = self.steps.saturating_sub(count);
    }

    /// The number of a field.
    fn source(&mut self, field: &Field) -> Source {
        self.steps(self.fields.len());
        let number = match self.fields.iter().position(|known| known == field) {
            Some(number) => number,
            None => {
                self.fields.push(field.clone());
                self.fields.len().saturating_sub(1)
            }
        };
        Source(u32::try_from(number).unwrap_or(u32::MAX))
    }

    fn made_of(&mut self, fields: &[Field]) -> Origin {
        fields.iter().map(|field| Origin::Copy(self.source(field))).collect()
    }

    /// Something is kept.
    fn store(&mut self, origin: &Origin) {
        self.stores.code |= matches!(origin, Origin::Code(_));
        self.stores.anything |= *origin == Origin::Unknown;
        self.stores.sources.add(&origin.sources());
    }

    /// Rows are kept, one column each.
    fn keeps(&mut self, outputs: &[Output<'a>]) {
        self.kept = Some(outputs.iter().cloned().map(|output| traced(output, false)).collect());
    }

    /// What code makes of this that can't be followed.
    fn code(&mut self, of: Origin) -> Origin {
        self.meets_code = true;
        match of {
            Origin::Unknown => Origin::Unknown,
            known => Origin::Code(known.sources()),
        }
    }

    fn origin(&mut self, made: Made) -> Origin {
        match made {
            Made::Plain => Origin::Free,
            Made::Copy(field) => Origin::Copy(self.source(&field)),
            Made::Computed(fields) => self.made_of(&fields),
            Made::Unknown | Made::Everything => self.code(Origin::Free),
        }
    }

    /// The rows of a relation.
    fn rows_of(&mut self, entry: &'a Entry) -> Rows<'a> {
        use RelationKind::{Foreign, MaterializedView, Partitioned, Table, Toast, View};
        let relation = &entry.relation;
        self.steps(relation.columns.len());
        let mut rows = Rows { named: true, ..Rows::default() };
        for column in &relation.columns {
            let origin = self.origin(entry.made(column, self.catalog.classifies()));
            rows.columns.push(lineage::Column { name: Some(&column.name), origin, certain: true, bare: true });
        }
        if matches!(relation.kind, Table | Partitioned | MaterializedView | Foreign | Toast) {
            rows.system = SYSTEM_COLUMNS;
        }
        // What has no columns here has some that the snapshot does not hold.
        let listed = matches!(relation.kind, Table | Partitioned | View | MaterializedView | Foreign | Toast);
        if !listed && rows.columns.is_empty() {
            rows.more = Some(self.made_of(&entry.touches));
        }
        rows
    }
}

/// Whether a statement calls something that has an effect which can be seen elsewhere, or takes its time.
fn has_effects(node: &Node, catalog: &Catalog) -> bool {
    let mut found = false;
    node.walk(&mut |node| {
        if node.kind == "FuncCall" {
            let parts = name_parts(node.get("funcname").list());
            let (schema, name) = schema_and_name(&parts);
            let users = catalog.user_functions(schema, name).any(|function| !function.computes);
            found |= users || catalog.effect(schema, name).is_some() || name.starts_with("pg_sleep");
        }
        !found
    });
    found
}

/// Columns that every table has.
const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

#[cfg(test)]
mod tests;
