//! What stands around a constant or parameter: as what it is read there, and what is cut off of that.

use super::{NAME_KEPT, TEXTS};
use crate::statement::ReadAs;

/// So many cuts are told apart: of what stands in more nobody knows what is left.
const CUTS_MAX: usize = 8;

/// How what stands somewhere is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    /// As this. It is cut off so by the casts that stand directly around it.
    read_as: ReadAs,
    /// Whether nothing stands around it but a cast, if at all: then a parameter is of that type, and else of one that the server finds out.
    alone: bool,
    /// Whether it may become a `name`, as far as what stands around it says: an argument of a function or an operator does not.
    may_be_name: bool,
    /// How else it may be cut off, by what stands further out or is of a type that nobody here knows.
    cuts: [Option<ReadAs>; CUTS_MAX],
}

impl Around {
    pub(super) fn of(read_as: ReadAs, alone: bool) -> Self {
        let may_be_name = matches!(read_as, ReadAs::ColumnPerhaps | ReadAs::TypePerhaps(_) | ReadAs::Anything);
        let around = Self { read_as, alone, may_be_name, cuts: [None; CUTS_MAX] };
        if read_as == ReadAs::CutSomewhere { around.further() } else { around }
    }

    /// Of what stands within something that makes another value of it.
    pub(super) fn further(self) -> Self {
        let around = Self { read_as: ReadAs::Anything, alone: false, ..self };
        around.cut(Some(self.read_as).filter(|read_as| read_as.is_cut()))
    }

    /// Of what stands within something of which the value may be this very one.
    pub(super) fn perhaps(self) -> Self {
        Self { read_as: self.read_as.perhaps(), alone: false, may_be_name: true, ..self }
    }

    /// Of what a function or an operator makes something else of.
    pub(super) fn made(self) -> Self {
        self.further().named(false)
    }

    /// Of what may become a `name` or not.
    pub(super) fn named(self, may_be_name: bool) -> Self {
        Self { may_be_name, ..self }
    }

    /// Whether nothing stands around it at all but its column.
    pub(super) fn is_column(&self) -> bool {
        self.alone && self.read_as == ReadAs::Column && self.cuts.iter().all(Option::is_none)
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
            // It is no name.
            _ if is_of_text(own) => own.within(),
            _ => own.perhaps(),
        };
        Self { read_as, alone: is_parameter, ..self }
    }

    /// The ways in which a constant is read here. What is cut off is looked at as one of any type as well.
    pub(super) fn each_of_constant(self, mut read: impl FnMut(ReadAs)) {
        let may_be_longer = self.may_be_name && self.all_cuts().any(is_longer_than_name);
        match self.read_as {
            ReadAs::Anything if may_be_longer || self.all_cuts().next().is_none() => read(self.anything()),
            ReadAs::Anything => {}
            cut @ ReadAs::Cut(_) if may_be_longer => [cut, ReadAs::Anything].into_iter().for_each(&mut read),
            other => read(other),
        }
        self.cuts.into_iter().flatten().for_each(read);
    }

    /// In all ways in which it may be cut off.
    fn all_cuts(&self) -> impl Iterator<Item = ReadAs> {
        self.cuts.into_iter().flatten().chain(Some(self.read_as).filter(|read_as| read_as.is_cut()))
    }

    /// As one of any type, as far as it may be one.
    fn anything(&self) -> ReadAs {
        if self.may_be_name { ReadAs::Anything } else { ReadAs::Made }
    }

    /// The same of a parameter, which may come in binary and be of a type that the server finds out.
    pub(super) fn each_of_parameter(self, mut read: impl FnMut(ReadAs)) {
        let cut = Some(self.read_as).filter(|read_as| !self.alone && read_as.is_cut());
        read(if self.alone && self.read_as != ReadAs::Anything { self.read_as } else { self.anything() });
        cut.into_iter().chain(self.cuts.into_iter().flatten()).for_each(read);
    }
}

/// `text`.
const TEXT: u32 = 25;

/// Whether values of a type say what they are of by themselves, other than texts.
fn is_telling(read_as: ReadAs) -> bool {
    matches!(read_as, ReadAs::Type(_)) && !is_of_text(read_as)
}

/// Whether so much is left of it that a `name` keeps less.
fn is_longer_than_name(cut: ReadAs) -> bool {
    matches!(cut, ReadAs::Cut(length) if length > NAME_KEPT)
}

fn is_of_text(read_as: ReadAs) -> bool {
    matches!(read_as, ReadAs::Type(oid) if TEXTS.contains(&oid))
}
