//! Detection before a real server: what is found in columns that nobody has classified, by every way on which values come.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and all of this is one")]

use std::path::Path;
use std::time::Duration;

use sandbox::PostgresServer;
use serde_json::Value;
use testkit::weir::Weir;
use testkit::{Clients, Release};

const SCHEMA: &str = include_str!("found.sql");

/// Whatever is classified or found: `partial` is seen by one, tokens by another, all by a third, and nothing by whoever is in no group.
const POLICIES: &str = r#"
@id("all")     permit (principal, action, resource);
@id("unseen")  forbid (principal, action == Action::"see", resource) unless { principal in Group::"clear" };
@id("partial") forbid (principal, action == Action::"see_partial", resource) unless { principal in Group::"partial" };
@id("stored")  forbid (principal in Group::"readers", action in [Action::"store", Action::"store_token", Action::"store_partial"], resource);
@id("token")   forbid (principal, action == Action::"see_token", resource) unless { principal in Group::"token" };
"#;

const USERS: [(&str, &[&str]); 5] =
    [("alice", &[]), ("petra", &["partial"]), ("theo", &["token"]), ("clara", &["clear"]), ("rita", &["readers"])];

fn house(clients: &Clients, release: Release) -> (PostgresServer, Weir) {
    let server = clients.server(release).start().unwrap();
    server.psql("postgres", "CREATE DATABASE found").unwrap();
    server.psql("found", SCHEMA).unwrap();
    let password = server.superuser_password().to_owned();
    let lines =
        |detect: &str| format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\ndetect = \"{detect}\"\n", server.port());
    let weir = Weir::builder(env!("CARGO_BIN_EXE_weir"))
        .target_with("found", "found", ("postgres", &password), &lines("on"), &[])
        .target_with("off", "found", ("postgres", &password), &lines("off"), &[])
        .policies(POLICIES);
    let weir = ["clear", "partial", "token", "readers"].into_iter().fold(weir, testkit::weir::Builder::group).start();
    (server, weir)
}

#[test]
fn what_is_found_is_shown_as_policy_says() {
    let clients = Clients::find().unwrap();
    for release in Release::ALL {
        let (server, weir) = house(&clients, release);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/detection/found.py");
        let run = clients
            .python()
            .arg(script)
            .env("WEIR_PORT", weir.port().to_string())
            .env("WEIR_CA", weir.state().join("ca.pem"))
            .env("DIRECT_PORT", server.port().to_string())
            .env("DIRECT_USER", "postgres")
            .env("DIRECT_PASSWORD", server.superuser_password())
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let run =
            USERS.iter().fold(run, |run, (user, groups)| run.env(format!("TOKEN_{user}"), weir.token(user, groups)));
        let outcome = run.limit(Duration::from_secs(180)).finish().unwrap();
        assert!(outcome.success(), "{release}:\n{}{}\nWeir says:\n{}", outcome.stdout, outcome.stderr, weir.stderr());
        weir.verify();
        recorded(&weir);
    }
}

/// What the log has of it.
fn recorded(weir: &Weir) {
    let log = weir.log();
    let of = |event: &str| log.iter().filter(|record| record["event"] == event).collect::<Vec<_>>();
    // A column that is dense is an event, once.
    let found: Vec<_> = of("found").into_iter().filter(|record| record["field"] == "public.people.contact").collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["class"], "pii.email");
    assert!(found[0]["values"].as_u64() >= Some(16), "{found:?}");
    // What was found is with the statement that it was found in.
    let met = |words: &str| {
        of("ended")
            .iter()
            .any(|ended| ended["found"].as_array().is_some_and(|found| found.iter().any(|word| word == words)))
    };
    for words in
        ["pii.email:nothing", "pii.email:partial", "pii.email:token", "pci.card:nothing", "secret.aws_key:nothing"]
    {
        assert!(met(words), "{words}");
    }
    // The log keeps no literal in which something is found.
    let texts: Vec<&str> = of("decided").iter().filter_map(|record| record["text"].as_str()).collect();
    let inserts: Vec<_> = texts.iter().filter(|text| text.contains("INSERT INTO kept")).collect();
    assert!(inserts.iter().any(|text| text.contains("tok_")), "{inserts:?}");
    assert!(inserts.iter().any(|text| text.contains("'nothing'")), "{inserts:?}");
    let all = Value::Array(log.clone()).to_string();
    for canary in ["ada.lovelace@", "536-90-4399", "4539148803436467"] {
        assert!(!all.contains(canary), "the log holds {canary}");
    }
}
