//! Samples of a target's tables, for `weir discover`: which tables there are, and some rows of each.
//!
//! They are read with Weir's own login, a table in a transaction of its own that can't write and ends soon. What is in the cells goes
//! to who asked, and nowhere else: no error repeats it.

mod queries;

use std::sync::Arc;
use std::time::Duration;

use gate::Credentials;
use sql_postgres::Catalog;
use tokio::time::timeout;

use crate::catalog::AllCatalogs;
use crate::own_connection::OwnConnection;
use crate::target::{TargetDown, TargetSettings};
use crate::wire::Malformed;
use crate::wire::backend::{self, Report};
use crate::wire::frame::FRAME_BYTES_MAX;

/// How long a target may take for one sample beyond what its own limit is.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection on which tables are sampled.
#[derive(Debug)]
pub struct Sampler {
    connection: OwnConnection,
    catalog: Arc<Catalog>,
}

/// A table that users have made, or a view.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledTable {
    /// Its oid.
    pub oid: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<SampledColumn>,
    /// Why no rows of it are read.
    pub skipped: Option<Skipped>,
    /// How many rows and pages it has, as the target last counted.
    size: Option<(f64, f64)>,
}

/// A column of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampledColumn {
    /// Its name.
    pub name: String,
    /// Why its cells are not read.
    pub skipped: Option<Skipped>,
    /// How they are.
    form: queries::Form,
}

/// Why something is not looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skipped {
    /// It has a class.
    Classified,
    /// Values of its type hold no text that is looked for: numbers with a point, moments, truths.
    Type,
    /// Weir's role may not read it.
    NotPermitted,
    /// It is a view: what it shows is other tables'.
    View,
    /// It is on another server.
    Foreign,
    /// It is a partition, and read with the table that it is part of.
    Partition,
    /// No column of it is to be read.
    NoColumn,
    /// Somebody holds a lock on it.
    Locked,
    /// Reading it took too long.
    TooLong,
    /// Rows of it are hidden from Weir's role by the target.
    RowSecurity,
    /// The target refuses it, with this SQLSTATE.
    Refused(String),
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Classified => "classified already",
            Self::Type => "of a type that holds no text",
            Self::NotPermitted => "Weir's role may not read it",
            Self::View => "a view: what it shows is other tables'",
            Self::Foreign => "on another server",
            Self::Partition => "a partition: it is looked at with the table that it is part of",
            Self::NoColumn => "no column of it is to be looked at",
            Self::Locked => "locked by somebody",
            Self::TooLong => "reading it took too long",
            Self::RowSecurity => "row security hides rows of it from Weir's role",
            Self::Refused(code) => return write!(f, "the target refuses to read it (SQLSTATE {code})"),
        })
    }
}

impl Sampler {
    /// Logs in, and reads the catalog.
    pub async fn open(
        target: TargetSettings,
        database: Option<&str>,
        credentials: &dyn Credentials,
    ) -> Result<Self, TargetDown> {
        let target = Arc::new(target);
        let database = database.unwrap_or(&target.database).to_owned();
        let catalog = AllCatalogs::default().of(&target, &database).refresh(None, credentials).await?.catalog.clone();
        let connection = OwnConnection::open(&target, &database, "weir discover", FRAME_BYTES_MAX, credentials).await?;
        Ok(Self { connection, catalog })
    }

    /// All tables and views of users, by name.
    pub async fn tables(&mut self) -> Result<Vec<SampledTable>, TargetDown> {
        let mut tables: Vec<SampledTable> = Vec::new();
        let catalog = Arc::clone(&self.catalog);
        let refused = self
            .ask(&[queries::TABLES], |cells| {
                let row = queries::Row::read(cells).ok_or_else(|| Malformed::new("a table has no name or number"))?;
                match tables.last_mut().filter(|table| table.oid == row.oid) {
                    Some(table) => table.columns.extend(row.column(&catalog)),
                    None => tables.push(row.table(&catalog)),
                }
                Ok(())
            })
            .await?;
        if let Some(report) = refused {
            return Err(TargetDown::Refused(report));
        }
        for table in &mut tables {
            if table.skipped.is_none() && table.columns.iter().all(|column| column.skipped.is_some()) {
                table.skipped = Some(Skipped::NoColumn);
            }
        }
        Ok(tables)
    }

    /// Reads up to so many rows of a table, and gives each cell that is to be looked at, with the number of its column from 0. How
    /// many rows there were, or why there are none.
    pub async fn sample(
        &mut self,
        table: &SampledTable,
        rows_max: u32,
        mut cell: impl FnMut(usize, &[u8]),
    ) -> Result<Result<u64, Skipped>, TargetDown> {
        if let Some(why) = &table.skipped {
            return Ok(Err(why.clone()));
        }
        let columns: Vec<usize> =
            (0..).zip(&table.columns).filter(|(_, column)| column.skipped.is_none()).map(|(at, _)| at).collect();
        let mut rows = 0_u64;
        // Pages are picked by chance, and it may be that none is.
        for select in queries::samples(table, rows_max) {
            let texts = [queries::BEGIN, &select, "COMMIT"];
            let refused = self
                .ask(&texts, |cells| {
                    rows = rows.saturating_add(1);
                    for (at, bytes) in columns.iter().zip(cells) {
                        if let (Some(bytes), Some(column)) = (bytes, table.columns.get(*at)) {
                            column.form.read(bytes, |bytes| cell(*at, bytes));
                        }
                    }
                    Ok(())
                })
                .await?;
            match refused {
                Some(report) => return Ok(Err(why(&report))),
                None if rows > 0 => break,
                None => {}
            }
        }
        Ok(Ok(rows))
    }

    /// Says goodbye.
    pub async fn close(self) {
        self.connection.close().await;
    }

    /// Runs these texts, one after the other, and gives each row of all of them. The first error that the target tells, if it does.
    async fn ask(
        &mut self,
        texts: &[&str],
        mut row: impl FnMut(&[Option<&[u8]>]) -> Result<(), Malformed>,
    ) -> Result<Option<Report>, TargetDown> {
        self.connection.send(texts.iter().copied()).await?;
        let (mut left, mut refused) = (texts.len(), None);
        let limit = queries::TIME_MAX.saturating_add(PATIENCE);
        while left > 0 {
            let next = timeout(limit, self.connection.message()).await;
            let (kind, message) = next.unwrap_or_else(|_| Err(TargetDown::TimedOut("the target".to_owned(), limit)))?;
            let body = self.connection.body(message.clone());
            match kind {
                b'D' => {
                    let mut cells = backend::data_row(body)?;
                    let mut all = Vec::with_capacity(cells.left());
                    while cells.left() > 0 {
                        all.push(cells.next_cell()?);
                    }
                    row(&all)?;
                }
                b'E' if refused.is_none() => refused = Some(Report::read(body)?),
                b'Z' => left = left.saturating_sub(1),
                b'T' | b'C' | b'N' | b'S' | b'E' => {}
                other => {
                    let kind = char::from(other).escape_default();
                    return Err(Malformed(format!("a message of type '{kind}' in answer to a query")).into());
                }
            }
            self.connection.consume(message);
        }
        Ok(refused)
    }
}

/// What an error comes to. Its text is not repeated: there may be a value in it.
fn why(report: &Report) -> Skipped {
    match report.sqlstate() {
        "57014" => Skipped::TooLong,
        "55P03" => Skipped::Locked,
        // Both are insufficient_privilege; what the row_security setting refuses names itself.
        "42501" if report.field(b'M').is_some_and(|text| text.contains("row-level security")) => Skipped::RowSecurity,
        "42501" => Skipped::NotPermitted,
        other => Skipped::Refused(other.to_owned()),
    }
}
