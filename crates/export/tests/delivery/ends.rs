//! Exporters that are ended in any moment, and started again: nothing is left out, and the order holds.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use export::{Body, Order, Pace, To};

use crate::http::{Answer, serve};
use crate::log::{Log, assert_whole, exporter, live, name_of, pace};
use crate::syslog::{Manners, certificate, receive, with_tls};
use crate::webhooks;

/// The longest that one lives before the last, in polls.
const POLLS_MAX: usize = 24;

/// Ends exporters after so many polls, one after the other, and lets the last one deliver what is left.
fn ended_after(polls: usize, to: &To, pace: Pace) -> Log {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::of(40);
    let pace = Pace { poll: Duration::from_millis(1), ..pace };
    for _ in 0..6 {
        live(exporter(&log, to, folder.path(), pace), polls, Order::Run);
        log.grow(5);
    }
    // It gives up where something fails, and is started again.
    for _ in 0..200 {
        let last = exporter(&log, to, folder.path(), pace);
        let status = last.watch();
        assert!(live(last, usize::MAX, Order::Finish));
        if status().failing.is_none() {
            return log;
        }
    }
    panic!("it never ends in good order");
}

#[test]
fn webhooks() {
    for polls in 1..=POLLS_MAX {
        for bad in [Answer::Ok, Answer::Close, Answer::Status("500 Oops"), Answer::BreakOff] {
            let answers = (0..20).flat_map(|_| [Answer::Ok, bad]).collect();
            let (port, requests) = serve(answers);
            let log = ended_after(polls, &webhooks::to(port, Body::Lines), pace());
            assert_whole(&log, &webhooks::taken(&requests), &format!("{bad:?} after {polls}"));
        }
    }
}

#[test]
fn syslog() {
    let folder = tempfile::tempdir().unwrap();
    let (config, ca) = certificate(folder.path());
    for polls in 1..=POLLS_MAX {
        for is_tls in [false, true] {
            for manners in [Vec::new(), (0..5).map(|n| Manners::Leaves(n * 500, Duration::ZERO)).collect()] {
                let (to, arrived) = receive(manners, is_tls.then(|| Arc::clone(&config)));
                let to = if is_tls { with_tls(to, Some(ca.clone())) } else { to };
                let log = ended_after(polls, &to, pace());
                assert_whole(&log, &arrived.lock().unwrap(), &format!("TLS {is_tls} after {polls}"));
            }
        }
    }
}

#[test]
fn files() {
    for polls in 1..=POLLS_MAX {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let log = ended_after(polls, &To::File(path.clone()), pace());
        let arrived: Vec<_> = fs::read_to_string(&path).unwrap().lines().map(name_of).collect();
        assert_whole(&log, &arrived, &format!("after {polls}"));
    }
}
