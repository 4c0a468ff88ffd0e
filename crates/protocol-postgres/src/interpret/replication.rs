//! Commands of replication connections, as operations.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use gate::{Declined, Gate, ShapeKey};
use model::LogText;
use sql_postgres::{LOG_TEXT_BYTES_MAX, ReplicationCommand};

use super::{ASKS_MAX, Form, Interpreted, Reading, Unfit, unread, worded};
use crate::catalog::Snapshot;

impl Interpreted {
    /// A command of a replication connection, or why it can't be carried.
    pub fn of_replication(
        text: &[u8],
        command: Result<ReplicationCommand, String>,
        snapshot: &Arc<Snapshot>,
        gate: &Gate,
    ) -> Self {
        let key = ShapeKey::of([b"replication".as_slice(), text, &snapshot.epoch.to_be_bytes()]);
        let shown: String = String::from_utf8_lossy(text).chars().take(LOG_TEXT_BYTES_MAX / 4).collect();
        let wording = worded(text, LogText(shown.into()), gate);
        let unfit = |code, message, hint: &str| {
            let declined = Declined { message, detail: None, hint: Some(hint.to_owned()) };
            let why = Unfit { code, declined, position: None };
            unread(key, wording.clone(), Arc::clone(snapshot), why).unfit()
        };
        let ReplicationCommand { operation, carries } = match command {
            Ok(command) if command.operation.asks.len() > ASKS_MAX => {
                let parts = command.operation.asks.len();
                let message =
                    format!("the stream asks for {parts} things at once, and Weir decides at most {ASKS_MAX}");
                return unfit("54001", message, "Classify fewer columns in this database, or replicate another.");
            }
            Ok(command) => command,
            Err(why) => {
                return unfit("42601", why, "Send one command, as PostgreSQL's streaming replication protocol has it.");
            }
        };
        let reading = Reading::of_no_text(key, operation, Form::Replication(carries), snapshot);
        Self { wording, found: false, constants_stored_by: Cell::default(), reading: Rc::new(reading) }
    }
}
