//! How results of one shape are shown to one session, kept from one result to the next.
//!
//! A workload repeats few shapes. What is kept holds for the session and the policies that it was made under, and is made
//! anew under others.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Holds, Sight, UnixMicros};
use redact::{FieldPlan, Plan};

use crate::session::{Rule, Shared};
use crate::words::Words;

/// How a result of one shape is shown. Whoever knows the shape keeps it for [`crate::Flow::shape`].
#[derive(Clone, Debug)]
pub struct KeptPlan {
    pub(crate) plan: Arc<Plan>,
    /// The classes that are met, each with its sight, for the record.
    pub(crate) classes: Option<Words>,
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
        let fields: Vec<FieldPlan> = holds.iter().map(|holds| self.field_plan(holds, now)).collect();
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
        let made = KeptPlan { plan: Arc::new(Plan::new(fields)), classes, rule };
        *kept = (!made.rule.reads_now()).then(|| made.clone());
        made
    }
}
