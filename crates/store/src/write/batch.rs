//! What a batch has taken in and not yet written.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::sessions::Arrived;
use super::statements::Statement;
use crate::bits::{CHUNK, Set};
use crate::facets::{self, Facet, Space, Value};

/// The number of what belongs to no session.
pub(crate) const NO_SESSION: i64 = -1;

/// What a list of words is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Asks,
    Rules,
    Classes,
    Fields,
}

/// A list of words that is known.
pub(super) struct List {
    pub id: i64,
    pub facets: Vec<Facet>,
}

/// A chunk that grows.
struct Chunk {
    /// Whether nothing of it is written yet.
    is_new: bool,
    first: i64,
    last: i64,
    termed: i64,
    times: Vec<u8>,
}

/// Spreads the numbers of sets. They are ours and nobody else's choice, so the standard library's hash, which is made for
/// what others choose and is slower, is not needed for the twenty or so of each statement.
#[derive(Default)]
pub(super) struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }
}

pub(super) struct Batch {
    pub sessions: HashMap<i64, Arrived>,
    pub session_ids: HashMap<String, i64>,
    pub session_next: i64,
    pub statements: Vec<Statement>,
    /// Where in `statements` the newest one of an operation is.
    pub ops: HashMap<(i64, u64), usize>,
    pub statement_next: i64,
    facets: HashMap<Value, Facet>,
    lists: HashMap<Role, HashMap<String, Rc<List>>>,
    /// By where they are kept.
    sets: HashMap<i64, Set, BuildHasherDefault<Mixer>>,
    chunks: HashMap<(Space, i64), Chunk>,
}

impl Batch {
    /// What comes after all that is there.
    pub fn after(db: &Connection) -> rusqlite::Result<Self> {
        let next = |table| db.query_row(&format!("SELECT ifnull(max(id) + 1, 0) FROM {table}"), [], |row| row.get(0));
        Ok(Self {
            sessions: HashMap::new(),
            session_ids: HashMap::new(),
            session_next: next("sessions")?,
            statements: Vec::new(),
            ops: HashMap::new(),
            statement_next: next("statements")?,
            facets: HashMap::new(),
            lists: HashMap::new(),
            sets: HashMap::default(),
            chunks: HashMap::new(),
        })
    }

    /// The facet of a value.
    pub fn facet(&mut self, db: &Connection, value: Value) -> rusqlite::Result<Facet> {
        if let Some(facet) = self.facets.get(&value) {
            return Ok(*facet);
        }
        let facet = Facet::value(facet_id(db, &value)?);
        self.facets.insert(value, facet);
        Ok(facet)
    }

    /// The facets of values.
    pub fn facets(&mut self, db: &Connection, values: Vec<Value>) -> rusqlite::Result<Vec<Facet>> {
        let mut facets =
            values.into_iter().map(|value| self.facet(db, value)).collect::<rusqlite::Result<Vec<Facet>>>()?;
        facets.sort_unstable();
        facets.dedup();
        Ok(facets)
    }

    /// A list of words, and what it is found by.
    pub fn list(&mut self, db: &Connection, role: Role, json: &str) -> rusqlite::Result<Rc<List>> {
        if let Some(list) = self.lists.get(&role).and_then(|lists| lists.get(json)) {
            return Ok(list.clone());
        }
        let known = db.prepare_cached("SELECT id FROM lists WHERE json = ?1")?.query_row([json], |row| row.get(0));
        let id = match known.optional()? {
            Some(id) => id,
            None => db.prepare_cached("INSERT INTO lists (json) VALUES (?1)")?.insert([json])?,
        };
        // What is no list of texts has nothing to be found by.
        let words: Vec<String> = serde_json::from_str(json).unwrap_or_default();
        let values = match role {
            Role::Asks => words.iter().flat_map(|word| facets::ask(word)).collect(),
            Role::Rules => words.iter().flat_map(|word| facets::rule(word)).collect(),
            Role::Classes => words.iter().flat_map(|word| facets::class(word)).collect(),
            Role::Fields => words.iter().flat_map(|word| facets::shown_field(word)).collect(),
        };
        let list = Rc::new(List { id, facets: self.facets(db, values)? });
        self.lists.entry(role).or_default().insert(json.to_owned(), list.clone());
        Ok(list)
    }

    /// A new entry of this space: its time is known to its chunk.
    pub fn enter(&mut self, db: &Connection, space: Space, id: i64, at: i64) -> rusqlite::Result<()> {
        let chunk = self.chunk(db, space, facets::split(id).0)?;
        (chunk.first, chunk.last) = (chunk.first.min(at), chunk.last.max(at));
        chunk.times.extend_from_slice(&at.to_le_bytes());
        Ok(())
    }

    fn chunk(&mut self, db: &Connection, space: Space, number: i64) -> rusqlite::Result<&mut Chunk> {
        let entry = match self.chunks.entry((space, number)) {
            std::collections::hash_map::Entry::Occupied(known) => return Ok(known.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => entry,
        };
        let mut read = db.prepare_cached("SELECT first, last, termed, times FROM chunks WHERE id = ?1")?;
        let kept = read.query_row([space.chunk(number)], |row| {
            Ok(Chunk { is_new: false, first: row.get(0)?, last: row.get(1)?, termed: row.get(2)?, times: row.get(3)? })
        });
        let new = || Chunk { is_new: true, first: i64::MAX, last: i64::MIN, termed: 0, times: Vec::new() };
        Ok(entry.insert(kept.optional()?.unwrap_or_else(new)))
    }

    /// An entry has a facet.
    pub fn mark(&mut self, db: &Connection, facet: Facet, space: Space, id: i64) -> rusqlite::Result<()> {
        let (set, number) = self.set(db, facet, space, id)?;
        set.insert(number);
        Ok(())
    }

    /// The number of rows of an entry is another one.
    pub fn mark_rows(
        &mut self,
        db: &Connection,
        space: Space,
        id: i64,
        before: u64,
        rows: u64,
    ) -> rusqlite::Result<()> {
        let kept = |rows: u64| rows.min((1 << Facet::ROW_BITS) - 1);
        let (before, rows) = (kept(before), kept(rows));
        for bit in (0..Facet::ROW_BITS).filter(|bit| ((before ^ rows) >> bit) & 1 == 1) {
            let (set, number) = self.set(db, Facet::row_bit(bit), space, id)?;
            match (rows >> bit) & 1 {
                1 => drop(set.insert(number)),
                _ => set.remove(number),
            }
        }
        Ok(())
    }

    fn set(&mut self, db: &Connection, facet: Facet, space: Space, id: i64) -> rusqlite::Result<(&mut Set, u16)> {
        let (chunk, number) = facets::split(id);
        let kept = facet.set(space, chunk);
        // Nothing is kept yet of a chunk that is new.
        if !self.sets.contains_key(&kept) {
            let set = match self.chunk(db, space, chunk)?.is_new {
                true => Set::default(),
                false => {
                    let mut read = db.prepare_cached("SELECT members FROM sets WHERE id = ?1")?;
                    let members = read.query_row([kept], |row| Ok(Set::read(row.get_ref(0)?.as_blob()?)));
                    members.optional()?.unwrap_or_default()
                }
            };
            self.sets.insert(kept, set);
        }
        Ok((self.sets.entry(kept).or_default(), number))
    }

    /// Writes all of it. Says which chunks of statements are full now, so that their words can be looked at once and for all.
    pub fn write(mut self, db: &Connection) -> rusqlite::Result<Vec<i64>> {
        self.write_sessions(db)?;
        self.write_statements(db)?;
        let mut sets: Vec<_> = self.sets.into_iter().collect();
        // In the order in which they lie.
        sets.sort_unstable_by_key(|(id, _)| *id);
        let mut to = db.prepare_cached("INSERT OR REPLACE INTO sets (id, members) VALUES (?1, ?2)")?;
        for (id, set) in sets {
            to.execute(params![id, set.write()])?;
        }
        let mut to = db.prepare_cached(
            "INSERT OR REPLACE INTO chunks (id, entries, first, last, termed, times) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut full = Vec::new();
        for ((space, number), Chunk { first, last, termed, times, .. }) in self.chunks {
            let entries = times.as_chunks::<8>().0.len();
            let is_termed = usize::try_from(termed).is_ok_and(|termed| termed >= entries);
            if space == Space::Statements && entries >= CHUNK && !is_termed {
                full.push(number);
            }
            let entries = i64::try_from(entries).unwrap_or(i64::MAX);
            to.execute(params![space.chunk(number), entries, first, last, termed, times])?;
        }
        Ok(full)
    }
}

/// The number of a value in the table of facets.
pub(crate) fn facet_id(db: &Connection, (kind, value): &Value) -> rusqlite::Result<i64> {
    let mut known = db.prepare_cached("SELECT id FROM facets WHERE kind = ?1 AND value = ?2")?;
    match known.query_row(params![kind.number(), value], |row| row.get(0)).optional()? {
        Some(id) => Ok(id),
        None => {
            db.prepare_cached("INSERT INTO facets (kind, value) VALUES (?1, ?2)")?.insert(params![kind.number(), value])
        }
    }
}
