//! The first packets of a connection, up to a startup packet over TLS.
//!
//! ```text
//! 0x16                                    TLS at once, with ALPN `postgresql`
//! GSSENCRequest → N, SSLRequest → S, TLS  TLS as it was asked for before PostgreSQL 17
//! CancelRequest                           with TLS or without
//! StartupMessage
//! ```

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio_rustls::LazyConfigAcceptor;

use crate::server::Postgres;
use crate::stream::{ReadError, Stream};
use crate::wire::Malformed;
use crate::wire::startup::{ALPN, CancelKey, FirstPacket, Startup, TLS_FIRST_BYTE};

/// What the first packets come to.
pub enum First {
    /// Somebody wants to log in.
    Startup(Stream, Startup),
    /// Somebody wants a statement stopped.
    Cancel(CancelKey, Stream),
    /// Nobody is there any more, or nobody that could be answered.
    Gone,
}

impl Postgres {
    /// Reads them. The error is for the caller, on its connection.
    pub(super) async fn first_packets(&self, plain: TcpStream) -> Result<First, (Stream, Malformed)> {
        // Looked at, not taken: it belongs to TLS or to the length of a packet.
        let mut first = [0];
        if !matches!(plain.peek(&mut first).await, Ok(1..)) {
            return Ok(First::Gone);
        }
        let direct = first == [TLS_FIRST_BYTE];
        let mut stream = match direct {
            false => Stream::Plain(plain),
            true => match self.accept_tls(plain, true).await {
                Ok(stream) => stream,
                Err(why) => return Ok(gone(&why)),
            },
        };
        let (mut asked_ssl, mut asked_gss) = (direct, false);
        loop {
            let packet = match first_packet(&mut stream).await {
                Ok(packet) => packet,
                Err(ReadError::Io(_)) => return Ok(First::Gone),
                Err(ReadError::Malformed(wrong)) => return Err((stream, wrong)),
            };
            match packet {
                FirstPacket::GssEnc if !asked_gss => {
                    asked_gss = true;
                    if stream.write_all(b"N").await.is_err() || stream.flush().await.is_err() {
                        return Ok(First::Gone);
                    }
                }
                FirstPacket::Ssl if !asked_ssl => {
                    asked_ssl = true;
                    let Stream::Plain(mut plain) = stream else { return Ok(First::Gone) };
                    if plain.write_all(b"S").await.is_err() {
                        return Ok(First::Gone);
                    }
                    // Exactly the request was read. Whatever was sent behind it in clear goes to TLS, and fails there.
                    match self.accept_tls(plain, false).await {
                        Ok(tls) => stream = tls,
                        Err(why) => return Ok(gone(&why)),
                    }
                }
                FirstPacket::Ssl | FirstPacket::GssEnc => {
                    return Err((stream, Malformed::new("encryption was asked for twice")));
                }
                FirstPacket::Cancel(key) => return Ok(First::Cancel(key, stream)),
                FirstPacket::Startup(startup) => return Ok(First::Startup(stream, startup)),
            }
        }
    }

    /// The caller's TLS handshake. Who begins with it must name the protocol in ALPN: else a request that a browser was
    /// tricked into could be taken for one of this protocol's.
    async fn accept_tls(&self, plain: TcpStream, direct: bool) -> io::Result<Stream> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), plain).await?;
        let named = hello.client_hello().alpn().is_some_and(|mut names| names.any(|name| name == ALPN));
        if direct && !named {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "direct TLS without ALPN \"postgresql\""));
        }
        let mut handshake = pin!(hello.into_stream(self.tls()));
        let tls = match in_turn(|cx| handshake.as_mut().poll(cx)).await {
            Poll::Ready(done) => done?,
            Poll::Pending => handshake.await?,
        };
        Ok(Stream::Tls(Box::new(tls.into())))
    }
}

fn gone(why: &io::Error) -> First {
    tracing::debug!("TLS with a caller: {why}");
    First::Gone
}

thread_local! {
    /// Whose turn it is on this worker to do the costly step of a handshake.
    static TURN: Rc<Semaphore> = Rc::new(Semaphore::new(1));
}

/// Polls once, with everything else on this worker having been served since the last one did: signing a handshake takes
/// as long as hundreds of statements, and a crowd at the door must not stand before those who are in.
async fn in_turn<T>(mut poll: impl FnMut(&mut std::task::Context<'_>) -> Poll<T>) -> Poll<T> {
    let turns = TURN.with(Rc::clone);
    // The semaphore is never closed.
    let turn = turns.acquire().await;
    let polled = poll_fn(|cx| Poll::Ready(poll(cx))).await;
    yield_now().await;
    drop(turn);
    polled
}

async fn first_packet(stream: &mut Stream) -> Result<FirstPacket, ReadError> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let length = FirstPacket::length(head)?;
    let mut body = vec![0; length.saturating_sub(head.len())];
    stream.read_exact(&mut body).await?;
    Ok(FirstPacket::read(&body)?)
}
