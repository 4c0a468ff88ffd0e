//! From text to trees, with limits, and with PostgreSQL's own words for what is wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pg_query::protobuf::RawStmt;

/// The longest text that is read, in bytes: what a form or a tool sends is far below it.
pub const SQL_BYTES_MAX: usize = 1024 * 1024;

/// The most parts that assignments to several columns may make of their sources: tokens, of which a long one is one for each so many bytes.
const COPIED_PARTS_MAX: usize = 500_000;
const COPIED_BYTES: usize = 32;
/// The length of a text that can't make as many.
const COPYING_BYTES_MIN: usize = 256;

/// How many places that look like the error are tried to find its position, and in texts of what length at most: each try
/// is a parse.
const POSITION_TRIES_MAX: usize = 64;
const POSITION_BYTES_MAX: usize = 16 * 1024;
/// The most parts that a try may make of an assignment.
const TRIED_PARTS_MAX: usize = 4096;

/// A text that can't be read, and so can't be decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    /// What is wrong, as PostgreSQL words it: `syntax error at or near "SELEC"`.
    pub message: String,
    /// Where, in characters from 1, when that is known.
    pub position: Option<usize>,
    /// Set when the text is beyond a limit of Weir's own (length, depth), not wrong in itself.
    pub beyond_limit: bool,
}

impl Unreadable {
    pub(crate) fn beyond(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None, beyond_limit: true }
    }
}

/// The statements of a text.
pub(crate) fn read(sql: &str) -> Result<Vec<RawStmt>, Unreadable> {
    if sql.len() > SQL_BYTES_MAX {
        let message = format!("the statement has {} bytes, and Weir reads at most {SQL_BYTES_MAX}", sql.len());
        return Err(Unreadable::beyond(message));
    }
    if copied_parts(sql).is_some_and(|parts| parts > COPIED_PARTS_MAX) {
        return Err(Unreadable::beyond(format!(
            "the statement sets so many columns at once to so long an expression that reading it would make more than {COPIED_PARTS_MAX} parts"
        )));
    }
    match parse(sql) {
        Ok(statements) => Ok(statements),
        Err(pg_query::Error::Parse(message)) => {
            // The grammar's own guards against deep nesting. They are limits, not errors in the text.
            let beyond_limit = message.contains("stack depth") || message.contains("memory exhausted");
            let position = if beyond_limit { None } else { position(sql, &message) };
            Err(Unreadable { message, position, beyond_limit })
        }
        Err(pg_query::Error::Decode(_)) => {
            Err(Unreadable::beyond("the statement is nested deeper than Weir can follow; write it flatter"))
        }
        Err(pg_query::Error::Conversion(_)) => Err(Unreadable {
            message: "the statement has a NUL byte in it".into(),
            position: None,
            beyond_limit: false,
        }),
        Err(other) => Err(Unreadable { message: other.to_string(), position: None, beyond_limit: false }),
    }
}

/// How many parts the library makes of the sources of assignments to several columns, or some that are more than are read: of `SET (a, b, c) = (SELECT …)`
/// its tree has the query once for each of them, and what is set within that query so often again, so that a text of some hundred bytes takes all
/// memory. `None` if the text can't be cut into tokens: then it can't be read, but what it begins with may be.
fn copied_parts(sql: &str) -> Option<usize> {
    use pg_query::protobuf::Token;
    if sql.len() < COPYING_BYTES_MIN || !may_assign_rows(sql.as_bytes()) {
        return Some(0);
    }
    let scanned = pg_query::scan(sql).ok()?;
    let is_comment = |token: &Token| matches!(token, Token::SqlComment | Token::CComment);
    // Of each bracket that is open, whether columns that are set may be in it, and how many parts it has so far.
    let mut open: Vec<(bool, usize)> = Vec::new();
    // The assignments whose source this is: the brackets that are open around each, and how often its source is copied, with those around it.
    let mut sources: Vec<(usize, usize)> = Vec::new();
    let (mut closed, mut copied, mut before) = (0_usize, 0_usize, Token::Nul);
    for token in &scanned.tokens {
        let (length, token) = (token.end.saturating_sub(token.start), token.token());
        if is_comment(&token) {
            continue;
        }
        let ends = match token {
            Token::Ascii41 | Token::Ascii44 | Token::Ascii59 => true,
            // As a name, or in `a IS DISTINCT FROM b`, it ends nothing.
            Token::From => !matches!(before, Token::Ascii46 | Token::Distinct),
            Token::Where | Token::Returning => before != Token::Ascii46,
            _ => false,
        };
        while ends && sources.last().is_some_and(|(depth, _)| *depth >= open.len()) {
            sources.pop();
        }
        let times = sources.last().map(|(_, times)| *times);
        if let Some(times) = times {
            let parts = usize::try_from(length).unwrap_or(0).div_euclid(COPIED_BYTES).saturating_add(1);
            copied = copied.saturating_add(times.saturating_mul(parts));
            if copied > COPIED_PARTS_MAX {
                break;
            }
        }
        match token {
            Token::Ascii40 => open.push((matches!(before, Token::Set | Token::Ascii44), 1)),
            Token::Ascii91 => open.push((false, 1)),
            Token::Ascii44 => open.iter_mut().rev().take(1).for_each(|(_, parts)| *parts = parts.saturating_add(1)),
            // What is compared (`WHERE (a, b) = (1, 2)`) is not copied.
            Token::Ascii41 | Token::Ascii93 => {
                closed = open.pop().filter(|(may_be_set, _)| *may_be_set).map_or(0, |(_, parts)| parts);
            }
            Token::Ascii61 if before == Token::Ascii41 && closed > 0 => {
                sources.push((open.len(), times.unwrap_or(1).saturating_mul(closed)));
            }
            _ => {}
        }
        before = token;
    }
    Some(copied)
}

/// Whether there may be an assignment to several columns: a `=` behind a `)`, and a SET. Cheap.
fn may_assign_rows(sql: &[u8]) -> bool {
    let equals = memchr::memchr_iter(b')', sql).any(|at| {
        let behind = sql.get(at.saturating_add(1)..).unwrap_or_default().trim_ascii_start();
        matches!(behind, [b'=' | 0x0b, ..] | [b'-', b'-', ..] | [b'/', b'*', ..])
    });
    equals && sql.windows(3).any(|word| word.eq_ignore_ascii_case(b"set"))
}

/// The library collects statistics on the side with code that may panic on odd trees. What can't be read is refused.
fn parse(sql: &str) -> Result<Vec<RawStmt>, pg_query::Error> {
    catch_unwind(AssertUnwindSafe(|| pg_query::parse(sql, pg_query::ParserOptions::DEFAULT)))
        .unwrap_or_else(|_| Err(pg_query::Error::Parse("the statement can't be read".into())))
        .map(|result| result.protobuf.stmts)
}

/// Where an error is, in characters from 1. The library's Rust face drops the position, so it is found again: the text up
/// to the first token that is really wrong fails in the same words.
fn position(sql: &str, message: &str) -> Option<usize> {
    if message.ends_with("at end of input") {
        return sql.chars().count().checked_add(1);
    }
    if sql.len() > POSITION_BYTES_MAX {
        return None;
    }
    let near = message.split_once("at or near \"")?.1.strip_suffix('"')?;
    let places = sql.match_indices(near).filter(|(at, _)| is_whole(sql, *at, near));
    let at = places.take(POSITION_TRIES_MAX).find_map(|(at, found)| {
        let upto = sql.get(..at.checked_add(found.len())?)?;
        // It may be a statement of its own, if what is wrong stands behind it.
        copied_parts(upto).filter(|parts| *parts <= TRIED_PARTS_MAX)?;
        matches!(parse(upto), Err(pg_query::Error::Parse(again)) if again == message).then_some(at)
    })?;
    sql.get(..at)?.chars().count().checked_add(1)
}

/// Whether what stands there is not a piece of a longer word: `NUL` in `NOT NULL` fails in the same words as `NUL` itself.
fn is_whole(sql: &str, at: usize, near: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$') || !letter.is_ascii();
    let joined = |one: Option<char>, other: Option<char>| one.is_some_and(is_word) && other.is_some_and(is_word);
    let (before, from) = sql.split_at_checked(at).unwrap_or_default();
    let behind = from.get(near.len()..).unwrap_or_default();
    !joined(before.chars().next_back(), near.chars().next()) && !joined(near.chars().next_back(), behind.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(sql: &str) -> Unreadable {
        read(sql).unwrap_err()
    }

    #[test]
    fn errors_are_worded_and_placed_as_postgresql_does() {
        let error = wrong("SELEC 1");
        assert_eq!((error.message.as_str(), error.position), ("syntax error at or near \"SELEC\"", Some(1)));
        let error = wrong("SELECT 'é', a FROM t WHERE a = = 1");
        assert_eq!((error.message.as_str(), error.position), ("syntax error at or near \"=\"", Some(32)));
        assert_eq!(wrong("SELECT (").position, Some(9));
        assert_eq!(wrong("CREATE TABLE t (a int NOT NULL, b int NOT NUL)").position, Some(43));
        assert!(wrong("SELECT 'open").message.starts_with("unterminated quoted string"));
        assert!(!wrong("SELECT \0").beyond_limit);
    }

    #[test]
    fn what_is_too_long_or_too_deep_is_refused_on_a_small_stack() {
        let deep = [
            format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
            format!("SELECT 1{}", "+1".repeat(64_000)),
            format!("SELECT {}1", "NOT ".repeat(60_000)),
            format!("SELECT {}1{}", "ARRAY[".repeat(9_000), "]".repeat(9_000)),
            format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(20_000)),
            format!("SELECT {}1{}", "(SELECT ".repeat(9_000), ")".repeat(9_000)),
            format!("SELECT * FROM {}t{}", "(".repeat(9_000), ")".repeat(9_000)),
            format!("{}SELECT 1", "EXPLAIN ".repeat(9_000)),
            format!("SELECT a{}", "::int".repeat(60_000)),
            format!("SELECT a{}", "[1]".repeat(60_000)),
        ];
        let small = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
        let thread = small.spawn(move || {
            for sql in deep {
                let start: String = sql.chars().take(40).collect();
                match read(&sql) {
                    Err(error) => assert!(!error.message.is_empty()),
                    // Lists and indirections are flat: they may well be read.
                    Ok(_) => assert!(start.contains("[1]"), "{start}"),
                }
            }
            assert!(read(&"x".repeat(SQL_BYTES_MAX + 1)).unwrap_err().beyond_limit);
        });
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn ordinary_depth_is_read() {
        let sums = |terms: usize| format!("SELECT 1{}", "+1".repeat(terms));
        let unions = |arms: usize| format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(arms));
        let deepest = |make: &dyn Fn(usize) -> String| (1..2000).take_while(|n| read(&make(*n)).is_ok()).last();
        assert!(deepest(&sums) >= Some(30), "{:?}", deepest(&sums));
        assert!(deepest(&unions) >= Some(30), "{:?}", deepest(&unions));
    }
}
