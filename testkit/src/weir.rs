//! A running Weir: its own folder, configuration, policies and port, as a process of its own.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use sandbox::PostgresServer;
use tempfile::TempDir;

/// A Weir to be.
pub struct Builder {
    program: PathBuf,
    folder: Option<PathBuf>,
    targets: String,
    rest: String,
    weir: String,
    listen: String,
    groups: Vec<String>,
    policies: String,
}

/// A Weir that runs until this is dropped.
pub struct Weir {
    program: PathBuf,
    folder: PathBuf,
    _temporary: Option<TempDir>,
    child: Option<Child>,
    port: u16,
    api: Option<SocketAddr>,
}

impl Builder {
    /// A target on this server, reached without TLS as its superuser or as another role with this password, with these
    /// classes.
    #[must_use]
    pub fn target(
        self,
        name: &str,
        server: &PostgresServer,
        database: &str,
        (user, password): (&str, &str),
        classes: &[(&str, &str)],
    ) -> Self {
        let more = format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\n", server.port());
        self.target_with(name, database, (user, password), &more, classes)
    }

    /// A target with these lines of its own: `address`, `tls` and whatever else.
    #[must_use]
    pub fn target_with(
        mut self,
        name: &str,
        database: &str,
        (user, password): (&str, &str),
        lines: &str,
        classes: &[(&str, &str)],
    ) -> Self {
        let _ = write!(
            self.targets,
            "[targets.{name}]\nkind = \"postgres\"\ndatabase = \"{database}\"\nuser = \"{user}\"\nenv = \"dev\"\n\
             password = {{ file = \"{name}.password\" }}\n{lines}\n[targets.{name}.classes]\n"
        );
        for (pattern, class) in classes {
            // A class, or a table with more beside it.
            let class = if class.starts_with('{') { (*class).to_owned() } else { format!("\"{class}\"") };
            let _ = writeln!(self.targets, "\"{pattern}\" = {class}");
        }
        self.targets.push('\n');
        self.rest.push_str(&format!("\0{name}\0{password}"));
        self
    }

    /// The policies, as one file.
    #[must_use]
    pub fn policies(mut self, text: &str) -> Self {
        self.policies = text.to_owned();
        self
    }

    /// A group that tokens and policies may name.
    #[must_use]
    pub fn group(mut self, name: &str) -> Self {
        self.groups.push(name.to_owned());
        self
    }

    /// Lines under `[weir]`.
    #[must_use]
    pub fn setting(mut self, line: &str) -> Self {
        self.weir.push_str(line);
        self.weir.push('\n');
        self
    }

    /// Lines under `[listen]`.
    #[must_use]
    pub fn listen(mut self, line: &str) -> Self {
        self.listen.push_str(line);
        self.listen.push('\n');
        self
    }

    /// Lines at the end of the configuration: issuers.
    #[must_use]
    pub fn lines(mut self, lines: &str) -> Self {
        self.targets.push_str(lines);
        self.targets.push('\n');
        self
    }

    /// Keeps everything in this folder, and leaves it there.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Writes the folder and starts it. Panics with what Weir said if it does not start: that is a failed test.
    pub fn start(self) -> Weir {
        let mut weir = self.write();
        weir.start();
        weir
    }

    /// Writes the folder without starting it.
    pub fn write(self) -> Weir {
        let temporary = match &self.folder {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("weir-test-").tempdir().expect("a temporary folder")),
        };
        let folder = self.folder.unwrap_or_else(|| temporary.as_ref().expect("made above").path().to_path_buf());
        fs::create_dir_all(folder.join("policies")).expect("policies folder");
        let mut secrets = self.rest.split('\0').skip(1);
        while let (Some(name), Some(password)) = (secrets.next(), secrets.next()) {
            write_secret(&folder.join(format!("{name}.password")), password);
        }
        let groups: String = self.groups.iter().fold(String::new(), |text, group| text + &format!("{group} = []\n"));
        let config = format!(
            "[weir]\nstate = \"state\"\npolicies = \"policies\"\n{}\n[listen]\npostgres = \"127.0.0.1:0\"\n{}\n{}\n[groups]\n{groups}",
            self.weir, self.listen, self.targets
        );
        fs::write(folder.join("weir.toml"), config).expect("weir.toml");
        fs::write(folder.join("policies/test.cedar"), &self.policies).expect("policies");
        Weir { program: self.program, folder, _temporary: temporary, child: None, port: 0, api: None }
    }
}

impl Weir {
    /// A Weir of this program.
    pub fn builder(program: impl Into<PathBuf>) -> Builder {
        Builder {
            program: program.into(),
            folder: None,
            targets: String::new(),
            rest: String::new(),
            weir: String::new(),
            listen: String::new(),
            groups: Vec::new(),
            policies: String::new(),
        }
    }

    /// Starts it, again after a stop or a kill. It listens on another port each time.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts it with more arguments: `--log-level trace`.
    pub fn start_with(&mut self, more: &[&str]) {
        let errors = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("stderr.log"));
        let mut child = self
            .command(&[&["serve"], more].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors.expect("stderr.log"))
            .spawn()
            .expect("weir can be run");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped above");
        let mut out = BufReader::new(out);
        out.read_line(&mut line).expect("weir's standard output can be read");
        if !line.is_empty() && self.has_api() {
            let mut line = String::new();
            out.read_line(&mut line).expect("weir's standard output can be read");
            self.api = line.trim_end().strip_prefix("ready api ").and_then(|address| address.parse().ok());
        }
        let port = line.trim_end().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        self.child = Some(child);
        self.port = port.unwrap_or_else(|| panic!("weir did not start:\n{}", self.stderr()));
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it says how it is: for a Weir with a line `api = …` under `[listen]`.
    pub fn api(&self) -> SocketAddr {
        self.api.unwrap_or_else(|| panic!("no api listener:\n{}", self.stderr()))
    }

    fn has_api(&self) -> bool {
        let config = fs::read_to_string(self.folder.join("weir.toml")).unwrap_or_default();
        config.lines().any(|line| line.starts_with("api = "))
    }

    /// Its folder: `weir.toml`, `policies`, `state`, `stderr.log`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// What it has said on standard error.
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.folder.join("stderr.log")).unwrap_or_default()
    }

    /// A command of Weir's on this configuration.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).arg("--config").arg(self.folder.join("weir.toml"));
        command
    }

    /// Runs a command of Weir's to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().expect("weir can be run")
    }

    /// A token for a user in these groups. It lasts for as long as any test goes on.
    pub fn token(&self, user: &str, groups: &[&str]) -> String {
        let mut args = vec!["token", "issue", "--user", user, "--for", "8h"];
        groups.iter().for_each(|group| args.extend(["--group", group]));
        let output = self.run(&args);
        assert!(output.status.success(), "no token: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A connection string for a user, without the password.
    pub fn conninfo(&self, user: &str, database: &str) -> String {
        format!(
            "host=localhost port={} dbname={database} user={user} sslmode=verify-full sslrootcert={}",
            self.port,
            self.state().join("ca.pem").display()
        )
    }

    /// The decision log, oldest record first.
    pub fn log(&self) -> Vec<serde_json::Value> {
        let output = self.run(&["log", "--json"]);
        assert!(output.status.success(), "no log: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(|line| serde_json::from_str(line).expect("a log line is JSON")).collect()
    }

    /// Whether the log is as it was written. Panics with the report if not.
    pub fn verify(&self) {
        let output = self.run(&["audit", "verify"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the log does not verify: {text}");
    }

    /// Puts other policies in the folder. They are in force a moment later.
    pub fn replace_policies(&self, text: &str) {
        let half = self.folder.join("policies/.test.half");
        fs::write(&half, text).expect("policies");
        fs::rename(half, self.folder.join("policies/test.cedar")).expect("policies");
    }

    /// Stops it in good order. Gives what it ended with, if it ran.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        self.terminate();
        self.wait()
    }

    /// Asks it to stop in good order, and does not wait.
    pub fn terminate(&self) {
        if let Some(child) = &self.child {
            let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        }
    }

    /// Waits for its end. Gives what it ended with, if it ran.
    pub fn wait(&mut self) -> Option<ExitStatus> {
        self.child.take().and_then(|mut child| child.wait().ok())
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Kills it without warning.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Weir {
    fn drop(&mut self) {
        self.kill9();
    }
}

fn write_secret(file: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let _ = fs::remove_file(file);
    let mut options = fs::OpenOptions::new();
    let mut out = options.write(true).create_new(true).mode(0o600).open(file).expect("password file");
    std::io::Write::write_all(&mut out, text.as_bytes()).expect("password file");
}
