//! What a private server should be like, and the making of its folder.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::account::Account;
use crate::error::SandboxError;
use crate::guard::Guard;
use crate::install::Installation;
use crate::server::{Place, PostgresServer};

/// The name of the superuser of every private server.
pub(crate) const SUPERUSER: &str = "postgres";

/// A socket's whole path has a limit of 107 bytes, 14 of which are the name that PostgreSQL gives it.
const SOCKET_FOLDER_BYTES_MAX: usize = 90;

/// A private server to be: [`PostgresServer::builder`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    installation: Option<Installation>,
    folder: Option<PathBuf>,
    port: Option<u16>,
    password: Option<String>,
    certificate: Option<(String, String)>,
    settings: Vec<(String, String)>,
}

impl Builder {
    /// Uses these programs and not the ones that [`Installation::find`] would choose.
    pub fn installation(mut self, installation: Installation) -> Self {
        self.installation = Some(installation);
        self
    }

    /// Keeps everything in this folder (made if missing, opened if it already holds a server of ours) and leaves it
    /// there. Without it the folder is temporary, and the server gives up durability for speed.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Listens on this port and not on any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The superuser's password; without it, a random one. It must be given for a folder that already holds a server.
    pub fn superuser_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Speaks TLS with this certificate (chain) and private key, both PEM text, and refuses TCP connections without.
    pub fn tls(mut self, certificate_pem: impl Into<String>, key_pem: impl Into<String>) -> Self {
        self.certificate = Some((certificate_pem.into(), key_pem.into()));
        self
    }

    /// Sets a parameter of `postgresql.conf`. The last of several for one name counts.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Makes the folder if need be, starts the server, and returns when it accepts connections.
    pub fn start(self) -> Result<PostgresServer, SandboxError> {
        let account = Account::choose()?;
        let mut installation = match &self.installation {
            Some(given) => given.clone(),
            None => Installation::find()?,
        };
        let (folder, temporary) = self.make_folder(&account)?;
        let data = folder.join("data");
        let guard = Guard::watch(&data, temporary.as_ref().map(TempDir::path))?;
        if !account.can_enter(installation.bin()) {
            installation = installation.copy(&folder.join("installation"))?;
        }
        let password = match &self.password {
            Some(given) => given.clone(),
            None if data.join("PG_VERSION").exists() => return Err(SandboxError::PasswordNeeded { path: folder }),
            None => random_password()?,
        };
        let place = Place { account, installation, folder, data };
        if !place.data.join("PG_VERSION").exists() {
            self.initialize(&place, &password)?;
        }
        self.configure(&place, temporary.is_some())?;
        PostgresServer::start(place, temporary, guard, password, self.certificate.is_some(), self.port)
    }

    /// The folder of everything, owned by the account that runs the server; with its remover when it is temporary.
    fn make_folder(&self, account: &Account) -> Result<(PathBuf, Option<TempDir>), SandboxError> {
        let (folder, temporary) = match &self.folder {
            Some(given) => {
                if !given.exists() {
                    fs::create_dir_all(given).map_err(SandboxError::io("make", given))?;
                    private(given, 0o700)?;
                    account.own(given)?;
                }
                (given.clone(), None)
            }
            None => {
                let temporary = temporary_folder(account)?;
                account.own(temporary.path())?;
                (temporary.path().to_path_buf(), Some(temporary))
            }
        };
        let folder = folder.canonicalize().map_err(SandboxError::io("open", &folder))?;
        account.must_enter(&folder)?;
        for part in ["data", "socket"] {
            let part = folder.join(part);
            if !part.exists() {
                fs::create_dir(&part).map_err(SandboxError::io("make", &part))?;
                private(&part, 0o700)?;
                account.own(&part)?;
            }
        }
        Ok((folder, temporary))
    }

    /// `initdb`: one superuser with a password, UTF-8, SCRAM for everybody.
    fn initialize(&self, place: &Place, password: &str) -> Result<(), SandboxError> {
        let password_file = place.folder.join("superuser-password");
        write_private(&password_file, &format!("{password}\n"), &place.account)?;
        let mut initdb = place.account.command(place.installation.program("initdb"), &place.folder);
        initdb.arg("-D").arg(&place.data).args(["-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]);
        initdb.args(["--locale=C.UTF-8", "--lc-messages=C"]).arg("--pwfile").arg(&password_file);
        let output = initdb.output();
        fs::remove_file(&password_file).map_err(SandboxError::io("remove", &password_file))?;
        let output = output.map_err(SandboxError::io("run", &place.installation.program("initdb")))?;
        if !output.status.success() {
            return Err(SandboxError::Failed {
                program: "initdb".to_owned(),
                status: output.status.to_string(),
                output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        }
        let main = place.data.join("postgresql.conf");
        let mut text = fs::read_to_string(&main).map_err(SandboxError::io("read", &main))?;
        text.push_str("\ninclude_if_exists = 'sandbox.conf'\n");
        fs::write(&main, text).map_err(SandboxError::io("write", &main))
    }

    /// Writes what may differ from start to start: our settings, who may connect how, and the certificate.
    fn configure(&self, place: &Place, temporary: bool) -> Result<(), SandboxError> {
        let mut conf = String::from("# Written anew at each start by the sandbox.\n");
        let mut set = |name: &str, value: &str| -> Result<(), SandboxError> {
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.') {
                return Err(SandboxError::BadSetting { name: name.to_owned() });
            }
            let _ =
                writeln!(conf, "{name} = '{}'", value.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n"));
            Ok(())
        };
        set("listen_addresses", "127.0.0.1")?;
        set(
            "unix_socket_directories",
            &place.socket_folder().map(|path| path.display().to_string()).unwrap_or_default(),
        )?;
        set("password_encryption", "scram-sha-256")?;
        set("logging_collector", "off")?;
        if temporary {
            // Survives a killed server, not a power cut. (Without synchronous_commit a kill would lose commits, too.)
            set("fsync", "off")?;
            set("full_page_writes", "off")?;
            set("max_wal_size", "4GB")?;
        }
        if let Some((certificate, key)) = &self.certificate {
            for (name, text) in [("server.crt", certificate), ("server.key", key)] {
                write_private(&place.data.join(name), text, &place.account)?;
            }
            set("ssl", "on")?;
        }
        for (name, value) in &self.settings {
            set(name, value)?;
        }
        write_private(&place.data.join("sandbox.conf"), &conf, &place.account)?;
        write_private(&place.data.join("pg_hba.conf"), &hba(self.certificate.is_some()), &place.account)
    }
}

/// Who may connect: everyone on this machine who knows a password, over TCP only with TLS when there is a certificate.
fn hba(tls: bool) -> String {
    let host = if tls { "hostssl" } else { "host" };
    let mut lines = String::from("# Written anew at each start by the sandbox.\n");
    for database in ["all", "replication"] {
        let _ = writeln!(lines, "local {database} all scram-sha-256");
        let _ = writeln!(lines, "{host} {database} all 127.0.0.1/32 scram-sha-256");
    }
    lines
}

impl Place {
    /// The folder of the server's Unix socket, if its path is short enough for one.
    pub(crate) fn socket_folder(&self) -> Option<PathBuf> {
        let folder = self.folder.join("socket");
        (folder.as_os_str().len() <= SOCKET_FOLDER_BYTES_MAX).then_some(folder)
    }
}

/// A new temporary folder that the account can enter: where the environment says, else where all users may go.
fn temporary_folder(account: &Account) -> Result<TempDir, SandboxError> {
    let wanted = std::env::temp_dir();
    let shared = [PathBuf::from("/tmp"), PathBuf::from("/var/tmp")];
    let parent = std::iter::once(&wanted).chain(&shared).find(|parent| account.can_enter(parent)).unwrap_or(&wanted);
    tempfile::Builder::new()
        .prefix("weir-postgres-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map_err(SandboxError::io("make a folder in", parent))
}

/// Writes a file that only the account may read.
fn write_private(path: &Path, text: &str, account: &Account) -> Result<(), SandboxError> {
    // Made empty and closed to others first, filled second.
    fs::write(path, "").map_err(SandboxError::io("write", path))?;
    private(path, 0o600)?;
    fs::write(path, text).map_err(SandboxError::io("write", path))?;
    account.own(path)
}

fn private(path: &Path, mode: u32) -> Result<(), SandboxError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(SandboxError::io("close to others", path))
}

/// A port of 127.0.0.1 that nobody listened on a moment ago.
pub(crate) fn free_port() -> Result<u16, SandboxError> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(SandboxError::io("find a free port on", Path::new("127.0.0.1")))
}

fn random_password() -> Result<String, SandboxError> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 18];
    fs::File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(SandboxError::io("read", source))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_leaves_no_way_in_without_it() {
        assert!(hba(true).lines().all(|line| !line.starts_with("host ")));
        assert!(hba(true).contains("hostssl all all 127.0.0.1/32 scram-sha-256"));
        assert!(hba(false).contains("host all all 127.0.0.1/32 scram-sha-256"));
    }

    #[test]
    fn passwords_differ() {
        let (one, two) = (random_password().unwrap(), random_password().unwrap());
        assert_eq!(one.len(), 36);
        assert_ne!(one, two);
    }
}
