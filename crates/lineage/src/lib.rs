//! What the values of a query are made of.
//!
//! A [`Source`] is a place whose values matter (a classified column), by a number that whoever resolves the query gives it. An
//! [`Origin`] says of one value which sources it is made of, and whether it is still one of them unaltered, or holds several of which each is where it is known to be ([`Shaped`]). [`Rows`] are what
//! a table, a subquery or a join gives: named columns, each with its origin. A [`Scope`] is where names are looked up, by the
//! rules that SQL's dialects share: inner queries before outer ones, aliases before tables, the columns of all that stands in
//! FROM for a name without a table.
//!
//! Who reads a dialect walks its own tree with these in hand: each expression becomes an origin, each query rows. There is no
//! second tree. Nothing here knows a grammar, a catalog or a type, and nothing is ever narrowed: what can't be told is
//! [`Origin::Unknown`], columns whose names can't be told may be any ([`Column::name`]), and rows whose columns can't be told
//! may have more ([`Rows::more`]).
//!
//! Reading order: `origin`, `shape`, `rows`, `scope`.
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::string_slice)
)]

mod origin;
mod rows;
mod scope;
mod shape;

pub use origin::{Origin, Source, Sources};
pub use rows::{Column, Output, Rows};
pub use scope::{Found, Item, Level, Scope};
pub use shape::{Form, Parts, Shaped};
