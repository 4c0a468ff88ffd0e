//! `weir discover` before a real catalog.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::house::{PASSWORD, SERVER, before, builder, database, run};
use crate::wire::Session;

const SCHEMA: &str = r#"
CREATE DOMAIN mail AS text;
CREATE TABLE customers (id bigint, email mail, code varchar(20), "Pay card" numeric, note text, birth_date date, paid bool,
    raw bytea, profile jsonb, mails text[], seen text, blank text, price float8);
INSERT INTO customers SELECT n, 'jane' || n || '@example.com', '536-90-' || lpad(n::text, 4, '0'), 4111111111111111,
    CASE WHEN n % 10 = 0 THEN 'please call +49 30 901820 or write to joe' || n || '@example.org, thank you' ELSE 'nothing to say' END,
    date '1980-02-03' + n, true, convert_to('536-90-' || lpad(n::text, 4, '0'), 'UTF8'),
    jsonb_build_object('name', 'x', 'contact', jsonb_build_object('email', 'jane' || n || '@example.net'), 'theme', repeat('dark ', 20)),
    ARRAY['bob' || n || '@example.com'], 'jane' || n || '@example.com', NULL, 1.5 FROM generate_series(1, 300) AS n;
CREATE VIEW mails AS SELECT email FROM customers;
CREATE TABLE events (id int, who text) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (1000);
INSERT INTO events SELECT n, 'bob' || n || '@example.com' FROM generate_series(1, 100) AS n;
CREATE TABLE nobody (email text);
CREATE TABLE numbers (a float8, b bool);
CREATE TABLE held (email text);
INSERT INTO held VALUES ('kim@example.com');
CREATE TABLE large (id int, who text);
INSERT INTO large SELECT n, CASE WHEN n > 150000 THEN 'ann' || n || '@example.com' ELSE 'nobody' END FROM generate_series(1, 200000) AS n;
ANALYZE large;
CREATE SCHEMA "odd.one";
CREATE TABLE "odd.one"."t ""x""" ("a.b" text);
INSERT INTO "odd.one"."t ""x""" VALUES ('lea@example.com');
"#;

/// What only the superuser may make.
const OTHERS: &str = "CREATE TABLE closed (email text); INSERT INTO closed VALUES ('eve@example.com');
CREATE TABLE hidden (email text); INSERT INTO hidden VALUES ('sue@example.com'); GRANT SELECT ON hidden TO holder;
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON hidden FOR SELECT TO holder USING (false);";

#[test]
fn columns_that_hold_something_are_proposed_and_what_was_not_looked_at_is_said() {
    database("discovered", SCHEMA);
    SERVER.psql("discovered", OTHERS).unwrap();
    let classes = [("public.customers.seen", "pii.email")];
    let mut weir = builder().target("discovered", &SERVER, "discovered", ("holder", PASSWORD), &classes).start();
    let mut session = Session::log_in(&weir, "alice", "discovered", &weir.token("alice", &[]));
    session.rows("BEGIN");
    session.rows("LOCK TABLE held IN ACCESS EXCLUSIVE MODE");

    let (code, out, err) = run(&weir, &["discover", "discovered"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("# Under [targets.discovered.classes], which is there already:\n"), "{out}");
    let proposed: Vec<(String, String)> = out
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.parse::<toml::Table>().unwrap_or_else(|wrong| panic!("{line}: {wrong}")))
        .flat_map(|table| table.into_iter().map(|(column, class)| (column, class.as_str().unwrap().to_owned())))
        .collect();
    let proposed: Vec<_> = proposed.iter().map(|(column, class)| (column.as_str(), class.as_str())).collect();
    assert_eq!(
        proposed,
        [
            ("odd.one.t \"x\".a.b", "pii.email"),
            ("public.customers.email", "pii.email"),
            ("public.customers.code", "pii.national_id"),
            ("public.customers.Pay card", "pci.card"),
            ("public.customers.birth_date", "pii.birth_date"),
            ("public.customers.raw", "pii.national_id"),
            ("public.customers.mails", "pii.email"),
            ("public.events.who", "pii.email"),
        ],
        "{out}"
    );
    for line in ["# \"public.customers.note\"", "# \"public.customers.profile\"", "# \"public.large.who\""] {
        assert!(out.lines().any(|said| said.starts_with(line)), "{line}:\n{out}");
    }
    assert!(out.contains("email in 300 of 300 cells; j***@e***.com"), "{out}");
    for said in [
        "not looked at: a view: what it shows is other tables': public.mails\n",
        "not looked at: a partition: it is looked at with the table that it is part of: public.events_1\n",
        "not looked at: locked by somebody: public.held\n",
        "not looked at: row security hides rows of it from Weir's role: public.hidden\n",
        "not looked at: no column of it is to be looked at: public.closed, public.numbers\n",
        "without rows: public.nobody\n",
        ": classified already\n",
    ] {
        assert!(err.contains(said), "{said}\n--- said:\n{err}");
    }
    for value in ["jane1", "536-90-", "411111111111", "1980-02", "joe10@", "lea@", "ann1"] {
        assert!(!out.contains(value) && !err.contains(value), "{value} left:\n{out}{err}");
    }

    let (code, out, err) = run(
        &weir,
        &["discover", "discovered", "--json", "--limit", "50", "--tables", "public.cust*", "--tables", "*.large"],
    );
    assert_eq!(code, 0, "{err}");
    let json: Value = serde_json::from_str(&out).unwrap();
    let column = |name: &str| json["columns"].as_array().unwrap().iter().find(|column| column["column"] == name);
    let email = column("public.customers.email").unwrap();
    assert_eq!((&email["proposed"], &email["cells"], &email["looked_at"]), (&true.into(), &50.into(), &50.into()));
    assert!(email["confidence"].as_f64().unwrap() > 0.9, "{email}");
    assert_eq!(json["coverage"]["tables_looked_at"], 2);
    assert!(json["coverage"]["rows_looked_at"].as_u64().unwrap() <= 100, "{}", json["coverage"]);
    assert!(!out.contains("jane"), "{out}");

    // What nobody has classified is looked at also where it is hidden for that.
    let lines = format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\nunclassified = \"hide\"\n", SERVER.port());
    let hiding = builder().target_with("discovered", "discovered", ("holder", PASSWORD), &lines, &classes).write();
    let (code, out, err) = run(&hiding, &["discover", "discovered", "--tables", "public.customers"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("\"public.customers.email\"") && !out.contains("customers.seen"), "{out}{err}");

    session.rows("COMMIT");
    for (args, code, said) in [
        (&["discoverd"][..], 2, "did you mean \"discovered\"?"),
        (&["discovered/other"], 2, "has no database \"other\""),
        (&["discovered", "--limit", "0"], 2, "0 is not in"),
    ] {
        let (got, out, err) = run(&weir, &[&["discover"], args].concat());
        assert!(got == code && out.is_empty() && err.contains(said), "{args:?}: {got} {err}");
    }
    drop(session);
    crate::house::assert_sound(&mut weir);
}

#[test]
fn a_target_that_does_not_answer_is_said_to_be_the_reason() {
    let port = testkit::free_port().unwrap();
    let lines = format!("address = \"127.0.0.1:{port}\"\ntls = \"off\"\n");
    let weir = builder().target_with("gone", "gone", ("holder", PASSWORD), &lines, &[]).write();
    let (code, out, err) = run(&weir, &["discover", "gone"]);
    assert!(code == 1 && out.is_empty() && err.contains("error: \"gone\" can't be read: cannot connect"), "{err}");
    assert!(!err.contains(PASSWORD), "{err}");
}

#[test]
fn two_hundred_tables_take_minutes_at_most() {
    let tables = "DO $$ BEGIN FOR n IN 1..200 LOOP
        EXECUTE format('CREATE TABLE t%s (id bigint, name text, email text, phone text, note text, made timestamptz, total numeric)', n);
        EXECUTE format('INSERT INTO t%s SELECT i, md5(i::text), ''u'' || i || ''@example.com'', ''+4930'' || (9018200 + i),
            repeat(md5(i::text) || '' '', 5), now(), i * 1.5 FROM generate_series(1, 2000) AS i', n);
        END LOOP; END $$; ANALYZE";
    database("many", tables);
    let weir = before("many").write();
    let began = Instant::now();
    let (code, out, err) = run(&weir, &["discover", "many"]);
    let took = began.elapsed();
    assert_eq!(code, 0, "{err}");
    println!("weir discover of 200 tables, {} bytes of proposals: {took:?}", out.len());
    assert!(out.starts_with("[targets.many.classes]\n"), "{out}");
    let mails = out.lines().filter(|line| line.contains(".email\"") && line.contains("\"pii.email\"")).count();
    assert_eq!(mails, 200, "{out}");
    assert!(err.contains("rows of 200 tables; not at 0 tables"), "{err}");
    assert!(took < Duration::from_secs(300), "{took:?}");
}
