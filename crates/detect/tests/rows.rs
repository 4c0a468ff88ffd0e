//! How the kinds fare on rows that are made: sensitive data of all kinds among what looks like it, in logs, documents, rows and prose.
//! `rows.py` makes them, as a program of its own, the same ones in each run.
//!
//! A finding is right if it is of the kind of what is there and has more than half of it in common with it. What this prints is what
//! docs/DETECTION.md says. `DETECTION_ROWS=untouched` measures the set that nothing is developed on.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs, reason = "a report of a test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use detect::{Detector, Scanner, builtin};
use testkit::{Run, python};

/// On a busy machine.
const LIMIT: Duration = Duration::from_secs(300);
/// What the development set must have: F1 of all kinds together.
const F1_MIN: f64 = 0.98;
/// Kinds of one class that a text without more around it may be either of.
const CLASSES_OF_TWINS: &[&str] = &["pii.phone", "pii.passport", "secret.password", "pii.location"];

/// A row: its text, the name of the column it stands in, and what is where in it.
struct Row {
    text: String,
    name: Option<String>,
    labels: Vec<(usize, usize, String)>,
}

fn rows(set: &str) -> Vec<Row> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rows.py");
    let outcome = python().unwrap().arg(program).arg(set).limit(LIMIT).finish().unwrap();
    assert!(outcome.success(), "if Faker is missing, run scripts/setup: {}", outcome.stderr);
    let of = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let at = |label: &serde_json::Value, at: usize| usize::try_from(label[at].as_u64().unwrap()).unwrap();
        let labels = row["labels"].as_array().unwrap().iter();
        Row {
            text: row["text"].as_str().unwrap().to_owned(),
            name: row["name"].as_str().map(str::to_owned),
            labels: labels.map(|label| (at(label, 0), at(label, 1), label[2].as_str().unwrap().to_owned())).collect(),
        }
    };
    outcome.stdout.lines().map(of).collect()
}

/// What is counted of a kind.
#[derive(Clone, Copy, Default)]
struct Counts {
    right: u32,
    wrong: u32,
    missed: u32,
}

impl Counts {
    fn precision(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.wrong).max(1))
    }

    fn recall(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.missed).max(1))
    }

    fn f1(self) -> f64 {
        2.0 * f64::from(self.right) / f64::from((2 * self.right + self.wrong + self.missed).max(1))
    }
}

/// Something found: where, and its kind.
type Found = (usize, usize, String);

/// Counts by kind, and the bytes of labels that nothing found covers.
fn count(
    rows: &[Row],
    class: impl Fn(&str) -> String,
    mut find: impl FnMut(&Row) -> Vec<Found>,
) -> (BTreeMap<String, Counts>, u64) {
    let mut counts = BTreeMap::<String, Counts>::new();
    let mut open = 0;
    for row in rows {
        let found = find(row);
        let alike = |one: &str, other: &str| {
            one == other || (class(one) == class(other) && CLASSES_OF_TWINS.contains(&&*class(one)))
        };
        let is_right = |label: &Found, found: &Found| {
            let both = label.1.min(found.1).saturating_sub(label.0.max(found.0));
            let either = label.1.max(found.1) - label.0.min(found.0);
            both * 2 > either && alike(&label.2, &found.2)
        };
        let mut wrong = Vec::new();
        for label in &row.labels {
            let counts = counts.entry(label.2.clone()).or_default();
            match found.iter().any(|found| is_right(label, found)) {
                true => counts.right += 1,
                false => {
                    counts.missed += 1;
                    wrong.push(format!("missed {} {:?}", label.2, &row.text[label.0..label.1]));
                }
            }
            open += (label.0..label.1).filter(|at| !found.iter().any(|of| (of.0..of.1).contains(at))).count() as u64;
        }
        for of in &found {
            if !row.labels.iter().any(|label| is_right(label, of)) {
                counts.entry(of.2.clone()).or_default().wrong += 1;
                wrong.push(format!("wrong {} {:?}", of.2, row.text.get(of.0..of.1)));
            }
        }
        if !wrong.is_empty() && std::env::var_os("DETECTION_SHOW").is_some() {
            println!("{} | {:?}: {}", wrong.join("; "), row.name, row.text);
        }
    }
    (counts, open)
}

fn report(what: &str, counts: &BTreeMap<String, Counts>) -> Counts {
    let mut all = Counts::default();
    println!("{what}:\n{:<20} {:>6} {:>10} {:>7} {:>7}", "kind", "labels", "precision", "recall", "F1");
    let line = |name: &str, of: Counts| {
        let (precision, recall, f1) = (of.precision(), of.recall(), of.f1());
        println!("{name:<20} {:>6} {precision:>10.3} {recall:>7.3} {f1:>7.3}", of.right + of.missed);
    };
    for (kind, of) in counts {
        line(kind, *of);
        all = Counts { right: all.right + of.right, wrong: all.wrong + of.wrong, missed: all.missed + of.missed };
    }
    line("all", all);
    all
}

fn of_detector(detector: &Detector) -> impl FnMut(&Row) -> Vec<Found> {
    let mut scanner = Scanner::new(detector);
    move |row| {
        let place = row.name.as_deref().map(|name| detector.place(name));
        let found = scanner.scan(row.text.as_bytes(), place.as_ref());
        found.iter().map(|of| (of.start, of.end, detector.entity(of.kind).unwrap().name.clone())).collect()
    }
}

#[test]
fn kinds_are_found_among_what_looks_like_them() {
    let set = std::env::var("DETECTION_ROWS").unwrap_or_else(|_| "development".to_owned());
    let rows = rows(&set);
    let detector = builtin().unwrap();
    let class =
        |kind: &str| detector.entities().find(|of| of.name == kind).map_or_else(String::new, |of| of.class.clone());
    let (counts, open) = count(&rows, class, of_detector(detector));
    let all = report(&format!("{} rows, {set}", rows.len()), &counts);
    let bytes: usize = rows.iter().flat_map(|row| &row.labels).map(|label| label.1 - label.0).sum();
    println!("{open} of {bytes} labelled bytes are not covered by any finding");
    assert!(rows.len() > 1000 && all.right > 1000);
    assert!(all.f1() >= F1_MIN || set != "development", "F1 is {:.4}", all.f1());
}

/// Presidio's names of what both know, and ours.
const OF_PRESIDIO: &[(&str, &[&str])] = &[
    ("CREDIT_CARD", &["card"]),
    ("CRYPTO", &["btc", "eth"]),
    ("EMAIL_ADDRESS", &["email"]),
    ("IBAN_CODE", &["iban"]),
    ("IP_ADDRESS", &["ipv4", "ipv6"]),
    ("MAC_ADDRESS", &["mac"]),
    ("MEDICAL_LICENSE", &["us_dea"]),
    ("PHONE_NUMBER", &["phone_e164", "phone_national"]),
    ("UK_NHS", &["uk_nhs"]),
    ("US_ITIN", &["us_itin"]),
    ("US_SSN", &["us_ssn"]),
];

/// The same rows, looked at by Presidio and by Weir, for the kinds that both know; how sure Presidio must be is said by the threshold.
/// `DETECTION_PRESIDIO` names a Python that has it (`bench/presidio.txt`). The name of a column stands before the text for it.
#[test]
fn beside_presidio() {
    let Some(python) = std::env::var_os("DETECTION_PRESIDIO") else {
        eprintln!("skipped: DETECTION_PRESIDIO names no Python that has Presidio");
        return;
    };
    let set = std::env::var("DETECTION_ROWS").unwrap_or_else(|_| "development".to_owned());
    let rows = rows(&set);
    let name_of =
        |kind: &str| OF_PRESIDIO.iter().find(|(_, ours)| ours.contains(&kind)).map(|(theirs, _)| (*theirs).to_owned());
    // Labels by their names, and no others: they are judged by what both know.
    let mut common: Vec<Row> = Vec::new();
    let mut input = String::new();
    for row in rows {
        let labels = row.labels.iter().filter_map(|label| Some((label.0, label.1, name_of(&label.2)?))).collect();
        let line = serde_json::json!({ "text": row.text, "name": row.name });
        input.push_str(&format!("{line}\n"));
        common.push(Row { labels, ..row });
    }
    let bytes: usize = common.iter().map(|row| row.text.len()).sum();
    let speed = |took: Duration| bytes as f64 / took.as_secs_f64() / 1e6;

    let detector = builtin().unwrap();
    let mut ours = of_detector(detector);
    let known = |found: Vec<Found>| found.into_iter().filter_map(|of| Some((of.0, of.1, name_of(&of.2)?))).collect();
    let (counts, _) = count(&common, str::to_owned, |row| known(ours(row)));
    report("Weir", &counts);
    let mut scanner = Scanner::new(detector);
    let begun = Instant::now();
    for row in &common {
        std::hint::black_box(scanner.scan(row.text.as_bytes(), None).len());
    }
    println!("{:.3} MB/s, row by row\n", speed(begun.elapsed()));

    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/presidio.py");
    let outcome = Run::new(python).arg(program).input(input).limit(LIMIT * 12).finish().unwrap();
    assert!(outcome.success(), "{}", outcome.stderr);
    let mut lines = outcome.stdout.lines();
    let took: f64 = lines.next().unwrap().parse().unwrap();
    let found: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), common.len());
    for threshold in [0.4, 0.6] {
        let mut at = found.iter();
        let (counts, _) = count(&common, str::to_owned, |_| {
            let all = at.next().unwrap().as_array().unwrap().iter();
            let sure = all.filter(|of| of[3].as_f64().unwrap() >= threshold);
            let place = |of: &serde_json::Value, at: usize| usize::try_from(of[at].as_u64().unwrap()).unwrap();
            sure.map(|of| (place(of, 0), place(of, 1), of[2].as_str().unwrap().to_owned())).collect()
        });
        report(&format!("Presidio, scores of {threshold} and more"), &counts);
    }
    println!("{:.3} MB/s", speed(Duration::from_secs_f64(took)));
}
