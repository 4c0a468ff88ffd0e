//! Bytes that are no protocol, or the protocol at the wrong moment, in every phase of a connection: each is answered with
//! what is wrong, or with nothing, and a session beside them never notices.

use std::io::Read as _;
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use testkit::weir::Weir;

use crate::house::{Bystander, assert_sound, before, database, noted, records};
use crate::wire::{Came, GSSENC_REQUEST, PROTOCOL_3_0, Report, SSL_REQUEST, Session, Wire, cstr, packet, startup};

/// Startup parameters.
type Parameters<'a> = &'a [(&'a str, &'a str)];

/// Lengths that no message has, and how each is called in an error.
const LENGTHS: [(u32, &str); 5] =
    [(0, "0"), (3, "3"), (0x7fff_ffff, "2147483647"), (0xffff_ffff, "-1"), (0x8000_0000, "-2147483648")];

fn at_password(weir: &Weir, target: &str) -> Wire {
    let mut wire = Wire::tls(weir);
    wire.send_raw(&startup(PROTOCOL_3_0, &[("user", "alice"), ("database", target)]));
    assert_eq!(wire.expect(b'R'), 3_i32.to_be_bytes());
    wire
}

/// How Weir closed its part of the session that alice had last.
fn last_close(weir: &Weir, words: &str) {
    noted(weir, |log| {
        records(log, "closed").last().is_some_and(|closed| closed["why"].as_str().unwrap().contains(words))
    });
}

#[test]
fn first_packets_that_are_none() {
    database("first_packets", "CREATE TABLE t (id int)");
    let mut weir = before("first_packets").start();
    let bystander = Bystander::begin(&weir, "first_packets");
    let token = weir.token("alice", &[]);
    for encrypted in [false, true] {
        let begin = || if encrypted { Wire::tls(&weir) } else { Wire::plain(&weir) };
        // In clear, the last would be the beginning of TLS.
        let more = [(7, "7"), (10_001, "10001"), (0x1603_0100, "369295616")];
        for (length, said) in LENGTHS.into_iter().chain(more.into_iter().take(if encrypted { 3 } else { 2 })) {
            let mut wire = begin();
            wire.send_raw(&length.to_be_bytes());
            let report = wire.last_words().expect("a reason");
            report.says("FATAL", "08P01", &format!("invalid length of startup packet: {said}"));
        }
        let two = [("user", "alice"), ("database", "x"), ("User", "root")];
        let unended = packet(&[&PROTOCOL_3_0.to_be_bytes(), cstr("user").as_slice(), b"alice"].concat());
        let more = packet(&[&PROTOCOL_3_0.to_be_bytes(), cstr("user").as_slice(), &cstr("a"), b"\0more"].concat());
        let no_text = packet(&[&PROTOCOL_3_0.to_be_bytes(), cstr("user").as_slice(), b"\xff\0\0"].concat());
        let cases: [(Vec<u8>, &str); 9] = [
            (startup(0x0002_0000, &[("user", "alice")]), "unsupported frontend protocol 2.0"),
            (startup(0x0004_0000, &[("user", "alice")]), "unsupported frontend protocol 4.0"),
            (startup(-1, &[]), "unsupported frontend protocol"),
            (startup(0, &[]), "unsupported frontend protocol 0.0"),
            (startup(PROTOCOL_3_0, &two), "\"User\" is given twice"),
            (unended, "startup"),
            (more, "startup"),
            (no_text, "not UTF-8"),
            (packet(&[&80_877_102_i32.to_be_bytes()[..], &[0, 0, 0, 1]].concat()), "cancel request without a key"),
        ];
        for (bytes, words) in cases {
            let mut wire = begin();
            wire.send_raw(&bytes);
            wire.last_words().unwrap_or_else(|| panic!("no reason for {bytes:?}")).says("FATAL", "08P01", words);
        }
        bystander.still_answers();
    }

    // TLS is asked for once, and what stands in clear behind the request is no part of it.
    let mut twice = Wire::tls(&weir);
    twice.send_raw(&SSL_REQUEST);
    twice.last_words().unwrap().says("FATAL", "08P01", "asked for twice");
    let mut injected = Wire::plain(&weir);
    injected.send_raw(&[&SSL_REQUEST[..], &startup(PROTOCOL_3_0, &[("user", "alice")])].concat());
    let mut came = Vec::new();
    let _ = injected.socket().try_clone().unwrap().read_to_end(&mut came);
    assert_eq!(came[0], b'S');
    // At most a TLS alert follows, never a message of the protocol.
    assert!(came.len() == 1 || came[1] == 0x15, "{came:?}");
    let mut empty = Wire::plain(&weir);
    empty.send_raw(&packet(&80_877_103_i32.to_be_bytes().repeat(2)));
    empty.last_words().unwrap().says("FATAL", "08P01", "");

    // GSSAPI encryption is not spoken, and asking costs nothing; asking again does.
    let mut wire = Wire::plain(&weir);
    wire.send_raw(&GSSENC_REQUEST);
    assert_eq!(wire.byte(), Some(b'N'));
    wire.send_raw(&SSL_REQUEST);
    assert_eq!(wire.byte(), Some(b'S'));
    let login = [("user", "alice"), ("database", "first_packets")];
    let mut session = Session::on(wire.into_tls(&weir), PROTOCOL_3_0, &login, &token).expect("a login");
    session.rows("SELECT 1");
    let mut wire = Wire::plain(&weir);
    wire.send_raw(&GSSENC_REQUEST);
    assert_eq!(wire.byte(), Some(b'N'));
    wire.send_raw(&GSSENC_REQUEST);
    wire.last_words().unwrap().says("FATAL", "08P01", "asked for twice");

    // Nothing is ever said in clear but that it would have to be encrypted.
    let report = Session::on(Wire::plain(&weir), PROTOCOL_3_0, &login, &token).err().expect("no login in clear");
    report.says("FATAL", "28000", "over TLS only");
    assert!(report.hint.contains("sslmode=verify-full") && report.hint.contains("ca.pem"), "{report:?}");

    // A key that nobody has: no answer, and nobody is disturbed.
    let mut running = Session::log_in(&weir, "alice", "first_packets", &token);
    running.ask("SELECT pg_sleep(1), 'slept'");
    for encrypted in [false, true] {
        let mut key = running.key.clone();
        key[7] ^= 1;
        let mut wire = if encrypted { Wire::tls(&weir) } else { Wire::plain(&weir) };
        wire.send_raw(&packet(&[&80_877_102_i32.to_be_bytes()[..], &key].concat()));
        assert_eq!(wire.last_words(), None);
    }
    assert_eq!(running.answer().0.unwrap()[0][1], "slept");
    // The right one does what it is for.
    running.ask("SELECT pg_sleep(60)");
    testkit::wait_until(Duration::from_secs(5), "the sleep", || sleeps("first_packets") == 1).unwrap();
    let mut wire = Wire::tls(&weir);
    wire.send_raw(&packet(&[&80_877_102_i32.to_be_bytes()[..], &running.key].concat()));
    assert_eq!(wire.last_words(), None);
    running.answer().0.unwrap_err().says("ERROR", "57014", "");
    running.rows("SELECT 1");
    bystander.end();
    assert_sound(&mut weir);
}

/// Statements asleep on the target, as it tells itself.
pub fn sleeps(database: &str) -> usize {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND state = 'active' AND query LIKE '%pg_sleep%'"
    );
    crate::house::SERVER.psql("postgres", &sql).unwrap().trim().parse().unwrap()
}

#[test]
fn startup_parameters_that_are_none() {
    database("startups", "CREATE TABLE t (id int)");
    let mut weir = before("startups").start();
    let bystander = Bystander::begin(&weir, "startups");
    let token = weir.token("alice", &[]);
    let log_in = |version: i32, more: Parameters<'_>| {
        let parameters = [&[("user", "alice"), ("database", "startups")], more].concat();
        Session::try_log_in(&weir, version, &parameters, &token)
    };
    let refusals: [(Parameters<'_>, &str, &str); 18] = [
        (&[("replication", "perhaps")], "22023", "invalid value for parameter \"replication\""),
        (&[("replication", "true"), ("options", "-c weir.target=nowhere")], "3D000", "no target named \"nowhere\""),
        (&[("options", "-c database=postgres")], "22023", "\"database\" is no setting"),
        (&[("options", "-c user=postgres")], "22023", "\"user\" is no setting"),
        (&[("options", "-c replication=database")], "22023", "\"replication\" is no setting"),
        (&[("options", "--Options=-crole=postgres")], "22023", "is no setting"),
        (&[("options", "-c=")], "42601", "startup options"),
        (&[("options", "-c")], "42601", "startup options"),
        (&[("options", "-c work_mem")], "42601", "startup options"),
        (&[("options", "-d 5")], "42601", "startup options"),
        (&[("options", "--=x")], "42601", "startup options"),
        (&[("options", "-csession_replication_role=replica")], "22023", "session_replication_role"),
        (&[("options", "--standard-conforming-strings=off")], "22023", "standard_conforming_strings"),
        (&[("standard_conforming_strings", "off")], "22023", "standard_conforming_strings"),
        (&[("client_encoding", "SJIS")], "22023", "client_encoding"),
        (&[("session_preload_libraries", "x")], "22023", "session_preload_libraries"),
        (&[("role", "postgres")], "22023", "role"),
        (&[("options", "-crole=postgres")], "22023", "role"),
    ];
    for (more, code, words) in refusals {
        let report = log_in(PROTOCOL_3_0, more).err().unwrap_or_else(|| panic!("{more:?} was let in"));
        report.says("FATAL", code, words);
        let log = weir.log();
        assert!(records(&log, "rejected").last().unwrap()["why"].as_str().unwrap().contains(words), "{more:?}");
    }
    let nobody = Session::try_log_in(&weir, PROTOCOL_3_0, &[("database", "startups")], &token);
    nobody.err().unwrap().says("FATAL", "28000", "no user name");
    bystander.still_answers();
    for more in [
        &[("replication", "off")][..],
        &[("options", "-c work_mem=5MB --statement-timeout=1min -c DateStyle=ISO,\\ DMY")],
        &[("application_name", "a program\n\u{202e}")],
    ] {
        log_in(PROTOCOL_3_0, more).expect("harmless settings").rows("SELECT 1");
    }

    bystander.end();
    assert_sound(&mut weir);
}

#[test]
fn passwords_that_are_none() {
    database("passwords", "CREATE TABLE t (id int)");
    let mut weir = before("passwords").start();
    let bystander = Bystander::begin(&weir, "passwords");
    let token = weir.token("alice", &[]);
    let cases = LENGTHS.iter().map(|(length, said)| ([&b"p"[..], &length.to_be_bytes()].concat(), *said));
    for (bytes, said) in cases {
        let mut wire = at_password(&weir, "passwords");
        wire.send_raw(&bytes);
        let report = wire.last_words().expect("a reason");
        report.says("FATAL", "08P01", "protocol violation");
        assert!(report.message.contains(said) || report.message.contains("2147483648 bytes"), "{report:?}");
    }
    let again = startup(PROTOCOL_3_0, &[("user", "root"), ("database", "passwords")]);
    let framed = |kind: u8, body: &[u8]| crate::wire::frame(kind, body);
    let cases: [(Vec<u8>, &str); 9] = [
        (again, "protocol violation"),
        (SSL_REQUEST.to_vec(), "protocol violation"),
        (framed(b'Q', &cstr("SELECT 1")), "type 'Q' where a password is due"),
        (framed(b'X', &[]), "type 'X' where a password is due"),
        (framed(0xff, &[]), "where a password is due"),
        (framed(b'p', b"no end"), "protocol violation"),
        (framed(b'p', b"two\0ends\0"), "protocol violation"),
        (framed(b'p', b""), "protocol violation"),
        (framed(b'p', b"\xff\xfe\0"), "not UTF-8"),
    ];
    let count = |log: &[serde_json::Value]| records(log, "rejected").len();
    for (bytes, words) in cases {
        let seen = count(&weir.log());
        let mut wire = at_password(&weir, "passwords");
        wire.send_raw(&bytes);
        wire.last_words().unwrap_or_else(|| panic!("no reason for {bytes:?}")).says("FATAL", "08P01", words);
        assert_eq!(count(&weir.log()), seen + 1, "{bytes:?} left no record");
    }
    // What is sent with the password waits for the answer, and the password is asked for once.
    let mut wire = at_password(&weir, "passwords");
    wire.send_raw(&[framed(b'p', &cstr(&token)), framed(b'Q', &cstr("SELECT 7"))].concat());
    assert_eq!(wire.expect(b'R'), 0_i32.to_be_bytes());
    while wire.next() != Came::Frame(b'Z', vec![b'I']) {}
    let mut session = Session { wire, key: Vec::new() };
    assert_eq!(session.answer().0.unwrap(), [["7"]]);
    // Another password in a session is no message at all.
    session.wire.send(b'p', &cstr(&token));
    session.wire.last_words().unwrap().says("FATAL", "08P01", "type 'p'");
    last_close(&weir, "type 'p'");
    // Leaving in the middle is nobody's fault.
    for sent in 0..20 {
        let mut wire = at_password(&weir, "passwords");
        wire.send_raw(&framed(b'p', &cstr(&token))[..sent]);
        wire.half_close();
        assert_eq!(wire.last_words(), None);
    }
    bystander.end();
    assert_sound(&mut weir);
}

#[test]
fn messages_that_are_none() {
    database("messages", "CREATE TABLE t (id int); INSERT INTO t VALUES (0)");
    let mut weir = before("messages").start();
    let bystander = Bystander::begin(&weir, "messages");
    let token = weir.token("alice", &[]);
    let log_in = || Session::log_in(&weir, "alice", "messages", &token);
    for (length, said) in LENGTHS {
        for kind in [b'Q', b'P', b'B', b'd', b'X', b'S', b'!', 0] {
            let mut wire = log_in().wire;
            wire.send_raw(&[&[kind], &length.to_be_bytes()[..]].concat());
            let report = wire.last_words().expect("a reason");
            match length {
                // Copy data and parameters are not held, and still no longer than the server takes them.
                0x7fff_ffff => {
                    let most = if matches!(kind, b'd' | b'B') { 0x3fff_ffff } else { 67_108_864 };
                    report.says("FATAL", "54000", &format!("2147483648 bytes is too long: Weir takes {most}"));
                }
                _ => report.says("FATAL", "08P01", &format!("says that it is {said} bytes long")),
            }
        }
    }
    bystander.still_answers();
    let one = 1_i16.to_be_bytes();
    let bind = |rest: &[u8]| [&[0, 0], rest].concat();
    let cases: Vec<(u8, Vec<u8>, &str)> = vec![
        (b'!', vec![], "type '!'"),
        (0, vec![], "type '\\u{0}'"),
        (0xff, vec![1, 2, 3], "type"),
        (b'R', 0_i32.to_be_bytes().to_vec(), "type 'R'"),
        (b'Z', vec![b'I'], "type 'Z'"),
        (b'Q', b"SELECT 1".to_vec(), "Query"),
        (b'Q', b"INSERT INTO t VALUES (1)\0; INSERT INTO t VALUES (2)\0".to_vec(), "Query"),
        (b'Q', vec![], "Query"),
        (b'P', b"s\0SELECT 1\0".to_vec(), "Parse"),
        (b'P', [b"s\0SELECT 1\0".as_slice(), &one].concat(), "Parse"),
        (b'P', [b"s\0SELECT 1\0".as_slice(), &(-1_i16).to_be_bytes()].concat(), "Parse"),
        (b'B', bind(&[]), "Bind"),
        (b'B', bind(&[0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff]), "Bind"),
        (b'B', bind(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe, 0, 0]), "Bind"),
        (b'B', bind(&[0xff, 0xff]), "Bind"),
        (b'D', b"X\0".to_vec(), "Describe"),
        (b'D', vec![], "Describe"),
        (b'C', b"Sno end".to_vec(), "Close"),
        (b'E', b"\0\0\0".to_vec(), "Execute"),
        (b'S', vec![0], "Sync"),
        (b'H', vec![0], "Flush"),
        (b'X', vec![0], "Terminate"),
    ];
    for (kind, body, words) in cases {
        let mut wire = log_in().wire;
        // What stands behind a broken message is not read any more.
        wire.send(kind, &body);
        wire.send(b'Q', &cstr("INSERT INTO t VALUES (3)"));
        let report = wire.last_words().unwrap_or_else(|| panic!("no reason for {kind} {body:?}"));
        report.says("FATAL", "08P01", words);
        last_close(&weir, "caller broke the protocol");
    }
    // The first packets of a connection are none in a session.
    for bytes in [SSL_REQUEST.to_vec(), startup(PROTOCOL_3_0, &[("user", "root"), ("database", "messages")])] {
        let mut wire = log_in().wire;
        wire.send_raw(&bytes);
        wire.last_words().expect("a reason").says("FATAL", "08P01", "");
    }
    // A text that is one byte too long is refused at its head, and what is left of it is not read as something else.
    let mut wire = log_in().wire;
    wire.send_raw(&[&b"Q"[..], &(64 * 1024 * 1024_u32).to_be_bytes()].concat());
    wire.send_raw(&vec![b'Q'; 64 * 1024 * 1024 - 4]);
    wire.send(b'!', b"");
    let mut said = Vec::new();
    while let Came::Frame(kind, body) = wire.next() {
        said.push((kind, body));
    }
    let kinds: Vec<u8> = said.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, b"EZE");
    Report::read(&said[0].1).says("ERROR", "54000", "67108865 bytes is too long");
    Report::read(&said[2].1).says("FATAL", "08P01", "type '!'");
    let rows = crate::house::SERVER.psql("messages", "SELECT count(*) FROM t").unwrap();
    assert_eq!(rows.trim(), "1", "nothing of a broken message ran");
    bystander.end();
    assert_sound(&mut weir);
}

#[test]
fn callers_that_leave_in_the_middle() {
    database("leaving", "CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 1000)");
    let mut weir = before("leaving").start();
    let bystander = Bystander::begin(&weir, "leaving");
    let token = weir.token("alice", &[]);
    let log_in = || Session::log_in(&weir, "alice", "leaving", &token);
    // Half-closed: what was asked is still answered or not, and the session is over either way.
    let mut session = log_in();
    session.rows("BEGIN");
    session.rows("DELETE FROM t");
    session.wire.half_close();
    while session.wire.next() != Came::End {}
    last_close(&weir, "caller left");
    // Cut off with a statement running: it is cancelled on the target.
    let mut session = log_in();
    session.ask("SELECT pg_sleep(60)");
    testkit::wait_until(Duration::from_secs(5), "the sleep", || sleeps("leaving") == 1).unwrap();
    session.wire.socket().shutdown(Shutdown::Both).unwrap();
    let begun = Instant::now();
    testkit::wait_until(Duration::from_secs(5), "the end of the sleep", || sleeps("leaving") == 0).unwrap();
    println!("a caller that left: its statement was cancelled after {:?}", begun.elapsed());
    // Reset: bytes wait unread in a socket that is closed.
    for _ in 0..5 {
        let mut session = log_in();
        session.ask("SELECT repeat('x', 10000) FROM t, t AS u");
        let stream: TcpStream = session.wire.socket().try_clone().unwrap();
        stream.peek(&mut [0]).unwrap();
        drop(session);
        drop(stream);
    }
    for bytes in [&[][..], &[0, 0], &SSL_REQUEST, &[0, 0, 0x20, 0]] {
        let mut wire = Wire::plain(&weir);
        wire.send_raw(bytes);
        drop(wire);
    }
    let gone =
        || crate::house::SERVER.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'leaving'");
    let only_the_bystander = || gone().unwrap().trim() == "1";
    testkit::wait_until(Duration::from_secs(10), "the target's sessions ended", only_the_bystander).unwrap();
    let rows = crate::house::SERVER.psql("leaving", "SELECT count(*) FROM t").unwrap();
    assert_eq!(rows.trim(), "1000", "an open transaction was rolled back");
    bystander.end();
    assert_sound(&mut weir);
}

/// TLS, startup packet and password have one deadline together, however a caller divides its patience.
#[test]
fn logins_that_take_too_long_are_cut_off() {
    database("slow", "CREATE TABLE t (id int)");
    let mut weir = before("slow").start();
    let bystander = Bystander::begin(&weir, "slow");
    let limit = Duration::from_secs(25)..Duration::from_secs(40);
    thread::scope(|scope| {
        let timed = |name: &'static str, go: &(dyn Fn(&Weir) -> Wire + Sync)| {
            let begun = Instant::now();
            let mut wire = go(&weir);
            assert!(wire.last_words().is_none_or(|report| report.code == "57014"), "{name}");
            println!("a slow login ({name}) was cut off after {:?}", begun.elapsed());
            assert!(limit.contains(&begun.elapsed()), "{name}: {:?}", begun.elapsed());
        };
        scope.spawn(move || timed("says nothing", &Wire::plain));
        scope.spawn(move || timed("no password", &|weir| at_password(weir, "slow")));
        scope.spawn(move || {
            timed("slow in each phase", &|weir| {
                let mut wire = Wire::tls(weir);
                thread::sleep(Duration::from_secs(20));
                wire.send_raw(&startup(PROTOCOL_3_0, &[("user", "alice"), ("database", "slow")]));
                wire.expect(b'R');
                wire
            });
        });
        scope.spawn(move || {
            timed("a byte at a time", &|weir| {
                let mut wire = at_password(weir, "slow");
                for byte in crate::wire::frame(b'p', &cstr("weir_slow")).iter().take(12) {
                    thread::sleep(Duration::from_secs(2));
                    wire.send_raw(&[*byte]);
                }
                wire
            });
        });
    });
    bystander.end();
    assert_sound(&mut weir);
}
