//! What one idle session costs in memory, when there are many.

use std::time::Duration;

use super::Extent;
use super::client::{Client, Result};
use super::process;
use super::roads::{House, Road};

/// How long sessions rest before memory is looked at.
const REST: Duration = Duration::from_secs(5);

/// Prints the table.
pub fn run(extent: Extent) {
    let sessions = extent.sessions;
    eprintln!("starting PostgreSQL with room for {sessions} sessions …");
    let house = House::build(100, sessions + 50);
    println!(
        "{sessions} sessions with TLS that have run one query and are idle, each with its connection to the server"
    );
    println!("{:<10} {:>12} {:>12} {:>12} {:>12}", "road", "before MiB", "idle MiB", "KiB each", "logins/s");
    // PgBouncer last: it keeps its connections to the server for a while, and there is room for one road's only.
    let mut roads: Vec<_> = house.between().collect();
    roads.reverse();
    for (road, pid) in roads {
        if let Err(failure) = print(road, pid, sessions) {
            println!("{:<10} failed: {}", road.name, failure.to_string().replace('\n', " "));
        }
        if road.name == "Weir" {
            let gone = testkit::wait_until(Duration::from_secs(60), "the end of Weir's sessions", || {
                let left =
                    house.postgres.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE client_port > 0");
                left.is_ok_and(|left| left.trim().parse::<u32>().is_ok_and(|left| left < 20))
            });
            gone.expect("sessions end with their callers");
        }
    }
}

fn print(road: &Road, pid: u32, sessions: u32) -> Result<()> {
    // What one session alone brings (policies sliced, catalog read) belongs to no session.
    road.connect()?.discard("SELECT 1")?;
    let before = process::resident_kib(pid);
    let begun = std::time::Instant::now();
    let mut open: Vec<Client> = Vec::new();
    for _ in 0..sessions {
        let mut client = road.connect()?;
        client.discard("SELECT id, status FROM orders WHERE id = 17")?;
        open.push(client);
    }
    let rate = f64::from(sessions) / begun.elapsed().as_secs_f64();
    std::thread::sleep(REST);
    let idle = process::resident_kib(pid);
    println!(
        "{:<10} {:>12.1} {:>12.1} {:>12.1} {rate:>12.0}",
        road.name,
        before / 1024.0,
        idle / 1024.0,
        (idle - before) / f64::from(sessions)
    );
    // They live still, all of them.
    for client in [0, open.len() / 2, open.len() - 1] {
        open[client].discard("SELECT 1")?;
    }
    Ok(())
}
