//! The same for a log that is signed: whatever is changed of what a checkpoint covers is found, also where all hashes were made anew.

use std::io::Write as _;

use super::*;
use crate::checkpoint::Checkpoint;
use crate::note::{Keyring, SigningKey};
use crate::signer::Signing;
use crate::verify::Trust;

/// How many are tried; scripts/fuzz tries more.
fn rounds() -> usize {
    std::env::var("WEIR_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(2000)
}

fn open(folder: &Path, key: &SigningKey) -> crate::Log {
    let key = SigningKey::from_secret_line(&key.to_secret_line()).unwrap();
    testing::open_with(folder, 3, 2500, Box::new(Folder(folder.to_owned())), Some(Signing::by(key))).unwrap()
}

/// Two starts, each with some checkpoints; and what the folder was in between.
fn write_signed(folder: &Path, key: &SigningKey) -> (Files, Files) {
    let state = || {
        let log = open(folder, key);
        fill(&log, 9);
        // The signer is not waited for: it signs twice in each start at least, and here once more.
        std::thread::sleep(std::time::Duration::from_millis(20));
        fill(&log, 9);
        drop(log);
        let mut files = read(folder);
        files.remove("lock");
        files
    };
    (state(), state())
}

/// Of each file, how many of its first bytes the checkpoint covers.
fn covered(files: &Files, checkpoint: &Checkpoint) -> BTreeMap<String, usize> {
    let mut covered = BTreeMap::new();
    for (name, bytes) in files {
        let lane = lane(name);
        let mut end = 0;
        for span in frames(bytes) {
            let payload: serde_json::Value = serde_json::from_slice(&bytes[span.start + 36..span.end]).unwrap();
            if payload["seq"].as_u64().unwrap() <= checkpoint.lanes[&lane].seq {
                end = span.end;
            }
        }
        covered.insert(name.clone(), end);
    }
    covered
}

/// Makes all hashes of a lane right again, from its first record to its last.
fn chain_anew(files: &mut Files, of: u16) {
    let mut previous = Hash::ZERO;
    for (_, bytes) in files.iter_mut().filter(|(name, _)| lane(name) == of) {
        for (at, span) in frames(bytes).into_iter().enumerate() {
            let key = b"\"previous\":\"";
            let named = bytes[span.clone()].windows(key.len()).position(|window| window == key);
            if at == 0
                && let Some(named) = named
                && let Some(hex) = bytes[span.clone()].get_mut(named + key.len()..).and_then(|rest| rest.get_mut(..64))
            {
                hex.copy_from_slice(previous.to_string().as_bytes());
            }
            let length = span.len() as u32 - 36;
            previous = chain(&previous, length, &mut bytes[span]).unwrap();
        }
    }
}

#[test]
fn every_mutation_of_what_is_signed_is_found() {
    let (dir, key) = (tempfile::tempdir().unwrap(), SigningKey::generate("weir/test").unwrap());
    let (before, base) = write_signed(dir.path(), &key);
    let keys = Keyring::of([key.public().clone()]);
    let plain = Trust { keys: keys.clone(), witnessed: Vec::new() };
    let report = verify(dir.path(), Some(&plain)).unwrap();
    assert!(report.is_whole() && report.checkpoints > 3, "{report:#?}");
    let last = report.signed.unwrap();
    let notes = base.values().flat_map(|bytes| {
        let payloads = frames(bytes).into_iter().map(|span| serde_json::from_slice(&bytes[span.start + 36..span.end]));
        payloads.filter_map(|payload: Result<serde_json::Value, _>| Some(payload.unwrap()["note"].as_str()?.to_owned()))
    });
    let notes = notes.collect::<Vec<_>>();
    let note = notes.iter().find(|note| Checkpoint::open(note, &keys).unwrap() == last).unwrap();
    let witnessed = Trust { keys, witnessed: vec![("a witness".to_owned(), note.clone())] };
    let covered = covered(&base, &last);
    let is_whole = |files: &Files| {
        covered
            .iter()
            .all(|(name, end)| files.get(name).is_some_and(|bytes| bytes.get(..*end) == base[name].get(..*end)))
    };
    let mut dice = Dice(0x51_6e_ed);
    let mut tried = [0; 25];
    while tried.iter().sum::<usize>() < rounds() || tried.contains(&0) {
        let kind = dice.below(25);
        let mut files = base.clone();
        match kind {
            0..21 => drop(mutate(&mut dice, &mut files, kind)),
            // A record changed, and its lane made anew to the end.
            21 => {
                mutate(&mut dice, &mut files, 11);
                (0..3).for_each(|lane| chain_anew(&mut files, lane));
            }
            // The same, and checkpoints that somebody else has signed.
            22 => {
                let forger = SigningKey::generate("weir/test").unwrap();
                let scratch = tempfile::tempdir().unwrap();
                files = write_signed(scratch.path(), &forger).1;
            }
            // An older state.
            23 => files = before.clone(),
            // A segment of the older state, which begins as the one that is there.
            _ => {
                let names = before.keys().cloned().collect::<Vec<_>>();
                let name = names[dice.below(names.len())].clone();
                files.insert(name.clone(), before[&name].clone());
            }
        }
        if files == base {
            tried[kind] += usize::from(kind == 24);
            continue;
        }
        tried[kind] += 1;
        write(dir.path(), &base, &files);
        let report = verify(dir.path(), Some(&witnessed)).unwrap();
        assert!(!report.is_whole() || is_whole(&files), "kind {kind} was not found: {:?}", changed(&base, &files));
        if kind == 22 || kind == 23 {
            assert!(!report.is_whole(), "kind {kind} was not found: {:?}", changed(&base, &files));
        }
        write(dir.path(), &files, &base);
    }
    assert!(verify(dir.path(), Some(&witnessed)).unwrap().is_whole());
    let count = tried.iter().sum::<usize>();
    writeln!(std::io::stdout(), "{count} mutations of a signed log, by kind: {tried:?}; all of them found").unwrap();
}
