//! What goes into columns that are not classified, and how it is read.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Scope;
use crate::analyse::{Tokens, analyse, analyse_with, read, statement};
use crate::catalog::tests::shop;
use crate::statement::{Given, Outputs, ReadAs};

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
            ReadAs::TypeWithin(oid) => format!(":{oid}+"),
            ReadAs::TextOf(oid) => format!(":25:{oid}+"),
            ReadAs::TypePerhaps(oid) => format!(":{oid}?"),
            ReadAs::Cut(length) => format!(":{length}c"),
            ReadAs::CutBits(length) => format!(":{length}b"),
            ReadAs::CutSomewhere => ":!".to_owned(),
            ReadAs::Bits(length) => format!(":{}k", length.map_or_else(String::new, |length| length.to_string())),
            ReadAs::Anything | ReadAs::Made => ":?".to_owned(),
            ReadAs::Name => ":n".to_owned(),
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
        ("UPDATE products SET name = lower('a'::varchar(20))", "a:20c>products.name"),
        ("UPDATE products SET name = $1::pg_catalog.date", "$1:1082>products.name"),
        ("UPDATE products SET name = '{}'::date[]", "{}:1182>products.name"),
        ("UPDATE products SET name = 'a'::odd", "a:?>products.name"),
        ("UPDATE products SET id = x'1F'::bigint", "0x1F:20>products.id"),
        ("UPDATE products SET name = (id = 5)::text", ""),
        (
            "INSERT INTO products (name) VALUES ('a') ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            "a>products.name",
        ),
        ("UPDATE products SET name = 'a'::text::int8", "a:25:20+>products.name"),
        ("UPDATE products SET name = coalesce($1, 0::bigint)", "$1:?>products.name 0:20+>products.name"),
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
        ("UPDATE products SET name = $1::text::jsonb", "$1:25:3802+>products.name"),
        ("UPDATE products SET name = 'a'::text::jsonb", "a:25:3802+>products.name"),
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
        ("INSERT INTO products (name) SELECT unnest($1::text[])", "$1:1009+>products.name"),
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
    let whole = running.running(&behind, &[]);
    let values: BTreeSet<*const u8> = whole
        .puts
        .iter()
        .filter_map(|put| match &put.given {
            Given::Constant(value) => Some(value.as_ptr()),
            _ => None,
        })
        .collect();
    assert_eq!((whole.puts.len(), values.len()), (1600, 1));
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

#[test]
fn a_parameter_that_stands_elsewhere_as_well_may_be_of_another_type() {
    for (sql, expected) in [
        ("UPDATE products SET name = $1 WHERE $1::int8 > 0", "$1:20?>products.name $1:c?>products.name"),
        ("INSERT INTO products (name) SELECT $1 FROM (SELECT $1::int8) q", "$1:20?>products.name $1:c?>products.name"),
        (
            "INSERT INTO products (id, name) VALUES (($1::int8 > 0)::int, $1)",
            "$1:20?>products.name $1:c?>products.name",
        ),
        ("UPDATE products SET name = $1::text WHERE id = $1::int8", "$1:20?>products.name $1:25?>products.name"),
        ("UPDATE products SET name = $1::text WHERE id = $1::name", "$1:19?>products.name $1:25?>products.name"),
        ("UPDATE products SET name = $1::text WHERE id = xid8($1)", "$1:25?>products.name $1:5069?>products.name"),
        ("UPDATE products SET name = $1::text WHERE id = $1", "$1:25?>products.name"),
        (
            "UPDATE products SET name = $1::varchar(9) WHERE id = $1::int8",
            "$1:20?>products.name $1:9c>products.name $1:?>products.name",
        ),
        // Of these the type is known.
        ("UPDATE products SET name = $1::uuid WHERE name = $1::uuid", "$1:2950>products.name"),
        ("UPDATE products SET name = $1 WHERE id = $2", "$1>products.name"),
    ] {
        assert_eq!(puts(sql), expected, "{sql}");
    }
    let catalog = {
        let mut rows = crate::catalog::tests::shop_rows();
        let oid = |name: &str| if name == "price" { 1700 } else { 25 };
        rows.columns.iter_mut().for_each(|column| column.type_oid = oid(&column.name));
        crate::catalog::Catalog::build(rows, &crate::catalog::tests::shop_rules(), None)
    };
    for (sql, expected) in [
        ("INSERT INTO products (id, name) VALUES ($1, $1)", ReadAs::Column),
        ("UPDATE products SET name = $1, id = $1::varchar", ReadAs::Column),
        ("INSERT INTO products (name, price) VALUES ($1, $1)", ReadAs::ColumnPerhaps),
        ("UPDATE products SET name = $1 WHERE id = $1", ReadAs::ColumnPerhaps),
    ] {
        assert_eq!(analyse_with(sql, &catalog, true).unwrap()[0].puts[0].read_as, expected, "{sql}");
    }
}

#[test]
fn what_is_cast_again_is_read_as_what_it_becomes() {
    for (sql, expected) in [
        ("UPDATE products SET name = $1::text::int8", "$1:25:20+>products.name"),
        ("UPDATE products SET name = $1::text::text[]", "$1:25:1009+>products.name"),
        ("INSERT INTO products (name) SELECT unnest($1::text[])::numeric", "$1:1009+>products.name"),
        ("UPDATE products SET name = ($1::jsonb ->> 'c')::numeric", "$1:3802+>products.name c:?>products.name"),
        ("UPDATE products SET name = $1::odd::int", "$1:?>products.name"),
        // What nobody here knows may have read it otherwise.
        ("UPDATE products SET name = 'a'::regclass::int", "a:23?>products.name"),
        ("UPDATE products SET name = 'a'::date::text", "a:1082+>products.name"),
        // What is cut off is not kept.
        ("UPDATE products SET name = 'abc'::varchar(2)", "abc:2c>products.name"),
        ("UPDATE products SET name = $1::char(2)::text", "$1:2c>products.name"),
        ("UPDATE products SET name = 'abc'::varchar(2)::char(9)", "abc:2c>products.name"),
        ("UPDATE products SET name = 'abc'::text::varchar(2)", "abc:2c>products.name"),
        ("UPDATE products SET name = 'abc'::name::text", "abc:63c>products.name"),
        ("UPDATE products SET name = 'a'::xid8::text", "a:5069+>products.name"),
    ] {
        assert_eq!(puts(sql), expected, "{sql}");
    }
}

#[test]
fn a_row_of_values_makes_the_others_of_its_type() {
    for (values, expected) in [
        ("('x'), ('y')", "x:25>products.name y:25>products.name"),
        ("('x'), (NULL)", "x:25>products.name"),
        ("('x'), (1.0)", "1.0:25?>products.name x:25?>products.name"),
        ("('x'), (1::int8)", "1:20+>products.name x:25?>products.name"),
        ("('x'), ('{}'::jsonb)", "x:25?>products.name {}:3802+>products.name"),
    ] {
        let sql = format!("INSERT INTO products (name) SELECT a::text FROM (VALUES {values}) v(a)");
        assert_eq!(puts(&sql), expected, "{sql}");
    }
}

#[test]
fn an_argument_is_of_its_own_type_unless_it_stands_alone() {
    let [prepared, running] = [
        "PREPARE p AS UPDATE products SET name = $1, id = $2::date",
        "EXECUTE p(coalesce('a', lower('b'), 'c'::date), 'd')",
    ]
    .map(|sql| analyse_with(sql, &shop(), true).unwrap().remove(0));
    let Some(crate::NameUse::Prepare { statement: behind, .. }) = prepared.names else { panic!("no PREPARE") };
    let read: BTreeSet<String> =
        running.running(&behind, &[]).puts.iter().map(|put| format!("{:?} {:?}", put.given, put.read_as)).collect();
    let expected = [
        "Constant(\"a\") ColumnPerhaps",
        "Constant(\"b\") ColumnPerhaps",
        "Constant(\"b\") Made",
        "Constant(\"c\") ColumnPerhaps",
        "Constant(\"c\") TypeWithin(1082)",
        "Constant(\"d\") TypePerhaps(1082)",
    ];
    assert_eq!(read.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn prepare_says_of_which_types_parameters_are() {
    let statement = analyse_with("PREPARE p(int8, text[], odd, unknown) AS SELECT 1", &shop(), true).unwrap().remove(0);
    let Some(crate::NameUse::Prepare { types, .. }) = statement.names else { panic!("no PREPARE") };
    assert_eq!(types, [20, 1009, 2276, 0]);
}

#[test]
fn what_definitions_hold_is_put_somewhere() {
    for (sql, expected) in [
        ("CREATE VIEW v AS SELECT 'a'::text AS c, id FROM products WHERE name = 'b'", "a:25+>v."),
        ("CREATE TYPE s.e AS ENUM ('a', 'b')", "a:?>s.e. b:?>s.e."),
        ("ALTER TYPE e ADD VALUE 'a' BEFORE 'b'", "a:?>e."),
        ("CREATE SEQUENCE q START WITH 4539148803436467 MINVALUE 5", "4539148803436467:?>q. 5:?>q."),
        ("ALTER SEQUENCE q RESTART WITH 5", "5:?>q."),
        ("CREATE TABLE n (a int GENERATED ALWAYS AS IDENTITY (START WITH 5))", "5:?>n.a"),
        ("ALTER TABLE products ALTER id RESTART WITH 5", "5:?>products.id"),
        ("ALTER TABLE products ALTER id ADD GENERATED ALWAYS AS IDENTITY (START WITH 5)", "5:?>products.id"),
    ] {
        assert_eq!(puts(sql), expected, "{sql}");
    }
}

#[test]
fn what_one_text_puts_into_tables_of_one_name_is_bounded() {
    // A table of this name in each of many schemas.
    let catalog = {
        let mut rows = crate::catalog::tests::shop_rows();
        for oid in 50_000..50_020 {
            let (schema, name) = (format!("tenant_{oid}").into(), "wide".into());
            rows.relations.push(crate::catalog::RawRelation { oid, schema, name, kind: 'r' });
            let column = rows.columns[0].clone();
            rows.columns.push(crate::catalog::RawColumn { relation: oid, number: 1, name: "a".into(), ..column });
        }
        crate::catalog::Catalog::build(rows, &crate::catalog::tests::shop_rules(), None)
    };
    let analysed = |sql: &str, tells_puts| {
        let (tokens, scope) = (Tokens::of(sql), Scope::bounded(&catalog, tells_puts, (300, 1_000, 1_500)));
        read(sql).unwrap().iter().map(|raw| statement(raw, sql, &tokens, &scope).unwrap()).collect::<Vec<_>>()
    };
    let too_much = |sql: &str| analysed(sql, true).iter().any(|statement| statement.puts_too_much);
    // What is named again and again is there once.
    let again = "UPDATE wide SET a = 1;".repeat(200);
    assert!(!too_much(&again));
    let all = analysed(&again, true);
    let into: BTreeSet<_> = all.iter().map(|statement| statement.puts[0].into.as_ptr()).collect();
    assert_eq!((into.len(), all[0].puts[0].into.len()), (1, 20));
    let others = (0..60).map(|number| format!("UPDATE wide SET a{number} = 1;")).collect::<String>();
    assert!(too_much(&others));
    assert!(too_much(&"COPY wide FROM STDIN;".repeat(60)));
    assert!(too_much(&"UPDATE wide SET a = x.b, c = x.b FROM (SELECT 'a' AS b) x;".repeat(60)));
    assert!(!too_much(&"INSERT INTO products (name) VALUES ('a'), ('b');".repeat(100)));
    assert!(too_much(&"INSERT INTO products (name) VALUES ('a'), ('b');".repeat(200)));
    // A column of a view counts as all that it is made of.
    let viewed = |times: usize| "UPDATE customer_names SET tag = 'x';".repeat(times);
    let made_of = analysed(&viewed(1), false)[0].touches.len();
    assert!(made_of > 1);
    assert!(!analysed(&viewed(1_500 / made_of), false).iter().any(|statement| statement.puts_too_much));
    assert!(analysed(&viewed(1_500 / made_of + 1), false).iter().any(|statement| statement.puts_too_much));
    // What is classified is asked about in each of them, whatever is told.
    let mails = |times: usize| "UPDATE customers SET email = 'x';".repeat(times);
    assert!(!analysed(&mails(1_100), false).iter().any(|statement| statement.puts_too_much));
    assert!(analysed(&mails(1_600), false).iter().any(|statement| statement.puts_too_much));
}

#[test]
fn rows_of_more_values_than_a_table_has_columns_are_not_told_apart() {
    for (count, expected) in [(1_600, ReadAs::ColumnPerhaps), (1_601, ReadAs::Anything)] {
        let many = |make: &dyn Fn(usize) -> String| (0..count).map(make).collect::<Vec<_>>().join(",");
        let (names, values) = (many(&|at| format!("c{at}")), many(&|_| "'a'".to_owned()));
        let sql = format!("INSERT INTO products SELECT {names} FROM (VALUES ({values})) v({names})");
        let statement = analyse_with(&sql, &shop(), true).unwrap().remove(0);
        assert_eq!(statement.puts[0].read_as, expected, "{count}");
    }
}

#[test]
fn values_are_looked_at_once_however_many_tables_have_the_name() {
    // A table of this name in each of many schemas, with a classified column.
    let mut rows = crate::catalog::tests::shop_rows();
    for oid in 50_000..53_000 {
        let (schema, name) = (format!("tenant_{oid}").into(), "mails".into());
        rows.relations.push(crate::catalog::RawRelation { oid, schema, name, kind: 'r' });
        let column = rows.columns[0].clone();
        rows.columns.push(crate::catalog::RawColumn { relation: oid, number: 1, name: "email".into(), ..column });
    }
    let catalog = crate::catalog::Catalog::build(rows, &crate::catalog::tests::shop_rules(), None);
    let values = |value: &str, count: usize| vec![format!("('{value}')"); count].join(", ");
    let sql = format!("INSERT INTO mails (email) VALUES {}", values("j***@e***.com", 20_000));
    let begun = std::time::Instant::now();
    let statement = analyse_with(&sql, &catalog, true).unwrap().remove(0);
    assert_eq!(statement.masks_returned.len(), 3_000);
    // To look at each of them for each of the tables would take minutes.
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?}", begun.elapsed());
    // Of parameters it is kept where each goes.
    let sql = format!("INSERT INTO mails (email) VALUES {}", vec!["($1)"; 100].join(", "));
    assert!(analyse_with(&sql, &catalog, true).unwrap().remove(0).puts_too_much);
}

#[test]
fn what_is_cut_off_is_seen_however_its_type_is_written() {
    for (value, expected) in [
        ("'a'::\"varchar\"('16')", "a:16c>products.name"),
        ("'a'::bpchar('16')", "a:16c>products.name"),
        ("'a'::\"varchar\"(\"16\")", "a:16c>products.name"),
        ("$1::bpchar('16')", "$1:16c>products.name"),
        ("'a'::mydb.pg_catalog.bpchar(16)", "a:16c>products.name"),
        ("'a'::information_schema.sql_identifier", "a:?>products.name"),
        ("'a'::odd(16)", "a:16c>products.name"),
        ("$1::odd(16)", "$1:16c>products.name $1:?>products.name"),
        ("lower($1)::varchar(16)", "$1:16c>products.name $1:?>products.name"),
        ("(SELECT 'a')::varchar(16)", "a:16c>products.name"),
        ("('a' || '')::varchar(16)", ":16c>products.name a:16c>products.name"),
        ("('a'::jsonb->>'n')::varchar(16)", "a:16c>products.name a:3802+>products.name n:16c>products.name"),
        ("lower('a'::varchar(20))::varchar(16)", "a:16c>products.name a:20c>products.name"),
        ("'a'::odd(9)::varchar(16)", "a:16c>products.name a:9c>products.name"),
        ("$1::odd(9)::varchar(16)", "$1:16c>products.name $1:9c>products.name $1:?>products.name"),
        ("$1::xml::varchar(16)", "$1:142+>products.name $1:16c>products.name"),
        ("x'ff'::bit(8)::int", "0xff:23?>products.name 0xff:8b>products.name"),
        ("$1::bit(56)::text", "$1:56b>products.name $1:?>products.name"),
        ("'a'::\"varchar\"('0x10')", "a:!>products.name a:25>products.name"),
        ("lower('a'::\"varchar\"('1_6'))", "a:!>products.name a:25+>products.name"),
        ("'a'::geometry(Point,4326)", "a:?>products.name"),
    ] {
        assert_eq!(puts(&format!("UPDATE products SET name = {value}")), expected, "{value}");
    }
}

#[test]
fn what_something_else_is_made_of_becomes_no_name() {
    for (value, expected) in [
        ("upper('a')", vec![ReadAs::Made]),
        ("upper($1)", vec![ReadAs::Made]),
        ("1 + $1", vec![ReadAs::Made, ReadAs::Made]),
        ("'a' || name", vec![ReadAs::Made]),
        ("f(x => 'a')", vec![ReadAs::Made]),
        ("upper('a'::text)", vec![ReadAs::TypeWithin(25)]),
        ("upper('a'::odd)", vec![ReadAs::Anything]),
        ("coalesce('a'::text, name)", vec![ReadAs::TypeWithin(25)]),
        ("coalesce('a'::varchar(64), name)", vec![ReadAs::Cut(64)]),
        ("upper(coalesce('a', $1))", vec![ReadAs::Anything, ReadAs::Made]),
        ("upper(coalesce('a', name, $1))", vec![ReadAs::Anything, ReadAs::Anything]),
        ("upper((SELECT 'a'))", vec![ReadAs::Anything]),
        ("upper('a')::varchar(64)", vec![ReadAs::Cut(64)]),
        ("'a'::odd::varchar(63)", vec![ReadAs::Cut(63)]),
        ("'a'::odd::varchar(64)", vec![ReadAs::Cut(64)]),
        ("coalesce('a', name)::odd(64)", vec![ReadAs::Cut(64)]),
        // What is longer than a name may be cut off as one, however long a cast around it leaves it.
        ("coalesce('?'::text, name)", vec![ReadAs::TypeWithin(25), ReadAs::Name]),
        (
            "coalesce('?'::text, 'a', 'b'::varchar)",
            vec![ReadAs::TypeWithin(25), ReadAs::ColumnPerhaps, ReadAs::TypeWithin(1043)],
        ),
        ("coalesce('?'::text, lower('b'))", vec![ReadAs::TypeWithin(25), ReadAs::Name, ReadAs::Made]),
        ("coalesce(lower('?'), 'b')", vec![ReadAs::Made, ReadAs::ColumnPerhaps]),
        ("coalesce('?', name)::varchar(16)", vec![ReadAs::Cut(16), ReadAs::Name]),
        ("coalesce($1::varchar(16), name)", vec![ReadAs::Cut(16), ReadAs::Name]),
        ("coalesce($1::text, name)", vec![ReadAs::TypeWithin(25), ReadAs::Name]),
        ("coalesce($1::text, 'a')", vec![ReadAs::TypeWithin(25), ReadAs::ColumnPerhaps]),
        ("'?'::odd::varchar(64)", vec![ReadAs::Cut(64), ReadAs::Name]),
        ("'?'::text::odd", vec![ReadAs::TypeWithin(25), ReadAs::Name]),
        ("ARRAY['?'::text, 'a']", vec![ReadAs::TypeWithin(25), ReadAs::Made]),
        ("ARRAY['?'::text, name]", vec![ReadAs::TypeWithin(25), ReadAs::Name]),
        ("array_append(ARRAY[name], '?')", vec![ReadAs::Anything]),
        ("array_append(ARRAY['a'], '?')", vec![ReadAs::Made, ReadAs::Made]),
        ("name('a')", vec![ReadAs::Cut(63)]),
        ("text('?')", vec![ReadAs::Type(25)]),
        ("coalesce('a', '1'::xid8)", vec![ReadAs::ColumnPerhaps, ReadAs::TypePerhaps(5069), ReadAs::TypeWithin(5069)]),
        ("'a' + '1'::money", vec![ReadAs::Made, ReadAs::TypePerhaps(790), ReadAs::TypeWithin(790)]),
        ("'{a}'::_money", vec![ReadAs::Type(791)]),
    ] {
        let value = value.replace('?', &"x".repeat(64));
        let sql = format!("UPDATE products SET name = {value}");
        let statement = analyse_with(&sql, &shop(), true).unwrap().remove(0);
        let read: Vec<ReadAs> = statement.puts.iter().map(|put| put.read_as).collect();
        assert_eq!(read, expected, "{value}");
    }
}

#[test]
fn bits_are_told_from_the_number_that_they_become() {
    for (value, expected) in [
        ("B'01'", vec![ReadAs::Bits(None)]),
        ("coalesce(B'01', name)", vec![ReadAs::Bits(None)]),
        ("'01'::varbit", vec![ReadAs::Bits(None)]),
        ("B'01'::bit(4)", vec![ReadAs::Bits(Some(4))]),
        ("$1::pg_catalog.bit(4)", vec![ReadAs::Bits(Some(4))]),
        ("'{01}'::bit(4)[]", vec![ReadAs::CutBits(4)]),
        ("'01'::bit(4)::varbit", vec![ReadAs::Bits(Some(4))]),
        ("B'01'::bit(9)::bit(4)", vec![ReadAs::Bits(Some(9)), ReadAs::Bits(Some(4))]),
        ("coalesce($1::bit(4), name)", vec![ReadAs::Bits(Some(4))]),
        ("name | B'01'", vec![ReadAs::Bits(None)]),
        ("(name & ~ B'01')::bit(4)", vec![ReadAs::Bits(None), ReadAs::Bits(Some(4))]),
        ("'01'::text::bit(4)", vec![ReadAs::TypeWithin(25), ReadAs::Bits(Some(4))]),
        ("1::int8::bit(4)", vec![ReadAs::TypeWithin(20), ReadAs::Bits(Some(4))]),
        ("(name | B'01')::bit(4)::int", vec![ReadAs::CutBits(4)]),
        ("'01'::bit(4)::int", vec![ReadAs::TypePerhaps(23), ReadAs::CutBits(4)]),
        ("upper('01'::bit(4)::text)", vec![ReadAs::TypePerhaps(25), ReadAs::CutBits(4)]),
        ("B'01'::int", vec![ReadAs::Type(23)]),
    ] {
        let sql = format!("UPDATE products SET name = {value}");
        let statement = analyse_with(&sql, &shop(), true).unwrap().remove(0);
        let read: Vec<ReadAs> = statement.puts.iter().map(|put| put.read_as).collect();
        assert_eq!(read, expected, "{value}");
    }
}

#[test]
fn an_argument_is_read_as_its_own_type_and_as_the_parameter_it_stands_for() {
    let catalog = shop();
    for (prepared, given, expected) in [
        ("$1::varchar(18)", "'a'::varchar(16)", vec![ReadAs::Cut(16), ReadAs::Cut(18)]),
        ("$1::varchar(16)", "'a'::varchar(16)", vec![ReadAs::Cut(16)]),
        ("$1::money::numeric", "'a'::text", vec![ReadAs::TypeWithin(25), ReadAs::TypePerhaps(790)]),
        ("$1", "'a'", vec![ReadAs::ColumnPerhaps]),
    ] {
        let behind = analyse_with(&format!("UPDATE products SET name = {prepared}"), &catalog, true).unwrap().remove(0);
        let own = analyse_with(&format!("EXECUTE p({given})"), &catalog, true).unwrap().remove(0);
        let read: Vec<ReadAs> = own.running(&behind, &[]).puts.iter().map(|put| put.read_as).collect();
        assert_eq!(read, expected, "{prepared} {given}");
    }
}

#[test]
fn what_runs_by_its_name_shares_its_outputs_of_which_there_are_no_more_than_the_server_takes() {
    let read = |sql: &str| analyse(sql, &shop()).unwrap().remove(0);
    let behind = read(&format!("SELECT {}", vec!["1"; 5_000].join(",")));
    let fetched = read("FETCH c").running(&behind, &[]);
    let (Outputs::Columns(own), Outputs::Columns(fetched)) = (&behind.outputs, &fetched.outputs) else { panic!() };
    assert_eq!((own.len(), own.as_ptr()), (1_664, fetched.as_ptr()));
    let behind = read("SELECT ssn FROM customers");
    let fetched = read("FETCH c").running(&behind, &[]);
    assert!(Arc::ptr_eq(behind.lineage.as_ref().unwrap(), fetched.lineage.as_ref().unwrap()));
}
