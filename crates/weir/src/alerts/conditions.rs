//! What holds for a while: looked at once a second, and told as episodes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use alerts::{Episodes, Micros, Patience, SECOND, Turn, What};
use evidence::{Level, Meter, Space, recording};
use gate::{Alert, ErredRule, Gate};
use model::UnixMicros;

use super::said::{BEGINS, ENDS};
use crate::config;
use crate::exports::Watch;
use crate::serve::State;

/// How long something must have passed before it is over, at most: as long as it had to hold before it was said. So what flaps is said once.
const ENDS_AFTER_MAX: Micros = 60 * SECOND;

/// The parts of a running Weir in which something may hold.
pub struct Conditions {
    pub gate: Arc<Gate>,
    pub log: Meter,
    pub recordings: Option<recording::Meter>,
    pub disks: Vec<(&'static str, Arc<Space>)>,
    pub exports: Vec<Watch>,
    pub state: Arc<State>,
    pub settings: config::Alerts,
    pub episodes: Episodes<Name>,
}

/// What an episode is of: their number is the configuration's, and that of policies.
pub type Name = (What, String);

/// Something that may hold.
struct Condition {
    name: Name,
    /// Who met it first.
    principal: Option<String>,
    holds: bool,
    patience: Patience,
    /// What is said when it begins.
    begins: String,
    /// And when it is over.
    ends: String,
}

impl Conditions {
    /// What is to be said now.
    pub fn look(&mut self, now: Micros) -> Vec<Alert> {
        let mut conditions = self.holding();
        let known: Vec<&Name> = conditions.iter().map(|condition| &condition.name).collect();
        let gone: Vec<Name> = self.episodes.names().filter(|name| !known.contains(name)).cloned().collect();
        conditions.extend(gone.into_iter().map(|name| gone_by(name, &self.settings)));
        let mut alerts = Vec::new();
        for Condition { name, principal, holds, patience, begins, ends } in conditions {
            let Some(turn) = self.episodes.look(now, name.clone(), holds, patience) else { continue };
            let (what, of) = name;
            let (state, detail, since, until) = match turn {
                Turn::Begins { since } => (BEGINS, begins, since, None),
                Turn::Ends { since, until } => (ENDS, ends, since, Some(UnixMicros(until))),
            };
            let of = Some(of).filter(|of| !of.is_empty());
            let (target, of) = if what == What::TargetUnreachable { (of, None) } else { (None, of) };
            let (what, since) = (what.as_str(), UnixMicros(since));
            alerts.push(Alert { what, state, detail, principal, target, of, since, until });
        }
        alerts
    }

    /// All that may hold, and whether it does. What is not named any more does not.
    fn holding(&self) -> Vec<Condition> {
        let mut all = self.of_targets();
        let (log, refused) = (self.log.read(), self.state.policies_refused.load(Ordering::Acquire));
        all.push(Condition {
            name: (What::PoliciesRefused, String::new()),
            principal: None,
            holds: refused,
            patience: Patience { begins_after: 0, ends_after: 10 * SECOND },
            begins: "the policies have changed and could not be put in force, so older ones are: `weir check` says why"
                .to_owned(),
            ends: "what is in the folder of policies is in force".to_owned(),
        });
        all.extend(self.gate.erred().rules().into_iter().map(erred));
        all.push(Condition {
            name: (What::LogDown, String::new()),
            principal: None,
            holds: log.is_down,
            patience: at_once(),
            begins: "the decision log could not be written: nothing ran, and nobody came in".to_owned(),
            ends: "the decision log has been written since".to_owned(),
        });
        if let Some(recordings) = &self.recordings {
            all.push(Condition {
                name: (What::RecordingsDown, String::new()),
                principal: None,
                holds: recordings.read().is_down,
                patience: at_once(),
                begins: "a recording could not be written: its session ended, or was not begun".to_owned(),
                ends: "recordings have been written since".to_owned(),
            });
        }
        all.extend(self.of_disks());
        all.extend(self.of_places());
        all.extend(self.log.places_down().into_iter().map(|place| Condition {
            holds: true,
            patience: at_once(),
            begins: format!("{place} lacks something of the decision log, which the other place goes on with alone"),
            ends: String::new(),
            name: (What::LogPlaceDown, place),
            principal: None,
        }));
        all.extend(self.of_exports());
        all
    }

    fn of_targets(&self) -> Vec<Condition> {
        let patience = after(self.settings.target_unreachable);
        let condition = |target: String, reached: Option<bool>| Condition {
            holds: reached == Some(false),
            patience,
            begins: format!("{target} could not be logged in to for {}", seconds(patience.begins_after)),
            ends: format!("{target} can be logged in to again"),
            name: (What::TargetUnreachable, target),
            principal: None,
        };
        self.gate.tally().each().map(|(target, counted)| condition(target.to_string(), counted.reached)).collect()
    }

    fn of_disks(&self) -> impl Iterator<Item = Condition> {
        self.disks.iter().flat_map(|(of, space)| {
            let (level, words) = (space.level(), space.in_words());
            [(What::DiskLow, Level::Low, ""), (What::DiskReserve, Level::Reserved, "nothing new begins: ")].map(
                |(what, from, prefix)| Condition {
                    name: (what, (*of).to_owned()),
                    principal: None,
                    holds: level >= from,
                    patience: at_once(),
                    begins: format!("{prefix}{words}"),
                    ends: words.clone(),
                },
            )
        })
    }

    fn of_places(&self) -> impl Iterator<Item = Condition> {
        let patience = after(self.settings.checkpoints_unreachable);
        let unreachable: BTreeMap<String, String> = self.log.unreachable_places();
        unreachable.into_iter().map(move |(place, why)| Condition {
            holds: true,
            patience,
            begins: format!("{place} could not be told of checkpoints for {}: {why}", seconds(patience.begins_after)),
            ends: String::new(),
            name: (What::CheckpointsUnreachable, place),
            principal: None,
        })
    }

    fn of_exports(&self) -> impl Iterator<Item = Condition> {
        let patience = after(self.settings.export_failing);
        self.exports.iter().map(move |watch| {
            let (name, failing) = (watch.name.clone(), watch.status().failing);
            let why = failing.as_deref().unwrap_or_default();
            Condition {
                holds: failing.is_some(),
                patience,
                begins: format!("export {name} has not delivered for {}: {why}", seconds(patience.begins_after)),
                ends: format!("export {name} delivers again"),
                name: (What::ExportFailing, name),
                principal: None,
            }
        })
    }
}

/// What was named, and is not any more.
fn gone_by(name: Name, settings: &config::Alerts) -> Condition {
    let (what, of) = &name;
    let (ends_after, ends) = match what {
        What::PolicyError => (0, "other policies are in force".to_owned()),
        What::LogPlaceDown => (ENDS_AFTER_MAX, format!("{of} has all of the decision log that is written now")),
        _ => (after(settings.checkpoints_unreachable).ends_after, format!("{of} is told of checkpoints again")),
    };
    let patience = Patience { begins_after: 0, ends_after };
    Condition { name, principal: None, holds: false, patience, begins: String::new(), ends }
}

fn erred(ErredRule { rules, ask, why, principal, target: _ }: ErredRule) -> Condition {
    let by = if rules.is_empty() { "a question to the policies".to_owned() } else { format!("rule {rules}") };
    Condition {
        holds: true,
        patience: Patience::default(),
        begins: format!("{by} could not be evaluated, so it refuses: {ask}: {why}"),
        ends: String::new(),
        name: (What::PolicyError, rules),
        principal: Some(principal),
    }
}

fn at_once() -> Patience {
    Patience { begins_after: 0, ends_after: ENDS_AFTER_MAX }
}

fn after(begins_after: Micros) -> Patience {
    Patience { begins_after, ends_after: begins_after.min(ENDS_AFTER_MAX) }
}

fn seconds(micros: Micros) -> String {
    format!("{} s", micros.checked_div(SECOND).unwrap_or_default())
}
