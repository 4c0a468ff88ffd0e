//! Statements and the documents that they give: `{key value}`, `[each…]`, `[these two]`, where a value is `-` for nothing
//! classified, `=` a copy or `~` something computed. What has no shape is drawn as the tests of the resolver draw it.

use std::fmt::Write as _;

use model::{Holds, Shape, TypeTag};

use crate::analyse::analyse;
use crate::catalog::Catalog;
use crate::catalog::tests::{class, shop, shop_rows};
use crate::classes::ClassRules;
use crate::holds::{Described, holds};

fn drawn(shape: &Shape) -> String {
    let names = |fields: &[model::Field]| fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join("+");
    match shape {
        Shape::Plain => "-".to_owned(),
        Shape::Copy(field, _) => format!("={}", field.name),
        Shape::Computed(fields) => format!("~{}", names(fields)),
        Shape::Object(named) => {
            let named = named.iter().map(|(name, shape)| format!("{name} {}", drawn(shape)));
            format!("{{{}}}", named.collect::<Vec<_>>().join(", "))
        }
        Shape::Array(shape) => format!("[{}…]", drawn(shape)),
        Shape::Tuple(shapes) => format!("[{}]", shapes.iter().map(drawn).collect::<Vec<_>>().join(" ")),
    }
}

/// What the only output of a statement holds, as the server describes it by this type.
fn output(catalog: &Catalog, sql: &str, type_oid: u32) -> String {
    let statement = analyse(sql, catalog).unwrap_or_else(|error| panic!("{sql}: {error}")).remove(0);
    let described = Described { name: "x", table_oid: 0, attribute: 0, type_oid };
    match holds(&statement, catalog, &[described]).unwrap().remove(0) {
        Holds::Document(shape) => drawn(&shape),
        Holds::Computed(fields) => format!("~{}", fields.len()),
        other => format!("{other:?}").to_lowercase(),
    }
}

const JSON: u32 = 114;
const JSONB: u32 = 3802;
const JSONS: u32 = 199;
const JSONBS: u32 = 3807;

fn check(type_oid: u32, cases: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (sql, expected) in cases {
        let found = output(&shop(), sql, type_oid);
        if found != *expected {
            writeln!(wrong, "{sql}\n    gives {found}\n    not   {expected}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// All of a customer, as a row of the shop has it.
const CUSTOMER: &str = "{id -, name -, email =email, card =card, ssn =ssn, city -, birth_date =birth_date, note -}";

#[test]
fn whole_rows_have_the_names_of_their_columns() {
    let all = |around: &str| around.replace('#', CUSTOMER);
    for (sql, around) in [
        ("SELECT row_to_json(c) FROM customers c", "#"),
        ("SELECT row_to_json(customers, true) FROM customers", "#"),
        ("SELECT pg_catalog.row_to_json(c.*) FROM customers c", "#"),
        ("SELECT to_json(c) FROM customers c", "#"),
        ("SELECT json_agg(c) FROM customers c", "[#…]"),
        ("SELECT json_agg(c ORDER BY c.id) FILTER (WHERE c.city = 'x') FROM customers c", "[#…]"),
        ("SELECT json_agg(t) FROM (SELECT * FROM customers) t", "[#…]"),
        ("SELECT coalesce(json_agg(t), '[]') FROM (SELECT * FROM customers) t", "[#…]"),
        ("SELECT coalesce(json_agg(row_to_json(t)), '[]'::json) FROM customers t", "[#…]"),
        ("SELECT to_json(array_agg(c)) FROM customers c", "[#…]"),
        ("SELECT array_to_json(ARRAY(SELECT c FROM customers c))", "[#…]"),
        ("SELECT json_build_object('all', c, 'id', c.id) FROM customers c", "{all #, id -}"),
        ("SELECT row_to_json(t) FROM (SELECT id, c FROM customers c) t", "{id -, c #}"),
        ("SELECT row_to_json(c) FROM customers c UNION ALL SELECT row_to_json(c) FROM customers c", "#"),
        ("SELECT row_to_json(c) FROM orders o LEFT JOIN customers c ON c.id = o.customer_id", "#"),
        ("DELETE FROM customers RETURNING row_to_json(customers)", "#"),
        ("INSERT INTO customers (id) VALUES (1) RETURNING to_json(customers)::json", "#"),
    ] {
        assert_eq!(output(&shop(), sql, JSON), all(around), "{sql}");
    }
    check(
        JSON,
        &[
            ("SELECT json_agg(t) FROM (SELECT id, email FROM customers) t", "[{id -, email =email}…]"),
            ("SELECT row_to_json(t) FROM (SELECT ssn, city FROM customers) t(city, ssn)", "{city =ssn, ssn -}"),
            ("WITH q(a, b) AS (SELECT ssn, city FROM customers) SELECT row_to_json(q) FROM q", "{a =ssn, b -}"),
            ("WITH q(a, b) AS (SELECT ssn, city FROM customers) SELECT row_to_json(r) FROM q r(x)", "{x =ssn, b -}"),
            ("SELECT row_to_json(row(ssn, city, upper(email))) FROM customers", "{f1 =ssn, f2 -, f3 ~email}"),
            ("SELECT json_agg(l) FROM customers c, LATERAL (SELECT c.ssn, c.city) l", "[{ssn =ssn, city -}…]"),
            (
                "SELECT row_to_json(v) FROM (VALUES ((SELECT ssn FROM customers LIMIT 1), 1)) v",
                "{column1 =ssn, column2 -}",
            ),
            (
                "SELECT row_to_json((SELECT _e FROM (SELECT c.id AS id, c.ssn AS \"e mail\") AS _e)) FROM customers c",
                "{id -, e mail =ssn}",
            ),
            (
                "SELECT coalesce(json_agg(\"root\"), '[]') AS \"root\" FROM (SELECT row_to_json((SELECT \"_e\" FROM \
                 (SELECT \"_base\".\"id\" AS \"id\", \"_base\".\"ssn\" AS \"ssn\") AS \"_e\")) AS \"root\" FROM \
                 (SELECT * FROM \"public\".\"customers\" WHERE ('true')) AS \"_base\") AS \"_root\"",
                "[{id -, ssn =ssn}…]",
            ),
            (
                "SELECT row_to_json(t) FROM (SELECT o.id, (SELECT json_agg(i) FROM (SELECT ssn FROM customers) i) AS \
                 inner_rows FROM orders o) t",
                "{id -, inner_rows [{ssn =ssn}…]}",
            ),
        ],
    );
}

#[test]
fn documents_are_built_of_constant_keys() {
    check(
        JSON,
        &[
            (
                "SELECT json_build_object('email', email, 'city', city, 'm', md5(ssn)) FROM customers",
                "{email =email, city -, m ~ssn}",
            ),
            ("SELECT json_build_array(ssn, city, c.id) FROM customers c", "[=ssn - -]"),
            ("SELECT to_json(ssn) FROM customers", "=ssn"),
            ("SELECT json_agg(ssn) FROM customers", "[=ssn…]"),
            ("SELECT to_json(array_agg(ssn)) FROM customers", "[=ssn…]"),
            (
                "SELECT json_agg(json_build_object('b', ssn, 'a', to_jsonb(c))) FROM (SELECT city, id, ssn AS s FROM customers) c, customers",
                "[{b =ssn, a {s =ssn, id -, city -}}…]",
            ),
            ("SELECT JSON_OBJECT('a': ssn, 'b' VALUE city NULL ON NULL) FROM customers", "{a =ssn, b -}"),
            ("SELECT JSON_ARRAYAGG(ssn ORDER BY id) FROM customers", "[=ssn…]"),
            ("SELECT JSON_ARRAYAGG(JSON_OBJECT('a': ssn, 'c': c.city)) FROM customers c", "[{a =ssn, c -}…]"),
            ("SELECT json_agg(t) OVER (PARTITION BY id) FROM (SELECT id, ssn FROM customers) t", "[{id -, ssn =ssn}…]"),
        ],
    );
    check(
        JSONB,
        &[
            (
                "SELECT jsonb_build_object('email', email, 'city', city, 'id', id) FROM customers",
                "{id -, city -, email =email}",
            ),
            (
                "SELECT jsonb_agg(to_jsonb(t)) FROM (SELECT city, id, ssn FROM customers) t",
                "[{id -, ssn =ssn, city -}…]",
            ),
            (
                "SELECT jsonb_agg(t) FROM (SELECT id, (SELECT json_agg(x) FROM (SELECT card, ssn, 1 AS b) x) AS z FROM customers) t",
                "[{z [{b -, ssn =ssn, card =card}…], id -}…]",
            ),
            (
                "SELECT coalesce(json_agg(t)::jsonb, '[]'::jsonb) FROM (SELECT ssn, 1 AS a, to_jsonb(x)::jsonb FROM (SELECT card, ssn FROM customers) z, LATERAL (SELECT z.card) x) t",
                "[{a -, ssn =ssn, to_jsonb {card =card}}…]",
            ),
            ("SELECT CAST(json_agg(t) AS jsonb) FROM (SELECT ssn, 1 AS a FROM customers) t", "[{a -, ssn =ssn}…]"),
            ("SELECT to_json(ssn)::jsonb FROM customers", "=ssn"),
            ("SELECT to_jsonb(t) FROM (SELECT ssn AS city, city AS ssn FROM customers) t", "{ssn -, city =ssn}"),
        ],
    );
    check(
        JSONS,
        &[
            ("SELECT array_agg(row_to_json(t)) FROM (SELECT id, ssn FROM customers) t", "{id -, ssn =ssn}"),
            ("SELECT ARRAY(SELECT row_to_json(t) FROM (SELECT id, ssn FROM customers) t)", "{id -, ssn =ssn}"),
            (
                "SELECT coalesce(array_agg(row_to_json(t)), '{}') FROM (SELECT id, ssn FROM customers) t",
                "{id -, ssn =ssn}",
            ),
        ],
    );
    check(JSONBS, &[("SELECT array_agg(to_jsonb(t)) FROM (SELECT id, ssn FROM customers) t", "{id -, ssn =ssn}")]);
}

#[test]
fn whatever_else_is_done_with_a_document_forgets_its_shape() {
    for sql in [
        // Its names may be those of the table or those of the alias, by release.
        "SELECT row_to_json(c) FROM customers AS c(a, b, c, d, e)",
        "SELECT to_json(c) FROM customers AS c(id, name, email, city, card, ssn)",
        "SELECT row_to_json(j) FROM (customers c JOIN products p USING (id)) AS j",
        "SELECT row_to_json(k) FROM customers c JOIN customers p USING (ssn) AS k",
        "SELECT row_to_json(t) FROM (SELECT ssn AS a, city AS a FROM customers) t",
        "SELECT json_build_object('a', ssn, 'a', city) FROM customers",
        "SELECT json_build_object($1, ssn) FROM customers",
        "SELECT json_build_object('a' || 'b', ssn) FROM customers",
        "SELECT json_build_object(city, ssn) FROM customers",
        "SELECT json_build_object(1, ssn) FROM customers",
        "SELECT json_build_object('a', ssn, 'b') FROM customers",
        "SELECT json_build_object(VARIADIC ARRAY['a', ssn]) FROM customers",
        "SELECT json_build_array(VARIADIC ARRAY[ssn]) FROM customers",
        "SELECT json_object_agg('a', ssn) FROM customers",
        "SELECT json_object('{a}', ARRAY[ssn]) FROM customers",
        "SELECT JSON_OBJECT('a': ssn ABSENT ON NULL) FROM customers",
        "SELECT JSON_OBJECT('a': ssn RETURNING jsonb) FROM customers",
        "SELECT JSON_OBJECT('a': ssn FORMAT JSON) FROM customers",
        "SELECT JSON_ARRAY(ssn, city) FROM customers",
        "SELECT JSON_ARRAYAGG(nullif(ssn, 'x')) FROM customers",
        "SELECT JSON_ARRAYAGG(city ORDER BY ssn) FROM customers",
        "SELECT JSON_ARRAYAGG(card) FILTER (WHERE ssn = 'x') FROM customers",
        "SELECT row_to_json(c, ssn = 'x') FROM customers c",
        "SELECT json_agg(c ORDER BY ssn) FROM customers c",
        "SELECT json_agg(DISTINCT ssn) FROM customers",
        "SELECT json_agg(c) FILTER (WHERE ssn LIKE '9%') FROM customers c",
        "SELECT json_agg(c) OVER (ORDER BY ssn) FROM customers c",
        "SELECT row_to_json(c)::text::json FROM customers c",
        "SELECT to_jsonb(c)::json FROM customers c",
        "SELECT row_to_json(c)::json[] FROM customers c",
        "SELECT row_to_json(c)::other.json FROM customers c",
        "SELECT c::json FROM customers c",
        "SELECT ROW(ssn)::json FROM customers c",
        "SELECT row_to_json(c) IS NULL FROM customers c",
        "SELECT row_to_json(c) -> 'ssn' FROM customers c",
        "SELECT json_build_object('a', ssn) #> '{a}' FROM customers c",
        "SELECT json_strip_nulls(row_to_json(c)) FROM customers c",
        "SELECT CASE WHEN city = 'x' THEN row_to_json(c) END FROM customers c",
        "SELECT CASE city WHEN 'x' THEN row_to_json(c) ELSE json_build_object('a', 1) END FROM customers c",
        "SELECT nullif(row_to_json(c)::text, 'x')::json FROM customers c",
        "SELECT max(ssn)::json FROM customers",
        "SELECT coalesce(row_to_json(c), $1) FROM customers c",
        "SELECT coalesce(row_to_json(c), '{\"ssn\": 1}') FROM customers c",
        "SELECT coalesce(json_agg(ssn), json_agg(city)) FROM customers c",
        "SELECT coalesce('[]'::json, json_agg(ssn)) FROM customers c",
        "SELECT row_to_json(c) FROM customers c UNION ALL SELECT row_to_json(o) FROM orders o",
        "SELECT json_agg(ssn) FROM customers UNION ALL SELECT '[\"x\"]'",
        "SELECT to_json(upper(ssn)) FROM customers",
        "WITH RECURSIVE r AS (SELECT json_build_object('a', ssn) AS d FROM customers UNION ALL SELECT \
         json_build_object('a', d) FROM r) SELECT d FROM r",
        "SELECT row_to_json(g) FROM unnest(ARRAY(SELECT ssn FROM customers)) AS g(x)",
    ] {
        let found = output(&shop(), sql, JSON);
        assert!(found.starts_with('~'), "{sql}: {found}");
    }
    // A jsonb has its keys by their names alone, whatever was meant.
    for sql in [
        "SELECT to_jsonb(c) FROM customers AS c(id, name, email, city, card, ssn)",
        "SELECT to_jsonb(j) FROM (customers c JOIN products p USING (id)) AS j(id, name, email, city, card, ssn)",
        "SELECT to_jsonb(c) - 'ssn' FROM customers c",
        "SELECT jsonb_set(to_jsonb(c), '{a}', '1') FROM customers c",
        "SELECT to_jsonb(c) || '{}' FROM customers c",
        "SELECT json_agg(c)::text::jsonb FROM customers c",
        "SELECT c::jsonb FROM customers c",
        "SELECT array_agg(c)::jsonb FROM customers c",
        "SELECT jsonb_strip_nulls(to_jsonb(c)) FROM customers c",
    ] {
        let found = output(&shop(), sql, JSONB);
        assert!(found.starts_with('~'), "{sql}: {found}");
    }
}

#[test]
fn a_document_of_a_type_that_was_not_foreseen_has_no_shape() {
    for (sql, foreseen) in [
        ("SELECT row_to_json(c) FROM customers c", JSON),
        ("SELECT to_jsonb(c) FROM customers c", JSONB),
        ("SELECT array_agg(row_to_json(c)) FROM customers c", JSONS),
        ("SELECT array_agg(to_jsonb(c)) FROM customers c", JSONBS),
        ("SELECT c FROM customers c", 0),
        ("SELECT ROW(ssn, city) FROM customers c", 0),
        ("SELECT array_agg(c) FROM customers c", 0),
        ("SELECT array_agg(ssn) FROM customers c", 0),
        ("SELECT array_agg(DISTINCT row_to_json(c)::text) FROM customers c", 0),
    ] {
        for described in [JSON, JSONB, JSONS, JSONBS, 25, 2249, 2287] {
            let found = output(&shop(), sql, described);
            assert_eq!(found.starts_with('~'), described != foreseen, "{sql}, {described}: {found}");
        }
    }
}

#[test]
fn functions_columns_and_casts_of_users_take_the_shape_away() {
    let rules = ClassRules::parse([("public.customers.ssn", class("pii.national_id"))], false).unwrap();
    let with = |change: fn(&mut crate::catalog::CatalogRows)| {
        let mut rows = shop_rows();
        change(&mut rows);
        output(&Catalog::build(rows, &rules, None), "SELECT row_to_json(t) FROM (SELECT ssn FROM customers) t", JSON)
    };
    assert_eq!(with(|_| {}), "{ssn =ssn}");
    assert_eq!(with(|rows| rows.functions[0].name = "row_to_json".into()), "unknown");
    assert_eq!(
        with(|rows| {
            rows.functions[0].name = "row_to_json".into();
            rows.functions[0].computes = true;
        }),
        "~1"
    );
    assert_eq!(with(|rows| rows.columns[0].name = "row_to_json".into()), "~1");
    for kind in ["json", "jsonb"] {
        let cast = |target: &str| crate::catalog::RawCast {
            target: target.into(),
            is_implicit: false,
            function: 30_001,
            of_users: true,
        };
        let mut rows = shop_rows();
        rows.casts.push(cast(kind));
        let catalog = Catalog::build(rows, &rules, None);
        assert_eq!(output(&catalog, "SELECT json_agg(t) FROM (SELECT ssn FROM customers) t", JSON), "~1");
    }
}

#[test]
fn values_have_the_types_of_their_columns() {
    let mut rows = shop_rows();
    let ssn = rows.columns.iter_mut().filter(|column| *column.name == *"ssn");
    ssn.for_each(|column| (column.text, column.type_oid) = (false, 23));
    let rules = ClassRules::parse([("public.customers.ssn", class("pii.national_id"))], false).unwrap();
    let catalog = Catalog::build(rows, &rules, None);
    let statement = analyse("SELECT json_agg(ssn) FROM customers", &catalog).unwrap().remove(0);
    let described = Described { name: "x", table_oid: 0, attribute: 0, type_oid: JSON };
    let held = holds(&statement, &catalog, &[described]).unwrap();
    let Holds::Document(shape) = &held[0] else { panic!("{held:?}") };
    assert!(matches!(&**shape, Shape::Array(each) if matches!(**each, Shape::Copy(_, TypeTag(23)))), "{shape:?}");
}

/// Another key is another document, so no text with other keys shares what was found out about this one.
#[test]
fn constants_that_are_keys_are_no_constants_that_may_change() {
    let sql = "SELECT coalesce(json_agg(json_build_object('a', ssn, 'b', 'x')), '[]') FROM customers WHERE city = 'y'";
    let statement = analyse(sql, &shop()).unwrap().remove(0);
    let inert = statement.inert_constants.unwrap();
    let held: Vec<&str> = inert.iter().map(|at| &sql[*at..*at + 3]).collect();
    assert_eq!(held, ["'x'", "'y'"]);
}

/// What is shaped costs steps, so that a text can't make more parts than it has letters for.
#[test]
fn shapes_cost_steps() {
    let many = |count: usize| format!("SELECT {} FROM customers c", vec!["c"; count].join(", "));
    let followed = |sql: &str| analyse(sql, &shop()).unwrap().remove(0).is_followed();
    assert!(followed(&many(20)));
    let wide: Vec<String> = (0..1500).map(|at| format!("ssn AS a{at}")).collect();
    let wide = |count: usize| {
        let rows = vec!["row_to_json(t)"; count].join(", ");
        format!("SELECT {rows} FROM (SELECT {} FROM customers) t", wide.join(", "))
    };
    assert!(followed(&wide(3)) && !followed(&wide(100)));
}

/// A document is made of all that is in it to whatever is no output.
#[test]
fn what_is_learnt_of_it_or_kept_of_it_is_asked_for_as_of_anything_computed() {
    let asks = |sql: &str, action: &str| -> Vec<String> {
        let statement = analyse(sql, &shop()).unwrap().remove(0);
        let of = statement.asks.iter().filter(|ask| ask.action.0 == action);
        let mut names: Vec<String> = of
            .filter_map(|ask| match &ask.object {
                model::Object::Field(field) => Some(field.name.clone()),
                _ => None,
            })
            .collect();
        names.sort();
        names
    };
    let both = ["card", "ssn"];
    for sql in [
        "SELECT 1 FROM (SELECT json_build_object('a', ssn, 'b', card) AS d FROM customers) t WHERE d::text = 'x'",
        "SELECT 1 FROM (SELECT row(ssn, card) AS d FROM customers) t WHERE d = row('1', '2')",
        "SELECT 1 FROM (SELECT jsonb_build_object('a', ssn, 'b', card) AS d FROM customers) t ORDER BY d",
        "SELECT DISTINCT jsonb_build_object('a', ssn, 'b', card) FROM customers",
        "SELECT count(*) FROM (SELECT ssn, card FROM customers) t GROUP BY to_jsonb(t)",
        "SELECT jsonb_build_object('a', ssn, 'b', card) FROM customers UNION SELECT '{}'",
        "SELECT json_array_elements(json_agg(t)) FROM (SELECT ssn, card FROM customers) t",
    ] {
        assert_eq!(asks(sql, "probe"), both, "{sql}");
    }
    for sql in [
        "INSERT INTO products (name) SELECT json_build_object('a', ssn, 'b', card) FROM customers",
        "CREATE TABLE kept AS SELECT row_to_json(t) FROM (SELECT ssn, card FROM customers) t",
        "CREATE TABLE kept AS SELECT row(ssn, card) FROM customers t",
        "UPDATE products SET name = (SELECT json_agg(t) FROM (SELECT ssn, card FROM customers) t)",
        "SELECT pg_notify('x', json_build_object('a', ssn, 'b', card)::text) FROM customers",
        "CREATE VIEW kept AS SELECT json_build_object('a', ssn, 'b', card) AS d FROM customers",
    ] {
        assert_eq!(asks(sql, "store"), both, "{sql}");
    }
}
