//! An exporter on a thread of its own.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::exporter::{Exporter, Order, Unusable};
use crate::status::{Shared, Status};

/// How long one that is to end at once may take: it may be writing its cursor.
const LAST_MAX: Duration = Duration::from_secs(2);

/// An exporter that runs.
pub struct Running {
    name: String,
    orders: watch::Sender<Order>,
    /// Closed when it has ended.
    ended: mpsc::Receiver<()>,
    status: Shared,
}

impl Running {
    /// Starts it.
    pub fn start(name: &str, exporter: Exporter) -> Result<Self, Unusable> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(2).build()?;
        let (orders, ordered) = watch::channel(Order::Run);
        let (alive, ended) = mpsc::channel::<()>();
        let status = exporter.status.clone();
        // Kernels take fifteen bytes for a thread's name.
        thread::Builder::new().name("export".to_owned()).spawn(move || {
            runtime.block_on(exporter.run(ordered));
            // A name that is still looked up is not waited for.
            runtime.shutdown_background();
            drop(alive);
        })?;
        Ok(Self { name: name.to_owned(), orders, ended, status })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is doing.
    pub fn status(&self) -> Status {
        self.status.now()
    }

    /// The same, whenever that is asked, also when it has ended.
    pub fn watch(&self) -> impl Fn() -> Status + Send + Sync + use<> {
        let status = self.status.clone();
        move || status.now()
    }

    /// Tells it to deliver what the log holds and to end. Several can be told before one is waited for.
    pub fn finish(&self) {
        self.orders.send_replace(Order::Finish);
    }

    /// Waits for its end, not longer than this. The error says why not all was delivered; the next start goes on there.
    pub fn ended(self, limit: Duration) -> Result<(), String> {
        let has_ended = |limit| matches!(self.ended.recv_timeout(limit), Err(mpsc::RecvTimeoutError::Disconnected));
        let in_time = has_ended(limit);
        if !in_time {
            self.orders.send_replace(Order::Stop);
            // One that hangs in a file's write is left alone: it holds nothing that the next start would miss.
            has_ended(LAST_MAX);
        }
        match self.status.now().failing {
            Some(why) => Err(why),
            None if in_time => Ok(()),
            None => Err("it took too long".to_owned()),
        }
    }
}
