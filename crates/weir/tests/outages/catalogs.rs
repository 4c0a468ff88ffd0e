//! Weir's own connection to a database, on which its catalog is read.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::house::{SERVER, assert_sound, before, database};
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
