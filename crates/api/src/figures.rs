//! The state and the numbers of an instance at one moment, as plain data.

/// A moment or a length of time, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// An instance at one moment. What grows does so from 0 at its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Its version.
    pub version: String,
    /// When it started.
    pub started: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// Whether it takes callers yet.
    pub listens: bool,
    /// Whether it was told to stop.
    pub stopping: bool,
    /// Its policies.
    pub policies: Policies,
    /// Its decision log.
    pub log: Log,
    /// Its recordings, if any target is recorded.
    pub recordings: Option<Recordings>,
    /// The disks that both are on, each once.
    pub disks: Vec<Disk>,
    /// What it deletes of them.
    pub retention: Retention,
    /// Its targets, each once. Those of the configuration and no others: the numbers of labels are bounded by that.
    pub targets: Vec<Target>,
    /// Its exports, each once: those of the configuration.
    pub exports: Vec<Export>,
    /// How many alerts there were of each kind.
    pub alerts: Vec<(&'static str, u64)>,
    /// Callers that were turned away before they had named a target.
    pub strangers_rejected: u64,
}

/// What is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// Hash of the policies in force.
    pub hash: String,
    /// Whether those in the folder have changed and could not be put in force.
    pub refused: bool,
    /// How often a rule could not be evaluated.
    pub errors: u64,
}

/// The decision log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Records written.
    pub records: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Appends that failed.
    pub errors: u64,
    /// Whether it can't be written.
    pub is_down: bool,
    /// Places of it, where there are two, that lack something of it.
    pub places_down: u64,
    /// Records that no checkpoint covers; none where the log is not signed.
    pub unsigned: Option<u64>,
    /// When the last checkpoint was made.
    pub checkpoint_at: Option<Timestamp>,
}

/// Recordings of sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recordings {
    /// Of sessions that are open.
    pub open: u64,
    /// Bytes of what was recorded.
    pub raw_bytes: u64,
    /// Bytes of files that it became.
    pub written_bytes: u64,
    /// Recordings that failed.
    pub failed: u64,
    /// Whether the last try failed.
    pub is_down: bool,
}

/// The disk of one thing that is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// What is written there: `log`, `recordings`.
    pub of: &'static str,
    /// Bytes that can be written there, if that is known.
    pub free: Option<u64>,
    /// Bytes of them that are kept free; 0 if none are.
    pub reserve: u64,
    /// Whether less than twice the reserve is free, or less.
    pub is_low: bool,
    /// Whether less than the reserve is free, so that nothing new begins.
    pub is_reserved: bool,
}

/// One export of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Records delivered.
    pub delivered: u64,
    /// When the last ones were.
    pub delivered_at: Option<Timestamp>,
    /// Records that it has not delivered yet.
    pub behind: u64,
    /// Whether it can't deliver now.
    pub is_failing: bool,
    /// How often it failed.
    pub failures: u64,
}

/// Recordings that were kept long enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Those that were deleted.
    pub deleted: u64,
    /// Those that are never deleted, because nobody can tell whether they may be.
    pub never: u64,
    /// Looks for them that stopped before they were through.
    pub failed: u64,
}

/// One target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Whether it could be reached when that was last tried; none if it never was.
    pub reached: Option<bool>,
    /// Sessions that are open.
    pub open: u64,
    /// Callers admitted.
    pub admitted: u64,
    /// Callers turned away.
    pub rejected: u64,
    /// Operations permitted.
    pub permitted: u64,
    /// Operations refused.
    pub refused: u64,
    /// Rows shown.
    pub rows: u64,
    /// Bytes shown.
    pub bytes: u64,
    /// Cells not shown clear.
    pub masked: u64,
}
