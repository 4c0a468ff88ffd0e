//! The decision log as it grows, to where others keep theirs: files of JSON lines, syslog, webhooks.
//!
//! ```text
//! log ──Source──▶ Exporter ──batch──▶ Sink ──▶ file │ syslog (RFC 5424) │ webhook
//!                    ▲   └─ taken for sure ─▶ <state>/export/<name>.cursor
//!                    └──── resumes from ◀──────────────┘
//! ```
//!
//! Each exporter has a thread, a reader of the log and a cursor of its own, so one that stands still stops nobody: not a
//! session, whose record is in the log before anybody here hears of it, and not another exporter. What could not be
//! delivered is not kept in memory; it is read from the log again, from the cursor on. So memory is bounded by one batch, and
//! whatever ends the process in whatever moment, the next one goes on behind the last record that was taken for sure. A
//! record can arrive twice, and none is left out.
//!
//! *For sure* is what each sink can know. A file: the disk has it. A webhook: it was answered with 2xx. Syslog has no answers:
//! there it is what was written a while ago on a connection that still stands ([`Pace::settle`]).
//!
//! Beside them, [`Document`] is a text at a URL, for places that keep the log's last checkpoint.
//!
//! What this crate is not: a reader of the log (it is given a [`Source`]), a queue, a transformer of records.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod backoff;
mod client;
mod cursor_file;
mod document;
mod entry;
mod exporter;
mod file;
mod running;
mod settings;
mod sink;
mod status;
mod syslog;
mod trust;
mod webhook;

pub use cursor_file::CursorError;
pub use document::{DOCUMENT_BYTES_MAX, Document};
pub use entry::{Cursor, Cursors, Entry, Source, SourceError};
pub use exporter::{Exporter, Order, Unusable};
pub use running::Running;
pub use settings::{Body, Pace, Secret, Settings, SyslogTo, To, WebhookTo};
pub use status::Status;
pub use webhook::{is_on_this_machine, location};
