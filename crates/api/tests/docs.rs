//! docs/metrics.md has every metric there is, and no other: written by `BLESS=1 cargo test -p api --test docs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;

use api::METRICS;

const BEGIN: &str = "| metric | kind | label | meaning |\n|---|---|---|---|\n";

#[test]
fn the_table_is_what_is_exported() {
    let file = testkit::checkout().join("docs/metrics.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let table: String = rest.split_inclusive('\n').take_while(|line| line.starts_with('|')).collect();
    let expected: String = METRICS.iter().map(row).collect();
    if std::env::var_os("BLESS").is_some() {
        let after = rest.strip_prefix(table.as_str()).unwrap();
        fs::write(&file, format!("{before}{BEGIN}{expected}{after}")).unwrap();
    } else {
        assert_eq!(table, expected, "run: BLESS=1 cargo test -p api --test docs");
    }
}

fn row(metric: &api::Metric) -> String {
    let label = metric.label().map(|label| format!("`{label}`")).unwrap_or_default();
    assert!(!metric.help.contains('|') && metric.help.ends_with('.'), "{}", metric.name);
    format!("| `{}` | {} | {label} | {} |\n", metric.name, metric.kind.as_str(), metric.help)
}
