//! One run of a client: its arguments, environment and input, with a time limit, and what came of it.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a client may take when the test does not say.
const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// Why a client could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It is not installed.
    #[error("{tool} is missing ({}): run scripts/setup", .path.display())]
    Missing {
        /// What it is.
        tool: &'static str,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It did not end in time, and was killed.
    #[error("{program} was still running after {limit:?}. It printed:\n{stdout}\nand on stderr:\n{stderr}")]
    TimedOut {
        /// The program.
        program: String,
        /// The limit.
        limit: Duration,
        /// What it had printed.
        stdout: String,
        /// What it had complained.
        stderr: String,
    },
    /// A Java source does not compile.
    #[error("javac refuses {}:\n{complaint}", .source_file.display())]
    NotCompiled {
        /// The source.
        source_file: PathBuf,
        /// What javac says.
        complaint: String,
    },
    /// The system said no.
    #[error("cannot run {program}: {source}")]
    Io {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained.
    pub stderr: String,
}

impl Outcome {
    /// Whether it exited with 0.
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }
}

/// A run to be.
#[derive(Debug)]
pub struct Run {
    command: Command,
    input: String,
    limit: Duration,
}

impl Run {
    /// A run of this program. The test's own `PG*` variables and psql's start-up file are kept away from it.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command.env("PSQLRC", "/dev/null").env("PGCONNECT_TIMEOUT", "20").env("LC_ALL", "C.UTF-8");
        Self { command, input: String::new(), limit: LIMIT }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args<I: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = I>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets an environment variable (`PGPASSWORD`, `PGSSLROOTCERT` …).
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What it reads; nothing by default.
    pub fn input(mut self, text: impl Into<String>) -> Self {
        self.input = text.into();
        self
    }

    /// How long it may take; a minute by default.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end. A failing client is an outcome; one that hangs is an error.
    pub fn finish(mut self) -> Result<Outcome, RunError> {
        let program = self.command.get_program().to_string_lossy().into_owned();
        let failed = |source| RunError::Io { program: program.clone(), source };
        // A group of its own, so that what it started can be killed with it.
        self.command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(failed)?;
        let (stdin, input) = (child.stdin.take(), self.input);
        // It may end without reading; then the writer's error is not ours.
        let writer = thread::spawn(move || stdin.map(|mut pipe| pipe.write_all(input.as_bytes())));
        let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
        let begun = Instant::now();
        let status = loop {
            match child.try_wait().map_err(failed)? {
                Some(status) => break Some(status),
                None if begun.elapsed() > self.limit => break None,
                None => thread::sleep(POLL),
            }
        };
        if status.is_none() {
            kill_group(&mut child);
        }
        let _ = writer.join();
        let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
        match status {
            Some(status) => Ok(Outcome { code: status.code(), stdout, stderr }),
            None => Err(RunError::TimedOut { program, limit: self.limit, stdout, stderr }),
        }
    }

    /// Starts it and leaves it running, for tests that talk with it or kill it. The limit does not apply, the input is not
    /// given; its pipes are the caller's.
    pub fn spawn(mut self) -> Result<Child, RunError> {
        let program = self.command.get_program().to_string_lossy().into_owned();
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.spawn().map_err(|source| RunError::Io { program, source })
    }
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn kill_group(child: &mut Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("sh").args(["-c", "kill -s KILL -- \"$1\"", "sh", &group]).stderr(Stdio::null()).status();
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Run {
        Run::new("sh").args(["-c", script])
    }

    #[test]
    fn all_of_an_outcome_is_kept() {
        let outcome = shell("cat; echo no >&2; exit 3").input("yes").finish().unwrap();
        assert_eq!((outcome.code, &*outcome.stdout, &*outcome.stderr), (Some(3), "yes", "no\n"));
    }

    #[test]
    fn more_than_a_pipe_holds_goes_both_ways() {
        let much = "x".repeat(1_000_000);
        assert_eq!(shell("cat").input(much.clone()).finish().unwrap().stdout, much);
        assert!(shell("exit 0").input(much).finish().unwrap().success());
    }

    #[test]
    fn a_client_that_hangs_is_killed_with_what_it_started() {
        let begun = Instant::now();
        let error = shell("echo begun; sleep 60 & sleep 60").limit(Duration::from_millis(300)).finish().unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert!(matches!(&error, RunError::TimedOut { stdout, .. } if stdout == "begun\n"), "{error}");
    }
}
