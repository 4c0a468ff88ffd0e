//! Targets that are none, or mean harm, during the login: what they say is bounded, and the password is never given to
//! somebody who has not to do with it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::house::{Bystander, PASSWORD, assert_sound, before, database, noted, records};
use crate::wire::{PROTOCOL_3_0, PROTOCOL_3_2, Session, cstr, frame};

/// A target that plays this script to each that connects. It gets the connection after the startup packet, and the
/// version that was asked for.
fn playing(script: impl Fn(&mut TcpStream, i32) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = Arc::new(script);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), script) = (stream, Arc::clone(&script)) else { continue };
            thread::spawn(move || {
                let mut head = [0; 8];
                if stream.read_exact(&mut head).is_err() {
                    return;
                }
                let length = usize::try_from(i32::from_be_bytes([head[0], head[1], head[2], head[3]])).unwrap();
                let mut rest = vec![0; length - 8];
                let _ = stream.read_exact(&mut rest);
                script(&mut stream, i32::from_be_bytes([head[4], head[5], head[6], head[7]]));
                // Silent, but there, until the other side has had enough.
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    port
}

fn authentication(kind: i32, rest: &[u8]) -> Vec<u8> {
    frame(b'R', &[&kind.to_be_bytes(), rest].concat())
}

fn sasl(mechanisms: &str) -> Vec<u8> {
    authentication(10, &[cstr(mechanisms), vec![0]].concat())
}

/// What came in one message.
fn message(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 5];
    if stream.read_exact(&mut head).is_err() {
        return Vec::new();
    }
    let mut body = vec![0; usize::try_from(i32::from_be_bytes([head[1], head[2], head[3], head[4]])).unwrap() - 4];
    let _ = stream.read_exact(&mut body);
    body
}

/// Plays SCRAM up to a challenge with this nonce behind the caller's own, and these rounds.
fn challenge(stream: &mut TcpStream, nonce: &str, rounds: &str) {
    let _ = stream.write_all(&sasl("SCRAM-SHA-256"));
    let hello = String::from_utf8_lossy(&message(stream)).into_owned();
    let own = hello.rsplit_once("r=").map(|(_, nonce)| nonce.to_owned()).unwrap_or_default();
    let text = format!("r={own}{nonce},s=QSXCR+Q6sek8bf92,i={rounds}");
    let _ = stream.write_all(&authentication(11, text.as_bytes()));
}

#[test]
fn rogue_targets_are_found_out() {
    database("beside_rogues", "CREATE TABLE t (id int)");
    let ok = || [authentication(0, &[]), frame(b'Z', b"I")].concat();
    let error = |fields: &[u8]| frame(b'E', fields);
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let keeps = |seen: &Arc<Mutex<Vec<u8>>>, bytes: Vec<u8>| seen.lock().unwrap().extend(bytes);
    let (seen_clear, seen_begun) = (Arc::clone(&seen), Arc::clone(&seen));
    let says = |bytes: Vec<u8>| {
        playing(move |stream, _| {
            let _ = stream.write_all(&bytes);
        })
    };
    let version = |told: i32, count: i32, rest: &[u8]| {
        frame(b'v', &[&told.to_be_bytes(), &count.to_be_bytes()[..], rest].concat())
    };
    let no_protocol = "it does not speak PostgreSQL's protocol";
    let other_login = "it asks for a kind of login that Weir does not do";
    let refuses = "it refuses Weir's own login";
    let rogues: Vec<(&str, u16, &str, &str)> = vec![
        (
            "rounds",
            playing(|stream, _| challenge(stream, "x", "1000000000")),
            no_protocol,
            "asks for 1000000000 rounds",
        ),
        ("no_rounds", playing(|stream, _| challenge(stream, "x", "0")), no_protocol, "asks for 0 rounds"),
        ("nonce", playing(|stream, _| challenge(stream, &"n".repeat(64 * 1024), "4096")), no_protocol, "bytes"),
        (
            "nonce_5k",
            playing(|stream, _| challenge(stream, &"n".repeat(5 * 1024), "4096")),
            no_protocol,
            "SASL message",
        ),
        (
            "other_nonce",
            playing(|stream, _| {
                let _ = stream.write_all(&sasl("SCRAM-SHA-256"));
                message(stream);
                let _ = stream.write_all(&authentication(11, b"r=mine,s=QSXCR+Q6sek8bf92,i=4096"));
            }),
            no_protocol,
            "nonce",
        ),
        (
            "not_proved",
            playing(move |stream, _| {
                challenge(stream, "x", "4096");
                message(stream);
                let _ = stream.write_all(&[authentication(0, &[]), frame(b'Z', b"I")].concat());
            }),
            no_protocol,
            "before it has proved itself",
        ),
        (
            "falsely_proved",
            playing(move |stream, _| {
                challenge(stream, "x", "4096");
                message(stream);
                let proof = format!("v={}=", "A".repeat(43));
                let _ = stream.write_all(&[authentication(12, proof.as_bytes()), authentication(0, &[])].concat());
            }),
            no_protocol,
            "SCRAM",
        ),
        (
            "begun_only",
            playing(move |stream, _| {
                let _ = stream.write_all(&sasl("SCRAM-SHA-256"));
                keeps(&seen_begun, message(stream));
                // Changes its mind, and would like the password itself.
                let _ = stream.write_all(&authentication(3, &[]));
                keeps(&seen_begun, message(stream));
            }),
            other_login,
            "authentication of kind 3",
        ),
        (
            "in_clear",
            playing(move |stream, _| {
                let _ = stream.write_all(&authentication(3, &[]));
                keeps(&seen_clear, message(stream));
            }),
            other_login,
            "the password in clear",
        ),
        ("only_bound", says(sasl("SCRAM-SHA-256-PLUS")), other_login, "channel binding"),
        ("no_state", says(error(b"SFATAL\0Mno code here\0\0")), refuses, "XX000 no code here"),
        ("no_fields", says(error(b"\0")), refuses, "XX000"),
        ("no_end", says(error(b"SFATAL\0Mno end")), no_protocol, "without its terminator"),
        (
            "twice",
            says([version(PROTOCOL_3_0, 0, &[]), version(PROTOCOL_3_0, 0, &[])].concat()),
            no_protocol,
            "type 'v'",
        ),
        ("newer", says(version(PROTOCOL_3_2 + 1, 0, &[])), no_protocol, "protocol version 3.3"),
        ("same", says(version(PROTOCOL_3_2, 0, &[])), no_protocol, "protocol version 3.2"),
        ("older", says(version(131_072, 0, &[])), no_protocol, "protocol version 2.0"),
        ("options", says(version(PROTOCOL_3_0, 1, b"_pq_.x\0")), no_protocol, "options"),
        ("many_options", says(version(PROTOCOL_3_0, i32::MAX, &[])), no_protocol, "options"),
        ("cut_version", says(frame(b'v', &[0, 3, 0, 0])), no_protocol, "NegotiateProtocolVersion"),
        (
            "short_key",
            says([authentication(0, &[]), frame(b'K', &[0, 0, 0, 1, 2, 3, 4])].concat()),
            no_protocol,
            "key of 3",
        ),
        ("long_key", says([authentication(0, &[]), frame(b'K', &[7; 4 + 257])].concat()), no_protocol, "key of 257"),
        ("endless", says(frame(b'N', b"SNOTICE\0\0").repeat(1000)), no_protocol, "never ends"),
        (
            "endless_ready",
            says([authentication(0, &[]), frame(b'S', b"a\0b\0").repeat(1000)].concat()),
            no_protocol,
            "without end",
        ),
        (
            "half_ok",
            says([authentication(10, b"SCRAM-SHA-256\0\0"), ok()].concat()),
            no_protocol,
            "before it has proved itself",
        ),
    ];
    let at = |port: u16| format!("address = \"127.0.0.1:{port}\"\ntls = \"off\"\nconnect_timeout_seconds = 5\n");
    let all = rogues.iter().fold(before("beside_rogues"), |all, (name, port, ..)| {
        all.target_with(name, "x", ("holder", PASSWORD), &at(*port), &[])
    });
    // And two that only are old: they know 3.0, and say of anything else that it can't be, or nothing at all.
    let old = |complaint: Option<Vec<u8>>| {
        playing(move |stream, version| match (version == PROTOCOL_3_0, &complaint) {
            (true, _) => drop(stream.write_all(&[authentication(0, &[]), frame(b'Z', b"I")].concat())),
            (false, Some(complaint)) => drop(stream.write_all(complaint)),
            (false, None) => drop(stream.shutdown(std::net::Shutdown::Both)),
        })
    };
    let complaint = frame(b'E', b"SFATAL\0C08P01\0Munsupported protocol version 3.2\0\0");
    let mut weir = all
        .target_with("old", "x", ("holder", PASSWORD), &at(old(Some(complaint))), &[])
        .target_with("old_and_silent", "x", ("holder", PASSWORD), &at(old(None)), &[])
        .target_with(
            "injected",
            "x",
            ("holder", PASSWORD),
            &at(says([b"S".to_vec(), ok()].concat())).replace("off", "require"),
            &[],
        )
        .target_with("minor_only", "x", ("holder", PASSWORD), &at(says([version(0, 0, &[]), ok()].concat())), &[])
        .start();
    let bystander = Bystander::begin(&weir, "beside_rogues");
    let token = weir.token("alice", &[]);
    for (target, _, public, inside) in &rogues {
        let begun = Instant::now();
        let report = Session::refused(&weir, "alice", target, &token);
        report.says("FATAL", "08001", &format!("target \"{target}\" cannot be reached: {public}"));
        assert!(begun.elapsed() < Duration::from_secs(4), "{target}: {:?}", begun.elapsed());
        noted(&weir, |log| {
            let closed = records(log, "closed");
            closed.last().is_some_and(|record| record["why"].as_str().unwrap().contains(inside))
        });
        bystander.still_answers();
    }
    // In clear behind the answer to SSLRequest: it is no part of TLS, and nothing is believed of it.
    let report = Session::refused(&weir, "alice", "injected", &token);
    report.says("FATAL", "08001", "no trusted TLS connection can be made to it");
    for target in ["old", "old_and_silent", "minor_only"] {
        drop(Session::log_in(&weir, "alice", target, &token));
    }
    let seen = seen.lock().unwrap().clone();
    assert!(!seen.is_empty() && !seen.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()));
    bystander.end();
    assert_sound(&mut weir);
}
