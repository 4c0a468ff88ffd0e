//! Weir's own connection to a database, on which its catalog is read.

use gate::Credentials;
use sql_postgres::{CATALOG_QUERIES, CatalogRows, OWN_CATALOG_QUERIES};

use crate::own_connection::OwnConnection;
use crate::target::{TargetDown, TargetSettings};
use crate::wire::Malformed;
use crate::wire::backend::{self, Report};

/// The longest row of a catalog query.
const ROW_BYTES_MAX: usize = 1024 * 1024;
/// What the queries run in. None of them waits for a lock on a user's table; what they could wait for is one on the catalog's
/// own tables, and not for long.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL lock_timeout = 2000";
/// Rows that a catalog may have in all.
pub const ROWS_MAX: usize = 5_000_000;

/// A connection that is ready for queries.
#[derive(Debug)]
pub struct Connection {
    connection: OwnConnection,
    /// What PostgreSQL itself brings on this server.
    own: CatalogRows,
}

impl Connection {
    /// Logs in.
    pub async fn open(
        target: &TargetSettings,
        database: &str,
        credentials: &dyn Credentials,
    ) -> Result<Self, TargetDown> {
        let connection = OwnConnection::open(target, database, "weir catalog", ROW_BYTES_MAX, credentials).await?;
        let mut connection = Self { connection, own: CatalogRows::default() };
        connection.own = connection.ask(OWN_CATALOG_QUERIES, CatalogRows::default()).await?;
        Ok(connection)
    }

    /// What PostgreSQL itself brings on this server.
    pub fn own(&self) -> &CatalogRows {
        &self.own
    }

    /// Reads the catalog.
    pub async fn read(&mut self) -> Result<CatalogRows, TargetDown> {
        let own = self.own.clone();
        self.ask(CATALOG_QUERIES, own).await
    }

    /// Runs these queries in one snapshot of the database, and adds their rows.
    async fn ask(&mut self, asked: &[(&str, &str)], mut rows: CatalogRows) -> Result<CatalogRows, TargetDown> {
        let asked = || std::iter::once(&("begin", BEGIN)).chain(asked).chain(std::iter::once(&("end", "COMMIT")));
        self.connection.send(asked().map(|(_, sql)| *sql)).await?;
        let mut left = ROWS_MAX;
        for (name, _) in asked() {
            while self.take_message(name, &mut rows, &mut left).await? {}
        }
        Ok(rows)
    }

    /// Says goodbye.
    pub async fn close(self) {
        self.connection.close().await;
    }

    /// Takes one message of the answer to a query. Whether there are more.
    async fn take_message(
        &mut self,
        query: &str,
        rows: &mut CatalogRows,
        left: &mut usize,
    ) -> Result<bool, TargetDown> {
        let (kind, message) = self.connection.message().await?;
        let body = self.connection.body(message.clone());
        match kind {
            b'D' => {
                *left = left.checked_sub(1).ok_or_else(|| Malformed::new("the catalog has too many rows"))?;
                let row =
                    backend::text_row(body).map_err(|wrong| Malformed(format!("catalog query {query}: {wrong}")))?;
                rows.add(query, &row).map_err(|why| Malformed(format!("catalog query {query}: {why}")))?;
            }
            b'E' => return Err(TargetDown::Refused(Report::read(body)?)),
            b'T' | b'C' | b'N' | b'S' | b'Z' => {}
            other => {
                let kind = char::from(other).escape_default();
                return Err(Malformed(format!("catalog query {query}: a message of type '{kind}'")).into());
            }
        }
        self.connection.consume(message);
        Ok(kind != b'Z')
    }
}
