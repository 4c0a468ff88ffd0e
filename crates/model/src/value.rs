//! A value on its way to a caller, free of any wire format.

use std::borrow::Cow;

/// What a cell holds. A protocol's `CellCodec` reads its own wire types into this and writes them back.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// Text of any length.
    Text(Cow<'a, str>),
    /// A number in its decimal writing.
    Number(Cow<'a, str>),
    /// A calendar date, proleptic Gregorian. `text` is how the target wrote it.
    Date {
        /// Year; negative before the year 1.
        year: i32,
        /// Month, 1 to 12.
        month: u8,
        /// Day, 1 to 31.
        day: u8,
    },
    /// A universally unique identifier.
    Uuid([u8; 16]),
    /// True or false.
    Bool(bool),
}
