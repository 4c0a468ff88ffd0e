//! The exchange against the client that Weir uses towards targets, against the RFC's example, and against everything that a
//! peer may send in its place.

use std::collections::{BTreeMap, BTreeSet};

use gate::ScramCredential;
use model::{CredentialId, PrincipalKind, Sensitive};
use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
use proptest::prelude::*;

use super::*;

fn principal(name: &str) -> Principal {
    Principal {
        kind: PrincipalKind::User,
        issuer: "local".to_owned(),
        name: name.to_owned(),
        groups: BTreeSet::new(),
        claims: BTreeMap::new(),
        owner: None,
        act: Vec::new(),
        run: None,
        credential: CredentialId(format!("local:{name}")),
        expires: None,
    }
}

const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";

fn credential(password: &str, name: &str) -> ScramCredential {
    let mut salted = [0; 32];
    let salt = STANDARD.decode(SALT).unwrap();
    let rounds = std::num::NonZeroU32::new(4096).unwrap();
    let of = aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256;
    aws_lc_rs::pbkdf2::derive(of, rounds, &salt, password.as_bytes(), &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let stored = digest::digest(&digest::SHA256, hmac::sign(&key, b"Client Key").as_ref());
    ScramCredential {
        stored_key: stored.as_ref().try_into().unwrap(),
        server_key: Sensitive::new(hmac::sign(&key, b"Server Key").as_ref().try_into().unwrap()),
        principal: principal(name),
    }
}

fn exchange(passwords: &[(&str, &str)], end_point: Option<&[u8]>) -> Exchange {
    let credentials = passwords.iter().map(|(password, name)| credential(password, name)).collect();
    let challenge = ScramChallenge { salt: STANDARD.decode(SALT).unwrap(), rounds: 4096, credentials };
    Exchange::new(challenge, end_point.map(<[u8]>::to_vec), "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned())
}

/// Who comes in with this password, and whether the client then believes that it talks to Weir.
fn meet(
    mut server: Exchange,
    password: &str,
    binding: ChannelBinding,
    mechanism: &str,
) -> Result<Option<String>, ScramError> {
    let mut client = ScramSha256::new(password.as_bytes(), binding);
    let challenge = server.first(mechanism, client.message())?;
    client.update(&challenge).unwrap();
    let Some((principal, answer)) = server.last(client.message())? else { return Ok(None) };
    client.finish(&answer).unwrap();
    Ok(Some(principal.name))
}

#[test]
fn the_example_of_the_rfc() {
    let mut server = exchange(&[("pencil", "user")], None);
    let first = server.first(SCRAM, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO").unwrap();
    assert_eq!(
        String::from_utf8(first).unwrap(),
        format!("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s={SALT},i=4096")
    );
    let last =
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let (_, answer) = server.last(last).unwrap().unwrap();
    assert_eq!(answer, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

#[test]
fn any_credential_in_force_is_taken_and_no_other() {
    let both = &[("old", "alice"), ("new", "alice"), ("third", "her other self")];
    let plain = |password: &str| meet(exchange(both, None), password, ChannelBinding::unsupported(), SCRAM).unwrap();
    assert_eq!(plain("old").as_deref(), Some("alice"));
    assert_eq!(plain("third").as_deref(), Some("her other self"));
    assert_eq!(plain("older"), None);
    assert_eq!(plain(""), None);
    let nobody = meet(exchange(&[], None), "old", ChannelBinding::unsupported(), SCRAM);
    assert_eq!(nobody, Ok(None));
}

#[test]
fn a_login_is_bound_to_the_certificate_that_the_caller_has_seen() {
    let one = &[("pencil", "alice")];
    let bound = |seen: &[u8]| {
        let binding = ChannelBinding::tls_server_end_point(seen.to_vec());
        meet(exchange(one, Some(b"certificate")), "pencil", binding, SCRAM_PLUS)
    };
    assert_eq!(bound(b"certificate"), Ok(Some("alice".to_owned())));
    assert_eq!(bound(b"certificatf"), Err(ScramError::OtherCertificate));
    assert_eq!(bound(b""), Err(ScramError::OtherCertificate));
    // Not all can bind; but who can, and was told that it can't, was lied to.
    let unbound = |binding| meet(exchange(one, Some(b"certificate")), "pencil", binding, SCRAM);
    assert_eq!(unbound(ChannelBinding::unsupported()), Ok(Some("alice".to_owned())));
    assert_eq!(unbound(ChannelBinding::unrequested()), Err(ScramError::Downgraded));
    let without = meet(exchange(one, None), "pencil", ChannelBinding::unrequested(), SCRAM);
    assert_eq!(without, Ok(Some("alice".to_owned())));
    let not_offered = meet(exchange(one, None), "pencil", ChannelBinding::tls_server_end_point(vec![1]), SCRAM_PLUS);
    assert_eq!(not_offered, Err(ScramError::Malformed("the mechanism was not offered")));
}

#[test]
fn first_messages_that_are_none() {
    let long = format!("n,,n=,r={}", "n".repeat(64 * 1024));
    for message in [
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=",
        "n,,r=abc",
        "n,,n=,r=",
        "n,,n=a,r=a b",
        "n,,n=,r=ä",
        "x,,n=,r=abc",
        "p,,n=,r=abc",
        "p=,,n=,r=abc",
        "p=tls-unique,,n=,r=abc",
        "p=tls-server-end-point,,n=,r=abc",
        "n,,m=x,n=,r=abc",
        "n,x,n=,r=abc",
        "n,a=root,n=,r=abc",
        "y,,n=,r=abc",
        "n,,n=,r=abc\0",
        "N,,n=,r=abc",
        &long,
    ] {
        assert!(exchange(&[("x", "y")], Some(b"c")).first(SCRAM, message.as_bytes()).is_err(), "{message}");
    }
    assert!(exchange(&[], None).first(SCRAM, b"n,,n=\xff,r=abc").is_err());
    for mechanism in ["", "PLAIN", "SCRAM-SHA-1", "scram-sha-256", "SCRAM-SHA-256-PLUS"] {
        assert!(exchange(&[], None).first(mechanism, b"n,,n=,r=abc").is_err(), "{mechanism}");
    }
    for header in ["n,,", "y,,"] {
        let message = format!("{header}n=,r=abc");
        assert!(exchange(&[], Some(b"c")).first(SCRAM_PLUS, message.as_bytes()).is_err(), "{message}");
    }
    let for_another = exchange(&[], None).first(SCRAM, b"n,a=root,n=,r=abc");
    assert_eq!(for_another, Err(ScramError::ForAnother));
    // What is not known and not mandatory is passed over.
    assert!(exchange(&[], None).first(SCRAM, b"n,,n=whoever,r=abc,x=1").is_ok());
}

#[test]
fn last_messages_that_are_none() {
    let nonce = "abc%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let proof = STANDARD.encode([7; 32]);
    let last = |message: &str| {
        let mut server = exchange(&[("x", "y")], None);
        server.first(SCRAM, b"n,,n=,r=abc").unwrap();
        server.last(message.as_bytes())
    };
    assert!(last(&format!("c=biws,r={nonce},p={proof}")).unwrap().is_none(), "well-formed and wrong");
    assert!(last(&format!("c=biws,r={nonce},x=1,p={proof}")).unwrap().is_none(), "with an extension");
    for message in [
        String::new(),
        format!("c=biws,r={nonce}"),
        format!("c=biws,r=abc,p={proof}"),
        format!("c=biws,r={nonce}x,p={proof}"),
        format!("c=eSws,r={nonce},p={proof}"),
        format!("c=,r={nonce},p={proof}"),
        format!("c=!,r={nonce},p={proof}"),
        format!("r={nonce},c=biws,p={proof}"),
        format!("c=biws,r={nonce},p="),
        format!("c=biws,r={nonce},p={}", STANDARD.encode([7; 31])),
        format!("c=biws,r={nonce},p={}", STANDARD.encode([7; 33])),
        format!("c=biws,r={nonce},p={proof}\0"),
        format!("c=biws,r={},p={proof}", "n".repeat(64 * 1024)),
    ] {
        assert!(last(&message).is_err(), "{message}");
    }
    assert!(exchange(&[], None).last(b"c=biws,r=abc,p=").is_err(), "the first comes first");
}

proptest! {
    #[test]
    fn no_bytes_make_an_exchange_panic_or_let_anyone_in(
        mechanism in prop::sample::select(vec![SCRAM, SCRAM_PLUS]),
        first in "(n|y|p=tls-server-end-point|p=x|),(a=x|),(n=|m=|)[a-z]{0,3},r=[ -~]{0,20}",
        last in "(c=biws|c=eSws|c=[A-Za-z0-9+/]{0,8}|),r=[ -~]{0,20},p=[A-Za-z0-9+/]{0,44}",
        noise in prop::collection::vec(any::<u8>(), 0..200),
        bound in any::<bool>(),
    ) {
        let server = || exchange(&[("x", "y")], bound.then_some(b"c"));
        let mut one = server();
        let _ = one.first(mechanism, first.as_bytes());
        prop_assert!(!matches!(one.last(last.as_bytes()), Ok(Some(_))));
        let mut two = server();
        let _ = two.first(mechanism, &noise);
        prop_assert!(!matches!(two.last(&noise), Ok(Some(_))));
    }
}
