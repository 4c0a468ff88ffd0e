//! What a caller is told when the answer is no. Each protocol puts it into its own words' places: a code, a message, a
//! detail, a hint.

use std::sync::Arc;

use model::{Ask, AttrValue, Object, PrincipalKind};
use policy::actions::{OVERWRITE, PROBE, STORE};
use policy::{Denial, Needs, Reason};

use crate::recorder::RecorderDown;

/// A refusal, ready to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is refused and why, in one sentence.
    pub message: String,
    /// The rule, or the place in the protocol, that it comes from.
    pub detail: Option<String>,
    /// What would help.
    pub hint: Option<String>,
}

/// A refusal that needs no policy: the protocol can't carry the operation, or can't read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// What is refused and why, in one sentence.
    pub message: String,
    /// More of it.
    pub detail: Option<String>,
    /// What would help.
    pub hint: Option<String>,
}

impl From<Declined> for Refusal {
    fn from(declined: Declined) -> Self {
        Self { message: declined.message, detail: declined.detail, hint: declined.hint }
    }
}

impl Refusal {
    /// The refusal of a session that must be recorded, and can't be.
    pub(crate) fn unrecorded(down: &RecorderDown) -> Self {
        Self {
            message: "the session cannot be recorded, so it is not begun".to_owned(),
            detail: None,
            hint: Some(format!("An operator has to look: {down}.")),
        }
    }

    /// The refusal of an ask (`drop Table::"orders/public.customers"`) that policy denies. People are told what would
    /// help; workloads are told the rule.
    pub(crate) fn denied(ask: &str, denial: &Denial, kind: PrincipalKind) -> Self {
        let rules = join(&denial.rules);
        let message = match (&denial.reason, &denial.message) {
            (Reason::Never(why), _) => format!("{ask} is never permitted through Weir: {why}"),
            (Reason::Forbidden, Some(words)) => words.clone(),
            (Reason::Forbidden, None) => format!("{ask} is forbidden by policy"),
            (Reason::NotPermitted, _) => format!("{ask} is not permitted by any policy"),
            (Reason::Erred(_), _) => format!("{ask} is refused because a policy could not be evaluated"),
            (Reason::UnknownAction(_), _) => format!("{ask} is refused because it is not in the policy schema"),
        };
        let detail = match &denial.reason {
            Reason::Forbidden if !rules.is_empty() => Some(format!("Rule {rules} refuses {ask}.")),
            Reason::Erred(_) => Some("The error is in Weir's log.".to_owned()),
            _ => None,
        };
        let hint = denial.needs.as_ref().filter(|_| kind == PrincipalKind::User).map(in_words);
        Self { message, detail, hint }
    }
}

/// What would turn a deny into a permit.
fn in_words(needs: &Needs) -> String {
    let approvals = match needs.approvals {
        0 => None,
        1 => Some("one approval".to_owned()),
        n => Some(format!("{n} approvals")),
    };
    let factor = needs.second_factor.then(|| "a fresh second factor".to_owned());
    let needed = approvals.into_iter().chain(factor).collect::<Vec<_>>().join(" and ");
    format!("It would need {needed}. This version of Weir cannot ask for that yet.")
}

/// The permit that is missing where policy says nothing of a classified field, in words. None where that is no help: policy forbids it, or
/// the caller is a workload, which is told the rule alone.
pub(crate) fn missing_permit(ask: &Ask, denial: &Denial, kind: PrincipalKind) -> Option<String> {
    let Object::Field(field) = &ask.object else { return None };
    if denial.reason != Reason::NotPermitted || kind != PrincipalKind::User {
        return None;
    }
    let more = match ask.action {
        STORE => "; a permit to write is none".to_owned(),
        OVERWRITE => ", or of see, so that what is replaced is known".to_owned(),
        PROBE => {
            let how = ask.context.iter().find_map(|(name, value)| match value {
                AttrValue::Text(how) if *name == "probe" => Some(how.as_str()),
                _ => None,
            });
            format!(" (context.probe is {}), or of see", how.unwrap_or("unknown"))
        }
        _ => return None,
    };
    Some(format!(
        "It takes a permit of {} on {}.{} or its class {}{more}. \
         An operator sees all that a statement asks with `weir policy explain --sql`.",
        ask.action, field.part.name, field.name, field.class
    ))
}

pub(crate) fn join(rules: &[Arc<str>]) -> String {
    rules.join(", ")
}

#[cfg(test)]
mod tests {
    use model::{ActionId, ClassId, Field, Part};

    use super::*;

    fn denial(reason: Reason, message: Option<&str>, needs: Option<Needs>) -> Denial {
        Denial { rules: vec!["where".into()], message: message.map(str::to_owned), reason, needs }
    }

    #[test]
    fn people_are_told_what_would_help_and_workloads_the_rule() {
        let needs = Some(Needs { approvals: 2, second_factor: true });
        let denial = denial(Reason::Forbidden, Some("Ask first."), needs);
        let person = Refusal::denied("drop Table::\"orders/a.b\"", &denial, PrincipalKind::User);
        assert_eq!(person.message, "Ask first.");
        assert_eq!(person.detail.as_deref(), Some("Rule where refuses drop Table::\"orders/a.b\"."));
        assert!(person.hint.is_some_and(|hint| hint.contains("2 approvals and a fresh second factor")));
        assert_eq!(Refusal::denied("drop", &denial, PrincipalKind::Workload).hint, None);
    }

    #[test]
    fn an_error_in_a_policy_is_not_told_to_the_caller() {
        let refusal =
            Refusal::denied("select", &denial(Reason::Erred("overflow at x".into()), None, None), PrincipalKind::User);
        assert!(!format!("{refusal:?}").contains("overflow"), "{refusal:?}");
    }

    #[test]
    fn people_are_told_which_permit_is_missing() {
        let part = Part { kind: "Table", name: "public.customers".into(), attrs: Vec::new() };
        let class = ClassId::parse("pii.national_id").unwrap();
        let field = Object::Field(Field { part, name: "ssn".into(), class, sealed: false });
        let hint = |action: ActionId, reason, kind| {
            let context = vec![("probe", AttrValue::Text("range".into()))];
            let ask = Ask { action, object: field.clone(), context };
            missing_permit(&ask, &denial(reason, None, None), kind)
        };
        let (user, workload) = (PrincipalKind::User, PrincipalKind::Workload);
        for (action, words) in [
            (
                STORE,
                "a permit of store on public.customers.ssn or its class pii.national_id; a permit to write is none",
            ),
            (OVERWRITE, "a permit of overwrite on public.customers.ssn or its class pii.national_id, or of see"),
            (PROBE, "a permit of probe on public.customers.ssn or its class pii.national_id (context.probe is range)"),
        ] {
            let told = hint(action, Reason::NotPermitted, user).unwrap();
            assert!(told.contains(words) && told.contains("weir policy explain --sql"), "{told}");
            assert_eq!(hint(action, Reason::NotPermitted, workload), None);
            assert_eq!(hint(action, Reason::Forbidden, user), None);
        }
        assert_eq!(hint(policy::actions::SEE, Reason::NotPermitted, user), None);
        let ask = Ask::new(STORE, Object::Target);
        assert_eq!(missing_permit(&ask, &denial(Reason::NotPermitted, None, None), user), None);
    }
}
