//! Decisions: one principal at one target, question after question.
//!
//! A rule is put before Cedar only if its scope can match: the action, the target or its environment, and the
//! principal or one of the groups it is in. Cedar looks at every policy it is given, so what it costs is the length of
//! the slice; that a slice decides as the whole would is checked by `scene/tests.rs` on random policies.

use std::sync::{Arc, OnceLock};

use cedar_policy::{
    AuthorizationError, Authorizer, Effect, Entities, Entity, EntityUid, PolicyId, PolicySet, PrincipalConstraint,
    Request, ResourceConstraint,
};
use model::{ActionId, Ask, AttrValue, Field, Object, Principal, Sight, Target};

use crate::actions::{OVERWRITE, PROBE, SEE, SEE_PARTIAL, SEE_TOKEN};
use crate::decision::{Circumstances, Decision, Denial, Needs, Reason, Sighting};
use crate::facts::{self, Session};
use crate::load::{Policies, Rule};
use crate::words::Action;

/// The most approvals that are tried when a denial is asked what it needs.
const APPROVALS_MAX: u32 = 3;

/// One principal at one target.
pub struct Scene {
    policies: Arc<Policies>,
    /// An error is the answer to every question.
    session: Result<Session, String>,
    /// For each action, by its index, what is needed to decide it: made when it is first asked.
    slices: Vec<OnceLock<Box<Slice>>>,
}

/// The rules that can speak about one action in a scene, and the entities that do not depend on the object.
struct Slice {
    rules: PolicySet,
    entities: Result<Entities, String>,
    /// Whether any of the rules reads these. If not, no approval and no second factor can change anything.
    reads_approvals: bool,
    reads_second_factor: bool,
    /// Whether all fields of a class are the same to them.
    by_class: bool,
    /// Whether one of them forbids.
    forbids: bool,
    /// Whether the evaluation of one of them can fail.
    may_fail: bool,
}

/// What a question is about.
#[derive(Clone, Copy)]
enum Subject<'a> {
    Target,
    Part(&'a model::Part),
    Field(&'a Field),
}

impl Subject<'_> {
    fn type_name(self) -> &'static str {
        match self {
            Self::Target => "Target",
            Self::Part(part) => part.kind,
            Self::Field(_) => "Field",
        }
    }
}

/// A question made ready for Cedar, apart from the circumstances.
struct Question<'a> {
    action: &'a Action,
    resource: EntityUid,
    own: &'a [(&'static str, AttrValue)],
    slice: &'a Slice,
    entities: Entities,
}

/// What the rules say.
enum Verdict {
    Permit(Vec<usize>),
    Forbid(Vec<usize>),
    Nothing,
    Erred(Vec<usize>, String),
}

impl Scene {
    pub(crate) fn new(policies: Arc<Policies>, principal: &Principal, target: &Target) -> Self {
        let session = Session::new(&policies.words, principal, target);
        let slices = policies.words.actions().iter().map(|_| OnceLock::new()).collect();
        Self { policies, session, slices }
    }

    /// Answers one question.
    pub fn decide(&self, ask: &Ask, circumstances: &Circumstances) -> Decision {
        let subject = match &ask.object {
            Object::Target => Subject::Target,
            Object::Part(part) => Subject::Part(part),
            Object::Field(field) => {
                // Who sees the values has nothing left to find out, and knows what is replaced.
                if (ask.action == PROBE || ask.action == OVERWRITE)
                    && let Sighting { sight: Sight::Clear, rules, .. } = self.sight(field, circumstances)
                {
                    return Decision::Permit { rules };
                }
                Subject::Field(field)
            }
        };
        self.answer(ask.action.0, subject, &ask.context, circumstances)
    }

    /// How much of a field may be seen: the first of `see`, `see_partial` and `see_token` that is permitted, or nothing.
    /// A sealed field is never seen, whatever a policy says.
    pub fn sight(&self, field: &Field, circumstances: &Circumstances) -> Sighting {
        if field.sealed {
            let why = Some("nobody may see this, whatever a policy says".to_owned());
            return Sighting { sight: Sight::Nothing, rules: Vec::new(), why, erred: None };
        }
        let mut best = Sighting { sight: Sight::Nothing, rules: Vec::new(), why: None, erred: None };
        let ladder = [(SEE, Sight::Clear), (SEE_PARTIAL, Sight::Partial), (SEE_TOKEN, Sight::Token)];
        for (action, sight) in ladder {
            match self.verdict_only(action.0, Subject::Field(field), circumstances) {
                Decision::Permit { rules } => return Sighting { sight, rules, ..best },
                Decision::Deny(denial) if action == SEE => {
                    best.rules = denial.rules;
                    best.erred = matches!(denial.reason, Reason::Erred(_)).then(|| best.rules.clone());
                    best.why = match denial.reason {
                        Reason::Erred(text) | Reason::UnknownAction(text) => Some(text),
                        _ => denial.message,
                    };
                }
                Decision::Deny(_) => {}
            }
        }
        best
    }

    /// Whether how much of a field may be seen depends on nothing of the field but its class.
    pub fn sees_by_class(&self) -> bool {
        let by_class = |action: ActionId| {
            let session = self.session.as_ref().ok()?;
            Some(self.slice(session, self.policies.words.action(action.0)?)?.by_class)
        };
        [SEE, SEE_PARTIAL, SEE_TOKEN].into_iter().all(|action| by_class(action) == Some(true))
    }

    /// Whether an action on anything may be denied here for another reason than that nothing permits it. True when in doubt.
    pub fn may_forbid(&self, action: ActionId) -> bool {
        let slice = || self.slice(self.session.as_ref().ok()?, self.policies.words.action(action.0)?);
        slice().is_none_or(|slice| {
            let needs = slice.reads_approvals || slice.reads_second_factor;
            slice.forbids || needs || slice.may_fail || slice.entities.is_err()
        })
    }

    /// Whether a rule takes the values of a field away from those who ask to see them as they are, or can't be evaluated: else nothing
    /// permits it.
    pub fn forbids_seeing(&self, field: &Field, circumstances: &Circumstances) -> bool {
        match self.verdict_only(SEE.0, Subject::Field(field), circumstances) {
            Decision::Permit { .. } => false,
            Decision::Deny(denial) => field.sealed || denial.reason != Reason::NotPermitted,
        }
    }

    /// The answer without what it would need, which sights never hold for.
    fn verdict_only(&self, action: &str, subject: Subject<'_>, circumstances: &Circumstances) -> Decision {
        match self.question(action, subject, &[]) {
            Ok(question) => {
                self.told(self.asked(&question, circumstances, circumstances.approvals, circumstances.mfa_age_seconds))
            }
            Err(denial) => Decision::Deny(denial),
        }
    }

    fn answer(
        &self,
        action: &str,
        subject: Subject<'_>,
        own: &[(&'static str, AttrValue)],
        circumstances: &Circumstances,
    ) -> Decision {
        let question = match self.question(action, subject, own) {
            Ok(question) => question,
            Err(denial) => return Decision::Deny(denial),
        };
        let verdict = self.asked(&question, circumstances, circumstances.approvals, circumstances.mfa_age_seconds);
        let mut decision = self.told(verdict);
        if let Decision::Deny(denial) = &mut decision
            && matches!(denial.reason, Reason::Forbidden | Reason::NotPermitted)
        {
            denial.needs = self.needs(&question, circumstances);
        }
        decision
    }

    /// Makes a question ready, or says why it is none.
    fn question<'a>(
        &'a self,
        action: &str,
        subject: Subject<'_>,
        own: &'a [(&'static str, AttrValue)],
    ) -> Result<Question<'a>, Denial> {
        let refuse = |reason| Denial { rules: Vec::new(), message: None, reason, needs: None };
        let erred = |text: &String| refuse(Reason::Erred(text.clone()));
        let Some(action) = self.policies.words.action(action) else {
            return Err(refuse(Reason::UnknownAction(format!("no protocol has the action `{action}`"))));
        };
        if let Some(why) = action.never {
            return Err(refuse(Reason::Never(why)));
        }
        if let Subject::Field(Field { sealed: true, .. }) = subject
            && action.name == PROBE.0
        {
            return Err(refuse(Reason::Never("nobody may see this, nor find out by asking about it")));
        }
        let type_name = subject.type_name();
        if !action.is_asked_on(type_name) {
            let text = format!("the action `{}` is not asked on a {type_name}", action.name);
            return Err(refuse(Reason::UnknownAction(text)));
        }
        let session = self.session.as_ref().map_err(erred)?;
        let slice = self.slice(session, action).ok_or_else(|| erred(&"an action has no place".to_owned()))?;
        let base = slice.entities.as_ref().map_err(erred)?.clone();
        let (resource, entities) = match subject {
            Subject::Target => (session.target.clone(), Ok(base)),
            Subject::Part(part) => {
                let entity = session.part(&self.policies.words, part).map_err(|text| erred(&text))?;
                (entity.uid(), base.add_entities([entity], None))
            }
            Subject::Field(field) => {
                let entity = session.field(&self.policies.words, field).map_err(|text| erred(&text))?;
                (entity.uid(), base.add_entities([entity], None))
            }
        };
        let entities = entities.map_err(|error| erred(&error.to_string()))?;
        Ok(Question { action, resource, own, slice, entities })
    }

    fn slice(&self, session: &Session, action: &Action) -> Option<&Slice> {
        let make = || {
            let speak = self.policies.by_action.get(action.index).into_iter().flatten();
            let rules =
                speak.filter_map(|index| self.policies.rules.get(*index)).filter(|rule| can_match(rule, session));
            Box::new(Slice::new(rules, session, action))
        };
        Some(self.slices.get(action.index)?.get_or_init(make).as_ref())
    }

    /// Asks Cedar.
    fn asked(
        &self,
        question: &Question<'_>,
        circumstances: &Circumstances,
        approvals: u32,
        mfa: Option<u32>,
    ) -> Verdict {
        let Question { action, resource, own, slice, entities } = question;
        let erred = |text: String| Verdict::Erred(Vec::new(), text);
        let session = match &self.session {
            Ok(session) => session,
            Err(text) => return erred(text.clone()),
        };
        let context = match facts::context(action, own, circumstances, approvals, mfa) {
            Ok(context) => context,
            Err(text) => return erred(text),
        };
        let principal = session.principal.clone();
        let request = match Request::new(principal, action.uid.clone(), resource.clone(), context, None) {
            Ok(request) => request,
            Err(error) => return erred(error.to_string()),
        };
        let response = Authorizer::new().is_authorized(&request, &slice.rules, entities);

        // A rule that fails says nothing, in Cedar. Here it may have been the forbid, so it says no.
        let mut errors = response.diagnostics().errors().peekable();
        if errors.peek().is_some() {
            let (ids, texts): (Vec<_>, Vec<_>) = errors.map(failed).unzip();
            return Verdict::Erred(self.indexes(ids.into_iter()), texts.join("; "));
        }
        let rules = self.indexes(response.diagnostics().reason());
        match response.decision() {
            cedar_policy::Decision::Allow => Verdict::Permit(rules),
            cedar_policy::Decision::Deny if rules.is_empty() => Verdict::Nothing,
            cedar_policy::Decision::Deny => Verdict::Forbid(rules),
        }
    }

    /// The rules of these ids, in the order of the files.
    fn indexes<'a>(&self, ids: impl Iterator<Item = &'a PolicyId>) -> Vec<usize> {
        let mut indexes: Vec<_> = ids.filter_map(|id| self.policies.by_id.get(id).copied()).collect();
        indexes.sort_unstable();
        indexes
    }

    /// A verdict in words.
    fn told(&self, verdict: Verdict) -> Decision {
        let rules =
            |indexes: &[usize]| indexes.iter().filter_map(|index| self.policies.rules.get(*index)).collect::<Vec<_>>();
        let ids = |rules: &[&Rule]| rules.iter().map(|rule| Arc::clone(&rule.id)).collect();
        let (indexes, reason) = match verdict {
            Verdict::Permit(indexes) => return Decision::Permit { rules: ids(&rules(&indexes)) },
            Verdict::Forbid(indexes) => (indexes, Reason::Forbidden),
            Verdict::Nothing => (Vec::new(), Reason::NotPermitted),
            Verdict::Erred(indexes, text) => (indexes, Reason::Erred(text)),
        };
        let rules = rules(&indexes);
        // A failed rule may not have meant to speak at all, so its message would mislead.
        let speakers = if reason == Reason::Forbidden { rules.as_slice() } else { &[] };
        let mut messages: Vec<&str> = Vec::new();
        for message in speakers.iter().filter_map(|rule| rule.message.as_deref()) {
            if !messages.contains(&message) {
                messages.push(message);
            }
        }
        let message = (!messages.is_empty()).then(|| messages.join(" "));
        Decision::Deny(Denial { rules: ids(&rules), message, reason, needs: None })
    }

    /// The least that makes it a permit: few approvals before many, and without a second factor before with one.
    fn needs(&self, question: &Question<'_>, circumstances: &Circumstances) -> Option<Needs> {
        let Slice { reads_approvals, reads_second_factor, .. } = *question.slice;
        let given = circumstances.approvals;
        let most = if reads_approvals { APPROVALS_MAX.max(given) } else { given };
        for approvals in given..=most {
            for second_factor in [false, true] {
                let asked_before = approvals == given && !second_factor;
                if asked_before || second_factor && !reads_second_factor {
                    continue;
                }
                let mfa = if second_factor { Some(0) } else { circumstances.mfa_age_seconds };
                if let Verdict::Permit(_) = self.asked(question, circumstances, approvals, mfa) {
                    return Some(Needs { approvals, second_factor });
                }
            }
        }
        None
    }
}

impl Slice {
    fn new<'a>(rules: impl Iterator<Item = &'a Rule>, session: &Session, action: &Action) -> Self {
        let mut set = PolicySet::new();
        let (mut reads_approvals, mut reads_second_factor) = (false, false);
        let (mut by_class, mut forbids, mut may_fail) = (true, false, false);
        let mut entities = Ok(());
        for rule in rules {
            reads_approvals |= rule.reads.reads("approvals");
            reads_second_factor |= rule.reads.reads("mfa_age");
            forbids |= rule.policy.effect() == Effect::Forbid;
            may_fail |= rule.reads.may_fail;
            by_class &= is_never_of_fields(&rule.resource) || !rule.reads.resource && is_about_classes(&rule.resource);
            // Without one of its rules a slice would decide wrong, so it must not decide.
            if let Err(error) = set.add(rule.policy.clone()) {
                entities = Err(error.to_string());
            }
        }
        let entities = entities.and_then(|()| {
            let group = action.group.clone();
            let verb = Entity::new_no_attrs(action.uid.clone(), group.clone().into_iter().collect());
            let all = session.entities.iter().cloned().chain([verb]).chain(group.map(Entity::with_uid));
            Entities::from_entities(all, None).map_err(|error| error.to_string())
        });
        Self { rules: set, entities, reads_approvals, reads_second_factor, by_class, forbids, may_fail }
    }
}

/// Whether a rule's scope can match in this session. True when in doubt.
fn can_match(rule: &Rule, session: &Session) -> bool {
    let who = match &rule.principal {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Is(kind) => kind == session.principal.type_name(),
        PrincipalConstraint::Eq(uid) => *uid == session.principal,
        PrincipalConstraint::In(uid) => is_principal_in(session, uid),
        PrincipalConstraint::IsIn(kind, uid) => kind == session.principal.type_name() && is_principal_in(session, uid),
    };
    who && match &rule.resource {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => {
            may_hold(session, uid)
        }
    }
}

/// The groups of a session are among its entities, and a principal is in nothing else.
fn is_principal_in(session: &Session, uid: &EntityUid) -> bool {
    *uid == session.principal
        || uid.type_name().basename() == "Group" && session.entities.iter().any(|entity| entity.uid() == *uid)
}

/// Whether this entity can be the resource of a question at this target, or have it inside.
fn may_hold(session: &Session, uid: &EntityUid) -> bool {
    match uid.type_name().basename() {
        "Target" => *uid == session.target,
        "Env" => session.env.as_ref() == Some(uid),
        "Class" => true,
        _ => uid.id().unescaped().starts_with(&session.prefix),
    }
}

/// Whether a scope holds for no field at all.
fn is_never_of_fields(resource: &ResourceConstraint) -> bool {
    match resource {
        ResourceConstraint::Is(kind) | ResourceConstraint::IsIn(kind, _) => kind.basename() != "Field",
        ResourceConstraint::Any | ResourceConstraint::Eq(_) | ResourceConstraint::In(_) => false,
    }
}

/// Whether a scope holds for all fields of a class at a target, or for none.
fn is_about_classes(resource: &ResourceConstraint) -> bool {
    match resource {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => {
            matches!(uid.type_name().basename(), "Class" | "Target" | "Env")
        }
    }
}

/// Which rule failed, and how.
fn failed(error: &AuthorizationError) -> (&PolicyId, String) {
    match error {
        AuthorizationError::PolicyEvaluationError(error) => (error.policy_id(), error.to_string()),
    }
}

#[cfg(test)]
mod tests;
