//! pgbench, as the caller.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::roads::{House, Road};

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub tps: f64,
    pub latency_us: f64,
    /// Of the process between, for each transaction.
    pub cpu_us: f64,
}

/// A point query with another literal each time.
pub const POINT: &str = "\\set id random(1, 500000)\nSELECT id, status, total_cents FROM orders WHERE id = :id;\n";

/// One of a customer, of whose columns three are masked.
pub const MASKED: &str =
    "\\set id random(1, 100000)\nSELECT id, email, card, ssn, city, created_at FROM customers WHERE id = :id;\n";

/// Runs this script by this road, with these arguments of pgbench's, and reads what it says.
pub fn run(house: &House, road: &Road, script: &str, arguments: &[&str]) -> Run {
    let file = folder().join(format!("weir-bench-{}.sql", house.postgres.port()));
    fs::write(&file, script).expect("a script file");
    let mut command = Command::new(house.postgres.installation().program("pgbench"));
    command.arg("-n").arg("-f").arg(&file).args(arguments);
    command.args(["-h", "127.0.0.1", "-p", &road.port.to_string(), "-U", road.user]).arg(road.database);
    let mode = if road.tls.is_some() { "require" } else { "disable" };
    command.env("PGPASSWORD", &road.password).env("PGSSLMODE", mode).env("PGGSSENCMODE", "disable");
    let before = road.cpu_seconds();
    let output = command.stdin(Stdio::null()).output().expect("pgbench can be run");
    let spent = road.cpu_seconds() - before;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}: {text}{}", road.name, String::from_utf8_lossy(&output.stderr));
    let number = |line: &str| -> f64 {
        let found = text.lines().find_map(|at| at.trim().strip_prefix(line));
        let word = found.and_then(|found| found.split_whitespace().next());
        // It says nothing of rates when not one transaction ended in time.
        word.and_then(|word| word.split('/').next()?.parse().ok()).unwrap_or(f64::NAN)
    };
    let transactions = number("number of transactions actually processed:");
    Run {
        tps: number("tps ="),
        latency_us: number("latency average =") * 1000.0,
        cpu_us: spent / transactions * 1_000_000.0,
    }
}

/// Where scripts and logs of pgbench go.
pub fn folder() -> PathBuf {
    std::env::temp_dir()
}
