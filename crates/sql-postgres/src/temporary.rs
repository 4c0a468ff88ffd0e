//! What the temporary tables of one session hold of classified columns.
//!
//! What is put into one asks `store` like anything else. But nobody except the session can read it, so it stays what it is for whom
//! policy lets do that, and is shown as such. A statement says what it keeps ([`Kept`]); the session gathers that ([`Temporary`]), and the catalog that it sees is built with it. A new table is
//! known by its name until the catalog is read, and by its oid from then on. What can't be told apart holds everything.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use model::Field;

use crate::catalog::{CatalogRows, Made};

/// What a statement keeps in a temporary table of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub(crate) place: Place,
    pub(crate) holds: Held,
}

/// Where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a table that it makes, of this name.
    New(Box<str>),
    /// In the one with this oid.
    Of(u32),
}

/// Of what the columns of a table are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// By number.
    pub(crate) columns: BTreeMap<i16, Made>,
    /// All others.
    pub(crate) rest: Made,
}

/// The temporary tables of a session, as far as they hold anything classified.
#[derive(Debug, Default)]
pub struct Temporary {
    tables: HashMap<u32, Held>,
    /// Those that have no oid yet.
    new: Vec<(Box<str>, Held)>,
    /// How often the session had changed the catalog before the first of them.
    since: u64,
    /// What is in tables of which nobody knows whether they come back.
    lost: Vec<Field>,
    /// All temporary tables that were there when the catalog was last read.
    seen: HashSet<u32>,
    version: u64,
}

/// What the server keeps of a name: `NAMEDATALEN` less one.
const NAME_BYTES_KEPT: usize = 63;

impl Held {
    /// Nothing.
    fn nothing() -> Self {
        Self { columns: BTreeMap::new(), rest: Made::Plain }
    }

    /// Anything of these, in every column.
    pub(crate) fn any_of(fields: &[Field]) -> Self {
        Self { columns: BTreeMap::new(), rest: computed(fields) }
    }

    fn column(&self, number: i16) -> &Made {
        self.columns.get(&number).unwrap_or(&self.rest)
    }

    /// What it holds when this is put to it.
    fn add(&mut self, more: &Self) {
        let numbers: Vec<i16> = self.columns.keys().chain(more.columns.keys()).copied().collect();
        let columns =
            numbers.into_iter().map(|number| (number, self.column(number).clone().or(more.column(number).clone())));
        self.columns = columns.collect();
        self.rest = self.rest.clone().or(more.rest.clone());
    }

    /// All fields that it is made of.
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        for made in self.columns.values().chain([&self.rest]) {
            let more = match made {
                Made::Copy(field) => std::slice::from_ref(field),
                Made::Computed(more) => more,
                Made::Plain | Made::Unknown | Made::Everything => &[],
            };
            for field in more {
                if !fields.contains(field) {
                    fields.push(field.clone());
                }
            }
        }
        fields
    }
}

pub(crate) fn computed(fields: &[Field]) -> Made {
    if fields.is_empty() { Made::Plain } else { Made::Computed(Arc::from(fields)) }
}

impl Temporary {
    /// Whether nothing classified is in any.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.new.is_empty() && self.lost.is_empty()
    }

    /// Counts what was put in.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A statement that keeps this may run. The session had changed the catalog `changes` times before.
    pub fn keep(&mut self, kept: &Kept, changes: u64) {
        self.version = self.version.saturating_add(1);
        match &kept.place {
            Place::New(name) => {
                if self.new.is_empty() {
                    self.since = changes;
                }
                self.new.push((name.clone(), kept.holds.clone()));
            }
            // One that nothing is known of holds nothing classified, but it may hold rows.
            Place::Of(oid) => self.tables.entry(*oid).or_insert_with(Held::nothing).add(&kept.holds),
        }
    }

    /// The catalog was read on the session's own connection, after it had changed it `changes` times. `in_block`, what is gone may come
    /// back.
    pub fn settle(&mut self, rows: &CatalogRows, changes: u64, in_block: bool) {
        let there: HashMap<u32, &str> = rows
            .relations
            .iter()
            .filter(|relation| relation.schema.starts_with("pg_temp_"))
            .map(|relation| (relation.oid, &*relation.name))
            .collect();
        let mut fresh: Vec<u32> = there.keys().filter(|oid| !self.seen.contains(oid)).copied().collect();
        // Nothing but these tables was made, so none of them can have got another name, or another table theirs.
        let exact = usize::try_from(changes.saturating_sub(self.since)).is_ok_and(|made| made == self.new.len());
        let mut lost = std::mem::take(&mut self.lost);
        for (name, held) in std::mem::take(&mut self.new) {
            let same = fresh.iter().position(|oid| there.get(oid).is_some_and(|there| **there == *kept_name(&name)));
            match same.filter(|_| exact) {
                Some(at) => {
                    self.tables.insert(fresh.swap_remove(at), held);
                }
                None => lost.extend(held.fields()),
            }
        }
        if !lost.is_empty() {
            for oid in fresh {
                self.tables.entry(oid).or_insert_with(Held::nothing).add(&Held::any_of(&lost));
            }
        }
        if in_block {
            self.lost = lost;
        } else {
            self.tables.retain(|oid, _| there.contains_key(oid));
        }
        self.version = self.version.saturating_add(1);
        self.seen = there.into_keys().collect();
    }

    /// Of what a column of a relation is made, if that is kept here.
    pub(crate) fn made(&self, relation: u32, column: i16) -> Option<Made> {
        let made = self.tables.get(&relation)?.column(column);
        (*made != Made::Plain).then(|| made.clone())
    }

    /// What a relation holds.
    pub(crate) fn fields(&self, relation: u32) -> Vec<Field> {
        self.tables.get(&relation).map(Held::fields).unwrap_or_default()
    }
}

fn kept_name(name: &str) -> &str {
    let mut end = name.len().min(NAME_BYTES_KEPT);
    while !name.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    name.get(..end).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::{shop_rows, shop_rules};
    use crate::catalog::{Catalog, RawColumn, RawRelation};
    use crate::resolve::Traced;
    use crate::{Statement, analyse};

    /// A session that keeps things in temporary tables, and what it sees then.
    struct Session {
        temporary: Temporary,
        rows: CatalogRows,
        changes: u64,
    }

    impl Session {
        fn new() -> Self {
            let mut rows = shop_rows();
            rows.relations.retain(|relation| !relation.schema.starts_with("pg_temp"));
            Self { temporary: Temporary::default(), rows, changes: 7 }
        }

        fn catalog(&mut self) -> Catalog {
            self.temporary.settle(&self.rows, self.changes, false);
            Catalog::of_session(self.rows.clone(), &shop_rules(), None, &self.temporary)
        }

        fn read(&mut self, sql: &str) -> Statement {
            let catalog = self.catalog();
            analyse(sql, &catalog).unwrap().remove(0)
        }

        /// Runs something that makes this table, if it makes one.
        fn run(&mut self, sql: &str, table: Option<(u32, &str, &str)>) -> bool {
            let statement = self.read(sql);
            if let Some(kept) = &statement.keeps {
                self.temporary.keep(kept, self.changes);
            }
            self.changes += u64::from(statement.changes_catalog);
            if let Some((oid, name, columns)) = table {
                self.make(oid, name, columns);
            }
            statement.keeps.is_some()
        }

        fn make(&mut self, oid: u32, name: &str, columns: &str) {
            let relation = RawRelation { oid, schema: "pg_temp_3".into(), name: name.into(), kind: 'r' };
            self.rows.relations.push(relation);
            for (number, column) in (1..).zip(columns.split(' ')) {
                let (relation, name) = (oid, column.into());
                let column =
                    RawColumn { relation, number, name, generated: false, text: true, of_users: false, type_oid: 25 };
                self.rows.columns.push(column);
            }
        }

        /// What a column holds.
        fn holds(&mut self, table: &str, column: &str) -> String {
            let catalog = self.catalog();
            let entry = catalog.named("pg_temp", table).next().unwrap();
            let column = entry.relation.columns.iter().find(|known| *known.name == *column).unwrap();
            match entry.made(column, true) {
                Made::Plain => "plain".to_owned(),
                Made::Copy(field) => format!("{}.{}", field.part.name, field.name),
                Made::Computed(fields) => {
                    let names: Vec<_> =
                        fields.iter().map(|field| format!("{}.{}", field.part.name, field.name)).collect();
                    format!("made of {}", names.join(" "))
                }
                other => format!("{other:?}"),
            }
        }
    }

    fn asks(statement: &Statement, action: &str) -> Vec<String> {
        let named = statement.asks.iter().filter(|ask| ask.action.0 == action);
        named
            .map(|ask| {
                format!("{:?}", ask.object)
                    .split("name: \"")
                    .last()
                    .unwrap_or("")
                    .split('"')
                    .next()
                    .unwrap_or("")
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn a_new_table_holds_what_its_query_gives() {
        for sql in [
            "CREATE TEMP TABLE t AS SELECT id, note AS ssn, email AS city, upper(ssn) AS up FROM customers",
            "CREATE TABLE pg_temp.t AS SELECT id, note AS ssn, email AS city, upper(ssn) AS up FROM customers",
            "SELECT id, note AS ssn, email AS city, upper(ssn) AS up INTO TEMP t FROM customers",
            "CREATE TEMP TABLE t (id, ssn, city, up) AS SELECT id, note, email, upper(ssn) FROM customers",
        ] {
            let mut session = Session::new();
            assert!(session.run(sql, Some((50_001, "t", "id ssn city up"))), "{sql}");
            let held = ["id", "ssn", "city", "up"].map(|column| session.holds("t", column));
            // By what it holds, and not by how it is called.
            assert_eq!(held, ["plain", "plain", "public.customers.email", "made of public.customers.ssn"], "{sql}");
            // And on to what is made of it.
            assert_eq!(asks(&session.read("CREATE TABLE kept AS SELECT city FROM t"), "store"), ["email"]);
            assert!(session.run("CREATE TEMP TABLE u AS SELECT city FROM t", Some((50_002, "u", "city"))));
            assert_eq!(session.holds("u", "city"), "public.customers.email");
            assert_eq!(asks(&session.read("SELECT 1 FROM t WHERE city = 'x'"), "probe"), ["email"]);
        }
    }

    #[test]
    fn what_is_no_temporary_table_is_asked_for() {
        let mut session = Session::new();
        for sql in [
            "CREATE TABLE t AS SELECT ssn FROM customers",
            "CREATE UNLOGGED TABLE t AS SELECT ssn FROM customers",
            "SELECT ssn INTO t FROM customers",
            "CREATE TABLE pg_temp_x.t AS SELECT ssn FROM customers",
            "WITH w AS (INSERT INTO orders (note) SELECT ssn FROM customers RETURNING id) SELECT id INTO TEMP t FROM w",
            "INSERT INTO t SELECT ssn FROM customers",
            "EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT ssn FROM customers",
            "CREATE TEMP VIEW t AS SELECT ssn FROM customers",
            "CREATE MATERIALIZED VIEW t AS SELECT ssn FROM customers",
        ] {
            assert_eq!(asks(&session.read(sql), "store"), ["ssn"], "{sql}");
            assert_eq!(session.read(sql).keeps, None, "{sql}");
        }
        // Nor what is told to everybody on the way.
        let told = session.read("CREATE TEMP TABLE t AS SELECT pg_notify('x', ssn), ssn FROM customers");
        assert_eq!((asks(&told, "store"), told.keeps), (vec!["ssn".to_owned()], None));
        // Of a catalog that is not the session's own nobody knows whose table it is.
        let rows = session.rows.clone();
        session.make(50_001, "t", "a");
        let shared = Catalog::build(session.rows.clone(), &shop_rules(), None);
        let insert = analyse("INSERT INTO t SELECT ssn FROM customers", &shared).unwrap().remove(0);
        assert_eq!((asks(&insert, "store"), insert.keeps), (vec!["ssn".to_owned()], None));
        session.rows = rows;
    }

    #[test]
    fn rows_that_come_back_as_they_are_written_hold_what_is_written() {
        let mut session = Session::new();
        session.make(50_001, "t", "a b");
        for returning in ["a", "new.a", "old.a", "WITH (NEW AS n) n.a", "to_jsonb(new)", "new"] {
            let read = session.read(&format!("INSERT INTO t SELECT ssn FROM customers RETURNING {returning}"));
            let outputs = read.lineage.and_then(|lineage| lineage.outputs.clone()).unwrap();
            let free = outputs.iter().any(|output| match output {
                Traced::One { origin, .. } | Traced::Many { origin, .. } => origin.is_free(),
            });
            assert!(!free, "{returning}");
        }
    }

    #[test]
    fn what_is_put_to_a_table_is_added_to_what_it_holds() {
        let mut session = Session::new();
        session.make(50_001, "t", "a b c");
        assert!(session.run("INSERT INTO t (c, a) SELECT email, ssn FROM customers", None));
        let held = ["a", "b", "c"].map(|column| session.holds("t", column));
        assert_eq!(held, ["made of public.customers.ssn", "plain", "made of public.customers.email"]);
        session.run("CREATE TEMP TABLE u AS SELECT id, email FROM customers", Some((50_002, "u", "id email")));
        assert!(session.run("INSERT INTO u SELECT id, email FROM customers", None));
        assert_eq!(session.holds("u", "email"), "public.customers.email", "still nothing but that");
        // A value of the caller's own among them, and it is no copy any more.
        assert!(session.run("INSERT INTO u VALUES (1, 'x')", None));
        assert_eq!(session.holds("u", "email"), "made of public.customers.email");
        assert!(session.run("UPDATE u SET id = ssn FROM customers", None));
        assert_eq!(session.holds("u", "id"), "made of public.customers.ssn");
        assert!(session.run("COPY t FROM STDIN", None));
    }

    #[test]
    fn a_table_that_does_more_than_hold_is_asked_for() {
        let insert = "INSERT INTO t SELECT ssn FROM customers";
        let mut session = Session::new();
        session.make(50_001, "t", "a");
        assert!(session.read(insert).keeps.is_some());
        type Change = fn(&mut CatalogRows);
        let changes: [Change; 4] = [
            |rows| rows.triggers.push(50_001),
            |rows| rows.rules.push(50_001),
            |rows| rows.inherits.push((50_001, 20_002)),
            |rows| {
                rows.relations.push(RawRelation { oid: 50_009, schema: "public".into(), name: "t".into(), kind: 'r' })
            },
        ];
        for change in changes {
            let mut session = Session::new();
            session.make(50_001, "t", "a");
            change(&mut session.rows);
            let statement = session.read(insert);
            assert_eq!((asks(&statement, "store"), statement.keeps), (vec!["ssn".to_owned()], None));
        }
    }

    #[test]
    fn a_table_that_can_not_be_told_apart_holds_everything() {
        let create = "CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers";
        // It got another name, and another table its name, before anybody looked.
        let mut session = Session::new();
        session.run(create, None);
        session.changes += 2;
        session.make(50_001, "u", "a");
        session.make(50_002, "t", "a");
        assert_eq!(session.holds("u", "a"), "made of public.customers.ssn");
        assert_eq!(session.holds("t", "a"), "made of public.customers.ssn");
        // Afterwards a name is only a name.
        let mut session = Session::new();
        session.run(create, Some((50_001, "t", "a")));
        assert_eq!(session.holds("t", "a"), "public.customers.ssn");
        session.changes += 2;
        session.rows.relations.iter_mut().filter(|relation| relation.oid == 50_001).for_each(|r| r.name = "u".into());
        session.make(50_002, "t", "a");
        assert_eq!(session.holds("u", "a"), "public.customers.ssn");
        assert_eq!(session.holds("t", "a"), "plain");
        // The server keeps the beginning of a long name.
        let mut session = Session::new();
        let long = "t".repeat(70);
        session.run(&create.replace(" t ", &format!(" {long} ")), Some((50_001, &long[..63], "a")));
        assert_eq!(session.holds(&long[..63], "a"), "public.customers.ssn");
        // What is gone holds nothing, and the session sees what all see.
        session.rows.relations.retain(|relation| relation.oid != 50_001);
        session.catalog();
        assert!(session.temporary.is_empty());
    }

    #[test]
    fn what_may_come_back_is_not_forgotten() {
        let mut session = Session::new();
        session.run("CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers", Some((50_001, "t", "a")));
        session.catalog();
        let relations = session.rows.relations.clone();
        session.rows.relations.retain(|relation| relation.oid != 50_001);
        session.temporary.settle(&session.rows, session.changes, true);
        assert!(!session.temporary.is_empty(), "it is dropped in a transaction");
        session.rows.relations = relations;
        assert_eq!(session.holds("t", "a"), "public.customers.ssn");
        // Before anybody has seen it.
        let mut session = Session::new();
        session.run("CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers", None);
        session.temporary.settle(&session.rows, session.changes, true);
        session.make(50_001, "t", "a");
        assert_eq!(session.holds("t", "a"), "made of public.customers.ssn");
    }

    #[test]
    fn what_is_put_in_and_given_back_is_what_it_is_made_of() {
        let mut session = Session::new();
        session.make(50_001, "t", "a b");
        let catalog = session.catalog();
        let shown = |sql: &str| {
            let foreseen = crate::foresee(sql, &catalog).unwrap().remove(0).unwrap();
            foreseen.iter().map(|output| matches!(output.holds, model::Holds::Plain)).collect::<Vec<_>>()
        };
        assert_eq!(
            shown("INSERT INTO t (a) SELECT ssn FROM customers RETURNING a, reverse(b), 1"),
            [false, false, true]
        );
        assert_eq!(shown("UPDATE t SET a = ssn FROM customers RETURNING t.a, 1"), [false, true]);
        assert_eq!(shown("INSERT INTO t (a) SELECT 'x' RETURNING a"), [true]);
    }
}
