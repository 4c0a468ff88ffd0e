//! Alerts: what somebody should look at soon, as records of the decision log. From there exports bring them to people
//! (`events = ["alert"]`), signed, tried again, and none left out.
//!
//! ```text
//! gate, log, disks, exports ──once a second──▶ Conditions ─┐
//!                                                          ├─▶ Said ─▶ decision log ─▶ exports
//! decision log ──behind its writers──────────▶ Reader ─────┘
//! ```
//!
//! Two threads, neither on the way of a statement. What is to be said, and how often, the crate `alerts` tells.

mod conditions;
mod reader;
mod said;
mod state_file;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use alerts::Micros;
use model::UnixMicros;

pub use conditions::Conditions;
pub use reader::Reader;
pub use said::Said;

/// How often all of it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The threads that look.
pub struct Alerts {
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Alerts {
    /// Starts to look.
    pub fn start(mut conditions: Conditions, mut reader: Reader, said: Arc<Said>) -> io::Result<Self> {
        let mut alerts = Self { stopped: Arc::default(), threads: Vec::new() };
        let noting = Arc::clone(&said);
        alerts.attend("weir-alerts", move |_| {
            // What can't be written now is written when it can be: that the log is down would never be said otherwise.
            conditions.look(now()).into_iter().for_each(|alert| noting.note(alert));
        })?;
        alerts.attend("weir-usage", move |stopped| reader.round(&said, stopped))?;
        Ok(alerts)
    }

    /// Calls `work` once a second, and one last time when it is to stop.
    fn attend(&mut self, name: &str, mut work: impl FnMut(&AtomicBool) + Send + 'static) -> io::Result<()> {
        let stopped = Arc::clone(&self.stopped);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            loop {
                let is_last = stopped.load(Ordering::Acquire);
                work(&stopped);
                if is_last {
                    return;
                }
                thread::park_timeout(LOOK_EVERY);
            }
        })?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Alerts {
    /// Looks a last time, as far as that is quick.
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("a thread that looks for alerts ended in a panic");
            }
        }
    }
}

fn now() -> Micros {
    UnixMicros::from(SystemTime::now()).0
}
