//! Built-in types by their fixed oids (`pg_type.dat`). Types that are made in a database have other oids in each, and are
//! not known: enums, composite types, extensions. A domain is described as its base type.

use super::net::NetKind;
use super::number::NumberKind;
use super::time::TimeKind;

/// `text`.
pub(super) const TEXT: u32 = 25;
/// `numeric`.
pub(super) const NUMERIC: u32 = 1700;

/// What is known of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Text whose binary form is the same bytes.
    Text,
    Json,
    Jsonb,
    Bytes,
    Uuid,
    Number(NumberKind),
    Time(TimeKind),
    Net(NetKind),
    /// An array of elements of this type.
    Array(u32),
    /// A row of no named type.
    Record,
    /// A range with bounds of this type.
    Range(u32),
    /// A list of ranges of this range type.
    Multirange(u32),
}

impl Family {
    pub(super) fn of(oid: u32) -> Option<Self> {
        Some(match oid {
            17 => Self::Bytes,
            19 | TEXT | 705 | 1042 | 1043 => Self::Text, // name, text, unknown, bpchar, varchar
            20 => Self::Number(NumberKind::Int8),
            21 => Self::Number(NumberKind::Int2),
            23 => Self::Number(NumberKind::Int4),
            26 => Self::Number(NumberKind::Oid),
            114 => Self::Json,
            650 => Self::Net(NetKind::Cidr),
            700 => Self::Number(NumberKind::Float4),
            701 => Self::Number(NumberKind::Float8),
            774 => Self::Net(NetKind::Mac8),
            829 => Self::Net(NetKind::Mac),
            869 => Self::Net(NetKind::Inet),
            1082 => Self::Time(TimeKind::Date),
            1114 => Self::Time(TimeKind::Timestamp),
            1184 => Self::Time(TimeKind::TimestampTz),
            NUMERIC => Self::Number(NumberKind::Numeric),
            2249 => Self::Record,
            2950 => Self::Uuid,
            3802 => Self::Jsonb,
            3904 => Self::Range(23),        // int4range
            3906 => Self::Range(NUMERIC),   // numrange
            3908 => Self::Range(1114),      // tsrange
            3910 => Self::Range(1184),      // tstzrange
            3912 => Self::Range(1082),      // daterange
            3926 => Self::Range(20),        // int8range
            4451 => Self::Multirange(3904), // int4multirange
            4532 => Self::Multirange(3906), // nummultirange
            4533 => Self::Multirange(3908), // tsmultirange
            4534 => Self::Multirange(3910), // tstzmultirange
            4535 => Self::Multirange(3912), // datemultirange
            4536 => Self::Multirange(3926), // int8multirange
            array => Self::Array(element(array)?),
        })
    }
}

/// The element type of an array type, of those above.
fn element(array: u32) -> Option<u32> {
    ARRAYS.iter().find(|(known, _)| *known == array).map(|(_, element)| *element)
}

/// Array types and their elements.
pub(super) const ARRAYS: [(u32, u32); 35] = [
    (199, 114),      // json
    (651, 650),      // cidr
    (775, 774),      // macaddr8
    (1001, 17),      // bytea
    (1003, 19),      // name
    (1005, 21),      // int2
    (1007, 23),      // int4
    (1009, TEXT),    // text
    (1014, 1042),    // bpchar
    (1015, 1043),    // varchar
    (1016, 20),      // int8
    (1021, 700),     // float4
    (1022, 701),     // float8
    (1028, 26),      // oid
    (1040, 829),     // macaddr
    (1041, 869),     // inet
    (1115, 1114),    // timestamp
    (1182, 1082),    // date
    (1185, 1184),    // timestamptz
    (1231, NUMERIC), // numeric
    (2287, 2249),    // record
    (2951, 2950),    // uuid
    (3807, 3802),    // jsonb
    (3905, 3904),    // int4range
    (3907, 3906),    // numrange
    (3909, 3908),    // tsrange
    (3911, 3910),    // tstzrange
    (3913, 3912),    // daterange
    (3927, 3926),    // int8range
    (6150, 4451),    // int4multirange
    (6151, 4532),    // nummultirange
    (6152, 4533),    // tsmultirange
    (6153, 4534),    // tstzmultirange
    (6155, 4535),    // datemultirange
    (6157, 4536),    // int8multirange
];
