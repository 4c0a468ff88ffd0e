//! Private PostgreSQL servers, for the demo and for tests: a data folder of their own, a free port on 127.0.0.1, SCRAM
//! passwords, gone without a trace when dropped. And the shop database that both of them fill.
//!
//! This is not a way to run PostgreSQL for anything that matters: durability is traded for speed in temporary folders.
//! It prints nothing, and it knows nothing of Weir.
//!
//! ```no_run
//! # fn main() -> Result<(), sandbox::SandboxError> {
//! let server = sandbox::PostgresServer::builder().start()?;
//! let shop = sandbox::shop::Shop { customers: 1000, ..sandbox::shop::Shop::new("a password") };
//! shop.load(&server)?;
//! assert_eq!(server.psql("shop", "SELECT count(*) FROM customers")?.trim(), "1000");
//! # Ok(()) }
//! ```

mod account;
mod builder;
mod error;
mod guard;
mod install;
mod server;
pub mod shop;

pub use builder::Builder;
pub use error::SandboxError;
pub use install::Installation;
pub use server::PostgresServer;
