//! What is found in the values of one database, and what that says of its columns.
//!
//! Each place where values are stored has a tally, shared by all sessions: how many of its values were looked at, and how many of them
//! were of a class. One that is found *dense* counts as a field of that class from then on, for everybody, so that values which are
//! written in a way that no detector knows are hidden as well. A tally can only make less be shown: whatever it says, values are looked at.
//! Nothing of it is kept on a disk, and no value is in it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use detect::{Place, ViewScanner};
use model::Part;
use parking_lot::Mutex;

use crate::content::Content;
use crate::keys::ShapeKey;

/// Stored places of which a tally is kept. Past it those go that are not in use and not dense; if there are none such, the new one is its
/// session's alone.
const STORED_MAX: usize = 16_384;
/// The same of what operations return, of which the oldest go.
const RETURNED_MAX: usize = 4096;
/// What a look at some bytes counts beside them.
const LOOK_BYTES: usize = 32;
/// Values after which a place can be dense.
const DENSE_VALUES_MIN: u32 = 16;
/// How many in ten of its values must be of the class then.
const DENSE_TENTHS: u32 = 8;

/// Where values stand, whoever asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlaceKey {
    /// In this field of this object, by the numbers that the target gives them.
    Stored {
        /// The object.
        object: u64,
        /// The field.
        field: i32,
    },
    /// In this field of what this operation returns.
    Returned {
        /// The operation.
        operation: ShapeKey,
        /// Which of its results, and which field of that.
        field: [u32; 2],
    },
    /// In what is said in words.
    Nowhere,
}

/// What is looked for in a database, and the tallies of its places.
#[derive(Debug)]
pub struct Search {
    content: Arc<Content>,
    /// The object of what belongs to none.
    nowhere: Part,
    /// A place without a name: what is said in words is no file, in which a number could be one of a program.
    nameless: Place,
    tallies: Mutex<Tallies>,
    /// The catalog by which places were last compared with those that there are.
    epoch: AtomicU64,
}

#[derive(Debug, Default)]
struct Tallies {
    stored: HashMap<PlaceKey, Arc<Tally>>,
    /// When it was full, how many have asked in vain since.
    refused: usize,
    returned: HashMap<PlaceKey, Arc<Tally>>,
    /// Those, oldest first.
    order: VecDeque<PlaceKey>,
}

/// What was seen of a place.
#[derive(Debug)]
pub(crate) struct Tally {
    values: AtomicU32,
    /// Of each sort.
    found: Box<[AtomicU32]>,
    /// Whether it is dense of that.
    dense: Box<[AtomicBool]>,
    is_dense: AtomicBool,
}

impl Search {
    /// A search for this. `nowhere` is the object of what belongs to none of the database's own.
    pub fn new(content: Arc<Content>, nowhere: Part) -> Self {
        let nameless = content.detector().place("");
        Self { content, nowhere, nameless, tallies: Mutex::default(), epoch: AtomicU64::new(0) }
    }

    pub(crate) fn content(&self) -> &Arc<Content> {
        &self.content
    }

    pub(crate) fn nowhere(&self) -> &Part {
        &self.nowhere
    }

    /// Whether anything is in these bytes, whoever may see it.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.finder(usize::MAX)(bytes)
    }

    /// Whether anything is in some bytes, for one after the other: of about so many, and of those beyond it is not known and may be.
    pub fn finder(&self, most: usize) -> impl FnMut(&[u8]) -> bool {
        let (mut scanner, mut left) = (ViewScanner::new(self.content.detector()), most);
        move |bytes| {
            left = left.saturating_sub(bytes.len().saturating_add(LOOK_BYTES));
            left == 0 || !scanner.scan(bytes, Some(&self.nameless)).is_empty()
        }
    }

    /// Forgets what was seen of stored places that are not there any more, by a catalog of this epoch.
    pub fn keep_known(&self, epoch: u64, is_known: impl Fn(u64, i32) -> bool) {
        // Nearly always it is the same one, and all workers ask.
        if self.epoch.load(Ordering::Relaxed) < epoch && self.epoch.fetch_max(epoch, Ordering::Relaxed) < epoch {
            self.tallies.lock().stored.retain(|key, _| match key {
                PlaceKey::Stored { object, field } => is_known(*object, *field),
                PlaceKey::Returned { .. } | PlaceKey::Nowhere => false,
            });
        }
    }

    /// The tally of a place.
    pub(crate) fn tally(&self, key: PlaceKey) -> Arc<Tally> {
        let new = || Arc::new(Tally::new(self.content.sorts().len()));
        let mut tallies = self.tallies.lock();
        let tallies = &mut *tallies;
        match key {
            PlaceKey::Nowhere => new(),
            PlaceKey::Stored { .. } => {
                if let Some(known) = tallies.stored.get(&key) {
                    return Arc::clone(known);
                }
                if tallies.stored.len() >= STORED_MAX {
                    // Not each time, since it takes time.
                    if tallies.refused.is_multiple_of(RETURNED_MAX) {
                        tallies.stored.retain(|_, tally| tally.is_dense() || Arc::strong_count(tally) > 1);
                    }
                    tallies.refused = tallies.refused.saturating_add(1);
                }
                let tally = new();
                if tallies.stored.len() < STORED_MAX {
                    tallies.stored.insert(key, Arc::clone(&tally));
                }
                tally
            }
            PlaceKey::Returned { .. } => {
                if let Some(known) = tallies.returned.get(&key) {
                    return Arc::clone(known);
                }
                if tallies.order.len() >= RETURNED_MAX
                    && let Some(oldest) = tallies.order.pop_front()
                {
                    tallies.returned.remove(&oldest);
                }
                let tally = new();
                tallies.returned.insert(key, Arc::clone(&tally));
                tallies.order.push_back(key);
                tally
            }
        }
    }
}

impl Tally {
    fn new(sorts: usize) -> Self {
        let found = std::iter::repeat_with(AtomicU32::default).take(sorts).collect();
        let dense = std::iter::repeat_with(AtomicBool::default).take(sorts).collect();
        Self { values: AtomicU32::new(0), found, dense, is_dense: AtomicBool::new(false) }
    }

    /// Whether it is dense of anything.
    pub fn is_dense(&self) -> bool {
        self.is_dense.load(Ordering::Relaxed)
    }

    /// The sorts that it is dense of.
    pub fn dense(&self) -> impl Iterator<Item = usize> {
        let dense = self.dense.iter().enumerate();
        dense.filter(|(_, is_dense)| is_dense.load(Ordering::Relaxed)).map(|(sort, _)| sort)
    }

    /// So many more values were looked at.
    pub fn looked(&self, values: u32) {
        // It stops where it would begin anew; the share of what was found is what it was then.
        let more = |so_far: u32| so_far.checked_add(values);
        let _ = self.values.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// One of the values that were looked at is of this sort. The number of values and of those if that makes it dense; this is said once.
    pub fn found(&self, sort: usize) -> Option<(u32, u32)> {
        let found = self.found.get(sort)?.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let values = self.values.load(Ordering::Relaxed);
        let is_dense = values >= DENSE_VALUES_MIN
            && u64::from(found).saturating_mul(10) >= u64::from(values).saturating_mul(DENSE_TENTHS.into());
        let first = is_dense && !self.dense.get(sort)?.swap(true, Ordering::Relaxed);
        if first {
            self.is_dense.store(true, Ordering::Relaxed);
        }
        first.then_some((values, found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search() -> Search {
        let content = Content::new(detect::builtin().unwrap()).unwrap();
        Search::new(Arc::new(content), Part { kind: "Table", name: "(result)".into(), attrs: Vec::new() })
    }

    fn stored(object: u64) -> PlaceKey {
        PlaceKey::Stored { object, field: 1 }
    }

    fn fill(tally: &Tally, of: usize, values: u32) -> bool {
        (0..values).fold(false, |dense, _| {
            tally.looked(1);
            dense | tally.found(of).is_some()
        })
    }

    #[test]
    fn a_place_is_dense_once_most_of_its_values_are_of_a_class_and_stays_so() {
        let tally = Tally::new(3);
        assert!(!fill(&tally, 1, 15) && !tally.is_dense(), "too few");
        assert!(fill(&tally, 1, 1), "said");
        assert!(!fill(&tally, 1, 4), "once");
        assert!(fill(&tally, 2, 1000), "of another as well");
        tally.looked(100_000);
        assert_eq!(tally.dense().collect::<Vec<_>>(), [1, 2]);

        let sparse = Tally::new(3);
        sparse.looked(10);
        assert!(!fill(&sparse, 0, 39) && fill(&sparse, 0, 1), "forty of fifty are eight in ten");
    }

    #[test]
    fn what_is_not_dense_makes_room_and_what_is_dense_stays() {
        let search = search();
        assert!(fill(&search.tally(stored(0)), 0, 20));
        let used = search.tally(stored(1));
        (2..=u64::try_from(STORED_MAX).unwrap() + 1).for_each(|object| drop(search.tally(stored(object))));
        assert!(search.tallies.lock().stored.len() <= 4);
        assert!(search.tally(stored(0)).is_dense());
        assert!(Arc::ptr_eq(&used, &search.tally(stored(1))));
    }

    #[test]
    fn what_callers_make_up_takes_no_room_of_what_is_stored() {
        let search = search();
        for text in 0..u64::try_from(RETURNED_MAX).unwrap() + 10 {
            let operation = ShapeKey::of([text.to_be_bytes().as_slice()]);
            assert!(fill(&search.tally(PlaceKey::Returned { operation, field: [0, 0] }), 0, 16));
        }
        assert_eq!(search.tallies.lock().returned.len(), RETURNED_MAX);
        assert!(Arc::ptr_eq(&search.tally(stored(1)), &search.tally(stored(1))));
    }

    #[test]
    fn a_column_that_is_gone_is_forgotten() {
        let search = search();
        fill(&search.tally(stored(7)), 0, 20);
        search.keep_known(1, |object, field| (object, field) == (7, 1));
        assert!(search.tally(stored(7)).is_dense());
        search.keep_known(2, |_, _| false);
        assert!(!search.tally(stored(7)).is_dense());
    }
}
