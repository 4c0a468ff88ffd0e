//! Certificates on both sides: callers that show one and need no password, and Weir's own towards a target.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};
use tempfile::TempDir;
use testkit::weir::Weir;
use testkit::{Outcome, Release, Run};

use crate::house::{
    Bystander, CLIENTS, PASSWORD, assert_sound, before, builder, database, records, verify_without_warnings,
};
use crate::target_tls::{Authority, authority};
use crate::wire::Session;

/// A certificate and its key as files that only their owner can read.
struct Pair {
    cert: PathBuf,
    key: PathBuf,
    fingerprint: String,
}

fn pair(folder: &TempDir, ca: &Authority, cn: &str, email: &str, lasts: Duration) -> Pair {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, cn);
    params.distinguished_name.push(DnType::OrganizationalUnitName, "shop");
    if !email.is_empty() {
        params.subject_alt_names = vec![SanType::Rfc822Name(email.try_into().unwrap())];
    }
    params.not_before = (SystemTime::now() - Duration::from_secs(3600)).into();
    params.not_after = (SystemTime::now() + lasts).into();
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, ca).unwrap();
    let file = |end: &str, text: &str| {
        let file = folder.path().join(format!("{cn}{email}.{end}"));
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    };
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate.der());
    let fingerprint = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Pair { cert: file("crt", &certificate.pem()), key: file("key", &key.serialize_pem()), fingerprint }
}

fn psql_run(weir: &Weir, user: &str, target: &str, pair: Option<&Pair>, token: Option<&str>) -> Run {
    let show = pair.map_or("sslcertmode=disable".to_owned(), |pair| {
        format!("sslcert={} sslkey={}", pair.cert.display(), pair.key.display())
    });
    let run = CLIENTS.psql(Release::V18).args(["-A", "-t", "-q", "-w", "-v", "VERBOSITY=verbose", "-d"]);
    run.arg(format!("{} {show}", weir.conninfo(user, target))).env("PGPASSWORD", token.unwrap_or_default())
}

fn psql(weir: &Weir, user: &str, target: &str, pair: Option<&Pair>, token: Option<&str>) -> Outcome {
    psql_run(weir, user, target, pair, token).args(["-c", "SELECT 'in'"]).finish().unwrap()
}

fn is_in(outcome: &Outcome) -> bool {
    outcome.success() && outcome.stdout == "in\n" && outcome.stderr.is_empty()
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_certificate_alone_lets_in_whom_it_names() {
    database("certified", "CREATE TABLE t (id int)");
    let folder = testkit::temp_folder("certificates").unwrap();
    let (mesh, staff, stranger) = (authority("mesh"), authority("staff"), authority("mesh"));
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    };
    let (mesh_ca, staff_ca) = (file("mesh.pem", &mesh.pem()), file("staff.pem", &staff.pem()));
    let revoked = file("revoked", "");
    let lines = format!(
        "[certificates.mesh]\nca = \"{}\"\nworkload = \"{{cn}}\"\nowner = \"staff:{{ou}}@example.com\"\nrevoked = \"{}\"\n\
         groups = {{ services = \"ou == 'shop'\" }}\n\n[certificates.staff]\nca = \"{}\"\nuser = \"{{email}}\"\n",
        mesh_ca.display(),
        revoked.display(),
        staff_ca.display()
    );
    let policies = "@id(\"services\") permit (principal in Group::\"services\", action, resource);\n\
                    @id(\"people\") permit (principal is User, action, resource);";
    let mut weir = before("certified").policies(policies).lines(&lines).start();
    let bystander = Bystander::begin(&weir, "certified");
    let billing = pair(&folder, &mesh, "billing", "", HOUR);
    let ada = pair(&folder, &staff, "Ada", "ada@example.com", HOUR);
    for user in ["billing", "mesh:billing"] {
        let outcome = psql(&weir, user, "certified", Some(&billing), None);
        assert!(is_in(&outcome), "{user}: {outcome:?}");
    }
    assert!(is_in(&psql(&weir, "ada@example.com", "certified", Some(&ada), None)));
    let log = weir.log();
    let of =
        |principal: &str| *records(&log, "admitted").iter().find(|record| record["principal"] == principal).unwrap();
    let record = of("mesh:billing");
    assert_eq!(record["credential"], format!("mesh:sha256-{}", billing.fingerprint));
    assert_eq!((&record["kind"], &record["owner"]), (&"Workload".into(), &"staff:shop@example.com".into()));
    assert_eq!(record["groups"][0], "services");
    assert_eq!(of("staff:ada@example.com")["kind"], "User");

    // As somebody else, and without one, a caller is asked like anybody.
    let token = weir.token("alice", &[]);
    assert!(!is_in(&psql(&weir, "ada@example.com", "certified", Some(&billing), None)));
    assert!(!is_in(&psql(&weir, "billing", "certified", None, None)));
    assert!(is_in(&psql(&weir, "alice", "certified", Some(&billing), Some(&token))));
    assert!(is_in(&psql(&weir, "alice", "certified", None, Some(&token))));
    assert_eq!(records(&weir.log(), "admitted").last().unwrap()["principal"], "local:alice");
    // Of another authority, over, or without the name that is asked for.
    for strange in [
        pair(&folder, &stranger, "shipping", "", HOUR),
        pair(&folder, &mesh, "old", "", Duration::ZERO),
        pair(&folder, &staff, "nameless", "", HOUR),
    ] {
        let outcome = psql(&weir, "billing", "certified", Some(&strange), Some(&token));
        assert!(outcome.code == Some(2), "{outcome:?}");
    }
    Session::log_in(&weir, "alice", "certified", &token).rows("SELECT 1");
    bystander.still_answers();

    // Revoked, with a session in it; expiring, with another.
    let brief = pair(&folder, &mesh, "brief", "", Duration::from_secs(4));
    let sleeping = [("billing", &billing), ("brief", &brief)].map(|(user, pair)| {
        let run = psql_run(&weir, user, "certified", Some(pair), None).args(["-c", "SELECT pg_sleep(30)"]);
        std::thread::spawn(move || run.finish().unwrap())
    });
    let both =
        || records(&weir.log(), "decided").iter().filter(|record| record["text"] == "SELECT pg_sleep(30)").count() == 2;
    testkit::wait_until(Duration::from_secs(10), "both sessions", both).unwrap();
    fs::write(&revoked, format!("{}\n", billing.fingerprint)).unwrap();
    for (ended, words) in sleeping.into_iter().zip(["has been revoked", "has expired"]) {
        let outcome = ended.join().unwrap();
        assert!(outcome.stderr.contains(words), "{outcome:?}");
    }
    let outcome = psql(&weir, "billing", "certified", Some(&billing), None);
    assert!(outcome.stderr.contains("the client certificate is not taken: it was revoked"), "{outcome:?}");
    let log = weir.log();
    let why = records(&log, "rejected").last().unwrap()["why"].as_str().unwrap().to_owned();
    assert!(why.contains(&billing.fingerprint) && why.contains("revoked"), "{why}");
    bystander.end();
    assert_sound(&mut weir);
    weir.stop();
    verify_without_warnings(&weir);
}

#[test]
fn weir_shows_a_certificate_to_a_target_that_wants_one() {
    let folder = testkit::temp_folder("mutual").unwrap();
    let ca = authority("of the target");
    let key = KeyPair::generate().unwrap();
    let of_server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    let ca_file = folder.path().join("ca.pem");
    fs::write(&ca_file, ca.pem()).unwrap();
    let server = CLIENTS.server(Release::V18).tls(of_server.pem(), key.serialize_pem()).start().unwrap();
    let data = server.folder().join("data");
    let own = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::copy(&ca_file, data.join("clients.pem")).unwrap();
    own(&data.join("clients.pem"));
    let hba = data.join("pg_hba.conf");
    let first = "hostssl all certified 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n";
    fs::write(&hba, first.to_owned() + &fs::read_to_string(&hba).unwrap()).unwrap();
    for sql in [
        &format!("CREATE ROLE certified LOGIN PASSWORD '{PASSWORD}'"),
        "ALTER SYSTEM SET ssl_ca_file = 'clients.pem'",
        "SELECT pg_reload_conf()",
    ] {
        server.psql("postgres", sql).unwrap();
    }
    let reloaded = || server.psql("postgres", "SHOW ssl_ca_file").unwrap().trim() == "clients.pem";
    testkit::wait_until(Duration::from_secs(10), "the new settings", reloaded).unwrap();
    let right = pair(&folder, &ca, "certified", "", HOUR);
    let other = pair(&folder, &ca, "another", "", HOUR);
    let show =
        |pair: &Pair| format!("client_cert = \"{}\"\nclient_key = \"{}\"\n", pair.cert.display(), pair.key.display());
    let at = |rest: &str| format!("address = \"localhost:{}\"\nca = \"{}\"\n{rest}", server.port(), ca_file.display());
    let good = ("certified", PASSWORD);
    let mut weir = builder()
        .target_with("shown", "postgres", good, &at(&show(&right)), &[])
        .target_with("direct", "postgres", good, &at(&(show(&right) + "tls_negotiation = \"direct\"\n")), &[])
        .target_with("other", "postgres", good, &at(&show(&other)), &[])
        .target_with("none", "postgres", good, &at(""), &[])
        .start();
    let token = weir.token("alice", &[]);
    for target in ["shown", "direct"] {
        let mut session = Session::log_in(&weir, "alice", target, &token);
        let dn = session.rows("SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        assert!(dn[0][0].contains("CN=certified"), "{dn:?}");
    }
    for target in ["other", "none"] {
        let report = Session::refused(&weir, "alice", target, &token);
        report.says("FATAL", "08001", "it refuses Weir's own login");
    }
    // Read for each connection: put another in its place, and it is that one.
    fs::copy(&other.cert, &right.cert).unwrap();
    fs::copy(&other.key, &right.key).unwrap();
    Session::refused(&weir, "alice", "shown", &token).says("FATAL", "08001", "it refuses Weir's own login");
    assert_sound(&mut weir);
}
