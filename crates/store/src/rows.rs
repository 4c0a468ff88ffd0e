//! What is found, as it is shown.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;

use crate::error::Error;
use crate::facets::Space;
use crate::find::find;
use crate::open::Index;
use crate::search::{Page, Position, Search};

/// What has become of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It goes on, as far as the log says.
    #[default]
    Running,
    /// It was closed.
    Closed,
    /// There is none: the caller was turned away.
    Rejected,
    /// Weir ended without closing it.
    CutOff,
}

impl SessionState {
    pub(crate) fn read(number: i64) -> Self {
        match number {
            1 => Self::Closed,
            2 => Self::Rejected,
            _ => Self::Running,
        }
    }

    pub(crate) fn number(self) -> i64 {
        match self {
            // That Weir ended is not written into each.
            Self::Running | Self::CutOff => 0,
            Self::Closed => 1,
            Self::Rejected => 2,
        }
    }
}

/// A session, or a caller that was turned away. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Its id. A caller that was turned away has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What has become of it.
    pub state: SessionState,
    /// When it began.
    pub began: i64,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    /// Why it was closed, or turned away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// `User` or `Workload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whose workload it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// On whose behalf, nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub act: Vec<String>,
    /// Its groups.
    pub groups: Vec<String>,
    /// Which credential it showed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Where inside the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The caller's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The program, as it names itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// The workflow run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Decisions that permitted something; of a closed one, operations as it counted them itself.
    pub permitted: u64,
    /// The same of what was refused.
    pub refused: u64,
    /// Rows shown.
    pub rows: u64,
    /// Bytes shown.
    pub bytes: u64,
    /// Cells that were not shown clear.
    pub masked: u64,
    /// Things that an auditor should see.
    pub notices: u64,
    /// When its recording was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording_deleted: Option<i64>,
    /// The lane of the record that began it.
    pub lane: u16,
    /// That record's number.
    pub seq: i64,
}

/// A decision, and how what was decided ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// When it was decided, in microseconds since 1970.
    pub at: i64,
    /// The session, if it belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Its number in the session.
    pub op: u64,
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `permit` or `deny`.
    pub ruling: &'static str,
    /// What was about to happen.
    pub step: String,
    /// `done`, `failed 42601`; absent while it runs and if nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Rows shown.
    pub rows: u64,
    /// Bytes shown.
    pub bytes: u64,
    /// Cells that were not shown clear.
    pub masked: u64,
    /// What was asked.
    pub asks: Vec<String>,
    /// The rules that decided.
    pub rules: Vec<String>,
    /// Classes that were met, with their sights.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Classes of what was found in values, with their sights.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
    /// Why it was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Keyed digest of the text.
    pub digest: String,
    /// The text, as the log keeps it.
    pub text: String,
    /// The lane of its record.
    pub lane: u16,
    /// The record's number.
    pub seq: i64,
}

/// What an auditor should see, and is no statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// When, in microseconds since 1970.
    pub at: i64,
    /// What, in one word.
    pub what: String,
    /// In words.
    pub detail: String,
}

impl Session {
    /// Where it stands in the order.
    pub fn position(&self) -> Position {
        Position { at: self.began, lane: self.lane, seq: self.seq }
    }
}

impl Statement {
    /// Where it stands in the order.
    pub fn position(&self) -> Position {
        Position { at: self.at, lane: self.lane, seq: self.seq }
    }
}

impl Index {
    /// Statements, newest first, of which at most `limit`; those after a position that an earlier page ended with.
    pub fn statements(&self, search: &Search, after: Option<Position>, limit: usize) -> Result<Page<Statement>, Error> {
        self.page(Space::Statements, search, after, limit, statement, Statement::position)
    }

    /// Sessions, newest first, and callers that were turned away.
    pub fn sessions(&self, search: &Search, after: Option<Position>, limit: usize) -> Result<Page<Session>, Error> {
        self.page(Space::Sessions, search, after, limit, session, Session::position)
    }

    fn page<T>(
        &self,
        space: Space,
        search: &Search,
        after: Option<Position>,
        limit: usize,
        read: impl Fn(&Connection, i64) -> rusqlite::Result<T>,
        position: impl Fn(&T) -> Position,
    ) -> Result<Page<T>, Error> {
        let page = || {
            // All that is read is of one moment.
            let db = self.db.unchecked_transaction()?;
            // One more says whether there is more.
            let ids = find(&db, space, search, after, limit.saturating_add(1))?;
            let found = ids.into_iter().map(|id| read(&db, id)).collect::<rusqlite::Result<Vec<T>>>()?;
            let mut found: Vec<(Position, T)> = found.into_iter().map(|found| (position(&found), found)).collect();
            found.retain(|(position, _)| after.is_none_or(|after| *position < after));
            found.sort_by_key(|(position, _)| std::cmp::Reverse(*position));
            let is_all = found.len() <= limit;
            found.truncate(limit);
            let next = found.last().map(|(position, _)| *position).filter(|_| !is_all);
            Ok(Page { found: found.into_iter().map(|(_, found)| found).collect(), next })
        };
        page().map_err(|error| Error::of(&self.path, error))
    }

    /// What an auditor should see of a session, in order; of none: what belongs to no session.
    pub fn notices(&self, session: Option<&str>) -> Result<Vec<Notice>, Error> {
        let read = || {
            let mut read = self.db.prepare_cached(
                "SELECT at, what, detail FROM notices WHERE session = ifnull((SELECT id FROM sessions WHERE session = ?1), -1) \
                 ORDER BY at, lane, seq",
            )?;
            read.query_map([session], |row| Ok(Notice { at: row.get(0)?, what: row.get(1)?, detail: row.get(2)? }))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| Error::of(&self.path, error))
    }
}

fn words(json: Option<String>) -> Vec<String> {
    json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
}

fn count(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

fn session(db: &Connection, id: i64) -> rusqlite::Result<Session> {
    let started = db.prepare_cached("SELECT at FROM starts")?.query_row([], |row| row.get(0)).optional()?;
    let mut read = db.prepare_cached("SELECT * FROM sessions WHERE id = ?1")?;
    read.query_row([id], |row| {
        let began = row.get("at")?;
        let state = match SessionState::read(row.get("state")?) {
            SessionState::Running if started.is_some_and(|started: i64| began < started) => SessionState::CutOff,
            state => state,
        };
        Ok(Session {
            session: row.get("session")?,
            state,
            began,
            ended: row.get("ended")?,
            why: row.get("why")?,
            principal: row.get("principal")?,
            kind: row.get("kind")?,
            owner: row.get("owner")?,
            act: words(row.get("act")?),
            groups: words(row.get("groups")?),
            credential: row.get("credential")?,
            target: row.get("target")?,
            place: row.get("place")?,
            peer: row.get("peer")?,
            application: row.get("application")?,
            run: row.get("run")?,
            permitted: count(row, "permitted")?,
            refused: count(row, "refused")?,
            rows: count(row, "rows")?,
            bytes: count(row, "bytes")?,
            masked: count(row, "masked")?,
            notices: count(row, "notices")?,
            recording_deleted: row.get("recording_deleted")?,
            lane: row.get("lane")?,
            seq: row.get("seq")?,
        })
    })
}

fn statement(db: &Connection, id: i64) -> rusqlite::Result<Statement> {
    let mut read = db.prepare_cached(
        "SELECT statements.*, sessions.session AS session_id, sessions.principal, sessions.target, \
         (SELECT json FROM lists WHERE id = asks) AS asks_json, (SELECT json FROM lists WHERE id = rules) AS rules_json, \
         (SELECT json FROM lists WHERE id = classes) AS classes_json, (SELECT json FROM lists WHERE id = found) AS found_json \
         FROM statements LEFT JOIN sessions ON sessions.id = statements.session WHERE statements.id = ?1",
    )?;
    read.query_row(params![id], |row| {
        Ok(Statement {
            at: row.get("at")?,
            session: row.get("session_id")?,
            op: count(row, "op")?,
            principal: row.get("principal")?,
            target: row.get("target")?,
            ruling: if row.get("denied")? { "deny" } else { "permit" },
            step: row.get("step")?,
            outcome: row.get("outcome")?,
            rows: count(row, "rows")?,
            bytes: count(row, "bytes")?,
            masked: count(row, "masked")?,
            asks: words(row.get("asks_json")?),
            rules: words(row.get("rules_json")?),
            classes: words(row.get("classes_json")?),
            found: words(row.get("found_json")?),
            why: row.get("why")?,
            digest: row.get("digest")?,
            text: row.get("text")?,
            lane: row.get("lane")?,
            seq: row.get("seq")?,
        })
    })
}
