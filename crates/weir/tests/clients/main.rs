//! Real clients through the whole program: psql and pgbench of two releases, psycopg, asyncpg, SQLAlchemy, node-postgres,
//! JDBC, dbt and pg_dump, before PostgreSQL of two releases.
//! What touches nothing classified is compared with what the same client gets from the server directly.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and all of this is one")]

mod copies;
mod dbt;
mod documents;
mod dumps;
mod house;
mod jdbc;
mod metadata;
mod node;
mod ordinary;
mod pgbench;
mod psql;
mod psycopg;
mod replication;
mod scenarios;
mod shapes;
mod sights;
mod sqlalchemy;
mod storing;
