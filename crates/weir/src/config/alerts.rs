//! `[alerts]`: what somebody should look at.

use std::ops::RangeInclusive;

use alerts::{Micros, Rules, SECOND};

use super::read::Reading;
use super::reader::Section;

/// How long something may take before it is said: from a second to a week.
const SECONDS: RangeInclusive<u32> = 1..=604_800;
const FACTOR: RangeInclusive<u32> = 2..=1_000_000;
const ROWS: RangeInclusive<u32> = 1..=u32::MAX;

/// When somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alerts {
    /// What is looked for in the log.
    pub rules: Rules,
    /// How long a target must be out of reach.
    pub target_unreachable: Micros,
    /// How long a place of checkpoints must be.
    pub checkpoints_unreachable: Micros,
    /// How long an export must fail.
    pub export_failing: Micros,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            rules: Rules { first_use: true, unusual_volume: true, factor: 5, rows_min: 10_000 },
            target_unreachable: 60 * SECOND,
            checkpoints_unreachable: 300 * SECOND,
            export_failing: 300 * SECOND,
        }
    }
}

/// Reads the section.
pub fn alerts(section: Option<Section<'_>>, reading: &mut Reading<'_, '_>) -> Alerts {
    let mut read = Alerts::default();
    let Some(mut section) = section else { return read };
    let words = [("on", true), ("off", false)];
    for (name, to) in [("first_use", &mut read.rules.first_use), ("unusual_volume", &mut read.rules.unusual_volume)] {
        let word = section.entry(name).and_then(|entry| entry.one_of(&words, reading.found));
        *to = word.unwrap_or(*to);
    }
    let second = u32::try_from(SECOND).unwrap_or(u32::MAX);
    for (name, range, unit, to) in [
        ("unusual_rows_factor", FACTOR, 1, &mut read.rules.factor),
        ("unusual_rows_min", ROWS, 1, &mut read.rules.rows_min),
        ("target_unreachable_seconds", SECONDS, second, &mut read.target_unreachable),
        ("checkpoints_unreachable_seconds", SECONDS, second, &mut read.checkpoints_unreachable),
        ("export_failing_seconds", SECONDS, second, &mut read.export_failing),
    ] {
        let number = section.entry(name).and_then(|entry| entry.whole_number(range, reading.found));
        *to = number.map_or(*to, |number| u64::from(number).saturating_mul(unit.into()));
    }
    section.finish(reading.found);
    read
}
