//! What is known, as Cedar entities and contexts: who asks, where, about what, and under which circumstances.
//!
//! A question must hold exactly what the protocol declared for it. One attribute missing or too many means that the
//! protocol and its vocabulary disagree, and then nobody can say what a policy on it means: it is an error, which is a
//! deny.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Context, Entity, EntityUid, RestrictedExpression};
use model::{AttrType, AttrValue, Claim, Field, Part, Principal, PrincipalKind, Target};

use crate::decision::Circumstances;
use crate::words::{Action, Words, uid};

/// What does not change during a session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) principal: EntityUid,
    pub(crate) target: EntityUid,
    pub(crate) env: Option<EntityUid>,
    /// The target's name and a slash, with which the ids of all its parts begin.
    pub(crate) prefix: String,
    /// The entities of all of these.
    pub(crate) entities: Vec<Entity>,
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

/// The attributes that every principal has.
fn who(id: &str, issuer: &str, name: &str) -> HashMap<String, RestrictedExpression> {
    [("id", id), ("issuer", issuer), ("name", name)].map(|(attr, value)| (attr.to_owned(), text(value))).into()
}

impl Session {
    pub(crate) fn new(words: &Words, principal: &Principal, target: &Target) -> Result<Self, String> {
        let types = &words.types;
        let mut entities = Vec::new();
        let groups: HashSet<_> = principal.groups.iter().map(|group| uid(&types.group, group)).collect();
        entities.extend(groups.iter().cloned().map(Entity::with_uid));

        let id = principal.id();
        let mut attrs = who(&id, &principal.issuer, &principal.name);
        let principal_type = match principal.kind {
            PrincipalKind::User => &types.user,
            PrincipalKind::Workload => {
                if let Some(owner) = &principal.owner {
                    let (issuer, name) = owner.split_once(':').unwrap_or(("", owner));
                    let owner_uid = uid(&types.user, owner);
                    let entity = Entity::new(owner_uid.clone(), who(owner, issuer, name), HashSet::new());
                    entities.push(entity.map_err(|error| error.to_string())?);
                    attrs.insert("owner".to_owned(), RestrictedExpression::new_entity_uid(owner_uid));
                }
                &types.workload
            }
        };
        let principal_uid = uid(principal_type, &id);
        let tags = tags(principal);
        let entity = Entity::new_with_tags(principal_uid.clone(), attrs, groups, tags);
        entities.push(entity.map_err(|error| error.to_string())?);

        let env = target.env.as_deref().map(|env| uid(&types.env, env));
        entities.extend(env.clone().map(Entity::with_uid));
        let target_uid = uid(&types.target, &target.id.0);
        let labels = target.labels.iter().map(|(label, value)| (label.to_string(), text(value)));
        let attrs = [("protocol".to_owned(), text(target.protocol))];
        let labels = labels.collect::<HashMap<_, _>>();
        let entity = Entity::new_with_tags(target_uid.clone(), attrs, env.clone(), labels);
        entities.push(entity.map_err(|error| error.to_string())?);

        let prefix = format!("{}/", target.id);
        Ok(Self { principal: principal_uid, target: target_uid, env, prefix, entities })
    }

    /// The entity of a part.
    pub(crate) fn part(&self, words: &Words, part: &Part) -> Result<Entity, String> {
        let kind = words.kind(part.kind).ok_or_else(|| format!("there is no kind of part `{}`", part.kind))?;
        let mut attrs: HashMap<_, _> =
            part.attrs.iter().map(|(attr, value)| ((*attr).to_owned(), text(value))).collect();
        let as_declared = kind.attrs.iter().all(|attr| attrs.contains_key(*attr));
        if !as_declared || attrs.len() != part.attrs.len() || attrs.len() != kind.attrs.len() {
            let given: Vec<_> = part.attrs.iter().map(|(attr, _)| *attr).collect();
            return Err(format!("a {} has the attributes {:?}, not {given:?}", part.kind, kind.attrs));
        }
        attrs.insert("name".to_owned(), text(&part.name));
        attrs.insert("target".to_owned(), RestrictedExpression::new_entity_uid(self.target.clone()));
        let part_uid = uid(&kind.type_name, &format!("{}{}", self.prefix, part.name));
        Entity::new(part_uid, attrs, HashSet::from([self.target.clone()])).map_err(|error| error.to_string())
    }

    /// The entity of a field: in its part, in the target, and in its class and all that this is in.
    pub(crate) fn field(&self, words: &Words, field: &Field) -> Result<Entity, String> {
        let part = self.part(words, &field.part)?;
        let classes = field.class.lineage().map(|class| uid(&words.types.class, class));
        let parents = classes.chain([part.uid(), self.target.clone()]).collect();
        let field_uid = uid(&words.types.field, &format!("{}{}.{}", self.prefix, field.part.name, field.name));
        let attrs = HashMap::from([("name".to_owned(), text(&field.name))]);
        Entity::new(field_uid, attrs, parents).map_err(|error| error.to_string())
    }
}

/// Claims as tags, which are all texts in Cedar: a claim of one value is the tag of its name, and each value of any
/// claim is a tag `name=value` that says "true", so that a list that has shrunk to one value still answers the same.
/// A claim with `=` in its own name could pass for another, and is left out.
fn tags(principal: &Principal) -> HashMap<String, RestrictedExpression> {
    let mut tags = HashMap::new();
    for (name, claim) in principal.claims.iter().filter(|(name, _)| !name.contains('=')) {
        let values = match claim {
            Claim::One(value) => {
                tags.insert(name.clone(), text(value));
                std::slice::from_ref(value)
            }
            Claim::Many(values) => values,
        };
        tags.extend(values.iter().map(|value| (format!("{name}={value}"), text("true"))));
    }
    tags
}

/// The context of one question.
pub(crate) fn context(
    action: &Action,
    own: &[(&'static str, AttrValue)],
    circumstances: &Circumstances,
    approvals: u32,
    mfa_age_seconds: Option<u32>,
) -> Result<Context, String> {
    let long = RestrictedExpression::new_long;
    let now = i64::try_from(circumstances.now.0).map_err(|_| "the clock is past the end of time".to_owned())?;
    let mut pairs = vec![
        ("approvals".to_owned(), long(i64::from(approvals))),
        ("now".to_owned(), long(now)),
        ("address".to_owned(), RestrictedExpression::new_ip(circumstances.address.to_string())),
        ("recording".to_owned(), text(circumstances.recording.as_str())),
    ];
    pairs.extend(mfa_age_seconds.map(|age| ("mfa_age".to_owned(), long(i64::from(age)))));
    pairs.extend(circumstances.application.as_deref().map(|name| ("application".to_owned(), text(name))));
    pairs.extend(circumstances.run.as_deref().map(|run| ("run".to_owned(), text(run))));

    for (name, value) in own {
        let (ty, value) = match value {
            AttrValue::Bool(value) => (AttrType::Bool, RestrictedExpression::new_bool(*value)),
            AttrValue::Long(value) => (AttrType::Long, long(*value)),
            AttrValue::Text(value) => (AttrType::Text, text(value)),
        };
        match action.context.get(name) {
            Some((declared, _)) if *declared == ty => pairs.push(((*name).to_owned(), value)),
            Some(_) => return Err(format!("`{name}` in the context of `{}` has another type", action.name)),
            None => return Err(format!("`{name}` is not in the context of `{}`", action.name)),
        }
    }
    let missing =
        action.context.iter().find(|(name, (_, always))| *always && !own.iter().any(|(given, _)| given == *name));
    if let Some((name, _)) = missing {
        return Err(format!("`{name}` is missing from the context of `{}`", action.name));
    }
    // Told twice is an error here.
    Context::from_pairs(pairs).map_err(|error| error.to_string())
}
