//! Crowds at the door: connections that never log in, in their thousands, beside sessions that go on working.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use testkit::Release;
use testkit::weir::Weir;

use crate::house::{Bystander, CLIENTS, assert_sound, before, database, noted, records, verify_without_warnings};
use crate::malformed::sleeps;
use crate::wire::{PROTOCOL_3_0, SSL_REQUEST, Session, Wire, packet};

/// Memory in KiB and open files of a process.
fn held(pid: u32) -> (usize, usize) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let memory = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    (memory, fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count())
}

fn beside(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/outages/floods").join(name)
}

#[test]
fn a_flood_at_the_door_stays_outside() {
    const SEATS: usize = 120;
    const STANDING: usize = 32;
    const SECONDS: u32 = 8;
    database("flooded", "CREATE TABLE t (id int)");
    let limits = format!("logins_max = {SEATS}\nlogins_per_address_max = 80\nlogin_timeout_seconds = 4");
    let mut weir = before("flooded").listen(&limits).start();
    let bystander = Bystander::begin(&weir, "flooded");
    let token = weir.token("elsewhere", &[]);
    bystander.still_answers();
    let pid = weir.pid().unwrap();
    let (memory_before, files_before) = held(pid);
    let over = Arc::new(AtomicBool::new(false));
    let watching = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            let (mut memory, mut files) = (0, 0);
            while !over.load(Ordering::Acquire) {
                let now = held(pid);
                (memory, files) = (memory.max(now.0), files.max(now.1));
                thread::sleep(Duration::from_millis(20));
            }
            (memory, files)
        }
    });
    let kinds = ["closed", "closed", "garbage", "half", "ssl", "password", "password"];
    let flood =
        CLIENTS.python().arg(beside("flood.py")).arg(weir.port().to_string()).arg(SECONDS.to_string()).args(kinds);
    let flooding = thread::spawn(move || flood.finish().unwrap());
    thread::sleep(Duration::from_secs(2));
    // From another address there is still a way in.
    for _ in 0..3 {
        let ca = weir.state().join("ca.pem");
        let run = CLIENTS.python().arg(beside("elsewhere.py")).arg(weir.port().to_string()).arg(&ca);
        let outcome = run.args(["flooded", &token]).finish().unwrap();
        assert!(outcome.success(), "{outcome:?}");
        println!("from elsewhere: {}", outcome.stdout.trim());
    }
    let outcome = flooding.join().unwrap();
    assert!(outcome.success(), "{outcome:?}");
    over.store(true, Ordering::Release);
    let (memory, files) = watching.join().unwrap();
    let counts: serde_json::Value = serde_json::from_str(outcome.stdout.trim()).unwrap();
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    let made: u64 =
        counts.as_object().unwrap().values().map(|kind| number(&kind["made"]) + number(&kind["refused"])).sum();
    println!(
        "{} attempts a second ({counts}): {} KiB more at most, {} files more at most",
        made / u64::from(SECONDS),
        memory - memory_before,
        files - files_before
    );
    assert!(made > 1000, "no flood: {counts}");
    assert!(files <= files_before + SEATS + STANDING + 24, "{files_before} files before, {files} in the flood");
    assert!(memory < memory_before + 48 * 1024, "{memory_before} KiB before, {memory} in the flood");
    assert!(weir.stderr().contains("closed unheard"), "{}", weir.stderr());
    // Guesses are as many as there are seats in a second, and each that was heard is in the log.
    let guesses = records(&weir.log(), "rejected").len();
    assert!((1..=80 * 10).contains(&guesses), "{guesses} guesses were heard");
    // And when it is over, it is over.
    let mut session = None;
    let comes_in = || {
        let parameters = [("user", "elsewhere"), ("database", "flooded")];
        session = (held(pid).1 <= files_before + 24)
            .then(|| Session::try_log_in(&weir, PROTOCOL_3_0, &parameters, &token).ok())
            .flatten();
        session.is_some()
    };
    testkit::wait_until(Duration::from_secs(15), "an empty lobby", comes_in).unwrap();
    session.unwrap().rows("SELECT 1");
    bystander.end();
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}

/// Attempts as fast as they are asked for: connect, perhaps say something, and go.
fn attempt(port: u16, number: u32) -> std::io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // No port of a closed connection stays behind: there are not enough of them.
    socket.set_linger(Some(Duration::ZERO))?;
    socket.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    match number % 4 {
        0 => {}
        1 => drop(socket.send(&SSL_REQUEST)?),
        2 => drop(socket.send(b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff")?),
        _ => drop(socket.send(&packet(&[&PROTOCOL_3_0.to_be_bytes()[..], b"user\0mallory\0\0"].concat()))?),
    }
    Ok(())
}

#[test]
fn five_thousand_attempts_a_second_stay_outside() {
    const ATTEMPTS: u32 = 40_000;
    const EACH: Duration = Duration::from_micros(200);
    database("stormed", "CREATE TABLE t (id int)");
    let mut weir = before("stormed").listen("logins_max = 120\nlogins_per_address_max = 80").start();
    let bystander = Bystander::begin(&weir, "stormed");
    bystander.still_answers();
    let (pid, port) = (weir.pid().unwrap(), weir.port());
    let (memory_before, files_before) = held(pid);
    let begun = Instant::now();
    let storm = thread::spawn(move || {
        let failed = (0..ATTEMPTS).filter(|number| {
            let due = begun + EACH * *number;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            attempt(port, *number).is_err()
        });
        (failed.count(), begun.elapsed())
    });
    let (mut memory, mut files) = (0, 0);
    while !storm.is_finished() {
        let now = held(pid);
        (memory, files) = (memory.max(now.0), files.max(now.1));
        thread::sleep(Duration::from_millis(50));
    }
    let (failed, took) = storm.join().unwrap();
    println!(
        "{ATTEMPTS} attempts in {took:.1?}, {failed} without a connection: {} KiB and {} files more at most",
        memory.saturating_sub(memory_before),
        files.saturating_sub(files_before)
    );
    assert!(files <= files_before + 120 + 32 + 24, "{files_before} files before, {files} in the storm");
    assert!(memory < memory_before + 48 * 1024, "{memory_before} KiB before, {memory} in the storm");
    // Nobody of them was anybody, and who was there before works on.
    bystander.still_answers();
    bystander.end();
    let token = weir.token("alice", &[]);
    let parameters = [("user", "alice"), ("database", "stormed")];
    let comes_in = || Session::try_log_in(&weir, PROTOCOL_3_0, &parameters, &token).is_ok();
    testkit::wait_until(Duration::from_secs(15), "the door", comes_in).unwrap();
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}

fn knock(weir: &Weir, count: usize) -> Vec<Wire> {
    (0..count).map(|_| Wire::plain(weir)).collect()
}

#[test]
fn who_finds_no_seat_is_told_so() {
    database("crowded", "CREATE TABLE t (id int)");
    let mut weir =
        before("crowded").listen("logins_max = 6\nlogins_per_address_max = 3\nlogin_timeout_seconds = 20").start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "crowded", &token);
    let connect = |release: Release| {
        let run = CLIENTS.psql(release).args(["-A", "-t", "-q", "-c", "SELECT 'in'", "-v", "VERBOSITY=verbose", "-d"]);
        run.arg(weir.conninfo("alice", "crowded")).env("PGPASSWORD", &token).finish().unwrap()
    };
    let crowd = knock(&weir, 3);
    for release in Release::ALL {
        let outcome = connect(release);
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(
            outcome.stderr.contains("FATAL") && outcome.stderr.contains("too many connections are logging in"),
            "{outcome:?}"
        );
    }
    let parameters = [("user", "alice"), ("database", "crowded")];
    let report = Session::try_log_in(&weir, PROTOCOL_3_0, &parameters, &token).err().unwrap();
    report.says("FATAL", "53300", "too many connections are logging in");
    // Who is in stays in, and its statements can be cancelled.
    session.ask("SELECT pg_sleep(60)");
    testkit::wait_until(Duration::from_secs(20), "the sleep", || sleeps("crowded") == 1).unwrap();
    let mut wire = Wire::tls(&weir);
    wire.send_raw(&packet(&[&80_877_102_i32.to_be_bytes()[..], &session.key].concat()));
    assert_eq!(wire.last_words(), None);
    session.answer().0.unwrap_err().says("ERROR", "57014", "");
    drop(crowd);
    let comes_in = || {
        let mut wire = Wire::plain(&weir);
        wire.send_raw(&SSL_REQUEST);
        // While there is no room at all, it is an error in clear.
        wire.byte() == Some(b'S') && Session::on(wire.into_tls(&weir), PROTOCOL_3_0, &parameters, &token).is_ok()
    };
    testkit::wait_until(Duration::from_secs(20), "seats", comes_in).unwrap();
    // Seats of the first crowd are kept for a second after it.
    thread::sleep(Duration::from_millis(1500));
    // Past all that may stand, there is an end at once; what can be said without waiting is said in clear.
    let mut crowd = knock(&weir, 3 + 32);
    thread::sleep(Duration::from_millis(300));
    let mut unheard = Wire::plain(&weir);
    unheard.send_raw(&SSL_REQUEST);
    if let Some(report) = unheard.last_words() {
        report.says("FATAL", "53300", "too many connections are logging in");
    }
    crowd.clear();
    testkit::wait_until(Duration::from_secs(20), "seats", comes_in).unwrap();
    assert_sound(&mut weir);
}

/// A key of four bytes could be guessed by who may guess without end.
#[test]
fn who_guesses_keys_or_tokens_guesses_slowly() {
    database("guessed", "CREATE TABLE t (id int)");
    let mut weir = before("guessed").listen("logins_max = 8\nlogins_per_address_max = 4").start();
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "guessed", &token);
    session.ask("SELECT pg_sleep(4), 'slept'");
    let begun = Instant::now();
    let (mut heard, mut guess) = (0, session.key.clone());
    while begun.elapsed() < Duration::from_secs(3) {
        let next = u32::from_be_bytes(guess[4..].try_into().unwrap()).wrapping_add(1);
        guess[4..].copy_from_slice(&next.to_be_bytes());
        let mut wire = Wire::plain(&weir);
        wire.send_raw(&packet(&[&80_877_102_i32.to_be_bytes()[..], &guess].concat()));
        wire.last_words();
        heard += 1;
    }
    assert_eq!(session.answer().0.unwrap()[0][1], "slept");
    let log = noted(&weir, |log| !records(log, "rejected").is_empty());
    let guesses = records(&log, "rejected")
        .iter()
        .filter(|record| record["why"].as_str().unwrap().starts_with("cancel:"))
        .count();
    println!("{heard} guesses were made in three seconds, {guesses} were looked at");
    assert!((4..=40 * 4).contains(&guesses), "{guesses} of {heard}");
    assert_sound(&mut weir);
}
