//! A connection of Weir's own to a database, for queries of its own: of the catalog, of samples.

use std::ops::Range;

use gate::Credentials;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::stream::Stream;
use crate::target::{TargetDown, TargetSettings};
use crate::wire::frame::{HEAD_BYTES, Head, Inbox};
use crate::wire::{Malformed, build};

/// Bytes taken from the socket at once. A catalog has thousands of short rows.
const READ_BYTES: usize = 64 * 1024;

/// A connection that is ready for queries.
#[derive(Debug)]
pub struct OwnConnection {
    stream: Stream,
    inbox: Inbox,
    buffer: Vec<u8>,
    /// The longest message that it takes.
    frame_bytes_max: usize,
}

impl OwnConnection {
    /// Logs in. The target's own view of sessions shows `name`.
    pub async fn open(
        target: &TargetSettings,
        database: &str,
        name: &str,
        frame_bytes_max: usize,
        credentials: &dyn Credentials,
    ) -> Result<Self, TargetDown> {
        let settings = [("client_encoding", "UTF8"), ("application_name", name)];
        let settings: Vec<_> = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let stream = target.connect(database, &settings, credentials).await?.stream;
        Ok(Self { stream, inbox: Inbox::default(), buffer: Vec::new(), frame_bytes_max })
    }

    /// Sends queries. All go at once: each that waited for the one before would cost its way there and back.
    pub async fn send(&mut self, queries: impl IntoIterator<Item = &str>) -> Result<(), TargetDown> {
        let mut frames = Vec::new();
        for sql in queries {
            build::frame(&mut frames, b'Q', |out| build::cstr(out, sql.as_bytes()));
        }
        self.stream.write_all(&frames).await.map_err(TargetDown::Lost)?;
        self.stream.flush().await.map_err(TargetDown::Lost)
    }

    /// Waits for the next message: its type, and where its body is. [`Self::consume`] it before the next.
    pub async fn message(&mut self) -> Result<(u8, Range<usize>), TargetDown> {
        loop {
            let unread = self.inbox.unread();
            if let Some(Head { kind, frame_bytes }) = Head::read(unread)? {
                if frame_bytes > self.frame_bytes_max {
                    return Err(Malformed(format!("an answer to Weir's own query has {frame_bytes} bytes")).into());
                }
                if unread.len() >= frame_bytes {
                    return Ok((kind, HEAD_BYTES..frame_bytes));
                }
            }
            self.buffer.resize(READ_BYTES, 0);
            let read = self.stream.read(&mut self.buffer).await.map_err(TargetDown::Lost)?;
            if read == 0 {
                return Err(TargetDown::Lost(std::io::ErrorKind::UnexpectedEof.into()));
            }
            self.inbox.push(self.buffer.get(..read).unwrap_or_default());
        }
    }

    /// The body of a message.
    pub fn body(&self, message: Range<usize>) -> &[u8] {
        self.inbox.get(message)
    }

    /// Takes the message off.
    pub fn consume(&mut self, message: Range<usize>) {
        self.inbox.consume(message.end);
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let mut goodbye = Vec::new();
        build::frame(&mut goodbye, b'X', |_| ());
        let _ = self.stream.write_all(&goodbye).await;
        let _ = self.stream.flush().await;
    }
}
