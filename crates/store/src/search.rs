//! What somebody searches for, and where a page of it ends.

use std::fmt;
use std::str::FromStr;

use crate::words::Text;

/// Permitted or denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Permitted.
    Permit,
    /// Denied; of callers: turned away.
    Deny,
}

/// Conditions that must all hold. The empty one finds everything. Names are compared in lower case and as a whole.
///
/// Of a statement they hold if they hold of it and of its session. Of a session they hold if something in it fulfils
/// each, not necessarily the same thing: who asks for a table and a class finds sessions in which the table was touched
/// and the class was met. Those that no statement was decided in are found by their caller alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// A principal's id, or its name without the issuer; also one on whose behalf somebody acted.
    pub person: Option<String>,
    /// Whose workload it was.
    pub owner: Option<String>,
    /// A group of the caller's.
    pub group: Option<String>,
    /// The target.
    pub target: Option<String>,
    /// The run, or the workflow before its `#`.
    pub run: Option<String>,
    /// A session's id, or at least its last eight characters. Of statements alone.
    pub session: Option<String>,
    /// What was asked for: `orders`, `public.orders`.
    pub table: Option<String>,
    /// A column with a class that a result was made of, or that was asked for by itself: `ssn`, `people.ssn`; of results also with the sight
    /// that it was shown at: `ssn:clear`.
    pub column: Option<String>,
    /// A class that was met, or one above it; also with a sight: `pii`, `pii.email`, `pii.email:clear`.
    pub class: Option<String>,
    /// A rule that decided.
    pub rule: Option<String>,
    /// How it was decided.
    pub ruling: Option<Ruling>,
    /// Words of the text. Of statements alone.
    pub text: Option<Text>,
    /// Not before this, in microseconds since 1970. Of a session it is its beginning.
    pub since: Option<u64>,
    /// Before this.
    pub until: Option<u64>,
    /// At least so many rows were shown.
    pub rows_min: Option<u64>,
    /// The tokens of a value, of which one was kept where it was shown.
    pub subject: Option<Vec<Vec<u8>>>,
}

/// Some of what was found, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// These.
    pub found: Vec<T>,
    /// Where to go on, if there is more.
    pub next: Option<Position>,
}

/// A place in the order: time, then lane and number of the record. It stays where it is when the index is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub(crate) at: i64,
    pub(crate) lane: u16,
    pub(crate) seq: i64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.at, self.lane, self.seq)
    }
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (at, rest) = text.split_once('.')?;
            let (lane, seq) = rest.split_once('.')?;
            let read = Self { at: at.parse().ok()?, lane: lane.parse().ok()?, seq: seq.parse().ok()? };
            (read.to_string() == text).then_some(read)
        };
        parse().ok_or_else(|| "a cursor is what the page before ended with".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_have_one_spelling() {
        let position = Position { at: 1_795_697_272_104_488, lane: 7, seq: 12 };
        assert_eq!(position.to_string(), "1795697272104488.7.12");
        assert_eq!("1795697272104488.7.12".parse(), Ok(position));
        for wrong in ["", "1", "1.2", "1.2.3.4", "1.70000.3", "+1.2.3", "1.02.3", "a.b.c", "1.2.3 "] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong:?}");
        }
    }
}
