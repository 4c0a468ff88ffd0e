//! Who makes checkpoints: a thread that takes from each lane what it has written, grows the tree by it, signs, and appends the
//! checkpoint to lane 0. What it signed goes to the witnesses once the disk has it, at most once a second.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use gate::{EpochBegan, Event, Record};
use model::UnixMicros;

use crate::checkpoint::{Checkpoint, Written};
use crate::epoch::{Epoch, Known, NewEpoch};
use crate::format::{Place, SegmentName};
use crate::lane::{Fresh, Lane, now};
use crate::meter::{SignerGauge, count};
use crate::note::{Keyring, SigningKey, VerifyKey};
use crate::resume::Doubt;
use crate::tree::{Edge, leaf};
use crate::witness::Witness;

/// The longest that a record waits for a checkpoint.
pub(crate) const SIGN_WAIT: Duration = Duration::from_secs(1);
/// The most records between two checkpoints, about: that is shared out among the lanes.
pub(crate) const SIGN_RECORDS: usize = 1000;

/// With what a log is signed, and who is told.
pub struct Signing {
    /// The key that signs.
    pub key: SigningKey,
    /// The key that is to sign from now on. The next checkpoint is signed by both, and says so; those after it by this one alone.
    pub next: Option<SigningKey>,
    /// All that it was ever signed with, and the next.
    pub trusted: Keyring,
    /// Who is told of checkpoints. They are asked when the log is opened, and one that knows more than the log has keeps it closed.
    pub witnesses: Vec<Box<dyn Witness>>,
    /// That it is opened in a new epoch, whatever witnesses know.
    pub new_epoch: Option<NewEpoch>,
}

impl Signing {
    /// With one key, and nobody told.
    pub fn by(key: SigningKey) -> Self {
        let trusted = Keyring::of([key.public().clone()]);
        Self { key, next: None, trusted, witnesses: Vec::new(), new_epoch: None }
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signing({:?})", self.trusted)
    }
}

/// What the log is, as far as it was read or signed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    pub tree: Edge,
    pub lanes: BTreeMap<u16, Place>,
    /// Whether the tree has leaves that no checkpoint covers.
    pub grown: bool,
    pub epoch: Epoch,
    /// What witnesses said when it was read.
    pub known: Vec<Known>,
    /// Records that were there after the last checkpoint when it was read.
    pub taken_over: u64,
    /// Places that could not be asked.
    pub doubt: Option<Doubt>,
}

impl Standing {
    /// The record that says what was there unsigned, if anything was: a killed process leaves that, and so does who puts something there meanwhile.
    pub fn taken(&self) -> Option<Record> {
        let detail = match self.taken_over {
            0 => return None,
            1 => "1 record".to_owned(),
            count => format!("{count} records"),
        };
        let detail = format!(
            "{detail} after the last checkpoint were not signed when Weir started: they are as they were found"
        );
        let event = Event::Noticed { what: "found_unsigned", detail };
        Some(Record { at: UnixMicros(now()), session: None, event })
    }

    /// The record that the epoch which it stands in begins with.
    pub fn begun(&self, new: NewEpoch) -> Record {
        let Epoch { number, given_up } = self.epoch;
        let known = self.known.iter().map(|known| {
            let Known { place, epoch, size } = known;
            format!("{place}: {size} records of epoch {}", epoch.number)
        });
        let NewEpoch { by, why } = new;
        let event = Event::EpochBegan(EpochBegan { epoch: number, given_up, known: known.collect(), by, why });
        Record { at: UnixMicros(now()), session: None, event }
    }
}

/// A checkpoint that is to be told.
struct Untold {
    note: String,
    /// The witnesses that may lack it, by their numbers.
    lacking: BTreeSet<usize>,
}

/// The signer of a log.
pub(crate) struct Signer {
    signing: Signing,
    standing: Standing,
    /// Records that the next look at lane 0 finds and that are its own.
    own: usize,
    /// Segments that may not be on the disk yet.
    unsynced: BTreeSet<SegmentName>,
    /// The last checkpoint, as long as a witness may lack it.
    untold: Option<Untold>,
    told: Option<Instant>,
    gauge: Arc<SignerGauge>,
}

impl Signer {
    /// `last` are the segments that each lane ended with: who wrote them may not have brought them to the disk.
    pub fn new(signing: Signing, standing: Standing, last: BTreeSet<SegmentName>) -> Self {
        Self { signing, standing, own: 0, unsynced: last, untold: None, told: None, gauge: Arc::default() }
    }

    /// What it says of itself.
    pub fn gauge(&self) -> &Arc<SignerGauge> {
        &self.gauge
    }

    /// Whether something is not signed.
    pub fn is_behind(&self) -> bool {
        self.standing.grown
    }

    /// What signs now.
    pub fn key(&self) -> &VerifyKey {
        self.signing.key.public()
    }

    /// Signs what is new, if anything is. Says whether nothing is left to do.
    pub fn sign(&mut self, lanes: &[Arc<Lane>], is_last: bool) -> bool {
        // What is in the tree is signed before it grows: the order of leaves is that of one checkpoint after the other.
        let mut signed = self.append(lanes);
        let mut rest = true;
        while signed && rest {
            rest = self.take(lanes);
            signed = self.append(lanes);
            self.tell(lanes, is_last && !rest);
        }
        self.tell(lanes, is_last);
        signed && self.untold.is_none()
    }

    /// Takes what one checkpoint is to cover. Says whether more is there.
    fn take(&mut self, lanes: &[Arc<Lane>]) -> bool {
        let (mut leaves, mut fresh, mut more) = (Vec::new(), 0_usize, false);
        let most = SIGN_RECORDS.checked_div(lanes.len()).unwrap_or(SIGN_RECORDS).max(2);
        for (number, lane) in (0..).zip(lanes) {
            let Fresh { last, segments, rest } = lane.take_leaves(&mut leaves, most);
            more |= rest > 0;
            self.unsynced.extend(segments);
            fresh = fresh.saturating_add(leaves.len());
            leaves.drain(..).for_each(|record| self.standing.tree.push(leaf(&record)));
            self.standing.lanes.insert(number, last);
        }
        self.standing.grown = fresh > self.own;
        self.gauge.taken.store(count(fresh.saturating_sub(self.own)), Ordering::Relaxed);
        self.own = 0;
        self.gauge.own.store(0, Ordering::Relaxed);
        more
    }

    /// Appends a checkpoint of the tree as it is, if it has grown since the one before.
    fn append(&mut self, lanes: &[Arc<Lane>]) -> bool {
        let Some(first) = lanes.first().filter(|_| self.standing.grown) else { return true };
        let (at, Standing { tree, lanes, epoch, .. }) = (now(), &self.standing);
        let Signing { key, next, .. } = &self.signing;
        let checkpoint = Checkpoint {
            origin: key.public().name().to_owned(),
            size: tree.size(),
            root: tree.root(),
            at: UnixMicros(at),
            epoch: *epoch,
            introduces: next.as_ref().map(|next| next.public().clone()),
            lanes: lanes.clone(),
        };
        let keys: Vec<&SigningKey> = [Some(key), next.as_ref()].into_iter().flatten().collect();
        let note = checkpoint.sign(&keys);
        if let Err(error) = first.append_own(&Written::new(at, &note, tree)) {
            tracing::error!(%error, "a checkpoint of the log could not be written");
            return false;
        }
        if let Some(next) = self.signing.next.take() {
            tracing::info!(key = %next.public(), "the log is signed by another key from here on");
            self.signing.key = next;
        }
        self.standing.grown = false;
        self.own = self.own.saturating_add(1);
        self.gauge.own.store(count(self.own), Ordering::Relaxed);
        self.gauge.taken.store(0, Ordering::Relaxed);
        self.gauge.checkpoint_at.store(at, Ordering::Relaxed);
        self.untold = Some(Untold { note, lacking: (0..self.signing.witnesses.len()).collect() });
        true
    }

    /// Tells the witnesses of the last checkpoint.
    fn tell(&mut self, lanes: &[Arc<Lane>], is_last: bool) {
        let is_early = self.told.is_some_and(|told| told.elapsed() < SIGN_WAIT);
        if self.signing.witnesses.is_empty() {
            self.untold = None;
            self.unsynced.clear();
        }
        let Some(Untold { note, mut lacking }) = self.untold.take_if(|_| is_last || !is_early) else { return };
        self.told = Some(Instant::now());
        // A witness must not know of what a lost power takes away.
        if let Err(error) = self.sync(lanes) {
            tracing::error!(%error, "the log could not be brought to the disk, so nobody is told of its last checkpoint");
            self.untold = Some(Untold { note, lacking });
            return;
        }
        for (number, witness) in self.signing.witnesses.iter_mut().enumerate() {
            if !lacking.contains(&number) {
                continue;
            }
            let place = witness.place();
            match witness.publish(&note) {
                Ok(()) => {
                    if self.gauge.deaf.lock().remove(&place).is_some() {
                        tracing::info!(place, "checkpoints of the log are kept here again");
                    }
                    if witness.is_settled() {
                        lacking.remove(&number);
                    }
                }
                Err(error) => {
                    if self.gauge.deaf.lock().insert(place.clone(), error.clone()).is_none() {
                        tracing::error!(place, error, "a checkpoint of the log could not be kept here");
                    }
                }
            }
        }
        // The next checkpoint is as good as this one.
        self.untold = (!lacking.is_empty()).then_some(Untold { note, lacking });
    }

    fn sync(&mut self, lanes: &[Arc<Lane>]) -> io::Result<()> {
        let Some(first) = lanes.first() else { return Ok(()) };
        first.sync_segments(&self.unsynced)?;
        self.unsynced.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
