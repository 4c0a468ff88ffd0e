//! What is on its way into fields that nobody has classified: whether something is found in it that policy lets nobody store there.
//!
//! It is as if the field were of the class of what is found. A value in which nothing is found asks nothing. How values are written, and which
//! go where, is the protocol's to know.

use std::sync::Arc;

use detect::{Place, ViewScanner};
use model::{ClassId, Part, UnixMicros};

use crate::refusal::Declined;
use crate::search::Search;
use crate::session::{Rule, Shared};

/// Looks through values, one after the other, by the policies that were in force when it began.
pub struct Storing<'s> {
    shared: &'s Shared,
    search: &'s Search,
    rule: Arc<Rule>,
    now: UnixMicros,
    scanner: ViewScanner<'s>,
    /// The field that was looked at last, and what its name says.
    place: Option<(String, Place)>,
}

impl<'s> Storing<'s> {
    pub(crate) fn new(shared: &'s Shared, search: &'s Search, now: UnixMicros) -> Self {
        let scanner = ViewScanner::new(search.content().detector());
        Self { shared, search, rule: shared.rule(), now, scanner, place: None }
    }

    /// Why a value may not be put into one of these fields, or into any of them, if it is looked at as one of a field of this name.
    pub fn refuses<'f>(
        &mut self,
        name: &str,
        fields: impl Iterator<Item = (&'f Part, &'f str)> + Clone,
        value: &[u8],
    ) -> Option<Declined> {
        if !self.rule.may_forbid_store() || value.is_empty() {
            return None;
        }
        let content = self.search.content();
        let detector = content.detector();
        if self.place.as_ref().is_none_or(|(known, _)| known != name) {
            self.place = Some((name.to_owned(), detector.place(name)));
        }
        let place = self.place.as_ref().map(|(_, place)| place);
        // Each class is asked about once, however often it is found.
        let mut asked: Vec<&ClassId> = Vec::new();
        for finding in self.scanner.scan(value, place) {
            let Some((_, sort)) = content.sort_of(finding.kind) else { continue };
            if asked.contains(&&sort.class) {
                continue;
            }
            asked.push(&sort.class);
            for field in fields.clone() {
                let Some(refusal) = self.shared.forbids_store(&self.rule, field, &sort.class, self.now) else {
                    continue;
                };
                let (class, title) = (&sort.class, detector.entity(finding.kind).map_or("", |kind| &kind.title));
                return Some(Declined {
                    message: format!(
                        "what is to be stored in {} holds {class} ({title}): {}",
                        column(field),
                        refusal.message
                    ),
                    detail: refusal.detail,
                    hint: refusal.hint,
                });
            }
        }
        None
    }

    /// Why a value that can't be read may not be put into one of these fields: `what` it is, if something in it might be such that policy lets
    /// nobody store it there.
    pub fn refuses_unread<'f>(
        &self,
        mut fields: impl Iterator<Item = (&'f Part, &'f str)>,
        what: &str,
    ) -> Option<Declined> {
        let field = fields.find(|field| self.shared.may_refuse_store(self.search, *field, self.now))?;
        Some(Declined {
            message: format!("{what} can't be looked through for what may not be stored in {}", column(field)),
            detail: None,
            hint: None,
        })
    }
}

/// A column as it is written; one that is not known is its table.
fn column((part, name): (&Part, &str)) -> String {
    if name.is_empty() { part.name.to_string() } else { format!("{}.{name}", part.name) }
}
