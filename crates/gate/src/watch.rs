//! How what is found in the values of one result is shown to one session.
//!
//! The third witness. A value that nothing is known of is looked at, and what is found of a class is shown as the policies would show a field
//! of that class in its place. They are asked when something of a class is found in a field for the first time, and the answer is kept with the shape of
//! the result, as its plan is. Where nothing could be hidden from the caller there is no watch, and nothing is looked at.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use detect::{KindId, Place, Stream, ViewScanner};
use model::{ClassId, Field, Holds, Part, Sight, UnixMicros};
use redact::FieldPlan;

use crate::content::{Content, Sort};
use crate::ledger::{Event, Found};
use crate::long_look::LongLook;
use crate::search::{PlaceKey, Search, Tally};
use crate::session::{Rule, Shared};
use crate::words::Words;

/// Values that a session counts before it adds them to the tally that all share.
const COUNTED_MAX: u32 = 64;

/// A field of a result that is looked at.
#[derive(Clone, Debug)]
pub struct Sought {
    /// The object that it is a field of; `None` for what belongs to none.
    pub part: Option<Part>,
    /// Its name, which says something of what is in it.
    pub name: String,
    /// Names of what it is made of, if it is none of those that the target knows; `None` if that may be anything.
    pub made_of: Option<Arc<[Box<str>]>>,
    /// Where its values stand.
    pub key: PlaceKey,
    /// Whether the name is one that the target knows. One that a caller has made up can speak for something, and not against it.
    pub is_known: bool,
}

/// How what is found in a result is shown. Whoever knows the result's shape keeps it for [`crate::Flow::watch`].
#[derive(Clone, Debug)]
pub struct KeptWatch {
    watches: Watches,
    rule: Arc<Rule>,
}

/// What is looked at in a result: for the caller, and for the recording.
#[derive(Clone, Debug, Default)]
pub struct Watches {
    /// Who hides from the caller.
    pub shown: Option<Arc<Watch>>,
    /// Who hides from the recording what the caller sees clear. None where nothing is kept, or where that is kept as it is.
    pub kept: Option<Arc<Watch>>,
}

/// The fields of a result that are looked at.
pub struct Watch {
    session: Arc<Shared>,
    search: Arc<Search>,
    fields: Box<[Option<Watched>]>,
    /// What is seen at most of what the caller sees clear.
    most: Sight,
    /// Whether what is looked at counts for what its place holds: once, if two look.
    counts: bool,
    /// When it was made: policies that look at the time are asked anew for each result.
    now: UnixMicros,
}

/// One of them.
struct Watched {
    part: Option<Part>,
    name: String,
    place: Place,
    /// Of each sort how much is seen, as far as that was asked.
    sights: Box<[AtomicU8]>,
    tally: Arc<Tally>,
    /// Values that are not in the tally yet.
    counted: AtomicU32,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch({} of {} fields)", self.fields.iter().flatten().count(), self.fields.len())
    }
}

const NOT_ASKED: u8 = 0;

fn code(sight: Sight) -> u8 {
    match sight {
        Sight::Nothing => 1,
        Sight::Token => 2,
        Sight::Partial => 3,
        Sight::Clear => 4,
    }
}

fn sight_of(code: u8) -> Sight {
    match code {
        4 => Sight::Clear,
        3 => Sight::Partial,
        2 => Sight::Token,
        _ => Sight::Nothing,
    }
}

impl Shared {
    /// The watch over a result of this shape: as it was last time, if that holds.
    pub fn kept_watch(
        self: &Arc<Self>,
        search: &Arc<Search>,
        holds: &[Holds],
        kept: &mut Option<KeptWatch>,
        now: UnixMicros,
        fields: impl FnOnce() -> Vec<Option<Sought>>,
    ) -> Watches {
        let rule = self.rule();
        if let Some(known) = kept.as_ref().filter(|known| Arc::ptr_eq(&known.rule, &rule)) {
            return known.watches.clone();
        }
        let (hides, most) = (self.hides(search, now), self.kept_at_most());
        let mut watches = Watches::default();
        if hides || most != Sight::Clear {
            let fields = fields();
            let new = |most, counts| self.new_watch(search, holds, now, fields.clone(), (most, counts));
            watches.shown = hides.then(|| new(Sight::Clear, true)).flatten();
            watches.kept = (most != Sight::Clear).then(|| new(most, !hides)).flatten();
        }
        *kept = (!rule.reads_now()).then(|| KeptWatch { watches: watches.clone(), rule });
        watches
    }

    fn new_watch(
        self: &Arc<Self>,
        search: &Arc<Search>,
        holds: &[Holds],
        now: UnixMicros,
        fields: Vec<Option<Sought>>,
        (most, counts): (Sight, bool),
    ) -> Option<Arc<Watch>> {
        let holds = holds.iter().map(Some).chain(std::iter::repeat(None));
        // What several fields are made of is kept once, and says the same of each.
        let mut places = HashMap::new();
        let fields = fields.into_iter().zip(holds).map(|(sought, holds)| {
            let looks = self.looks_into(holds, now);
            sought.filter(|_| looks).map(|sought| Watched::new(sought, search, &mut places))
        });
        // Whether anything of a field is hidden at all is not asked ahead: where policies look at more than the class that is a question for
        // each field and class, of which most are never met.
        let fields = fields.collect();
        let watch = Watch { session: Arc::clone(self), search: Arc::clone(search), fields, most, counts, now };
        watch.fields.iter().any(Option::is_some).then(|| Arc::new(watch))
    }

    /// Whether a field that holds this is looked at. One that is classified is shown as that says, or not at all.
    fn looks_into(&self, holds: Option<&Holds>, now: UnixMicros) -> bool {
        match holds {
            None | Some(Holds::Plain | Holds::Document(_)) => true,
            // Of what nobody has classified nothing is known, also where it is shown.
            Some(Holds::Copy(field)) => {
                field.class.as_str() == ClassId::UNCLASSIFIED && self.sight(field, now) == Sight::Clear
            }
            Some(Holds::Computed(fields)) => fields.iter().all(|field| self.sight(field, now) == Sight::Clear),
            Some(Holds::Unknown) => false,
        }
    }

    /// Whether anything of what is looked for would be hidden from this session.
    pub fn hides(&self, search: &Search, now: UnixMicros) -> bool {
        let rule = self.rule();
        if !rule.sees_by_class() {
            return true;
        }
        if let Some(known) = self.known_hides(&rule) {
            return known;
        }
        let hides =
            search.content().sorts().iter().any(|sort| self.sort_sight(search, None, sort, now) != Sight::Clear);
        self.keep_hides(&rule, hides);
        hides
    }

    /// How much is seen of what is of this sort, in this field.
    fn sort_sight(&self, search: &Search, of: Option<&Watched>, sort: &Sort, now: UnixMicros) -> Sight {
        let rule = self.rule();
        // Where the field makes no difference, one answer does for all.
        let of = of.filter(|_| !rule.sees_by_class());
        let part = of.and_then(|watched| watched.part.as_ref()).unwrap_or(search.nowhere());
        let name = of.map_or("", |watched| &watched.name);
        let field = Field { part: part.clone(), name: name.to_owned(), class: sort.class.clone(), sealed: false };
        if sort.public && !self.forbids_seeing(&field, now) {
            return Sight::Clear;
        }
        self.sight(&field, now)
    }
}

impl Watched {
    fn new(sought: Sought, search: &Search, places: &mut HashMap<*const Box<str>, Place>) -> Self {
        let Sought { part, name, made_of, key, is_known } = sought;
        let content = search.content();
        let detector = content.detector();
        Self {
            place: match (is_known, &made_of) {
                (true, _) => detector.place(&name),
                (false, Some(made_of)) => {
                    let of_doubt = || detector.place_of_doubt(made_of.iter().map(AsRef::as_ref));
                    detector.place_of_more_doubt(places.entry(made_of.as_ptr()).or_insert_with(of_doubt), &name)
                }
                (false, None) => detector.place_of_anything(),
            },
            sights: content.sorts().iter().map(|_| AtomicU8::new(NOT_ASKED)).collect(),
            tally: search.tally(key),
            counted: AtomicU32::new(0),
            part,
            name,
        }
    }

    /// Adds what was counted to the tally.
    fn flush(&self) {
        self.tally.looked(self.counted.swap(0, Ordering::Relaxed));
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Watch {
    /// Who looks for what it watches for.
    pub fn looker(&self) -> Looker {
        Looker { scanner: ViewScanner::new(self.content().detector()), hidden: Vec::new() }
    }

    /// Who looks for it in a value that is too long to be held.
    pub fn long_look(&self) -> LongLook {
        LongLook::new(Stream::with_views(self.content().detector()))
    }

    /// What the name of a field says.
    pub(crate) fn place(&self, at: usize) -> Option<&Place> {
        self.field(at).map(|watched| &watched.place)
    }

    /// How much is seen of what was found of a kind in a field, which is noted.
    pub(crate) fn sight_of(&self, at: usize, kind: KindId, met: &mut Met) -> Sight {
        let content = self.content();
        let Some((sort, _)) = content.sort_of(kind) else { return Sight::Nothing };
        let sight = self.seen(at, sort);
        met.note(content, sort, sight);
        self.at_most(sight)
    }

    /// Whether a field is looked at.
    pub fn looks_at(&self, at: usize) -> bool {
        self.field(at).is_some()
    }

    /// Whether the name of a field speaks for anything that is looked for.
    pub fn is_telling(&self, at: usize) -> bool {
        self.field(at).is_some_and(|watched| watched.place.speaks())
    }

    /// Whether most values of a field were found to be of a class of which the caller does not see all.
    pub fn is_dense(&self, at: usize) -> bool {
        let Some(watched) = self.field(at).filter(|watched| watched.tally.is_dense()) else { return false };
        watched.tally.dense().any(|sort| self.sight(at, sort) != Sight::Clear)
    }

    /// How a value of a field that is dense is shown, whole, and in which this was found beside: as what is seen least of, and not at all
    /// where they are of several classes.
    pub fn whole(&self, at: usize, hidden: &[Hidden]) -> &FieldPlan {
        let dense = self.field(at).into_iter().flat_map(|watched| watched.tally.dense());
        let dense = dense.map(|sort| (sort, self.sight(at, sort))).filter(|(_, sight)| *sight != Sight::Clear);
        self.least(dense.chain(hidden.iter().map(|hidden| (hidden.sort, hidden.sight)))).unwrap_or_else(nothing)
    }

    /// What is seen least of these, each of a sort; nothing where they are of several. `None` of none.
    fn least(&self, mut all: impl Iterator<Item = (usize, Sight)>) -> Option<&FieldPlan> {
        let (sort, sight) = all.next()?;
        let (mut least, mut is_one) = (sight, true);
        for (other, sight) in all {
            least = least.min(sight);
            is_one &= other == sort;
        }
        let sight = if is_one { least } else { Sight::Nothing };
        Some(self.content().sorts().get(sort).map_or_else(nothing, |sort| sort.plan(sight)))
    }

    fn content(&self) -> &Content {
        self.search.content()
    }

    fn field(&self, at: usize) -> Option<&Watched> {
        self.fields.get(at)?.as_ref()
    }

    /// How much of what is of a sort is left in a field.
    fn sight(&self, at: usize, sort: usize) -> Sight {
        self.at_most(self.seen(at, sort))
    }

    fn at_most(&self, sight: Sight) -> Sight {
        if sight == Sight::Clear { self.most } else { sight }
    }

    /// How much of it the caller sees.
    fn seen(&self, at: usize, sort: usize) -> Sight {
        let Some(watched) = self.field(at) else { return Sight::Nothing };
        let (Some(known), Some(of)) = (watched.sights.get(sort), self.content().sorts().get(sort)) else {
            return Sight::Nothing;
        };
        match known.load(Ordering::Relaxed) {
            NOT_ASKED => {
                let sight = self.session.sort_sight(&self.search, Some(watched), of, self.now);
                known.store(code(sight), Ordering::Relaxed);
                sight
            }
            known => sight_of(known),
        }
    }
}

/// A part of a value that is not shown as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    sort: usize,
    sight: Sight,
}

/// What was found in the results of an operation.
#[derive(Debug, Default)]
pub struct Met {
    /// Of each sort, the sights that it was shown at.
    sights: Vec<u8>,
    classes: Vec<ClassId>,
    /// Places that were found dense.
    dense: Vec<Found>,
}

impl Met {
    fn note(&mut self, content: &Content, sort: usize, sight: Sight) {
        if self.sights.len() <= sort {
            self.sights.resize(content.sorts().len().max(sort.saturating_add(1)), 0);
            self.classes = content.sorts().iter().map(|sort| sort.class.clone()).collect();
        }
        if let Some(sights) = self.sights.get_mut(sort) {
            *sights |= 1_u8.checked_shl(code(sight).into()).unwrap_or(0);
        }
    }

    /// Adds what was found elsewhere.
    pub fn add(&mut self, other: Self) {
        if self.sights.len() < other.sights.len() {
            self.sights.resize(other.sights.len(), 0);
            self.classes = other.classes;
        }
        self.sights.iter_mut().zip(other.sights).for_each(|(sights, more)| *sights |= more);
        self.dense.extend(other.dense);
    }

    fn each(&self, mut visit: impl FnMut(&ClassId, Sight)) {
        for (class, sights) in self.classes.iter().zip(&self.sights) {
            for sight in [Sight::Nothing, Sight::Token, Sight::Partial, Sight::Clear] {
                if sights & 1_u8.checked_shl(code(sight).into()).unwrap_or(0) != 0 {
                    visit(class, sight);
                }
            }
        }
    }

    /// Each class of which something was not shown as it is, and how it was shown.
    pub fn hidden(&self) -> Vec<String> {
        let mut words = BTreeSet::new();
        self.each(|class, sight| {
            if sight != Sight::Clear {
                words.insert(format!("{class}: {}", sight.as_str()));
            }
        });
        words.into_iter().collect()
    }

    /// The classes, each with the sights that it was shown at, for the record.
    pub(crate) fn words(&self) -> Option<Words> {
        let mut words = BTreeSet::new();
        self.each(|class, sight| _ = words.insert(format!("{class}:{}", sight.as_str())));
        (!words.is_empty()).then(|| words.into_iter().collect())
    }

    pub(crate) fn take_dense(&mut self) -> impl Iterator<Item = Event> + use<> {
        std::mem::take(&mut self.dense).into_iter().map(Event::Found)
    }
}

/// Looks at values. Has room that is used again for the next.
pub struct Looker {
    scanner: ViewScanner<'static>,
    hidden: Vec<Hidden>,
}

impl std::fmt::Debug for Looker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Looker")
    }
}

impl Looker {
    /// Looks at a value of a field, or at a part of one: a whole value counts for what its place holds. Whether anything in it is not to
    /// be shown as it is: [`Self::hidden`].
    pub fn look(&mut self, watch: &Watch, at: usize, bytes: &[u8], is_whole: bool, met: &mut Met) -> bool {
        self.hidden.clear();
        let Some(watched) = watch.field(at) else { return false };
        let counts = watch.counts && is_whole && !bytes.is_empty();
        if counts {
            // No other session has this number.
            let counted = watched.counted.load(Ordering::Relaxed).saturating_add(1);
            watched.counted.store(counted, Ordering::Relaxed);
            if counted >= COUNTED_MAX {
                watched.flush();
            }
        }
        let findings = self.scanner.scan(bytes, Some(&watched.place));
        if findings.is_empty() {
            return false;
        }
        let content = watch.content();
        for finding in findings {
            let Some((sort, of)) = content.sort_of(finding.kind) else { continue };
            let sight = watch.seen(at, sort);
            met.note(content, sort, sight);
            let sight = watch.at_most(sight);
            if counts && !of.public && is_all(finding.start..finding.end, bytes.len()) {
                watched.flush();
                if let Some((values, found)) = watched.tally.found(sort) {
                    let part = watched.part.as_ref().unwrap_or(watch.search.nowhere());
                    let field = format!("{}.{}", part.name, watched.name);
                    met.dense.push(Found { field, class: of.class.to_string(), values, found });
                }
            }
            if sight != Sight::Clear {
                push(&mut self.hidden, Hidden { start: finding.start, end: finding.end, sort, sight });
            }
        }
        !self.hidden.is_empty()
    }

    /// What was found last that is not to be shown as it is, in order, and nothing twice.
    pub fn hidden(&self) -> &[Hidden] {
        &self.hidden
    }

    /// Takes the list, to be given back: so that what is in a value can be looked at while it is gone through.
    pub fn take_hidden(&mut self) -> Vec<Hidden> {
        std::mem::take(&mut self.hidden)
    }

    /// Gives its room back.
    pub fn give_back(&mut self, hidden: Vec<Hidden>) {
        self.hidden = hidden;
    }
}

impl Watch {
    /// How something that was found is shown.
    pub fn plan(&self, hidden: &Hidden) -> &FieldPlan {
        self.content().sorts().get(hidden.sort).map_or_else(nothing, |sort| sort.plan(hidden.sight))
    }

    /// How a value is shown whole in which all of these were found: as what is seen least of, and not at all where they are of
    /// several classes.
    pub fn plan_of_all(&self, hidden: &[Hidden]) -> Option<&FieldPlan> {
        self.least(hidden.iter().map(|hidden| (hidden.sort, hidden.sight)))
    }
}

/// Of which nothing is seen.
fn nothing<'a>() -> &'a FieldPlan {
    static NOTHING: LazyLock<FieldPlan> = LazyLock::new(|| FieldPlan::new(Sight::Nothing, None));
    &NOTHING
}

/// Whether what was found is a value, and not something in one.
fn is_all(found: std::ops::Range<usize>, bytes: usize) -> bool {
    found.len().saturating_mul(2) >= bytes
}

/// Adds what was found. What overlaps is one, of which nothing is seen: no tail of it stays.
fn push(hidden: &mut Vec<Hidden>, next: Hidden) {
    match hidden.last_mut() {
        Some(last) if next.start < last.end => {
            last.end = last.end.max(next.end);
            last.sight = Sight::Nothing;
        }
        _ => hidden.push(next),
    }
}
