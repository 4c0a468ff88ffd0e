//! What a PostgreSQL statement does and touches, by PostgreSQL's own grammar.
//!
//! [`analyse`] takes one SQL text and a [`Catalog`] (a snapshot of the target's tables, views and functions) and answers, for
//! every statement in it: which actions it asks for on which objects, whether that could be told for certain, which
//! classified columns can come out of it or be stored by it, and what its result columns look like. [`holds`] then joins the
//! statement with what the server describes, and says of each result column what it holds.
//!
//! Pure: text and snapshot in, facts out. No socket, no file, no clock. Values are followed from the columns they come from to
//! the outputs (`resolve`, by the rules of the crate `lineage`); what can't be followed is taken for made of everything that the
//! statement touches. Where it cannot tell what a statement does, it says so ([`model::Certainty::Opaque`],
//! [`Statement::touches_unknown`]), and policy refuses.
//!
//! The grammar is that of PostgreSQL 18 (`libpg_query`), in C. It checks its own stack (100 kB) and the tree it hands over is
//! at most 100 messages deep, so [`analyse`] fits into a thread of 2 MiB; what is deeper is [`Unreadable`].
//!
//! Reading order: [`vocabulary`](VOCABULARY), `catalog`, `classes`, `tree`, `read`, `resolve`, `analyse`, `holds`, `log_text`, `skeleton`, `calls`, `replication`.
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::string_slice)
)]

mod vocabulary;

mod catalog;
mod classes;
mod sealed;
mod temporary;

mod functions;
mod settings;

mod calls;
mod copy;
mod read;
mod replication;
mod statement;
mod tree;

mod analyse;
mod holds;
mod log_text;
mod resolve;
mod skeleton;

pub use analyse::{Foreseen, MadeOf, Names, analyse, analyse_with, foresee, kept_rows, unseen};
pub use calls::{function_call, function_of};
pub use catalog::{
    CATALOG_QUERIES, Catalog, CatalogRows, Column, OWN_CATALOG_QUERIES, RawCast, RawColumn, RawFunction, RawRelation,
    RawSystemFunction, Relation, RelationKind, UnreadableRow,
};
pub use classes::{ClassRules, PatternError, fits};
pub use copy::{CopyFormat, CopyIn, CopyOut, CopySource, CopyStatement, ForceQuote, PlainInto};
pub use holds::{Described, WidthMismatch, holds};
pub use log_text::{LOG_TEXT_BYTES_MAX, Logged, log_text};
pub use read::{SQL_BYTES_MAX, Unreadable};
pub use replication::{Carries, ReplicationCommand, ReplicationOf, replication_command};
pub use sealed::NOTHING_IS_SEALED;
pub use settings::{is_safe_encoding, startup_setting};
pub use skeleton::Skeleton;
pub use statement::{
    Constant, Given, KeptParameter, LoweredConstant, LoweredParameter, NameUse, OutputShape, Outputs, PlainPut, ReadAs,
    Rows, Statement, TransactionStep,
};
pub use temporary::{Kept, Temporary};
pub use vocabulary::{VOCABULARY, result_part};
