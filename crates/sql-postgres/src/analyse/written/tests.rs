//! What goes into columns that are not classified, and how it is read.

use std::collections::BTreeSet;

use crate::analyse::{analyse, analyse_with};
use crate::catalog::tests::shop;
use crate::statement::{Given, ReadAs};

/// Each value of a statement with the columns that it may go into: `a>products.name`.
fn puts(sql: &str) -> String {
    let statement = analyse_with(sql, &shop(), true).unwrap().remove(0);
    let put = |put: &crate::PlainPut| {
        let given = match &put.given {
            Given::Constant(value) => value.to_string(),
            Given::Parameter(number) => format!("${number}"),
            Given::TooMuch => "…".to_owned(),
        };
        let read_as = match put.read_as {
            ReadAs::Column => String::new(),
            ReadAs::ColumnPerhaps => ":c?".to_owned(),
            ReadAs::Type(oid) => format!(":{oid}"),
            ReadAs::TypePerhaps(oid) => format!(":{oid}?"),
            ReadAs::Anything => ":?".to_owned(),
        };
        let into: Vec<String> = put
            .into
            .iter()
            .map(|into| format!("{}.{}", into.part.name.trim_start_matches("public."), into.column))
            .collect();
        format!("{given}{read_as}>{}", into.join(","))
    };
    statement.puts.iter().map(put).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_value_goes_into_its_column() {
    for (sql, expected) in [
        ("INSERT INTO products (name) VALUES ('a'), ($1)", "$1>products.name a>products.name"),
        ("INSERT INTO products (id, name) SELECT 1, 'a'", "1:?>products.id a>products.name"),
        ("UPDATE products SET name = 'a' WHERE name = 'b' AND id IN (1, 2)", "a>products.name"),
        ("UPDATE products SET (id, name) = (1, 'a')", "1:?>products.id a>products.name"),
        ("UPDATE products SET name = CASE WHEN name = 'b' THEN 'a' ELSE name END", "a:c?>products.name"),
        ("UPDATE products SET name = lower('a'::varchar(20))", "a:1043?>products.name"),
        ("UPDATE products SET name = $1::pg_catalog.date", "$1:1082>products.name"),
        ("UPDATE products SET name = '{}'::date[]", "{}:1182>products.name"),
        ("UPDATE products SET name = 'a'::odd", "a:?>products.name"),
        ("UPDATE products SET id = x'1F'::bigint", "0x1F:20>products.id"),
        ("UPDATE products SET name = (id = 5)::text", ""),
        (
            "INSERT INTO products (name) VALUES ('a') ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            "a>products.name",
        ),
        ("UPDATE products SET name = 'a'::text::int8", "a:20?>products.name"),
        ("UPDATE products SET name = coalesce($1, 0::bigint)", "$1:?>products.name 0:20?>products.name"),
        ("UPDATE products SET name[1] = $1", "$1:?>products.name 1:?>products.name"),
        ("ALTER TABLE products ALTER name SET DEFAULT 'a'", "a:?>products.name"),
        ("CREATE TABLE n (a text DEFAULT 'a', CHECK (a <> 'b'))", "a:?>n.a"),
        // Programs' own.
        (
            "INSERT INTO products (id, name) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET id = products.id + 2, name = CASE WHEN products.name IS NOT DISTINCT FROM excluded.id::text THEN products.name ELSE excluded.name END",
            "1:?>products.id 2:?>products.id a>products.name",
        ),
        (
            "INSERT INTO products (id, name) SELECT p0::INTEGER, p1::VARCHAR FROM (VALUES ($1, $2, 0), ($3, $4, 1)) AS imp_sen(p0, p1, sen_counter) ORDER BY sen_counter RETURNING products.id, products.id AS id__1",
            "$1:?>products.id $2:?>products.name $3:?>products.id $4:?>products.name",
        ),
        (
            "INSERT INTO products (name) SELECT v.a OPERATOR(pg_catalog.||) 'b' FROM (VALUES ('a')) AS v(a)",
            "a:?>products.name b:?>products.name",
        ),
        ("UPDATE products SET name = (id OPERATOR(pg_catalog.=) 5)::text", ""),
        ("UPDATE products SET name = (cube(5) ~> 1)::text", "1:?>products.name 5:?>products.name"),
        (
            "INSERT INTO products (id, name) SELECT a, a || 'y' FROM (VALUES ('x')) AS v(a)",
            "x:?>products.id,products.name y:?>products.name",
        ),
        ("INSERT INTO products (name) SELECT a::text FROM (VALUES ('x')) AS v(a)", "x:25>products.name"),
        ("INSERT INTO products (name) SELECT a::date FROM (VALUES ('x')) AS v(a)", "x:1082?>products.name"),
        ("UPDATE products SET name = $1::text::jsonb", "$1:25>products.name"),
        ("UPDATE products SET name = 'a'::text::jsonb", "a:3802?>products.name"),
        ("INSERT INTO customers (ssn) VALUES ('a')", ""),
        ("UPDATE products SET name = id::text WHERE starts_with(name, 'b') RETURNING 'c'", ""),
        ("UPDATE products p SET name = o.status FROM orders o WHERE starts_with(o.status, 'b')", ""),
        ("DELETE FROM products WHERE name = 'a' RETURNING 'b'", ""),
        ("SELECT 'a' FROM products", ""),
    ] {
        assert_eq!(puts(sql), expected, "{sql}");
    }
}

#[test]
fn what_has_no_column_of_its_own_may_go_into_any() {
    for (sql, expected) in [
        (
            "WITH v AS (SELECT 'a' AS c), i AS (INSERT INTO products (name) SELECT c FROM v RETURNING id) SELECT 1",
            "a:?>products.name",
        ),
        (
            "WITH v(a, b) AS (VALUES ($1, $2)), i AS (INSERT INTO products (name) SELECT a FROM v) SELECT 1",
            "$1:?>products.name $2:?>products.name",
        ),
        (
            "WITH v AS (SELECT 'a' AS c), u AS (UPDATE products SET name = (SELECT c FROM v)) SELECT 1",
            "a:?>products.name",
        ),
        ("INSERT INTO products (name) SELECT unnest($1::text[])", "$1:1009>products.name"),
        ("INSERT INTO products (name) SELECT * FROM f('a')", "a:?>products.name"),
        // The rows of one part of a statement are named in another.
        (
            "WITH i AS (INSERT INTO products (name) VALUES ('a') RETURNING name) INSERT INTO orders (status) SELECT name FROM i",
            "a:?>audit.orders.status,orders.status a>products.name",
        ),
        (
            "WITH i AS (INSERT INTO products (name) VALUES ('a')) INSERT INTO orders (status) SELECT status FROM orders",
            "a>products.name",
        ),
        (
            "WITH d AS (DELETE FROM orders RETURNING 'a' AS x) INSERT INTO products (name) SELECT x FROM d",
            "a:?>products.name",
        ),
        // What was to go into one column goes into another.
        (
            "INSERT INTO products (id, name) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET id = length(excluded.name)",
            "1:?>products.id a:?>products.id a>products.name",
        ),
        ("CREATE TABLE n AS SELECT 'a'", "a:?>n."),
        ("SELECT 'a' INTO n WHERE 'b' = 'c'", "a:?>n."),
        ("CREATE TABLE n AS EXECUTE p('a')", "a:?>n."),
        ("ALTER TABLE products ALTER name TYPE text USING 'a'", "a:?>products.name"),
        ("ALTER TABLE products ADD note varchar(20) DEFAULT 'a' CHECK (note <> 'b')", "a:?>products.note"),
        ("CREATE DOMAIN d AS text DEFAULT 'a'", "a:?>d."),
        ("ALTER DOMAIN s.d SET DEFAULT 'a'", "a:?>s.d."),
        ("UPDATE nosuch SET doc['a'] = 'b'", "a:?>nosuch.doc b:?>nosuch.doc"),
    ] {
        assert_eq!(puts(sql), expected, "{sql}");
    }
    // Masks go the same ways.
    for sql in [
        "WITH v AS (SELECT 'j***@e***.com' AS e), u AS (UPDATE customers SET email = (SELECT e FROM v) RETURNING 1) TABLE u",
        "WITH v AS (SELECT 'j***@e***.com' AS e), i AS (INSERT INTO customers (email) SELECT e FROM v) SELECT 1",
        "INSERT INTO customers (city, email) SELECT a, coalesce(a, 'x') FROM (VALUES ('j***@e***.com')) v(a)",
        "INSERT INTO customers (id, note, email) VALUES (1, 'j***@e***.com', 'x') ON CONFLICT (id) DO UPDATE SET email = excluded.note",
    ] {
        assert_eq!(analyse(sql, &shop()).unwrap().remove(0).masks_returned.len(), 1, "{sql}");
    }
}

#[test]
fn what_goes_into_many_columns_is_kept_once() {
    let long = "x".repeat(100_000);
    let columns = (0..1600).map(|number| format!("c{number}")).collect::<Vec<_>>().join(", ");
    let statement = analyse_with(&format!("INSERT INTO nosuch ({columns}) VALUES ('{long}', (x).*)"), &shop(), true)
        .unwrap()
        .remove(0);
    assert_eq!(statement.puts.iter().map(|put| put.into.len()).collect::<Vec<_>>(), [1600]);
    let sets = (0..10_000).map(|number| format!("c{number} = $1")).collect::<Vec<_>>().join(", ");
    let texts = [format!("PREPARE p AS UPDATE nosuch SET {sets}"), format!("EXECUTE p('{long}')")];
    let [behind, running] = texts.map(|sql| analyse_with(&sql, &shop(), true).unwrap().remove(0));
    let Some(crate::NameUse::Prepare { statement: behind, .. }) = behind.names else { panic!("no PREPARE") };
    let whole = running.running(&behind);
    let values: BTreeSet<*const u8> = whole
        .puts
        .iter()
        .filter_map(|put| match &put.given {
            Given::Constant(value) => Some(value.as_ptr()),
            _ => None,
        })
        .collect();
    assert_eq!((whole.puts.len(), values.len()), (10_000, 1));
}

#[test]
fn who_writes_nothing_lacks_nothing() {
    let lacks = |sql: &str| analyse(sql, &shop()).unwrap().remove(0);
    let lacks = |sql: &str| lacks(sql).lacks_puts || analyse_with(sql, &shop(), false).unwrap().remove(0).lacks_puts;
    assert!(!lacks("SELECT ssn FROM customers"));
    assert!(!lacks("COPY customers TO STDOUT"));
    assert!(lacks("INSERT INTO products (name) VALUES ('a')"));
    assert!(lacks("WITH i AS (UPDATE products SET name = 'a') SELECT 1"));
}
