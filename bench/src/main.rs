//! What Weir costs. `scripts/bench` builds this in release and runs it.
//!
//! * `pg`: a direct connection, PgBouncer (session pooling) and Weir in turn, round after round, and the medians: what a
//!   busy machine does to one it does to all. In parts, each a module of its own.
//! * `seam`: the cost of deciding, committing and forwarding one operation, in process.
//! * `lineage`: the cost of reading a statement and following its values, and of a catalog of many tables.
//! * `detect`: the cost of looking for sensitive data in rows, logs and prose.
//!
//! Not a test: it judges nothing. The tables it prints go to docs/PERFORMANCE.md by hand, with date and machine.

mod detection;
mod lineage;
mod pg;
mod seam;

use std::process::ExitCode;

use pg::{Extent, Part};

const USAGE: &str = "\
usage: scripts/bench [pg [PART…]] [seam] [lineage] [detect] [options]

  pg             direct, PgBouncer and Weir, in turn; all parts, or those named:
      points     point selects: 1, 8 and 32 clients; simple, extended and prepared
      masked     the same with three masked columns
      streams    300,000 wide rows by SELECT: nothing classified, three columns masked, six; and what looking at values costs
      copy       the same by COPY TO STDOUT, and 300,000 rows in by COPY FROM STDIN
      memory     peak memory for a result of many gigabytes and for a cell of 500 MB, down and up
      sessions   memory for each of many idle sessions, with TLS
      setups     connections a second, with TLS
      fairness   point queries of 100 sessions, alone and beside one that streams
      catalog    reading the catalog of a database with 5,000 tables
      recorded   point selects and streams with full recording, beside none; bytes on disk
  seam           one operation through the gate, in nanoseconds
  lineage        reading a statement, following its values, and a catalog of 5,000 tables
  detect         looking for sensitive data in rows, logs and prose

  --rounds N     how often each is measured (default 5)
  --seconds N    how long each point-select measurement runs (default 3)
  --gigabytes N  the size of the large result (default 10)
  --sessions N   how many sessions are idle (default 2000)
  --presidio PYTHON
                 detect: the same texts by Presidio, of a Python that has bench/presidio.txt

Without a name, all of it runs. Examples:

  scripts/bench pg streams copy --rounds 7
  scripts/bench pg memory --gigabytes 1
  python3 -m venv /tmp/presidio && /tmp/presidio/bin/pip install -r bench/presidio.txt
  scripts/bench detect --presidio /tmp/presidio/bin/python";

fn main() -> ExitCode {
    match Wanted::read(std::env::args().skip(1)) {
        Ok(None) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Some(wanted)) => {
            if wanted.seam {
                seam::run();
            }
            if wanted.lineage {
                lineage::run();
            }
            if wanted.detect {
                detection::run(wanted.presidio.as_deref());
            }
            if !wanted.parts.is_empty() {
                pg::run(&wanted.parts, wanted.extent);
            }
            ExitCode::SUCCESS
        }
        Err(complaint) => {
            eprintln!("{complaint}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// What the arguments ask for.
struct Wanted {
    parts: Vec<Part>,
    seam: bool,
    lineage: bool,
    detect: bool,
    presidio: Option<String>,
    extent: Extent,
}

impl Wanted {
    /// None for help.
    fn read(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (parts, presidio, extent) = (Vec::new(), None, Extent::default());
        let mut wanted = Self { parts, seam: false, lineage: false, detect: false, presidio, extent };
        let mut pg = false;
        while let Some(arg) = args.next() {
            let number = match arg.as_str() {
                "--rounds" => &mut wanted.extent.rounds,
                "--seconds" => &mut wanted.extent.seconds,
                "--gigabytes" => &mut wanted.extent.gigabytes,
                "--sessions" => &mut wanted.extent.sessions,
                "--presidio" => {
                    wanted.presidio = Some(args.next().ok_or("--presidio takes a Python")?);
                    continue;
                }
                "--help" | "-h" => return Ok(None),
                "pg" => {
                    pg = true;
                    continue;
                }
                "seam" => {
                    wanted.seam = true;
                    continue;
                }
                "lineage" => {
                    wanted.lineage = true;
                    continue;
                }
                "detect" => {
                    wanted.detect = true;
                    continue;
                }
                part => {
                    let part = Part::named(part).ok_or_else(|| format!("there is no benchmark {part}"))?;
                    wanted.parts.push(part);
                    continue;
                }
            };
            let given = args.next().and_then(|text| text.parse().ok()).filter(|n| *n > 0);
            *number = given.ok_or_else(|| format!("{arg} takes a number"))?;
        }
        if wanted.parts.is_empty() && (pg || !(wanted.seam || wanted.lineage || wanted.detect)) {
            wanted.parts = Part::ALL.to_vec();
            wanted.seam |= !pg;
            wanted.lineage |= !pg;
            wanted.detect |= !pg;
        }
        Ok(Some(wanted))
    }
}
