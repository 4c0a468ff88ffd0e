//! What a session looks at in the values that pass: which columns of a result, in which manner, and who looks.
//!
//! Every column is looked at whose values can hold anything of what is looked for, but for names of what is in the database, as the catalog's own
//! tables hold them. A column that is one of a table's is known by that; what is computed is known by the statement.

use std::sync::Arc;

use gate::{KeptWatch, Looker, Met, PlaceKey, Search, Session, ShapeKey, Sought, Watch, Watches};
use model::{Holds, UnixMicros};
use redact::{Plan, TokenKey};
use sql_postgres::{Catalog, MadeOf, Names};

use super::Conversation;
use super::expect::{Expect, Running};
use super::recorded::{KeptBy, manners_of};
use super::target::Pass;
use crate::cells::{Eyes, Manner, Sought as LookedFor};
use crate::interpret::{Form, Interpreted};
use crate::wire::backend::ColumnShape;
use crate::wire::{Fields, Malformed, build};

/// The first oid that PostgreSQL gives to what users make.
const USER_OID_MIN: u32 = 16384;
/// Types that in the catalog's own tables hold names of what is in the database, its numbers, and addresses of whoever is connected to it: `name`,
/// `int2vector`, `oidvector`, `cidr`, `inet`. Elsewhere they can hold what somebody has written.
const OWN: [u32; 5] = [19, 22, 30, 650, 869];

static NO_NAMES: MadeOf = MadeOf::NOTHING;

/// Who looks, and the room for it.
#[derive(Debug, Default)]
pub struct Looking {
    looker: Option<Looker>,
    /// What a cell says.
    scratch: Vec<u8>,
    /// What is shown of a cell.
    pub cell: Vec<u8>,
    /// The watch over what the target says in words.
    said: Option<KeptWatch>,
}

impl Looking {
    /// What shows cells, where this is watched.
    pub fn eyes<'a>(&'a mut self, session: &'a Session, watch: Option<&'a Watch>, met: &'a mut Met) -> Eyes<'a> {
        self.eyes_with(session.tokens(), watch, met)
    }

    /// The same with the key of other tokens: those of the recording.
    pub fn eyes_with<'a>(&'a mut self, tokens: &'a TokenKey, watch: Option<&'a Watch>, met: &'a mut Met) -> Eyes<'a> {
        let sought = watch.map(|watch| {
            let looker = self.looker.get_or_insert_with(|| watch.looker());
            LookedFor { watch, looker, met, scratch: &mut self.scratch }
        });
        Eyes { tokens, sought }
    }

    /// Gives back the room that a burst has taken.
    pub fn shrink(&mut self, bytes: usize) {
        self.looker = None;
        self.scratch.clear();
        self.cell.clear();
        self.scratch.shrink_to(bytes);
        self.cell.shrink_to(bytes);
    }
}

/// A result whose values may be looked at.
pub struct Looked<'a> {
    search: &'a Arc<Search>,
    catalog: &'a Catalog,
    operation: ShapeKey,
    statement: usize,
    made_of: Option<&'a MadeOf>,
}

impl<'a> Looked<'a> {
    /// The result of this statement of a text, if anything is looked for.
    pub fn of(search: Option<&'a Arc<Search>>, interpreted: &'a Interpreted, statement: usize) -> Option<Self> {
        let snapshot = &interpreted.snapshot;
        let search = search?;
        // One session's own catalog knows nothing of what is temporary in others.
        if !snapshot.catalog.is_of_session() {
            search.keep_known(snapshot.epoch, |object, field| {
                let (Ok(object), Ok(field)) = (u32::try_from(object), i16::try_from(field)) else { return false };
                snapshot.catalog.column(object, field).is_some()
            });
        }
        let made_of = interpreted.statements.get(statement).map(|statement| &statement.made_of);
        // What is no text of SQL has columns of the server's own.
        let made_of = if interpreted.form == Form::Sql { made_of } else { Some(&NO_NAMES) };
        Some(Self { search, catalog: &snapshot.catalog, operation: interpreted.key, statement, made_of })
    }

    /// Lays out what of its columns is looked at, and gives what is looked at for the recording.
    pub fn watch(
        &self,
        running: &mut Running,
        holds: &[Holds],
        columns: &[ColumnShape],
        kept: &mut Option<KeptWatch>,
        now: UnixMicros,
    ) -> Option<Arc<Watch>> {
        let fields = || columns.iter().enumerate().map(|(at, column)| self.sought(at, column)).collect();
        let Watches { shown, kept } = running.flow.watch(self.search, holds, kept, now, fields);
        running.watch = shown;
        let types: Vec<u32> = columns.iter().map(|column| column.type_oid).collect();
        running.manners = running.watch.iter().flat_map(|watch| manners_of(watch, &types)).collect();
        if running.manners.iter().all(Option::is_none) {
            running.watch = None;
        }
        kept
    }

    /// The same where nobody has said what the columns are, or how many there are.
    pub fn watch_undescribed(&self, running: &mut Running, now: UnixMicros) {
        let anything = || vec![Some(Sought { made_of: None, ..self.computed(usize::MAX, "") })];
        let Watches { shown, kept } = running.flow.watch(self.search, &[], &mut None, now, anything);
        running.watch = shown;
        running.kept = kept.map(KeptBy::of_anything);
        running.manners = running.watch.iter().map(|_| Some(Manner::Raw)).collect();
    }

    fn sought(&self, at: usize, column: &ColumnShape) -> Option<Sought> {
        Manner::of(column.type_oid, true)?;
        if (1..USER_OID_MIN).contains(&column.table_oid) && OWN.contains(&column.type_oid) {
            return None;
        }
        let Some((part, name, is_stored)) = self.catalog.place(column.table_oid, column.attribute) else {
            return Some(self.computed(at, &column.name));
        };
        let key = PlaceKey::Stored { object: column.table_oid.into(), field: column.attribute.into() };
        let made_of = if is_stored { Some(Names::default()) } else { self.made_of(at, &column.name) };
        Some(Sought { part: Some(part), name: name.to_owned(), made_of, key, is_known: is_stored })
    }

    fn made_of(&self, at: usize, name: &str) -> Option<Names> {
        self.made_of?.names(at, name)
    }

    /// Something that is no column, under the name that the statement gives it and those of what it is made of.
    fn computed(&self, at: usize, name: &str) -> Sought {
        let numbers = [self.statement, at].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let key = PlaceKey::Returned { operation: self.operation, field: numbers };
        Sought { part: None, name: name.to_owned(), made_of: self.made_of(at, name), key, is_known: false }
    }
}

impl<S> Conversation<S> {
    /// Whether anything that may be found in values would be hidden from this session.
    pub(super) fn hides_content(&self, now: UnixMicros) -> bool {
        self.catalogs.search().is_some_and(|search| self.session.hides(search, now))
    }

    /// A text that is said to the caller, with what is found in it that is not seen replaced. `None` if there is nothing.
    /// `kept` says that it is the recording that it is said to.
    pub(super) fn said(&mut self, text: &[u8], kept: bool, met: &mut Met, now: UnixMicros) -> Option<Vec<u8>> {
        let search = Arc::clone(self.catalogs.search()?);
        let anything = || {
            let key = PlaceKey::Nowhere;
            vec![Some(Sought {
                part: None,
                name: String::new(),
                made_of: Some(Names::default()),
                key,
                is_known: false,
            })]
        };
        let watches = self.session.watch(&search, &mut self.looking.said, now, anything);
        let (watch, tokens) = match kept {
            false => (watches.shown?, self.session.tokens()),
            true => (watches.kept?, self.session.kept_tokens()),
        };
        let mut eyes = self.looking.eyes_with(tokens, Some(&watch), met);
        let mut shown = Vec::new();
        eyes.say(text, &mut shown).then_some(shown)
    }

    /// An ErrorResponse or NoticeResponse, with what is found in its texts that is not seen replaced before anything else is done with it.
    pub(super) fn take_words(
        &mut self,
        kind: u8,
        body: &[u8],
        now: UnixMicros,
        take: impl FnOnce(&mut Self, &[u8], UnixMicros) -> Result<Pass, Malformed>,
    ) -> Result<Pass, Malformed> {
        let words = if self.hides_content(now) { self.words_of(body, false, now)? } else { None };
        let Some(body) = words else { return take(self, body, now) };
        if take(self, &body, now)? == Pass::Verbatim {
            build::frame(&mut self.instead, kind, |out| out.extend_from_slice(&body));
        }
        Ok(Pass::Done)
    }

    /// The texts of a report as they are shown. `None` if they are what they were.
    fn words_of(&mut self, body: &[u8], kept: bool, now: UnixMicros) -> Result<Option<Vec<u8>>, Malformed> {
        let mut fields = Fields::of("ErrorResponse or NoticeResponse", body);
        let (mut shown, mut found, mut met) = (Vec::new(), false, Met::default());
        loop {
            match fields.byte()? {
                0 => break,
                field => {
                    let text = fields.cstr()?;
                    let replaced = if CODES.contains(&field) { None } else { self.said(text, kept, &mut met, now) };
                    found |= replaced.is_some();
                    shown.push(field);
                    build::cstr(&mut shown, replaced.as_deref().unwrap_or(text));
                }
            }
        }
        shown.push(0);
        if !kept {
            self.note_met(met);
        }
        Ok(found.then_some(shown))
    }

    /// NotificationResponse.
    pub(super) fn take_notification(&mut self, body: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        if !self.hides_content(now) {
            return Ok(Pass::Verbatim);
        }
        let mut fields = Fields::of("NotificationResponse", body);
        let (process, channel, payload) = (fields.bytes(4)?, fields.cstr()?, fields.cstr()?);
        let mut met = Met::default();
        let Some(payload) = self.said(payload, false, &mut met, now) else { return Ok(Pass::Verbatim) };
        notification(process, channel, &payload, &mut self.instead);
        Ok(Pass::Done)
    }

    /// A report or notification as it is kept, if what is found in it is kept otherwise than it was shown.
    pub(super) fn words_otherwise(
        &mut self,
        kind: u8,
        body: &[u8],
        now: UnixMicros,
    ) -> Result<Option<Vec<u8>>, Malformed> {
        let mut kept = Vec::new();
        if kind == b'A' {
            let mut fields = Fields::of("NotificationResponse", body);
            let (process, channel, payload) = (fields.bytes(4)?, fields.cstr()?, fields.cstr()?);
            let Some(payload) = self.said(payload, true, &mut Met::default(), now) else { return Ok(None) };
            notification(process, channel, &payload, &mut kept);
        } else {
            let Some(body) = self.words_of(body, true, now)? else { return Ok(None) };
            build::frame(&mut kept, kind, |out| out.extend_from_slice(&body));
        }
        Ok(Some(kept))
    }

    /// What was found in words is noted with what runs.
    fn note_met(&mut self, met: Met) {
        if let Some(running) = self.expected.front_mut().and_then(Expect::running) {
            running.flow.met().add(met);
        }
    }
}

fn notification(process: &[u8], channel: &[u8], payload: &[u8], out: &mut Vec<u8>) {
    build::frame(out, b'A', |out| {
        out.extend_from_slice(process);
        build::cstr(out, channel);
        build::cstr(out, payload);
    });
}

/// Fields of a report that can hold no value: severity, SQLSTATE, places in texts, and where in the server's own source it was said. Code can
/// put anything into all others.
const CODES: [u8; 7] = *b"SVCPpLF";

/// A plan of no columns: nobody has said what they are.
pub fn undescribed() -> Arc<Plan> {
    Arc::new(Plan::new(Vec::new()))
}
