//! A real rustls client that verifies everything, as libpq does with `sslmode=verify-full`, against what is made here.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

use super::*;

const DAY: Duration = Duration::from_hours(24);

fn now() -> SystemTime {
    SystemTime::now()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn config(dir: &Path, more: &str) -> Config {
    let file = dir.join("weir.toml");
    fs::create_dir_all(dir.join("policies")).unwrap();
    fs::write(&file, format!("[listen]\npostgres = \"127.0.0.1:6432\"\n{more}")).unwrap();
    Config::load(&file).unwrap().0
}

/// Connects a client in memory. The error is the first that either side has.
fn connect(server: &ServerTls, ca: &Path, name: &str, alpn: &[&[u8]]) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in pair::chain(ca).unwrap() {
        roots.add(certificate).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut server = ServerConnection::new(server.config.clone()).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets().map_err(|error| format!("server: {error}"))?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().map_err(|error| format!("client: {error}"))?;
        }
    }
    server.writer().write_all(b"ready").unwrap();
    let mut wire = Vec::new();
    server.write_tls(&mut wire).unwrap();
    client.read_tls(&mut wire.as_slice()).unwrap();
    client.process_new_packets().map_err(|error| format!("client: {error}"))?;
    let mut got = [0; 5];
    match client.reader().read_exact(&mut got) {
        Ok(()) => assert_eq!(&got, b"ready"),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
    }
    Ok(())
}

#[test]
fn callers_can_verify_everything_from_the_first_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), "[tls]\nnames = [\"DB.example.com\", \"10.0.0.7\"]");
    let server = server(&config, now()).unwrap();
    assert_eq!(server.made, Made::Authority);
    let ca = server.callers_ca.clone().unwrap();
    assert_eq!(ca, config.state.join("ca.pem"));
    for name in ["localhost", "127.0.0.1", "::1", "db.example.com", "10.0.0.7"] {
        connect(&server, &ca, name, &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for name in ["example.com", "10.0.0.8"] {
        let error = connect(&server, &ca, name, &[]).unwrap_err();
        assert!(error.contains("not valid for name"), "{name}: {error}");
    }
    let modes: Vec<u32> = [".", "tls", "tls/ca.key", "tls/server.key"]
        .iter()
        .map(|file| fs::metadata(config.state.join(file)).unwrap().permissions().mode() & 0o777)
        .collect();
    assert_eq!(modes, [0o700, 0o700, 0o600, 0o600]);
}

#[test]
fn another_authority_is_not_believed() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = server(&config(one.path(), ""), now()).unwrap();
    let other = server(&config(other.path(), ""), now()).unwrap();
    let error = connect(&one, other.callers_ca.as_deref().unwrap(), "localhost", &[]).unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
}

#[test]
fn another_protocol_by_alpn_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(&config(dir.path(), ""), now()).unwrap();
    let ca = server.callers_ca.clone().unwrap();
    connect(&server, &ca, "localhost", &[b"postgresql"]).unwrap();
    let error = connect(&server, &ca, "localhost", &[b"h2", b"http/1.1"]).unwrap_err();
    assert!(error.contains("server: "), "{error}");
}

#[test]
fn the_authority_lasts_ten_years_and_may_make_no_other() {
    let dir = tempfile::tempdir().unwrap();
    own(dir.path(), &set(&["localhost"]), now()).unwrap();
    let ca = pair::chain(&dir.path().join("tls/ca.pem")).unwrap().remove(0);
    let (_, ca) = x509_parser::parse_x509_certificate(&ca).unwrap();
    let basic = ca.basic_constraints().unwrap().unwrap().value;
    assert!(basic.ca && basic.path_len_constraint == Some(0));
    assert!(ca.subject().to_string().starts_with("CN=Weir CA "), "{}", ca.subject());
    let days = (ca.validity().not_after.timestamp() - pair::seconds(now())) / 86400;
    assert!((3649..=3650).contains(&days), "{days}");

    let leaf = pair::chain(&dir.path().join("tls/server.pem")).unwrap().remove(0);
    let (_, leaf) = x509_parser::parse_x509_certificate(&leaf).unwrap();
    let life = leaf.validity().not_after.timestamp() - leaf.validity().not_before.timestamp();
    assert!(life <= 397 * 86400, "{life}");
    assert!(!leaf.is_ca());
}

#[test]
fn the_certificate_is_kept_until_it_must_be_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let names = set(&["localhost", "127.0.0.1"]);
    let made = |names: &BTreeSet<String>, at| own(dir.path(), names, at).unwrap().made;
    let ca = || fs::read(dir.path().join("ca.pem")).unwrap();
    assert_eq!(made(&names, now()), Made::Authority);
    let first = ca();
    assert_eq!(made(&names, now()), Made::Nothing);
    assert_eq!(made(&names, now() + 365 * DAY), Made::Nothing, "31 days are left");
    assert_eq!(made(&names, now() + 367 * DAY), Made::Certificate, "29 days are left");
    assert_eq!(made(&names, now() + 367 * DAY), Made::Nothing);

    let more = set(&["localhost", "127.0.0.1", "db.example.com"]);
    assert_eq!(made(&more, now() + 367 * DAY), Made::Certificate, "a name was added");
    assert_eq!(made(&names, now() + 367 * DAY), Made::Certificate, "a name was taken away");

    fs::remove_file(dir.path().join("tls/server.key")).unwrap();
    assert_eq!(made(&names, now() + 367 * DAY), Made::Certificate, "a crash between key and certificate");
    fs::remove_file(dir.path().join("ca.pem")).unwrap();
    assert_eq!(made(&names, now() + 367 * DAY), Made::Nothing);
    assert_eq!(ca(), first, "the copy for callers comes back, and the authority never changed");
}

#[test]
fn near_its_end_the_authority_signs_nothing_that_outlives_it() {
    let dir = tempfile::tempdir().unwrap();
    let names = set(&["localhost"]);
    own(dir.path(), &names, now()).unwrap();
    let late = own(dir.path(), &names, now() + 3600 * DAY).unwrap();
    assert_eq!(late.made, Made::Certificate);
    let ca = pair::chain(&late.callers_ca).unwrap().remove(0);
    let leaf = late.certified.end_entity_cert().unwrap();
    assert_eq!(pair::not_after(leaf), pair::not_after(&ca));
    let error = own(dir.path(), &names, now() + 3651 * DAY).err().unwrap();
    assert!(error.what.contains("expired") && error.help.contains("all callers"), "{error:?}");
}

#[test]
fn a_lost_or_foreign_authority_is_never_replaced_silently() {
    let dir = tempfile::tempdir().unwrap();
    let names = set(&["localhost"]);
    own(dir.path(), &names, now()).unwrap();
    let tls = dir.path().join("tls");
    let ca = fs::read(tls.join("ca.pem")).unwrap();

    fs::remove_file(tls.join("ca.pem")).unwrap();
    let error = own(dir.path(), &names, now()).err().unwrap();
    assert!(error.file.ends_with("tls/ca.pem") && error.help.contains("backup"), "{error:?}");
    fs::write(tls.join("ca.pem"), &ca).unwrap();

    // Without its key the authority still serves, until something must be signed.
    let key = fs::read(tls.join("ca.key")).unwrap();
    fs::remove_file(tls.join("ca.key")).unwrap();
    assert_eq!(own(dir.path(), &names, now()).unwrap().made, Made::Nothing);
    let error = own(dir.path(), &set(&["other.example.com"]), now()).err().unwrap();
    assert!(error.file.ends_with("tls/ca.key"), "{error:?}");

    let other = tempfile::tempdir().unwrap();
    own(other.path(), &names, now()).unwrap();
    fs::copy(other.path().join("tls/ca.key"), tls.join("ca.key")).unwrap();
    let error = own(dir.path(), &set(&["other.example.com"]), now()).err().unwrap();
    assert!(error.what.contains("not the key of the authority"), "{error:?}");

    // The whole folder of another authority's leaf: not signed by ours, so it is made anew.
    fs::write(tls.join("ca.key"), key).unwrap();
    for file in ["server.pem", "server.key"] {
        fs::copy(other.path().join("tls").join(file), tls.join(file)).unwrap();
    }
    assert_eq!(own(dir.path(), &names, now()).unwrap().made, Made::Certificate);
}

#[test]
fn two_first_starts_make_one_authority() {
    let dir = tempfile::tempdir().unwrap();
    let names = set(&["localhost"]);
    let mut made: Vec<Made> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| own(dir.path(), &names, now()).unwrap().made)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    made.sort_by_key(|made| *made != Made::Authority);
    assert_eq!(made, [Made::Authority, Made::Nothing, Made::Nothing, Made::Nothing]);
}

#[test]
fn a_given_pair_serves_and_its_faults_are_named() {
    let dir = tempfile::tempdir().unwrap();
    own(dir.path(), &set(&["localhost"]), now()).unwrap();
    let other = tempfile::tempdir().unwrap();
    own(other.path(), &set(&["localhost"]), now()).unwrap();
    let (cert, key) = (dir.path().join("tls/server.pem"), dir.path().join("tls/server.key"));
    let foreign_key = other.path().join("tls/server.key");

    let install = tempfile::tempdir().unwrap();
    let given = format!("[tls]\ncert = {cert:?}\nkey = {key:?}");
    let server = server(&config(install.path(), &given), now()).unwrap();
    assert!(server.callers_ca.is_none() && server.made == Made::Nothing);
    connect(&server, &dir.path().join("ca.pem"), "localhost", &[]).unwrap();

    let fault = |cert: &Path, key: &Path, at| load_pair(cert, key, at).unwrap_err();
    let write = |name: &str, content: &str| {
        let file = install.path().join(name);
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    };
    let encrypted =
        write("encrypted.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let damaged = write("damaged.pem", "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n");
    let empty = write("empty.pem", "");
    let odd = write("odd.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let missing = install.path().join("missing.pem");
    let open = write("open.key", &fs::read_to_string(&key).unwrap());
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    for (error, file, what) in [
        (fault(&cert, &foreign_key, now()), &foreign_key, "is not the key of the first certificate"),
        (fault(&cert, &encrypted, now()), &encrypted, "is encrypted"),
        (fault(&cert, &empty, now()), &empty, "holds no private key"),
        (fault(&cert, &odd, now()), &odd, "of a kind that can't be used"),
        (fault(&cert, &open, now()), &open, "can be read by everyone"),
        (fault(&cert, &missing, now()), &missing, "can't be read"),
        (fault(&missing, &key, now()), &missing, "can't be read"),
        (fault(&empty, &key, now()), &empty, "holds no certificate"),
        (fault(&damaged, &key, now()), &damaged, "damaged"),
        (fault(&cert, &key, now() + 400 * DAY), &cert, "has expired"),
    ] {
        assert!(error.what.contains(what), "{what}: {error}");
        assert_eq!(&error.file, file, "{what}");
    }
}

#[test]
fn names_are_those_of_the_machine_the_listener_and_the_configuration() {
    let listener = "10.1.2.3".parse().ok();
    let more = ["DB.example.com.".to_owned(), "0:0:0:0:0:0:0:2".to_owned()];
    let all = names(listener, Some("shop-1"), &more);
    assert_eq!(all, set(&["localhost", "127.0.0.1", "::1", "10.1.2.3", "shop-1", "db.example.com", "::2"]));
    let any = names("0.0.0.0".parse().ok(), Some("no name!"), &[]);
    assert_eq!(
        any,
        set(&["localhost", "127.0.0.1", "::1"]),
        "an address that means any, and what is no name, are left out"
    );
}
