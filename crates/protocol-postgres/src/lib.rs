//! PostgreSQL on the wire: codec, interpretation, relay.
//!
//! The way of a statement: [`wire`] turns bytes into messages; `conversation` matches messages with what is known of
//! the session, and has `interpret` say what a text does (by `sql-postgres`, with a snapshot from `catalog`); the gate
//! decides, writes it down and forwards; replies come back through the same `conversation`, which shows rows by the
//! plan that the gate made, through `cells`. `relay` moves the bytes; `login` and `target_login` are the two ends'
//! beginnings.
//!
//! What it is not: it decides nothing (that is `policy`, through `gate`), and it is no pooler: one caller's connection
//! is one connection to the target.
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::string_slice)
)]

pub mod wire;

mod binding;
mod cancel;
mod catalog;
mod cells;
mod conversation;
mod copy;
mod explain;
mod interpret;
mod lobby;
mod login;
mod own_connection;
mod relay;
mod replay;
mod sample;
mod scram;
mod server;
mod stream;
mod target;
mod target_login;
mod target_tls;

pub use explain::{Explained, explain};
pub use lobby::{LoginLimits, Seat};
pub use relay::Signals;
pub use replay::{Played, PlayedColumn, Player, Said};
pub use sample::{SampledColumn, SampledTable, Sampler, Skipped};
pub use server::{CallerTls, Postgres};
pub use sql_postgres::VOCABULARY;
pub use target::{BindingUse, ClientPair, TargetDown, TargetLogin, TargetSettings, TargetTls, TlsNegotiation};
