//! A caller that costs next to nothing: it logs in, sends, reads what comes by its framing, and keeps none of it. So what is
//! measured is the road.

use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};

use super::roads::Road;

/// How much is read from the socket, and taken from TLS, at a time.
const BUFFER_BYTES: usize = 1 << 18;

/// Why a session failed: an error of the server, in its words, or of the connection.
#[derive(Debug)]
pub struct Failure(String);

/// Of this module.
pub type Result<T> = std::result::Result<T, Failure>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(format!("the connection: {error}"))
    }
}

/// What came until ReadyForQuery.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// DataRow and CopyData messages.
    pub rows: u64,
    /// Bytes of all messages.
    pub bytes: u64,
    /// The first small cell or CopyData, as it came.
    first: Vec<u8>,
}

/// A session.
pub struct Client {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// TLS settings of callers who trust this CA.
pub fn trusting(ca: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).expect("the CA can be read") {
        roots.add(certificate.expect("the CA is PEM")).expect("the CA is a certificate");
    }
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

impl Client {
    /// Logs in.
    pub fn connect(road: &Road) -> Result<Self> {
        let mut socket = TcpStream::connect(("127.0.0.1", road.port))?;
        socket.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &road.tls {
            None => Box::new(Socket::new(socket)?),
            Some(tls) => {
                // SSLRequest.
                socket.write_all(&[0, 0, 0, 8, 4, 210, 22, 47])?;
                let mut answer = [0];
                socket.read_exact(&mut answer)?;
                if answer != *b"S" {
                    return Err("TLS is declined".to_owned().into());
                }
                let name = ServerName::try_from("localhost").expect("a name");
                let session = ClientConnection::new(Arc::clone(tls), name).map_err(io::Error::other)?;
                Box::new(StreamOwned::new(session, Socket::new(socket)?))
            }
        };
        let mut client = Self { stream, buffer: Vec::new(), from: 0, to: 0 };
        let mut startup = vec![0, 3, 0, 0];
        for text in ["user", road.user, "database", road.database, ""] {
            startup.extend_from_slice(text.as_bytes());
            startup.push(0);
        }
        client.send(None, &startup)?;
        client.log_in(&road.password)?;
        Ok(client)
    }

    fn log_in(&mut self, password: &str) -> Result<()> {
        let mut scram = None;
        loop {
            let (kind, body) = self.message()?;
            let (code, data) = body.split_at(if kind == b'R' { 4 } else { 0 });
            match (kind, code.last()) {
                (b'R', Some(3)) => self.send(Some(b'p'), &[password.as_bytes(), &[0]].concat())?,
                (b'R', Some(10)) => {
                    let exchange = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
                    let first = exchange.message();
                    let length = u32::try_from(first.len()).expect("short");
                    let reply = [SCRAM_SHA_256.as_bytes(), &[0], &length.to_be_bytes(), first].concat();
                    self.send(Some(b'p'), &reply)?;
                    scram = Some(exchange);
                }
                (b'R', Some(11)) => {
                    let exchange = scram.as_mut().ok_or_else(|| "SCRAM goes on before it began".to_owned())?;
                    exchange.update(data)?;
                    let reply = exchange.message().to_vec();
                    self.send(Some(b'p'), &reply)?;
                }
                (b'R', Some(12)) => {
                    let exchange = scram.as_mut().ok_or_else(|| "SCRAM ends before it began".to_owned())?;
                    exchange.finish(data)?;
                }
                (b'R', Some(0)) | (b'S' | b'K' | b'N' | b'v', _) => {}
                (b'Z', _) => break,
                (b'E', _) => return Err(error(&body).into()),
                _ => return Err(format!("message {:?} while logging in", char::from(kind)).into()),
            }
        }
        // Idle sessions are measured too: a buffer comes with the first large answer.
        if self.from == self.to {
            (self.buffer, self.from, self.to) = (Vec::new(), 0, 0);
        }
        Ok(())
    }

    /// Runs a text by the simple protocol and reads all that comes.
    pub fn discard(&mut self, sql: &str) -> Result<Seen> {
        self.send(Some(b'Q'), &[sql.as_bytes(), &[0]].concat())?;
        self.until_ready()
    }

    /// Runs COPY FROM STDIN, sending this piece so many times.
    pub fn copy_in(&mut self, sql: &str, piece: &[u8], times: u64) -> Result<()> {
        self.send(Some(b'Q'), &[sql.as_bytes(), &[0]].concat())?;
        loop {
            match self.message()? {
                (b'G', _) => break,
                (b'E', body) => {
                    let text = error(&body);
                    let _ = self.until_ready();
                    return Err(text.into());
                }
                (b'N' | b'S', _) => {}
                (kind, _) => return Err(format!("message {:?} and not CopyInResponse", char::from(kind)).into()),
            }
        }
        for _ in 0..times {
            self.send(Some(b'd'), piece)?;
        }
        self.send(Some(b'c'), &[])?;
        self.until_ready().map(drop)
    }

    /// Runs a statement by the extended protocol with one text parameter of so many bytes, and gives the first cell.
    pub fn one_large_parameter(&mut self, sql: &str, bytes: u64) -> Result<String> {
        self.send(Some(b'P'), &[&[0], sql.as_bytes(), &[0, 0, 0]].concat())?;
        let length = u32::try_from(bytes).expect("a parameter's size");
        // Portal and statement without name, no formats, one parameter, and behind it no result formats.
        let before = [&[0, 0, 0, 0, 0, 1], &length.to_be_bytes()[..]].concat();
        let after = [0, 0];
        let total = length + 4 + u32::try_from(before.len() + after.len()).expect("short");
        self.stream.write_all(b"B")?;
        self.stream.write_all(&total.to_be_bytes())?;
        self.stream.write_all(&before)?;
        let piece = vec![b'w'; 1 << 16];
        let mut left = bytes;
        while left > 0 {
            let part = left.min(piece.len() as u64);
            self.stream.write_all(piece.get(..part as usize).unwrap_or_default())?;
            left -= part;
        }
        self.stream.write_all(&after)?;
        self.send(Some(b'E'), &[0, 0, 0, 0, 0])?;
        self.send(Some(b'S'), &[])?;
        let seen = self.until_ready()?;
        // A number of columns, and the first one's length.
        Ok(String::from_utf8_lossy(seen.first.get(6..).unwrap_or_default()).into_owned())
    }

    fn send(&mut self, kind: Option<u8>, body: &[u8]) -> Result<()> {
        let length = u32::try_from(body.len() + 4).expect("a message's size").to_be_bytes();
        self.stream.write_all(&[kind.as_slice(), &length, body].concat())?;
        self.stream.flush()?;
        Ok(())
    }

    fn until_ready(&mut self) -> Result<Seen> {
        let (mut seen, mut failed) = (Seen::default(), None);
        loop {
            let (kind, length) = self.header()?;
            seen.bytes += length as u64 + 5;
            match kind {
                b'D' | b'd' => {
                    seen.rows += 1;
                    if seen.rows == 1 && length < 1024 {
                        seen.first = self.take(length)?;
                    } else {
                        self.skip(length)?;
                    }
                }
                b'E' => {
                    let body = self.take(length)?;
                    failed.get_or_insert_with(|| error(&body));
                }
                b'Z' => {
                    self.skip(length)?;
                    return failed.map_or(Ok(seen), |text| Err(text.into()));
                }
                _ => self.skip(length)?,
            }
        }
    }

    fn message(&mut self) -> Result<(u8, Vec<u8>)> {
        let (kind, length) = self.header()?;
        Ok((kind, self.take(length)?))
    }

    /// The next message's kind, and the length of its body.
    fn header(&mut self) -> Result<(u8, usize)> {
        let head: [u8; 5] = self.take(5)?.try_into().expect("five bytes");
        let [kind, length @ ..] = head;
        let length = u32::from_be_bytes(length).checked_sub(4).ok_or_else(|| "a length below 4".to_owned())?;
        Ok((kind, length as usize))
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut taken = Vec::with_capacity(length);
        while taken.len() < length {
            let here = self.filled()?;
            let part = here.len().min(length - taken.len());
            taken.extend_from_slice(&here[..part]);
            self.from += part;
        }
        Ok(taken)
    }

    fn skip(&mut self, length: usize) -> Result<()> {
        let mut left = length;
        while left > 0 {
            let part = self.filled()?.len().min(left);
            self.from += part;
            left -= part;
        }
        Ok(())
    }

    /// What has been received and not taken; at least a byte.
    fn filled(&mut self) -> Result<&[u8]> {
        if self.from == self.to {
            self.buffer.resize(BUFFER_BYTES, 0);
            (self.from, self.to) = (0, self.stream.read(&mut self.buffer)?);
            if self.to == 0 {
                return Err("the connection was closed".to_owned().into());
            }
        }
        Ok(&self.buffer[self.from..self.to])
    }
}

/// A socket that is read in large pieces: rustls asks for little at a time.
struct Socket {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Socket {
    fn new(socket: TcpStream) -> io::Result<Self> {
        Ok(Self { writer: socket.try_clone()?, reader: BufReader::with_capacity(BUFFER_BYTES, socket) })
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// SQLSTATE and message of an ErrorResponse.
fn error(body: &[u8]) -> String {
    let field = |code: u8| {
        let found = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&code));
        String::from_utf8_lossy(found.and_then(|field| field.get(1..)).unwrap_or_default()).into_owned()
    };
    format!("{} {}", field(b'C'), field(b'M'))
}
