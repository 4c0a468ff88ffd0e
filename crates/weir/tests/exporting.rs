//! Exports of a Weir that is killed again and again, compared with its log.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use evidence::{Durability, Log};
use gate::{Event, Ledger as _, Record};
use model::UnixMicros;
use serde_json::Value;
use testkit::wait_until;
use testkit::weir::Weir;

#[expect(dead_code, reason = "it can more than is needed here")]
#[path = "../../export/tests/delivery/http.rs"]
mod http;
use http::{Answer, Requests};

const LIMIT: Duration = Duration::from_secs(30);

/// A record, whatever the order of its keys.
fn text(record: &Value) -> String {
    let sorted: BTreeMap<_, _> = record.as_object().unwrap().iter().collect();
    serde_json::to_string(&sorted).unwrap()
}

/// Lane and number of each, in the order in which they came; each is as the log has it.
fn names(records: impl Iterator<Item = Value>, log: &BTreeSet<String>) -> Vec<(u64, u64)> {
    records
        .map(|mut record| {
            let lane = record.as_object_mut().unwrap().remove("lane").unwrap().as_u64().unwrap();
            assert!(log.contains(&text(&record)), "not in the log: {record}");
            (lane, record["seq"].as_u64().unwrap())
        })
        .collect()
}

/// No record is new that stands before one which came earlier.
#[track_caller]
fn assert_in_order(arrived: &[(u64, u64)]) {
    let (mut last, mut seen) = (BTreeMap::new(), BTreeSet::new());
    for (lane, seq) in arrived {
        let last = last.entry(*lane).or_insert(0);
        assert!(*seq > *last || seen.contains(&(*lane, *seq)), "{lane}:{seq} comes after {lane}:{last}");
        seen.insert((*lane, *seq));
        *last = (*last).max(*seq);
    }
}

fn posted(requests: &Requests) -> Vec<Value> {
    let requests = requests.lock().unwrap();
    let bodies = requests.iter().filter(|request| request.is_taken).map(|request| request.body.clone());
    bodies.flat_map(|body| body.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()).collect()
}

/// Requests that were taken.
fn taken(requests: &Requests) -> usize {
    requests.lock().unwrap().iter().filter(|request| request.is_taken).count()
}

#[test]
fn nothing_is_left_out_by_a_weir_that_is_killed() {
    let bad = [Answer::Ok, Answer::Status("503 Busy"), Answer::Ok, Answer::Ok, Answer::BreakOff, Answer::Close];
    let (port, requests) = http::serve(bad.iter().copied().cycle().take(18).collect());
    let exports = format!(
        "[export.archive]\nkind = \"file\"\npath = \"out.jsonl\"\n\
         [export.starts]\nkind = \"file\"\npath = \"starts.jsonl\"\nevents = [\"started\"]\n\
         [export.siem]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/hook?from=weir\"\n\
         secret = {{ file = \"hook.password\" }}\n\
         # Nobody is there: it stops nobody else.\n\
         [export.gone]\nkind = \"syslog\"\naddress = \"127.0.0.1:1\"\ntls = \"off\"\n"
    );
    let lines = "address = \"127.0.0.1:1\"\ntls = \"off\"\n";
    let mut weir = Weir::builder(env!("CARGO_BIN_EXE_weir"))
        .target_with("hook", "shop", ("weir", "whsec"), lines, &[])
        .setting("workers = 2")
        .lines(&exports)
        .write();
    let out = weir.folder().join("out.jsonl");
    weir.start();
    // The first export is done, and its cursor stands in the middle of what is written next.
    wait_until(LIMIT, "the first record", || fs::read_to_string(&out).is_ok_and(|text| text.contains("started")))
        .unwrap();
    weir.stop().unwrap();
    {
        let log = Log::open(&weir.state().join("log"), 2, "test", Durability::Written).unwrap();
        for number in 0..4_000_u64 {
            let event = Event::Noticed { what: "test", detail: format!("{number} \u{202e} ] \" \\") };
            let record = Record { at: UnixMicros(1_795_251_600_000_000 + number), session: None, event };
            log.lane(usize::from(number % 3 == 0)).append(&[record]).unwrap();
        }
    }
    for killed in 1..=5 {
        weir.start();
        wait_until(LIMIT, "some more", || taken(&requests) > killed * 2).unwrap();
        weir.kill9();
    }
    weir.start();
    wait_until(LIMIT, "the rest", || {
        let last = posted(&requests).last().cloned().unwrap_or_default();
        last["event"] == "started"
            && posted(&requests).iter().filter(|record| record["event"] == "started").count() >= 7
    })
    .unwrap();
    weir.stop().unwrap();

    let log = weir.log();
    let texts: BTreeSet<String> = log.iter().map(text).collect();
    let lines = |name: &str| {
        let text = fs::read_to_string(weir.folder().join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    for (what, records) in [("file", lines("out.jsonl")), ("webhook", posted(&requests))] {
        let arrived = names(records.into_iter(), &texts);
        assert_in_order(&arrived);
        let whole: BTreeSet<_> = arrived.iter().collect();
        assert_eq!(whole.len(), log.len(), "{what}: {} came", arrived.len());
    }
    let starts = lines("starts.jsonl");
    assert!(starts.len() >= 7 && starts.iter().all(|record| record["event"] == "started"), "{starts:?}");
    let said = weir.stderr();
    assert!(said.contains("export gone: 127.0.0.1 port 1: Connection refused"), "{said}");
    assert!(said.contains("export gone: not all was delivered"), "{said}");

    // Another log in its place is said, and changes nothing.
    let before = fs::read(&out).unwrap();
    fs::rename(weir.state().join("log"), weir.folder().join("old")).unwrap();
    fs::remove_file(weir.state().join("checkpoint")).unwrap();
    weir.start();
    wait_until(LIMIT, "it is said", || weir.stderr().contains("export archive: the log is another one")).unwrap();
    weir.stop().unwrap();
    assert!(weir.stderr().contains("export/archive.cursor away"), "{}", weir.stderr());
    assert_eq!(fs::read(&out).unwrap(), before);
}

#[test]
fn an_export_of_checkpoints_is_a_witness() {
    let exports = "[export.all]\nkind = \"file\"\npath = \"all.jsonl\"\ncheckpoints = \"on\"\n\
                   [export.notes]\nkind = \"file\"\npath = \"notes.jsonl\"\nevents = [\"checkpoint\"]\n\
                   [export.plain]\nkind = \"file\"\npath = \"plain.jsonl\"\n";
    let lines = "address = \"127.0.0.1:1\"\ntls = \"off\"\n";
    let mut weir = Weir::builder(env!("CARGO_BIN_EXE_weir"))
        .target_with("nowhere", "shop", ("weir", "x"), lines, &[])
        .setting("workers = 2")
        .lines(exports)
        .start();
    let lines = |weir: &Weir, name: &str| {
        let text = fs::read_to_string(weir.folder().join(name)).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect::<Vec<_>>()
    };
    let is_one = |record: &&Value| record["event"] == "checkpoint";
    wait_until(LIMIT, "a checkpoint", || lines(&weir, "notes.jsonl").iter().any(|record| is_one(&record))).unwrap();
    weir.stop().unwrap();
    let older = weir.folder().join("older");
    copy(&weir.state().join("log"), &older);
    weir.start();
    let count = lines(&weir, "notes.jsonl").len();
    wait_until(LIMIT, "one more", || lines(&weir, "notes.jsonl").len() > count).unwrap();
    weir.stop().unwrap();

    let (all, notes, plain) = (lines(&weir, "all.jsonl"), lines(&weir, "notes.jsonl"), lines(&weir, "plain.jsonl"));
    let of_all: Vec<&Value> = all.iter().filter(is_one).collect();
    assert!(notes.iter().collect::<Vec<_>>() == of_all && of_all.len() >= 2, "{of_all:?}");
    assert!(!plain.iter().any(|record| is_one(&record)));
    assert_eq!(all.len(), plain.len() + notes.len());
    let log: BTreeSet<String> = weir.log().iter().map(text).collect();
    assert_eq!(names(plain.into_iter(), &log).len(), log.len());

    // With what is there a log is right, and one that was put back is not.
    let note = weir.folder().join("copy-of-checkpoint");
    fs::write(&note, notes.last().unwrap()["note"].as_str().unwrap()).unwrap();
    let key = weir.state().join("log.pub");
    let [note, key, older] = [&note, &key, &older].map(|path| path.to_str().unwrap());
    let verified = weir.run(&["audit", "verify", "--key", key, "--checkpoint", note]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let verified = weir.run(&["audit", "verify", "--folder", older, "--key", key, "--checkpoint", note]);
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert_eq!(verified.status.code(), Some(1), "{said}");
    let verified = weir.run(&["audit", "verify", "--folder", older, "--key", key]);
    assert!(verified.status.success(), "by itself it is whole: {}", String::from_utf8_lossy(&verified.stdout));
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
