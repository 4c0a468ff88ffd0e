//! Records that look random, and the plain scan that the index is held against: it knows records, and no sets.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::words::plain;
use crate::{Ruling, Search, Statement, Text};

const PEOPLE: [&str; 4] = ["local:alice", "corp:Bob@x", "job:nightly", "alice"];
const TABLES: [&str; 4] = ["public.orders", "hidden.Orders", "public.people", "lone"];
const CLASSES: [&str; 4] = ["pii.email:clear", "pii.email:partial", "pii", "pci.card:nothing"];
const TEXTS: [&str; 6] = [
    "SELECT a FROM public.orders",
    "select FROM a orders, public",
    "INSERT INTO ünï VALUES ('NOT')",
    "",
    "UPDATE orders SET a = 17",
    "SELECT 17",
];

/// Records in the order of a reader, which is that of time but for a few; with what a scan needs.
#[derive(Clone, Debug)]
pub struct Log {
    pub records: Vec<(u16, u64, String)>,
}

/// What is told of a statement, to be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    at: i64,
    lane: u16,
    seq: i64,
    rows: u64,
    outcome: Option<String>,
    text: String,
    principal: Option<String>,
}

impl Found {
    pub fn of(found: &Statement) -> Self {
        let Statement { at, lane, seq, rows, outcome, text, principal, .. } = found.clone();
        Self { at, lane, seq, rows, outcome, text, principal }
    }
}

/// Some of a few values.
fn one(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(of).prop_map(str::to_owned)
}

fn event() -> impl Strategy<Value = Value> {
    let op = 1_u64..6;
    let class = proptest::collection::vec(one(&CLASSES), 0..3);
    let field = proptest::collection::vec((one(&TABLES), one(&["clear", "nothing"])), 0..2);
    let field = field.prop_map(|of| of.iter().map(|(table, sight)| format!("{table}.Ssn:{sight}")).collect::<Vec<_>>());
    let ask = prop_oneof![
        one(&TABLES).prop_map(|table| format!("select Table::\"t/{table}\"")),
        one(&TABLES).prop_map(|table| format!("probe Field::\"t/{table}.Ssn\" of pii.email")),
        Just("select Target::\"t\"".to_owned()),
    ];
    let decided = (op.clone(), any::<bool>(), proptest::collection::vec(ask, 0..3), one(&["r1", "r2"]), one(&TEXTS));
    let rows = prop_oneof![0_u64..4, 1000_u64..1030];
    prop_oneof![
        8 => decided.prop_map(|(op, deny, asks, rule, text)| json!({
            "event": "decided", "op": op, "ruling": if deny { "deny" } else { "permit" }, "step": "query",
            "asks": asks, "rules": [rule], "digest": "d", "text": text,
        })),
        8 => (op, rows, class, field).prop_map(|(op, rows, classes, fields)| json!({
            "event": "ended", "op": op, "outcome": {"failed": "42601"}, "rows": rows, "bytes": 1, "masked": 0,
            "classes": classes, "fields": fields,
        })),
        2 => (one(&PEOPLE), one(&PEOPLE), one(&["g1", "G2"]), one(&["t", "u"])).prop_map(|(who, owner, group, target)| json!({
            "event": "admitted", "principal": who, "kind": "User", "groups": [group], "owner": owner, "target": target,
            "act": ["for:carol"], "run": "acme/x#1",
        })),
        1 => one(&PEOPLE).prop_map(|who| json!({"event": "rejected", "principal": who, "target": "t", "why": "no"})),
        1 => Just(json!({"event": "closed", "why": "bye", "permitted": 1, "refused": 1})),
        1 => Just(json!({"event": "started"})),
    ]
}

/// A log of two lanes; a session has one of them.
pub fn log() -> impl Strategy<Value = Log> {
    let record = (event(), 0_u64..4, 0_u64..3);
    proptest::collection::vec(record, 0..200).prop_map(|records| {
        let (mut clock, mut seqs, mut known) = (100_u64, [0_u64; 2], BTreeSet::new());
        let records = records.into_iter().map(|(mut event, session, later)| {
            // Clocks step back now and then.
            clock = (clock + later).saturating_sub(if later == 2 { 3 } else { 0 });
            // A session is admitted once, and before all else.
            if event["event"] == "admitted" && !known.insert(session) {
                event = json!({"event": "noticed", "what": "x", "detail": "y"});
            }
            known.insert(session);
            let lane = session % 2;
            let seq = &mut seqs[usize::try_from(lane).unwrap()];
            *seq += 1;
            let fields = event.as_object_mut().unwrap();
            fields.insert("seq".into(), json!(*seq));
            fields.insert("at".into(), json!(clock));
            if !["rejected", "started"].contains(&fields["event"].as_str().unwrap()) {
                fields.insert("session".into(), json!(format!("0000-session{session}")));
            }
            (u16::try_from(lane).unwrap(), *seq, event.to_string())
        });
        Log { records: records.collect() }
    })
}

pub fn searches() -> impl Strategy<Value = Search> {
    let maybe = |of: &'static [&'static str]| proptest::option::weighted(0.15, one(of));
    let names = (
        maybe(&["alice", "local:alice", "BOB@X", "job:nightly", "carol", "nobody"]),
        maybe(&["alice", "nightly"]),
        maybe(&["g1", "g2"]),
        maybe(&["t", "u", "v"]),
        maybe(&["acme/x", "acme/x#1", "acme"]),
        maybe(&["0000-session1", "session2", "ession1", "1"]),
    );
    let asked = (
        maybe(&["orders", "public.orders", "hidden.orders", "lone", "public"]),
        maybe(&["ssn", "orders.ssn", "public.people.ssn", "people", "ssn:clear", "orders.Ssn:nothing"]),
        maybe(&["pii", "pii.email", "pii.email:clear", "pii:partial", "pci", "email"]),
        maybe(&["r1", "r2", "r3"]),
        maybe(&["permit", "deny"]),
        maybe(&["select", "orders", "\"from a\"", "public.orders", "a 17", "\"orders public\"", "ÜNÏ not"]),
    );
    let numbers = (
        proptest::option::weighted(0.15, 95_u64..200),
        proptest::option::weighted(0.15, 95_u64..300),
        proptest::option::weighted(0.15, prop_oneof![0_u64..4, 1000_u64..2100]),
    );
    (names, asked, numbers).prop_map(|(names, asked, (since, until, rows_min))| Search {
        person: names.0,
        owner: names.1,
        group: names.2,
        target: names.3,
        run: names.4,
        session: names.5,
        table: asked.0,
        column: asked.1,
        class: asked.2,
        rule: asked.3,
        ruling: asked.4.map(|word| if word == "deny" { Ruling::Deny } else { Ruling::Permit }),
        text: asked.5.and_then(|text| Text::parse(&text)),
        since,
        until,
        rows_min,
        subject: None,
    })
}

/// A session as a scan knows it.
#[derive(Default)]
struct Session {
    began: (i64, u16, i64),
    admitted: Value,
    /// All that something in it was found by.
    events: Vec<Value>,
    rows: u64,
}

/// A statement as a scan knows it: its session, who that was when it was decided, what is told of it, and its records.
type Decided = (String, Value, Found, Vec<Value>);

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

fn same(wanted: &Option<String>, is: impl Fn(&str) -> bool) -> bool {
    wanted.as_ref().is_none_or(|wanted| is(&wanted.to_lowercase()))
}

fn is_principal(value: &Value, wanted: &str) -> bool {
    let id = value.as_str().unwrap_or_default().to_lowercase();
    !id.is_empty() && (id == wanted || id.split_once(':').is_some_and(|(_, name)| name == wanted))
}

fn is_end(name: &str, wanted: &str) -> bool {
    let name = name.to_lowercase();
    name == wanted || name.ends_with(&format!(".{wanted}"))
}

/// Tables, columns and classes of an ask, as they are written in it.
fn asked(event: &Value) -> (Vec<String>, Vec<String>, Vec<String>) {
    let (mut tables, mut columns, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    for ask in texts(&event["asks"]) {
        let name = ask.split("\"t/").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        let Some(name) = name else { continue };
        if ask.starts_with("probe") {
            tables.push(name.rsplit_once('.').unwrap().0.to_owned());
            columns.push(name);
            classes.push("pii.email".to_owned());
        } else {
            tables.push(name);
        }
    }
    // What a result was made of is found with its sight and without.
    for shown in texts(&event["fields"]) {
        let (name, _) = shown.rsplit_once(':').unwrap();
        tables.push(name.rsplit_once('.').unwrap().0.to_owned());
        columns.extend([name.to_owned(), shown]);
    }
    (tables, columns, classes)
}

fn is_class(class: &str, wanted: &str) -> bool {
    let (kind, sight) = class.split_once(':').unwrap_or((class, ""));
    let (wanted, wanted_sight) = wanted.split_once(':').unwrap_or((wanted, sight));
    sight == wanted_sight && (kind == wanted || kind.starts_with(&format!("{wanted}.")))
}

/// Whether each condition on what was done holds of one of these events.
fn done(search: &Search, events: &[Value]) -> bool {
    let any = |wanted: &Option<String>, is: &dyn Fn(&Value, &str) -> bool| {
        same(wanted, |wanted| events.iter().any(|event| is(event, wanted)))
    };
    any(&search.table, &|event, wanted| asked(event).0.iter().any(|name| is_end(name, wanted)))
        && any(&search.column, &|event, wanted| asked(event).1.iter().any(|name| is_end(name, wanted)))
        && any(&search.class, &|event, wanted| {
            asked(event).2.into_iter().chain(texts(&event["classes"])).any(|class| is_class(&class, wanted))
        })
        && any(&search.rule, &|event, wanted| texts(&event["rules"]).iter().any(|rule| rule == wanted))
        && search.ruling.is_none_or(|ruling| {
            let word = if ruling == Ruling::Deny { "deny" } else { "permit" };
            events.iter().any(|event| event["ruling"] == word)
        })
}

/// Whether the conditions on the caller hold.
fn called(search: &Search, admitted: &Value) -> bool {
    let text = |key: &str| admitted[key].as_str().unwrap_or_default().to_lowercase();
    same(&search.person, |wanted| {
        let act = admitted["act"].as_array().into_iter().flatten();
        act.chain([&admitted["principal"]]).any(|id| is_principal(id, wanted))
    }) && same(&search.owner, |wanted| is_principal(&admitted["owner"], wanted))
        && same(&search.group, |wanted| texts(&admitted["groups"]).iter().any(|group| group.to_lowercase() == wanted))
        && same(&search.target, |wanted| text("target") == wanted)
        && same(&search.run, |wanted| {
            text("run") == wanted || text("run").split_once('#').is_some_and(|(run, _)| run == wanted)
        })
}

fn timely(search: &Search, at: i64) -> bool {
    let at = u64::try_from(at).unwrap();
    search.since.is_none_or(|since| at >= since) && search.until.is_none_or(|until| at < until)
}

impl Log {
    /// Sessions by id, those who were turned away under ids of their own; statements with all that belongs to them.
    fn read(&self) -> (BTreeMap<String, Session>, Vec<Decided>) {
        let mut sessions = BTreeMap::<String, Session>::new();
        let mut statements = Vec::<Decided>::new();
        for (lane, seq, json) in &self.records {
            let event: Value = serde_json::from_str(json).unwrap();
            let seq = i64::try_from(*seq).unwrap();
            let at = event["at"].as_i64().unwrap();
            let kind = event["event"].as_str().unwrap();
            if kind == "rejected" {
                let events = vec![json!({"ruling": "deny"})];
                let rejected = Session { began: (at, *lane, seq), admitted: event.clone(), events, rows: 0 };
                sessions.insert(format!("rejected {lane} {seq} {at}"), rejected);
            }
            let Some(id) = event["session"].as_str() else { continue };
            let session = sessions
                .entry(id.to_owned())
                .or_insert_with(|| Session { began: (at, *lane, seq), ..Session::default() });
            match kind {
                "admitted" => session.admitted = event.clone(),
                "decided" => {
                    session.events.push(event.clone());
                    let text = event["text"].as_str().unwrap().to_owned();
                    let principal = session.admitted["principal"].as_str().map(str::to_owned);
                    let found = Found { at, lane: *lane, seq, rows: 0, outcome: None, text, principal };
                    statements.push((id.to_owned(), session.admitted.clone(), found, vec![event.clone()]));
                }
                "ended" => {
                    let of_op = |(of, _, _, events): &&mut Decided| of == id && events[0]["op"] == event["op"];
                    let Some((_, _, found, events)) = statements.iter_mut().rev().find(of_op) else { continue };
                    let rows = event["rows"].as_u64().unwrap();
                    found.rows += rows;
                    found.outcome = Some("failed 42601".to_owned());
                    session.rows += rows;
                    session.events.push(event.clone());
                    events.push(event.clone());
                }
                _ => {}
            }
        }
        (sessions, statements)
    }

    pub fn statements(&self, search: &Search) -> Vec<Found> {
        let (_, statements) = self.read();
        let mut words = String::new();
        let mut found: Vec<Found> = statements
            .into_iter()
            .filter(|(id, admitted, found, events)| {
                plain(&found.text, &mut words);
                called(search, admitted)
                    && done(search, events)
                    && timely(search, found.at)
                    && search.rows_min.is_none_or(|rows| found.rows >= rows)
                    && search.text.as_ref().is_none_or(|text| text.is_in(&words))
                    && search
                        .session
                        .as_ref()
                        .is_none_or(|wanted| id == wanted || (wanted.len() >= 8 && id.ends_with(wanted.as_str())))
            })
            .map(|(_, _, found, _)| found)
            .collect();
        found.sort_by(|one, other| other.cmp(one));
        found
    }

    pub fn sessions(&self, search: &Search) -> Vec<(i64, u16, i64)> {
        let (sessions, _) = self.read();
        let mut found: Vec<_> = sessions
            .into_values()
            .filter(|session| {
                called(search, &session.admitted)
                    && done(search, &session.events)
                    && timely(search, session.began.0)
                    && search.rows_min.is_none_or(|rows| session.rows >= rows)
            })
            .map(|session| session.began)
            .collect();
        found.sort_by(|one, other| other.cmp(one));
        found
    }
}
