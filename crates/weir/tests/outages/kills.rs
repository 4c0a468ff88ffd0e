//! Weir is killed at random instants while clients write, fifty times on one state folder. Three ledgers are compared:
//! what clients were told (C), what is on the target (T), and what the log says (A). Nothing may be on the target that
//! the log does not account for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::Release;
use testkit::weir::Weir;

use crate::house::{ALL, CLIENTS, PASSWORD, SERVER, assert_sound, builder, database, run};

/// How often it is killed; `WEIR_KILLS` says another number.
const ROUNDS: usize = 50;
/// What of a recording a kill may take, in microseconds: a second.
const RECORDING_LOST_MICROS: u64 = 1_000_000;

/// Clients that write for as long as they run: each id once, and a line for each that the target confirmed. They connect
/// again whenever they are cut off.
const LOAD: &str = include_str!("kills/load.py");

const POLICIES: &str = r#"
@id("kept") forbid (principal, action == Action::"insert", resource == Table::"killed/public.forbidden");
"#;

/// The ids that a text inserts, with the table: `INSERT INTO written VALUES (17, …`.
fn ids(text: &str) -> Vec<(&str, u64)> {
    let mut found = Vec::new();
    for piece in text.split("INSERT INTO ").skip(1) {
        let Some((table, rest)) = piece.split_once(" VALUES (") else { continue };
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
        found.push((table, digits.parse().unwrap()));
    }
    found
}

/// What the log says of an operation.
struct Operation {
    text: String,
    step: String,
    permitted: bool,
    bound: bool,
    outcome: Option<Value>,
}

fn operations(log: &[Value]) -> BTreeMap<(String, u64), Operation> {
    let mut operations = BTreeMap::new();
    let key = |record: &Value| (record["session"].as_str().unwrap().to_owned(), record["op"].as_u64().unwrap());
    for record in log {
        match record["event"].as_str().unwrap() {
            "decided" => {
                let operation = Operation {
                    text: record["text"].as_str().unwrap().to_owned(),
                    step: record["step"].as_str().unwrap().to_owned(),
                    permitted: record["ruling"] == "permit",
                    bound: record["bound"].is_string(),
                    outcome: None,
                };
                let twice = operations.insert(key(record), operation);
                assert!(twice.is_none(), "two decisions have one number: {record}");
            }
            "ended" => {
                operations.get_mut(&key(record)).expect("decided before it ended").outcome =
                    Some(record["outcome"].clone())
            }
            _ => {}
        }
    }
    operations
}

struct Load(Child);

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn announce(weir: &Weir) {
    let half = weir.folder().join("port.half");
    fs::write(&half, weir.port().to_string()).unwrap();
    fs::rename(half, weir.folder().join("port")).unwrap();
}

/// psql writes for one round: simple statements, transactions, and bound parameters. Returns what was confirmed.
fn psql_round(weir: &Weir, token: &str, round: usize) -> Child {
    let first = 1_000_000_000 + 10_000 * round;
    let mut script = String::from("\\set ON_ERROR_STOP on\n");
    for at in (0..400).step_by(4) {
        let id = first + at;
        script += &format!(
            "INSERT INTO written VALUES ({id}, 'psql');\n\\echo ok {id}\n\
             INSERT INTO written VALUES ({}, $1) \\bind psql-bound \\g\n\\echo ok {}\n\
             BEGIN;\nINSERT INTO written VALUES ({}, 'psql-begun');\nINSERT INTO written VALUES ({}, 'psql-begun');\nCOMMIT;\n\
             \\echo ok {}\n\\echo ok {}\n",
            id + 1,
            id + 1,
            id + 2,
            id + 3,
            id + 2,
            id + 3,
        );
    }
    let file = weir.folder().join("round.sql");
    fs::write(&file, script).unwrap();
    let to = weir.conninfo("loader", "killed");
    let run = CLIENTS.psql(Release::V18).args(["-q", "-d", &to, "-f"]).arg(file).env("PGPASSWORD", token);
    run.spawn().unwrap()
}

/// How much the clients have been told so far.
fn told_bytes(told: &Path) -> u64 {
    fs::metadata(told).map_or(0, |found| found.len())
}

fn confirmed(text: &str) -> BTreeSet<u64> {
    // The last line may be half written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().filter_map(|line| line.strip_prefix("ok ")?.parse().ok()).collect()
}

#[test]
fn no_effect_without_its_record_however_weir_is_killed() {
    database("killed", "CREATE TABLE written (id bigint, how text); CREATE TABLE forbidden (id bigint, how text)");
    let rounds = std::env::var("WEIR_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(ROUNDS);
    let lines = format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\nrecording = \"full\"\n", SERVER.port());
    let recorded = builder().target_with("killed", "killed", ("holder", PASSWORD), &lines, &[]);
    let mut weir = recorded.policies(&format!("{ALL}\n{POLICIES}")).start();
    let token = weir.token("loader", &[]);
    announce(&weir);
    let (script, told) = (weir.folder().join("load.py"), weir.folder().join("told"));
    fs::write(&script, LOAD).unwrap();
    let load = CLIENTS.python().arg(&script).args([weir.folder(), &told]).env("PGPASSWORD", &token);
    let mut load = Load(load.env("CA", weir.state().join("ca.pem")).spawn().unwrap());
    let mut told_psql = BTreeSet::new();
    let count = || SERVER.psql("killed", "SELECT count(*) FROM written").unwrap().trim().parse::<u64>().unwrap();
    let (mut rows_before, mut rounds_with_rows, mut torn, mut random) = (0, 0, 0, 0x9e37_79b9_7f4a_7c15_u64);
    let mut recovery_max = Duration::ZERO;
    for round in 0..rounds {
        let told_before = told_bytes(&told);
        let mut psql = psql_round(&weir, &token, round);
        // xorshift: the instants differ from round to round, and what one seed found is found again.
        for shift in [13_i32, -7, 17] {
            random ^= if shift > 0 { random << shift } else { random >> -shift };
        }
        // In every other round the clients surely write by then; in the others they may be anywhere, logging in too.
        if round % 2 == 0 {
            let writing = || told_bytes(&told) > told_before;
            testkit::wait_until(Duration::from_secs(30), "a row written in this round", writing).unwrap();
            thread::sleep(Duration::from_millis(random % 400));
        } else {
            thread::sleep(Duration::from_millis(200 + random % 400));
        }
        weir.kill9();
        let mut out = String::new();
        psql.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        psql.wait().unwrap();
        told_psql.extend(confirmed(&out));
        let begun = Instant::now();
        weir.start();
        announce(&weir);
        recovery_max = recovery_max.max(begun.elapsed());
        let (code, out, err) = run(&weir, &["audit", "verify"]);
        assert_eq!(code, 0, "the log does not verify after kill {}: {out}{err}", round + 1);
        torn += out.matches("warning: ").count();
        let rows = count();
        rounds_with_rows += usize::from(rows > rows_before);
        rows_before = rows;
    }
    // Once more without a kill, so that the last of them is a good end.
    thread::sleep(Duration::from_millis(500));
    fs::write(weir.folder().join("stop"), "").unwrap();
    let status = load.0.wait().unwrap();
    let mut said = String::new();
    load.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(status.success(), "the load has failed: {said}");
    assert_sound(&mut weir);
    assert_eq!(weir.stop().and_then(|status| status.code()), Some(0));
    weir.verify();

    let log = weir.log();
    let operations = operations(&log);
    let on_target: Vec<u64> =
        SERVER.psql("killed", "SELECT id FROM written").unwrap().lines().map(|id| id.parse().unwrap()).collect();
    let t: BTreeSet<u64> = on_target.iter().copied().collect();
    let duplicates = on_target.len() - t.len();
    let told = fs::read_to_string(&told).unwrap();
    let c_ok: BTreeSet<u64> = confirmed(&told).union(&told_psql).copied().collect();
    let (mut permitted, mut denied) = (BTreeSet::new(), BTreeSet::new());
    let mut unbound = Vec::new();
    for operation in operations.values() {
        for (table, id) in ids(&operation.text) {
            match (operation.permitted, table, operation.step.as_str()) {
                // Parsed alone, because its Execute came later or not at all.
                (true, "written", "parse") => {}
                (true, "written", step @ ("query" | "execute")) => {
                    permitted.extend([id]);
                    unbound.extend((step == "execute" && !operation.bound).then_some(id));
                }
                (true, ..) => panic!("a permit for {}", operation.text),
                (false, ..) => denied.extend([id]),
            }
        }
    }
    let unaudited: Vec<_> = t.difference(&permitted).collect();
    let lost: Vec<_> = c_ok.difference(&t).collect();
    let denied_and_done: Vec<_> = t.intersection(&denied).collect();
    // A statement on its own that the log calls done is on the target.
    let alone = operations.values().filter(|operation| {
        operation.permitted && operation.text.contains("'alone')") && operation.outcome == Some("done".into())
    });
    let done_and_not_there: Vec<_> =
        alone.flat_map(|operation| ids(&operation.text)).filter(|(_, id)| !t.contains(id)).collect();
    let open = operations.values().filter(|operation| operation.permitted && operation.outcome.is_none()).count();
    println!(
        "{rounds} kills, rows in {rounds_with_rows} of the rounds, {torn} warnings of ends that are torn or not sealed, longest restart {recovery_max:?}\n\
         {} records, {} operations, {open} permitted without an end\n\
         C_ok {}  T {}  A permitted {}  A denied {}\n\
         T \\ A {}  C_ok \\ T {}  denied ∩ T {}  duplicates {duplicates}  A permitted \\ T {}",
        log.len(),
        operations.len(),
        c_ok.len(),
        t.len(),
        permitted.len(),
        denied.len(),
        unaudited.len(),
        lost.len(),
        denied_and_done.len(),
        permitted.difference(&t).count(),
    );
    let hows = SERVER.psql("killed", "SELECT how, count(*) FROM written GROUP BY how ORDER BY how").unwrap();
    println!("{hows}");
    assert_eq!(unaudited, Vec::<&u64>::new(), "on the target without a record");
    assert_eq!(lost, Vec::<&u64>::new(), "confirmed and not on the target");
    assert_eq!(denied_and_done, Vec::<&u64>::new(), "denied and on the target");
    assert_eq!(duplicates, 0);
    assert_eq!(SERVER.psql("killed", "SELECT count(*) FROM forbidden").unwrap().trim(), "0");
    assert!(unbound.is_empty(), "executed without the digest of what was bound: {unbound:?}");
    assert!(done_and_not_there.is_empty(), "done, says the log, and not on the target: {done_and_not_there:?}");
    // Each way of writing took part, denials among them, and most kills came while something was being written.
    for how in ["alone", "begun", "bound", "pipelined", "psql", "psql-begun", "psql-bound", "several"] {
        assert!(hows.lines().any(|line| line.starts_with(&format!("{how}|"))), "nothing was written {how}:\n{hows}");
    }
    assert!(denied.len() > 10 && rounds_with_rows * 2 >= rounds, "{} denied, {rounds_with_rows} rounds", denied.len());
    assert!(open > 0, "no kill came while something ran");
    recordings_hold(&weir, &log);
}

/// Each session has a recording that can be read, and lacks no more than what was shown in the last second before a kill.
fn recordings_hold(weir: &Weir, log: &[Value]) {
    let (code, out, err) = run(weir, &["audit", "verify", "--recordings"]);
    assert_eq!(code, 0, "{out}{err}");
    let at = |record: &Value| record["at"].as_u64().unwrap();
    // The last that a process wrote before the next one started.
    let mut ends: Vec<u64> = Vec::new();
    let mut last = 0;
    for record in log {
        if record["event"] == "started" && last > 0 {
            ends.push(last);
        }
        last = at(record);
    }
    let mut sessions: BTreeMap<&str, BTreeMap<u64, u64>> = BTreeMap::new();
    for record in log.iter().filter(|record| record["event"] == "admitted" || record["event"] == "ended") {
        let ended = sessions.entry(record["session"].as_str().unwrap()).or_default();
        if let Some(op) = record["op"].as_u64() {
            ended.insert(op, at(record));
        }
    }
    let (mut kept, mut lost) = (0, 0);
    for (session, ended) in &sessions {
        let (code, out, err) = run(weir, &["replay", session, "--json"]);
        assert_eq!(code, 0, "{session}: {err}");
        let told = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let told: BTreeSet<u64> =
            told.filter(|moment| moment["event"] == "ended").filter_map(|moment| moment["op"].as_u64()).collect();
        for (op, at) in ended {
            if told.contains(op) {
                kept += 1;
                continue;
            }
            lost += 1;
            let killed = ends.iter().find(|end| *end >= at).copied().unwrap_or(u64::MAX);
            let before = killed.saturating_sub(*at);
            assert!(before <= RECORDING_LOST_MICROS, "{session}: operation {op} ended {before} µs before the kill");
        }
    }
    println!("{} recordings, {kept} ends of operations in them, {lost} lost in the last second", sessions.len());
    assert!(kept > 100, "{kept}");
}
