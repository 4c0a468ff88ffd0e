//! One session that streams beside many that ask for single rows: what it does to their latency.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use super::client::Result;
use super::pgbench::{self, POINT};
use super::roads::{House, Road};
use super::{Extent, median};

const SESSIONS: &str = "100";
/// Queries a second of all sessions together: far below what any road can do, so that latency is not that of a queue.
const RATE: &str = "2000";
/// What one query of the streaming session gives: about 100 MB.
const STREAM: &str = "SELECT generate_series(1, 100000), repeat('weir', 256)";

/// What one run took, in milliseconds; and the pace of the stream beside it.
struct Run {
    p50: f64,
    p99: f64,
    most: f64,
    megabytes: f64,
}

/// Prints the table.
pub fn run(house: &House, extent: Extent) {
    // Percentiles want more than a moment.
    let seconds = (extent.seconds * 2).to_string();
    println!(
        "point queries of {SESSIONS} sessions, {RATE}/s together, prepared, after their first second; alone and beside one \
         session that streams; median of {} runs of {seconds} s",
        extent.rounds
    );
    println!("{:<18} {:<10} {:>8} {:>8} {:>8} {:>12}", "", "road", "p50 ms", "p99 ms", "most ms", "stream MB/s");
    let mut alone: [Vec<Run>; 3] = Default::default();
    let mut beside: [Vec<Run>; 3] = Default::default();
    for _ in 0..extent.rounds {
        for (at, road) in house.roads.iter().enumerate() {
            alone[at].push(points(house, road, &seconds));
            match streaming(house, road, &seconds) {
                Ok(run) => beside[at].push(run),
                Err(failure) => println!("{:<18} {:<10} failed: {failure}", "beside a stream", road.name),
            }
        }
    }
    for (what, all) in [("alone", &alone), ("beside a stream", &beside)] {
        for (road, runs) in house.roads.iter().zip(all) {
            let of = |part: fn(&Run) -> f64| median(runs.iter().map(part).collect());
            println!(
                "{what:<18} {:<10} {:>8.2} {:>8.2} {:>8.2} {:>12.0}",
                road.name,
                of(|run| run.p50),
                of(|run| run.p99),
                of(|run| run.most),
                of(|run| run.megabytes)
            );
        }
    }
}

fn streaming(house: &House, road: &Road, seconds: &str) -> Result<Run> {
    let mut client = road.connect()?;
    client.discard("SELECT 1")?;
    let (over, bytes) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let stream = scope.spawn(|| -> Result<()> {
            while !over.load(Ordering::Relaxed) {
                bytes.fetch_add(client.discard(STREAM)?.bytes, Ordering::Relaxed);
            }
            Ok(())
        });
        let begun = Instant::now();
        let run = points(house, road, seconds);
        let megabytes = bytes.load(Ordering::Relaxed) as f64 / 1e6 / begun.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        stream.join().expect("the stream does not panic")?;
        Ok(Run { megabytes, ..run })
    })
}

/// Runs the point queries and reads each one's latency from pgbench's logs.
fn points(house: &House, road: &Road, seconds: &str) -> Run {
    let folder = tempfile::tempdir_in(pgbench::folder()).expect("a temporary folder");
    let prefix = folder.path().join("log").display().to_string();
    let arguments =
        ["-M", "prepared", "-c", SESSIONS, "-j", "2", "-R", RATE, "-T", seconds, "--log", "--log-prefix", &prefix];
    pgbench::run(house, road, POINT, &arguments);
    let files = fs::read_dir(folder.path()).expect("pgbench's logs").flatten();
    let texts = files.map(|file| fs::read_to_string(file.path()).unwrap_or_default());
    // client, number, latency in µs (from when it was due), script, second in which it ended, …
    let ended: Vec<(f64, u64)> = texts
        .flat_map(|text| {
            let of = |line: &str| {
                let mut fields = line.split(' ').skip(2);
                Some((fields.next()?.parse().ok()?, fields.nth(1)?.parse().ok()?))
            };
            text.lines().filter_map(of).collect::<Vec<_>>()
        })
        .collect();
    // The first statements of a hundred new sessions, all at once, are another matter.
    let first = ended.iter().map(|(_, second)| *second).min().unwrap_or(0);
    let settled = ended.iter().filter(|(_, second)| *second > first + 1);
    let mut latencies: Vec<f64> = settled.map(|(microseconds, _)| microseconds / 1000.0).collect();
    latencies.sort_by(f64::total_cmp);
    let at =
        |part: usize| latencies.get(latencies.len() * part / 1000).or(latencies.last()).copied().unwrap_or(f64::NAN);
    Run { p50: at(500), p99: at(990), most: at(1000), megabytes: 0.0 }
}
