//! The cost of the seam itself: one operation from decision to outcome, without sockets.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use gate::{Arrival, Gate, Keys, Ledger, LedgerDown, Outcome, Record, Released, Session, ShapeKey, Step};
use model::{
    Ask, Certainty, CredentialId, LogText, Object, Operation, Principal, PrincipalKind, SessionId, Target, TargetId,
    UnixMicros, Wording,
};
use policy::{Known, Policies, SourceFile};
use sql_postgres::{Catalog, CatalogRows, ClassRules, VOCABULARY, analyse};

const TEXT: &str = "SELECT id, status, total_cents FROM orders WHERE id = 4711";
const ROUNDS: u32 = 200_000;

struct Nowhere;

impl Ledger for Nowhere {
    fn append(&self, records: &[Record]) -> Result<(), LedgerDown> {
        black_box(records);
        Ok(())
    }
    fn note(&self, record: Record) {
        black_box(record);
    }
}

/// Prints one line for each part.
pub fn run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = evidence::Log::open(folder.path(), 1, "bench", evidence::Durability::Written).expect("a log");
    println!("one operation through the gate (ns, mean of {ROUNDS}):");
    let nowhere = session(Arc::new(Nowhere));
    line("ShapeKey of the text", ROUNDS, || {
        black_box(key());
    });
    line("decide, from the cache", ROUNDS, || {
        let _ = black_box(decide(&nowhere));
    });
    line("decide, commit, begin, finish; no log", ROUNDS, || operation(&nowhere));
    let logged = session(log.lane(0));
    line("decide, commit, begin, finish; logged", ROUNDS, || operation(&logged));
    let catalog = Catalog::build(CatalogRows::default(), &ClassRules::default(), None);
    line("analyse the text, uncached", 20_000, || {
        let _ = black_box(analyse(TEXT, &catalog));
    });
    let mut fresh = 0_u64;
    line("decide, uncached (policies)", 20_000, || {
        fresh += 1;
        let key = ShapeKey::of([TEXT.as_bytes(), &fresh.to_be_bytes()]);
        let _ = black_box(nowhere.decide(Step("query"), key, wording(), now(), (), interpreted));
    });
    println!();
}

fn line(what: &str, rounds: u32, mut work: impl FnMut()) {
    for _ in 0..rounds / 10 {
        work();
    }
    let begun = Instant::now();
    for _ in 0..rounds {
        work();
    }
    println!("  {what:<42} {:>8.0}", begun.elapsed().as_nanos() as f64 / f64::from(rounds));
}

fn now() -> UnixMicros {
    UnixMicros::from(SystemTime::now())
}

fn key() -> ShapeKey {
    ShapeKey::of([TEXT.as_bytes(), &[0; 8], &[0]])
}

fn interpreted() -> Operation {
    Operation {
        asks: vec![Ask::new(model::ActionId("select"), Object::Target)],
        certainty: Certainty::Exact,
        touches: Vec::new(),
        touches_unknown: false,
        lowering: Vec::new(),
    }
}

fn wording() -> Wording {
    Wording { digest: model::Digest([0; 32]), text: LogText(TEXT.into()), bound: None }
}

fn decide(session: &Session) -> gate::Verdict<()> {
    session.decide(Step("query"), key(), wording(), now(), (), interpreted)
}

fn operation(session: &Session) {
    let mut upstream = session.upstream(gate::Wire::new(()));
    let verdict = decide(session);
    for released in session.commit(now(), vec![verdict]).expect("the log can be written") {
        if let Released::Forward(permit) = released {
            let (flow, ()) = upstream.begin(permit, |wire, ()| wire.put(TEXT.as_bytes()));
            flow.finish(Outcome::Done, now());
        }
    }
}

fn session(ledger: Arc<dyn Ledger>) -> Session {
    let target = Target {
        id: TargetId("shop".into()),
        protocol: "postgres",
        env: None,
        labels: Vec::new(),
        token_scope: Default::default(),
        recording: Default::default(),
    };
    let known = Known {
        targets: vec![target.clone()],
        classes: Vec::new(),
        groups: Default::default(),
        issuers: ["local".to_owned()].into(),
    };
    let text = r#"@id("use") permit (principal, action in [Action::"connect", Action::"read"], resource);"#;
    let file = SourceFile { name: "bench.cedar".into(), text: text.into() };
    let (policies, _) = Policies::load(&[&VOCABULARY], &known, &[file]).expect("policies");
    let gate = Arc::new(Gate::new(Arc::new(policies), Keys::new([1; 32])));
    let arrival = Arrival {
        session: SessionId("bench".into()),
        principal: Arc::new(Principal {
            kind: PrincipalKind::User,
            issuer: "local".into(),
            name: "bench".into(),
            groups: Default::default(),
            claims: Default::default(),
            owner: None,
            act: Vec::new(),
            run: None,
            credential: CredentialId("bench".into()),
            expires: None,
        }),
        target: Arc::new(target),
        place: None,
        peer: SocketAddr::from(([127, 0, 0, 1], 1)),
        application: None,
        at: now(),
    };
    gate.admit(arrival, ledger).expect("the log can be written").expect("admitted")
}
