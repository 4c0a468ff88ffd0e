//! Says what a recording costs: `cargo run --release -p evidence --example record [MB] [folder]`.
//!
//! One thread adds rows as a session shows them, waiting for room, while the recordings' own thread compresses, seals and writes them. Half of a
//! row's bytes are random: what there is to gain is in the other half, names and frames.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

use evidence::recording::{RecordingKeys, Recordings, check, find};
use gate::{Frame, Ledger, LedgerDown, Opening, Record, Recorder};
use model::RecordingLevel;
use model::SessionId;

/// Takes everything.
struct Nowhere;

impl Ledger for Nowhere {
    fn append(&self, _: &[Record]) -> Result<(), LedgerDown> {
        Ok(())
    }

    fn note(&self, _: Record) {}
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let bytes = args.next().map_or(Ok(200), |mb| mb.parse::<usize>())? * 1_000_000;
    let base = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let pieces = pieces();
    let waker: Waker = Arc::new(Unpark(thread::current())).into();
    for level in [-5, -1, 1, 3] {
        let folder = base.join(format!("weir-record-{}-{level}", std::process::id()));
        let recordings = Recordings::open_at_level(&folder, RecordingKeys::new(&[7; 32])?, Arc::new(Nowhere), level)?;
        let session = SessionId("019aa0f2-77b1-7000-8000-00c0ffee1234".into());
        let at = SystemTime::now().into();
        let (start, mut added, mut adding) = (Instant::now(), 0, Duration::ZERO);
        let opening = Opening { session: &session, at, protocol: "postgres", level: RecordingLevel::Full };
        let recording = recordings.begin(&opening)?;
        for piece in pieces.iter().cycle() {
            while recording.poll_room(&mut Context::from_waker(&waker)).is_pending() {
                thread::park();
            }
            let begun = Instant::now();
            recording.add(SystemTime::now().into(), Frame::Shown(piece));
            adding += begun.elapsed();
            added += piece.len();
            if added >= bytes {
                break;
            }
        }
        recording.stands()?;
        drop(recording);
        drop(recordings);
        let took = start.elapsed();
        let begun = Instant::now();
        let report = check(&find(&folder, &session.0)?, &RecordingKeys::new(&[7; 32])?)?;
        println!(
            "level {level:2}: {:4.0} MB/s written, {:.3} bytes on disk a byte; adding alone {:5.0} MB/s; read back {:4.0} MB/s ({:?})",
            added as f64 / 1e6 / took.as_secs_f64(),
            report.bytes as f64 / added as f64,
            added as f64 / 1e6 / adding.as_secs_f64(),
            added as f64 / 1e6 / begun.elapsed().as_secs_f64(),
            report.ending,
        );
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// Rows as PostgreSQL frames them, some 8 kB at a time: a number, a name, a mail address, a time, a random id and a random text.
fn pieces() -> Vec<Vec<u8>> {
    let mut dice = 0x0dd0_5eed_0dd0_5eed_u64;
    let mut random = || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice
    };
    let names = ["Ada Lovelace", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov", "Tony Hoare"];
    let pick = |n: u64| names.get(n as usize % names.len()).copied().unwrap_or_default();
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut pieces = Vec::new();
    for piece in 0..2500_u64 {
        let mut bytes = Vec::new();
        for row in 0..50 {
            let number = piece * 50 + row;
            let id: Vec<u8> = (0..7).flat_map(|_| random().to_be_bytes()).collect();
            let text: Vec<u8> = (0..8)
                .flat_map(|_| random().to_be_bytes())
                .map(|byte| letters.get(usize::from(byte & 63)).copied().unwrap_or_default())
                .collect();
            let name = pick(random());
            let cells: [Vec<u8>; 6] = [
                number.to_string().into_bytes(),
                name.as_bytes().to_vec(),
                format!("{}@example.com", name.to_lowercase().replace(' ', ".")).into_bytes(),
                format!("2026-11-20 08:{:02}:{:02}+00", number / 60 % 60, number % 60).into_bytes(),
                id,
                text,
            ];
            let body: usize = cells.iter().map(|cell| cell.len() + 4).sum();
            bytes.push(b'D');
            bytes.extend_from_slice(&(body as u32 + 6).to_be_bytes());
            bytes.extend_from_slice(&(cells.len() as u16).to_be_bytes());
            for cell in cells {
                bytes.extend_from_slice(&(cell.len() as u32).to_be_bytes());
                bytes.extend_from_slice(&cell);
            }
        }
        pieces.push(bytes);
    }
    pieces
}
