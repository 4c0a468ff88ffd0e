//! Says what an append costs: `cargo run --release -p evidence --example append [seconds] [folder]`.
//!
//! One thread appends one decision at a time to one lane, as a worker does, with the note of its end before it. The log is signed
//! meanwhile, and verified in the end.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use evidence::{Durability, Keyring, Log, Signing, SigningKey, Trust};
use gate::{Decided, Ended, Event, Ledger, Outcome, Record, Ruling, Words};
use model::{Digest, LogText, SessionId};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let lasting = Duration::from_secs(args.next().map_or(Ok(2), |seconds| seconds.parse())?);
    let base = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    for durability in [Durability::Written, Durability::Synced] {
        let folder = base.join(format!("weir-append-{}-{durability:?}", std::process::id()));
        let key = SigningKey::generate("weir/example")?;
        let trust = Trust { keys: Keyring::of([key.public().clone()]), witnessed: Vec::new() };
        let log = Log::open_signed(&folder, 1, "example", durability, Signing::by(key))?;
        let lane = log.lane(0);
        let session = SessionId("019aa0f2-77b1-7000-8000-00c0ffee1234".into());
        let asks: Words = ["select public.orders"].into_iter().collect();
        let rules: Words = ["use"].into_iter().collect();
        let text = LogText(SELECT.into());
        let start = Instant::now();
        let mut times = Vec::new();
        while start.elapsed() < lasting {
            let op = times.len() as u64;
            let (at, session) = (SystemTime::now().into(), Some(session.clone()));
            let ended = Ended {
                op,
                outcome: Outcome::Done,
                rows: 1,
                bytes: 120,
                masked: 2,
                classes: None,
                fields: None,
                found: None,
            };
            let decided = Decided {
                op,
                ruling: Ruling::Permit,
                step: "execute",
                asks: asks.clone(),
                rules: rules.clone(),
                why: None,
                digest: Digest([7; 32]),
                text: text.clone(),
                bound: Some(Digest([8; 32])),
            };
            let begun = Instant::now();
            lane.note(Record { at, session: session.clone(), event: Event::Ended(ended) });
            lane.append(&[Record { at, session, event: Event::Decided(decided) }])?;
            times.push(begun.elapsed());
        }
        let mean = times.iter().sum::<Duration>() / u32::try_from(times.len())?;
        times.sort();
        let at = |share: usize| times.get(times.len() * share / 1000).copied().unwrap_or_default();
        println!(
            "{durability:?}: {} appends with a note each: mean {mean:.1?}, median {:.1?}, 99 % {:.1?}, 99.9 % {:.1?}",
            times.len(),
            at(500),
            at(990),
            at(999)
        );
        drop((lane, log));
        let begun = Instant::now();
        let report = evidence::verify(&folder, Some(&trust))?;
        println!(
            "  verified {} records and {} checkpoints, {} MB in {:.2?}: {:.0} records a second, {} faults",
            report.records,
            report.checkpoints,
            report.bytes / 1_000_000,
            begun.elapsed(),
            report.records as f64 / begun.elapsed().as_secs_f64(),
            report.faults.len()
        );
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

const SELECT: &str = "SELECT id, customer_id, total FROM orders WHERE id = $1";
