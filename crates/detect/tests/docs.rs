//! The table of kinds in docs/DETECTION.md is what the files of the kinds say. `BLESS=1` writes it anew.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on fails, there and then")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use detect::{Entity, entities};

const BEGIN: &str = "<!-- kinds: made by crates/detect/tests/docs.rs -->\n";
const END: &str = "<!-- end of kinds -->\n";

/// What it takes to find one.
fn needs(kind: &Entity) -> &'static str {
    let by_itself = kind.shapes.iter().filter(|shape| shape.odds > 0.0 && shape.behind.is_none()).count();
    match (kind.off, by_itself) {
        (true, _) => "nothing, but it is off",
        (_, 0) if kind.shapes.iter().all(|shape| shape.whole) => "a column of its name",
        (_, 0) => "a name or word",
        (_, some) if some == kind.shapes.len() => "nothing",
        _ => "a name or word in some forms",
    }
}

fn table() -> String {
    let mut classes = BTreeMap::<String, Vec<Entity>>::new();
    for kind in entities().unwrap() {
        classes.entry(kind.class.clone()).or_default().push(kind);
    }
    let mut table = String::from("| class | kind | what | shown | check | needs |\n|---|---|---|---|---|---|\n");
    for kind in classes.values().flatten() {
        let check = if kind.check.is_some() { "yes" } else { "" };
        let _ = writeln!(
            table,
            "| `{}` | `{}` | {} | {} | {check} | {} |",
            kind.class,
            kind.name,
            kind.title,
            kind.sight,
            needs(kind)
        );
    }
    table
}

#[test]
fn the_table_of_kinds_is_what_their_files_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/DETECTION.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (said, after) = rest.split_once(END).unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
        return;
    }
    assert!(said == table(), "docs/DETECTION.md is not what the files say: run this test with BLESS=1");
}
