//! Receivers of syslog, plain and with TLS, that take frames apart by the letter of RFC 5424 and RFC 6587.

use std::io::{self, Read, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use export::{Order, Pace, SyslogTo, To};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::log::{Arrived, Log, assert_whole, exporter, is_whole, live, name_of, pace, run_until};

/// What a receiver does with a connection.
#[derive(Clone, Copy)]
pub enum Manners {
    /// Reads all, and closes when the other side has.
    Good,
    /// Reads so many bytes, waits so long, and closes with the rest unread.
    Leaves(usize, Duration),
}

/// Starts a receiver; the manners are for its first connections, one each, and later ones are good.
pub fn receive(manners: Vec<Manners>, tls: Option<Arc<ServerConfig>>) -> (To, Arrived) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let arrived = Arrived::default();
    let fill = Arc::clone(&arrived);
    thread::spawn(move || {
        let mut manners = manners.into_iter();
        for stream in listener.incoming() {
            let (stream, manners) = (stream.unwrap(), manners.next().unwrap_or(Manners::Good));
            // One after the other: what comes by an earlier connection is not newer than what comes by a later one.
            match tls.clone() {
                None => read(stream, manners, &fill),
                Some(config) => {
                    let connection = ServerConnection::new(config).unwrap();
                    let mut stream = StreamOwned::new(connection, stream);
                    read(&mut stream, manners, &fill);
                    if let Manners::Good = manners {
                        // RFC 5425, section 4.4.
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                }
            }
        }
    });
    (To::Syslog(SyslogTo { host: "127.0.0.1".into(), port, tls: false, ca: None }), arrived)
}

fn read(mut stream: impl Read, manners: Manners, arrived: &Arrived) {
    let (mut held, mut chunk, mut total) = (Vec::new(), [0; 200], 0);
    loop {
        let count = match stream.read(&mut chunk) {
            Ok(count) => count,
            // The other side was dropped: what it had written before was read.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(_) => return,
        };
        if count == 0 {
            return;
        }
        held.extend_from_slice(&chunk[..count]);
        total += count;
        while let Some((length, json)) = frame(&held) {
            arrived.lock().unwrap().push(name_of(&json));
            held.drain(..length);
        }
        if let Manners::Leaves(after, wait) = manners
            && total >= after
        {
            thread::sleep(wait);
            return;
        }
    }
}

/// Takes one frame off the front, if it is whole: how long it is, and its message.
fn frame(bytes: &[u8]) -> Option<(usize, String)> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let digits = std::str::from_utf8(&bytes[..space]).unwrap();
    assert!(digits.starts_with(|c: char| ('1'..='9').contains(&c)), "MSG-LEN is {digits:?}");
    let length: usize = digits.parse().unwrap();
    let message = bytes.get(space + 1..space + 1 + length)?;
    Some((space + 1 + length, strict(std::str::from_utf8(message).unwrap())))
}

/// A message by the grammar of RFC 5424, section 6; gives its MSG.
fn strict(message: &str) -> String {
    let mut words = message.splitn(7, ' ');
    let mut word = || words.next().unwrap_or_else(|| panic!("too short: {message}"));
    let (priority, time, host, app, process, event, rest) = (word(), word(), word(), word(), word(), word(), word());
    let event_name = event;
    let is_refusal = event == "decided";
    assert_eq!(priority, if is_refusal { "<108>1" } else { "<110>1" }, "{message}");
    assert!(time.len() == 27 && time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok(), "TIMESTAMP: {message}");
    for (name, word, max) in
        [("HOSTNAME", host, 255), ("APP-NAME", app, 48), ("PROCID", process, 128), ("MSGID", event, 32)]
    {
        assert!((1..=max).contains(&word.len()) && word.bytes().all(|b| (33..=126).contains(&b)), "{name}: {message}");
    }
    assert_eq!((app, process), ("weir", std::process::id().to_string().as_str()));
    let mut rest = rest.strip_prefix("[weir@32473").unwrap_or_else(|| panic!("SD-ID: {message}"));
    let mut parameters = Vec::new();
    while let Some(parameter) = rest.strip_prefix(' ') {
        let (name, value) = parameter.split_once("=\"").unwrap();
        assert!(
            (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase()),
            "PARAM-NAME: {message}"
        );
        let (mut plain, mut chars) = (String::new(), value.char_indices());
        rest = loop {
            match chars.next().unwrap_or_else(|| panic!("PARAM-VALUE: {message}")) {
                (at, '"') => break &value[at + 1..],
                (_, '\\') => plain.push(chars.next().map(|(_, c)| c).filter(|c| "\"\\]".contains(*c)).unwrap()),
                (_, ']') => panic!("an open bracket: {message}"),
                (_, c) => plain.push(c),
            }
        };
        parameters.push((name.to_owned(), plain));
    }
    let json = rest.strip_prefix("] ").unwrap_or_else(|| panic!("MSG: {message}"));
    let (lane, seq) = name_of(json);
    let mut expected = vec![("session".to_owned(), format!("0198-{lane}")), ("op".to_owned(), seq.to_string())];
    expected.extend((event_name == "decided").then(|| ("ruling".to_owned(), "deny".to_owned())));
    expected.push(("seq".to_owned(), format!("{lane}:{seq}")));
    assert_eq!(parameters, expected, "{message}");
    json.to_owned()
}

/// A certificate for 127.0.0.1, and who vouches for it.
pub fn certificate(folder: &Path) -> (Arc<ServerConfig>, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(made.cert.der().to_vec())], key)
        .unwrap();
    (Arc::new(config), ca)
}

/// The same receiver, spoken to with TLS.
pub fn with_tls(to: To, ca: Option<PathBuf>) -> To {
    match to {
        To::Syslog(to) => To::Syslog(SyslogTo { tls: true, ca, ..to }),
        other => other,
    }
}

#[test]
fn a_receiver_that_leaves_in_the_middle_loses_nothing() {
    let leaves: Vec<_> =
        (0..6).map(|n| Manners::Leaves(1 + n * 777, Duration::from_millis(if n % 2 == 0 { 0 } else { 300 }))).collect();
    for is_tls in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (config, ca) = certificate(folder.path());
        let (to, arrived) = receive(leaves.clone(), is_tls.then_some(config));
        let to = if is_tls { with_tls(to, Some(ca)) } else { to };
        let log = Log::of(120);
        // Nothing more comes after the last: that it is lost must be seen by itself.
        run_until(exporter(&log, &to, folder.path(), pace()), |_| is_whole(&log, &arrived));
        assert_whole(&log, &arrived.lock().unwrap(), if is_tls { "TLS" } else { "plain" });
    }
}

#[test]
fn who_is_not_vouched_for_gets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (config, _) = certificate(folder.path());
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let (_, other_ca) = certificate(&other);
    let (to, arrived) = receive(Vec::new(), Some(config));
    let to = with_tls(to, Some(other_ca));
    let mut said = String::new();
    run_until(exporter(&Log::of(3), &to, folder.path(), pace()), |status| {
        said = status.failing.clone().unwrap_or_default();
        status.failures > 2
    });
    assert!(said.contains("127.0.0.1 port") && said.contains("certificate"), "{said}");
    assert_eq!(arrived.lock().unwrap().len(), 0);
}

#[test]
fn one_that_ends_in_good_order_sends_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (config, ca) = certificate(folder.path());
    for is_tls in [false, true] {
        let (to, arrived) = receive(Vec::new(), is_tls.then(|| Arc::clone(&config)));
        let to = if is_tls { with_tls(to, Some(ca.clone())) } else { to };
        let cursors = folder.path().join(format!("export-{is_tls}"));
        let log = Log::of(50);
        // It would take a minute to settle.
        let pace = Pace { settle: Duration::from_secs(60), ..pace() };
        for more in [0, 4, 0] {
            log.grow(more);
            assert!(live(exporter(&log, &to, &cursors, pace), usize::MAX, Order::Finish));
        }
        let arrived = arrived.lock().unwrap();
        assert_whole(&log, &arrived, "finished");
        assert_eq!(arrived.len(), 54, "{arrived:?}");
    }
}
