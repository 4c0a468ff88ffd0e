//! The server by what goes over its socket: right requests, wrong ones, slow ones, and too many.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use api::{CONNECTIONS_MAX, Figures, Log, METRICS, Recordings, Server, Target, Timestamp};
use testkit::http::{answers, connect, get, send};
use testkit::prometheus::Scraped;

fn figures() -> Figures {
    let target = |name: &str, reached| Target { name: name.to_owned(), reached, open: 3, ..Target::default() };
    Figures {
        version: "1.2.3".to_owned(),
        started: Timestamp(1_795_000_000_500_000),
        now: Timestamp(1_795_000_100_000_000),
        listens: true,
        log: Log {
            records: 7,
            unsigned: Some(2),
            checkpoint_at: Some(Timestamp(1_795_000_099_750_000)),
            ..Log::default()
        },
        recordings: Some(Recordings::default()),
        targets: vec![target("orders", Some(true)), target("users", None)],
        ..Figures::default()
    }
}

fn server() -> Server {
    serving(figures)
}

fn serving(figures: impl Fn() -> Figures + Send + Sync + 'static) -> Server {
    Server::start(TcpListener::bind("127.0.0.1:0").unwrap(), figures).unwrap()
}

/// All that comes until the connection ends, whatever it is.
fn rest_of(mut stream: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    all
}

#[test]
fn each_path_has_its_answer() {
    let server = server();
    let health = get(server.address(), "/healthz").unwrap();
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    let ready = get(server.address(), "/readyz").unwrap();
    assert_eq!((ready.status, ready.header("content-type")), (200, Some("application/json")));
    assert_eq!(ready.body, "{\"ready\":true,\"reasons\":[],\"unreachable_targets\":[]}\n");
    let metrics = get(server.address(), "/metrics?x=y").unwrap();
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(metrics.header("cache-control"), Some("no-store"));
    let scraped = Scraped::read(&metrics.body).unwrap();
    assert_eq!(scraped.families.len(), METRICS.len());
    assert_eq!(scraped.value("weir_build_info", Some(("version", "1.2.3"))), Some(1.0));
    assert_eq!(scraped.value("process_start_time_seconds", None), Some(1_795_000_000.5));
    assert_eq!(scraped.value("weir_log_checkpoint_age_seconds", None), Some(0.25));
    assert_eq!(scraped.value("weir_sessions_open", Some(("target", "orders"))), Some(3.0));
    assert_eq!(scraped.value("weir_target_reachable", Some(("target", "orders"))), Some(1.0));
    assert_eq!(scraped.value("weir_target_reachable", Some(("target", "users"))), None);
}

#[test]
fn what_is_not_ready_says_why() {
    let log = Log { is_down: true, ..Log::default() };
    let server = serving(move || Figures { stopping: true, log, ..figures() });
    let ready = get(server.address(), "/readyz").unwrap();
    assert_eq!(ready.status, 503);
    assert!(ready.body.starts_with("{\"ready\":false,\"reasons\":[{\"reason\":\"stopping\","), "{}", ready.body);
    assert!(ready.body.contains("{\"reason\":\"log_down\","), "{}", ready.body);
    assert_eq!(get(server.address(), "/healthz").unwrap().status, 200);
    assert_eq!(get(server.address(), "/metrics").unwrap().status, 200);
}

#[test]
fn only_what_is_there_can_be_read_and_nothing_can_be_written() {
    let server = server();
    let ask = |method: &str, path: &str| {
        let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let all = send(server.address(), request.as_bytes()).unwrap();
        answers(&all, method != "HEAD").unwrap().remove(0)
    };
    for path in ["/", "/metrics/", "/Metrics", "//metrics", "/metrics/../healthz", "/%6detrics", "/readyz.json"] {
        assert_eq!(ask("GET", path).status, 404, "{path}");
        assert_eq!(ask("POST", path).status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "FETCH"] {
        let answer = ask(method, "/metrics");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    // HEAD is GET without its body.
    let (head, whole) = (ask("HEAD", "/metrics"), get(server.address(), "/metrics").unwrap());
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), Some(whole.body.len().to_string().as_str()));
    assert_eq!(ask("HEAD", "/nothing").status, 404);
}

#[test]
fn what_is_no_request_is_refused() {
    let server = server();
    let long_line = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(20_000));
    let long_head = format!("GET /metrics HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(20_000));
    let many = format!("GET /metrics HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(100));
    let tls: &[u8] = b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n";
    let cases: [(&[u8], &[u16]); 10] = [
        (b"nonsense\r\n\r\n", &[400]),
        (b"GET /metrics\r\n\r\n", &[400]),
        (b"GET /metrics HTTP/9.9\r\n\r\n", &[400]),
        (b"GET /met\0rics HTTP/1.1\r\n\r\n", &[400]),
        (b"GET /metrics HTTP/1.1\r\nhost x\r\n\r\n", &[400]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[400]),
        (tls, &[400]),
        (long_line.as_bytes(), &[414, 431]),
        (long_head.as_bytes(), &[431]),
        (many.as_bytes(), &[431]),
    ];
    for (request, expected) in cases {
        let all = send(server.address(), request).unwrap();
        let shown = String::from_utf8_lossy(request.get(..60).unwrap_or(request)).into_owned();
        // Closed without a word is as good.
        for answer in answers(&all, true).unwrap() {
            assert!(expected.contains(&answer.status), "{shown:?}: {}", answer.head);
        }
        assert_eq!(get(server.address(), "/healthz").unwrap().status, 200, "after {shown:?}");
    }
}

#[test]
fn requests_in_one_flight_are_answered_in_order() {
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let server = serving(move || {
        let n = counted.fetch_add(1, Ordering::Relaxed);
        Figures { strangers_rejected: n, ..figures() }
    });
    let one = "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n";
    let last = "GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let all = send(server.address(), (one.repeat(50) + last).as_bytes()).unwrap();
    let answers = answers(&all, true).unwrap();
    assert_eq!(answers.len(), 51);
    for (n, answer) in (0_u32..50).zip(&answers) {
        let scraped = Scraped::read(&answer.body).unwrap();
        assert_eq!(scraped.value("weir_strangers_rejected_total", None), Some(f64::from(n)));
    }
    assert_eq!(answers[50].status, 404);
    assert_eq!(asked.load(Ordering::Relaxed), 50);
}

#[test]
fn who_is_slow_is_cut_off_and_holds_up_nobody() {
    let server = server();
    let begun = Instant::now();
    let mut half = connect(server.address()).unwrap();
    half.write_all(b"GET /metrics HTTP/1.1\r\nhost").unwrap();
    let silent = connect(server.address()).unwrap();
    // One that has been answered once, and then says nothing.
    let mut idle = connect(server.address()).unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert_eq!(get(server.address(), "/healthz").unwrap().status, 200);
    assert!(begun.elapsed() < Duration::from_secs(4), "held up by the slow");
    // Byte by byte does not buy time.
    let mut drip = connect(server.address()).unwrap();
    let dripping = std::thread::spawn(move || {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) && drip.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
        begun.elapsed()
    });
    for (name, stream) in [("half", half), ("silent", silent), ("idle", idle)] {
        let said = rest_of(stream);
        let took = begun.elapsed();
        assert!((4..12).contains(&took.as_secs()), "{name} was closed after {took:?}");
        let answers = answers(&said, true).unwrap();
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert!(
            statuses.iter().all(|status| *status == if name == "idle" { 200 } else { 408 }),
            "{name}: {statuses:?}"
        );
    }
    let dripped = dripping.join().unwrap();
    assert!(dripped < Duration::from_secs(12), "byte by byte it lasted {dripped:?}");
}

/// A connection that was answered: so it has its seat.
fn seated(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = connect(address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").ok()?;
    let mut first = [0; 12];
    stream.read_exact(&mut first).ok()?;
    (&first == b"HTTP/1.1 200").then_some(stream)
}

#[test]
fn there_are_seats_for_so_many_and_no_more() {
    let server = server();
    let seats: Vec<_> = (0..CONNECTIONS_MAX).map(|_| seated(server.address()).unwrap()).collect();
    for _ in 0..3 {
        let said = rest_of(connect(server.address()).unwrap());
        let answers = answers(&said, true).unwrap();
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [503]);
    }
    drop(seats);
    testkit::wait_until(Duration::from_secs(5), "a seat", || seated(server.address()).is_some()).unwrap();
}

#[test]
fn a_server_that_is_dropped_closes_all() {
    let server = server();
    let address = server.address();
    let open = seated(address).unwrap();
    drop(server);
    rest_of(open);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn who_reads_nothing_does_not_fill_memory_nor_hold_the_thread() {
    let server = server();
    let mut greedy = connect(server.address()).unwrap();
    greedy.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let requests = "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    // Until nothing more is taken: what is answered and not read stops what is asked.
    let mut flights = 0;
    while greedy.write_all(requests.as_bytes()).is_ok() {
        flights += 1;
        assert!(flights < 1000, "all of it is taken, and all answers are kept somewhere");
    }
    let begun = Instant::now();
    assert_eq!(get(server.address(), "/healthz").unwrap().status, 200);
    assert!(begun.elapsed() < Duration::from_secs(4));
}
