//! A running private server.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::account::{Account, without_pg_variables};
use crate::builder::{Builder, SUPERUSER, free_port};
use crate::error::SandboxError;
use crate::guard::Guard;
use crate::install::Installation;

/// How long a server may take until it accepts connections; recovery after a kill is part of it.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a fast shutdown may take before the server is told less politely.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// How often a start is tried with another port when somebody else took the one that was free.
const PORT_TRIES_MAX: usize = 5;
const POLL: Duration = Duration::from_millis(10);

/// Where a server lives, and as whom.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) account: Account,
    pub(crate) installation: Installation,
    pub(crate) folder: PathBuf,
    pub(crate) data: PathBuf,
}

/// A private PostgreSQL server on 127.0.0.1. Dropping it stops it and removes its folder if that was temporary; so does
/// the end of this process, however it comes.
#[derive(Debug)]
pub struct PostgresServer {
    place: Place,
    child: Option<Child>,
    temporary: Option<TempDir>,
    guard: Guard,
    password: String,
    tls: bool,
    port: u16,
}

impl PostgresServer {
    /// A new server's description, to be changed and started.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn start(
        place: Place,
        temporary: Option<TempDir>,
        guard: Guard,
        password: String,
        tls: bool,
        port: Option<u16>,
    ) -> Result<Self, SandboxError> {
        let mut server = Self { place, child: None, temporary, guard, password, tls, port: 0 };
        let tries = if port.is_some() { 1 } else { PORT_TRIES_MAX };
        for _ in 1..tries {
            server.port = free_port()?;
            match server.launch() {
                Err(SandboxError::NotReady { log, .. }) if log.contains("could not bind") => {}
                other => return other.map(|()| server),
            }
        }
        server.port = match port {
            Some(given) => given,
            None => free_port()?,
        };
        server.launch().map(|()| server)
    }

    /// Starts the server's process on `self.port` and waits until it accepts connections.
    fn launch(&mut self) -> Result<(), SandboxError> {
        let log = self.log_path();
        let log_from = fs::metadata(&log).map_or(0, |found| found.len());
        let file =
            fs::OpenOptions::new().create(true).append(true).open(&log).map_err(SandboxError::io("open", &log))?;
        let errors = file.try_clone().map_err(SandboxError::io("open", &log))?;
        let program = self.place.installation.program("postgres");
        let mut command = self.place.account.command(&program, &self.place.folder);
        command.arg("-D").arg(&self.place.data).arg("-p").arg(self.port.to_string()).stdout(file).stderr(errors);
        // Ctrl-C in a terminal is for us; we then stop the server in our own order.
        command.process_group(0);
        let mut child = command.spawn().map_err(SandboxError::io("run", &program))?;
        let pid = child.id();
        let begun = Instant::now();
        let reason = loop {
            if self.accepts(pid) {
                self.child = Some(child);
                return Ok(());
            }
            match child.try_wait() {
                Ok(None) if begun.elapsed() < START_LIMIT => thread::sleep(POLL),
                Ok(None) => break format!("it was not ready after {} seconds", START_LIMIT.as_secs()),
                Ok(Some(status)) => break format!("it ended ({status})"),
                Err(error) => break format!("it could not be watched ({error})"),
            }
        };
        self.child = Some(child);
        self.end_by_force()?;
        Err(SandboxError::NotReady { reason, log: tail(&log, log_from) })
    }

    /// Whether the server says in its pid file that it is the one and ready.
    fn accepts(&self, pid: u32) -> bool {
        let Ok(text) = fs::read_to_string(self.place.data.join("postmaster.pid")) else { return false };
        let mut lines = text.lines();
        lines.next() == Some(pid.to_string().as_str()) && lines.nth(6).is_some_and(|status| status.trim() == "ready")
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The superuser's name.
    pub fn superuser(&self) -> &str {
        SUPERUSER
    }

    /// The superuser's password.
    pub fn superuser_password(&self) -> &str {
        &self.password
    }

    /// The process id of the server, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The folder that holds all of it: `data`, `socket`, `server.log`.
    pub fn folder(&self) -> &Path {
        &self.place.folder
    }

    /// The folder of its Unix socket; none if the path is too long for one.
    pub fn socket_folder(&self) -> Option<PathBuf> {
        self.place.socket_folder()
    }

    /// The file where the server writes its log.
    pub fn log_path(&self) -> PathBuf {
        self.place.folder.join("server.log")
    }

    /// The programs that it was started from.
    pub fn installation(&self) -> &Installation {
        &self.place.installation
    }

    /// Runs SQL (or psql's own commands) in database `database` as superuser with `psql`, stopping at the first error.
    /// Gives what it printed: rows as lines, values separated by `|`, no headings.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, SandboxError> {
        if self.child.is_none() {
            return Err(SandboxError::Stopped);
        }
        let program = self.place.installation.psql()?;
        let mut command = Command::new(&program);
        without_pg_variables(&mut command);
        command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", SUPERUSER]);
        command.arg("-p").arg(self.port.to_string()).arg("-d").arg(database).current_dir("/");
        command.env("PGPASSWORD", &self.password).env("PGSSLMODE", if self.tls { "require" } else { "disable" });
        command.env("PGCONNECT_TIMEOUT", "10").env("LC_ALL", "C.UTF-8").env("PGCLIENTENCODING", "UTF8");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(SandboxError::io("run", &program))?;
        let input = child.stdin.take();
        // Both directions at once: neither side may wait for the other with its pipe full.
        let output = thread::scope(|scope| {
            scope.spawn(move || input.map(|mut pipe| pipe.write_all(sql.as_bytes())));
            child.wait_with_output()
        });
        let output = output.map_err(SandboxError::io("run", &program))?;
        if !output.status.success() {
            return Err(SandboxError::Failed {
                program: "psql".to_owned(),
                status: output.status.to_string(),
                output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Stops it the usual way: sessions are ended, everything is written out. Nothing happens when it is stopped already.
    pub fn stop(&mut self) -> Result<(), SandboxError> {
        for (word, limit) in [("INT", STOP_LIMIT), ("QUIT", STOP_LIMIT)] {
            let Some(child) = &mut self.child else { return Ok(()) };
            if ended(child) || (signal(child.id(), word) && wait(child, limit)) {
                self.child = None;
                return Ok(());
            }
        }
        self.end_by_force()
    }

    /// Kills it and all its processes without warning, as a crash would. Returns when none is left.
    pub fn kill9(&mut self) -> Result<(), SandboxError> {
        self.end_by_force()
    }

    /// Starts it again in the same folder on the same port, after [`Self::stop`] or [`Self::kill9`].
    pub fn restart(&mut self) -> Result<(), SandboxError> {
        self.stop()?;
        self.launch()
    }

    fn end_by_force(&mut self) -> Result<(), SandboxError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let pid = child.id();
        let workers = children(pid);
        child.kill().map_err(SandboxError::io("kill", &self.place.data))?;
        child.wait().map_err(SandboxError::io("wait for", &self.place.data))?;
        // The workers notice that the server is gone and end; a new server would wait for them.
        let begun = Instant::now();
        while workers.iter().any(|worker| alive(*worker)) && begun.elapsed() < STOP_LIMIT {
            for worker in &workers {
                signal(*worker, "KILL");
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        let stopped = self.stop().is_ok();
        let removed = self.temporary.take().is_none_or(|folder| folder.close().is_ok());
        if stopped && removed {
            self.guard.dismiss();
        }
        // Otherwise the guard's pipe is closed by its own drop, and it tries once more.
    }
}

/// Sends a signal to a process that we know to be ours. `kill` of the shell: the standard library only has SIGKILL.
fn signal(pid: u32, word: &str) -> bool {
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill -s \"$1\" \"$2\"", "sh", word]).arg(pid.to_string());
    kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    kill.status().is_ok_and(|status| status.success())
}

fn ended(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(Some(_)))
}

fn wait(child: &mut Child, limit: Duration) -> bool {
    let begun = Instant::now();
    while !ended(child) {
        if begun.elapsed() > limit {
            return false;
        }
        thread::sleep(POLL);
    }
    true
}

/// The processes whose parent is `pid`, where `/proc` can tell.
fn children(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|child| stat(*child).is_some_and(|(_, parent)| parent == pid)).collect()
}

/// Whether a process runs: dead ones that nobody collected don't count.
fn alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z" && state != "X")
}

/// State and parent of a process, from `/proc/PID/stat`: `pid (any name) state parent …`.
fn stat(pid: u32) -> Option<(String, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

/// The last lines of a log, from byte `from` on.
fn tail(path: &Path, from: u64) -> String {
    let text = fs::read(path).unwrap_or_default();
    let start = usize::try_from(from).unwrap_or(usize::MAX).min(text.len());
    let text = String::from_utf8_lossy(text.get(start..).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n")
}
