//! Values that are stored as less than they are: which of a statement's fields can be given a part or a token of each value in its
//! place, where the configuration opts in (`on_write`).
//!
//! A field can if each value that goes into it is there to be replaced: a parameter that stands for itself and for nothing else, or
//! a column of a COPY's data. Whatever else is put there, it can't.

use std::collections::HashMap;

use model::{Field, Lowering, OnWrite};

use super::written::gives_nothing;
use crate::statement::LoweredParameter;
use crate::tree::{Node, Tree};

const AMBIGUOUS: &str = "its table's name may mean several: write its schema as well";
const UNNAMED: &str = "the statement does not name its columns, or names a part of one";
const NOT_ALONE: &str =
    "a value is neither a parameter of its own ($1, without a cast) nor a column of COPY FROM STDIN";
const TWICE: &str = "a parameter stands for more than this one value";
const COPY_OPTIONS: &str = "a COPY with FORCE_NULL, FORCE_NOT_NULL or DEFAULT is not followed";
const ELSEWHERE: &str = "something else in the statement is stored there as well";
const NESTED: &str = "the statement does not run as it is written";

/// Kinds of statements whose values are where they seem to be.
const PLAIN: [&str; 6] = ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "SelectStmt", "CopyStmt"];

/// What a statement's fields can be given.
#[derive(Debug, Default)]
pub(super) struct Lowerings {
    pub(super) fields: Vec<Lowering>,
    pub(super) parameters: Vec<LoweredParameter>,
    /// Fields that get something by another way.
    otherwise: Vec<Field>,
}

/// Where values are put.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Whether the relation's name can mean this one only.
    pub(super) single: bool,
    /// Whether the columns are named.
    pub(super) named: bool,
    /// Whether it is the SET of ON CONFLICT, where `excluded` is the row that was to be inserted.
    pub(super) conflict: bool,
}

/// What is put into a column.
pub(super) enum Put<'a> {
    Values(&'a [&'a Tree]),
    /// A column of this COPY's data.
    Copied(&'a Node),
    Something,
}

impl Lowerings {
    /// A field gets something by another way than as a column that opts in.
    pub(super) fn otherwise(&mut self, field: &Field) {
        self.otherwise.push(field.clone());
    }

    /// A column that opts in gets this.
    pub(super) fn put(&mut self, (field, to): (&Field, OnWrite), type_oid: u32, put: &Put<'_>, place: Place) {
        let unfollowed = match put {
            _ if !place.single => Some(AMBIGUOUS),
            _ if !place.named => Some(UNNAMED),
            Put::Something => Some(NOT_ALONE),
            Put::Copied(copy) => (!is_plain_copy(copy)).then_some(COPY_OPTIONS),
            Put::Values(values) => {
                let given = values.iter().filter(|value| !gives_nothing(value) && !is_excluded(value, field, place));
                let numbers: Vec<Option<usize>> = given.map(|value| parameter(value)).collect();
                self.parameters.extend(numbers.iter().flatten().map(|number| LoweredParameter {
                    number: *number,
                    field: field.clone(),
                    type_oid,
                }));
                numbers.contains(&None).then_some(NOT_ALONE)
            }
        };
        match self.fields.iter_mut().find(|known| known.field == *field) {
            Some(known) => known.unfollowed = known.unfollowed.or(unfollowed),
            None => self.fields.push(Lowering { field: field.clone(), to, unfollowed }),
        }
    }

    /// What holds of the statement as a whole.
    pub(super) fn finish(&mut self, tree: &Tree) {
        if self.fields.is_empty() {
            return;
        }
        let mut uses: HashMap<i64, usize> = HashMap::new();
        tree.walk(&mut |node| {
            if node.kind == "ParamRef" {
                let count = uses.entry(node.int("number")).or_default();
                *count = count.saturating_add(1);
            }
            true
        });
        let is_plain = tree.node().is_some_and(|node| PLAIN.contains(&node.kind));
        for lowering in &mut self.fields {
            let used = |parameter: &LoweredParameter| {
                i64::try_from(parameter.number).ok().and_then(|number| uses.get(&number)).copied()
            };
            let twice =
                self.parameters.iter().any(|parameter| parameter.field == lowering.field && used(parameter) != Some(1));
            let elsewhere = self.otherwise.contains(&lowering.field);
            let why = if !is_plain {
                Some(NESTED)
            } else if twice {
                Some(TWICE)
            } else {
                elsewhere.then_some(ELSEWHERE)
            };
            lowering.unfollowed = lowering.unfollowed.or(why);
        }
    }
}

/// A parameter that stands for itself.
fn parameter(value: &Tree) -> Option<usize> {
    let number = value.as_kind("ParamRef")?.int("number");
    usize::try_from(number).ok().filter(|number| *number > 0)
}

/// The value that was to be inserted there, which is a part or a token by then.
fn is_excluded(value: &Tree, field: &Field, place: Place) -> bool {
    let names = |node: &Node| {
        let names: Vec<&str> = node.get("fields").list().iter().map(Tree::text).collect();
        names == ["excluded", field.name.as_str()]
    };
    place.conflict && value.as_kind("ColumnRef").is_some_and(names)
}

/// Whether what a COPY reads in a column is what stands there.
fn is_plain_copy(copy: &Node) -> bool {
    const OTHERWISE: [&str; 3] = ["force_null", "force_not_null", "default"];
    let options = copy.get("options").list().iter().filter_map(Tree::node);
    let from_caller = !copy.has("filename") && !copy.has("is_program");
    from_caller && !options.into_iter().any(|option| OTHERWISE.contains(&option.text("defname")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::analyse;
    use crate::catalog::tests::{shop_rows, shop_rules};
    use crate::catalog::{Catalog, RawRelation};

    fn catalog() -> Catalog {
        let rules =
            shop_rules().on_write("public.customers.ssn", OnWrite::Token).on_write("*.*.email", OnWrite::Partial);
        let mut rows = shop_rows();
        rows.relations.push(RawRelation { oid: 20_100, schema: "audit".into(), name: "payments".into(), kind: 'r' });
        rows.columns.iter_mut().for_each(|column| column.type_oid = if column.text { 25 } else { 23 });
        Catalog::build(rows, &rules, None)
    }

    type Told = (String, Option<&'static str>);
    type Replaced = (usize, String, u32);

    /// The fields that may be given less, with the reason why they can't, and the parameters that are replaced.
    fn of(sql: &str) -> (Vec<Told>, Vec<Replaced>) {
        let statement = analyse(sql, &catalog()).unwrap().remove(0);
        let fields = statement.lowering.iter().map(|of| (of.field.name.clone(), of.unfollowed));
        let parameters = statement.lowered_parameters.iter().map(|of| (of.number, of.field.name.clone(), of.type_oid));
        (fields.collect(), parameters.collect())
    }

    #[test]
    fn parameters_and_copy_data_can_be_replaced() {
        for (sql, fields, parameters) in [
            ("INSERT INTO customers (id, ssn) VALUES ($1, $2)", &["ssn"][..], &[(2, "ssn")][..]),
            (
                "INSERT INTO customers (ssn, id) VALUES ($1, 1), ($2, 2), (NULL, 3), (DEFAULT, 4)",
                &["ssn"],
                &[(1, "ssn"), (2, "ssn")],
            ),
            (
                "UPDATE customers SET ssn = $1, email = $2, city = $3 WHERE id = $4",
                &["ssn", "email"],
                &[(1, "ssn"), (2, "email")],
            ),
            (
                "INSERT INTO customers (id, ssn) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn",
                &["ssn"],
                &[(1, "ssn")],
            ),
            (
                "MERGE INTO customers USING orders o ON customers.id = o.id WHEN MATCHED THEN UPDATE SET ssn = $1 \
                 WHEN NOT MATCHED THEN INSERT (id, ssn) VALUES (o.id, $2)",
                &["ssn"],
                &[(1, "ssn"), (2, "ssn")],
            ),
            ("WITH x AS (UPDATE customers SET ssn = $1 RETURNING ssn) SELECT ssn FROM x", &["ssn"], &[(1, "ssn")]),
            ("UPDATE customers SET ssn = NULL WHERE id = $1", &[], &[]),
            ("UPDATE customers SET card = $1 WHERE id = 2", &[], &[]),
            ("UPDATE orders SET note = $1", &[], &[]),
            ("COPY customers (id, ssn) FROM STDIN", &["ssn"], &[]),
            ("COPY customers (ssn, email) FROM STDIN (FORMAT csv, NULL 'x', HEADER)", &["ssn", "email"], &[]),
        ] {
            let (is_fields, is_parameters) = of(sql);
            assert!(is_fields.iter().all(|(_, why)| why.is_none()), "{sql} {is_fields:?}");
            assert_eq!(is_fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), fields, "{sql}");
            let is: Vec<_> = is_parameters.iter().map(|(number, name, _)| (*number, name.as_str())).collect();
            assert_eq!(is, parameters, "{sql}");
            assert!(is_parameters.iter().all(|(_, _, oid)| *oid == 25));
        }
    }

    #[test]
    fn what_is_not_there_to_be_replaced_can_not() {
        for sql in [
            "INSERT INTO customers (id, ssn) VALUES ($1, '512-44-9821')",
            "INSERT INTO customers (id, ssn) VALUES (1, $1), (2, 'x')",
            "INSERT INTO customers (id, ssn) VALUES ($1, $2::text)",
            "INSERT INTO customers (id, ssn) VALUES ($1, upper($2))",
            "INSERT INTO customers (id, ssn) VALUES ($1, CASE WHEN true THEN $2 END)",
            "INSERT INTO customers (id, ssn) VALUES ($1, coalesce($2, 'x'))",
            "INSERT INTO customers (id, ssn, note) VALUES (1, $1, $1)",
            "INSERT INTO customers (id, ssn) VALUES (1, $1) RETURNING $1",
            "INSERT INTO customers VALUES (1, $1, $2, $3, $4)",
            "INSERT INTO customers (id, ssn) SELECT 1, $1",
            "INSERT INTO customers (id, ssn) SELECT id, status FROM orders",
            "INSERT INTO customers (id, ssn) SELECT id, ssn FROM customers",
            "INSERT INTO customers (id, ssn) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET ssn = $2::text",
            "INSERT INTO customers (id, ssn) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET ssn = excluded.note",
            "INSERT INTO customers (id, ssn[1]) VALUES (1, $1)",
            "UPDATE customers SET ssn[1] = $1",
            "UPDATE customers SET (ssn, city) = ($1, $2)",
            "UPDATE customers SET ssn = $1, note = ssn",
            "UPDATE customers SET ssn = $1 WHERE note = $1",
            "UPDATE customers SET ssn = excluded.ssn FROM orders AS excluded (ssn)",
            "WITH x AS (UPDATE customers SET ssn = 'x') UPDATE customers SET ssn = $1",
            "COPY customers FROM STDIN",
            "COPY customers (id, ssn) FROM STDIN (FORMAT csv, FORCE_NULL (ssn))",
            "COPY customers (id, ssn) FROM STDIN (FORMAT csv, FORCE_NOT_NULL (ssn))",
            "COPY customers (id, ssn) FROM STDIN (DEFAULT 'x')",
            "COPY customers (id, ssn) FROM '/tmp/x'",
            "COPY customers (id, ssn) FROM PROGRAM 'cat'",
            "EXPLAIN ANALYZE UPDATE customers SET ssn = $1",
            "ALTER TABLE customers ALTER ssn SET DEFAULT 'x'",
            "CREATE RULE r AS ON INSERT TO orders DO ALSO UPDATE customers SET ssn = $1",
        ] {
            let (fields, _) = of(sql);
            let ssn = fields.iter().find(|(name, _)| name == "ssn");
            assert!(ssn.is_none_or(|(_, why)| why.is_some()), "{sql} {fields:?}");
        }
    }
}
