//! Accepting connections, and handing them to workers.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;

use super::workers::Workers;

/// How long to wait when no connection can be accepted, as when file descriptors have run out.
const PAUSE: Duration = Duration::from_millis(50);

/// Listens on an address.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Accepts one connection after the other. Ends only by being dropped; accepting loses no connection when it is.
pub async fn hand_out(listener: &TcpListener, workers: &Workers) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match stream.into_std() {
                Ok(stream) => workers.give(stream, peer),
                Err(why) => tracing::warn!("a connection from {peer} is lost: {why}"),
            },
            Err(why) => {
                tracing::warn!("no connection can be accepted: {why}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
