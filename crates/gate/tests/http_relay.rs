//! A second, unlike user of the gate: a small HTTP relay, framed by hyper. It proves that nothing in `gate`, `model`,
//! `policy` and `redact` is shaped like PostgreSQL: operations are requests, parts are routes, fields are JSON keys, the
//! upstream is a client handle, and the flows of one session run side by side.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and all of this file is one")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use gate::{
    Arrival, Event, Frame, Gate, Keys, Ledger, LedgerDown, Opening, Outcome, Record, Recorder, RecorderDown, Recording,
    Released, Ruling, Session, ShapeKey, Shown, Step, Upstream,
};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use model::{
    ActionDef, ActionGroup, ActionId, Ask, Certainty, ClassId, CredentialId, Field, Holds, LogText, Object, Operation,
    Part, PartKind, Principal, PrincipalKind, RecordingLevel, SessionId, Shape, Target, TargetId, TypeTag, UnixMicros,
    Value, Vocabulary, Wording,
};
use policy::{Known, Policies, SourceFile};
use redact::{CellCodec, show};
use tokio::net::{TcpListener, TcpStream};

// ---- the protocol: words, interpretation, cells ----

const fn action(id: &'static str, group: ActionGroup) -> ActionDef {
    ActionDef { id: ActionId(id), group, on: &["Route"], context: &[], never: None, doc: "a request" }
}

static VOCABULARY: Vocabulary = Vocabulary {
    protocol: "http",
    actions: &[
        action("get", ActionGroup::Read),
        action("post", ActionGroup::Write),
        action("delete", ActionGroup::Write),
    ],
    parts: &[PartKind { name: "Route", attrs: &[], doc: "a path" }],
};

const POLICIES: &str = r#"
@id("use")   permit (principal in Group::"apps", action in [Action::"connect", Action::"read", Action::"write"], resource);
@id("mail")  permit (principal in Group::"apps", action == Action::"see_partial", resource in Class::"pii.email");
@id("keep")  @message("Nothing is deleted here.") forbid (principal, action == Action::"delete", resource);
"#;

fn route(path: &str) -> Part {
    Part { kind: "Route", name: path.into(), attrs: Vec::new() }
}

fn field(path: &str, key: &str, class: &str) -> Field {
    Field { part: route(path), name: key.into(), class: ClassId::parse(class).unwrap(), sealed: false }
}

/// What the relay knows of `/customer`: its classified keys.
fn classified(path: &str) -> Vec<Field> {
    match path {
        "/customer" => vec![field(path, "email", "pii.email"), field(path, "ssn", "pii.national_id")],
        _ => Vec::new(),
    }
}

fn interpret(request: &Request<Full<Bytes>>, gate: &Gate) -> (Wording, Operation) {
    let path = request.uri().path();
    let (certainty, verb) = match *request.method() {
        Method::GET => (Certainty::Exact, "get"),
        Method::POST => (Certainty::Exact, "post"),
        Method::DELETE => (Certainty::Exact, "delete"),
        ref other => (Certainty::Opaque(format!("method {other} is not known")), "get"),
    };
    let text = format!("{} {path}", request.method());
    let asks = [Object::Target, Object::Part(route(path))].map(|object| Ask::new(ActionId(verb), object));
    let operation = Operation {
        asks: asks.into(),
        certainty,
        touches: classified(path),
        touches_unknown: false,
        lowering: Vec::new(),
    };
    (Wording { digest: gate.digest([text.as_bytes()]), text: LogText(text.into()), bound: None }, operation)
}

/// JSON strings and everything else; what is written is JSON.
struct JsonCells;

impl CellCodec for JsonCells {
    type Wire = ();
    fn read<'a>(&self, (): (), bytes: &'a [u8]) -> Option<Value<'a>> {
        serde_json::from_slice::<String>(bytes).ok().map(|text| Value::Text(text.into()))
    }
    fn write(&self, (): (), value: &Value<'_>, out: &mut Vec<u8>) -> bool {
        let Value::Text(text) = value else { return false };
        serde_json::to_writer(out, text).is_ok()
    }
}

fn redact_object(
    session: &Session,
    plan: &redact::Plan,
    object: &serde_json::Map<String, serde_json::Value>,
) -> (Vec<u8>, u64) {
    let mut masked = 0;
    let mut out = b"{".to_vec();
    for (at, ((key, value), plan)) in object.iter().zip(plan.fields()).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, key).unwrap();
        out.push(b':');
        let cell = serde_json::to_vec(value).unwrap();
        match show(&JsonCells, (), &cell, plan, session.tokens(), &mut out) {
            redact::Shown::Same => out.extend_from_slice(&cell),
            redact::Shown::Written => masked += 1,
            redact::Shown::Null => {
                masked += 1;
                out.extend_from_slice(b"null");
            }
        }
    }
    out.push(b'}');
    (out, masked)
}

// ---- the relay: thin ----

struct Relay {
    session: Session,
    upstream: tokio::sync::Mutex<Upstream<SendRequest<Full<Bytes>>>>,
}

const NOW: UnixMicros = UnixMicros(1_800_000_000_000_000);

impl Relay {
    async fn handle(&self, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let key = ShapeKey::of([request.method().as_str().as_bytes(), path.as_bytes()]);
        let (wording, operation) = interpret(&request, self.session.gate());
        let verdict = self.session.decide(Step("request"), key, wording, NOW, request, || operation);
        let released = match self.session.commit(NOW, vec![verdict]) {
            Ok(mut released) => released.pop().unwrap(),
            Err(down) => return answer(StatusCode::SERVICE_UNAVAILABLE, down.to_string()),
        };
        let permit = match released {
            Released::Forward(permit) => permit,
            Released::Refuse(refusal, _) => return answer(StatusCode::FORBIDDEN, refusal.message),
        };
        let (mut flow, sent) = self.upstream.lock().await.begin(permit, |client, request| client.send_request(request));
        let Ok(response) = sent.await else { return answer(StatusCode::BAD_GATEWAY, "lost".into()) };
        let status = response.status();
        let Ok(body) = response.into_body().collect().await else {
            return answer(StatusCode::BAD_GATEWAY, "lost".into());
        };
        let body = body.to_bytes();
        let Ok(object) = serde_json::from_slice::<serde_json::Map<_, _>>(&body) else {
            flow.finish(Outcome::Failed("not JSON".into()), NOW);
            return answer(StatusCode::BAD_GATEWAY, "not JSON".into());
        };
        let known = classified(&path);
        let holds: Vec<Holds> = object
            .keys()
            .map(|key| known.iter().find(|field| field.name == *key).map_or(Holds::Plain, |f| Holds::Copy(f.clone())))
            .collect();
        let plan = flow.shape(&holds, &mut None, NOW);
        let (shown, masked) = redact_object(&self.session, &plan.shown, &object);
        flow.shown(Shown { rows: 1, bytes: u64::try_from(shown.len()).unwrap(), masked });
        flow.finish(Outcome::Done, NOW);
        let mut response = Response::new(Full::new(Bytes::from(shown)));
        *response.status_mut() = status;
        response
    }
}

fn answer(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
}

// ---- a ledger in memory, and a real HTTP server behind the relay ----

#[derive(Default)]
struct Memory {
    records: parking_lot::Mutex<Vec<Record>>,
    down: AtomicBool,
}

impl Ledger for Memory {
    fn stands(&self) -> Result<(), LedgerDown> {
        self.append(&[])
    }
    fn append(&self, records: &[Record]) -> Result<(), LedgerDown> {
        if self.down.load(Ordering::SeqCst) {
            return Err(LedgerDown("no space left on device".into()));
        }
        self.records.lock().extend_from_slice(records);
        Ok(())
    }
    fn note(&self, record: Record) {
        self.records.lock().push(record);
    }
}

impl Memory {
    fn decided(&self) -> Vec<(Ruling, String)> {
        let records = self.records.lock();
        let decided = records.iter().filter_map(|record| match &record.event {
            Event::Decided(decided) => Some((decided.ruling, decided.text.0.to_string())),
            _ => None,
        });
        decided.collect()
    }

    fn ended(&self) -> Vec<gate::Ended> {
        let records = self.records.lock();
        let ended = records.iter().filter_map(|record| match &record.event {
            Event::Ended(ended) => Some(ended.clone()),
            _ => None,
        });
        ended.collect()
    }
}

const CUSTOMER: &str = r#"{"city":"Leeds","email":"ada@example.com","id":7,"ssn":"512-44-9821"}"#;

/// What has reached the server, and how many of it had no record when they did.
#[derive(Default)]
struct Reached {
    requests: AtomicUsize,
    unrecorded: AtomicUsize,
}

struct House {
    relay: Arc<Relay>,
    gate: Arc<Gate>,
    ledger: Arc<Memory>,
    reached: Arc<Reached>,
}

fn policies(text: &str) -> Arc<Policies> {
    let known = Known {
        targets: vec![target()],
        classes: ["pii.email", "pii.national_id"].iter().filter_map(|class| ClassId::parse(class)).collect(),
        groups: ["apps".to_owned()].into(),
        issuers: ["local".to_owned()].into(),
    };
    let file = SourceFile { name: "test.cedar".into(), text: text.into() };
    let (policies, _) = Policies::load(&[&VOCABULARY], &known, &[file]).unwrap();
    Arc::new(policies)
}

fn target() -> Target {
    Target {
        id: TargetId("crm".into()),
        protocol: "http",
        env: Some("prod".into()),
        labels: Vec::new(),
        token_scope: Default::default(),
        recording: Default::default(),
    }
}

fn arrival(target: Target) -> Arrival {
    Arrival {
        session: SessionId("s1".into()),
        principal: Arc::new(Principal {
            kind: PrincipalKind::Workload,
            issuer: "local".into(),
            name: "billing".into(),
            groups: ["apps".to_owned()].into(),
            claims: Default::default(),
            owner: None,
            act: Vec::new(),
            run: None,
            credential: CredentialId("t1".into()),
            expires: None,
        }),
        target: Arc::new(target),
        place: None,
        peer: SocketAddr::from(([127, 0, 0, 1], 5)),
        application: None,
        at: NOW,
    }
}

async fn house() -> House {
    let ledger = Arc::new(Memory::default());
    let reached = Arc::new(Reached::default());
    let address = serve(Arc::clone(&ledger), Arc::clone(&reached)).await;
    let gate = Arc::new(Gate::new(policies(POLICIES), Keys::new([5; 32])));
    let arrival = arrival(target());
    let session = gate.admit(arrival, Arc::clone(&ledger) as Arc<dyn Ledger>).unwrap().unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let upstream = tokio::sync::Mutex::new(session.upstream(client));
    House { relay: Arc::new(Relay { session, upstream }), gate, ledger, reached }
}

async fn serve(ledger: Arc<Memory>, reached: Arc<Reached>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (ledger, reached) = (Arc::clone(&ledger), Arc::clone(&reached));
            let service = service_fn(move |request: Request<Incoming>| {
                let arrived = reached.requests.fetch_add(1, Ordering::SeqCst) + 1;
                let permitted = ledger.decided().iter().filter(|(ruling, _)| *ruling == Ruling::Permit).count();
                if permitted < arrived {
                    reached.unrecorded.fetch_add(1, Ordering::SeqCst);
                }
                let body = if request.uri().path() == "/customer" { CUSTOMER } else { r#"{"status":"ok"}"# };
                async move { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(body)))) }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn send(house: &House, method: Method, path: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(path).header("host", "crm").body(Full::default()).unwrap();
    let response = house.relay.handle(request).await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_classified_key_is_shown_at_its_sight_and_the_rest_as_it_is() {
    let house = house().await;
    let (status, body) = send(&house, Method::GET, "/customer").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body, r#"{"city":"Leeds","email":"a***@e***.com","id":7,"ssn":"[redacted]"}"#);
    let ended = house.ledger.ended();
    assert_eq!((ended.len(), ended[0].masked, ended[0].rows), (1, 2, 1));
    assert_eq!(ended[0].outcome, Outcome::Done);
    let classes: Vec<&str> = ended[0].classes.iter().flat_map(|classes| classes.iter()).map(|class| &**class).collect();
    assert_eq!(classes, ["pii.email:partial", "pii.national_id:nothing"]);
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_server_and_is_recorded() {
    let house = house().await;
    let (status, body) = send(&house, Method::DELETE, "/customer").await;
    assert_eq!((status, body.as_str()), (StatusCode::FORBIDDEN, "Nothing is deleted here."));
    let (status, body) = send(&house, Method::PATCH, "/status").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("method PATCH is not known"), "{body}");
    assert_eq!(house.reached.requests.load(Ordering::SeqCst), 0);
    assert_eq!(
        house.ledger.decided(),
        [(Ruling::Deny, "DELETE /customer".to_owned()), (Ruling::Deny, "PATCH /status".to_owned())]
    );
}

#[tokio::test]
async fn every_request_is_recorded_before_it_reaches_the_server() {
    let house = Arc::new(house().await);
    for _ in 0..50 {
        assert_eq!(send(&house, Method::GET, "/status").await.0, StatusCode::OK);
    }
    assert_eq!(house.reached.requests.load(Ordering::SeqCst), 50);
    assert_eq!(house.reached.unrecorded.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn with_the_ledger_down_nothing_runs_and_with_it_up_again_things_run() {
    let house = house().await;
    house.ledger.down.store(true, Ordering::SeqCst);
    let (status, body) = send(&house, Method::GET, "/status").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("no space left"), "{body}");
    assert_eq!(house.reached.requests.load(Ordering::SeqCst), 0);
    house.ledger.down.store(false, Ordering::SeqCst);
    assert_eq!(send(&house, Method::GET, "/status").await.0, StatusCode::OK);
}

#[tokio::test]
async fn other_policies_hold_from_the_next_operation_on_even_between_decision_and_commit() {
    let house = house().await;
    assert_eq!(send(&house, Method::GET, "/status").await.0, StatusCode::OK);
    let request = Request::builder().uri("/status").body(Full::default()).unwrap();
    let (wording, operation) = interpret(&request, &house.gate);
    let key = ShapeKey::of([b"GET".as_slice(), b"/status"]);
    let verdict = house.relay.session.decide(Step("request"), key, wording, NOW, request, || operation);
    assert!(!verdict.refuses());
    house.gate.replace_policies(policies(r#"@id("none") forbid (principal, action, resource);"#));
    let released = house.relay.session.commit(NOW, vec![verdict]).unwrap();
    assert!(matches!(released.as_slice(), [Released::Refuse(..)]), "{released:?}");
    assert_eq!(send(&house, Method::GET, "/status").await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.reached.requests.load(Ordering::SeqCst), 1);
}

/// Something in two parts: one record says both, if one decision is behind both when they are committed.
#[tokio::test]
async fn a_part_is_recorded_with_its_whole_or_for_itself() {
    let house = house().await;
    let session = &house.relay.session;
    let verdict = |path: &str| {
        let request = Request::builder().uri(path).body(Full::default()).unwrap();
        let (wording, operation) = interpret(&request, &house.gate);
        let key = ShapeKey::of([path.as_bytes()]);
        session.decide(Step("request"), key, wording, NOW, (), || operation)
    };
    let part = |path: &str| {
        let mut part = verdict(path);
        part.join_next();
        part
    };
    let permits = |batch| {
        let released = session.commit(NOW, batch).unwrap();
        released.into_iter().filter_map(|released| match released {
            Released::Forward(permit) => Some(permit),
            Released::Refuse(..) => None,
        })
    };
    let ops: Vec<u64> = permits(vec![part("/status"), verdict("/status")]).map(|permit| permit.op()).collect();
    assert_eq!((ops, house.ledger.decided().len()), (vec![1, 1], 1));
    // The next is about something else, or there is none.
    let ops: Vec<u64> = permits(vec![part("/status"), verdict("/customer")]).map(|permit| permit.op()).collect();
    assert_eq!((ops, house.ledger.decided().len()), (vec![2, 3], 3));
    assert_eq!((permits(vec![part("/status")]).count(), house.ledger.decided().len()), (1, 4));
    // Policies that change in between are asked again, for each.
    let batch = vec![part("/status"), verdict("/status")];
    house.gate.replace_policies(policies(r#"@id("none") forbid (principal, action, resource);"#));
    assert_eq!((permits(batch).count(), house.ledger.decided().len()), (0, 6));
    assert_eq!((permits(vec![part("/status"), verdict("/status")]).count(), house.ledger.decided().len()), (0, 8));
}

/// How a part ended is for its whole to say.
#[tokio::test]
async fn a_part_has_no_outcome_of_its_own() {
    let house = house().await;
    let request = || Request::builder().uri("/status").header("host", "crm").body(Full::default()).unwrap();
    let verdict = || {
        let (wording, operation) = interpret(&request(), &house.gate);
        let key = ShapeKey::of([b"GET /status".as_slice()]);
        house.relay.session.decide(Step("request"), key, wording, NOW, request(), || operation)
    };
    let (mut part, whole) = (verdict(), verdict());
    part.join_next();
    let mut upstream = house.relay.upstream.lock().await;
    for released in house.relay.session.commit(NOW, vec![part, whole]).unwrap() {
        let Released::Forward(permit) = released else { panic!("not permitted") };
        let (flow, sent) = upstream.begin(permit, |client, request| client.send_request(request));
        drop((flow, sent));
    }
    assert_eq!(house.ledger.ended().iter().map(|ended| ended.op).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_flow_that_is_dropped_has_an_unknown_outcome_and_a_session_says_why_it_ended() {
    let house = house().await;
    let request = Request::builder().uri("/status").header("host", "crm").body(Full::default()).unwrap();
    let (wording, operation) = interpret(&request, &house.gate);
    let key = ShapeKey::of([b"GET /status".as_slice()]);
    let verdict = house.relay.session.decide(Step("request"), key, wording, NOW, request, || operation);
    let Some(Released::Forward(permit)) = house.relay.session.commit(NOW, vec![verdict]).unwrap().pop() else {
        panic!("not permitted")
    };
    let (flow, sent) = house.relay.upstream.lock().await.begin(permit, |client, request| client.send_request(request));
    drop((flow, sent));
    assert_eq!(house.ledger.ended()[0].outcome, Outcome::Unknown);
    house.relay.session.close(NOW, "test is over");
    let ledger = Arc::clone(&house.ledger);
    drop(house);
    let records = ledger.records.lock();
    let closed: Vec<&Event> =
        records.iter().map(|record| &record.event).filter(|event| matches!(event, Event::Closed { .. })).collect();
    let [Event::Closed { why, permitted, refused }] = closed.as_slice() else { panic!("{closed:?}") };
    assert_eq!((why.as_str(), *permitted, *refused), ("test is over", 1, 0));
}

/// What is kept of how a shape is shown holds for one session and the policies of a moment.
#[tokio::test]
async fn a_layout_that_was_kept_is_not_used_under_other_policies_nor_by_another_session() {
    let (house, other) = (house().await, house().await);
    let flow = async |house: &House| {
        let request = Request::builder().uri("/customer").header("host", "crm").body(Full::default()).unwrap();
        let (wording, operation) = interpret(&request, &house.gate);
        let key = ShapeKey::of([b"GET /customer".as_slice()]);
        let verdict = house.relay.session.decide(Step("request"), key, wording, NOW, request, || operation);
        let Some(Released::Forward(permit)) = house.relay.session.commit(NOW, vec![verdict]).unwrap().pop() else {
            panic!("not permitted")
        };
        house.relay.upstream.lock().await.begin(permit, |client, request| client.send_request(request)).0
    };
    let holds: Vec<Holds> = classified("/customer").into_iter().map(Holds::Copy).collect();
    let mut kept = None;
    let first = flow(&house).await.shape(&holds, &mut kept, NOW);
    let again = flow(&house).await.shape(&holds, &mut kept, NOW);
    assert!(Arc::ptr_eq(&first.shown, &again.shown), "the same is laid out twice");
    let elsewhere = flow(&other).await.shape(&holds, &mut kept, NOW);
    assert!(!Arc::ptr_eq(&first.shown, &elsewhere.shown), "one session shows by what another kept");

    let sights = |plan: &redact::Plan| plan.fields().iter().map(|field| field.sight).collect::<Vec<_>>();
    assert_eq!(sights(&first.shown), [model::Sight::Partial, model::Sight::Nothing]);

    // Of a document each value is shown by the same rules, and written down.
    let values = classified("/customer").into_iter().map(|field| Shape::Copy(field, TypeTag::default()));
    let document = [Holds::Document(Arc::new(Shape::Tuple(values.collect())))];
    let mut hidden = Vec::new();
    flow(&house).await.shape(&document, &mut None, NOW).shown.fields()[0].hidden(&mut |value| hidden.push(value.sight));
    assert_eq!(hidden, [model::Sight::Partial, model::Sight::Nothing]);
    let classes = |ended: Vec<gate::Ended>| -> Vec<String> {
        ended.last().unwrap().classes.iter().flat_map(|words| words.iter()).map(|word| word.to_string()).collect()
    };
    assert_eq!(classes(house.ledger.ended()), ["pii.email:partial", "pii.national_id:nothing"]);

    let mut running = flow(&house).await;
    assert_eq!(sights(&running.shape(&holds, &mut kept, NOW).shown), [model::Sight::Partial, model::Sight::Nothing]);
    house.gate.replace_policies(policies(r#"@id("none") forbid (principal, action, resource);"#));
    assert_eq!(sights(&running.shape(&holds, &mut kept, NOW).shown), [model::Sight::Nothing; 2]);
    drop(running);
    assert_eq!(classes(house.ledger.ended()), ["pii.email:nothing", "pii.email:partial", "pii.national_id:nothing"]);
}

/// Keeps nothing, and counts what was begun.
#[derive(Debug, Default)]
struct Begun(AtomicUsize);

#[derive(Debug)]
struct Unkept;

impl Recorder for Begun {
    fn begin(&self, _: &Opening<'_>) -> Result<Box<dyn Recording>, RecorderDown> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Unkept))
    }
}

impl Recording for Unkept {
    fn poll_room(&self, _: &mut Context<'_>) -> Poll<Result<(), RecorderDown>> {
        Poll::Ready(Ok(()))
    }
    fn stands(&self) -> Result<(), RecorderDown> {
        Ok(())
    }
    fn add(&self, _: UnixMicros, _: Frame<'_>) {}
}

#[test]
fn nobody_is_recorded_whom_the_ledger_does_not_let_in() {
    let (ledger, begun) = (Arc::new(Memory::default()), Arc::new(Begun::default()));
    let gate = Gate::new(policies(POLICIES), Keys::new([5; 32])).with_recorder(Arc::clone(&begun) as Arc<dyn Recorder>);
    let gate = Arc::new(gate);
    let recorded = || {
        let mut target = target();
        target.recording.level = RecordingLevel::Full;
        arrival(target)
    };
    ledger.down.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert!(gate.admit(recorded(), Arc::clone(&ledger) as Arc<dyn Ledger>).is_err());
    }
    assert_eq!(begun.0.load(Ordering::SeqCst), 0);
    ledger.down.store(false, Ordering::SeqCst);
    assert!(gate.admit(recorded(), Arc::clone(&ledger) as Arc<dyn Ledger>).unwrap().is_ok());
    assert_eq!(begun.0.load(Ordering::SeqCst), 1);
    assert!(matches!(ledger.records.lock()[0].event, Event::Admitted(_)));
}
