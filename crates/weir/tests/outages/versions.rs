//! Versions of the protocol and beginnings of TLS, of callers and of targets: each is met with what it can do, and the two
//! ends need not be alike.

use std::time::Duration;

use sandbox::PostgresServer;
use testkit::Release;
use testkit::weir::Weir;

use crate::house::{
    ALL, Bystander, CLIENTS, PASSWORD, assert_sound, before, builder, database, records, verify_without_warnings,
};
use crate::target_tls::ENCRYPTED;
use crate::wire::{Came, PROTOCOL_3_0, PROTOCOL_3_2, SSL_REQUEST, Session, Wire, cstr, packet, startup};

/// What is said of versions before anybody is asked who it is: none, or a NegotiateProtocolVersion.
fn negotiated(wire: &mut Wire) -> Option<Vec<u8>> {
    match wire.next() {
        Came::Frame(b'v', body) => {
            wire.expect(b'R');
            Some(body)
        }
        Came::Frame(b'R', _) => None,
        other => panic!("{other:?} came"),
    }
}

#[test]
fn versions_are_negotiated_as_postgresql_18_does() {
    let server = CLIENTS.server(Release::V18).start().unwrap();
    database("negotiating", "CREATE TABLE t (id int)");
    let mut weir = before("negotiating").start();
    let token = weir.token("alice", &[]);
    let names: Vec<String> = (0..5).map(|number| format!("_pq_.grease_{}", number * 7919)).collect();
    for minor in [0, 1, 2, 3, 9999, 0xffff] {
        for count in 0..=names.len() {
            let more: Vec<(&str, &str)> = names[..count].iter().map(|name| (name.as_str(), "x")).collect();
            let with = |user, database| [&[("user", user), ("database", database)], more.as_slice()].concat();
            let version = PROTOCOL_3_0 + minor;
            let mut direct = Wire::to(server.port());
            direct.send_raw(&startup(version, &with("postgres", "postgres")));
            let mut through = Wire::tls(&weir);
            through.send_raw(&startup(version, &with("alice", "negotiating")));
            let awaited = negotiated(&mut direct);
            assert_eq!(negotiated(&mut through), awaited, "3.{minor} with {count} options");
            if minor == 9999 {
                assert_eq!(awaited.unwrap().len(), 8 + names[..count].iter().map(|name| name.len() + 1).sum::<usize>());
            }
            // Then it is an ordinary login.
            through.send(b'p', &cstr(&token));
            assert_eq!(through.expect(b'R'), 0_i32.to_be_bytes());
            let mut key = None;
            loop {
                match through.next() {
                    Came::Frame(b'K', body) => key = Some(body),
                    Came::Frame(b'Z', _) => break,
                    Came::Frame(b'S', _) => {}
                    other => panic!("{other:?} came"),
                }
            }
            // The process id, and a secret that is longer since 3.2.
            assert_eq!(key.unwrap().len(), 4 + if minor >= 2 { 32 } else { 4 }, "3.{minor}");
        }
    }
    assert_sound(&mut weir);
}

/// Sends this session's key, in this way.
fn cancel(weir: &Weir, key: &[u8], way: &str) {
    let plain = Wire::plain(weir);
    let mut wire = match way {
        "plain" => plain,
        "tls" => Wire::tls(weir),
        _ => plain.try_into_tls(weir, &["postgresql"]).unwrap(),
    };
    wire.send_raw(&packet(&[&80_877_102_i32.to_be_bytes()[..], key].concat()));
    assert_eq!(wire.last_words(), None);
}

fn sleepers(server: &PostgresServer) -> String {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(77)%' \
               AND pid <> pg_backend_pid()";
    server.psql("postgres", sql).unwrap().trim().to_owned()
}

/// Every version of a caller before every version of a target, and every way to send a cancel.
#[test]
fn a_cancel_arrives_whatever_the_two_ends_speak() {
    let (newest, _) = &*ENCRYPTED;
    let distribution = CLIENTS.server(Release::Distribution).start().unwrap();
    distribution.psql("postgres", &format!("CREATE ROLE holder LOGIN PASSWORD '{PASSWORD}'")).unwrap();
    let direct =
        format!("address = \"127.0.0.1:{}\"\ntls = \"require\"\ntls_negotiation = \"direct\"\n", newest.port());
    let mut weir = builder()
        .target("old", &distribution, "postgres", ("holder", PASSWORD), &[])
        .target_with("new", "postgres", ("holder", PASSWORD), &direct, &[])
        .start();
    let token = weir.token("alice", &[]);
    for (target, server) in [("old", &distribution), ("new", newest)] {
        for version in [PROTOCOL_3_0, PROTOCOL_3_2] {
            let parameters = [("user", "alice"), ("database", target)];
            let mut session = Session::try_log_in(&weir, version, &parameters, &token).unwrap();
            let pid = session.rows("SELECT pg_backend_pid()")[0][0].parse::<i32>().unwrap();
            assert_eq!(session.key[..4], pid.to_be_bytes(), "the target's process id");
            for way in ["plain", "tls", "direct"] {
                session.ask("SELECT pg_sleep(77)");
                testkit::wait_until(Duration::from_secs(10), "the sleep", || sleepers(server) == "1").unwrap();
                // Almost the key, or less than all of it, is none.
                let mut wrong = session.key.clone();
                *wrong.last_mut().unwrap() ^= 1;
                cancel(&weir, &wrong, way);
                let more = [session.key.as_slice(), &[0]].concat();
                cancel(&weir, &more, way);
                assert_eq!(sleepers(server), "1", "a wrong key was taken");
                cancel(&weir, &session.key, way);
                session.answer().0.unwrap_err().says("ERROR", "57014", "");
                session.rows("SELECT 1");
                // When it has run there is nothing to cancel: the next statement is another one.
                cancel(&weir, &session.key, way);
                assert_eq!(session.rows("SELECT pg_sleep(0.2), 'next'")[0][1], "next", "{target} {way}");
            }
        }
    }
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}

#[test]
fn direct_tls_needs_the_protocols_name() {
    database("direct", "CREATE TABLE t (id int)");
    let mut weir = before("direct").start();
    let bystander = Bystander::begin(&weir, "direct");
    let token = weir.token("alice", &[]);
    let parameters = [("user", "alice"), ("database", "direct")];
    for alpn in [&["postgresql"][..], &["h2", "postgresql"]] {
        let wire = Wire::plain(&weir).try_into_tls(&weir, alpn).unwrap();
        let mut session = Session::on(wire, PROTOCOL_3_2, &parameters, &token).unwrap();
        assert_eq!(session.rows("SELECT 7"), [["7"]]);
    }
    // No name, or another's: nothing is ever taken from such a connection.
    for alpn in [&[][..], &["h2"], &["postgresql2", "http/1.1"]] {
        assert!(Wire::plain(&weir).try_into_tls(&weir, alpn).is_err(), "{alpn:?}");
    }
    // Asked for, TLS may come without a name; a wrong one is wrong.
    let asked = || {
        let mut wire = Wire::plain(&weir);
        wire.send_raw(&SSL_REQUEST);
        assert_eq!(wire.byte(), Some(b'S'));
        wire
    };
    for (alpn, good) in [(&[][..], true), (&["postgresql"], true), (&["h2"], false)] {
        assert_eq!(asked().try_into_tls(&weir, alpn).is_ok(), good, "{alpn:?}");
    }
    // Once is enough.
    let mut twice = Wire::plain(&weir).try_into_tls(&weir, &["postgresql"]).unwrap();
    twice.send_raw(&SSL_REQUEST);
    twice.last_words().unwrap().says("FATAL", "08P01", "asked for twice");
    bystander.end();
    assert_sound(&mut weir);
}

/// libpq of PostgreSQL 18 in all that it can say of versions and TLS.
#[test]
fn libpq_18_gets_what_it_asks_for() {
    database("libpq", "CREATE TABLE t (id int)");
    let mut weir = before("libpq").start();
    let token = weir.token("alice", &[]);
    let psql = |more: &str| {
        let run = CLIENTS.psql(Release::V18).args(["-A", "-t", "-q", "-c", "SELECT 'in'", "-c", "\\conninfo", "-d"]);
        run.arg(format!("{} {more}", weir.conninfo("alice", "libpq"))).env("PGPASSWORD", &token).finish().unwrap()
    };
    for (more, version) in [
        ("", "3.0"),
        ("max_protocol_version=3.2", "3.2"),
        ("min_protocol_version=3.2 max_protocol_version=latest", "3.2"),
        ("sslnegotiation=direct", "3.0"),
        ("sslnegotiation=direct max_protocol_version=latest gssencmode=disable", "3.2"),
    ] {
        let outcome = psql(more);
        assert!(outcome.stderr.is_empty() && outcome.stdout.starts_with("in\n"), "{more}: {outcome:?}");
        let told = outcome.stdout.lines().find(|line| line.starts_with("Protocol Version"));
        assert!(told.is_some_and(|line| line.ends_with(version)), "{more}: {}", outcome.stdout);
    }
    assert_sound(&mut weir);
}

/// A target that speaks direct TLS, and one that doesn't; channel binding wanted where there is none.
#[test]
fn targets_are_begun_with_as_configured() {
    let (newest, ca) = &*ENCRYPTED;
    let folder = testkit::temp_folder("ca").unwrap();
    let ca = crate::target_tls::in_folder(&folder, "ca.pem", ca);
    let plain = CLIENTS.server(Release::Distribution).start().unwrap();
    plain.psql("postgres", &format!("CREATE ROLE holder LOGIN PASSWORD '{PASSWORD}'")).unwrap();
    let good = ("holder", PASSWORD);
    let verified = format!("address = \"localhost:{}\"\nca = \"{}\"\n", newest.port(), ca.display());
    let to_plain = format!("address = \"127.0.0.1:{}\"\ntls = \"require\"\n", plain.port());
    let direct = "tls_negotiation = \"direct\"\n";
    let mut weir = builder()
        .target_with("direct", "postgres", good, &(verified.clone() + direct), &[])
        .target_with("bound", "postgres", good, &(verified.clone() + "channel_binding = \"require\"\n"), &[])
        .target_with("both", "postgres", good, &(verified.clone() + direct + "channel_binding = \"require\"\n"), &[])
        .target_with("unbound", "postgres", good, &(verified + "channel_binding = \"off\"\n"), &[])
        .target_with("not_direct", "postgres", good, &(to_plain + direct), &[])
        .policies(ALL)
        .start();
    let token = weir.token("alice", &[]);
    for target in ["direct", "bound", "both", "unbound"] {
        let mut session = Session::log_in(&weir, "alice", target, &token);
        assert_eq!(session.rows("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"), [["t"]], "{target}");
    }
    let report = Session::refused(&weir, "alice", "not_direct", &token);
    report.says("FATAL", "08001", "no trusted TLS connection can be made to it");
    assert!(!records(&weir.log(), "closed").is_empty());
    assert_sound(&mut weir);
}

/// What the target's role starts with is what a caller starts with, unless it says otherwise.
#[test]
fn the_roles_own_settings_survive_a_login() {
    let server = CLIENTS.server(Release::Distribution).start().unwrap();
    for sql in [
        format!("CREATE ROLE styled LOGIN PASSWORD '{PASSWORD}'").as_str(),
        "ALTER ROLE styled SET DateStyle = 'German'",
        "ALTER ROLE styled SET IntervalStyle = 'sql_standard'",
        "ALTER ROLE styled SET TimeZone = 'Asia/Tokyo'",
        "ALTER ROLE styled SET extra_float_digits = 0",
    ] {
        server.psql("postgres", sql).unwrap();
    }
    let mut weir = builder().target("styled", &server, "postgres", ("styled", PASSWORD), &[]).start();
    let token = weir.token("alice", &[]);
    let shown = |more: &[(&str, &str)]| {
        let parameters = [&[("user", "alice"), ("database", "styled")], more].concat();
        let mut session = Session::try_log_in(&weir, PROTOCOL_3_2, &parameters, &token).unwrap();
        ["DateStyle", "IntervalStyle", "TimeZone", "extra_float_digits"]
            .map(|name| session.rows(&format!("SHOW {name}"))[0][0].clone())
    };
    assert_eq!(shown(&[]), ["German, DMY", "sql_standard", "Asia/Tokyo", "0"]);
    let own = [("datestyle", "ISO, YMD"), ("options", "-c IntervalStyle=iso_8601 --TimeZone=UTC")];
    assert_eq!(shown(&own), ["ISO, YMD", "iso_8601", "UTC", "0"]);
    assert_sound(&mut weir);
}

/// libpq makes room for 8 KiB before it reads, and what is left of a longer record it takes only with the next one: a program
/// that waits for its socket then waits for ever. PostgreSQL's own records are no longer than that.
#[test]
fn tls_records_are_no_longer_than_libpq_reads_at_once() {
    database("records", "CREATE TABLE t (id int)");
    let mut weir = before("records").start();
    let token = weir.token("alice", &[]);
    for text in ["SELECT repeat('x', 3000000)", "SELECT repeat('x', 1000) FROM generate_series(1, 3000)"] {
        let mut session = Session::log_in(&weir, "alice", "records", &token);
        session.ask(text);
        let records = session.wire.records(2_000_000);
        // Its text, its type, and its seal.
        let longest = *records.iter().max().unwrap();
        assert!((4096..=8192 + 1 + 16).contains(&longest), "{longest}");
    }
    assert_sound(&mut weir);
    weir.stop();
}
