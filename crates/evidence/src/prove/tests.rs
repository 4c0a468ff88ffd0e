use std::fs;
use std::process::Command;

use gate::Ledger;

use super::*;
use crate::disk::Folder;
use crate::log::Log;
use crate::note::SigningKey;
use crate::signer::Signing;
use crate::testing::{all, decided, open_with};

fn open(folder: &Path, key: &SigningKey) -> Log {
    let key = SigningKey::from_secret_line(&key.to_secret_line()).unwrap();
    open_with(folder, 2, 4096, Box::new(Folder(folder.to_owned())), Some(Signing::by(key))).unwrap()
}

fn fill(folder: &Path, key: &SigningKey) {
    let log = open(folder, key);
    for op in 0..40 {
        log.lane(op % 2).append(&[decided(op as u64)]).unwrap();
    }
}

fn trust(key: &SigningKey) -> Trust {
    Trust { keys: Keyring::of([key.public().clone()]), witnessed: Vec::new() }
}

#[test]
fn each_record_is_proved_with_the_public_key_alone() {
    let (dir, key) = (tempfile::tempdir().unwrap(), SigningKey::generate("weir/test").unwrap());
    fill(dir.path(), &key);
    fill(dir.path(), &key);
    let trust = trust(&key);
    for (count, record) in all(dir.path()).into_iter().enumerate().filter(|(count, _)| count % 7 == 0) {
        let name = RecordName { lane: record.lane, seq: record.seq };
        let proof = prove(dir.path(), &trust, name).unwrap();
        let Proved::Record { payload, checkpoint, .. } = check_proof(&proof, &trust.keys).unwrap() else { panic!() };
        assert_eq!(payload, record.json, "{count}");
        assert!(checkpoint.size > 80);
        if count == 0 {
            no_change_of_it_proves_anything(&proof, &trust.keys);
        }
    }
    // The log's own records are leaves, too.
    for seq in [1, 2] {
        let proof = prove(dir.path(), &trust, RecordName { lane: 0, seq }).unwrap();
        assert!(check_proof(&proof, &trust.keys).is_ok());
    }
    let missing = prove(dir.path(), &trust, RecordName { lane: 5, seq: 1 });
    assert!(matches!(missing, Err(Unproved::NoRecord(_))), "{missing:?}");
    let seal = (1..).take_while(|seq| record(dir.path(), RecordName { lane: 1, seq: *seq }).unwrap().is_some()).last();
    let seal = RecordName { lane: 1, seq: seal.unwrap() };
    let unsigned = prove(dir.path(), &trust, seal);
    assert!(matches!(unsigned, Err(Unproved::Unsigned(_))), "{unsigned:?}");
}

fn no_change_of_it_proves_anything(proof: &str, keys: &Keyring) {
    let right = check_proof(proof, keys).unwrap();
    for at in 0..proof.len() {
        let mut changed = proof.as_bytes().to_vec();
        changed[at] ^= 1;
        let Ok(changed) = String::from_utf8(changed) else { continue };
        let found = check_proof(&changed, keys);
        assert!(found.is_err(), "byte {at} was changed: {found:?} for {right:?}");
    }
}

#[test]
fn growth_is_proved_and_another_log_is_none() {
    let (dir, key) = (tempfile::tempdir().unwrap(), SigningKey::generate("weir/test").unwrap());
    let (folder, other) = (dir.path().join("log"), dir.path().join("other"));
    let trust = trust(&key);
    let mut notes = Vec::new();
    for _ in 0..3 {
        fill(&folder, &key);
        notes.push(whole(&folder, &trust, |_, _, _| {}).unwrap().unwrap());
    }
    for (older, checkpoint) in &notes {
        let proof = prove_growth(&folder, &trust, older).unwrap();
        let Proved::Growth { from, to } = check_proof(&proof, &trust.keys).unwrap() else { panic!() };
        assert_eq!((&from, &to), (checkpoint, &notes[2].1));
        if from != to {
            let at = proof.find('\n').unwrap() + 3;
            let mut changed = proof.clone().into_bytes();
            changed[at] ^= 1;
            assert!(check_proof(&String::from_utf8(changed).unwrap(), &trust.keys).is_err());
        }
    }
    fill(&other, &key);
    fill(&other, &key);
    let found = prove_growth(&other, &trust, &notes[0].0);
    assert!(matches!(found, Err(Unproved::NotBeginning(_))), "{found:?}");
    let found = prove_growth(&other, &trust, &notes[2].0);
    assert!(matches!(found, Err(Unproved::NotBeginning(_))), "{found:?}");
}

#[test]
fn nothing_is_proved_of_a_log_that_was_changed() {
    let (dir, key) = (tempfile::tempdir().unwrap(), SigningKey::generate("weir/test").unwrap());
    fill(dir.path(), &key);
    let file = all(dir.path()).into_iter().find(|record| record.seq == 9).unwrap().file;
    let mut bytes = fs::read(dir.path().join(&file)).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(dir.path().join(&file), bytes).unwrap();
    let found = prove(dir.path(), &trust(&key), RecordName { lane: 0, seq: 3 });
    assert!(matches!(found, Err(Unproved::NotWhole(_))), "{found:?}");
}

/// With nothing of Weir's: Python and OpenSSL, by docs/evidence.md.
#[test]
fn strangers_check_a_proof_by_the_documentation() {
    let (dir, key) = (tempfile::tempdir().unwrap(), SigningKey::generate("weir/test").unwrap());
    let folder = dir.path().join("log");
    fill(&folder, &key);
    let document = include_str!("../../../../docs/evidence.md");
    let script = document.split("```python\n").skip(1).find(|part| part.contains("tlog-proof")).unwrap();
    let script = script.split("```").next().unwrap();
    fs::write(dir.path().join("check.py"), script).unwrap();
    fs::write(dir.path().join("log.pub"), trust(&key).keys.to_string()).unwrap();
    let record = all(&folder).pop().unwrap();
    let proof = prove(&folder, &trust(&key), RecordName { lane: record.lane, seq: record.seq }).unwrap();
    let check = |proof: &str| {
        fs::write(dir.path().join("proof"), proof).unwrap();
        Command::new("python3").args(["check.py", "proof", "log.pub"]).current_dir(dir.path()).output().unwrap()
    };
    let output = check(&proof);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains(&record.json));
    let at = proof.find("\nextra ").unwrap() + 60;
    let mut changed = proof.clone().into_bytes();
    changed[at] ^= 1;
    assert!(!check(std::str::from_utf8(&changed).unwrap()).status.success());
    let signature = proof.rfind(' ').unwrap() + 20;
    let mut changed = proof.into_bytes();
    changed[signature] ^= 1;
    assert!(!check(std::str::from_utf8(&changed).unwrap()).status.success());
}
