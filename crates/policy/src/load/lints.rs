//! Policies that mean something else than they look like, or give more than their author may have had in mind.

use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy, PrincipalConstraint};
use model::{ActionGroup, ActionId};

use super::Place;
use super::reads::Reads;
use crate::actions::{APPROVE, OPAQUE, SEE, STORE};
use crate::problem::Problem;
use crate::words::Words;

/// The actions that a permit should never give to just anyone.
const SENSITIVE: [ActionId; 4] = [SEE, APPROVE, OPAQUE, STORE];

/// Checks one policy.
pub(super) fn check(words: &Words, at: Place<'_>, policy: &Policy, reads: &Reads, problems: &mut Vec<Problem>) {
    let actions = match policy.action_constraint() {
        ActionConstraint::Any => Vec::new(),
        ActionConstraint::Eq(uid) => {
            let id = uid.id().unescaped();
            if is_group(&uid) {
                let message = format!("`action == {uid}` is never true: `{id}` is a group of actions");
                problems.push(at.error(at.start, message).help(format!("write `action in {uid}`")));
            }
            vec![uid]
        }
        ActionConstraint::In(uids) => uids,
    };
    if policy.effect() == Effect::Forbid {
        return;
    }
    if policy.action_constraint() == ActionConstraint::Any {
        let message = "this permit leaves the action open, so it grants `see`, `approve` and `opaque` as well";
        problems
            .push(at.warning(message).help("name the actions: `action in [Action::\"connect\", Action::\"read\"]`"));
    }
    for uid in &actions {
        if let Some(why) = words.action(uid.id().unescaped()).and_then(|action| action.never) {
            let id = uid.id().unescaped();
            problems.push(at.warning(format!("no policy can permit `{id}`: {why}")));
        }
    }
    let anyone = matches!(policy.principal_constraint(), PrincipalConstraint::Any | PrincipalConstraint::Is(_));
    if anyone && !reads.principal {
        let given = actions.iter().map(|uid| uid.id().unescaped());
        for id in given.filter(|id| SENSITIVE.iter().any(|action| action.0 == *id)) {
            let message = format!("this permit gives `{id}` to everyone who is known to Weir");
            problems.push(at.warning(message).help("name who may: `principal in Group::\"…\"`"));
        }
    }
}

fn is_group(uid: &EntityUid) -> bool {
    ActionGroup::NAMED.iter().any(|group| group.as_str() == Some(uid.id().unescaped()))
}
