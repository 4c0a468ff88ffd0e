//! The listener: HTTP/1 on a thread and runtime of its own.
//!
//! Nobody is asked who they are here, so whoever can connect must not be able to take much: a few connections at once, a short head, a few
//! seconds for each request, a minute for a connection. What is slower or longer is closed.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::answer::answer;
use crate::figures::Figures;

/// Connections at once. A scraper or two and a load balancer need a handful.
pub const CONNECTIONS_MAX: usize = 32;
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Lines of a request's head.
const HEADERS_MAX: usize = 64;
/// How long a head may take, and how long a connection may wait for the next one.
const HEAD_MAX: Duration = Duration::from_secs(5);
/// How long a connection lasts, however busy. Who wants more connects again.
const CONNECTION_MAX: Duration = Duration::from_secs(60);
/// How long the last answer of a connection may take to be read.
const LAST_ANSWER_MAX: Duration = Duration::from_secs(5);
/// How long to wait when no connection can be accepted, as when file descriptors have run out.
const PAUSE: Duration = Duration::from_millis(50);

type Reading = Arc<dyn Fn() -> Figures + Send + Sync>;

/// Answers until it is dropped.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.address)
    }
}

impl Server {
    /// Begins to answer what comes in on this listener, by what this function says at that moment. It must not wait for anything: one
    /// thread answers all.
    pub fn start(listener: TcpListener, figures: impl Fn() -> Figures + Send + Sync + 'static) -> io::Result<Self> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let figures: Reading = Arc::new(figures);
        let thread = std::thread::Builder::new().name("weir-api".to_owned()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    ended = accept(listener, &figures) => {
                        if let Err(why) = ended {
                            tracing::error!("{address} can't be listened on: {why}");
                        }
                    }
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    /// Closes all connections.
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the api has ended in a panic");
        }
    }
}

async fn accept(listener: TcpListener, figures: &Reading) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Dropped with all that is in it, when the server is.
    let mut connections = JoinSet::new();
    loop {
        // What has ended is let go.
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => match Arc::clone(&seats).try_acquire_owned() {
                Ok(seat) => drop(connections.spawn(serve(stream, seat, Arc::clone(figures)))),
                Err(_) => turn_away(&stream),
            },
            Err(why) => {
                tracing::warn!("no connection to the api can be accepted: {why}");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Says so without waiting, and without having read anything.
fn turn_away(stream: &TcpStream) {
    let _ = stream.try_write(b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
}

async fn serve(stream: TcpStream, _seat: OwnedSemaphorePermit, figures: Reading) {
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let response = answer(request.method(), request.uri().path(), &*figures);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // What a stranger's connection ends in is nobody's business here.
        _ = connection.as_mut() => return,
        () = sleep(CONNECTION_MAX) => connection.as_mut().graceful_shutdown(),
    }
    let _ = timeout(LAST_ANSWER_MAX, connection).await;
}
