//! What stands around a constant or parameter: as what it is read there, and what is cut off of that.

use super::beside::Beside;
use super::{TEXT, TEXTS};
use crate::statement::ReadAs;
use crate::tree::Tree;

/// So many cuts are told apart: of what stands in more nobody knows what is left.
const CUTS_MAX: usize = 8;

/// How what stands somewhere is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    /// As this. It is cut off so by the casts that stand directly around it.
    read_as: ReadAs,
    /// Whether nothing stands around it but a cast, if at all: then a parameter is of that type, and else of one that the server finds out.
    alone: bool,
    /// Whether it may become a `name`, as far as what stands around it says: a text does where something beside it is one, or a cast around it.
    may_be_name: bool,
    /// Whether bits stay bits here, if they go into a column of bits.
    keeps_bits: bool,
    /// The type that it may be of by what stands beside it, if that is read in a way of its own.
    own_way: Option<u32>,
    /// How else it may be cut off, by what stands further out or is of a type that nobody here knows.
    cuts: [Option<ReadAs>; CUTS_MAX],
}

impl Around {
    pub(super) fn of(read_as: ReadAs, alone: bool) -> Self {
        let keeps_bits = matches!(read_as, ReadAs::Column | ReadAs::ColumnPerhaps | ReadAs::Bits(_));
        let may_be_name = read_as.may_be_name();
        let around = Self { read_as, alone, may_be_name, keeps_bits, own_way: None, cuts: [None; CUTS_MAX] };
        if read_as == ReadAs::CutSomewhere { around.further() } else { around }
    }

    /// Of what stands within something that makes another value of it.
    pub(super) fn further(self) -> Self {
        let around = Self { read_as: ReadAs::Anything, alone: false, keeps_bits: false, own_way: None, ..self };
        around.cut(Some(self.read_as).filter(|read_as| read_as.is_cut()))
    }

    /// Of what stands within something of which the value may be this very one.
    pub(super) fn perhaps(self) -> Self {
        let read_as = if matches!(self.read_as, ReadAs::Bits(_)) { self.read_as } else { self.read_as.perhaps() };
        Self { read_as, alone: false, ..self }
    }

    /// Of what a function makes something else of.
    pub(super) fn made(self) -> Self {
        self.further().named(false)
    }

    /// Of what an operator makes something else of: of bits it makes bits, where these are due.
    pub(super) fn operated(self) -> Self {
        Self { keeps_bits: self.keeps_bits, ..self.made() }
    }

    /// Of what may become a `name` or not.
    pub(super) fn named(self, may_be_name: bool) -> Self {
        Self { may_be_name, ..self }
    }

    /// Of one of those that stand beside each other.
    pub(super) fn beside(self, others: &Beside, own: &Tree) -> Self {
        let own_way = others.own_way().or(self.own_way);
        Self { may_be_name: self.may_be_name || others.may_name(own), own_way, ..self }
    }

    /// Whether bits stay bits here, if they go into a column of bits.
    pub(super) fn keeps_bits(&self) -> bool {
        self.keeps_bits
    }

    /// Of what is cast to bits, which stay what they are here.
    pub(super) fn bits_as(self, bits: ReadAs) -> Self {
        Self { read_as: bits, keeps_bits: true, ..self.made() }
    }

    /// Of a constant that is of bits.
    pub(super) fn bits(self) -> Self {
        let is_operand = self.keeps_bits && self.read_as == ReadAs::Anything;
        if is_operand { self.bits_as(ReadAs::Bits(None)) } else { self }
    }

    /// Of what may be cut off so as well.
    pub(super) fn cut(mut self, cut: Option<ReadAs>) -> Self {
        let Some(cut) = cut.filter(|cut| !self.cuts.contains(&Some(*cut))) else { return self };
        match self.cuts.iter_mut().find(|room| room.is_none()) {
            Some(room) => *room = Some(cut),
            None => {
                self.cuts = [None; CUTS_MAX];
                return self.cut(Some(ReadAs::CutSomewhere));
            }
        }
        self
    }

    /// Of what is cast to a type within it.
    pub(super) fn cast(self, own: ReadAs, is_parameter: bool) -> Self {
        let is_whole = self.alone && self.read_as == ReadAs::Column;
        let read_as = match (self.read_as, own) {
            (_, ReadAs::CutSomewhere) => {
                let around = self.cut(Some(own));
                return around.cast(ReadAs::Type(TEXT), is_parameter);
            }
            _ if is_whole => own,
            (ReadAs::Bits(_), _) => return self.further().cast(own, is_parameter),
            (ReadAs::Cut(outer), ReadAs::Cut(inner)) => ReadAs::Cut(outer.min(inner)),
            (_, ReadAs::Cut(_)) => own,
            (ReadAs::Cut(_), _) if is_of_text(own) => self.read_as,
            // It is cut off only once it is a text.
            (ReadAs::Cut(_), _) => return self.further().cast(own, is_parameter),
            (ReadAs::Type(oid) | ReadAs::TypeWithin(oid) | ReadAs::TextOf(oid), _) if is_of_text(own) => {
                ReadAs::TextOf(oid)
            }
            _ if is_parameter || is_telling(own) => own.within(),
            (ReadAs::Type(_) | ReadAs::TypeWithin(_) | ReadAs::TextOf(_) | ReadAs::TypePerhaps(_), _) => {
                self.read_as.perhaps()
            }
            _ if is_of_text(own) => own.within(),
            _ => own.perhaps(),
        };
        Self { read_as, alone: is_parameter, keeps_bits: false, own_way: None, ..self }
    }

    /// The ways in which a constant is read here. What is cut off is looked at as one of any type as well.
    pub(super) fn each_of_constant(self, read: impl FnMut(ReadAs)) {
        let is_cut = || self.read_as.is_cut() || self.cuts.iter().any(Option::is_some);
        let own = Some(self.or_made(self.read_as)).filter(|_| self.read_as != ReadAs::Anything || !is_cut());
        self.each(own, None, read);
    }

    /// The same of a parameter, which may come in binary and be of a type that the server finds out.
    pub(super) fn each_of_parameter(self, read: impl FnMut(ReadAs)) {
        let is_sure = self.alone || matches!(self.read_as, ReadAs::Bits(_));
        let own = self.or_made(if is_sure { self.read_as } else { ReadAs::Anything });
        let cut = Some(self.read_as).filter(|read_as| !is_sure && read_as.is_cut());
        self.each(Some(own), cut, read);
    }

    /// In these ways, and in those that come of all that stands around it.
    fn each(&self, own: Option<ReadAs>, cut: Option<ReadAs>, read: impl FnMut(ReadAs)) {
        let own_way = self.own_way.map(ReadAs::TypePerhaps);
        let is_seen = own.is_some_and(ReadAs::may_be_name);
        let name = (self.may_be_name && !is_seen).then_some(ReadAs::Name);
        let cuts = self.cuts.into_iter().flatten();
        own.into_iter().chain(own_way).chain(cut).chain(cuts).chain(name).for_each(read);
    }

    /// As one of any type only as far as it may become one.
    fn or_made(&self, read_as: ReadAs) -> ReadAs {
        if read_as == ReadAs::Anything && !self.may_be_name { ReadAs::Made } else { read_as }
    }
}

/// Whether values of a type say what they are of by themselves, other than texts.
fn is_telling(read_as: ReadAs) -> bool {
    matches!(read_as, ReadAs::Type(_)) && !is_of_text(read_as)
}

fn is_of_text(read_as: ReadAs) -> bool {
    matches!(read_as, ReadAs::Type(oid) if TEXTS.contains(&oid))
}
