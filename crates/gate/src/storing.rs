//! What is on its way into fields that nobody has classified: whether something is found in it that policy lets nobody store there.
//!
//! It is as if the field were of the class of what is found. A value in which nothing is found asks nothing. How values are written, and which
//! go where, is the protocol's to know.

use std::collections::HashMap;
use std::sync::Arc;

use detect::{Place, ViewScanner};
use model::{ClassId, Part, UnixMicros};

use crate::refusal::Declined;
use crate::search::Search;
use crate::session::{Rule, Shared};

/// What a look at a value counts beside its bytes, and each field that is asked about; and one of which nothing is known but that it may get
/// anything.
const LOOK_BYTES: usize = 32;
const FIELD_BYTES: usize = 64;
const UNREAD_BYTES: usize = 2048;
/// And to find out what the name of a field says.
const PLACE_BYTES: usize = 512;
/// Fields of which is kept what their names say.
const PLACES_MAX: usize = 2048;

/// Looks through values, one after the other, by the policies that were in force when it began.
pub struct Storing<'s> {
    shared: &'s Shared,
    search: &'s Search,
    rule: Arc<Rule>,
    now: UnixMicros,
    scanner: ViewScanner<'s>,
    /// What the names of fields say.
    places: HashMap<String, Place>,
    /// Bytes that may still be looked at.
    left: usize,
}

impl<'s> Storing<'s> {
    pub(crate) fn new(shared: &'s Shared, search: &'s Search, now: UnixMicros, left: usize) -> Self {
        let scanner = ViewScanner::new(search.content().detector());
        Self { shared, search, rule: shared.rule(), now, scanner, places: HashMap::new(), left }
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
        if !spend(&mut self.left, value.len().saturating_add(LOOK_BYTES)) {
            return Some(too_much());
        }
        let content = self.search.content();
        let detector = content.detector();
        if !self.places.contains_key(name) {
            if self.places.len() >= PLACES_MAX {
                self.places.clear();
            }
            if !spend(&mut self.left, PLACE_BYTES) {
                return Some(too_much());
            }
            self.places.insert(name.to_owned(), detector.place(name));
        }
        // Each class is asked about once, however often it is found.
        let mut asked: Vec<&ClassId> = Vec::new();
        for finding in self.scanner.scan(value, self.places.get(name)) {
            let Some((_, sort)) = content.sort_of(finding.kind) else { continue };
            if asked.contains(&&sort.class) {
                continue;
            }
            asked.push(&sort.class);
            for field in fields.clone() {
                if !spend(&mut self.left, FIELD_BYTES) {
                    return Some(too_much());
                }
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
        &mut self,
        fields: impl Iterator<Item = (&'f Part, &'f str)>,
        what: &str,
    ) -> Option<Declined> {
        for field in fields.take_while(|_| self.rule.may_forbid_store()) {
            if !spend(&mut self.left, UNREAD_BYTES) {
                return Some(too_much());
            }
            if self.shared.may_refuse_store(&self.rule, self.search, field, self.now) {
                return Some(Declined {
                    message: format!("{what} can't be looked through for what may not be stored in {}", column(field)),
                    detail: None,
                    hint: None,
                });
            }
        }
        None
    }
}

/// Takes so many away, if there are as many.
fn spend(left: &mut usize, bytes: usize) -> bool {
    left.checked_sub(bytes).is_some_and(|fewer| {
        *left = fewer;
        true
    })
}

fn too_much() -> Declined {
    Declined {
        message: "the statement puts more into columns than Weir looks through for what may not be stored".to_owned(),
        detail: None,
        hint: Some("Send it in smaller portions.".to_owned()),
    }
}

/// A column as it is written; one that is not known is its table.
fn column((part, name): (&Part, &str)) -> String {
    if name.is_empty() { part.name.to_string() } else { format!("{}.{name}", part.name) }
}
