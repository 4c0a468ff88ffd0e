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
            "doc ssn, a doc ssn, doc ssn, doc ssn",
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
