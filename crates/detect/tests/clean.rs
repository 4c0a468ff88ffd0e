//! What is no sensitive data must not be found to be: dumps, hashes, UUIDs, times, encoded bytes, numbers, logs. The texts are made here,
//! the same ones in each run. `DETECTION_CORPUS` names files and folders of a machine to look through too, with a colon between them:
//! what is found in them is printed, by kind, to be judged by who reads it.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs, reason = "a report of a test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use detect::{Scanner, builtin};

/// For each kind of text.
const TEXT_BYTES: usize = 1_200_000;
/// False findings for each million bytes.
const FALSE_MAX: f64 = 0.1;
/// What is printed of one kind.
const SHOWN: usize = 12;

/// Numbers that look random and are the same each time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len() as u64) as usize]
    }

    fn some(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(alphabet[self.below(alphabet.len() as u64) as usize])).collect()
    }

    fn hex(&mut self, count: usize) -> String {
        self.some(b"0123456789abcdef", count)
    }
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// By what it is: makes one line, of which it is told the number.
type Line = fn(&mut Dice, u64) -> String;

fn uuid(dice: &mut Dice) -> String {
    let (first, last) = (dice.hex(8), dice.hex(12));
    format!("{first}-{}-4{}-a{}-{last}", dice.hex(4), dice.hex(3), dice.hex(3))
}

fn groups(dice: &mut Dice, digits: usize, count: usize) -> String {
    (0..count).map(|_| dice.hex(digits)).collect::<Vec<_>>().join(" ")
}

const TEXTS: &[(&str, Line)] = &[
    ("dumps of xxd", |dice, line| format!("{:08x}: {}  {}\n", line * 16, groups(dice, 4, 8), "................")),
    ("dumps of hexdump", |dice, line| {
        format!("{:08x}  {}  {}  |................|\n", line * 16, groups(dice, 2, 8), groups(dice, 2, 8))
    }),
    ("dumps of words", |dice, line| format!("{:07o} {}\n0x{}\n", line * 16, groups(dice, 4, 8), groups(dice, 8, 4))),
    ("UUIDs", |dice, line| match line % 3 {
        0 => format!("{}\n", uuid(dice)),
        1 => format!("id={} parent={}\n", uuid(dice), uuid(dice)),
        _ => format!("{{\"id\":\"{}\"}}\n", uuid(dice).to_uppercase()),
    }),
    ("hashes", |dice, line| match line % 4 {
        0 => format!("{}  src/file{line}.rs\n", dice.hex(64)),
        1 => format!("commit {}\n", dice.hex(40)),
        2 => format!("index {}..{} 100644\n", dice.hex(8), dice.hex(9)),
        _ => format!("md5 {} etag=\"{}\"\n", dice.hex(32), dice.hex(32).to_uppercase()),
    }),
    ("fingerprints", |dice, _| {
        let bytes: Vec<String> = (0..20 + dice.below(13)).map(|_| dice.hex(2).to_uppercase()).collect();
        format!("    {}\n", bytes.join(":"))
    }),
    ("times", |dice, line| {
        let second = 1_500_000_000 + dice.below(300_000_000);
        let (hour, minute) = (dice.below(24), dice.below(60));
        let (month, day) = (1 + dice.below(12), 1 + dice.below(28));
        match line % 5 {
            0 => format!("{second} {second}{:03}\n", dice.below(1000)),
            1 => format!("ts={second}{:06} {second}{:09}\n", dice.below(1_000_000), dice.below(1_000_000_000)),
            2 => format!("2024-{month:02}-{day:02}T{hour:02}:{minute:02}:07.{:06}+02:00\n", dice.below(1_000_000)),
            3 => format!(
                "2024{month:02}{day:02}{hour:02}{minute:02}07 2024{month:02}{day:02}-{:04}\n",
                dice.below(10_000)
            ),
            _ => format!("{day:02}/Mar/2024:{hour:02}:{minute:02}:07 +0000 24{month:02}{day:02}\n"),
        }
    }),
    ("base64", |dice, line| match line % 3 {
        0 => format!("{}\n", dice.some(BASE64_URL, 43)),
        _ => format!("{}\n", dice.some(BASE64, 76)),
    }),
    ("fractions", |dice, line| {
        let mut number = || dice.below(10_000_000_000_000_000);
        match line % 4 {
            0 => format!("[0.{:016}, -0.{:016}, .{:016}]\n", number(), number(), number()),
            1 => format!(
                "M{}.{:06} {}.{:06}L",
                number() % 200,
                number() % 1_000_000,
                number() % 200,
                number() % 1_000_000
            ),
            2 => format!("{}.{:05},{}.{:05}\n", number() % 90, number() % 100_000, number() % 90, number() % 100_000),
            _ => format!("{}.{:08}e-{:02}\n", number() % 10, number() % 100_000_000, number() % 30),
        }
    }),
    ("versions", |dice, line| {
        let mut number = || dice.below(40);
        match line % 5 {
            0 => format!(
                "name-{}.{}.{}.{}.tar.gz v{}.{}.{}.{}\n",
                number(),
                number(),
                number(),
                number(),
                number(),
                number(),
                number(),
                number()
            ),
            1 => format!("\"pkg\": \"^{}.{}.{}-beta.{}\"\n", number(), number(), number(), number()),
            2 => format!("Chrome/{}.0.0.0 Safari/537.{}\n", 90 + number(), number()),
            3 => format!("pkg@{}.{}.{}-rc.x resolved\n", number(), number(), number()),
            _ => format!("version {}.{}.{}.{}\n", number(), number(), number(), number()),
        }
    }),
    ("logs", |dice, line| {
        let level = dice.of(&["INFO", "DEBUG", "WARN"]);
        let (a, b, c) = (dice.below(1_000_000), dice.below(1000), dice.below(10_000_000_000));
        let what = match line % 8 {
            0 => format!("GET /api/orders/{a}?page={b} 200 {b}ms {c}"),
            1 => format!("connected to db-{b}.internal:5432, pool size {b}, pid {a}"),
            2 => format!("order {c} shipped, tracking 1Z999AA1{c:010}"),
            3 => format!("checking {c} rows of record number {a}, sort {a}"),
            4 => format!("cache key session:{} ttl={a} hits={b}", dice.hex(16)),
            5 => format!("driver {a} loaded, position {b}.{a:06}, cell {a}"),
            6 => format!("call {c} took {b}.{a:06}s, lat={b}.{b:03}ms, cid={b}"),
            _ => format!("batch {line} offset {c} partition {b} lag {a} build 2024.{b}.{a}"),
        };
        format!("2024-05-01T10:{:02}:{:02}.{b:03}Z {level} [worker-{}] {what}\n", a % 60, c % 60, b % 16)
    }),
];

/// By kind: how often, and some of what it was.
type Found = BTreeMap<String, (u32, Vec<String>)>;

fn look(text: &[u8], found: &mut Found) {
    let detector = builtin().unwrap();
    let mut scanner = Scanner::new(detector);
    for of in scanner.scan(text, None) {
        let (count, some) = found.entry(detector.entity(of.kind).unwrap().name.clone()).or_default();
        *count += 1;
        if some.len() < SHOWN {
            let around = &text[of.start.saturating_sub(24)..(of.end + 8).min(text.len())];
            some.push(String::from_utf8_lossy(around).into_owned());
        }
    }
}

/// For each million bytes.
fn rate(found: &Found, bytes: usize) -> f64 {
    f64::from(found.values().map(|(count, _)| count).sum::<u32>()) * 1e6 / bytes as f64
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let (mut all, mut bytes) = (Found::new(), 0);
    for (what, line) in TEXTS {
        let (mut text, mut dice, mut found) = (String::new(), Dice(1), Found::new());
        for number in 0.. {
            if text.len() >= TEXT_BYTES {
                break;
            }
            let _ = write!(text, "{}", line(&mut dice, number));
        }
        look(text.as_bytes(), &mut found);
        println!("{what}: {:.2} for each million bytes {found:?}", rate(&found, text.len()));
        bytes += text.len();
        for (kind, (count, some)) in found {
            let of = all.entry(kind).or_default();
            of.0 += count;
            of.1.extend(some);
        }
    }
    assert!(rate(&all, bytes) < FALSE_MAX, "{:.2} for each million bytes: {all:?}", rate(&all, bytes));
}

fn files(of: &Path, all: &mut Vec<PathBuf>) {
    if of.is_dir() && !of.is_symlink() {
        let mut inside: Vec<_> = std::fs::read_dir(of).unwrap().map(|file| file.unwrap().path()).collect();
        inside.sort();
        inside.iter().for_each(|file| files(file, all));
    } else if of.is_file() {
        all.push(of.to_owned());
    }
}

#[test]
fn corpora_of_this_machine() {
    let Some(corpora) = std::env::var_os("DETECTION_CORPUS") else {
        eprintln!("skipped: DETECTION_CORPUS names no files");
        return;
    };
    for corpus in std::env::split_paths(&corpora) {
        let (mut all, mut found, mut bytes) = (Vec::new(), Found::new(), 0);
        files(&corpus, &mut all);
        for file in &all {
            let text = std::fs::read(file).unwrap();
            bytes += text.len();
            look(&text, &mut found);
        }
        let million = bytes as f64 / 1e6;
        println!(
            "{}: {} files, {million:.1} million bytes, {:.2} findings for each",
            corpus.display(),
            all.len(),
            rate(&found, bytes)
        );
        for (kind, (count, some)) in &found {
            println!("  {kind} {count} ({:.3})", f64::from(*count) / million);
            some.iter().for_each(|text| println!("      {text:?}"));
        }
    }
}
