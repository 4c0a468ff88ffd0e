//! Names in SQL: PREPARE, EXECUTE, DECLARE, FETCH and what takes names away, in the same names that the protocol uses.
//!
//! A text is read alone first, then together with what stands behind the names that it uses ([`Conversation::meant`]).
//! What it does to the names itself takes effect when it is planned, as for the protocol's own messages, and each step is
//! confirmed when the target says that its statement is complete, or undone when that fails.
//!
//! PREPARE is not part of a transaction. Cursors are: they end with theirs, or when it is rolled back to before them, unless
//! they are held and it commits. Weir must never take a cursor to be there that is not, because a function may open another
//! under its name. So what ends a transaction takes its cursors away when it is planned, and a portal of an earlier batch is
//! used only when nothing is outstanding that could tell of a transaction's end.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use model::Certainty;
use sql_postgres::{NameUse, Statement, TransactionStep};

use super::expect::Expect;
use super::statements::{Entry, Lookup, Portal, Prepared, kept};
use super::{Conversation, Stall};
use crate::interpret::Interpreted;
use crate::interpret::by_name::{Behind, inside, key, resolve};

/// Why it is not known what stands behind a name.
const NOT_SEEN: &str = "it runs a statement by a name that Weir has not seen";
const NOT_FETCHED: &str = "it runs a cursor by a name that Weir has not seen";
const NAMES_NAMES: &str = "what it runs by its name is a COPY, or works with names itself";
const ODD_NAME: &str = "the name is not ASCII, and the target may take it for another";

/// A change of a name by a statement in SQL, and what would undo it. Without a meaning, the name is taken away.
#[derive(Debug)]
pub struct Change {
    /// The number of the statement in its text.
    pub statement: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    Statement {
        name: Vec<u8>,
        meaning: Option<Rc<Prepared>>,
        before: Option<Entry<Prepared>>,
    },
    Portal {
        name: Vec<u8>,
        meaning: Option<Rc<Portal>>,
        before: Option<Entry<Portal>>,
    },
    /// A savepoint, and how much had been defined before it.
    Savepoint {
        name: String,
        defined: u64,
    },
}

/// What names mean again after something that was to change them failed.
#[derive(Debug, Default)]
pub struct Undone {
    statements: HashMap<Vec<u8>, Option<Entry<Prepared>>>,
    portals: HashMap<Vec<u8>, Option<Entry<Portal>>>,
}

impl Expect {
    /// Whether this statement's name is taken away by it.
    pub(super) fn closes_statement(&self, name: &[u8]) -> bool {
        let takes = |change: &Change| matches!(&change.what, What::Statement { name: taken, meaning: None, .. } if kept(taken) == name);
        match self {
            Self::CloseStatement { name: closed, .. } => kept(closed) == name,
            Self::Execute { changes, .. } => changes.iter().any(takes),
            Self::Query { changes, .. } => changes.iter().any(takes),
            _ => false,
        }
    }

    /// The same of a portal.
    pub(super) fn closes_portal(&self, name: &[u8]) -> bool {
        let takes = |change: &Change| matches!(&change.what, What::Portal { name: taken, meaning: None, .. } if kept(taken) == name);
        match self {
            Self::ClosePortal { name: closed, .. } => kept(closed) == name,
            Self::Execute { changes, .. } => changes.iter().any(takes),
            Self::Query { changes, .. } => changes.iter().any(takes),
            _ => false,
        }
    }
}

impl Change {
    fn takes_away(&self) -> bool {
        matches!(self.what, What::Statement { meaning: None, .. } | What::Portal { meaning: None, .. })
    }
}

impl What {
    fn no_statement((name, before): (Vec<u8>, Entry<Prepared>)) -> Self {
        Self::Statement { name, meaning: None, before: Some(before) }
    }

    fn no_portal((name, before): (Vec<u8>, Entry<Portal>)) -> Self {
        Self::Portal { name, meaning: None, before: Some(before) }
    }
}

impl Change {
    fn come_behind(&mut self, undone: &mut Undone) {
        match &mut self.what {
            What::Statement { name, before, .. } => {
                *before = undone.statements.remove(kept(name)).unwrap_or_else(|| before.take());
            }
            What::Portal { name, before, .. } => {
                *before = undone.portals.remove(kept(name)).unwrap_or_else(|| before.take());
            }
            What::Savepoint { .. } => {}
        }
    }
}

impl Undone {
    /// This name means again what it meant before. What came last is to be undone first.
    pub fn statement(&mut self, name: &[u8], before: Option<Entry<Prepared>>) {
        self.statements.insert(kept(name).to_vec(), before);
    }

    /// The same of a portal.
    pub fn portal(&mut self, name: &[u8], before: Option<Entry<Portal>>) {
        self.portals.insert(kept(name).to_vec(), before);
    }

    /// The same of what a text was to change.
    pub fn changes(&mut self, changes: Vec<Change>) {
        for change in changes.into_iter().rev() {
            match change.what {
                What::Statement { name, before, .. } => self.statement(&name, before),
                What::Portal { name, before, .. } => self.portal(&name, before),
                What::Savepoint { .. } => {}
            }
        }
    }
}

/// What the statements of one text have made of names so far: defined by the statement of this number, or taken away.
#[derive(Default)]
struct Here<'a> {
    statements: HashMap<&'a str, Option<usize>>,
    no_statements: bool,
    cursors: HashMap<&'a str, Option<usize>>,
    no_cursors: bool,
    /// Names of cursors that end when the transaction commits, since it last did.
    ending: Vec<&'a str>,
    /// Of the cursors that were there before, only those that are held are left.
    held_alone: bool,
}

impl<'a> Here<'a> {
    fn step(&mut self, step: &TransactionStep, statements: &[Statement]) {
        match step {
            TransactionStep::Commit { .. } => {
                for name in self.ending.drain(..) {
                    // It may have been taken away since, and given to one that is held.
                    if self.cursors.get(name).copied().flatten().is_some_and(|at| !is_held(statements, at)) {
                        self.cursors.remove(name);
                    }
                }
                self.held_alone = true;
            }
            TransactionStep::Rollback { .. } | TransactionStep::RollbackTo(_) | TransactionStep::Prepare => {
                self.forget_cursors();
            }
            TransactionStep::Begin
            | TransactionStep::Savepoint(_)
            | TransactionStep::Release(_)
            | TransactionStep::Finish => {}
        }
    }

    fn take(&mut self, at: usize, names: &'a NameUse) {
        match names {
            NameUse::Prepare { name, .. } => drop(self.statements.insert(name, Some(at))),
            NameUse::Declare { name, hold, .. } => {
                self.cursors.insert(name, Some(at));
                self.ending.extend((!hold).then_some(name.as_str()));
            }
            NameUse::Deallocate(Some(name)) => drop(self.statements.insert(name, None)),
            NameUse::Close(Some(name)) => drop(self.cursors.insert(name, None)),
            NameUse::Deallocate(None) => self.forget_statements(),
            NameUse::Close(None) => self.forget_cursors(),
            NameUse::DiscardAll => {
                self.forget_statements();
                self.forget_cursors();
            }
            NameUse::Execute(..) | NameUse::Fetch(_) => {}
        }
    }

    fn forget_statements(&mut self) {
        self.statements.clear();
        self.no_statements = true;
    }

    fn forget_cursors(&mut self) {
        self.cursors.clear();
        self.ending.clear();
        self.no_cursors = true;
    }
}

/// Whether the statement of this number declares a cursor that is held.
fn is_held(statements: &[Statement], at: usize) -> bool {
    let names = statements.get(at).and_then(|statement| statement.names.as_ref());
    matches!(names, Some(NameUse::Declare { hold: true, .. }))
}

/// A statement inside of a PREPARE or DECLARE, the text of that, and the types of its parameters.
type Inside = (Rc<Interpreted>, Rc<[u8]>, Rc<[u32]>);

/// What one text has run by names so far, each found out once.
#[derive(Default)]
struct Met<'a> {
    /// Statements that the text itself prepares or declares, by their number.
    inside: HashMap<usize, Option<Inside>>,
    /// Names that statements had before it.
    before: HashMap<&'a str, Behind>,
}

impl<'a> Met<'a> {
    fn inside(&mut self, at: usize, find: impl FnOnce() -> Option<Inside>) -> Option<Inside> {
        self.inside.entry(at).or_insert_with(find).clone()
    }

    fn before(&mut self, name: &'a str, find: impl FnOnce() -> Result<Behind, Stall>) -> Result<Behind, Stall> {
        if let Some(known) = self.before.get(name) {
            return Ok(known.clone());
        }
        let found = find()?;
        self.before.insert(name, found.clone());
        Ok(found)
    }
}

impl<S> Conversation<S> {
    /// What a text of the caller's does, by the catalog, the settings and the names as they are now.
    pub(super) fn meant(&mut self, text: &[u8]) -> Result<Rc<Interpreted>, Stall> {
        let read = self.interpreted(text)?;
        match self.settings.of(text, self.batch, self.expected.is_empty() && self.planned == 0) {
            super::text_settings::Reads::Alike => self.with_names(read, text),
            super::text_settings::Reads::NotKnownYet => Err(Stall::Replies),
            super::text_settings::Reads::Otherwise(reason) => {
                Ok(Rc::new(Interpreted::read_otherwise(text, reason, &read.snapshot, self.session.gate())))
            }
        }
    }

    /// What a text does that was read, with what stands behind the names that it uses.
    pub(super) fn with_names(&mut self, read: Rc<Interpreted>, text: &[u8]) -> Result<Rc<Interpreted>, Stall> {
        if read.unread.is_some() || read.unfit.is_some() || !read.uses_names() {
            return Ok(read);
        }
        let behind = self.behind(&read)?;
        if behind.iter().all(Option::is_none) {
            return Ok(read);
        }
        let found_by = key(&read, &behind);
        let reading = self.readings.resolved(found_by, text.len(), || resolve(&read, &behind));
        Ok(Rc::new(read.doing(text, &reading, self.session.gate())))
    }

    /// What stands behind the names that the statements of a text use.
    fn behind(&mut self, read: &Interpreted) -> Result<Vec<Option<Behind>>, Stall> {
        let (mut here, mut met) = (Here::default(), Met::default());
        let mut behind = Vec::new();
        for (at, statement) in read.alone().iter().enumerate() {
            if let Some(step) = &statement.transaction {
                here.step(step, read.alone());
            }
            let Some(names) = &statement.names else {
                behind.push(None);
                continue;
            };
            let odd = names.name().is_some_and(|name| !self.settings.tells_apart(name.as_bytes()));
            behind.push(match names {
                _ if odd => Some(Behind::Unseen(ODD_NAME)),
                NameUse::Execute(name, _) => Some(match here.statements.get(name.as_str()) {
                    Some(Some(defined)) => met
                        .inside(*defined, || self.inside(read, *defined))
                        .map_or(Behind::Unseen(NOT_SEEN), |(inside, text, types)| {
                            Behind::Prepared(inside, text, types)
                        }),
                    None if !here.no_statements => met.before(name, || self.behind_statement(name.as_bytes()))?,
                    _ => Behind::Unseen(NOT_SEEN),
                }),
                NameUse::Fetch(name) => Some(match here.cursors.get(name.as_str()) {
                    Some(Some(defined)) => met
                        .inside(*defined, || self.inside(read, *defined))
                        .map_or(Behind::Unseen(NOT_FETCHED), |(inside, ..)| Behind::Cursor(inside)),
                    None if !here.no_cursors && (!here.held_alone || self.names.is_held(name.as_bytes())) => {
                        self.behind_cursor(name.as_bytes())?
                    }
                    _ => Behind::Unseen(NOT_FETCHED),
                }),
                _ => None,
            });
            here.take(at, names);
        }
        Ok(behind)
    }

    fn behind_statement(&mut self, name: &[u8]) -> Result<Behind, Stall> {
        let prepared = match self.statement(name) {
            Lookup::Known(prepared) => prepared,
            Lookup::Unconfirmed => return Err(Stall::Replies),
            Lookup::Unknown => return Ok(Behind::Unseen(NOT_SEEN)),
        };
        let known = prepared.interpreted();
        if known.uses_names() || known.is_copy() {
            return Ok(Behind::Unseen(NAMES_NAMES));
        }
        if !prepared.lowered.is_empty() {
            return Ok(Behind::Lowered);
        }
        Ok(Behind::Prepared(self.read_again(&prepared)?, Rc::clone(&prepared.text), Rc::clone(&prepared.types)))
    }

    fn behind_cursor(&mut self, name: &[u8]) -> Result<Behind, Stall> {
        match self.portal(name) {
            Lookup::Known(portal) if portal.interpreted.uses_names() => Ok(Behind::Unseen(NAMES_NAMES)),
            Lookup::Known(portal) if !portal.lowered.is_empty() || !portal.lowered_in_text.is_empty() => {
                Ok(Behind::Lowered)
            }
            Lookup::Known(portal) => Ok(Behind::Cursor(Rc::clone(&portal.interpreted))),
            Lookup::Unconfirmed => Err(Stall::Replies),
            Lookup::Unknown => Ok(Behind::Unseen(NOT_FETCHED)),
        }
    }

    /// Whether something is outstanding that could tell of the end of a transaction, and so of its portals.
    pub(super) fn awaits_ready(&self) -> bool {
        self.planned_ready > 0 || self.expected.iter().any(Expect::is_answered_by_ready)
    }

    /// The statement inside of a PREPARE or DECLARE, the text of that, and the types of its parameters.
    fn inside(&self, read: &Interpreted, at: usize) -> Option<Inside> {
        let (text, types) = match read.alone().get(at)?.names.as_ref()? {
            NameUse::Prepare { text, types, .. } => (text, types.as_slice()),
            NameUse::Declare { text, .. } => (text, [].as_slice()),
            _ => return None,
        };
        Some((Rc::new(inside(read, at, self.session.gate())?), text.as_bytes().into(), types.into()))
    }

    /// What a prepared statement does that is read again: that of a PREPARE is the one inside.
    pub(super) fn as_prepared(&self, read: Rc<Interpreted>, in_sql: bool) -> Rc<Interpreted> {
        match in_sql {
            true => self.inside(&read, 0).map_or(read, |(inside, ..)| inside),
            false => read,
        }
    }

    /// Does to the names what the statements of a permitted text are about to do to them.
    pub(super) fn change_names(&mut self, interpreted: &Rc<Interpreted>) -> Vec<Change> {
        let mut changes = Vec::new();
        // Nothing is outstanding, so that it is known whether a transaction block is open.
        let known = self.planned == 0 && self.expected.is_empty();
        for (statement, found) in interpreted.statements.iter().enumerate() {
            let gone = match &found.transaction {
                Some(TransactionStep::Commit { .. }) => self.names.take_ending(true, 0),
                Some(TransactionStep::Rollback { .. } | TransactionStep::Prepare) => self.names.take_ending(false, 0),
                Some(TransactionStep::RollbackTo(name)) => {
                    let after = if known && statement == 0 { self.names.saved_at(name) } else { 0 };
                    self.names.take_ending(false, after)
                }
                // Code may commit where no transaction block is open.
                _ if commits_perhaps(found) && !(known && self.in_block) => self.names.take_ending(false, 0),
                _ => Vec::new(),
            };
            let mut change = |what| changes.push(Change { statement, what });
            gone.into_iter().for_each(|gone| change(What::no_portal(gone)));
            if let Some(TransactionStep::Savepoint(name)) = &found.transaction {
                change(What::Savepoint { name: name.clone(), defined: self.names.defined() });
            }
            match &found.names {
                None | Some(NameUse::Execute(..) | NameUse::Fetch(_)) => {}
                Some(names) if names.name().is_some_and(|name| !self.settings.tells_apart(name.as_bytes())) => {}
                Some(NameUse::Prepare { name, .. }) => {
                    let Some((inside, text, types)) = self.inside(interpreted, statement) else { continue };
                    let meaning = Rc::new(Prepared::in_sql(&text, inside, types, &self.names.held));
                    let name = name.as_bytes().to_vec();
                    let before = self.names.define_statement(&name, &meaning, self.batch);
                    change(What::Statement { name, meaning: Some(meaning), before });
                }
                Some(NameUse::Declare { name, hold, .. }) => {
                    let Some((inside, ..)) = self.inside(interpreted, statement) else { continue };
                    let weight = self.names.held.weigh(inside.wording.text.0.len());
                    let meaning = Rc::new(Portal {
                        interpreted: inside,
                        shape: None.into(),
                        formats: Vec::new().into(),
                        bound: None.into(),
                        lowered: Vec::new(),
                        lowered_in_text: Vec::new(),
                        confirmed: Cell::default(),
                        of: None,
                        otherwise: false,
                        looked_by: self.policies_epoch(),
                        hold: *hold,
                        asked_shape: Cell::default(),
                        weight,
                    });
                    let name = name.as_bytes().to_vec();
                    let before = self.names.define_portal(&name, &meaning, self.batch);
                    change(What::Portal { name, meaning: Some(meaning), before });
                }
                Some(NameUse::Deallocate(name)) => {
                    let gone = self.names.take_statements(name.as_deref().map(str::as_bytes));
                    gone.into_iter().for_each(|gone| change(What::no_statement(gone)));
                }
                Some(NameUse::Close(name)) => {
                    let gone = self.names.take_portals(name.as_deref().map(str::as_bytes));
                    gone.into_iter().for_each(|gone| change(What::no_portal(gone)));
                }
                Some(NameUse::DiscardAll) => {
                    self.names.take_statements(None).into_iter().for_each(|gone| change(What::no_statement(gone)));
                    self.names.take_portals(None).into_iter().for_each(|gone| change(What::no_portal(gone)));
                }
            }
        }
        if changes.iter().any(Change::takes_away) {
            self.closes_since.get_or_insert(self.batch);
        }
        changes
    }

    /// The target has completed this statement of a text, with this tag.
    pub(super) fn completed(&mut self, statement: Option<&Statement>, tag: &[u8]) {
        match statement.and_then(|statement| statement.transaction.as_ref()) {
            Some(TransactionStep::Release(name)) => self.names.unsave(name, true),
            Some(TransactionStep::RollbackTo(name)) => self.names.unsave(name, false),
            // A COMMIT of what has failed is a ROLLBACK, and says so.
            Some(TransactionStep::Commit { .. } | TransactionStep::Rollback { .. } | TransactionStep::Prepare) => {
                self.names.end_transaction(tag.strip_suffix(b"\0").unwrap_or(tag) != b"COMMIT");
                self.failed = false;
            }
            Some(TransactionStep::Begin | TransactionStep::Savepoint(_) | TransactionStep::Finish) | None => {}
        }
    }

    /// The target has done what this statement was to do to the names.
    pub(super) fn confirm_change(&mut self, change: &Change) {
        match &change.what {
            What::Statement { meaning: Some(meaning), .. } => self.names.confirm_statement(meaning),
            What::Portal { name, meaning: Some(meaning), .. } => self.names.confirm_portal(name, meaning),
            What::Savepoint { name, defined } => self.names.save(name, *defined),
            What::Statement { .. } | What::Portal { .. } => {}
        }
    }

    /// What was planned does not go after all.
    pub(super) fn take_changes_back(&mut self, changes: Vec<Change>) {
        for change in changes.into_iter().rev() {
            match change.what {
                What::Statement { name, meaning: Some(meaning), before } => {
                    self.names.undo_statement(&name, &meaning, before);
                }
                What::Portal { name, meaning: Some(meaning), before } => {
                    self.names.undo_portal(&name, &meaning, before)
                }
                What::Statement { name, before: Some(before), .. } => self.names.restore_statement(&name, before),
                What::Portal { name, before: Some(before), .. } => self.names.restore_portal(&name, before),
                What::Statement { .. } | What::Portal { .. } | What::Savepoint { .. } => {}
            }
        }
    }

    /// Names mean what they meant before something failed. Later batches may have given them new meanings already: then it
    /// is those that they come behind.
    pub(super) fn undo(&mut self, mut undone: Undone) {
        for expect in &mut self.expected {
            match expect {
                Expect::Parse { name, before, .. } | Expect::CloseStatement { name, before } => {
                    *before = undone.statements.remove(kept(name)).unwrap_or_else(|| before.take());
                }
                Expect::Bind { name, before, .. } | Expect::ClosePortal { name, before } => {
                    *before = undone.portals.remove(kept(name)).unwrap_or_else(|| before.take());
                }
                Expect::Execute { changes, .. } => {
                    changes.iter_mut().for_each(|change| change.come_behind(&mut undone))
                }
                Expect::Query { changes, .. } => changes.iter_mut().for_each(|change| change.come_behind(&mut undone)),
                Expect::Describe { .. }
                | Expect::Sync
                | Expect::CopyShape { .. }
                | Expect::Poison { .. }
                | Expect::OwnCatalog(_) => {}
            }
        }
        undone.statements.into_iter().for_each(|(name, before)| self.names.reset_statement(&name, before));
        undone.portals.into_iter().for_each(|(name, before)| self.names.reset_portal(&name, before));
    }

    /// A portal whose statement runs something by its name, as that name stands now. What the portal returned before stays
    /// described as it was; if it is another statement now, nobody knows what comes.
    pub(super) fn by_names_now(&mut self, portal: &Rc<Portal>) -> Result<Rc<Portal>, Stall> {
        let Some(of) = portal.of.clone() else { return Ok(Rc::clone(portal)) };
        let interpreted = self.read_again(&of)?;
        if interpreted.key == portal.interpreted.key {
            return Ok(Rc::clone(portal));
        }
        let unknown = interpreted.operation.is_tainted() || portal.interpreted.operation.is_tainted();
        let shape = portal.shape.borrow().clone().map(|shape| if unknown { shape.otherwise() } else { shape });
        Ok(Rc::new(Portal {
            interpreted,
            shape: shape.into(),
            formats: portal.formats.clone(),
            bound: portal.bound.clone(),
            lowered: portal.lowered.clone(),
            lowered_in_text: portal.lowered_in_text.clone(),
            confirmed: Cell::new(portal.confirmed.get()),
            of: Some(of),
            otherwise: unknown,
            looked_by: portal.looked_by,
            hold: portal.hold,
            asked_shape: Cell::default(),
            weight: self.names.held.weigh(0),
        }))
    }
}

/// Whether a statement runs code that may end the transaction.
fn commits_perhaps(statement: &Statement) -> bool {
    let main = statement.asks.first().map_or("", |ask| ask.action.0);
    matches!(main, "call" | "do") || statement.certainty != Certainty::Exact
}
