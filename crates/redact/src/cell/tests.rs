//! Cells of a small format: texts, numbers, and lists of them that may hold lists.

use model::{ClassId, TypeTag};

use super::*;

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    /// `(…)`, one cell a byte or a list.
    List,
}

struct Small;

impl CellCodec for Small {
    type Wire = Kind;
    fn read<'a>(&self, kind: Kind, bytes: &'a [u8]) -> Option<Value<'a>> {
        let text = std::str::from_utf8(bytes).ok()?;
        match kind {
            Kind::Text => Some(Value::Text(text.into())),
            Kind::Number => Some(Value::Number(text.into())),
            Kind::List => None,
        }
    }
    fn write(&self, kind: Kind, value: &Value<'_>, out: &mut Vec<u8>) -> bool {
        match (kind, value) {
            (Kind::Text, Value::Text(text)) | (Kind::Number, Value::Number(text)) => {
                out.extend_from_slice(text.as_bytes());
            }
            _ => return false,
        }
        true
    }
    fn rewrite(&self, kind: Kind, bytes: &[u8], _: Sight, part: &mut ShowPart<'_, Kind>, out: &mut Vec<u8>) -> bool {
        let (Kind::List, Some(inner)) = (kind, bytes.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")")))
        else {
            return false;
        };
        out.push(b'(');
        if inner.starts_with(b"(") {
            if part(Kind::List, inner, out) == Shown::Null {
                out.push(b'-');
            }
        } else {
            for byte in inner {
                part(Kind::Text, &[*byte; 4], out);
            }
        }
        out.push(b')');
        true
    }
    /// `[  …]`: one cell a byte behind the spaces.
    fn lay_out(
        &self,
        _: Kind,
        bytes: &[u8],
        layout: &Layout,
        value: &mut ShowValue<'_, Kind>,
        out: &mut Vec<u8>,
    ) -> bool {
        let (Layout::Array(each), Some(inner)) =
            (layout, bytes.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")))
        else {
            return false;
        };
        let Layout::Value(field, TypeTag(1)) = &**each else { return false };
        for byte in inner.trim_ascii_start() {
            value(Kind::Text, &[*byte; 4], field, out);
        }
        true
    }
}

fn shown(sight: Sight, class: &str, kind: Kind, cell: &[u8]) -> (Shown, String) {
    let mut out = b"before".to_vec();
    let field = FieldPlan::new(sight, ClassId::parse(class));
    let what = show(&Small, kind, cell, &field, &TokenKey::new([7; 32]), &mut out);
    (what, String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned())
}

fn written(text: &str) -> (Shown, String) {
    (Shown::Written, text.to_owned())
}

const NULL: (Shown, String) = (Shown::Null, String::new());

#[test]
fn each_sight_in_a_type_that_can_hold_it_and_in_one_that_cannot() {
    assert_eq!(shown(Sight::Clear, "pci.card", Kind::Text, b"4111"), (Shown::Same, String::new()));
    assert_eq!(shown(Sight::Nothing, "pci.card", Kind::Text, b"4111"), written(REDACTED));
    assert_eq!(shown(Sight::Nothing, "pci.card", Kind::Number, b"4111"), NULL);
    assert_eq!(shown(Sight::Partial, "pci.card", Kind::Text, b"4111 1111 1111 1234"), written("**** **** **** 1234"));
    assert_eq!(shown(Sight::Partial, "pci.card", Kind::Number, b"4111111111111234"), written("1234"));
    assert_eq!(shown(Sight::Partial, "pii.email", Kind::Number, b"4111111111111234"), NULL);
    let (what, token) = shown(Sight::Token, "pci.card", Kind::Text, b"4111111111111234");
    assert!(what == Shown::Written && token.starts_with("tok_") && token.len() == 20, "{token}");
    assert_eq!(shown(Sight::Token, "pci.card", Kind::Text, b"4111111111111234").1, token);
    assert_ne!(shown(Sight::Token, "pii.email", Kind::Text, b"4111111111111234").1, token);
}

#[test]
fn what_a_cell_holds_is_shown_one_by_one_or_not_at_all() {
    assert_eq!(shown(Sight::Partial, "x", Kind::List, b"(ab)"), written("(a***b***)"));
    assert_eq!(shown(Sight::Partial, "x", Kind::List, b"((ab))"), written("((a***b***))"));
    assert_eq!(shown(Sight::Nothing, "x", Kind::List, b"(ab)"), NULL);
    assert_eq!(shown(Sight::Partial, "x", Kind::List, b"(ab"), NULL);
}

#[test]
fn cells_past_a_limit_and_unreadable_cells_are_redacted_whole() {
    let long = vec![b'4'; CELL_BYTES_MAX + 1];
    assert_eq!(shown(Sight::Partial, "pci.card", Kind::Text, &long), written(REDACTED));
    assert_eq!(shown(Sight::Partial, "pii.email", Kind::Text, b"\xff@x"), written(REDACTED));
    let list = |parts: usize| [b"(".to_vec(), vec![b'a'; parts], b")".to_vec()].concat();
    assert_eq!(shown(Sight::Partial, "x", Kind::List, &list(CELL_PARTS_MAX)).0, Shown::Written);
    assert_eq!(shown(Sight::Partial, "x", Kind::List, &list(CELL_PARTS_MAX + 1)), NULL);
    let deep = |levels: usize| "(".repeat(levels) + "a" + &")".repeat(levels);
    let (_, whole) = shown(Sight::Partial, "x", Kind::List, deep(CELL_DEPTH_MAX).as_bytes());
    assert!(whole.contains("a***"), "{whole}");
    let (_, cut) = shown(Sight::Partial, "x", Kind::List, deep(CELL_DEPTH_MAX + 1).as_bytes());
    assert!(cut.contains("(-)") && !cut.contains('a'), "{cut}");
}

#[test]
fn a_document_is_shown_by_the_plans_of_its_values_or_not_at_all() {
    let shown = |sight: Sight, class: Option<&str>, cell: &[u8]| {
        let plan = FieldPlan::new(sight, class.and_then(ClassId::parse));
        let layout = Layout::Array(Box::new(Layout::value(plan, TypeTag(1))));
        let mut out = b"before".to_vec();
        let what = show(&Small, Kind::Text, cell, &FieldPlan::document(layout), &TokenKey::new([7; 32]), &mut out);
        (what, String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned())
    };
    assert_eq!(shown(Sight::Partial, Some("x"), b"[ab]"), written("a***b***"));
    assert_eq!(shown(Sight::Nothing, Some("x"), b"[ab]"), written("[redacted][redacted]"));
    assert_eq!(shown(Sight::Clear, Some("x"), b"[ab]"), (Shown::Same, String::new()));
    // What is not laid out like this, is too long or holds too many values is redacted whole.
    assert_eq!(shown(Sight::Partial, Some("x"), b"[ab"), written(REDACTED));
    let list = |parts: usize| [b"[".to_vec(), vec![b'a'; parts], b"]".to_vec()].concat();
    assert_eq!(shown(Sight::Partial, Some("x"), &list(CELL_PARTS_MAX)).1.len(), 4 * CELL_PARTS_MAX);
    assert_eq!(shown(Sight::Partial, Some("x"), &list(CELL_PARTS_MAX + 1)), written(REDACTED));
    assert_eq!(shown(Sight::Nothing, Some("x"), &list(CELL_PARTS_MAX + 1)).1, REDACTED.repeat(CELL_PARTS_MAX + 1));
    let long = |spaces: usize| [b"[".to_vec(), vec![b' '; spaces], b"a]".to_vec()].concat();
    assert_eq!(shown(Sight::Partial, Some("x"), &long(CELL_BYTES_MAX - 3)), written("a***"));
    assert_eq!(shown(Sight::Partial, Some("x"), &long(CELL_BYTES_MAX - 2)), written(REDACTED));
}
