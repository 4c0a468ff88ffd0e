//! Private servers of both releases: who may log in, what is left behind, and what a crash costs.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use sandbox::{Installation, PostgresServer, SandboxError};
use testkit::{Clients, Outcome, Release, temp_folder, wait_until};

const LIMIT: Duration = Duration::from_secs(20);

fn clients() -> Clients {
    Clients::find().unwrap()
}

/// What `psql` says when it asks as superuser with this password and these settings.
fn log_in(clients: &Clients, server: &PostgresServer, password: &str, settings: &[(&str, &str)]) -> Outcome {
    let mut psql = clients.psql(Release::Distribution).args(["-A", "-t", "-h", "localhost", "-U", server.superuser()]);
    psql = psql.arg("-p").arg(server.port().to_string()).args(["-d", "postgres"]).env("PGPASSWORD", password);
    for (name, value) in settings {
        psql = psql.env(name, value);
    }
    psql.input("SELECT current_user").finish().unwrap()
}

fn runs(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn each_release_starts_and_asks_for_its_password() {
    let clients = clients();
    for release in Release::ALL {
        let server = clients.server(release).start().unwrap();
        if release == Release::V18 {
            assert!(server.psql("postgres", "SHOW server_version").unwrap().starts_with("18."));
        }
        let good = log_in(&clients, &server, server.superuser_password(), &[("PGSSLMODE", "disable")]);
        assert_eq!((&*good.stdout, good.success()), ("postgres\n", true), "{release}: {}", good.stderr);
        let bad = log_in(&clients, &server, "guess", &[]);
        assert!(bad.stderr.contains("password authentication failed"), "{release}: {}", bad.stderr);
        let ways = "SELECT DISTINCT auth_method FROM pg_hba_file_rules";
        assert_eq!(server.psql("postgres", ways).unwrap(), "scram-sha-256\n");
        let stored = "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'postgres'";
        assert_eq!(server.psql("postgres", stored).unwrap(), "t\n");
        let listens = "SHOW listen_addresses";
        assert_eq!(server.psql("postgres", listens).unwrap(), "127.0.0.1\n");
    }
}

#[test]
fn nothing_is_left_when_it_is_dropped_and_a_second_stop_is_nothing() {
    let mut server = clients().server(Release::Distribution).start().unwrap();
    let (pid, folder) = (server.pid().unwrap(), server.folder().to_path_buf());
    assert!(runs(pid) && folder.join("data/PG_VERSION").exists());
    // Others on the machine have no business in it.
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o077, 0);
    server.stop().unwrap();
    server.stop().unwrap();
    assert!(!runs(pid) && server.pid().is_none());
    assert!(matches!(server.psql("postgres", "SELECT 1"), Err(SandboxError::Stopped)));
    drop(server);
    assert!(!folder.exists());
}

#[test]
fn an_error_of_the_statement_is_told() {
    let server = clients().server(Release::Distribution).start().unwrap();
    let error = server.psql("postgres", "SELECT 1;\nSELECT 1/0;\nSELECT 2;").unwrap_err().to_string();
    assert!(error.contains("division by zero"), "{error}");
    // Much in both directions at once.
    let much = "SELECT repeat('x', 100000);\n".repeat(50);
    assert_eq!(server.psql("postgres", &much).unwrap().len(), 50 * 100_001);
}

#[test]
fn what_was_committed_survives_a_kill_and_a_restart() {
    for release in Release::ALL {
        let mut server = clients().server(release).start().unwrap();
        let (pid, port) = (server.pid().unwrap(), server.port());
        server.psql("postgres", "CREATE TABLE t (n int); INSERT INTO t VALUES (1)").unwrap();
        server.kill9().unwrap();
        assert!(!runs(pid), "{release}");
        server.restart().unwrap();
        assert_eq!(server.port(), port);
        assert_eq!(server.psql("postgres", "SELECT n FROM t").unwrap(), "1\n", "{release}");
        assert!(fs::read_to_string(server.log_path()).unwrap().contains("was not properly shut down"), "{release}");
    }
}

#[test]
fn with_a_certificate_nobody_comes_in_without_tls() {
    let clients = clients();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = temp_folder("certificate").unwrap();
    let root = folder.path().join("root.crt");
    fs::write(&root, made.cert.pem()).unwrap();
    for release in Release::ALL {
        let server = clients.server(release).tls(made.cert.pem(), made.signing_key.serialize_pem()).start().unwrap();
        let password = server.superuser_password();
        let verified = [("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", root.to_str().unwrap())];
        let good = log_in(&clients, &server, password, &verified);
        assert!(good.success(), "{release}: {}", good.stderr);
        let plain = log_in(&clients, &server, password, &[("PGSSLMODE", "disable")]);
        assert!(plain.stderr.contains("no encryption"), "{release}: {}", plain.stderr);
        assert_eq!(server.psql("postgres", "SHOW ssl").unwrap(), "on\n", "{release}");
    }
}

#[test]
fn a_folder_of_its_own_is_kept_and_opened_again() {
    let clients = clients();
    let parent = temp_folder("kept").unwrap();
    // Closed to others as made; the account that runs the server has to get through.
    fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let folder = parent.path().join("server");
    let builder = || clients.server(Release::V18).folder(&folder).superuser_password("it's \\ odd");
    let first = builder().setting("application_name", "it's \\ odd").start().unwrap();
    assert_eq!(first.psql("postgres", "RESET application_name; SHOW fsync").unwrap(), "on\n");
    assert_eq!(
        first.psql("postgres", "SELECT setting FROM pg_file_settings WHERE name = 'application_name'").unwrap(),
        "it's \\ odd\n"
    );
    first.psql("postgres", "CREATE TABLE t AS SELECT 1 AS n").unwrap();
    drop(first);
    assert_eq!(builder().start().unwrap().psql("postgres", "SELECT n FROM t").unwrap(), "1\n");
    let error = clients.server(Release::V18).folder(&folder).start().unwrap_err();
    assert!(matches!(error, SandboxError::PasswordNeeded { .. }), "{error}");
}

#[test]
fn a_server_that_cannot_start_says_what_its_log_says() {
    let broken = clients().server(Release::Distribution).setting("shared_buffers", "much").start().unwrap_err();
    assert!(broken.to_string().contains("shared_buffers"), "{broken}");
    let error = clients().server(Release::Distribution).setting("a b", "c").start().unwrap_err();
    assert!(matches!(error, SandboxError::BadSetting { .. }), "{error}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = clients().server(Release::Distribution).port(port).start().unwrap_err();
    assert!(error.to_string().contains("could not bind"), "{error}");
}

/// As root the server runs as another user, who may not be able to go where the programs are.
#[test]
fn programs_in_a_closed_folder_are_used_all_the_same() {
    let closed = temp_folder("closed").unwrap();
    let to = closed.path().join("postgresql");
    let mut copy = std::process::Command::new("cp");
    copy.arg("-r").arg(clients().installation(Release::V18).bin().parent().unwrap()).arg(&to);
    assert!(copy.status().unwrap().success());
    let server = PostgresServer::builder().installation(Installation::at(&to.join("bin")).unwrap()).start().unwrap();
    assert!(server.psql("postgres", "SHOW server_version").unwrap().starts_with("18."));
}

const CHILD: &str = "WEIR_SANDBOX_TEST_CHILD";

/// This test runs its own program a second time, as the process that is killed.
#[test]
fn the_server_ends_with_the_process_that_started_it() {
    if std::env::var_os(CHILD).is_some() {
        let server = clients().server(Release::Distribution).start().unwrap();
        let note = std::env::var(CHILD).unwrap();
        let text = format!("{}\n{}", server.pid().unwrap(), server.folder().display());
        fs::write(format!("{note}.new"), text).unwrap();
        fs::rename(format!("{note}.new"), note).unwrap();
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let folder = temp_folder("killed").unwrap();
    let note = folder.path().join("note");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_server_ends_with_the_process_that_started_it"])
        .env(CHILD, &note)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until(Duration::from_secs(60), "the child's server", || note.exists()).unwrap();
    let text = fs::read_to_string(&note).unwrap();
    let (pid, kept) = text.split_once('\n').unwrap();
    let pid: u32 = pid.parse().unwrap();
    assert!(runs(pid) && Path::new(kept).exists());
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until(LIMIT, "the end of the server", || !runs(pid)).unwrap();
    wait_until(LIMIT, "the removal of its folder", || !Path::new(kept).exists()).unwrap();
}
