//! Statements that run by name: what a text does together with what stands behind the names that it uses.
//!
//! Which statement or cursor has a name is the conversation's to know; here the two are put together.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use gate::{Declined, Gate, ShapeKey};
use model::{Certainty, Wording};
use sql_postgres::{NameUse, Rows, Statement, TransactionStep, kept_rows, log_text, unseen};

use super::{ASKS_MAX, Form, Interpreted, PUT_BYTES, Reading, Unfit, may_change, stored_mask, whole, worded};
use crate::catalog::Snapshot;

/// About the bytes that it may take to keep what one text runs by names, which may be one statement again and again.
const RUN_BYTES_MAX: usize = 32 * 1024 * 1024;
/// About what a statement takes, and each question and field of it.
const RUN_PART_BYTES: usize = 256;

/// What stands behind a name that a statement uses.
#[derive(Clone, Debug)]
pub enum Behind {
    /// Nobody knows, because of this.
    Unseen(&'static str),
    /// A prepared statement, as it is read now, its text, and of which types its parameters are declared to be.
    Prepared(Rc<Interpreted>, Rc<[u8]>, Rc<[u32]>),
    /// A cursor, as it was read when it was made.
    Cursor(Rc<Interpreted>),
    /// What was prepared or bound to store less than the values that were written or given, which by its name can't be held against
    /// what policy says when it runs.
    Lowered,
}

/// What a text with names in it is found by: its own key, and that of all that it runs.
pub fn key(read: &Interpreted, behind: &[Option<Behind>]) -> ShapeKey {
    let mut parts: Vec<Vec<u8>> = vec![b"by name".to_vec(), read.key.as_bytes().to_vec()];
    // One statement may run again and again, and have many parameters.
    let mut declared: HashMap<*const u32, ShapeKey> = HashMap::new();
    parts.extend(behind.iter().map(|behind| match behind {
        None => Vec::new(),
        Some(Behind::Unseen(why)) => why.as_bytes().to_vec(),
        Some(Behind::Prepared(of, _, types)) => {
            let key = || ShapeKey::of([types.iter().flat_map(|oid| oid.to_be_bytes()).collect::<Vec<u8>>().as_slice()]);
            let types = declared.entry(types.as_ptr()).or_insert_with(key);
            [b"prepared".as_slice(), of.key.as_bytes(), types.as_bytes()].concat()
        }
        Some(Behind::Cursor(of)) => [b"cursor".as_slice(), of.key.as_bytes()].concat(),
        Some(Behind::Lowered) => b"lowered".to_vec(),
    }));
    ShapeKey::of(parts.iter().map(Vec::as_slice))
}

/// What a text does with this behind the names of its statements. `read` is the text alone.
pub fn resolve(read: &Interpreted, behind: &[Option<Behind>]) -> Rc<Reading> {
    let (catalog, behind_key) = (&read.snapshot.catalog, key(read, behind));
    let (mut statements, mut born) = (Vec::with_capacity(read.alone().len()), Vec::new());
    let (mut blind, mut left) = (false, RUN_BYTES_MAX);
    // What keeping the rows of a text does is found out once.
    let mut kept: HashMap<*const u8, Statement> = HashMap::new();
    for (at, own) in read.alone().iter().enumerate() {
        let statement = match behind.get(at).and_then(Option::as_ref) {
            None => own.clone(),
            Some(Behind::Unseen(why)) => own.running(&unseen(why, catalog), &[]),
            Some(Behind::Lowered) => {
                own.running(&unseen("it runs what stores less than was given to it", catalog), &[])
            }
            Some(Behind::Cursor(of)) => {
                born.push((at, Arc::clone(&of.snapshot)));
                together(own, of, &[])
            }
            Some(Behind::Prepared(of, text, types)) => {
                born.push((at, Arc::clone(&of.snapshot)));
                let running = together(own, of, types);
                match &own.names {
                    Some(NameUse::Execute(_, Rows::Kept)) => {
                        let keep = || kept_rows(&String::from_utf8_lossy(text), catalog);
                        running.keeping(kept.entry(text.as_ptr()).or_insert_with(keep))
                    }
                    _ => running,
                }
            }
        };
        let mut statement = statement;
        if blind {
            statement.shows_nothing();
        }
        blind |= statement.keeps.is_some();
        if let Some(behind) = behind.get(at).and_then(Option::as_ref) {
            let Some(fewer) = left.checked_sub(bytes_of(&statement, behind)) else { return too_much(read, behind_key) };
            left = fewer;
        }
        statements.push(statement);
    }
    let operation = whole(&statements);
    if operation.asks.len() > ASKS_MAX || statements.iter().any(|statement| statement.puts_too_much) {
        return too_much(read, behind_key);
    }
    let lowered = behind.iter().any(|behind| matches!(behind, Some(Behind::Lowered)));
    let lowered = lowered.then(|| Unfit { code: "42501", declined: lowered_by_name(), position: None });
    let mask = lowered.or_else(|| stored_mask(&statements));
    Rc::new(Reading {
        key: behind_key,
        changes_catalog: statements.iter().any(may_change),
        withholds_constants: read.withholds_constants || operation.is_tainted(),
        operation,
        statements,
        alone: Some(read.alone().into()),
        born,
        unfit: read.unfit.clone().or(mask),
        unread: None,
        snapshot: Arc::clone(&read.snapshot),
        uncommitted: read.uncommitted,
        names_unknown: read.names_unknown,
        notices: read.notices,
        form: Form::Sql,
        learned: RefCell::default(),
    })
}

/// About what it takes to keep what a statement does that runs by a name. The text behind it was read for it.
fn bytes_of(statement: &Statement, behind: &Behind) -> usize {
    let text = if let Behind::Prepared(_, text, _) = behind { text.len() } else { 0 };
    let parts =
        [statement.asks.len(), statement.touches.len(), statement.parameters_kept.len(), statement.lowering.len()];
    let parts = parts.into_iter().fold(1, usize::saturating_add).saturating_mul(RUN_PART_BYTES);
    let puts = statement.puts.len().saturating_mul(PUT_BYTES);
    [text, parts, puts, statement.made_of.bytes()].into_iter().fold(0, usize::saturating_add)
}

/// A text that runs more by names than can be followed.
fn too_much(read: &Interpreted, key: ShapeKey) -> Rc<Reading> {
    let declined = Declined {
        message: "the text runs more by names (EXECUTE, FETCH) than Weir follows at once".to_owned(),
        detail: None,
        hint: Some("Send it in smaller portions.".to_owned()),
    };
    let unfit = Some(Unfit { code: "54001", declined, position: None });
    Rc::new(Reading { key, unfit, ..Reading::clone(read) })
}

impl Interpreted {
    /// This text, which is known to do that.
    pub fn doing(&self, text: &[u8], reading: &Rc<Reading>, gate: &Gate) -> Self {
        let withhold = reading.withholds_constants && !self.withholds_constants;
        let wording = match std::str::from_utf8(text) {
            Ok(sql) if withhold => {
                let text = log_text(sql, true, &|literal| gate.keys().literal(literal)).text;
                Wording { text, ..self.wording.clone() }
            }
            _ => self.wording.clone(),
        };
        Self { wording, found: self.found, constants_stored_by: Cell::default(), reading: Rc::clone(reading) }
    }
}

/// What a caller is told who runs by its name in SQL what stores less than it was given.
fn lowered_by_name() -> Declined {
    Declined {
        message:
            "what this runs by its name stores less than the values that were given to it, so it does not run from SQL"
                .to_owned(),
        detail: None,
        hint: Some("Run it by the protocol's own messages, or prepare it again.".to_owned()),
    }
}

fn together(own: &Statement, behind: &Interpreted, types: &[u32]) -> Statement {
    // An empty text does nothing.
    behind.statements.first().map_or_else(|| own.clone(), |behind| own.running(behind, types))
}

/// The statement that a PREPARE or DECLARE in this text puts behind its name, as an operation of its own.
pub fn inside(read: &Interpreted, at: usize, gate: &Gate) -> Option<Interpreted> {
    let outer = read.statements.get(at)?;
    let (statement, text) = match outer.names.as_ref()? {
        NameUse::Prepare { statement, text, .. } => (statement, text),
        NameUse::Declare { query, text, .. } => (query, text),
        _ => return None,
    };
    let mut statement = (**statement).clone();
    // What stands before it in its text may have changed what it means.
    statement.touches_unknown |= outer.touches_unknown;
    if outer.touches_unknown && !outer.is_followed() {
        statement.cannot_be_followed();
    }
    let unknown = [u8::from(statement.touches_unknown)];
    statement.cannot_be_lowered("what stores it was prepared in a text");
    let key = ShapeKey::of([
        b"inside".as_slice(),
        text.as_bytes(),
        &read.snapshot.epoch.to_be_bytes(),
        &read.uncommitted.to_be_bytes(),
        &unknown,
    ]);
    let operation = whole(std::slice::from_ref(&statement));
    let logged = log_text(text, operation.is_tainted() || read.found, &|literal| gate.keys().literal(literal));
    let reading = Reading {
        key,
        changes_catalog: may_change(&statement),
        names_unknown: !statement.unknown_names.is_empty(),
        operation,
        statements: vec![statement],
        alone: None,
        born: Vec::new(),
        unfit: None,
        unread: None,
        snapshot: Arc::clone(&read.snapshot),
        uncommitted: read.uncommitted,
        notices: None,
        form: Form::Sql,
        withholds_constants: logged.withheld,
        learned: RefCell::default(),
    };
    Some(Interpreted {
        wording: worded(text.as_bytes(), logged.text, gate),
        found: read.found,
        constants_stored_by: Cell::default(),
        reading: Rc::new(reading),
    })
}

impl Reading {
    /// Its statements without what stands behind the names that they use.
    pub fn alone(&self) -> &[Statement] {
        self.alone.as_deref().unwrap_or(&self.statements)
    }

    /// Whether something runs in it that stands behind a name.
    pub fn runs_names(&self) -> bool {
        self.alone.is_some()
    }

    /// Whether it uses, gives or takes names, as far as can be told.
    pub fn uses_names(&self) -> bool {
        self.unread.is_some() || self.statements.iter().any(|statement| statement.names.is_some())
    }

    /// Whether it fetches from a cursor that Weir does not know.
    pub fn fetches_unseen(&self) -> bool {
        let fetches = |statement: &Statement| matches!(statement.names, Some(NameUse::Fetch(_)));
        self.operation.certainty != Certainty::Exact && self.statements.iter().any(fetches)
    }

    /// Whether it gives names to something.
    pub fn names_more(&self) -> bool {
        let gives = |names: &NameUse| matches!(names, NameUse::Prepare { .. } | NameUse::Declare { .. });
        self.statements.iter().any(|statement| statement.names.as_ref().is_some_and(gives))
    }

    /// Whether it runs code that Weir can't follow.
    pub fn runs_code(&self) -> bool {
        self.statements.iter().any(|statement| statement.runs_code)
    }

    /// Whether `client_encoding` may be another behind it: `was_set` says whether this session has set it, so that the end of a transaction
    /// may set it back.
    pub fn changes_encoding(&self, was_set: bool) -> bool {
        let ends = |statement: &Statement| {
            use TransactionStep::{Commit, Rollback, RollbackTo};
            was_set && matches!(statement.transaction, Some(Commit { .. } | Rollback { .. } | RollbackTo(_)))
        };
        self.statements.iter().any(|statement| statement.sets_encoding || ends(statement))
    }

    /// The statement of this number, and the snapshot by which its result is shown: of a cursor, the one it was born with.
    pub fn shown_by(&self, at: usize) -> Option<(&Statement, &Snapshot)> {
        if self.unread.is_some() {
            return self.statements.first().map(|statement| (statement, &*self.snapshot));
        }
        let born = self.born.iter().find(|(of, _)| *of == at).map_or(&self.snapshot, |(_, born)| born);
        self.statements.get(at).map(|statement| (statement, &**born))
    }
}
