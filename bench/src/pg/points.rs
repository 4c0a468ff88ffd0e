//! Point selects: the smallest operation, so the largest part of Weir in it.

use super::pgbench::{self, Run};
use super::roads::{BOUNCER, House};
use super::{Extent, median};

/// Prints the table of one statement.
pub fn run(what: &str, script: &str, house: &House, extent: Extent) {
    println!("{what}, pgbench, median of {} runs of {} s", extent.rounds, extent.seconds);
    println!(
        "{:<10} {:>7}  {:<10} {:>9} {:>11} {:>13} {:>9}",
        "protocol", "clients", "road", "tps", "latency µs", "CPU µs/query", "× bouncer"
    );
    let seconds = extent.seconds.to_string();
    let mut ratios = Vec::new();
    for protocol in ["simple", "extended", "prepared"] {
        for clients in ["1", "8", "32"] {
            let arguments = ["-M", protocol, "-c", clients, "-j", "1", "-T", &seconds];
            let runs = house.in_turn(extent.rounds, |road| pgbench::run(house, road, script, &arguments));
            let of = |runs: &[Run], part: fn(&Run) -> f64| median(runs.iter().map(part).collect());
            let bouncer = of(&runs[BOUNCER], |run| run.tps);
            for (road, runs) in house.roads.iter().zip(&runs) {
                let tps = of(runs, |run| run.tps);
                if road.name == "Weir" {
                    ratios.push(tps / bouncer);
                }
                println!(
                    "{protocol:<10} {clients:>7}  {:<10} {tps:>9.0} {:>11.0} {:>13.1} {:>9.2}",
                    road.name,
                    of(runs, |run| run.latency_us),
                    of(runs, |run| run.cpu_us),
                    tps / bouncer,
                );
            }
        }
    }
    let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    println!("Weir / PgBouncer, geometric mean of {} cells: {mean:.2}", ratios.len());
}
