//! Targets that do not keep to the protocol: each is told to the caller as what it is, each leaves its reason in Weir's log,
//! and neither the caller's other sessions nor anybody else's notice.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::weir::Weir;

use crate::between;
use crate::house::{Bystander, PASSWORD, SERVER, assert_sound, before, database, noted, records, run, token_id};
use crate::luck::resident_kib;
use crate::wire::{Came, Report, Session, cstr, frame};

/// What must not be seen, in the classified column of every reply below.
const CANARY: &str = "903-77-4141";

const CLASSES: [(&str, &str); 1] = [("public.people.ssn", "pii.national_id")];

/// Nobody sees what is classified.
const UNSEEN: &str = r#"
@id("all") permit (principal, action, resource);
@id("unseen") forbid (principal, action in [Action::"see", Action::"see_partial", Action::"see_token"], resource);
"#;

/// A RowDescription: name, table, number, type.
fn shape(columns: &[(&str, u32, i16, u32)]) -> Vec<u8> {
    let mut body = u16::try_from(columns.len()).unwrap().to_be_bytes().to_vec();
    for (name, table, number, oid) in columns {
        body.extend(cstr(name));
        body.extend(table.to_be_bytes());
        body.extend(number.to_be_bytes());
        body.extend(oid.to_be_bytes());
        body.extend([0; 8]);
    }
    frame(b'T', &body)
}

fn row(cells: &[&str]) -> Vec<u8> {
    let mut body = u16::try_from(cells.len()).unwrap().to_be_bytes().to_vec();
    for cell in cells {
        body.extend(u32::try_from(cell.len()).unwrap().to_be_bytes());
        body.extend(cell.as_bytes());
    }
    frame(b'D', &body)
}

fn complete() -> Vec<u8> {
    frame(b'C', &cstr("SELECT 1"))
}

fn ready() -> Vec<u8> {
    frame(b'Z', b"I")
}

fn report(kind: u8, fields: &[&str]) -> Vec<u8> {
    let mut body: Vec<u8> = fields.iter().flat_map(|field| cstr(field)).collect();
    body.push(0);
    frame(kind, &body)
}

/// A frame that says that it is this long.
fn claims(kind: u8, length: u32) -> Vec<u8> {
    [&[kind], &length.to_be_bytes()[..]].concat()
}

/// The table's oid, so that what is described is what is classified.
fn people() -> u32 {
    SERVER.psql("breaking", "SELECT 'people'::regclass::oid").unwrap().trim().parse().unwrap()
}

/// One column more of the table than the other.
fn two(people: u32) -> Vec<u8> {
    shape(&[("id", people, 1, 23), ("ssn", people, 2, 25)])
}

const SCHEMA: &str = "CREATE TABLE people (id int, ssn text); INSERT INTO people VALUES (1, '903-77-4141');
                      CREATE TABLE plain (id int, word text); INSERT INTO plain VALUES (1, 'word')";

/// A Weir before a target that speaks so.
fn weir(name: &str, port: u16) -> Weir {
    weir_with(name, port, "")
}

/// The same, of a target with these lines of its own.
fn weir_with(name: &str, port: u16, more: &str) -> Weir {
    let lines = format!("address = \"127.0.0.1:{port}\"\ntls = \"off\"\n{more}");
    let builder = before(name).target_with("hostile", name, ("holder", PASSWORD), &lines, &CLASSES);
    builder.policies(UNSEEN).start()
}

/// How the sessions on the hostile target were closed, in the order of their beginnings.
fn closed(weir: &Weir, count: usize) -> Vec<String> {
    let ends = |log: &[Value]| -> Vec<String> {
        let sessions = records(log, "admitted").into_iter().filter(|record| record["target"] == "hostile");
        let closed = records(log, "closed");
        let end = |admitted: &Value| closed.iter().find(|closed| closed["session"] == admitted["session"]);
        sessions.filter_map(end).map(|closed| closed["why"].as_str().unwrap().to_owned()).collect()
    };
    ends(&noted(weir, |log| ends(log).len() == count))
}

fn cases(people: u32) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let two = || two(people);
    let mut cases = vec![
        ("too few cells", [two(), row(&["1"])].concat(), "1 cells in a result of 2"),
        ("too many cells", [two(), row(&["1", CANARY, CANARY])].concat(), "3 cells in a result of 2"),
        ("no cells", [two(), row(&[])].concat(), "0 cells in a result of 2"),
        (
            "a cell longer than its row",
            [two(), frame(b'D', b"\0\x02\0\0\x7f\xff903-77-4141")].concat(),
            "shorter than its fields",
        ),
        ("a cell of length -2", [two(), frame(b'D', b"\0\x02\xff\xff\xff\xfe\0\0\0\0")].concat(), "length -2"),
        (
            "a row with something behind it",
            [two(), frame(b'D', b"\0\x02\0\0\0\x011\0\0\0\x011903-77-4141")].concat(),
            "too many",
        ),
        ("a row of -1 cells", [two(), frame(b'D', b"\xff\xff")].concat(), "cells in a result of 2"),
        ("a row without a description", row(&["1", CANARY]), "rows before their description"),
        ("two descriptions", [two(), two()].concat(), "a second description of rows"),
        ("columns that are not there", frame(b'T', b"\0\x02id\0"), "shorter than its fields"),
        ("columns without end", frame(b'T', &[&b"\x7f\xff"[..], &[b'x'; 100]].concat()), "without its terminator"),
        ("copy in", frame(b'G', b"\0\0\0"), "copy"),
        ("copy out", [frame(b'H', b"\0\0\0"), frame(b'd', CANARY.as_bytes())].concat(), "copy"),
        ("copy both", [frame(b'W', b"\0\0\0"), frame(b'd', CANARY.as_bytes())].concat(), "a stream both ways"),
        ("copy data", frame(b'd', CANARY.as_bytes()), "copy"),
        ("copy done", frame(b'c', b""), "copy"),
        ("the result of a function", frame(b'V', b"\0\0\0\x0b903-77-4141"), ""),
        ("an acknowledgement", frame(b'1', b""), "an acknowledgement where results is due"),
        ("a bind", frame(b'2', b""), "an acknowledgement where results is due"),
        ("a close", frame(b'3', b""), "an acknowledgement where results is due"),
        ("no data", frame(b'n', b""), "a description where results is due"),
        ("parameters", frame(b't', b"\0\0"), "parameters where results is due"),
        (
            "a suspended portal",
            [two(), row(&["1", CANARY]), frame(b's', b"")].concat(),
            "the end of rows where results is due",
        ),
        ("a password", frame(b'R', &3_i32.to_be_bytes()), "a message of type 'R'"),
        ("a key", frame(b'K', &[0; 8]), "a message of type 'K'"),
        ("another version", frame(b'v', &[0; 8]), "a message of type 'v'"),
        ("a query", frame(b'Q', b"SELECT 1\0"), "a message of type 'Q'"),
        ("nothing known", frame(0, CANARY.as_bytes()), "a message of type '\\u{0}'"),
        ("ready twice", [complete(), ready(), ready()].concat(), "readiness where nothing is due"),
        ("ready for what", [complete(), frame(b'Z', b"Q")].concat(), "no transaction status"),
        ("ready for nothing", [complete(), frame(b'Z', b"")].concat(), "no transaction status"),
        (
            "a completion too many",
            [complete(), ready(), complete()].concat(),
            "the end of a command where nothing is due",
        ),
        ("an error without its end", frame(b'E', b"SERROR\0C22012\0"), "shorter than its fields"),
        ("an error without its terminator", frame(b'E', b"SERROR\0C22012"), "without its terminator"),
        ("an error of nothing", frame(b'E', b""), "shorter than its fields"),
        ("an error and more", frame(b'E', b"SERROR\0C22012\0\0903-77-4141"), "too many"),
        ("a notice without its end", frame(b'N', b"SNOTICE\0"), "shorter than its fields"),
        ("half a parameter", frame(b'S', b"client_encoding\0UTF8"), "without its terminator"),
        ("http", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), ""),
        ("tls", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec(), "a message of type '\\u{16}'"),
    ];
    for (name, kind) in [("T", b'T'), ("E", b'E'), ("N", b'N'), ("S", b'S'), ("Z", b'Z'), ("C", b'C'), ("A", b'A')] {
        cases.push((name, claims(kind, 0x7fff_ffff), "too long"));
    }
    for (name, length) in [("0", 0), ("3", 3), ("-1", u32::MAX), ("-2 GiB", 0x8000_0000)] {
        cases.push((name, claims(b'T', length), "says that it is"));
    }
    cases.push(("a row of 2 GiB", [two(), claims(b'D', 0x7fff_ffff)].concat(), "too long"));
    cases
}

#[test]
fn a_target_that_breaks_the_protocol_is_told_apart() {
    database("breaking", SCHEMA);
    let said = cases(people());
    let cases = said.clone();
    let port = between::before(SERVER.port(), move |name: &str, weir: &mut TcpStream| {
        let (_, bytes, _) = said.iter().find(|(known, ..)| *known == name).unwrap();
        let _ = weir.write_all(bytes);
    });
    let mut weir = weir("breaking", port);
    let bystander = Bystander::begin(&weir, "breaking");
    let token = weir.token("alice", &[]);
    // In a batch, each thing said in the place of the end of Parse; but that itself.
    let ways = |at: usize, name: &str| if at.is_multiple_of(3) && name != "an acknowledgement" { 2 } else { 1 };
    for (at, (name, ..)) in cases.iter().enumerate() {
        for simple in [true, false].into_iter().take(ways(at, name)) {
            let mut session = Session::log_in(&weir, "alice", "hostile", &token);
            let text = format!("SELECT id, ssn FROM people /*hostile:{name}*/");
            match simple {
                true => session.ask(&text),
                false => session.wire.send_raw(&batch(&text)),
            }
            let mut all = Vec::new();
            let report = last_report(&mut session, &mut all).unwrap_or_else(|| panic!("{name}: no reason"));
            report.says("FATAL", "08P01", "the target broke the protocol");
            assert!(!holds(&all, CANARY), "{name} shows the canary");
        }
    }
    let count = cases.iter().enumerate().map(|(at, (name, ..))| ways(at, name)).sum();
    let mut closed = closed(&weir, count).into_iter();
    for (at, (name, _, words)) in cases.iter().enumerate() {
        let whys: Vec<String> = closed.by_ref().take(ways(at, name)).collect();
        assert!(whys.iter().all(|why| why.starts_with("target broke the protocol: ")), "{name}: {whys:?}");
        assert!(whys[0].contains(words), "{name}: {whys:?}");
    }
    bystander.end();
    assert_sound(&mut weir);
    weir.verify();
}

/// A batch of one statement.
fn batch(text: &str) -> Vec<u8> {
    let parse = [&[0][..], &cstr(text), &[0, 0]].concat();
    [frame(b'P', &parse), frame(b'B', &[0; 8]), frame(b'E', &[0; 5]), frame(b'S', &[])].concat()
}

/// The error that the session ends with. Everything that came is kept.
fn last_report(session: &mut Session, all: &mut Vec<u8>) -> Option<Report> {
    let mut report = None;
    loop {
        match session.wire.next() {
            Came::End => return report,
            Came::Frame(kind, body) => {
                all.extend(&body);
                report = (kind == b'E').then(|| Report::read(&body));
            }
        }
    }
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|part| part == word.as_bytes())
}

/// What is odd and no breach passes, or is kept from the caller, and the session goes on.
#[test]
fn a_target_that_is_odd_is_borne() {
    database("odd", SCHEMA);
    let long = "x".repeat(3_000_000);
    let said: Vec<(&str, Vec<u8>)> = vec![
        ("no code", [report(b'E', &["SERROR", &format!("M{CANARY}")]), ready()].concat()),
        ("no severity", [report(b'E', &[&format!("M{CANARY}")]), ready()].concat()),
        ("nothing at all", [report(b'E', &[]), ready()].concat()),
        ("another code", [report(b'E', &["SERROR", &format!("C{CANARY}"), "Mx"]), ready()].concat()),
        ("a long one", [report(b'E', &["SERROR", "C22012", &format!("M{long}{CANARY}")]), ready()].concat()),
        (
            "two",
            [report(b'E', &["SERROR", "C22012", "Mx"]), report(b'E', &["SERROR", "C22013", "Mx"]), ready()].concat(),
        ),
        ("many fields", {
            let field = format!("D{CANARY}");
            let fields: Vec<&str> =
                std::iter::once("SERROR").chain(std::iter::repeat_n(field.as_str(), 10_000)).collect();
            [report(b'E', &fields), ready()].concat()
        }),
        ("notices", {
            let notice = report(b'N', &["SNOTICE", &format!("M{CANARY}")]);
            [notice.repeat(1_000), report(b'E', &["SERROR", "C22012"]), ready()].concat()
        }),
        ("parameters", {
            let body = [cstr("application_name"), cstr(CANARY)].concat();
            [frame(b'S', &body).repeat(1_000), report(b'E', &["SERROR", "C22012"]), ready()].concat()
        }),
    ];
    let names: Vec<&str> = said.iter().map(|(name, _)| *name).collect();
    let port = between::before(SERVER.port(), move |name: &str, weir: &mut TcpStream| {
        let (_, bytes) = said.iter().find(|(known, _)| *known == name).unwrap();
        let _ = weir.write_all(bytes);
    });
    let mut weir = weir("odd", port);
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "hostile", &token);
    for name in names {
        session.ask(&format!("SELECT id, ssn FROM people /*hostile:{name}*/"));
        let mut all = Vec::new();
        let mut reports = Vec::new();
        loop {
            match session.wire.next() {
                Came::Frame(b'Z', _) => break,
                Came::Frame(kind, body) => {
                    all.extend(&body);
                    reports.extend((kind == b'E').then(|| Report::read(&body)));
                }
                Came::End => panic!("{name}: the session is over:\n{}", weir.stderr()),
            }
        }
        assert!(!reports.is_empty() && reports.iter().all(|report| report.code.len() == 5), "{name}: {reports:?}");
        assert!(!holds(&all, CANARY), "{name} shows the canary");
        assert_eq!(session.rows("SELECT 1"), [["1"]], "after {name}");
    }
    assert_sound(&mut weir);
}

/// The target leaves after each number of bytes of an answer. The caller sees whole messages and the reason, or half a
/// row and nothing behind it: never Weir's words as the rest of a row.
#[test]
fn a_target_that_leaves_in_the_middle_leaves_nothing_half_said() {
    database("leaving_target", SCHEMA);
    let oid = |table: &str| -> u32 {
        SERVER.psql("leaving_target", &format!("SELECT '{table}'::regclass::oid")).unwrap().trim().parse().unwrap()
    };
    let (people, plain) = (oid("people"), oid("plain"));
    let tail = [complete(), ready()].concat();
    let masked = [two(people), row(&["1", CANARY]), row(&["2", CANARY]), tail.clone()].concat();
    let word = "w".repeat(300);
    let clear =
        [shape(&[("id", plain, 1, 23), ("word", plain, 2, 25)]), row(&["1", &word]), row(&["2", &word]), tail].concat();
    let answers = [("people", masked), ("plain", clear)];
    let said = answers.clone();
    let port = between::before(SERVER.port(), move |name: &str, weir: &mut TcpStream| {
        let (table, count) = name.split_once(' ').unwrap();
        let (_, bytes) = said.iter().find(|(known, _)| *known == table).unwrap();
        let _ = weir.write_all(&bytes[..count.parse().unwrap()]);
        let _ = weir.shutdown(Shutdown::Both);
    });
    // Where values are looked at no part of a row goes before the whole has come: none is cut then.
    let mut weir = weir_with("leaving_target", port, "detect = \"off\"\n");
    let bystander = Bystander::begin(&weir, "leaving_target");
    let token = weir.token("alice", &[]);
    let (mut told, mut cut) = (0, 0);
    for (table, bytes) in &answers {
        for count in (0..bytes.len()).step_by(23) {
            let mut session = Session::log_in(&weir, "alice", "hostile", &token);
            session.ask(&format!("SELECT * FROM {table} /*hostile:{table} {count}*/"));
            let mut came = Vec::new();
            while let Some(byte) = session.wire.byte() {
                came.push(byte);
            }
            assert!(!holds(&came, CANARY));
            let mut rest = came.as_slice();
            let mut last = None;
            while rest.len() >= 5 {
                let length = 1 + usize::try_from(u32::from_be_bytes(rest[1..5].try_into().unwrap())).unwrap();
                let Some((message, behind)) = rest.split_at_checked(length) else { break };
                if message[0] == b'D' && *table == "plain" {
                    assert!(holds(message, &word), "after {count} bytes a row came that is none: {message:?}");
                }
                (last, rest) = (Some(message), behind);
            }
            match last {
                Some(message) if rest.is_empty() => {
                    Report::read(&message[5..]).says("FATAL", "08006", "closed the connection unexpectedly");
                    told += 1;
                }
                _ => {
                    assert!(rest[0] == b'D' && !holds(rest, "08006"), "after {count} bytes: {rest:?}");
                    cut += 1;
                }
            }
        }
    }
    assert!(told > 8 && cut > 8, "{told} {cut}");
    bystander.end();
    assert_sound(&mut weir);
}

/// Messages without end, to a caller that reads none of them: held back, not kept; and the session can be ended.
#[test]
fn a_target_that_never_stops_talking_is_held_back() {
    database("talking", SCHEMA);
    let port = between::before(SERVER.port(), |name: &str, weir: &mut TcpStream| {
        let one = match name {
            "notices" => report(b'N', &["SNOTICE", "VNOTICE", "C00000", "Mand another thing"]),
            "parameters" => frame(b'S', &[cstr("application_name"), cstr("x")].concat()),
            "notifications" => frame(b'A', b"\0\0\0\x01channel\0payload\0"),
            _ => {
                let _ = weir.write_all(&shape(&[("word", 0, 0, 25)]));
                row(&[&"w".repeat(100)])
            }
        };
        let many = one.repeat(1_000);
        while weir.write_all(&many).is_ok() {}
    });
    let mut weir = weir("talking", port);
    let bystander = Bystander::begin(&weir, "talking");
    let token = weir.token("mallory", &[]);
    // A first login and the target's catalog take several times what is measured here. The two that stay make each worker
    // do its part of it.
    let mut early = [0, 1].map(|_| Session::log_in(&weir, "mallory", "hostile", &token));
    early.iter_mut().for_each(|session| drop(session.rows("SELECT word FROM plain")));
    let before = resident_kib(&weir);
    let mut sessions = Vec::new();
    for name in ["notices", "parameters", "notifications", "rows"] {
        let mut session = Session::log_in(&weir, "mallory", "hostile", &token);
        session.ask(&format!("SELECT word FROM plain /*hostile:{name}*/"));
        sessions.push(session);
    }
    // One that does read gets what comes, for as long as it likes; then it leaves, and that is the end of it.
    let mut reader = Session::log_in(&weir, "mallory", "hostile", &token);
    reader.ask("SELECT ssn FROM people /*hostile:notices*/");
    let begun = Instant::now();
    let mut read = 0;
    while begun.elapsed() < Duration::from_secs(2) {
        assert!(matches!(reader.wire.next(), Came::Frame(b'N', _)));
        read += 1;
    }
    reader.wire.send(b'X', &[]);
    while reader.wire.next() != Came::End {}
    bystander.still_answers();
    let grown = resident_kib(&weir).saturating_sub(before);
    println!("four targets that never stop, and {read} notices read: {grown} KiB more");
    assert!(grown < 24 * 1024, "{grown} KiB");
    // Nothing of them is read, and yet they end with the credential.
    let begun = Instant::now();
    let (code, _, err) = run(&weir, &["token", "revoke", &token_id(&weir, "mallory")]);
    assert_eq!(code, 0, "{err}");
    crate::luck::closed(&weir, "credential revoked", 4 + early.len());
    println!("revoked: ended after {:?}", begun.elapsed());
    bystander.end();
    assert_sound(&mut weir);
}

/// An answer a byte at a time is an answer.
#[test]
fn a_target_that_drips_is_waited_for() {
    database("dripping", SCHEMA);
    let oid: u32 = SERVER.psql("dripping", "SELECT 'people'::regclass::oid").unwrap().trim().parse().unwrap();
    let bytes = [two(oid), row(&["1", CANARY]), complete(), ready()].concat();
    let port = between::before(SERVER.port(), move |_: &str, weir: &mut TcpStream| {
        for byte in &bytes {
            let _ = weir.write_all(&[*byte]);
            std::thread::sleep(Duration::from_millis(3));
        }
    });
    let mut weir = weir("dripping", port);
    let bystander = Bystander::begin(&weir, "dripping");
    let token = weir.token("alice", &[]);
    let mut session = Session::log_in(&weir, "alice", "hostile", &token);
    assert_eq!(session.rows("SELECT id, ssn FROM people /*hostile:drip*/"), [["1", "[redacted]"]]);
    bystander.end();
    assert_sound(&mut weir);
}
