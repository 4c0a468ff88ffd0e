//! Kinds of sensitive data, made ready to be looked for.

use std::ops::Range;

use aho_corasick::{AhoCorasick, Input, MatchKind, Span, packed};

use crate::checks::{Check, check};
use crate::entity::{Entity, Shape};
use crate::shapes::Shapes;
use crate::words::{Vocabulary, Words};

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
    /// Shapes that begin with a word that has a digit in it.
    pub(crate) words: Group,
    /// Shapes that begin with what stands before an `@`.
    pub(crate) addresses: Group,
    /// Shapes that begin with one of the literals.
    pub(crate) secrets: Group,
    /// Shapes that are all there is in a place of the right name.
    pub(crate) wholes: Group,
    pub(crate) literals: Option<Literals>,
    /// The literals themselves, in order.
    pub(crate) beginnings: Box<[Box<[u8]>]>,
    /// The words of all kinds: whose each is, and whether it speaks for it.
    pub(crate) vocabulary: Vocabulary<(KindId, bool)>,
}

/// Shapes that begin at the same places.
pub(crate) struct Group {
    pub(crate) shapes: Shapes,
    /// What each is.
    pub(crate) of: Vec<ShapeOf>,
    /// Whether one is a name and its value, which may begin in the middle of a word.
    pub(crate) has_names: bool,
}

/// What a shape is.
pub(crate) struct ShapeOf {
    pub(crate) kind: KindId,
    pub(crate) odds: f32,
    /// Where it is the value that is found: the bytes that end its name.
    pub(crate) behind: Option<Box<[u8]>>,
}

/// Finds literals.
pub(crate) enum Literals {
    /// By vectors.
    Packed(packed::Searcher),
    /// Without, on machines that have none.
    Automaton(AhoCorasick),
}

/// One kind.
pub(crate) struct Kind {
    pub(crate) entity: Entity,
    pub(crate) check: Option<Check>,
}

/// Where bytes are: what the name of a column, a key or a header says for each kind.
#[derive(Clone, Debug)]
pub struct Place {
    /// For each kind: what its words in the name add to its odds.
    pub(crate) odds: Box<[f32]>,
    /// Whether the name speaks for a kind that can be all that is there.
    pub(crate) whole: bool,
}

impl Place {
    /// Whether its name speaks for any kind.
    pub fn speaks(&self) -> bool {
        self.odds.iter().any(|odds| *odds > 0.0)
    }
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [words, addresses, secrets, wholes] =
            [&self.words, &self.addresses, &self.secrets, &self.wholes].map(|group| &group.shapes);
        write!(f, "Detector({} kinds, {words:?}, {addresses:?}, {secrets:?}, {wholes:?})", self.kinds.len())
    }
}

impl Group {
    fn new<'e>(shapes: impl Iterator<Item = (KindId, &'e Shape)>) -> Result<Self, Unfit> {
        let (mut patterns, mut of) = (Vec::new(), Vec::new());
        for (kind, shape) in shapes {
            patterns.push(&*shape.pattern);
            let behind = shape.behind.as_ref().map(|bytes| bytes.as_bytes().into());
            of.push(ShapeOf { kind, odds: shape.odds, behind });
        }
        let shapes = Shapes::new(&patterns).map_err(|what| Unfit { entity: "all kinds together".to_owned(), what })?;
        let has_names = of.iter().any(|shape: &ShapeOf| shape.behind.is_some());
        Ok(Self { shapes, of, has_names })
    }
}

impl Literals {
    fn new(literals: &[&str]) -> Result<Option<Self>, Unfit> {
        let unfit = |what: String| Unfit { entity: "all kinds together".to_owned(), what };
        if literals.is_empty() {
            return Ok(None);
        }
        if literals.len() > LITERALS_MAX {
            let count = literals.len();
            return Err(unfit(format!("they begin with {count} literals; there is room for {LITERALS_MAX}")));
        }
        if let Some(packed) = packed::Config::new().builder().extend(literals).build() {
            return Ok(Some(Self::Packed(packed)));
        }
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(literals);
        automaton.map(|automaton| Some(Self::Automaton(automaton))).map_err(|wrong| unfit(wrong.to_string()))
    }

    /// Calls `found` with where each begins.
    pub(crate) fn each(&self, input: &[u8], mut found: impl FnMut(usize)) {
        match self {
            Self::Packed(searcher) => searcher.find_iter(input).for_each(|literal| found(literal.start())),
            Self::Automaton(automaton) => automaton.find_iter(input).for_each(|literal| found(literal.start())),
        }
    }

    /// The first one from a place on.
    pub(crate) fn next(&self, input: &[u8], from: usize) -> Option<Range<usize>> {
        let found = match self {
            Self::Packed(searcher) => searcher.find_in(input, Span::from(from..input.len())),
            Self::Automaton(automaton) => automaton.find(Input::new(input).range(from..)),
        };
        found.map(|literal| literal.range())
    }
}

impl Detector {
    /// Makes these ready.
    pub fn new(entities: Vec<Entity>) -> Result<Self, Unfit> {
        let (mut kinds, mut literals) = (Vec::new(), Vec::new());
        for entity in &entities {
            let unfit = |what: String| Unfit { entity: entity.name.clone(), what };
            let check = entity
                .check
                .as_deref()
                .map(|name| check(name).ok_or_else(|| unfit(format!("there is no check \"{name}\""))));
            let check = check.transpose()?;
            for shape in &entity.shapes {
                // Said of each, so that a wrong one is named.
                Shapes::new(&[&shape.pattern]).map_err(|wrong| unfit(format!("\"{}\": {wrong}", shape.pattern)))?;
                literals.extend(literals_of(shape).map_err(unfit)?.iter().map(String::as_str));
            }
            kinds.push(Kind { entity: entity.clone(), check });
        }
        // Of two that begin alike the shorter is enough.
        literals.sort_unstable();
        literals.dedup_by(|longer, shorter| longer.starts_with(&**shorter));
        let group = |belongs: fn(&Shape) -> bool| {
            let shapes = entities
                .iter()
                .zip(0..)
                .flat_map(|(entity, number)| entity.shapes.iter().map(move |shape| (KindId(number), shape)));
            Group::new(shapes.filter(|(_, shape)| belongs(shape)))
        };
        let is_word = |shape: &Shape| shape.literals.is_empty() && !shape.address && !shape.whole;
        Ok(Self {
            words: group(is_word)?,
            addresses: group(|shape| shape.address)?,
            secrets: group(|shape| !shape.literals.is_empty())?,
            wholes: group(|shape| shape.whole)?,
            literals: Literals::new(&literals)?,
            beginnings: literals.iter().map(|literal| literal.as_bytes().into()).collect(),
            vocabulary: vocabulary(&entities),
            kinds,
        })
    }

    /// A place of this name. It is made once for a column, not for each of its values.
    pub fn place(&self, name: &str) -> Place {
        let mut odds = vec![0.0_f32; self.kinds.len()].into_boxed_slice();
        self.vocabulary.each(Words::of(name).words(), |(kind, speaks_for)| {
            if let Some(odds) = odds.get_mut(usize::from(kind.0)) {
                *odds = said(*odds, speaks_for);
            }
        });
        let whole =
            self.wholes.of.iter().any(|shape| odds.get(usize::from(shape.kind.0)).is_some_and(|odds| *odds > 0.0));
        Place { odds, whole }
    }

    /// A place of a name that somebody has made up who may want nothing to be found: it speaks against nothing, nor for what is shown to
    /// everybody.
    pub fn place_of_doubt(&self, name: &str) -> Place {
        let mut place = self.place(name);
        for (odds, kind) in place.odds.iter_mut().zip(&self.kinds) {
            *odds = if kind.entity.sight == "clear" { odds.min(0.0) } else { odds.max(0.0) };
        }
        place
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

/// What the words say so far, and one more. One that speaks for a kind goes before all that speak against it.
pub(crate) fn said(so_far: f32, speaks_for: bool) -> f32 {
    match speaks_for {
        true => WORD_ODDS,
        false if so_far > 0.0 => so_far,
        false => -WORD_ODDS,
    }
}

fn vocabulary(entities: &[Entity]) -> Vocabulary<(KindId, bool)> {
    let words = entities.iter().zip(0..).flat_map(|(entity, number)| {
        let lists = [(&entity.context, true), (&entity.against, false)];
        let of = move |(texts, speaks_for): (&'_ Vec<String>, bool)| {
            let words: Vec<_> = texts.iter().map(|text| (Words::of(text), (KindId(number), speaks_for))).collect();
            words
        };
        lists.into_iter().flat_map(of)
    });
    Vocabulary::new(words)
}

fn literals_of(shape: &Shape) -> Result<&[String], String> {
    match shape.literals.iter().find(|literal| literal.len() < LITERAL_BYTES_MIN) {
        Some(short) => Err(format!("the literal \"{short}\" is shorter than {LITERAL_BYTES_MIN} bytes")),
        None => Ok(&shape.literals),
    }
}
