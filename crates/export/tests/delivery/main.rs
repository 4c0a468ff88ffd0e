//! Exporters against real receivers that fail in all the ways they know, and against being ended in any moment.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, in their helpers too")]

mod ends;
mod files;
mod http;
mod log;
mod syslog;
mod webhooks;
