//! TLS on both sides, and the credential of the target, which appears in no byte that anybody gets to see.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use sandbox::PostgresServer;
use tempfile::TempDir;
use testkit::Release;
use testkit::weir::Weir;

use crate::house::{
    ALL, CLIENTS, PASSWORD, assert_sound, before, builder, database, psql, psql_run, run, verify_without_warnings,
};
use crate::wire::{SSL_REQUEST, Session, Wire};

/// A session, or what the caller is told and what Weir's own log says beside it.
type Expected = Result<(), (&'static str, &'static str)>;

pub type Authority = CertifiedIssuer<'static, KeyPair>;

pub fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server that speaks TLS only, with a certificate for `localhost` and `db.internal`; and the authority's certificate.
pub static ENCRYPTED: LazyLock<(PostgresServer, String)> = LazyLock::new(|| {
    let authority = authority("the right one");
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "db.internal".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let server = CLIENTS.server(Release::V18).tls(certificate.pem(), key.serialize_pem()).start().unwrap();
    server.psql("postgres", &format!("CREATE ROLE holder LOGIN PASSWORD '{PASSWORD}'")).unwrap();
    server.psql("postgres", "CREATE TABLE open_table (id int, card text); GRANT ALL ON open_table TO holder").unwrap();
    (server, authority.pem())
});

pub fn in_folder(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_target_is_trusted_as_it_was_configured() {
    let (server, ca) = &*ENCRYPTED;
    let folder = testkit::temp_folder("ca").unwrap();
    let right = in_folder(&folder, "right.pem", ca);
    let wrong = in_folder(&folder, "wrong.pem", &authority("the right one").pem());
    let both = in_folder(&folder, "both.pem", &(authority("another").pem() + ca));
    let at = |host: &str, rest: &str| format!("address = \"{host}:{}\"\n{rest}\n", server.port());
    let verify = |ca: &Path, more: &str| format!("tls = \"verify\"\nca = \"{}\"\n{more}", ca.display());
    let good = ("holder", PASSWORD);
    let refuses_login = "it refuses Weir's own login";
    let no_trust = "no trusted TLS connection can be made to it";
    let cases: [(&str, String, Expected); 10] = [
        ("off", at("127.0.0.1", "tls = \"off\""), Err((refuses_login, "no encryption"))),
        ("required", at("127.0.0.1", "tls = \"require\""), Ok(())),
        ("verified", at("localhost", &verify(&right, "")), Ok(())),
        ("verified_of_two", at("localhost", &verify(&both, "")), Ok(())),
        ("verified_as", at("127.0.0.1", &verify(&right, "server_name = \"db.internal\"")), Ok(())),
        ("by_default", at("localhost", &format!("ca = \"{}\"", right.display())), Ok(())),
        ("wrong_name", at("127.0.0.1", &verify(&right, "")), Err((no_trust, "not valid for name"))),
        (
            "other_name",
            at("localhost", &verify(&right, "server_name = \"db.other\"")),
            Err((no_trust, "not valid for name")),
        ),
        ("wrong_ca", at("localhost", &verify(&wrong, "")), Err((no_trust, "invalid peer certificate"))),
        ("public_ca", at("localhost", "tls = \"verify\""), Err((no_trust, "TLS with the target"))),
    ];
    let all = cases.iter().fold(builder(), |all, (name, lines, _)| all.target_with(name, "postgres", good, lines, &[]));
    let mut weir = all.start();
    let token = weir.token("alice", &[]);
    for (target, _, expected) in &cases {
        match expected {
            Ok(()) => {
                let mut session = Session::log_in(&weir, "alice", target, &token);
                session.rows(&format!("SET application_name = 'through {target}'"));
                let encrypted = "SELECT version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND \
                                 application_name = 'through ";
                let version = server.psql("postgres", &format!("{encrypted}{target}'")).unwrap();
                assert_eq!(version.trim(), "TLSv1.3", "{target}");
            }
            Err((public, inside)) => {
                let report = Session::refused(&weir, "alice", target, &token);
                report.says("FATAL", "08001", public);
                assert!(!format!("{report:?}").contains(inside), "{report:?}");
                let said = weir.stderr();
                let line = said.lines().find(|line| line.trim_end().ends_with(&format!("target_name={target}")));
                assert!(line.is_some_and(|line| line.contains(inside)), "{target} and \"{inside}\" in\n{said}");
            }
        }
    }
    assert_sound(&mut weir);
}

#[test]
fn callers_can_be_sure_whom_they_talk_to() {
    database("to_callers", "CREATE TABLE t (id int)");
    let mut weir = before("to_callers").start();
    let token = weir.token("alice", &[]);
    let ca = weir.state().join("ca.pem");
    let folder = testkit::temp_folder("ca").unwrap();
    let strange = in_folder(&folder, "strange.pem", &authority("somebody").pem());
    let connect = |host: &str, rest: &str| {
        let to = format!("host={host} port={} dbname=to_callers user=alice {rest}", weir.port());
        let run = CLIENTS.psql(Release::V18).args(["-A", "-t", "-q", "-c", "SELECT 'in'", "-d"]).arg(to);
        run.env("PGPASSWORD", &token).finish().unwrap()
    };
    let full = format!("sslmode=verify-full sslrootcert={}", ca.display());
    for host in ["localhost", "127.0.0.1"] {
        for more in ["", " channel_binding=prefer", " gssencmode=prefer", " require_auth=password"] {
            let outcome = connect(host, &format!("{full}{more}"));
            assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("in\n", ""), "{host}{more}");
        }
    }
    for (host, rest, words) in [
        ("localhost", "sslmode=disable".to_owned(), "Weir takes connections over TLS only"),
        (
            "localhost",
            "sslmode=disable".to_owned(),
            "HINT:  Use sslmode=verify-full with sslrootcert set to Weir's ca.pem.",
        ),
        ("localhost", format!("sslmode=verify-full sslrootcert={}", strange.display()), "certificate verify failed"),
        ("localhost hostaddr=127.0.0.1", format!("{full} channel_binding=require"), "channel binding"),
        ("weir.example.com hostaddr=127.0.0.1", full.clone(), "does not match host name"),
    ] {
        let outcome = connect(host, &rest);
        assert!(outcome.code == Some(2) && outcome.stderr.contains(words), "{host} {rest}: {}", outcome.stderr);
    }
    assert_sound(&mut weir);
}

/// The ways that a text can hide: as it is, and as encodings make it.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let json = serde_json::to_string(secret).unwrap();
    let escaped: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let base64 = |skip: usize| crate::issuers::base64(&secret.as_bytes()[skip..skip + 24]);
    let mut forms = vec![secret.to_owned(), json.trim_matches('"').to_owned(), hex.to_uppercase(), hex, escaped];
    forms.extend((0..3).map(base64));
    forms.push(secret.chars().rev().collect());
    let mut forms: Vec<Vec<u8>> = forms.into_iter().map(String::into_bytes).collect();
    forms.push(secret.encode_utf16().flat_map(u16::to_le_bytes).collect());
    forms
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

fn holds(bytes: &[u8], form: &[u8]) -> bool {
    bytes.windows(form.len()).any(|window| window == form)
}

#[test]
fn the_credential_of_a_target_appears_in_no_byte() {
    let (server, _) = &*ENCRYPTED;
    let wrong = "another-Secret-that-is-wr0ng-and-long-enough";
    let here = |tls: &str| format!("address = \"127.0.0.1:{}\"\ntls = \"{tls}\"\n", server.port());
    let classes = [("public.open_table.card", "pci.card")];
    let policies = format!("{ALL}\n@id(\"kept\") forbid (principal, action == Action::\"truncate\", resource);");
    let mut weir: Weir = builder()
        .target_with("sealed", "postgres", ("holder", PASSWORD), &here("require"), &classes)
        .target_with("failing", "postgres", ("holder", wrong), &here("require"), &[])
        .target_with("plain", "postgres", ("holder", PASSWORD), &here("off"), &[])
        .policies(&policies)
        .write();
    weir.start_with(&["--log-level", "trace"]);
    let token = weir.token("alice", &[]);
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    let statements = "SELECT * FROM open_table;\nTRUNCATE open_table;\nSELECT 1/0;\nSELECT nonsense;\nSHOW ALL;\n\
                      SELECT * FROM pg_stat_activity;\nSELECT * FROM pg_settings;\nSELECT current_user, inet_server_addr();\n\
                      SELECT rolpassword FROM pg_authid;\nSELECT pg_read_file('pg_hba.conf');\n\\conninfo\n\\du\n\\l\n\
                      SET weir.notices = off;\nCREATE ROLE r PASSWORD 'x';\nSELECT * FROM pg_shadow;\n";
    for target in ["sealed", "failing", "plain"] {
        let outcome = psql(&weir, "alice", &token, target, statements);
        seen.push((format!("psql {target}"), (outcome.stdout + &outcome.stderr).into_bytes()));
        let echo = psql_run(&weir, "alice", &token, target).args(["-e", "-E"]).input(statements).finish().unwrap();
        seen.push((format!("psql -E {target}"), (echo.stdout + &echo.stderr).into_bytes()));
        for json in [&[][..], &["--json"]] {
            let args =
                ["policy", "explain", "--user", "alice", "--target", target, "--sql", "SELECT * FROM open_table"];
            let (_, out, err) = run(&weir, &[&args, json].concat());
            seen.push((format!("weir policy explain {target} {json:?}"), (out + &err).into_bytes()));
        }
    }
    // What is only said to who asks for it: a caller whose TLS fails.
    let mut broken = Wire::plain(&weir);
    broken.send_raw(&[&SSL_REQUEST[..], b"no handshake"].concat());
    broken.half_close();
    while broken.byte().is_some() {}
    for args in [&["check"][..], &["policy", "check"], &["policy", "schema"], &["token", "list"], &["log"]] {
        let (_, out, err) = run(&weir, args);
        seen.push((format!("weir {args:?}"), (out + &err).into_bytes()));
    }
    let process = PathBuf::from(format!("/proc/{}", weir.pid().unwrap()));
    for name in ["cmdline", "environ", "status", "maps"] {
        seen.push((format!("/proc/PID/{name}"), fs::read(process.join(name)).unwrap()));
    }
    // Every file but those that hold it on purpose.
    let mut files = Vec::new();
    files_below(weir.folder(), &mut files);
    files.retain(|file| file.extension().is_none_or(|extension| extension != "password"));
    assert!(files.iter().any(|file| file.ends_with("stderr.log")), "{files:?}");
    for file in files {
        seen.push((file.display().to_string(), fs::read(&file).unwrap()));
    }
    assert!(weir.stderr().contains("TRACE") || weir.stderr().contains("DEBUG"), "nothing was traced");
    let bytes: usize = seen.iter().map(|(_, bytes)| bytes.len()).sum();
    for secret in [PASSWORD, wrong] {
        for form in forms(secret) {
            for (place, bytes) in &seen {
                assert!(!holds(bytes, &form), "the credential is in {place}, as {}", String::from_utf8_lossy(&form));
            }
        }
    }
    println!("the credential is in none of {bytes} bytes of {} outputs and files", seen.len());
    // The search finds what is there: the caller's own name in the log, the token in none of Weir's files either.
    assert!(seen.iter().any(|(_, bytes)| holds(bytes, b"local:alice")));
    assert!(
        seen.iter().filter(|(place, _)| !place.contains("environ")).all(|(_, bytes)| !holds(bytes, token.as_bytes()))
    );
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}
