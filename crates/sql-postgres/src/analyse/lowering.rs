//! Values that are stored as less than they are: which of a statement's fields can be given a part or a token of each value in its
//! place, where the configuration opts in (`on_write`).
//!
//! A field can if each value that goes into it is there to be replaced: a parameter that stands for itself and for nothing else, a
//! plain constant, or a column of a COPY's data. Whatever else is put there, it can't.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use model::{Field, Lowering, OnWrite};
use pg_query::protobuf::{ScanToken, Token};

use super::filters::Filters;
use super::written::gives_nothing;
use crate::statement::{Constant, LoweredConstant, LoweredParameter, Statement};
use crate::tree::{Node, Tree};

const AMBIGUOUS: &str = "its table's name may mean several: write its schema as well";
const UNNAMED: &str = "the statement does not name its columns, or names a part of one";
const NOT_ALONE: &str = "a value is neither a parameter of its own ($1) nor a plain constant, without a cast, nor a column of COPY FROM STDIN";
const UNREAD: &str = "a constant is written in a way that is not followed";
const TWICE: &str = "a parameter stands for more than this one value";
const COPY_OPTIONS: &str = "a COPY with FORCE_NULL, FORCE_NOT_NULL or DEFAULT is not followed";
const ELSEWHERE: &str = "something else in the statement is stored there as well";
const FILTERED: &str =
    "a WHERE of COPY, or ON CONFLICT by `excluded`, would look at what is stored in the place of its values";
const NESTED: &str = "the statement does not run as it is written";

/// Kinds of statements whose values are where they seem to be.
const PLAIN: [&str; 6] = ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "SelectStmt", "CopyStmt"];

/// What a statement's fields can be given.
#[derive(Debug, Default)]
pub(super) struct Lowerings {
    pub(super) fields: Vec<Lowering>,
    pub(super) parameters: Vec<LoweredParameter>,
    /// Constants, each with no more than the beginning of its place, and no number's value, until [`place_constants`].
    pub(super) constants: Vec<LoweredConstant>,
    /// Fields that get something by another way.
    otherwise: HashSet<Field>,
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
        if !self.otherwise.contains(field) {
            self.otherwise.insert(field.clone());
        }
    }

    /// A column that opts in gets this.
    pub(super) fn put(&mut self, (field, to): (&Field, OnWrite), type_oid: u32, put: &Put<'_>, place: Place) {
        let unfollowed = match put {
            _ if !place.single => Some(AMBIGUOUS),
            _ if !place.named => Some(UNNAMED),
            Put::Something => Some(NOT_ALONE),
            Put::Copied(copy) => (!is_plain_copy(copy)).then_some(COPY_OPTIONS),
            Put::Values(values) => {
                let given =
                    values.iter().filter(|value| !gives_nothing(value) && !is_excluded(value, &field.name, place));
                let mut others = false;
                for value in given {
                    let field = field.clone();
                    match (parameter(value), constant(value)) {
                        (Some(number), _) => self.parameters.push(LoweredParameter { number, field, type_oid }),
                        (None, Some((begin, value))) => {
                            self.constants.push(LoweredConstant { place: begin..begin, value, field, type_oid });
                        }
                        (None, None) => others = true,
                    }
                }
                others.then_some(NOT_ALONE)
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
        let is_plain = tree.node().is_some_and(is_plain);
        let filters = Filters::of(tree);
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
            } else if filters.look_at(&lowering.field.name) {
                Some(FILTERED)
            } else {
                elsewhere.then_some(ELSEWHERE)
            };
            lowering.unfollowed = lowering.unfollowed.or(why);
        }
    }
}

/// Whether a statement goes to the target as it is, so that it can go otherwise. A COPY of a query does not: the query in it is
/// described first.
fn is_plain(node: &Node) -> bool {
    PLAIN.contains(&node.kind) && (node.kind != "CopyStmt" || node.has("is_from"))
}

/// A parameter that stands for itself.
fn parameter(value: &Tree) -> Option<usize> {
    let number = value.as_kind("ParamRef")?.int("number");
    usize::try_from(number).ok().filter(|number| *number > 0)
}

/// A string or a number, and where it begins.
fn constant(value: &Tree) -> Option<(usize, Constant)> {
    let constant = value.as_kind("AConst")?;
    let begin = usize::try_from(constant.int("location")).ok()?;
    let value = constant.get("val").node()?;
    match value.kind {
        "String" => Some((begin, Constant::Text(value.text("sval").to_owned()))),
        "Integer" | "Float" => Some((begin, Constant::Number(String::new()))),
        _ => None,
    }
}

/// The tokens of a text by PostgreSQL's own lexer, found once and not before one is asked for: a text may have many statements.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    sql: &'a str,
    found: OnceCell<Vec<ScanToken>>,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(sql: &'a str) -> Self {
        Self { sql, found: OnceCell::new() }
    }

    /// The one that begins there.
    fn at(&self, start: usize) -> Option<&ScanToken> {
        let tokens = self.found.get_or_init(|| pg_query::scan(self.sql).map(|found| found.tokens).unwrap_or_default());
        let start = i32::try_from(start).ok()?;
        tokens.get(tokens.binary_search_by_key(&start, |token| token.start).ok()?)
    }
}

/// Finds where the constants end, and what the numbers are. A statement in which one can't be found is one that can't be followed.
pub(super) fn place_constants(statement: &mut Statement, tokens: &Tokens<'_>) {
    let mut constants = std::mem::take(&mut statement.lowered_constants);
    for constant in &mut constants {
        let found = tokens.at(constant.place.start);
        if found.is_none_or(|token| place(constant, token, tokens.sql).is_none()) {
            statement.cannot_be_lowered(UNREAD);
            return;
        }
    }
    statement.lowered_constants = constants;
}

fn place(constant: &mut LoweredConstant, token: &ScanToken, sql: &str) -> Option<()> {
    constant.place.end = usize::try_from(token.end).ok()?;
    let written = sql.get(constant.place.clone())?;
    match (&mut constant.value, Token::try_from(token.token).ok()?) {
        (Constant::Text(_), Token::Sconst) => Some(()),
        (Constant::Number(value), Token::Iconst | Token::Fconst) => {
            written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then(|| written.clone_into(value))
        }
        _ => None,
    }
}

/// The value that was to be inserted there, which is a part or a token by then.
fn is_excluded(value: &Tree, name: &str, place: Place) -> bool {
    let names = |node: &Node| {
        let names: Vec<&str> = node.get("fields").list().iter().map(Tree::text).collect();
        names == ["excluded", name]
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
            ("INSERT INTO customers (id, ssn) VALUES ($1, '512-44-9821')", &["ssn"], &[]),
            ("INSERT INTO customers (id, ssn) VALUES (1, $1), (2, E'x\\n')", &["ssn"], &[(1, "ssn")]),
            ("WITH x AS (UPDATE customers SET ssn = 'x') UPDATE customers SET ssn = $1", &["ssn"], &[(1, "ssn")]),
            ("UPDATE customers SET ssn = NULL WHERE id = $1", &[], &[]),
            ("UPDATE customers SET card = $1 WHERE id = 2", &[], &[]),
            ("UPDATE orders SET note = $1", &[], &[]),
            (
                "INSERT INTO customers (id, ssn, city) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn, \
                 city = excluded.city WHERE excluded.city <> customers.city",
                &["ssn"],
                &[(1, "ssn")],
            ),
            ("COPY customers (id, ssn) FROM STDIN", &["ssn"], &[]),
            ("COPY customers (id, ssn) FROM STDIN WHERE customers.id > 5", &["ssn"], &[]),
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
            "INSERT INTO customers (id, ssn) VALUES ($1, '512-44-9821'::text)",
            "INSERT INTO customers (id, ssn) VALUES (1, $1), (2, text 'x')",
            "INSERT INTO customers (id, ssn) VALUES (1, U&'x')",
            "INSERT INTO customers (id, ssn) VALUES (1, N'x')",
            "INSERT INTO customers (id, ssn) VALUES (1, B'1')",
            "INSERT INTO customers (id, ssn) VALUES (1, -5)",
            "INSERT INTO customers (id, ssn) VALUES (1, 1e5)",
            "INSERT INTO customers (id, ssn) VALUES (1, 0x10)",
            "INSERT INTO customers (id, ssn) VALUES (1, true)",
            "INSERT INTO customers (id, ssn) VALUES (1, 'x' || 'y')",
            "INSERT INTO customers (id, ssn) VALUES (1, 'x' COLLATE \"C\")",
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
            "WITH x AS (UPDATE customers SET ssn = 'x'::text) UPDATE customers SET ssn = $1",
            "COPY customers FROM STDIN",
            "COPY customers (id, ssn) FROM STDIN (FORMAT csv, FORCE_NULL (ssn))",
            "COPY customers (id, ssn) FROM STDIN (FORMAT csv, FORCE_NOT_NULL (ssn))",
            "COPY customers (id, ssn) FROM STDIN (DEFAULT 'x')",
            "COPY customers (id, ssn) FROM STDIN WHERE ssn = '512-44-9821'",
            "COPY customers (id, ssn) FROM STDIN WHERE id > 5 OR lower(customers.ssn) LIKE '5%'",
            "COPY customers (id, ssn) FROM STDIN WHERE (customers).ssn = 'x'",
            "COPY customers (id, ssn) FROM STDIN WHERE to_jsonb(customers) ? 'x'",
            "COPY customers (id, ssn) FROM STDIN WHERE row(customers.*) IS NOT NULL",
            "INSERT INTO customers (id, ssn) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET city = 'x' WHERE excluded.ssn = 'x'",
            "INSERT INTO customers (id, ssn) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn WHERE excluded.ssn = 'x'",
            "INSERT INTO customers (id, ssn) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET city = 'x' WHERE (excluded).ssn = 'x'",
            "INSERT INTO customers (id, ssn) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET city = CASE excluded.ssn WHEN 'x' THEN 'y' END",
            "INSERT INTO customers (id, ssn) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET city = (SELECT excluded.* IS NULL)::text",
            "COPY customers (id, ssn) FROM '/tmp/x'",
            "COPY customers (id, ssn) FROM PROGRAM 'cat'",
            "EXPLAIN ANALYZE UPDATE customers SET ssn = $1",
            "COPY (INSERT INTO customers (id, ssn) VALUES (1, 'x') RETURNING id) TO STDOUT",
            "DECLARE c CURSOR FOR WITH x AS (UPDATE customers SET ssn = 'x' RETURNING 1) SELECT 1",
            "CREATE TABLE y AS WITH x AS (UPDATE customers SET ssn = 'x' RETURNING 1) SELECT 1",
            "ALTER TABLE customers ALTER ssn SET DEFAULT 'x'",
            "CREATE RULE r AS ON INSERT TO orders DO ALSO UPDATE customers SET ssn = $1",
        ] {
            let (fields, _) = of(sql);
            let ssn = fields.iter().find(|(name, _)| name == "ssn");
            assert!(ssn.is_none_or(|(_, why)| why.is_some()), "{sql} {fields:?}");
        }
    }

    #[test]
    fn constants_are_found_where_they_stand() {
        for (sql, wanted) in [
            ("INSERT INTO customers (id, ssn) VALUES (1, '512')", &[("'512'", "512")][..]),
            ("SELECT 1; UPDATE customers SET ssn='a''b'WHERE id=1", &[("'a''b'", "a'b")]),
            (
                "UPDATE customers SET ssn = E'\\x41\\'', email = $q$x'$q$ -- 'y'",
                &[("E'\\x41\\''", "A'"), ("$q$x'$q$", "x'")],
            ),
            ("UPDATE customers SET ssn = 'a'\n  'b' WHERE note = 'a'", &[("'a'\n  'b'", "ab")]),
            ("/* é */ UPDATE customers SET ssn = 'é' WHERE id = 1", &[("'é'", "é")]),
            ("UPDATE customers SET ssn = 512449821.50", &[("512449821.50", "512449821.50")]),
            (
                "UPDATE customers SET ssn = 5124498215124498215124498",
                &[("5124498215124498215124498", "5124498215124498215124498")],
            ),
        ] {
            let statement = analyse(sql, &catalog()).unwrap().pop().unwrap();
            let found: Vec<(&str, &str)> = (statement.lowered_constants.iter())
                .map(|of| match &of.value {
                    Constant::Text(value) | Constant::Number(value) => (&sql[of.place.clone()], value.as_str()),
                })
                .collect();
            assert_eq!(found, wanted, "{sql}");
            assert!(statement.inert_constants.is_none());
        }
    }
}
