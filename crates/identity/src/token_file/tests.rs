//! The file as several processes use it: each `TokenFile` here stands for one.

use std::sync::Barrier;

use super::*;
use crate::testing::{NOW, later};

fn new(name: &str) -> NewToken {
    NewToken {
        kind: PrincipalKind::User,
        name: name.to_owned(),
        groups: BTreeSet::from(["dba".to_owned()]),
        ttl_seconds: NewToken::TTL_SECONDS_DEFAULT,
        owner: None,
        scram_only: false,
    }
}

fn salts() -> SaltKey {
    SaltKey::of(&[7; 32])
}

/// A directory and a token file in it, opened.
fn open() -> (tempfile::TempDir, TokenFile) {
    let dir = tempfile::tempdir().unwrap();
    let file = TokenFile::open(dir.path().join("tokens.jsonl"), salts()).unwrap();
    (dir, file)
}

/// The same file, as another process sees it.
fn again(file: &TokenFile) -> TokenFile {
    TokenFile::open(&file.path, salts()).unwrap()
}

fn reason(file: &TokenFile, text: &str, now: UnixSeconds) -> Option<Reason> {
    file.verify(text, now).err().map(|rejection| rejection.reason)
}

/// Adds bytes as a process would that dies, or that is not ours.
fn add(file: &TokenFile, bytes: &[u8]) {
    OpenOptions::new().append(true).open(&file.path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn a_token_names_its_bearer_until_it_expires() {
    let (_dir, file) = open();
    let mut wanted = new("nightly");
    wanted.kind = PrincipalKind::Workload;
    wanted.owner = Some("corp:alice@example.com".to_owned());
    let (text, entry) = file.issue(&wanted, NOW).unwrap();

    let principal = file.verify(text.expose(), later(28_799)).unwrap();
    assert_eq!(principal.id(), "local:nightly");
    assert_eq!(principal.kind, PrincipalKind::Workload);
    assert_eq!(principal.groups, wanted.groups);
    assert_eq!(principal.owner, wanted.owner);
    assert_eq!(principal.expires, Some(later(28_800)));
    assert_eq!(principal.credential, entry.credential());
    assert_eq!(entry.credential().0, format!("local:{}", entry.id));
    assert!(file.is_live(&principal.credential, later(28_799)));

    assert_eq!(reason(&file, text.expose(), later(28_800)), Some(Reason::Expired));
    assert!(!file.is_live(&principal.credential, later(28_800)));
}

#[test]
fn the_text_of_a_token_is_nowhere_in_the_file() {
    let (_dir, file) = open();
    let (text, _) = file.issue(&new("alice"), NOW).unwrap();
    let stored = fs::read_to_string(&file.path).unwrap();
    // Nor any part of it, but its id, which ends after 17 characters.
    let secret = text.expose().as_bytes()[17..].windows(8).map(|part| std::str::from_utf8(part).unwrap());
    assert!(secret.into_iter().all(|part| !stored.contains(part)));
    assert!(stored.contains(&token::hash(text.expose())));
    assert_eq!(fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_another_process_issues_and_revokes_counts_at_once() {
    let (_dir, server) = open();
    let command_line = again(&server);
    let (text, entry) = command_line.issue(&new("alice"), NOW).unwrap();
    let principal = server.verify(text.expose(), NOW).unwrap();

    let revoked = command_line.revoke(&entry.id, later(5)).unwrap();
    assert_eq!(revoked.revoked, Some(later(5)));
    assert_eq!(reason(&server, text.expose(), later(5)), Some(Reason::Revoked));
    assert!(!server.is_live(&principal.credential, later(5)));
    // Twice is once.
    let length = fs::metadata(&server.path).unwrap().len();
    assert_eq!(server.revoke(&entry.id, later(9)).unwrap().revoked, Some(later(5)));
    assert_eq!(fs::metadata(&server.path).unwrap().len(), length);
}

#[test]
fn only_what_was_issued_here_gets_in() {
    let (_dir, file) = open();
    let (_other_dir, other) = open();
    let (text, entry) = other.issue(&new("alice"), NOW).unwrap();
    assert_eq!(reason(&file, text.expose(), NOW), Some(Reason::UnknownToken));
    for bad in ["", "weir_", "hunter2", &text.expose()[..60]] {
        assert_eq!(reason(&file, bad, NOW), Some(Reason::Malformed), "{bad}");
    }
    // The right id with another secret says no more than an id that nobody has, even when it was revoked.
    let line = fs::read_to_string(&other.path).unwrap().replace(&token::hash(text.expose()), &"0".repeat(64));
    add(&file, line.as_bytes());
    file.revoke(&entry.id, NOW).unwrap();
    let rejection = file.verify(text.expose(), NOW).unwrap_err();
    assert_eq!(rejection.reason, Reason::UnknownToken);
    assert!(!rejection.detail.contains(text.expose()));
    for foreign in ["local:aaaaaaaaaaaa", "github:1", "", "aaaaaaaaaaaa"] {
        assert!(!file.is_live(&CredentialId(foreign.to_owned()), NOW), "{foreign} is live");
    }
}

#[test]
fn lines_that_can_not_be_read_harm_no_other() {
    let (_dir, file) = open();
    let (first, entry) = file.issue(&new("alice"), NOW).unwrap();
    let again_here = fs::read_to_string(&file.path).unwrap().trim_end().to_owned();
    let good = again_here.replace(&entry.id, "aaaaaaaaaaaa");
    for bad in [
        "garbage",
        "",
        "{}",
        "{\"issue\":{}}",
        "\u{0}\u{0}",
        &again_here.replace("alice", "mallory"),
        &good.replace("\"groups\"", "\"only_from\":\"10.0.0.0/8\",\"groups\""), // a restriction from the future
        &good.replace("alice", "a:b"),
        &good.replace("aaaaaaaaaaaa", "short"),
        &good.replace("\"user\"", "\"root\""),
        &good.replace("\"sha256\":\"", "\"sha256\":\"0"),
        &good.replace("\"expires\":18", "\"expires\":28"), // for longer than anybody may have
        &format!("{good}{good}"),
    ] {
        assert_ne!(bad, good);
        add(&file, format!("{bad}\n").as_bytes());
    }
    add(&file, b"\xff\xfe\n");
    add(&file, format!("{}\n", "x".repeat(LINE_BYTES_MAX + 1)).as_bytes());
    let (second, _) = again(&file).issue(&new("bob"), NOW).unwrap();
    for file in [&file, &again(&file)] {
        assert_eq!(file.verify(first.expose(), NOW).unwrap().name, "alice");
        assert_eq!(file.verify(second.expose(), NOW).unwrap().name, "bob");
        assert_eq!(file.list().unwrap().len(), 2);
    }
}

#[test]
fn half_a_line_waits_and_never_joins_the_next() {
    let (_dir, file) = open();
    let (text, entry) = file.issue(&new("alice"), NOW).unwrap();
    let revoke = format!("{{\"revoke\":{{\"id\":\"{}\",\"at\":1}}}}\n", entry.id);
    let (head, tail) = revoke.split_at(20);
    add(&file, head.as_bytes());
    assert_eq!(reason(&file, text.expose(), NOW), None);
    add(&file, tail.as_bytes());
    assert_eq!(reason(&file, text.expose(), NOW), Some(Reason::Revoked));

    // A writer that died in the middle, and one that comes after it.
    add(&file, b"{\"issue\":{\"id\":\"");
    assert_eq!(reason(&file, text.expose(), NOW), Some(Reason::Revoked));
    let (next, _) = again(&file).issue(&new("bob"), NOW).unwrap();
    assert_eq!(file.verify(next.expose(), NOW).unwrap().name, "bob");
}

#[test]
fn a_revocation_holds_even_if_it_comes_first() {
    let (_dir, file) = open();
    let (text, entry) = file.issue(&new("alice"), NOW).unwrap();
    let issue = fs::read_to_string(&file.path).unwrap();
    let (_other_dir, other) = open();
    add(&other, format!("{{\"revoke\":{{\"id\":\"{}\",\"at\":1}}}}\n{issue}", entry.id).as_bytes());
    assert_eq!(reason(&other, text.expose(), NOW), Some(Reason::Revoked));
}

#[test]
fn a_file_that_was_replaced_is_read_anew() {
    let (dir, file) = open();
    let (alice, _) = file.issue(&new("alice"), NOW).unwrap();
    let (bob, _) = file.issue(&new("bob"), NOW).unwrap();
    assert_eq!(file.list().unwrap().len(), 2);
    let lines = fs::read_to_string(&file.path).unwrap();
    let without_alice: String =
        lines.lines().filter(|line| line.contains("bob")).map(|line| format!("{line}\n")).collect();
    let edited = dir.path().join("edited");
    // Longer than before, so that it could be taken for the same one, grown.
    fs::write(&edited, without_alice + &"#\n".repeat(lines.len())).unwrap();
    fs::set_permissions(&edited, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&edited, &file.path).unwrap();
    assert_eq!(reason(&file, alice.expose(), NOW), Some(Reason::UnknownToken));
    assert_eq!(reason(&file, bob.expose(), NOW), None);

    // Cut shorter in place.
    OpenOptions::new().write(true).open(&file.path).unwrap().set_len(0).unwrap();
    assert_eq!(reason(&file, bob.expose(), NOW), Some(Reason::UnknownToken));
}

#[test]
fn a_file_that_is_gone_or_open_to_others_lets_nobody_in() {
    let (_dir, file) = open();
    let (text, entry) = file.issue(&new("alice"), NOW).unwrap();
    fs::set_permissions(&file.path, fs::Permissions::from_mode(0o620)).unwrap();
    assert_eq!(reason(&file, text.expose(), NOW), Some(Reason::Unavailable));
    assert!(TokenFile::open(&file.path, salts()).unwrap_err().to_string().contains("run: chmod 600"));
    assert!(file.issue(&new("bob"), NOW).is_err());
    fs::set_permissions(&file.path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(reason(&file, text.expose(), NOW), None);

    fs::remove_file(&file.path).unwrap();
    assert_eq!(reason(&file, text.expose(), NOW), Some(Reason::Unavailable));
    assert!(!file.is_live(&entry.credential(), NOW));
    fs::create_dir(&file.path).unwrap();
    assert!(TokenFile::open(&file.path, salts()).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn writers_take_turns() {
    let (_dir, file) = open();
    let (writers, each) = (4, 20);
    let start = Barrier::new(writers);
    let texts: Vec<_> = std::thread::scope(|scope| {
        let write = |writer: usize| {
            let (file, start) = (again(&file), &start);
            scope.spawn(move || {
                start.wait();
                let issue = |n| file.issue(&new(&format!("user-{writer}-{n}")), NOW).unwrap().0;
                (0..each).map(issue).collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = (0..writers).map(write).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(file.list().unwrap().len(), writers * each);
    assert!(texts.iter().all(|text| file.verify(text.expose(), NOW).is_ok()));
}

#[test]
fn a_writer_waits_for_the_one_before_it() {
    let (_dir, file) = open();
    let writing = OpenOptions::new().append(true).open(&file.path).unwrap();
    writing.lock().unwrap();
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            file.issue(&new("alice"), NOW).unwrap();
            done.send(()).unwrap();
        });
        let early = wait.recv_timeout(std::time::Duration::from_millis(100));
        writing.unlock().unwrap();
        assert!(early.is_err(), "two wrote at once");
        wait.recv().unwrap();
    });
}

#[test]
fn requests_that_make_no_sense_say_why() {
    let (_dir, file) = open();
    let refused = |change: &dyn Fn(&mut NewToken), said: &str| {
        let mut wanted = new("alice");
        change(&mut wanted);
        let error = file.issue(&wanted, NOW).unwrap_err().to_string();
        assert!(error.contains(said), "{error} does not say {said}");
    };
    refused(&|new| new.name.clear(), "is empty");
    refused(&|new| new.name = "a".repeat(201), "longer than 200 bytes");
    refused(&|new| new.name = "al\u{202e}ice".to_owned(), "U+202E");
    refused(&|new| new.name = "local:alice".to_owned(), "write only `alice`");
    refused(&|new| new.groups = BTreeSet::from([String::new()]), "the group `` is empty");
    refused(&|new| new.owner = Some("alice".to_owned()), "issuer:name");
    refused(&|new| new.ttl_seconds = 0, "at least a second");
    refused(&|new| new.ttl_seconds = 90 * DAY + 1, "a person is valid for 90 days at most");
    let workload = |new: &mut NewToken| {
        new.kind = PrincipalKind::Workload;
        new.ttl_seconds = 366 * DAY + 1;
    };
    refused(&workload, "a workload is valid for 366 days at most");
    assert!(file.revoke("aaaaaaaaaaaa", NOW).unwrap_err().to_string().contains("no token has the id `aaaaaaaaaaaa`"));
    assert_eq!(fs::metadata(&file.path).unwrap().len(), 0);
}
