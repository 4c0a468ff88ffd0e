//! What is found in values on their way into columns that nobody has classified: constants of a text, and parameters.
//!
//! It is as if the column were of the class: `store` is asked on it. A value in which nothing is found asks nothing.

use gate::{Declined, Search, Session};
use model::{Part, UnixMicros};
use sql_postgres::{Given, PlainPut};

use super::Conversation;
use super::long_bind::LONG_BIND_BYTES;
use super::lowered::UNKNOWN;
use super::statements::{Portal, Prepared};
use crate::cells::{CellType, Manner, Said, each_said};
use crate::interpret::{Interpreted, all_of};
use crate::wire::frontend::Bind;

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
        puts(interpreted).find_map(|put| match &put.given {
            Given::Constant(value) => {
                let wire = CellType::of(put.type_oid, false);
                each_said(wire, value.as_bytes(), &mut |said| self.refuses_put(put, said, now))
            }
            Given::Parameter(_) => None,
            Given::TooMuch => self.refuses_put(put, Said::Unread, now),
        })
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
        std::iter::once(first).chain(puts).find_map(|(number, put)| {
            let at = number.checked_sub(1)?;
            let (binary, value) = *values.get(at)?;
            let declared = prepared.types.get(at).copied().filter(|oid| !matches!(*oid, 0 | UNKNOWN));
            // What goes as a text may be cast to anything.
            let cast = |oid: &u32| put.type_oid == 0 && Manner::of(*oid, true) == Some(Manner::Text);
            let wire = match declared {
                Some(oid) if cast(&oid) => CellType::of(0, false),
                Some(oid) => CellType::of(oid, binary),
                None => CellType::of(put.type_oid, binary),
            };
            each_said(wire, value?, &mut |said| self.refuses_put(put, said, now))
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
        let search = self.catalogs.search()?;
        let what = format!("a Bind of more than {LONG_BIND_BYTES} bytes");
        let mut puts = puts(interpreted).filter(|put| matches!(put.given, Given::Parameter(_)));
        let refused = puts.find_map(|put| self.session.refuses_unread(search, (&put.part, &put.column), &what, now))?;
        Some(Declined { hint: Some("Send its long values with another statement.".to_owned()), ..refused })
    }

    fn refuses_put(&self, put: &PlainPut, said: Said<'_>, now: UnixMicros) -> Option<Declined> {
        refuses(&self.session, self.catalogs.search()?, (&put.part, &put.column), said, now)
    }
}

/// Why something that a value says may not be stored in a column that is not classified.
pub(super) fn refuses(
    session: &Session,
    search: &Search,
    column: (&Part, &str),
    said: Said<'_>,
    now: UnixMicros,
) -> Option<Declined> {
    match said {
        Said::Bytes(value) => session.refuses_store(search, column, value, now),
        Said::Unread => session.refuses_unread(search, column, UNREAD, now),
    }
}

fn puts(interpreted: &Interpreted) -> impl Iterator<Item = &PlainPut> {
    interpreted.statements.iter().flat_map(all_of).flat_map(|statement| &statement.puts)
}
