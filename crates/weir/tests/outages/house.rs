//! What these tests share: one PostgreSQL, databases on it, and a session that must not be disturbed.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sandbox::PostgresServer;
use serde_json::Value;
use testkit::weir::{Builder, Weir};
use testkit::{Clients, Outcome, Release, Run};

use crate::wire::Session;

/// Everything is permitted. What is forbidden is a test's own.
pub const ALL: &str = r#"@id("all") permit (principal, action, resource);"#;

/// A password that is unlike anything else, so that it can be looked for in what comes out.
pub const PASSWORD: &str = "cR3d-0f-tH3_tArg3t+n3v3r/sh0wn=42";

/// The clients and servers that are installed.
pub static CLIENTS: LazyLock<Clients> = LazyLock::new(|| Clients::find().expect("clients and servers"));

/// The server of all tests that need no other. Its guard removes it when this process ends.
pub static SERVER: LazyLock<PostgresServer> = LazyLock::new(|| {
    let server = CLIENTS.server(Release::Distribution).setting("max_connections", "200").start();
    let server = server.expect("a private PostgreSQL");
    server
        .psql("postgres", &format!("CREATE ROLE holder LOGIN PASSWORD '{PASSWORD}'; GRANT pg_read_all_stats TO holder"))
        .unwrap();
    server
});

/// A database of one test on the shared server, made by these statements and owned by the role that Weir logs in as.
pub fn database(name: &str, schema: &str) {
    SERVER.psql("postgres", &format!("CREATE DATABASE {name} OWNER holder")).unwrap();
    SERVER.psql(name, &format!("SET ROLE holder; {schema}")).unwrap();
}

/// A Weir before such a database, as target `name`, that permits everything.
pub fn before(name: &str) -> Builder {
    builder().target(name, &SERVER, name, ("holder", PASSWORD), &[])
}

/// A Weir without targets, that permits everything.
pub fn builder() -> Builder {
    Weir::builder(env!("CARGO_BIN_EXE_weir")).policies(ALL)
}

/// psql through Weir: this input, as this user with this token.
pub fn psql(weir: &Weir, user: &str, token: &str, target: &str, input: &str) -> Outcome {
    psql_run(weir, user, token, target).input(input).finish().expect("psql can be run")
}

/// That psql, before it runs.
pub fn psql_run(weir: &Weir, user: &str, token: &str, target: &str) -> Run {
    let run = CLIENTS.psql(Release::V18).args(["-A", "-t", "-q", "-v", "VERBOSITY=verbose"]);
    run.arg("-d").arg(weir.conninfo(user, target)).env("PGPASSWORD", token)
}

/// What a command of Weir's came to: its exit code, and both outputs.
pub fn run(weir: &Weir, args: &[&str]) -> (i32, String, String) {
    let output = weir.run(args);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

/// The id of a user's live token.
pub fn token_id(weir: &Weir, user: &str) -> String {
    let (code, out, err) = run(weir, &["token", "list", "--json"]);
    assert_eq!(code, 0, "{err}");
    let mut entries = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let of_user = |entry: &Value| entry["principal"] == format!("local:{user}") && entry["state"] == "live";
    entries.find(of_user).expect("a token of that user")["id"].as_str().expect("an id").to_owned()
}

/// The log, once this holds of it: what follows an effect is written soon, not first.
pub fn noted(weir: &Weir, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut log = Vec::new();
    let holds = || {
        log = weir.log();
        holds(&log)
    };
    testkit::wait_until(Duration::from_secs(5), "a record of it", holds).unwrap();
    log
}

/// Records of one kind.
pub fn records<'a>(log: &'a [Value], event: &str) -> Vec<&'a Value> {
    log.iter().filter(|record| record["event"] == event).collect()
}

/// The log verifies, and there is nothing to warn of either.
pub fn verify_without_warnings(weir: &Weir) {
    let (code, out, err) = run(weir, &["audit", "verify"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(!out.contains("warning"), "{out}");
}

/// Weir runs, and no thread of it has panicked.
pub fn assert_sound(weir: &mut Weir) {
    assert!(weir.is_running(), "Weir has ended:\n{}", weir.stderr());
    let said = weir.stderr();
    assert!(!said.contains("panic"), "Weir has panicked:\n{said}");
}

/// A session that goes on asking, whatever happens to others.
pub struct Bystander {
    ended: std::sync::Arc<AtomicBool>,
    answers: std::sync::Arc<AtomicUsize>,
    thread: JoinHandle<Duration>,
}

impl Bystander {
    /// Logs in and begins.
    pub fn begin(weir: &Weir, target: &str) -> Self {
        let token = weir.token("bystander", &[]);
        let mut session = Session::log_in(weir, "bystander", target, &token);
        let (ended, answers) = (std::sync::Arc::new(AtomicBool::new(false)), std::sync::Arc::new(AtomicUsize::new(0)));
        let (ends, counts) = (std::sync::Arc::clone(&ended), std::sync::Arc::clone(&answers));
        let thread = thread::spawn(move || {
            let mut longest = Duration::ZERO;
            while !ends.load(Ordering::Acquire) {
                let begun = Instant::now();
                let number = counts.load(Ordering::Acquire);
                // Always one text: what is measured is the disturbance, not the reading of new texts.
                assert_eq!(session.rows("SELECT 40 + 2"), [["42"]], "after {number} answers");
                longest = longest.max(begun.elapsed());
                counts.fetch_add(1, Ordering::AcqRel);
                thread::sleep(Duration::from_millis(20));
            }
            longest
        });
        Self { ended, answers, thread }
    }

    /// Answered again, since it was asked to.
    pub fn still_answers(&self) {
        let seen = self.answers.load(Ordering::Acquire);
        let answered = || self.answers.load(Ordering::Acquire) > seen + 1;
        testkit::wait_until(Duration::from_secs(10), "an answer to the bystander", answered).unwrap();
    }

    /// Ends it. It must have been answered every time, and soon.
    pub fn end(self) {
        self.still_answers();
        self.ended.store(true, Ordering::Release);
        let longest = self.thread.join().expect("the bystander was answered");
        let answers = self.answers.load(Ordering::Acquire);
        println!("bystander: {answers} answers, the longest wait {longest:?}");
        assert!(longest < Duration::from_secs(5), "the bystander waited {longest:?}");
    }
}
