//! A PgBouncer with session pooling, to be compared with.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::{PostgresServer, shop};
use testkit::weir::Weir;

/// A PgBouncer before the server, with Weir's certificate.
pub struct Bouncer {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Bouncer {
    /// Starts it on a free port, with room for so many sessions.
    pub fn start(postgres: &PostgresServer, password: &str, weir: &Weir, sessions: u32) -> Self {
        let folder = tempfile::Builder::new().prefix("weir-bench-").tempdir().expect("a temporary folder");
        let port = testkit::free_port().expect("a free port");
        let at = |name: &str| folder.path().join(name);
        for name in ["server.pem", "server.key"] {
            fs::copy(weir.state().join("tls").join(name), at(name)).expect("Weir's certificate");
        }
        fs::write(at("users.txt"), format!("\"{}\" \"{password}\"\n", shop::ROLE)).expect("users");
        let mut config =
            format!("[databases]\n{0} = host=127.0.0.1 port={1} dbname={0}\n", shop::DATABASE, postgres.port());
        let _ = write!(
            config,
            "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n\
             auth_file = {users}\npool_mode = session\nmax_client_conn = {sessions}\ndefault_pool_size = {sessions}\n\
             client_tls_sslmode = require\nclient_tls_cert_file = {cert}\nclient_tls_key_file = {key}\n\
             ignore_startup_parameters = extra_float_digits\nlogfile = {log}\n",
            users = at("users.txt").display(),
            cert = at("server.pem").display(),
            key = at("server.key").display(),
            log = at("log").display(),
        );
        fs::write(at("pgbouncer.ini"), config).expect("pgbouncer.ini");
        // It refuses to run as root.
        let as_root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n");
        let mut command = if as_root {
            let owned = Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status();
            assert!(owned.is_ok_and(|status| status.success()), "the folder can be given to PgBouncer's user");
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "pgbouncer"]);
            command
        } else {
            Command::new("pgbouncer")
        };
        let child = command.arg("-q").arg(at("pgbouncer.ini")).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = child.expect("pgbouncer can be run (scripts/setup installs it)");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "pgbouncer does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, port, _folder: folder }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
