//! Syslog by RFC 5424 over TCP with octet counting (RFC 6587, section 3.4.1), or over TLS (RFC 5425).
//!
//! It has no answers. What was written may be anywhere between this process and the receiver's disk, so it counts as taken
//! when it was written a while ago and the connection still stands: a connection whose other end does not acknowledge is
//! given up by the system itself before that (`TCP_USER_TIMEOUT`), and all that was written to it lately is sent again on the next.
//! What the other machine has acknowledged and its program loses, nobody here can know.

mod frame;

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::entry::Entry;
use crate::settings::SyslogTo;
use crate::sink::Failure;
use frame::Origin;

/// How long the receiver may take to close a connection after Weir has.
const GOODBYE_MAX: Duration = Duration::from_secs(2);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Writes to one receiver.
pub(crate) struct SyslogSink {
    to: SyslogTo,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    origin: Origin,
    timeout: Duration,
    connection: Option<Box<dyn Stream>>,
}

impl SyslogSink {
    pub(crate) fn new(to: SyslogTo, timeout: Duration) -> Result<Self, String> {
        let tls = match to.tls {
            true => {
                let name = ServerName::try_from(to.host.clone()).map_err(|error| format!("{}: {error}", to.host))?;
                Some((Arc::new(crate::trust::client_config(to.ca.as_deref())?), name))
            }
            false => None,
        };
        Ok(Self { to, tls, origin: Origin::this(), timeout, connection: None })
    }

    pub(crate) async fn deliver(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connecting = timeout(self.timeout, self.connect()).await;
                connecting
                    .unwrap_or_else(|_| Err("connecting took too long".to_owned()))
                    .map_err(|e| self.failed(&e))?
            }
        };
        let mut frames = Vec::new();
        for entry in entries {
            frame::push(&mut frames, &self.origin, entry);
        }
        let writing = async {
            connection.write_all(&frames).await?;
            connection.flush().await
        };
        match timeout(self.timeout, writing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(self.failed(&error.to_string())),
            Err(_) => return Err(self.failed("it takes nothing any more")),
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Whether the connection still stands. A receiver sends nothing; if it does, that is passed over.
    pub(crate) async fn check(&mut self) -> Result<(), Failure> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let mut said = [0; 1024];
        while let Ok(read) = timeout(Duration::ZERO, connection.read(&mut said)).await {
            match read {
                Ok(0) => return Err(self.failed("it has closed the connection")),
                Ok(_) => {}
                Err(error) => return Err(self.failed(&error.to_string())),
            }
        }
        Ok(())
    }

    /// Closes, and waits until the receiver has. A connection that it closes with something unread in it is an error on this
    /// side; over TLS so is one without the receiver's own goodbye, which nobody in between can say for it.
    pub(crate) async fn finish(&mut self) -> Result<(), Failure> {
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        let goodbye = async {
            connection.shutdown().await?;
            let mut said = [0; 1024];
            while connection.read(&mut said).await? > 0 {}
            Ok::<(), std::io::Error>(())
        };
        match timeout(GOODBYE_MAX, goodbye).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.failed(&error.to_string())),
            Err(_) => Err(self.failed("it does not close the connection")),
        }
    }

    pub(crate) fn reset(&mut self) {
        self.connection = None;
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, String> {
        let tcp = TcpStream::connect((self.to.host.as_str(), self.to.port)).await.map_err(|error| error.to_string())?;
        let millis = u32::try_from(self.timeout.as_millis()).unwrap_or(u32::MAX);
        rustix::net::sockopt::set_tcp_user_timeout(&tcp, millis).map_err(|error| error.to_string())?;
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        let Some((config, name)) = &self.tls else { return Ok(Box::new(tcp)) };
        let connector = TlsConnector::from(Arc::clone(config));
        Ok(Box::new(connector.connect(name.clone(), tcp).await.map_err(|error| format!("TLS: {error}"))?))
    }

    fn failed(&self, what: &str) -> Failure {
        Failure(format!("{} port {}: {what}", self.to.host, self.to.port))
    }
}
