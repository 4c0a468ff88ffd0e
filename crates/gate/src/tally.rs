//! What has passed, counted by target, for whoever watches an instance from outside.
//!
//! Counting is on the way of every statement, so it takes no lock, no memory and no call of the system: a few relaxed additions to a line of the
//! cache that hardly anybody else writes. Each thread has a stripe of its own as long as there are as many stripes as threads; who
//! reads adds them up. What the numbers are kept by is bounded by the configuration: callers can't add to it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use model::TargetId;

use crate::flow::Shown;

/// Stripes of one target at most: more threads than that share them.
const STRIPES_MAX: usize = 256;

const NEVER_TRIED: u8 = 0;
const REACHED: u8 = 1;
const OUT_OF_REACH: u8 = 2;

/// What an instance counts.
#[derive(Debug)]
pub struct Tally {
    targets: BTreeMap<TargetId, Arc<TargetTally>>,
    /// Of no target, or of one that nobody has named here.
    elsewhere: Arc<TargetTally>,
}

/// What was counted of one target since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Sessions that are open.
    pub open: u64,
    /// Callers that were admitted.
    pub admitted: u64,
    /// Callers that were turned away.
    pub rejected: u64,
    /// Operations that were permitted.
    pub permitted: u64,
    /// Operations that were refused.
    pub refused: u64,
    /// What callers were shown.
    pub shown: Shown,
    /// Whether it could be reached when that was last tried.
    pub reached: Option<bool>,
}

#[derive(Debug)]
struct TargetTally {
    stripes: Box<[Arc<Stripe>]>,
    reach: AtomicU8,
}

/// Two lines of a cache, because some processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe {
    admitted: AtomicU64,
    closed: AtomicU64,
    rejected: AtomicU64,
    permitted: AtomicU64,
    refused: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    masked: AtomicU64,
}

/// Where a session counts.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    target: Arc<TargetTally>,
    stripe: Arc<Stripe>,
}

impl Default for Tally {
    /// One that tells no targets apart.
    fn default() -> Self {
        Self::new([], 1)
    }
}

impl Tally {
    /// One for these targets, where so many threads serve sessions.
    pub fn new(targets: impl IntoIterator<Item = TargetId>, threads: usize) -> Self {
        let new = || Arc::new(TargetTally::new(threads));
        Self { targets: targets.into_iter().map(|target| (target, new())).collect(), elsewhere: new() }
    }

    /// What was counted of each target.
    pub fn each(&self) -> impl Iterator<Item = (&TargetId, Counted)> {
        self.targets.iter().map(|(target, tally)| (target, tally.counted()))
    }

    /// What was counted of callers that got as far as no target.
    pub fn elsewhere(&self) -> Counted {
        self.elsewhere.counted()
    }

    pub(crate) fn counter(&self, target: Option<&TargetId>) -> Counter {
        let target = target.and_then(|target| self.targets.get(target)).unwrap_or(&self.elsewhere);
        Counter { target: Arc::clone(target), stripe: target.stripe() }
    }
}

impl TargetTally {
    fn new(threads: usize) -> Self {
        let stripes = (0..threads.clamp(1, STRIPES_MAX)).map(|_| Arc::default()).collect();
        Self { stripes, reach: AtomicU8::new(NEVER_TRIED) }
    }

    /// This thread's. Sessions stay on the thread that they begin on.
    fn stripe(&self) -> Arc<Stripe> {
        let number = thread_number().checked_rem(self.stripes.len()).unwrap_or_default();
        self.stripes.get(number).map(Arc::clone).unwrap_or_default()
    }

    fn counted(&self) -> Counted {
        let sum = |one: fn(&Stripe) -> &AtomicU64| {
            self.stripes.iter().map(|stripe| one(stripe).load(Ordering::Relaxed)).fold(0_u64, u64::wrapping_add)
        };
        // First, so that a session which ends meanwhile is not missing.
        let closed = sum(|stripe| &stripe.closed);
        let admitted = sum(|stripe| &stripe.admitted);
        Counted {
            open: admitted.saturating_sub(closed),
            admitted,
            rejected: sum(|stripe| &stripe.rejected),
            permitted: sum(|stripe| &stripe.permitted),
            refused: sum(|stripe| &stripe.refused),
            shown: Shown {
                rows: sum(|stripe| &stripe.rows),
                bytes: sum(|stripe| &stripe.bytes),
                masked: sum(|stripe| &stripe.masked),
            },
            reached: match self.reach.load(Ordering::Relaxed) {
                REACHED => Some(true),
                OUT_OF_REACH => Some(false),
                _ => None,
            },
        }
    }
}

impl Counter {
    pub fn admitted(&self) {
        add(&self.stripe.admitted, 1);
    }

    pub fn closed(&self) {
        add(&self.stripe.closed, 1);
    }

    pub fn rejected(&self) {
        add(&self.stripe.rejected, 1);
    }

    pub fn decided(&self, permitted: u64, refused: u64) {
        add(&self.stripe.permitted, permitted);
        add(&self.stripe.refused, refused);
    }

    pub fn shown(&self, Shown { rows, bytes, masked }: Shown) {
        add(&self.stripe.rows, rows);
        add(&self.stripe.bytes, bytes);
        add(&self.stripe.masked, masked);
    }

    pub fn reached(&self, reached: bool) {
        let reach = if reached { REACHED } else { OUT_OF_REACH };
        // Most of the time it is as it was, and then the line that all threads read stays with all of them.
        if self.target.reach.load(Ordering::Relaxed) != reach {
            self.target.reach.store(reach, Ordering::Relaxed);
        }
    }
}

/// Nothing else is ordered by these numbers. Most of them grow by nothing in most statements.
fn add(to: &AtomicU64, more: u64) {
    if more > 0 {
        to.fetch_add(more, Ordering::Relaxed);
    }
}

/// A number for each thread that counts, from 0.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<Option<usize>> = const { Cell::new(None) };
    }
    OWN.with(|own| {
        own.get().unwrap_or_else(|| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            own.set(Some(number));
            number
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> TargetId {
        TargetId(name.into())
    }

    #[test]
    fn all_threads_are_counted() {
        let tally = Tally::new([id("a"), id("b")], 3);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let counter = tally.counter(Some(&id("a")));
                    for _ in 0..1000 {
                        counter.admitted();
                        counter.decided(2, 1);
                        counter.shown(Shown { rows: 1, bytes: 10, masked: 0 });
                        counter.closed();
                    }
                    counter.admitted();
                });
            }
        });
        let counted: Vec<Counted> = tally.each().map(|(_, counted)| counted).collect();
        let shown = Shown { rows: 8000, bytes: 80_000, masked: 0 };
        let expected =
            Counted { open: 8, admitted: 8008, permitted: 16_000, refused: 8000, shown, ..Counted::default() };
        assert_eq!(counted, [expected, Counted::default()]);
    }

    #[test]
    fn nobody_adds_a_target() {
        let tally = Tally::new([id("a")], 1);
        tally.counter(Some(&id("made-up"))).rejected();
        tally.counter(None).rejected();
        assert_eq!(tally.each().count(), 1);
        assert_eq!(tally.elsewhere().rejected, 2);
    }

    #[test]
    fn the_last_attempt_says_whether_a_target_is_reached() {
        let tally = Tally::new([id("a")], 2);
        let reached = || tally.each().map(|(_, counted)| counted.reached).next().flatten();
        assert_eq!(reached(), None);
        for last in [true, false, true] {
            tally.counter(Some(&id("a"))).reached(last);
            assert_eq!(reached(), Some(last));
        }
    }
}
