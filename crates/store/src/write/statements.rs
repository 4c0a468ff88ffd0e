//! Decisions, and how what was decided ended.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::batch::{Batch, NO_SESSION, Role};
use super::{Origin, number};
use crate::facets::{Facet, Space};
use crate::record::{Decided, Ended, outcome};
use crate::words::plain;

/// A decision that is not written yet.
pub(super) struct Statement {
    id: i64,
    origin: Origin,
    session: i64,
    op: u64,
    denied: bool,
    step: String,
    asks: i64,
    rules: i64,
    why: Option<String>,
    digest: String,
    text: String,
    end: End,
}

/// How it ended, as far as is known.
#[derive(Default)]
struct End {
    outcome: Option<String>,
    rows: u64,
    bytes: u64,
    masked: u64,
    /// Numbers of lists; 0 is none.
    classes: i64,
    found: i64,
}

impl Batch {
    pub fn decided(
        &mut self,
        db: &Connection,
        origin: Origin,
        session: Option<&str>,
        decided: &Decided<'_>,
    ) -> rusqlite::Result<()> {
        let session = self.session(db, origin, session)?;
        let asks = self.list(db, Role::Asks, decided.asks.get())?;
        let rules = self.list(db, Role::Rules, decided.rules.get())?;
        let denied = decided.ruling == "deny";
        let ruling = if denied { Facet::DENIED } else { Facet::PERMITTED };
        let id = self.statement_next;
        self.statement_next = id.saturating_add(1);
        self.enter(db, Space::Statements, id, origin.at)?;
        let mut facets = Vec::new();
        self.of_session(session, |arrived| {
            facets.clone_from(&arrived.facets);
            facets.push(Facet::session(session));
            let count = if denied { &mut arrived.refused } else { &mut arrived.permitted };
            *count = count.saturating_add(1);
        });
        facets.push(ruling);
        for facet in facets.iter().chain(&asks.facets).chain(&rules.facets) {
            self.mark(db, *facet, Space::Statements, id)?;
        }
        self.mark_session(db, session, &[ruling])?;
        self.mark_session_list(db, session, &asks)?;
        self.mark_session_list(db, session, &rules)?;
        self.ops.insert((session, decided.op), self.statements.len());
        self.statements.push(Statement {
            id,
            origin,
            session,
            op: decided.op,
            denied,
            step: decided.step.to_string(),
            asks: asks.id,
            rules: rules.id,
            why: decided.why.clone(),
            digest: decided.digest.clone(),
            text: decided.text.clone(),
            end: End::default(),
        });
        Ok(())
    }

    /// The end belongs to the newest decision on the operation. One without a decision (its record was in a segment that
    /// is gone) is left out.
    pub fn ended(
        &mut self,
        db: &Connection,
        origin: Origin,
        session: Option<&str>,
        ended: &Ended<'_>,
    ) -> rusqlite::Result<()> {
        let session = self.session(db, origin, session)?;
        if session == NO_SESSION {
            return Ok(());
        }
        let waiting = self.ops.get(&(session, ended.op)).copied();
        let (id, mut end) = match waiting.and_then(|at| self.statements.get_mut(at)) {
            Some(statement) => (statement.id, std::mem::take(&mut statement.end)),
            None => match written(db, session, ended.op)? {
                Some(written) => written,
                None => return Ok(()),
            },
        };
        let before = end.rows;
        end.outcome = Some(outcome(&ended.outcome));
        // One that was suspended goes on, and ends again.
        end.rows = end.rows.saturating_add(ended.rows);
        end.bytes = end.bytes.saturating_add(ended.bytes);
        end.masked = end.masked.saturating_add(ended.masked);
        self.mark_rows(db, Space::Statements, id, before, end.rows)?;
        // Fields are found by, and said by the log alone.
        let mut unsaid = 0;
        for (list, role, to) in [
            (ended.classes, Role::Classes, &mut end.classes),
            (ended.found, Role::Classes, &mut end.found),
            (ended.fields, Role::Fields, &mut unsaid),
        ] {
            let Some(list) = list else { continue };
            let list = self.list(db, role, list.get())?;
            *to = list.id;
            for facet in &list.facets {
                self.mark(db, *facet, Space::Statements, id)?;
            }
            self.mark_session_list(db, session, &list)?;
        }
        self.of_session(session, |arrived| {
            arrived.rows = arrived.rows.saturating_add(ended.rows);
            arrived.bytes = arrived.bytes.saturating_add(ended.bytes);
            arrived.masked = arrived.masked.saturating_add(ended.masked);
        });
        match waiting.and_then(|at| self.statements.get_mut(at)) {
            Some(statement) => statement.end = end,
            None => {
                let update = "UPDATE statements SET outcome = ?2, rows = ?3, bytes = ?4, masked = ?5, classes = ?6, \
                              found = ?7 WHERE id = ?1";
                let (rows, bytes, masked) = (number(end.rows), number(end.bytes), number(end.masked));
                db.prepare_cached(update)?.execute(params![
                    id,
                    end.outcome,
                    rows,
                    bytes,
                    masked,
                    end.classes,
                    end.found
                ])?;
            }
        }
        Ok(())
    }

    pub fn write_statements(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let mut to = db.prepare_cached(
            "INSERT INTO statements (id, at, lane, seq, session, op, denied, step, outcome, rows, bytes, masked, asks, \
             rules, classes, found, why, digest, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
             ?14, ?15, ?16, ?17, ?18, ?19)",
        )?;
        let mut texts = db.prepare_cached("INSERT INTO texts (rowid, words) VALUES (?1, ?2)")?;
        let mut words = String::new();
        for statement in std::mem::take(&mut self.statements) {
            let Statement { id, origin, session, op, denied, step, asks, rules, why, digest, text, end } = statement;
            let Origin { at, lane, seq } = origin;
            let End { outcome, rows, bytes, masked, classes, found } = end;
            to.execute(params![
                id,
                at,
                lane,
                seq,
                session,
                number(op),
                denied,
                step,
                outcome,
                number(rows),
                number(bytes),
                number(masked),
                asks,
                rules,
                classes,
                found,
                why,
                digest,
                text
            ])?;
            plain(&text, &mut words);
            texts.execute(params![id, words])?;
        }
        Ok(())
    }
}

/// The newest decision on an operation that is written.
fn written(db: &Connection, session: i64, op: u64) -> rusqlite::Result<Option<(i64, End)>> {
    let mut read = db.prepare_cached(
        "SELECT id, rows, bytes, masked, classes, found FROM statements WHERE session = ?1 AND op = ?2 \
         ORDER BY id DESC LIMIT 1",
    )?;
    let row = read.query_row(params![session, number(op)], |row| {
        let count = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
        let (rows, bytes, masked) = (count(1)?, count(2)?, count(3)?);
        Ok((row.get(0)?, End { outcome: None, rows, bytes, masked, classes: row.get(4)?, found: row.get(5)? }))
    });
    row.optional()
}
