//! `weir detect`, as a person at a terminal or a script meets it.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// What a command did.
struct Ran {
    code: i32,
    out: Vec<u8>,
    err: String,
}

impl Ran {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let err = String::from_utf8(output.stderr).unwrap();
        Self { code: output.status.code().unwrap(), out: output.stdout, err }
    }
}

fn start(dir: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.current_dir(dir).arg("detect").args(args).env_remove("WEIR_CONFIG");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn detect(dir: &Path, args: &[&str], input: &[u8]) -> Ran {
    let mut child = start(dir, args);
    let mut stdin = child.stdin.take().unwrap();
    // It may end before it has read all of it.
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let ran = child.wait_with_output().unwrap().into();
    let _ = writer.join().unwrap();
    ran
}

const LOG: &str = "started\nuser jane.doe@example.com said:\n  ssn: 536-90-4399, card 4111 1111 1111 1111\nid 10023\n";

#[test]
fn findings_have_their_place_kind_class_sureness_and_never_their_value() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), LOG).unwrap();
    let ran = detect(dir.path(), &["app.log"], b"");
    assert_eq!(ran.code, 1, "{}", ran.err);
    let lines: Vec<Vec<&str>> = ran.text().lines().map(|line| line.split("  ").collect()).collect();
    let shown: Vec<_> = lines.iter().map(|line| (line[0], line[1], line[2], line[4])).collect();
    assert_eq!(
        shown,
        [
            ("app.log:2:6", "email", "pii.email", "j***@e***.com"),
            ("app.log:3:8", "us_ssn", "pii.national_id", "***-**-4399"),
            ("app.log:3:26", "card", "pci.card", "**** **** **** 1111"),
        ]
    );
    assert!(lines.iter().all(|line| line[3].ends_with('%') && line[3] != "100.0%"), "{lines:?}");
    assert!(ran.err.contains("3 findings in 1 file, 94 B\n") && ran.err.contains("\n  card "), "{}", ran.err);
    for value in ["jane.doe", "536-90", "4111 1111"] {
        assert!(!ran.text().contains(value) && !ran.err.contains(value), "{value}");
    }
}

#[test]
fn programs_get_an_object_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let ran = detect(dir.path(), &["--json", "-"], LOG.as_bytes());
    assert_eq!(ran.code, 1, "{}", ran.err);
    let objects: Vec<Value> = ran.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut keys: Vec<_> = objects[0].as_object().unwrap().keys().cloned().collect();
    keys.sort();
    let mut expected =
        ["file", "line", "column", "offset", "bytes", "kind", "class", "odds", "sureness", "masked"].map(str::to_owned);
    expected.sort();
    assert_eq!(keys, expected);
    let email = &objects[0];
    let start = usize::try_from(email["offset"].as_u64().unwrap()).unwrap();
    let end = start + usize::try_from(email["bytes"].as_u64().unwrap()).unwrap();
    assert_eq!(&LOG[start..end], "jane.doe@example.com");
    assert_eq!((&email["file"], &email["line"], &email["kind"]), (&"-".into(), &2.into(), &"email".into()));
}

#[test]
fn what_is_found_is_replaced_and_all_other_bytes_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut input = b"\xff\xfe\0".to_vec();
    input.extend_from_slice(LOG.as_bytes());
    input.extend_from_slice(b"\x80\xc3( no newline at the end");
    let ran = detect(dir.path(), &["--redact"], &input);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mut expected = b"\xff\xfe\0".to_vec();
    expected.extend_from_slice(
        b"started\nuser [redacted] said:\n  ssn: [redacted], card [redacted]\nid 10023\n\x80\xc3( no newline at the end",
    );
    assert_eq!(ran.out, expected);
    assert!(ran.err.contains("3 findings"), "{}", ran.err);
    let again = detect(dir.path(), &[], &ran.out);
    assert_eq!((again.code, again.text()), (0, ""), "what is redacted is not found again");
    assert!(again.err.contains("nothing found in 1 file"), "{}", again.err);
}

#[test]
fn what_can_not_be_read_is_said_and_the_rest_is_read() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.log"), LOG).unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    let ran = detect(dir.path(), &["nowhere", "folder", "a.log"], b"");
    assert_eq!((ran.code, ran.text().lines().count()), (2, 3), "{}", ran.err);
    assert!(ran.err.contains("error: nowhere can't be read: No such file"), "{}", ran.err);
    assert!(ran.err.contains("error: folder can't be read: Is a directory"), "{}", ran.err);
    for wrong in [&["--min-odds", "nan"][..], &["--json", "--redact"], &["--kinds", "a.log"], &["-c", "none.toml"]] {
        let ran = detect(dir.path(), wrong, b"");
        assert_eq!((ran.code, ran.text()), (2, ""), "{wrong:?}: {}", ran.err);
    }
}

#[test]
fn the_less_sure_can_be_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let count = |odds: &str| detect(dir.path(), &["--min-odds", odds], LOG.as_bytes()).text().lines().count();
    assert_eq!((count("0"), count("1000")), (3, 0));
}

const CONFIG: &str = r#"
[detect]
off = ["email"]

[detect.kinds.employee_id]
class    = "pii.employee_id"
pattern  = 'EMP-\d{6}'
sight    = "partial"
positive = ["of [[EMP-123456]]."]
negative = ["XEMP-123456"]

[detect.kinds.project]
title   = "Name of a secret project"
class   = "secret.project"
pattern = ['(?i)project [a-z]{4,20}', '[A-Z]{3}/\d{4}']
odds    = -1.0
context = ["Codename"]
"#;

#[test]
fn the_configuration_says_which_kinds_there_are() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("weir.toml"), CONFIG).unwrap();
    let text = "jane@example.com EMP-654321 in Project Falcon, codename: Project Heron, ABC/1234, codename XYZ/1234";
    let ran = detect(dir.path(), &[], text.as_bytes());
    assert_eq!(ran.code, 1, "{}", ran.err);
    let found: Vec<_> = ran
        .text()
        .lines()
        .map(|line| line.split("  ").collect::<Vec<_>>())
        .map(|line| (line[0], line[1], line[4]))
        .collect();
    // Words are looked for in the 64 bytes before a place.
    let expected = [
        ("-:1:18", "employee_id", "E***"),
        ("-:1:58", "project", "[redacted]"),
        ("-:1:73", "project", "[redacted]"),
        ("-:1:92", "project", "[redacted]"),
    ];
    assert_eq!(found, expected);
    let kinds = detect(dir.path(), &["--kinds"], b"");
    assert_eq!(kinds.code, 0, "{}", kinds.err);
    let line = |name: &str| kinds.text().lines().find(|line| line.starts_with(&format!("{name} "))).unwrap().to_owned();
    assert!(line("email").contains(" off ") && line("uuid").contains(" off ") && line("card").contains(" on "));
    assert!(line("project").contains("Name of a secret project (of the configuration)"), "{}", line("project"));
    // Nothing but the configuration named makes the difference.
    let other = tempfile::tempdir().unwrap();
    let ran = detect(other.path(), &[], b"EMP-654321");
    assert_eq!(ran.code, 0, "{}", ran.text());
    let ran = detect(other.path(), &["-c", dir.path().join("weir.toml").to_str().unwrap()], b"EMP-654321");
    assert_eq!(ran.code, 1, "{}", ran.err);
}

#[test]
fn a_configuration_that_is_wrong_is_said_to_be_and_nothing_is_read() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("weir.toml"), CONFIG.replace("\\d{6}", "\\d+")).unwrap();
    let ran = detect(dir.path(), &[], LOG.as_bytes());
    assert_eq!((ran.code, ran.text()), (2, ""));
    assert!(ran.err.contains("weir.toml:7:12: error: detect.kinds.employee_id.pattern: has no end\n"), "{}", ran.err);
}

/// The most memory that a process has had, in KiB.
fn peak_kib(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_line_of_any_length_takes_no_more_memory_than_a_short_one() {
    let dir = tempfile::tempdir().unwrap();
    let chunk = b"of words that go on without an end ".repeat(30_000);
    let peak = |chunks: usize| {
        let mut child = start(dir.path(), &["--redact"]);
        let mut out = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let mut stdin = child.stdin.take().unwrap();
        (0..chunks).for_each(|_| stdin.write_all(&chunk).unwrap());
        stdin.write_all(b"ssn: 536-90-4399").unwrap();
        let peak = peak_kib(&child);
        drop(stdin);
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert!(ran.code == 0 && ran.err.contains("1 finding in 1 file"), "{}", ran.err);
        let bytes = chunks * chunk.len() - "536-90-4399".len() + "[redacted]".len() + "ssn: 536-90-4399".len();
        assert_eq!(reader.join().unwrap().unwrap(), bytes as u64);
        peak
    };
    let (short, long) = (peak(4), peak(64));
    assert!(long < short + 8 * 1024, "{long} KiB of memory for 64 MiB in one line, {short} KiB for 4 MiB");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(dir.path(), &[]);
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&LOG.repeat(40_000).into_bytes()));
    let ran = Ran::from(child.wait_with_output().unwrap());
    let _ = writer.join().unwrap();
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
}

#[test]
fn help_shows_examples() {
    let dir = tempfile::tempdir().unwrap();
    let ran = detect(dir.path(), &["--help"], b"");
    assert!(ran.code == 0 && ran.text().contains("Examples:\n  weir detect app.log\n"), "{}", ran.text());
}
