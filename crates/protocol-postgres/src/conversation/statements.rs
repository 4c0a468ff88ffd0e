//! Prepared statements and portals by name, as the target has them, or will have.
//!
//! Messages come in batches, each ended by a Sync. Within a batch, a name means what the last message before it made
//! of it: if that message fails, what uses the name is skipped by the target. Across batches this does not hold, so a
//! name whose definition is not confirmed yet can be used in its own batch only ([`Lookup::Unconfirmed`]).

mod portals;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use gate::{KeptPlan, KeptWatch};
use model::{Digest, Holds};

use portals::Portals;

use super::lowered::{Lowered, by_constants, by_parameters};
use crate::interpret::Interpreted;
use crate::wire::backend::ColumnShape;

/// A prepared statement.
#[derive(Debug)]
pub struct Prepared {
    /// Its text: what it means depends on the catalog, as the target's own reading of it does.
    pub text: Rc<[u8]>,
    interpreted: RefCell<Rc<Interpreted>>,
    shape: RefCell<Option<Rc<Shape>>>,
    /// Whether the target has said that it has it.
    confirmed: Cell<bool>,
    /// The types of its parameters that the caller has declared; 0 for one that the target is to find out.
    pub types: Rc<[u32]>,
    /// What its text, as the target has it, stores as less than is written in it.
    pub lowered: Vec<Lowered>,
    /// Whether PREPARE made it: its text is the PREPARE then, and it is what stands inside of that.
    pub in_sql: bool,
    _weight: Weight,
}

impl Prepared {
    /// A statement that the target has not described yet.
    pub fn new(text: &[u8], interpreted: Rc<Interpreted>, held: &Held) -> Self {
        let operation = &interpreted.operation;
        let parts = operation.asks.len().saturating_add(operation.touches.len());
        let bytes = parts
            .saturating_mul(PART_BYTES)
            .saturating_add(interpreted.wording.text.0.len())
            .saturating_add(interpreted.bytes())
            .saturating_add(text.len());
        Self {
            text: text.into(),
            interpreted: RefCell::new(interpreted),
            shape: RefCell::default(),
            confirmed: Cell::default(),
            types: Rc::default(),
            lowered: Vec::new(),
            in_sql: false,
            _weight: held.weigh(bytes),
        }
    }

    /// The same with parameters of these types, as they stand in a Parse, and with what of its constants is stored as less.
    pub fn parsed_with(mut self, types: &[u8], lowered: Vec<Lowered>) -> Self {
        self.lowered = lowered;
        self.types = types.as_chunks::<4>().0.iter().map(|oid| u32::from_be_bytes(*oid)).collect();
        self
    }

    /// The statement inside of this PREPARE, with parameters of these types.
    pub fn in_sql(text: &[u8], interpreted: Rc<Interpreted>, types: Rc<[u32]>, held: &Held) -> Self {
        Self { in_sql: true, types, ..Self::new(text, interpreted, held) }
    }

    /// What it does, by the catalog it was last read with.
    pub fn interpreted(&self) -> Rc<Interpreted> {
        Rc::clone(&self.interpreted.borrow())
    }

    /// The catalog has changed: it was read again, and what it returns must be learned again.
    pub fn renew(&self, interpreted: Rc<Interpreted>) {
        *self.interpreted.borrow_mut() = interpreted;
        *self.shape.borrow_mut() = None;
    }

    /// What it returns, once the target has described it.
    pub fn shape(&self) -> Option<Rc<Shape>> {
        self.shape.borrow().clone()
    }

    /// The target has described it, as it was read then.
    pub fn describe(&self, as_read: &Rc<Interpreted>, shape: &Rc<Shape>) {
        if Rc::ptr_eq(&self.interpreted.borrow(), as_read) {
            *self.shape.borrow_mut() = Some(Rc::clone(shape));
        }
    }
}

/// The result of a statement, as described.
#[derive(Debug)]
pub struct Shape {
    /// Whether it returns rows at all. Rows may have no columns.
    pub returns_rows: bool,
    /// Its columns.
    pub columns: Vec<ColumnShape>,
    /// What each holds; why not, if that can't be told.
    pub holds: Result<Vec<Holds>, String>,
    /// How it was last shown.
    pub kept_plan: RefCell<Option<KeptPlan>>,
    /// What of it was looked at.
    pub kept_watch: RefCell<Option<KeptWatch>>,
    /// What that takes of the session's memory.
    watch_weight: RefCell<Option<Weight>>,
}

impl Shape {
    /// Rows of these columns, which hold that.
    pub fn of_rows(columns: Vec<ColumnShape>, holds: Result<Vec<Holds>, String>) -> Self {
        let (kept_plan, kept_watch, watch_weight) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { returns_rows: true, columns, holds, kept_plan, kept_watch, watch_weight }
    }

    /// What was looked at is kept, if the session does not keep so much already: else it is laid out anew each time.
    pub fn keep_watch(&self, watches: &Held) {
        if self.kept_watch.borrow().is_none() || self.watch_weight.borrow().is_some() {
            return;
        }
        let bytes = self.columns.len().saturating_mul(COLUMN_BYTES);
        if watches.0.get().saturating_add(bytes) > WATCHES_BYTES_MAX {
            *self.kept_watch.borrow_mut() = None;
        } else {
            *self.watch_weight.borrow_mut() = Some(watches.weigh(bytes));
        }
    }

    /// Of what returns no rows.
    pub fn of_none() -> Self {
        Self { returns_rows: false, ..Self::of_rows(Vec::new(), Ok(Vec::new())) }
    }

    /// The same columns, of what runs by a name that means another statement now.
    pub fn otherwise(&self) -> Rc<Self> {
        let holds = Err("what it runs by its name is another statement now".to_owned());
        Rc::new(Self { returns_rows: self.returns_rows, ..Self::of_rows(self.columns.clone(), holds) })
    }
}

/// A portal.
#[derive(Debug)]
pub struct Portal {
    /// What it does: what its statement did when it was made. It runs what was planned then.
    pub interpreted: Rc<Interpreted>,
    /// What it returns, once that is known.
    pub shape: RefCell<Option<Rc<Shape>>>,
    /// The formats of its result: none for all text, one for all, or one for each column.
    pub formats: RefCell<Vec<i16>>,
    /// Digest of its parameters.
    pub bound: Cell<Option<Digest>>,
    /// What its parameters store as less than it is.
    pub lowered: Vec<Lowered>,
    /// What its statement's text does.
    pub lowered_in_text: Vec<Lowered>,
    /// Whether the target has said that it has it.
    pub confirmed: Cell<bool>,
    /// The statement that it was made of, if that has to do with names: the target looks at it anew when it runs, and what
    /// stands behind a name may be another by then.
    pub of: Option<Rc<Prepared>>,
    /// Whether the name that it runs means another statement than when it was bound: then nobody knows what comes.
    pub otherwise: bool,
    /// The policies by which was looked at what it stores.
    pub looked_by: u64,
    /// Whether it outlives its transaction: a cursor WITH HOLD.
    pub hold: bool,
    /// Whether the target was asked what it returns, and has answered or will.
    pub asked_shape: Cell<bool>,
    /// What it takes of the session's memory.
    #[expect(dead_code, reason = "held until the portal goes")]
    pub weight: Weight,
}

/// Bytes that a session holds in prepared statements and portals, whatever still refers to them.
#[derive(Clone, Debug, Default)]
pub struct Held(Rc<Cell<usize>>);

/// A share of it, until this is dropped.
#[derive(Debug)]
pub struct Weight {
    held: Held,
    bytes: usize,
}

impl Held {
    /// Something of about that many bytes, and what every name costs.
    pub fn weigh(&self, bytes: usize) -> Weight {
        let bytes = bytes.saturating_add(NAME_BYTES_MAX);
        self.0.set(self.0.get().saturating_add(bytes));
        Weight { held: self.clone(), bytes }
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.held.0.set(self.held.0.get().saturating_sub(self.bytes));
    }
}

impl Portal {
    /// Whether it stores as less than it is what policy says now.
    pub fn is_lowered_as(&self, lowered: &[Lowered]) -> bool {
        self.lowered == by_parameters(&self.interpreted, lowered)
            && self.lowered_in_text == by_constants(&self.interpreted, lowered)
    }

    /// Whether Weir itself must ask what it returns before it runs. The description is the target's word for where each
    /// column comes from when the portal was made: what was described for its statement, and what the catalog said, may be
    /// older.
    ///
    /// `looked_at`: something that is found in it may be hidden.
    pub fn must_be_described(&self, looked_at: bool) -> bool {
        let described = self.asked_shape.get() || self.shape.borrow().is_some();
        // The description of a FETCH is that of its cursor, and there are servers that fall over one which is gone. If it is
        // not, its rows end the session.
        let gone = self.otherwise && self.interpreted.fetches_unseen();
        let returns = !self.interpreted.is_copy() && !self.interpreted.returns_nothing();
        (looked_at || self.may_hold_classified()) && !described && returns && !gone
    }

    /// Whether anything classified could be in what it returns, for all that Weir can tell before it is described.
    pub fn may_hold_classified(&self) -> bool {
        self.interpreted.operation.is_tainted() || self.interpreted.snapshot.catalog.classifies()
    }

    /// Whether a column is sent in binary.
    pub fn is_binary(&self, column: usize) -> bool {
        match self.formats.borrow().as_slice() {
            [] => false,
            [all] => *all == 1,
            each => each.get(column).is_some_and(|format| *format == 1),
        }
    }
}

/// Names in one session.
#[derive(Debug, Default)]
pub struct Names {
    statements: HashMap<Vec<u8>, Entry<Prepared>>,
    portals: Portals,
    defined: u64,
    /// The savepoints that are there for certain, innermost last, each with how much was defined before it.
    savepoints: Vec<(String, u64)>,
    /// What they hold in memory.
    pub held: Held,
    /// What is kept of what was looked at in their results.
    pub watches: Held,
}

/// What a name stands for.
#[derive(Debug)]
pub struct Entry<T> {
    meaning: Rc<T>,
    batch: u64,
    /// Counts definitions: what came after a savepoint goes with it.
    number: u64,
    /// Whether the transaction that made it has committed. Of portals this is so for held cursors alone.
    outlives: bool,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        let Self { batch, number, outlives, .. } = *self;
        Self { meaning: Rc::clone(&self.meaning), batch, number, outlives }
    }
}

/// What is known of a name.
#[derive(Debug)]
pub enum Lookup<T> {
    /// This is what it means.
    Known(Rc<T>),
    /// It was defined in an earlier batch, and the target has not confirmed that.
    Unconfirmed,
    /// Nothing has that name.
    Unknown,
}

/// Names kept by one session; a session that makes more is refused more.
pub const NAMES_MAX: usize = 65_536;
/// The longest name of a statement or portal.
pub const NAME_BYTES_MAX: usize = 512;
/// Bytes that one session's statements and portals may hold.
const HELD_BYTES_MAX: usize = 32 * 1024 * 1024;
/// About what an ask or a field takes.
const PART_BYTES: usize = 256;
/// Bytes that what is looked at in the results of one session's statements may take.
const WATCHES_BYTES_MAX: usize = 8 * 1024 * 1024;
/// About what a column of a result takes that is looked at: what its name says of each kind, how each class is shown.
const COLUMN_BYTES: usize = 1024;

/// What the target tells names apart by: it keeps 63 bytes (`NAMEDATALEN` less one) of each and compares no more, so that
/// longer names which begin alike are one name.
const NAME_BYTES_KEPT: usize = 63;

/// A name as the target keeps it.
pub fn kept(name: &[u8]) -> &[u8] {
    name.get(..NAME_BYTES_KEPT).unwrap_or(name)
}

/// The two kinds of names behave alike.
macro_rules! kind_of_name {
    ($table:ident, $of:ty, $define:ident, $find:ident, $undo:ident, $take:ident, $forget:ident, $restore:ident, $reset:ident) => {
        /// Gives a name its meaning, and returns the one it had.
        pub fn $define(&mut self, name: &[u8], meaning: &Rc<$of>, batch: u64) -> Option<Entry<$of>> {
            self.defined = self.defined.saturating_add(1);
            let (meaning, number) = (Rc::clone(meaning), self.defined);
            self.$table.insert(kept(name).to_vec(), Entry { meaning, batch, number, outlives: false })
        }

        /// What a name means in this batch.
        pub fn $find(&self, name: &[u8], batch: u64) -> Lookup<$of> {
            match self.$table.get(kept(name)) {
                Some(entry) if entry.meaning.confirmed.get() || entry.batch == batch => {
                    Lookup::Known(Rc::clone(&entry.meaning))
                }
                Some(_) => Lookup::Unconfirmed,
                None => Lookup::Unknown,
            }
        }

        /// The target has not done it: the name means what it meant before.
        pub fn $undo(&mut self, name: &[u8], meaning: &Rc<$of>, before: Option<Entry<$of>>) {
            if self.$table.get(kept(name)).is_some_and(|entry| Rc::ptr_eq(&entry.meaning, meaning)) {
                match before {
                    Some(entry) => self.$table.insert(kept(name).to_vec(), entry),
                    None => self.$table.remove(kept(name)),
                };
            }
        }

        /// This name is taken away, or all of them. Returns what they meant.
        pub fn $take(&mut self, name: Option<&[u8]>) -> Vec<(Vec<u8>, Entry<$of>)> {
            match name {
                Some(name) => self.$table.remove_entry(kept(name)).into_iter().collect(),
                None => self.$table.drain().collect(),
            }
        }

        /// A name is closed. Returns what it meant.
        pub fn $forget(&mut self, name: &[u8]) -> Option<Entry<$of>> {
            self.$table.remove(kept(name))
        }

        /// The target has not closed it after all.
        pub fn $restore(&mut self, name: &[u8], entry: Entry<$of>) {
            if self.$table.get(kept(name)).is_none() {
                self.$table.insert(kept(name).to_vec(), entry);
            }
        }

        /// A name means this, or nothing.
        pub fn $reset(&mut self, name: &[u8], meaning: Option<Entry<$of>>) {
            match meaning {
                Some(entry) => self.$table.insert(kept(name).to_vec(), entry),
                None => self.$table.remove(kept(name)),
            };
        }
    };
}

impl Names {
    kind_of_name!(
        statements,
        Prepared,
        define_statement,
        statement,
        undo_statement,
        take_statements,
        forget_statement,
        restore_statement,
        reset_statement
    );
    kind_of_name!(
        portals,
        Portal,
        define_portal,
        portal,
        undo_portal,
        take_portals,
        forget_portal,
        restore_portal,
        reset_portal
    );

    /// Whether no more names can be kept.
    pub fn is_full(&self) -> bool {
        let names = self.statements.len().max(self.portals.len());
        names >= NAMES_MAX || self.held.0.get() >= HELD_BYTES_MAX
    }

    /// The target has done what was asked. That holds also where the name means something newer by now: should the
    /// newer one fail, it means this again.
    pub fn confirm_statement(&mut self, meaning: &Rc<Prepared>) {
        meaning.confirmed.set(true);
    }

    /// The same of a portal.
    pub fn confirm_portal(&mut self, name: &[u8], meaning: &Rc<Portal>) {
        self.portals.confirm(kept(name), meaning);
    }

    /// Nothing is expected of the target any more: what it has not confirmed by now it never did.
    pub fn settle(&mut self) {
        self.statements.retain(|_, entry| entry.meaning.confirmed.get());
        self.portals.settle();
    }

    /// A transaction has ended, and its portals with it. If it has not `failed`, those that are held stay.
    pub fn end_transaction(&mut self, failed: bool) {
        self.savepoints.clear();
        self.portals.end_transaction(failed);
    }

    /// Takes the portals away that go when the transaction ends now, or is rolled back to where this many definitions had
    /// been made: all that no earlier transaction kept, but for held ones if it commits.
    pub fn take_ending(&mut self, commits: bool, after: u64) -> Vec<(Vec<u8>, Entry<Portal>)> {
        self.portals.take_ending(commits, after)
    }

    /// Whether a portal is a cursor that is held.
    pub fn is_held(&self, name: &[u8]) -> bool {
        self.portals.get(kept(name)).is_some_and(|entry| entry.meaning.hold)
    }

    /// Whether a portal was made in this batch.
    pub fn is_of_batch(&self, name: &[u8], batch: u64) -> bool {
        self.portals.get(kept(name)).is_some_and(|entry| entry.batch == batch)
    }

    /// The target has made this savepoint.
    pub fn save(&mut self, name: &str, defined: u64) {
        // Past so many, what goes with one is not told apart any more.
        if self.savepoints.len() >= NAMES_MAX {
            self.savepoints.clear();
        }
        self.savepoints.push((name.to_owned(), defined));
    }

    /// How much has been defined so far.
    pub fn defined(&self) -> u64 {
        self.defined
    }

    /// The target has released this savepoint, or has rolled back to it: what came after it is gone.
    pub fn unsave(&mut self, name: &str, itself: bool) {
        match self.savepoints.iter().rposition(|(saved, _)| saved == name) {
            Some(at) => self.savepoints.truncate(if itself { at } else { at.saturating_add(1) }),
            None => self.savepoints.clear(),
        }
    }

    /// How much had been defined at this savepoint. If it is not known: nothing.
    pub fn saved_at(&self, name: &str) -> u64 {
        self.savepoints.iter().rfind(|(saved, _)| saved == name).map_or(0, |(_, defined)| *defined)
    }
}
