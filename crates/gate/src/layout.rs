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
pub struct Layout {
    pub(crate) plan: Arc<Plan>,
    /// The classes that are met, each with its sight, for the record.
    pub(crate) classes: Option<Words>,
    rule: Arc<Rule>,
}

impl Shared {
    /// How a result of this shape is shown: as it was last time, if that holds.
    pub fn layout(&self, holds: &[Holds], kept: &mut Option<Layout>, now: UnixMicros) -> Layout {
        let rule = self.rule();
        // Each session has rules of its own, so what another keeps is never this one's.
        if let Some(layout) = kept.as_ref().filter(|layout| Arc::ptr_eq(&layout.rule, &rule)) {
            return layout.clone();
        }
        let fields: Vec<FieldPlan> = holds.iter().map(|holds| self.field_plan(holds, now)).collect();
        let met = fields.iter().filter(|field| field.class.is_some() || field.sight != Sight::Clear);
        let words = met.map(|field| {
            let class = field.class.as_ref().map_or("unknown", |class| class.as_str());
            format!("{class}:{}", field.sight.as_str())
        });
        let words: BTreeSet<String> = words.collect();
        let classes = (!words.is_empty()).then(|| words.into_iter().collect());
        let layout = Layout { plan: Arc::new(Plan::new(fields)), classes, rule };
        *kept = (!layout.rule.reads_now()).then(|| layout.clone());
        layout
    }
}
