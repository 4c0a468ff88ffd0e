//! A client of the bare protocol, with TLS and without, that sends whatever it is told at the moment it is told.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use testkit::weir::Weir;

/// The longest that an answer may take before the test has failed.
const ANSWER_MAX: Duration = Duration::from_secs(75);

pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
pub const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];
pub const PROTOCOL_3_0: i32 = 196_608;
pub const PROTOCOL_3_2: i32 = 196_610;

/// A connection.
pub enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    Frame(u8, Vec<u8>),
    /// The connection is at its end, in good order or not.
    End,
}

impl Wire {
    /// Connects, without TLS.
    pub fn plain(weir: &Weir) -> Self {
        Self::to(weir.port())
    }

    /// Connects to whatever listens there, without TLS.
    pub fn to(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(ANSWER_MAX)).unwrap();
        Self::Plain(stream)
    }

    /// Connects and asks for TLS.
    pub fn tls(weir: &Weir) -> Self {
        let mut wire = Self::plain(weir);
        wire.send_raw(&SSL_REQUEST);
        assert_eq!(wire.byte(), Some(b'S'));
        wire.into_tls(weir)
    }

    /// Speaks TLS from here on.
    pub fn into_tls(self, weir: &Weir) -> Self {
        self.try_into_tls(weir, &[]).expect("a TLS handshake")
    }

    /// Speaks TLS from here on, and says in ALPN that it will then speak one of these.
    pub fn try_into_tls(self, weir: &Weir, alpn: &[&str]) -> io::Result<Self> {
        let Self::Plain(stream) = self else { panic!("it speaks TLS already") };
        let name = ServerName::try_from("localhost").unwrap();
        let mut config = trusting(&weir.state().join("ca.pem"));
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(Self::Tls(Box::new(stream)))
    }

    /// The socket below.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// Sends bytes. Whether they arrive shows in what comes back.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let _ = match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        };
    }

    /// Sends as much as is taken without waiting. Gives how many bytes that was.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let Self::Tls(stream) = self else { panic!("only over TLS") };
        stream.sock.set_nonblocking(true).unwrap();
        let mut taken = 0;
        loop {
            // What waits in TLS already goes first.
            while stream.conn.wants_write() && stream.conn.write_tls(&mut stream.sock).is_ok() {}
            if stream.conn.wants_write() || taken == bytes.len() {
                break;
            }
            taken += stream.conn.writer().write(&bytes[taken..]).unwrap();
        }
        stream.sock.set_nonblocking(false).unwrap();
        taken
    }

    /// The sizes of the TLS records that come until so many bytes have.
    pub fn records(&mut self, bytes: usize) -> Vec<usize> {
        let Self::Tls(stream) = self else { panic!("only over TLS") };
        let mut seen = Vec::new();
        while seen.len() < bytes {
            let mut taken = vec![0; 65_536];
            let count = stream.sock.read(&mut taken).unwrap();
            assert!(count > 0, "the connection is at its end");
            seen.extend_from_slice(&taken[..count]);
        }
        let (mut records, mut at) = (Vec::new(), 0);
        while let Some(head) = seen.get(at..at + 5) {
            records.push(usize::from(u16::from_be_bytes([head[3], head[4]])));
            at += 5 + records.last().unwrap();
        }
        records
    }

    /// Sends a message.
    pub fn send(&mut self, kind: u8, body: &[u8]) {
        self.send_raw(&frame(kind, body));
    }

    /// No more will be sent.
    pub fn half_close(&mut self) {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        let _ = self.socket().shutdown(Shutdown::Write);
    }

    /// One byte; none at the end.
    pub fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.read(&mut byte).then_some(byte[0])
    }

    /// Reads this many bytes, whatever they are.
    pub fn skip(&mut self, count: usize) {
        assert!(self.read(&mut vec![0; count]), "the connection is at its end");
    }

    fn read(&mut self, to: &mut [u8]) -> bool {
        let read = match self {
            Self::Plain(stream) => stream.read_exact(to),
            Self::Tls(stream) => stream.read_exact(to),
        };
        match read {
            Ok(()) => true,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                panic!("nothing came within {ANSWER_MAX:?}")
            }
            Err(_) => false,
        }
    }

    /// The next message.
    pub fn next(&mut self) -> Came {
        let mut head = [0; 5];
        if !self.read(&mut head) {
            return Came::End;
        }
        let length = usize::try_from(i32::from_be_bytes([head[1], head[2], head[3], head[4]])).expect("a length");
        let mut body = vec![0; length - 4];
        if self.read(&mut body) { Came::Frame(head[0], body) } else { Came::End }
    }

    /// The next message is of this kind. Gives its body.
    pub fn expect(&mut self, wanted: u8) -> Vec<u8> {
        match self.next() {
            Came::Frame(kind, body) if kind == wanted => body,
            Came::Frame(b'E', body) => panic!("an error came: {:?}", Report::read(&body)),
            other => panic!("{other:?} came, not {}", char::from(wanted)),
        }
    }

    /// Everything up to the end. It must be nothing, or one error.
    pub fn last_words(&mut self) -> Option<Report> {
        let mut report = None;
        loop {
            match self.next() {
                Came::End => return report,
                Came::Frame(b'E', body) if report.is_none() => report = Some(Report::read(&body)),
                Came::Frame(b'N' | b'S' | b'A', _) => {}
                other => panic!("{other:?} came after {report:?}"),
            }
        }
    }
}

/// A message.
pub fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 4).unwrap();
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

/// A packet without a kind.
pub fn packet(body: &[u8]) -> Vec<u8> {
    frame(0, body).split_off(1)
}

/// A startup packet of this version with these parameters.
pub fn startup(version: i32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for text in parameters.iter().flat_map(|(name, value)| [name, value]) {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    packet(&body)
}

/// A text with its end.
pub fn cstr(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

fn trusting(ca: &Path) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("ca.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_root_certificates(roots).with_no_client_auth()
}

/// An ErrorResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub severity: String,
    pub code: String,
    pub message: String,
    pub hint: String,
}

impl Report {
    pub fn read(body: &[u8]) -> Self {
        let field = |wanted: u8| {
            let mut fields = body.split(|byte| *byte == 0);
            let found = fields.find_map(|field| field.strip_prefix(&[wanted]));
            String::from_utf8_lossy(found.unwrap_or_default()).into_owned()
        };
        Self { severity: field(b'S'), code: field(b'C'), message: field(b'M'), hint: field(b'H') }
    }

    /// It is this error, and says this.
    #[track_caller]
    pub fn says(&self, severity: &str, code: &str, words: &str) {
        assert!(
            self.severity == severity && self.code == code && self.message.contains(words),
            "{severity} {code} with \"{words}\" was awaited, and this came: {self:?}"
        );
    }
}

/// A session.
pub struct Session {
    pub wire: Wire,
    /// What cancels it.
    pub key: Vec<u8>,
}

impl Session {
    /// Logs in with these parameters.
    pub fn try_log_in(weir: &Weir, version: i32, parameters: &[(&str, &str)], token: &str) -> Result<Self, Report> {
        Self::on(Wire::tls(weir), version, parameters, token)
    }

    /// Logs in on this connection.
    pub fn on(mut wire: Wire, version: i32, parameters: &[(&str, &str)], token: &str) -> Result<Self, Report> {
        wire.send_raw(&startup(version, parameters));
        let mut key = Vec::new();
        loop {
            match wire.next() {
                Came::Frame(b'R', body) if body == 3_i32.to_be_bytes() => wire.send(b'p', &cstr(token)),
                Came::Frame(b'R', body) => assert_eq!(body, 0_i32.to_be_bytes()),
                Came::Frame(b'K', body) => key = body,
                Came::Frame(b'S' | b'N', _) => {}
                Came::Frame(b'Z', _) => return Ok(Self { wire, key }),
                Came::Frame(b'E', body) => {
                    assert_eq!(wire.next(), Came::End, "the connection ends with its error");
                    return Err(Report::read(&body));
                }
                other => panic!("{other:?} came during login"),
            }
        }
    }

    /// Logs in, which must succeed.
    pub fn log_in(weir: &Weir, user: &str, target: &str, token: &str) -> Self {
        Self::try_log_in(weir, PROTOCOL_3_0, &[("user", user), ("database", target)], token).expect("a login")
    }

    /// Does not log in, for this reason.
    pub fn refused(weir: &Weir, user: &str, target: &str, token: &str) -> Report {
        let parameters = [("user", user), ("database", target)];
        Self::try_log_in(weir, PROTOCOL_3_0, &parameters, token).err().expect("a refusal")
    }

    /// Asks, without waiting for the answer.
    pub fn ask(&mut self, sql: &str) {
        self.wire.send(b'Q', &cstr(sql));
    }

    /// The answer: its rows, or the error. `None` as the state means that the session is over.
    pub fn answer(&mut self) -> (Result<Vec<Vec<String>>, Report>, Option<u8>) {
        let (mut rows, mut error) = (Vec::new(), None);
        loop {
            match self.wire.next() {
                Came::Frame(b'D', body) => rows.push(cells(&body)),
                Came::Frame(b'E', body) => error = Some(Report::read(&body)),
                Came::Frame(b'Z', body) => return (error.map_or(Ok(rows), Err), Some(body[0])),
                Came::Frame(..) => {}
                Came::End => return (error.map_or(Ok(rows), Err), None),
            }
        }
    }

    /// Runs a statement.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Vec<String>>, Report> {
        self.ask(sql);
        match self.answer() {
            (answer, Some(_)) => answer,
            (answer, None) => panic!("the session is over: {answer:?}"),
        }
    }

    /// The rows of a statement that must succeed.
    pub fn rows(&mut self, sql: &str) -> Vec<Vec<String>> {
        self.query(sql).unwrap_or_else(|report| panic!("{sql}: {report:?}"))
    }

    /// The error of a statement that must fail and leave the session as it is.
    pub fn error(&mut self, sql: &str) -> Report {
        self.query(sql).err().unwrap_or_else(|| panic!("{sql} has succeeded"))
    }
}

/// The cells of a DataRow.
pub fn cells(mut body: &[u8]) -> Vec<String> {
    let mut take = |count: usize| {
        let (taken, rest) = body.split_at(count);
        body = rest;
        taken
    };
    let count = u16::from_be_bytes(take(2).try_into().unwrap());
    let cell = |_| {
        let length = i32::from_be_bytes(take(4).try_into().unwrap());
        let bytes = take(usize::try_from(length).unwrap_or(0));
        String::from_utf8_lossy(bytes).into_owned()
    };
    (0..count).map(cell).collect()
}
