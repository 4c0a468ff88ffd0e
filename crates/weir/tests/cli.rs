//! The built binary, as a person at a terminal or a script meets it.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a command did.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

fn weir(dir: &Path, args: &[&str]) -> Ran {
    command(dir, args).output().unwrap().into()
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.current_dir(dir).args(args).env_remove("WEIR_CONFIG").env("USER", "tester").env("SHOP_PASSWORD", "hunter2");
    command.stdin(Stdio::null());
    command
}

const INIT: [&str; 9] =
    ["init", "--target", "shop", "--address", "127.0.0.1:5432", "--database", "shop", "--admin", "alice@example.com"];

/// A folder in which `weir init` ran.
fn started() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let ran = weir(dir.path(), &INIT);
    assert_eq!(ran.code, 0, "{}", ran.err);
    dir
}

#[test]
fn init_makes_a_start_that_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let ran = weir(dir.path(), &INIT);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let psql = ran.out.lines().last().unwrap();
    let ca = dir.path().canonicalize().unwrap().join("weir-state/ca.pem");
    let expected = format!(
        "psql \"host=localhost port=6432 dbname=shop user=alice@example.com sslmode=verify-full sslrootcert={}\"",
        ca.display()
    );
    assert!(psql.starts_with("PGPASSWORD=") && psql.ends_with(&expected), "{psql}");
    assert!(fs::read_to_string(&ca).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    let mode = fs::metadata(dir.path().join("weir-state")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    let check = weir(dir.path(), &["check", "--strict"]);
    assert_eq!((check.code, check.err.as_str()), (0, ""), "{}", check.out);
    assert_eq!(check.out, "weir.toml and policies are sound: 1 target\n");
}

#[test]
fn init_without_options_and_elsewhere_is_sound_too() {
    let dir = tempfile::tempdir().unwrap();
    let ran = weir(dir.path(), &["init", "a folder/weir", "--env", "prod", "--password-file", "pw"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("weir check -c \"a folder/weir/weir.toml\""), "{}", ran.out);
    let file = dir.path().join("a folder/weir/weir.toml");
    let check: Ran = command(dir.path(), &["check"]).env("WEIR_CONFIG", &file).output().unwrap().into();
    assert_eq!(check.code, 0, "{}", check.err);
    assert!(
        check.err.contains("warning: targets.example.password") && check.out.contains("1 warning"),
        "{}",
        check.err
    );
    assert_eq!(weir(dir.path(), &["check", "--strict", "-c", file.to_str().unwrap()]).code, 1);
}

#[test]
fn init_overwrites_nothing_and_writes_nothing_broken() {
    let dir = started();
    let before = fs::read(dir.path().join("weir.toml")).unwrap();
    let ca = fs::read(dir.path().join("weir-state/ca.pem")).unwrap();
    let mut other = INIT.to_vec();
    other[2] = "orders";
    let ran = weir(dir.path(), &other);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.err,
        "error: weir.toml exists, and nothing was written\n  help: name another folder, or overwrite it with --force\n"
    );
    assert_eq!(fs::read(dir.path().join("weir.toml")).unwrap(), before);

    other.push("--force");
    let ran = weir(dir.path(), &other);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_ne!(fs::read(dir.path().join("weir.toml")).unwrap(), before);
    assert_eq!(fs::read(dir.path().join("weir-state/ca.pem")).unwrap(), ca, "the authority is kept");

    let empty = tempfile::tempdir().unwrap();
    let ran = weir(empty.path(), &["init", "--address", "postgres://weir:hunter2@db/shop"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("is a URL, not a host and a port") && !ran.err.contains("hunter2"), "{}", ran.err);
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn check_says_all_that_is_wrong_in_both() {
    let dir = started();
    let config = dir.path().join("weir.toml");
    let text =
        fs::read_to_string(&config).unwrap().replace("password = { env = \"SHOP_PASSWORD\" }", "pasword = \"hunter2\"");
    fs::write(&config, text.replace("kind     = \"postgres\"", "kind = \"mysql\"")).unwrap();
    let ran = weir(dir.path(), &["check"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    for said in [
        "weir.toml:11:8: error: targets.shop.kind: \"mysql\" is not known here\n",
        "error: targets.shop.pasword: unknown key\n  help: did you mean `password`?\n",
        "error: targets.shop: `password` is missing\n  help: add `password = { env = \"SHOP_PASSWORD\" }`\n",
        "error: 3 errors and 0 warnings\n",
    ] {
        assert!(ran.err.contains(said), "{said}\n--- said:\n{}", ran.err);
    }
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);

    let dir = started();
    fs::write(dir.path().join("policies/20-mine.cedar"), "permit (principal in Group::\"usres\", action, resource);\n")
        .unwrap();
    let ran = weir(dir.path(), &["check"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("policies/20-mine.cedar:1:") && ran.err.contains("users"), "{}", ran.err);
    fs::remove_dir_all(dir.path().join("policies")).unwrap();
    let ran = weir(dir.path(), &["check"]);
    assert!(ran.code == 1 && ran.err.contains("policies: error: the policies folder can't be read"), "{}", ran.err);
}

#[test]
fn tokens_are_issued_listed_and_revoked() {
    let dir = started();
    let issue = |args: &[&str]| weir(dir.path(), &[&["token", "issue"], args].concat());
    let ran = issue(&["--user", "bob@example.com", "--group", "approvers", "--for", "2h"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let token = ran.out.strip_suffix('\n').unwrap();
    assert!(!token.contains(char::is_whitespace) && token.len() > 30, "{token}");
    assert!(ran.err.contains("local:bob@example.com") && ran.err.contains("sslmode=verify-full"), "{}", ran.err);
    assert!(!ran.err.contains(token), "the token is on standard output alone");

    let ran = issue(&["--workload", "acme/nightly", "--owner", "local:alice@example.com", "--for", "30m", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["principal"], "local:acme/nightly");
    assert_eq!(json["owner"], "local:alice@example.com");
    let id = json["id"].as_str().unwrap();

    let list = weir(dir.path(), &["token", "list"]);
    assert_eq!(list.code, 0, "{}", list.err);
    for name in ["alice@example.com", "bob@example.com", "acme/nightly", id] {
        assert!(list.out.contains(name), "{name}\n{}", list.out);
    }
    assert!(!list.out.contains(token) && !list.out.contains(json["token"].as_str().unwrap()), "only hashes are kept");

    let revoked = weir(dir.path(), &["token", "revoke", id]);
    assert_eq!(revoked.code, 0, "{}", revoked.err);
    let list = weir(dir.path(), &["token", "list", "--json"]);
    let entries: Vec<serde_json::Value> = list.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let states: Vec<_> = entries.iter().filter(|entry| entry["id"] == id).map(|entry| &entry["state"]).collect();
    assert_eq!(states, ["revoked"]);
    assert_eq!(entries.iter().filter(|entry| entry["state"] == "live").count(), 2);

    let again = weir(dir.path(), &["token", "revoke", "no-such-token"]);
    assert!(again.code == 1 && again.err.contains("weir token list"), "{}", again.err);
    for entry in fs::read_dir(dir.path().join("weir-state")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let kept = fs::read(&path).unwrap();
            assert!(!kept.windows(token.len()).any(|window| window == token.as_bytes()), "{}", path.display());
        }
    }
}

#[test]
fn tokens_for_what_is_not_known_are_refused() {
    let dir = started();
    let issue = |args: &[&str]| weir(dir.path(), &[&["token", "issue"], args].concat());
    for (args, code, said) in [
        (&["--user", "bob", "--group", "aprovers"][..], 1, "did you mean `approvers`?"),
        (&["--user", "bob", "--group", "zzz"], 1, "known groups: approvers, users, writers"),
        (&["--user", "bob", "--for", "8 hours"], 2, "write a whole number and its unit"),
        (&["--user", "bob", "--workload", "nightly"], 2, "cannot be used with"),
        (&[], 2, "required"),
        (&["--user", "bob", "--owner", "local:alice"], 2, "cannot be used with"),
        (&["--workload", "nightly", "--owner", "crop:alice"], 1, "no issuer is named"),
        (&["--user", ""], 1, "error: "),
    ] {
        let ran = issue(args);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
    }
    fs::write(dir.path().join("weir.toml"), "[weir]\nstate = 1\n").unwrap();
    let ran = issue(&["--user", "bob"]);
    assert!(ran.code == 1 && ran.err.contains("weir.toml:2:9: error: weir.state: is a number"), "{}", ran.err);
}

#[test]
fn help_shows_examples_and_wrong_usage_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for command in [
        &["--help"][..],
        &["init", "--help"],
        &["check", "--help"],
        &["token", "--help"],
        &["token", "issue", "--help"],
    ] {
        let ran = weir(dir.path(), command);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{command:?}");
        assert!(ran.out.contains("Examples:\n  weir "), "{command:?}\n{}", ran.out);
    }
    for wrong in [&["chekc"][..], &["check", "--frob"], &[], &["--log-level", "loud", "check"]] {
        let ran = weir(dir.path(), wrong);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{wrong:?}: {}", ran.err);
    }
    let ran = weir(dir.path(), &["check"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.starts_with("weir.toml: error: there is no such file\n  help: name another with --config"),
        "{}",
        ran.err
    );
}

/// What `scripts/conformance` builds can be talked into everything. Nobody may take it for what is shipped, nor the other
/// way round.
#[test]
fn an_ordinary_build_has_no_trace_of_the_conformance_build() {
    let dir = tempfile::tempdir().unwrap();
    let ran = weir(dir.path(), &["--version"]);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (0, concat!("weir ", env!("CARGO_PKG_VERSION"), "\n"), "")
    );
    let program = fs::read(env!("CARGO_BIN_EXE_weir")).unwrap();
    let holds = |words: &[u8]| program.windows(words.len()).any(|at| at == words);
    assert!(holds(b"a session keeps the role it was opened with"), "what is never permitted is in it");
    assert!(!holds(b"CONFORMANCE BUILD"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = started();
    let mut child =
        command(dir.path(), &["token", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}
