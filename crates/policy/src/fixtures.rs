//! Two small protocols that are unlike each other, people, targets, and short ways to load and to ask.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use model::{
    ActionDef, ActionGroup, ActionId, Ask, AttrDef, AttrType, AttrValue, Claim, ClassId, CredentialId, Field, Object,
    Part, PartKind, Principal, PrincipalKind, Target, TargetId, UnixSeconds, Vocabulary,
};

use crate::{Circumstances, Decision, Known, Policies, Problem, SourceFile};

const fn action(id: &'static str, group: ActionGroup, on: &'static [&'static str]) -> ActionDef {
    ActionDef { id: ActionId(id), group, on, context: &[], never: None, doc: "An action of the tests." }
}

const HAS_WHERE: &[AttrDef] = &[AttrDef { name: "has_where", ty: AttrType::Bool }];

/// Like a database's.
pub(crate) static TABLES: Vocabulary = Vocabulary {
    protocol: "postgres",
    actions: &[
        action("begin", ActionGroup::Session, &[]),
        action("set", ActionGroup::Session, &["Setting"]),
        action("select", ActionGroup::Read, &["Table"]),
        action("insert", ActionGroup::Write, &["Table"]),
        ActionDef { context: HAS_WHERE, ..action("update", ActionGroup::Write, &["Table"]) },
        ActionDef { context: HAS_WHERE, ..action("delete", ActionGroup::Write, &["Table"]) },
        action("truncate", ActionGroup::Write, &["Table"]),
        action("create", ActionGroup::Define, &["Table", "Function"]),
        action("alter", ActionGroup::Define, &["Table", "Function"]),
        action("drop", ActionGroup::Define, &["Table", "Function"]),
        action("call", ActionGroup::Execute, &["Function"]),
        action("do", ActionGroup::Execute, &[]),
        ActionDef {
            never: Some("it would run a program on the target's host"),
            ..action("copy_program", ActionGroup::Execute, &[])
        },
        action("export", ActionGroup::Alone, &["Table"]),
    ],
    parts: &[
        PartKind { name: "Table", attrs: &["schema"], doc: "A table or a view." },
        PartKind { name: "Function", attrs: &["schema"], doc: "A function." },
        PartKind { name: "Setting", attrs: &[], doc: "A setting." },
    ],
};

/// Like a web service's.
pub(crate) static ROUTES: Vocabulary = Vocabulary {
    protocol: "http",
    actions: &[
        action("get", ActionGroup::Read, &["Route"]),
        ActionDef {
            context: &[AttrDef { name: "length", ty: AttrType::Long }, AttrDef { name: "kind", ty: AttrType::Text }],
            ..action("post", ActionGroup::Write, &["Route"])
        },
    ],
    parts: &[PartKind { name: "Route", attrs: &["method", "path"], doc: "A route." }],
};

pub(crate) fn target(id: &str, protocol: &'static str, env: Option<&str>, labels: &[(&str, &str)]) -> Target {
    let labels = labels.iter().map(|(label, value)| ((*label).into(), (*value).into())).collect();
    Target {
        id: TargetId(id.into()),
        protocol,
        env: env.map(Into::into),
        labels,
        token_scope: Default::default(),
        recording: Default::default(),
    }
}

pub(crate) fn orders() -> Target {
    target("orders", "postgres", Some("prod"), &[("team", "shop")])
}

pub(crate) fn sandbox() -> Target {
    target("sandbox", "postgres", Some("dev"), &[])
}

pub(crate) fn known() -> Known {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    Known {
        targets: vec![orders(), sandbox(), target("site", "http", None, &[])],
        classes: ["pii.email", "pii.national_id", "pci.card", "secret"].map(|c| ClassId::parse(c).unwrap()).into(),
        groups: names(&["users", "writers", "approvers", "ci", "dba", "privacy"]),
        issuers: names(&["corp", "github"]),
    }
}

/// `alice` is a person of `corp`, `acme/nightly` with a slash is a workload of `github`.
pub(crate) fn principal(name: &str, groups: &[&str]) -> Principal {
    let workload = name.contains('/');
    Principal {
        kind: if workload { PrincipalKind::Workload } else { PrincipalKind::User },
        issuer: if workload { "github" } else { "corp" }.to_owned(),
        name: name.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        claims: BTreeMap::from([
            ("repository".to_owned(), Claim::One("acme/nightly".to_owned())),
            ("roles".to_owned(), Claim::Many(vec!["night".to_owned(), "day".to_owned()])),
            ("sly=true".to_owned(), Claim::One("true".to_owned())),
        ]),
        owner: workload.then(|| "corp:alice".to_owned()),
        act: Vec::new(),
        run: None,
        credential: CredentialId("t1".to_owned()),
        expires: None,
    }
}

pub(crate) fn circumstances() -> Circumstances {
    Circumstances {
        approvals: 0,
        mfa_age_seconds: None,
        now: UnixSeconds(1_800_000_000),
        address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7)),
        application: None,
        run: None,
        recording: model::RecordingLevel::Off,
    }
}

pub(crate) fn load_files(files: &[(&str, &str)]) -> Result<(Arc<Policies>, Vec<Problem>), Vec<Problem>> {
    let file = |(name, text): &(&str, &str)| SourceFile { name: (*name).to_owned(), text: (*text).to_owned() };
    let files: Vec<_> = files.iter().map(file).collect();
    Policies::load(&[&TABLES, &ROUTES], &known(), &files).map(|(policies, warnings)| (Arc::new(policies), warnings))
}

/// Loads policies that must be good.
pub(crate) fn load(text: &str) -> Arc<Policies> {
    match load_files(&[("p.cedar", text)]) {
        Ok((policies, _)) => policies,
        Err(problems) => panic!("{}\n{text}", shown(&problems)),
    }
}

pub(crate) fn shown(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// `public.customers` as a table.
pub(crate) fn part(kind: &'static str, name: &str) -> Part {
    let attr = |attr: &'static str| -> (&'static str, Arc<str>) {
        match attr {
            "schema" => (attr, name.split('.').next().unwrap().into()),
            _ => (attr, name.into()),
        }
    };
    let kinds = || TABLES.parts.iter().chain(ROUTES.parts);
    let declared = kinds().find(|declared| declared.name == kind).unwrap();
    Part { kind, name: name.into(), attrs: declared.attrs.iter().map(|name| attr(name)).collect() }
}

pub(crate) fn field(table: &str, name: &str, class: &str) -> Field {
    Field { part: part("Table", table), name: name.to_owned(), class: ClassId::parse(class).unwrap(), sealed: false }
}

/// An ask in a few letters: `select public.customers`, `update! public.customers` without a WHERE, `begin`,
/// `probe public.customers.ssn:pii.national_id`.
pub(crate) fn ask(short: &str) -> Ask {
    let (verb, object) = short.split_once(' ').map_or((short, ""), |(verb, object)| (verb, object));
    let name = verb.trim_end_matches('!');
    let defs = || TABLES.actions.iter().chain(ROUTES.actions);
    let def = defs().find(|def| def.id.0 == name);
    let own = crate::actions::OWN.iter().map(|(id, ..)| *id).find(|id| id.0 == name);
    let id = def.map(|def| def.id).or(own).unwrap_or(ActionId("unheard_of"));
    let kind = match name {
        "call" => "Function",
        "set" => "Setting",
        "get" | "post" => "Route",
        _ => "Table",
    };
    let object = match object.split_once(':') {
        _ if object.is_empty() => Object::Target,
        Some((place, class)) => {
            let (table, column) = place.rsplit_once('.').unwrap();
            Object::Field(field(table, column, class))
        }
        None => Object::Part(part(kind, object)),
    };
    let value = |attr: &AttrDef| match attr.ty {
        AttrType::Bool => AttrValue::Bool(!verb.ends_with('!')),
        AttrType::Long => AttrValue::Long(12),
        AttrType::Text => AttrValue::Text("json".to_owned()),
    };
    let context = def.map(|def| def.context.iter().map(|attr| (attr.name, value(attr))).collect());
    Ask { action: id, object, context: context.unwrap_or_default() }
}

/// A decision in a few letters: `permit a, b`; `deny forbidden a "message" needs 2+mfa`.
pub(crate) fn brief(decision: &Decision) -> String {
    let (word, rules, rest) = match decision {
        Decision::Permit { rules } => ("permit".to_owned(), rules, String::new()),
        Decision::Deny(denial) => {
            let reason = match &denial.reason {
                crate::Reason::Forbidden => "forbidden".to_owned(),
                crate::Reason::NotPermitted => "not permitted".to_owned(),
                crate::Reason::Never(why) => format!("never: {why}"),
                crate::Reason::Erred(text) => format!("erred: {text}"),
                crate::Reason::UnknownAction(text) => format!("unknown: {text}"),
            };
            let message = denial.message.as_ref().map_or(String::new(), |text| format!(" \"{text}\""));
            let needs = denial.needs.map_or(String::new(), |needs| {
                format!(" needs {}{}", needs.approvals, if needs.second_factor { "+mfa" } else { "" })
            });
            (format!("deny {reason}"), &denial.rules, format!("{message}{needs}"))
        }
    };
    let rules = if rules.is_empty() { String::new() } else { format!(" [{}]", rules.join(", ")) };
    format!("{word}{rules}{rest}")
}
