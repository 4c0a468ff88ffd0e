use super::*;
use crate::fixtures::{ROUTES, TABLES};
use model::{ActionId, AttrDef};

fn complaints(vocabulary: Vocabulary) -> String {
    let other: &'static Vocabulary = Box::leak(Box::new(vocabulary));
    match Words::gather(&[&TABLES, other]) {
        Ok(_) => "none".to_owned(),
        Err(problems) => crate::fixtures::shown(&problems),
    }
}

fn leak<T>(items: Vec<T>) -> &'static [T] {
    items.leak()
}

const SELECT: ActionDef =
    ActionDef { id: ActionId("select"), group: ActionGroup::Read, on: &[], context: &[], never: None, doc: "Reads." };
const EMPTY: Vocabulary = Vocabulary { protocol: "other", actions: &[], parts: &[] };

#[test]
fn a_name_that_means_two_things_is_refused() {
    let action = |def: ActionDef| complaints(Vocabulary { actions: leak(vec![def]), ..EMPTY });
    let part = |name, attrs| complaints(Vocabulary { parts: leak(vec![PartKind { name, attrs, doc: "x" }]), ..EMPTY });

    assert_eq!(action(SELECT), "none", "the same meaning may be shared");
    let written = ActionDef { group: ActionGroup::Write, ..SELECT };
    assert_eq!(
        action(written),
        "protocol \"other\": error: the action `select` means something else in protocol \"postgres\""
    );
    let never = ActionDef { never: Some("no"), ..SELECT };
    assert!(action(never).contains("means something else"));
    let context = &[AttrDef { name: "has_where", ty: AttrType::Long }];
    let typed = ActionDef { id: ActionId("update"), group: ActionGroup::Write, context, ..SELECT };
    assert!(action(typed).contains("means something else"));
    assert!(action(ActionDef { id: ActionId("see"), ..SELECT }).contains("policy's own"));
    assert!(action(ActionDef { id: ActionId("see"), group: ActionGroup::Alone, ..SELECT }).contains("policy's own"));
    assert!(action(ActionDef { id: ActionId("export"), ..SELECT }).contains("policy's own"), "it is in a group here");
    assert_eq!(action(ActionDef { id: ActionId("export"), group: ActionGroup::Alone, ..SELECT }), "none");
    assert!(action(ActionDef { id: ActionId("read"), ..SELECT }).contains("name of a group"));
    assert!(action(ActionDef { id: ActionId("x"), on: &["Tabel"], ..SELECT }).contains("no kind of part"));
    let context = &[AttrDef { name: "now", ty: AttrType::Bool }];
    assert!(action(ActionDef { id: ActionId("x"), context, ..SELECT }).contains("every context has"));

    assert_eq!(part("Table", &["schema"]), "none");
    assert!(part("Table", &["schema", "owner"]).contains("other attributes"));
    assert!(part("User", &[]).contains("every schema has"));
    assert!(part("Thing", &["target"]).contains("every part has"));
    assert!(part("Two Words", &[]).contains("no Cedar schema"));
}

#[test]
fn every_action_is_asked_where_it_should_be() {
    let words = Words::gather(&[&TABLES, &ROUTES]).unwrap();
    let on = |name: &str| words.action(name).unwrap().on.iter().copied().collect::<Vec<_>>().join(" ");
    assert_eq!(on("select"), "Table Target");
    assert_eq!(on("begin"), "Target");
    assert_eq!(on("see"), "Field");
    assert_eq!(on("connect"), "Function Route Setting Table Target");
    assert_eq!(on("approve"), "Field Function Route Setting Table Target");
    assert!(words.action("").is_none() && words.action("read").is_none());
    for (index, action) in words.actions().iter().enumerate() {
        assert_eq!(action.index, index);
        assert_eq!(words.action(action.name).unwrap().index, index);
    }
}

#[test]
fn no_protocol_at_all_still_makes_a_schema() {
    assert!(Words::gather(&[]).unwrap().text.contains("action \"see\""));
}
