//! `[detect]`: which kinds of sensitive data are looked for, and kinds of one's own.
//!
//! What a kind of one's own may look like is `detect`'s matter ([`detect::fit`]); here is how it is written, and that its examples
//! hold. Which target is looked through is that target's matter.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use detect::{Detector, Entity, Example, Faulty, Misread, Scanner, Shape};
use model::ClassId;

use super::read::Reading;
use super::reader::{At, Entry, Section};
use super::suggest;

/// The most kinds of one's own.
const KINDS_MAX: usize = 100;
/// The most patterns of one kind.
const PATTERNS_MAX: usize = 20;
/// The most words of one list, and the longest of them in bytes.
const WORDS_MAX: usize = 100;
/// The longest name of a kind.
const NAME_BYTES_MAX: usize = 63;
/// How sure a kind of one's own is, in log-odds, where nothing is said: twenty to one.
const ODDS: f32 = 3.0;
/// The least that a word can still make something of: one adds 5.
const ODDS_MIN: f32 = -4.5;
/// More than this is never in doubt.
const ODDS_MAX: f32 = 10.0;

/// Which kinds of sensitive data are looked for.
#[derive(Debug, Default)]
pub struct Detection {
    /// Kinds that come with Weir and are off, and shall be on.
    on: BTreeSet<String>,
    /// Kinds that come with Weir and shall be off.
    off: BTreeSet<String>,
    own: Vec<Entity>,
    made: OnceLock<Result<&'static Detector, Faulty>>,
}

/// A kind, and whether it is looked for.
#[derive(Debug)]
pub struct Kind {
    /// What it is.
    pub entity: Entity,
    /// Whether it is looked for.
    pub on: bool,
    /// Whether the configuration made it.
    pub own: bool,
}

impl Detection {
    /// What looks for them. It is made when it is first asked for, which takes a while, is the same one from then on, and lives as long
    /// as the program: sessions on all threads borrow it.
    pub fn detector(&self) -> Result<&'static Detector, Faulty> {
        if self.is_as_it_comes() {
            return detect::builtin().map_err(Clone::clone);
        }
        let make = || {
            let on = self.kinds()?.into_iter().filter(|kind| kind.on).map(|kind| kind.entity).collect();
            Ok(&*Box::leak(Box::new(Detector::new(on)?)))
        };
        self.made.get_or_init(make).clone()
    }

    /// Whether nothing is said of kinds.
    fn is_as_it_comes(&self) -> bool {
        self.on.is_empty() && self.off.is_empty() && self.own.is_empty()
    }

    /// All kinds, those that come with Weir first.
    pub fn kinds(&self) -> Result<Vec<Kind>, Misread> {
        let built_in = detect::entities()?.into_iter().map(|entity| {
            let on = match entity.off {
                true => self.on.contains(&entity.name),
                false => !self.off.contains(&entity.name),
            };
            Kind { entity, on, own: false }
        });
        Ok(built_in.chain(self.own.iter().map(|entity| Kind { entity: entity.clone(), on: true, own: true })).collect())
    }

    /// The classes of all that is looked for.
    pub fn classes(&self) -> Result<BTreeSet<ClassId>, Misread> {
        let on = self.kinds()?.into_iter().filter(|kind| kind.on);
        Ok(on.filter_map(|kind| ClassId::parse(&kind.entity.class)).collect())
    }
}

/// Reads the section.
pub fn detection(section: Option<Section<'_>>, reading: &mut Reading<'_, '_>) -> Detection {
    let Some(mut section) = section else { return Detection::default() };
    let built_in = detect::entities().unwrap_or_else(|fault| {
        reading.found.error(&section.at, format!("a fault of this program: {fault}"), "");
        Vec::new()
    });
    let on = section.entry("on").map(|entry| known(&entry, &built_in, true, reading)).unwrap_or_default();
    let off_entry = section.entry("off");
    let off = off_entry.as_ref().map(|entry| known(entry, &built_in, false, reading)).unwrap_or_default();
    let mut own = Vec::new();
    let kinds = section.entry("kinds").and_then(|entry| entry.section(reading.found));
    for (number, (name, entry)) in kinds.iter().flat_map(Section::entries).enumerate() {
        if number == KINDS_MAX {
            reading.found.error(&entry.name_at, format!("is one kind more than {KINDS_MAX}"), "keep those that matter");
        }
        if let Some(same) = built_in.iter().find(|kind| kind.name == name) {
            let what = format!("is the name of a kind that comes with Weir: {}", same.title);
            reading.found.error(
                &entry.name_at,
                what,
                "choose another, and switch that one off with `off` if it is in the way",
            );
        }
        let Some(section) = entry.section(reading.found) else { continue };
        own.extend(kind(name, &entry.name_at, section, reading));
    }
    let at = section.at.clone();
    section.finish(reading.found);
    let detection = Detection { on, off, own, made: OnceLock::new() };
    // What comes with Weir is known to be sound together; with kinds of one's own that must be seen.
    if reading.look
        && !detection.own.is_empty()
        && let Err(fault) = detection.detector()
    {
        reading.found.error(&at, fault.to_string(), "write fewer and simpler patterns");
    }
    detection
}

/// Names of kinds that come with Weir, to be switched on or off.
fn known(entry: &Entry<'_>, built_in: &[Entity], on: bool, reading: &mut Reading<'_, '_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, name) in entry.texts(reading.found) {
        match built_in.iter().find(|kind| kind.name == name) {
            Some(kind) if kind.off != on => {
                let is = if on { "on" } else { "off" };
                reading.found.warn(&at, format!("\"{name}\" is {is} anyhow"), "leave it out");
            }
            Some(_) => drop(names.insert(name.to_owned())),
            None => {
                let help = match suggest::nearest(name, built_in.iter().map(|kind| kind.name.as_str())) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "`weir detect --kinds` lists them".to_owned(),
                };
                reading.found.error(&at, format!("no kind is named {}", suggest::quoted(name)), help);
            }
        }
    }
    names
}

/// Reads one kind. `None` if something is missing or wrong, which is then in the findings.
fn kind(name: &str, name_at: &At, mut section: Section<'_>, reading: &mut Reading<'_, '_>) -> Option<Entity> {
    let first = |c: char| c.is_ascii_lowercase();
    let rest = |c: char| first(c) || c.is_ascii_digit() || c == '_';
    let named = name.starts_with(first) && name.chars().all(rest) && name.len() <= NAME_BYTES_MAX;
    if !named {
        let help = "use lower-case letters, digits and `_`, at most 63, a letter first";
        reading.found.error(name_at, "is no name for a kind", help);
    }
    let title = section.entry("title").and_then(|entry| entry.text(reading.found));
    let class = section.required("class", "class = \"pii.employee_id\"", reading.found);
    let class = class.and_then(|entry| super::postgres::class(&entry, reading));
    let pattern = section.required("pattern", "pattern = 'EMP-\\d{6}'", reading.found);
    let patterns = pattern.and_then(|entry| patterns(&entry, reading));
    let check_entry = section.entry("check");
    let check = check_entry.as_ref().map(|entry| check(entry, reading));
    let sights = ["nothing", "token", "partial", "clear"].map(|sight| (sight, sight));
    let sight = section.entry("sight").map(|entry| entry.one_of(&sights, reading.found));
    let context_entry = section.entry("context");
    let context = context_entry.as_ref().map(|entry| words(entry, reading)).unwrap_or_default();
    let against = section.entry("against").map(|entry| words(&entry, reading)).unwrap_or_default();
    let odds_entry = section.entry("odds");
    let odds = odds_entry.as_ref().map(|entry| entry.number(ODDS_MIN..=ODDS_MAX, reading.found));
    if let (Some(entry), Some(Some(odds))) = (&odds_entry, odds)
        && odds <= 0.0
        && context_entry.is_none()
    {
        let help = "write more than 0, or add words to `context` that speak for it";
        reading.found.error(&entry.at, "is not more than 0, and no word can add to it: it would never be found", help);
    }
    let positive = section.entry("positive").map(|entry| examples(&entry, reading)).unwrap_or_default();
    let negative = section.entry("negative").map(|entry| examples(&entry, reading)).unwrap_or_default();
    section.finish(reading.found);
    let of = |examples: &[(At, Example)]| examples.iter().map(|(_, example)| example.clone()).collect();
    let odds = odds.map_or(Some(ODDS), |odds| odds)?;
    let shape = |pattern: &String| Shape {
        pattern: pattern.clone(),
        literals: Vec::new(),
        behind: None,
        address: false,
        whole: false,
        anywhere: true,
        odds,
    };
    let entity = Entity {
        name: named.then(|| name.to_owned())?,
        title: title.map_or_else(|| name.replace('_', " "), str::to_owned),
        class: class?.as_str().to_owned(),
        sight: sight.map_or(Some("nothing"), |sight| sight)?.to_owned(),
        off: false,
        shapes: patterns?.iter().map(shape).collect(),
        check: check.map_or(Some(None), |check| check.map(Some))?.map(str::to_owned),
        context,
        against,
        positive: of(&positive),
        negative: of(&negative),
        source: "weir.toml".to_owned(),
    };
    prove(&entity, &positive, &negative, name_at, reading);
    Some(entity)
}

/// One pattern or a list of them. `None` if one is not fit.
fn patterns(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Option<Vec<String>> {
    let patterns = match entry.is_text() {
        true => entry.text(reading.found).map(|text| (entry.at.clone(), text)).into_iter().collect(),
        false => entry.texts(reading.found),
    };
    if patterns.len() > PATTERNS_MAX {
        let what = format!("has {} patterns; a kind has {PATTERNS_MAX} at most", patterns.len());
        reading.found.error(&entry.at, what, "write them as one with |, or make several kinds of the same class");
        return None;
    }
    if entry.is_empty_list() {
        reading.found.error(&entry.at, "is empty, so that nothing would be found", "write at least one pattern");
    }
    let mut fit = Some(Vec::new());
    for (at, pattern) in &patterns {
        match detect::fit(pattern) {
            Ok(()) => fit.iter_mut().for_each(|fit| fit.push((*pattern).to_owned())),
            Err(unfit) => {
                reading.found.error(at, unfit.what, unfit.help);
                fit = None;
            }
        }
    }
    fit.filter(|fit| !fit.is_empty())
}

/// The name of a check.
fn check(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Option<&'static str> {
    let text = entry.text(reading.found)?;
    let known = detect::names().find(|name| *name == text);
    if known.is_none() {
        let help = match suggest::nearest(text, detect::names()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("known: {}", detect::names().collect::<Vec<_>>().join(", ")),
        };
        reading.found.error(&entry.at, format!("no check is named {}", suggest::quoted(text)), help);
    }
    known
}

/// Words that speak for a kind or against it, in lower case.
fn words(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Vec<String> {
    let words = entry.texts(reading.found);
    if words.len() > WORDS_MAX {
        reading.found.error(&entry.at, format!("has {} words, more than {WORDS_MAX}", words.len()), "keep the best");
    }
    for (at, _) in words.iter().filter(|(_, word)| word.len() > WORDS_MAX || !word.chars().any(char::is_alphanumeric)) {
        let help = format!("write a word, or a few with blanks between them, of at most {WORDS_MAX} bytes");
        reading.found.error(at, "has no word in it, or too many", help);
    }
    words.into_iter().map(|(_, word)| word.to_lowercase()).collect()
}

/// Texts, or `{ text = "…", name = "…" }` for those in a place of this name.
fn examples(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Vec<(At, Example)> {
    let mut examples = Vec::new();
    for item in entry.items("a list, [\"…\", { text = \"…\", name = \"…\" }]", reading.found) {
        let example = match item.is_table() {
            false => item.text(reading.found).map(|text| Example::Text(text.to_owned())),
            true => item.section(reading.found).and_then(|mut section| {
                let text = section.required("text", "text = \"…\"", reading.found);
                let name = section.required("name", "name = \"column_name\"", reading.found);
                section.finish(reading.found);
                let [text, name] = [text, name].map(|entry| entry.and_then(|entry| entry.text(reading.found)));
                Some(Example::Named { text: text?.to_owned(), name: name?.to_owned() })
            }),
        };
        examples.extend(example.map(|example| (item.at, example)));
    }
    examples
}

/// Whether the examples hold, of the kind alone. They are not repeated: they may be somebody's own numbers.
fn prove(
    entity: &Entity,
    positive: &[(At, Example)],
    negative: &[(At, Example)],
    name_at: &At,
    reading: &mut Reading<'_, '_>,
) {
    let detector = match Detector::new(vec![entity.clone()]) {
        Ok(detector) => detector,
        Err(unfit) => {
            reading.found.error(name_at, unfit.what, "write fewer and simpler patterns");
            return;
        }
    };
    let mut scanner = Scanner::new(&detector);
    let examples =
        positive.iter().map(|example| (example, true)).chain(negative.iter().map(|example| (example, false)));
    for ((at, example), is_one) in examples {
        let (text, span, name) = example.marked();
        let place = (!name.is_empty()).then(|| detector.place(name));
        let found = scanner.scan(text.as_bytes(), place.as_ref());
        if is_one && !found.iter().any(|found| (found.start..found.end) == span) {
            let help = "mend pattern, check, odds or words, or mark in the example what is to be found: \"of [[EMP-123456]].\"";
            reading.found.error(at, "this example is not found", help);
        }
        if !is_one && !found.is_empty() {
            let help = "mend pattern or check, or add words to `against`";
            reading.found.error(at, "this example is found and should not be", help);
        }
    }
}
