//! The plan for one result shape, and what it makes of one cell.

use std::borrow::Cow;

use model::{ClassId, Sight, Value};

use crate::style::Style;
use crate::token::TokenKey;
use crate::{CELL_BYTES_MAX, REDACTED};

/// How a protocol's cells become values and back.
pub trait CellCodec {
    /// The wire type of a cell: what the protocol needs to know to read it.
    type Wire: Copy;

    /// The value in a cell that is not null; `None` if this type or these bytes can't be read.
    fn read<'a>(&self, wire: Self::Wire, bytes: &'a [u8]) -> Option<Value<'a>>;

    /// Appends a value in this wire type; `false`, and nothing appended, if the type can't hold it.
    fn write(&self, wire: Self::Wire, value: &Value<'_>, out: &mut Vec<u8>) -> bool;
}

/// How each field of a result is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    fields: Vec<FieldPlan>,
    clear: bool,
}

/// How one field is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPlan {
    /// How much is seen.
    pub sight: Sight,
    /// The class it holds, if it is known to be of one.
    pub class: Option<ClassId>,
    style: Style,
}

impl FieldPlan {
    /// A field shown at this sight. A token is only made of a single known class; without one there is nothing to see.
    pub fn new(sight: Sight, class: Option<ClassId>) -> Self {
        let style = class.as_ref().map_or(Style::First, Style::of);
        let sight = match (sight, &class) {
            (Sight::Partial | Sight::Token, None) => Sight::Nothing,
            (sight, _) => sight,
        };
        Self { sight, class, style }
    }
}

impl FieldPlan {
    /// Whether a missing value is shown like any other. That a value of a field is missing says nothing of what it would be; that
    /// something is missing which was computed may say everything (`nullif(number, '512-44-9821')`).
    pub fn hides_null(&self) -> bool {
        self.sight == Sight::Nothing && self.class.is_none()
    }
}

impl Plan {
    /// A plan for these fields, in the order of the result.
    pub fn new(fields: Vec<FieldPlan>) -> Self {
        let clear = fields.iter().all(|field| field.sight == Sight::Clear);
        Self { fields, clear }
    }

    /// Whether every field is shown as it is, so that rows need not be looked at.
    pub fn is_clear(&self) -> bool {
        self.clear
    }

    /// The fields, in the order of the result.
    pub fn fields(&self) -> &[FieldPlan] {
        &self.fields
    }
}

/// What was made of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It is shown as it came. Nothing was appended.
    Same,
    /// Other bytes were appended in its place.
    Written,
    /// It is shown as NULL. Nothing was appended.
    Null,
}

/// Shows one cell that is not null at its field's sight, appending what is shown if it differs.
pub fn show<C: CellCodec>(
    codec: &C,
    wire: C::Wire,
    bytes: &[u8],
    field: &FieldPlan,
    tokens: &TokenKey,
    out: &mut Vec<u8>,
) -> Shown {
    let seen = match field.sight {
        Sight::Clear => return Shown::Same,
        Sight::Nothing => None,
        Sight::Partial | Sight::Token if bytes.len() > CELL_BYTES_MAX => None,
        Sight::Partial => codec.read(wire, bytes).and_then(|value| field.style.apply(&value)),
        Sight::Token => {
            let class = field.class.as_ref();
            codec.read(wire, bytes).zip(class).and_then(|(value, class)| tokens.token(class, &value))
        }
    };
    let written = seen.is_some_and(|value| codec.write(wire, &value, out))
        || codec.write(wire, &Value::Text(Cow::Borrowed(REDACTED)), out);
    if written { Shown::Written } else { Shown::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells of text (`true`) or of anything else (`false`).
    struct Texts;
    impl CellCodec for Texts {
        type Wire = bool;
        fn read<'a>(&self, is_text: bool, bytes: &'a [u8]) -> Option<Value<'a>> {
            let text = std::str::from_utf8(bytes).ok()?;
            Some(if is_text { Value::Text(text.into()) } else { Value::Number(text.into()) })
        }
        fn write(&self, is_text: bool, value: &Value<'_>, out: &mut Vec<u8>) -> bool {
            match value {
                Value::Text(text) if is_text => out.extend_from_slice(text.as_bytes()),
                Value::Number(text) if !is_text => out.extend_from_slice(text.as_bytes()),
                _ => return false,
            }
            true
        }
    }

    fn shown(sight: Sight, class: &str, is_text: bool, cell: &str) -> (Shown, String) {
        let mut out = Vec::new();
        let field = FieldPlan::new(sight, ClassId::parse(class));
        let what = show(&Texts, is_text, cell.as_bytes(), &field, &TokenKey::new([7; 32]), &mut out);
        (what, String::from_utf8(out).unwrap())
    }

    #[test]
    fn each_sight_in_a_type_that_can_hold_it_and_in_one_that_cannot() {
        assert_eq!(shown(Sight::Clear, "pci.card", true, "4111"), (Shown::Same, String::new()));
        assert_eq!(shown(Sight::Nothing, "pci.card", true, "4111"), (Shown::Written, REDACTED.into()));
        assert_eq!(shown(Sight::Nothing, "pci.card", false, "4111"), (Shown::Null, String::new()));
        assert_eq!(
            shown(Sight::Partial, "pci.card", true, "4111 1111 1111 1234"),
            (Shown::Written, "**** **** **** 1234".into())
        );
        assert_eq!(shown(Sight::Partial, "pci.card", false, "4111111111111234"), (Shown::Null, String::new()));
        let (what, token) = shown(Sight::Token, "pci.card", true, "4111111111111234");
        assert!(what == Shown::Written && token.starts_with("tok_") && token.len() == 20, "{token}");
        assert_eq!(shown(Sight::Token, "pci.card", true, "4111111111111234").1, token);
        assert_ne!(shown(Sight::Token, "pii.email", true, "4111111111111234").1, token);
    }

    #[test]
    fn what_has_no_class_has_neither_part_nor_token() {
        for sight in [Sight::Partial, Sight::Token] {
            assert_eq!(FieldPlan::new(sight, None).sight, Sight::Nothing);
        }
    }

    #[test]
    fn that_something_computed_is_missing_is_hidden() {
        assert!(FieldPlan::new(Sight::Nothing, None).hides_null());
        assert!(!FieldPlan::new(Sight::Nothing, ClassId::parse("pci.card")).hides_null());
        assert!(!FieldPlan::new(Sight::Clear, None).hides_null());
    }

    #[test]
    fn cells_past_the_limit_and_unreadable_cells_are_redacted_whole() {
        let long = "4".repeat(CELL_BYTES_MAX + 1);
        assert_eq!(shown(Sight::Partial, "pci.card", true, &long), (Shown::Written, REDACTED.into()));
        let mut out = Vec::new();
        let field = FieldPlan::new(Sight::Partial, ClassId::parse("pii.email"));
        assert_eq!(show(&Texts, true, b"\xff@x", &field, &TokenKey::new([7; 32]), &mut out), Shown::Written);
        assert_eq!(out, REDACTED.as_bytes());
    }

    #[test]
    fn a_plan_is_clear_only_if_every_field_is() {
        let clear = FieldPlan::new(Sight::Clear, None);
        assert!(Plan::new(vec![clear.clone(), clear.clone()]).is_clear());
        assert!(!Plan::new(vec![clear, FieldPlan::new(Sight::Nothing, None)]).is_clear());
    }
}
