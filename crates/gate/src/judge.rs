//! One operation before the policies: all its asks must be permitted.

use std::sync::Arc;

use model::{Ask, Certainty, Field, Lowering, Object, OnWrite, Operation, PrincipalKind, UnixSeconds};
use policy::Decision;
use policy::actions::{STORE, STORE_PARTIAL, STORE_TOKEN};

use crate::ledger::Ruling;
use crate::refusal::{Refusal, join, missing_permit};
use crate::words::Words;

/// An operation with its answer. Shared by everything that repeats the operation while nothing it depends on changes.
#[derive(Debug)]
pub(crate) struct Judged {
    pub operation: Operation,
    pub refusal: Option<Refusal>,
    /// Whether what the target says about it in words may hold what the caller does not see.
    pub withheld: bool,
    /// Fields that are given less than the values that are put into them, if it is permitted.
    lowered: Box<[(Field, OnWrite)]>,
    pub asks: Words,
    pub rules: Words,
    pub why: Option<Arc<str>>,
    /// The second it was judged in: an answer that depends on the time holds for no other.
    pub at: UnixSeconds,
    /// The session's count of policy changes when it was judged.
    pub epoch: u64,
}

impl Judged {
    pub fn ruling(&self) -> Ruling {
        if self.refusal.is_some() { Ruling::Deny } else { Ruling::Permit }
    }

    /// What is stored as less than it is.
    pub fn lowers(&self) -> &[(Field, OnWrite)] {
        &self.lowered
    }
}

/// Asks everything that the operation asks. The first deny decides; an operation that asks nothing is denied.
///
/// Where `store` on a field is denied and the field opts in to less, that rung is asked in its place.
pub(crate) fn judge(
    mut operation: Operation,
    target: &str,
    kind: PrincipalKind,
    at: UnixSeconds,
    epoch: u64,
    decide: impl Fn(&Ask) -> Decision,
) -> Judged {
    if matches!(operation.certainty, Certainty::Opaque(_))
        && !operation.asks.iter().any(|ask| ask.action == policy::actions::OPAQUE)
    {
        operation.asks.push(Ask::new(policy::actions::OPAQUE, Object::Target));
    }
    let mut asks: Vec<String> = operation.asks.iter().map(|ask| describe(ask, target)).collect();
    let mut rules: Vec<Arc<str>> = Vec::new();
    let mut lowered = Vec::new();
    let add = |rules: &mut Vec<Arc<str>>, by: Vec<Arc<str>>| {
        let new: Vec<_> = by.into_iter().filter(|rule| !rules.contains(rule)).collect();
        rules.extend(new);
    };
    let mut refusal = None;
    let mut why = None;
    if operation.asks.is_empty() {
        refusal = Some(Refusal {
            message: "Weir could not tell what this does, so it is refused".to_owned(),
            detail: None,
            hint: None,
        });
        why = Some("asks nothing".into());
    }
    for (ask, words) in operation.asks.iter().zip(&mut asks) {
        match decide(ask) {
            Decision::Permit { rules: by } => add(&mut rules, by),
            Decision::Deny(denial) => {
                let rung = rung(&operation, ask);
                let permitted = rung.and_then(|(lowering, ask)| match decide(&ask) {
                    Decision::Permit { rules } => Some((lowering, ask, rules)),
                    Decision::Deny(_) => None,
                });
                if let Some((Lowering { field, to, unfollowed: None }, ask, by)) = permitted {
                    add(&mut rules, by);
                    *words = describe(&ask, target);
                    lowered.push((field.clone(), *to));
                    continue;
                }
                let mut refused = Refusal::denied(words, &denial, kind);
                refused.hint = refused.hint.or_else(|| missing_permit(ask, &denial, kind));
                if let Some((Lowering { to, unfollowed: Some(why), .. }, ..)) = permitted {
                    refused.hint = None;
                    refused.detail = Some(format!(
                        "What is put there could be stored as {}, but it can't be replaced: {why}.",
                        less(*to)
                    ));
                }
                if let (Certainty::Opaque(because), true) =
                    (&operation.certainty, ask.action == policy::actions::OPAQUE)
                {
                    refused.message = format!("Weir cannot tell what this statement does: {because}");
                    refused.hint = None;
                }
                why = Some(format!("{words}: {:?} {}", denial.reason, join(&denial.rules)).trim_end().into());
                rules = denial.rules;
                refusal = Some(refused);
                break;
            }
        }
    }
    if refusal.is_some() {
        lowered.clear();
    }
    Judged {
        operation,
        refusal,
        withheld: true,
        lowered: lowered.into(),
        asks: asks.into_iter().collect(),
        rules: rules.into_iter().collect(),
        why,
        at,
        epoch,
    }
}

/// The rung below `store` on a field that opts in to it: what is asked where `store` is denied.
pub fn rung<'a>(operation: &'a Operation, ask: &Ask) -> Option<(&'a Lowering, Ask)> {
    let Object::Field(field) = &ask.object else { return None };
    let lowering = operation.lowering.iter().find(|lowering| ask.action == STORE && lowering.field == *field)?;
    let action = match lowering.to {
        OnWrite::Partial => STORE_PARTIAL,
        OnWrite::Token => STORE_TOKEN,
    };
    Some((lowering, Ask::new(action, ask.object.clone())))
}

fn less(to: OnWrite) -> &'static str {
    match to {
        OnWrite::Partial => "a part",
        OnWrite::Token => "a token",
    }
}

/// An ask as logs and refusals write it: `drop Table::"orders/public.customers"`.
pub(crate) fn describe(ask: &Ask, target: &str) -> String {
    let action = ask.action;
    match &ask.object {
        Object::Target => format!("{action} Target::\"{target}\""),
        Object::Part(part) => format!("{action} {}::\"{target}/{}\"", part.kind, part.name),
        Object::Field(field) => {
            format!("{action} Field::\"{target}/{}.{}\" of {}", field.part.name, field.name, field.class)
        }
    }
}
