//! What is found in values on their way into columns that nobody has classified: constants of a text, and parameters.
//!
//! It is as if the column were of the class: `store` is asked on it. A value in which nothing is found asks nothing.

use gate::{Declined, Storing};
use model::{Part, UnixMicros};
use sql_postgres::{Given, PlainInto, PlainPut, ReadAs};

use super::Conversation;
use super::long_bind::LONG_BIND_BYTES;
use super::lowered::UNKNOWN;
use super::statements::{Portal, Prepared};
use crate::cells::{CellType, Manner, Said, each_said};
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
            Given::Constant(value) => looking.refuses(put, value.as_bytes(), |oid| CellType::of(oid, false)),
            Given::Parameter(_) => None,
            Given::TooMuch => looking.refuses_unread(&put.into, UNREAD),
        });
        interpreted.constants_stored_by.set(policies.filter(|_| refused.is_none()));
        refused
    }

    fn looking_into_puts(&self, now: UnixMicros) -> Option<IntoPuts<'_>> {
        let search = self.catalogs.search()?;
        Some(IntoPuts(self.session.storing(search, now, LOOKED_BYTES_MAX)))
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
        let mut puts = puts(interpreted).filter_map(|put| match put.given {
            Given::Parameter(number) => Some((number, put)),
            Given::Constant(_) | Given::TooMuch => None,
        });
        let first = puts.next()?;
        let values: Vec<(bool, Option<&[u8]>)> = bind.values().collect();
        let mut looking = self.looking_into_puts(now)?;
        std::iter::once(first).chain(puts).find_map(|(number, put)| {
            let at = number.checked_sub(1)?;
            let (binary, value) = *values.get(at)?;
            let declared = prepared.types.get(at).copied().filter(|oid| !matches!(*oid, 0 | UNKNOWN));
            let wire = |oid: u32| match declared {
                // What goes as a text may be cast to anything.
                Some(text) if Manner::of(text, true) == Some(Manner::Text) => CellType::of(oid, false),
                Some(declared) => CellType::of(declared, binary),
                None => CellType::of(oid, binary),
            };
            looking.refuses(put, value?, wire)
        })
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

/// Looks into what a statement puts into columns.
struct IntoPuts<'s>(Storing<'s>);

impl IntoPuts<'_> {
    /// Why a value does not go there: `wire` says as what it is read where it may go into a column of a type, and where nobody knows (0).
    fn refuses(&mut self, put: &PlainPut, value: &[u8], wire: impl Fn(u32) -> CellType) -> Option<Declined> {
        let is_one = put.into.first().zip(put.into.last()).is_none_or(|(one, other)| one.column == other.column);
        // What is long has more to say than the name of a column.
        if !is_one && value.len() > ALONE_BYTES_MAX {
            return self.refuses_by_name(put, "", &put.into, value, &wire);
        }
        let groups = put.into.chunk_by(|one, other| one.column == other.column);
        let mut named = groups.filter_map(|group| Some((group.first()?.column.as_str(), group)));
        named.find_map(|(name, group)| self.refuses_by_name(put, name, group, value, &wire))
    }

    fn refuses_by_name(
        &mut self,
        put: &PlainPut,
        name: &str,
        into: &[PlainInto],
        value: &[u8],
        wire: &impl Fn(u32) -> CellType,
    ) -> Option<Declined> {
        let is_typed = matches!(put.read_as, ReadAs::Column | ReadAs::ColumnPerhaps) && !name.is_empty();
        let mut types = into.chunk_by(|one, other| !is_typed || one.type_oid == other.type_oid);
        types.find_map(|into| {
            let mut read = |wire: CellType| {
                each_said(wire, value, &mut |said| match said {
                    Said::Bytes(value) => self.0.refuses(name, columns(into), value),
                    Said::Unread => self.0.refuses_unread(columns(into), UNREAD),
                })
            };
            let own = into.first().filter(|_| is_typed).map_or(0, |into| into.type_oid);
            // Where it is not known for sure it is a constant.
            let anything = CellType::of(0, false);
            match put.read_as {
                ReadAs::Column => read(wire(own)),
                ReadAs::ColumnPerhaps => read(CellType::of(own, false)).or_else(|| read(anything)),
                ReadAs::Type(oid) => read(wire(oid)),
                ReadAs::TypePerhaps(oid) => read(CellType::of(oid, false)).or_else(|| read(anything)),
                ReadAs::Anything => read(wire(0)),
            }
        })
    }

    fn refuses_unread(&mut self, into: &[PlainInto], what: &str) -> Option<Declined> {
        self.0.refuses_unread(columns(into), what)
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

fn puts(interpreted: &Interpreted) -> impl Iterator<Item = &PlainPut> {
    interpreted.statements.iter().flat_map(all_of).flat_map(|statement| &statement.puts)
}
