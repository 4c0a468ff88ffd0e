//! Entity ids in policies must name what the configuration names: a misspelt target would make a rule that never applies.

use std::collections::BTreeSet;

use cedar_policy::{EntityUid, Policy};

use super::{Known, Place};
use crate::problem::{Problem, nearest};
use crate::words::Words;

/// Names in the configuration from which no unambiguous entity id can be made.
pub(super) fn configuration(known: &Known) -> Vec<Problem> {
    let wrong = |message: String| Problem::elsewhere("configuration", message);
    let targets = known.targets.iter().map(|target| &*target.id.0).filter(|id| id.is_empty() || id.contains('/'));
    let targets = targets.map(|id| wrong(format!("a target can't be named \"{id}\"")).help("use a name without `/`"));
    let issuers = known.issuers.iter().filter(|name| name.is_empty() || name.contains(':'));
    let issuers =
        issuers.map(|name| wrong(format!("an issuer can't be named \"{name}\"")).help("use a name without `:`"));
    targets.chain(issuers).collect()
}

/// Checks every entity id that a policy names.
pub(super) fn check(words: &Words, known: &Known, at: Place<'_>, policy: &Policy, problems: &mut Vec<Problem>) {
    let mut told = BTreeSet::new();
    for uid in policy.entity_literals() {
        let Some((message, help)) = wrong(words, known, &uid) else { continue };
        let offset = uid.as_ref().loc().map_or(at.start, |loc| loc.start());
        if told.insert((offset, uid.to_string())) {
            let problem = at.error(offset, message);
            problems.push(match help {
                Some(help) => problem.help(help),
                None => problem,
            });
        }
    }
}

/// What is wrong with an entity id, and what would be right.
fn wrong(words: &Words, known: &Known, uid: &EntityUid) -> Option<(String, Option<String>)> {
    let (kind, id) = (uid.type_name().to_string(), uid.id().unescaped());
    let targets = || known.targets.iter().map(|target| &*target.id.0);
    let issuers = || known.issuers.iter().map(String::as_str);
    match kind.as_str() {
        "Target" => unknown("target", &kind, id, "", targets()),
        "Env" => unknown("environment", &kind, id, "", known.targets.iter().filter_map(|target| target.env.as_deref())),
        "Group" => unknown("group", &kind, id, "", known.groups.iter().map(String::as_str)),
        "Class" => unknown("class", &kind, id, "", known.classes.iter().flat_map(|class| class.lineage())),
        "User" | "Workload" => match id.split_once(':').filter(|(_, name)| !name.is_empty()) {
            Some((issuer, name)) => unknown("issuer", &kind, issuer, &format!(":{name}"), issuers()),
            None => Some((
                format!("{uid} does not say who vouches for the name: a principal's id is \"issuer:name\""),
                issuers().next().map(|issuer| format!("for example {kind}::\"{issuer}:{id}\"")),
            )),
        },
        _ if kind == "Field" || words.kind(&kind).is_some() => {
            match id.split_once('/').filter(|(_, rest)| !rest.is_empty()) {
                Some((target, rest)) => unknown("target", &kind, target, &format!("/{rest}"), targets()),
                None => Some((
                    format!("{uid} does not say which target it is in: its id is \"target/name\""),
                    targets().next().map(|target| format!("for example {kind}::\"{target}/{id}\"")),
                )),
            }
        }
        // Actions, and types that the schema does not have, are Cedar's to check.
        _ => None,
    }
}

/// What to say if `name` is not known. `rest` is what follows it in the entity's id.
fn unknown<'a>(
    what: &str,
    kind: &str,
    name: &str,
    rest: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<(String, Option<String>)> {
    let known: BTreeSet<_> = known.collect();
    if known.contains(name) {
        return None;
    }
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {kind}::\"{near}{rest}\"?"),
        None if known.is_empty() => format!("the configuration names no {what}"),
        None => format!("there are: {}", known.into_iter().take(NAMES_SHOWN_MAX).collect::<Vec<_>>().join(", ")),
    };
    Some((format!("{kind}::\"{name}{rest}\": the configuration names no {what} \"{name}\""), Some(help)))
}

/// Longer lists help nobody.
const NAMES_SHOWN_MAX: usize = 10;
