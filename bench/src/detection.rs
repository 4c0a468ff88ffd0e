//! The cost of looking for sensitive data: rows in which much is, logs in which little is, prose in which nothing is; and cells one by one.
//!
//! The texts are generated, the same ones in each run.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use detect::{Detector, Scanner, builtin};
use testkit::Run;

const TEXT_BYTES: usize = 4 * 1024 * 1024;
/// How much is scanned at once: as large as a read of a socket.
const CHUNK_BYTES: usize = 16 * 1024;
const RUNS: usize = 15;
/// How many cells are timed together.
const CELLS: usize = 1000;

const NAMES: [&str; 8] = ["ada", "grace", "alan", "edsger", "barbara", "donald", "niklaus", "frances"];
const WORDS: [&str; 24] = [
    "the", "river", "of", "a", "morning", "and", "she", "walked", "slowly", "to", "town", "where", "nobody", "had",
    "seen", "snow", "for", "years", "but", "it", "was", "quiet", "then", "because",
];
const PATHS: [&str; 5] = ["/health", "/api/orders", "/static/app.js", "/login", "/api/items/list"];

/// How much of each text Presidio is given: it takes its time.
const PRESIDIO_BYTES: usize = 64 * 1024;
const PRESIDIO_LIMIT: Duration = Duration::from_secs(600);

/// Prints one line for each kind of text; and how fast Presidio is, if there is a Python that has it.
pub fn run(presidio: Option<&str>) {
    let begun = Instant::now();
    let detector = builtin().expect("the kinds that come with it");
    println!(
        "looking for sensitive data (MB/s of one core over {} MiB, each part at its best of {RUNS} runs):",
        TEXT_BYTES >> 20
    );
    println!("  making all kinds ready: {:.2} s, {detector:?}", begun.elapsed().as_secs_f64());
    let rows = rows();
    for (what, text) in [("dense rows", &rows), ("documents", &documents()), ("logs", &logs()), ("prose", &prose())] {
        let pieces: Vec<_> = text.as_bytes().chunks(CHUNK_BYTES).collect();
        let (best, found) = best_of(detector, &pieces, 1);
        let speed = text.len() as f64 / best.as_secs_f64() / 1e6;
        print!("  {what:<12} {speed:>8.0} MB/s, {found} findings");
        match presidio.map(|python| beside_presidio(python, text)) {
            None => println!(),
            Some(Ok(slow)) => {
                println!("; Presidio, the first {} KiB: {slow:.3} MB/s, 1/{:.0}", PRESIDIO_BYTES >> 10, speed / slow)
            }
            Some(Err(why)) => println!("; Presidio: {why}"),
        }
    }
    let cells: Vec<_> = rows.split([',', '\n']).map(str::as_bytes).collect();
    let (best, found) = best_of(detector, &cells, CELLS);
    let each = best.as_nanos() as f64 / cells.len() as f64;
    println!("  {:<12} {each:>8.0} ns each of those of the rows, {found} findings", "cells");
    println!();
}

/// The speed of Presidio over the beginning of a text, line by line, in MB/s of its own processor time.
fn beside_presidio(python: &str, text: &str) -> Result<f64, String> {
    let end = text.floor_char_boundary(PRESIDIO_BYTES);
    let lines = text[..end].lines().map(|line| format!("{}\n", serde_json::json!({ "text": line, "name": "" })));
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("presidio.py");
    let run = Run::new(python).arg(program).input(lines.collect::<String>()).limit(PRESIDIO_LIMIT);
    let outcome = run.finish().map_err(|error| error.to_string())?;
    let seconds = outcome.stdout.lines().next().and_then(|line| line.parse::<f64>().ok()).filter(|_| outcome.success());
    let seconds = seconds.ok_or_else(|| outcome.stderr.lines().last().unwrap_or("it said nothing").to_owned())?;
    Ok(end as f64 / seconds / 1e6)
}

/// The time in which all pieces are scanned, and how much is found in them. So many pieces are timed together, and of each such part it is the
/// shortest time that counts: another process that runs for a while must not show.
fn best_of(detector: &Detector, pieces: &[&[u8]], together: usize) -> (Duration, usize) {
    let mut scanner = Scanner::new(detector);
    let mut of_parts = vec![(Duration::MAX, 0); pieces.len().div_ceil(together)];
    for _ in 0..RUNS {
        for ((best, found), part) in of_parts.iter_mut().zip(pieces.chunks(together)) {
            let begun = Instant::now();
            *found = part.iter().map(|piece| black_box(scanner.scan(piece, None)).len()).sum();
            *best = begun.elapsed().min(*best);
        }
    }
    of_parts.iter().fold((Duration::ZERO, 0), |(time, count), (best, found)| (time + *best, count + found))
}

/// Numbers that look random and are the same each time (Knuth's linear congruential ones).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len() as u64) as usize]
    }
}

/// As a table of customers and payments has them: most cells are an id, an amount, or sensitive.
fn rows() -> String {
    let (mut text, mut numbers) = (String::new(), Numbers(1));
    while text.len() < TEXT_BYTES {
        let (id, name) = (numbers.below(10_000_000), numbers.of(&NAMES));
        let (cents, day) = (numbers.below(1_000_000), numbers.below(28) + 1);
        let (area, serial) = (numbers.below(700) + 100, numbers.below(9_000_000) + 1_000_000);
        let card = with_luhn(400_000_000_000_000 + numbers.below(99_999_999_999));
        let _ = writeln!(
            text,
            "{id},{name}.{serial}@example.com,+1{area}{serial},{card},{}.{:02},2024-05-{day:02} 12:{:02}:{:02},active,{}",
            cents / 100,
            cents % 100,
            numbers.below(60),
            numbers.below(60),
            numbers.of(&WORDS),
        );
    }
    text
}

/// The number with Luhn's check digit behind it.
fn with_luhn(number: u64) -> u64 {
    let (mut sum, mut left, mut twice) = (0, number, true);
    while left > 0 {
        let digit = left % 10 * if twice { 2 } else { 1 };
        sum += digit / 10 + digit % 10;
        (left, twice) = (left / 10, !twice);
    }
    number * 10 + (10 - sum % 10) % 10
}

/// Documents of JSON, the keys of which speak for what is in them.
fn documents() -> String {
    let (mut text, mut numbers) = (String::new(), Numbers(4));
    while text.len() < TEXT_BYTES {
        let (id, name) = (numbers.below(10_000_000), numbers.of(&NAMES));
        let card = with_luhn(400_000_000_000_000 + numbers.below(99_999_999_999));
        let _ = writeln!(
            text,
            "{{\"id\":{id},\"name\":\"{name}\",\"email\":\"{name}@example.org\",\"card\":\"{card}\",\"total\":{},\
             \"created\":\"2024-05-{:02}T12:{:02}:00Z\",\"phone\":\"+1{}{}\",\"tags\":[\"{}\",\"{}\"],\"active\":true,\"note\":null}}",
            numbers.below(100_000),
            numbers.below(28) + 1,
            numbers.below(60),
            numbers.below(700) + 200,
            numbers.below(9_000_000) + 1_000_000,
            numbers.of(&WORDS),
            numbers.of(&WORDS),
        );
    }
    text
}

/// As servers write them: a time, a level, a place in the program, a request and how long it took.
fn logs() -> String {
    let (mut text, mut numbers) = (String::new(), Numbers(2));
    while text.len() < TEXT_BYTES {
        let (second, level) = (numbers.below(60), numbers.of(&["INFO", "INFO", "INFO", "DEBUG", "WARN"]));
        let (path, status) = (numbers.of(&PATHS), numbers.of(&["200", "200", "304", "404"]));
        let _ = write!(
            text,
            "2024-05-01T10:{:02}:{second:02}.{:03}Z {level} [worker-{}] com.example.server.RequestHandler - ",
            numbers.below(60),
            numbers.below(1000),
            numbers.below(16),
        );
        let _ = match numbers.below(4) {
            0 => writeln!(text, "GET {path} finished with status={status} in {}ms", numbers.below(900)),
            1 => writeln!(text, "connection pool is healthy, waiting for the next request from upstream"),
            2 => writeln!(text, "cache miss for key=session:{:016x}, loading it again", numbers.below(u64::MAX >> 1)),
            _ => writeln!(text, "scheduled job cleanup-temporary-files has nothing to do, sleeping until later"),
        };
    }
    text
}

/// Sentences with a year here and there.
fn prose() -> String {
    let (mut text, mut numbers) = (String::new(), Numbers(3));
    while text.len() < TEXT_BYTES {
        for _ in 0..12 {
            text.push_str(numbers.of(&WORDS));
            text.push(' ');
        }
        if numbers.below(8) == 0 {
            let _ = write!(text, "in {}", 1800 + numbers.below(220));
        }
        text.push_str(".\n");
    }
    text
}
