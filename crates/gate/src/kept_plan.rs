//! How results of one shape are shown to one session, kept from one result to the next.
//!
//! A workload repeats few shapes. What is kept holds for the session and the policies that it was made under, and is made
//! anew under others.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Field, Holds, Shape, Sight, UnixMicros};
use redact::{FieldPlan, Plan};

use crate::flow::Plans;
use crate::session::{Eye, Rule, Shared};
use crate::words::Words;

/// The most fields that a record names of one result; of what is beyond it has the classes.
const FIELDS_MAX: usize = 1000;

/// How a result of one shape is shown. Whoever knows the shape keeps it for [`crate::Flow::shape`].
#[derive(Clone, Debug)]
pub struct KeptPlan {
    pub(crate) plans: Plans,
    /// The classes that are met, each with its sight, for the record.
    pub(crate) classes: Option<Words>,
    /// The classified fields that it is made of, each with its sight, for the record.
    pub(crate) fields: Option<Words>,
    rule: Arc<Rule>,
}

impl Shared {
    /// How a result of this shape is shown: as it was last time, if that holds.
    pub fn kept_plan(&self, holds: &[Holds], kept: &mut Option<KeptPlan>, now: UnixMicros) -> KeptPlan {
        let rule = self.rule();
        // Each session has rules of its own, so what another keeps is never this one's.
        if let Some(known) = kept.as_ref().filter(|known| Arc::ptr_eq(&known.rule, &rule)) {
            return known.clone();
        }
        let plan = |eye| holds.iter().map(|holds| self.field_plan(holds, eye, now)).collect::<Vec<_>>();
        let fields = plan(Eye::Caller);
        let most = self.kept_at_most();
        let recorded = (most != Sight::Clear).then(|| Arc::new(Plan::new(plan(Eye::Recording(most)))));
        let mut words: BTreeSet<String> = BTreeSet::new();
        let mut note = |field: &FieldPlan| {
            let class = field.class.as_ref().map_or("unknown", |class| class.as_str());
            words.insert(format!("{class}:{}", field.sight.as_str()));
        };
        for field in &fields {
            if field.class.is_some() && field.sight == Sight::Clear {
                note(field);
            }
            field.hidden(&mut note);
        }
        let classes = (!words.is_empty()).then(|| words.into_iter().collect());
        let made_of = self.made_of(holds, &fields, now);
        let plans = Plans { shown: Arc::new(Plan::new(fields)), kept: recorded.filter(|plan| !plan.is_clear()) };
        let made = KeptPlan { plans, classes, fields: made_of, rule };
        *kept = (!made.rule.reads_now()).then(|| made.clone());
        made
    }

    /// The classified fields that a result is made of, each with the sight that it is shown at.
    fn made_of(&self, holds: &[Holds], fields: &[FieldPlan], now: UnixMicros) -> Option<Words> {
        let mut words: BTreeSet<String> = BTreeSet::new();
        let mut note = |field: &Field, sight: Sight| {
            if words.len() < FIELDS_MAX {
                words.insert(format!("{}.{}:{}", field.part.name, field.name, sight.as_str()));
            }
        };
        for (holds, shown) in holds.iter().zip(fields) {
            match holds {
                Holds::Plain | Holds::Unknown => {}
                Holds::Copy(field) => note(field, shown.sight),
                Holds::Computed(of) => of.iter().for_each(|field| note(field, shown.sight)),
                Holds::Document(shape) => shape.places(&mut |_, place| match place {
                    Shape::Copy(field, _) => note(field, self.sight(field, now)),
                    Shape::Computed(of) => {
                        let is_seen = of.iter().all(|field| self.sight(field, now) == Sight::Clear);
                        let sight = if is_seen { Sight::Clear } else { Sight::Nothing };
                        of.iter().for_each(|field| note(field, sight));
                    }
                    _ => {}
                }),
            }
        }
        (!words.is_empty()).then(|| words.into_iter().collect())
    }
}
