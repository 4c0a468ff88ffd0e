//! The front with both kinds of credentials.

use std::thread;

use model::PrincipalKind;
use serde_json::json;

use super::*;
use crate::config::{IssuerConfig, KeySource};
use crate::scram::SaltKey;
use crate::template::Template;
use crate::testing::{NOW, Server, SigningKey, later};
use crate::token_file::NewToken;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn issuers(server: &Server) -> Issuers {
    let principal = Template::parse("{email}").unwrap();
    let mut config = IssuerConfig::new("corp", "https://id.example.com", "weir", PrincipalKind::User, principal);
    config.jwks = KeySource::Url(format!("{}/keys", server.url));
    Issuers::new(vec![config]).unwrap()
}

fn tokens(dir: &tempfile::TempDir) -> TokenFile {
    TokenFile::open(dir.path().join("tokens.jsonl"), SaltKey::of(&[7; 32])).unwrap()
}

fn groups(list: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |members: &[&str]| members.iter().map(|member| (*member).to_owned()).collect();
    list.iter().map(|(group, members)| ((*group).to_owned(), owned(members))).collect()
}

fn alice() -> NewToken {
    NewToken {
        kind: PrincipalKind::User,
        name: "alice@example.com".to_owned(),
        groups: BTreeSet::from(["users".to_owned()]),
        ttl_seconds: 60,
        owner: None,
        scram_only: false,
    }
}

fn token_of(key: &SigningKey) -> String {
    key.token(
        "a",
        &json!({"iss": "https://id.example.com", "aud": "weir", "exp": NOW.0 + 60, "email": "alice@example.com"}),
    )
}

/// Sessions run on threads with a runtime each, and all ask one directory at once.
#[test]
fn several_runtimes_ask_one_directory() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::p256();
    let of_server = runtime();
    let server = of_server.block_on(Server::start());
    server.put_keys(&[key.jwk("a")]);
    let configured = groups(&[("dba", &["corp:alice@example.com"]), ("ops", &["local:alice@example.com"])]);
    let directory = Directory::new(tokens(&dir), issuers(&server), Certificates::default(), configured).unwrap();
    let (own, _) = directory.tokens().issue(&alice(), NOW).unwrap();
    let signed = token_of(&key);

    let ended = tokio::sync::Notify::new();
    thread::scope(|scope| {
        let serving = scope.spawn(|| of_server.block_on(ended.notified()));
        let asking: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    runtime().block_on(async {
                        let by_own = directory.verify(own.expose(), NOW).await.unwrap();
                        let by_issuer = directory.verify(&signed, NOW).await.unwrap();
                        (by_own, by_issuer)
                    })
                })
            })
            .collect();
        for thread in asking {
            let (by_own, by_issuer) = thread.join().unwrap();
            assert_eq!(by_own.id(), "local:alice@example.com");
            assert_eq!(by_issuer.id(), "corp:alice@example.com");
            // The same name from another issuer is another person, in other groups.
            assert_eq!(by_own.groups.iter().collect::<Vec<_>>(), ["ops", "users"]);
            assert_eq!(by_issuer.groups.iter().collect::<Vec<_>>(), ["dba"]);
        }
        ended.notify_one();
        serving.join().unwrap();
    });
    assert_eq!(server.hits(), 1, "each runtime fetched for itself");
}

#[test]
fn a_principal_lives_as_long_as_its_credential() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::p256();
    runtime().block_on(async {
        let server = Server::start().await;
        server.put_keys(&[key.jwk("a")]);
        let directory =
            Directory::new(tokens(&dir), issuers(&server), Certificates::default(), BTreeMap::new()).unwrap();
        let (own, entry) = directory.tokens().issue(&alice(), NOW).unwrap();
        let by_own = directory.verify(own.expose(), NOW).await.unwrap();
        let by_issuer = directory.verify(&token_of(&key), NOW).await.unwrap();

        assert!(directory.is_live(&by_own, later(59)) && !directory.is_live(&by_own, later(60)));
        // `exp` and the leeway, in which a new session would begin as well.
        assert!(directory.is_live(&by_issuer, later(89)) && !directory.is_live(&by_issuer, later(90)));
        tokens(&dir).revoke(&entry.id, NOW).unwrap();
        assert!(!directory.is_live(&by_own, NOW));
    });
}

#[test]
fn what_is_neither_kind_is_malformed() {
    let dir = tempfile::tempdir().unwrap();
    let directory = Directory::new(tokens(&dir), Issuers::default(), Certificates::default(), BTreeMap::new()).unwrap();
    runtime().block_on(async {
        for bad in ["", "hunter2", "WEIR_x", "eyJhbGciOiJub25lIn0", "md5abcdef", "\0", "ey."] {
            let rejection = directory.verify(bad, NOW).await.unwrap_err();
            assert_eq!(rejection.reason, Reason::Malformed, "{bad:?}");
            assert!(bad.is_empty() || !format!("{rejection} {rejection:?}").contains(&format!("`{bad}`")));
        }
    });
}

#[test]
fn members_that_can_not_exist_are_problems() {
    let dir = tempfile::tempdir().unwrap();
    let configured = groups(&[("dba", &["alice", "local:bob"]), ("ops", &["corp:carol"]), ("\u{200b}", &[])]);
    let problems = Directory::new(tokens(&dir), Issuers::default(), Certificates::default(), configured).unwrap_err();
    let said: Vec<_> = problems.iter().map(ConfigProblem::to_string).collect();
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(said[0].starts_with("groups.dba: `alice` does not begin with an issuer"));
    assert!(said[1].starts_with("groups.ops: `corp:carol` is of an issuer that is not configured"));
    assert!(said[2].contains("U+200B"));
}

/// Who is asked for a proof, by what is in force under which name.
#[test]
fn a_proof_is_asked_for_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let of_server = runtime();
    let server = of_server.block_on(Server::start());
    let directory = |scram| {
        let configured = groups(&[("dba", &["local:alice@example.com"])]);
        Directory::new(tokens(&dir), issuers(&server), Certificates::default(), configured).unwrap().with_scram(scram)
    };
    // The salt, and which credentials it is for; none if the token is to be shown.
    let asked = |scram, name: &str, now| match directory(scram).challenge(name, now) {
        gate::Challenge::Shown => None,
        gate::Challenge::Scram(challenge) => {
            let ids = challenge.credentials.iter().map(|one| one.principal.credential.0.clone()).collect::<Vec<_>>();
            Some((challenge.salt, challenge.rounds, ids))
        }
    };
    let name = "alice@example.com";
    let file = tokens(&dir);
    let (_, shown) = file.issue(&alice(), NOW).unwrap();
    assert_eq!(asked(ScramUse::Minted, name, NOW), None, "nothing was minted for it");
    let (salt, rounds, ids) = asked(ScramUse::Always, name, NOW).unwrap();
    assert_eq!((salt.len(), rounds, ids), (16, 4096, vec![shown.credential().0]));

    let (first, one) = file.issue(&NewToken { scram_only: true, ..alice() }, NOW).unwrap();
    let (_, two) = file.issue(&NewToken { scram_only: true, ttl_seconds: 120, ..alice() }, later(1)).unwrap();
    for known in [name, "local:alice@example.com"] {
        let (now_salt, _, mut ids) = asked(ScramUse::Minted, known, later(1)).unwrap();
        let mut all = [&shown, &one, &two].map(|entry| entry.credential().0);
        ids.sort();
        all.sort();
        assert_eq!((now_salt, ids), (salt.clone(), all.to_vec()), "one salt for all of a name");
    }
    assert_eq!(asked(ScramUse::Never, name, later(1)), None);
    let rejected = file.verify(first.expose(), later(1)).unwrap_err();
    assert_eq!(rejected.reason, Reason::NotToBeShown);
    let gate::Challenge::Scram(challenge) = directory(ScramUse::Minted).challenge(name, later(1)) else { panic!() };
    assert!(challenge.credentials.iter().all(|one| one.principal.groups.contains("dba")));

    // Expired and revoked ones are gone; with the last of them the name is like any other.
    assert_eq!(asked(ScramUse::Minted, name, later(60)).unwrap().2, [two.credential().0.clone()]);
    file.revoke(&two.id, later(61)).unwrap();
    assert_eq!(asked(ScramUse::Minted, name, later(61)), None);
    let of_nobody = |name| asked(ScramUse::Always, name, later(61)).unwrap();
    assert_eq!(of_nobody(name), (salt, 4096, Vec::new()), "nothing has changed for who asks from outside");
    assert_eq!(of_nobody("nobody"), of_nobody("nobody"));
    assert_ne!(of_nobody("nobody").0, of_nobody("nobodi").0);
    // Only an issuer's own say whose they are.
    assert_eq!(asked(ScramUse::Always, "corp:alice@example.com", NOW), None);
    assert!(asked(ScramUse::Always, "other:alice@example.com", NOW).is_some());
}

/// Lines that an earlier version wrote have no verifier: those tokens can be shown, not proved.
#[test]
fn tokens_of_earlier_versions_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let (text, _) = tokens(&dir).issue(&alice(), NOW).unwrap();
    let path = dir.path().join("tokens.jsonl");
    let line = std::fs::read_to_string(&path).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&line).unwrap();
    value["issue"].as_object_mut().unwrap().remove("scram").unwrap();
    std::fs::write(&path, format!("{value}\n")).unwrap();
    let file = tokens(&dir);
    assert!(file.verify(text.expose(), NOW).is_ok());
    assert!(file.proofs("alice@example.com", NOW).unwrap().keys.is_empty());
}
