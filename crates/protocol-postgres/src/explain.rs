//! What Weir makes of a text, without running it: for `weir policy explain`.

use std::sync::Arc;

use gate::{Credentials, Gate};
use model::Operation;
use sql_postgres::{Foreseen, foresee};

use crate::catalog::AllCatalogs;
use crate::interpret::{Circumstance, interpret};
use crate::target::{TargetDown, TargetSettings};

/// A text, read with the target's catalog.
#[derive(Debug)]
pub struct Explained {
    /// What policy would decide.
    pub operation: Operation,
    /// Why it can't be carried whatever policy says: SQLSTATE and sentence.
    pub unfit: Option<(&'static str, String)>,
    /// Names that the catalog does not know.
    pub unknown_names: Vec<String>,
    /// What the outputs of each of its statements hold, if that can be followed.
    pub outputs: Vec<Option<Vec<Foreseen>>>,
}

/// Reads a text as a session on this database would. The catalog is read with Weir's own login; nothing of the text
/// reaches the target.
pub async fn explain(
    target: TargetSettings,
    database: Option<&str>,
    credentials: &dyn Credentials,
    gate: &Gate,
    sql: &str,
) -> Result<Explained, TargetDown> {
    let target = Arc::new(target);
    let database = database.unwrap_or(&target.database).to_owned();
    let snapshot = AllCatalogs::default().of(&target, &database).refresh(None, credentials).await?;
    let interpreted = interpret(
        sql.as_bytes(),
        Circumstance { snapshot: &snapshot, uncommitted: 0, blind: false, search: None, may_forbid_store: false },
        gate,
    );
    Ok(Explained {
        unfit: interpreted
            .unfit
            .as_ref()
            .or(interpreted.unread.as_ref())
            .map(|unfit| (unfit.code, unfit.declined.message.clone())),
        unknown_names: interpreted.statements.iter().flat_map(|statement| statement.unknown_names.clone()).collect(),
        outputs: foresee(sql, &snapshot.catalog).unwrap_or_default(),
        operation: interpreted.operation.clone(),
    })
}
