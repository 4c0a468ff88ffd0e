//! Kinds of sensitive data, made ready to be looked for.

use aho_corasick::packed;

use crate::checks::{Check, check};
use crate::entity::{Entity, Shape};
use crate::shapes::Shapes;
use crate::words::Words;

/// What a word for a kind adds to its odds, and what a word against it takes.
pub(crate) const WORD_ODDS: f32 = 5.0;
/// Most of the literals that are looked for at once: past this the search is no longer by vectors.
const LITERALS_MAX: usize = 64;
/// The shortest literal that is worth looking for.
const LITERAL_BYTES_MIN: usize = 3;

/// A kind of what is found, by its number in its [`Detector`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(pub u16);

/// Why a set of kinds can't be looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entity}: {what}")]
pub struct Unfit {
    /// The kind that is wrong.
    pub entity: String,
    /// What is wrong with it.
    pub what: String,
}

/// Kinds of sensitive data that can be looked for in bytes. Shared by all that look.
pub struct Detector {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) shapes: Shapes,
    /// The kind of each shape, and how sure it makes.
    pub(crate) of: Vec<(KindId, f32)>,
    pub(crate) literals: Option<packed::Searcher>,
}

/// One kind.
pub(crate) struct Kind {
    pub(crate) entity: Entity,
    pub(crate) check: Option<Check>,
    pub(crate) context: Vec<Words>,
    pub(crate) against: Vec<Words>,
}

/// Where bytes are: what the name of a column, a key or a header says for each kind.
#[derive(Clone, Debug)]
pub struct Place {
    /// For each kind: what its words in the name add to its odds.
    pub(crate) odds: Box<[f32]>,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Detector({} kinds, {:?})", self.kinds.len(), self.shapes)
    }
}

impl Kind {
    /// What these words say: for it, against it, or nothing.
    pub(crate) fn odds_by(&self, have: impl Fn(&Words) -> bool) -> f32 {
        let said = |phrases: &[Words]| phrases.iter().any(&have);
        match (said(&self.context), said(&self.against)) {
            (true, _) => WORD_ODDS,
            (false, true) => -WORD_ODDS,
            (false, false) => 0.0,
        }
    }
}

impl Detector {
    /// Makes these ready.
    pub fn new(entities: Vec<Entity>) -> Result<Self, Unfit> {
        let (mut kinds, mut of, mut literals) = (Vec::new(), Vec::new(), packed::Config::new().builder());
        let mut count = 0_usize;
        for (entity, number) in entities.into_iter().zip(0..) {
            let unfit = |what: String| Unfit { entity: entity.name.clone(), what };
            let check = entity
                .check
                .as_deref()
                .map(|name| check(name).ok_or_else(|| unfit(format!("there is no check \"{name}\""))));
            let check = check.transpose()?;
            for shape in &entity.shapes {
                // Said of each, so that a wrong one is named.
                Shapes::new(&[&shape.pattern]).map_err(|wrong| unfit(format!("\"{}\": {wrong}", shape.pattern)))?;
                for literal in literals_of(shape).map_err(unfit)? {
                    literals.add(literal);
                    count = count.saturating_add(1);
                }
                of.push((KindId(number), shape.odds));
            }
            let words = |texts: &[String]| texts.iter().map(|text| Words::of(text)).collect();
            let (context, against) = (words(&entity.context), words(&entity.against));
            kinds.push(Kind { entity, check, context, against });
        }
        let all = || Unfit { entity: "all kinds together".to_owned(), what: String::new() };
        if count > LITERALS_MAX {
            return Err(Unfit {
                what: format!("they begin with {count} literals; there is room for {LITERALS_MAX}"),
                ..all()
            });
        }
        let patterns: Vec<&str> =
            kinds.iter().flat_map(|kind| &kind.entity.shapes).map(|shape| &*shape.pattern).collect();
        let shapes = Shapes::new(&patterns).map_err(|what| Unfit { what, ..all() })?;
        Ok(Self { shapes, of, literals: literals.build(), kinds })
    }

    /// A place of this name. It is made once for a column, not for each of its values.
    pub fn place(&self, name: &str) -> Place {
        let words = Words::of(name);
        Place { odds: self.kinds.iter().map(|kind| kind.odds_by(|phrase| words.have(phrase))).collect() }
    }

    /// What a kind is.
    pub fn entity(&self, kind: KindId) -> Option<&Entity> {
        self.kinds.get(usize::from(kind.0)).map(|kind| &kind.entity)
    }

    /// All kinds, in order.
    pub fn entities(&self) -> impl Iterator<Item = &Entity> {
        self.kinds.iter().map(|kind| &kind.entity)
    }
}

fn literals_of(shape: &Shape) -> Result<&[String], String> {
    match shape.literals.iter().find(|literal| literal.len() < LITERAL_BYTES_MIN) {
        Some(short) => Err(format!("the literal \"{short}\" is shorter than {LITERAL_BYTES_MIN} bytes")),
        None => Ok(&shape.literals),
    }
}
