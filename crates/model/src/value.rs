//! A value on its way to a caller, free of any wire format.

use std::borrow::Cow;
use std::net::IpAddr;

/// What a cell holds. A protocol's `CellCodec` reads its own wire types into this and writes them back.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// Text of any length.
    Text(Cow<'a, str>),
    /// An exact number in its decimal writing: `-` or nothing, digits, and maybe a point and more digits.
    Number(Cow<'a, str>),
    /// A binary floating point number.
    Real(f64),
    /// A calendar date, proleptic Gregorian; of a moment, its date in UTC or without any zone.
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
    /// Bytes that are no text.
    Bytes(Cow<'a, [u8]>),
    /// A network address: of a host, if the prefix is as long as the address.
    Net {
        /// The address. Bits behind the prefix may be set.
        addr: IpAddr,
        /// How many of its first bits are those of the network.
        prefix: u8,
    },
    /// A hardware address of six bytes.
    Mac([u8; 6]),
    /// A hardware address of eight bytes.
    Eui64([u8; 8]),
}
