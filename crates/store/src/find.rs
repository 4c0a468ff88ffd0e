//! The way of a search: from the newest chunk to the oldest, in each the intersection of what the conditions have kept.
//!
//! The order is that of time. Entries are numbered as they came, which is nearly the same: lanes are read side by side,
//! and clocks step back. So what a chunk has is final once it is newer than anything that an older chunk holds.

use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::bits::Bits;
use crate::facets::{Facet, Kind, Space, join, split};
use crate::search::{Position, Ruling, Search};
use crate::subjects;
use crate::terms::Terms;
use crate::write::number;

/// Entries that are found, newest first: as many as are wanted, and all others of the last one's microsecond.
pub(crate) fn find(
    db: &Connection,
    space: Space,
    search: &Search,
    after: Option<Position>,
    limit: usize,
) -> rusqlite::Result<Vec<i64>> {
    let Some(conditions) = Conditions::new(db, space, search)? else { return Ok(Vec::new()) };
    let since = search.since.map_or(i64::MIN, number);
    let before = search.until.map_or(i64::MAX, number);
    // What has the position's own microsecond is sorted out by who knows lanes and numbers.
    let last = before.saturating_sub(1).min(after.map_or(i64::MAX, |after| after.at));
    let mut best = Best { after: after.map(|after| after.at), limit, found: Vec::new() };
    for chunk in chunks(db, space)? {
        if best.is_final(chunk.newest) {
            break;
        }
        if chunk.first > last || chunk.last < since {
            continue;
        }
        let mut bits = Bits::below(usize::try_from(chunk.entries).unwrap_or(0));
        if !conditions.keep(db, &chunk, &mut bits)? {
            continue;
        }
        let mut times = times(db, space, &chunk, &bits)?;
        times.retain(|(at, _)| (since..=last).contains(at));
        // Mostly they are in order already.
        times.sort_by_key(|entry| Reverse(*entry));
        let mut in_chunk = Best { found: Vec::new(), ..best };
        for (at, id) in times {
            if in_chunk.is_final(at) {
                break;
            }
            if conditions.is_so(db, &chunk, id)? {
                in_chunk.found.push((at, id));
            }
        }
        best.found.append(&mut in_chunk.found);
        best.found.sort_by_key(|entry| Reverse(*entry));
        let end = best.end();
        best.found.truncate(end);
    }
    Ok(best.found.into_iter().map(|(_, id)| id).collect())
}

/// What was found so far, in order.
struct Best {
    /// Those of this time may have been on the page before, so they do not count.
    after: Option<i64>,
    limit: usize,
    found: Vec<(i64, i64)>,
}

impl Best {
    /// The time of the last one that is wanted, if there are that many.
    fn enough(&self) -> Option<i64> {
        let mut counted = self.found.iter().filter(|(at, _)| Some(*at) != self.after);
        counted.nth(self.limit.saturating_sub(1)).map(|(at, _)| *at)
    }

    /// Whether nothing of this time or before can come into it.
    fn is_final(&self, at: i64) -> bool {
        self.found.len() >= self.limit && self.enough().is_some_and(|enough| at < enough)
    }

    /// Where what is not wanted begins.
    fn end(&self) -> usize {
        let all = self.found.len();
        self.enough().map_or(all, |enough| self.found.iter().position(|(at, _)| *at < enough).unwrap_or(all))
    }
}

/// A chunk.
struct Chunk {
    number: i64,
    entries: i64,
    first: i64,
    last: i64,
    termed: i64,
    /// The newest time in it or in any chunk before it.
    newest: i64,
}

/// All chunks, the newest first.
fn chunks(db: &Connection, space: Space) -> rusqlite::Result<Vec<Chunk>> {
    let mut read =
        db.prepare_cached("SELECT id / 2, entries, first, last, termed FROM chunks WHERE id % 2 = ?1 ORDER BY id")?;
    let rows = read.query_map([space.chunk(0)], |row| {
        let (number, entries, first) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Chunk { number, entries, first, last: row.get(3)?, termed: row.get(4)?, newest: row.get(3)? })
    })?;
    let mut chunks = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut newest = i64::MIN;
    for chunk in &mut chunks {
        newest = newest.max(chunk.last);
        chunk.newest = newest;
    }
    chunks.reverse();
    Ok(chunks)
}

/// So few are looked up one by one: all the times of a chunk are half a megabyte.
const FEW: usize = 64;

/// Those that are left, with their times.
fn times(db: &Connection, space: Space, chunk: &Chunk, bits: &Bits) -> rusqlite::Result<Vec<(i64, i64)>> {
    let left: Vec<u16> = bits.iter().collect();
    let id = |number: u16| join(chunk.number, number);
    if left.len() <= FEW {
        let mut read = db.prepare_cached(match space {
            Space::Sessions => "SELECT at FROM sessions WHERE id = ?1",
            Space::Statements => "SELECT at FROM statements WHERE id = ?1",
        })?;
        return left
            .into_iter()
            .map(|number| Ok((read.query_row([id(number)], |row| row.get(0))?, id(number))))
            .collect();
    }
    let mut read = db.prepare_cached("SELECT times FROM chunks WHERE id = ?1")?;
    read.query_row([space.chunk(chunk.number)], |row| {
        let times = row.get_ref(0)?.as_blob()?.as_chunks().0;
        let time = |number: u16| times.get(usize::from(number)).map(|at| i64::from_le_bytes(*at));
        Ok(left.into_iter().filter_map(|number| Some((time(number)?, id(number)))).collect())
    })
}

/// What must hold.
struct Conditions<'a> {
    space: Space,
    /// Of each of these one.
    facets: Vec<Vec<Facet>>,
    rows_min: u64,
    terms: Option<Terms<'a>>,
    /// Those that a value was shown in, by chunk.
    subject: Option<Vec<(i64, u16)>>,
}

impl<'a> Conditions<'a> {
    /// `None` if nothing can fulfil them: a name that never occurred.
    fn new(db: &Connection, space: Space, search: &'a Search) -> rusqlite::Result<Option<Self>> {
        let mut known = db.prepare_cached("SELECT id FROM facets WHERE kind = ?1 AND value = ?2")?;
        let mut facets = Vec::new();
        for (kind, value) in [
            (Kind::Person, &search.person),
            (Kind::Owner, &search.owner),
            (Kind::Group, &search.group),
            (Kind::Target, &search.target),
            (Kind::Run, &search.run),
            (Kind::Table, &search.table),
            (Kind::Column, &search.column),
            (Kind::Class, &search.class),
            (Kind::Rule, &search.rule),
        ] {
            let Some(value) = value else { continue };
            let id = known.query_row(params![kind.number(), value.to_lowercase()], |row| row.get(0));
            let Some(id) = id.optional()? else { return Ok(None) };
            facets.push(vec![Facet::value(id)]);
        }
        facets.extend(search.ruling.map(|ruling| {
            vec![match ruling {
                Ruling::Permit => Facet::PERMITTED,
                Ruling::Deny => Facet::DENIED,
            }]
        }));
        let is_of_statements = space == Space::Statements;
        if let Some(session) = search.session.as_deref().filter(|_| is_of_statements) {
            facets.push(sessions(db, session)?.into_iter().map(Facet::session).collect());
        }
        let text = search.text.as_ref().filter(|_| is_of_statements);
        let subject = match &search.subject {
            Some(tokens) => Some(subjects::shown(db, space, tokens)?.into_iter().map(split).collect()),
            None => None,
        };
        Ok(Some(Self {
            space,
            facets,
            rows_min: search.rows_min.unwrap_or(0),
            terms: text.map(|text| Terms::new(db, text)).transpose()?,
            subject,
        }))
    }

    /// Keeps of a chunk's entries those that may fulfil them. Says whether there are any.
    fn keep(&self, db: &Connection, chunk: &Chunk, bits: &mut Bits) -> rusqlite::Result<bool> {
        if let Some(subject) = &self.subject {
            let mut shown = Bits::none();
            let start = subject.partition_point(|(number, _)| *number < chunk.number);
            let here = subject.iter().skip(start).take_while(|(number, _)| *number == chunk.number);
            here.for_each(|(_, entry)| shown.insert(*entry));
            bits.keep(&shown);
        }
        for any in &self.facets {
            let mut of_any = Bits::none();
            for facet in any {
                self.add(db, chunk, *facet, &mut of_any)?;
            }
            bits.keep(&of_any);
            if bits.is_empty() {
                return Ok(false);
            }
        }
        if self.rows_min > 0 {
            bits.keep(&self.rows(db, chunk)?);
        }
        if let Some(terms) = self.terms.as_ref().filter(|_| !bits.is_empty()) {
            terms.narrow(db, chunk.number, chunk.termed, bits)?;
        }
        Ok(!bits.is_empty())
    }

    fn add(&self, db: &Connection, chunk: &Chunk, facet: Facet, to: &mut Bits) -> rusqlite::Result<()> {
        let mut read = db.prepare_cached("SELECT members FROM sets WHERE id = ?1")?;
        let set = [facet.set(self.space, chunk.number)];
        read.query_row(set, |row| row.get_ref(0)?.as_blob().map(|set| to.add(set)).map_err(Into::into)).optional()?;
        Ok(())
    }

    /// Entries with at least so many rows, bit by bit from the highest.
    fn rows(&self, db: &Connection, chunk: &Chunk) -> rusqlite::Result<Bits> {
        let wanted = self.rows_min.min((1 << Facet::ROW_BITS) - 1);
        let mut more = Bits::none();
        let mut same = Bits::below(usize::try_from(chunk.entries).unwrap_or(0));
        for bit in (0..Facet::ROW_BITS).rev() {
            // What differs from the number in a higher bit is told already.
            if same.is_empty() {
                break;
            }
            let mut set = Bits::none();
            self.add(db, chunk, Facet::row_bit(bit), &mut set)?;
            if (wanted >> bit) & 1 == 1 {
                same.keep(&set);
            } else {
                let mut above = same.clone();
                above.keep(&set);
                more.join(&above);
                same.drop(&set);
            }
        }
        more.join(&same);
        Ok(more)
    }

    /// Whether an entry that was kept fulfils them: its text is read if the sets can't tell.
    fn is_so(&self, db: &Connection, chunk: &Chunk, id: i64) -> rusqlite::Result<bool> {
        match &self.terms {
            Some(terms) if !terms.is_sure() || i64::from(split(id).1) >= chunk.termed => {
                terms.holds(db, id, &mut String::new())
            }
            _ => Ok(true),
        }
    }
}

/// Sessions of this id, or whose id ends so.
fn sessions(db: &Connection, id: &str) -> rusqlite::Result<Vec<i64>> {
    let mut read = db.prepare_cached(
        "SELECT id FROM sessions WHERE session = ?1 UNION SELECT id FROM sessions \
         WHERE substr(session, -8) = substr(?1, -8) AND substr(session, -length(?1)) = ?1 AND length(?1) >= 8",
    )?;
    read.query_map([id], |row| row.get(0))?.collect()
}
