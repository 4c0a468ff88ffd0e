//! What is found in values on their way into columns that nobody has classified: constants of a text, and parameters.
//!
//! It is as if the column were of the class: `store` is asked on it. A value in which nothing is found asks nothing.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use gate::{Declined, Storing};
use model::{Part, UnixMicros};
use sql_postgres::{Given, PlainInto, PlainPut, ReadAs};

use super::Conversation;
use super::long_bind::LONG_BIND_BYTES;
use super::lowered::UNKNOWN;
use super::statements::{Portal, Prepared};
use super::text_settings::Reads;
use crate::cells::{BITS, CellType, Manner, NAME, NAME_KEPT, Said, each_kept, each_of_cut_bits, each_said};
use crate::interpret::{Interpreted, all_of};
use crate::wire::frontend::Bind;

/// The longest value that is looked at by the name of each column that it may go into.
const ALONE_BYTES_MAX: usize = 64;
/// About how many bytes of values are looked at for one statement, each in all ways in which it may be read and as often as it is put somewhere: a
/// second of work or two.
pub(crate) const LOOKED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What can't be read.
const UNREAD: &str = "a value that is written in a way that Weir does not read";

impl<S> Conversation<S> {
    /// Whether something is looked for that may be forbidden to be stored somewhere.
    pub(super) fn may_forbid_store(&self) -> bool {
        self.catalogs.search().is_some() && self.session.may_forbid_store()
    }

    /// Why a text does not run in whose constants something is found that may not be stored where they go.
    pub(super) fn refuses_constants(&self, interpreted: &Interpreted, now: UnixMicros) -> Option<Declined> {
        if !self.may_forbid_store() {
            return None;
        }
        if interpreted.lacks_puts() {
            return Some(Declined {
                message: "the policies that say what may be stored were changed while the statement was being read"
                    .to_owned(),
                detail: None,
                hint: Some("Send it again.".to_owned()),
            });
        }
        let policies = self.session.lasting_policies();
        if policies.is_some() && interpreted.constants_stored_by.get() == policies {
            return None;
        }
        let mut looking = self.looking_into_puts(now)?;
        let refused = puts(interpreted).find_map(|put| match &put.given {
            Given::Constant(value) => looking.refuses(put, value.as_bytes(), Came::WRITTEN),
            Given::Parameter(_) => None,
            Given::TooMuch => looking.refuses_unread(&put.into, UNREAD),
        });
        interpreted.constants_stored_by.set(policies.filter(|_| refused.is_none()));
        refused
    }

    fn looking_into_puts(&self, now: UnixMicros) -> Option<IntoPuts<'_>> {
        let search = self.catalogs.search()?;
        Some(IntoPuts { storing: self.session.storing(search, now, LOOKED_BYTES_MAX), groups: HashMap::new() })
    }

    /// The same of parameters.
    pub(super) fn refuses_parameters(
        &self,
        bind: &Bind<'_>,
        prepared: &Prepared,
        interpreted: &Interpreted,
        now: UnixMicros,
    ) -> Option<Declined> {
        self.catalogs.search().filter(|_| self.session.may_forbid_store())?;
        let mut puts = parameters(interpreted);
        let first = puts.next()?;
        let casts = OnceCell::new();
        let values: Vec<(bool, Option<&[u8]>)> = bind.values().collect();
        let mut looking = self.looking_into_puts(now)?;
        std::iter::once(first).chain(puts).find_map(|(number, put)| {
            let at = number.checked_sub(1)?;
            let (binary, value) = *values.get(at)?;
            let value = value?;
            let declared = prepared.types.get(at).copied().filter(|oid| !matches!(*oid, 0 | UNKNOWN));
            let is_foreign = self.settings.is_foreign(value, self.batch) && {
                let own = declared.or_else(|| casts.get_or_init(|| casts_of(interpreted)).get(&number).copied());
                !binary || own.is_none_or(is_text)
            };
            looking.refuses(put, value, Came { binary, declared, is_foreign })
        })
    }

    /// Whether the target has to say first in which encoding values of a Bind are of which something is cut off.
    pub(super) fn awaits_encoding(&self, bind: &Bind<'_>, prepared: &Prepared, interpreted: &Interpreted) -> bool {
        let awaits = |value| self.settings.of_value(value, self.batch, false) == Reads::NotKnownYet;
        if !self.may_forbid_store() || !bind.values().any(|(_, value)| value.is_some_and(awaits)) {
            return false;
        }
        let mut seen = HashSet::new();
        let mut has_names =
            |into: &[PlainInto]| seen.insert(into.as_ptr()) && into.iter().any(|into| into.type_oid == NAME);
        let mut puts = puts(interpreted).filter(|put| matches!(put.given, Given::Parameter(_)));
        let is_name = prepared.types.contains(&NAME);
        puts.any(|put| is_name || put.read_as.is_cut() || has_names(&put.into))
    }

    /// The policies by which is looked at what is stored, where anything is.
    pub(super) fn policies_epoch(&self) -> u64 {
        self.catalogs.search().map_or(0, |_| self.session.policies_epoch())
    }

    /// Why a portal does not run that was bound before policy said what may not be stored.
    pub(super) fn refuses_bound(&self, portal: &Portal) -> Option<Declined> {
        let stores = || portal.interpreted.lacks_puts() || puts(&portal.interpreted).next().is_some();
        let is_late = self.may_forbid_store() && portal.looked_by != self.policies_epoch();
        (is_late && stores()).then(|| Declined {
            message: "the portal was bound before the policies were changed that say what may be stored".to_owned(),
            detail: None,
            hint: Some("Bind it again.".to_owned()),
        })
    }

    /// Why a Bind does not go whose parameters can't be held, if something in them might not be stored where they go.
    pub(super) fn refuses_unseen(&self, interpreted: &Interpreted, now: UnixMicros) -> Option<Declined> {
        let mut looking = self.looking_into_puts(now)?;
        let what = format!("a Bind of more than {LONG_BIND_BYTES} bytes");
        let mut puts = puts(interpreted).filter(|put| matches!(put.given, Given::Parameter(_)));
        let refused = puts.find_map(|put| looking.refuses_unread(&put.into, &what))?;
        Some(Declined { hint: Some("Send its long values with another statement.".to_owned()), ..refused })
    }
}

/// How a value comes that is put somewhere.
#[derive(Clone, Copy)]
pub(crate) struct Came {
    binary: bool,
    /// The type that its sender says it is of.
    declared: Option<u32>,
    /// Whether its letters are those of another encoding, so that nobody here can count them.
    is_foreign: bool,
}

impl Came {
    /// A constant of a text.
    pub(crate) const WRITTEN: Self = Self { binary: false, declared: None, is_foreign: false };

    /// As what it is read first where the statement takes it so.
    fn first(self, read_as: ReadAs, own: u32) -> CellType {
        let taken_for = match read_as {
            ReadAs::Column | ReadAs::ColumnPerhaps => own,
            ReadAs::Type(oid) | ReadAs::TypeWithin(oid) | ReadAs::TextOf(oid) | ReadAs::TypePerhaps(oid) => oid,
            ReadAs::Cut(_) | ReadAs::CutBits(_) | ReadAs::CutSomewhere => TEXT,
            ReadAs::Anything | ReadAs::Made | ReadAs::Name | ReadAs::Bits(_) => 0,
        };
        match self.declared {
            // What goes as a text may be cast to anything.
            Some(declared) if is_text(declared) => CellType::of(taken_for, false),
            Some(declared) => CellType::of(declared, self.binary),
            None if read_as.is_cut() || matches!(read_as, ReadAs::TextOf(_)) => CellType::of(taken_for, false),
            None => CellType::of(taken_for, self.binary),
        }
    }

    /// As what it is read beside that, if something else may be made of it, or nobody knows for sure of which type it is.
    fn then(self, read_as: ReadAs, first: CellType) -> Option<CellType> {
        let is_open = matches!(read_as, ReadAs::ColumnPerhaps | ReadAs::TypePerhaps(_)) && self.declared.is_none();
        match read_as {
            ReadAs::Column | ReadAs::Type(_) => None,
            ReadAs::Anything | ReadAs::Made if self.declared.is_none_or(is_text) => None,
            _ if is_open => Some(CellType::of(0, self.binary)),
            _ if !first.binary || is_text(first.oid) => Some(CellType::of(0, false)),
            // Texts may be within it; what else has this form is what it says.
            _ => holds_others(first.oid).then(|| CellType::of(0, true)),
        }
    }
}

fn is_text(oid: u32) -> bool {
    Manner::of(oid, true) == Some(Manner::Text)
}

/// Whether it is by the type of its column that a value is read.
pub(crate) fn is_by_column(read_as: ReadAs) -> bool {
    matches!(read_as, ReadAs::Column | ReadAs::ColumnPerhaps | ReadAs::Bits(_))
}

fn holds_others(oid: u32) -> bool {
    matches!(Manner::of(oid, true), Some(Manner::List | Manner::Row | Manner::Raw))
}

/// `text`.
const TEXT: u32 = 25;

/// Of which types the columns are that a value goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Types {
    /// The type of all of them; 0 if they are of several, or nobody knows.
    one: u32,
    /// Whether one of them is of type `name`.
    has_names: bool,
}

impl Types {
    pub(crate) fn one(one: u32) -> Self {
        Self { one, has_names: one == NAME }
    }

    pub(crate) fn several(has_names: bool) -> Self {
        Self { one: 0, has_names }
    }
}

/// Gives each of the things that a value says that is put into columns of these types, until there is an answer.
pub(crate) fn each_put<T>(
    read_as: ReadAs,
    own: Types,
    came: Came,
    value: &[u8],
    ask: &mut dyn FnMut(Said<'_>) -> Option<T>,
) -> Option<T> {
    let read_as = match read_as {
        // They stay what they are.
        ReadAs::Bits(_) if BITS.contains(&own.one) => ReadAs::Column,
        ReadAs::Bits(_) => read_as.perhaps(),
        other => other,
    };
    if read_as == ReadAs::Name {
        // All else that it says is looked at beside that.
        return each_left(read_as, own, came, value, ask);
    }
    let first = came.first(read_as, own.one);
    if read_as == ReadAs::Column {
        // It stays what it is.
        let answer = each_kept(first, value, ask);
        return answer.or_else(|| each_left(read_as, own, came, value, ask));
    }
    // What is none of a type that it may be of is of another.
    let is_sure = !matches!(read_as, ReadAs::ColumnPerhaps | ReadAs::TypePerhaps(_));
    let answer = each_said(first, value, &mut |said| if said == Said::Unread && !is_sure { None } else { ask(said) });
    let answer = answer.or_else(|| each_said(came.then(read_as, first)?, value, ask));
    answer.or_else(|| each_left(read_as, own, came, value, ask))
}

/// The same of what is left of it where something is cut off.
fn each_left<T>(
    read_as: ReadAs,
    own: Types,
    came: Came,
    value: &[u8],
    ask: &mut dyn FnMut(Said<'_>) -> Option<T>,
) -> Option<T> {
    let is_name = own.has_names || came.declared == Some(NAME);
    // Of a letter the target may make four bytes.
    let may_be_cut = matches!(read_as, ReadAs::Cut(length) if value.len() > length)
        || is_name && value.len().saturating_mul(4) > NAME_KEPT;
    if came.is_foreign && may_be_cut {
        return ask(Said::Unread);
    }
    let mut as_any = |left: &[u8]| each_said(CellType::of(0, false), left, ask);
    let answer = match read_as {
        ReadAs::Cut(length) => cut(value, length).into_iter().find_map(&mut as_any),
        ReadAs::CutBits(count) => {
            let is_sent = came.binary && !came.declared.is_some_and(is_text);
            return each_of_cut_bits(is_sent, count, value, ask);
        }
        ReadAs::CutSomewhere => return ask(Said::Unread),
        _ => None,
    };
    answer.or_else(|| {
        let is_kept = is_name || read_as.may_be_name();
        as_any(value.get(..NAME_KEPT).filter(|left| left.len() < value.len() && is_kept)?)
    })
}

/// What is left of a text that is cut off after so many characters, and after so many bytes where that is not the same.
fn cut(value: &[u8], length: usize) -> [&[u8]; 2] {
    let characters = std::str::from_utf8(value).ok().and_then(|text| text.char_indices().nth(length));
    let [by_character, by_byte] = [characters.map_or(length, |(at, _)| at), length];
    let left = |end: usize| value.get(..end).filter(|_| end < value.len()).unwrap_or_default();
    [left(by_character), if by_byte == by_character { &[] } else { left(by_byte) }]
}

/// Looks into what a statement puts into columns.
struct IntoPuts<'s> {
    storing: Storing<'s>,
    /// Of columns that values go into, those of one name and type: found once, as there may be as many values as tables.
    groups: HashMap<*const PlainInto, Rc<Groups>>,
}

/// Columns that a value goes into, by their names.
struct Groups {
    named: Vec<Named>,
    /// Whether one of them is of type `name`.
    has_names: bool,
}

/// Where columns of one name stand, and where those of each type among them.
struct Named {
    all: Range<usize>,
    types: Vec<Range<usize>>,
    /// Whether one of them is of type `name`.
    has_names: bool,
}

/// Columns of one name and one type stand beside each other.
fn grouped(into: &[PlainInto]) -> Groups {
    let groups = runs(into, 0, |one, other| one.column == other.column);
    let typed = |all: Range<usize>| {
        let group = into.get(all.clone()).unwrap_or_default();
        let has_names = group.iter().any(|into| into.type_oid == NAME);
        Named { types: runs(group, all.start, |one, other| one.type_oid == other.type_oid), all, has_names }
    };
    let named: Vec<Named> = groups.into_iter().map(typed).collect();
    Groups { has_names: named.iter().any(|named| named.has_names), named }
}

/// The runs of what is alike, the first of which stands at `start`.
fn runs(into: &[PlainInto], start: usize, alike: impl Fn(&PlainInto, &PlainInto) -> bool) -> Vec<Range<usize>> {
    let mut end = start;
    let run = |run: &[PlainInto]| {
        let start = end;
        end = end.saturating_add(run.len());
        start..end
    };
    into.chunk_by(alike).map(run).collect()
}

impl IntoPuts<'_> {
    /// Why a value does not go there.
    fn refuses(&mut self, put: &PlainPut, value: &[u8], came: Came) -> Option<Declined> {
        let groups = Rc::clone(self.groups.entry(put.into.as_ptr()).or_insert_with(|| Rc::new(grouped(&put.into))));
        // What is long has more to say than the name of a column.
        if groups.named.len() > 1 && value.len() > ALONE_BYTES_MAX {
            return self.refuses_by_name(put, ("", Types::several(groups.has_names)), &put.into, value, came);
        }
        groups.named.iter().find_map(|group| {
            let all = put.into.get(group.all.clone())?;
            let name = all.first()?.column.as_str();
            if name.is_empty() || !is_by_column(put.read_as) {
                return self.refuses_by_name(put, (name, Types::several(group.has_names)), all, value, came);
            }
            let mut types = group.types.iter().filter_map(|of_type| put.into.get(of_type.clone()));
            types.find_map(|into| {
                self.refuses_by_name(put, (name, Types::one(into.first()?.type_oid)), into, value, came)
            })
        })
    }

    /// The same of columns of one name, and of one type if it is by their type that the value is read.
    fn refuses_by_name(
        &mut self,
        put: &PlainPut,
        (name, own): (&str, Types),
        into: &[PlainInto],
        value: &[u8],
        came: Came,
    ) -> Option<Declined> {
        each_put(put.read_as, own, came, value, &mut |said| match said {
            Said::Bytes(value) => self.storing.refuses(name, columns(into), value),
            Said::Unread => self.storing.refuses_unread(columns(into), UNREAD),
        })
    }

    fn refuses_unread(&mut self, into: &[PlainInto], what: &str) -> Option<Declined> {
        self.storing.refuses_unread(columns(into), what)
    }
}

fn columns(into: &[PlainInto]) -> impl Iterator<Item = (&Part, &str)> + Clone {
    into.iter().map(|into| (&into.part, into.column.as_str()))
}

/// Why something that a value says may not be stored in a column that is not classified.
pub(super) fn refuses(storing: &mut Storing<'_>, into: &PlainInto, said: Said<'_>) -> Option<Declined> {
    let into = std::slice::from_ref(into);
    match said {
        Said::Bytes(value) => storing.refuses(&into.first()?.column, columns(into), value),
        Said::Unread => storing.refuses_unread(columns(into), UNREAD),
    }
}

/// Parameters that are put somewhere, by their numbers.
fn parameters(interpreted: &Interpreted) -> impl Iterator<Item = (usize, &PlainPut)> {
    puts(interpreted).filter_map(|put| match put.given {
        Given::Parameter(number) => Some((number, put)),
        Given::Constant(_) | Given::TooMuch => None,
    })
}

/// Of which types parameters are that stand directly within casts, and nowhere else but there.
fn casts_of(interpreted: &Interpreted) -> HashMap<usize, u32> {
    let cast = |(number, put): (usize, &PlainPut)| match put.read_as {
        ReadAs::Type(oid) | ReadAs::TypeWithin(oid) => Some((number, oid)),
        _ => None,
    };
    parameters(interpreted).filter_map(cast).collect()
}

fn puts(interpreted: &Interpreted) -> impl Iterator<Item = &PlainPut> {
    interpreted.statements.iter().flat_map(all_of).flat_map(|statement| &statement.puts)
}
