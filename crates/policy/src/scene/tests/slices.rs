//! A slice decides as the whole would: random policies, random principals, random questions.
//!
//! The random numbers are made here from a seed that a failure prints, so that every failure can be played again.

use super::*;
use crate::load::Policies;

/// A small generator (SplitMix64), good enough to pick things.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len())]
    }
}

const PRINCIPALS: &[&str] = &[
    "principal",
    "principal is User",
    "principal is Workload",
    "principal in Group::\"users\"",
    "principal in Group::\"ci\"",
    "principal is Workload in Group::\"ci\"",
    "principal is User in Group::\"ci\"",
    "principal == User::\"corp:alice\"",
    "principal in User::\"corp:alice\"",
    "principal == Workload::\"github:acme/nightly\"",
    "principal == User::\"corp:bob\"",
];
const ACTIONS: &[&str] = &[
    "action",
    "action in Action::\"read\"",
    "action in Action::\"session\"",
    "action in [Action::\"write\", Action::\"read\"]",
    "action in [Action::\"select\", Action::\"define\", Action::\"see\"]",
    "action == Action::\"select\"",
    "action in Action::\"select\"",
    "action == Action::\"update\"",
    "action == Action::\"see\"",
    "action == Action::\"connect\"",
    "action in Action::\"tunnel\"",
];
const RESOURCES: &[&str] = &[
    "resource",
    "resource is Table",
    "resource is Field",
    "resource in Target::\"orders\"",
    "resource == Target::\"orders\"",
    "resource in Target::\"sandbox\"",
    "resource in Env::\"prod\"",
    "resource in Env::\"dev\"",
    "resource is Table in Env::\"dev\"",
    "resource == Table::\"orders/public.t\"",
    "resource in Table::\"orders/public.t\"",
    "resource in Table::\"sandbox/public.t\"",
    "resource == Field::\"orders/public.t.pan\"",
    "resource in Class::\"pci\"",
    "resource in Class::\"pii\"",
    "resource is Field in Class::\"pci.card\"",
];
const CONDITIONS: &[&str] = &[
    "",
    "",
    "when { context.approvals >= 1 }",
    "unless { context.approvals >= 2 }",
    "when { context has mfa_age && context.mfa_age < 60 }",
    "when { principal in Group::\"users\" }",
    "unless { action in Action::\"read\" }",
    "when { resource in Target::\"orders\" }",
    "when { context.now + 9223372036854775807 > 0 }",
];
const QUESTIONS: &[&str] = &[
    "begin",
    "connect",
    "select",
    "select public.t",
    "select public.u",
    "update public.t",
    "update! public.t",
    "create public.t",
    "see public.t.pan:pci.card",
    "see public.u.mail:pii.email",
    "approve",
    "export public.t",
];
const PEOPLE: &[&str] = &["alice users", "alice", "bob users ci", "acme/nightly ci", "acme/nightly", "alice ci users"];

/// Every rule in one set, and no `can_match`.
fn whole(policies: &Policies, scene: &Scene, question: &Question<'_>, now: &Circumstances) -> String {
    let session = scene.session.as_ref().unwrap();
    let everything = Slice::new(policies.rules.iter(), session, question.action);
    let unsliced = Question {
        action: question.action,
        resource: question.resource.clone(),
        own: question.own,
        slice: &everything,
        entities: question.entities.clone(),
    };
    let verdict = scene.asked(&unsliced, now, now.approvals, now.mfa_age_seconds);
    brief(&scene.told(verdict))
}

#[test]
fn a_slice_decides_as_the_whole() {
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    let (mut in_slices, mut in_all) = (0, 0);
    for seed in 0..120 {
        let mut dice = Dice(seed);
        let count = 1 + dice.roll(12);
        let policy = |n: usize, dice: &mut Dice| {
            let effect = dice.pick(&["permit", "permit", "permit", "forbid"]);
            let (who, verb) = (dice.pick(PRINCIPALS), dice.pick(ACTIONS));
            let (what, condition) = (dice.pick(RESOURCES), dice.pick(CONDITIONS));
            format!("@id(\"p{n}\") {effect} ({who}, {verb}, {what}) {condition};\n")
        };
        let text: String = (0..count).map(|n| policy(n, &mut dice)).collect();
        let policies = load(&text);
        for _ in 0..24 {
            let (who, at, short) = (dice.pick(PEOPLE), dice.pick(&["orders", "sandbox"]), dice.pick(QUESTIONS));
            let mut now = circumstances();
            now.approvals = dice.pick(&[0, 1, 2]);
            now.mfa_age_seconds = dice.pick(&[None, Some(5), Some(500)]);
            let scene = scene(&policies, who, at);
            let question_ask = ask(short);
            let subject = match &question_ask.object {
                Object::Target => Subject::Target,
                Object::Part(part) => Subject::Part(part),
                Object::Field(field) => Subject::Field(field),
            };
            let question = scene.question(question_ask.action.0, subject, &question_ask.context).unwrap();
            in_slices += question.slice.rules.num_of_policies();
            in_all += policies.rules.len();

            let sliced = scene.asked(&question, &now, now.approvals, now.mfa_age_seconds);
            let sliced = brief(&scene.told(sliced));
            let whole = whole(&policies, &scene, &question, &now);
            // Several failures are told in Cedar's order, which is not the same in two sets.
            let kind = |text: &str| text.split_once(':').map_or(text.to_owned(), |(kind, _)| kind.to_owned());
            let rules = |text: &str| text.rsplit_once('[').map_or(String::new(), |(_, rules)| rules.to_owned());
            assert_eq!(
                (kind(&sliced), rules(&sliced)),
                (kind(&whole), rules(&whole)),
                "seed {seed}: {who} asks {short} at {at}\n{text}"
            );
            *seen.entry(kind(&sliced).split(" [").next().unwrap().to_owned()).or_default() += 1;
        }
    }
    // The test must have seen every kind of answer often, and slices that leave something out.
    for kind in ["permit", "deny forbidden", "deny not permitted", "deny erred"] {
        assert!(seen.get(kind).is_some_and(|count| *count > 50), "{seen:?}");
    }
    assert!(in_slices * 2 < in_all, "{in_slices} of {in_all}");
}

/// Not a check: prints what a decision costs, with and without the cut by principal and target.
/// `cargo test --release -p policy -- --ignored --nocapture cost`
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stdout, reason = "that is what it is for")]
fn cost() {
    let rules = |n: usize| {
        let group = ["users", "ci", "dba", "writers"][n % 4];
        let target = ["orders", "sandbox"][n % 2];
        format!(
            "permit (principal in Group::\"{group}\", action in Action::\"read\", resource in Target::\"{target}\") when {{ context.now > {n} }};"
        )
    };
    for count in [4, 16, 64] {
        let policies = load(&(0..count).map(rules).collect::<Vec<_>>().join("\n"));
        let question = ask("select public.t");
        let now = circumstances();
        let scene = scene(&policies, "alice users", "orders");
        let time = |label: &str, work: &dyn Fn()| {
            work();
            let start = std::time::Instant::now();
            for _ in 0..2000 {
                work();
            }
            println!("{count} rules, {label}: {:.1} µs", start.elapsed().as_secs_f64() * 1e6 / 2000.0);
        };
        time("sliced", &|| _ = scene.decide(&question, &now));
        let session = scene.session.as_ref().unwrap();
        let action = policies.words.action("select").unwrap();
        let everything = Slice::new(policies.rules.iter(), session, action);
        time("whole", &|| {
            let Object::Part(part) = &question.object else { return };
            let made = scene.question("select", Subject::Part(part), &question.context).unwrap();
            scene.asked(&Question { slice: &everything, ..made }, &now, 0, None);
        });
        let (who, at) = (principal("alice", &["users"]), orders());
        time("scene and first decision", &|| _ = policies.scene(&who, &at).decide(&question, &now));
    }
}
