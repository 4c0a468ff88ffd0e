//! What becomes of a log that lost something, and of one whose key is followed by another.

use super::*;
use crate::checkpoint::Checkpoint;
use crate::epoch::{Epoch, NewEpoch};
use crate::prove::{Proved, RecordName, Unproved, check_proof, prove, prove_growth};

fn anew(key: &SigningKey, witness: Option<&Path>) -> Signing {
    let new_epoch = Some(NewEpoch { by: "root".to_owned(), why: "the disk was restored".to_owned() });
    Signing { new_epoch, ..signing(key, witness) }
}

fn warned(report: &Report, of: &str) -> bool {
    report.warnings.iter().any(|warning| warning.what.contains(of))
}

/// A log, a copy of it from before its last records, and what a witness knows of it.
struct Rolled {
    dir: tempfile::TempDir,
    key: SigningKey,
    known: String,
}

impl Rolled {
    fn back() -> Self {
        let (dir, key) = (tempfile::tempdir().unwrap(), key());
        let (folder, witness) = (dir.path().join("new"), dir.path().join("checkpoint"));
        fill(&open(&folder, 2, signing(&key, Some(&witness))).unwrap(), 2, 30);
        copy(&folder, &dir.path().join("old"));
        fill(&open(&folder, 2, signing(&key, Some(&witness))).unwrap(), 2, 30);
        let known = fs::read_to_string(&witness).unwrap();
        Self { dir, key, known }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn signing(&self) -> Signing {
        signing(&self.key, Some(&self.path("checkpoint")))
    }
}

#[test]
fn who_says_so_goes_on_without_what_was_lost_and_it_is_told_for_ever() {
    let rolled = Rolled::back();
    let (old, witness) = (rolled.path("old"), rolled.path("checkpoint"));
    let lost = refused(&old, rolled.signing());
    assert!(matches!(lost, NotAsSigned::Shorter { .. }) && lost.is_loss(), "{lost}");
    let had = checked(&old, &rolled.key).signed.unwrap();
    let known = Checkpoint::open(&rolled.known, &trust(&rolled.key).keys).unwrap();
    drop(open(&old, 1, anew(&rolled.key, Some(&witness))).unwrap());
    // It goes on, and stays open to those who come after.
    for _ in 0..2 {
        fill(&open(&old, 2, rolled.signing()).unwrap(), 2, 5);
    }
    let report = checked(&old, &rolled.key);
    let signed = report.signed.clone().unwrap();
    assert_eq!(signed.epoch, Epoch { number: 2, given_up: known.size });
    let up_to = format!("up to {} records that had been signed are not here", known.size - had.size);
    assert!(warned(&report, &up_to), "{:#?}", report.warnings);
    let began = all(&old).into_iter().find(|record| record.kind() == "epoch_began").unwrap();
    assert_eq!((began.text("by"), began.text("why")), (Some("root"), Some("the disk was restored")));
    assert_eq!(began.event["known"][0], format!("{}: {} records of epoch 1", witness.display(), known.size));
    // Who kept the checkpoint of what was lost is not told that all is well.
    let witnessed = vec![("elsewhere".to_owned(), rolled.known.clone())];
    let report = verify(&old, Some(&Trust { witnessed, ..trust(&rolled.key) })).unwrap();
    assert!(report.faults.len() == 1 && report.faults[0].what.contains("was lost before epoch 2"), "{report:#?}");
    // And what was before is still proved to be the beginning.
    let trust = trust(&rolled.key);
    let note = fs::read_to_string(&witness).unwrap();
    assert!(matches!(prove_growth(&old, &trust, &rolled.known), Err(Unproved::NotBeginning(_))));
    let proof = prove_growth(&old, &trust, &note).unwrap();
    assert!(matches!(check_proof(&proof, &trust.keys), Ok(Proved::Growth { .. })));
}

#[test]
fn a_copy_of_an_earlier_epoch_is_told_however_large_it_is() {
    let rolled = Rolled::back();
    let (old, new, witness) = (rolled.path("old"), rolled.path("new"), rolled.path("checkpoint"));
    drop(open(&old, 1, anew(&rolled.key, Some(&witness))).unwrap());
    let what = refused(&new, rolled.signing());
    assert!(matches!(what, NotAsSigned::Later { known: 2, here: 1, .. }) && what.is_loss(), "{what}");
    let witnessed = vec![("elsewhere".to_owned(), fs::read_to_string(&witness).unwrap())];
    let report = verify(&new, Some(&Trust { witnessed, ..trust(&rolled.key) })).unwrap();
    assert!(report.faults.iter().any(|fault| fault.what.contains("knows epoch 2 of the log")), "{report:#?}");
    // More of the first epoch comes to light than anybody knew of when the second began.
    fill(&open(&new, 2, signing(&rolled.key, None)).unwrap(), 2, 20);
    let other = rolled.path("other");
    drop(open(&new, 2, signing(&rolled.key, Some(&other))).unwrap());
    let what = refused(&old, signing(&rolled.key, Some(&other)));
    assert!(matches!(what, NotAsSigned::NotGivenUp { .. }) && what.is_loss(), "{what}");
    drop(open(&old, 2, anew(&rolled.key, Some(&other))).unwrap());
    assert_eq!(checked(&old, &rolled.key).signed.unwrap().epoch.number, 3);
    drop(open(&old, 2, signing(&rolled.key, Some(&other))).unwrap());
}

#[test]
fn a_new_epoch_forgives_nothing_of_the_log_itself() {
    let rolled = Rolled::back();
    let old = rolled.path("old");
    let last = last_segment(&old, 1);
    fs::remove_file(last).unwrap();
    let what = refused(&old, anew(&rolled.key, None));
    assert!(matches!(what, NotAsSigned::Lane { lane: 1, .. }) && !what.is_loss(), "{what}");
    // It begins a log that was put away, too: then nothing of it is here.
    let fresh = rolled.path("fresh");
    assert!(matches!(refused(&fresh, rolled.signing()), NotAsSigned::Shorter { here: 0, .. }));
    fill(&open(&fresh, 2, anew(&rolled.key, Some(&rolled.path("checkpoint")))).unwrap(), 2, 5);
    drop(open(&fresh, 2, rolled.signing()).unwrap());
    let report = checked(&fresh, &rolled.key);
    assert!(report.signed.as_ref().is_some_and(|signed| signed.epoch.number == 2), "{report:#?}");
    assert!(warned(&report, "epoch 2 begins"), "{:#?}", report.warnings);
}

#[test]
fn a_key_is_followed_by_another_and_who_trusts_the_first_learns_it() {
    let (dir, first, second) = (tempfile::tempdir().unwrap(), key(), key());
    let (folder, witness) = (dir.path().join("log"), dir.path().join("checkpoint"));
    let keys = Keyring::of([first.public().clone(), second.public().clone()]);
    fill(&open(&folder, 2, signing(&first, Some(&witness))).unwrap(), 2, 10);
    let before = fs::read_to_string(&witness).unwrap();
    let handing = Signing { next: Some(again(&second)), trusted: keys.clone(), ..signing(&first, Some(&witness)) };
    let log = open(&folder, 2, handing).unwrap();
    assert_eq!(log.signed_by(), Some(second.public()));
    fill(&log, 2, 10);
    drop(log);
    fill(&open(&folder, 2, Signing { trusted: keys.clone(), ..signing(&second, Some(&witness)) }).unwrap(), 2, 10);
    // All keys; the first alone, which is how it was handed out; the second alone knows nothing of what was before it.
    let both = Trust { keys: keys.clone(), witnessed: Vec::new() };
    let report = verify(&folder, Some(&both)).unwrap();
    assert!(report.is_whole() && report.introduced.is_empty(), "{report:#?}");
    let report = checked(&folder, &first);
    assert_eq!(report.introduced, [second.public().clone()]);
    assert!(!verify(&folder, Some(&trust(&second))).unwrap().is_whole());
    let proof = prove(&folder, &trust(&first), RecordName { lane: 1, seq: 5 }).unwrap();
    assert!(check_proof(&proof, &trust(&second).keys).is_ok() && check_proof(&proof, &trust(&first).keys).is_err());
    assert!(prove_growth(&folder, &both, &before).is_ok());
    // The first one has had its time: what it signs alone is no checkpoint any more.
    fill(&open(&folder, 2, Signing { trusted: keys, ..signing(&first, None) }).unwrap(), 2, 10);
    for trust in [&both, &trust(&first)] {
        let report = verify(&folder, Some(trust)).unwrap();
        assert!(report.faults.iter().any(|fault| fault.what.contains("not to be trusted")), "{report:#?}");
    }
}

#[test]
fn a_place_that_was_out_of_reach_is_looked_at_before_it_is_written_over() {
    for is_ahead in [true, false] {
        let rolled = Rolled::back();
        let (old, place) = (rolled.path("old"), rolled.path("far"));
        let file = place.join("weir-test.checkpoint");
        // It can't be read while the log is opened: something else is there.
        fs::create_dir_all(&file).unwrap();
        let mut signing = signing(&rolled.key, None);
        signing.witnesses.push(Box::new(FileWitness::far(&place, "weir/test")));
        let log = open(&old, 2, signing).unwrap();
        fs::remove_dir(&file).unwrap();
        // What it kept of the log that this is a copy of, or of what this log is too.
        let note = if is_ahead { rolled.known.clone() } else { last_note(&old) };
        fs::write(&file, &note).unwrap();
        fill(&log, 2, 200);
        sleep(SIGN_WAIT + Duration::from_millis(300));
        fill(&log, 2, 1);
        drop(log);
        assert_eq!(fs::read_to_string(&file).unwrap() == note, is_ahead, "ahead: {is_ahead}");
    }
}

/// The first checkpoint that is in a log.
fn last_note(folder: &Path) -> String {
    let first = &crate::walk::list(folder).unwrap().lanes[&0];
    let bytes = fs::read(folder.join(first[0].to_string())).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let (_, rest) = text.split_once("\"event\":\"checkpoint\",\"note\":\"").unwrap();
    let (note, _) = rest.split_once("\",\"edge\"").unwrap();
    serde_json::from_str(&format!("\"{note}\"")).unwrap()
}
