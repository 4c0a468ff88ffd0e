//! The plan for one result shape.

use model::{ClassId, Sight};

use crate::style::Style;

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
    pub(crate) style: Style,
}

impl FieldPlan {
    /// A field shown at this sight. A token is only made of a single known class; without one there is nothing to see.
    pub fn new(sight: Sight, class: Option<ClassId>) -> Self {
        let style = class.as_ref().map_or(Style::First(1), Style::of);
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_plan_is_clear_only_if_every_field_is() {
        let clear = FieldPlan::new(Sight::Clear, None);
        assert!(Plan::new(vec![clear.clone(), clear.clone()]).is_clear());
        assert!(!Plan::new(vec![clear, FieldPlan::new(Sight::Nothing, None)]).is_clear());
    }
}
