//! How long to wait after a failure: longer each time, and not in step with others.

use std::time::Duration;

/// Waits that grow.
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    /// The first wait, and the longest.
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, next: first }
    }

    /// The next wait: between half of what it is due and all of it, as `random` says.
    pub(crate) fn wait(&mut self, random: u16) -> Duration {
        let due = self.next.min(self.max);
        self.next = due.saturating_mul(2);
        let half = due.checked_div(2).unwrap_or(due);
        half.saturating_add(half.mul_f64(f64::from(random) / f64::from(u16::MAX)))
    }

    /// Something worked.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

/// A number that nobody can foresee; the same one where the system has none.
pub(crate) fn random() -> u16 {
    let mut bytes = [0; 2];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => u16::from_le_bytes(bytes),
        Err(_) => u16::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_begin_anew() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(seconds(1), seconds(60));
        let waits: Vec<_> = (0..8).map(|_| backoff.wait(u16::MAX).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.wait(0), seconds(30), "a random part is off");
        backoff.reset();
        assert_eq!(backoff.wait(u16::MAX), seconds(1));
    }
}
