//! Portals by name, and which of them go with their transaction.
//!
//! A session may hold many that stay (cursors WITH HOLD), and end many transactions: an end looks only at those that it may take away or keep.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map};
use std::rc::Rc;

use super::{Entry, Portal};

/// All portals of one session.
#[derive(Debug, Default)]
pub(super) struct Portals {
    all: HashMap<Vec<u8>, Entry<Portal>>,
    /// The names of those that no transaction has kept so far, by the number of their definition: of those that go with it whatever
    /// happens, and of those that are held if it commits.
    plain: BTreeMap<u64, Vec<u8>>,
    held: BTreeMap<u64, Vec<u8>>,
    /// Names of those among them that the target has confirmed, since a transaction has last ended.
    confirmed: HashSet<Vec<u8>>,
}

impl Portals {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Entry<Portal>> {
        self.all.get(name)
    }

    pub(super) fn insert(&mut self, name: Vec<u8>, entry: Entry<Portal>) -> Option<Entry<Portal>> {
        let before = self.remove(&name);
        if !entry.outlives {
            self.passing(&entry).insert(entry.number, name.clone());
            if entry.meaning.confirmed.get() {
                self.confirmed.insert(name.clone());
            }
        }
        self.all.insert(name, entry);
        before
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Entry<Portal>> {
        self.remove_entry(name).map(|(_, entry)| entry)
    }

    pub(super) fn remove_entry(&mut self, name: &[u8]) -> Option<(Vec<u8>, Entry<Portal>)> {
        let (name, entry) = self.all.remove_entry(name)?;
        self.passing(&entry).remove(&entry.number);
        self.confirmed.remove(&name);
        Some((name, entry))
    }

    pub(super) fn drain(&mut self) -> hash_map::IntoIter<Vec<u8>, Entry<Portal>> {
        std::mem::take(self).all.into_iter()
    }

    /// The target has made it, unless the name means something newer by now.
    pub(super) fn confirm(&mut self, name: &[u8], meaning: &Rc<Portal>) {
        meaning.confirmed.set(true);
        let is_this = |entry: &Entry<Portal>| Rc::ptr_eq(&entry.meaning, meaning) && !entry.outlives;
        if self.all.get(name).is_some_and(is_this) {
            self.confirmed.insert(name.to_vec());
        }
    }

    /// What is not confirmed is not there.
    pub(super) fn settle(&mut self) {
        let unconfirmed = self.all.iter().filter(|(_, entry)| !entry.meaning.confirmed.get());
        let names: Vec<Vec<u8>> = unconfirmed.map(|(name, _)| name.clone()).collect();
        names.iter().for_each(|name| drop(self.remove(name)));
    }

    /// A transaction has ended: those that are confirmed go, but for held ones if it has not `failed`.
    pub(super) fn end_transaction(&mut self, failed: bool) {
        for name in std::mem::take(&mut self.confirmed) {
            match self.all.get_mut(&name) {
                Some(entry) if entry.meaning.hold && !failed => {
                    entry.outlives = true;
                    self.held.remove(&entry.number);
                }
                Some(_) => drop(self.remove(&name)),
                None => {}
            }
        }
    }

    /// Takes those away that no transaction has kept so far and that are newer than this, but for held ones if it commits.
    pub(super) fn take_ending(&mut self, commits: bool, after: u64) -> Vec<(Vec<u8>, Entry<Portal>)> {
        let after = after.saturating_add(1);
        let mut ending = self.plain.split_off(&after);
        if !commits {
            ending.append(&mut self.held.split_off(&after));
        }
        ending.into_values().filter_map(|name| self.remove_entry(&name)).collect()
    }

    /// Where those stand that go when this one does.
    fn passing(&mut self, entry: &Entry<Portal>) -> &mut BTreeMap<u64, Vec<u8>> {
        if entry.meaning.hold { &mut self.held } else { &mut self.plain }
    }
}
