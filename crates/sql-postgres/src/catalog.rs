//! A snapshot of a target's catalog: relations, columns and their classes, what views read, which functions are the users'.
//!
//! Keyed by oid and attribute number, so that a renamed column keeps its class. A snapshot is built at once from the rows of
//! [`CATALOG_QUERIES`] and never changes. What is the same as in the one before is held once.

mod bodies;
mod build;
mod made;
mod node_tree;
mod queries;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::{ClassId, Field, OnWrite, Part, TypeTag};

use crate::functions::{Effect, effect};
use crate::tree::{Tree, name_parts, schema_and_name};
use bodies::MadeOf;
pub(crate) use made::Made;
pub use queries::{CATALOG_QUERIES, OWN_CATALOG_QUERIES, UnreadableRow};

/// The first oid that PostgreSQL gives to what users make; below it is what `initdb` made.
pub(crate) const USER_OID_MIN: u32 = 16384;
/// The oid of the type text.
const TEXT: u32 = 25;

/// A snapshot of a target's catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    relations: HashMap<u32, Arc<Entry>>,
    by_name: HashMap<Arc<str>, Vec<u32>>,
    functions: HashMap<Arc<str>, Vec<UserFunction>>,
    system_functions: HashMap<Arc<str>, SystemFunction>,
    /// Types to which casting runs code that can't be followed.
    casts: HashSet<Arc<str>>,
    /// Whether such a cast may happen without being written.
    casts_silently: Silently,
    column_names: HashSet<Arc<str>>,
    operators: HashMap<Arc<str>, Vec<Arc<str>>>,
    /// Types of which every value is written as that of text.
    texts: Box<[u32]>,
    classifies: bool,
    /// It is one session's own: the temporary tables in it are its.
    of_session: bool,
    unmatched: Vec<String>,
}

/// A relation with what the rest of the snapshot says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) relation: Relation,
    pub(crate) part: Part,
    /// Classified columns of this relation and of everything it is made of.
    pub(crate) touches: Arc<[Field]>,
    /// The same without its own: for a view or a TOAST table, what its unclassified columns may hold.
    pub(crate) derived: Arc<[Field]>,
    /// Its rules call functions of users: nobody knows what its columns hold, but for those of which that is known.
    pub(crate) calls: bool,
    /// What is written to it goes by rules: what comes back is what they say.
    pub(crate) ruled: bool,
    /// Triggers run when it is written to.
    triggers: bool,
    /// It is a partition, inherits, or is inherited from.
    of_family: bool,
    /// Of what its columns are made that are not stored as they are, by number.
    made: Box<[(i16, Made)]>,
    /// The foreign tables it is or reads.
    pub(crate) foreign: Arc<[Part]>,
    /// It is `pg_settings` or reads it, and an UPDATE of it sets settings.
    pub(crate) sets_settings: bool,
}

/// One of PostgreSQL's own functions, or all that share its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SystemFunction {
    /// Whether it may return a set.
    pub(crate) returns_set: bool,
    /// The names of the columns that it gives in FROM: none for one value, which is named after it. `None` if that depends.
    pub(crate) columns: Option<Box<[Arc<str>]>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserFunction {
    pub(crate) schema: Arc<str>,
    /// It may be called as if it were a column of a row: `customers.fullname`.
    pub(crate) takes_row: bool,
    /// It is known to make its result of its arguments and of nothing else.
    pub(crate) computes: bool,
    /// It may return a set.
    pub(crate) returns_set: bool,
}

/// Where a cast that nobody has written may run code that can't be followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Silently {
    /// Nowhere.
    #[default]
    Nowhere,
    /// Where there is a value of a type that is not PostgreSQL's own.
    WithUsersTypes,
    /// Anywhere.
    Anywhere,
}

/// A relation: a table, a view, a sequence, an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its oid.
    pub oid: u32,
    /// Its schema; `pg_temp` for the temporary schema of any session.
    pub schema: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub kind: RelationKind,
    /// Its columns, by number.
    pub columns: Vec<Column>,
}

/// What a relation is (`pg_class.relkind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// An ordinary table.
    Table,
    /// A partitioned table.
    Partitioned,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A foreign table.
    Foreign,
    /// A sequence.
    Sequence,
    /// An index, or a partitioned index.
    Index,
    /// The row type made by `CREATE TYPE … AS (…)`.
    Composite,
    /// A TOAST table: the long values of another table.
    Toast,
    /// A kind that this version doesn't know.
    Unknown,
}

impl RelationKind {
    /// From `pg_class.relkind`.
    pub fn from_relkind(kind: char) -> Self {
        match kind {
            'r' => Self::Table,
            'p' => Self::Partitioned,
            'v' => Self::View,
            'm' => Self::MaterializedView,
            'f' => Self::Foreign,
            'S' => Self::Sequence,
            'i' | 'I' => Self::Index,
            'c' => Self::Composite,
            't' => Self::Toast,
            _ => Self::Unknown,
        }
    }
}

/// A column of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its number (`attnum`), from 1.
    pub number: i16,
    /// Its name.
    pub name: Arc<str>,
    /// The class of its values.
    pub class: Option<ClassId>,
    /// What it may be given in the place of values, if it opts in to less.
    pub on_write: Option<OnWrite>,
    /// Set when nobody may ever see them.
    pub sealed: bool,
    /// Whether it is computed of the others: COPY leaves it out.
    pub generated: bool,
    /// Whether its type is text, varchar or char.
    pub text: bool,
    /// Whether its type is one that users have made, or an extension.
    pub of_users: bool,
    /// The oid of the type as which its values are written ([`Catalog::written_as`]); 0 if it is not known.
    pub type_oid: u32,
}

/// The rows of [`CATALOG_QUERIES`] and [`OWN_CATALOG_QUERIES`], as the server gave them.
#[derive(Clone, Debug, Default)]
pub struct CatalogRows {
    /// Relations of every kind and schema.
    pub relations: Vec<RawRelation>,
    /// Columns of relations that can be read.
    pub columns: Vec<RawColumn>,
    /// For rules of users' relations: who reads what. For TOAST tables: whose values they hold.
    pub reads: Vec<(u32, u32)>,
    /// Relations with rules for what is written to them.
    pub rules: Vec<u32>,
    /// Temporary tables with triggers.
    pub triggers: Vec<u32>,
    /// Of what the columns of views and generated columns are made, as far as their trees can be read.
    pub(crate) bodies: Vec<(u32, i16, MadeOf)>,
    /// Relations whose rules call functions that are not PostgreSQL's own.
    pub calls: Vec<u32>,
    /// Child and parent, for partitions and inheritance.
    pub inherits: Vec<(u32, u32)>,
    /// Functions that are not PostgreSQL's own.
    pub functions: Vec<RawFunction>,
    /// Names of PostgreSQL's own functions, and of its types, which can be called to convert.
    pub system_functions: Vec<RawSystemFunction>,
    /// Casts that run functions that are not PostgreSQL's own.
    pub casts: Vec<RawCast>,
    /// Types that are binary-coercible to text, and not PostgreSQL's own.
    pub texts: Vec<u32>,
    /// Schema and name of operators that are neither PostgreSQL's own nor an extension's.
    pub operators: Vec<(Arc<str>, Arc<str>)>,
    /// Every name in them, each held once: thousands of tables have an `id`.
    names: HashSet<Arc<str>>,
}

/// A row of `pg_class`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRelation {
    /// Its oid.
    pub oid: u32,
    /// Its schema.
    pub schema: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its `relkind`.
    pub kind: char,
}

/// A function that is not PostgreSQL's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFunction {
    /// Its oid.
    pub oid: u32,
    /// Its schema.
    pub schema: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Whether it takes a row first.
    pub takes_row: bool,
    /// Whether it belongs to an extension whose functions only compute from their arguments.
    pub computes: bool,
    /// Whether it returns a set.
    pub returns_set: bool,
}

/// A function that is PostgreSQL's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawSystemFunction {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it returns a set.
    pub returns_set: bool,
    /// The columns that it gives; none if it is one value, `None` if that depends.
    pub columns: Option<Box<[Arc<str>]>>,
}

/// A cast that runs a function which is not PostgreSQL's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawCast {
    /// The name of the type that it gives, or of a domain over it.
    pub target: Arc<str>,
    /// Whether it happens wherever a value of the type is due.
    pub is_implicit: bool,
    /// The oid of the function.
    pub function: u32,
    /// Whether one of its types is not PostgreSQL's own.
    pub of_users: bool,
}

/// A row of `pg_attribute`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawColumn {
    /// The oid of its relation.
    pub relation: u32,
    /// Its number.
    pub number: i16,
    /// Its name.
    pub name: Arc<str>,
    /// Whether it is computed of the others.
    pub generated: bool,
    /// Whether its type is text, varchar or char.
    pub text: bool,
    /// Whether its type is not PostgreSQL's own.
    pub of_users: bool,
    /// The oid of its type; 0 if it is not known.
    pub type_oid: u32,
}

impl Catalog {
    /// The relation with this oid.
    pub fn relation(&self, oid: u32) -> Option<&Relation> {
        self.relations.get(&oid).map(|entry| &entry.relation)
    }

    /// The column of this number in the relation with this oid.
    pub fn column(&self, oid: u32, number: i16) -> Option<&Column> {
        self.relation(oid)?.columns.iter().find(|column| column.number == number)
    }

    /// The object that a column belongs to, and its name, whether it is classified or not; and whether values are stored there under that name,
    /// for more than a session.
    pub fn place(&self, oid: u32, number: i16) -> Option<(Part, &str, bool)> {
        let entry = self.relations.get(&oid)?;
        let column = entry.relation.columns.iter().find(|column| column.number == number)?;
        let is_stored = matches!(
            entry.relation.kind,
            RelationKind::Table | RelationKind::Partitioned | RelationKind::MaterializedView | RelationKind::Foreign
        );
        Some((entry.part.clone(), &column.name, is_stored && &*entry.relation.schema != "pg_temp"))
    }

    /// The field that a classified column is.
    pub fn field(&self, oid: u32, number: i16) -> Option<Field> {
        let entry = self.relations.get(&oid)?;
        entry.relation.columns.iter().find(|column| column.number == number).and_then(|column| entry.field(column))
    }

    /// Every relation, in no order.
    pub fn relations(&self) -> impl Iterator<Item = &Relation> {
        self.relations.values().map(|entry| &entry.relation)
    }

    /// Every classified column of the users' relations, in the order of their names.
    pub fn classified_fields(&self) -> impl Iterator<Item = Field> {
        let mut entries: Vec<&Entry> = self.entries().filter(|entry| !entry.is_system()).collect();
        entries.sort_by_key(|entry| &entry.part.name);
        let fields = |entry: &Entry| entry.relation.columns.iter().filter_map(|column| entry.field(column)).collect();
        entries.into_iter().flat_map(move |entry| -> Vec<Field> { fields(entry) })
    }

    /// Whether the configuration classifies anything in this database. If not, what is unknown hides nothing.
    pub fn classifies(&self) -> bool {
        self.classifies
    }

    /// Patterns of the configuration that match no column of this snapshot.
    pub fn unmatched_rules(&self) -> &[String] {
        &self.unmatched
    }

    pub(crate) fn entry(&self, oid: u32) -> Option<&Entry> {
        self.relations.get(&oid).map(|entry| &**entry)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.relations.values().map(|entry| &**entry)
    }

    /// Every relation that a name may mean. Without a schema it may mean any of that name.
    pub(crate) fn named<'a>(&'a self, schema: &str, name: &str) -> impl Iterator<Item = &'a Entry> {
        let oids = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        oids.iter()
            .filter_map(|oid| self.entry(*oid))
            .filter(move |entry| schema.is_empty() || *entry.relation.schema == *plain_schema(schema))
    }

    /// The users' functions that a name may mean.
    pub(crate) fn user_functions<'a>(&'a self, schema: &str, name: &str) -> impl Iterator<Item = &'a UserFunction> {
        let functions = self.functions.get(name).map_or(&[][..], Vec::as_slice);
        functions.iter().filter(move |function| schema.is_empty() || *function.schema == *schema)
    }

    /// Whether what a call of this name returns is made of its arguments alone, whichever function it means.
    pub(crate) fn only_computes(&self, schema: &str, name: &str) -> bool {
        let mut known = self.is_system_function(schema, name);
        for function in self.user_functions(schema, name) {
            if !function.computes {
                return false;
            }
            known = true;
        }
        known
    }

    /// Whether the column that a field is holds text.
    pub(crate) fn is_text(&self, field: &Field) -> bool {
        self.column_of(field).is_some_and(|column| column.text)
    }

    /// The type of the column that a field is: of no known one if that can't be told.
    pub(crate) fn type_of(&self, field: &Field) -> TypeTag {
        TypeTag(self.column_of(field).map_or(0, |column| match column {
            Column { text: true, .. } => TEXT,
            Column { of_users: true, .. } => 0,
            column => column.type_oid,
        }))
    }

    fn column_of(&self, field: &Field) -> Option<&Column> {
        let (_, name) = field.part.name.rsplit_once('.').unwrap_or(("", &field.part.name));
        let entry = self.named("", name).find(|entry| entry.part == field.part)?;
        entry.relation.columns.iter().find(|column| *column.name == *field.name)
    }

    /// Whether it is one session's own.
    pub fn is_of_session(&self) -> bool {
        self.of_session
    }

    /// Whether it is a temporary table of the session whose catalog this is.
    pub(crate) fn is_own_temporary(&self, entry: &Entry) -> bool {
        self.of_session && entry.relation.kind == RelationKind::Table && *entry.relation.schema == *"pg_temp"
    }

    /// Whether there is a relation of this name.
    pub fn knows(&self, schema: &str, name: &str) -> bool {
        self.named(schema, name).any(|entry| *entry.relation.schema == *schema)
    }

    /// Whether anything has this name: a relation, in this schema if one is given, or else a column.
    pub fn has_name(&self, schema: &str, name: &str) -> bool {
        self.named(schema, name).next().is_some() || (schema.is_empty() && self.has_column(name))
    }

    /// Whether it has a column of this name.
    pub fn knows_column(&self, schema: &str, name: &str, column: &str) -> bool {
        self.named(schema, name).any(|entry| entry.relation.columns.iter().any(|known| *known.name == *column))
    }

    /// Whether any relation has a column of this name.
    pub(crate) fn has_column(&self, name: &str) -> bool {
        self.column_names.contains(name)
    }

    /// Whether PostgreSQL itself has a function of this name.
    pub(crate) fn is_system_function(&self, schema: &str, name: &str) -> bool {
        matches!(schema, "" | "pg_catalog" | "information_schema") && self.system_functions.contains_key(name)
    }

    /// What PostgreSQL's own function of this name gives.
    pub(crate) fn system_function(&self, name: &str) -> Option<&SystemFunction> {
        self.system_functions.get(name)
    }

    /// Whether a function of this name may return a set.
    pub(crate) fn returns_set(&self, name: &str) -> bool {
        self.system_function(name).is_some_and(|function| function.returns_set)
            || self.user_functions("", name).any(|function| function.returns_set)
    }

    /// Whether casting to the type of this name runs code that can't be followed.
    pub(crate) fn casts_by_code(&self, to: &str) -> bool {
        self.casts.contains(to.strip_prefix('_').unwrap_or(to)) || self.casts.contains(to)
    }

    /// The type as which the values of one are written: text for `citext` and its like.
    pub fn written_as(&self, type_oid: u32) -> u32 {
        build::written_as(&self.texts, type_oid)
    }

    /// Whether a cast that nobody has written may run code that can't be followed.
    pub(crate) fn casts_silently(&self) -> Silently {
        self.casts_silently
    }

    /// Whether a type of this name may be one that is not PostgreSQL's own.
    pub(crate) fn may_be_users_type(&self, schema: &str, name: &str) -> bool {
        !self.is_system_function(schema, name)
    }

    /// What a call of this name does beside computing, if it may mean one of PostgreSQL's own functions. By name alone: what the
    /// snapshot says can make it less certain, never harmless. But a function that only users have is theirs.
    pub(crate) fn effect(&self, schema: &str, name: &str) -> Option<Effect> {
        let only_users = self.user_functions(schema, name).next().is_some() && !self.is_system_function(schema, name);
        effect(name).filter(|_| matches!(schema, "" | "pg_catalog") && !only_users)
    }

    /// Whether an operator may be one of users'; `name` is as the grammar writes it.
    pub(crate) fn is_users_operator(&self, name: &Tree) -> bool {
        let parts = name_parts(name.list());
        let (schema, name) = schema_and_name(&parts);
        let qualified = !matches!(schema, "" | "pg_catalog");
        !name.is_empty() && (qualified || self.user_operators(schema, name).next().is_some())
    }

    /// The schemas of the users' operators that a name may mean.
    pub(crate) fn user_operators<'a>(&'a self, schema: &str, name: &str) -> impl Iterator<Item = &'a Arc<str>> {
        let schemas = self.operators.get(name).map_or(&[][..], Vec::as_slice);
        schemas.iter().filter(move |of| schema.is_empty() || ***of == *schema)
    }
}

impl Entry {
    /// The field that one of its columns is, if it is classified.
    pub(crate) fn field(&self, column: &Column) -> Option<Field> {
        Some(Field {
            part: self.part.clone(),
            name: column.name.to_string(),
            class: column.class.clone()?,
            sealed: column.sealed,
        })
    }

    /// Of what a column is made, by all that is known of it.
    pub(crate) fn made(&self, column: &Column, classifies: bool) -> Made {
        if let Some(field) = self.field(column) {
            return Made::Copy(field);
        }
        let known = self.made.iter().find(|(number, _)| *number == column.number).map(|(_, made)| made);
        let of = |fields: &Arc<[Field]>| match fields.is_empty() {
            true => Made::Plain,
            false => Made::Computed(Arc::clone(fields)),
        };
        match known {
            Some(Made::Unknown) if !classifies => Made::Plain,
            Some(Made::Everything) | None if self.calls && classifies => Made::Unknown,
            Some(Made::Everything) => of(&self.touches),
            None if self.is_derived() => of(&self.derived),
            None => Made::Plain,
            Some(made) => made.clone(),
        }
    }

    /// The same of a column that a statement gives which was not followed: it may be what a rule gives in its place.
    pub(crate) fn made_anyhow(&self, column: &Column, classifies: bool) -> Made {
        match self.field(column) {
            None if self.ruled || self.is_derived() => self.whole(classifies),
            _ => self.made(column, classifies),
        }
    }

    /// Of what anything is made that is made of it.
    pub(crate) fn whole(&self, classifies: bool) -> Made {
        match self.touches.is_empty() {
            _ if self.calls && classifies => Made::Unknown,
            true => Made::Plain,
            false => Made::Computed(Arc::clone(&self.touches)),
        }
    }

    /// Whether nothing but what is written happens when it is written to, and nothing else shows its rows.
    pub(crate) fn is_quiet(&self) -> bool {
        !(self.ruled || self.triggers || self.of_family)
    }

    /// Whether it is one of PostgreSQL's own.
    pub(crate) fn is_system(&self) -> bool {
        is_system_schema(&self.relation.schema)
    }

    /// Whether its unclassified columns may hold what other relations' classified columns do.
    pub(crate) fn is_derived(&self) -> bool {
        use RelationKind::{MaterializedView, Toast, View};
        matches!(self.relation.kind, View | MaterializedView | Toast) && !self.derived.is_empty()
    }
}

/// Whether a schema is PostgreSQL's own.
pub(crate) fn is_system_schema(schema: &str) -> bool {
    matches!(schema, "pg_catalog" | "information_schema" | "pg_toast")
}

/// The name under which a schema is known: every session's temporary schema is `pg_temp`.
pub(crate) fn plain_schema(schema: &str) -> &str {
    let numbered = |prefix: &str| {
        schema.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    if numbered("pg_temp_") {
        "pg_temp"
    } else if numbered("pg_toast_temp_") {
        "pg_toast"
    } else {
        schema
    }
}
