//! The kinds of alerts.

/// What somebody should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Weir could not log in to a target for a while.
    TargetUnreachable,
    /// A policy could not be evaluated, so it refuses.
    PolicyError,
    /// Changed policies were wrong: older ones stay in force.
    PoliciesRefused,
    /// The decision log can't be written.
    LogDown,
    /// One of the log's two places lacks something of it.
    LogPlaceDown,
    /// A recording could not be written.
    RecordingsDown,
    /// Less than twice the reserve is free on a disk.
    DiskLow,
    /// Less than the reserve is free there.
    DiskReserve,
    /// A place of checkpoints could not be reached for a while.
    CheckpointsUnreachable,
    /// An export could not deliver for a while.
    ExportFailing,
    /// Somebody was let in to a target who never was before.
    FirstUse,
    /// Somebody was shown far more rows of a target than in any hour of the last week.
    UnusualVolume,
}

impl What {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::TargetUnreachable,
        Self::PolicyError,
        Self::PoliciesRefused,
        Self::LogDown,
        Self::LogPlaceDown,
        Self::RecordingsDown,
        Self::DiskLow,
        Self::DiskReserve,
        Self::CheckpointsUnreachable,
        Self::ExportFailing,
        Self::FirstUse,
        Self::UnusualVolume,
    ];

    /// Its word, in the log and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TargetUnreachable => "target_unreachable",
            Self::PolicyError => "policy_error",
            Self::PoliciesRefused => "policies_refused",
            Self::LogDown => "log_down",
            Self::LogPlaceDown => "log_place_down",
            Self::RecordingsDown => "recordings_down",
            Self::DiskLow => "disk_low",
            Self::DiskReserve => "disk_reserve",
            Self::CheckpointsUnreachable => "checkpoints_unreachable",
            Self::ExportFailing => "export_failing",
            Self::FirstUse => "first_use",
            Self::UnusualVolume => "unusual_volume",
        }
    }

    /// The one of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_described() {
        let docs = include_str!("../../../docs/alerts.md");
        let rows = docs.lines().skip_while(|line| !line.starts_with("| `what` | begins |")).skip(2);
        let described = rows.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('`').nth(1));
        assert_eq!(described.collect::<Vec<_>>(), What::ALL.map(What::as_str));
    }

    #[test]
    fn each_has_a_word_of_its_own() {
        for what in What::ALL {
            assert_eq!(What::of(what.as_str()), Some(what));
        }
        assert_eq!(What::of("nothing"), None);
    }
}
