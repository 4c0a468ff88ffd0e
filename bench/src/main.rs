//! What Weir costs. `scripts/bench` builds this in release and runs it.
//!
//! * `pg`: a direct connection, PgBouncer (session pooling) and Weir in turn, round after round, and the medians: what a
//!   busy machine does to one it does to all.
//! * `seam`: the cost of deciding, committing and forwarding one operation, in process.
//!
//! Not a test: it judges nothing. The table it prints goes to docs/PERFORMANCE.md by hand, with date and machine.

mod pg;
mod seam;

use std::process::ExitCode;

const USAGE: &str = "\
usage: scripts/bench [pg] [seam] [--rounds N] [--seconds N]

  pg             point selects and streams: direct, PgBouncer, Weir
  seam           one operation through the gate, in nanoseconds
  --rounds N     how often each is measured (default 5)
  --seconds N    how long each point-select measurement runs (default 3)

Without a name, both run.";

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    rounds: usize,
    seconds: u32,
}

fn main() -> ExitCode {
    let mut extent = Extent { rounds: 5, seconds: 3 };
    let (mut pg, mut seam) = (false, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "pg" => pg = true,
            "seam" => seam = true,
            "--rounds" | "--seconds" => {
                let Some(number) = args.next().and_then(|text| text.parse::<u32>().ok()).filter(|n| *n > 0) else {
                    eprintln!("{arg} takes a number\n{USAGE}");
                    return ExitCode::from(2);
                };
                match arg.as_str() {
                    "--rounds" => extent.rounds = number as usize,
                    _ => extent.seconds = number,
                }
            }
            "--help" | "-h" => {
                println!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            other => {
                eprintln!("there is no benchmark {other}\n{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let both = !pg && !seam;
    if seam || both {
        seam::run();
    }
    if pg || both {
        pg::run(extent);
    }
    ExitCode::SUCCESS
}

/// The middle of some measurements.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
