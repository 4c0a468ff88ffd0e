//! What texts were found to do, kept by one session: by the exact text, and by its skeleton where its constants don't matter.

use std::collections::HashMap;
use std::rc::Rc;

use gate::{Gate, ShapeKey};
use sql_postgres::Skeleton;

use crate::interpret::{Circumstance, Interpreted, Reading, interpret};

/// Texts and skeletons kept by one session, and their bytes.
const KNOWN_MAX: usize = 512;
const KNOWN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is known of texts.
#[derive(Debug, Default)]
pub struct Readings {
    known: HashMap<ShapeKey, Known>,
    bytes: usize,
    skeleton: Skeleton,
}

#[derive(Debug)]
enum Known {
    /// This very text.
    Text(Rc<Interpreted>),
    /// All texts of this skeleton.
    Skeleton(Rc<Reading>),
    /// What texts of this skeleton do depends on their constants.
    Depends,
}

impl Readings {
    /// What a text does.
    pub fn of(&mut self, text: &[u8], circumstance: Circumstance<'_>, gate: &Gate) -> Rc<Interpreted> {
        let sql = std::str::from_utf8(text).ok().filter(|sql| self.skeleton.read(sql) && self.skeleton.has_constants());
        let Some(sql) = sql else { return self.by_text(text, circumstance, gate) };
        let key = circumstance.skeleton_key(&self.skeleton);
        match self.known.get(&key) {
            Some(Known::Skeleton(reading)) => Rc::new(Interpreted::by_skeleton(sql, &self.skeleton, reading, gate)),
            Some(_) => self.by_text(text, circumstance, gate),
            None => {
                let interpreted = self.by_text(text, circumstance, gate);
                let known = match interpreted.stands_for(&self.skeleton, key) {
                    Some(reading) => Known::Skeleton(reading),
                    None => Known::Depends,
                };
                self.keep(key, known, text.len());
                interpreted
            }
        }
    }

    /// What a text does together with what stands behind the names that it uses: `key` stands for all of that.
    pub fn resolved(&mut self, key: ShapeKey, bytes: usize, resolve: impl FnOnce() -> Rc<Reading>) -> Rc<Reading> {
        if let Some(Known::Skeleton(reading)) = self.known.get(&key) {
            return Rc::clone(reading);
        }
        let reading = resolve();
        self.keep(key, Known::Skeleton(Rc::clone(&reading)), bytes);
        reading
    }

    fn by_text(&mut self, text: &[u8], circumstance: Circumstance<'_>, gate: &Gate) -> Rc<Interpreted> {
        let key = circumstance.key(text);
        if let Some(Known::Text(interpreted)) = self.known.get(&key) {
            return Rc::clone(interpreted);
        }
        let interpreted = Rc::new(interpret(text, circumstance, gate));
        self.keep(key, Known::Text(Rc::clone(&interpreted)), text.len());
        interpreted
    }

    fn keep(&mut self, key: ShapeKey, known: Known, bytes: usize) {
        if self.known.len() >= KNOWN_MAX || self.bytes.saturating_add(bytes) > KNOWN_BYTES_MAX {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.known.insert(key, known);
    }
}
