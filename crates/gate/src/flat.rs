//! Records as one flat object each.
//!
//! The records of every statement, its decision and its end, are written field by field: what serde derives for a tagged
//! enum inside a flattened struct goes through an intermediate form, and took a tenth of the time that Weir spends on a
//! statement. The others are derived. A test holds both to the same form.

use model::{SessionId, UnixMicros};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::ledger::{Decided, Ended, Event, Record};

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { at, session, event } = self;
        match event {
            Event::Decided(decided) => {
                let mut object = begin(serializer, *at, session.as_ref(), "decided")?;
                write_decided(decided, &mut object)?;
                object.end()
            }
            Event::Ended(ended) => {
                let mut object = begin(serializer, *at, session.as_ref(), "ended")?;
                write_ended(ended, &mut object)?;
                object.end()
            }
            event => Derived { at: *at, session: session.as_ref(), event }.serialize(serializer),
        }
    }
}

#[derive(serde::Serialize)]
struct Derived<'a> {
    at: UnixMicros,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a SessionId>,
    #[serde(flatten)]
    event: &'a Event,
}

fn begin<S: Serializer>(
    serializer: S,
    at: UnixMicros,
    session: Option<&SessionId>,
    event: &'static str,
) -> Result<S::SerializeMap, S::Error> {
    let mut object = serializer.serialize_map(None)?;
    object.serialize_entry("at", &at)?;
    if let Some(session) = session {
        object.serialize_entry("session", session)?;
    }
    object.serialize_entry("event", event)?;
    Ok(object)
}

fn write_decided<M: SerializeMap>(decided: &Decided, object: &mut M) -> Result<(), M::Error> {
    let Decided { op, ruling, step, asks, rules, why, digest, text, bound } = decided;
    object.serialize_entry("op", op)?;
    object.serialize_entry("ruling", ruling)?;
    object.serialize_entry("step", step)?;
    object.serialize_entry("asks", asks)?;
    object.serialize_entry("rules", rules)?;
    if let Some(why) = why {
        object.serialize_entry("why", why)?;
    }
    object.serialize_entry("digest", digest)?;
    object.serialize_entry("text", text)?;
    if let Some(bound) = bound {
        object.serialize_entry("bound", bound)?;
    }
    Ok(())
}

fn write_ended<M: SerializeMap>(ended: &Ended, object: &mut M) -> Result<(), M::Error> {
    let Ended { op, outcome, rows, bytes, masked, classes, fields, found } = ended;
    object.serialize_entry("op", op)?;
    object.serialize_entry("outcome", outcome)?;
    object.serialize_entry("rows", rows)?;
    object.serialize_entry("bytes", bytes)?;
    object.serialize_entry("masked", masked)?;
    if let Some(classes) = classes {
        object.serialize_entry("classes", classes)?;
    }
    if let Some(fields) = fields {
        object.serialize_entry("fields", fields)?;
    }
    if let Some(found) = found {
        object.serialize_entry("found", found)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::{Digest, LogText};

    use super::*;
    use crate::ledger::{Outcome, Ruling};
    use crate::words::Words;

    #[test]
    fn what_is_written_by_hand_is_what_would_be_derived() {
        let mut bytes = [0; 32];
        bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at as u8).wrapping_mul(37));
        let digest = Digest(bytes);
        let decided = |why: Option<&str>, bound| {
            Event::Decided(Decided {
                op: 7,
                ruling: Ruling::Deny,
                step: "query",
                asks: ["select Table::\"a\"", "x"].into_iter().collect(),
                rules: Words::from_iter::<[&str; 0]>([]),
                why: why.map(Into::into),
                digest,
                text: LogText("SELECT \"é\"".into()),
                bound,
            })
        };
        let ended = |outcome, classes: &[&str]| {
            let classes: Option<Words> = (!classes.is_empty()).then(|| classes.iter().copied().collect());
            let (fields, found) = (classes.clone(), classes.clone());
            Event::Ended(Ended { op: 7, outcome, rows: 1, bytes: 2, masked: 3, classes, fields, found })
        };
        for event in [
            decided(None, None),
            decided(Some("because"), Some(digest)),
            ended(Outcome::Done, &[]),
            ended(Outcome::Failed("42601".into()), &["pii.email:nothing"]),
            Event::Stopped {},
        ] {
            for session in [None, Some(SessionId("s".into()))] {
                let record = Record { at: UnixMicros(5), session: session.clone(), event: event.clone() };
                let derived = Derived { at: UnixMicros(5), session: session.as_ref(), event: &event };
                assert_eq!(serde_json::to_string(&record).unwrap(), serde_json::to_string(&derived).unwrap());
            }
        }
        assert_eq!(serde_json::to_value(digest).unwrap(), digest.to_string());
    }
}
