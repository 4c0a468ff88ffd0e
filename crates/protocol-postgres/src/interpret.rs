//! From a statement's text to the operation that policy decides.

pub mod by_name;
mod replication;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use gate::{Declined, Gate, Search, ShapeKey};
use model::{Ask, Certainty, Field, LogText, Lowering, Object, Operation, Wording};
use sql_postgres::{
    Carries, CopyFormat, CopyStatement, Given, Logged, NameUse, Outputs, PlainInto, PlainPut, ReadAs, SQL_BYTES_MAX,
    Skeleton, Statement, TransactionStep, analyse_with, function_call, function_of, log_text, unseen,
};

use crate::catalog::Snapshot;
use crate::cells::NAME;
use crate::cells::Said;
use crate::conversation::{Came, LOOKED_BYTES_MAX, Shape, Types, each_put, is_by_column};

/// Actions on objects that one text may ask for; each costs time to decide and room to keep.
const ASKS_MAX: usize = 4096;
/// About the bytes that it takes to keep that a value is put somewhere, and each of the columns that it may go into.
const PUT_BYTES: usize = 96;

/// A text that was read: how it is worded, and what it does.
#[derive(Debug)]
pub struct Interpreted {
    /// For the log.
    pub wording: Wording,
    /// Whether something was found in the text. Then what is known of its constants is known of this very text.
    pub found: bool,
    /// The policies by which its constants may be stored where they go, if that was asked.
    pub constants_stored_by: Cell<Option<u64>>,
    reading: Rc<Reading>,
}

impl Deref for Interpreted {
    type Target = Reading;

    fn deref(&self) -> &Reading {
        &self.reading
    }
}

/// What a text does, or why it can't be carried. Texts that differ in constants alone, which nothing in it depends on,
/// share it.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What its decision is found by.
    pub key: ShapeKey,
    /// What policy decides.
    pub operation: Operation,
    /// Its statements, in order.
    pub statements: Vec<Statement>,
    /// The same without what stands behind the names that they use, if they use any.
    alone: Option<Box<[Statement]>>,
    /// The snapshots by which results of what runs by name are shown, with the number of the statement.
    born: Vec<(usize, Arc<Snapshot>)>,
    /// Set if it can't be carried, whatever policy says.
    pub unfit: Option<Unfit>,
    /// Set if it can't be read: what a caller is told who may not do what can't be told. There is one statement then, which
    /// stands for whatever there is.
    pub unread: Option<Unfit>,
    /// The snapshot of the catalog it was read with.
    pub snapshot: Arc<Snapshot>,
    /// How often the session had changed the catalog when it was read, if it had not committed; else 0.
    pub uncommitted: u64,
    /// Set if it names something that the snapshot doesn't know: a newer snapshot may.
    pub names_unknown: bool,
    /// Set if the catalog has to be read again after it ran.
    pub changes_catalog: bool,
    /// Set if it turns Weir's own notices on or off.
    pub notices: Option<bool>,
    /// What kind of thing it is.
    pub form: Form,
    /// Set if the log must not keep its constants: it touches classified data, or brings a password.
    withholds_constants: bool,
    /// The shape of the result that the target described last.
    pub learned: RefCell<Option<Learned>>,
}

/// What a caller has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text of SQL.
    Sql,
    /// A function call by the fast path.
    Call,
    /// A command of a replication connection.
    Replication(Carries),
}

/// The shape of a statement's result, and the words in which the target described it.
#[derive(Clone, Debug)]
pub struct Learned {
    /// Which of the text's statements.
    pub statement: usize,
    /// The body of the RowDescription.
    pub description: Box<[u8]>,
    /// What it says, and what the columns hold by the statement's reading.
    pub shape: Rc<Shape>,
}

/// Why a text can't be carried, in PostgreSQL's own codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The SQLSTATE.
    pub code: &'static str,
    /// The sentence.
    pub declined: Declined,
    /// Where in the text, in characters from 1.
    pub position: Option<usize>,
}

/// What a text's meaning depends on beside the text.
#[derive(Clone, Copy, Debug)]
pub struct Circumstance<'a> {
    /// The catalog.
    pub snapshot: &'a Arc<Snapshot>,
    /// How often the session has changed the catalog, while it has not committed that; else 0. Weir does not see what it
    /// sees, so nothing that is computed is known, and what was learned before the latest change holds no more.
    pub uncommitted: u64,
    /// Whether the session has temporary tables that hold what this catalog does not know of.
    pub blind: bool,
    /// What is looked for in texts before the log keeps them.
    pub search: Option<&'a Arc<Search>>,
    /// Whether it may be forbidden that some of that is stored, so that each constant has to be looked at by itself.
    pub may_forbid_store: bool,
}

impl Circumstance<'_> {
    /// What the decision on a text is found by.
    pub fn key(&self, text: &[u8]) -> ShapeKey {
        self.key_of(b"text", text)
    }

    /// Whether something is in a constant by itself, as it stands in a text or as it is taken where it is put.
    fn finds_constant(&self, sql: &str, statements: &[Statement]) -> bool {
        let Some(search) = self.search else { return false };
        let mut is_found = search.finder(LOOKED_BYTES_MAX);
        let mut skeleton = Skeleton::default();
        if skeleton.read(sql) && skeleton.constants(sql).any(&mut is_found) {
            return true;
        }
        let mut seen = HashSet::new();
        let mut finds = |read_as: ReadAs, into: Types, value: &Arc<str>| {
            let mut ask = |said: Said<'_>| match said {
                Said::Bytes(value) => is_found(value).then_some(()),
                Said::Unread => None,
            };
            seen.insert((read_as, into, Arc::clone(value)))
                && each_put(read_as, into, Came::WRITTEN, value.as_bytes(), &mut ask).is_some()
        };
        // Many tables of one name have columns of few types.
        let mut types: HashMap<*const PlainInto, Vec<u32>> = HashMap::new();
        let mut puts = statements.iter().flat_map(all_of).flat_map(|statement| &statement.puts);
        let is_put = puts.any(|put| match (&put.given, put.read_as) {
            (Given::Constant(value), read_as) if is_by_column(read_as) => {
                let types = types.entry(put.into.as_ptr()).or_insert_with(|| types_of(&put.into));
                types.iter().any(|oid| finds(read_as, Types::one(*oid), value))
            }
            (Given::Constant(value), read_as) => {
                let types = types.entry(put.into.as_ptr()).or_insert_with(|| types_of(&put.into));
                finds(read_as, Types::several(types.contains(&NAME)), value)
            }
            (Given::Parameter(_) | Given::TooMuch, _) => false,
        });
        let mut arguments = statements.iter().flat_map(all_of).flat_map(Statement::arguments);
        is_put || arguments.any(|value| finds(ReadAs::Anything, Types::several(false), value))
    }

    /// What the log keeps of a text in which something was found: without its constants, and nothing if it is not in those alone.
    fn log_text_of_found(&self, sql: &str, token: &dyn Fn(&[u8]) -> String) -> Logged {
        let logged = log_text(sql, true, token);
        match self.finds(logged.text.0.as_bytes()) {
            true => Logged { text: LogText(format!("(text withheld: {} bytes)", sql.len()).into()), withheld: true },
            false => logged,
        }
    }

    /// Whether something is in a text that the log must not keep.
    pub fn finds(&self, text: &[u8]) -> bool {
        self.search.is_some_and(|search| search.finds(text))
    }

    /// Whether this was read in it.
    pub fn is_that_of(&self, read: &Reading) -> bool {
        read.snapshot.epoch == self.snapshot.epoch && read.uncommitted == self.uncommitted
    }

    /// What the decision on all texts of this skeleton is found by, where it is the same for all.
    pub fn skeleton_key(&self, skeleton: &Skeleton) -> ShapeKey {
        self.key_of(b"skeleton", skeleton.bytes())
    }

    fn key_of(&self, kind: &[u8], bytes: &[u8]) -> ShapeKey {
        ShapeKey::of([kind, bytes, &self.snapshot.epoch.to_be_bytes(), &self.uncommitted.to_be_bytes()])
    }
}

/// The types of these columns, each once.
fn types_of(into: &[PlainInto]) -> Vec<u32> {
    into.iter().map(|into| into.type_oid).collect::<BTreeSet<_>>().into_iter().collect()
}

impl Interpreted {
    /// A call of the function with this number by the fast path.
    pub fn of_call(function: u32, snapshot: &Arc<Snapshot>, gate: &Gate) -> Self {
        let operation = function_call(function, &snapshot.catalog);
        let number = function.to_be_bytes();
        let name = function_of(function).map_or_else(|| format!("#{function}"), |name| format!("pg_catalog.{name}"));
        let key = ShapeKey::of([b"call".as_slice(), &number, &snapshot.epoch.to_be_bytes()]);
        let reading = Reading::of_no_text(key, operation, Form::Call, snapshot);
        let wording = worded(&number, LogText(format!("(function call {name})").into()), gate);
        Self { wording, found: false, constants_stored_by: Cell::default(), reading: Rc::new(reading) }
    }

    /// A text that can't be read because there is no catalog to read it by. Where something is classified by the
    /// configuration, that can't be carried whatever policy says.
    pub fn without_catalog(text: &[u8], classifies: bool, gate: &Gate) -> Self {
        let why = Unfit {
            code: "58000",
            declined: Declined {
                message: "Weir cannot read the target's catalog, so it cannot tell what this statement touches"
                    .to_owned(),
                detail: None,
                hint: Some("The reason is in Weir's log.".to_owned()),
            },
            position: None,
        };
        let log = LogText(format!("({} bytes, the catalog could not be read)", text.len()).into());
        let key = ShapeKey::of([b"without a catalog", text]);
        let interpreted = unread(key, worded(text, log, gate), Arc::new(Snapshot::empty()), why);
        if classifies { interpreted.unfit() } else { interpreted }
    }

    /// A text that the target reads otherwise than Weir does, as its settings are.
    pub fn read_otherwise(text: &[u8], reason: &str, snapshot: &Arc<Snapshot>, gate: &Gate) -> Self {
        let why = Unfit {
            code: "0A000",
            declined: Declined {
                message: format!("Weir cannot read this statement as the target does: {reason}"),
                detail: None,
                hint: Some("Without characters beyond ASCII and without backslashes it can be read.".to_owned()),
            },
            position: None,
        };
        let log = LogText(format!("({} bytes, read otherwise by the target)", text.len()).into());
        let key = ShapeKey::of([b"read otherwise", reason.as_bytes(), text, &snapshot.epoch.to_be_bytes()]);
        unread(key, worded(text, log, gate), Arc::clone(snapshot), why)
    }
}

/// Reads a text.
pub fn interpret(text: &[u8], circumstance: Circumstance<'_>, gate: &Gate) -> Interpreted {
    let snapshot = Arc::clone(circumstance.snapshot);
    let key = circumstance.key(text);
    let unfit = |code, message: String, position| Unfit {
        code,
        declined: Declined { message, detail: None, hint: None },
        position,
    };
    let Ok(sql) = std::str::from_utf8(text) else {
        let why = unfit("22021", "the statement is not UTF-8 text, and Weir reads no other".to_owned(), None);
        let log = LogText(format!("({} bytes, not UTF-8)", text.len()).into());
        return unread(key, worded(text, log, gate), snapshot, why);
    };
    let token = |literal: &[u8]| gate.keys().literal(literal);
    let mut statements = match analyse_with(sql, &snapshot.catalog, circumstance.may_forbid_store) {
        Ok(statements) => statements,
        Err(wrong) => {
            let code = if wrong.beyond_limit { "54000" } else { "42601" };
            let why = unfit(code, wrong.message, wrong.position);
            let log = match sql.len() {
                0..=SQL_BYTES_MAX => log_text(sql, true, &token).text,
                bytes => LogText(format!("(text withheld: {bytes} bytes)").into()),
            };
            return unread(key, worded(text, log, gate), snapshot, why);
        }
    };
    // A statement that stands behind a change of the catalog means what it means after it.
    let mut changed = circumstance.uncommitted != 0;
    let mut blind = circumstance.blind;
    for statement in &mut statements {
        if blind {
            statement.shows_nothing();
        }
        blind |= statement.keeps.is_some();
        // What is taken back or kept by a transaction's end is another catalog, where this one is the session's own.
        let ends = statement.transaction.is_some() && snapshot.catalog.is_of_session();
        if changed && snapshot.catalog.classifies() {
            statement.cannot_be_followed();
        }
        changed |= may_change(statement) || ends || blind;
        if statement.touches_unknown || !statement.touches.is_empty() {
            let unfollowed = statement.unfollowed();
            tracing::debug!(unfollowed, "a statement that touches something classified was read");
        }
    }
    let alone: Option<Box<[Statement]>> = statements.iter().any(runs_by_name).then(|| statements.as_slice().into());
    for statement in statements.iter_mut().filter(|statement| runs_by_name(statement)) {
        *statement = statement.running(&unseen("it runs something by its name", &snapshot.catalog), &[]);
    }
    let operation = whole(&statements);
    if operation.asks.len() > ASKS_MAX {
        let parts = operation.asks.len();
        let message = format!("the statement asks for {parts} things at once, and Weir decides at most {ASKS_MAX}");
        let mut why = unfit("54001", message, None);
        why.declined.hint = Some("Send it in smaller portions.".to_owned());
        return unread(key, worded(text, log_text(sql, true, &token).text, gate), snapshot, why).unfit();
    }
    if statements.iter().flat_map(all_of).any(|statement| statement.puts_too_much) {
        let message = "the statement puts more values into columns than Weir looks at".to_owned();
        let mut why = unfit("54001", message, None);
        why.declined.hint = Some("Send it in smaller portions, or name the table with its schema.".to_owned());
        return unread(key, worded(text, log_text(sql, true, &token).text, gate), snapshot, why).unfit();
    }
    let mask = stored_mask(&statements);
    let logged = log_text(sql, operation.is_tainted(), &token);
    let withholds_constants = logged.withheld;
    let found = circumstance.finds(text) || circumstance.finds_constant(sql, &statements);
    let logged = match found && !withholds_constants {
        true => circumstance.log_text_of_found(sql, &token),
        false => logged,
    };
    let wording = worded(text, logged.text, gate);
    let reading = Reading {
        key,
        uncommitted: circumstance.uncommitted,
        names_unknown: statements.iter().any(|statement| !statement.unknown_names.is_empty()),
        changes_catalog: statements.iter().any(may_change),
        notices: notices(&operation, sql),
        form: Form::Sql,
        operation,
        statements,
        alone,
        born: Vec::new(),
        unfit: mask,
        unread: None,
        snapshot,
        withholds_constants,
        learned: RefCell::default(),
    };
    Interpreted { wording, found, constants_stored_by: Cell::default(), reading: Rc::new(reading) }
}

fn worded(text: &[u8], log: LogText, gate: &Gate) -> Wording {
    Wording { digest: gate.digest([text]), text: log, bound: None }
}

impl Interpreted {
    /// What all texts of this skeleton do, if that does not depend on their constants. `self` is one of them.
    pub fn stands_for(&self, skeleton: &Skeleton, key: ShapeKey) -> Option<Rc<Reading>> {
        let for_all = self.unfit.is_none() && skeleton.stands_for(&self.statements);
        for_all.then(|| {
            let mut reading = Reading { key, ..Reading::clone(&self.reading) };
            // Constants are those of this text.
            reading.statements.iter_mut().for_each(Statement::forget_constants);
            Rc::new(reading)
        })
    }

    /// The same text, if it can't be read, as one that can't be carried whatever policy says.
    fn unfit(self) -> Self {
        let mut reading = Reading::clone(&self.reading);
        reading.unfit = reading.unread.take();
        Self { wording: self.wording, found: false, constants_stored_by: Cell::default(), reading: Rc::new(reading) }
    }

    /// A text of a skeleton whose reading is known.
    pub fn by_skeleton(sql: &str, skeleton: &Skeleton, reading: &Rc<Reading>, gate: &Gate) -> Self {
        let token = |literal: &[u8]| gate.keys().literal(literal);
        let log = skeleton.log_text(sql, reading.withholds_constants, &token);
        Self {
            wording: worded(sql.as_bytes(), log, gate),
            found: false,
            constants_stored_by: Cell::default(),
            reading: Rc::clone(reading),
        }
    }
}

fn runs_by_name(statement: &Statement) -> bool {
    statement.names.as_ref().is_some_and(NameUse::runs)
}

impl Reading {
    /// How often the session may see another catalog after it ran. In one that `sees_more` than others do, that is also so where a
    /// change is taken back or kept for good, or made by code.
    pub fn changes_to_catalog(&self, sees_more: bool) -> u64 {
        let changes = |statement: &&Statement| {
            may_change(statement) || (sees_more && (statement.transaction.is_some() || statement.runs_code))
        };
        let changes = u64::try_from(self.statements.iter().filter(changes).count()).unwrap_or(u64::MAX);
        changes.max(self.changes_catalog.into())
    }

    /// Whether constants of its text are put into columns that are not classified.
    pub fn puts_constants(&self) -> bool {
        self.statements.iter().flat_map(all_of).any(Statement::puts_constants)
    }

    /// Whether it may put something into columns that are not classified, and it was not asked what.
    pub fn lacks_puts(&self) -> bool {
        self.statements.iter().flat_map(all_of).any(|statement| statement.lacks_puts)
    }

    /// Whether it reads or writes rows by a catalog that the session has changed since.
    pub fn moves_by_another_catalog(&self) -> bool {
        self.uncommitted != 0 && self.statements.iter().any(|statement| statement.moves_values)
    }

    /// About how many bytes it takes to keep what its statements are made of, and what they put where.
    pub fn bytes(&self) -> usize {
        let mut seen = HashSet::new();
        let put = |put: &PlainPut| {
            let constant = if let Given::Constant(value) = &put.given { value.len() } else { 0 };
            let into = if seen.insert(Arc::as_ptr(&put.into)) { put.into.len() } else { 0 };
            PUT_BYTES.saturating_mul(into.saturating_add(1)).saturating_add(constant)
        };
        let puts = self.statements.iter().flat_map(all_of).flat_map(|statement| &statement.puts).map(put);
        let made_of = self.statements.iter().map(|statement| statement.made_of.bytes());
        puts.fold(made_of.fold(0, usize::saturating_add), usize::saturating_add)
    }

    /// Whether it is to be read with the session's own catalog, also where the session has changed nothing.
    pub fn needs_own_catalog(&self) -> bool {
        self.statements.iter().any(|statement| statement.needs_own_catalog)
    }

    /// Whether it moves values that were not followed, because the session sees a catalog that Weir does not.
    pub fn moves_unfollowed(&self) -> bool {
        let unfollowed = |statement: &Statement| statement.moves_values && !statement.is_followed();
        self.uncommitted != 0 && self.statements.iter().any(unfollowed)
    }

    /// Whether it returns no rows, as it is written.
    pub fn returns_nothing(&self) -> bool {
        self.operation.certainty == Certainty::Exact
            && self.statements.iter().all(|statement| statement.outputs == Outputs::None)
    }
}

/// Why a text can't be carried that stores what Weir has shown in the place of a value, or may without its being seen.
fn stored_mask(statements: &[Statement]) -> Option<Unfit> {
    let mask = statements.iter().flat_map(all_of).find_map(|statement| statement.masks_returned.first());
    let mask = mask.map(|field| Unfit { code: "42501", declined: returned_mask(field), position: None });
    let unread = |statement: &Statement| match &statement.copy {
        Some(CopyStatement::In(copy)) if copy.is_classified() => match &copy.format {
            CopyFormat::Unknown(why) => Some(why.clone()),
            _ => None,
        },
        _ => None,
    };
    mask.or_else(|| {
        let declined = Declined {
            message: CANNOT_WATCH.to_owned(),
            detail: Some(statements.iter().find_map(unread)?),
            hint: None,
        };
        Some(Unfit { code: "0A000", declined, position: None })
    })
}

/// What a caller is told whose COPY is not in a form in which can be found what may not be stored.
pub const CANNOT_WATCH: &str =
    "Weir cannot read the data of this COPY into columns where not everything may be stored, so it does not run";

/// A statement and the one that it gives a name to.
pub fn all_of(statement: &Statement) -> impl Iterator<Item = &Statement> {
    let inner = match &statement.names {
        Some(NameUse::Prepare { statement, .. }) => Some(&**statement),
        _ => None,
    };
    std::iter::once(statement).chain(inner)
}

/// What a caller is told who stores what Weir has shown in the place of a value.
pub fn returned_mask(field: &Field) -> Declined {
    let (part, name) = (&field.part.name, &field.name);
    Declined {
        message: format!(
            "what is to be stored in {part}.{name} is what Weir shows in the place of a value, and not a value"
        ),
        detail: Some(format!("{part}.{name} holds {}. A row that was read is written back, it seems.", field.class)),
        hint: Some("Leave the column out, or give it a value.".to_owned()),
    }
}

/// Whether the catalog may be another after it ran. What can't be followed may change it too.
fn may_change(statement: &Statement) -> bool {
    statement.changes_catalog || matches!(statement.certainty, Certainty::Opaque(_))
}

impl Reading {
    /// What is no text of SQL, and so has no statements.
    fn of_no_text(key: ShapeKey, operation: Operation, form: Form, snapshot: &Arc<Snapshot>) -> Self {
        Self {
            key,
            changes_catalog: matches!(operation.certainty, Certainty::Opaque(_)),
            operation,
            statements: Vec::new(),
            alone: None,
            born: Vec::new(),
            unfit: None,
            unread: None,
            snapshot: Arc::clone(snapshot),
            uncommitted: 0,
            names_unknown: false,
            notices: None,
            form,
            learned: RefCell::default(),
            withholds_constants: false,
        }
    }

    /// Whether it ends a transaction: what the session has changed before may be there for everybody from then on, also if
    /// the next transaction starts at once.
    pub fn commits(&self) -> bool {
        let commits = |statement: &Statement| {
            matches!(statement.transaction, Some(TransactionStep::Commit { .. } | TransactionStep::Finish))
        };
        self.unread.is_some() || self.statements.iter().any(commits)
    }
}

/// A text of several statements is decided whole: everything that any of them asks, and touches.
fn whole(statements: &[Statement]) -> Operation {
    let (mut asks, mut asked) = (Vec::new(), HashSet::new());
    let (mut touches, mut touched) = (Vec::new(), HashSet::new());
    let mut certainty = Certainty::Exact;
    for statement in statements {
        asks.extend(statement.asks.iter().filter(|ask| asked.insert(*ask)).cloned());
        touches.extend(statement.touches.iter().filter(|field| touched.insert(*field)).cloned());
        if certainty == Certainty::Exact {
            certainty = statement.certainty.clone();
        }
    }
    if statements.is_empty() {
        // An empty text does nothing: whoever may be here may send it.
        asks.push(Ask::new(policy::actions::CONNECT, Object::Target));
    }
    Operation {
        asks,
        certainty,
        touches,
        touches_unknown: statements.iter().any(|statement| statement.touches_unknown),
        lowering: lowering(statements),
    }
}

/// What fields may be given less than the values that a text puts into them. Each statement that stores something of a field must be one
/// in which that can be replaced.
fn lowering(statements: &[Statement]) -> Vec<Lowering> {
    let mut all: Vec<Lowering> = Vec::new();
    for lowering in statements.iter().flat_map(|statement| &statement.lowering) {
        match all.iter_mut().find(|known| known.field == lowering.field) {
            Some(known) => known.unfollowed = known.unfollowed.or(lowering.unfollowed),
            None => all.push(lowering.clone()),
        }
    }
    for lowering in &mut all {
        let stores = |ask: &Ask| {
            ask.action == policy::actions::STORE && matches!(&ask.object, Object::Field(of) if *of == lowering.field)
        };
        let follows = |statement: &Statement| statement.lowering.iter().any(|of| of.field == lowering.field);
        if statements.iter().any(|statement| statement.asks.iter().any(stores) && !follows(statement)) {
            lowering.unfollowed = lowering.unfollowed.or(Some("another statement of the text stores its values"));
        }
    }
    all
}

/// `SET weir.notices = off`: a setting of Weir's own, which the target takes as one of an extension it does not have.
fn notices(operation: &Operation, sql: &str) -> Option<bool> {
    let sets =
        |ask: &Ask| ask.action.0 == "set" && matches!(&ask.object, Object::Part(part) if &*part.name == "weir.notices");
    let off = |word: &str| matches!(word.to_ascii_lowercase().as_str(), "off" | "false" | "no" | "0");
    operation.asks.iter().any(sets).then(|| !sql.split(|c: char| !c.is_ascii_alphanumeric()).any(off))
}

/// A text of which nothing is known: whoever may do what can't be told may send it as it is.
fn unread(key: ShapeKey, wording: Wording, snapshot: Arc<Snapshot>, why: Unfit) -> Interpreted {
    let statements = vec![unseen(&why.declined.message, &snapshot.catalog)];
    let reading = Reading {
        key,
        operation: whole(&statements),
        statements,
        alone: None,
        born: Vec::new(),
        unfit: None,
        unread: Some(why),
        snapshot,
        uncommitted: 0,
        names_unknown: false,
        changes_catalog: true,
        notices: None,
        form: Form::Sql,
        withholds_constants: true,
        learned: RefCell::default(),
    };
    Interpreted { wording, found: false, constants_stored_by: Cell::default(), reading: Rc::new(reading) }
}
