//! Which recordings a hold keeps: pure. Where two readings are possible, it keeps more.

use gate::Held;
use model::UnixMicros;
use serde_json::{Map, Value};

/// The fewest characters that stand for a session: as many as are shown of it elsewhere.
pub const ID_CHARS_MIN: usize = 8;
/// The most that one hold names, of each kind.
const NAMES_MAX: usize = 10_000;
/// The longest of such names.
const NAME_BYTES_MAX: usize = 1000;

/// Whose recording something is, and of when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whose {
    /// The session's id.
    pub session: String,
    /// The target.
    pub target: String,
    /// Who.
    pub principal: String,
    /// On whose behalf, nearest first.
    pub act: Vec<String>,
    /// Whose workload it was.
    pub owner: Option<String>,
    /// The workflow run.
    pub run: Option<String>,
    /// When the session began, in microseconds since 1970.
    pub began: u64,
    /// When it was over. None while nobody has looked: what depends on it is not kept by then.
    pub over: Option<u64>,
}

/// Whether this hold keeps that.
pub fn keeps(held: &Held, whose: &Whose) -> bool {
    let Held { all, sessions, principals, targets, runs, from, to } = held;
    if *all {
        return true;
    }
    let is_any =
        |names: &[String], is_it: &dyn Fn(&str) -> bool| names.is_empty() || names.iter().any(|name| is_it(name));
    let is_of = |name: &str| {
        let people = std::iter::once(&whose.principal).chain(&whose.act).chain(&whose.owner);
        people.into_iter().any(|id| is_person(id, name))
    };
    let is_run = |name: &str| whose.run.as_deref().is_some_and(|run| is_run(run, name));
    let began_before = to.is_none_or(|to| whose.began < to);
    let over_after = from.is_none_or(|from| whose.over.is_some_and(|over| over >= from));
    names_something(held)
        && is_any(sessions, &|name| is_session(&whose.session, name))
        && is_any(principals, &is_of)
        && is_any(targets, &|name| whose.target == name)
        && is_any(runs, &is_run)
        && began_before
        && over_after
}

/// Upper and lower case are the same, as in searches.
fn is_person(id: &str, name: &str) -> bool {
    let same = |id: &str| id.to_lowercase() == name.to_lowercase();
    same(id) || id.split_once(':').is_some_and(|(_issuer, id)| same(id))
}

fn is_session(id: &str, name: &str) -> bool {
    let (id, name) = (id.to_lowercase(), name.to_lowercase());
    id.starts_with(&name) || id.ends_with(&name)
}

fn is_run(run: &str, name: &str) -> bool {
    let same = |run: &str| run.to_lowercase() == name.to_lowercase();
    same(run) || run.split_once('#').is_some_and(|(workflow, _)| same(workflow))
}

fn names_something(held: &Held) -> bool {
    let Held { all, sessions, principals, targets, runs, from, to } = held;
    let lists = [sessions, principals, targets, runs];
    *all || lists.into_iter().any(|list| !list.is_empty()) || from.is_some() || to.is_some()
}

/// What is wrong with what a hold is to keep.
pub fn fault(held: &Held) -> Option<String> {
    let Held { all, sessions, principals, targets, runs, from, to } = held;
    let lists = [sessions, principals, targets, runs];
    if !names_something(held) {
        return Some("the hold names nothing; name what it keeps, or all recordings with --all".to_owned());
    }
    if *all && names_something(&Held { all: false, ..held.clone() }) {
        return Some("a hold of all recordings names nothing beside; leave out --all or the rest".to_owned());
    }
    if lists.iter().any(|list| list.len() > NAMES_MAX) {
        return Some(format!("the hold names more than {NAMES_MAX} of a kind; place several"));
    }
    let is_name =
        |name: &String| !name.trim().is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
    if let Some(name) = lists.into_iter().flatten().find(|name| !is_name(name)) {
        return Some(format!("{name:?} is no name; write one as `weir sessions --json` shows it"));
    }
    if let Some(short) = sessions.iter().find(|name| name.chars().count() < ID_CHARS_MIN) {
        return Some(format!(
            "{short:?} is too short for a session; write its id, or at least the {ID_CHARS_MIN} characters that `weir sessions` shows"
        ));
    }
    match (from, to) {
        (Some(from), Some(to)) if from >= to => {
            Some("--from is not before --to; nothing can be between them".to_owned())
        }
        _ => None,
    }
}

/// What a hold keeps, as a `hold_placed` record of the log says it. None if it says what this Weir does not know.
pub fn held_in(record: &Map<String, Value>) -> Option<Held> {
    let known = ["all", "sessions", "principals", "targets", "runs", "from", "to"];
    let of_held = record.iter().filter(|(key, _)| known.contains(&key.as_str()));
    let held = of_held.map(|(key, value)| (key.clone(), value.clone())).collect();
    serde_json::from_value(Value::Object(held)).ok().filter(names_something)
}

impl Whose {
    /// As a `recording_deleted` record of the log says it.
    pub fn in_record(session: &str, record: &Map<String, Value>) -> Self {
        let text = |key: &str| record.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| record.get(key).and_then(Value::as_u64);
        let act = record.get("act").and_then(Value::as_array).into_iter().flatten();
        Self {
            session: session.to_owned(),
            target: text("target").unwrap_or_default(),
            principal: text("principal").unwrap_or_default(),
            act: act.filter_map(Value::as_str).map(str::to_owned).collect(),
            owner: text("owner"),
            run: text("run"),
            began: number("began").unwrap_or(0),
            over: number("over"),
        }
    }

    /// When it was over, as far as is known.
    pub fn over(&self) -> UnixMicros {
        UnixMicros(self.over.unwrap_or(self.began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose() -> Whose {
        Whose {
            session: "0198f0a2-77b1-7000-8000-00c0ffee1234".into(),
            target: "orders".into(),
            principal: "github:acme/nightly".into(),
            act: vec!["corp:Bob@example.com".into()],
            owner: Some("corp:alice@example.com".into()),
            run: Some("acme/nightly#17".into()),
            began: 100,
            over: Some(200),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn each_kind_that_is_named_must_fit() {
        let held = Held::default();
        for (held, is_kept) in [
            (Held { all: true, ..held.clone() }, true),
            (held.clone(), false),
            (Held { sessions: names(&["0198f0a2"]), ..held.clone() }, true),
            (Held { sessions: names(&["ffee1234"]), ..held.clone() }, true),
            (Held { sessions: names(&["77b1-7000"]), ..held.clone() }, false),
            (Held { sessions: names(&["FFEE1234"]), ..held.clone() }, true),
            (Held { sessions: names(&["0198F0A2-77B1"]), ..held.clone() }, true),
            (Held { sessions: names(&["11111111", "ffee1234"]), ..held.clone() }, true),
            (Held { principals: names(&["acme/nightly"]), ..held.clone() }, true),
            (Held { principals: names(&["github:ACME/nightly"]), ..held.clone() }, true),
            (Held { principals: names(&["corp:bob@example.com"]), ..held.clone() }, true),
            (Held { principals: names(&["alice@example.com"]), ..held.clone() }, true),
            (Held { principals: names(&["eve@example.com"]), ..held.clone() }, false),
            (Held { targets: names(&["orders"]), ..held.clone() }, true),
            (Held { targets: names(&["order"]), ..held.clone() }, false),
            (Held { runs: names(&["acme/nightly"]), ..held.clone() }, true),
            (Held { runs: names(&["acme/nightly#1"]), ..held.clone() }, false),
            (Held { targets: names(&["orders"]), principals: names(&["eve"]), ..held.clone() }, false),
            (Held { targets: names(&["orders"]), principals: names(&["alice@example.com"]), ..held.clone() }, true),
            (Held { from: Some(200), ..held.clone() }, true),
            (Held { from: Some(201), ..held.clone() }, false),
            (Held { to: Some(101), ..held.clone() }, true),
            (Held { to: Some(100), ..held.clone() }, false),
            (Held { from: Some(150), to: Some(160), ..held.clone() }, true),
        ] {
            assert_eq!(keeps(&held, &whose()), is_kept, "{held:?}");
        }
        let unknown = Whose { over: None, ..whose() };
        assert!(
            !keeps(&Held { from: Some(1), ..held.clone() }, &unknown)
                && keeps(&Held { to: Some(101), ..held }, &unknown)
        );
    }

    #[test]
    fn what_names_nothing_or_makes_no_sense_is_refused() {
        let held = Held::default();
        for (held, words) in [
            (held.clone(), "names nothing"),
            (Held { all: true, to: Some(1), ..held.clone() }, "leave out --all"),
            (Held { sessions: names(&["ffee123"]), ..held.clone() }, "too short"),
            (Held { principals: names(&[" "]), ..held.clone() }, "is no name"),
            (Held { from: Some(2), to: Some(2), ..held.clone() }, "not before --to"),
        ] {
            assert!(fault(&held).unwrap().contains(words), "{held:?}");
        }
        assert_eq!(fault(&Held { all: true, ..held }), None);
    }

    #[test]
    fn a_hold_is_read_from_its_record() {
        let held = Held { targets: names(&["orders"]), from: Some(7), ..Held::default() };
        let record =
            serde_json::json!({"event": "hold_placed", "name": "x", "targets": ["orders"], "from": 7, "by": "root"});
        assert_eq!(held_in(record.as_object().unwrap()), Some(held));
        let nothing = serde_json::json!({"event": "hold_placed", "name": "x"});
        assert_eq!(held_in(nothing.as_object().unwrap()), None);
    }
}
