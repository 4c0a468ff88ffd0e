//! Conversations with a scripted target: what is forwarded, what is shown, what is recorded. What real servers and real
//! clients make of it is tested through the whole program; here stand the orders of messages that no client of good
//! will sends, and the ones that depend on when a reply comes.

mod attacks;
mod by_name;
mod copies;
mod fuzz;
mod house;
mod kept;
mod long;
mod looking;
mod opaque;
mod ordinary;
mod own_catalog;
mod pipelines;
mod recorded;
mod replication;
mod showing;
mod storing;
