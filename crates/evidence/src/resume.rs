//! What a signed log is when it is opened: its last checkpoint, what was written after it, and whether witnesses know of more.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde_json::from_slice;

use crate::checkpoint::{CHECKPOINT_EVENT, Checkpoint, Found};
use crate::epoch::{self, Known};
use crate::format::{HEADER_EVENT, Place, SEAL_EVENT, SegmentName};
use crate::note::Keyring;
use crate::read::peek;
use crate::recover::Numbered;
use crate::signer::{Signing, Standing};
use crate::tree::{Edge, leaf};
use crate::walk::{Step, open_segment};
use crate::witness::Check;

/// Why a signed log is not opened: it is not what was signed. To go on with it would hide that.
#[derive(Debug, thiserror::Error)]
pub enum NotAsSigned {
    /// Something can't be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Its last checkpoint is not by its keys.
    #[error("its last checkpoint ({segment}) is not to be trusted: {why}")]
    Checkpoint {
        /// The segment that it is in.
        segment: String,
        /// What is wrong.
        why: String,
    },
    /// A lane is not as its last checkpoint says.
    #[error("lane {lane} is not what the last checkpoint says: {why}")]
    Lane {
        /// Which.
        lane: u16,
        /// What is wrong.
        why: String,
    },
    /// A witness knows a later checkpoint.
    #[error(
        "{place} knows a checkpoint over {known} records, and the last one here is over {here}: the log's end was cut off, or an older copy of it was put in its place"
    )]
    Shorter {
        /// The witness.
        place: String,
        /// Records that it knows of.
        known: u64,
        /// Records that are signed here.
        here: u64,
    },
    /// A witness knows another log.
    #[error("{place} knows a checkpoint over {known} records that is not of this log: {why}")]
    Other {
        /// The witness.
        place: String,
        /// Records that it knows of.
        known: u64,
        /// What is wrong.
        why: String,
    },
    /// A witness knows a later epoch.
    #[error(
        "{place} knows epoch {known} of the log, and this is epoch {here}: it is a copy from before somebody went on without a part of it, and another has gone on since"
    )]
    Later {
        /// The witness.
        place: String,
        /// The epoch that it knows.
        known: u64,
        /// The epoch that this is.
        here: u64,
    },
    /// A witness knows more of an earlier epoch than was given up.
    #[error(
        "{place} knows a checkpoint over {known} records from before somebody went on without a part of the log, and nobody knew then of more than {given_up}"
    )]
    NotGivenUp {
        /// The witness.
        place: String,
        /// Records that it knows of.
        known: u64,
        /// Records that were known of when the epoch began.
        given_up: u64,
    },
    /// A witness's note can't be read.
    #[error("the checkpoint in {place} is not to be trusted: {why}")]
    Witness {
        /// The witness.
        place: String,
        /// What is wrong.
        why: String,
    },
}

/// A checkpoint that was found in the log.
pub(crate) struct Last {
    pub checkpoint: Checkpoint,
    pub edge: Edge,
}

impl NotAsSigned {
    /// Whether the log by itself is as it was signed, and only less than another place knows.
    pub fn is_loss(&self) -> bool {
        matches!(self, Self::Shorter { .. } | Self::Other { .. } | Self::Later { .. } | Self::NotGivenUp { .. })
    }
}

/// Looks what the log is. Where a new epoch is to begin, what witnesses know and the log does not is what is given up, and no error.
pub(crate) fn resume(
    folder: &Path,
    segments: &BTreeMap<u16, Vec<SegmentName>>,
    signing: &Signing,
) -> Result<Standing, NotAsSigned> {
    let first = segments.get(&0).map(Vec::as_slice).unwrap_or_default();
    let last = last_checkpoint(folder, first, &signing.trusted, |_| true)?;
    let (mut all_known, mut unheard) = (Vec::new(), Vec::new());
    for witness in &signing.witnesses {
        let place = witness.place();
        let note = match witness.last() {
            Ok(note) => note,
            Err(error) if witness.is_far() => {
                tracing::warn!(
                    place,
                    error,
                    "the last checkpoint that is kept here cannot be read, so the log is opened without it; it is looked at before it is written over"
                );
                unheard.push(place);
                continue;
            }
            Err(why) => return Err(NotAsSigned::Witness { place, why }),
        };
        let Some(note) = note else { continue };
        let checkpoint = Checkpoint::open(&note, &signing.trusted)
            .map_err(|error| NotAsSigned::Witness { place: place.clone(), why: error.to_string() })?;
        let known = Known::of(&place, &checkpoint);
        let had = match known.is_had(last.as_ref().map(|last| &last.checkpoint)) {
            Some(had) => had,
            None => {
                has(folder, first, &signing.trusted, last.as_ref().map(|last| &last.checkpoint), &checkpoint, place)?
            }
        };
        if signing.new_epoch.is_none() {
            had?;
        }
        all_known.push(known);
    }
    let mut standing = Standing::default();
    let last_signed = last.as_ref().map(|last| last.checkpoint.clone());
    if let Some(Last { checkpoint, edge }) = last {
        if signing.new_epoch.is_some() {
            standing.epoch = epoch::next(Some(&checkpoint), &all_known);
        } else {
            standing.epoch = checkpoint.epoch;
        }
        standing = Standing { tree: edge, lanes: checkpoint.lanes, ..standing };
    } else if signing.new_epoch.is_some() {
        standing.epoch = epoch::next(None, &all_known);
    }
    standing.known = all_known;
    if !unheard.is_empty() {
        standing.doubt =
            Some(Doubt { places: unheard, check: doubt(folder, first, signing, last_signed, standing.epoch) });
    }
    let (signed, was_signed) = (standing.lanes.clone(), !standing.lanes.is_empty());
    if let Some(lane) = signed.keys().find(|lane| !segments.contains_key(lane)) {
        return Err(NotAsSigned::Lane { lane: *lane, why: "it is not there".to_owned() });
    }
    for (lane, segments) in segments {
        let from = signed.get(lane).copied().unwrap_or(Place::START);
        let mut grow = |place: Place, is_own: bool| {
            standing.taken_over = standing.taken_over.saturating_add(u64::from(was_signed && !is_own));
            standing.tree.push(leaf(&place.hash));
            standing.lanes.insert(*lane, place);
            standing.grown = true;
        };
        after(folder, segments, from, &mut grow)?
            .map_err(|why| NotAsSigned::Lane { lane: *lane, why: why.to_owned() })?;
    }
    Ok(standing)
}

/// Places that could not be asked, and what is asked of what is found there later.
#[derive(Clone)]
pub(crate) struct Doubt {
    pub places: Vec<String>,
    pub check: Check,
}

impl fmt::Debug for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Doubt({:?})", self.places)
    }
}

/// Holds a note against the log as it is now. What it grows by later is no answer to what was known elsewhere before.
fn doubt(
    folder: &Path,
    first: &[SegmentName],
    signing: &Signing,
    last: Option<Checkpoint>,
    epoch: epoch::Epoch,
) -> Check {
    let (folder, first, trusted) = (folder.to_owned(), first.to_vec(), signing.trusted.clone());
    let last = last.map(|last| Checkpoint { epoch, ..last });
    Arc::new(move |note| {
        let place = "this place".to_owned();
        let found = Checkpoint::open(note, &trusted).map_err(|error| error.to_string())?;
        let had = match Known::of(&place, &found).is_had(last.as_ref()) {
            Some(had) => had,
            None => has(&folder, &first, &trusted, last.as_ref(), &found, place).map_err(|error| error.to_string())?,
        };
        had.map_err(|what| format!("nothing is written over there, because {what}"))
    })
}

/// Whether the log has this checkpoint, which is not larger than its last one. The outer error is one of reading it.
fn has(
    folder: &Path,
    first: &[SegmentName],
    trusted: &Keyring,
    last: Option<&Checkpoint>,
    known: &Checkpoint,
    place: String,
) -> Result<Result<(), NotAsSigned>, NotAsSigned> {
    let same = match last {
        Some(last) if last.size == known.size => Some(last.root),
        _ => last_checkpoint(folder, first, trusted, |found| found.size <= known.size)?
            .filter(|found| found.checkpoint.size == known.size)
            .map(|found| found.checkpoint.root),
    };
    let why = match same {
        Some(root) if root == known.root => return Ok(Ok(())),
        Some(_) => "the one over as many records here has another root",
        None => "there is none over as many records here",
    };
    Ok(Err(NotAsSigned::Other { place, known: known.size, why: why.to_owned() }))
}

/// The last checkpoint in these segments of lane 0 that is wanted.
pub(crate) fn last_checkpoint(
    folder: &Path,
    segments: &[SegmentName],
    keys: &Keyring,
    is_wanted: impl Fn(&Checkpoint) -> bool,
) -> Result<Option<Last>, NotAsSigned> {
    for name in segments.iter().rev() {
        let wrong = |why: String| NotAsSigned::Checkpoint { segment: name.to_string(), why };
        let mut last = None;
        let Ok(opened) = open_segment(folder, *name)? else { continue };
        let mut walk = opened.walk;
        while let Step::Record(record) = walk.step()? {
            if !record.chained {
                break;
            }
            let Some(found) = Found::read(record.payload) else { continue };
            let found = found.map_err(wrong)?;
            // Those that are followed by another need not be checked here. One that can't be read is wanted: it is told then.
            if Checkpoint::unchecked(&found.note).map_or(true, |checkpoint| is_wanted(&checkpoint)) {
                last = Some(found);
            }
        }
        let Some(found) = last else { continue };
        let checkpoint = Checkpoint::open(&found.note, keys).map_err(|error| wrong(error.to_string()))?;
        let edge = found.edge(&checkpoint).ok_or_else(|| wrong("its edge does not make its root".to_owned()))?;
        return Ok(Some(Last { checkpoint, edge }));
    }
    Ok(None)
}

/// Gives each record of a lane after this one, and whether it is the log's own, as far as the lane is sound. The inner error says why it is not the same lane.
fn after(
    folder: &Path,
    segments: &[SegmentName],
    from: Place,
    take: &mut impl FnMut(Place, bool),
) -> io::Result<Result<(), &'static str>> {
    let skipped = segments.iter().rposition(|name| name.first <= from.seq).unwrap_or(0);
    let (mut at, mut met) = (None, from == Place::START);
    for name in segments.iter().skip(skipped) {
        // What is damaged after what was signed is told by who opens the log, and stays where it is.
        let Ok(opened) = open_segment(folder, *name)? else { continue };
        let before = Place { seq: opened.header.previous_seq, hash: opened.header.previous };
        if at.is_some_and(|at| at != before) {
            return Ok(Err("a segment does not continue the one before"));
        }
        let header = Place { seq: opened.header.seq, hash: opened.hash };
        let mut walk = opened.walk;
        let (mut place, mut is_own) = (header, true);
        loop {
            match place.seq.cmp(&from.seq) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal if place == from => met = true,
                std::cmp::Ordering::Equal => return Ok(Err("the record that it names has another hash")),
                std::cmp::Ordering::Greater if met => take(place, is_own),
                std::cmp::Ordering::Greater => return Ok(Err("the record that it names is missing")),
            }
            at = Some(place);
            let Step::Record(record) = walk.step()? else { break };
            let seq = from_slice::<Numbered>(record.payload).map(|numbered| numbered.seq).ok();
            let next = place.seq.saturating_add(1);
            if !record.chained || seq != Some(next) {
                break;
            }
            (place, is_own) = (Place { seq: next, hash: record.hash }, is_of_the_log(record.payload));
        }
    }
    Ok(if met { Ok(()) } else { Err("the record that it names is missing") })
}

/// Whether a record is none that was given to the log: a header, a seal, a checkpoint.
fn is_of_the_log(payload: &[u8]) -> bool {
    peek(payload).is_some_and(|(_, kind)| matches!(kind, HEADER_EVENT | SEAL_EVENT | CHECKPOINT_EVENT))
}
