//! The only way to write to a target.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::flow::Flow;
use crate::verdict::Permit;

/// Owns a connection to a target: whatever is written to it goes through here. `W` is what the protocol writes with: a
/// [`Wire`] for protocols that own their framing, a client handle where a library does.
#[derive(Debug)]
pub struct Upstream<W> {
    connection: W,
}

/// A frame that touches no object, out of a protocol's closed list: the end of a batch, a flush, the poison that stands
/// for a refused operation. Everything else needs a permit.
pub trait ControlFrame<W> {
    /// Writes it.
    fn write(self, connection: &mut W);
}

impl<W> Upstream<W> {
    pub(crate) fn new(connection: W) -> Self {
        Self { connection }
    }

    /// Forwards a permitted operation, and gives the flow that it begins.
    pub fn begin<T, R>(&mut self, permit: Permit<T>, write: impl FnOnce(&mut W, T) -> R) -> (Flow, R) {
        let (flow, payload) = Flow::begin(permit);
        let written = write(&mut self.connection, payload);
        (flow, written)
    }

    /// Forwards more of a flow: body chunks, keystrokes, the next rows of the same portal.
    pub fn more<R>(&mut self, _flow: &mut Flow, write: impl FnOnce(&mut W) -> R) -> R {
        write(&mut self.connection)
    }

    /// Forwards a control frame.
    pub fn control<C: ControlFrame<W>>(&mut self, frame: C) {
        frame.write(&mut self.connection);
    }
}

/// A byte connection with the bytes that wait to be written to it.
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    out: Vec<u8>,
    sent: usize,
    /// Whether something was written since the stream was last flushed: TLS holds what its socket does not take.
    unflushed: bool,
}

/// Room that a [`Wire`] keeps between bursts.
const WIRE_BYTES_KEPT: usize = 64 * 1024;

impl<S> Wire<S> {
    /// A connection with nothing waiting.
    pub fn new(stream: S) -> Self {
        Self { stream, out: Vec::new(), sent: 0, unflushed: false }
    }

    /// Appends bytes. They are written when the upstream is flushed.
    pub fn put(&mut self, bytes: &[u8]) {
        // A target that reads too slowly never has all of it, and what it has is not kept.
        if self.sent >= WIRE_BYTES_KEPT && self.sent >= self.out.len().saturating_sub(self.sent) {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
        self.out.extend_from_slice(bytes);
    }
}

impl<S> Upstream<Wire<S>> {
    /// Gives back the room beyond this that a burst has taken, if nothing waits.
    pub fn shrink(&mut self, bytes_kept: usize) {
        if self.waiting() == 0 {
            self.connection.out.shrink_to(bytes_kept);
        }
    }

    /// Whether a flush has something to do.
    pub fn is_unflushed(&self) -> bool {
        self.connection.unflushed || self.waiting() > 0
    }

    /// Bytes that wait to be written.
    pub fn waiting(&self) -> usize {
        self.connection.out.len().saturating_sub(self.connection.sent)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Upstream<Wire<S>> {
    /// Reads what the target sends.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection.stream).poll_read(cx, buf)
    }

    /// Writes what waits. Ready when nothing does any more.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Wire { stream, out, sent, unflushed } = &mut self.connection;
        while let Some(rest) = out.get(*sent..).filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut *stream).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *sent = sent.saturating_add(written);
            *unflushed = true;
        }
        out.clear();
        out.shrink_to(WIRE_BYTES_KEPT);
        *sent = 0;
        ready!(Pin::new(stream).poll_flush(cx))?;
        *unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// Ends the connection in good order, after [`Self::poll_flush`].
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Takes all that is written, as TLS does, and flushes it when its socket takes it.
    struct Holding {
        taken: bool,
    }

    impl AsyncWrite for Holding {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            if self.taken { Poll::Ready(Ok(())) } else { Poll::Pending }
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncRead for Holding {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[test]
    fn what_the_stream_holds_back_is_flushed_until_it_has_gone() {
        let mut upstream = Upstream::new(Wire::new(Holding { taken: false }));
        upstream.connection.put(b"the end of a copy");
        let cx = &mut Context::from_waker(Waker::noop());
        for _ in 0..2 {
            assert!(upstream.is_unflushed() && upstream.poll_flush(cx).is_pending());
            assert_eq!(upstream.waiting(), 0);
        }
        upstream.connection.stream.taken = true;
        assert!(upstream.poll_flush(cx).is_ready() && !upstream.is_unflushed());
    }
}
