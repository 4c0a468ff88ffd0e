//! Passwords that are proved and never sent: minted, replaced, revoked, and asked for of those who have none.

use std::time::Duration;

use serde_json::Value;
use testkit::weir::Weir;
use testkit::{Outcome, Release};

use crate::house::{Bystander, CLIENTS, assert_sound, before, database, records, run, verify_without_warnings};
use crate::wire::{Came, PROTOCOL_3_0, Report, SSL_REQUEST, Session, Wire, cstr, frame, startup};

/// A session password for this user, and its id.
fn minted(weir: &Weir, user: &str, more: &[&str]) -> (String, String) {
    let (code, out, err) = run(weir, &[&["token", "issue", "--user", user, "--scram", "--json"], more].concat());
    assert_eq!(code, 0, "{err}");
    let issued: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(issued["scram"], true);
    (issued["token"].as_str().unwrap().to_owned(), issued["id"].as_str().unwrap().to_owned())
}

fn psql(weir: &Weir, release: Release, user: &str, target: &str, password: &str, more: &str) -> Outcome {
    let run = CLIENTS.psql(release).args(["-A", "-t", "-q", "-v", "VERBOSITY=verbose", "-c", "SELECT 'in'", "-d"]);
    run.arg(format!("{} {more}", weir.conninfo(user, target))).env("PGPASSWORD", password).finish().unwrap()
}

fn is_in(outcome: &Outcome) -> bool {
    outcome.success() && outcome.stdout == "in\n" && outcome.stderr.is_empty()
}

const BOUND: &str = "channel_binding=require";

#[test]
fn libpq_binds_its_login_to_weirs_certificate() {
    database("bound", "CREATE TABLE t (id int)");
    let mut weir = before("bound").start();
    let (password, id) = minted(&weir, "alice", &[]);
    for release in Release::ALL {
        for more in ["", BOUND, "channel_binding=disable", "channel_binding=require sslmode=require"] {
            let outcome = psql(&weir, release, "alice", "bound", &password, more);
            assert!(is_in(&outcome), "{release} {more}: {outcome:?}");
        }
        let outcome = psql(&weir, release, "alice", "bound", &format!("{password}x"), BOUND);
        assert!(outcome.code == Some(2) && outcome.stderr.contains("password authentication failed"), "{outcome:?}");
        let outcome = psql(&weir, release, "local:alice", "bound", &password, BOUND);
        assert!(is_in(&outcome), "by the whole id: {outcome:?}");
    }
    for more in
        ["require_auth=scram-sha-256", "sslnegotiation=direct require_auth=scram-sha-256 channel_binding=require"]
    {
        let outcome = psql(&weir, Release::V18, "alice", "bound", &password, more);
        assert!(is_in(&outcome), "{more}: {outcome:?}");
    }
    let code = "import os, psycopg\n\
                with psycopg.connect(os.environ['CONN']) as c: print(c.execute(\"SELECT 'in'\").fetchone()[0])";
    let conn = format!("{} {BOUND} password={password}", weir.conninfo("alice", "bound"));
    let outcome = CLIENTS.python().args(["-c", code]).env("CONN", conn).finish().unwrap();
    assert!(is_in(&outcome), "psycopg: {outcome:?}");
    // Somebody without such a password shows a token, as ever.
    let token = weir.token("bob", &[]);
    assert!(is_in(&psql(&weir, Release::V18, "bob", "bound", &token, "require_auth=password")));
    // The log knows the credential, and nobody the password.
    let log = weir.log();
    let admitted = records(&log, "admitted");
    assert!(admitted.iter().filter(|record| record["credential"] == format!("local:{id}")).count() >= 10);
    let kept = std::fs::read_to_string(weir.state().join("tokens.jsonl")).unwrap();
    assert!(kept.contains("stored_key") && !kept.contains(&password) && !weir.stderr().contains(&password));
    assert!(!log.iter().any(|record| record.to_string().contains(&password)));
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}

#[test]
fn passwords_of_one_name_replace_each_other_in_peace() {
    database("rotated", "CREATE TABLE t (id int)");
    let mut weir = before("rotated").group("dba").start();
    let bystander = Bystander::begin(&weir, "rotated");
    // Shown, as long as nothing else was minted; proved from then on.
    let shown = weir.token("alice", &[]);
    drop(Session::log_in(&weir, "alice", "rotated", &shown));
    let (old, old_id) = minted(&weir, "alice", &["--group", "dba"]);
    let (new, new_id) = minted(&weir, "alice", &[]);
    let (brief, _) = minted(&weir, "alice", &["--for", "2s"]);
    let comes_in = |user: &str, password: &str| is_in(&psql(&weir, Release::V18, user, "rotated", password, BOUND));
    for password in [&old, &new, &brief, &shown] {
        assert!(comes_in("alice", password));
    }
    std::thread::sleep(Duration::from_secs(3));
    assert!(!comes_in("alice", &brief), "an expired one");
    // Whose it is shows in what it may.
    let (of_old, of_new) = (format!("local:{old_id}"), format!("local:{new_id}"));
    let log = weir.log();
    let by = |credential: &str| {
        records(&log, "admitted").into_iter().find(|record| record["credential"] == credential).unwrap()
    };
    assert_eq!((by(&of_old)["groups"][0].as_str(), by(&of_new)["groups"][0].as_str()), (Some("dba"), None));
    // Revoked: its session ends, the other's does not.
    let code = format!(
        "import os, sys, time, psycopg\n\
         old, new = (psycopg.connect(os.environ['CONN'], password=p, autocommit=True) for p in ('{old}', '{new}'))\n\
         print('ready', flush=True)\n\
         sys.stdin.readline()\n\
         for _ in range(200):\n    \
             try: old.execute('SELECT 1'); time.sleep(0.05)\n    \
             except psycopg.OperationalError as e: print('ended', 'revoked' in str(e)); break\n\
         print(new.execute(\"SELECT 'goes on'\").fetchone()[0])"
    );
    let conn = format!("{} {BOUND}", weir.conninfo("alice", "rotated"));
    let waiting = std::thread::spawn({
        let run = CLIENTS.python().args(["-c", &code]).env("CONN", conn).input("\n");
        move || run.finish().unwrap()
    });
    let both_in =
        || records(&weir.log(), "admitted").iter().filter(|record| record["credential"] == of_new).count() >= 2;
    testkit::wait_until(Duration::from_secs(20), "both sessions", both_in).unwrap();
    assert_eq!(run(&weir, &["token", "revoke", &old_id]).0, 0);
    assert_eq!(waiting.join().unwrap().stdout, "ready\nended True\ngoes on\n");
    assert!(!comes_in("alice", &old) && comes_in("alice", &new));
    // Not to be shown, under any name.
    assert!(!comes_in("bob", &new));
    let report = Session::refused(&weir, "bob", "rotated", &new);
    report.says("FATAL", "28P01", "is for SCRAM alone");
    bystander.end();
    assert_sound(&mut weir);
}

/// A connection that has been asked for a proof, and by which mechanisms it may be one.
fn asked(weir: &Weir, user: &str, target: &str) -> (Wire, String) {
    let mut wire = Wire::tls(weir);
    wire.send_raw(&startup(PROTOCOL_3_0, &[("user", user), ("database", target)]));
    let body = wire.expect(b'R');
    assert_eq!(body[..4], 10_i32.to_be_bytes());
    (wire, String::from_utf8_lossy(&body[4..]).into_owned())
}

fn initial(mechanism: &str, length: i32, message: &[u8]) -> Vec<u8> {
    frame(b'p', &[cstr(mechanism).as_slice(), &length.to_be_bytes(), message].concat())
}

fn first(message: &str) -> Vec<u8> {
    initial("SCRAM-SHA-256", i32::try_from(message.len()).unwrap(), message.as_bytes())
}

/// What a caller of this name is told that has no idea of the password: the challenge without its nonce, and the end.
fn guessed(weir: &Weir, user: &str) -> (String, Report) {
    let (mut wire, mechanisms) = asked(weir, user, "asked");
    wire.send_raw(&first("n,,n=,r=abcdef"));
    let body = wire.expect(b'R');
    assert_eq!(body[..4], 11_i32.to_be_bytes());
    let challenge = String::from_utf8(body[4..].to_vec()).unwrap();
    let nonce = challenge.split(',').next().unwrap().to_owned();
    assert!(nonce.starts_with("r=abcdef") && nonce.len() >= 32, "{nonce}");
    let proof = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    wire.send(b'p', format!("c=biws,{nonce},p={proof}").as_bytes());
    (mechanisms + &challenge.replace(&nonce, ""), wire.last_words().unwrap())
}

#[test]
fn nobody_can_tell_who_there_is() {
    database("asked", "CREATE TABLE t (id int)");
    let issuer = "[issuers.corp]\nurl = \"https://login.example.com\"\naudience = \"weir\"\nuser = \"{email}\"\n";
    let mut weir = before("asked").listen("scram = \"always\"").lines(issuer).start();
    let (password, _) = minted(&weir, "alice", &[]);
    let token = weir.token("bob", &[]);
    let (gone, gone_id) = minted(&weir, "gone", &[]);
    assert_eq!(run(&weir, &["token", "revoke", &gone_id]).0, 0);
    // A token is proved like any other password.
    for (user, password, good) in [("alice", &password, true), ("bob", &token, true), ("gone", &gone, false)] {
        assert_eq!(is_in(&psql(&weir, Release::V18, user, "asked", password, BOUND)), good, "{user}");
    }
    let mut salts = std::collections::BTreeSet::new();
    for user in ["alice", "bob", "gone", "nobody", "ALICE", "root", "x'; --", "mallory@example.com"] {
        let (challenge, report) = guessed(&weir, user);
        assert_eq!(guessed(&weir, user), (challenge.clone(), report.clone()), "the same name, the same answer");
        report.says("FATAL", "28P01", &format!("password authentication failed for user \"{}\"", user.escape_debug()));
        assert!(challenge.starts_with("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0,s=") && challenge.ends_with(",i=4096"));
        assert_eq!(challenge.len(), "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0,s=,i=4096".len() + 24, "{challenge}");
        assert!(salts.insert(challenge), "two names have one salt");
    }
    // Only who says that an issuer vouches for it is asked to show something.
    let mut wire = Wire::tls(&weir);
    wire.send_raw(&startup(PROTOCOL_3_0, &[("user", "corp:ada@example.com"), ("database", "asked")]));
    assert_eq!(wire.expect(b'R'), 3_i32.to_be_bytes());
    // The log says what happened.
    let log = weir.log();
    let why: Vec<&str> = records(&log, "rejected").iter().map(|record| record["why"].as_str().unwrap()).collect();
    assert!(why.iter().any(|why| why.contains("\"alice\" fits none of 1 credentials")), "{why:?}");
    assert!(why.iter().any(|why| why.contains("\"nobody\" fits none of 0 credentials")), "{why:?}");
    assert_sound(&mut weir);

    database("shown_only", "CREATE TABLE t (id int)");
    let weir = before("shown_only").listen("scram = \"never\"").start();
    let (password, _) = minted(&weir, "alice", &[]);
    Session::refused(&weir, "alice", "shown_only", &password).says("FATAL", "28P01", "is for SCRAM alone");
}

/// A second message, made with the nonce that came.
type Second<'a> = Box<dyn Fn(&str) -> Vec<u8> + 'a>;

#[test]
fn proofs_that_are_none() {
    database("proofs", "CREATE TABLE t (id int)");
    let mut weir = before("proofs").start();
    let bystander = Bystander::begin(&weir, "proofs");
    minted(&weir, "alice", &[]);
    let begin = || asked(&weir, "alice", "proofs").0;
    let long = format!("n,,n=,r={}", "n".repeat(64 * 1024));
    let length = |length: u32| [&b"p"[..], &length.to_be_bytes()].concat();
    let good = "n,,n=,r=abc";
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        (
            "another login",
            startup(PROTOCOL_3_0, &[("user", "root"), ("database", "proofs")]),
            "08P01",
            "a SASL message is due",
        ),
        ("TLS again", SSL_REQUEST.to_vec(), "08P01", "a SASL message is due"),
        ("a query", frame(b'Q', &cstr("SELECT 1")), "08P01", "type 'Q' where a SASL message is due"),
        ("0", length(0), "08P01", "says that it is 0 bytes"),
        ("3", length(3), "08P01", "says that it is 3 bytes"),
        ("2 GiB", length(0x7fff_ffff), "08P01", "2147483648 bytes"),
        ("-1", length(0xffff_ffff), "08P01", "says that it is -1 bytes"),
        ("1 KiB and one", length(1025), "08P01", "1026 bytes"),
        ("nothing", frame(b'p', &[]), "08P01", "SASLInitialResponse"),
        ("no length", frame(b'p', &cstr("SCRAM-SHA-256")), "08P01", "SASLInitialResponse"),
        ("a length of -2", initial("SCRAM-SHA-256", -2, good.as_bytes()), "08P01", "length -2"),
        ("no message, and one", initial("SCRAM-SHA-256", -1, good.as_bytes()), "08P01", "bytes too many"),
        ("more than there is", initial("SCRAM-SHA-256", i32::MAX, good.as_bytes()), "08P01", "SASLInitialResponse"),
        ("less than there is", initial("SCRAM-SHA-256", 3, good.as_bytes()), "08P01", "bytes too many"),
        ("a password", frame(b'p', &cstr("hunter2")), "08P01", "SASLInitialResponse"),
        ("a long nonce", first(&long), "08P01", "bytes"),
        ("another mechanism", initial("PLAIN", 11, good.as_bytes()), "08P01", "not offered"),
        ("a downgrade", first("y,,n=,r=abc"), "28000", "channel binding negotiation error"),
        ("binding unchosen", first("p=tls-server-end-point,,n=,r=abc"), "08P01", "channel binding"),
        ("for another", first("n,a=root,n=,r=abc"), "0A000", "authorization identity"),
        ("noise", first("\u{1}\u{2}"), "08P01", "malformed SCRAM"),
    ];
    for (name, bytes, code, words) in cases {
        let seen = records(&weir.log(), "rejected").len();
        let mut wire = begin();
        wire.send_raw(&bytes);
        let report = wire.last_words().unwrap_or_else(|| panic!("no reason for {name}"));
        report.says("FATAL", code, words);
        assert_eq!(records(&weir.log(), "rejected").len(), seen + 1, "{name} left no record");
    }
    bystander.still_answers();
    // The same in the second step.
    let nonce = |wire: &mut Wire| {
        let body = wire.expect(b'R');
        String::from_utf8(body[4..].to_vec()).unwrap().split(',').next().unwrap().to_owned()
    };
    let bound = |text: &str| initial("SCRAM-SHA-256-PLUS", i32::try_from(text.len()).unwrap(), text.as_bytes());
    let proof = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let seconds: Vec<(Vec<u8>, Second<'_>, &str, &str)> = vec![
        (first(good), Box::new(|_| startup(PROTOCOL_3_0, &[("user", "root")])), "08P01", "a SASL message is due"),
        (first(good), Box::new(|_| frame(b'p', &[b'x'; 2000])), "08P01", "2005 bytes"),
        (first(good), Box::new(|_| frame(b'p', b"c=biws,r=mine,p=AAAA")), "08P01", "another nonce"),
        (first(good), Box::new(|nonce| frame(b'p', format!("c=biws,{nonce}").as_bytes())), "08P01", "no proof"),
        (
            first(good),
            Box::new(|nonce| frame(b'p', format!("c=eSws,{nonce},p={proof}").as_bytes())),
            "08P01",
            "another binding",
        ),
        (
            first(good),
            Box::new(|nonce| frame(b'p', format!("c=biws,{nonce},p={proof}").as_bytes())),
            "28P01",
            "authentication failed",
        ),
        (
            bound("p=tls-server-end-point,,n=,r=abc"),
            Box::new(|nonce| {
                frame(b'p', format!("c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAAAA,{nonce},p={proof}").as_bytes())
            }),
            "28000",
            "has seen another certificate",
        ),
    ];
    for (one, two, code, words) in seconds {
        let mut wire = begin();
        wire.send_raw(&one);
        let nonce = nonce(&mut wire);
        wire.send_raw(&two(&nonce));
        wire.last_words().expect("a reason").says("FATAL", code, words);
    }
    // Who would rather be asked first is asked.
    let mut wire = begin();
    wire.send_raw(&initial("SCRAM-SHA-256", -1, &[]));
    assert_eq!(wire.expect(b'R'), 11_i32.to_be_bytes());
    wire.send(b'p', good.as_bytes());
    assert!(nonce(&mut wire).starts_with("r=abc"));
    wire.half_close();
    assert_eq!(wire.next(), Came::End);
    bystander.end();
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}
