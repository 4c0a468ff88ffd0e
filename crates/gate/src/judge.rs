//! One operation before the policies: all its asks must be permitted.

use std::sync::Arc;

use model::{Ask, Certainty, Object, Operation, PrincipalKind, UnixSeconds};
use policy::Decision;

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
}

/// Asks everything that the operation asks. The first deny decides; an operation that asks nothing is denied.
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
    let asks: Words = operation.asks.iter().map(|ask| describe(ask, target)).collect();
    let mut rules: Vec<Arc<str>> = Vec::new();
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
    for (ask, words) in operation.asks.iter().zip(asks.iter()) {
        match decide(ask) {
            Decision::Permit { rules: by } => {
                by.into_iter().for_each(|rule| {
                    if !rules.contains(&rule) {
                        rules.push(rule)
                    }
                });
            }
            Decision::Deny(denial) => {
                let mut refused = Refusal::denied(words, &denial, kind);
                refused.hint = refused.hint.or_else(|| missing_permit(ask, &denial, kind));
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
    Judged { operation, refusal, withheld: true, asks, rules: rules.into_iter().collect(), why, at, epoch }
}

/// An ask as logs and refusals write it: `drop Table::"orders/public.customers"`.
fn describe(ask: &Ask, target: &str) -> String {
    let action = ask.action;
    match &ask.object {
        Object::Target => format!("{action} Target::\"{target}\""),
        Object::Part(part) => format!("{action} {}::\"{target}/{}\"", part.kind, part.name),
        Object::Field(field) => {
            format!("{action} Field::\"{target}/{}.{}\" of {}", field.part.name, field.name, field.class)
        }
    }
}
