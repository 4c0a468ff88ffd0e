//! The plan for one result shape.

use std::sync::Arc;

use model::{ClassId, Sight, TypeTag};

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
    /// What is shown of a document; where that can't be done, nothing is.
    pub(crate) layout: Option<Arc<Layout>>,
}

/// How each value of a document is shown whose keys are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As it came, whatever it is.
    Clear,
    /// As a cell of this type is, by this plan.
    Value(FieldPlan, TypeTag),
    /// An object with these keys, in this order, and no others.
    Object(Vec<(Arc<str>, Layout)>),
    /// An array of any number of these.
    Array(Box<Layout>),
    /// An array of these, in this order, and no others.
    Tuple(Vec<Layout>),
}

impl Layout {
    /// A value that is shown by this plan.
    pub fn value(plan: FieldPlan, kind: TypeTag) -> Self {
        if plan.sight == Sight::Clear { Self::Clear } else { Self::Value(plan, kind) }
    }

    /// Visits the plan of every value that is not shown clear.
    fn visit(&self, visit: &mut impl FnMut(&FieldPlan)) {
        match self {
            Self::Clear => {}
            Self::Value(plan, _) => visit(plan),
            Self::Object(named) => named.iter().for_each(|(_, layout)| layout.visit(visit)),
            Self::Array(layout) => layout.visit(visit),
            Self::Tuple(layouts) => layouts.iter().for_each(|layout| layout.visit(visit)),
        }
    }
}

impl FieldPlan {
    /// A field shown at this sight. A token is only made of a single known class; without one there is nothing to see.
    pub fn new(sight: Sight, class: Option<ClassId>) -> Self {
        let style = class.as_ref().map_or(Style::First(1), Style::of);
        let sight = match (sight, &class) {
            (Sight::Partial | Sight::Token, None) => Sight::Nothing,
            (sight, _) => sight,
        };
        Self { sight, class, style, layout: None }
    }

    /// A document shown value by value. One with nothing to hide is shown as it came.
    ///
    /// One with something computed to hide is not shown at all. A document is as long as all that is in it, and what is too long
    /// is redacted: of a copy of a field that tells how long it is, but of what a caller computes it tells what they like.
    pub fn document(layout: Layout) -> Self {
        let (mut hides, mut hides_computed) = (false, false);
        layout.visit(&mut |plan| {
            hides = true;
            hides_computed |= plan.class.is_none();
        });
        let sight = if hides { Sight::Nothing } else { Sight::Clear };
        Self { layout: (hides && !hides_computed).then(|| Arc::new(layout)), ..Self::new(sight, None) }
    }

    /// How the values of a document are shown, if they are shown one by one.
    pub fn layout(&self) -> Option<&Layout> {
        self.layout.as_deref()
    }

    /// Visits the plans of all values that are not shown clear: of a document those in it.
    pub fn hidden(&self, visit: &mut impl FnMut(&Self)) {
        match &self.layout {
            Some(layout) => layout.visit(visit),
            None if self.sight == Sight::Clear => {}
            None => visit(self),
        }
    }
}

impl FieldPlan {
    /// Whether a missing value is shown like any other. That a value of a field is missing says nothing of what it would be; that
    /// something is missing which was computed may say everything (`nullif(number, '512-44-9821')`).
    /// That a document is missing says nothing that its conditions do not.
    pub fn hides_null(&self) -> bool {
        self.sight == Sight::Nothing && self.class.is_none() && self.layout.is_none()
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
    fn a_document_is_clear_only_if_all_in_it_is() {
        let leaf = |sight| Layout::value(FieldPlan::new(sight, ClassId::parse("pci.card")), TypeTag(25));
        let of = |sight| {
            Layout::Object(vec![("a".into(), Layout::Array(Box::new(leaf(sight)))), ("b".into(), Layout::Clear)])
        };
        assert_eq!(FieldPlan::document(of(Sight::Clear)), FieldPlan::new(Sight::Clear, None));
        let hidden = FieldPlan::document(Layout::Tuple(vec![of(Sight::Partial), of(Sight::Clear)]));
        assert_eq!((hidden.sight, hidden.hides_null()), (Sight::Nothing, false));
        let mut seen = Vec::new();
        hidden.hidden(&mut |plan| seen.push(plan.sight));
        assert_eq!(seen, [Sight::Partial]);
    }

    #[test]
    fn a_document_with_something_computed_to_hide_is_hidden_whole() {
        let of = |computed| {
            let copy = FieldPlan::new(Sight::Partial, ClassId::parse("pci.card"));
            let computed = Layout::value(FieldPlan::new(computed, None), TypeTag::default());
            Layout::Tuple(vec![Layout::value(copy, TypeTag(25)), Layout::Array(Box::new(computed)), Layout::Clear])
        };
        assert_eq!(FieldPlan::document(of(Sight::Nothing)), FieldPlan::new(Sight::Nothing, None));
        assert!(FieldPlan::document(of(Sight::Clear)).layout.is_some());
    }

    #[test]
    fn a_plan_is_clear_only_if_every_field_is() {
        let clear = FieldPlan::new(Sight::Clear, None);
        assert!(Plan::new(vec![clear.clone(), clear.clone()]).is_clear());
        assert!(!Plan::new(vec![clear, FieldPlan::new(Sight::Nothing, None)]).is_clear());
    }
}
