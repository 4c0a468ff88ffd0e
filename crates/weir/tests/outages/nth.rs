//! The n-th thing that a session asks of the log's disk, and of that of recordings, fails: for each n, alone and with all that follow for a while, full,
//! broken, half written, or slow. Whatever fails, nothing runs that is not in the log, the session is told why, and all goes on afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::weir::Weir;

use crate::house::{ALL, PASSWORD, SERVER, assert_sound, database, records, run};
use crate::wire::{PROTOCOL_3_0, Report, Session};

/// What fails, and how.
#[derive(Clone, Copy, Debug)]
struct Failure {
    errno: i32,
    milliseconds: u64,
    /// How many in a row.
    count: u64,
    /// Whether the first takes half of what is written.
    short: bool,
}

const FULL: Failure = Failure { errno: 28, milliseconds: 0, count: 1, short: false };
const FULL_FOR_LONGER: Failure = Failure { count: 12, ..FULL };
const BROKEN: Failure = Failure { errno: 5, ..FULL };
const HALF: Failure = Failure { count: 2, short: true, ..BROKEN };
const SLOW: Failure = Failure { errno: 0, milliseconds: 150, ..FULL };

/// More than any session asks for.
const NTH_MAX: u64 = 400;

/// A Weir under the shim.
struct Shaken {
    weir: Weir,
    control: PathBuf,
    round: u64,
    token: String,
    name: &'static str,
    /// Rows that were confirmed to the caller.
    confirmed: BTreeSet<u64>,
    next: u64,
}

impl Shaken {
    fn new(name: &'static str, recording: &str) -> Self {
        database(name, "CREATE TABLE kept (id int PRIMARY KEY)");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let (shim, program, control) = (folder.join("shim.so"), folder.join("weir"), folder.join("control"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outages/nth/shim.c");
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&shim).arg(source).arg("-ldl").output();
        let compiled = compiled.expect("a C compiler, which the build needs too");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let state = folder.join("state");
        let script = format!(
            "#!/bin/sh\nexport NTH_UNDER='{0}/log/:{0}/recordings/' NTH_CONTROL='{1}'\nLD_PRELOAD='{2}' exec '{3}' \"$@\"\n",
            state.display(),
            control.display(),
            shim.display(),
            env!("CARGO_BIN_EXE_weir"),
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let more = format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\n{recording}", SERVER.port());
        let builder = Weir::builder(&program).policies(ALL).folder(&folder).setting("workers = 1");
        let weir = builder.target_with(name, name, ("holder", PASSWORD), &more, &[]).start();
        let token = weir.token("alice", &[]);
        Self { weir, control, round: 0, token, name, confirmed: BTreeSet::new(), next: 0 }
    }

    /// From the next thing on, this one fails.
    fn fail(&mut self, nth: u64, failure: Failure) {
        self.round += 1;
        let Failure { errno, milliseconds, count, short } = failure;
        let line = format!("{} {nth} {count} {errno} {milliseconds} {}\n", self.round, u8::from(short));
        let half = self.control.with_extension("half");
        fs::write(&half, line).unwrap();
        fs::rename(&half, &self.control).unwrap();
    }

    /// Nothing fails any more. Says whether something has.
    fn heal(&mut self) -> bool {
        fs::remove_file(&self.control).unwrap();
        let hit = fs::read_to_string(self.control.with_extension("hit")).unwrap_or_default();
        hit.lines().any(|line| line.starts_with(&format!("{} ", self.round)))
    }

    fn log_in(&self) -> Result<Session, Report> {
        let parameters = [("user", "alice"), ("database", self.name)];
        Session::try_log_in(&self.weir, PROTOCOL_3_0, &parameters, &self.token)
    }

    /// A session from its login to its end, or until it is told to go.
    fn session(&mut self, told: &mut Vec<Report>) {
        let mut session = match self.log_in() {
            Ok(session) => session,
            Err(report) => return told.push(report),
        };
        for step in 0..4 {
            self.next += 1;
            let id = self.next;
            let sql = match step {
                1 => format!("BEGIN; INSERT INTO kept VALUES ({id}); COMMIT"),
                _ => format!("INSERT INTO kept VALUES ({id})"),
            };
            if step == 2 {
                session.ask("SELECT repeat('x', 2000) FROM generate_series(1, 40)");
                let (answer, state) = session.answer();
                told.extend(answer.err());
                if state.is_none() {
                    return;
                }
            }
            session.ask(&sql);
            let (answer, state) = session.answer();
            match answer {
                Ok(_) if state.is_some() => drop(self.confirmed.insert(id)),
                Ok(_) => {}
                Err(report) => told.push(report),
            }
            if state.is_none() {
                return;
            }
        }
    }

    /// Rows on the target, and those that the log permits.
    fn rows_and_permits(&self) -> (BTreeSet<u64>, BTreeSet<u64>) {
        let rows = SERVER.psql(self.name, "SELECT id FROM kept").unwrap();
        let rows = rows.lines().map(|id| id.parse().unwrap()).collect();
        let log = self.weir.log();
        let permits = records(&log, "decided").into_iter().filter(|record| record["ruling"] == "permit");
        let ids = permits.filter_map(|record| {
            let text = record["text"].as_str()?;
            text.split_once("VALUES (")?.1.split_once(')')?.0.parse().ok()
        });
        (rows, ids.collect())
    }

    /// Tries each n until nothing is left to fail. Gives how many there were, and how many sessions were told of it.
    fn try_all(&mut self, failure: Failure) -> (u64, usize) {
        let (mut missed, mut tried, mut refusals) = (0, 0, 0);
        for nth in 1..NTH_MAX {
            self.fail(nth, failure);
            let mut told = Vec::new();
            self.session(&mut told);
            // What is noted, signed and put away after a session comes a moment later.
            std::thread::sleep(Duration::from_millis(if missed == 0 { 120 } else { 1300 }));
            let hit = self.heal();
            for report in &told {
                let words = ["decision log", "recording", "nobody may come in", "recorded"];
                assert!(words.iter().any(|word| report.message.contains(word)), "n = {nth} of {failure:?}: {report:?}");
                assert!(failure.errno != 0, "slow is not wrong: {report:?}");
            }
            refusals += usize::from(!told.is_empty());
            missed = if hit { 0 } else { missed + 1 };
            if missed > 2 {
                return (tried, refusals);
            }
            tried = nth;
            // Whoever comes next is served, at once or as soon as it is noticed that the disk is whole again.
            let begun = Instant::now();
            loop {
                let answer = self.log_in().map(|mut session| session.query("SELECT 1"));
                if matches!(answer, Ok(Ok(_))) {
                    break;
                }
                assert!(begun.elapsed() < Duration::from_secs(10), "n = {nth} of {failure:?}: {answer:?}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("a session asks for more than {NTH_MAX} things, so not all were tried");
    }

    fn check(&mut self, what: &str) {
        let (rows, permits) = self.rows_and_permits();
        let unrecorded: Vec<_> = rows.difference(&permits).collect();
        assert!(unrecorded.is_empty(), "{what}: ran without a record: {unrecorded:?}\n{}", self.weir.stderr());
        let lost: Vec<_> = self.confirmed.difference(&rows).collect();
        assert!(lost.is_empty(), "{what}: confirmed and not there: {lost:?}");
        assert_sound(&mut self.weir);
    }
}

fn shake(name: &'static str, recording: &str, failures: &[(&str, Failure)]) {
    let mut shaken = Shaken::new(name, recording);
    for (what, failure) in failures {
        let begun = Instant::now();
        let (tried, refusals) = shaken.try_all(*failure);
        shaken.check(what);
        println!("{name}, {what}: {tried} places, {refusals} sessions told, {} s", begun.elapsed().as_secs());
        assert!(tried >= 8, "{what}: a session asks for more than {tried} things");
        assert!(refusals > 0 || failure.errno == 0, "{what}: nobody was told of anything");
    }
    assert_eq!(shaken.weir.stop().and_then(|status| status.code()), Some(0));
    let (code, out, err) = run(&shaken.weir, &["audit", "verify", "--recordings"]);
    assert_eq!(code, 0, "{out}{err}");
    let folder = shaken.weir.folder().to_owned();
    drop(shaken);
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn whichever_write_of_a_session_fails_nothing_runs_unrecorded() {
    shake(
        "nth_log",
        "",
        &[
            ("full", FULL),
            ("full for longer", FULL_FOR_LONGER),
            ("broken", BROKEN),
            ("half written", HALF),
            ("slow", SLOW),
        ],
    );
}

#[test]
fn whichever_write_of_a_recorded_session_fails_nothing_runs_unrecorded() {
    shake(
        "nth_recorded",
        "recording = \"full\"",
        &[("full", FULL), ("full for longer", FULL_FOR_LONGER), ("half written", HALF), ("slow", SLOW)],
    );
}
