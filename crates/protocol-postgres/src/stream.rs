//! A connection, with TLS or without.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsStream;

use crate::wire::Malformed;
use crate::wire::build::OwnReport;
use crate::wire::frame::{HEAD_BYTES, Head};

/// A TCP connection to a caller or a target.
#[derive(Debug)]
pub enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Inside TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// A connection's end, or bytes that are not the protocol's.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The connection failed or ended.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The bytes are wrong.
    #[error("{0}")]
    Malformed(#[from] Malformed),
}

/// The longest that turning somebody away may take, and how often what it still sends is read.
const TURNING_AWAY_MAX: Duration = Duration::from_secs(2);
const UNREAD_READS_MAX: usize = 32;

impl Stream {
    /// Tells a caller why it can't come in, and closes.
    pub async fn turn_away(mut self, report: &OwnReport) {
        let goodbye = async {
            self.write_all(&report.to_bytes()).await?;
            self.flush().await?;
            self.shutdown().await?;
            // What the caller has sent and nobody read would make the system reset the connection, and the caller lose what
            // it was told. So some of it is taken first.
            let mut rest = [0; 4096];
            for _ in 0..UNREAD_READS_MAX {
                if self.read(&mut rest).await? == 0 {
                    break;
                }
            }
            io::Result::Ok(())
        };
        let _ = timeout(TURNING_AWAY_MAX, goodbye).await;
    }

    /// The certificates that the other side has shown, in DER, its own first.
    pub fn peer_certificates(&self) -> Vec<&[u8]> {
        let shown = match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => stream.get_ref().1.peer_certificates(),
        };
        shown.into_iter().flatten().map(|certificate| &**certificate).collect()
    }

    /// Reads one whole frame during a login, where frames are small. Not a byte beyond it is taken.
    pub async fn read_frame(&mut self, bytes_max: usize) -> Result<(u8, Vec<u8>), ReadError> {
        let mut kind = [0];
        self.read_exact(&mut kind).await?;
        self.read_rest(kind, bytes_max).await.map(|body| (u8::from_be_bytes(kind), body))
    }

    /// Reads one frame that must be of this kind. Of another, nothing but the kind is waited for.
    pub async fn read_frame_of(&mut self, wanted: u8, what: &str, bytes_max: usize) -> Result<Vec<u8>, ReadError> {
        let mut kind = [0];
        self.read_exact(&mut kind).await?;
        if kind != [wanted] {
            let kind = char::from(u8::from_be_bytes(kind)).escape_default();
            return Err(Malformed(format!("a message of type '{kind}' where {what} is due")).into());
        }
        self.read_rest(kind, bytes_max).await
    }

    async fn read_rest(&mut self, [kind]: [u8; 1], bytes_max: usize) -> Result<Vec<u8>, ReadError> {
        let mut length = [0; 4];
        self.read_exact(&mut length).await?;
        let [a, b, c, d] = length;
        let Some(head) = Head::read(&[kind, a, b, c, d])? else {
            return Err(Malformed::new("frame without a head").into());
        };
        if head.frame_bytes > bytes_max {
            let kind = char::from(head.kind).escape_default();
            return Err(Malformed(format!(
                "message of type '{kind}' has {} bytes; at most {bytes_max} are taken here",
                head.frame_bytes
            ))
            .into());
        }
        let mut body = vec![0; head.frame_bytes.saturating_sub(HEAD_BYTES)];
        self.read_exact(&mut body).await?;
        Ok(body)
    }
}
