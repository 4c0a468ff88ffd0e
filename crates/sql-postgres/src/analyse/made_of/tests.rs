use super::*;

fn of(sql: &str) -> MadeOf {
    let raws = crate::read::read(sql).unwrap();
    made_of(&Tree::of(&raws[0].stmt).unwrap())
}

fn joined(names: Option<Names>) -> String {
    names.map_or_else(|| "*".to_owned(), |names| names.join(" "))
}

fn names(sql: &str) -> String {
    let MadeOf::Each(outputs) = of(sql) else { panic!("{sql}: not each") };
    outputs.into_iter().map(joined).collect::<Vec<_>>().join(", ")
}

#[test]
fn names_stay_where_the_server_gives_no_column() {
    for (sql, expected) in [
        ("SELECT ssn AS x FROM people UNION ALL SELECT NULL", "ssn"),
        ("SELECT 1, a UNION (SELECT b, c EXCEPT SELECT d, e)", "b d, a c e"),
        ("SELECT max(birth_date) AS x, count(*) FROM people", "birth_date max, "),
        ("SELECT p.first_name::text AS x, array_agg(cvv) FROM people p", "first_name, array_agg cvv"),
        ("SELECT (SELECT max(ssn) FROM people) AS x", "max ssn"),
        ("SELECT y AS z FROM (SELECT max(ssn) AS y, min(phone) FROM people) t", "max ssn y"),
        ("WITH t AS (SELECT max(ssn) AS y FROM people) SELECT coalesce(t.y, '') FROM t", "max ssn y"),
        ("SELECT max FROM (SELECT max(ssn) FROM people) t", "max ssn"),
        // However an output gets its name.
        ("SELECT max FROM (SELECT (SELECT max(ssn) FROM people)) t", "max ssn"),
        (r#"SELECT "?column?" FROM (SELECT ssn || '' FROM people) t"#, "?column? ssn"),
        ("SELECT text FROM (SELECT (ssn || '')::text FROM people) t", "ssn text"),
        ("SELECT coalesce FROM (SELECT coalesce(ssn, '') FROM people) t", "coalesce ssn"),
        ("SELECT date_part FROM (SELECT EXTRACT(year FROM birth_date) FROM people) t", "birth_date date_part"),
        ("SELECT (p).ssn || '' FROM people p", "p ssn"),
        ("SELECT max(ssn(p)) FROM people p", "*"),
        ("SELECT coalesce(json_agg(t), '[]'), row_to_json(people) FROM (SELECT 1) t, people", "json_agg, row_to_json"),
        (
            r#"SELECT coalesce(json_agg("root"), '[]') AS "root" FROM (SELECT row_to_json((SELECT "_e" FROM (SELECT b.id AS id) AS "_e")) AS "root" FROM (SELECT 1) b) AS "_root""#,
            "json_agg root row_to_json",
        ),
        ("SELECT array_to_json(array_agg(t)) FROM people t", "array_agg array_to_json"),
        // A document that is taken apart again.
        ("SELECT to_jsonb(p) -> 'ssn', to_jsonb(p) ->> lower('SSN') FROM people p", "ssn to_jsonb, *"),
        ("SELECT to_jsonb(p) -> 'ssn' FROM people p", "ssn to_jsonb"),
        ("SELECT e.value || '' FROM people p, jsonb_each_text(to_jsonb(p)) e(key, value)", "*"),
        // A column that is called like what it is in.
        ("WITH total AS (SELECT sum(x) AS total FROM t) SELECT total || '' FROM total", "sum total x"),
        ("SELECT max(source) FROM (SELECT a AS source FROM t) source", "a max source"),
        ("SELECT x FROM (SELECT upper(p::text) AS p FROM people p) t, LATERAL (SELECT t.p || '' AS x) u", "*"),
        // Renamed in FROM.
        ("WITH t(x) AS (SELECT max(ssn) FROM people) SELECT x FROM t", "max ssn x"),
        ("SELECT y FROM (SELECT 1, ssn || '' FROM people) AS t(x, y)", "ssn y"),
        ("SELECT x FROM (SELECT * FROM people) AS t(x)", "*"),
        ("SELECT x || '' FROM people AS t(x)", "*"),
        ("SELECT u FROM people, unnest(ssns) AS u", "ssns u unnest"),
        ("SELECT x FROM people, string_to_table(ssns, ',') AS u(x)", "ssns x"),
        ("SELECT unnest FROM people, unnest(ssns)", "ssns unnest"),
        ("SELECT n FROM people, XMLTABLE('/a' PASSING ssn_doc COLUMNS n text PATH '.')", "n ssn_doc"),
        // Rows as they are, and what stands under keys.
        ("SELECT p::text FROM people p", "*"),
        ("SELECT upper(people::text) FROM people", "*"),
        ("SELECT t::text FROM (SELECT ssn FROM people) t", "*"),
        ("WITH t AS (SELECT ssn FROM people) SELECT t::text FROM t", "*"),
        ("SELECT p.p || '' FROM people p", "p"),
        (
            "SELECT doc ->> 'ssn', doc #>> '{a,ssn}', doc['ssn'], doc -> $1 FROM people",
            "doc ssn, a doc ssn, doc ssn, doc",
        ),
        ("SELECT jsonb_extract_path_text(doc, 'a', 'ssn') FROM people", "a doc ssn"),
        ("SELECT mine.count(ssn) FROM people", "count ssn"),
        ("SELECT n << 0, n >> 0, ~ n, n < 0, n ~ 'x' FROM people", "n, n, n, , "),
        ("WITH RECURSIVE t AS (SELECT ssn AS y UNION SELECT y FROM t) SELECT y FROM t", "ssn y"),
        ("INSERT INTO people (a) VALUES (1) RETURNING upper(ssn)", "ssn upper"),
        ("COPY (SELECT max(ssn) FROM people) TO STDOUT", "max ssn"),
        ("UPDATE people SET a = 1", ""),
        ("VALUES (1)", ""),
        ("VALUES ((SELECT max(ssn) FROM people), 1), (NULL, phone)", "max ssn, phone"),
        ("SELECT nullif(ssn, ''), ssn || '', ARRAY[ssn], ssn::text LIKE 'x' FROM people", "ssn, ssn, ssn, "),
        ("SELECT count(phone), CASE WHEN first_name IS NULL THEN 'a' ELSE note END FROM people", ", note"),
        ("SELECT string_agg(status, ',' ORDER BY last_name) FILTER (WHERE phone = '') FROM people", "status"),
        ("SELECT EXISTS (SELECT ssn FROM people), 1 IN (SELECT ssn FROM people)", ", "),
    ] {
        assert_eq!(names(sql), expected, "{sql}");
    }
}

#[test]
fn behind_a_star_a_column_is_what_its_name_may_stand_for() {
    let made = of("SELECT *, max(ssn) OVER (), upper(phone) FROM (SELECT max(cvv) AS x, y FROM people) t");
    assert_eq!(joined(made.names(0, "x")), "cvv max phone ssn upper x");
    assert_eq!(joined(made.names(7, "y")), "max phone ssn upper");
    assert_eq!(joined(made.names(7, "z")), "max phone ssn upper");
    let made = of("SELECT * FROM people AS t(x, y)");
    assert_eq!((joined(made.names(0, "x")), joined(made.names(0, "z"))), ("*".to_owned(), String::new()));
    assert_eq!(joined(of("SELECT ssn FROM people").names(1, "x")), "");
}

#[test]
fn a_name_that_means_itself_ends() {
    assert_eq!(names("SELECT a AS b FROM (SELECT b AS a FROM (SELECT a AS b) x) y"), "a b");
}

#[test]
fn what_is_too_much_may_be_made_of_anything_and_takes_no_time() {
    let list = |count: usize| vec!["x"; count].join(", ");
    assert_eq!(of(&format!("SELECT {}", list(1665))), MadeOf::Anything);
    assert_eq!(of(&format!("SELECT (SELECT x FROM (SELECT {}) t)", list(40_000))), MadeOf::Anything);
    assert!(matches!(of(&format!("SELECT {}", list(1664))), MadeOf::Each(_)));
    let names: Vec<String> = (0..33).map(|at| format!("n{at}")).collect();
    assert_eq!(
        of(&format!("SELECT coalesce({}), 1", names.join(", "))),
        MadeOf::Each(vec![None, Some(Names::default())])
    );
    let rows = of(&format!("VALUES {}", vec!["(1, a)"; 1000].join(", ")));
    assert_eq!(joined(rows.names(1, "column2")), "a");
    let started = thread_seconds();
    for sql in [
        format!("WITH c AS (SELECT {}) SELECT 1 FROM {}", list(10_000), vec!["c"; 30_000].join(", ")),
        format!("WITH c AS (SELECT {}) SELECT 1 FROM {}", list(1000), vec!["c"; 15_000].join(", ")),
        format!("SELECT 1 FROM ROWS FROM ({}) t", vec!["f()"; 20_000].join(", ")),
        format!("SELECT 1 FROM (SELECT {} UNION VALUES {}) t", list(10_000), vec!["(1)"; 12_000].join(", ")),
        format!("SELECT {} FROM (SELECT {}) t", vec!["to_json(t)"; 1600].join(", "), vec!["a AS b"; 10_000].join(", ")),
        format!(
            "WITH {} SELECT {} FROM {}",
            (0..2000).map(|at| format!("c{at} AS (SELECT a AS b{at})")).collect::<Vec<_>>().join(", "),
            vec!["to_json(t)"; 1600].join(", "),
            (0..2000).map(|at| format!("c{at} t")).collect::<Vec<_>>().join(", ")
        ),
    ] {
        of(&sql);
    }
    // Without optimisation, whatever else the machine does.
    let took = thread_seconds() - started;
    assert!(took < 20, "{took} s");
}

fn thread_seconds() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1_000_000_000
}

/// Asserts what each output of each statement is made of.
fn check(cases: &[(&str, &str)]) {
    let found = |sql: &str| match of(sql) {
        MadeOf::Each(outputs) => outputs.into_iter().map(joined).collect::<Vec<_>>().join(", "),
        other => format!("{other:?}"),
    };
    let wrong: Vec<String> = (cases.iter().map(|(sql, expected)| (sql, expected, found(sql))))
        .filter(|(_, expected, found)| *expected != found)
        .map(|(sql, expected, found)| format!("{sql}\n    {found}\n    {expected}\n"))
        .collect();
    assert!(wrong.is_empty(), "found, expected:\n{}", wrong.concat());
}

/// What the first output is made of; `*` if it is not told apart either.
fn first(sql: &str, name: &str) -> String {
    joined(of(sql).names(0, name))
}

#[test]
fn a_name_of_a_set_operation_is_what_any_arm_holds_there() {
    check(&[
        ("SELECT x FROM (SELECT 0 AS x UNION ALL SELECT ssn FROM people) t", "ssn x"),
        ("SELECT 1 + x FROM (SELECT 0 AS x, 1 AS y UNION ALL (SELECT a, b EXCEPT SELECT ssn, c)) t", "a ssn x"),
        ("WITH t AS (SELECT 0 AS x UNION ALL SELECT ssn FROM people) SELECT max(x) FROM t", "max ssn x"),
        ("WITH RECURSIVE t(x) AS (SELECT 0 UNION ALL SELECT ssn FROM people, t) SELECT x FROM t", "ssn x"),
        ("WITH RECURSIVE t AS (SELECT 0 AS x UNION ALL SELECT ssn FROM people, t) SELECT x FROM t", "ssn x"),
        ("WITH t(x) AS (SELECT 0, 1 AS y UNION ALL SELECT a, ssn FROM people) SELECT y FROM t", "ssn y"),
        ("SELECT max FROM (SELECT max(a) UNION (SELECT ssn FROM people ORDER BY 1 LIMIT 1)) t", "a max ssn"),
        // Which name it has may depend on the server.
        ("SELECT x FROM (SELECT GREATEST(a) UNION SELECT ssn FROM people) t", "a ssn x"),
        ("SELECT (SELECT x FROM (SELECT 0 AS x INTERSECT SELECT ssn FROM people) t)", "ssn x"),
        // What the columns of a recursive query are sorted by, and the way to them.
        (
            "WITH RECURSIVE t AS (SELECT ssn FROM people) CYCLE ssn SET c USING path SELECT path || '' FROM t",
            "path ssn",
        ),
        ("WITH RECURSIVE t AS (SELECT ssn FROM people) SEARCH DEPTH FIRST BY ssn SET o SELECT o::text FROM t", "o ssn"),
        // Of a star in another arm nobody knows what it is.
        ("SELECT x FROM (SELECT 0 AS x UNION ALL SELECT * FROM (SELECT ssn FROM people) u) t", "*"),
        ("SELECT x FROM (SELECT 0 AS x UNION ALL TABLE v) t", "*"),
        ("SELECT x FROM (SELECT * FROM v UNION ALL SELECT ssn FROM people) t", "ssn x"),
        ("SELECT x FROM (SELECT * FROM v UNION ALL SELECT * FROM w) t", "*"),
        ("SELECT x FROM (SELECT * FROM v WHERE a UNION ALL SELECT * FROM v WHERE b) t", "x"),
        ("WITH RECURSIVE t AS (SELECT * FROM v UNION ALL SELECT n.* FROM t JOIN v n ON a) SELECT x || '' FROM t", "x"),
        ("WITH RECURSIVE t AS (SELECT * FROM v UNION ALL SELECT n.* FROM t JOIN w n ON a) SELECT x || '' FROM t", "*"),
        (
            "WITH RECURSIVE t AS (SELECT * FROM v UNION ALL SELECT n.* FROM (t JOIN v n ON a) n) SELECT x || '' FROM t",
            "*",
        ),
        // VALUES names its columns by their places.
        ("SELECT column1 FROM (VALUES (0) UNION ALL SELECT ssn FROM people) t", "column1 ssn"),
        ("SELECT column2 FROM (SELECT 1 UNION SELECT 2) u, (VALUES (phone, 0), (1, ssn)) t", "column2 ssn"),
        ("SELECT column1 FROM (VALUES ((SELECT ssn FROM people LIMIT 1))) v", "column1 ssn"),
        ("WITH v AS (VALUES (0, ssn)) SELECT column2 FROM v", "column2 ssn"),
        ("SELECT x FROM (VALUES (0, a), (ssn, 0)) AS v(x)", "ssn x"),
        ("SELECT x FROM (SELECT 0 AS x UNION VALUES (ssn)) v", "ssn x"),
        ("SELECT column1 FROM (SELECT (VALUES (ssn))) v", "column1 ssn"),
        ("SELECT column1 FROM (VALUES (p.*)) v", "*"),
        ("SELECT ssn || '' FROM (TABLE people) t", "ssn"),
    ]);
    let sql = "SELECT * FROM (SELECT 0 AS x UNION ALL SELECT ssn FROM people) t";
    assert_eq!((first(sql, "x"), first(sql, "y")), ("ssn x".to_owned(), String::new()));
}

#[test]
fn a_star_that_is_no_output_may_be_anything() {
    check(&[
        ("SELECT (SELECT * FROM (SELECT ssn FROM people LIMIT 1) t) AS y", "*"),
        ("SELECT (SELECT t.* FROM (SELECT ssn FROM people LIMIT 1) t) AS y", "*"),
        ("SELECT (SELECT (t).* FROM (SELECT ssn FROM people LIMIT 1) t) AS y", "*"),
        ("SELECT ARRAY(SELECT * FROM (SELECT ssn FROM people) t)", "*"),
        ("SELECT ARRAY(TABLE v)", "*"),
        ("SELECT y FROM (SELECT (TABLE v) AS y) t", "*"),
        ("SELECT json_build_object('x', (SELECT * FROM (SELECT ssn FROM people) t))", "*"),
        ("SELECT json_build_array((VALUES (t.*))) FROM (SELECT ssn FROM people) t", "*"),
        ("SELECT JSON_ARRAY(SELECT * FROM (SELECT ssn FROM people) t)", "*"),
        ("SELECT to_json(ROW(t.*)) FROM people t", "*"),
        ("SELECT t.*::text FROM people t", "*"),
        ("SELECT ROW(t.*) FROM people t", "*"),
        ("VALUES (0, (SELECT * FROM t))", ", *"),
        // Not so what has no values of it, or their names.
        ("SELECT count(*), count(t.*), EXISTS (SELECT * FROM t) FROM people t", ", , "),
        ("SELECT row_to_json(t.*), json_agg(t.*) FROM people t", "row_to_json, json_agg"),
        ("SELECT GREATEST(ssn, ''), a || '' FROM people", "ssn, a"),
        ("SELECT a || '' FROM (SELECT t.*, u.* FROM t, u WHERE x IN (SELECT * FROM v)) w", "a"),
    ]);
}

#[test]
fn a_star_in_an_arm_may_be_anything() {
    for sql in [
        "SELECT 0 AS x WHERE false UNION ALL SELECT * FROM (SELECT ssn FROM people) t",
        "SELECT * FROM a UNION ALL SELECT * FROM b",
        "SELECT * FROM a UNION ALL SELECT * FROM s.a",
        "SELECT * FROM a UNION ALL SELECT * FROM a AS t(x)",
        "SELECT * FROM a UNION ALL SELECT * FROM a, b",
        "SELECT * FROM a UNION ALL SELECT 1, * FROM a",
        "SELECT * FROM a UNION ALL (WITH a AS (SELECT ssn FROM people) SELECT * FROM a)",
        "SELECT * FROM a UNION ALL (WITH a AS (SELECT ssn FROM people) SELECT * FROM a UNION SELECT * FROM a)",
        "VALUES (0) UNION ALL TABLE v",
    ] {
        assert_eq!(of(sql), MadeOf::Anything, "{sql}");
    }
    let sql = "WITH a AS (SELECT max(ssn) AS x, y FROM people) SELECT * FROM a UNION ALL (SELECT * FROM a LIMIT 1)";
    assert_eq!((first(sql, "x"), first(sql, "y")), ("max ssn x".to_owned(), String::new()));
}

#[test]
fn what_is_put_into_a_column_may_be_returned() {
    check(&[
        ("INSERT INTO t (a, b) SELECT phone, ssn FROM people RETURNING b || ''", "b ssn"),
        ("INSERT INTO t (a, b) VALUES (0, (SELECT ssn FROM people)) RETURNING b || '', a || ''", "b ssn, a"),
        ("INSERT INTO t (a) SELECT 0 UNION SELECT ssn FROM people RETURNING a || ''", "a ssn"),
        ("INSERT INTO t (a) SELECT * FROM people RETURNING a || ''", "*"),
        ("INSERT INTO t SELECT ssn FROM people RETURNING a || ''", "a ssn"),
        ("INSERT INTO t TABLE people RETURNING a || ''", "*"),
        ("INSERT INTO t VALUES (1, $1, DEFAULT) RETURNING upper(a)", "a upper"),
        ("INSERT INTO t (a) VALUES (0) ON CONFLICT (a) DO UPDATE SET b = excluded::text RETURNING b || ''", "*"),
        ("UPDATE t SET a = ssn FROM people RETURNING a || ''", "a ssn"),
        ("UPDATE t SET (a, b) = (SELECT ssn, phone FROM people) RETURNING b || ''", "b phone ssn"),
        ("UPDATE people SET a = 1 RETURNING old::text, new.a || ''", "*, a"),
        ("UPDATE people SET a = 1 RETURNING WITH (OLD AS o) o::text", "*"),
        ("DELETE FROM people RETURNING people::text", "*"),
        ("WITH people AS (SELECT 1 AS people) DELETE FROM people RETURNING people::text", "*"),
        (
            "MERGE INTO t USING people p ON true WHEN NOT MATCHED THEN INSERT (a, b) VALUES (0, p.ssn) RETURNING b || ''",
            "b ssn",
        ),
        (
            "MERGE INTO t USING people p ON true WHEN NOT MATCHED THEN INSERT VALUES (0, p.ssn) RETURNING b || ''",
            "b ssn",
        ),
        ("MERGE INTO t USING people p ON true WHEN MATCHED THEN UPDATE SET b = p.ssn RETURNING b || ''", "b ssn"),
        ("WITH i AS (INSERT INTO t (b) SELECT ssn FROM people RETURNING b) SELECT max(b) FROM i", "b max ssn"),
    ]);
}

#[test]
fn a_function_in_from_may_name_its_columns() {
    check(&[
        (
            "SELECT value || '' FROM (SELECT jsonb_agg(ssn) AS a FROM people) t, jsonb_array_elements(t.a)",
            "a jsonb_agg jsonb_array_elements ssn value",
        ),
        ("SELECT value || '' FROM people p, jsonb_each_text(to_jsonb(p))", "*"),
        ("SELECT value || '' FROM people p, jsonb_each_text(to_jsonb(p)) e", "*"),
        ("SELECT anyhow || '' FROM mine(ssn)", "anyhow mine ssn"),
        ("SELECT a || '', x || '' FROM t, unnest(ARRAY[ssn]) AS x", "a, ssn unnest x"),
        (
            "SELECT y || '' FROM ROWS FROM (json_to_recordset(ssn_doc) AS (y int), generate_series(1, 2)) AS t",
            "json_to_recordset ssn_doc y",
        ),
        ("SELECT f::text FROM json_to_record(doc) AS f(ssn int)", "*"),
        ("SELECT f::text FROM ROWS FROM (f(1), g(2)) AS f", "*"),
        ("SELECT f::text FROM json_populate_record(NULL::people, doc) AS f", "*"),
        ("SELECT to_json(f.*) FROM unnest(ssns) AS f", "f ssns to_json unnest"),
        (
            "SELECT x || '' FROM JSON_TABLE(doc, '$' COLUMNS (ssn int)) AS t(x), XMLTABLE('/a' PASSING b COLUMNS c int) AS u(y)",
            "doc ssn x",
        ),
        ("SELECT j::text FROM people a JOIN people b USING (ssn) AS j", "*"),
        ("SELECT x || '' FROM XMLTABLE('/a' PASSING doc COLUMNS x text PATH '.' DEFAULT ssn)", "doc ssn x"),
        ("SELECT x || '' FROM JSON_TABLE(doc, '$' PASSING ssn AS s COLUMNS (x int PATH '$s'))", "doc s ssn x"),
        ("SELECT x || '' FROM JSON_TABLE(doc, '$' COLUMNS (x int PATH '$.ssn'))", "doc ssn x"),
        ("SELECT x || '' FROM people p, JSON_TABLE(to_jsonb(p), '$' COLUMNS (x int PATH '$.*'))", "*"),
        ("SELECT x || '' FROM JSON_TABLE(doc, '$' COLUMNS (NESTED '$.ssn' COLUMNS (x int PATH '$')))", "doc ssn x"),
    ]);
    let sql = "SELECT * FROM (SELECT GREATEST(ssn, 0) FROM people) t";
    assert_eq!(first(sql, "greatest"), "ssn");
    let sql = "SELECT * FROM people p, jsonb_each_text(to_jsonb(p))";
    assert_eq!(first(sql, "value"), "*");
}

#[test]
fn what_is_taken_of_a_document_is_told_or_may_be_anything() {
    check(&[
        ("SELECT JSON_VALUE(to_jsonb(p), '$.x') FROM people p", "*"),
        ("SELECT JSON_VALUE(doc, '$.ssn'), JSON_EXISTS(doc, '$.ssn') FROM people p", "doc ssn, "),
        ("SELECT jsonb_path_query_first(doc, '$.a.ssn') FROM people p", "a doc ssn"),
        ("SELECT (to_jsonb(p))[lower('SSN')] FROM people p", "*"),
        ("SELECT (to_jsonb(p))['ssn'] FROM people p", "ssn to_jsonb"),
        ("SELECT to_jsonb(p::text) FROM people p", "*"),
        ("SELECT json_build_object('x', p || '') FROM people p", "*"),
        ("SELECT json_agg(upper(p::text)) FROM people p", "*"),
        ("SELECT right(to_jsonb(p)::text, 12) FROM people p", "*"),
        ("SELECT 'x' || to_jsonb(p)::text FROM people p", "*"),
        ("SELECT to_jsonb(p) || to_jsonb(q) - 'x' FROM people p, q", "to_jsonb"),
        ("SELECT mine.to_json(p) FROM people p", "*"),
        ("SELECT json_agg(t ORDER BY t.a)::text, json_agg(DISTINCT t) FROM people t", "json_agg, json_agg"),
        // Names that are not those of the columns.
        ("SELECT to_jsonb(t) FROM (SELECT ssn AS x, a AS a FROM people) t", "ssn to_jsonb x"),
        ("SELECT to_jsonb(t) FROM (SELECT x, a FROM (SELECT max(ssn) AS x, a FROM people) u) t", "max ssn to_jsonb x"),
        ("SELECT to_jsonb(t) FROM (SELECT * FROM (SELECT max(ssn) AS x, a FROM people) u) t", "max ssn to_jsonb x"),
        ("WITH t AS (SELECT max(ssn) AS x, a FROM people) SELECT to_jsonb(u) FROM t AS u", "max ssn to_jsonb x"),
        ("SELECT to_jsonb(t) FROM people AS t(x)", "*"),
        ("SELECT to_jsonb(t) FROM (SELECT 0 AS ssn UNION SELECT birth_date) t", "birth_date ssn to_jsonb"),
        ("SELECT to_jsonb(t) FROM (SELECT a FROM people) AS t(x)", "a to_jsonb x"),
        ("SELECT max(ssn) AS m, to_jsonb(t) FROM (SELECT *, 1 FROM people) t", "max ssn, to_jsonb"),
        ("SELECT y FROM (SELECT to_jsonb(t) AS y FROM (SELECT ssn AS x FROM people) t) u", "ssn to_jsonb x y"),
    ]);
}

#[test]
fn a_name_is_a_row_wherever_it_may_be_one() {
    check(&[
        ("SELECT people::text FROM people WHERE EXISTS (WITH people AS (SELECT 1 AS people) SELECT 1)", "*"),
        ("WITH a AS (SELECT people::text AS y FROM people), people AS (SELECT 1 AS people) SELECT y FROM a", "*"),
        ("WITH people AS (SELECT 1 AS people) SELECT people::text FROM public.people", "*"),
        ("WITH people AS (SELECT 1 AS people) SELECT (SELECT people::text FROM people)", "people"),
        ("WITH a AS (SELECT 1 AS a), b AS (SELECT a::text AS y FROM a) SELECT y FROM b", "a y"),
        ("WITH RECURSIVE t AS (SELECT 1 AS t UNION SELECT t + 1 FROM t) SELECT t || '' FROM t", "t"),
        // A function called as a column has the whole row.
        ("SELECT p.quote_literal, (p).concat, public.people.array_agg FROM people p, public.people", "*, *, *"),
        ("SELECT (p).ssn.value FROM people p", "p ssn value"),
        (
            "SELECT p.to_jsonb, t.row_to_json, (t).to_json FROM people p, (SELECT ssn AS x FROM people) t",
            "to_jsonb, row_to_json ssn x, ssn t to_json x",
        ),
    ]);
}

#[test]
fn where_the_looking_ends_nothing_is_known() {
    let whole = of("SELECT max(ssn) AS x, phone FROM people");
    let padded =
        |padding: usize| of(&format!("SELECT max(ssn) AS x, phone FROM people WHERE 1 IN (1{})", ",1".repeat(padding)));
    let (mut all, mut none) = (0, NODES_MAX);
    while none - all > 1 {
        let middle = usize::midpoint(all, none);
        *(if padded(middle) == MadeOf::Anything { &mut none } else { &mut all }) = middle;
    }
    // Wherever in the statement it ends, the answer is the whole one or none.
    for padding in all - 8..none + 8 {
        let made = padded(padding);
        assert!(made == whole || made == MadeOf::Anything, "{padding}: {made:?}");
    }
}

#[test]
fn what_takes_long_is_given_up() {
    let list = |of: &dyn Fn(usize) -> String, count: usize| (0..count).map(of).collect::<Vec<_>>().join(",");
    for sql in [
        format!("SELECT {} FROM (SELECT {}) t", list(&|_| "y".into(), 1664), list(&|at| format!("c{at} AS y"), 15_000)),
        format!(
            "WITH q AS (SELECT {}) VALUES (x.*, d #>> '{{{}}}')",
            list(&|at| format!("1 AS n{at}"), 1000),
            list(&|at| format!("k{at}"), 50_000)
        ),
        format!(
            "SELECT *, {} FROM (SELECT GREATEST({})) t",
            list(&|at| format!("a{at} AS b{at}"), 1000),
            list(&|at| format!("c{at}"), 10_000)
        ),
    ] {
        let made = of(&sql);
        assert_eq!((joined(made.names(0, "y")), joined(made.names(1, "n1"))), ("*".into(), "*".into()), "{made:?}");
    }
}

#[test]
fn many_names_of_many_things_take_no_memory() {
    let list = |letter: &str, count: usize| (0..count).map(|at| format!("{letter}{at}")).collect::<Vec<_>>().join(",");
    let (few, many) = (list("c", 15_000), list("a", 40_000));
    assert_eq!(of(&format!("SELECT a0 FROM f({few}) AS t({many})")), MadeOf::Anything);
    assert_eq!(names(&format!("SELECT a0, b FROM f({}) AS t({})", list("c", 300), list("a", 30))), "*, b");
}

#[test]
fn names_are_kept_once_and_not_without_end() {
    let names: Vec<String> = (0..20).map(|at| format!("{}{at:02}", "n".repeat(61))).collect();
    let all =
        format!("WITH t AS (SELECT coalesce({}) AS y FROM people) SELECT {}", names.join(", "), ["y"; 1664].join(", "));
    let made = of(&all);
    assert_eq!(made.names(1663, "y").unwrap().len(), 21);
    assert!(made.bytes() < 200_000, "{}", made.bytes());
    // Each of its own: what is too much is not kept, and may be anything.
    let each: Vec<String> = (0..1664).map(|at| format!("m{at} || 'x'")).collect();
    let made = of(&format!("SELECT {}", each.join(", ")));
    assert_eq!((joined(made.names(0, "")), joined(made.names(1663, ""))), ("m0".to_owned(), "*".to_owned()));
    assert!(made.bytes() < 250_000, "{}", made.bytes());
}
