//! Worker threads: each runs its sessions on a single-threaded runtime, from the first byte to the last.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use gate::Ledger;
use protocol_postgres::{Postgres, Seat};
use tokio::sync::{Notify, mpsc};
use tokio::task::LocalSet;

/// Connections that may wait for one worker; past it new ones are closed at once.
const WAITING_MAX: usize = 4096;
/// The C parser and deep statements need room; a worker's own frames are small.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Threads of a worker for what takes long without waiting: proofs of passwords to targets, names to look up.
const BLOCKING_THREADS_MAX: usize = 16;

type Connection = (TcpStream, SocketAddr, Seat);

/// The workers of one listener.
pub struct Workers {
    queues: Vec<mpsc::Sender<Connection>>,
    threads: Vec<JoinHandle<()>>,
    next: AtomicUsize,
    open: Arc<Open>,
}

/// Counts open sessions.
#[derive(Default)]
struct Open {
    count: AtomicUsize,
    none_left: Notify,
}

/// One open session.
struct Counted(Arc<Open>);

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none_left.notify_waiters();
        }
    }
}

impl Workers {
    /// Starts workers, each with its lane of the log.
    pub fn start(count: usize, postgres: &Arc<Postgres>, lane: impl Fn(usize) -> Arc<dyn Ledger>) -> io::Result<Self> {
        let open = Arc::new(Open::default());
        let (mut queues, mut threads) = (Vec::new(), Vec::new());
        for number in 0..count.max(1) {
            let (queue, waiting) = mpsc::channel(WAITING_MAX);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(BLOCKING_THREADS_MAX)
                .build()?;
            let (postgres, ledger, open) = (Arc::clone(postgres), lane(number), Arc::clone(&open));
            let thread = std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .stack_size(STACK_BYTES)
                .spawn(move || LocalSet::new().block_on(&runtime, work(waiting, postgres, ledger, open)))?;
            queues.push(queue);
            threads.push(thread);
        }
        Ok(Self { queues, threads, next: AtomicUsize::new(0), open })
    }

    /// Gives a connection to the next worker. One that is overwhelmed closes it.
    pub fn give(&self, stream: TcpStream, peer: SocketAddr, seat: Seat) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let queue = turn.checked_rem(self.queues.len()).and_then(|at| self.queues.get(at));
        if queue.is_none_or(|queue| queue.try_send((stream, peer, seat)).is_err()) {
            tracing::warn!("a connection from {peer} is closed: too many are waiting");
        }
    }

    /// Sessions that are open.
    pub fn open(&self) -> usize {
        self.open.count.load(Ordering::Acquire)
    }

    /// Waits until no session is open, but not longer than this.
    pub async fn drained(&self, limit: Duration) {
        let drained = async {
            loop {
                let none_left = self.open.none_left.notified();
                if self.open() == 0 {
                    break;
                }
                none_left.await;
            }
        };
        let _ = tokio::time::timeout(limit, drained).await;
    }

    /// Stops the threads, by closing their queues. Returns how many sessions were cut off.
    pub fn stop(self) -> usize {
        let left = self.open();
        drop(self.queues);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a worker ended in a panic");
            }
        }
        left
    }
}

async fn work(
    mut waiting: mpsc::Receiver<Connection>,
    postgres: Arc<Postgres>,
    ledger: Arc<dyn Ledger>,
    open: Arc<Open>,
) {
    while let Some(connection) = waiting.recv().await {
        take(connection, &postgres, &ledger, &open);
    }
}

fn take((stream, peer, seat): Connection, postgres: &Arc<Postgres>, ledger: &Arc<dyn Ledger>, open: &Arc<Open>) {
    let stream = match tokio::net::TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(why) => return tracing::warn!("a connection from {peer} is lost: {why}"),
    };
    open.count.fetch_add(1, Ordering::AcqRel);
    let counted = Counted(Arc::clone(open));
    let serving = Arc::clone(postgres).serve(stream, peer, seat, Arc::clone(ledger));
    tokio::task::spawn_local(async move {
        serving.await;
        drop(counted);
    });
}
