//! The index against a plain scan over the same records, and against itself made in other steps.

mod files;
mod scan;

use proptest::prelude::*;
use tempfile::TempDir;

use crate::{Cursor, Entry, Index, Page, Position, Ruling, Search, Statement, Text};
use scan::{Log, log, searches};

/// An index in a folder of its own.
fn empty() -> (TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(&folder.path().join("index.sqlite")).unwrap();
    (folder, index)
}

/// Takes in records, in batches that end behind these.
fn feed(index: &mut Index, records: &[(u16, u64, String)], ends: &[usize]) {
    let mut from = 0;
    for end in ends.iter().copied().chain([records.len()]) {
        let end = end.clamp(from, records.len());
        let mut writer = index.write().unwrap();
        let mut cursors = Vec::new();
        for (lane, seq, json) in &records[from..end] {
            writer.add(Entry { lane: *lane, seq: *seq, json }).unwrap();
            cursors.push(Cursor { lane: *lane, seq: *seq, place: vec![1, 2] });
        }
        writer.commit(&cursors).unwrap();
        from = end;
    }
}

/// All that a search finds, in pages of this size.
fn pages<T>(size: usize, page: impl Fn(Option<Position>) -> Page<T>) -> Vec<T> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let Page { found, next } = page(after);
        assert!(found.len() <= size && (next.is_none() || found.len() == size), "{} of {size}", found.len());
        all.extend(found);
        match next {
            // A position survives being written and read.
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => return all,
        }
    }
}

fn statements(index: &Index, search: &Search, size: usize) -> Vec<Statement> {
    pages(size, |after| index.statements(search, after, size).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn it_finds_what_a_scan_finds(
        log in log(),
        searches in proptest::collection::vec(searches(), 12),
        size in 1_usize..9,
        ends in proptest::collection::vec(0_usize..200, 0..4),
    ) {
        let Log { records, .. } = &log;
        let (_folder, mut index) = empty();
        let mut ends = ends;
        ends.sort_unstable();
        feed(&mut index, records, &ends);
        for search in &searches {
            let expected = log.statements(search);
            let found: Vec<_> = statements(&index, search, size).iter().map(scan::Found::of).collect();
            prop_assert_eq!(&found, &expected, "{:?}", search);
            let expected = log.sessions(search);
            let found: Vec<_> = pages(size, |after| index.sessions(search, after, size).unwrap())
                .into_iter()
                .map(|session| (session.began, session.lane, session.seq))
                .collect();
            prop_assert_eq!(&found, &expected, "sessions: {:?}", search);
        }
        // However it was fed, the same is in it.
        let (_other_folder, mut other) = empty();
        feed(&mut other, records, &[]);
        prop_assert_eq!(statements(&index, &Search::default(), 1000), statements(&other, &Search::default(), 1000));
        let sessions = |index: &Index| index.sessions(&Search::default(), None, 1000).unwrap();
        prop_assert_eq!(sessions(&index), sessions(&other));
        prop_assert_eq!(index.write().unwrap().cursors().unwrap(), other.write().unwrap().cursors().unwrap());
    }
}

/// More statements than fit in a chunk, so that words have sets; in two lanes, of which one is read late.
#[test]
fn frequent_and_rare_words_are_found_over_chunks() {
    let (_folder, mut index) = empty();
    let mut records = Vec::new();
    let text = |n: u64| match n {
        70 | 66_000 | 79_990 => format!("SELECT needle FROM orders WHERE id = {n}"),
        _ if n.is_multiple_of(3) => format!("SELECT a FROM orders WHERE id = {n}"),
        _ if n % 1000 == 1 => "SELECT orders FROM a".to_owned(),
        _ => format!("UPDATE orders SET a = {n}"),
    };
    let all = 80_000_u64;
    for n in 0..all {
        let (lane, at) = (u16::from(n.is_multiple_of(50)), 1000 + n - if n.is_multiple_of(50) { 140 } else { 0 });
        records.push((
            lane,
            n,
            format!(
                r#"{{"seq":{n},"at":{at},"session":"s","event":"decided","op":{n},"ruling":"permit","step":"query","asks":[],"rules":["r"],"digest":"","text":"{}"}}"#,
                text(n)
            ),
        ));
    }
    feed(&mut index, &records, &[100, 30_000, 30_001, 60_000, 79_000]);
    search_words(&index, &text, all);
    index.write().unwrap().settle().unwrap();
    search_words(&index, &text, all);
}

fn search_words(index: &Index, text: &dyn Fn(u64) -> String, all: u64) {
    for search in [
        "select",
        "update",
        "needle",
        "needle select",
        "needle update",
        "66000",
        "nowhere",
        "set 79999",
        "\"from a\"",
        "\"a from\"",
        "\"orders select\"",
        "\"select needle from\"",
        "\"needle select\"",
        "\"orders needle\" select",
        "\"from orders where\"",
        "\"a from orders\" 3",
    ] {
        let search = Search { text: Text::parse(search), ..Search::default() };
        let wanted = search.text.as_ref().unwrap();
        let mut words = String::new();
        let mut expected: Vec<(i64, i64)> = (0..all)
            .filter(|n| {
                crate::words::plain(&text(*n), &mut words);
                wanted.is_in(&words)
            })
            .map(|n| {
                (
                    1000 + i64::try_from(n).unwrap() - if n.is_multiple_of(50) { 140 } else { 0 },
                    i64::try_from(n).unwrap(),
                )
            })
            .collect();
        // Newest first, of one time the higher lane.
        expected.sort_by_key(|(at, n)| std::cmp::Reverse((*at, u16::from(*n % 50 == 0), *n)));
        let place = |found: &Statement| (found.at, found.seq);
        let mut after = None;
        for from in [0, 70] {
            let page = index.statements(&search, after, 70).unwrap();
            let found: Vec<_> = page.found.iter().map(place).collect();
            assert_eq!(found, expected.iter().skip(from).take(70).copied().collect::<Vec<_>>(), "{search:?} {from}");
            assert_eq!(page.next.is_some(), expected.len() > from + 70, "{search:?}");
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        // And the oldest ones, and those about the end of the first chunk: there the other lane's are in the second.
        for until in [1200, 1000 + 65_530] {
            let search = Search { until: Some(until), ..search.clone() };
            let before: Vec<_> = expected.iter().filter(|(at, _)| *at < i64::try_from(until).unwrap()).collect();
            for limit in [1, 300] {
                let found: Vec<_> = index.statements(&search, None, limit).unwrap().found.iter().map(place).collect();
                assert_eq!(
                    found,
                    before.iter().take(limit).copied().copied().collect::<Vec<_>>(),
                    "{search:?} {limit}"
                );
            }
        }
    }
}

#[test]
fn who_was_shown_a_value() {
    let (_folder, mut index) = empty();
    let decided = |seq: u64, session: &str, op: u64| {
        let json = format!(
            r#"{{"seq":{seq},"at":{seq},"session":"{session}","event":"decided","op":{op},"ruling":"permit","step":"query","asks":[],"rules":[],"digest":"","text":"x"}}"#
        );
        (0_u16, seq, json)
    };
    feed(&mut index, &[decided(1, "a", 1), decided(2, "b", 1), decided(3, "a", 2), decided(4, "b", 2)], &[]);
    assert_eq!((index.has_subjects().unwrap(), index.mark("recordings").unwrap()), (false, None));
    let subject = |token: &[u8], session: &str, op| crate::Subject {
        token: token.to_vec(),
        class: "pii.email".into(),
        session: session.into(),
        op,
        sight: "clear".into(),
    };
    let given = [subject(b"t", "a", 2), subject(b"t", "b", 1), subject(b"u", "b", 2), subject(b"t", "c", 1)];
    assert_eq!(index.add_subjects("recordings", b"17", &given).unwrap(), 1, "one belongs to no statement");
    assert_eq!(index.add_subjects("recordings", b"18", &given[..1]).unwrap(), 0, "once more is once");
    assert_eq!((index.has_subjects().unwrap(), index.mark("recordings").unwrap()), (true, Some(b"18".to_vec())));
    for (token, seqs, sessions) in [(&b"t"[..], &[3, 2][..], &["b", "a"][..]), (b"u", &[4], &["b"]), (b"v", &[], &[])] {
        let search = Search { subject: Some(vec![token.to_vec()]), ..Search::default() };
        let found: Vec<_> = statements(&index, &search, 1).into_iter().map(|found| found.seq).collect();
        assert_eq!(found, seqs);
        let found = pages(1, |after| index.sessions(&search, after, 1).unwrap());
        assert_eq!(found.into_iter().map(|found| found.session.unwrap()).collect::<Vec<_>>(), sessions);
    }
    let both = Search { subject: Some(vec![b"t".to_vec()]), ruling: Some(Ruling::Deny), ..Search::default() };
    assert!(statements(&index, &both, 5).is_empty());
}

#[test]
fn what_a_deleted_recording_showed_is_forgotten() {
    let (_folder, mut index) = empty();
    let record = |seq: u64, session: &str, rest: &str| {
        (0_u16, seq, format!(r#"{{"seq":{seq},"at":{seq},"session":"{session}","event":{rest}}}"#))
    };
    let decided = r#""decided","op":1,"ruling":"permit","step":"query","asks":[],"rules":[],"digest":"","text":"x""#;
    let deleted = r#""recording_deleted","file":"d/a.rec","bytes":1,"digest":"","why":"retention of 1d""#;
    feed(&mut index, &[record(1, "a", decided), record(2, "b", decided)], &[]);
    let subject = |session: &str| crate::Subject {
        token: b"t".to_vec(),
        class: "pii.email".into(),
        session: session.into(),
        op: 1,
        sight: "clear".into(),
    };
    index.add_subjects("recordings", b"", &[subject("a"), subject("b")]).unwrap();
    feed(&mut index, &[record(3, "a", deleted)], &[]);
    let search = Search { subject: Some(vec![b"t".to_vec()]), ..Search::default() };
    assert_eq!(statements(&index, &search, 5).iter().map(|found| found.seq).collect::<Vec<_>>(), [2]);
    // The feeder of recordings passes over it, should its file still be there; the statement itself is found as ever.
    assert_eq!(index.mark(&crate::recording_source("a")).unwrap().as_deref(), Some(crate::ALL_TAKEN));
    assert_eq!(index.mark(&crate::recording_source("b")).unwrap(), None);
    let sessions = index.sessions(&Search::default(), None, 5).unwrap().found;
    let told: Vec<_> = sessions.iter().map(|found| (found.session.as_deref(), found.recording_deleted)).collect();
    assert_eq!(told, [(Some("b"), None), (Some("a"), Some(3))]);
    assert_eq!(statements(&index, &Search::default(), 5).len(), 2);
}
