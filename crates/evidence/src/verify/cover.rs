//! What was signed, held against what is there: the tree is grown anew from all lanes, in the order that checkpoints say.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::Receiver;

use super::lane_check::{Passed, Signed};
use super::{Fault, Report, Trust};
use crate::checkpoint::Checkpoint;
use crate::epoch::Epoch;
use crate::format::Place;
use crate::lane::UNSIGNED_MAX;
use crate::note::{Keyring, VerifyKey};
use crate::resume::Last;
use crate::tree::{Edge, leaf};

/// How long the log may go on after its last checkpoint before it is said: sixty times as long as it ever should.
const UNSIGNED_MICROS_USUAL: u64 = 60_000_000;

/// A lane's records as they come.
struct Feed {
    from: Receiver<Vec<Passed>>,
    waiting: VecDeque<Passed>,
    /// The last that was taken.
    at: Place,
}

impl Feed {
    /// The next record, if there is one.
    fn peek(&mut self) -> Option<&Passed> {
        while self.waiting.is_empty() {
            self.waiting.extend(self.from.recv().ok()?);
        }
        self.waiting.front()
    }

    fn next(&mut self) -> Option<Passed> {
        self.peek()?;
        self.waiting.pop_front()
    }

    /// The next record, if its number is not beyond this one.
    fn next_until(&mut self, seq: u64) -> Option<Place> {
        let place = self.peek().map(|passed| passed.place).filter(|place| place.seq <= seq)?;
        self.waiting.pop_front();
        self.at = place;
        Some(place)
    }
}

/// The log as its checkpoints tell it.
pub(super) struct Cover<'a, F> {
    trust: Option<&'a Trust>,
    /// Who may sign now: who was trusted, until a checkpoint of theirs has said who follows.
    signers: Keyring,
    /// Keys that were not trusted before, and that such a checkpoint has named.
    introduced: Vec<VerifyKey>,
    epoch: Epoch,
    /// Is given each leaf: its index, its lane and its record.
    each: F,
    feeds: BTreeMap<u16, Feed>,
    tree: Edge,
    /// Records of lane 0 that were passed on the way to a checkpoint, and are not covered by one before it.
    ahead: VecDeque<Place>,
    /// Where lane 0 was covered to.
    first: Place,
    /// The checkpoint that it begins with: what that is over is not read.
    begin: Option<Checkpoint>,
    /// The last checkpoint, and its note.
    last: Option<(String, Checkpoint)>,
    count: u64,
    unsigned: u64,
    faults: Vec<Fault>,
    faults_more: u64,
    /// Where epochs began, from the second on.
    epochs: Vec<Fault>,
    /// Notes of witnesses that no key which is trusted so far has signed.
    untrusted: Vec<(String, String)>,
    /// What witnesses know and was not met yet.
    witnessed: Vec<(String, Checkpoint)>,
}

impl<'a, F: FnMut(u64, u16, Place)> Cover<'a, F> {
    pub fn new(trust: Option<&'a Trust>, begin: Option<Last>, each: F) -> Self {
        let (tree, begin) = begin.map_or((Edge::default(), None), |begin| (begin.edge, Some(begin.checkpoint)));
        let mut cover = Self {
            trust,
            signers: trust.map(|trust| trust.keys.clone()).unwrap_or_default(),
            introduced: Vec::new(),
            epoch: begin.as_ref().map(|begin| begin.epoch).unwrap_or_default(),
            each,
            feeds: BTreeMap::new(),
            tree,
            ahead: VecDeque::new(),
            first: begin.as_ref().and_then(|begin| begin.lanes.get(&0).copied()).unwrap_or(Place::START),
            begin,
            last: None,
            count: 0,
            unsigned: 0,
            faults: Vec::new(),
            faults_more: 0,
            epochs: Vec::new(),
            untrusted: Vec::new(),
            witnessed: Vec::new(),
        };
        for (place, note, opened) in trust
            .iter()
            .flat_map(|trust| trust.witnessed.iter().map(|known| (&trust.keys, known)))
            .map(|(keys, (place, note))| (place, note, Checkpoint::open(note, keys)))
        {
            match opened {
                Ok(checkpoint) => cover.witnessed.push((place.clone(), checkpoint)),
                // A key that is named later may have signed it.
                Err(_) => cover.untrusted.push((place.clone(), note.clone())),
            }
        }
        cover.sort();
        cover
    }

    fn sort(&mut self) {
        self.witnessed.sort_by_key(|(_, checkpoint)| (checkpoint.epoch.number, checkpoint.size));
    }

    /// From here on this key signs alone.
    fn introduce(&mut self, next: &VerifyKey) {
        if self.trust.is_some_and(|trust| !trust.keys.keys().contains(next)) && !self.introduced.contains(next) {
            self.introduced.push(next.clone());
        }
        self.signers = Keyring::of([next.clone()]);
        for (place, note) in std::mem::take(&mut self.untrusted) {
            match Checkpoint::open(&note, &self.signers) {
                Ok(checkpoint) => self.witnessed.push((place, checkpoint)),
                Err(_) => self.untrusted.push((place, note)),
            }
        }
        self.sort();
    }

    /// Adds a lane. Says whether it may be read from its middle on.
    pub fn add(&mut self, lane: u16, from: Receiver<Vec<Passed>>) -> bool {
        let at = self.begin.as_ref().and_then(|begin| begin.lanes.get(&lane).copied());
        self.feeds.insert(lane, Feed { from, waiting: VecDeque::new(), at: at.unwrap_or(Place::START) });
        at.is_some()
    }

    /// Goes over what the first checkpoint is over.
    fn skip(&mut self) {
        let Some(begin) = self.begin.clone() else { return };
        for (lane, head) in &begin.lanes {
            let Some(feed) = self.feeds.get_mut(lane) else {
                self.fault(Fault::of_lane(*lane, "it is not there".to_owned()));
                continue;
            };
            let mut met = None;
            while let Some(place) = feed.next_until(head.seq) {
                met = Some(place);
            }
            if met != Some(*head) {
                let what =
                    format!("record {} is not the one that the checkpoint over {} records names", head.seq, begin.size);
                self.fault(Fault::of_lane(*lane, what));
            }
        }
    }

    /// Takes all lanes to their ends.
    pub fn run(&mut self) {
        self.skip();
        while let Some(passed) = self.feeds.get_mut(&0).and_then(Feed::next) {
            if let Some(signed) = passed.checkpoint {
                self.checkpoint(&signed, passed.place);
            }
            self.ahead.push_back(passed.place);
        }
        let ahead = u64::try_from(self.ahead.len()).unwrap_or(u64::MAX);
        let mut unsigned = ahead;
        for feed in self.feeds.values_mut() {
            while feed.next().is_some() {
                unsigned = unsigned.saturating_add(1);
            }
        }
        self.unsigned = unsigned;
    }

    fn checkpoint(&mut self, Signed { found, segment, offset }: &Signed, place: Place) {
        let fault = |what: String| Fault {
            lane: Some(0),
            segment: Some(segment.to_string()),
            offset: Some(*offset),
            seq: Some(place.seq),
            what,
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => return self.fault(fault(format!("the checkpoint cannot be read: {error}"))),
        };
        let opened = match self.trust {
            Some(_) => Checkpoint::open(&found.note, &self.signers),
            None => Checkpoint::unchecked(&found.note),
        };
        let checkpoint = match opened {
            Ok(checkpoint) => checkpoint,
            Err(error) => return self.fault(fault(format!("the checkpoint is not to be trusted: {error}"))),
        };
        // Those before the one that it begins with are over what is not read.
        if self.begin.as_ref().is_some_and(|begin| begin.size > checkpoint.size) {
            return;
        }
        let mut wrong = Vec::new();
        for (lane, head) in &checkpoint.lanes {
            let reached = if *lane == 0 { self.take_first(*head) } else { self.take(*lane, *head) };
            if reached != Some(*head) {
                wrong.push(format!("record {} of lane {lane} is not the one that it names", head.seq));
            }
        }
        if self.tree.size() != checkpoint.size {
            wrong.push(format!("it is over {} records, and {} are here", checkpoint.size, self.tree.size()));
        } else if self.tree.root() != checkpoint.root {
            wrong.push("the records that it is over are not those that are here".to_owned());
        }
        if self.last.as_ref().is_some_and(|(_, last)| last.size > checkpoint.size) {
            wrong.push("it is over fewer records than the one before".to_owned());
        }
        if self.epoch.number > checkpoint.epoch.number {
            wrong.push("it is of an earlier epoch than the one before".to_owned());
        } else if self.epoch.number == checkpoint.epoch.number && self.epoch != checkpoint.epoch {
            wrong.push("it says of its epoch something else than the one before".to_owned());
        }
        if wrong.is_empty() {
            self.count = self.count.saturating_add(1);
        } else {
            let since = self.last.as_ref().map_or(0, |(_, last)| last.size);
            let what = format!(
                "the checkpoint does not fit what was written after record {since} of the tree: {}",
                wrong.join("; ")
            );
            self.fault(fault(what));
            // What comes after it can still be told by its own edge.
            if let Some(edge) = found.edge(&checkpoint) {
                self.tree = edge;
            }
        }
        if checkpoint.epoch.number > self.epoch.number {
            self.begun(&checkpoint, fault(String::new()));
        }
        if let Some(next) = &checkpoint.introduces {
            self.introduce(next);
        }
        self.meet(&checkpoint);
        self.last = Some((found.note.clone(), checkpoint));
    }

    /// Takes records of lane 0 up to one. Says where that came to.
    fn take_first(&mut self, head: Place) -> Option<Place> {
        while let Some(place) = self.ahead.front().copied().filter(|place| place.seq <= head.seq) {
            self.ahead.pop_front();
            (self.each)(self.tree.size(), 0, place);
            self.tree.push(leaf(&place.hash));
            self.first = place;
        }
        Some(self.first)
    }

    fn take(&mut self, lane: u16, head: Place) -> Option<Place> {
        let feed = self.feeds.get_mut(&lane)?;
        while let Some(place) = feed.next_until(head.seq) {
            (self.each)(self.tree.size(), lane, place);
            self.tree.push(leaf(&place.hash));
        }
        Some(feed.at)
    }

    /// Notes that a new epoch begins, and what was given up for it.
    fn begun(&mut self, checkpoint: &Checkpoint, at: Fault) {
        let Epoch { number, given_up } = checkpoint.epoch;
        let had = self.last.as_ref().map_or(0, |(_, last)| last.size);
        let lost = match given_up.saturating_sub(had) {
            0 => "nothing that was signed was known to be missing".to_owned(),
            lost => format!("up to {lost} records that had been signed are not here"),
        };
        let what = format!("epoch {number} begins, because somebody said that the log is to go on: {lost}");
        self.epochs.push(Fault { what, ..at });
        self.epoch = checkpoint.epoch;
    }

    /// Holds what witnesses know against a checkpoint.
    fn meet(&mut self, checkpoint: &Checkpoint) {
        let upto = (checkpoint.epoch.number, checkpoint.size);
        let passed = self.witnessed.iter().take_while(|(_, known)| (known.epoch.number, known.size) <= upto).count();
        for (place, known) in self.witnessed.drain(..passed).collect::<Vec<_>>() {
            if known.size == checkpoint.size && known.root == checkpoint.root {
                continue;
            }
            let (size, epoch, now) = (known.size, known.epoch.number, checkpoint.epoch.number);
            let why = match epoch == now {
                true => "this is another one, or it was written anew".to_owned(),
                false => format!("it was lost before epoch {now} began, and somebody went on without it"),
            };
            self.fault(Fault::of_all(format!(
                "{place} knows a checkpoint over {size} records of epoch {epoch} that is not in this log: {why}"
            )));
        }
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < super::FAULTS_MAX {
            self.faults.push(fault);
        } else {
            self.faults_more = self.faults_more.saturating_add(1);
        }
    }

    /// The last checkpoint with its note, and the first fault.
    pub fn ended(mut self) -> (Option<(String, Checkpoint)>, Option<Fault>) {
        self.distrust();
        (self.last, self.faults.into_iter().next())
    }

    /// Says which notes of witnesses nobody who is trusted has signed.
    fn distrust(&mut self) {
        for (place, note) in std::mem::take(&mut self.untrusted) {
            let Some(trust) = self.trust else { continue };
            let keys = Keyring::of(trust.keys.keys().iter().chain(self.signers.keys()).cloned());
            if let Err(error) = Checkpoint::open(&note, &keys) {
                self.fault(Fault::of_all(format!("the checkpoint in {place} is not to be trusted: {error}")));
            }
        }
    }

    /// Says what was found.
    pub fn finish(mut self, report: &mut Report) {
        self.distrust();
        let here = self.last.as_ref().map_or(0, |(_, last)| last.size);
        for (place, known) in std::mem::take(&mut self.witnessed) {
            if known.epoch.number > self.epoch.number {
                self.fault(Fault::of_all(format!(
                    "{place} knows epoch {} of the log, and this is epoch {}: it is an older copy",
                    known.epoch.number, self.epoch.number
                )));
                continue;
            }
            self.fault(Fault::of_all(format!(
                "{place} knows a checkpoint over {} records, and the last one here is over {here}: the log's end was cut off, or an older copy of it was put in its place",
                known.size
            )));
        }
        let lanes = u64::try_from(report.lanes).unwrap_or(u64::MAX);
        let unsigned_max = u64::try_from(UNSIGNED_MAX).unwrap_or(u64::MAX).saturating_mul(lanes);
        if self.trust.is_some() && self.last.is_none() && report.records > 0 {
            self.fault(Fault::of_all(
                "there is no checkpoint that can be trusted: it was never signed, or they were taken out".to_owned(),
            ));
        } else if self.last.is_some() && self.unsigned > unsigned_max {
            self.fault(Fault::of_all(format!("{} records after the last checkpoint are not signed", self.unsigned)));
        } else if let Some(((_, last), end)) = self.last.as_ref().zip(report.last)
            && end.0.saturating_sub(last.at.0) > UNSIGNED_MICROS_USUAL
        {
            let what = "records were written for more than a minute after the last checkpoint, and are not signed";
            report.warnings.push(Fault::of_all(what.to_owned()));
        }
        // Several are trusted, and nothing here says which of them signs now.
        if let Some((newest, _)) =
            self.signers.keys().split_last().filter(|(_, older)| !older.is_empty() && self.begin.is_none())
        {
            let what = format!(
                "no checkpoint names {newest} as the key that follows: it does not sign yet, or this log ends before it did"
            );
            report.warnings.push(Fault::of_all(what));
        }
        report.warnings.append(&mut self.epochs);
        report.introduced = self.introduced;
        self.faults.into_iter().for_each(|fault| report.fault(fault));
        report.faults_unlisted = report.faults_unlisted.saturating_add(self.faults_more);
        (report.checkpoints, report.signed, report.unsigned) =
            (self.count, self.last.map(|(_, last)| last), self.unsigned);
    }
}
