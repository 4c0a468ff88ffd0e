//! Sessions as they come, go on and end; and callers that were turned away.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::batch::{Batch, List, NO_SESSION};
use super::{Origin, number};
use crate::facets::{self, Facet, Kind, Space};
use crate::record::{Admitted, Closed, Found, Noticed, Rejected};
use crate::rows::SessionState;
use crate::subjects;

/// A session, or a caller that was turned away.
#[derive(Default)]
pub(super) struct Arrived {
    at: i64,
    lane: u16,
    seq: i64,
    session: Option<String>,
    state: SessionState,
    ended: Option<i64>,
    why: Option<String>,
    principal: Option<String>,
    kind: Option<String>,
    owner: Option<String>,
    act: Vec<String>,
    groups: Vec<String>,
    credential: Option<String>,
    target: Option<String>,
    place: Option<String>,
    peer: Option<String>,
    application: Option<String>,
    run: Option<String>,
    pub permitted: u64,
    pub refused: u64,
    pub rows: u64,
    pub bytes: u64,
    pub masked: u64,
    notices: u64,
    recording_deleted: Option<i64>,
    /// What each of its statements is found by.
    pub facets: Vec<Facet>,
    /// Facets that this batch has marked it with.
    marked: HashSet<Facet>,
    /// Lists whose facets it was marked with.
    seen: HashSet<*const List>,
    rows_marked: u64,
}

impl Arrived {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let list = |json: String| serde_json::from_str(&json).unwrap_or_default();
        let count = |at: &str| row.get::<_, i64>(at).map(i64::unsigned_abs);
        Ok(Self {
            at: row.get("at")?,
            lane: row.get("lane")?,
            seq: row.get("seq")?,
            session: row.get("session")?,
            state: SessionState::read(row.get("state")?),
            ended: row.get("ended")?,
            why: row.get("why")?,
            principal: row.get("principal")?,
            kind: row.get("kind")?,
            owner: row.get("owner")?,
            act: list(row.get("act")?),
            groups: list(row.get("groups")?),
            credential: row.get("credential")?,
            target: row.get("target")?,
            place: row.get("place")?,
            peer: row.get("peer")?,
            application: row.get("application")?,
            run: row.get("run")?,
            permitted: count("permitted")?,
            refused: count("refused")?,
            rows: count("rows")?,
            rows_marked: count("rows")?,
            bytes: count("bytes")?,
            masked: count("masked")?,
            notices: count("notices")?,
            recording_deleted: row.get("recording_deleted")?,
            ..Self::default()
        })
    }

    /// Who, where to and for what: what all that it does is found by.
    fn values(&self) -> Vec<facets::Value> {
        let one = |kind, value: &Option<String>| value.as_ref().map(|value| (kind, value.to_lowercase()));
        let mut values: Vec<facets::Value> = self
            .principal
            .iter()
            // On whose behalf somebody acts is somebody who acts.
            .chain(&self.act)
            .flat_map(|id| facets::principal(Kind::Person, id))
            .chain(self.owner.iter().flat_map(|id| facets::principal(Kind::Owner, id)))
            .chain(self.groups.iter().map(|group| (Kind::Group, group.to_lowercase())))
            .chain(self.run.iter().flat_map(|run| facets::run(run)))
            .collect();
        values.extend(one(Kind::Target, &self.target));
        values
    }
}

impl Batch {
    /// The session of a record. One whose beginning is not in the log begins with the first that is known of it.
    pub fn session(&mut self, db: &Connection, origin: Origin, session: Option<&str>) -> rusqlite::Result<i64> {
        let Some(name) = session else { return Ok(NO_SESSION) };
        if let Some(id) = self.session_ids.get(name) {
            return Ok(*id);
        }
        let mut read = db.prepare_cached("SELECT * FROM sessions WHERE session = ?1")?;
        let kept = read.query_row([name], |row| Ok((row.get::<_, i64>("id")?, Arrived::read(row)?))).optional()?;
        let id = match kept {
            Some((id, mut arrived)) => {
                arrived.facets = self.facets(db, arrived.values())?;
                self.sessions.insert(id, arrived);
                id
            }
            None => self.arrive(db, origin, Some(name))?,
        };
        self.session_ids.insert(name.to_owned(), id);
        Ok(id)
    }

    fn arrive(&mut self, db: &Connection, origin: Origin, session: Option<&str>) -> rusqlite::Result<i64> {
        let id = self.session_next;
        self.session_next = id.saturating_add(1);
        let Origin { at, lane, seq } = origin;
        self.sessions.insert(id, Arrived { at, lane, seq, session: session.map(str::to_owned), ..Arrived::default() });
        self.enter(db, Space::Sessions, id, at)?;
        Ok(id)
    }

    /// Does something to a session that is known.
    pub fn of_session(&mut self, id: i64, change: impl FnOnce(&mut Arrived)) {
        self.sessions.get_mut(&id).map(change);
    }

    /// Something in a session has these facets.
    pub fn mark_session(&mut self, db: &Connection, id: i64, facets: &[Facet]) -> rusqlite::Result<()> {
        for facet in facets {
            if self.sessions.get_mut(&id).is_some_and(|session| session.marked.insert(*facet)) {
                self.mark(db, *facet, Space::Sessions, id)?;
            }
        }
        Ok(())
    }

    /// Something in a session has the facets of a list.
    pub fn mark_session_list(&mut self, db: &Connection, id: i64, list: &List) -> rusqlite::Result<()> {
        match self.sessions.get_mut(&id).is_some_and(|session| session.seen.insert(list)) {
            true => self.mark_session(db, id, &list.facets),
            false => Ok(()),
        }
    }

    pub fn admitted(
        &mut self,
        db: &Connection,
        origin: Origin,
        session: Option<&str>,
        admitted: &Admitted<'_>,
    ) -> rusqlite::Result<()> {
        let id = self.session(db, origin, session)?;
        let Some(arrived) = self.sessions.get_mut(&id) else { return Ok(()) };
        let Admitted { groups, act, owner, credential, target, place, peer, application, run, .. } = admitted;
        (arrived.principal, arrived.kind) = (Some(admitted.principal.to_string()), Some(admitted.kind.to_string()));
        (arrived.groups, arrived.act, arrived.owner) = (groups.clone(), act.clone(), owner.clone());
        (arrived.credential, arrived.target, arrived.place) = (credential.clone(), Some(target.clone()), place.clone());
        (arrived.peer, arrived.application, arrived.run) = (peer.clone(), application.clone(), run.clone());
        let values = arrived.values();
        let facets = self.facets(db, values)?;
        self.mark_session(db, id, &facets)?;
        self.of_session(id, |arrived| arrived.facets = facets);
        Ok(())
    }

    pub fn rejected(&mut self, db: &Connection, origin: Origin, rejected: Rejected) -> rusqlite::Result<()> {
        let id = self.arrive(db, origin, None)?;
        let Some(arrived) = self.sessions.get_mut(&id) else { return Ok(()) };
        arrived.state = SessionState::Rejected;
        (arrived.principal, arrived.target) = (rejected.principal, rejected.target);
        (arrived.peer, arrived.why) = (rejected.peer, rejected.why);
        let values = arrived.values();
        let mut facets = self.facets(db, values)?;
        facets.push(Facet::DENIED);
        self.mark_session(db, id, &facets)
    }

    pub fn found(
        &mut self,
        db: &Connection,
        origin: Origin,
        session: Option<&str>,
        found: &Found,
    ) -> rusqlite::Result<()> {
        let id = self.session(db, origin, session)?;
        let values = facets::field(&found.field).into_iter().chain(facets::class(&found.class)).collect();
        let facets = self.facets(db, values)?;
        self.mark_session(db, id, &facets)
    }

    pub fn noticed(
        &mut self,
        db: &Connection,
        origin: Origin,
        session: Option<&str>,
        noticed: &Noticed,
    ) -> rusqlite::Result<()> {
        let id = self.session(db, origin, session)?;
        self.of_session(id, |arrived| arrived.notices = arrived.notices.saturating_add(1));
        let Origin { at, lane, seq } = origin;
        db.prepare_cached("INSERT INTO notices (session, at, lane, seq, what, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![id, at, lane, seq, noticed.what, noticed.detail])
            .map(drop)
    }

    pub fn closed(
        &mut self,
        db: &Connection,
        origin: Origin,
        session: Option<&str>,
        closed: Closed,
    ) -> rusqlite::Result<()> {
        let id = self.session(db, origin, session)?;
        self.of_session(id, |arrived| {
            arrived.state = SessionState::Closed;
            (arrived.ended, arrived.why) = (Some(origin.at), Some(closed.why));
            // What the session itself has counted.
            (arrived.permitted, arrived.refused) = (closed.permitted, closed.refused);
        });
        Ok(())
    }

    /// What it showed is not to be known any more: not by tokens of values either.
    pub fn recording_deleted(
        &mut self,
        db: &Connection,
        origin: Origin,
        session: Option<&str>,
    ) -> rusqlite::Result<()> {
        let Some(name) = session else { return Ok(()) };
        let id = self.session(db, origin, session)?;
        self.of_session(id, |arrived| arrived.recording_deleted = Some(origin.at));
        subjects::forget(db, id, name)
    }

    pub fn write_sessions(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let mut sessions: Vec<_> = std::mem::take(&mut self.sessions).into_iter().collect();
        sessions.sort_unstable_by_key(|(id, _)| *id);
        let mut to = db.prepare_cached(
            "INSERT OR REPLACE INTO sessions (id, at, lane, seq, session, state, ended, why, principal, kind, owner, act, \
             groups, credential, target, place, peer, application, run, permitted, refused, rows, bytes, masked, notices, recording_deleted) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
             ?22, ?23, ?24, ?25, ?26)",
        )?;
        let list = |list: &[String]| serde_json::Value::from(list).to_string();
        for (id, arrived) in sessions {
            self.mark_rows(db, Space::Sessions, id, arrived.rows_marked, arrived.rows)?;
            let Arrived { at, lane, seq, session, ended, why, principal, kind, owner, credential, .. } = &arrived;
            let Arrived { target, place, peer, application, run, .. } = &arrived;
            to.execute(params![
                id,
                at,
                lane,
                seq,
                session,
                arrived.state.number(),
                ended,
                why,
                principal,
                kind,
                owner,
                list(&arrived.act),
                list(&arrived.groups),
                credential,
                target,
                place,
                peer,
                application,
                run,
                number(arrived.permitted),
                number(arrived.refused),
                number(arrived.rows),
                number(arrived.bytes),
                number(arrived.masked),
                number(arrived.notices),
                arrived.recording_deleted
            ])?;
        }
        Ok(())
    }
}
