//! The museum: every way around masking that was ever found, against a superuser's account with policies that permit
//! everything but seeing (and what carries a value out of sight: storing it, and code that can't be followed). The
//! canary, and what encodings make of it, must appear in no byte that a client gets.

use std::process::Command;

use sandbox::PostgresServer;
use testkit::Clients;
use testkit::weir::Weir;

use crate::house;

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
CREATE PROCEDURE leak_notice() LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', leak_ssn(); END $$;
CREATE FUNCTION leak_op(int, int) RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM customers';
CREATE OPERATOR <~> (LEFTARG = int, RIGHTARG = int, FUNCTION = leak_op);
CREATE SCHEMA hidden; CREATE VIEW hidden.customers AS SELECT * FROM public.customers;
CREATE TABLE typed (ssn_array text[], ssn_json jsonb, ssn_row customers);
INSERT INTO typed SELECT ARRAY[ssn], jsonb_build_object('s', ssn), c FROM customers c;
CREATE EXTENSION hstore;
ANALYZE;
";

const CLASSES: [(&str, &str); 4] = [
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
        "03-77-41419".to_owned(),     // turned round by one
    ]
}

fn statements() -> Vec<&'static str> {
    STATEMENTS.lines().filter(|line| !line.is_empty() && !line.starts_with("--")).collect()
}

fn output(mut command: Command) -> String {
    let output = command.output().expect("psql can be run");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What psql shows of each statement, each in a session of its own.
fn each(statements: &[&str], end: &str, psql: impl Fn() -> Command) -> Vec<String> {
    statements
        .iter()
        .map(|statement| {
            let mut command = psql();
            command.args(["-X", "-P", "pager=off"]);
            if end.is_empty() {
                command.args(["-c", statement]);
            } else {
                let script = std::env::temp_dir().join(format!("weir-bypass-{}-{:?}.sql", std::process::id(), std::thread::current().id()));
                std::fs::write(&script, format!("{statement} {end}\n")).unwrap();
                command.arg("-f").arg(&script);
            }
            output(command)
        })
        .collect()
}

#[test]
fn no_way_around_shows_the_canary() {
    let server = PostgresServer::builder().start().expect("a private PostgreSQL");
    server.psql("postgres", "CREATE DATABASE museum").unwrap();
    server.psql("museum", SCHEMA).unwrap();
    let password = server.superuser_password().to_owned();
    let weir = Weir::builder(house::WEIR)
        .target("museum", &server, "museum", ("postgres", &password), &CLASSES)
        .policies(POLICIES)
        .start();
    let token = weir.token("mallory", &[]);
    let clients = Clients::find().unwrap();
    let statements = statements();
    let forms = forms();
    let leaks = |shown: &str| forms.iter().any(|form| shown.contains(form.as_str()));
    // Through simple protocol (psql 15) and extended protocol (psql 18's \bind).
    for (end, psql) in [("", clients.psql_15()), ("\\bind \\g", clients.psql_18())] {
        let through = || {
            let mut command = Command::new(&psql);
            command.arg(weir.conninfo("mallory", "museum")).env("PGPASSWORD", &token);
            command
        };
        for (statement, shown) in statements.iter().zip(each(&statements, end, through)) {
            assert!(!leaks(&shown), "{statement} {end}\nshows the canary:\n{shown}");
            assert!(!shown.contains("server closed the connection"), "{statement} {end}\nended the session:\n{shown}");
        }
    }
    // The museum is one: asked directly, most of its pieces do show it.
    let direct = || {
        let mut command = Command::new(clients.psql_15());
        command.arg(format!("host=127.0.0.1 port={} dbname=museum user=postgres", server.port()));
        command.env("PGPASSWORD", &password);
        command
    };
    let leaking = each(&statements, "", direct).iter().filter(|shown| leaks(shown)).count();
    assert!(leaking * 2 > statements.len(), "only {leaking} of {} leak directly", statements.len());
    weir.verify();
}
