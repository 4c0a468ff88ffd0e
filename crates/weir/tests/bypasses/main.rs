//! The museum: every way around masking that was ever found, against a superuser's account with policies that permit
//! everything but seeing (and what carries a value out of sight: storing it, and code that can't be followed). The
//! canary, and what encodings make of it, must appear in no byte that a client gets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, and all of this file is one")]

use sandbox::PostgresServer;
use testkit::weir::Weir;
use testkit::{Clients, Release, Run};

const STATEMENTS: &str = include_str!("postgres.sql");

/// One customer's number, unlike anything else in the database.
const CANARY: &str = "903-77-4141";

const SCHEMA: &str = "
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, ssn text UNIQUE, city text, created date DEFAULT '2026-01-01');
INSERT INTO customers VALUES (1, 'Ada', '903-77-4141', 'Leeds'), (2, 'Bob', '903-77-4142', 'York');
CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, status text);
INSERT INTO orders VALUES (1, 1, 'paid'), (2, 2, 'open');
CREATE TABLE notes (id serial PRIMARY KEY, body text);
CREATE VIEW customer_view AS SELECT id, ssn AS s, upper(ssn) AS u FROM customers;
CREATE VIEW nested_view AS SELECT v.*, 1 AS one FROM customer_view v;
CREATE MATERIALIZED VIEW old_copy AS SELECT ssn AS harmless FROM customers;
CREATE FUNCTION leak_ssn() RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM customers';
CREATE FUNCTION leak_all() RETURNS SETOF customers LANGUAGE sql AS 'SELECT * FROM customers';
CREATE FUNCTION open_ssn(c refcursor) RETURNS refcursor LANGUAGE plpgsql AS $$
BEGIN OPEN c FOR SELECT upper(ssn) FROM customers; RETURN c; END $$;
CREATE PROCEDURE leak_notice() LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', leak_ssn(); END $$;
CREATE FUNCTION leak_op(int, int) RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM customers';
CREATE OPERATOR <~> (LEFTARG = int, RIGHTARG = int, FUNCTION = leak_op);
CREATE SCHEMA hidden; CREATE VIEW hidden.customers AS SELECT * FROM public.customers;
CREATE TABLE typed (ssn_array text[], ssn_json jsonb, ssn_row customers);
INSERT INTO typed SELECT ARRAY[ssn], jsonb_build_object('s', ssn), c FROM customers c;
CREATE EXTENSION hstore;
CREATE TYPE wrapped AS (a text);
CREATE FUNCTION wrap(int) RETURNS wrapped LANGUAGE sql AS 'SELECT ROW(max(ssn))::wrapped FROM customers';
CREATE CAST (int AS wrapped) WITH FUNCTION wrap(int);
CREATE TABLE generated (ssn text, made text GENERATED ALWAYS AS (reverse(ssn)) STORED);
INSERT INTO generated SELECT ssn FROM customers;
CREATE VIEW shuffled AS WITH q AS (SELECT id, ssn AS a, city AS b FROM customers) SELECT b AS a, a AS b, x FROM q AS q(x, b, a);
CREATE VIEW counted AS SELECT city, max(ssn) AS n, row_number() OVER (ORDER BY ssn) AS r FROM customers GROUP BY city, ssn;
CREATE VIEW joined AS SELECT * FROM customers FULL JOIN orders USING (id);
CREATE VIEW lateral_view AS SELECT l.x FROM orders o, LATERAL (SELECT ssn AS x FROM customers c WHERE c.id = o.id) l;
CREATE FUNCTION leak_text(text) RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM customers';
CREATE TABLE generated_parent (id int, made text);
CREATE TABLE generated_child (ssn text, made text GENERATED ALWAYS AS (reverse(ssn)) STORED, id int); ALTER TABLE generated_child INHERIT generated_parent;
INSERT INTO generated_child (ssn, id) SELECT ssn, id FROM customers;
CREATE VIEW ruled AS SELECT id, status FROM orders;
CREATE RULE ruled AS ON UPDATE TO ruled DO INSTEAD UPDATE customers SET city = city RETURNING customers.id, customers.ssn;
CREATE TABLE plain_ruled (id int, a text);
INSERT INTO plain_ruled VALUES (1, 'x');
CREATE RULE r AS ON UPDATE TO plain_ruled DO INSTEAD UPDATE customers SET city = city RETURNING id, upper(ssn);
CREATE TABLE less (id int PRIMARY KEY, ssn text, note text);
INSERT INTO less VALUES (1, 'x', 'y'), (2, 'z', 'y');
CREATE VIEW less_view AS SELECT id, ssn AS s FROM less;
ANALYZE;
";

const CLASSES: [(&str, &str); 7] = [
    ("public.less.ssn", "{ class = \"pii.national_id\", on_write = \"token\" }"),
    ("public.generated_child.ssn", "pii.national_id"),
    ("public.generated.ssn", "pii.national_id"),
    ("public.customers.ssn", "pii.national_id"),
    ("public.typed.ssn_array", "pii.national_id"),
    ("public.typed.ssn_json", "pii.national_id"),
    ("public.typed.ssn_row", "pii.national_id"),
];

const POLICIES: &str = r#"
@id("all")    permit (principal, action, resource);
@id("unseen") forbid (principal, action in [Action::"see", Action::"see_partial", Action::"see_token"], resource);
@id("kept")   forbid (principal, action in [Action::"store", Action::"store_partial", Action::"store_token"], resource);
@id("clear")  forbid (principal, action == Action::"opaque", resource);
"#;

/// Everything that would give the canary away.
fn forms() -> Vec<String> {
    let digits = CANARY.replace('-', "");
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let number: u64 = digits.parse().unwrap();
    vec![
        CANARY.to_owned(),
        CANARY.chars().rev().collect(),
        digits.clone(),
        digits.chars().rev().collect(),
        (number + 1).to_string(),
        hex,
        "OTAzLTc3LTQxNDE".to_owned(), // base64
        CANARY.chars().map(|c| c.to_digit(10).map_or(c, |d| char::from(b'a' + u8::try_from(d).unwrap()))).collect(),
        "03-77-41419".to_owned(), // turned round by one
    ]
}

fn statements() -> Vec<&'static str> {
    STATEMENTS.lines().filter(|line| !line.is_empty() && !line.starts_with("--")).collect()
}

/// The ways on which a statement can be asked, as psql takes them, and with which psql. `#` is the statement.
const WAYS: [(&str, Release); 5] = [
    ("# ;", Release::Distribution),
    // The extended protocol: psql 18 has it.
    ("# \\bind \\g", Release::V18),
    ("COPY (#) TO STDOUT (FORMAT csv) ;", Release::Distribution),
    ("BEGIN; DECLARE way CURSOR FOR # ; FETCH 1 FROM way; MOVE 1 FROM way; FETCH ALL FROM way;", Release::Distribution),
    ("BEGIN; DECLARE way BINARY CURSOR FOR # ; FETCH ALL FROM way;", Release::Distribution),
];

/// A server with the museum in it, and a Weir before it.
fn museum(clients: &Clients, policies: &str) -> (PostgresServer, Weir) {
    let server = clients.server(Release::Distribution).start().expect("a private PostgreSQL");
    server.psql("postgres", "CREATE DATABASE museum").unwrap();
    server.psql("museum", SCHEMA).unwrap();
    let password = server.superuser_password().to_owned();
    let weir = Weir::builder(env!("CARGO_BIN_EXE_weir"))
        .target("museum", &server, "museum", ("postgres", &password), &CLASSES)
        .policies(policies)
        .start();
    (server, weir)
}

/// What psql shows of a statement, in a session of its own.
fn shown(text: &str, psql: impl Fn() -> Run) -> String {
    let run = psql().args(["-P", "pager=off"]).input(format!("{text}\n")).finish().expect("psql can be run");
    run.stdout + &run.stderr
}

/// Whether a statement is one query, which can be copied and be a cursor's.
fn is_query(statement: &str) -> bool {
    let begins = |word: &&str| statement.starts_with(*word);
    !statement.contains(';') && ["SELECT", "WITH", "VALUES", "TABLE"].iter().any(begins)
}

#[test]
fn no_way_around_shows_the_canary() {
    let clients = Clients::find().unwrap();
    let (server, weir) = museum(&clients, POLICIES);
    let token = weir.token("mallory", &[]);
    let statements = statements();
    let forms = forms();
    let leaks = |shown: &str| forms.iter().any(|form| shown.contains(form.as_str()));
    for (at, (way, release)) in WAYS.into_iter().enumerate() {
        let through =
            || clients.psql(release).arg("-d").arg(weir.conninfo("mallory", "museum")).env("PGPASSWORD", &token);
        for statement in statements.iter().filter(|statement| at < 2 || is_query(statement)) {
            let text = way.replace('#', statement);
            // What the caller has written themselves is not a leak.
            let shown = shown(&text, through).replace(statement, "");
            assert!(!leaks(&shown), "{text}\nshows the canary:\n{shown}");
            assert!(!shown.contains("server closed the connection"), "{text}\nended the session:\n{shown}");
        }
    }
    // The museum is one: asked directly, most of its pieces do show it.
    let direct = || {
        let to = format!("host=127.0.0.1 port={} dbname=museum user=postgres", server.port());
        clients.psql(Release::Distribution).arg("-d").arg(to).env("PGPASSWORD", server.superuser_password())
    };
    let leaking = statements.iter().filter(|statement| leaks(&shown(&format!("{statement} ;"), direct))).count();
    assert!(leaking * 2 > statements.len(), "only {leaking} of {} leak directly", statements.len());
    weir.verify();
}

/// The same of who may store: what stays in temporary tables of the session is not shown.
#[test]
fn what_is_kept_in_temporary_tables_is_not_shown() {
    let clients = Clients::find().unwrap();
    let policies: String =
        POLICIES.lines().filter(|line| !line.contains("@id(\"kept\")")).map(|l| format!("{l}\n")).collect();
    let (_server, weir) = museum(&clients, &policies);
    let token = weir.token("mallory", &[]);
    let forms = forms();
    // What goes on into other tables is where policy lets it be.
    let stays = |line: &&str| {
        line.contains("TEMP")
            && !["notes", "kept", "INHERIT", "PARTITION", "EXECUTE"].iter().any(|elsewhere| line.contains(elsewhere))
    };
    let (mut count, mut kept) = (0, 0);
    for statement in statements().into_iter().filter(stays) {
        let through = || {
            let psql = clients.psql(Release::Distribution).env("PGPASSWORD", &token);
            psql.arg("-d").arg(weir.conninfo("mallory", "museum"))
        };
        let shown = shown(&format!("{statement} ;"), through).replace(statement, "");
        assert!(!forms.iter().any(|form| shown.contains(form.as_str())), "{statement}\nshows the canary:\n{shown}");
        assert!(!shown.contains("server closed the connection"), "{statement}\nended the session:\n{shown}");
        count += 1;
        kept += usize::from(!shown.contains("store Field::"));
    }
    assert!(count >= 40 && kept >= 30, "{kept} of {count} keep something");
    weir.verify();
}

/// Ways to learn of values that are not shown: rows 24 to 26, 29 and 44 of the catalogue of techniques.
const QUESTIONS: [&str; 30] = [
    "SELECT c.id, (SELECT count(*) FROM unnest(c.x)) FROM (SELECT id, array_fill(1, ARRAY[ascii(ssn)]) AS x FROM customers) c",
    "SELECT id, count(*) FROM (SELECT id, unnest(x) FROM (SELECT id, array_fill(1, ARRAY[ascii(ssn)]) AS x FROM customers) c) s GROUP BY id",
    "SELECT count(*) FROM (SELECT (array_fill(1, ARRAY[ascii(ssn)])).unnest FROM customers WHERE id = 1) s",
    "SELECT c.id FROM customers c NATURAL JOIN LATERAL (SELECT (jsonb_populate_record(c, '{\"ssn\":\"903-77-4141\"}')).*) t",
    "SELECT count(z) FROM (SELECT (g = ascii(ssn) AND setval('notes_id_seq', g) > 0) AS z FROM customers c, generate_series(1, 255) g WHERE c.id = 1) s",
    "SELECT city, ssn FROM customers GROUP BY (1, 2)",
    "SELECT count(*) FROM customers WHERE ssn LIKE '9%'",
    "SELECT id FROM customers WHERE ssn = '903-77-4141'",
    "SELECT id FROM customers WHERE left(ssn, 1) = '9'",
    "SELECT id FROM customers WHERE ssn BETWEEN '9' AND '91'",
    "SELECT 1 FROM customers GROUP BY city HAVING max(ssn) > '9'",
    "SELECT id FROM customers ORDER BY ssn",
    "SELECT id, row_number() OVER (ORDER BY ssn) FROM customers",
    "SELECT count(*) FROM customers GROUP BY ssn",
    "SELECT DISTINCT ssn FROM customers",
    "SELECT ssn FROM customers UNION SELECT '903-77-4141'",
    "SELECT ssn FROM customers INTERSECT SELECT '903-77-4141'",
    "SELECT x FROM (VALUES ('903-77-4141'), ('1')) AS v (x) JOIN customers ON x = ssn",
    "SELECT x FROM (VALUES ('903-77-4141'), ('1')) AS v (x) WHERE x IN (SELECT ssn FROM customers)",
    "SELECT x FROM (VALUES ('903-77-4141'), ('1')) AS v (x) WHERE EXISTS (SELECT 1 FROM customers WHERE ssn = x)",
    "SELECT id FROM customers LIMIT (SELECT left(ssn, 1)::int FROM customers LIMIT 1)",
    "SELECT g FROM customers, generate_series(1, left(ssn, 1)::int) AS g",
    "SELECT generate_series(1, left(ssn, 1)::int) FROM customers",
    "SELECT pg_sleep(CASE WHEN ssn LIKE '9%' THEN 1 ELSE 0 END) FROM customers",
    "SELECT count(*) FILTER (WHERE ssn LIKE '9%') FROM customers",
    "SELECT 1 / CASE WHEN ssn LIKE '9%' THEN 0 ELSE 1 END FROM customers",
    "EXPLAIN SELECT id FROM customers WHERE ssn > '903'",
    "SELECT id FROM customer_view WHERE u = '903-77-4141'",
    "DELETE FROM customers WHERE ssn = '903-77-4141'",
    "UPDATE customers SET city = city WHERE ssn LIKE '9%'",
];

#[test]
fn asking_about_what_is_not_seen_is_refused() {
    let clients = Clients::find().unwrap();
    let unasked = r#"@id("unasked") forbid (principal, action == Action::"probe", resource);"#;
    let (_server, weir) = museum(&clients, &format!("{POLICIES}{unasked}"));
    let token = weir.token("mallory", &[]);
    let through =
        |release| clients.psql(release).arg("-d").arg(weir.conninfo("mallory", "museum")).env("PGPASSWORD", &token);
    for question in QUESTIONS {
        for (way, release) in &WAYS[..2] {
            let said = shown(&way.replace('#', question), || through(*release));
            assert!(said.contains("probe Field::") && said.contains("is forbidden by policy"), "{question}\n{said}");
        }
    }
    // What says nothing of them is no question.
    for harmless in [
        "SELECT count(*), count(ssn) FROM customers WHERE ssn IS NOT NULL AND city = 'Leeds'",
        "SELECT id, ssn FROM customers WHERE octet_length(ssn) = 11 ORDER BY city, id",
        "SELECT c.city, o.status FROM customers c JOIN orders o ON o.customer_id = c.id ORDER BY 1, 2",
    ] {
        let said = shown(&format!("{harmless};"), || through(Release::Distribution));
        assert!(!said.contains("ERROR"), "{harmless}\n{said}");
    }
    weir.verify();
}

/// Ways to bring a mask back into a classified column by COPY: the statement and its data, as psql takes both.
const RETURNS: [(&str, &str); 16] = [
    ("COPY customers (id, name, ssn) FROM STDIN", "7\tx\t[redacted]"),
    ("COPY customers FROM STDIN", "7\tx\t***-**-4141\tLeeds\t2026-01-01"),
    ("COPY customers (ssn, name, id) FROM STDIN", "tok_abcdefghijklmnop\tx\t7"),
    ("COPY public.\"customers\" (\"ssn\", id, name) FROM STDIN", "a\t6\tx\n\\x5bredacted]\t7\tx"),
    ("COPY customers (id, name, ssn) FROM STDIN", "7\tx\t\\133redacted\\135"),
    ("COPY customers (id, name, ssn) FROM STDIN", "7\tx\t\\52\\52\\52"),
    ("COPY customers (id, name, ssn) FROM STDIN", "7\tx\\\n\t[redacted]"),
    ("COPY customers (id, name, ssn) FROM STDIN", "7\tx\ty\n\\.\n8\tx\t[redacted]"),
    ("COPY customers (id, name, ssn) FROM STDIN (DELIMITER '|', NULL '')", "7|x\\|y|[redacted]"),
    ("COPY customers (id, name, ssn) FROM STDIN (FORMAT csv)", "7,\"x\n,\",\"[red\"acted\"]\""),
    (
        "COPY customers (id, name, ssn) FROM STDIN (FORMAT csv, NULL '[redacted]', FORCE_NOT_NULL (ssn))",
        "7,x,[redacted]",
    ),
    ("COPY customers (id, name, ssn) FROM STDIN CSV QUOTE '''' ESCAPE '\\'", "7,'x\\',',[redacted]"),
    ("COPY customers (id, name, ssn) FROM STDIN (FORMAT csv, HEADER match)", "id,name,ssn\n7,x,[redacted]"),
    (
        "BEGIN; ALTER TABLE customers RENAME ssn TO harmless; COPY customers (id, name, harmless) FROM STDIN",
        "7\tx\t[redacted]",
    ),
    (
        "BEGIN; ALTER TABLE customers ADD more text; COPY customers FROM STDIN",
        "7\tx\t[redacted]\tLeeds\t2026-01-01\tmore",
    ),
    ("COPY generated FROM STDIN", "[redacted]"),
];

#[test]
fn no_mask_comes_back_by_copy() {
    let clients = Clients::find().unwrap();
    let policies: String =
        POLICIES.lines().filter(|line| !line.contains("@id(\"kept\")")).map(|l| format!("{l}\n")).collect();
    let (server, weir) = museum(&clients, &policies);
    let token = weir.token("mallory", &[]);
    let through = || {
        let psql = clients.psql(Release::Distribution).env("PGPASSWORD", &token);
        psql.arg("-d").arg(weir.conninfo("mallory", "museum"))
    };
    let masks = || {
        let sql = "SELECT count(*) FROM (SELECT ssn FROM customers UNION ALL SELECT ssn FROM generated) AS s \
                   WHERE ssn ~ '\\[redacted\\]|\\*\\*\\*|tok_'";
        server.psql("museum", sql).unwrap()
    };
    let none = masks();
    for (statement, data) in RETURNS {
        let said = shown(&format!("{statement};\n{data}\n\\.\nCOMMIT;"), through);
        // What stands behind the end of inlined data psql does not send as data.
        let cut_off = data.contains("\n\\.\n");
        assert!(cut_off || said.contains("is what Weir shows in the place of a value"), "{statement}\n{data}\n{said}");
        assert_eq!(masks(), none, "{statement}\n{data}\n{said}");
    }
    weir.verify();
}

/// Ways to store a value as it is by who may store tokens alone, as psql takes them.
const STORES: [&str; 33] = [
    "INSERT INTO less (id, ssn) VALUES (7, 'sesame'::text);",
    "INSERT INTO less (id, ssn) VALUES (7, text 'sesame');",
    "INSERT INTO less (id, ssn) VALUES (7, lower('SESAME'));",
    "INSERT INTO less (id, ssn) VALUES (7, 'ses' || 'ame');",
    "INSERT INTO less (id, ssn) VALUES (7, (SELECT 'sesame'));",
    "INSERT INTO less (id, ssn) VALUES (7, CASE WHEN true THEN 'sesame' END);",
    "INSERT INTO less (id, ssn) VALUES (7, U&'sesame');",
    "INSERT INTO less VALUES (7, 'sesame');",
    "INSERT INTO less (id, ssn) SELECT 7, 'sesame';",
    "INSERT INTO less (id, ssn) SELECT id, note FROM less;",
    "INSERT INTO less_view (id, s) VALUES (7, 'sesame');",
    "INSERT INTO less (id, ssn) VALUES (7, 'x') ON CONFLICT (id) DO UPDATE SET ssn = excluded.note;",
    "UPDATE less SET ssn = note;",
    "UPDATE less SET (ssn, note) = (SELECT 'sesame', 'x');",
    "MERGE INTO less USING (SELECT 77 AS id, 'x' AS note) s ON less.id = s.id WHEN NOT MATCHED THEN INSERT (id, note, ssn) VALUES (s.*, 'sesame');",
    "CREATE TYPE pair AS (id int, note text); INSERT INTO less (id, note, ssn) VALUES ((ROW(77, 'x')::pair).*, 'sesame');",
    "WITH n AS (SELECT 'sesame' AS v) UPDATE less SET ssn = n.v FROM n;",
    "MERGE INTO less USING (VALUES ('sesame')) v (v) ON true WHEN MATCHED THEN UPDATE SET ssn = v.v;",
    "COPY (UPDATE less SET ssn = 'sesame' RETURNING id) TO STDOUT;",
    "EXPLAIN ANALYZE UPDATE less SET ssn = 'sesame';",
    "PREPARE p AS UPDATE less SET ssn = $1; EXECUTE p('sesame');",
    "PREPARE p (text) AS UPDATE less SET ssn = $1; EXECUTE p('sesame');",
    "ALTER TABLE less ALTER ssn SET DEFAULT 'sesame'; INSERT INTO less (id) VALUES (7);",
    "BEGIN; ALTER TABLE less RENAME ssn TO a; ALTER TABLE less RENAME note TO ssn; UPDATE less SET a = note FROM (SELECT 'sesame' AS note) s; COMMIT;",
    "BEGIN; ALTER TABLE less RENAME ssn TO harmless; UPDATE less SET harmless = 'ses' || 'ame'; COMMIT;",
    "UPDATE less SET ssn = $1, note = $1 \\bind sesame \\g",
    "UPDATE less SET ssn = $1::text \\bind sesame \\g",
    "UPDATE less SET ssn = coalesce($1, $2) \\bind sesame sesame \\g",
    "COPY less FROM STDIN;\n7\tsesame\tx\n\\.\n",
    "COPY less (id, ssn) FROM STDIN (FORMAT csv, FORCE_NOT_NULL (ssn), NULL 'sesame');\n7,sesame\n\\.\n",
    "COPY less (note, ssn, id) FROM STDIN (DELIMITER 'A');\n\\x4AAsesameA7\n\\.\n",
    "COPY less (id, ssn) FROM STDIN (ENCODING 'latin1', NULL 'sesame é');\n7\tsesame é\n\\.\n",
    "COPY less (id, ssn) FROM STDIN (ENCODING 'latin1', NULL E'sesame \\u00e9', FORMAT csv);\n7,sesame é\n\\.\n",
];

#[test]
fn no_value_is_stored_as_it_is() {
    let clients = Clients::find().unwrap();
    let policies = POLICIES.replace(r#", Action::"store_partial", Action::"store_token""#, "");
    assert_ne!(policies, POLICIES);
    let (server, weir) = museum(&clients, &policies);
    let token = weir.token("mallory", &[]);
    let through = || {
        let psql = clients.psql(Release::V18).env("PGPASSWORD", &token);
        psql.arg("-d").arg(weir.conninfo("mallory", "museum"))
    };
    let count = |what: &str| {
        server
            .psql("museum", &format!("SELECT 'count ' || count(*) FROM less WHERE to_jsonb(less)::text ~ '{what}'"))
            .unwrap()
    };
    let none = count("sesame");
    for statement in STORES {
        let said = shown(&format!("{statement}\n"), through);
        assert!(said.contains("ERROR"), "{statement}\n{said}");
        assert_eq!(count("sesame"), none, "{statement}\n{said}");
    }
    let before = count("tok_");
    for statement in [
        "INSERT INTO less (id, ssn) VALUES (8, 'sesame');",
        "INSERT INTO less (id, ssn) VALUES (9, $1) \\bind sesame \\g",
        "COPY less (id, ssn) FROM STDIN;\n10\tsesame\n\\.\n",
    ] {
        let said = shown(&format!("{statement}\n"), through);
        assert!(said.contains("Weir has stored less") && !said.contains("ERROR"), "{statement}\n{said}");
        assert_eq!(count("sesame"), none, "{statement}\n{said}");
    }
    assert_ne!(count("tok_"), before);
    weir.verify();
}
