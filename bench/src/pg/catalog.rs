//! Reading the catalog of a database with 5,000 tables: the time that a statement takes which needs it read again, and what it holds
//! in memory.

use std::time::Instant;

use sandbox::shop;

use super::roads::House;
use super::{Extent, median, process};

const TABLES: u32 = 5000;
/// Tables made in one transaction: each takes locks.
const AT_ONCE: u32 = 250;

/// Prints the table.
pub fn run(house: &House, extent: Extent) {
    let [_, _, weir] = &house.roads;
    let Some(pid) = weir.pid else { return };
    let mut client = weir.connect().expect("a session");
    client.discard("SELECT id FROM products WHERE id = 1").expect("a statement");
    let before = process::resident_kib(pid);
    house.postgres.psql(shop::DATABASE, "CREATE SCHEMA wide").expect("a schema");
    for first in (0..TABLES).step_by(AT_ONCE as usize) {
        let make = format!(
            "DO $$ BEGIN FOR n IN {first}..{} LOOP EXECUTE format('CREATE TABLE wide.t%s (id int PRIMARY KEY, name text, \
             email text, city text, born date, amount numeric, tags text[], made timestamptz, note text, doc jsonb)', n); \
             END LOOP; END $$",
            first + AT_ONCE - 1
        );
        house.postgres.psql(shop::DATABASE, &make).expect("tables");
    }
    house.postgres.psql(shop::DATABASE, "GRANT USAGE ON SCHEMA wide TO weir_shop").expect("a grant");
    let (mut read, mut known) = (Vec::new(), Vec::new());
    for round in 0..extent.rounds {
        // A name that Weir has not seen makes it look.
        let new = format!("CREATE TABLE wide.new_{round} (); GRANT SELECT ON wide.new_{round} TO weir_shop");
        house.postgres.psql(shop::DATABASE, &new).expect("a table");
        let statement = format!("SELECT FROM wide.new_{round}");
        for times in [&mut read, &mut known] {
            let begun = Instant::now();
            client.discard(&statement).expect("a statement");
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let rise = (process::resident_kib(pid) - before) / 1024.0;
    println!("a catalog of {TABLES} tables with ten columns each, median of {} readings", extent.rounds);
    println!("{:<60} {:>10.1} ms", "a statement for which it is read", median(read));
    println!("{:<60} {:>10.1} ms", "the same again", median(known));
    println!("{:<60} {rise:>10.1} MiB", "memory that Weir has more than before");
}
