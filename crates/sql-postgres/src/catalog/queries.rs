//! The queries that read a snapshot, and the reading of their rows.
//!
//! Every name in them is qualified, operators too, so that nothing in the target's `search_path` can answer in place of the
//! catalog. They run on PostgreSQL 13 to 18.

use std::sync::Arc;

use super::bodies::{self, MadeOf};
use super::{CatalogRows, RawCast, RawColumn, RawFunction, RawRelation, RawSystemFunction};

/// Domains with the types that their values are of, also those over domains: as values of those they are taken and sent.
macro_rules! domains {
    () => {
        "WITH RECURSIVE domains(domain, base) AS (SELECT d.oid, b.oid FROM pg_catalog.pg_type AS d \
         JOIN pg_catalog.pg_type AS b ON b.oid OPERATOR(pg_catalog.=) d.typbasetype \
         WHERE d.typtype OPERATOR(pg_catalog.=) 'd'::pg_catalog.\"char\" \
         AND b.typtype OPERATOR(pg_catalog.<>) 'd'::pg_catalog.\"char\" \
         UNION ALL SELECT d.oid, b.base FROM pg_catalog.pg_type AS d \
         JOIN domains AS b ON b.domain OPERATOR(pg_catalog.=) d.typbasetype) "
    };
}

/// The same of what PostgreSQL itself brings: it stays as it is while a server runs, so it need not be read again on a
/// connection that is kept.
pub const OWN_CATALOG_QUERIES: &[(&str, &str)] = &[
    (
        "relations",
        "SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class AS c \
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         WHERE c.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid",
    ),
    (
        "columns",
        concat!(
            domains!(),
            "SELECT a.attrelid, a.attnum, a.attname, false, \
         CASE WHEN a.atttypid OPERATOR(pg_catalog.=) ANY ('{25,1042,1043}'::pg_catalog.oid[]) THEN 't' \
         WHEN a.atttypid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid THEN 'u' END, COALESCE(d.base, a.atttypid) FROM pg_catalog.pg_attribute AS a \
         JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) a.attrelid \
         LEFT JOIN domains AS d ON d.domain OPERATOR(pg_catalog.=) a.atttypid \
         WHERE a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped \
         AND a.attrelid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid \
         AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S,t}'::pg_catalog.\"char\"[]) \
         ORDER BY a.attrelid USING OPERATOR(pg_catalog.<), a.attnum USING OPERATOR(pg_catalog.<)"
        ),
    ),
    (
        "system_functions",
        "SELECT p.proname, p.proretset, CASE WHEN p.proargmodes OPERATOR(pg_catalog.&&) '{o,b,t}'::pg_catalog.\"char\"[] \
         THEN pg_catalog.array_to_string(ARRAY(SELECT m.name FROM ROWS FROM (pg_catalog.unnest(p.proargnames), \
         pg_catalog.unnest(p.proargmodes)) AS m(name, mode) \
         WHERE m.mode OPERATOR(pg_catalog.=) ANY ('{o,b,t}'::pg_catalog.\"char\"[])), ' ') \
         WHEN t.typtype OPERATOR(pg_catalog.=) ANY ('{b,e,r,m}'::pg_catalog.\"char\"[]) THEN '' END \
         FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) p.prorettype \
         WHERE p.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid \
         UNION SELECT t.typname, false, '' FROM pg_catalog.pg_type AS t WHERE t.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid \
         AND t.typtype OPERATOR(pg_catalog.=) ANY ('{b,r,m}'::pg_catalog.\"char\"[])",
    ),
];

/// What [`Catalog::build`](super::Catalog::build) needs of what users make, as name and query, to be sent in any order
/// together with [`OWN_CATALOG_QUERIES`]. Each result row, in text format, goes to [`CatalogRows::add`] under its query's
/// name. None of them waits for a lock that a statement on a user's table can hold.
///
/// What a view reads is taken from its rule's own tree and not from `pg_depend`, which does not mention PostgreSQL's own
/// tables (`pg_authid`).
pub const CATALOG_QUERIES: &[(&str, &str)] = &[
    (
        "relations",
        "SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class AS c \
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         WHERE c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid",
    ),
    (
        "columns",
        concat!(
            domains!(),
            "SELECT a.attrelid, a.attnum, a.attname, \
         a.attgenerated OPERATOR(pg_catalog.<>) ''::pg_catalog.\"char\", \
         CASE WHEN a.atttypid OPERATOR(pg_catalog.=) ANY ('{25,1042,1043}'::pg_catalog.oid[]) THEN 't' \
         WHEN a.atttypid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid THEN 'u' END, COALESCE(d.base, a.atttypid) FROM pg_catalog.pg_attribute AS a \
         JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) a.attrelid \
         LEFT JOIN domains AS d ON d.domain OPERATOR(pg_catalog.=) a.atttypid \
         WHERE a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped \
         AND a.attrelid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid \
         AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S,t}'::pg_catalog.\"char\"[]) \
         ORDER BY a.attrelid USING OPERATOR(pg_catalog.<), a.attnum USING OPERATOR(pg_catalog.<)"
        ),
    ),
    (
        "reads",
        "SELECT DISTINCT r.ev_class, m.found[1] FROM pg_catalog.pg_rewrite AS r, \
         LATERAL pg_catalog.regexp_matches(r.ev_action::pg_catalog.text, ':relid ([0-9]+)', 'g') AS m(found) \
         WHERE r.ev_class OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid \
         UNION ALL SELECT c.reltoastrelid, c.oid::pg_catalog.text FROM pg_catalog.pg_class AS c \
         WHERE c.reltoastrelid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid",
    ),
    (
        "calls",
        "SELECT DISTINCT r.ev_class FROM pg_catalog.pg_rewrite AS r, LATERAL pg_catalog.regexp_matches(\
         r.ev_action::pg_catalog.text, ':(?:funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+)', 'g') AS m(found) \
         WHERE r.ev_class OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid \
         AND m.found[1]::pg_catalog.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid",
    ),
    // What RETURNING gives back of these is what a rule says.
    (
        "rules",
        "SELECT DISTINCT r.ev_class FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class OPERATOR(pg_catalog.>=) \
         16384::pg_catalog.oid AND r.ev_type OPERATOR(pg_catalog.<>) '1'::pg_catalog.\"char\"",
    ),
    // PostgreSQL's own tree of a view: nothing in it has to be looked up, and nothing is locked to read it.
    (
        "views",
        "SELECT r.ev_class, CASE WHEN pg_catalog.octet_length(r.ev_action::pg_catalog.text) \
         OPERATOR(pg_catalog.<) 900000 THEN r.ev_action::pg_catalog.text END FROM pg_catalog.pg_rewrite AS r \
         WHERE r.ev_class OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid \
         AND r.ev_type OPERATOR(pg_catalog.=) '1'::pg_catalog.\"char\"",
    ),
    (
        "generated",
        "SELECT d.adrelid, d.adnum, CASE WHEN pg_catalog.octet_length(d.adbin::pg_catalog.text) \
         OPERATOR(pg_catalog.<) 900000 THEN d.adbin::pg_catalog.text END FROM pg_catalog.pg_attrdef AS d \
         JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) d.adrelid \
         AND a.attnum OPERATOR(pg_catalog.=) d.adnum \
         WHERE a.attgenerated OPERATOR(pg_catalog.<>) ''::pg_catalog.\"char\"",
    ),
    ("inherits", "SELECT i.inhrelid, i.inhparent FROM pg_catalog.pg_inherits AS i"),
    // The extensions listed are PostgreSQL's own contrib modules (and pgvector) whose functions compute from their arguments.
    // dblink, postgres_fdw, tablefunc, xml2, lo and PostGIS read tables, other servers or texts of SQL: not these.
    (
        "functions",
        "SELECT p.oid, n.nspname, p.proname, p.pronargs OPERATOR(pg_catalog.>=) 1::pg_catalog.int2 \
         AND t.typtype OPERATOR(pg_catalog.=) ANY ('{c,p,d}'::pg_catalog.\"char\"[]), \
         EXISTS (SELECT FROM pg_catalog.pg_depend AS d \
         JOIN pg_catalog.pg_extension AS e ON e.oid OPERATOR(pg_catalog.=) d.refobjid \
         WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid \
         AND d.objid OPERATOR(pg_catalog.=) p.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog.\"char\" \
         AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid \
         AND e.extname OPERATOR(pg_catalog.=) ANY ('{btree_gin,btree_gist,citext,cube,earthdistance,fuzzystrmatch,\
         hstore,intarray,isn,ltree,pg_trgm,pgcrypto,seg,unaccent,uuid-ossp,vector}'::pg_catalog.name[])), p.proretset \
         FROM pg_catalog.pg_proc AS p \
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace \
         LEFT JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) p.proargtypes[0] \
         WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid",
    ),
    // Casts that run code of users', with the types that they give, and domains over those.
    (
        "casts",
        "SELECT DISTINCT t.typname, c.castcontext OPERATOR(pg_catalog.=) 'i'::pg_catalog.\"char\", c.castfunc, \
         c.castsource OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid OR c.casttarget OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid \
         FROM pg_catalog.pg_cast AS c JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) c.casttarget \
         OR t.typbasetype OPERATOR(pg_catalog.=) c.casttarget \
         WHERE c.castfunc OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid",
    ),
    // Types whose values are those of text, byte for byte (`citext`).
    (
        "texts",
        "SELECT c.castsource FROM pg_catalog.pg_cast AS c \
         WHERE c.casttarget OPERATOR(pg_catalog.=) 25::pg_catalog.oid \
         AND c.castmethod OPERATOR(pg_catalog.=) 'b'::pg_catalog.\"char\" \
         AND c.castsource OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid",
    ),
    (
        "triggers",
        "SELECT DISTINCT t.tgrelid FROM pg_catalog.pg_trigger AS t \
         JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid \
         WHERE c.relpersistence OPERATOR(pg_catalog.=) 't'::pg_catalog.\"char\"",
    ),
    // Operators of extensions are left out: they come with names that everything uses (citext has its own =), compare or
    // compute without side effects, and their results count as computed anyway.
    (
        "operators",
        "SELECT DISTINCT n.nspname, o.oprname FROM pg_catalog.pg_operator AS o \
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) o.oprnamespace \
         WHERE o.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d \
         WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid \
         AND d.objid OPERATOR(pg_catalog.=) o.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog.\"char\")",
    ),
];

/// A row that is not what its query gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the target's answer to the catalog query \"{query}\" can't be read: {what}")]
pub struct UnreadableRow {
    /// The name of the query.
    pub query: String,
    /// What is wrong.
    pub what: &'static str,
}

impl CatalogRows {
    /// Takes one row of the query of this name, with its values in text format.
    pub fn add(&mut self, query: &str, row: &[Option<&str>]) -> Result<(), UnreadableRow> {
        self.read(query, row).ok_or_else(|| UnreadableRow {
            query: query.to_owned(),
            what: if OWN_CATALOG_QUERIES.iter().chain(CATALOG_QUERIES).any(|(name, _)| *name == query) {
                "a row has other columns than it should"
            } else {
                "there is no such query"
            },
        })
    }

    /// Leaves out the temporary relations of other sessions than the one with this schema.
    pub fn leave_temporary_of(&mut self, schema: Option<&str>) {
        let toast = schema.map(|schema| schema.replacen("pg_temp_", "pg_toast_temp_", 1));
        self.relations.retain(|relation| {
            let temporary = relation.schema.starts_with("pg_temp_") || relation.schema.starts_with("pg_toast_temp_");
            !temporary || Some(&*relation.schema) == schema || Some(&*relation.schema) == toast.as_deref()
        });
    }

    fn read(&mut self, query: &str, row: &[Option<&str>]) -> Option<()> {
        match (query, row) {
            ("relations", [Some(oid), Some(schema), Some(name), Some(kind)]) => {
                let (schema, name) = (self.name(schema), self.name(name));
                let (oid, kind) = (oid.parse().ok()?, kind.chars().next()?);
                self.relations.push(RawRelation { oid, schema, name, kind });
            }
            ("columns", [Some(relation), Some(number), Some(name), generated, kind, of_type @ ..]) => {
                let name = self.name(name);
                self.columns.push(RawColumn {
                    relation: relation.parse().ok()?,
                    number: number.parse().ok()?,
                    name,
                    generated: *generated == Some("t"),
                    text: *kind == Some("t"),
                    of_users: *kind == Some("u"),
                    type_oid: of_type.first().and_then(|oid| oid.as_ref()?.parse().ok()).unwrap_or(0),
                });
            }
            ("reads", [Some(reader), Some(relation)]) => {
                self.reads.push((reader.parse().ok()?, relation.parse().ok()?));
            }
            ("rules", [Some(relation)]) => self.rules.push(relation.parse().ok()?),
            ("triggers", [Some(relation)]) => self.triggers.push(relation.parse().ok()?),
            ("calls", [Some(view)]) => self.calls.push(view.parse().ok()?),
            ("inherits", [Some(child), Some(parent)]) => {
                self.inherits.push((child.parse().ok()?, parent.parse().ok()?));
            }
            // A function without arguments has no type to look at: NULL.
            // A tree that can't be read, or is too long to be: of anything that the view reads.
            ("views", [Some(view), tree]) => {
                let view = view.parse().ok()?;
                let columns = tree.and_then(bodies::view).unwrap_or_default();
                self.bodies.extend((1..).zip(columns).map(|(number, made)| (view, number, made)));
            }
            ("generated", [Some(relation), Some(number), tree]) => {
                let (relation, number) = (relation.parse().ok()?, number.parse().ok()?);
                let made = tree.and_then(|tree| bodies::expression(tree, relation));
                self.bodies.push((relation, number, made.unwrap_or(MadeOf::Everything)));
            }
            ("functions", [Some(oid), Some(schema), Some(name), takes_row, computes, set]) => {
                self.functions.push(RawFunction {
                    oid: oid.parse().ok()?,
                    schema: (*schema).into(),
                    name: (*name).into(),
                    takes_row: *takes_row == Some("t"),
                    computes: *computes == Some("t"),
                    returns_set: *set == Some("t"),
                })
            }
            ("system_functions", [Some(name), Some(set), columns]) => self.system_functions.push(RawSystemFunction {
                name: (*name).into(),
                returns_set: *set == "t",
                columns: columns.map(|columns| columns.split_whitespace().map(Into::into).collect()),
            }),
            ("casts", [Some(target), Some(implicit), Some(function), Some(of_users)]) => self.casts.push(RawCast {
                target: (*target).into(),
                is_implicit: *implicit == "t",
                function: function.parse().ok()?,
                of_users: *of_users == "t",
            }),
            ("texts", [Some(oid)]) => self.texts.push(oid.parse().ok()?),
            ("operators", [Some(schema), Some(name)]) => self.operators.push(((*schema).into(), (*name).into())),
            _ => return None,
        }
        Some(())
    }

    fn name(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.names.get(text) {
            return Arc::clone(known);
        }
        let name: Arc<str> = text.into();
        self.names.insert(Arc::clone(&name));
        name
    }
}
