//! A server of HTTP that can be as bad as it is told to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is done with a request that was read.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// It is taken.
    Ok,
    /// This is answered.
    Status(&'static str),
    /// Nothing is answered for so long.
    Stall(Duration),
    /// The connection is closed without an answer.
    Close,
    /// The answer is begun with 200, and breaks off.
    BreakOff,
    /// The connection is closed before the request is read to its end.
    CloseEarly,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Taken {
    pub head: BTreeMap<String, String>,
    pub body: String,
    pub is_taken: bool,
}

pub type Requests = Arc<Mutex<Vec<Taken>>>;

/// Starts one; the answers are for its first requests, and later ones are taken. Gives its port.
pub fn serve(answers: Vec<Answer>) -> (u16, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Requests::default();
    let (fill, answers) = (Arc::clone(&requests), Arc::new(Mutex::new(answers.into_iter())));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (fill, answers) = (Arc::clone(&fill), Arc::clone(&answers));
            let stream = stream.unwrap();
            thread::spawn(move || {
                let mut input = BufReader::new(stream.try_clone().unwrap());
                while request(&mut input, &stream, &fill, || answers.lock().unwrap().next().unwrap_or(Answer::Ok))
                    .is_some()
                {}
            });
        }
    });
    (port, requests)
}

/// Whether another may come on the same connection.
fn request(
    input: &mut BufReader<TcpStream>,
    mut stream: &TcpStream,
    requests: &Requests,
    answer: impl FnOnce() -> Answer,
) -> Option<()> {
    let mut line = String::new();
    input.read_line(&mut line).ok().filter(|count| *count > 0)?;
    assert_eq!(line, "POST /hook?from=weir HTTP/1.1\r\n");
    let answer = answer();
    let mut head = BTreeMap::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        head.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    if let Answer::CloseEarly = answer {
        return None;
    }
    let mut body = vec![0; head["content-length"].parse().unwrap()];
    input.read_exact(&mut body).ok()?;
    let is_taken = matches!(answer, Answer::Ok);
    requests.lock().unwrap().push(Taken { head, body: String::from_utf8(body).unwrap(), is_taken });
    match answer {
        Answer::Ok => stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok(),
        Answer::Status(status) => stream
            .write_all(format!("HTTP/1.1 {status}\r\nlocation: /elsewhere\r\ncontent-length: 2\r\n\r\nno").as_bytes())
            .ok(),
        Answer::Stall(time) => {
            thread::sleep(time);
            None
        }
        Answer::BreakOff => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf an ans");
            None
        }
        Answer::Close | Answer::CloseEarly => None,
    }
}
