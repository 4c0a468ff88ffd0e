//! The list at the end of a backup: what is in it, and the note that vouches for the list.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};

const FIRST_LINE: &str = "weir backup 1";

/// The files of a backup: length and SHA-256 of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(pub BTreeMap<String, (u64, String)>);

impl Sums {
    /// The list as text: a line for each file, by name.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, (bytes, sum)) in &self.0 {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{sum} {bytes} {name}");
        }
        text
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.0.values().fold(0_u64, |sum, (bytes, _)| sum.saturating_add(*bytes))
    }

    /// What is wrong with files that were found, by this list; none if they are those.
    pub fn differs(&self, found: &Self) -> Option<String> {
        for (name, listed) in &self.0 {
            match found.0.get(name) {
                Some(found) if found == listed => {}
                Some(_) => return Some(format!("{name} in it is not what was kept")),
                None => return Some(format!("{name} is missing in it")),
            }
        }
        found.0.keys().find(|name| !self.0.contains_key(*name)).map(|name| format!("{name} was put into it"))
    }

    /// Reads [`Self::text`].
    pub fn parse(text: &str) -> Option<Self> {
        let line = |line: &str| {
            let mut parts = line.splitn(3, ' ');
            let (sum, bytes, name) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
            Some((name.to_owned(), (bytes, sum.to_owned())))
        };
        text.lines().map(line).collect::<Option<_>>().map(Self)
    }
}

/// What is signed of a backup. Its second line is a log's name, so it can't be taken for a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// The log whose key signs this.
    pub log: String,
    /// When the backup was begun, in microseconds since the Unix epoch.
    pub at: u64,
    /// The SHA-256 of the list.
    pub sums: String,
}

impl Voucher {
    /// As text, which is signed.
    pub fn text(&self) -> String {
        format!("{FIRST_LINE}\n{}\nat {}\nsums {}\n", self.log, self.at, self.sums)
    }

    /// Reads [`Self::text`].
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let log = lines.next()?.to_owned();
        let at = lines.next()?.strip_prefix("at ")?.parse().ok()?;
        let sums = lines.next()?.strip_prefix("sums ")?.to_owned();
        Some(Self { log, at, sums })
    }
}

/// A SHA-256 as it is written.
pub fn hex(hash: Context) -> String {
    hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// That of a text.
pub fn sum_of(text: &str) -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(text.as_bytes());
    hex(hash)
}
