//! Bad luck on either side, in the middle of things: targets that die or hang, callers that leave, do not read, or do not
//! wait. What is held is bounded, what must end ends, and nobody is shown anything of anybody else's.

use std::fs;
use std::net::Shutdown;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sandbox::PostgresServer;
use testkit::Release;
use testkit::weir::Weir;

use crate::house::{
    ALL, Bystander, CLIENTS, PASSWORD, SERVER, assert_sound, before, database, noted, records, run, token_id,
};
use crate::wire::{Came, Session, cstr, frame};

/// A gigabyte, in rows.
const MUCH: &str = "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)";

fn signal(word: &str, pids: &str) {
    for pid in pids.split_whitespace() {
        let _ = Command::new("kill").args([word, pid]).status();
    }
}

/// What serves Weir's sessions on this server's database, but for those of its own.
fn backends(server: &PostgresServer, database: &str) -> String {
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND usename = 'holder' AND application_name <> 'weir catalog'"
    );
    server.psql("postgres", &sql).unwrap()
}

pub fn resident_kib(weir: &Weir) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", weir.pid().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Waits until this many sessions were closed for this reason. Saying goodbye to one that does not listen takes its time.
pub fn closed(weir: &Weir, why: &str, count: usize) {
    let closed = || records(&weir.log(), "closed").iter().filter(|closed| closed["why"] == why).count() == count;
    testkit::wait_until(Duration::from_secs(20), "their ends in the log", closed).unwrap();
}

/// Reads whole messages up to the end. Gives how many rows there were, and the last message that was none.
fn rest(session: &mut Session) -> (usize, Option<(u8, Vec<u8>)>) {
    let (mut rows, mut last) = (0, None);
    loop {
        match session.wire.next() {
            Came::Frame(b'D', body) => {
                // A row is a row, to its last byte, or it does not come.
                assert!(body.len() == 1006 && body[6..].iter().all(|byte| *byte == b'x'), "{body:?}");
                rows += 1;
            }
            Came::Frame(kind, body) => last = Some((kind, body)),
            Came::End => return (rows, last),
        }
    }
}

#[test]
fn a_target_that_dies_or_hangs_in_the_middle_of_an_answer() {
    let mut server = CLIENTS.server(Release::Distribution).start().unwrap();
    server.psql("postgres", &format!("CREATE ROLE holder LOGIN PASSWORD '{PASSWORD}'")).unwrap();
    database("beside_it", "CREATE TABLE t (id int)");
    let mut weir = before("beside_it").target("dying", &server, "postgres", ("holder", PASSWORD), &[]).start();
    let bystander = Bystander::begin(&weir, "beside_it");
    let token = weir.token("alice", &[]);
    let log_in = || Session::log_in(&weir, "alice", "dying", &token);

    // Stopped: what has come has come, others go on, and the caller may leave or be made to.
    let mut hung = log_in();
    hung.wire.send(b'Q', &cstr(MUCH));
    assert!(matches!(hung.wire.next(), Came::Frame(b'T', _)));
    let pids = backends(&server, "postgres");
    signal("-STOP", &pids);
    bystander.still_answers();
    let begun = Instant::now();
    let (code, _, err) = run(&weir, &["token", "revoke", &token_id(&weir, "alice")]);
    assert_eq!(code, 0, "{err}");
    let (_, last) = rest(&mut hung);
    println!("a session on a target that hangs: ended {:?} after its credential", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(last.is_none_or(|(kind, _)| kind == b'E'));
    closed(&weir, "credential revoked", 1);
    signal("-CONT", &pids);

    // Killed: all that were on it are told, or cut off in the middle of a row.
    let token = weir.token("alice", &[]);
    let log_in = || Session::log_in(&weir, "alice", "dying", &token);
    let (mut streaming, mut copying, mut idle) = (log_in(), log_in(), log_in());
    streaming.wire.send(b'Q', &cstr(MUCH));
    copying.wire.send(b'Q', &cstr(MUCH));
    for session in [&mut streaming, &mut copying] {
        assert!(matches!(session.wire.next(), Came::Frame(b'T', _)));
    }
    server.kill9().unwrap();
    for (name, session) in [("streaming", &mut streaming), ("copying", &mut copying), ("idle", &mut idle)] {
        let (rows, last) = rest(session);
        println!("{name}: {rows} rows, then {:?}", last.as_ref().map(|(kind, _)| char::from(*kind)));
        assert!(name != "idle" || last.is_some_and(|(kind, _)| kind == b'E'));
    }
    server.restart().unwrap();
    assert_eq!(Session::log_in(&weir, "alice", "dying", &token).rows("SELECT 1"), [["1"]]);
    bystander.end();
    assert_sound(&mut weir);
    weir.verify();
}

#[test]
fn a_caller_that_leaves_in_the_middle_of_an_answer_leaves_nothing_behind() {
    database("gone_callers", "CREATE TABLE t (id int)");
    let mut weir = before("gone_callers").start();
    let bystander = Bystander::begin(&weir, "gone_callers");
    let token = weir.token("alice", &[]);
    let at_work = || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'gone_callers' AND query LIKE '%repeat%'";
        SERVER.psql("postgres", sql).unwrap().trim().parse::<usize>().unwrap()
    };
    for (at, way) in ["half", "both", "drop"].into_iter().enumerate() {
        let mut session = Session::log_in(&weir, "alice", "gone_callers", &token);
        session.wire.send(b'Q', &cstr(MUCH));
        assert!(matches!(session.wire.next(), Came::Frame(b'T', _)));
        match way {
            "half" => session.wire.half_close(),
            "both" => session.wire.socket().shutdown(Shutdown::Both).unwrap(),
            _ => drop(session),
        }
        let begun = Instant::now();
        testkit::wait_until(Duration::from_secs(10), "the end of it", || at_work() == 0).unwrap();
        println!("a caller that leaves ({way}): over on the target after {:?}", begun.elapsed());
        noted(&weir, |log| records(log, "closed").len() == at + 1);
    }
    bystander.end();
    assert_sound(&mut weir);
}

#[test]
fn a_caller_that_hardly_reads_is_waited_for_and_can_be_ended() {
    database("slow_readers", "CREATE TABLE people (id int, ssn text)");
    SERVER
        .psql("slow_readers", "INSERT INTO people SELECT n, repeat('9', 1000) FROM generate_series(1, 100000) n")
        .unwrap();
    let unseen = format!("{ALL}\nforbid (principal, action == Action::\"see\", resource);");
    let classes = [("public.people.ssn", "pii.national_id")];
    let mut weir = before("slow_readers")
        .target("masked", &SERVER, "slow_readers", ("holder", PASSWORD), &classes)
        .policies(&unseen)
        .start();
    let bystander = Bystander::begin(&weir, "slow_readers");
    let token = weir.token("mallory", &[]);
    let log_in = |target: &str| {
        let mut session = Session::log_in(&weir, "mallory", target, &token);
        session.rows("SELECT id, ssn FROM people WHERE id = 0");
        session
    };
    let reading = [("slow_readers", MUCH), ("masked", "SELECT id, ssn FROM people")];
    let mut sessions: Vec<Session> = reading.iter().map(|(target, _)| log_in(target)).collect();
    for (session, (_, sql)) in sessions.iter_mut().zip(reading) {
        session.wire.send(b'Q', &cstr(sql));
        session.wire.skip(1_000_000);
    }
    let before = resident_kib(&weir);
    // Always a little behind: what is written to them never becomes nothing.
    for _ in 0..200 {
        sessions.iter_mut().for_each(|session| session.wire.skip(100_000));
        thread::sleep(Duration::from_millis(2));
    }
    bystander.still_answers();
    let grown = resident_kib(&weir).saturating_sub(before);
    println!("two callers that read 20 MB slowly: {grown} KiB more");
    assert!(grown < 6 * 1024, "{grown} KiB");
    let (code, _, err) = run(&weir, &["token", "revoke", &token_id(&weir, "mallory")]);
    assert_eq!(code, 0, "{err}");
    let begun = Instant::now();
    closed(&weir, "credential revoked", 2);
    let nobody = || backends(&SERVER, "slow_readers").split_whitespace().count() <= 1;
    testkit::wait_until(Duration::from_secs(15), "the end on the target", nobody).unwrap();
    println!("revoked: over on the target after {:?}", begun.elapsed());
    bystander.end();
    assert_sound(&mut weir);
}

/// An answer that is a little longer than what the sockets hold waits in part within TLS: it must come all the same, though
/// nothing follows it.
#[test]
fn the_last_bytes_of_an_answer_come_to_a_caller_that_reads_late() {
    let mut weir = before("postgres").start();
    let token = weir.token("mallory", &[]);
    let mut session = Session::log_in(&weir, "mallory", "postgres", &token);
    for kib in (64..6000).step_by(24) {
        session.wire.send(b'Q', &cstr(&format!("SELECT repeat('x', {kib} * 1024)")));
        thread::sleep(Duration::from_millis(12));
        loop {
            match session.wire.next() {
                Came::Frame(b'Z', _) => break,
                Came::Frame(..) => {}
                Came::End => panic!("the answer of {kib} KiB never came to its end"),
            }
        }
    }
    assert_sound(&mut weir);
}

/// Thousands of statements sent before the first answer is read: they wait in sockets, not in memory, and each is answered
/// in its turn.
#[test]
fn a_caller_that_sends_without_reading_is_answered_in_order() {
    const STATEMENTS: usize = 20_000;
    database("eager", "CREATE TABLE t (id int)");
    let mut weir = before("eager").start();
    let bystander = Bystander::begin(&weir, "eager");
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "eager", &token);
    let before = resident_kib(&weir);
    // One text: what is measured is what waits, not what is read.
    let one = frame(b'Q', &cstr("SELECT 'an answer that is long enough to fill what there is to fill'"));
    let all = one.repeat(STATEMENTS);
    let (mut sent, mut last) = (0, Instant::now());
    while last.elapsed() < Duration::from_secs(1) {
        let more = session.wire.push(&all[sent..]);
        if more > 0 {
            (sent, last) = (sent + more, Instant::now());
        }
        thread::sleep(Duration::from_millis(5));
    }
    let grown = resident_kib(&weir).saturating_sub(before);
    println!("{} of {STATEMENTS} statements were sent before anything was read: {grown} KiB more", sent / one.len());
    // Four thousand of them wait for their answers, some kilobytes each.
    assert!(grown < 48 * 1024, "{grown} KiB");
    bystander.still_answers();
    let mut answers = 0;
    while answers < STATEMENTS {
        match session.wire.next() {
            Came::Frame(b'Z', body) => {
                assert_eq!(body, b"I");
                answers += 1;
                sent += session.wire.push(&all[sent..]);
            }
            Came::Frame(b'E', body) => panic!("{body:?}"),
            Came::Frame(..) => {}
            Came::End => panic!("it ended after {answers} answers"),
        }
    }
    bystander.end();
    assert_sound(&mut weir);
}

/// Many sessions at once, each asking for what only it knows, while targets are killed and hang and callers leave.
#[test]
fn nobody_is_told_what_is_anothers() {
    let server = CLIENTS.server(Release::Distribution).start().unwrap();
    server.psql("postgres", &format!("CREATE ROLE holder LOGIN PASSWORD '{PASSWORD}'")).unwrap();
    let mut weir = crate::house::builder().target("shared", &server, "postgres", ("holder", PASSWORD), &[]).start();
    let token = weir.token("alice", &[]);
    let over = AtomicBool::new(false);
    let (answers, cuts) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for who in 0..6 {
            let (weir, token, over, answers, cuts) = (&weir, &token, &over, &answers, &cuts);
            scope.spawn(move || {
                let mut round = 0;
                while !over.load(Ordering::Acquire) {
                    let login = [("user", "alice"), ("database", "shared")];
                    let Ok(mut session) = Session::try_log_in(weir, crate::wire::PROTOCOL_3_0, &login, token) else {
                        continue;
                    };
                    while !over.load(Ordering::Acquire) {
                        round += 1;
                        let word = format!("canary-{who}-{round}-");
                        // Several at once, in both protocols, with rows enough to be cut.
                        let text =
                            |at: usize| format!("SELECT '{word}{at}' || repeat('.', 100) FROM generate_series(1, 50)");
                        let mut sent = Vec::new();
                        for at in 0..8 {
                            match at % 2 {
                                0 => sent.extend(frame(b'Q', &cstr(&text(at)))),
                                _ => {
                                    sent.extend(frame(b'P', &[&[0][..], &cstr(&text(at)), &[0, 0]].concat()));
                                    sent.extend(frame(b'B', &[0; 8]));
                                    sent.extend(frame(b'E', &[0; 5]));
                                    sent.extend(frame(b'S', &[]));
                                }
                            }
                        }
                        session.wire.send_raw(&sent);
                        if usize::is_multiple_of(round, 23) {
                            break;
                        }
                        let (mut ready, mut ended) = (0, false);
                        while ready < 8 && !ended {
                            match session.wire.next() {
                                Came::Frame(b'D', body) => {
                                    let cell = String::from_utf8_lossy(&body[6..]).into_owned();
                                    assert!(
                                        cell.starts_with(&format!("{word}{ready}.")),
                                        "{word}{ready} was told {cell}"
                                    );
                                }
                                Came::Frame(b'Z', _) => ready += 1,
                                Came::Frame(kind, body) => {
                                    let text = String::from_utf8_lossy(&body).into_owned();
                                    let other =
                                        text.match_indices("canary-").any(|(at, _)| !text[at..].starts_with(&word));
                                    assert!(!other, "{word} was told {} {text}", char::from(kind));
                                }
                                Came::End => ended = true,
                            }
                        }
                        answers.fetch_add(ready, Ordering::AcqRel);
                        if ended {
                            cuts.fetch_add(1, Ordering::AcqRel);
                            break;
                        }
                    }
                }
            });
        }
        let begun = Instant::now();
        let mut turn = 0;
        let enough = || answers.load(Ordering::Acquire) > 200 && cuts.load(Ordering::Acquire) > 2;
        while begun.elapsed() < Duration::from_secs(4) || !enough() && begun.elapsed() < Duration::from_secs(40) {
            thread::sleep(Duration::from_millis(60));
            let pids = backends(&server, "postgres");
            let pids: Vec<&str> = pids.split_whitespace().collect();
            // Some are always between two logins.
            let Some(one) = pids.get(turn % pids.len().max(1)) else { continue };
            turn += 1;
            match turn % 3 {
                0 => drop(server.psql("postgres", &format!("SELECT pg_terminate_backend({one})"))),
                1 => {
                    signal("-STOP", one);
                    thread::sleep(Duration::from_millis(40));
                    signal("-CONT", one);
                }
                _ => drop(server.psql("postgres", &format!("SELECT pg_cancel_backend({one})"))),
            }
        }
        over.store(true, Ordering::Release);
    });
    let (answers, cuts) = (answers.into_inner(), cuts.into_inner());
    println!("{answers} answers, {cuts} sessions cut off");
    assert!(answers > 200 && cuts > 2, "{answers} {cuts}");
    assert_sound(&mut weir);
    weir.verify();
}
