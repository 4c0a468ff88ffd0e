//! Signed tokens of issuers from end to end: keys by file and by address, claims that become a principal and its groups.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::house::{Bystander, assert_sound, before, database, psql, records, verify_without_warnings};
use crate::wire::Session;

/// base64 for URLs, without padding.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let letter = |at: usize| char::from(LETTERS[(bits >> (18 - 6 * at)) as usize & 63]);
        text.extend((0..=chunk.len()).map(letter));
    }
    text
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// An issuer's key.
struct Key {
    pair: EcdsaKeyPair,
    kid: &'static str,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(), kid }
    }

    fn public(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": self.kid, "x": base64(x), "y": base64(y)})
    }

    fn set(&self) -> String {
        json!({"keys": [self.public()]}).to_string()
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", base64(signature.as_ref()))
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(&json!({"alg": "ES256", "typ": "JWT", "kid": self.kid}), claims)
    }
}

/// What a web server on this machine answers, and how often it was asked.
type Page = Arc<Mutex<(Option<String>, usize)>>;

fn serve(page: &Page) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let page = Arc::clone(page);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let mut page = page.lock().unwrap();
            page.1 += 1;
            let (status, body) = match &page.0 {
                Some(body) => ("200 OK", body.as_str()),
                None => ("503 Service Unavailable", ""),
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
    port
}

fn changed(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

const POLICIES: &str = r#"
@id("in")    permit (principal, action in [Action::"connect", Action::"session"], resource);
@id("jobs")  permit (principal in Group::"nightly", action in [Action::"read", Action::"write"], resource);
@id("staff") permit (principal in Group::"staff", action in Action::"read", resource);
@id("local") permit (principal == User::"local:bystander", action in Action::"read", resource);
@id("tag")   permit (principal, action == Action::"truncate", resource)
             when { principal.hasTag("level=7") };
"#;

#[test]
fn signed_tokens_come_in_by_what_they_claim() {
    database("signed", "CREATE TABLE t (id int)");
    let (of_file, of_url, stranger) = (Key::new("file-1"), Key::new("url-1"), Key::new("url-1"));
    let page: Page = Arc::default();
    let port = serve(&page);
    let folder = testkit::temp_folder("issuers").unwrap();
    let file = folder.path().join("keys.json");
    fs::write(&file, of_file.set()).unwrap();
    let issuers = format!(
        r#"
[issuers.forge]
url = "https://forge.example.com"
audience = "weir-test"
workload = "{{repository}}"
owner = "corp:{{actor}}@example.com"
run = "{{repository}}/{{workflow}}#{{run_id}}"
jwks = {{ file = "{}" }}
groups = {{ nightly = "ref == 'refs/heads/main' && repository_id == '7281'" }}

[issuers.corp]
url = "https://login.example.com/tenant"
audience = "weir-test"
user = "{{email}}"
jwks = {{ url = "http://127.0.0.1:{port}/keys" }}
groups = {{ staff = "department == 'shop'" }}
"#,
        file.display()
    );
    let mut weir = before("signed").policies(POLICIES).lines(&issuers).start();
    let bystander = Bystander::begin(&weir, "signed");
    let job = json!({
        "iss": "https://forge.example.com", "aud": ["other", "weir-test"], "sub": "repo:acme/nightly", "jti": "job-17",
        "iat": now(), "exp": now() + 600, "repository": "acme/nightly", "repository_id": "7281", "actor": "alice",
        "ref": "refs/heads/main", "workflow": "copy", "run_id": 99,
    });
    let person = json!({
        "iss": "https://login.example.com/tenant", "aud": "weir-test", "sub": "12", "iat": now(), "exp": now() + 600,
        "email": "ada@example.com", "department": "shop", "level": ["1", "7"],
    });

    // The web server is not there yet: nobody of that issuer comes in, and the other's do.
    let ada = of_url.token(&person);
    Session::refused(&weir, "ada@example.com", "signed", &ada).says("FATAL", "28P01", "can't be checked at the moment");
    let nightly = of_file.token(&job);
    let outcome =
        psql(&weir, "acme/nightly", &nightly, "signed", "INSERT INTO t VALUES (1); SELECT 'in';\nDROP TABLE t;\n");
    assert_eq!(outcome.stdout, "in\n", "{}", outcome.stderr);
    assert!(outcome.stderr.contains("42501"), "{}", outcome.stderr);
    let log = weir.log();
    let admitted = *records(&log, "admitted").last().unwrap();
    for (key, value) in [
        ("principal", json!("forge:acme/nightly")),
        ("kind", json!("Workload")),
        ("groups", json!(["nightly"])),
        ("owner", json!("corp:alice@example.com")),
        ("run", json!("acme/nightly/copy#99")),
        ("credential", json!("forge:job-17")),
    ] {
        assert_eq!(admitted[key], value, "{admitted}");
    }
    // Another branch is in no group, so nothing permits it to read.
    let branch = of_file.token(&changed(&job, "ref", json!("refs/heads/feature")));
    let outcome = psql(&weir, "acme/nightly", &branch, "signed", "SELECT count(*) FROM t;\n");
    assert!(outcome.stderr.contains("42501"), "{}", outcome.stderr);

    // Keys by address: asked for again once the time between two fetches is over.
    page.lock().unwrap().0 = Some(of_url.set());
    let mut session = None;
    let comes_in = || {
        let parameters = [("user", "ada@example.com"), ("database", "signed")];
        session = Session::try_log_in(&weir, crate::wire::PROTOCOL_3_0, &parameters, &ada).ok();
        session.is_some()
    };
    testkit::wait_until(Duration::from_secs(20), "the keys fetched", comes_in).unwrap();
    let mut session = session.unwrap();
    assert_eq!(session.rows("SELECT count(*) FROM t"), [["1"]]);
    session.error("INSERT INTO t VALUES (2)").says("ERROR", "42501", "");
    session.rows("TRUNCATE t");
    let outcome = psql(&weir, "corp:ada@example.com", &ada, "signed", "SELECT 'by id';\n");
    assert_eq!(outcome.stdout, "by id\n", "{}", outcome.stderr);

    let (head, body) = ada.rsplit_once('.').unwrap();
    let unsigned = format!("{}.{}.", base64(br#"{"alg":"none"}"#), head.split_once('.').unwrap().1);
    let hmac = of_url.sign(&json!({"alg": "HS256", "kid": "url-1"}), &person);
    let ago = now() - 3600;
    let cases: [(&str, String, &str); 14] = [
        ("acme/nightly", of_file.token(&changed(&job, "aud", json!("weir-prod"))), "made for another audience"),
        ("acme/nightly", of_file.token(&changed(&job, "aud", json!(["weir-tes", "weir-test2"]))), "another audience"),
        ("acme/nightly", of_file.token(&changed(&job, "aud", json!(null))), "lacks a claim"),
        ("acme/nightly", of_file.token(&changed(&job, "exp", json!(ago))), "expired"),
        ("acme/nightly", of_file.token(&changed(&job, "exp", json!(null))), "lacks a claim"),
        ("acme/nightly", of_file.token(&changed(&job, "nbf", json!(now() + 3600))), "not valid yet"),
        (
            "acme/nightly",
            of_file.token(&changed(&job, "iss", json!("https://evil.example.com"))),
            "issuer are not accepted",
        ),
        // One issuer's key for the other's tokens.
        ("ada@example.com", of_file.token(&person), "does not publish"),
        ("ada@example.com", stranger.token(&person), "signature is wrong"),
        ("ada@example.com", format!("{head}.{}", &body[..body.len() - 2]), "signature is wrong"),
        ("ada@example.com", unsigned, "not signed in a way that is accepted"),
        ("ada@example.com", hmac, "not signed in a way that is accepted"),
        ("ada@example.com", of_url.token(&changed(&person, "email", json!("ada@example.com\n"))), "can't be used"),
        ("ada@example.com", of_url.token(&changed(&person, "email", json!(null))), "lacks a claim"),
    ];
    for (user, token, words) in &cases {
        Session::refused(&weir, user, "signed", token).says("FATAL", "28P01", words);
        let log = weir.log();
        let rejected = *records(&log, "rejected").last().unwrap();
        assert!(rejected["principal"].is_null() && !rejected.to_string().contains(token), "{rejected}");
        bystander.still_answers();
    }
    let asked = page.lock().unwrap().1;
    assert!(asked <= 4, "the issuer was asked {asked} times");
    // Another person's name.
    Session::refused(&weir, "bob@example.com", "signed", &ada).says("FATAL", "28000", "not that of user");

    // A key that is taken out of the file opens no door any more; the session ends with its token.
    fs::write(&file, Key::new("file-2").set()).unwrap();
    let shut = || Session::refused(&weir, "acme/nightly", "signed", &nightly).message.contains("does not publish");
    testkit::wait_until(Duration::from_secs(5), "the key gone", shut).unwrap();
    session.rows("SELECT 1");
    // Leeway for clocks that differ is 30 seconds, so this one is over in a moment, and so is its session.
    let brief = of_url.token(&changed(&person, "exp", json!(now() - 27)));
    let mut ending = Session::log_in(&weir, "ada@example.com", "signed", &brief);
    let (answer, state) = ending.answer();
    assert_eq!(state, None);
    answer.unwrap_err().says("FATAL", "28000", "has expired");
    bystander.end();
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}
