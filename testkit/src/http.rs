//! A few bytes over a socket and back: a client that sends exactly what a test wants, and trusts nothing that it gets.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take at the most.
const WAIT: Duration = Duration::from_secs(30);

/// One answer over HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head, as it came.
    pub head: String,
    /// What follows, as long as the head says.
    pub body: String,
}

impl Answer {
    /// A line of its head.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Connects, with a bound on all that is waited for.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    Ok(stream)
}

/// What this path says.
pub fn get(address: SocketAddr, path: &str) -> io::Result<Answer> {
    let all = send(address, format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())?;
    let mut answers = answers(&all, true)?;
    answers.pop().filter(|_| answers.is_empty()).ok_or_else(|| io::Error::other("not one answer"))
}

/// Sends these bytes, and gives all that comes until the other side closes.
pub fn send(address: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = connect(address)?;
    stream.write_all(bytes)?;
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        // Closed with something of ours unread.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(all),
        read => read.map(|_| all),
    }
}

/// Takes answers apart. `with_bodies` is false for answers to HEAD.
pub fn answers(bytes: &[u8], with_bodies: bool) -> io::Result<Vec<Answer>> {
    let wrong = |what: &str| io::Error::other(format!("{what}: {:?}", String::from_utf8_lossy(bytes)));
    let mut rest = std::str::from_utf8(bytes).map_err(|_| wrong("no text"))?;
    let mut answers = Vec::new();
    while !rest.is_empty() {
        let (head, after) = rest.split_once("\r\n\r\n").ok_or_else(|| wrong("no end of a head"))?;
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|line| line.get(..3)).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| wrong("no status"))?;
        let mut answer = Answer { status, head: head.to_owned(), body: String::new() };
        let length = answer.header("content-length").and_then(|length| length.parse::<usize>().ok());
        let length = length.filter(|_| with_bodies).unwrap_or_default();
        let (body, after) = after.split_at_checked(length).ok_or_else(|| wrong("a body that is cut off"))?;
        body.clone_into(&mut answer.body);
        answers.push(answer);
        rest = after;
    }
    Ok(answers)
}
