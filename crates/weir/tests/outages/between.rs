//! A target that turns hostile: a real server, and before it something that speaks in its place where it is told to.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use crate::wire::frame;

/// What a text is marked with that the server shall not get: `/*hostile:NAME*/`.
const MARK: &str = "/*hostile:";

/// Speaks in the server's place. What it was asked for has this name.
pub trait Speak: Fn(&str, &mut TcpStream) + Send + Sync + 'static {}

impl<F: Fn(&str, &mut TcpStream) + Send + Sync + 'static> Speak for F {}

/// Stands before the server of this port. Gives the port that it listens on.
pub fn before(server: u16, speak: impl Speak) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let speak: Arc<dyn Speak> = Arc::new(speak);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), speak) = (stream, Arc::clone(&speak)) else { return };
            // Either side may leave at any moment.
            thread::spawn(move || serve(stream, server, &*speak));
        }
    });
    port
}

fn serve(mut weir: TcpStream, server: u16, speak: &dyn Speak) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", server))?;
    weir.set_nodelay(true)?;
    let (mut answers, mut to_weir) = (server.try_clone()?, weir.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut answers, &mut to_weir);
        to_weir.shutdown(Shutdown::Both)
    });
    let pumped = pump(&mut weir, &mut server, speak);
    let _ = server.shutdown(Shutdown::Both);
    let _ = weir.shutdown(Shutdown::Both);
    pumped
}

fn pump(weir: &mut TcpStream, server: &mut TcpStream, speak: &dyn Speak) -> io::Result<()> {
    let mut head = [0; 4];
    weir.read_exact(&mut head)?;
    let mut first = vec![0; usize::try_from(u32::from_be_bytes(head)).unwrap() - 4];
    weir.read_exact(&mut first)?;
    server.write_all(&[&head[..], &first].concat())?;
    if holds(&first, "weir catalog") || first.starts_with(&80_877_102_i32.to_be_bytes()) {
        return io::copy(weir, server).map(drop);
    }
    // What a batch was asked for that is answered at its end.
    let mut asked: Option<String> = None;
    loop {
        let mut head = [0; 5];
        weir.read_exact(&mut head)?;
        let mut body = vec![0; usize::try_from(u32::from_be_bytes([head[1], head[2], head[3], head[4]])).unwrap() - 4];
        weir.read_exact(&mut body)?;
        if matches!(head[0], b'Q' | b'P') && holds(&body, MARK) {
            let text = String::from_utf8_lossy(&body).into_owned();
            asked = text.split_once(MARK).and_then(|(_, rest)| rest.split_once("*/")).map(|(name, _)| name.to_owned());
        }
        match &asked {
            None => server.write_all(&frame(head[0], &body))?,
            Some(name) if matches!(head[0], b'Q' | b'S' | b'H') => {
                speak(name, weir);
                asked = None;
            }
            Some(_) => {}
        }
    }
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|part| part == word.as_bytes())
}
