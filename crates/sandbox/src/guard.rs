//! A small watcher that outlives this process, so that its servers do not.
//!
//! `Drop` does not run when a process is killed, exits from a signal, or holds the server in a `static`. The watcher
//! waits on a pipe that only this process holds open: however this process ends, the kernel closes the pipe, and the
//! watcher stops the server and removes its temporary folder. (A parent-death signal was the other choice: it follows
//! the *thread* that started the server, which in a test is gone long before the process, and it leaves the folder.)

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::SandboxError;

/// `$1` is the data folder, `$2` the folder to remove or nothing. A pid file may be stale, so the process is only
/// signalled when it works in our data folder (where `/proc` can tell).
const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT
read -r word
[ "$word" = done ] && exit 0
signal() {
    pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null) || return 1
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    if [ -d /proc/self ]; then [ "$(readlink "/proc/$pid/cwd")" = "$1" ] || return 1; fi
    kill -s "$2" "$pid" 2>/dev/null
}
tries=0
while signal "$1" QUIT; do
    tries=$((tries + 1))
    [ "$tries" -gt 100 ] && signal "$1" KILL
    [ "$tries" -gt 120 ] && break
    sleep 0.1
done
[ -n "$2" ] || exit 0
# A program of the start-up may still be writing.
tries=0
until rm -rf -- "$2" 2>/dev/null || [ "$tries" -gt 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
"#;

/// The watcher of one server.
#[derive(Debug)]
pub(crate) struct Guard {
    child: Child,
}

impl Guard {
    /// Starts watching over the server whose data will be in `data`; `remove` is what to delete after it.
    pub(crate) fn watch(data: &Path, remove: Option<&Path>) -> Result<Self, SandboxError> {
        let child = Command::new("sh")
            .args(["-c", SCRIPT, "weir-sandbox-guard"])
            .arg(data)
            .arg(remove.unwrap_or(Path::new("")))
            .current_dir("/")
            // Signals meant for our family (Ctrl-C in a terminal) are not for the watcher.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(SandboxError::io("run", Path::new("sh")))?;
        Ok(Self { child })
    }

    /// Tells the watcher that everything was put away.
    pub(crate) fn dismiss(&mut self) {
        if let Some(mut pipe) = self.child.stdin.take() {
            let _ = pipe.write_all(b"done\n");
        }
        let _ = self.child.wait();
    }
}
