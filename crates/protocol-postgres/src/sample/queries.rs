//! What is asked to sample tables, and how the answers are read.
//!
//! Names in it are qualified, so that nothing in the target's `search_path` is run in place of PostgreSQL's own.

use std::time::Duration;

use sql_postgres::Catalog;

use super::{SampledColumn, SampledTable, Skipped};

/// The longest that reading one sample may take the target.
pub const TIME_MAX: Duration = Duration::from_secs(10);
/// What a sample is read in. With `row_security` off the target says so where it would hide rows.
pub const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY; SET LOCAL statement_timeout = 10000; \
    SET LOCAL lock_timeout = 2000; SET LOCAL row_security = off; SET LOCAL datestyle = 'ISO'";
/// Characters that are looked at of one cell, at most, and at least where a table has many columns.
const CELL_CHARS: (usize, usize) = (256, 8192);
/// Characters that are looked at of one row.
const ROW_CHARS_MAX: usize = 1024 * 1024;
/// Cells that are longer as they are stored are not fetched.
const STORED_BYTES_MAX: u32 = 1024 * 1024;
/// Pages that are picked at least, so that a sample is not all of one place.
const PAGES_MIN: f64 = 8.0;
/// A table of which that much of a hundred would be picked is read from its beginning.
const PICKED_MAX: f64 = 50.0;

/// Every column of every table and view that users have made, with the oid of its type: of text for one that is text by another name,
/// as citext is, and that of what it is over for a domain, also one over another domain. A table without columns has a row without one.
pub const TABLES: &str = "WITH RECURSIVE domains(domain, base) AS (SELECT d.oid, b.oid FROM pg_catalog.pg_type AS d \
    JOIN pg_catalog.pg_type AS b ON b.oid OPERATOR(pg_catalog.=) d.typbasetype \
    WHERE d.typtype OPERATOR(pg_catalog.=) 'd'::pg_catalog.\"char\" AND b.typtype OPERATOR(pg_catalog.<>) 'd'::pg_catalog.\"char\" \
    UNION ALL SELECT d.oid, b.base FROM pg_catalog.pg_type AS d \
    JOIN domains AS b ON b.domain OPERATOR(pg_catalog.=) d.typbasetype) SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.reltuples, c.relpages, \
    pg_catalog.has_schema_privilege(n.oid, 'USAGE'), a.attnum, a.attname, \
    CASE WHEN b.typcategory OPERATOR(pg_catalog.=) 'A'::pg_catalog.\"char\" THEN b.typelem \
    WHEN EXISTS (SELECT FROM pg_catalog.pg_cast AS x WHERE x.castsource OPERATOR(pg_catalog.=) b.oid \
    AND x.casttarget OPERATOR(pg_catalog.=) 25::pg_catalog.oid AND x.castmethod OPERATOR(pg_catalog.=) 'b'::pg_catalog.\"char\") \
    THEN 25::pg_catalog.oid ELSE b.oid END, \
    pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT') \
    FROM pg_catalog.pg_class AS c \
    JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) c.oid \
    AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT a.attisdropped \
    LEFT JOIN domains AS d ON d.domain OPERATOR(pg_catalog.=) a.atttypid \
    LEFT JOIN pg_catalog.pg_type AS b ON b.oid OPERATOR(pg_catalog.=) COALESCE(d.base, a.atttypid) \
    WHERE c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid \
    AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m,v,f}'::pg_catalog.\"char\"[]) \
    AND c.relpersistence OPERATOR(pg_catalog.<>) 't'::pg_catalog.\"char\" \
    ORDER BY n.nspname USING OPERATOR(pg_catalog.<), c.relname USING OPERATOR(pg_catalog.<), a.attnum USING OPERATOR(pg_catalog.<)";

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As text.
    Text,
    /// As bytes, which come in hexadecimal digits.
    Bytes,
    /// Not at all.
    None,
}

impl Form {
    /// That of a type by its oid, or of an array of it.
    fn of(type_oid: u32) -> Self {
        match type_oid {
            17 => Self::Bytes,
            // int8, name, int4, text, json, xml, cidr, macaddr8, macaddr, inet, bpchar, varchar, date, numeric, jsonb
            20 | 19 | 23 | 25 | 114 | 142 | 650 | 774 | 829 | 869 | 1042 | 1043 | 1082 | 1700 | 3802 => Self::Text,
            _ => Self::None,
        }
    }

    /// Gives what a cell holds.
    pub fn read(self, cell: &[u8], mut found: impl FnMut(&[u8])) {
        match self {
            Self::Text => found(cell),
            Self::Bytes => found(&unhexed(cell)),
            Self::None => {}
        }
    }
}

/// Bytes of their hexadecimal digits.
fn unhexed(digits: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    let pairs = digits.chunks_exact(2);
    pairs.filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(|[high, low]| digit(high) << 4 | digit(low)).collect()
}

/// A row of [`TABLES`].
pub struct Row<'a> {
    /// The table's oid.
    pub oid: u32,
    schema: &'a str,
    name: &'a str,
    kind: &'a str,
    is_partition: bool,
    size: Option<(f64, f64)>,
    schema_is_open: bool,
    column: Option<RowColumn<'a>>,
}

struct RowColumn<'a> {
    number: i16,
    name: &'a str,
    type_oid: u32,
    is_open: bool,
}

impl<'a> Row<'a> {
    /// Of its cells.
    pub fn read(cells: &[Option<&'a [u8]>]) -> Option<Self> {
        let text = |at: usize| cells.get(at).copied().flatten().and_then(|cell| std::str::from_utf8(cell).ok());
        let is = |at: usize| text(at) == Some("t");
        let positive = |at: usize| text(at)?.parse::<f64>().ok().filter(|number| *number > 0.0);
        let column = text(8).and_then(|number| number.parse().ok()).and_then(|number| {
            Some(RowColumn {
                number,
                name: text(9)?,
                type_oid: text(10).and_then(|oid| oid.parse().ok()).unwrap_or(0),
                is_open: is(11),
            })
        });
        Some(Self {
            oid: text(0)?.parse().ok()?,
            schema: text(1)?,
            name: text(2)?,
            kind: text(3)?,
            is_partition: is(4),
            size: positive(5).zip(positive(6)),
            schema_is_open: is(7),
            column,
        })
    }

    /// The table that it is of, with its first column.
    pub fn table(self, catalog: &Catalog) -> SampledTable {
        let skipped = match self.kind {
            "v" => Some(Skipped::View),
            "f" => Some(Skipped::Foreign),
            _ if self.is_partition => Some(Skipped::Partition),
            _ if !self.schema_is_open => Some(Skipped::NotPermitted),
            _ => None,
        };
        let (schema, name) = (self.schema.to_owned(), self.name.to_owned());
        let columns = self.column(catalog).into_iter().collect();
        SampledTable { oid: self.oid, schema, name, columns, skipped, size: self.size }
    }

    /// The column that it is of.
    pub fn column(&self, catalog: &Catalog) -> Option<SampledColumn> {
        let column = self.column.as_ref()?;
        // The class of all that nobody has classified says nothing of them.
        let class = catalog.column(self.oid, column.number).and_then(|known| known.class.as_ref());
        let is_classified = class.is_some_and(|class| class.as_str() != "unclassified");
        let form = Form::of(column.type_oid);
        let skipped = match form {
            _ if is_classified => Some(Skipped::Classified),
            Form::None => Some(Skipped::Type),
            _ if !column.is_open => Some(Skipped::NotPermitted),
            _ => None,
        };
        Some(SampledColumn { name: column.name.to_owned(), skipped, form })
    }
}

/// What reads a sample of a table: the first that gives a row does.
pub fn samples(table: &SampledTable, rows_max: u32) -> Vec<String> {
    let columns: Vec<&SampledColumn> = table.columns.iter().filter(|column| column.skipped.is_none()).collect();
    let (least, most) = CELL_CHARS;
    let chars = ROW_CHARS_MAX.checked_div(columns.len()).unwrap_or(most).clamp(least, most);
    let cells: Vec<String> = columns.iter().map(|column| cell(column, chars)).collect();
    let from = format!("{}.{}", quoted(&table.schema), quoted(&table.name));
    let select = |picked: &str| format!("SELECT {} FROM {from}{picked} LIMIT {rows_max}", cells.join(", "));
    let part = table.size.map(|(rows, pages)| 100.0 * (1.2 * f64::from(rows_max) / rows).max(PAGES_MIN / pages));
    let picked = part
        .filter(|part| *part < PICKED_MAX)
        .map(|part| select(&format!(" TABLESAMPLE SYSTEM ({part:.6}) REPEATABLE (1)")));
    picked.into_iter().chain([select("")]).collect()
}

fn cell(column: &SampledColumn, chars: usize) -> String {
    let name = quoted(&column.name);
    let value = match column.form {
        Form::Bytes => format!("pg_catalog.encode(pg_catalog.substr({name}, 1, {chars}), 'hex')"),
        _ => format!("pg_catalog.\"left\"({name}::pg_catalog.text, {chars})"),
    };
    format!("CASE WHEN pg_catalog.pg_column_size({name}) OPERATOR(pg_catalog.<=) {STORED_BYTES_MAX} THEN {value} END")
}

/// A name as it stands in a text of SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(size: Option<(f64, f64)>) -> SampledTable {
        let column = |name: &str, form, skipped| SampledColumn { name: name.to_owned(), skipped, form };
        let columns = vec![
            column("a\"b", Form::Text, None),
            column("seen", Form::Text, Some(Skipped::Classified)),
            column("raw", Form::Bytes, None),
        ];
        SampledTable { oid: 20_000, schema: "s".to_owned(), name: "t".to_owned(), columns, skipped: None, size }
    }

    #[test]
    fn a_large_table_is_sampled_by_chance_and_else_from_its_beginning() {
        let all = samples(&table(Some((1e6, 1e4))), 1000);
        assert!(
            all[0].ends_with(" FROM \"s\".\"t\" TABLESAMPLE SYSTEM (0.120000) REPEATABLE (1) LIMIT 1000"),
            "{}",
            all[0]
        );
        assert!(all[1].ends_with(" FROM \"s\".\"t\" LIMIT 1000"), "{}", all[1]);
        assert!(all[1].contains("\"left\"(\"a\"\"b\"::pg_catalog.text, 8192) END, ") && !all[1].contains("seen"));
        // Few pages: not all of one place.
        assert!(samples(&table(Some((1e6, 100.0))), 1000)[0].contains("SYSTEM (8.000000)"));
        for size in [None, Some((1000.0, 10.0)), Some((2000.0, 1000.0))] {
            assert_eq!(samples(&table(size), 1000).len(), 1, "{size:?}");
        }
    }

    #[test]
    fn bytes_are_read_of_their_digits() {
        let read = |form: Form, cell: &[u8]| {
            let mut all = Vec::new();
            form.read(cell, |bytes| all.push(bytes.to_vec()));
            all
        };
        assert_eq!(read(Form::Bytes, b"00ffA0"), [vec![0, 255, 160]]);
        assert_eq!(read(Form::Text, b"00ff"), [b"00ff".to_vec()]);
        assert!(read(Form::None, b"x").is_empty());
    }
}
