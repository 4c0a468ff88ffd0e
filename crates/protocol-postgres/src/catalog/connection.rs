//! Weir's own connection to a database, on which its catalog is read.

use std::ops::Range;

use gate::Credentials;
use sql_postgres::{CATALOG_QUERIES, CatalogRows, OWN_CATALOG_QUERIES};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::stream::Stream;
use crate::target::{TargetDown, TargetSettings};
use crate::wire::backend::{self, Report};
use crate::wire::frame::{HEAD_BYTES, Head, Inbox};
use crate::wire::{Malformed, build};

/// Bytes taken from the socket at once. A catalog has thousands of short rows.
const READ_BYTES: usize = 64 * 1024;
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
    stream: Stream,
    inbox: Inbox,
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
        let settings = [("client_encoding", "UTF8"), ("application_name", "weir catalog")];
        let settings: Vec<_> = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let stream = target.connect(database, &settings, credentials).await?.stream;
        let mut connection = Self { stream, inbox: Inbox::default(), own: CatalogRows::default() };
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

    /// Runs these queries in one snapshot of the database, and adds their rows. All go at once: each that waited for the one
    /// before would cost its way there and back.
    async fn ask(&mut self, asked: &[(&str, &str)], mut rows: CatalogRows) -> Result<CatalogRows, TargetDown> {
        let asked = || std::iter::once(&("begin", BEGIN)).chain(asked).chain(std::iter::once(&("end", "COMMIT")));
        let mut queries = Vec::new();
        for (_, sql) in asked() {
            build::frame(&mut queries, b'Q', |out| build::cstr(out, sql.as_bytes()));
        }
        self.stream.write_all(&queries).await.map_err(TargetDown::Lost)?;
        self.stream.flush().await.map_err(TargetDown::Lost)?;
        let mut left = ROWS_MAX;
        let mut buffer = vec![0; READ_BYTES];
        for (name, _) in asked() {
            while self.take_frame(name, &mut rows, &mut left, &mut buffer).await? {}
        }
        Ok(rows)
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let mut goodbye = Vec::new();
        build::frame(&mut goodbye, b'X', |_| ());
        let _ = self.stream.write_all(&goodbye).await;
        let _ = self.stream.flush().await;
    }

    /// Takes one frame of the answer to a query. Whether there are more.
    async fn take_frame(
        &mut self,
        query: &str,
        rows: &mut CatalogRows,
        left: &mut usize,
        buffer: &mut [u8],
    ) -> Result<bool, TargetDown> {
        let (kind, frame) = self.frame(buffer).await?;
        let body = self.inbox.get(frame.start.saturating_add(HEAD_BYTES)..frame.end);
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
        self.inbox.consume(frame.end);
        Ok(kind != b'Z')
    }

    /// Waits until the inbox begins with a whole frame: its type, and where it is.
    async fn frame(&mut self, buffer: &mut [u8]) -> Result<(u8, Range<usize>), TargetDown> {
        loop {
            let unread = self.inbox.unread();
            if let Some(Head { kind, frame_bytes }) = Head::read(unread)? {
                if frame_bytes > ROW_BYTES_MAX {
                    return Err(Malformed(format!("a message of the catalog has {frame_bytes} bytes")).into());
                }
                if unread.len() >= frame_bytes {
                    return Ok((kind, 0..frame_bytes));
                }
            }
            let read = self.stream.read(buffer).await.map_err(TargetDown::Lost)?;
            if read == 0 {
                return Err(TargetDown::Lost(std::io::ErrorKind::UnexpectedEof.into()));
            }
            self.inbox.push(buffer.get(..read).unwrap_or_default());
        }
    }
}
