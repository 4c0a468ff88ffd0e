//! What statements and sessions are searched by, and under which number a set of them is kept.
//!
//! A value has as many facets as somebody may have names for it: `public.customers.ssn` is found as `customers.ssn` and
//! as `ssn`, `pii.email` shown in part as `pii`, `pii.email` and `pii.email:partial`. So a search asks for one facet each.
//! Values are compared in lower case.

use crate::bits::CHUNK;

/// What kind of value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Person,
    Owner,
    Group,
    Target,
    Run,
    Table,
    Column,
    Class,
    Rule,
    /// A frequent word of texts, or two that follow each other.
    Term,
}

impl Kind {
    /// As the table says it.
    pub fn number(self) -> i64 {
        match self {
            Self::Person => 1,
            Self::Owner => 2,
            Self::Group => 3,
            Self::Target => 4,
            Self::Run => 5,
            Self::Table => 6,
            Self::Column => 7,
            Self::Class => 8,
            Self::Rule => 9,
            Self::Term => 10,
        }
    }
}

/// A value of a kind, in lower case.
pub(crate) type Value = (Kind, String);

/// What is numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Space {
    Sessions,
    Statements,
}

/// A facet's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Facet(u64);

impl Facet {
    /// Bits of a number of rows that are kept: more rows than 2^40 - 1 count as that many.
    pub const ROW_BITS: u32 = 40;
    /// Permitted: a statement, or something in a session.
    pub const PERMITTED: Self = Self(64);
    /// Denied, or turned away.
    pub const DENIED: Self = Self(65);

    /// The bit of this weight is set in the number of rows.
    pub fn row_bit(bit: u32) -> Self {
        Self(u64::from(bit))
    }

    /// A value of the table of facets.
    pub fn value(id: i64) -> Self {
        Self(id.unsigned_abs().saturating_add(1024))
    }

    /// Statements of a session.
    pub fn session(id: i64) -> Self {
        Self(id.unsigned_abs().saturating_add(1 << 32))
    }

    /// Where the set of those of a chunk is kept: facet, space and chunk in one number, the chunk in its lowest 20 bits.
    pub fn set(self, space: Space, chunk: i64) -> i64 {
        let facet = i64::try_from(self.0).unwrap_or(i64::MAX);
        facet.saturating_mul(2).saturating_add(space.number()).saturating_mul(1 << 20).saturating_add(chunk)
    }
}

impl Space {
    fn number(self) -> i64 {
        match self {
            Self::Sessions => 0,
            Self::Statements => 1,
        }
    }

    /// Where a chunk's row is.
    pub fn chunk(self, chunk: i64) -> i64 {
        chunk.saturating_mul(2).saturating_add(self.number())
    }
}

/// The chunk that an entry is in, and its number there.
pub(crate) fn split(id: i64) -> (i64, u16) {
    let chunk = i64::try_from(CHUNK).unwrap_or(1);
    (id.div_euclid(chunk), u16::try_from(id.rem_euclid(chunk)).unwrap_or(0))
}

/// The entry of this number in a chunk.
pub(crate) fn join(chunk: i64, number: u16) -> i64 {
    chunk.saturating_mul(i64::try_from(CHUNK).unwrap_or(1)).saturating_add(i64::from(number))
}

/// A principal: `local:alice` is also `alice`.
pub(crate) fn principal(kind: Kind, id: &str) -> Vec<Value> {
    let name = id.split_once(':').map(|(_issuer, name)| (kind, name.to_lowercase()));
    [(kind, id.to_lowercase())].into_iter().chain(name).collect()
}

/// A run: `acme/nightly#17` is also one of `acme/nightly`.
pub(crate) fn run(id: &str) -> Vec<Value> {
    let workflow = id.split_once('#').map(|(workflow, _run)| (Kind::Run, workflow.to_lowercase()));
    [(Kind::Run, id.to_lowercase())].into_iter().chain(workflow).collect()
}

/// A class with its sight: `pii.email:partial` is also `pii:partial`.
pub(crate) fn class(shown: &str) -> Vec<Value> {
    let shown = shown.to_lowercase();
    let (class, sight) = shown.split_once(':').map_or((shown.as_str(), None), |(class, sight)| (class, Some(sight)));
    let above = class.match_indices('.').filter_map(|(at, _)| class.get(..at));
    let with_sight = |class: &str| sight.map(|sight| (Kind::Class, format!("{class}:{sight}")));
    let names = above.chain([class]);
    names.flat_map(|class| [Some((Kind::Class, class.to_owned())), with_sight(class)]).flatten().collect()
}

/// A rule.
pub(crate) fn rule(id: &str) -> Vec<Value> {
    vec![(Kind::Rule, id.to_lowercase())]
}

/// What was asked: `select Table::"shop/public.orders"`, `probe Field::"shop/public.people.ssn" of pii.national_id`.
pub(crate) fn ask(words: &str) -> Vec<Value> {
    let Some((_action, object)) = words.split_once(' ') else { return Vec::new() };
    let Some((kind, rest)) = object.split_once("::\"") else { return Vec::new() };
    // A name may hold quotes itself; what follows the last one is the class.
    let Some((name, after)) = rest.rsplit_once('"') else { return Vec::new() };
    let Some((_target, name)) = name.split_once('/') else { return Vec::new() };
    match kind {
        "Table" => ends(Kind::Table, name),
        "Field" => {
            let mut values = field(name);
            values.extend(after.strip_prefix(" of ").into_iter().flat_map(class));
            values
        }
        _ => Vec::new(),
    }
}

/// A field with the object that it is in: `public.people.ssn`.
pub(crate) fn field(name: &str) -> Vec<Value> {
    let mut values = ends(Kind::Column, name);
    values.extend(name.rsplit_once('.').into_iter().flat_map(|(table, _)| ends(Kind::Table, table)));
    values
}

/// A field with its sight: `public.people.ssn:nothing`.
pub(crate) fn shown_field(shown: &str) -> Vec<Value> {
    let (name, sight) = shown.rsplit_once(':').unwrap_or((shown, ""));
    let names = ends(Kind::Column, name);
    let with_sight = names.iter().map(|(kind, name)| (*kind, format!("{name}:{sight}"))).collect::<Vec<_>>();
    let tables = name.rsplit_once('.').into_iter().flat_map(|(table, _)| ends(Kind::Table, table));
    names.into_iter().chain(with_sight).chain(tables).collect()
}

/// A name, and what of it stands behind each dot.
fn ends(kind: Kind, name: &str) -> Vec<Value> {
    let name = name.to_lowercase();
    let behind = name.match_indices('.').filter_map(|(at, dot)| name.get(at.saturating_add(dot.len())..));
    [name.as_str()].into_iter().chain(behind).map(|end| (kind, end.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_a_facet_for_each_name_that_it_is_known_by() {
        let says = |values: Vec<Value>| {
            values.into_iter().map(|(kind, value)| format!("{kind:?} {value}")).collect::<Vec<_>>().join(", ")
        };
        for (values, expected) in [
            (principal(Kind::Person, "Local:Alice@x"), "Person local:alice@x, Person alice@x"),
            (principal(Kind::Owner, "alice"), "Owner alice"),
            (run("acme/Nightly#17"), "Run acme/nightly#17, Run acme/nightly"),
            (class("pii.email:partial"), "Class pii, Class pii:partial, Class pii.email, Class pii.email:partial"),
            (class("unknown:nothing"), "Class unknown, Class unknown:nothing"),
            (ask("select Target::\"shop\""), ""),
            (ask("set Setting::\"shop/search_path\""), ""),
            (ask("select Table::\"shop/public.orders\""), "Table public.orders, Table orders"),
            (ask("select Table::\"shop/public.a\"b\""), "Table public.a\"b, Table a\"b"),
            (
                ask("probe Field::\"shop/public.people.ssn\" of pii.national_id"),
                "Column public.people.ssn, Column people.ssn, Column ssn, Table public.people, Table people, \
                 Class pii, Class pii.national_id",
            ),
            (
                shown_field("public.people.SSN:nothing"),
                "Column public.people.ssn, Column people.ssn, Column ssn, Column public.people.ssn:nothing, \
                 Column people.ssn:nothing, Column ssn:nothing, Table public.people, Table people",
            ),
            (ask(""), ""),
            (ask("select"), ""),
            (ask("select Table::\""), ""),
        ] {
            assert_eq!(says(values), expected);
        }
    }

    #[test]
    fn sets_of_different_things_are_kept_apart() {
        let mut seen = std::collections::BTreeSet::new();
        let facets = [Facet::row_bit(0), Facet::row_bit(39), Facet::PERMITTED, Facet::DENIED, Facet::value(1)];
        for facet in facets.into_iter().chain([Facet::value(1 << 31), Facet::session(0), Facet::session(1 << 31)]) {
            for space in [Space::Sessions, Space::Statements] {
                for chunk in [0, 1, (1 << 20) - 1] {
                    assert!(seen.insert(facet.set(space, chunk)), "{facet:?} {space:?} {chunk}");
                }
            }
        }
        assert_eq!(split(join(3, 65_535)), (3, 65_535));
        assert_eq!(split(196_607), (2, 65_535));
    }
}
