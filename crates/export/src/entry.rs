//! What is exported, and where it comes from.

use std::collections::BTreeMap;

use model::UnixMicros;

/// A record of the log, on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The lane it is in.
    pub lane: u16,
    /// Its number in the lane.
    pub seq: u64,
    /// When.
    pub at: UnixMicros,
    /// Its kind: `decided`.
    pub event: String,
    /// The session, if it belongs to one.
    pub session: Option<String>,
    /// The operation's number in the session, if it is about one.
    pub op: Option<u64>,
    /// How it was decided, if it was: `permit`, `deny`.
    pub ruling: Option<String>,
    /// All of it, one JSON object on one line, beginning with the lane.
    pub json: String,
    /// Where it is, in the source's own words.
    pub place: Vec<u8>,
}

impl Entry {
    /// Its name in the whole log: `0:1234`.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.lane, self.seq)
    }
}

/// How far one lane is exported: its last record, and where that one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The record's number in the lane.
    pub seq: u64,
    /// Where it is, in the source's own words.
    pub place: Vec<u8>,
}

/// How far each lane is exported. One that is not named has not begun.
pub type Cursors = BTreeMap<u16, Cursor>;

/// The log, as an exporter reads it.
pub trait Source: Send {
    /// Goes to behind these places. Whatever was read before is forgotten.
    fn open(&mut self, cursors: &Cursors) -> Result<(), SourceError>;
    /// The next entry, in order in each lane; none at the end for now.
    fn next(&mut self) -> Option<Entry>;
    /// Lets reading go on with what was added meanwhile.
    fn refresh(&mut self) -> Result<(), SourceError>;
    /// Makes sure that the disk has the log up to these places. A cursor that is on the disk before that would lead nowhere
    /// after a power failure.
    fn sync(&self, cursors: &Cursors) -> Result<(), SourceError>;
    /// About how many records are behind these places, if that is easily told.
    fn behind(&self, cursors: &Cursors) -> Option<u64>;
}

/// Why the log can't be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// At the cursor's place is not that record.
    #[error("the log is another one than was exported so far, or was changed or cut off")]
    Another,
    /// It can't be read.
    #[error("the log can't be read: {0}")]
    Unreadable(String),
}
