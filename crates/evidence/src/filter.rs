//! Which records someone wants to see.

use gate::Ruling;
use model::UnixMicros;

use crate::read::LoggedRecord;

/// Conditions that must all hold. The empty one lets everything through.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The session's id begins, or ends, with this: the short form that [`render`](crate::render()) shows is its end.
    pub session: Option<String>,
    /// Who: a principal's id, or its name without the issuer.
    pub principal: Option<String>,
    /// Decisions, and callers that were admitted or turned away, with this ruling.
    pub ruling: Option<Ruling>,
    /// The kind of record: `decided`.
    pub event: Option<String>,
    /// Not before this.
    pub since: Option<UnixMicros>,
}

impl Filter {
    /// Whether a record is wanted.
    pub fn matches(&self, record: &LoggedRecord) -> bool {
        self.since.is_none_or(|since| record.at >= since)
            && self.event.as_deref().is_none_or(|event| record.kind() == event)
            && self.session.as_deref().is_none_or(|wanted| {
                record.session.as_deref().is_some_and(|id| id.starts_with(wanted) || id.ends_with(wanted))
            })
            && self.ruling.is_none_or(|ruling| ruled(record) == Some(ruling))
            && self.principal.as_deref().is_none_or(|wanted| {
                record
                    .principal()
                    .is_some_and(|id| id == wanted || id.split_once(':').is_some_and(|(_issuer, name)| name == wanted))
            })
    }
}

fn ruled(record: &LoggedRecord) -> Option<Ruling> {
    match (record.kind(), record.text("ruling")) {
        ("decided", Some("permit")) | ("admitted", _) => Some(Ruling::Permit),
        ("decided", Some("deny")) | ("rejected", _) => Some(Ruling::Deny),
        _ => None,
    }
}
