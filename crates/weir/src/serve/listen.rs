//! Accepting connections, and handing them to workers.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use protocol_postgres::Postgres;
use tokio::net::{TcpListener, TcpStream};

use super::workers::Workers;

/// How long to wait when no connection can be accepted, as when file descriptors have run out.
const PAUSE: Duration = Duration::from_millis(50);
/// How often it is said at most that connections are closed unheard.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Listens on an address.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Connections that were closed unheard, and when that was last said.
#[derive(Default)]
pub struct Unheard {
    count: u64,
    said: Option<Instant>,
}

/// Accepts one connection after the other. Ends only by being dropped; accepting loses no connection when it is.
pub async fn hand_out(listener: &TcpListener, postgres: &Postgres, workers: &Workers, unheard: &mut Unheard) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match postgres.enter(peer) {
                Some(seat) => match stream.into_std() {
                    Ok(stream) => workers.give(stream, peer, seat),
                    Err(why) => tracing::warn!("a connection from {peer} is lost: {why}"),
                },
                None => unheard.close(&stream, peer),
            },
            Err(why) => {
                tracing::warn!("no connection can be accepted: {why}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl Unheard {
    fn close(&mut self, stream: &TcpStream, peer: SocketAddr) {
        // Said in clear, before anything was asked: old clients print it, new ones say that the server refuses.
        let _ = stream.try_write(&Postgres::no_room().to_bytes());
        self.count = self.count.saturating_add(1);
        if self.said.is_none_or(|said| said.elapsed() > SAY_EVERY) {
            let count = std::mem::take(&mut self.count);
            tracing::warn!("{count} connections were closed unheard, the last from {peer}: too many are logging in");
            self.said = Some(Instant::now());
        }
    }
}
