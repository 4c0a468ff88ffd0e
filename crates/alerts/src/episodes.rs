//! Conditions that hold and pass, told as episodes: once when one begins, once when it is over.
//!
//! ```text
//!           holds                  for begins_after             passed for ends_after
//!  ────────▶ waits ──────────────────▶ said ────────────────────────▶ over ────▶
//!            │ passes: forgotten        │ passes, and holds again: the same one
//! ```
//!
//! So something that flaps is one episode, and says at most two things in `begins_after` and `ends_after` together.

use std::collections::BTreeMap;

use crate::Micros;

/// How long is waited before something is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// How long it must hold before it is said to have begun.
    pub begins_after: Micros,
    /// How long it must have passed before it is said to be over.
    pub ends_after: Micros,
}

/// What is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It holds, since then.
    Begins {
        /// Since when.
        since: Micros,
    },
    /// It is over.
    Ends {
        /// When it began.
        since: Micros,
        /// When it was seen to hold for the last time.
        until: Micros,
    },
}

/// What is known of conditions, each by a name of its own. Who asks bounds the names.
#[derive(Debug)]
pub struct Episodes<K>(BTreeMap<K, Episode>);

#[derive(Clone, Copy, Debug)]
struct Episode {
    since: Micros,
    /// When it was last seen to hold.
    last: Micros,
    is_said: bool,
}

impl<K> Default for Episodes<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Episodes<K> {
    /// Takes in whether this holds now. A clock that steps back makes an episode longer, and never two of one: what was seen with one that was
    /// ahead counts from now.
    pub fn look(&mut self, now: Micros, name: K, holds: bool, patience: Patience) -> Option<Turn> {
        let Patience { begins_after, ends_after } = patience;
        if holds {
            let episode = self.0.entry(name).or_insert(Episode { since: now, last: now, is_said: false });
            episode.last = now;
            if !episode.is_said {
                episode.since = episode.since.min(now);
            }
            let is_due = !episode.is_said && now.saturating_sub(episode.since) >= begins_after;
            episode.is_said |= is_due;
            return is_due.then_some(Turn::Begins { since: episode.since });
        }
        let episode = self.0.get_mut(&name)?;
        episode.last = episode.last.min(now);
        let Episode { since, last, is_said } = *episode;
        if is_said && now.saturating_sub(last) < ends_after {
            return None;
        }
        self.0.remove(&name);
        is_said.then_some(Turn::Ends { since, until: last })
    }

    /// The names of those that have begun, or wait to.
    pub fn names(&self) -> impl Iterator<Item = &K> {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SECOND;

    const PATIENCE: Patience = Patience { begins_after: 60 * SECOND, ends_after: 30 * SECOND };

    #[test]
    fn an_episode_is_said_when_it_begins_and_when_it_is_over() {
        let mut episodes = Episodes::default();
        let mut said = Vec::new();
        for second in 0..200 {
            let holds = (10..100).contains(&second);
            said.extend(episodes.look(second * SECOND, "orders", holds, PATIENCE).map(|turn| (second, turn)));
        }
        let (since, until) = (10 * SECOND, 99 * SECOND);
        assert_eq!(said, [(70, Turn::Begins { since }), (129, Turn::Ends { since, until })]);
        assert_eq!(episodes.names().count(), 0);
    }

    #[test]
    fn what_is_short_is_not_said_and_what_is_at_once_is() {
        let mut episodes = Episodes::default();
        assert_eq!(episodes.look(0, 1, true, PATIENCE), None);
        assert_eq!(episodes.look(59 * SECOND, 1, false, PATIENCE), None);
        assert_eq!(episodes.look(61 * SECOND, 1, true, PATIENCE), None, "it began anew");
        let at_once = Patience::default();
        assert_eq!(episodes.look(5, 2, true, at_once), Some(Turn::Begins { since: 5 }));
        assert_eq!(episodes.look(6, 2, false, at_once), Some(Turn::Ends { since: 5, until: 5 }));
        assert_eq!(episodes.look(7, 2, false, at_once), None);
    }

    #[test]
    fn a_clock_that_was_far_ahead_keeps_nothing_silent() {
        let (mut episodes, ahead) = (Episodes::default(), 1 << 50);
        assert_eq!(episodes.look(ahead, "orders", true, PATIENCE), None);
        assert_eq!(episodes.look(10 * SECOND, "orders", true, PATIENCE), None);
        let since = 10 * SECOND;
        assert_eq!(episodes.look(70 * SECOND, "orders", true, PATIENCE), Some(Turn::Begins { since }));
        assert_eq!(episodes.look(ahead, "orders", true, PATIENCE), None);
        assert_eq!(episodes.look(80 * SECOND, "orders", false, PATIENCE), None);
        let until = 80 * SECOND;
        assert_eq!(episodes.look(110 * SECOND, "orders", false, PATIENCE), Some(Turn::Ends { since, until }));
    }

    proptest! {
        /// Whatever flaps: begin and end take turns, and there are at least so many seconds from one begin to the next.
        #[test]
        fn a_condition_that_flaps_says_little(holds in prop::collection::vec(any::<bool>(), 0..2000)) {
            let patience = Patience { begins_after: 5 * SECOND, ends_after: 10 * SECOND };
            let (mut episodes, mut said) = (Episodes::default(), Vec::new());
            for (second, holds) in (0..).zip(holds) {
                said.extend(episodes.look(second * SECOND, (), holds, patience).map(|turn| (second, turn)));
            }
            for (at, turn) in said.iter().enumerate() {
                prop_assert_eq!(matches!(turn.1, Turn::Begins { .. }), at % 2 == 0);
            }
            for begins in said.iter().step_by(2).collect::<Vec<_>>().windows(2) {
                prop_assert!(begins[1].0 - begins[0].0 >= 15);
            }
        }
    }
}
