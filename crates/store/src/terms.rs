//! Frequent words of a chunk's texts, and pairs of them: sets that spare FTS5 its longest lists.
//!
//! FTS5 finds a rare word at once, and takes a while to go through millions of places of a frequent one. So a word that is in
//! [`FREQUENT`] texts of a chunk has a set there, like any facet. Two frequent words that follow each other somewhere have
//! one too, however rare the pair is: where there is none the words never meet, and no text needs to be read to know
//! that `orders from` is in none. The last few texts of a chunk may not be looked at yet; they are read.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::bits::{Bits, Set};
use crate::facets::{Facet, Kind, Space, join};
use crate::words::{Text, plain};
use crate::write::facet_id;

/// In so many texts of a chunk a word is frequent. Fewer can be read one by one.
const FREQUENT: usize = 64;
/// So many texts of a chunk may be read one by one, before their words are looked at.
const UNTERMED_MAX: i64 = 8192;

/// Chunks with too many texts that were not looked at.
pub(crate) fn wanting(db: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut read = db.prepare_cached("SELECT id / 2 FROM chunks WHERE id % 2 = ?1 AND entries - termed >= ?2")?;
    read.query_map([Space::Statements.chunk(0), UNTERMED_MAX], |row| row.get(0))?.collect()
}

/// What a pair is called among the facets.
fn pair(first: &str, second: &str) -> String {
    format!("{first} {second}")
}

/// Looks at all the texts of a chunk, and keeps its sets.
pub(crate) fn write(db: &Connection, chunk: i64) -> rusqlite::Result<()> {
    let mut ids = HashMap::<Box<str>, usize>::new();
    let mut sets = Vec::<Set>::new();
    let mut counts = Vec::<usize>::new();
    // All texts as numbers of their words.
    let mut texts = Vec::<(u16, Vec<usize>)>::new();
    let mut words = String::new();
    let mut read = db.prepare_cached("SELECT text FROM statements WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
    let mut rows = read.query([join(chunk, 0), join(chunk, u16::MAX)])?;
    for number in 0..=u16::MAX {
        let Some(row) = rows.next()? else { break };
        plain(row.get_ref(0)?.as_str()?, &mut words);
        let mut text = Vec::new();
        for word in words.split_ascii_whitespace() {
            let id = ids.get(word).copied().unwrap_or_else(|| {
                let id = sets.len();
                ids.insert(word.into(), id);
                sets.push(Set::default());
                counts.push(0);
                id
            });
            if let (Some(set), Some(count)) = (sets.get_mut(id), counts.get_mut(id))
                && set.insert(number)
            {
                *count = count.saturating_add(1);
            }
            text.push(id);
        }
        texts.push((number, text));
    }
    let is_frequent = |id: &usize| counts.get(*id).is_some_and(|count| *count >= FREQUENT);
    let mut pairs = HashMap::<(usize, usize), Set>::new();
    for (number, text) in &texts {
        for (first, second) in text.iter().zip(text.iter().skip(1)) {
            if is_frequent(first) && is_frequent(second) {
                pairs.entry((*first, *second)).or_default().insert(*number);
            }
        }
    }
    let names: HashMap<usize, &str> =
        ids.iter().filter(|(_, id)| is_frequent(id)).map(|(word, id)| (*id, &**word)).collect();
    let name = |id: &usize| names.get(id).copied().unwrap_or_default();
    let frequent = names.iter().filter_map(|(id, word)| Some(((*word).to_owned(), sets.get(*id)?)));
    let follow = pairs.iter().map(|((first, second), set)| (pair(name(first), name(second)), set));
    let mut kept = Vec::new();
    for (term, set) in frequent.chain(follow) {
        let facet = Facet::value(facet_id(db, &(Kind::Term, term))?);
        kept.push((facet.set(Space::Statements, chunk), set));
    }
    kept.sort_unstable_by_key(|(id, _)| *id);
    let mut to = db.prepare_cached("INSERT OR REPLACE INTO sets (id, members) VALUES (?1, ?2)")?;
    for (id, set) in kept {
        to.execute(params![id, set.write()])?;
    }
    db.prepare_cached("UPDATE chunks SET termed = ?2 WHERE id = ?1")?
        .execute(params![Space::Statements.chunk(chunk), i64::try_from(texts.len()).unwrap_or(i64::MAX)])
        .map(drop)
}

/// A text that is searched for, ready to be looked up in one chunk after the other.
pub(crate) struct Terms<'a> {
    text: &'a Text,
    /// Each with its facet, if it was ever frequent.
    words: Vec<(&'a str, Option<Facet>)>,
    pairs: Vec<((&'a str, &'a str), Option<Facet>)>,
}

impl<'a> Terms<'a> {
    pub fn new(db: &Connection, text: &'a Text) -> rusqlite::Result<Self> {
        let mut known = db.prepare_cached("SELECT id FROM facets WHERE kind = ?1 AND value = ?2")?;
        let mut facet = |term: &str| {
            let id = known.query_row(params![Kind::Term.number(), term], |row| row.get(0)).optional();
            id.map(|id| id.map(Facet::value))
        };
        let mut words = Vec::new();
        for word in text.words() {
            words.push((word, facet(word)?));
        }
        let mut pairs = Vec::new();
        for (first, second) in text.pairs() {
            pairs.push(((first, second), facet(&pair(first, second))?));
        }
        Ok(Self { text, words, pairs })
    }

    /// Whether a text that looks right has to be read to be sure: words may follow each other in other ways.
    pub fn is_sure(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Takes out those of a chunk's first `termed` texts that can't hold it. `bits` are not empty.
    pub fn narrow(&self, db: &Connection, chunk: i64, termed: i64, bits: &mut Bits) -> rusqlite::Result<()> {
        let mut members = db.prepare_cached("SELECT members FROM sets WHERE id = ?1")?;
        let mut set = |facet: Option<Facet>| {
            let Some(facet) = facet else { return Ok(None) };
            let kept = members
                .query_row([facet.set(Space::Statements, chunk)], |row| Ok(Bits::read(row.get_ref(0)?.as_blob()?)));
            kept.optional()
        };
        let termed_bits = Bits::below(usize::try_from(termed).unwrap_or(0));
        let mut fit = termed_bits.clone();
        fit.keep(bits);
        let mut rare = Vec::new();
        for (word, facet) in &self.words {
            match set(*facet)? {
                Some(of_word) => fit.keep(&of_word),
                None => rare.push(*word),
            }
        }
        for ((first, second), facet) in &self.pairs {
            if rare.contains(first) || rare.contains(second) {
                continue;
            }
            match set(*facet)? {
                Some(of_pair) => fit.keep(&of_pair),
                None => fit = Bits::none(),
            }
        }
        if !rare.is_empty() && !fit.is_empty() {
            // Words have no quotes in them, so nothing in quotes is anything but a word.
            let said = rare.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" AND ");
            let start = join(chunk, 0);
            let mut found =
                db.prepare_cached("SELECT rowid FROM texts WHERE texts MATCH ?1 AND rowid BETWEEN ?2 AND ?3")?;
            let end = start.saturating_add(termed).saturating_sub(1);
            let rows = found.query_map(params![said, start, end], |row| row.get::<_, i64>(0))?;
            let mut of_rare = Bits::none();
            for id in rows {
                of_rare.insert(crate::facets::split(id?).1);
            }
            fit.keep(&of_rare);
        }
        bits.drop(&termed_bits);
        bits.join(&fit);
        Ok(())
    }

    /// Whether the text of a statement holds it.
    pub fn holds(&self, db: &Connection, id: i64, words: &mut String) -> rusqlite::Result<bool> {
        let mut read = db.prepare_cached("SELECT text FROM statements WHERE id = ?1")?;
        read.query_row([id], |row| {
            plain(row.get_ref(0)?.as_str()?, words);
            Ok(self.text.is_in(words))
        })
    }
}
