//! Weir's own connection to a database, on which its catalog is read: it waits for nobody's locks, and is soon done.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::house::{ALL, PASSWORD, SERVER, assert_sound, before, builder, database};
use crate::wire::Session;

/// The process ids of Weir's own connections to the database.
fn own_connections() -> BTreeSet<String> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = 'crowd' AND application_name = 'weir catalog'";
    SERVER.psql("postgres", sql).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_catalog_that_changes_often_is_read_on_one_connection_that_goes_afterwards() {
    database("crowd", "");
    let mut weir = before("crowd").start();
    let mut session = Session::log_in(&weir, "alice", "crowd", &weir.token("alice", &[]));
    let mut seen = BTreeSet::new();
    for number in 0..20 {
        session.rows(&format!("CREATE TABLE t{number} (id int)"));
        session.rows(&format!("INSERT INTO t{number} VALUES (1)"));
        seen.extend(own_connections());
    }
    // One, or a few where this machine was so busy that it was closed in between.
    assert!((1..10).contains(&seen.len()), "{seen:?}");

    // The target ends it: nobody notices.
    SERVER
        .psql(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir catalog'",
        )
        .unwrap();
    session.rows("CREATE TABLE again (id int)");
    assert_eq!(session.rows("SELECT count(*) FROM again"), [["0"]]);

    // Nobody needs it: it goes, and would not be in the way of DROP DATABASE.
    drop(session);
    testkit::wait_until(Duration::from_secs(30), "the end of Weir's own connection", || own_connections().is_empty())
        .unwrap();
    assert_sound(&mut weir);
}

/// Lets the catalog be read again: a name that it does not know.
fn asks_for_unknown(session: &mut Session) -> Duration {
    let begun = Instant::now();
    session.error("SELECT * FROM nobody_knows_this").says("ERROR", "42P01", "");
    begun.elapsed()
}

#[test]
fn a_catalog_is_read_past_everybodys_locks() {
    database(
        "locked",
        "CREATE TABLE t (id int, ssn text); CREATE VIEW v AS SELECT * FROM t; CREATE MATERIALIZED VIEW m AS SELECT * FROM t;
         CREATE INDEX i ON t (id); CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SEQUENCE s;",
    );
    let weir = builder()
        .target("locked", &SERVER, "locked", ("holder", PASSWORD), &[("public.t.ssn", "pii.national_id")])
        .policies(ALL)
        .start();
    let log_in = |user: &str| Session::log_in(&weir, user, "locked", &weir.token(user, &[]));
    let (mut holder, mut other) = (log_in("alice"), log_in("bob"));
    for text in [
        "BEGIN",
        "LOCK TABLE t, v IN ACCESS EXCLUSIVE MODE",
        "ALTER TABLE t ADD COLUMN more int",
        "CREATE OR REPLACE VIEW v AS SELECT id, ssn FROM t",
        "ALTER TABLE t RENAME TO u",
        "DROP MATERIALIZED VIEW m",
        "ALTER SEQUENCE s RENAME TO s2",
        "CREATE SCHEMA fresh",
    ] {
        holder.rows(text);
        let took = asks_for_unknown(&mut other);
        assert!(took < Duration::from_secs(2), "{took:?} behind {text}");
    }
    // Who holds the locks may need the catalog as well.
    holder.rows("SAVEPOINT s");
    holder.error("SELECT * FROM nobody_knows_this_either").says("ERROR", "42P01", "");
    holder.rows("ROLLBACK TO s");
    holder.rows("COMMIT");
    // What is committed is seen at once.
    assert_eq!(other.rows("SELECT count(ssn) FROM u"), [["0"]]);
}

#[test]
fn five_thousand_tables_are_soon_read() {
    database(
        "wide",
        "DO $$ BEGIN FOR i IN 1..5000 LOOP
             EXECUTE format('CREATE TABLE t%s (id int, a text, b text, c text, d text, e text, f text, g text)', i);
             IF i % 500 = 0 THEN COMMIT; END IF;
         END LOOP; END $$",
    );
    let weir = builder()
        .target("wide", &SERVER, "wide", ("holder", PASSWORD), &[("public.t17.a", "pii.email"), ("*.*.ssn", "pii.ssn")])
        .policies(ALL)
        .start();
    let mut session = Session::log_in(&weir, "alice", "wide", &weir.token("alice", &[]));
    session.rows("SELECT 1");
    let took: Vec<Duration> = (0..3).map(|_| asks_for_unknown(&mut session)).collect();
    println!("5,000 tables: {took:?}");
    // An unoptimised build on a busy machine. What it costs when built for use stands in docs/PERFORMANCE.md.
    assert!(took.iter().min().unwrap() < &Duration::from_secs(10), "{took:?}");
}

#[test]
fn what_runs_by_name_and_is_not_there_any_more_is_looked_for_once() {
    database("gone", "CREATE TABLE lost (id int)");
    let mut weir = before("gone").start();
    let mut session = Session::log_in(&weir, "alice", "gone", &weir.token("alice", &[]));
    session.rows("PREPARE s AS SELECT * FROM lost");
    session.rows("EXECUTE s");
    session.rows("DROP TABLE lost");
    session.error("EXECUTE s").says("ERROR", "42P01", "");
    assert_sound(&mut weir);
}
