//! Kinds of sensitive data, made ready to be looked for.

use crate::anywhere::Anywhere;
use crate::blocks::is_word as is_of_word;
use crate::checks::{Check, check};
use crate::edges::is_local;
use crate::entity::{Entity, Shape};
use crate::kinds::{KindId, Kinds};
use crate::literals::{HEAD_BYTES, Literal, Literals};
use crate::numbers::Numbers;
use crate::shapes::{SHAPE_BYTES_MAX, Shapes, bytes_min};
use crate::times::{self, Times};
use crate::words::{Said, Vocabulary, Words};

/// What a word for a kind adds to its odds, and what a word against it takes.
pub(crate) const WORD_ODDS: f32 = 5.0;
/// The longest text that begins with a word with a digit, or is an address: so many steps are taken at most at each such place.
const WORD_BYTES_MAX: usize = 512;
/// The shortest literal that is worth looking for.
const LITERAL_BYTES_MIN: usize = 3;

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
    /// Shapes that begin with a word that has a digit in it and are what they look like also where no word speaks for them.
    pub(crate) likely: WordShapes,
    /// Those that are it only where one does.
    pub(crate) unlikely: WordShapes,
    /// What may stand behind a time of day of which nothing of either begins, if it can be so.
    pub(crate) times: Option<Times>,
    /// The kinds of which a date may be something, if words have to speak for all of them.
    pub(crate) dates: Option<Kinds>,
    /// Shapes that begin with what stands before an `@`.
    pub(crate) addresses: Group,
    /// Shapes that begin with one of the literals.
    pub(crate) secrets: Group,
    /// Shapes that are all there is in a place of the right name.
    pub(crate) wholes: Group,
    /// Shapes that begin at any word.
    pub(crate) anywhere: Option<Anywhere>,
    pub(crate) literals: Literals,
    /// The words of all kinds.
    pub(crate) vocabulary: Vocabulary,
}

/// Shapes that begin at the same places.
pub(crate) struct Group {
    pub(crate) shapes: Shapes,
    /// What each is.
    pub(crate) of: Vec<ShapeOf>,
    /// Whether one is a name and its value, which may begin in the middle of a word.
    pub(crate) has_names: bool,
}

/// Shapes that begin with a word that has a digit in it.
pub(crate) struct WordShapes {
    pub(crate) group: Group,
    /// What words of digits alone can be of them.
    pub(crate) numbers: Numbers,
    /// The kinds that they are of.
    pub(crate) kinds: Kinds,
    /// Whether words have to speak for all of them.
    pub(crate) needs_words: bool,
}

/// What a shape is.
pub(crate) struct ShapeOf {
    pub(crate) kind: KindId,
    pub(crate) odds: f32,
    /// What its characters must fulfil.
    pub(crate) check: Option<Check>,
    /// Where it is the value that is found: the bytes that end its name.
    pub(crate) behind: Option<Box<[u8]>>,
}

/// One kind.
pub(crate) struct Kind {
    pub(crate) entity: Entity,
    check: Option<Check>,
}

/// Where bytes are: what the name of a column, a key or a header says for each kind.
#[derive(Clone, Debug)]
pub struct Place {
    /// For each kind: what its words in the name add to its odds.
    pub(crate) odds: Box<[f32]>,
    /// Whether the name speaks for a kind.
    pub(crate) speaks: bool,
    /// Whether it speaks for one that can be all that is there.
    pub(crate) whole: bool,
    /// Whether what stands there is put together by somebody who may want nothing to be found: words in it speak against nothing.
    pub(crate) is_made_up: bool,
}

impl Place {
    /// Whether its name speaks for any kind.
    pub fn speaks(&self) -> bool {
        self.speaks
    }
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let groups = [&self.likely.group, &self.unlikely.group, &self.addresses, &self.secrets, &self.wholes];
        write!(f, "Detector({} kinds, {:?})", self.kinds.len(), groups.map(|group| &group.shapes))
    }
}

impl Group {
    fn new<'e>(
        shapes: impl Iterator<Item = (KindId, &'e Shape)>,
        kinds: &[Kind],
        bytes_max: usize,
    ) -> Result<Self, String> {
        let (mut patterns, mut of) = (Vec::new(), Vec::new());
        for (kind, shape) in shapes {
            patterns.push(&*shape.pattern);
            let behind = shape.behind.as_ref().map(|bytes| bytes.as_bytes().into());
            let check = kinds.get(usize::from(kind.0)).and_then(|kind| kind.check);
            of.push(ShapeOf { kind, odds: shape.odds, check, behind });
        }
        let shapes = Shapes::new(&patterns, bytes_max)?;
        let has_names = of.iter().any(|shape: &ShapeOf| shape.behind.is_some());
        Ok(Self { shapes, of, has_names })
    }
}

impl Group {
    /// That of them all may begin with these bytes is looked for once.
    fn begun_by(self, is: impl Fn(u8) -> bool) -> Self {
        Self { shapes: self.shapes.begun_by(is), ..self }
    }
}

impl WordShapes {
    fn new(group: Group, kinds: usize) -> Self {
        let numbers = Numbers::of(&group.shapes);
        let (mut of, needs_words) = (Kinds::of(kinds), group.of.iter().all(|shape| shape.odds <= 0.0));
        group.of.iter().for_each(|shape| of.add(shape.kind));
        Self { group, numbers, kinds: of, needs_words }
    }
}

impl Detector {
    /// Makes these ready.
    pub fn new(entities: Vec<Entity>) -> Result<Self, Unfit> {
        let mut kinds = Vec::new();
        for entity in &entities {
            let unfit = |what: String| Unfit { entity: entity.name.clone(), what };
            let check = entity
                .check
                .as_deref()
                .map(|name| check(name).ok_or_else(|| unfit(format!("there is no check \"{name}\""))));
            let check = check.transpose()?;
            let short = entity.shapes.iter().flat_map(|shape| &shape.literals).find(|it| it.len() < LITERAL_BYTES_MIN);
            if let Some(short) = short {
                return Err(unfit(format!("the literal \"{short}\" is shorter than {LITERAL_BYTES_MIN} bytes")));
            }
            kinds.push(Kind { entity: entity.clone(), check });
        }
        let together = |what: String| Unfit { entity: "all kinds together".to_owned(), what };
        let shapes = |belongs: fn(&Shape) -> bool| {
            let shapes = entities
                .iter()
                .zip(0..)
                .flat_map(|(entity, number)| entity.shapes.iter().map(move |shape| (KindId(number), shape)));
            shapes.filter(move |(_, shape)| belongs(shape))
        };
        let group = |belongs: fn(&Shape) -> bool, bytes_max| {
            let group = Group::new(shapes(belongs), &kinds, bytes_max);
            // Why it can't be is said of one shape, if it is the fault of one.
            group.map_err(|what| unfit_shape(&entities).unwrap_or_else(|| together(what)))
        };
        // They are as long as they are: what is read more than once is bounded where they are looked for.
        let secrets = group(is_secret, usize::MAX)?;
        let literals: Vec<_> =
            shapes(is_secret).enumerate().flat_map(|shape| literals_of(shape, &secrets.shapes)).collect();
        let likely = WordShapes::new(group(|shape| is_word(shape) && shape.odds > 0.0, WORD_BYTES_MAX)?, kinds.len());
        let unlikely =
            WordShapes::new(group(|shape| is_word(shape) && shape.odds <= 0.0, WORD_BYTES_MAX)?, kinds.len());
        Ok(Self {
            times: Times::of(&[&likely.group.shapes, &unlikely.group.shapes]),
            dates: kinds_of_dates(&likely, &unlikely, kinds.len()),
            likely,
            unlikely,
            addresses: group(|shape| shape.address, WORD_BYTES_MAX)?.begun_by(is_local),
            secrets,
            wholes: group(|shape| shape.whole, SHAPE_BYTES_MAX)?,
            literals: Literals::new(&literals).map_err(together)?,
            anywhere: Anywhere::new(group(|shape| shape.anywhere, SHAPE_BYTES_MAX)?),
            vocabulary: vocabulary(&entities),
            kinds,
        })
    }

    /// A place of this name. It is made once for a column, not for each of its values.
    pub fn place(&self, name: &str) -> Place {
        let heard = self.vocabulary.say(Words::of(name).words());
        let odds: Box<[f32]> = self.kinds.iter().zip(0..).map(|(_, kind)| said(&heard, KindId(kind))).collect();
        let whole =
            self.wholes.of.iter().any(|shape| odds.get(usize::from(shape.kind.0)).is_some_and(|odds| *odds > 0.0));
        let speaks = odds.iter().any(|odds| *odds > 0.0);
        Place { odds, speaks, whole, is_made_up: false }
    }

    /// A place of names that somebody has made up who may want nothing to be found: they speak against nothing, nor for what is shown to
    /// everybody; nor do words against what they stand before.
    pub fn place_of_doubt<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Place {
        let odds = std::iter::repeat_n(0.0, self.kinds.len()).collect();
        let nothing = Place { odds, speaks: false, whole: false, is_made_up: true };
        names.into_iter().fold(nothing, |place, name| self.place_of_more_doubt(&place, name))
    }

    /// Such a place that has one more name.
    pub fn place_of_more_doubt(&self, place: &Place, name: &str) -> Place {
        let mut both = place.clone();
        let more = self.place(name);
        both.whole |= more.whole;
        for ((odds, own), kind) in both.odds.iter_mut().zip(&more.odds).zip(&self.kinds) {
            *odds = if kind.entity.sight == "clear" { odds.min(*own) } else { odds.max(*own) };
        }
        both.speaks = both.odds.iter().any(|odds| *odds > 0.0);
        both
    }

    /// A place that may hold anything: it speaks for every kind but those that are shown to everybody.
    pub fn place_of_anything(&self) -> Place {
        let speaks_for = |kind: &Kind| if kind.entity.sight == "clear" { 0.0 } else { WORD_ODDS };
        Place { odds: self.kinds.iter().map(speaks_for).collect(), speaks: true, whole: true, is_made_up: true }
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

/// What the words say of a kind. One that speaks against it and stands behind one for it takes away what that has said, and no more.
#[inline]
pub(crate) fn said(said: &Said, kind: KindId) -> f32 {
    match (said.speaks_for.has(kind), said.against.has(kind)) {
        (true, false) => WORD_ODDS,
        (false, true) => -WORD_ODDS,
        (true, true) | (false, false) => 0.0,
    }
}

fn kinds_of_dates(likely: &WordShapes, unlikely: &WordShapes, kinds: usize) -> Option<Kinds> {
    let mut of = Kinds::of(kinds);
    let shapes = times::dates(&unlikely.group.shapes).into_iter().filter_map(|shape| unlikely.group.of.get(shape));
    shapes.for_each(|shape| of.add(shape.kind));
    (unlikely.needs_words && times::dates(&likely.group.shapes).is_empty()).then_some(of)
}

fn vocabulary(entities: &[Entity]) -> Vocabulary {
    let phrases = entities.iter().zip(0..).flat_map(|(entity, number)| {
        let (kind, Entity { context, against, .. }) = (KindId(number), entity);
        phrases(context, kind, true).chain(phrases(against, kind, false))
    });
    Vocabulary::new(entities.len(), phrases)
}

fn phrases(texts: &[String], kind: KindId, speaks_for: bool) -> impl Iterator<Item = (&str, KindId, bool)> {
    texts.iter().map(move |text| (&**text, kind, speaks_for))
}

/// Whether a shape begins with a word that has a digit in it.
fn is_word(shape: &Shape) -> bool {
    shape.literals.is_empty() && !shape.address && !shape.whole && !shape.anywhere
}

/// Whether it begins with a literal.
fn is_secret(shape: &Shape) -> bool {
    !shape.literals.is_empty()
}

/// The literals of a shape, and its number among those that have some.
fn literals_of<'e>(
    (number, (_, shape)): (usize, (KindId, &'e Shape)),
    secrets: &Shapes,
) -> impl Iterator<Item = Literal<'e>> {
    let behind = shape.behind.as_deref().map(str::as_bytes);
    let bytes_min = bytes_min(&shape.pattern);
    shape.literals.iter().map(move |text| {
        let word = text.bytes().position(is_of_word).unwrap_or(0);
        let unbroken = secrets.is_unbroken(text.as_bytes(), word..word.saturating_add(HEAD_BYTES));
        Literal { text, shape: number, behind, bytes_min, unbroken }
    })
}

/// The first shape of which no automaton can be made, and why.
fn unfit_shape(entities: &[Entity]) -> Option<Unfit> {
    let shapes = entities.iter().flat_map(|entity| entity.shapes.iter().map(move |shape| (entity, shape)));
    shapes
        .filter_map(|(entity, shape)| {
            let wrong = Shapes::new(&[&shape.pattern], 0).err()?;
            Some(Unfit { entity: entity.name.clone(), what: format!("\"{}\": {wrong}", shape.pattern) })
        })
        .next()
}
