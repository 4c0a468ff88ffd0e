//! Signed tokens, good and bad, against key sets in files and on real HTTP servers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::SystemTime;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Claim, PrincipalKind};
use serde_json::json;

use super::*;
use crate::condition::Condition;
use crate::key_ring::{BETWEEN_FETCHES_SECONDS, FRESH_SECONDS};
use crate::template::Template;
use crate::testing::{NOW, Page, RSA, Server, SigningKey, jwks, later};

const ISS: &str = "https://token.actions.githubusercontent.com";
const AUD: &str = "weir-acme-prod";

fn config(keys: KeySource) -> IssuerConfig {
    let mut config =
        IssuerConfig::new("github", ISS, AUD, PrincipalKind::Workload, Template::parse("{repository}").unwrap());
    config.jwks = keys;
    config
}

fn claims() -> Value {
    json!({
        "iss": ISS, "aud": AUD, "sub": "repo:acme/nightly:ref:refs/heads/main", "jti": "example-id",
        "exp": NOW.0 + 300, "nbf": NOW.0 - 5, "iat": NOW.0,
        "repository": "acme/nightly", "repository_id": "7281", "ref": "refs/heads/main", "actor": "alice",
        "workflow": "Nightly", "run_id": "42", "run_attempt": 1,
    })
}

/// Good claims with these changed.
fn with(change: Value) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    claims
}

/// Good claims without this one.
fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// A key set in a file, and issuers that read it.
fn from_file(keys: &[Value], change: impl FnOnce(&mut IssuerConfig)) -> (tempfile::TempDir, PathBuf, Issuers) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    fs::write(&path, jwks(keys)).unwrap();
    let mut config = config(KeySource::File(path.clone()));
    change(&mut config);
    let issuers = Issuers::new(vec![config]).unwrap();
    (dir, path, issuers)
}

fn from_server(server: &Server) -> Issuers {
    Issuers::new(vec![config(KeySource::Url(format!("{}/keys", server.url)))]).unwrap()
}

async fn reason(issuers: &Issuers, token: &str, now: UnixSeconds) -> Option<Reason> {
    issuers.verify(token, now).await.err().map(|rejection| rejection.reason)
}

#[tokio::test]
async fn claims_become_a_principal() {
    let key = SigningKey::p256();
    let (_dir, _, issuers) = from_file(&[key.jwk("k1")], |config| {
        config.owner = Some(Template::parse("corp:{actor}@example.com").unwrap());
        config.run = Some(Template::parse("{repository}/{workflow}#{run_id}").unwrap());
        let on_main = "repository_id == '7281' && ref == 'refs/heads/main'";
        config.groups = vec![
            ("ci".to_owned(), Condition::parse(on_main).unwrap()),
            ("release".to_owned(), Condition::parse("environment == 'production'").unwrap()),
        ];
    });
    let act =
        json!({"act": {"sub": "agent-7", "act": {"sub": "bob", "iss": ISS}}, "labels": ["a", "b"], "deep": {"x": 1}});
    let principal = issuers.verify(&key.token("k1", &with(act)), NOW).await.unwrap();
    assert_eq!(principal.id(), "github:acme/nightly");
    assert_eq!(principal.kind, PrincipalKind::Workload);
    assert_eq!(principal.groups.iter().collect::<Vec<_>>(), ["ci"]);
    assert_eq!(principal.owner.as_deref(), Some("corp:alice@example.com"));
    assert_eq!(principal.run.as_deref(), Some("acme/nightly/Nightly#42"));
    assert_eq!(principal.act, ["github:agent-7", "github:bob"]);
    assert_eq!(principal.credential.0, "github:example-id");
    assert_eq!(principal.expires, Some(later(300 + IssuerConfig::LEEWAY_SECONDS_DEFAULT)));
    assert_eq!(principal.claims["repository_id"], Claim::One("7281".to_owned()));
    assert_eq!(principal.claims["run_attempt"], Claim::One("1".to_owned()));
    assert_eq!(principal.claims["labels"], Claim::Many(vec!["a".to_owned(), "b".to_owned()]));
    assert!(!principal.claims.contains_key("deep") && !principal.claims.contains_key("act"));

    // Without a `jti` the credential is named by a hash, the same one each time.
    let token = key.token("k1", &without("jti"));
    let named = issuers.verify(&token, NOW).await.unwrap().credential.0;
    assert!(named.starts_with("github:sha256-") && named.len() == 14 + 32, "{named}");
    assert_eq!(issuers.verify(&token, later(1)).await.unwrap().credential.0, named);
}

#[tokio::test]
async fn every_kind_of_key_and_signature_is_checked() {
    let (p256, ed25519) = (SigningKey::p256(), SigningKey::ed25519());
    let (_dir, _, issuers) = from_file(&[RSA.jwk("r"), p256.jwk("p"), ed25519.jwk("e")], |_| ());
    let ps256 = RSA.sign("PS256", r#"{"alg":"PS256","kid":"r"}"#, &claims().to_string());
    for token in [RSA.token("r", &claims()), ps256, p256.token("p", &claims()), ed25519.token("e", &claims())] {
        assert_eq!(reason(&issuers, &token, NOW).await, None);
        // Each bit of the signature, and each of what is signed, counts.
        let dot = token.rfind('.').unwrap();
        for at in [dot - 10, dot + 10, token.len() - 10] {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            let reason = reason(&issuers, &changed, NOW).await;
            assert!(matches!(reason, Some(Reason::BadSignature | Reason::Malformed)), "{reason:?} at {at} of {token}");
        }
    }
}

/// The corpus: what is wrong, the token, and why it is refused.
#[tokio::test]
async fn bad_tokens_are_refused_each_for_its_reason() {
    use Reason::*;
    let (key, stranger) = (SigningKey::p256(), SigningKey::p256());
    let (_dir, _, issuers) = from_file(&[key.jwk("k1"), RSA.jwk("r")], |config| {
        config.owner = Some(Template::parse("corp:{actor}@example.com").unwrap());
    });
    let b64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let good = key.token("k1", &claims());
    assert_eq!(reason(&issuers, &good, NOW).await, None);
    let payload = claims().to_string();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let header = |header: &str| key.sign("ES256", header, &payload);
    let says = |change: Value| key.token("k1", &with(change));
    let raw = |claims: String| key.sign("ES256", r#"{"alg":"ES256","kid":"k1"}"#, &claims);
    // The old trick: the public key, which everybody has, as the secret of an HMAC.
    let hmac_with = |secret: &[u8]| {
        let message = format!("{}.{}", b64(r#"{"alg":"HS256","kid":"k1"}"#), b64(&payload));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    };
    let public_x = URL_SAFE_NO_PAD.decode(key.jwk("k1")["x"].as_str().unwrap()).unwrap();
    let doubled = |name: &str, value: &str| raw(format!(r#"{{"{name}":{value},{}"#, &payload[1..]));

    let corpus: Vec<(&str, String, Reason)> = vec![
        ("alg none, unsigned", format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64(&payload)), AlgorithmNotAllowed),
        ("alg NONE with a signature", header(r#"{"alg":"NONE","kid":"k1"}"#), AlgorithmNotAllowed),
        ("alg empty", header(r#"{"alg":"","kid":"k1"}"#), AlgorithmNotAllowed),
        ("alg missing", header(r#"{"kid":"k1"}"#), Malformed),
        ("alg not a text", header(r#"{"alg":["ES256"],"kid":"k1"}"#), Malformed),
        ("HMAC with the public key", hmac_with(&public_x), AlgorithmNotAllowed),
        ("HMAC with the key set", hmac_with(jwks(&[key.jwk("k1")]).as_bytes()), AlgorithmNotAllowed),
        (
            "an algorithm that is not configured",
            RSA.sign("RS512", r#"{"alg":"RS512","kid":"r"}"#, &payload),
            AlgorithmNotAllowed,
        ),
        (
            "RS256 with the name of a P-256 key",
            RSA.sign("RS256", r#"{"alg":"RS256","kid":"k1"}"#, &payload),
            AlgorithmNotAllowed,
        ),
        ("ES384 with a P-256 key", header(r#"{"alg":"ES384","kid":"k1"}"#), AlgorithmNotAllowed),
        ("PS256 header, PKCS #1 signature", RSA.sign("RS256", r#"{"alg":"PS256","kid":"r"}"#, &payload), BadSignature),
        ("another's signature", stranger.token("k1", &claims()), BadSignature),
        (
            "another's payload",
            format!("{}.{}.{signature}", b64(r#"{"alg":"ES256","kid":"k1"}"#), b64(&payload)),
            BadSignature,
        ),
        ("no signature", format!("{message}."), BadSignature),
        ("half a signature", good[..good.len() - 43].to_owned(), BadSignature),
        ("zeros as signature", format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 64])), BadSignature),
        ("a signature in standard base64", format!("{message}.{}", "+/".repeat(43)), BadSignature),
        ("kid unknown", stranger.token("k2", &claims()), UnknownKey),
        ("kid empty", key.token("", &claims()), UnknownKey),
        ("kid a path", key.token("../../dev/null", &claims()), UnknownKey),
        ("kid missing with two keys", header(r#"{"alg":"ES256"}"#), UnknownKey),
        ("kid null", header(r#"{"alg":"ES256","kid":null}"#), Malformed),
        ("kid a number", header(r#"{"alg":"ES256","kid":1}"#), Malformed),
        ("kid too long", key.token(&"k".repeat(257), &claims()), Malformed),
        (
            "its own key in the header",
            stranger.sign(
                "ES256",
                &json!({"alg": "ES256", "jwk": stranger.jwk("s"), "kid": "s"}).to_string(),
                &payload,
            ),
            UnknownKey,
        ),
        (
            "a place for keys in the header",
            stranger.sign("ES256", r#"{"alg":"ES256","kid":"s","jku":"https://evil.example.com/keys"}"#, &payload),
            UnknownKey,
        ),
        ("crit", header(r#"{"alg":"ES256","kid":"k1","crit":["exp"],"exp":1}"#), Malformed),
        ("b64", header(r#"{"alg":"ES256","kid":"k1","b64":false}"#), Malformed),
        ("zip", header(r#"{"alg":"ES256","kid":"k1","zip":"DEF"}"#), Malformed),
        ("a logout token", header(r#"{"alg":"ES256","kid":"k1","typ":"logout+jwt"}"#), Malformed),
        ("a proof of possession", header(r#"{"alg":"ES256","kid":"k1","typ":"dpop+jwt"}"#), Malformed),
        ("nested by header", header(r#"{"alg":"ES256","kid":"k1","cty":"JWT"}"#), Malformed),
        ("nested", raw(good.clone()), Malformed),
        ("alg twice", header(r#"{"alg":"none","alg":"ES256","kid":"k1"}"#), Malformed),
        ("kid twice", header(r#"{"alg":"ES256","kid":"k2","kid":"k1"}"#), Malformed),
        ("iss twice", doubled("iss", "\"https://evil.example.com\""), Malformed),
        ("iss twice, once escaped", doubled(r"is\u0073", "\"https://evil.example.com\""), Malformed),
        ("exp twice", doubled("exp", "1"), Malformed),
        ("iss missing", key.token("k1", &without("iss")), MissingClaim),
        ("iss of another", says(json!({"iss": "https://evil.example.com"})), UnknownIssuer),
        ("iss with a slash more", says(json!({ "iss": format!("{ISS}/") })), UnknownIssuer),
        ("iss in other case", says(json!({"iss": ISS.to_uppercase()})), UnknownIssuer),
        ("iss a list", says(json!({ "iss": [ISS] })), InvalidClaim),
        ("aud missing", key.token("k1", &without("aud")), MissingClaim),
        ("aud of another", says(json!({"aud": "https://github.com/acme"})), WrongAudience),
        ("aud a list of others", says(json!({"aud": ["a", "b"]})), WrongAudience),
        ("aud an object", says(json!({"aud": {"weir-acme-prod": true}})), InvalidClaim),
        ("exp missing", key.token("k1", &without("exp")), MissingClaim),
        ("exp past", says(json!({"exp": NOW.0 - 31})), Expired),
        ("exp a text", says(json!({"exp": (NOW.0 + 300).to_string()})), InvalidClaim),
        ("exp negative", says(json!({"exp": -1})), InvalidClaim),
        ("exp beyond all numbers", raw(payload.replace(&(NOW.0 + 300).to_string(), "1e400")), Malformed),
        ("nbf to come", says(json!({"nbf": NOW.0 + 31})), NotYetValid),
        ("iat to come", says(json!({"iat": NOW.0 + 3600})), NotYetValid),
        ("nbf a text", says(json!({"nbf": "0"})), InvalidClaim),
        ("iat a text", says(json!({"iat": "now"})), InvalidClaim),
        ("sub a number", says(json!({"sub": 7})), InvalidClaim),
        ("jti a list", says(json!({"jti": []})), InvalidClaim),
        ("no claim for the name", key.token("k1", &without("repository")), MissingClaim),
        ("an empty name", says(json!({"repository": ""})), MissingClaim),
        ("a list as name", says(json!({"repository": ["acme/nightly"]})), InvalidClaim),
        ("a name with a newline", says(json!({"repository": "acme/nightly\nadmin"})), InvalidClaim),
        ("a name that is turned round", says(json!({"repository": "acme/\u{202e}nimda"})), InvalidClaim),
        ("a name that is too long", says(json!({"repository": "a".repeat(201)})), InvalidClaim),
        ("a name that ends in a space", says(json!({"repository": "acme/nightly "})), InvalidClaim),
        ("no claim for the owner", key.token("k1", &without("actor")), MissingClaim),
        ("act without sub", says(json!({"act": {}})), InvalidClaim),
        ("act a text", says(json!({"act": "bob"})), InvalidClaim),
        ("act of a stranger", says(json!({"act": {"sub": "bob", "iss": "https://evil.example.com"}})), InvalidClaim),
        (
            "act without end",
            says((0..9).fold(json!({}), |inner, _| json!({"act": {"sub": "b", "act": inner["act"]}}))),
            InvalidClaim,
        ),
        ("oversize", says(json!({"pad": "x".repeat(16 * 1024)})), Malformed),
        ("encrypted", format!("{}.a.b.c.d", b64(r#"{"alg":"dir","enc":"A256GCM"}"#)), Malformed),
        ("two parts", message.to_owned(), Malformed),
        ("four parts", format!("{good}.x"), Malformed),
        ("a list as payload", raw("[]".to_owned()), Malformed),
        ("no JSON", raw("hello".to_owned()), Malformed),
        ("JSON and more", raw(format!("{payload} {{}}")), Malformed),
        ("deep JSON", raw(format!("{}{}", r#"{"a":"#.repeat(1000), "}".repeat(1000))), Malformed),
        ("padding", format!("{}=.{}", &message[..message.find('.').unwrap()], "e30.AA"), Malformed),
        ("spaces around", format!(" {good} "), Malformed),
        ("a newline after", format!("{good}\n"), BadSignature),
        ("dots", "..".to_owned(), Malformed),
        ("nothing", String::new(), Malformed),
        ("bytes", "\u{0}\u{7f}é.é.é".to_owned(), Malformed),
    ];
    for (what, token, expected) in &corpus {
        let rejection = issuers.verify(token, NOW).await.expect_err(what);
        assert_eq!(rejection.reason, *expected, "{what}: {rejection:?}");
        // Neither the caller nor the log is given a token back, nor text that could forge a line.
        let said = format!("{} {}", rejection.public(), rejection.detail);
        assert!(token.len() < 40 || !said.contains(token.trim()), "{what}: {said}");
        assert!(!said.contains('\n') && said.len() < 600, "{what}: {said}");
        assert!(!rejection.public().contains(AUD) && !rejection.public().contains("github"), "{what}");
    }
    assert_eq!(reason(&issuers, &good, NOW).await, None, "the corpus spoiled something");
}

#[tokio::test]
async fn no_kid_will_do_where_there_is_one_key() {
    let key = SigningKey::ed25519();
    let (_dir, _, issuers) = from_file(&[key.jwk("k1")], |_| ());
    let token = key.sign("EdDSA", r#"{"alg":"EdDSA"}"#, &claims().to_string());
    assert_eq!(reason(&issuers, &token, NOW).await, None);
    assert_eq!(reason(&issuers, &SigningKey::ed25519().token("k1", &claims()), NOW).await, Some(Reason::BadSignature));
}

#[tokio::test]
async fn a_key_file_is_read_again_when_it_changes() {
    let (old, new) = (SigningKey::p256(), SigningKey::p256());
    let (_dir, path, issuers) = from_file(&[old.jwk("old")], |_| ());
    let tokens = [old.token("old", &claims()), new.token("new", &claims())];
    assert_eq!(reason(&issuers, &tokens[0], NOW).await, None);
    assert_eq!(reason(&issuers, &tokens[1], NOW).await, Some(Reason::UnknownKey));

    fs::write(&path, jwks(&[new.jwk("new")])).unwrap(); // as long as before
    assert_eq!(reason(&issuers, &tokens[0], NOW).await, Some(Reason::UnknownKey));
    assert_eq!(reason(&issuers, &tokens[1], NOW).await, None);

    // Also when its time of change does not show it, as between two changes within one tick of the clock.
    let set_changed = |at| fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
    let changed = SystemTime::now();
    set_changed(changed);
    assert_eq!(reason(&issuers, &tokens[0], NOW).await, Some(Reason::UnknownKey));
    fs::write(&path, jwks(&[old.jwk("old")])).unwrap();
    set_changed(changed);
    assert_eq!(reason(&issuers, &tokens[0], NOW).await, None);

    // A file that says nothing sure opens no door, and the next good one does.
    for bad in [String::new(), "{".to_owned(), "x".repeat(1024 * 1024 + 1), jwks(&[old.jwk("a"), new.jwk("a")])] {
        fs::write(&path, bad).unwrap();
        assert_eq!(reason(&issuers, &tokens[1], NOW).await, Some(Reason::Unavailable));
    }
    fs::write(&path, jwks(&[new.jwk("new")])).unwrap();
    assert_eq!(reason(&issuers, &tokens[1], NOW).await, None);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o646)).unwrap();
    fs::write(&path, jwks(&[old.jwk("old"), new.jwk("new")])).unwrap();
    assert_eq!(reason(&issuers, &tokens[1], NOW).await, Some(Reason::Unavailable));
    fs::remove_file(&path).unwrap();
    assert_eq!(reason(&issuers, &tokens[1], NOW).await, Some(Reason::Unavailable));
}

#[tokio::test]
async fn keys_by_address_follow_their_issuer() {
    let (old, new) = (SigningKey::p256(), SigningKey::ed25519());
    let server = Server::start().await;
    server.put_keys(&[old.jwk("old")]);
    let issuers = from_server(&server);
    let life = with(json!({"exp": NOW.0 + 100_000}));
    let (of_old, of_new) = (old.token("old", &life), new.token("new", &life));

    for second in 0..100 {
        assert_eq!(reason(&issuers, &of_old, later(second)).await, None);
    }
    assert_eq!(server.hits(), 1, "keys that are known are not asked for again");

    // A new key is taken in when a token names it.
    server.put_keys(&[old.jwk("old"), new.jwk("new")]);
    assert_eq!(reason(&issuers, &of_new, later(100)).await, None);
    assert_eq!(server.hits(), 2);

    // A removed key is refused after the next fetch, which comes within the hour.
    server.put_keys(&[new.jwk("new")]);
    assert_eq!(reason(&issuers, &of_old, later(100 + FRESH_SECONDS - 1)).await, None);
    assert_eq!(reason(&issuers, &of_old, later(100 + FRESH_SECONDS)).await, Some(Reason::UnknownKey));
    assert_eq!(server.hits(), 3);
}

#[tokio::test]
async fn unknown_names_of_keys_make_few_fetches() {
    let key = SigningKey::p256();
    let server = Server::start().await;
    server.put_keys(&[key.jwk("a")]);
    let issuers = from_server(&server);
    let good = key.token("a", &claims());
    assert_eq!(reason(&issuers, &good, NOW).await, None);

    for second in 0..60 {
        for spray in 0..5 {
            let token = key.token(&format!("spray-{second}-{spray}"), &claims());
            assert_eq!(reason(&issuers, &token, later(second)).await, Some(Reason::UnknownKey));
        }
        assert_eq!(reason(&issuers, &good, later(second)).await, None);
    }
    assert_eq!(server.hits(), 6, "one each {BETWEEN_FETCHES_SECONDS} seconds");
}

#[tokio::test]
async fn keys_outlive_their_server_for_a_limited_time() {
    let (key, other) = (SigningKey::p256(), SigningKey::p256());
    let server = Server::start().await;
    server.put_keys(&[key.jwk("a")]);
    let issuers = from_server(&server);
    let token = key.token("a", &with(json!({"exp": NOW.0 + 100_000})));
    let of_other = other.token("b", &with(json!({"exp": NOW.0 + 100_000})));
    assert_eq!(reason(&issuers, &token, NOW).await, None);

    server.put("/keys", Page::Status(503, String::new()));
    let ends = FRESH_SECONDS + IssuerConfig::STALE_SECONDS_DEFAULT;
    for at in [1, FRESH_SECONDS, FRESH_SECONDS + 1, ends - 1] {
        assert_eq!(reason(&issuers, &token, later(at)).await, None, "{at} seconds on");
    }
    // A key that is not known may be a new one: that can't be told now.
    assert_eq!(reason(&issuers, &of_other, later(ends - 1)).await, Some(Reason::Unavailable));
    // A clock that was set back makes old keys no younger.
    assert_eq!(reason(&issuers, &token, UnixSeconds(NOW.0 - ends)).await, Some(Reason::Unavailable));
    let rejection = issuers.verify(&token, later(ends)).await.unwrap_err();
    assert_eq!(rejection.reason, Reason::Unavailable);
    assert!(rejection.detail.contains("503"), "{rejection:?}");

    server.put_keys(&[key.jwk("a")]);
    assert_eq!(reason(&issuers, &token, later(ends + 5)).await, Some(Reason::Unavailable), "asked again too soon");
    assert_eq!(reason(&issuers, &token, later(ends + BETWEEN_FETCHES_SECONDS)).await, None);
}

#[tokio::test]
async fn a_server_that_was_never_there_is_not_the_callers_fault() {
    let key = SigningKey::p256();
    // A port that is taken, so that no other test gets it, and on which nobody listens.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let issuers = Issuers::new(vec![config(KeySource::Url(format!("http://{address}/keys")))]).unwrap();
    let rejection = issuers.verify(&key.token("a", &claims()), NOW).await.unwrap_err();
    assert_eq!(rejection.reason, Reason::Unavailable);
    assert!(rejection.detail.contains("refused"), "{rejection:?}");
}

#[tokio::test]
async fn answers_that_are_no_key_set_change_nothing() {
    let key = SigningKey::p256();
    let server = Server::start().await;
    server.put_keys(&[key.jwk("a")]);
    server.put("/elsewhere", Page::Ok(jwks(&[SigningKey::p256().jwk("evil")])));
    let issuers = from_server(&server);
    let token = key.token("a", &with(json!({"exp": NOW.0 + 100_000})));
    assert_eq!(reason(&issuers, &token, NOW).await, None);
    let too_long = format!("{}{}", jwks(&[key.jwk("b")]), " ".repeat(1024 * 1024));
    let answers = [
        Page::Ok("<html>".to_owned()),
        Page::Ok(String::new()),
        Page::Ok(too_long),
        Page::Ok(jwks(&[])),
        Page::Ok(jwks(&[key.jwk("b"), SigningKey::p256().jwk("b")])),
        Page::Status(302, "/elsewhere".to_owned()),
        Page::Status(204, String::new()),
    ];
    for (n, answer) in answers.into_iter().enumerate() {
        server.put("/keys", answer);
        let now = later(100 * (n as u64 + 1));
        for kid in ["b", "evil"] {
            assert_eq!(
                reason(&issuers, &key.token(kid, &claims()), now).await,
                Some(Reason::Unavailable),
                "answer {n}"
            );
        }
        assert_eq!(reason(&issuers, &token, now).await, None, "answer {n}");
    }
}

/// A caller who asks with an unknown key and hangs up at once must not keep a new key out.
#[tokio::test]
async fn a_fetch_goes_on_when_its_caller_hangs_up() {
    let key = SigningKey::p256();
    let server = Server::start().await;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    server.put("/keys", Page::Held(Arc::clone(&gate), jwks(&[key.jwk("a")])));
    let issuers = Arc::new(from_server(&server));
    let token = key.token("a", &claims());
    {
        let mut asking = std::pin::pin!(issuers.verify(&token, NOW));
        while server.hits() == 0 {
            tokio::select! {
                biased;
                outcome = &mut asking => panic!("the server has not answered, and there is {outcome:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    // Hung up; others wait for the same fetch, and make none of their own.
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let (issuers, token) = (Arc::clone(&issuers), token.clone());
            tokio::spawn(async move { reason(&issuers, &token, later(1)).await })
        })
        .collect();
    gate.add_permits(1);
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), None);
    }
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn discovery_leads_to_the_keys_of_this_issuer_only() {
    let key = SigningKey::p256();
    let server = Server::start().await;
    server.put_keys(&[key.jwk("a")]);
    let url = server.url.clone();
    let discover = || {
        let mut config = config(KeySource::Discover);
        config.url = url.clone();
        Issuers::new(vec![config]).unwrap()
    };
    let token = key.token("a", &with(json!({ "iss": url })));
    let document = |content: Value| server.put("/.well-known/openid-configuration", Page::Ok(content.to_string()));

    document(json!({"issuer": url, "jwks_uri": format!("{url}/keys")}));
    assert_eq!(reason(&discover(), &token, NOW).await, None);
    for (content, said) in [
        (json!({"issuer": format!("{url}/"), "jwks_uri": format!("{url}/keys")}), "it is the document of"),
        (json!({"issuer": "https://evil.example.com", "jwks_uri": format!("{url}/keys")}), "it is the document of"),
        (json!({"jwks_uri": format!("{url}/keys")}), "it is the document of"),
        (json!({"issuer": url}), "`jwks_uri`"),
        (json!({"issuer": url, "jwks_uri": "http://evil.example.com/keys"}), "use https"),
        (json!({"issuer": url, "jwks_uri": "file:///etc/passwd"}), "use https"),
        (json!({"issuer": url, "jwks_uri": format!("{url}/gone")}), "404"),
    ] {
        document(content);
        let rejection = discover().verify(&token, NOW).await.unwrap_err();
        assert_eq!(rejection.reason, Reason::Unavailable);
        assert!(rejection.detail.contains(said), "{rejection:?}");
    }
}

#[tokio::test]
async fn https_is_checked_against_the_configured_authority() {
    let key = SigningKey::p256();
    let (server, authority) = Server::start_tls().await;
    server.put_keys(&[key.jwk("a")]);
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, authority).unwrap();
    let issuers = |ca: Option<&PathBuf>| {
        let mut config = config(KeySource::Url(format!("{}/keys", server.url)));
        config.ca = ca.cloned();
        Issuers::new(vec![config])
    };
    let token = key.token("a", &claims());
    assert_eq!(reason(&issuers(Some(&ca)).unwrap(), &token, NOW).await, None);

    let rejection = issuers(None).unwrap().verify(&token, NOW).await.unwrap_err();
    assert_eq!(rejection.reason, Reason::Unavailable);
    assert!(rejection.detail.contains("UnknownIssuer"), "{rejection:?}");
    let (_, authority) = Server::start_tls().await;
    fs::write(&ca, authority).unwrap();
    assert_eq!(reason(&issuers(Some(&ca)).unwrap(), &token, NOW).await, Some(Reason::Unavailable));

    fs::write(&ca, "no certificate").unwrap();
    let problems = issuers(Some(&ca)).unwrap_err();
    assert_eq!((problems.len(), &*problems[0].key), (1, "ca"), "{problems:?}");
}

#[test]
fn issuers_that_could_be_taken_for_each_other_are_problems() {
    let keys = KeySource::Url("https://example.com/keys".to_owned());
    let mut second = config(keys.clone());
    second.url = "https://other.example.com".to_owned();
    let said = |configs| Issuers::new(configs).unwrap_err().iter().map(ConfigProblem::to_string).collect::<Vec<_>>();
    assert_eq!(said(vec![config(keys.clone()), second]), ["issuers.github: another issuer has the same name"]);
    let mut second = config(keys.clone());
    second.name = "other".to_owned();
    assert_eq!(said(vec![config(keys), second]).len(), 1);

    let mut third = config(KeySource::Url("http://example.com/keys".to_owned()));
    third.audience.clear();
    assert_eq!(said(vec![third]).len(), 2, "each problem is said once");
    let missing = config(KeySource::File("/nonexistent/jwks.json".into()));
    assert!(said(vec![missing])[0].starts_with("issuers.github.jwks: the key set /nonexistent/jwks.json: "));
}
