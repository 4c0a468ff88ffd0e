//! What a COPY says about the data that it moves: the direction, where the rows come from, the form they have.
//!
//! COPY has no RowDescription. What its columns hold is learned by having the target describe a SELECT with the same
//! columns ([`CopyOut::describing`]); how its rows are written is told by its options ([`CopyFormat`]).

use std::borrow::Cow;

use model::{Field, Part};
use pg_query::protobuf::Token;

use crate::analyse::copied_into;
use crate::catalog::Catalog;
use crate::read::read;
use crate::settings::is_safe_encoding;
use crate::tree::{Node, Tree};

/// A COPY between the target and the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyStatement {
    /// COPY … FROM STDIN.
    In(CopyIn),
    /// COPY … TO STDOUT.
    Out(CopyOut),
}

/// Where the data of a COPY … FROM STDIN go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyIn {
    /// The classified column that each column of the data goes into, in order, with the oid of its type (0 if it is not known); `None`
    /// for one that is not classified.
    pub fields: Vec<Option<(Field, u32)>>,
    /// The columns that are not, each with its place among the columns of the data. Where the name may mean several tables, those of all.
    pub plain: Vec<(usize, PlainInto)>,
    /// How rows are written.
    pub format: CopyFormat,
    /// The encoding in which they come, if it says so. Else that is the session's when it begins.
    pub encoding: Option<String>,
}

/// A column that is not classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainInto {
    /// The table.
    pub part: Part,
    /// The column.
    pub column: String,
    /// The type of the column, by its oid.
    pub type_oid: u32,
}

impl CopyIn {
    /// Whether any of it goes into a classified column.
    pub fn is_classified(&self) -> bool {
        self.fields.iter().any(Option::is_some)
    }
}

/// What a COPY … TO STDOUT writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOut {
    /// A text that returns the columns of [`Self::source`], to be described by the target and never to be run. Not there
    /// if it could not be made for certain.
    pub describing: Option<String>,
    /// Which of the described columns are written.
    pub source: CopySource,
    /// How rows are written.
    pub format: CopyFormat,
}

/// Which of the described columns are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopySource {
    /// All, in order: it copies a query.
    Query,
    /// It copies a table: all columns but the generated ones.
    Table,
    /// It copies these columns of a table, in this order.
    Columns(Vec<String>),
}

/// How rows are written (the manual's page of COPY, "File Formats").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyFormat {
    /// `text`.
    Text {
        /// Between two columns.
        delimiter: u8,
        /// What stands for NULL.
        null: String,
        /// Whether the first line names the columns.
        header: bool,
    },
    /// `csv`.
    Csv {
        /// Between two columns.
        delimiter: u8,
        /// What stands for NULL, without quotes.
        null: String,
        /// Whether the first line names the columns.
        header: bool,
        /// Around a value that could be misread.
        quote: u8,
        /// Before a quote in such a value.
        escape: u8,
        /// Columns whose values are always quoted.
        force_quote: ForceQuote,
    },
    /// `binary`.
    Binary,
    /// It can't be told, for this reason: rows can be passed on, and not be masked.
    Unknown(String),
}

/// Columns whose values are always quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForceQuote {
    /// All.
    All,
    /// These.
    Columns(Vec<String>),
}

impl ForceQuote {
    /// Whether a column's values are.
    pub fn covers(&self, column: &str) -> bool {
        match self {
            Self::All => true,
            Self::Columns(columns) => columns.iter().any(|name| name == column),
        }
    }
}

/// What a CopyStmt is, if it moves data between the target and the caller. `sql` is the text that it stands in, from
/// `start` on.
pub(crate) fn copy_statement(node: &Node, sql: &str, start: usize, catalog: &Catalog) -> Option<CopyStatement> {
    if node.has("is_program") || node.has("filename") {
        return None;
    }
    if node.has("is_from") {
        let ((fields, plain), format) = (copied_into(node, catalog), format(node.get("options"), true));
        let mut options = node.get("options").list().iter().filter_map(Tree::node);
        let encoding = options.find(|option| option.text("defname") == "encoding");
        let encoding = encoding.map(|option| option.get("arg").text().to_owned());
        return Some(CopyStatement::In(CopyIn { fields, plain, format, encoding }));
    }
    let columns: Vec<String> = node.get("attlist").list().iter().map(|name| name.text().to_owned()).collect();
    let (describing, source) = if node.has("query") {
        (query(node, sql, start), CopySource::Query)
    } else {
        let source = if columns.is_empty() { CopySource::Table } else { CopySource::Columns(columns) };
        (node.get("relation").node().map(table), source)
    };
    Some(CopyStatement::Out(CopyOut { describing, source, format: format(node.get("options"), false) }))
}

/// A text that returns all columns of a table.
fn table(relation: &Node) -> String {
    let names = ["catalogname", "schemaname", "relname"].map(|part| relation.text(part));
    let quoted = names.iter().filter(|name| !name.is_empty()).map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
    format!("SELECT * FROM ONLY {}", quoted.collect::<Vec<_>>().join("."))
}

/// The query in a COPY, at the place where it stands, so that positions in errors are right. It is only taken if it reads
/// as the very same tree.
fn query(node: &Node, sql: &str, start: usize) -> Option<String> {
    let text = sql.get(start..)?;
    let scanned = pg_query::scan(text).ok()?;
    let is = |token: i32, wanted: Token| token == i32::from(wanted);
    let mut tokens = (scanned.tokens.iter())
        .filter(|token| !is(token.token, Token::CComment) && !is(token.token, Token::SqlComment))
        .skip_while(|token| !is(token.token, Token::Copy))
        .skip(1);
    let open = tokens.next().filter(|token| is(token.token, Token::Ascii40))?;
    let mut depth = 1_usize;
    let close = tokens.find(|token| {
        if is(token.token, Token::Ascii40) {
            depth = depth.saturating_add(1);
        } else if is(token.token, Token::Ascii41) {
            depth = depth.saturating_sub(1);
        }
        depth == 0
    })?;
    let from = start.checked_add(usize::try_from(open.end).ok()?)?;
    let to = start.checked_add(usize::try_from(close.start).ok()?)?;
    let query = format!("{}{}", " ".repeat(from), sql.get(from..to)?);
    let read = read(&query).ok()?;
    let [statement] = read.as_slice() else { return None };
    (Tree::of(&statement.stmt).ok()? == *node.get("query")).then_some(query)
}

/// The form of the rows, by the options of the statement. The server refuses what is contradictory in them.
fn format(options: &Tree, is_from: bool) -> CopyFormat {
    let options: Vec<&Node> = options.list().iter().filter_map(Tree::node).collect();
    let option = |name: &str| options.iter().find(|option| option.text("defname") == name).map(|node| node.get("arg"));
    if let Some(encoding) = option("encoding").map(Tree::text)
        && !is_safe_encoding(encoding)
    {
        return CopyFormat::Unknown(format!("the encoding \"{encoding}\" is one that Weir does not read"));
    }
    let kind = option("format").map_or("text", Tree::text);
    let is_csv = match kind {
        "text" => false,
        "csv" => true,
        "binary" => return CopyFormat::Binary,
        other => return CopyFormat::Unknown(format!("the format \"{other}\" is one that Weir does not read")),
    };
    // What the server compares with is in its own encoding by then, and what comes is in the client's.
    if is_from
        && MARKERS
            .iter()
            .filter_map(|marker| option(marker))
            .any(|value| !word(value).is_some_and(|word| word.is_ascii()))
    {
        return CopyFormat::Unknown("a NULL marker, delimiter, quote, escape or DEFAULT is not plain ASCII".to_owned());
    }
    let byte = |name: &str, default: u8| match option(name) {
        None => Some(default),
        Some(text) => word(text).and_then(|text| <[u8; 1]>::try_from(text.as_bytes()).ok()).map(|[byte]| byte),
    };
    let Some(null) = option("null").map_or(Some(if is_csv { "" } else { "\\N" }.into()), word) else {
        return CopyFormat::Unknown("the NULL marker is no text".to_owned());
    };
    let null = null.into_owned();
    let (delimiter, quote) = (byte("delimiter", if is_csv { b',' } else { b'\t' }), byte("quote", b'"'));
    let escape = byte("escape", quote.unwrap_or_default());
    let (Some(delimiter), Some(quote), Some(escape)) = (delimiter, quote, escape) else {
        return CopyFormat::Unknown("a delimiter, quote or escape is not one byte".to_owned());
    };
    // The server takes such a quote, and then the end of each row reads as the beginning of a quoted value.
    if [delimiter, quote, escape].iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return CopyFormat::Unknown("a delimiter, quote or escape is the end of a line".to_owned());
    }
    // In what stands behind a backslash (`\x4A`) the server looks for no delimiter.
    if is_from && !is_csv && delimiter.is_ascii_alphanumeric() {
        return CopyFormat::Unknown(
            "a delimiter is a letter or digit, which a backslash before it makes another".to_owned(),
        );
    }
    let is_matched = |header: &Tree| is_from && header.text().eq_ignore_ascii_case("match");
    let is_header = |header: &Tree| if is_matched(header) { Some(true) } else { truth(header) };
    let Some(header) = option("header").map_or(Some(false), is_header) else {
        return CopyFormat::Unknown("it can't be told whether there is a header".to_owned());
    };
    if !is_csv {
        return CopyFormat::Text { delimiter, null, header };
    }
    let force_quote = match option("force_quote") {
        Some(star) if star.as_kind("AStar").is_some() => ForceQuote::All,
        Some(list) => ForceQuote::Columns(list.list().iter().map(|name| name.text().to_owned()).collect()),
        None => ForceQuote::Columns(Vec::new()),
    };
    CopyFormat::Csv { delimiter, null, header, quote, escape, force_quote }
}

/// Options that stand for something in the data.
const MARKERS: [&str; 5] = ["null", "delimiter", "quote", "escape", "default"];

/// The text of an option, as the server makes it of a string or a number (`defGetString`); nothing of what is neither.
fn word(value: &Tree) -> Option<Cow<'_, str>> {
    let node = value.node()?;
    match node.kind {
        "String" => Some(value.text().into()),
        "Integer" => Some(node.int("ival").to_string().into()),
        "Float" => Some(node.text("fval").into()),
        _ => None,
    }
}

/// An option that is on or off, as the server reads it (`defGetCopyHeaderChoice`); nothing for what is neither.
fn truth(value: &Tree) -> Option<bool> {
    match value.node() {
        None => Some(true),
        Some(node) if node.kind == "Boolean" => Some(node.has("boolval")),
        Some(node) if node.kind == "Integer" => match node.int("ival") {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Some(_) => match value.text().to_ascii_lowercase().as_str() {
            "true" | "on" => Some(true),
            "false" | "off" => Some(false),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(sql: &str) -> CopyStatement {
        let raw = read(sql).unwrap();
        let last = raw.last().unwrap();
        let tree = Tree::of(&last.stmt).unwrap();
        let start = usize::try_from(last.stmt_location).unwrap();
        copy_statement(tree.node().unwrap(), sql, start, &Catalog::default()).unwrap()
    }

    fn out(sql: &str) -> CopyOut {
        match copy(sql) {
            CopyStatement::Out(out) => out,
            CopyStatement::In(_) => panic!("{sql} is in"),
        }
    }

    #[test]
    fn what_is_described_has_the_columns_of_what_is_copied() {
        let described = |sql: &str| (out(sql).describing.unwrap().trim_start().to_owned(), out(sql).source);
        assert_eq!(described("COPY t TO STDOUT"), ("SELECT * FROM ONLY \"t\"".to_owned(), CopySource::Table));
        assert_eq!(
            described("copy \"S\".\"a\"\"b\" (y, \"X\") to stdout"),
            (
                "SELECT * FROM ONLY \"S\".\"a\"\"b\"".to_owned(),
                CopySource::Columns(vec!["y".to_owned(), "X".to_owned()])
            )
        );
        for query in [
            "SELECT ssn FROM t",
            "SELECT ')', \")\", $q$)$q$ FROM t -- )\n ",
            "(SELECT 1 /* ( */)",
            "WITH x AS (SELECT (1)) TABLE x",
            "VALUES (1, 'é')",
            "DELETE FROM t RETURNING (id)",
        ] {
            for (before, after) in
                [("COPY (", ") TO STDOUT"), ("/* COPY ( */ COPY -- (\n (", ") TO STDOUT (FORMAT csv);")]
            {
                let sql = format!("{before}{query}{after}");
                let described = out(&sql).describing.unwrap();
                assert_eq!(described, format!("{}{query}", " ".repeat(before.len())), "{sql}");
            }
        }
        assert_eq!(described("SELECT 1; COPY (SELECT 2) TO STDOUT").0, "SELECT 2");
    }

    #[test]
    fn what_comes_in_has_its_own_headers() {
        let format = |options: &str| match copy(&format!("COPY t FROM STDIN {options}")) {
            CopyStatement::In(copy) => copy.format,
            CopyStatement::Out(_) => panic!("{options} is out"),
        };
        for header in ["(HEADER match)", "(HEADER 'MATCH')", "(HEADER)"] {
            assert!(matches!(format(header), CopyFormat::Text { header: true, .. }), "{header}");
        }
        for unknown in ["(HEADER 2)", "(ENCODING 'SJIS')", "(FORMAT csv, QUOTE E'\\n')"] {
            assert!(matches!(format(unknown), CopyFormat::Unknown(_)), "{unknown}");
        }
    }

    #[test]
    fn what_comes_in_is_not_read_where_a_marker_may_be_taken_otherwise() {
        let format = |options: &str| match copy(&format!("COPY t FROM STDIN {options}")) {
            CopyStatement::In(copy) => copy.format,
            CopyStatement::Out(_) => panic!("{options} is out"),
        };
        for unknown in [
            // In what stands behind \x the server looks for no delimiter.
            "(DELIMITER 'A')",
            "(DELIMITER 'N')",
            "(DELIMITER 'a')",
            "(DELIMITER '5')",
            "(DELIMITER 5)",
            "DELIMITER 'F'",
            // What is compared is in the server's encoding, and what comes is in the client's.
            "(ENCODING 'latin1', NULL '512-44-9821 é')",
            "(NULL E'512-44-9821 \\u00e9')",
            "NULL 'é'",
            "(FORMAT csv, NULL 'é')",
            "(FORMAT csv, DELIMITER 'é')",
            "(FORMAT csv, QUOTE 'é')",
            "(FORMAT csv, ESCAPE 'é')",
            "(DEFAULT 'é')",
            "(FORMAT csv, DEFAULT 'é')",
            // What is no text.
            "(NULL)",
            "(NULL (a, b))",
            "(NULL *)",
            "(DELIMITER)",
        ] {
            assert!(matches!(format(unknown), CopyFormat::Unknown(_)), "{unknown} {:?}", format(unknown));
        }
        for (number, wanted) in
            [("5", "5"), ("-5", "-5"), ("5.50", "5.50"), ("51244982100", "51244982100"), ("true", "true")]
        {
            for kind in ["text", "csv"] {
                let (CopyFormat::Text { null, .. } | CopyFormat::Csv { null, .. }) =
                    format(&format!("(FORMAT {kind}, NULL {number})"))
                else {
                    panic!("{number} is not known");
                };
                assert_eq!(null, wanted, "{kind}");
            }
        }
        assert!(matches!(format("(FORMAT csv, DELIMITER 'A')"), CopyFormat::Csv { delimiter: b'A', .. }));
        assert!(matches!(format("(FORMAT csv, DELIMITER 5)"), CopyFormat::Csv { delimiter: b'5', .. }));
        assert!(matches!(format("(DELIMITER '|', NULL '-')"), CopyFormat::Text { delimiter: b'|', .. }));
    }

    #[test]
    fn options_in_both_syntaxes() {
        let text = |delimiter, null: &str, header| CopyFormat::Text { delimiter, null: null.to_owned(), header };
        let csv = |delimiter, null: &str, header, quote, escape, force_quote| CopyFormat::Csv {
            delimiter,
            null: null.to_owned(),
            header,
            quote,
            escape,
            force_quote,
        };
        let none = || ForceQuote::Columns(Vec::new());
        for (options, wanted) in [
            ("", text(b'\t', "\\N", false)),
            ("(DELIMITER '|', NULL '', HEADER)", text(b'|', "", true)),
            ("DELIMITER AS E'\\t' NULL AS 'x'", text(b'\t', "x", false)),
            ("(FORMAT csv)", csv(b',', "", false, b'"', b'"', none())),
            ("CSV HEADER", csv(b',', "", true, b'"', b'"', none())),
            ("(FORMAT csv, HEADER off, QUOTE '''')", csv(b',', "", false, b'\'', b'\'', none())),
            (
                "(FORMAT csv, HEADER 1, ESCAPE E'\\\\', FORCE_QUOTE *)",
                csv(b',', "", true, b'"', b'\\', ForceQuote::All),
            ),
            (
                "CSV FORCE QUOTE a, \"B\"",
                csv(b',', "", false, b'"', b'"', ForceQuote::Columns(vec!["a".to_owned(), "B".to_owned()])),
            ),
            ("(FORMAT binary)", CopyFormat::Binary),
            ("(ENCODING 'latin1')", text(b'\t', "\\N", false)),
        ] {
            assert_eq!(out(&format!("COPY t TO STDOUT {options}")).format, wanted, "{options}");
        }
        assert_eq!(out("COPY BINARY t TO STDOUT").format, CopyFormat::Binary);
        for options in [
            "(ENCODING 'SJIS')",
            "(FORMAT 'json')",
            "(FORMAT 'CSV')",
            "(DELIMITER 'ab')",
            "(HEADER maybe)",
            "(HEADER 2)",
            "(FORMAT csv, HEADER match)",
            "(FORMAT csv, QUOTE '')",
            "(FORMAT csv, QUOTE E'\\n')",
            "(FORMAT csv, ESCAPE E'\\r')",
        ] {
            let format = out(&format!("COPY t TO STDOUT {options}")).format;
            assert!(matches!(format, CopyFormat::Unknown(_)), "{options}: {format:?}");
        }
    }
}
