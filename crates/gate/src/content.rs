//! What content detection finds, as policy and `redact` know it: kinds become classes, and classes the plans by which they are shown.
//!
//! Made once for all sessions. What is looked for is the detector's matter, and how much of it a caller sees is policy's.

use std::fmt;

use detect::{Detector, Entity, KindId};
use model::{ClassId, Sight};
use redact::FieldPlan;

/// A detector, and what is done about what it finds.
pub struct Content {
    detector: &'static Detector,
    /// The sort of each kind.
    of: Box<[u16]>,
    sorts: Box<[Sort]>,
}

/// Kinds of one class that are treated alike.
pub(crate) struct Sort {
    pub class: ClassId,
    /// Kinds that are public by their nature, such as numbers in public registers: shown unless a policy forbids it.
    pub public: bool,
    nothing: FieldPlan,
    token: FieldPlan,
    partial: FieldPlan,
    clear: FieldPlan,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} kinds, {} classes)", self.of.len(), self.sorts.len())
    }
}

impl Sort {
    fn new(class: ClassId, public: bool) -> Self {
        let plan = |sight| FieldPlan::new(sight, Some(class.clone()));
        let [nothing, token, partial, clear] = [Sight::Nothing, Sight::Token, Sight::Partial, Sight::Clear].map(plan);
        Self { nothing, token, partial, clear, class, public }
    }

    /// How it is shown at a sight.
    pub fn plan(&self, sight: Sight) -> &FieldPlan {
        match sight {
            Sight::Nothing => &self.nothing,
            Sight::Token => &self.token,
            Sight::Partial => &self.partial,
            Sight::Clear => &self.clear,
        }
    }
}

impl Content {
    /// What this detector finds.
    ///
    /// # Errors
    ///
    /// If the class of a kind is no class.
    pub fn new(detector: &'static Detector) -> Result<Self, String> {
        let mut sorts: Vec<Sort> = Vec::new();
        let mut of = Vec::new();
        for entity in detector.entities() {
            let class = class_of(entity)?;
            let public = entity.sight == Sight::Clear.as_str();
            let known = sorts.iter().position(|sort| sort.class == class && sort.public == public);
            let at = known.unwrap_or_else(|| {
                sorts.push(Sort::new(class, public));
                sorts.len().saturating_sub(1)
            });
            of.push(u16::try_from(at).map_err(|_| "there are more than 65,536 classes".to_owned())?);
        }
        Ok(Self { detector, of: of.into(), sorts: sorts.into() })
    }

    pub(crate) fn detector(&self) -> &'static Detector {
        self.detector
    }

    pub(crate) fn sorts(&self) -> &[Sort] {
        &self.sorts
    }

    pub(crate) fn sort_of(&self, kind: KindId) -> Option<(usize, &Sort)> {
        let at = usize::from(*self.of.get(usize::from(kind.0))?);
        Some((at, self.sorts.get(at)?))
    }
}

fn class_of(entity: &Entity) -> Result<ClassId, String> {
    ClassId::parse(&entity.class).ok_or_else(|| format!("{}: \"{}\" is no class", entity.name, entity.class))
}
