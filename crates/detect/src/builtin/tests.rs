use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::entity::Example;
use crate::scan::Scanner;

#[test]
fn every_file_is_listed_and_named_for_its_kind() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/entities");
    let files: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let listed: BTreeSet<String> = FILES.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(files, listed);
    for (entity, (file, _)) in entities().unwrap().iter().zip(FILES) {
        assert_eq!(format!("{}.toml", entity.name), *file);
    }
}

#[test]
fn every_kind_has_examples_words_and_a_source() {
    let mut wrong = String::new();
    for entity in entities().unwrap() {
        let needs_word = entity.shapes.iter().all(|shape| shape.odds <= 0.0);
        let fit = entity.positive.len() >= 3
            && entity.negative.len() >= 3
            && entity.source.starts_with("https://")
            && !(needs_word && entity.context.is_empty());
        if !fit {
            let _ = writeln!(wrong, "{}", entity.name);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// All kinds together, those that are off too: each is found in its examples, whatever the others make of them.
#[test]
fn each_kind_is_found_in_its_examples_and_not_in_what_looks_like_it() {
    let mut wrong = String::new();
    for entity in entities().unwrap() {
        // Alone, so that a kind is judged by its own file.
        let detector = match Detector::new(vec![entity.clone()]) {
            Ok(detector) => detector,
            Err(unfit) => {
                let _ = writeln!(wrong, "{unfit}");
                continue;
            }
        };
        let mut scanner = Scanner::new(&detector);
        let mut spans = |example: &Example| {
            let (text, span, name) = example.marked();
            let place = (!name.is_empty()).then(|| detector.place(name));
            let found: Vec<_> =
                scanner.scan(text.as_bytes(), place.as_ref()).iter().map(|found| found.start..found.end).collect();
            (text, span, found)
        };
        for example in &entity.positive {
            let (text, span, found) = spans(example);
            if !found.contains(&span) {
                let _ = writeln!(wrong, "{}: {text:?} should be found at {span:?}, found: {found:?}", entity.name);
            }
        }
        for example in &entity.negative {
            let (text, _, found) = spans(example);
            if !found.is_empty() {
                let _ = writeln!(wrong, "{}: {text:?} is none, found: {found:?}", entity.name);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// What a kind alone finds, all of them together cover.
#[test]
fn the_kinds_together_cover_every_example() {
    let detector = builtin().unwrap();
    let mut scanner = Scanner::new(detector);
    let mut wrong = String::new();
    for entity in detector.entities() {
        for example in &entity.positive {
            let (text, span, name) = example.marked();
            let place = (!name.is_empty()).then(|| detector.place(name));
            let mut covered = span.start;
            for found in scanner.scan(text.as_bytes(), place.as_ref()) {
                if found.start <= covered {
                    covered = covered.max(found.end);
                }
            }
            if covered < span.end {
                let _ = writeln!(wrong, "{}: {text:?}", entity.name);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let examples: Vec<Vec<u8>> = entities()
        .unwrap()
        .iter()
        .flat_map(|entity| entity.positive.iter().chain(&entity.negative))
        .map(|example| example.marked().0.into_bytes())
        .collect();
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::sample::select(examples),
        "[0-9 .:@+=-]{0,20}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn findings_of_any_bytes_are_in_order_and_inside(input in pieces(), name in "[a-z_ ]{0,20}") {
        let detector = builtin().unwrap();
        let place = detector.place(&name);
        let mut scanner = Scanner::new(detector);
        let (mut start, mut end) = (0, 0);
        for found in scanner.scan(&input, Some(&place)) {
            prop_assert!(found.start < found.end && found.end <= input.len() && found.odds > 0.0);
            prop_assert!(found.start >= start && found.end > end, "{found:?} is not behind {start}..{end}");
            (start, end) = (found.start, found.end);
        }
    }
}
