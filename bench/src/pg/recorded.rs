//! What a full recording costs: the same target recorded and not, in turn, and the bytes that recordings take on the disk.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::pgbench;
use super::roads::{House, RECORDED, Road, failures};
use super::streams::{Run, measure, queries};
use super::{Extent, median};

/// Prints the tables.
pub fn run(house: &House, extent: Extent) {
    let [.., weir] = &house.roads;
    let of = |name, database| Road { name, database, tls: weir.tls.clone(), password: weir.password.clone(), ..*weir };
    let roads = [of("off", weir.database), of("full", RECORDED)];
    println!(
        "full recording beside none; point selects by pgbench, median of {} runs of {} s",
        extent.rounds, extent.seconds
    );
    println!(
        "{:<16} {:<10} {:>7} {:<10} {:>9} {:>13} {:>9}",
        "statement", "protocol", "clients", "recording", "tps", "CPU µs/query", "time ×"
    );
    let seconds = extent.seconds.to_string();
    let mut ratios = Vec::new();
    for (what, script) in [("point", pgbench::POINT), ("three masked", pgbench::MASKED)] {
        for protocol in ["simple", "prepared"] {
            for clients in ["1", "8", "32"] {
                let arguments = ["-M", protocol, "-c", clients, "-j", "1", "-T", &seconds];
                let mut runs = [Vec::new(), Vec::new()];
                for _ in 0..extent.rounds {
                    for (road, runs) in roads.iter().zip(&mut runs) {
                        runs.push(pgbench::run(house, road, script, &arguments));
                    }
                }
                let part =
                    |runs: &[pgbench::Run], part: fn(&pgbench::Run) -> f64| median(runs.iter().map(part).collect());
                let off = part(&runs[0], |run| run.tps);
                for (road, runs) in roads.iter().zip(&runs) {
                    let tps = part(runs, |run| run.tps);
                    if road.name == "full" {
                        ratios.push(off / tps);
                    }
                    println!(
                        "{what:<16} {protocol:<10} {clients:>7} {:<10} {tps:>9.0} {:>13.1} {:>9.2}",
                        road.name,
                        part(runs, |run| run.cpu_us),
                        off / tps
                    );
                }
            }
        }
    }
    println!("time with full recording, geometric mean of {} cells: {:.2} times", ratios.len(), mean(&ratios));

    println!(
        "\n{:<30} {:<10} {:>8} {:>7} {:>9} {:>9} {:>14}",
        "rows", "recording", "seconds", "MB", "CPU s", "time ×", "disk/raw byte"
    );
    let mut ratios = Vec::new();
    for (what, sql) in queries() {
        let mut runs = [Vec::new(), Vec::new()];
        let mut on_disk = Vec::new();
        for _ in 0..extent.rounds {
            for (road, runs) in roads.iter().zip(&mut runs) {
                let before = bytes(&house.weir.state().join("recordings"));
                let run = || {
                    let mut client = road.connect()?;
                    measure(road, || Ok(client.discard(&sql)?.bytes))
                };
                runs.push(run());
                if road.name == "full" {
                    // It is complete a moment after its session.
                    sleep(Duration::from_secs(2));
                    on_disk.push((bytes(&house.weir.state().join("recordings")) - before) as f64 / 1e6);
                    let _ = fs::remove_dir_all(house.weir.state().join("recordings").join(today()));
                }
            }
        }
        let of = |runs: &[super::client::Result<Run>], part: fn(&Run) -> f64| {
            median(runs.iter().flatten().map(part).collect())
        };
        let off = of(&runs[0], |run| run.seconds);
        for (road, runs) in roads.iter().zip(&runs) {
            if let Some(failures) = failures(runs) {
                println!("{what:<30} {:<10} {failures}", road.name);
                continue;
            }
            let (seconds, megabytes) = (of(runs, |run| run.seconds), of(runs, |run| run.megabytes));
            let disk = if road.name == "full" { median(on_disk.clone()) / megabytes } else { 0.0 };
            if road.name == "full" {
                ratios.push(seconds / off);
            }
            println!(
                "{what:<30} {:<10} {seconds:>8.3} {megabytes:>7.1} {:>9.2} {:>9.2} {disk:>14.3}",
                road.name,
                of(runs, |run| run.cpu_seconds),
                seconds / off
            );
        }
    }
    println!("time with full recording, geometric mean of {} queries: {:.2} times", ratios.len(), mean(&ratios));
}

fn mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

/// Bytes of all files in a folder.
fn bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

/// The folder of today's recordings, if there is one.
fn today() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    jiff::Timestamp::from_second(i64::try_from(now).unwrap_or(0))
        .map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%d").to_string())
}
