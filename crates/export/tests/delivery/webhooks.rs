//! Webhooks: signed, retried, bounded.

use std::time::Duration;

use aws_lc_rs::hmac;
use export::{Body, Exporter, Order, Pace, Secret, Settings, To, WebhookTo};
use model::Sensitive;

use crate::http::{Answer, Requests, Taken, serve};
use crate::log::{Log, assert_whole, exporter, live, name_of, pace, run_until};

/// A receiver at this port.
pub fn to(port: u16, body: Body) -> To {
    let secret = Secret::new(|| Ok(Sensitive::new("whsec".to_owned())));
    let url = export::location(&format!("http://127.0.0.1:{port}/hook?from=weir")).unwrap();
    To::Webhook(WebhookTo { url, secret, body, ca: None })
}

/// What arrived in requests that were taken.
pub fn taken(requests: &Requests) -> Vec<(u16, u64)> {
    requests.lock().unwrap().iter().filter(|request| request.is_taken).flat_map(records).collect()
}

fn records(request: &Taken) -> Vec<(u16, u64)> {
    match request.body.strip_prefix('[') {
        None => request.body.lines().map(name_of).collect(),
        Some(_) => {
            let records: Vec<serde_json::Value> = serde_json::from_str(&request.body).unwrap();
            records.iter().map(|record| name_of(&record.to_string())).collect()
        }
    }
}

fn is_whole(log: &Log, requests: &Requests) -> bool {
    let taken = taken(requests);
    log.entries().iter().all(|entry| taken.contains(&(entry.lane, entry.seq)))
}

#[test]
fn a_receiver_that_fails_in_every_way_gets_all_in_the_end() {
    let bad = [
        Answer::Status("500 Internal Server Error"),
        Answer::Status("429 Too Many Requests"),
        Answer::Status("302 Found"),
        Answer::Status("401 Unauthorized"),
        // Longer than any test may take.
        Answer::Stall(Duration::from_secs(120)),
        Answer::Close,
        Answer::CloseEarly,
        Answer::BreakOff,
    ];
    // Each of them at the beginning, and each again after something was taken.
    let answers = bad.iter().copied().chain(bad.iter().flat_map(|bad| [Answer::Ok, *bad])).collect();
    for body in [Body::Lines, Body::Array] {
        let (port, requests) = serve(Vec::clone(&answers));
        let folder = tempfile::tempdir().unwrap();
        let log = Log::of(80);
        let mut failures = 0;
        run_until(exporter(&log, &to(port, body), folder.path(), pace()), |status| {
            failures = status.failures;
            is_whole(&log, &requests)
        });
        assert_whole(&log, &taken(&requests), "taken");
        assert_eq!(failures, 16);
        let requests = requests.lock().unwrap();
        for request in requests.iter() {
            check(request, body);
        }
        // The same body has the same key, and no other has.
        for one in requests.iter() {
            for other in requests.iter() {
                let keys = (&one.head["idempotency-key"], &other.head["idempotency-key"]);
                assert_eq!(one.body == other.body, keys.0 == keys.1, "{keys:?}");
            }
        }
    }
}

fn check(request: &Taken, body: Body) {
    let head = |name: &str| request.head[name].as_str();
    let media = if body == Body::Lines { "application/x-ndjson" } else { "application/json" };
    assert_eq!((head("content-type"), head("user-agent")), (media, "weir"));
    let records = records(request);
    let name = |at: Option<&(u16, u64)>| at.map(|(lane, seq)| format!("{lane}:{seq}")).unwrap();
    assert_eq!((head("weir-first"), head("weir-last")), (&*name(records.first()), &*name(records.last())));
    assert!(head("idempotency-key").starts_with(&format!("{}-{}-", head("weir-first"), head("weir-last"))));
    assert!(records.len() <= 4 && (request.body.len() <= 620 || records.len() == 1), "{}", request.body.len());
    // As a receiver would.
    let (time, sign) = head("weir-signature").strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let age = jiff::Timestamp::now().as_second() - time.parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{age}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"whsec");
    let sign: Vec<u8> =
        (0..sign.len()).step_by(2).map(|at| u8::from_str_radix(&sign[at..at + 2], 16).unwrap()).collect();
    hmac::verify(&key, format!("{time}.{}", request.body).as_bytes(), &sign).unwrap();
}

#[test]
fn another_body_between_the_same_places_has_another_key() {
    let (port, requests) = serve(vec![Answer::Close]);
    let folder = tempfile::tempdir().unwrap();
    let log = Log::of(6);
    // The first and the last of six are wanted also by who does not want all.
    for events in [None, Some(["decided".to_owned()].into())] {
        let settings = Settings { name: "siem".into(), to: to(port, Body::Lines), events, pace: pace() };
        let pace = Pace { batch_records_max: 9, batch_bytes_max: 9000, ..pace() };
        let new = Exporter::new(Settings { pace, ..settings }, folder.path(), log.source()).unwrap();
        assert!(live(new, usize::MAX, Order::Finish));
    }
    let requests = requests.lock().unwrap();
    let [all, some] = &requests[..] else { panic!("{requests:?}") };
    for same in ["weir-first", "weir-last"] {
        assert_eq!(all.head[same], some.head[same]);
    }
    assert_ne!(all.head["idempotency-key"], some.head["idempotency-key"]);
}

#[test]
fn how_far_behind_it_is_is_told_and_others_go_on() {
    let (port, requests) = serve(vec![Answer::Status("503 Service Unavailable"); 40]);
    let folder = tempfile::tempdir().unwrap();
    let log = Log::of(30);
    let file = folder.path().join("out.jsonl");
    // Both on one runtime here: what is down only waits.
    let down = exporter(&log, &to(port, Body::Lines), &folder.path().join("down"), pace());
    let up = exporter(&log, &To::File(file.clone()), &folder.path().join("up"), pace());
    let (watch_up, mut seen) = (up.watch(), None);
    let (_orders, ordered) = tokio::sync::watch::channel(export::Order::Run);
    let up = up.run(ordered);
    let both = async {
        let watch_down = down.watch();
        let (_orders, ordered) = tokio::sync::watch::channel(export::Order::Run);
        tokio::select! {
            () = up => {}
            () = down.run(ordered) => {}
            () = async {
                loop {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    let (up, down) = (watch_up(), watch_down());
                    if up.delivered == 30 && up.since.is_none() && down.failing.is_some() && seen.is_none() {
                        seen = Some((up, down.clone()));
                    }
                    if down.delivered == 30 && down.behind == 0 && down.since.is_none() && down.failing.is_none() {
                        break;
                    }
                }
            } => {}
        }
    };
    crate::log::block_on(both);
    let (up, down) = seen.unwrap();
    assert_eq!((up.behind, up.failing), (0, None));
    assert_eq!((down.behind, down.since, down.delivered), (30, Some(log.entries()[0].at), 0));
    assert!(down.failing.unwrap().contains("503"));
    assert_whole(&log, &taken(&requests), "at last");
}

#[test]
fn a_secret_that_cannot_be_had_is_said_and_rotates() {
    let (port, requests) = serve(Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let asked = std::sync::atomic::AtomicU32::new(0);
    let secret = Secret::new(move || match asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0..3 => Err("the file hook.key can't be read".to_owned()),
        _ => Ok(Sensitive::new("whsec".to_owned())),
    });
    let To::Webhook(webhook) = to(port, Body::Lines) else { panic!() };
    let (log, mut said) = (Log::of(3), None);
    let to = To::Webhook(WebhookTo { secret, ..webhook });
    let pace = Pace { retry_first: Duration::from_millis(40), ..pace() };
    run_until(exporter(&log, &to, folder.path(), pace), |status| {
        said = said.take().or(status.failing.clone());
        is_whole(&log, &requests)
    });
    assert_eq!(said.as_deref(), Some("the file hook.key can't be read"));
}
