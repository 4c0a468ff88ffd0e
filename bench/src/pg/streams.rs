//! 300,000 wide rows by SELECT, to a caller that reads and discards: what is measured is the road, not a driver.

use std::time::Instant;

use super::client::Result;
use super::roads::{BOUNCER, House, LOOKED, Road, failures};
use super::{Extent, median};

/// How many rows each query gives.
pub const ROWS: u32 = 300_000;

/// The query in whose tables nothing is classified: every road must bring the same bytes.
const OPEN: &str = "nine columns, none classified";

/// What is read: a name, and the query.
pub fn queries() -> [(&'static str, String); 3] {
    [
        (
            OPEN,
            format!(
                "SELECT p.id, p.sku, p.name, p.category, p.price, p.attributes, p.tags, p.active, repeat(p.sku, 10) AS padding \
                 FROM products p CROSS JOIN generate_series(1, 500) LIMIT {ROWS}"
            ),
        ),
        (
            "ten columns, three masked",
            format!(
                "SELECT c.id, c.public_id, c.name, c.email, c.card, c.city, c.country, c.created_at, c.preferences, c.tags \
                 FROM customers c CROSS JOIN generate_series(1, 3) LIMIT {ROWS}"
            ),
        ),
        (
            "ten columns, six masked",
            format!(
                "SELECT c.id, c.name, c.email, c.card, c.ssn, c.phone, c.city, c.country, c.created_at, c.birth_date \
                 FROM customers c CROSS JOIN generate_series(1, 3) LIMIT {ROWS}"
            ),
        ),
    ]
}

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub seconds: f64,
    /// Of the process between.
    pub cpu_seconds: f64,
    /// What the caller received, or sent.
    pub megabytes: f64,
}

/// Prints the table.
pub fn run(house: &House, extent: Extent) {
    println!("{ROWS} wide rows by SELECT, simple query, read and discarded; median of {} runs", extent.rounds);
    heading();
    for (what, sql) in queries() {
        line(house, extent, what, |road| {
            let mut client = road.connect()?;
            measure(road, || {
                let seen = client.discard(&sql)?;
                if seen.rows == u64::from(ROWS) {
                    Ok(seen.bytes)
                } else {
                    Err(format!("{} rows came", seen.rows).into())
                }
            })
        });
    }
    looked_at(house, extent);
}

/// What it costs to look at every value: nine columns of text, of a target whose values are looked at and of one whose values are not.
fn looked_at(house: &House, extent: Extent) {
    let sql = format!(
        "SELECT p.sku, p.name, p.category, p.price::text, p.attributes::text, p.tags::text, p.active::text, p.id::text, \
         repeat(p.name || ' ', 10) FROM products p CROSS JOIN generate_series(1, 500) LIMIT {ROWS}"
    );
    let [.., weir] = &house.roads;
    let of = |name, database| Road { name, database, tls: weir.tls.clone(), password: weir.password.clone(), ..*weir };
    let roads = [of("not looked", weir.database), of("looked at", LOOKED)];
    let mut runs = [Vec::new(), Vec::new()];
    for _ in 0..extent.rounds {
        for (road, runs) in roads.iter().zip(&mut runs) {
            let run = || {
                let mut client = road.connect()?;
                measure(road, || Ok(client.discard(&sql)?.bytes))
            };
            runs.push(run());
        }
    }
    println!("{:<30} {:<10} {:>8} {:>7} {:>9} {:>10} {:>9}", "", "Weir", "seconds", "MB", "CPU s", "CPU s/GB", "× not");
    let of = |runs: &[Result<Run>], part: fn(&Run) -> f64| median(runs.iter().flatten().map(part).collect());
    let unlooked = of(&runs[0], |run| run.seconds);
    for (road, runs) in roads.iter().zip(&runs) {
        if let Some(failures) = failures(runs) {
            println!("{:<30} {:<10} {failures}", "nine columns of text", road.name);
            continue;
        }
        let (seconds, cpu, megabytes) =
            (of(runs, |run| run.seconds), of(runs, |run| run.cpu_seconds), of(runs, |run| run.megabytes));
        println!(
            "{:<30} {:<10} {seconds:>8.3} {megabytes:>7.1} {cpu:>9.2} {:>10.2} {:>9.2}",
            "nine columns of text",
            road.name,
            cpu / megabytes * 1000.0,
            seconds / unlooked
        );
    }
}

/// The names of the columns that [`line`] prints.
pub fn heading() {
    println!(
        "{:<30} {:<10} {:>8} {:>7} {:>9} {:>10} {:>9}",
        "rows", "road", "seconds", "MB", "CPU s", "CPU s/GB", "× bouncer"
    );
}

/// Times this work; it gives the number of bytes that it moved.
pub fn measure(road: &Road, work: impl FnOnce() -> Result<u64>) -> Result<Run> {
    let before = road.cpu_seconds();
    let begun = Instant::now();
    let bytes = work()?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Run { seconds, cpu_seconds: road.cpu_seconds() - before, megabytes: bytes as f64 / 1e6 })
}

/// Measures on each road in turn, and prints a line for each.
pub fn line(house: &House, extent: Extent, what: &str, run: impl FnMut(&Road) -> Result<Run>) {
    let runs = house.in_turn(extent.rounds, run);
    let of = |runs: &[Result<Run>], part: fn(&Run) -> f64| median(runs.iter().flatten().map(part).collect());
    let bouncer = of(&runs[BOUNCER], |run| run.seconds);
    let bytes = of(&runs[BOUNCER], |run| run.megabytes);
    for (road, runs) in house.roads.iter().zip(&runs) {
        if let Some(failures) = failures(runs) {
            println!("{what:<30} {:<10} {failures}", road.name);
            continue;
        }
        let (seconds, cpu, megabytes) =
            (of(runs, |run| run.seconds), of(runs, |run| run.cpu_seconds), of(runs, |run| run.megabytes));
        if what == OPEN && (megabytes - bytes).abs() > bytes / 1000.0 {
            println!("{what:<30} {:<10} {megabytes:.1} MB came and not {bytes:.1}: this compares nothing", road.name);
            continue;
        }
        println!(
            "{what:<30} {:<10} {seconds:>8.3} {megabytes:>7.1} {cpu:>9.2} {:>10.2} {:>9.2}",
            road.name,
            cpu / megabytes * 1000.0,
            seconds / bouncer
        );
    }
}
