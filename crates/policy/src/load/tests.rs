use crate::fixtures::{ROUTES, TABLES, known, load, load_files, shown, target};
use crate::{Known, Policies, SourceFile};

/// Policies, and all that is said about them, in order.
const CASES: &[(&str, &str)] = &[
    ("", ""),
    (r#"permit (principal, action == Action::"select", resource);"#, ""),
    // Scopes and ids.
    (
        r#"permit (principal, action in Action::"read", resource in Target::"ordrs");"#,
        "p.cedar:1:58: error: Target::\"ordrs\": the configuration names no target \"ordrs\"\n  help: did you mean Target::\"orders\"?",
    ),
    (
        r#"permit (principal in Group::"dbas", action in Action::"read", resource in Env::"production");"#,
        "p.cedar:1:22: error: Group::\"dbas\": the configuration names no group \"dbas\"\n  help: did you mean Group::\"dba\"?\n\
         p.cedar:1:75: error: Env::\"production\": the configuration names no environment \"production\"\n  help: there are: dev, prod",
    ),
    (
        r#"permit (principal, action == Action::"see_token", resource in Class::"pci.cards");"#,
        "p.cedar:1:63: error: Class::\"pci.cards\": the configuration names no class \"pci.cards\"\n  help: did you mean Class::\"pci.card\"?",
    ),
    (r#"permit (principal, action == Action::"see_token", resource in Class::"pci");"#, ""),
    (
        r#"permit (principal == User::"alice", action in Action::"read", resource);"#,
        "p.cedar:1:22: error: User::\"alice\" does not say who vouches for the name: a principal's id is \"issuer:name\"\n  help: for example User::\"corp:alice\"",
    ),
    (
        r#"permit (principal == Workload::"githup:acme/x", action in Action::"read", resource);"#,
        "p.cedar:1:22: error: Workload::\"githup:acme/x\": the configuration names no issuer \"githup\"\n  help: did you mean Workload::\"github:acme/x\"?",
    ),
    (
        r#"permit (principal, action in Action::"read", resource == Table::"public.customers");"#,
        "p.cedar:1:58: error: Table::\"public.customers\" does not say which target it is in: its id is \"target/name\"\n  help: for example Table::\"orders/public.customers\"",
    ),
    (
        r#"permit (principal, action == Action::"see_partial", resource) when { resource == Field::"order/public.t.a" };"#,
        "p.cedar:1:82: error: Field::\"order/public.t.a\": the configuration names no target \"order\"\n  help: did you mean Field::\"orders/public.t.a\"?",
    ),
    (r#"permit (principal, action in Action::"read", resource == Table::"orders/public.customers");"#, ""),
    (
        "permit (\n  principal,\n  action == Action::\"selekt\",\n  resource\n);",
        "p.cedar:3:13: error: unrecognized action `Action::\"selekt\"`\n  help: did you mean `Action::\"select\"`?",
    ),
    (
        r#"permit (principal, action == Action::"read", resource);"#,
        "p.cedar:1:1: error: `action == Action::\"read\"` is never true: `read` is a group of actions\n  help: write `action in Action::\"read\"`",
    ),
    (
        r#"permit (principal == ?principal, action in Action::"read", resource);"#,
        "p.cedar:1:1: error: this policy is a template: nothing fills `?principal` in\n  help: write a policy for each principal or group, or leave that scope open",
    ),
    // Annotations.
    (
        r#"@mesage("x") permit (principal, action == Action::"select", resource);"#,
        "p.cedar:1:1: error: @mesage is no annotation of Weir's\n  help: did you mean @message? there are @id, @message and @docs",
    ),
    (
        "@id(\"a\") permit (principal, action == Action::\"select\", resource);\n@id(\"a\") forbid (principal, action == Action::\"drop\", resource);",
        "p.cedar:2:1: error: another policy has @id(\"a\") already, at p.cedar:1",
    ),
    (
        r#"@id("") permit (principal, action == Action::"select", resource);"#,
        "p.cedar:1:1: error: this @id can't be used\n  help: an id has 1 to 128 bytes, no quotes and no control characters",
    ),
    // Conditions.
    (
        r#"forbid (principal, action in Action::"read", resource) when { context.rows > 1000 };"#,
        "p.cedar:1:63: error: this version of Weir does not enforce limits on rows and bytes, so a policy on `context.rows` would not hold\n  help: take the condition out, or permit less",
    ),
    (
        r#"forbid (principal, action in Action::"read", resource) when { false && context["rows_hour"] > 1 };"#,
        "p.cedar:1:72: error: this version of Weir does not enforce limits on rows and bytes, so a policy on `context.rows_hour` would not hold\n  help: take the condition out, or permit less",
    ),
    (
        r#"forbid (principal, action in Action::"read", resource) when { context has rows_day };"#,
        "p.cedar:1:63: error: this version of Weir does not enforce limits on rows and bytes, so a policy on `context.rows_day` would not hold\n  help: take the condition out, or permit less",
    ),
    (
        r#"forbid (principal, action in Action::"read", resource) unless { context has mfa_agee && context.approvals > 1 };"#,
        "p.cedar:1:65: error: no action has `context.mfa_agee`\n  help: did you mean `context.mfa_age`?",
    ),
    (
        r#"forbid (principal, action in Action::"read", resource) when { context.hour > 20 };"#,
        "p.cedar:1:63: error: no action has `context.hour`\n  help: there are: approvals, mfa_age, now, address, application, run, recording, has_where, kind, length, probe",
    ),
    (
        r#"forbid (principal, action in Action::"read", resource) when { context.approvals > 1 && false };"#,
        "p.cedar:1:1: warning: this policy never forbids anything: its condition is always false",
    ),
    (
        r#"forbid (principal, action in Action::"write", resource) unless { context.has_where };"#,
        "p.cedar:1:66: error: not every action of this policy has `context.has_where`\n  help: these have it: delete, update",
    ),
    (
        r#"permit (principal, action == Action::"drop", resource) when { context.mfa_age < 60 };"#,
        "p.cedar:1:63: error: unable to guarantee safety of access to optional attribute `mfa_age` in context for Action::\"drop\"\n  help: try testing for the attribute's presence with `context has mfa_age && ..`",
    ),
    (
        r#"permit (principal is Workload, action == Action::"drop", resource) when { principal has owner && principal.owner in Group::"dba" };"#,
        "p.cedar:1:1: error: the groups and tags of a workload's owner are not known, so this would always be false\n  help: compare the owner itself: `principal has owner && principal.owner == User::\"…\"`",
    ),
    (
        r#"permit (principal is Workload, action == Action::"drop", resource) when { principal has owner && principal.owner == User::"corp:alice" };"#,
        "",
    ),
    // What is likely not meant.
    (
        r#"permit (principal in Group::"dba", action, resource);"#,
        "p.cedar:1:1: warning: this permit leaves the action open, so it grants `see`, `approve` and `opaque` as well\n  help: name the actions: `action in [Action::\"connect\", Action::\"read\"]`",
    ),
    (r#"forbid (principal, action, resource) when { context.now < 5 };"#, ""),
    (
        r#"permit (principal, action in [Action::"see", Action::"see_token"], resource in Class::"pci");"#,
        "p.cedar:1:1: warning: this permit gives `see` to everyone who is known to Weir\n  help: name who may: `principal in Group::\"…\"`",
    ),
    (
        r#"permit (principal is User, action == Action::"approve", resource);"#,
        "p.cedar:1:1: warning: this permit gives `approve` to everyone who is known to Weir\n  help: name who may: `principal in Group::\"…\"`",
    ),
    (r#"permit (principal, action == Action::"see", resource) when { principal in Group::"dba" };"#, ""),
    (
        r#"forbid (principal, action == Action::"get", resource == Table::"orders/public.customers");"#,
        "p.cedar:1:1: warning: this policy never forbids anything: none of its actions is asked of such a principal on such a resource",
    ),
    (
        r#"forbid (principal, action == Action::"see", resource == Class::"pci");"#,
        "p.cedar:1:1: warning: this policy never forbids anything: none of its actions is asked of such a principal on such a resource\n  help: try replacing `==` with `in` in the resource clause",
    ),
    (
        r#"permit (principal, action == Action::"copy_program", resource);"#,
        "p.cedar:1:1: warning: no policy can permit `copy_program`: it would run a program on the target's host",
    ),
];

#[test]
fn what_is_said_about_policies() {
    let mut wrong = Vec::new();
    for (policies, expected) in CASES {
        let said = match load_files(&[("p.cedar", policies)]) {
            Ok((_, warnings)) => warnings,
            Err(problems) => problems,
        };
        if shown(&said) != *expected {
            wrong.push(format!("{policies}\n--- expected\n{expected}\n--- said\n{}\n", shown(&said)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_is_read_and_every_problem_told() {
    let broken = "permit (principal, action == Action::\"select\", resource)\nforbid (principal action, resource);";
    let problems = load_files(&[
        ("a.cedar", broken),
        ("b.cedar", "permit (principal, action == Action::\"select\", resource in Env::\"nowhere\");"),
        ("c.cedar", "@id(\"x\") permit (principal, action in Action::\"read\", resource);"),
        ("d.cedar", "permit (principal, action == Action::\"nothing\", resource);"),
    ]);
    let problems = problems.err().unwrap();
    let places: Vec<_> = problems.iter().map(|problem| (problem.file.as_str(), problem.line)).collect();
    assert_eq!(places, [("a.cedar", 2), ("b.cedar", 1), ("d.cedar", 1)], "{}", shown(&problems));
}

#[test]
fn a_policy_without_id_is_named_by_its_place() {
    let two = "permit (principal, action == Action::\"begin\", resource);\n\
               permit (principal, action == Action::\"select\", resource); permit (principal, action == Action::\"insert\", resource);";
    let policies = load(two);
    let ids: Vec<_> = policies.rules.iter().map(|rule| &*rule.id).collect();
    assert_eq!(ids, ["p.cedar:1", "p.cedar:2", "p.cedar:2:59"]);
}

#[test]
fn an_id_that_looks_like_a_place_takes_no_ones_name() {
    let text = "@id(\"p.cedar:2\") permit (principal, action == Action::\"begin\", resource);\n\
                permit (principal, action == Action::\"select\", resource);";
    let ids: Vec<_> = load(text).rules.iter().map(|rule| rule.id.to_string()).collect();
    assert_eq!(ids, ["p.cedar:2", "p.cedar:2:1"]);
}

#[test]
fn names_that_would_make_ids_ambiguous_are_refused() {
    let known = Known {
        targets: vec![target("a/b", "http", None, &[])],
        issuers: ["x:y".to_owned()].into(),
        ..Known::default()
    };
    let problems = Policies::load(&[&ROUTES], &known, &[]).err().unwrap();
    assert_eq!(
        shown(&problems),
        "configuration: error: a target can't be named \"a/b\"\n  help: use a name without `/`\n\
         configuration: error: an issuer can't be named \"x:y\"\n  help: use a name without `:`"
    );
}

#[test]
fn the_hash_is_over_names_and_texts_and_not_their_order() {
    let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
    let hash = |files: &[SourceFile]| {
        let (policies, _) = Policies::load(&[&TABLES], &known(), files).unwrap();
        policies.hash().to_owned()
    };
    let (a, b) = (file("a", "// one"), file("b", "// two"));
    let both = hash(&[a.clone(), b.clone()]);
    assert_eq!(both.len(), 64);
    assert_ne!(hash(&[file("a", "//"), file("b", "")]), hash(&[file("a", "//b"), file("", "")]), "lengths count");
    assert_eq!(both, hash(&[b.clone(), a.clone()]));
    let others =
        [vec![], vec![a.clone()], vec![file("a", "// two"), file("b", "// one")], vec![a, file("b", "// tow")]];
    for other in others {
        assert_ne!(both, hash(&other));
    }
}

#[test]
fn what_policies_read_is_known() {
    let text =
        |condition: &str| format!("permit (principal, action == Action::\"select\", resource) when {{ {condition} }};");
    let reads = |condition: &str| {
        let policies = load(&text(condition));
        (policies.reads_now(), policies.reads_second_factor())
    };
    assert_eq!(reads("context.approvals > 1"), (false, false));
    assert_eq!(reads("context.approvals > 1 || context.now > 5"), (true, false));
    assert_eq!(reads("context has mfa_age && context[\"mfa_age\"] < 5"), (false, true));
    assert_eq!(reads("{c: context}.c.now > 5"), (true, true), "anything may be read from the whole");
}

#[test]
fn the_shipped_starting_policies_load() {
    let start = include_str!("../../../../policies/10-start.cedar");
    let (_, warnings) = load_files(&[("policies/10-start.cedar", start)]).unwrap_or_else(|p| panic!("{}", shown(&p)));
    assert_eq!(shown(&warnings), "");
}

#[test]
fn every_example_in_the_docs_loads() {
    let docs = include_str!("../../../../docs/policies.md");
    let mut known = known();
    known.groups.extend(["support", "analysts", "contractors", "payroll"].map(str::to_owned));
    let examples: Vec<_> = docs.split("```cedar\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 6, "the examples were not found");
    for text in examples {
        let file = SourceFile { name: "docs/policies.md".to_owned(), text: text.to_owned() };
        let (_, warnings) = Policies::load(&[&TABLES, &ROUTES], &known, &[file])
            .unwrap_or_else(|problems| panic!("{}\n{text}", shown(&problems)));
        assert_eq!(shown(&warnings), "", "{text}");
    }
}
