use super::*;
use crate::fixtures::{
    ROUTES, TABLES, ask, brief, circumstances, field, known, load, orders, part, principal, sandbox, target,
};
use model::{AttrValue, PrincipalKind, UnixSeconds};

mod slices;

/// The examples of the design, as far as this version has what they speak of.
const DESIGN: &str = r#"
@id("ci") permit (principal in Group::"ci", action in Action::"read", resource in Target::"orders");
@id("schema") permit (principal in Group::"dba", action in Action::"define", resource in Env::"prod")
when { context.approvals >= 2 && context has mfa_age && context.mfa_age <= 300 };
@id("last4") permit (principal, action == Action::"see_partial", resource in Class::"pci.card");
@id("privacy") permit (principal in Group::"privacy", action == Action::"see", resource in Class::"pci") when { context.approvals >= 1 };
@id("signoff") permit (principal in Group::"dba", action == Action::"approve", resource in Env::"prod");
"#;

const START: &str = include_str!("../../../../policies/10-start.cedar");

/// Policies, who (name and groups), the target, what is asked, and the answer.
const CASES: &[(&str, &str, &str, &str, &str)] = &[
    (DESIGN, "acme/nightly ci", "orders", "select", "permit [ci]"),
    (DESIGN, "acme/nightly ci", "orders", "select public.customers", "permit [ci]"),
    (DESIGN, "acme/nightly ci", "sandbox", "select public.customers", "deny not permitted"),
    (DESIGN, "acme/nightly ci", "orders", "insert public.customers", "deny not permitted"),
    (DESIGN, "alice users", "orders", "select public.customers", "deny not permitted"),
    (DESIGN, "alice dba", "orders", "alter public.customers", "deny not permitted needs 2+mfa"),
    (DESIGN, "alice dba", "sandbox", "alter public.customers", "deny not permitted"),
    (DESIGN, "alice dba", "orders", "approve", "permit [signoff]"),
    (DESIGN, "alice dba", "orders", "approve public.customers", "permit [signoff]"),
    (DESIGN, "alice dba", "orders", "approve public.customers.pan:pci.card", "permit [signoff]"),
    (DESIGN, "alice dba", "sandbox", "approve", "deny not permitted"),
    (DESIGN, "alice privacy", "orders", "see public.customers.pan:pci.card", "deny not permitted needs 1"),
    (START, "alice users", "sandbox", "connect", "permit [use]"),
    (START, "alice users", "sandbox", "begin", "permit [use]"),
    (START, "alice users", "sandbox", "set work_mem", "permit [use]"),
    (START, "alice users", "sandbox", "select public.customers", "permit [use]"),
    (START, "alice users", "orders", "connect", "deny not permitted"),
    (START, "alice users", "sandbox", "update public.customers", "deny not permitted"),
    (START, "alice writers", "sandbox", "update public.customers", "permit [write]"),
    (
        START,
        "alice writers",
        "sandbox",
        "update! public.customers",
        "deny forbidden [where] \"UPDATE and DELETE need a WHERE.\"",
    ),
    (
        START,
        "alice writers",
        "sandbox",
        "drop public.customers",
        "deny forbidden [destroy] \"DROP and TRUNCATE need two approvals.\"",
    ),
    (START, "bob approvers", "orders", "approve public.customers", "permit [signoff]"),
    (START, "alice users", "sandbox", "opaque", "deny not permitted"),
    // Forbid wins, whichever order; all that speak are named in the order of the files, and no message is told twice.
    (
        r#"@id("b") @message("No.") forbid (principal, action == Action::"select", resource in Env::"prod");
           @id("p") permit (principal, action in Action::"read", resource);
           @id("a") @message("Not today.") forbid (principal, action in Action::"read", resource);
           @id("c") @message("No.") forbid (principal, action, resource in Target::"orders");"#,
        "alice",
        "orders",
        "select public.t",
        "deny forbidden [b, a, c] \"No. Not today.\"",
    ),
    // The least that helps: fewer approvals first, then without a second factor.
    (
        r#"permit (principal, action == Action::"drop", resource) when { context.approvals >= 3 };
           @id("quick") permit (principal, action == Action::"drop", resource) when { context has mfa_age && context.mfa_age < 60 };"#,
        "alice",
        "orders",
        "drop",
        "deny not permitted needs 0+mfa",
    ),
    (
        r#"permit (principal, action == Action::"drop", resource) when { context.approvals >= 4 };"#,
        "alice",
        "orders",
        "drop",
        "deny not permitted",
    ),
    (
        r#"@id("p") permit (principal, action == Action::"drop", resource) when { context.approvals >= 3 };
           @id("f") @message("Ask.") forbid (principal, action == Action::"drop", resource) unless { context.approvals >= 1 };"#,
        "alice",
        "orders",
        "drop",
        "deny forbidden [f] \"Ask.\" needs 3",
    ),
    // What fails to evaluate denies, permits notwithstanding, and no approval is offered for it.
    (
        r#"@id("p") permit (principal, action == Action::"select", resource);
           @id("sum") @message("?") forbid (principal, action == Action::"select", resource) when { context.now + 9223372036854775807 > context.approvals };"#,
        "alice",
        "orders",
        "select",
        "deny erred: error while evaluating policy `sum`: integer overflow while attempting to add the values `1800000000` and `9223372036854775807` [sum]",
    ),
    (
        r#"@id("p") permit (principal, action == Action::"select", resource);
           @id("sum") forbid (principal, action == Action::"select", resource)
           when { context.approvals == 0 && context.now + 9223372036854775807 > 0 };"#,
        "alice",
        "orders",
        "select",
        "deny erred: error while evaluating policy `sum`: integer overflow while attempting to add the values `1800000000` and `9223372036854775807` [sum]",
    ),
    (
        r#"@id("all") permit (principal, action, resource);"#,
        "alice",
        "orders",
        "copy_program",
        "deny never: it would run a program on the target's host",
    ),
    (
        r#"@id("all") permit (principal, action, resource);"#,
        "alice",
        "orders",
        "unheard_of",
        "deny unknown: no protocol has the action `unheard_of`",
    ),
    (
        r#"@id("all") permit (principal, action, resource);"#,
        "alice",
        "orders",
        "begin public.t",
        "deny unknown: the action `begin` is not asked on a Table",
    ),
    (
        r#"@id("all") permit (principal, action, resource);"#,
        "alice",
        "orders",
        "see",
        "deny unknown: the action `see` is not asked on a Target",
    ),
    // Every attribute of every entity, tags of claims and labels.
    (
        r#"@id("who") permit (principal is Workload, action == Action::"select", resource is Table) when {
             principal.id == "github:acme/nightly" && principal.issuer == "github" && principal.name == "acme/nightly" &&
             principal has owner && principal.owner == User::"corp:alice" && principal.owner.name == "alice" &&
             principal.hasTag("repository") && principal.getTag("repository") == "acme/nightly" &&
             principal.hasTag("repository=acme/nightly") && principal.hasTag("roles=day") && !principal.hasTag("roles") &&
             !principal.hasTag("sly=true") &&
             resource.name == "public.t" && resource.schema == "public" && resource.target == Target::"orders" &&
             resource.target.protocol == "postgres" && resource.target.hasTag("team") &&
             resource.target.getTag("team") == "shop" && resource in Env::"prod" && resource == Table::"orders/public.t" &&
             action in Action::"read" && context.address.isInRange(ip("10.0.0.0/8")) && context.now > 1700000000 };"#,
        "acme/nightly",
        "orders",
        "select public.t",
        "permit [who]",
    ),
    (
        r#"@id("f") permit (principal == User::"corp:alice", action == Action::"probe", resource == Field::"orders/public.t.ssn")
           when { resource.name == "ssn" && resource in Table::"orders/public.t" && resource in Class::"pii" && !(context has probe) };"#,
        "alice",
        "orders",
        "probe public.t.ssn:pii.national_id",
        "permit [f]",
    ),
    // Who sees a field may do with it what they like.
    (
        r#"@id("s") permit (principal, action == Action::"see", resource); @id("n") forbid (principal, action == Action::"probe", resource);"#,
        "alice",
        "orders",
        "probe public.t.ssn:pii.national_id",
        "permit [s]",
    ),
    (
        r#"@id("s") permit (principal, action == Action::"see", resource);"#,
        "alice",
        "orders",
        "overwrite public.t.ssn:pii.national_id",
        "permit [s]",
    ),
    (
        r#"@id("s") permit (principal, action == Action::"see_partial", resource);"#,
        "alice",
        "orders",
        "overwrite public.t.ssn:pii.national_id",
        "deny not permitted",
    ),
    (
        r#"@id("s") permit (principal, action == Action::"see_partial", resource);"#,
        "alice",
        "orders",
        "probe public.t.ssn:pii.national_id",
        "deny not permitted",
    ),
    (
        r#"@id("r") permit (principal, action == Action::"post", resource) when { context.length < 20 && context.kind == "json" && resource is Route };"#,
        "alice",
        "site",
        "post /orders",
        "permit [r]",
    ),
];

fn scene(policies: &Arc<Policies>, who: &str, target_name: &str) -> Scene {
    let mut words = who.split(' ');
    let who = principal(words.next().unwrap(), &words.collect::<Vec<_>>());
    let target = known().targets.into_iter().find(|target| &*target.id.0 == target_name).unwrap();
    policies.scene(&who, &target)
}

#[test]
fn decisions() {
    let mut wrong = Vec::new();
    for (policies, who, target, question, expected) in CASES {
        let policies = load(policies);
        let said = brief(&scene(&policies, who, target).decide(&ask(question), &circumstances()));
        if said != *expected {
            wrong.push(format!("{who} asks {question} at {target}\n  expected {expected}\n  said     {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn circumstances_count() {
    let policies = load(DESIGN);
    let dba = scene(&policies, "alice dba", "orders");
    let mut now = circumstances();
    let mut said = |approvals, mfa_age_seconds| {
        (now.approvals, now.mfa_age_seconds) = (approvals, mfa_age_seconds);
        brief(&dba.decide(&ask("alter public.t"), &now))
    };
    assert_eq!(said(1, Some(10)), "deny not permitted needs 2");
    assert_eq!(said(2, None), "deny not permitted needs 2+mfa");
    assert_eq!(said(2, Some(301)), "deny not permitted needs 2+mfa");
    assert_eq!(said(5, Some(301)), "deny not permitted needs 5+mfa", "what was given is not taken back");
    assert_eq!(said(2, Some(300)), "permit [schema]");
}

#[test]
fn optional_circumstances_are_read() {
    let policies = load(
        r#"@id("p") permit (principal, action == Action::"select", resource)
           when { context has application && context.application == "psql" && context has run && context.run like "nightly/*" };"#,
    );
    let scene = scene(&policies, "alice", "orders");
    let mut now = circumstances();
    assert_eq!(brief(&scene.decide(&ask("select"), &now)), "deny not permitted");
    now.application = Some("psql".to_owned());
    now.run = Some("nightly/7".to_owned());
    assert_eq!(brief(&scene.decide(&ask("select"), &now)), "permit [p]");
    now.now = UnixSeconds(u64::MAX);
    assert_eq!(brief(&scene.decide(&ask("select"), &now)), "deny erred: the clock is past the end of time");
}

#[test]
fn a_question_that_breaks_its_vocabulary_is_denied() {
    let policies = load(r#"@id("all") permit (principal, action, resource);"#);
    let scene = scene(&policies, "alice", "orders");
    let said = |change: &dyn Fn(&mut Ask)| {
        let mut question = ask("update public.t");
        change(&mut question);
        brief(&scene.decide(&question, &circumstances()))
    };
    assert_eq!(said(&|_| {}), "permit [all]");
    assert_eq!(said(&|ask| ask.context.clear()), "deny erred: `has_where` is missing from the context of `update`");
    assert_eq!(
        said(&|ask| ask.context = vec![("has_where", AttrValue::Long(1))]),
        "deny erred: `has_where` in the context of `update` has another type"
    );
    assert_eq!(
        said(&|ask| ask.context.push(("approvals", AttrValue::Long(9)))),
        "deny erred: `approvals` is not in the context of `update`"
    );
    assert!(
        said(&|ask| ask.context.push(("has_where", AttrValue::Bool(true)))).starts_with("deny erred: duplicate key")
    );
    let table = |attrs| Object::Part(model::Part { attrs, ..part("Table", "public.t") });
    let attrs: [Vec<(&str, Arc<str>)>; 3] = [
        vec![],
        vec![("schema", "public".into()), ("owner", "x".into())],
        vec![("schema", "public".into()), ("schema", "private".into())],
    ];
    for attrs in attrs {
        let said = said(&|ask| ask.object = table(attrs.clone()));
        assert!(said.starts_with("deny erred: a Table has the attributes [\"schema\"], not ["), "{said}");
    }
    let strange = Object::Part(model::Part { kind: "Cupboard", ..part("Table", "public.t") });
    assert_eq!(
        said(&|ask| ask.object = strange.clone()),
        "deny unknown: the action `update` is not asked on a Cupboard"
    );
}

#[test]
fn the_ladder_of_sights() {
    let policies = load(
        r#"@id("see") permit (principal in Group::"privacy", action == Action::"see", resource in Class::"pci");
           @id("partial") permit (principal, action == Action::"see_partial", resource in Class::"pci.card");
           @id("token") permit (principal, action == Action::"see_token", resource in Target::"orders");
           @id("away") @message("Not from outside.") forbid (principal, action == Action::"see", resource)
             unless { context.address.isInRange(ip("10.0.0.0/8")) };
           @id("broken") permit (principal, action == Action::"see", resource in Class::"secret")
             when { context.now + 9223372036854775807 > 0 };"#,
    );
    let sealed = model::Field { sealed: true, ..field("public.t", "a", "pci.card") };
    let card = field("public.t", "pan", "pci.card");
    let other_pci = field("public.t", "pin", "pci");
    let unheard = field("public.t", "hair", "pii.hair");
    let secret = field("public.t", "key", "secret.aws");
    let see = |who: &str, target: &str, field: &Field, far: bool| {
        let mut now = circumstances();
        if far {
            now.address = std::net::IpAddr::from([192, 0, 2, 1]);
        }
        let Sighting { sight, rules, why, erred } = scene(&policies, who, target).sight(field, &now);
        let erred = erred.map_or_else(String::new, |rules| format!(" by [{}]", rules.join(", ")));
        format!("{} [{}] {}{erred}", sight.as_str(), rules.join(", "), why.unwrap_or_default())
    };
    assert_eq!(see("alice privacy", "orders", &card, false), "clear [see] ");
    assert_eq!(see("alice privacy", "orders", &card, true), "partial [partial] Not from outside.");
    assert_eq!(see("bob users", "orders", &card, false), "partial [partial] ");
    assert_eq!(see("bob users", "orders", &other_pci, false), "token [token] ");
    assert_eq!(see("bob users", "sandbox", &other_pci, false), "nothing [] ");
    assert_eq!(see("bob users", "sandbox", &other_pci, true), "nothing [away] Not from outside.");
    assert_eq!(see("bob users", "orders", &unheard, false), "token [token] ", "a class that no policy names");
    let broken = see("bob users", "orders", &secret, false);
    assert!(broken.starts_with("token [token] error while evaluating policy `broken`"), "{broken}");
    assert!(broken.ends_with(" by [broken]"), "{broken}");
    assert_eq!(
        see("alice privacy", "orders", &sealed, false),
        "nothing [] nobody may see this, whatever a policy says"
    );
}

#[test]
fn the_same_name_from_another_issuer_or_of_another_kind_is_another_principal() {
    let policies = load(r#"@id("p") permit (principal == User::"corp:alice", action == Action::"select", resource);"#);
    let mut who = principal("alice", &[]);
    let said = |who: &Principal| brief(&policies.scene(who, &orders()).decide(&ask("select"), &circumstances()));
    assert_eq!(said(&who), "permit [p]");
    who.issuer = "github".to_owned();
    assert_eq!(said(&who), "deny not permitted");
    who.issuer = "corp".to_owned();
    who.kind = PrincipalKind::Workload;
    assert_eq!(said(&who), "deny not permitted");
}

#[test]
fn a_target_without_environment_is_in_none() {
    let policies = load(r#"@id("p") permit (principal, action in Action::"read", resource in Env::"dev");"#);
    assert_eq!(brief(&scene(&policies, "alice", "site").decide(&ask("get"), &circumstances())), "deny not permitted");
    let target = target("sandbox", "postgres", Some("dev"), &[]);
    assert_eq!(target, sandbox());
    let scene = policies.scene(&principal("alice", &[]), &target);
    assert_eq!(brief(&scene.decide(&ask("select"), &circumstances())), "permit [p]");
}

#[test]
fn a_slice_leaves_out_who_and_where_it_is_not_about() {
    let policies = load(
        r#"permit (principal in Group::"users", action in Action::"read", resource in Target::"orders");
           permit (principal in Group::"dba", action in Action::"read", resource in Target::"orders");
           permit (principal in Group::"users", action in Action::"read", resource in Env::"dev");
           permit (principal == User::"corp:bob", action in Action::"read", resource);
           permit (principal is Workload, action in Action::"read", resource);
           permit (principal in Group::"users", action in Action::"write", resource);
           permit (principal in Group::"users", action in Action::"read", resource == Table::"sandbox/public.t");"#,
    );
    let scene = scene(&policies, "alice users", "orders");
    let question = scene.question("select", Subject::Target, &[]).unwrap();
    let left: Vec<_> = question.slice.rules.policies().map(|policy| policy.id().to_string()).collect();
    assert_eq!(left, ["p.cedar:1"]);
}

#[test]
fn scenes_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Scene>();
    shared::<Policies>();
}

/// What is built by hand for speed is what Cedar's own checks of entities and requests accept.
#[test]
fn entities_and_contexts_conform_to_the_schema() {
    let policies = load("");
    let words = &policies.words;
    for who in ["alice users writers", "acme/nightly ci", "bob"] {
        for target in ["orders", "site"] {
            let scene = scene(&policies, who, target);
            let session = scene.session.as_ref().unwrap();
            for def in TABLES.actions.iter().chain(ROUTES.actions).filter(|def| def.never.is_none()) {
                let on = def.on.iter().map(|kind| Some(part(kind, "public.t"))).chain([None]);
                for part in on {
                    let short = ask(def.id.0);
                    let subject = part.as_ref().map_or(Subject::Target, Subject::Part);
                    let question = scene.question(def.id.0, subject, &short.context).unwrap();
                    conforms(words, session, &question);
                }
            }
            let field = field("public.t", "pan", "pci.card");
            for name in ["see", "store_token", "probe", "approve"] {
                let question = scene.question(name, Subject::Field(&field), &[]).unwrap();
                conforms(words, session, &question);
            }
        }
    }
}

fn conforms(words: &crate::words::Words, session: &Session, question: &Question<'_>) {
    let mut now = circumstances();
    for mfa in [None, Some(4)] {
        now.application = mfa.map(|_| "x".to_owned());
        now.run = mfa.map(|_| "y".to_owned());
        let context = facts::context(question.action, question.own, &now, 1, mfa).unwrap();
        let (who, verb, what) = (session.principal.clone(), question.action.uid.clone(), question.resource.clone());
        Request::new(who, verb, what, context, Some(&words.schema)).unwrap();
    }
    Entities::from_entities(question.entities.iter().cloned(), Some(&words.schema)).unwrap();
}
