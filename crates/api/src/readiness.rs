//! Whether callers should be sent to an instance, and if not, why.

use serde::Serialize;

use crate::figures::Figures;

/// What `/readyz` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether callers should be sent here.
    pub ready: bool,
    /// Why not. Empty if they should.
    pub reasons: Vec<Reason>,
    /// Targets that could not be reached when that was last tried. They alone make nothing unready: others can be, and another instance would
    /// reach them no better.
    pub unreachable_targets: Vec<String>,
}

/// One reason. `reason` is for programs and stays as it is, `detail` is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// In one word.
    pub reason: &'static str,
    /// In words.
    pub detail: &'static str,
}

const STARTING: Reason = Reason { reason: "starting", detail: "callers can't connect yet" };
const STOPPING: Reason = Reason { reason: "stopping", detail: "it was told to stop, and lets open sessions end" };
const LOG_DOWN: Reason = Reason {
    reason: "log_down",
    detail: "the decision log cannot be written, so nothing runs and nobody comes in; what Weir logs says why",
};
const DISK_RESERVE: Reason = Reason {
    reason: "disk_reserve",
    detail: "less is free on the disk of the decision log or of recordings than is kept free there, so nothing new begins; free some space",
};
const POLICIES_REFUSED: Reason = Reason {
    reason: "policies_refused",
    detail: "the policies have changed and could not be put in force, so older ones are; `weir check` says what is wrong",
};

/// What follows from these figures.
pub fn readiness(figures: &Figures) -> Readiness {
    let reasons = [
        (!figures.listens && !figures.stopping, STARTING),
        (figures.stopping, STOPPING),
        (figures.log.is_down, LOG_DOWN),
        (figures.disks.iter().any(|disk| disk.is_reserved), DISK_RESERVE),
        (figures.policies.refused, POLICIES_REFUSED),
    ];
    let reasons: Vec<Reason> = reasons.into_iter().filter_map(|(holds, reason)| holds.then_some(reason)).collect();
    let unreachable = figures.targets.iter().filter(|target| target.reached == Some(false));
    Readiness {
        ready: reasons.is_empty(),
        reasons,
        unreachable_targets: unreachable.map(|target| target.name.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Disk, Log, Policies, Target};

    fn reasons(figures: &Figures) -> Vec<&'static str> {
        let readiness = readiness(figures);
        assert_eq!(readiness.ready, readiness.reasons.is_empty());
        readiness.reasons.iter().map(|reason| reason.reason).collect()
    }

    #[test]
    fn each_reason_has_its_cause() {
        let sound = Figures { listens: true, ..Figures::default() };
        assert!(reasons(&sound).is_empty());
        assert_eq!(reasons(&Figures::default()), ["starting"]);
        assert_eq!(reasons(&Figures { stopping: true, listens: false, ..Figures::default() }), ["stopping"]);
        let log = Log { is_down: true, ..Log::default() };
        assert_eq!(reasons(&Figures { log, ..sound.clone() }), ["log_down"]);
        let disk = |is_reserved| Disk { is_low: true, is_reserved, ..Disk::default() };
        let disks = vec![disk(false), disk(true)];
        assert_eq!(reasons(&Figures { disks, ..sound.clone() }), ["disk_reserve"]);
        assert!(reasons(&Figures { disks: vec![disk(false)], ..sound.clone() }).is_empty(), "there is time yet");
        let policies = Policies { refused: true, ..Policies::default() };
        assert_eq!(reasons(&Figures { log, policies, ..sound.clone() }), ["log_down", "policies_refused"]);
    }

    #[test]
    fn a_target_that_is_out_of_reach_is_said_and_is_no_reason() {
        let target = |name: &str, reached| Target { name: name.to_owned(), reached, ..Target::default() };
        let targets = vec![target("a", Some(true)), target("b", Some(false)), target("c", None)];
        let said = readiness(&Figures { listens: true, targets, ..Figures::default() });
        assert!(said.ready);
        assert_eq!(said.unreachable_targets, ["b"]);
    }
}
