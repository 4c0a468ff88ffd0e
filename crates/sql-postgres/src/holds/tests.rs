//! Columns as a server describes them, and what Weir takes them to hold.

use super::*;
use crate::analyse::analyse;
use crate::catalog::tests::{class, shop, shop_rows};
use crate::classes::ClassRules;

/// What `sql` gives, where the server describes its columns as `name table attribute`, in one word a column: `plain`,
/// `unknown`, `=field` for a copy, `~number` for something made of that many fields.
fn check(sql: &str, described: &[&str], expected: &str) {
    check_in(&shop(), sql, described, expected);
}

fn check_in(catalog: &Catalog, sql: &str, described: &[&str], expected: &str) {
    let statements = analyse(sql, catalog).unwrap();
    let described: Vec<Described<'_>> = described
        .iter()
        .map(|column| {
            let mut words = column.split(' ');
            let name = words.next().unwrap();
            let mut number = || words.next().map_or(0, |word| word.parse::<i64>().unwrap());
            let (table, attribute) = (number(), number());
            Described {
                name,
                table_oid: u32::try_from(table).unwrap(),
                attribute: i16::try_from(attribute).unwrap(),
                type_oid: 25,
            }
        })
        .collect();
    let words: Vec<String> = match holds(&statements[0], catalog, &described) {
        Ok(columns) => columns.iter().map(word).collect(),
        Err(mismatch) => vec![mismatch.to_string()],
    };
    assert_eq!(words.join(" "), expected, "{sql}");
}

fn word(holds: &Holds) -> String {
    match holds {
        Holds::Plain => "plain".into(),
        Holds::Unknown => "unknown".into(),
        Holds::Copy(field) => format!("={}.{}", field.part.name, field.name),
        Holds::Computed(fields) => format!("~{}", fields.len()),
        Holds::Document(_) => "document".into(),
    }
}

/// All columns of the table, as the server describes them.
const CUSTOMERS: [&str; 8] = [
    "id 20001 1",
    "name 20001 2",
    "email 20001 3",
    "card 20001 4",
    "ssn 20001 5",
    "city 20001 6",
    "birth_date 20001 7",
    "note 20001 8",
];

#[test]
fn bare_columns_are_copies_or_plain() {
    check("SELECT id, email AS note FROM customers", &["id 20001 1", "note 20001 3"], "plain =public.customers.email");
    check(
        "SELECT * FROM customers",
        &CUSTOMERS,
        "plain plain =public.customers.email =public.customers.card =public.customers.ssn plain \
         =public.customers.birth_date plain",
    );
    check("SELECT ctid, tableoid FROM customers", &["ctid 20001 -1", "tableoid 20001 -6"], "plain plain");
    check("INSERT INTO customers (id) VALUES (1) RETURNING ssn", &["ssn 20001 5"], "=public.customers.ssn");
}

#[test]
fn columns_that_the_server_numbers_otherwise_are_told_by_number() {
    check("SELECT id, amount FROM payments", &["id 20003 1", "amount 20003 5"], "plain plain");
    // A number that the snapshot doesn't have: added since.
    check("SELECT id FROM payments", &["id 20003 9"], "unknown");
}

#[test]
fn what_is_computed_is_made_of_what_it_is_computed_of() {
    check("SELECT upper(name), count(*), upper(email) FROM customers", &["upper", "count", "upper"], "plain plain ~1");
    check("SELECT (SELECT ssn FROM customers LIMIT 1)", &["ssn"], "=public.customers.ssn");
    // Casts that PostgreSQL leaves out.
    check("SELECT city::text, ssn::text FROM customers", &["city 20001 6", "ssn 20001 5"], "plain ~1");
    // The server gives no origin through UNION, recursive WITH, FULL JOIN USING, set-returning functions.
    check("SELECT city FROM customers UNION SELECT ssn FROM customers", &["city"], "~1");
    // And would not be believed if it did.
    check("SELECT city FROM customers UNION SELECT ssn FROM customers", &["city 20001 6"], "~1");
    check("SELECT key FROM customers c, jsonb_each(to_jsonb(c))", &["key"], "~4");
    check("EXPLAIN SELECT ssn FROM customers", &["QUERY"], "~4");
    check("SELECT name FROM products WHERE id IN (SELECT id FROM payments)", &["name 20017 2"], "plain");
}

#[test]
fn what_touches_nothing_is_plain() {
    check("SELECT upper(name), name FROM products", &["upper", "name 20017 2"], "plain plain");
    check("SHOW search_path", &["search_path"], "plain");
    check("SHOW ALL", &["name", "setting", "description"], "plain plain plain");
    check("SELECT 1 UNION SELECT id FROM products", &["?column?"], "plain");
}

#[test]
fn renamed_columns_are_trusted_to_the_server_and_odd_names_are_not() {
    check("SELECT a FROM (SELECT ssn AS a FROM customers) s", &["a 20001 5"], "=public.customers.ssn");
    check("SELECT a FROM (SELECT city AS a FROM customers) s", &["a 20001 6"], "plain");
    check("SELECT b FROM customers AS c(a, b)", &["b 20001 2"], "plain");
    // The statement says one column, the server another: they disagree.
    check("SELECT city FROM customers", &["city 20001 8"], "~4");
}

#[test]
fn whole_rows_views_and_long_values_are_made_of_what_they_are_made_of() {
    check("SELECT c FROM customers c", &["c 20001 0"], "~4");
    check("SELECT p FROM products p", &["p 20017 0"], "plain");
    check("SELECT name, tag FROM customer_names", &["name 20004 2", "tag 20004 3"], "~4 ~4");
    check(
        "SELECT customer_id, email FROM spending",
        &["customer_id 20009 1", "email 20009 2"],
        "~4 =public.spending.email",
    );
    check("SELECT chunk_data FROM pg_toast.pg_toast_20001", &["chunk_data 20010 3"], "~4");
    check("SELECT secret FROM roles", &["secret 20014 2"], "~1");
}

#[test]
fn the_unknown_is_unknown_where_something_is_classified() {
    check("SELECT id FROM nowhere", &["id 30000 1"], "unknown");
    check("SELECT id FROM nowhere", &["id"], "unknown");
    check("SELECT refund(1), name FROM products", &["refund", "name 20017 2"], "unknown plain");
    check("SELECT id, label FROM labelled", &["id 20015 1", "label 20015 2"], "unknown unknown");
    check("SELECT query_to_xml('x', true, true, '')", &["query_to_xml"], "unknown");
    check("CALL refund(1)", &["a", "b"], "unknown unknown");
    let nothing = Catalog::build(shop_rows(), &ClassRules::default(), None);
    check_in(&nothing, "SELECT refund(1), id FROM nowhere", &["refund", "id 30000 1"], "plain plain");
    check_in(&nothing, "SELECT query_to_xml('x', true, true, '')", &["query_to_xml"], "plain");
}

#[test]
fn what_the_server_says_is_classified_is_never_plain() {
    // A rule or a trigger gave rows that the statement doesn't speak of.
    check("SELECT name FROM products", &["name 20001 5"], "=public.customers.ssn");
    check("SELECT name || '' FROM products", &["name 20001 5"], "~1");
}

#[test]
fn postgresqls_secrets_are_sealed_copies() {
    let shop = shop();
    let statement = &analyse("SELECT pid, query FROM pg_stat_activity", &shop).unwrap()[0];
    let column = |name, attribute| Described { name, table_oid: 12003, attribute, type_oid: 25 };
    let columns = holds(statement, &shop, &[column("pid", 1), column("query", 4)]).unwrap();
    assert_eq!(columns[0], Holds::Plain);
    assert!(matches!(&columns[1], Holds::Copy(field) if field.sealed));
}

#[test]
fn where_nothing_is_classified_another_width_hides_nothing_but_what_nobody_sees() {
    let bare = Catalog::build(shop_rows(), &ClassRules::default(), None);
    // As rules answer.
    check_in(&bare, "UPDATE products SET name = 'x'", &["id 20017 1", "x"], "plain plain");
    check_in(&bare, "SELECT id FROM products", &["id 20017 1", "name 20017 2"], "plain plain");
    let sealed = "UPDATE pg_authid SET rolname = 'x'";
    check_in(&bare, sealed, &["x"], "the statement has exactly 0 result columns, the target describes 1");
}

#[test]
fn another_width_than_the_statements_is_refused() {
    check(
        "SELECT id FROM products",
        &["id 20017 1", "x"],
        "the statement has exactly 1 result columns, the target describes 2",
    );
    check(
        "SELECT created, * FROM products p(created)",
        &[],
        "the statement has at least 1 result columns, the target describes 0",
    );
    check(
        "UPDATE products SET name = 'x'",
        &["x"],
        "the statement has exactly 0 result columns, the target describes 1",
    );
    check("SELECT", &[], "");
    // Stars of nothing.
    check("SELECT *, id FROM products", &["id 20017 1"], "plain");
}

#[test]
fn positions_around_stars_are_counted_from_their_side() {
    let names = "plain =public.customers.email plain";
    // Of what is unknown nobody knows how many columns it has.
    check(
        "SELECT upper(c.ssn), n.*, c.email, c.name FROM customers c, nowhere n",
        &["upper", "a", "b 20017 1", "email 20001 3", "name 20001 2"],
        "~1 unknown unknown =public.customers.email plain",
    );
    check(
        "SELECT name, f.*, g.* FROM customers c, jsonb_each(to_jsonb(c)) f, generate_series(1, 2) g",
        &["name 20001 2", "key", "value", "g"],
        "plain ~4 ~4 plain",
    );
    check(
        "SELECT name, email, g.* FROM customers c, generate_series(1, 2) g",
        &["name 20001 2", "email 20001 3", "g"],
        names,
    );
}

#[test]
fn everything_can_be_hidden_that_is_not_named() {
    let rules = ClassRules::parse([("*.*.email", class("pii.email"))], true).unwrap();
    let catalog = Catalog::build(shop_rows(), &rules, None);
    check_in(&catalog, "SELECT name FROM products", &["name 20017 2"], "=public.products.name");
    check_in(&catalog, "SELECT relname FROM pg_class", &["relname 1259 2"], "plain");
}
