//! How much there was in each hour, as far as it takes to know the most of a week: of the hour that runs all of it, and of each day the
//! hour with the most.

use serde::{Deserialize, Serialize};

use crate::{Micros, SECOND};

/// Days before this one that are remembered.
const DAYS: u64 = 7;
const DAY_HOURS: u64 = 24;
const HOUR: Micros = 3600 * SECOND;
/// A day.
pub const DAY: Micros = 24 * HOUR;
/// Hours by which a clock may step back: what is further ahead was seen with a clock that was wrong, and is given up.
const AHEAD_MAX: u64 = 24;

/// Sums by the hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    hour: u64,
    sum: u64,
    /// Days, the oldest first, each with the most that one of its hours had. The hour that runs is in none.
    days: Vec<(u64, u64)>,
}

/// The number of an hour since 1970, UTC.
pub fn hour_of(at: Micros) -> u64 {
    at.checked_div(HOUR).unwrap_or_default()
}

/// When it began.
pub fn begin_of(hour: u64) -> Micros {
    hour.saturating_mul(HOUR)
}

/// Whether this hour is further ahead of the other than a clock steps back that was right.
pub fn is_far_ahead(hour: u64, now: u64) -> bool {
    hour > now.saturating_add(AHEAD_MAX)
}

fn day_of(hour: u64) -> u64 {
    hour.checked_div(DAY_HOURS).unwrap_or_default()
}

impl Hours {
    /// Adds to an hour, and says how much it has then. One that is a little before the last counts as that one.
    pub fn add(&mut self, hour: u64, more: u64) -> u64 {
        if is_far_ahead(self.hour, hour) {
            (self.hour, self.sum) = (hour, 0);
            let today = day_of(hour);
            self.days.retain(|(day, _)| *day <= today);
        }
        if hour > self.hour {
            self.finish();
            (self.hour, self.sum) = (hour, 0);
            let today = day_of(hour);
            self.days.retain(|(day, _)| day.saturating_add(DAYS) >= today);
        }
        self.sum = self.sum.saturating_add(more);
        self.sum
    }

    /// The most that an hour before this one had, of its day and the seven days before.
    pub fn most_before(&self, hour: u64) -> u64 {
        let today = day_of(hour);
        let days = self.days.iter().filter(|(day, _)| day.saturating_add(DAYS) >= today);
        days.map(|(_, most)| *most).max().unwrap_or_default()
    }

    fn finish(&mut self) {
        let today = day_of(self.hour);
        match self.days.last_mut() {
            Some((day, most)) if *day == today => *most = self.sum.max(*most),
            _ if self.sum > 0 => self.days.push((today, self.sum)),
            _ => {}
        }
    }
}

/// The most that anybody had in an hour, by the day, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peaks(Vec<(u64, u64)>);

impl Peaks {
    /// Somebody has so much in this hour.
    pub fn see(&mut self, hour: u64, sum: u64) {
        let today = day_of(hour);
        self.0.retain(|(day, _)| *day <= today && day.saturating_add(DAYS) >= today);
        match self.0.last_mut() {
            Some((day, most)) if *day == today => *most = sum.max(*most),
            _ => self.0.push((today, sum)),
        }
    }

    /// The most on one of the seven days before that of this hour.
    pub fn most_before(&self, hour: u64) -> u64 {
        let today = day_of(hour);
        let days = self.0.iter().filter(|(day, _)| *day < today && day.saturating_add(DAYS) >= today);
        days.map(|(_, most)| *most).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_of_a_week_and_of_hours_that_are_over() {
        let mut hours = Hours::default();
        let first = 24 * 20_000;
        assert_eq!(hours.add(first, 3), 3);
        assert_eq!(hours.add(first, 4), 7);
        assert_eq!(hours.most_before(first), 0);
        assert_eq!(hours.add(first + 1, 2), 2);
        assert_eq!(hours.most_before(first + 1), 7);
        assert_eq!(hours.add(first, 1), 3, "an hour that is over does not come back");
        hours.add(first + 24 * 3, 5);
        assert_eq!(hours.most_before(first + 24 * 3), 7);
        hours.add(first + 24 * 7 + 23, 1);
        assert_eq!(hours.most_before(first + 24 * 7 + 23), 7, "seven days ago");
        hours.add(first + 24 * 8, 1);
        assert_eq!(hours.most_before(first + 24 * 8), 5);
        hours.add(first + 24 * 30, 1);
        assert_eq!((hours.most_before(first + 24 * 30), hours.days.len()), (0, 0));
    }

    #[test]
    fn a_clock_that_was_far_ahead_is_forgotten() {
        let mut hours = Hours::default();
        let first = 24 * 20_000;
        hours.add(first, 9);
        hours.add(first + 24 * 365 * 70, 5);
        hours.add(first + 24 * 365 * 70 + 1, 5);
        assert_eq!(hours.add(first + 1, 3), 3);
        assert_eq!((hours.most_before(first + 1), hours.add(first + 2, 1)), (0, 1));
        assert_eq!(hours.most_before(first + 2), 3);
        assert_eq!(hours.add(first + 2 + AHEAD_MAX, 1), 1);
        assert_eq!(hours.add(first + 2, 1), 2, "a little ahead counts as the last");
    }

    #[test]
    fn the_most_of_anybody_is_of_the_days_before() {
        let mut peaks = Peaks::default();
        let first = 24 * 20_000;
        peaks.see(first, 7);
        peaks.see(first + 1, 5);
        assert_eq!((peaks.most_before(first + 23), peaks.most_before(first + 24)), (0, 7));
        peaks.see(first + 24, 9);
        assert_eq!((peaks.most_before(first + 25), peaks.most_before(first + 24 * 7)), (7, 9));
        assert_eq!((peaks.most_before(first + 24 * 8), peaks.most_before(first + 24 * 9)), (9, 0));
        peaks.see(first + 24 * 365 * 70, 1);
        peaks.see(first + 24 * 9, 2);
        assert_eq!(peaks.most_before(first + 24 * 10), 2);
        (0..24 * 400).for_each(|hour| peaks.see(hour, hour % 100));
        assert!(peaks.0.len() <= 8);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut hours = Hours::default();
        (0..24 * 400).for_each(|hour| {
            hours.add(hour, hour % 100 + 1);
            assert!(hours.days.len() <= 8);
        });
    }
}
