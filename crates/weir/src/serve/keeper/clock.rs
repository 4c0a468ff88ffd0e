//! A wall clock, held against one that nobody can set: what was kept long enough is told by the first alone, and one that jumps years ahead would
//! have all recordings deleted within a second.
//!
//! What this is not: it can't tell a clock that is wrong when Weir starts, nor which of two times is the right one. It gives whoever
//! set the clock an hour to see what they did.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How far the wall clock may get ahead.
const AHEAD_MAX: Duration = Duration::from_secs(3600);
/// How long one that got further is not believed.
const DOUBTED: Duration = Duration::from_secs(3600);

/// Both clocks as they were.
#[derive(Debug)]
pub struct Clocks {
    began: Instant,
    /// How far the wall clock was ahead of the other, in microseconds, when it was believed; the least since.
    ahead: i128,
    /// Since when it is not believed, and how far it was ahead then.
    doubted: Option<(Instant, i128)>,
}

/// What is to be thought of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wall {
    /// It is as good as it was.
    Sound,
    /// It has jumped ahead by so much just now.
    Jumped(Duration),
    /// It has jumped before, and is not believed yet.
    Doubted,
    /// It is believed again from now on: it is back, or has stayed for long enough.
    Again,
}

impl Clocks {
    /// This is believed: nobody knows better.
    pub fn new(wall: SystemTime, at: Instant) -> Self {
        Self { began: at, ahead: ahead(wall, at, at), doubted: None }
    }

    /// Looks at both.
    pub fn look(&mut self, wall: SystemTime, at: Instant) -> Wall {
        let ahead = ahead(wall, at, self.began);
        let max = i128::try_from(AHEAD_MAX.as_micros()).unwrap_or(i128::MAX);
        if ahead.saturating_sub(self.ahead) <= max {
            self.ahead = self.ahead.min(ahead);
            return self.doubted.take().map_or(Wall::Sound, |_| Wall::Again);
        }
        match self.doubted {
            // It has jumped once more, or it is another wrong time.
            Some((since, before)) if ahead.saturating_sub(before).abs() <= max => {
                if at.saturating_duration_since(since) < DOUBTED {
                    return Wall::Doubted;
                }
                (self.ahead, self.doubted) = (ahead, None);
                Wall::Again
            }
            _ => {
                self.doubted = Some((at, ahead));
                let by = u64::try_from(ahead.saturating_sub(self.ahead)).unwrap_or(u64::MAX);
                Wall::Jumped(Duration::from_micros(by))
            }
        }
    }
}

/// How far the wall clock is ahead of the other, which counts from `began`.
fn ahead(wall: SystemTime, at: Instant, began: Instant) -> i128 {
    let micros = |span: Duration| i128::try_from(span.as_micros()).unwrap_or(i128::MAX);
    let of_wall = match wall.duration_since(UNIX_EPOCH) {
        Ok(since) => micros(since),
        Err(before) => micros(before.duration()).saturating_neg(),
    };
    of_wall.saturating_sub(micros(at.saturating_duration_since(began)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60;
    const DAY: u64 = 86_400;

    /// What is thought of a clock that shows these, each so many seconds after the beginning.
    fn thought(shown: &[(u64, u64)]) -> Vec<Wall> {
        let (wall, at) = (UNIX_EPOCH + Duration::from_secs(1_000_000_000), Instant::now());
        let mut clocks = Clocks::new(wall, at);
        let after = Duration::from_secs;
        shown.iter().map(|&(real, shown)| clocks.look(wall + after(shown), at + after(real))).collect()
    }

    #[test]
    fn a_clock_that_jumps_ahead_is_doubted_for_an_hour() {
        let jumped = |by| Wall::Jumped(Duration::from_secs(by));
        let h = 60 * MINUTE;
        assert_eq!(thought(&[(0, 0), (1, 1), (h, h + 59 * MINUTE), (400 * DAY, 400 * DAY)]), [Wall::Sound; 4]);
        // Not by more small steps than that either.
        assert_eq!(thought(&[(1, 40 * MINUTE), (2, 80 * MINUTE)]), [Wall::Sound, jumped(80 * MINUTE - 2)]);
        let year = 365 * DAY;
        let stays = [(1, year), (2, year + 1), (h, year + h), (h + 1, year + h), (h + 2, year + h + 1)];
        assert_eq!(thought(&stays), [jumped(year - 1), Wall::Doubted, Wall::Doubted, Wall::Again, Wall::Sound]);
        let is_back = [(1, year), (2, 2), (3, 3)];
        assert_eq!(thought(&is_back), [jumped(year - 1), Wall::Again, Wall::Sound]);
        // The hour begins again with each jump.
        let again = [(0, year), (h - 1, 2 * year), (h, 2 * year + 1), (2 * h - 1, 2 * year + h)];
        assert_eq!(thought(&again)[1..], [jumped(2 * year - h + 1), Wall::Doubted, Wall::Again]);
        // One that was set back is ahead when it is set right.
        let set_back = [(year, 0), (year + 1, year + 1), (year + h + 1, year + h + 1)];
        assert_eq!(thought(&set_back), [Wall::Sound, jumped(year), Wall::Again]);
    }
}
