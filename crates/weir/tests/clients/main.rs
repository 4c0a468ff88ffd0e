//! Real clients through the whole program: psql of two releases, psycopg and JDBC, before PostgreSQL of two releases.
//! What touches nothing classified is compared with what the same client gets from the server directly.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and all of this is one")]

mod house;
mod jdbc;
mod psql;
mod psycopg;
mod scenarios;
mod shapes;
