//! What a table, a subquery or a join gives.

use std::sync::Arc;

use crate::origin::Origin;
use crate::shape::{Form, Parts, Shaped};

/// A column of some rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column<'a> {
    /// Its name; `None` if that can't be told: then it may be any.
    pub name: Option<&'a str>,
    /// Of what its values are made.
    pub origin: Origin,
    /// Whether there is such a column for certain: a name may mean one of several tables, which do not all have it.
    pub certain: bool,
    /// Whether it is the column of a table, through whatever queries and names, and nothing computed.
    pub bare: bool,
}

/// What a table, a subquery or a join gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows<'a> {
    /// Its columns.
    pub columns: Vec<Column<'a>>,
    /// Set if they are not known to stand in this order.
    pub unordered: bool,
    /// Whether a whole row has a value under each of these names, in this order. A table that was given other names for its columns
    /// has rows with the old ones.
    pub named: bool,
    /// Of what further columns are made, if there may be some.
    pub more: Option<Origin>,
    /// Names of columns that every table of this kind has beside its own, which hold nothing that matters and are in no star.
    pub system: &'a [&'a str],
}

/// One output of a query, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// One column.
    One(Column<'a>),
    /// Any number of columns, each made of this or of a part of it.
    Many {
        /// Of what.
        origin: Origin,
        /// Whether each is the column of a table, and nothing computed.
        bare: bool,
    },
}

impl<'a> Output<'a> {
    /// Any number of columns that are computed of this.
    pub fn many(origin: Origin) -> Self {
        Self::Many { origin, bare: false }
    }

    /// Of what it is made.
    pub fn origin(&self) -> &Origin {
        match self {
            Self::One(column) => &column.origin,
            Self::Many { origin, .. } => origin,
        }
    }
}

impl<'a> Column<'a> {
    /// The one of two that a name means. A name means one thing, or the server refuses the statement: what has it for certain is
    /// meant, whatever else may have it.
    pub fn or(self, other: Self) -> Self {
        match (self.certain, other.certain) {
            (true, false) => self,
            (false, true) => other,
            (certain, _) => {
                let bare = self.bare && other.bare;
                Self { origin: self.origin.or(other.origin), bare, certain, ..self }
            }
        }
    }

    /// Something that is computed.
    pub fn computed(name: Option<&'a str>, origin: Origin) -> Self {
        Self { name, origin, certain: true, bare: false }
    }
}

impl<'a> Rows<'a> {
    /// Rows of which nothing is known.
    pub fn unknown() -> Self {
        Self::any(Origin::Unknown)
    }

    /// Rows of any number of columns, each made of this.
    pub fn any(origin: Origin) -> Self {
        Self { more: Some(origin), ..Self::default() }
    }

    /// The rows of a query with these outputs.
    pub fn of(outputs: Vec<Output<'a>>) -> Self {
        let mut rows = Self { named: true, ..Self::default() };
        for output in outputs {
            match output {
                // Behind any number of columns nobody knows which is the n-th, and an alias may name it.
                Output::One(column) if rows.more.is_none() => rows.columns.push(column),
                Output::One(column) => {
                    rows.columns.push(Column { name: None, certain: false, bare: false, ..column });
                }
                Output::Many { origin, .. } => {
                    // Nor which of those before it.
                    rows.more = Some(rows.more.map_or(origin.clone(), |more| more.with(origin)));
                }
            }
        }
        rows
    }

    /// Whether it is known which columns there are, and in which order.
    pub fn is_closed(&self) -> bool {
        self.more.is_none() && !self.unordered && self.columns.iter().all(|column| column.certain)
    }

    /// Whether every column is as it is stored: that a whole row is missing says nothing of its values then.
    pub fn is_stored(&self) -> bool {
        self.more.is_none() && self.columns.iter().all(|column| matches!(column.origin, Origin::Free | Origin::Copy(_)))
    }

    /// Of what a whole row is made.
    pub fn row(&self) -> Origin {
        let columns = self.columns.iter().map(|column| column.origin.clone());
        columns.chain(self.more.clone()).fold(Origin::Free, Origin::with)
    }

    /// Of what a whole row is made, with what is under each of its names, if that is known.
    pub fn record(&self) -> Origin {
        if !self.named || !self.is_closed() {
            return self.row();
        }
        let named = |column: &Column<'a>| Some((Arc::from(column.name?), column.origin.clone()));
        match self.columns.iter().map(named).collect::<Option<Vec<_>>>() {
            Some(named) => Shaped::origin(Form::Row, Parts::Named(named)),
            None => self.row(),
        }
    }

    /// What a star gives.
    pub fn star(&self) -> Vec<Output<'a>> {
        if self.is_closed() {
            return self.columns.iter().cloned().map(Output::One).collect();
        }
        let bare = self.more.is_none() && self.columns.iter().all(|column| column.bare);
        vec![Output::Many { origin: self.row(), bare }]
    }

    /// The column of this name, [`certain`](Column::certain) if there is one of it and not only one that may be.
    pub fn column(&self, name: &str) -> Option<Column<'a>> {
        let system = self.system.contains(&name).then(|| Column { bare: true, ..Column::computed(None, Origin::Free) });
        self.listed(name).into_iter().chain(system).reduce(Column::or)
    }

    /// The same without those that every table has: in a join they are found with their table's name alone.
    pub fn listed(&self, name: &str) -> Option<Column<'a>> {
        let of_this_name = self.columns.iter().filter(|column| column.name.is_none_or(|known| known == name));
        let listed =
            of_this_name.map(|column| Column { certain: column.certain && column.name.is_some(), ..column.clone() });
        let more = self.more.as_ref().map(|more| Column { certain: false, ..Column::computed(None, more.clone()) });
        listed.chain(more).reduce(Column::or)
    }

    /// The same rows with other names for the first columns.
    pub fn renamed(mut self, names: impl Iterator<Item = &'a str>) -> Self {
        if self.is_closed() {
            self.columns.iter_mut().zip(names).for_each(|(column, name)| column.name = Some(name));
            return self;
        }
        // Each may be any, and so may what has none of these names.
        let row = self.row();
        let named = names.map(|name| Column { certain: false, ..Column::computed(Some(name), row.clone()) });
        let columns: Vec<_> = named.collect();
        if columns.is_empty() {
            return self;
        }
        Self { columns, more: Some(row), system: self.system, ..Self::default() }
    }

    /// The rows of both: what a set operation gives has the names of the first.
    pub fn united(self, other: Self) -> Self {
        if !self.is_closed() || !other.is_closed() || self.columns.len() != other.columns.len() {
            let names: Vec<_> = self.columns.iter().map(|column| column.name).collect();
            let row = self.row().with(other.row());
            let columns =
                names.into_iter().map(|name| Column { certain: false, ..Column::computed(name, row.clone()) });
            return Self { columns: columns.collect(), more: Some(row.clone()), ..Self::default() };
        }
        let pairs = self.columns.into_iter().zip(other.columns);
        let columns = pairs.map(|(one, two)| Column::computed(one.name, one.origin.or(two.origin)));
        Self { columns: columns.collect(), ..Self::default() }
    }

    /// Rows that are of one table or of another, and nobody knows of which.
    pub fn either(self, other: Self) -> Self {
        let same = |one: &Column<'a>, two: &Column<'a>| one.name.is_some() && one.name == two.name;
        let ordered = self.columns.len() == other.columns.len()
            && self.columns.iter().zip(&other.columns).all(|(one, two)| same(one, two));
        let mut rows = self;
        for column in &mut rows.columns {
            column.certain &= other.columns.iter().any(|two| same(column, two) && two.certain);
        }
        for column in other.columns {
            match rows.columns.iter_mut().find(|one| same(one, &column)) {
                Some(one) => {
                    one.origin = std::mem::take(&mut one.origin).or(column.origin);
                    one.bare &= column.bare;
                    one.certain &= ordered || column.certain;
                }
                None => rows.columns.push(Column { certain: false, ..column }),
            }
        }
        rows.more = match (rows.more, other.more) {
            (Some(one), Some(two)) => Some(one.with(two)),
            (one, two) => one.or(two),
        };
        rows.unordered |= other.unordered || !ordered;
        rows.named &= other.named;
        if rows.system != other.system {
            rows.system = &[];
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Source;

    fn column(name: &'static str, source: Option<u32>) -> Column<'static> {
        let origin = source.map_or(Origin::Free, |source| Origin::Copy(Source(source)));
        Column { bare: true, ..Column::computed(Some(name), origin) }
    }

    fn rows(columns: &[(&'static str, Option<u32>)]) -> Rows<'static> {
        Rows { columns: columns.iter().map(|(name, source)| column(name, *source)).collect(), ..Rows::default() }
    }

    fn origins(rows: &Rows<'_>) -> Vec<String> {
        let outputs = rows.star().into_iter().map(|output| match output {
            Output::One(column) => format!("{:?}", column.origin.sources().iter().map(|s| s.0).collect::<Vec<_>>()),
            Output::Many { origin, .. } => {
                format!("*{:?}", origin.sources().iter().map(|source| source.0).collect::<Vec<_>>())
            }
        });
        outputs.collect()
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let rows = rows(&[("a", None), ("b", Some(1)), ("b", Some(2))]);
        assert_eq!(rows.column("a").unwrap().origin, Origin::Free);
        assert_eq!(rows.column("b").unwrap().origin, Origin::Copy(Source(1)).with(Origin::Copy(Source(2))));
        assert_eq!(rows.column("c"), None);
        assert!(rows.column("a").unwrap().certain);
    }

    #[test]
    fn what_may_have_any_name_or_may_be_more_is_found_by_every_name_and_for_certain_by_none() {
        let mut rows = rows(&[("a", None), ("b", Some(1))]);
        rows.columns[1].name = None;
        let found = rows.column("c").unwrap();
        assert_eq!((found.origin, found.certain), (Origin::Copy(Source(1)), false));
        // What has the name for certain is meant: if another had it as well, the server would refuse the statement.
        assert_eq!(rows.column("a").unwrap().origin, Origin::Free);
        rows.more = Some(Origin::Unknown);
        assert_eq!(rows.column("a").unwrap().origin, Origin::Free);
        rows.columns[0].certain = false;
        assert_eq!(rows.column("a").unwrap().origin, Origin::Unknown);
        assert_eq!(rows.star(), [Output::many(Origin::Unknown)]);
    }

    #[test]
    fn a_whole_row_is_known_by_its_names_where_all_of_them_are_known() {
        let named = |rows: Rows<'static>| Rows { named: true, ..rows };
        let known = || named(rows(&[("a", None), ("b", Some(1))]));
        let is_shaped = |rows: &Rows<'_>| {
            assert_eq!(rows.record().sources(), rows.row().sources());
            matches!(rows.record(), Origin::Shaped(_))
        };
        assert!(is_shaped(&known()));
        assert!(!is_shaped(&rows(&[("a", None), ("b", Some(1))])));
        assert!(!is_shaped(&Rows { unordered: true, ..known() }));
        assert!(!is_shaped(&Rows { more: Some(Origin::Copy(Source(2))), ..known() }));
        assert!(!is_shaped(&named(rows(&[("b", None), ("b", Some(1))]))), "nobody knows which of them is meant");
        assert_eq!(named(rows(&[("a", None)])).record(), Origin::Free);
        let mut nameless = known();
        nameless.columns[0].name = None;
        let mut unsure = known();
        unsure.columns[0].certain = false;
        assert!(!is_shaped(&nameless) && !is_shaped(&unsure));
        assert!(is_shaped(&known().either(known())));
        assert!(!is_shaped(&known().either(rows(&[("a", None), ("b", Some(1))]))));
        assert!(!is_shaped(&known().either(named(rows(&[("b", Some(1)), ("a", None)])))));
        assert!(is_shaped(&Rows::of(known().star())) && is_shaped(&known().renamed(["x"].into_iter())));
    }

    #[test]
    fn new_names_hide_the_old_ones() {
        let renamed = rows(&[("a", None), ("b", Some(1))]).renamed(["x"].into_iter());
        assert!(renamed.column("x").is_some() && renamed.column("a").is_none() && renamed.column("b").is_some());
        // Where it is not known which is the first, each name may be any column.
        let mut open = rows(&[("a", Some(1))]);
        open.more = Some(Origin::Copy(Source(2)));
        let open = open.renamed(["x", "y"].into_iter());
        for name in ["x", "y"] {
            let column = open.column(name).unwrap();
            assert!(
                column.origin.sources().contains(Source(1)) && column.origin.sources().contains(Source(2)),
                "{name}"
            );
            assert!(!column.certain);
        }
    }

    #[test]
    fn a_set_operation_gives_either_under_the_names_of_the_first() {
        let united = rows(&[("a", None), ("b", Some(1))]).united(rows(&[("x", Some(2)), ("y", Some(1))]));
        assert_eq!(origins(&united), ["[2]", "[1]"]);
        assert!(united.column("a").is_some() && united.column("x").is_none());
        assert!(!united.columns[1].bare, "the server gives no place for it");
        let other_width = rows(&[("a", None)]).united(rows(&[("x", Some(2)), ("y", Some(1))]));
        assert_eq!(origins(&other_width), ["*[1, 2]"]);
    }

    #[test]
    fn of_one_table_or_another_only_what_both_have_is_certain() {
        let same = rows(&[("a", None), ("b", Some(1))]).either(rows(&[("a", None), ("b", None)]));
        assert_eq!(origins(&same), ["[]", "[1]"]);
        let other = rows(&[("a", None), ("b", Some(1))]).either(rows(&[("b", None), ("c", Some(2))]));
        assert_eq!(origins(&other), ["*[1, 2]"]);
        assert_eq!(other.column("b").unwrap().origin, Origin::Copy(Source(1)).or(Origin::Free));
        assert!(!other.column("a").unwrap().certain);
        assert!(other.column("c").unwrap().origin.sources().contains(Source(2)));
    }

    #[test]
    fn behind_a_star_that_is_not_known_nothing_has_a_place() {
        let one = |name, source| Output::One(column(name, source));
        let rows = Rows::of(vec![one("a", None), Output::many(Origin::Copy(Source(1))), one("b", Some(2))]);
        assert!(!rows.is_closed());
        let b = rows.column("b").unwrap();
        assert!(!b.certain && b.origin.sources().contains(Source(1)) && b.origin.sources().contains(Source(2)));
    }
}
