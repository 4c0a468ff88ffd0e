//! `weir sessions`, `weir search` and `weir audit reindex` over a log that is written meanwhile.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use evidence::{Durability, Log};
use gate::{Arrived, Decided, Ended, Event, Ledger as _, Outcome, Record, Rejected, Ruling};
use model::{Digest, LogText, SessionId, TargetId, UnixMicros};

/// What a command did.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.current_dir(dir).args(args).env_remove("WEIR_CONFIG").env("SHOP_PASSWORD", "x").env("TZ", "UTC");
    command.stdin(Stdio::null());
    command
}

fn weir(dir: &Path, args: &[&str]) -> Ran {
    let output = command(dir, args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// The seq of all that is found; nothing may be said beside it.
fn found(dir: &Path, args: &[&str]) -> Vec<u64> {
    let ran = weir(dir, &[args, &["--json"]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}: {}", ran.out);
    let seq = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap();
    ran.out.lines().map(seq).collect()
}

/// A moment in November 2026; a second later for each.
const BEGAN: u64 = 1_795_251_600_000_000;

fn record(second: u64, session: Option<&str>, event: Event) -> Record {
    let session = session.map(|id| SessionId(id.into()));
    Record { at: UnixMicros(BEGAN + second * 1_000_000), session, event }
}

fn admitted(second: u64, session: &str, who: &str) -> Record {
    let arrived = Arrived {
        principal: format!("local:{who}"),
        kind: "User",
        groups: vec!["dba".into()],
        act: Vec::new(),
        owner: None,
        credential: "local:1".into(),
        target: TargetId("shop".into()),
        place: None,
        peer: "127.0.0.1:4".into(),
        application: Some("ps\u{202e}ql".into()),
        run: Some("acme/x#7".into()),
        policies: "p".into(),
        rules: vec!["connect".into()],
    };
    record(second, Some(session), Event::Admitted(arrived))
}

fn decided(second: u64, session: &str, op: u64, ruling: Ruling, text: &str) -> Record {
    let decided = Decided {
        op,
        ruling,
        step: "query",
        asks: ["select Table::\"shop/public.orders\""].into_iter().collect(),
        rules: ["use"].into_iter().collect(),
        why: (ruling == Ruling::Deny).then(|| "no".into()),
        digest: Digest([9; 32]),
        text: LogText(text.into()),
        bound: None,
    };
    record(second, Some(session), Event::Decided(decided))
}

fn ended(second: u64, session: &str, op: u64, rows: u64) -> Record {
    let classes = Some(["pii.email:clear"].into_iter().collect());
    let fields = Some(["public.people.email:clear"].into_iter().collect());
    let ended = Ended { op, outcome: Outcome::Done, rows, bytes: 9, masked: 0, classes, fields, found: None };
    record(second, Some(session), Event::Ended(ended))
}

/// A folder with a configuration, and its log with five statements of two sessions; seq 1 is the segment's header.
fn logged() -> (tempfile::TempDir, Log) {
    let dir = tempfile::tempdir().unwrap();
    let args = ["init", "--target", "shop", "--address", "127.0.0.1:5432", "--database", "shop"];
    assert_eq!(weir(dir.path(), &args).code, 0);
    let log = open(dir.path());
    let records = [
        admitted(1, "0198f0a2-aaaaaaaa", "alice"),
        decided(2, "0198f0a2-aaaaaaaa", 1, Ruling::Permit, "SELECT * FROM orders"),
        ended(3, "0198f0a2-aaaaaaaa", 1, 1500),
        decided(4, "0198f0a2-aaaaaaaa", 2, Ruling::Deny, "SELECT secret FROM orders -- \u{1b}[2J"),
        record(5, Some("0198f0a2-aaaaaaaa"), Event::Closed { why: "goodbye".into(), permitted: 1, refused: 1 }),
        admitted(6, "0198f0a2-bbbbbbbb", "bob"),
        decided(7, "0198f0a2-bbbbbbbb", 1, Ruling::Permit, "UPDATE orders SET a = 1"),
        ended(8, "0198f0a2-bbbbbbbb", 1, 2),
        record(
            9,
            None,
            Event::Rejected(Rejected {
                principal: None,
                target: None,
                peer: "10.0.0.1:1".into(),
                why: "no token".into(),
            }),
        ),
    ];
    log.lane(0).append(&records).unwrap();
    (dir, log)
}

fn open(dir: &Path) -> Log {
    Log::open(&dir.join("weir-state/log"), 1, "test", Durability::Written).unwrap()
}

#[test]
fn statements_and_sessions_are_found_while_the_log_grows() {
    let (dir, log) = logged();
    let dir = dir.path();
    for (filter, seqs) in [
        (&[][..], &[8, 5, 3][..]),
        (&["--person", "alice"], &[5, 3]),
        (&["--person", "local:bob", "--group", "DBA"], &[8]),
        (&["--table", "public.orders", "--decision", "deny"], &[5]),
        (&["--class", "pii", "--min-rows", "1000"], &[3]),
        (&["--text", "FROM orders"], &[5, 3]),
        (&["--text", "\"orders from\""], &[]),
        (&["--text", "NOT ( \" * AND"], &[]),
        (&["--session", "bbbbbbbb"], &[8]),
        (&["--run", "acme/x", "--rule", "use", "--target", "shop"], &[8, 5, 3]),
        (&["--since", "2026-11-21T09:00:03Z", "--until", "2026-11-21T09:00:07Z"], &[5]),
        (&["--until", "3d"], if jiff::Timestamp::now().as_second() > 1_795_600_000 { &[8, 5, 3] } else { &[] }),
    ] {
        assert_eq!(found(dir, &[&["search"], filter].concat()), seqs, "{filter:?}");
    }
    assert_eq!(found(dir, &["sessions"]), [10, 7, 2]);
    assert_eq!(found(dir, &["sessions", "--decision", "deny"]), [10, 2]);
    log.lane(0).append(&[decided(10, "0198f0a2-bbbbbbbb", 2, Ruling::Permit, "SELECT later")]).unwrap();
    assert_eq!(found(dir, &["search", "--person", "bob"]), [11, 8]);
    // And in a segment that comes when Weir starts again: 12 is the seal, 13 its header.
    drop(log);
    let log = open(dir);
    log.lane(0).append(&[decided(11, "0198f0a2-bbbbbbbb", 3, Ruling::Permit, "SELECT last")]).unwrap();
    assert_eq!(found(dir, &["search", "--person", "bob"]), [14, 11, 8]);
    let first = found(dir, &["search"]);
    let ran = weir(dir, &["audit", "reindex"]);
    assert!(ran.code == 0 && ran.out.starts_with("the index is made anew: 11 records in "), "{}{}", ran.out, ran.err);
    assert_eq!(found(dir, &["search"]), first);
}

#[test]
fn lines_for_people_are_aligned_and_hold_nothing_that_acts() {
    let (dir, _log) = logged();
    let ran = weir(dir.path(), &["search"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines: Vec<&str> = ran.out.lines().collect();
    let column = lines[0].find("DECISION").unwrap();
    assert_eq!(
        lines.iter().map(|line| line[column..].split(' ').next().unwrap()).collect::<Vec<_>>(),
        ["DECISION", "permit", "DENY", "permit"]
    );
    assert!(lines[2].starts_with("2026-11-21T09:00:04+00:00  aaaaaaaa  local:alice  shop"), "{}", lines[2]);
    assert!(lines[2].ends_with("SELECT secret FROM orders -- \\u{1b}[2J"), "{}", lines[2]);
    let ran = weir(dir.path(), &["sessions"]);
    for said in ["REJECTED", "running", "  4 s  ", "no token", "run acme/x#7"] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    let ran = weir(dir.path(), &["sessions", "--json", "--person", "bob"]);
    assert!(ran.out.contains("ps\\u202eql") && ran.out.contains("\"state\":\"running\""), "{}", ran.out);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(dir.path().join("weir-state/index.sqlite")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn pages_follow_each_other() {
    let (dir, _log) = logged();
    let ran = weir(dir.path(), &["search", "--limit", "2", "--json"]);
    let cursor = ran.err.trim_end().strip_prefix("there is more: the same with --after ").unwrap().to_owned();
    assert!(ran.out.lines().last().unwrap().contains(&format!("\"cursor\":\"{cursor}\"")), "{}", ran.out);
    assert_eq!(found(dir.path(), &["search", "--limit", "2", "--after", &cursor]), [3]);
}

#[test]
fn what_makes_no_sense_is_said() {
    let (dir, _log) = logged();
    for (args, code, said) in [
        (&["search", "--since", "yesterday"][..], 2, "how long ago: 90s, 30m, 2h, 3d"),
        (&["search", "--person", ""], 2, "write what to look for"),
        (&["search", "--text", "* ()"], 2, "there is no word in it"),
        (&["search", "--min-rows", "many"], 2, "--min-rows"),
        (&["search", "--limit", "0"], 2, "--limit"),
        (&["search", "--after", "x"], 2, "a cursor is what the page before ended with"),
        (&["search", "--session", "12"], 2, "at least its last 8 characters"),
        (&["sessions", "--since", "1h", "--until", "2h"], 2, "nothing can be between them"),
        (&["sessions", "--value", "alice@example.com"], 1, "no value of a class is in any recording"),
    ] {
        let ran = weir(dir.path(), args);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
    }
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(weir(empty.path(), &["init"]).code, 0);
    for args in [&["search"][..], &["audit", "reindex"]] {
        let ran = weir(empty.path(), args);
        assert!(ran.code == 1 && ran.err.contains("has `weir serve` run yet?"), "{}", ran.err);
    }
}

#[test]
fn another_log_is_noticed_and_a_damaged_index_is_said_to_be_one() {
    let (dir, log) = logged();
    assert_eq!(found(dir.path(), &["search"]), [8, 5, 3]);
    drop(log);
    fs::remove_dir_all(dir.path().join("weir-state/log")).unwrap();
    let log = open(dir.path());
    // Longer than the one before: what was known last is in its middle.
    let others: Vec<_> = (1..=30).map(|op| decided(op, "other", op, Ruling::Permit, "SELECT other")).collect();
    log.lane(0).append(&others).unwrap();
    let ran = weir(dir.path(), &["search", "--json"]);
    assert!(ran.code == 0 && ran.err.contains("the log is not the one that the index was made of"), "{}", ran.err);
    assert_eq!((ran.out.lines().count(), ran.out.matches("SELECT other").count()), (30, 30), "{}", ran.out);
    assert_eq!(found(dir.path(), &["search", "--until", "2026-11-21T09:00:02Z"]), [2]);

    fs::write(dir.path().join("weir-state/index.sqlite"), vec![7; 50_000]).unwrap();
    let ran = weir(dir.path(), &["search"]);
    assert!(ran.code == 1 && ran.err.contains("`weir audit reindex` makes it anew"), "{}", ran.err);
    assert_eq!(weir(dir.path(), &["audit", "reindex"]).code, 0);
    assert_eq!(found(dir.path(), &["search"]).len(), 30);
}

#[test]
fn many_at_once_do_not_disturb_each_other() {
    let (dir, log) = logged();
    for round in 0..3 {
        let running: Vec<_> = (0..4)
            .map(|_| {
                let mut command = command(dir.path(), &["search", "--json", "--limit", "9000"]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for one in running {
            let output = one.wait_with_output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
            assert!(output.stdout.iter().filter(|byte| **byte == b'\n').count() >= 3 + 500 * round);
        }
        let more: Vec<_> =
            (0..500).map(|n| decided(20 + n, "0198f0a2-bbbbbbbb", 10 + n, Ruling::Permit, "SELECT 1")).collect();
        log.lane(0).append(&more).unwrap();
    }
}
