//! Who uses which target, and how much of it: learned from the records of the log, one after the other.
//!
//! * **First use**: somebody is let in to a target to which the log has never let them in.
//! * **Unusual volume**: in one clock hour (UTC) somebody was shown at least [`Rules::rows_min`] rows of a target, and more than
//!   [`Rules::factor`] times as many as in any earlier hour of that day and of the seven days before. Who has no such hour has 0, so that after a
//!   week away `rows_min` alone decides.
//! * **Who is new** has nothing to be measured by: for the first 24 hours the most that anybody was shown of the target in an hour of the seven
//!   days before counts as well. And a target that is new has nobody to be measured by: of its first 24 hours no volume is unusual.
//!
//! What is older than the moment at which this began to look is learned from and says nothing. What is found waits until whoever keeps the log has it in
//! there ([`Usage::pending`], [`Usage::settle`]); and a finding that the log has already, because a process ended between the two, is not found again ([`Seen::Said`]).

mod hours;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::{Micros, What};
use hours::{DAY, Hours, Peaks, hour_of};

/// The most first uses that are said of one hour; those beyond are counted, and the number is said.
pub const FIRST_USES_AN_HOUR_MAX: u32 = 20;
/// The same of unusual volumes.
pub const UNUSUAL_AN_HOUR_MAX: u32 = 20;
/// The most pairs of principal and target that are remembered. Beyond, the one that was used least lately is forgotten.
pub const PAIRS_MAX: usize = 20_000;
/// The most open sessions that are told apart. Of those beyond no rows are counted.
pub const SESSIONS_MAX: usize = 50_000;
/// Hours by which what was said of an hour may be ahead of the clock: by more a clock was wrong, and is not let to keep this silent.
const BUDGET_AHEAD_MAX: u64 = 1;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether first uses are.
    pub first_use: bool,
    /// Whether unusual volumes are.
    pub unusual_volume: bool,
    /// How many times as much as ever is unusual.
    pub factor: u64,
    /// How many rows in an hour are unusual at the least.
    pub rows_min: u64,
}

/// What a record of the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// Weir started: no session of before is open.
    Started,
    /// A session began.
    Admitted {
        /// When.
        at: Micros,
        /// Its id.
        session: &'a str,
        /// Who.
        principal: &'a str,
        /// Where.
        target: &'a str,
    },
    /// Something in it ended.
    Ended {
        /// When.
        at: Micros,
        /// The session's id.
        session: &'a str,
        /// Rows that were shown.
        rows: u64,
    },
    /// It is over.
    Closed {
        /// Its id.
        session: &'a str,
    },
    /// An alert that was found here before.
    Said(Key<'a>),
}

/// What a finding is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// What was found.
    pub what: What,
    /// Of whom.
    pub principal: Option<&'a str>,
    /// And where.
    pub target: Option<&'a str>,
    /// Since when.
    pub since: Micros,
}

/// Something to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub what: What,
    /// Of whom. None if it is of several.
    pub principal: Option<String>,
    /// And where.
    pub target: Option<String>,
    /// The session in which it was seen.
    pub session: Option<String>,
    /// The moment of a first use; the beginning of the hour of a volume.
    pub since: Micros,
    /// In words.
    pub detail: String,
}

/// What was written of it can't be read.
#[derive(Debug)]
pub struct Unreadable(pub String);

/// What is known so far.
#[derive(Debug)]
pub struct Usage {
    rules: Rules,
    /// What is older than this is learned from.
    since: Micros,
    /// By target, then principal.
    pairs: BTreeMap<String, BTreeMap<String, Pair>>,
    count: usize,
    /// What is known of each target: as many as the configuration has had. None is forgotten, so that nobody can make one new by a flood of others.
    targets: BTreeMap<String, Known>,
    /// Principal and target of each open session.
    sessions: HashMap<String, (String, String)>,
    first_uses: Budget,
    volumes: Budget,
    pending: Vec<Finding>,
    said: Vec<Finding>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Pair {
    /// When it was first used. 0 if that was before this was kept.
    #[serde(default)]
    first: Micros,
    /// When it was last used.
    last: Micros,
    hours: Hours,
    /// The last hour that was said to be unusual.
    said: u64,
}

/// A target, whoever uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// When somebody was first let in to it. 0 if that was before this was kept.
    first: Micros,
    peaks: Peaks,
}

/// How much has been said of one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Budget {
    hour: u64,
    said: u32,
    held: u64,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    since: Micros,
    pairs: Vec<(String, String, Pair)>,
    #[serde(default)]
    targets: BTreeMap<String, Known>,
    sessions: Vec<(String, String, String)>,
    first_uses: Budget,
    volumes: Budget,
}

impl Usage {
    /// Nothing is known yet. What is older than `since` says nothing.
    pub fn new(rules: Rules, since: Micros) -> Self {
        Self {
            rules,
            since,
            pairs: BTreeMap::new(),
            count: 0,
            targets: BTreeMap::new(),
            sessions: HashMap::new(),
            first_uses: Budget::default(),
            volumes: Budget::default(),
            pending: Vec::new(),
            said: Vec::new(),
        }
    }

    /// What was known when this was written. What was to be said only of a time that is still to come, by a clock that was ahead, is said from now on.
    pub fn read(rules: Rules, json: &str, now: Micros) -> Result<Self, Unreadable> {
        let written: Written = serde_json::from_str(json).map_err(|error| Unreadable(error.to_string()))?;
        let mut usage = Self::new(rules, written.since.min(now));
        usage.targets = written.targets;
        for (target, principal, pair) in written.pairs {
            usage.targets.entry(target.clone()).or_default();
            if usage.pairs.entry(target).or_default().insert(principal, pair).is_none() {
                usage.count = usage.count.saturating_add(1);
            }
        }
        let sessions = written.sessions.into_iter();
        usage.sessions = sessions.map(|(session, principal, target)| (session, (principal, target))).collect();
        (usage.first_uses, usage.volumes) = (written.first_uses, written.volumes);
        Ok(usage)
    }

    /// All of it, to be read again: of a moment at which nothing is pending.
    pub fn to_json(&self) -> Result<String, Unreadable> {
        let of_target = |(target, of): (&String, &BTreeMap<String, Pair>)| {
            let pair = |(principal, pair): (&String, &Pair)| (target.clone(), principal.clone(), pair.clone());
            of.iter().map(pair).collect::<Vec<_>>()
        };
        let session = |(session, (principal, target)): (&String, &(String, String))| {
            (session.clone(), principal.clone(), target.clone())
        };
        let written = Written {
            since: self.since,
            pairs: self.pairs.iter().flat_map(of_target).collect(),
            targets: self.targets.clone(),
            sessions: self.sessions.iter().map(session).collect(),
            first_uses: self.first_uses,
            volumes: self.volumes,
        };
        serde_json::to_string(&written).map_err(|error| Unreadable(error.to_string()))
    }

    /// Takes in the next record.
    pub fn take(&mut self, seen: Seen<'_>) {
        match seen {
            Seen::Started => self.sessions.clear(),
            Seen::Admitted { at, session, principal, target } => self.admitted(at, session, principal, target),
            Seen::Ended { at, session, rows } => self.ended(at, session, rows),
            Seen::Closed { session } => drop(self.sessions.remove(session)),
            Seen::Said(key) => {
                let before = self.pending.len();
                self.pending.retain(|finding| finding.key() != key);
                // Read before what it is of: the clock may have stepped back in between.
                if self.pending.len() == before && key.since >= self.since {
                    self.said.push(Finding::of(key));
                }
            }
        }
    }

    /// Says how many were held back in hours that are over.
    pub fn pass(&mut self, now: Micros) {
        self.since = self.since.min(now);
        let hour = hour_of(now);
        let held = [(What::FirstUse, self.first_uses.pass(hour)), (What::UnusualVolume, self.volumes.pass(hour))];
        held.into_iter().for_each(|(what, held)| self.held_back(what, held));
    }

    /// What is to be said, and has not been.
    pub fn pending(&self) -> &[Finding] {
        &self.pending
    }

    /// All that is pending is in the log, and the log was read to its end.
    pub fn settle(&mut self) {
        self.pending.clear();
        self.said.clear();
    }

    fn admitted(&mut self, at: Micros, session: &str, principal: &str, target: &str) {
        if self.sessions.len() < SESSIONS_MAX {
            self.sessions.insert(session.to_owned(), (principal.to_owned(), target.to_owned()));
        }
        if let Some(pair) = self.pairs.get_mut(target).and_then(|of| of.get_mut(principal)) {
            pair.last = at;
            return;
        }
        if self.count >= PAIRS_MAX {
            self.forget_one();
        }
        let pair = Pair { first: at, last: at, ..Pair::default() };
        self.targets.entry(target.to_owned()).or_insert_with(|| Known { first: at, peaks: Peaks::default() });
        self.pairs.entry(target.to_owned()).or_default().insert(principal.to_owned(), pair);
        self.count = self.count.saturating_add(1);
        if !self.rules.first_use || at < self.since {
            return;
        }
        let (held, may) = self.first_uses.take(hour_of(at), FIRST_USES_AN_HOUR_MAX);
        self.held_back(What::FirstUse, held);
        if may {
            self.find(Finding {
                what: What::FirstUse,
                principal: Some(principal.to_owned()),
                target: Some(target.to_owned()),
                session: Some(session.to_owned()),
                since: at,
                detail: format!("{principal} was let in to {target} for the first time"),
            });
        }
    }

    fn ended(&mut self, at: Micros, session: &str, rows: u64) {
        let Some((principal, target)) = self.sessions.get(session).filter(|_| rows > 0) else { return };
        let Some(pair) = self.pairs.get_mut(target).and_then(|of| of.get_mut(principal)) else { return };
        let Some(known) = self.targets.get_mut(target) else { return };
        let hour = hour_of(at);
        pair.last = at;
        let rows = pair.hours.add(hour, rows);
        known.peaks.see(hour, rows);
        let own = pair.hours.most_before(hour);
        let of_others = if is_new(pair.first, at) { known.peaks.most_before(hour) } else { 0 };
        let most = own.max(of_others);
        let is_unusual = rows >= self.rules.rows_min && rows > most.saturating_mul(self.rules.factor);
        let is_said = pair.said >= hour && !hours::is_far_ahead(pair.said, hour);
        if !self.rules.unusual_volume || at < self.since || !is_unusual || is_said || is_new(known.first, at) {
            return;
        }
        pair.said = hour;
        let before = match most {
            0 => "none in any hour of the seven days before".to_owned(),
            most if of_others > own => {
                format!("is new there; nobody was shown more than {most} in an hour of the seven days before")
            }
            most => format!("at most {most} in any hour of the seven days before"),
        };
        let finding = Finding {
            what: What::UnusualVolume,
            principal: Some(principal.clone()),
            target: Some(target.clone()),
            session: Some(session.to_owned()),
            since: hours::begin_of(hour),
            detail: format!("{principal} has been shown {rows} rows of {target} in this hour, and {before}"),
        };
        let (held, may) = self.volumes.take(hour, UNUSUAL_AN_HOUR_MAX);
        self.held_back(What::UnusualVolume, held);
        if may {
            self.find(finding);
        }
    }

    fn held_back(&mut self, what: What, held: Option<(u64, u64)>) {
        let Some((hour, count)) = held else { return };
        let (most, told) = match what {
            What::FirstUse => (FIRST_USES_AN_HOUR_MAX, "principals used a target for the first time"),
            _ => (UNUSUAL_AN_HOUR_MAX, "unusual volumes were seen"),
        };
        let detail =
            format!("{count} more {told} in this hour than the {most} that were said: `weir sessions` finds them");
        let since = hours::begin_of(hour);
        self.find(Finding { what, principal: None, target: None, session: None, since, detail });
    }

    fn find(&mut self, finding: Finding) {
        if !self.said.iter().any(|said| said.key() == finding.key()) {
            self.pending.push(finding);
        }
    }

    /// Forgets the pair that was used least lately.
    fn forget_one(&mut self) {
        let pairs = self.pairs.iter().flat_map(|(target, of)| {
            of.iter().map(move |(principal, pair)| (pair.last, target.as_str(), principal.as_str()))
        });
        // Owned only when it is found: each newcomer looks at all of them.
        let least = pairs.min().map(|(_, target, principal)| (target.to_owned(), principal.to_owned()));
        let Some((target, principal)) = least else { return };
        if let Some(of) = self.pairs.get_mut(&target) {
            of.remove(&principal);
            self.count = self.count.saturating_sub(1);
        }
    }
}

/// Whether a day has not passed since. What began in a time that is still to come, by a clock that was ahead, is not.
fn is_new(first: Micros, at: Micros) -> bool {
    first <= at && at < first.saturating_add(DAY)
}

impl Finding {
    /// What it is known by.
    pub fn key(&self) -> Key<'_> {
        let Self { what, principal, target, since, .. } = self;
        Key { what: *what, principal: principal.as_deref(), target: target.as_deref(), since: *since }
    }

    fn of(Key { what, principal, target, since }: Key<'_>) -> Self {
        let [principal, target] = [principal, target].map(|text| text.map(str::to_owned));
        Self { what, principal, target, session: None, since, detail: String::new() }
    }
}

impl Budget {
    /// Whether one more may be said of this hour; and how many of which hour before were not, if it is another one.
    fn take(&mut self, hour: u64, most: u32) -> (Option<(u64, u64)>, bool) {
        let held = self.pass(hour);
        let may = self.said < most;
        match may {
            true => self.said = self.said.saturating_add(1),
            false => self.held = self.held.saturating_add(1),
        }
        (held, may)
    }

    fn pass(&mut self, hour: u64) -> Option<(u64, u64)> {
        // An hour that is a little before this one, by a clock that stepped back, counts as this one.
        if hour <= self.hour && self.hour <= hour.saturating_add(BUDGET_AHEAD_MAX) {
            return None;
        }
        let over = std::mem::replace(self, Self { hour, said: 0, held: 0 });
        (over.held > 0).then_some((over.hour, over.held))
    }
}

#[cfg(test)]
mod tests;
