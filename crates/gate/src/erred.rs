//! Rules that could not be evaluated, for whoever watches. Each refuses what it was asked about, so somebody should know.
//!
//! Nothing is taken and nothing locked where all rules can be evaluated.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{Ask, Principal, Target, TargetId};
use parking_lot::Mutex;
use policy::{Decision, Reason};

use crate::judge::describe;
use crate::refusal::join;

/// The most rules that are told apart, of the policies in force.
const RULES_MAX: usize = 64;

/// What failed since the policies that are in force were put there.
#[derive(Debug, Default)]
pub struct Erred {
    times: AtomicU64,
    rules: Mutex<BTreeMap<String, ErredRule>>,
}

/// A rule that could not be evaluated, as it was for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErredRule {
    /// Its id, or those of all that failed with it. Empty if no rule failed, but the question itself.
    pub rules: String,
    /// What was asked.
    pub ask: String,
    /// Why it could not be evaluated.
    pub why: String,
    /// Who asked.
    pub principal: String,
    /// At which target.
    pub target: TargetId,
}

impl Erred {
    /// How often a rule could not be evaluated since the start. An answer that is kept is counted once.
    pub fn times(&self) -> u64 {
        self.times.load(Ordering::Relaxed)
    }

    /// Each rule that failed under the policies in force.
    pub fn rules(&self) -> Vec<ErredRule> {
        self.rules.lock().values().cloned().collect()
    }

    /// Looks at an answer.
    pub(crate) fn look(&self, decision: &Decision, ask: &Ask, principal: &Principal, target: &Target) {
        if let Decision::Deny(denial) = decision
            && let Reason::Erred(why) = &denial.reason
        {
            self.add(&denial.rules, why, ask, principal, target);
        }
    }

    /// One that failed.
    pub(crate) fn add(&self, rules: &[Arc<str>], why: &str, ask: &Ask, principal: &Principal, target: &Target) {
        self.times.fetch_add(1, Ordering::Relaxed);
        let rules = join(rules);
        let mut known = self.rules.lock();
        if known.len() >= RULES_MAX || known.contains_key(&rules) {
            return;
        }
        let (ask, why) = (describe(ask, &target.id.0), why.to_owned());
        let erred = ErredRule { rules: rules.clone(), ask, why, principal: principal.id(), target: target.id.clone() };
        known.insert(rules, erred);
    }

    /// Other policies are in force.
    pub(crate) fn forget(&self) {
        self.rules.lock().clear();
    }
}
