//! What is on its way into fields that nobody has classified: whether something is found in it that policy lets nobody store there.
//!
//! It is as if the field were of the class of what is found. A value in which nothing is found asks nothing. How values are written, and which
//! go where, is the protocol's to know.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use detect::{KindId, Place, ViewScanner};
use model::{ClassId, Field, Part, UnixMicros};

use crate::refusal::{Declined, Refusal};
use crate::search::Search;
use crate::session::{Rule, Shared};

/// What a look at a value counts beside its bytes; each question whether something of a class may be stored in a field, which policy decides; and
/// one that was answered before.
const LOOK_BYTES: usize = 32;
const QUESTION_BYTES: usize = 512;
const ANSWERED_BYTES: usize = 64;
/// And to find out what the name of a field says.
const PLACE_BYTES: usize = 512;
/// Fields of which is kept what their names say.
const PLACES_MAX: usize = 2048;
/// Questions of which is kept that nothing forbids it.
const ANSWERS_MAX: usize = 65_536;

/// Looks through values, one after the other, by the policies that were in force when it began.
pub struct Storing<'s> {
    shared: &'s Shared,
    search: &'s Search,
    rule: Arc<Rule>,
    now: UnixMicros,
    scanner: ViewScanner<'s>,
    /// What the names of fields say.
    places: HashMap<String, Place>,
    /// What nothing forbids to be stored.
    permitted: HashSet<Field>,
    /// Bytes that may still be looked at.
    left: usize,
}

impl<'s> Storing<'s> {
    pub(crate) fn new(shared: &'s Shared, search: &'s Search, now: UnixMicros, left: usize) -> Self {
        let scanner = ViewScanner::new(search.content().detector());
        Self {
            shared,
            search,
            rule: shared.rule(),
            now,
            scanner,
            places: HashMap::new(),
            permitted: HashSet::new(),
            left,
        }
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
        let search = self.search;
        let (content, detector) = (search.content(), search.content().detector());
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
        let mut asked: Vec<(&ClassId, KindId)> = Vec::new();
        for finding in self.scanner.scan(value, self.places.get(name)) {
            let Some((_, sort)) = content.sort_of(finding.kind) else { continue };
            if !asked.iter().any(|(class, _)| **class == sort.class) {
                asked.push((&sort.class, finding.kind));
            }
        }
        for (class, kind) in asked {
            for field in fields.clone() {
                let refusal = match self.forbids(field, class) {
                    Ok(refusal) => refusal,
                    Err(too_much) => return Some(too_much),
                };
                let Some(refusal) = refusal else { continue };
                let title = detector.entity(kind).map_or("", |kind| &kind.title);
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
        if !self.rule.may_forbid_store() {
            return None;
        }
        let search = self.search;
        for field in fields {
            for sort in search.content().sorts() {
                match self.forbids(field, &sort.class) {
                    Ok(None) => {}
                    Err(too_much) => return Some(too_much),
                    Ok(Some(_)) => {
                        let (column, hint) = (column(field), None);
                        let message = format!("{what} can't be looked through for what may not be stored in {column}");
                        return Some(Declined { message, detail: None, hint });
                    }
                }
            }
        }
        None
    }

    /// Why something of this class may not be stored in a field. An error if that is a question too many.
    fn forbids(&mut self, (part, name): (&Part, &str), class: &ClassId) -> Result<Option<Refusal>, Declined> {
        let field = Field { part: part.clone(), name: name.to_owned(), class: class.clone(), sealed: false };
        let is_answered = self.permitted.contains(&field);
        if !spend(&mut self.left, if is_answered { ANSWERED_BYTES } else { QUESTION_BYTES }) {
            return Err(too_much());
        }
        if is_answered {
            return Ok(None);
        }
        let refusal = self.shared.forbids_store(&self.rule, (part, name), class, self.now);
        if refusal.is_none() {
            if self.permitted.len() >= ANSWERS_MAX {
                self.permitted.clear();
            }
            self.permitted.insert(field);
        }
        Ok(refusal)
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
