//! What texts were found to do, kept by one session: by the exact text, and by its skeleton where its constants don't matter.
//!
//! All of it by one catalog: what was found by another is forgotten, or a session that changes the catalog again and again would keep
//! each that it has seen in memory.

use std::collections::HashMap;
use std::rc::Rc;

use gate::{Gate, ShapeKey};
use redact::may_hold_mask;
use sql_postgres::Skeleton;

use crate::interpret::{Circumstance, Interpreted, Reading, interpret};

/// Texts and skeletons kept by one session, and their bytes.
const KNOWN_MAX: usize = 512;
const KNOWN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is known of texts.
#[derive(Debug, Default)]
pub struct Readings {
    texts: HashMap<Box<[u8]>, Rc<Interpreted>>,
    known: HashMap<ShapeKey, Known>,
    bytes: usize,
    /// The epoch of the catalog that they were read by, and whether it mattered what they store.
    read_by: (u64, bool),
    skeleton: Skeleton,
}

#[derive(Debug)]
enum Known {
    /// All texts of this skeleton.
    Skeleton(Rc<Reading>),
    /// What texts of this skeleton do depends on their constants.
    Depends,
}

impl Readings {
    /// What a text does.
    pub fn of(&mut self, text: &[u8], circumstance: Circumstance<'_>, gate: &Gate) -> Rc<Interpreted> {
        let by = (circumstance.snapshot.epoch, circumstance.may_forbid_store);
        if std::mem::replace(&mut self.read_by, by) != by {
            self.forget();
        }
        if let Some(interpreted) = self.texts.get(text).filter(|known| circumstance.is_that_of(known)) {
            return Rc::clone(interpreted);
        }
        // Whether a constant is a mask that comes back is looked at in its own text.
        let sql = std::str::from_utf8(text).ok().filter(|_| !may_hold_mask(text));
        let sql = sql.filter(|sql| self.skeleton.read(sql) && self.skeleton.has_constants());
        let Some(sql) = sql else { return self.read(text, circumstance, gate) };
        let key = circumstance.skeleton_key(&self.skeleton);
        match self.known.get(&key) {
            // In it something was found that may have to be looked at more closely: it is read by itself, and not kept.
            Some(_) if circumstance.finds(text) || self.skeleton.constants(sql).any(|one| circumstance.finds(one)) => {
                Rc::new(interpret(text, circumstance, gate))
            }
            Some(Known::Skeleton(reading)) => Rc::new(Interpreted::by_skeleton(sql, &self.skeleton, reading, gate)),
            Some(Known::Depends) => self.read(text, circumstance, gate),
            None => {
                let interpreted = Rc::new(interpret(text, circumstance, gate));
                // Where it matters what is stored, each constant is looked at.
                let depends = circumstance.may_forbid_store && interpreted.puts_constants();
                let reading = if depends { None } else { interpreted.stands_for(&self.skeleton, key) };
                let Some(reading) = reading else {
                    self.keep(key, Known::Depends, text.len());
                    if !depends {
                        self.keep_text(text, &interpreted);
                    }
                    return interpreted;
                };
                // What holds for all of them is kept for this one as well, and nothing twice.
                let found = interpreted.found;
                let by_skeleton = (!found).then(|| Interpreted::by_skeleton(sql, &self.skeleton, &reading, gate));
                self.keep(key, Known::Skeleton(Rc::clone(&reading)), text.len().saturating_add(reading.bytes()));
                by_skeleton.map_or(interpreted, Rc::new)
            }
        }
    }

    /// What a text does together with what stands behind the names that it uses: `key` stands for all of that.
    pub fn resolved(&mut self, key: ShapeKey, bytes: usize, resolve: impl FnOnce() -> Rc<Reading>) -> Rc<Reading> {
        if let Some(Known::Skeleton(reading)) = self.known.get(&key) {
            return Rc::clone(reading);
        }
        let reading = resolve();
        self.keep(key, Known::Skeleton(Rc::clone(&reading)), bytes.saturating_add(reading.bytes()));
        reading
    }

    fn read(&mut self, text: &[u8], circumstance: Circumstance<'_>, gate: &Gate) -> Rc<Interpreted> {
        let interpreted = Rc::new(interpret(text, circumstance, gate));
        // A text whose constants are looked at does not come again with the same ones, and would take the place of one that does.
        if !(circumstance.may_forbid_store && interpreted.puts_constants()) {
            self.keep_text(text, &interpreted);
        }
        interpreted
    }

    fn keep_text(&mut self, text: &[u8], interpreted: &Rc<Interpreted>) {
        self.make_room(text.len().saturating_add(interpreted.bytes()));
        self.texts.insert(text.into(), Rc::clone(interpreted));
    }

    fn keep(&mut self, key: ShapeKey, known: Known, bytes: usize) {
        self.make_room(bytes);
        self.known.insert(key, known);
    }

    fn forget(&mut self) {
        self.texts.clear();
        self.known.clear();
        self.bytes = 0;
    }

    fn make_room(&mut self, bytes: usize) {
        let count = self.texts.len().saturating_add(self.known.len());
        if count >= KNOWN_MAX || self.bytes.saturating_add(bytes) > KNOWN_BYTES_MAX {
            self.forget();
        }
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
