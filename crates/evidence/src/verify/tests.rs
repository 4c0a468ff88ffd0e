use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gate::Ledger;

use super::{Fault, verify};
use crate::disk::Folder;
use crate::format::{Hash, MAGIC, SegmentName, chain};
use crate::testing::{self, Dice, copy, decided, ended, last_segment, put, small};

mod signed;

type Files = BTreeMap<String, Vec<u8>>;

/// A log with three lanes, two starts, a torn tail between them in lane 1, and many segments. If it is not closed, it is
/// as a running or killed process has it.
fn write_log(folder: &Path, close: bool) -> Files {
    let scratch = tempfile::tempdir().unwrap();
    let first = tiny(scratch.path());
    fill(&first, 13);
    copy(scratch.path(), folder);
    let torn = last_segment(folder, 1);
    let bytes = fs::read(&torn).unwrap();
    assert!(frames(&bytes).len() > 1, "the last segment has a record that can be torn");
    let length = bytes.len() as u64;
    fs::OpenOptions::new().write(true).open(&torn).unwrap().set_len(length - 20).unwrap();
    if close {
        fill(&tiny(folder), 21);
    } else {
        let second = tempfile::tempdir().unwrap();
        copy(folder, second.path());
        let log = tiny(second.path());
        fill(&log, 21);
        copy(second.path(), folder);
    }
    let mut files = read(folder);
    files.remove("lock");
    files
}

/// With a new segment every dozen records.
fn tiny(folder: &Path) -> crate::Log {
    testing::open(folder, 3, 2500, Box::new(Folder(folder.to_owned()))).unwrap()
}

fn fill(log: &crate::Log, count: u64) {
    for op in 0..count {
        for lane in 0..3 {
            log.lane(lane).note(ended(op));
            log.lane(lane).append(&[decided(op * 3 + lane as u64)]).unwrap();
        }
    }
}

fn read(folder: &Path) -> Files {
    let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).map(|e| (name(&e), fs::read(e.path()).unwrap())).collect()
}

/// Where each record of a segment begins and ends.
fn frames(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut at, mut frames) = (MAGIC.len(), Vec::new());
    while let Some(length) = bytes.get(at..at + 4) {
        let end = at + 36 + u32::from_le_bytes(length.try_into().unwrap()) as usize;
        if end > bytes.len() {
            break;
        }
        frames.push(at..end);
        at = end;
    }
    frames
}

/// Whether all whole records are the first of those that were there: then only the end differs.
fn is_cut_of(bytes: &[u8], before: &[u8]) -> bool {
    let end = frames(bytes).last().map_or(0, |span| span.end);
    end > 0 && bytes[..end] == before[..end.min(before.len())]
}

fn lane(name: &str) -> u16 {
    SegmentName::parse(name).unwrap().lane
}

fn is_last(files: &Files, name: &str) -> bool {
    files.keys().rfind(|other| lane(other) == lane(name)).unwrap() == name
}

/// What a mutation should come to.
#[derive(Debug, PartialEq)]
enum Expect {
    Fault,
    /// The end of this lane was cut: that is a warning, as a killed process leaves the same.
    Cut(u16),
}

/// Changes something, and says what should be found; `None` if this throw changes nothing.
fn mutate(dice: &mut Dice, files: &mut Files, kind: usize) -> Option<Expect> {
    let names = files.keys().cloned().collect::<Vec<_>>();
    let name = names[dice.below(names.len())].clone();
    let other = names[dice.below(names.len())].clone();
    let last = is_last(files, &name);
    let before = files[&name].clone();
    let spans = frames(&before);
    let pick = dice.below(spans.len());
    let span = spans[pick].clone();
    let (at, long) = (dice.below(before.len()), 1 + dice.below(300));
    let range = at..(at + long).min(before.len());
    let bytes = files.get_mut(&name).unwrap();
    // A change that reaches to the end of a lane can be one that a crash could have made.
    let mut reaches_end = false;
    match kind {
        // One bit.
        0 => bytes[at] ^= 1 << dice.below(8),
        // One byte.
        1 => bytes[at] = dice.below(256) as u8,
        // A run of noise.
        2 => bytes[range].iter_mut().for_each(|byte| *byte = dice.below(256) as u8),
        // Zeros.
        3 => {
            reaches_end = range.end == before.len();
            bytes[range].fill(0);
        }
        // A run removed.
        4 => {
            bytes.drain(range);
            reaches_end = is_cut_of(bytes, &before);
        }
        // Noise put in.
        5 => {
            let noise = (0..long).map(|_| dice.below(256) as u8).collect::<Vec<_>>();
            bytes.splice(at..at, noise);
            reaches_end = is_cut_of(bytes, &before);
        }
        // A record removed.
        6 => {
            reaches_end = span.end == before.len();
            bytes.drain(span);
        }
        // A record said twice.
        7 => {
            let again = before[span.clone()].to_vec();
            bytes.splice(span.end..span.end, again);
        }
        // Two records in each other's place.
        8 => {
            let with = spans[dice.below(spans.len())].clone();
            let (a, b) = if span.start < with.start { (span, with) } else { (with, span) };
            let (first, second) = (before[a.clone()].to_vec(), before[b.clone()].to_vec());
            bytes.splice(b, first);
            bytes.splice(a, second);
        }
        // A record of some other segment, often of another lane, instead of one, or beside it.
        9 | 10 => {
            let foreign = files[&other].clone();
            let foreign = &foreign[frames(&foreign)[0].clone()];
            let foreign = if kind == 9 { foreign.to_vec() } else { [&before[span.clone()], foreign].concat() };
            files.get_mut(&name).unwrap().splice(span, foreign);
        }
        // A record changed, and its own hash made right again.
        11 | 12 => {
            let previous = match pick.checked_sub(1) {
                Some(previous) => Hash(before[spans[previous].start + 4..][..32].try_into().unwrap()),
                None => {
                    let header: serde_json::Value = serde_json::from_slice(&before[span.start + 36..span.end]).unwrap();
                    serde_json::from_value(header["previous"].clone()).unwrap()
                }
            };
            let payload = span.start + 36 + dice.below(span.len() - 36);
            bytes[payload] ^= 1;
            let hash = chain(&previous, span.len() as u32 - 36, &mut bytes[span.clone()]).unwrap();
            assert_ne!(hash.0[..], before[span.start + 4..span.start + 36]);
            // The lane's very last record can be made anew by anyone: that needs a signature, and is not claimed.
            if last && span.end == before.len() {
                return None;
            }
            // And so can all that follow in this segment, but not the segment after.
            if kind == 12 && last {
                return None;
            }
            if kind == 12 {
                let mut previous = hash;
                for span in &spans[pick + 1..] {
                    previous = chain(&previous, span.len() as u32 - 36, &mut bytes[span.clone()]).unwrap();
                }
            }
        }
        // Cut off.
        13 => {
            reaches_end = true;
            bytes.truncate(at);
        }
        // Cut off between two records.
        14 => {
            reaches_end = true;
            bytes.truncate(span.start.max(spans[1].start));
        }
        // A segment removed.
        15 => drop(files.remove(&name)),
        // Two segments in each other's place.
        16 => {
            let (a, b) = (files[&name].clone(), files[&other].clone());
            files.insert(name.clone(), b);
            files.insert(other.clone(), a);
            if name == other {
                return None;
            }
            return Some(Expect::Fault);
        }
        // A segment under another name.
        17 => {
            let bytes = files.remove(&name).unwrap();
            let named = SegmentName { lane: lane(&other), first: 1 + dice.below(60) as u64 };
            if files.contains_key(&named.to_string()) || named.to_string() == name {
                return None;
            }
            files.insert(named.to_string(), bytes);
            return Some(Expect::Fault);
        }
        // A whole lane removed.
        18 => files.retain(|other, _| lane(other) != lane(&name)),
        // A segment emptied.
        19 => bytes.clear(),
        // Zeros or noise behind a segment.
        _ => {
            reaches_end = true;
            let fill = if long % 2 == 0 { 0 } else { dice.below(256) as u8 };
            bytes.extend(vec![fill; long]);
        }
    }
    if files.get(&name) == Some(&before) {
        return None;
    }
    // Below its header a segment is never cut by a crash: it gets its name when the header is there.
    let headed = files.get(&name).is_some_and(|bytes| bytes.len() >= spans[0].end);
    Some(if last && reaches_end && headed { Expect::Cut(lane(&name)) } else { Expect::Fault })
}

#[test]
fn every_mutation_is_found() {
    for close in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let base = write_log(dir.path(), close);
        let untouched = verify(dir.path(), None).unwrap();
        assert!(untouched.is_whole(), "{untouched:#?}");
        // The torn tail of lane 1, and three ends that are open.
        assert_eq!(untouched.warnings.len(), if close { 1 } else { 4 }, "{untouched:#?}");
        assert!(base.len() > 20, "{} segments", base.len());
        let mut dice = Dice(0x7e57_0001 + u64::from(close));
        let mut tried = [0; 21];
        while tried.iter().sum::<usize>() < 2100 || tried.contains(&0) {
            let kind = dice.below(21);
            let mut files = base.clone();
            let Some(expect) = mutate(&mut dice, &mut files, kind) else { continue };
            tried[kind] += 1;
            write(dir.path(), &base, &files);
            let report = verify(dir.path(), None).unwrap();
            match expect {
                Expect::Fault => {
                    assert!(!report.is_whole(), "kind {kind} was not found, {close}: {:?}", changed(&base, &files))
                }
                Expect::Cut(lane) => assert!(
                    !report.is_whole() || report.warnings.iter().any(|fault| is_end_of(fault, lane)),
                    "kind {kind} was not found, {close}: {:?}: {report:#?}",
                    changed(&base, &files)
                ),
            }
            // Whoever only reads comes to an end, without a panic.
            if tried[kind] % 4 == 0 {
                assert!(crate::records(dir.path()).unwrap().count() < 1000);
            }
            write(dir.path(), &files, &base);
        }
        assert!(verify(dir.path(), None).unwrap().is_whole());
    }
}

fn is_end_of(fault: &Fault, lane: u16) -> bool {
    fault.lane == Some(lane) && fault.what.contains("the end was cut off")
}

fn changed(base: &Files, files: &Files) -> Vec<String> {
    let there = |files: &Files, name: &String| files.get(name).map(Vec::len);
    let names = base.keys().chain(files.keys().filter(|name| !base.contains_key(*name)));
    names
        .filter(|name| base.get(*name) != files.get(*name))
        .map(|name| format!("{name}: {:?} to {:?} bytes", there(base, name), there(files, name)))
        .collect()
}

/// Writes what differs.
fn write(folder: &Path, from: &Files, to: &Files) {
    for name in from.keys().filter(|name| !to.contains_key(*name)) {
        fs::remove_file(folder.join(name)).unwrap();
    }
    for (name, bytes) in to.iter().filter(|(name, bytes)| from.get(*name) != Some(*bytes)) {
        put(&folder.join(name), bytes);
    }
}

#[test]
fn a_fault_says_where_and_what() {
    let dir = tempfile::tempdir().unwrap();
    let base = write_log(dir.path(), true);
    let (name, bytes) = base.iter().find(|(name, _)| lane(name) == 2).unwrap();
    let third = frames(bytes)[2].clone();
    let said = |files: Files| {
        write(dir.path(), &base, &files);
        let report = verify(dir.path(), None).unwrap();
        write(dir.path(), &files, &base);
        report.faults.iter().map(Fault::to_string).collect::<Vec<_>>()
    };
    let mut flipped = base.clone();
    flipped.get_mut(name).unwrap()[third.start + 50] ^= 1;
    let at = third.start;
    let one = said(flipped);
    assert_eq!(one.len(), 1, "{one:?}");
    assert!(one[0].starts_with(&format!("{name}, byte {at}, record 3: the record does not follow")), "{one:?}");

    let mut removed = base.clone();
    removed.get_mut(name).unwrap().drain(third.clone());
    let one = said(removed);
    assert_eq!(one.len(), 1, "{one:?}");
    assert!(one[0].contains("its number is 4 where 3 should be"), "{one:?}");

    let mut length = base.clone();
    length.get_mut(name).unwrap()[third.start + 2] ^= 0x40;
    let words = said(length);
    assert!(words[0].contains("a record's length cannot be right"), "{words:?}");

    let second = base.keys().filter(|name| lane(name) == 2).nth(1).unwrap();
    let mut gone = base.clone();
    gone.remove(second);
    let one = said(gone);
    assert_eq!(one.len(), 1, "{one:?}");
    assert!(one[0].contains(&format!("it does not continue {name}: records ")), "{one:?}");
    assert!(one[0].ends_with("are missing"), "{one:?}");

    let mut gone = base.clone();
    gone.remove(name);
    assert!(said(gone)[0].contains("the segments before it are missing"));

    let mut none = base.clone();
    none.retain(|name, _| lane(name) != 2);
    let words = said(none);
    assert_eq!(words.len(), 2, "one for each start: {words:?}");
    assert!(words[0].starts_with("lane 2: the segments that test began"), "{words:?}");

    let newest = base.keys().rfind(|name| lane(name) == 2).unwrap();
    let mut gone = base.clone();
    gone.remove(newest);
    let words = said(gone);
    assert!(words[0].contains(&format!("the segment that follows it, {newest}, is missing")), "{words:?}");

    let mut headless = base.clone();
    headless.get_mut(name).unwrap()[0] ^= 1;
    assert!(said(headless)[0].contains("does not begin with WEIRLOG1"));

    let mut stranger = base.clone();
    stranger.insert("notes.txt".to_owned(), b"x".to_vec());
    write(dir.path(), &base, &stranger);
    let report = verify(dir.path(), None).unwrap();
    assert!(report.is_whole());
    assert!(report.warnings.iter().any(|fault| fault.what.contains("notes.txt")), "{report:?}");
}

#[test]
fn the_report_counts() {
    let dir = tempfile::tempdir().unwrap();
    let files = write_log(dir.path(), true);
    let report = verify(dir.path(), None).unwrap();
    // Of lane 1's first start the last record was torn.
    assert_eq!(report.records, 3 * 2 * 34 - 1);
    assert_eq!((report.lanes, report.segments), (3, files.len()));
    assert_eq!(report.bytes, files.values().map(|bytes| bytes.len() as u64).sum::<u64>());
    assert!(report.first.unwrap() < report.last.unwrap());
}

#[test]
fn many_faults_are_counted_and_not_all_listed() {
    let dir = tempfile::tempdir().unwrap();
    let log = crate::Log::open(dir.path(), 1, "test", crate::Durability::Written).unwrap();
    for op in 0..1500 {
        log.lane(0).append(&[decided(op)]).unwrap();
    }
    drop(log);
    let segment = last_segment(dir.path(), 0);
    let mut bytes = fs::read(&segment).unwrap();
    for span in &frames(&bytes)[1..] {
        bytes[span.start + 60] ^= 1;
    }
    put(&segment, &bytes);
    let report = verify(dir.path(), None).unwrap();
    assert_eq!(report.faults.len(), super::FAULTS_MAX);
    // 1500 records and the seal.
    assert_eq!(report.faults_unlisted, 501);
}

#[test]
fn a_running_log_can_be_verified() {
    let dir = tempfile::tempdir().unwrap();
    let log = small(dir.path(), 2);
    let lanes = [log.lane(0), log.lane(1)];
    let writers = lanes.map(|lane| {
        std::thread::spawn(move || {
            for op in 0..1500 {
                lane.append(&[decided(op)]).unwrap();
            }
        })
    });
    let mut rounds = 0;
    while writers.iter().any(|writer| !writer.is_finished()) {
        let report = verify(dir.path(), None).unwrap();
        assert!(report.is_whole(), "{report:#?}");
        rounds += 1;
    }
    assert!(rounds > 2);
}

#[test]
fn an_empty_folder_is_no_fault_and_none_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let report = verify(dir.path(), None).unwrap();
    assert!(report.is_whole() && report.warnings.len() == 1);
    assert!(verify(&dir.path().join("none"), None).is_err());
}
