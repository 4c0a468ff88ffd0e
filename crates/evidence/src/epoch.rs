//! Epochs: how often somebody has said that the log goes on although another place knows more of it.
//!
//! A log that was restored from a backup, or lost its end with a disk, is not what its witnesses know, and it is not opened. Who knows why, and wants
//! to go on, begins a new *epoch* ([`NewEpoch`]). Each checkpoint from then on has a line with the epoch's number and how much was given up:
//!
//! ```text
//! epoch 2 1284            the second; of the first, up to 1284 records had been signed somewhere
//! ```
//!
//! So what was given up is signed too, and of two copies of one log that have both gone on, the one of the earlier epoch is told to be the old
//! one by whoever knows the later. What is of an earlier epoch and larger than what was given up was never agreed to, and keeps the log closed.

use std::cmp::Ordering;
use std::fmt;

use crate::checkpoint::Checkpoint;
use crate::resume::NotAsSigned;

/// Which epoch a log is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: u64,
    /// Records that were known of the epochs before, wherever that was, when it began. 0 for the first.
    pub given_up: u64,
}

impl Default for Epoch {
    fn default() -> Self {
        Self { number: 1, given_up: 0 }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {} {}", self.number, self.given_up)
    }
}

/// That the log is to go on in a new epoch, and what is written of that in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEpoch {
    /// Who says so.
    pub by: String,
    /// And why.
    pub why: String,
}

/// What a place outside of the log knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub place: String,
    pub epoch: Epoch,
    pub size: u64,
}

impl Known {
    pub fn of(place: &str, checkpoint: &Checkpoint) -> Self {
        Self { place: place.to_owned(), epoch: checkpoint.epoch, size: checkpoint.size }
    }

    /// Whether it can be told by this alone that the log, whose last checkpoint is `here`, has what is known; None if it takes a look at its tree.
    pub fn is_had(&self, here: Option<&Checkpoint>) -> Option<Result<(), NotAsSigned>> {
        let epoch = here.map(|here| here.epoch).unwrap_or_default();
        let records = here.map_or(0, |here| here.size);
        let Self { place, size, .. } = self;
        let (place, known) = (place.clone(), *size);
        match self.epoch.number.cmp(&epoch.number) {
            Ordering::Greater => Some(Err(NotAsSigned::Later { place, known: self.epoch.number, here: epoch.number })),
            Ordering::Less => match known <= epoch.given_up {
                true => Some(Ok(())),
                false => Some(Err(NotAsSigned::NotGivenUp { place, known, given_up: epoch.given_up })),
            },
            Ordering::Equal if known > records => Some(Err(NotAsSigned::Shorter { place, known, here: records })),
            Ordering::Equal => None,
        }
    }
}

/// The epoch that follows all that are known, and in which nothing of them is missed.
pub(crate) fn next(here: Option<&Checkpoint>, known: &[Known]) -> Epoch {
    let all = || known.iter().map(|known| (known.epoch, known.size)).chain(here.map(|here| (here.epoch, here.size)));
    let number = all().map(|(epoch, _)| epoch.number).max().unwrap_or(1).saturating_add(1);
    // What was given up before stays given up.
    let given_up = all().map(|(epoch, size)| size.max(epoch.given_up)).max().unwrap_or(0);
    Epoch { number, given_up }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::UnixMicros;

    use super::*;
    use crate::format::Hash;

    fn here(number: u64, given_up: u64, size: u64) -> Checkpoint {
        Checkpoint {
            origin: "weir/test".to_owned(),
            size,
            root: Hash([0; 32]),
            at: UnixMicros(1),
            epoch: Epoch { number, given_up },
            introduces: None,
            lanes: BTreeMap::new(),
        }
    }

    fn known(number: u64, size: u64) -> Known {
        Known { place: "there".to_owned(), epoch: Epoch { number, given_up: 0 }, size }
    }

    #[test]
    fn what_was_given_up_is_not_missed_and_nothing_else_is_forgiven() {
        let second = here(2, 1000, 810);
        let told = |known: Known| known.is_had(Some(&second));
        assert!(matches!(told(known(1, 1000)), Some(Ok(()))));
        assert!(matches!(told(known(1, 1001)), Some(Err(NotAsSigned::NotGivenUp { known: 1001, given_up: 1000, .. }))));
        assert!(matches!(told(known(2, 811)), Some(Err(NotAsSigned::Shorter { known: 811, here: 810, .. }))));
        assert!(told(known(2, 810)).is_none() && told(known(2, 1)).is_none());
        // A copy from before: it may even be larger than what is known of the epoch after it.
        assert!(matches!(told(known(3, 5)), Some(Err(NotAsSigned::Later { known: 3, here: 2, .. }))));
        assert!(matches!(known(2, 5).is_had(None), Some(Err(NotAsSigned::Later { known: 2, here: 1, .. }))));
    }

    #[test]
    fn the_next_epoch_is_after_all_that_anybody_knows() {
        assert_eq!(next(Some(&here(1, 0, 800)), &[known(1, 1000)]), Epoch { number: 2, given_up: 1000 });
        assert_eq!(next(Some(&here(1, 0, 800)), &[]), Epoch { number: 2, given_up: 800 });
        assert_eq!(next(Some(&here(1, 0, 800)), &[known(3, 20)]), Epoch { number: 4, given_up: 800 });
        assert_eq!(next(Some(&here(2, 1000, 810)), &[known(2, 815)]), Epoch { number: 3, given_up: 1000 });
        assert_eq!(next(None, &[known(1, 7)]), Epoch { number: 2, given_up: 7 });
        assert_eq!(next(None, &[]), Epoch { number: 2, given_up: 0 });
    }
}
