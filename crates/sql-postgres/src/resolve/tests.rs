//! Statements, and of what their outputs are made: `-` nothing classified, `=` a copy, `{…}` something that holds others of which
//! it is known where they are, `~` something computed, `!` code, `?` unknown, and `*` before what may be any number of columns.

use lineage::Origin;

use super::Traced;
use crate::analyse::analyse;
use crate::catalog::tests::shop;

fn followed(sql: &str) -> String {
    let catalog = shop();
    let statement = analyse(sql, &catalog).unwrap().remove(0);
    let Some(lineage) = &statement.lineage else { return "not followed".to_owned() };
    let word = |origin: &Origin| {
        let names: Vec<&str> =
            origin.sources().iter().map(|source| lineage.field(source).unwrap().name.as_str()).collect();
        match origin {
            Origin::Free => "-".to_owned(),
            Origin::Copy(_) => format!("={}", names[0]),
            Origin::Made(_) => format!("~{}", names.join("+")),
            Origin::Shaped(_) => format!("{{{}}}", names.join("+")),
            Origin::Code(_) => format!("!{}", names.join("+")),
            Origin::Unknown => "?".to_owned(),
        }
    };
    let outputs = lineage.outputs.iter().flatten().map(|output| match output {
        Traced::One { origin, .. } => word(origin),
        Traced::Many { origin, .. } => format!("*{}", word(origin)),
    });
    outputs.collect::<Vec<_>>().join(" ")
}

fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(sql, expected)| {
            let found = followed(sql);
            (found != *expected).then(|| format!("{sql}\n    gives {found}\n    not   {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn expressions_are_made_of_their_columns() {
    check(&[
        ("SELECT id, ssn AS note, upper(ssn), city || email FROM customers", "- =ssn ~ssn ~email"),
        ("SELECT ssn || card, CASE WHEN ssn = 'x' THEN 1 END, coalesce(city, 'x') FROM customers", "~card+ssn ~ssn -"),
        ("SELECT ssn IS NULL, (ssn || 'x') IS NULL, nullif(ssn, 'x') IS NULL FROM customers", "- ~ssn ~ssn"),
        (
            "SELECT count(*), count(ssn), count(nullif(ssn, '1')), count(*) FILTER (WHERE ssn = '1') FROM customers",
            "- - ~ssn ~ssn",
        ),
        ("SELECT octet_length(ssn), octet_length(repeat('x', ssn::int)), length(ssn) FROM customers", "- ~ssn -"),
        ("SELECT length(birth_date), length(upper(ssn)) FROM customers", "~birth_date ~ssn"),
        (
            "SELECT ssn::varchar, ssn::varchar(4), ssn::char, ssn::text[], birth_date::text FROM customers",
            "=ssn ~ssn ~ssn ~ssn ~birth_date",
        ),
        ("SELECT min(ssn), max(city), sum(id) FROM customers", "~ssn - -"),
        (
            "SELECT ARRAY[ssn], ROW(id, city), ROW(ssn), ssn::text, ssn COLLATE \"C\" FROM customers",
            "~ssn - {ssn} =ssn =ssn",
        ),
        ("SELECT row_number() OVER (ORDER BY ssn), row_number() OVER (PARTITION BY city) FROM customers", "~ssn -"),
        ("SELECT count(*) OVER w, count(*) OVER (w) FROM customers WINDOW w AS (ORDER BY ssn)", "~ssn ~ssn"),
        ("SELECT count(*) OVER w2 FROM customers WINDOW w AS (PARTITION BY ssn), w2 AS (w ORDER BY id)", "~ssn"),
        ("SELECT array_agg(city ORDER BY ssn), array_agg(city ORDER BY id) FROM customers", "~ssn -"),
        ("SELECT current_user, now(), $1, 'x', 1 FROM customers", "- - - - -"),
        ("SELECT grouping(ssn) FROM customers GROUP BY ssn", "-"),
        ("SELECT json_object('a': ssn), json_array(city), xmlelement(name s, ssn) FROM customers", "{ssn} - ~ssn"),
        (
            "SELECT ssn(c), c.ssn, (c).ssn, (c).city, ctid, xmin FROM customers c",
            "!email+card+ssn+birth_date =ssn =ssn - - -",
        ),
        ("SELECT c.ssn, (c).ssn, (c).city, ctid, c.xmin FROM customers c", "=ssn =ssn - - -"),
        ("SELECT nothing, c.nothing, x.city FROM customers c", "? ? ?"),
        ("SELECT c.upper FROM customers c", "~email+card+ssn+birth_date"),
    ]);
}

#[test]
fn rows_are_made_of_all_their_columns() {
    check(&[
        (
            "SELECT c, to_jsonb(c), c.*::text, row_to_json(p) FROM customers c, products p",
            "{email+card+ssn+birth_date} {email+card+ssn+birth_date} ~email+card+ssn+birth_date -",
        ),
        ("SELECT (c).* FROM customers c", "- - =email =card =ssn - =birth_date -"),
        ("SELECT s FROM (SELECT id, city FROM customers) s", "-"),
        ("SELECT (ROW(ssn)).* FROM customers", "*~ssn"),
        ("SELECT count(c), octet_length(c) FROM customers c", "- ~email+card+ssn+birth_date"),
        ("SELECT count(s), s IS NULL FROM (SELECT upper(ssn) FROM customers) s", "~ssn ~ssn"),
    ]);
}

#[test]
fn joins_give_the_columns_of_both() {
    check(&[
        (
            "SELECT * FROM customers c JOIN payments o ON o.order_id = c.id",
            "- - =email =card =ssn - =birth_date - - - =card_number -",
        ),
        ("SELECT * FROM products JOIN customers USING (id, name)", "- - - =email =card =ssn - =birth_date -"),
        ("SELECT * FROM products NATURAL JOIN customers", "- - - =email =card =ssn - =birth_date -"),
        ("SELECT p.*, c.id FROM products p JOIN customers c USING (id)", "- - - -"),
        (
            "SELECT x FROM (SELECT ssn AS x FROM customers) a LEFT JOIN (SELECT name AS x FROM products) b USING (x)",
            "=ssn",
        ),
        (
            "SELECT x FROM (SELECT ssn AS x FROM customers) a RIGHT JOIN (SELECT name AS x FROM products) b USING (x)",
            "-",
        ),
        (
            "SELECT x FROM (SELECT ssn AS x FROM customers) a FULL JOIN (SELECT name AS x FROM products) b USING (x)",
            "~ssn",
        ),
        (
            "SELECT j.ssn, j.* FROM (products p JOIN customers c ON true) AS j",
            "=ssn - - - - - =email =card =ssn - =birth_date -",
        ),
        ("SELECT j.b FROM (products p JOIN customers c ON true) AS j(a, b, c, d, e, f)", "-"),
        (
            "SELECT k.x FROM (SELECT ssn AS x FROM customers) a JOIN (SELECT name AS x FROM products) b USING (x) AS k",
            "=ssn",
        ),
        (
            "SELECT a.x, b.x FROM (SELECT ssn AS x FROM customers) a JOIN (SELECT name AS x FROM products) b USING (x)",
            "=ssn -",
        ),
        ("SELECT city, amount FROM (customers c JOIN payments o USING (id)) JOIN products p USING (id)", "- -"),
        ("SELECT * FROM customers c(a, b, x), products", "- - =email =card =ssn - =birth_date - - - -"),
        ("SELECT x, c.email FROM customers c(a, b, x)", "=email ?"),
    ]);
}

#[test]
fn subqueries_are_seen_through() {
    check(&[
        ("SELECT a, b FROM (SELECT ssn AS a, city FROM customers) s(a, b)", "=ssn -"),
        ("SELECT (SELECT ssn FROM customers LIMIT 1), (SELECT city FROM customers LIMIT 1)", "=ssn -"),
        (
            "SELECT id, (SELECT c.ssn FROM customers c WHERE c.id = o.order_id), (SELECT o.amount) FROM payments o",
            "- =ssn -",
        ),
        (
            "SELECT EXISTS (SELECT ssn FROM customers), ARRAY(SELECT ssn FROM customers), 'x' IN (SELECT ssn FROM customers)",
            "- {ssn} ~ssn",
        ),
        ("SELECT ssn = ANY (SELECT name FROM products), id = ALL (SELECT id FROM payments) FROM customers", "~ssn -"),
        ("SELECT l.s FROM payments o, LATERAL (SELECT ssn AS s FROM customers c WHERE c.id = o.order_id) l", "=ssn"),
        ("SELECT l.s FROM customers c, LATERAL (SELECT c.ssn AS s, city AS t) l", "=ssn"),
        // Without LATERAL what stands beside is not seen; the query around is.
        ("SELECT (SELECT s.x FROM products c, (SELECT c.ssn AS x) s) FROM customers c", "=ssn"),
        ("SELECT (SELECT s.x FROM products c, LATERAL (SELECT c.name AS x) s) FROM customers c", "-"),
        ("SELECT upper FROM (SELECT upper(ssn), lower(city) FROM customers) s", "~ssn"),
        ("SELECT lower FROM (SELECT upper(ssn), lower(city) FROM customers) s", "-"),
        (
            "SELECT \"case\", int4, \"?column?\" FROM (SELECT CASE WHEN true THEN 1 END, '1'::int, ssn || '' FROM customers) s",
            "- - ~ssn",
        ),
        // A name that Weir can't tell may be any.
        ("SELECT xmlelement FROM (SELECT xmlelement(name a, ssn), 1 AS x FROM customers) s", "~ssn"),
        ("SELECT column1, column2 FROM (VALUES ((SELECT ssn FROM customers LIMIT 1), 1), ('x', 2)) v", "~ssn -"),
        ("VALUES ((SELECT ssn FROM customers LIMIT 1))", "=ssn"),
        // A star in VALUES is as many values as it has columns.
        ("SELECT v.column1, v.column2 FROM (SELECT id, ssn FROM customers) c, LATERAL (VALUES (c.*, 1)) v", "- =ssn"),
        ("SELECT (SELECT column2 FROM (VALUES (c.*, 1), (1, 2, 3)) v) FROM (SELECT id, ssn FROM customers) c", "~ssn"),
        ("SELECT v.column1 FROM customers c, LATERAL (VALUES ((c).*, 1)) v, LATERAL (VALUES (c.*), (1)) w", "-"),
        ("SELECT w.column1 FROM customers c, LATERAL (VALUES (c.*), (1)) w", "?"),
        ("SELECT v.column1 FROM customers c, LATERAL (VALUES ((ROW(ssn)).*, 1)) v", "?"),
        ("SELECT city FROM customers ORDER BY ssn LIMIT (SELECT ssn::int FROM customers LIMIT 1)", "-"),
    ]);
}

#[test]
fn set_operations_are_made_of_all_arms() {
    check(&[
        ("SELECT id, city FROM customers UNION SELECT id, ssn FROM customers", "- ~ssn"),
        ("SELECT ssn FROM customers INTERSECT SELECT ssn FROM customers", "=ssn"),
        ("SELECT ssn FROM customers EXCEPT SELECT card FROM customers", "~card+ssn"),
        ("SELECT a FROM (SELECT amount AS a FROM payments UNION ALL SELECT ssn FROM customers) s", "~ssn"),
        (
            "SELECT amount FROM payments UNION ALL (SELECT city FROM customers UNION ALL SELECT ssn FROM customers)",
            "~ssn",
        ),
        ("SELECT * FROM customers UNION ALL SELECT * FROM customers", "- - =email =card =ssn - =birth_date -"),
        ("SELECT id FROM customers UNION SELECT id, ssn FROM customers", "*~ssn"),
    ]);
}

#[test]
fn queries_of_with_are_followed_where_they_are_used() {
    check(&[
        ("WITH x(a) AS (SELECT ssn FROM customers) SELECT a FROM x", "=ssn"),
        ("WITH x AS (SELECT * FROM customers) SELECT x.*, city FROM x", "- - =email =card =ssn - =birth_date - -"),
        ("WITH x AS (SELECT ssn FROM customers), y AS (SELECT upper(ssn) AS u FROM x) SELECT u FROM y", "~ssn"),
        ("WITH customers AS (SELECT 1 AS ssn) SELECT ssn FROM customers", "-"),
        ("WITH customers AS (SELECT 1 AS ssn) SELECT ssn FROM public.customers", "=ssn"),
        // Without RECURSIVE the name inside is the table's.
        ("WITH customers AS (SELECT * FROM customers) SELECT ssn FROM customers", "=ssn"),
        (
            "WITH RECURSIVE r(a, n) AS (SELECT ssn, 1 FROM customers UNION ALL SELECT a, n + 1 FROM r) SELECT a, n FROM r",
            "=ssn -",
        ),
        (
            "WITH RECURSIVE r(a, b, c) AS (SELECT '', '', ssn FROM customers UNION ALL SELECT b, c, c FROM r) SELECT a, b, c FROM r",
            "~ssn ~ssn =ssn",
        ),
        (
            "WITH RECURSIVE r(a) AS (SELECT city FROM customers UNION ALL SELECT (SELECT ssn FROM customers LIMIT 1) FROM r) SELECT a FROM r",
            "~ssn",
        ),
        ("WITH RECURSIVE y AS (SELECT s FROM x), x AS (SELECT ssn AS s FROM customers) SELECT s FROM y", "=ssn"),
        (
            "WITH RECURSIVE r AS (SELECT 1 AS n, ssn FROM customers UNION ALL SELECT n + 1, ssn FROM r) SEARCH DEPTH FIRST BY ssn SET o CYCLE n SET m USING p SELECT n, o, m, p FROM r",
            "- ~ssn ~ssn ~ssn",
        ),
        ("WITH RECURSIVE r AS (SELECT a FROM r) SELECT a FROM r, customers", "?"),
        ("SELECT a FROM (WITH x(a) AS (SELECT ssn FROM customers) SELECT a FROM x) s", "=ssn"),
        (
            "WITH x AS (SELECT 1 AS a) SELECT (WITH x AS (SELECT ssn AS a FROM customers) SELECT a FROM x), a FROM x",
            "=ssn -",
        ),
    ]);
}

#[test]
fn changes_give_back_the_columns_of_their_table() {
    check(&[
        ("UPDATE customers SET city = 'x' WHERE id = 1 RETURNING ssn, city, upper(ssn)", "=ssn - ~ssn"),
        (
            "UPDATE customers AS c SET city = o.amount FROM payments o WHERE o.id = c.id RETURNING c.*, o.amount",
            "- - =email =card =ssn - =birth_date - -",
        ),
        (
            "DELETE FROM customers USING payments WHERE true RETURNING *",
            "- - =email =card =ssn - =birth_date - - - =card_number -",
        ),
        ("INSERT INTO products VALUES (1) RETURNING (SELECT max(ssn) FROM customers), id", "~ssn -"),
        (
            "INSERT INTO customers AS c (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET city = excluded.city RETURNING c.ssn, c.city",
            "=ssn -",
        ),
        ("WITH x AS (UPDATE customers SET city = 'x' RETURNING *) SELECT ssn, city FROM x", "=ssn -"),
        (
            "WITH x AS (MERGE INTO customers c USING payments o ON c.id = o.id WHEN MATCHED THEN DO NOTHING RETURNING merge_action(), c.ssn, o.amount) SELECT * FROM x",
            "- =ssn -",
        ),
        ("UPDATE customers SET city = 'x' RETURNING old.ssn, new.city", "=ssn -"),
        ("UPDATE customers SET city = 'x' RETURNING WITH (OLD AS o) o.ssn, o.city", "=ssn -"),
    ]);
}

#[test]
fn functions_in_from_are_made_of_their_arguments() {
    check(&[
        ("SELECT u, u.*, g, g.* FROM customers c, unnest(ARRAY[ssn]) AS u, generate_series(1, 3) g", "~ssn *~ssn - -"),
        (
            "SELECT key, value, city FROM customers c, jsonb_each(to_jsonb(c))",
            "~email+card+ssn+birth_date ~email+card+ssn+birth_date -",
        ),
        (
            "SELECT key, x.value, x.*, v FROM customers c, jsonb_each(to_jsonb(c.city)) x, jsonb_array_elements(to_jsonb(ssn)) v",
            "- - - - ~ssn",
        ),
        (
            "SELECT k, jsonb_array_elements FROM customers c, jsonb_each(to_jsonb(c)) AS x(k), jsonb_array_elements('[1]')",
            "~email+card+ssn+birth_date -",
        ),
        ("SELECT a, o FROM customers c, unnest(ARRAY[ssn]) WITH ORDINALITY AS t(a, o)", "~ssn ~ssn"),
        ("SELECT a, b FROM customers c, jsonb_to_recordset(to_jsonb(c.city)) AS t(a int, b text)", "- -"),
        ("SELECT x, c.city FROM customers c, json_table(c.ssn, '$[*]' COLUMNS (x text PATH '$')) t", "~ssn -"),
        ("SELECT x FROM customers c, xmltable('/a' PASSING c.city COLUMNS x text) t", "-"),
        (
            "SELECT * FROM ROWS FROM (unnest(ARRAY[1]), generate_series(1, 2)) AS r(a, b), customers",
            "*- - - =email =card =ssn - =birth_date -",
        ),
    ]);
}

/// Ways in which names were once taken for others than PostgreSQL takes them for.
#[test]
fn names_are_not_mistaken() {
    check(&[
        ("SELECT (SELECT oid FROM products LIMIT 1) FROM (SELECT ssn AS oid FROM customers) c", "=ssn"),
        (
            "SELECT (SELECT ctid FROM products p CROSS JOIN products q LIMIT 1) FROM (SELECT ssn AS ctid FROM customers) c",
            "=ssn",
        ),
        (
            "SELECT (SELECT p.ctid FROM products p CROSS JOIN products q LIMIT 1) FROM (SELECT ssn AS ctid FROM customers) c",
            "-",
        ),
        ("SELECT (SELECT public.customers.ssn FROM (SELECT 1 AS ssn) AS customers) FROM customers", "~ssn"),
        (
            "SELECT (SELECT ROW(public.customers.*)::text FROM (SELECT 1 AS x) customers) FROM customers",
            "~email+card+ssn+birth_date",
        ),
        (
            "WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r WHERE id < 1) SEARCH DEPTH FIRST BY id SET seq \
             SELECT b || '' FROM (SELECT r.*, c.ssn FROM r, customers c) AS s(a, b)",
            "~ssn",
        ),
        (
            "SELECT (SELECT \"unnest\".x FROM ROWS FROM (coalesce(1), unnest(ARRAY[2]))) FROM (SELECT ssn AS x FROM customers) \"unnest\"",
            "=ssn",
        ),
        (
            "SELECT (SELECT \"extract\" FROM (SELECT extract(year FROM now())) s) FROM (SELECT ssn AS \"extract\" FROM customers) c",
            "~ssn",
        ),
        ("SELECT (SELECT \"?column?\" FROM (SELECT 1) s) FROM (SELECT ssn AS \"?column?\" FROM customers) c", "~ssn"),
        (
            "SELECT (SELECT xmltable.x FROM xmltable('/a' PASSING '<a/>' COLUMNS x text)) FROM (SELECT ssn AS x FROM customers) xmltable",
            "-",
        ),
    ]);
    // Each round moves it on by one.
    let columns: Vec<String> = (1..=260).map(|number| format!("c{number}")).collect();
    let first: Vec<&str> = (1..=260).map(|number| if number == 1 { "ssn" } else { "city" }).collect();
    let next: Vec<String> = (1..=260).map(|number| format!("c{}", if number == 1 { 1 } else { number - 1 })).collect();
    let sql = format!(
        "WITH RECURSIVE r(n, {}) AS (SELECT 1, {} FROM customers UNION ALL SELECT n + 1, {} FROM r WHERE n < 260) \
         SELECT c260 || '' FROM r WHERE n = 260",
        columns.join(", "),
        first.join(", "),
        next.join(", ")
    );
    assert!(["?", "not followed"].contains(&&*followed(&sql)), "{}", followed(&sql));
}

#[test]
fn a_function_in_from_can_be_called_with_what_it_gives() {
    let catalog = shop();
    for (sql, asked) in [
        ("SELECT s.ts_stat FROM concat('x') s", "opaque"),
        ("SELECT s.pg_read_file FROM concat('x') s", "server_file"),
        ("SELECT concat.pg_read_file FROM concat('x')", "server_file"),
        ("SELECT s.refund FROM concat('x') s", "call"),
        ("SELECT s.pg_stat_get_backend_activity FROM generate_series(1, 3) s", "others_statements"),
        ("SELECT s.pg_read_file FROM coalesce('x') s", "server_file"),
    ] {
        let statement = &analyse(sql, &catalog).unwrap()[0];
        assert!(statement.asks.iter().any(|ask| ask.action.0 == asked), "{sql}: {:?}", statement.asks);
    }
}

#[test]
fn what_is_code_is_unknown() {
    check(&[
        ("SELECT refund(1), city, upper(city), refund(ssn) FROM customers", "! - - !ssn"),
        ("SELECT city, c.refund FROM customers c", "- !email+card+ssn+birth_date"),
        ("SELECT nowhere.x, city FROM nowhere, customers", "? -"),
        ("SELECT * FROM nowhere", "*?"),
        ("SELECT pg_read_file(name), city FROM customers", "! -"),
        ("SELECT system_user FROM customers", "?"),
    ]);
}

/// What a statement learns: `column:how` for each use.
fn learnt(sql: &str) -> String {
    let catalog = shop();
    let statement = analyse(sql, &catalog).unwrap().remove(0);
    let probes = statement.asks.iter().filter(|ask| ask.action.0 == "probe").map(|ask| {
        let model::Object::Field(field) = &ask.object else { panic!("{ask:?}") };
        let model::AttrValue::Text(how) = &ask.context[0].1 else { panic!("{ask:?}") };
        format!("{}:{how}", field.name)
    });
    let mut probes: Vec<String> = probes.collect();
    probes.sort();
    probes.join(" ")
}

#[test]
fn what_is_learnt_without_being_shown_is_asked_for() {
    let wrong: Vec<String> = [
        ("SELECT count(*) FROM customers WHERE ssn LIKE '9%'", "ssn:pattern"),
        (
            "SELECT id FROM customers WHERE ssn = $1 AND (email > 'a' OR NOT card IN ('x', 'y'))",
            "card:equality email:range ssn:equality",
        ),
        ("SELECT id FROM customers WHERE upper(ssn) = 'X'", "ssn:pattern"),
        ("SELECT id FROM customers WHERE ssn IS NULL AND city = 'x'", ""),
        ("SELECT id FROM customers WHERE (ssn || '') IS NULL", "ssn:pattern"),
        ("SELECT id FROM customers WHERE octet_length(ssn) = 3", ""),
        (
            "SELECT id FROM customers WHERE ssn BETWEEN 'a' AND 'b' OR ssn IS DISTINCT FROM 'x'",
            "ssn:equality ssn:range",
        ),
        ("SELECT id FROM customers WHERE ssn = ANY ($1) OR email ~ 'x'", "email:pattern ssn:equality"),
        ("SELECT o.id FROM customers c JOIN payments o ON o.card_number = c.card", "card:join card_number:join"),
        ("SELECT 1 FROM customers JOIN (SELECT 'x' AS ssn) x USING (ssn)", "ssn:join"),
        ("SELECT 1 FROM customers NATURAL JOIN (SELECT 'x' AS email) x", "email:join"),
        ("SELECT city FROM customers ORDER BY ssn, id", "ssn:order"),
        ("SELECT ssn AS s FROM customers ORDER BY s", "ssn:order"),
        ("SELECT city, ssn FROM customers ORDER BY 2", "ssn:order"),
        ("SELECT city, ssn FROM customers ORDER BY 1", ""),
        ("SELECT city FROM customers GROUP BY ssn, city", "ssn:group"),
        ("SELECT substr(ssn, 1, 1) AS a FROM customers GROUP BY a", "ssn:group"),
        ("SELECT 1 FROM customers GROUP BY GROUPING SETS ((ssn), (id, ROW(email)), ())", "email:group ssn:group"),
        ("SELECT DISTINCT ssn FROM customers", "ssn:group"),
        ("SELECT DISTINCT ON (email) id FROM customers", "email:group"),
        ("SELECT count(DISTINCT ssn) FROM customers", "ssn:group"),
        ("SELECT 1 FROM customers GROUP BY city HAVING max(ssn) > 'x'", "ssn:pattern"),
        ("SELECT rank() OVER (PARTITION BY email ORDER BY ssn) FROM customers", "email:group ssn:order"),
        ("SELECT rank() OVER w FROM customers WINDOW w AS (ORDER BY ssn)", "ssn:order"),
        (
            "SELECT array_agg(city ORDER BY ssn), count(*) FILTER (WHERE card = 'x') FROM customers",
            "card:equality ssn:order",
        ),
        (
            "SELECT CASE WHEN ssn LIKE 'x' THEN 1 END, CASE email WHEN 'x' THEN 1 END FROM customers",
            "email:equality ssn:pattern",
        ),
        ("SELECT city FROM customers LIMIT (SELECT max(ssn)::int FROM customers)", "ssn:pattern"),
        ("SELECT ssn FROM customers UNION SELECT city FROM customers", "ssn:group"),
        ("SELECT ssn FROM customers UNION ALL SELECT city FROM customers", ""),
        ("SELECT ssn FROM customers EXCEPT ALL SELECT 'x'", "ssn:group"),
        ("SELECT EXISTS (SELECT 1 FROM customers WHERE ssn = 'x')", "ssn:equality"),
        ("SELECT name FROM products WHERE name IN (SELECT ssn FROM customers)", "ssn:join"),
        ("SELECT name FROM products WHERE 'x' < ALL (SELECT ssn FROM customers)", "ssn:range"),
        ("SELECT name FROM products WHERE EXISTS (SELECT ssn FROM customers)", ""),
        ("SELECT g FROM customers, generate_series(1, ascii(ssn)) g", "ssn:pattern"),
        ("SELECT generate_series(1, ascii(ssn)) FROM customers", "ssn:pattern"),
        ("SELECT u FROM customers, unnest(card) u", ""),
        ("WITH x AS (SELECT upper(ssn) AS u FROM customers) SELECT 1 FROM x WHERE u = 'X'", "ssn:pattern"),
        ("WITH x AS (DELETE FROM customers WHERE ssn = 'x' RETURNING 1) SELECT 1", "ssn:equality"),
        ("UPDATE customers SET city = 'x' WHERE ssn = 'x'", "ssn:equality"),
        ("UPDATE products SET name = 'x' FROM customers c WHERE c.email = products.name", "email:join"),
        ("DELETE FROM products USING customers c WHERE c.email LIKE 'x'", "email:pattern"),
        ("INSERT INTO customers (id, ssn) VALUES (1, 'x') ON CONFLICT (ssn) DO NOTHING", "ssn:equality"),
        (
            "INSERT INTO customers AS c (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET city = 'x' WHERE c.ssn = 'x'",
            "ssn:equality",
        ),
        (
            "MERGE INTO products p USING customers c ON p.name = c.email WHEN MATCHED AND c.ssn = 'x' THEN DELETE",
            "email:join ssn:equality",
        ),
        ("EXPLAIN SELECT id FROM customers WHERE ssn = 'x'", "ssn:equality"),
        ("CREATE TABLE t AS SELECT id FROM customers WHERE ssn = 'x'", "ssn:equality"),
        ("COPY (SELECT id FROM customers WHERE ssn = 'x') TO STDOUT", "ssn:equality"),
        ("DECLARE c CURSOR FOR SELECT id FROM customers WHERE ssn = 'x'", "ssn:equality"),
        ("PREPARE p AS SELECT id FROM customers WHERE ssn = $1", "ssn:equality"),
        ("SELECT id FROM customers WHERE id = 1 ORDER BY city", ""),
        ("SELECT id FROM customers WHERE refund(ssn) > 1 AND refund(id) > 1", "ssn:pattern"),
        ("SELECT id FROM customers c, LATERAL unnest(c.card) AS t WHERE t.t = 'x'", "card:pattern"),
        ("SELECT (SELECT count(*) FROM unnest(c.x)) FROM (SELECT ARRAY[ssn] AS x FROM customers) c", "ssn:pattern"),
        ("SELECT id, unnest(x) FROM (SELECT id, ARRAY[ssn] AS x FROM customers) c", "ssn:pattern"),
        ("SELECT count(*) FROM (SELECT (ARRAY[ssn]).unnest FROM customers) s", "ssn:pattern"),
        ("SELECT c.id FROM customers c NATURAL JOIN LATERAL (SELECT (ROW(1)).*) t", "birth_date:pattern card:pattern email:pattern ssn:pattern"),
        ("SELECT count(z) FROM (SELECT (g = ascii(ssn) AND setval('s', g) > 0) AS z FROM customers, generate_series(1, 9) g) s", "ssn:pattern"),
        ("SELECT coalesce(nullif(ssn, 'x'), nextval('s')::text) FROM customers", "ssn:pattern"),
        ("SELECT coalesce(nullif(ssn, 'x'), 'y'), ssn = 'x' AND city = 'y' FROM customers", ""),
        ("SELECT coalesce(nullif(ssn, 'x'), refund(1)::text) FROM customers", "ssn:pattern"),
        ("SELECT id FROM products p LEFT JOIN customers c ON p.id = c.id WHERE c IS NULL", ""),
        ("SELECT count(c), count(c.*) FROM customers c WHERE (c) IS NOT NULL", ""),
        ("SELECT l FROM customers c, lower(c.ssn) l", ""),
        // What can't be told may be any of it.
        ("SELECT id FROM customers c WHERE nothing = 'x'", "birth_date:pattern card:pattern email:pattern ssn:pattern"),
        // What can't be followed asks for everything.
        (
            "CREATE RULE r AS ON DELETE TO products DO ALSO DELETE FROM customers WHERE ssn = 'x'",
            "birth_date:pattern card:pattern email:pattern ssn:pattern",
        ),
    ]
    .iter()
    .filter_map(|(sql, expected)| {
        let found = learnt(sql);
        (found != *expected).then(|| format!("{sql}\n    learns {found}\n    not    {expected}"))
    })
    .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_replaced_without_being_seen_is_asked_for() {
    let catalog = shop();
    for (sql, expected) in [
        ("UPDATE customers SET ssn = 'x', city = 'y', email = DEFAULT WHERE id = 1", "email ssn"),
        ("UPDATE customers SET (card, city) = ('x', 'y') WHERE id = 1", "card"),
        ("UPDATE customers SET city = 'y' WHERE id = 1", ""),
        ("INSERT INTO customers (id, ssn) VALUES (1, 'x')", ""),
        ("INSERT INTO customers (id, ssn) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn", "ssn"),
        (
            "MERGE INTO customers c USING products p ON c.id = p.id WHEN MATCHED THEN UPDATE SET email = 'x' WHEN NOT MATCHED THEN INSERT (ssn) VALUES ('x')",
            "email",
        ),
        ("WITH x AS (UPDATE customers SET ssn = 'x' WHERE id = 1 RETURNING id) SELECT id FROM x", "ssn"),
        ("EXPLAIN UPDATE customers SET ssn = 'x' WHERE id = 1", "ssn"),
        ("CREATE RULE r AS ON DELETE TO products DO ALSO UPDATE customers SET ssn = 'x'", "birth_date card email ssn"),
    ] {
        let statement = &analyse(sql, &catalog).unwrap()[0];
        let asked = statement.asks.iter().filter(|ask| ask.action.0 == "overwrite").map(|ask| match &ask.object {
            model::Object::Field(field) => field.name.clone(),
            other => panic!("{other:?}"),
        });
        let mut asked: Vec<String> = asked.collect();
        asked.sort();
        assert_eq!(asked.join(" "), expected, "{sql}");
    }
}
