//! What is found in values on their way into columns that nobody has classified: constants of a text, and parameters.
//!
//! It is as if the column were of the class: `store` is asked on it. A value in which nothing is found asks nothing.

use gate::Declined;
use model::UnixMicros;
use sql_postgres::{Given, PlainPut};

use super::Conversation;
use super::long_bind::LONG_BIND_BYTES;
use super::lowered::UNKNOWN;
use super::statements::Prepared;
use crate::cells::{CellType, each_said};
use crate::interpret::{Interpreted, all_of};
use crate::wire::frontend::Bind;

impl<S> Conversation<S> {
    /// Why a text does not run in whose constants something is found that may not be stored where they go.
    pub(super) fn refuses_constants(&self, interpreted: &Interpreted, now: UnixMicros) -> Option<Declined> {
        if !interpreted.found {
            return None;
        }
        puts(interpreted).find_map(|put| match &put.given {
            Given::Constant(value) => self.refuses_put(put, value.as_bytes(), now),
            Given::Parameter(_) => None,
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
        self.catalogs.search()?;
        let mut puts = puts(interpreted).filter_map(|put| match put.given {
            Given::Parameter(number) => Some((number, put)),
            Given::Constant(_) => None,
        });
        let first = puts.next()?;
        let values: Vec<(bool, Option<&[u8]>)> = bind.values().collect();
        std::iter::once(first).chain(puts).find_map(|(number, put)| {
            let at = number.checked_sub(1)?;
            let (binary, value) = *values.get(at)?;
            let declared = prepared.types.get(at).copied().filter(|oid| !matches!(*oid, 0 | UNKNOWN));
            let wire = CellType::of(declared.unwrap_or(put.type_oid), binary);
            each_said(wire, value?, &mut |said| self.refuses_put(put, said, now))
        })
    }

    /// Why a Bind does not go whose parameters can't be held, if something in them might not be stored where they go.
    pub(super) fn refuses_unseen(&self, interpreted: &Interpreted, now: UnixMicros) -> Option<Declined> {
        let search = self.catalogs.search()?;
        let put = puts(interpreted).find(|put| {
            matches!(put.given, Given::Parameter(_))
                && self.session.may_refuse_store(search, (&put.part, &put.column), now)
        })?;
        Some(Declined {
            message: format!(
                "a Bind of more than {LONG_BIND_BYTES} bytes can't be looked through for what may not be stored in {}.{}",
                put.part.name, put.column
            ),
            detail: None,
            hint: Some("Send its long values with another statement.".to_owned()),
        })
    }

    fn refuses_put(&self, put: &PlainPut, value: &[u8], now: UnixMicros) -> Option<Declined> {
        self.session.refuses_store(self.catalogs.search()?, (&put.part, &put.column), value, now)
    }
}

fn puts(interpreted: &Interpreted) -> impl Iterator<Item = &PlainPut> {
    interpreted.statements.iter().flat_map(all_of).flat_map(|statement| &statement.puts)
}
