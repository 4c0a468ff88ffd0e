//! What is known of one statement.

use std::ops::Range;
use std::sync::Arc;

use model::{Ask, AttrValue, Certainty, Field, Lowering, Object};

use crate::analyse::MadeOf;
use crate::copy::{CopyStatement, PlainInto};
use crate::resolve::{Lineage, Probe};
use crate::temporary::Kept;
use crate::vocabulary::{OVERWRITE, PROBE};

/// One statement of a text: what it asks for, what it touches, what comes back.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The questions to policy: first the main action on the target, then one for each action and object.
    pub asks: Vec<Ask>,
    /// Whether the asks say all that the statement does. If not, `opaque` is among them.
    pub certainty: Certainty,
    /// Classified columns of every relation it touches, also through views, partitions and inheritance.
    pub touches: Vec<Field>,
    /// Set when it touches something the snapshot doesn't know, in a database where something is classified.
    pub touches_unknown: bool,
    /// The relations and functions that the snapshot doesn't know, as they are written. A caller may read the catalog
    /// again and analyse once more.
    pub unknown_names: Vec<String>,
    /// The shape of its result.
    pub outputs: Outputs,
    /// Set when the snapshot must be read again after it ran (and once more when its transaction commits).
    pub changes_catalog: bool,
    /// What it does to the transaction.
    pub transaction: Option<TransactionStep>,
    /// Set when it copies data between the target and the caller.
    pub copy: Option<CopyStatement>,
    /// Whether it puts what is classified into a temporary table of which this catalog does not tell whose it is.
    pub needs_own_catalog: bool,
    /// What it keeps in a temporary table of the session, where that is all it keeps.
    pub keeps: Option<Kept>,
    /// Classified columns into which it puts what Weir has shown in the place of a value.
    pub masks_returned: Vec<Field>,
    /// Of each argument of an EXECUTE in it the constants that it may be.
    pub(crate) arguments: Vec<Vec<Argument>>,
    /// Parameters that it puts into classified columns as they are.
    pub parameters_kept: Vec<KeptParameter>,
    /// Values that it puts into columns that are not classified.
    pub puts: Vec<PlainPut>,
    /// Whether it may put something there and was not asked what.
    pub lacks_puts: bool,
    /// Whether it puts more into columns than can be followed.
    pub puts_too_much: bool,
    /// Fields that may be given less than the values that it puts there.
    pub lowering: Vec<Lowering>,
    /// Parameters that it puts there.
    pub lowered_parameters: Vec<LoweredParameter>,
    /// Constants that it puts there.
    pub lowered_constants: Vec<LoweredConstant>,
    /// What it does with the names that a session keeps. What stands behind a name that it uses is not in its asks: that
    /// is for who knows the session's names.
    pub names: Option<NameUse>,
    /// Whether it runs code that Weir can't follow: functions of users', DO.
    pub runs_code: bool,
    /// Whether it sets `client_encoding`, to whatever value.
    pub sets_encoding: bool,
    /// Whether it reads, writes or copies rows, or runs what may.
    pub moves_values: bool,
    /// The names of the columns that its outputs are made of.
    pub made_of: MadeOf,
    /// Where it stands in the text, in bytes.
    pub span: Range<usize>,
    /// Whether each bare column among the outputs can be compared by name with the column that the server describes:
    /// nothing in FROM renames.
    pub(crate) names_are_plain: bool,
    /// Whether the result is that of UNION, INTERSECT or EXCEPT, whose columns are made of all arms.
    pub(crate) set_operation: bool,
    /// Where the constants stand, in bytes of the text, that nothing in here depends on. `None` if something may depend on one.
    pub(crate) inert_constants: Option<Vec<usize>>,
    /// Whether it filters, compares, sorts or groups anything.
    pub(crate) has_conditions: bool,
    /// Whether it gives rows that are there other values.
    pub(crate) has_updates: bool,
    /// Of what its outputs are made, if that was followed.
    pub(crate) lineage: Option<Arc<Lineage>>,
    /// Why it was not, if it would matter.
    pub(crate) unfollowed: Option<&'static str>,
    /// Whether nobody knows what any column of its result holds.
    pub(crate) unseen: bool,
}

/// A value that is put into columns that are not classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainPut {
    /// The value.
    pub given: Given,
    /// As what the server takes it.
    pub read_as: ReadAs,
    /// Where it may go: those of one name stand together. The type of one that is not known is 0.
    pub into: Arc<[PlainInto]>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Given {
    /// A parameter, by its number, from 1.
    Parameter(usize),
    /// A constant of this very text.
    Constant(Arc<str>),
    /// More constants than can be told one by one.
    TooMuch,
}

/// As what the server takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadAs {
    /// As one of its column's type.
    Column,
    /// Perhaps so, and perhaps as one of any type.
    ColumnPerhaps,
    /// As one of the type of this oid.
    Type(u32),
    /// So, and then something else is made of it.
    TypeWithin(u32),
    /// As a text, which is then read as one of the type of this oid.
    TextOf(u32),
    /// Perhaps as one of this type, and perhaps as one of any.
    TypePerhaps(u32),
    /// As a text of which no more than so many characters are kept, and then as one of any type.
    Cut(usize),
    /// The same of bits, which become a number.
    CutBits(usize),
    /// As bits, of which no more than so many are kept if it says so: where the column is one of bits they stay what they are, and else they
    /// become a number.
    Bits(Option<usize>),
    /// As a text of which nobody here knows how much is kept.
    CutSomewhere,
    /// As one of any type: of a `name` no more than 63 bytes are kept.
    Anything,
    /// The same of what something else is made of: it is no `name`.
    Made,
    /// As no more than the 63 bytes that a `name` keeps, beside other ways.
    Name,
}

impl ReadAs {
    /// The same of what stands within something else, or comes from elsewhere: of which type it is the server finds out.
    #[must_use]
    pub fn perhaps(self) -> Self {
        match self {
            Self::Column => Self::ColumnPerhaps,
            Self::Type(oid) | Self::TypeWithin(oid) | Self::TextOf(oid) => Self::TypePerhaps(oid),
            Self::Bits(count) => count.map_or(Self::Anything, Self::CutBits),
            Self::Made => Self::Anything,
            Self::ColumnPerhaps | Self::TypePerhaps(_) | Self::Anything => self,
            Self::Cut(_) | Self::CutBits(_) | Self::CutSomewhere | Self::Name => self,
        }
    }

    /// Whether it may be a `name`, of which no more than 63 bytes are kept.
    pub fn may_be_name(self) -> bool {
        matches!(self, Self::ColumnPerhaps | Self::TypePerhaps(_) | Self::Anything | Self::Name)
    }

    /// Whether something may be cut off of it: it is looked at as a whole as well, as one of any type.
    pub fn is_cut(self) -> bool {
        matches!(self, Self::Cut(_) | Self::CutBits(_) | Self::Bits(Some(_)) | Self::CutSomewhere)
    }

    /// The same of what is read so for certain, before something else is made of it.
    #[must_use]
    pub fn within(self) -> Self {
        match self {
            Self::Type(oid) => Self::TypeWithin(oid),
            Self::Column => Self::ColumnPerhaps,
            _ => self,
        }
    }
}

/// A constant that an argument of an EXECUTE may be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The constant.
    pub value: Arc<str>,
    /// As what the server takes it, where the parameter is in the place of a column.
    pub read_as: ReadAs,
}

/// A parameter that goes into a field which may be given less than its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoweredParameter {
    /// Its number, from 1.
    pub number: usize,
    /// Where it goes.
    pub field: Field,
    /// The type of the column, by its oid; 0 if it is not known.
    pub type_oid: u32,
}

/// A constant that goes into a field which may be given less than its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoweredConstant {
    /// Where it stands in the text, in bytes.
    pub place: Range<usize>,
    /// Its value: what a string says, or a number as it is written.
    pub value: Constant,
    /// Where it goes.
    pub field: Field,
    /// The type of the column, by its oid; 0 if it is not known.
    pub type_oid: u32,
}

/// A parameter that is put into a classified column as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptParameter {
    /// Its number, from 1.
    pub number: usize,
    /// Where it goes.
    pub field: Field,
    /// The type of the column, by its oid; 0 if it is not known, or if the parameter is cast and may be of another.
    pub type_oid: u32,
}

/// The value of a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constant {
    /// Of a string, which is of the type of its column.
    Text(String),
    /// Of a number.
    Number(String),
}

impl Statement {
    /// What it puts into fields that may be given less can't be replaced, for this reason.
    pub fn cannot_be_lowered(&mut self, why: &'static str) {
        self.lowered_parameters.clear();
        self.lowered_constants.clear();
        for lowering in &mut self.lowering {
            lowering.unfollowed = lowering.unfollowed.or(Some(why));
        }
    }

    /// Whether anything classified, or unknown, can come out of it by any road.
    pub(crate) fn is_tainted(&self) -> bool {
        self.touches_unknown || !self.touches.is_empty()
    }

    /// Whether constants of its own are put into columns that are not classified.
    pub fn puts_constants(&self) -> bool {
        self.puts.iter().any(|put| !matches!(put.given, Given::Parameter(_)))
    }

    /// The same statement of texts that differ in their constants.
    pub fn forget_constants(&mut self) {
        self.puts.retain(|put| matches!(put.given, Given::Parameter(_)));
        self.arguments.clear();
    }

    /// Whether its values were followed.
    pub fn is_followed(&self) -> bool {
        self.lineage.is_some()
    }

    /// Why its values were not followed, if they were not and it would matter.
    pub fn unfollowed(&self) -> Option<&'static str> {
        self.unfollowed
    }

    /// Names mean something else by the time it runs than they did when it was read: nothing in it can be followed.
    pub fn cannot_be_followed(&mut self) {
        self.touches_unknown = true;
        self.unfollowed = Some("the session has changed the catalog and not committed");
        self.cannot_be_lowered("the session has changed the catalog and not committed");
        if self.lineage.take().is_some() {
            self.asks_about_all();
        }
    }

    /// Tables that it may read hold what nobody here knows of: nothing of its result is seen.
    pub fn shows_nothing(&mut self) {
        self.unseen = true;
        self.touches_unknown = true;
    }

    /// Asks for what it learns of columns that it does not show.
    pub(crate) fn asks_probes(&mut self) {
        let Some(lineage) = &self.lineage else {
            self.asks_about_all();
            return;
        };
        let asks = lineage.probes.iter().filter_map(|(source, how)| Some(probe(lineage.field(*source)?, *how)));
        let overwrites = lineage.overwrites.iter().filter_map(|source| lineage.field(source)).cloned();
        let overwrites = overwrites.map(|field| Ask::new(OVERWRITE, Object::Field(field)));
        let anything = lineage.probes_anything;
        self.asks.extend(asks.chain(overwrites).collect::<Vec<_>>());
        if anything {
            self.asks_about_all();
        }
    }

    /// The same where that can't be told: of everything that it touches, if there is a place in it where something can be learnt.
    fn asks_about_all(&mut self) {
        let mut asks: Vec<Ask> = Vec::new();
        if self.has_conditions {
            asks.extend(self.touches.iter().map(|field| probe(field, Probe::Pattern)));
        }
        if self.has_updates {
            asks.extend(self.touches.iter().map(|field| Ask::new(OVERWRITE, Object::Field(field.clone()))));
        }
        self.asks.extend(asks.into_iter().filter(|ask| !self.asks.contains(ask)).collect::<Vec<_>>());
    }
}

/// The question whether a field may be used in this way by who may not see it.
fn probe(field: &Field, how: Probe) -> Ask {
    let context = vec![("probe", AttrValue::Text(how.as_str().to_owned()))];
    Ask { action: PROBE, object: Object::Field(field.clone()), context }
}

/// The shape of a statement's result, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// It returns no rows.
    None,
    /// It returns rows with these outputs, in order. A star stands for any number of columns.
    Columns(Arc<[OutputShape]>),
}

/// One output as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputShape {
    /// A bare column reference, by its last name (before any alias).
    Column(String),
    /// `*` or `t.*`, or a result whose width only the server knows.
    Star,
    /// Anything else.
    Computed,
}

/// A step of the session's transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionStep {
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, END. `chain` starts the next at once.
    Commit {
        /// AND CHAIN.
        chain: bool,
    },
    /// ROLLBACK, ABORT. `chain` starts the next at once.
    Rollback {
        /// AND CHAIN.
        chain: bool,
    },
    /// SAVEPOINT.
    Savepoint(String),
    /// RELEASE SAVEPOINT.
    Release(String),
    /// ROLLBACK TO SAVEPOINT.
    RollbackTo(String),
    /// PREPARE TRANSACTION: ends the session's transaction without deciding it.
    Prepare,
    /// COMMIT PREPARED or ROLLBACK PREPARED: decides another one.
    Finish,
}

/// What a statement does with the names that a session keeps: of prepared statements, and of cursors.
#[derive(Clone, Debug)]
pub enum NameUse {
    /// PREPARE gives a statement this name.
    Prepare {
        /// The name.
        name: String,
        /// The statement.
        statement: Box<Statement>,
        /// The whole PREPARE, as it is written.
        text: String,
        /// The types of its parameters, by their oids: 0 where the server is to find out.
        types: Vec<u32>,
    },
    /// EXECUTE runs the statement of this name, alone or inside of EXPLAIN or CREATE TABLE AS.
    Execute(String, Rows),
    /// DEALLOCATE takes this name away; all of them without one.
    Deallocate(Option<String>),
    /// DECLARE gives a query's cursor this name.
    Declare {
        /// The name.
        name: String,
        /// The query.
        query: Box<Statement>,
        /// WITH HOLD: it outlives its transaction.
        hold: bool,
        /// The whole DECLARE, as it is written.
        text: String,
    },
    /// FETCH and MOVE run the cursor of this name.
    Fetch(String),
    /// CLOSE takes this name away; all of them without one.
    Close(Option<String>),
    /// DISCARD ALL takes all names away.
    DiscardAll,
}

impl NameUse {
    /// Whether something runs that stands behind the name.
    pub fn runs(&self) -> bool {
        matches!(self, Self::Execute(..) | Self::Fetch(_))
    }

    /// The name, if there is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Prepare { name, .. } | Self::Declare { name, .. } | Self::Execute(name, _) | Self::Fetch(name) => {
                Some(name)
            }
            Self::Deallocate(name) | Self::Close(name) => name.as_deref(),
            Self::DiscardAll => None,
        }
    }
}

/// What becomes of the rows of an EXECUTE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// They are the result.
    Given,
    /// EXPLAIN tells of them, and gives a result of its own.
    Explained,
    /// CREATE TABLE AS keeps them.
    Kept,
}
